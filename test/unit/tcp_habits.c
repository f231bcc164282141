/* What an application may set: every option's limits, and that it is what it does. The larger
 * effects have files of their own (tcp_nagle, tcp_keepalive, tcp_timeouts, tcp_window). */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

struct limit { enum la_option option; int64_t least, most; };

static const struct limit limits[] = {
  { LA_OPT_NODELAY, 0, 1 },
  { LA_OPT_KEEPALIVE, 0, 1 },
  { LA_OPT_KEEPALIVE_IDLE_MS, 1, UINT32_MAX },
  { LA_OPT_KEEPALIVE_INTERVAL_MS, 1, UINT32_MAX },
  { LA_OPT_KEEPALIVE_PROBES, 1, 255 },
  { LA_OPT_USER_TIMEOUT_MS, 0, UINT32_MAX },
  { LA_OPT_LINGER_MS, -1, INT32_MAX },
  { LA_OPT_REUSEADDR, 0, 1 },
  { LA_OPT_SEND_BUFFER, 1, 1 << 30 },
  { LA_OPT_RECEIVE_BUFFER, 1, 1 << 30 },
  { LA_OPT_MSS, 64, 65495 },
  { LA_OPT_QUICKACK, 0, 1 },
  { LA_OPT_URGENT_INLINE, 1, 1 },
  { LA_OPT_CONGESTION, 0, LA_CC_COUNT - 1 },
  { LA_OPT_TTL, 1, 255 },
  { LA_OPT_DSCP, 0, 63 },
  { LA_OPT_ECN, 0, 2 },
  { LA_OPT_V6ONLY, 0, 1 },
  { LA_OPT_MTU_PROBING, 0, LA_MTU_PROBE_COUNT - 1 },
  { LA_OPT_FASTOPEN, 0, UINT16_MAX },
  { LA_OPT_FASTOPEN_CONNECT, 0, 1 },
  { LA_OPT_FASTOPEN_NO_COOKIE, 0, 1 },
  { LA_OPT_PACING, 0, 1 },
  { LA_OPT_PACING_RATE, 0, INT64_C(1) << 40 },
  { LA_OPT_CORK, 0, 1 },
  { LA_OPT_NOTSENT_LOWAT, 0, UINT32_MAX },
  { LA_OPT_RCVLOWAT, 1, 1 << 30 },
  { LA_OPT_SYN_RETRIES, 0, 127 },
  { LA_OPT_NO_OPTIONS, 0, 1 },
  { LA_OPT_ADVERTISED_TIMEOUT_S, 0, TCP_USER_TIMEOUT_MAX },
  { LA_OPT_DEFER_ACCEPT_S, 0, 0 },              /* its most is rounded: tcp_lowat */
};
enum { LIMITS = sizeof limits / sizeof *limits };

static void unopened(void)
{
  rig_init(r);
  r->tcb = tcp_tcb_new(&r->t);
  r->tcb->ends = r->ends;
  r->tcb->path = r->path;
}

static int set(enum la_option option, int64_t value)
{
  return tcp_set(&r->t, r->tcb, option, value);
}

static int64_t get(enum la_option option)
{
  int64_t value = -77;

  assert_int_equal(tcp_get(&r->t, r->tcb, option, &value), LA_OK);
  return value;
}

static void opens(void)
{
  assert_int_equal(tcp_open_active(&r->t, r->tcb), LA_OK);
  rig_forget_said(r);
}

static void connected(void)
{
  arrives(r, F_SYN | F_ACK, 0, 1);
  rig_forget_said(r);
}

TEST(every_option_is_in_this_files_table)
{
  bool listed[LA_OPTION_COUNT] = { false };

  for (unsigned i = 0; i < LIMITS; i++)
    listed[limits[i].option] = true;
  for (unsigned i = 0; i < LA_OPTION_COUNT; i++)
    assert_true(listed[i]);
}

TEST(what_is_within_the_limits_is_taken_and_told)
{
  for (unsigned i = 0; i < LIMITS; i++) {
    unopened();
    assert_int_equal(set(limits[i].option, limits[i].least), LA_OK);
    assert_true(get(limits[i].option) == limits[i].least);
    assert_int_equal(set(limits[i].option, limits[i].most), LA_OK);
    assert_true(get(limits[i].option) == limits[i].most);
  }
}

TEST(what_is_beyond_them_is_refused_and_changes_nothing)
{
  for (unsigned i = 0; i < LIMITS; i++) {
    const int64_t wrong[] = { limits[i].least - 1, limits[i].most + 1, INT64_MIN, INT64_MAX };
    int64_t before;

    unopened();
    before = get(limits[i].option);
    for (unsigned k = limits[i].option == LA_OPT_MSS; k < 4; k++)
      if (limits[i].option != LA_OPT_DEFER_ACCEPT_S || k != 1)
        assert_int_equal(set(limits[i].option, wrong[k]), -LA_EINVAL);
    assert_true(get(limits[i].option) == before);
  }
}

TEST(an_option_that_is_none_is_refused)
{
  int64_t value;

  unopened();
  assert_int_equal(set(LA_OPTION_COUNT, 0), -LA_EINVAL);
  assert_int_equal(set((enum la_option)-1, 0), -LA_EINVAL);
  assert_int_equal(tcp_get(&r->t, r->tcb, LA_OPTION_COUNT, &value), -LA_EINVAL);
}

TEST(an_mss_is_at_least_64_or_none)
{
  unopened();
  assert_int_equal(set(LA_OPT_MSS, 0), LA_OK);
  assert_int_equal(set(LA_OPT_MSS, 1), -LA_EINVAL);
  assert_int_equal(set(LA_OPT_MSS, 63), -LA_EINVAL);
}

TEST(the_standard_is_what_the_settings_say)
{
  unopened();
  assert_true(get(LA_OPT_KEEPALIVE_IDLE_MS) == 7200000);    /* MUST-28: two hours */
  assert_true(get(LA_OPT_KEEPALIVE) == 0);                  /* MUST-25 */
  assert_true(get(LA_OPT_NODELAY) == 0);
  assert_true(get(LA_OPT_LINGER_MS) == -1);
  assert_true(get(LA_OPT_USER_TIMEOUT_MS) == 0);
}

/* ---- effects ---- */

TEST(mss_bounds_what_is_offered_and_what_is_sent)
{
  unopened();
  assert_int_equal(set(LA_OPT_MSS, 500), LA_OK);
  opens();
  assert_int_equal(said_options(r).mss, 500);
  connected();
  user_sends(r, 600);
  says(r, "A 1+500 1");
}

TEST(mss_cannot_be_more_than_the_link_has)
{
  unopened();
  assert_int_equal(set(LA_OPT_MSS, 9000), LA_OK);
  opens();
  assert_int_equal(said_options(r).mss, 1460);
}

TEST(the_send_buffer_bounds_what_is_queued)
{
  static uint8_t octets[2000];

  unopened();
  assert_int_equal(set(LA_OPT_SEND_BUFFER, 1000), LA_OK);
  opens();
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN), 1000);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 1, TCP_SEND_PLAIN), -LA_EAGAIN);
  connected();
  arrives(r, F_ACK, 1, 1001);
  assert_true(r->tcb->events & 1u << LA_EV_WRITABLE);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN), 1000);
}

TEST(a_larger_send_buffer_is_room_at_once)
{
  static uint8_t octets[2000];

  unopened();
  assert_int_equal(set(LA_OPT_SEND_BUFFER, 1000), LA_OK);
  opens();
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN), 1000);
  assert_int_equal(set(LA_OPT_SEND_BUFFER, 3000), LA_OK);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN), 2000);
}

TEST(a_smaller_send_buffer_takes_nothing_back)
{
  uint8_t octet = 0;

  unopened();
  opens();
  user_sends(r, 5000);
  assert_int_equal(set(LA_OPT_SEND_BUFFER, 1000), LA_OK);
  assert_int_equal(r->tcb->tx.octets, 5000);
  assert_int_equal(tcp_send(&r->t, r->tcb, &octet, 1, TCP_SEND_PLAIN), -LA_EAGAIN);
}

TEST(the_receive_buffer_is_the_window)
{
  unopened();
  assert_int_equal(set(LA_OPT_RECEIVE_BUFFER, 4000), LA_OK);
  opens();
  assert_int_equal(r->out.wnd, 4000);
}

TEST(a_smaller_receive_buffer_takes_back_no_window)
{
  unopened();
  opens();
  connected();
  assert_int_equal(set(LA_OPT_RECEIVE_BUFFER, 1000), LA_OK);
  arrives_with_text(r, F_ACK, 1, 1, 1400);
  assert_int_equal(r->last.code, V_NEXT);
  assert_int_equal(r->tcb->rcv.wnd, 16384 - 1400);
}

/* Whoever raises the buffer of a connection that waits wants it to go on. */
TEST(a_larger_receive_buffer_opens_a_shut_window)
{
  unopened();
  assert_int_equal(set(LA_OPT_RECEIVE_BUFFER, 1460), LA_OK);
  opens();
  connected();
  arrives_with_text(r, F_ACK, 1, 1, 1460);
  waits(r, LA_SEC);
  rig_forget_said(r);
  assert_int_equal(r->out.wnd, 0);
  assert_int_equal(set(LA_OPT_RECEIVE_BUFFER, 8000), LA_OK);
  says(r, "A 1 1461");
  assert_int_equal(r->out.wnd, 8000 - 1460);
}

TEST(quickack_lets_go_an_ack_that_waits)
{
  unopened();
  opens();
  connected();
  arrives_with_text(r, F_ACK, 1, 1, 10);
  says(r, "");
  assert_int_equal(set(LA_OPT_QUICKACK, 1), LA_OK);
  says(r, "A 1 11");
}

TEST(a_child_has_the_habits_of_its_listener)
{
  unopened();
  assert_int_equal(set(LA_OPT_NODELAY, 1), LA_OK);
  assert_int_equal(set(LA_OPT_KEEPALIVE, 1), LA_OK);
  assert_int_equal(set(LA_OPT_LINGER_MS, 5), LA_OK);
  assert_int_equal(set(LA_OPT_TTL, 9), LA_OK);
  assert_int_equal(set(LA_OPT_DSCP, 46), LA_OK);
  assert_int_equal(set(LA_OPT_RECEIVE_BUFFER, 5000), LA_OK);
  assert_int_equal(set(LA_OPT_MSS, 400), LA_OK);
  assert_int_equal(tcp_open_passive(&r->t, r->tcb, 1), LA_OK);
  r->listener = r->tcb;
  r->tcb = NULL;
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  assert_ptr_equal(r->tcb->habits, r->listener->habits);
  assert_int_equal(r->tcb->receive_buffer, r->listener->receive_buffer);
  assert_int_equal(r->out.wnd, 5000);
  assert_int_equal(said_options(r).mss, 400);
}

TEST(a_listener_that_changes_changes_no_child)
{
  rig_init(r);
  rig_established(r, true);
  assert_int_equal(tcp_set(&r->t, r->listener, LA_OPT_NODELAY, 1), LA_OK);
  assert_true(get(LA_OPT_NODELAY) == 0);
}

TEST(options_may_be_set_in_every_state)
{
  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    struct tcp_settings set_up = rig_settings();

    set_up.no_sack = false;
    rig_init_with(r, &set_up, RIG_SLABS, RIG_SLAB_SIZE);
    r->options.present |= TCP_OPT_SACK_OK;
    rig_in(r, (enum tcp_state)s, s != TCP_SYN_SENT);
    for (unsigned i = 0; i < LIMITS; i++)
      assert_int_equal(set(limits[i].option, limits[i].most), LA_OK);
    rig_forget_said(r);
    assert_int_equal(r->tcb->state, s);
  }
}

/* ---- sets that are shared ---- */

static struct tcb *another(void)
{
  struct tcb *const tcb = tcp_tcb_new(&r->t);

  assert_non_null(tcb);
  return tcb;
}

TEST(sockets_with_the_same_options_share_one_set)
{
  struct tcb *other;

  unopened();
  other = another();
  assert_ptr_equal(r->tcb->habits, other->habits);
  assert_int_equal(set(LA_OPT_NODELAY, 1), LA_OK);
  assert_ptr_not_equal(r->tcb->habits, other->habits);
  assert_false(other->habits->nodelay);
  assert_int_equal(set(LA_OPT_TTL, 9), LA_OK);
  assert_int_equal(tcp_set(&r->t, other, LA_OPT_TTL, 9), LA_OK);
  assert_int_equal(tcp_set(&r->t, other, LA_OPT_NODELAY, 1), LA_OK);
  assert_ptr_equal(r->tcb->habits, other->habits);
  assert_int_equal(r->t.habit_sets.used, 2); /* theirs, and the room's own */
}

TEST(a_set_that_nobody_uses_any_more_is_gone)
{
  unopened();
  assert_int_equal(set(LA_OPT_NODELAY, 1), LA_OK);
  assert_int_equal(r->t.habit_sets.used, 2);
  tcp_forget(&r->t, r->tcb);
  tcp_tcb_free(&r->t, tcp_finished(&r->t));
  assert_int_equal(r->t.habit_sets.used, 1);
}

TEST(one_set_too_many_is_refused_and_changes_nothing)
{
  struct tcp_settings settings = rig_settings();
  struct tcb *other;

  settings.habit_sets = 2;
  rig_init_with(r, &settings, RIG_SLABS, RIG_SLAB_SIZE);
  r->tcb = another();
  other = another();
  assert_int_equal(set(LA_OPT_TTL, 9), LA_OK);
  assert_int_equal(tcp_set(&r->t, other, LA_OPT_TTL, 10), -LA_ENOROOM);
  assert_ptr_equal(other->habits, r->t.habits);
  assert_int_equal(tcp_set(&r->t, other, LA_OPT_SEND_BUFFER, 4711), LA_OK); /* needs no set */
  assert_int_equal(set(LA_OPT_TTL, 10), LA_OK); /* takes the place of its own */
  assert_int_equal(get(LA_OPT_TTL), 10);
  assert_int_equal(tcp_set(&r->t, other, LA_OPT_TTL, 10), LA_OK);
  assert_ptr_equal(r->tcb->habits, other->habits);
  assert_int_equal(set(LA_OPT_TTL, 11), -LA_ENOROOM); /* it is not its alone any more */
  assert_int_equal(get(LA_OPT_TTL), 10);
}

RUN(cmocka_unit_test(sockets_with_the_same_options_share_one_set),
    cmocka_unit_test(a_set_that_nobody_uses_any_more_is_gone),
    cmocka_unit_test(one_set_too_many_is_refused_and_changes_nothing),
    cmocka_unit_test(every_option_is_in_this_files_table),
    cmocka_unit_test(what_is_within_the_limits_is_taken_and_told),
    cmocka_unit_test(what_is_beyond_them_is_refused_and_changes_nothing),
    cmocka_unit_test(an_option_that_is_none_is_refused),
    cmocka_unit_test(an_mss_is_at_least_64_or_none),
    cmocka_unit_test(the_standard_is_what_the_settings_say),
    cmocka_unit_test(mss_bounds_what_is_offered_and_what_is_sent),
    cmocka_unit_test(mss_cannot_be_more_than_the_link_has),
    cmocka_unit_test(the_send_buffer_bounds_what_is_queued),
    cmocka_unit_test(a_larger_send_buffer_is_room_at_once),
    cmocka_unit_test(a_smaller_send_buffer_takes_nothing_back),
    cmocka_unit_test(the_receive_buffer_is_the_window),
    cmocka_unit_test(a_smaller_receive_buffer_takes_back_no_window),
    cmocka_unit_test(a_larger_receive_buffer_opens_a_shut_window),
    cmocka_unit_test(quickack_lets_go_an_ack_that_waits),
    cmocka_unit_test(a_child_has_the_habits_of_its_listener),
    cmocka_unit_test(a_listener_that_changes_changes_no_child),
    cmocka_unit_test(options_may_be_set_in_every_state))
