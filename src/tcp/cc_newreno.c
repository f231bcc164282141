/* cc_newreno.c - RFC 5681, counting octets as RFC 3465 does.  What happens between the
 * first duplicate ACK and the end of recovery (RFC 6582) is recover.c's: it needs the sequence
 * numbers. */
#include "tcp/cc_newreno.h"

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

/* RFC 3465 2.1: in slow start at most two segments an ACK; then one a window. recover.c says what
 * counts after a time-out. */
static void acked(struct cc *cc, const struct cc_ack *ack)
{
  if (cc->cwnd >= CC_CWND_MAX)
    return;
  if (cc->cwnd < cc->ssthresh) {
    cc->cwnd += ack->octets < 2 * ack->mss ? ack->octets : 2 * ack->mss;
    return;
  }
  cc->reno.credit += ack->octets;
  if (cc->reno.credit >= cc->cwnd) {
    cc->reno.credit -= cc->cwnd;
    cc->cwnd += ack->mss;
  }
}

static void unused(struct cc *cc) { (void)cc; }       /* RFC 7661's case: nothing grows */

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
  .unused = unused,
  .lost = lost,
  .marked = marked,
  .timed_out = timed_out,
  .idle = cc_restart,
  .undo = cc_undo,
};
