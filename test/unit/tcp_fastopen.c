/* tcp_fastopen: RFC 7413, the server's side - cookies, text in a SYN, and connections that are open
 * before their handshake has ended. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

/* A listener that allows `pending` of them. */
static void begin(uint16_t pending)
{
  rig_init(r);
  r->t.set.habits.fastopen = pending;
  rig_listen(r, 4);
}

/* The SYN's option; no octets: it asks for a cookie. */
static void syn_has(const struct tcp_cookie *cookie)
{
  r->options.present |= TCP_OPT_FASTOPEN;
  r->options.cookie = *cookie;
}

static struct tcp_cookie good(void) { return tcp_fastopen_cookie(&r->t, r->listener, &r->ends); }

static void opens_fast(uint32_t text)
{
  const struct tcp_cookie cookie = good();

  syn_has(&cookie);
  arrives_with_text(r, F_SYN, 0, 0, text);
  r->options.present &= (uint8_t)~TCP_OPT_FASTOPEN;
}

static struct tcb *syn_from(uint16_t port, const struct tcp_cookie *cookie)
{
  struct ends ends = r->ends;
  struct tcp_seg seg = rig_seg(r, F_SYN, 0, 0, 0);
  struct tcb *child;

  ends.peer_port = port;
  syn_has(cookie);
  r->last = tcp_arrive_listen(&r->t, r->listener, &ends, 0, &r->path, &seg, &child);
  r->options.present &= (uint8_t)~TCP_OPT_FASTOPEN;
  return child;
}

static bool said_cookie(struct tcp_cookie *cookie)
{
  const struct tcp_options o = said_options(r);

  *cookie = o.cookie;
  return (o.present & TCP_OPT_FASTOPEN) != 0;
}

/* 4.2.1. */
TEST(a_request_is_answered_with_a_cookie_in_the_syn_ack)
{
  struct tcp_cookie cookie = { .length = 0 }, given;

  begin(2);
  syn_has(&cookie);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  assert_true(said_cookie(&given));
  cookie = good();
  assert_int_equal(given.length, 8);
  assert_int_equal(given.experimental, 0);
  assert_memory_equal(given.octets, cookie.octets, 8);
  assert_int_equal(r->listener->listener.fastopens, 0);
}

TEST(an_answer_is_in_the_kind_of_the_request)
{
  const struct tcp_cookie asks = { .experimental = 1 };
  struct tcp_cookie given;

  begin(2);
  syn_has(&asks);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  assert_true(said_cookie(&given));
  assert_int_equal(given.experimental, 1);
}

/* Linux's vectors: SipHash-2-4 of the client's address and ours. */
TEST(a_cookie_is_what_a_linux_host_with_the_same_key_makes)
{
  static const uint8_t key[16] = { 0xf7, 0x63, 0xbf, 0xa0, 0x81, 0x3d, 0x80, 0xed,
                                   0x30, 0x1d, 0x64, 0xcd, 0x90, 0x4a, 0xbc, 0xce };
  static const uint8_t us[4] = { 192, 168, 0, 2 }, them[4] = { 10, 248, 0, 2 };
  static const uint8_t wanted[8] = { 0x00, 0xab, 0xaa, 0xab, 0xe8, 0xe9, 0x54, 0xc2 };
  struct ends ends = { ip_addr_of4(us), ip_addr_of4(them), 80, 1 };
  struct tcp_cookie cookie;

  begin(1);
  assert_int_equal(tcp_fastopen_key(&r->t, NULL, key, sizeof key), LA_OK);
  cookie = tcp_fastopen_cookie(&r->t, r->listener, &ends);
  assert_memory_equal(cookie.octets, wanted, sizeof wanted);
}

/* 4.2.2: text goes to the application, and its answer back, before the handshake has ended. */
TEST(text_behind_a_good_cookie_is_read_and_answered_before_the_handshake_ends)
{
  begin(2);
  opens_fast(10);
  says(r, "SA 0 11");
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  assert_int_equal(r->tcb->state, TCP_SYN_RECEIVED);
  user_reads(r, 1, 10);
  user_sends(r, 100);
  says(r, "PA 1+100 11");
  arrives(r, F_ACK, 11, 101);
  says(r, "");
  story_is(r, "CLOSED OPEN_PASSIVE LISTEN RCV_SYN SYN-RECEIVED RCV_ACK_OF_SYN ESTABLISHED");
}

TEST(a_good_cookie_without_text_opens_at_once_too)
{
  begin(1);
  opens_fast(0);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_sends(r, 5);
  says(r, "SA 0 1; PA 1+5 1");
  assert_int_equal(r->tcb->flags & TCB_SYN_TEXT, 0);
}

TEST(a_whole_initial_window_may_go_before_the_syn_is_acknowledged)
{
  begin(1);
  opens_fast(1);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_sends(r, 16000);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), 1 + 10 * 1460);
}

/* 4.2.2: the ACK tells the client that its text was not taken. */
TEST(a_bad_cookie_gets_a_new_one_and_its_text_is_left_to_be_repeated)
{
  struct tcp_cookie cookie, given;

  begin(2);
  cookie = good();
  cookie.octets[7] ^= 1;
  syn_has(&cookie);
  arrives_with_text(r, F_SYN, 0, 0, 10);
  refused_because(r, FASTOPEN_BAD_COOKIE);
  says(r, "SA 0 1");
  assert_true(said_cookie(&given));
  cookie = good();
  assert_memory_equal(given.octets, cookie.octets, 8);
  assert_null(tcp_accept(&r->t, r->listener));
  r->options.present = TCP_OPT_MSS;
  arrives_with_text(r, F_ACK, 1, 1, 10);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_reads(r, 1, 10);
}

TEST(a_cookie_of_every_wrong_length_is_a_bad_one)
{
  for (uint8_t length = 4; length <= 16; length += 2) {
    struct tcp_cookie cookie;

    if (length == 8)
      continue;
    begin(2);
    cookie = good();
    cookie.length = length;
    syn_has(&cookie);
    arrives(r, F_SYN, 0, 0);
    refused_because(r, FASTOPEN_BAD_COOKIE);
    assert_int_equal(r->listener->listener.fastopens, 0);
  }
}

TEST(text_beside_a_request_is_left_to_be_repeated)
{
  const struct tcp_cookie asks = { .length = 0 };

  begin(2);
  syn_has(&asks);
  arrives_with_text(r, F_SYN, 0, 0, 10);
  refused_because(r, SYN_TEXT);
  says(r, "SA 0 1");
}

/* 4.1.2: the key that was there before a change is good as long as it is kept. */
TEST(a_cookie_of_the_key_before_is_good_and_is_replaced)
{
  uint8_t keys[32] = { 1 };
  struct tcp_cookie given, now;

  begin(2);
  assert_int_equal(tcp_fastopen_key(&r->t, NULL, keys, 16), LA_OK);
  syn_has(&(struct tcp_cookie){ .length = 0 });
  r->options.cookie = good();
  memcpy(keys + 16, keys, 16);
  keys[0] = 2;
  assert_int_equal(tcp_fastopen_key(&r->t, NULL, keys, 32), LA_OK);
  arrives_with_text(r, F_SYN, 0, 0, 10);
  says(r, "SA 0 11");
  now = good();
  assert_true(said_cookie(&given));
  assert_memory_equal(given.octets, now.octets, 8);
}

TEST(a_listener_may_have_keys_of_its_own_until_it_is_closed)
{
  const uint8_t key[16] = { 9 };
  struct tcp_cookie of_all, own;

  begin(2);
  of_all = good();
  assert_int_equal(tcp_fastopen_key(&r->t, r->listener, key, 16), LA_OK);
  own = good();
  assert_memory_not_equal(of_all.octets, own.octets, 8);
  assert_int_equal(tcp_fastopen_key(&r->t, r->listener, key, 15), -LA_EINVAL);
  assert_int_equal(tcp_close(&r->t, r->listener), LA_OK);
  own = good();
  assert_memory_equal(of_all.octets, own.octets, 8);
}

TEST(seven_listeners_may_have_keys_and_the_eighth_is_told)
{
  const uint8_t key[16] = { 9 };
  struct tcb *tcb[8];

  begin(2);
  for (unsigned i = 0; i < 7; i++) {
    assert_non_null(tcb[i] = tcp_tcb_new(&r->t));
    assert_int_equal(tcp_fastopen_key(&r->t, tcb[i], key, 16), LA_OK);
  }
  assert_int_equal(tcp_fastopen_key(&r->t, r->listener, key, 16), -LA_ENOROOM);
  assert_int_equal(tcp_fastopen_key(&r->t, tcb[3], key, 16), LA_OK);
  tcp_abort(&r->t, tcb[3]);
  rig_reap(r);
  assert_int_equal(tcp_fastopen_key(&r->t, r->listener, key, 16), LA_OK);
}

/* 5.1. */
TEST(no_more_are_pending_than_the_listener_allows)
{
  struct tcp_cookie cookie;
  struct tcb *first, *second;

  begin(1);
  cookie = good();
  first = syn_from(1, &cookie);
  assert_int_equal(r->listener->listener.fastopens, 1);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), first);  /* accepted, and pending all the same */
  second = syn_from(2, &cookie);
  refused_because(r, FASTOPEN_FULL);
  assert_null(tcp_accept(&r->t, r->listener));
  assert_int_equal(second->flags & (TCB_FASTOPEN | TCB_FASTOPEN_COOKIE), 0);
  rig_forget_said(r);
  r->tcb = first;
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(first->state, TCP_ESTABLISHED);
  assert_int_equal(r->listener->listener.fastopens, 0);
  assert_null(tcp_parent(first));
  rig_reap(r);
  tcp_abort(&r->t, first);
  rig_reap(r);
  assert_non_null(syn_from(3, &cookie));
  assert_int_equal(r->listener->listener.fastopens, 1);
}

TEST(one_that_was_closed_before_its_handshake_ended_is_pending_until_then)
{
  begin(1);
  opens_fast(0);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  tcp_forget(&r->t, r->tcb);
  says(r, "SA 0 1; FA 1 1");
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_1);
  assert_int_equal(r->listener->listener.fastopens, 1);
  arrives(r, F_ACK, 1, 2);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
  assert_int_equal(r->listener->listener.fastopens, 0);
}

TEST(without_need_of_cookies_every_syn_with_text_is_believed)
{
  begin(1);
  assert_int_equal(tcp_set(&r->t, r->listener, LA_OPT_FASTOPEN_NO_COOKIE, 1), LA_OK);
  arrives_with_text(r, F_SYN, 0, 0, 10);
  says(r, "SA 0 11");
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_reads(r, 1, 10);
}

TEST(a_listener_without_fast_open_passes_over_the_option)
{
  struct tcp_cookie cookie;

  rig_init(r);
  r->t.set.habits.no_syn_text = true;
  rig_listen(r, 4);
  cookie = good();
  syn_has(&cookie);
  arrives_with_text(r, F_SYN, 0, 0, 10);
  refused_because(r, SYN_TEXT);
  says(r, "SA 0 1");
  assert_false(said_cookie(&cookie));
}

/* 4.2.2 and Linux: what is sent again is plain. */
TEST(a_syn_ack_that_is_sent_again_has_no_cookie_and_brings_no_text_along)
{
  const struct tcp_cookie asks = { .length = 0 };
  struct tcp_cookie given;

  begin(1);
  syn_has(&asks);
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  waits(r, LA_SEC);
  says(r, "SA 0 1");
  assert_false(said_cookie(&given));

  begin(1);
  opens_fast(10);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_sends(r, 10);
  says(r, "SA 0 11; PA 1+10 11");
  waits(r, LA_SEC);
  says(r, "SA 0 11");
  arrives(r, F_ACK, 11, 1);
  says(r, "PA 1+10 11");
}

TEST(the_same_syn_again_is_answered_by_the_syn_ack_alone)
{
  struct tcp_cookie cookie;

  begin(1);
  opens_fast(10);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_sends(r, 10);
  rig_forget_said(r);
  cookie = good();
  syn_has(&cookie);
  arrives_with_text(r, F_SYN, 0, 0, 10);
  refused_because(r, OUT_OF_WINDOW);
  says(r, "SA 0 11");
  arrives(r, F_ACK, 11, 11);
  says(r, "");
  assert_int_equal(r->tcb->rx.octets, 10);
}

/* RFC 9293 3.10.7.4 fourth would go back to LISTEN; an application has it already. */
TEST(another_syn_in_its_window_is_challenged)
{
  begin(1);
  opens_fast(10);
  rig_forget_said(r);
  arrives(r, F_SYN, 20, 0);
  refused_because(r, SYN_IN_WINDOW);
  says(r, "A 1 11");
  assert_int_equal(r->tcb->state, TCP_SYN_RECEIVED);
}

TEST(a_fin_behind_the_text_of_a_syn_is_taken_when_the_handshake_ends)
{
  begin(1);
  opens_fast(0);
  rig_init(r);
  r->t.set.habits.fastopen = 1;
  rig_listen(r, 1);
  r->options = (struct tcp_options){ .present = TCP_OPT_MSS | TCP_OPT_FASTOPEN, .mss = 1460 };
  r->options.cookie = good();
  arrives_with_text(r, F_SYN | F_FIN, 0, 0, 10);
  says(r, "SA 0 11");
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  user_reads(r, 1, 10);
  r->options.present = TCP_OPT_MSS;
  arrives(r, F_ACK | F_FIN, 11, 1);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  says(r, "A 1 12");
}

TEST(a_fin_that_ends_the_handshake_closes_the_peers_side)
{
  begin(1);
  opens_fast(10);
  rig_forget_said(r);
  arrives(r, F_FIN | F_ACK, 11, 1);
  says(r, "A 1 12");
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  user_reads(r, 1, 10);
}

TEST(one_that_was_reset_before_it_was_accepted_gives_its_text_and_then_the_error)
{
  uint8_t octets[4];

  begin(1);
  opens_fast(10);
  rig_forget_said(r);
  arrives(r, F_RST | F_ACK, 11, 1);
  refused_because(r, RST_ACCEPTED);
  rig_reap(r);
  assert_int_equal(r->listener->listener.fastopens, 1);     /* a stranger may have sent the RST */
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  assert_int_equal(r->listener->listener.fastopens, 0);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  user_reads(r, 1, 10);
  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, sizeof octets), -LA_ERESET);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 1, false), -LA_ERESET);
  tcp_forget(&r->t, r->tcb);
  rig_reap(r);
  assert_null(r->tcb);
}

TEST(one_that_was_reset_without_text_leaves_the_queue)
{
  begin(1);
  opens_fast(0);
  rig_forget_said(r);
  arrives(r, F_RST | F_ACK, 1, 1);
  rig_reap(r);
  assert_null(tcp_accept(&r->t, r->listener));
  assert_int_equal(r->listener->listener.fastopens, 0);
}

TEST(closing_the_listener_resets_what_waits_and_leaves_what_was_accepted)
{
  struct tcp_cookie cookie;
  struct tcb *first;

  begin(3);
  cookie = good();
  first = syn_from(1, &cookie);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), first);
  assert_non_null(r->tcb = syn_from(2, &cookie));
  rig_forget_said(r);
  tcp_forget(&r->t, r->listener);
  says(r, "RA 1 1");
  assert_int_equal(first->state, TCP_SYN_RECEIVED);
  assert_null(tcp_parent(first));
  r->listener = NULL;
  rig_reap(r);
  r->tcb = first;
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(first->state, TCP_ESTABLISHED);
}

TEST(closing_the_listener_forgets_a_reset_one_whose_text_nobody_read)
{
  begin(1);
  opens_fast(10);
  rig_forget_said(r);
  arrives(r, F_RST | F_ACK, 11, 1);
  tcp_forget(&r->t, r->listener);
  says(r, "");
  rig_reap(r);
  assert_int_equal(r->t.tcbs.used, 0);
}

/* RFC 2525 2.17. */
TEST(closing_with_unread_text_of_the_syn_resets)
{
  begin(1);
  opens_fast(10);
  rig_forget_said(r);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  tcp_forget(&r->t, r->tcb);
  says(r, "RA 1 11");
}

TEST(a_flood_that_has_filled_the_half_open_queue_is_answered_by_syn_cookies)
{
  struct tcp_cookie cookie;
  const struct tcp_cookie asks = { .length = 0 };

  begin(4);
  assert_non_null(syn_from(1, &asks));
  assert_non_null(syn_from(2, &asks));
  cookie = good();
  assert_null(syn_from(3, &cookie));
  refused_because(r, SYN_COOKIE_SENT);
  rig_pump(r);
  assert_int_equal(replied_options(r).present & TCP_OPT_FASTOPEN, 0);
}

RUN(cmocka_unit_test(a_request_is_answered_with_a_cookie_in_the_syn_ack),
    cmocka_unit_test(an_answer_is_in_the_kind_of_the_request),
    cmocka_unit_test(a_cookie_is_what_a_linux_host_with_the_same_key_makes),
    cmocka_unit_test(text_behind_a_good_cookie_is_read_and_answered_before_the_handshake_ends),
    cmocka_unit_test(a_good_cookie_without_text_opens_at_once_too),
    cmocka_unit_test(a_whole_initial_window_may_go_before_the_syn_is_acknowledged),
    cmocka_unit_test(a_bad_cookie_gets_a_new_one_and_its_text_is_left_to_be_repeated),
    cmocka_unit_test(a_cookie_of_every_wrong_length_is_a_bad_one),
    cmocka_unit_test(text_beside_a_request_is_left_to_be_repeated),
    cmocka_unit_test(a_cookie_of_the_key_before_is_good_and_is_replaced),
    cmocka_unit_test(a_listener_may_have_keys_of_its_own_until_it_is_closed),
    cmocka_unit_test(seven_listeners_may_have_keys_and_the_eighth_is_told),
    cmocka_unit_test(no_more_are_pending_than_the_listener_allows),
    cmocka_unit_test(one_that_was_closed_before_its_handshake_ended_is_pending_until_then),
    cmocka_unit_test(without_need_of_cookies_every_syn_with_text_is_believed),
    cmocka_unit_test(a_listener_without_fast_open_passes_over_the_option),
    cmocka_unit_test(a_syn_ack_that_is_sent_again_has_no_cookie_and_brings_no_text_along),
    cmocka_unit_test(the_same_syn_again_is_answered_by_the_syn_ack_alone),
    cmocka_unit_test(another_syn_in_its_window_is_challenged),
    cmocka_unit_test(a_fin_behind_the_text_of_a_syn_is_taken_when_the_handshake_ends),
    cmocka_unit_test(a_fin_that_ends_the_handshake_closes_the_peers_side),
    cmocka_unit_test(one_that_was_reset_before_it_was_accepted_gives_its_text_and_then_the_error),
    cmocka_unit_test(one_that_was_reset_without_text_leaves_the_queue),
    cmocka_unit_test(closing_the_listener_resets_what_waits_and_leaves_what_was_accepted),
    cmocka_unit_test(closing_the_listener_forgets_a_reset_one_whose_text_nobody_read),
    cmocka_unit_test(closing_with_unread_text_of_the_syn_resets),
    cmocka_unit_test(a_flood_that_has_filled_the_half_open_queue_is_answered_by_syn_cookies))
