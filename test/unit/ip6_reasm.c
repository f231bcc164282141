/* ip6_reasm: IPv6's fragments make the datagram in any order; what RFC 8200 4.5, 5722 and 7112
 * forbid does not, and nothing is left of it. */
#include "support/raw6.h"

enum { OCTETS = 4000, PIECE = 800, PIECES = (OCTETS + UDP_HEADER + PIECE - 1) / PIECE };

static uint8_t datagram[OCTETS + UDP_HEADER];
static struct raw_ip p;

static struct raw begin(la_sock *sock)
{
  struct raw r = raw6_new();
  static uint8_t text[OCTETS];

  for (uint32_t i = 0; i < OCTETS; i++)
    text[i] = (uint8_t)(i * 11 + i / 256);
  raw6_udp(&p, raw6_header(IP_UDP), 1000, 7, text, OCTETS);
  memcpy(datagram, p.octets + IPV6_HEADER, sizeof datagram);
  assert_int_equal(la_udp_open(r.stack, (la_endpoint){ { 0 }, 7 }, NULL, sock), 0);
  return r;
}

static void finish(struct raw *r)
{
  assert_int_equal(raw_used(r, "reassemblies"), 0);
  assert_int_equal(raw_used(r, "slabs"), 0);
  raw_end(r);
}

/* Octets of `from` behind a fragment header; the others of the extension headers are `before`. */
static void make(uint32_t id, uint8_t next, uint32_t at, bool more, const uint8_t *from, uint32_t n,
                 const uint8_t *before, uint32_t before_length)
{
  static uint8_t payload[RAW_MAX];
  uint8_t *const f = payload + before_length;

  if (before_length > 0)
    memcpy(payload, before, before_length);
  f[0] = next;
  f[1] = 0;
  be16_put(f + 2, (uint16_t)(at | more));
  be32_put(f + 4, id);
  memcpy(f + 8, from, n);
  raw6_make(&p, raw6_header(before_length > 0 ? IPV6_DESTINATION : IPV6_FRAGMENT), payload,
            before_length + 8 + n);
}

static void make_piece(uint32_t id, unsigned number)
{
  const uint32_t at = number * PIECE, left = (uint32_t)sizeof datagram - at;

  make(id, IP_UDP, at, left > PIECE, datagram + at, left < PIECE ? left : PIECE, NULL, 0);
}

static bool give_piece(struct raw *r, uint32_t id, unsigned number)
{
  make_piece(id, number);
  return raw_give(r, p.octets, p.length);
}

static void arrived_whole(struct raw *r, la_sock sock)
{
  uint8_t got[OCTETS];
  la_endpoint from;

  assert_int_equal(la_udp_recv(r->stack, sock, &from, got, sizeof got), OCTETS);
  assert_memory_equal(got, datagram + UDP_HEADER, OCTETS);
}

TEST(any_order_will_do_and_ids_have_32_bits)
{
  la_sock sock;
  struct raw r = begin(&sock);

  for (unsigned first = 0; first < PIECES; first++) {
    for (unsigned i = 0; i < PIECES; i++) {
      assert_true(give_piece(&r, first, (first + i) % PIECES));
      if (i == 0)
        assert_true(give_piece(&r, first + 0x10000, first));
    }
    arrived_whole(&r, sock);
  }
  r.now += 60 * LA_SEC;
  (void)raw_drain(&r);
  finish(&r);
}

TEST(headers_in_the_fragmentable_part_are_walked)
{
  static const uint8_t options[8] = { IP_UDP, 0, 1, 4 };
  la_sock sock;
  struct raw r = begin(&sock);
  static uint8_t whole[8 + sizeof datagram];

  memcpy(whole, options, 8);
  memcpy(whole + 8, datagram, sizeof datagram);
  make(1, IPV6_DESTINATION, 0, true, whole, 2000, NULL, 0);
  assert_true(raw_give(&r, p.octets, p.length));
  make(1, IPV6_DESTINATION, 2000, false, whole + 2000, sizeof whole - 2000, NULL, 0);
  assert_true(raw_give(&r, p.octets, p.length));
  arrived_whole(&r, sock);
  whole[2] = 0x9e; /* an option that asks for an answer */
  make(2, IPV6_DESTINATION, 2000, false, whole + 2000, sizeof whole - 2000, NULL, 0);
  assert_true(raw_give(&r, p.octets, p.length));
  make(2, IPV6_DESTINATION, 0, true, whole, 2000, NULL, 0);
  raw6_refused(&r, &p, "IP6_OPTION");
  p.length = 1280;
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_OPTION, 50);
  make(3, IPV6_FRAGMENT, 0, true, (uint8_t[16]){ IP_UDP, 0, 1, 1 }, 16, NULL, 0);
  assert_true(raw_give(&r, p.octets, p.length));
  make(3, IPV6_FRAGMENT, 16, false, datagram, 16, NULL, 0);
  raw6_refused(&r, &p, "IP6_EXTENSIONS");
  finish(&r);
}

TEST(overlaps_throw_the_datagram_away)
{
  la_sock sock;
  struct raw r = begin(&sock);

  assert_true(give_piece(&r, 1, 0));
  assert_false(give_piece(&r, 1, 0));
  assert_int_equal(raw_count(&r, "FRAGMENT_AGAIN"), 1);
  make(1, IP_UDP, 8, true, datagram, 16, NULL, 0);
  raw6_refused(&r, &p, "FRAGMENT_OVERLAP");
  assert_int_equal(raw_drain(&r), 0); /* RFC 5722 3: silently */
  finish(&r);
}

TEST(impossible_lengths_are_answered)
{
  la_sock sock;
  struct raw r = begin(&sock);

  make(1, IP_UDP, 0, true, datagram, 801, NULL, 0);
  raw6_refused(&r, &p, "FRAGMENT_LENGTH");
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_FIELD, 4);
  make(1, IP_UDP, 65528, false, datagram, 8, NULL, 0);
  raw6_refused(&r, &p, "FRAGMENT_LENGTH");
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_FIELD, 42);
  finish(&r);
}

TEST(a_first_fragment_without_all_headers_is_refused)
{
  static const uint8_t long_options[8] = { IP_UDP, 40, 1, 4 };
  la_sock sock;
  struct raw r = begin(&sock);
  static uint8_t before[144] = { IPV6_FRAGMENT, 17, 1, 138 };

  make(1, IP_TCP, 0, true, datagram, 16, NULL, 0);
  raw6_refused(&r, &p, "FRAGMENT_TINY");
  make(1, IPV6_DESTINATION, 0, true, long_options, 8, NULL, 0);
  raw6_refused(&r, &p, "FRAGMENT_TINY");
  make(1, IP_UDP, 0, true, datagram, 16, before, sizeof before);
  raw6_refused(&r, &p, "IP6_EXTENSIONS");
  before[1] = 7;
  before[3] = 58;
  make(1, IP_UDP, 0, true, datagram, 16, before, 64);
  assert_true(raw_give(&r, p.octets, p.length));
  make(1, IP_UDP, 16, false, datagram + 16, sizeof datagram - 16, NULL, 0);
  assert_true(raw_give(&r, p.octets, p.length));
  arrived_whole(&r, sock);
  finish(&r);
}

TEST(after_a_minute_it_is_given_up_and_said_so)
{
  la_sock sock;
  struct raw r = begin(&sock);

  assert_true(give_piece(&r, 1, 1)); /* its first one never comes: nobody is told */
  assert_true(give_piece(&r, 2, 0));
  r.now += 60 * LA_SEC;
  make_piece(2, 0);
  raw6_told(&r, &p, ICMPV6_TIME_EXCEEDED, 1, 0);
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(raw_count(&r, "FRAGMENT_LATE"), 2);
  finish(&r);
}

/* Whatever the transport says of the whole, its slabs are given back; and what it says of a port
 * that nobody has quotes the first fragment. */
TEST(a_whole_that_nobody_takes_leaves_nothing)
{
  static const uint8_t protocols[] = { IP_UDP, IP_TCP, IP_ICMPV6, 99 };
  la_sock sock;
  struct raw r = begin(&sock);

  datagram[sizeof datagram - 1] ^= 1;
  for (uint32_t id = 0; id < sizeof protocols; id++)
    for (unsigned i = 0; i < PIECES; i++) {
      const uint32_t at = i * PIECE, left = (uint32_t)sizeof datagram - at;

      make(id, protocols[id], at, left > PIECE, datagram + at, left < PIECE ? left : PIECE, NULL,
           0);
      assert_int_equal(raw_give(&r, p.octets, p.length), left > PIECE);
    }
  assert_int_equal(raw_count(&r, "ip_reassembled"), sizeof protocols);
  assert_int_equal(raw_drain(&r), 1);
  finish(&r);
}

RUN(cmocka_unit_test(any_order_will_do_and_ids_have_32_bits),
    cmocka_unit_test(headers_in_the_fragmentable_part_are_walked),
    cmocka_unit_test(overlaps_throw_the_datagram_away),
    cmocka_unit_test(impossible_lengths_are_answered),
    cmocka_unit_test(a_first_fragment_without_all_headers_is_refused),
    cmocka_unit_test(after_a_minute_it_is_given_up_and_said_so),
    cmocka_unit_test(a_whole_that_nobody_takes_leaves_nothing))
