/* Keep-alive, RFC 9293 3.8.4 and RFC 1122 4.2.3.6. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { IDLE_S = 100, INTERVAL_S = 10, PROBES = 3 };

static void set(enum la_option option, int64_t value)
{
  assert_int_equal(tcp_set(&r->t, r->tcb, option, value), LA_OK);
}

static void begin(void)
{
  rig_init(r);
  rig_established(r, false);
  set(LA_OPT_KEEPALIVE_IDLE_MS, IDLE_S * 1000);
  set(LA_OPT_KEEPALIVE_INTERVAL_MS, INTERVAL_S * 1000);
  set(LA_OPT_KEEPALIVE_PROBES, PROBES);
}

static void with_keepalive(void)
{
  begin();
  set(LA_OPT_KEEPALIVE, 1);
}

TEST(it_is_off_unless_asked_for)                    /* MUST-25 */
{
  begin();
  waits(r, 30 * 24 * 3600 * LA_SEC);
  says(r, "");
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
}

TEST(a_probe_asks_for_what_was_acknowledged_already)
{
  with_keepalive();
  waits(r, IDLE_S * LA_SEC - LA_MS);
  says(r, "");
  waits(r, LA_MS);
  says(r, "A 0 1");                                 /* SND.NXT - 1, without text */
}

TEST(an_answer_is_good_for_another_idle_time)
{
  with_keepalive();
  waits(r, IDLE_S * LA_SEC);
  says(r, "A 0 1");
  arrives(r, F_ACK, 1, 1);
  waits(r, IDLE_S * LA_SEC - LA_MS);
  says(r, "");
  waits(r, INTERVAL_S * LA_SEC);
  says(r, "A 0 1");
  assert_int_equal(r->tcb->probes, 1);
}

TEST(whatever_the_peer_sends_is_a_sign_of_life)     /* MUST-26 */
{
  with_keepalive();
  for (uint32_t i = 0; i < 10; i++) {
    waits(r, (IDLE_S - 10) * LA_SEC);
    arrives_with_text(r, F_ACK, 1 + i, 1, 1);
    rig_forget_said(r);
  }
  assert_int_equal(r->t.count[TCP_N_keepalives], 0);
}

TEST(a_peer_that_does_not_answer_is_given_up_after_the_last_interval)
{
  with_keepalive();
  waits(r, IDLE_S * LA_SEC);
  for (int i = 1; i < PROBES; i++)
    waits(r, INTERVAL_S * LA_SEC);
  says(r, "A 0 1; A 0 1; A 0 1");
  waits(r, INTERVAL_S * LA_SEC - LA_MS);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  waits(r, LA_MS);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
  rig_pump(r);
  assert_int_equal(r->reply.flags, F_RST | F_ACK);
}

TEST(one_lost_probe_is_not_death)                   /* RFC 1122: "MUST NOT interpret failure" */
{
  with_keepalive();
  waits(r, (IDLE_S + INTERVAL_S) * LA_SEC);
  rig_forget_said(r);
  assert_int_equal(r->tcb->probes, 2);
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->tcb->probes, 0);
  waits(r, IDLE_S * LA_SEC - LA_MS);
  says(r, "");
}

TEST(a_peer_that_restarted_answers_with_a_rst)
{
  with_keepalive();
  waits(r, IDLE_S * LA_SEC);
  rig_forget_said(r);
  arrives(r, F_RST, 1, 0);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ERESET);
}

/* Text in flight has a timer of its own, which gives up sooner or later. */
TEST(with_text_in_flight_nothing_is_asked)
{
  with_keepalive();
  user_sends(r, 10);
  waits(r, 3 * IDLE_S * LA_SEC);
  assert_int_equal(r->t.count[TCP_N_keepalives], 0);
  assert_true(r->tcb->timeouts > 0);
}

TEST(a_probe_of_the_peers_is_answered_whatever_octet_it_has)
{
  begin();
  arrives(r, F_ACK, 0, 1);
  says(r, "A 1 1");
  arrives_with_text(r, F_ACK, 0, 1, 1);             /* some send an octet of garbage */
  says(r, "A 1 1");
  assert_int_equal(r->tcb->rx.octets, 0);
}

TEST(it_watches_half_closed_connections_too)
{
  const enum tcp_state states[] = { TCP_FIN_WAIT_2, TCP_CLOSE_WAIT };

  for (unsigned i = 0; i < 2; i++) {
    rig_init(r);
    rig_in(r, states[i], true);
    set(LA_OPT_KEEPALIVE_IDLE_MS, IDLE_S * 1000);
    set(LA_OPT_KEEPALIVE, 1);
    waits(r, IDLE_S * LA_SEC);
    assert_int_equal(r->t.count[TCP_N_keepalives], 1);
  }
}

TEST(time_wait_is_not_watched)
{
  rig_init(r);
  rig_in(r, TCP_TIME_WAIT, true);
  set(LA_OPT_KEEPALIVE_IDLE_MS, 1000);
  set(LA_OPT_KEEPALIVE, 1);
  waits(r, 10 * LA_SEC);
  says(r, "");
}

TEST(it_may_be_switched_on_before_and_off_after_the_connection)
{
  rig_init(r);
  r->tcb = tcp_tcb_new(&r->t);
  r->tcb->ends = r->ends;
  r->tcb->path = r->path;
  set(LA_OPT_KEEPALIVE, 1);
  set(LA_OPT_KEEPALIVE_IDLE_MS, IDLE_S * 1000);
  assert_int_equal(tcp_open_active(&r->t, r->tcb), LA_OK);
  rig_pump(r);
  arrives(r, F_SYN | F_ACK, 0, 1);
  rig_forget_said(r);
  waits(r, IDLE_S * LA_SEC);
  says(r, "A 0 1");
  set(LA_OPT_KEEPALIVE, 0);
  waits(r, 3600 * LA_SEC);
  says(r, "");
}

/* The answer to something that came at the same moment must not be lost in the probe, whose
 * number is one that the peer does not look at. */
TEST(an_acknowledgment_that_is_owed_is_not_lost_in_a_probe)
{
  with_keepalive();
  r->tcb->say |= SAY_ACK | SAY_KEEPALIVE;
  tcp_wake(&r->t, r->tcb);
  says(r, "A 1 1; A 0 1");
}

RUN(cmocka_unit_test(it_is_off_unless_asked_for),
    cmocka_unit_test(a_probe_asks_for_what_was_acknowledged_already),
    cmocka_unit_test(an_answer_is_good_for_another_idle_time),
    cmocka_unit_test(whatever_the_peer_sends_is_a_sign_of_life),
    cmocka_unit_test(a_peer_that_does_not_answer_is_given_up_after_the_last_interval),
    cmocka_unit_test(one_lost_probe_is_not_death),
    cmocka_unit_test(a_peer_that_restarted_answers_with_a_rst),
    cmocka_unit_test(with_text_in_flight_nothing_is_asked),
    cmocka_unit_test(a_probe_of_the_peers_is_answered_whatever_octet_it_has),
    cmocka_unit_test(it_watches_half_closed_connections_too),
    cmocka_unit_test(time_wait_is_not_watched),
    cmocka_unit_test(it_may_be_switched_on_before_and_off_after_the_connection),
    cmocka_unit_test(an_acknowledgment_that_is_owed_is_not_lost_in_a_probe))
