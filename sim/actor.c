/* actor.c - the life of an actor: who wakes it, how it reads, and how it ends. */
#include "actor.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096, STEPS_LIMIT = 100000 };

/* Each position has an octet of its own, so that text that moved, or came twice, is seen. */
uint8_t actor_octet(uint64_t key, uint64_t position)
{
  uint64_t x = key + position * UINT64_C(0x9e3779b97f4a7c15);

  x ^= x >> 29;
  x *= UINT64_C(0xbf58476d1ce4e5b9);
  return (uint8_t)(x >> 56);
}

struct actor *actor_alloc(struct world_host *h, const char *name)
{
  struct actor *a = calloc(1, sizeof *a);

  if (!a)
    abort();
  a->host = h;
  a->name = name;
  a->wake = LA_NEVER;
  a->slept_until = LA_NEVER;
  return a;
}

void actor_enlist(struct actor *a)
{
  struct world *w = a->host->world;

  for (struct actor *b = w->actors; b; b = b->next)
    a->number++;
  dice_seed(&a->rng, dice_next(&w->rng));
  a->key = dice_next(&a->rng);
  *w->actors_end = a;
  w->actors_end = &a->next;
}

struct actor *actor_add(struct world_host *h, const char *name, const struct actor_step *script,
                        la_time start)
{
  struct actor *a = actor_alloc(h, name);

  actor_enlist(a);
  a->script = script;
  a->wake = WORLD_BEGIN + start;
  if (a->wake < h->world->now)
    a->wake = h->world->now;
  return a;
}

void actor_turned(struct actor *a)
{
  if (a->host->stack)
    world_turned(a->host, WORLD_CALL, NULL);
}

/* The connection has ended, or a call was refused: the rest of the script is void. */
void actor_fail(struct actor *a, int result)
{
  if (a->failed)
    return;
  a->error = result < 0 ? -result : result;
  a->failed = a->done = true;
  ACTOR_SAY(a, "%s is told: %s", a->name, la_strerror(-a->error));
  if (a->has_sock) {
    a->has_sock = false;
    a->forgotten = true;
    a->last_result = la_tcp_forget(a->host->stack, a->sock);
    actor_turned(a);
  }
}

/* ---- the two ends find each other ------------------------------------------------- */

/* The same two ends may meet again and again: an incarnation is known by its initial sequence
 * numbers. */
void actor_find_peer(struct actor *a)
{
  la_sock_info info;

  if (la_sock_get(a->host->stack, a->sock, &info) != 0)
    return;
  a->local = info.local;
  a->remote = info.peer;
  a->iss = info.iss;
  a->irs = info.irs;
  for (struct actor *b = a->host->world->actors; b && a->connected; b = b->next)
    if (b->host != a->host && world_same_end(b->local, a->remote)
        && world_same_end(b->remote, a->local) && b->iss == a->irs) {
      if (b->peer && b->peer != a)    /* a SYN cookie was spent twice (RFC 4987 3.6) */
        a->ambiguous = b->ambiguous = b->peer->ambiguous = true;
      a->peer = b;
      b->peer = a;
    }
}

/* ---- reading ---------------------------------------------------------------------- */

static void check_octets(struct actor *a, const uint8_t *octets, uint32_t n)
{
  const struct actor *p = a->peer;

  for (uint32_t i = 0; i < n; i++)
    if (!p || a->received + i >= p->sent || octets[i] != actor_octet(p->key, a->received + i))
      a->wrong_octets++;
  a->received += n;
}

/* How many octets the reading rate allows now; if none, when it will allow some. */
static uint32_t allowance(struct actor *a)
{
  la_time now = a->host->world->now;
  uint64_t due;

  if (a->rate == 0)
    return CHUNK;
  due = (uint64_t)(now - a->rate_since) / 1000 * a->rate / 1000000;
  if (due > a->paid)
    return due - a->paid < CHUNK ? (uint32_t)(due - a->paid) : CHUNK;
  a->wake = now + LA_SEC * 512 / (la_time)a->rate + LA_MS;
  return 0;
}

void actor_read(struct actor *a)
{
  uint8_t octets[CHUNK];
  uint32_t n;
  int got = 0;

  if (!a->has_sock || a->no_reading || a->eof || !a->connected || !a->host->stack)
    return;
  while ((n = allowance(a)) > 0 && (got = la_tcp_recv(a->host->stack, a->sock, octets, n)) > 0) {
    check_octets(a, octets, (uint32_t)got);
    a->paid += (uint64_t)got;
  }
  if (n == 0)
    return;
  if (got == -LA_EEOF) {
    a->eof = true;
    ACTOR_SAY(a, "%s reads the end of the stream, after %llu octets", a->name,
              (unsigned long long)a->received);
  } else if (got < 0 && got != -LA_EAGAIN && got != -LA_ESTATE) {
    actor_fail(a, got);
  }
  actor_turned(a);
}

/* ---- taking turns ------------------------------------------------------------------- */

void actor_run(struct actor *a)
{
  if (a->stepping || a->crashed || !a->host->stack)
    return;
  a->stepping = true;
  if (a->wake <= a->host->world->now)
    a->wake = LA_NEVER;
  actor_read(a);
  for (unsigned i = 0; i < STEPS_LIMIT && !a->done && !a->crashed; i++) {
    const struct actor_step *s = &a->script[a->at];

    if (s->what == ACTOR_END) {
      a->done = true;
    } else if (!actor_step_do(a, s)) {
      break;
    } else {
      a->at++;
      actor_read(a);
    }
  }
  a->stepping = false;
}

void actor_event(struct world_host *h, const la_event *event)
{
  struct actor *a = event->user;

  if (!a || a->host != h || a->crashed)
    return;
  if (event->kind == LA_EV_CONNECTED) {
    a->connected = true;
    actor_find_peer(a);
    ACTOR_SAY(a, a->passive ? "%s: the handshake is complete" : "%s: connect() succeeds", a->name);
  }
  if (event->kind == LA_EV_CLOSED && event->error && a->has_sock
      && event->sock.bits == a->sock.bits) {
    actor_read(a);
    actor_fail(a, event->error);
  }
  actor_run(a);
}

struct actor *actor_due(struct world *w)
{
  for (struct actor *a = w->actors; a; a = a->next)
    if (a->wake <= w->now && a->host->stack)
      return a;
  return NULL;
}

la_time actor_next_due(const struct world *w)
{
  la_time due = LA_NEVER;

  for (const struct actor *a = w->actors; a; a = a->next)
    if (a->host->stack && a->wake < due)
      due = a->wake;
  return due;
}

/* What ran on the host is gone with it, but for actors that had not begun. */
void actor_host_crashed(struct world_host *h)
{
  for (struct actor *a = h->world->actors; a; a = a->next)
    if (a->host == h && !a->crashed && (a->at > 0 || a->has_sock || a->has_listener)) {
      a->crashed = a->done = true;
      a->has_sock = a->has_listener = false;
      a->wake = LA_NEVER;
    }
}

/* Servers start again with their host: a copy of each listener's actor, from its first step. */
void actor_host_booted(struct world_host *h)
{
  struct actor *last = NULL;

  for (struct actor *a = h->world->actors; a; a = a->next)
    last = a;
  for (struct actor *a = h->world->actors; a; a = a->next) {
    if (a->host == h && a->crashed && a->restarts) {
      struct actor *b = actor_add(h, a->name, a->script, 0);

      b->restarts = true;
      b->choose = a->choose;
      b->quiet = a->quiet;
      a->restarts = false;
    }
    if (a == last)
      break;
  }
}

void actor_let_go(struct actor *a)
{
  if (!a->host->stack)
    return;
  a->done = true;
  a->wake = LA_NEVER;
  if (a->has_sock)
    a->last_result = la_tcp_forget(a->host->stack, a->sock);
  if (a->has_listener)
    a->last_result = la_tcp_forget(a->host->stack, a->listener);
  a->has_sock = a->has_listener = false;
  a->forgotten = true;
}

void actor_free_all(struct world *w)
{
  while (w->actors) {
    struct actor *a = w->actors;

    w->actors = a->next;
    free(a->own_script);
    free(a);
  }
  w->actors_end = &w->actors;
}
