/* TIME-WAIT, RFC 9293 3.6.1 and 3.10.7.4, RFC 1337, RFC 6191: in a control block that somebody
 * holds and in the small record that nobody does, the same answers. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum keeper { HELD, RECORD, KEEPERS };        /* who remembers the connection */

static void begin(bool timestamps)
{
  struct tcp_settings set = rig_settings();

  set.no_timestamps = !timestamps;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  if (timestamps) {
    r->options.present |= TCP_OPT_TS;
    r->options.ts_val = 1000;
  }
}

/* A connection that we closed first, one octet each way; the ports are heard by a listener. */
static void in_time_wait(enum keeper keeper, bool timestamps)
{
  begin(timestamps);
  rig_established(r, true);
  if (keeper == HELD)
    user_closes(r);
  else
    tcp_forget(&r->t, r->tcb);
  rig_pump(r);
  arrives(r, F_FIN | F_ACK, 1, 2);
  rig_pump(r);
  if (keeper == HELD)
    assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  rig_reap(r);
  r->said_length = 0;
  r->said[0] = 0;
  if (keeper == RECORD)
    assert_int_equal(r->t.time_waits.used, 1);
}

static bool is_over(enum keeper keeper)
{
  return keeper == HELD ? r->tcb->state == TCP_CLOSED : tcp_time_wait_expired(&r->t) != NULL;
}

/* The record's acknowledgment goes by absolute numbers. */
static bool acknowledged(enum keeper keeper)
{
  rig_pump(r);
  if (keeper == HELD)
    return strcmp(r->said, "A 2 2") == 0;
  return r->said_length > 0 && r->reply.flags == F_ACK && r->reply.seq.n == r->tw->snd_nxt.n &&
         r->reply.ack.n == r->tw->rcv_nxt.n;
}

static bool silent(void)
{
  rig_pump(r);
  return r->said_length == 0;
}

static bool nobody_listens;

/* An arrival in TIME-WAIT; its ack is relative to our ISS, whoever remembers it. */
static void comes(unsigned flags, uint32_t seq, uint32_t text)
{
  const uint32_t nxt = r->tcb ? r->tcb->snd.nxt.n : r->tw->snd_nxt.n;
  struct tcp_seg seg = rig_seg(r, flags, seq, 0, text);
  struct frag frag = { 0 };

  assert_true(rig_text(r, &seg, &frag, seq, text));
  seg.nobody_listens = nobody_listens;
  if (flags & F_ACK)
    seg.ack = seq_of(nxt);
  r->last = rig_dispatch(r, &seg);
  if (frag.slab)
    slab_release(&r->slabs, frag.slab);
}

#define for_each_keeper(k) for (enum keeper k = HELD; k < KEEPERS; k++)

/* ---- how long, MUST-13 ---- */

TEST(it_lasts_2_msl_and_no_longer)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    waits(r, 60 * LA_SEC - LA_MS);
    assert_false(is_over(k));
    waits(r, LA_MS);
    assert_true(is_over(k));
  }
}

TEST(the_fin_again_is_acknowledged_and_begins_2_msl_anew)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    waits(r, 40 * LA_SEC);
    comes(F_FIN | F_ACK, 1, 0);
    refused_because(r, TIME_WAIT_FIN);
    assert_true(acknowledged(k));
    waits(r, 60 * LA_SEC - LA_MS);
    assert_false(is_over(k));
    waits(r, LA_MS);
    assert_true(is_over(k));
  }
}

/* RFC 9293 3.10.7.4 fifth: without ACK a segment in the window is dropped. */
TEST(a_fin_without_an_ack_is_dropped)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    comes(F_FIN, 2, 0);
    refused_because(r, NO_ACK);
    assert_true(silent());
  }
}

/* MAY-2 is for new connections, and a SYN with a FIN opens none (RFC 6247). */
TEST(a_syn_with_a_fin_does_not_reopen)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    comes(F_SYN | F_FIN, 70000, 0);
    refused_because(r, TIME_WAIT_SYN);
    assert_true(acknowledged(k));
  }
}

/* RFC 1337 3: no RST ends it, and none prolongs it. */
TEST(a_rst_changes_nothing)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    waits(r, 40 * LA_SEC);
    comes(F_RST, 2, 0);
    refused_because(r, TIME_WAIT_RST);
    assert_true(silent());
    assert_false(is_over(k));
    waits(r, 20 * LA_SEC);
    assert_true(is_over(k));
  }
}

TEST(closing_again_does_not_prolong_it)
{
  in_time_wait(HELD, false);
  waits(r, 40 * LA_SEC);
  assert_int_equal(tcp_close(&r->t, r->tcb), -LA_ECLOSING);
  waits(r, 20 * LA_SEC);
  assert_true(is_over(HELD));
}

/* ---- old duplicates ---- */

TEST(an_old_duplicate_with_text_is_acknowledged_and_nothing_else)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    waits(r, 40 * LA_SEC);
    comes(F_ACK, 0, 1);
    refused_because(r, TIME_WAIT_OLD);
    assert_true(acknowledged(k));
    waits(r, 20 * LA_SEC);
    assert_true(is_over(k));
  }
}

TEST(text_beyond_the_fin_is_not_taken)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    comes(F_ACK, 2, 100);
    refused_because(r, TIME_WAIT_OLD);
    assert_true(acknowledged(k));
  }
}

TEST(the_plain_ack_that_ends_the_close_is_not_answered)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    comes(F_ACK, 2, 0);
    refused_because(r, TIME_WAIT_OLD);
    assert_true(silent());
  }
}

/* RFC 5961 7: two ends that disagree do not keep each other busy. */
TEST(answers_to_empty_segments_are_limited)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    r->t.challenge_rate.per_second = 2;
    for (int i = 0; i < 5; i++) {
      comes(F_ACK, 1, 0);
      rig_forget_said(r);
    }
    assert_in_range(r->t.count[TCP_N_challenges_out], 1, 2);
    assert_in_range(r->t.count[TCP_N_challenges_limited], 3, 4);
  }
}

TEST(a_fin_from_before_the_last_timestamp_is_an_old_duplicate)
{
  for_each_keeper(k) {
    in_time_wait(k, true);
    waits(r, 40 * LA_SEC);
    r->options.ts_val = 999;
    comes(F_FIN | F_ACK, 1, 0);
    refused_because(r, TIME_WAIT_OLD);
    waits(r, 20 * LA_SEC);
    assert_true(is_over(k));
  }
}

TEST(the_answer_carries_timestamps_where_they_were_agreed)
{
  struct tcp_options o;

  in_time_wait(RECORD, true);
  comes(F_FIN | F_ACK, 1, 0);
  assert_true(acknowledged(RECORD));
  o = replied_options(r);
  assert_int_equal(o.present, TCP_OPT_TS);
  assert_int_equal(o.ts_ecr, 1000);
  assert_int_equal(o.ts_val, (uint32_t)(r->t.now / LA_MS) + r->tw->ts_offset);
}

/* ---- reuse: RFC 9293 3.6.1 (MAY-2), RFC 6191 2 ---- */

static void syn_comes(uint32_t seq, uint32_t ts_val)
{
  r->options.ts_val = ts_val;
  comes(F_SYN, seq, 0);
}

TEST(a_syn_with_a_newer_timestamp_ends_it_whatever_its_sequence_number)
{
  for_each_keeper(k) {
    in_time_wait(k, true);
    syn_comes((uint32_t)-100000, 1001);
    refused_because(r, TIME_WAIT_REUSED);
    if (k == HELD)
      assert_int_equal(r->tcb->state, TCP_CLOSED);
  }
}

TEST(an_older_timestamp_is_challenged_whatever_the_sequence_number)
{
  for_each_keeper(k) {
    in_time_wait(k, true);
    syn_comes(100000, 999);
    refused_because(r, TIME_WAIT_SYN);
    assert_true(acknowledged(k));
    assert_false(is_over(k));
  }
}

TEST(with_the_same_timestamp_the_sequence_number_decides)
{
  for_each_keeper(k) {
    in_time_wait(k, true);
    syn_comes(2, 1000);
    refused_because(r, TIME_WAIT_SYN);
    syn_comes(3, 1000);
    refused_because(r, TIME_WAIT_REUSED);
  }
}

TEST(without_timestamps_the_sequence_number_decides)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    comes(F_SYN, 2, 0);
    refused_because(r, TIME_WAIT_SYN);
    assert_true(acknowledged(k));
    comes(F_SYN, 3, 0);
    refused_because(r, TIME_WAIT_REUSED);
  }
}

TEST(a_syn_ack_never_reuses_it)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    comes(F_SYN | F_ACK, 100000, 0);
    refused_because(r, TIME_WAIT_SYN);
    assert_true(acknowledged(k));
  }
}

/* It would be ended for nobody (RFC 1337). */
TEST(a_newer_syn_that_nobody_listens_for_does_not_end_it)
{
  for_each_keeper(k) {
    in_time_wait(k, false);
    nobody_listens = true;
    comes(F_SYN, 3, 0);
    nobody_listens = false;
    refused_because(r, TIME_WAIT_SYN);
    assert_true(acknowledged(k));
    assert_false(is_over(k));
  }
}

/* RFC 9293 3.6.1: the new ISS is larger than the largest number the old connection used. */
TEST(the_new_iss_lies_beyond_the_old_connection)
{
  struct tcb *child;
  struct tcp_seg seg;
  tcp_seq old;

  in_time_wait(HELD, false);
  old = r->tcb->snd.nxt = seq_add(r->tcb->snd.nxt, 1000000);       /* it sent a lot */
  seg = rig_seg(r, F_SYN, 100000, 0, 0);
  assert_int_equal(tcp_arrive(&r->t, r->tcb, &seg).why, WHY_TIME_WAIT_REUSED);
  assert_true(seg.reuse);
  (void)tcp_arrive_listen(&r->t, r->listener, &r->ends, 0, &r->path, &seg, &child);
  assert_non_null(child);
  assert_true(seq_lt(old, child->snd.iss));
  r->tcb = child;
}

/* RFC 6191 2: a cookie's number is what it is, and may lie below the old connection's. */
TEST(no_cookie_answers_a_syn_that_has_ended_it)
{
  struct tcb *child;
  struct tcp_seg seg;

  in_time_wait(HELD, false);
  r->t.set.half_open = 0;
  assert_false(tcp_listener_may_fork(&r->t, r->listener));
  seg = rig_seg(r, F_SYN, 100000, 0, 0);
  assert_int_equal(tcp_arrive_listen(&r->t, r->listener, &r->ends, 0, &r->path, &seg, &child).why,
                   WHY_SYN_COOKIE_SENT);
  rig_forget_said(r);
  seg = rig_seg(r, F_SYN, 100000, 0, 0);
  seg.reuse = true;
  seg.iss_after = r->tcb->snd.nxt;
  assert_int_equal(tcp_arrive_listen(&r->t, r->listener, &r->ends, 0, &r->path, &seg, &child).why,
                   WHY_SYN_FLOOD);
  assert_null(child);
  assert_true(silent());
}

TEST(a_listener_with_a_full_queue_or_without_a_control_block_has_no_room)
{
  in_time_wait(RECORD, false);
  assert_true(tcp_listener_may_fork(&r->t, r->listener));
  r->listener->listener.backlog = r->listener->listener.queued;
  assert_false(tcp_listener_may_fork(&r->t, r->listener));
  r->listener->listener.backlog++;
  while (tcp_tcb_new(&r->t) != NULL)
    continue;
  assert_false(tcp_listener_may_fork(&r->t, r->listener));
}

/* ---- the pool of records ---- */

TEST(the_oldest_record_goes_when_there_is_no_room)
{
  struct time_wait *first, *second;
  struct tcb *tcb;

  in_time_wait(RECORD, false);
  first = r->tw;
  tcb = tcp_tcb_new(&r->t);
  waits(r, LA_SEC);
  assert_null(tcp_time_wait_victim(&r->t));
  second = tcp_time_wait_new(&r->t, tcb);
  assert_non_null(second);
  assert_ptr_equal(tcp_time_wait_victim(&r->t), first);
  assert_null(tcp_time_wait_new(&r->t, tcb));
  tcp_time_wait_free(&r->t, first);
  assert_null(tcp_time_wait_victim(&r->t));
  assert_ptr_equal(tcp_time_wait_new(&r->t, tcb), first);
  assert_ptr_equal(tcp_time_wait_victim(&r->t), second);
}

TEST(records_end_in_the_order_of_their_2_msl)
{
  struct time_wait *first, *second;

  in_time_wait(RECORD, false);
  first = r->tw;
  waits(r, LA_SEC);
  second = tcp_time_wait_new(&r->t, tcp_tcb_new(&r->t));
  waits(r, LA_SEC);
  comes(F_FIN | F_ACK, 1, 0);                 /* the first one starts again */
  waits(r, 59 * LA_SEC);
  assert_ptr_equal(tcp_time_wait_expired(&r->t), second);
  tcp_time_wait_free(&r->t, second);
  assert_null(tcp_time_wait_expired(&r->t));
  waits(r, LA_SEC);
  assert_ptr_equal(tcp_time_wait_expired(&r->t), first);
  tcp_time_wait_free(&r->t, first);
  assert_int_equal(tcp_deadline(&r->t), LA_NEVER);
}

TEST(a_record_remembers_how_long_the_connection_had_already_waited)
{
  in_time_wait(HELD, false);
  waits(r, 40 * LA_SEC);
  tcp_forget(&r->t, r->tcb);
  rig_pump(r);
  rig_reap(r);
  assert_non_null(r->tw);
  waits(r, 20 * LA_SEC - LA_MS);
  assert_null(tcp_time_wait_expired(&r->t));
  waits(r, LA_MS);
  assert_ptr_equal(tcp_time_wait_expired(&r->t), r->tw);
}

TEST(what_was_received_can_still_be_read)
{
  begin(false);
  rig_established(r, false);
  user_closes(r);
  rig_pump(r);
  arrives_with_text(r, F_FIN | F_ACK, 1, 2, 100);
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  user_reads(r, 1, 100);
  assert_int_equal(tcp_recv(&r->t, r->tcb, r->said, 1), -LA_EEOF);
}

RUN(cmocka_unit_test(it_lasts_2_msl_and_no_longer),
    cmocka_unit_test(the_fin_again_is_acknowledged_and_begins_2_msl_anew),
    cmocka_unit_test(a_fin_without_an_ack_is_dropped),
    cmocka_unit_test(a_syn_with_a_fin_does_not_reopen),
    cmocka_unit_test(a_rst_changes_nothing),
    cmocka_unit_test(closing_again_does_not_prolong_it),
    cmocka_unit_test(an_old_duplicate_with_text_is_acknowledged_and_nothing_else),
    cmocka_unit_test(text_beyond_the_fin_is_not_taken),
    cmocka_unit_test(the_plain_ack_that_ends_the_close_is_not_answered),
    cmocka_unit_test(answers_to_empty_segments_are_limited),
    cmocka_unit_test(a_fin_from_before_the_last_timestamp_is_an_old_duplicate),
    cmocka_unit_test(the_answer_carries_timestamps_where_they_were_agreed),
    cmocka_unit_test(a_syn_with_a_newer_timestamp_ends_it_whatever_its_sequence_number),
    cmocka_unit_test(an_older_timestamp_is_challenged_whatever_the_sequence_number),
    cmocka_unit_test(with_the_same_timestamp_the_sequence_number_decides),
    cmocka_unit_test(without_timestamps_the_sequence_number_decides),
    cmocka_unit_test(a_syn_ack_never_reuses_it),
    cmocka_unit_test(a_newer_syn_that_nobody_listens_for_does_not_end_it),
    cmocka_unit_test(the_new_iss_lies_beyond_the_old_connection),
    cmocka_unit_test(no_cookie_answers_a_syn_that_has_ended_it),
    cmocka_unit_test(a_listener_with_a_full_queue_or_without_a_control_block_has_no_room),
    cmocka_unit_test(the_oldest_record_goes_when_there_is_no_room),
    cmocka_unit_test(records_end_in_the_order_of_their_2_msl),
    cmocka_unit_test(a_record_remembers_how_long_the_connection_had_already_waited),
    cmocka_unit_test(what_was_received_can_still_be_read))
