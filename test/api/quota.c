/* quota: a thousand connections whose text nobody reads must not keep the one from going on that is
 * read, whatever order they come in; and in the end nothing of theirs is lost. */
#include "support/two.h"

enum { CONNECTIONS = 1000, EACH = 12000, LEAST = 2 * 1460, MUCH = 300000, SLABS = 6000 };

static uint8_t text[MUCH], got[MUCH];
static la_sock client[CONNECTIONS], server[CONNECTIONS];
static uint32_t sent[CONNECTIONS], in[CONNECTIONS];

static struct two thousand(void)
{
  la_config c;

  two_config(&c);
  c.tcp_connections = CONNECTIONS + 8;
  c.tcp_half_open = CONNECTIONS;
  c.slabs = 2 * SLABS;
  struct two t = { .now = LA_SEC };

  (void)two_stack(&t, 0, &c);
  c.slabs = SLABS;
  (void)two_stack(&t, 1, &c);
  two_join(&t, &(la_iface){ .medium = LA_MEDIUM_IP, .mtu = TWO_MTU, .flags = LA_IFACE_UP,
                            .name = "mem" });
  return t;
}

static void connect_all(struct two *t)
{
  const la_sock listener = two_listen(t, 1, 80, CONNECTIONS);

  for (int i = 0; i < CONNECTIONS; i++) {
    client[i] = two_connect(t, 0, 80);
    two_settle(t);
    assert_int_equal(la_tcp_accept(t->end[1], listener, NULL, &server[i]), 0);
  }
}

static void send_rest(struct two *t, int i, uint32_t all)
{
  const int n = la_tcp_send(t->end[0], client[i], text + sent[i], all - sent[i]);

  sent[i] += n > 0 ? (uint32_t)n : 0;
}

static void read_some(struct two *t, int i)
{
  const int n = la_tcp_recv(t->end[1], server[i], got, sizeof got);

  if (n <= 0)
    return;
  assert_memory_equal(got, text + in[i], (size_t)n);
  in[i] += (uint32_t)n;
}

static uint32_t unread(const struct two *t, int i)
{
  la_sock_info info;

  assert_int_equal(la_sock_get(t->end[1], server[i], &info), 0);
  return info.receive_queue;
}

static void is_told_of_pressure(struct two *t, int16_t error)
{
  la_event e;

  assert_true(two_event(t, 1, LA_EV_PRESSURE, &e));
  assert_int_equal(e.sock.bits, 0);
  assert_int_equal(e.error, error);
}

/* Twelve million octets for a pool of as much: those who are not read fill what they may. */
static void fill(struct two *t)
{
  for (int turn = 0; turn < 100; turn++) {
    for (int i = 0; i < CONNECTIONS; i++)
      send_rest(t, i, EACH);
    two_until(t, t->now + 100 * LA_MS);
  }
  is_told_of_pressure(t, LA_ENOBUF);
  assert_true(two_count(t, 1, "text_refused") > 0);
  assert_int_equal(two_used(t, 1, "unread"), CONNECTIONS);
  assert_in_range(two_used(t, 1, "slabs"), SLABS / 2, SLABS - SLABS / 16);
  for (int i = 0; i < CONNECTIONS; i++)
    assert_in_range(unread(t, i), LEAST, EACH);
}

TEST(one_that_is_read_goes_on_beside_a_thousand_that_are_not)
{
  struct two t = thousand();
  const int reader = CONNECTIONS - 1;

  for (uint32_t i = 0; i < MUCH; i++)
    text[i] = (uint8_t)(i ^ i >> 9);
  connect_all(&t);
  fill(&t);
  for (int turn = 0; turn < 3000 && in[reader] < MUCH; turn++) {
    send_rest(&t, reader, MUCH);
    two_until(&t, t.now + 20 * LA_MS);
    read_some(&t, reader);
  }
  assert_int_equal(in[reader], MUCH);
  for (int turn = 0; turn < 2000; turn++) {   /* and then the others, who have lost nothing */
    for (int i = 0; i < reader; i++) {
      send_rest(&t, i, EACH);
      read_some(&t, i);
    }
    two_until(&t, t.now + LA_SEC);
    if (two_used(&t, 0, "chunks") == 0 && two_used(&t, 1, "unread") == 0)
      break;
  }
  for (int i = 0; i < reader; i++)
    assert_int_equal(in[i], EACH);
  is_told_of_pressure(&t, LA_OK);
  two_end(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_that_is_read_goes_on_beside_a_thousand_that_are_not),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
