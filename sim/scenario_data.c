/* scenario_data.c - what happens to octets on their way: scenarios 7, 22 and 26. */
#include "scenarios.h"

#include <string.h>

enum { TRANSFER = 150000 };

static const struct actor_step both_ways_client[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = TRANSFER },
  { .what = ACTOR_AWAIT_OCTETS, .number = TRANSFER }, { .what = ACTOR_CLOSE },
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END },
};

static const struct actor_step both_ways_server[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_SEND, .number = TRANSFER }, { .what = ACTOR_AWAIT_EOF },
  { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};

static void spoil(struct link_way *w)
{
  w->delay = 20 * LA_MS;
  w->jitter = 5 * LA_MS;
  w->bits_per_s = 10000000;
  w->queue_octets = 64000;
  w->loss_ppm = 20000;
  w->duplicate_ppm = 20000;
  w->reorder_ppm = 30000;
  w->reorder_by = 30 * LA_MS;
  w->corrupt_ppm = 10000;
}

/* Chance does what it likes; one accident of each kind is sure to happen. */
static void script_accidents(struct lab *l, bool datagrams, uint32_t first)
{
  static const struct { enum link_act act; la_time by; } accidents[] = {
    { LINK_ACT_DROP, 0 }, { LINK_ACT_DUPLICATE, 3 * LA_MS }, { LINK_ACT_DELAY, 30 * LA_MS },
    { LINK_ACT_CORRUPT, 0 },
  };

  for (uint32_t i = 0; i < sizeof accidents / sizeof *accidents; i++)
    lab_drop(l, (struct link_rule){ .way = 0, .act = accidents[i].act, .by = accidents[i].by,
                                    .with_text = true, .datagrams = datagrams,
                                    .first = first + 5 * i, .last = first + 5 * i });
}

static uint64_t both(const uint64_t *per_way)
{
  return per_way[0] + per_way[1];
}

void scenario_transfer(struct lab *l)
{
  struct actor *client, *server;
  la_sock_info info = { 0 };
  struct link *k;
  la_time done;

  lab_part(l, NULL);
  k = l->link;
  spoil(&k->way[0]);
  spoil(&k->way[1]);
  script_accidents(l, false, 20);
  lab_boot(l);
  server = lab_app(l, l->server, both_ways_server, 0);
  client = lab_app(l, l->client, both_ways_client, 10 * LA_MS);
  lab_run(l, 95 * LA_MS);
  ladder_brief(&l->ladder, true, "from here on only accidents and their repair are drawn");
  for (done = 0; done < 120 * LA_SEC && server->received < TRANSFER; done += LA_SEC / 100)
    lab_run(l, 95 * LA_MS + done);
  for (; done < 120 * LA_SEC && client->received < TRANSFER; done += LA_SEC / 100)
    lab_run(l, 95 * LA_MS + done);
  ladder_brief(&l->ladder, false, "both have everything");
  lab_check_result(l, la_sock_get(l->client->stack, client->sock, &info));
  lab_run(l, world_time(&l->world) + 10 * LA_SEC);
  lab_check(l, client->received == TRANSFER && client->wrong_octets == 0 && client->eof,
            "all %u octets from server to client arrived whole, in order, once", TRANSFER);
  lab_check(l, server->received == TRANSFER && server->wrong_octets == 0 && server->eof,
            "and so did the %u from client to server, at the same time", TRANSFER);
  lab_check(l, k->count[0][LINK_LOST] + k->count[1][LINK_LOST] > 0,
            "although the link lost %llu packets",
            (unsigned long long)(k->count[0][LINK_LOST] + k->count[1][LINK_LOST]));
  lab_check(l, both(k->duplicated) > 0 && both(k->reordered) > 0 && both(k->corrupted) > 0,
            "duplicated %llu, reordered %llu and corrupted %llu",
            (unsigned long long)both(k->duplicated), (unsigned long long)both(k->reordered),
            (unsigned long long)both(k->corrupted));
  lab_check(l, info.retransmissions > 0, "the client resent %u segments", info.retransmissions);
}

/* ---- the window shuts ----------------------------------------------------------------- */

static const struct actor_step sends_40000[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = 40000 },
  { .what = ACTOR_SLEEP, .time = 3610 * LA_SEC }, { .what = ACTOR_CLOSE },
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END },
};

static const struct actor_step reads_an_hour_later[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 5 }, { .what = ACTOR_READ_OFF },
  { .what = ACTOR_ACCEPT }, { .what = ACTOR_SLEEP, .time = 3600 * LA_SEC },
  { .what = ACTOR_READ_ON }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_CLOSE },
  { .what = ACTOR_END },
};

void scenario_zero_window(struct lab *l)
{
  struct actor *client, *server;
  la_sock_info info = { 0 };
  bool ok;

  lab_part(l, NULL);
  l->server->config.receive_buffer = 8192;
  lab_boot(l);
  server = lab_app(l, l->server, reads_an_hour_later, 0);
  client = lab_app(l, l->client, sends_40000, 10 * LA_MS);
  lab_run(l, 5 * LA_SEC);
  lab_flush(l);
  lab_netstat(l, l->client, LAB_LONG);
  ladder_mute(&l->ladder, true, "");
  lab_run(l, 3500 * LA_SEC);
  ladder_mute(&l->ladder, false, "probes, ever further apart up to the longest RTO");
  ok = la_sock_get(l->client->stack, client->sock, &info) == 0;
  lab_check(l, ok && info.snd_wnd == 0 && info.timer == LA_TIMER_PERSIST,
            "the peer's window is shut, and the persist timer runs");
  lab_check(l, ok && strcmp(lab_state(l, l->client, 0), "ESTABLISHED") == 0 && info.error == 0
               && info.probes + info.backoffs > 0,
            "an hour of answered probes did not end the connection: probes go on for ever, for as "
            "long as they are answered (RFC 9293 3.8.6.1)");
  lab_run(l, 3660 * LA_SEC + 500 * LA_MS);
  lab_check(l, server->received == 40000 && server->wrong_octets == 0 && server->eof,
            "the application read on, and all 40000 octets were there, none lost, none twice");
}

/* ---- without TCP ------------------------------------------------------------------------ */

enum { DATAGRAMS = 30 };

struct arrivals { unsigned count[DATAGRAMS], total, late, highest; };

static void receive_datagrams(struct lab *l, la_sock sock, struct arrivals *a)
{
  uint8_t octets[256];
  la_endpoint from;
  int n;

  while ((n = la_udp_recv(l->server->stack, sock, &from, octets, sizeof octets)) >= 0) {
    unsigned number = n > 0 ? octets[0] - 1u : DATAGRAMS;

    if (number >= DATAGRAMS)
      continue;
    a->late += a->total > 0 && number < a->highest;
    a->highest = number > a->highest ? number : a->highest;
    a->count[number]++;
    a->total++;
    world_said(l->server, "app: recvfrom() gives %d octets%s", n,
               a->count[number] > 1 ? ", again" : "");
  }
}

static void send_datagrams(struct lab *l, la_sock from, la_sock to, struct arrivals *a)
{
  la_endpoint server = { l->server->addr, 7 };
  uint8_t octets[DATAGRAMS];

  for (unsigned i = 0; i < DATAGRAMS; i++) {
    memset(octets, (int)i + 1, sizeof octets);
    lab_check_result(l, la_udp_send(l->client->stack, from, server, octets, i + 1));
    lab_run(l, world_time(&l->world) + 5 * LA_MS);
    receive_datagrams(l, to, a);
  }
  lab_run(l, world_time(&l->world) + LA_SEC);
  receive_datagrams(l, to, a);
}

void scenario_datagram(struct lab *l)
{
  struct arrivals a = { .total = 0 };
  unsigned missing = 0, twice = 0;
  la_sock from, to;

  lab_part(l, NULL);
  l->link->way[0] = (struct link_way){ .delay = 10 * LA_MS, .loss_ppm = 150000,
                                       .duplicate_ppm = 100000, .reorder_ppm = 150000,
                                       .reorder_by = 12 * LA_MS };
  script_accidents(l, true, 8);
  lab_boot(l);
  lab_check_result(l, la_udp_open(l->server->stack, (la_endpoint){ .port = 7 }, NULL, &to));
  lab_check_result(l, la_udp_open(l->client->stack, (la_endpoint){ .port = 4000 }, NULL, &from));
  send_datagrams(l, from, to, &a);
  for (unsigned i = 0; i < DATAGRAMS; i++) {
    missing += a.count[i] == 0;
    twice += a.count[i] > 1;
  }
  lab_check(l, missing > 0, "%u of %u datagrams never arrived, and nobody was told", missing,
            DATAGRAMS);
  lab_check(l, twice > 0, "%u arrived twice", twice);
  lab_check(l, a.late > 0, "%u arrived after a later one", a.late);
  lab_check(l, l->link->count[1][LINK_PASSES] == 0, "nothing came back: UDP acknowledges nothing");
}
