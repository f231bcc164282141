/* pool.h - objects of one size in one array, handed out and taken back in constant time.
 * An object that is out keeps its index for as long; the first four octets of one that
 * is in are the pool's. */
#ifndef LA_BASE_POOL_H
#define LA_BASE_POOL_H
#include "base/need.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pool {
  uint8_t *objects;
  uint32_t stride, size;       /* octets of one, how many */
  uint32_t used, peak;
  uint32_t free, fresh;        /* head of the chain of returned ones; how many were ever out */
};

#define POOL_NONE UINT32_MAX
enum { POOL_UNIT = sizeof(uint32_t) };       /* of distances in the chain, and a link's size */

size_t   pool_octets(uint32_t stride, uint32_t size);       /* a multiple of 64 */
void     pool_init(struct pool *p, void *memory, uint32_t stride, uint32_t size);
void    *pool_get_fresh(struct pool *p);                    /* one that was never out, zeroed */
uint32_t pool_index(const struct pool *p, const void *object);
bool     pool_owns(const struct pool *p, const void *object);

/* In or out: the caller knows. */
static inline void *pool_at(const struct pool *p, uint32_t index)
{
  need(index < p->size);
  return p->objects + (size_t)index * p->stride;
}

/* Zeroes, or as it was left; NULL: used up. Both are in the way of every packet, so they are
 * expanded where they are needed. */
static inline void *pool_get(struct pool *p)
{
  uint8_t *object;

  if (p->free == POOL_NONE)
    return pool_get_fresh(p);
  object = p->objects + (size_t)p->free * POOL_UNIT;
  memcpy(&p->free, object, POOL_UNIT);
  if (++p->used > p->peak)
    p->peak = p->used;
  return object;
}

static inline void pool_put(struct pool *p, void *object)
{
  const uintptr_t offset = (uintptr_t)object - (uintptr_t)p->objects;

  check(pool_owns(p, object));
  need(p->used > 0);
  need(offset < (uintptr_t)p->stride * p->fresh);
  memcpy(object, &p->free, POOL_UNIT);
  p->free = (uint32_t)(offset / POOL_UNIT);
  p->used--;
}

#endif
