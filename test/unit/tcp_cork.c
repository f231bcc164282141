/* What an application says of text that is to follow: LA_OPT_CORK, la_tcp_send_more, and Nagle's
 * rule as Minshall has it (RFC 9293 3.7.4, 3.8.6.2.1, 3.9.1.2). */
#include "support/tcp_one.h"

static void user_sends_more(uint32_t n)
{
  static uint8_t octets[16384];

  assert_int_equal(tcp_send(&r->t, r->tcb, octets, n, TCP_SEND_MORE), n);
}

TEST(corked_text_waits_for_a_full_segment)
{
  established();
  set(LA_OPT_CORK, 1);
  user_sends(r, 1000);
  says(r, "");
  user_sends(r, 1000);
  says(r, "A 1+1460 1");
}

TEST(the_cork_drawn_lets_the_rest_go)
{
  established();
  set(LA_OPT_CORK, 1);
  user_sends(r, 40);
  user_sends(r, 40);
  says(r, "");
  set(LA_OPT_CORK, 0);
  says(r, "PA 1+80 1");
}

TEST(nodelay_lets_go_once_what_the_cork_holds)
{
  established();
  set(LA_OPT_CORK, 1);
  user_sends(r, 40);
  set(LA_OPT_NODELAY, 1);
  says(r, "PA 1+40 1");
  acks(41);
  user_sends(r, 40);
  says(r, "");
}

TEST(an_acknowledgment_does_not_draw_the_cork)
{
  established();
  set(LA_OPT_CORK, 1);
  user_sends(r, 1470);
  says(r, "A 1+1460 1");
  acks(1461);
  says(r, "");
}

TEST(corked_text_waits_an_rto_at_most)
{
  established();
  set(LA_OPT_CORK, 1);
  user_sends(r, 40);
  waits(r, 199 * LA_MS);
  says(r, "");
  waits(r, 2 * LA_MS);
  says(r, "PA 1+40 1");
  assert_int_equal(r->tcb->probes, 0);
  assert_int_equal(r->t.count[TCP_N_window_probes], 0);
}

TEST(a_window_too_small_for_corked_text_is_used_all_the_same)
{
  established();
  set(LA_OPT_CORK, 1);
  r->wnd = 200;
  acks(1);
  user_sends(r, 300);
  says(r, "");
  waits(r, 201 * LA_MS);                      /* RFC 9293 3.8.6.2.1 (4) */
  says(r, "A 1+200 1");
}

TEST(a_fin_draws_the_cork)
{
  established();
  set(LA_OPT_CORK, 1);
  user_sends(r, 40);
  user_closes(r);
  says(r, "FPA 1+40 1");
}

TEST(more_to_follow_holds_though_there_is_no_delay)
{
  established();
  set(LA_OPT_NODELAY, 1);
  user_sends_more(40);
  says(r, "");
  user_sends(r, 5);
  says(r, "PA 1+45 1");
}

TEST(more_to_follow_is_not_pushed)
{
  established();
  user_sends_more(1460);
  says(r, "A 1+1460 1");
  user_sends_more(10);
  acks(1461);                                 /* any ACK lets the rest go, */
  says(r, "A 1461+10 1");
  user_sends_more(10);
  acks(1471);
  says(r, "A 1471+10 1");
  acks(1481);
  user_sends(r, 10);                          /* and the end of it all is pushed */
  says(r, "PA 1481+10 1");
}

TEST(more_that_never_follows_is_waited_for_an_rto)
{
  established();
  user_sends_more(40);
  waits(r, 201 * LA_MS);
  says(r, "PA 1+40 1");
}

TEST(the_limit_of_a_cork_holds_after_a_time_out_of_our_syn)
{
  rig_init(r);
  rig_connect(r);
  waits(r, LA_SEC);                           /* the RTO is 3 s then: RFC 6298 5.7 */
  arrives(r, F_SYN | F_ACK, 0, 1);
  rig_forget_said(r);
  user_sends_more(40);
  waits(r, LA_SEC);
  says(r, "PA 1+40 1");
}

TEST(minshall_lets_a_small_rest_follow_full_segments)
{
  established();
  rig_habits(r)->minshall = true;
  user_sends(r, 3000);
  says(r, "A 1+1460 1; A 1461+1460 1; PA 2921+80 1");
  user_sends(r, 10);                          /* one small segment at a time */
  says(r, "");
  acks(2921);
  says(r, "");
  acks(3001);
  says(r, "PA 3001+10 1");
}

TEST(minshall_remembers_no_small_segment_of_long_ago)
{
  established();
  rig_habits(r)->minshall = true;
  user_sends(r, 10);
  rig_forget_said(r);
  acks(11);
  user_sends(r, 1460);
  says(r, "PA 11+1460 1");
  acks(1471);
  assert_true(seq_eq(r->tcb->snd.small, r->tcb->snd.una));
}

RUN(cmocka_unit_test(corked_text_waits_for_a_full_segment),
    cmocka_unit_test(the_cork_drawn_lets_the_rest_go),
    cmocka_unit_test(nodelay_lets_go_once_what_the_cork_holds),
    cmocka_unit_test(an_acknowledgment_does_not_draw_the_cork),
    cmocka_unit_test(corked_text_waits_an_rto_at_most),
    cmocka_unit_test(a_window_too_small_for_corked_text_is_used_all_the_same),
    cmocka_unit_test(a_fin_draws_the_cork),
    cmocka_unit_test(more_to_follow_holds_though_there_is_no_delay),
    cmocka_unit_test(more_to_follow_is_not_pushed),
    cmocka_unit_test(more_that_never_follows_is_waited_for_an_rto),
    cmocka_unit_test(the_limit_of_a_cork_holds_after_a_time_out_of_our_syn),
    cmocka_unit_test(minshall_lets_a_small_rest_follow_full_segments),
    cmocka_unit_test(minshall_remembers_no_small_segment_of_long_ago))
