/* hash.h - SipHash (Aumasson, Bernstein 2012): a keyed hash that a peer cannot steer. */
#ifndef LA_BASE_HASH_H
#define LA_BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

struct hash_key { uint64_t k0, k1; };

struct hash_key hash_key_of(const uint8_t octets[16]);

/* SipHash-2-4 of n octets: for what must not be guessed (ISS, cookies, ports). */
uint64_t hash_octets(struct hash_key key, const void *octets, size_t n);

/* SipHash-1-3 of whole 64-bit words: for tables. */
uint64_t hash_words(struct hash_key key, const uint64_t *words, size_t n);

#endif
