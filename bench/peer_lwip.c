/* peer_lwip.c - lwIP against itself over a link in memory; one thread, two interfaces.
 *
 * lwIP has one instance per process, so both ends of a connection live in one table of control
 * blocks.  `lookup N` therefore opens N/2 connections: N control blocks, as one end would have.
 *
 * The link copies a packet out of the sender's buffers into one from the receiver's pool, which is
 * what a driver does; without copies it copies the 40 octets of header and passes the text by
 * reference.  Applications write the pattern and read into a buffer of their own.
 */
#include "bench.h"

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

#include <stdlib.h>
#include <string.h>

enum { RING = 1 << 14, PORT = 7, HEADERS = 40, PORTS = 2 };

struct wire {
  struct netif netif;
  struct pbuf *ring[RING];             /* towards the other end */
  uint32_t head, tail;
};

/* lwIP calls back without a place of its own for any of this. */
static struct {
  struct wire wire[2];                 /* 0: the client's side, 1: the server's */
  uint64_t packets, virtual_ns, received, sent;
  bool copies, verify;
  struct tcp_pcb *accepted;
  uint32_t connected, closed;
} bench;

static uint8_t application[BENCH_PATTERN];

u32_t sys_now(void)
{
  return (u32_t)(bench.virtual_ns / 1000000);
}

uint32_t bench_lwip_random(void)
{
  static uint32_t x = 12345;

  x = x * 1664525u + 1013904223u;
  return x >> 8;
}

/* ---- the link -------------------------------------------------------------------------- */

static struct pbuf *across_with_copy(const struct pbuf *p)
{
  struct pbuf *q = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_POOL);
  uint8_t *to;

  if (q == NULL || q->next != NULL)
    bench_fail("the link has no buffer");
  to = q->payload;
  for (; p != NULL; to += p->len, p = p->next)
    memcpy(to, p->payload, p->len);
  return q;
}

static struct pbuf *across_by_reference(const struct pbuf *p)
{
  struct pbuf *q = pbuf_alloc(PBUF_RAW, HEADERS, PBUF_POOL), *text;

  if (q == NULL || p->len != HEADERS || p->next == NULL || p->next->next != NULL)
    return q != NULL && pbuf_free(q) ? across_with_copy(p) : NULL;
  memcpy(q->payload, p->payload, HEADERS);
  text = pbuf_alloc(PBUF_RAW, p->next->len, PBUF_REF);
  if (text == NULL)
    bench_fail("the link has no reference");
  text->payload = p->next->payload;
  pbuf_cat(q, text);
  return q;
}

static err_t link_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
  struct wire *wire = netif->state;
  struct pbuf *q = bench.copies ? across_with_copy(p) : across_by_reference(p);

  (void)to;
  if (q == NULL || wire->head - wire->tail == RING)
    bench_fail("the link is full");
  wire->ring[wire->head++ % RING] = q;
  return ERR_OK;
}

static err_t link_init(struct netif *netif)
{
  netif->output = link_output;
  netif->mtu = HEADERS + BENCH_MSS;
  return ERR_OK;
}

static void deliver(struct wire *from, struct wire *to)
{
  for (uint32_t end = from->head; from->tail != end; from->tail++) {
    bench.packets++;
    bench.virtual_ns += BENCH_PACKET_NS;
    to->netif.input(from->ring[from->tail % RING], &to->netif);
  }
}

/* Carries packets until both directions are empty. */
static void pump(void)
{
  struct wire *w = bench.wire;

  while (w[0].head != w[0].tail || w[1].head != w[1].tail) {
    deliver(&w[0], &w[1]);
    deliver(&w[1], &w[0]);
  }
  sys_check_timeouts();
}

static void start(const struct bench_args *args, bool checksums, bool copies)
{
  ip4_addr_t address, mask, none = {0};

  lwip_init();
  bench.copies = copies;
  bench.verify = args->verify;
  IP4_ADDR(&mask, 255, 255, 255, 0);
  for (uint8_t i = 0; i < 2; i++) {
    struct netif *netif = &bench.wire[i].netif;

    IP4_ADDR(&address, 10, 0, i, 1);
    netif_add(netif, &address, &mask, &none, &bench.wire[i], link_init, ip_input);
    NETIF_SET_CHECKSUM_CTRL(netif, checksums ? NETIF_CHECKSUM_ENABLE_ALL
                                             : NETIF_CHECKSUM_DISABLE_ALL);
    netif_set_up(netif);
    netif_set_link_up(netif);
  }
}

/* A pool holds at most 65,535 control blocks by its type; it takes more when they are given. */
static void pool_grow(size_t blocks)
{
  size_t size = LWIP_MEM_ALIGN_SIZE(sizeof(struct tcp_pcb));
  uint8_t *memory = bench_memory(blocks * size);

  for (size_t i = 0; i < blocks; i++)
    memp_free(MEMP_TCP_PCB, memory + i * size);
}

/* ---- connections ----------------------------------------------------------------------- */

static err_t serve_bulk(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  (void)arg;
  (void)err;
  if (p == NULL)
    return ERR_OK;
  for (const struct pbuf *q = p; q != NULL; q = q->next) {
    if (bench.copies)
      memcpy(application, q->payload, q->len);
    if (bench.verify)
      bench_verify(bench.received, bench.copies ? application : q->payload, q->len);
    bench.received += q->len;
  }
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

/* Both ends of a ping: read it, and the server writes as much back. */
static err_t serve_ping(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  (void)err;
  if (p == NULL)
    return ERR_OK;
  pbuf_copy_partial(p, application, p->tot_len, 0);
  bench.received += p->tot_len;
  tcp_recved(pcb, p->tot_len);
  if (arg != NULL && tcp_write(pcb, application, p->tot_len, TCP_WRITE_FLAG_COPY) != ERR_OK)
    bench_fail("no room for an answer");
  pbuf_free(p);
  return ERR_OK;
}

/* The passive end of `conn`: closes when the peer has. */
static err_t serve_close(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  (void)arg;
  (void)err;
  if (p != NULL)
    bench_fail("text where none was sent");
  bench.closed++;
  return tcp_close(pcb);
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
  (void)err;
  tcp_nagle_disable(pcb);
  tcp_arg(pcb, &bench);
  tcp_recv(pcb, *(tcp_recv_fn *)arg);
  bench.accepted = pcb;
  return ERR_OK;
}

static void listen_on(uint16_t port, tcp_recv_fn *serve)
{
  struct tcp_pcb *pcb = tcp_new();

  if (tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK)
    bench_fail("cannot bind");
  tcp_bind_netif(pcb, &bench.wire[1].netif);
  pcb = tcp_listen(pcb);
  if (pcb == NULL)
    bench_fail("cannot listen");
  tcp_arg(pcb, serve);
  tcp_accept(pcb, accepted);
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
  (void)arg;
  (void)pcb;
  (void)err;
  bench.connected++;
  return ERR_OK;
}

static void lost(void *arg, err_t err)
{
  (void)arg;
  bench_fail("a connection was lost (%d)", err);
}

/* Local port 0 lets lwIP choose, which walks all control blocks. */
static struct tcp_pcb *connect_to(uint16_t port, uint16_t local_port)
{
  struct tcp_pcb *pcb = tcp_new();
  ip_addr_t server;

  if (pcb == NULL)
    bench_fail("no control block");
  tcp_bind_netif(pcb, &bench.wire[0].netif);
  tcp_nagle_disable(pcb);
  tcp_err(pcb, lost);
  pcb->local_port = local_port;
  IP_ADDR4(&server, 10, 0, 1, 1);
  if (tcp_connect(pcb, &server, port, connected) != ERR_OK)
    bench_fail("cannot connect");
  return pcb;
}

/* ---- modes ------------------------------------------------------------------------------ */

static void send_until(struct tcp_pcb *pcb, uint64_t octets)
{
  uint8_t flags = bench.copies ? TCP_WRITE_FLAG_COPY : 0;

  while (bench.received < octets) {
    while (tcp_sndbuf(pcb) >= TCP_MSS && bench.sent < octets + TCP_SND_BUF) {
      uint16_t some = (uint16_t)LWIP_MIN(tcp_sndbuf(pcb) / TCP_MSS * TCP_MSS, 16 * TCP_MSS);

      if (tcp_write(pcb, bench_pattern() + bench.sent % BENCH_PATTERN, some, flags) != ERR_OK)
        break;
      bench.sent += some;
    }
    tcp_output(pcb);
    pump();
  }
}

static void transfer(const char *mode, const struct bench_args *args, bool checksums, bool copies)
{
  static tcp_recv_fn serve = serve_bulk;
  struct bench_result result = {.mode = mode, .unit = "segment"};
  struct tcp_pcb *pcb;
  uint64_t received, packets;
  double begin;

  start(args, checksums, copies);
  listen_on(PORT, &serve);
  pcb = connect_to(PORT, 0);
  pump();
  send_until(pcb, BENCH_WARMUP);
  received = bench.received;
  packets = bench.packets;
  begin = bench_seconds();
  send_until(pcb, received + args->a * BENCH_MSS);
  result.seconds = bench_seconds() - begin;
  result.octets = bench.received - received;
  result.count = result.octets / BENCH_MSS;
  result.packets = bench.packets - packets;
  bench_report(&result);
}

static void bulk(const struct bench_args *args)
{
  transfer("bulk", args, true, true);
}

static void bulknc(const struct bench_args *args)
{
  transfer("bulknc", args, false, true);
}

static void bulkzc(const struct bench_args *args)
{
  transfer("bulkzc", args, false, false);
}

static void cycle(void)
{
  uint32_t connected_before = bench.connected, closed_before = bench.closed;
  struct tcp_pcb *pcb = connect_to(PORT, 0);

  pump();
  if (bench.connected == connected_before)
    bench_fail("a connection was not made");
  tcp_err(pcb, NULL);
  if (tcp_close(pcb) != ERR_OK)
    bench_fail("cannot close");
  pump();
  if (bench.closed == closed_before)
    bench_fail("a connection was not closed");
}

/* lwIP keeps a TIME_WAIT in a full control block and takes the oldest when none is free, so the
 * pool is given exactly the wanted number and the two that live. */
static void conn(const struct bench_args *args)
{
  static tcp_recv_fn serve = serve_close;
  struct bench_result result = {.mode = "conn", .unit = "cycle", .count = args->a};
  double begin;

  start(args, true, true);
  if (args->b + 2 > MEMP_NUM_TCP_PCB)
    pool_grow(args->b + 2 - MEMP_NUM_TCP_PCB);
  listen_on(PORT, &serve);
  for (uint64_t i = 0; i < args->b + 2; i++)
    cycle();
  result.packets = bench.packets;
  begin = bench_seconds();
  for (uint64_t i = 0; i < args->a; i++)
    cycle();
  result.seconds = bench_seconds() - begin;
  result.packets = bench.packets - result.packets;
  bench_report(&result);
}

/* One trip on each connection of a batch; returns how many that were. */
static uint32_t ping(struct tcp_pcb **pcbs, uint32_t n)
{
  uint32_t which[BENCH_RR_BATCH], batch = bench_draw(n, which);
  uint64_t received = bench.received;

  for (uint32_t i = 0; i < batch; i++) {
    struct tcp_pcb *pcb = pcbs[which[i]];

    if (tcp_write(pcb, bench_pattern(), BENCH_RR_OCTETS, TCP_WRITE_FLAG_COPY) != ERR_OK)
      bench_fail("no room for a ping");
    tcp_output(pcb);
  }
  pump();
  if (bench.received != received + 2 * BENCH_RR_OCTETS * batch)
    bench_fail("a ping was not answered");
  return batch;
}

static void pings(const char *mode, uint64_t trips, struct tcp_pcb **pcbs, uint32_t n)
{
  struct bench_result result = {.mode = mode, .unit = "trip"};
  uint64_t warm = 0;
  double begin;

  while (warm < trips / 8 + 1)
    warm += ping(pcbs, n);
  result.packets = bench.packets;
  begin = bench_seconds();
  while (result.count < trips)
    result.count += ping(pcbs, n);
  result.seconds = bench_seconds() - begin;
  result.octets = result.count * 2 * BENCH_RR_OCTETS;
  result.packets = bench.packets - result.packets;
  bench_report(&result);
}

static void rr(const struct bench_args *args)
{
  static tcp_recv_fn serve = serve_ping;
  struct tcp_pcb *pcb;

  start(args, true, true);
  listen_on(PORT, &serve);
  pcb = connect_to(PORT, 0);
  pump();
  tcp_recv(pcb, serve_ping);
  tcp_arg(pcb, NULL);
  pings("rr", args->a, &pcb, 1);
}

/* Opening is quadratic in lwIP: a SYN is looked for in all control blocks.  While the connections
 * are made, those that are open already are taken off the list; the measurement has them all. */
static void lookup(const struct bench_args *args)
{
  static tcp_recv_fn serve = serve_ping;
  uint32_t n = (uint32_t)(args->a / 2);
  struct tcp_pcb **pcbs = calloc(n + 1, sizeof *pcbs), *open = NULL, *last;

  start(args, true, true);
  if (pcbs == NULL || n == 0)
    bench_fail("lookup wants at least two");
  pool_grow(2 * (size_t)n);
  for (uint16_t i = 0; i < PORTS; i++)
    listen_on((uint16_t)(PORT + i), &serve);
  for (uint32_t i = 0; i < n; i++) {
    pcbs[i] = connect_to((uint16_t)(PORT + i % PORTS), (uint16_t)(10000 + i / PORTS));
    pump();
    tcp_recv(pcbs[i], serve_ping);
    tcp_arg(pcbs[i], NULL);
    for (last = tcp_active_pcbs; last->next != NULL; last = last->next)
      continue;
    last->next = open;
    open = tcp_active_pcbs;
    tcp_active_pcbs = NULL;
  }
  if (bench.connected != n)
    bench_fail("%u connections of %u were made", bench.connected, n);
  tcp_active_pcbs = open;
  pings("lookup", args->b, pcbs, n);
  free(pcbs);
}

static void sizes(const struct bench_args *args)
{
  (void)args;
  bench_report_size("control block (every state, TIME_WAIT too)", sizeof(struct tcp_pcb));
  bench_report_size("listener", sizeof(struct tcp_pcb_listen));
  bench_report_size("queued segment", sizeof(struct tcp_seg));
  bench_report_size("packet buffer without octets", sizeof(struct pbuf));
}

int main(int argc, char **argv)
{
  static const struct bench_mode modes[] = {
    {"bulk", "SEGMENTS", 1, bulk},      {"bulknc", "SEGMENTS", 1, bulknc},
    {"bulkzc", "SEGMENTS", 1, bulkzc},  {"conn", "CYCLES TIME_WAITS", 2, conn},
    {"rr", "TRIPS", 1, rr},             {"lookup", "CONNECTIONS TRIPS", 2, lookup},
    {"sizes", "", 0, sizes},
  };

  return bench_main(argc, argv, modes, sizeof modes / sizeof modes[0]);
}
