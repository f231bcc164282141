/* tcp.c - the room: its memory, its control blocks, who has something to say, who has
 * something to tell the application, and who is over. */
#include "base/need.h"
#include "tcp/cc_bbr.h"
#include "tcp/room.h"

static size_t round64(size_t n) { return (n + 63) & ~(size_t)63; }

static size_t replies_octets(const struct tcp_settings *set)
{
  return round64((size_t)set->replies * sizeof(struct tcp_reply));
}

static uint32_t habit_buckets(const struct tcp_settings *set)
{
  uint32_t n = 1;

  while (n < set->habit_sets)
    n *= 2;
  return n;
}

static size_t habits_octets(const struct tcp_settings *set)
{
  return pool_octets(sizeof(struct habit_set), set->habit_sets) +
         round64(habit_buckets(set) * sizeof(uint32_t));
}

static size_t undos_octets(const struct tcp_settings *set)
{
  return round64((size_t)set->undos * sizeof(struct undo));
}

static size_t nodes_octets(const struct tcp_settings *set)
{
  return round64((size_t)set->connections * sizeof(struct wheel_node));
}

static size_t traces_octets(const struct tcp_settings *set)
{
  return round64((size_t)set->connections * set->trace_entries * sizeof(struct tcp_trace));
}

size_t tcp_octets(const struct tcp_settings *set)
{
  return pool_octets(sizeof(struct tcb), set->connections) + nodes_octets(set) +
         pool_octets(sizeof(struct time_wait), set->time_waits) +
         pool_octets(sizeof(struct island), set->ranges) +
         pool_octets(sizeof(struct flight), set->flights) +
         pool_octets(sizeof(struct bbr), set->models) + undos_octets(set) + habits_octets(set) +
         replies_octets(set) + round64(tcp_fastopen_octets(set)) +
         round64(tcp_retry_octets(set)) + traces_octets(set);
}

static void init_habits(struct tcp *t, uint8_t *p)
{
  const uint32_t buckets = habit_buckets(&t->set);
  struct tcb first = { 0 };

  t->habit_buckets = (uint32_t *)(void *)p;
  t->habit_mask = buckets - 1;
  memset(t->habit_buckets, 0, buckets * sizeof *t->habit_buckets);
  pool_init(&t->habit_sets, p + round64(buckets * sizeof(uint32_t)), sizeof(struct habit_set),
            t->set.habit_sets);
  need(tcp_habits_change(t, &first, &t->set.habits));
  t->habits = first.habits;                   /* the room is a user of this set, for ever */
}

void tcp_init(struct tcp *t, void *memory, const struct tcp_settings *set, struct store store,
              la_time now)
{
  uint8_t *p = memory;

  memset(t, 0, sizeof *t);
  t->set = *set;
  t->key = hash_key_of(set->secret);
  t->now = now;
  t->store = store;
  pool_init(&t->tcbs, p, sizeof(struct tcb), set->connections);
  p += pool_octets(sizeof(struct tcb), set->connections);
  t->nodes = (struct wheel_node *)(void *)p;
  p += nodes_octets(set);
  pool_init(&t->time_waits, p, sizeof(struct time_wait), set->time_waits);
  p += pool_octets(sizeof(struct time_wait), set->time_waits);
  pool_init(&t->islands, p, sizeof(struct island), set->ranges);
  p += pool_octets(sizeof(struct island), set->ranges);
  pool_init(&t->flights, p, sizeof(struct flight), set->flights);
  p += pool_octets(sizeof(struct flight), set->flights);
  pool_init(&t->models, p, sizeof(struct bbr), set->models);
  p += pool_octets(sizeof(struct bbr), set->models);
  t->undos = (struct undo *)(void *)p;
  memset(t->undos, 0, undos_octets(set));
  p += undos_octets(set);
  init_habits(t, p);
  p += habits_octets(set);
  t->replies = (struct tcp_reply *)(void *)p;
  p += replies_octets(set);
  t->fastopen_peers = (struct fastopen_peer *)(void *)p;
  p += round64(tcp_fastopen_octets(set));
  tcp_retry_init(t, p);
  t->traces = (struct tcp_trace *)(void *)(p + round64(tcp_retry_octets(set)));

  wheel_init(&t->wheel, now);
  list_init(&t->ready);
  list_init(&t->finished);
  list_init(&t->notified);
  t->tw_first = t->tw_last = POOL_NONE;
  rate_init(&t->challenge_rate, set->challenge_acks);
  rate_init(&t->reset_rate, set->resets);
  rng_seed(&t->rng, t->key.k0 ^ t->key.k1);
  t->cookie_until = INT64_MIN;
  tcp_fastopen_init(t);
  tcp_fastopen_forget(t);
}

bool tcp_settings_change(struct tcp *t, const struct tcp_settings *set)
{
  struct tcb own = { .habits = t->habits };

  if (!tcp_habits_change(t, &own, &set->habits))
    return false;
  t->habits = own.habits;
  t->set = *set;
  rate_init(&t->challenge_rate, set->challenge_acks);
  rate_init(&t->reset_rate, set->resets);
  return true;
}

void tcp_time(struct tcp *t, la_time now)
{
  if (now > t->now)
    t->now = now;
}

/* ---- control blocks ---- */

_Static_assert(TCP_CLOSED == 0, "a control block of zeroes is CLOSED");

struct tcb *tcp_tcb_new(struct tcp *t)
{
  struct tcb *const tcb = pool_get(&t->tcbs);
  struct wheel_node *node;
  uint32_t generation;

  if (!tcb)
    return NULL;
  node = &t->nodes[pool_index(&t->tcbs, tcb)];
  generation = tcb->generation;
  memset(tcb, 0, sizeof *tcb);
  tcb->generation = generation + 1;
  tcb->flags = TCB_HELD;
  tcp_habits_share(tcb, t->habits);
  tcb->send_buffer = t->set.send_buffer;
  tcb->receive_buffer = t->set.receive_buffer;
  tcb->congestion = t->set.congestion;
  tcb->opened = tcb->state_since = t->now;
  tcb->node = near_distance(tcb, node);
  wheel_node_init(node);
  return tcb;
}

void tcp_tcb_free(struct tcp *t, struct tcb *tcb)
{
  need(tcb->state == TCP_CLOSED || tcb->state == TCP_TIME_WAIT);
  tcp_timers_stop(t, tcb);
  tcp_fastopen_key_drop(t, tcb);
  tcp_tx_drop(t, tcb, tcb->tx.octets);
  stream_clear(&t->store, &tcb->rx);
  tcp_memory_note(t, tcb);
  tcp_islands_drop(t, tcb);
  tcp_flights_drop(t, tcb);
  tcp_model_drop(t, tcb);
  tcp_undo_drop(tcb);
  tcp_habits_leave(t, tcb);
  tcp_hush(tcb);
  tcp_retry_forget(t, tcb);
  list_remove(&tcb->ready);
  tcb->generation++;
  pool_put(&t->tcbs, tcb);
}

struct tcb *tcp_finished(struct tcp *t)
{
  struct list *const node = list_take(&t->finished);

  return node ? list_entry(node, struct tcb, ready) : NULL;
}

/* Over and nobody's: an application's handle, or a listener's queue, keeps it otherwise. */
void tcp_let_go(struct tcp *t, struct tcb *tcb)
{
  const bool over = tcb->state == TCP_CLOSED || tcb->state == TCP_TIME_WAIT;

  if (!over || (tcb->flags & (TCB_HELD | TCB_IN_QUEUE)))
    return;
  list_remove(&tcb->ready);
  list_append(&t->finished, &tcb->ready);
}

/* ---- something to say, something to tell ---- */

void tcp_wake(struct tcp *t, struct tcb *tcb)
{
  if (!list_linked(&tcb->ready) && tcb->state != TCP_CLOSED)
    list_append(&t->ready, &tcb->ready);
}

void tcp_notify(struct tcp *t, struct tcb *tcb, enum la_event_kind kind)
{
  if (!(tcb->flags & TCB_HELD))
    return;
  tcb->events |= (uint8_t)(1u << kind);
  if (!list_linked(&tcb->notified))
    list_append(&t->notified, &tcb->notified);
}

void tcp_hush(struct tcb *tcb)
{
  tcb->events = 0;
  list_remove(&tcb->notified);
}

struct tcb *tcp_notified(struct tcp *t, uint8_t *events)
{
  struct list *const node = list_take(&t->notified);
  struct tcb *tcb;

  if (!node)
    return NULL;
  tcb = list_entry(node, struct tcb, notified);
  *events = tcb->events;
  tcb->events = 0;
  return tcb;
}

/* ---- entry actions ---- */

/* What the MIB of RFC 4022 counts of a connection's end. */
static void count_end(struct tcp *t, const struct tcb *tcb, unsigned from)
{
  if (tcb->error == LA_OK)
    return;
  if (from == TCP_SYN_SENT || from == TCP_SYN_RECEIVED)
    t->count[TCP_N_attempt_fails]++;
  else if (tcp_state_is(from, TCP_ESTAB))
    t->count[TCP_N_established_resets]++;
}

/* Departs: RFC 9293 3.10.7.4 second flushes all queues at a RST. Text that was acknowledged before
 * it came is still there to be read, as in Linux and BSD, and so is a connection in a listener's
 * queue that has such text. What the network says (config.handshake_errors) is no harder. */
static bool leaves_text(const struct tcb *tcb)
{
  const bool reader = (tcb->flags & TCB_HELD) || (tcb->flags & TCB_IN_QUEUE);

  const bool outside =
      tcb->error == LA_ERESET || tcb->error == LA_EUNREACH || tcb->error == LA_EREFUSED;

  return reader && outside && tcb->rx.octets > 0;
}

void tcp_enter_closed(struct tcp *t, struct tcb *tcb, unsigned from)
{
  const bool stays = leaves_text(tcb);

  count_end(t, tcb, from);
  if (from == TCP_SYN_SENT)
    tcp_fastopen_failed(t, tcb);
  if (from == TCP_LISTEN)
    tcp_listener_drop(t, tcb);
  else if (!stays || !(tcb->flags & TCB_IN_QUEUE))
    tcp_child_unlink(t, tcb);
  tcp_timers_stop(t, tcb);
  tcp_retry_forget(t, tcb);
  tcb->say = 0;
  list_remove(&tcb->ready);
  tcp_limit_end(t, tcb);
  tcp_tx_drop(t, tcb, tcb->tx.octets);
  tcp_islands_drop(t, tcb);
  tcp_flights_drop(t, tcb);
  if (tcb->error != LA_OK && !stays)
    stream_clear(&t->store, &tcb->rx);
  tcp_memory_note(t, tcb);
  if (from != TCP_LISTEN && from != TCP_TIME_WAIT)
    tcp_notify(t, tcb, LA_EV_CLOSED);
  tcp_let_go(t, tcb);
}

/* A SYN that was lost says little for the path: RFC 6298 5.7. RFC 6928 2: for the window, which RFC
 * 5681 3.1 would begin with one segment, one may have been late and not lost; two are proof. */
void tcp_enter_established(struct tcp *t, struct tcb *tcb, unsigned from)
{
  if (tcb->timeouts > 0 && tcb->rtt.srtt_us == 0)
    tcb->rtt.rto_us = 3000000;
  if (tcb->timeouts > 1)
    cc_algorithm(tcb->congestion)->start(&tcb->cc, tcb->mss, 1);
  tcb->backoffs = 0;
  tcb->quick_acks = from == TCP_SYN_SENT && tcp_unsent(tcb) > 0 ? 0 : t->set.quick_acks;
  tcp_tune_begin(t, tcb);
  tcb->text_received_ms = tcp_ms(t);          /* none has, but may from now on */
  tcp_mtu_established(tcb);
  tcp_flight_timer(t, tcb, true);
  tcp_keepalive_timer(t, tcb);
  tcp_patience_timer(t, tcb, true);
  tcb->marks |= tcb->habits->user_timeout_s != 0 ? (uint16_t)MARK_USER_TIMEOUT : 0;
  tcp_steer_child_ready(t, tcb);
  tcp_child_ready(t, tcb);
  tcp_notify(t, tcb, LA_EV_CONNECTED);
  tcp_tell_text(t, tcb);                      /* it came with the SYN */
  tcp_wake(t, tcb);
}

void tcp_enter_close_wait(struct tcp *t, struct tcb *tcb, unsigned from)
{
  (void)from;
  tcp_notify(t, tcb, LA_EV_PEER_CLOSED);
}

/* Departs: RFC 9293 has no time-out in FIN-WAIT-2; Linux and BSD end one that no application
 * holds, for nobody could ever read what the peer may send. */
void tcp_enter_fin_wait_2(struct tcp *t, struct tcb *tcb, unsigned from)
{
  (void)from;
  tcp_timer_stop(tcb, TCP_T_GIVE_UP);
  if (!(tcb->flags & TCB_HELD))
    tcp_timer_set(t, tcb, TCP_T_GIVE_UP, t->now + t->set.fin_wait_2);
}

void tcp_enter_time_wait(struct tcp *t, struct tcb *tcb, unsigned from)
{
  if (from != TCP_TIME_WAIT) {
    tcp_timers_stop(t, tcb);
    tcp_tx_drop(t, tcb, tcb->tx.octets);
    tcp_islands_drop(t, tcb);
    tcp_notify(t, tcb, LA_EV_PEER_CLOSED);
    tcp_notify(t, tcb, LA_EV_CLOSED);
  }
  tcp_timer_set(t, tcb, TCP_T_TWO_MSL, t->now + 2 * t->set.msl);
  tcp_wake(t, tcb);
}

/* A stamp of tcp_ms as the time that it stands for; 0: there is none. */
la_time tcp_time_of(const struct tcp *t, uint32_t ms)
{
  return ms != 0 ? (t->now / LA_MS - (la_time)(uint32_t)(tcp_ms(t) - ms)) * LA_MS : 0;
}

/* ---- going out ---- */

enum { BURST = 8 };   /* segments of one connection before the next has its turn */

static void count_out(struct tcp *t, struct tcb *tcb, const struct tcp_out *out)
{
  const uint32_t segments = tcp_out_segments(out);

  tcb->segments_out += segments;
  tcb->text_segments_out += out->text > 0 ? segments : 0;
  tcb->octets_sent += out->text;
  tcb->last_sent_ms = tcp_ms(t);
  t->count[TCP_N_segments_out]++;
}

/* Nothing of a control block moves between the turns of the pump, so an orphan in TIME-WAIT is
 * let go only once its last ACK has been said. */
bool tcp_output(struct tcp *t, struct tcb **from, struct tcp_out *out)
{
  while (!list_empty(&t->ready)) {
    struct tcb *const tcb = list_entry(list_next(&t->ready), struct tcb, ready);

    if (tcp_emit(t, tcb, out)) {
      count_out(t, tcb, out);
      if (++t->burst >= BURST) {
        t->burst = 0;
        list_remove(&tcb->ready);
        list_append(&t->ready, &tcb->ready);
      }
      *from = tcb;
      return true;
    }
    t->burst = 0;
    list_remove(&tcb->ready);
    tcp_let_go(t, tcb);
  }
  return false;
}

la_time tcp_deadline(const struct tcp *t)
{
  la_time due;

  if (!list_empty(&t->ready) || !list_empty(&t->finished) || t->reply_count > 0)
    return 0;
  due = wheel_next(&t->wheel);
  if (t->tw_first != POOL_NONE) {
    const struct time_wait *tw = pool_at(&t->time_waits, t->tw_first);

    if (tw->due < due)
      due = tw->due;
  }
  return due;
}
