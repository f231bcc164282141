/* rng.c - xoshiro256** 1.0 (Blackman, Vigna: "Scrambled linear pseudorandom number
 * generators", 2018), its state filled by splitmix64 as its authors advise. */
#include "base/rng.h"
#include "base/need.h"

static uint64_t rotated(uint64_t x, unsigned by)
{
  return x << by | x >> (64 - by);
}

static uint64_t splitmix(uint64_t *state)
{
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t seed)
{
  for (int i = 0; i < 4; i++)
    r->s[i] = splitmix(&seed);
}

uint64_t rng_next(struct rng *r)
{
  const uint64_t result = rotated(r->s[1] * 5, 7) * 9;
  const uint64_t t = r->s[1] << 17;

  r->s[2] ^= r->s[0];
  r->s[3] ^= r->s[1];
  r->s[1] ^= r->s[2];
  r->s[0] ^= r->s[3];
  r->s[2] ^= t;
  r->s[3] = rotated(r->s[3], 45);
  return result;
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high half of a product
 * is the number; the few low halves that would favour some numbers are drawn again. Each
 * round is the last with a probability above one half. */
uint32_t rng_below(struct rng *r, uint32_t n)
{
  need(n > 0);
  const uint32_t unfair = (UINT32_MAX - n + 1) % n;
  uint64_t product;

  do
    product = (rng_next(r) >> 32) * n;
  while ((uint32_t)product < unfair);
  return (uint32_t)(product >> 32);
}
