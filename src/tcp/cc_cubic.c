/* cc_cubic.c - CUBIC (RFC 9438), whose first slow start ends by HyStart++ (RFC 9406).
 * After a loss the window grows back to where the loss was as a cubic function of time: fast,
 * then carefully around that point, then fast again; never slower than Reno would. Whole numbers
 * only: windows in octets, times in milliseconds. */
#include "tcp/cc_cubic.h"
#include <stdbool.h>

enum {
  BETA_PERCENT = 70,            /* RFC 9438 4.6: what a loss leaves of the window */
  MARKED_PERCENT = 85,          /* RFC 8511 3.1: what a mark leaves of it */
  T_MAX_MS = 131071,            /* beyond two minutes from K the cube is as good as endless */
  SLOW_START_SEGMENTS = 8,      /* RFC 9406 4.3's L: an ACK may stand for so many */
  ROUND_SAMPLES = 8, CSS_DIVISOR = 4, CSS_ROUNDS = 5,
  RTT_RISE_MIN_US = 4000, RTT_RISE_MAX_US = 16000
};

static uint32_t larger(uint32_t a, uint32_t b)  { return a > b ? a : b; }
static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static bool in_first_slow_start(const struct cc *cc) { return cc->ssthresh == UINT32_MAX; }

/* HyStart's numbers end where CUBIC's begin. */
static void end_first_slow_start(struct cc *cc, uint32_t ssthresh)
{
  cc->ssthresh = ssthresh;
  cc->cubic.w_max = cc->cubic.w_prior = cc->cubic.w_est = 0;
  cc->cubic.k_ms = cc->cubic.epoch_ms = 0;
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

/* A round is over when what was in flight at its beginning is acknowledged. */
static void end_round(struct cc *cc, const struct cc_ack *ack)
{
  if (ack->octets < cc->hystart.round_left) {
    cc->hystart.round_left -= ack->octets;
    return;
  }
  cc->hystart.round_left = larger(ack->flight, ack->mss);
  cc->hystart.last_us = cc->hystart.round_us;
  cc->hystart.round_us = UINT32_MAX;
  cc->hystart.samples = 0;
  if (cc->hystart.css_rounds > 0 && ++cc->hystart.css_rounds > CSS_ROUNDS)
    end_first_slow_start(cc, cc->cwnd);
}

static void grow_first(struct cc *cc, const struct cc_ack *ack)
{
  const uint32_t counted = smaller(ack->octets, SLOW_START_SEGMENTS * ack->mss);

  look_at_round_trips(cc, ack->rtt_us);
  cc->cwnd += cc->hystart.css_rounds > 0 ? counted / CSS_DIVISOR : counted;
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

/* 4.2: K = cbrt((W_max - cwnd_epoch) / C), with C 0.4 and windows in segments. */
static void begin_epoch(struct cc *cc, const struct cc_ack *ack)
{
  cc->cubic.epoch_ms = (uint32_t)(ack->now / 1000000);
  cc->cubic.w_est = cc->cwnd;
  if (cc->cubic.w_max <= cc->cwnd) {
    cc->cubic.w_max = cc->cwnd;
    cc->cubic.k_ms = 0;
    return;
  }
  cc->cubic.k_ms = cube_root((uint64_t)(cc->cubic.w_max - cc->cwnd) * 2500000000u / ack->mss);
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
static void grow_estimate(struct cc *cc, const struct cc_ack *ack)
{
  const uint64_t segment = (uint64_t)ack->octets * ack->mss / larger(cc->cwnd, 1);
  const bool beyond = cc->cubic.w_est >= cc->cubic.w_prior;

  cc->cubic.w_est += (uint32_t)(beyond ? segment : segment * 9 / 17);
}

static void avoid_congestion(struct cc *cc, const struct cc_ack *ack)
{
  uint32_t t_ms, target;

  if (cc->cubic.w_est == 0)
    begin_epoch(cc, ack);
  t_ms = (uint32_t)(ack->now / 1000000) - cc->cubic.epoch_ms;
  grow_estimate(cc, ack);
  if (w_cubic(cc, t_ms, ack->mss) < cc->cubic.w_est) {
    cc->cwnd = larger(cc->cwnd, cc->cubic.w_est);
    return;
  }
  target = w_cubic(cc, t_ms + ack->srtt_us / 1000, ack->mss);
  target = smaller(larger(target, cc->cwnd), cc->cwnd + cc->cwnd / 2);     /* 4.2 */
  cc->cwnd += (uint32_t)((uint64_t)(target - cc->cwnd) * ack->octets / larger(cc->cwnd, 1));
}

static void acked(struct cc *cc, const struct cc_ack *ack)
{
  if (cc->cwnd >= CC_CWND_MAX)
    return;
  if (in_first_slow_start(cc))
    grow_first(cc, ack);
  else if (cc->cwnd < cc->ssthresh)
    cc->cwnd += smaller(ack->octets, 2 * ack->mss);          /* RFC 3465 2.2 */
  else
    avoid_congestion(cc, ack);
}

/* 5.8: time in which the application, not the window, set the pace is no time to grow by. */
static void unused(struct cc *cc)
{
  if (!in_first_slow_start(cc))
    cc->cubic.w_est = 0;
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

/* 4.8; and RFC 5681 3.1: the second time-out of the same segment leaves ssthresh alone. */
static void timed_out(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs)
{
  if (backoffs <= 1 || in_first_slow_start(cc))
    remember_loss(cc, mss, flight, BETA_PERCENT);
  cc->cubic.w_est = 0;
  cc->cwnd = mss;
}

static void idle(struct cc *cc, uint32_t mss, uint32_t segments)
{
  cc_restart(cc, mss, segments);
  unused(cc);
}

const struct cc_algorithm cc_cubic = {
  .name = "cubic",
  .start = start,
  .acked = acked,
  .unused = unused,
  .lost = lost,
  .marked = marked,
  .timed_out = timed_out,
  .idle = idle,
  .undo = cc_undo,
};
