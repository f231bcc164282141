/* undo.c - losses that were none.  A time-out or a fast retransmit may answer to what was only
 * late. Three things can tell so afterwards: the timestamp that an ACK echoes is older than the
 * retransmission (Eifel, RFC 3522); after a time-out, what was sent before it and not again goes
 * on arriving (F-RTO, RFC 5682); D-SACK has called every octet that was resent needless (RFC 3708).
 * Then the congestion control gets back what it had, and what was taken for lost is on its way.
 *
 * Departs: RFC 4015 3.2 sets cwnd to what is in flight and lets slow start bring it back. Here, as
 * in Linux and FreeBSD, it is cwnd itself that comes back: what the network had carried before, it
 * has been seen to carry; and RFC 9438 4.9 asks for the same. */
#include "tcp/room.h"

enum how { BY_TIMESTAMP, BY_DSACK, BY_FRTO };

/* ---- what is remembered ---- */

static struct tcb *owner_of(const struct undo *u) { return u->owner ? near_at(u, u->owner) : NULL; }

/* From now on a loss is a loss. */
void tcp_undo_drop(struct tcb *tcb)
{
  if (tcb->undo)
    tcp_undo(tcb)->owner = 0;
  tcb->undo = 0;
}

/* The next of the ring. Who has had it longest is the least likely to need it. */
static struct undo *take(struct tcp *t, struct tcb *tcb)
{
  struct undo *const u = &t->undos[t->undo_next];
  struct tcb *const owner = owner_of(u);

  t->undo_next = (t->undo_next + 1) % t->set.undos;
  if (owner && owner->mode != TCP_OPEN)
    t->count[TCP_N_undos_short]++;
  if (owner)
    tcp_undo_drop(owner);
  u->owner = near_distance(u, tcb);
  tcb->undo = near_distance(tcb, u);
  return u;
}

/* A loss is about to be reacted to. */
void tcp_undo_begin(struct tcp *t, struct tcb *tcb)
{
  struct undo *const u = tcb->undo ? tcp_undo(tcb) : take(t, tcb);

  u->cc = tcb->cc;
  u->start = tcb->snd.una;
  u->owed = 0;
  u->timeout = u->resent = false;
}

void tcp_undo_timeout(struct tcb *tcb)
{
  if (tcb->undo)
    tcp_undo(tcb)->timeout = true;
}

void tcp_undo_resent(const struct tcp *t, struct tcb *tcb, uint32_t octets)
{
  struct undo *const u = tcp_undo(tcb);

  if (!u)
    return;
  if (!u->resent)
    u->stamp = tcp_ts_now(t, tcb);
  u->resent = true;
  u->owed += octets;
}

/* ---- what tells ---- */

/* RFC 3522 3.2 steps 3 and 4: the ACK of what was resent answers to a segment that left before. */
static bool told_by_timestamp(const struct tcb *tcb, const struct tcp_news *news)
{
  const struct undo *const u = tcp_undo(tcb);

  return news->first_came && u->resent && (int32_t)(news->echo - u->stamp) < 0;
}

/* RFC 3708 3: each octet that was resent has come twice. */
static bool told_by_dsack(const struct tcb *tcb, const struct tcp_news *news)
{
  struct undo *const u = tcp_undo(tcb);
  const tcp_seq start = seq_of(news->dsack.start), end = seq_of(news->dsack.end);
  const uint32_t octets = seq_span(start, end);

  if (!news->has_dsack || !u->resent || seq_lt(start, u->start))
    return false;
  u->owed -= octets < u->owed ? octets : u->owed;
  return u->owed == 0;
}

/* RFC 5682 2.1 step 3b, 3.1 step 3b: what was sent before the time-out arrives, and nothing that
 * was sent after it explains the ACK. Without SACK, an ACK that covers something resent may have
 * been waiting for just that. */
static bool told_by_original(const struct tcb *tcb, const struct tcp_news *news)
{
  return tcb->frto != FRTO_OFF && news->original > 0 &&
         ((tcb->flags & TCB_SACK) || news->resent == 0);
}

/* RFC 4015 3.2: the time-out is to learn from it. */
static void learn_round_trip(const struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  const uint32_t age_ms = tcp_ts_now(t, tcb) - news->echo;

  if (news->echoed && age_ms < 0x80000000u)
    tcp_rtt_late(t, tcb, (la_time)age_ms * LA_MS);
  else if (news->original > 0 && tcb->rack.known)
    tcp_rtt_late(t, tcb, (la_time)tcb->rack.rtt_us * 1000);
  tcb->backoffs = 0;
}

static void undo(struct tcp *t, struct tcb *tcb, const struct tcp_news *news, enum how how)
{
  const uint32_t before = tcb->cc.cwnd;
  const bool timeout = tcp_undo(tcb)->timeout;

  cc_algorithm(tcb->congestion)->undo(&tcb->cc, &tcp_undo(tcb)->cc);
  tcp_undo_drop(tcb);
  t->count[timeout ? TCP_N_spurious_timeouts : TCP_N_spurious_losses]++;
  tcp_count_up(&tcb->spurious);
  tcp_trace_add(t, tcb, LA_TRACE_SPURIOUS, timeout, (uint8_t)how, 0, before, tcb->cc.cwnd);
  if (timeout)
    learn_round_trip(t, tcb, news);
  else
    tcb->rack.reordered = true; /* late, and overtaken by what told of the gap */
  tcp_flight_find_again(tcb);
  tcp_recover_open(t, tcb);
}

/* A window beyond the end of recovery every report about it has come. */
static bool is_history(const struct tcb *tcb)
{
  return tcb->mode == TCP_OPEN && seq_lt(seq_add(tcb->recover, tcb->cc.cwnd), tcb->snd.una);
}

/* Called before an ACK is reacted to. */
void tcp_undo_news(struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  enum how how;

  if (!tcb->undo)
    return;
  if (told_by_dsack(tcb, news))
    how = BY_DSACK;
  else if (tcb->mode != TCP_OPEN && told_by_timestamp(tcb, news))
    how = BY_TIMESTAMP;
  else if (tcb->mode == TCP_LOSS && told_by_original(tcb, news))
    how = BY_FRTO;
  else {
    if (is_history(tcb))
      tcp_undo_drop(tcb);
    return;
  }
  undo(t, tcb, news, how);
}

/* ---- F-RTO: what to send between a time-out and the ACKs that judge it ---- */

/* RFC 5682 2.1 step 1: not in the middle of another recovery, but again when the segment that the
 * first time-out resent was all that went out since. */
void tcp_frto_begin(struct tcb *tcb)
{
  const bool again = tcb->mode == TCP_LOSS && tcb->frto == FRTO_FIRST_ACK;

  tcb->frto = tcb->mode == TCP_OPEN || again ? FRTO_FIRST_ACK : FRTO_OFF;
}

/* What is above `recover` was sent after the time-out. */
static bool tells_of_later(const struct tcb *tcb, const struct tcp_news *news)
{
  return news->duplicate || seq_lt(tcb->recover, tcb->snd.una) ||
         news->delivered > news->original + news->resent;
}

/* The ACK did not tell that the time-out came too early. Step 2b: new text goes before any more
 * is resent, for its ACKs will tell; where there is none to send, and on a duplicate (2a, 3a),
 * the loss is a loss. */
void tcp_frto_news(struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  if (tcb->frto == FRTO_FIRST_ACK && news->advanced) {
    tcb->frto = tcp_may_send_new(t, tcb) ? FRTO_SECOND_ACK : FRTO_OFF;
  } else if (tcb->frto == FRTO_FIRST_ACK && news->duplicate && !(tcb->flags & TCB_SACK)) {
    tcb->frto = FRTO_OFF;
  } else if (tcb->frto == FRTO_SECOND_ACK && tells_of_later(tcb, news)) {
    tcb->frto = FRTO_OFF;
    tcb->cc.cwnd = 3u * tcb->mss; /* the two that went, and the first of what is lost */
  }
  if (tcb->frto == FRTO_OFF)
    tcp_wake(t, tcb);
}
