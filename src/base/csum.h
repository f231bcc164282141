/* csum.h - the Internet checksum (RFC 1071), over pieces of any length and alignment. */
#ifndef LA_BASE_CSUM_H
#define LA_BASE_CSUM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A running sum; `odd`: the pieces so far have an odd number of octets. */
struct csum { uint64_t sum; bool odd; };

void     csum_add(struct csum *c, const void *octets, size_t n);
void     csum_copy(struct csum *c, void *to, const void *from, size_t n);   /* in one pass */

/* Small things at an even place, not worth a call: a number in host order, four octets. */
static inline void csum_add_small(struct csum *c, uint64_t value)
{
  c->sum += value;
  c->sum += c->sum < value;
}

static inline void csum_add16(struct csum *c, uint16_t value)
{
  const uint8_t octets[2] = { (uint8_t)(value >> 8), (uint8_t)value };
  uint16_t two;

  memcpy(&two, octets, sizeof two);
  csum_add_small(c, two);
}

static inline void csum_add4(struct csum *c, const uint8_t octets[4])
{
  uint32_t four;

  memcpy(&four, octets, sizeof four);
  csum_add_small(c, four);
}

/* A header: words of four octets at an even place. */
static inline void csum_add_header(struct csum *c, const uint8_t *octets, size_t n)
{
  uint64_t eight;

  for (; n >= 8; octets += 8, n -= 8) {
    memcpy(&eight, octets, sizeof eight);
    csum_add_small(c, eight);
  }
  if (n > 0)
    csum_add4(c, octets);
}

/* Results are numbers in host order, to be written with be16_put. A number plus itself with its
 * halves exchanged has their sum, with the carry, in its upper half. */
static inline uint16_t csum_fold(const struct csum *c)          /* the sum, not inverted */
{
  const uint64_t sum = c->sum + (c->sum << 32 | c->sum >> 32);
  const uint32_t half = (uint32_t)(sum >> 32);
  const uint16_t folded = (uint16_t)((half + (half << 16 | half >> 16)) >> 16);
  uint8_t octets[2];

  memcpy(octets, &folded, sizeof octets);
  return (uint16_t)(octets[0] << 8 | octets[1]);
}

/* What goes into the field. */
static inline uint16_t csum_done(const struct csum *c) { return (uint16_t)~csum_fold(c); }

/* Of a packet summed with its own checksum field. */
static inline bool csum_good(const struct csum *c)     { return csum_fold(c) == UINT16_MAX; }

#endif
