/* ecn.c - explicit congestion notification, RFC 3168: a router marks a packet (CE) where it would
 * have dropped it, the receiver says so in every ACK (ECE) until the sender tells that it has
 * slowed down (CWR).
 *
 * What is marked as able to be marked (ECT) is new text alone: no SYN, no bare ACK, no probe and
 * nothing that is sent again (6.1.1, 6.1.4, 6.1.5, 6.1.6). Only the codepoint ECT(0) is sent:
 * ECT(1) means something else by now (RFC 9331). */
#include "tcp/room.h"

enum { SETUP = F_ECE | F_CWR };

/* 6.1.1: our SYN is to ask for it. */
void tcp_ecn_ask(struct tcb *tcb)
{
  if (tcb->habits->ecn == LA_ECN_ASK)
    tcb->flags |= TCB_ECN;
}

/* 6.1.1.1: something on the way may drop such SYNs: from the first time-out on, or after as many as
 * are configured, ours is a plain one, and whoever has sent a plain SYN never sends ECT, whatever
 * comes back. */
void tcp_ecn_syn_timeout(const struct tcp *t, struct tcb *tcb)
{
  if (!(tcb->flags & TCB_SYN_IN) && tcb->backoffs > t->set.ecn_syn_retries)
    tcb->flags &= ~(uint32_t)TCB_ECN;
}

/* 6.1.1: what the peer's SYN settles. A SYN asks with ECE and CWR, a SYN,ACK agrees with ECE alone:
 * one that has both mirrors what we sent, and knows nothing of it. Where both ends open at once,
 * each must have asked. */
void tcp_ecn_agree(struct tcb *tcb, const struct tcp_seg *syn)
{
  const unsigned wanted = (syn->flags & F_ACK) ? F_ECE : SETUP;
  const bool ours = (tcb->flags & TCB_PASSIVE) ? tcb->habits->ecn != LA_ECN_OFF
                                               : (tcb->flags & TCB_ECN) != 0;

  tcb->flags &= ~(uint32_t)TCB_ECN;
  if (ours && (syn->flags & SETUP) == wanted)
    tcb->flags |= TCB_ECN;
  tcb->ecn_end = tcb->snd.iss;
}

/* The flags of any segment of ours. */
unsigned tcp_ecn_flags(const struct tcb *tcb, unsigned flags)
{
  if (!(tcb->flags & TCB_ECN))
    return 0;
  if (flags & F_SYN)
    return (tcb->flags & TCB_SYN_IN) ? F_ECE : SETUP;
  return (tcb->flags & TCB_ECN_ECHO) ? F_ECE : 0;
}

/* New text: it may be marked on its way, and the first of it after a reduction says CWR (6.1.2). */
void tcp_ecn_new_text(struct tcb *tcb, struct tcp_out *out)
{
  if (!(tcb->flags & TCB_ECN) || out->text == 0)
    return;
  out->ecn = TCP_ECT_0;
  if (!(tcb->flags & TCB_ECN_CWR))
    return;
  out->flags |= F_CWR;
  tcb->flags &= ~(uint32_t)TCB_ECN_CWR;
}

/* ---- the receiver, 6.1.3 ---- */

/* Text within the window. CWR ends the echo, and a mark on the same packet begins it anew. Either
 * is acknowledged at once: the peer's window may be a single segment. */
void tcp_ecn_arrive(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const bool marked = seg->ecn == TCP_CE;
  const bool news = (seg->flags & F_CWR) || (marked && !(tcb->flags & TCB_ECN_ECHO));

  if (!(tcb->flags & TCB_ECN) || tcp_seg_text(seg) == 0)
    return;
  if (seg->ecn != TCP_NOT_ECT)
    tcb->flags |= TCB_ECN_SEEN;
  if (seg->flags & F_CWR)
    tcb->flags &= ~(uint32_t)TCB_ECN_ECHO;
  if (marked) {
    tcb->flags |= TCB_ECN_ECHO;
    t->count[TCP_N_ce_in]++;
  }
  if (news) {
    tcb->say |= SAY_ACK;
    tcp_wake(t, tcb);
  }
}

/* ---- the sender, 6.1.2 ---- */

/* cwnd was cut, for whatever reason: the peer is to know, and until what is in flight now is
 * acknowledged no mark cuts it again. */
void tcp_ecn_reduced(struct tcb *tcb)
{
  if (!(tcb->flags & TCB_ECN))
    return;
  tcb->flags |= TCB_ECN_CWR;
  tcb->ecn_end = tcb->snd.nxt;
}

/* Within this window a mark has cut cwnd already: a loss in it is of the same congestion. */
bool tcp_ecn_has_reduced(const struct tcb *tcb)
{
  return (tcb->flags & TCB_ECN) && seq_lt(tcb->snd.una, tcb->ecn_end);
}

/* An ACK with ECE: once a window of data, the same as a loss; or, if so configured, a bit less
 * (RFC 8511: a router that marks has a short queue). There is nothing to resend, and nothing that
 * could turn out to have been none. */
void tcp_ecn_echoed(struct tcp *t, struct tcb *tcb)
{
  const struct cc_algorithm *const a = cc_algorithm(tcb->congestion);
  const uint32_t before = tcb->cc.cwnd, flight = tcp_flight(tcb);
  const uint32_t used = flight < before ? flight : before;

  if (tcb->mode != TCP_OPEN || seq_le(tcb->snd.una, tcb->ecn_end))
    return;
  if (t->set.abe && a->marked)
    a->marked(&tcb->cc, tcb->mss, used);
  else
    a->lost(&tcb->cc, tcb->mss, used);
  tcp_undo_drop(tcb);
  t->count[TCP_N_ecn_reductions]++;
  tcp_trace_add(t, tcb, LA_TRACE_RECOVERY_IN, 2, 0, 0, before, tcb->cc.cwnd);
  tcp_ecn_reduced(tcb);
}
