/* wire/icmp.c - the ICMP header, octets to struct and back. */
#include "wire/icmp.h"

#include "base/be.h"

size_t icmp_header_parse(const uint8_t *octets, size_t n, struct icmp_header *h)
{
  if (n < ICMP_HEADER)
    return 0;
  h->type = octets[0];
  h->code = octets[1];
  h->checksum = be16_get(octets + 2);
  h->rest = be32_get(octets + 4);
  return ICMP_HEADER;
}

size_t icmp_header_write(uint8_t *octets, const struct icmp_header *h)
{
  octets[0] = h->type;
  octets[1] = h->code;
  be16_put(octets + 2, h->checksum);
  be32_put(octets + 4, h->rest);
  return ICMP_HEADER;
}
