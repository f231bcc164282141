/* wire: IPv6 headers, the walk along extension headers, quotes in ICMP errors, pseudo-headers. */
#include "support/unit.h"

#include "base/be.h"
#include "base/rng.h"
#include "wire/addr_text.h"
#include "wire/icmpv6.h"
#include "wire/ip.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

static struct ip_addr address(const char *text)
{
  struct ip_addr a;

  assert_true(addr_text_parse(text, &a));
  return a;
}

TEST(an_ipv6_header)
{
  const struct ipv6_header h = {
    .traffic_class = 0xa5, .next = IP_TCP, .hop_limit = 64, .payload = 0x1234,
    .flow_label = 0xedcba, .source = address("2001:db8::1"), .destination = address("fe80::2"),
  };
  uint8_t octets[IPV6_HEADER];
  struct ipv6_header got;

  assert_int_equal(ipv6_header_write(octets, &h), IPV6_HEADER);
  assert_memory_equal(octets, "\x6a\x5e\xdc\xba\x12\x34\x06\x40\x20\x01\x0d\xb8", 12);
  for (size_t n = 0; n <= IPV6_HEADER; n++)
    assert_int_equal(ipv6_header_parse(octets, n, &got), n >= 40 ? 40 : 0);
  assert_int_equal(got.traffic_class, 0xa5);
  assert_int_equal(got.flow_label, 0xedcba);
  assert_int_equal(got.payload, 0x1234);
  assert_int_equal(got.next, IP_TCP);
  assert_int_equal(got.hop_limit, 64);
  assert_true(ip_addr_eq(&got.source, &h.source) && ip_addr_eq(&got.destination, &h.destination));
  for (unsigned version = 0; version < 16; version++) {
    octets[0] = (uint8_t)(version << 4);
    assert_int_equal(ipv6_header_parse(octets, IPV6_HEADER, &got), version == 6 ? 40 : 0);
  }
}

/* A packet whose first header is `next`, and behind the IPv6 header these octets. */
struct packet { uint8_t octets[200]; size_t n; };

static struct packet packet_of(uint8_t next, const uint8_t *behind, size_t n)
{
  const struct ipv6_header h = { .next = next, .payload = (uint16_t)n };
  struct packet p = { { 0 }, IPV6_HEADER + n };

  ipv6_header_write(p.octets, &h);
  memcpy(p.octets + IPV6_HEADER, behind, n);
  return p;
}

#define BEHIND(next, ...)                                                       \
  packet_of(next, (const uint8_t[]){ __VA_ARGS__ }, sizeof(const uint8_t[]){ __VA_ARGS__ })

static struct ipv6_upper upper_of(struct packet p)
{
  return ipv6_upper_find(p.octets, p.n);
}

TEST(without_extensions_the_transport_is_next)
{
  const struct ipv6_upper u = upper_of(BEHIND(IP_TCP, 1, 2, 3));

  assert_int_equal(u.fault, IPV6_FINE);
  assert_int_equal(u.protocol, IP_TCP);
  assert_int_equal(u.at, 40);
  assert_false(u.fragment);
}

/* The order that RFC 8200 4.1 recommends, each header with its own way to count its length. */
TEST(all_extensions_in_a_row_lead_to_the_transport)
{
  const struct packet p = BEHIND(IPV6_HOP_BY_HOP,
      IPV6_DESTINATION, 0, 5, 2, 0, 0, 1, 0,                          /* router alert, PadN */
      IPV6_ROUTING, 1, 1, 4, 0, 0, 0, 0, 0x1e, 0, 0, 0, 0, 0, 0, 0,   /* unknown, to be skipped */
      IPV6_FRAGMENT, 0, 0, 0, 0, 0, 0, 0,
      IPV6_AUTHENTICATION, 0, 0, 0, 1, 2, 3, 4,
      IP_UDP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      9, 9, 9, 9);
  const struct ipv6_upper u = upper_of(p);

  assert_int_equal(u.fault, IPV6_FINE);
  assert_int_equal(u.protocol, IP_UDP);
  assert_int_equal(u.at, p.n - 4);
  for (size_t n = IPV6_HEADER; n < p.n - 4; n++)
    assert_int_equal(ipv6_upper_find(p.octets, n).fault, IPV6_TRUNCATED);
}

TEST(what_is_no_extension_ends_the_walk)
{
  for (unsigned next = 0; next < 256; next++) {
    const struct ipv6_upper u = upper_of(BEHIND((uint8_t)next, 6, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    const bool extension = next == 0 || next == 43 || next == 44 || next == 51 || next == 60;

    assert_int_equal(u.at > 40 || u.fault != IPV6_FINE, extension);
    assert_int_equal(u.protocol == next, !extension || u.fault != IPV6_FINE);
  }
}

TEST(hop_by_hop_options_come_first_or_not_at_all)
{
  const struct ipv6_upper u = upper_of(BEHIND(
      IPV6_DESTINATION, IPV6_HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, IP_TCP, 0, 1, 4, 0, 0, 0, 0));

  assert_int_equal(u.fault, IPV6_NEXT_MISPLACED);
  assert_int_equal(u.pointer, 40);
}

TEST(eight_extensions_are_walked_and_nine_are_not)
{
  uint8_t behind[9 * 8] = { 0 };
  struct packet p;

  for (size_t i = 0; i < 9; i++)
    behind[8 * i] = IPV6_DESTINATION;
  behind[7 * 8] = IP_TCP;
  p = packet_of(IPV6_DESTINATION, behind, 8 * 8);
  assert_int_equal(upper_of(p).fault, IPV6_FINE);
  assert_int_equal(upper_of(p).protocol, IP_TCP);
  behind[7 * 8] = IPV6_DESTINATION;
  behind[8 * 8] = IP_TCP;
  p = packet_of(IPV6_DESTINATION, behind, 9 * 8);
  assert_int_equal(upper_of(p).fault, IPV6_TOO_MANY);
}

/* RFC 8200 4.2: 00 skip, 01 drop, 10 drop and report, 11 drop and report unless multicast. */
TEST(an_unknown_option_says_itself_what_becomes_of_it)
{
  static const enum ipv6_fault faults[] = {
    IPV6_FINE, IPV6_OPTION_DROP, IPV6_OPTION_REPORT, IPV6_OPTION_REPORT_UNICAST
  };

  for (unsigned type = 2; type < 256; type++) {
    const struct ipv6_upper u =
        upper_of(BEHIND(IPV6_DESTINATION, IP_TCP, 0, 0, (uint8_t)type, 2, 7, 7, 0));

    assert_int_equal(u.fault, faults[type >> 6]);
    if (u.fault != IPV6_FINE)
      assert_int_equal(u.pointer, 43);
    else
      assert_int_equal(u.protocol, IP_TCP);
  }
}

TEST(an_option_must_end_within_its_header)
{
  for (unsigned length = 0; length < 256; length++) {
    const struct ipv6_upper u = upper_of(
        BEHIND(IPV6_HOP_BY_HOP, IP_TCP, 0, 1, (uint8_t)length, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8));

    assert_int_equal(u.fault, length <= 4 ? IPV6_FINE : IPV6_TRUNCATED);
  }
  assert_int_equal(upper_of(BEHIND(IPV6_HOP_BY_HOP, IP_TCP, 0, 0, 0, 0, 0, 0, 1)).fault,
                   IPV6_TRUNCATED);
}

/* RFC 8200 4.4: with segments left, a type that is unknown is a problem; without, it is not. */
TEST(a_routing_header_matters_only_with_segments_left)
{
  const struct ipv6_upper u = upper_of(BEHIND(IPV6_ROUTING, IP_TCP, 0, 0, 1, 0, 0, 0, 0));

  assert_int_equal(u.fault, IPV6_ROUTING_UNKNOWN);
  assert_int_equal(u.pointer, 42);
  assert_int_equal(upper_of(BEHIND(IPV6_ROUTING, IP_TCP, 0, 0, 0, 0, 0, 0, 0)).protocol, IP_TCP);
}

TEST(a_fragment_ends_the_walk_unless_it_is_all_there_is)
{
  struct ipv6_upper u = upper_of(BEHIND(IPV6_FRAGMENT, IPV6_DESTINATION, 0, 0x12, 0x39, 1, 2, 3, 4,
                                        IP_TCP, 0, 0, 0, 0, 0, 0, 0));

  assert_int_equal(u.fault, IPV6_FINE);
  assert_true(u.fragment && u.more_fragments);
  assert_int_equal(u.offset, 0x1238);
  assert_int_equal(u.id, 0x01020304);
  assert_int_equal(u.protocol, IPV6_DESTINATION);
  assert_int_equal(u.at, 48);
  u = upper_of(BEHIND(IPV6_FRAGMENT, IP_TCP, 0, 0, 1, 1, 2, 3, 4));
  assert_true(u.fragment && u.more_fragments && u.offset == 0);
  u = upper_of(BEHIND(IPV6_FRAGMENT, IPV6_DESTINATION, 0, 0, 6, 1, 2, 3, 4,
                      IP_TCP, 0, 1, 4, 0, 0, 0, 0));
  assert_false(u.fragment);
  assert_int_equal(u.protocol, IP_TCP);
  assert_int_equal(u.at, 56);
}

TEST(icmpv6_errors_are_the_types_below_128)
{
  assert_true(icmpv6_is_error(ICMPV6_PACKET_TOO_BIG));
  assert_false(icmpv6_is_error(ICMPV6_ECHO));
}

/* ---- quotes ---- */
static size_t quoted_tcp4(uint8_t *octets, uint16_t offset)
{
  const struct ipv4_header ip = {
    .total = 1500, .ttl = 60, .protocol = IP_TCP, .dont_fragment = true, .offset = offset,
    .source = { 10, 0, 0, 1 }, .destination = { 10, 0, 0, 2 },
  };
  const struct tcp_header tcp = { .source = 4000, .destination = 80, .seq = 0xfeedbeef };
  uint8_t segment[TCP_HEADER_MAX];
  const size_t length = ipv4_header_write(octets, &ip);

  tcp_header_write(segment, &tcp, NULL, 0);
  memcpy(octets + length, segment, 8);
  return length + 8;
}

TEST(a_quoted_ipv4_segment)
{
  const struct ip_addr ours = address("10.0.0.1"), theirs = address("10.0.0.2");
  uint8_t octets[64];
  struct ip_quote q;
  const size_t n = quoted_tcp4(octets, 0);

  for (size_t length = 0; length <= n; length++)
    assert_int_equal(ip_quote_parse(octets, length, &q), length == n);
  assert_true(ip_addr_eq(&q.source, &ours) && ip_addr_eq(&q.destination, &theirs));
  assert_int_equal(q.protocol, IP_TCP);
  assert_int_equal(q.source_port, 4000);
  assert_int_equal(q.destination_port, 80);
  assert_true(q.seq == 0xfeedbeef);
  assert_int_equal(q.total, 1500);
  octets[10] ^= 0xff;                         /* the checksum: not looked at */
  assert_true(ip_quote_parse(octets, n, &q));
  assert_false(ip_quote_parse(octets, quoted_tcp4(octets, 8), &q));
}

TEST(a_quoted_ipv6_datagram_behind_an_extension)
{
  const struct packet p = BEHIND(IPV6_DESTINATION, IP_UDP, 0, 1, 4, 0, 0, 0, 0,
                                 0x0f, 0xa0, 0, 53, 0, 8, 0, 0);
  struct ip_quote q;

  for (size_t length = 0; length <= p.n; length++)
    assert_int_equal(ip_quote_parse(p.octets, length, &q), length == p.n);
  assert_int_equal(q.protocol, IP_UDP);
  assert_int_equal(q.source_port, 4000);
  assert_int_equal(q.destination_port, 53);
  assert_int_equal(q.seq, 0);
  assert_int_equal(q.total, p.n);
}

TEST(other_protocols_are_quoted_without_ports)
{
  uint8_t octets[64];
  struct ip_quote q;
  const size_t n = quoted_tcp4(octets, 0);

  octets[9] = IP_ICMP;
  assert_true(ip_quote_parse(octets, n, &q));
  assert_int_equal(q.source_port + q.destination_port, 0);
  assert_int_equal(q.seq, 0);
}

/* ---- pseudo-headers ---- */
/* Against the sum of the fields as RFC 768 and RFC 8200 8.1 list them. */
TEST(pseudo_headers_of_both_families)
{
  static const char *const ends[][2] = {
    { "192.0.2.1", "198.51.100.7" }, { "2001:db8::1", "fe80::2" },
  };

  for (int family = 0; family < 2; family++) {
    const struct ip_addr a = address(ends[family][0]), b = address(ends[family][1]);
    uint32_t sum = IP_UDP + 0x1234;
    struct csum c = { 0 };

    for (size_t i = family ? 0 : 12; i < 16; i += 2)
      sum += be16_get(a.octets + i) + be16_get(b.octets + i);
    while (sum >> 16)
      sum = (sum & 0xffff) + (sum >> 16);
    ip_pseudo_sum(&c, &a, &b, IP_UDP, 0x1234);
    assert_int_equal(csum_fold(&c), sum);
    assert_false(c.odd);
  }
}

/* Exactly as many octets as it was told there are: the sanitizer sees any more. */
TEST(random_octets_are_never_read_beyond_their_end)
{
  static const uint8_t kinds[] = { 0, 43, 44, 51, 60, 6, 17, 58, 59, 50 };
  struct rng rng;
  int deep = 0, quotes = 0;

  rng_seed(&rng, 31);
  for (int i = 0; i < 100000; i++) {
    const size_t n = rng_below(&rng, 160);
    uint8_t *const octets = malloc(n ? n : 1);
    struct ipv6_header h;
    struct ip_quote q;

    for (size_t k = 0; k < n; k++)
      octets[k] = rng_below(&rng, 2) ? kinds[rng_below(&rng, sizeof kinds)] : 0;
    if (n > 0)
      octets[0] = (uint8_t)(rng_below(&rng, 4) ? 0x60 : 0x45);
    if (ipv6_header_parse(octets, n, &h) > 0) {
      const struct ipv6_upper u = ipv6_upper_find(octets, n);

      assert_true(u.at <= n && u.pointer <= n);
      deep += u.at > 56;
    }
    quotes += ip_quote_parse(octets, n, &q);
    free(octets);
  }
  assert_true(deep > 100 && quotes > 1000);
}

RUN(cmocka_unit_test(an_ipv6_header), cmocka_unit_test(without_extensions_the_transport_is_next),
    cmocka_unit_test(all_extensions_in_a_row_lead_to_the_transport),
    cmocka_unit_test(what_is_no_extension_ends_the_walk),
    cmocka_unit_test(hop_by_hop_options_come_first_or_not_at_all),
    cmocka_unit_test(eight_extensions_are_walked_and_nine_are_not),
    cmocka_unit_test(an_unknown_option_says_itself_what_becomes_of_it),
    cmocka_unit_test(an_option_must_end_within_its_header),
    cmocka_unit_test(a_routing_header_matters_only_with_segments_left),
    cmocka_unit_test(a_fragment_ends_the_walk_unless_it_is_all_there_is),
    cmocka_unit_test(icmpv6_errors_are_the_types_below_128),
    cmocka_unit_test(a_quoted_ipv4_segment),
    cmocka_unit_test(a_quoted_ipv6_datagram_behind_an_extension),
    cmocka_unit_test(other_protocols_are_quoted_without_ports),
    cmocka_unit_test(pseudo_headers_of_both_families),
    cmocka_unit_test(random_octets_are_never_read_beyond_their_end))
