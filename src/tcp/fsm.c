/* fsm.c - executes fsm.def.  A cell says where an event leads and which row says so, so that
 * every transition can be explained with the row's own words.  The entry actions of states
 * are a column too: what being in a state means is done on the way in, whoever fires. */
#include "base/need.h"
#include "tcp/room.h"

/* The number of a row plus 1; 0: there is none. */
static const uint8_t cells[TCP_STATE_COUNT][TCP_EVENT_COUNT] = {
#define GO(from, ev, to, sends, rfc, why) [TCP_##from][TCP_EV_##ev] = 1 + TCP_ROW_##from##_##ev,
#define STAY(s, ev, rfc, why)             [TCP_##s][TCP_EV_##ev]    = 1 + TCP_ROW_##s##_##ev,
#include "tcp/fsm.def"
};

static const struct fsm_row rows[TCP_ROW_COUNT] = {
#define GO(from, ev, to, sends, rfc, why)                                                          \
  [TCP_ROW_##from##_##ev] = { #from "_" #ev, TCP_##from, TCP_EV_##ev, TCP_##to, #sends, rfc, why,  \
                              false },
#define STAY(s, ev, rfc, why)                                                                      \
  [TCP_ROW_##s##_##ev] = { #s "_" #ev, TCP_##s, TCP_EV_##ev, TCP_##s, "NOTHING", rfc, why, true },
#include "tcp/fsm.def"
};

enum sends { SENDS_NOTHING, SENDS_SYN, SENDS_SYN_ACK, SENDS_ACK, SENDS_FIN_ACK, SENDS_RST };

static const uint8_t sends[TCP_ROW_COUNT] = {
#define GO(from, ev, to, what, rfc, why) [TCP_ROW_##from##_##ev] = SENDS_##what,
#include "tcp/fsm.def"
};

enum { SYNCED = TCP_SYNCED, TX_QUEUE = TCP_TX_QUEUE, RX_TEXT = TCP_RX_TEXT,
       FIN_OUT = TCP_FIN_OUT, FIN_IN = TCP_FIN_IN, ESTAB = TCP_ESTAB };

const uint8_t tcp_state_attributes[TCP_STATE_COUNT] = {
#define STATE(name, rfc_name, at, wait, text) [TCP_##name] = (at),
#include "tcp/fsm.def"
};
static const struct { const char *name, *waits_for, *meaning; } states[TCP_STATE_COUNT] = {
#define STATE(name, rfc_name, at, wait, text) [TCP_##name] = { rfc_name, wait, text },
#include "tcp/fsm.def"
};
static const struct { const char *name, *origin, *meaning; } events[TCP_EVENT_COUNT] = {
#define EVENT(name, origin, meaning) [TCP_EV_##name] = { #name, #origin, meaning },
#include "tcp/fsm.def"
};

static void (*const enter[TCP_STATE_COUNT])(struct tcp *t, struct tcb *tcb, unsigned from) = {
  [TCP_CLOSED] = tcp_enter_closed,
  [TCP_ESTABLISHED] = tcp_enter_established,
  [TCP_FIN_WAIT_2] = tcp_enter_fin_wait_2,
  [TCP_CLOSE_WAIT] = tcp_enter_close_wait,
  [TCP_TIME_WAIT] = tcp_enter_time_wait,
};

unsigned    tcp_state_attrs(unsigned s)               { return tcp_state_attributes[s]; }
const char *tcp_state_name(unsigned s)                { return states[s].name; }
const char *tcp_state_meaning(unsigned s)             { return states[s].meaning; }
const char *tcp_state_waits_for(unsigned s)           { return states[s].waits_for; }
const char *tcp_event_name(unsigned e)                { return events[e].name; }
const char *tcp_event_origin(unsigned e)              { return events[e].origin; }
const char *tcp_event_meaning(unsigned e)             { return events[e].meaning; }
bool        tcp_fsm_defined(unsigned s, unsigned e)   { return cells[s][e] != 0; }

bool tcp_fsm_row(unsigned n, struct fsm_row *row)
{
  if (n >= TCP_ROW_COUNT)
    return false;
  *row = rows[n];
  return true;
}

static unsigned row_of(unsigned s, unsigned e)
{
  need(s < TCP_STATE_COUNT);
  need(e < TCP_EVENT_COUNT);
  need(cells[s][e] != 0);
  return cells[s][e] - 1u;
}

unsigned tcp_fsm_next(unsigned s, unsigned e) { return rows[row_of(s, e)].to; }

/* SYN and FIN lie in the sequence space, where emit.c finds them. */
static void say(struct tcp *t, struct tcb *tcb, unsigned row)
{
  if (sends[row] == SENDS_RST)
    tcp_reply_abort(t, tcb);
  else if (sends[row] == SENDS_ACK)
    tcb->say |= SAY_ACK;
  if (sends[row] != SENDS_NOTHING)
    tcp_wake(t, tcb);
}

unsigned tcp_fsm_fire(struct tcp *t, struct tcb *tcb, enum tcp_event event)
{
  const unsigned from = tcb->state, number = row_of(from, event);
  const struct fsm_row *const row = &rows[number];

  t->row[number]++;
  say(t, tcb, number);
  tcp_trace_add(t, tcb, LA_TRACE_STATE, (uint8_t)from, (uint8_t)event, row->to, 0, 0);
  tcb->state = row->to;
  if (from != row->to)
    tcb->state_since = t->now;
  if (enter[row->to] && !row->stays)
    enter[row->to](t, tcb, from);
  return row->to;
}
