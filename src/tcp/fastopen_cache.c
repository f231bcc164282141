/* fastopen_cache.c - TCP Fast Open, RFC 7413, the client's side: what each server once gave us, and
 * how it took what we made of it (4.1.3).
 *
 * The cache is a table of sets of four peers; the one that was not used for the longest time makes
 * way. It remembers refusals as well (4.1.3.1): text in a SYN that was not taken, a SYN that was
 * answered only when it had come without option and text, or not at all. Such a peer is left alone
 * for `fastopen_refused`, and twice as long each time again. */
#include "tcp/room.h"

enum { WAYS = 4, DOUBLINGS = 6 };

size_t tcp_fastopen_octets(const struct tcp_settings *set)
{
  return (size_t)((set->fastopen_cookies + WAYS - 1) / WAYS) * WAYS * sizeof(struct fastopen_peer);
}

static struct fastopen_peer *set_of(const struct tcp *t, const struct ip_addr *peer)
{
  const uint32_t sets = (t->set.fastopen_cookies + WAYS - 1) / WAYS;

  return t->fastopen_peers +
         (size_t)((uint32_t)hash_octets(t->key, peer, sizeof *peer) % sets) * WAYS;
}

static struct fastopen_peer *find(const struct tcp *t, const struct ip_addr *peer)
{
  struct fastopen_peer *const set = t->set.fastopen_cookies > 0 ? set_of(t, peer) : NULL;

  for (unsigned i = 0; set && i < WAYS; i++)
    if (set[i].used && ip_addr_eq(&set[i].peer, peer))
      return &set[i];
  return NULL;
}

/* Its entry, or a new one in the place of the set's stalest. NULL: there is no cache. */
static struct fastopen_peer *entry_for(struct tcp *t, const struct ip_addr *peer)
{
  struct fastopen_peer *entry = find(t, peer), *set;

  if (entry || t->set.fastopen_cookies == 0)
    return entry;
  set = entry = set_of(t, peer);
  for (unsigned i = 1; i < WAYS && entry->used; i++)
    if (!set[i].used || set[i].at < entry->at)
      entry = &set[i];
  *entry = (struct fastopen_peer){ .peer = *peer, .used = true, .refused_until = INT64_MIN };
  return entry;
}

void tcp_fastopen_forget(struct tcp *t)
{
  if (t->set.fastopen_cookies > 0)
    memset(t->fastopen_peers, 0, tcp_fastopen_octets(&t->set));
}

bool tcp_fastopen_learn(struct tcp *t, const struct fastopen_peer *known)
{
  struct fastopen_peer *const entry = entry_for(t, &known->peer);

  if (!entry)
    return false;
  *entry = *known;
  entry->at = t->now;
  entry->used = true;
  if (entry->refusals > DOUBLINGS)
    entry->refusals = DOUBLINGS;
  return true;
}

const struct fastopen_peer *tcp_fastopen_peer(const struct tcp *t, uint32_t n)
{
  const uint32_t places = (t->set.fastopen_cookies + WAYS - 1) / WAYS * WAYS;

  for (uint32_t i = 0; i < places; i++)       /* the n-th that is used */
    if (t->fastopen_peers[i].used && n-- == 0)
      return &t->fastopen_peers[i];
  return NULL;
}

/* ---- before the SYN ---- */

/* 4.1.3: within the MSS that the server told us once (536 or 1220 if it told none) and the path,
 * less the most that options may take: a middlebox that adds one finds room. */
static uint32_t room_for_text(const struct tcb *tcb, const struct tcp_path *path,
                              const struct fastopen_peer *peer)
{
  const uint16_t standard = path->ip_header == 40 ? 1220 : 536;
  uint16_t mss = tcp_mss_offer(tcb->habits, path);

  if (peer && (peer->mss != 0 ? peer->mss : standard) < mss)
    mss = peer->mss != 0 ? peer->mss : standard;
  return mss > TCP_OPTIONS_MAX ? mss - TCP_OPTIONS_MAX : 0;
}

static bool refuses(const struct tcp *t, const struct fastopen_peer *peer)
{
  return peer && t->now < peer->refused_until;
}

uint32_t tcp_fastopen_room(const struct tcp *t, const struct tcb *tcb, const struct ip_addr *to,
                           const struct tcp_path *path)
{
  const struct fastopen_peer *const peer = find(t, to);
  const bool cookie = peer && peer->cookie.length > 0;

  if (refuses(t, peer) || (!cookie && !tcb->habits->fastopen_no_cookie))
    return 0;
  return room_for_text(tcb, path, peer);
}

/* 4.2.1 and 4.2.2: with a cookie the SYN may carry text, without one it asks for it. */
void tcp_fastopen_open(struct tcp *t, struct tcb *tcb)
{
  struct fastopen_peer *const peer = find(t, &tcb->ends.peer);

  if (!tcb->habits->fastopen_connect)
    return;
  if (refuses(t, peer)) {
    t->count[TCP_N_fastopen_avoided]++;
    return;
  }
  if (tcb->habits->fastopen_no_cookie) {
    tcb->flags |= TCB_FASTOPEN;
    return;
  }
  tcb->flags |= TCB_FASTOPEN_COOKIE;
  if (peer && peer->cookie.length > 0) {
    peer->at = t->now;
    tcb->flags |= TCB_FASTOPEN;
  }
  if (peer && (peer->cookie.length > 0 ? peer->cookie.experimental : peer->try_experimental))
    tcb->flags |= TCB_FASTOPEN_OLD;
}

/* How much text the first SYN carries. */
uint32_t tcp_fastopen_text(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t room = tcp_fastopen_room(t, tcb, &tcb->ends.peer, &tcb->path);

  if (!(tcb->flags & TCB_FASTOPEN) || (tcb->flags & TCB_PASSIVE))
    return 0;
  return tcb->tx.octets < room ? tcb->tx.octets : room;
}

/* What stands in our SYN: the peer's cookie, or the request for one. */
struct tcp_cookie tcp_fastopen_known(const struct tcp *t, const struct tcb *tcb)
{
  const struct fastopen_peer *const peer = find(t, &tcb->ends.peer);

  return peer ? peer->cookie : (struct tcp_cookie){ .length = 0 };
}

/* ---- after it ---- */

/* 4.1.3.1. */
static void refuse(struct tcp *t, struct fastopen_peer *peer)
{
  if (t->set.fastopen_refused == 0)
    return;
  peer->refused_until = t->now + (t->set.fastopen_refused << peer->refusals);
  if (peer->refusals < DOUBLINGS)
    peer->refusals++;
}

/* A server that does not know the option may know its experimental kind, and the reverse. */
static void take_cookie(struct fastopen_peer *peer, const struct tcb *tcb,
                        const struct tcp_options *o)
{
  if (o->present & TCP_OPT_FASTOPEN && o->cookie.length > 0) {
    peer->cookie = o->cookie;
    peer->refusals = 0;
    peer->refused_until = INT64_MIN;
  } else if (!(tcb->flags & TCB_FASTOPEN) && tcb->timeouts == 0) {
    peer->try_experimental = !(tcb->flags & TCB_FASTOPEN_OLD);
  }
}

/* A SYN,ACK has come, and what it acknowledges is done. */
void tcp_fastopen_answered(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const struct tcp_options *const o = seg->options;
  const bool text = (tcb->flags & TCB_SYN_TEXT) != 0;
  const bool taken = seq_lt(seq_add(tcb->snd.iss, 1), tcb->snd.una);
  const bool cookie = (o->present & TCP_OPT_FASTOPEN) && o->cookie.length > 0;
  const bool asked = (tcb->flags & TCB_FASTOPEN_COOKIE) && !(tcb->flags & TCB_FASTOPEN);
  struct fastopen_peer *peer;

  if (!(tcb->flags & (TCB_FASTOPEN | TCB_FASTOPEN_COOKIE)))
    return;
  if (text && !taken) {
    tcb->flags &= ~(uint32_t)TCB_SYN_TEXT;
    t->count[TCP_N_fastopen_not_taken]++;
  }
  if (taken)
    t->count[TCP_N_fastopen_active]++;
  peer = entry_for(t, &tcb->ends.peer);
  if (!peer)
    return;
  peer->at = t->now;
  peer->mss = tcb->peer_mss;
  if (!(tcb->flags & TCB_FASTOPEN_COOKIE))
    return;                                   /* a cookie that nobody asked for is none */
  take_cookie(peer, tcb, o);
  if (!cookie && ((text && !taken) || (asked && tcb->timeouts == 0)))
    refuse(t, peer);
}

/* No SYN,ACK at all: a path that does not let such a SYN through looks the same. */
void tcp_fastopen_failed(struct tcp *t, struct tcb *tcb)
{
  struct fastopen_peer *peer;

  if ((tcb->flags & TCB_PASSIVE) || !(tcb->flags & (TCB_FASTOPEN | TCB_FASTOPEN_COOKIE)) ||
      tcb->error == LA_EREFUSED || tcb->error == LA_EABORTED)
    return;
  peer = entry_for(t, &tcb->ends.peer);
  if (!peer)
    return;
  peer->at = t->now;
  refuse(t, peer);
}
