/* slab: references, our own octets and lent ones, and the end of both. */
#include "support/unit.h"

#include "base/slab.h"

enum { COUNT = 5, SIZE = 100, FOREIGN = 3 };

static struct slabs slabs_made(void)
{
  const size_t octets = slabs_octets(COUNT, SIZE, FOREIGN);
  uint8_t *const memory = test_memory(octets);
  struct slabs s;

  memset(memory, 0xa5, octets);
  slabs_init(&s, memory, COUNT, SIZE, FOREIGN);
  for (size_t i = 0; i < octets; i++)
    assert_int_equal(memory[i], 0xa5);        /* untouched */
  return s;
}

TEST(slabs_do_not_overlap_and_are_aligned_and_then_there_are_none)
{
  struct slabs s = slabs_made();
  struct la_slab *slab[COUNT];

  for (int i = 0; i < COUNT; i++) {
    slab[i] = slab_get(&s);
    assert_non_null(slab[i]);
    assert_int_equal(slab[i]->size, SIZE);
    assert_int_equal(slab[i]->refs, 1);
    assert_false(slab[i]->foreign);
    assert_int_equal((uintptr_t)slab[i]->octets % 64, 0);
    memset(slab[i]->octets, i, SIZE);
  }
  for (int i = 0; i < COUNT; i++)
    for (int k = 0; k < SIZE; k++)
      assert_int_equal(slab[i]->octets[k], i);
  assert_null(slab_get(&s));
  assert_int_equal(s.used, COUNT);
  assert_int_equal(s.peak, COUNT);
  free(s.all);
}

TEST(the_last_reference_frees_and_the_warmest_comes_first)
{
  struct slabs s = slabs_made();
  struct la_slab *const a = slab_get(&s);
  struct la_slab *const b = slab_get(&s);

  slab_hold(a);
  slab_release(&s, a);
  assert_int_equal(s.used, 2);
  slab_release(&s, b);
  slab_release(&s, a);
  assert_int_equal(s.used, 0);
  assert_ptr_equal(slab_get(&s), a);
  assert_ptr_equal(slab_get(&s), b);
  assert_int_equal(a->refs, 1);
  assert_int_equal(s.peak, 2);
  free(s.all);
}

TEST(foreign_slabs_show_the_callers_octets_and_come_back_in_order)
{
  struct slabs s = slabs_made();
  uint8_t octets[3][10];
  struct la_slab *slab[FOREIGN];
  void *owners[FOREIGN + 1];

  for (int i = 0; i < FOREIGN; i++) {
    slab[i] = slab_wrap(&s, octets[i], 10, &octets[i]);
    assert_ptr_equal(slab[i]->octets, octets[i]);
    assert_int_equal(slab[i]->size, 10);
    assert_true(slab[i]->foreign);
  }
  assert_null(slab_wrap(&s, octets[0], 10, NULL));
  slab_release(&s, slab[2]);
  slab_release(&s, slab[0]);
  assert_null(slab_wrap(&s, octets[0], 10, NULL));      /* its owner has not been told yet */
  assert_int_equal(slabs_returned(&s, owners, 1), 1);
  assert_ptr_equal(owners[0], octets[2]);
  slab_release(&s, slab[1]);
  assert_int_equal(slabs_returned(&s, owners, FOREIGN + 1), 2);
  assert_ptr_equal(owners[0], octets[0]);
  assert_ptr_equal(owners[1], octets[1]);
  assert_int_equal(slabs_returned(&s, owners, FOREIGN + 1), 0);
  assert_int_equal(s.foreign_used, 0);
  assert_int_equal(s.foreign_peak, FOREIGN);
  for (int i = 0; i < FOREIGN; i++)
    assert_non_null(slab_wrap(&s, octets[i], 10, NULL));
  assert_int_equal(s.used, 0);
  free(s.all);
}

TEST(reclaim_returns_every_lent_slab_once)
{
  struct slabs s = slabs_made();
  uint8_t octets[3];
  void *owners[FOREIGN];
  struct la_slab *const a = slab_wrap(&s, octets, 1, &octets[0]);

  slab_wrap(&s, octets, 1, &octets[1]);
  slab_release(&s, a);
  slabs_reclaim(&s);
  slabs_reclaim(&s);
  assert_int_equal(slabs_returned(&s, owners, FOREIGN), 2);
  assert_ptr_equal(owners[0], &octets[0]);
  assert_ptr_equal(owners[1], &octets[1]);
  free(s.all);
}

TEST(none_of_either_kind_is_a_configuration_too)
{
  struct slabs s;
  uint8_t octet;

  assert_int_equal(slabs_octets(0, SIZE, 0), 0);
  slabs_init(&s, &octet, 0, SIZE, 0);
  assert_null(slab_get(&s));
  assert_null(slab_wrap(&s, &octet, 1, NULL));
}

RUN(cmocka_unit_test(slabs_do_not_overlap_and_are_aligned_and_then_there_are_none),
    cmocka_unit_test(the_last_reference_frees_and_the_warmest_comes_first),
    cmocka_unit_test(foreign_slabs_show_the_callers_octets_and_come_back_in_order),
    cmocka_unit_test(reclaim_returns_every_lent_slab_once),
    cmocka_unit_test(none_of_either_kind_is_a_configuration_too))
