/* actor.h - scripted applications. A script is a table of steps; an actor walks it, stops at a
 * step that has to wait, and is woken by the stack's events or by the clock. Between the steps
 * it reads what comes (unless told not to), and checks every octet against what the other side's
 * actor sent. */
#ifndef LA_SIM_ACTOR_H
#define LA_SIM_ACTOR_H
#include "dice.h"
#include "world.h"

enum actor_do {
  ACTOR_END,            /* done; the socket, if there is one, is kept */
  ACTOR_SLEEP,          /* time */
  ACTOR_OPEN,           /* a socket without a name */
  ACTOR_BIND,           /* number: port */
  ACTOR_LISTEN,         /* number: port (0: bound already), value: backlog */
  ACTOR_ACCEPT,         /* waits for one connection and goes on with it; the listener stays */
  ACTOR_SERVE,          /* accepts for ever; a child with the script `child` for each */
  ACTOR_CONNECT,        /* number: port of the host at the other end; waits for the answer */
  ACTOR_CONNECT_ONLY,   /* the same without waiting */
  ACTOR_AWAIT_CONNECTED,/* the answer to ACTOR_CONNECT_ONLY has come */
  ACTOR_SET,            /* number: enum la_option, value */
  ACTOR_SEND,           /* number: octets */
  ACTOR_SEND_URGENT,    /* number: octets, the last of them urgent */
  ACTOR_READ_OFF, ACTOR_READ_ON,
  ACTOR_READ_RATE,      /* number: octets per second; 0: as they come */
  ACTOR_AWAIT_OCTETS,   /* number: have been received in all */
  ACTOR_AWAIT_EOF,      /* the peer's FIN has been read */
  ACTOR_AWAIT_CLOSED,   /* CLOSED, or TIME-WAIT */
  ACTOR_AWAIT_ACKED,    /* nothing is left in the send queue */
  ACTOR_CLOSE,          /* half-close: nothing more to send */
  ACTOR_FORGET,         /* close(2) */
  ACTOR_FORGET_LISTENER,
  ACTOR_ABORT,
  ACTOR_CRASH,          /* the host; it is back after `time` (LA_NEVER: never) */
  ACTOR_AGAIN           /* a successor begins at the script's step `number`; this one is done */
};

struct actor_step {
  enum actor_do what;
  uint64_t number;
  int64_t  value;
  la_time  time;
  const struct actor_step *child;
};

struct actor {
  struct world_host *host;
  const char *name;
  struct actor *next, *peer;            /* peer: the actor at the connection's other end */
  const struct actor_step *script;
  struct actor_step *own_script;        /* to free with the actor, or NULL */
  /* Of a listener with ACTOR_SERVE: draws a script for a child; NULL: the step's. */
  void (*choose)(struct actor *listener, struct actor *child);
  unsigned at, number;
  unsigned lives;                       /* how often ACTOR_AGAIN still works; 0: for ever */
  la_sock  sock, listener;
  bool     has_sock, has_listener;
  la_endpoint local, remote;
  uint32_t iss, irs;
  struct dice rng;
  uint64_t key;                         /* of the octets it sends */
  uint64_t sent, step_sent, received;
  uint64_t paid;                        /* octets read against the rate */
  la_time  wake, slept_until, rate_since;
  uint64_t rate;
  bool stepping, waiting, no_reading, connected, passive, eof, closed_sent, forgotten, aborted,
       crashed, done, failed;
  int  error;                           /* positive, enum la_error: what ended it */
  int  last_result;                     /* of the last call that a script step made */
  bool tried;                           /* a connect is under way */
  bool restarts;                        /* a server: begins anew when its host is back */
  bool ambiguous;                       /* its numbers were used twice: nothing can be said */
  bool quiet;                           /* says nothing for the ladder */
  uint64_t wrong_octets;
};

struct actor *actor_add(struct world_host *h, const char *name, const struct actor_step *script,
                        la_time start);
void actor_event(struct world_host *h, const la_event *event);
struct actor *actor_due(struct world *w);       /* the oldest whose time has come, or NULL */
void actor_run(struct actor *a);
la_time actor_next_due(const struct world *w);
void actor_host_crashed(struct world_host *h);
void actor_host_booted(struct world_host *h);
void actor_free_all(struct world *w);

/* Let go of whatever it holds, at the end of a world. */
void actor_let_go(struct actor *a);

/* Between actor.c and actor_steps.c. */
struct actor *actor_alloc(struct world_host *h, const char *name);
void actor_enlist(struct actor *a);
bool actor_step_do(struct actor *a, const struct actor_step *s);   /* false: it has to wait */
void actor_read(struct actor *a);
void actor_fail(struct actor *a, int result);
void actor_turned(struct actor *a);
void actor_find_peer(struct actor *a);
#define ACTOR_SAY(a, ...) ((a)->quiet ? (void)0 : world_said((a)->host, __VA_ARGS__))

/* The octet at a position of the stream with this key. */
uint8_t actor_octet(uint64_t key, uint64_t position);

#endif
