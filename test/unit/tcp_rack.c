/* Loss with SACK: what RACK-TLP takes for lost and when (RFC 8985), how fast PRR goes on (RFC
 * 9937), and what the list of flights knows of it all. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1460, RTT_MS = 100 };

/* ESTABLISHED with SACK, a round trip of 100 ms known, and `octets` just sent. */
static void begin(uint32_t octets)
{
  struct tcp_settings set = rig_settings();

  set.no_sack = false;
  set.send_buffer = 65536;
  set.flights = 64;
  rig_init_with(r, &set, 36, RIG_SLAB_SIZE);
  r->options.present = TCP_OPT_MSS | TCP_OPT_SACK_OK;
  rig_connect(r);
  rig_forget_said(r);
  waits(r, RTT_MS * LA_MS);
  arrives(r, F_SYN | F_ACK, 0, 1);
  r->options.present = 0;
  rig_forget_said(r);
  if (octets > 0)
    user_sends(r, octets);
  rig_forget_said(r);
}

/* An ACK of `ack` with one block, or a second one behind it. */
static void acks_with(uint32_t ack, uint32_t start, uint32_t end)
{
  const uint32_t iss = r->tcb->snd.iss.n;

  r->options.present = TCP_OPT_SACK;
  r->options.sacks = 1;
  r->options.sack[0] = (struct tcp_sack){ iss + start, iss + end };
  arrives(r, F_ACK, 1, ack);
  r->options.present = 0;
}

static uint32_t segment(uint32_t n) { return 1 + n * MSS; }

TEST(flights_cover_what_is_out_and_merge_what_left_together)
{
  begin(5 * MSS);
  assert_int_equal(r->tcb->flight_count, 1);
  assert_int_equal(tcp_pipe(r->tcb), 5 * MSS);
  waits(r, LA_MS);
  user_sends(r, MSS);
  rig_forget_said(r);
  assert_int_equal(r->tcb->flight_count, 2);
  acks_with(1, segment(2), segment(3));
  assert_int_equal(r->tcb->sacked, MSS);
  assert_int_equal(tcp_pipe(r->tcb), 5 * MSS);
  assert_int_equal(r->tcb->flight_count, 4);
  arrives(r, F_ACK, 1, segment(6));
  assert_int_equal(r->tcb->flight_count, 0);
  assert_int_equal(r->tcb->sacked, 0);
}

/* RFC 8985 6.2 step 5: sent before what has arrived, and a quarter of the round trip later still
 * not told of. */
TEST(a_gap_is_a_loss_when_reordering_no_longer_explains_it)
{
  begin(4 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(2));
  says(r, "");
  assert_int_equal(r->tcb->mode, TCP_OPEN);
  assert_true(tcp_timer_runs(r->tcb, TCP_T_REORDER));
  waits(r, RTT_MS / 4 * LA_MS - 1);
  says(r, "");
  waits(r, 1);
  says(r, "A 1+1460 1");
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
}

/* RFC 8985 6.2 step 4: three segments beyond the gap leave no doubt while nothing was ever
 * reordered. */
TEST(three_segments_beyond_a_gap_are_proof_at_once)
{
  begin(6 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(4));
  says(r, "A 1+1460 1");
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  assert_int_equal(r->tcb->recoveries, 1);
}

TEST(what_is_sacked_is_not_sent_again)
{
  begin(8 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(4));
  says(r, "A 1+1460 1");
  acks_with(1, segment(5), segment(8));
  says(r, "A 5841+1460 1");
  arrives(r, F_ACK, 1, segment(8));
  says(r, "");
  assert_int_equal(r->tcb->mode, TCP_OPEN);
  assert_int_equal(r->tcb->retransmissions, 2);
}

/* RFC 9937 6: what a cumulative ACK tells counts as delivered, and what SACK had told of does not
 * count again. */
TEST(each_octet_is_delivered_once)
{
  begin(8 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(4));
  rig_forget_said(r);
  assert_int_equal(r->tcb->prr.delivered, 3 * MSS);
  arrives(r, F_ACK, 1, segment(4));
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  assert_int_equal(r->tcb->prr.delivered, 4 * MSS);
}

/* A lost retransmission is found by what was sent after it (RFC 8985 3.4): no time-out. */
TEST(a_lost_retransmission_is_found_without_a_time_out)
{
  begin(6 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(4));
  says(r, "A 1+1460 1");
  waits(r, 10 * LA_MS);
  user_sends(r, 2 * MSS);
  acks_with(1, segment(1), segment(6));
  rig_forget_said(r);
  assert_true(seq_lt(seq_add(r->tcb->snd.iss, segment(6)), r->tcb->snd.nxt));
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(6), segment(7));
  assert_true(strncmp(r->said, "", 1) == 0);
  says(r, "A 1+1460 1");
  assert_int_equal(r->tcb->timeouts, 0);
}

/* RFC 9937: with half of the window lost, about one segment goes for two that arrive. */
TEST(recovery_sends_in_proportion_to_what_arrives)
{
  uint32_t sent_before, cwnd;

  begin(10 * MSS);
  user_sends(r, 20 * MSS);
  rig_forget_said(r);
  cwnd = r->tcb->cc.cwnd;
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(4));
  rig_forget_said(r);
  assert_int_equal(r->tcb->cc.ssthresh, cwnd / 2);
  sent_before = r->tcb->prr.out;
  for (uint32_t n = 4; n < 10; n++) {
    acks_with(1, segment(1), segment(n + 1));
    rig_forget_said(r);
  }
  assert_true(r->tcb->prr.out - sent_before >= 2 * MSS);
  assert_true(r->tcb->prr.out - sent_before <= 4 * MSS);
  arrives(r, F_ACK, 1, segment(10));
  assert_int_equal(r->tcb->mode, TCP_OPEN);
  assert_int_equal(r->tcb->cc.cwnd, r->tcb->cc.ssthresh);
}

/* ---- the tail loss probe ---- */

TEST(two_round_trips_of_silence_bring_a_probe_long_before_the_time_out)
{
  begin(3 * MSS);
  waits(r, 2 * RTT_MS * LA_MS - 1);
  says(r, "");
  waits(r, 1);
  says(r, "PA 2921+1460 1");
  assert_int_equal(r->tcb->timeouts, 0);
  assert_int_equal(r->tcb->mode, TCP_OPEN);
}

/* Where a round trip takes microseconds, a busy peer is not a lost tail. */
TEST(a_probe_waits_ten_milliseconds_at_least)
{
  begin(0);
  r->tcb->rtt.srtt_us = 80;
  user_sends(r, 3 * MSS);
  rig_forget_said(r);
  waits(r, 10 * LA_MS - 1);
  says(r, "");
  waits(r, 1);
  says(r, "PA 2921+1460 1");
}

TEST(a_probe_is_new_text_if_there_is_any_that_the_window_takes)
{
  begin(0);
  r->tcb->cc.cwnd = 2 * MSS;
  user_sends(r, 4 * MSS);
  rig_forget_said(r);
  waits(r, 2 * RTT_MS * LA_MS);
  says(r, "A 2921+1460 1");
  assert_int_equal(r->tcb->retransmissions, 0);
}

/* RFC 8985 7.4.2: a D-SACK tells that the probe came twice, silence about it that it repaired a
 * loss, which is congestion. */
TEST(a_probe_that_repaired_a_loss_halves_the_window)
{
  uint32_t cwnd;

  begin(3 * MSS);
  cwnd = r->tcb->cc.cwnd;
  waits(r, 2 * RTT_MS * LA_MS);
  says(r, "PA 2921+1460 1");
  user_sends(r, MSS);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, segment(4));
  assert_int_equal(r->tcb->recoveries, 1);
  assert_true(r->tcb->cc.cwnd < cwnd);
}

TEST(a_probe_that_came_twice_changes_nothing)
{
  begin(3 * MSS);
  waits(r, 2 * RTT_MS * LA_MS);
  says(r, "PA 2921+1460 1");
  acks_with(segment(3), segment(2), segment(3));
  assert_int_equal(r->tcb->recoveries, 0);
  assert_false(r->tcb->rack.probe_out);
}

/* 7.4.2's second case: a peer without D-SACK answers the copy with a bare duplicate. */
TEST(a_bare_duplicate_tells_as_well_that_the_probe_came_twice)
{
  begin(3 * MSS);
  waits(r, 2 * RTT_MS * LA_MS);
  says(r, "PA 2921+1460 1");
  arrives(r, F_ACK, 1, segment(3));
  assert_true(r->tcb->rack.probe_out);
  user_sends(r, MSS);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, segment(3));
  assert_false(r->tcb->rack.probe_out);
  assert_int_equal(r->tcb->recoveries, 0);
}

TEST(a_probe_that_was_new_text_is_over_with_its_ack)
{
  begin(0);
  r->tcb->cc.cwnd = 2 * MSS;
  user_sends(r, 4 * MSS);
  waits(r, 2 * RTT_MS * LA_MS);
  rig_forget_said(r);
  assert_true(r->tcb->rack.probe_out);
  arrives(r, F_ACK, 1, segment(3));
  assert_false(r->tcb->rack.probe_out);
  assert_int_equal(r->tcb->recoveries, 0);
}

/* 7.2: a single segment's ACK may be held back for 200 ms, so that its probe would come after the
 * time-out: it comes in its place, cwnd stays, and the time-out begins anew. */
TEST(a_probe_goes_instead_of_a_time_out_that_would_come_sooner)
{
  uint32_t cwnd;

  begin(0);
  cwnd = r->tcb->cc.cwnd;
  user_sends(r, MSS);
  rig_forget_said(r);
  waits(r, 300 * LA_MS);
  says(r, "PA 1+1460 1");
  assert_int_equal(r->tcb->timeouts, 0);
  assert_int_equal(r->tcb->cc.cwnd, cwnd);
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) == r->t.now + 300 * LA_MS);
  waits(r, 300 * LA_MS);
  says(r, "PA 1+1460 1");
  assert_int_equal(r->tcb->timeouts, 1);
}

TEST(no_probe_where_the_configuration_wants_none)
{
  begin(0);
  r->t.set.no_tail_probes = true;
  user_sends(r, 3 * MSS);
  rig_forget_said(r);
  waits(r, 299 * LA_MS);
  says(r, "");
  waits(r, LA_MS);
  says(r, "A 1+1460 1");
  assert_int_equal(r->tcb->timeouts, 1);
}

TEST(no_probe_while_sack_tells_of_a_gap)              /* 7.2: RACK's timer is at it */
{
  begin(4 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(2));
  assert_true(tcp_timer_runs(r->tcb, TCP_T_REORDER));
  user_sends(r, MSS);
  rig_pump(r);
  assert_false(tcp_timer_runs(r->tcb, TCP_T_PROBE));
}

/* ---- the reordering window, RFC 8985 6.2 step 4 ---- */

static void reports_duplicate(uint32_t ack, uint32_t start, uint32_t end)
{
  acks_with(ack, start, end);
  assert_int_equal(r->t.count[TCP_N_dsacks_in] > 0, true);
}

TEST(a_duplicate_widens_the_window_once_a_round_and_for_16_recoveries)
{
  begin(4 * MSS);
  waits(r, RTT_MS * LA_MS);
  arrives(r, F_ACK, 1, segment(3));
  reports_duplicate(segment(3), 1, segment(1));
  assert_int_equal(r->tcb->rack.widened, 1);
  reports_duplicate(segment(3), segment(1), segment(2));
  assert_int_equal(r->tcb->rack.widened, 1);          /* the same round trip */
  arrives(r, F_ACK, 1, segment(4));
  user_sends(r, MSS);
  rig_forget_said(r);
  reports_duplicate(segment(4), segment(2), segment(3));
  assert_int_equal(r->tcb->rack.widened, 2);
  for (int i = 0; i < 15; i++)
    tcp_rack_recovered(r->tcb);
  assert_int_equal(r->tcb->rack.widened, 2);
  tcp_rack_recovered(r->tcb);
  assert_int_equal(r->tcb->rack.widened, 0);
}

/* Step 3: what arrives late, and was sent once, was overtaken; from then on three segments beyond a
 * gap prove nothing, and the wait is a quarter of the round trip. */
TEST(one_ack_with_progress_and_a_block_tells_of_no_reordering)
{
  begin(5 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(segment(1), segment(2), segment(5));
  assert_false(r->tcb->rack.reordered);
  says(r, "A 1461+1460 1");                   /* so three segments beyond the gap are proof */
}

TEST(once_reordering_was_seen_three_segments_prove_nothing)
{
  begin(8 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(2));
  arrives(r, F_ACK, 1, segment(2));
  assert_true(r->tcb->rack.reordered);
  acks_with(segment(2), segment(3), segment(7));
  says(r, "");
  waits(r, RTT_MS / 4 * LA_MS - 1);
  says(r, "");
  waits(r, 1);
  says(r, "A 2921+1460 1");
}

/* Step 2: an ACK sooner than any round trip answers to the first transmission. */
TEST(an_ack_too_soon_for_the_resent_segment_moves_no_clock)
{
  la_time sent;

  begin(6 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(4));
  says(r, "A 1+1460 1");
  sent = r->tcb->rack.sent;
  waits(r, 10 * LA_MS);
  arrives(r, F_ACK, 1, segment(4));
  assert_true(r->tcb->rack.sent == sent);
}

/* Step 5, and 3.4: a retransmission is lost like anything else, and counted apart. */
TEST(a_lost_retransmission_is_told_apart)
{
  struct la_trace e[32];
  size_t n;

  begin(6 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(1), segment(4));
  rig_forget_said(r);
  user_sends(r, 4 * MSS);
  rig_forget_said(r);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(4), segment(6));
  waits(r, RTT_MS * LA_MS / 2);
  acks_with(1, segment(6), segment(7));
  waits(r, RTT_MS * LA_MS);
  assert_true(r->tcb->lost_resends > 0);
  assert_int_equal(r->t.count[TCP_N_lost_resends], r->tcb->lost_resends);
  n = tcp_trace_read(&r->t, r->tcb, e, 32);
  for (size_t i = 0; i < n; i++)
    if (e[i].kind == LA_TRACE_RETRANSMIT && e[i].c == 1)
      return;
  fail_msg("the story does not tell that a resend was lost");
}

/* ---- proportional rate reduction, RFC 9937 6.2 ---- */

/* Far below ssthresh as much goes as arrives; a segment more when SND.UNA moves and nothing new is
 * lost. */
TEST(below_ssthresh_recovery_catches_up_while_it_goes_well)
{
  uint32_t out;

  begin(10 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(8), segment(9));       /* many are lost: 8 of 10, as time tells */
  waits(r, RTT_MS / 4 * LA_MS);
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  rig_forget_said(r);
  assert_true(tcp_pipe(r->tcb) < r->tcb->cc.ssthresh);
  out = r->tcb->prr.out;
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(9), segment(10));      /* not safe: SND.UNA stands */
  rig_forget_said(r);
  assert_in_range(r->tcb->prr.out - out, 0, MSS);
  out = r->tcb->prr.out;
  arrives(r, F_ACK, 1, segment(1));
  rig_forget_said(r);
  assert_int_equal(r->tcb->prr.out - out, 2 * MSS);
}

TEST(what_sack_had_told_before_recovery_is_no_part_of_it)
{
  begin(10 * MSS);
  r->tcb->rack.reordered = true;              /* so that the first two are waited for */
  waits(r, RTT_MS * LA_MS);
  acks_with(1, segment(4), segment(6));
  waits(r, 10 * LA_MS);
  rig_forget_said(r);
  waits(r, RTT_MS / 4 * LA_MS);
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  assert_int_equal(r->tcb->prr.flight, 8 * MSS);
}

/* ---- time-outs ---- */

/* RFC 8985 6.3: what was sent lately is not overdue because something else is. */
TEST(a_time_out_takes_the_first_for_lost_and_what_is_overdue)
{
  begin(0);
  r->t.set.no_tail_probes = true;
  user_sends(r, 2 * MSS);
  rig_forget_said(r);
  waits(r, 290 * LA_MS);
  user_sends(r, 2 * MSS);
  rig_forget_said(r);
  waits(r, 10 * LA_MS);
  assert_int_equal(r->tcb->timeouts, 1);
  assert_int_equal(r->tcb->lost, MSS);        /* the second: the first has just gone again */
  assert_int_equal(tcp_pipe(r->tcb), 3 * MSS);
}


TEST(after_a_time_out_only_what_was_not_sacked_is_lost)
{
  begin(4 * MSS);
  waits(r, LA_MS);
  acks_with(1, segment(2), segment(3));
  rig_forget_said(r);
  tcp_timer_stop(r->tcb, TCP_T_REORDER);
  waits(r, 3 * LA_SEC);
  assert_true(r->tcb->timeouts > 0);
  assert_int_equal(r->tcb->sacked, MSS);
  assert_int_equal(r->tcb->lost + tcp_pipe(r->tcb), 3 * MSS);
}

/* RFC 2018 8: the peer may throw away what it had told of. */
TEST(a_peer_that_reneges_gets_everything_again)
{
  begin(2 * MSS);
  waits(r, LA_MS);
  acks_with(1, 1, segment(1));                /* SACKed from SND.UNA on, and never acknowledged */
  rig_forget_said(r);
  waits(r, 3 * LA_SEC);
  assert_int_equal(r->tcb->sacked, 0);
  assert_true(strstr(r->said, "A 1+1460 1") != NULL);
}

/* Entries are few: the last grows, later times win, and nothing is forgotten. */
TEST(without_entries_loss_is_found_later_and_still_found)
{
  struct tcp_settings set = rig_settings();

  set.no_sack = false;
  set.flights = 1;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.present = TCP_OPT_MSS | TCP_OPT_SACK_OK;
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ACK, 0, 1);
  r->options.present = 0;
  for (int i = 0; i < 5; i++) {
    user_sends(r, MSS);
    waits(r, LA_MS);
  }
  assert_int_equal(r->tcb->flight_count, 2);
  assert_int_equal(tcp_pipe(r->tcb), 5 * MSS);
  acks_with(1, segment(1), segment(4));
  waits(r, 5 * LA_SEC);
  assert_true(r->tcb->retransmissions > 0);
  arrives(r, F_ACK, 1, segment(5));
  assert_int_equal(r->tcb->flight_count, 0);
  assert_int_equal(r->t.flights.used, 0);
}

RUN(cmocka_unit_test(flights_cover_what_is_out_and_merge_what_left_together),
    cmocka_unit_test(a_gap_is_a_loss_when_reordering_no_longer_explains_it),
    cmocka_unit_test(three_segments_beyond_a_gap_are_proof_at_once),
    cmocka_unit_test(what_is_sacked_is_not_sent_again),
    cmocka_unit_test(each_octet_is_delivered_once),
    cmocka_unit_test(a_lost_retransmission_is_found_without_a_time_out),
    cmocka_unit_test(recovery_sends_in_proportion_to_what_arrives),
    cmocka_unit_test(two_round_trips_of_silence_bring_a_probe_long_before_the_time_out),
    cmocka_unit_test(a_probe_waits_ten_milliseconds_at_least),
    cmocka_unit_test(a_probe_is_new_text_if_there_is_any_that_the_window_takes),
    cmocka_unit_test(a_probe_that_repaired_a_loss_halves_the_window),
    cmocka_unit_test(a_probe_that_came_twice_changes_nothing),
    cmocka_unit_test(a_bare_duplicate_tells_as_well_that_the_probe_came_twice),
    cmocka_unit_test(a_probe_that_was_new_text_is_over_with_its_ack),
    cmocka_unit_test(a_probe_goes_instead_of_a_time_out_that_would_come_sooner),
    cmocka_unit_test(no_probe_where_the_configuration_wants_none),
    cmocka_unit_test(no_probe_while_sack_tells_of_a_gap),
    cmocka_unit_test(a_duplicate_widens_the_window_once_a_round_and_for_16_recoveries),
    cmocka_unit_test(one_ack_with_progress_and_a_block_tells_of_no_reordering),
    cmocka_unit_test(once_reordering_was_seen_three_segments_prove_nothing),
    cmocka_unit_test(an_ack_too_soon_for_the_resent_segment_moves_no_clock),
    cmocka_unit_test(a_lost_retransmission_is_told_apart),
    cmocka_unit_test(below_ssthresh_recovery_catches_up_while_it_goes_well),
    cmocka_unit_test(what_sack_had_told_before_recovery_is_no_part_of_it),
    cmocka_unit_test(a_time_out_takes_the_first_for_lost_and_what_is_overdue),
    cmocka_unit_test(after_a_time_out_only_what_was_not_sacked_is_lost),
    cmocka_unit_test(a_peer_that_reneges_gets_everything_again),
    cmocka_unit_test(without_entries_loss_is_found_later_and_still_found))
