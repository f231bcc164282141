/* cc_newreno.c - RFC 5681, counting octets as RFC 3465 does.  What happens between the
 * first duplicate ACK and the end of recovery (RFC 6582) is recover.c's: it needs the sequence
 * numbers. */
#include "tcp/cc_newreno.h"

enum { SLOW_START_SEGMENTS = 2 };

static uint32_t half_of(uint32_t flight, uint32_t mss)
{
  return flight / 2 > 2 * mss ? flight / 2 : 2 * mss;      /* RFC 5681 equation 4 */
}

static void start(struct cc *cc, uint32_t mss, uint32_t segments)
{
  cc->cwnd = cc_initial_window(mss, segments);
  cc->ssthresh = UINT32_MAX;
  cc->reno.credit = 0;
}

/* RFC 3465 2.1 and 2.2: in slow start at most two segments an ACK; then one a window. */
static void acked(struct cc *cc, const struct cc_ack *ack)
{
  if (!ack->used || cc->cwnd >= CC_CWND_MAX)
    return;
  cc->reno.credit +=
      cc->cwnd < cc->ssthresh ? cc_slow_start(cc, ack, SLOW_START_SEGMENTS) : ack->octets;
  if (cc->reno.credit >= cc->cwnd) {
    cc->reno.credit -= cc->cwnd;
    cc->cwnd += ack->mss;
  }
}

static void lost(struct cc *cc, uint32_t mss, uint32_t flight)
{
  cc->ssthresh = half_of(flight, mss);
  cc->cwnd = cc->ssthresh;
  cc->reno.credit = 0;
}

/* RFC 8511 3.1: what is marked was marked before the queue was long, so 0.8 is left. */
static void marked(struct cc *cc, uint32_t mss, uint32_t flight)
{
  const uint32_t left = (uint32_t)((uint64_t)flight * 4 / 5);

  cc->ssthresh = left > 2 * mss ? left : 2 * mss;
  cc->cwnd = cc->ssthresh;
  cc->reno.credit = 0;
}

/* RFC 5681 3.1: the second time-out of the same segment leaves ssthresh alone. */
static void timed_out(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs)
{
  if (backoffs <= 1)
    cc->ssthresh = half_of(flight, mss);
  cc->cwnd = mss;
  cc->reno.credit = 0;
}

const struct cc_algorithm cc_newreno = {
  .name = "newreno",
  .start = start,
  .acked = acked,
  .lost = lost,
  .marked = marked,
  .timed_out = timed_out,
  .idle = cc_restart,
  .undo = cc_undo,
};
