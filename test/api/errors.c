/* errors: what each call refuses, with which error, and that it has changed nothing. */
#include "support/two.h"

static const la_sock none = { 0 };
static const la_addr any = { 0, { 0 } };

TEST(a_configuration_that_makes_no_sense_has_no_size)
{
  la_config good, c;
  void *memory;

  la_config_default(&good);
  assert_true(la_size(&good) > 0);
#define REFUSED(field, value)                                                                     \
  do {                                                                                            \
    c = good;                                                                                     \
    c.field = value;                                                                              \
    assert_int_equal(la_size(&c), 0);                                                             \
  } while (0)
  REFUSED(tcp_connections, 0);
  REFUSED(tcp_connections, UINT32_MAX);
  REFUSED(tcp_time_waits, UINT32_MAX);
  REFUSED(interfaces, 0);
  REFUSED(interfaces, 256);
  REFUSED(addresses, 0);
  REFUSED(slabs, 0);
  REFUSED(slab_size, 575);
  REFUSED(replies, 0);
  REFUSED(send_buffer, 0);
  REFUSED(receive_buffer, UINT32_MAX);
  REFUSED(trace_entries, 3);
  REFUSED(instance, 1);
  REFUSED(port_first, 0);
  REFUSED(port_last, 1024);
  REFUSED(rto_min_ms, 70000);
  REFUSED(rto_initial_ms, 0);
  REFUSED(rto_max_ms, 1800001);
  REFUSED(delayed_ack_ms, 500);
  REFUSED(keepalive_probes, 0);
  REFUSED(initial_window, 0);
#undef REFUSED
  two_config(&good);
  memory = test_memory(la_size(&good) + 64);
  assert_null(la_init(NULL, la_size(&good), &good, 0));
  assert_null(la_init(memory, la_size(&good) - 1, &good, 0));
  assert_null(la_init((uint8_t *)memory + 8, la_size(&good), &good, 0));
  c = good;
  c.slabs = 0;
  assert_null(la_init(memory, la_size(&good), &c, 0));
  assert_non_null(la_init(memory, la_size(&good), &good, 0));
  free(memory);
}

TEST(a_stale_handle_is_answered_by_every_call)
{
  struct two t = two_new();
  la_stack *const s = t.end[0];
  const la_sock forged[] = {
    none, { UINT64_MAX }, { 1 }, { UINT64_C(1) << 60 }, { UINT64_C(3) << 60 | 5 },
  };
  la_sock_info info;
  la_endpoint from;
  la_frag frag;
  la_trace trace;
  int64_t value;
  la_sock sock;
  char c = 0;

  for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
    const la_sock f = forged[i];

    assert_int_equal(la_tcp_bind(s, f, two_at(0, 80)), -LA_ESTALE);
    assert_int_equal(la_tcp_listen(s, f, 1), -LA_ESTALE);
    assert_int_equal(la_tcp_accept(s, f, NULL, &sock), -LA_ESTALE);
    assert_int_equal(la_tcp_connect(s, f, two_at(1, 80)), -LA_ESTALE);
    assert_int_equal(la_tcp_send(s, f, &c, 1), -LA_ESTALE);
    assert_int_equal(la_tcp_send_urgent(s, f, &c, 1), -LA_ESTALE);
    assert_int_equal(la_tcp_send_frags(s, f, &frag, 0), -LA_ESTALE);
    assert_int_equal(la_tcp_recv(s, f, &c, 1), -LA_ESTALE);
    assert_int_equal(la_tcp_peek(s, f, &frag, 1), -LA_ESTALE);
    assert_int_equal(la_tcp_consume(s, f, 1), -LA_ESTALE);
    assert_int_equal(la_tcp_close(s, f), -LA_ESTALE);
    assert_int_equal(la_tcp_abort(s, f), -LA_ESTALE);
    assert_int_equal(la_tcp_forget(s, f), -LA_ESTALE);
    assert_int_equal(la_tcp_set(s, f, LA_OPT_NODELAY, 1), -LA_ESTALE);
    assert_int_equal(la_tcp_get(s, f, LA_OPT_NODELAY, &value), -LA_ESTALE);
    assert_int_equal(la_udp_send(s, f, two_at(1, 80), &c, 1), -LA_ESTALE);
    assert_int_equal(la_udp_recv(s, f, &from, &c, 1), -LA_ESTALE);
    assert_int_equal(la_udp_close(s, f), -LA_ESTALE);
    assert_int_equal(la_sock_get(s, f, &info), -LA_ESTALE);
    assert_int_equal(la_sock_trace(s, f, &trace, 1), 0);
  }
  two_end(&t);
}

TEST(a_handle_of_one_kind_is_stale_for_the_other)
{
  struct two t = two_new();
  la_sock tcp, udp;

  assert_int_equal(la_tcp_open(t.end[0], NULL, &tcp), 0);
  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ any, 9 }, NULL, &udp), 0);
  assert_int_equal(la_udp_close(t.end[0], tcp), -LA_ESTALE);
  assert_int_equal(la_tcp_close(t.end[0], udp), -LA_ESTALE);
  two_end(&t);
}

TEST(calls_that_the_state_does_not_allow)
{
  struct two t = two_new();
  la_stack *const s = t.end[0];
  la_sock fresh, listener, sock;
  char c = 0;

  assert_int_equal(la_tcp_open(s, NULL, &fresh), 0);
  assert_int_equal(la_tcp_send(s, fresh, &c, 1), -LA_ESTATE);
  assert_int_equal(la_tcp_recv(s, fresh, &c, 1), -LA_ESTATE);
  assert_int_equal(la_tcp_close(s, fresh), -LA_ESTATE);
  assert_int_equal(la_tcp_accept(s, fresh, NULL, &sock), -LA_ESTATE);
  listener = two_listen(&t, 0, 80, 1);
  assert_int_equal(la_tcp_connect(s, listener, two_at(1, 80)), -LA_ESTATE);
  assert_int_equal(la_tcp_bind(s, listener, two_at(0, 81)), -LA_ESTATE);
  assert_int_equal(la_tcp_send(s, listener, &c, 1), -LA_ESTATE);
  assert_int_equal(la_tcp_accept(s, listener, NULL, &sock), -LA_EAGAIN);
  assert_int_equal(la_tcp_close(s, listener), 0);
  assert_int_equal(la_tcp_listen(s, listener, 1), -LA_ESTATE);
  assert_int_equal(la_tcp_connect(s, listener, two_at(1, 80)), -LA_ESTATE);
  two_end(&t);
}

TEST(a_second_close_and_what_cannot_be_sent_after_the_first)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 1);
  la_sock sock[2];
  char c = 0;

  two_pair(&t, listener, 80, sock);
  assert_int_equal(la_tcp_close(t.end[0], sock[0]), 0);
  assert_int_equal(la_tcp_close(t.end[0], sock[0]), -LA_ECLOSING);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], &c, 1), -LA_ECLOSING);
  assert_int_equal(la_tcp_recv(t.end[0], sock[0], &c, 1), -LA_EAGAIN);
  two_settle(&t);
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], &c, 1), -LA_EEOF);
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], &c, 0), -LA_EEOF);
  two_end(&t);
}

TEST(what_ended_a_connection_is_told_by_every_call)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 1);
  la_sock sock[2];
  char c = 0;

  two_pair(&t, listener, 80, sock);
  assert_int_equal(la_tcp_abort(t.end[1], sock[1]), 0);
  two_settle(&t);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], &c, 1), -LA_ERESET);
  assert_int_equal(la_tcp_recv(t.end[0], sock[0], &c, 1), -LA_ERESET);
  assert_int_equal(la_tcp_recv(t.end[0], sock[0], &c, 1), -LA_ERESET);
  assert_int_equal(la_tcp_close(t.end[0], sock[0]), -LA_ERESET);
  assert_int_equal(la_tcp_forget(t.end[0], sock[0]), 0);
  two_end(&t);
}

TEST(nobody_answers_and_it_is_given_up)
{
  la_config c;
  la_event e;

  two_config(&c);
  c.syn_retries = 2;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const la_iface down = { .medium = LA_MEDIUM_IP, .mtu = TWO_MTU, .name = "down" };

  assert_int_equal(la_iface_set(t.end[1], 0, &down), 0);
  const la_sock sock = two_connect(&t, 0, 80);

  two_until(&t, t.now + 60 * LA_SEC);
  assert_true(two_event(&t, 0, LA_EV_CLOSED, &e));
  assert_int_equal(e.error, LA_ETIMEDOUT);
  assert_int_equal(la_tcp_recv(t.end[0], sock, &c, 1), -LA_ETIMEDOUT);
  two_end(&t);
}

TEST(peers_that_cannot_be_connected_to)
{
  struct two t = two_new();
  la_stack *const s = t.end[0];
  la_sock sock;

  assert_int_equal(la_tcp_open(s, NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(s, sock, (la_endpoint){ la_ip4(8, 8, 8, 8), 80 }), -LA_EUNREACH);
  assert_int_equal(la_tcp_connect(s, sock, (la_endpoint){ any, 80 }), -LA_EINVAL);
  assert_int_equal(la_tcp_connect(s, sock, two_at(1, 0)), -LA_EINVAL);
  assert_int_equal(la_tcp_connect(s, sock, (la_endpoint){ la_ip4(224, 0, 0, 1), 80 }), -LA_EINVAL);
  assert_int_equal(la_tcp_connect(s, sock, (la_endpoint){ la_ip4(10, 0, 0, 255), 8 }), -LA_EINVAL);
  assert_int_equal(la_tcp_connect(s, sock, (la_endpoint){ { 3, { 0 } }, 80 }), -LA_EINVAL);
  assert_int_equal(la_tcp_connect(s, sock, two_at(0, 80)), -LA_EUNREACH);   /* no loopback */
  assert_string_equal(two_state(&t, 0, sock), "CLOSED");
  assert_int_equal(la_tcp_connect(s, sock, two_at(1, 80)), 0);
  assert_int_equal(la_tcp_connect(s, sock, two_at(1, 80)), -LA_ESTATE);
  two_end(&t);
}

TEST(fragments_that_are_none)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 1);
  la_frag frags[LA_SEND_FRAGS + 1];
  la_slab *slab;
  la_sock sock[2];

  two_pair(&t, listener, 80, sock);
  const uint32_t before = two_used(&t, 0, "slabs");

  assert_int_equal(la_slab_get(t.end[0], &slab), 0);
  for (int i = 0; i <= LA_SEND_FRAGS; i++)
    frags[i] = (la_frag){ slab, 0, 1 };
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, LA_SEND_FRAGS + 1), -LA_EINVAL);
  frags[0].offset = la_slab_size(slab);
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, 1), -LA_EINVAL);
  frags[0] = (la_frag){ slab, 1, la_slab_size(slab) };
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, 1), -LA_EINVAL);
  frags[0] = (la_frag){ NULL, 0, 1 };
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, 1), -LA_EINVAL);
  assert_int_equal(la_tcp_consume(t.end[0], sock[0], 1), -LA_EINVAL);
  la_slab_release(t.end[0], slab);
  assert_int_equal(two_used(&t, 0, "slabs"), before);
  two_end(&t);
}

TEST(options_that_are_none)
{
  struct two t = two_new();
  la_sock sock;
  int64_t value = 77;

  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPTION_COUNT, 1), -LA_EINVAL);
  assert_int_equal(la_tcp_get(t.end[0], sock, LA_OPTION_COUNT, &value), -LA_EINVAL);
  assert_int_equal(value, 77);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_NODELAY, 2), -LA_EINVAL);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_CONGESTION, LA_CC_COUNT), -LA_EINVAL);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_LINGER_MS, -2), -LA_EINVAL);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_TTL, 0), -LA_EINVAL);
  for (int i = 0; i < LA_OPTION_COUNT; i++)
    assert_int_equal(la_tcp_get(t.end[0], sock, (enum la_option)i, &value), 0);
  two_end(&t);
}

TEST(datagrams_that_cannot_be_sent)
{
  struct two t = two_new();
  la_stack *const s = t.end[0];
  static const uint8_t text[65508];
  la_sock sock, other;

  assert_int_equal(la_udp_open(s, (la_endpoint){ two_addr(1), 9 }, NULL, &sock), -LA_ENOADDR);
  assert_int_equal(la_udp_open(s, (la_endpoint){ { 7, { 0 } }, 9 }, NULL, &sock), -LA_EINVAL);
  assert_int_equal(la_udp_open(s, two_at(0, 9), NULL, &sock), 0);
  assert_int_equal(la_udp_open(s, two_at(0, 9), NULL, &other), -LA_EINUSE);
  assert_int_equal(la_udp_open(s, (la_endpoint){ any, 9 }, NULL, &other), -LA_EINUSE);
  assert_int_equal(la_udp_send(s, sock, two_at(1, 9), text, 65508), -LA_EMSGSIZE);
  assert_int_equal(la_udp_send(s, sock, two_at(1, 9), text, 65507), 0);
  assert_int_equal(la_udp_send(s, sock, two_at(1, 0), text, 1), -LA_EINVAL);
  assert_int_equal(la_udp_send(s, sock, (la_endpoint){ any, 9 }, text, 1), -LA_EINVAL);
  assert_int_equal(la_udp_send(s, sock, (la_endpoint){ la_ip4(224, 0, 0, 1), 9 }, text, 1),
                   -LA_EINVAL);
  assert_int_equal(la_udp_send(s, sock, (la_endpoint){ la_ip4(10, 0, 0, 255), 9 }, text, 1),
                   -LA_EINVAL);
  assert_int_equal(la_udp_send(s, sock, (la_endpoint){ la_ip4(8, 8, 8, 8), 9 }, text, 1),
                   -LA_EUNREACH);
  two_end(&t);
}

TEST(interfaces_addresses_routes_and_neighbours_that_are_none)
{
  struct two t = two_new();
  la_stack *const s = t.end[0];
  la_iface iface = { .medium = LA_MEDIUM_IP, .mtu = 67, .name = "x" };
  la_neighbor neighbor;
  la_addr addr, via;
  uint8_t prefix, mac[6] = { 0 };
  int number;

  assert_int_equal(la_iface_add(s, &iface), -LA_EINVAL);
  iface.mtu = 65536;
  assert_int_equal(la_iface_add(s, &iface), -LA_EINVAL);
  iface.mtu = 1500;
  iface.flags = 32;
  assert_int_equal(la_iface_set(s, 0, &iface), -LA_EINVAL);
  iface.flags = 0;
  memset(iface.name, 'x', sizeof iface.name);
  assert_int_equal(la_iface_add(s, &iface), -LA_EINVAL);
  assert_int_equal(la_iface_get(s, 1, &iface), -LA_EINVAL);
  assert_int_equal(la_iface_get(s, -1, &iface), -LA_EINVAL);
  assert_int_equal(la_iface_set(s, -1, &iface), -LA_EINVAL);
  assert_int_equal(la_addr_add(s, 1, two_addr(0), 24), -LA_EINVAL);
  assert_int_equal(la_addr_add(s, -1, two_addr(0), 24), -LA_EINVAL);
  assert_int_equal(la_addr_add(s, 0, two_addr(0), 24), -LA_EINUSE);
  assert_int_equal(la_addr_add(s, 0, two_addr(0), 33), -LA_EINVAL);
  assert_int_equal(la_addr_remove(s, 0, two_addr(1)), -LA_ENOADDR);
  assert_int_equal(la_addr_get(s, 1, &number, &addr, &prefix), -LA_EINVAL);
  assert_int_equal(la_route_add(s, any, 0, any, 0), -LA_EINVAL);
  assert_int_equal(la_route_add(s, la_ip4(0, 0, 0, 0), 0, two_addr(1), 4), -LA_EINVAL);
  assert_int_equal(la_route_add(s, la_ip4(0, 0, 0, 0), 0, two_addr(1), 0), 0);
  assert_int_equal(la_route_add(s, la_ip4(0, 0, 0, 0), 0, two_addr(1), 0), -LA_EINUSE);
  assert_int_equal(la_route_get(s, 0, &addr, &prefix, &via, &number), 0);
  assert_int_equal(prefix, 0);
  assert_memory_equal(via.octets, two_addr(1).octets, 4);
  assert_int_equal(la_route_get(s, 1, &addr, &prefix, &via, &number), -LA_EINVAL);
  assert_int_equal(la_route_remove(s, la_ip4(1, 0, 0, 0), 8), -LA_EUNREACH);
  assert_int_equal(la_neighbor_add(s, 0, any, mac), -LA_EINVAL);
  assert_int_equal(la_neighbor_add(s, 9, two_addr(1), mac), -LA_EINVAL);
  assert_int_equal(la_neighbor_get(s, 0, &neighbor), -LA_EINVAL);
  two_end(&t);
}

TEST(every_error_has_a_name_and_a_sentence)
{
  for (int e = 0; e < LA_ERROR_COUNT; e++) {
    assert_string_equal(la_strerror(e), la_strerror(-e));
    assert_string_equal(la_error_name(e), la_error_name(-e));
    assert_true(strlen(la_strerror(e)) > 5);
  }
  assert_string_equal(la_error_name(-LA_ERESET), "RESET");
  assert_string_equal(la_strerror(LA_ERESET), "the peer reset the connection");
  assert_string_equal(la_error_name(LA_ERROR_COUNT), "UNKNOWN");
  assert_string_equal(la_error_name(INT32_MIN), "UNKNOWN");
  assert_non_null(la_strerror(12345));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_configuration_that_makes_no_sense_has_no_size),
    cmocka_unit_test(a_stale_handle_is_answered_by_every_call),
    cmocka_unit_test(a_handle_of_one_kind_is_stale_for_the_other),
    cmocka_unit_test(calls_that_the_state_does_not_allow),
    cmocka_unit_test(a_second_close_and_what_cannot_be_sent_after_the_first),
    cmocka_unit_test(what_ended_a_connection_is_told_by_every_call),
    cmocka_unit_test(nobody_answers_and_it_is_given_up),
    cmocka_unit_test(peers_that_cannot_be_connected_to),
    cmocka_unit_test(fragments_that_are_none), cmocka_unit_test(options_that_are_none),
    cmocka_unit_test(datagrams_that_cannot_be_sent),
    cmocka_unit_test(interfaces_addresses_routes_and_neighbours_that_are_none),
    cmocka_unit_test(every_error_has_a_name_and_a_sentence),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
