/* pool: constant-time objects, their indices, and what happens at the end of them. */
#include "support/unit.h"

#include "base/pool.h"
#include "base/rng.h"

enum { SIZE = 100, STRIDE = 24 };

static struct pool pool_of(uint32_t stride, uint32_t size)
{
  struct pool p;

  pool_init(&p, test_memory(pool_octets(stride, size)), stride, size);
  return p;
}

TEST(octets_are_a_multiple_of_64_and_suffice)
{
  for (uint32_t size = 0; size < 20; size++) {
    assert_int_equal(pool_octets(STRIDE, size) % 64, 0);
    assert_true(pool_octets(STRIDE, size) >= (size_t)size * STRIDE);
    assert_true(pool_octets(STRIDE, size) < (size_t)size * STRIDE + 64);
  }
  assert_true(pool_octets(1 << 20, 1 << 20) == (size_t)1 << 40);
}

static void all_are(const uint8_t *octets, size_t n, uint8_t value)
{
  for (size_t i = 0; i < n; i++)
    assert_int_equal(octets[i], value);
}

/* A large block costs nothing at the start, and equal runs find equal octets in it. */
TEST(making_a_pool_touches_no_object_and_a_new_one_is_zero)
{
  const size_t octets = pool_octets(STRIDE, SIZE);
  uint8_t *const memory = test_memory(octets);
  struct pool p;

  memset(memory, 0xa5, octets);
  pool_init(&p, memory, STRIDE, SIZE);
  all_are(memory, octets, 0xa5);
  all_are(pool_get(&p), STRIDE, 0);
  all_are(memory + STRIDE, octets - STRIDE, 0xa5);
  free(memory);
}

TEST(all_objects_are_handed_out_once_and_then_none)
{
  struct pool p = pool_of(STRIDE, SIZE);
  bool seen[SIZE] = { false };

  for (uint32_t i = 0; i < SIZE; i++) {
    void *const object = pool_get(&p);
    const uint32_t index = pool_index(&p, object);

    assert_true(index < SIZE);
    assert_false(seen[index]);
    seen[index] = true;
    assert_ptr_equal(pool_at(&p, index), object);
    assert_true(pool_owns(&p, object));
    assert_int_equal(p.used, i + 1);
  }
  assert_null(pool_get(&p));
  assert_null(pool_get(&p));
  assert_int_equal(p.used, SIZE);
  assert_int_equal(p.peak, SIZE);
  free(p.objects);
}

TEST(an_empty_pool_has_nothing)
{
  struct pool p = pool_of(STRIDE, 0);

  assert_null(pool_get(&p));
  free(p.objects);
}

TEST(owns_only_what_begins_an_object_that_was_handed_out)
{
  struct pool p = pool_of(STRIDE, SIZE);
  uint8_t *const object = pool_get(&p);

  assert_true(pool_owns(&p, object));
  assert_false(pool_owns(&p, object + 1));
  assert_false(pool_owns(&p, object + STRIDE));
  assert_false(pool_owns(&p, object - STRIDE));
  assert_false(pool_owns(&p, &p));
  free(p.objects);
}

TEST(the_last_one_back_is_the_first_one_out_and_keeps_all_but_four_octets)
{
  struct pool p = pool_of(STRIDE, SIZE);
  uint8_t *const a = pool_get(&p);
  uint8_t *const b = pool_get(&p);

  memset(a, 1, STRIDE);
  memset(b, 2, STRIDE);
  pool_put(&p, a);
  pool_put(&p, b);
  assert_int_equal(p.used, 0);
  assert_int_equal(p.peak, 2);
  assert_ptr_equal(pool_get(&p), b);
  assert_ptr_equal(pool_get(&p), a);
  for (int i = 4; i < STRIDE; i++) {
    assert_int_equal(a[i], 1);
    assert_int_equal(b[i], 2);
  }
  free(p.objects);
}

/* What is out is filled with its index: nobody else may write there. */
TEST(random_use_never_hands_out_what_is_out)
{
  static const uint32_t strides[] = { 4, 8, 24, 36, 100 };

  for (size_t k = 0; k < sizeof strides / sizeof *strides; k++) {
    const uint32_t stride = strides[k];
    struct pool p = pool_of(stride, SIZE);
    uint8_t *out[SIZE];
    uint32_t n = 0;
    struct rng rng;

    rng_seed(&rng, k);
    for (int step = 0; step < 20000; step++) {
      if (rng_below(&rng, 2) && n < SIZE) {
        out[n] = pool_get(&p);
        assert_non_null(out[n]);
        memset(out[n], (int)pool_index(&p, out[n]), stride);
        n++;
      } else if (n > 0) {
        const uint32_t pick = rng_below(&rng, n);

        for (uint32_t i = 0; i < stride; i++)
          assert_int_equal(out[pick][i], pool_index(&p, out[pick]));
        pool_put(&p, out[pick]);
        out[pick] = out[--n];
      }
      assert_int_equal(p.used, n);
    }
    free(p.objects);
  }
}

RUN(cmocka_unit_test(octets_are_a_multiple_of_64_and_suffice),
    cmocka_unit_test(making_a_pool_touches_no_object_and_a_new_one_is_zero),
    cmocka_unit_test(all_objects_are_handed_out_once_and_then_none),
    cmocka_unit_test(an_empty_pool_has_nothing),
    cmocka_unit_test(owns_only_what_begins_an_object_that_was_handed_out),
    cmocka_unit_test(the_last_one_back_is_the_first_one_out_and_keeps_all_but_four_octets),
    cmocka_unit_test(random_use_never_hands_out_what_is_out))
