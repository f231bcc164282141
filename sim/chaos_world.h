/* chaos_world.h - between the files of chaos: what a random world is made of. chaos_draw.c draws
 * link and hosts, chaos_script.c what their applications do, and chaos.c lives it. */
#ifndef LA_SIM_CHAOS_WORLD_H
#define LA_SIM_CHAOS_WORLD_H
#include "chaos.h"
#include "ladder.h"
#include "oracle.h"
#include "track.h"
#include "world.h"

enum { CHAOS_PORT = 80 };

/* A world is gentle when nothing in it excuses a connection from completing; nearly half of them
 * are, and those must complete. */
struct chaos {
  struct world world;
  struct oracle oracle;
  struct track track;               /* of the ladder */
  struct ladder ladder;
  const struct chaos_options *options;
  bool     gentle, six, tracing, attacked;
  unsigned crashes, forged;
};

/* Link, hosts and their applications, all from the world's dice. */
void chaos_draw(struct chaos *c);

/* The applications: listeners that serve, clients, and two that connect to each other at once. */
void chaos_draw_listener(struct chaos *c, struct world_host *h);
void chaos_draw_client(struct chaos *c, struct world_host *h);
void chaos_draw_crossing(struct chaos *c);

#endif
