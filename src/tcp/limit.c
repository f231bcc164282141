/* limit.c - what text waits for, and for how long: the peer's window, our own send buffer, or what
 * is left, cwnd, the pace, Nagle's rule and the answer to what is in flight.  RFC 4898 4 asks of a
 * stack where its time goes (SndLimTimeRwin and its like); the states are those that Linux's
 * tcp_info has: busy while text or a FIN is there to be acknowledged, and a part of that limited by
 * either of the two. Only a change of state writes anything. */
#include "tcp/room.h"

static void become(struct tcp *t, struct tcb *tcb, enum tcp_limit limit)
{
  if (tcb->limit == limit)
    return;
  if (tcb->limit != LIMIT_NONE)
    tcb->limit_ms[tcb->limit - 1] += tcp_ms(t) - tcb->limit_since_ms;
  tcb->limit = (uint8_t)limit;
  tcb->limit_since_ms = tcp_ms(t);
}

/* Is there text, or a FIN, that is not acknowledged? */
bool tcp_is_busy(const struct tcb *tcb)
{
  return tcb->tx.octets > 0 ||
         ((tcb->flags & TCB_FIN_QUEUED) && seq_le(tcb->snd.una, tcb->snd.fin));
}

void tcp_limit_start(struct tcp *t, struct tcb *tcb)
{
  if (tcb->limit == LIMIT_NONE && tcp_is_busy(tcb))
    become(t, tcb, LIMIT_BUSY);
}

void tcp_limit_sent(struct tcp *t, struct tcb *tcb) { become(t, tcb, LIMIT_BUSY); }

/* Something must wait, for the window or another reason. Where nothing is in flight whose
 * acknowledgment would open a window, a timer has to. A silly one is used after 0.1 to 1 s (RFC
 * 9293 3.8.6.2.1). */
void tcp_limit_held(struct tcp *t, struct tcb *tcb, bool by_window)
{
  const la_time rto = tcp_rto(t, tcb, tcb->backoffs);

  become(t, tcb, by_window ? LIMIT_RWND : LIMIT_BUSY);
  if (tcp_flight(tcb) == 0 && !tcp_timer_runs(tcb, TCP_T_PERSIST))
    tcp_timer_set(t, tcb, TCP_T_PERSIST,
                  t->now + (tcb->snd.wnd > 0 && rto > LA_SEC ? LA_SEC : rto));
}

/* All of the queue is sent, and a segment more could go: is it only that the queue did not take
 * what the application has? The octets of a probe are sent, and a shut window holds them still. */
void tcp_limit_all_sent(struct tcp *t, struct tcb *tcb, uint32_t cwnd_left)
{
  if (tcb->limit == LIMIT_NONE || tcb->snd.wnd == 0)
    return;
  if ((tcb->flags & TCB_WANTS_ROOM) && cwnd_left >= tcb->mss && tcb->lost == 0 &&
      tcp_state_is(tcb->state, TCP_TX_QUEUE))
    become(t, tcb, LIMIT_SNDBUF);
  else
    become(t, tcb, LIMIT_BUSY);
}

void tcp_limit_room(struct tcp *t, struct tcb *tcb)
{
  if (tcb->limit == LIMIT_SNDBUF)
    become(t, tcb, LIMIT_BUSY);
}

void tcp_limit_acked(struct tcp *t, struct tcb *tcb)
{
  if (tcb->limit != LIMIT_NONE && !tcp_is_busy(tcb))
    become(t, tcb, LIMIT_NONE);
}

/* Whatever was still to be acknowledged never will be. */
void tcp_limit_end(struct tcp *t, struct tcb *tcb) { become(t, tcb, LIMIT_NONE); }

/* For how long, in all, by now. */
la_time tcp_limited(const struct tcp *t, const struct tcb *tcb, enum tcp_limit by)
{
  const uint32_t now = tcb->limit == by ? tcp_ms(t) - tcb->limit_since_ms : 0;

  return (la_time)(tcb->limit_ms[by - 1] + now) * LA_MS;
}
