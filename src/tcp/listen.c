/* listen.c - passive OPEN: RFC 9293 3.10.7.2, the queues of a listener, and where a connection's
 * numbers begin.
 *
 * RFC 9293 has one control block that goes from LISTEN to SYN-RECEIVED and, when its peer turns
 * out to be nobody, back; here the listener forks a child for each SYN and stays in LISTEN. */
#include "tcp/room.h"

/* RFC 6528: ISN = M + F(ends, secret), M a clock of 4 us (RFC 9293 3.4.1). */
tcp_seq tcp_isn(const struct tcp *t, const struct ends *ends)
{
  const uint32_t m = (uint32_t)(t->now / 4000);

  return seq_of(m + (uint32_t)hash_octets(t->key, ends, sizeof *ends));
}

/* RFC 7323 5.4: one offset for all connections of two hosts, so that RFC 6191 and PAWS hold
 * across incarnations. */
uint32_t tcp_ts_offset(const struct tcp *t, const struct ends *ends)
{
  struct ends hosts = *ends;

  hosts.local_port = hosts.peer_port = 0;
  return (uint32_t)(hash_octets(t->key, &hosts, sizeof hosts) >> 32);
}

/* ---- queues ---- */

bool tcp_listener_has_room(const struct tcb *listener)
{
  return listener->listener.queued < listener->listener.backlog;
}

static bool is_half_open(const struct tcb *child)
{
  return !(child->flags & (TCB_IN_QUEUE | TCB_ACCEPTED));
}

void tcp_child_unlink(struct tcp *t, struct tcb *child)
{
  struct tcb *const listener = tcp_parent(child);

  if (!listener)
    return;
  if (is_half_open(child)) {
    listener->listener.half_opens--;
    t->half_opens--;
  } else if (child->flags & TCB_IN_QUEUE) {
    listener->listener.queued--;
  }
  if (tcp_opened_fast(child) && tcp_syn_waits(child))
    listener->listener.fastopens--;
  child->flags &= ~(uint32_t)(TCB_IN_QUEUE | TCB_ACCEPTED);
  child->parent = 0;
  list_remove(&child->siblings);
}

/* The handshake is complete: from the half-open ones to those that may be accepted. */
void tcp_child_ready(struct tcp *t, struct tcb *child)
{
  struct tcb *const listener = tcp_parent(child);

  if (!listener || !is_half_open(child))
    return;
  list_remove(&child->siblings);
  list_append(&listener->listener.queue, &child->siblings);
  listener->listener.half_opens--;
  listener->listener.queued++;
  t->half_opens--;
  child->flags |= TCB_IN_QUEUE;
  tcp_notify(t, listener, LA_EV_ACCEPT);
}

static void drop_all(struct tcp *t, struct list *children)
{
  while (!list_empty(children)) {             /* each turn unlinks one */
    struct tcb *const child = list_entry(list_next(children), struct tcb, siblings);

    if (child->state == TCP_CLOSED) {         /* reset, with text that nobody will read */
      tcp_child_unlink(t, child);
      tcp_let_go(t, child);
      continue;
    }
    child->error = LA_EABORTED;
    tcp_fsm_fire(t, child, TCP_EV_ABORT);
  }
}

void tcp_listener_drop(struct tcp *t, struct tcb *listener)
{
  drop_all(t, &listener->listener.half_open);
  drop_all(t, &listener->listener.queue);
  while (!list_empty(&listener->listener.accepted)) {       /* theirs that accepted them */
    struct list *const first = list_next(&listener->listener.accepted);

    tcp_child_unlink(t, list_entry(first, struct tcb, siblings));
  }
  tcp_fastopen_key_drop(t, listener);
  list_init(&listener->siblings);
  listener->parent = 0;
}

/* RFC 7413 4.2.2: it counts as pending until the peer has acknowledged our SYN. */
static void accept_early(struct tcb *listener, struct tcb *child)
{
  list_remove(&child->siblings);
  list_append(&listener->listener.accepted, &child->siblings);
  listener->listener.queued--;
  child->flags = (child->flags & ~(uint32_t)TCB_IN_QUEUE) | TCB_ACCEPTED;
}

struct tcb *tcp_accept(struct tcp *t, struct tcb *listener)
{
  struct tcb *child;

  if (list_empty(&listener->listener.queue))
    return NULL;
  child = list_entry(list_next(&listener->listener.queue), struct tcb, siblings);
  if (tcp_opened_fast(child) && tcp_syn_waits(child) && child->state != TCP_CLOSED)
    accept_early(listener, child);
  else
    tcp_child_unlink(t, child);
  child->flags |= TCB_HELD;
  if (!list_empty(&listener->listener.queue))
    tcp_notify(t, listener, LA_EV_ACCEPT);
  tcp_tell_text(t, child);
  if (tcp_state_is(child->state, TCP_FIN_IN))
    tcp_notify(t, child, LA_EV_PEER_CLOSED);
  if (child->state == TCP_CLOSED)
    tcp_notify(t, child, LA_EV_CLOSED);
  return child;
}

/* ---- children ---- */

/* A child in LISTEN with its ends; NULL when no control block is left. */
static struct tcb *child_new(struct tcp *t, struct tcb *listener, const struct ends *ends,
                             uint32_t hash, const struct tcp_path *path)
{
  struct tcb *const child = tcp_tcb_new(t);

  if (!child)
    return NULL;
  child->flags = TCB_PASSIVE | TCB_OPENED;
  child->ends = *ends;
  child->hash = hash;
  child->path = *path;
  tcp_habits_leave(t, child);
  tcp_habits_share(child, listener->habits);
  child->send_buffer = listener->send_buffer;
  child->receive_buffer = listener->receive_buffer;
  child->marks = listener->marks & (MARK_SEND_FIXED | MARK_RECEIVE_FIXED);
  tcp_steer_child(child, listener);
  child->ts_offset = tcp_ts_offset(t, ends);
  child->our_mss = tcp_mss_offer(child->habits, path);
  tcp_window_start(t, child, tcp_memory_buffer(t, child));
  tcp_fsm_fire(t, child, TCP_EV_OPEN_PASSIVE);
  list_append(&listener->listener.half_open, &child->siblings);
  child->parent = near_distance(child, listener);
  listener->listener.half_opens++;
  t->half_opens++;
  t->count[TCP_N_passive_opens]++;
  return child;
}

void tcp_number_from(struct tcb *tcb, tcp_seq iss)
{
  tcb->snd.iss = tcb->snd.una = tcb->snd.nxt = tcb->snd.up = tcb->snd.small = tcb->recover =
      iss;
  tcb->flags |= TCB_SYN_WAITS;
}

/* RFC 6191 2: the new ISS must be beyond all that the old connection sent. */
static tcp_seq isn_for(const struct tcp *t, const struct ends *ends, const struct tcp_seg *seg)
{
  const tcp_seq iss = tcp_isn(t, ends);

  return seg->reuse && seq_le(iss, seg->iss_after) ? seq_add(seg->iss_after, 128000) : iss;
}

/* RFC 9293 3.10.7.2 third. Text in the SYN is kept for later ("any other controls or text"), unless
 * the listener is told not to, or the peer has asked for Fast Open and was not believed: it then
 * looks at our ACK for what became of its text (RFC 7413 4.2.2). */
static struct verdict take_syn(struct tcp *t, struct tcb *child, struct tcp_seg *seg,
                               const struct fastopen *fast)
{
  struct verdict v = NEXT;

  tcp_number_from(child, isn_for(t, &child->ends, seg));
  tcp_take_syn(t, child, seg);
  tcp_trace_add(t, child, LA_TRACE_OPENED, 1, 0, 0, 0, 0);
  tcp_fsm_fire(t, child, TCP_EV_RCV_SYN);
  tcp_fastopen_child(t, child, fast);
  tcp_wake(t, child);
  if (!fast->open && (fast->option || child->habits->no_syn_text))
    return (struct verdict){ fast->why == WHY_NONE ? V_NEXT : V_DROP, (uint8_t)fast->why };
  v = tcp_text_behind_syn(t, child, seg);
  if (fast->open && !seq_eq(child->rcv.nxt, seq_add(child->rcv.irs, 1)))
    child->flags |= TCB_SYN_TEXT;
  return v;
}

static bool is_full(const struct tcp *t, const struct tcb *listener)
{
  return t->half_opens >= t->set.half_open || listener->listener.half_opens >= t->set.half_open;
}

bool tcp_listener_may_fork(const struct tcp *t, const struct tcb *listener)
{
  return tcp_listener_has_room(listener) && !is_full(t, listener) &&
         t->tcbs.used < t->tcbs.size;
}

/* A cookie cannot choose its number, and after a TIME-WAIT the new one must be beyond the old
 * connection's (RFC 6191 2): no cookie answers such a SYN. */
static struct verdict arrive_syn(struct tcp *t, struct tcb *listener, const struct ends *ends,
                                 uint32_t hash, const struct tcp_path *path, struct tcp_seg *seg,
                                 struct tcb **child)
{
  const bool full = is_full(t, listener);
  struct fastopen fast;

  if (!tcp_listener_has_room(listener))
    return DROP(LISTEN_FULL);
  if (!full)
    *child = child_new(t, listener, ends, hash, path);
  if (*child) {
    fast = tcp_fastopen_judge(t, listener, ends, seg);
    return take_syn(t, *child, seg, &fast);
  }
  if (t->set.no_syn_cookies || seg->reuse)
    return full ? DROP(SYN_FLOOD) : DROP(LISTEN_NO_TCB);
  tcp_cookie_send(t, listener, ends, path, seg);
  return DROP(SYN_COOKIE_SENT);
}

/* The SYN that a cookie stands for is taken as it was, then the ACK that brought it back. */
static struct verdict arrive_cookie(struct tcp *t, struct tcb *listener, const struct ends *ends,
                                    uint32_t hash, const struct tcp_path *path, struct tcp_seg *seg,
                                    struct tcb **child)
{
  const struct cookie cookie = tcp_cookie_check(t, ends, seg);
  struct tcp_seg syn = { .seq = seq_sub(seg->seq, 1), .len = 1, .wnd = seg->wnd,
                         .flags = F_SYN | (cookie.ecn ? F_ECE | F_CWR : 0),
                         .options = &cookie.options };

  if (!cookie.good)
    return t->now < t->cookie_until ? RESET(SYN_COOKIE_BAD) : RESET(LISTEN_ACK);
  if (!tcp_listener_has_room(listener))
    return DROP(ACCEPT_FULL);
  *child = child_new(t, listener, ends, hash, path);
  if (!*child)
    return DROP(LISTEN_NO_TCB);
  (*child)->flags |= TCB_COOKIE;
  tcp_window_start(t, *child, (*child)->receive_buffer);    /* as it was said */
  tcp_number_from(*child, seq_sub(seg->ack, 1));
  tcp_take_syn(t, *child, &syn);
  tcp_flight_sent(t, *child, (*child)->snd.iss, seg->ack, 1);
  (*child)->snd.nxt = seg->ack;               /* our SYN was sent, statelessly */
  tcp_trace_add(t, *child, LA_TRACE_OPENED, 2, 0, 0, 0, 0);
  tcp_fsm_fire(t, *child, TCP_EV_RCV_SYN);
  t->count[TCP_N_cookies_good]++;
  t->count[TCP_N_segments_in]--;              /* tcp_arrive counts it */
  return tcp_arrive(t, *child, seg);
}

static struct verdict arrive_listen(struct tcp *t, struct tcb *listener, const struct ends *ends,
                                    uint32_t hash, const struct tcp_path *path, struct tcp_seg *seg,
                                    struct tcb **child)
{
  struct verdict v;

  if (seg->flags & F_RST)
    return DROP(LISTEN_RST);
  if (seg->flags & F_ACK) {
    v = (seg->flags & F_SYN) ? RESET(LISTEN_ACK)
                             : arrive_cookie(t, listener, ends, hash, path, seg, child);
    if (v.code == V_RESET && !*child)
      tcp_reply_reset(t, ends, seg);
    return v;
  }
  if (seg->flags & F_SYN)
    return arrive_syn(t, listener, ends, hash, path, seg, child);
  return DROP(LISTEN_NO_SYN);
}

struct verdict tcp_arrive_listen(struct tcp *t, struct tcb *listener, const struct ends *ends,
                                 uint32_t hash, const struct tcp_path *path, struct tcp_seg *seg,
                                 struct tcb **child)
{
  struct verdict v;

  *child = NULL;
  t->count[TCP_N_segments_in]++;
  v = arrive_listen(t, listener, ends, hash, path, seg, child);
  if (!*child || !((*child)->flags & TCB_COOKIE))
    t->why[v.why]++;
  listener->last_received = t->now;
  return v;
}
