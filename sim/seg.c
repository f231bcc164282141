/* seg.c - reading packets: total over arbitrary octets, written apart from src/wire on purpose,
 * so that an error there does not hide itself here. */
#include "seg.h"

#include <string.h>

enum { ETHERNET_HEADER = 14, IPV4_HEADER = 20, IPV6_HEADER = 40 };
enum { TCP_HEADER = 20, UDP_HEADER = 8, ICMP_HEADER = 8, FRAGMENT_HEADER = 8 };
enum { TYPE_IPV4 = 0x0800, TYPE_ARP = 0x0806, TYPE_IPV6 = 0x86dd };
enum { ND_FIRST = 133, ND_LAST = 137 };       /* ICMPv6's types of neighbour discovery */
enum {
  PROTOCOL_OPTIONS = 0, PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17,
  PROTOCOL_FRAGMENT = 44, PROTOCOL_ICMPV6 = 58
};

static uint16_t get16(const uint8_t *p)
{
  return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
  return (uint32_t)get16(p) << 16 | get16(p + 2);
}

uint16_t seg_checksum(uint32_t start, const uint8_t *octets, size_t n)
{
  uint32_t sum = start;

  for (size_t i = 0; i + 1 < n; i += 2) {
    sum += get16(octets + i);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  if (n & 1)
    sum += (uint32_t)octets[n - 1] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

/* The pseudo-header of RFC 9293 3.1 or RFC 8200 8.1, as a start for seg_checksum. */
static uint32_t pseudo_sum(const uint8_t *ip, uint8_t protocol, size_t length)
{
  const bool six = ip[0] >> 4 == 6;
  uint32_t sum = protocol + (uint32_t)length;

  for (int i = six ? 8 : 12; i < (six ? 40 : 20); i += 2)
    sum += get16(ip + i);
  return sum;
}

static void read_option(struct seg *g, uint8_t kind, const uint8_t *value, size_t n)
{
  if (kind == 2 && n == 2)
    g->mss = get16(value);
  if (kind == 3 && n == 1)
    g->wscale = value[0];
  if (kind == 4 && n == 0)
    g->sack_ok = true;
  if (kind == 8 && n == 8) {
    g->timestamps = true;
    g->ts_value = get32(value);
    g->ts_echo = get32(value + 4);
  }
  if (kind == 5 && n % 8 == 0)
    for (size_t i = 0; i < n && g->sacks < SEG_SACKS; i += 8) {
      g->sack[g->sacks].left = get32(value + i);
      g->sack[g->sacks++].right = get32(value + i + 4);
    }
}

static void read_options(struct seg *g, const uint8_t *options, size_t n)
{
  size_t i = 0;

  while (i < n && options[i] != 0) {
    if (options[i] == 1) {
      i++;
      continue;
    }
    if (i + 1 >= n || options[i + 1] < 2 || i + options[i + 1] > n) {
      g->fault = "malformed TCP options";
      return;
    }
    read_option(g, options[i], options + i + 2, (size_t)options[i + 1] - 2);
    i += options[i + 1];
  }
}

static void read_tcp(struct seg *g, const uint8_t *ip, const uint8_t *tcp, size_t n)
{
  size_t header;

  if (n < TCP_HEADER) {
    g->fault = "truncated TCP header";
    return;
  }
  header = (size_t)(tcp[12] >> 4) * 4;
  if (header < TCP_HEADER || header > n) {
    g->fault = "impossible TCP header length";
    return;
  }
  g->kind = SEG_TCP;
  g->from.port = get16(tcp);
  g->to.port = get16(tcp + 2);
  g->seq = get32(tcp + 4);
  g->ack = get32(tcp + 8);
  g->flags = tcp[13];
  g->window = get16(tcp + 14);
  g->urgent = get16(tcp + 18);
  g->text = (uint32_t)(n - header);
  g->text_offset = (uint32_t)((size_t)(tcp - ip) + header + g->ip_offset);
  read_options(g, tcp + TCP_HEADER, header - TCP_HEADER);
  if (seg_checksum(pseudo_sum(ip, PROTOCOL_TCP, n), tcp, n) != 0)
    g->fault = "bad TCP checksum";
}

static void read_udp(struct seg *g, const uint8_t *ip, const uint8_t *udp, size_t n)
{
  size_t length = n >= UDP_HEADER ? get16(udp + 4) : 0;

  if (length < UDP_HEADER || length > n) {
    g->fault = "malformed UDP header";
    return;
  }
  g->kind = SEG_UDP;
  g->from.port = get16(udp);
  g->to.port = get16(udp + 2);
  g->text = (uint32_t)(length - UDP_HEADER);
  g->text_offset = (uint32_t)((size_t)(udp - ip) + UDP_HEADER + g->ip_offset);
  if (get16(udp + 6) != 0 && seg_checksum(pseudo_sum(ip, PROTOCOL_UDP, length), udp, length) != 0)
    g->fault = "bad UDP checksum";
}

/* `start`: of the sum; ICMPv6's has a pseudo-header. */
static void read_icmp(struct seg *g, uint32_t start, const uint8_t *icmp, size_t n)
{
  if (n < ICMP_HEADER) {
    g->fault = "truncated ICMP message";
    return;
  }
  g->kind = SEG_ICMP;
  g->icmp_type = icmp[0];
  g->icmp_code = icmp[1];
  g->icmp_mtu = get16(icmp + 6);
  g->text = (uint32_t)(n - ICMP_HEADER);
  if (seg_checksum(start, icmp, n) != 0)
    g->fault = "bad ICMP checksum";
}

static void read_ipv4(struct seg *g, const uint8_t *ip, size_t n)
{
  size_t header, length;
  const uint8_t *in;

  header = n >= IPV4_HEADER && ip[0] >> 4 == 4 ? (size_t)(ip[0] & 15) * 4 : 0;
  length = header ? get16(ip + 2) : 0;
  if (header < IPV4_HEADER || length < header || length > n) {
    g->fault = "malformed IP header";
    return;
  }
  g->ip_length = (uint32_t)length;
  g->dont_fragment = ip[6] & 0x40;
  g->from.addr = la_ip4(ip[12], ip[13], ip[14], ip[15]);
  g->to.addr = la_ip4(ip[16], ip[17], ip[18], ip[19]);
  if (seg_checksum(0, ip, header) != 0) {
    g->fault = "bad IP header checksum";
    return;
  }
  if (get16(ip + 6) & 0x3fff) {
    g->kind = SEG_FRAGMENT;
    g->text = (uint32_t)(length - header);
    return;
  }
  in = ip + header;
  if (ip[9] == PROTOCOL_TCP)
    read_tcp(g, ip, in, length - header);
  else if (ip[9] == PROTOCOL_UDP)
    read_udp(g, ip, in, length - header);
  else if (ip[9] == PROTOCOL_ICMP)
    read_icmp(g, 0, in, length - header);
}

static la_addr addr6(const uint8_t *octets)
{
  la_addr a = { .len = 16 };

  memcpy(a.octets, octets, 16);
  return a;
}

/* The stack sends no extension headers but a fragment's, and the options of a listener's report. */
static void read_ipv6(struct seg *g, const uint8_t *ip, size_t n)
{
  size_t length = n >= IPV6_HEADER && ip[0] >> 4 == 6 ? (size_t)get16(ip + 4) : n;
  uint8_t next = n >= IPV6_HEADER ? ip[6] : 0;
  const uint8_t *in = ip + IPV6_HEADER;

  if (length + IPV6_HEADER > n) {
    g->fault = "malformed IPv6 header";
    return;
  }
  g->ip_length = (uint32_t)(length + IPV6_HEADER);
  g->dont_fragment = true;                    /* RFC 8200 5: routers never do */
  g->six = true;
  g->from.addr = addr6(ip + 8);
  g->to.addr = addr6(ip + 24);
  if (next == PROTOCOL_OPTIONS && length >= 8) {
    next = in[0];
    in += 8;
    length -= 8;
  }
  if (next == PROTOCOL_FRAGMENT && length >= FRAGMENT_HEADER) {
    g->kind = SEG_FRAGMENT;
    g->text = (uint32_t)(length - FRAGMENT_HEADER);
  } else if (next == PROTOCOL_TCP) {
    read_tcp(g, ip, in, length);
  } else if (next == PROTOCOL_UDP) {
    read_udp(g, ip, in, length);
  } else if (next == PROTOCOL_ICMPV6) {
    read_icmp(g, pseudo_sum(ip, PROTOCOL_ICMPV6, length), in, length);
    if (g->icmp_type >= ND_FIRST && g->icmp_type <= ND_LAST && !g->fault)
      g->kind = SEG_ND;
    g->icmp_mtu = g->kind == SEG_ICMP ? get16(in + 6) : 0;
  }
}

static void read_arp(struct seg *g, const uint8_t *arp, size_t n)
{
  if (n < 28) {
    g->fault = "truncated ARP";
    return;
  }
  g->kind = SEG_ARP;
  g->arp_operation = get16(arp + 6);
  g->from.addr = la_ip4(arp[14], arp[15], arp[16], arp[17]);
  g->to.addr = la_ip4(arp[24], arp[25], arp[26], arp[27]);
}

void seg_read(struct seg *g, enum la_medium medium, const uint8_t *octets, size_t n)
{
  uint16_t type = TYPE_IPV4;

  *g = (struct seg){ .kind = SEG_OTHER, .wscale = -1 };
  if (medium == LA_MEDIUM_ETHERNET) {
    if (n < ETHERNET_HEADER) {
      g->fault = "truncated Ethernet header";
      return;
    }
    type = get16(octets + 12);
    g->ip_offset = ETHERNET_HEADER;
  }
  if (medium == LA_MEDIUM_IP && n > 0 && octets[0] >> 4 == 6)
    type = TYPE_IPV6;
  if (type == TYPE_IPV6)
    read_ipv6(g, octets + g->ip_offset, n - g->ip_offset);
  else if (type == TYPE_ARP)
    read_arp(g, octets + g->ip_offset, n - g->ip_offset);
  else if (type == TYPE_IPV4)
    read_ipv4(g, octets + g->ip_offset, n - g->ip_offset);
}

/* ---- building ------------------------------------------------------------ */

static void put16(uint8_t *p, uint16_t v)
{
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
  put16(p, (uint16_t)(v >> 16));
  put16(p + 2, (uint16_t)v);
}

static void put_ipv4(uint8_t *ip, la_addr from, la_addr to, uint8_t protocol, size_t length)
{
  memset(ip, 0, IPV4_HEADER);
  ip[0] = 0x45;
  put16(ip + 2, (uint16_t)length);
  ip[6] = 0x40;
  ip[8] = 64;
  ip[9] = protocol;
  memcpy(ip + 12, from.octets, 4);
  memcpy(ip + 16, to.octets, 4);
  put16(ip + 10, seg_checksum(0, ip, IPV4_HEADER));
}

/* The header of the ends' family; its length. */
static size_t put_ip(uint8_t *ip, la_addr from, la_addr to, uint8_t protocol, size_t payload)
{
  if (from.len == 16) {
    memset(ip, 0, IPV6_HEADER);
    ip[0] = 0x60;
    put16(ip + 4, (uint16_t)payload);
    ip[6] = protocol;
    ip[7] = 64;
    memcpy(ip + 8, from.octets, 16);
    memcpy(ip + 24, to.octets, 16);
    return IPV6_HEADER;
  }
  put_ipv4(ip, from, to, protocol, IPV4_HEADER + payload);
  return IPV4_HEADER;
}

size_t seg_make_tcp(const struct seg_make *m, uint8_t *octets, size_t size)
{
  size_t header = TCP_HEADER + (m->mss ? 4 : 0), payload = header + m->length, before;
  uint8_t *tcp;

  if (IPV6_HEADER + payload > size)
    return 0;
  before = put_ip(octets, m->from.addr, m->to.addr, PROTOCOL_TCP, payload);
  tcp = octets + before;
  memset(tcp, 0, header);
  put16(tcp, m->from.port);
  put16(tcp + 2, m->to.port);
  put32(tcp + 4, m->seq);
  put32(tcp + 8, m->ack);
  tcp[12] = (uint8_t)(header / 4 << 4);
  tcp[13] = m->flags;
  put16(tcp + 14, m->window);
  if (m->mss) {
    tcp[20] = 2;
    tcp[21] = 4;
    put16(tcp + 22, m->mss);
  }
  if (m->length)
    memcpy(tcp + header, m->text, m->length);
  put16(tcp + 16, seg_checksum(pseudo_sum(octets, PROTOCOL_TCP, payload), tcp, payload));
  return before + payload;
}

size_t seg_make_too_big(la_addr router, uint16_t mtu, const uint8_t *ip, size_t n,
                        uint8_t *octets, size_t size)
{
  const bool six = n > 0 && ip[0] >> 4 == 6;
  const uint8_t protocol = six ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
  size_t quoted = n < 548 ? n : 548, payload = ICMP_HEADER + quoted, before;
  uint8_t *icmp;

  if (IPV6_HEADER + payload > size || n < (six ? IPV6_HEADER : IPV4_HEADER))
    return 0;
  before = put_ip(octets, router, six ? addr6(ip + 8) : la_ip4(ip[12], ip[13], ip[14], ip[15]),
                  protocol, payload);
  icmp = octets + before;
  memset(icmp, 0, ICMP_HEADER);
  icmp[0] = six ? 2 : 3;                      /* packet too big; unreachable, */
  icmp[1] = six ? 0 : 4;                      /* fragmentation needed */
  put16(icmp + 6, mtu);
  memcpy(icmp + ICMP_HEADER, ip, quoted);
  put16(icmp + 2, seg_checksum(six ? pseudo_sum(octets, protocol, payload) : 0, icmp, payload));
  return before + payload;
}
