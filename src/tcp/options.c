/* options.c - the options of our segments: what a SYN says, timestamps, SACK blocks beside text. */
#include "tcp/room.h"

/* RFC 7413 4.1.3.1 and 4.2.2: one that is sent again has neither the option nor text, for it may be
 * those that some middlebox would not let through. */
bool tcp_first_syn(const struct tcb *tcb) { return seq_eq(tcb->snd.nxt, tcb->snd.iss); }

static void syn_options(const struct tcp *t, const struct tcb *tcb, struct tcp_options *o)
{
  const bool answer = (tcb->flags & TCB_SYN_IN) != 0;

  if (tcb->habits->no_options)
    return;
  o->present = TCP_OPT_MSS;
  o->mss = tcb->our_mss;
  if (answer ? (tcb->flags & TCB_WSCALE) != 0 : !t->set.no_window_scale)
    o->present |= TCP_OPT_WSCALE;
  if (answer ? (tcb->flags & TCB_SACK) != 0 : !t->set.no_sack)
    o->present |= TCP_OPT_SACK_OK;
  if (answer ? (tcb->flags & TCB_TS) != 0 : !t->set.no_timestamps)
    o->present |= TCP_OPT_TS;
  o->wscale = tcb->rcv_wscale;
  o->bsd = tcb->habits->bsd_options;
  if ((tcb->flags & TCB_FASTOPEN_COOKIE) && tcp_first_syn(tcb)) {
    o->present |= TCP_OPT_FASTOPEN;
    o->cookie = tcb->flags & TCB_PASSIVE ? tcp_fastopen_cookie(t, tcp_parent(tcb), &tcb->ends)
                                         : tcp_fastopen_known(t, tcb);
    o->cookie.experimental = (tcb->flags & TCB_FASTOPEN_OLD) != 0;
  }
}

/* How many SACK blocks there are to tell; three fit beside timestamps. */
unsigned tcp_sacks_wanted(const struct tcb *tcb)
{
  const unsigned blocks = tcb->island_count + ((tcb->flags & TCB_DSACK) ? 1 : 0);
  const unsigned most = (tcb->flags & TCB_TS) ? 3 : 4;

  if (!(tcb->flags & TCB_SACK))
    return 0;
  return blocks < most ? blocks : most;
}

/* How many of them fit beside so much text (RFC 9293 3.7.1). */
unsigned tcp_sacks_beside(const struct tcb *tcb, uint32_t text)
{
  const unsigned wanted = tcp_sacks_wanted(tcb);
  const unsigned fit = text + 4 < tcb->mss ? (tcb->mss - text - 4) / 8 : 0;

  return text == 0 || wanted < fit ? wanted : fit;
}

/* The most new text of one segment now: it leaves room for the SACK blocks. */
uint32_t tcp_text_most(const struct tcb *tcb)
{
  const uint32_t room = tcp_sacks_wanted(tcb) > 0 ? 4 + 8 * tcp_sacks_wanted(tcb) : 0;

  return room < tcb->mss ? tcb->mss - room : tcb->mss;
}

void tcp_write_options(const struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  struct tcp_options o;

  o.present = o.bsd = 0;
  if (out->flags & F_SYN) {
    syn_options(t, tcb, &o);
  } else {
    if (tcb->flags & TCB_TS)
      o.present |= TCP_OPT_TS;
    if (tcp_sacks_beside(tcb, out->text) > 0) {
      o.sacks = (uint8_t)tcp_sack_blocks(tcb, o.sack, tcp_sacks_beside(tcb, out->text));
      o.present |= TCP_OPT_SACK;
    }
  }
  if (((out->flags & F_SYN) || (tcb->marks & MARK_USER_TIMEOUT)) &&
      tcp_user_timeout_goes(tcb, out)) {
    o.user_timeout_s = tcb->habits->user_timeout_s;
    o.present |= TCP_OPT_USER_TIMEOUT;
    tcb->marks &= (uint16_t)~MARK_USER_TIMEOUT;
  }
  if (o.present == 0) {
    out->options_length = 0;
    return;
  }
  o.ts_val = tcp_ts_now(t, tcb);
  o.ts_ecr = (tcb->flags & TCB_SYN_IN) ? tcb->ts_recent : 0;
  out->options_length = (uint8_t)tcp_options_write(out->options, &o);
}
