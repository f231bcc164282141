/* print: packets as lines, whole, cut at every octet, and random. */
#include "support/unit.h"

#include "base/be.h"
#include "base/rng.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/icmpv6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/print.h"
#include "wire/tcp.h"
#include "wire/udp.h"

struct packet { uint8_t octets[300]; size_t n; };

static const struct print_bases none = { 0, 0 };

static struct packet ipv4(uint8_t protocol, const void *behind, size_t n)
{
  const struct ipv4_header h = {
    .total = (uint16_t)(20 + n), .ttl = 64, .protocol = protocol, .source = { 10, 0, 0, 1 },
    .destination = { 10, 0, 0, 2 },
  };
  struct packet p = { { 0 }, 20 + n };

  ipv4_header_write(p.octets, &h);
  memcpy(p.octets + 20, behind, n);
  return p;
}

static struct packet tcp(const struct tcp_header *h, size_t text)
{
  uint8_t options[TCP_OPTIONS_MAX], segment[200] = { 0 };
  const size_t n = tcp_options_write(options, &h->options);

  return ipv4(IP_TCP, segment, tcp_header_write(segment, h, options, n) + text);
}

static const char *line(const struct packet *p, const struct print_bases *bases)
{
  static char out[400];
  struct text t = text_of(out, sizeof out);

  print_ip(&t, p->octets, p->n, bases);
  assert_true(t.length < sizeof out);
  return out;
}

TEST(segments)
{
  const struct tcp_header syn = {
    .source = 40000, .destination = 80, .seq = 1000, .window = 65535, .flags = F_SYN,
    .options = { .present = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE,
                 .mss = 1460, .ts_val = 7, .ts_ecr = 0, .wscale = 8 },
  };
  const struct tcp_header text = {
    .source = 40000, .destination = 80, .seq = 1001, .ack = 5001, .window = 512,
    .flags = F_PSH | F_ACK | F_FIN,
  };
  const struct tcp_header ack = {
    .source = 40000, .destination = 80, .seq = 1101, .ack = 5001, .window = 0, .flags = F_ACK,
    .options = { .present = TCP_OPT_SACK, .sacks = 2, .sack = { { 6000, 7000 }, { 8000, 9000 } } },
  };
  const struct tcp_header odd = { .urgent = 3, .flags = F_URG | F_ECE | F_CWR };
  const struct print_bases bases = { 1000, 5000 };
  struct packet p = tcp(&syn, 0);

  assert_string_equal(line(&p, &bases),
                      "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 0, win 65535, options "
                      "[mss 1460,sackOK,TS val 7 ecr 0,wscale 8], length 0");
  p = tcp(&text, 100);
  assert_string_equal(line(&p, &bases), "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [FP.], "
                                        "seq 1:101, ack 1, win 512, length 100");
  p = tcp(&ack, 0);
  assert_string_equal(line(&p, &bases),
                      "IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 1, win 0, options "
                      "[sack 2 {1000:2000}{3000:4000}], length 0");
  p = tcp(&odd, 0);
  assert_string_equal(line(&p, &none),
                      "IP 10.0.0.1.0 > 10.0.0.2.0: Flags [UEW], win 0, urg 3, length 0");
  p = tcp(&(struct tcp_header){ 0 }, 0);
  assert_string_equal(line(&p, &none),
                      "IP 10.0.0.1.0 > 10.0.0.2.0: Flags [none], win 0, length 0");
}

TEST(a_fast_open_cookie_is_shown_as_it_lies_there)
{
  struct tcp_header h = {
    .source = 1, .destination = 2, .flags = F_SYN, .options = { .present = TCP_OPT_FASTOPEN }
  };
  struct packet p = tcp(&h, 0);

  assert_non_null(strstr(line(&p, &none), "options [tfo cookiereq]"));
  h.options.cookie =
      (struct tcp_cookie){ .length = 4, .experimental = 1, .octets = { 0xab, 0, 1, 0xff } };
  p = tcp(&h, 0);
  assert_non_null(strstr(line(&p, &none), "options [exp-tfo cookie ab0001ff]"));
}

TEST(datagrams_and_messages)
{
  static const uint8_t udp[] = { 0, 53, 0x10, 0, 0, 11, 0, 0, 1, 2, 3 };
  static const uint8_t echo[] = { 8, 0, 0, 0, 0, 9, 0, 2, 1, 2, 3, 4 };
  const struct tcp_header h = { .source = 4000, .destination = 80, .seq = 77 };
  const struct packet quoted = tcp(&h, 0);
  uint8_t error[ICMP_HEADER + 28] = { 3, 4, 0, 0, 0, 0, 0x05, 0x78 };
  struct packet p = ipv4(IP_UDP, udp, sizeof udp);

  assert_string_equal(line(&p, &none), "IP 10.0.0.1.53 > 10.0.0.2.4096: UDP, length 3");
  p = ipv4(IP_ICMP, echo, sizeof echo);
  assert_string_equal(line(&p, &none),
                      "IP 10.0.0.1 > 10.0.0.2: ICMP, echo request, id 9, seq 2, length 12");
  memcpy(error + ICMP_HEADER, quoted.octets, 28);
  p = ipv4(IP_ICMP, error, sizeof error);
  assert_string_equal(line(&p, &(struct print_bases){ 70, 0 }),
                      "IP 10.0.0.1 > 10.0.0.2: ICMP, type 3, code 4, mtu 1400, quoting "
                      "10.0.0.1.4000 > 10.0.0.2.80, protocol 6, seq 7");
  p = ipv4(IP_ICMP, error, sizeof error - 1);
  assert_string_equal(line(&p, &none), "IP 10.0.0.1 > 10.0.0.2: ICMP, type 3, code 4, mtu 1400, "
                                       "quoting nothing that can be read");
  p = ipv4(132, error, 4);
  assert_string_equal(line(&p, &none), "IP 10.0.0.1 > 10.0.0.2: protocol 132, length 4");
}

TEST(fragments_and_what_is_cut)
{
  static const uint8_t udp[] = { 0, 53, 0x10, 0, 0, 80, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
  struct packet p = ipv4(IP_UDP, udp, sizeof udp);

  be16_put(p.octets + 6, 0x2000);
  assert_string_equal(line(&p, &none),
                      "IP 10.0.0.1.53 > 10.0.0.2.4096: UDP, length 72, fragment 0:16+");
  be16_put(p.octets + 6, 2);
  assert_string_equal(line(&p, &none), "IP 10.0.0.1 > 10.0.0.2: protocol 17, fragment 16:32");
  be16_put(p.octets + 6, 0);
  p.n = 30;
  assert_string_equal(line(&p, &none),
                      "IP 10.0.0.1.53 > 10.0.0.2.4096: UDP, length 72, cut by 6");
  p.n = 25;
  assert_string_equal(line(&p, &none), "IP 10.0.0.1 > 10.0.0.2: UDP, truncated, cut by 11");
  p.n = 19;
  assert_string_equal(line(&p, &none), "no IP packet, length 19");
}

TEST(ipv6_and_its_extensions)
{
  struct ipv6_header h = { .next = IPV6_DESTINATION, .payload = 28, .hop_limit = 1 };
  struct packet p = { .n = IPV6_HEADER + 28 };

  h.source.octets[0] = 0x20;
  h.destination.octets[15] = 1;
  ipv6_header_write(p.octets, &h);
  memcpy(p.octets + 40, "\6\0\1\4\0\0\0\0", 8);
  tcp_header_write(p.octets + 48, &(struct tcp_header){ .source = 1, .flags = F_RST }, NULL, 0);
  assert_string_equal(line(&p, &none),
                      "IP6 2000::.1 > ::1.0: Flags [R], seq 0, win 0, length 0");
  h.next = IP_ICMPV6;
  ipv6_header_write(p.octets, &h);
  memcpy(p.octets + 40, "\2\0\0\0\0\0\5\0", 8);
  assert_string_equal(line(&p, &none), "IP6 2000:: > ::1: ICMP6, type 2, code 0, mtu 1280, "
                                       "quoting nothing that can be read");
}

TEST(frames)
{
  const struct arp ask = {
    ARP_REQUEST, { 2, 0, 0, 0, 0, 1 }, { 10, 0, 0, 1 }, { 0 }, { 10, 0, 0, 2 }
  };
  struct ether_header h = { { 2, 0, 0, 0, 0, 2 }, { 2, 0, 0, 0, 0, 1 }, ETHER_ARP };
  struct arp answer = ask;
  uint8_t frame[64];
  char out[200];
  struct text t = text_of(out, sizeof out);

  ether_header_write(frame, &h);
  arp_write(frame + ETHER_HEADER, &ask);
  print_ether(&t, frame, ETHER_HEADER + ARP_OCTETS, &none);
  assert_string_equal(out, "ARP, who-has 10.0.0.2 tell 10.0.0.1");
  answer.operation = ARP_REPLY;
  arp_write(frame + ETHER_HEADER, &answer);
  t = text_of(out, sizeof out);
  print_ether(&t, frame, ETHER_HEADER + ARP_OCTETS, &none);
  assert_string_equal(out, "ARP, 10.0.0.1 is-at 02:00:00:00:00:01");
  h.type = 0x88cc;
  ether_header_write(frame, &h);
  t = text_of(out, sizeof out);
  print_ether(&t, frame, 60, &none);
  assert_string_equal(out, "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x88cc, length 60");
}

/* Exactly as many octets as it was told there are: the sanitizer sees any more. */
TEST(any_octets_give_one_line)
{
  static const uint8_t protocols[] = { 1, 6, 17, 58, 0, 44, 60, 99 };
  struct rng rng;

  rng_seed(&rng, 41);
  for (int i = 0; i < 50000; i++) {
    const size_t n = rng_below(&rng, 200);
    uint8_t *const octets = malloc(n ? n : 1);
    char out[300];
    struct text t = text_of(out, sizeof out);

    for (size_t k = 0; k < n; k++)
      octets[k] = (uint8_t)rng_below(&rng, rng_below(&rng, 2) ? 256 : 8);
    if (n > 20) {
      octets[0] = (uint8_t)(rng_below(&rng, 2) ? 0x60 : 0x40 | (5 + rng_below(&rng, 3)));
      octets[octets[0] == 0x60 ? 6 : 9] = protocols[rng_below(&rng, sizeof protocols)];
      be16_put(octets + 6, octets[0] == 0x60 ? be16_get(octets + 6) : (uint16_t)rng_below(&rng, 2));
    }
    (i % 2 ? print_ip : print_ether)(&t, octets, n, &none);
    assert_true(t.length > 0);
    assert_null(strchr(out, '\n'));
    free(octets);
  }
}

RUN(cmocka_unit_test(a_fast_open_cookie_is_shown_as_it_lies_there), cmocka_unit_test(segments),
    cmocka_unit_test(datagrams_and_messages), cmocka_unit_test(fragments_and_what_is_cut),
    cmocka_unit_test(ipv6_and_its_extensions), cmocka_unit_test(frames),
    cmocka_unit_test(any_octets_give_one_line))
