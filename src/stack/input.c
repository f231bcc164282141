/* input.c - packets coming in, in passes over a batch: first each is validated and parsed and its
 * pair hashed, and the table's slot fetched; then the control blocks are fetched, and what they
 * have in flight; only then does anything arrive. So the caches' misses of a batch overlap instead
 * of adding up.
 *
 * Segments that continue each other arrive as one, as if a device had put them together: a peer
 * sends text in runs, and what a run costs is paid once. Only where the run is what RCV.NXT waits
 * for: duplicate ACKs, which the peer counts, answer each segment of their own (RFC 5681 3.2). */
#include "base/be.h"
#include "base/need.h"
#include "stack/stack.h"
#include "wire/ether.h"

enum { BATCH = 32, TS_OPTIONS = 12 };
#define TS_OPTIONS_BEGIN UINT32_C(0x0101080a)  /* NOP NOP, kind 8, length 10 */
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
  struct tcp_header tcp;        /* of one that continues another: not parsed yet, but for flags */
  const uint8_t *segment;       /* where it lies */
  const struct tcb *tcb;        /* whose it is, by its hash alone; NULL: nobody's */
  const struct ip_meta *addresses;            /* its own, or those of the first of the run */
  bool text_alone;              /* behind a plain IP header: ACK, perhaps PSH, and text */
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

/* What the IP header of one that continues another may not differ in, for its lengths are those of
 * this packet: RFC 791 3.1, no options and no fragment; and the checksum over all of it. */
static inline bool header_plain4(const struct ip_view *v)
{
  const uint8_t *const ip = v->octets;

  return v->contiguous >= IPV4_HEADER_MIN + TCP_HEADER_MIN && ip[0] == 0x45 && ip[9] == IP_TCP &&
         be16_get(ip + 2) == v->length && (be16_get(ip + 6) & ~IPV4_DONT_FRAGMENT) == 0 &&
         ipv4_header_sum_good(ip, IPV4_HEADER_MIN);
}

/* RFC 8200 3: no extension header. */
static inline bool header_plain6(const struct ip_view *v)
{
  const uint8_t *const ip = v->octets;

  return v->contiguous >= IPV6_HEADER + TCP_HEADER_MIN && ip[0] >> 4 == 6 && ip[6] == IP_TCP &&
         be16_get(ip + 4) + (uint32_t)IPV6_HEADER == v->length;
}

/* Options that may stand in a run: none, or timestamps alone (RFC 7323 appendix A). */
static bool options_repeat(const uint8_t *tcp, const uint8_t *before, size_t n)
{
  if (n == 0)
    return true;
  return n == TS_OPTIONS && be32_get(tcp + TCP_HEADER_MIN) == TS_OPTIONS_BEGIN &&
         memcmp(tcp + TCP_HEADER_MIN, before + TCP_HEADER_MIN, TS_OPTIONS) == 0;
}

/* The same of its TCP header, behind an IP header of so many octets, which is plain. Expanded for
 * each family, since it is asked of every segment. */
static inline __attribute__((always_inline)) bool
segment_continues(const struct arrival *before, const struct ip_view *v, uint32_t ip_header)
{
  const uint8_t *const tcp = v->octets + ip_header, *const b = before->segment;
  const size_t header = (size_t)(tcp[12] >> 4) * 4;

  return memcmp(tcp, b, 4) == 0 &&
         be32_get(tcp + 4) == be32_get(b + 4) + before->view.length &&
         memcmp(tcp + 8, b + 8, 4) == 0 && tcp[12] == b[12] && (tcp[13] & ~F_PSH) == F_ACK &&
         memcmp(tcp + 14, b + 14, 2) == 0 && header <= v->contiguous - ip_header &&
         ip_header + header < v->length && options_repeat(tcp, b, header - TCP_HEADER_MIN);
}

/* Whether nothing but the place in the stream tells `a`, whose view begins with its IP header, from
 * the one before; PSH may differ. Then all that was found of that one is true of this as well, and
 * the octets themselves are compared: source and destination, marks of congestion (RFC 3168 5),
 * ports, ACK, window, flags. Its IP header's length; 0: it does not continue that one. */
static uint32_t continues(const struct arrival *before, const struct arrival *a)
{
  const struct ip_view *const v = &a->view;
  const uint8_t *const b = before->segment;

  if (!before->text_alone || before->meta.iface != a->meta.iface || a->meta.link_broadcast)
    return 0;
  if (before->addresses->header_length == IPV4_HEADER_MIN)
    return header_plain4(v) && (v->octets[1] & 3) == before->addresses->ecn &&
           memcmp(v->octets + 12, b - IPV4_HEADER_MIN + 12, 8) == 0 &&
           segment_continues(before, v, IPV4_HEADER_MIN) ? IPV4_HEADER_MIN : 0;
  return header_plain6(v) && (v->octets[1] >> 4 & 3) == before->addresses->ecn &&
         memcmp(v->octets + 8, b - IPV6_HEADER + 8, 32) == 0 &&
         segment_continues(before, v, IPV6_HEADER) ? IPV6_HEADER : 0;
}

/* The way through the headers of one that continues another. */
static bool parse_next_of_run(la_stack *s, const struct arrival *before, struct arrival *a)
{
  struct ip_view *const v = &a->view;
  const uint32_t header = before ? continues(before, a) : 0;

  if (header == 0)
    return false;
  a->segment = v->octets + header;
  ip_view_pull(v, header);
  if (!a->meta.trusted && !ip_sum_good(before->addresses, v)) {
    ip_view_unpull(v, header);
    return false;                             /* the long way finds the words for it */
  }
  ip_view_pull(v, (uint32_t)(a->segment[12] >> 4) * 4);
  a->addresses = before->addresses;
  a->tcp.flags = a->segment[13];
  a->text_alone = a->continues = true;
  s->ip.count[IP_N_ip_in]++;
  s->ip.count[IP_N_ip_delivered]++;
  return true;
}

/* `plain`: the length of an IP header that has nothing but what it must have. */
static uint8_t parse_tcp(la_stack *s, struct arrival *a, uint16_t plain)
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
  a->addresses = &a->meta;
  a->segment = v->octets;
  ip_view_pull(v, (uint32_t)header);
  a->text_alone = a->meta.header_length == plain && !a->meta.reasm && !v->apart &&
                  (a->tcp.flags & ~F_PSH) == F_ACK && v->length > 0;
  a->ends.local = a->meta.destination;
  a->ends.peer = a->meta.source;
  a->ends.local_port = a->tcp.destination;
  a->ends.peer_port = a->tcp.source;
  a->hash = pair_hash(s, &a->ends);
  __builtin_prefetch(&s->pairs.slots[a->hash & s->pairs.mask]);
  return ARRIVED_TCP;
}

static uint8_t parse_unknown(la_stack *s, struct arrival *a)
{
  (void)ip_refuse(&s->ip, IP_WHY_IP_PROTOCOL);
  ip_complain(&s->ip, IP_NO_PROTOCOL, &a->meta, a->view.octets, a->view.contiguous);
  return ARRIVED_NOTHING;
}

static uint8_t parse_ip6(la_stack *s, struct arrival *a)
{
  const enum ip_why why = ip6_input(&s->ip, &a->meta, &a->view);

  if (why != IP_WHY_NONE)
    return why == IP_WHY_FRAGMENT_KEPT ? ARRIVED_TAKEN : ARRIVED_NOTHING;
  switch (a->meta.protocol) {
  case IP_TCP:
    return parse_tcp(s, a, IPV6_HEADER);
  case IP_UDP:
    return ARRIVED_UDP;
  case IP_ICMPV6:
    return ARRIVED_ICMP;
  default:
    return parse_unknown(s, a);
  }
}

static uint8_t parse_ip(la_stack *s, const struct arrival *before, struct arrival *a)
{
  if (parse_next_of_run(s, before, a))
    return ARRIVED_TCP;
  if (a->view.contiguous > 0 && a->view.octets[0] >> 4 == 6)
    return parse_ip6(s, a);
  const enum ip_why why = ip4_input(&s->ip, &a->meta, &a->view);

  if (why != IP_WHY_NONE)
    return why == IP_WHY_FRAGMENT_KEPT ? ARRIVED_TAKEN : ARRIVED_NOTHING;
  switch (a->meta.protocol) {
  case IP_TCP:
    return parse_tcp(s, a, IPV4_HEADER_MIN);
  case IP_UDP:
    return ARRIVED_UDP;
  case IP_ICMP:
    return ARRIVED_ICMP;
  default:
    return parse_unknown(s, a);
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
  case ETHER_IPV6:
    if (a->view.contiguous > 0 && (a->view.octets[0] >> 4 == 6) != (h.type == ETHER_IPV6))
      return refused(s, IP_WHY_IP_VERSION);
    return parse_ip(s, before, a);
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

static void fetch(la_stack *s, struct arrival *a)
{
  uint32_t at = a->hash;
  const uint32_t what = demux_next(&s->pairs, a->hash, &at);

  a->tcb = pair_tcb(s, what);
  if (a->tcb)
    tcp_prefetch(&s->tcp, what - 1);
}

/* What an ACK may set free is as cold as the connection, and lies two steps behind it. */
static const struct chunk *first_sent(const struct arrival *a)
{
  return a->tcb ? stream_chunk(&a->tcb->tx, a->tcb->tx.head) : NULL;
}

static void fetch_all(la_stack *s, struct arrival *arrivals, struct arrival *end)
{
  for (struct arrival *a = arrivals; a < end; a++) {
    a->tcb = NULL;
    if (a->kind == ARRIVED_TCP && !a->continues)
      fetch(s, a);
  }
  for (const struct arrival *a = arrivals; a < end; a++)
    if (first_sent(a))
      __builtin_prefetch(first_sent(a), 1);
  for (const struct arrival *a = arrivals; a < end; a++)
    if (first_sent(a))
      __builtin_prefetch(first_sent(a)->slab, 1);
}

/* ---- pass three ---- */

/* How many segments a device has joined to this one. */
static uint16_t more_in(const struct arrival *a)
{
  const uint32_t size = a->pkt->gso_size, text = a->view.length;

  return size > 0 && text > size ? (uint16_t)((text - 1) / size) : 0;
}

static struct tcp_seg segment_of(struct arrival *a)
{
  const struct tcp_header *const h = &a->tcp;

  return (struct tcp_seg){
    .seq = seq_of(h->seq), .ack = seq_of(h->ack), .wnd = h->window, .up = h->urgent,
    .len = a->view.length + (h->flags & F_SYN ? 1u : 0u) + (h->flags & F_FIN ? 1u : 0u),
    .flags = h->flags, .frags = (uint8_t)a->view.frags, .frag = a->view.frag,
    .ecn = a->addresses->ecn, .options = &h->options, .joined = more_in(a),
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

/* Adds to `seg`, made of `a`, the arrivals that continue it, up to `end`; how many. */
static uint32_t gather(const struct tcb *tcb, struct arrival *a, const struct arrival *end,
                       struct tcp_seg *seg)
{
  uint32_t n = 0;

  if (!tcp_state_is(tcb->state, TCP_ESTAB) || tcb->islands || !seq_eq(seg->seq, tcb->rcv.nxt))
    return 0;
  for (a++; a < end && a->continues; a++, n++) {
    seg->len += a->view.length;
    seg->frags = (uint8_t)(seg->frags + a->view.frags);
    seg->flags |= a->tcp.flags;
    seg->joined = (uint16_t)(seg->joined + 1 + more_in(a));
    a->kind = ARRIVED_JOINED;
  }
  return n;
}

/* RFC 4861 7.3.1: what was acknowledged, or sent as an answer, has come by this way. */
static void confirm(la_stack *s, const struct tcb *tcb)
{
  struct ip_dest *const dest = ip_dest_find(&s->ip, &tcb->ends.peer);

  if (dest && s->ip.ifaces[dest->iface].ethernet)
    ip_neighbor_confirm(&s->ip, dest);
}

/* A TIME-WAIT makes way for a SYN that becomes a connection, and for no other. */
static bool may_become_one(const la_stack *s, const struct arrival *a)
{
  const struct tcb *const listener = name_listener(s, &a->ends.local, a->ends.local_port);

  return listener && tcp_listener_may_fork(&s->tcp, listener);
}

static struct verdict arrive_tcp(la_stack *s, struct arrival *a, const struct arrival *end,
                                 struct tcp_seg *seg)
{
  const uint32_t what = pair_find(s, &a->ends, a->hash);
  struct tcb *const tcb = pair_tcb(s, what);
  struct verdict verdict;

  if (what == 0)
    return arrive_unpaired(s, a, seg);
  seg->nobody_listens = (seg->flags & F_SYN) && !may_become_one(s, a);
  if (tcb) {
    const uint32_t joined = gather(tcb, a, end, seg);
    const tcp_seq una = tcb->snd.una, nxt = tcb->rcv.nxt;

    verdict = tcp_arrive(&s->tcp, tcb, seg);
    if (s->ip.doubted > 0 && !(seq_eq(una, tcb->snd.una) && seq_eq(nxt, tcb->rcv.nxt)))
      confirm(s, tcb);
    s->tcp.why[verdict.why] += joined;
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
  if (h.checksum == 0 && !ip_addr_is4(&a->meta.source))
    return udp_refuse(&s->udp, UDP_WHY_UDP_NO_CHECKSUM) == UDP_WHY_NONE;
  if (h.checksum == 0)
    s->udp.count[UDP_N_udp_no_csum]++;
  else if (!a->meta.trusted && !ip_sum_good(&a->meta, v))
    return udp_refuse(&s->udp, UDP_WHY_UDP_CHECKSUM) == UDP_WHY_NONE;
  struct udp_sock *const sock = udp_find(&s->udp, &a->meta.destination, h.destination);

  if (!sock) {
    ip_complain(&s->ip, IP_NO_PORT, &a->meta, octets, contiguous);
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

  if ((a->meta.protocol == IP_ICMP ? ip_icmp_input : ip_icmp6_input)
      (&s->ip, &a->meta, &a->view, &error, &found) != IP_WHY_NONE)
    return false;
  if (!found)
    return true;
  if (error.protocol == IP_TCP)
    return take_tcp_error(s, &error);
  if (error.protocol == IP_UDP)
    return take_udp_error(s, &error);
  return ip_refuse(&s->ip, IP_WHY_ICMP_NOBODY) == IP_WHY_NONE;
}

/* One that continues another but could not join it: what the other's parse has found is its own. */
static void stand_alone(struct arrival *a)
{
  const struct arrival *const before = a - 1;

  (void)tcp_header_parse(a->segment, TCP_HEADER_MAX, &a->tcp);
  a->ends = before->ends;
  a->hash = before->hash;
}

static bool take(la_stack *s, struct arrival *a, const struct arrival *end)
{
  switch (a->kind) {
  case ARRIVED_TCP: {
    if (a->continues)
      stand_alone(a);
    struct tcp_seg seg = segment_of(a);

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
    a->continues = a->text_alone = false;
    a->kind = parse(s, before, a, free);
    free += a->pkt->frags;
  }
  fetch_all(s, arrivals, end);
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
