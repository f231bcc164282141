/* receive.c - the receiving side of a connection: text in order, the window that is offered,
 * and when to acknowledge (RFC 9293 3.8.6.2.2 and 3.8.6.3, RFC 5681 4.2). */
#include "base/need.h"
#include "tcp/room.h"

uint32_t tcp_seg_text(const struct tcp_seg *seg)
{
  return seg->len - ((seg->flags & F_SYN) != 0) - ((seg->flags & F_FIN) != 0);
}

void tcp_seg_trim_front(struct tcp_seg *seg, uint32_t octets)
{
  seg->seq = seq_add(seg->seq, octets);
  seg->len -= octets;
  while (octets > 0) {                        /* at most seg->frags */
    if (seg->frag->length > octets) {
      seg->frag->offset += octets;
      seg->frag->length -= octets;
      return;
    }
    octets -= seg->frag->length;
    seg->frag++;
    seg->frags--;
  }
}

void tcp_seg_trim_back(struct tcp_seg *seg, uint32_t octets)
{
  seg->len -= octets;
  while (octets > 0) {                        /* at most seg->frags */
    struct frag *const last = &seg->frag[seg->frags - 1];

    if (last->length > octets) {
      last->length -= octets;
      return;
    }
    octets -= last->length;
    seg->frags--;
  }
}

/* ---- the window ---- */

/* The most that a window can say (RFC 7323 2.2), and the buffer has. */
static uint32_t window_most(const struct tcb *tcb)
{
  const uint32_t limit = 65535u << tcb->rcv_wscale, buffer = tcb->receive_buffer;

  return buffer < limit || tcb->habits->bsd_window ? buffer : limit;
}

/* RFC 9293 3.8.6.2.2: the right edge moves by the smaller of half the buffer and a full segment,
 * or not at all; it never moves back (3.8.6).
 * Departs: with bsd_window, segments that go anyway tell of smaller steps once the whole room is
 * that large, as FreeBSD does; no segment goes for such a step alone. */
static uint32_t window_wanted(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t buffer = tcp_memory_buffer(t, tcb), most = window_most(tcb);
  const uint32_t left = buffer > tcb->rx.octets ? buffer - tcb->rx.octets : 0;
  const uint32_t room = left < most ? left : most;
  const uint32_t least = buffer / 2 < tcb->our_mss ? buffer / 2 : tcb->our_mss;

  if (room > tcb->rcv.wnd && room - tcb->rcv.wnd >= least)
    return room;
  if (tcb->habits->bsd_window && room > tcb->rcv.wnd && room >= least)
    return room;
  return tcb->rcv.wnd;
}

/* RFC 7323 2.4: rounding a window down to its scale seems to take a part of it back, so one that
 * has not grown is rounded up. But if each of many small segments did that, the window would never
 * shut: a unit beyond the buffer is the most, and from there on it is rounded down. */
static uint32_t round_to_scale(const struct tcb *tcb, uint32_t wnd, uint32_t unit)
{
  const bool bsd = tcb->habits->bsd_window;   /* which rounds one up that has grown as well */
  const uint32_t down = wnd & ~(unit - 1);
  const uint32_t up = ((bsd ? wnd : tcb->rcv.wnd) + unit - 1) & ~(unit - 1);

  if ((down >= tcb->rcv.wnd && !bsd) || tcb->rx.octets + up > tcb->receive_buffer + unit)
    return down;
  return up;
}

/* What the window of a SYN can say, which is never scaled (RFC 7323 2.2). */
static uint32_t syn_limit(const struct tcb *tcb)
{
  return tcb->habits->syn_window != 0 ? tcb->habits->syn_window : 65535;
}

/* SEG.WND of a segment that is being made. The edge remembers what was offered. */
uint16_t tcp_window_offer(const struct tcp *t, struct tcb *tcb, bool syn)
{
  const unsigned scale = syn ? 0 : tcb->rcv_wscale;
  const uint32_t limit = syn ? syn_limit(tcb) : 65535u << scale;
  const uint32_t kept = tcb->rcv.wnd < limit ? tcb->rcv.wnd : limit;
  uint32_t wnd = round_to_scale(tcb, window_wanted(t, tcb), 1u << scale);

  if (tcb->habits->bsd_window && !syn && wnd > tcb->rcv.wnd)
    tcb->rcv.wnd = wnd; /* BSD takes what there is room for, said or not */
  if (wnd > limit)
    wnd = limit;
  if (wnd > tcb->rcv.wnd)
    tcb->rcv.wnd = wnd;
  check(wnd + (1u << scale) > kept);          /* SHLD-14, as far as a scale can say it */
  if (wnd == 0)
    tcb->flags |= TCB_SHUT;
  else
    tcb->flags &= ~(uint32_t)TCB_SHUT;
  return (uint16_t)(wnd >> scale);
}

/* The window of our SYN; RFC 7323 2.3: the scale that lets the buffer's size be said. */
void tcp_window_start(const struct tcp *t, struct tcb *tcb, uint32_t buffer)
{
  const uint32_t most = tcp_tune_receive_most(t, tcb);
  uint8_t scale = 0;

  while (scale < 14 && most >> scale > 65535)
    scale++;
  tcb->rcv_wscale = scale > tcb->habits->window_scale ? scale : tcb->habits->window_scale;
  tcb->rcv.wnd = buffer < syn_limit(tcb) ? buffer : syn_limit(tcb);
}

/* Once both SYNs have said how long a segment is. With bsd_window the buffer holds whole ones. */
void tcp_window_whole(struct tcb *tcb)
{
  const uint32_t full = tcb->mss + ((tcb->flags & TCB_TS) ? 12u : 0u);
  uint32_t *const buffer = &tcb->receive_buffer;

  if (tcb->habits->bsd_window && *buffer % full != 0)
    *buffer += full - *buffer % full;
  if (tcb->habits->bsd_window && !(tcb->flags & TCB_PASSIVE))
    tcb->rcv.wnd = *buffer;
}

/* The application has taken text: an unasked ACK is worth it when the window grows by two
 * segments and a quarter of the buffer, or when it was shut. */
void tcp_window_consumed(struct tcp *t, struct tcb *tcb)
{
  const uint32_t grown = window_wanted(t, tcb) - tcb->rcv.wnd;
  const uint32_t quarter = window_most(tcb) / 4;
  const uint32_t worth = quarter > 2u * tcb->our_mss ? quarter : 2u * tcb->our_mss;
  const bool small = tcb->rcv.wnd < tcb->our_mss;

  if (grown == 0 || !tcp_state_is(tcb->state, TCP_RX_TEXT))
    return;
  if (grown < worth && !small)
    return;
  if ((tcb->flags & TCB_SHUT) && !(tcb->say & SAY_ACK))     /* once, until it is said */
    tcp_trace_add(t, tcb, LA_TRACE_ZERO_WINDOW, 3, 0, 0, tcb->rcv.wnd + grown, 0);
  tcb->say |= SAY_ACK;
  tcp_wake(t, tcb);
}

uint32_t tcp_rcv_window(const struct tcb *tcb) { return tcb->rcv.wnd; }

/* ---- text ---- */

/* How many full segments this is. A peer whose path is narrower than our link fills its segments
 * and waits for an ACK all the same, so from 536 octets less options on, one counts as full. */
static uint32_t full_segments(const struct tcb *tcb, uint32_t text)
{
  const uint32_t full = tcb->our_mss > 12 ? tcb->our_mss - 12u : 1u;

  if (text >= full)
    return text / full;
  return text >= 536 - 12;
}

/* Who answers text with text has segments that acknowledge for nothing: no more quick ACKs. */
void tcp_spoke(const struct tcp *t, struct tcb *tcb)
{
  tcb->stream_sent_ms = tcp_ms(t);
  if (tcb->octets_in > 0 && t->now - tcb->last_received < t->set.delayed_ack)
    tcb->quick_acks = 0;
}

/* RFC 9293 3.8.6.3 (MUST-58, MUST-59): every second full segment at once, or as many octets in
 * smaller ones; anything else within the delay. RFC 5681 4.2. */
static void owe_ack(struct tcp *t, struct tcb *tcb, uint32_t text)
{
  const uint32_t full = full_segments(tcb, text);
  const bool much = seq_span(tcb->rcv.acked, tcb->rcv.nxt) >= 2u * tcb->our_mss;

  tcb->unacked_segments = (uint16_t)(tcb->unacked_segments + (full < 2 ? full : 2));
  if (tcb->habits->bsd_acks && full == 0)
    tcb->unacked_segments++;
  if (tcb->unacked_segments >= 2 || much || tcb->habits->quickack || tcb->islands ||
      t->set.delayed_ack == 0 || tcb->quick_acks > 0)
    tcb->say |= SAY_ACK;
  else if (!tcp_timer_runs(tcb, TCP_T_DELACK))
    tcp_timer_set(t, tcb, TCP_T_DELACK, t->now + t->set.delayed_ack);
  if (tcb->quick_acks > 0)
    tcb->quick_acks--;
  if (tcb->say & SAY_ACK)
    tcp_wake(t, tcb);
}

/* LA_OPT_RCVLOWAT: fewer octets are told of only if the window has no room for more, or a FIN has
 * come. */
void tcp_tell_text(struct tcp *t, struct tcb *tcb)
{
  const uint32_t unread = tcb->rx.octets;

  if (unread > 0 && (unread >= tcb->habits->receive_lowat || window_wanted(t, tcb) < tcb->our_mss ||
                     tcp_state_is(tcb->state, TCP_FIN_IN)))
    tcp_notify(t, tcb, LA_EV_READABLE);
}

static bool append(struct tcp *t, struct tcb *tcb, const struct frag *piece)
{
  while (!stream_append(&t->store, &tcb->rx, piece))        /* at most all islands */
    if (!tcp_memory_reclaim(t, tcb))
      return false;
  return true;
}

/* The part of the text that this connection may have; the rest, and a FIN behind it, is as if it
 * had not come. */
static struct verdict cut_to_share(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const uint32_t text = tcp_seg_text(seg), takes = tcp_memory_takes(t, tcb, text);

  if (takes == text)
    return NEXT;
  if (seg->flags & F_FIN)
    seg->len--;
  seg->flags &= (uint8_t)~F_FIN;
  tcp_seg_trim_back(seg, text - takes);
  t->count[TCP_N_text_refused]++;
  tcb->say |= SAY_ACK;
  tcp_wake(t, tcb);
  return DROP_ACK(NO_MEMORY);
}

/* Takes the text that begins at RCV.NXT. Memory may end within it: what was taken counts. */
static struct verdict take_in_order(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  uint32_t taken = 0;
  struct verdict v = cut_to_share(t, tcb, seg);

  for (unsigned i = 0; i < seg->frags; i++) {
    if (!append(t, tcb, &seg->frag[i])) {
      seg->flags &= (uint8_t)~F_FIN;
      tcb->say |= SAY_ACK;
      tcp_wake(t, tcb);
      v = DROP_ACK(NO_MEMORY);
      break;
    }
    taken += seg->frag[i].length;
  }
  if (taken == 0)
    return v;
  tcb->rcv.nxt = seq_add(tcb->rcv.nxt, taken);
  tcb->rcv.wnd -= taken;
  tcb->octets_in += taken;
  if (tcb->rcv.wnd == 0 && tcb->receive_buffer <= tcb->rx.octets)
    tcp_trace_add(t, tcb, LA_TRACE_ZERO_WINDOW, 2, 0, 0, 0, 0);
  if (tcb->islands) {                         /* RFC 5681 4.2: what fills a gap is told at once */
    tcp_island_pull(t, tcb);
    tcb->say |= SAY_ACK;
  }
  if (seg->trimmed)                           /* it was sent before, so its ACK was lost */
    tcb->say |= SAY_ACK;
  tcp_tune_receive(t, tcb, seg);
  owe_ack(t, tcb, taken);
  tcp_tell_text(t, tcb);
  return v;
}

/* RFC 9293 3.10.7.4 seventh. The segment lies within the window and begins at RCV.NXT or later. */
struct verdict tcp_receive_text(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const bool next = seq_eq(seg->seq, tcb->rcv.nxt);
  const struct verdict v = next ? take_in_order(t, tcb, seg) : tcp_island_add(t, tcb, seg);

  tcp_memory_note(t, tcb);
  return v;
}
