/* rng.h - xoshiro256** (Blackman, Vigna 2018), seeded: the same seed, the same run. Not for
 * secrets: those come from hash.h under the stack's key. */
#ifndef LA_BASE_RNG_H
#define LA_BASE_RNG_H
#include <stdint.h>

struct rng { uint64_t s[4]; };

void     rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);     /* 0 .. n-1, without bias; n > 0 */

#endif
