/* names: who may have which local name (scenario 18), and which port a connection gets
 * (RFC 6056, scenario 17). */
#include "support/two.h"

static la_sock opened(struct two *t, bool reuse)
{
  la_sock sock;

  assert_int_equal(la_tcp_open(t->end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_set(t->end[0], sock, LA_OPT_REUSEADDR, reuse), 0);
  return sock;
}

static int bind_to(struct two *t, la_sock sock, la_addr addr, uint16_t port)
{
  return la_tcp_bind(t->end[0], sock, (la_endpoint){ addr, port });
}

static const la_addr any = { 0, { 0 } };

TEST(a_name_is_ours_or_refused)
{
  struct two t = two_new();
  const la_sock sock = opened(&t, false);

  assert_int_equal(bind_to(&t, sock, two_addr(1), 80), -LA_ENOADDR);
  assert_int_equal(bind_to(&t, sock, (la_addr){ 5, { 0 } }, 80), -LA_EINVAL);
  assert_int_equal(bind_to(&t, sock, two_addr(0), 80), 0);
  assert_int_equal(bind_to(&t, sock, two_addr(0), 81), -LA_ESTATE);
  assert_int_equal(la_tcp_forget(t.end[0], sock), 0);
  assert_int_equal(bind_to(&t, sock, two_addr(0), 80), -LA_ESTALE);
  two_end(&t);
}

TEST(two_without_a_peer_share_a_name_only_if_both_say_so)
{
  struct two t = two_new();
  const la_sock plain = opened(&t, false), a = opened(&t, true), b = opened(&t, true);

  assert_int_equal(bind_to(&t, plain, two_addr(0), 80), 0);
  assert_int_equal(bind_to(&t, a, two_addr(0), 80), -LA_EINUSE);
  assert_int_equal(bind_to(&t, a, any, 80), -LA_EINUSE);
  assert_int_equal(bind_to(&t, a, two_addr(0), 81), 0);
  assert_int_equal(bind_to(&t, b, any, 81), 0);
  /* ... but only one of them may listen, for a SYN could be meant for either. */
  assert_int_equal(la_tcp_listen(t.end[0], b, 1), 0);
  assert_int_equal(la_tcp_listen(t.end[0], a, 1), -LA_EINUSE);
  assert_int_equal(la_tcp_close(t.end[0], b), 0);
  assert_int_equal(la_tcp_listen(t.end[0], a, 1), 0);
  two_end(&t);
}

TEST(a_listener_is_never_ambiguous)
{
  struct two t = two_new();
  const la_sock listener = opened(&t, true), other = opened(&t, true);

  assert_int_equal(la_addr_add(t.end[0], 0, la_ip4(10, 0, 0, 77), 24), 0);
  assert_int_equal(bind_to(&t, listener, la_ip4(10, 0, 0, 77), 80), 0);
  assert_int_equal(la_tcp_listen(t.end[0], listener, 1), 0);
  assert_int_equal(bind_to(&t, other, any, 80), -LA_EINUSE);
  assert_int_equal(bind_to(&t, other, la_ip4(10, 0, 0, 77), 80), -LA_EINUSE);
  assert_int_equal(bind_to(&t, other, two_addr(0), 80), 0);
  assert_int_equal(la_tcp_listen(t.end[0], other, 1), 0);
  assert_int_equal(la_tcp_listen(t.end[0], other, 5), 0);     /* a new backlog */
  two_end(&t);
}

/* End 0 listens, accepts one, and stops listening. */
static la_sock live_child(struct two *t, la_sock *peer)
{
  const la_sock listener = opened(t, false);
  la_sock child;

  assert_int_equal(bind_to(t, listener, any, 80), 0);
  assert_int_equal(la_tcp_listen(t->end[0], listener, 4), 0);
  *peer = two_connect(t, 1, 80);
  two_settle(t);
  assert_int_equal(la_tcp_accept(t->end[0], listener, NULL, &child), 0);
  assert_int_equal(la_tcp_forget(t->end[0], listener), 0);
  return child;
}

TEST(a_live_child_holds_the_port_but_not_against_reuse)
{
  struct two t = two_new();
  la_sock peer;
  const la_sock child = live_child(&t, &peer);
  const la_sock plain = opened(&t, false), reuse = opened(&t, true);

  assert_int_equal(bind_to(&t, plain, any, 80), -LA_EINUSE);
  assert_int_equal(bind_to(&t, reuse, any, 80), 0);
  assert_int_equal(la_tcp_listen(t.end[0], reuse, 1), 0);
  assert_string_equal(two_state(&t, 0, child), "ESTABLISHED");
  two_end(&t);
}

TEST(so_does_a_time_wait)
{
  struct two t = two_new();
  la_sock peer;
  const la_sock child = live_child(&t, &peer);
  const la_sock plain = opened(&t, false), reuse = opened(&t, true);

  assert_int_equal(la_tcp_forget(t.end[0], child), 0);
  two_settle(&t);
  assert_int_equal(la_tcp_forget(t.end[1], peer), 0);
  two_settle(&t);
  assert_int_equal(two_used(&t, 0, "tcp_time_waits"), 1);
  assert_int_equal(bind_to(&t, plain, two_addr(0), 80), -LA_EINUSE);
  assert_int_equal(bind_to(&t, reuse, two_addr(0), 80), 0);
  assert_int_equal(la_tcp_forget(t.end[0], reuse), 0);
  two_until(&t, t.now + 61 * LA_SEC);
  assert_int_equal(bind_to(&t, plain, two_addr(0), 80), 0);
  two_end(&t);
}

static uint16_t local_port(const struct two *t, la_sock sock)
{
  la_sock_info info;

  assert_int_equal(la_sock_get(t->end[0], sock, &info), 0);
  return info.local.port;
}

static struct two with_ports(uint16_t first, uint16_t last)
{
  la_config c;

  two_config(&c);
  c.port_first = first;
  c.port_last = last;
  return two_of(&c, LA_MEDIUM_IP);
}

TEST(every_port_is_used_once_and_then_there_is_none)
{
  struct two t = with_ports(50000, 50003);
  bool seen[4] = { false };
  la_sock sock;

  (void)two_listen(&t, 1, 80, 4);
  for (int i = 0; i < 4; i++) {
    const uint16_t port = local_port(&t, two_connect(&t, 0, 80));

    assert_in_range(port, 50000, 50003);
    assert_false(seen[port - 50000]);
    seen[port - 50000] = true;
  }
  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(t.end[0], sock, two_at(1, 80)), -LA_ENOPORT);
  assert_int_equal(la_tcp_connect(t.end[0], sock, two_at(1, 81)), 0);   /* another pair */
  two_end(&t);
}

TEST(a_pair_in_time_wait_is_not_picked)
{
  struct two t = with_ports(50000, 50001);
  const la_sock listener = two_listen(&t, 1, 80, 4);
  la_sock pair[2], sock;
  uint16_t first;

  two_pair(&t, listener, 80, pair);
  first = local_port(&t, pair[0]);
  assert_int_equal(la_tcp_forget(t.end[0], pair[0]), 0);
  two_settle(&t);
  assert_int_equal(la_tcp_forget(t.end[1], pair[1]), 0);
  two_settle(&t);
  sock = two_connect(&t, 0, 80);
  assert_int_not_equal(local_port(&t, sock), first);
  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(t.end[0], sock, two_at(1, 80)), -LA_ENOPORT);
  /* Nor can it be asked for by name. */
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_REUSEADDR, 1), 0);
  assert_int_equal(bind_to(&t, sock, two_addr(0), first), 0);
  assert_int_equal(la_tcp_connect(t.end[0], sock, two_at(1, 80)), -LA_EINUSE);
  two_until(&t, t.now + 61 * LA_SEC);
  assert_int_equal(la_tcp_connect(t.end[0], sock, two_at(1, 80)), 0);
  two_end(&t);
}

TEST(a_port_that_someone_has_by_name_is_not_picked)
{
  struct two t = with_ports(50000, 50001);
  const la_sock named = opened(&t, false);

  assert_int_equal(bind_to(&t, named, any, 50000), 0);
  assert_int_equal(local_port(&t, two_connect(&t, 0, 80)), 50001);
  two_end(&t);
}

TEST(port_zero_is_picked_when_there_is_a_peer_or_a_listener)
{
  struct two t = with_ports(50000, 50000);
  const la_sock a = opened(&t, false), b = opened(&t, false), listener = opened(&t, false);

  assert_int_equal(bind_to(&t, a, two_addr(0), 0), 0);
  assert_int_equal(bind_to(&t, a, two_addr(0), 0), -LA_ESTATE);
  assert_int_equal(bind_to(&t, b, two_addr(0), 0), 0);
  assert_int_equal(local_port(&t, a), 0);
  assert_int_equal(la_tcp_connect(t.end[0], a, two_at(1, 80)), 0);
  assert_int_equal(la_tcp_connect(t.end[0], b, two_at(1, 81)), 0);      /* the same, elsewhere */
  assert_int_equal(local_port(&t, a), 50000);
  assert_int_equal(local_port(&t, b), 50000);
  assert_int_equal(la_tcp_listen(t.end[0], listener, 1), -LA_ENOPORT);
  assert_int_equal(la_tcp_abort(t.end[0], a), 0);
  assert_int_equal(la_tcp_abort(t.end[0], b), 0);
  assert_int_equal(la_tcp_listen(t.end[0], listener, 1), 0);
  assert_int_equal(local_port(&t, listener), 50000);
  two_end(&t);
}

TEST(an_instance_takes_the_ports_that_lead_back_to_it)
{
  la_config c;

  two_config(&c);
  c.instances = 3;
  c.instance = 2;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  for (int i = 0; i < 10; i++) {
    const la_endpoint peer = two_at(1, 80);
    const la_endpoint local = two_at(0, local_port(&t, two_connect(&t, 0, 80)));

    assert_int_equal(la_flow_hash(c.secret, local, peer) % 3, 2);
    assert_int_equal(la_flow_hash(c.secret, peer, local), la_flow_hash(c.secret, local, peer));
  }
  two_end(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_name_is_ours_or_refused),
    cmocka_unit_test(two_without_a_peer_share_a_name_only_if_both_say_so),
    cmocka_unit_test(a_listener_is_never_ambiguous),
    cmocka_unit_test(a_live_child_holds_the_port_but_not_against_reuse),
    cmocka_unit_test(so_does_a_time_wait),
    cmocka_unit_test(every_port_is_used_once_and_then_there_is_none),
    cmocka_unit_test(a_pair_in_time_wait_is_not_picked),
    cmocka_unit_test(a_port_that_someone_has_by_name_is_not_picked),
    cmocka_unit_test(port_zero_is_picked_when_there_is_a_peer_or_a_listener),
    cmocka_unit_test(an_instance_takes_the_ports_that_lead_back_to_it),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
