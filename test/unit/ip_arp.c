/* ip_arp: neighbours are asked for, answered, remembered, doubted and given up. */
#include "support/raw.h"

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 9 };
static const uint8_t all_mac[6] = { 255, 255, 255, 255, 255, 255 };
static uint8_t out[RAW_MAX];

/* The announcement of our address (RFC 5227 2.3) is the first thing that is said. */
static struct raw on_ethernet(void)
{
  struct raw r = raw_new(LA_MEDIUM_ETHERNET);
  struct arp a;

  assert_int_equal(raw_take(&r, out), 42);
  assert_int_equal(arp_parse(out + 14, 28, &a), 28);
  assert_int_equal(a.operation, ARP_REQUEST);
  assert_memory_equal(a.sender_ip, raw_ours().octets, 4);
  assert_memory_equal(a.target_ip, raw_ours().octets, 4);
  return r;
}

static bool give_frame(struct raw *r, const uint8_t to[6], uint16_t type, const void *octets,
                       uint32_t n)
{
  static uint8_t frame[RAW_MAX];
  struct ether_header h = { .type = type };

  memcpy(h.to, to, 6);
  memcpy(h.from, peer_mac, 6);
  ether_header_write(frame, &h);
  memcpy(frame + 14, octets, n);
  return raw_give(r, frame, 14 + n);
}

static struct arp arp_of(uint16_t operation, const uint8_t mac[6], la_addr sender, la_addr target)
{
  struct arp a = { .operation = operation };

  memcpy(a.sender_mac, mac, 6);
  memcpy(a.sender_ip, sender.octets, 4);
  memcpy(a.target_ip, target.octets, 4);
  return a;
}

static bool give_arp(struct raw *r, const struct arp *a)
{
  uint8_t octets[28];

  arp_write(octets, a);
  return give_frame(r, a->operation == ARP_REQUEST ? all_mac : our_mac, ETHER_ARP, octets, 28);
}

static bool answer(struct raw *r)
{
  const struct arp a = arp_of(ARP_REPLY, peer_mac, raw_peer(), raw_ours());

  return give_arp(r, &a);
}

/* The next frame is a request for the peer's address, to all or to it alone. */
static void asks(struct raw *r, const uint8_t to[6])
{
  struct arp a;

  assert_int_equal(raw_take(r, out), 42);
  assert_memory_equal(out, to, 6);
  assert_memory_equal(out + 6, our_mac, 6);
  assert_int_equal(arp_parse(out + 14, 28, &a), 28);
  assert_int_equal(a.operation, ARP_REQUEST);
  assert_memory_equal(a.sender_mac, our_mac, 6);
  assert_memory_equal(a.sender_ip, raw_ours().octets, 4);
  assert_memory_equal(a.target_ip, raw_peer().octets, 4);
}

static la_neighbor neighbor(const struct raw *r)
{
  la_neighbor n;

  assert_int_equal(la_neighbor_get(r->stack, 0, &n), 0);
  return n;
}

static la_sock udp(struct raw *r)
{
  la_sock sock;

  assert_int_equal(la_udp_open(r->stack, (la_endpoint){ { 0 }, 7 }, NULL, &sock), 0);
  return sock;
}

static int send_one(struct raw *r, la_sock sock)
{
  return la_udp_send(r->stack, sock, (la_endpoint){ raw_peer(), 9 }, "x", 1);
}

TEST(a_packet_waits_until_its_neighbour_answers)
{
  struct raw r = on_ethernet();
  const la_sock sock = udp(&r);

  assert_int_equal(send_one(&r, sock), 0);
  assert_int_equal(send_one(&r, sock), 0);
  asks(&r, all_mac);
  assert_int_equal(raw_take(&r, out), 0);
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_INCOMPLETE);
  assert_true(answer(&r));
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_REACHABLE);
  assert_memory_equal(neighbor(&r).mac, peer_mac, 6);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(raw_take(&r, out), 14 + 29);
    assert_memory_equal(out, peer_mac, 6);
    assert_int_equal(be16_get(out + 12), ETHER_IPV4);
  }
  assert_int_equal(send_one(&r, sock), 0);    /* and now at once */
  assert_int_equal(raw_take(&r, out), 14 + 29);
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(who_does_not_answer_is_asked_three_times_and_given_up)
{
  struct raw r = on_ethernet();
  la_event e;
  la_sock sock;

  assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw_peer(), 80 }), 0);
  for (int i = 0; i < 3; i++) {
    asks(&r, all_mac);
    assert_int_equal(raw_drain(&r), 0);
    r.now += LA_SEC + LA_MS;
  }
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_FAILED);
  assert_true(raw_count(&r, "NEIGHBOR_UNKNOWN") >= 1);
  assert_int_equal(la_events(r.stack, &e, 1), 1);
  assert_int_equal(e.kind, LA_EV_CLOSED);
  assert_int_equal(e.error, LA_EUNREACH);
  assert_int_equal(la_tcp_forget(r.stack, sock), 0);
  r.now += 20 * LA_SEC;
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(raw_used(&r, "neighbors"), 0);
  raw_end(&r);
}

TEST(only_so_many_packets_wait)
{
  struct raw r = on_ethernet();
  const la_sock sock = udp(&r);

  for (int i = 0; i < 7; i++)
    assert_int_equal(send_one(&r, sock), 0);
  asks(&r, all_mac);
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(raw_count(&r, "NEIGHBOR_QUEUE"), 3);
  assert_true(answer(&r));
  assert_int_equal(raw_drain(&r), 4);
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(a_neighbour_goes_stale_and_is_probed_while_it_is_used)
{
  struct raw r = on_ethernet();
  const la_sock sock = udp(&r);

  assert_int_equal(send_one(&r, sock), 0);
  asks(&r, all_mac);
  assert_true(answer(&r));
  assert_int_equal(raw_drain(&r), 1);
  r.now += 31 * LA_SEC;
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_STALE);
  assert_int_equal(send_one(&r, sock), 0);
  assert_int_equal(raw_take(&r, out), 14 + 29);
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_PROBE);
  asks(&r, peer_mac);
  assert_true(answer(&r));
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_REACHABLE);
  r.now += 31 * LA_SEC;
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(send_one(&r, sock), 0);
  for (int i = 0; i < 4; i++) {
    (void)raw_drain(&r);
    r.now += LA_SEC + LA_MS;
  }
  (void)raw_drain(&r);
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_FAILED);
  raw_end(&r);
}

TEST(who_asks_for_us_is_answered_and_remembered)
{
  struct raw r = on_ethernet();
  const struct arp request = arp_of(ARP_REQUEST, peer_mac, raw_peer(), raw_ours());
  struct arp a;

  assert_true(give_arp(&r, &request));
  assert_int_equal(raw_take(&r, out), 42);
  assert_memory_equal(out, peer_mac, 6);
  assert_int_equal(arp_parse(out + 14, 28, &a), 28);
  assert_int_equal(a.operation, ARP_REPLY);
  assert_memory_equal(a.sender_mac, our_mac, 6);
  assert_memory_equal(a.sender_ip, raw_ours().octets, 4);
  assert_memory_equal(a.target_mac, peer_mac, 6);
  assert_memory_equal(a.target_ip, raw_peer().octets, 4);
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_STALE);
  raw_end(&r);
}

/* The ring of frames has sixteen places: who asks more often meanwhile gets no answer to that. */
TEST(answers_that_find_no_room_are_lost_and_counted)
{
  enum { ASKED = 20 };
  struct raw r = on_ethernet();
  const struct arp request = arp_of(ARP_REQUEST, peer_mac, raw_peer(), raw_ours());
  unsigned said;

  for (int i = 0; i < ASKED; i++)
    assert_true(give_arp(&r, &request));
  said = raw_drain(&r);
  assert_in_range(said, 1, ASKED - 1);
  assert_int_equal(raw_count(&r, "frames_lost"), ASKED - said);
  assert_int_equal(raw_count(&r, "arp_replies_out"), said);
  raw_end(&r);
}

TEST(who_asks_for_another_is_neither_answered_nor_remembered)
{
  struct raw r = on_ethernet();
  const struct arp request = arp_of(ARP_REQUEST, peer_mac, raw_peer(), la_ip4(192, 0, 2, 77));

  assert_false(give_arp(&r, &request));
  assert_int_equal(raw_count(&r, "ARP_NOT_OURS"), 1);
  assert_int_equal(raw_used(&r, "neighbors"), 0);
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(a_probe_is_answered_and_nothing_learnt)
{
  struct raw r = on_ethernet();
  const struct arp probe = arp_of(ARP_REQUEST, peer_mac, la_ip4(0, 0, 0, 0), raw_ours());

  assert_true(give_arp(&r, &probe));
  assert_int_equal(raw_take(&r, out), 42);
  assert_int_equal(raw_used(&r, "neighbors"), 0);
  raw_end(&r);
}

TEST(our_address_is_defended_once_in_ten_seconds)
{
  struct raw r = on_ethernet();
  const struct arp claim = arp_of(ARP_REQUEST, peer_mac, raw_ours(), raw_ours());

  assert_false(give_arp(&r, &claim));
  assert_false(give_arp(&r, &claim));
  assert_int_equal(raw_count(&r, "arp_conflicts"), 2);
  assert_int_equal(raw_count(&r, "ARP_SENDER"), 2);
  assert_int_equal(raw_drain(&r), 1);
  r.now += 10 * LA_SEC;
  assert_false(give_arp(&r, &claim));
  assert_int_equal(raw_drain(&r), 1);
  raw_end(&r);
}

TEST(who_is_known_may_move)
{
  static const uint8_t new_mac[6] = { 2, 0, 0, 0, 0, 8 };
  struct raw r = on_ethernet();
  const la_sock sock = udp(&r);
  const struct arp moved = arp_of(ARP_REQUEST, new_mac, raw_peer(), raw_peer());

  assert_false(give_arp(&r, &moved));         /* gratuitous, and nobody we know */
  assert_int_equal(raw_used(&r, "neighbors"), 0);
  assert_int_equal(send_one(&r, sock), 0);
  asks(&r, all_mac);
  assert_true(answer(&r));
  (void)raw_drain(&r);
  assert_true(give_arp(&r, &moved));
  assert_memory_equal(neighbor(&r).mac, new_mac, 6);
  assert_int_equal(neighbor(&r).state, LA_NEIGHBOR_STALE);
  raw_end(&r);
}

TEST(a_full_table_forgets_who_was_of_no_use_for_longest)
{
  struct raw r = on_ethernet();
  const la_sock sock = udp(&r);
  la_neighbor n;

  for (uint8_t i = 0; i < 6; i++) {           /* four places */
    const struct arp request =
      arp_of(ARP_REQUEST, peer_mac, la_ip4(192, 0, 2, (uint8_t)(100 + i)), raw_ours());

    r.now += LA_MS;
    assert_true(give_arp(&r, &request));
    assert_int_equal(raw_drain(&r), 1);
  }
  assert_int_equal(raw_used(&r, "neighbors"), 4);
  for (unsigned i = 0; la_neighbor_get(r.stack, i, &n) == 0; i++)
    assert_true(n.addr.octets[3] >= 102);
  /* Fixed ones are never forgotten. */
  for (uint8_t i = 0; i < 4; i++)
    assert_int_equal(la_neighbor_add(r.stack, 0, la_ip4(192, 0, 2, (uint8_t)(50 + i)), peer_mac),
                     0);
  assert_int_equal(la_neighbor_add(r.stack, 0, la_ip4(192, 0, 2, 54), peer_mac), -LA_ENOROOM);
  assert_int_equal(send_one(&r, sock), 0);
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(raw_count(&r, "NEIGHBOR_TABLE"), 1);
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(frames_that_are_not_for_us_are_refused)
{
  static const uint8_t other[6] = { 2, 0, 0, 0, 0, 7 };
  struct raw r = on_ethernet();
  uint8_t junk[28] = { 0 };

  assert_false(give_frame(&r, other, ETHER_IPV4, junk, sizeof junk));
  assert_int_equal(raw_count(&r, "ETHER_NOT_OURS"), 1);
  assert_false(give_frame(&r, our_mac, 0x88cc, junk, sizeof junk));
  assert_int_equal(raw_count(&r, "ETHER_TYPE"), 1);
  assert_false(give_frame(&r, our_mac, ETHER_IPV6, junk, sizeof junk));
  junk[0] = 0x60;
  assert_false(give_frame(&r, our_mac, ETHER_IPV4, junk, sizeof junk));
  assert_int_equal(raw_count(&r, "IP_VERSION"), 2);
  assert_false(give_frame(&r, our_mac, ETHER_ARP, junk, sizeof junk));
  assert_int_equal(raw_count(&r, "ARP_BAD"), 1);
  assert_false(raw_give(&r, junk, 13));
  assert_int_equal(raw_count(&r, "SHORT_FRAME"), 1);
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

RUN(cmocka_unit_test(a_packet_waits_until_its_neighbour_answers),
    cmocka_unit_test(who_does_not_answer_is_asked_three_times_and_given_up),
    cmocka_unit_test(only_so_many_packets_wait),
    cmocka_unit_test(a_neighbour_goes_stale_and_is_probed_while_it_is_used),
    cmocka_unit_test(who_asks_for_us_is_answered_and_remembered),
    cmocka_unit_test(answers_that_find_no_room_are_lost_and_counted),
    cmocka_unit_test(who_asks_for_another_is_neither_answered_nor_remembered),
    cmocka_unit_test(a_probe_is_answered_and_nothing_learnt),
    cmocka_unit_test(our_address_is_defended_once_in_ten_seconds),
    cmocka_unit_test(who_is_known_may_move),
    cmocka_unit_test(a_full_table_forgets_who_was_of_no_use_for_longest),
    cmocka_unit_test(frames_that_are_not_for_us_are_refused))
