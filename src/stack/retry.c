/* retry.c - LA_EV_RETRY: what a call was refused for want of memory may be tried again.  One is
 * told at a time, so that he has had what he wants before the next is asked to come. */
#include "stack/stack.h"

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t spare(const la_stack *s, enum stack_want want)
{
  const struct slabs *const m = &s->slabs;

  switch (want) {
  case WANT_SLAB:         return m->count - m->used;
  case WANT_FOREIGN_SLAB: return m->foreign_count - m->foreign_used;
  case WANT_TCP_SOCK:     return s->tcp.tcbs.size - s->tcp.tcbs.used;
  case WANT_UDP_SOCK:     return s->udp.socks.size - s->udp.socks.used;
  case STACK_WANT_COUNT:  break;
  }
  return 0;
}

/* A datagram takes a place in the ring, and slabs and chunks by its size. */
static uint32_t spare_datagrams(const la_stack *s)
{
  const uint32_t memory = least(spare(s, WANT_SLAB), s->chunks.size - s->chunks.used);

  return least(s->ip.set.replies - s->ip.datagram_count, memory);
}

static int16_t error_of(enum stack_want want)
{
  return want == WANT_TCP_SOCK || want == WANT_UDP_SOCK ? LA_ENOSOCK : LA_ENOBUF;
}

void retry_init(la_stack *s)
{
  for (unsigned i = 0; i < STACK_WANT_COUNT; i++)
    waiters_init(&s->refused[i], &s->refused_bits[i], 1);
}

int retry_refuse(la_stack *s, enum stack_want want)
{
  waiters_add(&s->refused[want], 0, spare(s, want));
  return -error_of(want);
}

int retry_refuse_udp(la_stack *s, const struct udp_sock *sock)
{
  waiters_add(&s->udp.refused, pool_index(&s->udp.socks, sock), spare_datagrams(s));
  return -LA_ENOBUF;
}

static bool is_wanted(const la_stack *s)
{
  uint32_t waiting = s->udp.refused.count;

  for (unsigned i = 0; i < STACK_WANT_COUNT; i++)
    waiting |= s->refused[i].count;
  return waiting > 0 || tcp_retry_wanted(&s->tcp);
}

bool retry_due(const la_stack *s)
{
  if (!is_wanted(s))
    return false;
  for (unsigned i = 0; i < STACK_WANT_COUNT; i++)
    if (waiters_due(&s->refused[i], spare(s, (enum stack_want)i)))
      return true;
  return tcp_retry_due(&s->tcp) || waiters_due(&s->udp.refused, spare_datagrams(s));
}

static la_event event_of(la_sock sock, void *user, int16_t error)
{
  return (la_event){ sock, user, LA_EV_RETRY, error };
}

/* The application as a whole: what it wanted belongs to no socket. */
static bool take_own(la_stack *s, la_event *event)
{
  for (unsigned i = 0; i < STACK_WANT_COUNT; i++) {
    const enum stack_want want = (enum stack_want)i;

    if (waiters_take(&s->refused[i], spare(s, want)) != WAITERS_NONE) {
      *event = event_of((la_sock){ 0 }, NULL, error_of(want));
      return true;
    }
  }
  return false;
}

bool retry_take(la_stack *s, la_event *event)
{
  const struct tcb *tcb;
  const struct udp_sock *udp;
  uint32_t who;

  if (!is_wanted(s))
    return false;
  tcb = tcp_retry_take(&s->tcp);
  if (tcb) {
    *event = event_of(sock_of_tcb(s, tcb), tcb->user, LA_ENOBUF);
    return true;
  }
  who = waiters_take(&s->udp.refused, spare_datagrams(s));
  if (who == WAITERS_NONE)
    return take_own(s, event);
  udp = pool_at(&s->udp.socks, who);
  *event = event_of(sock_of_udp(s, udp), udp->user, LA_ENOBUF);
  return true;
}
