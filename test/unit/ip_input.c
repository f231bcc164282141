/* ip_input: which packets IPv4 takes, and the reason for which it refuses each of the others. */
#include "support/raw.h"

static const uint8_t text[8] = "abcdefg";

/* A datagram for an open socket, changed by the test, is refused for this reason and counted. */
static void refused(struct raw *r, const struct raw_ip *p, const char *why)
{
  const uint64_t before = raw_count(r, why);

  assert_false(raw_give(r, p->octets, p->length));
  assert_int_equal(raw_count(r, why), before + 1);
  assert_int_equal(raw_used(r, "slabs"), 0);
}

static struct raw with_socket(la_sock *sock)
{
  struct raw r = raw_new(LA_MEDIUM_IP);

  assert_int_equal(la_udp_open(r.stack, (la_endpoint){ { 0 }, 7 }, NULL, sock), 0);
  return r;
}

static void make(struct raw_ip *p, struct ipv4_header h)
{
  uint8_t udp[64];
  const uint32_t n = raw_udp(udp, &h, 1000, 7, text, sizeof text);

  raw_ip_make(p, h, udp, n);
}

static void resum(struct raw_ip *p)
{
  struct csum c = { 0, false };

  be16_put(p->octets + 10, 0);
  csum_add(&c, p->octets, (size_t)(p->octets[0] & 15) * 4);
  be16_put(p->octets + 10, csum_done(&c));
}

static int received(struct raw *r, la_sock sock, void *octets, uint32_t max)
{
  la_endpoint from;

  return la_udp_recv(r->stack, sock, &from, octets, max);
}

TEST(a_good_datagram_is_taken)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct raw_ip p;
  uint8_t got[8];

  make(&p, raw_header(IP_UDP));
  assert_true(raw_give(&r, p.octets, p.length));
  assert_int_equal(received(&r, sock, got, sizeof got), sizeof text);
  assert_memory_equal(got, text, sizeof text);
  raw_end(&r);
}

/* RFC 1122 3.2.1.7: its way is over, and 0 or 1 left is none of a host's business. */
TEST(a_good_datagram_is_taken_whatever_its_ttl_is)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct raw_ip p;
  uint8_t got[8];

  for (uint8_t ttl = 0; ttl < 2; ttl++) {
    struct ipv4_header h = raw_header(IP_UDP);

    h.ttl = ttl;
    make(&p, h);
    assert_true(raw_give(&r, p.octets, p.length));
    assert_int_equal(received(&r, sock, got, sizeof got), sizeof text);
  }
  raw_end(&r);
}

TEST(options_are_skipped)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct raw_ip p;

  make(&p, raw_header(IP_UDP));
  memmove(p.octets + 28, p.octets + 20, p.length - 20);
  memset(p.octets + 20, 1, 8);
  p.octets[0] = 0x47;
  p.length += 8;
  be16_put(p.octets + 2, (uint16_t)p.length);
  resum(&p);
  assert_true(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_count(&r, "ip_options"), 1);
  raw_end(&r);
}

TEST(what_lies_behind_the_datagram_is_no_text)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct raw_ip p;
  uint8_t got[64];

  make(&p, raw_header(IP_UDP));
  memset(p.octets + p.length, 0x55, 20);
  assert_true(raw_give(&r, p.octets, p.length + 20));
  assert_int_equal(received(&r, sock, got, sizeof got), sizeof text);
  raw_end(&r);
}

TEST(a_header_that_contradicts_itself_is_refused)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct raw_ip p;

  make(&p, raw_header(IP_UDP));
  p.octets[0] = 0x44;
  refused(&r, &p, "IP_HEADER");
  p.octets[0] = 0x55;
  refused(&r, &p, "IP_VERSION");
  p.octets[0] = 0x65;
  refused(&r, &p, "IP_HEADER");
  make(&p, raw_header(IP_UDP));
  p.length--;
  refused(&r, &p, "IP_HEADER");
  p.length = 19;
  refused(&r, &p, "IP_HEADER");
  p.length = 0;
  refused(&r, &p, "IP_HEADER");
  make(&p, raw_header(IP_UDP));
  p.octets[8]--;
  refused(&r, &p, "IP_CHECKSUM");
  raw_end(&r);
}

TEST(sources_that_no_host_has_are_refused)
{
  static const uint8_t sources[][4] = {
    { 0, 0, 0, 0 }, { 127, 0, 0, 1 }, { 224, 0, 0, 1 }, { 255, 255, 255, 255 },
    { 192, 0, 2, 255 }, { 192, 0, 2, 1 }, { 250, 1, 1, 1 }, { 0, 1, 2, 3 },
  };
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct raw_ip p;

  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
    struct ipv4_header h = raw_header(IP_UDP);

    memcpy(h.source, sources[i], 4);
    make(&p, h);
    refused(&r, &p, "IP_SOURCE");
  }
  raw_end(&r);
}

TEST(what_is_not_for_us_is_refused)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct ipv4_header h = raw_header(IP_UDP);
  struct raw_ip p;

  memcpy(h.destination, (uint8_t[]){ 192, 0, 2, 2 }, 4);
  make(&p, h);
  refused(&r, &p, "IP_NOT_OURS");
  memcpy(h.destination, (uint8_t[]){ 127, 0, 0, 1 }, 4);
  make(&p, h);
  refused(&r, &p, "IP_NOT_OURS");
  memcpy(h.destination, (uint8_t[]){ 224, 0, 0, 1 }, 4);
  make(&p, h);
  refused(&r, &p, "IP_MULTICAST");
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(a_broadcast_reaches_udp_and_never_tcp)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct ipv4_header h = raw_header(IP_UDP);
  const struct tcp_header syn = { .source = 1000, .destination = 7, .flags = F_SYN };
  uint8_t tcp[32];
  struct raw_ip p;

  memcpy(h.destination, (uint8_t[]){ 192, 0, 2, 255 }, 4);
  make(&p, h);
  assert_true(raw_give(&r, p.octets, p.length));
  memcpy(h.destination, (uint8_t[]){ 255, 255, 255, 255 }, 4);
  make(&p, h);
  assert_true(raw_give(&r, p.octets, p.length));
  la_sock_info info;
  assert_int_equal(la_sock_get(r.stack, sock, &info), 0);
  assert_int_equal(info.receive_queue, 2 * sizeof text);
  assert_int_equal(la_udp_close(r.stack, sock), 0);
  h.protocol = IP_TCP;
  raw_ip_make(&p, h, tcp, raw_tcp(tcp, &h, &syn, NULL, 0));
  refused(&r, &p, "TCP_BROADCAST");
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(an_unknown_protocol_is_reported)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  static uint8_t out[RAW_MAX];
  struct raw_ip p;

  raw_ip_make(&p, raw_header(99), text, sizeof text);
  refused(&r, &p, "IP_PROTOCOL");
  assert_int_equal(raw_take(&r, out), 20 + 8 + 20 + sizeof text);
  assert_int_equal(out[9], IP_ICMP);
  assert_int_equal(out[20], ICMP_UNREACHABLE);
  assert_int_equal(out[21], ICMP_PROTOCOL_UNREACHABLE);
  assert_memory_equal(out + 28, p.octets, p.length);
  raw_end(&r);
}

TEST(a_segment_that_contradicts_itself_is_refused)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  const struct ipv4_header h = raw_header(IP_TCP);
  const struct tcp_header syn = { .source = 1000, .destination = 7, .flags = F_SYN };
  uint8_t tcp[32];
  struct raw_ip p;

  raw_ip_make(&p, h, tcp, raw_tcp(tcp, &h, &syn, NULL, 0));
  p.octets[20 + 16] ^= 1;
  refused(&r, &p, "TCP_CHECKSUM");
  raw_ip_make(&p, h, tcp, raw_tcp(tcp, &h, &syn, NULL, 0));
  p.octets[20 + 12] = 0x40;
  refused(&r, &p, "TCP_HEADER");
  assert_int_equal(raw_drain(&r), 0);
  /* A device that has verified the checksum is believed. */
  raw_ip_make(&p, h, tcp, raw_tcp(tcp, &h, &syn, NULL, 0));
  p.octets[20 + 16] ^= 1;
  r.flags = LA_PKT_CSUM_OK;
  refused(&r, &p, "CLOSED_PORT");
  raw_end(&r);
}

TEST(a_udp_datagram_that_contradicts_itself_is_refused)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  struct raw_ip p;

  make(&p, raw_header(IP_UDP));
  p.octets[20 + 7] ^= 1;
  refused(&r, &p, "UDP_CHECKSUM");
  make(&p, raw_header(IP_UDP));
  be16_put(p.octets + 24, 7);
  refused(&r, &p, "UDP_HEADER");
  be16_put(p.octets + 24, 17);
  refused(&r, &p, "UDP_HEADER");
  make(&p, raw_header(IP_UDP));
  be16_put(p.octets + 26, 0);                 /* RFC 768: no checksum */
  assert_true(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_count(&r, "udp_no_csum"), 1);
  raw_end(&r);
}

TEST(an_interface_that_is_down_takes_nothing)
{
  la_sock sock;
  struct raw r = with_socket(&sock);
  la_iface iface;
  struct raw_ip p;

  make(&p, raw_header(IP_UDP));
  assert_int_equal(la_iface_get(r.stack, 0, &iface), 0);
  iface.flags = 0;
  assert_int_equal(la_iface_set(r.stack, 0, &iface), 0);
  refused(&r, &p, "IFACE_DOWN");
  r.iface = 2;
  refused(&r, &p, "IFACE_DOWN");
  raw_end(&r);
}

RUN(cmocka_unit_test(a_good_datagram_is_taken),
    cmocka_unit_test(a_good_datagram_is_taken_whatever_its_ttl_is),
    cmocka_unit_test(options_are_skipped),
    cmocka_unit_test(what_lies_behind_the_datagram_is_no_text),
    cmocka_unit_test(a_header_that_contradicts_itself_is_refused),
    cmocka_unit_test(sources_that_no_host_has_are_refused),
    cmocka_unit_test(what_is_not_for_us_is_refused),
    cmocka_unit_test(a_broadcast_reaches_udp_and_never_tcp),
    cmocka_unit_test(an_unknown_protocol_is_reported),
    cmocka_unit_test(a_segment_that_contradicts_itself_is_refused),
    cmocka_unit_test(a_udp_datagram_that_contradicts_itself_is_refused),
    cmocka_unit_test(an_interface_that_is_down_takes_nothing))
