/* wire: messages of neighbour discovery, octets to structs and back. */
#include "support/unit.h"

#include "base/be.h"
#include "wire/nd.h"

TEST(what_is_written_reads_the_same)
{
  static const uint8_t mac[ND_MAC] = { 2, 3, 4, 5, 6, 7 };
  const struct nd_message m = {
    .type = ICMPV6_NEIGHBOR_ADVERTISEMENT, .flags = ND_SOLICITED, .target_mac = mac,
    .target = { { 0x20, 1, [15] = 9 } },
  };
  uint8_t octets[ND_MESSAGE_MAX];
  struct nd_message got;
  const size_t n = nd_write(octets, &m);

  assert_int_equal(n, 32);
  assert_true(nd_parse(octets, n, &got));
  assert_int_equal(got.type, m.type);
  assert_int_equal(got.flags, ND_SOLICITED);
  assert_true(ip_addr_eq(&got.target, &m.target));
  assert_memory_equal(got.target_mac, mac, ND_MAC);
  assert_null(got.source_mac);
  octets[25] = 0;
  assert_false(nd_parse(octets, n, &got));    /* an option without a length */
  octets[25] = 2;
  assert_false(nd_parse(octets, n, &got));    /* beyond the end */
}

TEST(groups_and_their_addresses_on_ethernet)
{
  const struct ip_addr a = { { 0x20, 1, [13] = 0xab, [14] = 0xcd, [15] = 0xef } };
  const struct ip_addr group = nd_solicited_node(&a);
  uint8_t mac[ND_MAC];

  nd_group_mac(&group, mac);
  assert_memory_equal(group.octets, "\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\xab\xcd\xef", 16);
  assert_memory_equal(mac, "\x33\x33\xff\xab\xcd\xef", 6);
}

/* Total over any octets: whatever parses, parses the same in a buffer that ends there. */
TEST(no_octets_lead_the_parser_astray)
{
  uint8_t octets[120];
  struct nd_message m;

  for (unsigned type = 128; type < 144; type++)
    for (size_t n = 0; n <= sizeof octets; n++)
      for (unsigned fill = 0; fill < 6; fill++) {
        uint8_t *const copy = n > 0 ? malloc(n) : NULL;

        memset(octets, (int)fill, sizeof octets);
        octets[0] = (uint8_t)type;
        if (n == 0 || !copy)
          continue;
        memcpy(copy, octets, n);
        if (nd_parse(copy, n, &m))
          assert_true(m.type >= 133 && m.type <= 137 && m.prefixes <= ND_PREFIXES_MAX);
        free(copy);
      }
}

RUN(cmocka_unit_test(what_is_written_reads_the_same),
    cmocka_unit_test(groups_and_their_addresses_on_ethernet),
    cmocka_unit_test(no_octets_lead_the_parser_astray))
