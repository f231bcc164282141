/* output6.c - the IPv6 header of a TCP segment (RFC 8200 3). There is no checksum to make, and no
 * fragment is ever made of a segment: whoever sends it knows the path's MTU (RFC 8201 4). */
#include "ip/ip.h"
#include "base/be.h"

void ip6_header_put(uint8_t *octets, const struct ip_addr *local, const struct ip_addr *peer,
                    uint8_t protocol, uint32_t length, struct ip_marks marks, uint32_t label)
{
  be32_put(octets, UINT32_C(6) << 28 | (uint32_t)marks.dscp << 22 |
                    (uint32_t)marks.ecn << 20 | (label & 0xfffff));
  be32_put(octets + 4, length << 16 | (uint32_t)protocol << 8 | marks.ttl);
  memcpy(octets + 8, local->octets, sizeof local->octets);
  memcpy(octets + 24, peer->octets, sizeof peer->octets);
}
