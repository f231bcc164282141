/* icmp.c - ICMP (RFC 792, RFC 1122 3.2.2): echo is answered, errors about what we have sent are
 * read, and errors are sent for what cannot be delivered, so many a second.
 * Source quench (RFC 6633) and redirects are counted and have no effect: the latter are advice
 * from a neighbour that nothing authenticates. */
#include "ip/ip.h"
#include "base/be.h"
#include "wire/icmpv6.h"

enum { QUOTE_LEAST = 8, QUOTE_MOST = IP_DATAGRAM_HEAD - ICMP_HEADER };

/* RFC 1122 3.2.2.6. The octets of the request are lent to the reply. Its checksum differs from the
 * request's by the type alone (RFC 1624 3). */
static enum ip_why echo(struct ip *ip, const struct ip_meta *m, const struct ip_view *v)
{
  if (m->broadcast || m->link_broadcast)
    return ip_refuse(ip, IP_WHY_ICMP_BROADCAST);
  struct ip_datagram *const d = ip_datagram_new(ip, &m->destination, &m->source, IP_ICMP);

  if (!d)
    return IP_WHY_NONE;
  const uint32_t sum = (uint32_t)be16_get(v->octets + 2) + (ICMP_ECHO << 8);

  memcpy(d->head, v->octets, ICMP_HEADER);
  d->head_length = ICMP_HEADER;
  d->head[0] = ICMP_ECHO_REPLY;
  be16_put(d->head + 2, (uint16_t)((sum & 0xffff) + (sum >> 16)));
  ip->count[IP_N_icmp_echoes] += ip_datagram_lend(ip, d, v, ICMP_HEADER);
  return IP_WHY_NONE;
}

/* RFC 1191 7: routers that do not say get an estimate, the next plateau below what was sent. */
static uint16_t plateau_below(uint16_t total)
{
  static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 576 };

  for (unsigned i = 0; i < sizeof plateaus / sizeof *plateaus; i++)
    if (plateaus[i] < total)
      return plateaus[i];
  return IP_PMTU_MIN;
}

/* What it means (RFC 1122 3.2.2.1, 4.2.3.9): protocol and port unreachable are hard, and
 * fragmentation needed is no error but advice. What is prohibited will be so for every try
 * (RFC 1812 5.2.7.1). false: it means nothing to a transport. */
static bool read_error(const struct icmp_header *h, uint16_t sent, struct ip_icmp_error *error)
{
  error->mtu = 0;
  error->hard = false;
  error->error = LA_EUNREACH;
  if (h->type == ICMP_TIME_EXCEEDED || h->type == ICMP_PARAMETER_PROBLEM)
    return true;
  if (h->type != ICMP_UNREACHABLE)
    return false;
  switch (h->code) {
  case ICMP_FRAGMENTATION_NEEDED:
    error->mtu = (uint16_t)h->rest ? (uint16_t)h->rest : plateau_below(sent);
    break;
  case ICMP_NET_PROHIBITED:
  case ICMP_HOST_PROHIBITED:
  case ICMP_PROHIBITED:
  case ICMP_PROTOCOL_UNREACHABLE:
  case ICMP_PORT_UNREACHABLE:
    error->error = LA_EREFUSED;
    error->hard = true;
    break;
  default:
    break;
  }
  return true;
}

/* The quoted header is our own packet's: its source must be us. */
static bool read_quote(const struct ip *ip, const uint8_t *octets, uint32_t n,
                       struct ip_icmp_error *error, uint16_t *total)
{
  struct ipv4_header quoted;
  const size_t header = ipv4_header_parse(octets, n, &quoted);

  if (header == 0 || n - header < QUOTE_LEAST || quoted.offset > 0)
    return false;
  const uint8_t *const p = octets + header;

  error->ends = (struct ends){
    .local = ip_addr_of4(quoted.source), .peer = ip_addr_of4(quoted.destination),
    .local_port = be16_get(p), .peer_port = be16_get(p + 2),
  };
  error->seq = be32_get(p + 4);
  error->protocol = quoted.protocol;
  *total = quoted.total;
  return ip_own_find(ip, &error->ends.local);
}

enum ip_why ip_icmp_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v,
                          struct ip_icmp_error *error, bool *found)
{
  struct icmp_header h;
  struct csum c = { 0, false };
  uint16_t total = 0;

  *found = false;
  ip->count[IP_N_icmp_in]++;
  if (v->apart)
    csum_add(&c, v->octets, v->contiguous);
  for (uint16_t i = 0; i < v->frags; i++)
    csum_add(&c, v->frag[i].slab->octets + v->frag[i].offset, v->frag[i].length);
  if (icmp_header_parse(v->octets, v->contiguous, &h) == 0 || !csum_good(&c))
    return ip_refuse(ip, IP_WHY_ICMP_CHECKSUM);
  if (h.type == ICMP_ECHO && h.code == 0)
    return echo(ip, m, v);
  if (h.type != ICMP_UNREACHABLE && h.type != ICMP_TIME_EXCEEDED &&
      h.type != ICMP_PARAMETER_PROBLEM)
    return ip_refuse(ip, IP_WHY_ICMP_UNKNOWN);
  if (!read_quote(ip, v->octets + ICMP_HEADER, v->contiguous - ICMP_HEADER, error, &total) ||
      !read_error(&h, total, error))
    return ip_refuse(ip, IP_WHY_ICMP_QUOTE);
  *found = true;
  return IP_WHY_NONE;
}

static bool quotable_type(uint8_t type)
{
  return type != ICMP_UNREACHABLE && type != ICMP_SOURCE_QUENCH && type != ICMP_REDIRECT &&
         type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETER_PROBLEM;
}

/* RFC 1122 3.2.2: no error about an error, nor about what came to many or from no one. (Fragments
 * other than the first never get here: reassembly stands before.) */
static bool may_answer(const struct ip *ip, const struct ip_meta *m, const uint8_t *octets,
                       uint32_t n)
{
  if (m->broadcast || m->link_broadcast || ip_addr_is_multicast(&m->destination) ||
      ip_addr_is_broadcast(ip, m->iface, &m->source))
    return false;
  return m->protocol != IP_ICMP || (n > 0 && quotable_type(octets[0]));
}

void ip_icmp_send(struct ip *ip, uint8_t type, uint8_t code, uint32_t rest,
                  const struct ip_meta *m, const uint8_t *octets, uint32_t n)
{
  struct icmp_header h = { .type = type, .code = code, .rest = rest };
  struct csum c = { 0, false };
  struct ip_datagram *d;

  if (!may_answer(ip, m, octets, n))
    return;
  if (!rate_allows(&ip->icmp_rate, ip->now)) {
    ip->count[IP_N_icmp_limited]++;
    return;
  }
  d = ip_datagram_new(ip, &m->destination, &m->source, IP_ICMP);
  if (!d)
    return;
  if (n > (uint32_t)QUOTE_MOST - m->header_length)
    n = (uint32_t)QUOTE_MOST - m->header_length;
  (void)icmp_header_write(d->head, &h);
  memcpy(d->head + ICMP_HEADER, m->header, m->header_length);
  memcpy(d->head + ICMP_HEADER + m->header_length, octets, n);
  d->head_length = (uint8_t)(ICMP_HEADER + m->header_length + n);
  csum_add(&c, d->head, d->head_length);
  be16_put(d->head + 2, csum_done(&c));
  ip->count[IP_N_icmp_errors_out]++;
}

/* RFC 1122 3.2.2.1, 4.1.3.1, 3.3.2; RFC 4443 3.1, 3.3, 3.4. */
void ip_complain(struct ip *ip, enum ip_complaint what, const struct ip_meta *m,
                 const uint8_t *octets, uint32_t n)
{
  static const struct { uint8_t type, code, type6, code6; } words[] = {
    [IP_NO_PROTOCOL] = { ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, ICMPV6_PARAMETER_PROBLEM,
                         ICMPV6_BAD_NEXT_HEADER },
    [IP_NO_PORT] = { ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, ICMPV6_UNREACHABLE,
                     ICMPV6_PORT_UNREACHABLE },
    [IP_FRAGMENTS_LATE] = { ICMP_TIME_EXCEEDED, 1, ICMPV6_TIME_EXCEEDED, 1 },
  };

  if (ip_addr_is4(&m->source))
    ip_icmp_send(ip, words[what].type, words[what].code, 0, m, octets, n);
  else
    ip_icmp6_send(ip, words[what].type6, words[what].code6,
                  what == IP_NO_PROTOCOL ? m->next_at : 0, m, octets, n);
}
