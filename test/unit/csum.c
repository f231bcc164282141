/* csum: against RFC 1071's example and a sum made octet by octet. */
#include "support/unit.h"

#include "base/be.h"
#include "base/csum.h"
#include "base/rng.h"

/* RFC 1071 1, literally: 16-bit words in network order, a last odd octet padded with zero. */
static uint16_t naive(const uint8_t *p, size_t n)
{
  uint64_t sum = 0;

  for (size_t i = 0; i < n; i++)
    sum += (uint64_t)p[i] << (i % 2 ? 0 : 8);
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

static void fill(struct rng *rng, uint8_t *p, size_t n)
{
  for (size_t i = 0; i < n; i++)
    p[i] = (uint8_t)rng_next(rng);
}

TEST(rfc_1071_section_3_example)
{
  static const uint8_t octets[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
  struct csum c = { 0 };

  csum_add(&c, octets, sizeof octets);
  assert_int_equal(csum_fold(&c), 0xddf2);
  assert_int_equal(csum_done(&c), 0x220d);
}

TEST(nothing_sums_to_nothing)
{
  struct csum c = { 0 };

  csum_add(&c, "", 0);
  assert_int_equal(csum_fold(&c), 0);
  assert_int_equal(csum_done(&c), 0xffff);
  assert_false(csum_good(&c));
}

TEST(every_length_at_every_alignment)
{
  static uint8_t octets[700];
  struct rng rng;

  rng_seed(&rng, 1);
  fill(&rng, octets, sizeof octets);
  for (size_t at = 0; at < 16; at++) {
    for (size_t n = 0; n + at <= sizeof octets; n++) {
      struct csum c = { 0 };

      csum_add(&c, octets + at, n);
      assert_int_equal(csum_fold(&c), naive(octets + at, n));
      assert_int_equal(c.odd, n % 2);
    }
  }
}

/* All ones is where carries are lost, if they are. */
TEST(carries_are_never_lost)
{
  static uint8_t ones[70000];

  memset(ones, 0xff, sizeof ones);
  for (size_t n = 2; n <= sizeof ones; n += n < 300 ? 1 : 1111) {
    struct csum c = { 0 };

    csum_add(&c, ones, n);
    assert_int_equal(csum_fold(&c), naive(ones, n));
    csum_add(&c, ones, n);
    assert_int_equal(csum_fold(&c), n % 2 ? 0xffff : naive(ones, n));
  }
}

/* Longer than the blocks that one sum can hold, and of the octets that fill it soonest. */
TEST(a_megabyte_of_ones_or_of_signs_is_summed_whole)
{
  enum { MEGABYTE = (1 << 20) + 54321 };
  static const uint8_t fillings[] = { 0xff, 0x80, 0x7f, 0 };
  uint8_t *const octets = malloc(MEGABYTE), *const copy = malloc(MEGABYTE);

  for (size_t i = 0; i < sizeof fillings; i++) {
    struct csum c = { 0 }, copied = { 0 };

    memset(octets, fillings[i], MEGABYTE);
    octets[MEGABYTE / 2] = 1;
    csum_add(&c, octets, MEGABYTE);
    csum_copy(&copied, copy, octets, MEGABYTE);
    assert_int_equal(csum_fold(&c), naive(octets, MEGABYTE));
    assert_int_equal(csum_fold(&copied), naive(octets, MEGABYTE));
    assert_memory_equal(octets, copy, MEGABYTE);
  }
  free(octets);
  free(copy);
}

TEST(pieces_of_any_length_sum_to_the_whole)
{
  static uint8_t octets[4000];
  struct rng rng;

  rng_seed(&rng, 2);
  for (int round = 0; round < 2000; round++) {
    const size_t n = rng_below(&rng, sizeof octets + 1);
    struct csum c = { 0 };

    fill(&rng, octets, 64);
    for (size_t at = 0, length; at < n; at += length) {
      length = rng_below(&rng, 200);
      if (length > n - at)
        length = n - at;
      csum_add(&c, octets + at, length);
    }
    assert_int_equal(csum_fold(&c), naive(octets, n));
  }
}

TEST(copying_copies_and_sums_and_touches_nothing_else)
{
  static uint8_t from[2100], to[2100];
  struct rng rng;

  rng_seed(&rng, 3);
  fill(&rng, from, sizeof from);
  for (size_t n = 0; n < 2048; n += n < 150 ? 1 : 61) {
    const size_t at = n % 16, there = n % 7 + 1;
    struct csum c = { .odd = n % 3 == 0 }, same = c;

    memset(to, 0x5a, sizeof to);
    csum_copy(&c, to + there, from + at, n);
    csum_add(&same, from + at, n);
    assert_memory_equal(to + there, from + at, n);
    assert_int_equal(to[there - 1], 0x5a);
    assert_int_equal(to[there + n], 0x5a);
    assert_int_equal(csum_fold(&c), csum_fold(&same));
    assert_int_equal(c.odd, same.odd);
  }
}

TEST(a_number_is_two_octets_in_network_order)
{
  struct csum c = { 0 }, same = { 0 };

  csum_add16(&c, 0x1234);
  csum_add16(&c, 0xfedc);
  csum_add(&same, "\x12\x34\xfe\xdc", 4);
  assert_int_equal(csum_fold(&c), csum_fold(&same));
}

TEST(a_packet_with_its_checksum_is_good_and_with_any_bit_turned_is_not)
{
  uint8_t packet[61];
  struct rng rng;
  struct csum c = { 0 };

  rng_seed(&rng, 4);
  fill(&rng, packet, sizeof packet);
  be16_put(packet + 16, 0);
  csum_add(&c, packet, sizeof packet);
  be16_put(packet + 16, csum_done(&c));
  for (size_t bit = 0; bit <= 8 * sizeof packet; bit++) {
    const bool whole = bit == 8 * sizeof packet;

    if (!whole)
      packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
    c = (struct csum){ 0 };
    csum_add(&c, packet, sizeof packet);
    assert_int_equal(csum_good(&c), whole);
    if (!whole)
      packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

RUN(cmocka_unit_test(rfc_1071_section_3_example), cmocka_unit_test(nothing_sums_to_nothing),
    cmocka_unit_test(every_length_at_every_alignment), cmocka_unit_test(carries_are_never_lost),
    cmocka_unit_test(a_megabyte_of_ones_or_of_signs_is_summed_whole),
    cmocka_unit_test(pieces_of_any_length_sum_to_the_whole),
    cmocka_unit_test(copying_copies_and_sums_and_touches_nothing_else),
    cmocka_unit_test(a_number_is_two_octets_in_network_order),
    cmocka_unit_test(a_packet_with_its_checksum_is_good_and_with_any_bit_turned_is_not))
