/* mld.c - which groups are listened to, said to routers and to the switches that overhear it (RFC
 * 3810 as far as a host needs it that joins nothing but the groups of its own addresses).
 * Departs: a query of the first version is answered in the second's words, which switches read,
 * too; and a report is repeated once, when its address is ours, instead of at random. */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/nd.h"

enum { MLD_HOPS = 1, DELAY_AT = 4, GROUP_AT = 8, MANTISSA = 0x0fff, FLOATING = 0x8000 };

void ip_mld_report(struct ip *ip, const struct ip_own *own, uint8_t record)
{
  const struct ip_iface *const iface = &ip->ifaces[own->iface];
  const struct ip_frame f = {
    .addr = nd_solicited_node(&own->addr), .iface = own->iface, .kind = IP_FRAME_REPORT,
    .record = record,
  };

  if (iface->ethernet && iface->flags & IP_IFACE_UP)
    (void)ip_frame_later(ip, &f);
}

/* RFC 3810 5.1.3: the longest time to wait. */
static uint32_t delay_ms(uint16_t code)
{
  if (code < FLOATING)
    return code;
  return ((code & MANTISSA) | (MANTISSA + 1u)) << ((code >> 12 & 7) + 3);
}

/* RFC 3810 5.1.14, 6.2: from a router of the link; general, or about a group of ours. */
enum ip_why ip_mld_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v)
{
  struct ip_learnt *const l = &ip->ifaces[m->iface].learnt;
  struct ip_addr group;
  la_time due;

  if (v->contiguous < MLD_QUERY_LEAST || m->hops != MLD_HOPS ||
      !ip6_addr_is_link_local(&m->source) || !ip->ifaces[m->iface].ethernet)
    return ip_refuse(ip, IP_WHY_MLD_BAD);
  memcpy(group.octets, v->octets + GROUP_AT, sizeof group.octets);
  if (!ip_addr_is_any(&group) && !ip6_joined(ip, m->iface, &group))
    return ip_refuse(ip, IP_WHY_IP_MULTICAST);
  due = ip->now + ip_dice(ip, delay_ms(be16_get(v->octets + DELAY_AT)) + 1) * LA_MS;
  if (due < l->report_due)
    l->report_due = due;
  ip_due(ip, l->report_due);
  return IP_WHY_NONE;
}

void ip_mld_timers(struct ip *ip)
{
  for (uint32_t i = 0; i < ip->iface_count; i++) {
    struct ip_learnt *const l = &ip->ifaces[i].learnt;

    if (l->report_due > ip->now) {
      ip_due(ip, l->report_due);
      continue;
    }
    l->report_due = LA_NEVER;
    for (uint32_t k = 0; k < ip->own_count; k++)
      if (ip->owns[k].iface == i && !ip_addr_is4(&ip->owns[k].addr) &&
          ip->owns[k].state != IP_OWN_DUPLICATE)
        ip_mld_report(ip, &ip->owns[k], MLD_IS_EXCLUDE);
  }
}
