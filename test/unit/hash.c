/* hash: SipHash-2-4 by its authors' vectors, and SipHash-1-3 by those of another implementation. */
#include "support/unit.h"

#include "base/hash.h"

static struct hash_key vector_key(void)
{
  uint8_t octets[16];

  for (uint8_t i = 0; i < 16; i++)
    octets[i] = i;
  return hash_key_of(octets);
}

TEST(the_key_is_two_little_endian_words)
{
  assert_true(vector_key().k0 == UINT64_C(0x0706050403020100));
  assert_true(vector_key().k1 == UINT64_C(0x0f0e0d0c0b0a0908));
}

/* The message is 00 01 02 ...; the paper's appendix A has the one of 15 octets. */
TEST(siphash_2_4_vectors)
{
  static const struct { size_t n; uint64_t hash; } vectors[] = {
    { 0, UINT64_C(0x726fdb47dd0e0e31) }, { 1, UINT64_C(0x74f839c593dc67fd) },
    { 2, UINT64_C(0x0d6c8009d9a94f5a) }, { 3, UINT64_C(0x85676696d7fb7e2d) },
    { 7, UINT64_C(0xab0200f58b01d137) }, { 8, UINT64_C(0x93f5f5799a932462) },
    { 15, UINT64_C(0xa129ca6149be45e5) },
  };
  uint8_t message[64];

  for (uint8_t i = 0; i < 64; i++)
    message[i] = i;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
    assert_true(hash_octets(vector_key(), message, vectors[i].n) == vectors[i].hash);
}

/* CPython 3.11 hashes octets by SipHash-1-3: these are its hash(bytes(range(8 * n))) with
 * PYTHONHASHSEED=0, that is, with a key of zero. */
TEST(siphash_1_3_vectors)
{
  static const struct { size_t n; uint64_t hash; } vectors[] = {
    { 1, UINT64_C(0xead411e67ebe2eea) }, { 2, UINT64_C(0x8972188433a5c5b7) },
    { 5, UINT64_C(0x95bc321ab41d8206) },
  };
  uint64_t message[5];

  for (uint64_t i = 0; i < 5; i++)
    message[i] = UINT64_C(0x0706050403020100) + i * UINT64_C(0x0808080808080808);
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
    assert_true(hash_words((struct hash_key){ 0, 0 }, message, vectors[i].n) == vectors[i].hash);
}

TEST(every_bit_of_key_and_message_matters)
{
  const struct hash_key key = vector_key();
  const uint64_t message[2] = { 1, 2 };
  const uint64_t hash = hash_words(key, message, 2);

  for (unsigned bit = 0; bit < 64; bit++) {
    const uint64_t turned = UINT64_C(1) << bit;
    const uint64_t first[2] = { message[0] ^ turned, message[1] };
    const uint64_t second[2] = { message[0], message[1] ^ turned };
    const struct hash_key a = { key.k0 ^ turned, key.k1 }, b = { key.k0, key.k1 ^ turned };

    assert_true(hash_words(key, first, 2) != hash);
    assert_true(hash_words(key, second, 2) != hash);
    assert_true(hash_words(a, message, 2) != hash);
    assert_true(hash_words(b, message, 2) != hash);
  }
  assert_true(hash_words(key, message, 1) != hash);
}

RUN(cmocka_unit_test(the_key_is_two_little_endian_words), cmocka_unit_test(siphash_2_4_vectors),
    cmocka_unit_test(siphash_1_3_vectors), cmocka_unit_test(every_bit_of_key_and_message_matters))
