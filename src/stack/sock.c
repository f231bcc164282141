/* sock.c - handles: a kind, an index and a generation, looked up and checked. */
#include "stack/stack.h"

la_sock sock_of_tcb(const la_stack *s, const struct tcb *tcb)
{
  return sock_of(SOCK_TCP, tcb->generation, pool_index(&s->tcp.tcbs, tcb));
}

la_sock sock_of_udp(const la_stack *s, const struct udp_sock *sock)
{
  return sock_of(SOCK_UDP, sock->generation, pool_index(&s->udp.socks, sock));
}

/* A generation is odd while its object is in use. */
static bool current(uint32_t generation, la_sock sock)
{
  return (generation & 1) && ((sock.bits >> 32 ^ generation) & UINT32_C(0x0fffffff)) == 0;
}

struct tcb *sock_tcb(const la_stack *s, la_sock sock)
{
  const uint32_t index = sock_index(sock);

  if (sock_kind(sock) != SOCK_TCP || index >= s->tcp.tcbs.fresh)
    return NULL;
  struct tcb *const tcb = pool_at(&s->tcp.tcbs, index);

  return current(tcb->generation, sock) ? tcb : NULL;
}

struct time_wait *sock_time_wait(const la_stack *s, la_sock sock)
{
  const uint32_t index = sock_index(sock);

  if (sock_kind(sock) != SOCK_TIME_WAIT || index >= s->tcp.time_waits.fresh)
    return NULL;
  struct time_wait *const tw = pool_at(&s->tcp.time_waits, index);

  if (!(tw->flags & TIME_WAIT_IN_USE))
    return NULL;
  return ((sock.bits >> 32 ^ tw->generation) & UINT32_C(0x0fffffff)) == 0 ? tw : NULL;
}

struct udp_sock *sock_udp(const la_stack *s, la_sock sock)
{
  const uint32_t index = sock_index(sock);

  if (sock_kind(sock) != SOCK_UDP || index >= s->udp.socks.fresh)
    return NULL;
  struct udp_sock *const udp = pool_at(&s->udp.socks, index);

  return current(udp->generation, sock) ? udp : NULL;
}
