/* cc_cubic.c - CUBIC (RFC 9438), whose first slow start ends by HyStart++ (RFC 9406).
 * After a loss the window grows back to where the loss was as a cubic function of time: fast,
 * then carefully around that point, then fast again; never slower than Reno would. Whole numbers
 * only: windows in octets, times in milliseconds. */
#include "tcp/cc_cubic.h"
#include <stdbool.h>

enum {
  BETA_PERCENT = 70,            /* RFC 9438 4.6: what a loss leaves of the window */
  MARKED_PERCENT = 85,          /* RFC 8511 3.1: what a mark leaves of it */
  K_MOST_MS = (1 << 21) - 1,    /* what a cube root can be */
  T_MAX_MS = 131071,            /* beyond two minutes from K the cube is as good as endless */
  FIRST_SEGMENTS = 8,           /* RFC 9406 4.3's L where there is no pacing: an ACK may count */
  LATER_SEGMENTS = 2,           /* ... for so many; after the first slow start RFC 3465 2.2's */
  EST_PARTS = 2048,
  ROUND_SAMPLES = 8, CSS_DIVISOR = 4, CSS_ROUNDS = 5,
  RTT_RISE_MIN_US = 4000, RTT_RISE_MAX_US = 16000
};

static uint32_t larger(uint32_t a, uint32_t b)  { return a > b ? a : b; }
static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static bool in_first_slow_start(const struct cc *cc) { return cc->ssthresh == UINT32_MAX; }

/* HyStart's numbers end where CUBIC's begin. RFC 9438 4.10: without a loss there is no W_max, and
 * cwnd_prior is cwnd. */
static void end_first_slow_start(struct cc *cc, uint32_t ssthresh)
{
  cc->ssthresh = ssthresh;
  cc->cubic.w_max = cc->cubic.w_est = 0;
  cc->cubic.w_prior = cc->cwnd;
  cc->cubic.k_ms = cc->cubic.est_part = 0;
  cc->cubic.epoch_ms = cc->cubic.seen_ms = 0;
}

static void start(struct cc *cc, uint32_t mss, uint32_t segments)
{
  cc->cwnd = cc_initial_window(mss, segments);
  cc->ssthresh = UINT32_MAX;
  cc->hystart.round_left = cc->cwnd;
  cc->hystart.last_us = cc->hystart.round_us = cc->hystart.css_us = UINT32_MAX;
  cc->hystart.samples = cc->hystart.css_rounds = 0;
}

/* ---- slow start, RFC 9406 4.2 ---- */

static bool rtt_has_risen(const struct cc *cc)
{
  const uint32_t last = cc->hystart.last_us;
  const uint32_t rise = smaller(larger(last / 8, RTT_RISE_MIN_US), RTT_RISE_MAX_US);

  return last != UINT32_MAX && cc->hystart.round_us >= last && cc->hystart.round_us - last >= rise;
}

/* Doubling goes over into conservative slow start when the queue shows, and back when that was
 * a mistake. */
static void look_at_round_trips(struct cc *cc, uint32_t rtt_us)
{
  if (rtt_us > 0) {
    cc->hystart.round_us = smaller(cc->hystart.round_us, rtt_us);
    if (cc->hystart.samples < UINT8_MAX)
      cc->hystart.samples++;
  }
  if (cc->hystart.samples < ROUND_SAMPLES)
    return;
  if (cc->hystart.css_rounds > 0) {
    if (cc->hystart.round_us < cc->hystart.css_us)
      cc->hystart.css_rounds = 0;
  } else if (rtt_has_risen(cc)) {
    cc->hystart.css_us = cc->hystart.round_us;
    cc->hystart.css_rounds = 1;
  }
}

/* A round is over when what was in flight at its beginning is acknowledged: windowEnd is SND.NXT
 * as this ACK finds it. */
static void end_round(struct cc *cc, const struct cc_ack *ack)
{
  if (ack->octets < cc->hystart.round_left) {
    cc->hystart.round_left -= ack->octets;
    return;
  }
  cc->hystart.round_left = larger(ack->flight - smaller(ack->octets, ack->flight), 1);
  cc->hystart.last_us = cc->hystart.round_us;
  cc->hystart.round_us = UINT32_MAX;
  cc->hystart.samples = 0;
  if (cc->hystart.css_rounds > 0 && ++cc->hystart.css_rounds > CSS_ROUNDS)
    end_first_slow_start(cc, cc->cwnd);
}

/* 4.3: L has no end where pacing keeps an ACK from leading to a burst. */
static uint32_t counted(const struct cc_ack *ack)
{
  const uint32_t own = ack->paced ? UINT32_MAX : FIRST_SEGMENTS * ack->mss;

  return smaller(ack->octets, ack->limit > 0 ? ack->limit : own);
}

static void grow_first(struct cc *cc, const struct cc_ack *ack)
{
  look_at_round_trips(cc, ack->rtt_us);
  if (ack->used)
    cc->cwnd += cc->hystart.css_rounds > 0 ? counted(ack) / CSS_DIVISOR : counted(ack);
  end_round(cc, ack);
}

/* ---- congestion avoidance, RFC 9438 4 ---- */

/* The largest whole number whose cube is at most n; n < 2^63. */
static uint32_t cube_root(uint64_t n)
{
  uint64_t root = 0;

  for (uint64_t bit = UINT64_C(1) << 20; bit > 0; bit >>= 1) {
    const uint64_t r = root | bit;

    if (r * r * r <= n)
      root = r;
  }
  return (uint32_t)root;
}

static uint32_t ms_of(int64_t now) { return (uint32_t)(now / 1000000); }

/* 4.2: K = cbrt((W_max - cwnd_epoch) / C), with C 0.4 and windows in segments. */
static void begin_epoch(struct cc *cc, const struct cc_ack *ack)
{
  cc->cubic.epoch_ms = cc->cubic.seen_ms = ms_of(ack->now);
  cc->cubic.w_est = cc->cwnd;
  cc->cubic.est_part = 0;
  if (cc->cubic.w_max <= cc->cwnd) {
    cc->cubic.w_max = cc->cwnd;
    cc->cubic.k_ms = 0;
    return;
  }
  cc->cubic.k_ms =
      K_MOST_MS & cube_root((uint64_t)(cc->cubic.w_max - cc->cwnd) * 2500000000u / ack->mss);
}

/* 4.2: W_cubic(t) = C * (t - K)^3 + W_max, in octets. */
static uint32_t w_cubic(const struct cc *cc, uint32_t t_ms, uint32_t mss)
{
  const bool before = t_ms < cc->cubic.k_ms;
  const uint64_t d = smaller(before ? cc->cubic.k_ms - t_ms : t_ms - cc->cubic.k_ms, T_MAX_MS);
  const uint64_t off = d * d * d / 1000 * mss * 4 / 10000000;

  if (before)
    return off < cc->cubic.w_max ? cc->cubic.w_max - (uint32_t)off : 0;
  return off < CC_CWND_MAX ? smaller(cc->cubic.w_max + (uint32_t)off, CC_CWND_MAX) : CC_CWND_MAX;
}

/* 4.3: what Reno with this decrease would have by now: alpha is 3 * (1 - 0.7) / (1 + 0.7), which is
 * 9/17, and 1 from the window of the last loss on. */
static void grow_estimate(struct cc *cc, const struct cc_ack *ack, uint32_t octets)
{
  const uint64_t parts = (uint64_t)octets * ack->mss * EST_PARTS / larger(cc->cwnd, 1);
  const bool beyond = cc->cubic.w_est >= cc->cubic.w_prior;
  const uint64_t sum = cc->cubic.est_part + (beyond ? parts : parts * 9 / 17);

  cc->cubic.w_est = smaller(cc->cubic.w_est + (uint32_t)(sum / EST_PARTS), CC_CWND_MAX);
  cc->cubic.est_part = sum % EST_PARTS;
}

/* 4.2, 5.8: time in which the application, or the peer's window, set the pace is no part of t. The
 * epoch moves along with it. */
static void let_time_pass(struct cc *cc, int64_t now, bool used)
{
  if (!used)
    cc->cubic.epoch_ms += ms_of(now) - cc->cubic.seen_ms;
  cc->cubic.seen_ms = ms_of(now);
}

static void avoid_congestion(struct cc *cc, const struct cc_ack *ack, uint32_t octets)
{
  uint32_t t_ms, target;

  if (cc->cubic.w_est == 0)
    begin_epoch(cc, ack);
  t_ms = ms_of(ack->now) - cc->cubic.epoch_ms;
  octets = smaller(octets, cc->cwnd);
  grow_estimate(cc, ack, octets);
  if (w_cubic(cc, t_ms, ack->mss) < cc->cubic.w_est) {
    cc->cwnd = larger(cc->cwnd, cc->cubic.w_est);
    return;
  }
  target = w_cubic(cc, t_ms + ack->srtt_us / 1000, ack->mss);
  target = smaller(larger(target, cc->cwnd), cc->cwnd + cc->cwnd / 2);     /* 4.2 */
  cc->cwnd += (uint32_t)((uint64_t)(target - cc->cwnd) * octets / larger(cc->cwnd, 1));
}

static void acked(struct cc *cc, const struct cc_ack *ack)
{
  uint32_t octets = ack->octets;

  if (cc->cwnd >= CC_CWND_MAX)
    return;
  if (in_first_slow_start(cc)) {
    grow_first(cc, ack);
    return;
  }
  let_time_pass(cc, ack->now, ack->used);
  if (ack->used && cc->cwnd < cc->ssthresh)
    octets = cc_slow_start(cc, ack, LATER_SEGMENTS);
  if (ack->used && octets > 0)
    avoid_congestion(cc, ack, octets);
}

/* Since the last ACK nothing was in flight. */
static void resumed(struct cc *cc, int64_t now)
{
  if (!in_first_slow_start(cc))
    let_time_pass(cc, now, false);
}

/* ---- loss, 4.6 and 4.7 ---- */

/* Fast convergence: a flow whose window was falling leaves room for new ones. */
static void remember_loss(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t percent)
{
  const uint32_t ssthresh = larger((uint32_t)((uint64_t)flight * percent / 100), 2 * mss);

  if (in_first_slow_start(cc))
    end_first_slow_start(cc, ssthresh);
  cc->ssthresh = ssthresh;
  cc->cubic.w_max =
      cc->cwnd < cc->cubic.w_max ? (uint32_t)((uint64_t)cc->cwnd * 17 / 20) : cc->cwnd;
  cc->cubic.w_prior = cc->cwnd;
  cc->cubic.w_est = 0;
}

static void lost(struct cc *cc, uint32_t mss, uint32_t flight)
{
  remember_loss(cc, mss, flight, BETA_PERCENT);
  cc->cwnd = cc->ssthresh;
}

static void marked(struct cc *cc, uint32_t mss, uint32_t flight)
{
  remember_loss(cc, mss, flight, MARKED_PERCENT);
  cc->cwnd = cc->ssthresh;
}

/* 4.8: after it the curve begins at its plateau; and RFC 5681 3.1: the second time-out of the same
 * segment leaves ssthresh alone. */
static void timed_out(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs)
{
  if (backoffs <= 1 || in_first_slow_start(cc))
    remember_loss(cc, mss, flight, BETA_PERCENT);
  cc->cubic.w_max = cc->cubic.w_est = 0;
  cc->cwnd = mss;
}

/* The curve of before the pause leads on from a window that is no more: another one begins. */
static void idle(struct cc *cc, uint32_t mss, uint32_t segments)
{
  const uint32_t before = cc->cwnd;

  cc_restart(cc, mss, segments);
  if (cc->cwnd < before && !in_first_slow_start(cc))
    cc->cubic.w_est = 0;
}

/* 4.9.2: a window that has grown beyond that of before the loss keeps what it knows now. */
static void undo(struct cc *cc, const struct cc *before)
{
  if (cc->cwnd < before->cwnd)
    cc_undo(cc, before);
}

const struct cc_algorithm cc_cubic = {
  .name = "cubic",
  .start = start,
  .acked = acked,
  .lost = lost,
  .marked = marked,
  .timed_out = timed_out,
  .idle = idle,
  .resumed = resumed,
  .undo = undo,
};
