/* tcp_fastopen_client: RFC 7413, the client's side - what the SYN asks for and carries, what
 * becomes of it, and what is remembered of servers. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static const struct tcp_cookie first_cookie = { .length = 8, .octets = { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const struct tcp_cookie second_cookie = { .length = 4, .octets = { 9, 8, 7, 6 } };

static void begin(void)
{
  struct tcp_settings set = rig_settings();

  set.fastopen_cookies = 8;
  set.fastopen_refused = 600 * LA_SEC;
  set.habits.fastopen_connect = true;
  set.no_sack = false;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
}

static void answers_with(const struct tcp_cookie *cookie)
{
  r->options.present = TCP_OPT_MSS | TCP_OPT_SACK_OK | (cookie ? TCP_OPT_FASTOPEN : 0);
  if (cookie)
    r->options.cookie = *cookie;
}

static void ends(void)
{
  r->options.present = TCP_OPT_MSS;
  rig_forget_said(r);
  tcp_abort(&r->t, r->tcb);
  rig_forget_said(r);
  rig_reap(r);
  assert_null(r->tcb);
  r->ends.local_port++;
}

/* A connection that has brought this cookie. */
static void has_cookie(const struct tcp_cookie *cookie)
{
  begin();
  rig_connect(r);
  rig_forget_said(r);
  answers_with(cookie);
  arrives(r, F_SYN | F_ACK, 0, 1);
  ends();
}

/* The next connection, with n octets queued before its SYN. */
static void connects_with(uint32_t n)
{
  rig_connect(r);
  if (n > 0)
    user_sends(r, n);
}

static void said_cookie(const struct tcp_cookie *want)
{
  const struct tcp_options o = said_options(r);

  assert_int_equal((o.present & TCP_OPT_FASTOPEN) != 0, want != NULL);
  if (!want)
    return;
  assert_int_equal(o.cookie.length, want->length);
  assert_int_equal(o.cookie.experimental, want->experimental);
  assert_memory_equal(o.cookie.octets, want->octets, want->length);
}

static const struct tcp_cookie asks = { .length = 0 };

TEST(without_a_cookie_the_syn_asks_for_one_and_text_waits)
{
  begin();
  connects_with(100);
  says(r, "S 0");
  said_cookie(&asks);
  answers_with(&first_cookie);
  arrives(r, F_SYN | F_ACK, 0, 1);
  says(r, "PA 1+100 1");
  assert_memory_equal(tcp_fastopen_peer(&r->t, 0)->cookie.octets, first_cookie.octets, 8);
}

TEST(with_a_cookie_the_syn_carries_text)
{
  has_cookie(&first_cookie);
  connects_with(100);
  says(r, "S 0+100");
  said_cookie(&first_cookie);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 101);
  says(r, "A 101 1");
  assert_int_equal(r->tcb->flags & TCB_SYN_TEXT, TCB_SYN_TEXT);
  assert_int_equal(r->t.count[TCP_N_fastopen_active], 1);
}

TEST(without_the_option_nothing_of_it_is_done)
{
  has_cookie(&first_cookie);
  r->t.set.habits.fastopen_connect = false;
  connects_with(100);
  says(r, "S 0");
  said_cookie(NULL);
}

/* 4.1.3: as much as the server's MSS and the path let through, and 40 octets less for options. */
TEST(a_syn_carries_no_more_than_the_servers_mss_and_the_path_let_through)
{
  has_cookie(&first_cookie);
  connects_with(3000);
  says(r, "S 0+1420");
  answers_with(NULL);
  r->options.mss = 940;
  arrives(r, F_SYN | F_ACK, 0, 1421);
  ends();
  connects_with(3000);
  says(r, "S 0+900");
  answers_with(NULL);
  r->options.present = 0;                     /* it does not say: 536 (RFC 9293 MUST-15) */
  arrives(r, F_SYN | F_ACK, 0, 901);
  ends();
  connects_with(3000);
  says(r, "S 0+496");
}

TEST(text_that_the_server_did_not_take_goes_again_at_once)
{
  has_cookie(&first_cookie);
  connects_with(100);
  says(r, "S 0+100");
  answers_with(&second_cookie);
  arrives(r, F_SYN | F_ACK, 0, 1);
  says(r, "PA 1+100 1");
  assert_int_equal(r->tcb->flags & TCB_SYN_TEXT, 0);
  assert_int_equal(r->tcb->mode, TCP_OPEN);   /* passed over, not lost */
  assert_int_equal(r->tcb->cc.cwnd, 10 * 1460);
  ends();
  connects_with(100);                         /* 4.1.3: the new one replaces the old */
  says(r, "S 0+100");
  said_cookie(&second_cookie);
}

TEST(text_that_the_server_took_in_part_goes_again_from_there)
{
  has_cookie(&first_cookie);
  connects_with(100);
  rig_forget_said(r);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 41);
  says(r, "PA 41+60 1");
  assert_int_equal(r->tcb->rtt.srtt_us != 0, 1);
}

/* 4.1.3.1: the SYN that follows a time-out has neither option nor text. */
TEST(after_a_time_out_the_syn_is_plain_and_the_peer_is_left_alone)
{
  has_cookie(&first_cookie);
  connects_with(100);
  says(r, "S 0+100");
  waits(r, LA_SEC);
  says(r, "S 0");
  said_cookie(NULL);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 1);
  says(r, "PA 1+100 1");
  ends();
  connects_with(100);
  says(r, "S 0");
  said_cookie(NULL);
  assert_int_equal(r->t.count[TCP_N_fastopen_avoided], 1);
}

TEST(a_cookie_that_comes_after_a_time_out_is_kept)
{
  begin();
  connects_with(0);
  waits(r, LA_SEC);
  rig_forget_said(r);
  answers_with(&first_cookie);
  arrives(r, F_SYN | F_ACK, 0, 1);
  ends();
  connects_with(10);
  says(r, "S 0+10");
}

TEST(a_peer_that_refused_is_tried_again_later_and_then_after_twice_the_time)
{
  has_cookie(&first_cookie);
  connects_with(100);
  rig_forget_said(r);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 1);            /* text not taken, no cookie */
  ends();
  waits(r, 599 * LA_SEC);
  connects_with(100);
  says(r, "S 0");
  ends();
  waits(r, 2 * LA_SEC);
  connects_with(100);
  says(r, "S 0+100");
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 1);
  ends();
  waits(r, 1190 * LA_SEC);
  connects_with(100);
  says(r, "S 0");
  ends();
  waits(r, 20 * LA_SEC);
  connects_with(100);
  says(r, "S 0+100");
}

TEST(where_refusals_are_not_kept_the_other_kind_of_option_is_tried)
{
  const struct tcp_cookie old = { .experimental = 1 };

  begin();
  r->t.set.fastopen_refused = 0;
  connects_with(0);
  rig_forget_said(r);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 1);
  ends();
  connects_with(0);
  says(r, "S 0");
  said_cookie(&old);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 1);
  ends();
  connects_with(0);
  says(r, "S 0");
  said_cookie(&asks);
}

TEST(a_cookie_of_the_old_kind_is_given_back_in_it)
{
  struct tcp_cookie old = first_cookie;

  old.experimental = 1;
  has_cookie(&old);
  connects_with(10);
  says(r, "S 0+10");
  said_cookie(&old);
}

TEST(a_cookie_that_nobody_asked_for_is_passed_over)
{
  begin();
  r->t.set.habits.fastopen_connect = false;
  connects_with(0);
  rig_forget_said(r);
  answers_with(&first_cookie);
  arrives(r, F_SYN | F_ACK, 0, 1);
  assert_null(tcp_fastopen_peer(&r->t, 0));
  ends();
  r->t.set.habits.fastopen_connect = r->t.set.habits.fastopen_no_cookie = true;
  connects_with(10);
  rig_forget_said(r);
  answers_with(&first_cookie);
  arrives(r, F_SYN | F_ACK, 0, 11);
  assert_int_equal(tcp_fastopen_peer(&r->t, 0)->cookie.length, 0);
}

TEST(without_need_of_cookies_the_syn_carries_text_and_no_option)
{
  begin();
  r->t.set.habits.fastopen_no_cookie = true;
  connects_with(1000);
  says(r, "S 0+1000");
  said_cookie(NULL);
}

TEST(no_answer_at_all_is_a_refusal)
{
  has_cookie(&first_cookie);
  r->t.set.syn_retries = 1;
  connects_with(10);
  waits(r, 4 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  ends();
  connects_with(10);
  says(r, "S 0");
  said_cookie(NULL);
}

TEST(a_reset_says_nothing_of_fast_open)
{
  has_cookie(&first_cookie);
  connects_with(10);
  rig_forget_said(r);
  arrives(r, F_RST | F_ACK, 0, 1);
  assert_int_equal(r->tcb->error, LA_EREFUSED);
  ends();
  connects_with(10);
  says(r, "S 0+10");
}

/* RFC 9293 3.10.7.3 first: SND.NXT covers the text. */
TEST(an_ack_beyond_the_text_of_the_syn_is_reset)
{
  has_cookie(&first_cookie);
  connects_with(10);
  rig_forget_said(r);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 12);
  refused_because(r, SYN_SENT_BAD_ACK);
  arrives(r, F_SYN | F_ACK, 0, 11);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
}

/* MUST-10: both SYNs cross; the SYN,ACK has no text, which follows the peer's ACK of our SYN. */
TEST(in_a_simultaneous_open_the_text_follows_the_handshake)
{
  has_cookie(&first_cookie);
  connects_with(10);
  says(r, "S 0+10");
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  said_cookie(NULL);
  arrives(r, F_ACK, 1, 1);
  says(r, "PA 1+10 1");
  story_is(r, "CLOSED OPEN_ACTIVE SYN-SENT RCV_SYN SYN-RECEIVED RCV_ACK_OF_SYN ESTABLISHED");
}

/* RFC 1191 and 4.1.3.1. */
TEST(a_path_too_narrow_for_the_text_gets_the_plain_syn_at_once)
{
  has_cookie(&first_cookie);
  connects_with(1000);
  says(r, "S 0+1000");
  tcp_path_mtu(&r->t, r->tcb, 800);
  says(r, "S 0");
  said_cookie(NULL);
  assert_int_equal(said_options(r).mss, 760);
  answers_with(NULL);
  arrives(r, F_SYN | F_ACK, 0, 1);
  says(r, "A 1+760 1; PA 761+240 1");
  assert_int_equal(r->tcb->recoveries, 0);
}

TEST(a_syn_ack_may_bring_text)
{
  has_cookie(&first_cookie);
  connects_with(10);
  rig_forget_said(r);
  answers_with(NULL);
  arrives_with_text(r, F_SYN | F_ACK, 0, 11, 20);
  says(r, "A 11 21");
  user_reads(r, 1, 20);
}

TEST(the_cache_forgets_the_server_that_was_not_used_for_the_longest_time)
{
  begin();
  for (uint8_t i = 0; i < 100; i++) {         /* far more than the eight that there is room for */
    r->ends.peer.octets[15] = i;
    connects_with(0);
    rig_forget_said(r);
    answers_with(&first_cookie);
    arrives(r, F_SYN | F_ACK, 0, 1);
    ends();
    waits(r, LA_SEC);
    rig_forget_said(r);
  }
  assert_non_null(tcp_fastopen_peer(&r->t, 7));
  assert_null(tcp_fastopen_peer(&r->t, 8));
  connects_with(10);                          /* the latest is among them */
  says(r, "S 0+10");
  ends();
  tcp_fastopen_forget(&r->t);
  connects_with(10);
  says(r, "S 0");
}

TEST(without_a_cache_cookies_are_asked_for_and_not_kept)
{
  begin();
  r->t.set.fastopen_cookies = 0;
  connects_with(10);
  rig_forget_said(r);
  answers_with(&first_cookie);
  arrives(r, F_SYN | F_ACK, 0, 1);
  ends();
  connects_with(10);
  says(r, "S 0");
  said_cookie(&asks);
}

RUN(cmocka_unit_test(without_a_cookie_the_syn_asks_for_one_and_text_waits),
    cmocka_unit_test(with_a_cookie_the_syn_carries_text),
    cmocka_unit_test(without_the_option_nothing_of_it_is_done),
    cmocka_unit_test(a_syn_carries_no_more_than_the_servers_mss_and_the_path_let_through),
    cmocka_unit_test(text_that_the_server_did_not_take_goes_again_at_once),
    cmocka_unit_test(text_that_the_server_took_in_part_goes_again_from_there),
    cmocka_unit_test(after_a_time_out_the_syn_is_plain_and_the_peer_is_left_alone),
    cmocka_unit_test(a_cookie_that_comes_after_a_time_out_is_kept),
    cmocka_unit_test(a_peer_that_refused_is_tried_again_later_and_then_after_twice_the_time),
    cmocka_unit_test(where_refusals_are_not_kept_the_other_kind_of_option_is_tried),
    cmocka_unit_test(a_cookie_of_the_old_kind_is_given_back_in_it),
    cmocka_unit_test(a_cookie_that_nobody_asked_for_is_passed_over),
    cmocka_unit_test(without_need_of_cookies_the_syn_carries_text_and_no_option),
    cmocka_unit_test(no_answer_at_all_is_a_refusal),
    cmocka_unit_test(a_reset_says_nothing_of_fast_open),
    cmocka_unit_test(an_ack_beyond_the_text_of_the_syn_is_reset),
    cmocka_unit_test(in_a_simultaneous_open_the_text_follows_the_handshake),
    cmocka_unit_test(a_path_too_narrow_for_the_text_gets_the_plain_syn_at_once),
    cmocka_unit_test(a_syn_ack_may_bring_text),
    cmocka_unit_test(the_cache_forgets_the_server_that_was_not_used_for_the_longest_time),
    cmocka_unit_test(without_a_cache_cookies_are_asked_for_and_not_kept))
