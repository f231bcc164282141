/* families: a listener of any address takes both families, or the one that was asked for. */
#include "support/two.h"

static la_addr six(int end)
{
  la_addr a = { .len = 16, .octets = { 0xfd, [15] = (uint8_t)(end + 1) } };

  return a;
}

static struct two both(void)
{
  struct two t = two_new();

  for (int end = 0; end < 2; end++)
    assert_int_equal(la_addr_add(t.end[end], 0, six(end), 64), 0);
  return t;
}

static la_sock listener(struct two *t, la_addr addr, bool six_only, int result)
{
  la_sock sock;

  assert_int_equal(la_tcp_open(t->end[1], NULL, &sock), 0);
  assert_int_equal(la_tcp_set(t->end[1], sock, LA_OPT_V6ONLY, six_only), 0);
  assert_int_equal(la_tcp_bind(t->end[1], sock, (la_endpoint){ addr, 80 }), result);
  if (result == 0)
    assert_int_equal(la_tcp_listen(t->end[1], sock, 4), 0);
  return sock;
}

static bool connects(struct two *t, la_addr to)
{
  la_sock sock;

  assert_int_equal(la_tcp_open(t->end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(t->end[0], sock, (la_endpoint){ to, 80 }), 0);
  two_settle(t);
  return strcmp(two_state(t, 0, sock), "ESTABLISHED") == 0;
}

static const la_addr any4 = { .len = 4 }, any = { 0 };

TEST(any_address_is_of_both_families)
{
  struct two t = both();

  (void)listener(&t, any, false, 0);
  assert_true(connects(&t, six(1)));
  assert_true(connects(&t, two_addr(1)));
  (void)listener(&t, any4, false, -LA_EINUSE);
  (void)listener(&t, any, true, -LA_EINUSE);
  two_end(&t);
}

TEST(two_listeners_share_a_port_if_each_has_a_family)
{
  struct two t = both();
  const la_sock l6 = listener(&t, any, true, 0), l4 = listener(&t, any4, false, 0);
  la_sock sock;

  assert_true(connects(&t, six(1)));
  assert_int_equal(la_tcp_accept(t.end[1], l6, NULL, &sock), 0);
  assert_true(connects(&t, two_addr(1)));
  assert_int_equal(la_tcp_accept(t.end[1], l4, NULL, &sock), 0);
  (void)listener(&t, any, false, -LA_EINUSE);
  two_end(&t);
}

TEST(a_listener_of_one_family_refuses_the_other)
{
  struct two t = both();
  la_sock sock;

  (void)listener(&t, any, true, 0);
  assert_false(connects(&t, two_addr(1)));
  assert_true(connects(&t, six(1)));
  assert_int_equal(la_tcp_open(t.end[1], NULL, &sock), 0);
  assert_int_equal(la_tcp_set(t.end[1], sock, LA_OPT_V6ONLY, 1), 0);
  assert_int_equal(la_tcp_connect(t.end[1], sock, (la_endpoint){ two_addr(0), 9 }), -LA_EINVAL);
  two_end(&t);
}

RUN(cmocka_unit_test(any_address_is_of_both_families),
    cmocka_unit_test(two_listeners_share_a_port_if_each_has_a_family),
    cmocka_unit_test(a_listener_of_one_family_refuses_the_other))
