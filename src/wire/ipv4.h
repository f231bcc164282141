/* wire/ipv4.h - the IPv4 header (RFC 791 3.1). Options are skipped, never interpreted. */
#ifndef LA_WIRE_IPV4_H
#define LA_WIRE_IPV4_H
#include "base/be.h"
#include "base/csum.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IPV4_HEADER_MIN = 20, IPV4_HEADER_MAX = 60 };

/* RFC 791 3.1: the flags in front of the fragment offset, which counts units of 8 octets. */
enum {
  IPV4_DONT_FRAGMENT = 0x4000, IPV4_MORE_FRAGMENTS = 0x2000, IPV4_OFFSET_MASK = 0x1fff,
  IPV4_OFFSET_UNIT = 8
};

enum ip_protocol { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMPV6 = 58 };

struct ipv4_header {
  uint16_t total, id;           /* total: length of header and payload, octets */
  uint16_t offset;              /* of the fragment, in octets */
  uint8_t  length;              /* of the header, octets */
  uint8_t  tos, ttl, protocol;
  bool     dont_fragment, more_fragments;
  uint8_t  source[4], destination[4];
};

/* Total over any octets: the header's length, or 0 when there is none: fewer than 20 octets,
 * a version other than 4, an IHL below 5 or beyond n, a total length below the header's. The
 * checksum is not looked at. */
static inline size_t ipv4_header_parse(const uint8_t *octets, size_t n, struct ipv4_header *h)
{
  size_t length;
  uint16_t fragment;

  if (n < IPV4_HEADER_MIN || octets[0] >> 4 != 4)
    return 0;
  length = (size_t)(octets[0] & 15) * 4;
  if (length < IPV4_HEADER_MIN || length > n || be16_get(octets + 2) < length)
    return 0;
  fragment = be16_get(octets + 6);
  h->total = be16_get(octets + 2);
  h->id = be16_get(octets + 4);
  h->offset = (uint16_t)((fragment & IPV4_OFFSET_MASK) * IPV4_OFFSET_UNIT);
  h->dont_fragment = fragment & IPV4_DONT_FRAGMENT;
  h->more_fragments = fragment & IPV4_MORE_FRAGMENTS;
  h->length = (uint8_t)length;
  h->tos = octets[1];
  h->ttl = octets[8];
  h->protocol = octets[9];
  memcpy(h->source, octets + 12, sizeof h->source);
  memcpy(h->destination, octets + 16, sizeof h->destination);
  return length;
}

/* Of a header that parsed. */
static inline bool ipv4_header_sum_good(const uint8_t *octets, size_t length)
{
  struct csum c = { 0 };

  csum_add_header(&c, octets, length);
  return csum_good(&c);
}

/* Writes 20 octets with their checksum; h->length is not used. Returns 20. */
size_t ipv4_header_write(uint8_t *octets, const struct ipv4_header *h);

#endif
