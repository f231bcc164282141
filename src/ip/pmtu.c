/* pmtu.c - paths that are narrower than their first link (RFC 1191; RFC 8201 for IPv6, which has
 * links of 1280 octets everywhere).
 * Departs: of IPv4, nothing below 552 octets is believed, as Linux does
 * (net.ipv4.route.min_pmtu): links that narrow are gone, and forged messages that ask for 68 are
 * not (RFC 5927 7.3). A link of our own with a smaller MTU is taken as it is. */
#include "ip/ip.h"

#define PMTU_AGE (600 * LA_SEC)               /* RFC 1191 6.3: ten minutes, then try larger ones */

static struct ip_pmtu *place_for(struct ip *ip, const struct ip_addr *peer)
{
  struct ip_pmtu *oldest = &ip->pmtus[0];

  for (uint32_t i = 0; i < IP_PMTUS; i++) {
    struct ip_pmtu *const p = &ip->pmtus[i];

    if (p->mtu != 0 && ip_addr_eq(&p->peer, peer))
      return p;
    if (oldest->mtu != 0 && (p->mtu == 0 || p->expires < oldest->expires))
      oldest = p;
  }
  return oldest;
}

bool ip_pmtu_lower(struct ip *ip, const struct ip_addr *peer, uint16_t mtu)
{
  const struct ip_dest *const dest = ip_dest_find(ip, peer);
  const uint16_t least = ip_addr_is4(peer) ? IP_PMTU_MIN : IP6_MTU_MIN;

  if (mtu < least)
    mtu = least;
  if (!dest || mtu >= dest->mtu)
    return false;
  struct ip_pmtu *const place = place_for(ip, peer);

  if (place->mtu == 0)
    ip->pmtu_count++;
  *place = (struct ip_pmtu){ *peer, ip->now + PMTU_AGE, mtu };
  ip_due(ip, place->expires);
  ip->count[IP_N_pmtu_lowered]++;
  ip->generation++;
  return true;
}

void ip_pmtu_timers(struct ip *ip)
{
  for (uint32_t i = 0; ip->pmtu_count > 0 && i < IP_PMTUS; i++) {
    struct ip_pmtu *const p = &ip->pmtus[i];

    if (p->mtu == 0)
      continue;
    if (p->expires > ip->now) {
      ip_due(ip, p->expires);
      continue;
    }
    p->mtu = 0;
    ip->pmtu_count--;
    ip->count[IP_N_pmtu_aged]++;
    ip->generation++;
  }
}
