/* ack.c - what a valid ACK does: RFC 9293 3.10.7.4 fifth, ESTABLISHED. */
#include "tcp/room.h"

/* RFC 6298 3 and RFC 7323 4: the timed flight is acknowledged, or, when it had to be sent twice,
 * the echoed timestamp says when the segment that was taken had left. */
static bool take_sample(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const struct tcp_options *const o = seg->options;

  if (tcb->flags & TCB_TIMING) {
    if (seq_lt(seg->ack, tcb->rtt.end))
      return false;
    tcb->flags &= ~(uint32_t)TCB_TIMING;
    tcp_rtt_sample(t, tcb, (la_time)((uint32_t)(t->now / 1000) - tcb->rtt.at_us) * 1000);
    return true;
  }
  if ((tcb->flags & TCB_TS) && (o->present & TCP_OPT_TS) && o->ts_ecr != 0 && tcb->backoffs > 0) {
    const uint32_t age_ms = tcp_ts_now(t, tcb) - o->ts_ecr;

    if (age_ms < 0x80000000u) {
      tcp_rtt_sample(t, tcb, (la_time)age_ms * LA_MS);
      return true;
    }
  }
  return false;
}

/* RFC 6298 5 and Karn (MUST-18): an ACK of what was sent twice is no sample, and the RTO stays as
 * far backed off as it is until there is one. Probes of a shut window say nothing of the path. */
static void take_time(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  if (!take_sample(t, tcb, seg) && tcb->backoffs > 0 && tcb->mode == TCP_LOSS)
    tcb->rtt.rto_us = (uint32_t)(tcp_rto(t, tcb, tcb->backoffs) / 1000);
  tcb->backoffs = 0;
}

static bool fin_is_acked(const struct tcb *tcb, tcp_seq ack)
{
  return (tcb->flags & TCB_FIN_QUEUED) && seq_lt(tcb->snd.fin, ack);
}

/* SND.UNA < SEG.ACK: the queue gives up what has arrived. SYN and FIN are no text. */
static void progress(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg,
                     struct tcp_news *news)
{
  uint32_t octets = seq_span(tcb->snd.una, seg->ack);

  take_time(t, tcb, seg);
  if (tcp_syn_waits(tcb)) {
    tcp_fastopen_acked(tcb);
    tcb->flags &= ~(uint32_t)TCB_SYN_WAITS;
    octets--;
  }
  if (fin_is_acked(tcb, seg->ack))
    octets--;
  tcb->snd.una = seg->ack;
  if (seq_lt(tcb->snd.up, tcb->snd.una))
    tcb->snd.up = tcb->snd.una;
  if (seq_lt(tcb->snd.small, tcb->snd.una))   /* before it wraps */
    tcb->snd.small = tcb->snd.una;
  tcb->octets_acked += octets;
  tcp_tx_drop(t, tcb, octets);
  tcp_limit_acked(t, tcb);
  tcb->soft_error = LA_OK;
  tcp_mtu_acked(t, tcb);
  news->advanced = true;
  news->acked = octets;
  tcp_flight_acked(t, tcb, seg->ack, news);
}

/* RFC 6298 5.3. RFC 6582 3.2 step 3: a recovery without SACK restarts the timer at its first
 * partial ACK only, so that a window with many holes ends in a time-out and not one hole a round
 * trip. That reckons with a second (RFC 6298 2.4): with less it would end before five holes. */
static void restart_timer(struct tcp *t, struct tcb *tcb)
{
  const bool slow = tcb->mode == TCP_RECOVERY && !(tcb->flags & TCB_SACK);

  if (slow && (tcb->marks & MARK_PARTIAL))
    return;
  tcp_flight_timer(t, tcb, true);
  tcb->marks &= (uint16_t)~MARK_PARTIAL;
  if (!slow)
    return;
  if (tcp_timer_due(tcb, TCP_T_RETRANSMIT) < t->now + LA_SEC)
    tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + LA_SEC);
  tcb->marks |= MARK_PARTIAL;
}

/* What follows from progress once the loss, if there is one, is known. */
static void after_progress(struct tcp *t, struct tcb *tcb)
{
  restart_timer(t, tcb);
  tcp_probe_timer(t, tcb);
  tcp_patience_timer(t, tcb, true);
  tcp_offer_room(t, tcb);
}

/* RFC 2883 4: a first block below SEG.ACK, or within the second, tells of a duplicate. */
static bool is_dsack(const struct tcp_seg *seg)
{
  const struct tcp_options *const o = seg->options;
  const tcp_seq start = seq_of(o->sack[0].start), end = seq_of(o->sack[0].end);

  if (seq_lt(start, seg->ack))
    return true;
  return o->sacks > 1 && seq_le(seq_of(o->sack[1].start), start) &&
         seq_le(end, seq_of(o->sack[1].end));
}

/* RFC 2018 5 and RFC 8985 6.2: the blocks that lie within what is in flight. */
static void take_sacks(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg,
                       struct tcp_news *news)
{
  const struct tcp_options *const o = seg->options;

  if (!(tcb->flags & TCB_SACK) || !(o->present & TCP_OPT_SACK) || o->sacks == 0)
    return;
  news->has_blocks = true;
  news->has_dsack = is_dsack(seg);
  news->dsack = o->sack[0];
  for (unsigned i = news->has_dsack; i < o->sacks; i++) {
    const tcp_seq start = seq_of(o->sack[i].start), end = seq_of(o->sack[i].end);

    if (seq_lt(start, end) && seq_lt(tcb->snd.una, end) && seq_le(end, tcb->snd.nxt) &&
        seq_le(seg->ack, start))
      tcp_flight_sacked(t, tcb, start, end, news);
  }
}

/* RFC 9293 3.10.7.4 fifth: only a segment at least as new as the last one may set the window, so
 * that old ones cannot shrink it. RFC 7323 2.2: scaled in everything but a SYN. */
void tcp_window_update(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const uint32_t wnd = seg->wnd << ((seg->flags & F_SYN) ? 0 : tcb->snd_wscale);
  const bool was_shut = tcb->snd.wnd == 0;

  if (!(seq_lt(tcb->snd.wl1, seg->seq) ||
        (seq_eq(tcb->snd.wl1, seg->seq) && seq_le(tcb->snd.wl2, seg->ack))))
    return;
  tcb->snd.wl1 = seg->seq;
  tcb->snd.wl2 = seg->ack;
  if (wnd == tcb->snd.wnd)
    return;
  tcb->snd.wnd = wnd;
  if (wnd > tcb->snd.wnd_max)
    tcb->snd.wnd_max = wnd;
  if (was_shut != (wnd == 0) && tcp_state_is(tcb->state, TCP_SYNCED)) {
    tcp_trace_add(t, tcb, LA_TRACE_ZERO_WINDOW, was_shut, 0, 0, wnd, 0);
    if (was_shut) {
      tcb->backoffs = 0;
      if (tcp_flight(tcb) > 0)                /* the probe's octet was refused: say it again now */
        tcp_repair(t, tcb, tcb->snd.una, tcb->snd.nxt);
    }
  }
  tcp_flight_timer(t, tcb, was_shut);
  tcp_wake(t, tcb);
}

/* How much of a flight, a segment at most, may be sent again. RFC 7323 2.4: the first time its
 * place in the peer's window is not asked, for it lay in it when it was sent, and a window that was
 * only rounded has not shrunk. After that (RFC 9293 3.8.6, SHLD-16) the window that the peer has
 * now is what counts. The first octet of all lies in it, unless it is shut and probed. */
uint32_t tcp_window_lets_again(const struct tcb *tcb, const struct flight *f)
{
  const tcp_seq edge = seq_add(tcb->snd.una, tcb->snd.wnd);
  const uint32_t span = seq_span(f->start, f->end), n = span < tcb->mss ? span : tcb->mss;
  const uint32_t open = seq_lt(f->start, edge) ? seq_span(f->start, edge) : 0;

  return !f->resent || tcp_syn_waits(tcb) || n < open ? n : open;
}

/* RFC 5681 2: nothing new acknowledged, something in flight, no text (nor any that was cut off),
 * no SYN or FIN, the same window. */
static bool is_duplicate(const struct tcb *tcb, const struct tcp_seg *seg)
{
  return seq_eq(seg->ack, tcb->snd.una) && seg->len == 0 && !seg->trimmed && tcp_flight(tcb) > 0 &&
         seg->wnd << tcb->snd_wscale == tcb->snd.wnd && tcb->snd.wnd != 0;
}

/* RFC 7323 3.2: TSecr means something in a segment with ACK, once timestamps are agreed; ECE, once
 * ECN is (RFC 3168 6.1). */
static void note_echoes(const struct tcb *tcb, const struct tcp_seg *seg, struct tcp_news *news)
{
  news->echoed = (tcb->flags & TCB_TS) && (seg->options->present & TCP_OPT_TS);
  news->echo = news->echoed ? seg->options->ts_ecr : 0;
  news->marked = (tcb->flags & TCB_ECN) && (seg->flags & (F_ECE | F_SYN)) == F_ECE;
}

/* RFC 7413 4.2.2: what our SYN carried and the peer did not take goes again at once. It was not
 * lost to congestion, but passed over. */
static void repair_syn_text(struct tcp *t, struct tcb *tcb)
{
  if (tcp_flight(tcb) > 0)
    tcp_repair(t, tcb, tcb->snd.una, tcb->snd.nxt);
}

/* SEG.ACK has been found acceptable. */
void tcp_ack(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const uint32_t flags = tcb->flags;
  struct tcp_news news = { .flight = tcp_flight(tcb), .fack = tcb->rack.fack,
                           .fack_known = tcb->rack.fack_known };

  tcb->probes = 0;
  note_echoes(tcb, seg, &news);
  tcb->marks &= (uint16_t)~MARK_MORE;
  take_sacks(t, tcb, seg, &news);
  if (seq_lt(tcb->snd.una, seg->ack))
    progress(t, tcb, seg, &news);
  else
    news.duplicate = is_duplicate(tcb, seg);
  news.syn_text = news.advanced && (flags & TCB_SYN_WAITS) && (flags & TCB_SYN_TEXT) &&
                  !(flags & TCB_PASSIVE);
  if (news.marked)
    tcp_count_by(&tcb->delivered_ce, news.segments);
  tcp_recover_news(t, tcb, &news);
  if (news.sample.known)
    tcp_steer(t, tcb, &news);
  if (news.syn_text)
    repair_syn_text(t, tcb);
  if (news.advanced)
    after_progress(t, tcb);
  if (seq_le(tcb->snd.una, seg->ack))
    tcp_window_update(t, tcb, seg);
  if (tcb->tx.octets > 0 || (tcb->flags & TCB_FIN_QUEUED) || tcb->lost > 0)
    tcp_wake(t, tcb);
}
