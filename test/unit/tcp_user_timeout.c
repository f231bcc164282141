/* The user timeout option, RFC 5482: who says it, who takes it, and what the connection's limit is
 * then; and what ends a connection whose peer keeps its window shut, RFC 6429. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { OURS_S = 300, THEIRS_S = 600, LEAST_MS = 100000, MOST_MS = 3600000 };

static void set(enum la_option option, int64_t value)
{
  assert_int_equal(tcp_set(&r->t, r->tcb, option, value), LA_OK);
}

/* Both ends have asked for it, unless one says 0. */
static void established(uint32_t ours_s, uint32_t theirs_s, bool passive)
{
  rig_init(r);
  r->t.set.habits.user_timeout_s = ours_s;
  if (theirs_s != 0)
    r->options.present |= TCP_OPT_USER_TIMEOUT;
  r->options.user_timeout_s = theirs_s;
  rig_established(r, passive);
  r->options.present = 0;
}

static void told(uint32_t theirs_s)
{
  r->options = (struct tcp_options){ .present = TCP_OPT_USER_TIMEOUT, .user_timeout_s = theirs_s };
  arrives(r, F_ACK, 1, 1);
  r->options.present = 0;
}

static uint32_t limit_ms(void) { return tcp_user_timeout_ms(&r->t, r->tcb); }

static la_time lives_for(void)
{
  const la_time start = r->t.now;

  while (r->tcb->state != TCP_CLOSED && r->t.now - start < 24 * 3600 * LA_SEC)
    waits(r, LA_SEC);
  return r->t.now - start;
}

/* ---- who says it, 3 ---- */

TEST(it_is_neither_said_nor_taken_unless_asked_for)
{
  for (int passive = 0; passive < 2; passive++) {
    established(0, THEIRS_S, passive);
    user_sends(r, 10);
    rig_forget_said(r);
    assert_int_equal(said_options(r).present, 0);
    assert_int_equal(r->tcb->peer_timeout_s, 0);
    assert_int_equal(limit_ms(), 0);
  }
}

TEST(a_syn_says_it_and_so_does_the_segment_behind_and_no_other)
{
  rig_init(r);
  r->t.set.habits.user_timeout_s = OURS_S;
  rig_connect(r);
  rig_forget_said(r);
  assert_int_equal(said_options(r).present, TCP_OPT_MSS | TCP_OPT_USER_TIMEOUT);
  assert_int_equal(said_options(r).user_timeout_s, OURS_S);
  arrives(r, F_SYN | F_ACK, 0, 1);
  says(r, "A 1 1");
  assert_int_equal(said_options(r).present, TCP_OPT_USER_TIMEOUT);
  user_sends(r, 10);
  says(r, "PA 1+10 1");
  assert_int_equal(said_options(r).present, 0);
}

TEST(a_syn_ack_says_it_and_so_does_what_follows_the_handshake)
{
  rig_init(r);
  r->t.set.habits.user_timeout_s = OURS_S;
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  assert_int_equal(said_options(r).user_timeout_s, OURS_S);
  arrives(r, F_ACK, 1, 1);
  rig_pump(r);
  r->tcb = tcp_accept(&r->t, r->listener);
  user_sends(r, 10);
  says(r, "PA 1+10 1");
  assert_int_equal(said_options(r).present, TCP_OPT_USER_TIMEOUT);
  assert_int_equal(said_options(r).user_timeout_s, OURS_S);
}

/* 3: what changes is said again, beside text only if there is room for both. */
TEST(a_change_is_said_in_the_next_segment_that_has_room)
{
  established(OURS_S, 0, false);
  rig_forget_said(r);
  set(LA_OPT_ADVERTISED_TIMEOUT_S, 40000);
  user_sends(r, 1460 + 10);
  says(r, "A 1+1460 1");
  assert_int_equal(said_options(r).present, 0);
  arrives(r, F_ACK, 1, 1461);
  says(r, "PA 1461+10 1");
  assert_int_equal(said_options(r).present, TCP_OPT_USER_TIMEOUT);
  assert_int_equal(said_options(r).user_timeout_s, 40020);          /* in whole minutes */
}

/* ---- what becomes of it, 3.1 ---- */

TEST(the_longer_of_both_is_the_limit)
{
  established(OURS_S, THEIRS_S, false);
  assert_int_equal(limit_ms(), THEIRS_S * 1000);
  established(OURS_S, OURS_S / 2, true);
  assert_int_equal(limit_ms(), OURS_S * 1000);
  user_sends(r, 10);
  assert_in_range(lives_for(), (OURS_S - 1) * LA_SEC, (OURS_S + 1) * LA_SEC);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
}

TEST(it_stays_within_the_limits_of_the_configuration)
{
  established(1, 1, false);
  assert_int_equal(limit_ms(), LEAST_MS);
  told(TCP_USER_TIMEOUT_MAX);
  assert_int_equal(limit_ms(), MOST_MS);
  r->t.set.user_timeout_least_ms = 1;
  told(1);
  assert_int_equal(limit_ms(), 1000);
  r->tcb->rtt.rto_us = 5000000;
  assert_int_equal(limit_ms(), 5001);         /* more than the time-out */
}

TEST(a_limit_that_the_application_has_set_is_not_changed)
{
  established(OURS_S, THEIRS_S, false);
  set(LA_OPT_USER_TIMEOUT_MS, 5000);
  told(2 * THEIRS_S);
  assert_int_equal(limit_ms(), 5000);
  assert_int_equal(r->tcb->peer_timeout_s, 2 * THEIRS_S);           /* it can be looked at */
  set(LA_OPT_USER_TIMEOUT_MS, 0);
  assert_int_equal(limit_ms(), 2 * THEIRS_S * 1000);
}

TEST(advice_in_mid_connection_moves_the_limit_of_what_waits_already)
{
  established(OURS_S, OURS_S, false);
  user_sends(r, 10);
  waits(r, (OURS_S - 10) * LA_SEC);
  told(THEIRS_S);
  assert_in_range(lives_for(), (THEIRS_S - 1) * LA_SEC, (THEIRS_S + 1) * LA_SEC);
}

TEST(who_takes_the_option_back_is_patient_by_r2_again)
{
  established(OURS_S, THEIRS_S, false);
  set(LA_OPT_ADVERTISED_TIMEOUT_S, 0);
  assert_int_equal(limit_ms(), 0);
  assert_int_equal(r->tcb->peer_timeout_s, 0);
  told(THEIRS_S);
  assert_int_equal(limit_ms(), 0);
}

/* 4.2. */
TEST(keep_alive_begins_later_than_the_limit)
{
  established(OURS_S, THEIRS_S, false);
  set(LA_OPT_KEEPALIVE_IDLE_MS, 1000);
  set(LA_OPT_KEEPALIVE, 1);
  rig_forget_said(r);
  waits(r, THEIRS_S * LA_SEC);
  assert_int_equal(r->t.count[TCP_N_keepalives], 0);
  waits(r, 2 * LA_SEC);
  assert_int_equal(r->t.count[TCP_N_keepalives], 1);
}

/* ---- the persist condition, RFC 6429 ---- */

/* A peer that answers every probe and never opens its window. */
static void is_kept_waiting(la_time until)
{
  const la_time start = r->t.now;

  while (r->tcb->state != TCP_CLOSED && r->t.now - start < until) {
    waits(r, LA_SEC);
    if (r->tcb->state != TCP_CLOSED)
      arrives(r, F_ACK, 1, 1);
    rig_forget_said(r);
  }
}

static void window_is_shut(void)
{
  rig_init(r);
  rig_established(r, false);
  r->wnd = 0;
  arrives(r, F_ACK, 1, 1);
  user_sends(r, 10);
  rig_pump(r);
}

TEST(a_shut_window_may_stay_shut_as_long_as_the_application_likes)
{
  window_is_shut();
  is_kept_waiting(2 * 3600 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  tcp_abort(&r->t, r->tcb);
  assert_int_equal(r->t.row[TCP_ROW_ESTABLISHED_ABORT], 1);
  assert_int_equal(r->t.count[TCP_N_resets_out], 1);
}

TEST(an_orphan_is_not_kept_waiting_for_ever)
{
  window_is_shut();
  tcp_forget(&r->t, r->tcb);
  is_kept_waiting(2 * 3600 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->t.row[TCP_ROW_FIN_WAIT_1_GIVE_UP], 1);
  assert_true(r->t.count[TCP_N_window_probes] >= r->t.set.orphan_retries);
}

RUN(cmocka_unit_test(it_is_neither_said_nor_taken_unless_asked_for),
    cmocka_unit_test(a_syn_says_it_and_so_does_the_segment_behind_and_no_other),
    cmocka_unit_test(a_syn_ack_says_it_and_so_does_what_follows_the_handshake),
    cmocka_unit_test(a_change_is_said_in_the_next_segment_that_has_room),
    cmocka_unit_test(the_longer_of_both_is_the_limit),
    cmocka_unit_test(it_stays_within_the_limits_of_the_configuration),
    cmocka_unit_test(a_limit_that_the_application_has_set_is_not_changed),
    cmocka_unit_test(advice_in_mid_connection_moves_the_limit_of_what_waits_already),
    cmocka_unit_test(who_takes_the_option_back_is_patient_by_r2_again),
    cmocka_unit_test(keep_alive_begins_later_than_the_limit),
    cmocka_unit_test(a_shut_window_may_stay_shut_as_long_as_the_application_likes),
    cmocka_unit_test(an_orphan_is_not_kept_waiting_for_ever))
