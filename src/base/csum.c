/* csum.c - the Internet checksum (RFC 1071).
 * Sums are made of 64-bit words in the machine's own byte order (RFC 1071 2 B), with the
 * carries counted apart and added at the end; a piece that begins at an odd place is summed
 * as if it did not, and its sum then turned by one octet (2 B again). */
#include "base/csum.h"
#include "base/be.h"

enum { WORD = sizeof(uint64_t), BLOCK = 4 * WORD };

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

static uint64_t sum_of(const uint8_t *p, size_t n)
{
  uint64_t sum = 0, carries = 0;

  for (; n >= BLOCK; p += BLOCK, n -= BLOCK) {
    for (size_t i = 0; i < BLOCK; i += WORD) {
      const uint64_t word = word_at(p + i);

      sum += word;
      carries += sum < word;
    }
  }
  sum = plus(sum, carries);
  for (; n >= WORD; p += WORD, n -= WORD)
    sum = plus(sum, word_at(p));
  return plus(sum, rest_at(p, n));
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
  memcpy(to, from, n);
  add_piece(c, sum_of(to, n), n);
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
