/* actor_steps.c - what each step of a script does. A step is done (true) or has to wait (false):
 * it is tried again when an event or the clock wakes its actor. */
#include "actor.h"

#include <stdlib.h>

enum { CHUNK = 4096 };

static la_stack *stack_of(struct actor *a)
{
  return a->host->stack;
}

/* Every call ends here: its result is kept, a refusal ends the script, and the onlookers look. */
static bool finish(struct actor *a, int result)
{
  a->last_result = result;
  if (result < 0)
    actor_fail(a, result);
  actor_turned(a);
  return true;
}

static bool step_open(struct actor *a, const struct actor_step *s)
{
  int result = la_tcp_open(stack_of(a), a, &a->sock);

  (void)s;
  a->has_sock = result == 0;
  a->forgotten = a->closed_sent = a->eof = a->connected = a->passive = false;
  a->sent = a->received = 0;
  a->peer = NULL;
  return finish(a, result);
}

static bool step_bind(struct actor *a, const struct actor_step *s)
{
  la_endpoint local = { .addr = { 0 }, .port = (uint16_t)s->number };

  if (!a->has_sock)
    step_open(a, s);
  if (a->failed)
    return true;
  ACTOR_SAY(a, "%s: bind(port %u)", a->name, local.port);
  return finish(a, la_tcp_bind(stack_of(a), a->sock, local));
}

static bool step_listen(struct actor *a, const struct actor_step *s)
{
  int result;

  if (s->number)
    step_bind(a, s);
  if (a->failed)
    return true;
  ACTOR_SAY(a, "%s: listen(backlog %lld)", a->name, (long long)s->value);
  result = la_tcp_listen(stack_of(a), a->sock, (uint32_t)s->value);
  if (result == 0) {
    a->listener = a->sock;
    a->has_listener = true;
    a->has_sock = false;
  }
  return finish(a, result);
}

static bool step_accept(struct actor *a, const struct actor_step *s)
{
  int result = la_tcp_accept(stack_of(a), a->listener, a, &a->sock);

  (void)s;
  if (result == -LA_EAGAIN)
    return false;
  if (result < 0)
    return finish(a, result);
  a->forgotten = a->closed_sent = a->eof = false;
  a->sent = a->received = 0;
  a->has_sock = a->connected = a->passive = true;
  actor_find_peer(a);
  ACTOR_SAY(a, "%s: accept() gives the connection from port %u", a->name, a->remote.port);
  actor_turned(a);
  return true;
}

static bool step_serve(struct actor *a, const struct actor_step *s)
{
  int result;

  do {
    struct actor *child = actor_alloc(a->host, a->name);

    result = la_tcp_accept(stack_of(a), a->listener, child, &child->sock);
    if (result < 0) {
      free(child);
      break;
    }
    actor_enlist(child);
    child->quiet = a->quiet;
    child->script = s->child;
    child->has_sock = child->connected = child->passive = true;
    child->wake = a->host->world->now;
    if (a->choose)
      a->choose(a, child);
    actor_find_peer(child);
    ACTOR_SAY(a, "%s: accept() gives the connection from port %u", a->name, child->remote.port);
    actor_turned(a);
  } while (true);
  if (result != -LA_EAGAIN)
    actor_fail(a, result);
  return false;
}

static bool step_connect(struct actor *a, const struct actor_step *s)
{
  struct world_host *other = world_host_other(a->host);
  la_endpoint to = { .addr = other->addr, .port = (uint16_t)s->number };
  int result;

  if (a->tried && a->connected) {
    a->tried = false;
    return true;
  }
  if (a->tried)
    return false;
  if (!a->has_sock)
    step_open(a, s);
  if (a->failed)
    return true;
  ACTOR_SAY(a, "%s: connect(port %u)", a->name, to.port);
  a->tried = s->what == ACTOR_CONNECT;
  result = la_tcp_connect(stack_of(a), a->sock, to);
  if (result == 0)
    actor_find_peer(a);
  finish(a, result);
  return !a->tried || a->failed;
}

static bool step_await_connected(struct actor *a, const struct actor_step *s)
{
  (void)s;
  return a->connected;
}

static bool step_set(struct actor *a, const struct actor_step *s)
{
  if (!a->has_sock && !a->has_listener)
    step_open(a, s);
  if (a->failed)
    return true;
  return finish(a, la_tcp_set(stack_of(a), a->has_sock ? a->sock : a->listener,
                              (enum la_option)s->number, s->value));
}

static bool step_send(struct actor *a, const struct actor_step *s)
{
  uint8_t octets[CHUNK];
  int took;

  if (a->step_sent == 0)
    ACTOR_SAY(a, "%s: send(%llu octets)", a->name, (unsigned long long)s->number);
  while (a->step_sent < s->number) {
    uint64_t left = s->number - a->step_sent;
    uint32_t n = left < CHUNK ? (uint32_t)left : CHUNK;

    for (uint32_t i = 0; i < n; i++)
      octets[i] = actor_octet(a->key, a->sent + i);
    took = s->what == ACTOR_SEND_URGENT ? la_tcp_send_urgent(stack_of(a), a->sock, octets, n)
                                        : la_tcp_send(stack_of(a), a->sock, octets, n);
    if (took == -LA_EAGAIN || took == -LA_ENOBUF)
      return false;                           /* an event will say when */
    if (took < 0)
      return finish(a, took);
    a->sent += (uint64_t)took;
    a->step_sent += (uint64_t)took;
    actor_turned(a);
  }
  a->step_sent = 0;
  return true;
}

static bool step_sleep(struct actor *a, const struct actor_step *s)
{
  la_time now = a->host->world->now;

  if (a->slept_until == LA_NEVER)
    a->slept_until = now + s->time;
  if (now < a->slept_until) {
    if (a->wake > a->slept_until)
      a->wake = a->slept_until;
    return false;
  }
  a->slept_until = LA_NEVER;
  return true;
}

static bool step_reading(struct actor *a, const struct actor_step *s)
{
  a->no_reading = s->what == ACTOR_READ_OFF;
  ACTOR_SAY(a, "%s %s reading", a->name, a->no_reading ? "stops" : "goes on");
  return true;
}

static bool step_read_rate(struct actor *a, const struct actor_step *s)
{
  a->rate = s->number;
  a->rate_since = a->host->world->now;
  a->paid = 0;
  return true;
}

static bool step_await_octets(struct actor *a, const struct actor_step *s)
{
  return a->received >= s->number;
}

static bool step_await_eof(struct actor *a, const struct actor_step *s)
{
  (void)s;
  return a->eof;
}

static bool info_of(struct actor *a, la_sock_info *info)
{
  return a->has_sock && la_sock_get(stack_of(a), a->sock, info) == 0;
}

static bool step_await_closed(struct actor *a, const struct actor_step *s)
{
  la_sock_info info;

  (void)s;
  return !info_of(a, &info) || info.state == 0 || info.state == LA_STATE_COUNT - 1;
}

static bool step_await_acked(struct actor *a, const struct actor_step *s)
{
  la_sock_info info;

  (void)s;
  if (!info_of(a, &info) || info.send_queue == 0)
    return true;
  a->wake = a->host->world->now + 50 * LA_MS;
  return false;
}

static bool step_close(struct actor *a, const struct actor_step *s)
{
  (void)s;
  ACTOR_SAY(a, "%s: shutdown(SHUT_WR)", a->name);
  a->closed_sent = true;
  return finish(a, la_tcp_close(stack_of(a), a->sock));
}

static bool step_forget(struct actor *a, const struct actor_step *s)
{
  (void)s;
  ACTOR_SAY(a, "%s: close()", a->name);
  a->closed_sent = a->forgotten = true;
  a->has_sock = false;
  return finish(a, la_tcp_forget(stack_of(a), a->sock));
}

static bool step_forget_listener(struct actor *a, const struct actor_step *s)
{
  (void)s;
  ACTOR_SAY(a, "%s: close() of the listening socket", a->name);
  a->has_listener = false;
  return finish(a, la_tcp_forget(stack_of(a), a->listener));
}

static bool step_abort(struct actor *a, const struct actor_step *s)
{
  (void)s;
  ACTOR_SAY(a, "%s: abort()", a->name);
  a->aborted = true;
  a->has_sock = false;
  return finish(a, la_tcp_abort(stack_of(a), a->sock));
}

static bool step_crash(struct actor *a, const struct actor_step *s)
{
  world_host_crash(a->host, s->time);
  return true;
}

/* A successor, so that each connection keeps the actor that knows what it carried. */
static bool step_again(struct actor *a, const struct actor_step *s)
{
  struct actor *next;

  a->done = true;
  if (a->lives == 1)
    return true;
  next = actor_add(a->host, a->name, a->script, 0);
  next->lives = a->lives ? a->lives - 1 : 0;
  next->at = (unsigned)s->number;
  next->quiet = a->quiet;
  return true;
}

typedef bool actor_stepper(struct actor *a, const struct actor_step *s);

bool actor_step_do(struct actor *a, const struct actor_step *s)
{
  static actor_stepper *const steppers[] = {
    [ACTOR_SLEEP] = step_sleep,
    [ACTOR_OPEN] = step_open,
    [ACTOR_BIND] = step_bind,
    [ACTOR_LISTEN] = step_listen,
    [ACTOR_ACCEPT] = step_accept,
    [ACTOR_SERVE] = step_serve,
    [ACTOR_CONNECT] = step_connect,
    [ACTOR_CONNECT_ONLY] = step_connect,
    [ACTOR_AWAIT_CONNECTED] = step_await_connected,
    [ACTOR_SET] = step_set,
    [ACTOR_SEND] = step_send,
    [ACTOR_SEND_URGENT] = step_send,
    [ACTOR_READ_OFF] = step_reading,
    [ACTOR_READ_ON] = step_reading,
    [ACTOR_READ_RATE] = step_read_rate,
    [ACTOR_AWAIT_OCTETS] = step_await_octets,
    [ACTOR_AWAIT_EOF] = step_await_eof,
    [ACTOR_AWAIT_CLOSED] = step_await_closed,
    [ACTOR_AWAIT_ACKED] = step_await_acked,
    [ACTOR_CLOSE] = step_close,
    [ACTOR_FORGET] = step_forget,
    [ACTOR_FORGET_LISTENER] = step_forget_listener,
    [ACTOR_ABORT] = step_abort,
    [ACTOR_CRASH] = step_crash,
    [ACTOR_AGAIN] = step_again,
  };

  return steppers[s->what](a, s);
}
