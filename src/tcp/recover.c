/* recover.c - what to do about a loss.  With SACK: RACK says what is lost (rack.c), and PRR
 * (RFC 9937) how fast to go on. Without: RFC 5681 3.2, RFC 6582 (NewReno), RFC 3042. After a
 * time-out, RFC 6298 5.4-5.6: what was out is lost, and slow start sends it again. A loss that
 * turns out to have been none is taken back (undo.c).
 *
 * SND.NXT never goes back. What is to be sent again is marked in the list of flights, and
 * emit.c sends it, oldest first, as fast as cwnd lets it. */
#include "tcp/room.h"

/* [from, to) is to be sent again, the first segment of it whatever cwnd says. */
void tcp_repair(struct tcp *t, struct tcb *tcb, tcp_seq from, tcp_seq to)
{
  tcp_flight_lose_range(t, tcb, from, to);
  tcb->say |= SAY_REPAIR;
  tcp_wake(t, tcb);
}

static void repair_first(struct tcp *t, struct tcb *tcb)
{
  tcp_flight_lose_first(t, tcb);
  tcb->say |= SAY_REPAIR;
  tcp_wake(t, tcb);
}

static const struct cc_algorithm *algorithm_of(const struct tcb *tcb)
{
  return cc_algorithm(tcb->congestion);
}

static uint32_t larger(uint32_t a, uint32_t b)  { return a > b ? a : b; }
static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* ---- in and out of recovery ---- */

/* `delivered`: by the ACK that tells of the loss. RFC 9937's RecoverFS counts it as in flight, and
 * what SACK had told of before it not. */
static void enter_recovery(struct tcp *t, struct tcb *tcb, uint32_t delivered)
{
  const uint32_t before = tcb->cc.cwnd, flight = tcp_flight(tcb);

  tcp_undo_begin(t, tcb);
  tcb->mode = TCP_RECOVERY;
  tcb->marks &= (uint16_t)~MARK_PARTIAL;
  tcb->recover = tcb->snd.nxt;
  tcp_count_up(&tcb->recoveries);
  t->count[TCP_N_fast_retransmits]++;
  /* RFC 5681 3.2 step 2: what limited transmit let go beyond cwnd is not counted. */
  if (!tcp_ecn_has_reduced(tcb))
    algorithm_of(tcb)->lost(&tcb->cc, tcb->mss, smaller(flight, before));
  tcp_ecn_reduced(tcb);
  tcb->prr.flight = larger(flight - tcb->sacked + delivered, 1);
  tcb->prr.delivered = tcb->prr.out = 0;
  tcp_timer_stop(tcb, TCP_T_PROBE);
  tcp_trace_add(t, tcb, LA_TRACE_RECOVERY_IN, 0, 0, 0, before, tcb->cc.cwnd);
  tcb->say |= SAY_REPAIR;
  tcp_wake(t, tcb);
}

void tcp_recover_open(struct tcp *t, struct tcb *tcb)
{
  tcb->mode = TCP_OPEN;
  tcb->frto = FRTO_OFF;
  tcb->say &= (uint8_t)~SAY_REPAIR;
  tcp_wake(t, tcb);
}

/* Everything that was out when the loss was seen has arrived. With PRR, cwnd ends at ssthresh;
 * without, RFC 6582 3.2 step 3, option 1: no burst at the end. */
static void leave_recovery(struct tcp *t, struct tcb *tcb)
{
  const uint32_t gentle = larger(tcp_flight(tcb), tcb->mss) + tcb->mss;

  if (tcb->mode == TCP_RECOVERY && !tcb->pace.by_model)
    tcb->cc.cwnd = (tcb->flags & TCB_SACK) ? tcb->cc.ssthresh : smaller(tcb->cc.ssthresh, gentle);
  tcp_recover_open(t, tcb);
  tcp_rack_recovered(tcb);
  tcp_trace_add(t, tcb, LA_TRACE_RECOVERY_OUT, 0, 0, 0, tcb->cc.cwnd, 0);
}

/* ---- without SACK ---- */

/* RFC 6582 3.2 step 3: an ACK below `recover` tells of the next hole. */
static void partial_ack(struct tcp *t, struct tcb *tcb, uint32_t octets)
{
  tcb->cc.cwnd -= smaller(octets, tcb->cc.cwnd);
  if (octets >= tcb->mss)
    tcb->cc.cwnd += tcb->mss;
  tcb->cc.cwnd = larger(tcb->cc.cwnd, tcb->mss);
  repair_first(t, tcb);
}

/* RFC 5681 2's duplicate ACK. The third one starts recovery, unless it belongs to segments sent
 * before the last recovery or time-out (RFC 6582 4.1: `recover`). With SACK, the blocks tell
 * more than the count does, and RACK has heard them. */
static void duplicate(struct tcp *t, struct tcb *tcb)
{
  tcp_count_up(&tcb->duplicate_acks_total);
  if (tcb->duplicate_acks < UINT8_MAX)
    tcb->duplicate_acks++;
  if (tcb->flags & TCB_SACK)
    return;
  if (tcb->mode == TCP_RECOVERY) {
    if (tcb->cc.cwnd < 1u << 30)
      tcb->cc.cwnd += tcb->mss;               /* step 4: one more has left the network */
  } else if (tcb->mode == TCP_OPEN && tcb->duplicate_acks == 3 &&
             seq_lt(tcb->recover, tcb->snd.una) && !tcp_mtu_probe_next_lost(t, tcb)) {
    enter_recovery(t, tcb, 0);
    tcb->cc.cwnd += 3u * tcb->mss;            /* RFC 5681 3.2 step 3: three segments have left */
    repair_first(t, tcb);
  }
  tcp_wake(t, tcb);                           /* RFC 3042: new text may go */
}

/* ---- with SACK ---- */

/* RFC 9937 6.2: as much goes out as arrives, in the proportion that brings cwnd to ssthresh. Below
 * that, as much as arrives, and a segment more while recovery goes well (`safe`). */
static void reduce_in_proportion(struct tcb *tcb, uint32_t delivered, bool safe)
{
  const uint32_t pipe = tcp_pipe(tcb), ssthresh = tcb->cc.ssthresh;
  uint32_t send;

  tcb->prr.delivered += delivered;
  if (pipe > ssthresh) {
    const uint64_t due = ((uint64_t)tcb->prr.delivered * ssthresh + tcb->prr.flight - 1) /
                         tcb->prr.flight;

    send = due > tcb->prr.out ? (uint32_t)due - tcb->prr.out : 0;
  } else {
    const uint32_t behind = tcb->prr.delivered > tcb->prr.out ? tcb->prr.delivered - tcb->prr.out
                                                              : 0;

    send = smaller(ssthresh - pipe, larger(behind, delivered) + (safe ? tcb->mss : 0));
  }
  if (tcb->prr.out == 0 && send == 0)
    send = tcb->mss;                          /* the first retransmission goes */
  tcb->cc.cwnd = larger(pipe + send, tcb->mss);
}

/* RACK has looked at the flights: what was lost in the open starts recovery. */
static void react(struct tcp *t, struct tcb *tcb, uint32_t delivered, bool safe)
{
  const bool enters =
      tcb->lost > 0 && tcb->mode == TCP_OPEN && !tcp_mtu_probe_lost(t, tcb);

  if (enters)
    enter_recovery(t, tcb, delivered);
  if (tcb->mode == TCP_RECOVERY && (delivered > 0 || enters) && !tcb->pace.by_model)
    reduce_in_proportion(tcb, delivered, safe);
  if (tcb->lost > 0)
    tcp_wake(t, tcb);
}

/* RFC 8985 6.3: reordering did not explain it. */
void tcp_recover_reordering_due(struct tcp *t, struct tcb *tcb)
{
  (void)tcp_rack_detect(t, tcb);
  react(t, tcb, 0, false);
}

/* ---- the ACK ---- */

/* Of what an ACK acknowledges, the octets that count in slow start; 0: as the congestion control
 * has it. After a time-out it may tell of text that had long left the network, and counts for one
 * segment (RFC 3465 2.3). */
static uint32_t slow_start_limit(const struct tcp *t, const struct tcb *tcb, bool after_loss)
{
  if (t->set.slow_start_limit == UINT8_MAX)
    return UINT32_MAX;
  if (t->set.slow_start_limit > 0)
    return (after_loss ? 1u : t->set.slow_start_limit) * tcb->mss;
  return after_loss ? tcb->mss : 0;
}

/* What an ACK is the first to tell of. For what SACK, or each duplicate ACK, had told before, text
 * has gone out already (RFC 3042, RFC 6675 4): it would be counted twice, and lead to a burst. */
static uint32_t told_first(const struct tcb *tcb, const struct tcp_news *news)
{
  const bool open = tcb->mode == TCP_OPEN;
  const uint32_t by_duplicates = open ? (uint32_t)tcb->duplicate_acks * tcb->mss : 0;

  if (tcb->flags & TCB_SACK)
    return smaller(news->acked, news->delivered);
  return news->acked - smaller(news->acked, by_duplicates);
}

/* What an ACK adds to cwnd, by the octets that count. */
static void grow(const struct tcp *t, struct tcb *tcb, const struct tcp_news *news, uint32_t octets,
                 bool after_loss)
{
  const struct cc_ack ack = {
    .now = t->now, .mss = tcb->mss, .flight = news->flight, .octets = octets,
    .limit = slow_start_limit(t, tcb, after_loss),
    .rtt_us = tcb->rack.rtt_us, .srtt_us = tcb->rtt.srtt_us,
    .used = after_loss || tcp_usage_is_good(tcb), .paced = tcb->pace.on,
  };

  if (octets == 0 || tcb->pace.by_model)
    return;
  if (news->marked)                           /* RFC 3168 6.1.2: marks do not let it grow */
    return;
  algorithm_of(tcb)->acked(&tcb->cc, &ack);
}

static void acknowledged(struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  const uint8_t mode = tcb->mode;           /* as it was: the ACK that ends recovery adds nothing */
  const uint32_t octets = told_first(tcb, news);

  tcb->duplicate_acks = 0;
  if (mode != TCP_OPEN && seq_le(tcb->recover, tcb->snd.una))
    leave_recovery(t, tcb);
  else if (mode == TCP_RECOVERY && !(tcb->flags & TCB_SACK))
    partial_ack(t, tcb, news->acked);
  if (mode != TCP_RECOVERY)
    grow(t, tcb, news, octets, mode == TCP_LOSS);
}

static void note_dsack(struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  if (!news->has_dsack)
    return;
  tcp_count_up(&tcb->dsacks);
  t->count[TCP_N_dsacks_in]++;
  if (!tcp_probe_is_dsack(tcb, news))         /* a probe's copy says nothing of reordering */
    tcp_rack_duplicate(tcb);
}

/* What the SACK blocks make of the flights. */
static void look_for_losses(struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  bool more_lost = false;

  note_dsack(t, tcb, news);
  if (tcp_probe_acked(tcb, news) && tcb->mode == TCP_OPEN) {
    enter_recovery(t, tcb, news->delivered);  /* RFC 8985 7.4.2: the probe repaired a loss */
    leave_recovery(t, tcb);
  }
  if (news->delivered > 0)
    more_lost = tcp_rack_detect(t, tcb);
  react(t, tcb, news->delivered, news->advanced && !more_lost);
  if (news->delivered > 0)
    tcp_wake(t, tcb);
}

/* What an ACK has told: SND.UNA, the SACK blocks and the flights are up to date. */
void tcp_recover_news(struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  tcp_undo_news(t, tcb, news);
  if (news->marked)
    tcp_ecn_echoed(t, tcb);
  if (news->duplicate)
    duplicate(t, tcb);
  if (news->advanced)
    acknowledged(t, tcb, news);
  if (tcb->frto != FRTO_OFF)
    tcp_frto_news(t, tcb, news);
  if ((tcb->flags & TCB_SACK) && !news->syn_text)
    look_for_losses(t, tcb, news);
}

/* With SACK, RACK knows what was sent too late to be overdue (RFC 8985 6.3). A peer whose first
 * octets are SACKed and not acknowledged has thrown them away (RFC 2018 8). */
static void lose_what_was_out(struct tcp *t, struct tcb *tcb)
{
  const bool reneged = tcb->flights && tcb->flights->fate == FLIGHT_SACKED;

  if (tcp_syn_waits(tcb) && !(tcb->flags & TCB_PASSIVE)) {  /* the SYN,ACK tells of its text */
    tcp_repair(t, tcb, tcb->snd.iss, seq_add(tcb->snd.iss, 1));
    return;
  }
  if (reneged)
    tcp_flight_forget_sacks(tcb);
  if ((tcb->flags & TCB_SACK) && !reneged)
    tcp_rack_timeout(t, tcb);
  else
    tcp_flight_lose_range(t, tcb, tcb->snd.una, tcb->snd.nxt);
  tcb->say |= SAY_REPAIR;
  tcp_wake(t, tcb);
}

/* RFC 5681 equation 4's FlightSize. In fast recovery it has grown by what has left the network, and
 * ssthresh is what was left of it. */
static uint32_t flight_at_timeout(const struct tcb *tcb)
{
  const uint32_t flight = tcp_flight(tcb);

  return tcb->mode == TCP_RECOVERY ? smaller(flight, tcb->cc.ssthresh) : flight;
}

/* RFC 6298 5.4-5.6 and RFC 5681 3.1. */
void tcp_recover_timeout(struct tcp *t, struct tcb *tcb)
{
  const uint32_t before = tcb->cc.cwnd;

  if (tcp_state_is(tcb->state, TCP_SYNCED)) {
    if (tcb->mode == TCP_OPEN)
      tcp_undo_begin(t, tcb);
    if (tcb->mode == TCP_RECOVERY)
      tcb->cc.cwnd = smaller(tcb->cc.cwnd, tcb->cc.ssthresh);
    tcp_undo_timeout(tcb);
    tcp_frto_begin(tcb);
    algorithm_of(tcb)->timed_out(&tcb->cc, tcb->mss, flight_at_timeout(tcb), tcb->backoffs);
    if (tcb->mode != TCP_LOSS)
      tcp_trace_add(t, tcb, LA_TRACE_RECOVERY_IN, 1, 0, 0, before, tcb->cc.cwnd);
    tcb->mode = TCP_LOSS;
    tcb->recover = tcb->snd.nxt;
    tcp_ecn_reduced(tcb);
  }
  tcp_ecn_syn_timeout(t, tcb);
  tcb->duplicate_acks = 0;
  tcb->rack.probe_out = false;
  tcp_timer_stop(tcb, TCP_T_REORDER);
  tcp_timer_stop(tcb, TCP_T_PROBE);
  tcb->flags &= ~(uint32_t)TCB_TIMING;        /* Karn */
  lose_what_was_out(t, tcb);
}
