/* emit.c - what to say next: RFC 9293 3.8 and 3.10.2.  The only builder of segments.
 *
 * A connection's sequence space is SYN, text, FIN. Whatever is sent begins somewhere in it, so a
 * SYN is what lies at ISS and a FIN what lies at snd.fin: sending anew, again, or as a probe is
 * the same act at different places. */
#include "tcp/room.h"

/* The sequence number of the first octet of the send queue. */
static tcp_seq text_start(const struct tcb *tcb)
{
  return tcp_syn_waits(tcb) ? seq_add(tcb->snd.iss, 1) : tcb->snd.una;
}

static tcp_seq text_end(const struct tcb *tcb) { return seq_add(text_start(tcb), tcb->tx.octets); }

uint32_t tcp_unsent(const struct tcb *tcb)
{
  const tcp_seq end = text_end(tcb), next = tcb->snd.nxt;

  return seq_lt(next, end) ? seq_span(seq_lt(next, text_start(tcb)) ? text_start(tcb) : next, end)
                           : 0;
}

/* RFC 6691: the MSS option is the MTU less the fixed headers. */
uint16_t tcp_mss_offer(const struct tcp_habits *habits, const struct tcp_path *path)
{
  const uint16_t headers = (uint16_t)(path->ip_header + TCP_HEADER_MIN);
  const uint16_t mss = path->mtu > headers ? (uint16_t)(path->mtu - headers) : 1;

  return habits->mss_limit != 0 && habits->mss_limit < mss ? habits->mss_limit : mss;
}

/* RFC 9293 3.7.1: the smaller of what the peer takes and what the path carries, less options. */
void tcp_mss_update(struct tcb *tcb)
{
  const struct tcp_path found = { .mtu = tcp_mtu(tcb), .ip_header = tcb->path.ip_header };
  const uint16_t path = tcp_mss_offer(tcb->habits, &found);
  const uint16_t options = (tcb->flags & TCB_TS) ? 12 : 0;
  const uint16_t standard = tcb->path.ip_header == 40 ? 1220 : 536;         /* MUST-15 */
  uint16_t mss = tcb->peer_mss != 0 ? tcb->peer_mss : standard;

  if (path < mss)
    mss = path;
  tcb->mss = mss > options + 8 ? (uint16_t)(mss - options) : 8;
}

/* ---- the builder ---- */

/* Every segment acknowledges all that has come, so it pays what acknowledgments are owed; but for
 * SACK blocks that found no room in it, which a segment of their own must tell. */
static void pay_ack(struct tcb *tcb, bool told_all)
{
  if (told_all)
    tcb->say &= (uint8_t)~SAY_ACK;
  tcb->unacked_segments = 0;
  tcb->rcv.acked = tcb->rcv.nxt;
  tcp_timer_stop(tcb, TCP_T_DELACK);
}

static void point_to_urgent(const struct tcb *tcb, struct tcp_out *out)
{
  const int32_t ahead = seq_diff(tcb->snd.up, out->seq);

  out->up = 0;
  if (ahead <= 0 || !seq_lt(tcb->snd.una, tcb->snd.up))   /* a keep-alive stands before SND.UNA */
    return;
  out->flags |= F_URG;
  out->up = ahead < 65535 ? (uint16_t)ahead : 65535;
}

/* Text as far as the fragments reach: a run of segments ends on a full one if it must be cut. */
static void put_text(struct tcb *tcb, struct tcp_out *out, tcp_seq from, uint32_t n)
{
  uint32_t covered = 0;

  out->frags = 0;
  out->text = 0;
  if (n == 0)
    return;
  out->frags = (uint8_t)stream_pieces(&tcb->tx, &tcb->tx_cursor, seq_span(text_start(tcb), from), n,
                                      out->frag, TCP_OUT_FRAGS, &covered);
  if (covered < n && covered > tcb->mss)
    covered -= covered % tcb->mss;
  out->text = covered;
  for (uint32_t sum = 0, i = 0; i < out->frags; i++) {
    if (sum + out->frag[i].length >= covered) {
      out->frag[i].length = covered - sum;
      out->frags = (uint8_t)(i + 1);
    }
    sum += out->frag[i].length;
  }
}

/* RFC 9293 3.9.1.2 (MUST-60): the end of what the user has to say is pushed. So is each run of
 * segments, which lets a receiver that joins segments hand them on at once, as Linux's do. */
static bool is_pushed(const struct tcb *tcb, const struct tcp_out *out)
{
  const bool syn = (out->flags & F_SYN) != 0;
  const tcp_seq end = seq_add(out->seq, out->text + syn);
  const bool last = out->text > 0 && seq_eq(end, text_end(tcb));

  return !syn && ((last && !(tcb->marks & MARK_NO_PUSH)) || out->gso_size != 0);
}

/* The segment at `from` with up to n octets of text; a SYN or FIN that lies there goes along, a
 * FIN only if `fin`. Returns how much sequence space it takes. */
static uint32_t build(struct tcp *t, struct tcb *tcb, struct tcp_out *out, tcp_seq from, uint32_t n,
                      bool fin)
{
  bool told_all;

  out->seq = from;
  out->flags = 0;
  out->gso_size = 0;
  if (tcp_syn_waits(tcb) && seq_eq(from, tcb->snd.iss)) {
    out->flags = F_SYN;
    n = tcp_first_syn(tcb) ? n : 0;
  }
  put_text(tcb, out, seq_add(from, (out->flags & F_SYN) != 0), n);
  if (out->text > tcb->mss && !(out->flags & F_SYN))
    out->gso_size = tcb->mss;
  if (!(out->flags & F_SYN) && (tcb->flags & TCB_FIN_QUEUED) && fin &&
      seq_eq(seq_add(from, out->text), tcb->snd.fin))
    out->flags |= F_FIN;
  if (is_pushed(tcb, out))
    out->flags |= F_PSH;
  if (tcb->flags & TCB_SYN_IN)
    out->flags |= F_ACK;
  out->flags |= (uint8_t)tcp_ecn_flags(tcb, out->flags);
  out->ecn = TCP_NOT_ECT;
  out->ack = (tcb->flags & TCB_SYN_IN) ? tcb->rcv.nxt : seq_of(0);
  out->wnd = tcp_window_offer(t, tcb, (out->flags & F_SYN) != 0);
  point_to_urgent(tcb, out);
  told_all = tcp_sacks_beside(tcb, out->text) > 0 || tcp_sacks_wanted(tcb) == 0;
  tcp_write_options(t, tcb, out);
  pay_ack(tcb, told_all);
  return out->text + ((out->flags & F_SYN) != 0) + ((out->flags & F_FIN) != 0);
}

/* ---- what to say ---- */

/* What was sent for the first time: SND.NXT, the timers, the sample. */
static void sent_new(struct tcp *t, struct tcb *tcb, const struct tcp_out *out, uint32_t space)
{
  tcp_flight_sent(t, tcb, tcb->snd.nxt, seq_add(tcb->snd.nxt, space), tcp_out_segments(out));
  tcb->snd.nxt = seq_add(tcb->snd.nxt, space);
  if (out->text % tcb->mss != 0)
    tcb->snd.small = tcb->snd.nxt;
  tcp_spoke(t, tcb);
  tcb->prr.out += space;
  if (tcb->pace.on)
    tcp_pace_sent(t, tcb, out->text);
  if (!(tcb->flags & TCB_TIMING))
    tcp_rtt_start(t, tcb);
  tcp_flight_timer(t, tcb, false);
  tcp_probe_timer(t, tcb);
  tcp_patience_timer(t, tcb, false);
  tcp_offer_room(t, tcb);
}

/* May lost text go now? The first of it goes whatever cwnd says: on entering recovery (RFC 6675 5
 * step 4.3), when a window has opened, for a SYN. */
static bool repair_may_go(const struct tcb *tcb, uint32_t n)
{
  return (tcb->say & SAY_REPAIR) || tcp_pipe(tcb) == 0 || tcp_pipe(tcb) + n <= tcb->cc.cwnd;
}

/* `again`: 0, or 1: it was sent again before, and that was lost; 2: it is a probe. */
static void note_resent(struct tcp *t, struct tcb *tcb, const struct tcp_out *out, uint32_t space,
                        uint8_t again)
{
  tcp_undo_resent(t, tcb, space);
  tcb->retransmissions++;
  tcb->mtu.size = 0;                          /* no ACK will tell which of the two has passed */
  tcb->stream_sent_ms = tcp_ms(t);
  t->count[TCP_N_resent]++;
  if (tcb->pace.on)
    tcp_pace_sent(t, tcb, out->text);
  tcb->prr.out += space;
  tcb->flags &= ~(uint32_t)TCB_TIMING;        /* Karn */
  tcp_trace_add(t, tcb, LA_TRACE_RETRANSMIT, out->flags, tcb->backoffs, again,
                seq_span(tcb->snd.iss, out->seq), out->text);
  tcp_flight_timer(t, tcb, false);
}

static bool emit_repair(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  struct flight *const f = tcp_flight_first_lost(tcb);
  const uint8_t again = f && f->resent && tcb->backoffs == 0;
  uint32_t space, n;

  if (!f) {
    tcb->say &= (uint8_t)~SAY_REPAIR;
    return false;
  }
  if (tcb->frto == FRTO_SECOND_ACK)
    return false;                             /* RFC 5682 2.1 step 2b: new text goes first */
  if (tcb->snd.wnd == 0 && tcp_state_is(tcb->state, TCP_SYNCED))
    return false;                             /* probes go instead */
  if (tcp_syn_waits(tcb) && !seq_eq(f->start, tcb->snd.iss))
    return false;                             /* of all that is lost, the SYN goes first, alone */
  n = tcp_window_lets_again(tcb, f);
  if (n == 0 || !repair_may_go(tcb, n))
    return false;                             /* an ACK will make room */
  space = build(t, tcb, out, f->start, n, seq_lt(tcb->snd.fin, f->end));
  tcp_flight_resent(t, tcb, f, seq_add(f->start, space));
  if (tcb->mode != TCP_OPEN || tcb->lost == 0)
    tcb->say &= (uint8_t)~SAY_REPAIR;         /* in the open, what was too large goes, all of it */
  note_resent(t, tcb, out, space, again);
  if (again && f == tcb->flights)
    tcp_flight_timer(t, tcb, true);           /* RACK has found it lost: it has its time anew */
  return true;
}

struct room {
  uint32_t unsent;              /* octets of text never sent */
  uint32_t window, cwnd;        /* octets that each would let go */
  bool     fin;                 /* a FIN waits behind the text */
};

/* RFC 3042: the first two duplicate ACKs let a segment each go beyond cwnd. With SACK, what has
 * arrived no longer counts as in flight, which comes to the same. RFC 8985 7.3: so does a probe. */
static uint32_t cwnd_limit(const struct tcb *tcb)
{
  const bool counts = tcb->mode == TCP_OPEN && tcb->duplicate_acks < 3 && !(tcb->flags & TCB_SACK);
  const uint32_t extra = (counts ? tcb->duplicate_acks : 0u) + ((tcb->say & SAY_TAIL) ? 1u : 0u);

  return tcb->cc.cwnd + extra * tcb->mss;
}

static struct room room_now(const struct tcb *tcb)
{
  const tcp_seq edge = seq_add(tcb->snd.una, tcb->snd.wnd);
  const uint32_t syn = tcp_syn_waits(tcb) && tcp_pipe(tcb) > 0;    /* takes no room (RFC 5681 2) */
  const uint32_t pipe = tcp_pipe(tcb) - syn, limit = cwnd_limit(tcb);
  const bool fin_sent = (tcb->flags & TCB_FIN_QUEUED) && seq_lt(tcb->snd.fin, tcb->snd.nxt);

  return (struct room){
    .unsent = fin_sent ? 0 : seq_span(tcb->snd.nxt, text_end(tcb)),
    .window = seq_lt(tcb->snd.nxt, edge) ? seq_span(tcb->snd.nxt, edge) : 0,
    .cwnd = pipe < limit ? limit - pipe : 0,
    .fin = (tcb->flags & TCB_FIN_QUEUED) && !fin_sent,
  };
}

uint32_t tcp_sendable(const struct tcb *tcb)
{
  const struct room r = room_now(tcb);
  const uint32_t usable = r.window < r.cwnd ? r.window : r.cwnd;

  return tcp_syn_waits(tcb) ? 0 : usable;
}

/* Nagle's rule, RFC 9293 3.7.4, or as Minshall has it: is nothing in flight that could still be
 * joined by more? */
static bool is_alone(const struct tcb *tcb)
{
  if (tcp_flight(tcb) == tcp_syn_waits(tcb) || tcb->habits->nodelay)
    return true;
  return tcb->habits->minshall && seq_le(tcb->snd.small, tcb->snd.una);
}

static bool is_held(const struct tcb *tcb)
{
  return tcb->habits->cork || (tcb->marks & MARK_MORE);
}

/* May less than a full segment go? RFC 9293 3.7.4 (Nagle), 3.8.6.2.1 (2) and (3), and the user's
 * word that more will follow. A FIN behind the text means that nothing will. */
static bool small_may_go(const struct tcb *tcb, const struct room *r, uint32_t n)
{
  const bool alone = is_alone(tcb);

  if (n == r->unsent)
    return (alone && !is_held(tcb)) || r->fin || (tcb->marks & MARK_PUSH);
  return alone && n > 0 && n >= tcb->snd.wnd_max / 2;
}

/* Every piece of a run has the header of the whole: no room for SACK blocks in it is reckoned
 * with, and an urgent pointer (MUST-62) or CWR (RFC 3168 6.1.2) would be right in the first piece
 * only. */
static bool run_may_go(const struct tcb *tcb)
{
  return tcb->path.gso_max > tcb->mss && tcp_sacks_wanted(tcb) == 0 &&
         seq_le(tcb->snd.up, tcb->snd.una) && !(tcb->flags & TCB_ECN_CWR);
}

/* The longest run: of whole segments, within what is left of a burst. */
static uint32_t run_most(const struct tcp *t, const struct tcb *tcb, uint32_t mss)
{
  const uint32_t limit = tcp_run_limit(t, tcb);
  uint32_t most = tcb->habits->linux_buffers ? tcp_piece_size(tcb) : tcb->path.gso_max;

  if (limit < most)
    most = limit;
  if (tcb->pace.on && tcb->pace.left < most)
    most = tcb->pace.left > mss ? tcb->pace.left : mss;
  return most > mss ? most - most % mss : mss;
}

/* How much text may go now, as one segment or a run of them. */
static uint32_t allowance(const struct tcp *t, const struct tcb *tcb, const struct room *r)
{
  const uint32_t mss = tcp_text_most(tcb);
  const uint32_t usable = r->window < r->cwnd ? r->window : r->cwnd;
  const uint32_t most = run_may_go(tcb) ? run_most(t, tcb, mss) : mss;
  uint32_t n = r->unsent < usable ? r->unsent : usable;

  if (n >= most)
    return most;
  if (n % mss != 0 && !small_may_go(tcb, r, n))
    n -= n % mss;
  return n;
}

/* Is it the peer's window that keeps back what would go next? */
static bool window_holds(const struct tcb *tcb, const struct room *r)
{
  const uint32_t next = r->unsent < 1 ? 1 : r->unsent < tcb->mss ? r->unsent : tcb->mss;

  return r->window < next && r->cwnd >= next;
}

/* RFC 5682 2.1 step 2b: is there new text, and would it go? */
bool tcp_may_send_new(const struct tcp *t, const struct tcb *tcb)
{
  const struct room r = room_now(tcb);

  return (r.unsent > 0 && allowance(t, tcb, &r) > 0) || (r.unsent == 0 && r.fin && r.window > 0);
}

/* RFC 9293 3.10.2: text waits until our SYN is acknowledged; 3.10.4: a FIN alone need not. RFC 7413
 * 4.2.2: nothing waits for it in a connection that was opened fast. */
static bool waits_for_ack_of_syn(const struct tcb *tcb)
{
  return tcp_syn_waits(tcb) && !tcp_opened_fast(tcb) &&
         (tcb->tx.octets > 0 || !tcp_state_is(tcb->state, TCP_SYNCED));
}

/* The ACK of the SYN is a sample, whatever becomes of the text in it. */
static bool emit_syn(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  const uint32_t space = build(t, tcb, out, tcb->snd.iss, tcp_fastopen_text(t, tcb), false);

  if (out->text > 0)
    tcb->flags |= TCB_SYN_TEXT;
  sent_new(t, tcb, out, space);
  tcb->rtt.end = seq_add(tcb->snd.iss, 1);
  return true;
}

/* RFC 8985 7.3: a probe is out, and the time-out begins anew. */
static void note_probe(struct tcp *t, struct tcb *tcb, bool again)
{
  tcb->say &= (uint8_t)~SAY_TAIL;
  tcb->rack.probe_end = tcb->snd.nxt;
  tcb->rack.probe_out = true;
  tcb->rack.probe_again = again;
  tcp_flight_timer(t, tcb, true);
  tcp_timer_stop(tcb, TCP_T_PROBE);
}

/* RFC 4821 7.4: one segment larger than what is known to pass. Text in more pieces than a packet
 * may have is no probe. */
static bool emit_mtu_probe(struct tcp *t, struct tcb *tcb, struct tcp_out *out, uint32_t n)
{
  if (build(t, tcb, out, tcb->snd.nxt, n, false) != n)
    return false;
  out->gso_size = 0;
  tcp_mtu_probe_sent(t, tcb, seq_add(tcb->snd.nxt, n));
  sent_new(t, tcb, out, n);
  return true;
}

static bool emit_new(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  struct room r;
  uint32_t n;
  bool fin;

  if (tcp_syn_waits(tcb) && seq_eq(tcb->snd.nxt, tcb->snd.iss))
    return emit_syn(t, tcb, out);
  if (waits_for_ack_of_syn(tcb))
    return false;
  r = room_now(tcb);
  if (r.unsent == 0 && !r.fin) {
    tcp_limit_all_sent(t, tcb, r.cwnd);
    return false;
  }
  tcp_usage_resume(t, tcb);
  r = room_now(tcb);
  n = tcp_sacks_wanted(tcb) > 0 || (tcb->say & SAY_TAIL) ? 0 : tcp_mtu_probe(t, tcb, r.unsent);
  if (n > 0 && (n > r.window || n > r.cwnd) && tcp_flight(tcb) > 0)
    return false;                             /* an ACK will make room for the probe */
  if (n > 0 && n <= r.window && n <= r.cwnd && emit_mtu_probe(t, tcb, out, n))
    return true;
  n = allowance(t, tcb, &r);
  fin = r.fin && n == r.unsent && r.window > n && r.cwnd > n;
  if (n == 0 && !fin) {
    if (r.cwnd < r.window && r.cwnd < tcb->mss)
      tcp_usage_full(tcb);
    tcp_limit_held(t, tcb, window_holds(tcb, &r));
    return false;
  }
  tcp_limit_sent(t, tcb);
  sent_new(t, tcb, out, build(t, tcb, out, tcb->snd.nxt, n, fin));
  tcp_usage_sent(tcb);
  tcp_ecn_new_text(tcb, out);
  if (tcb->say & SAY_TAIL)
    note_probe(t, tcb, false);
  return true;
}

/* RFC 8985 7.3: where nothing new may be sent, the last segment again. */
static bool emit_tail(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  const struct flight *const f = tcb->flights_last;
  uint32_t n, space;

  if (!(tcb->say & SAY_TAIL))
    return false;
  tcb->say &= (uint8_t)~SAY_TAIL;
  if (!f || f->fate != FLIGHT_OUT || tcb->snd.wnd == 0)
    return false;
  n = seq_span(f->start, f->end);
  if (n > tcb->mss)
    n = tcb->mss;
  space = build(t, tcb, out, seq_sub(tcb->snd.nxt, n), n, true);
  tcp_flight_resent_tail(t, tcb, out->seq);
  note_resent(t, tcb, out, space, 2);
  note_probe(t, tcb, true);
  return true;
}

/* RFC 9293 3.8.6.1 (MUST-35): the first octet that the window keeps back is sent all the same. A
 * window that is open, but too small for the rules against silly ones, is used (3.8.6.2.1 (4)). */
static bool emit_probe(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  const tcp_seq edge = seq_add(tcb->snd.una, tcb->snd.wnd);
  const uint32_t open = tcb->snd.wnd == 0 ? 1 : seq_span(tcb->snd.una, edge);
  uint32_t n = open < tcp_text_most(tcb) ? open : tcp_text_most(tcb), space;

  if (!(tcb->say & SAY_PROBE))
    return false;
  tcb->say &= (uint8_t)~SAY_PROBE;
  if (n > tcb->tx.octets)
    n = tcb->tx.octets;
  space = build(t, tcb, out, tcb->snd.una, n, true);
  if (space == 0)
    return false;
  t->count[TCP_N_window_probes]++;
  if (seq_lt(tcb->snd.nxt, seq_add(tcb->snd.una, space)))
    sent_new(t, tcb, out, space - tcp_flight(tcb));
  tcb->flags &= ~(uint32_t)TCB_TIMING;
  return true;
}

/* Where an ACK stands. A probe, or a window that has shrunk, leaves SND.NXT beyond what the peer
 * takes, and it would drop an ACK from there (RFC 9293 3.10.7.4 first): the window's edge is the
 * last place that is good. Linux does the same. */
static tcp_seq bare_seq(const struct tcb *tcb)
{
  const tcp_seq edge = seq_add(tcb->snd.una, tcb->snd.wnd);

  return tcp_state_is(tcb->state, TCP_SYNCED) && seq_lt(edge, tcb->snd.nxt) ? edge : tcb->snd.nxt;
}

/* A segment without sequence space: an ACK, or at SND.NXT-1 a question (RFC 9293 3.8.4). */
static bool emit_bare(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  if (tcb->say & SAY_ACK) {                   /* first: a peer may not look at a question's ACK */
    build(t, tcb, out, bare_seq(tcb), 0, false);
    return true;
  }
  if (!(tcb->say & SAY_KEEPALIVE))
    return false;
  tcb->say &= (uint8_t)~SAY_KEEPALIVE;
  t->count[TCP_N_keepalives]++;
  build(t, tcb, out, seq_sub(tcb->snd.nxt, 1), 0, false);
  return true;
}

/* What a pace may hold back. */
static bool emit_in_time(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  if (tcb->pace.on && tcp_pace_holds(t, tcb))
    return false;
  return emit_repair(t, tcb, out) || emit_new(t, tcb, out);
}

bool tcp_emit(struct tcp *t, struct tcb *tcb, struct tcp_out *out)
{
  if (tcb->state == TCP_CLOSED || tcb->state == TCP_LISTEN)
    return false;
  if (tcb->state != TCP_TIME_WAIT && (emit_in_time(t, tcb, out) || emit_tail(t, tcb, out) ||
                                      emit_probe(t, tcb, out)))
    return true;
  return emit_bare(t, tcb, out);
}
