/* output4.c - the IPv4 header of a TCP segment. */
#include "ip/ip.h"
#include "base/be.h"

enum { DONT_FRAGMENT = 0x4000 };

/* The sum of nine 16-bit words that are at hand is cheaper than a walk over what was written. */
void ip4_header_put(uint8_t *octets, const struct ip_addr *local, const struct ip_addr *peer,
                    uint8_t protocol, uint32_t length, struct ip_marks marks)
{
  const uint8_t *const from = local->octets + 12, *const to = peer->octets + 12;
  const uint32_t total = IPV4_HEADER_MIN + length;
  const uint32_t first = 0x4500u | (uint32_t)marks.dscp << 2 | marks.ecn;
  uint32_t sum = first + total + DONT_FRAGMENT + (uint32_t)(marks.ttl << 8 | protocol);

  sum += (uint32_t)be16_get(from) + be16_get(from + 2) + be16_get(to) + be16_get(to + 2);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  be32_put(octets, first << 16 | total);
  be32_put(octets + 4, DONT_FRAGMENT);
  be16_put(octets + 8, (uint16_t)(marks.ttl << 8 | protocol));
  be16_put(octets + 10, (uint16_t)~sum);
  memcpy(octets + 12, from, 4);
  memcpy(octets + 16, to, 4);
}
