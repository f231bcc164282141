/* list.h - doubly linked, intrusive, circular through its head. */
#ifndef LA_BASE_LIST_H
#define LA_BASE_LIST_H
#include <stdbool.h>
#include <stddef.h>

struct list { struct list *next, *prev; };    /* a head, or a node; a node alone points to itself */

#define list_entry(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void list_init(struct list *l)            { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l)     { return l->next == l; }
static inline bool list_linked(const struct list *node) { return node->next != node; }

static inline void list_remove(struct list *node)
{
  node->prev->next = node->next;
  node->next->prev = node->prev;
  list_init(node);
}

static inline void list_append(struct list *head, struct list *node)
{
  node->prev = head->prev;
  node->next = head;
  head->prev->next = node;
  head->prev = node;
}

/* The first node, taken out; NULL when there is none. */
static inline struct list *list_take(struct list *head)
{
  struct list *const first = head->next;

  if (first == head)
    return NULL;
  list_remove(first);
  return first;
}

#endif
