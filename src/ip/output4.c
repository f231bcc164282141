/* output4.c - IPv4 headers, and the ring of datagrams that no TCP connection sends.
 * A datagram waits as a stream with a small head; it is cut into fragments (RFC 791 3.2) when the
 * link asks for packets, so that a large one occupies no more than its octets. */
#include "ip/ip.h"
#include "base/be.h"
#include "base/need.h"

enum { DONT_FRAGMENT = 0x4000 };

/* The sum of nine 16-bit words that are at hand is cheaper than a walk over what was written. */
void ip4_header_put(uint8_t *octets, const struct ip_addr *local, const struct ip_addr *peer,
                    uint8_t protocol, uint32_t total, struct ip_marks marks)
{
  const uint8_t *const from = local->octets + 12, *const to = peer->octets + 12;
  const uint32_t first = 0x4500u | (uint32_t)marks.dscp << 2;
  uint32_t sum = first + total + DONT_FRAGMENT + (uint32_t)(marks.ttl << 8 | protocol);

  sum += (uint32_t)be16_get(from) + be16_get(from + 2) + be16_get(to) + be16_get(to + 2);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  be32_put(octets, first << 16 | total);
  be32_put(octets + 4, DONT_FRAGMENT);
  be16_put(octets + 8, (uint16_t)(marks.ttl << 8 | protocol));
  be16_put(octets + 10, (uint16_t)~sum);
  memcpy(octets + 12, from, 4);
  memcpy(octets + 16, to, 4);
}

/* RFC 6864 4.3: no two datagrams of the same ends and protocol that may be fragmented have the
 * same ID within the lifetime of a packet. One counter, shifted by a keyed hash of the ends, so
 * that a peer does not learn from it how much others are sent (RFC 7739). */
static uint16_t next_id(struct ip *ip, const struct ip_datagram *d)
{
  uint64_t words[3];

  memcpy(words, d->local.octets + 8, 8);
  memcpy(words + 1, d->peer.octets + 8, 8);
  words[2] = d->protocol;
  return (uint16_t)(hash_words(ip->key, words, 3) + ip->serial++);
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
  stream_clear(&ip->store, &ip->datagrams[(ip->datagram_first + ip->datagram_count) %
                                          ip->set.replies].text);
}

static void drop_first(struct ip *ip)
{
  stream_clear(&ip->store, &ip->datagrams[ip->datagram_first].text);
  ip->datagram_first = (ip->datagram_first + 1) % ip->set.replies;
  ip->datagram_count--;
}

/* The payload of the next fragment: from d->sent on, at most `most` octets, and no more pieces than
 * a packet holds. All fragments but the last are multiples of eight (RFC 791 3.2). */
static uint32_t take_payload(const struct ip_datagram *d, uint32_t most, struct ip_packet *p)
{
  const uint32_t whole = d->head_length + d->text.octets, left = whole - d->sent;
  uint32_t head = 0, length = left < most ? left : most, covered = 0;

  if (length < left)
    length &= ~UINT32_C(7);
  if (d->sent < d->head_length) {
    head = d->head_length - d->sent < length ? d->head_length - d->sent : length;
    memcpy(p->head + IPV4_HEADER_MIN, d->head + d->sent, head);
  }
  p->head_length = (uint16_t)(IPV4_HEADER_MIN + head);
  p->frags = 0;
  if (length <= head)
    return head;
  const uint32_t offset = d->sent + head - d->head_length;

  for (int turn = 0; turn < 2; turn++) {      /* the second time: cut to a multiple of eight */
    p->frags = (uint8_t)stream_pieces(&d->text, NULL, offset, length - head, p->frag,
                                      IP_PACKET_FRAGS, &covered);
    length = head + covered;
    if (length == left || length % 8 == 0)
      break;
    length &= ~UINT32_C(7);
  }
  return length;
}

static void put_header(const struct ip_datagram *d, struct ip_packet *p, uint32_t length)
{
  struct ipv4_header h = { .ttl = IP_TTL, .protocol = d->protocol, .id = d->id };

  h.total = (uint16_t)(IPV4_HEADER_MIN + length);
  h.offset = (uint16_t)d->sent;
  h.more_fragments = d->sent + length < d->head_length + d->text.octets;
  memcpy(h.source, d->local.octets + 12, 4);
  memcpy(h.destination, d->peer.octets + 12, 4);
  (void)ipv4_header_write(p->head, &h);
}

bool ip_datagram_next(struct ip *ip, struct ip_packet *packet)
{
  while (ip->datagram_count > 0) {
    struct ip_datagram *const d = &ip->datagrams[ip->datagram_first];
    const uint32_t whole = d->head_length + d->text.octets;
    const struct ip_dest *const dest = ip_dest_find(ip, &d->peer);

    if (!dest) {
      (void)ip_refuse(ip, IP_WHY_NO_ROUTE);
      drop_first(ip);
      continue;
    }
    const uint32_t length = take_payload(d, dest->mtu - (uint32_t)IPV4_HEADER_MIN, packet);

    put_header(d, packet, length);
    packet->peer = d->peer;
    if (d->sent == 0 && length < whole)
      ip->count[IP_N_ip_fragmented]++;
    d->sent += length;
    return true;
  }
  return false;
}

void ip_datagram_sent(struct ip *ip)
{
  const struct ip_datagram *const d = &ip->datagrams[ip->datagram_first];

  if (d->sent >= d->head_length + d->text.octets)
    drop_first(ip);
}
