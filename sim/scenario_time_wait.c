/* scenario_time_wait.c - the state that waits for the clock, and what it is for: scenarios 14 to
 * 19. */
#include "scenarios.h"

#include <string.h>

static const struct actor_step closes_first[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SLEEP, .time = 100 * LA_MS },
  { .what = ACTOR_FORGET }, { .what = ACTOR_END },
};

static const struct actor_step child_closes[] = {
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_SLEEP, .time = 100 * LA_MS },
  { .what = ACTOR_FORGET }, { .what = ACTOR_END },
};

static const struct actor_step server_serves[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 16 },
  { .what = ACTOR_SERVE, .child = child_closes }, { .what = ACTOR_END },
};

static void one_time_wait(struct lab *l, const char *title, uint32_t msl_ms)
{
  la_time in, out;

  lab_part(l, title);
  l->client->config.msl_ms = l->server->config.msl_ms = msl_ms;
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, closes_first, 10 * LA_MS);
  lab_run(l, LA_SEC);
  lab_flush(l);
  lab_netstat(l, l->client, LAB_LONG);
  lab_run(l, 300 * LA_SEC);
  in = lab_entered(l, l->client, 0, "TIME-WAIT");
  out = lab_left(l, l->client, 0, "TIME-WAIT");
  lab_check(l, out != LA_NEVER && out - in == 2 * (la_time)msl_ms * LA_MS
               && lab_had_event(l, l->client, 0, "TIMEOUT_2MSL"),
            "MSL %u s: TIME-WAIT lasted %.0f s, then CLOSED", msl_ms / 1000,
            (double)(out - in) / (double)LA_SEC);
}

void scenario_time_wait(struct lab *l)
{
  la_sock cursor = { 0 };
  la_sock_info info = { 0 };
  bool found = false;

  one_time_wait(l, "MSL 120 s, as RFC 793 had it", 120000);
  one_time_wait(l, "MSL 30 s, the default here", 30000);
  lab_part(l, "MSL 5 s, looked at after 4 s");
  l->client->config.msl_ms = 5000;
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, closes_first, 10 * LA_MS);
  lab_run(l, 4270 * LA_MS);
  while (la_sock_next(l->client->stack, &cursor))
    found = found || (la_sock_get(l->client->stack, cursor, &info) == 0
                      && info.state == track_state("TIME-WAIT"));
  lab_check(l, found && info.timer == LA_TIMER_TWO_MSL && info.timer_due > l->world.now
               && info.timer_due - info.state_since == 10 * LA_SEC,
            "the remaining time is shown: %.3f s of %.0f s",
            (double)(info.timer_due - l->world.now) / (double)LA_SEC,
            (double)(info.timer_due - info.state_since) / (double)LA_SEC);
  lab_check(l, info.flags & LA_SOCK_TIME_WAIT_RECORD,
            "nobody holds the socket any more: what lingers is a small record");
  lab_check(l, lab_sockets(l->server->stack, "TIME-WAIT") == 0,
            "only the side that closed first lingers");
}

void scenario_lost_last_ack(struct lab *l)
{
  const struct lab_seen *fin;
  la_time out;

  lab_part(l, NULL);
  lab_boot(l);
  lab_drop(l, (struct link_rule){ .way = 0, .flags = SEG_ACK, .flags_mask = LAB_MASK_ALL,
                                  .first = 2, .last = 2, .why = "the last ACK" });
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, closes_first, 10 * LA_MS);
  lab_run(l, 300 * LA_SEC);
  fin = lab_segment(l, 1, SEG_FIN | SEG_ACK, LAB_MASK_ALL, 1);
  out = lab_left(l, l->client, 0, "TIME-WAIT");
  lab_check(l, lab_count(l, 1, SEG_FIN | SEG_ACK, LAB_MASK_ALL) == 2,
            "LAST-ACK resent its FIN");
  lab_check(l, lab_count(l, 0, SEG_ACK, LAB_MASK_ALL) == 3, "TIME-WAIT acknowledged it again");
  lab_check(l, fin && out != LA_NEVER
               && out - (fin->at + 10 * LA_MS) == 2 * l->client->config.msl_ms * LA_MS,
            "and its 2 MSL began anew when the second FIN arrived");
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED > CLOSE-WAIT > LAST-ACK > "
                                  "CLOSED");
}

/* ---- incarnations of one pair of ends ------------------------------------------------- */

static const struct actor_step sends_100_from_5000[] = {
  { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_REUSEADDR, .value = 1 },
  { .what = ACTOR_BIND, .number = 5000 }, { .what = ACTOR_CONNECT, .number = 80 },
  { .what = ACTOR_SEND, .number = 100 }, { .what = ACTOR_SLEEP, .time = 100 * LA_MS },
  { .what = ACTOR_FORGET }, { .what = ACTOR_END },
};

static const struct actor_step stays_from_5000[] = {
  { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_REUSEADDR, .value = 1 },
  { .what = ACTOR_BIND, .number = 5000 }, { .what = ACTOR_CONNECT, .number = 80 },
  { .what = ACTOR_SEND, .number = 70 }, { .what = ACTOR_END },
};

static uint64_t taken_by_children(struct lab *l, struct actor *listener, unsigned *children)
{
  uint64_t octets = 0;

  *children = 0;
  for (struct actor *a = l->world.actors; a; a = a->next)
    if (a->host == l->server && a != listener) {
      octets += a->received;
      ++*children;
    }
  return octets;
}

void scenario_old_duplicate(struct lab *l)
{
  struct actor *server;
  unsigned children;
  uint64_t octets;

  lab_part(l, "The duplicate arrives in TIME-WAIT");
  lab_boot(l);
  lab_drop(l, (struct link_rule){ .way = 1, .flags = SEG_ACK, .flags_mask = LAB_MASK_ALL,
                                  .with_text = true, .first = 1, .last = 1,
                                  .act = LINK_ACT_DUPLICATE, .by = 2 * LA_SEC,
                                  .why = "(a copy of it will come 2 s later)" });
  server = lab_app(l, l->server, (const struct actor_step[]){
    { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
    { .what = ACTOR_SEND, .number = 300 }, { .what = ACTOR_AWAIT_EOF },
    { .what = ACTOR_SLEEP, .time = 100 * LA_MS }, { .what = ACTOR_FORGET },
    { .what = ACTOR_END } }, 0);
  lab_app(l, l->client, (const struct actor_step[]){
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_AWAIT_OCTETS, .number = 300 },
    { .what = ACTOR_CLOSE }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END } }, 10 * LA_MS);
  lab_run(l, 3 * LA_SEC);
  lab_check(l, strcmp(lab_state(l, l->client, 0), "TIME-WAIT") == 0
               && l->world.actors->next->received == 300,
            "TIME-WAIT answered the old segment with an ACK, or with silence, and delivered "
            "nothing: the application has 300 octets, not more");
  lab_part(l, "The duplicate arrives on the next incarnation of the same pair");
  l->client->config.msl_ms = 1000;
  lab_boot(l);
  lab_drop(l, (struct link_rule){ .way = 0, .flags = SEG_ACK, .flags_mask = LAB_MASK_ALL,
                                  .with_text = true, .first = 1, .last = 1,
                                  .act = LINK_ACT_DUPLICATE, .by = 5 * LA_SEC,
                                  .why = "(a copy of it will come 5 s later)" });
  server = lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, sends_100_from_5000, 10 * LA_MS);
  lab_app(l, l->client, stays_from_5000, 4 * LA_SEC);
  lab_run(l, 8 * LA_SEC);
  octets = taken_by_children(l, server, &children);
  lab_check(l, children == 2 && octets == 170, "two incarnations of port 5000 to port 80: 100 "
            "octets for the first, 70 for the second, none of them twice");
  lab_check(l, strcmp(lab_state(l, l->server, 1), "ESTABLISHED") == 0,
            "the new connection was not disturbed");
}

void scenario_same_pair_again(struct lab *l)
{
  static const struct actor_step server_first[] = {
    { .what = ACTOR_AWAIT_OCTETS, .number = 100 }, { .what = ACTOR_FORGET },
    { .what = ACTOR_END } };
  static const struct actor_step serves[] = {
    { .what = ACTOR_LISTEN, .number = 80, .value = 5 },
    { .what = ACTOR_SERVE, .child = server_first }, { .what = ACTOR_END } };
  static const struct actor_step client_second[] = {
    { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_REUSEADDR, .value = 1 },
    { .what = ACTOR_BIND, .number = 5000 }, { .what = ACTOR_CONNECT, .number = 80 },
    { .what = ACTOR_SEND, .number = 100 }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_FORGET },
    { .what = ACTOR_END } };
  static const struct actor_step closes_and_again[] = {
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_FORGET },
    { .what = ACTOR_SLEEP, .time = LA_SEC }, { .what = ACTOR_AGAIN, .number = 0 } };
  struct actor *last;

  lab_part(l, "An old SYN, then a new one, for a pair in TIME-WAIT");
  lab_boot(l);
  lab_drop(l, (struct link_rule){ .way = 0, .flags = SEG_SYN, .flags_mask = LAB_MASK_ALL,
                                  .first = 1, .last = 1, .act = LINK_ACT_DUPLICATE,
                                  .by = 2 * LA_SEC, .why = "(a copy will come 2 s later)" });
  lab_app(l, l->server, serves, 0);
  lab_app(l, l->client, client_second, 10 * LA_MS);
  lab_run(l, 3 * LA_SEC);
  lab_check(l, strcmp(lab_state(l, l->server, 0), "TIME-WAIT") == 0,
            "the copy of the old SYN did not open anything, and its RST did not end TIME-WAIT");
  lab_app(l, l->client, client_second, 3 * LA_SEC);
  lab_run(l, 10 * LA_SEC);
  lab_check(l, lab_had_event(l, l->server, 0, "TW_REUSE"),
            "a new SYN that proves itself newer (RFC 6191) ends the old TIME-WAIT early");
  lab_check(l, lab_entered(l, l->server, 1, "ESTABLISHED") != LA_NEVER,
            "and opens the next incarnation");
  lab_part(l, "A local connect picks another port while one is free");
  l->client->config.port_first = 50000;
  l->client->config.port_last = 50001;
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, closes_and_again, 10 * LA_MS);
  lab_run(l, 5 * LA_SEC);
  last = lab_last_actor(l, l->client);
  lab_check(l, lab_sockets(l->client->stack, "TIME-WAIT") == 2,
            "two ephemeral ports were allowed, and two pairs are in TIME-WAIT");
  lab_check(l, last->error == LA_ENOPORT, "the third connect is refused: %s",
            la_strerror(-last->error));
}

void scenario_address_in_use(struct lab *l)
{
  static const struct actor_step server_closes[] = {
    { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
    { .what = ACTOR_SLEEP, .time = 100 * LA_MS }, { .what = ACTOR_FORGET },
    { .what = ACTOR_FORGET_LISTENER }, { .what = ACTOR_END } };
  static const struct actor_step client_follows[] = {
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_AWAIT_EOF },
    { .what = ACTOR_FORGET }, { .what = ACTOR_END } };
  static const struct actor_step again[] = {
    { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_END } };
  static const struct actor_step again_reusing[] = {
    { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_REUSEADDR, .value = 1 },
    { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_END } };
  static const struct actor_step accepts_and_leaves[] = {
    { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
    { .what = ACTOR_FORGET_LISTENER }, { .what = ACTOR_END } };
  struct actor *plain, *reusing, *third;

  lab_part(l, "The old server's TIME-WAIT holds the port");
  lab_boot(l);
  lab_app(l, l->server, server_closes, 0);
  lab_app(l, l->client, client_follows, 10 * LA_MS);
  plain = lab_app(l, l->server, again, LA_SEC);
  reusing = lab_app(l, l->server, again_reusing, 2 * LA_SEC);
  third = lab_app(l, l->server, again_reusing, 3 * LA_SEC);
  lab_run(l, 4 * LA_SEC);
  lab_check(l, lab_sockets(l->server->stack, "TIME-WAIT") == 1 && plain->error == LA_EINUSE,
            "bind without SO_REUSEADDR is refused: %s", la_strerror(-plain->error));
  lab_check(l, reusing->error == 0 && reusing->has_listener, "with it, it succeeds at once");
  lab_check(l, third->error == LA_EINUSE,
            "a second listener on the same address and port would be ambiguous, and is refused "
            "with SO_REUSEADDR too");
  lab_part(l, "A live child of the old listener holds the port");
  lab_boot(l);
  lab_app(l, l->server, accepts_and_leaves, 0);
  lab_app(l, l->client, client_follows, 10 * LA_MS);
  plain = lab_app(l, l->server, again, LA_SEC);
  reusing = lab_app(l, l->server, again_reusing, 2 * LA_SEC);
  lab_run(l, 4 * LA_SEC);
  lab_check(l, lab_sockets(l->server->stack, "ESTABLISHED") == 1 && plain->error == LA_EINUSE,
            "refused without SO_REUSEADDR while the child lives");
  lab_check(l, reusing->error == 0 && reusing->has_listener,
            "allowed with it: the child's pair has two names, the listener's one");
}

void scenario_last_ack_stuck(struct lab *l)
{
  static const struct actor_step crashes_after_fin[] = {
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_CLOSE },
    { .what = ACTOR_SLEEP, .time = 50 * LA_MS }, { .what = ACTOR_CRASH, .time = LA_NEVER },
    { .what = ACTOR_END } };
  la_time in, out;
  unsigned fins;

  lab_part(l, NULL);
  lab_boot(l);
  lab_app(l, l->server, server_serves, 0);
  lab_app(l, l->client, crashes_after_fin, 10 * LA_MS);
  lab_run(l, 30 * LA_SEC);
  lab_check(l, lab_sockets(l->server->stack, "LAST-ACK") == 1,
            "LAST-ACK: our FIN is not yet acknowledged");
  lab_flush(l);
  lab_netstat(l, l->server, LAB_LONG);
  lab_run(l, 3600 * LA_SEC);
  fins = lab_count(l, 1, SEG_FIN | SEG_ACK, LAB_MASK_ALL);
  in = lab_entered(l, l->server, 0, "LAST-ACK");
  out = lab_left(l, l->server, 0, "LAST-ACK");
  lab_check(l, fins > 5, "the FIN was sent %u times, with backoff", fins);
  lab_check(l, out != LA_NEVER && lab_had_event(l, l->server, 0, "GIVE_UP"),
            "then the server gave up, after %.0f s", (double)(out - in) / (double)LA_SEC);
  lab_check_path(l, l->server, 0, "LISTEN > SYN-RECEIVED > ESTABLISHED > CLOSE-WAIT > LAST-ACK > "
                                  "CLOSED");
}
