/* ip_icmp: echo is answered; errors about our segments are believed if what they quote is in
 * flight; paths become narrower and, ten minutes later, wide again. */
#include "support/raw_tcp.h"

static uint8_t out[RAW_MAX];

static bool give_icmp(struct raw *r, uint8_t type, uint8_t code, uint32_t rest, const void *text,
                      uint32_t n)
{
  static struct raw_ip p;
  static uint8_t icmp[RAW_MAX];

  raw_ip_make(&p, raw_header(IP_ICMP), icmp, raw_icmp(icmp, type, code, rest, text, n));
  return raw_give(r, p.octets, p.length);
}

TEST(an_echo_comes_back_octet_by_octet)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  uint8_t text[3000];

  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i * 3);
  for (uint32_t n = 0; n < 1400; n += 111) {
    struct csum c = { 0, false };

    assert_true(give_icmp(&r, ICMP_ECHO, 0, 0x12340001, text, n));
    assert_int_equal(raw_take(&r, out), 28 + n);
    assert_memory_equal(out + 12, raw_ours().octets, 4);
    assert_memory_equal(out + 16, raw_peer().octets, 4);
    assert_true(ipv4_header_sum_good(out, 20));
    assert_int_equal(out[20], ICMP_ECHO_REPLY);
    assert_int_equal(be32_get(out + 24), 0x12340001);
    assert_memory_equal(out + 28, text, n);
    csum_add(&c, out + 20, 8 + n);
    assert_true(csum_good(&c));
  }
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(a_large_echo_comes_back_in_fragments)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  static uint8_t text[5000];
  uint32_t octets = 0;
  unsigned packets = 0;

  assert_true(give_icmp(&r, ICMP_ECHO, 0, 1, text, sizeof text));
  for (uint32_t n; (n = raw_take(&r, out)) > 0; packets++) {
    struct ipv4_header h = { 0 };

    assert_true(n <= 1500);
    assert_int_equal(ipv4_header_parse(out, n, &h), 20);
    assert_int_equal(h.offset, octets);
    octets += n - 20;
    assert_int_equal(h.more_fragments, octets < 8 + sizeof text);
  }
  assert_int_equal(octets, 8 + sizeof text);
  assert_int_equal(packets, 4);
  assert_int_equal(raw_used(&r, "slabs"), 0);
  raw_end(&r);
}

TEST(an_echo_to_all_and_a_broken_one_are_not_answered)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  struct ipv4_header h = raw_header(IP_ICMP);
  uint8_t icmp[64];
  struct raw_ip p;
  const uint32_t n = raw_icmp(icmp, ICMP_ECHO, 0, 1, "x", 1);

  memcpy(h.destination, (uint8_t[]){ 192, 0, 2, 255 }, 4);
  raw_ip_make(&p, h, icmp, n);
  assert_false(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_count(&r, "ICMP_BROADCAST"), 1);
  icmp[8] ^= 1;
  raw_ip_make(&p, raw_header(IP_ICMP), icmp, n);
  assert_false(raw_give(&r, p.octets, p.length));
  raw_ip_make(&p, raw_header(IP_ICMP), icmp, 7);
  assert_false(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_count(&r, "ICMP_CHECKSUM"), 2);
  assert_false(give_icmp(&r, ICMP_REDIRECT, 0, 0, out, 28));
  assert_false(give_icmp(&r, 42, 0, 0, out, 28));
  assert_int_equal(raw_count(&r, "ICMP_UNKNOWN"), 2);
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(errors_are_sent_so_many_a_second)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  const struct ipv4_header h = raw_header(IP_UDP);
  uint8_t udp[16];
  struct raw_ip p;

  raw_ip_make(&p, h, udp, raw_udp(udp, &h, 1, 2, "x", 1));
  for (unsigned i = 0; i < 300; i++) {
    assert_false(raw_give(&r, p.octets, p.length));
    (void)raw_drain(&r);
  }
  assert_int_equal(raw_count(&r, "icmp_errors_out"), 100);
  assert_int_equal(raw_count(&r, "icmp_limited"), 200);
  r.now += LA_SEC;
  assert_false(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_take(&r, out), 28 + p.length);
  assert_int_equal(out[20], ICMP_UNREACHABLE);
  assert_int_equal(out[21], ICMP_PORT_UNREACHABLE);
  raw_end(&r);
}

TEST(no_error_answers_an_error)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  struct ipv4_header h = raw_header(IP_UDP);
  uint8_t udp[16];
  struct raw_ip p;

  /* An error that quotes nothing of ours; a datagram to all. */
  assert_false(give_icmp(&r, ICMP_UNREACHABLE, 1, 0, out, 4));
  memset(out, 0, 28);
  assert_false(give_icmp(&r, ICMP_UNREACHABLE, 1, 0, out, 28));
  assert_int_equal(raw_count(&r, "ICMP_QUOTE"), 2);
  memcpy(h.destination, (uint8_t[]){ 192, 0, 2, 255 }, 4);
  raw_ip_make(&p, h, udp, raw_udp(udp, &h, 1, 2, "x", 1));
  assert_false(raw_give(&r, p.octets, p.length));
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(a_hard_error_ends_an_attempt_and_a_soft_one_is_remembered)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  la_sock sock = raw_connecting(&r, raw_peer(), out);

  assert_true(give_icmp(&r, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0, out, 28));
  assert_int_equal(raw_info(&r, sock).soft_error, LA_EUNREACH);
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "SYN-SENT");
  assert_true(give_icmp(&r, ICMP_TIME_EXCEEDED, 0, 0, out, 28));
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "SYN-SENT");
  assert_true(give_icmp(&r, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, out, 28));
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "CLOSED");
  assert_int_equal(raw_info(&r, sock).error, LA_EREFUSED);
  assert_int_equal(raw_count(&r, "icmp_errors_in"), 3);
  assert_false(give_icmp(&r, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, out, 28));
  assert_int_equal(raw_count(&r, "ICMP_NOBODY"), 1);
  raw_end(&r);
}

TEST(an_error_about_what_is_not_in_flight_is_not_believed)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  la_sock sock = raw_connecting(&r, raw_peer(), out);

  be32_put(out + 24, be32_get(out + 24) + 1);
  assert_false(give_icmp(&r, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, out, 28));
  be32_put(out + 24, be32_get(out + 24) - 2);
  assert_false(give_icmp(&r, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0, out, 28));
  assert_int_equal(raw_count(&r, "ICMP_NO_FLIGHT"), 2);
  assert_string_equal(la_state_name(raw_info(&r, sock).state), "SYN-SENT");
  raw_end(&r);
}

static la_sock established(struct raw *r)
{
  const la_sock sock = raw_connecting(r, raw_peer(), out);

  raw_accepts(r, out, 0);
  assert_string_equal(la_state_name(raw_info(r, sock).state), "ESTABLISHED");
  return sock;
}

static uint32_t send_full_segment(struct raw *r, la_sock sock)
{
  static const uint8_t text[1400];

  assert_int_equal(la_tcp_send(r->stack, sock, text, sizeof text), sizeof text);
  return raw_take(r, out);
}

/* With the default MSS of 536 (no option came) packets are small, so the MTU must go below. */
TEST(a_path_becomes_narrower_and_in_ten_minutes_wide_again)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = established(&r);

  assert_int_equal(send_full_segment(&r, sock), 576);
  assert_int_equal(out[6] >> 6, 1);           /* do not fragment */
  assert_false(give_icmp(&r, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 1500, out, 28));
  assert_int_equal(raw_count(&r, "ICMP_MTU"), 1);
  assert_true(give_icmp(&r, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 560, out, 28));
  assert_int_equal(raw_info(&r, sock).path_mtu, 560);
  assert_int_equal(raw_take(&r, out), 560);   /* sent again at once, in smaller pieces */
  assert_true(give_icmp(&r, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 68, out, 28));
  assert_int_equal(raw_info(&r, sock).path_mtu, 552);
  assert_int_equal(raw_count(&r, "pmtu_lowered"), 2);
  (void)raw_drain(&r);
  r.now += 601 * LA_SEC;
  (void)raw_drain(&r);
  assert_int_equal(raw_count(&r, "pmtu_aged"), 1);
  assert_int_equal(raw_info(&r, sock).path_mtu, 1500);
  raw_end(&r);
}

TEST(a_router_that_names_no_mtu_gets_the_next_plateau)
{
  struct raw r = raw_new(LA_MEDIUM_IP);
  const la_sock sock = established(&r);

  assert_int_equal(send_full_segment(&r, sock), 576);
  be16_put(out + 2, 1500);                    /* as if a full packet had been quoted */
  assert_true(give_icmp(&r, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 0, out, 28));
  assert_int_equal(raw_info(&r, sock).path_mtu, 1492);
  raw_end(&r);
}

RUN(cmocka_unit_test(an_echo_comes_back_octet_by_octet),
    cmocka_unit_test(a_large_echo_comes_back_in_fragments),
    cmocka_unit_test(an_echo_to_all_and_a_broken_one_are_not_answered),
    cmocka_unit_test(errors_are_sent_so_many_a_second),
    cmocka_unit_test(no_error_answers_an_error),
    cmocka_unit_test(a_hard_error_ends_an_attempt_and_a_soft_one_is_remembered),
    cmocka_unit_test(an_error_about_what_is_not_in_flight_is_not_believed),
    cmocka_unit_test(a_path_becomes_narrower_and_in_ten_minutes_wide_again),
    cmocka_unit_test(a_router_that_names_no_mtu_gets_the_next_plateau))
