/* input.c - packets coming in, in passes over a batch: first each is validated and parsed and its
 * pair hashed, and the table's slot fetched; then the control blocks are fetched; only then does
 * anything arrive. So the caches' misses of a batch overlap instead of adding up.
 *
 * Segments that continue each other arrive as one, as if a device had put them together: a peer
 * sends text in runs, and what a run costs is paid once. Only where the run is what RCV.NXT waits
 * for: duplicate ACKs, which the peer counts, answer each segment of their own (RFC 5681 3.2). */
#include "base/be.h"
#include "base/need.h"
#include "stack/stack.h"
#include "wire/ether.h"

enum { BATCH = 32 };
enum arrival_kind {
  ARRIVED_NOTHING, ARRIVED_TAKEN, ARRIVED_JOINED, ARRIVED_TCP, ARRIVED_UDP, ARRIVED_ICMP
};

struct arrival {
  la_pkt *pkt;
  uint8_t kind;
  uint32_t hash;
  struct ip_meta meta;
  struct ip_view view;
  struct ends ends;
  struct tcp_header tcp;
  bool continues;               /* the arrival before it: the same pair, the next text */
};

_Static_assert(BATCH * LA_PKT_FRAGS <= UINT8_MAX, "a run's fragments are counted in tcp_seg.frags");

/* ---- pass one ---- */

static void view_of(struct arrival *a, struct frag *frags)
{
  const la_pkt *const pkt = a->pkt;
  struct ip_view *const v = &a->view;

  v->frag = frags;
  v->frags = pkt->frags;
  v->length = pkt->head_length;
  for (const la_frag *f = pkt->frag, *const end = f + pkt->frags; f < end; f++, frags++) {
    *frags = (struct frag){ f->slab, f->offset, f->length };
    v->length += f->length;
  }
  v->apart = pkt->head_length > 0;
  v->octets = pkt->head;
  v->contiguous = pkt->head_length;
  if (!v->apart && v->frags > 0) {
    v->octets = v->frag->slab->octets + v->frag->offset;
    v->contiguous = v->frag->length;
  }
}

static bool same_options(const struct tcp_options *a, const struct tcp_options *b)
{
  if (a->present != b->present)
    return false;
  return a->present == 0 ||
         (a->present == TCP_OPT_TS && a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr);
}

/* Whether nothing but the place in the stream tells `a` from the one before. PSH may differ. */
static bool continues(const struct arrival *before, const struct arrival *a)
{
  const struct tcp_header *const h = &a->tcp, *const b = &before->tcp;

  return before->kind == ARRIVED_TCP && before->view.length > 0 && a->view.length > 0 &&
         before->view.frag + before->view.frags == a->view.frag &&
         h->seq == b->seq + before->view.length && h->ack == b->ack && h->window == b->window &&
         (h->flags & ~F_PSH) == F_ACK && (b->flags & ~F_PSH) == F_ACK && a->meta.again &&
         h->source == b->source && h->destination == b->destination &&
         same_options(&h->options, &b->options);
}

static uint8_t parse_tcp(la_stack *s, const struct arrival *before, struct arrival *a)
{
  struct ip_view *const v = &a->view;
  const size_t header = tcp_header_parse(v->octets, v->contiguous, &a->tcp);

  if (a->meta.broadcast || a->meta.link_broadcast) {
    (void)ip_refuse(&s->ip, IP_WHY_TCP_BROADCAST);
    return ARRIVED_NOTHING;
  }
  if (header == 0) {
    (void)ip_refuse(&s->ip, IP_WHY_TCP_HEADER);
    return ARRIVED_NOTHING;
  }
  if (!a->meta.trusted && !ip_sum_good(&a->meta, v)) {
    (void)ip_refuse(&s->ip, IP_WHY_TCP_CHECKSUM);
    return ARRIVED_NOTHING;
  }
  ip_view_pull(v, (uint32_t)header);
  a->continues = before && continues(before, a);
  if (a->continues)                           /* its ends and hash are copied if they are needed */
    return ARRIVED_TCP;
  a->ends.local = a->meta.destination;
  a->ends.peer = a->meta.source;
  a->ends.local_port = a->tcp.destination;
  a->ends.peer_port = a->tcp.source;
  a->hash = pair_hash(s, &a->ends);
  __builtin_prefetch(&s->pairs.slots[a->hash & s->pairs.mask]);
  return ARRIVED_TCP;
}

static uint8_t parse_ip(la_stack *s, const struct arrival *before, struct arrival *a)
{
  if (a->view.contiguous > 0 && a->view.octets[0] >> 4 == 6) {
    (void)ip_refuse(&s->ip, IP_WHY_IPV6);
    return ARRIVED_NOTHING;
  }
  const enum ip_why why = ip4_input(&s->ip, &a->meta, &a->view);

  if (why != IP_WHY_NONE)
    return why == IP_WHY_FRAGMENT_KEPT ? ARRIVED_TAKEN : ARRIVED_NOTHING;
  switch (a->meta.protocol) {
  case IP_TCP:
    return parse_tcp(s, before, a);
  case IP_UDP:
    return ARRIVED_UDP;
  case IP_ICMP:
    return ARRIVED_ICMP;
  default:
    (void)ip_refuse(&s->ip, IP_WHY_IP_PROTOCOL);
    ip_icmp_send(&s->ip, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0, &a->meta,
                 a->view.octets, a->view.contiguous);
    return ARRIVED_NOTHING;
  }
}

static uint8_t refused(la_stack *s, enum ip_why why)
{
  (void)ip_refuse(&s->ip, why);
  return ARRIVED_NOTHING;
}

static uint8_t parse_ether(la_stack *s, const struct arrival *before, struct arrival *a)
{
  struct ether_header h;
  const size_t n = ether_header_parse(a->view.octets, a->view.contiguous, &h);

  if (n == 0)
    return refused(s, IP_WHY_SHORT_FRAME);
  a->meta.link_broadcast = h.to[0] & 1;
  if (!a->meta.link_broadcast && memcmp(h.to, s->ip.ifaces[a->meta.iface].mac, sizeof h.to) != 0)
    return refused(s, IP_WHY_ETHER_NOT_OURS);
  ip_view_pull(&a->view, (uint32_t)n);
  switch (h.type) {
  case ETHER_IPV4:
    return parse_ip(s, before, a);
  case ETHER_IPV6:
    return refused(s, IP_WHY_IPV6);
  case ETHER_ARP:
    return ip_arp_input(&s->ip, a->meta.iface, a->view.octets, a->view.contiguous) == IP_WHY_NONE
             ? ARRIVED_TAKEN : ARRIVED_NOTHING;
  default:
    return refused(s, IP_WHY_ETHER_TYPE);
  }
}

/* `before` NULL: it is the first of its batch. The packets' fragments follow each other in one
 * row, so that those of a run do. */
static uint8_t parse(la_stack *s, const struct arrival *before, struct arrival *a,
                     struct frag *frags)
{
  const la_pkt *const pkt = a->pkt;

  a->meta.iface = (uint8_t)pkt->iface;
  a->meta.link_broadcast = false;
  a->meta.reasm = NULL;
  a->meta.trusted = pkt->flags & (LA_PKT_CSUM_OK | LA_PKT_CSUM_PARTIAL);
  if (pkt->iface >= s->ip.iface_count || !(s->ip.ifaces[pkt->iface].flags & IP_IFACE_UP))
    return refused(s, IP_WHY_IFACE_DOWN);
  view_of(a, frags);
  if (s->ip.ifaces[pkt->iface].ethernet && !a->view.apart)
    return parse_ether(s, before, a);
  return parse_ip(s, before, a);
}

/* ---- pass two ---- */

static void fetch(la_stack *s, const struct arrival *a)
{
  uint32_t at = a->hash;
  const uint32_t what = demux_next(&s->pairs, a->hash, &at);
  const uint8_t *const object = (const uint8_t *)pair_tcb(s, what);

  if (!object)
    return;
  __builtin_prefetch(object);
  __builtin_prefetch(object + 64);
  __builtin_prefetch(object + 128);
  __builtin_prefetch(&((const struct tcb *)(const void *)object)->ends);
}

/* ---- pass three ---- */

static struct tcp_seg segment_of(struct arrival *a)
{
  const struct tcp_header *const h = &a->tcp;

  return (struct tcp_seg){
    .seq = seq_of(h->seq), .ack = seq_of(h->ack), .wnd = h->window, .up = h->urgent,
    .len = a->view.length + (h->flags & F_SYN ? 1u : 0u) + (h->flags & F_FIN ? 1u : 0u),
    .flags = h->flags, .frags = (uint8_t)a->view.frags, .frag = a->view.frag,
    .options = &h->options,
  };
}

/* To the listener, if there is one, else to nobody. A child can only be answered if there is a
 * way to its peer. */
static struct verdict arrive_unpaired(la_stack *s, struct arrival *a, struct tcp_seg *seg)
{
  struct tcb *const listener = name_listener(s, &a->ends.local, a->ends.local_port);
  struct ip_dest *const dest = listener ? ip_dest_find(&s->ip, &a->ends.peer) : NULL;
  struct tcb *child = NULL;
  struct tcp_path path;
  struct verdict verdict;

  if (!dest)
    return tcp_arrive_closed(&s->tcp, &a->ends, seg);
  path = packet_path(&s->ip, dest);
  verdict = tcp_arrive_listen(&s->tcp, listener, &a->ends, a->hash, &path, seg, &child);
  if (child) {
    pair_insert_tcb(s, child);
    stack_settle(s, child);
  }
  stack_settle(s, listener);
  return verdict;
}

/* Adds to `seg`, made of `a`, the arrivals that continue it, up to `end`. */
static void gather(la_stack *s, struct tcb *tcb, struct arrival *a, const struct arrival *end,
                   struct tcp_seg *seg)
{
  uint32_t n = 0;

  if (!tcp_state_is(tcb->state, TCP_ESTAB) || tcb->islands || !seq_eq(seg->seq, tcb->rcv.nxt))
    return;
  for (a++; a < end && a->continues; a++, n++) {
    seg->len += a->view.length;
    seg->frags = (uint8_t)(seg->frags + a->view.frags);
    seg->flags |= a->tcp.flags;
    a->kind = ARRIVED_JOINED;
  }
  tcb->segments_in += n;
  s->tcp.count[TCP_N_segments_in] += n;
}

static struct verdict arrive_tcp(la_stack *s, struct arrival *a, const struct arrival *end,
                                 struct tcp_seg *seg)
{
  const uint32_t what = pair_find(s, &a->ends, a->hash);
  struct tcb *const tcb = pair_tcb(s, what);
  struct verdict verdict;

  if (what == 0)
    return arrive_unpaired(s, a, seg);
  if (tcb) {
    gather(s, tcb, a, end, seg);
    verdict = tcp_arrive(&s->tcp, tcb, seg);
    stack_settle(s, tcb);
  } else {
    struct time_wait *const tw = pair_time_wait(s, what);

    verdict = tcp_arrive_time_wait(&s->tcp, tw, seg);
    if (verdict.why != WHY_TIME_WAIT_REUSED)
      return verdict;
    pair_erase_time_wait(s, tw);
    tcp_time_wait_free(&s->tcp, tw);
  }
  return verdict.why == WHY_TIME_WAIT_REUSED ? arrive_unpaired(s, a, seg) : verdict;
}

static bool take_udp(la_stack *s, struct arrival *a)
{
  struct ip_view *const v = &a->view;
  struct udp_header h;
  const uint8_t *const octets = v->octets;
  const uint32_t contiguous = v->contiguous;

  if (udp_header_parse(v->octets, v->contiguous, &h) == 0 || h.length > v->length)
    return udp_refuse(&s->udp, UDP_WHY_UDP_HEADER) == UDP_WHY_NONE;
  ip_view_trim(v, h.length);
  if (h.checksum == 0)
    s->udp.count[UDP_N_udp_no_csum]++;
  else if (!a->meta.trusted && !ip_sum_good(&a->meta, v))
    return udp_refuse(&s->udp, UDP_WHY_UDP_CHECKSUM) == UDP_WHY_NONE;
  struct udp_sock *const sock = udp_find(&s->udp, &a->meta.destination, h.destination);

  if (!sock) {
    ip_icmp_send(&s->ip, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, &a->meta, octets, contiguous);
    return udp_refuse(&s->udp, UDP_WHY_UDP_NO_PORT) == UDP_WHY_NONE;
  }
  ip_view_pull(v, UDP_HEADER);
  return udp_deliver(&s->udp, sock, &a->meta.source, h.source, v->frag, v->frags, v->length,
                     s->now) == UDP_WHY_NONE;
}

/* RFC 5927 4: an error is believed if what it quotes is in flight; RFC 1191 4: then the path is
 * narrower, for everyone who uses it. */
static bool take_tcp_error(la_stack *s, const struct ip_icmp_error *e)
{
  struct tcb *const tcb = pair_tcb(s, pair_find(s, &e->ends, pair_hash(s, &e->ends)));
  struct ip_dest *dest;

  if (!tcb)
    return ip_refuse(&s->ip, IP_WHY_ICMP_NOBODY) == IP_WHY_NONE;
  if (!tcp_icmp_plausible(tcb, seq_of(e->seq)))
    return ip_refuse(&s->ip, IP_WHY_ICMP_NO_FLIGHT) == IP_WHY_NONE;
  if (e->mtu == 0) {
    tcp_icmp(&s->tcp, tcb, seq_of(e->seq), e->hard, e->error);
  } else if (ip_pmtu_lower(&s->ip, &e->ends.peer, e->mtu) &&
             (dest = ip_dest_find(&s->ip, &e->ends.peer)) != NULL) {
    tcb->path.mtu = dest->mtu;
    tcp_path_mtu(&s->tcp, tcb, dest->mtu);
  } else {
    return ip_refuse(&s->ip, IP_WHY_ICMP_MTU) == IP_WHY_NONE;
  }
  s->ip.count[IP_N_icmp_errors_in]++;
  stack_settle(s, tcb);
  return true;
}

static bool take_udp_error(la_stack *s, const struct ip_icmp_error *e)
{
  struct udp_sock *const sock = udp_find(&s->udp, &e->ends.local, e->ends.local_port);

  if (!sock)
    return ip_refuse(&s->ip, IP_WHY_ICMP_NOBODY) == IP_WHY_NONE;
  if (e->mtu > 0 && !ip_pmtu_lower(&s->ip, &e->ends.peer, e->mtu))
    return ip_refuse(&s->ip, IP_WHY_ICMP_MTU) == IP_WHY_NONE;
  if (e->mtu == 0)
    sock->soft_error = e->error;
  s->ip.count[IP_N_icmp_errors_in]++;
  return true;
}

static bool take_icmp(la_stack *s, struct arrival *a)
{
  struct ip_icmp_error error;
  bool found;

  if (ip_icmp_input(&s->ip, &a->meta, &a->view, &error, &found) != IP_WHY_NONE)
    return false;
  if (!found)
    return true;
  if (error.protocol == IP_TCP)
    return take_tcp_error(s, &error);
  if (error.protocol == IP_UDP)
    return take_udp_error(s, &error);
  return ip_refuse(&s->ip, IP_WHY_ICMP_NOBODY) == IP_WHY_NONE;
}

static bool take(la_stack *s, struct arrival *a, const struct arrival *end)
{
  switch (a->kind) {
  case ARRIVED_TCP: {
    struct tcp_seg seg = segment_of(a);

    if (a->continues) {
      a->ends = a[-1].ends;
      a->hash = a[-1].hash;
    }

    return arrive_tcp(s, a, end, &seg).why == WHY_NONE;
  }
  case ARRIVED_UDP:
    return take_udp(s, a);
  case ARRIVED_ICMP:
    return take_icmp(s, a);
  default:
    return a->kind == ARRIVED_TAKEN;
  }
}

static size_t run_batch(la_stack *s, la_pkt *pkts, size_t n)
{
  struct arrival arrivals[BATCH], *const end = arrivals + n, *before = NULL;
  struct frag frags[BATCH * LA_PKT_FRAGS], *free = frags;
  bool taken = false;
  size_t count = 0;

  for (struct arrival *a = arrivals; a < end; before = a++) {
    a->pkt = pkts++;
    a->continues = false;
    a->kind = parse(s, before, a, free);
    free += a->pkt->frags;
  }
  for (const struct arrival *a = arrivals; a < end; a++)
    if (a->kind == ARRIVED_TCP && !a->continues)
      fetch(s, a);
  for (struct arrival *a = arrivals; a < end; a++) {
    if (a->kind != ARRIVED_JOINED)            /* else as the one that it has joined */
      taken = take(s, a, end);
    count += taken;
    if (a->meta.reasm)
      ip_reasm_done(&s->ip, a->meta.reasm);
    packet_release(s, a->pkt);
  }
  return count;
}

size_t input_run(la_stack *s, la_pkt *pkts, size_t n)
{
  size_t taken = 0;

  for (size_t at = 0; at < n; at += BATCH)
    taken += run_batch(s, pkts + at, n - at < BATCH ? n - at : BATCH);
  return taken;
}
