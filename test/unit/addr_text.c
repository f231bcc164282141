/* addr_text: addresses of both families as text, and what is no address. */
#include "support/unit.h"

#include <arpa/inet.h>

#include "base/rng.h"
#include "wire/addr_text.h"

static const char *text_of_addr(const struct ip_addr *a)
{
  static char out[64];
  struct text t = text_of(out, sizeof out);

  addr_text_add(&t, a);
  assert_true(t.length < 46);                 /* LA_ADDR_TEXT */
  return out;
}

static struct ip_addr parsed(const char *text)
{
  struct ip_addr a;

  if (!addr_text_parse(text, &a))
    fail_msg("%s is not taken for an address", text);
  return a;
}

/* The examples of RFC 5952 sections 1, 2 and 4, and what they shall look like. */
TEST(rfc_5952_forms)
{
  static const char *const pairs[][2] = {
    { "2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" }, { "2001:db8:0:0:0:0:0:1", "2001:db8::1" },
    { "2001:db8::aaaa:0:0:1", "2001:db8::aaaa:0:0:1" }, { "2001:DB8::1", "2001:db8::1" },
    { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
    { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" }, { "0:0:0:0:0:0:0:0", "::" },
    { "0:0:0:0:0:0:0:1", "::1" }, { "1:0:0:0:0:0:0:0", "1::" }, { "::", "::" },
    { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" }, { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
    { "::ffff:192.0.2.1", "192.0.2.1" }, { "::FFFF:c000:201", "192.0.2.1" },
    { "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
    { "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
    { "0.0.0.0", "0.0.0.0" }, { "255.255.255.255", "255.255.255.255" }, { "10.0.0.9", "10.0.0.9" },
  };

  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    const struct ip_addr a = parsed(pairs[i][0]);

    assert_string_equal(text_of_addr(&a), pairs[i][1]);
  }
}

TEST(what_is_no_address_is_refused_and_changes_nothing)
{
  static const char *const texts[] = {
    "", " ", ".", ":", ":::", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", ".1.2.3.4", "1..2.3",
    "01.2.3.4", "1.2.3.04", "00.0.0.0", "0x1.2.3.4", "256.1.1.1", "1.1.1.1000", "1.2.3.4 ",
    " 1.2.3.4", "+1.2.3.4", "-1.2.3.4", "1.2.3.a", "1.2.3.4/24", "1.2.3.4:80",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:",
    "1::2::3", "1:::2", "12345::", "::12345", "g::", "1::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
    "::1%eth0", "[::1]", "::1.2.3", "::1.2.3.4.5", "::256.1.1.1", "::01.2.3.4", "1.2.3.4::",
    "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:1.2.3.4", "::a.2.3.4", "*", "localhost",
  };

  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct ip_addr a, before;

    memset(&a, 0x5a, sizeof a);
    before = a;
    if (addr_text_parse(texts[i], &a))
      fail_msg("\"%s\" is taken for an address", texts[i]);
    assert_memory_equal(&a, &before, sizeof a);
  }
}

TEST(ends_put_ipv6_in_brackets)
{
  const struct ip_addr four = parsed("192.0.2.1"), six = parsed("2001:db8::1");
  char out[64];
  struct text t = text_of(out, sizeof out);

  addr_text_add_end(&t, &four, 80);
  text_add_char(&t, ' ');
  addr_text_add_end(&t, &six, 65535);
  assert_string_equal(out, "192.0.2.1:80 [2001:db8::1]:65535");
}

/* Addresses full of zeros, where the forms differ most. */
TEST(random_addresses_survive_and_look_as_the_c_library_has_them)
{
  struct rng rng;

  rng_seed(&rng, 5);
  for (int i = 0; i < 50000; i++) {
    struct ip_addr a = { { 0 } }, back;
    char theirs[64];

    for (int k = 0; k < 16; k++)
      if (rng_below(&rng, 8) < 3)
        a.octets[k] = (uint8_t)rng_below(&rng, rng_below(&rng, 2) ? 256 : 2);
    if (memcmp(a.octets, "\0\0\0\0\0\0\0\0\0\0\0", 12) == 0)
      a.octets[0] = 0x20;                     /* not the deprecated ::a.b.c.d, which glibc writes */
    back = parsed(text_of_addr(&a));
    assert_memory_equal(&a, &back, sizeof a);
    assert_non_null(inet_ntop(AF_INET6, a.octets, theirs, sizeof theirs));
    assert_string_equal(text_of_addr(&a), theirs);
  }
}

/* Texts made of what addresses are made of: accepted by both or by none. */
TEST(random_texts_are_judged_as_the_c_library_judges_them)
{
  static const char letters[] = "0123456789abcdefF:::::....";
  struct rng rng;
  int taken = 0;

  rng_seed(&rng, 6);
  for (int i = 0; i < 300000; i++) {
    const size_t length = rng_below(&rng, 24);
    char text[32] = "";
    uint8_t theirs[16], theirs4[4];
    struct ip_addr a;
    bool six, four;

    for (size_t k = 0; k < length; k++)
      text[k] = letters[rng_below(&rng, rng_below(&rng, 2) ? sizeof letters - 1 : 12)];
    if (rng_below(&rng, 2) && length > 8)
      memcpy(text + rng_below(&rng, (uint32_t)length - 2), "::", 2);
    six = inet_pton(AF_INET6, text, theirs) == 1;
    four = inet_pton(AF_INET, text, theirs4) == 1;
    if (addr_text_parse(text, &a) != (six || four))
      fail_msg("\"%s\" is judged differently", text);
    taken += six || four;
    if (six)
      assert_memory_equal(a.octets, theirs, 16);
    if (four)
      assert_memory_equal(a.octets + 12, theirs4, 4);
  }
  assert_true(taken > 1000);
}

RUN(cmocka_unit_test(rfc_5952_forms),
    cmocka_unit_test(what_is_no_address_is_refused_and_changes_nothing),
    cmocka_unit_test(ends_put_ipv6_in_brackets),
    cmocka_unit_test(random_addresses_survive_and_look_as_the_c_library_has_them),
    cmocka_unit_test(random_texts_are_judged_as_the_c_library_judges_them))
