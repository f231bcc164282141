/* fsm.h - states, events, and the only function that changes a state. */
#ifndef LA_TCP_FSM_H
#define LA_TCP_FSM_H
#include <stdbool.h>
#include <stdint.h>

enum tcp_state {
#define STATE(name, rfc_name, attrs, waits_for, meaning) TCP_##name,
#include "tcp/fsm.def"
  TCP_STATE_COUNT
};
enum tcp_event {
#define EVENT(name, origin, meaning) TCP_EV_##name,
#include "tcp/fsm.def"
  TCP_EVENT_COUNT
};
enum tcp_row {                  /* the number of each row of the table */
#define GO(from, ev, to, sends, rfc, why) TCP_ROW_##from##_##ev,
#define STAY(s, ev, rfc, why)             TCP_ROW_##s##_##ev,
#include "tcp/fsm.def"
  TCP_ROW_COUNT
};

/* Ask a state what it allows, never which one it is: a step that lists states
 * by name goes stale, a step that asks for an attribute does not. */
enum tcp_attr {
  TCP_SYNCED   = 1 << 0, /* "synchronized" in the sense of RFC 9293 3.10.7.4 */
  TCP_TX_QUEUE = 1 << 1, /* the user may still queue data */
  TCP_RX_TEXT  = 1 << 2, /* segment text is accepted (step seven) */
  TCP_FIN_OUT  = 1 << 3, /* our FIN is queued or sent and not acknowledged */
  TCP_FIN_IN   = 1 << 4, /* the peer's FIN has been taken */
  TCP_ESTAB    = 1 << 5  /* counted by tcpCurrEstab (RFC 4022) */
};

struct fsm_row {
  const char *name;             /* "ESTABLISHED_RCV_FIN": what it is counted as */
  uint8_t from, event, to;      /* to == from: the pair is defined and the state stays */
  const char *sends, *rfc, *why;
  bool stays;                   /* STAY: nothing happens, not even what entering the state does */
};

struct tcp;
struct tcb;
extern const uint8_t tcp_state_attributes[TCP_STATE_COUNT];

static inline bool tcp_state_is(unsigned state, unsigned attrs)
{
  return (tcp_state_attributes[state] & attrs) == attrs;
}

unsigned    tcp_state_attrs(unsigned state);
const char *tcp_state_name(unsigned state);
const char *tcp_state_meaning(unsigned state);
const char *tcp_state_waits_for(unsigned state);
const char *tcp_event_name(unsigned event);
const char *tcp_event_origin(unsigned event);
const char *tcp_event_meaning(unsigned event);
bool        tcp_fsm_row(unsigned n, struct fsm_row *row);    /* every row; false past the last */
bool        tcp_fsm_defined(unsigned state, unsigned event);
unsigned    tcp_fsm_next(unsigned state, unsigned event);

/* Makes the transition, writes it into the flight recorder, and runs the entry action of the
 * new state. Returns the new state. */
unsigned    tcp_fsm_fire(struct tcp *t, struct tcb *tcb, enum tcp_event event);

#endif
