#ifndef LA_TCP_CC_BBR_H
#define LA_TCP_CC_BBR_H
#include "tcp/cc.h"
#include <stdbool.h>

enum { BBR_BW_ROUNDS = 10 };

enum bbr_stage { BBR_STARTUP, BBR_DRAIN, BBR_PROBE_BW, BBR_PROBE_RTT };

/* What BBR knows of a path. Rates are in octets per second, gains in 1/256. */
struct bbr {
  int64_t  min_rtt_at;          /* when min_rtt_us was last seen */
  int64_t  cycle_at;            /* when this phase of PROBE_BW began */
  int64_t  probe_rtt_until;     /* 0: the pipe has not drained to the few segments yet */
  uint64_t round_bw[BBR_BW_ROUNDS];     /* the best samples of the latest rounds with one */
  uint64_t bw;                  /* the best of them all */
  uint64_t full_bw;             /* what STARTUP's growth is measured by */
  uint64_t pacing_rate;         /* 0: no round trip is known yet */
  uint32_t min_rtt_us;          /* UINT32_MAX: none yet */
  uint32_t rounds, next_round;  /* next_round: delivered so much, the round is over */
  uint32_t bw_round;            /* the round of round_bw[bw_slot] */
  uint32_t prior_cwnd;          /* before recovery, a time-out or PROBE_RTT */
  uint32_t initial_window, lost, dice;  /* lost: of the connection, at the latest sample */
  uint16_t pacing_gain, cwnd_gain;
  uint8_t  stage;               /* enum bbr_stage */
  uint8_t  bw_slot, phase, full_rounds; /* full_rounds: without growth, in STARTUP */
  bool     round_start, pipe_filled, idle_restart, probe_rtt_round;
  bool     was_recovering, was_timed_out, conserving;
};

extern const struct cc_algorithm cc_bbr;

#endif
