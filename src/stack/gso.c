/* gso.c - a super-segment cut into what a link carries, as a device with TSO does it: every piece
 * has the headers of the whole with its own lengths, sequence number and IP ID; FIN and PSH stay
 * with the last, CWR with the first (RFC 3168 6.1.2); all checksums are complete. */
#include "base/be.h"
#include "base/need.h"
#include "stack/stack.h"

enum { IP_TOTAL = 2, IP_ID = 4, IP_PROTOCOL = 9, IP_SUM = 10, IP_ADDRESSES = 12 };
enum { IP6_PAYLOAD = 4, IP6_NEXT = 6, IP6_ADDRESSES = 8 };
enum { TCP_SEQ = 4, TCP_FLAGS = 13, TCP_SUM = 16 };

/* Where the headers of a packet of ours begin; and the sums of what is the same in all pieces. */
struct layout {
  uint32_t ip, transport, head, text;
  bool     six;
  struct csum ip_same, tcp_same;              /* ip_same: of IPv4 */
};

static bool layout_of(const la_stack *s, const la_pkt *pkt, struct layout *l)
{
  l->ip = pkt->iface < s->ip.iface_count && s->ip.ifaces[pkt->iface].ethernet ? 14 : 0;
  l->head = pkt->head_length;
  l->text = (uint32_t)la_pkt_length(pkt) - l->head;
  if (l->head < l->ip + IPV4_HEADER_MIN)
    return false;
  l->six = pkt->head[l->ip] >> 4 == 6;
  if (!l->six && pkt->head[l->ip] >> 4 != 4)
    return false;
  l->transport = l->ip + (l->six ? IPV6_HEADER : (uint32_t)(pkt->head[l->ip] & 15) * 4);
  return l->transport + TCP_HEADER_MIN <= l->head &&
         pkt->head[l->ip + (l->six ? IP6_NEXT : IP_PROTOCOL)] == IP_TCP;
}

/* A place in the text of a packet, from which the pieces are taken one after another. */
struct place { const la_frag *frag; uint32_t at; };

static struct place place_of(const la_pkt *super, uint32_t offset)
{
  struct place p = { super->frag, offset };

  for (; p.at >= p.frag->length; p.frag++)    /* there is text behind it: pieces are counted */
    p.at -= p.frag->length;
  return p;
}

/* References to the next n octets. */
static void take_text(struct place *p, uint32_t n, la_pkt *piece)
{
  piece->frags = 0;
  while (n > 0) {
    const uint32_t left = p->frag->length - p->at, length = left < n ? left : n;

    if (length > 0) {
      slab_hold(p->frag->slab);
      piece->frag[piece->frags++] = (la_frag){ p->frag->slab, p->frag->offset + p->at, length };
    }
    n -= length;
    p->at += length;
    if (length == left)
      *p = (struct place){ p->frag + 1, 0 };
  }
}

static void sum_same(const la_pkt *super, struct layout *l)
{
  uint8_t head[LA_PKT_HEAD];
  uint8_t *const ip = head + l->ip, *const tcp = head + l->transport;

  memcpy(head, super->head, l->head);
  be32_put(tcp + TCP_SEQ, 0);
  be16_put(tcp + TCP_SUM, 0);
  tcp[TCP_FLAGS] = 0;
  l->ip_same = l->tcp_same = (struct csum){ 0, false };
  if (l->six) {
    csum_add_header(&l->tcp_same, ip + IP6_ADDRESSES, 32);
  } else {
    be16_put(ip + IP_TOTAL, 0);
    be16_put(ip + IP_ID, 0);
    be16_put(ip + IP_SUM, 0);
    csum_add_header(&l->ip_same, ip, l->transport - l->ip);
    csum_add_header(&l->tcp_same, ip + IP_ADDRESSES, 8);
  }
  csum_add16(&l->tcp_same, IP_TCP);
  csum_add_header(&l->tcp_same, tcp, l->head - l->transport);
}

/* Octets as they lie, as a number to be summed. */
static uint64_t two_at(const uint8_t *p)
{
  uint16_t two;

  memcpy(&two, p, sizeof two);
  return two;
}

static uint64_t four_at(const uint8_t *p)
{
  uint32_t four;

  memcpy(&four, p, sizeof four);
  return four;
}

static void put_checksums(const struct layout *l, la_pkt *pkt, uint32_t text)
{
  uint8_t *const ip = pkt->head + l->ip, *const tcp = pkt->head + l->transport;
  const uint32_t length = l->head - l->transport + text;
  const uint8_t numbers[4] = { (uint8_t)(length >> 8), (uint8_t)length, 0, tcp[TCP_FLAGS] };
  struct csum c = l->ip_same;

  if (!l->six) {
    csum_add_small(&c, two_at(ip + IP_TOTAL) + two_at(ip + IP_ID));
    be16_put(ip + IP_SUM, csum_done(&c));
  }
  c = l->tcp_same;
  csum_add_small(&c, four_at(numbers) + four_at(tcp + TCP_SEQ));
  for (const la_frag *f = pkt->frag, *const end = f + pkt->frags; f < end; f++)
    csum_add(&c, f->slab->octets + f->offset, f->length);
  be16_put(tcp + TCP_SUM, csum_done(&c));
}

static void cut(const la_pkt *super, const struct layout *l, size_t number, struct place *place,
                la_pkt *piece)
{
  const uint32_t offset = (uint32_t)number * super->gso_size, left = l->text - offset;
  const uint32_t length = left < super->gso_size ? left : super->gso_size;
  uint8_t *const ip = piece->head + l->ip, *const tcp = piece->head + l->transport;

  piece->at = super->at;
  piece->iface = super->iface;
  piece->flags = piece->gso_size = piece->csum_start = piece->csum_offset = 0;
  piece->head_length = super->head_length;
  piece->header_length = super->header_length;
  memcpy(piece->head, super->head, sizeof piece->head);   /* all of it: no call for a few */
  take_text(place, length, piece);
  if (l->six) {
    be16_put(ip + IP6_PAYLOAD, (uint16_t)(l->head - l->transport + length));
  } else {
    be16_put(ip + IP_TOTAL, (uint16_t)(l->head - l->ip + length));
    be16_put(ip + IP_ID, (uint16_t)(be16_get(ip + IP_ID) + number));
  }
  be32_put(tcp + TCP_SEQ, be32_get(tcp + TCP_SEQ) + offset);
  if (length < left)
    tcp[TCP_FLAGS] &= (uint8_t)~(F_FIN | F_PSH);
  if (number > 0)
    tcp[TCP_FLAGS] &= (uint8_t)~F_CWR;
  put_checksums(l, piece, length);
}

/* One piece: the packet as it is, with its checksum made complete. */
static void whole(const la_pkt *pkt, la_pkt *piece)
{
  *piece = *pkt;
  for (uint16_t i = 0; i < piece->frags; i++)
    slab_hold(piece->frag[i].slab);
  piece->gso_size = 0;
  if (!(piece->flags & LA_PKT_CSUM_PARTIAL))
    return;
  struct csum c = { 0, false };
  uint8_t *const field = piece->head + piece->csum_start + piece->csum_offset;

  csum_add(&c, piece->head + piece->csum_start,  /* the field holds the pseudo-header's sum */
           (size_t)(piece->head_length - piece->csum_start));
  for (uint16_t i = 0; i < piece->frags; i++)
    csum_add(&c, piece->frag[i].slab->octets + piece->frag[i].offset, piece->frag[i].length);
  be16_put(field, csum_done(&c));
  piece->flags &= (uint16_t)~LA_PKT_CSUM_PARTIAL;
  piece->csum_start = piece->csum_offset = 0;
}

size_t la_gso_split(la_stack *s, const la_pkt *super, size_t first, la_pkt *pkts, size_t max)
{
  struct layout l;
  struct place place;
  size_t n = 0, pieces;

  if (super->gso_size == 0 || !layout_of(s, super, &l) || l.text <= super->gso_size) {
    if (first > 0 || max == 0)
      return 0;
    whole(super, &pkts[0]);
    return 1;
  }
  pieces = (l.text + super->gso_size - 1u) / super->gso_size;
  if (first >= pieces)
    return 0;
  sum_same(super, &l);
  place = place_of(super, (uint32_t)first * super->gso_size);
  for (; n < max && first + n < pieces; n++)
    cut(super, &l, first + n, &place, &pkts[n]);
  return n;
}
