/* neigh.c - who has which address on an Ethernet link: ARP (RFC 826), with the states of
 * RFC 4861 7.3: what is used is asked for again before it is trusted too long, and a neighbour
 * that does not answer is given up, so that connections hear of it. */
#include "ip/ip.h"
#include "wire/arp.h"
#include "wire/ether.h"

#define RETRY_AFTER    LA_SEC                 /* RFC 4861 10: RETRANS_TIMER; RFC 1122 2.3.2.1 */
#define REACHABLE_FOR  (30 * LA_SEC)          /* RFC 4861 10: REACHABLE_TIME */
#define FAILED_FOR     (20 * LA_SEC)          /* then it is forgotten */
#define DEFEND_EVERY   (10 * LA_SEC)          /* RFC 5227 1.1: DEFEND_INTERVAL */

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

static void enter(struct ip *ip, struct ip_neighbor *n, enum ip_neighbor_state state,
                  la_time lasts)
{
  n->state = (uint8_t)state;
  n->since = ip->now;
  n->due = lasts == LA_NEVER ? LA_NEVER : ip->now + lasts;
  ip_due(ip, n->due);
}

static void ask(struct ip *ip, struct ip_neighbor *n, enum ip_neighbor_state state)
{
  n->asked = 0;
  enter(ip, n, state, RETRY_AFTER);
  append_once(&ip->solicit, &n->solicit);
}

/* Answered or given up: what waits need not wait any more. */
static void settle(struct ip *ip, struct ip_neighbor *n)
{
  unlink_node(&n->solicit);
  if (n->waiting_count > 0)
    append_once(&ip->settled, &n->settled);
}

static void learn(struct ip *ip, struct ip_neighbor *n, const uint8_t mac[6], bool answered)
{
  const bool same = memcmp(n->mac, mac, sizeof n->mac) == 0;
  const bool unknown = n->state == IP_NEIGHBOR_INCOMPLETE || n->state == IP_NEIGHBOR_FAILED;

  if (n->state == IP_NEIGHBOR_PERMANENT)
    return;
  memcpy(n->mac, mac, sizeof n->mac);
  if (answered)
    enter(ip, n, IP_NEIGHBOR_REACHABLE, REACHABLE_FOR);
  else if (unknown || !same)                  /* RFC 4861 7.2.3: heard of, not confirmed */
    enter(ip, n, IP_NEIGHBOR_STALE, LA_NEVER);
  if (n->state != IP_NEIGHBOR_PROBE)
    settle(ip, n);
}

static struct ip_neighbor *find(struct ip *ip, unsigned iface, const struct ip_addr *addr)
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
  n->state = IP_NEIGHBOR_FREE;
  n->due = LA_NEVER;
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
  if (iface >= ip->iface_count || !ip_addr_is4(addr) || ip_addr_is_any(addr))
    return -LA_EINVAL;
  struct ip_neighbor *n = find(ip, iface, addr);

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
  n = find(ip, dest->iface, &dest->next);
  if (!n)
    n = create(ip, dest->iface, &dest->next);
  if (n)
    dest->neighbor = (uint32_t)(n - ip->neighbors);
  return n;
}

void ip_neighbor_doubt(struct ip *ip, struct ip_dest *dest)
{
  struct ip_neighbor *const n = find(ip, dest->iface, &dest->next);

  if (n)
    distrust(ip, n);
}

struct ip_neighbor *ip_neighbor_of(struct ip *ip, struct ip_dest *dest)
{
  struct ip_neighbor *const n = remembered(ip, dest);

  if (!n)
    return NULL;
  n->used = ip->now;
  if (n->state == IP_NEIGHBOR_STALE)
    ask(ip, n, IP_NEIGHBOR_PROBE);            /* RFC 4861 7.3.3; meanwhile it is used as it is */
  else if (n->state == IP_NEIGHBOR_INCOMPLETE && n->due == LA_NEVER)
    ask(ip, n, IP_NEIGHBOR_INCOMPLETE);
  else if (n->state == IP_NEIGHBOR_FAILED && ip->now - n->since >= RETRY_AFTER)
    ask(ip, n, IP_NEIGHBOR_INCOMPLETE);
  return n;
}

struct ip_neighbor *ip_neighbor_settled(struct ip *ip)
{
  while (!list_empty(&ip->settled)) {
    struct ip_neighbor *const n = list_entry(ip->settled.next, struct ip_neighbor, settled);

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
  case IP_NEIGHBOR_INCOMPLETE:
  case IP_NEIGHBOR_PROBE:
    if (n->asked < IP_SOLICIT_MAX) {
      n->due = ip->now + RETRY_AFTER;
      append_once(&ip->solicit, &n->solicit);
    } else {
      enter(ip, n, IP_NEIGHBOR_FAILED, FAILED_FOR);
      settle(ip, n);
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

static void reply_later(struct ip *ip, unsigned iface, const struct ip_addr *addr,
                        const struct ip_addr *peer, const uint8_t mac[6])
{
  if (ip->arp_count == IP_ARP_REPLIES) {
    ip->count[IP_N_datagrams_lost]++;
    return;
  }
  struct ip_arp_reply *const r = &ip->arp[(ip->arp_first + ip->arp_count++) % IP_ARP_REPLIES];

  r->addr = *addr;
  r->peer = *peer;
  r->iface = (uint8_t)iface;
  memcpy(r->mac, mac, sizeof r->mac);
}

static const uint8_t everyone[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void ip_arp_announce(struct ip *ip, const struct ip_own *own)
{
  const struct ip_iface *const iface = &ip->ifaces[own->iface];

  if (iface->ethernet && iface->flags & IP_IFACE_UP)
    reply_later(ip, own->iface, &own->addr, &own->addr, everyone);
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
  struct ip_neighbor *known = probe ? NULL : find(ip, iface, &sender);

  if (known)
    learn(ip, known, a.sender_mac, a.operation == ARP_REPLY && wanted);
  if (!wanted || wanted->iface != iface)
    return known ? IP_WHY_NONE : ip_refuse(ip, IP_WHY_ARP_NOT_OURS);
  if (a.operation != ARP_REQUEST)
    return IP_WHY_NONE;
  if (!known && !probe && (known = create(ip, iface, &sender)))
    learn(ip, known, a.sender_mac, false);
  reply_later(ip, iface, &target, &sender, a.sender_mac);
  return IP_WHY_NONE;
}

static uint32_t write_frame(const struct ip *ip, uint8_t octets[42], unsigned iface,
                            const uint8_t to[6], struct arp *a)
{
  struct ether_header h = { .type = ETHER_ARP };

  memcpy(h.from, ip->ifaces[iface].mac, sizeof h.from);
  memcpy(h.to, to, sizeof h.to);
  memcpy(a->sender_mac, h.from, sizeof a->sender_mac);
  return (uint32_t)(ether_header_write(octets, &h) + arp_write(octets + ETHER_HEADER, a));
}

static uint32_t write_reply(struct ip *ip, uint8_t octets[42], uint8_t *iface)
{
  const struct ip_arp_reply *const r = &ip->arp[ip->arp_first];
  const bool announce = ip_addr_eq(&r->addr, &r->peer);
  struct arp a = { .operation = announce ? ARP_REQUEST : ARP_REPLY };

  ip->arp_first = (ip->arp_first + 1) % IP_ARP_REPLIES;
  ip->arp_count--;
  ip->count[announce ? IP_N_arp_requests_out : IP_N_arp_replies_out]++;
  memcpy(a.sender_ip, r->addr.octets + 12, 4);
  memcpy(a.target_ip, r->peer.octets + 12, 4);
  if (!announce)
    memcpy(a.target_mac, r->mac, sizeof a.target_mac);
  *iface = r->iface;
  return write_frame(ip, octets, r->iface, r->mac, &a);
}

/* INCOMPLETE asks everyone, PROBE asks the one whom we believe to have the address. */
static uint32_t write_request(struct ip *ip, struct ip_neighbor *n, uint8_t octets[42])
{
  const bool all = n->state != IP_NEIGHBOR_PROBE;
  const struct ip_dest dest = { .peer = n->addr, .next = n->addr, .iface = n->iface };
  struct ip_addr source = { { 0 } };
  struct arp a = { .operation = ARP_REQUEST };

  (void)ip_source_for(ip, &dest, &source);
  n->asked++;
  ip->count[IP_N_arp_requests_out]++;
  memcpy(a.sender_ip, source.octets + 12, 4);
  memcpy(a.target_ip, n->addr.octets + 12, 4);
  return write_frame(ip, octets, n->iface, all ? everyone : n->mac, &a);
}

uint32_t ip_arp_output(struct ip *ip, uint8_t octets[42], uint8_t *iface)
{
  if (ip->arp_count > 0)
    return write_reply(ip, octets, iface);
  struct list *const node = list_take(&ip->solicit);

  if (!node)
    return 0;
  struct ip_neighbor *const n = list_entry(node, struct ip_neighbor, solicit);

  *iface = n->iface;
  return write_request(ip, n, octets);
}
