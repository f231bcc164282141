/* cc_newreno.c - RFC 5681, counting octets as RFC 3465 does.  What happens between the
 * first duplicate ACK and the end of recovery (RFC 6582) is recover.c's: it needs the sequence
 * numbers. */
#include "tcp/cc_newreno.h"

enum { CWND_MAX = 1 << 30 };    /* the largest window that RFC 7323 can announce */

static uint32_t half_of(uint32_t flight, uint32_t mss)
{
  return flight / 2 > 2 * mss ? flight / 2 : 2 * mss;      /* RFC 5681 equation 4 */
}

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)), with another number of segments if so set. */
static uint32_t initial_window(uint32_t mss, uint32_t segments)
{
  const uint32_t octets = segments * 1460, least = segments < 2 ? mss : 2 * mss;
  const uint32_t most = octets > least ? octets : least;

  return segments * mss < most ? segments * mss : most;
}

static void start(struct cc *cc, uint32_t mss, uint32_t segments)
{
  cc->cwnd = initial_window(mss, segments);
  cc->ssthresh = UINT32_MAX;
  cc->credit = 0;
}

/* RFC 3465 2.1: in slow start at most two segments an ACK; then one a window. recover.c says what
 * counts after a time-out. */
static void acked(struct cc *cc, uint32_t mss, uint32_t octets)
{
  if (cc->cwnd >= CWND_MAX)
    return;
  if (cc->cwnd < cc->ssthresh) {
    cc->cwnd += octets < 2 * mss ? octets : 2 * mss;
    return;
  }
  cc->credit += octets;
  if (cc->credit >= cc->cwnd) {
    cc->credit -= cc->cwnd;
    cc->cwnd += mss;
  }
}

static void lost(struct cc *cc, uint32_t mss, uint32_t flight)
{
  cc->ssthresh = half_of(flight, mss);
  cc->cwnd = cc->ssthresh;
  cc->credit = 0;
}

/* RFC 5681 3.1: the second time-out of the same segment leaves ssthresh alone. */
static void timed_out(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs)
{
  if (backoffs <= 1)
    cc->ssthresh = half_of(flight, mss);
  cc->cwnd = mss;
  cc->credit = 0;
}

static void idle(struct cc *cc, uint32_t mss, uint32_t segments)
{
  if (cc->cwnd > initial_window(mss, segments))
    cc->cwnd = initial_window(mss, segments);
}

const struct cc_algorithm cc_newreno = {
  .name = "newreno",
  .start = start,
  .acked = acked,
  .lost = lost,
  .timed_out = timed_out,
  .idle = idle,
};
