/* lastack.h - a TCP/IP stack that does no I/O.  This is the whole public interface.
 *
 * Packets go in, packets and events come out, time is an argument:
 *
 *     la_input   everything that arrived
 *     la_output  until it gives nothing more; it also runs the due timers
 *     la_events  what became possible; answer with the la_tcp_ and la_udp_ calls,
 *                then call la_output again
 *     sleep      until something arrives or la_deadline() comes
 *
 * Calls happen at the time that the stack was last told. Whoever wakes for a reason of
 * his own and then calls, tells it first: la_input(s, now, NULL, 0).
 *
 * Nothing here calls back, allocates, locks, prints, sleeps or reads a clock.
 * One stack belongs to one thread at a time.  N cores run N stacks.
 *
 * Conventions.  An int result is >= 0, or minus one of enum la_error; a call
 * that returns an error has changed nothing.  Sizes are in octets unless the
 * name says otherwise, times are la_time (nanoseconds), and times that an
 * operator sets are in milliseconds and say so (`msl_ms`).  Ports are in the
 * host's order.  "RFC n s" cites section s of RFC n.
 */
#ifndef LASTACK_H
#define LASTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)          /* the library is built with -fvisibility=hidden */
#endif

#if defined(__GNUC__)
#define LA_CHECK_RESULT __attribute__((warn_unused_result))
#else
#define LA_CHECK_RESULT
#endif

#define LA_VERSION "0.1.0"

typedef struct la_stack la_stack;
typedef int64_t la_time;                      /* nanoseconds of the caller's monotonic clock */
#define LA_NEVER INT64_MAX
#define LA_MS    INT64_C(1000000)             /* a millisecond of la_time */
#define LA_SEC   INT64_C(1000000000)          /* a second of la_time */

/* A handle is a kind, an index and a generation, never a pointer: using it after
 * its socket is gone is answered with LA_ESTALE, not with a crash. {0} is none. */
typedef struct la_sock { uint64_t bits; } la_sock;

/* ---- errors: every int below is >= 0, or minus one of these ------------- */
#define LA_ERRORS(E)                                                              \
  E(AGAIN,     "nothing to do now; an event will say when")                       \
  E(STALE,     "this handle's socket no longer exists")                           \
  E(INVAL,     "an argument breaks the contract written in lastack.h")            \
  E(STATE,     "the connection's state does not allow this call")                 \
  E(CLOSING,   "the connection is closing already (RFC 9293 3.10.4)")             \
  E(EOF,       "the peer has sent everything it will send")                       \
  E(RESET,     "the peer reset the connection")                                   \
  E(REFUSED,   "the peer refused the connection")                                 \
  E(TIMEDOUT,  "the peer stopped answering")                                      \
  E(ABORTED,   "the connection was aborted on this side")                         \
  E(UNREACH,   "no route, or the network said that there is none")                \
  E(INUSE,     "the address and port are taken")                                  \
  E(NOADDR,    "the local address is not one of this stack's")                    \
  E(NOPORT,    "every ephemeral port towards this peer is taken")                 \
  E(NOSOCK,    "the socket pool given at la_init is used up")                     \
  E(NOBUF,     "the buffer pool given at la_init is used up")                     \
  E(NOROOM,    "the table given at la_init is full")                              \
  E(MSGSIZE,   "the datagram does not fit")
enum la_error {
  LA_OK = 0,
#define LA_E_(name, text) LA_E##name,
  LA_ERRORS(LA_E_)
#undef LA_E_
  LA_ERROR_COUNT
};

/* The sentence for a result: la_strerror(-LA_ERESET) and la_strerror(LA_ERESET)
 * are "the peer reset the connection"; >= 0 and unknown numbers have texts too. */
const char *la_strerror(int result);

/* The name without its prefix: "RESET"; "OK" for 0, "UNKNOWN" for what is none. */
const char *la_error_name(int result);

/* ---- addresses --------------------------------------------------------- */
/* Network order. len 4: IPv4, 0.0.0.0 is any of its family; len 16: IPv6, and :: is as len 0: any
 * address of any family. IPv4 in its mapped form, ::ffff:a.b.c.d, is IPv4. */
typedef struct la_addr     { uint8_t len; uint8_t octets[16]; } la_addr;
typedef struct la_endpoint { la_addr addr; uint16_t port; } la_endpoint;

la_addr la_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/* Text to address and back ("192.0.2.1", "2001:db8::1", "*" for any), RFC 5952 on
 * output. la_addr_parse: 0, or -LA_EINVAL. la_addr_text: the length written
 * without the final NUL, cut to fit `size`; LA_ADDR_TEXT octets always suffice. */
enum { LA_ADDR_TEXT = 46 };
int    la_addr_parse(const char *text, la_addr *addr) LA_CHECK_RESULT;
size_t la_addr_text(la_addr addr, char *text, size_t size);

/* ---- memory: all of it is handed over once ------------------------------ */
/* Sizes of the pools and the habits of the stack. la_config_default fills in
 * something that serves a small host; then change what you like. Everything is
 * fixed from la_init on. */
typedef struct la_config {
  uint32_t tcp_connections;     /* control blocks: connections and listeners together */
  uint32_t tcp_time_waits;      /* small records of connections in TIME-WAIT that nobody holds */
  uint32_t tcp_half_open;       /* SYN-RECEIVED at once, all listeners; then cookies (RFC 4987) */
  uint32_t udp_sockets;
  uint32_t interfaces, addresses, routes, neighbors, reassemblies;
  uint32_t slabs;               /* packet and stream memory: this many ... */
  uint32_t slab_size;           /* ... of this size; 16384 lets one packet carry 64 KiB */
  uint32_t foreign_slabs;       /* how many of the caller's buffers la_slab_wrap may lend at once */
  uint32_t chunks;              /* pieces of slabs in stream queues; 0: twice the slabs */
  uint32_t ranges;              /* islands of out-of-order text, in all; 0: as many as slabs */
  uint32_t flights;             /* runs of text in flight, in all; 0: as many as chunks, or 64 */
  uint32_t models;              /* connections under BBR at once; default 64. Where BBR is the
                                   default: 0 is as many as tcp_connections */
  uint32_t replies;             /* packets that belong to no connection, waiting for la_output */
  uint32_t send_buffer;         /* per connection: what la_tcp_send queues at most */
  uint32_t tcp_notsent_lowat;   /* of it, what may wait to be sent for the first time: no more is
                                   taken beyond, and LA_EV_WRITABLE waits until less than half of
                                   it is left. Default UINT32_MAX: no limit but send_buffer */
  uint32_t receive_buffer;      /* per connection: the largest window offered */
  uint32_t trace_entries;       /* flight recorder, per connection; 0: none; else a power of two */
  uint8_t  secret[16];          /* keys ISS, ports, cookies and the hash; random in production */
  uint16_t instance, instances; /* this stack is number .. of .. (see la_flow_hash); 0 of 1 */

  uint16_t port_first, port_last; /* ephemeral ports, RFC 6056; 49152..65535 (RFC 6335 6) */
  uint32_t msl_ms;              /* RFC 9293 3.4.2; TIME-WAIT is twice this. Default 30,000 */
  uint32_t rto_initial_ms, rto_min_ms, rto_max_ms; /* RFC 6298 2; defaults 1,000, 200, 60,000 */
  uint32_t rto_slop_ms;         /* added to every RTO but a first SYN's, as FreeBSD does; 0 */
  uint32_t syn_retries;         /* SYNs resent before giving up: R2, three minutes by MUST-23; 7 */
  uint32_t synack_retries;      /* the same for SYN,ACK; default 5 */
  uint32_t retries_soft;        /* R1 of RFC 9293 3.8.3: from here on the network is suspected; 3 */
  uint32_t retries;             /* R2 of RFC 9293 3.8.3: resends of data before giving up; 15;
                                   beyond 255: never */
  uint32_t orphan_retries;      /* R2 once the application has let go; 8 */
  uint32_t fin_wait_2_ms;       /* an orphan's patience in FIN-WAIT-2; default 60,000 */
  uint32_t delayed_ack_ms;      /* RFC 9293 3.8.6.3: below 500; default 40 */
  uint32_t quick_acks;          /* so many of a connection's first segments with text, up to 255,
                                   are acknowledged at once, until it answers text with text:
                                   RFC 5681 4.2 allows it, and a peer in slow start goes on
                                   sooner. Linux: 16; default 0 */
  uint32_t keepalive_idle_ms, keepalive_interval_ms, keepalive_probes; /* 7,200,000, 75,000, 9 */
  uint32_t initial_window;      /* segments, RFC 6928; default 10 */
  uint8_t  congestion;          /* enum la_cc, of new sockets; default LA_CC_CUBIC */
  uint32_t challenge_acks;      /* per second, RFC 5961 7; default 100 */
  uint32_t resets, icmp_errors; /* answers to no one's packets, per second each; 1,000 and 100 */
  bool     no_timestamps, no_window_scale, no_sack; /* options not offered and not accepted */
  bool     no_syn_cookies;      /* drop instead, when the half-open queue is full */
  bool     no_tail_probes;      /* no probe before the time-out (RFC 8985 7), as in FreeBSD */
  bool     no_syn_text;         /* text behind a peer's SYN is left to be repeated, as Linux and BSD
                                   do; else kept until the handshake ends (RFC 9293 3.10.7.2) */
  uint8_t  mtu_probing;         /* enum la_mtu_probing: large packets that vanish (RFC 4821) */
  uint32_t fastopen_cookies;    /* servers whose Fast Open cookies are remembered; 64; 0: none */
  uint32_t fastopen_refused_ms; /* how long a server that gave no cookie, or did not take the text,
                                   is opened plainly (RFC 7413 4.1.3.1), twice as long each time, up
                                   to 64 times; default 600,000; 0: it is tried again at once */
  uint8_t  ecn;                 /* enum la_ecn, what a socket starts with; LA_ECN_ACCEPT */
  bool     abe;                 /* a mark of congestion cuts cwnd less than a loss (RFC 8511) */
  bool     lax_timestamps;      /* once agreed, segments without are taken all the same, as Linux
                                   does; else dropped (RFC 7323 3.2), as FreeBSD does */
  uint16_t syn_window;          /* what a SYN offers at most, octets; 0: 65,535 */
  uint8_t  window_scale;        /* the shift offered at least (RFC 7323 2.3), up to 14; default 0 */
  bool     minshall;            /* Nagle's rule as Minshall and Linux have it: a small segment waits
                                   only while another small one is in flight; else RFC 9293 3.7.4 */
  bool     linux_buffers;       /* la_tcp_send fills pieces of half the peer's largest window (of
                                   whole segments, one super-packet at most) and begins one while
                                   less than send_buffer is queued, as Linux does: the queue may
                                   be a piece too long; else send_buffer is never exceeded */
  bool     bsd_options;         /* a SYN's options as BSD orders them; else as Linux does */
  bool     bsd_acks;            /* every second segment with text is acknowledged at once, however
                                   short it is, as BSD does; else every second full one */
  bool     no_time_wait_reuse;  /* a SYN never ends a TIME-WAIT: RFC 9293 3.6.1 MAY-2, not taken */
  bool     bsd_window;          /* each segment offers all the room of a buffer that holds whole
                                   segments, as BSD does; else RFC 9293 3.8.6.2.2 to the letter */
} la_config;

/* Fill in the defaults. */
void la_config_default(la_config *config);

/* The octets that la_init needs for this configuration; 0: it makes no sense
 * (a zero pool that must not be zero, a slab under 576, a table beyond limits). */
size_t la_size(const la_config *config);

/* Make a stack in `memory`, aligned to 64, of at least la_size octets. NULL when the
 * configuration or the memory will not do. `now` starts the stack's time: no later
 * call may bring an earlier one. */
la_stack *la_init(void *memory, size_t size, const la_config *config, la_time now) LA_CHECK_RESULT;

/* The end: every foreign slab becomes ready for la_slab_returned; the memory is yours
 * again after that. No packet is sent: abort the connections first if peers should know. */
void la_fini(la_stack *s);

/* ---- packets ------------------------------------------------------------ */
typedef struct la_slab la_slab;               /* reference-counted octets */
typedef struct la_frag { la_slab *slab; uint32_t offset, length; } la_frag;
enum { LA_PKT_FRAGS = 6, LA_PKT_HEAD = 144 }; /* 64 KiB of text out of 16 KiB slabs, any offset */
enum la_pkt_flag {
  LA_PKT_CSUM_OK = 1,                         /* in: the device verified the transport checksum */
  LA_PKT_CSUM_PARTIAL = 2                     /* in, out: the field holds the pseudo-header's
                                                 sum, the device fills in the rest */
};
/* Going out, the headers lie in `head` and the text in `frag`, by reference. Coming
 * in, `head_length` is 0, everything lies in `frag`, and the headers are contiguous in
 * frag[0]. gso_size > 0: the text is a run of segments of that size but the last. */
typedef struct la_pkt {
  la_time  at;                                /* in: when it arrived; out: not before (pacing) */
  uint16_t iface, flags, gso_size;
  uint16_t csum_start, csum_offset;           /* from the packet's first octet; from csum_start */
  uint16_t head_length;
  uint16_t frags, header_length;              /* header_length: link to transport (out) */
  la_frag  frag[LA_PKT_FRAGS];
  uint8_t  head[LA_PKT_HEAD];
} la_pkt;

/* An empty slab of config.slab_size octets with one reference, yours. 0, or -LA_ENOBUF. */
int la_slab_get(la_stack *s, la_slab **slab) LA_CHECK_RESULT;

/* Lend the caller's octets as a slab with one reference. `owner` comes back through
 * la_slab_returned when the last reference is gone. 0, -LA_EINVAL or -LA_ENOBUF. */
int la_slab_wrap(la_stack *s, void *octets, uint32_t size, void *owner,
                 la_slab **slab) LA_CHECK_RESULT;
size_t la_slab_returned(la_stack *s, void **owners, size_t max);

uint8_t *la_slab_octets(la_slab *slab);
uint32_t la_slab_size(const la_slab *slab);
void     la_slab_hold(la_slab *slab);                   /* one reference more */
void     la_slab_release(la_stack *s, la_slab *slab);   /* one less */

/* Give back what a packet from la_output refers to; call it once the octets are sent. */
void     la_pkt_release(la_stack *s, la_pkt *pkt);

/* All octets of a packet, and a copy of them into one piece (at most `size`). */
size_t   la_pkt_length(const la_pkt *pkt);
size_t   la_pkt_copy(const la_pkt *pkt, void *octets, size_t size);

/* Cut a super-segment into packets of at most gso_size octets of text, with headers,
 * lengths, sequence numbers, FIN, PSH and checksums put right (checksums complete, even
 * where `super` left them to a device). Takes pieces from number `first` on; returns
 * how many it made; the caller goes on with first + that many until 0. The pieces hold
 * their own references; `super` keeps its own. A packet without gso_size is one piece. */
size_t   la_gso_split(la_stack *s, const la_pkt *super, size_t first, la_pkt *pkts, size_t max);

/* ---- the pump ------------------------------------------------------------ */
/* Everything that arrived. The stack takes over the packets' references, whatever
 * becomes of them, and may change the array. Returns how many packets were taken by
 * some socket or protocol; the rest have counted reasons (la_counter). */
size_t  la_input(la_stack *s, la_time now, la_pkt *pkts, size_t n);

/* Up to `max` packets to send, oldest obligation first; runs the due timers. A return
 * below `max` means that there is nothing more to say until la_deadline. */
size_t  la_output(la_stack *s, la_time now, la_pkt *pkts, size_t max);

/* When la_output is to be called again though nothing arrives and no call is made: a
 * time in the past if it has work already; LA_NEVER if it will have none. It may be
 * earlier than the timer that it stands for, never later. */
la_time la_deadline(const la_stack *s);

enum la_event_kind {
  LA_EV_ACCEPT,       /* listener: la_tcp_accept has a connection for you */
  LA_EV_CONNECTED,    /* the handshake of your la_tcp_connect is complete */
  LA_EV_READABLE,     /* la_tcp_recv, la_udp_recv have something new */
  LA_EV_WRITABLE,     /* there is room again after a la_tcp_send that took less than offered */
  LA_EV_PEER_CLOSED,  /* the peer's FIN has arrived: recv ends with LA_EEOF */
  LA_EV_CLOSED,       /* no segment will come or go any more but for TIME-WAIT; `error` says why */
  LA_EVENT_COUNT
};
/* `error`: LA_OK or an enum la_error (positive), with LA_EV_CLOSED. */
typedef struct la_event { la_sock sock; void *user; uint16_t kind; int16_t error; } la_event;

/* The events since the last call, each kind once per socket however often it happened.
 * None is ever lost for want of room. */
size_t  la_events(la_stack *s, la_event *events, size_t max);

/* ---- interfaces, routes, neighbours -------------------------------------- */
enum la_medium { LA_MEDIUM_IP, LA_MEDIUM_ETHERNET };
enum la_iface_flag {
  LA_IFACE_UP = 1,
  LA_IFACE_CSUM_TX = 2,                       /* the device completes checksums (CSUM_PARTIAL) */
  LA_IFACE_LOOPBACK = 4,
  LA_IFACE_AUTO6 = 8,                         /* Ethernet: a link-local address, routers asked for
                                                 and believed, addresses made of their prefixes
                                                 (RFC 4861, 4862), with stable identifiers out of
                                                 config.secret (RFC 7217) */
  LA_IFACE_NO_DAD = 16                        /* IPv6 addresses are used without asking first
                                                 whether another host has them (RFC 4862 5.4) */
};
typedef struct la_iface {
  enum la_medium medium;
  uint32_t mtu;                               /* of the IP packet; 68..65535 (RFC 791) */
  uint32_t gso_max;                           /* largest text of one packet; 0: the MSS */
  uint32_t flags;
  uint8_t  mac[6];
  char     name[16];
} la_iface;

/* A link. A LOOPBACK one carries what is sent to any of the stack's own addresses, inside the
 * stack. >= 0: its number; -LA_EINVAL, -LA_ENOROOM. */
int la_iface_add(la_stack *s, const la_iface *iface) LA_CHECK_RESULT;
/* All of its fields anew; connections follow. 0, or -LA_EINVAL, also when there is no such link. */
int la_iface_set(la_stack *s, int number, const la_iface *iface) LA_CHECK_RESULT;
int la_iface_get(const la_stack *s, int number, la_iface *iface) LA_CHECK_RESULT;

/* An address of ours, of either family, and the net of its link, which needs no route. On Ethernet
 * one of IPv4 is announced (RFC 5227 2.3), and one of IPv6 tentative for a second (la_addr_state):
 * until then it is not ours. IPv6 goes by links of 1280 octets and more (RFC 8200 5). There are no
 * zones: a link-local destination is looked for on the first link that has a link-local address.
 * 0, -LA_EINVAL, -LA_EINUSE, -LA_ENOROOM. */
int la_addr_add(la_stack *s, int iface, la_addr addr, uint8_t prefix) LA_CHECK_RESULT;
/* Connections that use it hear nothing any more. 0, -LA_EINVAL, -LA_ENOADDR. */
int la_addr_remove(la_stack *s, int iface, la_addr addr) LA_CHECK_RESULT;
/* The n-th from 0; -LA_EINVAL past the last, and so with the other tables. */
int la_addr_get(const la_stack *s, unsigned n, int *iface, la_addr *addr,
                uint8_t *prefix) LA_CHECK_RESULT;

/* The state of the n-th, an enum la_addr_state; -LA_EINVAL past the last. Only PREFERRED and
 * DEPRECATED ones are used, and the latter not for what begins. Autoconfigured ones stand among the
 * others, and go when their lifetime ends. */
enum la_addr_state { LA_ADDR_PREFERRED, LA_ADDR_TENTATIVE, LA_ADDR_DEPRECATED, LA_ADDR_DUPLICATE };
int la_addr_state(const la_stack *s, unsigned n) LA_CHECK_RESULT;

/* The longest prefix of the destination's family wins (RFC 1122 3.3.1); `via` with len 0 means: the
 * destination is on the link. 0, -LA_EINVAL, -LA_EINUSE (this prefix has a route), -LA_ENOROOM. */
int la_route_add(la_stack *s, la_addr net, uint8_t prefix, la_addr via, int iface) LA_CHECK_RESULT;
/* 0, -LA_EINVAL, -LA_EUNREACH: there was none. */
int la_route_remove(la_stack *s, la_addr net, uint8_t prefix) LA_CHECK_RESULT;
/* Those that were added; then what IPv6's routers have said: nets on the link, and themselves. */
int la_route_get(const la_stack *s, unsigned n, la_addr *net, uint8_t *prefix, la_addr *via,
                 int *iface) LA_CHECK_RESULT;

/* A fixed neighbour (never asked for, never forgotten), and a look at the table. 0, -LA_EINVAL,
 * -LA_ENOROOM. The others are found by ARP (RFC 826) and neighbour discovery (RFC 4861) when they
 * are needed. */
int la_neighbor_add(la_stack *s, int iface, la_addr addr, const uint8_t mac[6]) LA_CHECK_RESULT;
enum la_neighbor_state {  /* RFC 4861 7.3.2; IPv4's know no DELAY */
  LA_NEIGHBOR_FREE, LA_NEIGHBOR_INCOMPLETE, LA_NEIGHBOR_REACHABLE, LA_NEIGHBOR_STALE,
  LA_NEIGHBOR_DELAY, LA_NEIGHBOR_PROBE, LA_NEIGHBOR_FAILED, LA_NEIGHBOR_PERMANENT
};
typedef struct la_neighbor {
  la_addr addr;
  int     iface;
  uint8_t mac[6];
  uint8_t state;                              /* enum la_neighbor_state */
  la_time since;
} la_neighbor;
int la_neighbor_get(const la_stack *s, unsigned n, la_neighbor *neighbor) LA_CHECK_RESULT;

/* ---- TCP: the calls of RFC 9293 3.9.1 and 3.10.1-6 ------------------------ */
/* A handle is yours from open or accept until forget or abort, as a file descriptor
 * is: what happens to the connection never makes it stale by itself. */

/* A socket without a name: CLOSED. `user` comes back with its events. 0, -LA_ENOSOCK. */
int la_tcp_open(la_stack *s, void *user, la_sock *sock) LA_CHECK_RESULT;

/* Give it a local address (or any) and port (0: picked when it connects or listens).
 * -LA_ENOADDR, -LA_ESTATE, -LA_EINUSE: a name that overlaps (equal port, equal address or one
 * of them any) a listener's; or that of a socket without a peer, unless both have
 * LA_OPT_REUSEADDR; or the local end of a connection or a TIME-WAIT, unless this one has it. */
int la_tcp_bind(la_stack *s, la_sock sock, la_endpoint local) LA_CHECK_RESULT;

/* Passive OPEN (RFC 9293 3.10.1): `backlog` connections may wait for la_tcp_accept. */
int la_tcp_listen(la_stack *s, la_sock sock, uint32_t backlog) LA_CHECK_RESULT;

/* The next connection whose handshake is complete, or that was opened fast (LA_OPT_FASTOPEN): then
 * it may be in SYN-RECEIVED, read and written all the same, and LA_EV_CONNECTED follows. One that
 * the peer has reset since, with text unread, is still handed out. -LA_EAGAIN when none waits. */
int la_tcp_accept(la_stack *s, la_sock listener, void *user, la_sock *sock) LA_CHECK_RESULT;

/* Active OPEN (RFC 9293 3.10.1). Binds implicitly (RFC 6056). -LA_EUNREACH without a
 * route, -LA_ENOPORT, -LA_ENOBUF (BBR, and config.models used up), -LA_EINUSE when this very
 * pair exists, -LA_EINVAL for what cannot be a peer (any, multicast, broadcast, port 0, this very
 * end); the answer of the peer comes as LA_EV_CONNECTED or LA_EV_CLOSED. Data may be queued at
 * once. */
int la_tcp_connect(la_stack *s, la_sock sock, la_endpoint peer) LA_CHECK_RESULT;

/* SEND (3.10.2). How many octets were queued (copied), which may be fewer than n;
 * -LA_EAGAIN when none fit (LA_EV_WRITABLE follows), -LA_ENOBUF, -LA_ESTATE, -LA_ECLOSING
 * after close, or what ended the connection. */
int la_tcp_send(la_stack *s, la_sock sock, const void *octets, uint32_t n) LA_CHECK_RESULT;

/* Like la_tcp_send, and more follows at once: a rest that does not fill a segment waits for it. The
 * next la_tcp_send, the next ACK or, with nothing in flight, an RTO (200 ms at least, a second at
 * most: RFC 9293 3.8.6.2.1 (4)) lets it go. Linux calls it MSG_MORE. */
int la_tcp_send_more(la_stack *s, la_sock sock, const void *octets, uint32_t n) LA_CHECK_RESULT;

/* The same without a copy: the stack takes a reference of its own to each fragment and
 * the octets must not change until they are acknowledged. At most LA_SEND_FRAGS of them.
 * All or nothing: 0 or an error. */
enum { LA_SEND_FRAGS = 64 };
int la_tcp_send_frags(la_stack *s, la_sock sock, const la_frag *frags, uint32_t n) LA_CHECK_RESULT;

/* Like la_tcp_send, and the last octet is urgent (RFC 6093: discouraged, yet part of TCP). */
int la_tcp_send_urgent(la_stack *s, la_sock sock, const void *octets, uint32_t n) LA_CHECK_RESULT;

/* RECEIVE (3.10.3). Octets copied out; -LA_EAGAIN, -LA_EEOF after the peer's FIN,
 * or what ended the connection. `max` 0 asks which of these it would be (0: text). */
int la_tcp_recv(la_stack *s, la_sock sock, void *octets, uint32_t max) LA_CHECK_RESULT;

/* The same without a copy: peek shows up to `max` fragments without giving references
 * (they are good until the next call on this stack; hold what you keep), and consume
 * takes n octets away, which opens the window. */
int la_tcp_peek(la_stack *s, la_sock sock, la_frag *frags, uint32_t max) LA_CHECK_RESULT;
int la_tcp_consume(la_stack *s, la_sock sock, uint32_t n) LA_CHECK_RESULT;

/* CLOSE (3.10.4): nothing more to send; FIN follows the data; receiving goes on.
 * -LA_ECLOSING the second time. A listener or an unanswered SYN becomes CLOSED. */
int la_tcp_close(la_stack *s, la_sock sock) LA_CHECK_RESULT;

/* ABORT (3.10.5): RST, queues thrown away, the handle is gone. */
int la_tcp_abort(la_stack *s, la_sock sock) LA_CHECK_RESULT;

/* Let go: what close(2) does. The handle is gone; data still queued is sent, then FIN.
 * Unread data means RST (RFC 2525 2.17, MUST-22's "SHOULD"), and so does LA_OPT_LINGER 0.
 * A listener takes the connections that nobody accepted with it. */
int la_tcp_forget(la_stack *s, la_sock sock) LA_CHECK_RESULT;

enum la_option {
  LA_OPT_NODELAY,           /* 0, 1: no Nagle (RFC 9293 3.7.4) */
  LA_OPT_KEEPALIVE,         /* 0, 1: probe an idle peer (3.8.4); off by default (MUST-25) */
  LA_OPT_KEEPALIVE_IDLE_MS, LA_OPT_KEEPALIVE_INTERVAL_MS, LA_OPT_KEEPALIVE_PROBES,
  LA_OPT_USER_TIMEOUT_MS,   /* RFC 5482, kept locally: text, a FIN or a shut window may wait so
                               long for progress, in place of R2; 0: R2 decides */
  LA_OPT_LINGER_MS,         /* -1: off (default); 0: forget resets; else give up that late */
  LA_OPT_REUSEADDR,         /* 0, 1: TIME-WAIT and live children do not hold the port */
  LA_OPT_SEND_BUFFER, LA_OPT_RECEIVE_BUFFER,
  LA_OPT_MSS,               /* upper limit of the MSS offered and used; before connect, listen */
  LA_OPT_QUICKACK,          /* 0, 1: acknowledge everything at once */
  LA_OPT_URGENT_INLINE,     /* always 1 (RFC 6093 4) */
  LA_OPT_CONGESTION,        /* enum la_cc; at any time. -LA_ENOBUF: see LA_CC_BBR */
  LA_OPT_TTL,               /* 1..255: time to live of its packets (MUST-49); 64 */
  LA_OPT_DSCP,              /* 0..63: Differentiated Services code point (MUST-48); 0 */
  LA_OPT_MTU_PROBING,       /* enum la_mtu_probing; config.mtu_probing is the default */
  LA_OPT_FASTOPEN,          /* of a listener: how many connections may be open before their
                               handshake has ended (RFC 7413 4.2.2); 0: off, the default */
  LA_OPT_FASTOPEN_CONNECT,  /* 0, 1: with a cookie, what is queued between la_tcp_connect and
                               la_output goes with the SYN, perhaps twice (RFC 7413 6.1) */
  LA_OPT_FASTOPEN_NO_COOKIE,/* 0, 1: without cookies, where the network itself vouches for
                               addresses: a listener believes every SYN, a SYN carries its text */
  LA_OPT_ECN,               /* enum la_ecn; before connect, listen */
  LA_OPT_PACING,            /* 0, 1: CUBIC and NewReno send in bursts of a millisecond, at cwnd/RTT
                               times 2 in slow start and 1.2 after; off by default. BBR always
                               does, at a pace of its own */
  LA_OPT_PACING_RATE,       /* octets of text per second at most, whatever the congestion control
                               asks for (as SO_MAX_PACING_RATE); 0: no limit, the default */
  LA_OPT_V6ONLY,            /* 0, 1: of IPv6 alone (RFC 3493 5.3), before bind: another socket may
                               have the port at 0.0.0.0. Else any address is of both families */
  LA_OPT_CORK,              /* 0, 1: text that does not fill a segment waits (RFC 9293 3.9.1.2),
                               though with nothing in flight an RTO at most, as for
                               la_tcp_send_more; 0 and LA_OPT_NODELAY 1 let it go */
  LA_OPT_NOTSENT_LOWAT,     /* octets; 0: config.tcp_notsent_lowat, which says what it means */
  LA_OPT_RCVLOWAT,          /* octets: LA_EV_READABLE only from so many on, or when the window
                               cannot take more, or at the stream's end; 1 */
  LA_OPT_SYN_RETRIES,       /* 1..127: resends of SYN or SYN,ACK; 0: config's */
  LA_OPT_DEFER_ACCEPT_S,    /* a listener's: la_tcp_accept has a child only with text or a FIN; a
                               bare last ACK of the handshake is passed over for so many seconds
                               (rounded up to a number of resends), then one more SYN,ACK asks
                               for it; 0: off */
  LA_OPTION_COUNT
};
enum la_ecn {                   /* explicit congestion notification, RFC 3168 */
  LA_ECN_OFF,
  LA_ECN_ACCEPT,                /* for a peer that asks; the default, as in Linux */
  LA_ECN_ASK                    /* by our SYNs too; without once one of them got no answer */
};
enum la_mtu_probing {           /* RFC 4821, 8899; besides what ICMP says (RFC 1191, 8201) */
  LA_MTU_PROBE_OFF,
  LA_MTU_PROBE_BLACK_HOLE,      /* after two time-outs of full segments in a row; the default */
  LA_MTU_PROBE_ALWAYS,          /* from 1,200 octets (IPv6: 1,280) up, in every connection */
  LA_MTU_PROBE_COUNT
};
enum la_cc {
  LA_CC_NEWRENO,                /* RFC 5681, 6582 */
  LA_CC_CUBIC,                  /* RFC 9438 with HyStart++ (RFC 9406); the default */
  LA_CC_BBR,                    /* BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00):
                                   by delivery rate and round trips, not by loss. A connection needs
                                   one of config.models: la_tcp_connect and la_tcp_set answer
                                   -LA_ENOBUF when they are used up; a listener's child has CUBIC
                                   then, and la_counter "models_short" goes up. Both are so, too,
                                   where the peer has no SACK, but the answer is -LA_ESTATE */
  LA_CC_COUNT
};
/* Listeners hand their options to their children. -LA_EINVAL: no such option or value. */
int la_tcp_set(la_stack *s, la_sock sock, enum la_option option, int64_t value) LA_CHECK_RESULT;
int la_tcp_get(const la_stack *s, la_sock sock, enum la_option option,
               int64_t *value) LA_CHECK_RESULT;

/* ---- TCP Fast Open (RFC 7413) ---- */
/* How many octets the SYN of a connection from this socket, with its options, to `peer` can carry
 * now; 0: there is no cookie for that server, or it has refused. -LA_ESTALE, -LA_EINVAL,
 * -LA_EUNREACH. */
int la_tcp_fastopen_room(la_stack *s, la_sock sock, la_endpoint peer) LA_CHECK_RESULT;

/* The key of the cookies that are given out, 16 octets, and behind it, if n is 32, the one before,
 * whose cookies are still good: to change it, put the new one in front. `sock` {0}: for all
 * listeners without keys of their own; else for this one, which keeps them until it is closed
 * (seven listeners may have some). In the beginning it is made of config.secret. Hosts that answer
 * for one address share a key (RFC 7413 4.1.2 and 6.3). 0, -LA_ESTALE, -LA_EINVAL, -LA_ESTATE (a
 * connection), -LA_ENOROOM. */
int la_tcp_fastopen_key(la_stack *s, la_sock sock, const uint8_t *octets,
                        uint32_t n) LA_CHECK_RESULT;

/* What is known of a server; la_fastopen_get: the n-th, or -LA_EINVAL past the last. */
typedef struct la_fastopen {
  la_addr  peer;
  uint8_t  cookie_length, cookie[16];         /* length 0: it gave none */
  bool     experimental;                      /* the cookie's option is of the old kind, 254 */
  uint16_t mss;                               /* as it said last; 0: it did not */
  uint8_t  refusals;                          /* in a row */
  la_time  refused_until;                     /* opened plainly until then */
} la_fastopen;
int  la_fastopen_get(const la_stack *s, unsigned n, la_fastopen *known) LA_CHECK_RESULT;
void la_fastopen_forget(la_stack *s);         /* all of them */

/* ---- UDP (RFC 768) --------------------------------------------------------- */
/* A socket with this name; address any: all of ours; port 0: an ephemeral one (RFC 6056). 0,
 * -LA_ENOSOCK, -LA_EINVAL, -LA_ENOADDR, -LA_ENOPORT, -LA_EINUSE (it overlaps another's name). */
int la_udp_open(la_stack *s, la_endpoint local, void *user, la_sock *sock) LA_CHECK_RESULT;

/* Queues one datagram for la_output, in fragments if its path asks for them (RFC 791 3.2, RFC 8200
 * 4.5). 0, -LA_EMSGSIZE above 65,507 octets (IPv6: 65,527), -LA_EUNREACH, -LA_ENOADDR, -LA_EINVAL,
 * -LA_ENOBUF (slabs, or config.replies, are used up); or, once and instead, what ICMP said of an
 * earlier one (RFC 1122 4.1.3.3): -LA_EREFUSED, -LA_EUNREACH. Not to broadcast and multicast
 * addresses. */
int la_udp_send(la_stack *s, la_sock sock, la_endpoint to, const void *octets,
                uint32_t n) LA_CHECK_RESULT;

/* The datagram's length even if it was longer than `max` (the rest is lost); -LA_EAGAIN. */
int la_udp_recv(la_stack *s, la_sock sock, la_endpoint *from, void *octets,
                uint32_t max) LA_CHECK_RESULT;

/* What was not read is gone; what was sent still leaves. */
int la_udp_close(la_stack *s, la_sock sock) LA_CHECK_RESULT;

/* ---- looking in -------------------------------------------------------------- */
enum la_protocol { LA_TCP = 6, LA_UDP = 17 };
enum la_timer {           /* tcp/timer.def, in its order; the one that fires next */
  LA_TIMER_RETRANSMIT, LA_TIMER_PERSIST, LA_TIMER_DELACK, LA_TIMER_REORDER, LA_TIMER_PROBE,
  LA_TIMER_PACE, LA_TIMER_KEEPALIVE, LA_TIMER_GIVE_UP, LA_TIMER_TWO_MSL, LA_TIMER_COUNT,
  LA_TIMER_NONE = 255
};
enum la_sock_flag {
  LA_SOCK_PASSIVE = 1,          /* opened by a peer */
  LA_SOCK_ORPHAN = 2,           /* the application has let go */
  LA_SOCK_TIMESTAMPS = 4, LA_SOCK_SACK = 8, LA_SOCK_WSCALE = 16, LA_SOCK_COOKIE = 32,
  LA_SOCK_NODELAY = 64, LA_SOCK_KEEPALIVE = 128,
  LA_SOCK_FIN_QUEUED = 256, LA_SOCK_FIN_SENT = 512, LA_SOCK_FIN_ACKED = 1024,
  LA_SOCK_EOF_READ = 2048,      /* the application has read the end of the stream */
  LA_SOCK_RECOVERY = 4096,      /* resending after duplicate ACKs */
  LA_SOCK_LOSS = 8192,          /* resending after a time-out */
  LA_SOCK_UNACCEPTED = 16384,   /* waits in a listener's queue */
  LA_SOCK_TIME_WAIT_RECORD = 32768, /* the small record */
  LA_SOCK_URGENT = 65536,       /* the peer has announced urgent text not yet read */
  LA_SOCK_ECN = 131072,         /* ECN is agreed (RFC 3168) */
  LA_SOCK_ECN_SEEN = 262144,    /* and text that says so has come */
  LA_SOCK_FASTOPEN = 1 << 26,   /* opened by Fast Open: its SYN was believed, or could carry text */
  LA_SOCK_SYN_TEXT = 1 << 27    /* the SYN brought text, and it was taken */
};
typedef struct la_sock_info {
  la_endpoint local, peer;
  void    *user;
  uint8_t  protocol, state;              /* enum la_protocol, RFC 9293 3.3.2 (la_state_name) */
  uint8_t  timer;                        /* the next to fire, enum la_timer */
  uint8_t  snd_wscale, rcv_wscale, congestion;
  uint16_t error, soft_error;            /* what ended it; what the network or R1 last said */
  uint32_t flags, iface;
  la_time  opened, state_since, timer_due; /* timer_due: LA_NEVER without a timer */
  la_time  last_sent, last_received;     /* of anything */
  la_time  rto, srtt, rttvar, rtt_min;   /* 0: not measured yet */
  uint32_t iss, irs, snd_una, snd_nxt, snd_max_wnd, rcv_nxt; /* absolute sequence numbers */
  uint32_t snd_wnd, rcv_wnd;             /* octets, unscaled */
  uint32_t cwnd, ssthresh;               /* octets; ssthresh UINT32_MAX: none yet */
  uint32_t mss, peer_mss, advertised_mss, path_mtu;
  uint32_t send_queue, send_unsent;      /* octets not acknowledged; of them not sent yet */
  uint32_t notsent_lowat;                /* LA_OPT_NOTSENT_LOWAT or the stack's */
  uint32_t receive_queue, out_of_order;  /* octets unread; octets waiting for a gap to fill */
  uint32_t send_buffer, receive_buffer;
  uint32_t backlog, accept_queue, half_open; /* of a listener: limit, ready, in SYN-RECEIVED */
  uint32_t retransmissions, backoffs, probes; /* all; in a row, since progress; unanswered probes */
  uint32_t duplicate_acks, recoveries, timeouts;
  uint32_t spurious, lost_retransmissions; /* losses that were none, undone; resends lost as well */
  uint32_t dsacks;                       /* duplicates of ours that the peer reported (RFC 2883) */
  uint32_t user_timeout_ms;
  uint64_t segments_in, segments_out, octets_in, octets_acked, octets_sent; /* octets of text */
  uint64_t drops;                        /* datagrams or text refused for want of room */
} la_sock_info;

/* Walk all sockets, TIME-WAIT records included; start with {0}. The order is fixed, and
 * sockets that come or go meanwhile do not disturb it. false: that was the last. */
bool la_sock_next(const la_stack *s, la_sock *cursor);

/* Of any socket, also one that is nobody's. A field that means nothing for it is 0. -LA_ESTALE. */
int  la_sock_get(const la_stack *s, la_sock sock, la_sock_info *info) LA_CHECK_RESULT;

/* The flight recorder: the latest entries, oldest first; how many were written. */
enum la_trace_kind {
  LA_TRACE_STATE,               /* a: from, b: event, c: to */
  LA_TRACE_VERDICT,             /* a: reason of why.def, b: flags; x, y: relative SEG.SEQ, ACK */
  LA_TRACE_RETRANSMIT,          /* a: flags, b: time-outs in a row, c: 1 the last resend was lost
                                   (RFC 8985), 2 a tail probe; x: relative sequence; y: octets */
  LA_TRACE_RTO,                 /* b: time-outs in a row; x: the new RTO in us */
  LA_TRACE_RECOVERY_IN,         /* a: 0 a loss, 1 a time-out, 2 a mark (RFC 3168: nothing is lost);
                                   x: cwnd before, y: after */
  LA_TRACE_RECOVERY_OUT,        /* x: cwnd */
  LA_TRACE_ZERO_WINDOW,         /* a: the peer's window shut (0) or open (1), ours (2, 3) */
  LA_TRACE_PROBE,               /* a: timer; b: how many unanswered */
  LA_TRACE_ICMP,                /* a: enum la_error; x: next-hop MTU */
  LA_TRACE_OPENED,              /* a: 0 active, 1 passive, 2 out of a SYN cookie, 3 open at once:
                                   Fast Open; 4 with a cookie of ours, 5 asking for one */
  LA_TRACE_SPURIOUS,            /* a loss was none. a: 1 a time-out; b: told by a timestamp (0,
                                   RFC 3522), D-SACK (1, 3708), F-RTO (2, 5682); x, y: cwnd */
  LA_TRACE_MTU,                 /* a: 0 packets of x octets vanish, y go; a probe of x: 1, 2, 3 */
  LA_TRACE_KIND_COUNT
};
typedef struct la_trace { la_time at; uint8_t kind, a, b, c; uint32_t x, y; } la_trace;
size_t la_sock_trace(const la_stack *s, la_sock sock, la_trace *entries, size_t max);
/* One entry as a sentence; the length as snprintf has it. */
size_t la_trace_text(const la_trace *entry, char *text, size_t size);

/* The tables that run the stack, for whoever explains it. NULL or false past the end. */
enum { LA_STATE_COUNT = 11 };
enum la_state_attr {
  LA_STATE_SYNCED = 1, LA_STATE_TX_QUEUE = 2, LA_STATE_RX_TEXT = 4, LA_STATE_FIN_OUT = 8,
  LA_STATE_FIN_IN = 16, LA_STATE_ESTAB = 32
};
const char *la_state_name(uint8_t state);        /* "FIN-WAIT-1" */
const char *la_state_meaning(uint8_t state);     /* a sentence */
const char *la_state_waits_for(uint8_t state);   /* "the peer's application" */
unsigned    la_state_attrs(uint8_t state);
const char *la_fsm_event_name(uint8_t event);    /* "RCV_FIN"; NULL past the last */
const char *la_fsm_event_meaning(uint8_t event);
typedef struct la_fsm_row {
  uint8_t from, event, to;                       /* to == from: the state stays */
  const char *origin;                            /* USER SEGMENT NETWORK TIMER */
  const char *sends, *rfc, *why;
} la_fsm_row;
bool        la_fsm_row_get(unsigned n, la_fsm_row *row);
typedef struct la_why_row { const char *name, *step, *rfc, *text; } la_why_row;
bool        la_why_row_get(unsigned n, la_why_row *row);     /* every reason to refuse a packet */
typedef struct la_timer_row { const char *name, *rfc, *text; } la_timer_row;
bool        la_timer_row_get(unsigned n, la_timer_row *row);

/* Counters by number from 0: reasons of why.def first, then the rest. `name` NULL past the
 * last. The names are stable, the numbers are not. */
uint64_t    la_counter(const la_stack *s, unsigned number, const char **name, const char **meaning);

/* What the pools hold: `used` now, the most there ever were, and the size. */
bool        la_pool_get(const la_stack *s, unsigned n, const char **name, uint32_t *used,
                        uint32_t *peak, uint32_t *size);

/* The octets of each object that lives as long as a connection does, by name. */
size_t      la_object_size(unsigned n, const char **name);

/* The stack's idea of now (the latest it was told), and what it was made with. */
la_time     la_now(const la_stack *s);
void        la_config_get(const la_stack *s, la_config *config);
/* Other habits while it runs: for connections to come, and for timers to come of those that are.
 * What memory was made for stays as it was given to la_init: pools, slabs, secret, instances; these
 * must not differ. 0, or -LA_EINVAL. */
int         la_config_set(la_stack *s, const la_config *config) LA_CHECK_RESULT;

/* Symmetric and keyed: both directions of a connection give one number, so that a device or
 * a process can steer by it; stack `instance` of `instances` takes hash % instances. */
uint32_t    la_flow_hash(const uint8_t secret[16], la_endpoint a, la_endpoint b);

/* A stack is one block of memory without pointers out of it (but to lent slabs and `user`s):
 * the copy may be restored into the same block, as often as you like. la_snapshot returns
 * the octets needed, and copies only if `size` suffices. */
size_t      la_snapshot(const la_stack *s, void *copy, size_t size);
int         la_restore(la_stack *s, const void *copy, size_t size) LA_CHECK_RESULT;

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
