/* lastack.h - a TCP/IP stack that does no I/O.  This and its pieces below lastack/,
 * which it includes and nobody else does, are the whole public interface.
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

#include "lastack/config.h"

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

/* An empty slab of config.slab_size octets with one reference, yours. 0, or -LA_ENOBUF
 * (LA_EV_RETRY follows, as it does wherever -LA_ENOBUF is answered). */
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
  LA_EV_RETRY,        /* a call was refused with -LA_ENOBUF (or la_tcp_open, la_udp_open with
                         -LA_ENOSOCK), and there is some again of what it wanted */
  LA_EV_PRESSURE,     /* sock {0}. `error` LA_ENOBUF: slabs are short, what connections hold unread
                         is limited to a share; LA_OK: no more */
  LA_EVENT_COUNT
};
/* `error`: LA_OK or an enum la_error (positive): with LA_EV_CLOSED what ended it, with LA_EV_RETRY
 * what the call was answered, LA_ENOBUF or LA_ENOSOCK.
 *
 * LA_EV_RETRY comes once for a socket that was refused, unless it has tried again and was served
 * meanwhile; and again only if it is refused again and there has been more since. Those who wait
 * are told in turn, one in each la_events, so that who takes all there is stands behind the others
 * the next time: call la_events until it is 0, and try again when you are told. Of la_slab_get,
 * la_slab_wrap, la_tcp_open and la_udp_open, which have no socket, it tells with sock {0} and user
 * NULL. la_deadline is in the past while somebody is to be told. */
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
 * -LA_EAGAIN when none fit (LA_EV_WRITABLE follows), -LA_ENOBUF (LA_EV_RETRY follows), -LA_ESTATE,
 * -LA_ECLOSING after close, or what ended the connection. */
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
  LA_OPT_USER_TIMEOUT_MS,   /* text, a FIN or a shut window may wait so long for progress, in
                               place of R2; 0: R2 decides, or the peer's advice (see
                               LA_OPT_ADVERTISED_TIMEOUT_S) */
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
  LA_OPT_NO_OPTIONS,         /* 0, 1: no option in our SYN, and what the peer's has is not looked at
                               (as FreeBSD's TCP_NOOPT): segments of 536 octets, or 1,220; before
                               connect, listen */
  LA_OPT_ADVERTISED_TIMEOUT_S, /* the user timeout option of RFC 5482: the peer is told that so long
                               a wait is expected, in the SYNs if set before, and anew when it
                               changes. Its own option is then followed, unless
                               LA_OPT_USER_TIMEOUT_MS is set: the longer of both, within
                               config.user_timeout_least_ms and _most_ms. Up to 1,966,020; beyond
                               32,767 in minutes; 0 (default): none is sent, none taken */
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
/* Children have their listener's. -LA_EINVAL: no such option or value; -LA_ENOROOM: option_sets. */
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
/* What la_fastopen_get told once, perhaps an earlier stack: a cookie outlives a program (RFC 7413
 * 4.1.3). 0, -LA_EINVAL (any address, or a cookie of a length that RFC 7413 4.1.1 does not know),
 * -LA_ENOROOM (config.fastopen_cookies is 0). */
int  la_fastopen_set(la_stack *s, const la_fastopen *known) LA_CHECK_RESULT;

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

#include "lastack/info.h"

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
