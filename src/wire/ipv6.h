/* wire/ipv6.h - the IPv6 header and its extension headers (RFC 8200 3, 4). */
#ifndef LA_WIRE_IPV6_H
#define LA_WIRE_IPV6_H
#include "wire/ends.h"
#include <stddef.h>

enum { IPV6_HEADER = 40, IPV6_EXTENSIONS_MAX = 8 };
enum ipv6_next {
  IPV6_HOP_BY_HOP = 0, IPV6_ROUTING = 43, IPV6_FRAGMENT = 44, IPV6_AUTHENTICATION = 51,
  IPV6_NO_NEXT = 59, IPV6_DESTINATION = 60
};

struct ipv6_header {
  uint8_t  traffic_class, next, hop_limit;
  uint16_t payload;             /* octets behind this header */
  uint32_t flow_label;
  struct ip_addr source, destination;
};

/* 40, or 0: fewer octets, or another version. That `payload` is covered by what arrived is the
 * caller's business. */
size_t ipv6_header_parse(const uint8_t *octets, size_t n, struct ipv6_header *h);
size_t ipv6_header_write(uint8_t *octets, const struct ipv6_header *h);

/* What a walk along the extension headers ended with, and what RFC 8200 answers to it. */
enum ipv6_fault {
  IPV6_FINE,
  IPV6_TRUNCATED,               /* a header that does not end within the packet; dropped */
  IPV6_TOO_MANY,                /* more headers than IPV6_EXTENSIONS_MAX (RFC 8504 5.3); dropped */
  IPV6_NEXT_MISPLACED,          /* 4.3: hop-by-hop options not first; parameter problem, code 1 */
  IPV6_ROUTING_UNKNOWN,         /* 4.4: segments left of a type unknown; problem, code 0 */
  IPV6_OPTION_DROP,             /* 4.2: an unknown option that says: drop silently */
  IPV6_OPTION_REPORT,           /* 4.2: drop, and say so; problem, code 2 */
  IPV6_OPTION_REPORT_UNICAST    /* 4.2: the same, unless it was sent to many */
};

struct ipv6_upper {
  enum ipv6_fault fault;
  uint8_t  protocol;            /* of what begins at `at`: a transport, ESP, IPV6_NO_NEXT ... */
  bool     fragment;            /* a fragment header ended the walk: reassemble, then walk again */
  bool     more_fragments;
  bool     authentication;      /* an authentication header was passed by, which nobody checked */
  uint16_t offset;              /* of the fragment, in octets */
  uint32_t id;
  size_t   at;                  /* octets from the beginning of the IPv6 header */
  size_t   pointer;             /* of a fault: the octet that is to blame, counted likewise; else
                                   where `protocol`, or the authentication header, was named */
};

/* Walks from the header of a packet of n octets, which parsed, to what the extension headers
 * lead to. A fragment header with offset 0 and nothing to follow is passed by (RFC 6946).
 * Total over any octets: at most n, at most IPV6_EXTENSIONS_MAX headers. */
struct ipv6_upper ipv6_upper_find(const uint8_t *octets, size_t n);

/* The same from the header `next` on, with which the octets begin: what was put together. */
struct ipv6_upper ipv6_upper_from(uint8_t next, const uint8_t *octets, size_t n);

#endif
