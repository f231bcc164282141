/* Timestamps, RFC 7323: what is offered and echoed, PAWS, round-trip times. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { FIRST = 5000 };          /* the peer's timestamp in its SYN */

static void begin(void)
{
  struct tcp_settings set = rig_settings();

  set.no_timestamps = false;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.present |= TCP_OPT_TS;
  r->options.ts_val = FIRST;
}

static void established(void)
{
  begin();
  rig_established(r, false);
}

static void text_comes(uint32_t seq, uint32_t n, uint32_t ts_val)
{
  r->options.ts_val = ts_val;
  arrives_with_text(r, F_ACK, seq, 1, n);
}

static uint32_t clock_now(void) { return (uint32_t)(r->t.now / LA_MS) + r->tcb->ts_offset; }

/* What is echoed now, by an ACK of its own. */
static uint32_t echoed(void)
{
  r->tcb->say |= SAY_ACK;
  tcp_wake(&r->t, r->tcb);
  rig_forget_said(r);
  return said_options(r).ts_ecr;
}

/* ---- agreeing, RFC 7323 3.2 ---- */

TEST(a_syn_offers_timestamps_and_echoes_nothing)
{
  begin();
  rig_connect(r);
  rig_forget_said(r);
  assert_true(said_options(r).present & TCP_OPT_TS);
  assert_int_equal(said_options(r).ts_ecr, 0);
  assert_int_equal(said_options(r).ts_val, clock_now());
}

TEST(a_syn_ack_echoes_the_syns_timestamp)
{
  begin();
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  assert_true(said_options(r).present & TCP_OPT_TS);
  assert_int_equal(said_options(r).ts_ecr, FIRST);
}

TEST(a_peer_that_offers_none_gets_none)
{
  begin();
  r->options.present = TCP_OPT_MSS;
  rig_established(r, false);
  user_sends(r, 10);
  says(r, "PA 1+10 1");
  assert_int_equal(said_options(r).present, 0);
  assert_int_equal(r->tcb->mss, 1460);
}

TEST(once_agreed_they_stand_on_every_segment_and_cost_twelve_octets)
{
  established();
  assert_int_equal(said_options(r).present, TCP_OPT_TS);
  user_sends(r, 2000);
  says(r, "A 1+1448 1");
  assert_int_equal(said_options(r).present, TCP_OPT_TS);
  assert_int_equal(r->out.options_length, 12);
}

TEST(the_clock_ticks_in_milliseconds_from_an_offset_of_the_pair_of_hosts)
{
  uint32_t before;
  struct ends other;

  established();
  before = said_options(r).ts_val;
  waits(r, 1234 * LA_MS);
  user_sends(r, 10);
  rig_forget_said(r);
  assert_int_equal(said_options(r).ts_val - before, 1234);
  other = r->ends;
  other.peer_port++;
  assert_int_equal(tcp_ts_offset(&r->t, &other), r->tcb->ts_offset);
  other.peer.octets[3] ^= 1;
  assert_int_not_equal(tcp_ts_offset(&r->t, &other), r->tcb->ts_offset);
}

/* ---- what is echoed: RFC 7323 4.3 ---- */

TEST(what_is_echoed_is_the_timestamp_of_the_segment_that_advanced_the_window)
{
  established();
  text_comes(1, 10, FIRST + 7);
  assert_int_equal(echoed(), FIRST + 7);
}

TEST(a_delayed_ack_echoes_the_first_segment_that_it_acknowledges)
{
  established();
  text_comes(1, 10, FIRST + 10);
  text_comes(11, 10, FIRST + 20);
  assert_int_equal(echoed(), FIRST + 10);
}

TEST(a_hole_keeps_the_echo_of_the_last_segment_in_order)
{
  established();
  text_comes(1, 10, FIRST + 10);
  rig_forget_said(r);
  assert_int_equal(echoed(), FIRST + 10);
  text_comes(21, 10, FIRST + 30);
  assert_int_equal(echoed(), FIRST + 10);
  text_comes(11, 10, FIRST + 40);
  assert_int_equal(echoed(), FIRST + 40);     /* the segment that filled it */
}

/* RFC 7323 5.3 R2 comes before R3: what is refused says nothing. Else one forged segment far
 * outside the window would make every later one look old. */
TEST(a_segment_outside_the_window_does_not_move_the_echo)
{
  established();
  text_comes((uint32_t)-100000, 10, FIRST + 0x40000000);
  refused_because(r, OUT_OF_WINDOW);
  rig_forget_said(r);
  assert_int_equal(r->tcb->ts_recent, FIRST);
  text_comes(1, 10, FIRST + 1);
  assert_int_equal(r->last.code, V_NEXT);
}

TEST(a_forged_ack_in_the_window_does_not_move_the_echo)
{
  established();
  r->options.ts_val = FIRST + 0x40000000;
  arrives(r, F_ACK, 1, 1000);                 /* acknowledges what was never sent */
  refused_because(r, ACK_OF_UNSENT);
  arrives(r, F_SYN, 1, 0);
  refused_because(r, SYN_IN_WINDOW);
  arrives(r, F_PSH, 1, 0);
  refused_because(r, NO_ACK);
  assert_int_equal(r->tcb->ts_recent, FIRST);
}

/* ---- PAWS, 5 ---- */

TEST(a_segment_from_the_past_is_dropped_and_acknowledged)
{
  established();
  text_comes(1, 10, FIRST - 1);
  refused_because(r, PAWS);
  says(r, "A 1 1");
  assert_int_equal(r->tcb->rx.octets, 0);
}

TEST(the_past_is_counted_around_the_wrap)
{
  begin();
  r->options.ts_val = 0xfffffff0u;
  rig_established(r, false);
  text_comes(1, 10, 5);
  assert_int_equal(r->last.code, V_NEXT);
  rig_forget_said(r);
  text_comes(11, 10, 0xfffffff5u);
  refused_because(r, PAWS);
}

TEST(the_same_timestamp_is_not_the_past)
{
  established();
  text_comes(1, 10, FIRST);
  assert_int_equal(r->last.code, V_NEXT);
}

/* 3.2: zero means nothing in the echo of a SYN alone. A clock passes through it as through any. */
TEST(zero_is_a_timestamp_like_any_other)
{
  begin();
  r->options.ts_val = 0;
  rig_established(r, true);
  assert_true(r->tcb->flags & TCB_TS);
  assert_int_equal(echoed(), 0);
  assert_true(said_options(r).present & TCP_OPT_TS);
  text_comes(1, 10, 0xffffffffu);
  refused_because(r, PAWS);
  text_comes(1, 10, 0x7ffffffeu);
  assert_int_equal(r->last.code, V_NEXT);
  assert_int_equal(echoed(), 0x7ffffffeu);
  text_comes(11, 10, 0xfffffffdu);
  assert_int_equal(r->last.code, V_NEXT);
  assert_int_equal(echoed(), 0xfffffffdu);
  text_comes(21, 10, 0);
  assert_int_equal(r->last.code, V_NEXT);
  assert_int_equal(echoed(), 0);
}

/* 2.2: the peer may have seen the first, and both must mean the same. */
TEST(a_syn_that_is_sent_again_offers_the_same_scale_and_a_later_time)
{
  struct tcp_options first, again;

  begin();
  r->t.set.no_window_scale = false;
  rig_connect(r);
  rig_forget_said(r);
  first = said_options(r);
  waits(r, LA_SEC);
  says(r, "S 0");
  again = said_options(r);
  assert_int_equal(first.present, TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_TS);
  assert_int_equal(again.present, first.present);
  assert_int_equal(again.wscale, first.wscale);
  assert_int_equal(again.ts_val - first.ts_val, 1000);
  assert_int_equal(again.ts_ecr, 0);
}

/* 5.5: after 24 days without a segment, the peer's clock may have gone half around: what we
 * remember is void, and is learnt anew. */
TEST(after_24_days_of_silence_any_timestamp_is_believed_and_learnt)
{
  established();
  waits(r, 24 * 24 * 3600 * LA_SEC - LA_SEC);
  text_comes(1, 10, FIRST - 1);
  refused_because(r, PAWS);
  rig_forget_said(r);
  waits(r, 2 * LA_SEC);
  text_comes(1, 10, FIRST + 0x80000001u);
  assert_int_equal(r->last.code, V_NEXT);
  assert_int_equal(echoed(), FIRST + 0x80000001u);
  text_comes(11, 10, FIRST + 0x80000000u);
  refused_because(r, PAWS);
}

TEST(a_rst_needs_no_timestamp_and_may_have_an_old_one)
{
  established();
  r->options.present = 0;
  arrives(r, F_RST, 1, 0);
  refused_because(r, RST_ACCEPTED);
  established();
  r->options.ts_val = FIRST - 1000;
  arrives(r, F_RST, 1, 0);
  refused_because(r, RST_ACCEPTED);
}

TEST(once_agreed_a_segment_without_is_dropped_without_a_word)
{
  established();
  r->options.present = 0;
  arrives_with_text(r, F_ACK, 1, 1, 10);
  refused_because(r, NO_TIMESTAMP);
  says(r, "");
  assert_int_equal(r->tcb->rx.octets, 0);
}

/* Departs, where it is so configured, as Linux does always. */
TEST(if_so_configured_a_segment_without_is_taken)
{
  established();
  r->t.set.lax_timestamps = true;
  r->options.present = 0;
  arrives_with_text(r, F_ACK, 1, 1, 5);
  assert_int_equal(r->last.why, WHY_NONE);
  assert_int_equal(r->tcb->rx.octets, 5);
}

TEST(a_peer_that_restarted_without_timestamps_is_challenged)
{
  established();
  r->options.present = TCP_OPT_MSS;
  arrives(r, F_SYN, 100, 0);
  refused_because(r, SYN_IN_WINDOW);
  says(r, "A 1 1");
}

/* ---- round-trip times, 4 ---- */

TEST(the_echo_tells_which_of_two_sendings_arrived)
{
  uint32_t first, second;

  established();
  waits(r, LA_SEC);
  user_sends(r, 10);
  rig_forget_said(r);
  first = said_options(r).ts_val;
  waits(r, 200 * LA_MS);
  second = said_options(r).ts_val;
  assert_int_equal(second - first, 200);
  rig_forget_said(r);
  r->tcb->rtt.srtt_us = 0;
  waits(r, 30 * LA_MS);
  r->options.ts_ecr = second;
  arrives(r, F_ACK, 1, 11);
  assert_int_equal(r->tcb->rtt.srtt_us, 30000);
}

TEST(an_echo_from_the_future_is_no_sample)
{
  uint32_t srtt_us;

  established();
  waits(r, LA_SEC);
  user_sends(r, 10);
  waits(r, 300 * LA_MS);
  rig_forget_said(r);
  srtt_us = r->tcb->rtt.srtt_us;
  r->options.ts_ecr = clock_now() + 1000;
  arrives(r, F_ACK, 1, 11);
  assert_int_equal(r->tcb->rtt.srtt_us, srtt_us);
}

RUN(cmocka_unit_test(a_syn_offers_timestamps_and_echoes_nothing),
    cmocka_unit_test(a_syn_ack_echoes_the_syns_timestamp),
    cmocka_unit_test(a_peer_that_offers_none_gets_none),
    cmocka_unit_test(once_agreed_they_stand_on_every_segment_and_cost_twelve_octets),
    cmocka_unit_test(the_clock_ticks_in_milliseconds_from_an_offset_of_the_pair_of_hosts),
    cmocka_unit_test(what_is_echoed_is_the_timestamp_of_the_segment_that_advanced_the_window),
    cmocka_unit_test(a_delayed_ack_echoes_the_first_segment_that_it_acknowledges),
    cmocka_unit_test(a_hole_keeps_the_echo_of_the_last_segment_in_order),
    cmocka_unit_test(a_segment_outside_the_window_does_not_move_the_echo),
    cmocka_unit_test(a_forged_ack_in_the_window_does_not_move_the_echo),
    cmocka_unit_test(a_segment_from_the_past_is_dropped_and_acknowledged),
    cmocka_unit_test(the_past_is_counted_around_the_wrap),
    cmocka_unit_test(the_same_timestamp_is_not_the_past),
    cmocka_unit_test(zero_is_a_timestamp_like_any_other),
    cmocka_unit_test(a_syn_that_is_sent_again_offers_the_same_scale_and_a_later_time),
    cmocka_unit_test(after_24_days_of_silence_any_timestamp_is_believed_and_learnt),
    cmocka_unit_test(a_rst_needs_no_timestamp_and_may_have_an_old_one),
    cmocka_unit_test(once_agreed_a_segment_without_is_dropped_without_a_word),
    cmocka_unit_test(if_so_configured_a_segment_without_is_taken),
    cmocka_unit_test(a_peer_that_restarted_without_timestamps_is_challenged),
    cmocka_unit_test(the_echo_tells_which_of_two_sendings_arrived),
    cmocka_unit_test(an_echo_from_the_future_is_no_sample))
