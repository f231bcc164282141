/* neigh.c - who has which address on an Ethernet link, in the states of RFC 4861 7.3: what is used
 * is asked for again before it is trusted too long, and a neighbour that does not answer is given
 * up, so that connections hear of it. arp.c and nd.c say what was heard; frame.c asks.
 *
 * The families differ in one state. IPv6's neighbours are used for five seconds more (DELAY) before
 * they are asked, and are not asked at all if a connection makes progress meanwhile. */
#include "ip/ip.h"

#define RETRY_AFTER    LA_SEC                 /* RFC 4861 10: RETRANS_TIMER; RFC 1122 2.3.2.1 */
#define REACHABLE_FOR  (30 * LA_SEC)          /* RFC 4861 10: REACHABLE_TIME */
#define FAILED_FOR     (20 * LA_SEC)          /* then it is forgotten */
#define DELAY_FOR      (5 * LA_SEC)           /* RFC 4861 10: DELAY_FIRST_PROBE_TIME */

static void unlink_node(struct list *node)
{
  if (list_linked(node))
    list_remove(node);
}

static void append_once(struct list *head, struct list *node)
{
  if (!list_linked(node))
    list_append(head, node);
}

/* Of IPv6, in use on trust: progress would confirm it. */
static bool doubted(const struct ip_neighbor *n)
{
  return n->state >= IP_NEIGHBOR_STALE && n->state <= IP_NEIGHBOR_PROBE && !ip_addr_is4(&n->addr);
}

static void enter(struct ip *ip, struct ip_neighbor *n, enum ip_neighbor_state state,
                  la_time lasts)
{
  ip->doubted -= doubted(n);
  n->state = (uint8_t)state;
  ip->doubted += doubted(n);
  n->since = ip->now;
  n->due = lasts == LA_NEVER ? LA_NEVER : ip->now + lasts;
  ip_due(ip, n->due);
}

/* RFC 4861 6.3.2, 10: how long an answer is awaited, and how long one is good for: what routers say
 * of a link, the latter by half more or less at random, so that hosts do not ask at once. */
static la_time retry_after(const struct ip *ip, const struct ip_neighbor *n)
{
  const uint32_t ms = ip->ifaces[n->iface].learnt.retransmit_ms;

  return ip_addr_is4(&n->addr) || ms == 0 ? RETRY_AFTER : ms * LA_MS;
}

static la_time reachable_for(struct ip *ip, const struct ip_neighbor *n)
{
  const uint32_t ms = ip->ifaces[n->iface].learnt.reachable_ms;

  if (ip_addr_is4(&n->addr))
    return REACHABLE_FOR;
  return (ms == 0 ? REACHABLE_FOR : ms * LA_MS) / 1024 * (512 + ip_dice(ip, 1024));
}

static void ask(struct ip *ip, struct ip_neighbor *n, enum ip_neighbor_state state)
{
  n->asked = 0;
  enter(ip, n, state, retry_after(ip, n));
  append_once(&ip->solicit, &n->solicit);
}

/* Answered or given up: what waits need not wait any more. */
static void settle(struct ip *ip, struct ip_neighbor *n)
{
  unlink_node(&n->solicit);
  if (n->waiting_count > 0)
    append_once(&ip->settled, &n->settled);
}

void ip_neighbor_answered(struct ip *ip, struct ip_neighbor *n, const uint8_t mac[6],
                          bool answered)
{
  const bool same = memcmp(n->mac, mac, sizeof n->mac) == 0;
  const bool unknown = n->state == IP_NEIGHBOR_INCOMPLETE || n->state == IP_NEIGHBOR_FAILED;

  if (n->state == IP_NEIGHBOR_PERMANENT)
    return;
  memcpy(n->mac, mac, sizeof n->mac);
  if (answered)
    enter(ip, n, IP_NEIGHBOR_REACHABLE, reachable_for(ip, n));
  else if (unknown || !same)                  /* RFC 4861 7.2.3: heard of, not confirmed */
    enter(ip, n, IP_NEIGHBOR_STALE, LA_NEVER);
  if (n->state != IP_NEIGHBOR_PROBE)
    settle(ip, n);
}

struct ip_neighbor *ip_neighbor_find(struct ip *ip, unsigned iface, const struct ip_addr *addr)
{
  for (uint32_t i = 0; ip->neighbor_count > 0 && i < ip->set.neighbors; i++) {
    struct ip_neighbor *const n = &ip->neighbors[i];

    if (n->state != IP_NEIGHBOR_FREE && n->iface == iface && ip_addr_eq(&n->addr, addr))
      return n;
  }
  return NULL;
}

static void forget(struct ip *ip, struct ip_neighbor *n)
{
  unlink_node(&n->solicit);
  enter(ip, n, IP_NEIGHBOR_FREE, LA_NEVER);
  ip->neighbor_count--;
}

/* A free entry, or the one that was of no use for longest. */
static struct ip_neighbor *place(struct ip *ip)
{
  struct ip_neighbor *oldest = NULL;

  for (uint32_t i = 0; i < ip->set.neighbors; i++) {
    struct ip_neighbor *const n = &ip->neighbors[i];

    if (n->state == IP_NEIGHBOR_FREE)
      return n;
    if (n->state == IP_NEIGHBOR_PERMANENT || n->waiting_count > 0)
      continue;
    if (!oldest || n->used < oldest->used)
      oldest = n;
  }
  if (oldest)
    forget(ip, oldest);
  return oldest;
}

static struct ip_neighbor *create(struct ip *ip, unsigned iface, const struct ip_addr *addr)
{
  struct ip_neighbor *const n = place(ip);

  if (!n)
    return NULL;
  n->addr = *addr;
  n->iface = (uint8_t)iface;
  n->asked = 0;
  n->router = false;
  n->used = ip->now;
  memset(n->mac, 0, sizeof n->mac);
  enter(ip, n, IP_NEIGHBOR_INCOMPLETE, LA_NEVER);
  if (++ip->neighbor_count > ip->neighbor_peak)
    ip->neighbor_peak = ip->neighbor_count;
  return n;
}

int ip_neighbor_add(struct ip *ip, unsigned iface, const struct ip_addr *addr,
                    const uint8_t mac[6])
{
  if (iface >= ip->iface_count || ip_addr_is_any(addr) || ip_addr_is_multicast(addr))
    return -LA_EINVAL;
  struct ip_neighbor *n = ip_neighbor_find(ip, iface, addr);

  if (!n)
    n = create(ip, iface, addr);
  if (!n)
    return -LA_ENOROOM;
  memcpy(n->mac, mac, sizeof n->mac);
  enter(ip, n, IP_NEIGHBOR_PERMANENT, LA_NEVER);
  settle(ip, n);
  return LA_OK;
}

bool ip_neighbor_usable(const struct ip_neighbor *n)
{
  return n->state != IP_NEIGHBOR_INCOMPLETE && n->state != IP_NEIGHBOR_FAILED;
}

/* What was confirmed is to be confirmed again as soon as it is used. */
static void distrust(struct ip *ip, struct ip_neighbor *n)
{
  if (n->state == IP_NEIGHBOR_REACHABLE)
    enter(ip, n, IP_NEIGHBOR_STALE, LA_NEVER);
}

static struct ip_neighbor *remembered(struct ip *ip, struct ip_dest *dest)
{
  struct ip_neighbor *n;

  if (dest->neighbor < ip->set.neighbors) {
    n = &ip->neighbors[dest->neighbor];
    if (n->state != IP_NEIGHBOR_FREE && n->iface == dest->iface &&
        ip_addr_eq(&n->addr, &dest->next))
      return n;
  }
  n = ip_neighbor_find(ip, dest->iface, &dest->next);
  if (!n)
    n = create(ip, dest->iface, &dest->next);
  if (n)
    dest->neighbor = (uint32_t)(n - ip->neighbors);
  return n;
}

void ip_neighbor_doubt(struct ip *ip, struct ip_dest *dest)
{
  struct ip_neighbor *const n = ip_neighbor_find(ip, dest->iface, &dest->next);

  if (n)
    distrust(ip, n);
}

void ip_neighbor_contested(struct ip *ip, struct ip_neighbor *n)
{
  distrust(ip, n);
}

void ip_neighbor_confirm(struct ip *ip, struct ip_dest *dest)
{
  struct ip_neighbor *const n = ip_neighbor_find(ip, dest->iface, &dest->next);

  if (!n || !doubted(n))
    return;
  unlink_node(&n->solicit);
  enter(ip, n, IP_NEIGHBOR_REACHABLE, reachable_for(ip, n));
  ip->count[IP_N_nd_confirmed]++;
}

struct ip_neighbor *ip_neighbor_heard(struct ip *ip, unsigned iface, const struct ip_addr *addr,
                                      const uint8_t mac[6], bool wanted)
{
  struct ip_neighbor *n = ip_neighbor_find(ip, iface, addr);

  if (!n && wanted)
    n = create(ip, iface, addr);
  if (n)
    ip_neighbor_answered(ip, n, mac, false);
  return n;
}

struct ip_neighbor *ip_neighbor_of(struct ip *ip, struct ip_dest *dest)
{
  struct ip_neighbor *const n = remembered(ip, dest);

  if (!n)
    return NULL;
  n->used = ip->now;
  if (n->state == IP_NEIGHBOR_STALE && !ip_addr_is4(&n->addr))
    enter(ip, n, IP_NEIGHBOR_DELAY, DELAY_FOR);           /* RFC 4861 7.3.3 */
  else if (n->state == IP_NEIGHBOR_STALE)
    ask(ip, n, IP_NEIGHBOR_PROBE);            /* meanwhile it is used as it is */
  else if (n->state == IP_NEIGHBOR_INCOMPLETE && n->due == LA_NEVER)
    ask(ip, n, IP_NEIGHBOR_INCOMPLETE);
  else if (n->state == IP_NEIGHBOR_FAILED && ip->now - n->since >= RETRY_AFTER)
    ask(ip, n, IP_NEIGHBOR_INCOMPLETE);
  return n;
}

struct ip_neighbor *ip_neighbor_settled(struct ip *ip)
{
  while (!list_empty(&ip->settled)) {
    struct ip_neighbor *const n = list_entry(list_next(&ip->settled), struct ip_neighbor, settled);

    if (n->waiting_count > 0 && n->state != IP_NEIGHBOR_INCOMPLETE)
      return n;
    list_remove(&n->settled);
  }
  return NULL;
}

static void timed_out(struct ip *ip, struct ip_neighbor *n)
{
  switch (n->state) {
  case IP_NEIGHBOR_REACHABLE:
    enter(ip, n, IP_NEIGHBOR_STALE, LA_NEVER);
    break;
  case IP_NEIGHBOR_DELAY:
    ask(ip, n, IP_NEIGHBOR_PROBE);
    break;
  case IP_NEIGHBOR_INCOMPLETE:
  case IP_NEIGHBOR_PROBE:
    if (n->asked < IP_SOLICIT_MAX) {
      n->due = ip->now + retry_after(ip, n);
      append_once(&ip->solicit, &n->solicit);
    } else {
      enter(ip, n, IP_NEIGHBOR_FAILED, FAILED_FOR);
      settle(ip, n);
      if (n->router)
        ip_dests_forget(ip);                  /* another router may do (RFC 4861 7.3.3) */
    }
    break;
  case IP_NEIGHBOR_FAILED:
    if (n->waiting_count > 0)
      n->due = ip->now + FAILED_FOR;
    else
      forget(ip, n);
    break;
  default:
    n->due = LA_NEVER;
    break;
  }
}

void ip_neighbor_timers(struct ip *ip)
{
  for (uint32_t i = 0; ip->neighbor_count > 0 && i < ip->set.neighbors; i++) {
    struct ip_neighbor *const n = &ip->neighbors[i];

    if (n->state != IP_NEIGHBOR_FREE && n->due <= ip->now)
      timed_out(ip, n);
    if (n->state != IP_NEIGHBOR_FREE)
      ip_due(ip, n->due);
  }
}
