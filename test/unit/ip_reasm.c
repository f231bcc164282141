/* ip_reasm: fragments in any order make the datagram; nothing else does; and nothing is left. */
#include "base/rng.h"
#include "support/raw.h"

enum { OCTETS = 4000, PIECE = 800 };

struct fragments {
  struct raw r;
  la_sock sock;
  uint8_t datagram[OCTETS + UDP_HEADER];
  uint32_t length;
};

static void begin(struct fragments *f)
{
  uint8_t text[OCTETS];
  const struct ipv4_header h = raw_header(IP_UDP);

  for (uint32_t i = 0; i < OCTETS; i++)
    text[i] = (uint8_t)(i * 11 + i / 256);
  f->r = raw_new(LA_MEDIUM_IP);
  f->length = raw_udp(f->datagram, &h, 1000, 7, text, OCTETS);
  assert_int_equal(la_udp_open(f->r.stack, (la_endpoint){ { 0 }, 7 }, NULL, &f->sock), 0);
}

static void finish(struct fragments *f)
{
  assert_int_equal(raw_used(&f->r, "reassemblies"), 0);
  assert_int_equal(raw_used(&f->r, "slabs"), 0);
  raw_end(&f->r);
}

/* Octets [at, at + n) of the datagram with this ID. */
static bool give(struct fragments *f, uint16_t id, uint32_t at, uint32_t n)
{
  struct ipv4_header h = raw_header(IP_UDP);
  static struct raw_ip p;

  h.id = id;
  h.offset = (uint16_t)at;
  h.more_fragments = at + n < f->length;
  raw_ip_make(&p, h, f->datagram + at, n);
  return raw_give(&f->r, p.octets, p.length);
}

/* The same with this codepoint of RFC 3168 5. */
static bool give_marked(struct fragments *f, uint16_t id, uint32_t at, uint32_t n, uint8_t ecn)
{
  struct ipv4_header h = raw_header(IP_UDP);
  static struct raw_ip p;

  h.id = id;
  h.tos = ecn;
  h.offset = (uint16_t)at;
  h.more_fragments = at + n < f->length;
  raw_ip_make(&p, h, f->datagram + at, n);
  return raw_give(&f->r, p.octets, p.length);
}

static bool give_piece(struct fragments *f, uint16_t id, unsigned number)
{
  const uint32_t at = number * PIECE, left = f->length - at;

  return give(f, id, at, left < PIECE ? left : PIECE);
}

static void arrived_whole(struct fragments *f)
{
  uint8_t got[OCTETS];
  la_endpoint from;

  assert_int_equal(la_udp_recv(f->r.stack, f->sock, &from, got, sizeof got), OCTETS);
  assert_memory_equal(got, f->datagram + UDP_HEADER, OCTETS);
}

static void nothing_arrived(struct fragments *f)
{
  la_endpoint from;

  assert_int_equal(la_udp_recv(f->r.stack, f->sock, &from, NULL, 0), -LA_EAGAIN);
}

enum { PIECES = (OCTETS + UDP_HEADER + PIECE - 1) / PIECE };

TEST(any_order_will_do)
{
  struct fragments f;
  struct rng rng;

  begin(&f);
  rng_seed(&rng, 4);
  for (uint16_t id = 0; id < 50; id++) {
    unsigned order[PIECES];

    for (unsigned i = 0; i < PIECES; i++) {
      const unsigned j = rng_below(&rng, i + 1);

      order[i] = order[j];
      order[j] = i;
    }
    for (unsigned i = 0; i < PIECES; i++)
      assert_true(give_piece(&f, id, order[i]));
    arrived_whole(&f);
  }
  assert_int_equal(raw_count(&f.r, "ip_reassembled"), 50);
  finish(&f);
}

TEST(a_fragment_that_comes_twice_does_no_harm)
{
  struct fragments f;

  begin(&f);
  for (unsigned i = 0; i < PIECES - 1; i++) {
    assert_true(give_piece(&f, 1, i));
    assert_false(give_piece(&f, 1, i));
  }
  assert_true(give_piece(&f, 1, PIECES - 1));
  arrived_whole(&f);
  assert_int_equal(raw_count(&f.r, "FRAGMENT_AGAIN"), PIECES - 1);
  finish(&f);
}

TEST(overlaps_throw_the_datagram_away)
{
  struct fragments f;

  begin(&f);
  assert_true(give_piece(&f, 1, 0));
  assert_false(give(&f, 1, PIECE - 8, PIECE));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_OVERLAP"), 1);
  assert_int_equal(raw_used(&f.r, "reassemblies"), 0);
  /* The same place, other octets. */
  assert_true(give_piece(&f, 2, 1));
  f.datagram[PIECE + 3] ^= 1;
  assert_false(give_piece(&f, 2, 1));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_OVERLAP"), 2);
  nothing_arrived(&f);
  finish(&f);
}

TEST(two_ends_contradict_each_other)
{
  struct fragments f;
  begin(&f);
  assert_true(give_piece(&f, 1, PIECES - 1));
  f.length -= PIECE;                          /* now the one before says that it is the last */
  assert_false(give_piece(&f, 1, PIECES - 2));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_CONFLICT"), 1);
  f.length += PIECE;
  assert_true(give_piece(&f, 2, 3));
  f.length = 2 * PIECE;                       /* an end before what is here already */
  assert_false(give_piece(&f, 2, 1));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_CONFLICT"), 2);
  nothing_arrived(&f);
  finish(&f);
}

TEST(impossible_lengths_are_refused)
{
  struct fragments f;
  struct ipv4_header h = raw_header(IP_UDP);
  static struct raw_ip p;

  begin(&f);
  assert_false(give(&f, 1, 0, PIECE + 1));    /* not a multiple of eight, and not the last */
  assert_int_equal(raw_count(&f.r, "FRAGMENT_LENGTH"), 1);
  h.offset = 65528;
  raw_ip_make(&p, h, f.datagram, PIECE);      /* beyond what a datagram can have */
  assert_false(raw_give(&f.r, p.octets, p.length));
  h.offset = 8;
  raw_ip_make(&p, h, f.datagram, 0);
  assert_false(raw_give(&f.r, p.octets, p.length));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_LENGTH"), 3);
  h.protocol = IP_TCP;                        /* RFC 3128: to overwrite TCP's flags */
  raw_ip_make(&p, h, f.datagram, PIECE);
  assert_false(raw_give(&f.r, p.octets, p.length));
  h.offset = 0;
  h.more_fragments = true;
  raw_ip_make(&p, h, f.datagram, 16);
  assert_false(raw_give(&f.r, p.octets, p.length));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_TINY"), 2);
  finish(&f);
}

TEST(the_oldest_gives_way)
{
  struct fragments f;

  begin(&f);
  assert_true(give_piece(&f, 1, 0));
  assert_true(give_piece(&f, 2, 0));
  assert_true(give_piece(&f, 3, 0));          /* two places: datagram 1 goes */
  assert_int_equal(raw_count(&f.r, "FRAGMENT_EVICTED"), 1);
  for (unsigned i = 1; i < PIECES; i++)
    assert_true(give_piece(&f, 2, i));
  arrived_whole(&f);
  for (unsigned i = 1; i < PIECES; i++)
    assert_true(give_piece(&f, 3, i));
  arrived_whole(&f);
  finish(&f);
}

TEST(after_a_minute_it_is_given_up_and_said_so)
{
  static uint8_t out[RAW_MAX];
  struct fragments f;

  begin(&f);
  assert_true(give_piece(&f, 1, 0));
  assert_true(give_piece(&f, 2, 1));          /* its first one never comes: nobody is told */
  assert_true(la_deadline(f.r.stack) == f.r.now + 60 * LA_SEC);
  f.r.now += 59 * LA_SEC;
  assert_int_equal(raw_drain(&f.r), 0);
  f.r.now += LA_SEC;
  assert_true(raw_take(&f.r, out) > 0);
  assert_int_equal(out[20], ICMP_TIME_EXCEEDED);
  assert_int_equal(out[21], 1);
  assert_int_equal(raw_take(&f.r, out), 0);
  assert_int_equal(raw_count(&f.r, "FRAGMENT_LATE"), 2);
  assert_true(la_deadline(f.r.stack) == LA_NEVER);
  finish(&f);
}

/* Two datagrams become whole in one batch: until they are taken there is no place for a third. */
TEST(places_that_are_whole_cannot_be_taken)
{
  struct fragments f;
  la_pkt pkts[2 * PIECES + 1];
  unsigned n = 0;

  begin(&f);
  for (uint16_t id = 0; id < 3; id++)
    for (unsigned i = 0; i < (id < 2 ? PIECES : 1); i++) {
      struct ipv4_header h = raw_header(IP_UDP);
      static struct raw_ip p;
      const uint32_t at = i * PIECE, left = f.length - at;
      la_slab *slab;

      h.id = id;
      h.offset = (uint16_t)at;
      h.more_fragments = left > PIECE;
      raw_ip_make(&p, h, f.datagram + at, left < PIECE ? left : PIECE);
      assert_int_equal(la_slab_get(f.r.stack, &slab), 0);
      memcpy(la_slab_octets(slab), p.octets, p.length);
      pkts[n] = (la_pkt){ .frags = 1 };
      pkts[n++].frag[0] = (la_frag){ slab, 0, p.length };
    }
  assert_int_equal(la_input(f.r.stack, f.r.now, pkts, n), n - 1);
  assert_int_equal(raw_count(&f.r, "FRAGMENT_KEPT"), 2 * (PIECES - 1));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_NO_ROOM"), 1);
  arrived_whole(&f);
  arrived_whole(&f);
  finish(&f);
}

/* Whatever the transport says of the whole, its slabs are given back. */
TEST(a_whole_that_nobody_takes_leaves_nothing)
{
  static const uint8_t protocols[] = { IP_UDP, IP_TCP, IP_ICMP, 99 };
  struct fragments f;

  begin(&f);
  f.datagram[f.length - 1] ^= 1;
  for (uint16_t id = 0; id < sizeof protocols; id++)
    for (unsigned i = 0; i < PIECES; i++) {
      struct ipv4_header h = raw_header(protocols[id]);
      static struct raw_ip p;
      const uint32_t at = i * PIECE, left = f.length - at;

      h.id = id;
      h.offset = (uint16_t)at;
      h.more_fragments = left > PIECE;
      raw_ip_make(&p, h, f.datagram + at, left < PIECE ? left : PIECE);
      assert_int_equal(raw_give(&f.r, p.octets, p.length), left > PIECE);
    }
  assert_int_equal(raw_count(&f.r, "ip_reassembled"), sizeof protocols);
  (void)raw_drain(&f.r);
  finish(&f);
}

TEST(without_slabs_the_datagram_is_lost_and_nothing_else)
{
  struct fragments f;
  la_slab *slabs[64];
  unsigned n = 0;

  begin(&f);
  while (n < 63)
    assert_int_equal(la_slab_get(f.r.stack, &slabs[n++]), 0);
  assert_false(give_piece(&f, 1, 0));         /* the last slab is the packet's own */
  assert_int_equal(raw_count(&f.r, "FRAGMENT_NO_MEMORY"), 1);
  assert_int_equal(raw_used(&f.r, "slabs"), 63);
  assert_int_equal(raw_used(&f.r, "reassemblies"), 0);
  while (n > 0)
    la_slab_release(f.r.stack, slabs[--n]);
  finish(&f);
}

/* RFC 3168 5.3 */
TEST(a_mark_beside_a_fragment_that_could_have_none_ends_the_datagram)
{
  struct fragments f;

  begin(&f);
  assert_true(give_marked(&f, 1, 0, 2000, 2));
  assert_true(give_marked(&f, 1, 2000, f.length - 2000, 3));
  arrived_whole(&f);
  assert_true(give_marked(&f, 2, 0, 2000, 0));
  assert_false(give_marked(&f, 2, 2000, f.length - 2000, 3));
  assert_int_equal(raw_count(&f.r, "FRAGMENT_MARKS"), 1);
  finish(&f);
}

RUN(cmocka_unit_test(any_order_will_do), cmocka_unit_test(a_fragment_that_comes_twice_does_no_harm),
    cmocka_unit_test(overlaps_throw_the_datagram_away),
    cmocka_unit_test(two_ends_contradict_each_other),
    cmocka_unit_test(impossible_lengths_are_refused), cmocka_unit_test(the_oldest_gives_way),
    cmocka_unit_test(after_a_minute_it_is_given_up_and_said_so),
    cmocka_unit_test(places_that_are_whole_cannot_be_taken),
    cmocka_unit_test(a_whole_that_nobody_takes_leaves_nothing),
    cmocka_unit_test(without_slabs_the_datagram_is_lost_and_nothing_else),
    cmocka_unit_test(a_mark_beside_a_fragment_that_could_have_none_ends_the_datagram))
