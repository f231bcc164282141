/* scenario_close.c - how connections end in order, and how ends are left undone: scenarios 8 to
 * 13. An application here either half-closes (shutdown: it keeps the socket, and netstat can be
 * asked to the last) or lets go (close). */
#include "scenarios.h"

#include <string.h>

static const struct actor_step closes_first[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SLEEP, .time = 100 * LA_MS },
  { .what = ACTOR_CLOSE }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END },
};

static const struct actor_step closes_later[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_SLEEP, .time = 200 * LA_MS },
  { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};

static const struct actor_step connects_closes_later[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_AWAIT_EOF },
  { .what = ACTOR_SLEEP, .time = 200 * LA_MS }, { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};

static const struct actor_step accepts_closes_first[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_SLEEP, .time = 100 * LA_MS }, { .what = ACTOR_CLOSE },
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END },
};

/* The four segments of a close, begun by the end `way`. */
static bool four_segments(const struct lab *l, unsigned way)
{
  const struct lab_seen *fin = lab_segment(l, way, SEG_FIN | SEG_ACK, LAB_MASK_ALL, 0);
  const struct lab_seen *back = lab_segment(l, !way, SEG_FIN | SEG_ACK, LAB_MASK_ALL, 0);
  unsigned between = 0, after = 0;

  if (!fin || !back || back < fin)
    return false;
  for (const struct lab_seen *s = fin + 1; s < l->seen + l->seens; s++) {
    bool ack = (s->seg.flags & LAB_MASK_ALL) == SEG_ACK && s->seg.text == 0;

    between += s < back && s->way != way && ack && s->seg.ack == fin->seg.seq + 1;
    after += s > back && s->way == way && ack && s->seg.ack == back->seg.seq + 1;
  }
  return between == 1 && after == 1;
}

void scenario_close(struct lab *l)
{
  lab_part(l, "The client closes first");
  lab_boot(l);
  lab_app(l, l->server, closes_later, 0);
  lab_app(l, l->client, closes_first, 10 * LA_MS);
  lab_run(l, LA_SEC);
  lab_flush(l);
  lab_netstat(l, l->client, LAB_LONG);
  lab_run(l, 100 * LA_SEC);
  lab_check(l, four_segments(l, 0), "FIN, ACK, FIN, ACK: four segments, the client's FIN first");
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > ESTABLISHED > FIN-WAIT-1 > FIN-WAIT-2 > "
                                  "TIME-WAIT > CLOSED");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED > CLOSE-WAIT > LAST-ACK > "
                                  "CLOSED");
  lab_part(l, "The server closes first: the roles are free");
  lab_boot(l);
  lab_app(l, l->server, accepts_closes_first, 0);
  lab_app(l, l->client, connects_closes_later, 10 * LA_MS);
  lab_run(l, 100 * LA_SEC);
  lab_check(l, four_segments(l, 1), "the same four segments, the server's FIN first");
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > ESTABLISHED > CLOSE-WAIT > LAST-ACK > "
                                  "CLOSED");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED > FIN-WAIT-1 > FIN-WAIT-2 "
                                  "> TIME-WAIT > CLOSED");
}

static const struct actor_step closes_at_once[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};

void scenario_close_in_three(struct lab *l)
{
  lab_part(l, NULL);
  lab_boot(l);
  lab_app(l, l->server, closes_at_once, 0);
  lab_app(l, l->client, closes_first, 10 * LA_MS);
  lab_run(l, LA_SEC);
  lab_check(l, lab_count(l, 1, SEG_FIN | SEG_ACK, LAB_MASK_ALL) == 1
               && lab_count(l, 1, SEG_ACK, LAB_MASK_ALL) == 0,
            "the server's one segment carries both its ACK and its FIN");
  lab_check(l, lab_entered(l, l->client, 0, "FIN-WAIT-2") == lab_left(l, l->client, 0, "FIN-WAIT-2")
               && lab_entered(l, l->client, 0, "TIME-WAIT")
                  == lab_left(l, l->client, 0, "FIN-WAIT-1"),
            "that segment takes the client from FIN-WAIT-1 straight to TIME-WAIT: it establishes "
            "two facts at one instant, and FIN-WAIT-2 lasts no time at all");
  lab_check(l, strcmp(lab_state(l, l->client, 0), "TIME-WAIT") == 0, "the client is in TIME-WAIT");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED > CLOSE-WAIT > LAST-ACK > "
                                  "CLOSED");
}

static const struct actor_step accepts_closes_at_one[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_SLEEP, .time = 90 * LA_MS }, { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};

void scenario_simultaneous_close(struct lab *l)
{
  lab_part(l, NULL);
  lab_boot(l);
  lab_app(l, l->server, accepts_closes_at_one, 0);
  lab_app(l, l->client, closes_first, 10 * LA_MS);
  lab_run(l, LA_SEC);
  lab_flush(l);
  lab_netstat(l, l->client, LAB_LONG);
  lab_run(l, 100 * LA_SEC);
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > ESTABLISHED > FIN-WAIT-1 > CLOSING > "
                                  "TIME-WAIT > CLOSED");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED > FIN-WAIT-1 > CLOSING > "
                                  "TIME-WAIT > CLOSED");
}

static const struct actor_step asks_and_shuts[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = 500 },
  { .what = ACTOR_CLOSE }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END },
};

static const struct actor_step answers_for_long[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_AWAIT_EOF },
  { .what = ACTOR_SEND, .number = 1000 }, { .what = ACTOR_SLEEP, .time = 30 * LA_SEC },
  { .what = ACTOR_SEND, .number = 2000 }, { .what = ACTOR_SLEEP, .time = 300 * LA_SEC },
  { .what = ACTOR_SEND, .number = 3000 }, { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};

void scenario_half_close(struct lab *l)
{
  struct actor *client, *server;

  lab_part(l, NULL);
  lab_boot(l);
  server = lab_app(l, l->server, answers_for_long, 0);
  client = lab_app(l, l->client, asks_and_shuts, 10 * LA_MS);
  lab_run(l, 20 * LA_SEC);
  lab_check(l, strcmp(lab_state(l, l->client, 0), "FIN-WAIT-2") == 0
               && strcmp(lab_state(l, l->server, 0), "CLOSE-WAIT") == 0,
            "our FIN is out and acknowledged (FIN-WAIT-2); the peer sits in CLOSE-WAIT");
  lab_flush(l);
  lab_netstat(l, l->client, LAB_LONG);
  lab_netstat(l, l->server, LAB_LONG);
  lab_run(l, 335 * LA_SEC);
  lab_check(l, client->received == 6000 && client->wrong_octets == 0 && client->eof,
            "the client went on receiving for minutes after its FIN: all 6000 octets, then EOF");
  lab_check(l, server->received == 500 && server->eof, "the server had read the request and EOF");
  lab_check(l, lab_entered(l, l->client, 0, "TIME-WAIT") > 330 * LA_SEC,
            "no timer cut the half-open direction off: FIN-WAIT-2 lasted 330 s, until the peer's "
            "FIN came");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED > CLOSE-WAIT > LAST-ACK > "
                                  "CLOSED");
}

/* ---- applications that forget --------------------------------------------------------- */

static const struct actor_step child_never_closes[] = {
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END },
};

static const struct actor_step child_never_reads[] = {
  { .what = ACTOR_READ_OFF }, { .what = ACTOR_END },
};

static void choose_leaker(struct actor *listener, struct actor *child)
{
  (void)listener;
  child->no_reading = child->number % 3 == 0;
  child->script = child->no_reading ? child_never_reads : child_never_closes;
}

static const struct actor_step server_leaks[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 8 },
  { .what = ACTOR_SERVE, .child = child_never_closes }, { .what = ACTOR_END },
};

static const struct actor_step visits[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_FORGET },
  { .what = ACTOR_SLEEP, .time = LA_SEC }, { .what = ACTOR_AGAIN, .number = 0 },
};

static const struct actor_step opens_one_more[] = { { .what = ACTOR_OPEN },
                                                    { .what = ACTOR_END } };

/* How many sockets have this state, no timer, and these flags. */
static unsigned without_timer(const la_stack *s, const char *state, uint32_t flags)
{
  la_sock cursor = { 0 };
  la_sock_info info;
  unsigned n = 0;

  while (la_sock_next(s, &cursor))
    n += la_sock_get(s, cursor, &info) == 0 && info.state == track_state(state)
         && info.timer == LA_TIMER_NONE && (info.flags & flags) == flags;
  return n;
}

void scenario_close_wait_leak(struct lab *l)
{
  enum { TABLE = 6, DAY = 24 * 3600 };
  struct actor *server, *more;
  unsigned read, stuck;

  lab_part(l, NULL);
  l->server->config.tcp_connections = TABLE;
  l->client->config.fin_wait_2_ms = 10000;
  lab_boot(l);
  server = lab_app(l, l->server, server_leaks, 0);
  server->choose = choose_leaker;
  lab_app(l, l->client, visits, 10 * LA_MS);
  lab_run(l, 1900 * LA_MS);
  ladder_mute(&l->ladder, true, "");
  lab_run(l, 4900 * LA_MS);
  ladder_mute(&l->ladder, false, "the client comes again each second; nobody ever closes");
  lab_run(l, 6 * LA_SEC);
  lab_last_actor(l, l->client)->done = true;
  ladder_mute(&l->ladder, true, "");
  lab_run(l, 600 * LA_SEC);
  ladder_mute(&l->ladder, false, "ten minutes later");
  stuck = lab_sockets(l->server->stack, "CLOSE-WAIT");
  lab_check(l, stuck == TABLE - 1, "%u sockets are in CLOSE-WAIT: the table of %u (with the "
            "listener) is full", stuck, (unsigned)TABLE);
  more = lab_app(l, l->server, opens_one_more, 600 * LA_SEC);
  lab_run(l, 600 * LA_SEC + LA_MS);
  lab_check(l, more->error == LA_ENOSOCK, "\"too many open files\": the server's own next open is "
            "refused: %s", la_strerror(-more->error));
  lab_flush(l);
  ladder_mute(&l->ladder, true, "");
  lab_run(l, DAY * LA_SEC);
  lab_check(l, lab_sockets(l->server->stack, "CLOSE-WAIT") == stuck,
            "a day later they are still there");
  lab_check(l, without_timer(l->server->stack, "CLOSE-WAIT", 0) == stuck,
            "no timer is armed on any of them: CLOSE-WAIT has no time-out, and no setting gives "
            "it one; only the application that holds the socket can end it");
  read = without_timer(l->server->stack, "CLOSE-WAIT", LA_SOCK_EOF_READ);
  lab_check(l, read > 0 && read < stuck, "netstat tells those whose end of stream was read (%u) "
            "from those where nobody even looked (%u)", read, stuck - read);
}

static const struct actor_step lets_go[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SLEEP, .time = 100 * LA_MS },
  { .what = ACTOR_FORGET }, { .what = ACTOR_END },
};

void scenario_fin_wait_2_orphan(struct lab *l)
{
  la_time in, out;

  lab_part(l, "The application has let go (close): an orphan");
  lab_boot(l);
  lab_app(l, l->server, server_leaks, 0);
  lab_app(l, l->client, lets_go, 10 * LA_MS);
  lab_run(l, 10 * LA_SEC);
  lab_flush(l);
  lab_netstat(l, l->client, LAB_LONG);
  lab_run(l, 3600 * LA_SEC);
  in = lab_entered(l, l->client, 0, "FIN-WAIT-2");
  out = lab_left(l, l->client, 0, "FIN-WAIT-2");
  lab_check_path(l, l->client, 0, "CLOSED > SYN-SENT > ESTABLISHED > FIN-WAIT-1 > FIN-WAIT-2 > "
                                  "CLOSED");
  lab_check(l, out != LA_NEVER && out - in == l->client->config.fin_wait_2_ms * LA_MS,
            "the orphan's patience was %u s (fin_wait_2_ms): a rule of its own, RFC 9293 has no "
            "such clock, and it is not TIME-WAIT's 2 MSL", l->client->config.fin_wait_2_ms / 1000);
  lab_check(l, lab_had_event(l, l->client, 0, "GIVE_UP")
               && lab_entered(l, l->client, 0, "TIME-WAIT") == LA_NEVER,
            "it went to CLOSED, never through TIME-WAIT");
  lab_check(l, lab_count(l, 0, SEG_RST, SEG_RST) == 0
               && strcmp(lab_state(l, l->server, 0), "CLOSE-WAIT") == 0,
            "and in silence: the peer in CLOSE-WAIT was told nothing, and stays");
  lab_part(l, "The application still holds the socket (shutdown): no limit");
  lab_boot(l);
  lab_app(l, l->server, server_leaks, 0);
  lab_app(l, l->client, closes_first, 10 * LA_MS);
  lab_run(l, 24 * 3600 * LA_SEC);
  lab_check(l, strcmp(lab_state(l, l->client, 0), "FIN-WAIT-2") == 0
               && without_timer(l->client->stack, "FIN-WAIT-2", 0) == 1,
            "a day later the held socket is still in FIN-WAIT-2, and no timer runs");
}
