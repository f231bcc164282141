/* wire/arp.h - ARP for IPv4 on Ethernet (RFC 826). */
#ifndef LA_WIRE_ARP_H
#define LA_WIRE_ARP_H
#include <stddef.h>
#include <stdint.h>

enum { ARP_OCTETS = 28 };
enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
  uint16_t operation;
  uint8_t  sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
};

/* 28, or 0: too short, not of Ethernet and IPv4, or their address lengths are wrong. Any
 * operation passes. */
size_t arp_parse(const uint8_t *octets, size_t n, struct arp *a);
size_t arp_write(uint8_t *octets, const struct arp *a);

#endif
