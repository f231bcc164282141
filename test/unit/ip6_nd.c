/* ip6_nd: neighbours of IPv6 are asked for, answered, trusted, doubted and given up; an address is
 * ours once nobody else has it; routers are asked, believed where that is wanted, and forgotten. */
#include "support/raw6.h"
#include "wire/nd.h"

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 9 },
                     other_mac[6] = { 2, 0, 0, 0, 0, 8 };
static uint8_t out[RAW_MAX];

/* The frame around an IPv6 packet; to our address, or to the group's. */
static bool give_packet(struct raw *r, const struct raw_ip *p)
{
  struct ether_header ether = { .type = ETHER_IPV6 };
  static uint8_t frame[RAW_MAX];
  struct ip_addr to;

  memcpy(to.octets, p->octets + 24, 16);
  memcpy(ether.from, peer_mac, 6);
  memcpy(ether.to, our_mac, 6);
  if (to.octets[0] == 0xff)
    nd_group_mac(&to, ether.to);
  ether_header_write(frame, &ether);
  memcpy(frame + ETHER_HEADER, p->octets, p->length);
  return raw_give(r, frame, ETHER_HEADER + p->length);
}

struct words { const char *from, *to; uint8_t hops; };

/* A message with these octets behind its fixed part. */
static void make(struct raw_ip *p, struct words w, const struct nd_message *m,
                 const uint8_t *more, uint32_t n)
{
  uint8_t octets[ND_MESSAGE_MAX + 128];
  const uint32_t length = (uint32_t)nd_write(octets, m);
  struct ipv6_header h = {
    .next = IP_ICMPV6, .hop_limit = w.hops, .source = raw6_ip(w.from),
    .destination = raw6_ip(w.to),
  };

  if (n > 0)
    memcpy(octets + length, more, n);
  raw6_seal(p, h, IP_ICMPV6, octets, length + n, 2);
}

static bool give(struct raw *r, const char *from, const char *to, const struct nd_message *m)
{
  struct raw_ip p;

  make(&p, (struct words){ from, to, 255 }, m, NULL, 0);
  return give_packet(r, &p);
}

static void refused(struct raw *r, struct words w, const struct nd_message *m, const char *why)
{
  const uint64_t before = raw_count(r, why);
  struct raw_ip p;

  make(&p, w, m, NULL, 0);
  assert_false(give_packet(r, &p));
  assert_int_equal(raw_count(r, why), before + 1);
}

static struct nd_message solicitation(const char *target, const uint8_t *mac)
{
  return (struct nd_message){
    .type = ICMPV6_NEIGHBOR_SOLICITATION, .target = raw6_ip(target), .source_mac = mac,
  };
}

static struct nd_message advertisement(const char *target, uint8_t flags, const uint8_t *mac)
{
  return (struct nd_message){
    .type = ICMPV6_NEIGHBOR_ADVERTISEMENT, .target = raw6_ip(target), .flags = flags,
    .target_mac = mac,
  };
}

/* The next frame: neighbour discovery, whose frame, header and sum are good. */
static struct nd_message taken(struct raw *r, struct ipv6_header *h)
{
  const uint32_t n = raw_take(r, out);
  struct nd_message m;

  assert_true(n > ETHER_HEADER);
  assert_memory_equal(out + 6, our_mac, 6);
  *h = raw6_check(out + ETHER_HEADER, n - ETHER_HEADER);
  assert_int_equal(h->next, IP_ICMPV6);
  assert_int_equal(h->hop_limit, 255);
  assert_true(nd_parse(out + ETHER_HEADER + IPV6_HEADER, n - ETHER_HEADER - IPV6_HEADER, &m));
  return m;
}

static bool is(const struct ip_addr *a, const char *text)
{
  const struct ip_addr b = raw6_ip(text);

  return ip_addr_eq(a, &b);
}

/* On Ethernet, with addresses that are ours at once. */
static struct raw on_ethernet(uint32_t flags)
{
  struct raw r = raw_new(LA_MEDIUM_ETHERNET);
  la_iface iface;

  assert_int_equal(la_iface_get(r.stack, 0, &iface), 0);
  iface.flags |= flags;
  assert_int_equal(la_iface_set(r.stack, 0, &iface), 0);
  assert_int_equal(la_addr_add(r.stack, 0, raw6_ours(), 64), 0);
  if (flags & LA_IFACE_NO_DAD)
    (void)raw_drain(&r);
  return r;
}

static int state_of(const struct raw *r, const char *text)
{
  const la_addr wanted = raw6_addr(text);
  la_neighbor n;

  for (unsigned i = 0; la_neighbor_get(r->stack, i, &n) == 0; i++)
    if (memcmp(&n.addr, &wanted, sizeof wanted) == 0)
      return n.state;
  return LA_NEIGHBOR_FREE;
}

static la_sock connecting(struct raw *r, const char *peer)
{
  la_sock sock;

  assert_int_equal(la_tcp_open(r->stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(r->stack, sock, (la_endpoint){ raw6_addr(peer), 80 }), 0);
  return sock;
}

TEST(a_neighbour_is_asked_for_and_what_waits_goes_to_it)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  struct ipv6_header h;
  struct nd_message m;
  uint8_t group[6];

  (void)connecting(&r, "2001:db8::9");
  m = taken(&r, &h);
  assert_int_equal(m.type, ICMPV6_NEIGHBOR_SOLICITATION);
  assert_true(is(&h.source, "2001:db8::1") && is(&h.destination, "ff02::1:ff00:9"));
  assert_true(is(&m.target, "2001:db8::9"));
  assert_memory_equal(m.source_mac, our_mac, 6);
  nd_group_mac(&h.destination, group);
  assert_memory_equal(out, group, 6);
  assert_int_equal(raw_take(&r, out), 0);
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_INCOMPLETE);
  m = advertisement("2001:db8::9", ND_SOLICITED | ND_OVERRIDE, peer_mac);
  assert_true(give(&r, "2001:db8::9", "2001:db8::1", &m));
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_REACHABLE);
  assert_true(raw_take(&r, out) > 0);
  assert_memory_equal(out, peer_mac, 6);
  assert_int_equal(be16_get(out + 12), ETHER_IPV6);
  assert_int_equal(out[ETHER_HEADER + 6], IP_TCP);
  raw_end(&r);
}

TEST(a_neighbour_that_does_not_answer_is_given_up)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  const la_sock sock = connecting(&r, "2001:db8::9");
  la_sock_info info;
  unsigned asked = 0;

  for (int i = 0; i < 4; i++) {
    asked += raw_drain(&r);
    r.now += LA_SEC;
  }
  (void)raw_drain(&r);
  assert_int_equal(asked, 3);
  assert_int_equal(raw_count(&r, "nd_solicitations_out"), 3);
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_FAILED);
  assert_int_equal(la_sock_get(r.stack, sock, &info), 0);
  assert_int_equal(info.error, LA_EUNREACH);
  assert_true(raw_count(&r, "NEIGHBOR_UNKNOWN") > 0);
  raw_end(&r);
}

/* REACHABLE 15 to 45 s, then STALE; used: DELAY for 5 s, then PROBE, to the one who was known. */
TEST(a_neighbour_is_asked_again_unless_a_connection_makes_progress)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  const la_sock sock = connecting(&r, "2001:db8::9");
  struct nd_message m = advertisement("2001:db8::9", ND_SOLICITED | ND_OVERRIDE, peer_mac);
  struct ipv6_header h;
  struct raw_ip p;

  (void)taken(&r, &h);
  assert_true(give(&r, "2001:db8::9", "2001:db8::1", &m));
  assert_true(raw_take(&r, out) > 0);
  const uint8_t *const tcp = out + ETHER_HEADER + IPV6_HEADER;
  struct tcp_header syn_ack = {
    .source = 80, .destination = be16_get(tcp), .seq = 1000, .ack = be32_get(tcp + 4) + 1,
    .flags = F_SYN | F_ACK, .window = 65535,
  };

  raw6_tcp(&p, raw6_header(IP_TCP), &syn_ack, NULL, 0, NULL, 0);
  assert_true(give_packet(&r, &p));
  (void)raw_drain(&r);
  r.now += 46 * LA_SEC;
  (void)raw_drain(&r);
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_STALE);
  assert_int_equal(la_tcp_send(r.stack, sock, "x", 1), 1);
  assert_int_equal(raw_drain(&r), 1);
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_DELAY);
  syn_ack.seq++;
  syn_ack.ack++;
  syn_ack.flags = F_ACK;
  raw6_tcp(&p, raw6_header(IP_TCP), &syn_ack, NULL, 0, NULL, 0);
  assert_true(give_packet(&r, &p));
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_REACHABLE);
  assert_int_equal(raw_count(&r, "nd_confirmed"), 1);
  r.now += 46 * LA_SEC;
  (void)raw_drain(&r);
  assert_int_equal(la_tcp_send(r.stack, sock, "y", 1), 1);
  (void)raw_drain(&r);
  r.now += 5 * LA_SEC;
  m = taken(&r, &h);
  assert_int_equal(m.type, ICMPV6_NEIGHBOR_SOLICITATION);
  assert_true(is(&h.destination, "2001:db8::9"));
  assert_memory_equal(out, peer_mac, 6);
  raw_end(&r);
}

TEST(who_asks_for_us_is_answered_and_remembered)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  struct nd_message m = solicitation("2001:db8::1", peer_mac);
  struct ipv6_header h;

  assert_true(give(&r, "fe80::9", "ff02::1:ff00:1", &m));
  assert_int_equal(state_of(&r, "fe80::9"), LA_NEIGHBOR_STALE);
  m = taken(&r, &h);
  assert_int_equal(m.type, ICMPV6_NEIGHBOR_ADVERTISEMENT);
  assert_int_equal(m.flags, ND_SOLICITED | ND_OVERRIDE);
  assert_true(is(&h.source, "2001:db8::1") && is(&h.destination, "fe80::9"));
  assert_true(is(&m.target, "2001:db8::1"));
  assert_memory_equal(m.target_mac, our_mac, 6);
  assert_memory_equal(out, peer_mac, 6);
  m = solicitation("2001:db8::1", NULL);      /* nobody asks: the answer goes to all */
  assert_true(give(&r, "::", "ff02::1:ff00:1", &m));
  m = taken(&r, &h);
  assert_int_equal(m.flags, ND_OVERRIDE);
  assert_true(is(&h.destination, "ff02::1"));
  raw_end(&r);
}

TEST(what_cannot_be_is_refused)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  const struct words fine = { "2001:db8::9", "ff02::1:ff00:1", 255 };
  const struct words group = { "2001:db8::9", "ff02::1", 255 };
  const struct words nobody = { "::", "ff02::1", 255 };
  struct nd_message m = solicitation("2001:db8::1", peer_mac);
  struct raw_ip p;

  refused(&r, (struct words){ fine.from, fine.to, 254 }, &m, "ND_HOP_LIMIT");
  refused(&r, nobody, &m, "ND_BAD");
  make(&p, fine, &m, (uint8_t[8]){ 1, 0 }, 8);
  assert_false(give_packet(&r, &p));
  make(&p, fine, &m, (uint8_t[8]){ 1, 9 }, 8);
  assert_false(give_packet(&r, &p));
  assert_int_equal(raw_count(&r, "ND_BAD"), 3);
  m = solicitation("2001:db8::1", NULL);
  refused(&r, nobody, &m, "ND_SENDER");
  refused(&r, fine, &m, "ND_SENDER");         /* whom we could not answer without asking */
  m = solicitation("ff02::1:ff00:1", peer_mac);
  refused(&r, fine, &m, "ND_BAD");
  m = solicitation("2001:db8::77", peer_mac);
  refused(&r, group, &m, "ND_NOT_OURS");
  m = advertisement("2001:db8::9", ND_SOLICITED, peer_mac);
  refused(&r, group, &m, "ND_BAD");
  refused(&r, (struct words){ "2001:db8::9", "2001:db8::1", 255 }, &m, "ND_NOT_OURS");
  m = advertisement("2001:db8::1", ND_OVERRIDE, peer_mac);
  refused(&r, group, &m, "ND_DUPLICATE");
  m = (struct nd_message){ .type = ICMPV6_ROUTER_SOLICITATION };
  refused(&r, group, &m, "ND_ROUTER");
  assert_int_equal(raw_drain(&r), 0);
  raw_end(&r);
}

TEST(an_advertisement_that_does_not_override_makes_doubtful)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  struct nd_message m = advertisement("2001:db8::9", ND_SOLICITED, peer_mac);
  struct ipv6_header h;

  (void)connecting(&r, "2001:db8::9");
  (void)taken(&r, &h);
  assert_true(give(&r, "2001:db8::9", "2001:db8::1", &m));
  assert_true(raw_take(&r, out) > 0);
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_REACHABLE);
  m.target_mac = other_mac;
  assert_true(give(&r, "2001:db8::9", "2001:db8::1", &m));
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_STALE);
  m = advertisement("2001:db8::9", ND_OVERRIDE, other_mac);
  assert_true(give(&r, "2001:db8::9", "ff02::1", &m));
  assert_int_equal(state_of(&r, "2001:db8::9"), LA_NEIGHBOR_STALE);
  r.now += LA_SEC;
  (void)raw_drain(&r);
  r.now += 3 * LA_SEC;
  assert_true(raw_take(&r, out) > 0);
  assert_memory_equal(out, other_mac, 6);
  raw_end(&r);
}

TEST(an_address_is_ours_when_nobody_has_objected_for_a_second)
{
  struct raw r = on_ethernet(0);
  struct nd_message m;
  struct ipv6_header h;
  la_sock sock;

  assert_int_equal(la_addr_state(r.stack, 1), LA_ADDR_TENTATIVE);
  assert_int_equal(la_udp_open(r.stack, (la_endpoint){ raw6_ours(), 7 }, NULL, &sock),
                   -LA_ENOADDR);
  assert_true(raw_take(&r, out) > 0);         /* ARP's announcement of the other */
  assert_true(raw_take(&r, out) > 0);         /* a report of the group */
  assert_int_equal(out[ETHER_HEADER + 48], MLD_REPORT2);
  m = taken(&r, &h);
  assert_int_equal(m.type, ICMPV6_NEIGHBOR_SOLICITATION);
  assert_true(is(&h.source, "::") && is(&h.destination, "ff02::1:ff00:1"));
  assert_null(m.source_mac);
  m = solicitation("2001:db8::1", peer_mac);
  refused(&r, (struct words){ "2001:db8::9", "ff02::1:ff00:1", 255 }, &m, "ND_NOT_OURS");
  r.now += LA_SEC;
  (void)raw_drain(&r);
  assert_int_equal(la_addr_state(r.stack, 1), LA_ADDR_PREFERRED);
  assert_int_equal(la_addr_state(r.stack, 2), -LA_EINVAL);
  assert_int_equal(la_udp_open(r.stack, (la_endpoint){ raw6_ours(), 7 }, NULL, &sock), 0);
  raw_end(&r);
}

TEST(an_address_that_another_has_or_wants_is_not_ours)
{
  for (int wants = 0; wants < 2; wants++) {
    struct raw r = on_ethernet(0);
    const struct nd_message has = advertisement("2001:db8::1", ND_OVERRIDE, peer_mac),
                            asks = solicitation("2001:db8::1", NULL);

    (void)raw_drain(&r);
    if (wants)
      refused(&r, (struct words){ "::", "ff02::1:ff00:1", 255 }, &asks, "ND_DUPLICATE");
    else
      refused(&r, (struct words){ "2001:db8::1", "ff02::1", 255 }, &has, "ND_DUPLICATE");
    r.now += 2 * LA_SEC;
    (void)raw_drain(&r);
    assert_int_equal(la_addr_state(r.stack, 1), LA_ADDR_DUPLICATE);
    assert_int_equal(raw_count(&r, "addresses_duplicate"), 1);
    raw_end(&r);
  }
}

/* An advertisement of a router: a lifetime; a prefix to make addresses of, and an MTU. */
static void make_router(struct raw_ip *p, const char *from, uint16_t lifetime, uint32_t valid,
                        uint32_t preferred)
{
  uint8_t ra[16 + 8 + 8 + 32] = { ICMPV6_ROUTER_ADVERTISEMENT, [4] = 64 };
  struct ipv6_header h = {
    .next = IP_ICMPV6, .hop_limit = 255, .source = raw6_ip(from),
    .destination = raw6_ip("ff02::1"),
  };
  const struct ip_addr net = raw6_ip("2001:db8:7::");
  uint8_t *const prefix = ra + 32;

  be16_put(ra + 6, lifetime);
  be32_put(ra + 12, 500);
  memcpy(ra + 16, (uint8_t[8]){ 1, 1, 2, 0, 0, 0, 0, 9 }, 8);
  memcpy(ra + 24, (uint8_t[4]){ 5, 1 }, 4);
  be32_put(ra + 28, 1400);
  memcpy(prefix, (uint8_t[4]){ 3, 4, 64, ND_ON_LINK | ND_AUTONOMOUS }, 4);
  be32_put(prefix + 4, valid);
  be32_put(prefix + 8, preferred);
  memcpy(prefix + 16, net.octets, 16);
  raw6_seal(p, h, IP_ICMPV6, ra, sizeof ra, 2);
}

/* The link-local address is there and its router has been asked. */
static struct raw configured(void)
{
  struct raw r = raw_new(LA_MEDIUM_ETHERNET);
  la_iface iface;
  struct raw_ip p;

  assert_int_equal(la_iface_get(r.stack, 0, &iface), 0);
  iface.flags |= LA_IFACE_AUTO6;
  assert_int_equal(la_iface_set(r.stack, 0, &iface), 0);
  for (int i = 0; i < 4; i++) {
    (void)raw_drain(&r);
    r.now += LA_SEC;
  }
  assert_int_equal(la_addr_state(r.stack, 1), LA_ADDR_PREFERRED);
  assert_true(raw_count(&r, "router_solicitations_out") >= 1);
  make_router(&p, "fe80::9", 1800, 86400, 14400);
  assert_true(give_packet(&r, &p));
  for (int i = 0; i < 3; i++) {
    (void)raw_drain(&r);
    r.now += LA_SEC;
  }
  return r;
}

TEST(a_link_configures_itself_by_what_its_router_says)
{
  struct raw r = configured();
  la_addr addr, net, via;
  uint8_t prefix;
  int iface;
  la_sock sock;
  la_sock_info info;

  assert_int_equal(la_addr_get(r.stack, 1, &iface, &addr, &prefix), 0);
  assert_int_equal(addr.octets[0] << 8 | addr.octets[1], 0xfe80);
  assert_int_equal(la_addr_get(r.stack, 2, &iface, &addr, &prefix), 0);
  assert_memory_equal(addr.octets, raw6_addr("2001:db8:7::").octets, 8);
  assert_int_equal(la_addr_state(r.stack, 2), LA_ADDR_PREFERRED);
  assert_int_equal(la_route_get(r.stack, 0, &net, &prefix, &via, &iface), 0);
  assert_int_equal(prefix, 64);
  assert_int_equal(la_route_get(r.stack, 1, &net, &prefix, &via, &iface), 0);
  assert_int_equal(prefix, 0);
  assert_memory_equal(via.octets, raw6_addr("fe80::9").octets, 16);
  assert_int_equal(la_route_get(r.stack, 2, &net, &prefix, &via, &iface), -LA_EINVAL);
  sock = connecting(&r, "2001:db8:ffff::1");
  assert_int_equal(la_sock_get(r.stack, sock, &info), 0);
  assert_memory_equal(info.local.addr.octets, addr.octets, 16);
  assert_int_equal(info.path_mtu, 1400);
  assert_true(raw_take(&r, out) > 0);
  assert_memory_equal(out, peer_mac, 6);      /* by the router, which is known already */
  assert_int_equal(out[ETHER_HEADER + 6], IP_TCP);
  raw_end(&r);
}

TEST(what_a_router_says_ends_with_its_lifetime)
{
  struct raw r = configured();
  struct raw_ip p;
  la_sock sock;
  la_addr addr;
  uint8_t prefix;
  int iface;

  make_router(&p, "fe80::9", 0, 0, 0);        /* it is none any more; nor may it take the address */
  assert_true(give_packet(&r, &p));
  assert_int_equal(la_tcp_open(r.stack, NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(r.stack, sock, (la_endpoint){ raw6_addr("2001:db8:f::1"), 80 }),
                   -LA_EUNREACH);
  (void)raw_drain(&r);
  assert_int_equal(la_addr_state(r.stack, 2), LA_ADDR_DEPRECATED);
  r.now += 7199 * LA_SEC;
  (void)raw_drain(&r);
  assert_int_equal(la_addr_get(r.stack, 2, &iface, &addr, &prefix), 0);
  r.now += 2 * LA_SEC;
  (void)raw_drain(&r);
  assert_int_equal(la_addr_get(r.stack, 2, &iface, &addr, &prefix), -LA_EINVAL);
  raw_end(&r);
}

TEST(routers_are_believed_only_where_that_was_asked_for)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  struct raw_ip p;

  make_router(&p, "fe80::9", 1800, 86400, 14400);
  assert_false(give_packet(&r, &p));
  assert_int_equal(raw_count(&r, "ND_ROUTER"), 1);
  make_router(&p, "2001:db8::9", 1800, 86400, 14400);
  assert_false(give_packet(&r, &p));
  assert_int_equal(raw_count(&r, "ND_SENDER"), 1);
  raw_end(&r);
}

TEST(a_redirect_is_followed_if_it_comes_from_the_router_in_use)
{
  struct raw r = configured();
  uint8_t message[40 + 8] = { ICMPV6_REDIRECT };
  const struct ip_addr to = raw6_ip("2001:db8:ffff::1"), better = raw6_ip("fe80::8");
  la_addr own;
  uint8_t prefix;
  int iface;
  struct raw_ip p;

  assert_int_equal(la_addr_get(r.stack, 1, &iface, &own, &prefix), 0);
  struct ipv6_header h = { .next = IP_ICMPV6, .hop_limit = 255, .source = raw6_ip("fe80::7") };

  memcpy(h.destination.octets, own.octets, 16);
  memcpy(message + 8, better.octets, 16);
  memcpy(message + 24, to.octets, 16);
  memcpy(message + 40, (uint8_t[8]){ 2, 1, 2, 0, 0, 0, 0, 8 }, 8);
  raw6_seal(&p, h, IP_ICMPV6, message, sizeof message, 2);
  assert_false(give_packet(&r, &p));
  assert_int_equal(raw_count(&r, "ND_REDIRECT"), 1);
  h.source = raw6_ip("fe80::9");
  raw6_seal(&p, h, IP_ICMPV6, message, sizeof message, 2);
  assert_true(give_packet(&r, &p));
  (void)connecting(&r, "2001:db8:ffff::1");
  assert_true(raw_take(&r, out) > 0);
  assert_memory_equal(out, other_mac, 6);
  r.now += 601 * LA_SEC;
  (void)raw_drain(&r);
  raw_end(&r);
}

TEST(whoever_asks_for_listeners_hears_of_our_groups)
{
  struct raw r = on_ethernet(LA_IFACE_NO_DAD);
  uint8_t query[28] = { MLD_QUERY, [4] = 0x03, [5] = 0xe8 };
  struct ipv6_header h = {
    .next = IP_ICMPV6, .hop_limit = 1, .source = raw6_ip("fe80::9"),
    .destination = raw6_ip("ff02::1"),
  };
  const struct ip_addr group = raw6_ip("ff02::1:ff00:1");
  struct raw_ip p;

  raw6_seal(&p, h, IP_ICMPV6, query, sizeof query, 2);
  assert_true(give_packet(&r, &p));
  r.now += LA_SEC;
  assert_int_equal(raw_take(&r, out), ETHER_HEADER + 40 + 8 + MLD_REPORT_OCTETS);
  assert_int_equal(out[ETHER_HEADER + 6], IPV6_HOP_BY_HOP);
  assert_int_equal(out[ETHER_HEADER + 7], 1);
  assert_int_equal(out[ETHER_HEADER + 48], MLD_REPORT2);
  assert_int_equal(out[ETHER_HEADER + 56], MLD_IS_EXCLUDE);
  assert_memory_equal(out + ETHER_HEADER + 60, group.octets, 16);
  h.hop_limit = 2;
  raw6_seal(&p, h, IP_ICMPV6, query, sizeof query, 2);
  assert_false(give_packet(&r, &p));
  assert_int_equal(raw_count(&r, "MLD_BAD"), 1);
  raw_end(&r);
}

/* An identifier is the same tomorrow, another in another net or with another secret, and made anew
 * when somebody has it. */
TEST(identifiers_are_stable_and_made_anew_when_taken)
{
  la_addr addr[3];

  for (int i = 0; i < 3; i++) {
    la_config c;
    la_iface iface;
    uint8_t prefix;
    int n;
    struct raw r;

    raw_config(&c);
    c.secret[0] = (uint8_t)(i == 1);
    r = raw_with(&c, LA_MEDIUM_ETHERNET);
    assert_int_equal(la_iface_get(r.stack, 0, &iface), 0);
    iface.flags |= LA_IFACE_AUTO6;
    assert_int_equal(la_iface_set(r.stack, 0, &iface), 0);
    assert_int_equal(la_addr_get(r.stack, 1, &n, &addr[i], &prefix), 0);
    if (i == 2) {
      char text[LA_ADDR_TEXT];
      struct nd_message m;
      la_addr again;

      (void)la_addr_text(addr[i], text, sizeof text);
      m = advertisement(text, ND_OVERRIDE, peer_mac);
      refused(&r, (struct words){ text, "ff02::1", 255 }, &m, "ND_DUPLICATE");
      assert_int_equal(la_addr_get(r.stack, 1, &n, &again, &prefix), 0);
      assert_memory_not_equal(again.octets, addr[i].octets, 16);
      assert_int_equal(la_addr_state(r.stack, 1), LA_ADDR_TENTATIVE);
    }
    raw_end(&r);
  }
  assert_memory_equal(&addr[0], &addr[2], sizeof addr[0]);
  assert_memory_not_equal(addr[0].octets, addr[1].octets, 16);
}

RUN(cmocka_unit_test(a_neighbour_is_asked_for_and_what_waits_goes_to_it),
    cmocka_unit_test(a_neighbour_that_does_not_answer_is_given_up),
    cmocka_unit_test(a_neighbour_is_asked_again_unless_a_connection_makes_progress),
    cmocka_unit_test(who_asks_for_us_is_answered_and_remembered),
    cmocka_unit_test(what_cannot_be_is_refused),
    cmocka_unit_test(an_advertisement_that_does_not_override_makes_doubtful),
    cmocka_unit_test(an_address_is_ours_when_nobody_has_objected_for_a_second),
    cmocka_unit_test(an_address_that_another_has_or_wants_is_not_ours),
    cmocka_unit_test(a_link_configures_itself_by_what_its_router_says),
    cmocka_unit_test(what_a_router_says_ends_with_its_lifetime),
    cmocka_unit_test(routers_are_believed_only_where_that_was_asked_for),
    cmocka_unit_test(a_redirect_is_followed_if_it_comes_from_the_router_in_use),
    cmocka_unit_test(whoever_asks_for_listeners_hears_of_our_groups),
    cmocka_unit_test(identifiers_are_stable_and_made_anew_when_taken))
