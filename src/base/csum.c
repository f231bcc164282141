/* csum.c - the Internet checksum (RFC 1071).
 * Sums are made of 64-bit words in the machine's own byte order (RFC 1071 2 B); a piece that
 * begins at an odd place is summed as if it did not, and its sum then turned by one octet
 * (2 B again). How blocks of words are summed fastest is the machine's business. */
#include "base/csum.h"
#include "base/be.h"
#if defined(__x86_64__)
#include "base/csum_x86.h"
#else
#include "base/csum_any.h"
#endif

enum { PIECE_MAX = 1 << 18 };                 /* octets whose blocks one sum can hold */

/* One's complement addition: the carry comes back in at the low end. */
static inline uint64_t plus(uint64_t a, uint64_t b)
{
  const uint64_t sum = a + b;

  return sum + (sum < b);
}

static inline uint64_t word8_at(const uint8_t *p)
{
  uint64_t word;

  memcpy(&word, p, sizeof word);
  return word;
}

static inline uint32_t word4_at(const uint8_t *p)
{
  uint32_t word;

  memcpy(&word, p, sizeof word);
  return word;
}

static inline uint16_t word2_at(const uint8_t *p)
{
  uint16_t word;

  memcpy(&word, p, sizeof word);
  return word;
}

_Static_assert((CSUM_BLOCK & (CSUM_BLOCK - 1)) == 0, "a mask rounds down to blocks");

/* What is shorter than a block, in pieces that halve. An odd octet at the end has a zero
 * behind it. */
static inline uint64_t sum_of_end(uint64_t sum, const uint8_t *p, size_t n)
{
  for (; n >= 16; p += 16, n -= 16) {
    sum = plus(sum, word8_at(p));
    sum = plus(sum, word8_at(p + 8));
  }
  if (n & 8) {
    sum = plus(sum, word8_at(p));
    p += 8;
  }
  if (n & 4) {
    sum = plus(sum, word4_at(p));
    p += 4;
  }
  if (n & 2) {
    sum = plus(sum, word2_at(p));
    p += 2;
  }
  if (n & 1)
    sum = plus(sum, word2_at((const uint8_t[]){ *p, 0 }));
  return sum;
}

/* Octets in whole blocks, as many as one sum can hold. */
static inline size_t octets_of_blocks(size_t n)
{
  return (n < PIECE_MAX ? n : PIECE_MAX) & ~(size_t)(CSUM_BLOCK - 1);
}

static inline uint64_t sum_of(const uint8_t *p, size_t n)
{
  uint64_t sum = 0;

  while (n >= CSUM_BLOCK) {
    const size_t octets = octets_of_blocks(n);

    sum = plus(csum_of_blocks(p, octets / CSUM_BLOCK), sum);
    p += octets;
    n -= octets;
  }
  return sum_of_end(sum, p, n);
}

static inline uint64_t sum_of_copied(uint8_t *to, const uint8_t *p, size_t n)
{
  uint64_t sum = 0;

  while (n >= CSUM_BLOCK) {
    const size_t octets = octets_of_blocks(n);

    sum = plus(csum_of_copied(to, p, octets / CSUM_BLOCK), sum);
    to += octets;
    p += octets;
    n -= octets;
  }
  memcpy(to, p, n);
  return sum_of_end(sum, p, n);
}

static inline void add_piece(struct csum *c, uint64_t sum, size_t n)
{
  if (c->odd)
    sum = sum << 8 | sum >> 56;
  c->sum = plus(c->sum, sum);
  if (n & 1)
    c->odd = !c->odd;
}

void csum_add(struct csum *c, const void *octets, size_t n)
{
  add_piece(c, sum_of(octets, n), n);
}

void csum_copy(struct csum *c, void *to, const void *from, size_t n)
{
  add_piece(c, sum_of_copied(to, from, n), n);
}
