/* tcp.h - what the room of TCP offers to the stack.  It knows no network header: segments come
 * as struct tcp_seg and go as struct tcp_out; addresses are opaque.
 *
 * The stack finds the control block (its table is keyed by struct ends), calls one of the
 * tcp_arrive functions, and after each turn of the pump takes the finished ones with
 * tcp_finished, removes them from its table and gives them back with tcp_tcb_free. */
#ifndef LA_TCP_TCP_H
#define LA_TCP_TCP_H
#include "tcp/tcb.h"

/* ---- the room ---- */
size_t tcp_octets(const struct tcp_settings *set);
void tcp_init(struct tcp *t, void *memory, const struct tcp_settings *set, struct store store,
              la_time now);
/* Not the pools. false: nothing has changed, for there is no set of habits left. */
bool tcp_settings_change(struct tcp *t, const struct tcp_settings *set);
void   tcp_time(struct tcp *t, la_time now);            /* every call of the stack begins with it */

/* ---- control blocks ---- */
/* CLOSED, unnamed, held by the application; NULL when the pool is used up. */
struct tcb *tcp_tcb_new(struct tcp *t);
void tcp_tcb_free(struct tcp *t, struct tcb *tcb); /* CLOSED (or never opened) and let go */

/* The next one that is over and that nobody holds: CLOSED, or TIME-WAIT to be shrunk. NULL: none.
 * The stack takes it out of its table, then calls tcp_time_wait_new (if it is in TIME-WAIT) and
 * tcp_tcb_free. */
struct tcb *tcp_finished(struct tcp *t);

/* A CLOSED one that the application still holds must leave the stack's table as well: the stack
 * looks at state CLOSED with TCB_IN_DEMUX after each call into this room for that tcb. */

/* ---- arrival, RFC 9293 3.10.7 ---- */
struct verdict tcp_arrive(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg); /* .3, .4 */

/* .2: a segment for a listener. A SYN makes a child (*child: with these ends, hash and
 * path, and not yet in the stack's table); an ACK may bring a cookie back, which makes one too.
 * NULL if none was made. */
struct verdict tcp_arrive_listen(struct tcp *t, struct tcb *listener, const struct ends *ends,
                                 uint32_t hash, const struct tcp_path *path, struct tcp_seg *seg,
                                 struct tcb **child);

/* Has this listener room for a connection that it would keep, and not answer by a cookie? */
bool tcp_listener_may_fork(const struct tcp *t, const struct tcb *listener);

/* .4 for the small record. TIME_WAIT_REUSED: the record is to be freed and the segment, in which
 * `reuse` and `iss_after` are now set, to be given to the listener. */
struct verdict tcp_arrive_time_wait(struct tcp *t, struct time_wait *tw, struct tcp_seg *seg);

/* .1: nobody has these ends. */
struct verdict tcp_arrive_closed(struct tcp *t, const struct ends *ends, struct tcp_seg *seg);

/* What ICMP says of a segment of ours whose sequence number was `seq` (RFC 5927 4: ignored unless
 * in flight). tcp_icmp: hard (RFC 9293 3.9.2.2: codes 2-4 are hard, the rest soft), `error` an
 * enum la_error. tcp_path_mtu: RFC 1191; the stack has put the new MTU into tcb->path. */
void tcp_icmp(struct tcp *t, struct tcb *tcb, tcp_seq seq, bool hard, uint8_t error);
bool tcp_icmp_plausible(const struct tcb *tcb, tcp_seq seq);
void tcp_path_mtu(struct tcp *t, struct tcb *tcb, uint16_t mtu);

/* ---- the user's calls, RFC 9293 3.10.1-6: >= 0 or minus enum la_error ---- */
/* The stack has set ends, hash and path. */
int  tcp_open_passive(struct tcp *t, struct tcb *tcb, uint32_t backlog);
int  tcp_steer_open(struct tcp *t, struct tcb *tcb);  /* before tcp_open_active; -LA_ENOBUF */
int  tcp_open_active(struct tcp *t, struct tcb *tcb);
struct tcb *tcp_accept(struct tcp *t, struct tcb *listener);               /* NULL: none waits */
enum tcp_send_kind { TCP_SEND_PLAIN, TCP_SEND_URGENT, TCP_SEND_MORE };
int  tcp_send(struct tcp *t, struct tcb *tcb, const void *octets, uint32_t n,
              enum tcp_send_kind kind);
int  tcp_send_frags(struct tcp *t, struct tcb *tcb, const struct frag *frags, uint32_t n);
int  tcp_recv(struct tcp *t, struct tcb *tcb, void *octets, uint32_t max);
int  tcp_peek(struct tcp *t, struct tcb *tcb, struct frag *frags, uint32_t max);
int  tcp_consume(struct tcp *t, struct tcb *tcb, uint32_t n);
int  tcp_close(struct tcp *t, struct tcb *tcb);
void tcp_abort(struct tcp *t, struct tcb *tcb);          /* lets go as well */
void tcp_forget(struct tcp *t, struct tcb *tcb);
int  tcp_set(struct tcp *t, struct tcb *tcb, enum la_option option, int64_t value);
int  tcp_get(const struct tcp *t, const struct tcb *tcb, enum la_option option, int64_t *value);

/* ---- Fast Open, RFC 7413 ---- */
/* 16 octets, or 32: the key that follows them and the one before. listener NULL: of all that have
 * none of their own. */
int  tcp_fastopen_key(struct tcp *t, const struct tcb *listener, const uint8_t *octets, uint32_t n);
/* The text that a first SYN of `tcb` to this peer may carry. */
uint32_t tcp_fastopen_room(const struct tcp *t, const struct tcb *tcb, const struct ip_addr *to,
                           const struct tcp_path *path);
const struct fastopen_peer *tcp_fastopen_peer(const struct tcp *t, uint32_t n); /* NULL: none */
void tcp_fastopen_forget(struct tcp *t);                 /* the whole cache */
bool tcp_fastopen_learn(struct tcp *t, const struct fastopen_peer *known); /* false: no cache */

/* ---- going out ---- */
/* Runs the due timers. Then the next thing any connection has to say; false: nothing. */
void tcp_timers_run(struct tcp *t);
bool tcp_output(struct tcp *t, struct tcb **from, struct tcp_out *out);
bool tcp_reply_take(struct tcp *t, struct tcp_reply *reply);
la_time tcp_deadline(const struct tcp *t);               /* 0: there is work now */

/* The next control block with events, and what they are (bits of 1 << LA_EV_*), which this clears;
 * NULL: none. */
struct tcb *tcp_notified(struct tcp *t, uint8_t *events);

/* The next one that was refused something (-LA_ENOBUF) of which there is some again; NULL: none.
 * tcp_retry_due tells beforehand. */
struct tcb *tcp_retry_take(struct tcp *t);
bool tcp_retry_due(const struct tcp *t);

/* Does anybody wait? Most of the time nobody does, and nothing else need be asked. */
static inline bool tcp_retry_wanted(const struct tcp *t)
{
  uint32_t waiting = 0;

  for (unsigned i = 0; i < TCP_WANT_COUNT; i++)
    waiting |= t->refused[i].count;
  return waiting > 0;
}

/* ---- TIME-WAIT records ---- */
/* The record of a connection; NULL when there is no room and none to sacrifice. *killed is the
 * record that had to go for it (the stack takes it out of its table first: it is still whole). */
struct time_wait *
tcp_time_wait_victim(struct tcp *t); /* the oldest, if the pool is used up; else NULL */
struct time_wait *tcp_time_wait_new(struct tcp *t, const struct tcb *tcb);
void              tcp_time_wait_free(struct tcp *t, struct time_wait *tw);
void tcp_time_wait_kill(struct tcp *t, struct time_wait *tw); /* before its time; counted */
struct time_wait *
tcp_time_wait_expired(struct tcp *t); /* the next whose 2 MSL are over; NULL: none */

/* A segment, a timer or a call looks at most of a control block, and among many connections the
 * caches have none of it: all lines are asked for at once, so that one miss hides the others. */
static inline void tcp_prefetch(const struct tcp *t, uint32_t index)
{
  const uint8_t *const octets = pool_at(&t->tcbs, index);

  for (size_t at = 0; at < sizeof(struct tcb); at += 64)
    __builtin_prefetch(octets + at, 1);
  __builtin_prefetch(octets + sizeof(struct tcb) - 1, 1);
  __builtin_prefetch(&t->nodes[index], 1);
}

/* ---- looking in ---- */
bool tcp_memory_short(const struct tcp *t);              /* only the reserve is left */
bool tcp_memory_presses(const struct tcp *t, bool so_far);
uint32_t     tcp_unsent(const struct tcb *tcb);          /* octets of text never sent */
uint32_t     tcp_notsent_lowat(const struct tcp *t, const struct tcb *tcb);
uint32_t tcp_user_timeout_ms(const struct tcp *t, const struct tcb *tcb);       /* 0: R2 alone */
uint32_t     tcp_rcv_window(const struct tcb *tcb);      /* what the peer may still send */
uint64_t tcp_pacing_rate(const struct tcb *tcb);         /* octets per second; 0: not paced */
uint64_t tcp_delivery_rate(const struct tcb *tcb);       /* octets per second; 0: not known */
la_time  tcp_time_of(const struct tcp *t, uint32_t ms);  /* of a stamp of milliseconds */
la_time  tcp_limited(const struct tcp *t, const struct tcb *tcb, enum tcp_limit by);
struct tcp_fates { uint32_t flight, sacked, lost, resent; };      /* segments; resent: out again */
struct tcp_fates tcp_flight_fates(const struct tcb *tcb);
uint32_t tcp_flight_text(const struct tcb *tcb);         /* octets sent and not acknowledged */
bool     tcp_ecn_has_reduced(const struct tcb *tcb);     /* for a mark in this window */
enum tcp_timer tcp_timer_next(const struct tcb *tcb);    /* TCP_TIMER_COUNT: none */
la_time tcp_timer_due(const struct tcb *tcb, enum tcp_timer timer); /* LA_NEVER: stopped */
size_t tcp_trace_read(const struct tcp *t, const struct tcb *tcb, struct la_trace *entries,
                      size_t max);
const char *tcp_check(const struct tcp *t,
                      const struct tcb *tcb); /* the broken invariant, or NULL */

#endif
