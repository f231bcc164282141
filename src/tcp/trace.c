/* trace.c - the flight recorder: a ring of small entries per connection. */
#include "tcp/room.h"

#define TRACE_TIME_MASK ((UINT64_C(1) << 40) - 1)

static struct tcp_trace *ring_of(const struct tcp *t, const struct tcb *tcb)
{
  return t->traces + (size_t)pool_index(&t->tcbs, tcb) * t->set.trace_entries;
}

void tcp_trace_add(const struct tcp *t, struct tcb *tcb, enum la_trace_kind kind, uint8_t a,
                   uint8_t b, uint8_t c, uint32_t x, uint32_t y)
{
  struct tcp_trace *entry;

  if (t->set.trace_entries == 0)
    return;
  entry = ring_of(t, tcb) + (tcb->traces++ & (t->set.trace_entries - 1));
  entry->at_us = (uint64_t)(t->now / 1000) & TRACE_TIME_MASK;
  entry->kind = (unsigned)kind & 15;
  entry->a = a;
  entry->b = b;
  entry->c = (unsigned)c & 15;
  entry->x = x;
  entry->y = y;
}

/* The latest time that is not in the future and has these 40 bits. */
static la_time time_of(const struct tcp *t, uint64_t at_us)
{
  const uint64_t now_us = (uint64_t)(t->now / 1000);

  return (la_time)(now_us - ((now_us - at_us) & TRACE_TIME_MASK)) * 1000;
}

size_t tcp_trace_read(const struct tcp *t, const struct tcb *tcb, struct la_trace *entries,
                      size_t max)
{
  const uint32_t size = t->set.trace_entries;
  const uint32_t kept = tcb->traces < size ? tcb->traces : size;
  const uint32_t n = kept < max ? kept : (uint32_t)max;

  for (uint32_t i = 0; i < n; i++) {
    const struct tcp_trace *e = ring_of(t, tcb) + ((tcb->traces - n + i) & (size - 1));

    entries[i] = (struct la_trace){ .at = time_of(t, e->at_us),
                                    .kind = e->kind,
                                    .a = e->a,
                                    .b = e->b,
                                    .c = e->c,
                                    .x = e->x,
                                    .y = e->y };
  }
  return n;
}
