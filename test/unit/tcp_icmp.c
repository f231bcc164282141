/* What the network says of a connection: soft and hard errors (RFC 9293 3.9.2.2, RFC 5927), and
 * the path's MTU (RFC 1191). */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static void says_hard(tcp_seq seq) { tcp_icmp(&r->t, r->tcb, seq, true, LA_EREFUSED); }
static void says_soft(tcp_seq seq) { tcp_icmp(&r->t, r->tcb, seq, false, LA_EUNREACH); }

static void with_text_in_flight(uint32_t n)
{
  rig_init(r);
  rig_established(r, false);
  user_sends(r, n);
  rig_forget_said(r);
}

/* The latest events told, which are then forgotten. */
static uint8_t events_told(void)
{
  uint8_t events = 0;

  while (tcp_notified(&r->t, &events) != NULL)
    continue;
  return events;
}

/* ---- an attempt to connect ---- */

TEST(a_hard_error_ends_an_attempt_to_connect)
{
  rig_init(r);
  rig_connect(r);
  says(r, "S 0");
  says_hard(r->tcb->snd.iss);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_EREFUSED);
  says(r, "");
}

TEST(a_soft_error_is_remembered_while_the_attempt_goes_on)
{
  rig_init(r);
  rig_connect(r);
  says(r, "S 0");
  says_soft(r->tcb->snd.iss);
  assert_int_equal(r->tcb->state, TCP_SYN_SENT);
  assert_int_equal(r->tcb->soft_error, LA_EUNREACH);
  waits(r, LA_SEC);
  says(r, "S 0");
}

TEST(an_error_about_a_syn_that_was_not_sent_yet_is_not_believed)
{
  rig_init(r);
  rig_connect(r);
  says_hard(r->tcb->snd.iss);
  assert_int_equal(r->tcb->state, TCP_SYN_SENT);
  assert_int_equal(r->tcb->soft_error, LA_OK);
}

TEST(a_hard_error_does_not_end_a_simultaneous_open)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, false);
  says_hard(r->tcb->snd.iss);
  assert_int_equal(r->tcb->state, TCP_SYN_RECEIVED);
}

/* ---- a connection, RFC 5927 5.2 ---- */

TEST(a_hard_error_is_only_remembered_by_a_synchronized_connection)
{
  with_text_in_flight(100);
  says_hard(r->tcb->snd.una);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  assert_int_equal(r->tcb->error, LA_OK);
  assert_int_equal(r->tcb->soft_error, LA_EREFUSED);
}

TEST(progress_forgets_what_the_network_said)
{
  with_text_in_flight(100);
  says_soft(r->tcb->snd.una);
  arrives(r, F_ACK, 1, 101);
  assert_int_equal(r->tcb->soft_error, LA_OK);
}

/* Being told of an error must not look like becoming ESTABLISHED: no event, and the time-out's
 * backing off, which leads to R2, goes on. */
TEST(a_hard_error_has_no_effect_on_the_timers_of_a_connection)
{
  la_time due;

  with_text_in_flight(100);
  waits(r, 5 * LA_SEC);
  rig_forget_said(r);
  (void)events_told();
  due = tcp_timer_due(r->tcb, TCP_T_RETRANSMIT);
  assert_true(r->tcb->backoffs > 2);
  says_hard(r->tcb->snd.una);
  assert_true(r->tcb->backoffs > 2);
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) == due);
  assert_int_equal(events_told(), 0);
}

TEST(a_stream_of_hard_errors_does_not_keep_a_dead_connection_alive)
{
  with_text_in_flight(100);
  for (int i = 0; i < 3600 && r->tcb->state != TCP_CLOSED; i++) {
    says_hard(r->tcb->snd.una);
    waits(r, LA_SEC);
    rig_forget_said(r);
  }
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
}

TEST(in_close_wait_a_hard_error_is_no_second_close_of_the_peer)
{
  rig_init(r);
  rig_in(r, TCP_CLOSE_WAIT, true);
  user_sends(r, 10);
  rig_forget_said(r);
  (void)events_told();
  says_hard(r->tcb->snd.una);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  assert_int_equal(events_told(), 0);
}

/* ---- plausibility, RFC 5927 4.1 ---- */

TEST(an_error_is_believed_only_if_it_names_what_is_in_flight)
{
  with_text_in_flight(100);
  assert_true(tcp_icmp_plausible(r->tcb, r->tcb->snd.una));
  assert_true(tcp_icmp_plausible(r->tcb, seq_add(r->tcb->snd.una, 99)));
  assert_false(tcp_icmp_plausible(r->tcb, seq_add(r->tcb->snd.una, 100)));
  assert_false(tcp_icmp_plausible(r->tcb, seq_sub(r->tcb->snd.una, 1)));
  says_soft(seq_sub(r->tcb->snd.una, 1));
  assert_int_equal(r->tcb->soft_error, LA_OK);
}

TEST(nothing_is_plausible_of_a_connection_with_nothing_in_flight)
{
  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    rig_init(r);
    rig_in(r, (enum tcp_state)s, s != TCP_SYN_SENT);
    if (s != TCP_CLOSED && s != TCP_LISTEN && tcp_flight(r->tcb) > 0)
      continue;
    assert_false(tcp_icmp_plausible(r->tcb, r->tcb->snd.una));
    says_hard(r->tcb->snd.una);
    assert_int_equal(r->tcb->state, s);
  }
}

/* ---- the path's MTU, RFC 1191 6 ---- */

TEST(what_was_too_large_goes_again_at_once_in_smaller_pieces)
{
  with_text_in_flight(2920);
  tcp_path_mtu(&r->t, r->tcb, 1040);
  says(r, "A 1+1000 1; A 1001+1000 1; PA 2001+920 1");
  assert_int_equal(r->tcb->mss, 1000);
  assert_int_equal(r->tcb->timeouts, 0);
}

/* One segment in flight, a little larger than the path takes. */
TEST(a_single_segment_that_was_too_large_does_not_wait_for_the_time_out)
{
  with_text_in_flight(700);
  tcp_path_mtu(&r->t, r->tcb, 540);
  says(r, "A 1+500 1; PA 501+200 1");
}

TEST(what_fitted_is_not_sent_again)
{
  with_text_in_flight(500);
  tcp_path_mtu(&r->t, r->tcb, 540);
  says(r, "");
}

TEST(a_smaller_mtu_is_no_sign_of_congestion)
{
  uint32_t cwnd;

  with_text_in_flight(2920);
  cwnd = r->tcb->cc.cwnd;
  tcp_path_mtu(&r->t, r->tcb, 1040);
  rig_forget_said(r);
  assert_int_equal(r->tcb->cc.cwnd, cwnd);
  assert_int_equal(r->tcb->mode, TCP_OPEN);
}

TEST(the_mtu_may_grow_again)
{
  with_text_in_flight(100);
  tcp_path_mtu(&r->t, r->tcb, 576);
  assert_int_equal(r->tcb->mss, 536);
  tcp_path_mtu(&r->t, r->tcb, 1500);
  assert_int_equal(r->tcb->mss, 1460);
}

TEST(an_absurd_mtu_leaves_a_segment_that_can_carry_text)
{
  with_text_in_flight(100);
  tcp_path_mtu(&r->t, r->tcb, 0);
  assert_true(r->tcb->mss >= 8);
  rig_forget_said(r);
}

TEST(mtu_news_for_a_closed_connection_or_a_listener_is_ignored)
{
  rig_init(r);
  rig_in(r, TCP_LISTEN, true);
  tcp_path_mtu(&r->t, r->tcb, 576);
  assert_int_equal(r->tcb->path.mtu, 1500);
}

/* ---- config.handshake_errors ---- */

static void rig_with_handshake_errors(void)
{
  rig_init(r);
  r->t.set.handshake_errors = true;
}

TEST(if_so_set_a_soft_error_ends_an_attempt_to_connect)
{
  rig_with_handshake_errors();
  rig_connect(r);
  says(r, "S 0");
  says_soft(r->tcb->snd.iss);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_EUNREACH);
  says(r, "");
}

TEST(if_so_set_a_soft_error_ends_a_half_open_child_and_not_the_listener)
{
  rig_with_handshake_errors();
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  says_soft(r->tcb->snd.iss);
  assert_int_equal(r->listener->listener.half_opens, 0);
  assert_null(tcp_accept(&r->t, r->listener));
  says(r, "");
}

TEST(what_is_synchronized_only_remembers_a_soft_error_however_it_is_set)
{
  with_text_in_flight(100);
  r->t.set.handshake_errors = true;
  says_soft(r->tcb->snd.una);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  assert_int_equal(r->tcb->soft_error, LA_EUNREACH);
}

RUN(cmocka_unit_test(a_hard_error_ends_an_attempt_to_connect),
    cmocka_unit_test(a_soft_error_is_remembered_while_the_attempt_goes_on),
    cmocka_unit_test(an_error_about_a_syn_that_was_not_sent_yet_is_not_believed),
    cmocka_unit_test(a_hard_error_does_not_end_a_simultaneous_open),
    cmocka_unit_test(a_hard_error_is_only_remembered_by_a_synchronized_connection),
    cmocka_unit_test(progress_forgets_what_the_network_said),
    cmocka_unit_test(a_hard_error_has_no_effect_on_the_timers_of_a_connection),
    cmocka_unit_test(a_stream_of_hard_errors_does_not_keep_a_dead_connection_alive),
    cmocka_unit_test(in_close_wait_a_hard_error_is_no_second_close_of_the_peer),
    cmocka_unit_test(an_error_is_believed_only_if_it_names_what_is_in_flight),
    cmocka_unit_test(nothing_is_plausible_of_a_connection_with_nothing_in_flight),
    cmocka_unit_test(what_was_too_large_goes_again_at_once_in_smaller_pieces),
    cmocka_unit_test(a_single_segment_that_was_too_large_does_not_wait_for_the_time_out),
    cmocka_unit_test(what_fitted_is_not_sent_again),
    cmocka_unit_test(a_smaller_mtu_is_no_sign_of_congestion),
    cmocka_unit_test(the_mtu_may_grow_again),
    cmocka_unit_test(an_absurd_mtu_leaves_a_segment_that_can_carry_text),
    cmocka_unit_test(mtu_news_for_a_closed_connection_or_a_listener_is_ignored),
    cmocka_unit_test(if_so_set_a_soft_error_ends_an_attempt_to_connect),
    cmocka_unit_test(if_so_set_a_soft_error_ends_a_half_open_child_and_not_the_listener),
    cmocka_unit_test(what_is_synchronized_only_remembers_a_soft_error_however_it_is_set))
