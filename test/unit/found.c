/* found: what fuzzing found in the stack, told as stories. */
#include "support/raw.h"

static struct raw_ip ip;

/* A quote as long as it gets, behind an Ethernet header: the longest head there is. */
TEST(the_longest_icmp_error_fits_its_head)
{
  struct raw r = raw_new(LA_MEDIUM_ETHERNET);
  const struct ipv4_header h = raw_header(IP_UDP);
  const struct ether_header ether = {
    { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 9 }, ETHER_IPV4
  };
  uint8_t text[500] = { 0 }, udp[600], frame[700];
  la_pkt pkt;

  assert_int_equal(la_neighbor_add(r.stack, 0, raw_peer(), ether.from), 0);
  (void)raw_drain(&r);
  raw_ip_make(&ip, h, udp, raw_udp(udp, &h, 7, 7, text, sizeof text));
  ether_header_write(frame, &ether);
  memcpy(frame + ETHER_HEADER, ip.octets, ip.length);
  (void)raw_give(&r, frame, ETHER_HEADER + ip.length);
  assert_int_equal(la_output(r.stack, r.now, &pkt, 1), 1);
  assert_true(pkt.head_length > 100);
  assert_true(pkt.head_length <= LA_PKT_HEAD);
  la_pkt_release(r.stack, &pkt);
  raw_end(&r);
}

RUN(cmocka_unit_test(the_longest_icmp_error_fits_its_head))
