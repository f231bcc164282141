/* gso: a super-segment is cut as a device would cut it; and the checksums that are left to devices
 * are what virtio expects. */
#include "support/raw_tcp.h"

enum { GSO_MAX = 20000, MSS = 1000 };

static uint8_t out[RAW_MAX];

static void give_tcp(struct raw *r, const struct tcp_header *tcp, const void *text, uint32_t n)
{
  const struct ipv4_header h = raw_header(IP_TCP);
  static uint8_t segment[RAW_MAX];
  static struct raw_ip p;

  raw_ip_make(&p, h, segment, raw_tcp(segment, &h, tcp, text, n));
  assert_true(raw_give(r, p.octets, p.length));
}

/* A connection with a segment size of 1000 and a peer that takes everything. */
static la_sock established(struct raw *r, uint32_t gso_max, uint32_t flags)
{
  la_iface iface;
  la_sock sock;

  assert_int_equal(la_iface_get(r->stack, 0, &iface), 0);
  iface.mtu = MSS + 40;
  iface.gso_max = gso_max;
  iface.flags |= flags;
  assert_int_equal(la_iface_set(r->stack, 0, &iface), 0);
  assert_int_equal(la_tcp_open(r->stack, NULL, &sock), 0);
  raw_connect(r, sock, raw_peer(), out);
  raw_accepts(r, out, MSS);
  return sock;
}

static bool sum_good(const uint8_t *ip, uint32_t n)
{
  struct csum c = { 0, false };

  csum_add(&c, ip + 12, 8);
  csum_add16(&c, IP_TCP);
  csum_add16(&c, (uint16_t)(n - 20));
  csum_add(&c, ip + 20, n - 20);
  return csum_good(&c) && ipv4_header_sum_good(ip, 20);
}

TEST(the_pieces_are_the_whole)
{
  static uint8_t text[9500];
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = established(&r, GSO_MAX, 0);
  la_pkt super = raw_super(&r, sock, text, sizeof text), piece[4];
  const uint32_t whole = (uint32_t)la_pkt_length(&super) - super.head_length;
  struct tcp_header first, h;
  uint32_t at = 0;
  size_t n, number = 0;

  assert_true(super.gso_size > 0 && whole > 2u * super.gso_size);
  assert_true(tcp_header_parse(super.head + 20, 40, &first) > 0);
  assert_int_equal(la_pkt_copy(&super, out, sizeof out), super.head_length + whole);
  assert_true(super.flags & LA_PKT_CSUM_PARTIAL);           /* whoever cuts makes the checksums */
  while ((n = la_gso_split(r.stack, &super, number, piece, 4)) > 0) {
    for (size_t i = 0; i < n; i++, number++) {
      const uint32_t length = (uint32_t)la_pkt_copy(&piece[i], out, sizeof out);
      const uint32_t header = 20 + (uint32_t)tcp_header_parse(out + 20, length - 20, &h);

      assert_int_equal(be16_get(out + 2), length);
      assert_true(sum_good(out, length));
      assert_int_equal(h.seq, first.seq + at);
      assert_int_equal(h.ack, first.ack);
      assert_memory_equal(out + header, text + at, length - header);
      at += length - header;
      assert_true(length - header == super.gso_size || at == whole);
      assert_int_equal(h.flags & F_PSH, at == whole ? first.flags & F_PSH : 0);
      la_pkt_release(r.stack, &piece[i]);
    }
  }
  assert_int_equal(at, whole);
  assert_int_equal(number, (whole + super.gso_size - 1) / super.gso_size);
  la_pkt_release(r.stack, &super);
  assert_int_equal(la_tcp_abort(r.stack, sock), 0);
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

/* Virtio 1.2 5.1.6.2: the field holds the pseudo-header's sum, with the length of the whole. */
TEST(a_checksum_left_to_a_device_is_the_pseudo_headers)
{
  static uint8_t text[3000];
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = established(&r, GSO_MAX, LA_IFACE_CSUM_TX);
  la_pkt super = raw_super(&r, sock, text, sizeof text), piece[8];
  const uint32_t length = (uint32_t)la_pkt_copy(&super, out, sizeof out);
  struct csum c = { 0, false };

  assert_true(super.flags & LA_PKT_CSUM_PARTIAL);
  assert_int_equal(super.csum_start, 20);
  assert_int_equal(super.csum_offset, 16);
  csum_add(&c, out + 12, 8);
  csum_add16(&c, IP_TCP);
  csum_add16(&c, (uint16_t)(length - 20));
  assert_int_equal(be16_get(out + 36), csum_fold(&c));
  c = (struct csum){ 0, false };
  csum_add(&c, out + 20, length - 20);        /* what the device does */
  be16_put(out + 36, csum_done(&c));
  assert_true(sum_good(out, length));
  const size_t n = la_gso_split(r.stack, &super, 0, piece, 8);

  assert_int_equal(n, 3);
  for (size_t i = 0; i < n; i++) {
    assert_false(piece[i].flags & LA_PKT_CSUM_PARTIAL);
    assert_true(sum_good(out, (uint32_t)la_pkt_copy(&piece[i], out, sizeof out)));
    la_pkt_release(r.stack, &piece[i]);
  }
  la_pkt_release(r.stack, &super);
  raw_end(&r);
}

TEST(a_plain_packet_is_one_piece_with_its_checksum_complete)
{
  static uint8_t text[100];
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = established(&r, 0, LA_IFACE_CSUM_TX);
  la_pkt pkt = raw_super(&r, sock, text, sizeof text), piece;

  assert_int_equal(pkt.gso_size, 0);
  assert_int_equal(la_gso_split(r.stack, &pkt, 0, &piece, 1), 1);
  assert_int_equal(la_gso_split(r.stack, &pkt, 1, &piece, 1), 0);
  assert_int_equal(la_gso_split(r.stack, &pkt, 0, NULL, 0), 0);
  assert_true(sum_good(out, (uint32_t)la_pkt_copy(&piece, out, sizeof out)));
  la_pkt_release(r.stack, &piece);
  la_pkt_release(r.stack, &pkt);
  raw_end(&r);
}

/* Coming in, one packet carries many segments: it is taken as one (the device trusted its sum). */
TEST(a_super_packet_coming_in_is_one_segment)
{
  static uint8_t text[9000], got[9000];
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = established(&r, 0, 0);
  la_sock_info info;

  assert_int_equal(la_sock_get(r.stack, sock, &info), 0);
  for (uint32_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i * 3 + i / 256);
  const struct tcp_header h = {
    .source = 80, .destination = info.local.port, .seq = info.rcv_nxt, .ack = info.snd_nxt,
    .flags = F_ACK | F_PSH, .window = 65535,
  };

  r.flags = LA_PKT_CSUM_PARTIAL;
  give_tcp(&r, &h, text, sizeof text);
  assert_int_equal(la_tcp_recv(r.stack, sock, got, sizeof got), sizeof got);
  assert_memory_equal(text, got, sizeof got);
  raw_end(&r);
}

/* The interface loses its offload in mid-transfer: from the next segment on, one at a time. */
TEST(a_device_may_stop_taking_super_segments)
{
  static uint8_t text[9500];
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = established(&r, GSO_MAX, 0);
  la_iface iface;
  la_pkt pkt;

  assert_int_equal(la_iface_get(r.stack, 0, &iface), 0);
  iface.gso_max = 0;
  assert_int_equal(la_iface_set(r.stack, 0, &iface), 0);
  assert_int_equal(la_tcp_send(r.stack, sock, text, sizeof text), sizeof text);
  for (int i = 0; i < 20; i++) {
    while (la_output(r.stack, r.now, &pkt, 1) == 1) {
      assert_int_equal(pkt.gso_size, 0);
      assert_true(la_pkt_length(&pkt) <= iface.mtu);
      la_pkt_release(r.stack, &pkt);
    }
    r.now += 100 * LA_MS;
  }
  assert_int_equal(raw_count(&r, "TOO_BIG"), 1);
  raw_end(&r);
}

RUN(cmocka_unit_test(the_pieces_are_the_whole),
    cmocka_unit_test(a_checksum_left_to_a_device_is_the_pseudo_headers),
    cmocka_unit_test(a_plain_packet_is_one_piece_with_its_checksum_complete),
    cmocka_unit_test(a_super_packet_coming_in_is_one_segment),
    cmocka_unit_test(a_device_may_stop_taking_super_segments))
