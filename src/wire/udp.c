/* wire/udp.c - the UDP header, octets to struct and back. */
#include "wire/udp.h"

#include "base/be.h"

size_t udp_header_parse(const uint8_t *octets, size_t n, struct udp_header *h)
{
  if (n < UDP_HEADER || be16_get(octets + 4) < UDP_HEADER)
    return 0;
  h->source = be16_get(octets);
  h->destination = be16_get(octets + 2);
  h->length = be16_get(octets + 4);
  h->checksum = be16_get(octets + 6);
  return UDP_HEADER;
}

size_t udp_header_write(uint8_t *octets, const struct udp_header *h)
{
  be16_put(octets, h->source);
  be16_put(octets + 2, h->destination);
  be16_put(octets + 4, h->length);
  be16_put(octets + 6, h->checksum);
  return UDP_HEADER;
}
