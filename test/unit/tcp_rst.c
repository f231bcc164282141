/* RST: RFC 9293 3.5.2-3 and 3.10.5, RFC 5961 3 to 5 and 7, RFC 1122 4.2.2.13, RFC 2525 2.17. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static uint32_t their_next(void) { return r->tcb->rcv.nxt.n - r->peer_isn; }
static uint32_t our_next(void) { return r->tcb->snd.nxt.n - r->tcb->snd.iss.n; }

static void in(enum tcp_state s)
{
  rig_init(r);
  rig_in(r, s, s != TCP_SYN_SENT);
}

static bool is_synced(unsigned s) { return tcp_state_is(s, TCP_SYNCED) && s != TCP_TIME_WAIT; }

/* ---- a RST arrives: RFC 5961 3.2 ---- */

TEST(the_exact_next_number_resets_in_every_state_but_time_wait)
{
  for (unsigned s = TCP_SYN_RECEIVED; s < TCP_STATE_COUNT; s++) {
    if (s == TCP_TIME_WAIT)
      continue;
    in((enum tcp_state)s);
    arrives(r, F_RST, their_next(), 0);
    refused_because(r, RST_ACCEPTED);
    assert_int_equal(r->tcb->state, TCP_CLOSED);
    says(r, "");
  }
}

TEST(elsewhere_in_the_window_it_is_challenged)
{
  for (unsigned s = TCP_SYN_RECEIVED; s < TCP_STATE_COUNT; s++) {
    const uint32_t ahead[] = { 1, 1000, 16383 };

    if (s != TCP_SYN_RECEIVED && !is_synced(s))
      continue;
    for (unsigned i = 0; i < 3; i++) {
      in((enum tcp_state)s);
      arrives(r, F_RST, their_next() + (ahead[i] < r->tcb->rcv.wnd ? ahead[i] : 1), 0);
      refused_because(r, RST_NOT_EXACT);
      assert_int_equal(r->tcb->state, s);
      rig_pump(r);
      assert_int_equal(r->out.flags, F_ACK);
      assert_int_equal(r->out.seq.n, r->tcb->snd.nxt.n);
      assert_int_equal(r->out.ack.n, r->tcb->rcv.nxt.n);
    }
  }
}

TEST(outside_the_window_it_is_dropped_without_a_word)
{
  for (unsigned s = TCP_SYN_RECEIVED; s < TCP_STATE_COUNT; s++) {
    if (s != TCP_SYN_RECEIVED && !is_synced(s))
      continue;
    in((enum tcp_state)s);
    arrives(r, F_RST, their_next() - 1, 0);
    refused_because(r, RST_OUT_OF_WINDOW);
    arrives(r, F_RST, their_next() + r->tcb->rcv.wnd, 0);
    refused_because(r, RST_OUT_OF_WINDOW);
    says(r, "");
    assert_int_equal(r->tcb->state, s);
  }
}

TEST(the_flags_beside_a_rst_mean_nothing)
{
  for (unsigned flags = 0; flags < 64; flags++) {
    if (!(flags & F_RST))
      continue;
    in(TCP_ESTABLISHED);
    arrives(r, flags, their_next(), 77777);
    assert_int_equal(r->tcb->state, TCP_CLOSED);
    says(r, "");
  }
}

/* RFC 9293 3.10.7.4 second: what was to be sent or put in order is gone, and calls are answered
 * "reset", once the text that came before it has been read. */
TEST(a_reset_flushes_its_queues_and_is_told_behind_the_text_that_came_before_it)
{
  uint8_t octet;

  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  arrives_with_text(r, F_ACK, 201, 1, 100);
  user_sends(r, 100);
  rig_forget_said(r);
  arrives(r, F_RST, 101, 0);
  assert_int_equal(r->tcb->tx.octets + r->tcb->island_octets, 0);
  user_reads(r, 1, 100);
  assert_int_equal(tcp_recv(&r->t, r->tcb, &octet, 1), -LA_ERESET);
  assert_int_equal(tcp_send(&r->t, r->tcb, &octet, 1, TCP_SEND_PLAIN), -LA_ERESET);
  assert_true(r->tcb->events & 1u << LA_EV_CLOSED);
  assert_int_equal(r->t.count[TCP_N_established_resets], 1);
}

TEST(a_reset_with_nothing_left_to_lose_is_no_error)
{
  in(TCP_LAST_ACK);
  arrives(r, F_RST, their_next(), 0);
  assert_int_equal(r->tcb->error, LA_OK);
}

/* ---- a SYN, RFC 5961 4.2; an ACK, 5.2 ---- */

TEST(a_syn_is_challenged_wherever_it_lies)
{
  const int32_t where[] = { 0, 1, 5000, 16383, -1, -1000, 16384, 1 << 30 };

  for (unsigned s = TCP_ESTABLISHED; s < TCP_STATE_COUNT; s++) {
    if (!is_synced(s))
      continue;
    for (unsigned i = 0; i < sizeof where / sizeof *where; i++) {
      in((enum tcp_state)s);
      arrives(r, F_SYN, their_next() + (uint32_t)where[i], 0);
      assert_int_equal(r->tcb->state, s);
      rig_pump(r);
      assert_int_equal(r->out.flags, F_ACK);
      assert_int_equal(r->out.ack.n, r->tcb->rcv.nxt.n);
      assert_int_equal(r->t.count[TCP_N_resets_out], 0);
    }
  }
}

/* RFC 9293 3.5.1, figure 9: it answers the challenge with a RST, which is exact. */
TEST(a_peer_that_restarted_gets_through_after_its_own_rst)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_SYN, 4000, 0);
  says(r, "A 1 1");
  arrives(r, F_RST, 1, 0);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

TEST(an_ack_of_what_was_not_sent_is_challenged)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 2, 10);
  refused_because(r, ACK_OF_UNSENT);
  says(r, "A 1 1");
  assert_int_equal(r->tcb->rx.octets, 0);
}

TEST(an_ack_older_than_the_largest_window_is_challenged_and_a_younger_one_is_not)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, (uint32_t)-RIG_WND, 10);
  refused_because(r, ACK_TOO_OLD);
  says(r, "A 1 1");
  arrives_with_text(r, F_ACK, 1, (uint32_t)-RIG_WND + 1, 10);
  assert_int_equal(r->last.code, V_NEXT);
  assert_int_equal(r->tcb->rx.octets, 10);
}

TEST(a_segment_without_ack_is_dropped_without_a_word)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_PSH, 1, 0, 10);
  refused_because(r, NO_ACK);
  says(r, "");
  assert_int_equal(r->tcb->rx.octets, 0);
}

static uint64_t challenged(unsigned segments)
{
  const uint64_t before = r->t.count[TCP_N_challenges_out];

  waits(r, LA_SEC - r->t.now % LA_SEC);
  for (unsigned i = 0; i < segments; i++) {
    arrives(r, F_RST, their_next() + 1, 0);
    rig_forget_said(r);
  }
  return r->t.count[TCP_N_challenges_out] - before;
}

/* RFC 5961 7 */
TEST(challenges_are_limited_in_each_second)
{
  in(TCP_ESTABLISHED);
  for (int second = 0; second < 20; second++)
    assert_in_range(challenged(300), 50, 100);
  assert_true(r->t.count[TCP_N_challenges_limited] >= 20 * 200);
}

/* A budget that were the same each second would tell a stranger how much of it another connection
 * has used (CVE-2016-5696). */
TEST(nobody_can_know_how_many_challenges_a_second_has)
{
  uint64_t first;
  unsigned others = 0;

  in(TCP_ESTABLISHED);
  first = challenged(300);
  for (int second = 0; second < 50; second++)
    others += challenged(300) != first;
  assert_true(others > 40);
}

TEST(one_challenge_a_second_is_always_allowed)
{
  in(TCP_ESTABLISHED);
  r->t.challenge_rate.per_second = 1;
  for (int second = 0; second < 20; second++)
    assert_int_equal(challenged(5), 1);
}

TEST(answers_to_syns_are_limited_wherever_these_lie)
{
  in(TCP_ESTABLISHED);
  waits(r, LA_SEC - r->t.now % LA_SEC);
  for (uint32_t i = 0; i < 200; i++)
    arrives(r, F_SYN, i * 100000, 0);
  assert_in_range(r->t.count[TCP_N_challenges_out], 50, 100);
  assert_in_range(r->t.count[TCP_N_challenges_limited], 100, 150);
}

TEST(a_limit_on_challenges_does_not_limit_acknowledgments_of_text)
{
  in(TCP_ESTABLISHED);
  r->t.challenge_rate.per_second = 0;
  arrives_with_text(r, F_ACK, (uint32_t)-100, 1, 10);
  says(r, "A 1 1");
}

/* Two ends that disagree about numbers answer each other's empty ACKs: no storm. */
TEST(an_argument_of_empty_acks_dies_down)
{
  in(TCP_ESTABLISHED);
  waits(r, LA_SEC - r->t.now % LA_SEC);
  for (int i = 0; i < 500; i++)
    arrives(r, F_ACK, (uint32_t)-100, 1);
  assert_in_range(r->t.count[TCP_N_challenges_out], 50, 100);
}

/* ---- RSTs that we send to no one's segments: 3.10.7.1 ---- */

TEST(a_closed_port_answers_with_the_segments_own_numbers)
{
  rig_init(r);
  arrives(r, F_ACK, 10, 20);
  refused_because(r, CLOSED_PORT);
  says(r, "R 20");
  arrives_with_text(r, F_FIN, 10, 0, 5);
  says(r, "RA 0 16");
  arrives(r, F_SYN, 10, 0);
  says(r, "RA 0 11");
  arrives(r, F_SYN | F_ACK, 10, 30);
  says(r, "R 30");
}

TEST(no_rst_is_ever_answered)
{
  rig_init(r);
  arrives(r, F_RST, 10, 0);
  refused_because(r, CLOSED_RST);
  arrives(r, F_RST | F_ACK, 10, 5);
  refused_because(r, CLOSED_RST);
  says(r, "");
}

TEST(rsts_are_limited_in_each_second)
{
  rig_init(r);
  r->t.reset_rate.per_second = 2;
  for (int i = 0; i < 5; i++) {
    arrives(r, F_ACK, 10, 20);
    rig_pump(r);
  }
  assert_int_equal(r->t.count[TCP_N_resets_out], 2);
  assert_int_equal(r->t.count[TCP_N_resets_limited], 3);
}

TEST(a_full_ring_of_replies_loses_the_newest)
{
  rig_init(r);
  for (uint32_t i = 0; i < 10; i++)
    arrives(r, F_ACK, 0, 100 + i);
  says(r, "R 100; R 101; R 102; R 103; R 104; R 105; R 106; R 107");
  assert_int_equal(r->t.count[TCP_N_replies_lost], 2);
}

/* ---- ABORT: 3.10.5 ---- */

TEST(abort_tells_the_peer_where_there_is_something_to_tell)
{
  static const bool tells[TCP_STATE_COUNT] = {
    [TCP_SYN_RECEIVED] = true, [TCP_ESTABLISHED] = true, [TCP_FIN_WAIT_1] = true,
    [TCP_FIN_WAIT_2] = true, [TCP_CLOSE_WAIT] = true,
  };

  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    uint32_t next;

    in((enum tcp_state)s);
    next = r->tcb->snd.nxt.n;
    tcp_abort(&r->t, r->tcb);
    assert_int_equal(r->tcb->state, TCP_CLOSED);
    rig_pump(r);
    assert_int_equal(r->said_length > 0, tells[s]);
    if (tells[s]) {
      assert_int_equal(r->reply.flags, F_RST | F_ACK);
      assert_int_equal(r->reply.seq.n, next);
    }
    rig_reap(r);
    assert_null(r->tcb);
  }
}

TEST(abort_throws_away_what_was_queued)
{
  in(TCP_ESTABLISHED);
  user_sends(r, 10000);
  tcp_abort(&r->t, r->tcb);
  says(r, "RA 1 1");
}

/* LINGER of 0 makes letting go an abort. */
TEST(linger_of_zero_resets)
{
  for (unsigned s = TCP_ESTABLISHED; s <= TCP_CLOSE_WAIT; s++) {
    in((enum tcp_state)s);
    assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_LINGER_MS, 0), LA_OK);
    tcp_forget(&r->t, r->tcb);
    assert_int_equal(r->tcb->state, TCP_CLOSED);
    rig_pump(r);
    assert_int_equal(r->reply.flags, F_RST | F_ACK);
  }
}

TEST(linger_of_zero_does_not_disturb_time_wait)
{
  in(TCP_TIME_WAIT);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_LINGER_MS, 0), LA_OK);
  tcp_forget(&r->t, r->tcb);
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  says(r, "");
}

/* RFC 2525 2.17 */
TEST(letting_go_of_unread_text_resets)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  tcp_forget(&r->t, r->tcb);
  says(r, "RA 1 11");
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 100, 1, 10);      /* an island is unread text as well */
  tcp_forget(&r->t, r->tcb);
  says(r, "RA 1 1");
}

TEST(letting_go_of_a_connection_that_was_read_closes_it)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  user_reads(r, 1, 10);
  tcp_forget(&r->t, r->tcb);
  says(r, "FA 1 11");
}

/* RFC 1122 4.2.2.13 */
TEST(text_for_nobody_is_answered_with_a_reset)
{
  const enum tcp_state states[] = { TCP_FIN_WAIT_1, TCP_FIN_WAIT_2 };

  for (unsigned i = 0; i < 2; i++) {
    in(states[i]);
    tcp_forget(&r->t, r->tcb);
    arrives_with_text(r, F_ACK, 1, our_next(), 10);
    refused_because(r, NOBODY_READS);
    assert_int_equal(r->tcb->state, TCP_CLOSED);
    rig_pump(r);
    assert_int_equal(r->reply.flags, F_RST | F_ACK);
  }
}

TEST(a_bare_fin_for_nobody_is_an_ordinary_close)
{
  in(TCP_FIN_WAIT_2);
  tcp_forget(&r->t, r->tcb);
  arrives(r, F_FIN | F_ACK, 1, 2);
  says(r, "A 2 2");
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
}

TEST(old_text_for_nobody_is_no_loss)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  user_reads(r, 1, 10);
  rig_forget_said(r);
  tcp_forget(&r->t, r->tcb);
  rig_forget_said(r);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_1);
}

RUN(cmocka_unit_test(the_exact_next_number_resets_in_every_state_but_time_wait),
    cmocka_unit_test(elsewhere_in_the_window_it_is_challenged),
    cmocka_unit_test(outside_the_window_it_is_dropped_without_a_word),
    cmocka_unit_test(the_flags_beside_a_rst_mean_nothing),
    cmocka_unit_test(a_reset_flushes_its_queues_and_is_told_behind_the_text_that_came_before_it),
    cmocka_unit_test(a_reset_with_nothing_left_to_lose_is_no_error),
    cmocka_unit_test(a_syn_is_challenged_wherever_it_lies),
    cmocka_unit_test(a_peer_that_restarted_gets_through_after_its_own_rst),
    cmocka_unit_test(an_ack_of_what_was_not_sent_is_challenged),
    cmocka_unit_test(an_ack_older_than_the_largest_window_is_challenged_and_a_younger_one_is_not),
    cmocka_unit_test(a_segment_without_ack_is_dropped_without_a_word),
    cmocka_unit_test(challenges_are_limited_in_each_second),
    cmocka_unit_test(nobody_can_know_how_many_challenges_a_second_has),
    cmocka_unit_test(one_challenge_a_second_is_always_allowed),
    cmocka_unit_test(answers_to_syns_are_limited_wherever_these_lie),
    cmocka_unit_test(a_limit_on_challenges_does_not_limit_acknowledgments_of_text),
    cmocka_unit_test(an_argument_of_empty_acks_dies_down),
    cmocka_unit_test(a_closed_port_answers_with_the_segments_own_numbers),
    cmocka_unit_test(no_rst_is_ever_answered),
    cmocka_unit_test(rsts_are_limited_in_each_second),
    cmocka_unit_test(a_full_ring_of_replies_loses_the_newest),
    cmocka_unit_test(abort_tells_the_peer_where_there_is_something_to_tell),
    cmocka_unit_test(abort_throws_away_what_was_queued),
    cmocka_unit_test(linger_of_zero_resets),
    cmocka_unit_test(linger_of_zero_does_not_disturb_time_wait),
    cmocka_unit_test(letting_go_of_unread_text_resets),
    cmocka_unit_test(letting_go_of_a_connection_that_was_read_closes_it),
    cmocka_unit_test(text_for_nobody_is_answered_with_a_reset),
    cmocka_unit_test(a_bare_fin_for_nobody_is_an_ordinary_close),
    cmocka_unit_test(old_text_for_nobody_is_no_loss))
