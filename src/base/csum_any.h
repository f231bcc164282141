/* csum_any.h - csum.c's blocks in portable C, for every machine.
 *
 * Two words at a time are the lanes of a vector. Lanes have no carry, so each word is added
 * twice: whole, modulo 2^64, and its upper half alone. The sum of the lower halves is then
 * whole - upper * 2^32, exactly, and no carry was ever needed. */
#ifndef LA_BASE_CSUM_ANY_H
#define LA_BASE_CSUM_ANY_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { CSUM_LANES = 16, CSUM_BLOCK = 4 * CSUM_LANES };

typedef uint64_t csum_lanes __attribute__((vector_size(CSUM_LANES)));

struct csum_sums { csum_lanes whole, upper; };

static inline void csum_add_lanes(struct csum_sums *s, csum_lanes words)
{
  s->whole += words;
  s->upper += words >> 32;
}

static inline csum_lanes csum_lanes_at(const uint8_t *p)
{
  csum_lanes words;

  memcpy(&words, p, CSUM_LANES);
  return words;
}

static inline uint64_t csum_of_sums(const struct csum_sums *s)
{
  const csum_lanes lower = s->whole - (s->upper << 32);
  const csum_lanes both = lower + s->upper;   /* below 2^64 for less than 2^31 words */

  return both[0] + both[1] + (both[0] + both[1] < both[1]);
}

/* The sum of so many blocks, as a number that has its remainder modulo 2^16 - 1. */
static inline uint64_t csum_of_blocks(const uint8_t *p, size_t blocks)
{
  struct csum_sums s = { { 0 }, { 0 } };

  for (; blocks > 0; blocks--, p += CSUM_BLOCK)
    for (size_t i = 0; i < CSUM_BLOCK; i += CSUM_LANES)
      csum_add_lanes(&s, csum_lanes_at(p + i));
  return csum_of_sums(&s);
}

/* The same, and a copy of them, in one pass. */
static inline uint64_t csum_of_copied(uint8_t *to, const uint8_t *p, size_t blocks)
{
  struct csum_sums s = { { 0 }, { 0 } };

  for (; blocks > 0; blocks--, p += CSUM_BLOCK, to += CSUM_BLOCK) {
    for (size_t i = 0; i < CSUM_BLOCK; i += CSUM_LANES) {
      const csum_lanes words = csum_lanes_at(p + i);

      memcpy(to + i, &words, CSUM_LANES);
      csum_add_lanes(&s, words);
    }
  }
  return csum_of_sums(&s);
}

#endif
