/* Urgent text: RFC 9293 3.8.5 and RFC 6093: it stays in line, and the application is told where it
 * ends. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static void established(void)
{
  rig_init(r);
  rig_established(r, false);
}

static void urgent_comes(uint32_t seq, uint32_t n, uint16_t up)
{
  r->up = up;
  arrives_with_text(r, F_ACK | F_URG, seq, 1, n);
}

static uint32_t rcv_up(void) { return r->tcb->rcv.up.n - r->peer_isn; }
static bool told(void) { return (r->tcb->flags & TCB_URGENT) != 0; }

static void user_sends_urgent(uint32_t n)
{
  static const uint8_t octets[1024];

  assert_int_equal(tcp_send(&r->t, r->tcb, octets, n, TCP_SEND_URGENT), n);
}

/* ---- sending ---- */

/* MUST-62: the pointer shows the octet behind the urgent text. */
TEST(the_pointer_shows_the_octet_behind_the_last_urgent_one)
{
  established();
  user_sends_urgent(10);
  says(r, "PAU 1+10 1");
  assert_int_equal(r->out.up, 10);
}

TEST(urgent_text_behind_other_text_is_announced_by_all_that_goes_before)
{
  established();
  user_sends(r, 1460);
  user_sends_urgent(10);
  rig_pump(r);
  assert_string_equal(r->said, "AU 1+1460 1");
  assert_int_equal(r->out.up, 1470);
}

/* Each piece of a run has the header of the whole, so the pointer would be wrong in all but the
 * first: no runs while something is urgent. */
TEST(no_run_of_segments_carries_an_urgent_pointer)
{
  established();
  r->tcb->path.gso_max = 64000;
  user_sends(r, 2920);
  user_sends_urgent(10);
  says(r, "AU 1+1460 1; AU 1461+1460 1");
  assert_int_equal(r->out.up, 1470);
}

TEST(what_is_acknowledged_is_urgent_no_more)
{
  established();
  user_sends_urgent(10);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, 11);
  user_sends(r, 5);
  says(r, "PA 11+5 1");
}

TEST(urgent_text_that_is_sent_again_is_still_urgent)
{
  established();
  user_sends_urgent(10);
  rig_forget_said(r);
  waits(r, LA_SEC);
  assert_non_null(strstr(r->said, "PAU 1+10 1"));
}

/* MUST-62 and the keep-alive, which stands one octet before SND.UNA. */
TEST(a_keepalive_is_not_urgent)
{
  established();
  user_sends(r, 10);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, 11);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE, 1), LA_OK);
  waits(r, 7200 * LA_SEC);
  says(r, "A 10 1");
}

TEST(what_did_not_fit_is_not_announced_before_it_is_queued)
{
  static uint8_t octets[20000];

  established();
  r->wnd = 0;
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_URGENT), 16384);
  assert_true(seq_le(r->tcb->snd.up, r->tcb->snd.una));
}

/* ---- receiving ---- */

TEST(urgent_text_stays_in_line_and_is_read_like_any_other)
{
  established();
  urgent_comes(1, 20, 10);
  assert_int_equal(rcv_up(), 11);
  assert_true(told());
  user_reads(r, 1, 20);
  assert_false(told());
}

/* MUST-32: told when it is announced, though the text itself is yet to come. */
TEST(the_announcement_is_told_before_the_text_comes)
{
  uint8_t events = 0;

  established();
  while (tcp_notified(&r->t, &events) != NULL)
    continue;
  urgent_comes(1, 0, 100);
  assert_ptr_equal(tcp_notified(&r->t, &events), r->tcb);
  assert_true(events & 1u << LA_EV_READABLE);
  assert_true(told());
}

TEST(the_mark_stands_until_the_last_urgent_octet_is_read)
{
  established();
  urgent_comes(1, 20, 10);
  user_reads(r, 1, 9);
  assert_true(told());
  user_reads(r, 10, 1);
  assert_false(told());
}

TEST(the_mark_only_moves_forward)
{
  established();
  urgent_comes(1, 20, 20);
  assert_int_equal(rcv_up(), 21);
  urgent_comes(21, 20, 0);
  assert_int_equal(rcv_up(), 21);
  urgent_comes(41, 20, 15);
  assert_int_equal(rcv_up(), 56);
}

/* The pointer counts from the number in the header, whatever of the segment was here before. */
TEST(the_pointer_counts_from_the_segments_own_number)
{
  established();
  arrives_with_text(r, F_ACK, 1, 1, 10);
  urgent_comes(1, 20, 15);
  assert_int_equal(rcv_up(), 16);
}

TEST(a_pointer_to_what_was_already_read_is_no_news)
{
  established();
  arrives_with_text(r, F_ACK, 1, 1, 10);
  user_reads(r, 1, 10);
  urgent_comes(1, 20, 5);
  assert_false(told());
  user_reads(r, 11, 10);
  urgent_comes(21, 10, 0);
  assert_false(told());
}

TEST(the_mark_crosses_the_wrap)
{
  established();                              /* the peer's numbers wrap at its sixth octet */
  urgent_comes(1, 3, 60000);
  assert_int_equal(rcv_up(), 60001);
  for (uint32_t seq = 4; seq < 60001; seq += 1000) {
    arrives_with_text(r, F_ACK, seq, 1, 1000);
    assert_true(told());
    (void)!tcp_consume(&r->t, r->tcb, r->tcb->rx.octets);
    rig_forget_said(r);
  }
  assert_false(told());
}

TEST(nothing_is_urgent_after_the_peers_fin)
{
  established();
  arrives(r, F_FIN | F_ACK, 1, 1);
  urgent_comes(2, 0, 100);
  assert_false(told());
}

TEST(without_the_flag_the_field_means_nothing)
{
  struct tcp_seg seg;

  established();
  seg = rig_seg(r, F_ACK, 1, 1, 0);
  seg.up = 100;
  (void)tcp_arrive(&r->t, r->tcb, &seg);
  assert_false(told());
}

RUN(cmocka_unit_test(the_pointer_shows_the_octet_behind_the_last_urgent_one),
    cmocka_unit_test(urgent_text_behind_other_text_is_announced_by_all_that_goes_before),
    cmocka_unit_test(no_run_of_segments_carries_an_urgent_pointer),
    cmocka_unit_test(what_is_acknowledged_is_urgent_no_more),
    cmocka_unit_test(urgent_text_that_is_sent_again_is_still_urgent),
    cmocka_unit_test(a_keepalive_is_not_urgent),
    cmocka_unit_test(what_did_not_fit_is_not_announced_before_it_is_queued),
    cmocka_unit_test(urgent_text_stays_in_line_and_is_read_like_any_other),
    cmocka_unit_test(the_announcement_is_told_before_the_text_comes),
    cmocka_unit_test(the_mark_stands_until_the_last_urgent_octet_is_read),
    cmocka_unit_test(the_mark_only_moves_forward),
    cmocka_unit_test(the_pointer_counts_from_the_segments_own_number),
    cmocka_unit_test(a_pointer_to_what_was_already_read_is_no_news),
    cmocka_unit_test(the_mark_crosses_the_wrap),
    cmocka_unit_test(nothing_is_urgent_after_the_peers_fin),
    cmocka_unit_test(without_the_flag_the_field_means_nothing))
