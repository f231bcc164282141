/* icmp6.c - ICMPv6 (RFC 4443): echo is answered, errors about what we have sent are read, and
 * errors are sent for what cannot be delivered, so many a second together with ICMP's. */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/icmpv6.h"
#include "wire/ip.h"
#include "wire/nd.h"

/* RFC 4443 2.4 c: an error is no larger than what every link carries. */
enum { ERROR_MAX = IP6_MTU_MIN - IPV6_HEADER - ICMP_HEADER };

/* RFC 4443 4.2. The octets of the request are lent to the reply, whose checksum differs by the type
 * alone, since the ends have changed places (RFC 1624 3).
 * Departs: one to many is not answered, which 4.2 leaves open; whoever asks all for an answer has
 * our neighbours' time to lose. */
static enum ip_why echo(struct ip *ip, const struct ip_meta *m, const struct ip_view *v)
{
  if (m->broadcast || m->link_broadcast)
    return ip_refuse(ip, IP_WHY_ICMP_BROADCAST);
  struct ip_datagram *const d = ip_datagram_new(ip, &m->destination, &m->source, IP_ICMPV6);

  if (!d)
    return IP_WHY_NONE;
  const uint32_t sum =
      (uint32_t)be16_get(v->octets + 2) + (0xffff - ((ICMPV6_ECHO_REPLY - ICMPV6_ECHO) << 8));

  memcpy(d->head, v->octets, ICMP_HEADER);
  d->head_length = ICMP_HEADER;
  d->head[0] = ICMPV6_ECHO_REPLY;
  be16_put(d->head + 2, (uint16_t)((sum & 0xffff) + (sum >> 16)));
  ip->count[IP_N_icmp_echoes] += ip_datagram_lend(ip, d, v, ICMP_HEADER);
  return IP_WHY_NONE;
}

/* RFC 9293 3.9.2.2: no route, no such host, time exceeded and parameter problems are soft;
 * prohibited and no such port are hard, and so is a next header that is unknown to the peer, which
 * is IPv4's unreachable protocol (RFC 4443 3.4). Beyond the scope (2) and the codes since are no
 * harder than no route is. */
static void read_error(const struct icmp_header *h, struct ip_icmp_error *error)
{
  error->mtu = 0;
  error->hard = false;
  error->error = LA_EUNREACH;
  if (h->type == ICMPV6_PACKET_TOO_BIG)
    error->mtu = (uint16_t)(h->rest < 65535 ? h->rest : 65535);
  if (h->type == ICMPV6_UNREACHABLE)
    error->hard = h->code == ICMPV6_PROHIBITED || h->code == ICMPV6_PORT_UNREACHABLE;
  else if (h->type == ICMPV6_PARAMETER_PROBLEM)
    error->hard = h->code == ICMPV6_BAD_NEXT_HEADER;
  if (error->hard)
    error->error = LA_EREFUSED;
}

/* RFC 4443 5.2: what is quoted is a packet of ours, or the error means nothing. */
static enum ip_why take_error(struct ip *ip, const struct icmp_header *h, const struct ip_view *v,
                              struct ip_icmp_error *error)
{
  struct ip_quote q;

  if (!ip_quote_parse(v->octets + ICMP_HEADER, v->contiguous - ICMP_HEADER, &q) ||
      ip_addr_is4(&q.source) || !ip_own_find(ip, &q.source))
    return ip_refuse(ip, IP_WHY_ICMP_QUOTE);
  if (h->type == ICMPV6_PACKET_TOO_BIG && h->rest < IP6_MTU_MIN)
    return ip_refuse(ip, IP_WHY_ICMP_MTU); /* RFC 8201 4 */
  error->ends = (struct ends){ q.source, q.destination, q.source_port, q.destination_port };
  error->seq = q.seq;
  error->protocol = q.protocol;
  read_error(h, error);
  return IP_WHY_NONE;
}

enum ip_why ip_icmp6_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v,
                           struct ip_icmp_error *error, bool *found)
{
  struct icmp_header h;
  enum ip_why why;

  *found = false;
  ip->count[IP_N_icmp_in]++;
  if (icmp_header_parse(v->octets, v->contiguous, &h) == 0 || !ip_sum_good(m, v))
    return ip_refuse(ip, IP_WHY_ICMP_CHECKSUM);
  if (h.type >= ICMPV6_ROUTER_SOLICITATION && h.type <= ICMPV6_REDIRECT)
    return ip_nd_input(ip, m, v);
  if (ip_addr_is_any(&m->source))
    return ip_refuse(ip, IP_WHY_IP_SOURCE);
  if (h.type == MLD_QUERY)
    return ip_mld_input(ip, m, v);
  if (h.type == ICMPV6_ECHO && h.code == 0)
    return echo(ip, m, v);
  if (h.type < ICMPV6_UNREACHABLE || h.type > ICMPV6_PARAMETER_PROBLEM)
    return ip_refuse(ip, IP_WHY_ICMP_UNKNOWN);
  why = take_error(ip, &h, v, error);
  *found = why == IP_WHY_NONE;
  return why;
}

/* RFC 4443 2.4 e: no error about an error or a redirect, nor about what came to many or from no
 * one; but an option that asks for an answer has one even then. */
static bool may_answer(const struct ip_meta *m, uint8_t type, uint8_t code, const uint8_t *octets,
                       uint32_t n)
{
  const bool option = type == ICMPV6_PARAMETER_PROBLEM && code == ICMPV6_BAD_OPTION;

  if (ip_addr_is_any(&m->source) || ((m->broadcast || m->link_broadcast) && !option))
    return false;
  return m->protocol != IP_ICMPV6 ||
         (n > 0 && !icmpv6_is_error(octets[0]) && octets[0] != ICMPV6_REDIRECT);
}

/* From the address that was spoken to, or, if that is a group, the one for the way back. */
static bool source_of(struct ip *ip, const struct ip_meta *m, struct ip_addr *source)
{
  const struct ip_dest *dest;

  *source = m->destination;
  if (!m->broadcast)
    return true;
  dest = ip_dest_find(ip, &m->source);
  return dest && ip_source_for(ip, dest, source);
}

/* As much of what is to blame as fits: its headers, and the payload behind them; of a datagram that
 * was put together, the first fragment's headers. */
static bool quote(struct ip *ip, struct ip_datagram *d, const struct ip_meta *m,
                  const uint8_t *octets, uint32_t n)
{
  if (m->reasm) {
    octets = m->reasm->frag[0].slab->octets;
    n = m->reasm->frag[0].length;
  }
  const uint32_t header = m->header_length < ERROR_MAX ? m->header_length : ERROR_MAX;
  const uint32_t payload = n < ERROR_MAX - header ? n : ERROR_MAX - header;

  return stream_write(&ip->store, &d->text, m->header, header) == header &&
         stream_write(&ip->store, &d->text, octets, payload) == payload;
}

void ip_icmp6_send(struct ip *ip, uint8_t type, uint8_t code, uint32_t rest,
                   const struct ip_meta *m, const uint8_t *octets, uint32_t n)
{
  const struct icmp_header h = { .type = type, .code = code, .rest = rest };
  struct ip_addr source;
  struct ip_datagram *d;

  if (!may_answer(m, type, code, octets, n) || !source_of(ip, m, &source))
    return;
  if (!rate_allows(&ip->icmp_rate, ip->now)) {
    ip->count[IP_N_icmp_limited]++;
    return;
  }
  d = ip_datagram_new(ip, &source, &m->source, IP_ICMPV6);
  if (!d)
    return;
  d->head_length = (uint8_t)icmp_header_write(d->head, &h);
  if (!quote(ip, d, m, octets, n)) {
    ip_datagram_undo(ip);
    ip->count[IP_N_datagrams_lost]++;
    return;
  }
  be16_put(d->head + 2, ip_datagram_sum(d));
  ip->count[IP_N_icmp_errors_out]++;
}
