/* wire/ether.c - the Ethernet II header, octets to struct and back. */
#include "wire/ether.h"

#include "base/be.h"

size_t ether_header_parse(const uint8_t *octets, size_t n, struct ether_header *h)
{
  if (n < ETHER_HEADER)
    return 0;
  memcpy(h->to, octets, ETHER_MAC);
  memcpy(h->from, octets + ETHER_MAC, ETHER_MAC);
  h->type = be16_get(octets + 2 * ETHER_MAC);
  return ETHER_HEADER;
}

size_t ether_header_write(uint8_t *octets, const struct ether_header *h)
{
  memcpy(octets, h->to, ETHER_MAC);
  memcpy(octets + ETHER_MAC, h->from, ETHER_MAC);
  be16_put(octets + 2 * ETHER_MAC, h->type);
  return ETHER_HEADER;
}
