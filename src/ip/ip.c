/* ip.c - the room of the network layer: its memory, its clock, its tables of words, and the
 * small questions about addresses that every file here asks. */
#include "ip/ip.h"
#include "base/need.h"

struct words { const char *name, *rfc, *text; };

static const struct words why_words[IP_WHY_COUNT] = {
#define IP_WHY(name, rfc, text) { #name, rfc, text },
#include "ip/why.def"
};

static const struct words count_words[IP_COUNT_COUNT] = {
#define IP_COUNT(name, text) { #name, "", text },
#include "ip/count.def"
};

const char *ip_why_name(unsigned why)
{
  return why < IP_WHY_COUNT ? why_words[why].name : NULL;
}

const char *ip_why_rfc(unsigned why)
{
  return why < IP_WHY_COUNT ? why_words[why].rfc : NULL;
}

const char *ip_why_text(unsigned why)
{
  return why < IP_WHY_COUNT ? why_words[why].text : NULL;
}

const char *ip_count_name(unsigned count)
{
  return count < IP_COUNT_COUNT ? count_words[count].name : NULL;
}

const char *ip_count_text(unsigned count)
{
  return count < IP_COUNT_COUNT ? count_words[count].text : NULL;
}

static size_t aligned(size_t octets)
{
  return (octets + 63) & ~(size_t)63;
}

/* Hands out `octets` of the block at *at; with a NULL block it only counts. */
static void *carve(uint8_t *block, size_t *at, size_t octets)
{
  void *const piece = block ? block + *at : NULL;

  *at += aligned(octets);
  return piece;
}

static size_t lay_out(struct ip *ip, uint8_t *block, const struct ip_settings *set)
{
  size_t at = 0;

  ip->ifaces = carve(block, &at, set->interfaces * sizeof *ip->ifaces);
  ip->owns = carve(block, &at, set->addresses * sizeof *ip->owns);
  ip->routes = carve(block, &at, set->routes * sizeof *ip->routes);
  ip->neighbors = carve(block, &at, set->neighbors * sizeof *ip->neighbors);
  ip->reasms = carve(block, &at, set->reassemblies * sizeof *ip->reasms);
  ip->datagrams = carve(block, &at, set->replies * sizeof *ip->datagrams);
  ip->dests = carve(block, &at, set->dests * sizeof *ip->dests);
  return at;
}

size_t ip_octets(const struct ip_settings *set)
{
  struct ip none;

  return lay_out(&none, NULL, set);
}

void ip_init(struct ip *ip, void *memory, const struct ip_settings *set, struct store store,
             la_time now)
{
  need(set->dests > 0 && (set->dests & (set->dests - 1)) == 0);
  memset(ip, 0, sizeof *ip);
  ip->set = *set;
  ip->now = now;
  ip->due = LA_NEVER;
  ip->defended = INT64_MIN;
  ip->store = store;
  (void)lay_out(ip, memory, set);
  memset(ip->neighbors, 0, set->neighbors * sizeof *ip->neighbors);
  for (uint32_t i = 0; i < set->neighbors; i++) {
    list_init(&ip->neighbors[i].waiting);
    list_init(&ip->neighbors[i].settled);
    list_init(&ip->neighbors[i].solicit);
  }
  for (uint32_t i = 0; i < set->reassemblies; i++)
    ip->reasms[i].state = IP_REASM_FREE;
  memset(ip->dests, 0, set->dests * sizeof *ip->dests);
  ip->generation = 1;                         /* so that an empty entry of the cache is stale */
  list_init(&ip->settled);
  list_init(&ip->solicit);
  rate_init(&ip->icmp_rate, set->icmp_errors);
  ip->key = hash_key_of(set->secret);
}

bool ip_addr_in(const struct ip_addr *addr, const struct ip_addr *net, uint8_t prefix)
{
  const unsigned whole = prefix / 8, rest = prefix % 8;

  if (memcmp(addr->octets, net->octets, whole) != 0)
    return false;
  return rest == 0 || (addr->octets[whole] ^ net->octets[whole]) >> (8 - rest) == 0;
}

bool ip_addr_is_multicast(const struct ip_addr *addr)
{
  return ip_addr_is4(addr) ? addr->octets[12] >> 4 == 14 : addr->octets[0] == 0xff;
}

bool ip_addr_is_loopback(const struct ip_addr *addr)
{
  static const struct ip_addr one = { { [15] = 1 } };

  return ip_addr_is4(addr) ? addr->octets[12] == 127 : ip_addr_eq(addr, &one);
}

bool ip6_addr_is_link_local(const struct ip_addr *addr)
{
  return addr->octets[0] == 0xfe && addr->octets[1] >> 6 == 2;
}

/* All ones behind the prefix. RFC 3021: a /31 has no broadcast address, nor has a /32. */
static bool is_net_broadcast(const struct ip_own *own, const struct ip_addr *addr)
{
  if (own->prefix > 126 || !ip_addr_is4(&own->addr) || !ip_addr_in(addr, &own->addr, own->prefix))
    return false;
  const unsigned bits = 128u - own->prefix;
  const uint32_t host = (uint32_t)addr->octets[12] << 24 | (uint32_t)addr->octets[13] << 16 |
                        (uint32_t)addr->octets[14] << 8 | addr->octets[15];
  const uint32_t ones = bits >= 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;

  return (host & ones) == ones;
}

bool ip_addr_is_broadcast(const struct ip *ip, unsigned iface, const struct ip_addr *addr)
{
  static const uint8_t limited[4] = { 255, 255, 255, 255 };

  if (ip_addr_is4(addr) && memcmp(addr->octets + 12, limited, 4) == 0)
    return true;
  for (uint32_t i = 0; i < ip->own_count; i++)
    if (ip->owns[i].iface == iface && is_net_broadcast(&ip->owns[i], addr))
      return true;
  return false;
}

void ip_view_cut(struct ip_view *v, uint32_t length)
{
  uint32_t left = length;

  v->length = length;
  if (v->contiguous > length)
    v->contiguous = length;
  if (v->apart)
    left -= v->contiguous;
  for (uint16_t i = 0; i < v->frags; i++) {
    if (v->frag[i].length > left)
      v->frag[i].length = left;
    left -= v->frag[i].length;
  }
}

bool ip_sum_good(const struct ip_meta *m, const struct ip_view *v)
{
  struct csum c = { 0, false };

  ip_pseudo_add(&c, &m->source, &m->destination, m->protocol, v->length);
  if (v->apart)
    csum_add(&c, v->octets, v->contiguous);
  for (const struct frag *f = v->frag, *const end = f + v->frags; f < end; f++)
    csum_add(&c, f->slab->octets + f->offset, f->length);
  return csum_good(&c);
}

uint32_t ip_dice(struct ip *ip, uint32_t below)
{
  const uint64_t serial = ip->serial++;

  return (uint32_t)((hash_words(ip->key, &serial, 1) >> 32) * below >> 32);
}

/* Each of them says again when it is to be called next. */
void ip_timers_run(struct ip *ip, la_time now)
{
  ip->now = now;
  if (now < ip->due)
    return;
  ip->due = LA_NEVER;
  ip_neighbor_timers(ip);
  ip_reasm_timers(ip);
  ip_pmtu_timers(ip);
  ip_addr6_timers(ip);
  ip_router_timers(ip);
  ip_mld_timers(ip);
}

la_time ip_deadline(const struct ip *ip)
{
  if (ip->datagram_count > 0 || ip->frame_count > 0 || !list_empty(&ip->solicit) ||
      !list_empty(&ip->settled))
    return INT64_MIN;
  return ip->due;
}
