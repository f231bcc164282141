/* Windows, RFC 9293 3.8.6 and RFC 7323 2: what rfc_window.c leaves over: scaling and its rounding,
 * silly windows to the letter, probes one by one. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static void begin(uint32_t receive_buffer, bool scaled)
{
  struct tcp_settings set = rig_settings();

  set.receive_buffer = receive_buffer;
  set.no_window_scale = !scaled;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  if (scaled) {
    r->options.present |= TCP_OPT_WSCALE;
    r->options.wscale = 7;
  }
}

static void established(void)
{
  begin(16384, false);
  rig_established(r, false);
}

static void scaled(uint32_t receive_buffer)
{
  begin(receive_buffer, true);
  rig_established(r, false);
}

static void peer_offers(uint32_t ack, uint32_t wnd)
{
  r->wnd = wnd;
  arrives(r, F_ACK, 1, ack);
}

static uint32_t their_next(void) { return r->tcb->rcv.nxt.n - r->peer_isn; }

static uint32_t announced(void)
{
  r->tcb->say |= SAY_ACK;
  tcp_wake(&r->t, r->tcb);
  rig_forget_said(r);
  return (uint32_t)r->out.wnd << r->tcb->rcv_wscale;
}

/* ---- scaling, RFC 7323 2 ---- */

TEST(the_scale_is_the_least_that_can_say_the_buffers_size)
{
  static const struct { uint32_t buffer; unsigned scale; } cases[] = {
    { 16384, 0 }, { 65535, 0 }, { 65536, 1 }, { 131070, 1 }, { 131072, 2 }, { 1 << 20, 5 },
    { 1 << 30, 14 },
  };

  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    begin(cases[i].buffer, true);
    rig_connect(r);
    rig_forget_said(r);
    assert_int_equal(said_options(r).wscale, cases[i].scale);
  }
}

TEST(the_window_in_a_syn_is_not_scaled)             /* 2.2 */
{
  scaled(1 << 20);
  assert_int_equal(r->tcb->snd.wnd, RIG_WND);
  peer_offers(1, 1000);
  assert_int_equal(r->tcb->snd.wnd, 1000 << 7);
}

TEST(a_scale_above_14_is_taken_as_14)               /* 2.3 */
{
  begin(16384, true);
  r->options.wscale = 200;
  rig_established(r, false);
  assert_int_equal(r->tcb->snd_wscale, 14);
}

TEST(both_ends_scale_or_none_does)                  /* 2.2 */
{
  begin(1 << 20, true);
  r->options.present = TCP_OPT_MSS;
  rig_established(r, false);
  peer_offers(1, 1000);
  assert_int_equal(r->tcb->snd.wnd, 1000);
  assert_int_equal(announced(), 65535);
}

TEST(the_whole_buffer_is_offered_once_the_scale_is_agreed)
{
  scaled(1 << 20);
  assert_int_equal(announced(), 1 << 20);
}

/* The window that goes with the SYN is what we said in it, even if the buffer is larger. */
TEST(the_first_window_is_at_most_65535)
{
  begin(1 << 20, true);
  rig_connect(r);
  rig_forget_said(r);
  assert_int_equal(r->out.wnd, 65535);
}

/* ---- rounding: an unchanged window must not seem to shrink, nor the buffer to grow ---- */

TEST(a_scaled_window_never_takes_back_what_was_offered)
{
  tcp_seq edge;

  scaled(1 << 20);
  assert_int_equal(r->tcb->rcv_wscale, 5);
  (void)announced();
  edge = seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd);
  for (int i = 0; i < 40; i++) {
    arrives_with_text(r, F_ACK, their_next(), 1, 7);
    (void)announced();
    assert_true(seq_le(edge, seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd)));
    edge = seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd);
  }
}

/* Rounding up at each of many small segments would leave the window where it is while the buffer
 * fills: the peer could send for ever what nobody reads. */
static void small_segments_fill_the_buffer(bool bsd_window)
{
  begin(16384, true);
  rig_established(r, false);
  r->tcb->rcv_wscale = 8;                           /* units of 256, as larger buffers have */
  rig_habits(r)->bsd_window = bsd_window;
  for (int i = 0; i < 1000 && r->tcb->rcv.wnd > 0; i++) {
    arrives_with_text(r, F_ACK, their_next(), 1, 100);
    (void)announced();
    assert_true(r->tcb->rx.octets + r->tcb->rcv.wnd <= 16384 + 256);
  }
  assert_int_equal(announced(), 0);
  (void)tcp_consume(&r->t, r->tcb, r->tcb->rx.octets);
  assert_int_equal(announced(), 16384);
}

TEST(small_segments_cannot_overfill_the_buffer_by_more_than_a_unit_of_scale)
{
  small_segments_fill_the_buffer(false);
  small_segments_fill_the_buffer(true);
}

/* ---- silly windows, 3.8.6.2 ---- */

/* MUST-39: the edge moves by the smaller of half the buffer and a segment, or not at all. */
TEST(a_small_buffer_opens_by_halves)
{
  begin(1000, false);
  rig_established(r, false);
  arrives_with_text(r, F_ACK, 1, 1, 1000);
  assert_int_equal(announced(), 0);
  user_reads(r, 1, 499);
  says(r, "");
  assert_int_equal(announced(), 0);
  user_reads(r, 500, 1);
  says(r, "A 1 1001");
  assert_int_equal(r->out.wnd, 500);
}

TEST(reading_a_little_of_a_wide_window_says_nothing)
{
  established();
  arrives_with_text(r, F_ACK, 1, 1, 1460);
  arrives_with_text(r, F_ACK, 1461, 1, 1460);
  rig_forget_said(r);
  user_reads(r, 1, 1460);
  says(r, "");
}

TEST(reading_much_of_it_is_told_unasked)
{
  established();
  for (uint32_t i = 0; i < 10; i++) {
    arrives_with_text(r, F_ACK, 1 + i * 1460, 1, 1460);
    rig_forget_said(r);
  }
  user_reads(r, 1, 14600);
  says(r, "A 1 14601");
  assert_int_equal(r->out.wnd, 16384);
}

TEST(a_shut_window_is_opened_by_an_ack_that_waits_for_nothing)
{
  begin(4380, false);
  rig_established(r, false);
  for (uint32_t i = 0; i < 3; i++)
    arrives_with_text(r, F_ACK, 1 + i * 1460, 1, 1460);
  rig_forget_said(r);
  assert_int_equal(r->out.wnd, 0);
  user_reads(r, 1, 4380);
  says(r, "A 1 4381");
  assert_int_equal(r->out.wnd, 4380);
}

/* MUST-38, 3.8.6.2.1 (3) and (4): less than half of the largest window waits for the time-out. */
TEST(a_silly_window_is_left_alone_until_the_override_time_out)
{
  established();
  peer_offers(1, 100);
  user_sends(r, 1000);
  says(r, "");
  waits(r, LA_SEC);
  assert_non_null(strstr(r->said, "A 1+100 1"));
}

/* RFC 9293 3.8.6.2.1: the override comes after 0.1 to 1 s. */
TEST(the_override_waits_for_no_more_than_a_second)
{
  established();
  r->tcb->rtt.rto_us = 20000000;
  peer_offers(1, 100);
  user_sends(r, 1000);
  says(r, "");
  waits(r, LA_SEC);
  says(r, "A 1+100 1");
}

/* The time-out of a shut window, long backed off, is not the one of a silly window. */
TEST(a_shut_window_that_opens_a_little_waits_no_longer_than_a_silly_one)
{
  established();
  peer_offers(1, 0);
  user_sends(r, 1000);
  for (int i = 0; i < 20; i++) {
    waits(r, 30 * LA_SEC);
    rig_forget_said(r);
    peer_offers(1, 0);
  }
  peer_offers(2, 100);                              /* the probe was taken */
  rig_forget_said(r);
  waits(r, LA_SEC);
  assert_non_null(strstr(r->said, "A 2+100 1"));
}

TEST(half_of_the_largest_window_is_not_silly)
{
  established();
  peer_offers(1, 2000);
  r->tcb->snd.wnd_max = 2000;
  peer_offers(1, 1000);
  user_sends(r, 3000);
  says(r, "A 1+1000 1");
}

/* ---- shut windows, 3.8.6.1 ---- */

TEST(a_probe_is_one_octet_and_its_refusal_is_no_loss)
{
  established();
  peer_offers(1, 0);
  user_sends(r, 100);
  waits(r, LA_SEC);
  assert_non_null(strstr(r->said, "A 1+1 1"));
  rig_forget_said(r);
  peer_offers(1, 0);
  assert_int_equal(r->tcb->timeouts, 0);
  assert_int_equal(r->tcb->cc.cwnd, 14600);
  assert_int_equal(r->tcb->duplicate_acks_total, 0);
  peer_offers(1, 1000);
  says(r, "A 1+1 1");
}

TEST(a_probe_that_was_taken_is_followed_by_the_next_octet)
{
  established();
  peer_offers(1, 0);
  user_sends(r, 100);
  waits(r, LA_SEC);
  r->said_length = 0;
  peer_offers(2, 0);
  waits(r, 120 * LA_SEC);
  assert_non_null(strstr(r->said, "A 2+1 1"));
}

TEST(a_fin_is_a_probe_too)
{
  established();
  peer_offers(1, 0);
  user_closes(r);
  waits(r, LA_SEC);
  assert_non_null(strstr(r->said, "FA 1 1"));
  rig_forget_said(r);
  arrives(r, F_ACK, 1, 2);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
}

TEST(the_window_update_is_used_at_once)
{
  established();
  peer_offers(1, 0);
  user_sends(r, 2000);
  says(r, "");
  peer_offers(1, 5000);
  says(r, "A 1+1460 1");
  assert_false(tcp_timer_runs(r->tcb, TCP_T_PERSIST));
}

/* 3.10.7.4 fifth: an old segment cannot change the window. */
TEST(only_the_newest_segment_sets_the_window)
{
  established();
  arrives_with_text(r, F_ACK, 1, 1, 100);
  rig_forget_said(r);
  r->wnd = 5;
  arrives(r, F_ACK, 1, 1);                          /* older than the text */
  assert_int_equal(r->tcb->snd.wnd, RIG_WND);
  r->wnd = 50;
  arrives(r, F_ACK, 101, 1);
  assert_int_equal(r->tcb->snd.wnd, 50);
}

/* RFC 9293 3.8.6: what lies beyond the window is cut off, what lies in it is taken. */
TEST(what_is_beyond_our_window_is_not_taken)
{
  begin(1000, false);
  rig_established(r, false);
  arrives_with_text(r, F_ACK, 1, 1, 1200);
  assert_int_equal(r->tcb->rx.octets, 1000);
  rig_forget_said(r);
  assert_int_equal(their_next(), 1001);
  user_reads(r, 1, 1000);
}

TEST(a_fin_beyond_our_window_is_not_taken_before_its_time)
{
  begin(1000, false);
  rig_established(r, false);
  arrives_with_text(r, F_ACK | F_FIN, 1, 1, 1000);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  rig_forget_said(r);
  user_reads(r, 1, 1000);
  rig_forget_said(r);
  arrives(r, F_FIN | F_ACK, 1001, 1);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
}

/* Without a scale, 65,535 is all that can be said, however large the buffer: reading a little does
 * not call for an update each time, and reading a quarter of it does. */
TEST(a_buffer_beyond_what_can_be_said_brings_no_update_for_each_read)
{
  struct tcp_settings set = rig_settings();

  set.receive_buffer = 262144;
  rig_init_with(r, &set, 34, 1536);           /* half of them are enough for what comes */
  rig_established(r, true);
  for (uint32_t i = 0; i < 14; i++)
    arrives_with_text(r, F_ACK, 1 + i * 1460, 1, 1460);
  rig_forget_said(r);
  user_reads(r, 1, 1460);
  says(r, "");
  user_reads(r, 1461, 12 * 1460);
  says(r, "");                                /* the edge stands where it can be, 65,535 away */
}

RUN(cmocka_unit_test(a_buffer_beyond_what_can_be_said_brings_no_update_for_each_read),
    cmocka_unit_test(the_scale_is_the_least_that_can_say_the_buffers_size),
    cmocka_unit_test(the_window_in_a_syn_is_not_scaled),
    cmocka_unit_test(a_scale_above_14_is_taken_as_14),
    cmocka_unit_test(both_ends_scale_or_none_does),
    cmocka_unit_test(the_whole_buffer_is_offered_once_the_scale_is_agreed),
    cmocka_unit_test(the_first_window_is_at_most_65535),
    cmocka_unit_test(a_scaled_window_never_takes_back_what_was_offered),
    cmocka_unit_test(small_segments_cannot_overfill_the_buffer_by_more_than_a_unit_of_scale),
    cmocka_unit_test(a_small_buffer_opens_by_halves),
    cmocka_unit_test(reading_a_little_of_a_wide_window_says_nothing),
    cmocka_unit_test(reading_much_of_it_is_told_unasked),
    cmocka_unit_test(a_shut_window_is_opened_by_an_ack_that_waits_for_nothing),
    cmocka_unit_test(a_silly_window_is_left_alone_until_the_override_time_out),
    cmocka_unit_test(the_override_waits_for_no_more_than_a_second),
    cmocka_unit_test(a_shut_window_that_opens_a_little_waits_no_longer_than_a_silly_one),
    cmocka_unit_test(half_of_the_largest_window_is_not_silly),
    cmocka_unit_test(a_probe_is_one_octet_and_its_refusal_is_no_loss),
    cmocka_unit_test(a_probe_that_was_taken_is_followed_by_the_next_octet),
    cmocka_unit_test(a_fin_is_a_probe_too),
    cmocka_unit_test(the_window_update_is_used_at_once),
    cmocka_unit_test(only_the_newest_segment_sets_the_window),
    cmocka_unit_test(what_is_beyond_our_window_is_not_taken),
    cmocka_unit_test(a_fin_beyond_our_window_is_not_taken_before_its_time))
