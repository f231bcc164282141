/* source.c - which of our addresses a conversation is held from (RFC 1122 3.3.4.3, RFC 6724 5):
 * each that may serve has points, and the first of those with the most is taken. */
#include "ip/ip.h"

enum { SCOPE_LINK = 2, SCOPE_GLOBAL = 14, UNFIT = -1 };

/* The longest prefix in common with the next hop's net, of the interface that the packet leaves by;
 * else one of that interface; else any that is not the loopback's. */
static int points4(const struct ip *ip, const struct ip_dest *dest, const struct ip_own *own)
{
  if (own->iface == dest->iface)
    return ip_addr_in(&dest->next, &own->addr, own->prefix) ? 2 + own->prefix : 1;
  return ip->ifaces[own->iface].flags & IP_IFACE_LOOPBACK || ip_addr_is_loopback(&own->addr) ? UNFIT
                                                                                             : 0;
}

/* RFC 6724 3.1; RFC 4291 2.7 for groups. */
static int scope_of(const struct ip_addr *a)
{
  if (ip_addr_is_multicast(a))
    return a->octets[1] & 15;
  return ip6_addr_is_link_local(a) || ip_addr_is_loopback(a) ? SCOPE_LINK : SCOPE_GLOBAL;
}

/* RFC 6724 2.1's table, the longest prefixes first. */
static int label_of(const struct ip_addr *a)
{
  static const struct {
    struct ip_addr net;
    uint8_t prefix, label;
  } policy[] = {
    { { { [15] = 1 } }, 128, 0 },   /* ::1 */
    { { { 0 } }, 96, 3 },           /* ::/96 */
    { { { 0x20, 1 } }, 32, 5 },     /* 2001::/32, Teredo */
    { { { 0x20, 2 } }, 16, 2 },     /* 2002::/16, 6to4 */
    { { { 0x3f, 0xfe } }, 16, 12 }, /* 3ffe::/16 */
    { { { 0xfe, 0xc0 } }, 10, 11 }, /* fec0::/10 */
    { { { 0xfc } }, 7, 13 },        /* fc00::/7, unique local */
  };

  for (unsigned i = 0; i < sizeof policy / sizeof *policy; i++)
    if (ip_addr_in(a, &policy[i].net, policy[i].prefix))
      return policy[i].label;
  return 1;
}

/* RFC 6724 2.2: at most the length of the source's prefix. */
static int common_prefix(const struct ip_addr *source, const struct ip_addr *to, uint8_t most)
{
  int n = 0;

  while (n < most && ip_addr_in(source, to, (uint8_t)(n + 1)))
    n++;
  return n;
}

/* RFC 6724 5, rules 2, 3, 5, 6 and 8 in that order: a scope that reaches the peer, and of those the
 * smallest; not deprecated; the interface; the label; the prefix. Rule 1 is dest->ours; rules 4 and
 * 7 speak of mobile and temporary addresses, of which there are none. */
static int points6(const struct ip *ip, const struct ip_dest *dest, const struct ip_own *own)
{
  const int scope = scope_of(&own->addr), wanted = scope_of(&dest->peer);
  const bool here = own->iface == dest->iface;

  if (ip_addr_is_loopback(&own->addr) || ip->ifaces[own->iface].flags & IP_IFACE_LOOPBACK ||
      (!here && scope == SCOPE_LINK) || own->state == IP_OWN_TENTATIVE ||
      own->state == IP_OWN_DUPLICATE)
    return UNFIT;
  return (scope >= wanted ? 32 - scope : scope) << 16 |
         (own->state == IP_OWN_PREFERRED) << 15 | here << 14 |
         (label_of(&own->addr) == label_of(&dest->peer)) << 13 |
         common_prefix(&own->addr, &dest->peer, own->prefix);
}

bool ip_source_for(const struct ip *ip, const struct ip_dest *dest, struct ip_addr *source)
{
  const struct ip_own *best = NULL;
  const bool four = ip_addr_is4(&dest->peer);
  int most = UNFIT;

  if (dest->ours) {
    *source = dest->peer;
    return true;
  }
  for (uint32_t i = 0; i < ip->own_count; i++) {
    const struct ip_own *const own = &ip->owns[i];

    if (ip_addr_is4(&own->addr) != four)
      continue;
    const int points = four ? points4(ip, dest, own) : points6(ip, dest, own);

    if (points > most) {
      most = points;
      best = own;
    }
  }
  if (best)
    *source = best->addr;
  return best;
}
