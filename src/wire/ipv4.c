/* wire/ipv4.c - the IPv4 header, octets to struct and back. */
#include "wire/ipv4.h"

#include "base/be.h"
#include "base/csum.h"

/* RFC 791 3.1: the flags in front of the fragment offset, which counts units of 8 octets. */
enum { DONT_FRAGMENT = 0x4000, MORE_FRAGMENTS = 0x2000, OFFSET_MASK = 0x1fff, OFFSET_UNIT = 8 };

size_t ipv4_header_parse(const uint8_t *octets, size_t n, struct ipv4_header *h)
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
  h->offset = (uint16_t)((fragment & OFFSET_MASK) * OFFSET_UNIT);
  h->dont_fragment = fragment & DONT_FRAGMENT;
  h->more_fragments = fragment & MORE_FRAGMENTS;
  h->length = (uint8_t)length;
  h->tos = octets[1];
  h->ttl = octets[8];
  h->protocol = octets[9];
  memcpy(h->source, octets + 12, sizeof h->source);
  memcpy(h->destination, octets + 16, sizeof h->destination);
  return length;
}

bool ipv4_header_sum_good(const uint8_t *octets, size_t length)
{
  struct csum c = { 0 };

  csum_add_header(&c, octets, length);
  return csum_good(&c);
}

size_t ipv4_header_write(uint8_t *octets, const struct ipv4_header *h)
{
  struct csum c = { 0 };

  octets[0] = 4 << 4 | IPV4_HEADER_MIN / 4;
  octets[1] = h->tos;
  be16_put(octets + 2, h->total);
  be16_put(octets + 4, h->id);
  be16_put(octets + 6, (uint16_t)((h->dont_fragment ? DONT_FRAGMENT : 0) |
                                  (h->more_fragments ? MORE_FRAGMENTS : 0) |
                                  (h->offset / OFFSET_UNIT)));
  octets[8] = h->ttl;
  octets[9] = h->protocol;
  be16_put(octets + 10, 0);
  memcpy(octets + 12, h->source, sizeof h->source);
  memcpy(octets + 16, h->destination, sizeof h->destination);
  csum_add_header(&c, octets, IPV4_HEADER_MIN);
  be16_put(octets + 10, csum_done(&c));
  return IPV4_HEADER_MIN;
}
