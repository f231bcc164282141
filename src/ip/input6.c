/* input6.c - an IPv6 packet arrives (RFC 8200): is it whole, is it for us, may it come from whom it
 * says, and what do its extension headers lead to?
 *
 * No extension header asks a host that knows none of their options for anything but an answer to
 * what is unknown (RFC 8200 4.2). There are at most IPV6_EXTENSIONS_MAX of them, and they lie in
 * one piece with the IPv6 header (RFC 8504 5.3). */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/icmpv6.h"

enum {
  PAYLOAD_AT = 4,
  NEXT_AT = 6,
  SOURCE_AT = 8,
  TCP_HEADER_LEAST = 20,
  UPPER_LEAST = 8,
  UNIT = 8,
  DATAGRAM_MAX = 65535
};

/* RFC 4291 2.7.1: all nodes, of the interface and of the link; and the group of each address. */
bool ip6_joined(const struct ip *ip, unsigned iface, const struct ip_addr *group)
{
  static const uint8_t solicited[13] = { 0xff, 2, [11] = 1, [12] = 0xff };
  static const struct ip_addr all = { { 0xff, 2, [15] = 1 } }, all_here = { { 0xff, 1, [15] = 1 } };

  if (ip_addr_eq(group, &all) || ip_addr_eq(group, &all_here))
    return true;
  if (memcmp(group->octets, solicited, sizeof solicited) != 0)
    return false;
  for (uint32_t i = 0; i < ip->own_count; i++)
    if (ip->owns[i].iface == iface && !ip_addr_is4(&ip->owns[i].addr) &&
        ip->owns[i].state != IP_OWN_DUPLICATE &&
        memcmp(ip->owns[i].addr.octets + 13, group->octets + 13, 3) == 0)
      return true;
  return false;
}

/* RFC 4291 2.5.2, 2.5.3, 2.7. An IPv4 address in its mapped form is none of IPv6's: on the wire it
 * would speak for a host that it is not (2.5.5.2; RFC 4942 2.2). Nobody has no address but who asks
 * for one, by ICMP and to many (RFC 4862 5.4.2). */
static bool source_possible(const struct ip *ip, const struct ip_meta *m)
{
  const struct ip_addr *const a = &m->source;

  if (ip_addr_is4(a) || ip_addr_is_multicast(a))
    return false;
  if (ip_addr_is_any(a))
    return m->broadcast && (m->protocol == IP_ICMPV6 || m->protocol == IPV6_HOP_BY_HOP);
  if (ip->ifaces[m->iface].flags & IP_IFACE_LOOPBACK)
    return true;
  return !ip_addr_is_loopback(a) && !ip_own_find(ip, a);
}

/* The weak model, as for IPv4: an address of ours is ours on whatever link it came; but ::1 never
 * comes from outside, and what is local to a link is so on its own (RFC 4291 2.5.6). */
static enum ip_why check_destination(struct ip *ip, struct ip_meta *m)
{
  const struct ip_addr *const a = &m->destination;
  const bool loopback = ip->ifaces[m->iface].flags & IP_IFACE_LOOPBACK;
  const struct ip_own *own;

  if (ip_addr_is_multicast(a)) {
    m->broadcast = ip6_joined(ip, m->iface, a);
    return m->broadcast ? IP_WHY_NONE : IP_WHY_IP_MULTICAST;
  }
  if (ip_addr_is4(a))
    return IP_WHY_IP_NOT_OURS;
  if (ip_addr_is_loopback(a))
    return loopback ? IP_WHY_NONE : IP_WHY_IP_NOT_OURS;
  own = ip_own_find(ip, a);
  return own && (loopback || own->iface == m->iface || !ip6_addr_is_link_local(a))
             ? IP_WHY_NONE
             : IP_WHY_IP_NOT_OURS;
}

static enum ip_why check_addresses(struct ip *ip, struct ip_meta *m, const uint8_t *pair)
{
  struct ip_vetted6 *const known = &ip->vetted6;
  enum ip_why why;

  m->broadcast = false;
  if (known->generation == ip->generation && known->iface == m->iface &&
      memcmp(known->pair, pair, sizeof known->pair) == 0)
    return IP_WHY_NONE;
  why = check_destination(ip, m);
  if (why != IP_WHY_NONE)
    return ip_refuse(ip, why);
  if (!source_possible(ip, m))
    return ip_refuse(ip, IP_WHY_IP_SOURCE);
  if (m->broadcast)
    return IP_WHY_NONE;
  memcpy(known->pair, pair, sizeof known->pair);
  known->iface = m->iface;
  known->generation = ip->generation;
  return IP_WHY_NONE;
}

/* ---- extension headers ---- */

struct answer {
  enum ip_why why;
  bool report;
  uint8_t code;
};

static struct answer answer_to(enum ipv6_fault fault)
{
  static const struct answer answers[] = {
    [IPV6_FINE] = { IP_WHY_NONE, false, 0 },
    [IPV6_TRUNCATED] = { IP_WHY_IP6_EXTENSIONS, false, 0 },
    [IPV6_TOO_MANY] = { IP_WHY_IP6_EXTENSIONS, false, 0 },
    [IPV6_NEXT_MISPLACED] = { IP_WHY_IP6_NEXT_HEADER, true, ICMPV6_BAD_NEXT_HEADER },
    [IPV6_ROUTING_UNKNOWN] = { IP_WHY_IP6_ROUTING, true, ICMPV6_BAD_FIELD },
    [IPV6_OPTION_DROP] = { IP_WHY_IP6_OPTION, false, 0 },
    [IPV6_OPTION_REPORT] = { IP_WHY_IP6_OPTION, true, ICMPV6_BAD_OPTION },
    [IPV6_OPTION_REPORT_UNICAST] = { IP_WHY_IP6_OPTION, true, ICMPV6_BAD_OPTION },
  };

  return answers[fault];
}

/* The view begins behind m->header_length octets of headers. */
static enum ip_why problem(struct ip *ip, const struct ip_meta *m, const struct ip_view *v,
                           enum ip_why why, uint8_t code, size_t pointer)
{
  ip_icmp6_send(ip, ICMPV6_PARAMETER_PROBLEM, code, (uint32_t)pointer, m, v->octets, v->contiguous);
  return ip_refuse(ip, why);
}

/* What the walk from `m->header` on, or behind a whole datagram's beginning, has found wrong. */
static enum ip_why refuse_upper(struct ip *ip, const struct ip_meta *m, const struct ip_view *v,
                                const struct ipv6_upper *u, size_t before)
{
  const struct answer a = answer_to(u->fault);

  if (a.report && !(u->fault == IPV6_OPTION_REPORT_UNICAST && m->broadcast))
    return problem(ip, m, v, a.why, a.code, before + u->pointer);
  return ip_refuse(ip, a.why);
}

/* RFC 8200 4.7: nothing follows. RFC 4302: what claims to be authenticated and cannot be checked is
 * as unknown as any other protocol. */
static enum ip_why check_upper(struct ip *ip, const struct ip_meta *m, const struct ip_view *v,
                               const struct ipv6_upper *u, size_t before)
{
  if (u->fault != IPV6_FINE)
    return refuse_upper(ip, m, v, u, before);
  if (u->authentication)
    return problem(ip, m, v, IP_WHY_IP_PROTOCOL, ICMPV6_BAD_NEXT_HEADER, before + u->pointer);
  return u->protocol == IPV6_NO_NEXT ? ip_refuse(ip, IP_WHY_IP6_NO_NEXT) : IP_WHY_NONE;
}

/* RFC 7112 5: the first fragment has all headers, up to the transport's. */
static bool first_is_complete(const struct ip_view *v, uint8_t next)
{
  const struct ipv6_upper u = ipv6_upper_from(next, v->octets, v->contiguous);
  const size_t least = u.protocol == IP_TCP ? TCP_HEADER_LEAST : UPPER_LEAST;

  return u.fault != IPV6_TRUNCATED && (u.fault != IPV6_FINE || v->length - u.at >= least);
}

/* The view begins behind the fragment header. RFC 8200 4.5's errors, then the others' table, and
 * then what the whole begins with. */
static enum ip_why reassemble(struct ip *ip, struct ip_meta *m, struct ip_view *v,
                              const struct ipv6_upper *u)
{
  const struct ip_fragment f = { u->id, u->offset, u->more_fragments, u->protocol };
  struct ipv6_upper upper;
  enum ip_why why;

  if (f.more && v->length % UNIT != 0)
    return problem(ip, m, v, IP_WHY_FRAGMENT_LENGTH, ICMPV6_BAD_FIELD, PAYLOAD_AT);
  if (f.offset + v->length > DATAGRAM_MAX)
    return problem(ip, m, v, IP_WHY_FRAGMENT_LENGTH, ICMPV6_BAD_FIELD, u->at - IP6_FRAGMENT + 2);
  if (m->header_length > IP_REASM_HEADER)
    return ip_refuse(ip, IP_WHY_IP6_EXTENSIONS);
  if (f.offset == 0 && !first_is_complete(v, f.next))
    return ip_refuse(ip, IP_WHY_FRAGMENT_TINY);
  why = ip_reasm_input(ip, m, v, &f);
  if (why != IP_WHY_NONE)
    return why;
  upper = ipv6_upper_from(m->protocol, v->octets, v->contiguous);
  if (upper.fault == IPV6_FINE && upper.fragment)
    why = ip_refuse(ip, IP_WHY_IP6_EXTENSIONS); /* a fragment of a fragment */
  else
    why = check_upper(ip, m, v, &upper, m->header_length);
  m->protocol = upper.protocol;
  m->next_at = (uint16_t)(m->header_length + upper.pointer);
  if (why == IP_WHY_NONE)
    ip_view_pull(v, (uint32_t)upper.at);
  return why;
}

/* `v` begins with the IPv6 header; some extension header follows. */
static enum ip_why walk(struct ip *ip, struct ip_meta *m, struct ip_view *v)
{
  const struct ipv6_upper u = ipv6_upper_find(v->octets, v->contiguous);
  enum ip_why why;

  ip->count[IP_N_ip_options]++;
  m->protocol = u.protocol;
  m->next_at = (uint16_t)u.pointer;
  m->header_length = (uint16_t)u.at;
  ip_view_pull(v, (uint32_t)u.at);
  why = check_upper(ip, m, v, &u, 0);
  return why == IP_WHY_NONE && u.fragment ? reassemble(ip, m, v, &u) : why;
}

static bool is_transport(uint8_t next)
{
  return next == IP_TCP || next == IP_UDP || next == IP_ICMPV6;
}

enum ip_why ip6_input(struct ip *ip, struct ip_meta *m, struct ip_view *v)
{
  struct ipv6_header h;
  enum ip_why why;

  ip->count[IP_N_ip_in]++;
  if (ipv6_header_parse(v->octets, v->contiguous, &h) == 0 || h.payload + 40u > v->length)
    return ip_refuse(ip, IP_WHY_IP_HEADER);
  m->source = h.source;
  m->destination = h.destination;
  m->header = v->octets;
  m->header_length = IPV6_HEADER;
  m->next_at = NEXT_AT;
  m->protocol = h.next;
  m->hops = h.hop_limit;
  m->ecn = h.traffic_class & 3;
  why = check_addresses(ip, m, v->octets + SOURCE_AT);
  if (why != IP_WHY_NONE)
    return why;
  ip_view_trim(v, h.payload + 40u);
  if (is_transport(h.next))
    ip_view_pull(v, IPV6_HEADER);
  else
    why = walk(ip, m, v);
  if (why == IP_WHY_NONE)
    ip->count[IP_N_ip_delivered]++;
  return why;
}
