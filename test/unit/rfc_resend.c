/* RFC 9293 3.8.1 to 3.8.4: resending, giving up, keep-alive. */
#include "support/tcp_one.h"

static unsigned count_of(const char *what)
{
  unsigned n = 0;

  for (const char *p = r->said; (p = strstr(p, what)) != NULL; p++)
    n++;
  return n;
}

/* When something is said next, after now and before `most` has passed; LA_NEVER: nothing is. */
static la_time next_said(la_time most)
{
  const la_time from = r->t.now;

  rig_forget_said(r);
  while (r->said_length == 0 && r->t.now - from < most)
    waits(r, LA_MS);
  return r->said_length > 0 ? r->t.now - from : LA_NEVER;
}

/* ---- the time-out ---- */

TEST(a_time_out_doubles_with_each_resend)
{
  la_time rto = 200 * LA_MS;

  established();
  user_sends(r, 100);
  for (int i = 0; i < 8; i++, rto *= 2)
    assert_int_equal(next_said(100 * LA_SEC), rto);
}

TEST(slow_start_doubles_a_flight_and_congestion_avoidance_adds_a_segment)
{
  uint32_t before;

  established();
  user_sends(r, 16384);
  rig_forget_said(r);
  before = r->tcb->cc.cwnd;
  for (uint32_t ack = 1461; ack <= 14601; ack += 1460)
    arrives(r, F_ACK, 1, ack);
  assert_true(r->tcb->cc.cwnd > before + 8 * 1460);       /* exponential */
  r->tcb->cc.ssthresh = r->tcb->cc.cwnd;
  before = r->tcb->cc.cwnd;
  rig_forget_said(r);
  user_sends(r, 14000);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, r->tcb->snd.nxt.n - r->tcb->snd.iss.n);
  assert_true(r->tcb->cc.cwnd <= before + 1460);          /* linear */
}

TEST(a_time_out_begins_anew_with_one_segment)
{
  established();
  user_sends(r, 14600);
  rig_forget_said(r);
  waits(r, 200 * LA_MS);
  assert_int_equal(count_of("+"), 1);
  assert_int_equal(r->tcb->cc.cwnd, 1460);
  assert_int_equal(r->tcb->cc.ssthresh, 7300);
}

/* Karn: the ACK of what was sent twice says nothing of the time that it took. */
TEST(no_sample_is_taken_from_what_was_sent_twice)
{
  uint32_t srtt;

  established();
  srtt = r->tcb->rtt.srtt_us;
  user_sends(r, 100);
  rig_forget_said(r);
  waits(r, 250 * LA_MS);
  assert_int_equal(count_of("1+100"), 1);
  arrives(r, F_ACK, 1, 101);
  assert_int_equal(r->tcb->rtt.srtt_us, srtt);
  user_sends(r, 100);
  rig_forget_said(r);
  waits(r, 50 * LA_MS);
  arrives(r, F_ACK, 1, 201);
  assert_true(r->tcb->rtt.srtt_us > srtt);
}

/* ---- R1 and R2 ---- */

TEST(from_r1_on_the_application_can_learn_of_the_trouble)
{
  established();
  user_sends(r, 100);
  for (unsigned resends = 1; resends <= 5; resends++) {
    assert_int_not_equal(next_said(100 * LA_SEC), LA_NEVER);
    assert_int_equal(r->tcb->soft_error, resends >= 3 ? LA_ETIMEDOUT : LA_OK);
  }
  arrives(r, F_ACK, 1, 101);
  assert_int_equal(r->tcb->soft_error, LA_OK);
}

TEST(at_r2_the_connection_is_closed_and_that_takes_more_than_100_seconds)
{
  la_time from;

  established();
  user_sends(r, 100);
  from = r->t.now;
  while (r->tcb->state == TCP_ESTABLISHED && r->t.now - from < 3600 * LA_SEC)
    waits(r, LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
  assert_true(r->t.now - from > 100 * LA_SEC);
}

TEST(the_application_sets_how_long_is_too_long)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_USER_TIMEOUT_MS, 5000), LA_OK);
  user_sends(r, 100);
  rig_pump(r);
  waits(r, 4999 * LA_MS);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  waits(r, LA_MS);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
}

TEST(a_syn_is_tried_for_three_minutes_and_then_given_up)
{
  la_time from;

  rig_init(r);
  rig_connect(r);
  rig_pump(r);
  from = r->t.now;
  while (r->tcb->state == TCP_SYN_SENT && r->t.now - from < 3600 * LA_SEC)
    waits(r, LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
  assert_true(r->t.now - from >= 180 * LA_SEC);
  assert_int_equal(count_of("S 0"), 8);
}

/* ---- keep-alive ---- */

static void keeps_alive(int64_t idle_ms)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE, 1), LA_OK);
  if (idle_ms > 0)
    assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE_IDLE_MS, idle_ms), LA_OK);
}

TEST(keepalive_is_off_unless_the_application_asks)
{
  int64_t value = -1;

  established();
  assert_int_equal(tcp_get(&r->t, r->tcb, LA_OPT_KEEPALIVE, &value), LA_OK);
  assert_int_equal(value, 0);
  waits(r, 100000 * LA_SEC);
  says(r, "");
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE, 1), LA_OK);
  waits(r, 7200 * LA_SEC);
  assert_int_equal(count_of("A 0"), 1);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE, 0), LA_OK);
  waits(r, 100000 * LA_SEC);
  says(r, "");
}

TEST(the_interval_is_two_hours_unless_it_is_set)
{
  keeps_alive(0);
  waits(r, 7199 * LA_SEC);
  says(r, "");
  waits(r, LA_SEC);
  says(r, "A 0 1");
  keeps_alive(10000);
  waits(r, 9999 * LA_MS);
  says(r, "");
  waits(r, LA_MS);
  says(r, "A 0 1");
}

TEST(a_probe_is_sent_only_when_nothing_was_received_for_the_interval)
{
  keeps_alive(10000);
  for (uint32_t i = 0; i < 20; i++) {
    waits(r, 9 * LA_SEC);
    arrives(r, F_ACK, 1, 1);
    says(r, "");
  }
  waits(r, 10 * LA_SEC);
  says(r, "A 0 1");
}

/* SEG.SEQ = SND.NXT-1 and no text: what every TCP answers. */
TEST(a_probe_carries_no_text)
{
  keeps_alive(10000);
  waits(r, 10 * LA_SEC);
  assert_string_equal(r->said, "A 0 1");
  assert_null(strchr(r->said, '+'));
}

TEST(one_unanswered_probe_is_not_the_end_and_nine_are)
{
  keeps_alive(10000);
  waits(r, (10 + 8 * 75) * LA_SEC);
  assert_int_equal(count_of("A 0"), 9);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->tcb->probes, 0);
  rig_forget_said(r);
  waits(r, (75 + 9 * 75) * LA_SEC);               /* its timer looks again after an interval */
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
}

RUN(cmocka_unit_test(a_time_out_doubles_with_each_resend),
    cmocka_unit_test(slow_start_doubles_a_flight_and_congestion_avoidance_adds_a_segment),
    cmocka_unit_test(a_time_out_begins_anew_with_one_segment),
    cmocka_unit_test(no_sample_is_taken_from_what_was_sent_twice),
    cmocka_unit_test(from_r1_on_the_application_can_learn_of_the_trouble),
    cmocka_unit_test(at_r2_the_connection_is_closed_and_that_takes_more_than_100_seconds),
    cmocka_unit_test(the_application_sets_how_long_is_too_long),
    cmocka_unit_test(a_syn_is_tried_for_three_minutes_and_then_given_up),
    cmocka_unit_test(keepalive_is_off_unless_the_application_asks),
    cmocka_unit_test(the_interval_is_two_hours_unless_it_is_set),
    cmocka_unit_test(a_probe_is_sent_only_when_nothing_was_received_for_the_interval),
    cmocka_unit_test(a_probe_carries_no_text),
    cmocka_unit_test(one_unanswered_probe_is_not_the_end_and_nine_are))
