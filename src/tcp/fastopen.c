/* fastopen.c - TCP Fast Open, RFC 7413, the server's side: keys, cookies, and which SYN is believed
 * enough for its text to be read, and answered, before the handshake has ended.
 *
 * A cookie is a keyed hash of both addresses: nobody but a host that once received ours at its
 * address can return it. There are two keys, so that one may follow the other without a refusal
 * (4.1.2): a cookie of the older is good, and answered with one of the newer. */
#include "tcp/room.h"

/* ---- keys ---- */

/* The stack's own keys are the first; a listener may have others (a table, for few do). */
static const struct fastopen_keys *keys_of(const struct tcp *t, const struct tcb *listener)
{
  const uint32_t owner = listener ? pool_index(&t->tcbs, listener) + 1 : 0;

  for (unsigned i = 1; owner != 0 && i < TCP_FASTOPEN_KEYS; i++)
    if (t->fastopen_keys[i].owner == owner)
      return &t->fastopen_keys[i];
  return &t->fastopen_keys[0];
}

void tcp_fastopen_init(struct tcp *t)
{
  static const char first[] = "fast open 0", second[] = "fast open 1";

  t->fastopen_keys[0].now = (struct hash_key){ hash_octets(t->key, first, sizeof first),
                                               hash_octets(t->key, second, sizeof second) };
}

/* A place for this listener's keys; the stack's own for none. NULL: all are taken. */
static struct fastopen_keys *place_for(struct tcp *t, const struct tcb *listener)
{
  struct fastopen_keys *const have = &t->fastopen_keys[keys_of(t, listener) - t->fastopen_keys];

  if (!listener || have != t->fastopen_keys)
    return have;
  for (unsigned i = 1; i < TCP_FASTOPEN_KEYS; i++)
    if (t->fastopen_keys[i].owner == 0)
      return &t->fastopen_keys[i];
  return NULL;
}

int tcp_fastopen_key(struct tcp *t, const struct tcb *listener, const uint8_t *octets, uint32_t n)
{
  struct fastopen_keys *place;

  if (n != 16 && n != 32)
    return -LA_EINVAL;
  place = place_for(t, listener);
  if (!place)
    return -LA_ENOROOM;
  place->owner = listener ? pool_index(&t->tcbs, listener) + 1 : 0;
  place->now = hash_key_of(octets);
  place->two = n == 32;
  if (place->two)
    place->before = hash_key_of(octets + 16);
  return LA_OK;
}

/* Its keys go with a listener. */
void tcp_fastopen_key_drop(struct tcp *t, const struct tcb *listener)
{
  const uint32_t owner = pool_index(&t->tcbs, listener) + 1;

  for (unsigned i = 1; i < TCP_FASTOPEN_KEYS; i++)
    if (t->fastopen_keys[i].owner == owner)
      t->fastopen_keys[i] = (struct fastopen_keys){ 0 };
}

/* ---- cookies ---- */

/* SipHash-2-4 of the client's address and ours, in the octets of their family: what Linux does, so
 * that the hosts of one service may share a key. */
static struct tcp_cookie cookie_make(struct hash_key key, const struct ends *ends)
{
  const unsigned skip = ip_addr_is4(&ends->peer) ? 12 : 0, length = 16 - skip;
  struct tcp_cookie c = { .length = FASTOPEN_COOKIE };
  uint8_t both[32];
  uint64_t hash;

  memcpy(both, ends->peer.octets + skip, length);
  memcpy(both + length, ends->local.octets + skip, length);
  hash = hash_octets(key, both, 2 * (size_t)length);
  for (unsigned i = 0; i < FASTOPEN_COOKIE; i++)
    c.octets[i] = (uint8_t)(hash >> 8 * i);
  return c;
}

struct tcp_cookie tcp_fastopen_cookie(const struct tcp *t, const struct tcb *listener,
                                      const struct ends *ends)
{
  return cookie_make(keys_of(t, listener)->now, ends);
}

/* All octets are looked at, however early they differ: time tells nothing of a cookie. */
static bool same_cookie(const struct tcp_cookie *a, const struct tcp_cookie *b)
{
  uint8_t difference = a->length ^ b->length;

  for (unsigned i = 0; i < FASTOPEN_COOKIE; i++)
    difference |= a->octets[i] ^ b->octets[i];
  return difference == 0;
}

/* ---- the SYN, 4.2.2 ---- */

static void judge_cookie(struct tcp *t, const struct tcb *listener, const struct ends *ends,
                         const struct tcp_cookie *c, struct fastopen *f)
{
  const struct fastopen_keys *const keys = keys_of(t, listener);
  const struct tcp_cookie now = cookie_make(keys->now, ends);
  const struct tcp_cookie before = cookie_make(keys->two ? keys->before : keys->now, ends);

  f->open = same_cookie(c, &now) || same_cookie(c, &before);
  f->cookie = !same_cookie(c, &now);
  if (!f->open)
    f->why = WHY_FASTOPEN_BAD_COOKIE;
}

struct fastopen tcp_fastopen_judge(struct tcp *t, const struct tcb *listener,
                                   const struct ends *ends, const struct tcp_seg *seg)
{
  const struct tcp_options *const o = seg->options;
  const bool option = (o->present & TCP_OPT_FASTOPEN) && !listener->habits->no_options;
  const bool text = tcp_seg_text(seg) > 0;
  const bool believes = listener->habits->fastopen_no_cookie;
  struct fastopen f = { .why = text ? WHY_SYN_TEXT : WHY_NONE };

  if (listener->habits->fastopen == 0 || (!option && !(text && believes)))
    return f;
  f.option = option;
  f.experimental = option && o->cookie.experimental;
  if (listener->listener.fastopens >= listener->habits->fastopen) {
    f.why = WHY_FASTOPEN_FULL;                /* 4.2.2 and 5.1: as if it were not enabled */
    return f;
  }
  f.open = believes;
  if (believes || o->cookie.length > 0) {
    if (!believes)
      judge_cookie(t, listener, ends, &o->cookie, &f);
  } else {
    f.cookie = true;
  }
  return f;
}

/* The child goes to the accept queue at once, and counts as pending until its handshake ends. */
void tcp_fastopen_child(struct tcp *t, struct tcb *child, const struct fastopen *f)
{
  if (f->cookie) {
    child->flags |= TCB_FASTOPEN_COOKIE;
    t->count[TCP_N_fastopen_cookies_out]++;
  }
  if (f->experimental)
    child->flags |= TCB_FASTOPEN_OLD;
  if (!f->open)
    return;
  child->flags |= TCB_FASTOPEN;
  tcp_parent(child)->listener.fastopens++;
  t->count[TCP_N_fastopen_passive]++;
  tcp_trace_add(t, child, LA_TRACE_OPENED, 3, 0, 0, 0, 0);
  tcp_child_ready(t, child);
}

/* Our SYN has been acknowledged: the child is one like others, and no longer pending. */
void tcp_fastopen_acked(struct tcb *child)
{
  struct tcb *const listener = tcp_parent(child);

  if (!(child->flags & TCB_PASSIVE) || !(child->flags & TCB_FASTOPEN) || !listener)
    return;
  listener->listener.fastopens--;
  if (!(child->flags & TCB_ACCEPTED))
    return;
  child->flags &= ~(uint32_t)TCB_ACCEPTED;
  child->parent = 0;
  list_remove(&child->siblings);
}
