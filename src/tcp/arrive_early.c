/* arrive_early.c - SEGMENT ARRIVES before there is a connection: RFC 9293 3.10.7.1 (CLOSED) and
 * 3.10.7.3 (SYN-SENT).  3.10.7.2 (LISTEN) is listen.c's. */
#include "tcp/room.h"

struct verdict tcp_arrive_closed(struct tcp *t, const struct ends *ends, struct tcp_seg *seg)
{
  struct verdict v = RESET(CLOSED_PORT);

  t->count[TCP_N_segments_in]++;
  if (seg->flags & F_RST)
    v = DROP(CLOSED_RST);
  else
    tcp_reply_reset(t, ends, seg);
  t->why[v.why]++;
  return v;
}

/* LA_OPT_NO_OPTIONS: there were none. */
static const struct tcp_options *options_of(const struct tcb *tcb, const struct tcp_seg *seg)
{
  static const struct tcp_options none;

  return tcb->habits->no_options ? &none : seg->options;
}

/* What both SYNs settle: IRS, the options that both ends want, the peer's first window. */
void tcp_take_syn(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const struct tcp_options *const o = options_of(tcb, seg);

  tcb->flags |= TCB_SYN_IN;
  tcb->last_received = t->now;
  tcb->rcv.irs = seg->seq;
  tcb->rcv.nxt = tcb->rcv.acked = tcb->rcv.up = seq_add(seg->seq, 1);
  tcb->snd.wnd = tcb->snd.wnd_max = seg->wnd;
  tcb->snd.wl1 = seg->seq;
  tcb->snd.wl2 = seg->ack;
  tcb->peer_mss = (o->present & TCP_OPT_MSS) ? o->mss : 0;
  if ((o->present & TCP_OPT_WSCALE) && !t->set.no_window_scale) {
    tcb->flags |= TCB_WSCALE;
    tcb->snd_wscale = o->wscale < 14 ? o->wscale : 14;       /* RFC 7323 2.3 */
  } else {
    tcb->rcv_wscale = 0;
  }
  if ((o->present & TCP_OPT_SACK_OK) && !t->set.no_sack)
    tcb->flags |= TCB_SACK;
  if ((o->present & TCP_OPT_TS) && !t->set.no_timestamps) {
    tcb->flags |= TCB_TS;
    tcb->ts_recent = o->ts_val;
    tcb->ts_recent_ms = tcp_ms(t);
  }
  if (o->present & TCP_OPT_USER_TIMEOUT)
    tcp_user_timeout_arrive(t, tcb, o->user_timeout_s);
  tcp_ecn_agree(tcb, seg);
  tcp_mss_update(tcb);
  tcp_window_whole(tcb);
  tcp_steer_begin(t, tcb);
}

/* RFC 9293 3.10.7.3 first: SEG.ACK =< ISS or SEG.ACK > SND.NXT acknowledges what never was. */
static struct verdict first_check_ack(const struct tcb *tcb, const struct tcp_seg *seg)
{
  if (!(seg->flags & F_ACK) || seq_in(seg->ack, seq_add(tcb->snd.iss, 1), tcp_flight(tcb)))
    return NEXT;
  return (seg->flags & F_RST) ? DROP(SYN_SENT_RST) : RESET(SYN_SENT_BAD_ACK);
}

static struct verdict second_check_rst(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  if (!(seg->flags & F_RST))
    return NEXT;
  if (!(seg->flags & F_ACK))
    return DROP(SYN_SENT_RST);
  tcb->error = LA_EREFUSED;
  tcp_fsm_fire(t, tcb, TCP_EV_RCV_RST);
  return DROP(REFUSED);
}

/* Text behind a SYN is taken as far as the window goes; it is readable once ESTABLISHED. With
 * no_syn_text what stands behind a SYN that crossed ours must come again, its FIN too. */
struct verdict tcp_text_behind_syn(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const bool crossed = !(tcb->flags & TCB_PASSIVE) && !(seg->flags & F_ACK);

  if (crossed && tcb->habits->no_syn_text)
    return NEXT;
  seg->flags &= (uint8_t)~F_SYN;
  seg->seq = seq_add(seg->seq, 1);
  seg->len--;
  if (seg->len == 0)
    return NEXT;
  if (tcp_seg_text(seg) > tcb->rcv.wnd) {
    if (seg->flags & F_FIN)
      seg->len--;
    seg->flags &= (uint8_t)~F_FIN;
    tcp_seg_trim_back(seg, seg->len - tcb->rcv.wnd);
  }
  return tcp_arrive_text_and_fin(t, tcb, seg);
}

/* RFC 9293 3.10.7.3 fourth. A SYN with our ACK completes the handshake; without it, both ends
 * have opened at once (MUST-10) and our SYN goes out again, with the ACK. */
static struct verdict fourth_check_syn(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  tcp_take_syn(t, tcb, seg);
  if (seg->flags & F_ACK) {
    tcp_fsm_fire(t, tcb, TCP_EV_RCV_SYN_ACK);
    tcp_ack(t, tcb, seg);
    tcp_fastopen_answered(t, tcb, seg);
    tcp_wake(t, tcb);
    return tcp_text_behind_syn(t, tcb, seg);
  }
  tcp_fsm_fire(t, tcb, TCP_EV_RCV_SYN);
  tcb->backoffs = 0;
  tcp_repair(t, tcb, tcb->snd.iss, seq_add(tcb->snd.iss, 1));
  return tcp_text_behind_syn(t, tcb, seg);
}

struct verdict tcp_arrive_syn_sent(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  struct verdict v = first_check_ack(tcb, seg);

  if (v.code == V_NEXT)
    v = second_check_rst(t, tcb, seg);
  if (v.code != V_NEXT)
    return v;
  if (!(seg->flags & F_SYN))
    return DROP(SYN_SENT_NO_SYN);
  return fourth_check_syn(t, tcb, seg);
}
