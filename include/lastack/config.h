/* config.h - a piece of lastack.h: memory and habits of a stack, fixed from la_init on. */
#ifndef LASTACK_CONFIG_H
#define LASTACK_CONFIG_H
#ifndef LASTACK_H
#error "lastack.h is what programs include; this is a piece of it"
#endif

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
  uint32_t undos;               /* losses in all that are remembered until it is sure that they were
                                   some (RFC 3522, 5682), the oldest makes way; 0: one for each 16
                                   connections, but 64 at least */
  uint32_t option_sets;         /* different sets of options in use, but buffers; 0: at most 256 */
  uint32_t replies;             /* packets that belong to no connection, waiting for la_output */
  uint32_t send_buffer;         /* per connection: what la_tcp_send queues at most */
  uint32_t tcp_notsent_lowat;   /* of it, what may wait to be sent for the first time: no more is
                                   taken beyond, and LA_EV_WRITABLE waits until less than half of
                                   it is left. Default UINT32_MAX: no limit but send_buffer */
  uint32_t receive_buffer;      /* per connection: the largest window offered; while slabs are
                                   short, no more than a share of them */
  uint32_t receive_buffer_max;  /* to which it grows by itself: if the application has read more
                                   than half of it in a round trip, to at least twice that, as long
                                   as slabs are free for it and LA_OPT_RECEIVE_BUFFER was not set.
                                   The window scale is for this size. 0, the default: it stays */
  uint32_t send_buffer_max;     /* to which send_buffer grows by itself: twice cwnd, as long as
                                   slabs are free for it, the application has more to send, and
                                   LA_OPT_SEND_BUFFER was not set. 0, the default: it stays */
  uint32_t trace_entries;       /* flight recorder, per connection; 0: none; else a power of two */
  uint8_t  secret[16];          /* keys ISS, ports, cookies and the hash; random in production */
  uint16_t instance, instances; /* this stack is number .. of .. (see la_flow_hash); 0 of 1 */

  uint16_t port_first, port_last; /* ephemeral ports, RFC 6056; 49152..65535 (RFC 6335 6) */
  uint32_t msl_ms;              /* RFC 9293 3.4.2; TIME-WAIT is twice this. Default 30,000 */
  uint32_t rto_initial_ms, rto_min_ms, rto_max_ms; /* RFC 6298 2; 1,000, 200, 60,000 (=< 30 min) */
  uint32_t rto_slop_ms;         /* added to every RTO but a first SYN's, as FreeBSD does; 0 */
  uint32_t syn_retries;         /* SYNs resent before giving up: R2, three minutes by MUST-23; 7 */
  uint32_t synack_retries;      /* the same for SYN,ACK; default 5 */
  uint32_t retries_soft;        /* R1 of RFC 9293 3.8.3: from here on the network is suspected; 3 */
  uint32_t retries;             /* R2 of RFC 9293 3.8.3: resends of data before giving up; 15;
                                   beyond 255: never */
  uint32_t orphan_retries;      /* R2 once the application has let go, for a shut window's probes
                                   too, answered or not (RFC 6429 4); 8 */
  uint32_t user_timeout_least_ms, user_timeout_most_ms; /* between these a peer's user timeout
                                   option is followed (RFC 5482 3.1, LA_OPT_ADVERTISED_TIMEOUT_S);
                                   100,000, which is RFC 9293's least R2, and 3,600,000 */
  uint32_t fin_wait_2_ms;       /* an orphan's patience in FIN-WAIT-2; default 60,000 */
  uint32_t delayed_ack_ms;      /* RFC 9293 3.8.6.3: below 500; default 40 */
  uint32_t quick_acks;          /* so many of a connection's first segments with text, up to 255,
                                   are acknowledged at once, until it answers text with text:
                                   RFC 5681 4.2 allows it, and a peer in slow start goes on
                                   sooner. Linux: 16; default 0 */
  uint32_t keepalive_idle_ms, keepalive_interval_ms, keepalive_probes; /* 7,200,000, 75,000, 9 */
  uint32_t initial_window;      /* segments, RFC 6928; default 10 */
  uint8_t  congestion;          /* enum la_cc, of new sockets; default LA_CC_CUBIC */
  uint8_t  slow_start_limit;    /* segments by which one ACK raises cwnd at most in slow start, RFC
                                   3465's L (after a time-out: one). 0, the default: 2 for NewReno,
                                   8 for CUBIC's first slow start, and there no limit for who is
                                   paced (RFC 9406 4.3). 255: never a limit, as Linux has it */
  bool     no_idle_restart;     /* cwnd outlasts a pause; else it begins anew after one of more than
                                   the RTO (RFC 5681 4.1) */
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
  uint8_t  ecn_syn_retries;     /* SYNs that are sent again and still ask for ECN, before plain
                                   ones (RFC 3168 6.1.1.1): FreeBSD's is 1; default 0 */
  bool     abe;                 /* a mark of congestion cuts cwnd less than a loss (RFC 8511) */
  bool     lax_timestamps;      /* once agreed, segments without are taken all the same, as Linux
                                   does; else dropped (RFC 7323 3.2), as FreeBSD does */
  uint16_t syn_window;          /* what a SYN offers at most, octets; 0: 65,535 */
  uint8_t  window_scale;        /* the shift offered at least (RFC 7323 2.3), up to 14; default 0 */
  bool     minshall;            /* Nagle's rule as Minshall and Linux have it: a small segment waits
                                   only while another small one is in flight; else RFC 9293 3.7.4 */
  uint8_t  gso_segments;        /* a super-packet (la_iface.gso_max) holds what cwnd sends in a
                                   millisecond, at least so many segments, at most half of cwnd:
                                   Linux's tcp_min_tso_segs is 2; default 0: as much as may go */
  bool     linux_buffers;       /* la_tcp_send fills pieces of half the peer's largest window (of
                                   whole segments, one super-packet at most) and begins one while
                                   less than send_buffer is queued, as Linux does: the queue may
                                   be a piece too long; else send_buffer is never exceeded */
  bool     bsd_options;         /* a SYN's options as BSD orders them; else as Linux does */
  bool     bsd_acks;            /* every second segment with text is acknowledged at once, however
                                   short it is, as BSD does; else every second full one */
  bool     handshake_errors;    /* what ICMP says of a SYN or SYN,ACK ends the handshake, soft
                                   errors too, as in Linux (RFC 5461 4.1); else only a hard one
                                   does, and of our SYN alone (RFC 9293 3.9.2.2, RFC 5927 5.2) */
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
#endif
