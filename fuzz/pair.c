/* pair - two stacks, and an input that says what happens between them: which packet is delivered,
 * lost, doubled, overtaken or damaged, when time passes, what both applications do.
 *
 * Each octet of a stream is known by its position, so what is read is checked at once, and the
 * end of a stream must come behind its last octet. When the input has ended the network becomes
 * perfect and the applications polite; then all that was ever sent must arrive, unless somebody
 * aborted or so much time had passed that a time-out may have. The stacks check themselves after
 * each step (LASTACK_CHECK). */
#include <string.h>

#include "feed.h"
#include "host.h"

enum {
  ENDS = 8, FLIGHT = 48, STEPS_MAX = 1000, CALM_TURNS = 4000, PORT = 80, READ_MAX = 4096,
  WRITE_MAX = 3000, IP_AT_ETHERNET = 14
};
/* No time-out of a connection is shorter than the shortest keep-alive (here never switched on),
 * R2 of a SYN,ACK or of an orphan's data: some 30 s with a least RTO of 200 ms. */
#define PATIENCE (20 * LA_SEC)

/* One end of a connection, and what its application knows. */
struct end {
  la_sock  sock;
  bool     live;                /* we have its handle */
  struct end *other;            /* NULL until the peer has accepted */
  uint16_t port;                /* the client's, which names the connection */
  bool     client, closed, let_go, eof, cookie;
  uint64_t sent, received;
};

struct packet { la_pkt how; uint8_t *octets; size_t n; bool damaged; };

struct world {
  struct feed in;
  struct host host[2];
  la_time  now, began;
  la_sock  listener[2];
  struct end end[2][ENDS];
  struct packet flight[2][FLIGHT];            /* towards host i */
  unsigned flights[2];
  bool     whole;               /* super-segments are delivered as they are */
};

/* ---- streams ---- */

static uint8_t octet_at(const struct end *from, uint64_t position)
{
  return (uint8_t)(position * 197 + (position >> 8) * 31 + from->port * 7u + from->client);
}

/* A connection that nobody harmed, and that had no time to give up, is whole. But one out of a SYN
 * cookie is known to its server by its first segment alone: another one that overtakes it is
 * answered by a RST, as by every stack that sends cookies. */
static bool may_fail(const struct world *w, const struct end *e)
{
  return w->now - w->began > PATIENCE || e->let_go || !e->other || e->other->let_go ||
         e->cookie || e->other->cookie;
}

static void check_error(const struct world *w, const struct end *e, int result)
{
  claim(result > -LA_ERROR_COUNT);
  claim(result != -LA_ESTALE && result != -LA_EINVAL);
  if (result != -LA_ERESET && result != -LA_ETIMEDOUT && result != -LA_EREFUSED &&
      result != -LA_EUNREACH && result != -LA_EABORTED)
    return;
  if (!may_fail(w, e))
    host_tell_story(&w->host[e >= w->end[1]], e->sock);
  claim(may_fail(w, e));
}

static void check_text(struct end *e, const uint8_t *octets, uint32_t n)
{
  claim(e->other != NULL && !e->eof);
  for (uint32_t i = 0; i < n; i++)
    claim(octets[i] == octet_at(e->other, e->received + i));
  e->received += n;
  claim(e->received <= e->other->sent);
}

static void read_some(struct world *w, int i, struct end *e, uint32_t max)
{
  uint8_t octets[READ_MAX];
  const int n = la_tcp_recv(w->host[i].stack, e->sock, octets, max < READ_MAX ? max : READ_MAX);

  if (n > 0)
    check_text(e, octets, (uint32_t)n);
  else if (n == -LA_EEOF && e->other && !e->other->let_go)
    claim(e->other->closed && e->received == e->other->sent);
  else if (n < 0 && n != -LA_EEOF)
    check_error(w, e, n);
  e->eof |= n == -LA_EEOF;
}

static void peek_some(struct world *w, int i, struct end *e, uint32_t max)
{
  la_stack *const s = w->host[i].stack;
  la_frag frags[4];
  const int n = la_tcp_peek(s, e->sock, frags, 4);
  uint32_t taken = 0;

  for (int k = 0; k < n && taken < max; k++) {
    const uint32_t length = frags[k].length < max - taken ? frags[k].length : max - taken;

    check_text(e, la_slab_octets(frags[k].slab) + frags[k].offset, length);
    taken += length;
  }
  if (taken > 0)
    claim(la_tcp_consume(s, e->sock, taken) >= 0);
}

static void write_some(struct world *w, int i, struct end *e, uint32_t n)
{
  uint8_t octets[WRITE_MAX];
  int result;

  n = n < WRITE_MAX ? n : WRITE_MAX;
  for (uint32_t k = 0; k < n; k++)
    octets[k] = octet_at(e, e->sent + k);
  result = la_tcp_send(w->host[i].stack, e->sock, octets, n);
  claim(result <= (int)n);
  if (result > 0)
    e->sent += (uint32_t)result;
  else if (result < 0)
    check_error(w, e, result);
}

/* All or nothing, by reference: the slab is ours no more. */
static void lend_some(struct world *w, int i, struct end *e, uint32_t n)
{
  la_stack *const s = w->host[i].stack;
  la_slab *slab;
  la_frag frag;
  int result;

  if (la_slab_get(s, &slab) < 0)
    return;
  n = n < la_slab_size(slab) ? n : la_slab_size(slab);
  for (uint32_t k = 0; k < n; k++)
    la_slab_octets(slab)[k] = octet_at(e, e->sent + k);
  frag = (la_frag){ slab, 0, n };
  result = la_tcp_send_frags(s, e->sock, &frag, 1);
  if (result >= 0)
    e->sent += n;
  else
    check_error(w, e, result);
  la_slab_release(s, slab);
}

static void close_end(struct world *w, int i, struct end *e)
{
  const int result = la_tcp_close(w->host[i].stack, e->sock);

  if (result < 0 && result != -LA_ECLOSING)
    check_error(w, e, result);
  e->closed |= result >= 0;
}

static void let_go(struct world *w, int i, struct end *e, bool abort)
{
  la_stack *const s = w->host[i].stack;

  e->let_go = true;
  e->live = false;
  claim((abort ? la_tcp_abort(s, e->sock) : la_tcp_forget(s, e->sock)) >= 0);
}

/* ---- connections ---- */

static struct end *free_end(struct world *w, int i)
{
  for (int k = 0; k < ENDS; k++) {
    struct end *const e = &w->end[i][k];

    if (e->sock.bits == 0)
      return e;
  }
  return NULL;
}

static void connect_end(struct world *w, int i)
{
  la_stack *const s = w->host[i].stack;
  struct end *const e = free_end(w, i);
  la_sock_info info;

  if (!e || la_tcp_open(s, e, &e->sock) < 0)
    return;
  if (la_tcp_connect(s, e->sock, (la_endpoint){ w->host[!i].addr, PORT }) < 0) {
    claim(la_tcp_forget(s, e->sock) == 0);
    e->sock = (la_sock){ 0 };
    return;
  }
  claim(la_sock_get(s, e->sock, &info) == 0);
  e->live = e->client = true;
  e->port = info.local.port;
}

/* The end at the other host that connected from this port. Ports are not used twice in a run:
 * there are more of them than ends. */
static struct end *client_of(struct world *w, int i, uint16_t port)
{
  for (int k = 0; k < ENDS; k++)
    if (w->end[i][k].client && w->end[i][k].port == port)
      return &w->end[i][k];
  return NULL;
}

static void accept_end(struct world *w, int i)
{
  la_stack *const s = w->host[i].stack;
  struct end *const e = free_end(w, i);
  la_sock_info info;

  if (!e || la_tcp_accept(s, w->listener[i], e, &e->sock) < 0)
    return;
  claim(la_sock_get(s, e->sock, &info) == 0);
  e->live = true;
  e->port = info.peer.port;
  e->cookie = info.flags & LA_SOCK_COOKIE;
  e->other = client_of(w, !i, e->port);
  claim(e->other != NULL);
  if (!e->other->other) {
    e->other->other = e;
  } else {
    claim(e->cookie);                         /* which the client's first segment brings back */
    let_go(w, i, e, true);                    /* as often as it comes: there is nobody there */
  }
}

/* ---- the network ---- */

static void drop(struct world *w, int to, unsigned which)
{
  free(w->flight[to][which].octets);
  w->flights[to]--;
  memmove(&w->flight[to][which], &w->flight[to][which + 1],
          (w->flights[to] - which) * sizeof w->flight[to][which]);
}

static void put(struct world *w, int to, const struct packet *p)
{
  struct packet copy = *p;

  if (w->flights[to] == FLIGHT)
    drop(w, to, 0);
  copy.octets = malloc(p->n);
  memcpy(copy.octets, p->octets, p->n);
  w->flight[to][w->flights[to]++] = copy;
}

static void send_off(struct world *w, int from, const la_pkt *pkt)
{
  static uint8_t octets[HOST_PACKET_MAX];
  struct packet p = { .octets = octets, .n = la_pkt_copy(pkt, octets, sizeof octets) };

  claim(p.n == la_pkt_length(pkt));
  host_tell_packet(&w->host[from], w->now, ">", octets, p.n);
  host_check_packet(&w->host[from], octets, p.n, !(pkt->flags & LA_PKT_CSUM_PARTIAL));
  p.how.flags = pkt->flags;
  p.how.gso_size = pkt->gso_size;
  put(w, !from, &p);
}

/* As they are, or cut into what a link can carry. */
static void pump(struct world *w, int i, unsigned max)
{
  la_pkt pkt, piece;

  while (max-- > 0 && la_output(w->host[i].stack, w->now, &pkt, 1) == 1) {
    if (w->whole) {
      send_off(w, i, &pkt);
    } else {
      for (size_t k = 0; la_gso_split(w->host[i].stack, &pkt, k, &piece, 1) == 1; k++) {
        claim(la_pkt_length(&piece) <= IP_AT_ETHERNET + w->host[i].iface.mtu);
        send_off(w, i, &piece);
        la_pkt_release(w->host[i].stack, &piece);
      }
    }
    la_pkt_release(w->host[i].stack, &pkt);
  }
}

static void deliver(struct world *w, int to, unsigned which, bool lent, bool keep)
{
  struct packet *const p = &w->flight[to][which];

  p->how.at = w->now;
  host_give_with(&w->host[to], &p->how, p->octets, p->n, lent, 0);
  if (!keep)
    drop(w, to, which);
}

/* One bit turned where a checksum covers it: in the IP packet, if it is one and is summed. Only
 * one: a second may undo to the sum what the first has done. */
static void damage(struct world *w, int to, unsigned which)
{
  struct packet *const p = &w->flight[to][which];
  const size_t at = w->host[to].iface.medium == LA_MEDIUM_IP ? 0 : IP_AT_ETHERNET;
  const size_t bit = feed_u16(&w->in);

  if (p->how.flags & LA_PKT_CSUM_PARTIAL || p->n <= at || p->octets[at] >> 4 != 4 || p->damaged)
    return;
  p->damaged = true;
  p->octets[at + bit / 8 % (p->n - at)] ^= (uint8_t)(1 << bit % 8);
}

static void network(struct world *w, int to, uint8_t what)
{
  const uint8_t pick = feed_u8(&w->in);
  const unsigned which = w->flights[to] > 0 ? pick % w->flights[to] : 0;

  if (w->flights[to] == 0)
    return;
  switch (what) {
  case 0: drop(w, to, which); break;
  case 1: deliver(w, to, which, true, true); break;       /* and once more, later */
  case 2: damage(w, to, which); break;
  case 3: deliver(w, to, which, false, false); break;
  default: deliver(w, to, 0, true, false); break;
  }
}

/* ---- what happens ---- */

static void set_option(struct world *w, int i, struct end *e)
{
  const uint8_t b = feed_u8(&w->in);
  static const enum la_option options[4] = {
    LA_OPT_NODELAY, LA_OPT_QUICKACK, LA_OPT_SEND_BUFFER, LA_OPT_RECEIVE_BUFFER
  };

  (void)!la_tcp_set(w->host[i].stack, e->sock, options[b & 3], b & 2 ? 256 << (b >> 4) : b >> 7);
}

static void application(struct world *w, int i, uint8_t what)
{
  struct end *const e = &w->end[i][feed_u8(&w->in) % ENDS];
  const uint32_t n = feed_u8(&w->in) * 13u;

  if (what == 0)
    connect_end(w, i);
  else if (what == 1)
    accept_end(w, i);
  if (!e->live)
    return;
  switch (what) {
  case 2: case 3: write_some(w, i, e, n); break;
  case 4: lend_some(w, i, e, n); break;
  case 5: case 6: read_some(w, i, e, n + 1); break;
  case 7: peek_some(w, i, e, n + 1); break;
  case 8: close_end(w, i, e); break;
  case 9: let_go(w, i, e, n & 1); break;
  case 10: set_option(w, i, e); break;
  default: break;
  }
}

static la_time next_deadline(const struct world *w)
{
  const la_time a = la_deadline(w->host[0].stack), b = la_deadline(w->host[1].stack);

  return a < b ? a : b;
}

static void pass_time(struct world *w, bool to_deadline)
{
  w->now = host_later(&w->in, w->now, next_deadline(w), to_deadline);
}

static void step(struct world *w)
{
  const uint8_t op = feed_u8(&w->in);
  const int i = op & 1;

  if (op < 80)
    application(w, i, (op >> 1) % 11);
  else if (op < 160)
    network(w, i, (op >> 1) % 8);
  else if (op < 220)
    pump(w, i, 1 + (op >> 1) % 8);
  else
    pass_time(w, i);
}

/* ---- the calm ---- */

/* Connections for which the harness has no place: nobody would ever read what they hold. */
static void turn_away(struct world *w, int i)
{
  la_stack *const s = w->host[i].stack;
  la_sock sock;

  while (!free_end(w, i) && la_tcp_accept(s, w->listener[i], NULL, &sock) == 0)
    claim(la_tcp_abort(s, sock) == 0);
}

static void be_polite(struct world *w, int i)
{
  struct end *e;
  la_event events[8];

  while (la_events(w->host[i].stack, events, 8) > 0)
    continue;
  accept_end(w, i);
  turn_away(w, i);
  for (int k = 0; k < ENDS; k++) {
    e = &w->end[i][k];
    if (!e->live)
      continue;
    if (!e->closed)
      close_end(w, i, e);
    for (int reads = 0; reads < 8 && !e->eof; reads++)
      read_some(w, i, e, READ_MAX);
  }
}

static void check_whole(const struct world *w)
{
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < ENDS; k++) {
      const struct end *const e = &w->end[i][k];

      if (!e->live || may_fail(w, e))
        continue;
      if (!e->eof) {
        host_tell_story(&w->host[i], e->sock);
        host_tell_sockets(&w->host[0]);
        host_tell_sockets(&w->host[1]);
      }
      claim(e->eof && e->received == e->other->sent);
    }
}

/* Everything is delivered, in order, as fast as it is said; time passes when all is quiet. */
static void calm(struct world *w)
{
  const la_time before = w->now;

  for (int turn = 0; turn < CALM_TURNS; turn++) {
    const la_time next = next_deadline(w);

    for (int i = 0; i < 2; i++) {
      be_polite(w, i);
      pump(w, i, FLIGHT / 2);
    }
    for (int i = 0; i < 2; i++)
      while (w->flights[i] > 0)
        deliver(w, i, 0, true, false);
    if (next > w->now && next_deadline(w) > w->now) {
      if (next_deadline(w) - before > 600 * LA_SEC)
        break;
      w->now = next_deadline(w);
    }
  }
  w->began += w->now - before;                /* time in the calm harms nobody */
}

static void open_hosts(struct world *w)
{
  const la_iface first = host_iface(&w->in, 0);

  for (int i = 0; i < 2; i++) {
    la_config config = host_config(&w->in);
    la_iface iface = first;

    config.tcp_connections = 2 * ENDS + 4;
    config.tcp_time_waits = ENDS;
    config.slabs = config.slabs < 32 ? 32 : config.slabs;
    iface.mac[5] = (uint8_t)(i + 1);
    host_open(&w->host[i], i, &config, &iface, la_ip4(10, 0, 0, (uint8_t)(i + 1)), w->now);
    claim(la_tcp_open(w->host[i].stack, NULL, &w->listener[i]) == 0);
    claim(la_tcp_bind(w->host[i].stack, w->listener[i], (la_endpoint){ { 0 }, PORT }) == 0);
    claim(la_tcp_listen(w->host[i].stack, w->listener[i], 4) == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static struct world w;

  memset(&w, 0, sizeof w);
  w.in = (struct feed){ data, size };
  w.now = w.began = LA_SEC;
  w.whole = feed_u8(&w.in) & 1;
  open_hosts(&w);
  for (int steps = 0; w.in.n > 0 && steps < STEPS_MAX; steps++)
    step(&w);
  calm(&w);
  check_whole(&w);
  for (int i = 0; i < 2; i++) {
    while (w.flights[i] > 0)
      drop(&w, i, 0);
    host_close(&w.host[i], w.now);
  }
  return 0;
}
