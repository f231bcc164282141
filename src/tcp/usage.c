/* usage.c - how far cwnd is used.  One that the application, or the peer's window, has not let fill
 * says nothing of what the path carries, so it must not grow (RFC 9438 5.8, RFC 7661 4.4);
 * and after a pause it says less and less (RFC 5681 4.1).
 *
 * A window of text is looked at at a time, as Linux does: whether cwnd was full in it, and else
 * what was in flight at most. In slow start a flight of more than half of cwnd will do, for what
 * that doubles to is more than cwnd is. */
#include "tcp/room.h"

static const struct cc_algorithm *algorithm_of(const struct tcb *tcb)
{
  return cc_algorithm(tcb->congestion);
}

static void note(struct tcb *tcb, bool full)
{
  if (full)
    tcb->flags |= TCB_CWND_LIMITED;
  else
    tcb->flags &= ~(uint32_t)TCB_CWND_LIMITED;
  tcb->usage.most = tcp_flight(tcb);
  tcb->usage.until = tcb->snd.nxt;
}

/* New text has left. */
void tcp_usage_sent(struct tcb *tcb)
{
  const bool full = tcp_pipe(tcb) + tcb->mss > tcb->cc.cwnd;
  const bool was_full = (tcb->flags & TCB_CWND_LIMITED) != 0;

  if (full || seq_le(tcb->usage.until, tcb->snd.una) ||
      (!was_full && tcp_flight(tcb) > tcb->usage.most))
    note(tcb, full);
}

/* There is text, and cwnd keeps it back. */
void tcp_usage_full(struct tcb *tcb) { note(tcb, true); }

/* May cwnd grow by what is acknowledged now? */
bool tcp_usage_is_good(const struct tcb *tcb)
{
  const bool slow_start = tcb->cc.cwnd < tcb->cc.ssthresh;

  return (tcb->flags & TCB_CWND_LIMITED) || (slow_start && tcb->cc.cwnd < 2 * tcb->usage.most);
}

/* Text goes out. RFC 5681 4.1: after a time longer than the RTO without sending anything of our
 * stream (ACKs are not), the path is no longer known. A model of it is, and hears of every pause of
 * the application's. */
void tcp_usage_resume(const struct tcp *t, struct tcb *tcb)
{
  const struct cc_algorithm *const a = algorithm_of(tcb);
  const bool model = tcb->pace.by_model;
  const la_time idle = (la_time)(tcp_ms(t) - tcb->stream_sent_ms) * LA_MS;
  const bool paused = model ? tcb->rate.app_limited != 0 : idle > tcp_rto(t, tcb, 0);

  if (tcp_flight(tcb) > 0)
    return;
  if (a->resumed)
    a->resumed(&tcb->cc, t->now);
  if (paused && (model || !t->set.no_idle_restart))
    a->idle(&tcb->cc, tcb->mss, t->set.initial_window);
}
