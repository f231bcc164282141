/* reasm.c - fragments are put together (RFC 791 3.2, RFC 1122 3.3.2; RFC 8200 4.5), within bounds:
 * so many datagrams at once, each in slabs of its own, each for 60 seconds. Nothing may overlap:
 * the datagram of which two fragments claim the same octets is thrown away (RFC 5722 3, written for
 * IPv6; the attacks on IPv4 are the same), but for an exact repetition, which networks produce. */
#include "ip/ip.h"
#include "base/need.h"

#define REASSEMBLE_FOR (60 * LA_SEC)          /* RFC 1122 3.3.2: 60 to 120 seconds */

enum { DATAGRAM_MAX = 65535, TCP_HEADER_LEAST = 20, UDP_HEADER_LEAST = 8, UNIT = 8 };

static void let_go(struct ip *ip, struct ip_reasm *r)
{
  for (uint32_t i = 0; i < IP_REASM_SLABS; i++) {
    if (r->slab[i])
      slab_release(ip->store.slabs, r->slab[i]);
    r->slab[i] = NULL;
  }
  r->state = IP_REASM_FREE;
  ip->reasm_count--;
}

void ip_reasm_done(struct ip *ip, struct ip_reasm *r)
{
  need(r->state == IP_REASM_WHOLE);
  let_go(ip, r);
}

/* RFC 8200 4.5: IPv6's fragments may differ in the header behind, and belong together. */
static uint8_t key_of(const struct ip_meta *m)
{
  return ip_addr_is4(&m->source) ? m->protocol : IPV6_FRAGMENT;
}

static struct ip_reasm *find(struct ip *ip, const struct ip_meta *m, uint32_t id)
{
  const uint8_t key = key_of(m);

  for (uint32_t i = 0; ip->reasm_count > 0 && i < ip->set.reassemblies; i++) {
    struct ip_reasm *const r = &ip->reasms[i];

    if (r->state == IP_REASM_PARTIAL && r->id == id && r->protocol == key &&
        ip_addr_eq(&r->source, &m->source) && ip_addr_eq(&r->destination, &m->destination))
      return r;
  }
  return NULL;
}

/* A free place; if there is none, the oldest incomplete datagram's. */
static struct ip_reasm *place(struct ip *ip)
{
  struct ip_reasm *oldest = NULL;

  for (uint32_t i = 0; i < ip->set.reassemblies; i++) {
    struct ip_reasm *const r = &ip->reasms[i];

    if (r->state == IP_REASM_FREE)
      return r;
    if (r->state == IP_REASM_PARTIAL && (!oldest || (int32_t)(r->serial - oldest->serial) < 0))
      oldest = r;
  }
  if (oldest) {
    (void)ip_refuse(ip, IP_WHY_FRAGMENT_EVICTED);
    let_go(ip, oldest);
  }
  return oldest;
}

static struct ip_reasm *begin(struct ip *ip, const struct ip_meta *m, uint32_t id)
{
  struct ip_reasm *const r = place(ip);

  if (!r)
    return NULL;
  r->source = m->source;
  r->destination = m->destination;
  r->due = ip->now + REASSEMBLE_FOR;
  r->serial = ip->serial++;
  r->id = id;
  r->protocol = key_of(m);
  r->iface = m->iface;
  r->state = IP_REASM_PARTIAL;
  r->header_length = r->ecn_seen = 0;
  r->link_broadcast = m->link_broadcast;
  r->end = r->received = 0;
  memset(r->slab, 0, sizeof r->slab);
  memset(r->have, 0, sizeof r->have);
  ip_due(ip, r->due);
  if (++ip->reasm_count > ip->reasm_peak)
    ip->reasm_peak = ip->reasm_count;
  return r;
}

/* How many of the units of [offset, offset + length) are here already. */
static uint32_t units_here(const struct ip_reasm *r, uint32_t offset, uint32_t length)
{
  uint32_t here = 0;

  for (uint32_t u = offset / UNIT; u < (offset + length + UNIT - 1) / UNIT; u++)
    here += r->have[u / 64] >> (u % 64) & 1;
  return here;
}

static void mark(struct ip_reasm *r, uint32_t offset, uint32_t length)
{
  for (uint32_t u = offset / UNIT; u < (offset + length + UNIT - 1) / UNIT; u++)
    r->have[u / 64] |= UINT64_C(1) << (u % 64);
  r->received += length;
}

/* One run of octets of a fragment, to its place or against what is there; how far both go on
 * without a break. */
static uint32_t run_at(const struct ip *ip, uint32_t offset, uint32_t length)
{
  const uint32_t left = ip->set.slab_size - offset % ip->set.slab_size;

  return left < length ? left : length;
}

static bool same_octets(const struct ip *ip, const struct ip_reasm *r, uint32_t offset,
                        const uint8_t *octets, uint32_t length)
{
  while (length > 0) {
    const uint32_t run = run_at(ip, offset, length);
    const struct la_slab *const slab = r->slab[offset / ip->set.slab_size];

    if (memcmp(slab->octets + offset % ip->set.slab_size, octets, run) != 0)
      return false;
    offset += run;
    octets += run;
    length -= run;
  }
  return true;
}

static void put_octets(const struct ip *ip, const struct ip_reasm *r, uint32_t offset,
                       const uint8_t *octets, uint32_t length)
{
  while (length > 0) {
    const uint32_t run = run_at(ip, offset, length);

    memcpy(r->slab[offset / ip->set.slab_size]->octets + offset % ip->set.slab_size, octets, run);
    offset += run;
    octets += run;
    length -= run;
  }
}

static bool same_as_before(const struct ip *ip, const struct ip_reasm *r, uint32_t offset,
                           const struct ip_view *v)
{
  if (v->apart && !same_octets(ip, r, offset, v->octets, v->contiguous))
    return false;
  if (v->apart)
    offset += v->contiguous;
  for (uint16_t i = 0; i < v->frags; i++) {
    const struct frag *const f = &v->frag[i];

    if (!same_octets(ip, r, offset, f->slab->octets + f->offset, f->length))
      return false;
    offset += f->length;
  }
  return true;
}

static bool slabs_for(struct ip *ip, struct ip_reasm *r, uint32_t offset, uint32_t length)
{
  for (uint32_t i = offset / ip->set.slab_size; i <= (offset + length - 1) / ip->set.slab_size; i++)
    if (!r->slab[i] && !(r->slab[i] = slab_get(ip->store.slabs)))
      return false;
  return true;
}

static void store_fragment(struct ip *ip, struct ip_reasm *r, uint32_t offset,
                           const struct ip_view *v)
{
  uint32_t at = offset;

  if (v->apart) {
    put_octets(ip, r, at, v->octets, v->contiguous);
    at += v->contiguous;
  }
  for (uint16_t i = 0; i < v->frags; i++) {
    put_octets(ip, r, at, v->frag[i].slab->octets + v->frag[i].offset, v->frag[i].length);
    at += v->frag[i].length;
  }
  mark(r, offset, v->length);
}

/* RFC 791 3.1, RFC 1858 3, RFC 3128: lengths that only an error or an attack produces. Those of
 * IPv6 earn an answer (input6.c), and its headers tell more of what is too small. */
static enum ip_why check_lengths(const struct ip_meta *m, const struct ip_view *v,
                                 const struct ip_fragment *f)
{
  const bool six = !ip_addr_is4(&m->source);
  const uint32_t least = m->protocol == IP_TCP ? TCP_HEADER_LEAST : UDP_HEADER_LEAST;
  const uint32_t most = six ? DATAGRAM_MAX : DATAGRAM_MAX - IPV4_HEADER_MIN;

  if (v->length == 0 || (f->more && v->length % UNIT != 0) || f->offset + v->length > most)
    return IP_WHY_FRAGMENT_LENGTH;
  if (!six && ((f->offset == 0 && v->length < least) ||
               (m->protocol == IP_TCP && f->offset == UNIT)))
    return IP_WHY_FRAGMENT_TINY;
  return IP_WHY_NONE;
}

/* Where the datagram ends, as the last fragment says; all must agree. */
static bool end_agrees(struct ip_reasm *r, uint32_t end, bool last)
{
  if (r->end != 0)
    return last ? r->end == end : end <= r->end;
  if (!last)
    return true;
  for (uint32_t u = (end + UNIT - 1) / UNIT; u < 64 * 128; u++)
    if (r->have[u / 64] >> (u % 64) & 1)
      return false;
  r->end = end;
  return true;
}

static enum ip_why throw_away(struct ip *ip, struct ip_reasm *r, enum ip_why why)
{
  let_go(ip, r);
  return ip_refuse(ip, why);
}

/* RFC 3168 5.3: a mark on any fragment is the datagram's; but where one could not be marked, as no
 * sender would have it, there is no telling, and it is thrown away. */
enum { ECN_NOT = 1 << 0, ECN_CE = 1 << 3 };

static bool marks_agree(const struct ip_reasm *r)
{
  return (r->ecn_seen & (ECN_NOT | ECN_CE)) != (ECN_NOT | ECN_CE);
}

/* All octets are here: the view becomes the whole payload. */
static enum ip_why complete(struct ip *ip, struct ip_reasm *r, struct ip_meta *m,
                            struct ip_view *v)
{
  uint32_t left = r->end;
  uint16_t n = 0;

  for (; left > 0; n++) {
    const uint32_t length = left < ip->set.slab_size ? left : ip->set.slab_size;

    r->frag[n] = (struct frag){ r->slab[n], 0, length };
    left -= length;
  }
  r->state = IP_REASM_WHOLE;
  *v = (struct ip_view){ r->slab[0]->octets, r->frag[0].length, r->end, r->frag, n, false };
  m->reasm = r;
  m->ecn = r->ecn_seen & ECN_CE ? 3 : m->ecn;
  m->header = r->header;
  m->header_length = r->header_length;
  if (r->protocol == IPV6_FRAGMENT)
    m->protocol = r->next;
  m->trusted = false;                         /* a device sees fragments, not the datagram */
  ip->count[IP_N_ip_reassembled]++;
  return IP_WHY_NONE;
}

enum ip_why ip_reasm_input(struct ip *ip, struct ip_meta *m, struct ip_view *v,
                           const struct ip_fragment *f)
{
  const enum ip_why why = check_lengths(m, v, f);

  if (why != IP_WHY_NONE)
    return ip_refuse(ip, why);
  struct ip_reasm *r = find(ip, m, f->id);

  if (!r && !(r = begin(ip, m, f->id)))
    return ip_refuse(ip, IP_WHY_FRAGMENT_NO_ROOM);
  const uint32_t units = (v->length + UNIT - 1) / UNIT;
  const uint32_t here = units_here(r, f->offset, v->length);

  if (here == units && same_as_before(ip, r, f->offset, v))
    return ip_refuse(ip, IP_WHY_FRAGMENT_AGAIN);
  if (here > 0)
    return throw_away(ip, r, IP_WHY_FRAGMENT_OVERLAP);
  if (!end_agrees(r, f->offset + v->length, !f->more))
    return throw_away(ip, r, IP_WHY_FRAGMENT_CONFLICT);
  if (!slabs_for(ip, r, f->offset, v->length))
    return throw_away(ip, r, IP_WHY_FRAGMENT_NO_MEMORY);
  store_fragment(ip, r, f->offset, v);
  if (f->offset == 0) {
    memcpy(r->header, m->header, m->header_length);
    r->header_length = (uint8_t)m->header_length;
    r->next = f->next;
  }
  r->ecn_seen |= (uint8_t)(1 << m->ecn);
  if (!marks_agree(r))
    return throw_away(ip, r, IP_WHY_FRAGMENT_MARKS);
  if (r->end != 0 && r->received == r->end)
    return complete(ip, r, m, v);
  return ip_refuse(ip, IP_WHY_FRAGMENT_KEPT);
}

/* The octets from the beginning on that are here, as far as they lie in one piece. */
static uint32_t first_run(const struct ip *ip, const struct ip_reasm *r)
{
  uint32_t u = 0;

  while (u < ip->set.slab_size / UNIT && (r->have[u / 64] >> (u % 64) & 1))
    u++;
  return u * UNIT;
}

/* RFC 1122 3.3.2, RFC 8200 4.5: whose first fragment is here is told that its time ran out. */
static void give_up(struct ip *ip, struct ip_reasm *r)
{
  const struct ip_meta m = {
    .source = r->source, .destination = r->destination, .header = r->header,
    .header_length = r->header_length, .iface = r->iface, .protocol = r->protocol,
    .link_broadcast = r->link_broadcast,
  };

  (void)ip_refuse(ip, IP_WHY_FRAGMENT_LATE);
  if (r->header_length > 0)
    ip_complain(ip, IP_FRAGMENTS_LATE, &m, r->slab[0]->octets, first_run(ip, r));
  let_go(ip, r);
}

void ip_reasm_timers(struct ip *ip)
{
  for (uint32_t i = 0; ip->reasm_count > 0 && i < ip->set.reassemblies; i++) {
    struct ip_reasm *const r = &ip->reasms[i];

    if (r->state != IP_REASM_PARTIAL)
      continue;
    if (r->due <= ip->now)
      give_up(ip, r);
    else
      ip_due(ip, r->due);
  }
}
