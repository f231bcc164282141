/* Text: in order, out of order, twice, too much, and never more than there is memory for: RFC 9293
 * 3.10.7.4 seventh; SACK blocks: RFC 2018 and 2883; when to acknowledge: RFC 5681 4.2. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static void begin(bool sack, bool timestamps, uint32_t slabs, uint32_t slab_size)
{
  struct tcp_settings set = rig_settings();

  set.no_sack = !sack;
  set.no_timestamps = !timestamps;
  rig_init_with(r, &set, slabs, slab_size);
  r->options = (struct tcp_options){ .present = TCP_OPT_MSS, .mss = 1460, .ts_val = 9 };
  if (sack)
    r->options.present |= TCP_OPT_SACK_OK;
  if (timestamps)
    r->options.present |= TCP_OPT_TS;
  rig_established(r, false);
}

static void established(void) { begin(false, false, RIG_SLABS, RIG_SLAB_SIZE); }
static void with_sack(void) { begin(true, false, RIG_SLABS, RIG_SLAB_SIZE); }

static void text(uint32_t seq, uint32_t n) { arrives_with_text(r, F_ACK, seq, 1, n); }

static uint32_t readable(void) { return r->tcb->rx.octets; }

/* The SACK blocks of the latest ACK, relative to the peer's ISN: "501-1001 2001-3001". */
static const char *blocks(void)
{
  static char s[128];
  struct tcp_options o;
  size_t n = 0;

  rig_forget_said(r);
  o = said_options(r);
  s[0] = 0;
  if (o.present & TCP_OPT_SACK)
    for (unsigned i = 0; i < o.sacks; i++)
      n += (size_t)snprintf(s + n, sizeof s - n, "%s%u-%u", i ? " " : "",
                            o.sack[i].start - r->peer_isn, o.sack[i].end - r->peer_isn);
  return s;
}

/* ---- order ---- */

TEST(what_comes_in_order_is_read_in_order)
{
  established();
  for (uint32_t i = 0; i < 8; i++)
    text(1 + i * 1000, 1000);
  user_reads(r, 1, 8000);
}

TEST(what_comes_backwards_is_read_forwards)
{
  established();
  for (uint32_t i = 8; i > 0; i--)
    text(1 + (i - 1) * 1000, 1000);
  assert_int_equal(r->tcb->island_count, 0);
  user_reads(r, 1, 8000);
}

TEST(nothing_beyond_a_hole_can_be_read)
{
  established();
  text(1001, 1000);
  assert_int_equal(readable(), 0);
  text(1, 1000);
  assert_int_equal(readable(), 2000);
  user_reads(r, 1, 2000);
}

/* Every order of five segments that overlap each other. */
TEST(every_order_of_overlapping_segments_makes_the_same_text)
{
  static const struct { uint32_t seq, n; } pieces[5] = {
    { 1, 300 }, { 201, 300 }, { 451, 100 }, { 401, 400 }, { 701, 300 },
  };

  for (unsigned order = 0; order < 120; order++) {
    bool used[5] = { false };
    unsigned rest = order;

    with_sack();
    for (unsigned left = 5; left > 0; left--) {
      unsigned pick = rest % left, k = 0;

      rest /= left;
      while (used[k] || pick-- > 0)
        k++;
      used[k] = true;
      text(pieces[k].seq, pieces[k].n);
      rig_forget_said(r);
    }
    assert_int_equal(r->tcb->island_count, 0);
    user_reads(r, 1, 1000);
  }
}

TEST(a_segment_over_several_islands_fills_the_gaps_between_them)
{
  established();
  text(201, 100);
  text(401, 100);
  text(601, 100);
  assert_int_equal(r->tcb->island_count, 3);
  text(101, 700);
  assert_int_equal(r->tcb->island_count, 1);
  assert_int_equal(r->tcb->island_octets, 700);
  text(1, 100);
  user_reads(r, 1, 800);
}

TEST(islands_that_touch_become_one)
{
  established();
  text(101, 100);
  text(301, 100);
  text(201, 100);
  assert_int_equal(r->tcb->island_count, 1);
}

TEST(what_was_taken_before_is_taken_once)
{
  established();
  text(1, 1000);
  text(1, 1000);
  refused_because(r, OUT_OF_WINDOW);
  assert_int_equal(r->t.count[TCP_N_duplicates], 1);
  text(501, 1000);
  assert_int_equal(readable(), 1500);
  user_reads(r, 1, 1500);
}

/* ---- FIN ---- */

TEST(a_fin_before_its_text_waits_for_it)
{
  established();
  arrives_with_text(r, F_ACK | F_FIN, 1001, 1, 1000);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  says(r, "A 1 1");
  text(1, 1000);
  says(r, "A 1 2002");
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  user_reads(r, 1, 2000);
}

TEST(a_bare_fin_before_its_text_waits_for_it)
{
  established();
  arrives(r, F_ACK | F_FIN, 1001, 1);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  text(1, 1000);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  says(r, "A 1 1002");
}

TEST(text_after_the_fin_is_no_part_of_the_stream)
{
  established();
  arrives_with_text(r, F_ACK | F_FIN, 1, 1, 100);
  text(102, 100);
  refused_because(r, AFTER_FIN);
  rig_forget_said(r);
  assert_int_equal(readable(), 100);
}

TEST(text_after_a_fin_that_came_first_is_no_part_of_it_either)
{
  established();
  arrives(r, F_ACK | F_FIN, 101, 1);
  text(102, 100);
  text(1, 100);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  assert_int_equal(r->tcb->island_count, 0);
  assert_int_equal(readable(), 100);
}

TEST(the_fin_again_is_acknowledged_again)
{
  established();
  arrives(r, F_FIN | F_ACK, 1, 1);
  says(r, "A 1 2");
  arrives(r, F_FIN | F_ACK, 1, 1);
  refused_because(r, OUT_OF_WINDOW);
  says(r, "A 1 2");
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
}

/* ---- SACK blocks, RFC 2018 4 ---- */

TEST(the_first_block_is_the_one_that_the_latest_segment_is_in)
{
  with_sack();
  text(1001, 100);
  assert_string_equal(blocks(), "1001-1101");
  text(2001, 100);
  assert_string_equal(blocks(), "2001-2101 1001-1101");
  text(3001, 100);
  assert_string_equal(blocks(), "3001-3101 2001-2101 1001-1101");
  text(1101, 100);
  assert_string_equal(blocks(), "1001-1201 3001-3101 2001-2101");
}

TEST(four_blocks_fit_and_three_beside_timestamps)
{
  with_sack();
  for (uint32_t i = 1; i <= 5; i++)
    text(i * 1000 + 1, 100);
  assert_string_equal(blocks(), "5001-5101 4001-4101 3001-3101 2001-2101");
  begin(true, true, RIG_SLABS, RIG_SLAB_SIZE);
  for (uint32_t i = 1; i <= 5; i++)
    text(i * 1000 + 1, 100);
  assert_string_equal(blocks(), "5001-5101 4001-4101 3001-3101");
  assert_true(r->out.options_length <= TCP_OPTIONS_MAX);
}

TEST(filled_holes_are_no_blocks_any_more)
{
  with_sack();
  text(1001, 100);
  text(2001, 100);
  rig_forget_said(r);
  text(1, 1000);
  assert_string_equal(blocks(), "2001-2101");
  text(1101, 900);
  assert_string_equal(blocks(), "");
}

TEST(without_agreement_there_are_no_blocks)
{
  established();
  text(1001, 100);
  assert_string_equal(blocks(), "");
}

TEST(blocks_ride_on_text_and_take_their_room_from_it)
{
  with_sack();
  text(1001, 100);
  text(2001, 100);
  rig_forget_said(r);
  user_sends(r, 3000);
  says(r, "A 1+1440 1; A 1441+1440 1");
  assert_int_equal(said_options(r).sacks, 2);
}

/* RFC 9293 3.7.1 (MUST-16): what was a full segment without blocks has no room for them when it is
 * sent again. */
TEST(text_that_is_sent_again_is_no_larger_for_the_blocks)
{
  with_sack();
  user_sends(r, 1460);
  says(r, "PA 1+1460 1");
  text(1001, 100);
  rig_forget_said(r);
  waits(r, LA_SEC);
  assert_true(r->tcb->retransmissions > 0);
  assert_true(r->out.text + r->out.options_length <= 1460);
}

/* ---- D-SACK, RFC 2883 4 ---- */

TEST(a_whole_duplicate_is_reported_first_and_once)
{
  with_sack();
  text(1, 500);
  rig_forget_said(r);
  text(1, 500);
  assert_string_equal(blocks(), "1-501");
  r->tcb->say |= SAY_ACK;
  tcp_wake(&r->t, r->tcb);
  assert_string_equal(blocks(), "");
}

TEST(a_partial_duplicate_is_reported_as_far_as_it_goes)
{
  with_sack();
  text(1, 500);
  text(301, 500);
  r->tcb->say |= SAY_ACK;
  tcp_wake(&r->t, r->tcb);
  assert_string_equal(blocks(), "301-501");
}

TEST(a_duplicate_within_an_island_is_followed_by_that_island)
{
  with_sack();
  text(2001, 100);
  text(1001, 500);
  rig_forget_said(r);
  text(1101, 100);
  assert_string_equal(blocks(), "1101-1201 1001-1501 2001-2101");
}

/* RFC 2883 4.2: the segment that fills the hole and reaches into the island behind it. */
TEST(what_a_filled_hole_brings_a_second_time_is_reported)
{
  with_sack();
  text(501, 500);
  rig_forget_said(r);
  text(1, 700);
  assert_string_equal(blocks(), "501-701");
  assert_int_equal(readable(), 1000);
}

/* ---- bounds ---- */

TEST(a_connection_keeps_64_islands_and_no_more)
{
  begin(true, false, 100, 512);
  for (uint32_t i = 0; i < TCP_ISLANDS_MAX; i++) {
    text(101 + i * 100, 10);
    assert_int_equal(r->last.code, V_NEXT);
  }
  text(101 + 64 * 100, 10);
  refused_because(r, TOO_MANY_ISLANDS);
  assert_int_equal(r->tcb->island_count, TCP_ISLANDS_MAX);
  rig_forget_said(r);
  text(111, 90);                                    /* what touches one is still welcome */
  assert_int_equal(r->last.code, V_NEXT);
  text(1, 100);
  assert_int_equal(readable(), 210);
}

TEST(the_pool_of_islands_is_shared_and_its_end_is_survived)
{
  begin(false, false, RIG_SLABS, RIG_SLAB_SIZE);
  while (pool_get(&r->t.islands) != NULL)
    continue;
  text(1001, 100);
  refused_because(r, TOO_MANY_ISLANDS);
  says(r, "A 1 1");
  text(1, 100);
  assert_int_equal(readable(), 100);
}

/* The arriving text itself takes a slab, and small text is copied into another. */
TEST(without_slabs_text_is_refused_and_comes_again)
{
  struct la_slab *kept[RIG_SLABS];
  unsigned n = 0;

  established();
  while (r->slabs.used + 1 < r->slabs.count)
    kept[n++] = slab_get(&r->slabs);
  text(1, 10);                                      /* needs a slab to be copied into */
  refused_because(r, NO_MEMORY);
  says(r, "A 1 1");
  assert_int_equal(readable(), 0);
  text(1001, 10);
  refused_because(r, NO_MEMORY);
  assert_int_equal(r->tcb->island_count, 0);
  rig_forget_said(r);
  while (n > 0)
    slab_release(&r->slabs, kept[--n]);
  text(1, 10);
  user_reads(r, 1, 10);
}

TEST(without_chunks_text_is_refused_and_comes_again)
{
  struct chunk *kept[RIG_CHUNKS];
  unsigned n = 0;

  established();
  while (n < RIG_CHUNKS && (kept[n] = pool_get(&r->chunks)) != NULL)
    n++;
  text(1, 1400);
  refused_because(r, NO_MEMORY);
  rig_forget_said(r);
  while (n > 0)
    pool_put(&r->chunks, kept[--n]);
  text(1, 1400);
  user_reads(r, 1, 1400);
}

TEST(a_fin_whose_text_found_no_memory_is_not_taken)
{
  struct la_slab *kept[RIG_SLABS];
  unsigned n = 0;

  established();
  while (r->slabs.used + 1 < r->slabs.count)
    kept[n++] = slab_get(&r->slabs);
  arrives_with_text(r, F_ACK | F_FIN, 1, 1, 10);
  refused_because(r, NO_MEMORY);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  while (n > 0)
    slab_release(&r->slabs, kept[--n]);
  arrives_with_text(r, F_ACK | F_FIN, 1, 1, 10);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  user_reads(r, 1, 10);
}

TEST(all_memory_comes_back_when_a_connection_ends)
{
  established();
  for (uint32_t i = 0; i < 4; i++)
    text(1001 + i * 2000, 700);
  text(1, 100);
  user_sends(r, 3000);
  rig_forget_said(r);
  tcp_abort(&r->t, r->tcb);
  rig_forget_said(r);
  rig_reap(r);
  assert_int_equal(r->slabs.used, 0);
  assert_int_equal(r->chunks.used, 0);
  assert_int_equal(r->t.islands.used, 0);
  assert_int_equal(r->t.tcbs.used, 0);
}

/* ---- when to acknowledge: RFC 9293 3.8.6.3 (MUST-58, MUST-59), RFC 5681 4.2 ---- */

TEST(every_second_full_segment_is_acknowledged_at_once)
{
  established();
  text(1, 1460);
  says(r, "");
  text(1461, 1460);
  says(r, "A 1 2921");
}

TEST(anything_else_is_acknowledged_within_the_delay)
{
  established();
  text(1, 10);
  waits(r, 39 * LA_MS);
  says(r, "");
  waits(r, LA_MS);
  says(r, "A 1 11");
  assert_int_equal(r->t.count[TCP_N_delayed_acks], 1);
}

/* The peer's path may carry less than our link: its full segments are smaller than our MSS, and a
 * sender that waits for an ACK must not wait for the timer each time. */
TEST(the_full_segments_of_a_narrower_path_count_as_full)
{
  established();
  text(1, 1000);
  text(1001, 1000);
  says(r, "A 1 2001");
  text(2001, 524);
  text(2525, 524);
  says(r, "A 1 3049");
}

TEST(small_segments_count_by_their_sum)
{
  established();
  for (uint32_t i = 0; i < 30; i++)
    text(1 + i * 100, 100);
  rig_pump(r);
  assert_int_equal(r->tcb->rcv.acked.n, r->tcb->rcv.nxt.n);
}

TEST(what_is_out_of_order_is_acknowledged_at_once)
{
  established();
  text(1001, 10);
  says(r, "A 1 1");
}

TEST(what_fills_a_hole_is_acknowledged_at_once)
{
  established();
  text(11, 10);
  rig_forget_said(r);
  text(1, 10);
  says(r, "A 1 21");
}

TEST(what_fills_a_part_of_a_hole_is_acknowledged_at_once)
{
  established();
  text(101, 10);
  rig_forget_said(r);
  text(1, 10);
  says(r, "A 1 11");
}

TEST(a_run_of_segments_is_acknowledged_at_once)
{
  begin(false, false, 6, 8192);
  text(1, 4380);
  says(r, "A 1 4381");
}

TEST(quickack_waits_for_nothing)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_QUICKACK, 1), LA_OK);
  text(1, 10);
  says(r, "A 1 11");
}

TEST(a_delay_of_zero_waits_for_nothing)
{
  established();
  r->t.set.delayed_ack = 0;
  text(1, 10);
  says(r, "A 1 11");
}

TEST(our_own_text_carries_the_acknowledgment)
{
  established();
  text(1, 10);
  user_sends(r, 5);
  says(r, "PA 1+5 11");
  waits(r, 50 * LA_MS);
  says(r, "");
}

RUN(cmocka_unit_test(what_comes_in_order_is_read_in_order),
    cmocka_unit_test(what_comes_backwards_is_read_forwards),
    cmocka_unit_test(nothing_beyond_a_hole_can_be_read),
    cmocka_unit_test(every_order_of_overlapping_segments_makes_the_same_text),
    cmocka_unit_test(a_segment_over_several_islands_fills_the_gaps_between_them),
    cmocka_unit_test(islands_that_touch_become_one),
    cmocka_unit_test(what_was_taken_before_is_taken_once),
    cmocka_unit_test(a_fin_before_its_text_waits_for_it),
    cmocka_unit_test(a_bare_fin_before_its_text_waits_for_it),
    cmocka_unit_test(text_after_the_fin_is_no_part_of_the_stream),
    cmocka_unit_test(text_after_a_fin_that_came_first_is_no_part_of_it_either),
    cmocka_unit_test(the_fin_again_is_acknowledged_again),
    cmocka_unit_test(the_first_block_is_the_one_that_the_latest_segment_is_in),
    cmocka_unit_test(four_blocks_fit_and_three_beside_timestamps),
    cmocka_unit_test(filled_holes_are_no_blocks_any_more),
    cmocka_unit_test(without_agreement_there_are_no_blocks),
    cmocka_unit_test(blocks_ride_on_text_and_take_their_room_from_it),
    cmocka_unit_test(text_that_is_sent_again_is_no_larger_for_the_blocks),
    cmocka_unit_test(a_whole_duplicate_is_reported_first_and_once),
    cmocka_unit_test(a_partial_duplicate_is_reported_as_far_as_it_goes),
    cmocka_unit_test(a_duplicate_within_an_island_is_followed_by_that_island),
    cmocka_unit_test(what_a_filled_hole_brings_a_second_time_is_reported),
    cmocka_unit_test(a_connection_keeps_64_islands_and_no_more),
    cmocka_unit_test(the_pool_of_islands_is_shared_and_its_end_is_survived),
    cmocka_unit_test(without_slabs_text_is_refused_and_comes_again),
    cmocka_unit_test(without_chunks_text_is_refused_and_comes_again),
    cmocka_unit_test(a_fin_whose_text_found_no_memory_is_not_taken),
    cmocka_unit_test(all_memory_comes_back_when_a_connection_ends),
    cmocka_unit_test(every_second_full_segment_is_acknowledged_at_once),
    cmocka_unit_test(anything_else_is_acknowledged_within_the_delay),
    cmocka_unit_test(the_full_segments_of_a_narrower_path_count_as_full),
    cmocka_unit_test(small_segments_count_by_their_sum),
    cmocka_unit_test(what_is_out_of_order_is_acknowledged_at_once),
    cmocka_unit_test(what_fills_a_hole_is_acknowledged_at_once),
    cmocka_unit_test(what_fills_a_part_of_a_hole_is_acknowledged_at_once),
    cmocka_unit_test(a_run_of_segments_is_acknowledged_at_once),
    cmocka_unit_test(quickack_waits_for_nothing),
    cmocka_unit_test(a_delay_of_zero_waits_for_nothing),
    cmocka_unit_test(our_own_text_carries_the_acknowledgment))
