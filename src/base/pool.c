/* pool.c - objects of one size in one array.
 * Those that came back are chained through their first four octets, by their distance from the
 * first one in units of four octets: an index would cost a division. Those that were never out
 * are a number, so that making a pool touches no memory but its own struct. */
#include "base/pool.h"
#include "base/need.h"
#include <string.h>

enum { POOL_ALIGNMENT = 64 };

size_t pool_octets(uint32_t stride, uint32_t size)
{
  const size_t octets = (size_t)stride * size;

  return (octets + POOL_ALIGNMENT - 1) & ~(size_t)(POOL_ALIGNMENT - 1);
}

void pool_init(struct pool *p, void *memory, uint32_t stride, uint32_t size)
{
  need(stride >= POOL_UNIT);
  need(stride % POOL_UNIT == 0);
  need((uint64_t)stride * size / POOL_UNIT < POOL_NONE);
  *p = (struct pool){ .objects = memory, .stride = stride, .size = size, .free = POOL_NONE };
}

bool pool_owns(const struct pool *p, const void *object)
{
  const uintptr_t offset = (uintptr_t)object - (uintptr_t)p->objects;

  return offset < (uintptr_t)p->stride * p->fresh && offset % p->stride == 0;
}

uint32_t pool_index(const struct pool *p, const void *object)
{
  return (uint32_t)(((uintptr_t)object - (uintptr_t)p->objects) / p->stride);
}

void *pool_get_fresh(struct pool *p)
{
  void *object;

  if (p->fresh == p->size)
    return NULL;
  object = pool_at(p, p->fresh++);
  memset(object, 0, p->stride);
  if (++p->used > p->peak)
    p->peak = p->used;
  return object;
}
