/* chaos_script.c - drawing what the applications of a world do: a script for each, of opening,
 * setting options, sending, pausing, and one of many ways to end. */
#include "chaos_world.h"

#include "actor.h"

#include <stdlib.h>

enum { SCRIPT_STEPS = 48 };

struct draft {
  struct chaos *chaos;
  struct dice *rng;
  struct actor_step *step;
  unsigned n;
};

static void add(struct draft *d, struct actor_step s)
{
  if (d->n < SCRIPT_STEPS - 1)
    d->step[d->n++] = s;
}

static void add_set(struct draft *d, enum la_option option, int64_t value)
{
  add(d, (struct actor_step){ .what = ACTOR_SET, .number = option, .value = value });
}

/* An option and what it may be: `least`, and more by uniform chance (below) or by size (bits). */
struct choice {
  enum la_option option;
  uint32_t least, below, bits;
  bool gentle;
};

static int64_t choose(struct dice *r, const struct choice *o)
{
  return (int64_t)o->least + (o->below ? dice_below(r, o->below) : 0) +
         (o->bits ? dice_size(r, o->bits) : 0);
}

static void add_options(struct draft *d)
{
  static const struct choice choices[] = {
    { LA_OPT_NODELAY, 1, 0, 0, true },
    { LA_OPT_QUICKACK, 1, 0, 0, true },
    { LA_OPT_KEEPALIVE, 1, 0, 0, true },
    { LA_OPT_MSS, 400, 0, 10, true },
    { LA_OPT_SEND_BUFFER, 2048, 0, 16, true },
    { LA_OPT_RECEIVE_BUFFER, 2048, 0, 16, true },
    { LA_OPT_PACING, 1, 0, 0, true },
    { LA_OPT_PACING_RATE, 100000, 0, 22, true },
    { LA_OPT_CORK, 1, 0, 0, true },
    { LA_OPT_NOTSENT_LOWAT, 1, 0, 15, true },
    { LA_OPT_RCVLOWAT, 1, 0, 15, true },
    { LA_OPT_ECN, 0, LA_ECN_ASK + 1, 0, true },
    { LA_OPT_DSCP, 0, 64, 0, true },
    { LA_OPT_TTL, 1, 255, 0, true },
    { LA_OPT_MTU_PROBING, 1, LA_MTU_PROBE_COUNT - 1, 0, true },
    { LA_OPT_SYN_RETRIES, 1, 0, 4, false },
    { LA_OPT_USER_TIMEOUT_MS, 1000, 0, 16, false },
    { LA_OPT_LINGER_MS, 0, 0, 12, false },
    { LA_OPT_KEEPALIVE_IDLE_MS, 1000, 0, 14, false },
  };
  const struct choice congestion = { LA_OPT_CONGESTION, 0, LA_CC_COUNT, 0, true };
  const struct chaos *c = d->chaos;

  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
    if (dice_one_in(d->rng, 8) && (choices[i].gentle || !c->gentle))
      add_set(d, choices[i].option, choose(d->rng, &choices[i]));
  if (dice_one_in(d->rng, 4) && !c->options->one_congestion)
    add_set(d, congestion.option, choose(d->rng, &congestion));
}

static void add_body(struct draft *d)
{
  for (uint32_t i = dice_below(d->rng, 5); i > 0; i--) {
    switch (dice_below(d->rng, 6)) {
    case 0:
      add(d, (struct actor_step){ .what = ACTOR_SLEEP, .time = dice_time(d->rng, 3 * LA_SEC) });
      break;
    case 1:
      add(d,
          (struct actor_step){ .what = ACTOR_READ_RATE, .number = 2000 + dice_size(d->rng, 20) });
      break;
    case 2:
      add(d, (struct actor_step){ .what = ACTOR_READ_OFF });
      add(d, (struct actor_step){ .what = ACTOR_SLEEP, .time = dice_time(d->rng, 20 * LA_SEC) });
      add(d, (struct actor_step){ .what = ACTOR_READ_ON });
      break;
    default:
      add(d, (struct actor_step){ .what = dice_one_in(d->rng, 16) ? ACTOR_SEND_URGENT : ACTOR_SEND,
                                  .number = dice_size(d->rng, dice_one_in(d->rng, 30) ? 21 : 17) });
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
    add(d, (struct actor_step){ .what = ACTOR_SEND, .number = dice_size(d->rng, 15) });
    add(d, (struct actor_step){ .what = ACTOR_FORGET });
  } else if (kind == 6 && dice_one_in(d->rng, 3)) {
    add(d, (struct actor_step){ .what = ACTOR_CRASH,
                                .time = dice_one_in(d->rng, 4) ? LA_NEVER
                                                               : dice_time(d->rng, 10 * LA_SEC) });
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
void chaos_draw_crossing(struct chaos *c)
{
  static const struct actor_step nothing[] = { { .what = ACTOR_END } };
  la_time start = dice_time(&c->world.rng, 5 * LA_SEC);

  for (unsigned side = 0; side < 2; side++) {
    struct actor *a = actor_add(&c->world.host[side], "app", nothing,
                                start + dice_time(&c->world.rng, 20 * LA_MS));
    struct draft d = { c, &a->rng, NULL, 0 };

    script_new(&d, a);
    add(&d, (struct actor_step){ .what = ACTOR_BIND, .number = 1000 + side });
    add(&d, (struct actor_step){ .what = ACTOR_CONNECT, .number = 1001 - side });
    add_body(&d);
    add_ending(&d);
  }
}

/* In a gentle world whoever connects waits for the answer; only then there is something to close.
 * By Fast Open (RFC 7413) what is sent first may go with the SYN. */
static void add_connect(struct draft *d)
{
  const struct chaos *c = d->chaos;
  bool fast = dice_one_in(d->rng, 3), waits = c->gentle || dice_one_in(d->rng, 2);
  uint16_t port = dice_one_in(d->rng, 12) && !c->gentle ? CHAOS_PORT + 1 : CHAOS_PORT;

  if (fast)
    add_set(d, dice_one_in(d->rng, 4) ? LA_OPT_FASTOPEN_NO_COOKIE : LA_OPT_FASTOPEN_CONNECT, 1);
  add(d, (struct actor_step){ .what = waits && !fast ? ACTOR_CONNECT : ACTOR_CONNECT_ONLY,
                              .number = port });
  if (fast && dice_one_in(d->rng, 2))
    add(d, (struct actor_step){ .what = ACTOR_SEND, .number = 1 + dice_size(d->rng, 12) });
  if (fast && waits)
    add(d, (struct actor_step){ .what = ACTOR_AWAIT_CONNECTED });
}

void chaos_draw_client(struct chaos *c, struct world_host *h)
{
  static const struct actor_step nothing[] = { { .what = ACTOR_END } };
  struct actor *a = actor_add(h, "app", nothing, dice_time(&c->world.rng, 5 * LA_SEC));
  struct draft d = { c, &a->rng, NULL, 0 };

  script_new(&d, a);
  add(&d, (struct actor_step){ .what = ACTOR_OPEN });
  add_options(&d);
  if (dice_one_in(d.rng, 6)) {
    add_set(&d, LA_OPT_REUSEADDR, 1);
    add(&d, (struct actor_step){ .what = ACTOR_BIND, .number = 2000 + a->number });
  }
  add_connect(&d);
  add_body(&d);
  add_ending(&d);
  if (!c->gentle && dice_one_in(d.rng, 4)) { /* again and again, until the world has seen enough */
    d.step[d.n - 1] = (struct actor_step){ .what = ACTOR_SLEEP, .time = LA_SEC };
    add(&d, (struct actor_step){ .what = ACTOR_AGAIN });
    a->lives = 1 + dice_below(d.rng, 8);
  }
}

void chaos_draw_listener(struct chaos *c, struct world_host *h)
{
  static const struct actor_step nothing[] = { { .what = ACTOR_END } };
  struct actor *a = actor_add(h, "server", nothing, 0);
  struct draft d = { c, &a->rng, NULL, 0 };

  script_new(&d, a);
  add(&d, (struct actor_step){ .what = ACTOR_OPEN });
  add_set(&d, LA_OPT_REUSEADDR, 1);
  add_options(&d);
  if (dice_one_in(d.rng, 2))
    add_set(&d, LA_OPT_FASTOPEN, 1 + dice_size(d.rng, 4));
  if (dice_one_in(d.rng, 8))
    add_set(&d, LA_OPT_FASTOPEN_NO_COOKIE, 1);
  if (dice_one_in(d.rng, 8))
    add_set(&d, LA_OPT_DEFER_ACCEPT_S, 1 + dice_size(d.rng, 3));
  if (c->six && dice_one_in(d.rng, 4))
    add_set(&d, LA_OPT_V6ONLY, 1);
  add(&d, (struct actor_step){ .what = ACTOR_LISTEN, .number = CHAOS_PORT, .value = 8 });
  add(&d, (struct actor_step){ .what = ACTOR_SERVE });
  add(&d, (struct actor_step){ .what = ACTOR_END });
  a->choose = draw_child;
  a->restarts = true;
}
