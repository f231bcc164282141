/* rate.c - at which rate text arrives: draft-cheng-iccrg-delivery-rate-estimation.  Each
 * transmission remembers how much had been delivered when it left; when it has arrived itself, the
 * difference, over the time that this took, is a sample of what the path carries.
 *
 * The time of a sample is the longer of two: from the first to the last transmission of what it
 * counts, and from the first to the last of its acknowledgments, since either may be squeezed
 * together on the way. Times are in ticks of 1,024 ns, and differences of them are less than an
 * hour. */
#include "tcp/room.h"

enum { TICK_SHIFT = 10 };

static uint32_t ticks(la_time time) { return (uint32_t)(time >> TICK_SHIFT); }

/* What leaves now, for the first time or again. `idle`: nothing else is in flight, and a new run of
 * samples begins. */
void tcp_rate_sent(const struct tcp *t, struct tcb *tcb, struct flight *f, bool idle)
{
  if (idle)
    tcb->rate.first_sent = tcb->rate.delivered_at = ticks(t->now);
  f->delivered = tcb->rate.delivered;
  f->delivered_at = tcb->rate.delivered_at;
  f->first_sent = tcb->rate.first_sent;
  f->app_limited = tcb->rate.app_limited != 0;
}

/* A part of what was in flight has arrived. Of what an ACK tells, the latest transmission is its
 * sample. */
void tcp_rate_delivered(const struct tcp *t, struct tcb *tcb, const struct flight *f,
                        struct tcp_news *news)
{
  const uint32_t sent = ticks(f->sent);

  tcb->rate.delivered += seq_span(f->start, f->end);
  tcb->rate.delivered_at = ticks(t->now);
  if (news->sample.known && (int32_t)(sent - news->sample.sent) < 0)
    return;
  news->sample.known = true;
  news->sample.sent = sent;
  news->sample.prior_delivered = f->delivered;
  news->sample.prior_at = f->delivered_at;
  news->sample.send_ticks = sent - f->first_sent;
  news->sample.app_limited = f->app_limited;
  news->sample.resent = f->resent;
  tcb->rate.first_sent = sent;
}

/* Less time than any round trip has taken means that the sample's first transmission is not the
 * one that has arrived (a resend in vain, say). */
static bool is_plausible(const struct tcb *tcb, uint32_t duration)
{
  return duration > 0 && (uint64_t)(duration + 1) * (1 << TICK_SHIFT) / 1000 >= tcb->rtt.min_us;
}

/* What is shown is the latest sample that says what the path, not the application, can do. */
static void keep(struct tcb *tcb, const struct tcp_rate_sample *s)
{
  if (s->app_limited &&
      (uint64_t)s->octets * tcb->rate.ticks < (uint64_t)tcb->rate.octets * s->ticks)
    return;
  tcb->rate.octets = s->octets;
  tcb->rate.ticks = s->ticks;
  if (s->app_limited)
    tcb->flags |= TCB_RATE_APP_LIMITED;
  else
    tcb->flags &= ~(uint32_t)TCB_RATE_APP_LIMITED;
}

/* The sample of one ACK; `ticks` is 0 where there is none. */
struct tcp_rate_sample tcp_rate_sample(struct tcb *tcb, const struct tcp_news *news)
{
  struct tcp_rate_sample s = { .prior_delivered = news->sample.prior_delivered };
  uint32_t acked;

  if (tcb->rate.app_limited != 0 && (int32_t)(tcb->rate.delivered - tcb->rate.app_limited) > 0)
    tcb->rate.app_limited = 0;                /* what was sent before the pause has arrived */
  if (!news->sample.known)
    return s;
  acked = tcb->rate.delivered_at - news->sample.prior_at;
  s.ticks = acked > news->sample.send_ticks ? acked : news->sample.send_ticks;
  s.octets = tcb->rate.delivered - news->sample.prior_delivered;
  s.app_limited = news->sample.app_limited;
  if (is_plausible(tcb, s.ticks))
    keep(tcb, &s);
  else
    s.ticks = 0;
  return s;
}

/* Does the path have less than it could carry, because there is nothing to send? */
bool tcp_rate_starves(const struct tcb *tcb)
{
  return tcp_unsent(tcb) < tcb->mss && tcp_pipe(tcb) < tcb->cc.cwnd && tcb->lost == 0;
}

/* What is sent from now on measures the application, until all that is in flight now has
 * arrived. */
void tcp_rate_limited(struct tcb *tcb)
{
  const uint32_t until = tcb->rate.delivered + tcp_pipe(tcb);

  tcb->rate.app_limited = until != 0 ? until : 1;
}

/* Octets per second; 0: not known. */
uint64_t tcp_rate_of(uint32_t octets, uint32_t duration)
{
  return duration > 0 ? (uint64_t)octets * LA_SEC / ((uint64_t)duration << TICK_SHIFT) : 0;
}

uint64_t tcp_delivery_rate(const struct tcb *tcb)
{
  return tcp_rate_of(tcb->rate.octets, tcb->rate.ticks);
}

/* At least one microsecond. */
uint32_t tcp_rate_us_since(const struct tcp *t, uint32_t sent)
{
  const uint64_t us = ((uint64_t)(ticks(t->now) - sent) << TICK_SHIFT) / 1000;

  return us > 0 ? (uint32_t)us : 1;
}
