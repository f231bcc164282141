/* dice.c - the stack's own generator (xoshiro256**), kept in the simulator's struct. */
#include "dice.h"

#include "base/rng.h"

#include <string.h>

_Static_assert(sizeof(struct dice) == sizeof(struct rng), "dice hold one generator's state");

void dice_seed(struct dice *d, uint64_t seed)
{
  struct rng r;

  rng_seed(&r, seed);
  memcpy(d, &r, sizeof r);
}

uint64_t dice_next(struct dice *d)
{
  struct rng r;
  uint64_t value;

  memcpy(&r, d, sizeof r);
  value = rng_next(&r);
  memcpy(d, &r, sizeof r);
  return value;
}

uint32_t dice_below(struct dice *d, uint32_t n)
{
  struct rng r;
  uint32_t value;

  memcpy(&r, d, sizeof r);
  value = rng_below(&r, n);
  memcpy(d, &r, sizeof r);
  return value;
}

bool dice_one_in(struct dice *d, uint32_t n)
{
  return dice_below(d, n) == 0;
}

uint32_t dice_size(struct dice *d, uint32_t bits)
{
  uint32_t n = dice_below(d, bits + 1);

  return n ? dice_below(d, (uint32_t)1 << n) : 0;
}

int64_t dice_time(struct dice *d, int64_t most)
{
  const int64_t ms = 1000000;

  return (int64_t)(dice_next(d) % (uint64_t)(most / ms + 1)) * ms;
}
