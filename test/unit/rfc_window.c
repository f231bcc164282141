/* RFC 9293 3.8.6: windows that shrink, that are shut, that are silly; PUSH; Nagle. */
#include "support/tcp_one.h"

/* The peer acknowledges up to `ack` and offers `wnd`. */
static void acknowledges(uint32_t ack, uint32_t wnd)
{
  r->wnd = wnd;
  arrives(r, F_ACK, 1, ack);
}

TEST(the_window_is_an_unsigned_number_of_32_bits)
{
  established();
  acknowledges(1, 65535);
  assert_int_equal(r->tcb->snd.wnd, 65535);
  r->tcb->snd_wscale = 14;
  acknowledges(1, 65535);
  assert_true(r->tcb->snd.wnd == 65535u << 14);
  user_sends(r, 3000);
  says(r, "A 1+1460 1; A 1461+1460 1");
}

/* ---- a window that shrinks ---- */

TEST(a_window_shrunk_below_what_is_sent_takes_no_new_text_and_the_old_again)
{
  established();
  user_sends(r, 8000);
  says(r, "A 1+1460 1; A 1461+1460 1; A 2921+1460 1; A 4381+1460 1; A 5841+1460 1");
  acknowledges(1461, 1000);                       /* 4,840 octets more than that are in flight */
  says(r, "");
  waits(r, LA_SEC + LA_MS);
  assert_non_null(strstr(r->said, "A 1461+1460 1"));
  assert_null(strstr(r->said, "7301"));
  rig_forget_said(r);
  acknowledges(7301, 60000);
  says(r, "PA 7301+700 1");
}

TEST(a_window_shrunk_for_good_is_not_held_against_the_peer_that_answers)
{
  established();
  user_sends(r, 4380);
  rig_forget_said(r);
  for (int i = 0; i < 200; i++) {
    acknowledges(1, 0);                           /* it takes back what it offered, and answers */
    waits(r, 60 * LA_SEC);
    rig_forget_said(r);
  }
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  acknowledges(1, 60000);
  assert_true(r->tcb->say & SAY_REPAIR);
}

TEST(a_window_that_shrinks_to_nothing_is_probed)
{
  established();
  user_sends(r, 1460);
  says(r, "PA 1+1460 1");
  acknowledges(1, 0);
  says(r, "");
  assert_true(tcp_timer_runs(r->tcb, TCP_T_PERSIST));
  assert_false(tcp_timer_runs(r->tcb, TCP_T_RETRANSMIT));
  waits(r, 200 * LA_MS);                          /* rto_min */
  says(r, "A 1+1 1");
}

/* ---- a window that is shut ---- */

TEST(a_shut_window_is_probed_after_the_time_out_and_then_ever_more_rarely)
{
  const la_time at[] = { LA_SEC, 3 * LA_SEC, 7 * LA_SEC, 15 * LA_SEC, 31 * LA_SEC, 63 * LA_SEC };
  la_time before = 0;

  established();
  acknowledges(1, 0);
  user_sends(r, 100);
  says(r, "");
  r->tcb->rtt.srtt_us = r->tcb->rtt.rto_us = 0;   /* the handshake took no time: RTO 1 s */
  tcp_timer_stop(r->tcb, TCP_T_PERSIST);
  tcp_flight_timer(&r->t, r->tcb, true);
  for (unsigned i = 0; i < sizeof at / sizeof *at; i++) {
    waits(r, at[i] - before - LA_MS);
    says(r, "");
    waits(r, LA_MS);
    assert_int_equal(r->tcb->probes, i + 1);
    assert_non_null(strstr(r->said, "1+1 1"));
    rig_forget_said(r);
    before = at[i];
  }
}

TEST(a_window_may_stay_shut_for_a_week_if_the_peer_answers)
{
  established();
  acknowledges(1, 0);
  user_sends(r, 100);
  for (int minutes = 0; minutes < 7 * 24 * 60; minutes++) {
    waits(r, 60 * LA_SEC);
    rig_forget_said(r);
    acknowledges(1, 0);
  }
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  acknowledges(1, 60000);
  says(r, "A 1+1 1");                             /* what the probes carried */
  acknowledges(2, 60000);
  says(r, "PA 2+99 1");
}

TEST(a_shut_window_whose_owner_is_gone_is_given_up)
{
  established();
  acknowledges(1, 0);
  user_sends(r, 100);
  waits(r, 3600 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
}

/* ---- our own window ---- */

static void fill_our_window(void)
{
  established();
  for (uint32_t seq = 1; r->tcb->rcv.wnd > 0; seq = r->tcb->rcv.nxt.n - r->peer_isn)
    arrives_with_text(r, F_ACK, seq, 1, r->tcb->rcv.wnd < 1460 ? r->tcb->rcv.wnd : 1460);
  rig_forget_said(r);
}

TEST(our_window_never_moves_its_right_edge_back)
{
  tcp_seq edge;

  established();
  edge = seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd);
  for (uint32_t seq = 1; seq < 60000; seq += 700) {
    arrives_with_text(r, F_ACK, seq, 1, r->tcb->rcv.wnd < 700 ? 0 : 700);
    rig_forget_said(r);
    assert_true(seq_le(edge, seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd)));
    edge = seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd);
    if (r->tcb->rcv.wnd < 700)
      user_reads(r, r->tcb->rcv.nxt.n - r->peer_isn - r->tcb->rx.octets, r->tcb->rx.octets);
  }
}

TEST(our_window_may_stay_shut_and_a_probe_is_answered)
{
  uint32_t next;

  fill_our_window();
  next = r->tcb->rcv.nxt.n - r->peer_isn;
  for (int i = 0; i < 100; i++) {
    waits(r, 60 * LA_SEC);
    arrives_with_text(r, F_ACK | F_PSH, next, 1, 1);
    assert_int_equal(r->tcb->rcv.nxt.n - r->peer_isn, next);
    rig_pump(r);
    assert_non_null(strstr(r->said, "A 1 "));
    rig_forget_said(r);
  }
}

TEST(rst_is_taken_while_our_window_is_shut)
{
  fill_our_window();
  arrives(r, F_RST, r->tcb->rcv.nxt.n - r->peer_isn, 0);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  fill_our_window();
  arrives_with_text(r, F_RST, r->tcb->rcv.nxt.n - r->peer_isn, 0, 20);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

TEST(urg_is_taken_while_our_window_is_shut)
{
  struct tcp_seg seg;
  struct frag frag = { 0 };

  fill_our_window();
  seg = rig_seg(r, F_ACK | F_URG, r->tcb->rcv.nxt.n - r->peer_isn, 1, 1);
  assert_true(rig_text(r, &seg, &frag, 1, 1));
  seg.up = 1;
  (void)tcp_arrive(&r->t, r->tcb, &seg);
  slab_release(&r->slabs, frag.slab);
  assert_true(r->tcb->flags & TCB_URGENT);
  rig_pump(r);
  assert_non_null(strstr(r->said, "A 1 "));
}

TEST(the_acknowledgment_in_a_probe_counts_while_our_window_is_shut)
{
  fill_our_window();
  user_sends(r, 100);
  rig_pump(r);
  rig_forget_said(r);
  arrives_with_text(r, F_ACK, r->tcb->rcv.nxt.n - r->peer_isn, 101, 1);
  assert_int_equal(r->tcb->snd.una.n - r->tcb->snd.iss.n, 101);
  assert_int_equal(r->tcb->tx.octets, 0);
}

/* A probe has taken a place in our stream that the peer's window does not have: an ACK with
 * SND.NXT would be beyond it, and be dropped by whom it is for. */
TEST(an_ack_beside_a_probe_lies_in_the_peers_window)
{
  established();
  acknowledges(1, 0);
  user_sends(r, 100);
  waits(r, 2 * LA_SEC);
  rig_forget_said(r);
  assert_int_equal(r->tcb->snd.nxt.n - r->tcb->snd.iss.n, 2);
  arrives_with_text(r, F_ACK, 1, 1, 1460);
  arrives_with_text(r, F_ACK, 1461, 1, 1460);
  says(r, "A 1 2921");
}

/* ---- silly windows, Nagle, PUSH ---- */

TEST(the_receiver_opens_its_window_by_a_segment_or_half_the_buffer)
{
  uint32_t first;

  fill_our_window();
  first = r->tcb->rcv.nxt.n - r->peer_isn - r->tcb->rx.octets;
  user_reads(r, first, 1459);
  says(r, "");
  assert_int_equal(r->tcb->rcv.wnd, 0);
  user_reads(r, first + 1459, 1);
  rig_pump(r);
  assert_int_equal(r->tcb->rcv.wnd, 1460);
  assert_non_null(strstr(r->said, "A 1 "));
}

TEST(the_sender_waits_for_a_full_segment_or_half_the_largest_window)
{
  established();
  acknowledges(1, 4000);
  user_sends(r, 4000);
  says(r, "A 1+1460 1; A 1461+1460 1");           /* 1,080 octets of window are left */
  established();
  r->tcb->snd.wnd_max = 1000;
  acknowledges(1, 499);
  user_sends(r, 3000);
  says(r, "");                                    /* less than half of the largest */
  r->tcb->snd.wnd_max = 1000;
  acknowledges(1, 501);
  says(r, "A 1+501 1");
}

TEST(nagle_gathers_what_is_small_until_all_is_acknowledged)
{
  established();
  user_sends(r, 10);
  says(r, "PA 1+10 1");
  for (int i = 0; i < 20; i++)
    user_sends(r, 10);
  says(r, "");
  acknowledges(11, 60000);
  says(r, "PA 11+200 1");
}

TEST(nagle_can_be_switched_off)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_NODELAY, 1), LA_OK);
  user_sends(r, 10);
  user_sends(r, 20);
  rig_pump(r);
  user_sends(r, 30);
  says(r, "PA 1+30 1; PA 31+30 1");
}

TEST(what_is_queued_ends_with_push_and_does_not_wait_for_ever)
{
  established();
  user_sends(r, 3000);
  says(r, "A 1+1460 1; A 1461+1460 1");
  acknowledges(2921, 60000);
  says(r, "PA 2921+80 1");
}

TEST(segments_are_as_large_as_they_can_be)
{
  established();
  for (int i = 0; i < 30; i++)
    user_sends(r, 146);
  says(r, "A 1+1460 1; A 1461+1460 1; PA 2921+1460 1");
}

RUN(cmocka_unit_test(the_window_is_an_unsigned_number_of_32_bits),
    cmocka_unit_test(a_window_shrunk_below_what_is_sent_takes_no_new_text_and_the_old_again),
    cmocka_unit_test(a_window_shrunk_for_good_is_not_held_against_the_peer_that_answers),
    cmocka_unit_test(a_window_that_shrinks_to_nothing_is_probed),
    cmocka_unit_test(a_shut_window_is_probed_after_the_time_out_and_then_ever_more_rarely),
    cmocka_unit_test(a_window_may_stay_shut_for_a_week_if_the_peer_answers),
    cmocka_unit_test(a_shut_window_whose_owner_is_gone_is_given_up),
    cmocka_unit_test(our_window_never_moves_its_right_edge_back),
    cmocka_unit_test(our_window_may_stay_shut_and_a_probe_is_answered),
    cmocka_unit_test(rst_is_taken_while_our_window_is_shut),
    cmocka_unit_test(urg_is_taken_while_our_window_is_shut),
    cmocka_unit_test(the_acknowledgment_in_a_probe_counts_while_our_window_is_shut),
    cmocka_unit_test(an_ack_beside_a_probe_lies_in_the_peers_window),
    cmocka_unit_test(the_receiver_opens_its_window_by_a_segment_or_half_the_buffer),
    cmocka_unit_test(the_sender_waits_for_a_full_segment_or_half_the_largest_window),
    cmocka_unit_test(nagle_gathers_what_is_small_until_all_is_acknowledged),
    cmocka_unit_test(nagle_can_be_switched_off),
    cmocka_unit_test(what_is_queued_ends_with_push_and_does_not_wait_for_ever),
    cmocka_unit_test(segments_are_as_large_as_they_can_be))
