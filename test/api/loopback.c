/* loopback: a stack that speaks to itself, and the calls that look in. */
#include "support/two.h"

static struct two with_loopback(void)
{
  struct two t = two_new();
  const la_iface lo = {
    .medium = LA_MEDIUM_IP, .mtu = 65535, .flags = LA_IFACE_UP | LA_IFACE_LOOPBACK, .name = "lo",
  };

  assert_int_equal(la_iface_add(t.end[0], &lo), 1);
  assert_int_equal(la_addr_add(t.end[0], 1, la_ip4(127, 0, 0, 1), 8), 0);
  return t;
}

static void talk(struct two *t, la_addr addr, uint16_t port)
{
  la_stack *const s = t->end[0];
  static uint8_t text[30000], got[30000];
  la_sock listener, client, server;
  uint32_t in = 0;

  assert_int_equal(la_tcp_open(s, NULL, &listener), 0);
  assert_int_equal(la_tcp_bind(s, listener, (la_endpoint){ { 0 }, port }), 0);
  assert_int_equal(la_tcp_listen(s, listener, 1), 0);
  assert_int_equal(la_tcp_open(s, NULL, &client), 0);
  assert_int_equal(la_tcp_connect(s, client, (la_endpoint){ addr, port }), 0);
  two_settle(t);
  assert_int_equal(la_tcp_accept(s, listener, NULL, &server), 0);
  for (uint32_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i * 31 + i / 256);
  assert_int_equal(la_tcp_send(s, client, text, sizeof text), sizeof text);
  for (int turns = 0; turns < 100 && in < sizeof got; turns++) {
    two_until(t, t->now + 10 * LA_MS);
    const int n = la_tcp_recv(s, server, got + in, (uint32_t)sizeof got - in);

    in += n > 0 ? (uint32_t)n : 0;
  }
  assert_int_equal(in, sizeof got);
  assert_memory_equal(text, got, sizeof got);
  assert_int_equal(la_tcp_forget(s, client), 0);
  assert_int_equal(la_tcp_forget(s, server), 0);
  assert_int_equal(la_tcp_forget(s, listener), 0);
  two_until(t, t->now + LA_SEC);
  assert_int_equal(two_used(t, 0, "tcp_connections"), 0);
  assert_int_equal(two_used(t, 0, "loopback"), 0);
}

TEST(it_speaks_to_itself_by_any_of_its_addresses)
{
  struct two t = with_loopback();

  talk(&t, la_ip4(127, 0, 0, 1), 80);
  talk(&t, two_addr(0), 81);
  assert_int_equal(mem_counters(t.link, 0)->packets, 0);
  two_end(&t);
}

TEST(a_closed_port_of_its_own_refuses)
{
  struct two t = with_loopback();
  la_event e;
  la_sock sock;

  assert_int_equal(la_tcp_open(t.end[0], &t, &sock), 0);
  assert_int_equal(la_tcp_connect(t.end[0], sock, (la_endpoint){ la_ip4(127, 0, 0, 1), 81 }), 0);
  two_settle(&t);
  assert_true(two_event(&t, 0, LA_EV_CLOSED, &e));
  assert_int_equal(e.error, LA_EREFUSED);
  assert_ptr_equal(e.user, &t);
  two_end(&t);
}

/* Every kind of socket, walked in a fixed order, even as some of them go. */
TEST(a_walk_sees_all_sockets_once)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  la_sock pair[3][2], udp, cursor = { 0 };
  unsigned tcp = 0, waits = 0, datagram = 0;
  la_sock_info info;

  for (int i = 0; i < 3; i++)
    two_pair(&t, listener, 80, pair[i]);
  assert_int_equal(la_tcp_forget(t.end[1], pair[0][1]), 0);
  two_settle(&t);
  assert_int_equal(la_tcp_forget(t.end[0], pair[0][0]), 0);
  two_settle(&t);
  assert_int_equal(la_udp_open(t.end[1], (la_endpoint){ { 0 }, 53 }, NULL, &udp), 0);
  while (la_sock_next(t.end[1], &cursor)) {
    assert_int_equal(la_sock_get(t.end[1], cursor, &info), 0);
    if (info.protocol == LA_UDP)
      datagram++;
    else if (info.flags & LA_SOCK_TIME_WAIT_RECORD)
      waits++;
    else if (++tcp == 2)
      assert_int_equal(la_tcp_abort(t.end[1], cursor), 0);
  }
  assert_int_equal(tcp, 3);                   /* the listener and two connections */
  assert_int_equal(waits, 1);
  assert_int_equal(datagram, 1);
  two_end(&t);
}

TEST(events_come_once_and_none_is_lost_for_want_of_room)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  unsigned seen[LA_EVENT_COUNT] = { 0 };
  la_sock sock[2];
  la_event e;

  two_pair(&t, listener, 80, sock);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(la_tcp_send(t.end[0], sock[0], "x", 1), 1);
    two_settle(&t);
  }
  assert_int_equal(la_tcp_close(t.end[0], sock[0]), 0);
  two_settle(&t);
  assert_int_equal(la_events(t.end[1], &e, 0), 0);
  while (la_events(t.end[1], &e, 1) == 1)
    seen[e.kind]++;
  assert_int_equal(seen[LA_EV_ACCEPT], 1);
  assert_int_equal(seen[LA_EV_READABLE], 1);
  assert_int_equal(seen[LA_EV_PEER_CLOSED], 1);
  two_end(&t);
}

TEST(tables_have_an_end_and_words_for_everything)
{
  struct two t = two_new();
  const char *name, *meaning;
  la_why_row why;
  la_timer_row timer;
  la_fsm_row row;
  unsigned n = 0;

  for (; la_why_row_get(n, &why); n++) {
    assert_true(strlen(why.name) > 0 && strlen(why.text) > 0);
    (void)la_counter(t.end[0], n, &name, &meaning);
    assert_string_equal(name, why.name);
  }
  assert_true(n > 60);
  while ((void)la_counter(t.end[0], n, &name, &meaning), name)
    n++;
  for (n = 0; la_timer_row_get(n, &timer); n++)
    assert_true(strlen(timer.name) > 0);
  assert_int_equal(n, LA_TIMER_COUNT);
  for (n = 0; la_fsm_row_get(n, &row); n++)
    assert_non_null(la_fsm_event_name(row.event));
  assert_true(n > 40);
  assert_null(la_state_name(LA_STATE_COUNT));
  assert_null(la_fsm_event_name(255));
  for (n = 0; la_object_size(n, &name) > 0; n++)
    assert_non_null(name);
  assert_null(name);
  two_end(&t);
}

TEST(the_flight_recorder_speaks_in_sentences)
{
  struct two t = two_new();
  const la_sock sock = two_connect(&t, 0, 81);
  la_trace entries[16];
  char text[200];
  bool refused = false;

  two_settle(&t);
  const size_t n = la_sock_trace(t.end[0], sock, entries, 16);

  assert_true(n >= 3);
  for (size_t i = 0; i < n; i++) {
    const size_t length = la_trace_text(&entries[i], text, sizeof text);

    assert_int_equal(length, strlen(text));
    assert_int_equal(la_trace_text(&entries[i], NULL, 0), length);
    refused |= strstr(text, "REFUSED") != NULL;
  }
  assert_true(refused);
  two_end(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_speaks_to_itself_by_any_of_its_addresses),
    cmocka_unit_test(a_closed_port_of_its_own_refuses),
    cmocka_unit_test(a_walk_sees_all_sockets_once),
    cmocka_unit_test(events_come_once_and_none_is_lost_for_want_of_room),
    cmocka_unit_test(tables_have_an_end_and_words_for_everything),
    cmocka_unit_test(the_flight_recorder_speaks_in_sentences),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
