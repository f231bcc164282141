/* wire/nd.h - the messages of neighbour discovery (RFC 4861 4), which are ICMPv6's, and multicast
 * listener reports and queries (RFC 3810 5), octets to structs and back. */
#ifndef LA_WIRE_ND_H
#define LA_WIRE_ND_H
#include "wire/ends.h"
#include "wire/icmpv6.h"
#include <stddef.h>

enum { ND_PREFIXES_MAX = 4, ND_MAC = 6, ND_MESSAGE_MAX = 72 };
enum nd_flag {                  /* of a neighbour advertisement, 4.4 */
  ND_ROUTER = 0x80, ND_SOLICITED = 0x40, ND_OVERRIDE = 0x20
};
enum nd_prefix_flag { ND_ON_LINK = 0x80, ND_AUTONOMOUS = 0x40 };    /* 4.6.2 */

struct nd_prefix {
  struct ip_addr net;
  uint8_t  length, flags;
  uint32_t valid, preferred;    /* seconds; all ones: for ever */
};

struct nd_message {
  uint8_t  type;
  uint8_t  flags;               /* of an advertisement, a neighbour's or a router's */
  struct ip_addr target;        /* solicitation, advertisement, redirect: the better next hop */
  struct ip_addr destination;   /* of a redirect: whose next hop it is */
  uint8_t  hop_limit;           /* a router's: 0: it does not say; so with the others */
  uint16_t lifetime;            /* as a default router, seconds */
  uint32_t reachable_ms, retransmit_ms, mtu;
  const uint8_t *source_mac, *target_mac;     /* link-layer address options; NULL: none */
  uint8_t  prefixes;
  struct nd_prefix prefix[ND_PREFIXES_MAX];   /* the first ones, if there are more */
};

/* All of an ICMPv6 message of types 133 to 137 whose code and checksum are good. false: too short,
 * or an option without a length or beyond the end (RFC 4861 6.1, 7.1, 8.1). Options that are not
 * known, or of a length that they cannot have, are skipped. */
bool nd_parse(const uint8_t *octets, size_t n, struct nd_message *m);

/* A router's or neighbour's solicitation, or a neighbour's advertisement: type, flags, target, and
 * the one address option that is not NULL. Its length, at most ND_MESSAGE_MAX; no checksum. */
size_t nd_write(uint8_t *octets, const struct nd_message *m);

/* RFC 3810 5.2: one report of one group, behind ICMPv6's type. */
enum mld_type { MLD_QUERY = 130, MLD_REPORT2 = 143 };
enum mld_record { MLD_IS_EXCLUDE = 2, MLD_TO_INCLUDE = 3, MLD_TO_EXCLUDE = 4 };
enum { MLD_REPORT_OCTETS = 28, MLD_QUERY_LEAST = 24 };
size_t nd_write_report(uint8_t *octets, uint8_t record, const struct ip_addr *group);

/* The group that listens for solicitations of an address (RFC 4291 2.7.1), and the Ethernet address
 * of a group (RFC 2464 7). */
struct ip_addr nd_solicited_node(const struct ip_addr *a);
void nd_group_mac(const struct ip_addr *group, uint8_t mac[ND_MAC]);

#endif
