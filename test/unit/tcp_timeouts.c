/* Giving up: R1 and R2 (RFC 9293 3.8.3), the user timeout (RFC 5482), FIN-WAIT-2, linger. */
#include "support/tcp_one.h"

static la_time lives_for(void)
{
  const la_time start = r->t.now;

  while (r->tcb->state != TCP_CLOSED && r->t.now - start < 24 * 3600 * LA_SEC)
    waits(r, 100 * LA_MS);
  return r->t.now - start;
}

/* ---- R1 and R2 ---- */

TEST(at_r1_the_trouble_can_be_seen)                 /* MUST-20, SHLD-10 */
{
  established();
  user_sends(r, 10);
  waits(r, (200 + 400) * LA_MS);
  assert_int_equal(r->tcb->soft_error, LA_OK);
  waits(r, 800 * LA_MS);
  assert_int_equal(r->tcb->soft_error, LA_ETIMEDOUT);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  arrives(r, F_ACK, 1, 11);
  assert_int_equal(r->tcb->soft_error, LA_OK);
}

TEST(at_r2_the_connection_is_over)                  /* SHLD-11: 100 s or more */
{
  la_time life;

  established();
  user_sends(r, 10);
  life = lives_for();
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
  assert_int_equal(r->tcb->retransmissions, 15);
  assert_true(life > 100 * LA_SEC);
  assert_true(r->tcb->events & 1u << LA_EV_CLOSED);
}

TEST(any_progress_starts_the_count_anew)
{
  established();
  user_sends(r, 20);
  waits(r, 60 * LA_SEC);
  assert_true(r->tcb->backoffs > 5);
  arrives(r, F_ACK, 1, 11);
  assert_int_equal(r->tcb->backoffs, 0);
}

/* RFC 9293 3.8.3: "infinity". */
TEST(an_r2_beyond_255_is_none)
{
  established();
  r->t.set.retries = 300;
  r->t.set.rto_max = 200 * LA_MS;
  user_sends(r, 10);
  rig_forget_said(r);
  for (int i = 0; i < 100; i++) {
    waits(r, 2 * LA_SEC);
    rig_forget_said(r);
  }
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  assert_int_equal(r->tcb->timeouts, 1000);
}

TEST(an_orphan_has_a_smaller_r2)
{
  established();
  user_sends(r, 10);
  rig_forget_said(r);
  tcp_forget(&r->t, r->tcb);
  (void)lives_for();
  assert_int_equal(r->tcb->backoffs, 8);
}

TEST(a_fin_that_nobody_acknowledges_is_given_up)
{
  const enum tcp_state states[] = { TCP_FIN_WAIT_1, TCP_CLOSING, TCP_LAST_ACK };

  for (unsigned i = 0; i < 3; i++) {
    rig_init(r);
    rig_in(r, states[i], true);
    assert_true(lives_for() > 100 * LA_SEC);
    assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
  }
}

/* ---- the user timeout, RFC 5482 3, RFC 9293 3.8.3 (MUST-21) ---- */

TEST(the_user_timeout_ends_what_stays_unacknowledged)
{
  established();
  set(LA_OPT_USER_TIMEOUT_MS, 5000);
  waits(r, 3600 * LA_SEC);                          /* nothing is unacknowledged yet */
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  user_sends(r, 10);
  rig_pump(r);
  waits(r, 5000 * LA_MS - LA_MS);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  waits(r, LA_MS);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
  rig_pump(r);
  assert_int_equal(r->reply.flags, F_RST | F_ACK);
}

TEST(progress_gives_the_peer_the_whole_time_again)
{
  established();
  set(LA_OPT_USER_TIMEOUT_MS, 5000);
  user_sends(r, 20);
  rig_pump(r);
  waits(r, 4 * LA_SEC);
  arrives(r, F_ACK, 1, 11);
  waits(r, 4 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  arrives(r, F_ACK, 1, 21);
  waits(r, 3600 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
}

TEST(it_holds_for_the_handshake)
{
  struct tcp_settings set = rig_settings();

  set.habits.user_timeout_ms = 5000;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  rig_connect(r);
  assert_true(lives_for() <= 5100 * LA_MS);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
}

TEST(it_may_be_set_and_taken_back_in_mid_flight)
{
  established();
  user_sends(r, 10);
  rig_pump(r);
  set(LA_OPT_USER_TIMEOUT_MS, 5000);
  waits(r, 4 * LA_SEC);
  set(LA_OPT_USER_TIMEOUT_MS, 0);
  waits(r, 60 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  set(LA_OPT_USER_TIMEOUT_MS, 5000);
  waits(r, 5 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

TEST(it_ends_text_that_a_shut_window_keeps_back)
{
  established();
  set(LA_OPT_USER_TIMEOUT_MS, 30000);
  r->wnd = 0;
  arrives(r, F_ACK, 1, 1);
  user_sends(r, 10);
  rig_pump(r);
  for (int i = 0; i < 40 && r->tcb->state != TCP_CLOSED; i++) {
    waits(r, LA_SEC);
    if (r->tcb->state != TCP_CLOSED)
      arrives(r, F_ACK, 1, 1);
  }
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

/* ---- who is told, RFC 9293 3.10.8 ---- */

/* A peer that is alive after all would keep its end: it is told, unless nothing is left to lose or
 * R2 has found that nobody is there. */
TEST(the_end_of_the_users_patience_is_told_and_that_of_r2_is_not)
{
  established();
  user_sends(r, 10);
  (void)lives_for();
  assert_int_equal(r->t.row[TCP_ROW_ESTABLISHED_GIVE_UP], 1);
  assert_int_equal(r->t.count[TCP_N_resets_out], 0);
  established();
  set(LA_OPT_USER_TIMEOUT_MS, 5000);
  user_sends(r, 10);
  (void)lives_for();
  assert_int_equal(r->t.row[TCP_ROW_ESTABLISHED_USER_TIMEOUT], 1);
  assert_int_equal(r->t.count[TCP_N_resets_out], 1);
  rig_init(r);
  rig_in(r, TCP_LAST_ACK, true);
  set(LA_OPT_USER_TIMEOUT_MS, 5000);
  (void)lives_for();
  assert_int_equal(r->t.row[TCP_ROW_LAST_ACK_USER_TIMEOUT], 1);
  assert_int_equal(r->t.count[TCP_N_resets_out], 0);
}

/* The RFC's SYN-RECEIVED goes back to LISTEN; here the child goes, and the listener is there. */
TEST(a_handshake_that_never_ends_leaves_its_listener_as_it_was)
{
  const uint32_t patience_ms[] = { 0, 5000 };

  for (unsigned i = 0; i < 2; i++) {
    rig_init(r);
    r->t.set.habits.user_timeout_ms = patience_ms[i];
    rig_listen(r, 1);
    arrives(r, F_SYN, 0, 0);
    rig_forget_said(r);
    waits(r, 300 * LA_SEC);
    assert_int_equal(r->t.row[TCP_ROW_SYN_RECEIVED_GIVE_UP], patience_ms[i] == 0);
    assert_int_equal(r->t.row[TCP_ROW_SYN_RECEIVED_USER_TIMEOUT], patience_ms[i] != 0);
    assert_int_equal(r->t.count[TCP_N_resets_out], 0);
    assert_int_equal(r->listener->state, TCP_LISTEN);
    assert_int_equal(r->listener->listener.half_opens, 0);
    rig_reap(r);
    rig_forget_said(r);
    arrives(r, F_SYN, 0, 0);
    says(r, "SA 0 1");
  }
}

/* ---- FIN-WAIT-2 ---- */

TEST(a_held_fin_wait_2_lasts_for_ever)
{
  rig_init(r);
  rig_in(r, TCP_FIN_WAIT_2, true);
  assert_true(lives_for() >= 24 * 3600 * LA_SEC);
  arrives_with_text(r, F_ACK, 1, 2, 10);            /* and still receives */
  user_reads(r, 1, 10);
}

TEST(an_orphan_in_fin_wait_2_has_a_minute)
{
  rig_init(r);
  rig_in(r, TCP_FIN_WAIT_2, true);
  waits(r, 3600 * LA_SEC);
  tcp_forget(&r->t, r->tcb);
  waits(r, 60 * LA_SEC - LA_MS);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
  waits(r, LA_MS);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  says(r, "");
}

TEST(an_orphan_that_reaches_fin_wait_2_has_a_minute_from_then_on)
{
  established();
  tcp_forget(&r->t, r->tcb);
  rig_forget_said(r);
  waits(r, 100 * LA_MS);
  arrives(r, F_ACK, 1, 2);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
  waits(r, 60 * LA_SEC - LA_MS);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
  waits(r, LA_MS);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

/* ---- linger ---- */

TEST(linger_bounds_what_letting_go_leaves_behind)
{
  established();
  set(LA_OPT_LINGER_MS, 3000);
  user_sends(r, 100);
  rig_pump(r);
  tcp_forget(&r->t, r->tcb);
  waits(r, 3 * LA_SEC - LA_MS);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_1);
  waits(r, LA_MS);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  rig_pump(r);
  assert_int_equal(r->reply.flags, F_RST | F_ACK);
}

TEST(a_close_in_time_is_not_disturbed_by_linger)
{
  established();
  set(LA_OPT_LINGER_MS, 3000);
  tcp_forget(&r->t, r->tcb);
  rig_forget_said(r);
  arrives(r, F_FIN | F_ACK, 1, 2);
  says(r, "A 2 2");
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
}

/* The limit is one for all, whatever progress the peer makes. */
TEST(linger_is_not_prolonged_by_a_user_timeout)
{
  established();
  set(LA_OPT_USER_TIMEOUT_MS, 60000);
  set(LA_OPT_LINGER_MS, 3000);
  user_sends(r, 100);
  rig_pump(r);
  tcp_forget(&r->t, r->tcb);
  rig_pump(r);
  waits(r, 2 * LA_SEC);
  arrives(r, F_ACK, 1, 51);
  waits(r, LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

TEST(a_user_timeout_that_is_shorter_still_counts)
{
  established();
  set(LA_OPT_USER_TIMEOUT_MS, 2000);
  set(LA_OPT_LINGER_MS, 30000);
  user_sends(r, 100);
  rig_pump(r);
  tcp_forget(&r->t, r->tcb);
  assert_true(lives_for() <= 2100 * LA_MS);
}

TEST(without_linger_the_close_goes_on_by_itself)
{
  established();
  user_sends(r, 100);
  tcp_forget(&r->t, r->tcb);
  says(r, "FPA 1+100 1");
  arrives(r, F_ACK, 1, 102);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
}

/* Deadlines are kept in 32 bits: whoever does not ask for hours finds them all the same. */
TEST(after_hours_without_a_call_what_is_overdue_is_due_now)
{
  established();
  set(LA_OPT_USER_TIMEOUT_MS, 24 * 3600 * 1000);
  user_sends(r, 10);
  rig_pump(r);
  rig_forget_said(r);
  tcp_time(&r->t, r->t.now + 5 * 3600 * LA_SEC + 1);
  arrives_with_text(r, F_ACK, 1, 1, 10); /* waits for its ACK: a deadline from now on */
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) - r->t.now < 1000);
  assert_true(tcp_timer_due(r->tcb, TCP_T_DELACK) - r->t.now < 41 * LA_MS);
  assert_true(tcp_timer_due(r->tcb, TCP_T_GIVE_UP) - r->t.now > 18 * 3600 * LA_SEC);
  tcp_time(&r->t, r->t.now + 1000);
  tcp_timers_run(&r->t);
  assert_int_equal(r->tcb->timeouts, 1);
  rig_pump(r);
  says(r, "PA 1+10 11");
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) > r->t.now);
}

TEST(deadlines_are_kept_to_the_microsecond_and_never_come_early)
{
  la_time due;

  established();
  tcp_time(&r->t, r->t.now + 12345678901);
  due = r->t.now + tcp_rto(&r->t, r->tcb, 0);
  user_sends(r, 10);
  rig_pump(r);
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) >= due);
  assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) < due + 1000);
}

RUN(cmocka_unit_test(after_hours_without_a_call_what_is_overdue_is_due_now),
    cmocka_unit_test(deadlines_are_kept_to_the_microsecond_and_never_come_early),
    cmocka_unit_test(at_r1_the_trouble_can_be_seen), cmocka_unit_test(at_r2_the_connection_is_over),
    cmocka_unit_test(any_progress_starts_the_count_anew),
    cmocka_unit_test(an_r2_beyond_255_is_none),
    cmocka_unit_test(an_orphan_has_a_smaller_r2),
    cmocka_unit_test(a_fin_that_nobody_acknowledges_is_given_up),
    cmocka_unit_test(the_user_timeout_ends_what_stays_unacknowledged),
    cmocka_unit_test(progress_gives_the_peer_the_whole_time_again),
    cmocka_unit_test(it_holds_for_the_handshake),
    cmocka_unit_test(it_may_be_set_and_taken_back_in_mid_flight),
    cmocka_unit_test(it_ends_text_that_a_shut_window_keeps_back),
    cmocka_unit_test(the_end_of_the_users_patience_is_told_and_that_of_r2_is_not),
    cmocka_unit_test(a_handshake_that_never_ends_leaves_its_listener_as_it_was),
    cmocka_unit_test(a_held_fin_wait_2_lasts_for_ever),
    cmocka_unit_test(an_orphan_in_fin_wait_2_has_a_minute),
    cmocka_unit_test(an_orphan_that_reaches_fin_wait_2_has_a_minute_from_then_on),
    cmocka_unit_test(linger_bounds_what_letting_go_leaves_behind),
    cmocka_unit_test(a_close_in_time_is_not_disturbed_by_linger),
    cmocka_unit_test(linger_is_not_prolonged_by_a_user_timeout),
    cmocka_unit_test(a_user_timeout_that_is_shorter_still_counts),
    cmocka_unit_test(without_linger_the_close_goes_on_by_itself))
