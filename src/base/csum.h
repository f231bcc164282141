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

/* Results are numbers in host order, to be written with be16_put. */
uint16_t csum_fold(const struct csum *c);     /* the sum, not inverted */
uint16_t csum_done(const struct csum *c);     /* what goes into the field: ~fold */
bool     csum_good(const struct csum *c);     /* a packet summed with its own checksum field */

#endif
