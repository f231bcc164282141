/* A listener's queues, and SYN cookies (RFC 4987 3.6) for when they are full. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { ALL = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS };

static void begin(uint32_t half_open, uint32_t backlog)
{
  struct tcp_settings set = rig_settings();

  set.no_timestamps = set.no_window_scale = set.no_sack = false;
  set.half_open = half_open;
  set.receive_buffer = 1 << 18;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  rig_listen(r, backlog);
}

/* A segment from another port of the peer; the child that it makes, if it does. */
static struct tcb *from_port(uint16_t port, unsigned flags, uint32_t seq, tcp_seq ack)
{
  struct tcp_seg seg = rig_seg(r, flags, seq, 0, 0);
  struct ends ends = r->ends;
  struct tcb *child;

  ends.peer_port = port;
  if (flags & F_ACK)
    seg.ack = ack;
  r->last = tcp_arrive_listen(&r->t, r->listener, &ends, 0, &r->path, &seg, &child);
  return child;
}

static struct tcb *syn_from(uint16_t port) { return from_port(port, F_SYN, 0, seq_of(0)); }

static void completes(struct tcb *child)
{
  struct tcp_seg seg;

  rig_forget_said(r);
  seg = rig_seg(r, F_ACK, 1, 0, 0);
  seg.ack = seq_add(child->snd.iss, 1);
  r->last = tcp_arrive(&r->t, child, &seg);
}

/* ---- queues ---- */

TEST(connections_wait_in_the_order_in_which_they_were_completed)
{
  struct tcb *first, *second;

  begin(4, 4);
  first = syn_from(1);
  second = syn_from(2);
  completes(second);
  completes(first);
  assert_int_equal(r->listener->listener.queued, 2);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), second);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), first);
  assert_null(tcp_accept(&r->t, r->listener));
}

TEST(with_a_full_accept_queue_a_syn_is_left_for_the_peer_to_repeat)
{
  begin(4, 1);
  completes(syn_from(1));
  assert_null(syn_from(2));
  refused_because(r, LISTEN_FULL);
  says(r, "");
  assert_non_null(tcp_accept(&r->t, r->listener));
  assert_non_null(syn_from(2));
}

/* The handshake's last ACK is not taken either; the SYN,ACK comes again until there is room. */
TEST(with_a_full_accept_queue_a_handshake_waits)
{
  struct tcb *first, *second;

  begin(4, 1);
  first = syn_from(1);
  second = syn_from(2);
  completes(first);
  completes(second);
  refused_because(r, ACCEPT_FULL);
  assert_int_equal(second->state, TCP_SYN_RECEIVED);
  rig_forget_said(r);
  waits(r, LA_SEC);
  assert_non_null(strstr(r->said, "SA 0 1"));
  assert_ptr_equal(tcp_accept(&r->t, r->listener), first);
  completes(second);
  assert_int_equal(second->state, TCP_ESTABLISHED);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), second);
}

TEST(a_larger_backlog_takes_effect_at_once)
{
  begin(4, 1);
  completes(syn_from(1));
  assert_null(syn_from(2));
  assert_int_equal(tcp_open_passive(&r->t, r->listener, 2), LA_OK);
  assert_non_null(syn_from(2));
}

TEST(a_connection_that_dies_in_the_queue_leaves_it)
{
  struct tcb *child;
  struct tcp_seg rst;

  begin(4, 1);
  child = syn_from(1);
  completes(child);
  rst = rig_seg(r, F_RST, 1, 0, 0);
  (void)tcp_arrive(&r->t, child, &rst);
  assert_int_equal(child->state, TCP_CLOSED);
  assert_int_equal(r->listener->listener.queued, 0);
  assert_null(tcp_accept(&r->t, r->listener));
  assert_non_null(syn_from(2));
}

TEST(a_connection_in_the_queue_receives_and_may_be_closed_by_its_peer)
{
  struct tcb *child;
  struct tcp_seg fin;

  begin(4, 1);
  child = syn_from(1);
  completes(child);
  fin = rig_seg(r, F_FIN | F_ACK, 1, 0, 0);
  fin.ack = child->snd.nxt;
  (void)tcp_arrive(&r->t, child, &fin);
  assert_int_equal(child->state, TCP_CLOSE_WAIT);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), child);
  assert_true(child->events & 1u << LA_EV_PEER_CLOSED);
}

/* RFC 9293 3.10.4: nobody will accept them any more. */
TEST(closing_a_listener_resets_what_waits_in_it)
{
  struct tcb *half, *whole;

  begin(4, 2);
  whole = syn_from(1);
  completes(whole);
  half = syn_from(2);
  rig_forget_said(r);
  assert_int_equal(tcp_close(&r->t, r->listener), LA_OK);
  assert_int_equal(whole->state, TCP_CLOSED);
  assert_int_equal(half->state, TCP_CLOSED);
  rig_pump(r);
  assert_int_equal(r->t.count[TCP_N_resets_out], 2);
  assert_int_equal(r->t.half_opens, 0);
}

TEST(the_half_open_limit_holds_for_all_listeners_together)
{
  struct tcb *other;

  begin(2, 4);
  assert_non_null(syn_from(1));
  assert_non_null(syn_from(2));
  other = r->listener;
  rig_listen(r, 4);
  assert_null(syn_from(3));
  refused_because(r, SYN_COOKIE_SENT);
  r->listener = other;
}

TEST(without_a_control_block_a_syn_is_answered_by_a_cookie_or_not_at_all)
{
  begin(4, 4);
  while (tcp_tcb_new(&r->t) != NULL)
    continue;
  assert_null(syn_from(1));
  refused_because(r, SYN_COOKIE_SENT);
  r->t.set.no_syn_cookies = true;
  assert_null(syn_from(1));
  refused_because(r, LISTEN_NO_TCB);
}

/* ---- cookies ---- */

static void flood(void)
{
  begin(1, 8);
  r->options = (struct tcp_options){ .present = ALL, .mss = 1400, .wscale = 7, .ts_val = 500 };
  assert_non_null(syn_from(1));
  rig_forget_said(r);
}

static tcp_seq cookie_for(uint16_t port)
{
  assert_null(syn_from(port));
  refused_because(r, SYN_COOKIE_SENT);
  rig_pump(r);
  assert_int_equal(r->reply.flags, F_SYN | F_ACK);
  assert_int_equal(r->reply.ack.n, r->peer_isn + 1);
  r->said_length = 0;
  return r->reply.seq;
}

/* The ACK that brings a cookie back, with the echo of its timestamp. */
static struct tcb *brings_back(uint16_t port, tcp_seq cookie)
{
  if (r->options.present & TCP_OPT_TS) {
    r->options.present = TCP_OPT_TS;
    r->options.ts_ecr = replied_options(r).ts_val;
  } else {
    r->options.present = 0;
  }
  return from_port(port, F_ACK, 1, seq_add(cookie, 1));
}

TEST(with_a_full_half_open_queue_a_cookie_is_sent_and_nothing_kept)
{
  uint32_t used;

  flood();
  used = r->t.tcbs.used;
  for (uint16_t port = 2; port < 200; port++)
    (void)cookie_for(port);
  assert_int_equal(r->t.tcbs.used, used);
  assert_int_equal(r->t.count[TCP_N_cookies_out], 198);
}

TEST(a_cookie_that_comes_back_is_a_connection)
{
  struct tcb *child;

  flood();
  child = brings_back(2, cookie_for(2));
  assert_non_null(child);
  assert_int_equal(child->state, TCP_ESTABLISHED);
  assert_int_equal(r->t.count[TCP_N_cookies_good], 1);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), child);
  assert_null(tcp_check(&r->t, child));
}

TEST(a_cookie_that_comes_back_does_not_wait_for_text)
{
  struct tcb *child;

  flood();
  assert_int_equal(tcp_set(&r->t, r->listener, LA_OPT_DEFER_ACCEPT_S, 3), LA_OK);
  child = brings_back(2, cookie_for(2));
  assert_non_null(child);
  assert_int_equal(child->state, TCP_ESTABLISHED);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), child);
  assert_null(tcp_check(&r->t, child));
}

TEST(a_cookie_keeps_mss_scale_and_sack_by_way_of_timestamps)
{
  struct tcb *child;

  flood();
  child = brings_back(2, cookie_for(2));
  assert_int_equal(replied_options(r).present, ALL);
  assert_int_equal(child->peer_mss, 1360);          /* the table's next below 1400 */
  assert_int_equal(child->snd_wscale, 7);
  assert_int_equal(child->rcv_wscale, replied_options(r).wscale);
  assert_true(child->flags & TCB_SACK);
  assert_true(child->flags & TCB_TS);
  assert_int_equal(child->ts_recent, 500);
}

TEST(every_scale_survives_a_cookie_and_so_does_its_absence)
{
  for (uint8_t scale = 0; scale <= 15; scale++) {
    struct tcb *child;

    flood();
    r->options.wscale = scale;
    if (scale == 15)
      r->options.present &= (uint8_t)~TCP_OPT_WSCALE;
    child = brings_back(2, cookie_for(2));
    assert_non_null(child);
    assert_int_equal(!!(child->flags & TCB_WSCALE), scale < 15);
    assert_int_equal(child->snd_wscale, scale < 15 ? scale : 0);
  }
}

TEST(the_stamp_of_a_cookie_is_never_in_the_future)
{
  for (int i = 0; i < 200; i++) {
    uint32_t clock;

    flood();
    waits(r, i * LA_MS);
    (void)cookie_for(2);
    clock = (uint32_t)(r->t.now / LA_MS) + tcp_ts_offset(&r->t, &r->ends);
    assert_in_range(clock - replied_options(r).ts_val, 0, 127);
  }
}

TEST(without_timestamps_a_cookie_keeps_the_mss_alone)
{
  struct tcb *child;

  flood();
  r->options.present = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
  child = brings_back(2, cookie_for(2));
  assert_int_equal(replied_options(r).present, TCP_OPT_MSS);
  assert_int_equal(child->peer_mss, 1360);
  assert_int_equal(child->flags & (TCB_WSCALE | TCB_SACK | TCB_TS), 0);
  assert_int_equal(child->snd_wscale + child->rcv_wscale, 0);
}

/* MUST-15: a SYN without an MSS is one of 536, and no table may make it more. */
TEST(a_cookie_never_remembers_more_than_the_mss_that_was_offered)
{
  static const uint16_t sizes[] = { 64, 100, 536, 1000, 1219, 1220, 1459, 1460, 9000, 65535 };

  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    flood();
    r->options.mss = sizes[i];
    assert_in_range(brings_back(2, cookie_for(2))->peer_mss, 1, sizes[i]);
  }
  flood();
  r->options.present &= (uint8_t)~TCP_OPT_MSS;
  assert_int_equal(brings_back(2, cookie_for(2))->peer_mss, 536);
}

TEST(text_with_the_cookie_is_taken)
{
  struct tcp_seg seg;
  struct frag frag = { 0 };
  struct ends ends = r->ends;
  struct tcb *child;
  tcp_seq cookie;

  flood();
  cookie = cookie_for(2);
  ends = r->ends;
  ends.peer_port = 2;
  r->options.present = TCP_OPT_TS;
  r->options.ts_ecr = replied_options(r).ts_val;
  seg = rig_seg(r, F_ACK | F_PSH, 1, 0, 50);
  assert_true(rig_text(r, &seg, &frag, 1, 50));
  seg.ack = seq_add(cookie, 1);
  (void)tcp_arrive_listen(&r->t, r->listener, &ends, 0, &r->path, &seg, &child);
  slab_release(&r->slabs, frag.slab);
  r->tcb = tcp_accept(&r->t, r->listener);
  assert_ptr_equal(r->tcb, child);
  user_reads(r, 1, 50);
}

TEST(a_cookie_is_good_for_its_period_and_the_next)
{
  tcp_seq cookie;

  flood();
  cookie = cookie_for(2);
  waits(r, 64 * LA_SEC);
  assert_non_null(brings_back(2, cookie));
  flood();
  cookie = cookie_for(2);
  waits(r, 128 * LA_SEC);
  rig_forget_said(r);
  assert_null(brings_back(2, cookie));
  rig_pump(r);
  assert_int_equal(r->reply.flags, F_RST);
}

/* Old cookies stay old while new ones are being sent. */
TEST(an_old_cookie_stays_bad_in_a_flood_that_goes_on)
{
  tcp_seq cookie;

  flood();
  cookie = cookie_for(2);
  waits(r, 129 * LA_SEC);
  rig_reap(r);
  assert_non_null(syn_from(1));
  (void)cookie_for(3);
  assert_null(brings_back(2, cookie));
  refused_because(r, SYN_COOKIE_BAD);
}

TEST(a_cookie_is_good_for_its_own_ends_and_number_only)
{
  tcp_seq cookie;

  flood();
  cookie = cookie_for(2);
  assert_null(brings_back(3, cookie));
  refused_because(r, SYN_COOKIE_BAD);
  assert_null(from_port(2, F_ACK, 2, seq_add(cookie, 1)));
  refused_because(r, SYN_COOKIE_BAD);
  for (unsigned bit = 0; bit < 27; bit++)
    assert_null(from_port(2, F_ACK, 1, seq_of((cookie.n ^ 1u << bit) + 1)));
  assert_non_null(from_port(2, F_ACK, 1, seq_add(cookie, 1)));
}

TEST(another_secret_makes_other_cookies)
{
  tcp_seq cookie;

  flood();
  cookie = cookie_for(2);
  flood();
  r->t.key.k0 ^= 1;
  assert_int_not_equal(cookie_for(2).n, cookie.n);
}

TEST(no_cookie_is_believed_when_none_was_sent)
{
  begin(4, 4);
  assert_null(from_port(2, F_ACK, 1, seq_of(12345)));
  refused_because(r, LISTEN_ACK);
}

TEST(a_cookie_finds_no_room_in_a_full_accept_queue)
{
  tcp_seq cookie;

  begin(1, 1);
  r->options.present = TCP_OPT_MSS;
  completes(syn_from(1));
  assert_ptr_not_equal(tcp_accept(&r->t, r->listener), NULL);
  assert_non_null(syn_from(3));
  cookie = cookie_for(2);
  r->options.present = 0;
  r->listener->listener.queued = 1;
  assert_null(from_port(2, F_ACK, 1, seq_add(cookie, 1)));
  refused_because(r, ACCEPT_FULL);
  r->listener->listener.queued = 0;
  assert_non_null(from_port(2, F_ACK, 1, seq_add(cookie, 1)));
}

TEST(a_cookie_without_a_control_block_is_left_to_be_repeated)
{
  tcp_seq cookie;

  flood();
  cookie = cookie_for(2);
  while (tcp_tcb_new(&r->t) != NULL)
    continue;
  assert_null(brings_back(2, cookie));
  refused_because(r, LISTEN_NO_TCB);
}

TEST(without_cookies_a_flood_is_dropped)
{
  begin(1, 4);
  r->t.set.no_syn_cookies = true;
  assert_non_null(syn_from(1));
  rig_forget_said(r);
  assert_null(syn_from(2));
  refused_because(r, SYN_FLOOD);
  says(r, "");
}

RUN(cmocka_unit_test(connections_wait_in_the_order_in_which_they_were_completed),
    cmocka_unit_test(with_a_full_accept_queue_a_syn_is_left_for_the_peer_to_repeat),
    cmocka_unit_test(with_a_full_accept_queue_a_handshake_waits),
    cmocka_unit_test(a_larger_backlog_takes_effect_at_once),
    cmocka_unit_test(a_connection_that_dies_in_the_queue_leaves_it),
    cmocka_unit_test(a_connection_in_the_queue_receives_and_may_be_closed_by_its_peer),
    cmocka_unit_test(closing_a_listener_resets_what_waits_in_it),
    cmocka_unit_test(the_half_open_limit_holds_for_all_listeners_together),
    cmocka_unit_test(without_a_control_block_a_syn_is_answered_by_a_cookie_or_not_at_all),
    cmocka_unit_test(with_a_full_half_open_queue_a_cookie_is_sent_and_nothing_kept),
    cmocka_unit_test(a_cookie_that_comes_back_is_a_connection),
    cmocka_unit_test(a_cookie_that_comes_back_does_not_wait_for_text),
    cmocka_unit_test(a_cookie_keeps_mss_scale_and_sack_by_way_of_timestamps),
    cmocka_unit_test(every_scale_survives_a_cookie_and_so_does_its_absence),
    cmocka_unit_test(the_stamp_of_a_cookie_is_never_in_the_future),
    cmocka_unit_test(without_timestamps_a_cookie_keeps_the_mss_alone),
    cmocka_unit_test(a_cookie_never_remembers_more_than_the_mss_that_was_offered),
    cmocka_unit_test(text_with_the_cookie_is_taken),
    cmocka_unit_test(a_cookie_is_good_for_its_period_and_the_next),
    cmocka_unit_test(an_old_cookie_stays_bad_in_a_flood_that_goes_on),
    cmocka_unit_test(a_cookie_is_good_for_its_own_ends_and_number_only),
    cmocka_unit_test(another_secret_makes_other_cookies),
    cmocka_unit_test(no_cookie_is_believed_when_none_was_sent),
    cmocka_unit_test(a_cookie_finds_no_room_in_a_full_accept_queue),
    cmocka_unit_test(a_cookie_without_a_control_block_is_left_to_be_repeated),
    cmocka_unit_test(without_cookies_a_flood_is_dropped))
