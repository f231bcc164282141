/* wire/arp.c - ARP for IPv4 on Ethernet, octets to struct and back. */
#include "wire/arp.h"

#include "base/be.h"

/* RFC 826's hardware and protocol space and the lengths of their addresses. */
static const uint8_t ethernet_ipv4[6] = { 0, 1, 0x08, 0x00, 6, 4 };

enum {
  AT_OPERATION = 6, AT_SENDER_MAC = 8, AT_SENDER_IP = 14, AT_TARGET_MAC = 18, AT_TARGET_IP = 24
};

size_t arp_parse(const uint8_t *octets, size_t n, struct arp *a)
{
  if (n < ARP_OCTETS || memcmp(octets, ethernet_ipv4, sizeof ethernet_ipv4) != 0)
    return 0;
  a->operation = be16_get(octets + AT_OPERATION);
  memcpy(a->sender_mac, octets + AT_SENDER_MAC, sizeof a->sender_mac);
  memcpy(a->sender_ip, octets + AT_SENDER_IP, sizeof a->sender_ip);
  memcpy(a->target_mac, octets + AT_TARGET_MAC, sizeof a->target_mac);
  memcpy(a->target_ip, octets + AT_TARGET_IP, sizeof a->target_ip);
  return ARP_OCTETS;
}

size_t arp_write(uint8_t *octets, const struct arp *a)
{
  memcpy(octets, ethernet_ipv4, sizeof ethernet_ipv4);
  be16_put(octets + AT_OPERATION, a->operation);
  memcpy(octets + AT_SENDER_MAC, a->sender_mac, sizeof a->sender_mac);
  memcpy(octets + AT_SENDER_IP, a->sender_ip, sizeof a->sender_ip);
  memcpy(octets + AT_TARGET_MAC, a->target_mac, sizeof a->target_mac);
  memcpy(octets + AT_TARGET_IP, a->target_ip, sizeof a->target_ip);
  return ARP_OCTETS;
}
