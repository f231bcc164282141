/* scenario_fail.c - how connections break, and what does not break them: scenarios 20, 21, 23. */
#include "scenarios.h"

#include <string.h>

static const struct actor_step child_waits[] = { { .what = ACTOR_AWAIT_EOF },
                                                 { .what = ACTOR_FORGET }, { .what = ACTOR_END } };

static const struct actor_step server_serves[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 16 },
  { .what = ACTOR_SERVE, .child = child_waits }, { .what = ACTOR_END },
};

/* A segment that neither stack made: it claims to come from `from`, and lands at the host
 * opposite of `side`. */
static void forge(struct world_host *side, la_endpoint from, la_endpoint to, uint8_t flags,
                  uint32_t seq, uint32_t ack)
{
  struct seg_make m = { from, to, flags, seq, ack, 1000, 0, NULL, 0 };
  uint8_t octets[64];
  size_t n = seg_make_tcp(&m, octets, sizeof octets);

  world_send(side, octets, (uint32_t)n, true);
}

static struct actor *child_of(struct lab *l)
{
  struct actor *last = NULL;

  for (struct actor *a = l->world.actors; a; a = a->next)
    if (a->host == l->server && a->passive)
      last = a;
  return last;
}

static void one_reset(struct lab *l, const char *title, const struct actor_step *client,
                      const struct actor_step *child)
{
  const struct actor_step serves[] = {
    { .what = ACTOR_LISTEN, .number = 80, .value = 16 },
    { .what = ACTOR_SERVE, .child = child }, { .what = ACTOR_END },
  };
  struct actor *peer;

  lab_part(l, title);
  lab_boot(l);
  lab_app(l, l->server, serves, 0);
  lab_app(l, l->client, client, 10 * LA_MS);
  lab_run(l, LA_SEC);
  peer = child_of(l);
  lab_check(l, lab_count(l, 0, SEG_RST, SEG_RST) == 1 && peer && peer->error == LA_ERESET
               && lab_had_event(l, l->server, 0, "RCV_RST"),
            "%s: a RST is sent, and the peer reads: %s", title,
            peer ? la_strerror(-peer->error) : "nothing");
  lab_run(l, LA_SEC + LA_MS);
}

static void orderly_resets(struct lab *l)
{
  static const struct actor_step aborts[] = {
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = 10 },
    { .what = ACTOR_SLEEP, .time = 100 * LA_MS }, { .what = ACTOR_ABORT }, { .what = ACTOR_END } };
  static const struct actor_step lingers_0[] = {
    { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_LINGER_MS, .value = 0 },
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SLEEP, .time = 100 * LA_MS },
    { .what = ACTOR_FORGET }, { .what = ACTOR_END } };
  static const struct actor_step leaves_unread[] = {
    { .what = ACTOR_READ_OFF }, { .what = ACTOR_CONNECT, .number = 80 },
    { .what = ACTOR_SLEEP, .time = 100 * LA_MS }, { .what = ACTOR_FORGET }, { .what = ACTOR_END } };
  static const struct actor_step child_sends[] = {
    { .what = ACTOR_SEND, .number = 50 }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_FORGET },
    { .what = ACTOR_END } };

  one_reset(l, "Abort", aborts, child_waits);
  one_reset(l, "Close with linger 0", lingers_0, child_waits);
  one_reset(l, "Close with unread data", leaves_unread, child_sends);
}

/* RFC 5961: what an attacker who guesses the window, but not the number, achieves. */
static void blind_segments(struct lab *l)
{
  static const struct actor_step stays[] = { { .what = ACTOR_CONNECT, .number = 80 },
                                             { .what = ACTOR_END } };
  struct track_conn *c;
  unsigned before;

  lab_part(l, "Blind RST, SYN and ACK against an established connection");
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, stays, 10 * LA_MS);
  lab_run(l, 100 * LA_MS);
  c = track_nth(&l->track, l->client, 0);
  if (!c) {
    lab_check(l, false, "the client has a connection");
    return;
  }
  before = lab_count(l, 0, SEG_ACK, LAB_MASK_ALL);
  world_said(l->client, "(an attacker forges a RST within the window, but not at RCV.NXT)");
  forge(l->server, c->peer, c->local, SEG_RST, c->info.rcv_nxt + 100, 0);
  lab_run(l, 200 * LA_MS);
  lab_check(l, lab_count(l, 0, SEG_ACK, LAB_MASK_ALL) == before + 1
               && strcmp(lab_state(l, l->client, 0), "ESTABLISHED") == 0,
            "a blind RST in the window earns a challenge ACK, and nothing else");
  world_said(l->client, "(an attacker forges a SYN)");
  forge(l->server, c->peer, c->local, SEG_SYN, c->info.rcv_nxt + 100, 0);
  lab_run(l, 300 * LA_MS);
  lab_check(l, lab_count(l, 0, SEG_ACK, LAB_MASK_ALL) == before + 2
               && strcmp(lab_state(l, l->client, 0), "ESTABLISHED") == 0,
            "so does a blind SYN");
  world_said(l->client, "(an attacker forges a RST outside the window)");
  forge(l->server, c->peer, c->local, SEG_RST, c->info.rcv_nxt - 100000, 0);
  lab_run(l, 400 * LA_MS);
  lab_check(l, lab_count(l, 0, SEG_ACK, LAB_MASK_ALL) == before + 2,
            "a RST outside the window is not even answered");
  world_said(l->client, "(this one has the exact number)");
  forge(l->server, c->peer, c->local, SEG_RST, c->info.rcv_nxt, 0);
  lab_run(l, 500 * LA_MS);
  lab_check(l, lab_had_event(l, l->client, 0, "RCV_RST"),
            "only the exact next sequence number resets: 1 in 4294967296");
}

/* Each connection of the client gets a RST that nobody could tell from a real one. */
static void reset_everything(struct lab *l)
{
  struct track_conn *c;

  lab_part(l, "An exact RST in every state");
  ladder_mute(&l->ladder, true, "");
  lab_all_states(l);
  for (unsigned n = 0; (c = track_nth(&l->track, l->client, n)); n++) {
    const char *was = lab_state(l, l->client, n), *now;
    bool asked = strcmp(was, "SYN-SENT") == 0, lingers = strcmp(was, "TIME-WAIT") == 0;
    la_endpoint local = { l->client->addr, c->local.port };

    if (c->gone)
      continue;
    forge(l->server, c->peer, local, asked ? SEG_RST | SEG_ACK : SEG_RST, c->info.rcv_nxt,
          c->info.snd_nxt);
    lab_run(l, world_time(&l->world) + 15 * LA_MS);
    now = lab_state(l, l->client, n);
    lab_check(l, strcmp(now, lingers ? "TIME-WAIT" : "CLOSED") == 0 && lab_had_event(l, l->client,
              n, "RCV_RST"), "%s: %s%s", was, now, lingers ? " (RFC 1337: not assassinated)" : "");
  }
  forge(l->server, (la_endpoint){ l->server->addr, 4444 },
        (la_endpoint){ l->client->addr, 8080 }, SEG_RST, 1, 0);
  lab_run(l, world_time(&l->world) + 15 * LA_MS);
  lab_check(l, lab_sockets(l->client->stack, "LISTEN") == 1, "LISTEN: LISTEN (a RST there is "
            "ignored)");
}

void scenario_reset(struct lab *l)
{
  orderly_resets(l);
  blind_segments(l);
  reset_everything(l);
}

/* ---- one end is gone ---------------------------------------------------------------------- */

static void crashed_server(struct lab *l)
{
  static const struct actor_step sends_later[] = {
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = 10 },
    { .what = ACTOR_SLEEP, .time = 3 * LA_SEC }, { .what = ACTOR_SEND, .number = 20 },
    { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END } };
  static const struct actor_step crashes[] = {
    { .what = ACTOR_CRASH, .time = LA_SEC }, { .what = ACTOR_END } };
  struct actor *a, *server;

  lab_part(l, "The server crashes and comes back; the client does not know, and sends");
  lab_boot(l);
  server = lab_app(l, l->server, server_serves, 0);
  server->restarts = true;
  lab_app(l, l->server, crashes, LA_SEC);
  a = lab_app(l, l->client, sends_later, 10 * LA_MS);
  lab_run(l, 5 * LA_SEC);
  lab_check(l, a->error == LA_ERESET && lab_count(l, 1, SEG_RST, SEG_RST) == 1,
            "a half-open connection is found out by sending: the server knows nothing of it and "
            "answers with a RST");
}

static void crashed_client(struct lab *l)
{
  static const struct actor_step from_5000[] = {
    { .what = ACTOR_BIND, .number = 5000 }, { .what = ACTOR_CONNECT, .number = 80 },
    { .what = ACTOR_SEND, .number = 10 }, { .what = ACTOR_END } };
  static const struct actor_step crashes[] = {
    { .what = ACTOR_CRASH, .time = LA_SEC }, { .what = ACTOR_END } };

  lab_part(l, "The client crashes, comes back and connects from the same port (RFC 9293 3.5.1)");
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, from_5000, 10 * LA_MS);
  lab_app(l, l->client, crashes, LA_SEC);
  lab_app(l, l->client, from_5000, 3 * LA_SEC);
  lab_run(l, 6 * LA_SEC);
  lab_check(l, lab_had_event(l, l->server, 0, "RCV_RST"), "the server's old connection answers the "
            "new SYN with an ACK; that ACK is answered with a RST, which clears the old one");
  lab_check(l, strcmp(lab_state(l, l->client, 1), "ESTABLISHED") == 0
               && strcmp(lab_state(l, l->server, 1), "ESTABLISHED") == 0,
            "and the SYN sent again opens a new connection");
}

static void dead_peer(struct lab *l)
{
  static const struct actor_step watches[] = {
    { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_KEEPALIVE, .value = 1 },
    { .what = ACTOR_SET, .number = LA_OPT_KEEPALIVE_IDLE_MS, .value = 10000 },
    { .what = ACTOR_SET, .number = LA_OPT_KEEPALIVE_INTERVAL_MS, .value = 2000 },
    { .what = ACTOR_SET, .number = LA_OPT_KEEPALIVE_PROBES, .value = 3 },
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END } };
  static const struct actor_step gone[] = {
    { .what = ACTOR_CRASH, .time = LA_NEVER }, { .what = ACTOR_END } };
  struct actor *a;
  la_time out;

  lab_part(l, "The server is gone for good, and nothing is sent: keep-alive");
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->server, gone, 15 * LA_SEC);
  a = lab_app(l, l->client, watches, 10 * LA_MS);
  lab_run(l, 60 * LA_SEC);
  out = lab_left(l, l->client, 0, "ESTABLISHED");
  lab_check(l, a->error == LA_ETIMEDOUT && lab_had_event(l, l->client, 0, "USER_TIMEOUT"),
            "keep-alive asks an idle peer; it answered once, then %u probes went unanswered: %s", 3,
            la_strerror(-a->error));
  lab_check(l, out != LA_NEVER && out > 25 * LA_SEC && out < 40 * LA_SEC,
            "the dead peer was found after %.0f s; without keep-alive, never (off by default, "
            "MUST-25)", (double)out / (double)LA_SEC);
}

static void user_timeout(struct lab *l)
{
  static const struct actor_step impatient[] = {
    { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_USER_TIMEOUT_MS, .value = 8000 },
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SLEEP, .time = 2 * LA_SEC },
    { .what = ACTOR_SEND, .number = 100 }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END } };
  static const struct actor_step gone[] = {
    { .what = ACTOR_CRASH, .time = LA_NEVER }, { .what = ACTOR_END } };
  struct actor *a;
  la_time out;

  lab_part(l, "The server is gone, and data is not acknowledged: user timeout");
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->server, gone, LA_SEC);
  a = lab_app(l, l->client, impatient, 10 * LA_MS);
  lab_run(l, 60 * LA_SEC);
  out = lab_left(l, l->client, 0, "ESTABLISHED");
  lab_check(l, a->error == LA_ETIMEDOUT && out != LA_NEVER && out >= 10 * LA_SEC
               && out < 13 * LA_SEC,
            "unacknowledged data ended the connection %.1f s after it was sent: %s",
            (double)(out - 2030 * LA_MS) / (double)LA_SEC, la_strerror(-a->error));
}

void scenario_half_open(struct lab *l)
{
  crashed_server(l);
  crashed_client(l);
  dead_peer(l);
  user_timeout(l);
}

/* ---- more SYNs than the queue holds --------------------------------------------------------- */

static void flood(struct lab *l, unsigned first, unsigned count)
{
  for (unsigned i = first; i < first + count; i++) {
    const uint8_t number = (uint8_t)(i % 250 + 1);
    la_endpoint from = { l->io->six ? (la_addr){ 16, { 0x20, 1, 0xd, 0xb8, 7, [15] = number } }
                                    : la_ip4(198, 51, 100, number), (uint16_t)(1024 + i) };

    forge(l->client, from, (la_endpoint){ l->server->addr, 80 }, SEG_SYN,
          dice_below(&l->world.rng, UINT32_MAX), 0);
    lab_run(l, world_time(&l->world) + LA_MS);
  }
}

static uint32_t pool_peak(const la_stack *s, const char *name)
{
  uint32_t used, peak, size;
  const char *found;

  for (unsigned n = 0; la_pool_get(s, n, &found, &used, &peak, &size); n++)
    if (strcmp(found, name) == 0)
      return peak;
  return 0;
}

void scenario_syn_flood(struct lab *l)
{
  static const struct actor_step real[] = {
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = 20000 },
    { .what = ACTOR_SLEEP, .time = LA_SEC }, { .what = ACTOR_CLOSE },
    { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END } };
  enum { QUEUE = 8, FORGED = 1000 };
  struct track_conn *c;
  struct actor *a, *child;
  la_sock_info info = { 0 };
  unsigned half_open;
  uint32_t peak;

  lab_part(l, NULL);
  l->server->config.tcp_half_open = QUEUE;
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_run(l, 10 * LA_MS);
  flood(l, 0, 3);
  lab_run(l, 50 * LA_MS);
  ladder_mute(&l->ladder, true, "");
  flood(l, 3, FORGED / 2 - 3);
  half_open = lab_sockets(l->server->stack, "SYN-RECEIVED");
  lab_run(l, world_time(&l->world) + 15 * LA_MS);
  ladder_mute(&l->ladder, false, "the flood goes on");
  a = lab_app(l, l->client, real, world_time(&l->world));
  lab_run(l, world_time(&l->world) + 60 * LA_MS);
  c = track_nth(&l->track, l->client, 0);
  child = child_of(l);
  lab_check(l, half_open <= QUEUE, "the half-open queue holds %u of %u; the rest of the SYNs took "
            "no memory", half_open, (unsigned)QUEUE);
  lab_check(l, c && strcmp(lab_state(l, l->client, 0), "ESTABLISHED") == 0, "a real client "
            "connects nevertheless");
  lab_check(l, child && child->has_sock
               && la_sock_get(l->server->stack, child->sock, &info) == 0
               && info.flags & LA_SOCK_COOKIE,
            "its connection was rebuilt from the cookie in its ACK (RFC 4987)");
  ladder_mute(&l->ladder, true, "");
  flood(l, FORGED / 2, FORGED / 2);
  lab_run(l, world_time(&l->world) + 5 * LA_SEC);
  ladder_mute(&l->ladder, false, "the flood goes on beside the transfer");
  lab_check(l, child && child->received == 20000 && child->wrong_octets == 0,
            "and its 20000 octets arrived whole, in the middle of %u forged SYNs",
            (unsigned)FORGED);
  lab_check(l, a->error == 0, "the client noticed nothing");
  peak = pool_peak(l->server->stack, "tcp_connections");
  lab_check(l, peak > 0 && peak <= QUEUE + 2, "memory did not grow: never more than %u control "
            "blocks were in use (the listener, the queue of %u, and the client's)", peak,
            (unsigned)QUEUE);
  lab_run(l, world_time(&l->world) + 200 * LA_SEC);
  lab_check(l, lab_sockets(l->server->stack, "SYN-RECEIVED") == 0, "the half-open ones were given "
            "up in time");
}
