/* csum_x86.h - csum.c's blocks for x86-64, by what every such processor has.
 *
 * Two things at once, because they keep different parts of the processor busy: most words of a
 * block are added with carry, one instruction and one cycle each; the others are summed as
 * vectors of 16-bit numbers, which SSE2 multiplies by one and adds in pairs. It takes them for
 * signed, so each loses 2^15 first, and the pairs get their 2^16 back at the end.
 * Measured against either alone, for 1460 octets: a half of the time. */
#ifndef LA_BASE_CSUM_X86_H
#define LA_BASE_CSUM_X86_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
  CSUM_WORD = 8, CSUM_LANES = 16, CSUM_BLOCK = 128,
  CSUM_BY_WORDS = 80            /* octets of a block; the rest goes by vectors */
};

typedef int16_t csum_lanes __attribute__((vector_size(CSUM_LANES)));
typedef uint32_t csum_sums __attribute__((vector_size(CSUM_LANES)));
typedef uint64_t csum_pair __attribute__((vector_size(CSUM_LANES)));

static inline csum_sums csum_of_lanes(csum_lanes lanes)
{
  const csum_lanes top = { INT16_MIN, INT16_MIN, INT16_MIN, INT16_MIN,
                           INT16_MIN, INT16_MIN, INT16_MIN, INT16_MIN };
  const csum_lanes ones = { 1, 1, 1, 1, 1, 1, 1, 1 };

  return (csum_sums)__builtin_ia32_pmaddwd128(lanes ^ top, ones);
}

static inline csum_lanes csum_lanes_at(const uint8_t *p)
{
  csum_lanes lanes;

  memcpy(&lanes, p, CSUM_LANES);
  return lanes;
}

/* *carry is 0 or 1, and the next word's business. */
static inline uint64_t csum_with_carry(uint64_t sum, const uint8_t *p, unsigned char *carry)
{
  unsigned long long total;
  uint64_t word;

  memcpy(&word, p, CSUM_WORD);
  *carry = __builtin_ia32_addcarryx_u64(*carry, sum, word, &total);
  return total;
}

/* The first CSUM_BY_WORDS octets of a block. Written out, so that no loop's counter comes
 * between the carry and the next word. */
static inline uint64_t csum_add_words(uint64_t sum, const uint8_t *p)
{
  unsigned char carry = 0;

  sum = csum_with_carry(sum, p, &carry);
  sum = csum_with_carry(sum, p + 8, &carry);
  sum = csum_with_carry(sum, p + 16, &carry);
  sum = csum_with_carry(sum, p + 24, &carry);
  sum = csum_with_carry(sum, p + 32, &carry);
  sum = csum_with_carry(sum, p + 40, &carry);
  sum = csum_with_carry(sum, p + 48, &carry);
  sum = csum_with_carry(sum, p + 56, &carry);
  sum = csum_with_carry(sum, p + 64, &carry);
  sum = csum_with_carry(sum, p + 72, &carry);
  return sum + carry;           /* which is not all ones: only all ones and a carry lead to that */
}

/* One's complement addition: the carry comes back in at the low end. */
static inline uint64_t csum_plus(uint64_t a, uint64_t b)
{
  return a + b + (a + b < b);
}

/* The sums of so many vectors: two words, for 2^32 leaves the same remainder as 1. */
static inline uint64_t csum_of_sums(csum_sums sums, size_t vectors)
{
  const uint32_t back = (uint32_t)vectors << 16;
  const csum_pair pair = (csum_pair)(sums + (csum_sums){ back, back, back, back });

  return csum_plus(pair[0], pair[1]);
}

/* The sum of so many blocks, as a number that has its remainder modulo 2^16 - 1. */
static inline uint64_t csum_of_blocks(const uint8_t *p, size_t blocks)
{
  const size_t vectors = blocks * ((CSUM_BLOCK - CSUM_BY_WORDS) / CSUM_LANES);
  csum_sums s = { 0 };
  uint64_t words = 0;

  for (; blocks > 0; blocks--, p += CSUM_BLOCK) {
    words = csum_add_words(words, p);
    s += csum_of_lanes(csum_lanes_at(p + 80));
    s += csum_of_lanes(csum_lanes_at(p + 96));
    s += csum_of_lanes(csum_lanes_at(p + 112));
  }
  return csum_plus(words, csum_of_sums(s, vectors));
}

static inline csum_sums csum_of_moved(uint8_t *to, const uint8_t *p)
{
  const csum_lanes lanes = csum_lanes_at(p);

  memcpy(to, &lanes, CSUM_LANES);
  return csum_of_lanes(lanes);
}

/* The same, and a copy of them, in one pass: all by vectors, which move most at a time. */
static inline uint64_t csum_of_copied(uint8_t *to, const uint8_t *p, size_t blocks)
{
  const size_t vectors = blocks * (CSUM_BLOCK / CSUM_LANES);
  csum_sums s = { 0 };

  for (; blocks > 0; blocks--, p += CSUM_BLOCK, to += CSUM_BLOCK) {
    s += csum_of_moved(to, p);
    s += csum_of_moved(to + 16, p + 16);
    s += csum_of_moved(to + 32, p + 32);
    s += csum_of_moved(to + 48, p + 48);
    s += csum_of_moved(to + 64, p + 64);
    s += csum_of_moved(to + 80, p + 80);
    s += csum_of_moved(to + 96, p + 96);
    s += csum_of_moved(to + 112, p + 112);
  }
  return csum_of_sums(s, vectors);
}

#endif
