/* Every error of every call of the user, RFC 9293 3.10.1 to 3.10.6: what it answers in each state,
 * and that a call that answers an error has changed nothing. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static uint8_t octets[32768];

static void in(enum tcp_state s)
{
  rig_init(r);
  rig_in(r, s, s != TCP_SYN_SENT);
}

/* Answers by state: what each call says in it. LA_OK: it succeeds. */
struct answers { int open, send, recv, close; };

static const struct answers answers[TCP_STATE_COUNT] = {
  /*                      open        send         recv         close */
  [TCP_CLOSED]       = { LA_OK,      LA_ESTATE,   LA_ESTATE,   LA_ESTATE },     /* never opened */
  [TCP_LISTEN]       = { LA_ESTATE,  LA_ESTATE,   LA_ESTATE,   LA_OK },
  [TCP_SYN_SENT]     = { LA_ESTATE,  LA_OK,       LA_EAGAIN,   LA_OK },
  [TCP_SYN_RECEIVED] = { LA_ESTATE,  LA_OK,       LA_EAGAIN,   LA_OK },
  [TCP_ESTABLISHED]  = { LA_ESTATE,  LA_OK,       LA_EAGAIN,   LA_OK },
  [TCP_FIN_WAIT_1]   = { LA_ESTATE,  LA_ECLOSING, LA_EAGAIN,   LA_ECLOSING },
  [TCP_FIN_WAIT_2]   = { LA_ESTATE,  LA_ECLOSING, LA_EAGAIN,   LA_ECLOSING },
  [TCP_CLOSE_WAIT]   = { LA_ESTATE,  LA_OK,       LA_EEOF,     LA_OK },
  [TCP_CLOSING]      = { LA_ESTATE,  LA_ECLOSING, LA_EEOF,     LA_ECLOSING },
  [TCP_LAST_ACK]     = { LA_ESTATE,  LA_ECLOSING, LA_EEOF,     LA_ECLOSING },
  [TCP_TIME_WAIT]    = { LA_ESTATE,  LA_ECLOSING, LA_EEOF,     LA_ECLOSING },
};

TEST(open_answers_by_state)
{
  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    in((enum tcp_state)s);
    r->tcb->ends = r->ends;
    r->tcb->path = r->path;
    assert_int_equal(tcp_open_active(&r->t, r->tcb), -answers[s].open);
    if (answers[s].open != LA_OK)
      assert_int_equal(r->tcb->state, s);
    in((enum tcp_state)s);
    if (s != TCP_LISTEN)                            /* there, it sets the backlog */
      assert_int_equal(tcp_open_passive(&r->t, r->tcb, 1), -answers[s].open);
  }
}

TEST(send_answers_by_state)
{
  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    const int want = answers[s].send == LA_OK ? 10 : -answers[s].send;

    in((enum tcp_state)s);
    assert_int_equal(tcp_send(&r->t, r->tcb, octets, 10, TCP_SEND_PLAIN), want);
    assert_int_equal(r->tcb->tx.octets, want > 0 ? 10 : 0);
    in((enum tcp_state)s);
    assert_int_equal(tcp_send_frags(&r->t, r->tcb, NULL, 0), -answers[s].send);
  }
}

TEST(receive_answers_by_state)
{
  struct frag frag;

  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    in((enum tcp_state)s);
    assert_int_equal(tcp_recv(&r->t, r->tcb, octets, 10), -answers[s].recv);
    assert_int_equal(tcp_peek(&r->t, r->tcb, &frag, 1), -answers[s].recv);
    assert_int_equal(tcp_consume(&r->t, r->tcb, 1), -LA_EINVAL);
  }
}

TEST(close_answers_by_state)
{
  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    in((enum tcp_state)s);
    assert_int_equal(tcp_close(&r->t, r->tcb), -answers[s].close);
    if (answers[s].close != LA_OK)
      assert_int_equal(r->tcb->state, s);
  }
}

TEST(accept_finds_nobody)
{
  in(TCP_LISTEN);
  assert_null(tcp_accept(&r->t, r->tcb));
}

/* ---- how a connection ended is what every later call answers, RFC 9293 3.9.1 ---- */

struct ending { int error; void (*act)(void); };

static void reset_comes(void) { arrives(r, F_RST, 1, 0); }

static void nobody_answers(void)
{
  user_sends(r, 10);
  waits(r, 3600 * LA_SEC);
}

static void check_ending(int error)
{
  struct frag frag;

  assert_int_equal(r->tcb->state, TCP_CLOSED);
  for (int i = 0; i < 2; i++) {                     /* it is not forgotten by being told */
    assert_int_equal(tcp_send(&r->t, r->tcb, octets, 10, TCP_SEND_PLAIN), -error);
    assert_int_equal(tcp_send_frags(&r->t, r->tcb, NULL, 0), -error);
    assert_int_equal(tcp_recv(&r->t, r->tcb, octets, 10), -error);
    assert_int_equal(tcp_peek(&r->t, r->tcb, &frag, 1), -error);
    assert_int_equal(tcp_close(&r->t, r->tcb), -error);
    assert_int_equal(tcp_open_active(&r->t, r->tcb), -LA_ESTATE);
  }
}

TEST(the_way_it_ended_is_answered_from_then_on)
{
  static const struct ending endings[] = {
    { LA_ERESET, reset_comes }, { LA_ETIMEDOUT, nobody_answers },
  };

  for (unsigned i = 0; i < sizeof endings / sizeof *endings; i++) {
    in(TCP_ESTABLISHED);
    endings[i].act();
    check_ending(endings[i].error);
  }
}

TEST(a_refusal_is_answered_from_then_on)
{
  in(TCP_SYN_SENT);
  arrives(r, F_RST | F_ACK, 0, 1);
  check_ending(LA_EREFUSED);
}

TEST(an_unreachable_peer_is_answered_from_then_on)
{
  in(TCP_SYN_SENT);
  tcp_icmp(&r->t, r->tcb, r->tcb->snd.iss, true, LA_EUNREACH);
  check_ending(LA_EUNREACH);
}

TEST(closing_an_attempt_aborts_it)                  /* 3.10.4: queued SENDs answer "closing" */
{
  in(TCP_SYN_SENT);
  user_sends(r, 10);
  user_closes(r);
  check_ending(LA_EABORTED);
  says(r, "");
}

TEST(a_connection_that_ended_well_answers_eof)
{
  in(TCP_LAST_ACK);
  arrives(r, F_ACK, 2, 2);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, 10), -LA_EEOF);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 10, TCP_SEND_PLAIN), -LA_ECLOSING);
  assert_int_equal(tcp_close(&r->t, r->tcb), -LA_ECLOSING);
}

TEST(after_time_wait_it_has_ended_well)
{
  in(TCP_TIME_WAIT);
  waits(r, 60 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, 10), -LA_EEOF);
}

/* ---- SEND ---- */

TEST(a_full_buffer_answers_again_and_an_event_follows)
{
  uint8_t events;

  in(TCP_ESTABLISHED);
  while (tcp_notified(&r->t, &events) != NULL)
    continue;
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN), 16384);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 1, TCP_SEND_PLAIN), -LA_EAGAIN);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, 1461);
  assert_null(tcp_notified(&r->t, &events));        /* too little to be worth it */
  arrives(r, F_ACK, 1, 7301);
  assert_ptr_equal(tcp_notified(&r->t, &events), r->tcb);
  assert_true(events & 1u << LA_EV_WRITABLE);
  arrives(r, F_ACK, 1, 8761);
  assert_null(tcp_notified(&r->t, &events));        /* once */
}

TEST(sending_nothing_does_nothing)
{
  in(TCP_ESTABLISHED);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 0, TCP_SEND_PLAIN), 0);
  says(r, "");
}

TEST(without_memory_send_answers_so_and_changes_nothing)
{
  in(TCP_ESTABLISHED);
  while (slab_get(&r->slabs) != NULL)
    continue;
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 10, TCP_SEND_PLAIN), -LA_ENOBUF);
  assert_int_equal(r->tcb->tx.octets, 0);
  says(r, "");
}

TEST(lent_text_is_taken_whole_or_not_at_all)
{
  struct la_slab *slab;
  struct frag frags[3];

  in(TCP_ESTABLISHED);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_SEND_BUFFER, 2500), LA_OK);
  slab = slab_get(&r->slabs);
  for (unsigned i = 0; i < 3; i++)
    frags[i] = (struct frag){ slab, 0, 1000 };
  assert_int_equal(tcp_send_frags(&r->t, r->tcb, frags, 3), -LA_EAGAIN);
  assert_int_equal(r->tcb->tx.octets, 0);
  assert_int_equal(tcp_send_frags(&r->t, r->tcb, frags, 2), LA_OK);
  assert_int_equal(r->tcb->tx.octets, 2000);
  assert_int_equal(slab->refs, 3);
}

TEST(without_chunks_lent_text_is_refused)
{
  struct la_slab *slab;
  struct frag frag;

  in(TCP_ESTABLISHED);
  slab = slab_get(&r->slabs);
  frag = (struct frag){ slab, 0, 1000 };
  while (pool_get(&r->chunks) != NULL)
    continue;
  assert_int_equal(tcp_send_frags(&r->t, r->tcb, &frag, 1), -LA_ENOBUF);
  assert_int_equal(slab->refs, 1);
}

TEST(empty_pieces_are_passed_over)
{
  struct la_slab *slab;
  struct frag frags[2];

  in(TCP_ESTABLISHED);
  slab = slab_get(&r->slabs);
  frags[0] = (struct frag){ slab, 0, 0 };
  frags[1] = (struct frag){ slab, 0, 10 };
  assert_int_equal(tcp_send_frags(&r->t, r->tcb, frags, 2), LA_OK);
  assert_int_equal(r->tcb->tx.octets, 10);
}

/* ---- RECEIVE ---- */

TEST(text_is_read_before_the_end_is_told)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_FIN | F_ACK, 1, 1, 10);
  user_reads(r, 1, 10);
  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, 1), -LA_EEOF);
  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, 1), -LA_EEOF);
}

TEST(receiving_into_nothing_takes_nothing)
{
  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, 0), 0);
  assert_int_equal(r->tcb->rx.octets, 10);
}

TEST(peeking_takes_nothing_and_consuming_takes_what_it_says)
{
  struct frag frag;

  in(TCP_ESTABLISHED);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  assert_int_equal(tcp_peek(&r->t, r->tcb, &frag, 1), 1);
  assert_int_equal(frag.length, 10);
  assert_int_equal(frag.slab->octets[frag.offset], rig_octet(1));
  assert_int_equal(tcp_consume(&r->t, r->tcb, 11), -LA_EINVAL);
  assert_int_equal(r->tcb->rx.octets, 10);
  assert_int_equal(tcp_consume(&r->t, r->tcb, 4), LA_OK);
  user_reads(r, 5, 6);
}

/* ---- pools ---- */

TEST(without_control_blocks_there_is_none)
{
  unsigned n = 0;

  rig_init(r);
  while (tcp_tcb_new(&r->t) != NULL)
    n++;
  assert_int_equal(n, 8);
}

TEST(a_control_block_that_was_never_opened_can_be_let_go)
{
  rig_init(r);
  r->tcb = tcp_tcb_new(&r->t);
  tcp_forget(&r->t, r->tcb);
  rig_reap(r);
  assert_null(r->tcb);
  assert_int_equal(r->t.tcbs.used, 0);
}

TEST(a_control_block_has_another_generation_in_its_next_life)
{
  uint32_t generation;

  rig_init(r);
  r->tcb = tcp_tcb_new(&r->t);
  generation = r->tcb->generation;
  tcp_forget(&r->t, r->tcb);
  rig_reap(r);
  assert_int_not_equal(tcp_tcb_new(&r->t)->generation, generation);
}

TEST(no_event_is_told_of_what_was_let_go)
{
  uint8_t events;

  in(TCP_ESTABLISHED);
  while (tcp_notified(&r->t, &events) != NULL)
    continue;
  tcp_forget(&r->t, r->tcb);
  arrives(r, F_RST, 1, 0);
  assert_null(tcp_notified(&r->t, &events));
}

RUN(cmocka_unit_test(open_answers_by_state),
    cmocka_unit_test(send_answers_by_state),
    cmocka_unit_test(receive_answers_by_state),
    cmocka_unit_test(close_answers_by_state),
    cmocka_unit_test(accept_finds_nobody),
    cmocka_unit_test(the_way_it_ended_is_answered_from_then_on),
    cmocka_unit_test(a_refusal_is_answered_from_then_on),
    cmocka_unit_test(an_unreachable_peer_is_answered_from_then_on),
    cmocka_unit_test(closing_an_attempt_aborts_it),
    cmocka_unit_test(a_connection_that_ended_well_answers_eof),
    cmocka_unit_test(after_time_wait_it_has_ended_well),
    cmocka_unit_test(a_full_buffer_answers_again_and_an_event_follows),
    cmocka_unit_test(sending_nothing_does_nothing),
    cmocka_unit_test(without_memory_send_answers_so_and_changes_nothing),
    cmocka_unit_test(lent_text_is_taken_whole_or_not_at_all),
    cmocka_unit_test(without_chunks_lent_text_is_refused),
    cmocka_unit_test(empty_pieces_are_passed_over),
    cmocka_unit_test(text_is_read_before_the_end_is_told),
    cmocka_unit_test(receiving_into_nothing_takes_nothing),
    cmocka_unit_test(peeking_takes_nothing_and_consuming_takes_what_it_says),
    cmocka_unit_test(without_control_blocks_there_is_none),
    cmocka_unit_test(a_control_block_that_was_never_opened_can_be_let_go),
    cmocka_unit_test(a_control_block_has_another_generation_in_its_next_life),
    cmocka_unit_test(no_event_is_told_of_what_was_let_go))
