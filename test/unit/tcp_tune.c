/* Buffers that grow by themselves: what makes them, what bounds them, and what keeps them as they
 * are. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { SLABS = 24, BUFFER = 4096, MOST = 16384, MSS = 1000 };

static struct tcp_settings settings(void)
{
  struct tcp_settings set = rig_settings();

  set.receive_buffer = set.send_buffer = BUFFER;
  set.receive_buffer_max = set.send_buffer_max = MOST;
  set.no_timestamps = set.no_window_scale = false;
  return set;
}

static void begin_with(const struct tcp_settings *set)
{
  rig_init_with(r, set, SLABS, RIG_SLAB_SIZE);
  r->options = (struct tcp_options){ .present = TCP_OPT_MSS | TCP_OPT_TS | TCP_OPT_WSCALE,
                                     .mss = 1460, .ts_val = 1 };
  if (set->no_timestamps)
    r->options.present &= (uint8_t)~TCP_OPT_TS;
}

static void established(void)
{
  const struct tcp_settings set = settings();

  begin_with(&set);
  rig_established(r, true);
  r->options.present &= TCP_OPT_TS;
}

static uint32_t their_next(void) { return r->tcb->rcv.nxt.n - r->peer_isn; }

/* n segments arrive and are read at once. They echo a timestamp of ours that was `ago` old. */
static void comes_and_is_read(unsigned n, la_time ago)
{
  r->options.ts_ecr = tcp_ts_at(r->tcb, r->t.now - ago);
  for (unsigned i = 0; i < n; i++) {
    const uint32_t at = their_next();

    arrives_with_text(r, F_ACK, at, 1, MSS);
    user_reads(r, at, MSS);
    rig_forget_said(r);
  }
}

/* A round trip of 20 ms that brings n segments, and the first one of the next. */
static void round_trip(unsigned n)
{
  tcp_time(&r->t, r->t.now + 20 * LA_MS);
  comes_and_is_read(n, 20 * LA_MS);
  tcp_time(&r->t, r->t.now + 20 * LA_MS);
  comes_and_is_read(1, 10 * LA_MS);
}

TEST(who_reads_more_than_half_of_it_in_a_round_trip_gets_twice_that)
{
  established();
  round_trip(1);
  assert_int_equal(r->tcb->receive_buffer, BUFFER);
  round_trip(2);                              /* and the one before, whose end they were */
  assert_in_range(r->tcb->receive_buffer, 4500, 6000);
  assert_int_equal(r->t.count[TCP_N_receive_buffers_grown], 1);
  assert_null(tcp_check(&r->t, r->tcb));
}

TEST(who_reads_nearly_all_of_it_gets_four_times_that)
{
  established();
  round_trip(4);
  assert_in_range(r->tcb->receive_buffer, 3 * BUFFER, MOST);
}

TEST(it_holds_whole_segments)
{
  established();
  round_trip(4);
  assert_int_equal(r->tcb->receive_buffer % (r->tcb->mss + 12u), 0);
}

/* The same text over many round trips is no reason. */
TEST(a_slow_sender_changes_nothing)
{
  established();
  for (int i = 0; i < 20; i++)
    round_trip(1);
  assert_int_equal(r->tcb->receive_buffer, BUFFER);
}

TEST(without_timestamps_a_window_in_a_round_trip_counts_and_a_slow_one_does_not)
{
  struct tcp_settings set = settings();

  set.no_timestamps = true;
  begin_with(&set);
  rig_established(r, true);
  r->options.present = 0;
  r->tcb->rtt.srtt_us = 20000;
  for (int i = 0; i < 30; i++) {
    tcp_time(&r->t, r->t.now + 30 * LA_MS);
    comes_and_is_read(1, 0);
  }
  assert_int_equal(r->tcb->receive_buffer, BUFFER);
  for (int i = 0; i < 30; i++) {
    tcp_time(&r->t, r->t.now + 4 * LA_MS);
    comes_and_is_read(1, 0);
  }
  assert_in_range(r->tcb->receive_buffer, 2 * BUFFER, MOST);
}

TEST(who_does_not_read_gets_no_more)
{
  established();
  for (int i = 0; i < 4; i++) {
    tcp_time(&r->t, r->t.now + 20 * LA_MS);
    r->options.ts_ecr = tcp_ts_at(r->tcb, r->t.now - LA_MS);
    arrives_with_text(r, F_ACK, their_next(), 1, MSS);
    rig_forget_said(r);
  }
  assert_int_equal(r->tcb->receive_buffer, BUFFER);
}

TEST(it_stays_where_the_application_has_put_it)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_RECEIVE_BUFFER, BUFFER), LA_OK);
  round_trip(4);
  assert_int_equal(r->tcb->receive_buffer, BUFFER);
}

TEST(a_child_has_it_from_its_listener_that_a_size_was_set)
{
  const struct tcp_settings set = settings();

  begin_with(&set);
  rig_listen(r, 2);
  assert_int_equal(tcp_set(&r->t, r->listener, LA_OPT_RECEIVE_BUFFER, BUFFER), LA_OK);
  assert_int_equal(tcp_set(&r->t, r->listener, LA_OPT_SEND_BUFFER, BUFFER), LA_OK);
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  assert_int_equal(r->tcb->marks & (MARK_RECEIVE_FIXED | MARK_SEND_FIXED),
                   MARK_RECEIVE_FIXED | MARK_SEND_FIXED);
}

/* RFC 7323 2.2: it is said once, so it must do for the largest window. */
TEST(the_scale_is_for_the_size_that_it_may_grow_to)
{
  struct tcp_settings set = settings();

  set.receive_buffer_max = 6 << 20;
  begin_with(&set);
  rig_connect(r);
  rig_forget_said(r);
  assert_int_equal(said_options(r).wscale, 7);
  assert_int_equal(r->out.wnd, BUFFER);
}

TEST(it_does_not_grow_beyond_what_slabs_are_good_for)
{
  struct la_slab *slab[SLABS];
  unsigned n = 0;

  established();
  while (r->slabs.count - r->slabs.used > 7)
    slab[n++] = slab_get(&r->slabs);
  round_trip(4);
  assert_int_equal(r->tcb->receive_buffer, BUFFER);
  while (n > 0)
    slab_release(&r->slabs, slab[--n]);
  round_trip(4);
  assert_in_range(r->tcb->receive_buffer, 2 * BUFFER, MOST);
}

/* ---- sending ---- */

static void wants_to_send(uint32_t n)
{
  static uint8_t octets[2 * MOST];

  (void)tcp_send(&r->t, r->tcb, octets, n, TCP_SEND_PLAIN);
  rig_forget_said(r);
}

static void all_is_acknowledged(void)
{
  r->options.ts_ecr = tcp_ts_now(&r->t, r->tcb);
  arrives(r, F_ACK, 1, r->tcb->snd.nxt.n - r->tcb->snd.iss.n);
  rig_forget_said(r);
}

TEST(the_send_buffer_follows_twice_the_congestion_window)
{
  established();
  r->tcb->cc.cwnd = 6000;
  wants_to_send(2 * MOST);
  all_is_acknowledged();
  assert_in_range(r->tcb->send_buffer, 12000, MOST);
  assert_int_equal(r->t.count[TCP_N_send_buffers_grown], 1);
}

TEST(it_does_not_grow_for_who_has_no_more_to_send)
{
  established();
  wants_to_send(BUFFER / 2);
  all_is_acknowledged();
  assert_int_equal(r->tcb->send_buffer, BUFFER);
}

TEST(nor_where_the_application_has_set_it)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_SEND_BUFFER, BUFFER), LA_OK);
  wants_to_send(2 * MOST);
  all_is_acknowledged();
  assert_int_equal(r->tcb->send_buffer, BUFFER);
}

RUN(cmocka_unit_test(who_reads_more_than_half_of_it_in_a_round_trip_gets_twice_that),
    cmocka_unit_test(who_reads_nearly_all_of_it_gets_four_times_that),
    cmocka_unit_test(it_holds_whole_segments), cmocka_unit_test(a_slow_sender_changes_nothing),
    cmocka_unit_test(without_timestamps_a_window_in_a_round_trip_counts_and_a_slow_one_does_not),
    cmocka_unit_test(who_does_not_read_gets_no_more),
    cmocka_unit_test(it_stays_where_the_application_has_put_it),
    cmocka_unit_test(a_child_has_it_from_its_listener_that_a_size_was_set),
    cmocka_unit_test(the_scale_is_for_the_size_that_it_may_grow_to),
    cmocka_unit_test(it_does_not_grow_beyond_what_slabs_are_good_for),
    cmocka_unit_test(the_send_buffer_follows_twice_the_congestion_window),
    cmocka_unit_test(it_does_not_grow_for_who_has_no_more_to_send),
    cmocka_unit_test(nor_where_the_application_has_set_it))
