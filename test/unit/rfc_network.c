/* RFC 9293 3.8.3, 3.9.1, 3.9.2: what TCP asks of IP, and what it makes of IP's answers. */
#include "support/raw_tcp.h"

static uint8_t out[RAW_MAX];

static const char *state_of(const struct raw *r, la_sock sock)
{
  return la_state_name(raw_info(r, sock).state);
}

static la_sock connected(struct raw *r)
{
  const la_sock sock = raw_connecting(r, raw_peer(), out);

  raw_accepts(r, out, 0);
  assert_string_equal(state_of(r, sock), "ESTABLISHED");
  return sock;
}

/* ---- addresses ---- */

TEST(nobody_connects_to_a_broadcast_or_multicast_address_or_to_none)
{
  const la_addr bad[] = {
    la_ip4(255, 255, 255, 255), la_ip4(192, 0, 2, 255), la_ip4(224, 0, 0, 1),
    la_ip4(239, 1, 2, 3), la_ip4(0, 0, 0, 0), { 0 },
  };
  struct raw r = raw_new(LA_MEDIUM_IP);
  la_sock sock;

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
    assert_true(la_tcp_connect(r.stack, sock, (la_endpoint){ bad[i], 80 }) < 0);
    assert_string_equal(state_of(&r, sock), "CLOSED");
    assert_int_equal(la_tcp_forget(r.stack, sock), 0);
  }
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(the_local_address_is_the_routes_or_the_one_that_was_bound_and_stays)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_addr second = la_ip4(192, 0, 2, 77);
  la_sock sock;

  assert_int_equal(la_addr_add(r.stack, 0, second, 24), 0);
  sock = connected(&r);
  assert_memory_equal(out + 12, raw_ours().octets, 4);
  assert_int_equal(la_addr_remove(r.stack, 0, second), 0);
  assert_int_equal(la_addr_add(r.stack, 0, second, 24), 0);
  assert_int_equal(la_tcp_send(r.stack, sock, "x", 1), 1);
  assert_true(raw_take(&r, out) > 40);
  assert_memory_equal(out + 12, raw_ours().octets, 4);
  assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_bind(r.stack, sock, (la_endpoint){ second, 0 }), 0);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw_peer(), 80 }), 0);
  assert_true(raw_take(&r, out) > 40);
  assert_memory_equal(out + 12, second.octets, 4);
  assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_bind(r.stack, sock, (la_endpoint){ raw_peer(), 0 }), -LA_ENOADDR);
  raw_end(&r);
}

static struct raw_ip syn_from(const uint8_t source[4], const uint8_t destination[4])
{
  struct ipv4_header h = raw_header(IP_TCP);
  const struct tcp_header syn = { .source = 1000, .destination = 80, .flags = F_SYN };
  uint8_t tcp[32];
  struct raw_ip p;

  memcpy(h.source, source, 4);
  memcpy(h.destination, destination, 4);
  raw_ip_make(&p, h, tcp, raw_tcp(tcp, &h, &syn, NULL, 0));
  return p;
}

TEST(a_syn_to_or_from_no_single_host_is_dropped_without_a_word)
{
  static const uint8_t good[4] = { 192, 0, 2, 9 }, ours[4] = { 192, 0, 2, 1 };
  static const uint8_t bad[][4] = {
    { 255, 255, 255, 255 }, { 192, 0, 2, 255 }, { 224, 0, 0, 1 }, { 239, 255, 255, 250 },
  };
  struct raw r = raw_new(LA_MEDIUM_IP);
  la_sock listener;
  struct raw_ip p;

  assert_int_equal(la_tcp_open(r.stack, NULL, &listener), 0);
  assert_int_equal(la_tcp_bind(r.stack, listener, (la_endpoint){ { 0 }, 80 }), 0);
  assert_int_equal(la_tcp_listen(r.stack, listener, 4), 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    p = syn_from(good, bad[i]);
    (void)raw_give(&r, p.octets, p.length);
    p = syn_from(bad[i], ours);
    (void)raw_give(&r, p.octets, p.length);
    assert_int_equal(raw_drain(&r), 0);
  }
  assert_int_equal(raw_info(&r, listener).half_open, 0);
  p = syn_from(good, ours);
  assert_true(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_drain(&r), 1);
  raw_end(&r);
}

/* ---- ICMP ---- */

static bool give_icmp(struct raw *r, uint8_t type, uint8_t code, const void *quote)
{
  uint8_t icmp[64];
  struct raw_ip p;

  raw_ip_make(&p, raw_header(IP_ICMP), icmp, raw_icmp(icmp, type, code, 0, quote, 28));
  return raw_give(r, p.octets, p.length);
}

TEST(soft_errors_are_remembered_and_end_nothing)
{
  static const struct { uint8_t type, code; } soft[] = {
    { ICMP_UNREACHABLE, 0 }, { ICMP_UNREACHABLE, 1 }, { ICMP_UNREACHABLE, 5 },
    { ICMP_TIME_EXCEEDED, 0 }, { ICMP_TIME_EXCEEDED, 1 }, { ICMP_PARAMETER_PROBLEM, 0 },
  };

  for (size_t i = 0; i < sizeof soft / sizeof *soft; i++) {
    struct raw r = raw_new(LA_MEDIUM_IP);
    const la_sock sock = connected(&r);

    assert_int_equal(la_tcp_send(r.stack, sock, "x", 1), 1);
    assert_true(raw_take(&r, out) > 40);
    assert_true(give_icmp(&r, soft[i].type, soft[i].code, out));
    assert_string_equal(state_of(&r, sock), "ESTABLISHED");
    assert_int_equal(raw_info(&r, sock).soft_error, LA_EUNREACH);
    raw_end(&r);
  }
}

/* RFC 5927 5.2: what ends an attempt to connect is only remembered by a connection. */
TEST(hard_errors_end_an_attempt_and_no_connection)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  la_sock sock = connected(&r);

  assert_int_equal(la_tcp_send(r.stack, sock, "x", 1), 1);
  assert_true(raw_take(&r, out) > 40);
  assert_true(give_icmp(&r, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, out));
  assert_string_equal(state_of(&r, sock), "ESTABLISHED");
  assert_int_equal(raw_info(&r, sock).soft_error, LA_EREFUSED);
  for (uint8_t code = ICMP_PROTOCOL_UNREACHABLE; code <= ICMP_PORT_UNREACHABLE; code++) {
    assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
    assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw_peer(), 80 }), 0);
    assert_true(raw_take(&r, out) > 40);
    assert_true(give_icmp(&r, ICMP_UNREACHABLE, code, out));
    assert_string_equal(state_of(&r, sock), "CLOSED");
    assert_int_equal(raw_info(&r, sock).error, LA_EREFUSED);
  }
  raw_end(&r);
}

/* All that is told of a socket but its names, whose padding nobody writes. */
static la_sock_info told_of(const struct raw *r, la_sock sock)
{
  la_sock_info info = raw_info(r, sock);

  memset(&info.local, 0, sizeof info.local);
  memset(&info.peer, 0, sizeof info.peer);
  return info;
}

TEST(source_quench_is_discarded_without_a_word)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = connected(&r);
  la_sock_info before, after;

  assert_int_equal(la_tcp_send(r.stack, sock, "x", 1), 1);
  assert_true(raw_take(&r, out) > 40);
  before = told_of(&r, sock);
  assert_false(give_icmp(&r, ICMP_SOURCE_QUENCH, 0, out));
  after = told_of(&r, sock);
  assert_memory_equal(&before, &after, sizeof before);
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

/* ---- what is sent ---- */

static bool checksums_are_good(uint32_t n)
{
  struct ipv4_header h;

  assert_int_equal(ipv4_header_parse(out, n, &h), 20);
  return ipv4_header_sum_good(out, 20) && raw_transport_sum(&h, out + 20, n - 20) == 0;
}

TEST(every_checksum_that_is_sent_is_right)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = connected(&r);
  uint8_t text[3001];
  uint32_t n;
  unsigned segments = 0;

  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i * i);
  assert_int_equal(la_tcp_send(r.stack, sock, text, sizeof text), sizeof text);
  assert_int_equal(la_tcp_close(r.stack, sock), 0);
  for (int turn = 0; turn < 4; turn++, r.now += LA_SEC)   /* and again after each time-out */
    for (; (n = raw_take(&r, out)) > 0; segments++)
      assert_true(checksums_are_good(n));
  assert_true(segments >= 6);
  raw_end(&r);
}

/* ---- advice to IP ---- */

static unsigned asks_for_peer(struct raw *r)
{
  unsigned asked = 0;

  for (uint32_t n; (n = raw_take(r, out)) > 0;)
    asked += be16_get(out + 12) == ETHER_ARP && be16_get(out + 20) == ARP_REQUEST
             && memcmp(out + 38, raw_peer().octets, 4) == 0;
  return asked;
}

static void arp_answers(struct raw *r)
{
  static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
  struct arp a = { .operation = ARP_REPLY, .target_mac = { 2, 0, 0, 0, 0, 1 } };
  struct ether_header h = { .type = ETHER_ARP, .to = { 2, 0, 0, 0, 0, 1 } };
  uint8_t frame[ETHER_HEADER + ARP_OCTETS];

  memcpy(a.sender_mac, mac, 6);
  memcpy(h.from, mac, 6);
  memcpy(a.sender_ip, raw_peer().octets, 4);
  memcpy(a.target_ip, raw_ours().octets, 4);
  (void)ether_header_write(frame, &h);
  (void)arp_write(frame + ETHER_HEADER, &a);
  (void)raw_give(r, frame, sizeof frame);
}

/* R1 is three resends: at 1, 3 and 7 s. Before, the neighbour is trusted for half a minute. */
TEST(at_r1_the_neighbour_is_asked_whether_it_is_still_there)
{
  struct raw r = raw_new(LA_MEDIUM_ETHERNET);
  la_sock sock;
  unsigned before_r1 = 0, after_r1 = 0;

  assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw_peer(), 80 }), 0);
  assert_int_equal(asks_for_peer(&r), 1);
  arp_answers(&r);
  for (int tenths = 0; tenths < 69; tenths++, r.now += LA_SEC / 10)
    before_r1 += asks_for_peer(&r);
  for (int tenths = 0; tenths < 20; tenths++, r.now += LA_SEC / 10)
    after_r1 += asks_for_peer(&r);
  assert_int_equal(before_r1, 0);
  assert_true(after_r1 > 0);
  raw_end(&r);
}

RUN(cmocka_unit_test(nobody_connects_to_a_broadcast_or_multicast_address_or_to_none),
    cmocka_unit_test(the_local_address_is_the_routes_or_the_one_that_was_bound_and_stays),
    cmocka_unit_test(a_syn_to_or_from_no_single_host_is_dropped_without_a_word),
    cmocka_unit_test(soft_errors_are_remembered_and_end_nothing),
    cmocka_unit_test(hard_errors_end_an_attempt_and_no_connection),
    cmocka_unit_test(source_quench_is_discarded_without_a_word),
    cmocka_unit_test(every_checksum_that_is_sent_is_right),
    cmocka_unit_test(at_r1_the_neighbour_is_asked_whether_it_is_still_there))
