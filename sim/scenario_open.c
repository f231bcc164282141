/* scenario_open.c - how connections begin, and how they fail to: scenarios 1 to 6. */
#include "scenarios.h"

#include <string.h>

static const struct actor_step server_accepts[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_END },
};

static const struct actor_step client_connects[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_END },
};

void scenario_handshake(struct lab *l)
{
  const struct lab_seen *syn, *syn_ack, *ack;
  struct track_conn *listener;

  lab_part(l, NULL);
  lab_boot(l);
  lab_app(l, l->server, server_accepts, 0);
  lab_app(l, l->client, client_connects, 10 * LA_MS);
  lab_run(l, LA_SEC);
  syn = lab_segment(l, 0, SEG_SYN, LAB_MASK_ALL, 0);
  syn_ack = lab_segment(l, 1, SEG_SYN | SEG_ACK, LAB_MASK_ALL, 0);
  ack = lab_segment(l, 0, SEG_ACK, LAB_MASK_ALL, 0);
  lab_check(l, l->seens == 3 && syn && syn_ack && ack, "three segments: SYN, SYN+ACK, ACK");
  lab_check(l, syn && syn_ack && syn_ack->seg.ack == syn->seg.seq + 1,
            "the SYN+ACK acknowledges the client's ISN + 1");
  lab_check(l, ack && syn_ack && ack->seg.ack == syn_ack->seg.seq + 1,
            "the ACK acknowledges the server's ISN + 1");
  lab_check(l, syn && syn_ack && syn->seg.seq != syn_ack->seg.seq,
            "each side has an initial sequence number of its own");
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > ESTABLISHED");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED");
  listener = track_listener(&l->track, l->server, 80);
  lab_check(l, listener && strcmp(la_state_name(listener->state), "LISTEN") == 0,
            "the listening socket itself stays in LISTEN");
}

static const struct actor_step client_named[] = {
  { .what = ACTOR_BIND, .number = 5000 }, { .what = ACTOR_CONNECT, .number = 80 },
  { .what = ACTOR_END },
};

static const struct actor_step client_opens[] = {
  { .what = ACTOR_OPEN }, { .what = ACTOR_SLEEP, .time = 100 * LA_MS },
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_END },
};

static const struct actor_step child_waits[] = { { .what = ACTOR_AWAIT_EOF },
                                                 { .what = ACTOR_FORGET }, { .what = ACTOR_END } };

static const struct actor_step server_serves[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 16 },
  { .what = ACTOR_SERVE, .child = child_waits }, { .what = ACTOR_END },
};

void scenario_names(struct lab *l)
{
  struct actor *unnamed, *named;
  la_sock_info info = { 0 }, other = { 0 };
  la_fsm_row row;
  bool ok;

  lab_part(l, NULL);
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  unnamed = lab_app(l, l->client, client_opens, 10 * LA_MS);
  named = lab_app(l, l->client, client_named, 200 * LA_MS);
  lab_run(l, 50 * LA_MS);
  ok = unnamed->has_sock && la_sock_get(l->client->stack, unnamed->sock, &info) == 0;
  lab_check(l, ok && info.local.port == 0 && info.peer.port == 0 && info.state == 0,
            "a new socket has no name and no peer; its state is CLOSED, which is fictional");
  lab_netstat(l, l->client, LAB_LONG);
  lab_run(l, LA_SEC);
  ok = la_sock_get(l->client->stack, unnamed->sock, &info) == 0;
  lab_check(l, ok && info.local.port >= 49152,
            "connect named it: an ephemeral port of 49152..65535 (RFC 6056, RFC 6335)");
  lab_check(l, ok && memcmp(info.local.addr.octets, l->client->addr.octets, 16) == 0,
            "and the address of the interface that leads to the peer");
  ok = la_sock_get(l->client->stack, named->sock, &other) == 0;
  lab_check(l, ok && other.local.port == 5000, "bind named the other one explicitly: port 5000");
  lab_check(l, lab_sockets(l->server->stack, "LISTEN") == 1
               && lab_sockets(l->server->stack, "ESTABLISHED") == 2,
            "the server bound port 80, listened and accepted: one listener, two connections");
  ok = track_row(0, 0, track_state("LISTEN"), &row);
  lab_check(l, ok && strcmp(row.origin, "USER") == 0,
            "CLOSED > LISTEN is the application's doing alone (%s)",
            ok ? la_fsm_event_name(row.event) : "?");
}

static const struct actor_step opens_5000[] = {
  { .what = ACTOR_BIND, .number = 5000 }, { .what = ACTOR_CONNECT, .number = 6000 },
  { .what = ACTOR_SEND, .number = 10 }, { .what = ACTOR_END },
};

static const struct actor_step opens_6000[] = {
  { .what = ACTOR_BIND, .number = 6000 }, { .what = ACTOR_CONNECT, .number = 5000 },
  { .what = ACTOR_SEND, .number = 20 }, { .what = ACTOR_END },
};

void scenario_simultaneous_open(struct lab *l)
{
  struct actor *a, *b;

  lab_part(l, NULL);
  lab_boot(l);
  a = lab_app(l, l->client, opens_5000, 100 * LA_MS);
  b = lab_app(l, l->server, opens_6000, 100 * LA_MS);
  lab_run(l, 2 * LA_SEC);
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > SYN-RECEIVED > ESTABLISHED");
  lab_check_path(l, l->server, 0, "CLOSED > SYN-SENT > SYN-RECEIVED > ESTABLISHED");
  lab_check(l, lab_sockets(l->client->stack, "ESTABLISHED") == 1
               && lab_sockets(l->server->stack, "ESTABLISHED") == 1,
            "it is one connection, not two");
  lab_check(l, lab_sockets(l->client->stack, "LISTEN") == 0, "nobody ever listened");
  lab_check(l, a->received == 20 && b->received == 10 && !a->wrong_octets && !b->wrong_octets,
            "it carries data both ways");
}

/* ---- a scripted peer ------------------------------------------------------------------ */

struct hand { uint32_t irs; unsigned syn_acks; bool answers; };

static void send_by_hand(struct lab *l, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack)
{
  uint8_t octets[100];
  struct seg_make m = { { l->client->addr, port }, { l->server->addr, 80 }, flags, seq, ack,
                        65535, flags & SEG_SYN ? 1460 : 0, NULL, 0 };
  size_t n = seg_make_tcp(&m, octets, sizeof octets);

  world_send(l->client, octets, (uint32_t)n, false);
}

static void hand_input(struct world_host *h, const struct seg *g, const uint8_t *octets)
{
  struct lab *l = h->raw_user;

  (void)octets;
  if ((g->flags & (SEG_SYN | SEG_ACK)) == (SEG_SYN | SEG_ACK) && g->to.port == 5001)
    send_by_hand(l, 5001, SEG_ACK, g->ack, g->seq + 1);
}

void scenario_withheld_ack(struct lab *l)
{
  const struct lab_seen *first;
  la_time gap = 0, last = 0;
  bool doubled = true;
  unsigned sent;

  lab_part(l, NULL);
  l->client->raw = hand_input;
  l->client->raw_user = l;
  world_host_boot(l->server);
  lab_app(l, l->server, server_serves, 0);
  lab_run(l, 10 * LA_MS);
  send_by_hand(l, 5000, SEG_SYN, 1000, 0);
  lab_run(l, 5 * LA_SEC);
  lab_check(l, lab_sockets(l->server->stack, "SYN-RECEIVED") == 1,
            "SYN-RECEIVED can be watched for as long as the ACK is withheld");
  lab_flush(l);
  lab_netstat(l, l->server, LAB_LONG);
  lab_run(l, 200 * LA_SEC);
  sent = lab_count(l, 1, SEG_SYN | SEG_ACK, LAB_MASK_ALL);
  lab_check(l, sent == 1 + l->server->config.synack_retries,
            "the SYN+ACK was sent once and resent %u times, as configured",
            l->server->config.synack_retries);
  for (unsigned i = 0; (first = lab_segment(l, 1, SEG_SYN | SEG_ACK, LAB_MASK_ALL, i)); i++) {
    doubled = doubled && (i < 2 || first->at - last >= 2 * gap - LA_MS);
    gap = first->at - last;
    last = first->at;
  }
  lab_check(l, doubled, "each wait was twice as long as the one before");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > CLOSED");
  lab_check(l, lab_had_event(l, l->server, 0, "GIVE_UP"), "the server gave it up by itself");
  send_by_hand(l, 5001, SEG_SYN, 9000, 0);
  lab_run(l, 201 * LA_SEC);
  lab_check(l, strcmp(lab_state(l, l->server, 1), "ESTABLISHED") == 0,
            "the listener is unharmed: a client that answers gets its connection");
}

static const struct actor_step client_wrong_port[] = {
  { .what = ACTOR_CONNECT, .number = 81 }, { .what = ACTOR_END },
};

void scenario_refused(struct lab *l)
{
  struct actor *a;

  lab_part(l, NULL);
  lab_boot(l);
  lab_app(l, l->server, server_accepts, 0);
  a = lab_app(l, l->client, client_wrong_port, 10 * LA_MS);
  lab_run(l, LA_SEC);
  lab_check(l, lab_count(l, 1, SEG_RST | SEG_ACK, LAB_MASK_ALL) == 1,
            "nobody listens on port 81: the answer is a RST that acknowledges the SYN");
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > CLOSED");
  lab_check(l, a->error == LA_EREFUSED, "connect fails: %s", la_strerror(-a->error));
}

void scenario_unreplied(struct lab *l)
{
  struct actor *a;
  la_sock_info info = { 0 };
  bool ok;

  lab_part(l, NULL);
  world_host_boot(l->client);
  a = lab_app(l, l->client, client_connects, 10 * LA_MS);
  lab_run(l, 10 * LA_SEC);
  ok = la_sock_get(l->client->stack, a->sock, &info) == 0;
  lab_check(l, ok && info.segments_in == 0, "10 s later: nothing was ever heard");
  lab_check(l, ok && info.retransmissions == 3 && info.segments_out == 4,
            "the SYN has been sent 4 times (at 0, 1, 3 and 7 s)");
  lab_check(l, ok && info.timer == LA_TIMER_RETRANSMIT && info.timer_due > l->world.now,
            "and netstat says when it is sent again: %.0f s after the first",
            (double)(info.timer_due - info.opened) / (double)LA_SEC);
  lab_flush(l);
  lab_netstat(l, l->client, LAB_LONG);
  lab_run(l, 300 * LA_SEC);
  lab_check(l, lab_count(l, 0, SEG_SYN, LAB_MASK_ALL) == 1 + l->client->config.syn_retries,
            "%u SYNs in all, with backoff", 1 + l->client->config.syn_retries);
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > CLOSED");
  lab_check(l, a->error == LA_ETIMEDOUT, "connect fails: %s", la_strerror(-a->error));
  lab_check(l, lab_left(l, l->client, 0, "SYN-SENT") >= 60 * LA_SEC,
            "it took %.0f s to give up (MUST-23 asks for at least 180 s)",
            (double)lab_left(l, l->client, 0, "SYN-SENT") / (double)LA_SEC);
}
