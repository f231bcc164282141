/* csum.c - the Internet checksum (RFC 1071).
 * Sums are made of 64-bit words in the machine's own byte order (RFC 1071 2 B); a piece that
 * begins at an odd place is summed as if it did not, and its sum then turned by one octet
 * (2 B again).
 *
 * Most of a piece is taken two words at a time as lanes of a vector. Lanes have no carry, so
 * each word is added twice: whole, modulo 2^64, and its upper half alone. The sum of the lower
 * halves is then whole - upper * 2^32, exactly, and no carry was ever needed. */
#include "base/csum.h"
#include "base/be.h"

typedef uint64_t lanes __attribute__((vector_size(16)));

enum { WORD = sizeof(uint64_t), LANES = sizeof(lanes), BLOCK = 4 * LANES };

struct blocks { lanes whole, upper; };

/* One's complement addition: the carry comes back in at the low end. */
static uint64_t plus(uint64_t a, uint64_t b)
{
  const uint64_t sum = a + b;

  return sum + (sum < b);
}

static uint64_t word_at(const uint8_t *p)
{
  uint64_t word;

  memcpy(&word, p, WORD);
  return word;
}

/* The last, incomplete word; what is missing counts as zero. */
static uint64_t rest_at(const uint8_t *p, size_t n)
{
  uint64_t word = 0;

  memcpy(&word, p, n);
  return word;
}

static inline void add_lanes(struct blocks *b, lanes words)
{
  b->whole += words;
  b->upper += words >> 32;
}

static inline lanes lanes_at(const uint8_t *p)
{
  lanes words;

  memcpy(&words, p, LANES);
  return words;
}

/* A memcpy of LANES octets whose value is still at hand. */
static inline lanes lanes_copied(uint8_t *to, const uint8_t *from)
{
  const lanes words = lanes_at(from);

  memcpy(to, &words, LANES);
  return words;
}

/* A sum that has the same remainder modulo 2^16 - 1, which is all that matters here. */
static inline uint64_t sum_of_blocks(const struct blocks *b)
{
  const lanes lower = b->whole - (b->upper << 32);
  const lanes both = lower + b->upper;        /* below 2^64 for less than 2^31 words */

  return plus(both[0], both[1]);
}

/* What is shorter than a block. */
static uint64_t sum_of_end(uint64_t sum, const uint8_t *p, size_t n)
{
  for (; n >= WORD; p += WORD, n -= WORD)
    sum = plus(sum, word_at(p));
  return n > 0 ? plus(sum, rest_at(p, n)) : sum;
}

static uint64_t sum_of(const uint8_t *p, size_t n)
{
  struct blocks b = { 0 };

  if (n < BLOCK)
    return sum_of_end(0, p, n);
  for (; n >= BLOCK; p += BLOCK, n -= BLOCK) {
    add_lanes(&b, lanes_at(p));
    add_lanes(&b, lanes_at(p + LANES));
    add_lanes(&b, lanes_at(p + 2 * LANES));
    add_lanes(&b, lanes_at(p + 3 * LANES));
  }
  return sum_of_end(sum_of_blocks(&b), p, n);
}

static uint64_t sum_of_copied(uint8_t *to, const uint8_t *p, size_t n)
{
  struct blocks b = { 0 };

  for (; n >= BLOCK; to += BLOCK, p += BLOCK, n -= BLOCK) {
    add_lanes(&b, lanes_copied(to, p));
    add_lanes(&b, lanes_copied(to + LANES, p + LANES));
    add_lanes(&b, lanes_copied(to + 2 * LANES, p + 2 * LANES));
    add_lanes(&b, lanes_copied(to + 3 * LANES, p + 3 * LANES));
  }
  memcpy(to, p, n);
  return sum_of_end(sum_of_blocks(&b), p, n);
}

static void add_piece(struct csum *c, uint64_t sum, size_t n)
{
  c->sum = plus(c->sum, c->odd ? sum << 8 | sum >> 56 : sum);
  c->odd ^= n & 1;
}

void csum_add(struct csum *c, const void *octets, size_t n)
{
  add_piece(c, sum_of(octets, n), n);
}

void csum_add16(struct csum *c, uint16_t value)
{
  uint8_t octets[2];

  be16_put(octets, value);
  c->sum = plus(c->sum, rest_at(octets, sizeof octets));
}

void csum_copy(struct csum *c, void *to, const void *from, size_t n)
{
  add_piece(c, sum_of_copied(to, from, n), n);
}

uint16_t csum_fold(const struct csum *c)
{
  uint64_t sum = (c->sum & UINT32_MAX) + (c->sum >> 32);
  uint16_t folded;
  uint8_t octets[2];

  sum = (sum & UINT16_MAX) + (sum >> 16 & UINT16_MAX) + (sum >> 32);
  sum = (sum & UINT16_MAX) + (sum >> 16);
  folded = (uint16_t)((sum & UINT16_MAX) + (sum >> 16));
  memcpy(octets, &folded, sizeof octets);
  return be16_get(octets);
}

uint16_t csum_done(const struct csum *c)
{
  return (uint16_t)~csum_fold(c);
}

bool csum_good(const struct csum *c)
{
  return csum_fold(c) == UINT16_MAX;
}
