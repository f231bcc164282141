/* Pacing: text leaves in bursts of a millisecond or of two segments, each in its time; what is no
 * text does not wait. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1460, RATE = 1460000 };    /* octets per second: a segment in a millisecond */

static void established(void)
{
  rig_init(r);
  rig_established(r, true);
}

static void limited_to(int64_t rate)
{
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_PACING_RATE, rate), LA_OK);
}

TEST(a_rate_lets_two_segments_go_and_then_waits_for_their_time)
{
  established();
  limited_to(RATE);
  user_sends(r, 5 * MSS);
  says(r, "A 1+1460 1; A 1461+1460 1");
  assert_true(tcp_timer_runs(r->tcb, TCP_T_PACE));
  waits(r, LA_MS);
  says(r, "");
  waits(r, LA_MS);                            /* the second begins half a burst early */
  says(r, "A 2921+1460 1; A 4381+1460 1");
  waits(r, 2 * LA_MS);
  says(r, "PA 5841+1460 1");
}

TEST(the_stack_wakes_for_the_next_burst)
{
  la_time due;

  established();
  limited_to(RATE);
  user_sends(r, 3 * MSS);
  rig_forget_said(r);
  due = tcp_deadline(&r->t);
  assert_in_range(due - r->t.now, LA_MS, 2 * LA_MS);
  tcp_time(&r->t, due);
  says(r, "PA 2921+1460 1");
}

TEST(a_rate_holds_over_time)
{
  const la_time begin = (established(), r->t.now);
  uint64_t sent;

  r->wnd = 65535;
  limited_to(10 * RATE);
  for (int i = 0; i < 400; i++) {
    user_sends(r, 1000);
    waits(r, LA_MS / 4);
    arrives(r, F_ACK, 1, 1 + seq_span(r->tcb->snd.una, r->tcb->snd.nxt) +
                             (uint32_t)r->tcb->octets_acked);
    rig_forget_said(r);
  }
  sent = r->tcb->octets_sent;
  assert_true(sent <= 10 * RATE * (uint64_t)(r->t.now - begin) / LA_SEC + 3 * 14600);
  assert_true(sent > 350000);                 /* all of what was offered, 4 octets in a us */
}

TEST(a_run_is_no_longer_than_a_millisecond_of_the_rate)
{
  established();
  r->tcb->path.gso_max = 65000;
  limited_to(6 * 1024 * MSS);
  user_sends(r, 10 * MSS);
  says(r, "PA 1+8760/1460 1");
  waits(r, LA_MS);
  says(r, "PA 8761+5840/1460 1");
}

TEST(acknowledgments_do_not_wait)
{
  established();
  limited_to(1000);
  user_sends(r, 5 * MSS);
  rig_forget_said(r);
  arrives_with_text(r, F_ACK, 1, 1, 1460);
  arrives_with_text(r, F_ACK, 1461, 1, 1460);
  says(r, "A 2921 2921");
}

TEST(what_is_sent_again_is_paced_as_well)
{
  established();
  limited_to(RATE);
  user_sends(r, 2 * MSS);
  rig_forget_said(r);
  tcp_repair(&r->t, r->tcb, r->tcb->snd.una, r->tcb->snd.nxt);
  says(r, "");
  waits(r, 2 * LA_MS);
  says(r, "A 1+1460 1; PA 1461+1460 1");
}

TEST(what_a_time_out_sends_again_is_not_held_back)
{
  established();
  limited_to(1000);                           /* the next burst is due in three seconds */
  user_sends(r, 2 * MSS);
  rig_forget_said(r);
  waits(r, 300 * LA_MS);
  says(r, "A 1+1460 1");
}

TEST(without_a_pace_no_timer_runs)
{
  established();
  user_sends(r, 5 * MSS);
  rig_forget_said(r);
  assert_false(tcp_timer_runs(r->tcb, TCP_T_PACE));
  assert_int_equal(tcp_pacing_rate(r->tcb), 0);
}

TEST(a_limit_that_is_taken_away_lets_the_rest_go)
{
  established();
  limited_to(1000);
  user_sends(r, 3 * MSS);
  says(r, "A 1+1460 1; A 1461+1460 1");
  limited_to(0);
  says(r, "PA 2921+1460 1");
}

/* LA_OPT_PACING: twice the window in a round trip in slow start, 1.2 times it after. */
TEST(a_loss_based_control_is_paced_by_its_window)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_PACING, 1), LA_OK);
  r->tcb->rtt.srtt_us = 0;
  assert_int_equal(tcp_pacing_rate(r->tcb), 0);         /* no round trip is known */
  r->tcb->rtt.srtt_us = 100000;
  assert_int_equal(tcp_pacing_rate(r->tcb), 2 * 10 * r->tcb->cc.cwnd);
  r->tcb->cc.ssthresh = r->tcb->cc.cwnd;
  assert_int_equal(tcp_pacing_rate(r->tcb), 12 * r->tcb->cc.cwnd);
  limited_to(5000);
  assert_int_equal(tcp_pacing_rate(r->tcb), 5000);
}

TEST(a_super_packet_holds_a_millisecond_or_what_is_set_and_half_of_cwnd_at_most)
{
  established();
  r->t.set.gso_segments = 2;
  r->tcb->path.gso_max = 65000;
  r->tcb->rtt.srtt_us = 100000;
  user_sends(r, 5 * MSS);
  says(r, "PA 1+2920/1460 1; PA 2921+2920/1460 1; PA 5841+1460 1");
  arrives(r, F_ACK, 1, 5 * MSS + 1);
  r->tcb->cc.cwnd = 10 * MSS;
  r->tcb->rtt.srtt_us = 100; /* a millisecond holds all of cwnd, and more */
  user_sends(r, 10 * MSS);
  says(r, "PA 7301+7300/1460 1; PA 14601+7300/1460 1");
}

RUN(cmocka_unit_test(a_rate_lets_two_segments_go_and_then_waits_for_their_time),
    cmocka_unit_test(the_stack_wakes_for_the_next_burst),
    cmocka_unit_test(a_rate_holds_over_time),
    cmocka_unit_test(a_run_is_no_longer_than_a_millisecond_of_the_rate),
    cmocka_unit_test(acknowledgments_do_not_wait),
    cmocka_unit_test(what_is_sent_again_is_paced_as_well),
    cmocka_unit_test(what_a_time_out_sends_again_is_not_held_back),
    cmocka_unit_test(without_a_pace_no_timer_runs),
    cmocka_unit_test(a_limit_that_is_taken_away_lets_the_rest_go),
    cmocka_unit_test(a_loss_based_control_is_paced_by_its_window),
    cmocka_unit_test(a_super_packet_holds_a_millisecond_or_what_is_set_and_half_of_cwnd_at_most))
