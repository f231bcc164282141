/* text: against snprintf, at every size that is too small. */
#include "support/unit.h"

#include <inttypes.h>

#include "base/text.h"

static void some_line(struct text *t)
{
  text_add_str(t, "seq ");
  text_add_u64(t, UINT64_MAX);
  text_add_char(t, ' ');
  text_add_i64(t, INT64_MIN);
  text_add_char(t, ' ');
  text_add_hex(t, 0xbeef, 8);
  text_add_str(t, "");
}

TEST(every_size_cuts_as_snprintf_does)
{
  char whole[80];
  const int length = snprintf(whole, sizeof whole, "seq %" PRIu64 " %" PRId64 " %08x", UINT64_MAX,
                              INT64_MIN, 0xbeefu);

  for (size_t size = 0; size < sizeof whole; size++) {
    char out[80];
    struct text t;

    memset(out, '~', sizeof out);
    t = text_of(out, size);
    some_line(&t);
    assert_int_equal(t.length, length);
    if (size > 0) {
      assert_memory_equal(out, whole, size - 1 < strlen(whole) ? size - 1 : strlen(whole));
      assert_int_equal(strlen(out), size - 1 < strlen(whole) ? size - 1 : strlen(whole));
    }
    for (size_t i = size; i < sizeof out; i++)
      assert_int_equal(out[i], '~');
  }
}

TEST(a_line_may_have_no_memory_at_all)
{
  struct text t = text_of(NULL, 0);

  some_line(&t);
  assert_int_equal(t.length, 4 + 20 + 1 + 20 + 1 + 8);
}

TEST(an_empty_line_is_an_empty_string)
{
  char out[4] = "abc";

  text_of(out, sizeof out);
  assert_string_equal(out, "");
}

TEST(numbers_read_as_printf_writes_them)
{
  static const uint64_t values[] = {
    0, 1, 9, 10, 99, 100, 65535, 1000000007, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX
  };

  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    char expected[64], out[64];
    struct text t = text_of(out, sizeof out);

    text_add_u64(&t, values[i]);
    text_add_char(&t, '/');
    text_add_i64(&t, (int64_t)values[i]);
    text_add_char(&t, '/');
    text_add_hex(&t, values[i], 1);
    text_add_char(&t, '/');
    text_add_hex(&t, values[i], 4);
    snprintf(expected, sizeof expected, "%" PRIu64 "/%" PRId64 "/%" PRIx64 "/%04" PRIx64, values[i],
             (int64_t)values[i], values[i], values[i]);
    assert_string_equal(out, expected);
  }
}

TEST(a_point_stands_before_the_places)
{
  static const struct { int64_t value; unsigned places; const char *text; } cases[] = {
    { 1234567, 3, "1234.567" }, { 0, 3, "0.000" },    { 5, 2, "0.05" },   { -5, 2, "-0.05" },
    { -1500, 3, "-1.500" },     { 42, 0, "42" },      { -42, 0, "-42" },  { 7, 1, "0.7" },
    { INT64_MIN, 9, "-9223372036.854775808" },        { INT64_MAX, 18, "9.223372036854775807" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[64];
    struct text t = text_of(out, sizeof out);

    text_add_fixed(&t, cases[i].value, cases[i].places);
    assert_string_equal(out, cases[i].text);
    assert_int_equal(t.length, strlen(cases[i].text));
  }
}

RUN(cmocka_unit_test(every_size_cuts_as_snprintf_does),
    cmocka_unit_test(a_line_may_have_no_memory_at_all),
    cmocka_unit_test(an_empty_line_is_an_empty_string),
    cmocka_unit_test(numbers_read_as_printf_writes_them),
    cmocka_unit_test(a_point_stands_before_the_places))
