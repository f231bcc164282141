/* waiters.c - a set of numbers with a cursor that goes round. */
#include "base/waiters.h"
#include "base/need.h"
#include <string.h>

enum { WORD = 64 };

static uint32_t words(uint32_t size) { return (size + WORD - 1) / WORD; }
static uint64_t bit(uint32_t who)    { return UINT64_C(1) << who % WORD; }

size_t waiters_octets(uint32_t size) { return words(size) * sizeof(uint64_t); }

void waiters_init(struct waiters *w, void *memory, uint32_t size)
{
  *w = (struct waiters){ .bits = memory, .size = size };
  memset(memory, 0, waiters_octets(size));
}

void waiters_add(struct waiters *w, uint32_t who, uint32_t spare)
{
  need(who < w->size);
  if (w->count == 0 || spare < w->seen)
    w->seen = spare;
  if (w->bits[who / WORD] & bit(who))
    return;
  w->bits[who / WORD] |= bit(who);
  w->count++;
}

void waiters_remove(struct waiters *w, uint32_t who)
{
  need(who < w->size);
  if (!(w->bits[who / WORD] & bit(who)))
    return;
  w->bits[who / WORD] &= ~bit(who);
  w->count--;
  if (w->turn > w->count)
    w->turn = w->count;
}

/* The first that waits from `next` on, around the end. There is one. */
static uint32_t find(const struct waiters *w)
{
  uint32_t word = w->next / WORD;
  uint64_t left = w->bits[word] & ~(bit(w->next) - 1);

  while (left == 0) {                         /* once round, and this word again */
    word = word + 1 < words(w->size) ? word + 1 : 0;
    left = w->bits[word];
  }
  return word * WORD + (uint32_t)__builtin_ctzll(left);
}

uint32_t waiters_take(struct waiters *w, uint32_t spare)
{
  uint32_t who;

  if (w->count > 0 && spare > w->seen)
    w->turn = w->count;
  w->seen = spare;
  if (w->count == 0 || spare == 0 || w->turn == 0)
    return WAITERS_NONE;
  who = find(w);
  w->turn--;
  waiters_remove(w, who);
  w->next = who + 1 < w->size ? who + 1 : 0;
  return who;
}
