/* timer.c - timeouts, RFC 9293 3.10.8.  A connection has many timers and one place in the
 * wheel: the earliest of them, or earlier.
 *
 * RETRANSMIT and PERSIST are one question, "what ends this silence?", so one function,
 * tcp_flight_timer, decides which of them runs. */
#include "base/need.h"
#include "tcp/room.h"

/* ---- deadlines ----
 *
 * Those before KEEPALIVE come half an hour after being set at the latest, when their handlers set
 * them anew if that is too early. They are kept as the low 32 bits of a time in microseconds, which
 * are unambiguous for 71 minutes from the connection's place in the wheel on, and no deadline is
 * before that. The others are kept whole, GIVE_UP and TWO_MSL in one place, for of the two
 * TIME-WAIT, and it alone, has the latter. */

#define NEAR_FUTURE (30 * 60 * LA_SEC)

_Static_assert(TCP_T_GIVE_UP == TCP_T_KEEPALIVE + 1 && TCP_T_TWO_MSL == TCP_T_KEEPALIVE + 2 &&
               TCP_TIMER_COUNT == TCP_T_TWO_MSL + 1, "the last three are kept whole");

static int64_t microseconds(la_time time) { return time / 1000 - (time % 1000 < 0); }

static unsigned bit_of(enum tcp_timer timer) { return 1u << timer; }

static la_time *whole(struct tcb *tcb, enum tcp_timer timer)
{
  return &tcb->due[timer != TCP_T_KEEPALIVE];
}

static la_time due_of(const struct tcb *tcb, enum tcp_timer timer)
{
  if (timer < TCP_T_KEEPALIVE) {
    const int64_t base = microseconds(tcp_node(tcb)->due);

    return (base + (int64_t)(uint32_t)(tcb->due_us[timer] - (uint32_t)base)) * 1000;
  }
  return tcb->due[timer != TCP_T_KEEPALIVE];
}

la_time tcp_timer_due(const struct tcb *tcb, enum tcp_timer timer)
{
  return tcp_timer_runs(tcb, timer) ? due_of(tcb, timer) : LA_NEVER;
}

/* Nobody has asked for the time for so long that deadlines would become ambiguous: what is overdue
 * is due now. */
static void catch_up(struct tcp *t, struct tcb *tcb)
{
  for (unsigned left = tcb->timers; left != 0; left &= left - 1) { /* at most TCP_TIMER_COUNT */
    const enum tcp_timer timer = (enum tcp_timer)__builtin_ctz(left);

    if (due_of(tcb, timer) >= t->now)
      continue;
    if (timer < TCP_T_KEEPALIVE)
      tcb->due_us[timer] = (uint32_t)microseconds(t->now + 999);
    else
      *whole(tcb, timer) = t->now;
  }
  wheel_move(&t->wheel, tcp_node(tcb), t->now);
}

/* An ACK moves the retransmission timer, and ACKs are many, so moving a timer
 * later only writes a number: the wheel wakes the connection too early, it
 * looks, and goes back to sleep. */
void tcp_timer_set(struct tcp *t, struct tcb *tcb, enum tcp_timer timer, la_time due)
{
  if (tcp_node(tcb)->due < t->now - NEAR_FUTURE)
    catch_up(t, tcb);
  if (timer < TCP_T_KEEPALIVE) {
    const la_time last = t->now + NEAR_FUTURE;
    const int64_t us = microseconds((due < last ? due : last) + 999);

    tcb->due_us[timer] = (uint32_t)us;
    due = us * 1000;
  } else {
    *whole(tcb, timer) = due;
  }
  tcb->timers |= (uint16_t)bit_of(timer);
  if (due < tcp_node(tcb)->due)
    wheel_move(&t->wheel, tcp_node(tcb), due);
}

void tcp_timer_stop(struct tcb *tcb, enum tcp_timer timer)
{
  tcb->timers &= (uint16_t)~bit_of(timer);
}

bool tcp_timer_runs(const struct tcb *tcb, enum tcp_timer timer)
{
  return (tcb->timers & bit_of(timer)) != 0;
}

void tcp_timers_stop(struct tcp *t, struct tcb *tcb)
{
  tcb->timers = 0;
  wheel_remove(&t->wheel, tcp_node(tcb));
}

/* Of `timers`, the one that is due first; TCP_TIMER_COUNT: none runs. */
static enum tcp_timer next_of(const struct tcb *tcb, unsigned timers)
{
  enum tcp_timer next = TCP_TIMER_COUNT;
  la_time due = LA_NEVER;

  for (unsigned left = timers; left != 0; left &= left - 1) { /* at most TCP_TIMER_COUNT */
    const enum tcp_timer timer = (enum tcp_timer)__builtin_ctz(left);

    if (due_of(tcb, timer) < due) {
      due = due_of(tcb, timer);
      next = timer;
    }
  }
  return next;
}

/* What an operator asks for: a pace is due all the time while text flows, and explains nothing. */
enum tcp_timer tcp_timer_next(const struct tcb *tcb)
{
  return next_of(tcb, tcb->timers & ~bit_of(TCP_T_PACE));
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

/* RFC 9293 3.8.3, RFC 5482: text or a FIN may stay unacknowledged for so long. GIVE_UP has other
 * uses when nothing is unacknowledged: FIN-WAIT-2, and the limit that linger sets. */
void tcp_patience_timer(struct tcp *t, struct tcb *tcb, bool progress)
{
  const la_time timeout = (la_time)tcp_user_timeout_ms(t, tcb) * LA_MS;
  const bool waiting = tcp_flight(tcb) > 0 || has_unsent(tcb);
  const bool lingers =
      !(tcb->flags & TCB_HELD) && !tcp_unaccepted(tcb) && tcb->habits->linger_ms > 0;

  if (timeout == 0 || tcb->state == TCP_FIN_WAIT_2 || lingers)
    return;
  if (!waiting)
    tcp_timer_stop(tcb, TCP_T_GIVE_UP);
  else if (progress || !tcp_timer_runs(tcb, TCP_T_GIVE_UP))
    tcp_timer_set(t, tcb, TCP_T_GIVE_UP, t->now + timeout);
}

void tcp_keepalive_timer(struct tcp *t, struct tcb *tcb)
{
  if (tcb->habits->keepalive && tcp_state_is(tcb->state, TCP_SYNCED) && tcb->state != TCP_TIME_WAIT)
    tcp_timer_set(t, tcb, TCP_T_KEEPALIVE, t->now + tcp_keepalive_idle(t, tcb));
  else
    tcp_timer_stop(tcb, TCP_T_KEEPALIVE);
}

static void give_up(struct tcp *t, struct tcb *tcb, enum tcp_event event)
{
  t->count[TCP_N_given_up]++;
  tcb->error = LA_ETIMEDOUT;
  tcp_fsm_fire(t, tcb, event);
}

static bool is_orphan(const struct tcb *tcb)
{
  return !(tcb->flags & TCB_HELD) && !tcp_unaccepted(tcb);
}

/* RFC 9293 3.8.3's R2: a count of resends, other ones for SYNs (MUST-23) and for orphans. */
static uint32_t patience(const struct tcp *t, const struct tcb *tcb)
{
  const struct tcp_habits *const h = tcb->habits;
  uint32_t retries = (tcb->flags & TCB_SYN_IN) ? t->set.synack_retries : t->set.syn_retries;

  if (tcp_syn_waits(tcb)) {
    retries = h->syn_retries != 0 ? h->syn_retries : retries;
    return (tcb->marks & MARK_DEFERRED) && h->defer_retries > retries ? h->defer_retries : retries;
  }
  if (tcp_user_timeout_ms(t, tcb) != 0 && (tcb->flags & TCB_HELD))
    return UINT32_MAX;                        /* GIVE_UP's time is the limit instead */
  return is_orphan(tcb) ? t->set.orphan_retries : t->set.retries;
}

/* Not the window, which would take all of it, but the user's word keeps text back: it has waited
 * long enough. */
static bool is_corked(const struct tcb *tcb)
{
  return (tcb->habits->cork || (tcb->marks & MARK_MORE)) &&
         tcp_sendable(tcb) >= tcb->tx.octets && tcb->tx.octets < tcb->mss;
}

/* RFC 9293 3.8.6.1 (MUST-37): a peer that answers may keep its window shut for ever; one that has
 * not answered this many probes is gone. RFC 6429 4: that is no right to our memory. An application
 * ends such a connection when it likes (la_tcp_abort, LA_OPT_USER_TIMEOUT_MS); for an orphan, which
 * nobody could end, R2 counts probes whether they are answered or not, as in Linux. */
static bool is_hopeless(const struct tcp *t, const struct tcb *tcb)
{
  return tcb->probes >= t->set.retries ||
         (is_orphan(tcb) && tcb->backoffs >= t->set.orphan_retries);
}

static void persist_due(struct tcp *t, struct tcb *tcb)
{
  if (is_corked(tcb)) {
    tcb->marks |= MARK_PUSH;
    tcb->marks &= (uint16_t)~(MARK_MORE | MARK_NO_PUSH);
    tcp_wake(t, tcb);
    return;
  }
  if (is_hopeless(t, tcb)) {
    give_up(t, tcb, TCP_EV_GIVE_UP);
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
  if (tcp_timer_due(tcb, TCP_T_PROBE) > t->now)
    return false;
  tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + tcp_rto(t, tcb, tcb->backoffs));
  return true;
}

/* LA_OPT_DEFER_ACCEPT_S: the peer has acknowledged our SYN and means to speak first. Our SYN,ACK
 * goes again only when the time for that is nearly over: its ACK then completes the handshake. */
static bool is_deferred(const struct tcb *tcb)
{
  return (tcb->marks & MARK_DEFERRED) && tcb->state == TCP_SYN_RECEIVED &&
         tcb->backoffs < tcb->habits->defer_retries;
}

static void retransmit_due(struct tcp *t, struct tcb *tcb)
{
  if (probe_goes_first(t, tcb))
    return;
  if (tcb->backoffs >= patience(t, tcb)) {
    give_up(t, tcb, TCP_EV_GIVE_UP);
    return;
  }
  if (tcb->backoffs < UINT8_MAX)              /* an R2 beyond that is none */
    tcb->backoffs++;
  if (is_deferred(tcb)) {
    tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + tcp_rto(t, tcb, tcb->backoffs));
    return;
  }
  tcp_count_up(&tcb->timeouts);
  t->count[TCP_N_timeouts]++;
  if (tcb->backoffs >= t->set.retries_soft)
    tcb->soft_error = LA_ETIMEDOUT;           /* R1: tell whoever asks that the path is suspect */
  tcp_mtu_timeout(t, tcb);
  tcp_recover_timeout(t, tcb);
  tcp_pace_timeout(t, tcb);
  tcp_timer_set(t, tcb, TCP_T_RETRANSMIT, t->now + tcp_rto(t, tcb, tcb->backoffs));
  tcp_trace_add(t, tcb, LA_TRACE_RTO, 0, tcb->backoffs, 0,
                (uint32_t)(tcp_rto(t, tcb, tcb->backoffs) / 1000), 0);
}

/* RFC 9293 3.8.4: only where nothing else would tell (text in flight has its own timer), and
 * only when nothing was heard for the interval. */
static void keepalive_due(struct tcp *t, struct tcb *tcb)
{
  const la_time idle_limit = tcp_keepalive_idle(t, tcb);
  const la_time idle = t->now - tcb->last_received;

  if (tcb->probes == 0 && idle < idle_limit) {
    tcp_timer_set(t, tcb, TCP_T_KEEPALIVE, tcb->last_received + idle_limit);
    return;
  }
  if (tcp_flight(tcb) > 0 || has_unsent(tcb)) {
    tcp_timer_set(t, tcb, TCP_T_KEEPALIVE, t->now + idle_limit);
    return;
  }
  if (tcb->probes >= tcb->habits->keepalive_probes) {
    give_up(t, tcb, TCP_EV_USER_TIMEOUT);
    return;
  }
  tcb->probes++;
  tcb->say |= SAY_KEEPALIVE;
  tcp_trace_add(t, tcb, LA_TRACE_PROBE, TCP_T_KEEPALIVE, tcb->probes, 0, 0, 0);
  tcp_timer_set(t, tcb, TCP_T_KEEPALIVE,
                t->now + (la_time)tcb->habits->keepalive_interval_ms * LA_MS);
  tcp_wake(t, tcb);
}

static void delayed_ack_due(struct tcp *t, struct tcb *tcb)
{
  t->count[TCP_N_delayed_acks]++;
  tcb->say |= SAY_ACK;
  tcp_wake(t, tcb);
}

/* In FIN-WAIT-2 it is an orphan's time, elsewhere what the user has set. */
static void give_up_due(struct tcp *t, struct tcb *tcb)
{
  give_up(t, tcb, tcb->state == TCP_FIN_WAIT_2 ? TCP_EV_GIVE_UP : TCP_EV_USER_TIMEOUT);
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

/* The order of the table breaks ties: runs repeat exactly. */
static void run_one(struct tcp *t, struct tcb *tcb)
{
  enum tcp_timer next;

  for (unsigned i = 0; i < TCP_TIMER_COUNT; i++) {
    const enum tcp_timer timer = (enum tcp_timer)i;

    if (!tcp_timer_runs(tcb, timer) || due_of(tcb, timer) > t->now)
      continue;
    tcp_timer_stop(tcb, timer);
    need(due_functions[i] != NULL);
    t->timer[i]++;
    due_functions[i](t, tcb);
  }
  next = next_of(tcb, tcb->timers); /* handlers may have set any of them */
  need(next == TCP_TIMER_COUNT || due_of(tcb, next) > t->now);
  wheel_move(&t->wheel, tcp_node(tcb), next == TCP_TIMER_COUNT ? LA_NEVER : due_of(tcb, next));
  check(tcp_check(t, tcb) == NULL);
}

static uint32_t index_of(const struct tcp *t, const struct wheel_node *node)
{
  return (uint32_t)(node - t->nodes);
}

/* Who waits for a timer has mostly waited for long, and is in no cache: the one after the next is
 * fetched while this one is served. */
static void fetch_upcoming(const struct tcp *t)
{
  const struct wheel_node *const node = wheel_upcoming(&t->wheel, 1);

  if (node)
    tcp_prefetch(t, index_of(t, node));
}

void tcp_timers_run(struct tcp *t)
{
  struct wheel_node *node;

  while ((node = wheel_expire(&t->wheel, t->now)) != NULL) {
    fetch_upcoming(t);
    run_one(t, pool_at(&t->tcbs, index_of(t, node)));
  }
}
