/* memory.c - who may have how much of the slabs when they run short.  Text that nobody reads
 * would fill them all, and then nothing arrives any more, not even the ACKs that would set some
 * free.
 *
 * A part is reserved: an eighth for what arrives, and for every connection that holds less as
 * much as its first two segments take (of so many as half the slabs suffice for). Into the
 * reserve goes only text of those. Once half of all is in use, what is left is shared as the
 * buffer of a switch is (Choudhury and Hahne, 1998): each connection may have as much as is
 * free at the moment. So one alone has nearly all, and many that do not read find less and
 * less; their windows are not opened any further, and never taken back. Text that was offered
 * room and finds none is dropped and comes again. */
#include "tcp/room.h"

enum { LEAST_SEGMENTS = 2, LEAST_OCTETS = 2 * 1460, RECLAIMS = 64 };

/* ---- who has had the least ---- */

/* After whatever may have changed it. */
void tcp_memory_note(struct tcp *t, struct tcb *tcb)
{
  const bool holds = tcb->rx.octets > tcb->our_mss, held = (tcb->marks & MARK_HOLDS) != 0;

  if (holds == held)
    return;
  tcb->marks ^= MARK_HOLDS;
  t->holders += holds ? 1u : UINT32_MAX;
  if (t->holders > t->holders_peak)
    t->holders_peak = t->holders;
}

/* ---- the reserve ---- */

/* A slab that is kept as it came is at least half full (stream_append). */
static uint32_t slabs_of_least(const struct tcp *t)
{
  return (2 * LEAST_OCTETS + t->store.slabs->size - 1) / t->store.slabs->size;
}

/* What of `left` is beyond the reserve, if each that holds none needs so many of `all`. */
static uint32_t beyond(const struct tcp *t, uint32_t left, uint32_t all, uint32_t each)
{
  const uint64_t least = (uint64_t)(t->tcbs.used - t->holders) * each;
  const uint32_t kept = all / 8 + (least < all / 2 ? (uint32_t)least : all / 2);

  return left > kept ? left - kept : 0;
}

/* Slabs, each with a chunk to name it. */
static uint32_t spare(const struct tcp *t)
{
  const struct slabs *const s = t->store.slabs;
  const struct pool *const c = t->store.chunks;
  const uint32_t slabs = beyond(t, s->count - s->used, s->count, slabs_of_least(t));
  const uint32_t chunks = beyond(t, c->size - c->used, c->size, 1);

  return slabs < chunks ? slabs : chunks;
}

bool tcp_memory_short(const struct tcp *t)
{
  return spare(t) == 0;
}

/* Pressure begins when nothing is to spare, and ends when an eighth of all is. */
bool tcp_memory_presses(const struct tcp *t, bool so_far)
{
  return so_far ? spare(t) < t->store.slabs->count / 8 : tcp_memory_short(t);
}

uint32_t tcp_memory_share(const struct tcp *t)
{
  const uint64_t octets = (uint64_t)spare(t) * t->store.slabs->size;

  return octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX;
}

/* What a connection may hold in any case. */
static uint32_t least_of(const struct tcb *tcb)
{
  return LEAST_SEGMENTS * (tcb->our_mss > 0 ? tcb->our_mss : 1u);
}

/* While half of the slabs are free, nobody is in anybody's way. */
static bool is_plenty(const struct tcp *t)
{
  return t->store.slabs->used <= t->store.slabs->count / 2 &&
         t->store.chunks->used <= t->store.chunks->size / 2;
}

uint32_t tcp_memory_buffer(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t share = is_plenty(t) ? UINT32_MAX : tcp_memory_share(t), least = least_of(tcb);
  const uint32_t most = share > least ? share : least;

  return most < tcb->receive_buffer ? most : tcb->receive_buffer;
}

/* ---- who gives way ---- */

/* RFC 2018 8: text before its turn may be thrown away. First the connection's own, which it will
 * need last; then that of others, of whom the next in the pool gives its last. */
bool tcp_memory_reclaim(struct tcp *t, struct tcb *tcb)
{
  if (tcp_island_sacrifice(t, tcb))
    return true;
  for (unsigned i = 0; i < RECLAIMS && t->islands.used > 0; i++) {
    const struct island *const island =
        pool_at(&t->islands, t->reclaim_next++ % t->islands.fresh);

    if (island->owner != POOL_NONE)
      return tcp_island_sacrifice(t, pool_at(&t->tcbs, island->owner));
  }
  return false;
}

uint32_t tcp_memory_takes(struct tcp *t, struct tcb *tcb, uint32_t octets)
{
  const bool holds = tcb->rx.octets > tcb->our_mss;
  const uint32_t left = holds ? 0 : least_of(tcb) - tcb->rx.octets;

  if (octets <= left)
    return octets;
  for (unsigned i = 0; i < RECLAIMS && tcp_memory_short(t); i++)
    if (!tcp_memory_reclaim(t, tcb))
      break;
  return tcp_memory_short(t) ? left : octets;
}
