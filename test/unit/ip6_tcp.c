/* ip6_tcp: TCP's segments over IPv6: headers, checksums and their offload, super-segments cut, what
 * a SYN offers, and where a conversation is held from. */
#include "support/raw_tcp.h"

enum { GSO_MAX = 20000, MSS = 1400 };

static uint8_t out[RAW_MAX];
static struct raw_ip p;

static la_sock established(struct raw *r, uint32_t gso_max, uint32_t flags)
{
  la_iface iface;
  la_sock sock;

  assert_int_equal(la_iface_get(r->stack, 0, &iface), 0);
  iface.gso_max = gso_max;
  iface.flags |= flags;
  assert_int_equal(la_iface_set(r->stack, 0, &iface), 0);
  assert_int_equal(la_tcp_open(r->stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_set(r->stack, sock, LA_OPT_DSCP, 46), 0);
  assert_int_equal(la_tcp_set(r->stack, sock, LA_OPT_TTL, 33), 0);
  raw_connect(r, sock, raw6_peer(), out);
  raw_accepts(r, out, MSS);
  return sock;
}

TEST(a_syn_offers_what_the_link_carries_and_the_marks_are_the_sockets)
{
  struct raw r = raw6_new();
  struct tcp_header h;

  (void)established(&r, 0, 0);
  (void)r;
  assert_true(tcp_header_parse(out + 40, 60, &h) > 0);
  assert_int_equal(h.options.mss, 1440);
  raw_end(&r);
}

TEST(segments_of_a_connection_carry_its_marks_and_one_flow_label)
{
  static const uint8_t text[5000];
  struct raw r = raw6_new();
  const la_sock sock = established(&r, 0, 0);
  uint32_t label = 0;

  assert_int_equal(la_tcp_send(r.stack, sock, text, sizeof text), sizeof text);
  for (uint32_t n; (n = raw_take(&r, out)) > 0;) {
    const struct ipv6_header h = raw6_check(out, n);

    assert_true(n <= 1500);
    assert_int_equal(h.hop_limit, 33);
    assert_int_equal(h.traffic_class, 46 << 2);
    assert_true(h.flow_label != 0 && (label == 0 || label == h.flow_label));
    label = h.flow_label;
  }
  raw_end(&r);
}

TEST(the_pieces_of_a_super_segment_are_the_whole)
{
  static uint8_t text[9500];
  struct raw r = raw6_new();
  const la_sock sock = established(&r, GSO_MAX, 0);
  la_pkt super = raw_super(&r, sock, text, sizeof text), piece[4];
  const uint32_t whole = (uint32_t)la_pkt_length(&super) - super.head_length;
  struct tcp_header first, h;
  uint32_t at = 0;
  size_t n, number = 0;

  assert_true(super.gso_size > 0 && whole > 2u * super.gso_size);
  assert_true(tcp_header_parse(super.head + 40, 40, &first) > 0);
  while ((n = la_gso_split(r.stack, &super, number, piece, 4)) > 0)
    for (size_t i = 0; i < n; i++, number++) {
      const uint32_t length = (uint32_t)la_pkt_copy(&piece[i], out, sizeof out);
      const uint32_t header = 40 + (uint32_t)tcp_header_parse(out + 40, length - 40, &h);

      (void)raw6_check(out, length);
      assert_int_equal(h.seq, first.seq + at);
      assert_memory_equal(out + header, text + at, length - header);
      at += length - header;
      assert_true(length - header == super.gso_size || at == whole);
      assert_int_equal(h.flags & F_PSH, at == whole ? first.flags & F_PSH : 0);
      la_pkt_release(r.stack, &piece[i]);
    }
  assert_int_equal(at, whole);
  la_pkt_release(r.stack, &super);
  raw_end(&r);
}

TEST(a_checksum_left_to_a_device_is_the_pseudo_headers)
{
  static uint8_t text[3000];
  struct raw r = raw6_new();
  const la_sock sock = established(&r, GSO_MAX, LA_IFACE_CSUM_TX);
  la_pkt super = raw_super(&r, sock, text, sizeof text);
  const uint32_t length = (uint32_t)la_pkt_copy(&super, out, sizeof out);
  struct ipv6_header h;
  struct csum c = { 0, false };

  assert_true(super.flags & LA_PKT_CSUM_PARTIAL);
  assert_int_equal(super.csum_start, 40);
  assert_int_equal(super.csum_offset, 16);
  assert_int_equal(ipv6_header_parse(out, length, &h), 40);
  ip_pseudo_sum(&c, &h.source, &h.destination, IP_TCP, length - 40);
  assert_int_equal(be16_get(out + 56), csum_fold(&c));
  la_pkt_release(r.stack, &super);
  raw_end(&r);
}

/* A SYN that nobody listens for, and one that a listener of any family takes. */
TEST(a_reset_and_a_handshake_go_back_where_they_came_from)
{
  struct raw r = raw6_new();
  struct tcp_header syn = {
    .source = 1000, .destination = 9, .seq = 77, .flags = F_SYN, .window = 1000
  };
  la_sock listener;
  struct tcp_header h;
  uint32_t n;

  raw6_tcp(&p, raw6_header(IP_TCP), &syn, NULL, 0, NULL, 0);
  assert_false(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_take(&r, out), 60);
  (void)raw6_check(out, 60);
  assert_true(tcp_header_parse(out + 40, 20, &h) > 0);
  assert_int_equal(h.flags, F_RST | F_ACK);
  assert_int_equal(la_tcp_open(r.stack, NULL, &listener), 0);
  assert_int_equal(la_tcp_bind(r.stack, listener, (la_endpoint){ { 0 }, 80 }), 0);
  assert_int_equal(la_tcp_listen(r.stack, listener, 4), 0);
  syn.destination = 80;
  raw6_tcp(&p, raw6_header(IP_TCP), &syn, NULL, 0, NULL, 0);
  assert_true(raw_give(&r, p.octets, p.length));
  n = raw_take(&r, out);
  assert_memory_equal(raw6_check(out, n).source.octets, raw6_ours().octets, 16);
  assert_true(tcp_header_parse(out + 40, n - 40, &h) > 0);
  assert_int_equal(h.flags, F_SYN | F_ACK);
  assert_int_equal(h.ack, 78);
  raw_end(&r);
}

/* RFC 9293 3.7.1: 1220 without an option. */
TEST(a_peer_that_names_no_mss_gets_1220)
{
  static const uint8_t text[3000];
  struct raw r = raw6_new();
  const la_sock sock = raw_connecting(&r, raw6_peer(), out);

  raw_accepts(&r, out, 0);
  assert_int_equal(la_tcp_send(r.stack, sock, text, sizeof text), sizeof text);
  assert_int_equal(raw_take(&r, out), 1280);
  raw_end(&r);
}

/* RFC 6724 5: the scope, the link, the label, the prefix. */
TEST(a_conversation_is_held_from_the_address_that_fits_best)
{
  static const struct {
    const char *to, *from;
  } cases[] = {
    { "fe80::9", "fe80::1" },     { "2001:db8::9", "2001:db8::1" },
    { "fd00::9", "fd00::1" },     { "2001:db8:1::9", "2001:db8:1::1" },
    { "2a00::1", "2001:db8::1" },
  };
  la_config c;
  struct raw r;
  la_sock_info info;
  la_sock sock;

  raw_config(&c);
  c.addresses = 8;
  r = raw_with(&c, LA_MEDIUM_IP);
  assert_int_equal(la_addr_add(r.stack, 0, raw6_addr("fe80::1"), 64), 0);
  assert_int_equal(la_addr_add(r.stack, 0, raw6_addr("fd00::1"), 64), 0);
  assert_int_equal(la_addr_add(r.stack, 0, raw6_ours(), 64), 0);
  assert_int_equal(la_addr_add(r.stack, 0, raw6_addr("2001:db8:1::1"), 64), 0);
  assert_int_equal(la_route_add(r.stack, raw6_addr("::"), 0, raw6_addr("fe80::9"), 0), 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[LA_ADDR_TEXT];

    assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
    assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw6_addr(cases[i].to), 80 }), 0);
    assert_int_equal(la_sock_get(r.stack, sock, &info), 0);
    (void)la_addr_text(info.local.addr, text, sizeof text);
    assert_string_equal(text, cases[i].from);
  }
  raw_end(&r);
}

TEST(families_do_not_mix_in_nets_and_names)
{
  struct raw r = raw6_new();
  la_addr net, via;
  uint8_t prefix;
  int iface;
  la_sock sock;

  assert_int_equal(la_route_add(r.stack, raw6_addr("::"), 0, (la_addr){ 0 }, 0), 0);
  assert_int_equal(la_route_get(r.stack, 0, &net, &prefix, &via, &iface), 0);
  assert_int_equal(net.len, 16);
  assert_int_equal(prefix, 0);
  assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ la_ip4(198, 51, 100, 1), 80 }),
                   -LA_EUNREACH); /* ::/0 is no way to IPv4 */
  assert_int_equal(la_route_add(r.stack, raw6_addr("2001:db8:5::"), 48, la_ip4(192, 0, 2, 7), 0),
                   -LA_EINVAL);
  assert_int_equal(la_route_add(r.stack, raw6_addr("2001:db8:5::"), 129, (la_addr){ 0 }, 0),
                   -LA_EINVAL);
  assert_int_equal(la_addr_add(r.stack, 0, raw6_addr("ff02::5"), 64), -LA_EINVAL);
  assert_int_equal(la_addr_add(r.stack, 0, raw6_addr("::"), 64), -LA_EINVAL);
  assert_int_equal(la_tcp_bind(r.stack, sock, (la_endpoint){ raw_ours(), 0 }), 0);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw6_peer(), 80 }), -LA_EINVAL);
  raw_end(&r);
}

RUN(cmocka_unit_test(a_syn_offers_what_the_link_carries_and_the_marks_are_the_sockets),
    cmocka_unit_test(segments_of_a_connection_carry_its_marks_and_one_flow_label),
    cmocka_unit_test(the_pieces_of_a_super_segment_are_the_whole),
    cmocka_unit_test(a_checksum_left_to_a_device_is_the_pseudo_headers),
    cmocka_unit_test(a_reset_and_a_handshake_go_back_where_they_came_from),
    cmocka_unit_test(a_peer_that_names_no_mss_gets_1220),
    cmocka_unit_test(a_conversation_is_held_from_the_address_that_fits_best),
    cmocka_unit_test(families_do_not_mix_in_nets_and_names))
