/* RFC 9293 3.4.1, 3.5, 3.6, 3.8.6.3: initial numbers, opening, closing, acknowledging. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

/* The next event that it has for the application; LA_EVENT_COUNT: none. */
static bool told(enum la_event_kind kind)
{
  uint8_t events;

  while (tcp_notified(&r->t, &events))
    if (events & 1u << kind)
      return true;
  return false;
}

/* ---- initial sequence numbers ---- */

TEST(a_clock_of_four_microseconds_drives_the_initial_numbers)
{
  tcp_seq first;

  rig_init(r);
  first = tcp_isn(&r->t, &r->ends);
  tcp_time(&r->t, r->t.now + 4 * 1000 * 1000);
  assert_int_equal(seq_diff(tcp_isn(&r->t, &r->ends), first), 1000);
}

TEST(each_pair_of_ends_has_numbers_of_its_own_and_a_key_decides_which)
{
  struct tcp_settings set = rig_settings();
  struct ends other;
  tcp_seq mine;

  rig_init(r);
  other = r->ends;
  other.peer_port++;
  mine = tcp_isn(&r->t, &r->ends);
  assert_int_not_equal(mine.n, tcp_isn(&r->t, &other).n);
  set.secret[0] ^= 1;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->t.now = (la_time)1000 * LA_SEC;
  other = r->ends;
  mine = tcp_isn(&r->t, &other);
  rig_init(r);
  r->t.now = (la_time)1000 * LA_SEC;
  assert_int_not_equal(mine.n, tcp_isn(&r->t, &other).n);
}

/* ---- opening ---- */

TEST(syn_received_knows_whether_it_came_from_listen)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, true);
  arrives(r, F_RST, 1, 0);                        /* back to LISTEN: the listener is unharmed */
  assert_int_equal(r->listener->state, TCP_LISTEN);
  assert_false(told(LA_EV_CLOSED));
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, false);
  arrives(r, F_RST, 1, 0);                        /* back to CLOSED: "connection refused" */
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_EREFUSED);
  assert_true(told(LA_EV_CLOSED));
}

TEST(a_second_listener_disturbs_no_connection)
{
  struct tcb *first;

  rig_init(r);
  rig_established(r, true);
  first = r->tcb;
  rig_listen(r, 4);                               /* the same port; stack/ judges names */
  user_sends(r, 10);
  says(r, "PA 1+10 1");
  arrives_with_text(r, F_ACK, 1, 11, 20);
  assert_ptr_equal(r->tcb, first);
  assert_int_equal(first->state, TCP_ESTABLISHED);
  user_reads(r, 1, 20);
}

TEST(a_listener_listens_while_connections_of_its_port_are_half_open)
{
  struct tcb *first;

  rig_init(r);
  rig_listen(r, 4);
  arrives(r, F_SYN, 0, 0);
  first = r->tcb;
  assert_int_equal(first->state, TCP_SYN_RECEIVED);
  assert_int_equal(r->listener->state, TCP_LISTEN);
  rig_forget_said(r);
  r->tcb = NULL;
  r->ends.peer_port++;                            /* somebody else, meanwhile */
  arrives(r, F_SYN, 0, 0);
  assert_ptr_not_equal(r->tcb, first);
  assert_int_equal(r->tcb->state, TCP_SYN_RECEIVED);
}

/* ---- closing ---- */

TEST(a_reset_is_told_as_a_reset_and_a_close_as_a_close)
{
  rig_init(r);
  rig_established(r, false);
  arrives(r, F_RST, 1, 0);
  assert_true(told(LA_EV_CLOSED));
  assert_int_equal(r->tcb->error, LA_ERESET);
  rig_init(r);
  rig_in(r, TCP_LAST_ACK, false);
  arrives(r, F_ACK, 2, 2);
  assert_true(told(LA_EV_CLOSED));
  assert_int_equal(r->tcb->error, LA_OK);
}

TEST(a_reset_may_carry_text)
{
  rig_init(r);
  rig_established(r, false);
  arrives_with_text(r, F_RST | F_ACK, 1, 1, 30);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ERESET);
}

TEST(close_goes_on_receiving_and_letting_go_does_not)
{
  rig_init(r);
  rig_established(r, false);
  user_closes(r);
  says(r, "FA 1 1");
  arrives_with_text(r, F_ACK, 1, 2, 50);
  user_reads(r, 1, 50);
  rig_init(r);
  rig_established(r, false);
  tcp_forget(&r->t, r->tcb);
  says(r, "FA 1 1");
  arrives_with_text(r, F_ACK, 1, 2, 50);
  refused_because(r, NOBODY_READS);
  rig_pump(r);
  assert_non_null(strchr(r->said, 'R'));
}

TEST(letting_go_of_unread_text_says_so_with_a_reset)
{
  rig_init(r);
  rig_established(r, false);
  arrives_with_text(r, F_ACK, 1, 1, 50);
  rig_forget_said(r);
  tcp_forget(&r->t, r->tcb);
  rig_pump(r);
  assert_non_null(strchr(r->said, 'R'));
  assert_null(strchr(r->said, 'F'));
}

TEST(time_wait_lasts_2_msl_and_anew_when_the_fin_comes_again)
{
  rig_init(r);
  rig_in(r, TCP_TIME_WAIT, false);
  waits(r, 59 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  arrives(r, F_FIN | F_ACK, 1, 2);
  says(r, "A 2 2");
  waits(r, 59 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  waits(r, LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

static void time_wait_with_timestamps(void)
{
  struct tcp_settings set = rig_settings();

  set.no_timestamps = false;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.present |= TCP_OPT_TS;
  r->options.ts_val = 500;
  rig_in(r, TCP_TIME_WAIT, false);
}

TEST(a_newer_syn_may_end_time_wait_and_timestamps_decide)
{
  time_wait_with_timestamps();
  r->options.ts_val = 400;
  arrives(r, F_SYN, 100000, 0);                   /* higher numbers, older time */
  refused_because(r, TIME_WAIT_SYN);
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  r->options.ts_val = 501;
  arrives(r, F_SYN, 5000, 0);
  refused_because(r, TIME_WAIT_REUSED);
  rig_init(r);
  rig_in(r, TCP_TIME_WAIT, false);
  arrives(r, F_SYN, 1, 0);                        /* without timestamps, numbers decide */
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  arrives(r, F_SYN, 100000, 0);
  refused_because(r, TIME_WAIT_REUSED);
}

/* ---- acknowledging ---- */

TEST(an_acknowledgment_waits_less_than_half_a_second)
{
  rig_init(r);
  rig_established(r, false);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  says(r, "");
  waits(r, 40 * LA_MS);
  says(r, "A 1 101");
}

TEST(every_second_full_segment_is_acknowledged_at_once)
{
  rig_init(r);
  rig_established(r, false);
  for (uint32_t seq = 1; seq < 12000; seq += 2920) {
    char want[32];

    arrives_with_text(r, F_ACK, seq, 1, 1460);
    says(r, "");
    arrives_with_text(r, F_ACK, seq + 1460, 1, 1460);
    snprintf(want, sizeof want, "A 1 %u", seq + 2920);
    says(r, want);
  }
}

TEST(one_acknowledgment_answers_all_that_has_arrived)
{
  rig_init(r);
  rig_established(r, false);
  for (uint32_t seq = 1; seq < 8 * 1460; seq += 1460)
    arrives_with_text(r, F_ACK, seq, 1, 1460);
  says(r, "A 1 11681");
}

TEST(segments_out_of_order_are_kept_and_answered_at_once)
{
  rig_init(r);
  rig_established(r, false);
  arrives_with_text(r, F_ACK, 101, 1, 100);
  says(r, "A 1 1");
  arrives_with_text(r, F_ACK, 201, 1, 100);
  says(r, "A 1 1");
  arrives_with_text(r, F_ACK, 1, 1, 100);
  rig_pump(r);
  assert_non_null(strstr(r->said, "A 1 301"));
  user_reads(r, 1, 300);
}

/* RFC 5961 5: the receiver of such a segment has never offered a window that it could fit. */
TEST(an_ack_older_than_any_window_is_refused)
{
  rig_init(r);
  rig_established(r, false);
  arrives_with_text(r, F_ACK, 1, 1 - (RIG_WND + 1u), 10);
  refused_because(r, ACK_TOO_OLD);
  assert_int_equal(r->tcb->rx.octets, 0);
}

RUN(cmocka_unit_test(a_clock_of_four_microseconds_drives_the_initial_numbers),
    cmocka_unit_test(each_pair_of_ends_has_numbers_of_its_own_and_a_key_decides_which),
    cmocka_unit_test(syn_received_knows_whether_it_came_from_listen),
    cmocka_unit_test(a_second_listener_disturbs_no_connection),
    cmocka_unit_test(a_listener_listens_while_connections_of_its_port_are_half_open),
    cmocka_unit_test(a_reset_is_told_as_a_reset_and_a_close_as_a_close),
    cmocka_unit_test(a_reset_may_carry_text),
    cmocka_unit_test(close_goes_on_receiving_and_letting_go_does_not),
    cmocka_unit_test(letting_go_of_unread_text_says_so_with_a_reset),
    cmocka_unit_test(time_wait_lasts_2_msl_and_anew_when_the_fin_comes_again),
    cmocka_unit_test(a_newer_syn_may_end_time_wait_and_timestamps_decide),
    cmocka_unit_test(an_acknowledgment_waits_less_than_half_a_second),
    cmocka_unit_test(every_second_full_segment_is_acknowledged_at_once),
    cmocka_unit_test(one_acknowledgment_answers_all_that_has_arrived),
    cmocka_unit_test(segments_out_of_order_are_kept_and_answered_at_once),
    cmocka_unit_test(an_ack_older_than_any_window_is_refused))
