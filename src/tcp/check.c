/* check.c - every invariant of a control block, once.  In debug, fuzz and simulator builds it is
 * run after every packet, call and timer. */
#include "tcp/room.h"

#define CLAIM(x) do { if (!(x)) return #x; } while (0)

static const char *check_numbers(const struct tcb *tcb)
{
  const uint32_t syn = tcp_syn_waits(tcb);
  const bool fin_waits = (tcb->flags & TCB_FIN_QUEUED) && seq_le(tcb->snd.una, tcb->snd.fin);

  CLAIM(!syn || seq_eq(tcb->snd.una, tcb->snd.iss));
  CLAIM(seq_le(tcb->snd.una, tcb->snd.nxt));
  CLAIM(seq_span(tcb->snd.una, tcb->snd.nxt) <= syn + tcb->tx.octets + fin_waits);
  CLAIM(!fin_waits || seq_eq(tcb->snd.fin, seq_add(tcb->snd.una, syn + tcb->tx.octets)));
  CLAIM(!tcp_state_is(tcb->state, TCP_FIN_OUT) || fin_waits);
  CLAIM(tcb->state != TCP_FIN_WAIT_2 || !fin_waits);
  CLAIM(seq_le(tcb->rcv.acked, tcb->rcv.nxt));
  CLAIM(tcb->rcv.wnd <= 1u << 30);
  CLAIM(tcb->snd.wnd <= tcb->snd.wnd_max);
  return NULL;
}

static const char *check_streams(const struct tcb *tcb)
{
  uint32_t count = 0, octets = 0;
  tcp_seq after = tcb->rcv.nxt;

  CLAIM(stream_ok(&tcb->tx));
  CLAIM(stream_ok(&tcb->rx));
  for (const struct island *i = tcb->islands; i; i = i->next) {
    CLAIM(stream_ok(&i->text));
    CLAIM(i->text.octets > 0);
    CLAIM(seq_lt(after, i->start));
    after = seq_add(i->start, i->text.octets);
    octets += i->text.octets;
    count++;
  }
  CLAIM(count == tcb->island_count);
  CLAIM(count <= TCP_ISLANDS_MAX);
  CLAIM(octets == tcb->island_octets);
  CLAIM(((tcb->marks & MARK_HOLDS) != 0) == (tcb->rx.octets > tcb->our_mss));
  return NULL;
}

/* The flights cover what is in flight, and their counters are right. */
static const char *check_flights(const struct tcb *tcb)
{
  uint32_t sacked = 0, lost = 0, count = 0;
  tcp_seq at = tcb->snd.una;

  for (const struct flight *f = tcb->flights; f; f = f->next) {
    CLAIM(seq_eq(f->start, at));
    CLAIM(seq_lt(f->start, f->end));
    CLAIM(f->segments > 0);
    CLAIM(f->next || f == tcb->flights_last);
    sacked += f->fate == FLIGHT_SACKED ? seq_span(f->start, f->end) : 0;
    lost += f->fate == FLIGHT_LOST ? seq_span(f->start, f->end) : 0;
    at = f->end;
    count++;
  }
  CLAIM(seq_eq(at, tcb->snd.nxt));
  CLAIM(sacked == tcb->sacked);
  CLAIM(lost == tcb->lost);
  CLAIM(count == tcb->flight_count);
  return NULL;
}

/* What text waits for is known exactly while there is some. */
static const char *check_limit(const struct tcb *tcb)
{
  const bool over = tcb->state == TCP_CLOSED || tcb->state == TCP_TIME_WAIT;

  CLAIM(tcb->limit < LIMIT_COUNT);
  CLAIM((tcb->limit != LIMIT_NONE) == (!over && tcp_is_busy(tcb)));
  CLAIM(tcb->limit != LIMIT_SNDBUF || (tcb->flags & TCB_WANTS_ROOM));
  return NULL;
}

/* A loss can be taken back while it is remembered what it cost; F-RTO judges time-outs alone. */
static const char *check_undo(const struct tcb *tcb)
{
  const struct undo *const u = tcp_undo(tcb);

  CLAIM(!u || near_at(u, u->owner) == tcb);
  CLAIM(!u || seq_le(u->start, tcb->snd.una));
  CLAIM(tcb->frto == FRTO_OFF || tcb->mode == TCP_LOSS);
  CLAIM(tcb->frto <= FRTO_SECOND_ACK);
  CLAIM(tcb->mode == TCP_OPEN || seq_le(tcb->recover, tcb->snd.nxt));
  CLAIM(!tcb->rack.probe_out || seq_le(tcb->rack.probe_end, tcb->snd.nxt));
  return NULL;
}

/* Timers run only in the states that have them, and something always ends a silence of ours. */
static const char *check_timers(const struct tcb *tcb)
{
  const bool dead = tcb->state == TCP_CLOSED || tcb->state == TCP_LISTEN;
  const bool asks = tcp_timer_runs(tcb, TCP_T_RETRANSMIT) || tcp_timer_runs(tcb, TCP_T_PERSIST);

  for (int i = 0; i < TCP_TIMER_COUNT; i++) {
    const bool runs = tcp_timer_runs(tcb, (enum tcp_timer)i);

    CLAIM(!runs || !dead);
    CLAIM(!runs || tcb->state != TCP_TIME_WAIT || i == TCP_T_TWO_MSL || i == TCP_T_DELACK);
    CLAIM(!runs || tcp_node(tcb)->due <= tcp_timer_due(tcb, (enum tcp_timer)i));
  }
  CLAIM(!tcp_timer_runs(tcb, TCP_T_TWO_MSL) || tcb->state == TCP_TIME_WAIT);
  CLAIM(!tcp_timer_runs(tcb, TCP_T_RETRANSMIT) || tcp_flight(tcb) > 0);
  CLAIM(dead || tcb->state == TCP_TIME_WAIT || tcp_flight(tcb) == 0 || asks);
  CLAIM(tcb->state != TCP_TIME_WAIT || tcp_timer_runs(tcb, TCP_T_TWO_MSL));
  return NULL;
}

/* A model is there if the congestion control asks for one, from the opening on. */
static const char *check_model(const struct tcb *tcb)
{
  const bool wanted = cc_algorithm(tcb->congestion)->sampled != NULL;
  const bool open = tcb->state != TCP_LISTEN && tcb->state != TCP_CLOSED;

  CLAIM(!tcb->pace.by_model || wanted);
  CLAIM(!(wanted && open) || tcb->pace.by_model);
  return NULL;
}

static const char *check_lists(const struct tcb *tcb)
{
  CLAIM(!(tcb->say & SAY_ACK) || list_linked(&tcb->ready));
  CLAIM(tcb->events == 0 || list_linked(&tcb->notified));
  CLAIM(tcb->events == 0 || (tcb->flags & TCB_HELD));
  CLAIM(!tcb->parent || list_linked(&tcb->siblings));
  return NULL;
}

static uint32_t pending_in(const struct list *children)
{
  uint32_t n = 0;

  for (const struct list *l = list_next(children); l != children; l = list_next(l)) {
    const struct tcb *const child = list_entry((struct list *)l, struct tcb, siblings);

    n += tcp_opened_fast(child) && tcp_syn_waits(child);
  }
  return n;
}

/* RFC 7413 4.2.2: a listener counts those that were opened fast and whose SYN,ACK is not
 * acknowledged, accepted or not. */
static const char *check_fast_open(const struct tcb *tcb)
{
  const bool early = (tcb->flags & TCB_ACCEPTED) != 0;

  CLAIM(!early || (tcb->parent && tcp_opened_fast(tcb) && tcp_syn_waits(tcb)));
  CLAIM(!early || !(tcb->flags & TCB_IN_QUEUE));
  CLAIM(tcb->state != TCP_LISTEN || list_empty(&tcb->listener.half_open) ||
        pending_in(&tcb->listener.half_open) == 0);
  CLAIM(tcb->state != TCP_LISTEN || !(tcb->flags & TCB_HELD) ||
        tcb->listener.fastopens ==
            pending_in(&tcb->listener.queue) + pending_in(&tcb->listener.accepted));
  return NULL;
}

/* RFC 5482 3: the option counts only where it was asked for. */
static const char *check_user_timeout(const struct tcb *tcb)
{
  CLAIM(tcb->peer_timeout_s <= TCP_USER_TIMEOUT_MAX);
  CLAIM(tcb->peer_timeout_s == 0 || tcb->habits->user_timeout_s != 0);
  return NULL;
}

/* RFC 4821: a probe is larger than what is known to pass, and in flight. */
static const char *check_mtu(const struct tcb *tcb)
{
  CLAIM(tcb->mtu.size == 0 || (tcb->mtu.now != 0 && tcb->mtu.now < tcb->mtu.size));
  CLAIM(tcb->mtu.size == 0 || seq_le(tcb->mtu.end, tcb->snd.nxt));
  CLAIM(tcb->mtu.size == 0 || seq_lt(tcb->snd.una, tcb->mtu.end));
  return NULL;
}

const char *tcp_check(const struct tcp *t, const struct tcb *tcb)
{
  const char *broken;

  (void)t;
  CLAIM(tcb->state < TCP_STATE_COUNT);
  broken = check_lists(tcb);
  if (!broken)
    broken = check_model(tcb);
  if (!broken)
    broken = check_timers(tcb);
  if (!broken && tcb->state != TCP_LISTEN && tcb->state != TCP_CLOSED &&
      tcb->state != TCP_TIME_WAIT)
    broken = check_numbers(tcb);
  if (!broken && tcp_state_is(tcb->state, TCP_SYNCED) && tcb->state != TCP_TIME_WAIT)
    broken = check_mtu(tcb);
  if (!broken && tcb->state != TCP_LISTEN && tcb->state != TCP_CLOSED)
    broken = check_flights(tcb);
  if (!broken && tcb->state != TCP_LISTEN && tcb->state != TCP_CLOSED)
    broken = check_undo(tcb);
  if (!broken && tcb->state != TCP_LISTEN)
    broken = check_limit(tcb);
  if (!broken)
    broken = check_streams(tcb);
  if (!broken)
    broken = check_user_timeout(tcb);
  if (!broken)
    broken = check_fast_open(tcb);
  return broken;
}
