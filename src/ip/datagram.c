/* datagram.c - the ring of datagrams that no TCP connection sends, of both families.
 * A datagram waits as a stream with a small head; it is cut into fragments (RFC 791 3.2, RFC 8200
 * 4.5) when the link asks for packets, so that a large one occupies no more than its octets. */
#include "ip/ip.h"
#include "base/be.h"
#include "base/need.h"

/* RFC 6864 4.3, RFC 8200 4.5: no two datagrams of the same ends and protocol that may be fragmented
 * have the same ID within the lifetime of a packet. One counter, shifted by a keyed hash of the
 * ends, so that a peer does not learn from it how much others are sent (RFC 7739 5.2). */
static uint32_t next_id(struct ip *ip, const struct ip_datagram *d)
{
  uint64_t words[5];

  memcpy(words, d->local.octets, 16);
  memcpy(words + 2, d->peer.octets, 16);
  words[4] = d->protocol;
  return (uint32_t)hash_words(ip->key, words, 5) + ip->serial++;
}

struct ip_datagram *ip_datagram_new(struct ip *ip, const struct ip_addr *local,
                                    const struct ip_addr *peer, uint8_t protocol)
{
  if (ip->datagram_count == ip->set.replies) {
    ip->count[IP_N_datagrams_lost]++;
    return NULL;
  }
  struct ip_datagram *const d =
      &ip->datagrams[(ip->datagram_first + ip->datagram_count) % ip->set.replies];

  ip->datagram_count++;
  if (ip->datagram_peak < ip->datagram_count)
    ip->datagram_peak = ip->datagram_count;
  d->local = *local;
  d->peer = *peer;
  d->protocol = protocol;
  d->text = (struct stream){ 0 };
  d->sent = 0;
  d->head_length = 0;
  d->id = next_id(ip, d);
  return d;
}

void ip_datagram_undo(struct ip *ip)
{
  need(ip->datagram_count > 0);
  ip->datagram_count--;
  stream_clear(&ip->store,
               &ip->datagrams[(ip->datagram_first + ip->datagram_count) % ip->set.replies].text);
}

bool ip_datagram_lend(struct ip *ip, struct ip_datagram *d, const struct ip_view *v, uint32_t n)
{
  for (uint16_t i = 0; i < v->frags; i++) {
    struct frag piece = v->frag[i];
    const uint32_t skip = i == 0 && !v->apart ? n : 0;

    piece.offset += skip;
    piece.length -= skip;
    if (piece.length > 0 && !stream_append(&ip->store, &d->text, &piece)) {
      ip_datagram_undo(ip);
      ip->count[IP_N_datagrams_lost]++;
      return false;
    }
  }
  return true;
}

uint16_t ip_datagram_sum(const struct ip_datagram *d)
{
  struct csum c = { 0, false };

  ip_pseudo_add(&c, &d->local, &d->peer, d->protocol, d->head_length + d->text.octets);
  csum_add(&c, d->head, d->head_length);
  for (const struct chunk *chunk = stream_first(&d->text); chunk; chunk = chunk->next)
    csum_add(&c, chunk->slab->octets + chunk->offset, chunk->length);
  return csum_done(&c);
}

static void drop_first(struct ip *ip)
{
  stream_clear(&ip->store, &ip->datagrams[ip->datagram_first].text);
  ip->datagram_first = (ip->datagram_first + 1) % ip->set.replies;
  ip->datagram_count--;
}

static uint32_t whole_of(const struct ip_datagram *d) { return d->head_length + d->text.octets; }

/* The octets before the payload; IPv6's fragments have a header more. */
static uint32_t header_of(const struct ip_datagram *d, const struct ip_dest *dest)
{
  const bool whole = d->sent == 0 && whole_of(d) + dest->header <= dest->mtu;

  return dest->header == IPV6_HEADER && !whole ? IPV6_HEADER + IP6_FRAGMENT : dest->header;
}

/* The payload of the next fragment behind `header`: from d->sent on, at most `most` octets, and no
 * more pieces than a packet holds. All fragments but the last are multiples of eight. */
static uint32_t take_payload(const struct ip_datagram *d, uint32_t header, uint32_t most,
                             struct ip_packet *p)
{
  const uint32_t left = whole_of(d) - d->sent;
  uint32_t head = 0, length = left < most ? left : most, covered = 0;

  if (length < left)
    length &= ~UINT32_C(7);
  if (d->sent < d->head_length) {
    head = d->head_length - d->sent < length ? d->head_length - d->sent : length;
    memcpy(p->head + header, d->head + d->sent, head);
  }
  p->head_length = (uint16_t)(header + head);
  p->frags = 0;
  if (length <= head)
    return head;
  const uint32_t offset = d->sent + head - d->head_length;

  for (int turn = 0; turn < 2; turn++) { /* the second time: cut to a multiple of eight */
    p->frags = (uint8_t)stream_pieces(&d->text, NULL, offset, length - head, p->frag,
                                      IP_PACKET_FRAGS, &covered);
    length = head + covered;
    if (length == left || length % 8 == 0)
      break;
    length &= ~UINT32_C(7);
  }
  return length;
}

static void put_header4(const struct ip_datagram *d, struct ip_packet *p, uint32_t length)
{
  struct ipv4_header h = { .ttl = IP_TTL, .protocol = d->protocol, .id = (uint16_t)d->id };

  h.total = (uint16_t)(IPV4_HEADER_MIN + length);
  h.offset = (uint16_t)d->sent;
  h.more_fragments = d->sent + length < whole_of(d);
  memcpy(h.source, d->local.octets + 12, 4);
  memcpy(h.destination, d->peer.octets + 12, 4);
  (void)ipv4_header_write(p->head, &h);
}

static void put_header6(const struct ip_datagram *d, struct ip_packet *p, uint32_t header,
                        uint32_t length)
{
  const bool fragment = header > IPV6_HEADER;
  const struct ipv6_header h = {
    .next = fragment ? IPV6_FRAGMENT : d->protocol,
    .hop_limit = IP_TTL,
    .payload = (uint16_t)(header - IPV6_HEADER + length),
    .source = d->local,
    .destination = d->peer,
  };
  uint8_t *const f = p->head + IPV6_HEADER;

  (void)ipv6_header_write(p->head, &h);
  if (!fragment)
    return;
  f[0] = d->protocol;
  f[1] = 0;
  be16_put(f + 2, (uint16_t)(d->sent | (d->sent + length < whole_of(d))));
  be32_put(f + 4, d->id);
}

bool ip_datagram_next(struct ip *ip, struct ip_packet *packet)
{
  while (ip->datagram_count > 0) {
    struct ip_datagram *const d = &ip->datagrams[ip->datagram_first];
    const struct ip_dest *const dest = ip_dest_find(ip, &d->peer);

    if (!dest) {
      (void)ip_refuse(ip, IP_WHY_NO_ROUTE);
      drop_first(ip);
      continue;
    }
    const uint32_t header = header_of(d, dest);
    const uint32_t length = take_payload(d, header, dest->mtu - header, packet);

    if (dest->header == IPV6_HEADER)
      put_header6(d, packet, header, length);
    else
      put_header4(d, packet, length);
    packet->peer = d->peer;
    if (d->sent == 0 && length < whole_of(d))
      ip->count[IP_N_ip_fragmented]++;
    d->sent += length;
    return true;
  }
  return false;
}

void ip_datagram_sent(struct ip *ip)
{
  const struct ip_datagram *const d = &ip->datagrams[ip->datagram_first];

  if (d->sent >= whole_of(d))
    drop_first(ip);
}
