/* wire/tcp: headers and options, the good, the malformed and the random. */
#include "support/unit.h"

#include "base/be.h"
#include "base/rng.h"
#include "wire/tcp.h"

/* A header with these option octets, padded by END to a multiple of 4. */
static size_t header_with(uint8_t *octets, const uint8_t *options, size_t n)
{
  const size_t length = TCP_HEADER_MIN + (n + 3) / 4 * 4;

  memset(octets, 0, TCP_HEADER_MAX);
  octets[12] = (uint8_t)(length / 4 << 4);
  memcpy(octets + TCP_HEADER_MIN, options, n);
  return length;
}

static struct tcp_options options_of(const uint8_t *options, size_t n)
{
  uint8_t octets[TCP_HEADER_MAX];
  const size_t length = header_with(octets, options, n);
  struct tcp_header h;

  memset(&h, 0xee, sizeof h);
  assert_int_equal(tcp_header_parse(octets, length, &h), length);
  return h.options;
}

#define OPTIONS(...) options_of((const uint8_t[]){ __VA_ARGS__ }, sizeof (uint8_t[]){ __VA_ARGS__ })

TEST(fields_are_where_rfc_9293_3_1_draws_them)
{
  static const uint8_t octets[TCP_HEADER_MIN] = {
    0x12, 0x34, 0x56, 0x78, 0x01, 0x02, 0x03, 0x04, 0xf1, 0xf2, 0xf3, 0xf4,
    0x5f, 0xc2, 0xab, 0xcd, 0x11, 0x22, 0x33, 0x44,
  };
  struct tcp_header h;

  assert_int_equal(tcp_header_parse(octets, sizeof octets, &h), TCP_HEADER_MIN);
  assert_int_equal(h.source, 0x1234);
  assert_int_equal(h.destination, 0x5678);
  assert_int_equal(h.seq, 0x01020304);
  assert_true(h.ack == 0xf1f2f3f4);
  assert_int_equal(h.length, TCP_HEADER_MIN);
  assert_int_equal(h.flags, F_SYN | F_ECE | F_CWR);
  assert_int_equal(h.window, 0xabcd);
  assert_int_equal(h.checksum, 0x1122);
  assert_int_equal(h.urgent, 0x3344);
  assert_int_equal(h.options.present, 0);
}

TEST(every_data_offset_against_every_length)
{
  uint8_t octets[70] = { 0 };
  struct tcp_header h;

  for (unsigned offset = 0; offset < 16; offset++) {
    for (size_t n = 0; n < sizeof octets; n++) {
      const bool good = offset >= 5 && offset * 4 <= n;

      octets[12] = (uint8_t)(offset << 4);
      assert_int_equal(tcp_header_parse(octets, n, &h), good ? offset * 4 : 0);
    }
  }
}

TEST(the_options_of_a_linux_syn)
{
  const struct tcp_options o =
      OPTIONS(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7);

  assert_int_equal(o.present, TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE);
  assert_int_equal(o.mss, 1460);
  assert_int_equal(o.wscale, 7);
  assert_int_equal(o.ts_val, 0x01020304);
  assert_int_equal(o.ts_ecr, 0);
}

TEST(one_to_four_sack_blocks)
{
  for (uint8_t blocks = 0; blocks <= 4; blocks++) {
    uint8_t options[40] = { 1, 1, 5, (uint8_t)(2 + 8 * blocks) };
    struct tcp_options o;

    for (uint8_t i = 0; i < 8 * blocks; i++)
      options[4 + i] = i;
    o = options_of(options, 4u + 8u * blocks);
    assert_int_equal(o.present, blocks ? TCP_OPT_SACK : 0);
    assert_int_equal(o.sacks, blocks);
    for (uint32_t i = 0; i < blocks; i++) {
      assert_true(o.sack[i].start == 0x00010203 + i * 0x08080808);
      assert_true(o.sack[i].end == 0x04050607 + i * 0x08080808);
    }
  }
}

/* RFC 9293 MUST-6: what is unknown is skipped by its length. */
TEST(unknown_options_are_skipped)
{
  const struct tcp_options o = OPTIONS(253, 6, 9, 9, 9, 9, 35, 2, 2, 4, 1, 2, 255, 3, 0, 3, 3, 5);

  assert_int_equal(o.present, TCP_OPT_MSS | TCP_OPT_WSCALE);
  assert_int_equal(o.mss, 0x0102);
  assert_int_equal(o.wscale, 5);
}

TEST(end_of_options_ends_them)
{
  assert_int_equal(OPTIONS(3, 3, 5, 0, 2, 4, 1, 2).present, TCP_OPT_WSCALE);
  assert_int_equal(OPTIONS(0, 4, 2, 0).present, 0);
}

/* RFC 9293 MUST-7, for every kind: a length of 0 or 1, or one past the end, ends the options;
 * those in front of it count, those behind do not. */
TEST(a_malformed_length_ends_the_options_of_every_kind)
{
  for (unsigned kind = 2; kind < 256; kind++) {
    for (unsigned length = 0; length < 256; length++) {
      const uint8_t options[12] = { 3, 3, 9, (uint8_t)kind, (uint8_t)length, 4, 2, 4, 2, 4, 2, 0 };
      const struct tcp_options o = options_of(options, sizeof options);

      assert_int_equal(o.wscale, kind == 3 && length == 3 ? 4 : 9);
      if (length < 2 || length > 9)
        assert_int_equal(o.present, TCP_OPT_WSCALE);
    }
  }
}

TEST(a_kind_without_room_for_its_length_is_nothing)
{
  for (unsigned kind = 2; kind < 256; kind++) {
    const uint8_t options[4] = { 1, 1, 1, (uint8_t)kind };

    assert_int_equal(options_of(options, 4).present, 0);
  }
}

/* A known kind with another length than its own is ignored, and the next option counts. */
TEST(a_wrong_length_of_a_known_kind_is_ignored)
{
  static const struct { uint8_t kind, length; } known[] = {
    { 2, 4 }, { 3, 3 }, { 4, 2 }, { 8, 10 }
  };

  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    for (uint8_t length = 2; length <= 32; length++) {
      const bool right = length == known[i].length;
      const bool mss = known[i].kind == 2;
      uint8_t options[40] = { known[i].kind, length };
      struct tcp_options o;

      memcpy(options + length, mss ? "\3\3\6" : "\2\4\1\2", 4);
      o = options_of(options, sizeof options);
      assert_int_equal(!!(o.present & (mss ? TCP_OPT_WSCALE : TCP_OPT_MSS)), 1);
      assert_int_equal(__builtin_popcount(o.present), 1 + right);
    }
  }
  for (uint8_t length = 2; length <= 36; length++) {
    uint8_t options[40] = { 5, length };

    memset(options + 2, 1, sizeof options - 2);
    assert_int_equal(options_of(options, 40).present,
                     length > 2 && length <= 34 && length % 8 == 2 ? TCP_OPT_SACK : 0);
  }
}

TEST(of_two_of_a_kind_the_last_counts)
{
  assert_int_equal(OPTIONS(2, 4, 0, 1, 2, 4, 0, 2).mss, 2);
}

static struct tcp_options random_options(struct rng *rng)
{
  struct tcp_options o = { .present = (uint8_t)rng_below(rng, 32) };

  if (o.present & TCP_OPT_MSS)
    o.mss = (uint16_t)rng_next(rng);
  if (o.present & TCP_OPT_WSCALE)
    o.wscale = (uint8_t)rng_next(rng);
  if (o.present & TCP_OPT_TS) {
    o.ts_val = (uint32_t)rng_next(rng);
    o.ts_ecr = (uint32_t)rng_next(rng);
  }
  if (o.present & TCP_OPT_SACK)
    o.sacks = (uint8_t)(1 + rng_below(rng, 4));
  for (unsigned i = 0; i < o.sacks; i++)
    o.sack[i] = (struct tcp_sack){ (uint32_t)rng_next(rng), (uint32_t)rng_next(rng) };
  return o;
}

/* Blocks fit behind whatever else is there: 40 octets in all. */
static unsigned sacks_that_fit(const struct tcp_options *o)
{
  unsigned rest = TCP_OPTIONS_MAX, fit;

  rest -= o->present & TCP_OPT_MSS ? 4 : 0;
  rest -= o->present & TCP_OPT_WSCALE ? 4 : 0;
  rest -= o->present & TCP_OPT_TS ? 12 : o->present & TCP_OPT_SACK_OK ? 4 : 0;
  fit = rest < 4 ? 0 : (rest - 4) / 8;
  return fit < o->sacks ? fit : o->sacks;
}

static void same_options(const struct tcp_options *got, const struct tcp_options *o)
{
  const unsigned fit = sacks_that_fit(o);

  assert_int_equal(got->present, fit ? o->present : o->present & ~TCP_OPT_SACK);
  assert_int_equal(got->mss, o->mss);
  assert_int_equal(got->wscale, o->wscale);
  assert_true(got->ts_val == o->ts_val && got->ts_ecr == o->ts_ecr);
  assert_int_equal(got->sacks, fit);
  assert_memory_equal(got->sack, o->sack, fit * sizeof *o->sack);
}

TEST(what_is_written_is_read_back)
{
  struct rng rng;

  rng_seed(&rng, 11);
  for (int i = 0; i < 50000; i++) {
    const struct tcp_header h = {
      .source = (uint16_t)rng_next(&rng), .destination = (uint16_t)rng_next(&rng),
      .window = (uint16_t)rng_next(&rng), .urgent = (uint16_t)rng_next(&rng),
      .flags = (uint8_t)rng_next(&rng), .seq = (uint32_t)rng_next(&rng),
      .ack = (uint32_t)rng_next(&rng), .checksum = 0x1234, .options = random_options(&rng),
    };
    uint8_t octets[TCP_HEADER_MAX + 1], options[TCP_OPTIONS_MAX + 1];
    struct tcp_header got;
    size_t n, length;

    options[TCP_OPTIONS_MAX] = octets[TCP_HEADER_MAX] = 0x77;
    n = tcp_options_write(options, &h.options);
    assert_true(n <= TCP_OPTIONS_MAX && n % 4 == 0);
    length = tcp_header_write(octets, &h, options, n);
    assert_int_equal(length, TCP_HEADER_MIN + n);
    assert_int_equal(options[TCP_OPTIONS_MAX], 0x77);
    assert_int_equal(octets[TCP_HEADER_MAX], 0x77);
    assert_int_equal(tcp_header_parse(octets, length, &got), length);
    assert_int_equal(got.checksum, 0);
    assert_true(got.source == h.source && got.destination == h.destination);
    assert_true(got.seq == h.seq && got.ack == h.ack && got.flags == h.flags);
    assert_true(got.window == h.window && got.urgent == h.urgent);
    same_options(&got.options, &h.options);
  }
}

TEST(options_are_laid_out_as_other_stacks_expect_them)
{
  static const struct { struct tcp_options o; size_t n; uint8_t octets[20]; } cases[] = {
    { { .present = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE, .mss = 0x0102,
        .wscale = 7, .ts_val = 5, .ts_ecr = 6 },
      20, { 2, 4, 1, 2, 4, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 1, 3, 3, 7 } },
    { { .present = TCP_OPT_TS, .ts_val = 5, .ts_ecr = 6 },
      12, { 1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6 } },
    { { .present = TCP_OPT_MSS | TCP_OPT_SACK_OK, .mss = 0x0102 }, 8, { 2, 4, 1, 2, 1, 1, 4, 2 } },
    { { .present = TCP_OPT_SACK, .sacks = 1, .sack = { { 1, 2 } } },
      12, { 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2 } },
    { { .present = 0 }, 0, { 0 } },
    { { .present = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE, .mss = 0x0102,
        .wscale = 7, .ts_val = 5, .ts_ecr = 6, .bsd = 1 },
      20, { 2, 4, 1, 2, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6 } },
    { { .present = TCP_OPT_MSS | TCP_OPT_SACK_OK, .mss = 0x0102, .bsd = 1 },
      8, { 2, 4, 1, 2, 4, 2, 0, 0 } },
    { { .present = TCP_OPT_MSS | TCP_OPT_TS, .mss = 0x0102, .ts_val = 5, .ts_ecr = 6, .bsd = 1 },
      16, { 2, 4, 1, 2, 1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6 } },
    { { .present = TCP_OPT_MSS | TCP_OPT_FASTOPEN, .mss = 0x0102 },
      8, { 2, 4, 1, 2, 34, 2, 1, 1 } },
    { { .present = TCP_OPT_MSS | TCP_OPT_FASTOPEN, .mss = 0x0102, .bsd = 1,
        .cookie = { .length = 4, .octets = { 9, 8, 7, 6 } } },
      12, { 2, 4, 1, 2, 34, 6, 9, 8, 7, 6, 0, 0 } },
    { { .present = TCP_OPT_MSS | TCP_OPT_FASTOPEN, .mss = 0x0102,
        .cookie = { .length = 4, .experimental = 1, .octets = { 9, 8, 7, 6 } } },
      12, { 2, 4, 1, 2, 254, 8, 0xf9, 0x89, 9, 8, 7, 6 } },
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t octets[TCP_OPTIONS_MAX];

    assert_int_equal(tcp_options_write(octets, &cases[i].o), cases[i].n);
    assert_memory_equal(octets, cases[i].octets, cases[i].n);
  }
}

/* A header with one option of `kind`, `magic` octets of 0xf989 first, then a cookie of n octets. */
static size_t header_with_cookie(uint8_t *octets, uint8_t kind, bool magic, size_t n)
{
  const struct tcp_header h = { .flags = F_SYN };
  uint8_t options[TCP_OPTIONS_MAX] = { 0 };
  size_t length = 2;

  options[0] = kind;
  if (magic) {
    options[2] = 0xf9;
    options[3] = 0x89;
    length = 4;
  }
  for (size_t i = 0; i < n; i++)
    options[length++] = (uint8_t)(i + 1);
  options[1] = (uint8_t)length;
  return tcp_header_write(octets, &h, options, (length + 3) / 4 * 4);
}

/* RFC 7413 4.1.1: 0, or 4 to 16 and even. */
TEST(a_fast_open_cookie_is_read_in_every_length_that_is_allowed_and_in_no_other)
{
  for (int magic = 0; magic < 2; magic++)
    for (size_t n = 0; n <= 36; n++) {
      uint8_t octets[TCP_HEADER_MAX];
      struct tcp_header h;
      const bool allowed = n == 0 || (n >= 4 && n <= 16 && n % 2 == 0);
      const size_t length = header_with_cookie(octets, magic ? 254 : 34, magic, n);

      assert_int_equal(tcp_header_parse(octets, length, &h), length);
      assert_int_equal(h.options.present, allowed ? TCP_OPT_FASTOPEN : 0);
      if (!allowed)
        continue;
      assert_int_equal(h.options.cookie.length, n);
      assert_int_equal(h.options.cookie.experimental, magic);
      for (size_t i = 0; i < n; i++)
        assert_int_equal(h.options.cookie.octets[i], i + 1);
    }
}

TEST(an_experiment_with_another_magic_number_is_no_cookie)
{
  uint8_t octets[TCP_HEADER_MAX];
  struct tcp_header h;
  const size_t length = header_with_cookie(octets, 254, false, 8);

  assert_int_equal(tcp_header_parse(octets, length, &h), length);
  assert_int_equal(h.options.present, 0);
}

TEST(a_cookie_that_does_not_fit_beside_the_other_options_is_left_out)
{
  struct tcp_options o = { .present = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE |
                                      TCP_OPT_FASTOPEN,
                           .cookie = { .length = 16 } };
  uint8_t octets[TCP_OPTIONS_MAX];

  assert_int_equal(tcp_options_write(octets, &o), 40);
  assert_int_equal(octets[20], 34);
  o.cookie.experimental = 1;
  assert_int_equal(tcp_options_write(octets, &o), 40);
  assert_int_equal(octets[20], 254);
  o.present |= TCP_OPT_SACK; /* never in a SYN, but it would leave no room */
  o.sacks = 1;
  assert_int_equal(tcp_options_write(octets, &o), 32);
}

/* Exactly as many octets as it was told there are: the sanitizer sees any more. */
/* RFC 5482 3.2 and 3.3. */
TEST(a_user_timeout_counts_seconds_or_minutes)
{
  static const struct { uint32_t said, read; uint8_t octets[2]; } good[] = {
    { 1, 1, { 0x00, 0x01 } }, { 300, 300, { 0x01, 0x2c } }, { 32767, 32767, { 0x7f, 0xff } },
    { 32768, 32820, { 0x82, 0x23 } }, { UINT32_MAX, TCP_USER_TIMEOUT_MAX, { 0xff, 0xff } },
  };
  uint8_t octets[TCP_OPTIONS_MAX];

  for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
    const struct tcp_options o = { .present = TCP_OPT_USER_TIMEOUT,
                                   .user_timeout_s = good[i].said };
    struct tcp_options read;

    assert_int_equal(tcp_options_write(octets, &o), 4);
    assert_int_equal(octets[0], 28);
    assert_int_equal(octets[1], 4);
    assert_memory_equal(octets + 2, good[i].octets, 2);
    read = options_of(octets, 4);
    assert_int_equal(read.present, TCP_OPT_USER_TIMEOUT);
    assert_int_equal(read.user_timeout_s, good[i].read);
  }
  assert_int_equal(OPTIONS(28, 4, 0, 0).present, 0);
  assert_int_equal(OPTIONS(28, 4, 0x80, 0).present, 0);
  assert_int_equal(OPTIONS(28, 3, 1, 2).present, 0);
  assert_int_equal(tcp_options_write(octets, &(struct tcp_options){
    .present = TCP_OPT_USER_TIMEOUT, .user_timeout_s = 0 }), 0);
}

TEST(a_user_timeout_stands_behind_the_others_if_it_fits)
{
  struct tcp_options o = { .present = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE |
                                      TCP_OPT_USER_TIMEOUT,
                           .mss = 1460, .wscale = 7, .user_timeout_s = 300 };
  uint8_t octets[TCP_OPTIONS_MAX];

  for (uint8_t bsd = 0; bsd < 2; bsd++) {
    o.bsd = bsd;
    assert_int_equal(tcp_options_write(octets, &o), 24);
    assert_memory_equal(octets + 20, ((const uint8_t[]){ 28, 4, 1, 44 }), 4);
    assert_int_equal(options_of(octets, 24).present, o.present);
  }
  o.present |= TCP_OPT_FASTOPEN;
  o.cookie.length = 16;
  assert_int_equal(tcp_options_write(octets, &o), 40);
  assert_int_equal(options_of(octets, 40).present, o.present & ~TCP_OPT_USER_TIMEOUT);
}

TEST(random_octets_are_never_read_beyond_their_end)
{
  struct rng rng;
  int parsed = 0;

  rng_seed(&rng, 12);
  for (int i = 0; i < 100000; i++) {
    const size_t n = rng_below(&rng, 70);
    uint8_t *const octets = malloc(n ? n : 1);
    struct tcp_header h;
    size_t length;

    for (size_t k = 0; k < n; k++)
      octets[k] = (uint8_t)rng_below(&rng, rng_below(&rng, 2) ? 12 : 256);
    if (n > 12 && rng_below(&rng, 2))
      octets[12] = (uint8_t)(n / 4 << 4);
    length = tcp_header_parse(octets, n, &h);
    assert_true(length <= n && length % 4 == 0);
    assert_true(length == 0 || (h.length == length && h.options.sacks <= TCP_SACKS_MAX));
    parsed += length > 0;
    free(octets);
  }
  assert_true(parsed > 10000);
}

RUN(cmocka_unit_test(fields_are_where_rfc_9293_3_1_draws_them),
    cmocka_unit_test(every_data_offset_against_every_length),
    cmocka_unit_test(the_options_of_a_linux_syn), cmocka_unit_test(one_to_four_sack_blocks),
    cmocka_unit_test(unknown_options_are_skipped), cmocka_unit_test(end_of_options_ends_them),
    cmocka_unit_test(a_malformed_length_ends_the_options_of_every_kind),
    cmocka_unit_test(a_kind_without_room_for_its_length_is_nothing),
    cmocka_unit_test(a_wrong_length_of_a_known_kind_is_ignored),
    cmocka_unit_test(of_two_of_a_kind_the_last_counts),
    cmocka_unit_test(what_is_written_is_read_back),
    cmocka_unit_test(options_are_laid_out_as_other_stacks_expect_them),
    cmocka_unit_test(a_fast_open_cookie_is_read_in_every_length_that_is_allowed_and_in_no_other),
    cmocka_unit_test(an_experiment_with_another_magic_number_is_no_cookie),
    cmocka_unit_test(a_cookie_that_does_not_fit_beside_the_other_options_is_left_out),
    cmocka_unit_test(a_user_timeout_counts_seconds_or_minutes),
    cmocka_unit_test(a_user_timeout_stands_behind_the_others_if_it_fits),
    cmocka_unit_test(random_octets_are_never_read_beyond_their_end))
