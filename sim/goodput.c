/* goodput.c - flows over the line that `bench/run --only goodput` measures in real time. */
#include "goodput.h"

#include "actor.h"
#include "world.h"

#include <stdlib.h>

enum { BUFFER = 2 << 20, SLABS = 16384, PORT = 80, KBIT = 1000 };

struct point {
  const char *name;
  uint32_t queue, loss_ppm, reorder_ppm;
};

/* bench/goodput.py's, with what befalls the way of the text alone. */
static const struct point points[GOODPUT_POINTS] = {
  { "no loss", 250000, 0, 0 },
  { "0.1 % lost", 250000, 1000, 0 },
  { "1 % lost", 250000, 10000, 0 },
  { "3 % lost", 250000, 30000, 0 },
  { "1 % 5 ms late", 250000, 0, 10000 },
  { "queue of 60 kB", 60000, 0, 0 },
};

static const struct actor_step serves[] = {
  { .what = ACTOR_LISTEN, .number = PORT, .value = 4 },
  { .what = ACTOR_SERVE, .child = (const struct actor_step[]){ { .what = ACTOR_AWAIT_EOF },
    { .what = ACTOR_END } } },
  { .what = ACTOR_END },
};

#define SENDS(cc)                                                                                  \
  { { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_CONGESTION, .value = cc },       \
    { .what = ACTOR_CONNECT, .number = PORT }, { .what = ACTOR_SEND, .number = INT64_MAX },        \
    { .what = ACTOR_END } }
static const struct actor_step sends[LA_CC_COUNT][5] = {
  [LA_CC_NEWRENO] = SENDS(LA_CC_NEWRENO), [LA_CC_CUBIC] = SENDS(LA_CC_CUBIC),
  [LA_CC_BBR] = SENDS(LA_CC_BBR),
};

const char *goodput_cc_name(enum la_cc cc)
{
  static const char *const names[LA_CC_COUNT] = {
    [LA_CC_NEWRENO] = "NewReno", [LA_CC_CUBIC] = "CUBIC",
    [LA_CC_BBR] = "BBR",
  };

  return names[cc];
}

const char *goodput_point_name(unsigned point)
{
  return points[point].name;
}

/* Flows that share a queue are a little late now and then, as machines are: without, those that
 * always send a moment after the other find the queue full, and by that alone have less. */
static void build(struct world *w, const struct point *p, uint64_t seed, bool shared)
{
  struct link *k;

  world_init(w, seed);
  w->output_batch = 8;
  k = world_link_add(w, LA_MEDIUM_IP);
  for (unsigned way = 0; way < 2; way++)
    k->way[way] = (struct link_way){ .bits_per_s = 100000000, .delay = 10 * LA_MS,
                                     .queue_octets = p->queue, .reorder_by = 5 * LA_MS,
                                     .jitter = shared ? LA_MS / 2 : 0 };
  k->way[0].loss_ppm = p->loss_ppm;
  k->way[0].reorder_ppm = p->reorder_ppm;
  for (unsigned i = 0; i < 2; i++) {
    struct world_host *h = world_host_add(w, i ? "b" : "a", k, la_ip4(10, 0, 0, (uint8_t)(i + 1)));

    h->config.slabs = SLABS;
    h->config.send_buffer = h->config.receive_buffer = BUFFER;
    world_host_boot(h);
  }
  actor_add(&w->host[1], "server", serves, 0)->quiet = true;
}

bool goodput_run(unsigned point, uint64_t seed, const enum la_cc *cc, unsigned flows,
                 unsigned skip, unsigned seconds, uint32_t *kbit_per_s)
{
  struct world *w = calloc(1, sizeof *w);
  struct actor *flow[GOODPUT_FLOWS];
  uint64_t before[GOODPUT_FLOWS] = { 0 };
  bool stood = true;

  if (!w)
    return false;
  build(w, &points[point], seed, flows > 1);
  for (unsigned i = 0; i < flows; i++) {
    flow[i] = actor_add(&w->host[0], i ? "two" : "one", sends[cc[i]], (i + 1) * LA_MS);
    flow[i]->quiet = true;
  }
  world_run(w, skip * LA_SEC);
  for (unsigned i = 0; i < flows; i++) {
    stood = stood && flow[i]->peer;
    before[i] = stood ? flow[i]->peer->received : 0;
  }
  if (stood)
    world_run(w, (skip + seconds) * LA_SEC);
  for (unsigned i = 0; stood && i < flows; i++)
    kbit_per_s[i] = (uint32_t)((flow[i]->peer->received - before[i]) * 8 / seconds / KBIT);
  world_fini(w);
  free(w);
  return stood;
}
