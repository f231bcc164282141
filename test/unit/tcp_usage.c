/* Congestion window validation: what was not in use does not grow (RFC 9438 5.8, RFC 7661), in the
 * way of Linux: cwnd was full, or slow start doubles what was in flight. Pauses: RFC 5681 4.1. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1000 };

static void established_with(struct tcp_settings set, enum la_cc cc)
{
  set.congestion = (uint8_t)cc;
  set.send_buffer = 44000;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.mss = MSS;
  if (!set.no_sack)
    r->options.present |= TCP_OPT_SACK_OK;
  r->wnd = 65535;
  rig_established(r, true);
  assert_int_equal(r->tcb->cc.cwnd, 10 * MSS);
}

/* The peer acknowledges so many segments more of ours. */
static void acknowledges(uint32_t segments)
{
  arrives(r, F_ACK, 1, seq_span(r->tcb->snd.iss, r->tcb->snd.una) + segments * MSS);
  rig_forget_said(r);
}

static void sends(uint32_t segments)
{
  user_sends(r, segments * MSS);
  rig_forget_said(r);
}

TEST(in_slow_start_cwnd_grows_to_twice_what_was_in_flight)
{
  for (unsigned cc = 0; cc <= LA_CC_CUBIC; cc++)
    for (uint32_t flight = 1; flight <= 10; flight++) {
      established_with(rig_settings(), (enum la_cc)cc);
      sends(flight);
      for (uint32_t i = 0; i < flight; i++)
        acknowledges(1);
      assert_int_equal(r->tcb->cc.cwnd, (flight <= 5 ? 10 : 2 * flight) * MSS);
    }
}

/* The next window is looked at by itself. */
TEST(a_full_window_of_long_ago_lets_nothing_grow)
{
  established_with(rig_settings(), LA_CC_NEWRENO);
  sends(10);
  for (int i = 0; i < 10; i++)
    acknowledges(1);
  assert_int_equal(r->tcb->cc.cwnd, 20 * MSS);
  for (int i = 0; i < 10; i++) {
    sends(2);
    acknowledges(2);
  }
  assert_int_equal(r->tcb->cc.cwnd, 20 * MSS);
}

TEST(in_congestion_avoidance_only_a_full_window_grows)
{
  established_with(rig_settings(), LA_CC_NEWRENO);
  r->tcb->cc.ssthresh = 10 * MSS;
  sends(9);
  acknowledges(9);
  sends(9);
  acknowledges(9);
  assert_int_equal(r->tcb->cc.cwnd, 10 * MSS);
  sends(10);
  acknowledges(5);
  acknowledges(5);
  assert_int_equal(r->tcb->cc.cwnd, 11 * MSS);
}

/* RFC 9438 5.8: that is an application's limit as well, the peer's. */
TEST(the_peers_window_limits_cwnd_too)
{
  established_with(rig_settings(), LA_CC_NEWRENO);
  r->wnd = 6 * MSS;
  arrives(r, F_ACK, 1, 1);
  sends(30);
  for (int i = 0; i < 25; i++)
    acknowledges(1);
  assert_int_equal(r->tcb->cc.cwnd, 12 * MSS);
}

TEST(text_that_cwnd_keeps_back_shows_that_it_is_in_use)
{
  established_with(rig_settings(), LA_CC_NEWRENO);
  r->tcb->cc.cwnd = r->tcb->cc.ssthresh = 2 * MSS + MSS / 2;
  sends(4);
  acknowledges(2);
  assert_true(r->tcb->cc.cwnd == 2 * MSS + MSS / 2); /* credit, not yet a segment */
  acknowledges(2);
  assert_int_equal(r->tcb->cc.cwnd, 3 * MSS + MSS / 2);
}

TEST(one_ack_may_count_for_more_if_so_set)
{
  static const struct {
    uint8_t limit;
    uint32_t grown;
  } rows[] = {
    { 0, 2 },
    { 1, 1 },
    { 4, 4 },
    { 255, 10 },
  };

  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tcp_settings set = rig_settings();

    set.slow_start_limit = rows[i].limit;
    established_with(set, LA_CC_NEWRENO);
    sends(10);
    acknowledges(10);
    assert_int_equal(r->tcb->cc.cwnd, (10 + rows[i].grown) * MSS);
  }
}

/* RFC 3465 2.3 */
TEST(after_a_time_out_an_ack_counts_for_one_segment)
{
  static const struct {
    uint8_t limit;
    uint32_t grown;
  } rows[] = {
    { 0, 1 },
    { 4, 1 },
    { 255, 3 },
  };

  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tcp_settings set = rig_settings();

    set.slow_start_limit = rows[i].limit;
    established_with(set, LA_CC_NEWRENO);
    sends(10);
    waits(r, LA_SEC);
    assert_int_equal(r->tcb->cc.cwnd, MSS);
    rig_forget_said(r);
    acknowledges(3);
    assert_int_equal(r->tcb->cc.cwnd, (1 + rows[i].grown) * MSS);
  }
}

/* Limited transmit (RFC 3042) has answered the duplicates already. */
TEST(what_duplicates_or_sack_had_told_of_counts_no_more)
{
  for (unsigned sack = 0; sack < 2; sack++) {
    struct tcp_settings set = rig_settings();

    set.slow_start_limit = 255;
    set.no_sack = !sack;
    established_with(set, LA_CC_NEWRENO);
    sends(10);
    waits(r, 100 * LA_MS);
    r->tcb->rtt.min_us = 100000;              /* for RACK: two segments prove nothing yet */
    for (uint32_t i = 1; i <= 2; i++) {
      if (sack)
        r->options.present = TCP_OPT_SACK;
      r->options.sacks = 1;
      r->options.sack[0].start = seq_add(r->tcb->snd.una, MSS).n;
      r->options.sack[0].end = seq_add(r->tcb->snd.una, (1 + i) * MSS).n;
      acknowledges(0);
    }
    r->options.present = 0;
    acknowledges(3);
    assert_int_equal(r->tcb->cc.cwnd, 11 * MSS);
  }
}

TEST(after_a_pause_cwnd_begins_anew_unless_set_otherwise)
{
  for (unsigned keeps = 0; keeps < 2; keeps++) {
    struct tcp_settings set = rig_settings();

    set.no_idle_restart = keeps != 0;
    established_with(set, LA_CC_NEWRENO);
    sends(10);
    for (int i = 0; i < 10; i++)
      acknowledges(1);
    waits(r, 10 * LA_SEC);
    assert_int_equal(r->tcb->cc.cwnd, 20 * MSS);
    sends(1);
    assert_int_equal(r->tcb->cc.cwnd, (keeps ? 20 : 10) * MSS);
    assert_int_equal(r->tcb->cc.ssthresh, UINT32_MAX);
  }
}

RUN(cmocka_unit_test(in_slow_start_cwnd_grows_to_twice_what_was_in_flight),
    cmocka_unit_test(a_full_window_of_long_ago_lets_nothing_grow),
    cmocka_unit_test(in_congestion_avoidance_only_a_full_window_grows),
    cmocka_unit_test(the_peers_window_limits_cwnd_too),
    cmocka_unit_test(text_that_cwnd_keeps_back_shows_that_it_is_in_use),
    cmocka_unit_test(one_ack_may_count_for_more_if_so_set),
    cmocka_unit_test(after_a_time_out_an_ack_counts_for_one_segment),
    cmocka_unit_test(what_duplicates_or_sack_had_told_of_counts_no_more),
    cmocka_unit_test(after_a_pause_cwnd_begins_anew_unless_set_otherwise))
