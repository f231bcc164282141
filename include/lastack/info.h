/* info.h - a piece of lastack.h: all that can be seen of a stack, and of each socket in it. */
#ifndef LASTACK_INFO_H
#define LASTACK_INFO_H
#ifndef LASTACK_H
#error "lastack.h is what programs include; this is a piece of it"
#endif

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
  LA_SOCK_APP_LIMITED = 1 << 19,/* delivery_rate is the application's, not the path's */
  LA_SOCK_V6ONLY = 1 << 20,     /* LA_OPT_V6ONLY: any address is IPv6's, "::" */
  LA_SOCK_ECN_CUT = 1 << 21,    /* a mark of this window has cut cwnd */
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
  la_time  last_sent, last_received;     /* of anything; to the millisecond, as are the next two */
  la_time  last_text_sent, last_text_received;     /* before any: of our SYN, of ESTABLISHED */
  la_time  rto, srtt, rttvar, rtt_min;   /* 0: not measured yet */
  la_time  ack_delay;                    /* how long an ACK of ours may wait; 0: not at all */
  la_time  busy;                         /* how long text or FIN was there to be acknowledged; */
  la_time  rwnd_limited, sndbuf_limited; /* of it, how long the peer's window kept it back, and how
                                            long only more text than send_buffer holds would have
                                            filled cwnd (RFC 4898's SndLimTimeRwin; milliseconds) */
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
  uint32_t reorderings;                  /* how often a segment was overtaken (RFC 8985 6.2) */
  uint32_t delivered, delivered_ce;      /* segments of ours that have arrived, SYN and FIN too; of
                                            them, by ACKs that told of marks (RFC 3168), up to
                                            65,535 */
  uint32_t segments_flight;              /* sent and not acknowledged; of them SACKed, taken */
  uint32_t segments_sacked, segments_lost, segments_resent; /* for lost, and out again */
  uint32_t user_timeout_ms;              /* in force, by whomever (RFC 5482); 0: R2 alone */
  uint32_t peer_user_timeout_s;          /* what the peer's option advises; 0: none, or not asked */
  uint32_t text_segments_in, text_segments_out;    /* of segments_in and _out: those with text */
  uint32_t early_segments;               /* text that came before its turn; up to 65,535 */
  uint32_t segment_in;                   /* octets of the longest text that one segment brought */
  uint64_t segments_in, segments_out, octets_in, octets_acked, octets_sent; /* octets of text */
  uint64_t octets_resent;                /* again, besides octets_sent; modulo 2^32 */
  uint64_t pacing_rate, pacing_limit;    /* octets per second; 0: not paced; LA_OPT_PACING_RATE */
  uint64_t delivery_rate;                /* octets per second that arrived lately; 0: not known */
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

/* Counters by number from 0: how often each row of a table was met, the reasons of why.def first,
 * then the state machine's rows ("ESTABLISHED_RCV_FIN") and the timers that have run out
 * ("TIMER_PERSIST"); then what is counted besides. `name` NULL past the last. The names are stable,
 * the numbers are not. */
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
 * must not differ. 0, -LA_EINVAL, -LA_ENOROOM: all option_sets are in use. */
int         la_config_set(la_stack *s, const la_config *config) LA_CHECK_RESULT;

/* Symmetric and keyed: both directions of a connection give one number, so that a device or
 * a process can steer by it; stack `instance` of `instances` takes hash % instances. */
uint32_t    la_flow_hash(const uint8_t secret[16], la_endpoint a, la_endpoint b);

/* A stack is one block of memory without pointers out of it (but to lent slabs and `user`s):
 * the copy may be restored into the same block, as often as you like. la_snapshot returns
 * the octets needed, and copies only if `size` suffices. */
size_t      la_snapshot(const la_stack *s, void *copy, size_t size);
int         la_restore(la_stack *s, const void *copy, size_t size) LA_CHECK_RESULT;
#endif
