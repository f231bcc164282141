/* wire/udp.h - the UDP header (RFC 768). */
#ifndef LA_WIRE_UDP_H
#define LA_WIRE_UDP_H
#include <stddef.h>
#include <stdint.h>

enum { UDP_HEADER = 8 };

struct udp_header { uint16_t source, destination, length, checksum; };

/* 8, or 0: fewer than 8 octets, or a length below 8. That `length` is covered by what arrived
 * is the caller's business, and so is the checksum. */
size_t udp_header_parse(const uint8_t *octets, size_t n, struct udp_header *h);
size_t udp_header_write(uint8_t *octets, const struct udp_header *h);

#endif
