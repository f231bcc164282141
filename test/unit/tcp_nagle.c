/* Small segments: Nagle's algorithm (RFC 9293 3.7.4, MUST-17), PSH (3.9.1.2), FIN. */
#include "support/tcp_one.h"

TEST(with_nothing_in_flight_a_single_octet_goes)
{
  established();
  user_sends(r, 1);
  says(r, "PA 1+1 1");
}

TEST(while_anything_is_in_flight_small_text_waits)
{
  established();
  user_sends(r, 1);
  rig_forget_said(r);
  for (int i = 0; i < 10; i++)
    user_sends(r, 10);
  says(r, "");
  acks(2);
  says(r, "PA 2+100 1");
}

TEST(a_partial_acknowledgment_does_not_let_it_go)
{
  established();
  user_sends(r, 2 * 1460);
  says(r, "A 1+1460 1; PA 1461+1460 1");
  user_sends(r, 10);
  says(r, "");
  acks(1461);
  says(r, "");
  acks(2921);
  says(r, "PA 2921+10 1");
}

TEST(full_segments_do_not_wait)
{
  established();
  user_sends(r, 1);
  rig_forget_said(r);
  user_sends(r, 1459);
  says(r, "");
  user_sends(r, 1);
  says(r, "PA 2+1460 1");
}

TEST(the_rest_behind_full_segments_waits)
{
  established();
  user_sends(r, 3000);
  says(r, "A 1+1460 1; A 1461+1460 1");
}

TEST(a_fin_behind_small_text_lets_both_go)
{
  established();
  user_sends(r, 3000);
  user_closes(r);
  says(r, "A 1+1460 1; A 1461+1460 1; FPA 2921+80 1");
}

TEST(a_fin_rides_on_the_last_segment)
{
  established();
  user_sends(r, 1460);
  user_closes(r);
  says(r, "FPA 1+1460 1");
}

TEST(a_fin_alone_does_not_wait)
{
  established();
  user_sends(r, 10);
  says(r, "PA 1+10 1");
  user_closes(r);
  says(r, "FA 11 1");
}

TEST(nodelay_lets_each_go_at_once)
{
  established();
  set(LA_OPT_NODELAY, 1);
  user_sends(r, 10);
  rig_pump(r);
  user_sends(r, 10);
  rig_pump(r);
  user_sends(r, 1470);
  says(r, "PA 1+10 1; PA 11+10 1; A 21+1460 1; PA 1481+10 1");
}

TEST(switching_it_on_lets_go_what_waits)
{
  established();
  user_sends(r, 10);
  rig_forget_said(r);
  user_sends(r, 10);
  says(r, "");
  set(LA_OPT_NODELAY, 1);
  says(r, "PA 11+10 1");
}

TEST(nodelay_still_respects_the_window)
{
  established();
  set(LA_OPT_NODELAY, 1);
  r->wnd = 15;
  acks(1);
  user_sends(r, 10);
  rig_pump(r);
  user_sends(r, 10);
  rig_pump(r);
  assert_true(tcp_flight(r->tcb) <= 15);
}

/* MUST-61: the last of what is queued. MUST-60: it waits for acknowledgments only. */
TEST(psh_stands_on_the_last_of_what_is_queued)
{
  established();
  user_sends(r, 1460);
  user_sends(r, 1460);
  user_sends(r, 1460);
  says(r, "A 1+1460 1; A 1461+1460 1; PA 2921+1460 1");
}

TEST(psh_stands_on_a_resend_as_it_stood_before)
{
  established();
  user_sends(r, 1470);
  user_closes(r);
  says(r, "A 1+1460 1; FPA 1461+10 1");
  acks(1461);
  waits(r, LA_SEC);
  assert_non_null(strstr(r->said, "FPA 1461+10 1"));
}

TEST(nagle_does_not_hold_back_a_resend)
{
  established();
  user_sends(r, 10);
  rig_forget_said(r);
  user_sends(r, 10);
  waits(r, 200 * LA_MS);
  assert_non_null(strstr(r->said, "A 1+10 1"));
}

/* Nagle counts a segment that has no room beside SACK blocks as full. */
TEST(a_segment_that_blocks_make_shorter_is_full)
{
  struct tcp_settings s = rig_settings();

  s.no_sack = false;
  rig_init_with(r, &s, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.present |= TCP_OPT_SACK_OK;
  rig_established(r, false);
  user_sends(r, 1);
  arrives_with_text(r, F_ACK, 101, 1, 10);
  rig_forget_said(r);
  user_sends(r, 1448);
  says(r, "PA 2+1448 1");
}

RUN(cmocka_unit_test(with_nothing_in_flight_a_single_octet_goes),
    cmocka_unit_test(while_anything_is_in_flight_small_text_waits),
    cmocka_unit_test(a_partial_acknowledgment_does_not_let_it_go),
    cmocka_unit_test(full_segments_do_not_wait),
    cmocka_unit_test(the_rest_behind_full_segments_waits),
    cmocka_unit_test(a_fin_behind_small_text_lets_both_go),
    cmocka_unit_test(a_fin_rides_on_the_last_segment),
    cmocka_unit_test(a_fin_alone_does_not_wait),
    cmocka_unit_test(nodelay_lets_each_go_at_once),
    cmocka_unit_test(switching_it_on_lets_go_what_waits),
    cmocka_unit_test(nodelay_still_respects_the_window),
    cmocka_unit_test(psh_stands_on_the_last_of_what_is_queued),
    cmocka_unit_test(psh_stands_on_a_resend_as_it_stood_before),
    cmocka_unit_test(nagle_does_not_hold_back_a_resend),
    cmocka_unit_test(a_segment_that_blocks_make_shorter_is_full))
