/* pair.c - the table of pairs: connections and TIME-WAIT records, by both of their ends. */
#include "base/need.h"
#include "stack/stack.h"

uint32_t pair_hash(const la_stack *s, const struct ends *ends)
{
  uint64_t words[5];
  size_t n = 0;
  uint64_t hash;

  if (ip_addr_is4(&ends->peer)) {
    uint32_t four[2];

    memcpy(&four[0], ends->local.octets + 12, 4);
    memcpy(&four[1], ends->peer.octets + 12, 4);
    words[n++] = (uint64_t)four[0] << 32 | four[1];
  } else {
    memcpy(words, ends->local.octets, 16);
    memcpy(words + 2, ends->peer.octets, 16);
    n = 4;
  }
  words[n++] = (uint32_t)ends->local_port << 16 | ends->peer_port;
  hash = hash_words(s->pair_key, words, n);
  return (uint32_t)(hash ^ hash >> 32);
}

struct tcb *pair_tcb(const la_stack *s, uint32_t what)
{
  return what == 0 || what & DEMUX_TIME_WAIT ? NULL : pool_at(&s->tcp.tcbs, what - 1);
}

struct time_wait *pair_time_wait(const la_stack *s, uint32_t what)
{
  return what & DEMUX_TIME_WAIT ? pool_at(&s->tcp.time_waits, (what ^ DEMUX_TIME_WAIT) - 1) : NULL;
}

uint32_t pair_what(const la_stack *s, const struct tcb *tcb)
{
  return pool_index(&s->tcp.tcbs, tcb) + 1;
}

static uint32_t what_of_time_wait(const la_stack *s, const struct time_wait *tw)
{
  return (pool_index(&s->tcp.time_waits, tw) + 1) | DEMUX_TIME_WAIT;
}

/* A connection that a timer has closed may still be in the table: it is taken out here, by whoever
 * finds it first. */
uint32_t pair_find(la_stack *s, const struct ends *ends, uint32_t hash)
{
  uint32_t at = hash, what;

  while ((what = demux_next(&s->pairs, hash, &at)) != 0) {
    struct tcb *const tcb = pair_tcb(s, what);

    if (!tcb) {
      if (ends_eq(&pair_time_wait(s, what)->ends, ends))
        return what;
      continue;
    }
    if (!ends_eq(&tcb->ends, ends))
      continue;
    if (tcb->state != TCP_CLOSED)
      return what;
    name_give(s, tcb);
    return 0;
  }
  return 0;
}

void pair_insert_tcb(la_stack *s, struct tcb *tcb)
{
  if (!(tcb->flags & TCB_BOUND))
    name_port_used(s, tcb->ends.local_port);
  tcb->flags |= TCB_BOUND | TCB_IN_DEMUX;
  demux_insert(&s->pairs, tcb->hash, pair_what(s, tcb));
}

void pair_insert_time_wait(la_stack *s, struct time_wait *tw)
{
  name_port_used(s, tw->ends.local_port);
  demux_insert(&s->pairs, tw->hash, what_of_time_wait(s, tw));
}

void pair_erase_time_wait(la_stack *s, const struct time_wait *tw)
{
  name_port_unused(s, tw->ends.local_port);
  demux_erase(&s->pairs, tw->hash, what_of_time_wait(s, tw));
}

