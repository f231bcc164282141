/* router.c - what IPv6's routers say (RFC 4861 6.3, 8.3), on links that are to be configured by it:
 * who they are, which nets are on the link, its MTU, its clocks, the prefixes to make addresses of,
 * and better ways. All lists are short and bounded: who floods the link with advertisements fills
 * them, and no more. */
#include "ip/ip.h"
#include "wire/nd.h"

#define SOLICIT_EVERY  (4 * LA_SEC)           /* RFC 4861 10: RTR_SOLICITATION_INTERVAL */
#define REDIRECT_FOR   (600 * LA_SEC)         /* as a path's MTU: nothing says how long */

enum { SOLICITATIONS = 3, SOLICIT_DELAY_MS = 1000, REACHABLE_MAX_MS = 3600000, SLAAC_PREFIX = 64 };

static la_time until(const struct ip *ip, uint32_t seconds)
{
  return seconds == UINT32_MAX ? LA_NEVER : ip->now + seconds * LA_SEC;
}

static la_time span(uint32_t seconds)
{
  return seconds == UINT32_MAX ? LA_NEVER : seconds * LA_SEC;
}

/* ---- default routers ---- */

static struct ip_router *router_at(struct ip *ip, unsigned iface, const struct ip_addr *addr)
{
  for (uint32_t i = 0; i < ip->router_count; i++)
    if (ip->routers[i].iface == iface && ip_addr_eq(&ip->routers[i].addr, addr))
      return &ip->routers[i];
  return NULL;
}

static void drop_router(struct ip *ip, struct ip_router *r)
{
  *r = ip->routers[--ip->router_count];
  ip_dests_forget(ip);
}

void ip_router_lost(struct ip *ip, unsigned iface, const struct ip_addr *addr)
{
  struct ip_router *const r = router_at(ip, iface, addr);

  if (r)
    drop_router(ip, r);
}

/* RFC 4861 6.3.4; RFC 4191 2.2 for preferences: 01 high, 00 medium, 11 low, 10 as medium. */
static void take_router(struct ip *ip, const struct ip_meta *m, const struct nd_message *nd)
{
  static const int8_t preferences[4] = { 0, 1, 0, -1 };
  struct ip_router *r = router_at(ip, m->iface, &m->source);

  if (nd->lifetime == 0) {
    ip_router_lost(ip, m->iface, &m->source);
    return;
  }
  if (!r && ip->router_count == IP_ROUTERS)
    return;
  if (!r)
    r = &ip->routers[ip->router_count++];
  *r = (struct ip_router){
    m->source, until(ip, nd->lifetime), m->iface, preferences[nd->flags >> 3 & 3],
  };
  ip_due(ip, r->until);
  ip_dests_forget(ip);
}

/* ---- nets ---- */

static void take_net(struct ip *ip, unsigned iface, const struct nd_prefix *p)
{
  uint32_t i = 0;

  while (i < ip->net_count && !(ip->nets[i].iface == iface && ip->nets[i].prefix == p->length &&
                                ip_addr_in(&p->net, &ip->nets[i].net, p->length)))
    i++;
  if (i == ip->net_count && (p->valid == 0 || ip->net_count == IP_NETS))
    return;
  if (p->valid == 0) {
    ip->nets[i] = ip->nets[--ip->net_count];
  } else {
    if (i == ip->net_count)
      ip->net_count++;
    ip->nets[i] = (struct ip_net){ p->net, until(ip, p->valid), p->length, (uint8_t)iface };
    ip_due(ip, ip->nets[i].until);
  }
  ip_dests_forget(ip);
}

/* RFC 4861 6.3.4, RFC 4862 5.5.3: nothing is said of the link-local net, nor of IPv4's. */
static void take_prefix(struct ip *ip, unsigned iface, const struct nd_prefix *p)
{
  if (ip6_addr_is_link_local(&p->net) || ip_addr_is_multicast(&p->net) || ip_addr_is4(&p->net))
    return;
  if (p->flags & ND_ON_LINK)
    take_net(ip, iface, p);
  if (p->flags & ND_AUTONOMOUS && p->length == SLAAC_PREFIX && p->preferred <= p->valid)
    ip_addr6_prefix(ip, iface, &p->net, span(p->preferred), span(p->valid));
}

/* ---- advertisements ---- */

/* RFC 4861 6.3.4.
 * Departs: the hop limit that is advised is not taken; it is the socket's option. */
static void take_link(struct ip *ip, unsigned number, const struct nd_message *nd)
{
  struct ip_iface *const iface = &ip->ifaces[number];

  iface->learnt.solicit_due = LA_NEVER;
  if (nd->reachable_ms > 0 && nd->reachable_ms <= REACHABLE_MAX_MS)
    iface->learnt.reachable_ms = nd->reachable_ms;
  if (nd->retransmit_ms > 0 && nd->retransmit_ms <= REACHABLE_MAX_MS)
    iface->learnt.retransmit_ms = nd->retransmit_ms;
  if (nd->mtu >= IP6_MTU_MIN && nd->mtu <= iface->mtu && nd->mtu != iface->learnt.mtu) {
    iface->learnt.mtu = nd->mtu;
    ip_dests_forget(ip);
  }
}

enum ip_why ip_router_advertised(struct ip *ip, const struct ip_meta *m,
                                 const struct nd_message *nd)
{
  struct ip_neighbor *n = NULL;

  if (!ip6_addr_is_link_local(&m->source))
    return ip_refuse(ip, IP_WHY_ND_SENDER);
  if (!(ip->ifaces[m->iface].flags & IP_IFACE_AUTO6))
    return ip_refuse(ip, IP_WHY_ND_ROUTER);
  ip->count[IP_N_router_advertisements_in]++;
  if (nd->source_mac)
    n = ip_neighbor_heard(ip, m->iface, &m->source, nd->source_mac, true);
  if (n)
    n->router = true;
  take_link(ip, m->iface, nd);
  take_router(ip, m, nd);
  for (uint8_t i = 0; i < nd->prefixes; i++)
    take_prefix(ip, m->iface, &nd->prefix[i]);
  return IP_WHY_NONE;
}

/* ---- redirects ---- */

/* RFC 4861 8.1, 8.3: from the router that the destination is reached by now, to another on the
 * link, or to the destination itself. */
enum ip_why ip_router_redirected(struct ip *ip, const struct ip_meta *m,
                                 const struct nd_message *nd)
{
  const struct ip_dest *const dest = ip_dest_find(ip, &nd->destination);
  const bool on_link = ip_addr_eq(&nd->target, &nd->destination);
  struct ip_redirect *r = &ip->redirects[0];
  struct ip_neighbor *n = NULL;

  if (!ip6_addr_is_link_local(&m->source) || ip_addr_is_multicast(&nd->destination) || m->broadcast)
    return ip_refuse(ip, IP_WHY_ND_SENDER);
  if (!dest || dest->iface != m->iface || !ip_addr_eq(&dest->next, &m->source) ||
      (!on_link && !ip6_addr_is_link_local(&nd->target)))
    return ip_refuse(ip, IP_WHY_ND_REDIRECT);
  if (ip->redirect_count < IP_REDIRECTS)
    r = &ip->redirects[ip->redirect_count++];
  else
    for (uint32_t i = 1; i < IP_REDIRECTS; i++)
      if (ip->redirects[i].until < r->until)
        r = &ip->redirects[i];
  *r = (struct ip_redirect){
    nd->destination, m->source, nd->target, ip->now + REDIRECT_FOR, m->iface,
  };
  if (nd->target_mac)
    n = ip_neighbor_heard(ip, m->iface, &nd->target, nd->target_mac, true);
  if (n && !on_link)
    n->router = true;
  ip->count[IP_N_redirects_in]++;
  ip_due(ip, r->until);
  ip_dests_forget(ip);
  return IP_WHY_NONE;
}

void ip_router_better(const struct ip *ip, struct ip_dest *dest)
{
  for (uint32_t i = 0; i < ip->redirect_count; i++) {
    const struct ip_redirect *const r = &ip->redirects[i];

    if (r->iface == dest->iface && ip_addr_eq(&r->destination, &dest->peer) &&
        ip_addr_eq(&r->router, &dest->next)) {
      dest->next = r->next;
      return;
    }
  }
}

/* ---- ways ---- */

/* RFC 4861 6.3.6: of equal preference, one that is not known to be silent. */
static int points_of(const struct ip *ip, const struct ip_router *r)
{
  for (uint32_t i = 0; i < ip->set.neighbors; i++) {
    const struct ip_neighbor *const n = &ip->neighbors[i];

    if (n->state == IP_NEIGHBOR_FAILED && n->iface == r->iface && ip_addr_eq(&n->addr, &r->addr))
      return r->preference - 4;
  }
  return r->preference;
}

static bool is_up(const struct ip *ip, unsigned iface)
{
  return ip->ifaces[iface].flags & IP_IFACE_UP;
}

int ip_router_route(const struct ip *ip, struct ip_dest *dest, int best)
{
  int most = INT16_MIN;

  for (uint32_t i = 0; i < ip->net_count; i++) {
    const struct ip_net *const net = &ip->nets[i];

    if ((int)net->prefix > best && is_up(ip, net->iface) &&
        ip_addr_in(&dest->peer, &net->net, net->prefix)) {
      best = net->prefix;
      dest->iface = net->iface;
      dest->next = dest->peer;
    }
  }
  for (uint32_t i = 0; best < 0 && i < ip->router_count; i++) {
    const struct ip_router *const r = &ip->routers[i];
    const int points = points_of(ip, r);

    if (points > most && is_up(ip, r->iface)) {
      most = points;
      dest->iface = r->iface;
      dest->next = r->addr;
    }
  }
  return most > INT16_MIN ? 0 : best;
}

/* ---- time ---- */

void ip_router_solicit(struct ip *ip, unsigned iface)
{
  struct ip_learnt *const l = &ip->ifaces[iface].learnt;

  l->solicited = 0;
  l->solicit_due = ip->now + ip_dice(ip, SOLICIT_DELAY_MS) * LA_MS;
  ip_due(ip, l->solicit_due);
}

static void solicit(struct ip *ip, unsigned iface)
{
  struct ip_learnt *const l = &ip->ifaces[iface].learnt;
  const struct ip_frame f = { .iface = (uint8_t)iface, .kind = IP_FRAME_SOLICIT_ROUTER };

  if (l->solicited == SOLICITATIONS) {
    l->solicit_due = LA_NEVER;
    return;
  }
  (void)ip_frame_later(ip, &f);
  l->solicited++;
  l->solicit_due = ip->now + SOLICIT_EVERY;
}

void ip_router_timers(struct ip *ip)
{
  for (uint32_t i = 0; i < ip->iface_count; i++) {
    if (ip->ifaces[i].learnt.solicit_due <= ip->now)
      solicit(ip, i);
    ip_due(ip, ip->ifaces[i].learnt.solicit_due);
  }
  for (uint32_t i = ip->router_count; i-- > 0;) {
    if (ip->routers[i].until <= ip->now)
      drop_router(ip, &ip->routers[i]);
    else
      ip_due(ip, ip->routers[i].until);
  }
  for (uint32_t i = ip->net_count; i-- > 0;) {
    if (ip->nets[i].until <= ip->now) {
      ip->nets[i] = ip->nets[--ip->net_count];
      ip_dests_forget(ip);
    } else {
      ip_due(ip, ip->nets[i].until);
    }
  }
  for (uint32_t i = ip->redirect_count; i-- > 0;) {
    if (ip->redirects[i].until <= ip->now) {
      ip->redirects[i] = ip->redirects[--ip->redirect_count];
      ip_dests_forget(ip);
    } else {
      ip_due(ip, ip->redirects[i].until);
    }
  }
}
