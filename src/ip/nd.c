/* nd.c - neighbour discovery as it arrives (RFC 4861 7): who asks for us, who answers us, and who
 * has the address that we were about to take (RFC 4862 5.4). What routers say is router.c's. */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/nd.h"

enum { ND_HOPS = 255 };

static void answer(struct ip *ip, const struct ip_meta *m, const struct ip_addr *target,
                   const uint8_t *mac)
{
  struct ip_frame f = {
    .addr = *target, .peer = m->source, .iface = m->iface, .kind = IP_FRAME_ADVERTISE,
  };

  if (mac)
    memcpy(f.mac, mac, sizeof f.mac);
  (void)ip_frame_later(ip, &f);
}

/* RFC 4861 7.1.1, 7.2.3; RFC 4862 5.4.3 for an address that is not ours yet: whoever asks as nobody
 * wants it, too. */
static enum ip_why solicited(struct ip *ip, const struct ip_meta *m, const struct nd_message *nd)
{
  struct ip_own *const own = ip_own_at(ip, m->iface, &nd->target);
  const bool nobody = ip_addr_is_any(&m->source);
  const struct ip_neighbor *asker = NULL;

  if (ip_addr_is_multicast(&nd->target) || (nobody && nd->source_mac))
    return ip_refuse(ip, IP_WHY_ND_BAD);
  if (nobody && (m->destination.octets[0] != 0xff || m->destination.octets[11] != 1))
    return ip_refuse(ip, IP_WHY_ND_SENDER);
  if (!own || own->state == IP_OWN_DUPLICATE)
    return ip_refuse(ip, IP_WHY_ND_NOT_OURS);
  if (own->state == IP_OWN_TENTATIVE) {
    if (!nobody)
      return ip_refuse(ip, IP_WHY_ND_NOT_OURS);
    ip_addr6_duplicate(ip, own);
    return ip_refuse(ip, IP_WHY_ND_DUPLICATE);
  }
  if (!nobody && nd->source_mac)
    asker = ip_neighbor_heard(ip, m->iface, &m->source, nd->source_mac, true);
  else if (!nobody)
    asker = ip_neighbor_find(ip, m->iface, &m->source);
  if (!nobody && !nd->source_mac && !(asker && ip_neighbor_usable(asker)))
    return ip_refuse(ip, IP_WHY_ND_SENDER);   /* nobody to answer to without asking in turn */
  answer(ip, m, &nd->target, asker ? asker->mac : nd->source_mac);
  return IP_WHY_NONE;
}

/* RFC 4861 7.2.5: what is said to override, or comes from whose address was unknown, is believed;
 * else it makes what is known doubtful, if it differs. */
static void update(struct ip *ip, struct ip_neighbor *n, const struct nd_message *nd)
{
  const uint8_t *const mac = nd->target_mac ? nd->target_mac : n->mac;
  const bool unknown = !ip_neighbor_usable(n);
  const bool differs = memcmp(mac, n->mac, sizeof n->mac) != 0;

  if (unknown && !nd->target_mac)
    return;
  if (!unknown && differs && !(nd->flags & ND_OVERRIDE)) {
    ip_neighbor_contested(ip, n);
    return;
  }
  if (n->router && !(nd->flags & ND_ROUTER))
    ip_router_lost(ip, n->iface, &n->addr);
  n->router = nd->flags & ND_ROUTER;
  ip_neighbor_answered(ip, n, mac, nd->flags & ND_SOLICITED);
}

/* RFC 4861 7.1.2, 7.2.5; RFC 4862 5.4.4. */
static enum ip_why advertised(struct ip *ip, const struct ip_meta *m, const struct nd_message *nd)
{
  struct ip_own *const own = ip_own_at(ip, m->iface, &nd->target);
  struct ip_neighbor *n;

  if (ip_addr_is_multicast(&nd->target) || (m->broadcast && nd->flags & ND_SOLICITED))
    return ip_refuse(ip, IP_WHY_ND_BAD);
  if (ip_addr_is_any(&m->source))
    return ip_refuse(ip, IP_WHY_ND_SENDER);
  if (own && own->state == IP_OWN_TENTATIVE)
    ip_addr6_duplicate(ip, own);
  if (own)
    return ip_refuse(ip, IP_WHY_ND_DUPLICATE);
  n = ip_neighbor_find(ip, m->iface, &nd->target);
  if (!n || n->state == IP_NEIGHBOR_PERMANENT)
    return ip_refuse(ip, IP_WHY_ND_NOT_OURS);
  update(ip, n, nd);
  return IP_WHY_NONE;
}

/* RFC 4861 6.1, 7.1, 8.1: from the link itself, whole and plain (RFC 6980 for fragments).
 * Departs: behind any other extension header it is refused as well; nobody sends it so. */
enum ip_why ip_nd_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v)
{
  struct nd_message nd;

  ip->count[IP_N_nd_in]++;
  if (m->hops != ND_HOPS)
    return ip_refuse(ip, IP_WHY_ND_HOP_LIMIT);
  if (m->header_length != IPV6_HEADER || m->reasm || v->contiguous != v->length ||
      v->octets[1] != 0 || !nd_parse(v->octets, v->contiguous, &nd) ||
      !ip->ifaces[m->iface].ethernet)
    return ip_refuse(ip, IP_WHY_ND_BAD);
  switch (nd.type) {
  case ICMPV6_NEIGHBOR_SOLICITATION:
    return solicited(ip, m, &nd);
  case ICMPV6_NEIGHBOR_ADVERTISEMENT:
    return advertised(ip, m, &nd);
  case ICMPV6_ROUTER_ADVERTISEMENT:
    return ip_router_advertised(ip, m, &nd);
  case ICMPV6_REDIRECT:
    return ip_router_redirected(ip, m, &nd);
  default:
    return ip_refuse(ip, IP_WHY_ND_ROUTER);   /* who asks for routers has not come to one */
  }
}
