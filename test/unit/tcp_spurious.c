/* Losses that were none, and how they are taken back: Eifel by timestamps (RFC 3522, RFC 4015),
 * F-RTO (RFC 5682), D-SACK (RFC 3708, RFC 2883). */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1000, RTT_MS = 100, RTO_MS = 300, WINDOW = 10 * MSS };
enum with { NOTHING = 0, SACK = 1, STAMPS = 2 };

/* ESTABLISHED, a round trip of 100 ms known, so that the time-out is 300; the window is 10 segments
 * of 1,000 octets whatever was agreed. No probe for the tail comes between. */
static void begin(enum with with)
{
  struct tcp_settings set = rig_settings();

  set.no_sack = !(with & SACK);
  set.no_timestamps = !(with & STAMPS);
  set.no_tail_probes = true;
  set.send_buffer = 65536;
  rig_init_with(r, &set, 36, RIG_SLAB_SIZE);
  r->options.mss = with & STAMPS ? MSS + 12 : MSS;
  r->options.present |= (with & SACK ? TCP_OPT_SACK_OK : 0) | (with & STAMPS ? TCP_OPT_TS : 0);
  rig_connect(r);
  rig_forget_said(r);
  waits(r, RTT_MS * LA_MS);
  r->options.ts_ecr = with & STAMPS ? tcp_ts_now(&r->t, r->tcb) - RTT_MS : 0;
  arrives(r, F_SYN | F_ACK, 0, 1);
  r->options.present = with & STAMPS ? TCP_OPT_TS : 0;
  rig_forget_said(r);
  assert_int_equal(r->tcb->mss, MSS);
  r->tcb->cc.cwnd = WINDOW;
  r->tcb->rtt.rto_us = RTO_MS * 1000;
}

static uint32_t segment(uint32_t n) { return 1 + n * MSS; }

/* n segments leave now, with this timestamp. */
static uint32_t sends(uint32_t n)
{
  user_sends(r, n * MSS);
  rig_forget_said(r);
  return tcp_ts_now(&r->t, r->tcb);
}

static void acks(uint32_t ack, uint32_t echo)
{
  r->options.ts_ecr = echo;
  arrives(r, F_ACK, 1, ack);
}

static void acks_with(uint32_t ack, uint32_t start, uint32_t end)
{
  const uint32_t iss = r->tcb->snd.iss.n;
  const uint8_t before = r->options.present;

  r->options.present |= TCP_OPT_SACK;
  r->options.sacks = 1;
  r->options.sack[0] = (struct tcp_sack){ iss + start, iss + end };
  arrives(r, F_ACK, 1, ack);
  r->options.present = before;
}

static void times_out(void)
{
  waits(r, RTO_MS * LA_MS);
  assert_int_equal(r->tcb->mode, TCP_LOSS);
  assert_int_equal(r->tcb->cc.cwnd, MSS);
  rig_forget_said(r);
}

/* The recorder's latest word about a loss that was none. */
static void story_tells(unsigned timeout, unsigned how)
{
  struct la_trace e[32];
  const size_t n = tcp_trace_read(&r->t, r->tcb, e, 32);

  for (size_t i = n; i > 0; i--) {
    if (e[i - 1].kind != LA_TRACE_SPURIOUS)
      continue;
    assert_int_equal(e[i - 1].a, timeout);
    assert_int_equal(e[i - 1].b, how);
    return;
  }
  fail_msg("the story knows of no spurious loss");
}

static void is_taken_back(void)
{
  assert_int_equal(r->tcb->mode, TCP_OPEN);
  assert_int_equal(r->tcb->lost, 0);
  assert_true(r->tcb->cc.cwnd >= WINDOW);
  assert_true(r->tcb->cc.ssthresh == UINT32_MAX);
  assert_int_equal(r->tcb->spurious, 1);
  assert_null(tcp_undo(r->tcb));
}

/* ---- Eifel: RFC 3522 3.2 ---- */

TEST(an_echo_from_before_the_time_out_takes_it_back)
{
  uint32_t stamp;

  begin(STAMPS);
  stamp = sends(4);
  times_out();
  waits(r, 50 * LA_MS);
  acks(segment(1), stamp);
  is_taken_back();
  story_tells(1, 0);
  assert_int_equal(r->t.count[TCP_N_spurious_timeouts], 1);
  says(r, ""); /* nothing more is resent */
}

TEST(an_echo_of_the_resent_segment_confirms_the_time_out)
{
  begin(STAMPS);
  sends(4);
  times_out();
  waits(r, 50 * LA_MS);
  acks(segment(1), tcp_ts_now(&r->t, r->tcb) - 50);
  assert_int_equal(r->tcb->mode, TCP_LOSS);
  assert_int_equal(r->tcb->spurious, 0);
}

TEST(an_echo_from_before_a_fast_retransmit_takes_it_back)
{
  uint32_t stamp;

  begin(STAMPS);
  stamp = sends(6);
  waits(r, 80 * LA_MS);
  for (int i = 0; i < 3; i++)
    acks(1, stamp);
  says(r, "A 1+1000 1");
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  waits(r, 5 * LA_MS);
  acks(segment(4), stamp);
  is_taken_back();
  story_tells(0, 0);
  assert_int_equal(r->t.count[TCP_N_spurious_losses], 1);
}

/* The echo is judged against the resending of what is acknowledged: text that was overtaken by an
 * earlier recovery carries old stamps and proves nothing. */
TEST(an_old_echo_of_what_was_not_resent_proves_nothing)
{
  uint32_t stamp;

  begin(STAMPS | SACK);
  stamp = sends(8);
  waits(r, 80 * LA_MS);
  acks_with(1, segment(1), segment(4));
  says(r, "A 1+1000 1");
  waits(r, 80 * LA_MS);
  acks(segment(5), tcp_ts_now(&r->t, r->tcb) - 80);
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  acks(segment(6), stamp); /* was sent once, before all of it */
  assert_int_equal(r->tcb->spurious, 0);
}

/* RFC 4015 3.2: the round trip that the time-out did not wait for counts in full. */
TEST(a_time_out_taken_back_makes_the_next_one_later)
{
  uint32_t stamp;

  begin(STAMPS);
  stamp = sends(4);
  times_out();
  waits(r, 100 * LA_MS);
  acks(segment(1), stamp); /* 400 ms after all */
  assert_int_equal(r->tcb->rtt.srtt_us, 400000);
  assert_true(tcp_rto(&r->t, r->tcb, 0) == (400 + 4 * 200) * LA_MS);
  assert_int_equal(r->tcb->backoffs, 0);
}

/* ---- F-RTO with SACK: RFC 5682 3.1 ---- */

TEST(what_was_sent_before_a_time_out_and_arrives_after_it_takes_it_back)
{
  begin(SACK);
  sends(4);
  times_out();
  waits(r, 20 * LA_MS);
  acks_with(1, segment(1), segment(2));
  is_taken_back();
  story_tells(1, 2);
}

TEST(what_the_time_out_resent_confirms_it)
{
  begin(SACK);
  sends(4);
  times_out();
  waits(r, RTT_MS * LA_MS);
  acks(segment(1), 0);
  assert_int_equal(r->tcb->mode, TCP_LOSS);
  assert_int_equal(r->tcb->spurious, 0);
}

/* ---- F-RTO without: RFC 5682 2.1 ---- */

TEST(the_first_ack_after_a_time_out_lets_new_text_go_instead_of_old)
{
  begin(NOTHING);
  sends(4);
  times_out();
  user_sends(r, 4 * MSS);
  says(r, "");
  acks(segment(1), 0);
  says(r, "A 4001+1000 1; A 5001+1000 1"); /* step 2b: two segments, and none of the lost */
  acks(segment(2), 0);                     /* step 3b */
  is_taken_back();
  story_tells(1, 2);
  says(r, "A 6001+1000 1; PA 7001+1000 1");
}

TEST(a_duplicate_after_new_text_confirms_the_time_out)
{
  begin(NOTHING);
  sends(4);
  times_out();
  user_sends(r, 4 * MSS);
  acks(segment(1), 0);
  rig_forget_said(r);
  acks(segment(1), 0); /* step 3a */
  assert_int_equal(r->tcb->frto, FRTO_OFF);
  assert_int_equal(r->tcb->spurious, 0);
  assert_int_equal(r->tcb->cc.cwnd, 3 * MSS);
  says(r, "A 1001+1000 1");
}

TEST(a_duplicate_first_confirms_the_time_out) /* step 2a */
{
  begin(NOTHING);
  sends(4);
  times_out();
  user_sends(r, 4 * MSS);
  acks(1, 0);
  assert_int_equal(r->tcb->frto, FRTO_OFF);
  acks(segment(1), 0);
  says(r, "A 1001+1000 1; A 2001+1000 1");
}

TEST(without_new_text_the_lost_goes_at_once) /* step 2b: nothing to send */
{
  begin(NOTHING);
  sends(4);
  times_out();
  acks(segment(1), 0);
  assert_int_equal(r->tcb->frto, FRTO_OFF);
  says(r, "A 1001+1000 1; A 2001+1000 1");
}

/* Without SACK an ACK of more than was resent may have waited for just that. */
TEST(an_ack_that_covers_the_resent_and_more_proves_nothing)
{
  begin(NOTHING);
  sends(4);
  times_out();
  user_sends(r, 4 * MSS);
  acks(segment(2), 0);
  assert_int_equal(r->tcb->spurious, 0);
  assert_int_equal(r->tcb->mode, TCP_LOSS);
}

/* RFC 5682 2.1 step 1: a time-out within recovery is judged by nobody. */
TEST(a_time_out_in_recovery_is_a_loss)
{
  begin(NOTHING);
  sends(6);
  for (int i = 0; i < 3; i++)
    acks(1, 0);
  rig_forget_said(r);
  times_out();
  assert_int_equal(r->tcb->frto, FRTO_OFF);
}

/* ---- D-SACK: RFC 3708 3 ---- */

static void resends_one_by_sack(void)
{
  begin(SACK);
  sends(6);
  waits(r, 80 * LA_MS);
  acks_with(1, segment(1), segment(4));
  says(r, "A 1+1000 1");
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
}

TEST(a_report_of_the_duplicate_takes_a_fast_retransmit_back)
{
  resends_one_by_sack();
  waits(r, 10 * LA_MS);
  acks(segment(6), 0); /* it was only late: recovery ends */
  assert_int_equal(r->tcb->mode, TCP_OPEN);
  assert_true(r->tcb->cc.cwnd < WINDOW);
  waits(r, 80 * LA_MS);
  acks_with(segment(6), 1, segment(1)); /* and the copy comes */
  is_taken_back();
  story_tells(0, 1);
  assert_int_equal(r->tcb->dsacks, 1);
  assert_int_equal(r->t.count[TCP_N_dsacks_in], 1);
}

TEST(each_octet_that_was_resent_must_have_come_twice)
{
  begin(SACK);
  sends(8);
  waits(r, 80 * LA_MS);
  acks_with(1, segment(2), segment(6));
  rig_forget_said(r);
  acks_with(1, segment(2), segment(8));
  rig_forget_said(r);
  assert_int_equal(tcp_undo(r->tcb)->owed, 2 * MSS);
  acks(segment(8), 0);
  acks_with(segment(8), 1, segment(1));
  assert_int_equal(r->tcb->spurious, 0);
  acks_with(segment(8), segment(1), segment(2));
  assert_int_equal(r->tcb->spurious, 1);
}

TEST(where_few_losses_are_remembered_the_oldest_makes_way_and_stays_one)
{
  struct tcb *first;

  begin(SACK);
  r->t.set.undos = 1;
  sends(8);
  acks_with(1, segment(2), segment(6));
  first = r->tcb;
  assert_non_null(tcp_undo(first));
  r->ends.local_port++;
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ACK, 0, 1);
  sends(2);
  waits(r, 3 * LA_SEC);
  assert_non_null(tcp_undo(r->tcb));
  assert_null(tcp_undo(first));
  assert_int_not_equal(first->mode, TCP_OPEN);
}

TEST(another_congestion_control_takes_nothing_back_that_was_not_its_own)
{
  begin(SACK);
  sends(8);
  acks_with(1, segment(2), segment(6));
  assert_non_null(tcp_undo(r->tcb));
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_CONGESTION, LA_CC_CUBIC), LA_OK);
  assert_null(tcp_undo(r->tcb));
}

TEST(a_window_later_no_report_takes_anything_back)
{
  resends_one_by_sack();
  acks(segment(6), 0);
  for (uint32_t n = 8; n <= 20; n += 2) {
    sends(2);
    waits(r, 80 * LA_MS);
    acks(segment(n), 0);
  }
  assert_null(tcp_undo(r->tcb));
  acks_with(segment(20), 1, segment(1));
  assert_int_equal(r->tcb->spurious, 0);
}

/* What was late was overtaken: RACK waits longer from now on. */
TEST(what_was_only_late_proves_reordering)
{
  resends_one_by_sack();
  assert_false(r->tcb->rack.reordered);
  acks(segment(6), 0);
  acks_with(segment(6), 1, segment(1));
  assert_true(r->tcb->rack.reordered);
}

RUN(cmocka_unit_test(an_echo_from_before_the_time_out_takes_it_back),
    cmocka_unit_test(an_echo_of_the_resent_segment_confirms_the_time_out),
    cmocka_unit_test(an_echo_from_before_a_fast_retransmit_takes_it_back),
    cmocka_unit_test(an_old_echo_of_what_was_not_resent_proves_nothing),
    cmocka_unit_test(a_time_out_taken_back_makes_the_next_one_later),
    cmocka_unit_test(what_was_sent_before_a_time_out_and_arrives_after_it_takes_it_back),
    cmocka_unit_test(what_the_time_out_resent_confirms_it),
    cmocka_unit_test(the_first_ack_after_a_time_out_lets_new_text_go_instead_of_old),
    cmocka_unit_test(a_duplicate_after_new_text_confirms_the_time_out),
    cmocka_unit_test(a_duplicate_first_confirms_the_time_out),
    cmocka_unit_test(without_new_text_the_lost_goes_at_once),
    cmocka_unit_test(an_ack_that_covers_the_resent_and_more_proves_nothing),
    cmocka_unit_test(a_time_out_in_recovery_is_a_loss),
    cmocka_unit_test(a_report_of_the_duplicate_takes_a_fast_retransmit_back),
    cmocka_unit_test(each_octet_that_was_resent_must_have_come_twice),
    cmocka_unit_test(where_few_losses_are_remembered_the_oldest_makes_way_and_stays_one),
    cmocka_unit_test(another_congestion_control_takes_nothing_back_that_was_not_its_own),
    cmocka_unit_test(a_window_later_no_report_takes_anything_back),
    cmocka_unit_test(what_was_only_late_proves_reordering))
