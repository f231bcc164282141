/* wheel.h - a hierarchical timing wheel: many deadlines, constant time each.
 * Levels of 64 slots; a slot of the lowest level is 2^16 ns (65 us), and each level is 64
 * times coarser, up to years. Moving and removing never search. */
#ifndef LA_BASE_WHEEL_H
#define LA_BASE_WHEEL_H
#include "base/list.h"
#include <stdint.h>

enum { WHEEL_LEVELS = 8, WHEEL_SLOTS = 64, WHEEL_TICK_SHIFT = 16 };
#define WHEEL_NEVER INT64_MAX

struct wheel_node {
  struct list link;            /* alone when not in the wheel */
  int64_t due;
};

struct wheel {
  struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
  uint64_t occupied[WHEEL_LEVELS];
  uint64_t position;           /* in ticks: everything due before it has been handed out */
  int64_t  soonest;            /* no node is due before it */
  uint32_t count;
};

void    wheel_init(struct wheel *w, int64_t now);
void    wheel_node_init(struct wheel_node *node);
/* Puts a node in, moves it to another time, or (WHEEL_NEVER) takes it out. A node that stays
 * in its slot keeps its place there. */
void wheel_move(struct wheel *w, struct wheel_node *node, int64_t due);
/* Out, if it was in; its `due` is WHEEL_NEVER. */
void wheel_remove(struct wheel *w, struct wheel_node *node);

/* The next node due at `now` or before, taken out (its `due` stays as it was); NULL: no more. In
 * the order of slots, and of insertion within one. */
struct wheel_node *wheel_expire(struct wheel *w, int64_t now);

/* The n-th node of the slot at which the wheel stands, whether it is due or not: what wheel_expire
 * is going to hand out next, for whoever wants to fetch what belongs to it. NULL: there is none. */
const struct wheel_node *wheel_upcoming(const struct wheel *w, unsigned n);

/* When wheel_expire is to be called again: never late, and early at most once for a node that
 * was removed or moved later, and once per level for a node far away. WHEEL_NEVER: empty. */
int64_t wheel_next(const struct wheel *w);

#endif
