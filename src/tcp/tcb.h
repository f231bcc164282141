/* tcb.h - the transmission control block, spelled as RFC 9293 3.3.1 spells it, the small
 * record of a TIME-WAIT, and the room (struct tcp) that holds them all. */
#ifndef LA_TCP_TCB_H
#define LA_TCP_TCB_H
#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/rate.h"
#include "base/rng.h"
#include "base/stream.h"
#include "base/waiters.h"
#include "base/wheel.h"
#include "lastack.h"
#include "tcp/cc.h"
#include "tcp/fsm.h"
#include "tcp/seq.h"
#include "tcp/why.h"
#include "wire/ends.h"
#include "wire/tcp.h"

enum tcp_timer {
#define TIMER(name, rfc, meaning) TCP_T_##name,
#include "tcp/timer.def"
  TCP_TIMER_COUNT
};

/* What the network layer knows of the way to the peer; filled in by the stack. */
struct tcp_path {
  uint16_t gso_max;             /* largest text of one packet; 0: one segment a packet */
  uint16_t mtu;                 /* of the IP packet, RFC 1191 */
  uint8_t  ip_header;           /* 20 or 40 */
  uint8_t  iface;
};

/* What the application may set, but for the buffers and the congestion control; a listener hands it
 * to its children. Most connections of a stack have one of a few sets of habits, so a control block
 * points to its set, which all that are alike share (habit_set.c). */
struct tcp_habits {
  uint64_t pacing_rate;                     /* octets per second at most; 0: no limit */
  uint32_t user_timeout_ms;                 /* 0: R2 decides */
  uint32_t user_timeout_s;                  /* what RFC 5482's option says; 0: there is none */
  uint32_t keepalive_idle_ms, keepalive_interval_ms;
  int32_t  linger_ms;                       /* -1: off */
  uint16_t mss_limit;                       /* 0: none */
  uint16_t syn_window;                      /* 0: 65,535 */
  uint16_t fastopen;                        /* pending ones that a listener allows; 0: off */
  uint8_t  keepalive_probes;
  uint8_t  mtu_probing;                     /* enum la_mtu_probing */
  uint8_t  ttl, dscp;                       /* handed to the network layer unchanged (SHLD-22) */
  bool     nodelay : 1, keepalive : 1, reuse : 1, quickack : 1, pacing : 1, cork : 1;
  bool     fastopen_connect : 1, fastopen_no_cookie : 1, no_syn_text : 1;
  bool     bsd_options : 1, bsd_window : 1, bsd_acks : 1, minshall : 1, linux_buffers : 1;
  bool     six_only : 1, no_options : 1;
  uint8_t  window_scale;                    /* at least this shift is offered */
  uint8_t  ecn;                             /* enum la_ecn */
  uint8_t  syn_retries;                     /* 0: the room's */
  uint8_t  defer_retries;                   /* resends that a bare ACK of the handshake waits for */
  uint32_t notsent_lowat;                   /* 0: the room's */
  uint32_t receive_lowat;
};

/* The two bits of the network header, RFC 3168 5. */
enum tcp_ecn { TCP_NOT_ECT, TCP_ECT_1, TCP_ECT_0, TCP_CE };

struct habit_set {
  struct tcp_habits habits;     /* first, so that a control block's pointer finds the set */
  uint32_t users, next;         /* index + 1 of the next in its bucket */
};

/* One arrived segment: SEG.* of RFC 9293 3.3.1. The steps trim it. */
struct tcp_seg {
  tcp_seq  seq, ack;
  uint32_t len;                 /* SEG.LEN: text, SYN and FIN */
  uint32_t wnd;                 /* as it lies in the segment, unscaled */
  uint16_t up;
  uint8_t  flags;
  uint8_t  frags;
  uint8_t  ecn;                 /* enum tcp_ecn, of the network header */
  tcp_seq  urgent_end;          /* SEG.SEQ + SEG.UP, of the segment as it came */
  struct frag *frag;            /* the text, exactly len octets less SYN and FIN */
  const struct tcp_options *options;
  bool     trimmed;             /* step one has cut something off */
  uint16_t joined;              /* further segments that are part of this one by now */
  bool     nobody_listens;      /* for this SYN, or has room: a TIME-WAIT need not make way */
  bool     reuse;               /* this SYN has just ended a TIME-WAIT of the same pair, */
  tcp_seq  iss_after;           /* and our ISS must be newer than that (RFC 6191 2) */
};

enum { TCP_OUT_FRAGS = 6 };

/* One segment, or with gso_size a run of them, to be put behind a network header. */
struct tcp_out {
  tcp_seq  seq, ack;
  uint16_t wnd, up, gso_size;
  uint8_t  flags, options_length;
  uint32_t text; /* octets, in frag[0 .. frags), which hold no references of their own */
  uint8_t  frags, ecn;          /* ecn: enum tcp_ecn */
  uint8_t  options[TCP_OPTIONS_MAX];
  struct frag frag[TCP_OUT_FRAGS];
};

/* A segment that belongs to no control block (RST, cookie, TIME-WAIT's ACK). */
struct tcp_reply {
  struct ends ends;
  tcp_seq  seq, ack;
  uint16_t wnd;
  uint8_t  flags, options_length;
  uint8_t  options[TCP_OPTIONS_MAX];
};

/* A flight recorder's entry; la_trace is what the reader sees. The time wraps after twelve
 * days: a reader takes the latest one that is not in the future. */
struct tcp_trace {
  uint64_t at_us : 40, kind : 4, c : 4, a : 8, b : 8;
  uint32_t x, y;
};
_Static_assert(sizeof(struct tcp_trace) == 16, "sixteen of these are a connection's largest part");

/* An island of text beyond RCV.NXT. The newest has the highest stamp (RFC 2018 4). */
struct island {
  struct island *next;
  struct stream text;
  tcp_seq start;
  uint32_t stamp;
  uint32_t owner;               /* index of its control block; POOL_NONE: it is free */
};
enum { TCP_ISLANDS_MAX = 64 };  /* per connection: bounds every search */

/* A run of sequence space that was sent at one moment and has one fate. */
enum flight_fate { FLIGHT_OUT, FLIGHT_SACKED, FLIGHT_LOST };
struct flight {
  struct flight *next;
  la_time  sent;
  tcp_seq  start, end;
  uint32_t delivered, delivered_at, first_sent;     /* rate.c: the connection's, when it left */
  uint16_t segments;            /* that it was sent in; of a part, its share */
  uint8_t  fate : 2;            /* enum flight_fate */
  bool     resent : 1, used : 1, app_limited : 1;
};
enum { TCP_BURST_MAX = 65536 };  /* of one that is paced, octets */
enum { TCP_FLIGHTS_MAX = 1024, TCP_OWN_FLIGHTS = 1 };  /* per connection: bounds every walk */

/* What the latest loss of a connection has cost, in case that it was none. They lie in a ring: the
 * oldest makes way, and its loss stays one. */
struct undo {
  struct cc cc;                 /* as it was before */
  tcp_seq  start;               /* SND.UNA then */
  uint32_t stamp;               /* TSval of the first retransmission (RFC 3522 3.2) */
  uint32_t owed;                /* octets resent that no D-SACK has called needless */
  int32_t  owner;               /* tcb.undo is its counterpart; 0: nobody's */
  bool     timeout;             /* a time-out has made it worse */
  bool     resent;              /* something was, since: stamp and owed mean something */
};
enum { TCP_UNDO_SHARE = 16, TCP_UNDOS_MIN = 64 };

/* What one ACK has told. */
struct tcp_news {
  uint32_t flight;              /* in flight before it */
  uint32_t acked, delivered;    /* octets of text below SND.UNA now; of sequence space, with SACK */
  uint32_t segments;            /* that were sent with `delivered` */
  uint32_t resent;              /* of `delivered`, what had been sent twice */
  uint32_t original;            /* ... and what had not, and left before the loss (`recover`) */
  uint32_t echo;                /* TSecr, if `echoed` */
  struct tcp_sack dsack;        /* if there was one */
  tcp_seq  fack;                /* RACK.fack before it, if `fack_known` */
  bool     advanced, echoed, has_dsack, fack_known;
  bool     duplicate;           /* RFC 5681 2 */
  bool     first_came;          /* what lay at SND.UNA was resent, and arrived before that */
  bool     has_blocks;          /* a SACK option */
  bool     syn_text;            /* it answers a SYN of ours that carried text */
  bool     marked;              /* RFC 3168 6.1.2: some of what it tells of was marked */
  struct {                      /* rate.c: of the latest transmission that it tells of */
    uint32_t sent, prior_delivered, prior_at, send_ticks;
    bool     known, app_limited, resent;
  } sample;
};

/* How much was delivered in which time: a rate.  `ticks` (of 1,024 ns) 0: not known. */
struct tcp_rate_sample {
  uint32_t octets, ticks, prior_delivered;
  bool     app_limited;
};

/* What is to be said as soon as the link asks. */
enum tcp_say {
  SAY_ACK = 1,                  /* an acknowledgment that waits for nothing */
  SAY_REPAIR = 2,               /* the first lost segment, whatever cwnd says */
  SAY_PROBE = 4,                /* the window is shut: its first octet all the same */
  SAY_KEEPALIVE = 8,
  SAY_TAIL = 16                 /* one segment more, or the last again: RFC 8985 7.3 */
};

enum tcp_tcb_flag {
  TCB_PASSIVE = 1,              /* a peer opened it */
  TCB_HELD = 2,                 /* the application has its handle */
  TCB_IN_QUEUE = 4,             /* a child whose handshake is complete, not yet accepted */
  TCB_SYN_IN = 8,               /* IRS is known */
  TCB_TS = 16, TCB_SACK = 32, TCB_WSCALE = 64,     /* agreed in the SYNs */
  TCB_COOKIE = 128,             /* born out of a SYN cookie */
  TCB_FIN_QUEUED = 256,         /* snd.fin is set */
  TCB_EOF_READ = 512,           /* recv has answered LA_EEOF */
  TCB_WANTS_ROOM = 1024,        /* a send took less than offered: WRITABLE is owed */
  TCB_TIMING = 2048,            /* rtt.end is being timed (RFC 6298 3, Karn) */
  TCB_CWND_LIMITED = 4096,      /* cwnd was full since usage.until was looked at */
  TCB_URGENT = 8192,            /* RCV.UP is ahead of what was read */
  TCB_IN_DEMUX = 16384,         /* the stack finds it by its ends */
  TCB_BOUND = 32768,            /* has a local port */
  TCB_SYN_WAITS = 65536,        /* our SYN is not acknowledged: SND.UNA is ISS */
  TCB_DSACK = 131072,           /* a duplicate is to be reported in the next ACK (RFC 2883) */
  TCB_FIN_SEEN = 1048576,       /* rcv.fin is set: the peer's FIN has come, if not all before it */
  TCB_OPENED = 2097152,         /* once; a control block lives one life */
  TCB_SHUT = 262144,            /* our window was announced as shut */
  TCB_ECN = 1 << 22,            /* agreed in the SYNs (RFC 3168); in SYN-SENT: asked for */
  TCB_ECN_ECHO = 1 << 23,       /* the peer hears ECE until it says CWR */
  TCB_ECN_CWR = 1 << 24,        /* the next new text says that cwnd was cut */
  TCB_ECN_SEEN = 1 << 25,       /* text with ECT or CE has come */
  TCB_FASTOPEN = 1 << 26,       /* text may go, and be read, before our SYN is acknowledged */
  TCB_FASTOPEN_COOKIE = 1 << 27,/* the first SYN carries a cookie, or asks for one */
  TCB_FASTOPEN_OLD = 1 << 28,   /* in the experimental kind */
  TCB_SYN_TEXT = 1 << 29,       /* a SYN brought text that was taken, or ours did */
  TCB_ACCEPTED = 1 << 30,       /* accepted before its handshake has ended */
  TCB_RATE_APP_LIMITED = 524288,        /* rate.octets and ticks are the application's */
};

enum tcp_tcb_mark {
  MARK_MORE = 1,                /* the last send said that more follows, and no ACK came since */
  MARK_NO_PUSH = 2,             /* the end of the queue is not the end of what the user says */
  MARK_PUSH = 4,                /* the queue's small rest goes once, whatever holds it */
  MARK_SEND_FIXED = 16, MARK_RECEIVE_FIXED = 32,  /* the application has set that buffer's size */
  MARK_HOLDS = 64,              /* more than a segment lies unread: memory.c counts those */
  MARK_PARTIAL = 256,           /* RFC 6582 3.2 step 3: the timer has been restarted once */
  MARK_USER_TIMEOUT = 128,      /* the next segment with room for it says ours (RFC 5482) */
  MARK_DEFERRED = 8,            /* a child whose handshake waits for text (LA_OPT_DEFER_ACCEPT_S) */
};

enum tcp_frto { FRTO_OFF, FRTO_FIRST_ACK, FRTO_SECOND_ACK };  /* RFC 5682 2.1 and 3.1: step 2, 3 */
enum tcp_limit { LIMIT_NONE, LIMIT_BUSY, LIMIT_RWND, LIMIT_SNDBUF, LIMIT_COUNT };   /* limit.c */
enum tcp_mode { TCP_OPEN, TCP_RECOVERY, TCP_LOSS };   /* nothing lost; RFC 6582; after a time-out */

/* In lines of 64 octets, by who touches them: a segment in order and its ACK, in either direction,
 * need what comes before `own_flight`; losses, the user's calls and those who look in the rest. */
struct tcb {
  uint8_t  state;               /* written by tcp_fsm_fire alone */
  uint8_t  say;                 /* enum tcp_say */
  uint8_t  snd_wscale, rcv_wscale;
  uint32_t flags;               /* enum tcp_tcb_flag */
  struct { tcp_seq una, nxt, wl1, wl2, iss, fin, up, small; uint32_t wnd, wnd_max; } snd; /* small:
                                   the end of the last segment that was not full */
  struct { tcp_seq nxt, irs, up, acked, fin; uint32_t wnd; } rcv;     /* acked: Last.ACK.sent */
  uint16_t mss;                 /* text of a full segment towards the peer, options deducted */
  uint16_t peer_mss, our_mss;   /* announced by each */
  uint16_t marks;               /* enum tcp_tcb_mark */
  uint8_t  quick_acks;          /* how many segments with text are still acknowledged at once */
  uint8_t  island_count;
  uint16_t unacked_segments;    /* full segments since our last ACK */
  uint32_t ts_recent, ts_offset;
  uint32_t ts_recent_ms;        /* when, by tcp_ms */
  struct stream tx,
      rx; /* tx starts at SND.UNA (after the SYN), rx ends at RCV.NXT (before the FIN) */
  struct stream_cursor tx_cursor;

  la_time  last_received;
  uint32_t last_sent_ms, text_received_ms;  /* by tcp_ms */
  uint64_t octets_in, octets_acked;
  uint32_t segments_in, segments_out, text_segments_in, text_segments_out;
  uint32_t delivered;           /* segments of ours, SYN and FIN too */
  uint32_t stream_sent_ms;      /* when text or FIN left last, by tcp_ms */
  int32_t  node;                /* tcp_node */
  uint32_t due_us[TCP_T_KEEPALIVE];         /* deadlines, see timer.c; the last ones are in due[] */
  uint16_t timers;              /* bits of enum tcp_timer: those that run */
  uint8_t  events;              /* bits of enum la_event_kind */
  uint8_t  error;               /* enum la_error */
  struct list ready;            /* in tcp.ready, or in tcp.finished */
  struct flight *flights, *flights_last;    /* [SND.UNA, SND.NXT) */
  uint32_t sacked, lost;        /* octets of each fate */
  uint16_t flight_count;        /* entries */
  uint8_t  mode;                /* enum tcp_mode */
  uint8_t  duplicate_acks, backoffs, probes;
  uint8_t  soft_error;          /* enum la_error */
  uint8_t  frto;                /* enum tcp_frto */

  struct { uint32_t srtt_us, rttvar_us, rto_us, min_us; tcp_seq end; uint32_t at_us; } rtt;
  struct cc cc;
  struct {                      /* pace.c */
    la_time  at;                /* of the next burst */
    uint32_t left;              /* octets of this one */
    bool     on, by_model;      /* by_model: cc has one, of the pool */
  } pace;
  struct tcp_path path;
  uint8_t  congestion;          /* enum la_cc */
  uint8_t  limit;               /* enum tcp_limit */
  uint32_t hash;                /* of ends, for the stack's table */
  struct ends ends;
  uint32_t generation;
  uint32_t traces;              /* entries of the flight recorder ever written */
  uint32_t octets_sent;         /* of text, again too; modulo 2^32, as RFC 4898 counts them */
  int32_t  undo;                /* tcp_undo; 0: no loss can be taken back */
  const struct tcp_habits *habits;          /* a set's */
  uint32_t send_buffer, receive_buffer;
  struct {                      /* tune.c: the round trip that is being watched */
    uint32_t mark;              /* what shows its end: a timestamp, or without them an edge */
    union {
      tcp_seq  read;            /* up to where the application had read when it began */
      uint32_t began_ms;        /* without timestamps: when that was, by tcp_ms */
    };
  } tune;

  struct { tcp_seq until; uint32_t most; } usage;     /* usage.c: in flight at most, until then */
  struct flight own_flight[TCP_OWN_FLIGHTS];
  struct {                                  /* rate.c; times in ticks */
    uint32_t delivered, delivered_at;       /* octets of sequence space, SACKed ones too; when */
    uint32_t first_sent;                    /* the transmission that a sample begins with */
    uint32_t app_limited;                   /* samples are, until so much is delivered; 0: not */
    uint32_t octets, ticks;                 /* the latest sample worth showing */
    uint32_t lost;                          /* octets ever taken for lost */
  } rate;
  uint16_t delivered_ce;        /* of `delivered`, by ACKs that told of marks; stops at its most */
  uint16_t early_segments;      /* whose text came before its turn; likewise */
  union {                       /* a connection's losses, or a listener's queues */
    struct {
      struct {                  /* RFC 8985 6.1: the latest transmission that has arrived */
        la_time  sent;
        tcp_seq  end, fack, round;
        uint32_t rtt_us;
        tcp_seq  probe_end;     /* 7: of the probe, if it is out; of text that had been sent? */
        uint8_t  widened, recoveries_left;
        bool     known : 1, fack_known : 1, round_known : 1, reordered : 1;
        bool     probe_out : 1, probe_again : 1;
      } rack;
      struct { uint32_t flight, delivered, out; } prr;      /* RFC 9937 */
      tcp_seq  recover;         /* RFC 6582: SND.NXT when the loss was seen */
      tcp_seq  ecn_end;         /* a mark cuts cwnd again once this is acknowledged */
      uint32_t retransmissions;               /* in all; of a listener there are none */
    };
    struct {
      struct list half_open, queue, accepted; /* accepted: before their handshake has ended */
      uint32_t half_opens, queued, backlog;
      uint32_t fastopens;                     /* RFC 7413 4.2.2's PendingFastOpenRequests */
    } listener;
  };

  struct island *islands;       /* in order of sequence, never touching */
  uint32_t island_stamp, island_octets;
  struct tcp_sack dsack;
  la_time  due[2];              /* of KEEPALIVE; of GIVE_UP or TWO_MSL */
  struct list notified;         /* in tcp.notified */
  struct list siblings;         /* in a listener's queue */
  int32_t  parent;              /* tcp_parent; 0: nobody's */
  uint32_t peer_timeout_s;      /* what its option advises (RFC 5482); 0: none, or unasked */
  void    *user;
  struct {                      /* RFC 4821; now 0: the path's MTU is used as it is told */
    uint16_t now, most;         /* what passes, and the largest packet that may yet */
    uint16_t size;              /* of the probe in flight; 0: there is none */
    uint8_t  losses;            /* of probes of one size */
    bool     halving;           /* the whole did not pass */
    tcp_seq  end;               /* of the probe */
    uint32_t again_s;           /* no probe before this second */
  } mtu;
  la_time  opened, state_since;
  uint32_t limit_since_ms, limit_ms[LIMIT_COUNT - 1];       /* limit.c */
  uint16_t duplicate_acks_total, timeouts, recoveries;
  uint16_t dsacks;              /* duplicate reports that came (RFC 2883) */
  uint16_t reorderings, segment_in;
  uint16_t spurious, lost_resends;      /* losses that were none; retransmissions that were lost */
};

_Static_assert(sizeof(struct tcb) <= 696, "what only some connections need lies in pools");

/* The listener whose child it still is; NULL: nobody's. */
static inline struct tcb *tcp_parent(const struct tcb *tcb)
{
  return tcb->parent ? near_at(tcb, tcb->parent) : NULL;
}

/* Its place in the wheel: at the earliest of its deadlines, or before; the others count from it.
 * All nodes lie close together, apart from the control blocks, for the wheel goes from one to the
 * next, and most of those that it meets it only passes. */
static inline struct wheel_node *tcp_node(const struct tcb *tcb)
{
  return near_at(tcb, tcb->node);
}

/* NULL: no loss can be taken back. */
static inline struct undo *tcp_undo(const struct tcb *tcb)
{
  return tcb->undo ? near_at(tcb, tcb->undo) : NULL;
}

/* A flag and not SND.UNA == ISS, which comes true again after every 2^32 octets. */
static inline bool tcp_syn_waits(const struct tcb *tcb)
{
  return (tcb->flags & TCB_SYN_WAITS) != 0;
}

/* A child that its listener holds, because no application has accepted it yet. */
static inline bool tcp_unaccepted(const struct tcb *tcb)
{
  return tcb->parent && !(tcb->flags & TCB_ACCEPTED);
}

/* RFC 7413: our SYN,ACK is not acknowledged, and text flows in both directions already. */
static inline bool tcp_opened_fast(const struct tcb *tcb)
{
  return (tcb->flags & (TCB_FASTOPEN | TCB_PASSIVE)) == (TCB_FASTOPEN | TCB_PASSIVE);
}

/* Keys of cookies: the stack's own, or a listener's (index of its control block + 1). */
struct fastopen_keys { struct hash_key now, before; uint32_t owner; bool two; };
enum { TCP_FASTOPEN_KEYS = 8, FASTOPEN_COOKIE = 8 };

/* What is known of a server (RFC 7413 4.1.3). */
struct fastopen_peer {
  la_time  at, refused_until;   /* last heard of; left alone until then */
  struct ip_addr peer;
  uint16_t mss;                 /* as its SYN,ACK said; 0: it did not */
  uint8_t  refusals;            /* in a row */
  bool     used, try_experimental;
  struct tcp_cookie cookie;     /* length 0: none */
};

/* TIME-WAIT of a connection that nobody holds (RFC 9293 3.6.1; the kernel has one too). */
struct time_wait {
  la_time  due;
  uint32_t next, prev;          /* in order of due: each lasts 2 MSL */
  struct ends ends;
  uint32_t hash, generation;
  tcp_seq  snd_nxt, rcv_nxt;
  uint32_t ts_recent, ts_offset;
  uint16_t wnd;                 /* as announced last */
  uint8_t  iface;
  uint8_t  flags;               /* TIME_WAIT_* */
};
enum { TIME_WAIT_TS = 1, TIME_WAIT_PASSIVE = 2, TIME_WAIT_IN_USE = 4 };
_Static_assert(sizeof(struct time_wait) <= 96, "a TIME-WAIT is to cost at most 96 octets");

/* Settings of the room, in its own units. */
struct tcp_settings {
  uint32_t connections, time_waits, half_open, ranges, flights, models, replies, trace_entries;
  uint32_t habit_sets, undos;
  struct tcp_habits habits;     /* what a new socket starts with */
  uint32_t send_buffer, receive_buffer;     /* likewise, */
  uint32_t send_buffer_max, receive_buffer_max;         /* to which they grow by themselves; */
  uint8_t  congestion;          /* enum la_cc: likewise */
  la_time  msl, rto_initial, rto_min, rto_max, rto_slop, fin_wait_2, delayed_ack;
  uint8_t  quick_acks;          /* segments at the start that are acknowledged at once */
  uint32_t syn_retries, synack_retries, retries_soft, retries, orphan_retries;
  uint32_t initial_window, challenge_acks, resets, notsent_lowat;
  uint32_t user_timeout_least_ms, user_timeout_most_ms;   /* RFC 5482 3.1's limits */
  bool     no_timestamps, no_window_scale, no_sack, no_syn_cookies, no_tail_probes, abe;
  bool     lax_timestamps;      /* once agreed, a segment without is taken all the same */
  uint32_t fastopen_cookies;    /* servers that are remembered */
  la_time  fastopen_refused;    /* how long one that refused is left alone; 0: not at all */
  uint8_t  slow_start_limit;    /* RFC 3465's L; 0: the congestion control's own, 255: none */
  uint8_t  gso_segments;        /* pace.c: of a super-packet, at least; 0: as many as go */
  uint8_t  ecn_syn_retries;     /* SYNs sent again that still ask for ECN */
  bool     no_idle_restart, no_time_wait_reuse, handshake_errors;
  uint8_t  secret[16];
};

/* What a call may be refused for want of: memory to copy into, pieces, a model. */
enum tcp_want { TCP_WANT_SLABS, TCP_WANT_CHUNKS, TCP_WANT_MODELS, TCP_WANT_COUNT };

struct tcp {
  struct tcp_settings set;
  la_time  now;
  struct store store;           /* slabs and chunks, shared with the other rooms */
  struct pool tcbs, time_waits, islands, flights, models, habit_sets;
  uint32_t *habit_buckets;      /* index + 1 of each one's first set */
  uint32_t habit_mask;
  const struct tcp_habits *habits;          /* the set that a new socket starts with */
  struct undo *undos;           /* a ring */
  uint32_t undo_next;
  struct tcp_trace *traces;     /* trace_entries for each control block */
  struct wheel wheel;
  struct wheel_node *nodes;     /* one for each control block */
  struct list ready;            /* control blocks with something to say */
  struct list finished;         /* CLOSED or orphans in TIME-WAIT: for the stack to reap */
  struct list notified;         /* control blocks with events */
  struct waiters refused[TCP_WANT_COUNT];     /* by index: LA_EV_RETRY is owed */
  uint32_t tw_first, tw_last;   /* TIME-WAITs, the next to end first */
  uint32_t half_opens;          /* SYN-RECEIVED of all listeners */
  uint32_t tx_chunks;           /* chunks of all send queues */
  uint32_t holders, holders_peak;             /* connections with MARK_HOLDS */
  uint32_t reclaim_next;        /* the next island that gives way */
  uint32_t burst;               /* segments the head of `ready` has had in its turn */
  struct tcp_reply *replies;    /* a ring */
  uint32_t reply_first, reply_count;
  struct rate challenge_rate, reset_rate;
  struct rng rng;
  struct hash_key key;
  la_time  cookie_until;        /* cookies may still come back until then */
  struct fastopen_keys fastopen_keys[TCP_FASTOPEN_KEYS];
  struct fastopen_peer *fastopen_peers;       /* sets of four */
  uint64_t why[WHY_COUNT];      /* how often each row of a table was met */
  uint64_t row[TCP_ROW_COUNT];
  uint64_t timer[TCP_TIMER_COUNT];
  uint64_t count[TCP_COUNT_COUNT];
};

#endif
