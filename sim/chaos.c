/* chaos.c - living a random world, and asking the oracle. */
#include "chaos_world.h"

#include "actor.h"

#include <stdlib.h>
#include <string.h>

static const la_time life = 2 * 3600 * LA_SEC, slice = 30 * LA_SEC, after_life = 6 * 3600 * LA_SEC;

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
  if (dice_one_in(r, 2)) {
    m.flags = dice_one_in(r, 2) ? SEG_RST : SEG_RST | SEG_ACK;
    m.seq = v->info.rcv_nxt + (1u << 28) + dice_below(r, UINT32_C(3) << 30);
    m.ack = (uint32_t)dice_next(r);
  } else {
    m.flags = SEG_SYN;
    m.seq = v->info.rcv_nxt + dice_below(r, dice_one_in(r, 2) ? v->info.rcv_wnd + 1 : UINT32_MAX);
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

  if (c->attacked && cause == WORLD_ARRIVAL && dice_one_in(&c->world.rng, 20))
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
  c->world.tally = options->tally;
  c->world.user = c;
  c->world.max_steps = 5000000;
  c->options = options;
  c->tracing = options->trace != NULL;
  watch(c);
  oracle_init(&c->oracle, &c->world);
  chaos_draw(c);
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
