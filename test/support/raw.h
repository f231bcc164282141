/* raw.h - one stack, and a test that plays everyone else on its links: packets are written octet
 * by octet, and what the stack says is read the same way. For test/unit, which sees src/wire. */
#ifndef LA_TEST_RAW_H
#define LA_TEST_RAW_H
#include "base/be.h"
#include "base/csum.h"
#include "lastack.h"
#include "support/rows.h"
#include "support/unit.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { RAW_MAX = 70000 };

struct raw {
  la_stack *stack;
  void     *memory;
  la_time   now;
  int       iface;              /* what raw_give gives to */
  uint16_t  flags;              /* of the packets it gives */
};

/* An IPv4 datagram in the making, and how much of it there is. */
struct raw_ip { uint8_t octets[RAW_MAX]; uint32_t length; };

static inline la_addr raw_ours(void)   { return la_ip4(192, 0, 2, 1); }
static inline la_addr raw_peer(void)   { return la_ip4(192, 0, 2, 9); }

static inline void raw_config(la_config *c)
{
  la_config_default(c);
  c->tcp_connections = 8;
  c->tcp_time_waits = 4;
  c->tcp_half_open = 4;
  c->udp_sockets = 2;
  c->slabs = 64;
  c->slab_size = 2048;
  c->neighbors = 4;
  c->addresses = 4;
  c->routes = 4;
  c->interfaces = 3;
  c->reassemblies = 2;
  c->replies = 8;
  c->send_buffer = c->receive_buffer = 64 * 1024;
}

static inline struct raw raw_with(const la_config *c, enum la_medium medium)
{
  const la_iface iface = {
    .medium = medium, .mtu = 1500, .flags = LA_IFACE_UP, .mac = { 2, 0, 0, 0, 0, 1 }, .name = "raw",
  };
  struct raw r = { .now = LA_SEC };
  const size_t size = la_size(c);

  assert_true(size > 0);
  r.memory = test_memory(size);
  r.stack = la_init(r.memory, size, c, r.now);
  assert_non_null(r.stack);
  r.iface = la_iface_add(r.stack, &iface);
  assert_int_equal(r.iface, 0);
  assert_int_equal(la_addr_add(r.stack, 0, raw_ours(), 24), 0);
  return r;
}

static inline struct raw raw_new(enum la_medium medium)
{
  la_config c;

  raw_config(&c);
  return raw_with(&c, medium);
}

static inline void raw_end(struct raw *r)
{
  rows_of_stack(r->stack);
  la_fini(r->stack);
  free(r->memory);
}

/* In as few slabs as hold it; whether somebody took it. */
static inline bool raw_give(struct raw *r, const uint8_t *octets, uint32_t n)
{
  la_pkt pkt = { .at = r->now, .iface = (uint16_t)r->iface, .flags = r->flags };

  for (uint32_t at = 0; at < n; pkt.frags++) {
    la_slab *slab;

    assert_int_equal(la_slab_get(r->stack, &slab), 0);
    assert_true(pkt.frags < LA_PKT_FRAGS);
    const uint32_t length = n - at < la_slab_size(slab) ? n - at : la_slab_size(slab);

    memcpy(la_slab_octets(slab), octets + at, length);
    pkt.frag[pkt.frags] = (la_frag){ slab, 0, length };
    at += length;
  }
  return la_input(r->stack, r->now, &pkt, 1) == 1;
}

/* The next packet that the stack sends; its length, 0: none. */
static inline uint32_t raw_take(struct raw *r, uint8_t octets[RAW_MAX])
{
  la_pkt pkt;

  if (la_output(r->stack, r->now, &pkt, 1) == 0)
    return 0;
  const size_t n = la_pkt_copy(&pkt, octets, RAW_MAX);

  assert_int_equal(n, la_pkt_length(&pkt));
  la_pkt_release(r->stack, &pkt);
  return (uint32_t)n;
}

/* All that it has to say, unread; how many packets. */
static inline unsigned raw_drain(struct raw *r)
{
  static uint8_t octets[RAW_MAX];
  unsigned n = 0;

  while (raw_take(r, octets) > 0)
    n++;
  return n;
}

static inline struct ipv4_header raw_header(uint8_t protocol)
{
  struct ipv4_header h = { .ttl = 64, .protocol = protocol, .id = 1 };
  const la_addr from = raw_peer(), to = raw_ours();

  memcpy(h.source, from.octets, 4);
  memcpy(h.destination, to.octets, 4);
  return h;
}

/* Header and payload; a total of 0 becomes the right one. */
static inline void raw_ip_make(struct raw_ip *p, struct ipv4_header h, const void *payload,
                               uint32_t n)
{
  if (h.total == 0)
    h.total = (uint16_t)(IPV4_HEADER_MIN + n);
  ipv4_header_write(p->octets, &h);
  memcpy(p->octets + IPV4_HEADER_MIN, payload, n);
  p->length = IPV4_HEADER_MIN + n;
}

static inline uint16_t raw_transport_sum(const struct ipv4_header *h, const uint8_t *octets,
                                         uint32_t n)
{
  struct csum c = { 0, false };

  csum_add(&c, h->source, 4);
  csum_add(&c, h->destination, 4);
  csum_add16(&c, h->protocol);
  csum_add16(&c, (uint16_t)n);
  csum_add(&c, octets, n);
  return csum_done(&c);
}

static inline uint32_t raw_udp(uint8_t *octets, const struct ipv4_header *h, uint16_t from,
                               uint16_t to, const void *text, uint32_t n)
{
  struct udp_header u = { from, to, (uint16_t)(UDP_HEADER + n), 0 };

  udp_header_write(octets, &u);
  memcpy(octets + UDP_HEADER, text, n);
  u.checksum = raw_transport_sum(h, octets, UDP_HEADER + n);
  udp_header_write(octets, &u);
  return UDP_HEADER + n;
}

static inline uint32_t raw_icmp(uint8_t *octets, uint8_t type, uint8_t code, uint32_t rest,
                                const void *text, uint32_t n)
{
  const struct icmp_header h = { type, code, 0, rest };
  struct csum c = { 0, false };

  icmp_header_write(octets, &h);
  memcpy(octets + ICMP_HEADER, text, n);
  csum_add(&c, octets, ICMP_HEADER + n);
  be16_put(octets + 2, csum_done(&c));
  return ICMP_HEADER + n;
}

static inline uint32_t raw_tcp(uint8_t *octets, const struct ipv4_header *h,
                               const struct tcp_header *tcp, const void *text, uint32_t n)
{
  const uint32_t length = (uint32_t)tcp_header_write(octets, tcp, NULL, 0);

  if (n > 0)
    memcpy(octets + length, text, n);
  be16_put(octets + 16, raw_transport_sum(h, octets, length + n));
  return length + n;
}

static inline uint64_t raw_count(const struct raw *r, const char *counter)
{
  const char *name, *meaning;
  uint64_t count;

  for (unsigned n = 0; count = la_counter(r->stack, n, &name, &meaning), name; n++)
    if (strcmp(name, counter) == 0)
      return count;
  fail_msg("there is no counter %s", counter);
  return 0;
}

static inline uint32_t raw_used(const struct raw *r, const char *pool)
{
  const char *name;
  uint32_t used, peak, size;

  for (unsigned n = 0; la_pool_get(r->stack, n, &name, &used, &peak, &size); n++)
    if (strcmp(name, pool) == 0)
      return used;
  fail_msg("there is no pool %s", pool);
  return 0;
}

#endif
