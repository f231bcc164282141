/* room.h - what the files of this room ask of each other; no other room includes it. */
#ifndef LA_TCP_ROOM_H
#define LA_TCP_ROOM_H
#include "tcp/tcp.h"

/* A clock of a millisecond, for stamps of 32 bits: they are good for 49 days. */
static inline uint32_t tcp_ms(const struct tcp *t) { return (uint32_t)(t->now / LA_MS); }

/* Counters of rare things are short, and stay at the most that they can say. */
static inline void tcp_count_up(uint16_t *n) { *n = (uint16_t)(*n + (*n < UINT16_MAX)); }
static inline void tcp_count_by(uint16_t *n, uint32_t by)
{
  *n = by < (uint32_t)UINT16_MAX - *n ? (uint16_t)(*n + by) : UINT16_MAX;
}


/* A run is cut into so many by the link. */
static inline uint32_t tcp_out_segments(const struct tcp_out *out)
{
  return out->gso_size > 0 ? (out->text + out->gso_size - 1) / out->gso_size : 1;
}

/* tcp.c */
void tcp_wake(struct tcp *t, struct tcb *tcb);                    /* it has something to say */
void tcp_notify(struct tcp *t, struct tcb *tcb, enum la_event_kind kind);
void tcp_let_go(struct tcp *t, struct tcb *tcb); /* finished, if over and not held */
void tcp_hush(struct tcb *tcb);                                   /* no events any more */

/* fsm.c calls these; each lives where its state is at home */
void tcp_enter_closed(struct tcp *t, struct tcb *tcb, unsigned from);
void tcp_enter_established(struct tcp *t, struct tcb *tcb, unsigned from);
void tcp_enter_fin_wait_2(struct tcp *t, struct tcb *tcb, unsigned from);
void tcp_enter_time_wait(struct tcp *t, struct tcb *tcb, unsigned from);
void tcp_enter_close_wait(struct tcp *t, struct tcb *tcb, unsigned from);

/* timer.c */
void tcp_timer_set(struct tcp *t, struct tcb *tcb, enum tcp_timer timer, la_time due);
void tcp_timer_stop(struct tcb *tcb, enum tcp_timer timer);
bool tcp_timer_runs(const struct tcb *tcb, enum tcp_timer timer);
void tcp_timers_stop(struct tcp *t, struct tcb *tcb);
void tcp_flight_timer(struct tcp *t, struct tcb *tcb,
                      bool restart); /* RETRANSMIT or PERSIST, as it must be */
void tcp_patience_timer(struct tcp *t, struct tcb *tcb, bool progress); /* user timeout, RFC 5482 */
void tcp_keepalive_timer(struct tcp *t, struct tcb *tcb);

/* habit_set.c */
void tcp_habits_share(struct tcb *tcb, const struct tcp_habits *habits); /* a set's, by one more */
void tcp_habits_leave(struct tcp *t, struct tcb *tcb);
bool tcp_habits_change(struct tcp *t, struct tcb *tcb,
                       const struct tcp_habits *habits); /* false: there are too many sets */

/* rtt.c */
void    tcp_rtt_start(const struct tcp *t, struct tcb *tcb);
void    tcp_rtt_sample(const struct tcp *t, struct tcb *tcb, la_time rtt);
la_time tcp_rto(const struct tcp *t, const struct tcb *tcb, unsigned backoffs);
uint32_t tcp_ts_now(const struct tcp *t, const struct tcb *tcb);
uint32_t tcp_ts_at(const struct tcb *tcb, la_time at);
void    tcp_rtt_late(const struct tcp *t, struct tcb *tcb, la_time rtt);

/* ack.c */
void tcp_ack(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg);
void tcp_window_update(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg);
uint32_t tcp_window_lets_again(const struct tcb *tcb, const struct flight *f);   /* octets */

/* flight.c */
void tcp_flight_sent(struct tcp *t, struct tcb *tcb, tcp_seq from, tcp_seq to, uint32_t segments);
void tcp_flight_resent(struct tcp *t, struct tcb *tcb, struct flight *f, tcp_seq to);
void tcp_flight_resent_tail(struct tcp *t, struct tcb *tcb, tcp_seq from);
void tcp_flight_acked(struct tcp *t, struct tcb *tcb, tcp_seq ack, struct tcp_news *news);
void tcp_flight_sacked(struct tcp *t, struct tcb *tcb, tcp_seq start, tcp_seq end,
                       struct tcp_news *news);
void tcp_flight_lose(struct tcp *t, struct tcb *tcb, struct flight *f);
void tcp_flight_lose_first(struct tcp *t, struct tcb *tcb);
void tcp_flight_find_again(struct tcb *tcb);                      /* nothing is lost after all */
void tcp_flight_lose_range(struct tcp *t, struct tcb *tcb, tcp_seq from, tcp_seq to);
void tcp_flight_forget_sacks(struct tcb *tcb);
struct flight *tcp_flight_first_lost(const struct tcb *tcb);
void tcp_flights_drop(struct tcp *t, struct tcb *tcb);
uint32_t tcp_flight(const struct tcb *tcb);                       /* SND.NXT - SND.UNA */
uint32_t tcp_pipe(const struct tcb *tcb);                         /* of them, on their way */

/* steer.c */
void tcp_steer_child(struct tcb *child, const struct tcb *listener);
void tcp_steer_begin(struct tcp *t, struct tcb *tcb);
void tcp_steer_child_ready(struct tcp *t, struct tcb *child);
int  tcp_steer_by(struct tcp *t, struct tcb *tcb, unsigned number);
void tcp_steer(struct tcp *t, struct tcb *tcb, const struct tcp_news *news);
void tcp_model_drop(struct tcp *t, struct tcb *tcb);

/* usage.c */
void tcp_usage_sent(struct tcb *tcb);
void tcp_usage_full(struct tcb *tcb);
bool tcp_usage_is_good(const struct tcb *tcb);
void tcp_usage_resume(const struct tcp *t, struct tcb *tcb);

/* pace.c */
void tcp_pace_update(struct tcb *tcb);
bool tcp_pace_holds(struct tcp *t, struct tcb *tcb);
void tcp_pace_sent(const struct tcp *t, struct tcb *tcb, uint32_t octets);
void tcp_pace_due(struct tcp *t, struct tcb *tcb);
uint32_t tcp_run_limit(const struct tcp *t, const struct tcb *tcb);
void tcp_pace_timeout(const struct tcp *t, struct tcb *tcb);

/* rate.c */
void tcp_rate_sent(const struct tcp *t, struct tcb *tcb, struct flight *f, bool idle);
void tcp_rate_delivered(const struct tcp *t, struct tcb *tcb, const struct flight *f,
                        struct tcp_news *news);
struct tcp_rate_sample tcp_rate_sample(struct tcb *tcb, const struct tcp_news *news);
bool tcp_rate_starves(const struct tcb *tcb);
void tcp_rate_limited(struct tcb *tcb);
uint64_t tcp_rate_of(uint32_t octets, uint32_t ticks);            /* octets per second */
uint32_t tcp_rate_us_since(const struct tcp *t, uint32_t sent);

/* rack.c */
void tcp_rack_delivered(const struct tcp *t, struct tcb *tcb, const struct flight *f,
                        const struct tcp_news *news);
bool tcp_rack_detect(struct tcp *t, struct tcb *tcb);
void tcp_rack_timeout(struct tcp *t, struct tcb *tcb);
void tcp_rack_duplicate(struct tcb *tcb);
void tcp_rack_recovered(struct tcb *tcb);
void tcp_probe_timer(struct tcp *t, struct tcb *tcb);
bool tcp_probe_is_dsack(const struct tcb *tcb, const struct tcp_news *news);
bool tcp_probe_acked(struct tcb *tcb, const struct tcp_news *news);

/* recover.c */
void tcp_recover_news(struct tcp *t, struct tcb *tcb, const struct tcp_news *news);
void tcp_recover_timeout(struct tcp *t, struct tcb *tcb);
void tcp_recover_reordering_due(struct tcp *t, struct tcb *tcb);
void tcp_recover_open(struct tcp *t, struct tcb *tcb);
void tcp_repair(struct tcp *t, struct tcb *tcb, tcp_seq from, tcp_seq to);

/* ecn.c */
void tcp_ecn_ask(struct tcb *tcb);
void tcp_ecn_syn_timeout(const struct tcp *t, struct tcb *tcb);
void tcp_ecn_agree(struct tcb *tcb, const struct tcp_seg *syn);
unsigned tcp_ecn_flags(const struct tcb *tcb, unsigned flags);
void tcp_ecn_new_text(struct tcb *tcb, struct tcp_out *out);
void tcp_ecn_arrive(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg);
void tcp_ecn_reduced(struct tcb *tcb);
void tcp_ecn_echoed(struct tcp *t, struct tcb *tcb);

/* undo.c */
void tcp_undo_begin(struct tcp *t, struct tcb *tcb);
void tcp_undo_timeout(struct tcb *tcb);
void tcp_undo_drop(struct tcb *tcb);
void tcp_undo_resent(const struct tcp *t, struct tcb *tcb, uint32_t octets);
void tcp_undo_news(struct tcp *t, struct tcb *tcb, const struct tcp_news *news);
void tcp_frto_begin(struct tcb *tcb);
void tcp_frto_news(struct tcp *t, struct tcb *tcb, const struct tcp_news *news);

/* sendbuf.c: the send queue's memory and its limits */
uint32_t tcp_piece_size(const struct tcb *tcb);             /* of config.linux_buffers */
uint32_t tcp_send_room(const struct tcp *t, const struct tcb *tcb, uint32_t n); /* of n octets */
uint32_t tcp_tx_write(struct tcp *t, struct tcb *tcb, const void *octets, uint32_t n);
bool     tcp_tx_lend(struct tcp *t, struct tcb *tcb, const struct frag *frags, uint32_t n);
void     tcp_tx_drop(struct tcp *t, struct tcb *tcb, uint32_t n);   /* from the queue's front */
void     tcp_offer_room(struct tcp *t, struct tcb *tcb);            /* WRITABLE, if it is owed */
uint32_t tcp_spare_chunks(const struct tcp *t);             /* that a send queue may have now, */
uint32_t tcp_spare_slabs(const struct tcp *t);              /* and slabs, with a chunk for each */

/* retry.c: who was refused what */
size_t   tcp_retry_octets(const struct tcp_settings *set);
void     tcp_retry_init(struct tcp *t, uint8_t *memory);
int      tcp_refuse(struct tcp *t, const struct tcb *tcb, enum tcp_want want);  /* -LA_ENOBUF */
void     tcp_served(struct tcp *t, const struct tcb *tcb, enum tcp_want want);
void     tcp_retry_forget(struct tcp *t, const struct tcb *tcb);

/* tune.c: buffers that follow the connection */
void     tcp_tune_begin(const struct tcp *t, struct tcb *tcb);
void     tcp_tune_receive(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg);
uint32_t tcp_tune_receive_most(const struct tcp *t, const struct tcb *tcb);
void     tcp_tune_send(struct tcp *t, struct tcb *tcb);

/* memory.c: who may have how much of the slabs */
void     tcp_memory_note(struct tcp *t, struct tcb *tcb);   /* it holds much, or no more */
bool     tcp_memory_reclaim(struct tcp *t, struct tcb *tcb);          /* false: nothing gives way */
uint32_t tcp_memory_share(const struct tcp *t);             /* octets that one may have now */
uint32_t tcp_memory_buffer(const struct tcp *t, const struct tcb *tcb);    /* for its window */
uint32_t tcp_memory_takes(struct tcp *t, struct tcb *tcb, uint32_t octets);         /* how many */

/* receive.c: text, window; reassemble.c: islands */
bool     tcp_seg_is_text(const struct tcp_seg *seg);
uint32_t tcp_seg_text(const struct tcp_seg *seg);                 /* len less SYN and FIN */
void     tcp_seg_trim_front(struct tcp_seg *seg, uint32_t octets);/* of text */
void     tcp_seg_trim_back(struct tcp_seg *seg, uint32_t octets);
void     tcp_tell_text(struct tcp *t, struct tcb *tcb);           /* READABLE, if it is enough */
void     tcp_spoke(const struct tcp *t, struct tcb *tcb);         /* our stream went on, now */
struct verdict tcp_receive_text(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg);
uint16_t tcp_window_offer(const struct tcp *t, struct tcb *tcb, bool syn); /* SEG.WND; moves the
                                                                              right edge */
void tcp_window_consumed(struct tcp *t, struct tcb *tcb); /* an update, if it is worth one */
void     tcp_window_start(const struct tcp *t, struct tcb *tcb, uint32_t buffer);
void     tcp_window_whole(struct tcb *tcb);
struct verdict tcp_island_add(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg);
void     tcp_island_pull(struct tcp *t, struct tcb *tcb);         /* what now touches RCV.NXT */
void     tcp_islands_drop(struct tcp *t, struct tcb *tcb);
bool     tcp_island_sacrifice(struct tcp *t, struct tcb *tcb);   /* false: there is none */
unsigned tcp_sack_blocks(struct tcb *tcb, struct tcp_sack *blocks, unsigned max);

/* arrive.c, arrive_early.c */
struct verdict tcp_arrive_syn_sent(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg);
struct verdict tcp_arrive_text_and_fin(struct tcp *t, struct tcb *tcb,
                                       struct tcp_seg *seg); /* sixth to eighth */
void tcp_take_syn(struct tcp *t, struct tcb *tcb,
                  const struct tcp_seg *seg); /* IRS, options, window */
struct verdict tcp_text_behind_syn(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg);

/* listen.c, cookie.c */
tcp_seq  tcp_isn(const struct tcp *t, const struct ends *ends);                 /* RFC 6528 */
uint32_t tcp_ts_offset(const struct tcp *t, const struct ends *ends);
void     tcp_number_from(struct tcb *tcb, tcp_seq iss);
void     tcp_child_ready(struct tcp *t, struct tcb *child);
void     tcp_child_unlink(struct tcp *t, struct tcb *child);
void     tcp_listener_drop(struct tcp *t, struct tcb *listener);
bool     tcp_listener_has_room(const struct tcb *listener);
void     tcp_cookie_send(struct tcp *t, const struct tcb *listener, const struct ends *ends,
                         const struct tcp_path *path, const struct tcp_seg *seg);
struct cookie { bool good, ecn; struct tcp_options options; };
struct cookie tcp_cookie_check(const struct tcp *t, const struct ends *ends,
                               const struct tcp_seg *seg);

/* fastopen.c: what becomes of a SYN to a listener (RFC 7413 4.2.2) */
struct fastopen {
  bool option, experimental;    /* it has the option; in its old kind */
  bool open;                    /* the child is open to the application at once */
  bool cookie;                  /* the SYN,ACK brings one */
  enum why why;                 /* for which its text is not taken, if it is not */
};
void tcp_fastopen_init(struct tcp *t);
struct fastopen tcp_fastopen_judge(struct tcp *t, const struct tcb *listener,
                                   const struct ends *ends, const struct tcp_seg *seg);
void tcp_fastopen_child(struct tcp *t, struct tcb *child, const struct fastopen *f);
void tcp_fastopen_acked(struct tcb *child);
void tcp_fastopen_key_drop(struct tcp *t, const struct tcb *listener);
struct tcp_cookie tcp_fastopen_cookie(const struct tcp *t, const struct tcb *listener,
                                      const struct ends *ends);

/* fastopen_cache.c: what servers gave us */
size_t   tcp_fastopen_octets(const struct tcp_settings *set);
void     tcp_fastopen_open(struct tcp *t, struct tcb *tcb);
uint32_t tcp_fastopen_text(const struct tcp *t, const struct tcb *tcb);
struct tcp_cookie tcp_fastopen_known(const struct tcp *t, const struct tcb *tcb);
void     tcp_fastopen_answered(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg);
void     tcp_fastopen_failed(struct tcp *t, struct tcb *tcb);

/* plpmtu.c: what the path carries, by what arrives (RFC 4821) */
uint16_t tcp_mtu(const struct tcb *tcb);      /* of the packets that are sent now */
void     tcp_mtu_established(struct tcb *tcb);
void     tcp_mtu_timeout(struct tcp *t, struct tcb *tcb);
void     tcp_mtu_path(struct tcb *tcb);
void     tcp_mtu_acked(struct tcp *t, struct tcb *tcb);
uint32_t tcp_mtu_probe(struct tcp *t, struct tcb *tcb, uint32_t unsent);
void     tcp_mtu_probe_sent(struct tcp *t, struct tcb *tcb, tcp_seq end);
bool     tcp_mtu_probe_lost(struct tcp *t, struct tcb *tcb);
bool     tcp_mtu_probe_next_lost(struct tcp *t, struct tcb *tcb);
bool     tcp_mtu_probe_apart(const struct tcb *tcb, tcp_seq from, tcp_seq to);

/* user_timeout.c: RFC 5482 */
la_time  tcp_keepalive_idle(const struct tcp *t, const struct tcb *tcb);
bool     tcp_user_timeout_goes(const struct tcb *tcb, const struct tcp_out *out);
void     tcp_user_timeout_arrive(struct tcp *t, struct tcb *tcb, uint32_t advice_s);
void     tcp_user_timeout_change(struct tcp *t, struct tcb *tcb);

/* limit.c */
void     tcp_limit_start(struct tcp *t, struct tcb *tcb);         /* text or a FIN was queued */
void     tcp_limit_sent(struct tcp *t, struct tcb *tcb);
void     tcp_limit_held(struct tcp *t, struct tcb *tcb, bool by_window);
void     tcp_limit_all_sent(struct tcp *t, struct tcb *tcb, uint32_t cwnd_left);
void     tcp_limit_room(struct tcp *t, struct tcb *tcb);          /* the queue takes more again */
void     tcp_limit_acked(struct tcp *t, struct tcb *tcb);
void     tcp_limit_end(struct tcp *t, struct tcb *tcb);
bool     tcp_is_busy(const struct tcb *tcb);

/* emit.c */
bool     tcp_may_send_new(const struct tcp *t, const struct tcb *tcb);
bool     tcp_emit(struct tcp *t, struct tcb *tcb, struct tcp_out *out);
uint32_t tcp_sendable(const struct tcb *tcb);             /* what both windows let go now */
uint16_t tcp_mss_offer(const struct tcp_habits *habits, const struct tcp_path *path); /* RFC 6691 */
void     tcp_mss_update(struct tcb *tcb);

/* options.c: of our segments */
bool     tcp_first_syn(const struct tcb *tcb);
unsigned tcp_sacks_wanted(const struct tcb *tcb);
unsigned tcp_sacks_beside(const struct tcb *tcb, uint32_t text);
uint32_t tcp_text_most(const struct tcb *tcb);
void     tcp_write_options(const struct tcp *t, struct tcb *tcb, struct tcp_out *out);

/* reply.c */
void tcp_reply(struct tcp *t, const struct tcp_reply *reply);
void tcp_reply_reset(struct tcp *t, const struct ends *ends, const struct tcp_seg *seg);
void tcp_reply_abort(struct tcp *t, const struct tcb *tcb);
bool tcp_may_challenge(struct tcp *t);

/* trace.c */
void tcp_trace_add(const struct tcp *t, struct tcb *tcb, enum la_trace_kind kind, uint8_t a,
                   uint8_t b, uint8_t c, uint32_t x, uint32_t y);

/* timewait.c */
struct verdict tcp_arrive_time_wait_tcb(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg);

#endif
