/* ends.h - addresses and the two ends of a conversation.  An IPv4 address is kept as RFC 4291
 * 2.5.5.2 maps it (::ffff:a.b.c.d), so that 16 octets hold either family and two compare
 * as octets.  Everything above ip/ and stack/ treats them as opaque. */
#ifndef LA_WIRE_ENDS_H
#define LA_WIRE_ENDS_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct ip_addr { uint8_t octets[16]; };       /* all zero: any, of any family */

struct ends {
  struct ip_addr local, peer;
  uint16_t local_port, peer_port;             /* host order */
};

/* What every mapped IPv4 address begins with. */
static const uint8_t ip_addr_prefix4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static inline struct ip_addr ip_addr_of4(const uint8_t v4[4])
{
  struct ip_addr a;

  memcpy(a.octets, ip_addr_prefix4, sizeof ip_addr_prefix4);
  memcpy(a.octets + sizeof ip_addr_prefix4, v4, 4);
  return a;
}

static inline bool ip_addr_is4(const struct ip_addr *a)
{
  uint64_t zeros;
  uint32_t ones, wanted;

  memcpy(&zeros, a->octets, sizeof zeros);
  memcpy(&ones, a->octets + 8, sizeof ones);
  memcpy(&wanted, ip_addr_prefix4 + 8, sizeof wanted);
  return zeros == 0 && ones == wanted;
}

static inline bool ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
  uint64_t x[2], y[2];          /* memcmp is a call, and this is asked of each packet */

  memcpy(x, a->octets, sizeof x);
  memcpy(y, b->octets, sizeof y);
  return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* All zero, in either family's form. */
static inline bool ip_addr_is_any(const struct ip_addr *a)
{
  static const uint8_t none[16] = { 0 };
  static const uint8_t none4[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

  return memcmp(a->octets, none, 16) == 0 || memcmp(a->octets, none4, 16) == 0;
}

/* Whether a name at this address, which may be any, serves for packets to or from `a`: any of IPv4
 * is of that family alone, any without a family of both. */
static inline bool ip_addr_takes(const struct ip_addr *name, const struct ip_addr *a)
{
  static const struct ip_addr any = { { 0 } };

  return ip_addr_eq(name, &any) || ip_addr_is4(name) == ip_addr_is4(a);
}

static inline bool ends_eq(const struct ends *a, const struct ends *b)
{
  return a->local_port == b->local_port && a->peer_port == b->peer_port &&
         ip_addr_eq(&a->peer, &b->peer) && ip_addr_eq(&a->local, &b->local);
}

_Static_assert(sizeof(struct ends) == 36, "ends are compared as octets: no padding");

#endif
