/* user.c - the user's calls, RFC 9293 3.10.1 to 3.10.6.  Each checks first and changes then. */
#include "base/need.h"
#include "tcp/room.h"

/* ---- OPEN, 3.10.1 ---- */

int tcp_open_passive(struct tcp *t, struct tcb *tcb, uint32_t backlog)
{
  if (tcb->state == TCP_LISTEN) {
    tcb->listener.backlog = backlog > 0 ? backlog : 1;
    return LA_OK;
  }
  if (tcb->flags & TCB_OPENED)
    return -LA_ESTATE;
  tcb->flags |= TCB_OPENED | TCB_PASSIVE;
  list_init(&tcb->listener.half_open);
  list_init(&tcb->listener.queue);
  list_init(&tcb->listener.accepted);
  tcb->listener.half_opens = tcb->listener.queued = tcb->listener.fastopens = 0;
  tcb->listener.backlog = backlog > 0 ? backlog : 1;
  tcp_fsm_fire(t, tcb, TCP_EV_OPEN_PASSIVE);
  return LA_OK;
}

/* For the story: with a cookie or without need of one, asking for one, or plainly. */
static uint8_t opened_how(const struct tcb *tcb)
{
  if (tcb->flags & TCB_FASTOPEN)
    return 4;
  return tcb->flags & TCB_FASTOPEN_COOKIE ? 5 : 0;
}

int tcp_open_active(struct tcp *t, struct tcb *tcb)
{
  if (tcb->flags & TCB_OPENED)
    return -LA_ESTATE;
  if (tcp_steer_open(t, tcb) != LA_OK)
    return -LA_ENOBUF;
  tcb->flags |= TCB_OPENED;
  tcb->opened = t->now;
  tcb->our_mss = tcp_mss_offer(tcb->habits, &tcb->path);
  tcb->ts_offset = tcp_ts_offset(t, &tcb->ends);
  tcp_mss_update(tcb);
  tcp_window_start(t, tcb, tcp_memory_buffer(t, tcb));
  if (t->set.no_window_scale)
    tcb->rcv_wscale = 0;
  tcp_number_from(tcb, tcp_isn(t, &tcb->ends));
  tcp_ecn_ask(tcb);
  t->count[TCP_N_active_opens]++;
  tcp_fastopen_open(t, tcb);
  tcp_trace_add(t, tcb, LA_TRACE_OPENED, opened_how(tcb), 0, 0, 0, 0);
  tcp_fsm_fire(t, tcb, TCP_EV_OPEN_ACTIVE);
  tcp_patience_timer(t, tcb, true);
  tcp_wake(t, tcb);
  return LA_OK;
}

/* ---- what the state allows ---- */

/* What a call on a connection that is over, or not yet open, answers. */
static int ended(const struct tcb *tcb)
{
  if (!(tcb->flags & TCB_OPENED) || tcb->state == TCP_LISTEN)
    return -LA_ESTATE;
  return tcb->error != LA_OK ? -(int)tcb->error : LA_OK;
}

static int may_send(const struct tcb *tcb)
{
  const int error = ended(tcb);

  if (error < 0)
    return error;
  return tcp_state_is(tcb->state, TCP_TX_QUEUE) && !(tcb->flags & TCB_FIN_QUEUED) ? LA_OK
                                                                                  : -LA_ECLOSING;
}

/* ---- SEND, 3.10.2 ---- */

static tcp_seq queue_end(const struct tcb *tcb)
{
  return seq_add(tcb->snd.una, tcb->tx.octets + tcp_syn_waits(tcb));
}

/* What a send says of the queue's end: with more to follow, it is neither pushed nor let go before
 * the rules allow it (RFC 9293 3.9.1.2, MAY-16). */
static void note_end(struct tcb *tcb, enum tcp_send_kind kind)
{
  tcb->marks &= (uint16_t)~(MARK_MORE | MARK_NO_PUSH | MARK_PUSH);
  if (kind == TCP_SEND_MORE)
    tcb->marks |= MARK_MORE | MARK_NO_PUSH;
}

int tcp_send(struct tcp *t, struct tcb *tcb, const void *octets, uint32_t n,
             enum tcp_send_kind kind)
{
  const int error = may_send(tcb);
  const bool starved = tcp_rate_starves(tcb);
  uint32_t written, room;

  if (error < 0)
    return error;
  if (n > INT32_MAX)
    n = INT32_MAX;
  room = tcp_send_room(t, tcb, n);
  if (n > 0 && room == 0) {
    tcb->flags |= TCB_WANTS_ROOM;
    return -LA_EAGAIN;
  }
  written = tcp_tx_write(t, tcb, octets, n < room ? n : room);
  if (n > 0 && written == 0)
    return tcp_refuse(t, tcb, TCP_WANT_SLABS);
  if (starved)
    tcp_rate_limited(tcb);
  if (written < n)
    tcb->flags |= TCB_WANTS_ROOM;
  if (written > 0) {
    tcp_served(t, tcb, TCP_WANT_SLABS);
    note_end(tcb, kind);
  }
  tcp_limit_start(t, tcb);
  if (kind == TCP_SEND_URGENT && written == n)
    tcb->snd.up = queue_end(tcb);             /* RFC 9293 3.8.5: the octet after the urgent ones */
  tcp_wake(t, tcb);
  return (int)written;
}

int tcp_send_frags(struct tcp *t, struct tcb *tcb, const struct frag *frags, uint32_t n)
{
  const int error = may_send(tcb);
  const bool starved = tcp_rate_starves(tcb);
  uint64_t total = 0;

  if (error < 0)
    return error;
  for (uint32_t i = 0; i < n; i++)
    total += frags[i].length;
  if (total > tcp_send_room(t, tcb, total < INT32_MAX ? (uint32_t)total : INT32_MAX)) {
    tcb->flags |= TCB_WANTS_ROOM;
    return -LA_EAGAIN;
  }
  if (!tcp_tx_lend(t, tcb, frags, n))
    return tcp_refuse(t, tcb, TCP_WANT_CHUNKS);
  if (starved)
    tcp_rate_limited(tcb);
  tcp_served(t, tcb, TCP_WANT_CHUNKS);
  note_end(tcb, TCP_SEND_PLAIN);
  tcp_limit_start(t, tcb);
  tcp_wake(t, tcb);
  return LA_OK;
}

/* ---- RECEIVE, 3.10.3 ---- */

/* What came with a SYN may be read once the handshake is complete, or before it with Fast Open
 * (RFC 7413 4.2.2). */
static bool may_read(const struct tcb *tcb)
{
  return tcb->state != TCP_SYN_SENT && (tcb->state != TCP_SYN_RECEIVED || tcp_opened_fast(tcb));
}

/* Text is there, or why not. */
static int may_receive(struct tcb *tcb)
{
  if (tcb->rx.octets > 0 && may_read(tcb))
    return LA_OK;
  if (ended(tcb) < 0)
    return ended(tcb);
  if (tcp_state_is(tcb->state, TCP_FIN_IN) || tcb->state == TCP_CLOSED) {
    tcb->flags |= TCB_EOF_READ;
    return -LA_EEOF;
  }
  return -LA_EAGAIN;
}

static void consume(struct tcp *t, struct tcb *tcb, uint32_t n)
{
  const tcp_seq unread = seq_sub(tcb->rcv.nxt, tcb->rx.octets - n);

  stream_drop(&t->store, &tcb->rx, n);
  if ((tcb->flags & TCB_URGENT) && seq_le(tcb->rcv.up, unread))
    tcb->flags &= ~(uint32_t)TCB_URGENT;
  tcp_memory_note(t, tcb);
  tcp_window_consumed(t, tcb);
}

int tcp_recv(struct tcp *t, struct tcb *tcb, void *octets, uint32_t max)
{
  const int error = may_receive(tcb);
  uint32_t n;

  if (error < 0 || max == 0)
    return error;
  n = stream_read(&tcb->rx, 0, octets, max < INT32_MAX ? max : INT32_MAX);
  consume(t, tcb, n);
  return (int)n;
}

int tcp_peek(struct tcp *t, struct tcb *tcb, struct frag *frags, uint32_t max)
{
  const int error = may_receive(tcb);
  uint32_t covered;

  (void)t;
  if (error < 0)
    return error;
  return (int)stream_pieces(&tcb->rx, NULL, 0, tcb->rx.octets, frags, max, &covered);
}

int tcp_consume(struct tcp *t, struct tcb *tcb, uint32_t n)
{
  if (n > tcb->rx.octets)
    return -LA_EINVAL;
  consume(t, tcb, n);
  return LA_OK;
}

/* ---- CLOSE, 3.10.4 ---- */

int tcp_close(struct tcp *t, struct tcb *tcb)
{
  const int error = ended(tcb);

  if (tcb->state == TCP_LISTEN) {
    tcp_fsm_fire(t, tcb, TCP_EV_CLOSE);
    return LA_OK;
  }
  if (error < 0)
    return error;
  if (tcb->state == TCP_CLOSED)
    return -LA_ECLOSING;
  if (tcb->flags & TCB_FIN_QUEUED) {
    tcp_fsm_fire(t, tcb, TCP_EV_CLOSE);       /* changes nothing, but the story has it */
    return -LA_ECLOSING;
  }
  if (tcb->state == TCP_SYN_SENT) {
    tcb->error = LA_EABORTED;
    tcp_fsm_fire(t, tcb, TCP_EV_CLOSE);
    return LA_OK;
  }
  tcb->snd.fin = queue_end(tcb);
  tcb->flags |= TCB_FIN_QUEUED;
  tcp_limit_start(t, tcb);
  tcp_fsm_fire(t, tcb, TCP_EV_CLOSE);
  tcp_wake(t, tcb);
  return LA_OK;
}

/* ---- ABORT, 3.10.5 ---- */

static void let_go(struct tcp *t, struct tcb *tcb)
{
  tcb->flags &= ~(uint32_t)TCB_HELD;
  tcb->user = NULL;
  tcp_hush(tcb);
  tcp_retry_forget(t, tcb);
  if (tcb->state == TCP_CLOSED)
    tcp_let_go(t, tcb);
  else if (tcb->state == TCP_TIME_WAIT)
    tcp_wake(t, tcb);                         /* what is still to be said comes first */
}

void tcp_abort(struct tcp *t, struct tcb *tcb)
{
  if (tcb->state != TCP_CLOSED) {
    tcb->error = LA_EABORTED;
    tcp_fsm_fire(t, tcb, TCP_EV_ABORT);
  }
  let_go(t, tcb);
}

/* RFC 2525 2.17 and RFC 9293 3.6.1: text that nobody will read must not look as if it had been. */
static bool loses_text(const struct tcb *tcb)
{
  return (tcp_state_is(tcb->state, TCP_SYNCED) || tcp_opened_fast(tcb)) &&
         tcb->state != TCP_TIME_WAIT && tcb->state != TCP_CLOSED &&
         (tcb->rx.octets > 0 || tcb->islands);
}

/* One limit for all that is still to be done, unless the user timeout ends it sooner. */
static void linger(struct tcp *t, struct tcb *tcb)
{
  const la_time end = t->now + (la_time)tcb->habits->linger_ms * LA_MS;

  if (end < tcp_timer_due(tcb, TCP_T_GIVE_UP))
    tcp_timer_set(t, tcb, TCP_T_GIVE_UP, end);
}

void tcp_forget(struct tcp *t, struct tcb *tcb)
{
  const bool open =
      tcb->state != TCP_CLOSED && tcb->state != TCP_LISTEN && tcb->state != TCP_TIME_WAIT;

  if (loses_text(tcb) || (open && tcb->habits->linger_ms == 0)) {
    tcp_abort(t, tcb);
    return;
  }
  if (tcb->state == TCP_LISTEN || (open && !(tcb->flags & TCB_FIN_QUEUED)))
    need(tcp_close(t, tcb) == LA_OK);
  if (open && tcb->habits->linger_ms > 0 && tcb->state != TCP_CLOSED)
    linger(t, tcb);
  else if (tcb->state == TCP_FIN_WAIT_2)
    tcp_timer_set(t, tcb, TCP_T_GIVE_UP, t->now + t->set.fin_wait_2);
  let_go(t, tcb);
}

/* ---- what the network says ---- */

/* RFC 5927 4: an ICMP error about a segment that is not in flight is forged, or too late. */
bool tcp_icmp_plausible(const struct tcb *tcb, tcp_seq seq)
{
  return tcb->state != TCP_LISTEN && tcb->state != TCP_CLOSED &&
         seq_in(seq, tcb->snd.una, tcp_flight(tcb));
}

/* With config.handshake_errors the network's word ends a handshake, as long as nobody has accepted
 * what a peer opened: a listener's child goes without a word, one that was opened fast stays to be
 * accepted and tells. */
static bool ends_handshake(const struct tcp *t, const struct tcb *tcb)
{
  return t->set.handshake_errors && !(tcb->flags & TCB_ACCEPTED) &&
         (tcb->state == TCP_SYN_SENT || tcb->state == TCP_SYN_RECEIVED);
}

/* RFC 9293 3.9.2.2 and RFC 5927 5.2: a hard error ends an attempt to connect; a connection that
 * is synchronized only remembers it. */
void tcp_icmp(struct tcp *t, struct tcb *tcb, tcp_seq seq, bool hard, uint8_t error)
{
  if (!tcp_icmp_plausible(tcb, seq))
    return;
  tcp_trace_add(t, tcb, LA_TRACE_ICMP, error, hard, 0, 0, 0);
  tcb->soft_error = error;
  if (ends_handshake(t, tcb)) {
    tcb->error = error;
    tcp_fsm_fire(t, tcb, TCP_EV_ICMP_FATAL);
    return;
  }
  if (!hard)
    return;
  if (tcb->state == TCP_SYN_SENT)
    tcb->error = error;
  tcp_fsm_fire(t, tcb, TCP_EV_ICMP_HARD);
}

/* RFC 1191 6.4: what was too large goes again in smaller pieces, and says nothing of congestion. */
void tcp_path_mtu(struct tcp *t, struct tcb *tcb, uint16_t mtu)
{
  const uint16_t before = tcb->mss;

  if (tcb->state == TCP_CLOSED || tcb->state == TCP_LISTEN)
    return;
  tcp_trace_add(t, tcb, LA_TRACE_ICMP, LA_EMSGSIZE, 0, 0, mtu, 0);
  tcb->path.mtu = mtu;
  tcp_mtu_path(tcb);
  tcp_mss_update(tcb);
  if (tcb->state == TCP_SYN_SENT)             /* our SYN was too large: the next one says less */
    tcb->our_mss = tcp_mss_offer(tcb->habits, &tcb->path);
  if (tcp_syn_waits(tcb) && (tcb->flags & TCB_SYN_TEXT) && !(tcb->flags & TCB_PASSIVE))
    tcp_repair(t, tcb, tcb->snd.iss, seq_add(tcb->snd.iss, 1));
  else if (tcb->mss < before && tcp_flight(tcb) > tcb->mss && tcb->state != TCP_TIME_WAIT)
    tcp_repair(t, tcb, tcb->snd.una, tcb->snd.nxt);
}
