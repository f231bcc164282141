/* input4.c - an IPv4 packet arrives (RFC 791 3.2, RFC 1122 3.2.1): is it whole, is it for us, may
 * it come from whom it says? Options are skipped: none of them asks a host for anything, and
 * source routes are not followed (RFC 7126). */
#include "ip/ip.h"

enum { SOURCE_AT = 12 };        /* in the header; the destination follows */

/* RFC 1122 3.2.1.3: what no packet from outside has as its source. 0.0.0.0 is none either:
 * whoever configures himself with it does so on another layer (DHCP). */
static bool source_possible(const struct ip *ip, const struct ip_meta *m)
{
  const struct ip_addr *const a = &m->source;

  if (a->octets[12] >= 224 || a->octets[12] == 0)
    return false;
  if (ip->ifaces[m->iface].flags & IP_IFACE_LOOPBACK)
    return true;
  return a->octets[12] != 127 && !ip_own_find(ip, a) && !ip_addr_is_broadcast(ip, m->iface, a);
}

/* The weak model of RFC 1122 3.3.4.2: an address of ours is ours on whatever link it came. But
 * 127.0.0.0/8 never comes from outside. */
static enum ip_why check_destination(struct ip *ip, struct ip_meta *m)
{
  m->broadcast = false;
  if (ip_own_find(ip, &m->destination))
    return m->destination.octets[12] == 127 && !(ip->ifaces[m->iface].flags & IP_IFACE_LOOPBACK)
             ? ip_refuse(ip, IP_WHY_IP_NOT_OURS)
             : IP_WHY_NONE;
  if (ip_addr_is_loopback(&m->destination) && ip->ifaces[m->iface].flags & IP_IFACE_LOOPBACK)
    return IP_WHY_NONE;
  if (ip_addr_is_multicast(&m->destination))
    return ip_refuse(ip, IP_WHY_IP_MULTICAST);
  if (!ip_addr_is_broadcast(ip, m->iface, &m->destination))
    return ip_refuse(ip, IP_WHY_IP_NOT_OURS);
  m->broadcast = true;
  return IP_WHY_NONE;
}

/* `pair`: both addresses in the header. */
static enum ip_why check_addresses(struct ip *ip, struct ip_meta *m, const uint8_t *pair)
{
  struct ip_vetted *const known = &ip->vetted;
  enum ip_why why;

  m->broadcast = false;
  if (known->generation == ip->generation && known->iface == m->iface &&
      memcmp(known->pair, pair, sizeof known->pair) == 0)
    return IP_WHY_NONE;
  if (!source_possible(ip, m))
    return ip_refuse(ip, IP_WHY_IP_SOURCE);
  why = check_destination(ip, m);
  if (why != IP_WHY_NONE || m->broadcast)
    return why;
  memcpy(known->pair, pair, sizeof known->pair);
  known->iface = m->iface;
  known->generation = ip->generation;
  return IP_WHY_NONE;
}

/* Looks at the header a second time, so that the usual packet's need not be kept whole. */
static enum ip_why reassemble(struct ip *ip, struct ip_meta *m, struct ip_view *v)
{
  struct ipv4_header h = { 0 };

  (void)ipv4_header_parse(m->header, m->header_length, &h);
  return ip_reasm_input(ip, m, v, &(struct ip_fragment){ h.id, h.offset, h.more_fragments, 0 });
}

enum ip_why ip4_input(struct ip *ip, struct ip_meta *m, struct ip_view *v)
{
  struct ipv4_header h;
  const size_t n = ipv4_header_parse(v->octets, v->contiguous, &h);
  enum ip_why why;

  ip->count[IP_N_ip_in]++;
  if (n == 0 || h.total > v->length)
    return ip_refuse(ip, v->contiguous > 0 && v->octets[0] >> 4 != 4 ? IP_WHY_IP_VERSION
                                                                     : IP_WHY_IP_HEADER);
  if (!ipv4_header_sum_good(v->octets, n))
    return ip_refuse(ip, IP_WHY_IP_CHECKSUM);
  if (n > IPV4_HEADER_MIN)
    ip->count[IP_N_ip_options]++;
  m->source = ip_addr_of4(h.source);
  m->destination = ip_addr_of4(h.destination);
  m->header = v->octets;
  m->header_length = (uint16_t)n;
  m->protocol = h.protocol;
  m->ecn = h.tos & 3;
  why = check_addresses(ip, m, v->octets + SOURCE_AT);
  if (why != IP_WHY_NONE)
    return why;
  ip_view_trim(v, h.total);                   /* Ethernet pads; the padding is no text */
  ip_view_pull(v, (uint32_t)n);
  if (h.more_fragments || h.offset > 0)
    why = reassemble(ip, m, v);
  if (why == IP_WHY_NONE)
    ip->count[IP_N_ip_delivered]++;
  return why;
}
