/* raw6.h - raw.h for IPv6: a stack at 2001:db8::1, and packets to it written octet by octet. */
#ifndef LA_TEST_RAW6_H
#define LA_TEST_RAW6_H
#include "support/raw.h"
#include "wire/addr_text.h"
#include "wire/icmpv6.h"
#include "wire/ip.h"
#include "wire/ipv6.h"

static inline struct ip_addr raw6_ip(const char *text)
{
  struct ip_addr a;

  assert_true(addr_text_parse(text, &a));
  return a;
}

static inline la_addr raw6_addr(const char *text)
{
  la_addr a;

  assert_int_equal(la_addr_parse(text, &a), 0);
  return a;
}

static inline la_addr raw6_ours(void) { return raw6_addr("2001:db8::1"); }
static inline la_addr raw6_peer(void) { return raw6_addr("2001:db8::9"); }

static inline struct raw raw6_of(enum la_medium medium)
{
  struct raw r = raw_new(medium);

  assert_int_equal(la_addr_add(r.stack, 0, raw6_ours(), 64), 0);
  return r;
}

static inline struct raw raw6_new(void) { return raw6_of(LA_MEDIUM_IP); }

static inline struct ipv6_header raw6_header(uint8_t next)
{
  return (struct ipv6_header){
    .next = next,
    .hop_limit = 64,
    .source = raw6_ip("2001:db8::9"),
    .destination = raw6_ip("2001:db8::1"),
  };
}

/* Header and what follows; a payload length of 0 becomes the right one. */
static inline void raw6_make(struct raw_ip *p, struct ipv6_header h, const void *payload,
                             uint32_t n)
{
  if (h.payload == 0)
    h.payload = (uint16_t)n;
  ipv6_header_write(p->octets, &h);
  if (n > 0)
    memcpy(p->octets + IPV6_HEADER, payload, n);
  p->length = IPV6_HEADER + n;
}

/* Puts the checksum of a transport into its place, and makes the packet. */
static inline void raw6_seal(struct raw_ip *p, struct ipv6_header h, uint8_t protocol,
                             uint8_t *octets, uint32_t n, uint32_t at)
{
  struct csum c = { 0, false };

  be16_put(octets + at, 0);
  ip_pseudo_sum(&c, &h.source, &h.destination, protocol, n);
  csum_add(&c, octets, n);
  be16_put(octets + at, csum_done(&c));
  raw6_make(p, h, octets, n);
}

static inline void raw6_udp(struct raw_ip *p, struct ipv6_header h, uint16_t from, uint16_t to,
                            const void *text, uint32_t n)
{
  static uint8_t udp[RAW_MAX];

  udp_header_write(udp, &(struct udp_header){ from, to, (uint16_t)(UDP_HEADER + n), 0 });
  memcpy(udp + UDP_HEADER, text, n);
  raw6_seal(p, h, IP_UDP, udp, UDP_HEADER + n, 6);
}

static inline void raw6_icmp(struct raw_ip *p, struct ipv6_header h, uint8_t type, uint8_t code,
                             uint32_t rest, const void *text, uint32_t n)
{
  static uint8_t icmp[RAW_MAX];

  icmp_header_write(icmp, &(struct icmp_header){ type, code, 0, rest });
  if (n > 0)
    memcpy(icmp + ICMP_HEADER, text, n);
  raw6_seal(p, h, IP_ICMPV6, icmp, ICMP_HEADER + n, 2);
}

static inline void raw6_tcp(struct raw_ip *p, struct ipv6_header h, const struct tcp_header *tcp,
                            const uint8_t *options, uint32_t options_length, const void *text,
                            uint32_t n)
{
  static uint8_t octets[RAW_MAX];
  const uint32_t length = (uint32_t)tcp_header_write(octets, tcp, options, options_length);

  if (n > 0)
    memcpy(octets + length, text, n);
  raw6_seal(p, h, IP_TCP, octets, length + n, 16);
}

/* A packet of the stack's: its headers parse, its lengths are right, its checksum is good. */
static inline struct ipv6_header raw6_check(const uint8_t *octets, uint32_t n)
{
  struct ipv6_header h;
  struct csum c = { 0, false };

  assert_int_equal(ipv6_header_parse(octets, n, &h), IPV6_HEADER);
  assert_int_equal(h.payload + IPV6_HEADER, n);
  if (h.next == IP_TCP || h.next == IP_UDP || h.next == IP_ICMPV6) {
    ip_pseudo_sum(&c, &h.source, &h.destination, h.next, n - IPV6_HEADER);
    csum_add(&c, octets + IPV6_HEADER, n - IPV6_HEADER);
    assert_true(csum_good(&c));
  }
  return h;
}

/* Gives it and sees it refused for this reason, counted once. */
static inline void raw6_refused(struct raw *r, const struct raw_ip *p, const char *why)
{
  const uint64_t before = raw_count(r, why);

  assert_false(raw_give(r, p->octets, p->length));
  assert_int_equal(raw_count(r, why), before + 1);
}

/* The next packet is this ICMPv6 error, whose last four octets of header are `rest`, about p. */
static inline void raw6_told(struct raw *r, const struct raw_ip *p, uint8_t type, uint8_t code,
                             uint32_t rest)
{
  static uint8_t out[RAW_MAX];
  const uint32_t n = raw_take(r, out);

  assert_true(n >= IPV6_HEADER + ICMP_HEADER);
  const struct ipv6_header h = raw6_check(out, n);

  assert_int_equal(h.next, IP_ICMPV6);
  assert_int_equal(out[40], type);
  assert_int_equal(out[41], code);
  assert_int_equal(be32_get(out + 44), rest);
  assert_int_equal(n, p->length + 48 < 1280 ? p->length + 48 : 1280);
  assert_memory_equal(out + 48, p->octets, n - 48);
}

#endif
