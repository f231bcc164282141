/* wire/icmpv6.h - ICMPv6 (RFC 4443): the types, and what their first eight octets say. The
 * header itself is laid out as ICMP's (wire/icmp.h); its checksum covers a pseudo-header. */
#ifndef LA_WIRE_ICMPV6_H
#define LA_WIRE_ICMPV6_H
#include "wire/icmp.h"
#include <stdbool.h>

enum icmpv6_type {
  ICMPV6_UNREACHABLE = 1, ICMPV6_PACKET_TOO_BIG = 2, ICMPV6_TIME_EXCEEDED = 3,
  ICMPV6_PARAMETER_PROBLEM = 4, ICMPV6_ECHO = 128, ICMPV6_ECHO_REPLY = 129,
  ICMPV6_ROUTER_SOLICITATION = 133, ICMPV6_ROUTER_ADVERTISEMENT = 134,
  ICMPV6_NEIGHBOR_SOLICITATION = 135, ICMPV6_NEIGHBOR_ADVERTISEMENT = 136, ICMPV6_REDIRECT = 137
};
enum icmpv6_unreachable_code {
  ICMPV6_NO_ROUTE = 0, ICMPV6_PROHIBITED = 1, ICMPV6_BEYOND_SCOPE = 2,
  ICMPV6_ADDRESS_UNREACHABLE = 3, ICMPV6_PORT_UNREACHABLE = 4
};
enum icmpv6_problem_code {
  ICMPV6_BAD_FIELD = 0, ICMPV6_BAD_NEXT_HEADER = 1, ICMPV6_BAD_OPTION = 2
};

/* RFC 4443 2.1: the types below 128 are errors, which quote a datagram and are never answered. */
static inline bool icmpv6_is_error(uint8_t type) { return type < 128; }

#endif
