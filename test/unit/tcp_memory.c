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

RUN(cmocka_unit_test(text_out_of_order_takes_nothing_from_the_last_quarter),
    cmocka_unit_test(text_in_order_takes_the_memory_of_the_last_island),
    cmocka_unit_test(text_for_which_there_is_no_memory_is_taken_when_it_comes_again),
    cmocka_unit_test(sending_leaves_a_quarter_of_the_slabs_to_receiving),
    cmocka_unit_test(sending_leaves_a_quarter_of_the_chunks_to_receiving))
