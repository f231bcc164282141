/* raw_tcp.h - connections of a raw.h stack to the test, who plays the peer's port 80 by hand; the
 * peer's ISN is 1000. The same for both families. */
#ifndef LA_TEST_RAW_TCP_H
#define LA_TEST_RAW_TCP_H
#include "support/raw6.h"

enum { RAW_PORT = 80, RAW_ISN = 1000 };

static inline la_sock_info raw_info(const struct raw *r, la_sock sock)
{
  la_sock_info info;

  assert_int_equal(la_sock_get(r->stack, sock, &info), 0);
  return info;
}

/* The socket asks; its SYN is left in `syn`, for errors to quote. */
static inline void raw_connect(struct raw *r, la_sock sock, la_addr peer, uint8_t syn[RAW_MAX])
{
  assert_int_equal(la_tcp_connect(r->stack, sock, (la_endpoint){ peer, RAW_PORT }), 0);
  assert_true(raw_take(r, syn) >= (peer.len == 4 ? 40u : 60u));
}

static inline la_sock raw_connecting(struct raw *r, la_addr peer, uint8_t syn[RAW_MAX])
{
  la_sock sock;

  assert_int_equal(la_tcp_open(r->stack, NULL, &sock), 0);
  raw_connect(r, sock, peer, syn);
  return sock;
}

/* The peer takes it, with this MSS, or without the option (0); our ACK is not looked at. */
static inline void raw_accepts(struct raw *r, const uint8_t *syn, uint16_t mss)
{
  static struct raw_ip p;
  const bool six = syn[0] >> 4 == 6;
  const uint8_t *const asked = syn + (six ? IPV6_HEADER : IPV4_HEADER_MIN);
  const uint8_t options[4] = { 2, 4, (uint8_t)(mss >> 8), (uint8_t)mss };
  const uint32_t length = mss > 0 ? sizeof options : 0;
  const struct tcp_header syn_ack = {
    .source = RAW_PORT,
    .destination = be16_get(asked),
    .seq = RAW_ISN,
    .ack = be32_get(asked + 4) + 1,
    .flags = F_SYN | F_ACK,
    .window = 65535,
  };

  if (six) {
    raw6_tcp(&p, raw6_header(IP_TCP), &syn_ack, options, length, NULL, 0);
  } else {
    const struct ipv4_header h = raw_header(IP_TCP);
    uint8_t tcp[64];
    const uint32_t n = (uint32_t)tcp_header_write(tcp, &syn_ack, options, length);

    be16_put(tcp + 16, raw_transport_sum(&h, tcp, n));
    raw_ip_make(&p, h, tcp, n);
  }
  assert_true(raw_give(r, p.octets, p.length));
  (void)raw_drain(r);
}

/* Text that differs from octet to octet, sent; it leaves as one packet. */
static inline la_pkt raw_super(struct raw *r, la_sock sock, uint8_t *text, uint32_t n)
{
  la_pkt pkt;

  for (uint32_t i = 0; i < n; i++)
    text[i] = (uint8_t)(i * 5 + i / 256);
  assert_int_equal(la_tcp_send(r->stack, sock, text, n), n);
  assert_int_equal(la_output(r->stack, r->now, &pkt, 1), 1);
  return pkt;
}

#endif
