/* wire/ether.h - the Ethernet II header (RFC 894). */
#ifndef LA_WIRE_ETHER_H
#define LA_WIRE_ETHER_H
#include <stddef.h>
#include <stdint.h>

enum { ETHER_HEADER = 14, ETHER_MAC = 6 };
enum ether_type { ETHER_IPV4 = 0x0800, ETHER_ARP = 0x0806, ETHER_IPV6 = 0x86dd };

struct ether_header { uint8_t to[ETHER_MAC], from[ETHER_MAC]; uint16_t type; };

/* 14, or 0 when n is less. */
size_t ether_header_parse(const uint8_t *octets, size_t n, struct ether_header *h);
size_t ether_header_write(uint8_t *octets, const struct ether_header *h);

#endif
