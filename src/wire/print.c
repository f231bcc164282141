/* wire/print.c - a packet as one line of text.
 * Every layer adds its words and hands on what it carries. Fields that do not fit into what
 * is there are not printed: the line says so instead. */
#include "wire/print.h"

#include <stdbool.h>

#include "wire/addr_text.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/icmpv6.h"
#include "wire/ip.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* What an IP header of either family says about its payload. */
struct payload {
  struct ip_addr source, destination;
  uint8_t  protocol;
  const uint8_t *octets;
  size_t   there, length;       /* octets that lie here; octets that the header speaks of */
  bool     fragment, more_fragments;
  uint16_t offset;
};

static void add_number(struct text *t, const char *before, uint64_t value)
{
  text_add_str(t, before);
  text_add_u64(t, value);
}

static void add_mac(struct text *t, const uint8_t mac[6])
{
  for (int i = 0; i < 6; i++) {
    if (i > 0)
      text_add_char(t, ':');
    text_add_hex(t, mac[i], 2);
  }
}

/* "IP 10.0.0.1.80 > 10.0.0.2.40000: ", without ports if the protocol has none. */
static void add_ends(struct text *t, const struct payload *p, const uint16_t *ports)
{
  text_add_str(t, ip_addr_is4(&p->source) ? "IP " : "IP6 ");
  addr_text_add(t, &p->source);
  if (ports)
    add_number(t, ".", ports[0]);
  text_add_str(t, " > ");
  addr_text_add(t, &p->destination);
  if (ports)
    add_number(t, ".", ports[1]);
  text_add_str(t, ": ");
}

static void add_flags(struct text *t, uint8_t flags)
{
  static const char letters[] = "FSRP.UEW";   /* from F_FIN up, as tcpdump has them */
  bool any = false;

  text_add_str(t, "Flags [");
  for (int i = 0; i < 8; i++) {
    if (letters[i] == '.' || !(flags & 1 << i))
      continue;
    text_add_char(t, letters[i]);
    any = true;
  }
  if (flags & F_ACK)
    text_add_char(t, '.');
  else if (!any)
    text_add_str(t, "none");
  text_add_char(t, ']');
}

static void add_option(struct text *t, size_t start, const char *name, uint64_t value)
{
  if (t->length > start)
    text_add_char(t, ',');
  add_number(t, name, value);
}

/* As tcpdump has it: the cookie's octets, or that one is asked for. */
static void add_cookie(struct text *t, size_t start, const struct tcp_cookie *c)
{
  if (t->length > start)
    text_add_char(t, ',');
  text_add_str(t, c->experimental ? "exp-tfo " : "tfo ");
  text_add_str(t, c->length == 0 ? "cookiereq" : "cookie ");
  for (unsigned i = 0; i < c->length; i++)
    text_add_hex(t, c->octets[i], 2);
}

static void add_options(struct text *t, const struct tcp_options *o, uint32_t ack_base)
{
  size_t start;

  if (o->present == 0)
    return;
  text_add_str(t, ", options [");
  start = t->length;
  if (o->present & TCP_OPT_MSS)
    add_option(t, start, "mss ", o->mss);
  if (o->present & TCP_OPT_SACK_OK)
    text_add_str(t, t->length > start ? ",sackOK" : "sackOK");
  if (o->present & TCP_OPT_TS) {
    add_option(t, start, "TS val ", o->ts_val);
    add_number(t, " ecr ", o->ts_ecr);
  }
  if (o->present & TCP_OPT_WSCALE)
    add_option(t, start, "wscale ", o->wscale);
  if (o->present & TCP_OPT_FASTOPEN)
    add_cookie(t, start, &o->cookie);
  if (o->present & TCP_OPT_USER_TIMEOUT)
    add_option(t, start, "uto ", o->user_timeout_s);
  if (o->present & TCP_OPT_SACK)
    add_option(t, start, "sack ", o->sacks);
  for (unsigned i = 0; i < o->sacks; i++) {
    add_number(t, i == 0 ? " {" : "{", o->sack[i].start - ack_base);
    add_number(t, ":", o->sack[i].end - ack_base);
    text_add_char(t, '}');
  }
  text_add_char(t, ']');
}

static void add_tcp(struct text *t, const struct payload *p, const struct print_bases *bases)
{
  struct tcp_header h;
  const size_t header = tcp_header_parse(p->octets, p->there, &h);
  const size_t text = p->length - header;

  if (header == 0) {
    add_ends(t, p, NULL);
    text_add_str(t, "TCP, truncated");
    return;
  }
  add_ends(t, p, (const uint16_t[]){ h.source, h.destination });
  add_flags(t, h.flags);
  if (text > 0 || h.flags & (F_SYN | F_FIN | F_RST))
    add_number(t, ", seq ", h.seq - bases->seq);
  if (text > 0)
    add_number(t, ":", (uint32_t)(h.seq - bases->seq + text));
  if (h.flags & F_ACK)
    add_number(t, ", ack ", h.ack - bases->ack);
  add_number(t, ", win ", h.window);
  if (h.flags & F_URG)
    add_number(t, ", urg ", h.urgent);
  add_options(t, &h.options, bases->ack);
  add_number(t, ", length ", text);
}

static void add_udp(struct text *t, const struct payload *p)
{
  struct udp_header h;

  if (udp_header_parse(p->octets, p->there, &h) == 0) {
    add_ends(t, p, NULL);
    text_add_str(t, "UDP, truncated");
    return;
  }
  add_ends(t, p, (const uint16_t[]){ h.source, h.destination });
  add_number(t, "UDP, length ", h.length - UDP_HEADER);
}

/* The quoted datagram's ends, which tell whose fault it was. */
static void add_quote(struct text *t, const uint8_t *octets, size_t n, uint32_t seq_base)
{
  struct ip_quote q;

  if (!ip_quote_parse(octets, n, &q)) {
    text_add_str(t, ", quoting nothing that can be read");
    return;
  }
  text_add_str(t, ", quoting ");
  addr_text_add(t, &q.source);
  add_number(t, ".", q.source_port);
  text_add_str(t, " > ");
  addr_text_add(t, &q.destination);
  add_number(t, ".", q.destination_port);
  add_number(t, ", protocol ", q.protocol);
  if (q.protocol == IP_TCP)
    add_number(t, ", seq ", q.seq - seq_base);
}

/* A message is an echo, with number and sequence, or another; errors quote. */
static void add_icmp(struct text *t, const struct payload *p, const struct print_bases *bases)
{
  const bool six = p->protocol == IP_ICMPV6;
  struct icmp_header h;
  bool error;

  add_ends(t, p, NULL);
  text_add_str(t, six ? "ICMP6, " : "ICMP, ");
  if (icmp_header_parse(p->octets, p->there, &h) == 0) {
    text_add_str(t, "truncated");
    return;
  }
  if (h.type == (six ? ICMPV6_ECHO : ICMP_ECHO) ||
      h.type == (six ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY)) {
    text_add_str(t, h.type == (six ? ICMPV6_ECHO : ICMP_ECHO) ? "echo request" : "echo reply");
    add_number(t, ", id ", h.rest >> 16);
    add_number(t, ", seq ", h.rest & UINT16_MAX);
    add_number(t, ", length ", p->length);
    return;
  }
  error = six ? icmpv6_is_error(h.type)
              : h.type == ICMP_UNREACHABLE || h.type == ICMP_TIME_EXCEEDED ||
                h.type == ICMP_PARAMETER_PROBLEM || h.type == ICMP_SOURCE_QUENCH;
  add_number(t, "type ", h.type);
  add_number(t, ", code ", h.code);
  if (six ? h.type == ICMPV6_PACKET_TOO_BIG
          : h.type == ICMP_UNREACHABLE && h.code == ICMP_FRAGMENTATION_NEEDED)
    add_number(t, ", mtu ", six ? h.rest : h.rest & UINT16_MAX);
  if (error)
    add_quote(t, p->octets + ICMP_HEADER, p->there - ICMP_HEADER, bases->seq);
}

static void add_payload(struct text *t, const struct payload *p, const struct print_bases *bases)
{
  if (p->fragment && p->offset > 0) {
    add_ends(t, p, NULL);
    add_number(t, "protocol ", p->protocol);
  } else if (p->protocol == IP_TCP) {
    add_tcp(t, p, bases);
  } else if (p->protocol == IP_UDP) {
    add_udp(t, p);
  } else if (p->protocol == (ip_addr_is4(&p->source) ? IP_ICMP : IP_ICMPV6)) {
    add_icmp(t, p, bases);
  } else {
    add_ends(t, p, NULL);
    add_number(t, "protocol ", p->protocol);
    add_number(t, ", length ", p->length);
  }
  if (p->fragment) {
    add_number(t, ", fragment ", p->offset);
    add_number(t, ":", p->offset + p->length);
    if (p->more_fragments)
      text_add_char(t, '+');
  }
  if (p->there < p->length)
    add_number(t, ", cut by ", p->length - p->there);
}

/* Headers and text behind an IP header of `header` octets that speaks of `total` in all. */
static void carry(struct payload *p, const uint8_t *octets, size_t n, size_t header, size_t total)
{
  p->octets = octets + header;
  p->length = total > header ? total - header : 0;
  p->there = n - header < p->length ? n - header : p->length;
}

static bool parse4(const uint8_t *octets, size_t n, struct payload *p)
{
  struct ipv4_header h;
  const size_t header = ipv4_header_parse(octets, n, &h);

  if (header == 0)
    return false;
  p->source = ip_addr_of4(h.source);
  p->destination = ip_addr_of4(h.destination);
  p->protocol = h.protocol;
  p->offset = h.offset;
  p->more_fragments = h.more_fragments;
  p->fragment = h.offset > 0 || h.more_fragments;
  carry(p, octets, n, header, h.total);
  return true;
}

static bool parse6(const uint8_t *octets, size_t n, struct payload *p)
{
  struct ipv6_header h;
  struct ipv6_upper upper;

  if (ipv6_header_parse(octets, n, &h) == 0)
    return false;
  upper = ipv6_upper_find(octets, n);
  p->source = h.source;
  p->destination = h.destination;
  p->protocol = upper.protocol;
  p->offset = upper.offset;
  p->more_fragments = upper.more_fragments;
  p->fragment = upper.fragment;
  carry(p, octets, n, upper.at, (size_t)h.payload + IPV6_HEADER);
  return true;
}

void print_ip(struct text *t, const uint8_t *octets, size_t n, const struct print_bases *bases)
{
  struct payload p = { .protocol = 0 };

  if (n > 0 && (octets[0] >> 4 == 4 ? parse4(octets, n, &p) : parse6(octets, n, &p)))
    add_payload(t, &p, bases);
  else
    add_number(t, "no IP packet, length ", n);
}

static void add_arp(struct text *t, const uint8_t *octets, size_t n)
{
  struct ip_addr sender, target;
  struct arp a;

  if (arp_parse(octets, n, &a) == 0) {
    add_number(t, "ARP, unreadable, length ", n);
    return;
  }
  sender = ip_addr_of4(a.sender_ip);
  target = ip_addr_of4(a.target_ip);
  if (a.operation == ARP_REQUEST) {
    text_add_str(t, "ARP, who-has ");
    addr_text_add(t, &target);
    text_add_str(t, " tell ");
    addr_text_add(t, &sender);
  } else if (a.operation == ARP_REPLY) {
    text_add_str(t, "ARP, ");
    addr_text_add(t, &sender);
    text_add_str(t, " is-at ");
    add_mac(t, a.sender_mac);
  } else {
    add_number(t, "ARP, operation ", a.operation);
  }
}

void print_ether(struct text *t, const uint8_t *octets, size_t n, const struct print_bases *bases)
{
  struct ether_header h;
  const size_t header = ether_header_parse(octets, n, &h);

  if (header == 0) {
    add_number(t, "no Ethernet frame, length ", n);
  } else if (h.type == ETHER_ARP) {
    add_arp(t, octets + header, n - header);
  } else if (h.type == ETHER_IPV4 || h.type == ETHER_IPV6) {
    print_ip(t, octets + header, n - header, bases);
  } else {
    add_mac(t, h.from);
    text_add_str(t, " > ");
    add_mac(t, h.to);
    text_add_str(t, ", ethertype 0x");
    text_add_hex(t, h.type, 4);
    add_number(t, ", length ", n);
  }
}
