/* wire/ip.h - what both families of IP share. */
#ifndef LA_WIRE_IP_H
#define LA_WIRE_IP_H
#include "base/csum.h"
#include "wire/ends.h"

/* Adds the pseudo-header that the checksums of TCP, UDP (RFC 9293 3.1, RFC 768) and, with IPv6,
 * ICMP cover (RFC 8200 8.1): of IPv4 if `source` is a mapped address. `length` is that of the
 * transport header and its text. The sum so far must be of an even number of octets. */
void ip_pseudo_sum(struct csum *c, const struct ip_addr *source, const struct ip_addr *destination,
                   uint8_t protocol, uint32_t length);

/* The datagram that an ICMP error quotes: its IP header and at least the first 8 octets behind
 * it (RFC 792; RFC 4443 2.4 c). Ports are those of TCP and UDP, and `seq` is TCP's; they are 0
 * for other protocols. All of it is hearsay until the transport has checked it (RFC 5927 4). */
struct ip_quote {
  struct ip_addr source, destination;         /* source: we, if we have sent it */
  uint16_t source_port, destination_port;
  uint8_t  protocol;
  uint32_t total, seq;                        /* total: octets of the datagram, by its header */
};

/* Total over any octets. false: no IP header, a later fragment (which has no ports), or fewer
 * than 8 octets behind the header. The quoted checksum and total length are not looked at:
 * routers are known to have changed them. */
bool ip_quote_parse(const uint8_t *octets, size_t n, struct ip_quote *q);

#endif
