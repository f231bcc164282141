/* chaos_draw.c - drawing a world: its link, its hosts, how many applications they run. */
#include "chaos_world.h"

static void draw_way(struct chaos *c, struct link_way *w, uint32_t loss_ppm)
{
  struct dice *r = &c->world.rng;

  w->delay = dice_time(r, dice_one_in(r, 4) ? 400 * LA_MS : 40 * LA_MS);
  w->loss_ppm = loss_ppm;
  if (dice_one_in(r, 2))
    w->jitter = dice_time(r, 20 * LA_MS);
  if (dice_one_in(r, 2)) {
    w->bits_per_s = (uint64_t)(128 + dice_size(r, 14)) * 1000;
    w->queue_octets = dice_one_in(r, 4) ? 0 : 8000 + dice_size(r, 17);
    w->mark_octets = dice_one_in(r, 3) ? 4000 + dice_size(r, 15) : 0;
  }
  if (dice_one_in(r, 3))
    w->duplicate_ppm = dice_size(r, 16);
  if (dice_one_in(r, 3)) {
    w->reorder_ppm = dice_size(r, 17);
    w->reorder_by = dice_time(r, dice_one_in(r, 4) ? 3 * LA_SEC : 50 * LA_MS);
  }
  if (dice_one_in(r, 8)) {
    w->stall_every = LA_SEC + dice_time(r, 5 * LA_SEC);
    w->stall_for = 100 * LA_MS + dice_time(r, 700 * LA_MS);
  }
  if (dice_one_in(r, 3))
    w->corrupt_ppm = dice_size(r, 15);
  if (dice_one_in(r, 8)) {
    w->down_from = dice_time(r, 20 * LA_SEC);
    w->down_until = w->down_from + dice_time(r, (c->gentle ? 15 : 60) * LA_SEC);
  }
}

static void draw_link(struct chaos *c)
{
  const struct chaos_options *o = c->options;
  struct dice *r = &c->world.rng;
  enum la_medium medium = dice_one_in(r, c->gentle ? 8 : 4) ? LA_MEDIUM_ETHERNET : LA_MEDIUM_IP;
  struct link *l = world_link_add(&c->world, medium);
  uint32_t loss = 0;

  if (o->losses)
    loss = o->loss_ppm[dice_below(r, o->losses)];
  else if (!dice_one_in(r, 3))
    loss = dice_size(r, dice_one_in(r, 3) && !c->gentle ? 18 : 15);
  draw_way(c, &l->way[0], loss);
  draw_way(c, &l->way[1], loss);
  if (medium == LA_MEDIUM_IP && dice_one_in(r, 8)) {
    l->way[0].mtu = l->way[1].mtu = c->six ? 1280 + dice_below(r, 200) : 576 + dice_below(r, 900);
    l->way[0].black_hole = l->way[1].black_hole = dice_one_in(r, 4);
    l->way[0].mtu_from = l->way[1].mtu_from = dice_one_in(r, 2) ? dice_time(r, 10 * LA_SEC) : 0;
  }
  if (loss > 33000)
    c->gentle = false;
  /* Three lost questions are enough for "no route": an address that nobody answers for. */
  for (unsigned way = 0; way < 2 && medium == LA_MEDIUM_ETHERNET; way++)
    if (loss || l->way[way].corrupt_ppm || l->way[way].down_until)
      c->gentle = false;
}

/* What hosts differ in, each one of four times: Linux's and BSD's habits, and our own. */
static void draw_habits(struct dice *r, la_config *config)
{
  bool *const habits[] = {
    &config->no_timestamps,
    &config->no_window_scale,
    &config->no_sack,
    &config->no_syn_cookies,
    &config->no_tail_probes,
    &config->no_syn_text,
    &config->abe,
    &config->lax_timestamps,
    &config->minshall,
    &config->linux_buffers,
    &config->bsd_options,
    &config->bsd_acks,
    &config->bsd_window, &config->no_idle_restart,
  };

  for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
    *habits[i] = dice_one_in(r, 4);
  config->ecn = (uint8_t)dice_below(r, LA_ECN_ASK + 1);
  config->mtu_probing = (uint8_t)dice_below(r, LA_MTU_PROBE_COUNT);
  config->delayed_ack_ms = dice_one_in(r, 2) ? 40 : 1 + dice_size(r, 8);
  config->quick_acks = dice_one_in(r, 4) ? dice_size(r, 6) : 0;
  config->initial_window = dice_one_in(r, 2) ? 10 : 1 + dice_below(r, 10);
  config->window_scale = dice_one_in(r, 4) ? (uint8_t)dice_below(r, 8) : 0;
  config->slow_start_limit = dice_one_in(r, 4) ? (uint8_t)dice_size(r, 8) : 0;
  config->ecn_syn_retries = dice_one_in(r, 4) ? (uint8_t)dice_below(r, 3) : 0;
  config->gso_segments = dice_one_in(r, 4) ? (uint8_t)dice_size(r, 6) : 0;
  config->syn_window = dice_one_in(r, 4) ? (uint16_t)(1024 + dice_size(r, 15)) : 0;
}

static void draw_congestion(struct chaos *c, la_config *config)
{
  struct dice *r = &c->world.rng;

  config->congestion =
      c->options->one_congestion ? c->options->congestion : (uint8_t)dice_below(r, LA_CC_COUNT);
  config->models = config->congestion == LA_CC_BBR ? 0 : config->models;
  if (dice_one_in(r, 8) && !c->gentle && !c->options->one_congestion)
    config->models = 1 + dice_size(r, 3);
}

static void draw_sizes(struct chaos *c, la_config *config)
{
  struct dice *r = &c->world.rng;

  /* A cookie is no promise: should the segment that carries it come late, it is lost. */
  config->tcp_half_open = c->gentle ? 16 : 1 + dice_size(r, 4);
  config->tcp_time_waits = 1 + dice_size(r, 6);
  config->slabs = 2048;
  config->send_buffer = 4096 + dice_size(r, dice_one_in(r, 8) ? 20 : 17);
  config->receive_buffer = 4096 + dice_size(r, dice_one_in(r, 8) ? 20 : 17);
  if (dice_one_in(r, 8))
    config->tcp_notsent_lowat = 1 + dice_size(r, 15);
  if (dice_one_in(r, 4))
    config->fastopen_cookies = dice_below(r, 3);
  if (c->gentle)
    return;
  if (dice_one_in(r, 4))
    config->tcp_connections = 3 + dice_size(r, 4);
  if (dice_one_in(r, 4)) /* so that pairs meet again, in TIME-WAIT and after */
    config->port_last = (uint16_t)(config->port_first + dice_below(r, 4));
  if (dice_one_in(r, 4))
    config->slabs = 64 + dice_size(r, 9);
  if (dice_one_in(r, 4)) {
    config->ranges = 1 + dice_size(r, 5);
    config->chunks = 64 + dice_size(r, 9);
    config->replies = 1 + dice_size(r, 4);
    config->option_sets = 2 + dice_size(r, 5);
    config->undos = 1 + dice_size(r, 3);
  }
  config->no_time_wait_reuse = dice_one_in(r, 4);
  config->handshake_errors = dice_one_in(r, 4);
}

static void draw_times(struct chaos *c, la_config *config)
{
  struct dice *r = &c->world.rng;

  config->msl_ms = dice_one_in(r, 2) ? 30000 : 500 + dice_size(r, 14);
  config->rto_slop_ms = dice_one_in(r, 4) ? dice_size(r, 8) : 0;
  config->fastopen_refused_ms = dice_one_in(r, 2) ? 600000 : dice_size(r, 14);
  if (!dice_one_in(r, 4))
    return;
  config->rto_min_ms = 20 + dice_size(r, 9);
  /* From 20 ms on, eight resends of an orphan's FIN may all fall into one outage. */
  if (c->gentle)
    config->orphan_retries = config->retries;
  config->rto_initial_ms = (c->gentle ? 1000 : config->rto_min_ms) + dice_size(r, 11);
  config->keepalive_idle_ms = 1000 + dice_size(r, 14);
  config->keepalive_interval_ms = 5000;
}

static void draw_host(struct chaos *c, const char *name, la_addr addr)
{
  struct dice *r = &c->world.rng;
  struct world_host *h = world_host_add(&c->world, name, &c->world.link[0], addr);
  const struct link_way *way = c->world.link[0].way;

  draw_habits(r, &h->config);
  draw_congestion(c, &h->config);
  draw_sizes(c, &h->config);
  draw_times(c, &h->config);
  /* Where a router swallows large packets and tells nobody, only probing gets text through. */
  if (c->gentle && way[0].black_hole && h->config.mtu_probing == LA_MTU_PROBE_OFF)
    h->config.mtu_probing = LA_MTU_PROBE_BLACK_HOLE;
  if (dice_one_in(r, 4))
    h->iface.mtu = c->six ? 1280 + dice_below(r, 221) : 576 + dice_below(r, 925);
  if (dice_one_in(r, 4))
    h->iface.gso_max = 65535;
}

void chaos_draw(struct chaos *c)
{
  struct dice *r = &c->world.rng;

  c->gentle = dice_one_in(r, 2);
  c->six = dice_one_in(r, 2);
  c->world.output_batch = 1 + dice_below(r, 16);
  draw_link(c);
  draw_host(c, "alpha", world_addr(c->six, 1));
  draw_host(c, "beta", world_addr(c->six, 2));
  for (unsigned i = 0; i < 2; i++)
    chaos_draw_listener(c, &c->world.host[i]);
  for (uint32_t i = 1 + dice_below(r, 5); i > 0; i--)
    chaos_draw_client(c, &c->world.host[0]);
  for (uint32_t i = dice_below(r, 4); i > 0; i--)
    chaos_draw_client(c, &c->world.host[1]);
  if (!c->gentle && dice_one_in(r, 3))
    chaos_draw_crossing(c);
  c->attacked = c->world.link[0].medium == LA_MEDIUM_IP && dice_one_in(r, 3);
}
