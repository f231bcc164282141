/* idle_cost: what one more connection, or one more TIME-WAIT, costs: the block of memory that
 * la_size asks for, recorder and tables included, and nothing of any pool while it is idle. */
#include "support/two.h"

enum { MANY = 100000 };

static size_t size_for(uint32_t connections, uint32_t time_waits)
{
  la_config c;
  size_t size;

  la_config_default(&c);
  c.tcp_connections = connections;
  c.tcp_time_waits = time_waits;
  c.trace_entries = 16;
  size = la_size(&c);
  assert_true(size > 0);
  return size;
}

TEST(one_idle_connection_more_costs_at_most_a_kibibyte)
{
  static const uint32_t many[] = { 1 << 16, MANY, 1 << 20 };      /* tables grow by doubling */

  for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
    const size_t octets = size_for(2 * many[i], 1) - size_for(many[i], 1);

    assert_in_range(octets / many[i], 512, 1024);
    assert_true(octets <= (size_t)1024 * many[i]);
  }
}

TEST(one_time_wait_more_costs_at_most_128_octets)
{
  const size_t octets = size_for(MANY, 2 * MANY) - size_for(MANY, MANY);

  assert_in_range(octets / MANY, 64, 128);
  assert_true(octets <= (size_t)128 * MANY);
}

/* What has talked and is quiet holds nothing but its control block. */
TEST(an_idle_connection_has_nothing_of_any_other_pool)
{
  static const char *const pools[] = { "chunks", "ranges", "flights", "models" };
  struct two t = two_new();
  la_sock sock[2];
  uint32_t slabs[2];
  char text[8];

  two_pair(&t, two_listen(&t, 1, 80, 1), 80, sock);
  for (int end = 0; end < 2; end++)
    slabs[end] = two_used(&t, end, "slabs"); /* the link's own */
  assert_int_equal(la_tcp_send(t.end[0], sock[0], "hello", 5), 5);
  two_settle(&t);
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], text, sizeof text), 5);
  two_until(&t, t.now + LA_SEC); /* its ACK may have been delayed */
  for (int end = 0; end < 2; end++) {
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
      assert_int_equal(two_used(&t, end, pools[i]), 0);
    assert_int_equal(two_used(&t, end, "slabs"), slabs[end]);
    assert_true(two_used(&t, end, "tcp_connections") > 0);
  }
  two_end(&t);
}

RUN(cmocka_unit_test(one_idle_connection_more_costs_at_most_a_kibibyte),
    cmocka_unit_test(one_time_wait_more_costs_at_most_128_octets),
    cmocka_unit_test(an_idle_connection_has_nothing_of_any_other_pool))
