/* fastopen: what is known of servers (RFC 7413 4.1.3) outlives a stack. */
#include "support/two.h"

enum { PORT = 80 };

static void listens(struct two *t)
{
  const la_sock listener = two_listen(t, 1, PORT, 4);

  assert_int_equal(la_tcp_set(t->end[1], listener, LA_OPT_FASTOPEN, 4), 0);
}

static la_sock opens_fast(struct two *t, const char *text)
{
  la_sock sock;

  assert_int_equal(la_tcp_open(t->end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_set(t->end[0], sock, LA_OPT_FASTOPEN_CONNECT, 1), 0);
  assert_int_equal(la_tcp_connect(t->end[0], sock, two_at(1, PORT)), 0);
  assert_int_equal(la_tcp_send(t->end[0], sock, text, (uint32_t)strlen(text)), strlen(text));
  two_settle(t);
  return sock;
}

static bool opened_fast(const struct two *t, la_sock sock)
{
  la_sock_info info;

  assert_int_equal(la_sock_get(t->end[0], sock, &info), 0);
  return info.flags & LA_SOCK_SYN_TEXT;
}

TEST(a_cookie_that_is_told_again_opens_fast)
{
  struct two t = two_new();
  la_fastopen known;

  listens(&t);
  assert_false(opened_fast(&t, opens_fast(&t, "first")));
  assert_int_equal(la_fastopen_get(t.end[0], 0, &known), 0);
  assert_in_range(known.cookie_length, 4, 16);
  assert_int_equal(la_fastopen_get(t.end[0], 1, &known), -LA_EINVAL);
  la_fastopen_forget(t.end[0]);
  assert_int_equal(la_fastopen_get(t.end[0], 0, &known), -LA_EINVAL);
  assert_int_equal(la_fastopen_set(t.end[0], &known), 0);
  assert_true(opened_fast(&t, opens_fast(&t, "again")));
  two_end(&t);
}

TEST(a_forgotten_cookie_is_asked_for_anew)
{
  struct two t = two_new();
  la_fastopen known;

  listens(&t);
  (void)opens_fast(&t, "first");
  la_fastopen_forget(t.end[0]);
  assert_false(opened_fast(&t, opens_fast(&t, "again")));
  assert_int_equal(la_fastopen_get(t.end[0], 0, &known), 0);
  two_end(&t);
}

TEST(a_refusal_that_is_told_again_is_kept_to)
{
  struct two t = two_new();
  la_fastopen known;

  listens(&t);
  (void)opens_fast(&t, "first");
  assert_int_equal(la_fastopen_get(t.end[0], 0, &known), 0);
  known.refused_until = t.now + LA_SEC;
  assert_int_equal(la_fastopen_set(t.end[0], &known), 0);
  assert_false(opened_fast(&t, opens_fast(&t, "too early")));
  two_until(&t, t.now + 2 * LA_SEC);
  assert_true(opened_fast(&t, opens_fast(&t, "again")));
  two_end(&t);
}

TEST(what_can_be_no_cookie_is_refused)
{
  struct two t = two_new();
  la_fastopen known = { .peer = two_addr(1), .cookie_length = 8 };
  static const uint8_t lengths[] = { 1, 2, 3, 5, 15, 17, 255 };

  assert_int_equal(la_fastopen_set(t.end[0], &known), 0);
  for (size_t i = 0; i < sizeof lengths; i++) {
    known.cookie_length = lengths[i];
    assert_int_equal(la_fastopen_set(t.end[0], &known), -LA_EINVAL);
  }
  known = (la_fastopen){ .peer = la_ip4(0, 0, 0, 0), .cookie_length = 8 };
  assert_int_equal(la_fastopen_set(t.end[0], &known), -LA_EINVAL);
  known.peer = (la_addr){ 0 };
  assert_int_equal(la_fastopen_set(t.end[0], &known), -LA_EINVAL);
  known.peer.len = 5;
  assert_int_equal(la_fastopen_set(t.end[0], &known), -LA_EINVAL);
  two_end(&t);
}

TEST(a_stack_without_a_place_for_cookies_says_so)
{
  la_fastopen known = { .peer = two_addr(1), .cookie_length = 8 };
  la_config c;
  struct two t;

  two_config(&c);
  c.fastopen_cookies = 0;
  t = two_of(&c, LA_MEDIUM_IP);
  assert_int_equal(la_fastopen_set(t.end[0], &known), -LA_ENOROOM);
  two_end(&t);
}

RUN(cmocka_unit_test(a_cookie_that_is_told_again_opens_fast),
    cmocka_unit_test(a_forgotten_cookie_is_asked_for_anew),
    cmocka_unit_test(a_refusal_that_is_told_again_is_kept_to),
    cmocka_unit_test(what_can_be_no_cookie_is_refused),
    cmocka_unit_test(a_stack_without_a_place_for_cookies_says_so))
