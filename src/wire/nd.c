/* wire/nd.c - neighbour discovery's messages (RFC 4861 4) and listener reports (RFC 3810 5.2). */
#include "wire/nd.h"

#include "base/be.h"

enum { UNIT = 8, TARGET_AT = 8, DESTINATION_AT = 24, RECORD_AT = 8 };
enum { OPTION_SOURCE = 1, OPTION_TARGET = 2, OPTION_PREFIX = 3, OPTION_MTU = 5 };
enum { PREFIX_UNITS = 4, PREFIX_AT = 16 };

/* The octets in front of the options; 0: none of neighbour discovery's. */
static size_t fixed_part(uint8_t type)
{
  switch (type) {
  case ICMPV6_ROUTER_SOLICITATION:
    return 8;
  case ICMPV6_ROUTER_ADVERTISEMENT:
    return 16;
  case ICMPV6_NEIGHBOR_SOLICITATION:
  case ICMPV6_NEIGHBOR_ADVERTISEMENT:
    return 24;
  case ICMPV6_REDIRECT:
    return 40;
  default:
    return 0;
  }
}

/* The option at `o`, of so many units of 8 octets. */
static void parse_option(const uint8_t *o, size_t units, struct nd_message *m)
{
  struct nd_prefix *p;

  if (o[0] == OPTION_SOURCE && units == 1)
    m->source_mac = o + 2;
  if (o[0] == OPTION_TARGET && units == 1)
    m->target_mac = o + 2;
  if (o[0] == OPTION_MTU && units == 1)
    m->mtu = be32_get(o + 4);
  if (o[0] != OPTION_PREFIX || units != PREFIX_UNITS || o[2] > 128 ||
      m->prefixes == ND_PREFIXES_MAX)
    return;
  p = &m->prefix[m->prefixes++];
  p->length = o[2];
  p->flags = o[3];
  p->valid = be32_get(o + 4);
  p->preferred = be32_get(o + 8);
  memcpy(p->net.octets, o + PREFIX_AT, sizeof p->net.octets);
}

bool nd_parse(const uint8_t *octets, size_t n, struct nd_message *m)
{
  const size_t fixed = n > 0 ? fixed_part(octets[0]) : 0;

  *m = (struct nd_message){ 0 };
  if (fixed == 0 || n < fixed)
    return false;
  m->type = octets[0];
  if (m->type == ICMPV6_NEIGHBOR_ADVERTISEMENT)
    m->flags = octets[4];
  if (m->type == ICMPV6_ROUTER_ADVERTISEMENT) {
    m->hop_limit = octets[4];
    m->flags = octets[5];
    m->lifetime = be16_get(octets + 6);
    m->reachable_ms = be32_get(octets + 8);
    m->retransmit_ms = be32_get(octets + 12);
  }
  if (fixed > TARGET_AT + UNIT)
    memcpy(m->target.octets, octets + TARGET_AT, 16);
  if (fixed > DESTINATION_AT)
    memcpy(m->destination.octets, octets + DESTINATION_AT, 16);
  for (size_t at = fixed; at < n;) {
    const size_t units = n - at < UNIT ? 0 : octets[at + 1];

    if (units == 0 || units * UNIT > n - at)
      return false;
    parse_option(octets + at, units, m);
    at += units * UNIT;
  }
  return true;
}

size_t nd_write(uint8_t *octets, const struct nd_message *m)
{
  const uint8_t *const mac = m->source_mac ? m->source_mac : m->target_mac;
  const bool targeted = m->type != ICMPV6_ROUTER_SOLICITATION;
  size_t n = targeted ? TARGET_AT + 16 : 8;

  memset(octets, 0, n);
  octets[0] = m->type;
  octets[4] = m->flags;
  if (targeted)
    memcpy(octets + TARGET_AT, m->target.octets, 16);
  if (mac) {
    octets[n] = m->source_mac ? OPTION_SOURCE : OPTION_TARGET;
    octets[n + 1] = 1;
    memcpy(octets + n + 2, mac, ND_MAC);
    n += UNIT;
  }
  return n;
}

size_t nd_write_report(uint8_t *octets, uint8_t record, const struct ip_addr *group)
{
  memset(octets, 0, MLD_REPORT_OCTETS);
  octets[0] = MLD_REPORT2;
  octets[7] = 1;
  octets[RECORD_AT] = record;
  memcpy(octets + RECORD_AT + 4, group->octets, 16);
  return MLD_REPORT_OCTETS;
}

struct ip_addr nd_solicited_node(const struct ip_addr *a)
{
  struct ip_addr group = { { 0xff, 2, [11] = 1, [12] = 0xff } };

  memcpy(group.octets + 13, a->octets + 13, 3);
  return group;
}

void nd_group_mac(const struct ip_addr *group, uint8_t mac[ND_MAC])
{
  mac[0] = mac[1] = 0x33;
  memcpy(mac + 2, group->octets + 12, 4);
}
