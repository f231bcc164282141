/* wire/ipv4.h - the IPv4 header (RFC 791 3.1). Options are skipped, never interpreted. */
#ifndef LA_WIRE_IPV4_H
#define LA_WIRE_IPV4_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IPV4_HEADER_MIN = 20, IPV4_HEADER_MAX = 60 };
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
size_t ipv4_header_parse(const uint8_t *octets, size_t n, struct ipv4_header *h);

/* Of a header that parsed. */
bool   ipv4_header_sum_good(const uint8_t *octets, size_t length);

/* Writes 20 octets with their checksum; h->length is not used. Returns 20. */
size_t ipv4_header_write(uint8_t *octets, const struct ipv4_header *h);

#endif
