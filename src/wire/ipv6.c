/* wire/ipv6.c - the IPv6 header, and the walk along its extension headers. */
#include "wire/ipv6.h"

#include "base/be.h"

enum { UNIT = 8, AT_NEXT = 6, FRAGMENT_OCTETS = 8 };

size_t ipv6_header_parse(const uint8_t *octets, size_t n, struct ipv6_header *h)
{
  uint32_t first;

  if (n < IPV6_HEADER || octets[0] >> 4 != 6)
    return 0;
  first = be32_get(octets);
  h->traffic_class = (uint8_t)(first >> 20);
  h->flow_label = first & 0xfffff;
  h->payload = be16_get(octets + 4);
  h->next = octets[AT_NEXT];
  h->hop_limit = octets[7];
  memcpy(h->source.octets, octets + 8, sizeof h->source.octets);
  memcpy(h->destination.octets, octets + 24, sizeof h->destination.octets);
  return IPV6_HEADER;
}

size_t ipv6_header_write(uint8_t *octets, const struct ipv6_header *h)
{
  be32_put(octets, UINT32_C(6) << 28 | (uint32_t)h->traffic_class << 20 |
                   (h->flow_label & 0xfffff));
  be16_put(octets + 4, h->payload);
  octets[AT_NEXT] = h->next;
  octets[7] = h->hop_limit;
  memcpy(octets + 8, h->source.octets, sizeof h->source.octets);
  memcpy(octets + 24, h->destination.octets, sizeof h->destination.octets);
  return IPV6_HEADER;
}

/* RFC 8200 4.2: the two highest bits of an option's type say what to do with a stranger. */
static enum ipv6_fault fault_of_option(uint8_t type)
{
  static const enum ipv6_fault faults[4] = {
    IPV6_FINE, IPV6_OPTION_DROP, IPV6_OPTION_REPORT, IPV6_OPTION_REPORT_UNICAST
  };

  return faults[type >> 6];
}

/* Options from *at up to `end`; Pad1 (0) is a single octet. *at stays at the one to blame. */
static enum ipv6_fault check_options(const uint8_t *octets, size_t *at, size_t end)
{
  while (*at < end) {
    enum ipv6_fault fault;

    if (octets[*at] == 0) {
      ++*at;
      continue;
    }
    if (end - *at < 2 || octets[*at + 1] > end - *at - 2)
      return IPV6_TRUNCATED;
    fault = fault_of_option(octets[*at]);
    if (fault != IPV6_FINE)
      return fault;
    *at += 2 + (size_t)octets[*at + 1];
  }
  return IPV6_FINE;
}

static bool is_extension(uint8_t next)
{
  return next == IPV6_HOP_BY_HOP || next == IPV6_ROUTING || next == IPV6_FRAGMENT ||
         next == IPV6_AUTHENTICATION || next == IPV6_DESTINATION;
}

/* The length of the extension header at `at`, of which at least 8 octets are there. */
static size_t extension_length(uint8_t kind, const uint8_t *at)
{
  if (kind == IPV6_FRAGMENT)
    return FRAGMENT_OCTETS;
  if (kind == IPV6_AUTHENTICATION)
    return ((size_t)at[1] + 2) * 4;           /* RFC 4302 2.2 */
  return ((size_t)at[1] + 1) * UNIT;
}

/* What an extension header that lies wholly in the packet does to the walk. */
static enum ipv6_fault check_extension(const uint8_t *octets, size_t length, struct ipv6_upper *u)
{
  const uint8_t *const header = octets + u->at;

  if (u->protocol == IPV6_HOP_BY_HOP || u->protocol == IPV6_DESTINATION) {
    u->pointer = u->at + 2;
    return check_options(octets, &u->pointer, u->at + length);
  }
  if (u->protocol == IPV6_ROUTING && header[3] != 0) {
    u->pointer = u->at + 2;
    return IPV6_ROUTING_UNKNOWN;              /* no type is known here; RFC 5095 for type 0 */
  }
  if (u->protocol == IPV6_FRAGMENT) {
    u->offset = be16_get(header + 2) & 0xfff8;
    u->more_fragments = header[3] & 1;
    u->id = be32_get(header + 4);
    u->fragment = u->offset != 0 || u->more_fragments;
  }
  return IPV6_FINE;
}

/* From the header at u.at on, which the field at at_next has named. */
static struct ipv6_upper walk(const uint8_t *octets, size_t n, struct ipv6_upper u, size_t at_next)
{
  size_t authentication = 0;

  for (int headers = 0; is_extension(u.protocol) && !u.fragment; headers++) {
    size_t length;

    u.pointer = at_next;
    if (headers == IPV6_EXTENSIONS_MAX)
      u.fault = IPV6_TOO_MANY;
    else if (u.protocol == IPV6_HOP_BY_HOP && headers > 0)
      u.fault = IPV6_NEXT_MISPLACED;
    else if (n - u.at < UNIT || extension_length(u.protocol, octets + u.at) > n - u.at)
      u.fault = IPV6_TRUNCATED;
    if (u.fault != IPV6_FINE)
      return u;
    length = extension_length(u.protocol, octets + u.at);
    u.fault = check_extension(octets, length, &u);
    if (u.fault != IPV6_FINE)
      return u;
    if (u.protocol == IPV6_AUTHENTICATION && !u.authentication) {
      u.authentication = true;
      authentication = at_next;
    }
    at_next = u.at;
    u.protocol = octets[u.at];
    u.at += length;
  }
  u.pointer = u.authentication ? authentication : at_next;
  return u;
}

struct ipv6_upper ipv6_upper_find(const uint8_t *octets, size_t n)
{
  return walk(octets, n, (struct ipv6_upper){ .protocol = octets[AT_NEXT], .at = IPV6_HEADER },
              AT_NEXT);
}

struct ipv6_upper ipv6_upper_from(uint8_t next, const uint8_t *octets, size_t n)
{
  return walk(octets, n, (struct ipv6_upper){ .protocol = next }, 0);
}
