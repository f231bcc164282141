/* When memory is short: what gives way to what. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { SLABS = 8, ISLANDS = SLABS - 2 };

/* One octet before its turn holds a whole slab: a handful of peers could hold them all. */
static void islands_everywhere(void)
{
  const struct tcp_settings set = rig_settings();

  rig_init_with(r, &set, SLABS, RIG_SLAB_SIZE);
  rig_established(r, false);
  for (uint32_t i = 1; i <= ISLANDS; i++)
    arrives_with_text(r, F_ACK, 1 + 1000 * i, 1, 1);
  assert_int_equal(r->tcb->island_count, ISLANDS);
  assert_int_equal(r->slabs.used, ISLANDS);
  rig_forget_said(r);
}

TEST(text_out_of_order_takes_nothing_from_the_last_quarter)
{
  islands_everywhere();
  arrives_with_text(r, F_ACK, 8001, 1, 1);
  refused_because(r, NO_MEMORY);
  says(r, "A 1 1");
  arrives_with_text(r, F_ACK, 1, 1, 100);
  refused_because(r, NONE);
  user_reads(r, 1, 100);
  assert_int_equal(r->tcb->island_count, ISLANDS);
}

/* Otherwise the gap in front of them could never be filled: they would hold for ever the memory
 * that only filling it sets free. RFC 2018 8 lets a receiver discard what it has not delivered. */
TEST(text_in_order_takes_the_memory_of_the_last_island)
{
  struct la_slab *slab;

  islands_everywhere();
  slab = slab_get(&r->slabs);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  refused_because(r, NONE);
  assert_int_equal(r->tcb->rcv.nxt.n - r->peer_isn, 101);
  assert_int_equal(r->tcb->island_count, ISLANDS - 1);
  assert_int_equal(r->t.count[TCP_N_islands_sacrificed], 1);
  user_reads(r, 1, 100);
  slab_release(&r->slabs, slab);
}

TEST(text_for_which_there_is_no_memory_is_taken_when_it_comes_again)
{
  const struct tcp_settings set = rig_settings();
  struct la_slab *slab;

  rig_init_with(r, &set, 2, RIG_SLAB_SIZE);
  rig_established(r, false);
  slab = slab_get(&r->slabs);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  refused_because(r, NO_MEMORY);
  says(r, "A 1 1");
  slab_release(&r->slabs, slab);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  refused_because(r, NONE);
  user_reads(r, 1, 100);
}

/* Two hosts that had given all their memory to what they want to send would wait for each other
 * for ever, so a quarter is kept for what arrives. */
TEST(sending_leaves_a_quarter_of_the_slabs_to_receiving)
{
  static uint8_t octets[SLABS * RIG_SLAB_SIZE];
  struct tcp_settings set = rig_settings();
  uint32_t sent;

  set.send_buffer = 10 * SLABS * RIG_SLAB_SIZE;
  rig_init_with(r, &set, SLABS, RIG_SLAB_SIZE);
  rig_established(r, false);
  sent = (uint32_t)tcp_send(&r->t, r->tcb, octets, 100, TCP_SEND_PLAIN);
  sent += (uint32_t)tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN);
  assert_int_equal(sent, SLABS * 3 / 4 * RIG_SLAB_SIZE);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, 1, TCP_SEND_PLAIN), -LA_ENOBUF);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  refused_because(r, NONE);
  user_reads(r, 1, 100);
}

TEST(sending_leaves_a_quarter_of_the_chunks_to_receiving)
{
  static uint8_t lent[RIG_CHUNKS][2];
  struct frag frag = { .length = 1 };
  unsigned n = 0;

  rig_init(r);
  rig_established(r, false);
  frag.slab = slab_wrap(&r->slabs, lent, sizeof lent, NULL);
  while (tcp_send_frags(&r->t, r->tcb, &frag, 1) == LA_OK) {
    frag.offset = frag.offset + 2;            /* never beside the one before */
    n++;
  }
  assert_int_equal(n, RIG_CHUNKS * 3 / 4);
  assert_int_equal(tcp_send_frags(&r->t, r->tcb, &frag, 1), -LA_ENOBUF);
  assert_int_equal(tcp_send(&r->t, r->tcb, "x", 1, TCP_SEND_PLAIN), -LA_ENOBUF);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  refused_because(r, NONE);
}

/* ---- shares ---- */

static void take_slabs(struct la_slab **slab, unsigned *n, uint32_t left)
{
  while (r->slabs.count - r->slabs.used > left)
    slab[(*n)++] = slab_get(&r->slabs);
}

static void give_slabs(struct la_slab **slab, unsigned n)
{
  while (n > 0)
    slab_release(&r->slabs, slab[--n]);
}

static uint32_t announced(void)
{
  r->tcb->say |= SAY_ACK;
  tcp_wake(&r->t, r->tcb);
  rig_forget_said(r);
  return r->out.wnd;
}

/* Another peer of the same listener; the first one's control block. */
static struct tcb *second_connection(void)
{
  struct tcb *const first = r->tcb;

  r->tcb = NULL;
  r->ends.peer_port++;
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  arrives(r, F_ACK, 1, 1);
  assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  rig_forget_said(r);
  return first;
}

TEST(under_pressure_a_connection_has_its_first_segments_and_no_more)
{
  struct la_slab *slab[RIG_SLABS];
  unsigned n = 0;

  rig_init(r);
  rig_established(r, true);
  take_slabs(slab, &n, 5);
  assert_true(tcp_memory_short(&r->t));
  arrives_with_text(r, F_ACK, 1, 1, 1460);
  refused_because(r, NONE);
  arrives_with_text(r, F_ACK, 1461, 1, 1460);
  refused_because(r, NONE);
  take_slabs(slab, &n, 4);
  arrives_with_text(r, F_ACK | F_FIN, 2921, 1, 100);
  refused_because(r, NO_MEMORY);
  assert_int_equal(r->t.count[TCP_N_text_refused], 1);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  says(r, "A 1 2921");
  give_slabs(slab, n);
  arrives_with_text(r, F_ACK | F_FIN, 2921, 1, 100);
  refused_because(r, NONE);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  user_reads(r, 1, 3020);
}

/* The window was offered, so it stays; once text has used it up, it is the share. */
TEST(under_pressure_a_window_is_not_taken_back_but_opened_no_further)
{
  struct la_slab *slab[RIG_SLABS];
  unsigned n = 0;
  tcp_seq edge;

  rig_init(r);
  rig_established(r, true);
  edge = seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd);
  take_slabs(slab, &n, 5);
  assert_int_equal(announced(), 16384);
  arrives_with_text(r, F_ACK, 1, 1, 1000);
  user_reads(r, 1, 1000);
  assert_int_equal(announced(), 16384 - 1000);
  assert_true(seq_eq(edge, seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd)));
  give_slabs(slab, n);
  arrives_with_text(r, F_ACK, 1001, 1, 1000);
  user_reads(r, 1001, 1000);
  assert_int_equal(announced(), 16384);
}

TEST(under_pressure_a_newcomer_is_offered_two_segments)
{
  struct la_slab *slab[RIG_SLABS];
  unsigned n = 0;

  rig_init(r);
  rig_listen(r, 2);
  take_slabs(slab, &n, 2);
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  assert_int_equal(r->out.wnd, 2 * 1460);
  give_slabs(slab, n);
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(announced(), 16384);
}

TEST(text_in_order_takes_the_memory_of_anothers_islands)
{
  struct la_slab *slab[RIG_SLABS];
  struct tcb *first;
  unsigned n = 0;

  rig_init(r);
  rig_established(r, true);
  for (uint32_t i = 1; i <= 6; i++)
    arrives_with_text(r, F_ACK, 1 + 1000 * i, 1, 1);
  rig_forget_said(r);
  first = second_connection();
  arrives_with_text(r, F_ACK, 1, 1, 1460);
  arrives_with_text(r, F_ACK, 1461, 1, 1460);
  take_slabs(slab, &n, 8);
  arrives_with_text(r, F_ACK, 2921, 1, 100);
  refused_because(r, NONE);
  assert_in_range(first->island_count, 0, 5);
  assert_null(tcp_check(&r->t, first));
  give_slabs(slab, n);
  user_reads(r, 1, 3020);
}

/* RFC 2883 4: a first block above the ACK that no second one covers is a plain SACK block. It would
 * say that text is here which is not. */
TEST(no_duplicate_is_reported_of_text_that_was_given_up)
{
  struct tcp_settings set = rig_settings();
  struct la_slab *slab[SLABS];
  unsigned n = 0;

  set.no_sack = false;
  rig_init_with(r, &set, SLABS, RIG_SLAB_SIZE);
  r->options.present |= TCP_OPT_SACK_OK;
  rig_established(r, false);
  arrives_with_text(r, F_ACK, 2001, 1, 100);
  rig_forget_said(r);
  arrives_with_text(r, F_ACK, 2001, 1, 100);
  assert_true(r->tcb->flags & TCB_DSACK);
  take_slabs(slab, &n, 1);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  refused_because(r, NONE);
  assert_int_equal(r->tcb->island_count, 0);
  rig_forget_said(r);
  assert_int_equal(said_options(r).sacks, 0);
  give_slabs(slab, n);
}

TEST(who_holds_more_than_a_segment_is_counted)
{
  rig_init(r);
  rig_established(r, true);
  arrives_with_text(r, F_ACK, 1, 1, 1460);
  assert_int_equal(r->t.holders, 0);
  arrives_with_text(r, F_ACK, 1461, 1, 100);
  assert_int_equal(r->t.holders, 1);
  user_reads(r, 1, 1560);
  assert_int_equal(r->t.holders, 0);
  arrives_with_text(r, F_ACK, 1561, 1, 1460);
  arrives_with_text(r, F_ACK, 3021, 1, 1460);
  arrives(r, F_RST, 4481, 0);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(r->t.holders, 1);          /* it may still be read */
  tcp_forget(&r->t, r->tcb);
  rig_reap(r);
  assert_int_equal(r->t.holders, 0);
}

RUN(cmocka_unit_test(under_pressure_a_connection_has_its_first_segments_and_no_more),
    cmocka_unit_test(under_pressure_a_window_is_not_taken_back_but_opened_no_further),
    cmocka_unit_test(under_pressure_a_newcomer_is_offered_two_segments),
    cmocka_unit_test(text_in_order_takes_the_memory_of_anothers_islands),
    cmocka_unit_test(no_duplicate_is_reported_of_text_that_was_given_up),
    cmocka_unit_test(who_holds_more_than_a_segment_is_counted),
    cmocka_unit_test(text_out_of_order_takes_nothing_from_the_last_quarter),
    cmocka_unit_test(text_in_order_takes_the_memory_of_the_last_island),
    cmocka_unit_test(text_for_which_there_is_no_memory_is_taken_when_it_comes_again),
    cmocka_unit_test(sending_leaves_a_quarter_of_the_slabs_to_receiving),
    cmocka_unit_test(sending_leaves_a_quarter_of_the_chunks_to_receiving))
