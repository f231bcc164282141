/* packet.c - packets going out: headers in la_pkt.head, text by reference; who gets them (the
 * link, a neighbour that has not answered yet, ourselves); and what holds for any la_pkt. */
#include "base/be.h"
#include "base/need.h"
#include "stack/stack.h"
#include "wire/ether.h"
#include "wire/ip.h"

_Static_assert((int)IP_PACKET_FRAGS == (int)LA_PKT_FRAGS, "a datagram's packet fits a la_pkt");
_Static_assert((int)TCP_OUT_FRAGS == (int)LA_PKT_FRAGS, "so does a segment");
_Static_assert(ETHER_HEADER + IPV4_HEADER_MIN + IP_DATAGRAM_HEAD <= LA_PKT_HEAD &&
               IP_PACKET_HEAD >= IPV4_HEADER_MIN + IP_DATAGRAM_HEAD, "and so do their heads");
_Static_assert((int)IP_FRAME_MAX <= (int)LA_PKT_HEAD, "a frame to a neighbour lies in its head");
_Static_assert(ETHER_HEADER + IPV6_HEADER + TCP_HEADER_MAX <= LA_PKT_HEAD, "and IPv6's");
/* A flow label is the upper part of the pair's hash (RFC 6437 3): the table goes by the lower. */
enum { CHECKSUM_AT_TCP = 16, OTHER_HEADERS_MAX = 80, LABEL_SHIFT = 12 };

/* ---- any packet ---- */

size_t la_pkt_length(const la_pkt *pkt)
{
  size_t length = pkt->head_length;

  for (uint16_t i = 0; i < pkt->frags; i++)
    length += pkt->frag[i].length;
  return length;
}

static size_t copy_piece(uint8_t *to, size_t at, size_t size, const uint8_t *from, size_t n)
{
  if (n > size - at)
    n = size - at;
  memcpy(to + at, from, n);
  return at + n;
}

size_t la_pkt_copy(const la_pkt *pkt, void *octets, size_t size)
{
  size_t at = copy_piece(octets, 0, size, pkt->head, pkt->head_length);

  for (uint16_t i = 0; i < pkt->frags; i++)
    at = copy_piece(octets, at, size, pkt->frag[i].slab->octets + pkt->frag[i].offset,
                    pkt->frag[i].length);
  return at;
}

void packet_release(la_stack *s, la_pkt *pkt)
{
  for (uint16_t i = 0; i < pkt->frags; i++)
    slab_release(&s->slabs, pkt->frag[i].slab);
  pkt->frags = 0;
}

void la_pkt_release(la_stack *s, la_pkt *pkt)
{
  packet_release(s, pkt);
}

/* ---- the way ---- */

struct tcp_path packet_path(const struct ip *ip, const struct ip_dest *dest)
{
  const uint32_t gso_max = ip->ifaces[dest->iface].gso_max;
  const uint32_t limit = 65535 - OTHER_HEADERS_MAX;       /* of the IP length field */

  return (struct tcp_path){
    .gso_max = (uint16_t)(gso_max < limit ? gso_max : limit), .mtu = dest->mtu,
    .ip_header = dest->header, .iface = dest->iface,
  };
}

static void put_link(const la_stack *s, la_pkt *pkt, const uint8_t mac[6])
{
  struct ether_header h = {
    .type = pkt->head[ETHER_HEADER] >> 4 == 6 ? ETHER_IPV6 : ETHER_IPV4,
  };

  memcpy(h.to, mac, sizeof h.to);
  memcpy(h.from, s->ip.ifaces[pkt->iface].mac, sizeof h.from);
  (void)ether_header_write(pkt->head, &h);
}

static bool drop(la_stack *s, la_pkt *pkt, enum ip_why why)
{
  (void)ip_refuse(&s->ip, why);
  packet_release(s, pkt);
  return false;
}

static bool park(la_stack *s, la_pkt *pkt, struct ip_neighbor *n)
{
  struct parked *parked;

  if (n->state == IP_NEIGHBOR_FAILED)
    return drop(s, pkt, IP_WHY_NEIGHBOR_UNKNOWN);
  if (n->waiting_count == IP_WAITING_MAX || !(parked = pool_get(&s->parked)))
    return drop(s, pkt, IP_WHY_NEIGHBOR_QUEUE);
  parked->pkt = *pkt;
  list_init(&parked->link);
  list_append(&n->waiting, &parked->link);
  n->waiting_count++;
  return false;
}

/* A full ring is emptied before anything more is said (la_output). */
static bool loop_back(la_stack *s, const la_pkt *pkt)
{
  need(s->loop_count < s->loop_size);
  s->loop[(s->loop_first + s->loop_count++) % s->loop_size] = *pkt;
  if (s->loop_peak < s->loop_count)
    s->loop_peak = s->loop_count;
  return false;
}

/* The packet is whole but for its link header, for which put_ip left room. */
static bool hand_over(la_stack *s, la_pkt *pkt, struct ip_dest *dest)
{
  struct ip_neighbor *n;

  s->ip.count[IP_N_ip_out]++;
  if (dest->ours)
    return loop_back(s, pkt);
  if (!s->ip.ifaces[dest->iface].ethernet)
    return true;
  n = ip_neighbor_of(&s->ip, dest);
  if (!n)
    return drop(s, pkt, IP_WHY_NEIGHBOR_TABLE);
  if (!ip_neighbor_usable(n))
    return park(s, pkt, n);
  put_link(s, pkt, n->mac);
  return true;
}

/* ---- segments ---- */

static uint32_t link_octets(const la_stack *s, const struct ip_dest *dest)
{
  return s->ip.ifaces[dest->iface].ethernet ? ETHER_HEADER : 0;
}

/* What every field of a la_pkt says before the headers are there. */
static void begin(la_stack *s, la_pkt *pkt, const struct ip_dest *dest)
{
  pkt->at = s->now;
  pkt->iface = dest->iface;
  pkt->flags = pkt->gso_size = 0;
  pkt->csum_start = pkt->csum_offset = 0;
  pkt->frags = 0;
}

static uint32_t put_text(la_pkt *pkt, const struct tcp_out *out)
{
  for (uint8_t i = 0; i < out->frags; i++) {
    slab_hold(out->frag[i].slab);
    pkt->frag[i] = (la_frag){ out->frag[i].slab, out->frag[i].offset, out->frag[i].length };
  }
  pkt->frags = out->frags;
  return out->text;
}

/* The checksum, or what a device needs to make it: the sum of the pseudo-header, whose length is
 * that of the whole super-segment (virtio 1.2, 5.1.6.2). A super-segment never has one of its
 * own: whoever cuts it makes those of the pieces. */
static void put_checksum(la_stack *s, la_pkt *pkt, const struct ends *ends, uint32_t at,
                         uint32_t header, uint32_t text)
{
  struct csum c = { 0, false };
  uint16_t sum;

  ip_pseudo_add(&c, &ends->local, &ends->peer, IP_TCP, header + text);
  if (pkt->gso_size > 0 || s->ip.ifaces[pkt->iface].flags & IP_IFACE_CSUM_TX) {
    pkt->flags = LA_PKT_CSUM_PARTIAL;
    pkt->csum_start = (uint16_t)at;
    pkt->csum_offset = CHECKSUM_AT_TCP;
    sum = csum_fold(&c);
  } else {
    csum_add_header(&c, pkt->head + at, header);
    for (uint16_t i = 0; i < pkt->frags; i++)
      csum_add(&c, pkt->frag[i].slab->octets + pkt->frag[i].offset, pkt->frag[i].length);
    sum = csum_done(&c);
  }
  be16_put(pkt->head + at + CHECKSUM_AT_TCP, sum);
}

/* Headers behind the room for the link's. `h` has no options of its own: they are written. */
static void put_segment(la_stack *s, la_pkt *pkt, const struct ip_dest *dest,
                        const struct ends *ends, const struct tcp_header *h,
                        const uint8_t *options, uint32_t options_length, uint32_t text,
                        struct ip_marks marks, uint32_t label)
{
  const uint32_t ip_at = link_octets(s, dest), at = ip_at + dest->header;
  const uint32_t header = (uint32_t)tcp_header_write(pkt->head + at, h, options, options_length);

  if (dest->header == IPV4_HEADER_MIN)
    ip4_header_put(pkt->head + ip_at, &ends->local, &ends->peer, IP_TCP, header + text, marks);
  else
    ip6_header_put(pkt->head + ip_at, &ends->local, &ends->peer, IP_TCP, header + text, marks,
                   label);
  pkt->head_length = pkt->header_length = (uint16_t)(at + header);
  put_checksum(s, pkt, ends, at, header, text);
}

/* The path has changed under the connection: another route or another habit of its interface, a
 * narrower link on the way, or the time to try a wider one. */
static void renew_path(la_stack *s, struct tcb *tcb, const struct tcp_path *path)
{
  const bool mtu = tcb->path.mtu != path->mtu;

  tcb->path = *path;
  if (mtu)
    tcp_path_mtu(&s->tcp, tcb, path->mtu);
  stack_settle(s, tcb);
}

static bool same_path(const struct tcp_path *a, const struct tcp_path *b)
{
  return a->mtu == b->mtu && a->iface == b->iface && a->gso_max == b->gso_max;
}

/* As found out only now: the segment was made for another path. One that does not fit any more is
 * made again (RFC 1191 5). */
static bool hand_over_anew(la_stack *s, struct tcb *tcb, const struct tcp_out *out, la_pkt *pkt,
                           struct ip_dest *dest, const struct tcp_path *path)
{
  const uint32_t ip_header_on = (uint32_t)pkt->head_length - link_octets(s, dest);
  const uint32_t largest = ip_header_on + (out->gso_size ? out->gso_size : out->text);
  const bool fits = largest <= path->mtu && (out->gso_size == 0 || out->text <= path->gso_max);

  renew_path(s, tcb, path);
  return fits ? hand_over(s, pkt, dest) : drop(s, pkt, IP_WHY_TOO_BIG);
}

bool packet_tcp(la_stack *s, struct tcb *tcb, const struct tcp_out *out, la_pkt *pkt)
{
  struct ip_dest *const dest = ip_dest_find(&s->ip, &tcb->ends.peer);
  struct tcp_path path;
  struct tcp_header h;

  if (!dest) {
    (void)ip_refuse(&s->ip, IP_WHY_NO_ROUTE);
    tcp_icmp(&s->tcp, tcb, out->seq, false, LA_EUNREACH);
    stack_settle(s, tcb);
    return false;
  }
  if (tcb->backoffs >= s->tcp.set.retries_soft && s->ip.ifaces[dest->iface].ethernet)
    ip_neighbor_doubt(&s->ip, dest);          /* RFC 9293 3.8.3: R1 is reached */
  begin(s, pkt, dest);
  h.source = tcb->ends.local_port;
  h.destination = tcb->ends.peer_port;
  h.window = out->wnd;
  h.urgent = out->up;
  h.flags = out->flags;
  h.seq = out->seq.n;
  h.ack = out->ack.n;
  pkt->gso_size = out->gso_size;
  put_segment(s, pkt, dest, &tcb->ends, &h, out->options, out->options_length,
              put_text(pkt, out),
              (struct ip_marks){ tcb->habits->ttl, tcb->habits->dscp, out->ecn },
              tcb->hash >> LABEL_SHIFT);
  path = packet_path(&s->ip, dest);
  return same_path(&path, &tcb->path) ? hand_over(s, pkt, dest)
                                      : hand_over_anew(s, tcb, out, pkt, dest, &path);
}

bool packet_reply(la_stack *s, const struct tcp_reply *reply, la_pkt *pkt)
{
  struct ip_dest *const dest = ip_dest_find(&s->ip, &reply->ends.peer);
  struct tcp_header h;

  if (!dest) {
    (void)ip_refuse(&s->ip, IP_WHY_NO_ROUTE);
    return false;
  }
  begin(s, pkt, dest);
  h.source = reply->ends.local_port;
  h.destination = reply->ends.peer_port;
  h.window = reply->wnd;
  h.urgent = 0;
  h.flags = reply->flags;
  h.seq = reply->seq.n;
  h.ack = reply->ack.n;
  put_segment(s, pkt, dest, &reply->ends, &h, reply->options, reply->options_length, 0,
              (struct ip_marks){ .ttl = IP_TTL }, 0);
  return hand_over(s, pkt, dest);
}

bool packet_ip(la_stack *s, const struct ip_packet *packet, la_pkt *pkt)
{
  struct ip_dest *const dest = ip_dest_find(&s->ip, &packet->peer);
  const uint32_t at = dest ? link_octets(s, dest) : 0;

  need(dest != NULL);                         /* ip_datagram_next has just found it */
  begin(s, pkt, dest);
  memcpy(pkt->head + at, packet->head, packet->head_length);
  pkt->head_length = pkt->header_length = (uint16_t)(at + packet->head_length);
  pkt->frags = packet->frags;
  for (uint8_t i = 0; i < packet->frags; i++) {
    const struct frag *const f = &packet->frag[i];

    slab_hold(f->slab);
    pkt->frag[i] = (la_frag){ f->slab, f->offset, f->length };
  }
  ip_datagram_sent(&s->ip);
  return hand_over(s, pkt, dest);
}

bool packet_frame(la_stack *s, la_pkt *pkt)
{
  uint8_t iface;
  const uint32_t length = ip_frame_output(&s->ip, pkt->head, &iface);
  const struct ip_dest dest = { .iface = iface };

  if (length == 0)
    return false;
  begin(s, pkt, &dest);
  pkt->head_length = pkt->header_length = (uint16_t)length;
  return true;
}

/* ---- neighbours that have answered, or have not ---- */

/* The connection whose segment could not be delivered hears of it. Nothing of this came from
 * outside, so it may end a SYN-SENT (RFC 9293 3.9.2.2 speaks of what ICMP says). */
static void report_unreachable(la_stack *s, const la_pkt *pkt)
{
  struct ip_quote q;
  struct ends ends;
  struct tcb *tcb;

  if (!ip_quote_parse(pkt->head + ETHER_HEADER, pkt->head_length - (size_t)ETHER_HEADER, &q) ||
      q.protocol != IP_TCP)
    return;
  ends = (struct ends){ q.source, q.destination, q.source_port, q.destination_port };
  tcb = pair_tcb(s, pair_find(s, &ends, pair_hash(s, &ends)));
  if (!tcb)
    return;
  tcp_icmp(&s->tcp, tcb, seq_of(q.seq), true, LA_EUNREACH);
  stack_settle(s, tcb);
}

bool packet_unparked(la_stack *s, la_pkt *pkt)
{
  struct ip_neighbor *n;

  while ((n = ip_neighbor_settled(&s->ip)) != NULL) {
    struct parked *const parked =
      list_entry(list_take(&n->waiting), struct parked, link);

    n->waiting_count--;
    *pkt = parked->pkt;
    pool_put(&s->parked, parked);
    if (ip_neighbor_usable(n)) {
      put_link(s, pkt, n->mac);
      return true;
    }
    report_unreachable(s, pkt);
    (void)drop(s, pkt, IP_WHY_NEIGHBOR_UNKNOWN);
  }
  return false;
}
