/* Explicit congestion notification, RFC 3168: who may mark what, who tells whom, and what a mark
 * costs. The letters E and C in what is said are the flags ECE and CWR. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1000 };

static void begin(unsigned ecn)
{
  struct tcp_settings set = rig_settings();

  set.habits.ecn = (uint8_t)ecn;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.mss = MSS;
}

static bool agreed(void) { return (r->tcb->flags & TCB_ECN) != 0; }

/* We asked, and the peer agreed. */
static void established(void)
{
  begin(LA_ECN_ASK);
  rig_connect(r);
  says(r, "SEC 0");
  arrives(r, F_SYN | F_ACK | F_ECE, 0, 1);
  says(r, "A 1 1");
  assert_true(agreed());
}

/* The peer asked, and we agreed. */
static void accepted(void)
{
  begin(LA_ECN_ACCEPT);
  rig_listen(r, 1);
  arrives(r, F_SYN | F_ECE | F_CWR, 0, 0);
  says(r, "SAE 0 1");
  arrives(r, F_ACK, 1, 1);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  rig_forget_said(r);
  assert_true(agreed());
}

static void text_arrives(unsigned flags, uint32_t seq, uint32_t n, enum tcp_ecn ecn)
{
  arrives_marked(r, F_ACK | flags, seq, 1, n, ecn);
}

static void acks(unsigned flags, uint32_t ack) { arrives(r, F_ACK | flags, 1, ack); }

/* ---- 6.1.1: the handshake ---- */

TEST(a_syn_asks_with_both_flags_and_a_syn_ack_agrees_with_ece_alone)
{
  established();
  accepted();
}

TEST(whoever_does_not_want_it_neither_asks_nor_agrees)
{
  begin(LA_ECN_OFF);
  rig_connect(r);
  says(r, "S 0");
  begin(LA_ECN_OFF);
  rig_listen(r, 1);
  arrives(r, F_SYN | F_ECE | F_CWR, 0, 0);
  says(r, "SA 0 1");
  assert_false(agreed());
}

TEST(whoever_only_accepts_does_not_ask)
{
  begin(LA_ECN_ACCEPT);
  rig_connect(r);
  says(r, "S 0");
  arrives(r, F_SYN | F_ACK | F_ECE, 0, 1);    /* agrees to what was not asked */
  assert_false(agreed());
}

/* 6.1.1: a SYN,ACK with both flags comes from something that mirrors what it does not know. */
TEST(a_mirror_is_no_agreement)
{
  begin(LA_ECN_ASK);
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ACK | F_ECE | F_CWR, 0, 1);
  assert_false(agreed());
}

TEST(a_plain_answer_is_no_agreement)
{
  begin(LA_ECN_ASK);
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ACK, 0, 1);
  assert_false(agreed());
}

TEST(one_flag_in_a_syn_asks_for_nothing)
{
  begin(LA_ECN_ACCEPT);
  rig_listen(r, 1);
  arrives(r, F_SYN | F_ECE, 0, 0);
  says(r, "SA 0 1");
  assert_false(agreed());
}

/* 6.1.1.1: what is on the way may drop such SYNs. Who has sent a plain one sends no ECT. */
TEST(a_syn_without_an_answer_goes_again_as_a_plain_one)
{
  begin(LA_ECN_ASK);
  rig_connect(r);
  says(r, "SEC 0");
  waits(r, LA_SEC);
  says(r, "S 0");
  arrives(r, F_SYN | F_ACK | F_ECE, 0, 1);    /* the first was heard after all */
  assert_false(agreed());
}

TEST(as_many_syns_as_are_set_ask_again)
{
  begin(LA_ECN_ASK);
  r->t.set.ecn_syn_retries = 1;
  rig_connect(r);
  says(r, "SEC 0");
  waits(r, LA_SEC);
  says(r, "SEC 0");
  waits(r, 2 * LA_SEC);
  says(r, "S 0");
  assert_false(agreed());
}

TEST(both_ends_may_open_at_once_and_agree)
{
  begin(LA_ECN_ASK);
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ECE | F_CWR, 0, 0);
  says(r, "SAE 0 1");
  arrives(r, F_SYN | F_ACK | F_ECE, 0, 1);
  arrives(r, F_ACK, 1, 1);
  assert_true(agreed());
}

TEST(of_two_that_open_at_once_both_must_have_asked)
{
  begin(LA_ECN_ACCEPT);
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ECE | F_CWR, 0, 0);
  says(r, "SA 0 1");
  assert_false(agreed());
}

/* RFC 4987 3.6: a cookie's timestamp remembers it. */
TEST(a_cookie_remembers_that_ecn_was_agreed)
{
  struct tcp_settings set = rig_settings();

  set.habits.ecn = LA_ECN_ACCEPT;
  set.no_timestamps = false;
  set.half_open = 0;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.present |= TCP_OPT_TS;
  r->options.ts_val = 7;
  rig_listen(r, 1);
  arrives(r, F_SYN | F_ECE | F_CWR, 0, 0);
  rig_pump(r);
  assert_int_equal(r->reply.flags, F_SYN | F_ACK | F_ECE);
  r->options.present = TCP_OPT_TS;
  r->options.ts_ecr = replied_options(r).ts_val;
  arrives(r, F_ACK, 1, r->reply.seq.n + 1);
  assert_non_null(r->tcb);
  assert_true(agreed());
}

/* ---- 6.1.4 to 6.1.6: what may be marked ---- */

TEST(new_text_may_be_marked_and_nothing_else)
{
  established();
  assert_int_equal(r->out.ecn, TCP_NOT_ECT);  /* the handshake's ACK */
  user_sends(r, 2 * MSS);
  rig_pump(r);
  assert_int_equal(r->out.ecn, TCP_ECT_0);
  waits(r, LA_SEC);
  assert_true(r->tcb->timeouts > 0);
  assert_int_equal(r->out.ecn, TCP_NOT_ECT);  /* sent again */
}

TEST(a_window_probe_and_a_fin_alone_are_not_marked)
{
  established();
  r->wnd = 0;
  acks(0, 1);
  user_sends(r, 10);
  waits(r, LA_SEC);
  assert_int_equal(r->t.count[TCP_N_window_probes] > 0, true);
  assert_int_equal(r->out.ecn, TCP_NOT_ECT);
  established();
  user_closes(r);
  says(r, "FA 1 1");
  assert_int_equal(r->out.ecn, TCP_NOT_ECT);
}

TEST(without_agreement_nothing_is_marked)
{
  begin(LA_ECN_ACCEPT);
  rig_established(r, false);
  user_sends(r, MSS);
  rig_pump(r);
  assert_int_equal(r->out.ecn, TCP_NOT_ECT);
  acks(F_ECE, 1);                             /* and such a flag means nothing */
  assert_int_equal(r->t.count[TCP_N_ecn_reductions], 0);
}

/* ---- 6.1.3: the receiver ---- */

TEST(a_mark_is_echoed_until_the_peer_says_that_it_has_slowed_down)
{
  accepted();
  text_arrives(0, 1, 100, TCP_ECT_0);
  waits(r, 40 * LA_MS);
  says(r, "A 1 101");
  assert_true(r->tcb->flags & TCB_ECN_SEEN);
  text_arrives(0, 101, 100, TCP_CE);
  says(r, "AE 1 201");                        /* at once: the peer's window may be small */
  text_arrives(0, 201, 100, TCP_ECT_0);
  waits(r, 40 * LA_MS);
  says(r, "AE 1 301");
  user_sends(r, 10);
  says(r, "PAE 1+10 301");                    /* in text too */
  text_arrives(F_CWR, 301, 100, TCP_ECT_0);
  says(r, "A 11 401");
  assert_int_equal(r->t.count[TCP_N_ce_in], 1);
}

TEST(a_mark_on_the_segment_that_says_so_is_a_new_one)
{
  accepted();
  text_arrives(0, 1, 100, TCP_CE);
  rig_forget_said(r);
  text_arrives(F_CWR, 101, 100, TCP_CE);
  says(r, "AE 1 201");
}

TEST(marks_on_what_is_no_text_or_was_here_before_say_nothing)     /* 6.1.5 */
{
  accepted();
  text_arrives(0, 1, 100, TCP_ECT_0);
  rig_forget_said(r);
  text_arrives(0, 1, 100, TCP_CE);
  says(r, "A 1 101");
  assert_int_equal(r->t.count[TCP_N_ce_in], 0);
}

/* ---- 6.1.2: the sender ---- */

TEST(an_echo_cuts_the_window_once_and_the_next_new_text_says_so)
{
  established();
  user_sends(r, 10 * MSS);
  rig_forget_said(r);
  acks(F_ECE, 1 + MSS);
  assert_int_equal(r->tcb->cc.cwnd, 4500);    /* half of the nine in flight */
  acks(F_ECE, 1 + 5 * MSS);                   /* of the same window */
  assert_int_equal(r->tcb->cc.cwnd, 4500);
  acks(F_ECE, 1 + 10 * MSS);
  user_sends(r, 6 * MSS);
  says(r, "AC 10001+1000 1; A 11001+1000 1; A 12001+1000 1; A 13001+1000 1");
  assert_int_equal(r->t.count[TCP_N_ecn_reductions], 1);
  assert_int_equal(r->tcb->mode, TCP_OPEN);
  assert_int_equal(r->tcb->retransmissions, 0);
}

TEST(a_window_later_an_echo_cuts_it_again)
{
  established();
  user_sends(r, 10 * MSS);
  rig_forget_said(r);
  acks(F_ECE, 1 + 2 * MSS);
  acks(0, 1 + 10 * MSS);
  user_sends(r, 4 * MSS);
  rig_forget_said(r);
  acks(F_ECE, 1 + 12 * MSS);
  assert_int_equal(r->t.count[TCP_N_ecn_reductions], 2);
  assert_int_equal(r->tcb->cc.ssthresh, 2 * MSS);
}

TEST(an_ack_that_echoes_a_mark_lets_nothing_grow)
{
  uint32_t cwnd;

  established();
  user_sends(r, 4 * MSS);
  rig_forget_said(r);
  acks(F_ECE, 1 + MSS);
  cwnd = r->tcb->cc.cwnd;
  r->tcb->flags |= TCB_CWND_LIMITED;
  acks(F_ECE, 1 + 2 * MSS);
  assert_int_equal(r->tcb->cc.cwnd, cwnd);
}

TEST(a_loss_in_the_same_window_costs_nothing_more)
{
  uint32_t ssthresh;

  established();
  user_sends(r, 10 * MSS);
  rig_forget_said(r);
  acks(F_ECE, 1 + MSS);
  ssthresh = r->tcb->cc.ssthresh;
  for (int i = 0; i < 3; i++)
    acks(F_ECE, 1 + MSS);
  assert_int_equal(r->tcb->mode, TCP_RECOVERY);
  assert_int_equal(r->tcb->cc.ssthresh, ssthresh);
}

TEST(a_cut_for_a_loss_is_told_to_the_peer_as_well)
{
  established();
  user_sends(r, 6 * MSS);
  rig_forget_said(r);
  for (int i = 0; i < 3; i++)
    acks(0, 1);
  says(r, "A 1+1000 1");
  acks(0, 1 + 6 * MSS);
  user_sends(r, 2 * MSS);
  says(r, "AC 6001+1000 1; PA 7001+1000 1");
  assert_int_equal(r->out.ecn, TCP_ECT_0);
}

/* RFC 8511 3.1 */
TEST(if_so_configured_a_mark_costs_less_than_a_loss)
{
  established();
  r->t.set.abe = true;
  user_sends(r, 10 * MSS);
  rig_forget_said(r);
  acks(F_ECE, 1 + MSS);
  assert_int_equal(r->tcb->cc.cwnd, 7200);    /* 0.8 of nine */
}

/* 6.1.2: a run of segments has one header, and CWR belongs on the first of them alone. */
TEST(the_segment_that_says_cwr_goes_alone)
{
  established();
  r->tcb->path.gso_max = 65000;
  user_sends(r, 10 * MSS);
  says(r, "PA 1+10000/1000 1");
  acks(F_ECE, 1 + MSS);
  acks(0, 1 + 10 * MSS);
  user_sends(r, 4 * MSS);
  says(r, "AC 10001+1000 1; PA 11001+3000/1000 1");
}

RUN(cmocka_unit_test(a_syn_asks_with_both_flags_and_a_syn_ack_agrees_with_ece_alone),
    cmocka_unit_test(whoever_does_not_want_it_neither_asks_nor_agrees),
    cmocka_unit_test(whoever_only_accepts_does_not_ask),
    cmocka_unit_test(a_mirror_is_no_agreement),
    cmocka_unit_test(a_plain_answer_is_no_agreement),
    cmocka_unit_test(one_flag_in_a_syn_asks_for_nothing),
    cmocka_unit_test(a_syn_without_an_answer_goes_again_as_a_plain_one),
    cmocka_unit_test(both_ends_may_open_at_once_and_agree),
    cmocka_unit_test(of_two_that_open_at_once_both_must_have_asked),
    cmocka_unit_test(a_cookie_remembers_that_ecn_was_agreed),
    cmocka_unit_test(new_text_may_be_marked_and_nothing_else),
    cmocka_unit_test(a_window_probe_and_a_fin_alone_are_not_marked),
    cmocka_unit_test(without_agreement_nothing_is_marked),
    cmocka_unit_test(a_mark_is_echoed_until_the_peer_says_that_it_has_slowed_down),
    cmocka_unit_test(a_mark_on_the_segment_that_says_so_is_a_new_one),
    cmocka_unit_test(marks_on_what_is_no_text_or_was_here_before_say_nothing),
    cmocka_unit_test(an_echo_cuts_the_window_once_and_the_next_new_text_says_so),
    cmocka_unit_test(a_window_later_an_echo_cuts_it_again),
    cmocka_unit_test(an_ack_that_echoes_a_mark_lets_nothing_grow),
    cmocka_unit_test(a_loss_in_the_same_window_costs_nothing_more),
    cmocka_unit_test(a_cut_for_a_loss_is_told_to_the_peer_as_well),
    cmocka_unit_test(if_so_configured_a_mark_costs_less_than_a_loss),
    cmocka_unit_test(the_segment_that_says_cwr_goes_alone),
    cmocka_unit_test(as_many_syns_as_are_set_ask_again))
