/* route.c - interfaces, addresses and routes; and which of them serve a given peer.
 * The tables are small and searched from end to end; ip_dest_find remembers the answer. */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/nd.h"

static int iface_fits(const struct ip_iface *iface)
{
  return iface->mtu >= IP_MTU_MIN && iface->mtu <= 65535 ? LA_OK : -LA_EINVAL;
}

int ip_iface_add(struct ip *ip, const struct ip_iface *iface)
{
  if (iface_fits(iface) != LA_OK)
    return -LA_EINVAL;
  if (ip->iface_count == ip->set.interfaces)
    return -LA_ENOROOM;
  ip->ifaces[ip->iface_count] = *iface;
  ip->ifaces[ip->iface_count].learnt =
    (struct ip_learnt){ .solicit_due = LA_NEVER, .report_due = LA_NEVER };
  ip_dests_forget(ip);
  ip->iface_count++;
  ip_addr6_link(ip, ip->iface_count - 1);
  return (int)ip->iface_count - 1;
}

/* IPv4's are defended, IPv6's asked for first (RFC 5227 2.3, RFC 4862 5.4). */
static void announce(struct ip *ip, struct ip_own *own)
{
  if (ip_addr_is4(&own->addr))
    ip_arp_announce(ip, own);
  else
    ip_addr6_begin(ip, own);
}

int ip_iface_set(struct ip *ip, unsigned number, const struct ip_iface *iface)
{
  if (number >= ip->iface_count || iface_fits(iface) != LA_OK)
    return -LA_EINVAL;
  const bool rises = !(ip->ifaces[number].flags & IP_IFACE_UP);
  const struct ip_learnt learnt = ip->ifaces[number].learnt;

  ip->ifaces[number] = *iface;
  ip->ifaces[number].learnt = learnt;
  ip_dests_forget(ip);
  for (uint32_t i = 0; rises && i < ip->own_count; i++)
    if (ip->owns[i].iface == number)
      announce(ip, &ip->owns[i]);
  ip_addr6_link(ip, number);
  return LA_OK;
}

const struct ip_own *ip_own_find(const struct ip *ip, const struct ip_addr *addr)
{
  for (uint32_t i = 0; i < ip->own_count; i++)
    if (ip_addr_eq(&ip->owns[i].addr, addr))
      return ip->owns[i].state == IP_OWN_PREFERRED || ip->owns[i].state == IP_OWN_DEPRECATED
               ? &ip->owns[i] : NULL;
  return NULL;
}

struct ip_own *ip_own_at(struct ip *ip, unsigned iface, const struct ip_addr *addr)
{
  for (uint32_t i = 0; i < ip->own_count; i++)
    if (ip->owns[i].iface == iface && ip_addr_eq(&ip->owns[i].addr, addr))
      return &ip->owns[i];
  return NULL;
}

static bool is_host(const struct ip_addr *addr)
{
  return !ip_addr_is_any(addr) && !ip_addr_is_multicast(addr) &&
         (!ip_addr_is4(addr) || addr->octets[12] < 240);
}

/* Whether a prefix is one of this address's family: IPv4's count the mapped form. */
static bool prefix_fits(const struct ip_addr *addr, uint8_t prefix)
{
  return prefix <= 128 && (!ip_addr_is4(addr) || prefix >= 96);
}

/* A net of IPv6 with a short prefix has IPv4's mapped form within, and yet nothing of IPv4. */
static bool same_family(const struct ip_addr *a, const struct ip_addr *b)
{
  return ip_addr_is4(a) == ip_addr_is4(b);
}

int ip_own_add(struct ip *ip, unsigned iface, const struct ip_addr *addr, uint8_t prefix)
{
  if (iface >= ip->iface_count || !is_host(addr) || !prefix_fits(addr, prefix))
    return -LA_EINVAL;
  for (uint32_t i = 0; i < ip->own_count; i++)
    if (ip_addr_eq(&ip->owns[i].addr, addr))
      return -LA_EINUSE;
  if (ip->own_count == ip->set.addresses)
    return -LA_ENOROOM;
  ip->owns[ip->own_count++] = (struct ip_own){
    .addr = *addr, .prefix = prefix, .iface = (uint8_t)iface, .due = LA_NEVER,
    .preferred_until = LA_NEVER, .valid_until = LA_NEVER,
  };
  if (ip->own_peak < ip->own_count)
    ip->own_peak = ip->own_count;
  ip_dests_forget(ip);
  announce(ip, &ip->owns[ip->own_count - 1]);
  return LA_OK;
}

int ip_own_remove(struct ip *ip, unsigned iface, const struct ip_addr *addr)
{
  for (uint32_t i = 0; i < ip->own_count; i++) {
    if (ip->owns[i].iface != iface || !ip_addr_eq(&ip->owns[i].addr, addr))
      continue;
    if (!ip_addr_is4(addr))
      ip_mld_report(ip, &ip->owns[i], MLD_TO_INCLUDE);
    memmove(&ip->owns[i], &ip->owns[i + 1], (ip->own_count - i - 1) * sizeof *ip->owns);
    ip->own_count--;
    ip_dests_forget(ip);
    return LA_OK;
  }
  return -LA_ENOADDR;
}

static uint32_t route_at(const struct ip *ip, const struct ip_addr *net, uint8_t prefix)
{
  uint32_t i = 0;

  while (i < ip->route_count && !(ip->routes[i].prefix == prefix &&
                                  ip_addr_in(net, &ip->routes[i].net, prefix)))
    i++;
  return i;
}

int ip_route_add(struct ip *ip, const struct ip_addr *net, uint8_t prefix,
                 const struct ip_addr *via, unsigned iface)
{
  if (iface >= ip->iface_count || !prefix_fits(net, prefix))
    return -LA_EINVAL;
  if (!ip_addr_is_any(via) && (!is_host(via) || !same_family(net, via)))
    return -LA_EINVAL;
  if (route_at(ip, net, prefix) < ip->route_count)
    return -LA_EINUSE;
  if (ip->route_count == ip->set.routes)
    return -LA_ENOROOM;
  ip->routes[ip->route_count++] = (struct ip_route){ *net, *via, prefix, (uint8_t)iface };
  if (ip->route_peak < ip->route_count)
    ip->route_peak = ip->route_count;
  ip_dests_forget(ip);
  return LA_OK;
}

int ip_route_remove(struct ip *ip, const struct ip_addr *net, uint8_t prefix)
{
  const uint32_t i = prefix <= 128 ? route_at(ip, net, prefix) : ip->route_count;

  if (i == ip->route_count)
    return -LA_EUNREACH;
  memmove(&ip->routes[i], &ip->routes[i + 1], (ip->route_count - i - 1) * sizeof *ip->routes);
  ip->route_count--;
  ip_dests_forget(ip);
  return LA_OK;
}

static bool iface_up(const struct ip *ip, unsigned iface)
{
  return ip->ifaces[iface].flags & IP_IFACE_UP;
}

/* RFC 8200 5: a link that is too narrow for IPv6 carries none. */
static bool carries(const struct ip *ip, unsigned iface, const struct ip_addr *peer)
{
  return iface_up(ip, iface) && (ip_addr_is4(peer) || ip->ifaces[iface].mtu >= IP6_MTU_MIN);
}

/* The net of an address of ours is on the link; but where routers gave the address, they say which
 * nets are (RFC 5942 4). */
static bool has_net(const struct ip_own *own)
{
  return !own->automatic || ip6_addr_is_link_local(&own->addr);
}

/* The longest prefix of an interface that is up: our addresses' own nets, then the routes; at
 * equal length the former, and the first. Fills in dest->iface and dest->next. */
static bool find_route(const struct ip *ip, struct ip_dest *dest)
{
  int best = -1;

  for (uint32_t i = 0; i < ip->own_count; i++) {
    const struct ip_own *const own = &ip->owns[i];

    if ((int)own->prefix > best && has_net(own) && carries(ip, own->iface, &dest->peer) &&
        same_family(&dest->peer, &own->addr) && ip_addr_in(&dest->peer, &own->addr, own->prefix)) {
      best = own->prefix;
      dest->iface = own->iface;
      dest->next = dest->peer;
    }
  }
  for (uint32_t i = 0; i < ip->route_count; i++) {
    const struct ip_route *const route = &ip->routes[i];

    if ((int)route->prefix > best && carries(ip, route->iface, &dest->peer) &&
        same_family(&dest->peer, &route->net) &&
        ip_addr_in(&dest->peer, &route->net, route->prefix)) {
      best = route->prefix;
      dest->iface = route->iface;
      dest->next = ip_addr_is_any(&route->via) ? dest->peer : route->via;
    }
  }
  if (ip_addr_is4(&dest->peer))
    return best >= 0;
  best = ip_router_route(ip, dest, best);
  if (best >= 0)
    ip_router_better(ip, dest);
  return best >= 0;
}

/* To ourselves: by a loopback interface that is up, whatever the address. */
static bool find_loopback(const struct ip *ip, struct ip_dest *dest)
{
  for (uint32_t i = 0; i < ip->iface_count; i++) {
    if (!(ip->ifaces[i].flags & IP_IFACE_LOOPBACK) || !carries(ip, i, &dest->peer))
      continue;
    dest->iface = (uint8_t)i;
    dest->next = dest->peer;
    dest->ours = true;
    return true;
  }
  return false;
}

/* The path MTU that is known, if it has not aged. */
static void find_pmtu(struct ip *ip, struct ip_dest *dest)
{
  const struct ip_iface *const iface = &ip->ifaces[dest->iface];
  const bool advised = dest->header == IPV6_HEADER && iface->learnt.mtu != 0 &&
                       iface->learnt.mtu < iface->mtu;

  dest->mtu = (uint16_t)(advised ? iface->learnt.mtu : iface->mtu);
  dest->until = LA_NEVER;
  for (uint32_t i = 0; ip->pmtu_count > 0 && i < IP_PMTUS; i++) {
    const struct ip_pmtu *const known = &ip->pmtus[i];

    if (known->mtu == 0 || !ip_addr_eq(&known->peer, &dest->peer))
      continue;
    if (known->expires > ip->now && known->mtu < dest->mtu) {
      dest->mtu = known->mtu;
      dest->until = known->expires;
    }
  }
}

static bool fill_dest(struct ip *ip, struct ip_dest *dest, const struct ip_addr *peer)
{
  *dest = (struct ip_dest){
    .peer = *peer, .neighbor = POOL_NONE,
    .header = ip_addr_is4(peer) ? IPV4_HEADER_MIN : IPV6_HEADER,
  };
  if (ip_addr_is_any(peer))
    return false;
  if (ip_own_find(ip, peer) || ip_addr_is_loopback(peer)) {
    if (!find_loopback(ip, dest))
      return false;
  } else if (!find_route(ip, dest)) {
    return false;
  }
  find_pmtu(ip, dest);
  dest->generation = ip->generation;
  return true;
}

struct ip_dest *ip_dest_find(struct ip *ip, const struct ip_addr *peer)
{
  /* A peer that chooses its address can at worst make this cache miss. */
  const uint32_t mixed = be32_get(peer->octets + 12) * UINT32_C(0x9e3779b1);
  struct ip_dest *const dest = &ip->dests[mixed >> 16 & (ip->set.dests - 1)];

  if (dest->generation == ip->generation && ip_addr_eq(&dest->peer, peer) && ip->now < dest->until)
    return dest;
  return fill_dest(ip, dest, peer) ? dest : NULL;
}
