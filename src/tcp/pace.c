/* pace.c - when the next text may leave.  A connection that is paced sends bursts of about a
 * millisecond, at least two segments (one super-packet, where the link takes such), and the next
 * one only when the pace has made room for it: a due time and no queue. What is late catches up by
 * half a burst at most.
 *
 * BBR asks for a pace. CUBIC and NewReno are paced if the application wants it (LA_OPT_PACING):
 * twice cwnd in a round trip while slow start doubles it, 1.2 times after, as Linux does. */
#include "tcp/room.h"

enum { BURSTS_PER_SECOND = 1024 };

static const struct cc_algorithm *algorithm_of(const struct tcb *tcb)
{
  return cc_algorithm(tcb->congestion);
}

/* After a change of what it depends on. */
void tcp_pace_update(struct tcb *tcb)
{
  if (algorithm_of(tcb)->pace || tcb->habits->pacing || tcb->habits->pacing_rate > 0)
    tcb->pace.on = true;
  else
    tcb->pace.on = false;
}

/* 0: not known yet. */
static uint64_t rate_by_window(const struct tcb *tcb)
{
  const uint64_t percent = tcb->cc.cwnd < tcb->cc.ssthresh / 2 ? 200 : 120;
  const uint32_t pipe = tcp_pipe(tcb), window = tcb->cc.cwnd > pipe ? tcb->cc.cwnd : pipe;

  return tcb->rtt.srtt_us == 0 ? 0 : window * percent * 10000 / tcb->rtt.srtt_us;
}

/* Octets per second; 0: as fast as it can. */
uint64_t tcp_pacing_rate(const struct tcb *tcb)
{
  const struct cc_algorithm *const a = algorithm_of(tcb);
  const uint64_t most = tcb->habits->pacing_rate;
  uint64_t rate;

  if (!tcb->pace.on)
    return 0;
  rate = a->pace               ? a->pace(&tcb->cc, tcb->mss, tcb->rtt.srtt_us)
         : tcb->habits->pacing ? rate_by_window(tcb)
                               : 0;
  return rate == 0 || (most > 0 && most < rate) ? most : rate;
}

/* The most text of one burst. */
static uint32_t burst_of(const struct tcb *tcb, uint64_t rate)
{
  const uint64_t burst = rate / BURSTS_PER_SECOND;
  const uint32_t least = 2u * tcb->mss;

  return burst <= least ? least : burst < TCP_BURST_MAX ? (uint32_t)burst : TCP_BURST_MAX;
}

/* May text leave now? If not, a timer will say when. */
bool tcp_pace_holds(struct tcp *t, struct tcb *tcb)
{
  uint64_t rate;

  if (t->now >= tcb->pace.at) {
    rate = tcp_pacing_rate(tcb);
    tcb->pace.left = rate > 0 ? burst_of(tcb, rate) : UINT32_MAX;
  }
  if (tcb->pace.left > 0)
    return false;
  tcp_timer_set(t, tcb, TCP_T_PACE, tcb->pace.at);
  return true;
}

/* So much has left. */
void tcp_pace_sent(const struct tcp *t, struct tcb *tcb, uint32_t octets)
{
  const uint64_t rate = tcp_pacing_rate(tcb);
  const la_time catch_up = LA_SEC / BURSTS_PER_SECOND / 2;

  if (rate == 0)
    return;
  if (tcb->pace.at < t->now - catch_up)
    tcb->pace.at = t->now - catch_up;
  tcb->pace.at += (la_time)(octets * (uint64_t)LA_SEC / rate);
  tcb->pace.left -= octets < tcb->pace.left ? octets : tcb->pace.left;
}

void tcp_pace_due(struct tcp *t, struct tcb *tcb) { tcp_wake(t, tcb); }

/* config.gso_segments: how much text one super-packet holds at most. What cwnd sends in a
 * millisecond, paced or not, but no fewer segments than configured, so that a slow path gets no
 * bursts that its queue cannot take; and half of cwnd, so that the first ACK comes while the rest
 * is under way. */
uint32_t tcp_run_limit(const struct tcp *t, const struct tcb *tcb)
{
  const uint64_t rate = rate_by_window(tcb), least = (uint64_t)t->set.gso_segments * tcb->mss;
  const uint64_t burst = rate == 0 ? UINT32_MAX : rate / BURSTS_PER_SECOND;
  const uint64_t most = burst > least ? burst : least;
  const uint32_t half = tcb->cc.cwnd / 2;

  if (t->set.gso_segments == 0)
    return UINT32_MAX;
  return most < half ? (uint32_t)most : half;
}

/* What a time-out sends again has waited for an RTO: a pace that was too slow does not count the
 * time-outs of segments that never left. */
void tcp_pace_timeout(const struct tcp *t, struct tcb *tcb)
{
  if (tcb->pace.at > t->now)
    tcb->pace.at = t->now;
}
