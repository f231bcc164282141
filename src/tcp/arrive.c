/* arrive.c - SEGMENT ARRIVES, RFC 9293 3.10.7.4, one function per numbered step.
 *
 * A step returns NEXT to go on, or a verdict that ends the segment.  A verdict
 * names its reason: no segment disappears from lastack without saying why.
 */
#include "base/need.h"
#include "tcp/room.h"

/* RFC 9293 3.4: the four cases of an acceptable segment. A shut window takes no text, but the
 * ACK, URG and RST of a probe count (3.10.7.4 first, MUST-66): such a segment is let in, and
 * seg_trim leaves nothing else of it. */
static bool seg_acceptable(const struct tcb *tcb, const struct tcp_seg *seg)
{
  const tcp_seq last = seq_add(seg->seq, seg->len ? seg->len - 1 : 0);

  if (tcb->rcv.wnd == 0)
    return seq_eq(seg->seq, tcb->rcv.nxt) && !(seg->flags & F_SYN);
  return seq_in(seg->seq, tcb->rcv.nxt, tcb->rcv.wnd) ||
         (seg->len != 0 && seq_in(last, tcb->rcv.nxt, tcb->rcv.wnd));
}

/* "Tailor" the segment (RFC 9293 3.10.7.4 first): what lies left of RCV.NXT is
 * old, what lies right of the window was not asked for, and a SYN or FIN that
 * is cut off is gone.  Steps two to eight see only what is left. */
static void seg_trim(struct tcb *tcb, struct tcp_seg *seg)
{
  int32_t old = seq_diff(tcb->rcv.nxt, seg->seq), over;

  seg->trimmed = old > 0;
  if (old > 0) {
    if ((tcb->flags & TCB_SACK) && tcp_seg_text(seg) > 0) {
      tcb->dsack = (struct tcp_sack){ seg->seq.n, tcb->rcv.nxt.n };     /* RFC 2883 4 */
      tcb->flags |= TCB_DSACK;
    }
    if (seg->flags & F_SYN) {
      seg->flags &= (uint8_t)~F_SYN;
      seg->seq = seq_add(seg->seq, 1);
      seg->len--;
      old--;
    }
    tcp_seg_trim_front(seg, (uint32_t)old);
  }
  over = seq_diff(seq_add(seg->seq, seg->len), seq_add(tcb->rcv.nxt, tcb->rcv.wnd));
  seg->trimmed = seg->trimmed || over > 0;
  if (over > 0 && (seg->flags & F_FIN)) {
    seg->flags &= (uint8_t)~F_FIN;
    seg->len--;
    over--;
  }
  if (over > 0)
    tcp_seg_trim_back(seg, (uint32_t)over);
}

/* A segment that was here before: SACK tells the peer which (RFC 2883 4.1). */
static void note_duplicate(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const tcp_seq end = seq_add(seg->seq, tcp_seg_text(seg));

  if (tcp_seg_text(seg) == 0 || !seq_le(end, tcb->rcv.nxt) ||
      seq_diff(tcb->rcv.nxt, seg->seq) > (1 << 30))
    return;
  t->count[TCP_N_duplicates]++;
  if (!(tcb->flags & TCB_SACK))
    return;
  tcb->dsack = (struct tcp_sack){ seg->seq.n, end.n };
  tcb->flags |= TCB_DSACK;
}

/* RFC 7323 5.3 R1: a timestamp from the past, unless ours is older than 24 days (5.5). The stamp of
 * that is good for 49 days; a peer that was silent for longer is known by its silence. */
static bool from_the_past(const struct tcp *t, const struct tcb *tcb, const struct tcp_seg *seg)
{
  const uint32_t days24_ms = 24 * 24 * 3600 * 1000u;

  return (int32_t)(seg->options->ts_val - tcb->ts_recent) < 0 &&
         t->now - tcb->last_received < (la_time)days24_ms * LA_MS &&
         tcp_ms(t) - tcb->ts_recent_ms < days24_ms;
}

/* RFC 7323 4.3 (2) and 5.3 R3: of the segments that are taken, the one that covers the last ACK
 * we sent says what to echo. `seq` is where it began before it was trimmed. */
static void note_timestamp(const struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg,
                           tcp_seq seq)
{
  if (!(tcb->flags & TCB_TS) || !(seg->options->present & TCP_OPT_TS) ||
      from_the_past(t, tcb, seg) || seq_lt(tcb->rcv.acked, seq))
    return;
  tcb->ts_recent = seg->options->ts_val;
  tcb->ts_recent_ms = tcp_ms(t);
}

static struct verdict check_timestamp(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  if (!(tcb->flags & TCB_TS) || (seg->flags & F_RST))
    return NEXT;
  /* A SYN may come from a peer that restarted and knows nothing of this connection: swallowing it
   * would keep that peer out for as long as we live (RFC 9293 3.5.1). Step four challenges it. */
  if (!(seg->options->present & TCP_OPT_TS))
    return (seg->flags & F_SYN) || t->set.lax_timestamps ? NEXT : DROP(NO_TIMESTAMP);
  if (from_the_past(t, tcb, seg)) {
    note_duplicate(t, tcb, seg);
    return DROP_ACK(PAWS);
  }
  return NEXT;
}

/* Departs: when both have opened, the peer's SYN comes a second time, now with the ACK of ours, and
 * RFC 9293 3.5 figure 7 is ESTABLISHED by it (line 6); 3.10.7.4 first would refuse it as old, a
 * known fault (A.2). Linux and FreeBSD take the SYN off and the ACK in, and so do we. A peer that
 * goes by the letter refuses our SYN,ACK likewise: the ACK that we say at once is for it. */
static void take_off_crossed_syn(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  if (tcb->state != TCP_SYN_RECEIVED || (tcb->flags & TCB_PASSIVE) ||
      (seg->flags & (F_SYN | F_ACK | F_RST)) != (F_SYN | F_ACK) ||
      !seq_eq(seg->seq, tcb->rcv.irs) || !seq_eq(seg->ack, tcb->snd.nxt))
    return;
  seg->flags &= (uint8_t)~F_SYN;
  seg->seq = seq_add(seg->seq, 1);
  seg->len--;
  tcb->say |= SAY_ACK;
  tcp_wake(t, tcb);
}

static struct verdict step1_check_sequence(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const struct verdict v = check_timestamp(t, tcb, seg);

  if (v.code != V_NEXT)
    return v;
  take_off_crossed_syn(t, tcb, seg);
  if (seg_acceptable(tcb, seg)) {
    if (tcb->rcv.wnd == 0 && seg->len > 0 && !(seg->flags & F_RST)) {
      tcb->say |= SAY_ACK;                    /* RFC 9293 3.8.6.1: a probe is answered */
      tcp_wake(t, tcb);
    }
    seg_trim(tcb, seg);
    return NEXT;
  }
  if (seg->flags & F_RST)
    return DROP(RST_OUT_OF_WINDOW);
  note_duplicate(t, tcb, seg);
  return DROP_ACK(OUT_OF_WINDOW);
}

/* What a RST means to the user. In CLOSING and LAST-ACK it tells nothing (3.10.7.4 second),
 * unless text of ours is still unacknowledged, and so perhaps lost. */
static uint8_t error_of_reset(const struct tcb *tcb)
{
  const bool both_closed = tcp_state_is(tcb->state, TCP_FIN_OUT | TCP_FIN_IN);

  if (both_closed && tcb->tx.octets == 0)
    return LA_OK;
  return tcb->state == TCP_SYN_RECEIVED && !(tcb->flags & TCB_PASSIVE) ? LA_EREFUSED : LA_ERESET;
}

/* RFC 5961 3.2: only the exact next sequence number resets; the rest of the
 * window earns a challenge ACK, so that a blind attacker must guess 32 bits. */
static struct verdict step2_check_rst(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  if (!(seg->flags & F_RST))
    return NEXT;
  if (!seq_eq(seg->seq, tcb->rcv.nxt))
    return CHALLENGE(RST_NOT_EXACT);
  tcb->error = error_of_reset(tcb);
  tcp_fsm_fire(t, tcb, TCP_EV_RCV_RST);
  return DROP(RST_ACCEPTED);
}

static struct verdict step3_check_security(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  (void)t;
  (void)tcb;
  (void)seg;                   /* RFC 9293 A.1: IP security compartments are not used. */
  return NEXT;
}

static struct verdict step4_check_syn(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  if (!(seg->flags & F_SYN))
    return NEXT;
  if (tcb->state == TCP_SYN_RECEIVED && (tcb->flags & TCB_PASSIVE) && !tcp_opened_fast(tcb)) {
    tcb->error = LA_ERESET;
    tcp_fsm_fire(t, tcb, TCP_EV_RCV_SYN);
    return DROP(SYN_AGAIN);
  }
  return CHALLENGE(SYN_IN_WINDOW);             /* RFC 5961 4.2 */
}

/* LA_OPT_DEFER_ACCEPT_S: an ACK without text or FIN, while there is time to wait for some. Out of a
 * SYN cookie there is none: our SYN,ACK is not kept, to ask again with when the time is over. */
static bool is_early(const struct tcb *tcb, const struct tcp_seg *seg)
{
  return tcb->parent && tcb->backoffs < tcb->habits->defer_retries && seg->len == 0 &&
         tcb->rx.octets == 0 && !(tcb->flags & TCB_COOKIE);
}

/* RFC 9293 3.10.7.4 fifth, SYN-RECEIVED: SND.UNA < SEG.ACK =< SND.NXT. */
static struct verdict check_ack_of_syn(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  if (!seq_lt(tcb->snd.una, seg->ack) || seq_lt(tcb->snd.nxt, seg->ack))
    return RESET(ACK_NOT_OF_SYN);
  if (tcb->parent && !tcp_opened_fast(tcb) && !tcp_listener_has_room(tcp_parent(tcb)))
    return DROP(ACCEPT_FULL);
  if (is_early(tcb, seg)) {
    tcb->marks |= MARK_DEFERRED;
    return DROP(ACCEPT_DEFERRED);
  }
  tcb->marks &= (uint16_t)~MARK_DEFERRED;
  tcb->snd.wnd = seg->wnd << tcb->snd_wscale;
  tcb->snd.wnd_max = tcb->snd.wnd;
  tcb->snd.wl1 = seg->seq;
  tcb->snd.wl2 = seg->ack;
  tcp_fsm_fire(t, tcb, TCP_EV_RCV_ACK_OF_SYN);
  return NEXT;
}

static struct verdict step5_check_ack(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  struct verdict v = NEXT;

  if (!(seg->flags & F_ACK))
    return DROP(NO_ACK);
  if (!tcp_state_is(tcb->state, TCP_SYNCED))
    v = check_ack_of_syn(t, tcb, seg);
  if (v.code != V_NEXT)
    return v;
  /* RFC 5961 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT. */
  if (seq_lt(tcb->snd.nxt, seg->ack))
    return CHALLENGE(ACK_OF_UNSENT);
  if (seq_lt(seg->ack, seq_sub(tcb->snd.una, tcb->snd.wnd_max)))
    return CHALLENGE(ACK_TOO_OLD);

  tcp_ack(t, tcb, seg);
  if (tcp_state_is(tcb->state, TCP_FIN_OUT) && seq_lt(tcb->snd.fin, tcb->snd.una))
    if (tcp_fsm_fire(t, tcb, TCP_EV_RCV_ACK_OF_FIN) == TCP_CLOSED)
      return DROP(LAST_ACK);
  return NEXT;
}

/* RFC 6093: the urgent pointer is noted for the user, if it is ahead of what was read; the text
 * stays in line. */
static struct verdict step6_check_urg(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const tcp_seq up = seg->urgent_end, unread = seq_sub(tcb->rcv.nxt, tcb->rx.octets);

  if (!(seg->flags & F_URG) || !tcp_state_is(tcb->state, TCP_RX_TEXT) || seq_le(up, unread))
    return NEXT;
  if (!(tcb->flags & TCB_URGENT) || seq_lt(tcb->rcv.up, up)) {
    tcb->rcv.up = up;
    tcb->flags |= TCB_URGENT;
    tcp_notify(t, tcb, LA_EV_READABLE);       /* MUST-32: also when it only moves on */
  }
  return NEXT;
}

/* In SYN-RECEIVED only the text behind the SYN itself comes so far: it is kept, and readable once
 * the handshake is complete (RFC 9293 3.10.7.2 third). */
static bool takes_text(const struct tcb *tcb)
{
  return tcp_state_is(tcb->state, TCP_RX_TEXT) || tcb->state == TCP_SYN_RECEIVED;
}

static struct verdict step7_segment_text(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  /* Nothing can follow a FIN; a peer that sends more, even a second FIN, is
   * told where we stand.  (Found by test/arrive_exhaustive.c.) */
  if (seg->len != 0 && tcp_state_is(tcb->state, TCP_FIN_IN))
    return DROP_ACK(AFTER_FIN);
  if (tcp_seg_text(seg) == 0 || !takes_text(tcb))
    return NEXT;
  /* RFC 1122 4.2.2.13: nobody will ever read this, and the peer must learn it. */
  if (!(tcb->flags & TCB_HELD) && !tcp_unaccepted(tcb)) {
    tcb->error = LA_EABORTED;
    tcp_fsm_fire(t, tcb, TCP_EV_ABORT);
    return DROP(NOBODY_READS);
  }
  return tcp_receive_text(t, tcb, seg);
}

/* The FIN may have come before the text that it follows: it is remembered (rcv.fin) until
 * RCV.NXT has reached it. What a peer sent beyond its own FIN is no part of the stream. */
static struct verdict step8_check_fin(struct tcp *t, struct tcb *tcb)
{
  if (!(tcb->flags & TCB_FIN_SEEN) || !seq_eq(tcb->rcv.fin, tcb->rcv.nxt) ||
      !tcp_state_is(tcb->state, TCP_RX_TEXT))
    return NEXT;
  tcb->flags &= ~(uint32_t)TCB_FIN_SEEN;
  tcp_islands_drop(t, tcb);
  tcb->rcv.nxt = seq_add(tcb->rcv.nxt, 1);
  if (tcb->rcv.wnd > 0)
    tcb->rcv.wnd--;
  tcp_fsm_fire(t, tcb, TCP_EV_RCV_FIN);
  if (tcb->rx.octets < tcb->habits->receive_lowat)
    tcp_tell_text(t, tcb);                    /* no more will come: this is all */
  return NEXT;
}

static void note_fin(struct tcb *tcb, const struct tcp_seg *seg)
{
  if (!(seg->flags & F_FIN) || (tcb->flags & TCB_FIN_SEEN) || tcp_state_is(tcb->state, TCP_FIN_IN))
    return;
  tcb->rcv.fin = seq_add(seg->seq, seg->len - 1);
  tcb->flags |= TCB_FIN_SEEN;
}

struct verdict tcp_arrive_text_and_fin(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  struct verdict v = step6_check_urg(t, tcb, seg), last;

  note_fin(tcb, seg);
  if (v.code == V_NEXT)
    v = step7_segment_text(t, tcb, seg);
  if (tcb->state == TCP_CLOSED)
    return v;
  last = step8_check_fin(t, tcb);
  return v.code == V_NEXT ? last : v;
}

static struct verdict arrive_steps(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const tcp_seq seq = seg->seq;
  struct verdict v = step1_check_sequence(t, tcb, seg);

  if (v.code == V_NEXT)
    v = step2_check_rst(t, tcb, seg);
  if (v.code == V_NEXT)
    v = step3_check_security(t, tcb, seg);
  if (v.code == V_NEXT)
    v = step4_check_syn(t, tcb, seg);
  if (v.code == V_NEXT)
    v = step5_check_ack(t, tcb, seg);
  if (v.code != V_NEXT)
    return v;
  note_timestamp(t, tcb, seg, seq);
  if (seg->options->present & TCP_OPT_USER_TIMEOUT)
    tcp_user_timeout_arrive(t, tcb, seg->options->user_timeout_s);
  tcp_ecn_arrive(t, tcb, seg);
  return tcp_arrive_text_and_fin(t, tcb, seg);
}

/* ---- what a verdict means ---- */

/* Departs: RFC 9293 answers a repeated SYN in SYN-RECEIVED with an ACK, which a peer in SYN-SENT
 * cannot use. Linux and FreeBSD repeat the SYN,ACK at once, and so do we. */
static void say_where_we_stand(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const bool syn_again = (seg->flags & (F_SYN | F_ACK)) == F_SYN && seq_eq(seg->seq, tcb->rcv.irs);

  if (syn_again && tcb->state == TCP_SYN_RECEIVED && (tcb->flags & TCB_PASSIVE))
    tcp_repair(t, tcb, tcb->snd.iss, seq_add(tcb->snd.iss, 1));
  else
    tcb->say |= SAY_ACK;
  tcp_wake(t, tcb);
}

/* Two ends that disagree could answer each other's empty ACKs for ever, so those count as
 * challenges too; so does the answer to a SYN, wherever it lies (RFC 5961 4.2 and 7). Departs:
 * RFC 9293 answers all of them; Linux limits them as well. */
static bool is_limited(const struct tcb *tcb, const struct tcp_seg *seg, struct verdict v)
{
  const bool late_syn = (seg->flags & F_SYN) && tcp_state_is(tcb->state, TCP_SYNCED);

  return v.code == V_CHALLENGE || seg->len == 0 || late_syn;
}

static void act(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg, struct verdict v)
{
  const bool limited = is_limited(tcb, seg, v);

  if (v.code == V_RESET)
    tcp_reply_reset(t, &tcb->ends, seg);
  if (v.code != V_DROP_ACK && v.code != V_CHALLENGE)
    return;
  if (limited && !tcp_may_challenge(t))
    return;
  say_where_we_stand(t, tcb, seg);
}

static struct verdict dispatch(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  if (tcb->state == TCP_SYN_SENT)
    return tcp_arrive_syn_sent(t, tcb, seg);
  if (tcb->state == TCP_TIME_WAIT)
    return tcp_arrive_time_wait_tcb(t, tcb, seg);
  return arrive_steps(t, tcb, seg);
}

static void note_received(const struct tcp *t, struct tcb *tcb, bool text)
{
  tcb->last_received = t->now;
  if (text)
    tcb->text_received_ms = tcp_ms(t);
}

/* `seg` as it came. What was joined is of segments that are alike. */
static void count_in(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const uint32_t text = tcp_seg_text(seg), segments = 1u + seg->joined;
  const uint32_t each = (text + segments - 1) / segments;

  t->count[TCP_N_segments_in] += segments;
  tcb->segments_in += segments;
  if (text == 0)
    return;
  tcb->text_segments_in += segments;
  if (each > tcb->segment_in)
    tcb->segment_in = (uint16_t)(each < tcb->our_mss ? each : tcb->our_mss);
}

struct verdict tcp_arrive(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const bool has_text = tcp_seg_text(seg) > 0;
  const uint32_t seq = seq_span(tcb->rcv.irs, seg->seq), ack = seq_span(tcb->snd.iss, seg->ack);
  struct verdict v;

  need(tcb->state != TCP_CLOSED);
  need(tcb->state != TCP_LISTEN);
  count_in(t, tcb, seg);
  seg->urgent_end = seq_add(seg->seq, seg->up);
  v = dispatch(t, tcb, seg);
  t->why[v.why]++;
  if (v.why != WHY_NONE)
    tcp_trace_add(t, tcb, LA_TRACE_VERDICT, v.why, seg->flags, 0, seq, ack);
  else
    note_received(t, tcb, has_text);
  if (tcb->state != TCP_CLOSED)
    act(t, tcb, seg, v);
  check(tcp_check(t, tcb) == NULL);
  return v;
}
