/* Opening: RFC 9293 3.5 and 3.10.7.2-3, options, queues, SYN cookies (RFC 4987). */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { ALL = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS };

/* With every option on, and a buffer that needs a scale. */
static void begin(void)
{
  struct tcp_settings set = rig_settings();

  set.no_timestamps = set.no_window_scale = set.no_sack = false;
  set.receive_buffer = 1 << 18;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options = (struct tcp_options){ .present = ALL, .mss = 1460, .wscale = 7, .ts_val = 77 };
}

static struct tcp_options syn_ack_to(struct tcp_options offered)
{
  rig_listen(r, 2);
  r->options = offered;
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  assert_true(r->out.flags == (F_SYN | F_ACK));
  return said_options(r);
}

/* ---- options ---- */

TEST(a_syn_offers_everything)
{
  begin();
  rig_connect(r);
  rig_forget_said(r);
  assert_int_equal(said_options(r).present, ALL);
  assert_int_equal(said_options(r).mss, 1460);
  assert_int_equal(said_options(r).wscale, 3);
}

TEST(what_is_switched_off_is_not_offered)
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  assert_int_equal(said_options(r).present, TCP_OPT_MSS);
}

/* RFC 7323 2.2 and 3.2, RFC 2018 2: a SYN,ACK answers only what was offered. */
TEST(a_syn_ack_has_only_what_the_syn_offered)
{
  for (unsigned offered = 0; offered < 16; offered++) {
    begin();
    r->options.present = (uint8_t)offered;
    assert_int_equal(syn_ack_to(r->options).present, offered | TCP_OPT_MSS);
  }
}

TEST(what_is_switched_off_is_not_accepted)
{
  begin();
  r->t.set.no_timestamps = r->t.set.no_window_scale = r->t.set.no_sack = true;
  assert_int_equal(syn_ack_to(r->options).present, TCP_OPT_MSS);
  assert_int_equal(r->tcb->flags & (TCB_TS | TCB_SACK | TCB_WSCALE), 0);
}

/* LA_OPT_NO_OPTIONS. */
TEST(a_socket_without_options_neither_says_nor_hears_of_any)
{
  begin();
  rig_listen(r, 2);
  assert_int_equal(tcp_set(&r->t, r->listener, LA_OPT_NO_OPTIONS, 1), LA_OK);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  assert_int_equal(r->out.options_length, 0);
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->tcb->flags & (TCB_TS | TCB_SACK | TCB_WSCALE), 0);
  assert_int_equal(r->tcb->mss, 536);
}

TEST(an_active_opener_uses_only_what_was_answered)
{
  for (unsigned answered = 0; answered < 16; answered++) {
    begin();
    rig_connect(r);
    rig_pump(r);
    r->options.present = (uint8_t)answered;
    arrives(r, F_SYN | F_ACK, 0, 1);
    assert_int_equal(!!(r->tcb->flags & TCB_TS), !!(answered & TCP_OPT_TS));
    assert_int_equal(!!(r->tcb->flags & TCB_SACK), !!(answered & TCP_OPT_SACK_OK));
    assert_int_equal(r->tcb->snd_wscale, answered & TCP_OPT_WSCALE ? 7 : 0);
    assert_int_equal(r->tcb->rcv_wscale, answered & TCP_OPT_WSCALE ? 3 : 0);
  }
}

TEST(a_repeated_syn_offers_the_same)
{
  begin();
  rig_connect(r);
  rig_forget_said(r);
  waits(r, LA_SEC);
  says(r, "S 0");
  assert_int_equal(said_options(r).present, ALL);
}

TEST(an_mss_of_zero_or_next_to_nothing_still_lets_text_go)
{
  static const uint16_t sizes[] = { 0, 1, 7, 8, 12, 20 };

  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    begin();
    r->options.mss = sizes[i];
    rig_established(r, false);
    assert_true(r->tcb->mss >= 8);
    user_sends(r, 5);
    rig_forget_said(r);
    assert_int_equal(r->out.text, 5);
  }
}

/* ---- the SYN lost ---- */

/* MUST-23: three minutes. RFC 6298 5.5: each time twice as long. */
TEST(a_syn_is_sent_again_with_growing_pauses_for_three_minutes)
{
  static const int at_s[] = { 1, 3, 7, 15, 31, 63, 123 };
  la_time start;

  rig_init(r);
  rig_connect(r);
  says(r, "S 0");
  start = r->t.now;
  for (unsigned i = 0; i < sizeof at_s / sizeof *at_s; i++) {
    waits(r, start + at_s[i] * LA_SEC - LA_MS - r->t.now);
    says(r, "");
    waits(r, LA_MS);
    says(r, "S 0");
  }
  waits(r, start + 183 * LA_SEC - LA_MS - r->t.now);
  assert_int_equal(r->tcb->state, TCP_SYN_SENT);
  waits(r, LA_MS);
  says(r, "");
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_ETIMEDOUT);
  assert_int_equal(r->t.count[TCP_N_attempt_fails], 1);
}

TEST(a_syn_ack_that_nobody_answers_is_given_up_and_the_listener_is_unharmed)
{
  rig_init(r);
  rig_listen(r, 2);
  arrives(r, F_SYN, 0, 0);
  waits(r, 62 * LA_SEC);
  says(r, "SA 0 1; SA 0 1; SA 0 1; SA 0 1; SA 0 1; SA 0 1");
  waits(r, 2 * LA_SEC);
  rig_reap(r);
  assert_null(r->tcb);
  assert_int_equal(r->listener->state, TCP_LISTEN);
  assert_int_equal(r->listener->listener.half_opens, 0);
  assert_int_equal(r->t.half_opens, 0);
  arrives(r, F_SYN, 0, 0);
  assert_non_null(r->tcb);
}

TEST(a_syn_that_comes_again_is_answered_again_at_once)
{
  rig_init(r);
  rig_listen(r, 2);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  assert_int_equal(r->listener->listener.half_opens, 1);
}

/* ---- answers to our SYN: RFC 9293 3.10.7.3 ---- */

TEST(an_ack_of_what_was_not_sent_is_reset_and_the_attempt_goes_on)
{
  static const uint32_t wrong[] = { 0, 2, 0x80000001u };

  for (unsigned i = 0; i < 3; i++) {
    rig_init(r);
    rig_connect(r);
    rig_forget_said(r);
    arrives(r, F_SYN | F_ACK, 0, wrong[i]);
    refused_because(r, SYN_SENT_BAD_ACK);
    rig_pump(r);
    assert_int_equal(r->reply.flags, F_RST);
    assert_int_equal(r->reply.seq.n - r->tcb->snd.iss.n, wrong[i]);
    assert_int_equal(r->tcb->state, TCP_SYN_SENT);
  }
}

TEST(a_rst_with_a_wrong_ack_or_none_is_a_guess)
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_RST | F_ACK, 0, 2);
  refused_because(r, SYN_SENT_RST);
  arrives(r, F_RST, 0, 0);
  refused_because(r, SYN_SENT_RST);
  says(r, "");
  assert_int_equal(r->tcb->state, TCP_SYN_SENT);
}

TEST(a_rst_that_acknowledges_our_syn_refuses)
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_RST | F_ACK, 0, 1);
  refused_because(r, REFUSED);
  says(r, "");
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_EREFUSED);
}

TEST(an_ack_without_a_syn_is_waited_out)
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_ACK, 0, 1);
  refused_because(r, SYN_SENT_NO_SYN);
  arrives(r, F_FIN | F_PSH, 0, 0);
  refused_because(r, SYN_SENT_NO_SYN);
  says(r, "");
  assert_int_equal(r->tcb->state, TCP_SYN_SENT);
}

/* ---- text that comes with the handshake ---- */

TEST(text_in_the_syn_ack_is_kept)
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  arrives_with_text(r, F_SYN | F_ACK, 0, 1, 100);
  says(r, "A 1 101");
  user_reads(r, 1, 100);
}

TEST(a_fin_in_the_syn_ack_closes)
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  arrives_with_text(r, F_SYN | F_ACK | F_FIN, 0, 1, 10);
  says(r, "A 1 12");
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  user_reads(r, 1, 10);
}

/* RFC 9293 3.10.7.2: what comes with the SYN is kept and given to the user once ESTABLISHED. */
TEST(text_in_the_syn_is_kept_until_the_handshake_is_complete)
{
  uint8_t octets[100];

  rig_init(r);
  rig_listen(r, 2);
  arrives_with_text(r, F_SYN, 0, 0, 100);
  says(r, "SA 0 101");
  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, sizeof octets), -LA_EAGAIN);
  arrives(r, F_ACK, 101, 1);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_reads(r, 1, 100);
}

TEST(a_fin_in_the_syn_closes_once_the_handshake_is_complete)
{
  rig_init(r);
  rig_listen(r, 2);
  arrives_with_text(r, F_SYN | F_FIN, 0, 0, 10);
  rig_forget_said(r);
  assert_int_equal(r->tcb->state, TCP_SYN_RECEIVED);
  arrives_with_text(r, F_ACK | F_FIN, r->tcb->rcv.nxt.n - r->peer_isn, 1,
                    11 - (r->tcb->rcv.nxt.n - r->peer_isn));
  rig_forget_said(r);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_reads(r, 1, 10);
}

TEST(text_that_completes_the_handshake_is_taken)
{
  rig_init(r);
  rig_listen(r, 2);
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_reads(r, 1, 100);
}

TEST(text_sent_before_the_handshake_goes_when_it_is_complete)
{
  rig_init(r);
  rig_connect(r);
  user_sends(r, 100);
  says(r, "S 0");
  arrives(r, F_SYN | F_ACK, 0, 1);
  says(r, "PA 1+100 1");
}

/* ---- SYN-RECEIVED ---- */

TEST(a_wrong_ack_in_syn_received_is_reset)
{
  static const uint32_t wrong[] = { 0, 2 };

  for (unsigned i = 0; i < 2; i++) {
    rig_init(r);
    rig_in(r, TCP_SYN_RECEIVED, true);
    arrives(r, F_ACK, 1, wrong[i]);
    refused_because(r, ACK_NOT_OF_SYN);
    rig_pump(r);
    assert_int_equal(r->reply.flags, F_RST);
    assert_int_equal(r->tcb->state, TCP_SYN_RECEIVED);
  }
}

TEST(a_new_syn_drops_the_half_open_child_and_not_the_listener)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, true);
  arrives(r, F_SYN, 1, 0);
  refused_because(r, SYN_AGAIN);
  says(r, "");
  rig_reap(r);
  assert_null(r->tcb);
  assert_int_equal(r->listener->listener.half_opens, 0);
  assert_int_equal(r->listener->state, TCP_LISTEN);
}

TEST(a_rst_drops_the_half_open_child_and_not_the_listener)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, true);
  arrives(r, F_RST, 1, 0);
  says(r, "");
  rig_reap(r);
  assert_null(r->tcb);
  assert_int_equal(r->listener->state, TCP_LISTEN);
}

/* ---- simultaneous open, MUST-10 ---- */

TEST(the_syn_ack_of_a_simultaneous_open_may_be_lost)
{
  rig_init(r);
  rig_connect(r);
  says(r, "S 0");
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  waits(r, LA_SEC);
  says(r, "SA 0 1");
  arrives(r, F_SYN | F_ACK, 0, 1);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  says(r, "A 1 1");
  arrives(r, F_SYN | F_ACK, 0, 1); /* theirs came twice; ours, perhaps never */
  refused_because(r, OUT_OF_WINDOW);
  says(r, "A 1 1");
}

TEST(the_crossed_syn_with_a_wrong_ack_establishes_nothing)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, false);
  arrives(r, F_SYN | F_ACK, 0, 2);
  refused_because(r, OUT_OF_WINDOW);
  arrives(r, F_SYN | F_ACK, 0, 0);
  refused_because(r, OUT_OF_WINDOW);
  assert_int_equal(r->tcb->state, TCP_SYN_RECEIVED);
}

TEST(a_rst_in_a_simultaneous_open_refuses)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, false);
  arrives(r, F_RST, 1, 0);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->tcb->error, LA_EREFUSED);
}

TEST(a_new_syn_in_a_simultaneous_open_is_challenged)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, false);
  arrives(r, F_SYN, 1, 0);
  refused_because(r, SYN_IN_WINDOW);
  says(r, "A 1 1");
}

TEST(closing_in_a_simultaneous_open_sends_the_fin)
{
  rig_init(r);
  rig_in(r, TCP_SYN_RECEIVED, false);
  user_closes(r);
  says(r, "FA 1 1");
  arrives(r, F_ACK, 1, 2);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
}

/* ---- LISTEN: 3.10.7.2 ---- */

TEST(a_listener_ignores_a_rst_and_what_has_no_flags)
{
  rig_init(r);
  rig_listen(r, 2);
  arrives(r, F_RST, 0, 0);
  refused_because(r, LISTEN_RST);
  arrives(r, F_FIN | F_PSH, 0, 0);
  refused_because(r, LISTEN_NO_SYN);
  says(r, "");
  assert_null(r->tcb);
}

TEST(a_listener_resets_an_ack)
{
  rig_init(r);
  rig_listen(r, 2);
  arrives(r, F_ACK, 1, 4711);
  refused_because(r, LISTEN_ACK);
  says(r, "R 4711");
  arrives(r, F_SYN | F_ACK, 1, 4712);
  refused_because(r, LISTEN_ACK);
  says(r, "R 4712");
}

RUN(cmocka_unit_test(a_syn_offers_everything),
    cmocka_unit_test(what_is_switched_off_is_not_offered),
    cmocka_unit_test(a_syn_ack_has_only_what_the_syn_offered),
    cmocka_unit_test(what_is_switched_off_is_not_accepted),
    cmocka_unit_test(an_active_opener_uses_only_what_was_answered),
    cmocka_unit_test(a_repeated_syn_offers_the_same),
    cmocka_unit_test(an_mss_of_zero_or_next_to_nothing_still_lets_text_go),
    cmocka_unit_test(a_syn_is_sent_again_with_growing_pauses_for_three_minutes),
    cmocka_unit_test(a_syn_ack_that_nobody_answers_is_given_up_and_the_listener_is_unharmed),
    cmocka_unit_test(a_syn_that_comes_again_is_answered_again_at_once),
    cmocka_unit_test(an_ack_of_what_was_not_sent_is_reset_and_the_attempt_goes_on),
    cmocka_unit_test(a_rst_with_a_wrong_ack_or_none_is_a_guess),
    cmocka_unit_test(a_rst_that_acknowledges_our_syn_refuses),
    cmocka_unit_test(an_ack_without_a_syn_is_waited_out),
    cmocka_unit_test(text_in_the_syn_ack_is_kept), cmocka_unit_test(a_fin_in_the_syn_ack_closes),
    cmocka_unit_test(text_in_the_syn_is_kept_until_the_handshake_is_complete),
    cmocka_unit_test(a_fin_in_the_syn_closes_once_the_handshake_is_complete),
    cmocka_unit_test(text_that_completes_the_handshake_is_taken),
    cmocka_unit_test(text_sent_before_the_handshake_goes_when_it_is_complete),
    cmocka_unit_test(a_wrong_ack_in_syn_received_is_reset),
    cmocka_unit_test(a_new_syn_drops_the_half_open_child_and_not_the_listener),
    cmocka_unit_test(a_rst_drops_the_half_open_child_and_not_the_listener),
    cmocka_unit_test(the_syn_ack_of_a_simultaneous_open_may_be_lost),
    cmocka_unit_test(the_crossed_syn_with_a_wrong_ack_establishes_nothing),
    cmocka_unit_test(a_rst_in_a_simultaneous_open_refuses),
    cmocka_unit_test(a_new_syn_in_a_simultaneous_open_is_challenged),
    cmocka_unit_test(closing_in_a_simultaneous_open_sends_the_fin),
    cmocka_unit_test(a_listener_ignores_a_rst_and_what_has_no_flags),
    cmocka_unit_test(a_listener_resets_an_ack),
    cmocka_unit_test(a_socket_without_options_neither_says_nor_hears_of_any))
