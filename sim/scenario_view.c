/* scenario_view.c - things to look at: all eleven states at once, and the diagram. Scenarios 24
 * and 25. */
#include "scenarios.h"

#include <string.h>

/* The client's sockets, each brought into its state by what its peer does and what the link
 * loses. The peers' ports tell them apart. */
enum port {
  PORT_ESTABLISHED = 1001, PORT_FIN_WAIT_1, PORT_FIN_WAIT_2, PORT_CLOSE_WAIT, PORT_CLOSING,
  PORT_LAST_ACK, PORT_TIME_WAIT, PORT_SYN_SENT, PORT_LISTEN = 8080
};

static const struct actor_step waits[] = { { .what = ACTOR_END } };
static const struct actor_step closes_at_200[] = {
  { .what = ACTOR_SLEEP, .time = 200 * LA_MS }, { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};

#define SERVES(name, p, script)                                                          \
  static const struct actor_step name[] = { { .what = ACTOR_LISTEN, .number = p, .value = 4 }, \
    { .what = ACTOR_SERVE, .child = script }, { .what = ACTOR_END } }
SERVES(serves_established, PORT_ESTABLISHED, waits);
SERVES(serves_fin_wait_1, PORT_FIN_WAIT_1, waits);
SERVES(serves_fin_wait_2, PORT_FIN_WAIT_2, waits);
SERVES(serves_close_wait, PORT_CLOSE_WAIT, closes_at_200);
SERVES(serves_closing, PORT_CLOSING, closes_at_200);
SERVES(serves_last_ack, PORT_LAST_ACK, closes_at_200);
SERVES(serves_time_wait, PORT_TIME_WAIT, closes_at_200);

#define STAYS(name, p)                                                                  \
  static const struct actor_step name[] = { { .what = ACTOR_CONNECT, .number = p },     \
    { .what = ACTOR_SEND, .number = 100 }, { .what = ACTOR_END } }
#define CLOSES(name, p)                                                                 \
  static const struct actor_step name[] = { { .what = ACTOR_CONNECT, .number = p },     \
    { .what = ACTOR_SLEEP, .time = 150 * LA_MS }, { .what = ACTOR_CLOSE },              \
    { .what = ACTOR_END } }
STAYS(asks_established, PORT_ESTABLISHED);
CLOSES(asks_fin_wait_1, PORT_FIN_WAIT_1);
CLOSES(asks_fin_wait_2, PORT_FIN_WAIT_2);
STAYS(asks_close_wait, PORT_CLOSE_WAIT);
CLOSES(asks_closing, PORT_CLOSING);
CLOSES(asks_time_wait, PORT_TIME_WAIT);
static const struct actor_step asks_last_ack[] = {
  { .what = ACTOR_CONNECT, .number = PORT_LAST_ACK }, { .what = ACTOR_AWAIT_EOF },
  { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};
static const struct actor_step asks_syn_sent[] = {
  { .what = ACTOR_CONNECT, .number = PORT_SYN_SENT }, { .what = ACTOR_END },
};
static const struct actor_step opens_only[] = { { .what = ACTOR_OPEN }, { .what = ACTOR_END } };
static const struct actor_step listens[] = {
  { .what = ACTOR_LISTEN, .number = PORT_LISTEN, .value = 4 }, { .what = ACTOR_END },
};
static const struct actor_step asks_us[] = {
  { .what = ACTOR_CONNECT, .number = PORT_LISTEN }, { .what = ACTOR_END },
};

static void lose(struct lab *l, uint16_t port, uint8_t flag, const char *why)
{
  lab_drop(l, (struct link_rule){ .way = 0, .flags = flag, .flags_mask = flag, .port = port,
                                  .why = why });
}

void lab_all_states(struct lab *l)
{
  static const struct actor_step *const server[] = {
    serves_established, serves_fin_wait_1, serves_fin_wait_2, serves_close_wait, serves_closing,
    serves_last_ack, serves_time_wait, asks_us,
  };
  static const struct actor_step *const client[] = {
    opens_only, listens, asks_syn_sent, asks_established, asks_fin_wait_1, asks_fin_wait_2,
    asks_close_wait, asks_closing, asks_last_ack, asks_time_wait,
  };

  lab_boot(l);
  lose(l, PORT_FIN_WAIT_1, SEG_FIN, "so that it stays in FIN-WAIT-1");
  lose(l, PORT_CLOSING, SEG_FIN, "so that it stays in CLOSING");
  lose(l, PORT_LAST_ACK, SEG_FIN, "so that it stays in LAST-ACK");
  lose(l, PORT_SYN_SENT, 0, "so that it stays in SYN-SENT");
  lose(l, PORT_LISTEN, SEG_SYN, "so that it stays in SYN-RECEIVED");
  for (size_t i = 0; i + 1 < sizeof server / sizeof *server; i++)
    lab_app(l, l->server, server[i], 0);
  for (size_t i = 0; i < sizeof client / sizeof *client; i++)
    lab_app(l, l->client, client[i], (10 + 20 * (la_time)i) * LA_MS);
  lab_app(l, l->server, asks_us, 2500 * LA_MS);
  lab_run(l, 4 * LA_SEC);
}

void scenario_netstat(struct lab *l)
{
  static const struct { enum lab_style style; const char *text; } styles[] = {
    { LAB_NETSTAT, "as netstat -ant prints it" }, { LAB_SS, "as ss -tan -o prints it" },
    { LAB_BSD, "as BSD's netstat prints it" }, { LAB_JSON, "as JSON" },
  };

  lab_part(l, NULL);
  ladder_mute(&l->ladder, true, "");
  lab_all_states(l);
  for (uint8_t s = 0; s < LA_STATE_COUNT; s++)
    lab_check(l, lab_sockets(l->client->stack, la_state_name(s)) >= 1,
              "%s is there; it waits for %s", la_state_name(s), la_state_waits_for(s));
  for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
    fprintf(l->io->out, "\n-- %s", styles[i].text);
    lab_netstat(l, l->client, styles[i].style);
  }
  fprintf(l->io->out, "\n-- explained: what it means, since when, which timer, who must move "
                      "next");
  lab_netstat(l, l->client, LAB_WHOLE);
  lab_netstat(l, l->server, LAB_WHOLE);
  l->told = true;
}

/* ---- the diagram ------------------------------------------------------------------------ */

/* The two usual lives; the rest of the table is the exceptions. */
static const char *const client_path[] = {
  "CLOSED", "OPEN_ACTIVE", "SYN-SENT", "RCV_SYN_ACK", "ESTABLISHED", "CLOSE", "FIN-WAIT-1",
  "RCV_ACK_OF_FIN", "FIN-WAIT-2", "RCV_FIN", "TIME-WAIT", "TIMEOUT_2MSL", "CLOSED", NULL,
};
static const char *const server_path[] = {
  "CLOSED", "OPEN_PASSIVE", "LISTEN", "RCV_SYN", "SYN-RECEIVED", "RCV_ACK_OF_SYN", "ESTABLISHED",
  "RCV_FIN", "CLOSE-WAIT", "CLOSE", "LAST-ACK", "RCV_ACK_OF_FIN", "CLOSED", NULL,
};

static bool walk(const char *const *path)
{
  for (; path[1]; path += 2) {
    la_fsm_row row;
    bool found = false;

    for (unsigned n = 0; !found && la_fsm_row_get(n, &row); n++)
      found = strcmp(la_state_name(row.from), path[0]) == 0
              && strcmp(la_fsm_event_name(row.event), path[1]) == 0
              && strcmp(la_state_name(row.to), path[2]) == 0;
    if (!found)
      return false;
  }
  return true;
}

void scenario_diagram(struct lab *l)
{
  unsigned moves = 0, stays = 0;
  bool used[LA_STATE_COUNT] = { false };
  unsigned states = 0;
  la_fsm_row row;

  fputc('\n', l->io->out);
  fflush(l->io->out);
  if (l->io->diagram)
    l->io->diagram(l->io->user);
  for (unsigned n = 0; la_fsm_row_get(n, &row); n++) {
    moves += row.from != row.to;
    stays += row.from == row.to;
    used[row.from] = used[row.to] = true;
  }
  for (uint8_t s = 0; s < LA_STATE_COUNT; s++)
    states += used[s];
  lab_check(l, walk(client_path), "every step of the usual client's life is a row of the table");
  lab_check(l, walk(server_path), "and so is every step of the usual server's");
  lab_check(l, states == LA_STATE_COUNT, "%u states, %u transitions between them, %u rows stay",
            states, moves, stays);
}
