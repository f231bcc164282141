/* Congestion control by numbers: RFC 5681 and 3465 (NewReno), RFC 9438 (CUBIC), RFC 9406
 * (HyStart++). No connection, no segment: octets acknowledged in, windows out. */
#include "support/unit.h"

#include "lastack.h"
#include "tcp/cc.h"

enum { MSS = 1000, RTT_MS = 100 };

static const struct cc_algorithm *algorithm(enum la_cc number) { return cc_algorithm(number); }

/* One round trip in which all of cwnd is acknowledged, two segments an ACK. */
static void one_round(const struct cc_algorithm *a, struct cc *cc, int64_t *now, uint32_t rtt_us)
{
  const uint32_t flight = cc->cwnd;

  for (uint32_t left = flight; left > 0;) {
    const uint32_t octets = left < 2 * MSS ? left : 2 * MSS;
    const struct cc_ack ack = { .now = *now, .mss = MSS, .octets = octets, .flight = flight,
                                .rtt_us = rtt_us, .srtt_us = rtt_us };

    a->acked(cc, &ack);
    left -= octets;
  }
  *now += (int64_t)RTT_MS * LA_MS;
}

/* RFC 8511 3.1: what a mark leaves is more than what a loss does. */
TEST(a_mark_leaves_more_than_a_loss)
{
  struct cc cc;

  algorithm(LA_CC_NEWRENO)->start(&cc, MSS, 10);
  algorithm(LA_CC_NEWRENO)->marked(&cc, MSS, 10 * MSS);
  assert_int_equal(cc.cwnd, 8 * MSS);
  algorithm(LA_CC_CUBIC)->start(&cc, MSS, 10);
  algorithm(LA_CC_CUBIC)->marked(&cc, MSS, 10 * MSS);
  assert_int_equal(cc.cwnd, 8 * MSS + MSS / 2);
  assert_int_equal(cc.ssthresh, cc.cwnd);
}

TEST(the_initial_window_is_that_of_rfc_6928)
{
  static const struct { uint32_t mss, window; } rows[] = {
    { 1460, 14600 }, { 1000, 10000 }, { 536, 5360 }, { 4000, 14600 }, { 9000, 18000 },
  };

  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(cc_initial_window(rows[i].mss, 10), rows[i].window);
  assert_int_equal(cc_initial_window(1460, 1), 1460);
}

TEST(newreno_doubles_and_then_adds_a_segment_a_round)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_NEWRENO);
  int64_t now = 0;
  struct cc cc;

  a->start(&cc, MSS, 10);
  one_round(a, &cc, &now, 0);
  assert_int_equal(cc.cwnd, 20 * MSS);
  a->lost(&cc, MSS, cc.cwnd);
  assert_int_equal(cc.cwnd, 10 * MSS);
  for (uint32_t i = 1; i <= 5; i++) {
    one_round(a, &cc, &now, 0);
    assert_in_range(cc.cwnd, (10 + i) * MSS - MSS, (10 + i) * MSS);
  }
}

TEST(cubic_keeps_seven_tenths_and_remembers_where_the_loss_was)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  struct cc cc;

  a->start(&cc, MSS, 10);
  cc.cwnd = 100 * MSS;
  a->lost(&cc, MSS, 100 * MSS);
  assert_int_equal(cc.cwnd, 70 * MSS);
  assert_int_equal(cc.ssthresh, 70 * MSS);
  assert_int_equal(cc.cubic.w_max, 100 * MSS);
  cc.cwnd = 80 * MSS;
  a->lost(&cc, MSS, 80 * MSS);                /* 4.7: fast convergence */
  assert_int_equal(cc.cubic.w_max, 68 * MSS);
}

/* RFC 9438 4.2: K = cbrt(100 * 0.3 / 0.4) = 4.217 s for a loss at 100 segments. */
TEST(cubic_is_back_at_the_loss_after_k_and_goes_beyond)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = 1000 * LA_SEC;
  uint32_t before;
  struct cc cc;

  a->start(&cc, MSS, 10);
  cc.cwnd = 100 * MSS;
  a->lost(&cc, MSS, 100 * MSS);
  one_round(a, &cc, &now, RTT_MS * 1000);
  assert_in_range(cc.cubic.k_ms, 4210, 4220);
  for (int i = 1; i < 42; i++)
    one_round(a, &cc, &now, RTT_MS * 1000);
  assert_in_range(cc.cwnd, 97 * MSS, 101 * MSS);
  before = cc.cwnd;
  for (int i = 0; i < 10; i++)
    one_round(a, &cc, &now, RTT_MS * 1000);
  assert_in_range(cc.cwnd - before, 0, 3 * MSS);            /* the plateau */
  for (int i = 0; i < 40; i++)
    one_round(a, &cc, &now, RTT_MS * 1000);
  assert_true(cc.cwnd > 130 * MSS);                         /* and away from it */
}

/* 4.3: with a short round trip the cube is slow, and Reno's pace is kept. */
TEST(cubic_is_never_slower_than_reno_would_be)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;

  a->start(&cc, MSS, 10);
  cc.cwnd = 20 * MSS;
  a->lost(&cc, MSS, 20 * MSS);
  for (int i = 0; i < 20; i++) {
    one_round(a, &cc, &now, 1000);
    now -= (int64_t)(RTT_MS - 1) * LA_MS;
  }
  assert_in_range(cc.cwnd, 14 * MSS + 20 * MSS * 9 / 17 - 2 * MSS, 14 * MSS + 20 * MSS);
}

TEST(time_without_use_is_no_time_to_grow_by)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  uint32_t before;
  struct cc cc;

  a->start(&cc, MSS, 10);
  cc.cwnd = 100 * MSS;
  a->lost(&cc, MSS, 100 * MSS);
  one_round(a, &cc, &now, RTT_MS * 1000);
  before = cc.cwnd;
  a->unused(&cc);
  now += 60 * LA_SEC;
  one_round(a, &cc, &now, RTT_MS * 1000);
  assert_true(cc.cwnd < before + 10 * MSS);
}

/* RFC 9406 4.2: the queue shows in the round trips; five conservative rounds, then the end. */
TEST(slow_start_ends_when_round_trips_rise)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;
  uint32_t before;

  a->start(&cc, MSS, 10);
  one_round(a, &cc, &now, 100000);
  one_round(a, &cc, &now, 100000);
  before = cc.cwnd;
  one_round(a, &cc, &now, 100000);
  assert_int_equal(cc.cwnd, 2 * before);
  for (int i = 0; i < 2; i++)
    one_round(a, &cc, &now, 120000);
  assert_true(cc.hystart.css_rounds > 0);
  before = cc.cwnd;
  one_round(a, &cc, &now, 120000);
  assert_in_range(cc.cwnd, before * 5 / 4 - MSS, before * 5 / 4 + MSS);
  for (int i = 0; i < 6; i++)
    one_round(a, &cc, &now, 120000);
  assert_true(cc.ssthresh != UINT32_MAX);
}

TEST(a_rise_that_was_a_mistake_lets_slow_start_go_on)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;

  a->start(&cc, MSS, 20);
  one_round(a, &cc, &now, 100000);
  one_round(a, &cc, &now, 100000);
  one_round(a, &cc, &now, 130000);
  assert_true(cc.hystart.css_rounds > 0);
  one_round(a, &cc, &now, 100000);
  assert_int_equal(cc.hystart.css_rounds, 0);
  assert_true(cc.ssthresh == UINT32_MAX);
}

TEST(a_second_time_out_leaves_ssthresh_alone)
{
  for (unsigned number = 0; number <= LA_CC_CUBIC; number++) {
    const struct cc_algorithm *const a = algorithm((enum la_cc)number);
    struct cc cc;
    uint32_t ssthresh;

    a->start(&cc, MSS, 10);
    a->timed_out(&cc, MSS, 10 * MSS, 1);
    assert_int_equal(cc.cwnd, MSS);
    ssthresh = cc.ssthresh;
    assert_in_range(ssthresh, 5 * MSS, 7 * MSS);
    a->timed_out(&cc, MSS, MSS, 2);
    assert_int_equal(cc.ssthresh, ssthresh);
  }
}

/* RFC 9438 4.9: the curve goes on as if the loss had never been; so does the first slow start. */
TEST(a_loss_that_was_none_leaves_no_mark)
{
  for (unsigned number = 0; number <= LA_CC_CUBIC; number++) {
    const struct cc_algorithm *const a = algorithm((enum la_cc)number);
    int64_t now = LA_SEC;
    struct cc cc, with_loss;

    a->start(&cc, MSS, 20);
    for (int i = 0; i < 2; i++) { /* in slow start, then in congestion avoidance */
      one_round(a, &cc, &now, 100000);
      with_loss = cc;
      if (i == 0)
        a->lost(&with_loss, MSS, cc.cwnd);
      a->timed_out(&with_loss, MSS, cc.cwnd, 1);
      assert_true(with_loss.cwnd < cc.cwnd);
      a->undo(&with_loss, &cc);
      assert_memory_equal(&with_loss, &cc, sizeof cc);
      a->lost(&cc, MSS, cc.cwnd);
    }
  }
}

TEST(a_window_that_grew_since_stays_as_it_is)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_NEWRENO);
  struct cc cc, before;

  a->start(&cc, MSS, 10);
  before = cc;
  a->lost(&cc, MSS, cc.cwnd);
  cc.cwnd = 30 * MSS;
  a->undo(&cc, &before);
  assert_int_equal(cc.cwnd, 30 * MSS);
  assert_true(cc.ssthresh == UINT32_MAX);
}

RUN(cmocka_unit_test(a_mark_leaves_more_than_a_loss),
    cmocka_unit_test(the_initial_window_is_that_of_rfc_6928),
    cmocka_unit_test(newreno_doubles_and_then_adds_a_segment_a_round),
    cmocka_unit_test(cubic_keeps_seven_tenths_and_remembers_where_the_loss_was),
    cmocka_unit_test(cubic_is_back_at_the_loss_after_k_and_goes_beyond),
    cmocka_unit_test(cubic_is_never_slower_than_reno_would_be),
    cmocka_unit_test(time_without_use_is_no_time_to_grow_by),
    cmocka_unit_test(slow_start_ends_when_round_trips_rise),
    cmocka_unit_test(a_rise_that_was_a_mistake_lets_slow_start_go_on),
    cmocka_unit_test(a_second_time_out_leaves_ssthresh_alone),
    cmocka_unit_test(a_loss_that_was_none_leaves_no_mark),
    cmocka_unit_test(a_window_that_grew_since_stays_as_it_is))
