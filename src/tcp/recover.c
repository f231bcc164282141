/* recover.c - what is lost and when to send it again: RFC 5681 3.2, RFC 6582 (NewReno),
 * RFC 3042 (limited transmit), RFC 6298 5.4-5.6.
 *
 * SND.NXT never goes back. What is to be sent again is a range, [repair.nxt, repair.end): one
 * segment in recovery, all that was in flight after a time-out. emit.c sends it. */
#include "tcp/room.h"

uint32_t tcp_flight(const struct tcb *tcb) { return seq_span(tcb->snd.una, tcb->snd.nxt); }

/* After a time-out, nothing that was sent before it counts as on its way until sent again. */
uint32_t tcp_pipe(const struct tcb *tcb)
{
  if (tcb->mode == TCP_LOSS && seq_lt(tcb->repair.nxt, tcb->repair.end))
    return seq_span(tcb->snd.una, seq_max(tcb->snd.una, tcb->repair.nxt));
  return tcp_flight(tcb);
}

void tcp_repair(struct tcp *t, struct tcb *tcb, tcp_seq from, tcp_seq to)
{
  tcb->repair.nxt = from;
  tcb->repair.end = to;
  tcb->say |= SAY_REPAIR;
  tcp_wake(t, tcb);
}

static void repair_first(struct tcp *t, struct tcb *tcb)
{
  const uint32_t one = tcb->mss < tcp_flight(tcb) ? tcb->mss : tcp_flight(tcb);

  tcp_repair(t, tcb, tcb->snd.una, seq_add(tcb->snd.una, one));
}

static const struct cc_algorithm *algorithm_of(const struct tcb *tcb)
{
  return cc_algorithm(tcb->habits.congestion);
}

/* RFC 6582 3.2 step 3: an ACK below `recover` tells of the next hole. */
static void partial_ack(struct tcp *t, struct tcb *tcb, uint32_t octets)
{
  tcb->cc.cwnd -= octets < tcb->cc.cwnd ? octets : tcb->cc.cwnd;
  if (octets >= tcb->mss)
    tcb->cc.cwnd += tcb->mss;
  if (tcb->cc.cwnd < tcb->mss)
    tcb->cc.cwnd = tcb->mss;
  repair_first(t, tcb);
}

/* RFC 6582 3.2 step 3, option 1: no burst when recovery ends. */
static void full_ack(struct tcp *t, struct tcb *tcb)
{
  const uint32_t flight = tcp_flight(tcb) > tcb->mss ? tcp_flight(tcb) : tcb->mss;
  const uint32_t gentle = flight + tcb->mss;

  if (tcb->mode == TCP_RECOVERY)
    tcb->cc.cwnd = tcb->cc.ssthresh < gentle ? tcb->cc.ssthresh : gentle;
  tcb->mode = TCP_OPEN;
  tcb->say &= (uint8_t)~SAY_REPAIR;
  tcp_trace_add(t, tcb, LA_TRACE_RECOVERY_OUT, 0, 0, 0, tcb->cc.cwnd, 0);
}

/* What an ACK adds to cwnd. After a time-out it may tell of text that had long left the network and
 * counts for one segment at most (RFC 3465 2.3). Unused cwnd does not grow (RFC 7661's case). */
static void grow(struct tcb *tcb, uint32_t octets, uint32_t flight, bool after_loss)
{
  const bool limited = (tcb->flags & TCB_CWND_LIMITED) || flight >= tcb->cc.cwnd;
  const uint32_t counted = after_loss && octets > tcb->mss ? tcb->mss : octets;

  if (octets > 0 && (limited || after_loss))
    algorithm_of(tcb)->acked(&tcb->cc, tcb->mss, counted);
}

/* SND.UNA has just moved by `octets` of text; `flight` was in flight before. */
void tcp_recover_acked(struct tcp *t, struct tcb *tcb, uint32_t octets, uint32_t flight)
{
  const uint8_t mode = tcb->mode;

  tcb->duplicate_acks = 0;
  if (mode != TCP_OPEN && seq_le(tcb->recover, tcb->snd.una))
    full_ack(t, tcb);
  else if (mode == TCP_RECOVERY)
    partial_ack(t, tcb, octets);
  if (mode != TCP_RECOVERY)
    grow(tcb, octets, flight, mode == TCP_LOSS);
}

static void enter_recovery(struct tcp *t, struct tcb *tcb)
{
  const uint32_t before = tcb->cc.cwnd, flight = tcp_flight(tcb);

  tcb->mode = TCP_RECOVERY;
  tcb->recover = tcb->snd.nxt;
  tcb->recoveries++;
  t->count[TCP_N_fast_retransmits]++;
  /* RFC 5681 3.2 step 2: what limited transmit let go beyond cwnd is not counted. */
  algorithm_of(tcb)->lost(&tcb->cc, tcb->mss, flight < before ? flight : before);
  tcb->cc.cwnd += 3u * tcb->mss;              /* RFC 5681 3.2 step 3: three segments have left */
  tcp_trace_add(t, tcb, LA_TRACE_RECOVERY_IN, 0, 0, 0, before, tcb->cc.cwnd);
  repair_first(t, tcb);
}

/* RFC 5681 2's duplicate ACK. The third one starts recovery, unless it belongs to segments sent
 * before the last recovery or time-out (RFC 6582 4.1: `recover`). */
void tcp_recover_duplicate(struct tcp *t, struct tcb *tcb)
{
  tcb->duplicate_acks_total++;
  if (tcb->duplicate_acks < UINT8_MAX)
    tcb->duplicate_acks++;
  if (tcb->mode == TCP_RECOVERY) {
    if (tcb->cc.cwnd < 1u << 30)
      tcb->cc.cwnd += tcb->mss;               /* step 4: one more has left the network */
    tcp_wake(t, tcb);
  } else if (tcb->mode == TCP_OPEN && tcb->duplicate_acks == 3 &&
             seq_lt(tcb->recover, tcb->snd.una)) {
    enter_recovery(t, tcb);
  } else if (tcb->duplicate_acks < 3) {
    tcp_wake(t, tcb);                         /* RFC 3042: new text may go */
  }
}

/* RFC 6298 5.4-5.6 and RFC 5681 3.1: everything in flight is taken for lost. */
void tcp_recover_timeout(struct tcp *t, struct tcb *tcb)
{
  const uint32_t before = tcb->cc.cwnd;

  if (tcp_state_is(tcb->state, TCP_SYNCED)) {
    algorithm_of(tcb)->timed_out(&tcb->cc, tcb->mss, tcp_flight(tcb), tcb->backoffs);
    if (tcb->mode != TCP_LOSS)
      tcp_trace_add(t, tcb, LA_TRACE_RECOVERY_IN, 1, 0, 0, before, tcb->cc.cwnd);
    tcb->mode = TCP_LOSS;
    tcb->recover = tcb->snd.nxt;
  }
  tcb->duplicate_acks = 0;
  tcb->flags &= ~(uint32_t)TCB_TIMING;        /* Karn */
  tcp_repair(t, tcb, tcb->snd.una, tcb->snd.nxt);
}
