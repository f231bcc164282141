/* lastack_mem.c - lastack against itself over a link in memory; one thread, two stacks.
 *
 * The link does what peer_lwip's does: it copies each packet into one slab of the receiver, or,
 * without copies, copies the header and lends the text where it lies.  Timestamps are off, as
 * they are in lwIP, so that a full segment carries the same 1,460 octets; everything else is as
 * la_config_default has it but for the sizes of the pools.
 */
#include "bench.h"

#include "lastack.h"

#include <stdlib.h>
#include <string.h>

enum {
  BATCH = 64, SUPER = 44, HEADERS_MAX = 80, SERVER_PORT = 7, PORTS = 2,
  WINDOW = 44 * BENCH_MSS, CHUNK = 16 * BENCH_MSS
};

struct side {
  la_stack *stack;
  int iface;
  la_addr addr;
};

static struct {
  struct side side[2];                   /* 0: the client, 1: the server */
  la_time now;
  uint64_t packets, received, sent;
  bool copies, verify, answering;
  la_sock listener[PORTS], accepted;
  uint32_t accepts, connected, closed;
} bench;

static uint8_t application[BENCH_PATTERN];

static void must(int result, const char *what)
{
  if (result < 0)
    bench_fail("%s: %s", what, la_strerror(result));
}

/* ---- the link -------------------------------------------------------------------------- */

static bool across_with_copy(const struct side *to, const la_pkt *from, la_pkt *pkt)
{
  la_slab *slab;
  uint8_t *octets;
  uint32_t length;

  if (la_slab_get(to->stack, &slab) < 0)
    return false;
  octets = la_slab_octets(slab);
  memcpy(octets, from->head, HEADERS_MAX);  /* a size that is known is no call; text comes after */
  length = from->head_length;
  for (unsigned i = 0; i < from->frags; i++) {
    const la_frag *frag = &from->frag[i];

    memcpy(octets + length, la_slab_octets(frag->slab) + frag->offset, frag->length);
    length += frag->length;
  }
  pkt->frag[0] = (la_frag){slab, 0, length};
  pkt->frags = 1;
  return true;
}

/* The owner of a lent slab is the sender's, which is held until the receiver has let go. */
static bool across_by_reference(const struct side *to, const la_pkt *from, la_pkt *pkt)
{
  la_slab *slab;

  if (la_slab_get(to->stack, &slab) < 0)
    return false;
  memcpy(la_slab_octets(slab), from->head, from->head_length);
  pkt->frag[0] = (la_frag){slab, 0, from->head_length};
  pkt->frags = 1;
  for (unsigned i = 0; i < from->frags; i++) {
    const la_frag *text = &from->frag[i];

    if (la_slab_wrap(to->stack, la_slab_octets(text->slab) + text->offset, text->length,
                     text->slab, &slab) < 0)
      bench_fail("the link has no reference");
    la_slab_hold(text->slab);
    pkt->frag[pkt->frags++] = (la_frag){slab, 0, text->length};
  }
  return true;
}

static void take_back(const struct side *from, const struct side *to)
{
  void *owners[BATCH];
  size_t n;

  while ((n = la_slab_returned(to->stack, owners, BATCH)) > 0)
    for (size_t i = 0; i < n; i++)
      la_slab_release(from->stack, owners[i]);
}

/* What a receiver needs to know of a packet, and its octets. */
static void cross(const struct side *from, const struct side *to, la_pkt *out, la_pkt *in)
{
  memcpy(in, out, offsetof(la_pkt, frag));
  in->at = bench.now;
  in->iface = (uint16_t)to->iface;
  in->head_length = 0;
  if (!(bench.copies ? across_with_copy : across_by_reference)(to, out, in))
    bench_fail("the link has no buffer");
  la_pkt_release(from->stack, out);
}

static void arrive(const struct side *from, const struct side *to, la_pkt *in, size_t n)
{
  bench.packets += n;
  bench.now += (la_time)n * BENCH_PACKET_NS;
  la_input(to->stack, bench.now, in, n);
  if (!bench.copies)
    take_back(from, to);
}

/* The link carries segments: a super-segment is cut, as a driver without offloads does. `n`
 * packets wait in `in` already; how many do then. */
static size_t cross_super(const struct side *from, const struct side *to, la_pkt *super,
                          la_pkt *in, size_t n)
{
  static la_pkt pieces[SUPER];
  size_t k = la_gso_split(from->stack, super, 0, pieces, SUPER);

  if (n + k > BATCH) {
    arrive(from, to, in, n);
    n = 0;
  }
  for (size_t i = 0; i < k; i++)
    cross(from, to, &pieces[i], &in[n++]);
  la_pkt_release(from->stack, super);
  return n;
}

/* One batch from one stack to the other; how many packets the sender gave. */
static size_t carry(const struct side *from, const struct side *to)
{
  static la_pkt out[BATCH], in[BATCH];
  size_t n = la_output(from->stack, bench.now, out, BATCH), waiting = 0;

  for (size_t i = 0; i < n; i++) {
    if (out[i].gso_size > 0) {
      waiting = cross_super(from, to, &out[i], in, waiting);
    } else if (waiting < BATCH) {
      cross(from, to, &out[i], &in[waiting++]);
    } else {
      arrive(from, to, in, waiting);
      cross(from, to, &out[i], &in[0]);
      waiting = 1;
    }
  }
  if (waiting > 0)
    arrive(from, to, in, waiting);
  return n;
}

/* ---- the applications ------------------------------------------------------------------ */

static void swallow(la_stack *s, la_sock sock)
{
  int n;

  while ((n = la_tcp_recv(s, sock, application, sizeof application)) > 0) {
    if (bench.verify)
      bench_verify(bench.received, application, (size_t)n);
    bench.received += (uint64_t)n;
  }
}

static void swallow_by_reference(la_stack *s, la_sock sock)
{
  la_frag frag[16];
  int n;

  while ((n = la_tcp_peek(s, sock, frag, 16)) > 0) {
    uint32_t octets = 0;

    for (int i = 0; i < n; i++) {
      if (bench.verify)
        bench_verify(bench.received + octets, la_slab_octets(frag[i].slab) + frag[i].offset,
                     frag[i].length);
      octets += frag[i].length;
    }
    must(la_tcp_consume(s, sock, octets), "consume");
    bench.received += octets;
  }
}

static void answer(la_stack *s, la_sock sock)
{
  int n = la_tcp_recv(s, sock, application, sizeof application);

  if (n <= 0)
    return;
  bench.received += (uint64_t)n;
  if (la_tcp_send(s, sock, application, (uint32_t)n) != n)
    bench_fail("no room for an answer");
}

static void serve(la_stack *s, const la_event *event)
{
  switch (event->kind) {
  case LA_EV_ACCEPT:
    must(la_tcp_accept(s, event->sock, &bench, &bench.accepted), "accept");
    bench.accepts++;
    break;
  case LA_EV_CONNECTED:
    bench.connected++;
    break;
  case LA_EV_READABLE:
    if (bench.answering && event->user != NULL)
      answer(s, event->sock);
    else if (bench.copies)
      swallow(s, event->sock);
    else
      swallow_by_reference(s, event->sock);
    break;
  case LA_EV_PEER_CLOSED:
    if (event->user != NULL)
      must(la_tcp_forget(s, event->sock), "forget");
    bench.closed++;
    break;
  case LA_EV_CLOSED:
    if (event->error != LA_OK)
      bench_fail("a connection was lost: %s", la_strerror(event->error));
    break;
  default:
    break;
  }
}

static void serve_all(const struct side *side)
{
  la_event events[BATCH];
  size_t n;

  while ((n = la_events(side->stack, events, BATCH)) > 0)
    for (size_t i = 0; i < n; i++)
      serve(side->stack, &events[i]);
}

/* Carries packets and serves events until both stacks have nothing to say now. */
static void pump(void)
{
  size_t moved;

  do {
    moved = carry(&bench.side[0], &bench.side[1]);
    serve_all(&bench.side[1]);
    moved += carry(&bench.side[1], &bench.side[0]);
    serve_all(&bench.side[0]);
  } while (moved > 0);
}

/* ---- two stacks ------------------------------------------------------------------------- */

static la_config config_for(uint32_t connections, uint32_t time_waits)
{
  la_config config;

  la_config_default(&config);
  config.tcp_connections = connections;
  config.tcp_time_waits = time_waits;
  config.tcp_half_open = connections;
  config.interfaces = 1;
  config.slabs = 1024;
  config.foreign_slabs = 1024;
  config.send_buffer = config.receive_buffer = WINDOW;
  config.port_first = 1024;
  config.no_timestamps = true;
  return config;
}

static void start_side(struct side *side, uint8_t number, const la_config *config, bool checksums)
{
  la_iface iface = {.medium = LA_MEDIUM_IP, .mtu = 40 + BENCH_MSS, .gso_max = SUPER * BENCH_MSS,
                    .name = "mem0"};
  size_t size = la_size(config);
  void *memory = size > 0 ? bench_memory(size) : NULL;

  if (memory == NULL)
    bench_fail("no memory for a stack of %zu octets", size);
  side->stack = la_init(memory, size, config, bench.now);
  if (side->stack == NULL)
    bench_fail("this configuration makes no stack");
  iface.flags = checksums ? LA_IFACE_UP : LA_IFACE_UP | LA_IFACE_CSUM_TX;
  if (!checksums)                         /* la_gso_split would make them */
    iface.gso_max = 0;
  side->iface = la_iface_add(side->stack, &iface);
  must(side->iface, "interface");
  side->addr = la_ip4(10, 0, 0, number);
  must(la_addr_add(side->stack, side->iface, side->addr, 24), "address");
}

/* The client, which sends, keeps the slabs of la_config_default, and cuts large segments out of
 * them. The server, which receives packet by packet, has slabs of two segments: text that fills
 * half of its slab stays where it lies. */
static void start(const struct bench_args *args, const la_config *config, bool checksums,
                  bool copies)
{
  la_config peer = *config;

  bench.copies = copies;
  bench.verify = args->verify;
  peer.secret[0]++;
  if (peer.slab_size > 2 * BENCH_MSS)
    peer.slab_size = 2 * BENCH_MSS;
  start_side(&bench.side[0], 1, config, checksums);
  start_side(&bench.side[1], 2, &peer, checksums);
  for (uint16_t i = 0; i < PORTS; i++) {
    la_stack *s = bench.side[1].stack;
    la_endpoint local = {.port = (uint16_t)(SERVER_PORT + i)};

    must(la_tcp_open(s, &bench, &bench.listener[i]), "open");
    must(la_tcp_set(s, bench.listener[i], LA_OPT_NODELAY, 1), "nodelay");
    must(la_tcp_bind(s, bench.listener[i], local), "bind");
    must(la_tcp_listen(s, bench.listener[i], 128), "listen");
  }
}

static la_sock connect_to(uint16_t port)
{
  la_stack *s = bench.side[0].stack;
  la_endpoint peer = {.addr = bench.side[1].addr, .port = port};
  uint32_t connected = bench.connected, accepts = bench.accepts;
  la_sock sock;

  must(la_tcp_open(s, NULL, &sock), "open");
  must(la_tcp_set(s, sock, LA_OPT_NODELAY, 1), "nodelay");
  must(la_tcp_connect(s, sock, peer), "connect");
  pump();
  if (bench.connected != connected + 1 || bench.accepts != accepts + 1)
    bench_fail("a connection was not made");
  return sock;
}

/* ---- modes ------------------------------------------------------------------------------ */

static void offer(la_sock sock, uint64_t octets)
{
  la_stack *s = bench.side[0].stack;

  while (bench.sent < octets) {
    int n = la_tcp_send(s, sock, bench_pattern() + bench.sent % BENCH_PATTERN, CHUNK);

    if (n == -LA_EAGAIN)
      break;
    must(n, "send");
    bench.sent += (uint64_t)n;
  }
}

/* All or nothing: as much as there is room for, out of the pattern itself. */
static void lend(la_sock sock, la_slab *pattern, uint64_t octets)
{
  la_stack *s = bench.side[0].stack;

  while (bench.sent < octets && bench.sent - bench.received + CHUNK <= WINDOW) {
    la_frag frag = {pattern, (uint32_t)(bench.sent % BENCH_PATTERN), CHUNK};
    int result = la_tcp_send_frags(s, sock, &frag, 1);

    if (result == -LA_EAGAIN)
      break;
    must(result, "lend");
    bench.sent += CHUNK;
  }
}

static void send_until(la_sock sock, la_slab *pattern, uint64_t octets)
{
  while (bench.received < octets) {
    uint64_t received = bench.received;

    if (pattern == NULL)
      offer(sock, octets + WINDOW);
    else
      lend(sock, pattern, octets + WINDOW);
    pump();
    if (bench.received == received)
      bench_fail("nothing moves any more");
  }
}

static void transfer(const char *mode, const struct bench_args *args, bool checksums, bool copies)
{
  struct bench_result result = {.mode = mode, .unit = "segment"};
  la_config config = config_for(16, 16);
  la_slab *pattern = NULL;
  uint64_t received, packets;
  la_sock sock;
  double begin;

  start(args, &config, checksums, copies);
  sock = connect_to(SERVER_PORT);
  if (!copies)
    must(la_slab_wrap(bench.side[0].stack, (void *)(uintptr_t)bench_pattern(), 2 * BENCH_PATTERN,
                      &bench, &pattern), "wrap");
  send_until(sock, pattern, BENCH_WARMUP);
  received = bench.received;
  packets = bench.packets;
  begin = bench_seconds();
  send_until(sock, pattern, received + args->a * BENCH_MSS);
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
  uint32_t closed = bench.closed;
  la_sock sock = connect_to(SERVER_PORT);

  must(la_tcp_forget(bench.side[0].stack, sock), "forget");
  pump();
  if (bench.closed == closed)
    bench_fail("a connection was not closed");
}

static void conn(const struct bench_args *args)
{
  struct bench_result result = {.mode = "conn", .unit = "cycle", .count = args->a};
  la_config config = config_for(16, (uint32_t)args->b);
  double begin;

  start(args, &config, true, true);
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
static uint32_t ping(const la_sock *socks, uint32_t n)
{
  uint32_t which[BENCH_RR_BATCH], batch = bench_draw(n, which);
  la_stack *s = bench.side[0].stack;
  uint64_t received = bench.received;

  for (uint32_t i = 0; i < batch; i++)
    if (la_tcp_send(s, socks[which[i]], bench_pattern(), BENCH_RR_OCTETS) != BENCH_RR_OCTETS)
      bench_fail("no room for a ping");
  pump();
  if (bench.received != received + 2 * BENCH_RR_OCTETS * batch)
    bench_fail("a ping was not answered");
  return batch;
}

static void pings(const char *mode, uint64_t trips, const la_sock *socks, uint32_t n)
{
  struct bench_result result = {.mode = mode, .unit = "trip"};
  uint64_t warm = 0;
  double begin;

  while (warm < trips / 8 + 1)
    warm += ping(socks, n);
  result.packets = bench.packets;
  begin = bench_seconds();
  while (result.count < trips)
    result.count += ping(socks, n);
  result.seconds = bench_seconds() - begin;
  result.octets = result.count * 2 * BENCH_RR_OCTETS;
  result.packets = bench.packets - result.packets;
  bench_report(&result);
}

static void rr(const struct bench_args *args)
{
  la_config config = config_for(16, 16);
  la_sock sock;

  start(args, &config, true, true);
  bench.answering = true;
  sock = connect_to(SERVER_PORT);
  pings("rr", args->a, &sock, 1);
}

static void lookup(const struct bench_args *args)
{
  uint32_t n = (uint32_t)args->a;
  la_config config = config_for(n + 16, 16);
  la_sock *socks = calloc(n, sizeof *socks);

  if (socks == NULL)
    bench_fail("no memory");
  config.slab_size = 576;                 /* 64 octets may wait in each for a delayed ACK */
  config.slabs += 2 * n;
  start(args, &config, true, true);
  bench.answering = true;
  for (uint32_t i = 0; i < n; i++)
    socks[i] = connect_to((uint16_t)(SERVER_PORT + i % PORTS));
  pings("lookup", args->b, socks, n);
  free(socks);
}

/* What la_size asks for one more, all pools and tables that grow with it included. */
static size_t marginal(uint32_t connections, uint32_t time_waits)
{
  enum { BASE = 1 << 16, MORE = 1 << 16 };
  la_config less = config_for(BASE, BASE);
  la_config more = config_for(BASE + connections * MORE, BASE + time_waits * MORE);

  less.tcp_half_open = more.tcp_half_open = 16;
  return (la_size(&more) - la_size(&less)) / MORE;
}

static void sizes(const struct bench_args *args)
{
  const char *name;
  size_t octets;

  (void)args;
  for (unsigned i = 0; (octets = la_object_size(i, &name)) > 0; i++)
    bench_report_size(name, octets);
  bench_report_size("la_size for one connection more, recorder and tables", marginal(1, 0));
  bench_report_size("la_size for one TIME_WAIT more", marginal(0, 1));
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
