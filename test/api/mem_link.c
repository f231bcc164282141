/* mem_link: the link in memory carries every kind of packet, copied, lent and cut. */
#include "support/two.h"

enum { OCTETS = 3 * 1000 * 1000 };

struct way {
  enum mem_mode mode;
  bool split;
  uint32_t gso_max, flags, slab_size;
};

static struct two two_by(const struct way *way)
{
  const la_iface iface = {
    .medium = LA_MEDIUM_IP, .mtu = TWO_MTU, .gso_max = way->gso_max,
    .flags = LA_IFACE_UP | way->flags, .name = "mem",
  };
  struct two t = { .now = LA_SEC };
  struct mem_end ends[2];
  la_config c;

  two_config(&c);
  c.slabs = 1024;
  c.slab_size = way->slab_size;
  c.foreign_slabs = 512;
  c.send_buffer = c.receive_buffer = 512 * 1024;
  two_stack(&t, 0, &c);
  two_stack(&t, 1, &c);
  two_join(&t, &iface);
  mem_close(t.link);
  for (int i = 0; i < 2; i++)
    ends[i] = (struct mem_end){ t.end[i], 0 };
  t.link = mem_open(ends[0], ends[1], way->mode, way->split);
  assert_non_null(t.link);
  return t;
}

/* The application lets go of what it has seen at once, so that loans come back. */
static uint32_t receive(struct two *t, la_sock sock, const uint8_t *want, uint32_t at)
{
  la_frag frags[8];
  int n;

  while ((n = la_tcp_peek(t->end[1], sock, frags, 8)) > 0) {
    uint32_t octets = 0;

    for (int i = 0; i < n; i++) {
      assert_true(at + octets + frags[i].length <= OCTETS);
      assert_memory_equal(la_slab_octets(frags[i].slab) + frags[i].offset, want + at + octets,
                          frags[i].length);
      octets += frags[i].length;
    }
    assert_int_equal(la_tcp_consume(t->end[1], sock, octets), 0);
    at += octets;
  }
  return at;
}

static void everything_arrives(const struct way *way, struct mem_counters *counters)
{
  struct two t = two_by(way);
  const la_sock listener = two_listen(&t, 1, 80, 4);
  uint8_t *const text = test_memory(OCTETS);
  uint32_t out = 0, in = 0;
  la_sock sock[2];

  for (uint32_t i = 0; i < OCTETS; i++)
    text[i] = (uint8_t)(i * 31 + i / 251);
  two_pair(&t, listener, 80, sock);
  for (int turns = 0; turns < 100000 && in < OCTETS; turns++) {
    const uint32_t before = out + in;
    const int n = out < OCTETS ? la_tcp_send(t.end[0], sock[0], text + out, OCTETS - out) : 0;

    out += n > 0 ? (uint32_t)n : 0;
    mem_move(t.link, 0, t.now, 8);
    mem_move(t.link, 1, t.now, 8);
    in = receive(&t, sock[1], text, in);
    if (out + in == before)
      two_until(&t, t.now + 10 * LA_MS);
  }
  assert_int_equal(in, OCTETS);
  assert_int_equal(la_tcp_forget(t.end[0], sock[0]), 0);
  assert_int_equal(la_tcp_forget(t.end[1], sock[1]), 0);
  two_until(&t, t.now + 61 * LA_SEC);
  *counters = *mem_counters(t.link, 0);
  assert_int_equal(counters->lost, 0);
  assert_true(two_used(&t, 0, "slabs") <= 1);             /* the link's own, begun */
  assert_true(two_used(&t, 1, "slabs") <= 1);
  assert_int_equal(two_used(&t, 1, "foreign_slabs"), 0);
  two_end(&t);
  free(text);
}

TEST(copied_segment_by_segment)
{
  struct mem_counters counters;

  everything_arrives(&(struct way){ MEM_COPY, false, 0, 0, 2048 }, &counters);
  assert_true(counters.packets >= OCTETS / 1460);
  assert_int_equal(counters.lent, 0);
}

TEST(copied_as_super_packets)
{
  struct mem_counters counters;

  everything_arrives(&(struct way){ MEM_COPY, false, 65455, LA_IFACE_CSUM_TX, 16384 }, &counters);
  assert_true(counters.packets < OCTETS / 1460 / 4);
}

TEST(super_packets_are_cut_where_the_link_cannot)
{
  struct mem_counters counters;

  everything_arrives(&(struct way){ MEM_COPY, true, 65455, LA_IFACE_CSUM_TX, 16384 }, &counters);
  assert_true(counters.packets < OCTETS / 1460 / 4);
  assert_true(counters.delivered >= OCTETS / 1460);
}

TEST(lent_and_given_back)
{
  struct mem_counters counters;

  everything_arrives(&(struct way){ MEM_LEND, false, 0, 0, 2048 }, &counters);
  assert_true(counters.lent >= OCTETS / 1460);
}

TEST(super_packets_are_lent_too)
{
  struct mem_counters counters;

  everything_arrives(&(struct way){ MEM_LEND, false, 65455, LA_IFACE_CSUM_TX, 16384 }, &counters);
  assert_true(counters.lent > 0);
}

TEST(cut_and_lent)
{
  struct mem_counters counters;

  everything_arrives(&(struct way){ MEM_LEND, true, 65455, LA_IFACE_CSUM_TX, 16384 }, &counters);
  assert_true(counters.lent >= OCTETS / 1460);
}

/* What the receiver still holds when both stacks end comes back by mem_close (ASan watches). */
TEST(loans_outlive_the_stacks)
{
  struct two t = two_by(&(struct way){ MEM_LEND, false, 0, 0, 2048 });
  const la_sock listener = two_listen(&t, 1, 80, 4);
  static const uint8_t text[8000];
  la_sock sock[2];

  two_pair(&t, listener, 80, sock);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], text, sizeof text), (int)sizeof text);
  two_settle(&t);
  assert_true(two_used(&t, 1, "foreign_slabs") > 0);
  two_end(&t);
}

RUN(cmocka_unit_test(copied_segment_by_segment), cmocka_unit_test(copied_as_super_packets),
    cmocka_unit_test(super_packets_are_cut_where_the_link_cannot),
    cmocka_unit_test(lent_and_given_back), cmocka_unit_test(super_packets_are_lent_too),
    cmocka_unit_test(cut_and_lent), cmocka_unit_test(loans_outlive_the_stacks))
