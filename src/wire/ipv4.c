/* wire/ipv4.c - the IPv4 header, octets to struct and back. */
#include "wire/ipv4.h"

size_t ipv4_header_write(uint8_t *octets, const struct ipv4_header *h)
{
  struct csum c = { 0 };

  octets[0] = 4 << 4 | IPV4_HEADER_MIN / 4;
  octets[1] = h->tos;
  be16_put(octets + 2, h->total);
  be16_put(octets + 4, h->id);
  be16_put(octets + 6, (uint16_t)((h->dont_fragment ? IPV4_DONT_FRAGMENT : 0) |
                                  (h->more_fragments ? IPV4_MORE_FRAGMENTS : 0) |
                                  (h->offset / IPV4_OFFSET_UNIT)));
  octets[8] = h->ttl;
  octets[9] = h->protocol;
  be16_put(octets + 10, 0);
  memcpy(octets + 12, h->source, sizeof h->source);
  memcpy(octets + 16, h->destination, sizeof h->destination);
  csum_add_header(&c, octets, IPV4_HEADER_MIN);
  be16_put(octets + 10, csum_done(&c));
  return IPV4_HEADER_MIN;
}
