/* ip6_icmp: echo is answered; errors about our segments are believed if what they quote is in
 * flight; paths become narrower, never below 1280 octets, and ten minutes later wide again. */
#include "support/raw_tcp.h"

static uint8_t out[RAW_MAX];
static struct raw_ip p;

static bool give_icmp(struct raw *r, uint8_t type, uint8_t code, uint32_t rest, const void *text,
                      uint32_t n)
{
  raw6_icmp(&p, raw6_header(IP_ICMPV6), type, code, rest, text, n);
  return raw_give(r, p.octets, p.length);
}

TEST(an_echo_comes_back_octet_by_octet)
{
  struct raw r = raw6_new();
  uint8_t text[1400];

  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i * 3);
  for (uint32_t n = 0; n < sizeof text; n += 111) {
    assert_true(give_icmp(&r, ICMPV6_ECHO, 0, 0x12340001 + n, text, n));
    assert_int_equal(raw_take(&r, out), 48 + n);
    const struct ipv6_header h = raw6_check(out, 48 + n);

    assert_memory_equal(h.source.octets, raw6_ours().octets, 16);
    assert_memory_equal(h.destination.octets, raw6_peer().octets, 16);
    assert_int_equal(out[40], ICMPV6_ECHO_REPLY);
    assert_int_equal(be32_get(out + 44), 0x12340001 + n);
    assert_memory_equal(out + 48, text, n);
  }
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(a_large_echo_comes_back_in_fragments)
{
  struct raw r = raw6_new();
  static uint8_t text[5000], whole[6000];
  uint32_t octets = 0, id = 0;
  unsigned packets = 0;
  struct csum c = { 0, false };

  assert_true(give_icmp(&r, ICMPV6_ECHO, 0, 1, text, sizeof text));
  for (uint32_t n; (n = raw_take(&r, out)) > 0; packets++) {
    const struct ipv6_header h = raw6_check(out, n);
    const struct ipv6_upper u = ipv6_upper_find(out, n);

    assert_true(n <= 1500 && h.next == IPV6_FRAGMENT);
    assert_true(u.fragment && u.protocol == IP_ICMPV6);
    assert_int_equal(u.offset, octets);
    assert_true(packets == 0 || u.id == id);
    id = u.id;
    memcpy(whole + octets, out + u.at, n - u.at);
    octets += n - (uint32_t)u.at;
    assert_int_equal(u.more_fragments, octets < 8 + sizeof text);
  }
  assert_int_equal(octets, 8 + sizeof text);
  assert_int_equal(packets, 4);
  ip_pseudo_sum(&c, &(struct ip_addr){ { 0 } }, &(struct ip_addr){ { 0 } }, IP_ICMPV6, octets);
  csum_add(&c, raw6_ours().octets, 16);
  csum_add(&c, raw6_peer().octets, 16);
  csum_add(&c, whole, octets);
  assert_true(csum_good(&c));
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(an_echo_to_all_or_from_nobody_and_a_broken_one_are_not_answered)
{
  struct raw r = raw6_new();
  struct ipv6_header h = raw6_header(IP_ICMPV6);

  h.destination = raw6_ip("ff02::1");
  raw6_icmp(&p, h, ICMPV6_ECHO, 0, 1, "x", 1);
  raw6_refused(&r, &p, "ICMP_BROADCAST");
  h.source = raw6_ip("::");
  raw6_icmp(&p, h, ICMPV6_ECHO, 0, 1, "x", 1);
  raw6_refused(&r, &p, "IP_SOURCE");
  raw6_icmp(&p, raw6_header(IP_ICMPV6), ICMPV6_ECHO, 0, 1, "x", 1);
  p.octets[48] ^= 1;
  raw6_refused(&r, &p, "ICMP_CHECKSUM");
  p.octets[5] -= 2;
  p.length -= 2;
  raw6_refused(&r, &p, "ICMP_CHECKSUM");
  assert_false(give_icmp(&r, 200, 0, 0, out, 28));
  assert_false(give_icmp(&r, ICMPV6_ECHO_REPLY, 0, 0, out, 28));
  assert_false(give_icmp(&r, 0, 0, 0, out, 28));
  assert_int_equal(raw_count(&r, "ICMP_UNKNOWN"), 3);
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(errors_are_sent_so_many_a_second_and_none_about_errors)
{
  struct raw r = raw6_new();
  uint8_t quote[1400] = { 0x60 };

  for (unsigned i = 0; i < 300; i++) {
    raw6_udp(&p, raw6_header(IP_UDP), 1, 2, quote, i % 2 ? sizeof quote : 1);
    raw6_refused(&r, &p, "UDP_NO_PORT");
    if (i < 100)
      raw6_told(&r, &p, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0);
  }
  assert_int_equal(raw_count(&r, "icmp_errors_out"), 100);
  assert_int_equal(raw_count(&r, "icmp_limited"), 200);
  r.now += LA_SEC;
  assert_false(give_icmp(&r, ICMPV6_UNREACHABLE, 0, 0, quote, 4));
  assert_false(give_icmp(&r, ICMPV6_UNREACHABLE, 0, 0, quote, 48));
  assert_int_equal(raw_count(&r, "ICMP_QUOTE"), 2);
  raw6_icmp(&p, raw6_header(IPV6_DESTINATION), ICMPV6_UNREACHABLE, 0, 0, quote, 48);
  raw6_refused(&r, &p, "IP6_EXTENSIONS");
  assert_int_equal(raw_drain(&r), 0);
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(a_hard_error_ends_an_attempt_and_a_soft_one_is_remembered)
{
  static const struct {
    uint8_t type, code;
  } soft[] = {
    { ICMPV6_UNREACHABLE, 0 },   { ICMPV6_UNREACHABLE, 2 },       { ICMPV6_UNREACHABLE, 3 },
    { ICMPV6_TIME_EXCEEDED, 0 }, { ICMPV6_PARAMETER_PROBLEM, 2 },
  };
  struct raw r = raw6_new();
  la_sock sock = raw_connecting(&r, raw6_peer(), out);

  for (size_t i = 0; i < sizeof soft / sizeof *soft; i++) {
    assert_true(give_icmp(&r, soft[i].type, soft[i].code, 0, out, 60));
    assert_int_equal(raw_info(&r, sock).soft_error, LA_EUNREACH);
    assert_string_equal(la_state_name(raw_info(&r, sock).state), "SYN-SENT");
  }
  assert_true(give_icmp(&r, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0, out, 60));
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "CLOSED");
  assert_int_equal(raw_info(&r, sock).error, LA_EREFUSED);
  assert_false(give_icmp(&r, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0, out, 60));
  assert_int_equal(raw_count(&r, "ICMP_NOBODY"), 1);
  sock = raw_connecting(&r, raw6_peer(), out);
  assert_true(give_icmp(&r, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_NEXT_HEADER, 0, out, 60));
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "CLOSED");
  sock = raw_connecting(&r, raw6_peer(), out);
  assert_true(give_icmp(&r, ICMPV6_UNREACHABLE, ICMPV6_PROHIBITED, 0, out, 60));
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "CLOSED");
  assert_int_equal(raw_info(&r, sock).error, LA_EREFUSED);
  raw_end(&r);
}

TEST(an_error_about_what_is_not_in_flight_is_not_believed)
{
  struct raw r = raw6_new();
  la_sock sock = raw_connecting(&r, raw6_peer(), out);

  be32_put(out + 44, be32_get(out + 44) + 1);
  assert_false(give_icmp(&r, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0, out, 60));
  be32_put(out + 44, be32_get(out + 44) - 2);
  assert_false(give_icmp(&r, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0, out, 60));
  assert_int_equal(raw_count(&r, "ICMP_NO_FLIGHT"), 2);
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "SYN-SENT");
  raw_end(&r);
}

TEST(a_udp_socket_hears_that_nobody_listens)
{
  struct raw r = raw6_new();
  const la_endpoint peer = { raw6_peer(), 9 };
  la_sock sock;

  assert_int_equal(la_udp_open(r.stack, (la_endpoint){ { 0 }, 7 }, NULL, &sock), 0);
  assert_int_equal(la_udp_send(r.stack, sock, peer, "x", 1), 0);
  assert_int_equal(raw_take(&r, out), 49);
  assert_int_equal(raw6_check(out, 49).next, IP_UDP);
  assert_true(give_icmp(&r, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0, out, 49));
  assert_int_equal(la_udp_send(r.stack, sock, peer, "x", 1), -LA_EREFUSED);
  assert_int_equal(la_udp_send(r.stack, sock, peer, "x", 1), 0);
  raw_end(&r);
}

static la_sock established(struct raw *r)
{
  const la_sock sock = raw_connecting(r, raw6_peer(), out);

  raw_accepts(r, out, 1440);
  assert_string_equal(la_state_name(raw_info(r, sock).state), "ESTABLISHED");
  return sock;
}

TEST(a_path_becomes_narrower_and_in_ten_minutes_wide_again)
{
  static const uint8_t text[3000];
  struct raw r = raw6_new();
  const la_sock sock = established(&r);

  assert_int_equal(la_tcp_send(r.stack, sock, text, sizeof text), sizeof text);
  assert_int_equal(raw_take(&r, out), 1500);
  (void)raw6_check(out, 1500);
  assert_false(give_icmp(&r, ICMPV6_PACKET_TOO_BIG, 0, 1500, out, 1000));
  assert_false(give_icmp(&r, ICMPV6_PACKET_TOO_BIG, 0, 1279, out, 1000));
  assert_false(give_icmp(&r, ICMPV6_PACKET_TOO_BIG, 0, 0, out, 1000));
  assert_int_equal(raw_count(&r, "ICMP_MTU"), 3);
  assert_true(give_icmp(&r, ICMPV6_PACKET_TOO_BIG, 0, 1400, out, 1000));
  assert_int_equal(raw_info(&r, sock).path_mtu, 1400);
  assert_int_equal(raw_take(&r, out), 1400);
  assert_true(give_icmp(&r, ICMPV6_PACKET_TOO_BIG, 0, 1280, out, 1000));
  assert_int_equal(raw_info(&r, sock).path_mtu, 1280);
  assert_int_equal(raw_count(&r, "pmtu_lowered"), 2);
  (void)raw_drain(&r);
  r.now += 601 * LA_SEC;
  (void)raw_drain(&r);
  assert_int_equal(raw_count(&r, "pmtu_aged"), 1);
  assert_int_equal(raw_info(&r, sock).path_mtu, 1500);
  raw_end(&r);
}

TEST(a_link_too_narrow_for_ipv6_carries_none)
{
  struct raw r = raw6_new();
  la_iface iface;
  la_sock sock;

  assert_int_equal(la_iface_get(r.stack, 0, &iface), 0);
  iface.mtu = 1279;
  assert_int_equal(la_iface_set(r.stack, 0, &iface), 0);
  assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw6_peer(), 80 }), -LA_EUNREACH);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw_peer(), 80 }), 0);
  raw_end(&r);
}

RUN(cmocka_unit_test(an_echo_comes_back_octet_by_octet),
    cmocka_unit_test(a_large_echo_comes_back_in_fragments),
    cmocka_unit_test(an_echo_to_all_or_from_nobody_and_a_broken_one_are_not_answered),
    cmocka_unit_test(errors_are_sent_so_many_a_second_and_none_about_errors),
    cmocka_unit_test(a_hard_error_ends_an_attempt_and_a_soft_one_is_remembered),
    cmocka_unit_test(an_error_about_what_is_not_in_flight_is_not_believed),
    cmocka_unit_test(a_udp_socket_hears_that_nobody_listens),
    cmocka_unit_test(a_path_becomes_narrower_and_in_ten_minutes_wide_again),
    cmocka_unit_test(a_link_too_narrow_for_ipv6_carries_none))
