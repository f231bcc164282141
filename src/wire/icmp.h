/* wire/icmp.h - ICMP (RFC 792): eight octets of header, then text or the quoted datagram. */
#ifndef LA_WIRE_ICMP_H
#define LA_WIRE_ICMP_H
#include <stddef.h>
#include <stdint.h>

enum { ICMP_HEADER = 8 };
enum icmp_type {
  ICMP_ECHO_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_SOURCE_QUENCH = 4, ICMP_REDIRECT = 5,
  ICMP_ECHO = 8, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER_PROBLEM = 12
};
enum icmp_unreachable_code {
  ICMP_NET_UNREACHABLE = 0, ICMP_HOST_UNREACHABLE = 1, ICMP_PROTOCOL_UNREACHABLE = 2,
  ICMP_PORT_UNREACHABLE = 3, ICMP_FRAGMENTATION_NEEDED = 4, ICMP_SOURCE_ROUTE_FAILED = 5,
  ICMP_NET_PROHIBITED = 9, ICMP_HOST_PROHIBITED = 10, ICMP_PROHIBITED = 13
};

struct icmp_header {
  uint8_t  type, code;
  uint16_t checksum;
  uint32_t rest;          /* id and sequence of an echo; low half: next-hop MTU (RFC 1191 4) */
};

/* 8, or 0 when n is less. The checksum is the caller's business, both ways. */
size_t icmp_header_parse(const uint8_t *octets, size_t n, struct icmp_header *h);
size_t icmp_header_write(uint8_t *octets, const struct icmp_header *h);

#endif
