/* api_net.c - memory that is lent, interfaces, addresses, routes, neighbours: the public types
 * turned into those of src/ip. */
#include "stack/stack.h"

_Static_assert((int)LA_IFACE_UP == (int)IP_IFACE_UP, "flags are passed on as they are");
_Static_assert((int)LA_IFACE_CSUM_TX == (int)IP_IFACE_CSUM_TX, "flags are passed on as they are");
_Static_assert((int)LA_IFACE_LOOPBACK == (int)IP_IFACE_LOOPBACK, "flags are passed on as they are");

_Static_assert((int)LA_IFACE_AUTO6 == (int)IP_IFACE_AUTO6, "flags are passed on as they are");
_Static_assert((int)LA_IFACE_NO_DAD == (int)IP_IFACE_NO_DAD, "flags are passed on as they are");
_Static_assert((int)LA_ADDR_DUPLICATE == (int)IP_OWN_DUPLICATE, "states are passed on as they are");

enum {
  IFACE_FLAGS = LA_IFACE_UP | LA_IFACE_CSUM_TX | LA_IFACE_LOOPBACK | LA_IFACE_AUTO6 |
                LA_IFACE_NO_DAD,
  MAPPED = 96
};

/* ---- slabs ---- */

int la_slab_get(la_stack *s, la_slab **slab)
{
  la_slab *const got = slab_get(&s->slabs);

  if (!got)
    return retry_refuse(s, WANT_SLAB);
  waiters_served(&s->refused[WANT_SLAB], 0);
  *slab = got;
  return LA_OK;
}

int la_slab_wrap(la_stack *s, void *octets, uint32_t size, void *owner, la_slab **slab)
{
  la_slab *wrapped;

  if (!octets || size == 0)
    return -LA_EINVAL;
  wrapped = slab_wrap(&s->slabs, octets, size, owner);
  if (!wrapped)
    return retry_refuse(s, WANT_FOREIGN_SLAB);
  waiters_served(&s->refused[WANT_FOREIGN_SLAB], 0);
  *slab = wrapped;
  return LA_OK;
}

size_t la_slab_returned(la_stack *s, void **owners, size_t max)
{
  return slabs_returned(&s->slabs, owners, max);
}

uint8_t *la_slab_octets(la_slab *slab)
{
  return slab->octets;
}

uint32_t la_slab_size(const la_slab *slab)
{
  return slab->size;
}

void la_slab_hold(la_slab *slab)
{
  slab_hold(slab);
}

void la_slab_release(la_stack *s, la_slab *slab)
{
  slab_release(&s->slabs, slab);
}

/* ---- interfaces ---- */

static bool name_ends(const la_iface *iface)
{
  for (size_t i = 0; i < sizeof iface->name; i++)
    if (iface->name[i] == 0)
      return true;
  return false;
}

static bool iface_in(const la_iface *iface, struct ip_iface *to)
{
  if ((iface->medium != LA_MEDIUM_IP && iface->medium != LA_MEDIUM_ETHERNET) ||
      iface->flags & ~(uint32_t)IFACE_FLAGS || !name_ends(iface))
    return false;
  *to = (struct ip_iface){
    .mtu = iface->mtu, .gso_max = iface->gso_max, .flags = iface->flags,
    .ethernet = iface->medium == LA_MEDIUM_ETHERNET && !(iface->flags & LA_IFACE_LOOPBACK),
  };
  memcpy(to->mac, iface->mac, sizeof to->mac);
  memcpy(to->name, iface->name, sizeof to->name);
  return true;
}

int la_iface_add(la_stack *s, const la_iface *iface)
{
  struct ip_iface to;

  return iface_in(iface, &to) ? ip_iface_add(&s->ip, &to) : -LA_EINVAL;
}

int la_iface_set(la_stack *s, int number, const la_iface *iface)
{
  struct ip_iface to;

  if (number < 0 || !iface_in(iface, &to))
    return -LA_EINVAL;
  return ip_iface_set(&s->ip, (unsigned)number, &to);
}

int la_iface_get(const la_stack *s, int number, la_iface *iface)
{
  if (number < 0 || (unsigned)number >= s->ip.iface_count)
    return -LA_EINVAL;
  const struct ip_iface *const from = &s->ip.ifaces[number];

  *iface = (la_iface){
    .medium = from->ethernet ? LA_MEDIUM_ETHERNET : LA_MEDIUM_IP, .mtu = from->mtu,
    .gso_max = from->gso_max, .flags = from->flags,
  };
  memcpy(iface->mac, from->mac, sizeof iface->mac);
  memcpy(iface->name, from->name, sizeof iface->name);
  return LA_OK;
}

/* ---- addresses and routes ---- */

/* A prefix of the public interface counts the bits of its address; ours those of 16 octets. */
static int prefix_in(const la_addr *addr, uint8_t prefix)
{
  if (addr->len == 4)
    return prefix <= 32 ? prefix + MAPPED : -LA_EINVAL;
  return addr->len == 16 && prefix <= 128 ? prefix : -LA_EINVAL;
}

static uint8_t prefix_out(const struct ip_addr *addr, uint8_t prefix)
{
  return ip_addr_is4(addr) ? (uint8_t)(prefix - MAPPED) : prefix;
}

int la_addr_add(la_stack *s, int iface, la_addr addr, uint8_t prefix)
{
  const int bits = prefix_in(&addr, prefix);
  const struct ip_addr own = addr_in(&addr);

  if (iface < 0 || bits < 0)
    return -LA_EINVAL;
  return ip_own_add(&s->ip, (unsigned)iface, &own, (uint8_t)bits);
}

int la_addr_remove(la_stack *s, int iface, la_addr addr)
{
  const struct ip_addr own = addr_in(&addr);

  if (iface < 0 || !addr_fits(&addr))
    return -LA_EINVAL;
  return ip_own_remove(&s->ip, (unsigned)iface, &own);
}

int la_addr_get(const la_stack *s, unsigned n, int *iface, la_addr *addr, uint8_t *prefix)
{
  if (n >= s->ip.own_count)
    return -LA_EINVAL;
  const struct ip_own *const own = &s->ip.owns[n];

  *iface = own->iface;
  *addr = addr_out(&own->addr);
  *prefix = prefix_out(&own->addr, own->prefix);
  return LA_OK;
}

int la_addr_state(const la_stack *s, unsigned n)
{
  return n < s->ip.own_count ? s->ip.owns[n].state : -LA_EINVAL;
}

int la_route_add(la_stack *s, la_addr net, uint8_t prefix, la_addr via, int iface)
{
  const int bits = prefix_in(&net, prefix);
  const struct ip_addr to = addr_in(&net), by = addr_in(&via);

  if (iface < 0 || bits < 0 || !addr_fits(&via))
    return -LA_EINVAL;
  return ip_route_add(&s->ip, &to, (uint8_t)bits, &by, (unsigned)iface);
}

int la_route_remove(la_stack *s, la_addr net, uint8_t prefix)
{
  const int bits = prefix_in(&net, prefix);
  const struct ip_addr to = addr_in(&net);

  return bits < 0 ? bits : ip_route_remove(&s->ip, &to, (uint8_t)bits);
}

/* Behind the operator's come what routers have said: nets of the link, then they themselves. */
static bool learnt_route(const struct ip *ip, unsigned n, struct ip_route *route)
{
  if (n < ip->net_count) {
    *route = (struct ip_route){ ip->nets[n].net, { { 0 } }, ip->nets[n].prefix, ip->nets[n].iface };
    return true;
  }
  n -= ip->net_count;
  if (n >= ip->router_count)
    return false;
  *route = (struct ip_route){ { { 0 } }, ip->routers[n].addr, 0, ip->routers[n].iface };
  return true;
}

int la_route_get(const la_stack *s, unsigned n, la_addr *net, uint8_t *prefix, la_addr *via,
                 int *iface)
{
  struct ip_route learnt;

  if (n >= s->ip.route_count && !learnt_route(&s->ip, n - s->ip.route_count, &learnt))
    return -LA_EINVAL;
  const struct ip_route *const route = n < s->ip.route_count ? &s->ip.routes[n] : &learnt;

  *net = addr_out(&route->net);
  net->len = ip_addr_is4(&route->net) ? 4 : 16;         /* ::/0 is a net, too */
  *prefix = prefix_out(&route->net, route->prefix);
  *via = addr_out(&route->via);
  *iface = route->iface;
  return LA_OK;
}

/* ---- neighbours ---- */

int la_neighbor_add(la_stack *s, int iface, la_addr addr, const uint8_t mac[6])
{
  const struct ip_addr a = addr_in(&addr);

  if (iface < 0 || !addr_fits(&addr))
    return -LA_EINVAL;
  return ip_neighbor_add(&s->ip, (unsigned)iface, &a, mac);
}

int la_neighbor_get(const la_stack *s, unsigned n, la_neighbor *neighbor)
{
  for (uint32_t i = 0; i < s->ip.set.neighbors; i++) {
    const struct ip_neighbor *const from = &s->ip.neighbors[i];

    if (from->state == IP_NEIGHBOR_FREE || n-- > 0)
      continue;
    *neighbor = (la_neighbor){
      .addr = addr_out(&from->addr), .iface = from->iface, .state = from->state,
      .since = from->since,
    };
    memcpy(neighbor->mac, from->mac, sizeof neighbor->mac);
    return LA_OK;
  }
  return -LA_EINVAL;
}
