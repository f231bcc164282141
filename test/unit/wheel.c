/* wheel: against a plain array that is searched. */
#include "support/unit.h"

#include "base/rng.h"
#include "base/wheel.h"

#define MS INT64_C(1000000)
#define SEC INT64_C(1000000000)
#define TICK (INT64_C(1) << WHEEL_TICK_SHIFT)

static void invariants(const struct wheel *w)
{
  uint32_t count = 0;

  for (int level = 0; level < WHEEL_LEVELS; level++) {
    for (int slot = 0; slot < WHEEL_SLOTS; slot++) {
      const struct list *const head = &w->slots[level][slot];

      assert_int_equal(w->occupied[level] >> slot & 1, !list_empty(head));
      for (const struct list *link = list_next(head); link != head; link = list_next(link)) {
        const struct wheel_node *const node = list_entry(link, struct wheel_node, link);

        assert_true(node->due >= w->soonest);
        count++;
      }
    }
  }
  assert_int_equal(count, w->count);
}

TEST(an_empty_wheel_has_no_deadline_at_any_time)
{
  static const int64_t times[] = { INT64_MIN, -1, 0, 1, SEC, INT64_MAX - 1, INT64_MAX };
  struct wheel w;

  wheel_init(&w, INT64_MIN);
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    assert_true(wheel_next(&w) == WHEEL_NEVER);
    assert_null(wheel_expire(&w, times[i]));
  }
}

/* From one instant, a deadline at every power of two, in every distance the type has. */
TEST(one_node_comes_neither_early_nor_late_at_any_distance)
{
  static const int64_t starts[] = { INT64_MIN, -5 * SEC, -1, 0, 1, 123456789, INT64_MAX / 2 };

  for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
    for (unsigned bit = 0; bit < 62; bit++) {
      const int64_t due = starts[k] + (INT64_C(1) << bit);
      struct wheel_node node;
      struct wheel w;
      int wakes = 0;

      wheel_init(&w, starts[k]);
      wheel_node_init(&node);
      wheel_move(&w, &node, due);
      while (wheel_next(&w) < due) {
        assert_null(wheel_expire(&w, wheel_next(&w)));
        assert_true(++wakes <= WHEEL_LEVELS);
      }
      assert_true(wheel_next(&w) == due);
      assert_null(wheel_expire(&w, due - 1));
      assert_ptr_equal(wheel_expire(&w, due), &node);
      assert_true(node.due == due);
      assert_false(list_linked(&node.link));
      assert_null(wheel_expire(&w, due));
      assert_true(wheel_next(&w) == WHEEL_NEVER);
    }
  }
}

TEST(the_past_is_due_at_once)
{
  struct wheel_node node;
  struct wheel w;

  wheel_init(&w, 10 * SEC);
  wheel_node_init(&node);
  wheel_move(&w, &node, 3 * SEC);
  assert_true(wheel_next(&w) == 3 * SEC);
  assert_ptr_equal(wheel_expire(&w, 10 * SEC), &node);
}

TEST(never_takes_a_node_out)
{
  struct wheel_node node;
  struct wheel w;

  wheel_init(&w, 0);
  wheel_node_init(&node);
  wheel_move(&w, &node, WHEEL_NEVER);
  assert_int_equal(w.count, 0);
  wheel_move(&w, &node, SEC);
  wheel_move(&w, &node, WHEEL_NEVER);
  assert_int_equal(w.count, 0);
  assert_true(wheel_next(&w) == WHEEL_NEVER);
  wheel_remove(&w, &node);
  assert_null(wheel_expire(&w, 2 * SEC));
  invariants(&w);
}

/* Put in from far and from near, the nodes of one slot come in the order of insertion. */
TEST(ties_come_in_the_order_of_insertion)
{
  struct wheel_node node[100];
  struct wheel w;

  wheel_init(&w, 0);
  for (int i = 0; i < 100; i++) {
    wheel_node_init(&node[i]);
    if (i % 10 == 0)
      assert_null(wheel_expire(&w, 5 * SEC / 100 * i));
    wheel_move(&w, &node[i], 5 * SEC);
  }
  for (int i = 0; i < 100; i++)
    assert_ptr_equal(wheel_expire(&w, 6 * SEC), &node[i]);
  assert_null(wheel_expire(&w, 6 * SEC));
}

TEST(slots_come_in_the_order_of_time)
{
  struct wheel_node node[64];
  struct wheel w;

  wheel_init(&w, 0);
  for (int i = 0; i < 64; i++) {
    wheel_node_init(&node[i]);
    wheel_move(&w, &node[i], (i * 29 % 64 + 1) * 7 * MS);
  }
  for (int i = 1; i <= 64; i++) {
    struct wheel_node *const first = wheel_expire(&w, SEC);
    const int64_t number = first - node;

    assert_int_equal(number * 29 % 64 + 1, i);
  }
}

TEST(within_a_slot_only_what_is_due_comes)
{
  struct wheel_node a, b;
  struct wheel w;

  wheel_init(&w, 0);
  wheel_node_init(&a);
  wheel_node_init(&b);
  wheel_move(&w, &a, TICK + 200);
  wheel_move(&w, &b, TICK + 100);
  assert_null(wheel_expire(&w, TICK + 99));
  assert_true(wheel_next(&w) == TICK + 100);
  assert_ptr_equal(wheel_expire(&w, TICK + 100), &b);
  assert_null(wheel_expire(&w, TICK + 100));
  assert_true(wheel_next(&w) == TICK + 200);
  assert_ptr_equal(wheel_expire(&w, TICK + 200), &a);
}

/* A deadline that moved away costs one early look, and only one. */
TEST(a_removed_deadline_wakes_once_at_most)
{
  struct wheel_node a, b;
  struct wheel w;

  wheel_init(&w, 0);
  wheel_node_init(&a);
  wheel_node_init(&b);
  wheel_move(&w, &a, 10 * MS);
  wheel_move(&w, &b, 20 * MS);
  wheel_remove(&w, &a);
  assert_true(wheel_next(&w) <= 20 * MS);
  assert_null(wheel_expire(&w, 10 * MS));
  assert_true(wheel_next(&w) > 10 * MS);
  assert_true(wheel_next(&w) <= 20 * MS);
}

enum { NODES = 300, STEPS = 100000 };

struct model {
  struct wheel w;
  struct wheel_node node[NODES];
  int64_t due[NODES], now;
  struct rng rng;
};

static int64_t some_distance(struct model *m)
{
  return (int64_t)(rng_next(&m->rng) >> (20 + rng_below(&m->rng, 44)));
}

static int64_t first_deadline(const struct model *m)
{
  int64_t first = WHEEL_NEVER;

  for (int i = 0; i < NODES; i++)
    first = m->due[i] < first ? m->due[i] : first;
  return first;
}

/* Time goes on; what comes out is what the array says, slots in order. */
static void expire(struct model *m, int64_t now)
{
  struct wheel_node *node;
  int64_t last_tick = INT64_MIN;

  m->now = now;
  while ((node = wheel_expire(&m->w, now)) != NULL) {
    const int64_t number = node - m->node;

    assert_true(m->due[number] <= now);
    assert_true(m->due[number] >> WHEEL_TICK_SHIFT >= last_tick);
    last_tick = m->due[number] >> WHEEL_TICK_SHIFT;
    assert_true(node->due == m->due[number]);
    wheel_remove(&m->w, node);
    m->due[number] = WHEEL_NEVER;
  }
  assert_true(first_deadline(m) > now);
}

static void random_step(struct model *m)
{
  const uint32_t number = rng_below(&m->rng, NODES);

  switch (rng_below(&m->rng, 8)) {
  case 0:
    wheel_remove(&m->w, &m->node[number]);
    m->due[number] = WHEEL_NEVER;
    break;
  case 1:
    expire(m, m->now + some_distance(m) / 4);
    break;
  case 2:
    if (wheel_next(&m->w) != WHEEL_NEVER && wheel_next(&m->w) > m->now)
      expire(m, wheel_next(&m->w));
    break;
  default:
    m->due[number] = m->now + some_distance(m);
    wheel_move(&m->w, &m->node[number], m->due[number]);
    break;
  }
}

/* Every node that is put in lies after `now`, so that slots must come in order. */
TEST(random_operations_agree_with_a_searched_array)
{
  static struct model m;

  for (uint64_t seed = 1; seed <= 4; seed++) {
    rng_seed(&m.rng, seed);
    m.now = seed == 1 ? -SEC : (int64_t)seed * 1000 * SEC;
    wheel_init(&m.w, m.now);
    for (int i = 0; i < NODES; i++) {
      wheel_node_init(&m.node[i]);
      m.due[i] = WHEEL_NEVER;
    }
    for (int step = 0; step < STEPS / 4; step++) {
      random_step(&m);
      if (step % 16 == 0)
        invariants(&m.w);
      assert_true(wheel_next(&m.w) <= first_deadline(&m));
      for (int i = step % 7; i < NODES; i += 7)
        assert_true(m.node[i].due == m.due[i]);
    }
  }
}

TEST(what_is_upcoming_is_what_will_be_handed_out)
{
  const int64_t tick = INT64_C(1) << WHEEL_TICK_SHIFT;
  struct wheel_node node[3];
  struct wheel w;

  wheel_init(&w, 0);
  assert_null(wheel_upcoming(&w, 0));
  for (int i = 0; i < 3; i++) {
    wheel_node_init(&node[i]);
    wheel_move(&w, &node[i], i < 2 ? 10 + i : 100 * tick);
  }
  assert_ptr_equal(wheel_upcoming(&w, 0), &node[0]);
  assert_ptr_equal(wheel_upcoming(&w, 1), &node[1]);
  assert_null(wheel_upcoming(&w, 2));         /* far away: nobody needs it yet */
  assert_ptr_equal(wheel_expire(&w, 11), &node[0]);
  assert_ptr_equal(wheel_upcoming(&w, 0), &node[1]);
  assert_ptr_equal(wheel_expire(&w, 11), &node[1]);
  assert_null(wheel_upcoming(&w, 0));
}

RUN(cmocka_unit_test(what_is_upcoming_is_what_will_be_handed_out),
    cmocka_unit_test(an_empty_wheel_has_no_deadline_at_any_time),
    cmocka_unit_test(one_node_comes_neither_early_nor_late_at_any_distance),
    cmocka_unit_test(the_past_is_due_at_once), cmocka_unit_test(never_takes_a_node_out),
    cmocka_unit_test(ties_come_in_the_order_of_insertion),
    cmocka_unit_test(slots_come_in_the_order_of_time),
    cmocka_unit_test(within_a_slot_only_what_is_due_comes),
    cmocka_unit_test(a_removed_deadline_wakes_once_at_most),
    cmocka_unit_test(random_operations_agree_with_a_searched_array))
