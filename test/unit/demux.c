/* demux: the table of hashes against a plain array, through collisions, and its cost. */
#include "base/rng.h"
#include "stack/stack.h"
#include "support/unit.h"

enum { ENTRIES = 500 };

struct entry { uint32_t tag, what; };

static bool found(const struct demux *d, uint32_t tag, uint32_t what)
{
  uint32_t at = tag, next;

  while ((next = demux_next(d, tag, &at)) != 0)
    if (next == what)
      return true;
  return false;
}

static void all_found(const struct demux *d, const struct entry *entries, unsigned n)
{
  assert_int_equal(d->used, n);
  for (unsigned i = 0; i < n; i++)
    assert_true(found(d, entries[i].tag, entries[i].what));
}

/* `spread`: tags lie below it, so that a small one makes long runs and equal tags. */
static void random_walk(uint32_t spread, uint64_t seed)
{
  struct entry entries[ENTRIES];
  void *const memory = test_memory(demux_octets(ENTRIES));
  struct demux d;
  struct rng rng;
  unsigned n = 0;

  demux_init(&d, memory, ENTRIES);
  rng_seed(&rng, seed);
  for (uint32_t step = 1; step <= 20000; step++) {
    if (n == 0 || (n < ENTRIES && rng_below(&rng, 2))) {
      entries[n] = (struct entry){ rng_below(&rng, spread), step };
      demux_insert(&d, entries[n].tag, entries[n].what);
      n++;
    } else {
      const unsigned i = rng_below(&rng, n);

      demux_erase(&d, entries[i].tag, entries[i].what);
      assert_false(found(&d, entries[i].tag, entries[i].what));
      entries[i] = entries[--n];
    }
    if (step % 500 == 0)
      all_found(&d, entries, n);
  }
  free(memory);
}

TEST(what_is_in_is_found_and_nothing_else)
{
  random_walk(UINT32_MAX, 1);
  random_walk(64, 2);
  random_walk(3, 3);
  random_walk(1, 4);
}

TEST(runs_may_go_round_the_end)
{
  void *const memory = test_memory(demux_octets(8));
  struct demux d;

  demux_init(&d, memory, 8);
  for (uint32_t i = 1; i <= 8; i++)
    demux_insert(&d, d.mask, i);
  for (uint32_t i = 1; i <= 8; i++) {
    demux_erase(&d, d.mask, i);
    for (uint32_t j = i + 1; j <= 8; j++)
      assert_true(found(&d, d.mask, j));
  }
  for (uint32_t i = 0; i <= d.mask; i++)
    assert_int_equal(d.slots[i].what, 0);
  free(memory);
}

/* A search costs the same however many there are: the slots looked at, on average, when full. */
TEST(a_search_is_short_at_any_size)
{
  for (uint32_t n = 16; n <= 1 << 18; n *= 8) {
    void *const memory = test_memory(demux_octets(n));
    struct demux d;
    struct rng rng;
    uint64_t looks = 0;

    demux_init(&d, memory, n);
    rng_seed(&rng, n);
    for (uint32_t i = 1; i <= n; i++)
      demux_insert(&d, (uint32_t)rng_next(&rng), i);
    rng_seed(&rng, n);
    for (uint32_t i = 1; i <= n; i++) {
      const uint32_t tag = (uint32_t)rng_next(&rng);
      uint32_t at = tag;

      while (demux_next(&d, tag, &at) != i)
        assert_true(at < UINT32_MAX);
      looks += (at - tag) & d.mask;
    }
    assert_true(looks < 2 * (uint64_t)n);     /* Knuth 6.4: 1.5 for a table half full */
    free(memory);
  }
}

RUN(cmocka_unit_test(what_is_in_is_found_and_nothing_else),
    cmocka_unit_test(runs_may_go_round_the_end), cmocka_unit_test(a_search_is_short_at_any_size))
