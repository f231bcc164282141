/* sim_link: the simulated link does what it is told, and the same again from the same seed. */
#include "support/unit.h"

#include "link.h"
#include "seg.h"

static struct seg_make segment(uint8_t flags, uint32_t seq)
{
  return (struct seg_make){ { la_ip4(10, 0, 0, 1), 1000 }, { la_ip4(10, 0, 0, 2), 80 },
                            flags, seq, 0, 1000, 0, NULL, 0 };
}

static struct link_plan send(struct link *l, unsigned way, la_time now, uint8_t flags)
{
  struct seg_make m = segment(flags, 1);
  uint8_t octets[100];
  size_t n = seg_make_tcp(&m, octets, sizeof octets);

  return link_enter(l, way, now, 0, octets, (uint32_t)n);
}

TEST(a_perfect_wire_delivers_at_once)
{
  struct link l;
  struct link_plan p;

  link_init(&l, LA_MEDIUM_IP, 1);
  p = send(&l, 0, 5, SEG_ACK);
  assert_int_equal(p.fate, LINK_PASSES);
  assert_int_equal(p.at, 5);
  assert_true(p.copy_at == LA_NEVER && !p.corrupt);
}

TEST(directions_are_independent)
{
  struct link l;

  link_init(&l, LA_MEDIUM_IP, 1);
  l.way[1].loss_ppm = 1000000;
  assert_int_equal(send(&l, 0, 0, SEG_ACK).fate, LINK_PASSES);
  assert_int_equal(send(&l, 1, 0, SEG_ACK).fate, LINK_LOST);
}

TEST(the_third_segment_with_fin_is_dropped)
{
  struct link l;

  link_init(&l, LA_MEDIUM_IP, 1);
  link_rule_add(&l, (struct link_rule){ .flags = SEG_FIN, .flags_mask = SEG_FIN, .first = 3,
                                        .last = 3 });
  for (int i = 1; i <= 5; i++) {
    assert_int_equal(send(&l, 0, i, SEG_ACK).fate, LINK_PASSES);
    assert_int_equal(send(&l, 0, i, SEG_FIN | SEG_ACK).fate, i == 3 ? LINK_SCRIPTED : LINK_PASSES);
    assert_int_equal(send(&l, 1, i, SEG_FIN | SEG_ACK).fate, LINK_PASSES);
  }
}

TEST(every_ack_of_two_seconds_is_dropped)
{
  struct link l;

  link_init(&l, LA_MEDIUM_IP, 1);
  link_rule_add(&l, (struct link_rule){ .flags = SEG_ACK, .flags_mask = SEG_ACK | SEG_SYN,
                                        .from = 2 * LA_SEC, .until = 4 * LA_SEC });
  assert_int_equal(send(&l, 0, 2 * LA_SEC - 1, SEG_ACK).fate, LINK_PASSES);
  assert_int_equal(send(&l, 0, 2 * LA_SEC, SEG_ACK).fate, LINK_SCRIPTED);
  assert_int_equal(send(&l, 0, 3 * LA_SEC, SEG_SYN | SEG_ACK).fate, LINK_PASSES);
  assert_int_equal(send(&l, 0, 4 * LA_SEC, SEG_ACK).fate, LINK_PASSES);
}

TEST(the_rate_spaces_packets_and_the_queue_is_bounded)
{
  struct link l;
  struct link_plan p;

  link_init(&l, LA_MEDIUM_IP, 1);
  l.way[0].bits_per_s = 8000;                     /* an octet in a millisecond; packets of 40 */
  l.way[0].queue_octets = 100;
  for (int i = 1; i <= 3; i++) {
    p = send(&l, 0, 0, SEG_ACK);
    assert_int_equal(p.fate, i <= 2 ? LINK_PASSES : LINK_QUEUE_FULL);
    if (i <= 2)
      assert_int_equal(p.at, i * 40 * LA_MS);
  }
  assert_int_equal(send(&l, 0, 40 * LA_MS, SEG_ACK).at, 120 * LA_MS);
}

TEST(jitter_never_reorders)
{
  struct link l;
  la_time last = 0;

  link_init(&l, LA_MEDIUM_IP, 7);
  l.way[0].delay = 10 * LA_MS;
  l.way[0].jitter = 50 * LA_MS;
  for (int i = 0; i < 1000; i++) {
    la_time at = send(&l, 0, i * LA_MS, SEG_ACK).at;

    assert_true(at >= last && at >= i * LA_MS + 10 * LA_MS);
    last = at;
  }
}

TEST(reordered_packets_are_overtaken)
{
  struct link l;
  unsigned overtaken = 0;
  la_time highest = 0;

  link_init(&l, LA_MEDIUM_IP, 7);
  l.way[0].reorder_ppm = 200000;
  l.way[0].reorder_by = 5 * LA_MS;
  for (int i = 0; i < 1000; i++) {
    la_time at = send(&l, 0, i * LA_MS, SEG_ACK).at;

    overtaken += at < highest;
    highest = at > highest ? at : highest;
  }
  assert_in_range(overtaken, 200, 900);
  assert_in_range(l.reordered[0], 150, 250);
}

TEST(a_packet_beyond_the_mtu_is_reported_or_swallowed)
{
  struct link l;

  link_init(&l, LA_MEDIUM_IP, 1);
  l.way[0].mtu = 39;
  assert_int_equal(send(&l, 0, 0, SEG_ACK).fate, LINK_TOO_BIG);
  l.way[0].black_hole = true;
  assert_int_equal(send(&l, 0, 0, SEG_ACK).fate, LINK_BLACK_HOLE);
  l.way[0].mtu = 40;
  assert_int_equal(send(&l, 0, 0, SEG_ACK).fate, LINK_PASSES);
}

TEST(damage_is_always_noticed)
{
  struct link l;

  link_init(&l, LA_MEDIUM_IP, 3);
  for (int i = 0; i < 20000; i++) {
    struct seg_make m = segment(SEG_ACK, (uint32_t)i * 77777);
    uint8_t octets[100];
    size_t n = seg_make_tcp(&m, octets, sizeof octets);
    struct seg g;

    seg_read(&g, LA_MEDIUM_IP, octets, n);
    assert_null(g.fault);
    link_corrupt(&l, octets, (uint32_t)n);
    seg_read(&g, LA_MEDIUM_IP, octets, n);
    assert_true(g.fault || g.kind != SEG_TCP);
  }
}

TEST(the_same_seed_is_the_same_luck)
{
  struct link a, b;

  link_init(&a, LA_MEDIUM_IP, 42);
  link_init(&b, LA_MEDIUM_IP, 42);
  a.way[0].loss_ppm = b.way[0].loss_ppm = 300000;
  a.way[0].duplicate_ppm = b.way[0].duplicate_ppm = 300000;
  a.way[0].jitter = b.way[0].jitter = LA_SEC;
  for (int i = 0; i < 1000; i++) {
    struct link_plan p = send(&a, 0, i, SEG_ACK), q = send(&b, 0, i, SEG_ACK);

    assert_true(p.fate == q.fate && p.at == q.at && p.copy_at == q.copy_at);
  }
  assert_in_range(a.count[0][LINK_LOST], 250, 350);
}

RUN(cmocka_unit_test(a_perfect_wire_delivers_at_once),
    cmocka_unit_test(directions_are_independent),
    cmocka_unit_test(the_third_segment_with_fin_is_dropped),
    cmocka_unit_test(every_ack_of_two_seconds_is_dropped),
    cmocka_unit_test(the_rate_spaces_packets_and_the_queue_is_bounded),
    cmocka_unit_test(jitter_never_reorders), cmocka_unit_test(reordered_packets_are_overtaken),
    cmocka_unit_test(a_packet_beyond_the_mtu_is_reported_or_swallowed),
    cmocka_unit_test(damage_is_always_noticed), cmocka_unit_test(the_same_seed_is_the_same_luck))
