/* list.h - doubly linked, intrusive, circular through its head.  A link is a distance from
 * where it lies: half of what a pointer takes, and zeroes are a node alone. Heads and nodes are of
 * one block, at most NEAR_REACH octets (16 GiB) apart. */
#ifndef LA_BASE_LIST_H
#define LA_BASE_LIST_H
#include "base/need.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What lies that far from here, and how far that is: for anything aligned to eight octets. */
enum { NEAR_UNIT = 8 };
#define NEAR_REACH (INT64_C(8) * INT32_MAX)

static inline void *near_at(const void *from, int32_t distance)
{
  return (void *)((uintptr_t)from + (uintptr_t)((intptr_t)distance * NEAR_UNIT));
}

static inline int32_t near_distance(const void *from, const void *to)
{
  const intptr_t octets = (intptr_t)((uintptr_t)to - (uintptr_t)from);

  check(octets <= NEAR_REACH && octets >= -NEAR_REACH);
  return (int32_t)(octets / NEAR_UNIT);
}

/* A head, or a node; one alone points to itself. Never copied: it means another place then. */
struct list {
  _Alignas(8) int32_t next;
  int32_t prev;
};

#define list_entry(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline struct list *list_next(const struct list *l) { return near_at(l, l->next); }
static inline struct list *list_prev(const struct list *l) { return near_at(l, l->prev); }

static inline void list_init(struct list *l) { l->next = l->prev = 0; }
static inline bool list_empty(const struct list *l) { return l->next == 0; }
static inline bool list_linked(const struct list *node) { return node->next != 0; }

static inline void list_remove(struct list *node)
{
  struct list *const next = list_next(node), *const prev = list_prev(node);

  prev->next = near_distance(prev, next);
  next->prev = near_distance(next, prev);
  list_init(node);
}

static inline void list_append(struct list *head, struct list *node)
{
  struct list *const last = list_prev(head);

  node->prev = near_distance(node, last);
  node->next = near_distance(node, head);
  last->next = near_distance(last, node);
  head->prev = near_distance(head, node);
}

/* The first node, taken out; NULL when there is none. */
static inline struct list *list_take(struct list *head)
{
  struct list *const first = list_next(head);

  if (first == head)
    return NULL;
  list_remove(first);
  return first;
}

#endif
