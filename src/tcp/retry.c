/* retry.c - who was refused something for want of memory, and when to tell him to try again.  A
 * connection costs a bit for each thing that it may want. */
#include "tcp/room.h"

static uint32_t spare(const struct tcp *t, enum tcp_want want)
{
  switch (want) {
  case TCP_WANT_SLABS:  return tcp_spare_slabs(t);
  case TCP_WANT_CHUNKS: return tcp_spare_chunks(t);
  case TCP_WANT_MODELS: return t->models.size - t->models.used;
  case TCP_WANT_COUNT:  break;
  }
  return 0;
}

size_t tcp_retry_octets(const struct tcp_settings *set)
{
  return TCP_WANT_COUNT * waiters_octets(set->connections);
}

void tcp_retry_init(struct tcp *t, uint8_t *memory)
{
  const uint32_t all = t->set.connections;

  for (unsigned i = 0; i < TCP_WANT_COUNT; i++)
    waiters_init(&t->refused[i], memory + i * waiters_octets(all), all);
}

/* A listener's child that no application has yet cannot be told anything. */
int tcp_refuse(struct tcp *t, const struct tcb *tcb, enum tcp_want want)
{
  if (tcb->flags & TCB_HELD)
    waiters_add(&t->refused[want], pool_index(&t->tcbs, tcb), spare(t, want));
  return -LA_ENOBUF;
}

/* It has got it, asked or not. */
void tcp_served(struct tcp *t, const struct tcb *tcb, enum tcp_want want)
{
  if (t->refused[want].count > 0)
    waiters_remove(&t->refused[want], pool_index(&t->tcbs, tcb));
}

void tcp_retry_forget(struct tcp *t, const struct tcb *tcb)
{
  for (unsigned i = 0; i < TCP_WANT_COUNT; i++)
    tcp_served(t, tcb, (enum tcp_want)i);
}

bool tcp_retry_due(const struct tcp *t)
{
  for (unsigned i = 0; i < TCP_WANT_COUNT; i++)
    if (waiters_due(&t->refused[i], t->refused[i].count > 0 ? spare(t, (enum tcp_want)i) : 0))
      return true;
  return false;
}

struct tcb *tcp_retry_take(struct tcp *t)
{
  for (unsigned i = 0; i < TCP_WANT_COUNT; i++) {
    const uint32_t who = t->refused[i].count > 0
                             ? waiters_take(&t->refused[i], spare(t, (enum tcp_want)i))
                             : WAITERS_NONE;

    if (who != WAITERS_NONE)
      return pool_at(&t->tcbs, who);
  }
  return NULL;
}
