/* wire: Ethernet, ARP, IPv4, ICMP and UDP headers, the good, the malformed and the random. */
#include "support/unit.h"

#include "base/be.h"
#include "base/csum.h"
#include "base/rng.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

static void fill(struct rng *rng, void *p, size_t n)
{
  for (size_t i = 0; i < n; i++)
    ((uint8_t *)p)[i] = (uint8_t)rng_next(rng);
}

TEST(an_ethernet_header)
{
  static const uint8_t octets[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x06, 99 };
  struct ether_header h;
  uint8_t back[ETHER_HEADER];

  for (size_t n = 0; n <= sizeof octets; n++)
    assert_int_equal(ether_header_parse(octets, n, &h), n >= 14 ? 14 : 0);
  assert_memory_equal(h.to, octets, 6);
  assert_memory_equal(h.from, octets + 6, 6);
  assert_int_equal(h.type, ETHER_ARP);
  assert_int_equal(ether_header_write(back, &h), ETHER_HEADER);
  assert_memory_equal(back, octets, ETHER_HEADER);
}

static const uint8_t arp_request[] = {
  0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
};

TEST(an_arp_request)
{
  struct arp a;
  uint8_t back[ARP_OCTETS];

  for (size_t n = 0; n <= sizeof arp_request; n++)
    assert_int_equal(arp_parse(arp_request, n, &a), n >= 28 ? 28 : 0);
  assert_int_equal(a.operation, ARP_REQUEST);
  assert_memory_equal(a.sender_mac, "\2\0\0\0\0\1", 6);
  assert_memory_equal(a.sender_ip, "\12\0\0\1", 4);
  assert_memory_equal(a.target_mac, "\0\0\0\0\0\0", 6);
  assert_memory_equal(a.target_ip, "\12\0\0\2", 4);
  assert_int_equal(arp_write(back, &a), ARP_OCTETS);
  assert_memory_equal(back, arp_request, ARP_OCTETS);
}

/* RFC 826's "do I have this hardware type, do I speak this protocol, are the lengths right". */
TEST(arp_of_other_media_is_refused)
{
  for (size_t i = 0; i < 6; i++) {
    uint8_t octets[ARP_OCTETS];
    struct arp a;

    memcpy(octets, arp_request, sizeof octets);
    octets[i] ^= 1;
    assert_int_equal(arp_parse(octets, sizeof octets, &a), 0);
  }
}

/* The header that Wikipedia's article on the checksum works out: its sum is not ours. */
static const uint8_t known_header[] = {
  0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
  0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
};

TEST(an_ipv4_header)
{
  struct ipv4_header h;
  uint8_t back[IPV4_HEADER_MIN];

  for (size_t n = 0; n <= sizeof known_header; n++)
    assert_int_equal(ipv4_header_parse(known_header, n, &h), n >= 20 ? 20 : 0);
  assert_int_equal(h.total, 0x73);
  assert_int_equal(h.id, 0);
  assert_int_equal(h.offset, 0);
  assert_int_equal(h.length, 20);
  assert_int_equal(h.ttl, 64);
  assert_int_equal(h.protocol, IP_UDP);
  assert_true(h.dont_fragment && !h.more_fragments);
  assert_memory_equal(h.source, "\300\250\0\1", 4);
  assert_memory_equal(h.destination, "\300\250\0\307", 4);
  assert_true(ipv4_header_sum_good(known_header, 20));
  assert_int_equal(ipv4_header_write(back, &h), 20);
  assert_memory_equal(back, known_header, 20);
}

TEST(every_version_ihl_and_length_of_ipv4)
{
  uint8_t octets[64] = { 0 };
  struct ipv4_header h;

  for (unsigned first = 0; first < 256; first++) {
    for (size_t n = 0; n < sizeof octets; n++) {
      const size_t length = (first & 15) * 4;
      const bool good = first >> 4 == 4 && length >= 20 && length <= n;

      octets[0] = (uint8_t)first;
      be16_put(octets + 2, (uint16_t)length);
      assert_int_equal(ipv4_header_parse(octets, n, &h), good ? length : 0);
      be16_put(octets + 2, (uint16_t)(length - 1));
      if (length > 0)
        assert_int_equal(ipv4_header_parse(octets, n, &h), 0);
    }
  }
}

TEST(fragments_count_in_units_of_eight)
{
  for (unsigned fragment = 0; fragment < 65536; fragment++) {
    uint8_t octets[20] = { 0x45, 0, 0, 20 }, back[20];
    struct ipv4_header h;

    be16_put(octets + 6, (uint16_t)fragment);
    assert_int_equal(ipv4_header_parse(octets, sizeof octets, &h), 20);
    assert_int_equal(h.offset, (fragment & 0x1fff) * 8);
    assert_int_equal(h.more_fragments, fragment >> 13 & 1);
    assert_int_equal(h.dont_fragment, fragment >> 14 & 1);
    ipv4_header_write(back, &h);
    assert_int_equal(be16_get(back + 6), fragment & 0x7fff);
    assert_true(ipv4_header_sum_good(back, 20));
  }
}

TEST(a_header_sum_covers_the_options_and_every_bit)
{
  uint8_t octets[24] = { 0x46, 0, 0, 24, 1, 2, 0, 0, 64, 6, [12] = 1, 2, 3, 4, 5, 6, 7, 8, 7, 4 };
  struct csum c = { 0 };

  csum_add(&c, octets, sizeof octets);
  be16_put(octets + 10, csum_done(&c));
  assert_true(ipv4_header_sum_good(octets, 24));
  for (size_t bit = 0; bit < 8 * sizeof octets; bit++) {
    octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_false(ipv4_header_sum_good(octets, 24));
    octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

TEST(an_icmp_header)
{
  static const uint8_t octets[] = { 3, 4, 0xab, 0xcd, 0, 0, 0x05, 0x78, 0x45 };
  struct icmp_header h;
  uint8_t back[ICMP_HEADER];

  for (size_t n = 0; n <= sizeof octets; n++)
    assert_int_equal(icmp_header_parse(octets, n, &h), n >= 8 ? 8 : 0);
  assert_int_equal(h.type, ICMP_UNREACHABLE);
  assert_int_equal(h.code, ICMP_FRAGMENTATION_NEEDED);
  assert_int_equal(h.checksum, 0xabcd);
  assert_int_equal(h.rest & 0xffff, 1400);
  assert_int_equal(icmp_header_write(back, &h), 8);
  assert_memory_equal(back, octets, 8);
}

TEST(a_udp_header)
{
  uint8_t octets[] = { 0x12, 0x34, 0, 53, 0, 9, 0xff, 0xee, 1 };
  struct udp_header h;
  uint8_t back[UDP_HEADER];

  for (size_t n = 0; n <= sizeof octets; n++)
    assert_int_equal(udp_header_parse(octets, n, &h), n >= 8 ? 8 : 0);
  assert_int_equal(h.source, 0x1234);
  assert_int_equal(h.destination, 53);
  assert_int_equal(h.length, 9);
  assert_int_equal(h.checksum, 0xffee);
  assert_int_equal(udp_header_write(back, &h), 8);
  assert_memory_equal(back, octets, 8);
  for (uint16_t length = 0; length < 8; length++) {
    be16_put(octets + 4, length);
    assert_int_equal(udp_header_parse(octets, sizeof octets, &h), 0);
  }
}

/* Exactly as many octets as it was told there are: the sanitizer sees any more. */
TEST(random_octets_are_never_read_beyond_their_end)
{
  struct rng rng;
  int parsed = 0;

  rng_seed(&rng, 21);
  for (int i = 0; i < 50000; i++) {
    const size_t n = rng_below(&rng, 70);
    uint8_t *const octets = malloc(n ? n : 1);
    struct ether_header ether;
    struct ipv4_header ipv4;
    struct icmp_header icmp;
    struct udp_header udp;
    struct arp arp;

    fill(&rng, octets, n);
    if (n > 0 && rng_below(&rng, 2))
      octets[0] = (uint8_t)(0x40 | rng_below(&rng, 16));
    ether_header_parse(octets, n, &ether);
    icmp_header_parse(octets, n, &icmp);
    udp_header_parse(octets, n, &udp);
    arp_parse(octets, n, &arp);
    if (ipv4_header_parse(octets, n, &ipv4) > 0) {
      assert_true(ipv4.length >= 20 && ipv4.length <= n && ipv4.total >= ipv4.length);
      ipv4_header_sum_good(octets, ipv4.length);
      parsed++;
    }
    free(octets);
  }
  assert_true(parsed > 1000);
}

RUN(cmocka_unit_test(an_ethernet_header), cmocka_unit_test(an_arp_request),
    cmocka_unit_test(arp_of_other_media_is_refused), cmocka_unit_test(an_ipv4_header),
    cmocka_unit_test(every_version_ihl_and_length_of_ipv4),
    cmocka_unit_test(fragments_count_in_units_of_eight),
    cmocka_unit_test(a_header_sum_covers_the_options_and_every_bit),
    cmocka_unit_test(an_icmp_header), cmocka_unit_test(a_udp_header),
    cmocka_unit_test(random_octets_are_never_read_beyond_their_end))
