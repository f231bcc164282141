/* cc_bbr.c - BBR, version 1: draft-cardwell-iccrg-bbr-congestion-control-00.  It steers by a model
 * of the path and not by loss: the largest rate at which text has lately arrived, and the
 * shortest round trip. Their product is what belongs in flight; the rate, a little more and a
 * little less in turn, is the pace.
 *
 * Version 1 and not 3, because 3 takes a loss of more than 2 % in a round for congestion and backs
 * off: over a path that loses 3 % whatever is sent, that costs most of the goodput. */
#include "tcp/cc_bbr.h"

enum {
  GAIN = 256,                   /* one, as a gain */
  HIGH_GAIN = 739,              /* 2/ln 2: the least that doubles the rate each round */
  DRAIN_GAIN = 88,              /* its inverse: STARTUP's queue is gone after a round */
  PHASES = 8,
  GROWTH_QUARTERS = 5,          /* less than 5/4 in a round is no growth, ... */
  FULL_ROUNDS = 3,              /* ... and so many of those mean that the pipe is full */
  MIN_SEGMENTS = 4,             /* in flight, so that delayed ACKs keep coming */
  MARGIN_PERCENT = 99,          /* paced a little below the rate, queues drain in the long run */
  QUANTUM_MAX = 65536
};
#define MIN_RTT_WINDOW (INT64_C(10000000000))
#define PROBE_RTT_TIME (INT64_C(200000000))
#define RTT_NONE       UINT32_MAX

/* 4.3.4: one phase asks for more, one gives back what that may have queued, six cruise. */
static const uint16_t phase_gain[PHASES] = { GAIN * 5 / 4, GAIN * 3 / 4, GAIN, GAIN,
                                             GAIN, GAIN, GAIN, GAIN };

static uint32_t larger(uint32_t a, uint32_t b)  { return a > b ? a : b; }
static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* ---- what belongs in flight ---- */

/* A burst is what the pace sends in a millisecond. */
static uint32_t quantum(const struct bbr *b, uint32_t mss)
{
  const uint64_t burst = b->pacing_rate / 1024;

  return larger(burst < QUANTUM_MAX ? (uint32_t)burst : QUANTUM_MAX, 2 * mss);
}

/* 4.2.3.2: gain times the bandwidth-delay product, and room for bursts at both ends and for one
 * whose ACK is delayed. */
static uint32_t inflight(const struct bbr *b, uint32_t gain, uint32_t mss)
{
  uint64_t bdp;

  if (b->min_rtt_us == RTT_NONE)
    return b->initial_window;
  bdp = b->bw * b->min_rtt_us / 1000000;
  if (bdp > CC_CWND_MAX)
    bdp = CC_CWND_MAX;
  bdp = bdp * gain / GAIN + 3 * quantum(b, mss);
  return bdp < CC_CWND_MAX ? (uint32_t)bdp : CC_CWND_MAX;
}

/* ---- the states, 4.3 ---- */

static void enter_startup(struct bbr *b)
{
  b->stage = BBR_STARTUP;
  b->pacing_gain = b->cwnd_gain = HIGH_GAIN;
}

static void next_phase(struct bbr *b, int64_t now)
{
  b->cycle_at = now;
  b->phase = (uint8_t)((b->phase + 1) % PHASES);
  b->pacing_gain = phase_gain[b->phase];
}

/* 4.3.4: flows that begin together should not probe together, so each begins at a phase of its
 * own; but not at the one that only makes sense after more was asked for. */
static void enter_probe_bw(struct bbr *b, int64_t now)
{
  b->stage = BBR_PROBE_BW;
  b->cwnd_gain = 2 * GAIN;
  b->dice = b->dice * 1664525u + 1013904223u;
  b->phase = (uint8_t)(PHASES - 1 - (b->dice >> 16) % (PHASES - 1));
  next_phase(b, now);
}

static void save_cwnd(struct cc *cc)
{
  struct bbr *const b = cc->bbr;

  if (!b->was_recovering && !b->was_timed_out && b->stage != BBR_PROBE_RTT)
    b->prior_cwnd = cc->cwnd;
  else
    b->prior_cwnd = larger(b->prior_cwnd, cc->cwnd);
}

/* ---- the model, 4.1 ---- */

/* 4.1.1.3: a round trip has passed when something has arrived that was sent after the last one
 * had. */
static void look_at_round(struct bbr *b, const struct cc_sample *s)
{
  b->round_start = (int32_t)(s->prior_delivered - b->next_round) >= 0;
  if (!b->round_start)
    return;
  b->next_round = s->total;
  b->rounds++;
  b->conserving = false;
}

/* A round of its own for the first sample of each; the oldest of them makes room. */
static void begin_bw_round(struct bbr *b)
{
  b->bw_round = b->rounds;
  b->bw_slot = (uint8_t)((b->bw_slot + 1) % BBR_BW_ROUNDS);
  b->round_bw[b->bw_slot] = 0;
  b->bw = 0;
  for (unsigned i = 0; i < BBR_BW_ROUNDS; i++)
    if (b->round_bw[i] > b->bw)
      b->bw = b->round_bw[i];
}

/* 4.1.1: what an application keeps low says nothing of the path, unless it is more than was
 * known. Rounds without a sample are not counted, so that a pause does not wear the model out. */
static void look_at_bandwidth(struct bbr *b, const struct cc_sample *s)
{
  if (s->app_limited && s->rate < b->bw)
    return;
  if (b->bw_round != b->rounds)
    begin_bw_round(b);
  if (s->rate > b->round_bw[b->bw_slot])
    b->round_bw[b->bw_slot] = s->rate;
  if (s->rate > b->bw)
    b->bw = s->rate;
}

/* 4.3.4.3: a phase lasts a round trip; asking for more goes on until it is in flight, or something
 * is lost; giving back ends early when nothing is queued any more. */
static bool phase_is_over(const struct bbr *b, const struct cc_sample *s)
{
  const bool long_enough = s->now - b->cycle_at > (int64_t)b->min_rtt_us * 1000;
  const uint32_t before = s->pipe + s->delivered;

  if (b->pacing_gain == GAIN)
    return long_enough;
  if (b->pacing_gain > GAIN)
    return long_enough &&
           (s->total_lost != b->lost || before >= inflight(b, b->pacing_gain, s->mss));
  return long_enough || before <= inflight(b, GAIN, s->mss);
}

/* 4.3.2.2: three rounds in which the rate has not grown by a quarter: the pipe is full. */
static void look_at_growth(struct bbr *b, const struct cc_sample *s)
{
  if (b->pipe_filled || !b->round_start || s->app_limited)
    return;
  if (b->bw >= b->full_bw * GROWTH_QUARTERS / 4) {
    b->full_bw = b->bw;
    b->full_rounds = 0;
    return;
  }
  if (++b->full_rounds >= FULL_ROUNDS)
    b->pipe_filled = true;
}

/* 4.3.3: what STARTUP has queued is let out, then the phases begin. */
static void drain(struct bbr *b, const struct cc_sample *s)
{
  if (b->stage == BBR_STARTUP && b->pipe_filled) {
    b->stage = BBR_DRAIN;
    b->pacing_gain = DRAIN_GAIN;
  }
  if (b->stage == BBR_DRAIN && s->pipe <= inflight(b, GAIN, s->mss))
    enter_probe_bw(b, s->now);
}

static void leave_probe_rtt(struct cc *cc, int64_t now)
{
  struct bbr *const b = cc->bbr;

  b->min_rtt_at = now;
  cc->cwnd = larger(cc->cwnd, b->prior_cwnd);
  if (b->pipe_filled)
    enter_probe_bw(b, now);
  else
    enter_startup(b);
}

/* 4.3.5: with next to nothing in flight, for 200 ms and a round trip, no queue of ours can be part
 * of the round trips. */
static void probe_rtt(struct cc *cc, const struct cc_sample *s)
{
  struct bbr *const b = cc->bbr;

  if (b->probe_rtt_until == 0) {
    if (s->pipe > MIN_SEGMENTS * s->mss)
      return;
    b->probe_rtt_until = s->now + PROBE_RTT_TIME;
    b->probe_rtt_round = false;
    b->next_round = s->total;
    return;
  }
  if (b->round_start)
    b->probe_rtt_round = true;
  if (b->probe_rtt_round && s->now >= b->probe_rtt_until)
    leave_probe_rtt(cc, s->now);
}

/* 4.1.2: the least of ten seconds. When none as short has been seen for so long, it is looked for;
 * but a pause has just shown it. */
static void look_at_round_trip(struct cc *cc, const struct cc_sample *s)
{
  struct bbr *const b = cc->bbr;
  const bool expired = s->now > b->min_rtt_at + MIN_RTT_WINDOW;

  if (s->rtt_us > 0 && (s->rtt_us <= b->min_rtt_us || expired)) {
    b->min_rtt_us = s->rtt_us;
    b->min_rtt_at = s->now;
  }
  if (expired && b->stage != BBR_PROBE_RTT && !b->idle_restart) {
    save_cwnd(cc);
    b->stage = BBR_PROBE_RTT;
    b->pacing_gain = b->cwnd_gain = GAIN;
    b->probe_rtt_until = 0;
  }
  if (b->stage == BBR_PROBE_RTT)
    probe_rtt(cc, s);
  if (s->delivered > 0)
    b->idle_restart = false;
}

/* ---- what is set by it, 4.2 ---- */

/* 4.2.1: before a rate is known, the initial window in a round trip; a millisecond while none of
 * those is known either. */
static uint64_t first_pace(const struct cc *cc, uint32_t srtt_us)
{
  return (uint64_t)cc->cwnd * HIGH_GAIN / GAIN * 1000000 / (srtt_us > 0 ? srtt_us : 1000);
}

/* 4.2.1: until the pipe is full, a pace is never lowered, the first one no more than others: all
 * that has been measured then may be the one octet of a SYN. */
static void set_pace(struct cc *cc, uint32_t gain)
{
  struct bbr *const b = cc->bbr;
  const uint64_t rate = b->bw * gain / GAIN * MARGIN_PERCENT / 100;

  if (rate > 0 && (b->pipe_filled || rate > (b->pacing_rate ? b->pacing_rate : first_pace(cc, 0))))
    b->pacing_rate = rate;
}

/* 4.2.3.4: a loss takes out of the window what was lost, and for the first round of recovery as
 * much is sent as arrives. After it the window is what it was. Returns whether that rules. */
static bool recover(struct cc *cc, const struct cc_sample *s)
{
  struct bbr *const b = cc->bbr;
  const uint32_t lost = s->total_lost - b->lost;
  const bool in_trouble = s->recovering || s->timed_out;

  if (lost > 0)
    cc->cwnd = cc->cwnd > lost + s->mss ? cc->cwnd - lost : s->mss;
  if (s->recovering && !b->was_recovering) {
    b->conserving = true;
    b->next_round = s->total;
    cc->cwnd = s->pipe + s->delivered;
  } else if (!in_trouble && (b->was_recovering || b->was_timed_out)) {
    b->conserving = false;
    cc->cwnd = larger(cc->cwnd, b->prior_cwnd);
  }
  b->was_recovering = s->recovering;
  b->was_timed_out = s->timed_out;
  if (b->conserving)
    cc->cwnd = larger(cc->cwnd, s->pipe + s->delivered);
  return b->conserving;
}

/* 4.2.3. */
static void set_window(struct cc *cc, const struct cc_sample *s)
{
  const struct bbr *const b = cc->bbr;
  const uint32_t target = inflight(b, b->cwnd_gain, s->mss);

  if (!recover(cc, s)) {
    if (b->pipe_filled)
      cc->cwnd = smaller(cc->cwnd + s->delivered, target);
    else if (cc->cwnd < target || s->total < b->initial_window)
      cc->cwnd += s->delivered;
  }
  cc->cwnd = smaller(larger(cc->cwnd, MIN_SEGMENTS * s->mss), CC_CWND_MAX);
  if (b->stage == BBR_PROBE_RTT)
    cc->cwnd = smaller(cc->cwnd, MIN_SEGMENTS * s->mss);
}

static bool sampled(struct cc *cc, const struct cc_sample *s)
{
  struct bbr *const b = cc->bbr;

  b->round_start = false;
  if (s->rate > 0) {
    look_at_round(b, s);
    look_at_bandwidth(b, s);
  }
  if (b->stage == BBR_PROBE_BW && phase_is_over(b, s))
    next_phase(b, s->now);
  look_at_growth(b, s);
  drain(b, s);
  look_at_round_trip(cc, s);
  if (b->pacing_rate == 0 && s->srtt_us > 0)
    b->pacing_rate = first_pace(cc, s->srtt_us);
  set_pace(cc, b->pacing_gain);
  set_window(cc, s);
  b->lost = s->total_lost;
  return b->stage == BBR_PROBE_RTT;           /* what is sent then says nothing of the path */
}

static uint64_t pace(const struct cc *cc, uint32_t mss, uint32_t srtt_us)
{
  const struct bbr *const b = cc->bbr;

  (void)mss;
  return b->pacing_rate > 0 ? b->pacing_rate : first_pace(cc, srtt_us);
}

/* ---- the rest ---- */

static void start(struct cc *cc, uint32_t mss, uint32_t segments)
{
  struct bbr *const b = cc->bbr;

  *b = (struct bbr){ .min_rtt_us = RTT_NONE, .min_rtt_at = INT64_MAX - MIN_RTT_WINDOW,
                     .dice = b->dice, .initial_window = cc_initial_window(mss, segments) };
  cc->cwnd = b->initial_window;
  cc->ssthresh = UINT32_MAX;
  enter_startup(b);
}

static void lost(struct cc *cc, uint32_t mss, uint32_t flight)
{
  (void)mss;
  (void)flight;
  save_cwnd(cc);
}

/* All that was in flight is lost: the window is spent, the model stays; STARTUP looks anew whether
 * the pipe is full. */
static void timed_out(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs)
{
  struct bbr *const b = cc->bbr;

  (void)flight;
  (void)backoffs;
  save_cwnd(cc);
  b->full_bw = 0;
  b->was_timed_out = true;
  cc->cwnd = mss;
}

/* 4.3.4.4: a flow that begins again paces at the rate it knows, and need not look for the round
 * trip that its pause has just let everybody see. */
static void idle(struct cc *cc, uint32_t mss, uint32_t segments)
{
  struct bbr *const b = cc->bbr;

  (void)mss;
  (void)segments;
  b->idle_restart = true;
  if (b->stage == BBR_PROBE_BW)
    set_pace(cc, GAIN);
}

/* Losses leave only the window of before them behind, which comes back by itself. */
static void undo(struct cc *cc, const struct cc *before)
{
  (void)before;
  cc->bbr->full_bw = 0;
  cc->bbr->full_rounds = 0;
}

static void ignore_ack(struct cc *cc, const struct cc_ack *ack)
{
  (void)cc;
  (void)ack;
}

const struct cc_algorithm cc_bbr = {
  .name = "bbr",
  .start = start,
  .acked = ignore_ack,
  .lost = lost,
  .timed_out = timed_out,
  .idle = idle,
  .undo = undo,
  .sampled = sampled,
  .pace = pace,
};
