/* cc.c - the congestion controls by number, and what they have in common. */
#include "tcp/cc.h"
#include "base/need.h"
#include "lastack.h"
#include "tcp/cc_bbr.h"
#include "tcp/cc_cubic.h"
#include "tcp/cc_newreno.h"
#include <string.h>

const struct cc_algorithm *cc_algorithm(unsigned number)
{
  static const struct cc_algorithm *const algorithms[LA_CC_COUNT] = {
    [LA_CC_NEWRENO] = &cc_newreno,
    [LA_CC_CUBIC] = &cc_cubic,
    [LA_CC_BBR] = &cc_bbr,
  };

  need(number < LA_CC_COUNT);
  return algorithms[number];
}

uint32_t cc_initial_window(uint32_t mss, uint32_t segments)
{
  const uint32_t octets = segments * 1460, least = segments < 2 ? mss : 2 * mss;
  const uint32_t most = octets > least ? octets : least;

  return segments * mss < most ? segments * mss : most;
}

uint32_t cc_slow_start(struct cc *cc, const struct cc_ack *ack, uint32_t segments)
{
  const uint32_t limit = ack->limit > 0 ? ack->limit : segments * ack->mss;
  const uint32_t counted = ack->octets < limit ? ack->octets : limit;
  const uint32_t room = cc->ssthresh - cc->cwnd;

  if (counted <= room) {
    cc->cwnd += counted;
    return 0;
  }
  cc->cwnd = cc->ssthresh;
  return counted - room;
}

void cc_restart(struct cc *cc, uint32_t mss, uint32_t segments)
{
  const uint32_t window = cc_initial_window(mss, segments), most = cc->cwnd / 4 * 3;

  if (cc->cwnd <= window)
    return;
  if (cc->ssthresh < most)
    cc->ssthresh = most;
  cc->cwnd = window;
}

void cc_undo(struct cc *cc, const struct cc *before)
{
  const uint32_t cwnd = cc->cwnd;

  *cc = *before;
  if (cc->cwnd < cwnd)
    cc->cwnd = cwnd;
}

void cc_settle(struct cc *cc, uint32_t ssthresh)
{
  const uint32_t cwnd = cc->cwnd;

  memset(cc, 0, sizeof *cc);
  cc->cwnd = cwnd;
  cc->ssthresh = ssthresh;
}
