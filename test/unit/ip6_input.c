/* ip6_input: which packets IPv6 takes, what it answers to extension headers that it does not know,
 * and the reason for which it refuses each of the others. */
#include "support/raw6.h"

static const uint8_t text[8] = "abcdefg";
static struct raw_ip p;

static struct raw with_socket(la_sock *sock)
{
  struct raw r = raw6_new();

  assert_int_equal(la_udp_open(r.stack, (la_endpoint){ { 0 }, 7 }, NULL, sock), 0);
  return r;
}

static void finish(struct raw *r)
{
  assert_int_equal(raw_used(r, "slabs"), 0);
  raw_end(r);
}

/* The good datagram behind these extension headers, the last of which says that UDP follows. */
static void behind(uint8_t first, const uint8_t *extensions, uint32_t n)
{
  static uint8_t payload[4000];
  uint32_t length;

  raw6_udp(&p, raw6_header(IP_UDP), 1000, 7, text, sizeof text);
  length = p.length - IPV6_HEADER;
  memcpy(payload, extensions, n);
  memcpy(payload + n, p.octets + IPV6_HEADER, length);
  raw6_make(&p, raw6_header(first), payload, n + length);
}

#define BEHIND(first, ...)                                                                         \
  behind(first, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void taken(struct raw *r, la_sock sock)
{
  la_endpoint from;
  uint8_t got[64];

  assert_true(raw_give(r, p.octets, p.length));
  assert_int_equal(la_udp_recv(r->stack, sock, &from, got, sizeof got), sizeof text);
  assert_memory_equal(got, text, sizeof text);
  assert_int_equal(from.addr.len, 16);
  assert_int_equal(from.port, 1000);
  assert_memory_equal(from.addr.octets, raw6_peer().octets, 16);
}

TEST(a_good_datagram_is_taken_and_what_lies_behind_it_is_not)
{
  la_sock sock;
  struct raw r = with_socket(&sock);

  raw6_udp(&p, raw6_header(IP_UDP), 1000, 7, text, sizeof text);
  taken(&r, sock);
  memset(p.octets + p.length, 0x55, 20);
  p.length += 20;
  taken(&r, sock);
  finish(&r);
}

TEST(a_header_that_contradicts_itself_is_refused)
{
  la_sock sock;
  struct raw r = with_socket(&sock);

  raw6_udp(&p, raw6_header(IP_UDP), 1000, 7, text, sizeof text);
  p.length--;
  raw6_refused(&r, &p, "IP_HEADER");
  p.length = 39;
  raw6_refused(&r, &p, "IP_HEADER");
  p.length = 1;
  raw6_refused(&r, &p, "IP_HEADER");
  finish(&r);
}

TEST(sources_that_no_host_has_are_refused)
{
  static const char *const sources[] = {
    "::", "::1", "ff02::1", "::ffff:192.0.2.9", "2001:db8::1",
  };
  la_sock sock;
  struct raw r = with_socket(&sock);

  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    struct ipv6_header h = raw6_header(IP_UDP);

    h.source = raw6_ip(sources[i]);
    raw6_udp(&p, h, 1000, 7, text, sizeof text);
    raw6_refused(&r, &p, "IP_SOURCE");
  }
  assert_int_equal(raw_drain(&r), 0);
  finish(&r);
}

TEST(what_is_not_for_us_is_refused)
{
  static const struct {
    const char *to, *why;
  } strangers[] = {
    { "2001:db8::2", "IP_NOT_OURS" }, { "::1", "IP_NOT_OURS" },
    { "::", "IP_NOT_OURS" },          { "::ffff:192.0.2.1", "IP_NOT_OURS" },
    { "ff02::2", "IP_MULTICAST" },    { "ff02::1:ff00:2", "IP_MULTICAST" },
    { "ff05::1", "IP_MULTICAST" },
  };
  la_sock sock;
  struct raw r = with_socket(&sock);

  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
    struct ipv6_header h = raw6_header(IP_UDP);

    h.destination = raw6_ip(strangers[i].to);
    raw6_udp(&p, h, 1000, 7, text, sizeof text);
    raw6_refused(&r, &p, strangers[i].why);
  }
  assert_int_equal(raw_drain(&r), 0);
  finish(&r);
}

TEST(groups_of_ours_reach_udp_and_never_tcp)
{
  static const char *const groups[] = { "ff02::1", "ff01::1", "ff02::1:ff00:1" };
  const struct tcp_header syn = { .source = 1000, .destination = 7, .flags = F_SYN };
  la_sock sock;
  struct raw r = with_socket(&sock);

  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    struct ipv6_header h = raw6_header(IP_UDP);

    h.destination = raw6_ip(groups[i]);
    raw6_udp(&p, h, 1000, 7, text, sizeof text);
    taken(&r, sock);
    h.next = IP_TCP;
    raw6_tcp(&p, h, &syn, NULL, 0, NULL, 0);
    raw6_refused(&r, &p, "TCP_BROADCAST");
    h.next = 99;
    raw6_make(&p, h, text, sizeof text);
    raw6_refused(&r, &p, "IP_PROTOCOL");
  }
  assert_int_equal(raw_drain(&r), 0); /* RFC 4443 2.4 e: nobody is told */
  finish(&r);
}

TEST(a_datagram_without_a_checksum_is_refused)
{
  la_sock sock;
  struct raw r = with_socket(&sock);

  raw6_udp(&p, raw6_header(IP_UDP), 1000, 7, text, sizeof text);
  p.octets[48] ^= 1;
  raw6_refused(&r, &p, "UDP_CHECKSUM");
  be16_put(p.octets + 46, 0);
  raw6_refused(&r, &p, "UDP_NO_CHECKSUM");
  finish(&r);
}

TEST(what_is_unknown_is_reported)
{
  la_sock sock;
  struct raw r = with_socket(&sock);

  raw6_make(&p, raw6_header(99), text, sizeof text);
  raw6_refused(&r, &p, "IP_PROTOCOL");
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_NEXT_HEADER, 6);
  raw6_make(&p, raw6_header(IP_ICMP), text, sizeof text);
  raw6_refused(&r, &p, "IP_PROTOCOL");
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_NEXT_HEADER, 6);
  raw6_udp(&p, raw6_header(IP_UDP), 1000, 8, text, sizeof text);
  raw6_refused(&r, &p, "UDP_NO_PORT");
  raw6_told(&r, &p, ICMPV6_UNREACHABLE, ICMPV6_PORT_UNREACHABLE, 0);
  BEHIND(IPV6_AUTHENTICATION, IP_UDP, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1);
  raw6_refused(&r, &p, "IP_PROTOCOL");
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_NEXT_HEADER, 6);
  finish(&r);
}

TEST(extension_headers_that_ask_for_nothing_are_passed)
{
  la_sock sock;
  struct raw r = with_socket(&sock);

  BEHIND(IPV6_HOP_BY_HOP, IP_UDP, 0, 1, 4, 0, 0, 0, 0);
  taken(&r, sock);
  BEHIND(IPV6_HOP_BY_HOP, IPV6_DESTINATION, 0, 5, 2, 0, 0, 1, 0, IP_UDP, 0, 0x1e, 4, 1, 2, 3, 4);
  taken(&r, sock);
  BEHIND(IPV6_ROUTING, IP_UDP, 0, 0, 0, 0, 0, 0, 0);
  taken(&r, sock);
  BEHIND(IPV6_FRAGMENT, IP_UDP, 0, 0, 0, 1, 2, 3, 4); /* atomic: RFC 6946 */
  taken(&r, sock);
  assert_int_equal(raw_count(&r, "ip_options"), 4);
  finish(&r);
}

TEST(an_unknown_option_says_what_is_to_be_done)
{
  la_sock sock;
  struct raw r = with_socket(&sock);

  for (unsigned kind = 0; kind < 4; kind++) {
    BEHIND(IPV6_DESTINATION, IP_UDP, 0, 1, 0, (uint8_t)(kind << 6 | 0x21), 2, 0, 0);
    if (kind == 0) {
      taken(&r, sock);
      continue;
    }
    raw6_refused(&r, &p, "IP6_OPTION");
    if (kind >= 2)
      raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_OPTION, 44);
    p.octets[24] = 0xff; /* to all nodes: only 2 is answered */
    p.octets[25] = 2;
    memset(p.octets + 26, 0, 13);
    raw6_refused(&r, &p, "IP6_OPTION");
    if (kind == 2)
      raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_OPTION, 44);
    assert_int_equal(raw_drain(&r), 0);
  }
  finish(&r);
}

TEST(extension_headers_that_cannot_be_are_refused)
{
  static uint8_t many[72];
  la_sock sock;
  struct raw r = with_socket(&sock);

  BEHIND(IPV6_DESTINATION, IPV6_HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, IP_UDP, 0, 1, 4, 0, 0, 0, 0);
  raw6_refused(&r, &p, "IP6_NEXT_HEADER");
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_NEXT_HEADER, 40);
  BEHIND(IPV6_ROUTING, IP_UDP, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
  raw6_refused(&r, &p, "IP6_ROUTING");
  raw6_told(&r, &p, ICMPV6_PARAMETER_PROBLEM, ICMPV6_BAD_FIELD, 42);
  BEHIND(IPV6_DESTINATION, IPV6_NO_NEXT, 0, 1, 4, 0, 0, 0, 0);
  raw6_refused(&r, &p, "IP6_NO_NEXT");
  BEHIND(IPV6_DESTINATION, IP_UDP, 200, 1, 4, 0, 0, 0, 0);
  raw6_refused(&r, &p, "IP6_EXTENSIONS");
  for (unsigned i = 0; i < sizeof many; i += 8)
    memcpy(many + i, (uint8_t[]){ i < 64 ? IPV6_DESTINATION : IP_UDP, 0, 1, 4, 0, 0, 0, 0 }, 8);
  behind(IPV6_DESTINATION, many, sizeof many);
  raw6_refused(&r, &p, "IP6_EXTENSIONS");
  assert_int_equal(raw_drain(&r), 0);
  finish(&r);
}

TEST(no_packet_of_either_family_reaches_a_socket_of_the_other)
{
  struct raw r = raw6_new();
  const la_endpoint four = { { 4, { 0 } }, 7 };
  la_sock sock;
  struct raw_ip q;
  uint8_t udp[64];
  const struct ipv4_header h = raw_header(IP_UDP);

  assert_int_equal(la_udp_open(r.stack, four, NULL, &sock), 0);
  raw6_udp(&p, raw6_header(IP_UDP), 1000, 7, text, sizeof text);
  raw6_refused(&r, &p, "UDP_NO_PORT");
  (void)raw_drain(&r);
  raw_ip_make(&q, h, udp, raw_udp(udp, &h, 1000, 7, text, sizeof text));
  assert_true(raw_give(&r, q.octets, q.length));
  assert_int_equal(la_udp_send(r.stack, sock, (la_endpoint){ raw6_peer(), 9 }, "x", 1), -LA_EINVAL);
  assert_int_equal(la_udp_close(r.stack, sock), 0);
  finish(&r);
}

RUN(cmocka_unit_test(a_good_datagram_is_taken_and_what_lies_behind_it_is_not),
    cmocka_unit_test(a_header_that_contradicts_itself_is_refused),
    cmocka_unit_test(sources_that_no_host_has_are_refused),
    cmocka_unit_test(what_is_not_for_us_is_refused),
    cmocka_unit_test(groups_of_ours_reach_udp_and_never_tcp),
    cmocka_unit_test(a_datagram_without_a_checksum_is_refused),
    cmocka_unit_test(what_is_unknown_is_reported),
    cmocka_unit_test(extension_headers_that_ask_for_nothing_are_passed),
    cmocka_unit_test(an_unknown_option_says_what_is_to_be_done),
    cmocka_unit_test(extension_headers_that_cannot_be_are_refused),
    cmocka_unit_test(no_packet_of_either_family_reaches_a_socket_of_the_other))
