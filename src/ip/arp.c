/* arp.c - ARP (RFC 826) as it arrives: who has which IPv4 address, and who claims one of ours. */
#include "ip/ip.h"
#include "wire/arp.h"

#define DEFEND_EVERY (10 * LA_SEC)            /* RFC 5227 1.1: DEFEND_INTERVAL */

static void say_later(struct ip *ip, unsigned iface, const struct ip_addr *addr,
                      const struct ip_addr *peer, const uint8_t mac[6])
{
  struct ip_frame f = { .addr = *addr, .peer = *peer, .iface = (uint8_t)iface,
                        .kind = IP_FRAME_ARP };

  memcpy(f.mac, mac, sizeof f.mac);
  (void)ip_frame_later(ip, &f);
}

void ip_arp_announce(struct ip *ip, const struct ip_own *own)
{
  static const uint8_t everyone[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  const struct ip_iface *const iface = &ip->ifaces[own->iface];

  if (iface->ethernet && iface->flags & IP_IFACE_UP)
    say_later(ip, own->iface, &own->addr, &own->addr, everyone);
}

/* RFC 5227 2.4 (b): somebody else uses our address; defend it, but not in a duel. */
static enum ip_why defend(struct ip *ip, const struct ip_own *own)
{
  ip->count[IP_N_arp_conflicts]++;
  if (ip->defended == INT64_MIN || ip->now - ip->defended >= DEFEND_EVERY) {
    ip->defended = ip->now;
    ip_arp_announce(ip, own);
  }
  return ip_refuse(ip, IP_WHY_ARP_SENDER);
}

/* RFC 826's "packet reception". Who is known is updated, by whatever he says of himself; who is
 * not is remembered only if he asks for us, for then we shall answer him. A sender of 0.0.0.0 is
 * a probe (RFC 5227 2.1.1): it is answered, and nothing is learnt from it. */
enum ip_why ip_arp_input(struct ip *ip, unsigned iface, const uint8_t *octets, uint32_t n)
{
  struct arp a;

  ip->count[IP_N_arp_in]++;
  if (arp_parse(octets, n, &a) == 0 || a.sender_mac[0] & 1)
    return ip_refuse(ip, IP_WHY_ARP_BAD);
  const struct ip_addr sender = ip_addr_of4(a.sender_ip), target = ip_addr_of4(a.target_ip);
  const struct ip_own *const ours = ip_own_find(ip, &sender);
  const struct ip_own *const wanted = ip_own_find(ip, &target);
  const bool probe = ip_addr_is_any(&sender);

  if (ours && ours->iface == iface && memcmp(a.sender_mac, ip->ifaces[iface].mac, 6) != 0)
    return defend(ip, ours);
  if (ours || ip_addr_is_multicast(&sender) || ip_addr_is_broadcast(ip, iface, &sender))
    return ip_refuse(ip, IP_WHY_ARP_SENDER);
  struct ip_neighbor *const known = probe ? NULL : ip_neighbor_find(ip, iface, &sender);

  if (known)
    ip_neighbor_answered(ip, known, a.sender_mac, a.operation == ARP_REPLY && wanted);
  if (!wanted || wanted->iface != iface)
    return known ? IP_WHY_NONE : ip_refuse(ip, IP_WHY_ARP_NOT_OURS);
  if (a.operation != ARP_REQUEST)
    return IP_WHY_NONE;
  if (!known && !probe)
    (void)ip_neighbor_heard(ip, iface, &sender, a.sender_mac, true);
  say_later(ip, iface, &target, &sender, a.sender_mac);
  return IP_WHY_NONE;
}
