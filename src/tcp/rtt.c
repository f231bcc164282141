/* rtt.c - round-trip times and the retransmission time-out, RFC 6298; the timestamp clock of
 * RFC 7323.  One segment a flight is timed, never one that was sent twice (Karn). */
#include "tcp/room.h"

/* Departs: RFC 6298 2.4 SHOULD round the RTO up to one second. Linux and FreeBSD go lower, to
 * 200 and 30 ms: links have become faster than 1988's. `rto_min` sets it. */
la_time tcp_rto(const struct tcp *t, const struct tcb *tcb, unsigned backoffs)
{
  la_time rto = (la_time)tcb->rtt.rto_us * 1000;

  if (rto == 0)
    rto = t->set.rto_initial;
  for (unsigned i = 0; i < backoffs && rto < t->set.rto_max; i++)      /* at most 255 */
    rto *= 2;
  if (tcb->rtt.rto_us != 0 || backoffs > 0)
    rto += t->set.rto_slop;
  return rto < t->set.rto_max ? rto : t->set.rto_max;
}

static uint32_t clamp_us(la_time time)
{
  const la_time us = time / 1000;

  return us < 1 ? 1 : us > INT32_MAX ? INT32_MAX : (uint32_t)us;
}

/* RFC 6298 2.3: RTO = SRTT + max(G, 4 * RTTVAR), within its bounds. */
static void reckon_rto(const struct tcp *t, struct tcb *tcb)
{
  const uint32_t variance = tcb->rtt.rttvar_us < 250000000 ? tcb->rtt.rttvar_us : 250000000;
  const uint32_t deviation = 4 * variance > 1000 ? 4 * variance : 1000;
  la_time rto = ((la_time)tcb->rtt.srtt_us + deviation) * 1000;

  if (rto < t->set.rto_min)
    rto = t->set.rto_min;
  if (rto > t->set.rto_max)
    rto = t->set.rto_max;
  tcb->rtt.rto_us = clamp_us(rto);
}

/* RFC 6298 2.2 and 2.3, with alpha 1/8 and beta 1/4, in microseconds; G is a millisecond, the
 * granularity that RTO's own timer is good for. */
void tcp_rtt_sample(const struct tcp *t, struct tcb *tcb, la_time rtt)
{
  const uint32_t r = clamp_us(rtt);

  if (tcb->rtt.srtt_us == 0) {
    tcb->rtt.srtt_us = r;
    tcb->rtt.rttvar_us = r / 2;
  } else {
    const uint32_t srtt = tcb->rtt.srtt_us;
    const uint32_t error = srtt > r ? srtt - r : r - srtt;

    tcb->rtt.rttvar_us += error / 4;
    tcb->rtt.rttvar_us -= (tcb->rtt.rttvar_us - error / 4) / 4;
    tcb->rtt.srtt_us = (uint32_t)(((uint64_t)srtt * 7 + r) / 8);
    if (tcb->rtt.srtt_us == 0)
      tcb->rtt.srtt_us = 1;
  }
  if (tcb->rtt.min_us == 0 || r < tcb->rtt.min_us)
    tcb->rtt.min_us = r;
  reckon_rto(t, tcb);
}

/* RFC 4015 3.2 (steps 6 to 8 there): after a time-out that came too early, the round trip that it
 * did not wait for counts in full. */
void tcp_rtt_late(const struct tcp *t, struct tcb *tcb, la_time rtt)
{
  const uint32_t r = clamp_us(rtt);

  if (tcb->rtt.srtt_us < r)
    tcb->rtt.srtt_us = r;
  if (tcb->rtt.rttvar_us < r / 2)
    tcb->rtt.rttvar_us = r / 2;
  reckon_rto(t, tcb);
}

/* What is sent from now on ends at SND.NXT; its acknowledgment will be a sample. */
void tcp_rtt_start(const struct tcp *t, struct tcb *tcb)
{
  tcb->rtt.end = tcb->snd.nxt;
  tcb->rtt.at_us = (uint32_t)(t->now / 1000);
  tcb->flags |= TCB_TIMING;
}

/* RFC 7323 5.4: a millisecond clock, from an offset of its own for each pair of hosts. */
uint32_t tcp_ts_at(const struct tcb *tcb, la_time at)
{
  return (uint32_t)(at / LA_MS) + tcb->ts_offset;
}

uint32_t tcp_ts_now(const struct tcp *t, const struct tcb *tcb) { return tcp_ts_at(tcb, t->now); }
