/* addr6.c - how an IPv6 address becomes ours (RFC 4862): on Ethernet it is tentative until nobody
 * has answered that he has it. Those that are made here have stable identifiers that say nothing of
 * the hardware and differ from net to net (RFC 7217), and live as long as routers say. */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/nd.h"

#define PROBE_FOR   LA_SEC                    /* RFC 4861 10: RETRANS_TIMER */
#define AGAIN_SOON  (10 * LA_MS)              /* the ring of frames was full */
#define TWO_HOURS   (7200 * LA_SEC)

enum { PROBES = 1, TRIES = 3, DELAY_MS = 1000, LINK_PREFIX = 64 };    /* RFC 4862 5.1; 7217 5 */

const struct ip_own *ip_addr6_of_link(const struct ip *ip, unsigned iface)
{
  for (uint32_t i = 0; i < ip->own_count; i++) {
    const struct ip_own *const own = &ip->owns[i];

    if (own->iface == iface && ip6_addr_is_link_local(&own->addr) &&
        own->state != IP_OWN_TENTATIVE && own->state != IP_OWN_DUPLICATE)
      return own;
  }
  return NULL;
}

/* RFC 4862 5.4.2: what comes by itself waits at random, lest all hosts of a link that has just come
 * up ask at once. */
void ip_addr6_begin(struct ip *ip, struct ip_own *own)
{
  const struct ip_iface *const iface = &ip->ifaces[own->iface];

  if (!iface->ethernet || !(iface->flags & IP_IFACE_UP))
    return;
  ip_mld_report(ip, own, MLD_TO_EXCLUDE);
  if (iface->flags & IP_IFACE_NO_DAD)
    return;
  own->state = IP_OWN_TENTATIVE;
  own->asked = 0;
  own->due = ip->now + (own->automatic ? ip_dice(ip, DELAY_MS) * LA_MS : 0);
  ip_due(ip, own->due);
}

/* ---- addresses of our own making ---- */

/* RFC 7217 5: F(prefix, interface, counter, secret). RFC 5453's reserved identifiers are as likely
 * as any other, and passed by. */
static void identify(const struct ip *ip, struct ip_own *own)
{
  uint64_t words[4] = { 0, 0, own->tries, UINT64_C(0x7217) };
  uint64_t id;

  memcpy(&words[0], own->addr.octets, 8);
  memcpy(&words[1], ip->ifaces[own->iface].mac, 6);
  id = hash_words(ip->key, words, 4);
  if (id == 0 || id >> 32 == UINT32_C(0xfdffffff))
    id ^= UINT64_C(1) << 40;
  be32_put(own->addr.octets + 8, (uint32_t)(id >> 32));
  be32_put(own->addr.octets + 12, (uint32_t)id);
}

/* NULL: there is no room. */
static struct ip_own *make(struct ip *ip, unsigned iface, const struct ip_addr *net)
{
  struct ip_own own = {
    .addr = *net, .prefix = LINK_PREFIX, .iface = (uint8_t)iface, .automatic = true,
    .due = LA_NEVER, .preferred_until = LA_NEVER, .valid_until = LA_NEVER,
  };

  if (ip->own_count == ip->set.addresses)
    return NULL;
  identify(ip, &own);
  ip->owns[ip->own_count++] = own;
  if (ip->own_peak < ip->own_count)
    ip->own_peak = ip->own_count;
  ip->count[IP_N_addresses_made]++;
  ip_dests_forget(ip);
  return &ip->owns[ip->own_count - 1];
}

static struct ip_own *made_of(struct ip *ip, unsigned iface, const struct ip_addr *net)
{
  for (uint32_t i = 0; i < ip->own_count; i++) {
    struct ip_own *const own = &ip->owns[i];

    if (own->iface == iface && own->automatic && ip_addr_in(&own->addr, net, LINK_PREFIX))
      return own;
  }
  return NULL;
}

/* A link that is not to find its routers is not asked for them, either. */
static void ready(struct ip *ip, struct ip_own *own)
{
  own->state = IP_OWN_PREFERRED;
  own->due = LA_NEVER;
  ip_dests_forget(ip);
  if (own->automatic && ip6_addr_is_link_local(&own->addr))
    ip_router_solicit(ip, own->iface);
}

static void start(struct ip *ip, struct ip_own *own)
{
  ip_addr6_begin(ip, own);
  if (own->state == IP_OWN_PREFERRED)
    ready(ip, own);
}

void ip_addr6_link(struct ip *ip, unsigned number)
{
  static const struct ip_addr net = { { 0xfe, 0x80 } };
  const struct ip_iface *const iface = &ip->ifaces[number];
  struct ip_own *own;

  if (!iface->ethernet || !(iface->flags & IP_IFACE_UP) || !(iface->flags & IP_IFACE_AUTO6) ||
      iface->mtu < IP6_MTU_MIN || made_of(ip, number, &net))
    return;
  own = make(ip, number, &net);
  if (own)
    start(ip, own);
}

/* RFC 4862 5.5.3 e: nobody may shorten a life to less than two hours at once. */
static la_time shortened(const struct ip *ip, la_time until, la_time valid)
{
  const la_time left = until == LA_NEVER ? LA_NEVER : until - ip->now;

  if (valid == LA_NEVER)
    return LA_NEVER;
  if (valid > TWO_HOURS || valid > left)
    return ip->now + valid;
  return left <= TWO_HOURS ? until : ip->now + TWO_HOURS;
}

void ip_addr6_prefix(struct ip *ip, unsigned iface, const struct ip_addr *net, la_time preferred,
                     la_time valid)
{
  struct ip_own *own = made_of(ip, iface, net);
  const bool fresh = !own;

  if (fresh && valid > 0)
    own = make(ip, iface, net);
  if (!own)
    return;
  own->valid_until = fresh ? (valid == LA_NEVER ? LA_NEVER : ip->now + valid)
                           : shortened(ip, own->valid_until, valid);
  own->preferred_until = preferred == LA_NEVER ? LA_NEVER : ip->now + preferred;
  if (own->state == IP_OWN_DEPRECATED && preferred > 0)
    own->state = IP_OWN_PREFERRED;
  if (fresh)
    start(ip, own);
  ip_due(ip, own->preferred_until);
  ip_due(ip, own->valid_until);
}

/* RFC 4862 5.4.5; RFC 7217 6: what we have made is made anew, a few times. */
void ip_addr6_duplicate(struct ip *ip, struct ip_own *own)
{
  ip->count[IP_N_addresses_duplicate]++;
  own->state = IP_OWN_DUPLICATE;
  own->due = LA_NEVER;
  if (!own->automatic || own->tries == TRIES)
    return;
  own->tries++;
  memset(own->addr.octets + 8, 0, 8);
  identify(ip, own);
  start(ip, own);
}

/* ---- time ---- */

static void probe(struct ip *ip, struct ip_own *own)
{
  const struct ip_frame f = { .addr = own->addr, .iface = own->iface, .kind = IP_FRAME_PROBE };
  const uint32_t ms = ip->ifaces[own->iface].learnt.retransmit_ms;

  if (own->asked == PROBES) {
    ready(ip, own);
    ip_mld_report(ip, own, MLD_TO_EXCLUDE);   /* once more: the first had no source */
  } else if (ip_frame_later(ip, &f)) {
    own->asked++;
    own->due = ip->now + (ms == 0 ? PROBE_FOR : ms * LA_MS);
  } else {
    own->due = ip->now + AGAIN_SOON;
  }
}

void ip_addr6_timers(struct ip *ip)
{
  uint32_t i = 0;

  while (i < ip->own_count) {                 /* each is looked at once, or goes */
    struct ip_own *const own = &ip->owns[i];

    if (own->valid_until <= ip->now) {
      const struct ip_addr gone = own->addr;

      (void)ip_own_remove(ip, own->iface, &gone);
      continue;
    }
    if (own->state == IP_OWN_TENTATIVE && own->due <= ip->now)
      probe(ip, own);
    if (own->state == IP_OWN_PREFERRED && own->preferred_until <= ip->now)
      own->state = IP_OWN_DEPRECATED;
    ip_due(ip, own->due);
    if (own->state != IP_OWN_DEPRECATED)
      ip_due(ip, own->preferred_until);
    ip_due(ip, own->valid_until);
    i++;
  }
}
