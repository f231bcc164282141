/* input6 - one stack that speaks IPv6, and an input that says what its link brings: datagrams with
 * chains of extension headers, fragments, neighbour discovery, router advertisements, listener
 * queries, ICMPv6 errors about what the stack has said, and segments for its connections.
 *
 * Checksums are right unless the input breaks them, so that what is behind them is reached. The
 * stack checks itself after each step (LASTACK_CHECK); here it is checked that what it says is
 * well-formed, that the same input leads to the same octets, and that nothing is left behind. */
#include "host.h"

#include "base/csum.h"
#include "wire/ether.h"
#include "wire/icmpv6.h"
#include "wire/ip.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { SOCKETS = 6, STEPS_MAX = 300, ROOM = 2048, CHECKSUM_NONE = 255, EXTENSIONS = 4 };
enum { HOPS_ND = 255, HOPS_FAR = 64, ETHER_IPV6_TYPE = 0x86dd };

struct run {
  struct feed in;
  struct host host;
  la_time now;
  la_sock held[SOCKETS];
  unsigned next_held;
  uint8_t last[HOST_PACKET_MAX];              /* what was said last, from the IPv6 header on */
  size_t  last_n;
  uint64_t hash;
};

/* A datagram in the making: a header, and what has been put behind it. */
struct made {
  struct ipv6_header ip;
  uint8_t octets[HOST_LINK_MAX + IPV6_HEADER + ROOM];
  size_t  n;                                  /* behind the header */
};

static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 0x99 };
static const uint16_t ports[4] = { 7, 80, 49152, 50000 };

/* ---- addresses ---- */

static la_addr addr6(uint16_t high, uint8_t last)
{
  la_addr a = { .len = 16 };

  a.octets[0] = (uint8_t)(high >> 8);
  a.octets[1] = (uint8_t)high;
  if (high == 0x2001) {
    a.octets[2] = 0x0d;
    a.octets[3] = 0xb8;
  }
  a.octets[15] = last;
  return a;
}

/* Hosts of the net and of the link, groups, and those that nobody can have. */
static la_addr some_addr(struct run *r)
{
  static const struct { uint16_t high; uint8_t last; } all[8] = {
    { 0x2001, 1 }, { 0x2001, 2 }, { 0x2001, 3 }, { 0xfe80, 0xfa }, { 0xfe80, 2 }, { 0xff02, 1 },
    { 0, 0 }, { 0, 1 },
  };
  const uint8_t b = feed_u8(&r->in);
  la_addr a = addr6(all[b & 7].high, all[b & 7].last);
  int iface;
  uint8_t prefix;

  if (b & 8)                                  /* one of the stack's, made by itself perhaps */
    (void)!la_addr_get(r->host.stack, b >> 4, &iface, &a, &prefix);
  return a;
}

static struct ip_addr inner(la_addr a)
{
  struct ip_addr to;

  if (a.len == 4)
    return ip_addr_of4(a.octets);
  memcpy(to.octets, a.octets, sizeof to.octets);
  return to;
}

static struct ip_addr peer(void) { return inner(addr6(0x2001, 2)); }

/* ---- packets in ---- */

static uint8_t *behind(struct made *m) { return m->octets + HOST_LINK_MAX + IPV6_HEADER + m->n; }

static bool put(struct made *m, const void *octets, size_t n)
{
  if (n > ROOM - m->n)
    return false;
  memcpy(behind(m), octets, n);
  m->n += n;
  return true;
}

/* The checksum at `at` behind `from`, over all that follows `from`. */
static void sum(struct made *m, size_t from, size_t at, uint8_t protocol)
{
  uint8_t *const p = m->octets + HOST_LINK_MAX + IPV6_HEADER + from;
  struct csum c = { 0 };

  if (at + 2 > m->n - from)
    return;
  p[at] = p[at + 1] = 0;
  ip_pseudo_sum(&c, &m->ip.source, &m->ip.destination, protocol, (uint32_t)(m->n - from));
  csum_add(&c, p, m->n - from);
  p[at] = (uint8_t)(csum_done(&c) >> 8);
  p[at + 1] = (uint8_t)csum_done(&c);
}

static void give(struct run *r, struct made *m)
{
  const uint8_t how = feed_u8(&r->in);
  const size_t cut = how & 2 ? HOST_LINK_MAX + IPV6_HEADER + 80u + (how >> 3) : 0;
  uint8_t *const ip = m->octets + HOST_LINK_MAX;
  struct ether_header h = { .type = ETHER_IPV6_TYPE };

  m->ip.payload = (uint16_t)m->n;
  (void)ipv6_header_write(ip, &m->ip);
  if (how & 4)
    ip[IPV6_HEADER + (how >> 3)] ^= (uint8_t)(1u << (how >> 5));
  if (r->host.iface.medium == LA_MEDIUM_IP) {
    host_give(&r->host, r->now, ip, m->n + IPV6_HEADER, how & 1, cut);
    return;
  }
  memcpy(h.to, r->host.iface.mac, sizeof h.to);
  if (m->ip.destination.octets[0] == 0xff)
    nd_group_mac(&m->ip.destination, h.to);
  memcpy(h.from, peer_mac, sizeof h.from);
  ether_header_write(ip - ETHER_HEADER, &h);
  host_give(&r->host, r->now, ip - ETHER_HEADER, m->n + IPV6_HEADER + ETHER_HEADER, how & 1, cut);
}

static struct made made_from(struct run *r, struct ip_addr source)
{
  const uint8_t b = feed_u8(&r->in);
  struct made m = { .ip = { .hop_limit = b & 1 ? HOPS_ND : HOPS_FAR, .source = source,
                            .traffic_class = b & 2 ? b : 0 } };

  m.ip.destination = b & 4 ? inner(some_addr(r)) : inner(addr6(0x2001, 1));
  return m;
}

/* A chain of extension headers of the input's choice, whose last leads to `next`. */
static void put_extensions(struct run *r, struct made *m, uint8_t next)
{
  static const uint8_t kinds[8] = { IPV6_HOP_BY_HOP, IPV6_DESTINATION, IPV6_ROUTING, IPV6_FRAGMENT,
                                    IPV6_AUTHENTICATION, IPV6_DESTINATION, IPV6_NO_NEXT, 255 };
  const unsigned count = feed_u8(&r->in) % (EXTENSIONS + 1);
  uint8_t *name = &m->ip.next;

  for (unsigned i = 0; i < count; i++) {
    const uint8_t what = feed_u8(&r->in);
    uint8_t header[16] = { 0, what >> 6 & 1 };
    const size_t length = header[1] ? 16 : 8;

    *name = kinds[what & 7];
    for (size_t at = 2; at < length; at++)
      header[at] = what & 8 ? feed_u8(&r->in) : at == 2 ? 1 : at == 3 ? (uint8_t)(length - 4) : 0;
    if (*name == IPV6_AUTHENTICATION)
      header[1] = (uint8_t)(length / 4 - 2);
    name = behind(m);
    (void)put(m, header, length);
  }
  *name = next;
}

static void give_udp(struct run *r)
{
  struct made m = made_from(r, peer());
  const uint8_t length = feed_u8(&r->in);
  const struct udp_header h = { .source = 4000, .destination = ports[feed_u8(&r->in) & 3],
                                .length = (uint16_t)(UDP_HEADER + length) };
  uint8_t udp[UDP_HEADER + 255] = { 0 };
  size_t from;

  put_extensions(r, &m, 17);
  from = m.n;
  udp_header_write(udp, &h);
  (void)put(&m, udp, h.length);
  sum(&m, from, 6, 17);
  give(r, &m);
}

static void give_octets(struct run *r)
{
  struct made m = made_from(r, inner(some_addr(r)));

  put_extensions(r, &m, feed_u8(&r->in));
  for (unsigned n = feed_u8(&r->in) % 96; n > 0; n--)
    (void)put(&m, &(uint8_t){ feed_u8(&r->in) }, 1);
  give(r, &m);
}

/* One of a datagram's fragments, of any place and length. */
static void give_fragment(struct run *r)
{
  struct made m = made_from(r, peer());
  const uint8_t where = feed_u8(&r->in), length = feed_u8(&r->in);
  const uint16_t offset = (uint16_t)((where & 31) * (where & 16 ? 250 : 1) << 3);
  uint8_t fragment[8] = { where & 64 ? 58 : 17, 0, (uint8_t)(offset >> 8), (uint8_t)offset, 0, 0, 0,
                          where >> 7 };
  uint8_t text[255] = { 0 };

  fragment[3] |= where >> 5 & 1;
  m.ip.next = IPV6_FRAGMENT;
  (void)put(&m, fragment, sizeof fragment);
  text[0] = where & 64 ? ICMPV6_ECHO : 0;
  text[5] = 255;                              /* UDP's length */
  (void)put(&m, text, length);
  give(r, &m);
}

static void put_option(struct run *r, struct made *m)
{
  const uint8_t what = feed_u8(&r->in);
  uint8_t option[32] = { what & 7, 1 };
  const la_addr net = some_addr(r);

  if ((what & 7) == 3) {                      /* prefix information, RFC 4861 4.6.2 */
    option[1] = 4;
    option[2] = what & 8 ? 64 : feed_u8(&r->in);
    option[3] = what & 0xf0;
    memset(option + 4, what & 16 ? 255 : 0, 8);
    option[7] = feed_u8(&r->in);
    memcpy(option + 16, net.octets, 16);
  } else if ((what & 7) == 5) {               /* MTU */
    option[6] = feed_u8(&r->in);
    option[7] = what;
  } else {
    memcpy(option + 2, peer_mac, 6);
  }
  if (what == 0xff)
    option[1] = 0;
  (void)put(m, option, option[1] ? option[1] * 8u : 8u);
}

/* Solicitations, advertisements and redirects, with options; or a query for listeners. */
static void give_discovery(struct run *r)
{
  static const size_t fixed[5] = { 4, 12, 20, 20, 36 };   /* behind the first four octets */
  const uint8_t what = feed_u8(&r->in), type = (uint8_t)(133 + what % 5);
  struct made m = made_from(r, inner(some_addr(r)));
  uint8_t message[40] = { what & 0x80 ? MLD_QUERY : type };
  const la_addr target = some_addr(r), destination = some_addr(r);
  size_t n = 4 + fixed[what % 5];

  m.ip.next = 58;
  message[4] = feed_u8(&r->in);
  if (type == ICMPV6_ROUTER_ADVERTISEMENT) {
    message[6] = feed_u8(&r->in);
    message[10] = message[14] = what & 0x40 ? feed_u8(&r->in) : 0;
  } else if (n >= 24) {
    memcpy(message + 8, target.octets, 16);
    memcpy(message + 24, destination.octets, n > 24 ? 16 : 0);
  }
  if (message[0] == MLD_QUERY)
    n = MLD_QUERY_LEAST + (what & 4);
  (void)put(&m, message, n);
  for (unsigned options = what >> 4 & 3; options > 0 && message[0] != MLD_QUERY; options--)
    put_option(r, &m);
  sum(&m, 0, 2, 58);
  give(r, &m);
}

/* The network complains of what the stack said last. */
static void give_error(struct run *r)
{
  struct made m = made_from(r, inner(some_addr(r)));
  uint8_t h[8] = { feed_u8(&r->in) % 6, feed_u8(&r->in) % 8, 0, 0, 0, 0, feed_u8(&r->in), 0x40 };
  size_t from;

  put_extensions(r, &m, 58);
  from = m.n;
  (void)put(&m, h, sizeof h);
  (void)put(&m, r->last, r->last_n < 120 ? r->last_n : 120);
  sum(&m, from, 2, 58);
  give(r, &m);
}

static void give_echo(struct run *r)
{
  struct made m = made_from(r, peer());
  uint8_t echo[8 + 255] = { ICMPV6_ECHO };
  size_t from;

  put_extensions(r, &m, 58);
  from = m.n;
  (void)put(&m, echo, 8u + feed_u8(&r->in));
  sum(&m, from, 2, 58);
  give(r, &m);
}

static void give_segment(struct run *r, struct tcp_header *h, const struct ip_addr *from,
                         const struct ip_addr *to)
{
  struct made m = made_from(r, *from);
  const uint8_t text = feed_u8(&r->in);
  uint8_t octets[TCP_HEADER_MAX + 255] = { 0 }, options[TCP_OPTIONS_MAX];
  size_t n, at;

  m.ip.destination = *to;
  h->flags = feed_u8(&r->in);
  h->window = text & 1 ? 65535 : (uint16_t)(text * 8);
  h->seq += feed_delta(&r->in);
  h->ack += feed_delta(&r->in);
  n = tcp_options_write(options, &h->options);
  n = tcp_header_write(octets, h, options, n);
  put_extensions(r, &m, 6);
  at = m.n;
  (void)put(&m, octets, n + text);
  sum(&m, at, 16, 6);
  give(r, &m);
}

/* To a socket of the stack, from whom it would hear. */
static void give_for_socket(struct run *r)
{
  const unsigned number = feed_u8(&r->in) % 8;
  struct ip_addr from = peer(), to = inner(addr6(0x2001, 1));
  struct tcp_header h = { .source = 40000 };
  la_sock cursor = { 0 };
  la_sock_info info;

  for (unsigned i = 0; i <= number && la_sock_next(r->host.stack, &cursor); i++)
    continue;
  if (cursor.bits == 0 || la_sock_get(r->host.stack, cursor, &info) < 0)
    return;
  h.destination = info.local.port;
  h.seq = info.rcv_nxt;
  h.ack = info.snd_nxt;
  if (info.peer.port != 0) {
    h.source = info.peer.port;
    from = inner(info.peer.addr);
    to = inner(info.local.addr);
  } else {
    h.options = (struct tcp_options){ .present = TCP_OPT_MSS | TCP_OPT_TS, .mss = 1220 };
  }
  give_segment(r, &h, &from, &to);
}

/* An answer to the last segment: the peer's next. */
static void answer(struct run *r)
{
  const struct ipv6_upper up = ipv6_upper_find(r->last, r->last_n);
  struct tcp_header said, h = { 0 };
  struct ipv6_header ip;
  size_t n;

  if (ipv6_header_parse(r->last, r->last_n, &ip) == 0 || up.protocol != 6)
    return;
  n = tcp_header_parse(r->last + up.at, r->last_n - up.at, &said);
  if (n == 0)
    return;
  h.source = said.destination;
  h.destination = said.source;
  h.seq = said.ack;
  h.ack = said.seq + (uint32_t)(r->last_n - up.at - n) + ((said.flags & F_SYN) != 0);
  h.ack += (said.flags & F_FIN) != 0;
  if (said.options.present & TCP_OPT_TS)
    h.options = (struct tcp_options){ .present = TCP_OPT_TS, .ts_ecr = said.options.ts_val,
                                      .ts_val = (uint32_t)(r->now / LA_MS) };
  give_segment(r, &h, &ip.destination, &ip.source);
}

/* ---- calls, time, and what is said ---- */

static void hold(struct run *r, int result, la_sock sock)
{
  if (result == 0)
    r->held[r->next_held++ % SOCKETS] = sock;
}

static void open_tcp(struct run *r, bool active)
{
  la_stack *const s = r->host.stack;
  la_sock sock = { 0 };

  hold(r, la_tcp_open(s, NULL, &sock), sock);
  if (active)
    (void)!la_tcp_connect(s, sock, (la_endpoint){ some_addr(r), 80 });
  else if (la_tcp_bind(s, sock, (la_endpoint){ { 0 }, 80 }) == 0)
    (void)!la_tcp_listen(s, sock, 2);
}

static void call(struct run *r)
{
  static const uint8_t text[3000];
  const uint8_t what = feed_u8(&r->in);
  const la_sock sock = r->held[(what >> 4) % SOCKETS];
  la_stack *const s = r->host.stack;
  la_endpoint end = { addr6(0x2001, 2), 4000 };
  la_sock made = { 0 };
  uint8_t got[64];

  switch (what & 15) {
  case 0: case 1: open_tcp(r, what & 1); break;
  case 2: hold(r, la_tcp_accept(s, sock, NULL, &made), made); break;
  case 3: hold(r, la_udp_open(s, (la_endpoint){ { 0 }, 7 }, NULL, &made), made); break;
  case 4: (void)!la_udp_send(s, sock, end, text, feed_u8(&r->in) * 11u); break;
  case 5: (void)!la_udp_recv(s, sock, &end, got, sizeof got); break;
  case 6: (void)!la_udp_close(s, sock); break;
  case 7: case 8: (void)!la_tcp_send(s, sock, text, feed_u8(&r->in) * 11u); break;
  case 9: (void)!la_tcp_recv(s, sock, got, sizeof got); break;
  case 10: (void)!la_tcp_close(s, sock); break;
  case 11: (void)!la_tcp_forget(s, sock); break;
  case 12: (void)!la_addr_add(s, 0, some_addr(r), 64); break;
  case 13: (void)!la_addr_remove(s, 0, some_addr(r)); break;
  case 14: (void)!la_route_add(s, some_addr(r), 64, addr6(0xfe80, 0xfa), 0); break;
  default: (void)!la_neighbor_add(s, 0, some_addr(r), peer_mac); break;
  }
}

static void take(struct run *r, unsigned max)
{
  static uint8_t octets[HOST_PACKET_MAX];
  const size_t link = r->host.iface.medium == LA_MEDIUM_IP ? 0 : ETHER_HEADER;
  size_t n;

  while (max-- > 0 && (n = host_take(&r->host, r->now, octets)) > 0) {
    r->hash = host_hash(r->hash, octets, n);
    if (octets[link] >> 4 != 6)
      continue;                               /* ARP, or IPv4 */
    r->last_n = n - link;
    memcpy(r->last, octets + link, r->last_n);
  }
}

static void pass_time(struct run *r, bool to_deadline)
{
  r->now = host_later(&r->in, r->now, la_deadline(r->host.stack), to_deadline);
}

static void step(struct run *r)
{
  const uint8_t op = feed_u8(&r->in);

  switch (op % 16) {
  case 0: give_octets(r); break;
  case 1: give_udp(r); break;
  case 2: give_fragment(r); break;
  case 3: case 4: give_discovery(r); break;
  case 5: give_error(r); break;
  case 6: give_echo(r); break;
  case 7: give_for_socket(r); break;
  case 8: case 9: answer(r); break;
  case 10: case 11: call(r); break;
  case 12: case 13: take(r, 1 + (op >> 4)); break;
  default: pass_time(r, op & 1); break;
  }
}

static uint64_t run(const uint8_t *data, size_t size)
{
  static struct run r;
  la_config config;
  la_iface iface;
  uint8_t how;

  memset(&r, 0, sizeof r);
  r.in = (struct feed){ data, size };
  r.now = LA_SEC;
  config = host_config(&r.in);
  config.addresses = config.routes = config.neighbors = 6;
  iface = host_iface(&r.in, 0);
  iface.mtu = 1500;
  how = feed_u8(&r.in);
  iface.flags |= (how & 1 ? 0u : (unsigned)LA_IFACE_NO_DAD) | (how & 2 ? LA_IFACE_AUTO6 : 0u);
  host_open(&r.host, 0, &config, &iface, la_ip4(10, 0, 0, 1), r.now);
  claim(la_addr_add(r.host.stack, 0, addr6(0x2001, 1), 64) == 0);
  claim(la_route_add(r.host.stack, addr6(0, 0), 0, addr6(0xfe80, 0xfa), 0) == 0);
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
