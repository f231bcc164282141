/* Every reason of why.def is provoked by a test that is named after it, and every row of
 * count.def is counted; the last two tests say which of them were not. */
#include "support/reasons_loss.h"
#include "support/reasons_memory.h"

/* ---- 1: CLOSED ---- */

TEST(closed_port)
{
  begin();
  arrives(r, F_ACK, 1, 1);
  because(CLOSED_PORT);
}

TEST(closed_rst)
{
  begin();
  arrives(r, F_RST, 1, 0);
  because(CLOSED_RST);
}

/* ---- 2: LISTEN ---- */

TEST(listen_rst)
{
  listening(1);
  arrives(r, F_RST, 1, 0);
  because(LISTEN_RST);
}

TEST(listen_ack)
{
  listening(1);
  arrives(r, F_ACK, 1, 1);
  because(LISTEN_ACK);
}

TEST(listen_no_syn)
{
  listening(1);
  arrives(r, F_PSH, 1, 0);
  because(LISTEN_NO_SYN);
}

TEST(listen_full)
{
  listening(1);
  arrives(r, F_SYN, 0, 0);
  rig_pump(r);
  arrives(r, F_ACK, 1, 1);
  r->tcb = NULL;                                    /* the next one comes from another peer */
  r->ends.peer_port++;
  arrives(r, F_SYN, 0, 0);
  because(LISTEN_FULL);
}

TEST(listen_no_tcb)
{
  listening(1);
  r->t.set.no_syn_cookies = true;
  while (tcp_tcb_new(&r->t) != NULL)
    continue;
  arrives(r, F_SYN, 0, 0);
  because(LISTEN_NO_TCB);
}

static void half_open_queue_is_full(bool no_cookies)
{
  struct tcp_settings set = rig_settings();

  set.half_open = 1;
  set.no_syn_cookies = no_cookies;
  begin_with(&set);
  rig_listen(r, 4);
  arrives(r, F_SYN, 0, 0);
  r->tcb = NULL;
  r->ends.peer_port++;
  arrives(r, F_SYN, 0, 0);
}

TEST(syn_cookie_sent)
{
  half_open_queue_is_full(false);
  because(SYN_COOKIE_SENT);
}

TEST(syn_cookie_bad)
{
  half_open_queue_is_full(false);
  rig_pump(r);
  arrives(r, F_ACK, 1, r->reply.seq.n + 2);
  because(SYN_COOKIE_BAD);
}

TEST(syn_cookie_good)
{
  half_open_queue_is_full(false);
  rig_pump(r);
  arrives(r, F_ACK, 1, r->reply.seq.n + 1);
  assert_int_equal(r->t.count[TCP_N_cookies_good], 1);
  told();
}

TEST(syn_flood)
{
  half_open_queue_is_full(true);
  because(SYN_FLOOD);
}

/* ---- 3: SYN-SENT ---- */

TEST(syn_sent_bad_ack)
{
  in(TCP_SYN_SENT);
  arrives(r, F_ACK, 0, 2);
  because(SYN_SENT_BAD_ACK);
}

TEST(syn_sent_rst)
{
  in(TCP_SYN_SENT);
  arrives(r, F_RST, 0, 0);
  because(SYN_SENT_RST);
}

TEST(refused)
{
  in(TCP_SYN_SENT);
  arrives(r, F_RST | F_ACK, 0, 1);
  because(REFUSED);
}

TEST(syn_sent_no_syn)
{
  in(TCP_SYN_SENT);
  arrives(r, F_ACK, 0, 1);
  because(SYN_SENT_NO_SYN);
}

/* ---- 4: the eight steps ---- */

static void with_timestamps(void)
{
  struct tcp_settings set = rig_settings();

  set.no_timestamps = false;
  begin_with(&set);
  r->options.present |= TCP_OPT_TS;
  r->options.ts_val = 100;
  rig_established(r, false);
}

TEST(paws)
{
  with_timestamps();
  r->options.ts_val = 99;
  arrives(r, F_ACK, 1, 1);
  because(PAWS);
}

TEST(no_timestamp)
{
  with_timestamps();
  r->options.present = 0;
  arrives(r, F_ACK, 1, 1);
  because(NO_TIMESTAMP);
}

TEST(out_of_window)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_ACK, 0, 1);
  because(OUT_OF_WINDOW);
}

TEST(rst_out_of_window)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_RST, 0, 0);
  because(RST_OUT_OF_WINDOW);
}

TEST(rst_not_exact)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_RST, 2, 0);
  because(RST_NOT_EXACT);
}

TEST(rst_accepted)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_RST, 1, 0);
  because(RST_ACCEPTED);
}

TEST(syn_again)
{
  in(TCP_SYN_RECEIVED);
  arrives(r, F_SYN, 1, 0);
  because(SYN_AGAIN);
}

TEST(syn_in_window)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_SYN, 1, 0);
  because(SYN_IN_WINDOW);
}

TEST(no_ack)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_PSH, 1, 0);
  because(NO_ACK);
}

TEST(ack_not_of_syn)
{
  in(TCP_SYN_RECEIVED);
  arrives(r, F_ACK, 1, 2);
  because(ACK_NOT_OF_SYN);
}

TEST(accept_full)
{
  in(TCP_SYN_RECEIVED);
  r->listener->listener.queued = 2;
  arrives(r, F_ACK, 1, 1);
  r->listener->listener.queued = 0;
  because(ACCEPT_FULL);
}

TEST(accept_deferred)
{
  in(TCP_SYN_RECEIVED);
  rig_habits(r)->defer_retries = 1;
  arrives(r, F_ACK, 1, 1);
  because(ACCEPT_DEFERRED);
}

TEST(ack_of_unsent)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_ACK, 1, 2);
  because(ACK_OF_UNSENT);
}

TEST(ack_too_old)
{
  in(TCP_ESTABLISHED);
  arrives(r, F_ACK, 1, (uint32_t)-RIG_WND);
  because(ACK_TOO_OLD);
}

TEST(last_ack)
{
  in(TCP_LAST_ACK);
  arrives(r, F_ACK, 2, 2);
  because(LAST_ACK);
}

TEST(after_fin)
{
  in(TCP_CLOSE_WAIT);
  arrives_with_text(r, F_ACK, 2, 1, 5);
  because(AFTER_FIN);
}

TEST(nobody_reads)
{
  in(TCP_FIN_WAIT_2);
  tcp_forget(&r->t, r->tcb);
  arrives_with_text(r, F_ACK, 1, 2, 5);
  because(NOBODY_READS);
}

TEST(no_memory)
{
  in(TCP_ESTABLISHED);
  while (r->slabs.used + 1 < r->slabs.count)
    (void)slab_get(&r->slabs);
  arrives_with_text(r, F_ACK, 1, 1, 5);
  because(NO_MEMORY);
}

TEST(too_many_islands)
{
  in(TCP_ESTABLISHED);
  while (pool_get(&r->t.islands) != NULL)
    continue;
  arrives_with_text(r, F_ACK, 100, 1, 5);
  because(TOO_MANY_ISLANDS);
}

/* ---- TIME-WAIT ---- */

TEST(time_wait_rst)
{
  in(TCP_TIME_WAIT);
  arrives(r, F_RST, their_next(), 0);
  because(TIME_WAIT_RST);
}

TEST(time_wait_syn)
{
  in(TCP_TIME_WAIT);
  arrives(r, F_SYN, 0, 0);
  because(TIME_WAIT_SYN);
}

TEST(time_wait_reused)
{
  in(TCP_TIME_WAIT);
  arrives(r, F_SYN, 1000, 0);
  because(TIME_WAIT_REUSED);
}

TEST(time_wait_fin)
{
  in(TCP_TIME_WAIT);
  arrives(r, F_FIN | F_ACK, 1, 2);
  because(TIME_WAIT_FIN);
}

TEST(time_wait_old)
{
  in(TCP_TIME_WAIT);
  arrives(r, F_ACK, 0, 2);
  because(TIME_WAIT_OLD);
}

/* ---- what else is counted ---- */

static void one_loses_a_segment(void)
{
  rig_in(r, TCP_ESTABLISHED, false);
  user_sends(r, 5 * 1460);
  rig_pump(r);
  for (int i = 0; i < 3; i++)
    arrives(r, F_ACK, 1, 1);
  assert_non_null(tcp_undo(r->tcb));
}

TEST(losses_that_made_way_for_others_before_they_were_over_are_counted)
{
  begin();
  r->t.set.undos = 1;
  one_loses_a_segment();
  r->ends.local_port++;
  one_loses_a_segment();
  assert_int_equal(r->t.count[TCP_N_undos_short], 1);
  told();
}

TEST(limits_on_answers_are_counted)
{
  begin();
  r->t.reset_rate.per_second = 1;
  arrives(r, F_ACK, 1, 1);
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->t.count[TCP_N_resets_limited], 1);
  told();
  begin();
  for (int i = 0; i < 9; i++)
    arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->t.count[TCP_N_replies_lost], 1);
  told();
  in(TCP_ESTABLISHED);
  r->t.challenge_rate.per_second = 0;
  arrives(r, F_RST, 2, 0);
  assert_int_equal(r->t.count[TCP_N_challenges_limited], 1);
  told();
}

TEST(losses_are_counted)
{
  in(TCP_ESTABLISHED);
  user_sends(r, 5 * 1460);
  rig_pump(r);
  for (int i = 0; i < 3; i++)
    arrives(r, F_ACK, 1, 1);
  rig_pump(r);
  assert_int_equal(r->t.count[TCP_N_fast_retransmits], 1);
  assert_int_equal(r->t.count[TCP_N_resent], 1);
  waits(r, 3600 * LA_SEC);
  assert_int_equal(r->t.count[TCP_N_timeouts], 15);
  assert_int_equal(r->t.count[TCP_N_given_up], 1);
  assert_int_equal(r->t.count[TCP_N_established_resets], 1);
  told();
}

TEST(probes_are_counted)
{
  in(TCP_ESTABLISHED);
  r->wnd = 0;
  arrives(r, F_ACK, 1, 1);
  user_sends(r, 10);
  waits(r, LA_SEC);
  assert_true(r->t.count[TCP_N_window_probes] > 0);
  told();
  in(TCP_ESTABLISHED);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE, 1), LA_OK);
  waits(r, 7200 * LA_SEC);
  assert_int_equal(r->t.count[TCP_N_keepalives], 1);
  told();
}

TEST(acknowledgments_and_order_are_counted)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 1, 5);
  waits(r, 40 * LA_MS);
  arrives_with_text(r, F_ACK, 1, 1, 5);
  arrives_with_text(r, F_ACK, 11, 1, 5);
  assert_int_equal(r->t.count[TCP_N_delayed_acks], 1);
  assert_int_equal(r->t.count[TCP_N_duplicates], 1);
  assert_int_equal(r->t.count[TCP_N_out_of_order], 1);
  told();
}

TEST(a_sacrificed_island_is_counted)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1001, 1, 5);
  while (r->slabs.used + 1 < r->slabs.count)
    (void)slab_get(&r->slabs);
  arrives_with_text(r, F_ACK, 1, 1, 5);
  assert_int_equal(r->t.count[TCP_N_islands_sacrificed], 1);
  told();
}

static void one_that_nobody_holds_ends_in_time_wait(void)
{
  rig_connect(r);
  rig_pump(r);
  arrives(r, F_SYN | F_ACK, 0, 1);
  rig_pump(r);
  tcp_forget(&r->t, r->tcb);
  rig_pump(r);
  arrives(r, F_FIN | F_ACK, 1, 2);
  rig_pump(r);
  rig_reap(r);
  r->tw = NULL;
  r->ends.local_port++;
}

TEST(time_waits_are_counted_and_so_are_those_that_had_to_go)
{
  begin();
  r->t.set.congestion = LA_CC_BBR;     /* in vain, for the peer has no SACK: models_short */
  for (int i = 0; i < 3; i++)
    one_that_nobody_holds_ends_in_time_wait();
  assert_int_equal(r->t.count[TCP_N_time_waits], 3);
  assert_int_equal(r->t.count[TCP_N_time_waits_killed], 1);
  told();
}

/* RFC 4821: a probe that is lost, and two time-outs of what is large. */
TEST(black_holes_and_probes_are_counted)
{
  begin();
  r->t.set.habits.mtu_probing = LA_MTU_PROBE_ALWAYS;
  rig_in(r, TCP_ESTABLISHED, true);
  user_sends(r, 14600);
  rig_pump(r);
  for (int i = 0; i < 3; i++)
    arrives(r, F_ACK, 1, 1);
  waits(r, 3 * LA_SEC);
  told();
}

/* ---- Fast Open ---- */

TEST(syn_text)
{
  begin();
  r->t.set.habits.no_syn_text = true;
  rig_listen(r, 2);
  arrives_with_text(r, F_SYN, 0, 0, 5);
  because(SYN_TEXT);
}

TEST(fastopen_bad_cookie)
{
  syn_brings(false);
  because(FASTOPEN_BAD_COOKIE);
}

TEST(fastopen_full)
{
  syn_brings(true);
  r->tcb = NULL;
  r->ends.peer_port++;
  arrives(r, F_SYN, 0, 0);
  because(FASTOPEN_FULL);
}

TEST(what_becomes_of_text_in_our_syns_is_counted)
{
  struct tcp_settings set = rig_settings();

  set.fastopen_cookies = 4;
  set.fastopen_refused = LA_SEC;
  set.habits.fastopen_connect = set.habits.fastopen_no_cookie = true;
  begin_with(&set);
  opens_fast(5);
  opens_fast(0);
  r->t.set.habits.fastopen_no_cookie = false; /* it asks for a cookie and gets none: a refusal */
  opens_fast(0);
  opens_fast(0);
  assert_int_equal(r->t.count[TCP_N_fastopen_active] + r->t.count[TCP_N_fastopen_avoided], 2);
  told();
}

/* ---- all of them ---- */

TEST(every_reason_of_the_table_was_met)
{
  unsigned missing = 0;

  for (unsigned i = WHY_NONE; i < WHY_COUNT; i++) {
    if (whys[i] > 0)
      continue;
    missing++;
    print_error("no test provokes %s\n", tcp_why_row(i).name);
  }
  assert_int_equal(missing, 0);
}

TEST(every_counter_of_the_table_was_moved)
{
  unsigned missing = 0;

  for (unsigned i = 0; i < TCP_COUNT_COUNT; i++) {
    if (counts[i] > 0)
      continue;
    missing++;
    print_error("no test moves %s\n", tcp_count_row(i).name);
  }
  assert_int_equal(missing, 0);
}

RUN(cmocka_unit_test(marks_of_congestion_are_counted),
    cmocka_unit_test(losses_that_were_none_are_counted_and_so_are_lost_resends),
    cmocka_unit_test(time_outs_that_were_none_are_counted), cmocka_unit_test(closed_port),
    cmocka_unit_test(closed_rst), cmocka_unit_test(listen_rst), cmocka_unit_test(listen_ack),
    cmocka_unit_test(listen_no_syn), cmocka_unit_test(listen_full), cmocka_unit_test(listen_no_tcb),
    cmocka_unit_test(syn_cookie_sent), cmocka_unit_test(syn_cookie_bad),
    cmocka_unit_test(syn_cookie_good), cmocka_unit_test(syn_flood),
    cmocka_unit_test(syn_sent_bad_ack), cmocka_unit_test(syn_sent_rst), cmocka_unit_test(refused),
    cmocka_unit_test(syn_sent_no_syn), cmocka_unit_test(paws), cmocka_unit_test(no_timestamp),
    cmocka_unit_test(out_of_window), cmocka_unit_test(rst_out_of_window),
    cmocka_unit_test(rst_not_exact), cmocka_unit_test(rst_accepted), cmocka_unit_test(syn_again),
    cmocka_unit_test(syn_in_window), cmocka_unit_test(no_ack), cmocka_unit_test(ack_not_of_syn),
    cmocka_unit_test(accept_full), cmocka_unit_test(accept_deferred),
    cmocka_unit_test(ack_of_unsent), cmocka_unit_test(ack_too_old), cmocka_unit_test(last_ack),
    cmocka_unit_test(after_fin), cmocka_unit_test(nobody_reads), cmocka_unit_test(no_memory),
    cmocka_unit_test(too_many_islands),
    cmocka_unit_test(time_wait_rst), cmocka_unit_test(time_wait_syn),
    cmocka_unit_test(time_wait_reused), cmocka_unit_test(time_wait_fin),
    cmocka_unit_test(time_wait_old), cmocka_unit_test(limits_on_answers_are_counted),
    cmocka_unit_test(losses_that_made_way_for_others_before_they_were_over_are_counted),
    cmocka_unit_test(losses_are_counted), cmocka_unit_test(probes_are_counted),
    cmocka_unit_test(acknowledgments_and_order_are_counted),
    cmocka_unit_test(a_sacrificed_island_is_counted),
    cmocka_unit_test(text_beyond_a_share_is_counted),
    cmocka_unit_test(buffers_that_grow_are_counted),
    cmocka_unit_test(time_waits_are_counted_and_so_are_those_that_had_to_go),
    cmocka_unit_test(syn_text), cmocka_unit_test(fastopen_bad_cookie),
    cmocka_unit_test(fastopen_full), cmocka_unit_test(what_becomes_of_text_in_our_syns_is_counted),
    cmocka_unit_test(black_holes_and_probes_are_counted),
    cmocka_unit_test(every_reason_of_the_table_was_met),
    cmocka_unit_test(every_counter_of_the_table_was_moved))
