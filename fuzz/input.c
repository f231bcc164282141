/* input - one stack, and an input that says what happens to it: packets that arrive, calls that
 * the application makes, time that passes.
 *
 * Packets are arbitrary octets, or segments that fit a socket which the stack has (its ends, its
 * sequence numbers, a little off), or answers to what the stack said last. The stack checks itself
 * after each step (LASTACK_CHECK); here it is checked that what it says is well-formed, that a
 * call which returns an error has changed nothing, that the same input leads to the same octets,
 * and that in the end nothing is left in any pool. */
#include <string.h>

#include "feed.h"
#include "host.h"

#include "base/csum.h"
#include "base/rng.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { HELD = 12, STEPS_MAX = 400, TEXT_MAX = 1400, SNAPSHOT_MAX = 1 << 20 };

struct run {
  struct feed in;
  struct host host;
  la_time now;
  la_sock held[HELD];           /* handles that we have, good or stale */
  unsigned next_held;
  uint8_t last[HOST_PACKET_MAX];              /* what the stack said last, from the IP header on */
  size_t  last_n;
  uint64_t hash;                /* of everything that came out */
};

static const uint16_t ports[4] = { 7, 80, 49152, 50000 };
static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 0x99 };

static la_addr some_addr(struct run *r)
{
  static const uint8_t last[8] = { 2, 2, 2, 2, 1, 3, 255, 250 };
  const uint8_t b = feed_u8(&r->in);

  return b == 255 ? la_ip4(127, 0, 0, 1) : la_ip4(10, 0, b == 254, last[b & 7]);
}

static uint16_t some_port(struct run *r)
{
  return ports[feed_u8(&r->in) & 3];
}

static void note(struct run *r, const void *octets, size_t n)
{
  r->hash = host_hash(r->hash, octets, n);
}

/* ---- packets in ---- */

static void give(struct run *r, const uint8_t *octets, size_t n)
{
  const uint8_t how = feed_u8(&r->in);
  const size_t cut = how & 2 ? HOST_LINK_MAX + IPV4_HEADER_MIN + TCP_HEADER_MAX + (how >> 3) : 0;

  host_give(&r->host, r->now, octets, n, how & 1, cut);
}

/* Behind an Ethernet header, if the link has them. `ip` has room for it in front. */
static void give_ip(struct run *r, uint8_t *ip, size_t n)
{
  struct ether_header h = { .type = ETHER_IPV4 };

  if (r->host.iface.medium == LA_MEDIUM_IP) {
    give(r, ip, n);
    return;
  }
  memcpy(h.to, r->host.iface.mac, sizeof h.to);
  memcpy(h.from, peer_mac, sizeof h.from);
  ether_header_write(ip - ETHER_HEADER, &h);
  give(r, ip - ETHER_HEADER, n + ETHER_HEADER);
}

/* A datagram from `from` to `to` (mapped addresses), whose transport part of n octets lies behind
 * the room for an IP header; its checksum is put at `sum_at`, if there is one. */
static void give_datagram(struct run *r, uint8_t *ip, uint8_t protocol, const uint8_t from[4],
                          const uint8_t to[4], size_t n, size_t sum_at)
{
  struct ipv4_header h = {
    .total = (uint16_t)(IPV4_HEADER_MIN + n), .id = (uint16_t)r->now, .ttl = 64,
    .protocol = protocol,
  };
  struct ip_addr source, destination;
  struct csum c = { 0 };

  memcpy(h.source, from, 4);
  memcpy(h.destination, to, 4);
  source = ip_addr_of4(from);
  destination = ip_addr_of4(to);
  if (protocol != IP_ICMP)
    ip_pseudo_sum(&c, &source, &destination, protocol, (uint32_t)n);
  csum_add(&c, ip + IPV4_HEADER_MIN, n);
  ip[IPV4_HEADER_MIN + sum_at] = (uint8_t)(csum_done(&c) >> 8);
  ip[IPV4_HEADER_MIN + sum_at + 1] = (uint8_t)csum_done(&c);
  ipv4_header_write(ip, &h);
  give_ip(r, ip, IPV4_HEADER_MIN + n);
}

static void options_from(struct run *r, struct tcp_options *o)
{
  const uint8_t which = feed_u8(&r->in);

  o->present = which & 63;
  o->mss = which & TCP_OPT_MSS ? (uint16_t)(feed_u8(&r->in) * 8) : 0;
  o->wscale = which & TCP_OPT_WSCALE ? feed_u8(&r->in) & 15 : 0;
  if (which & TCP_OPT_TS) {
    o->ts_val = (uint32_t)(r->now / 1000000) + feed_delta(&r->in);
    o->ts_ecr = (uint32_t)(r->now / 1000000) + feed_delta(&r->in);
  }
  o->sacks = which & TCP_OPT_SACK ? 1 + (which >> 6) : 0;
  if (which & TCP_OPT_FASTOPEN) {
    o->cookie.length = 2 * (feed_u8(&r->in) & 7);
    o->cookie.experimental = which >> 7;
    memset(o->cookie.octets, feed_u8(&r->in), sizeof o->cookie.octets);
  }
}

/* The fields that the input adds to a segment whose ends and numbers are chosen already. */
static void give_segment(struct run *r, struct tcp_header *h, const uint8_t from[4],
                         const uint8_t to[4])
{
  static uint8_t octets[HOST_LINK_MAX + IPV4_HEADER_MIN + TCP_HEADER_MAX + TEXT_MAX];
  static const uint16_t windows[4] = { 65535, 0, 1, 1000 };
  uint8_t *const ip = octets + HOST_LINK_MAX, options[TCP_OPTIONS_MAX];
  const uint8_t text = feed_u8(&r->in), window = feed_u8(&r->in);
  const size_t length = text < 128 ? text : (size_t)(text - 127) * 10;
  size_t n;

  h->flags = feed_u8(&r->in);
  h->window = windows[window & 3];
  h->urgent = h->flags & F_URG ? window : 0;
  h->seq += feed_delta(&r->in);
  h->ack += feed_delta(&r->in);
  if (window & 4)
    options_from(r, &h->options);
  for (unsigned i = 0; i < h->options.sacks; i++) {
    h->options.sack[i].start = h->ack + feed_delta(&r->in);
    h->options.sack[i].end = h->options.sack[i].start + feed_delta(&r->in);
  }
  n = tcp_options_write(options, &h->options);
  n = tcp_header_write(ip + IPV4_HEADER_MIN, h, options, n);
  memset(ip + IPV4_HEADER_MIN + n, text, length);
  give_datagram(r, ip, IP_TCP, from, to, n + length, 16);
}

/* For a socket of the stack: what its peer would say, more or less. */
static void give_for_socket(struct run *r)
{
  const unsigned number = feed_u8(&r->in) % 16;
  la_sock cursor = { 0 };
  la_sock_info info;
  struct tcp_header h = { .source = 40000 };
  uint8_t from[4] = { 10, 0, 0, 2 };

  for (unsigned i = 0; i <= number && la_sock_next(r->host.stack, &cursor); i++)
    continue;
  if (cursor.bits == 0 || la_sock_get(r->host.stack, cursor, &info) < 0)
    return;
  h.destination = info.local.port;
  h.seq = info.rcv_nxt;
  h.ack = info.snd_nxt;
  if (info.peer.port != 0) {
    h.source = info.peer.port;
    memcpy(from, info.peer.addr.octets, 4);
  } else {
    h.source = (uint16_t)(40000 + feed_u8(&r->in) % 4);
  }
  give_segment(r, &h, from, r->host.addr.octets);
}

/* An answer to what the stack said last: the peer's next segment, or the network's complaint. */
static void answer_segment(struct run *r)
{
  struct ipv4_header ip;
  struct tcp_header said, h = { 0 };
  size_t at, header;

  at = ipv4_header_parse(r->last, r->last_n, &ip);
  if (at == 0 || ip.protocol != IP_TCP)
    return;
  header = tcp_header_parse(r->last + at, r->last_n - at, &said);
  if (header == 0)
    return;
  h.source = said.destination;
  h.destination = said.source;
  h.seq = said.ack;
  h.ack = said.seq + (uint32_t)(r->last_n - at - header);
  h.ack += (said.flags & F_SYN ? 1 : 0) + (said.flags & F_FIN ? 1 : 0);
  if (said.options.present & TCP_OPT_TS) {
    h.options.present = TCP_OPT_TS;
    h.options.ts_val = (uint32_t)(r->now / 1000000);
    h.options.ts_ecr = said.options.ts_val;
  }
  give_segment(r, &h, ip.destination, ip.source);
}

static void answer_icmp(struct run *r)
{
  uint8_t octets[HOST_LINK_MAX + IPV4_HEADER_MIN + ICMP_HEADER + 60];
  uint8_t *const ip = octets + HOST_LINK_MAX, *const icmp = ip + IPV4_HEADER_MIN;
  const uint8_t from[4] = { 10, 0, 0, 250 };
  const size_t quoted = r->last_n < 60 ? r->last_n : 60;
  struct icmp_header h = { .type = feed_u8(&r->in) % 13, .code = feed_u8(&r->in) % 16 };

  h.rest = feed_u8(&r->in) * 8u;
  icmp_header_write(icmp, &h);
  memcpy(icmp + ICMP_HEADER, r->last, quoted);
  give_datagram(r, ip, IP_ICMP, from, r->host.addr.octets, ICMP_HEADER + quoted, 2);
}

static void give_udp(struct run *r)
{
  uint8_t octets[HOST_LINK_MAX + IPV4_HEADER_MIN + UDP_HEADER + 255] = { 0 };
  uint8_t *const ip = octets + HOST_LINK_MAX;
  const uint8_t from[4] = { 10, 0, 0, 2 }, length = feed_u8(&r->in);
  const struct udp_header h = {
    .source = some_port(r), .destination = some_port(r),
    .length = (uint16_t)(UDP_HEADER + length),
  };

  udp_header_write(ip + IPV4_HEADER_MIN, &h);
  give_datagram(r, ip, IP_UDP, from, r->host.addr.octets, UDP_HEADER + length, 6);
}

/* One of a datagram's fragments, of any place and length. */
static void give_fragment(struct run *r)
{
  uint8_t octets[HOST_LINK_MAX + IPV4_HEADER_MIN + 255] = { 0 };
  uint8_t *const ip = octets + HOST_LINK_MAX;
  const uint8_t where = feed_u8(&r->in), length = feed_u8(&r->in);
  struct ipv4_header h = {
    .total = (uint16_t)(IPV4_HEADER_MIN + length), .id = where >> 6, .ttl = 9,
    .offset = (uint16_t)((where & 31) * (where & 16 ? 2000 : 8)), .more_fragments = where & 32,
    .protocol = where & 1 ? IP_UDP : IP_TCP, .source = { 10, 0, 0, 2 },
  };

  memcpy(h.destination, r->host.addr.octets, 4);
  ipv4_header_write(ip, &h);
  ip[IPV4_HEADER_MIN + 4 < h.total ? IPV4_HEADER_MIN + 4 : 0] ^= where == 0;
  give_ip(r, ip, h.total);
}

static void give_arp(struct run *r)
{
  uint8_t octets[ETHER_HEADER + ARP_OCTETS];
  struct ether_header ether = { .to = { 255, 255, 255, 255, 255, 255 }, .type = ETHER_ARP };
  struct arp arp = { .operation = 1 + feed_u8(&r->in) % 2 };

  memcpy(arp.sender_ip, some_addr(r).octets, 4);
  memcpy(arp.target_ip, some_addr(r).octets, 4);
  memcpy(arp.sender_mac, peer_mac, 6);
  memcpy(ether.from, peer_mac, 6);
  arp_write(octets + ether_header_write(octets, &ether), &arp);
  give(r, octets, sizeof octets);
}

static void give_octets(struct run *r)
{
  uint8_t octets[128];
  const size_t n = feed_u8(&r->in) % sizeof octets;

  for (size_t i = 0; i < n; i++)
    octets[i] = feed_u8(&r->in);
  give(r, octets, n);
}

static void give_something(struct run *r, uint8_t kind)
{
  switch (kind) {
  case 0: give_octets(r); break;
  case 1: answer_icmp(r); break;
  case 2: give_udp(r); break;
  case 3: give_fragment(r); break;
  case 4: give_arp(r); break;
  case 5: case 6: give_for_socket(r); break;
  default: answer_segment(r); break;
  }
}

/* ---- calls ---- */

static la_sock some_held(struct run *r)
{
  return r->held[feed_u8(&r->in) % HELD];
}

static void hold(struct run *r, int result, la_sock sock)
{
  if (result == 0)
    r->held[r->next_held++ % HELD] = sock;
}

static int call_send(struct run *r, la_sock sock)
{
  static uint8_t text[3000];
  const uint8_t b = feed_u8(&r->in);
  const uint32_t n = b < 128 ? b : (b - 127u) * 23;

  return b % 16 == 15 ? la_tcp_send_urgent(r->host.stack, sock, text, n)
                      : la_tcp_send(r->host.stack, sock, text, n);
}

static int call_send_frags(struct run *r, la_sock sock)
{
  static uint8_t lent[600];
  const uint8_t b = feed_u8(&r->in);
  la_frag frags[2];
  la_slab *slab;
  int result = b & 1 ? la_slab_wrap(r->host.stack, lent, sizeof lent, NULL, &slab)
                     : la_slab_get(r->host.stack, &slab);

  if (result < 0)
    return result;
  if (!(b & 1))
    memset(la_slab_octets(slab), 0, 600);
  frags[0] = (la_frag){ slab, b, 300 };
  frags[1] = (la_frag){ slab, 0, b };
  result = la_tcp_send_frags(r->host.stack, sock, frags, 1 + (b >> 1 & 1));
  la_slab_release(r->host.stack, slab);
  return result;
}

static int call_read(struct run *r, la_sock sock)
{
  uint8_t text[2000];
  const uint32_t max = feed_u8(&r->in) * 8u;
  la_frag frags[4];
  int result;

  if (max % 16) {
    result = la_tcp_recv(r->host.stack, sock, text, max < sizeof text ? max : sizeof text);
    if (result > 0)
      note(r, text, (size_t)result);
    return result;
  }
  result = la_tcp_peek(r->host.stack, sock, frags, 4);
  for (int i = 0; i < result; i++)
    note(r, la_slab_octets(frags[i].slab) + frags[i].offset, frags[i].length);
  return la_tcp_consume(r->host.stack, sock, max);
}

static int call_set(struct run *r, la_sock sock)
{
  static const int64_t values[8] = { 0, 1, -1, 500, 1460, 100000, INT64_MAX, 3 };
  const enum la_option option = feed_u8(&r->in) % (LA_OPTION_COUNT + 1);
  const bool slow = option == LA_OPT_KEEPALIVE_IDLE_MS || option == LA_OPT_KEEPALIVE_INTERVAL_MS;
  const int64_t value = values[feed_u8(&r->in) & 7];
  int64_t now_is = 0;
  /* Seconds, not milliseconds, for timers that only come again and again. */
  const int result = la_tcp_set(r->host.stack, sock, option,
                                slow && value < INT32_MAX ? value * 1000 : value);

  if (la_tcp_get(r->host.stack, sock, option, &now_is) == 0)
    note(r, &now_is, sizeof now_is);
  return result;
}

static int call_udp(struct run *r, la_sock sock)
{
  uint8_t text[64] = { 0 };
  const uint8_t b = feed_u8(&r->in);
  la_endpoint end = { some_addr(r), some_port(r) };
  la_sock made;
  int result;

  switch (b & 3) {
  case 0:
    end.addr = b & 4 ? r->host.addr : (la_addr){ 0 };
    result = la_udp_open(r->host.stack, end, NULL, &made);
    hold(r, result, made);
    return result;
  case 1:
    return la_udp_send(r->host.stack, sock, end, text, b & 63);
  case 2:
    return la_udp_recv(r->host.stack, sock, &end, text, b & 63);
  default:
    return b & 4 ? la_udp_close(r->host.stack, sock) : -LA_EAGAIN;
  }
}

/* What an operator does. The interface's number is 0, or one that does not exist. */
static int call_net(struct run *r)
{
  const uint8_t b = feed_u8(&r->in);
  la_stack *const s = r->host.stack;
  const la_addr addr = some_addr(r);
  la_iface iface = r->host.iface;

  switch (b & 7) {
  case 0: return la_addr_add(s, b >> 7, addr, b >> 3 & 15);
  case 1: return b & 8 ? la_addr_remove(s, 0, addr) : -LA_EAGAIN;
  case 2: return la_route_add(s, addr, b >> 3, some_addr(r), b >> 7);
  case 3: return la_route_remove(s, addr, b >> 3);
  case 4: return la_neighbor_add(s, b >> 7, addr, peer_mac);
  case 5:
    iface.mtu = 68u + (b >> 3) * 64u;
    return la_iface_set(s, 0, &iface);
  case 6:
    iface.flags ^= LA_IFACE_UP;
    return la_iface_set(s, 0, b & 8 ? &r->host.iface : &iface);
  default: return la_neighbor_add(s, 0, la_ip4(10, 0, 0, 2), peer_mac);
  }
}

static int call_open(struct run *r, uint8_t how)
{
  la_stack *const s = r->host.stack;
  la_sock sock = { 0 };
  int result = la_tcp_open(s, NULL, &sock);

  hold(r, result, sock);
  if (result < 0 || how == 0)
    return result;
  if (how == 1)
    return la_tcp_connect(s, sock, (la_endpoint){ some_addr(r), some_port(r) });
  result = la_tcp_bind(s, sock, (la_endpoint){ { 0 }, some_port(r) });
  return result < 0 ? result : la_tcp_listen(s, sock, feed_u8(&r->in) % 4);
}

static int call(struct run *r, uint8_t kind)
{
  la_stack *const s = r->host.stack;
  const la_sock sock = some_held(r);
  la_sock made = { 0 };
  int result;

  switch (kind) {
  case 0: case 1: case 2: return call_open(r, kind);
  case 3: return la_tcp_bind(s, sock, (la_endpoint){ some_addr(r), some_port(r) });
  case 4: return la_tcp_listen(s, sock, feed_u8(&r->in));
  case 5: return la_tcp_connect(s, sock, (la_endpoint){ some_addr(r), some_port(r) });
  case 6: case 7:
    result = la_tcp_accept(s, sock, NULL, &made);
    hold(r, result, made);
    return result;
  case 8: case 9: return call_send(r, sock);
  case 10: return call_send_frags(r, sock);
  case 11: case 12: return call_read(r, sock);
  case 13: return la_tcp_close(s, sock);
  case 14: return la_tcp_abort(s, sock);
  case 15: return la_tcp_forget(s, sock);
  case 16: return call_set(r, sock);
  case 17: return call_udp(r, sock);
  default: return call_net(r);
  }
}

/* ---- the rest ---- */

/* What the stack says, up to so many packets; the last is remembered. */
static void take(struct run *r, unsigned max)
{
  static uint8_t octets[HOST_PACKET_MAX];
  const size_t link = r->host.iface.medium == LA_MEDIUM_IP ? 0 : ETHER_HEADER;
  size_t n;

  while (max-- > 0 && (n = host_take(&r->host, r->now, octets)) > 0) {
    note(r, octets, n);
    if (link > 0 && octets[12] == 8 && octets[13] == 6)
      continue;
    r->last_n = n - link;
    memcpy(r->last, octets + link, r->last_n);
  }
}

static void look(struct run *r)
{
  la_sock cursor = { 0 };
  la_trace trace[8];
  la_sock_info info;
  char text[200];
  la_event events[4];

  for (unsigned sockets = 0; la_sock_next(r->host.stack, &cursor); sockets++) {
    claim(sockets < 64);
    claim(la_sock_get(r->host.stack, cursor, &info) == 0);
    claim(la_state_name(info.state) != NULL);
    const size_t n = la_sock_trace(r->host.stack, cursor, trace, 8);

    for (size_t i = 0; i < n; i++)
      claim(la_trace_text(&trace[i], text, sizeof text) > 0);
  }
  for (size_t i = la_events(r->host.stack, events, 4); i > 0; i--)
    claim(events[i - 1].kind < LA_EVENT_COUNT);
}

static void pass_time(struct run *r, bool to_deadline)
{
  r->now = host_later(&r->in, r->now, la_deadline(r->host.stack), to_deadline);
}

/* The errors that are part of the conversation: asking for text or room leaves a wish behind, the
 * end of a stream is noted as read, and a second CLOSE is part of the story. */
static bool may_change(int result)
{
  return result >= 0 || result == -LA_EAGAIN || result == -LA_EEOF || result == -LA_ECLOSING;
}

/* Calls that are one call of the stack, and so must change nothing when they fail. Only connect
 * may: it looks for a way, which the table of destinations remembers. */
static bool is_one_call(uint8_t kind)
{
  return kind == 3 || kind == 4 || (kind >= 6 && kind <= 9) || (kind >= 13 && kind <= 16) ||
         kind == 18;
}

/* A call also cleans up what a timer has ended since the last one; a call that nobody can have
 * meant does so first. */
static void clean_up(struct run *r)
{
  for (int i = 0; i < HELD; i++)
    (void)!la_tcp_set(r->host.stack, r->held[i], LA_OPTION_COUNT, 0);
}

static int call_and_compare(struct run *r, uint8_t kind)
{
  static uint8_t before[SNAPSHOT_MAX], after[SNAPSHOT_MAX];
  size_t size;
  int result;

  clean_up(r);
  size = la_snapshot(r->host.stack, before, sizeof before);
  result = call(r, kind);
  if (may_change(result))
    return result;
  claim(size <= sizeof before && la_snapshot(r->host.stack, after, sizeof after) == size);
  claim(memcmp(before, after, size) == 0);
  return result;
}

static void step(struct run *r)
{
  const uint8_t op = feed_u8(&r->in);
  int result;

  if (op < 96) {
    give_something(r, op % 10);
  } else if (op < 176) {
    result = is_one_call(op % 20) && r->in.n % 4 == 0 ? call_and_compare(r, op % 20)
                                                      : call(r, op % 20);
    claim(result > -LA_ERROR_COUNT);
    note(r, &result, sizeof result);
  } else if (op < 216) {
    take(r, 1 + op % 8);
  } else if (op < 248) {
    pass_time(r, op & 1);
  } else {
    look(r);
  }
}

static uint64_t run(const uint8_t *data, size_t size)
{
  static struct run r;
  la_config config;
  la_iface iface;

  memset(&r, 0, sizeof r);
  r.in = (struct feed){ data, size };
  r.now = LA_SEC;
  config = host_config(&r.in);
  iface = host_iface(&r.in, 0);
  host_open(&r.host, 0, &config, &iface, la_ip4(10, 0, 0, 1), r.now);
  for (int steps = 0; r.in.n > 0 && steps < STEPS_MAX; steps++)
    step(&r);
  take(&r, 64);
  host_close(&r.host, r.now);
  return r.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  host_run_alike(run, data, size);
  return 0;
}
