/* lifecycle: the calls of a connection's life, on two stacks that only lastack.h shows. */
#include "support/two.h"

#define STATE_IS(t, end, sock, name) assert_string_equal(two_state(t, end, sock), name)


TEST(a_connection_opens_carries_text_both_ways_and_closes)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  la_sock sock[2];
  la_event e;
  char text[16];

  two_pair(&t, listener, 80, sock);
  assert_true(two_event(&t, 0, LA_EV_CONNECTED, &e));
  assert_true(two_event(&t, 1, LA_EV_ACCEPT, &e));
  assert_int_equal(e.sock.bits, listener.bits);
  STATE_IS(&t, 0, sock[0], "ESTABLISHED");
  STATE_IS(&t, 1, sock[1], "ESTABLISHED");

  assert_int_equal(la_tcp_send(t.end[0], sock[0], "hello", 5), 5);
  assert_int_equal(la_tcp_send(t.end[1], sock[1], "world!", 6), 6);
  two_settle(&t);
  assert_true(two_event(&t, 1, LA_EV_READABLE, &e));
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], text, sizeof text), 5);
  assert_memory_equal(text, "hello", 5);
  assert_int_equal(la_tcp_recv(t.end[0], sock[0], text, sizeof text), 6);
  assert_memory_equal(text, "world!", 6);
  assert_int_equal(la_tcp_recv(t.end[0], sock[0], text, sizeof text), -LA_EAGAIN);

  assert_int_equal(la_tcp_close(t.end[0], sock[0]), 0);
  two_settle(&t);
  STATE_IS(&t, 0, sock[0], "FIN-WAIT-2");
  STATE_IS(&t, 1, sock[1], "CLOSE-WAIT");
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], text, sizeof text), -LA_EEOF);
  assert_int_equal(la_tcp_close(t.end[1], sock[1]), 0);
  two_settle(&t);
  STATE_IS(&t, 0, sock[0], "TIME-WAIT");
  STATE_IS(&t, 1, sock[1], "CLOSED");
  assert_int_equal(la_tcp_forget(t.end[1], sock[1]), 0);
  STATE_IS(&t, 1, sock[1], "STALE");
  assert_int_equal(la_tcp_forget(t.end[0], sock[0]), 0);
  assert_int_equal(la_tcp_forget(t.end[0], sock[0]), -LA_ESTALE);
  two_settle(&t);
  STATE_IS(&t, 0, sock[0], "STALE");
  assert_int_equal(two_used(&t, 0, "tcp_connections"), 0);
  assert_int_equal(two_used(&t, 0, "tcp_time_waits"), 1);
  two_until(&t, t.now + 61 * LA_SEC);
  assert_int_equal(two_used(&t, 0, "tcp_time_waits"), 0);
  assert_int_equal(two_used(&t, 1, "tcp_connections"), 1);
  two_end(&t);
}

/* More than fits any buffer, with the window closing and opening many times. */
static void transfer(enum la_medium medium)
{
  enum { OCTETS = 1000 * 1000 };
  uint8_t *const sent = test_memory(OCTETS), *const got = test_memory(OCTETS);
  la_config c;
  la_sock sock[2];
  uint32_t out = 0, in = 0;

  two_config(&c);
  struct two t = two_of(&c, medium);
  const la_sock listener = two_listen(&t, 1, 80, 4);

  for (uint32_t i = 0; i < OCTETS; i++)
    sent[i] = (uint8_t)(i * 7 + i / 256);
  two_pair(&t, listener, 80, sock);
  for (int turns = 0; turns < 100000 && in < OCTETS; turns++) {
    const int s = out < OCTETS ? la_tcp_send(t.end[0], sock[0], sent + out, OCTETS - out) : 0;

    out += s > 0 ? (uint32_t)s : 0;
    two_settle(&t);
    const int r = la_tcp_recv(t.end[1], sock[1], got + in, OCTETS - in);

    in += r > 0 ? (uint32_t)r : 0;
    if (s <= 0 && r <= 0)
      two_until(&t, t.now + 10 * LA_MS);
  }
  assert_int_equal(in, OCTETS);
  assert_memory_equal(sent, got, OCTETS);
  assert_int_equal(la_tcp_abort(t.end[0], sock[0]), 0);
  two_settle(&t);
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], got, 1), -LA_ERESET);
  two_end(&t);
  free(sent);
  free(got);
}

TEST(a_megabyte_arrives_whole)
{
  transfer(LA_MEDIUM_IP);
}

TEST(a_megabyte_arrives_whole_over_ethernet)
{
  transfer(LA_MEDIUM_ETHERNET);
}

TEST(nobody_listens_and_the_peer_says_so)
{
  struct two t = two_new();
  const la_sock sock = two_connect(&t, 0, 81);
  la_event e;

  two_settle(&t);
  assert_true(two_event(&t, 0, LA_EV_CLOSED, &e));
  assert_int_equal(e.error, LA_EREFUSED);
  STATE_IS(&t, 0, sock, "CLOSED");
  assert_int_equal(la_tcp_forget(t.end[0], sock), 0);
  assert_int_equal(two_used(&t, 0, "tcp_connections"), 0);
  two_end(&t);
}

TEST(a_listener_takes_its_unaccepted_children_with_it)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  const la_sock sock = two_connect(&t, 0, 80);

  two_settle(&t);
  STATE_IS(&t, 0, sock, "ESTABLISHED");
  assert_int_equal(la_tcp_forget(t.end[1], listener), 0);
  two_settle(&t);
  assert_int_equal(two_used(&t, 1, "tcp_connections"), 0);
  STATE_IS(&t, 0, sock, "CLOSED");
  two_end(&t);
}

TEST(datagrams_arrive_and_a_closed_port_is_reported)
{
  struct two t = two_new();
  la_sock from, to;
  la_endpoint sender;
  char text[16];

  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ two_addr(0), 0 }, NULL, &from), 0);
  assert_int_equal(la_udp_open(t.end[1], (la_endpoint){ { 0 }, 53 }, NULL, &to), 0);
  assert_int_equal(la_udp_send(t.end[0], from, two_at(1, 53), "query", 5), 0);
  two_settle(&t);
  assert_int_equal(la_udp_recv(t.end[1], to, &sender, text, sizeof text), 5);
  assert_memory_equal(text, "query", 5);
  assert_int_equal(la_udp_send(t.end[1], to, sender, "answer", 6), 0);
  two_settle(&t);
  assert_int_equal(la_udp_recv(t.end[0], from, &sender, text, sizeof text), 6);
  assert_int_equal(sender.port, 53);
  assert_int_equal(la_udp_send(t.end[0], from, two_at(1, 54), "who", 3), 0);
  two_settle(&t);
  assert_int_equal(two_count(&t, 1, "UDP_NO_PORT"), 1);
  assert_int_equal(la_udp_send(t.end[0], from, two_at(1, 54), "who", 3), -LA_EREFUSED);
  assert_int_equal(la_udp_close(t.end[0], from), 0);
  assert_int_equal(la_udp_close(t.end[1], to), 0);
  assert_int_equal(la_udp_close(t.end[1], to), -LA_ESTALE);
  two_end(&t);
}

TEST(a_large_datagram_goes_in_fragments_and_arrives_whole)
{
  enum { OCTETS = 20000 };
  struct two t = two_new();
  uint8_t *const sent = test_memory(OCTETS), *const got = test_memory(OCTETS);
  la_endpoint sender;
  la_sock from, to;

  for (uint32_t i = 0; i < OCTETS; i++)
    sent[i] = (uint8_t)(i * 13 + i / 250);
  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ { 0 }, 0 }, NULL, &from), 0);
  assert_int_equal(la_udp_open(t.end[1], (la_endpoint){ { 0 }, 53 }, NULL, &to), 0);
  assert_int_equal(la_udp_send(t.end[0], from, two_at(1, 53), sent, OCTETS), 0);
  two_settle(&t);
  assert_int_equal(la_udp_recv(t.end[1], to, &sender, got, OCTETS), OCTETS);
  assert_memory_equal(sent, got, OCTETS);
  assert_int_equal(two_count(&t, 0, "ip_fragmented"), 1);
  assert_int_equal(two_count(&t, 1, "ip_reassembled"), 1);
  assert_int_equal(two_used(&t, 1, "reassemblies"), 0);
  assert_int_equal(two_used(&t, 0, "slabs"), 0);
  two_end(&t);
  free(sent);
  free(got);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_connection_opens_carries_text_both_ways_and_closes),
    cmocka_unit_test(a_megabyte_arrives_whole),
    cmocka_unit_test(a_megabyte_arrives_whole_over_ethernet),
    cmocka_unit_test(nobody_listens_and_the_peer_says_so),
    cmocka_unit_test(a_listener_takes_its_unaccepted_children_with_it),
    cmocka_unit_test(datagrams_arrive_and_a_closed_port_is_reported),
    cmocka_unit_test(a_large_datagram_goes_in_fragments_and_arrives_whole),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
