/* What is lost and sent again: RFC 6298, RFC 5681, RFC 6582, RFC 3042, RFC 6928. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1000 };

static void begin_with(uint32_t initial_window)
{
  struct tcp_settings set = rig_settings();

  set.initial_window = initial_window;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.mss = MSS;
}

static void established_with(uint32_t initial_window)
{
  begin_with(initial_window);
  rig_established(r, false);
}

static void established(void) { established_with(10); }

static void acks(uint32_t ack) { arrives(r, F_ACK, 1, ack); }

/* n full segments are sent and none is acknowledged. */
static void in_flight(uint32_t n)
{
  user_sends(r, n * MSS);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), n * MSS);
}

/* ---- the time-out's numbers, RFC 6298 2 ---- */

struct sample { uint32_t rtt_us, srtt_us, rttvar_us, rto_us; };

TEST(the_time_out_follows_the_samples_as_rfc_6298_reckons)
{
  static const struct sample samples[] = {
    { 800000, 800000, 400000, 2400000 },        /* SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR */
    { 800000, 800000, 300000, 2000000 },        /* no error: RTTVAR loses a quarter */
    { 1600000, 900000, 425000, 2600000 },       /* 3/4 * 300 + 1/4 * 800; 7/8 * 800 + 1/8 * 1600 */
    { 100000, 800000, 518750, 2875000 },
    { 800000, 800000, 389063, 2356252 },
  };

  established();
  r->tcb->rtt.srtt_us = r->tcb->rtt.rttvar_us = 0;
  for (unsigned i = 0; i < sizeof samples / sizeof *samples; i++) {
    tcp_rtt_sample(&r->t, r->tcb, (la_time)samples[i].rtt_us * 1000);
    assert_int_equal(r->tcb->rtt.srtt_us, samples[i].srtt_us);
    assert_in_range(r->tcb->rtt.rttvar_us, samples[i].rttvar_us - 1, samples[i].rttvar_us + 1);
    assert_in_range(r->tcb->rtt.rto_us, samples[i].rto_us - 4, samples[i].rto_us + 4);
  }
}

TEST(the_time_out_has_a_least_and_a_most)
{
  established();
  tcp_rtt_sample(&r->t, r->tcb, 0);
  assert_true(tcp_rto(&r->t, r->tcb, 0) == 200 * LA_MS);
  tcp_rtt_sample(&r->t, r->tcb, 24 * 24 * 3600 * LA_SEC);
  assert_true(tcp_rto(&r->t, r->tcb, 0) == 60 * LA_SEC);
  assert_true(tcp_rto(&r->t, r->tcb, 255) == 60 * LA_SEC);
}

TEST(before_any_sample_it_is_a_second)              /* 2.1 */
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  waits(r, LA_SEC - LA_MS);
  says(r, "");
  waits(r, LA_MS);
  says(r, "S 0");
}

TEST(one_segment_of_a_flight_is_timed)
{
  established();
  waits(r, LA_SEC);
  in_flight(3);
  waits(r, 30 * LA_MS);
  r->tcb->rtt.srtt_us = 0;
  acks(1 + MSS);
  assert_int_equal(r->tcb->rtt.srtt_us, 30000);
  waits(r, 30 * LA_MS);
  acks(1 + 3 * MSS);
  assert_int_equal(r->tcb->rtt.srtt_us, 30000);     /* the others were not */
}

TEST(each_new_acknowledgment_restarts_the_timer)    /* 5.3 */
{
  la_time due;

  established();
  in_flight(3);
  waits(r, 150 * LA_MS);
  acks(1 + MSS);
  due = tcp_timer_due(r->tcb, TCP_T_RETRANSMIT);
  assert_true(due == r->t.now + tcp_rto(&r->t, r->tcb, 0));
  acks(1 + MSS);
  waits(r, 10 * LA_MS);
  acks(1 + MSS); /* a duplicate does not */
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) == due);
  acks(1 + 3 * MSS);
  assert_false(tcp_timer_runs(r->tcb, TCP_T_RETRANSMIT));   /* 5.2 */
}

/* ---- after the SYN was lost ---- */

static void connects_after_lost_syns(unsigned lost)
{
  begin_with(10);
  rig_connect(r);
  waits(r, ((1u << lost) - 1) * LA_SEC + LA_MS);
  assert_int_equal(r->tcb->timeouts, lost);
  arrives(r, F_SYN | F_ACK, 0, 1);
  rig_forget_said(r);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
}

/* RFC 6298 5.7 */
TEST(after_the_loss_of_a_syn_the_time_out_is_three_seconds)
{
  connects_after_lost_syns(1);
  assert_true(tcp_rto(&r->t, r->tcb, 0) == 3 * LA_SEC);
}

/* RFC 5681 3.1: then the initial window is one segment; RFC 6928 2: when a second one was lost. */
TEST(after_the_loss_of_two_syns_the_first_flight_is_one_segment)
{
  connects_after_lost_syns(1);
  user_sends(r, 3 * MSS);
  says(r, "A 1+1000 1; A 1001+1000 1; PA 2001+1000 1");
  connects_after_lost_syns(2);
  user_sends(r, 3 * MSS);
  says(r, "A 1+1000 1");
}

TEST(after_the_loss_of_a_syn_ack_too)
{
  begin_with(10);
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  waits(r, 3 * LA_SEC + LA_MS);
  arrives(r, F_ACK, 1, 1);
  rig_forget_said(r);
  assert_true(tcp_rto(&r->t, r->tcb, 0) == 3 * LA_SEC);
  user_sends(r, 3 * MSS);
  says(r, "A 1+1000 1");
}

/* A SYN,ACK that went out again because the SYN came again is no time-out. */
TEST(a_repeated_syn_alone_is_no_loss)
{
  begin_with(10);
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  arrives(r, F_ACK, 1, 1);
  assert_true(tcp_rto(&r->t, r->tcb, 0) == LA_SEC);
  assert_int_equal(r->tcb->cc.cwnd, 10 * MSS);
}

/* ---- initial window, slow start, congestion avoidance: RFC 5681 3.1 ---- */

TEST(the_first_flight_is_ten_segments)              /* RFC 6928 2 */
{
  established();
  user_sends(r, 12 * MSS);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), 10 * MSS);
}

TEST(the_first_flight_of_large_segments_is_no_more_than_14600_octets_or_two)
{
  established();
  r->tcb->mss = 4000;
  cc_algorithm(LA_CC_NEWRENO)->start(&r->tcb->cc, 4000, 10);
  assert_int_equal(r->tcb->cc.cwnd, 14600);
  cc_algorithm(LA_CC_NEWRENO)->start(&r->tcb->cc, 9000, 10);
  assert_int_equal(r->tcb->cc.cwnd, 18000);
  cc_algorithm(LA_CC_NEWRENO)->start(&r->tcb->cc, 1460, 10);
  assert_int_equal(r->tcb->cc.cwnd, 14600);
  cc_algorithm(LA_CC_NEWRENO)->start(&r->tcb->cc, 536, 10);
  assert_int_equal(r->tcb->cc.cwnd, 5360);
}

TEST(in_slow_start_each_ack_adds_what_it_acknowledges_up_to_two_segments)
{
  established_with(2);
  in_flight(2);
  acks(1 + MSS);
  assert_int_equal(r->tcb->cc.cwnd, 3 * MSS);
  acks(1 + 2 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, 4 * MSS);
  in_flight(4);
  acks(1 + 6 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, 6 * MSS);       /* RFC 3465 2.1: four were, two count */
}

TEST(in_congestion_avoidance_a_window_adds_one_segment)
{
  established_with(4);
  r->tcb->cc.ssthresh = 4 * MSS;
  in_flight(4);
  acks(1 + 2 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, 4 * MSS);
  acks(1 + 4 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, 5 * MSS);
}

TEST(a_window_that_is_not_used_does_not_grow)       /* RFC 7661's case */
{
  established();
  for (uint32_t i = 0; i < 20; i++) {
    in_flight(1);
    acks(1 + (i + 1) * MSS);
  }
  assert_int_equal(r->tcb->cc.cwnd, 10 * MSS);
}

/* RFC 5681 4.1: idle as a sender. */
TEST(after_an_idle_time_the_window_is_the_initial_one_again)
{
  established_with(2);
  in_flight(2);
  acks(1 + 2 * MSS);
  in_flight(4);
  acks(1 + 6 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, 6 * MSS);
  waits(r, 10 * LA_SEC);
  user_sends(r, 6 * MSS);
  says(r, "A 6001+1000 1; A 7001+1000 1");
}

TEST(acknowledging_the_peers_text_is_no_use_of_our_window)
{
  established_with(2);
  in_flight(2);
  acks(1 + 2 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, 4 * MSS);
  for (uint32_t i = 0; i < 100; i++) {
    waits(r, 100 * LA_MS);
    arrives_with_text(r, F_ACK, 1 + i * 10, 1 + 2 * MSS, 10);
  }
  rig_forget_said(r);
  user_sends(r, 4 * MSS);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), 2 * MSS);
}

/* ---- time-outs: RFC 5681 3.1, RFC 6298 5.4-5.6 ---- */

TEST(a_time_out_sends_the_first_again_and_halves_what_is_thought_to_fit)
{
  established();
  in_flight(8);
  waits(r, 200 * LA_MS);
  says(r, "A 1+1000 1");
  assert_int_equal(r->tcb->cc.cwnd, MSS);
  assert_int_equal(r->tcb->cc.ssthresh, 4 * MSS);
}

TEST(ssthresh_is_at_least_two_segments)
{
  established();
  in_flight(1);
  waits(r, 200 * LA_MS);
  assert_int_equal(r->tcb->cc.ssthresh, 2 * MSS);
}

TEST(the_second_time_out_of_a_segment_leaves_ssthresh_alone)
{
  established();
  in_flight(8);
  waits(r, 200 * LA_MS + 400 * LA_MS);
  assert_int_equal(r->tcb->timeouts, 2);
  assert_int_equal(r->tcb->cc.ssthresh, 4 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, MSS);
}

TEST(after_a_time_out_all_that_was_in_flight_goes_again_in_slow_start)
{
  established();
  in_flight(6);
  waits(r, 200 * LA_MS);
  rig_forget_said(r);
  acks(1 + MSS);
  says(r, "A 1001+1000 1; A 2001+1000 1");
  acks(1 + 2 * MSS);
  says(r, "A 3001+1000 1; A 4001+1000 1");
  assert_int_equal(r->tcb->cc.cwnd, 3 * MSS);
}

/* RFC 3465 2.3: an ACK after a time-out may acknowledge what had long left the network, so it adds
 * one segment and no more. */
TEST(after_a_time_out_an_ack_adds_one_segment)
{
  established();
  in_flight(8);
  waits(r, 200 * LA_MS);
  rig_forget_said(r);
  acks(1 + 4 * MSS);                                /* only the first had been lost */
  assert_int_equal(r->tcb->cc.cwnd, 2 * MSS);
}

TEST(what_arrived_after_all_is_not_sent_again)
{
  established();
  in_flight(6);
  waits(r, 200 * LA_MS);
  rig_forget_said(r);
  acks(1 + 6 * MSS);
  says(r, "");
  assert_int_equal(r->tcb->mode, TCP_OPEN);
}

TEST(nothing_new_is_sent_before_what_was_lost)
{
  established();
  in_flight(6);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_NODELAY, 1), LA_OK);
  waits(r, 200 * LA_MS);
  rig_forget_said(r);
  acks(1 + MSS);
  rig_forget_said(r);
  user_sends(r, 10);
  says(r, "");
}

TEST(a_lost_fin_is_sent_again)
{
  established();
  user_closes(r);
  says(r, "FA 1 1");
  waits(r, 200 * LA_MS);
  says(r, "FA 1 1");
}

/* ---- fast retransmit and recovery: RFC 5681 3.2, RFC 6582 ---- */

static void duplicates(uint32_t ack, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    acks(ack);
}

TEST(the_third_duplicate_sends_the_first_segment_again_at_once)
{
  established();
  in_flight(8);
  duplicates(1, 2);
  says(r, "");
  duplicates(1, 1);
  says(r, "A 1+1000 1");
  assert_int_equal(r->tcb->cc.ssthresh, 4 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, 7 * MSS);       /* ssthresh and the three that have left */
  assert_int_equal(r->t.count[TCP_N_fast_retransmits], 1);
}

/* RFC 5681 2: what a duplicate acknowledgment is not. */
TEST(an_ack_with_text_or_another_window_is_no_duplicate)
{
  established();
  in_flight(8);
  for (uint32_t i = 0; i < 5; i++)
    arrives_with_text(r, F_ACK, 1 + i * 10, 1, 10);
  rig_forget_said(r);
  assert_int_equal(r->tcb->duplicate_acks, 0);
  for (uint32_t i = 0; i < 5; i++) {
    r->wnd -= 10;
    acks(1);
  }
  assert_int_equal(r->tcb->duplicate_acks, 0);
}

TEST(acks_with_nothing_in_flight_are_no_duplicates)
{
  established();
  duplicates(1, 5);
  assert_int_equal(r->tcb->duplicate_acks_total, 0);
}

/* A probe of our shut window carries an octet, so it is no duplicate, though the octet is cut. */
TEST(probes_of_our_shut_window_are_no_duplicates)
{
  uint32_t next;

  established();
  for (uint32_t seq = 1; r->tcb->rcv.wnd > 0; seq = r->tcb->rcv.nxt.n - r->peer_isn) {
    arrives_with_text(r, F_ACK, seq, 1, r->tcb->rcv.wnd < 1460 ? r->tcb->rcv.wnd : 1460);
    rig_forget_said(r);
  }
  next = r->tcb->rcv.nxt.n - r->peer_isn;
  in_flight(4);
  for (int i = 0; i < 4; i++)
    arrives_with_text(r, F_ACK, next, 1, 1);
  assert_int_equal(r->tcb->duplicate_acks_total, 0);
}

TEST(each_further_duplicate_lets_one_segment_go)
{
  established();
  in_flight(8);
  user_sends(r, 2 * MSS);
  rig_forget_said(r);                               /* ten in flight: cwnd is full */
  user_sends(r, 3 * MSS);
  says(r, "");
  duplicates(1, 3);
  rig_forget_said(r);
  r->said_length = 0;
  duplicates(1, 4);
  rig_pump(r);
  assert_int_equal(r->tcb->cc.cwnd, r->tcb->cc.ssthresh + 7 * MSS);
}

TEST(a_partial_ack_sends_the_next_hole_and_stays_in_recovery)
{
  established();
  in_flight(8);
  duplicates(1, 3);
  rig_forget_said(r);
  acks(1 + 2 * MSS);
  says(r, "A 2001+1000 1");
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  assert_int_equal(r->tcb->cc.cwnd, 7 * MSS - 2 * MSS + MSS);
}

/* RFC 6582 3.2 step 3: the first partial ACK restarts the timer and the others do not, so that many
 * holes end in a time-out; it leaves them a second. */
TEST(the_first_partial_ack_restarts_the_timer_and_no_other)
{
  la_time due;

  established();
  in_flight(8);
  for (int i = 0; i < 3; i++)
    acks(1);
  rig_forget_said(r);
  acks(1 + MSS);
  due = tcp_timer_due(r->tcb, TCP_T_RETRANSMIT);
  assert_true(due == r->t.now + LA_SEC);
  waits(r, 100 * LA_MS);
  acks(1 + 2 * MSS);
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) == due);
  waits(r, due - r->t.now);
  assert_int_equal(r->tcb->timeouts, 1);
}

/* RFC 5681 equation 4 speaks of what is in the network; in recovery cwnd and what is unacknowledged
 * have grown by what has left it. */
TEST(a_time_out_in_recovery_reckons_with_what_recovery_left)
{
  established();
  in_flight(10);
  for (int i = 0; i < 9; i++)
    acks(1);
  assert_int_equal(r->tcb->cc.ssthresh, 5 * MSS);
  user_sends(r, 6 * MSS);
  rig_forget_said(r);
  waits(r, 300 * LA_MS);
  assert_int_equal(r->tcb->timeouts, 1);
  assert_int_equal(r->tcb->cc.ssthresh, 5 * MSS / 2);
}

TEST(a_full_ack_ends_recovery_without_a_burst)
{
  established();
  in_flight(8);
  duplicates(1, 3);
  rig_forget_said(r);
  acks(1 + 8 * MSS);
  assert_int_equal(r->tcb->mode, TCP_OPEN);
  assert_int_equal(r->tcb->cc.cwnd, 2 * MSS);       /* min(ssthresh, max(flight, SMSS) + SMSS) */
}

/* RFC 6582 3.2 step 2 and 4.1: duplicates of what a time-out has sent again are no news. */
TEST(duplicates_of_segments_sent_before_a_time_out_do_not_start_recovery)
{
  established();
  in_flight(8);
  waits(r, 200 * LA_MS);
  rig_forget_said(r);
  acks(1 + 8 * MSS);
  in_flight(2);
  duplicates(1 + 8 * MSS, 4);
  assert_int_equal(r->tcb->recoveries, 0);
}

TEST(in_recovery_a_time_out_starts_from_the_beginning)
{
  established();
  in_flight(8);
  duplicates(1, 3);
  rig_forget_said(r);
  waits(r, 200 * LA_MS);
  says(r, "A 1+1000 1");
  assert_int_equal(r->tcb->mode, TCP_LOSS);
  assert_int_equal(r->tcb->cc.cwnd, MSS);
}

TEST(no_flood_of_duplicates_overflows_the_window)
{
  established();
  in_flight(8);
  duplicates(1, 3);
  r->tcb->cc.cwnd = UINT32_MAX - 100;               /* three million duplicates later */
  duplicates(1, 1);
  assert_true(r->tcb->cc.cwnd >= 8 * MSS);
}

/* ---- limited transmit, RFC 3042 ---- */

TEST(the_first_two_duplicates_let_a_new_segment_go_each)
{
  established_with(4);
  in_flight(4);
  user_sends(r, 4 * MSS);
  says(r, "");
  duplicates(1, 1);
  says(r, "A 4001+1000 1");
  duplicates(1, 1);
  says(r, "A 5001+1000 1");
  assert_int_equal(r->tcb->cc.cwnd, 4 * MSS);
}

/* RFC 5681 3.2 step 2: what they let go is not counted as having been in flight. */
TEST(limited_transmit_does_not_raise_ssthresh)
{
  established_with(6);
  in_flight(6);
  user_sends(r, 4 * MSS);
  duplicates(1, 1);
  rig_forget_said(r);
  duplicates(1, 1);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), 8 * MSS);
  duplicates(1, 1);
  assert_int_equal(r->tcb->cc.ssthresh, 3 * MSS);
}

TEST(limited_transmit_stays_within_the_peers_window)
{
  established_with(4);
  r->wnd = 4 * MSS;
  acks(1);
  in_flight(4);
  user_sends(r, 2 * MSS);
  duplicates(1, 2);
  says(r, "");
}

RUN(cmocka_unit_test(the_time_out_follows_the_samples_as_rfc_6298_reckons),
    cmocka_unit_test(the_time_out_has_a_least_and_a_most),
    cmocka_unit_test(before_any_sample_it_is_a_second),
    cmocka_unit_test(one_segment_of_a_flight_is_timed),
    cmocka_unit_test(each_new_acknowledgment_restarts_the_timer),
    cmocka_unit_test(after_the_loss_of_a_syn_the_time_out_is_three_seconds),
    cmocka_unit_test(after_the_loss_of_two_syns_the_first_flight_is_one_segment),
    cmocka_unit_test(after_the_loss_of_a_syn_ack_too),
    cmocka_unit_test(a_repeated_syn_alone_is_no_loss),
    cmocka_unit_test(the_first_flight_is_ten_segments),
    cmocka_unit_test(the_first_flight_of_large_segments_is_no_more_than_14600_octets_or_two),
    cmocka_unit_test(in_slow_start_each_ack_adds_what_it_acknowledges_up_to_two_segments),
    cmocka_unit_test(in_congestion_avoidance_a_window_adds_one_segment),
    cmocka_unit_test(a_window_that_is_not_used_does_not_grow),
    cmocka_unit_test(after_an_idle_time_the_window_is_the_initial_one_again),
    cmocka_unit_test(acknowledging_the_peers_text_is_no_use_of_our_window),
    cmocka_unit_test(a_time_out_sends_the_first_again_and_halves_what_is_thought_to_fit),
    cmocka_unit_test(ssthresh_is_at_least_two_segments),
    cmocka_unit_test(the_second_time_out_of_a_segment_leaves_ssthresh_alone),
    cmocka_unit_test(after_a_time_out_all_that_was_in_flight_goes_again_in_slow_start),
    cmocka_unit_test(after_a_time_out_an_ack_adds_one_segment),
    cmocka_unit_test(what_arrived_after_all_is_not_sent_again),
    cmocka_unit_test(nothing_new_is_sent_before_what_was_lost),
    cmocka_unit_test(a_lost_fin_is_sent_again),
    cmocka_unit_test(the_third_duplicate_sends_the_first_segment_again_at_once),
    cmocka_unit_test(an_ack_with_text_or_another_window_is_no_duplicate),
    cmocka_unit_test(acks_with_nothing_in_flight_are_no_duplicates),
    cmocka_unit_test(probes_of_our_shut_window_are_no_duplicates),
    cmocka_unit_test(each_further_duplicate_lets_one_segment_go),
    cmocka_unit_test(a_partial_ack_sends_the_next_hole_and_stays_in_recovery),
    cmocka_unit_test(the_first_partial_ack_restarts_the_timer_and_no_other),
    cmocka_unit_test(a_time_out_in_recovery_reckons_with_what_recovery_left),
    cmocka_unit_test(a_full_ack_ends_recovery_without_a_burst),
    cmocka_unit_test(duplicates_of_segments_sent_before_a_time_out_do_not_start_recovery),
    cmocka_unit_test(in_recovery_a_time_out_starts_from_the_beginning),
    cmocka_unit_test(no_flood_of_duplicates_overflows_the_window),
    cmocka_unit_test(the_first_two_duplicates_let_a_new_segment_go_each),
    cmocka_unit_test(limited_transmit_does_not_raise_ssthresh),
    cmocka_unit_test(limited_transmit_stays_within_the_peers_window))
