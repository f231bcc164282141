/* Low-water marks: text that may wait unsent (LA_OPT_NOTSENT_LOWAT), text worth reading
 * (LA_OPT_RCVLOWAT), pieces of the send queue, and a listener that waits for text
 * (LA_OPT_DEFER_ACCEPT_S); LA_OPT_SYN_RETRIES. */
#include "support/tcp_one.h"

static uint8_t octets[65536];

static void set_of(struct tcb *tcb, enum la_option option, int64_t value)
{
  assert_int_equal(tcp_set(&r->t, tcb, option, value), LA_OK);
}

static int offers(uint32_t n) { return tcp_send(&r->t, r->tcb, octets, n, TCP_SEND_PLAIN); }

static bool told(enum la_event_kind kind)
{
  const bool yes = (r->tcb->events & 1u << kind) != 0;

  r->tcb->events &= (uint8_t)~(1u << kind);
  return yes;
}

static void arrives_text(uint32_t seq, uint32_t n) { arrives_with_text(r, F_ACK, seq, 1, n); }

/* ---- unsent ---- */

TEST(what_would_wait_beyond_the_mark_is_not_taken)
{
  established();
  r->tcb->cc.cwnd = 2 * 1460;
  set(LA_OPT_NOTSENT_LOWAT, 1000);
  assert_int_equal(offers(10000), 2 * 1460 + 1000);
  assert_int_equal(offers(1), -LA_EAGAIN);
}

TEST(room_is_told_of_below_half_the_mark)
{
  established();
  r->tcb->cc.cwnd = 2 * 1460;
  set(LA_OPT_NOTSENT_LOWAT, 3000);
  assert_int_equal(offers(10000), 2 * 1460 + 3000);
  rig_forget_said(r);
  assert_false(told(LA_EV_WRITABLE));
  set(LA_OPT_NODELAY, 1);
  arrives(r, F_ACK, 1, 1461);
  rig_pump(r);
  assert_true(told(LA_EV_WRITABLE));
  assert_true(tcp_unsent(r->tcb) <= 1500);
}

TEST(the_rooms_mark_counts_where_the_socket_has_none)
{
  established();
  r->t.set.notsent_lowat = 500;
  r->tcb->cc.cwnd = 1460;
  assert_int_equal(offers(10000), 1460 + 500);
  set(LA_OPT_NOTSENT_LOWAT, 700);
  assert_int_equal(offers(10000), 200);
}

TEST(pieces_of_half_the_window_are_filled_and_begun_below_the_buffers_size)
{
  established();
  rig_habits(r)->linux_buffers = true;
  r->tcb->send_buffer = 4000;
  r->tcb->path.gso_max = 65000;
  r->tcb->cc.cwnd = 2 * 1460;
  r->tcb->snd.wnd_max = 8760;                 /* pieces of three segments */
  assert_int_equal(offers(20000), 4380 + 2 * 1460);
  assert_int_equal(offers(1), -LA_EAGAIN);
}

TEST(a_piece_is_a_segment_at_least)
{
  established();
  rig_habits(r)->linux_buffers = true;
  r->tcb->send_buffer = 1;
  r->tcb->cc.cwnd = 1460;
  r->tcb->snd.wnd_max = 10;
  assert_int_equal(offers(20000), 1460);
}

/* ---- unread ---- */

TEST(less_than_the_mark_is_not_told_of)
{
  established();
  set(LA_OPT_RCVLOWAT, 100);
  arrives_text(1, 99);
  assert_false(told(LA_EV_READABLE));
  arrives_text(100, 1);
  assert_true(told(LA_EV_READABLE));
}

TEST(a_window_that_can_take_no_more_is_told_of)
{
  established();
  set(LA_OPT_RCVLOWAT, 1 << 20);
  for (uint32_t seq = 1; seq < 16385 - 1460; seq += 1460)
    arrives_text(seq, 1460);
  assert_true(told(LA_EV_READABLE));
}

TEST(the_end_of_the_stream_is_told_of_below_the_mark)
{
  established();
  set(LA_OPT_RCVLOWAT, 100);
  arrives_with_text(r, F_FIN | F_ACK, 1, 1, 10);
  assert_true(told(LA_EV_READABLE) && told(LA_EV_PEER_CLOSED));
}

TEST(a_lower_mark_tells_at_once)
{
  established();
  set(LA_OPT_RCVLOWAT, 100);
  arrives_text(1, 50);
  assert_false(told(LA_EV_READABLE));
  set(LA_OPT_RCVLOWAT, 50);
  assert_true(told(LA_EV_READABLE));
}

/* ---- handshakes ---- */

TEST(syn_retries_of_the_socket_are_its_own)
{
  rig_init(r);
  r->tcb = tcp_tcb_new(&r->t);
  r->tcb->ends = r->ends;
  r->tcb->path = r->path;
  set(LA_OPT_SYN_RETRIES, 2);
  assert_int_equal(tcp_open_active(&r->t, r->tcb), LA_OK);
  waits(r, 8 * LA_SEC);
  says(r, "S 0; S 0; S 0");
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
}

static void listens_deferring(int64_t seconds)
{
  rig_init(r);
  rig_listen(r, 2);
  set_of(r->listener, LA_OPT_DEFER_ACCEPT_S, seconds);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
}

static bool accepted(void) { return tcp_accept(&r->t, r->listener) == r->tcb; }

TEST(the_time_to_defer_is_kept_in_resends)
{
  static const int64_t pairs[][2] = { { 0, 0 }, { 1, 1 }, { 2, 3 }, { 3, 3 }, { 4, 7 }, { 60, 63 },
                                      { 64, 123 } };
  int64_t value;

  rig_init(r);
  rig_listen(r, 2);
  for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    set_of(r->listener, LA_OPT_DEFER_ACCEPT_S, pairs[i][0]);
    assert_int_equal(tcp_get(&r->t, r->listener, LA_OPT_DEFER_ACCEPT_S, &value), LA_OK);
    assert_int_equal(value, pairs[i][1]);
  }
}

TEST(a_deferred_child_appears_with_its_text)
{
  listens_deferring(3);
  arrives(r, F_ACK, 1, 1);
  refused_because(r, ACCEPT_DEFERRED);
  assert_false(accepted());
  arrives_with_text(r, F_ACK | F_PSH, 1, 1, 10);
  assert_true(accepted());
  user_reads(r, 1, 10);
}

TEST(text_with_the_last_ack_is_not_deferred)
{
  listens_deferring(3);
  arrives_with_text(r, F_ACK | F_PSH, 1, 1, 10);
  assert_true(accepted());
}

TEST(a_fin_with_the_last_ack_is_not_deferred)
{
  listens_deferring(3);
  arrives(r, F_FIN | F_ACK, 1, 1);
  assert_true(accepted());
}

TEST(the_syn_ack_is_not_repeated_while_text_is_waited_for)
{
  listens_deferring(3);                       /* two resends: 1 s and 2 s */
  arrives(r, F_ACK, 1, 1);
  waits(r, 2 * LA_SEC);
  says(r, "");
  waits(r, LA_SEC);
  says(r, "SA 0 1");                          /* its time is over: the ACK of this one will do */
  arrives(r, F_ACK, 1, 1);
  assert_true(accepted());
}

RUN(cmocka_unit_test(what_would_wait_beyond_the_mark_is_not_taken),
    cmocka_unit_test(room_is_told_of_below_half_the_mark),
    cmocka_unit_test(the_rooms_mark_counts_where_the_socket_has_none),
    cmocka_unit_test(pieces_of_half_the_window_are_filled_and_begun_below_the_buffers_size),
    cmocka_unit_test(a_piece_is_a_segment_at_least),
    cmocka_unit_test(less_than_the_mark_is_not_told_of),
    cmocka_unit_test(a_window_that_can_take_no_more_is_told_of),
    cmocka_unit_test(the_end_of_the_stream_is_told_of_below_the_mark),
    cmocka_unit_test(a_lower_mark_tells_at_once),
    cmocka_unit_test(syn_retries_of_the_socket_are_its_own),
    cmocka_unit_test(the_time_to_defer_is_kept_in_resends),
    cmocka_unit_test(a_deferred_child_appears_with_its_text),
    cmocka_unit_test(text_with_the_last_ack_is_not_deferred),
    cmocka_unit_test(a_fin_with_the_last_ack_is_not_deferred),
    cmocka_unit_test(the_syn_ack_is_not_repeated_while_text_is_waited_for))
