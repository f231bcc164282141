/* wheel.c - a hierarchical timing wheel (Varghese, Lauck 1987), in the form where a node's
 * level is the highest group of six bits in which its tick differs from the wheel's.
 * So all nodes of a level come before all of the next, slots never wrap around, and the
 * next one is found by counting zeros. When the wheel enters a slot of a higher level, its
 * nodes move down, in order: insertion order holds within every slot. */
#include "base/wheel.h"
#include "base/need.h"
#include <stddef.h>

enum { LEVEL_BITS = 6, SLOT_MASK = WHEEL_SLOTS - 1 };

_Static_assert(1 << LEVEL_BITS == WHEEL_SLOTS, "six bits name a slot");
_Static_assert(WHEEL_TICK_SHIFT + LEVEL_BITS * WHEEL_LEVELS == 64, "the levels cover all times");

/* Ticks are unsigned, and ordered as times are, negative ones included. */
static uint64_t tick_of(int64_t time)
{
  return ((uint64_t)time ^ UINT64_C(1) << 63) >> WHEEL_TICK_SHIFT;
}

static int64_t time_of(uint64_t tick)
{
  return (int64_t)(tick << WHEEL_TICK_SHIFT ^ UINT64_C(1) << 63);
}

static unsigned highest_bit(uint64_t x)
{
  return 63 - (unsigned)__builtin_clzll(x);
}

/* Where a deadline belongs while the wheel stands at `position`; the past belongs there too. */
static uint16_t slot_for(uint64_t position, int64_t due)
{
  const uint64_t tick = tick_of(due) > position ? tick_of(due) : position;
  const unsigned level = highest_bit((tick ^ position) | 1) / LEVEL_BITS;

  return (uint16_t)(level * WHEEL_SLOTS + (tick >> (level * LEVEL_BITS) & SLOT_MASK));
}

static uint64_t slot_start(uint64_t position, unsigned level, unsigned slot)
{
  const unsigned shift = level * LEVEL_BITS;
  const uint64_t above = position >> shift & ~(uint64_t)SLOT_MASK;

  return (above | slot) << shift;
}

static void link_node(struct wheel *w, struct wheel_node *node, uint16_t slot)
{
  const unsigned level = slot / WHEEL_SLOTS, number = slot % WHEEL_SLOTS;

  list_append(&w->slots[level][number], &node->link);
  w->occupied[level] |= UINT64_C(1) << number;
}

/* Which slot that was, only the last to leave must know: then both its neighbours are the head. */
static void unlink_node(struct wheel *w, struct wheel_node *node)
{
  const struct list *const next = list_next(&node->link);

  if (next == list_prev(&node->link)) {
    const size_t slot = (size_t)(next - &w->slots[0][0]);

    w->occupied[slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
  }
  list_remove(&node->link);
  w->count--;
}

static struct wheel_node *node_of(const struct list *link)
{
  return list_entry(link, struct wheel_node, link);
}

void wheel_init(struct wheel *w, int64_t now)
{
  for (int level = 0; level < WHEEL_LEVELS; level++) {
    for (int slot = 0; slot < WHEEL_SLOTS; slot++)
      list_init(&w->slots[level][slot]);
    w->occupied[level] = 0;
  }
  w->position = tick_of(now);
  w->soonest = WHEEL_NEVER;
  w->count = 0;
}

void wheel_node_init(struct wheel_node *node)
{
  list_init(&node->link);
  node->due = WHEEL_NEVER;
}

void wheel_remove(struct wheel *w, struct wheel_node *node)
{
  if (list_linked(&node->link))
    unlink_node(w, node);
  node->due = WHEEL_NEVER;
}

/* Where a node lies is where its deadline belongs, wherever the wheel stands by now: it enters no
 * slot before having emptied it. */
void wheel_move(struct wheel *w, struct wheel_node *node, int64_t due)
{
  const uint16_t slot = slot_for(w->position, due);

  if (due == WHEEL_NEVER) {
    wheel_remove(w, node);
    return;
  }
  if (due < w->soonest)
    w->soonest = due;
  if (list_linked(&node->link)) {
    const uint16_t before = slot_for(w->position, node->due);

    node->due = due;
    if (before == slot)
      return;
    unlink_node(w, node);
  }
  node->due = due;
  link_node(w, node, slot);
  w->count++;
}

/* The wheel has come to the start of this slot of a higher level: its nodes spread over the
 * levels below. */
static void spread(struct wheel *w, unsigned level, unsigned number)
{
  struct list *const slot = &w->slots[level][number];
  struct list *link;

  w->occupied[level] &= ~(UINT64_C(1) << number);
  while ((link = list_take(slot)) != NULL)
    link_node(w, node_of(link), slot_for(w->position, node_of(link)->due));
}

/* The first node of a slot that is due; else NULL, and *soonest is the slot's first deadline. */
static struct wheel_node *first_due(const struct list *slot, int64_t now, int64_t *soonest)
{
  *soonest = WHEEL_NEVER;
  for (const struct list *link = list_next(slot); link != slot; link = list_next(link)) {
    struct wheel_node *const node = node_of(link);

    if (node->due <= now)
      return node;
    if (node->due < *soonest)
      *soonest = node->due;
  }
  return NULL;
}

/* Each turn of the loop hands out a node, ends, or empties a slot of a higher level, whose
 * nodes then are at least one level lower. */
struct wheel_node *wheel_expire(struct wheel *w, int64_t now)
{
  const uint64_t target = tick_of(now);
  int64_t soonest = WHEEL_NEVER;

  if (now < w->soonest)
    return NULL;
  for (unsigned level = 0; level < WHEEL_LEVELS;) {
    if (!w->occupied[level]) {
      level++;
      continue;
    }
    const unsigned number = (unsigned)__builtin_ctzll(w->occupied[level]);
    const uint64_t start = slot_start(w->position, level, number);

    if (start > target) {
      soonest = time_of(start);
      break;
    }
    w->position = start;
    if (level == 0) {
      struct wheel_node *const node = first_due(&w->slots[0][number], now, &soonest);

      if (!node)
        break;
      unlink_node(w, node);
      return node;
    }
    spread(w, level, number);
    level = 0;
  }
  if (w->position < target)
    w->position = target;
  w->soonest = soonest;
  return NULL;
}

const struct wheel_node *wheel_upcoming(const struct wheel *w, unsigned n)
{
  const struct list *const slot = &w->slots[0][w->position & SLOT_MASK];
  const struct list *link = list_next(slot);

  while (n > 0 && link != slot) {
    link = list_next(link);
    n--;
  }
  return link == slot ? NULL : node_of(link);
}

int64_t wheel_next(const struct wheel *w)
{
  return w->count ? w->soonest : WHEEL_NEVER;
}
