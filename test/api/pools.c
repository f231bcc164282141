/* pools: each of them used up. The call says so, the connection stays as it was, and in the end
 * everything is back where it came from. */
#include "support/two.h"

static la_config small(void)
{
  la_config c;

  two_config(&c);
  return c;
}

/* All slabs of an end, so that it has none left but those in use. */
static unsigned hoard(struct two *t, int end, la_slab **slabs, unsigned max)
{
  unsigned n = 0;

  while (n < max && la_slab_get(t->end[end], &slabs[n]) == 0)
    n++;
  return n;
}

static void give_back(struct two *t, int end, la_slab **slabs, unsigned n)
{
  while (n > 0)
    la_slab_release(t->end[end], slabs[--n]);
}

TEST(control_blocks)
{
  struct two t = two_new();
  la_sock sock[17];

  for (int i = 0; i < 16; i++)
    assert_int_equal(la_tcp_open(t.end[0], NULL, &sock[i]), 0);
  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock[16]), -LA_ENOSOCK);
  assert_int_equal(two_used(&t, 0, "tcp_connections"), 16);
  assert_int_equal(la_tcp_forget(t.end[0], sock[3]), 0);
  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock[16]), 0);
  assert_int_not_equal(sock[16].bits, sock[3].bits);
  assert_int_equal(la_tcp_forget(t.end[0], sock[3]), -LA_ESTALE);
  sock[3] = sock[16];
  for (int i = 0; i < 16; i++)
    assert_int_equal(la_tcp_forget(t.end[0], sock[i]), 0);
  assert_int_equal(two_used(&t, 0, "tcp_connections"), 0);
  two_end(&t);
}

TEST(control_blocks_of_a_listener)
{
  la_config c = small();

  c.tcp_connections = 3;
  c.no_syn_cookies = true;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const la_sock listener = two_listen(&t, 1, 80, 10);
  la_sock sock[3], child;

  for (int i = 0; i < 3; i++) {
    sock[i] = two_connect(&t, 0, 80);
    two_settle(&t);
  }
  assert_string_equal(two_state(&t, 0, sock[1]), "ESTABLISHED");
  assert_string_equal(two_state(&t, 0, sock[2]), "SYN-SENT");
  assert_int_equal(two_count(&t, 1, "LISTEN_NO_TCB"), 1);
  /* One goes, and the repeated SYN finds its place. */
  assert_int_equal(la_tcp_accept(t.end[1], listener, NULL, &child), 0);
  assert_int_equal(la_tcp_abort(t.end[1], child), 0);
  two_until(&t, t.now + 2 * LA_SEC);
  assert_string_equal(two_state(&t, 0, sock[2]), "ESTABLISHED");
  two_end(&t);
}

TEST(time_waits_the_oldest_is_sacrificed)
{
  la_config c = small();

  c.tcp_time_waits = 2;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const la_sock listener = two_listen(&t, 1, 80, 10);

  for (int i = 0; i < 5; i++) {
    la_sock sock[2];

    two_pair(&t, listener, 80, sock);
    assert_int_equal(la_tcp_forget(t.end[0], sock[0]), 0);
    two_settle(&t);
    assert_int_equal(la_tcp_forget(t.end[1], sock[1]), 0);
    two_settle(&t);
    assert_int_equal(two_used(&t, 0, "tcp_time_waits"), i < 2 ? (unsigned)i + 1 : 2);
  }
  assert_int_equal(two_used(&t, 0, "tcp_connections"), 0);
  two_until(&t, t.now + 61 * LA_SEC);
  assert_int_equal(two_used(&t, 0, "tcp_time_waits"), 0);
  two_end(&t);
}

TEST(without_any_time_wait_connections_just_end)
{
  la_config c = small();
  la_sock sock[2];

  c.tcp_time_waits = 0;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const la_sock listener = two_listen(&t, 1, 80, 10);

  two_pair(&t, listener, 80, sock);
  assert_int_equal(la_tcp_forget(t.end[0], sock[0]), 0);
  two_settle(&t);
  assert_int_equal(la_tcp_forget(t.end[1], sock[1]), 0);
  two_settle(&t);
  assert_int_equal(two_used(&t, 0, "tcp_connections"), 0);
  two_end(&t);
}

TEST(slabs_of_a_sender)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  la_slab *slabs[256];
  la_sock sock[2];
  char text[8];

  two_pair(&t, listener, 80, sock);
  const unsigned n = hoard(&t, 0, slabs, 256);

  assert_int_equal(la_tcp_send(t.end[0], sock[0], "lost", 4), -LA_ENOBUF);
  assert_string_equal(two_state(&t, 0, sock[0]), "ESTABLISHED");
  give_back(&t, 0, slabs, n);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], "sent", 4), 4);
  two_settle(&t);
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], text, sizeof text), 4);
  assert_memory_equal(text, "sent", 4);
  two_end(&t);
}

/* The receiver has chunks for less than its window: text is refused, and comes again. */
TEST(chunks_of_a_receiver)
{
  enum { OCTETS = 30000 };
  la_config c = small();
  static uint8_t text[OCTETS], got[OCTETS];
  uint32_t sent = 0, in = 0;
  la_sock sock[2];

  c.chunks = 8;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const la_sock listener = two_listen(&t, 1, 80, 4);

  for (uint32_t i = 0; i < OCTETS; i++)
    text[i] = (uint8_t)(i ^ i >> 8);
  two_pair(&t, listener, 80, sock);
  for (int turns = 0; turns < 2000 && in < OCTETS; turns++) {
    const int s = la_tcp_send(t.end[0], sock[0], text + sent, OCTETS - sent);

    sent += s > 0 ? (uint32_t)s : 0;
    two_until(&t, t.now + 50 * LA_MS);
    const int r = la_tcp_recv(t.end[1], sock[1], got + in, OCTETS - in);

    in += r > 0 ? (uint32_t)r : 0;
  }
  assert_int_equal(in, OCTETS);
  assert_memory_equal(text, got, OCTETS);
  two_end(&t);
}

TEST(chunks_of_a_sender)
{
  la_config c = small();
  la_sock sock[2];
  la_slab *slab;
  la_frag frags[7];

  c.chunks = 8;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const la_sock listener = two_listen(&t, 1, 80, 4);

  two_pair(&t, listener, 80, sock);
  const uint32_t before = two_used(&t, 0, "slabs");

  assert_int_equal(la_slab_get(t.end[0], &slab), 0);
  for (uint32_t i = 0; i < 7; i++)
    frags[i] = (la_frag){ slab, 2 * i, 1 };   /* none touches the next */
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, 7), -LA_ENOBUF);
  assert_int_equal(two_used(&t, 0, "chunks"), 0);
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, 6), 0); /* a quarter is for text */
  la_slab_release(t.end[0], slab);
  two_until(&t, t.now + LA_SEC);
  assert_int_equal(two_used(&t, 0, "chunks"), 0);
  assert_int_equal(two_used(&t, 0, "slabs"), before);
  two_end(&t);
}

TEST(foreign_slabs)
{
  la_config c = small();
  uint8_t octets[3][64];
  la_slab *slab[3];
  void *owner;

  c.foreign_slabs = 2;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  assert_int_equal(la_slab_wrap(t.end[0], NULL, 64, NULL, &slab[0]), -LA_EINVAL);
  assert_int_equal(la_slab_wrap(t.end[0], octets, 0, NULL, &slab[0]), -LA_EINVAL);
  assert_int_equal(la_slab_wrap(t.end[0], octets[0], 64, octets[0], &slab[0]), 0);
  assert_int_equal(la_slab_wrap(t.end[0], octets[1], 64, octets[1], &slab[1]), 0);
  assert_int_equal(la_slab_wrap(t.end[0], octets[2], 64, octets[2], &slab[2]), -LA_ENOBUF);
  assert_ptr_equal(la_slab_octets(slab[1]), octets[1]);
  assert_int_equal(la_slab_size(slab[1]), 64);
  la_slab_hold(slab[0]);
  la_slab_release(t.end[0], slab[0]);
  assert_int_equal(la_slab_returned(t.end[0], &owner, 1), 0);
  la_slab_release(t.end[0], slab[0]);
  assert_int_equal(la_slab_returned(t.end[0], &owner, 1), 1);
  assert_ptr_equal(owner, octets[0]);
  assert_int_equal(la_slab_wrap(t.end[0], octets[2], 64, octets[2], &slab[2]), 0);
  la_fini(t.end[0]);                          /* returns those that are still held */
  assert_int_equal(la_slab_returned(t.end[0], &owner, 1), 1);
  assert_int_equal(la_slab_returned(t.end[0], &owner, 1), 1);
  assert_int_equal(la_slab_returned(t.end[0], &owner, 1), 0);
  two_end(&t);
}

TEST(udp_sockets_and_their_queues)
{
  la_config c = small();
  la_sock sock[5];
  la_endpoint from;
  uint8_t text[1000] = { 0 };

  c.receive_buffer = 10 * sizeof text;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  for (uint16_t i = 0; i < 4; i++)
    assert_int_equal(la_udp_open(t.end[1], (la_endpoint){ { 0 }, (uint16_t)(50 + i) }, NULL,
                                 &sock[i]), 0);
  assert_int_equal(la_udp_open(t.end[1], (la_endpoint){ { 0 }, 54 }, NULL, &sock[4]),
                   -LA_ENOSOCK);
  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ { 0 }, 9 }, NULL, &sock[4]), 0);
  for (int i = 0; i < 12; i++) {
    assert_int_equal(la_udp_send(t.end[0], sock[4], two_at(1, 50), text, sizeof text), 0);
    two_settle(&t);
  }
  assert_int_equal(two_count(&t, 1, "UDP_FULL"), 2);
  for (int i = 0; i < 10; i++)
    assert_int_equal(la_udp_recv(t.end[1], sock[0], &from, text, sizeof text), sizeof text);
  assert_int_equal(la_udp_recv(t.end[1], sock[0], &from, text, sizeof text), -LA_EAGAIN);
  assert_int_equal(two_used(&t, 1, "chunks"), 0);
  for (int i = 0; i < 100; i++) {             /* small ones: bounded by their number */
    assert_int_equal(la_udp_send(t.end[0], sock[4], two_at(1, 51), text, 1), 0);
    two_settle(&t);
  }
  assert_int_equal(two_count(&t, 1, "UDP_FULL"), 2 + 100 - 64);
  for (int i = 0; i < 4; i++)
    assert_int_equal(la_udp_close(t.end[1], sock[i]), 0);
  assert_int_equal(two_used(&t, 1, "udp_sockets"), 0);
  assert_int_equal(two_used(&t, 1, "chunks"), 0);
  two_end(&t);
}

TEST(datagrams_waiting_to_be_sent)
{
  struct two t = two_new();
  la_sock sock;

  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ { 0 }, 9 }, NULL, &sock), 0);
  for (int i = 0; i < 16; i++)
    assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 50), "x", 1), 0);
  assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 50), "x", 1), -LA_ENOBUF);
  two_settle(&t);
  assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 50), "x", 1), -LA_EREFUSED);
  assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 50), "x", 1), 0);
  two_settle(&t);
  assert_in_range(two_used(&t, 0, "slabs"), 0, 1);        /* the link's own */
  assert_int_equal(two_used(&t, 0, "datagrams"), 0);
  two_end(&t);
}

TEST(slabs_of_a_datagram)
{
  struct two t = two_new();
  la_slab *slabs[256];
  la_sock sock;

  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ { 0 }, 9 }, NULL, &sock), 0);
  const unsigned n = hoard(&t, 0, slabs, 255);
  static const uint8_t text[5000];

  assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 50), text, sizeof text), -LA_ENOBUF);
  assert_int_equal(two_used(&t, 0, "slabs"), 255);
  assert_int_equal(two_used(&t, 0, "datagrams"), 0);
  give_back(&t, 0, slabs, n);
  two_end(&t);
}

/* Pieces too large to share a slab are lent, one chunk each, until there are no more. */
TEST(chunks_of_a_datagrams_reader)
{
  la_config c = small();
  la_sock from, to;
  la_endpoint sender;
  static uint8_t text[1400];

  c.chunks = 4;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ { 0 }, 9 }, NULL, &from), 0);
  assert_int_equal(la_udp_open(t.end[1], (la_endpoint){ { 0 }, 50 }, NULL, &to), 0);
  for (int i = 0; i < 8; i++) {
    assert_int_equal(la_udp_send(t.end[0], from, two_at(1, 50), text, sizeof text), 0);
    two_settle(&t);
  }
  const uint64_t lost = two_count(&t, 1, "UDP_NO_MEMORY");

  assert_in_range(lost, 1, 7);
  for (uint64_t i = lost; i < 8; i++)
    assert_int_equal(la_udp_recv(t.end[1], to, &sender, text, sizeof text), sizeof text);
  assert_int_equal(la_udp_recv(t.end[1], to, &sender, text, sizeof text), -LA_EAGAIN);
  assert_int_equal(two_used(&t, 1, "chunks"), 0);
  assert_int_equal(la_udp_send(t.end[0], from, two_at(1, 50), text, 7), 0);
  two_settle(&t);
  assert_int_equal(la_udp_recv(t.end[1], to, &sender, text, sizeof text), 7);
  two_end(&t);
}

TEST(answers_to_no_ones_segments)
{
  struct two t = two_new();

  for (int round = 0; round < 2; round++) {   /* 16 places, and 20 SYNs that nobody wants */
    for (int i = 0; i < 10; i++)
      (void)two_connect(&t, 0, (uint16_t)(1000 + i));
    assert_int_equal(mem_move(t.link, 0, t.now, 16), 10);
    if (round == 1)
      assert_int_equal(two_count(&t, 1, "replies_lost"), 4);
    la_sock cursor = { 0 };

    while (la_sock_next(t.end[0], &cursor))
      assert_int_equal(la_tcp_abort(t.end[0], cursor), 0);
  }
  two_settle(&t);
  assert_int_equal(two_used(&t, 1, "tcp_replies"), 0);
  two_end(&t);
}

/* The receiver keeps two islands and loses the others, which come again. */
TEST(ranges_of_a_receiver)
{
  enum { OCTETS = 60000 };
  la_config c = small();
  static uint8_t text[OCTETS], got[OCTETS];
  uint32_t in = 0;
  la_sock sock[2];

  c.ranges = 2;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const la_sock listener = two_listen(&t, 1, 80, 4);

  for (uint32_t i = 0; i < OCTETS; i++)
    text[i] = (uint8_t)(i ^ i >> 7);
  two_pair(&t, listener, 80, sock);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], text, OCTETS), OCTETS);
  for (unsigned n = 0; n < 10; n++) {         /* every other packet of the first window is lost */
    la_pkt pkt;

    if (n % 2 == 1)
      (void)mem_move(t.link, 0, t.now, 1);
    else if (la_output(t.end[0], t.now, &pkt, 1) == 1)
      la_pkt_release(t.end[0], &pkt);
  }
  assert_int_equal(two_used(&t, 1, "ranges"), 2);
  assert_true(two_count(&t, 1, "TOO_MANY_ISLANDS") > 0);
  for (int turns = 0; turns < 1000 && in < OCTETS; turns++) {
    two_until(&t, t.now + 50 * LA_MS);
    const int r = la_tcp_recv(t.end[1], sock[1], got + in, OCTETS - in);

    in += r > 0 ? (uint32_t)r : 0;
  }
  assert_int_equal(in, OCTETS);
  assert_memory_equal(text, got, OCTETS);
  assert_int_equal(two_used(&t, 1, "ranges"), 0);
  two_end(&t);
}

TEST(a_way_that_is_gone)
{
  struct two t = two_new();
  const la_addr far = la_ip4(192, 0, 2, 1), none = { 0, { 0 } };
  la_sock udp, tcp;
  la_sock_info info;

  assert_int_equal(la_route_add(t.end[0], far, 32, none, 0), 0);
  assert_int_equal(la_udp_open(t.end[0], (la_endpoint){ none, 9 }, NULL, &udp), 0);
  assert_int_equal(la_tcp_open(t.end[0], NULL, &tcp), 0);
  assert_int_equal(la_udp_send(t.end[0], udp, (la_endpoint){ far, 9 }, "x", 1), 0);
  assert_int_equal(la_tcp_connect(t.end[0], tcp, (la_endpoint){ far, 9 }), 0);
  assert_int_equal(la_route_remove(t.end[0], far, 32), 0);
  two_settle(&t);
  assert_int_equal(two_count(&t, 0, "NO_ROUTE"), 2);
  assert_int_equal(two_used(&t, 0, "datagrams"), 0);
  assert_int_equal(la_sock_get(t.end[0], tcp, &info), 0);
  assert_int_equal(info.soft_error, LA_EUNREACH);
  assert_string_equal(la_state_name(info.state), "SYN-SENT");
  two_end(&t);
}

TEST(half_open_connections_become_cookies)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 16);
  la_sock sock[6];
  la_pkt pkt;

  /* Four SYNs reach the listener, whose answers are thrown away; then two clients connect. */
  for (int i = 0; i < 4; i++) {
    sock[i] = two_connect(&t, 0, 80);
    assert_int_equal(mem_move(t.link, 0, t.now, 8), 1);
    while (la_output(t.end[1], t.now, &pkt, 1) == 1)
      la_pkt_release(t.end[1], &pkt);
  }
  assert_int_equal(two_used(&t, 1, "tcp_half_open"), 4);
  for (int i = 4; i < 6; i++) {
    sock[i] = two_connect(&t, 0, 80);
    two_settle(&t);
    assert_string_equal(two_state(&t, 0, sock[i]), "ESTABLISHED");
    assert_int_equal(la_tcp_accept(t.end[1], listener, NULL, &sock[i]), 0);
  }
  assert_int_equal(two_count(&t, 1, "cookies_out"), 2);
  assert_int_equal(two_count(&t, 1, "cookies_good"), 2);
  assert_int_equal(two_used(&t, 1, "tcp_connections"), 1 + 4 + 2);
  two_end(&t);
}

TEST(interfaces_addresses_and_routes)
{
  struct two t = two_new();
  const la_iface iface = { .medium = LA_MEDIUM_IP, .mtu = 1500, .name = "more" };
  const la_addr none = { 0, { 0 } };

  for (int i = 1; i < 4; i++)
    assert_int_equal(la_iface_add(t.end[0], &iface), i);
  assert_int_equal(la_iface_add(t.end[0], &iface), -LA_ENOROOM);
  for (uint8_t i = 1; i < 8; i++)
    assert_int_equal(la_addr_add(t.end[0], 0, la_ip4(10, 9, 0, i), 24), 0);
  assert_int_equal(la_addr_add(t.end[0], 0, la_ip4(10, 9, 0, 9), 24), -LA_ENOROOM);
  assert_int_equal(la_addr_remove(t.end[0], 0, la_ip4(10, 9, 0, 7)), 0);
  assert_int_equal(la_addr_add(t.end[0], 0, la_ip4(10, 9, 0, 9), 24), 0);
  for (uint8_t i = 0; i < 16; i++)
    assert_int_equal(la_route_add(t.end[0], la_ip4(172, 16, i, 0), 24, none, 0), 0);
  assert_int_equal(la_route_add(t.end[0], la_ip4(172, 17, 0, 0), 24, none, 0), -LA_ENOROOM);
  assert_int_equal(la_route_remove(t.end[0], la_ip4(172, 16, 3, 0), 24), 0);
  assert_int_equal(la_route_add(t.end[0], la_ip4(172, 17, 0, 0), 24, none, 0), 0);
  two_end(&t);
}

TEST(the_names_of_the_pools_are_all_different)
{
  struct two t = two_new();
  const char *name, *other;
  uint32_t used, peak, size;
  unsigned n = 0;

  for (; la_pool_get(t.end[0], n, &name, &used, &peak, &size); n++) {
    assert_true(used <= peak && peak <= size);
    for (unsigned i = 0; i < n; i++) {
      assert_true(la_pool_get(t.end[0], i, &other, &used, &peak, &size));
      assert_string_not_equal(name, other);
    }
  }
  assert_true(n > 10);
  two_end(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(control_blocks), cmocka_unit_test(control_blocks_of_a_listener),
    cmocka_unit_test(time_waits_the_oldest_is_sacrificed),
    cmocka_unit_test(without_any_time_wait_connections_just_end),
    cmocka_unit_test(slabs_of_a_sender), cmocka_unit_test(chunks_of_a_receiver),
    cmocka_unit_test(chunks_of_a_sender), cmocka_unit_test(foreign_slabs),
    cmocka_unit_test(udp_sockets_and_their_queues),
    cmocka_unit_test(datagrams_waiting_to_be_sent), cmocka_unit_test(slabs_of_a_datagram),
    cmocka_unit_test(chunks_of_a_datagrams_reader),
    cmocka_unit_test(answers_to_no_ones_segments), cmocka_unit_test(ranges_of_a_receiver),
    cmocka_unit_test(a_way_that_is_gone),
    cmocka_unit_test(half_open_connections_become_cookies),
    cmocka_unit_test(interfaces_addresses_and_routes),
    cmocka_unit_test(the_names_of_the_pools_are_all_different),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
