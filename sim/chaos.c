/* chaos.c - drawing a world, living it, and asking the oracle. A world is gentle when nothing in
 * it excuses a connection from completing; nearly half of them are, and those must complete. */
#include "chaos.h"

#include "actor.h"
#include "ladder.h"
#include "oracle.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

enum { SCRIPT_STEPS = 24, PORT = 80, PPM = 1000000 };
static const la_time life = 2 * 3600 * LA_SEC, slice = 30 * LA_SEC, after_life = 6 * 3600 * LA_SEC;

struct chaos {
  struct world world;
  struct oracle oracle;
  struct track track;               /* of the ladder */
  struct ladder ladder;
  bool     gentle, six, tracing, attacked;
  unsigned crashes, forged;
};

/* ---- drawing -------------------------------------------------------------------------- */

static bool one_in(struct dice *r, uint32_t n)
{
  return dice_below(r, n) == 0;
}

/* Small numbers are as likely as large ones: uniform in the number of digits. */
static uint32_t any_size(struct dice *r, uint32_t bits)
{
  uint32_t n = dice_below(r, bits + 1);

  return n ? dice_below(r, (uint32_t)1 << n) : 0;
}

static la_time any_time(struct dice *r, la_time most)
{
  return (la_time)(dice_next(r) % (uint64_t)(most / LA_MS + 1)) * LA_MS;
}

static void draw_way(struct chaos *c, struct link_way *w, uint32_t loss_ppm)
{
  struct dice *r = &c->world.rng;

  w->delay = any_time(r, one_in(r, 4) ? 400 * LA_MS : 40 * LA_MS);
  w->loss_ppm = loss_ppm;
  if (one_in(r, 2))
    w->jitter = any_time(r, 20 * LA_MS);
  if (one_in(r, 2)) {
    w->bits_per_s = (uint64_t)(128 + any_size(r, 14)) * 1000;
    w->queue_octets = one_in(r, 4) ? 0 : 8000 + any_size(r, 17);
    w->mark_octets = one_in(r, 3) ? 4000 + any_size(r, 15) : 0;
  }
  if (one_in(r, 3))
    w->duplicate_ppm = any_size(r, 16);
  if (one_in(r, 3)) {
    w->reorder_ppm = any_size(r, 17);
    w->reorder_by = any_time(r, one_in(r, 4) ? 3 * LA_SEC : 50 * LA_MS);
  }
  if (one_in(r, 8)) {
    w->stall_every = LA_SEC + any_time(r, 5 * LA_SEC);
    w->stall_for = 100 * LA_MS + any_time(r, 700 * LA_MS);
  }
  if (one_in(r, 3))
    w->corrupt_ppm = any_size(r, 15);
  if (one_in(r, 8)) {
    w->down_from = any_time(r, 20 * LA_SEC);
    w->down_until = w->down_from + any_time(r, (c->gentle ? 15 : 60) * LA_SEC);
  }
}

static void draw_link(struct chaos *c, const struct chaos_options *o)
{
  struct dice *r = &c->world.rng;
  enum la_medium medium = one_in(r, c->gentle ? 8 : 4) ? LA_MEDIUM_ETHERNET : LA_MEDIUM_IP;
  struct link *l = world_link_add(&c->world, medium);
  uint32_t loss = 0;

  if (o->losses)
    loss = o->loss_ppm[dice_below(r, o->losses)];
  else if (!one_in(r, 3))
    loss = any_size(r, one_in(r, 3) && !c->gentle ? 18 : 15);
  draw_way(c, &l->way[0], loss);
  draw_way(c, &l->way[1], loss);
  if (medium == LA_MEDIUM_IP && one_in(r, 8)) {
    l->way[0].mtu = l->way[1].mtu = c->six ? 1280 + dice_below(r, 200) : 576 + dice_below(r, 900);
    l->way[0].black_hole = l->way[1].black_hole = one_in(r, 4) && !c->gentle;
    l->way[0].mtu_from = l->way[1].mtu_from = one_in(r, 2) ? any_time(r, 10 * LA_SEC) : 0;
  }
  if (loss > 33000)
    c->gentle = false;
  /* Three lost questions are enough for "no route": an address that nobody answers for. */
  for (unsigned way = 0; way < 2 && medium == LA_MEDIUM_ETHERNET; way++)
    if (loss || l->way[way].corrupt_ppm || l->way[way].down_until)
      c->gentle = false;
}

static void draw_host(struct chaos *c, const char *name, la_addr addr)
{
  struct dice *r = &c->world.rng;
  struct world_host *h = world_host_add(&c->world, name, &c->world.link[0], addr);

  h->config.no_timestamps = one_in(r, 4);
  h->config.no_window_scale = one_in(r, 4);
  h->config.no_sack = one_in(r, 4);
  h->config.msl_ms = one_in(r, 2) ? 30000 : 500 + any_size(r, 14);
  /* A cookie is no promise: should the segment that carries it come late, it is lost. */
  h->config.tcp_half_open = c->gentle ? 16 : 1 + any_size(r, 4);
  h->config.tcp_time_waits = 1 + any_size(r, 6);
  h->config.slabs = 2048;
  h->config.send_buffer = 4096 + any_size(r, one_in(r, 8) ? 20 : 17);
  h->config.receive_buffer = 4096 + any_size(r, one_in(r, 8) ? 20 : 17);
  h->config.delayed_ack_ms = one_in(r, 2) ? 40 : 1 + any_size(r, 8);
  h->config.initial_window = one_in(r, 2) ? 10 : 1 + dice_below(r, 10);
  h->config.no_syn_cookies = one_in(r, 4);
  h->config.ecn = (uint8_t)dice_below(r, LA_ECN_ASK + 1);
  h->config.abe = one_in(r, 4);
  h->config.no_tail_probes = one_in(r, 4);
  if (one_in(r, 4) && !c->gentle)
    h->config.tcp_connections = 3 + any_size(r, 4);
  if (one_in(r, 4) && !c->gentle)     /* so that pairs meet again, in TIME-WAIT and after */
    h->config.port_last = (uint16_t)(h->config.port_first + dice_below(r, 4));
  if (one_in(r, 4) && !c->gentle)
    h->config.slabs = 64 + any_size(r, 9);
  if (one_in(r, 4) && !c->gentle) {
    h->config.ranges = 1 + any_size(r, 5);
    h->config.chunks = 64 + any_size(r, 9);
    h->config.replies = 1 + any_size(r, 4);
  }
  if (one_in(r, 4)) {
    h->config.rto_min_ms = 20 + any_size(r, 9);
    /* From 20 ms on, eight resends of an orphan's FIN may all fall into one outage. */
    if (c->gentle)
      h->config.orphan_retries = h->config.retries;
    h->config.rto_initial_ms = (c->gentle ? 1000 : h->config.rto_min_ms) + any_size(r, 11);
    h->config.keepalive_idle_ms = 1000 + any_size(r, 14);
    h->config.keepalive_interval_ms = 5000;
  }
  if (one_in(r, 4))
    h->iface.mtu = c->six ? 1280 + dice_below(r, 221) : 576 + dice_below(r, 925);
  if (one_in(r, 4))
    h->iface.gso_max = 65535;
}

/* ---- scripts ---------------------------------------------------------------------------- */

struct draft { struct chaos *chaos; struct dice *rng; struct actor_step *step; unsigned n; };

static void add(struct draft *d, struct actor_step s)
{
  if (d->n < SCRIPT_STEPS - 1)
    d->step[d->n++] = s;
}

static void add_options(struct draft *d)
{
  static const struct { enum la_option option; uint32_t least, bits; bool gentle; } options[] = {
    { LA_OPT_NODELAY, 1, 0, true }, { LA_OPT_QUICKACK, 1, 0, true },
    { LA_OPT_KEEPALIVE, 1, 0, true }, { LA_OPT_MSS, 400, 10, true },
    { LA_OPT_SEND_BUFFER, 2048, 16, true }, { LA_OPT_RECEIVE_BUFFER, 2048, 16, true },
    { LA_OPT_CONGESTION, 0, 1, true }, { LA_OPT_CONGESTION, LA_CC_BBR, 0, true },
    { LA_OPT_PACING, 1, 0, true }, { LA_OPT_PACING_RATE, 100000, 22, true },
    { LA_OPT_USER_TIMEOUT_MS, 1000, 16, false }, { LA_OPT_LINGER_MS, 0, 12, false },
    { LA_OPT_KEEPALIVE_IDLE_MS, 1000, 14, false },
  };

  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (one_in(d->rng, 8) && (options[i].gentle || !d->chaos->gentle))
      add(d, (struct actor_step){ .what = ACTOR_SET, .number = options[i].option,
        .value = (int64_t)options[i].least + (options[i].bits ? any_size(d->rng, options[i].bits)
                                                              : 0) });
}

static void add_body(struct draft *d)
{
  for (uint32_t i = dice_below(d->rng, 5); i > 0; i--) {
    switch (dice_below(d->rng, 6)) {
    case 0:
      add(d, (struct actor_step){ .what = ACTOR_SLEEP, .time = any_time(d->rng, 3 * LA_SEC) });
      break;
    case 1:
      add(d, (struct actor_step){ .what = ACTOR_READ_RATE, .number = 2000 + any_size(d->rng, 20) });
      break;
    case 2:
      add(d, (struct actor_step){ .what = ACTOR_READ_OFF });
      add(d, (struct actor_step){ .what = ACTOR_SLEEP, .time = any_time(d->rng, 20 * LA_SEC) });
      add(d, (struct actor_step){ .what = ACTOR_READ_ON });
      break;
    default:
      add(d, (struct actor_step){
        .what = one_in(d->rng, 16) ? ACTOR_SEND_URGENT : ACTOR_SEND,
        .number = any_size(d->rng, one_in(d->rng, 30) ? 21 : 17) });
      break;
    }
  }
}

/* In a gentle world everyone closes and then waits; elsewhere they do what applications do. */
static void add_ending(struct draft *d)
{
  uint32_t kind = d->chaos->gentle ? dice_below(d->rng, 2) : dice_below(d->rng, 8);

  if (kind <= 2) {
    add(d, (struct actor_step){ .what = ACTOR_CLOSE });
    add(d, (struct actor_step){ .what = ACTOR_AWAIT_EOF });
    if (kind == 1)
      add(d, (struct actor_step){ .what = ACTOR_AWAIT_CLOSED });
    add(d, (struct actor_step){ .what = ACTOR_FORGET });
  } else if (kind == 3) {
    add(d, (struct actor_step){ .what = ACTOR_FORGET });
  } else if (kind == 4) {
    add(d, (struct actor_step){ .what = ACTOR_ABORT });
  } else if (kind == 5) {
    add(d, (struct actor_step){ .what = ACTOR_AWAIT_EOF });
    add(d, (struct actor_step){ .what = ACTOR_SEND, .number = any_size(d->rng, 15) });
    add(d, (struct actor_step){ .what = ACTOR_FORGET });
  } else if (kind == 6 && one_in(d->rng, 3)) {
    add(d, (struct actor_step){ .what = ACTOR_CRASH,
      .time = one_in(d->rng, 4) ? LA_NEVER : any_time(d->rng, 10 * LA_SEC) });
  }
  add(d, (struct actor_step){ .what = ACTOR_END });
}

static struct actor_step *script_new(struct draft *d, struct actor *a)
{
  struct actor_step *steps = calloc(SCRIPT_STEPS, sizeof *steps);

  if (!steps)
    abort();
  d->step = steps;
  d->n = 0;
  a->script = a->own_script = steps;
  return steps;
}

static void draw_child(struct actor *listener, struct actor *child)
{
  struct draft d = { listener->host->world->user, &child->rng, NULL, 0 };

  script_new(&d, child);
  add_body(&d);
  add_ending(&d);
}

/* Both ends connect to each other's port at nearly the same time. Where they miss each other, the
 * later SYN meets nobody or a connection, and refusal is right. */
static void draw_crossing(struct chaos *c)
{
  static const struct actor_step nothing[] = { { .what = ACTOR_END } };
  la_time start = any_time(&c->world.rng, 5 * LA_SEC);

  for (unsigned side = 0; side < 2; side++) {
    struct actor *a = actor_add(&c->world.host[side], "app", nothing,
                                start + any_time(&c->world.rng, 20 * LA_MS));
    struct draft d = { c, &a->rng, NULL, 0 };

    script_new(&d, a);
    add(&d, (struct actor_step){ .what = ACTOR_BIND, .number = 1000 + side });
    add(&d, (struct actor_step){ .what = ACTOR_CONNECT, .number = 1001 - side });
    add_body(&d);
    add_ending(&d);
  }
}

static void draw_client(struct chaos *c, struct world_host *h)
{
  static const struct actor_step nothing[] = { { .what = ACTOR_END } };
  struct actor *a = actor_add(h, "app", nothing, any_time(&c->world.rng, 5 * LA_SEC));
  struct draft d = { c, &a->rng, NULL, 0 };

  script_new(&d, a);
  add(&d, (struct actor_step){ .what = ACTOR_OPEN });
  add_options(&d);
  if (one_in(d.rng, 6)) {
    add(&d, (struct actor_step){ .what = ACTOR_SET, .number = LA_OPT_REUSEADDR, .value = 1 });
    add(&d, (struct actor_step){ .what = ACTOR_BIND, .number = 2000 + a->number });
  }
  add(&d, (struct actor_step){ .what = c->gentle || one_in(d.rng, 2) ? ACTOR_CONNECT
                                                                     : ACTOR_CONNECT_ONLY,
                               .number = one_in(d.rng, 12) && !c->gentle ? PORT + 1 : PORT });
  add_body(&d);
  add_ending(&d);
  if (!c->gentle && one_in(d.rng, 4)) {       /* again and again, until the world has seen enough */
    d.step[d.n - 1] = (struct actor_step){ .what = ACTOR_SLEEP, .time = LA_SEC };
    add(&d, (struct actor_step){ .what = ACTOR_AGAIN });
    a->lives = 1 + dice_below(d.rng, 8);
  }
}

static void draw_listener(struct chaos *c, struct world_host *h)
{
  static const struct actor_step serves[] = {
    { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_REUSEADDR, .value = 1 },
    { .what = ACTOR_LISTEN, .number = PORT, .value = 8 }, { .what = ACTOR_SERVE },
    { .what = ACTOR_END },
  };
  struct actor *a = actor_add(h, "server", serves, 0);

  (void)c;
  a->choose = draw_child;
  a->restarts = true;
}

static void draw_world(struct chaos *c, const struct chaos_options *o)
{
  struct dice *r = &c->world.rng;

  c->gentle = one_in(r, 2);
  c->six = one_in(r, 2);
  c->world.output_batch = 1 + dice_below(r, 16);
  draw_link(c, o);
  draw_host(c, "alpha", world_addr(c->six, 1));
  draw_host(c, "beta", world_addr(c->six, 2));
  for (unsigned i = 0; i < 2; i++)
    draw_listener(c, &c->world.host[i]);
  for (uint32_t i = 1 + dice_below(r, 5); i > 0; i--)
    draw_client(c, &c->world.host[0]);
  for (uint32_t i = dice_below(r, 4); i > 0; i--)
    draw_client(c, &c->world.host[1]);
  if (!c->gentle && one_in(r, 3))
    draw_crossing(c);
  c->attacked = c->world.link[0].medium == LA_MEDIUM_IP && one_in(r, 3);
}

/* ---- looking on ----------------------------------------------------------------------------- */

static void on_crashed(void *user, struct world_host *h)
{
  struct chaos *c = user;

  c->crashes++;
  if (c->tracing)
    track_crashed(&c->track, h);
}

/* RFC 5961: somebody off the path knows the two ends, but not the numbers. A RST far outside the
 * window and a SYN anywhere must not hurt a connection. */
static void attack(struct chaos *c, struct world_host *h)
{
  struct dice *r = &c->world.rng;
  const struct track *t = &c->oracle.track;
  const struct track_conn *v = t->conns ? t->conn[dice_below(r, (uint32_t)t->conns)] : NULL;
  struct seg_make m = { .window = 1000 };
  uint8_t octets[64];
  size_t n;

  if (!v || v->host != h || v->gone || v->peer.port == 0 || c->forged >= 200
      || !(la_state_attrs(v->state) & LA_STATE_TX_QUEUE)
      || !(la_state_attrs(v->state) & LA_STATE_SYNCED))
    return;
  m.from = v->peer;
  m.to = v->local;
  if (one_in(r, 2)) {
    m.flags = one_in(r, 2) ? SEG_RST : SEG_RST | SEG_ACK;
    m.seq = v->info.rcv_nxt + (1u << 28) + dice_below(r, UINT32_C(3) << 30);
    m.ack = (uint32_t)dice_next(r);
  } else {
    m.flags = SEG_SYN;
    m.seq = v->info.rcv_nxt + dice_below(r, one_in(r, 2) ? v->info.rcv_wnd + 1 : UINT32_MAX);
  }
  c->forged++;
  n = seg_make_tcp(&m, octets, sizeof octets);
  world_send(world_host_other(h), octets, (uint32_t)n, true);
}

static void on_enters(void *user, const struct link_packet *p, const struct link_plan *plan)
{
  ladder_enters(&((struct chaos *)user)->ladder, p, plan);
}

static void on_turned(void *user, struct world_host *h, enum world_cause cause,
                      const struct link_packet *p)
{
  struct chaos *c = user;
  size_t first = c->ladder.rows;

  if (c->attacked && cause == WORLD_ARRIVAL && one_in(&c->world.rng, 20))
    attack(c, h);
  if (!c->tracing)
    return;
  ladder_turned(&c->ladder);
  track_scan(&c->track, h, cause, p);
  if (p) {
    ladder_arrived(&c->ladder, h, p);
    ladder_move_last(&c->ladder, first);
  }
}

static void on_changed(void *user, struct track_conn *t, const struct track_change *k)
{
  ladder_changed(&((struct chaos *)user)->ladder, t, k);
}

static void on_entry(void *user, struct track_conn *t, const la_trace *entry)
{
  ladder_entry(&((struct chaos *)user)->ladder, t, entry);
}

static void on_refused(void *user, struct world_host *h, unsigned reason)
{
  ladder_refused(&((struct chaos *)user)->ladder, h, reason);
}

static void on_said(void *user, struct world_host *h, const char *text)
{
  ladder_said(&((struct chaos *)user)->ladder, h, text);
}

static void watch(struct chaos *c)
{
  struct world_watch w = { .user = c, .crashed = on_crashed, .turned = on_turned };

  if (c->tracing) {
    track_init(&c->track, &c->world, true);
    c->track.user = c;
    c->track.changed = on_changed;
    c->track.entry = on_entry;
    c->track.refused = on_refused;
    ladder_init(&c->ladder, &c->track);
    w.enters = on_enters;
    w.said = on_said;
  }
  world_watch_add(&c->world, w);
}

/* ---- living ---------------------------------------------------------------------------------*/

static bool all_done(const struct world *w)
{
  for (const struct actor *a = w->actors; a; a = a->next)
    if (!a->done && !a->has_listener)
      return false;
  return w->in_flight == 0;
}

static void live(struct chaos *c)
{
  struct world *w = &c->world;

  for (la_time t = slice; t <= life && !w->stopped && !(t > 2 * slice && all_done(w)); t += slice)
    world_run(w, t);
  if (!w->stopped)
    oracle_streams(&c->oracle, c->gentle);
  for (struct actor *a = w->actors; a; a = a->next)
    a->restarts = false;
  for (struct actor *a = w->actors; a; a = a->next)
    actor_let_go(a);
  world_run(w, world_time(w) + after_life);
  if (!w->stopped)
    oracle_leaks(&c->oracle);
}

static void count(struct chaos *c, struct chaos_result *r)
{
  const struct link *l = &c->world.link[0];

  r->gentle = c->gentle;
  r->crashes = c->crashes;
  r->time = world_time(&c->world);
  r->steps = c->world.steps;
  r->packets = c->world.packets;
  for (unsigned way = 0; way < 2; way++)
    for (unsigned f = LINK_PASSES + 1; f < LINK_FATE_COUNT; f++)
      r->lost += l->count[way][f];
  for (const struct actor *a = c->world.actors; a; a = a->next) {
    r->octets += a->received;
    r->connections += !a->choose && !a->passive;
    r->established += a->connected && !a->passive;
    r->errors += a->failed;
  }
}

void chaos_run(uint64_t seed, const struct chaos_options *options, struct chaos_result *result)
{
  struct chaos *c = calloc(1, sizeof *c);

  if (!c)
    abort();
  memset(result, 0, sizeof *result);
  world_init(&c->world, seed);
  c->world.user = c;
  c->world.max_steps = 5000000;
  c->tracing = options->trace != NULL;
  watch(c);
  oracle_init(&c->oracle, &c->world);
  draw_world(c, options);
  world_host_boot(&c->world.host[0]);
  world_host_boot(&c->world.host[1]);
  live(c);
  if (c->world.stopped && !c->oracle.failures)
    oracle_fail(&c->oracle, "the world could not go on");
  count(c, result);
  result->failed = c->oracle.failures > 0;
  memcpy(result->why, c->oracle.first, sizeof result->why);
  if (c->tracing) {
    ladder_print(&c->ladder, options->trace, options->width);
    ladder_fini(&c->ladder);
    track_fini(&c->track);
  }
  oracle_fini(&c->oracle);
  world_fini(&c->world);
  free(c);
}
