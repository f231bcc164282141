/* frame.c - what is said to neighbours: ARP (RFC 826), neighbour discovery (RFC 4861) and listener
 * reports (RFC 3810), as whole Ethernet frames. Answers and announcements wait in a small ring;
 * questions about neighbours in a list of these, so that none is lost. */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/nd.h"

enum { ND_HOPS = 255, MLD_HOPS = 1, OPTIONS = 8, CHECKSUM_AT = 2 };

_Static_assert((int)ETHER_HEADER + IPV6_HEADER + OPTIONS + MLD_REPORT_OCTETS <= (int)IP_FRAME_MAX,
               "the largest is a report");

static const uint8_t everyone[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

bool ip_frame_later(struct ip *ip, const struct ip_frame *frame)
{
  if (ip->frame_count == IP_FRAMES) {
    ip->count[IP_N_frames_lost]++;
    return false;
  }
  ip->frames[(ip->frame_first + ip->frame_count++) % IP_FRAMES] = *frame;
  return true;
}

/* ---- ARP ---- */

static uint32_t write_link(const struct ip *ip, uint8_t *octets, unsigned iface,
                           const uint8_t to[6], uint16_t type)
{
  struct ether_header h = { .type = type };

  memcpy(h.from, ip->ifaces[iface].mac, sizeof h.from);
  memcpy(h.to, to, sizeof h.to);
  return (uint32_t)ether_header_write(octets, &h);
}

static uint32_t write_arp(const struct ip *ip, uint8_t *octets, unsigned iface,
                          const uint8_t to[6], struct arp *a)
{
  const uint32_t n = write_link(ip, octets, iface, to, ETHER_ARP);

  memcpy(a->sender_mac, ip->ifaces[iface].mac, sizeof a->sender_mac);
  return n + (uint32_t)arp_write(octets + n, a);
}

static uint32_t write_arp_reply(struct ip *ip, uint8_t *octets, const struct ip_frame *f)
{
  const bool announce = ip_addr_eq(&f->addr, &f->peer);
  struct arp a = { .operation = announce ? ARP_REQUEST : ARP_REPLY };

  ip->count[announce ? IP_N_arp_requests_out : IP_N_arp_replies_out]++;
  memcpy(a.sender_ip, f->addr.octets + 12, 4);
  memcpy(a.target_ip, f->peer.octets + 12, 4);
  if (!announce)
    memcpy(a.target_mac, f->mac, sizeof a.target_mac);
  return write_arp(ip, octets, f->iface, f->mac, &a);
}

/* ---- neighbour discovery ---- */

/* Headers in front of an ICMPv6 message of n octets that lies where it belongs, and its checksum.
 * To a group the frame goes to the group's address, else to `mac`. */
static uint32_t seal(const struct ip *ip, uint8_t *octets, unsigned iface, const uint8_t *mac,
                     const struct ipv6_header *ip6, uint32_t before, uint32_t n)
{
  struct ipv6_header h = *ip6;
  uint8_t group[6];
  struct csum c = { 0, false };
  uint8_t *const message = octets + ETHER_HEADER + IPV6_HEADER + before;

  nd_group_mac(&h.destination, group);
  (void)write_link(ip, octets, iface, ip_addr_is_multicast(&h.destination) ? group : mac,
                   ETHER_IPV6);
  h.payload = (uint16_t)(before + n);
  (void)ipv6_header_write(octets + ETHER_HEADER, &h);
  ip_pseudo_add(&c, &h.source, &h.destination, IP_ICMPV6, n);
  csum_add(&c, message, n);
  be16_put(message + CHECKSUM_AT, csum_done(&c));
  return ETHER_HEADER + IPV6_HEADER + before + n;
}

static uint32_t write_nd(const struct ip *ip, uint8_t *octets, unsigned iface, const uint8_t *mac,
                         const struct ip_addr *from, const struct ip_addr *to,
                         const struct nd_message *m)
{
  const struct ipv6_header h = {
    .next = IP_ICMPV6, .hop_limit = ND_HOPS, .source = *from, .destination = *to,
  };
  const size_t n = nd_write(octets + ETHER_HEADER + IPV6_HEADER, m);

  return seal(ip, octets, iface, mac, &h, 0, (uint32_t)n);
}

/* RFC 4861 7.2.4: to the one who asked, or to all if that is nobody yet. */
static uint32_t write_advertisement(struct ip *ip, uint8_t *octets, const struct ip_frame *f)
{
  static const struct ip_addr all = { { 0xff, 2, [15] = 1 } };
  const bool asked = !ip_addr_is_any(&f->peer);
  const struct nd_message m = {
    .type = ICMPV6_NEIGHBOR_ADVERTISEMENT, .target = f->addr,
    .flags = asked ? ND_SOLICITED | ND_OVERRIDE : ND_OVERRIDE,
    .target_mac = ip->ifaces[f->iface].mac,
  };

  ip->count[IP_N_nd_advertisements_out]++;
  return write_nd(ip, octets, f->iface, f->mac, &f->addr, asked ? &f->peer : &all, &m);
}

/* RFC 4862 5.4.2: nobody asks, and gives no address to answer to. */
static uint32_t write_probe(struct ip *ip, uint8_t *octets, const struct ip_frame *f)
{
  const struct ip_addr nobody = { { 0 } }, group = nd_solicited_node(&f->addr);
  const struct nd_message m = { .type = ICMPV6_NEIGHBOR_SOLICITATION, .target = f->addr };

  ip->count[IP_N_nd_solicitations_out]++;
  return write_nd(ip, octets, f->iface, NULL, &nobody, &group, &m);
}

/* RFC 4861 6.3.7: from our link-local address, if there is one. */
static uint32_t write_router_solicitation(struct ip *ip, uint8_t *octets,
                                          const struct ip_frame *f)
{
  static const struct ip_addr routers = { { 0xff, 2, [15] = 2 } };
  const struct ip_own *const own = ip_addr6_of_link(ip, f->iface);
  const struct ip_addr from = own ? own->addr : (struct ip_addr){ { 0 } };
  const struct nd_message m = {
    .type = ICMPV6_ROUTER_SOLICITATION, .source_mac = own ? ip->ifaces[f->iface].mac : NULL,
  };

  ip->count[IP_N_router_solicitations_out]++;
  return write_nd(ip, octets, f->iface, NULL, &from, &routers, &m);
}

/* RFC 3810 5.2.14: hop limit 1, a router alert (RFC 2711), to all routers that listen. */
static uint32_t write_report(struct ip *ip, uint8_t *octets, const struct ip_frame *f)
{
  static const uint8_t alert[OPTIONS] = { IP_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
  const struct ip_own *const own = ip_addr6_of_link(ip, f->iface);
  const struct ipv6_header h = {
    .next = IPV6_HOP_BY_HOP, .hop_limit = MLD_HOPS,
    .source = own ? own->addr : (struct ip_addr){ { 0 } },
    .destination = { { 0xff, 2, [15] = 0x16 } },
  };
  uint8_t *const at = octets + ETHER_HEADER + IPV6_HEADER;

  ip->count[IP_N_mld_reports_out]++;
  memcpy(at, alert, sizeof alert);
  return seal(ip, octets, f->iface, NULL, &h, OPTIONS,
              (uint32_t)nd_write_report(at + OPTIONS, f->record, &f->addr));
}

/* ---- questions ---- */

/* INCOMPLETE asks everyone, PROBE asks the one whom we believe to have the address. */
static uint32_t write_request4(struct ip *ip, const struct ip_neighbor *n,
                               const struct ip_addr *source, uint8_t *octets)
{
  const bool all = n->state != IP_NEIGHBOR_PROBE;
  struct arp a = { .operation = ARP_REQUEST };

  ip->count[IP_N_arp_requests_out]++;
  memcpy(a.sender_ip, source->octets + 12, 4);
  memcpy(a.target_ip, n->addr.octets + 12, 4);
  return write_arp(ip, octets, n->iface, all ? everyone : n->mac, &a);
}

/* RFC 4861 7.2.2. */
static uint32_t write_request6(struct ip *ip, const struct ip_neighbor *n,
                               const struct ip_addr *source, uint8_t *octets)
{
  const struct ip_addr group = nd_solicited_node(&n->addr);
  const struct nd_message m = {
    .type = ICMPV6_NEIGHBOR_SOLICITATION, .target = n->addr,
    .source_mac = ip->ifaces[n->iface].mac,
  };

  ip->count[IP_N_nd_solicitations_out]++;
  return write_nd(ip, octets, n->iface, n->mac, source,
                  n->state == IP_NEIGHBOR_PROBE ? &n->addr : &group, &m);
}

/* 0: IPv6 has no address to ask from yet. */
static uint32_t write_request(struct ip *ip, struct ip_neighbor *n, uint8_t *octets)
{
  const struct ip_dest dest = { .peer = n->addr, .next = n->addr, .iface = n->iface };
  struct ip_addr source = { { 0 } };
  const bool any = ip_source_for(ip, &dest, &source);

  n->asked++;
  if (ip_addr_is4(&n->addr))
    return write_request4(ip, n, &source, octets);
  return any ? write_request6(ip, n, &source, octets) : 0;
}

static uint32_t write_frame(struct ip *ip, const struct ip_frame *f, uint8_t *octets)
{
  switch (f->kind) {
  case IP_FRAME_ARP:
    return write_arp_reply(ip, octets, f);
  case IP_FRAME_ADVERTISE:
    return write_advertisement(ip, octets, f);
  case IP_FRAME_PROBE:
    return write_probe(ip, octets, f);
  case IP_FRAME_SOLICIT_ROUTER:
    return write_router_solicitation(ip, octets, f);
  default:
    return write_report(ip, octets, f);
  }
}

uint32_t ip_frame_output(struct ip *ip, uint8_t octets[IP_FRAME_MAX], uint8_t *iface)
{
  struct list *node;

  if (ip->frame_count > 0) {
    const struct ip_frame *const f = &ip->frames[ip->frame_first];

    ip->frame_first = (ip->frame_first + 1) % IP_FRAMES;
    ip->frame_count--;
    *iface = f->iface;
    return write_frame(ip, f, octets);
  }
  while ((node = list_take(&ip->solicit)) != NULL) {
    struct ip_neighbor *const n = list_entry(node, struct ip_neighbor, solicit);
    const uint32_t length = write_request(ip, n, octets);

    *iface = n->iface;
    if (length > 0)
      return length;
  }
  return 0;
}
