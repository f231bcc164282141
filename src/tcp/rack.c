/* rack.c - when something counts as lost, and the probe for a lost tail: RFC 8985.  What was
 * sent after something that has arrived by now may still be on its way; what was sent before it,
 * and longer ago than reordering explains, is lost. Only for connections with SACK. */
#include "tcp/room.h"

#define MAX_ACK_DELAY (200 * LA_MS)           /* RFC 8985 7.2: how long a peer may sit on an ACK */
#define PROBE_MIN     (10 * LA_MS)

static bool sent_after(la_time a, tcp_seq a_end, la_time b, tcp_seq b_end)
{
  return a > b || (a == b && seq_lt(b_end, a_end));
}

/* RFC 8985 6.2 step 2: does an ACK of what was sent twice answer to the first transmission? It
 * echoes a time before the second, or came sooner than any round trip. */
static bool answers_the_first(const struct tcb *tcb, const struct flight *f, la_time rtt,
                              const struct tcp_news *news)
{
  return (news->echoed && (int32_t)(news->echo - tcp_ts_at(tcb, f->sent)) < 0) ||
         rtt < (la_time)tcb->rtt.min_us * 1000;
}

/* Step 3: what arrives below what had arrived before, and was sent once, was overtaken. What one
 * ACK tells of, in blocks and below SEG.ACK, has no order of its own. */
static void detect_reordering(struct tcb *tcb, const struct flight *f, const struct tcp_news *news)
{
  if (!tcb->rack.fack_known || seq_lt(tcb->rack.fack, f->end)) {
    tcb->rack.fack = f->end;
    tcb->rack.fack_known = true;
  }
  if (news->fack_known && seq_lt(f->end, news->fack) && !f->resent) {
    tcb->rack.reordered = true;
    tcp_count_up(&tcb->reorderings);
  }
}

/* RFC 8985 6.2 steps 2 and 3: the latest transmission known to have arrived. */
void tcp_rack_delivered(const struct tcp *t, struct tcb *tcb, const struct flight *f,
                        const struct tcp_news *news)
{
  const la_time rtt = t->now - f->sent;

  detect_reordering(tcb, f, news);
  if (f->resent && answers_the_first(tcb, f, rtt, news))
    return;
  tcb->rack.rtt_us = (uint32_t)(rtt / 1000 < INT32_MAX ? rtt / 1000 : INT32_MAX);
  if (tcb->rack.known && !sent_after(f->sent, f->end, tcb->rack.sent, tcb->rack.end))
    return;
  tcb->rack.known = true;
  tcb->rack.sent = f->sent;
  tcb->rack.end = f->end;
}

/* RFC 8985 6.2 step 4: a quarter of the least round trip for each time that a D-SACK showed
 * reordering; nothing while none was ever seen and the loss is plain. */
static la_time reordering_window(const struct tcb *tcb)
{
  const uint32_t least = tcb->rtt.min_us / 4, most = tcb->rtt.srtt_us;
  const uint64_t window = (uint64_t)least * (1u + tcb->rack.widened);

  if (!tcb->rack.reordered && (tcb->mode != TCP_OPEN || tcb->sacked >= 3u * tcb->mss))
    return 0;
  return (la_time)(window < most ? window : most) * 1000;
}

/* RFC 8985 6.2 step 5. Returns whether anything was newly taken for lost. Departs: the timer looks
 * again when the first of what is in doubt is due, not the last, so that each loss is found on its
 * day; what it costs is a walk. */
bool tcp_rack_detect(struct tcp *t, struct tcb *tcb)
{
  const la_time patience = (la_time)tcb->rack.rtt_us * 1000 + reordering_window(tcb);
  const uint32_t before = tcb->lost;
  la_time next = LA_NEVER;

  tcp_timer_stop(tcb, TCP_T_REORDER);
  if (!tcb->rack.known)
    return false;
  for (struct flight *f = tcb->flights; f; f = f->next) {         /* at most TCP_FLIGHTS_MAX */
    if (f->fate != FLIGHT_OUT || !sent_after(tcb->rack.sent, tcb->rack.end, f->sent, f->end))
      continue;
    if (f->sent + patience <= t->now)
      tcp_flight_lose(t, tcb, f);
    else if (f->sent + patience < next)
      next = f->sent + patience;
  }
  if (next != LA_NEVER)
    tcp_timer_set(t, tcb, TCP_T_REORDER, next);
  return tcb->lost > before;
}

/* RFC 8985 6.3: a time-out takes the first segment for lost, and of the others what was sent
 * longer ago than a round trip and the reordering window. */
void tcp_rack_timeout(struct tcp *t, struct tcb *tcb)
{
  const la_time patience = (la_time)tcb->rack.rtt_us * 1000 + reordering_window(tcb);

  tcp_flight_lose_first(t, tcb);
  for (struct flight *f = tcb->flights; f; f = f->next)         /* at most TCP_FLIGHTS_MAX */
    if (f->sent + patience <= t->now)
      tcp_flight_lose(t, tcb, f);
}

/* RFC 8985 6.2 step 4: a D-SACK says that something was resent in vain: wait longer, for the
 * next 16 recoveries. Once a round trip. */
void tcp_rack_duplicate(struct tcb *tcb)
{
  if (tcb->rack.round_known && seq_lt(tcb->snd.una, tcb->rack.round))
    return;
  tcb->rack.round = tcb->snd.nxt;
  tcb->rack.round_known = true;
  if (tcb->rack.widened < UINT8_MAX)
    tcb->rack.widened++;
  tcb->rack.recoveries_left = 16;
}

void tcp_rack_recovered(struct tcb *tcb)
{
  if (tcb->rack.recoveries_left > 0 && --tcb->rack.recoveries_left == 0)
    tcb->rack.widened = 0;
}

/* ---- the tail loss probe, RFC 8985 7 ---- */

/* 7.2: two round trips, and the peer's patience with a single segment. Departs: never below ten
 * milliseconds, for where a round trip takes microseconds a peer that is merely busy answers later
 * than two of them. Linux has a floor as well, of two ticks. */
static la_time probe_time(const struct tcb *tcb)
{
  const la_time two = 2 * (la_time)tcb->rtt.srtt_us * 1000;

  if (tcb->rtt.srtt_us == 0)
    return LA_SEC;
  if (tcp_flight(tcb) <= tcb->mss)
    return two + MAX_ACK_DELAY;
  return two > PROBE_MIN ? two : PROBE_MIN;
}

/* 7.2: not in recovery, nothing told of by SACK, and no probe out that is still unanswered. */

static bool probe_is_wanted(const struct tcp *t, const struct tcb *tcb)
{
  return (tcb->flags & TCB_SACK) && !t->set.no_tail_probes && tcb->mode == TCP_OPEN &&
         tcb->lost == 0 && tcb->sacked == 0 && tcp_flight(tcb) > 0 && !tcb->rack.probe_out &&
         tcb->snd.wnd > 0 && !tcp_syn_waits(tcb) && tcp_state_is(tcb->state, TCP_SYNCED);
}

/* 7.2: a probe that would come after the time-out comes in its place (timer.c). */
void tcp_probe_timer(struct tcp *t, struct tcb *tcb)
{
  const la_time due = t->now + probe_time(tcb), latest = tcp_timer_due(tcb, TCP_T_RETRANSMIT);

  if (probe_is_wanted(t, tcb))
    tcp_timer_set(t, tcb, TCP_T_PROBE, due < latest ? due : latest);
  else
    tcp_timer_stop(tcb, TCP_T_PROBE);
}

bool tcp_probe_is_dsack(const struct tcb *tcb, const struct tcp_news *news)
{
  return news->has_dsack && tcb->rack.probe_out && tcb->rack.probe_again &&
         seq_le(tcb->rack.probe_end, seq_of(news->dsack.end));
}

/* 7.4: an ACK that covers the probe ends the episode when it tells the copy's fate: a D-SACK, or a
 * duplicate ACK of a peer that knows none, says that both came. An ACK of more without either says
 * that the probe repaired a loss that nobody would have told of: true, for it was congestion. */
bool tcp_probe_acked(struct tcb *tcb, const struct tcp_news *news)
{
  const bool more = seq_lt(tcb->rack.probe_end, tcb->snd.una);
  const bool both_came = tcp_probe_is_dsack(tcb, news) || (news->duplicate && !news->has_blocks);

  if (!tcb->rack.probe_out || seq_lt(tcb->snd.una, tcb->rack.probe_end))
    return false;
  if (tcb->rack.probe_again && !both_came && !more)
    return false;                             /* the copy's answer is still to come */
  tcb->rack.probe_out = false;
  return tcb->rack.probe_again && !both_came;
}
