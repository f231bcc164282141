/* hash.c - SipHash (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012), section 2.
 * The state is v0..v3; c rounds per word of the message, d rounds at the end. */
#include "base/hash.h"

struct sip { uint64_t v0, v1, v2, v3; };

static uint64_t rotated(uint64_t x, unsigned by)
{
  return x << by | x >> (64 - by);
}

static uint64_t word_le(const uint8_t *p, size_t n)
{
  uint64_t word = 0;

  for (size_t i = 0; i < n; i++)
    word |= (uint64_t)p[i] << (8 * i);
  return word;
}

static struct sip sip_of(struct hash_key key)
{
  return (struct sip){
    key.k0 ^ UINT64_C(0x736f6d6570736575), key.k1 ^ UINT64_C(0x646f72616e646f6d),
    key.k0 ^ UINT64_C(0x6c7967656e657261), key.k1 ^ UINT64_C(0x7465646279746573),
  };
}

static inline void sip_round(struct sip *s)
{
  s->v0 += s->v1;
  s->v2 += s->v3;
  s->v1 = rotated(s->v1, 13) ^ s->v0;
  s->v3 = rotated(s->v3, 16) ^ s->v2;
  s->v0 = rotated(s->v0, 32) + s->v3;
  s->v2 += s->v1;
  s->v3 = rotated(s->v3, 21) ^ s->v0;
  s->v1 = rotated(s->v1, 17) ^ s->v2;
  s->v2 = rotated(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word, int rounds)
{
  s->v3 ^= word;
  for (int i = 0; i < rounds; i++)
    sip_round(s);
  s->v0 ^= word;
}

static inline uint64_t sip_end(struct sip *s, int rounds)
{
  s->v2 ^= 0xff;
  for (int i = 0; i < rounds; i++)
    sip_round(s);
  return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

struct hash_key hash_key_of(const uint8_t octets[16])
{
  return (struct hash_key){ word_le(octets, 8), word_le(octets + 8, 8) };
}

uint64_t hash_octets(struct hash_key key, const void *octets, size_t n)
{
  const uint8_t *p = octets;
  const size_t rest = n % 8;
  struct sip s = sip_of(key);

  for (const uint8_t *const end = p + (n - rest); p < end; p += 8)
    sip_word(&s, word_le(p, 8), 2);
  sip_word(&s, word_le(p, rest) | (uint64_t)n << 56, 2);
  return sip_end(&s, 4);
}

uint64_t hash_words(struct hash_key key, const uint64_t *words, size_t n)
{
  struct sip s = sip_of(key);

  for (size_t i = 0; i < n; i++)
    sip_word(&s, words[i], 1);
  sip_word(&s, (uint64_t)n << 59, 1);       /* the length in octets, in the topmost octet */
  return sip_end(&s, 3);
}
