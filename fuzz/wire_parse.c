/* wire_parse - every parser of src/wire over arbitrary octets.
 * The first octet of an input chooses the parser. What parses is written back and parsed
 * again, and must be the same; no parser may look beyond its octets, which lie in a block of
 * exactly their size for the sanitizer to see. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/csum.h"
#include "wire/addr_text.h"
#include "wire/arp.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/print.h"
#include "wire/tcp.h"
#include "wire/udp.h"

/* A claim that has failed: libFuzzer keeps the input. */
static void claim(bool holds)
{
  if (!holds)
    abort();
}

static void same_options(const struct tcp_options *a, const struct tcp_options *b)
{
  /* SACK blocks and cookies, if there is room */
  const uint8_t always = (uint8_t) ~(TCP_OPT_SACK | TCP_OPT_FASTOPEN);

  claim((a->present & always) == (b->present & always));
  claim((a->present & b->present) == b->present);
  if (b->present & TCP_OPT_FASTOPEN) {
    claim(a->cookie.length == b->cookie.length && b->cookie.length <= TCP_COOKIE_MAX);
    claim(a->cookie.experimental == b->cookie.experimental);
    claim(memcmp(a->cookie.octets, b->cookie.octets, b->cookie.length) == 0);
  }
  claim(a->mss == b->mss && a->wscale == b->wscale);
  claim(a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr);
  claim(b->sacks <= a->sacks);                /* with padding, fewer blocks may fit */
  claim(memcmp(a->sack, b->sack, b->sacks * sizeof *a->sack) == 0);
}

static void check_tcp(const uint8_t *octets, size_t n)
{
  uint8_t options[TCP_OPTIONS_MAX], again[TCP_HEADER_MAX];
  struct tcp_header a, b;
  size_t length;

  length = tcp_header_parse(octets, n, &a);
  claim(length <= n);
  if (length == 0)
    return;
  claim(a.length == length && a.options.sacks <= TCP_SACKS_MAX);
  length = tcp_header_write(again, &a, options, tcp_options_write(options, &a.options));
  claim(tcp_header_parse(again, length, &b) == length);
  claim(a.source == b.source && a.destination == b.destination && a.seq == b.seq);
  claim(a.ack == b.ack && a.flags == b.flags && a.window == b.window && a.urgent == b.urgent);
  same_options(&a.options, &b.options);
}

static void check_ipv4(const uint8_t *octets, size_t n)
{
  uint8_t again[IPV4_HEADER_MIN];
  struct ipv4_header a, b;
  const size_t length = ipv4_header_parse(octets, n, &a);

  claim(length <= n);
  if (length == 0)
    return;
  claim(length == a.length && a.total >= length);
  ipv4_header_sum_good(octets, length);
  claim(ipv4_header_write(again, &a) == IPV4_HEADER_MIN);
  claim(ipv4_header_sum_good(again, IPV4_HEADER_MIN));
  claim(ipv4_header_parse(again, sizeof again, &b) == IPV4_HEADER_MIN);
  claim(a.total == b.total && a.id == b.id && a.offset == b.offset && a.tos == b.tos);
  claim(a.ttl == b.ttl && a.protocol == b.protocol && a.dont_fragment == b.dont_fragment);
  claim(a.more_fragments == b.more_fragments && memcmp(a.source, b.source, 4) == 0);
  claim(memcmp(a.destination, b.destination, 4) == 0);
}

static void check_ipv6(const uint8_t *octets, size_t n)
{
  uint8_t again[IPV6_HEADER];
  struct ipv6_header h;
  struct ipv6_upper upper;

  if (ipv6_header_parse(octets, n, &h) == 0)
    return;
  claim(ipv6_header_write(again, &h) == IPV6_HEADER);
  claim(memcmp(octets, again, IPV6_HEADER) == 0);
  upper = ipv6_upper_find(octets, n);
  claim(upper.at <= n && upper.pointer <= n);
}

/* Headers whose every octet is a field come back as they were. */
static void check_small(const uint8_t *octets, size_t n)
{
  uint8_t again[ARP_OCTETS];
  struct ether_header ether;
  struct icmp_header icmp;
  struct udp_header udp;
  struct arp arp;

  if (ether_header_parse(octets, n, &ether) > 0)
    claim(memcmp(octets, again, ether_header_write(again, &ether)) == 0);
  if (arp_parse(octets, n, &arp) > 0)
    claim(memcmp(octets, again, arp_write(again, &arp)) == 0);
  if (icmp_header_parse(octets, n, &icmp) > 0)
    claim(memcmp(octets, again, icmp_header_write(again, &icmp)) == 0);
  if (udp_header_parse(octets, n, &udp) > 0)
    claim(memcmp(octets, again, udp_header_write(again, &udp)) == 0);
}

static void check_quote(const uint8_t *octets, size_t n)
{
  struct ip_quote q;

  if (ip_quote_parse(octets, n, &q))
    claim(n >= IPV4_HEADER_MIN + 8);
}

static void check_address(const uint8_t *octets, size_t n)
{
  char text[64], again[64];
  struct ip_addr a, b;
  struct text t = text_of(again, sizeof again);

  if (n >= sizeof text)
    return;
  memcpy(text, octets, n);
  text[n] = '\0';
  if (!addr_text_parse(text, &a))
    return;
  addr_text_add(&t, &a);
  claim(t.length < 46);                       /* LA_ADDR_TEXT */
  claim(addr_text_parse(again, &b) && ip_addr_eq(&a, &b));
}

/* A line that is cut is the beginning of the whole one, and knows how long that is. */
static void check_line(const uint8_t *octets, size_t n, bool frame)
{
  const struct print_bases bases = { (uint32_t)n, 0 };
  char whole[600], cut[64];
  struct text t = text_of(whole, sizeof whole), part = text_of(cut, sizeof cut);

  (frame ? print_ether : print_ip)(&t, octets, n, &bases);
  (frame ? print_ether : print_ip)(&part, octets, n, &bases);
  claim(t.length > 0 && t.length < sizeof whole && t.length == strlen(whole));
  claim(part.length == t.length && strncmp(whole, cut, sizeof cut - 1) == 0);
  claim(strchr(whole, '\n') == NULL);
}

/* Pieces sum to what the whole sums to, and a copy is a copy. */
static void check_sum(const uint8_t *octets, size_t n)
{
  const size_t cut = n > 0 ? octets[0] % n : 0;
  struct csum whole = { 0 }, pieces = { 0 };
  uint8_t *const copy = malloc(n ? n : 1);

  csum_add(&whole, octets, n);
  csum_add(&pieces, octets, cut);
  csum_copy(&pieces, copy, octets + cut, n - cut);
  claim(memcmp(copy, octets + cut, n - cut) == 0);
  claim(csum_fold(&whole) == csum_fold(&pieces) && whole.odd == pieces.odd);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const size_t n = size > 0 ? size - 1 : 0;
  uint8_t *octets;

  if (size == 0)
    return 0;
  octets = malloc(n ? n : 1);
  memcpy(octets, data + 1, n);
  switch (data[0] % 9) {
  case 0: check_tcp(octets, n); break;
  case 1: check_ipv4(octets, n); break;
  case 2: check_ipv6(octets, n); break;
  case 3: check_small(octets, n); break;
  case 4: check_quote(octets, n); break;
  case 5: check_address(octets, n); break;
  case 6: check_line(octets, n, false); break;
  case 7: check_line(octets, n, true); break;
  default: check_sum(octets, n); break;
  }
  free(octets);
  return 0;
}
