/* host.c - a small stack for a harness. */
#include "host.h"

#include <stdio.h>
#include <string.h>

#include "base/csum.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/print.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { BLOCK = 1 << 20, QUIET_TURNS = 20000 };

la_config host_config(struct feed *f)
{
  const uint8_t a = feed_u8(f), b = feed_u8(f);
  la_config c;

  la_config_default(&c);
  c.tcp_connections = 4 + a % 8;
  c.tcp_time_waits = a >> 3 & 3;
  c.tcp_half_open = 1 + (a >> 5 & 3);
  c.udp_sockets = 2;
  c.interfaces = 2;
  c.addresses = 3;
  c.routes = 3;
  c.neighbors = 3;
  c.reassemblies = 2;
  c.slabs = 8u << (b & 3);
  c.slab_size = b & 4 ? 600 : 2048;
  c.foreign_slabs = HOST_LENT;
  c.chunks = b & 8 ? 12 : 0;
  c.ranges = b & 16 ? 3 : 0;
  c.replies = 4;
  c.send_buffer = c.receive_buffer = 1u << (10 + (b >> 5 & 7));
  c.trace_entries = a & 128 ? 8 : 0;
  c.no_timestamps = (a ^ b) % 5 == 0;
  c.no_sack = (a ^ b) % 7 == 0;
  c.no_window_scale = (a ^ b) % 11 == 0;
  c.no_syn_cookies = (a ^ b) % 3 == 0;
  memcpy(c.secret, "a fuzzer's secret", 16);
  return c;
}

la_iface host_iface(struct feed *f, int number)
{
  const uint8_t a = feed_u8(f);
  la_iface iface = {
    .medium = a & 1 ? LA_MEDIUM_ETHERNET : LA_MEDIUM_IP, .mtu = a & 2 ? 1500 : 576,
    .flags = LA_IFACE_UP | (a & 4 ? LA_IFACE_CSUM_TX : 0),
    .mac = { 2, 0, 0, 0, 0, (uint8_t)(number + 1) }, .name = "fuzz0",
  };

  if (a & 8)
    iface.gso_max = 8000;
  return iface;
}

void host_open(struct host *h, int block, const la_config *config, const la_iface *iface,
               la_addr addr, la_time now)
{
  static uint8_t *blocks[HOST_BLOCKS], buffers[HOST_BLOCKS][HOST_LENT][HOST_LENT_SIZE];

  if (!blocks[block])
    blocks[block] = aligned_alloc(64, BLOCK);
  h->size = la_size(config);
  claim(h->size > 0 && h->size <= BLOCK);
  memset(blocks[block], 0xa5, h->size);
  h->stack = la_init(blocks[block], h->size, config, now);
  h->addr = addr;
  h->iface = *iface;
  h->block = block;
  for (h->lents = 0; h->lents < HOST_LENT; h->lents++)
    h->lent[h->lents] = buffers[block][h->lents];
  claim(h->stack != NULL);
  claim(la_iface_add(h->stack, iface) == 0);
  claim(la_addr_add(h->stack, 0, addr, 24) == 0);
  claim(la_route_add(h->stack, la_ip4(0, 0, 0, 0), 0, la_ip4(10, 0, 0, 250), 0) == 0);
}

/* ---- telling ---- */

bool host_telling(void)
{
  static int telling = -1;

  if (telling < 0)
    telling = getenv("FUZZ_TELL") != NULL;
  return telling;
}

void host_tell(const struct host *h, la_time now, const char *what)
{
  if (host_telling())
    fprintf(stderr, "%12.6f host %d %s\n", (double)now / 1e9, h->block, what);
}

void host_tell_packet(const struct host *h, la_time now, const char *what, const uint8_t *octets,
                      size_t n)
{
  const struct print_bases bases = { 0, 0 };
  char line[400];
  struct text t = text_of(line, sizeof line);

  if (!host_telling())
    return;
  text_add_str(&t, what);
  text_add_char(&t, ' ');
  (h->iface.medium == LA_MEDIUM_IP ? print_ip : print_ether)(&t, octets, n, &bases);
  host_tell(h, now, line);
}

void host_tell_story(const struct host *h, la_sock sock)
{
  la_trace trace[64];
  char text[200];
  const size_t n = host_telling() ? la_sock_trace(h->stack, sock, trace, 64) : 0;

  for (size_t i = 0; i < n; i++) {
    la_trace_text(&trace[i], text, sizeof text);
    host_tell(h, trace[i].at, text);
  }
}

void host_tell_sockets(const struct host *h)
{
  la_sock cursor = { 0 };
  la_sock_info info;
  char line[200];

  while (host_telling() && la_sock_next(h->stack, &cursor)) {
    struct text t = text_of(line, sizeof line);

    if (la_sock_get(h->stack, cursor, &info) < 0)
      continue;
    text_add_str(&t, "socket ");
    text_add_u64(&t, info.local.port);
    text_add_char(&t, ' ');
    text_add_u64(&t, info.peer.port);
    text_add_char(&t, ' ');
    text_add_str(&t, la_state_name(info.state));
    text_add_str(&t, ": to send, unread, out of order ");
    text_add_u64(&t, info.send_queue);
    text_add_char(&t, ' ');
    text_add_u64(&t, info.receive_queue);
    text_add_char(&t, ' ');
    text_add_u64(&t, info.out_of_order);
    host_tell(h, la_now(h->stack), line);
  }
}

/* ---- in ---- */

static void lent_come_back(struct host *h)
{
  void *owners[HOST_LENT];

  for (size_t n = la_slab_returned(h->stack, owners, HOST_LENT); n > 0; n--)
    if (owners[n - 1])                        /* NULL: the harness's own business */
      h->lent[h->lents++] = owners[n - 1];
}

/* A slab with as many of the octets as it holds; *held says how many. */
static la_slab *slab_with(struct host *h, const uint8_t *octets, size_t n, bool lent, size_t *held)
{
  la_slab *slab = NULL;

  if (lent) {
    lent_come_back(h);
    if (h->lents == 0)
      return NULL;
    uint8_t *const buffer = h->lent[h->lents - 1];

    if (la_slab_wrap(h->stack, buffer, HOST_LENT_SIZE, buffer, &slab) < 0)
      return NULL;
    h->lents--;
  } else if (la_slab_get(h->stack, &slab) < 0) {
    return NULL;
  }
  *held = n < la_slab_size(slab) ? n : la_slab_size(slab);
  memcpy(la_slab_octets(slab), octets, *held);
  return slab;
}

void host_give_with(struct host *h, const la_pkt *how, const uint8_t *octets, size_t n, bool lent,
                    size_t cut)
{
  la_pkt pkt = *how;

  host_tell_packet(h, how->at, "<", octets, n);
  for (pkt.frags = 0; n > 0 && pkt.frags < LA_PKT_FRAGS; pkt.frags++) {
    size_t piece = pkt.frags == 0 && cut > 0 && cut < n ? cut : n;
    la_slab *const slab = slab_with(h, octets, piece, lent, &piece);

    if (!slab)
      break;
    pkt.frag[pkt.frags] = (la_frag){ slab, 0, (uint32_t)piece };
    octets += piece;
    n -= piece;
  }
  claim(la_input(h->stack, how->at, &pkt, 1) <= 1);
}

void host_give(struct host *h, la_time now, const uint8_t *octets, size_t n, bool lent, size_t cut)
{
  host_give_with(h, &(la_pkt){ .at = now }, octets, n, lent, cut);
}

/* ---- out ---- */

static size_t first_piece(struct host *h, const la_pkt *super, uint8_t *octets)
{
  la_pkt piece;
  size_t n;

  if (la_gso_split(h->stack, super, 0, &piece, 1) == 0)
    return 0;
  n = la_pkt_copy(&piece, octets, HOST_PACKET_MAX);
  claim(n == la_pkt_length(&piece));
  la_pkt_release(h->stack, &piece);
  return n;
}

size_t host_take(struct host *h, la_time now, uint8_t *octets)
{
  la_pkt pkt;
  size_t n;

  if (la_output(h->stack, now, &pkt, 1) == 0)
    return 0;
  claim(pkt.iface == 0 && pkt.frags <= LA_PKT_FRAGS && pkt.head_length <= LA_PKT_HEAD);
  claim(la_pkt_length(&pkt) <= HOST_PACKET_MAX);
  n = la_pkt_copy(&pkt, octets, HOST_PACKET_MAX);
  claim(n > 0 && n == la_pkt_length(&pkt));
  host_tell_packet(h, now, ">", octets, n);
  host_check_packet(h, octets, n, !(pkt.flags & LA_PKT_CSUM_PARTIAL));
  if (pkt.gso_size > 0 || pkt.flags & LA_PKT_CSUM_PARTIAL) {
    n = first_piece(h, &pkt, octets);
    if (n > 0)
      host_check_packet(h, octets, n, true);
  }
  la_pkt_release(h->stack, &pkt);
  return n;
}

/* `headers`: the pseudo-header's addresses; its checksum is looked at if `checksums`. */
static void check_transport(const struct ends *headers, uint8_t protocol, const uint8_t *octets,
                            size_t n, bool checksums)
{
  struct tcp_header tcp;
  struct udp_header udp;
  struct csum c = { 0 };

  if (protocol == IP_TCP)
    claim(tcp_header_parse(octets, n, &tcp) > 0);
  else if (protocol == IP_UDP)
    claim(udp_header_parse(octets, n, &udp) > 0 && udp.length == n);
  else
    claim((protocol == IP_ICMP || protocol == IP_ICMPV6) && n >= ICMP_HEADER);
  if (!checksums || (protocol == IP_UDP && udp.checksum == 0 && ip_addr_is4(&headers->local)))
    return;
  if (protocol != IP_ICMP)
    ip_pseudo_sum(&c, &headers->local, &headers->peer, protocol, (uint32_t)n);
  csum_add(&c, octets, n);
  claim(csum_good(&c));
}

static void check_ip4(const uint8_t *octets, size_t n, bool checksums)
{
  struct ipv4_header ip;
  const size_t header = ipv4_header_parse(octets, n, &ip);

  claim(header == IPV4_HEADER_MIN && ip.total == n && ip.ttl > 0);
  claim(ipv4_header_sum_good(octets, header));
  claim(!(ip.dont_fragment && ip.more_fragments));
  const struct ends ends = { .local = ip_addr_of4(ip.source), .peer = ip_addr_of4(ip.destination) };

  if (ip.offset > 0 || ip.more_fragments)
    claim(ip.protocol != IP_TCP);             /* which is never fragmented here */
  else
    check_transport(&ends, ip.protocol, octets + header, n - header, checksums);
}

static void check_ip6(const uint8_t *octets, size_t n, bool checksums)
{
  struct ipv6_header ip;
  struct ipv6_upper up;

  claim(ipv6_header_parse(octets, n, &ip) == IPV6_HEADER);
  claim(n == (size_t)IPV6_HEADER + ip.payload && ip.hop_limit > 0);
  claim(ip.source.octets[0] != 0xff);
  up = ipv6_upper_find(octets, n);
  claim(up.fault == IPV6_FINE && up.at <= n);
  const struct ends ends = { .local = ip.source, .peer = ip.destination };

  if (up.fragment)
    claim(up.protocol != IP_TCP);
  else
    check_transport(&ends, up.protocol, octets + up.at, n - up.at, checksums);
}

static void check_ip(const uint8_t *octets, size_t n, bool checksums)
{
  claim(n > 0);
  (octets[0] >> 4 == 6 ? check_ip6 : check_ip4)(octets, n, checksums);
}

void host_check_packet(const struct host *h, const uint8_t *octets, size_t n, bool checksums)
{
  struct ether_header ether;
  struct arp arp;

  if (h->iface.medium == LA_MEDIUM_IP) {
    check_ip(octets, n, checksums);
    return;
  }
  claim(ether_header_parse(octets, n, &ether) > 0);
  claim(memcmp(ether.from, h->iface.mac, sizeof ether.from) == 0);
  if (ether.type == ETHER_ARP)
    claim(arp_parse(octets + ETHER_HEADER, n - ETHER_HEADER, &arp) > 0);
  else
    check_ip(octets + ETHER_HEADER, n - ETHER_HEADER, checksums);
}

/* ---- what each run does ---- */

la_time host_later(struct feed *in, la_time now, la_time deadline, bool to_deadline)
{
  if (!to_deadline)
    return now + feed_time(in);
  return deadline != LA_NEVER && deadline > now ? deadline : now;
}

uint64_t host_hash(uint64_t so_far, const void *octets, size_t n)
{
  for (size_t i = 0; i < n; i++)
    so_far = (so_far ^ ((const uint8_t *)octets)[i]) * UINT64_C(0x100000001b3);
  return so_far;
}

/* One in four: the second run costs as much as another input. */
void host_run_alike(uint64_t (*run)(const uint8_t *data, size_t size), const uint8_t *data,
                    size_t size)
{
  const uint64_t hash = run(data, size);

  if (size % 4 == 0)
    claim(run(data, size) == hash);
}

/* ---- the end ---- */

static void drop_handles(struct host *h)
{
  la_sock cursor = { 0 };

  while (la_sock_next(h->stack, &cursor)) {
    if (la_tcp_abort(h->stack, cursor) < 0)   /* not ours to abort, or of UDP */
      (void)!la_udp_close(h->stack, cursor);
  }
}

/* Who is owed an event is told: until then la_deadline is in the past. */
static void hear_all(struct host *h)
{
  la_event events[8];
  int turns = 0;

  while (la_events(h->stack, events, 8) > 0)
    claim(++turns < QUIET_TURNS);
}

/* Nothing outlives its owner but what an operator has set. */
static void check_pools(const struct host *h)
{
  static const char *const stays[] = { "interfaces", "addresses", "routes", "neighbors" };
  const char *name;
  uint32_t used, peak, size;

  for (unsigned n = 0; la_pool_get(h->stack, n, &name, &used, &peak, &size); n++) {
    bool may_stay = false;

    for (size_t i = 0; i < sizeof stays / sizeof *stays; i++)
      may_stay |= strcmp(stays[i], name) == 0;
    claim(peak >= used && size >= peak);
    if (used > 0 && !may_stay)
      host_tell(h, la_now(h->stack), name);
    claim(used == 0 || may_stay);
  }
}

void host_close(struct host *h, la_time now)
{
  static uint8_t octets[HOST_PACKET_MAX];
  int turns = 0;

  drop_handles(h);
  for (hear_all(h); la_deadline(h->stack) != LA_NEVER; hear_all(h)) {
    claim(++turns < QUIET_TURNS);
    if (la_deadline(h->stack) > now)
      now = la_deadline(h->stack);
    while (host_take(h, now, octets) > 0)
      claim(++turns < QUIET_TURNS);
  }
  lent_come_back(h);
  check_pools(h);
  la_fini(h->stack);
}
