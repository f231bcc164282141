/* rate.h - so many a second, and no more: a token bucket one second deep. */
#ifndef LA_BASE_RATE_H
#define LA_BASE_RATE_H
#include <stdbool.h>
#include <stdint.h>

struct rate { int64_t second; uint32_t per_second, used; };

static inline void rate_init(struct rate *r, uint32_t per_second)
{
  *r = (struct rate){ .second = -1, .per_second = per_second };
}

static inline bool rate_allows(struct rate *r, int64_t now_ns)
{
  const int64_t second = now_ns / 1000000000;

  if (second != r->second) {
    r->second = second;
    r->used = 0;
  }
  if (r->used >= r->per_second)
    return false;
  r->used++;
  return true;
}

#endif
