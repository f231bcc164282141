/* udp.h - UDP (RFC 768): sockets with a bounded queue each.  Addresses are opaque; the stack
 * finds routes and puts datagrams into packets. */
#ifndef LA_UDP_UDP_H
#define LA_UDP_UDP_H
#include "base/list.h"
#include "base/pool.h"
#include "base/stream.h"
#include "base/waiters.h"
#include "lastack.h"
#include "wire/ends.h"
#include "wire/udp.h"

enum udp_why {
#define UDP_WHY(name, rfc, text) UDP_WHY_##name,
#include "udp/why.def"
  UDP_WHY_COUNT
};
enum udp_count {
#define UDP_COUNT(name, text) UDP_N_##name,
#include "udp/count.def"
  UDP_COUNT_COUNT
};

/* The largest payloads: IPv4's length counts its own header, IPv6's does not. */
enum {
  UDP_QUEUE = 64, UDP_PAYLOAD_MAX = 65535 - 20 - UDP_HEADER,
  UDP6_PAYLOAD_MAX = 65535 - UDP_HEADER
};

/* A datagram in the queue. Its octets lie in the socket's stream, behind `skip` octets of one
 * that could not be taken whole. */
struct udp_record {
  struct ip_addr from;
  uint16_t port;
  uint32_t skip, length;
};

struct udp_sock {
  uint32_t next;                /* of the same bucket; POOL_NONE: the last. The pool's when free */
  uint32_t generation;          /* odd while it is open */
  void    *user;
  struct list notified;         /* in udp.notified: READABLE is owed */
  struct ip_addr addr;          /* any: all of ours */
  uint16_t port;
  uint8_t  soft_error;          /* enum la_error: what ICMP last said */
  struct stream rx;
  uint32_t rx_limit, queued_octets, broken; /* broken: skip of the next record */
  uint32_t first, count;
  la_time  opened, last_sent, last_received;
  uint64_t datagrams_in, datagrams_out, octets_in, octets_out, drops;
  struct udp_record record[UDP_QUEUE];
};

struct udp {
  struct store store;
  struct pool socks;
  uint32_t *buckets, bucket_mask, receive_buffer;
  struct list notified;
  struct waiters refused;       /* by index: LA_EV_RETRY is owed */
  uint64_t why[UDP_WHY_COUNT];
  uint64_t count[UDP_COUNT_COUNT];
};

struct udp_settings { uint32_t sockets, receive_buffer; };

size_t udp_octets(const struct udp_settings *set);
void   udp_init(struct udp *u, void *memory, const struct udp_settings *set, struct store store);
const char *udp_why_name(unsigned why);       /* NULL past the last; so with the others */
const char *udp_why_rfc(unsigned why);
const char *udp_why_text(unsigned why);
const char *udp_count_name(unsigned count);
const char *udp_count_text(unsigned count);

/* NULL: the pool is used up. The port is not 0 and nobody has the name (udp_taken). */
struct udp_sock *udp_open(struct udp *u, const struct ip_addr *addr, uint16_t port, void *user,
                          la_time now);
void   udp_close(struct udp *u, struct udp_sock *sock);

/* Whether a socket with this address (any: overlaps with all) and port would be ambiguous. */
bool   udp_taken(const struct udp *u, const struct ip_addr *addr, uint16_t port);

/* Who is meant by a datagram to this address and port: a socket of that very address before one of
 * any. NULL: nobody. */
struct udp_sock *udp_find(const struct udp *u, const struct ip_addr *addr, uint16_t port);

/* A datagram of `length` octets in pieces, for the queue. */
enum udp_why udp_deliver(struct udp *u, struct udp_sock *sock, const struct ip_addr *from,
                         uint16_t port, const struct frag *pieces, unsigned n, uint32_t length,
                         la_time now);

/* The oldest of the queue: its length, however many octets of it fit; or -LA_EAGAIN. */
int    udp_take(struct udp *u, struct udp_sock *sock, struct ip_addr *from, uint16_t *port,
                void *octets, uint32_t max);

static inline enum udp_why udp_refuse(struct udp *u, enum udp_why why)
{
  u->why[why]++;
  return why;
}

#endif
