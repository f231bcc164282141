/* BBR by numbers: draft-cardwell-iccrg-bbr-congestion-control-00. No connection, no segment:
 * samples of what arrives go in, a window and a pace come out. */
#include "support/unit.h"

#include "lastack.h"
#include "tcp/cc_bbr.h"

enum { MSS = 1000, RTT_US = 20000, RATE = 5000000, BDP = RATE / 50, STEP = 2 * MSS };

static struct cc cc;
static struct bbr model;
static int64_t now;
static uint32_t total, total_lost;

static const struct cc_algorithm *bbr(void) { return cc_algorithm(LA_CC_BBR); }

static void begin(void)
{
  memset(&model, 0, sizeof model);
  memset(&cc, 0, sizeof cc);
  cc.bbr = &model;
  now = 1000 * LA_SEC;
  total = total_lost = 0;
  bbr()->start(&cc, MSS, 10);
}

/* An ACK of two segments in the middle of a round. */
static struct cc_sample ack(uint64_t rate, uint32_t pipe)
{
  total += STEP;
  return (struct cc_sample){ .now = now, .rate = rate, .mss = MSS, .pipe = pipe, .srtt_us = RTT_US,
                             .rtt_us = RTT_US, .delivered = STEP, .total = total,
                             .total_lost = total_lost, .prior_delivered = model.next_round - 1 };
}

/* The one that begins a round, a round trip later. */
static struct cc_sample first_ack(uint64_t rate, uint32_t pipe)
{
  struct cc_sample s;

  now += (int64_t)RTT_US * 1000;
  s = ack(rate, pipe);
  s.prior_delivered = model.next_round;
  return s;
}

static bool take(struct cc_sample s) { return bbr()->sampled(&cc, &s); }
static uint64_t pace(void) { return bbr()->pace(&cc, MSS, RTT_US); }
static uint64_t paced_at(uint32_t gain) { return (uint64_t)RATE * gain / 256 * 99 / 100; }

/* Full pipe, drained: the phases have begun. */
static void cruise(void)
{
  begin();
  for (int i = 0; i < 4; i++)
    take(first_ack(RATE, 2 * BDP));
  assert_int_equal(model.stage, BBR_DRAIN);
  take(ack(RATE, BDP));
  assert_int_equal(model.stage, BBR_PROBE_BW);
}

/* On to the phase that asks for more. */
static void cruise_to_probe(void)
{
  cruise();
  for (int i = 0; i < 8 && model.pacing_gain != 320; i++) {
    now += LA_MS;
    take(first_ack(RATE, BDP));
  }
  assert_int_equal(model.pacing_gain, 320);
}

/* ---- 4.3.2 ---- */

TEST(startup_paces_at_two_over_the_logarithm_of_two)
{
  begin();
  assert_int_equal(cc.cwnd, 10 * MSS);
  assert_int_equal(pace(), (uint64_t)10 * MSS * 739 / 256 * 50);
  take(first_ack(RATE, 8 * MSS));
  assert_int_equal(pace(), paced_at(739));
  assert_in_range(pace(), RATE * 2.85, RATE * 2.88);        /* 2.885, less a hundredth */
  assert_int_equal(cc.cwnd, 10 * MSS + STEP);               /* by all that arrives */
}

TEST(in_startup_the_pace_is_never_lowered)
{
  begin();
  take(first_ack(RATE, 8 * MSS));
  take(first_ack(RATE / 4, 8 * MSS));
  assert_int_equal(pace(), paced_at(739));
}

TEST(three_rounds_without_a_quarter_more_fill_the_pipe)
{
  uint64_t rate = RATE;

  begin();
  for (int i = 0; i < 8; i++, rate = rate * 5 / 4)          /* just enough */
    take(first_ack(rate, 8 * MSS));
  assert_int_equal(model.stage, BBR_STARTUP);
  rate = model.bw;
  take(first_ack(rate * 5 / 4 - 1, 8 * MSS));
  take(first_ack(rate, 8 * MSS));
  for (int i = 0; i < 20; i++)
    take(ack(rate, 8 * MSS));                               /* within a round nothing counts */
  assert_int_equal(model.stage, BBR_STARTUP);
  take(first_ack(rate, 100 * BDP));
  assert_int_equal(model.stage, BBR_DRAIN);
}

/* ---- 4.3.3 ---- */

TEST(drain_paces_by_the_inverse_until_the_queue_is_gone)
{
  begin();
  for (int i = 0; i < 4; i++)
    take(first_ack(RATE, 3 * BDP));
  assert_int_equal(model.stage, BBR_DRAIN);
  assert_int_equal(pace(), paced_at(88));
  assert_in_range(pace(), RATE * 0.33, RATE * 0.35);
  take(ack(RATE, 2 * BDP));
  assert_int_equal(model.stage, BBR_DRAIN);
  take(ack(RATE, BDP));
  assert_int_equal(model.stage, BBR_PROBE_BW);
}

/* ---- 4.3.4 ---- */

/* A round trip each: 5/4, 3/4 and six times 1. */
TEST(eight_phases_probe_give_back_and_cruise)
{
  cruise_to_probe();
  assert_int_equal(pace(), paced_at(320));
  now += LA_MS;
  take(first_ack(RATE, BDP * 5 / 4 + 100 * MSS));
  assert_int_equal(pace(), paced_at(192));
  now += LA_MS;
  for (int i = 0; i < 6; i++) {
    take(first_ack(RATE, BDP));
    assert_int_equal(pace(), paced_at(256));
    now += LA_MS;
  }
  take(first_ack(RATE, BDP));
  assert_int_equal(pace(), paced_at(320));
}

TEST(asking_for_more_goes_on_until_it_is_in_flight_or_lost)
{
  cruise_to_probe();
  for (int i = 0; i < 5; i++)
    take(first_ack(RATE, BDP));
  assert_int_equal(model.pacing_gain, 320);
  total_lost += MSS;
  take(first_ack(RATE, BDP));
  assert_int_equal(model.pacing_gain, 192);
}

TEST(giving_back_ends_when_no_queue_is_left)
{
  cruise_to_probe();
  now += LA_MS;
  take(first_ack(RATE, BDP * 5 / 4 + 100 * MSS));
  take(ack(RATE, BDP + 50 * MSS));
  assert_int_equal(model.pacing_gain, 192);
  take(ack(RATE, BDP));                       /* the same moment */
  assert_int_equal(model.pacing_gain, 256);
}

/* Any but the one that gives back what nobody has asked for. */
TEST(the_first_phase_is_drawn)
{
  unsigned seen[8] = { 0 };

  for (uint32_t dice = 0; dice < 500; dice++) {
    begin();
    model.dice = dice * 2654435761u;
    for (int i = 0; i < 4; i++)
      take(first_ack(RATE, 2 * BDP));
    take(ack(RATE, BDP));
    seen[model.phase]++;
  }
  for (unsigned i = 0; i < 8; i++)
    assert_true(i == 1 ? seen[i] == 0 : seen[i] > 30);
}

/* 4.2.3: twice the product, and three bursts. */
TEST(the_window_is_twice_the_bandwidth_delay_product)
{
  cruise();
  for (int i = 0; i < 200; i++)
    take(ack(RATE, BDP));
  assert_in_range(cc.cwnd, 2 * BDP, 2 * BDP + 3 * 65536);
  assert_int_equal(cc.cwnd, 2 * BDP + 3 * (uint32_t)(pace() / 1024));
}

/* ---- 4.1.1 ---- */

TEST(a_rate_is_remembered_for_ten_rounds)
{
  cruise();
  take(ack(2 * RATE, BDP));
  for (int i = 0; i < 9; i++) {
    take(first_ack(RATE, BDP));
    assert_int_equal(model.bw, 2 * RATE);
  }
  take(first_ack(RATE, BDP));
  assert_int_equal(model.bw, RATE);
}

TEST(what_the_application_keeps_low_is_no_rate_of_the_path)
{
  struct cc_sample s;

  cruise();
  for (int i = 0; i < 30; i++) {
    s = first_ack(RATE / 10, MSS);
    s.app_limited = true;
    take(s);
  }
  assert_int_equal(model.bw, RATE);
  s = first_ack(RATE + 1, MSS);               /* but more than was known is known now */
  s.app_limited = true;
  take(s);
  assert_int_equal(model.bw, RATE + 1);
}

TEST(an_application_without_much_to_say_does_not_end_startup)
{
  begin();
  take(first_ack(RATE, MSS));
  for (int i = 0; i < 10; i++) {
    struct cc_sample s = first_ack(RATE, MSS);

    s.app_limited = true;
    take(s);
  }
  assert_int_equal(model.stage, BBR_STARTUP);
}

/* ---- 4.3.5 ---- */

/* Without a round trip as short as the shortest for ten seconds. */
static void until_the_round_trip_is_old(void)
{
  struct cc_sample s;

  cruise();
  for (int i = 0; i < 100; i++)
    take(ack(RATE, BDP));
  now += 10 * LA_SEC - 100 * LA_MS;
  s = first_ack(RATE, BDP);
  s.rtt_us = RTT_US + 1;
  assert_false(take(s));
  assert_int_equal(model.stage, BBR_PROBE_BW);
  now += 200 * LA_MS;
}

TEST(after_ten_seconds_the_round_trip_is_looked_for_with_four_segments)
{
  uint32_t before;
  struct cc_sample s;

  until_the_round_trip_is_old();
  before = cc.cwnd;
  s = ack(RATE, BDP);
  s.rtt_us = RTT_US + 5000;
  assert_true(take(s));                       /* what is sent from now on measures no rate */
  assert_int_equal(model.stage, BBR_PROBE_RTT);
  assert_int_equal(cc.cwnd, 4 * MSS);
  assert_int_equal(pace(), paced_at(256));
  now += LA_SEC;
  take(ack(RATE, 5 * MSS));                   /* too much in flight: the time does not run */
  take(ack(RATE, 4 * MSS));
  now += 179 * LA_MS;
  take(first_ack(RATE, 2 * MSS));
  assert_int_equal(model.stage, BBR_PROBE_RTT);
  assert_int_equal(cc.cwnd, 4 * MSS);
  now += LA_MS;
  take(ack(RATE, 2 * MSS));                   /* 200 ms and a round are over */
  assert_int_equal(model.stage, BBR_PROBE_BW);
  assert_in_range(cc.cwnd, before, before + STEP);
}

TEST(a_shorter_round_trip_or_one_as_short_keeps_it_young)
{
  until_the_round_trip_is_old();
  now -= 200 * LA_MS;
  take(ack(RATE, BDP));
  now += 9 * LA_SEC;
  take(ack(RATE, BDP));
  assert_int_equal(model.stage, BBR_PROBE_BW);
  assert_int_equal(model.min_rtt_us, RTT_US);
}

/* 4.3.4.4 */
TEST(a_pause_has_shown_the_round_trip)
{
  until_the_round_trip_is_old();
  bbr()->idle(&cc, MSS, 10);
  assert_int_equal(pace(), paced_at(256));
  take(ack(RATE, BDP));
  assert_int_equal(model.stage, BBR_PROBE_BW);
}

/* ---- 4.2.3.4 ---- */

TEST(recovery_sends_what_arrives_for_a_round_and_then_has_its_window_again)
{
  uint32_t before;
  struct cc_sample s;

  cruise();
  for (int i = 0; i < 200; i++)
    take(ack(RATE, BDP));
  before = cc.cwnd;
  bbr()->lost(&cc, MSS, BDP);
  total_lost += 3 * MSS;
  s = ack(RATE, BDP - 5 * MSS);
  s.recovering = true;
  take(s);
  assert_int_equal(cc.cwnd, BDP - 5 * MSS + STEP);
  s = ack(RATE, BDP - 5 * MSS);
  s.recovering = true;
  take(s);
  assert_int_equal(cc.cwnd, BDP - 5 * MSS + STEP);
  s = first_ack(RATE, BDP);                   /* from the second round on it grows again */
  s.recovering = true;
  take(s);
  assert_int_equal(cc.cwnd, BDP - 5 * MSS + 2 * STEP);
  take(ack(RATE, BDP));
  assert_int_equal(cc.cwnd, before);
  assert_int_equal(model.bw, RATE);           /* a loss says nothing of the path */
}

TEST(after_a_time_out_one_segment_goes_and_the_window_comes_back)
{
  uint32_t before;
  struct cc_sample s;

  cruise();
  for (int i = 0; i < 200; i++)
    take(ack(RATE, BDP));
  before = cc.cwnd;
  bbr()->timed_out(&cc, MSS, BDP, 1);
  assert_int_equal(cc.cwnd, MSS);
  s = first_ack(RATE / 100, MSS);
  s.timed_out = true;
  take(s);
  assert_in_range(cc.cwnd, 4 * MSS, 5 * MSS);
  take(ack(RATE, MSS));
  assert_int_equal(cc.cwnd, before);
}

RUN(cmocka_unit_test(startup_paces_at_two_over_the_logarithm_of_two),
    cmocka_unit_test(in_startup_the_pace_is_never_lowered),
    cmocka_unit_test(three_rounds_without_a_quarter_more_fill_the_pipe),
    cmocka_unit_test(drain_paces_by_the_inverse_until_the_queue_is_gone),
    cmocka_unit_test(eight_phases_probe_give_back_and_cruise),
    cmocka_unit_test(asking_for_more_goes_on_until_it_is_in_flight_or_lost),
    cmocka_unit_test(giving_back_ends_when_no_queue_is_left),
    cmocka_unit_test(the_first_phase_is_drawn),
    cmocka_unit_test(the_window_is_twice_the_bandwidth_delay_product),
    cmocka_unit_test(a_rate_is_remembered_for_ten_rounds),
    cmocka_unit_test(what_the_application_keeps_low_is_no_rate_of_the_path),
    cmocka_unit_test(an_application_without_much_to_say_does_not_end_startup),
    cmocka_unit_test(after_ten_seconds_the_round_trip_is_looked_for_with_four_segments),
    cmocka_unit_test(a_shorter_round_trip_or_one_as_short_keeps_it_young),
    cmocka_unit_test(a_pause_has_shown_the_round_trip),
    cmocka_unit_test(recovery_sends_what_arrives_for_a_round_and_then_has_its_window_again),
    cmocka_unit_test(after_a_time_out_one_segment_goes_and_the_window_comes_back))
