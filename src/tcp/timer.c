/* timer.c - timeouts, RFC 9293 3.10.8.  A connection has many timers and one place in the
 * wheel: the earliest of them, or earlier.
 *
 * RETRANSMIT and PERSIST are one question, "what ends this silence?", so one function,
 * tcp_flight_timer, decides which of them runs. */
#include "base/need.h"
#include "tcp/room.h"

/* An ACK moves the retransmission timer, and ACKs are many, so moving a timer
 * later only writes a number: the wheel wakes the connection too early, it
 * looks, and goes back to sleep. */
void tcp_timer_set(struct tcp *t, struct tcb *tcb, enum tcp_timer timer, la_time due)
{
  tcb->due[timer] = due;
  if (due < tcb->timer.due)
    wheel_move(&t->wheel, &tcb->timer, due);
}

void tcp_timer_stop(struct tcb *tcb, enum tcp_timer timer)       { tcb->due[timer] = LA_NEVER; }
bool tcp_timer_runs(const struct tcb *tcb, enum tcp_timer timer)
{
  return tcb->due[timer] != LA_NEVER;
}

void tcp_timers_stop(struct tcp *t, struct tcb *tcb)
{
  for (int i = 0; i < TCP_TIMER_COUNT; i++)
    tcb->due[i] = LA_NEVER;
  wheel_remove(&t->wheel, &tcb->timer);
}

/* What an operator asks for: a pace is due all the time while text flows, and explains nothing. */
enum tcp_timer tcp_timer_next(const struct tcb *tcb)
{
  enum tcp_timer next = TCP_TIMER_COUNT;
  la_time due = LA_NEVER;

  for (int i = 0; i < TCP_TIMER_COUNT; i++) {
    if (tcb->due[i] < due && i != TCP_T_PACE) {
      due = tcb->due[i];
      next = (enum tcp_timer)i;
    }
  }
  return next;
}

/* Is there anything that the peer's shut window keeps back? Only a synchronized peer has told
 * us a window. */
static bool window_is_shut(const struct tcb *tcb)
{
  return tcb->snd.wnd == 0 && tcp_state_is(tcb->state, TCP_SYNCED);
}

static bool has_unsent(const struct tcb *tcb)
{
  const uint32_t fin = (tcb->flags & TCB_FIN_QUEUED) && seq_le(tcb->snd.una, tcb->snd.fin);
  const uint32_t unacked = tcb->tx.octets + fin + tcp_syn_waits(tcb);

  return tcp_flight(tcb) < unacked;
}

/* RFC 6298 5.1-5.3: running while anything is in flight, restarted when some of it is
 * acknowledged. RFC 9293 3.8.6.1: with a shut window and something to say, PERSIST instead. */
void tcp_flight_timer(struct tcp *t, struct tcb *tcb, bool restart)
{
  const bool flying = tcp_flight(tcb) > 0;

  if (window_is_shut(tcb) && (flying || has_unsent(tcb))) {
    tcp_timer_stop(tcb, TCP_T_RETRANSMIT);
    if (!tcp_timer_runs(tcb, TCP_T_PERSIST))
      tcp_timer_set(t, tcb, TCP_T_PERSIST, t->now + tcp_rto(t, tcb, tcb->backoffs));
    return;
  }
  if (!flying)
    tcp_timer_stop(tcb, TCP_T_RETRANSMIT);
  else if (restart || !tcp_timer_runs(tcb, TCP_T_RETRANSMIT))
    tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + tcp_rto(t, tcb, tcb->backoffs));
  if (flying || restart || !has_unsent(tcb))  /* if silly, emit.c waits for it anew */
    tcp_timer_stop(tcb, TCP_T_PERSIST);
}

/* RFC 5482, kept locally: text or a FIN may stay unacknowledged for so long. GIVE_UP has other
 * uses when nothing is unacknowledged: FIN-WAIT-2, and the limit that linger sets. */
void tcp_patience_timer(struct tcp *t, struct tcb *tcb, bool progress)
{
  const bool waiting = tcp_flight(tcb) > 0 || has_unsent(tcb);
  const bool lingers =
      !(tcb->flags & TCB_HELD) && !tcp_unaccepted(tcb) && tcb->habits.linger_ms > 0;

  if (tcb->habits.user_timeout_ms == 0 || tcb->state == TCP_FIN_WAIT_2 || lingers)
    return;
  if (!waiting)
    tcp_timer_stop(tcb, TCP_T_GIVE_UP);
  else if (progress || !tcp_timer_runs(tcb, TCP_T_GIVE_UP))
    tcp_timer_set(t, tcb, TCP_T_GIVE_UP, t->now + (la_time)tcb->habits.user_timeout_ms * LA_MS);
}

void tcp_keepalive_timer(struct tcp *t, struct tcb *tcb)
{
  if (tcb->habits.keepalive && tcp_state_is(tcb->state, TCP_SYNCED) && tcb->state != TCP_TIME_WAIT)
    tcp_timer_set(t, tcb, TCP_T_KEEPALIVE, t->now + (la_time)tcb->habits.keepalive_idle_ms * LA_MS);
  else
    tcp_timer_stop(tcb, TCP_T_KEEPALIVE);
}

static void give_up(struct tcp *t, struct tcb *tcb)
{
  t->count[TCP_N_given_up]++;
  tcb->error = LA_ETIMEDOUT;
  tcp_fsm_fire(t, tcb, TCP_EV_GIVE_UP);
}

/* RFC 9293 3.8.3's R2: a count of resends, other ones for SYNs (MUST-23) and for orphans. */
static uint32_t patience(const struct tcp *t, const struct tcb *tcb)
{
  const struct tcp_habits *const h = &tcb->habits;
  uint32_t retries = (tcb->flags & TCB_SYN_IN) ? t->set.synack_retries : t->set.syn_retries;

  if (tcp_syn_waits(tcb)) {
    retries = h->syn_retries != 0 ? h->syn_retries : retries;
    return (tcb->marks & MARK_DEFERRED) && h->defer_retries > retries ? h->defer_retries : retries;
  }
  if (h->user_timeout_ms != 0 && (tcb->flags & TCB_HELD))
    return UINT32_MAX;                        /* GIVE_UP's time is the limit instead */
  return (tcb->flags & TCB_HELD) || tcp_unaccepted(tcb) ? t->set.retries : t->set.orphan_retries;
}

/* Not the window but the user's word keeps text back: it has waited long enough. */
static bool is_corked(const struct tcb *tcb)
{
  return (tcb->habits.cork || (tcb->marks & MARK_MORE)) && tcp_sendable(tcb) > 0 &&
         tcb->tx.octets < tcb->mss;
}

static void persist_due(struct tcp *t, struct tcb *tcb)
{
  /* RFC 9293 3.8.6.1 (MUST-37): a peer that answers may keep its window shut for ever; one that
   * has not answered this many probes is gone. */
  if (is_corked(tcb)) {
    tcb->marks |= MARK_PUSH;
    tcb->marks &= (uint16_t)~(MARK_MORE | MARK_NO_PUSH);
    tcp_wake(t, tcb);
    return;
  }
  if (tcb->probes >= t->set.retries) {
    give_up(t, tcb);
    return;
  }
  if (tcb->probes < UINT8_MAX)
    tcb->probes++;
  if (tcb->backoffs < UINT8_MAX)
    tcb->backoffs++;                          /* SHLD-30: the interval grows exponentially */
  tcb->say |= SAY_PROBE;
  tcp_trace_add(t, tcb, LA_TRACE_PROBE, TCP_T_PERSIST, tcb->probes, 0, 0, 0);
  tcp_timer_set(t, tcb, TCP_T_PERSIST, t->now + tcp_rto(t, tcb, tcb->backoffs));
  tcp_wake(t, tcb);
}

/* RFC 8985 7.2: a probe that is due no later than the time-out goes in its place, and the time-out
 * begins anew behind it. */
static bool probe_goes_first(struct tcp *t, struct tcb *tcb)
{
  if (tcb->due[TCP_T_PROBE] > t->now)
    return false;
  tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + tcp_rto(t, tcb, tcb->backoffs));
  return true;
}

/* LA_OPT_DEFER_ACCEPT_S: the peer has acknowledged our SYN and means to speak first. Our SYN,ACK
 * goes again only when the time for that is nearly over: its ACK then completes the handshake. */
static bool is_deferred(const struct tcb *tcb)
{
  return (tcb->marks & MARK_DEFERRED) && tcb->state == TCP_SYN_RECEIVED &&
         tcb->backoffs < tcb->habits.defer_retries;
}

static void retransmit_due(struct tcp *t, struct tcb *tcb)
{
  if (probe_goes_first(t, tcb))
    return;
  if (tcb->backoffs >= patience(t, tcb)) {
    give_up(t, tcb);
    return;
  }
  if (tcb->backoffs < UINT8_MAX)              /* an R2 beyond that is none */
    tcb->backoffs++;
  if (is_deferred(tcb)) {
    tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + tcp_rto(t, tcb, tcb->backoffs));
    return;
  }
  tcb->timeouts++;
  t->count[TCP_N_timeouts]++;
  if (tcb->backoffs >= t->set.retries_soft)
    tcb->soft_error = LA_ETIMEDOUT;           /* R1: tell whoever asks that the path is suspect */
  tcp_mtu_timeout(t, tcb);
  tcp_recover_timeout(t, tcb);
  tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + tcp_rto(t, tcb, tcb->backoffs));
  tcp_trace_add(t, tcb, LA_TRACE_RTO, 0, tcb->backoffs, 0,
                (uint32_t)(tcp_rto(t, tcb, tcb->backoffs) / 1000), 0);
}

/* RFC 9293 3.8.4: only where nothing else would tell (text in flight has its own timer), and
 * only when nothing was heard for the interval. */
static void keepalive_due(struct tcp *t, struct tcb *tcb)
{
  const la_time idle_limit = (la_time)tcb->habits.keepalive_idle_ms * LA_MS;
  const la_time idle = t->now - tcb->last_received;

  if (tcb->probes == 0 && idle < idle_limit) {
    tcp_timer_set(t, tcb, TCP_T_KEEPALIVE, tcb->last_received + idle_limit);
    return;
  }
  if (tcp_flight(tcb) > 0 || has_unsent(tcb)) {
    tcp_timer_set(t, tcb, TCP_T_KEEPALIVE, t->now + idle_limit);
    return;
  }
  if (tcb->probes >= tcb->habits.keepalive_probes) {
    tcp_reply_abort(t, tcb);
    give_up(t, tcb);
    return;
  }
  tcb->probes++;
  tcb->say |= SAY_KEEPALIVE;
  tcp_trace_add(t, tcb, LA_TRACE_PROBE, TCP_T_KEEPALIVE, tcb->probes, 0, 0, 0);
  tcp_timer_set(t, tcb, TCP_T_KEEPALIVE,
                t->now + (la_time)tcb->habits.keepalive_interval_ms * LA_MS);
  tcp_wake(t, tcb);
}

static void delayed_ack_due(struct tcp *t, struct tcb *tcb)
{
  t->count[TCP_N_delayed_acks]++;
  tcb->say |= SAY_ACK;
  tcp_wake(t, tcb);
}

/* A connection given up with text in flight tells the peer, which may be alive after all. An
 * orphan in FIN-WAIT-2 has nothing in flight and leaves in silence, as in Linux and BSD: should
 * the peer still send, it will be told then. */
static void give_up_due(struct tcp *t, struct tcb *tcb)
{
  if (tcp_state_is(tcb->state, TCP_SYNCED) && (tcp_flight(tcb) > 0 || has_unsent(tcb)))
    tcp_reply_abort(t, tcb);
  give_up(t, tcb);
}

/* RFC 8985 7.3. */
static void probe_due(struct tcp *t, struct tcb *tcb)
{
  tcb->say |= SAY_TAIL;
  tcp_trace_add(t, tcb, LA_TRACE_PROBE, TCP_T_PROBE, 0, 0, 0, 0);
  tcp_wake(t, tcb);
}

static void two_msl_due(struct tcp *t, struct tcb *tcb)
{
  tcp_fsm_fire(t, tcb, TCP_EV_TIMEOUT_2MSL);
}

static void (*const due_functions[TCP_TIMER_COUNT])(struct tcp *t, struct tcb *tcb) = {
  [TCP_T_RETRANSMIT] = retransmit_due,
  [TCP_T_PERSIST] = persist_due,
  [TCP_T_DELACK] = delayed_ack_due,
  [TCP_T_REORDER] = tcp_recover_reordering_due,
  [TCP_T_PROBE] = probe_due,
  [TCP_T_PACE] = tcp_pace_due,
  [TCP_T_KEEPALIVE] = keepalive_due,
  [TCP_T_GIVE_UP] = give_up_due,
  [TCP_T_TWO_MSL] = two_msl_due,
};

static void run_one(struct tcp *t, struct tcb *tcb)
{
  la_time next = LA_NEVER;

  for (int i = 0; i < TCP_TIMER_COUNT; i++) {     /* table order breaks ties: runs repeat exactly */
    if (tcb->due[i] <= t->now) {
      tcb->due[i] = LA_NEVER;
      need(due_functions[i] != NULL);
      due_functions[i](t, tcb);
    }
  }
  for (int i = 0; i < TCP_TIMER_COUNT; i++)       /* handlers may have set any of them */
    if (tcb->due[i] < next)
      next = tcb->due[i];
  need(next > t->now);
  wheel_move(&t->wheel, &tcb->timer, next);
  check(tcp_check(t, tcb) == NULL);
}

void tcp_timers_run(struct tcp *t)
{
  struct wheel_node *node;

  while ((node = wheel_expire(&t->wheel, t->now)) != NULL)
    run_one(t, list_entry(node, struct tcb, timer));
}
