/* feed.h - an input as a row of numbers, zeros behind its end. */
#ifndef LA_FUZZ_FEED_H
#define LA_FUZZ_FEED_H
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct feed { const uint8_t *octets; size_t n; };

static inline uint8_t feed_u8(struct feed *f)
{
  if (f->n == 0)
    return 0;
  f->n--;
  return *f->octets++;
}

static inline uint16_t feed_u16(struct feed *f)
{
  const unsigned high = feed_u8(f);

  return (uint16_t)(high << 8 | feed_u8(f));
}

static inline uint32_t feed_u32(struct feed *f)
{
  const uint32_t high = feed_u16(f);

  return high << 16 | feed_u16(f);
}

/* Small numbers of either sign mostly, now and then a large one: what sequences differ by. */
static inline uint32_t feed_delta(struct feed *f)
{
  const uint8_t b = feed_u8(f);

  if (b < 0x80)
    return (uint32_t)b - 0x10;
  if (b < 0xc0)
    return ((uint32_t)b - 0xa0) * 536;
  return b < 0xe0 ? ((uint32_t)b - 0xd0) << 27 : feed_u32(f);
}

/* Up to three minutes, in steps that grow: a byte reaches from a microsecond to any time-out. */
static inline int64_t feed_time(struct feed *f)
{
  const uint8_t b = feed_u8(f);

  return (int64_t)1000 << (b % 28) | (int64_t)(b / 28) * 999;
}

/* A claim that has failed: libFuzzer keeps the input. */
static inline void claim(int holds)
{
  if (!holds)
    abort();
}

#endif
