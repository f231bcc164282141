/* ip.h - the network layer: interfaces, addresses, routes, neighbours, path MTUs, fragments,
 * ICMP.  It knows no packet of the public interface and no transport: a packet comes as a
 * struct ip_view, and what is to be sent leaves as a struct ip_packet. */
#ifndef LA_IP_IP_H
#define LA_IP_IP_H
#include "base/csum.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/rate.h"
#include "base/stream.h"
#include "lastack.h"
#include "wire/ends.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

enum ip_why {
#define IP_WHY(name, rfc, text) IP_WHY_##name,
#include "ip/why.def"
  IP_WHY_COUNT
};
enum ip_count {
#define IP_COUNT(name, text) IP_N_##name,
#include "ip/count.def"
  IP_COUNT_COUNT
};

enum ip_iface_flag {
  IP_IFACE_UP = 1, IP_IFACE_CSUM_TX = 2, IP_IFACE_LOOPBACK = 4, IP_IFACE_AUTO6 = 8,
  IP_IFACE_NO_DAD = 16
};

/* What IPv6's routers have said of a link, and what is still to be asked and said there. */
struct ip_learnt {
  uint32_t mtu;                               /* RFC 4861 4.6.4; 0: none */
  uint32_t reachable_ms, retransmit_ms;       /* 6.3.2; 0: the defaults */
  uint8_t  solicited;                         /* routers: how often */
  la_time  solicit_due, report_due;           /* LA_NEVER: not at all */
};

struct ip_iface {
  uint32_t mtu, gso_max, flags;
  bool     ethernet;
  uint8_t  mac[6];
  char     name[16];
  struct ip_learnt learnt;
};

/* An address of ours (RFC 4862 2). One of IPv4 is PREFERRED. */
enum ip_own_state { IP_OWN_PREFERRED, IP_OWN_TENTATIVE, IP_OWN_DEPRECATED, IP_OWN_DUPLICATE };
struct ip_own {
  struct ip_addr addr;
  uint8_t prefix, iface, state;
  bool    automatic;                          /* made here, not given by the operator */
  uint8_t asked, tries;                       /* probes sent; RFC 7217 5's DAD_Counter */
  la_time due;                                /* TENTATIVE: of the next probe, or the end */
  la_time preferred_until, valid_until;
};

/* Prefixes count the mapped form: IPv4's /24 is /120 here, so that families never mix. */
struct ip_route { struct ip_addr net, via; uint8_t prefix, iface; };    /* via any: on the link */

/* What routers have said (RFC 4861 5.1): who they are, which nets are on the link, and through whom
 * a destination is better reached. */
struct ip_router { struct ip_addr addr; la_time until; uint8_t iface; int8_t preference; };
struct ip_net { struct ip_addr net; la_time until; uint8_t prefix, iface; };
struct ip_redirect { struct ip_addr destination, router, next; la_time until; uint8_t iface; };

/* RFC 4861 7.3.2's states; ARP serves for IPv4's solicitation, which knows no DELAY. PERMANENT was
 * set by the operator. */
enum ip_neighbor_state {
  IP_NEIGHBOR_FREE, IP_NEIGHBOR_INCOMPLETE, IP_NEIGHBOR_REACHABLE, IP_NEIGHBOR_STALE,
  IP_NEIGHBOR_DELAY, IP_NEIGHBOR_PROBE, IP_NEIGHBOR_FAILED, IP_NEIGHBOR_PERMANENT
};

struct ip_neighbor {
  struct ip_addr addr;
  uint8_t  mac[6], iface, state, asked;       /* asked: requests since the last answer */
  uint8_t  waiting_count;
  bool     router;                            /* it says so (RFC 4861 4.4) */
  la_time  since, due, used;                  /* due: of the next change of mind */
  struct list waiting;                        /* packets of the stack */
  struct list settled;                        /* in ip.settled: answered or given up, some wait */
  struct list solicit;                        /* in ip.solicit: a request is to be sent */
};

enum {
  IP_WAITING_MAX = 4,                         /* packets that wait for one neighbour */
  IP_SOLICIT_MAX = 3,                         /* RFC 4861 10: MAX_MULTICAST_SOLICIT */
  IP_PMTUS = 64,                              /* paths whose MTU differs from the link's */
  IP_DESTS_MAX = 256,
  IP_FRAMES = 16,                             /* of ARP, ND and MLD, waiting */
  IP_FRAME_MAX = 96,                          /* octets of one */
  IP_ROUTERS = 4, IP_NETS = 8, IP_REDIRECTS = 16,
  IP_DATAGRAM_HEAD = 108,                     /* UDP's header, or ICMP's with what it quotes */
  IP_PACKET_HEAD = 144,
  IP_PACKET_FRAGS = 6,
  IP_TTL = 64,                                /* RFC 1122 3.2.1.7 and IANA */
  IP_MTU_MIN = 68, IP_PMTU_MIN = 552,         /* RFC 791 3.2; see pmtu.c */
  IP6_MTU_MIN = 1280,                         /* RFC 8200 5 */
  IP6_FRAGMENT = 8,                           /* octets of a fragment header (RFC 8200 4.5) */
  IP_REASM_SLABS = 114,                       /* 65,535 octets in slabs of 576 */
  IP_REASM_HEADER = 128                       /* of a fragment: what stands before its octets */
};

struct ip_pmtu { struct ip_addr peer; la_time expires; uint16_t mtu; };     /* mtu 0: free */

/* What is known of the way to a peer; a cache, void when the generation has passed on. */
struct ip_dest {
  struct ip_addr peer, next;                  /* next: the neighbour to whom it is handed */
  la_time  until;                             /* the path MTU ages */
  uint32_t generation, neighbor;              /* index; POOL_NONE: not looked for yet */
  uint16_t mtu;                               /* of the path */
  uint8_t  iface, header;                     /* header: octets of its family's, 20 or 40 */
  bool     ours;                              /* the peer is this stack */
};

/* A datagram that arrives in fragments: its octets are copied to their places in slabs of its
 * own, so that many small fragments cannot pin many large slabs. */
struct ip_reasm {
  struct ip_addr source, destination;
  la_time  due;
  uint32_t serial;                            /* age, for eviction */
  uint32_t id;
  uint8_t  protocol, iface, state;            /* IPv6: always IPV6_FRAGMENT; enum ip_reasm_state */
  uint8_t  next;                              /* IPv6: the header that the datagram begins with */
  uint8_t  header_length;                     /* of the first fragment's header; 0: not here yet */
  uint8_t  ecn_seen;                          /* a bit for each codepoint of RFC 3168 5 */
  bool     link_broadcast;
  uint32_t end, received;                     /* end 0: the last fragment is not here yet */
  struct la_slab *slab[IP_REASM_SLABS];
  uint64_t have[128];                         /* one bit for 8 octets */
  uint8_t  header[IP_REASM_HEADER];
  struct frag frag[IP_REASM_SLABS];           /* when whole */
};
enum ip_reasm_state { IP_REASM_FREE, IP_REASM_PARTIAL, IP_REASM_WHOLE };

/* What is to be sent but no TCP connection's: UDP, ICMP. In a ring; sent in as many fragments
 * as its path asks for. */
struct ip_datagram {
  struct ip_addr local, peer;
  struct stream text;                         /* behind `head` */
  uint32_t sent;                              /* octets of head and text that are out */
  uint32_t id;
  uint8_t  protocol, head_length;
  uint8_t  head[IP_DATAGRAM_HEAD];
};

/* A packet on its way out, without a link header. The fragments hold no references of their own;
 * they are good until ip_datagram_sent. */
struct ip_packet {
  struct ip_addr peer;
  uint16_t head_length;
  uint8_t  frags;
  uint8_t  head[IP_PACKET_HEAD];
  struct frag frag[IP_PACKET_FRAGS];
};

struct ip_settings {
  uint32_t interfaces, addresses, routes, neighbors, reassemblies, replies, dests, icmp_errors;
  uint32_t slab_size;
  uint8_t  secret[16];
};

/* What is said to neighbours, when the link next asks for a packet. */
enum ip_frame_kind {
  IP_FRAME_ARP,                               /* addr is ours: to peer; if that is addr: to all */
  IP_FRAME_ADVERTISE,                         /* the same of IPv6; peer any: to all */
  IP_FRAME_PROBE,                             /* is addr somebody's? (RFC 4862 5.4.2) */
  IP_FRAME_SOLICIT_ROUTER,                    /* RFC 4861 6.3.7 */
  IP_FRAME_REPORT                             /* of the group addr (RFC 3810 5.2) */
};
struct ip_frame { struct ip_addr addr, peer; uint8_t mac[6], iface, kind, record; };

/* The addresses of the last packet that were found possible, which are the next one's as a rule:
 * source and destination as they lie in an IPv4 header, or in one of IPv6. Void when the generation
 * has passed on. */
struct ip_vetted { uint8_t pair[8], iface; uint32_t generation; };
struct ip_vetted6 { uint8_t pair[32], iface; uint32_t generation; };

struct ip {
  struct ip_settings set;
  la_time  now, due;                          /* due: nothing here happens before */
  struct store store;
  struct ip_iface *ifaces;
  struct ip_own *owns;
  struct ip_route *routes;
  struct ip_neighbor *neighbors;
  struct ip_reasm *reasms;
  struct ip_datagram *datagrams;
  struct ip_dest *dests;
  struct ip_pmtu pmtus[IP_PMTUS];
  struct ip_frame frames[IP_FRAMES];
  struct ip_router routers[IP_ROUTERS];
  struct ip_net nets[IP_NETS];
  struct ip_redirect redirects[IP_REDIRECTS];
  uint32_t router_count, net_count, redirect_count;
  uint32_t iface_count, own_count, route_count, neighbor_count, reasm_count, pmtu_count;
  uint32_t neighbor_peak, reasm_peak, datagram_peak, own_peak, route_peak;
  uint32_t datagram_first, datagram_count, frame_first, frame_count;
  uint32_t doubted;                           /* neighbours of IPv6 that progress would confirm */
  uint32_t generation, serial;
  struct ip_vetted vetted;
  struct ip_vetted6 vetted6;
  struct list settled, solicit;
  la_time  defended;                          /* when an address of ours was, last (RFC 5227 2.4) */
  struct rate icmp_rate;
  struct hash_key key;
  uint64_t why[IP_WHY_COUNT];
  uint64_t count[IP_COUNT_COUNT];
};

/* ---- a packet on its way in ---- */
/* `octets` are the next layer's, `contiguous` of them in one piece; they lie in frag[0], or, for a
 * packet of our own that came round, before it (`apart`). `length` counts all that is left. */
struct ip_view {
  const uint8_t *octets;
  uint32_t contiguous, length;
  struct frag *frag;
  uint16_t frags;
  bool     apart;
};

/* What the headers below have said of it. */
struct ip_meta {
  struct ip_addr source, destination;
  const uint8_t *header;                      /* the IP header */
  struct ip_reasm *reasm;                     /* to be given back with ip_reasm_done; NULL: none */
  uint16_t header_length;                     /* with IPv6's extension headers */
  uint16_t next_at;                           /* IPv6: where `protocol` was read */
  uint8_t  iface, protocol, hops;             /* hops: TTL or hop limit */
  uint8_t  ecn;                               /* RFC 3168 5: the two bits */
  bool     link_broadcast, broadcast;         /* of the frame; of the datagram, and multicast */
  bool     trusted;                           /* the transport checksum was verified below us */
};

/* An ICMP error about something that we have sent. */
struct ip_icmp_error {
  struct ends ends;                           /* as we sent it */
  uint32_t seq;                               /* of TCP */
  uint16_t mtu;                               /* fragmentation needed: the next hop's, or a guess */
  uint8_t  protocol, error;                   /* enum la_error */
  bool     hard;                              /* RFC 1122 4.2.3.9 */
};

/* ---- the room ---- */
size_t ip_octets(const struct ip_settings *set);
void   ip_init(struct ip *ip, void *memory, const struct ip_settings *set, struct store store,
               la_time now);
void   ip_timers_run(struct ip *ip, la_time now);
la_time ip_deadline(const struct ip *ip);     /* INT64_MIN: there is work now */
const char *ip_why_name(unsigned why);        /* NULL past the last; so with the others */
const char *ip_why_rfc(unsigned why);
const char *ip_why_text(unsigned why);
const char *ip_count_name(unsigned count);
const char *ip_count_text(unsigned count);

/* Nothing that waits for `due` may be forgotten. */
static inline void ip_due(struct ip *ip, la_time due)
{
  if (due < ip->due)
    ip->due = due;
}

static inline enum ip_why ip_refuse(struct ip *ip, enum ip_why why)
{
  ip->why[why]++;
  return why;
}

/* ---- interfaces, addresses, routes: >= 0 or minus enum la_error ---- */
int  ip_iface_add(struct ip *ip, const struct ip_iface *iface);
int  ip_iface_set(struct ip *ip, unsigned number, const struct ip_iface *iface);
int  ip_own_add(struct ip *ip, unsigned iface, const struct ip_addr *addr, uint8_t prefix);
int  ip_own_remove(struct ip *ip, unsigned iface, const struct ip_addr *addr);
int  ip_route_add(struct ip *ip, const struct ip_addr *net, uint8_t prefix,
                  const struct ip_addr *via, unsigned iface);
int  ip_route_remove(struct ip *ip, const struct ip_addr *net, uint8_t prefix);
/* One that may be used; and in any state, on this interface. */
const struct ip_own *ip_own_find(const struct ip *ip, const struct ip_addr *addr);
struct ip_own *ip_own_at(struct ip *ip, unsigned iface, const struct ip_addr *addr);
/* Whatever was remembered of ways may be wrong now. */
static inline void ip_dests_forget(struct ip *ip) { ip->generation++; }
bool ip_addr_in(const struct ip_addr *addr, const struct ip_addr *net, uint8_t prefix);
bool ip_addr_is_multicast(const struct ip_addr *addr);
bool ip_addr_is_loopback(const struct ip_addr *addr);
bool ip6_addr_is_link_local(const struct ip_addr *addr);        /* RFC 4291 2.5.6 */
/* The limited broadcast address, or that of a net on this interface. */
bool ip_addr_is_broadcast(const struct ip *ip, unsigned iface, const struct ip_addr *addr);

/* The way to a peer; NULL: there is none. The pointer is good until the next call. */
struct ip_dest *ip_dest_find(struct ip *ip, const struct ip_addr *peer);
/* The address to speak to it from (RFC 1122 3.3.4.3, RFC 6724 5); false: this stack has none. */
bool ip_source_for(const struct ip *ip, const struct ip_dest *dest, struct ip_addr *source);

/* ---- path MTU (RFC 1191) ---- */
/* true: the path is narrower than was known. */
bool ip_pmtu_lower(struct ip *ip, const struct ip_addr *peer, uint16_t mtu);
void ip_pmtu_timers(struct ip *ip);

/* ---- neighbours ---- */
int  ip_neighbor_add(struct ip *ip, unsigned iface, const struct ip_addr *addr,
                     const uint8_t mac[6]);
/* The neighbour to hand a packet for `dest` to; NULL: the table is full. Its mac may be used if
 * ip_neighbor_usable; else the packet waits in its list, if that is not full. */
struct ip_neighbor *ip_neighbor_of(struct ip *ip, struct ip_dest *dest);
bool ip_neighbor_usable(const struct ip_neighbor *neighbor);
/* A transport's advice that the way may be dead: its neighbour is asked again (MUST-20). */
void ip_neighbor_doubt(struct ip *ip, struct ip_dest *dest);
/* The next one that has packets waiting no longer for anything: usable, or FAILED. NULL: none. */
struct ip_neighbor *ip_neighbor_settled(struct ip *ip);
/* NULL: nothing is known of it. */
struct ip_neighbor *ip_neighbor_find(struct ip *ip, unsigned iface, const struct ip_addr *addr);
/* Somebody has named its link-layer address: RFC 4861 7.2.3. It is remembered if it is `wanted`. */
struct ip_neighbor *ip_neighbor_heard(struct ip *ip, unsigned iface, const struct ip_addr *addr,
                                      const uint8_t mac[6], bool wanted);
/* It has answered: to a question of ours or not; RFC 4861 7.2.5. */
void ip_neighbor_answered(struct ip *ip, struct ip_neighbor *neighbor, const uint8_t mac[6],
                          bool solicited);
/* What a neighbour's advertisement says that does not override what is known (7.2.5). */
void ip_neighbor_contested(struct ip *ip, struct ip_neighbor *neighbor);
/* Connections make progress by this way (RFC 4861 7.3.1). */
void ip_neighbor_confirm(struct ip *ip, struct ip_dest *dest);
void ip_neighbor_timers(struct ip *ip);       /* these lower ip->due to what they wait for */
/* Says to all on the link that an address is ours now (RFC 5227 2.3). */
void ip_arp_announce(struct ip *ip, const struct ip_own *own);
enum ip_why ip_arp_input(struct ip *ip, unsigned iface, const uint8_t *octets, uint32_t n);

/* ---- frames to neighbours ---- */
/* false: the ring is full; it is counted. */
bool ip_frame_later(struct ip *ip, const struct ip_frame *frame);
/* The next one with its Ethernet header; 0: none. */
uint32_t ip_frame_output(struct ip *ip, uint8_t octets[IP_FRAME_MAX], uint8_t *iface);

/* ---- IPv6's own: neighbour discovery, addresses, routers, groups ---- */
enum ip_why ip_nd_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v);
enum ip_why ip_mld_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v);
struct nd_message;
enum ip_why ip_router_advertised(struct ip *ip, const struct ip_meta *m,
                                 const struct nd_message *nd);
enum ip_why ip_router_redirected(struct ip *ip, const struct ip_meta *m,
                                 const struct nd_message *nd);
void ip_router_lost(struct ip *ip, unsigned iface, const struct ip_addr *addr);
void ip_router_solicit(struct ip *ip, unsigned iface);      /* begin to look for routers */
void ip_router_timers(struct ip *ip);
/* Fills in dest->iface and dest->next from what routers have said, if that is better than a prefix
 * of `best` bits (-1: none). The prefix that it is by. */
int  ip_router_route(const struct ip *ip, struct ip_dest *dest, int best);
void ip_router_better(const struct ip *ip, struct ip_dest *dest);       /* redirects */

/* An address begins: joined, and tentative where others may have it (RFC 4862 5.4). */
void ip_addr6_begin(struct ip *ip, struct ip_own *own);
void ip_addr6_link(struct ip *ip, unsigned iface);          /* the link-local one, if asked for */
void ip_addr6_prefix(struct ip *ip, unsigned iface, const struct ip_addr *net, la_time preferred,
                     la_time valid);                        /* RFC 4862 5.5.3; spans of time */
void ip_addr6_duplicate(struct ip *ip, struct ip_own *own);
void ip_addr6_timers(struct ip *ip);
/* The link-local address of an interface that may be used; NULL: none. */
const struct ip_own *ip_addr6_of_link(const struct ip *ip, unsigned iface);
void ip_mld_report(struct ip *ip, const struct ip_own *own, uint8_t record);
void ip_mld_timers(struct ip *ip);
uint32_t ip_dice(struct ip *ip, uint32_t below);            /* 0 .. below - 1 */

/* ---- in ---- */
/* From the IP header on. NONE: `v` is the payload now, for the transport that `m` names. */
enum ip_why ip4_input(struct ip *ip, struct ip_meta *m, struct ip_view *v);
enum ip_why ip6_input(struct ip *ip, struct ip_meta *m, struct ip_view *v);
/* Whether a packet to this multicast address on this interface is for us. */
bool ip6_joined(const struct ip *ip, unsigned iface, const struct ip_addr *group);

/* One fragment, of either family: `next` is the header behind IPv6's. */
struct ip_fragment { uint32_t id, offset; bool more; uint8_t next; };
enum ip_why ip_reasm_input(struct ip *ip, struct ip_meta *m, struct ip_view *v,
                           const struct ip_fragment *f);
void ip_reasm_done(struct ip *ip, struct ip_reasm *reasm);
void ip_reasm_timers(struct ip *ip);

/* *error is filled in and `found` set if a transport is concerned. */
enum ip_why ip_icmp_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v,
                          struct ip_icmp_error *error, bool *found);
enum ip_why ip_icmp6_input(struct ip *ip, const struct ip_meta *m, const struct ip_view *v,
                           struct ip_icmp_error *error, bool *found);

/* Answers a datagram that cannot be delivered, in the words of its family, unless RFC 1122 3.2.2 or
 * RFC 4443 2.4 e forbid. `octets`: its payload, n of them in one piece. */
enum ip_complaint { IP_NO_PROTOCOL, IP_NO_PORT, IP_FRAGMENTS_LATE };
void ip_complain(struct ip *ip, enum ip_complaint what, const struct ip_meta *m,
                 const uint8_t *octets, uint32_t n);
void ip_icmp_send(struct ip *ip, uint8_t type, uint8_t code, uint32_t rest,
                  const struct ip_meta *m, const uint8_t *octets, uint32_t n);
void ip_icmp6_send(struct ip *ip, uint8_t type, uint8_t code, uint32_t rest,
                   const struct ip_meta *m, const uint8_t *octets, uint32_t n);

/* The checksum of a transport's header and text with its pseudo-header (RFC 9293 3.1). */
bool ip_sum_good(const struct ip_meta *m, const struct ip_view *v);
/* Once for each packet, both ways: so it is expanded where it is needed. */
static inline void ip_pseudo_add(struct csum *c, const struct ip_addr *a, const struct ip_addr *b,
                                 uint8_t protocol, uint32_t length)
{
  const uint8_t numbers[4] = { 0, protocol, (uint8_t)(length >> 8), (uint8_t)length };
  uint32_t four[2] = { 0, 0 };
  uint16_t two[2];

  if (ip_addr_is4(a)) {
    memcpy(&four[0], a->octets + 12, sizeof four[0]);
    memcpy(&four[1], b->octets + 12, sizeof four[1]);
  } else {
    csum_add_header(c, a->octets, sizeof a->octets);
    csum_add_header(c, b->octets, sizeof b->octets);
  }
  memcpy(two, numbers, sizeof two);
  csum_add_small(c, (uint64_t)four[0] + four[1] + two[0] + two[1]);
}

/* Takes n octets off the front; what is cut off the end is cut off the fragments too. */
void ip_view_cut(struct ip_view *v, uint32_t length);

static inline void ip_view_trim(struct ip_view *v, uint32_t length)
{
  if (length < v->length)
    ip_view_cut(v, length);
}

static inline void ip_view_pull(struct ip_view *v, uint32_t n)
{
  v->octets += n;
  v->contiguous -= n;
  v->length -= n;
  if (v->apart)
    return;
  v->frag[0].offset += n;
  v->frag[0].length -= n;
}

/* And puts them back. */
static inline void ip_view_unpull(struct ip_view *v, uint32_t n)
{
  v->octets -= n;
  v->contiguous += n;
  v->length += n;
  if (v->apart)
    return;
  v->frag[0].offset -= n;
  v->frag[0].length += n;
}

/* ---- out ---- */
/* A place in the ring, empty but for what is given; NULL: the ring is full. It goes out in turn. */
struct ip_datagram *ip_datagram_new(struct ip *ip, const struct ip_addr *local,
                                    const struct ip_addr *peer, uint8_t protocol);
/* Takes back the newest. */
void ip_datagram_undo(struct ip *ip);
/* Adds what `v` holds behind its first n octets, by reference where that is worth it. false: no
 * memory; the datagram is taken back, and counted as lost. */
bool ip_datagram_lend(struct ip *ip, struct ip_datagram *d, const struct ip_view *v, uint32_t n);
/* The transport's checksum over head and text, with the pseudo-header. */
uint16_t ip_datagram_sum(const struct ip_datagram *d);
/* The next packet of the first datagram; false: the ring is empty. Once the caller has references
 * to the packet's fragments it says so, and what is sent whole leaves the ring. */
bool ip_datagram_next(struct ip *ip, struct ip_packet *packet);
void ip_datagram_sent(struct ip *ip);

/* Write the header of a TCP segment; `length` is that of the segment. IPv4, 20 octets: DF set, ID 0
 * (RFC 6864 4.1); IPv6, 40 octets, with a flow label (RFC 6437 3). */
struct ip_marks { uint8_t ttl, dscp, ecn; };    /* RFC 9293 3.9.2; RFC 3168 5 */
void ip4_header_put(uint8_t *octets, const struct ip_addr *local, const struct ip_addr *peer,
                    uint8_t protocol, uint32_t length, struct ip_marks marks);
void ip6_header_put(uint8_t *octets, const struct ip_addr *local, const struct ip_addr *peer,
                    uint8_t protocol, uint32_t length, struct ip_marks marks, uint32_t label);

#endif
