/* base/waiters: who is asked again when there is some, in which order, and how often. */
#include "base/waiters.h"
#include "support/unit.h"

enum { SIZE = 200 };

static struct waiters w;
static uint64_t bits[SIZE];

static void begin(void)
{
  assert_true(waiters_octets(SIZE) <= sizeof bits);
  waiters_init(&w, bits, SIZE);
}

static void refused(uint32_t who, uint32_t spare) { waiters_add(&w, who, spare); }

TEST(nobody_is_asked_while_there_is_nothing)
{
  begin();
  refused(7, 0);
  assert_false(waiters_due(&w, 0));
  assert_int_equal(waiters_take(&w, 0), WAITERS_NONE);
  assert_true(waiters_due(&w, 1));
  assert_int_equal(waiters_take(&w, 1), 7);
}

TEST(who_was_asked_waits_no_more)
{
  begin();
  refused(7, 0);
  refused(7, 0);
  assert_int_equal(waiters_take(&w, 5), 7);
  assert_int_equal(waiters_take(&w, 5), WAITERS_NONE);
  assert_false(waiters_due(&w, 9));
}

TEST(they_are_asked_in_turn_and_around_the_end)
{
  begin();
  refused(199, 0);
  refused(3, 0);
  refused(70, 0);
  assert_int_equal(waiters_take(&w, 9), 3);
  assert_int_equal(waiters_take(&w, 9), 70);
  refused(10, 0);
  assert_int_equal(waiters_take(&w, 9), 199);
  assert_int_equal(waiters_take(&w, 9), 10);
}

/* It takes all there is each time it is asked, and is refused the rest. */
TEST(a_greedy_one_stands_behind_all_who_wait)
{
  uint32_t asked[3] = { 0, 0, 0 };

  begin();
  for (uint32_t i = 0; i < 3; i++)
    refused(i, 0);
  for (int i = 0; i < 30; i++) {
    const uint32_t who = waiters_take(&w, 1);

    assert_in_range(who, 0, 2);
    asked[who]++;
    refused(who, 0);
    assert_int_equal(waiters_take(&w, 0), WAITERS_NONE);    /* it has taken it */
  }
  for (int i = 0; i < 3; i++)
    assert_int_equal(asked[i], 10);
}

/* 4 wants more than there will ever be: it is asked once for each time that there is more, and the
 * one behind it is asked as well. */
TEST(a_wish_that_cannot_be_fulfilled_asks_only_when_there_is_more)
{
  begin();
  refused(4, 0);
  refused(5, 0);
  assert_int_equal(waiters_take(&w, 8), 4);
  refused(4, 8);
  assert_int_equal(waiters_take(&w, 8), 5);
  assert_int_equal(waiters_take(&w, 8), WAITERS_NONE);
  assert_false(waiters_due(&w, 8));
  assert_int_equal(waiters_take(&w, 9), 4);
  refused(4, 9);
  assert_int_equal(waiters_take(&w, 2), WAITERS_NONE);      /* others have taken some, ... */
  assert_int_equal(waiters_take(&w, 3), 4);                 /* ... and some came back */
}

/* Between the two refusals there was more, which the first has not been asked for. */
TEST(a_later_refusal_does_not_hide_what_came_back_before_it)
{
  begin();
  refused(4, 2);
  refused(5, 6);
  assert_int_equal(waiters_take(&w, 6), 4);
  assert_int_equal(waiters_take(&w, 6), 5);
}

TEST(who_is_gone_is_not_asked)
{
  begin();
  refused(64, 0);
  refused(65, 0);
  waiters_remove(&w, 64);
  waiters_remove(&w, 64);
  waiters_remove(&w, 1);
  assert_int_equal(waiters_take(&w, 1), 65);
  refused(65, 1);
  assert_int_equal(waiters_take(&w, 1), WAITERS_NONE);
}

TEST(a_set_of_none_and_of_one)
{
  waiters_init(&w, bits, 0);
  assert_int_equal(waiters_octets(0), 0);
  assert_int_equal(waiters_take(&w, 5), WAITERS_NONE);
  waiters_init(&w, bits, 1);
  for (int i = 0; i < 3; i++) {
    refused(0, 0);
    assert_int_equal(waiters_take(&w, 5), 0);
  }
}

RUN(cmocka_unit_test(nobody_is_asked_while_there_is_nothing),
    cmocka_unit_test(who_was_asked_waits_no_more),
    cmocka_unit_test(they_are_asked_in_turn_and_around_the_end),
    cmocka_unit_test(a_greedy_one_stands_behind_all_who_wait),
    cmocka_unit_test(a_wish_that_cannot_be_fulfilled_asks_only_when_there_is_more),
    cmocka_unit_test(a_later_refusal_does_not_hide_what_came_back_before_it),
    cmocka_unit_test(who_is_gone_is_not_asked), cmocka_unit_test(a_set_of_none_and_of_one))
