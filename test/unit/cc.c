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
                                .rtt_us = rtt_us, .srtt_us = rtt_us, .used = true };

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

/* One ACK of so many octets with cwnd in use, all in flight. */
static struct cc_ack ack_of(const struct cc *cc, int64_t now, uint32_t octets)
{
  return (struct cc_ack){ .now = now, .mss = MSS, .octets = octets, .flight = cc->cwnd,
                          .srtt_us = RTT_MS * 1000, .used = true };
}

/* 5.8, 4.2: t stands still while the application sets the pace, whether it sends little or nothing:
 * then the curve goes on as if there had been no such time. */
TEST(time_without_use_is_no_time_to_grow_by)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC, now_with_pauses;
  struct cc cc, with_pauses;
  struct cc_ack little;

  a->start(&cc, MSS, 10);
  cc.cwnd = 100 * MSS;
  a->lost(&cc, MSS, 100 * MSS);
  one_round(a, &cc, &now, RTT_MS * 1000);
  with_pauses = cc;
  now_with_pauses = now;
  for (int i = 0; i < 60; i++) {
    little = ack_of(&with_pauses, now_with_pauses + i * LA_SEC, MSS);
    little.used = false;
    a->acked(&with_pauses, &little);
  }
  assert_int_equal(with_pauses.cwnd, cc.cwnd);
  now_with_pauses += 90 * LA_SEC;
  a->resumed(&with_pauses, now_with_pauses);
  for (int i = 0; i < 60; i++) {
    one_round(a, &cc, &now, RTT_MS * 1000);
    one_round(a, &with_pauses, &now_with_pauses, RTT_MS * 1000);
  }
  assert_true(cc.cwnd > 100 * MSS);
  assert_in_range(with_pauses.cwnd, cc.cwnd - MSS, cc.cwnd + MSS);
}

/* 4.3: at a thousand segments an ACK adds a part of an octet to the estimate, and none is lost. */
TEST(the_estimate_of_reno_counts_parts_of_octets)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;
  uint32_t before, grown;

  a->start(&cc, MSS, 10);
  cc.cwnd = 2000 * MSS;
  a->lost(&cc, MSS, 2000 * MSS);
  a->acked(&cc, &(struct cc_ack){ .now = now, .mss = MSS, .octets = 1, .used = true });
  before = cc.cubic.w_est;
  for (int i = 0; i < 1400; i++) {
    const struct cc_ack ack = ack_of(&cc, now, MSS);

    cc.cwnd = 1400 * MSS;
    a->acked(&cc, &ack);
  }
  grown = cc.cubic.w_est - before;
  assert_in_range(grown, MSS * 9 / 17 - 2, MSS * 9 / 17 + 1);
}

/* 4.3: alpha is one from cwnd_prior on. */
TEST(beyond_the_last_loss_the_estimate_grows_as_reno_does)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;
  uint32_t before;

  a->start(&cc, MSS, 10);
  cc.cwnd = 20 * MSS;
  a->lost(&cc, MSS, 20 * MSS);
  assert_int_equal(cc.cubic.w_prior, 20 * MSS);
  for (int i = 0; i < 20; i++, now -= (int64_t)RTT_MS * LA_MS)
    one_round(a, &cc, &now, 1000);
  assert_true(cc.cubic.w_est >= 20 * MSS);
  before = cc.cwnd;
  one_round(a, &cc, &now, 1000);
  assert_in_range(cc.cwnd - before, MSS * 9 / 10, MSS);
}

/* 4.2: less than half as much again in a round trip. */
TEST(cubic_grows_more_slowly_than_slow_start_at_all_times)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;
  uint32_t before;

  a->start(&cc, MSS, 10);
  cc.cwnd = 100 * MSS;
  a->lost(&cc, MSS, 100 * MSS);
  one_round(a, &cc, &now, RTT_MS * 1000);
  now += 60 * LA_SEC;                         /* the cube is far away */
  before = cc.cwnd;
  one_round(a, &cc, &now, RTT_MS * 1000);
  assert_in_range(cc.cwnd, before * 14 / 10, before * 17 / 10);
}

/* RFC 9438 4.8: K is 0, and the plateau is where congestion avoidance begins. */
TEST(after_a_time_out_the_curve_begins_at_its_plateau)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;

  a->start(&cc, MSS, 10);
  cc.cwnd = 100 * MSS;
  a->timed_out(&cc, MSS, 100 * MSS, 1);
  assert_int_equal(cc.cwnd, MSS);
  assert_int_equal(cc.ssthresh, 70 * MSS);
  while (cc.cwnd < cc.ssthresh)
    one_round(a, &cc, &now, RTT_MS * 1000);
  one_round(a, &cc, &now, RTT_MS * 1000);
  assert_int_equal(cc.cubic.k_ms, 0);
  assert_in_range(cc.cubic.w_max, 70 * MSS, 71 * MSS);
}

/* RFC 9438 4.10 */
TEST(without_a_loss_the_curve_begins_at_its_plateau_too)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  int64_t now = LA_SEC;
  struct cc cc;

  a->start(&cc, MSS, 20);
  one_round(a, &cc, &now, 100000);
  for (int i = 0; i < 7; i++)
    one_round(a, &cc, &now, 120000);
  assert_true(cc.ssthresh != UINT32_MAX);
  assert_int_equal(cc.cubic.k_ms, 0);
  assert_in_range(cc.cubic.w_max, cc.ssthresh, cc.ssthresh + MSS);
  assert_in_range(cc.cubic.w_prior, cc.ssthresh, cc.ssthresh + MSS);
}

/* RFC 3465 2.2, RFC 9406 4.3. */
TEST(an_ack_counts_for_two_segments_or_for_eight_where_hystart_looks)
{
  static const struct { enum la_cc number; bool later, paced; uint32_t limit, grown; } rows[] = {
    { LA_CC_NEWRENO, false, false, 0, 2 },
    { LA_CC_NEWRENO, false, true, 0, 2 },
    { LA_CC_NEWRENO, false, false, UINT32_MAX, 10 },
    { LA_CC_NEWRENO, false, false, MSS, 1 },
    { LA_CC_CUBIC, false, false, 0, 8 },
    { LA_CC_CUBIC, false, true, 0, 10 },
    { LA_CC_CUBIC, false, false, UINT32_MAX, 10 },
    { LA_CC_CUBIC, false, true, 3 * MSS, 3 },
    { LA_CC_CUBIC, true, false, 0, 2 },
    { LA_CC_CUBIC, true, true, 0, 2 },
    { LA_CC_CUBIC, true, false, UINT32_MAX, 10 },
  };

  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct cc_algorithm *const a = algorithm(rows[i].number);
    struct cc cc;
    struct cc_ack ack;

    a->start(&cc, MSS, 10);
    if (rows[i].later)
      a->timed_out(&cc, MSS, 100 * MSS, 1);
    cc.cwnd = 10 * MSS;
    ack = ack_of(&cc, LA_SEC, 10 * MSS);
    ack.paced = rows[i].paced;
    ack.limit = rows[i].limit;
    a->acked(&cc, &ack);
    assert_int_equal(cc.cwnd, (10 + rows[i].grown) * MSS);
  }
}

/* RFC 5681 3.1: above ssthresh it is congestion avoidance. */
TEST(slow_start_goes_no_further_than_ssthresh)
{
  for (unsigned number = 0; number <= LA_CC_CUBIC; number++) {
    const struct cc_algorithm *const a = algorithm((enum la_cc)number);
    struct cc cc;
    struct cc_ack ack;

    a->start(&cc, MSS, 10);
    a->timed_out(&cc, MSS, 40 * MSS, 1);
    cc.cwnd = cc.ssthresh - MSS / 2;
    ack = ack_of(&cc, LA_SEC, 2 * MSS);
    a->acked(&cc, &ack);
    assert_in_range(cc.cwnd, cc.ssthresh, cc.ssthresh + MSS / 4);
  }
}

TEST(a_window_that_is_not_in_use_does_not_grow)
{
  for (unsigned number = 0; number <= LA_CC_CUBIC; number++) {
    const struct cc_algorithm *const a = algorithm((enum la_cc)number);
    struct cc cc;
    struct cc_ack ack;

    a->start(&cc, MSS, 10);
    for (int i = 0; i < 2; i++) {             /* in slow start, then in congestion avoidance */
      const uint32_t before = cc.cwnd;

      ack = ack_of(&cc, LA_SEC + i * LA_SEC, 10 * MSS);
      ack.used = false;
      a->acked(&cc, &ack);
      assert_int_equal(cc.cwnd, before);
      a->lost(&cc, MSS, cc.cwnd);
    }
  }
}

/* RFC 5681 4.1; RFC 7661 4.4.3: what the path has carried is not forgotten. */
TEST(a_pause_leaves_the_initial_window_and_three_quarters_as_ssthresh)
{
  for (unsigned number = 0; number <= LA_CC_CUBIC; number++) {
    const struct cc_algorithm *const a = algorithm((enum la_cc)number);
    struct cc cc;

    a->start(&cc, MSS, 10);
    a->lost(&cc, MSS, 20 * MSS);
    cc.cwnd = 100 * MSS;
    a->idle(&cc, MSS, 10);
    assert_int_equal(cc.cwnd, 10 * MSS);
    assert_int_equal(cc.ssthresh, 75 * MSS);
    cc.cwnd = 5 * MSS;
    a->idle(&cc, MSS, 10);
    assert_int_equal(cc.cwnd, 5 * MSS);
  }
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

/* RFC 9406 4.3: an eighth of the last round's least, but 4 ms at least and 16 at most; eight
 * samples. */
TEST(a_rise_of_an_eighth_within_bounds_is_what_counts)
{
  static const struct { uint32_t last_us, rise_us; } rows[] = {
    { 10000, 4000 }, { 32000, 4000 }, { 80000, 10000 }, { 128000, 16000 }, { 400000, 16000 },
  };
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);

  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned enough = 0; enough < 2; enough++) {
      const uint32_t rtt_us = rows[i].last_us + rows[i].rise_us - 1 + enough;
      int64_t now = LA_SEC;
      struct cc cc;

      a->start(&cc, MSS, 20);
      one_round(a, &cc, &now, rows[i].last_us);
      for (int n = 0; n < 8; n++) {
        struct cc_ack ack = ack_of(&cc, now, MSS);

        assert_int_equal(cc.hystart.css_rounds, 0);
        ack.rtt_us = rtt_us;
        a->acked(&cc, &ack);
      }
      assert_int_equal(cc.hystart.css_rounds, enough);
    }
}

/* RFC 9406 4.2: lastRoundMinRTT is of rounds, and the application's pace does not end them. */
TEST(rounds_go_on_while_the_application_sets_the_pace)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  struct cc cc;

  a->start(&cc, MSS, 10);
  for (int i = 0; i < 10; i++) {
    struct cc_ack ack = ack_of(&cc, LA_SEC, MSS);

    ack.flight = 2 * MSS;
    ack.used = false;
    ack.rtt_us = 30000;
    a->acked(&cc, &ack);
  }
  assert_int_equal(cc.hystart.last_us, 30000);
  assert_int_equal(cc.hystart.round_left, MSS);
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

/* RFC 9438 4.9.2: the same, and what is known since the loss stays as well. */
TEST(cubic_keeps_what_it_has_learned_since_a_loss_that_was_none)
{
  const struct cc_algorithm *const a = algorithm(LA_CC_CUBIC);
  struct cc cc, before, since;

  a->start(&cc, MSS, 10);
  a->lost(&cc, MSS, 10 * MSS);
  before = cc;
  a->lost(&cc, MSS, cc.cwnd);
  cc.cwnd = 30 * MSS;
  since = cc;
  a->undo(&cc, &before);
  assert_memory_equal(&cc, &since, sizeof cc);
}

RUN(cmocka_unit_test(a_mark_leaves_more_than_a_loss),
    cmocka_unit_test(the_initial_window_is_that_of_rfc_6928),
    cmocka_unit_test(newreno_doubles_and_then_adds_a_segment_a_round),
    cmocka_unit_test(cubic_keeps_seven_tenths_and_remembers_where_the_loss_was),
    cmocka_unit_test(cubic_is_back_at_the_loss_after_k_and_goes_beyond),
    cmocka_unit_test(cubic_is_never_slower_than_reno_would_be),
    cmocka_unit_test(time_without_use_is_no_time_to_grow_by),
    cmocka_unit_test(the_estimate_of_reno_counts_parts_of_octets),
    cmocka_unit_test(beyond_the_last_loss_the_estimate_grows_as_reno_does),
    cmocka_unit_test(cubic_grows_more_slowly_than_slow_start_at_all_times),
    cmocka_unit_test(after_a_time_out_the_curve_begins_at_its_plateau),
    cmocka_unit_test(without_a_loss_the_curve_begins_at_its_plateau_too),
    cmocka_unit_test(an_ack_counts_for_two_segments_or_for_eight_where_hystart_looks),
    cmocka_unit_test(slow_start_goes_no_further_than_ssthresh),
    cmocka_unit_test(a_window_that_is_not_in_use_does_not_grow),
    cmocka_unit_test(a_pause_leaves_the_initial_window_and_three_quarters_as_ssthresh),
    cmocka_unit_test(slow_start_ends_when_round_trips_rise),
    cmocka_unit_test(a_rise_of_an_eighth_within_bounds_is_what_counts),
    cmocka_unit_test(rounds_go_on_while_the_application_sets_the_pace),
    cmocka_unit_test(a_rise_that_was_a_mistake_lets_slow_start_go_on),
    cmocka_unit_test(a_second_time_out_leaves_ssthresh_alone),
    cmocka_unit_test(a_loss_that_was_none_leaves_no_mark),
    cmocka_unit_test(a_window_that_grew_since_stays_as_it_is),
    cmocka_unit_test(cubic_keeps_what_it_has_learned_since_a_loss_that_was_none))
