/* wire/ip.c - what both families of IP share: pseudo-headers and quoted datagrams. */
#include "wire/ip.h"

#include "base/be.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

enum { PSEUDO4 = 12, PSEUDO6 = 40, QUOTED_TRANSPORT = 8 };

void ip_pseudo_sum(struct csum *c, const struct ip_addr *source, const struct ip_addr *destination,
                   uint8_t protocol, uint32_t length)
{
  uint8_t pseudo[PSEUDO6] = { 0 };

  if (ip_addr_is4(source)) {
    memcpy(pseudo, source->octets + 12, 4);
    memcpy(pseudo + 4, destination->octets + 12, 4);
    pseudo[9] = protocol;
    be16_put(pseudo + 10, (uint16_t)length);
    csum_add(c, pseudo, PSEUDO4);
    return;
  }
  memcpy(pseudo, source->octets, 16);
  memcpy(pseudo + 16, destination->octets, 16);
  be32_put(pseudo + 32, length);
  pseudo[39] = protocol;
  csum_add(c, pseudo, PSEUDO6);
}

/* Where the transport header begins in a quoted IPv4 datagram, or 0. */
static size_t parse_quote4(const uint8_t *octets, size_t n, struct ip_quote *q)
{
  struct ipv4_header h;
  const size_t length = ipv4_header_parse(octets, n, &h);

  if (length == 0 || h.offset > 0)
    return 0;
  q->source = ip_addr_of4(h.source);
  q->destination = ip_addr_of4(h.destination);
  q->total = h.total;
  q->protocol = h.protocol;
  return length;
}

/* The same for IPv6. The first of several fragments has the ports as well. */
static size_t parse_quote6(const uint8_t *octets, size_t n, struct ip_quote *q)
{
  struct ipv6_header h;
  struct ipv6_upper upper;

  if (ipv6_header_parse(octets, n, &h) == 0)
    return 0;
  upper = ipv6_upper_find(octets, n);
  if (upper.fault != IPV6_FINE || upper.offset > 0)
    return 0;
  q->source = h.source;
  q->destination = h.destination;
  q->total = (uint32_t)h.payload + IPV6_HEADER;
  q->protocol = upper.protocol;
  return upper.at;
}

bool ip_quote_parse(const uint8_t *octets, size_t n, struct ip_quote *q)
{
  size_t at = 0;

  *q = (struct ip_quote){ 0 };
  if (n > 0 && octets[0] >> 4 == 4)
    at = parse_quote4(octets, n, q);
  else if (n > 0 && octets[0] >> 4 == 6)
    at = parse_quote6(octets, n, q);
  if (at == 0 || n - at < QUOTED_TRANSPORT)
    return false;
  if (q->protocol == IP_TCP || q->protocol == IP_UDP) {
    q->source_port = be16_get(octets + at);
    q->destination_port = be16_get(octets + at + 2);
  }
  if (q->protocol == IP_TCP)
    q->seq = be32_get(octets + at + 4);
  return true;
}
