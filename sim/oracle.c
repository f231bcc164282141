/* oracle.c - the checks, made after each thing that happens to a host. They use the public
 * interface alone; the stack looks at its own insides (tcb_check) in builds with checks. */
#include "oracle.h"

#include "actor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void oracle_fail(struct oracle *o, const char *format, ...)
{
  va_list list;
  int n;

  if (o->failures++ > 0)
    return;
  n = snprintf(o->first, sizeof o->first, "at %.6f s: ",
               (double)world_time(o->world) / (double)LA_SEC);
  va_start(list, format);
  vsnprintf(o->first + n, sizeof o->first - (size_t)n, format, list);
  va_end(list);
}

static int32_t distance(uint32_t from, uint32_t to)
{
  return (int32_t)(to - from);
}

static void on_changed(void *user, struct track_conn *c, const struct track_change *k)
{
  la_fsm_row row;

  if (k->event == TRACK_NO_EVENT || !track_row(k->from, k->event, k->to, &row))
    oracle_fail(user, "%s port %u > %u: %s > %s is no row of the table", c->host->name,
                c->local.port, c->peer.port, la_state_name(k->from), la_state_name(k->to));
}

static bool synchronized(uint8_t state)
{
  return la_state_attrs(state) & LA_STATE_SYNCED;
}

/* One end's numbers against the same end's a moment before. */
static void check_forwards(struct oracle *o, const struct track_conn *c,
                           const la_sock_info *before)
{
  const la_sock_info *now = &c->info;

  if (!synchronized(now->state) || !synchronized(before->state) || now->iss != before->iss)
    return;
  if (now->flags & LA_SOCK_TIME_WAIT_RECORD)
    return;
  if (distance(before->snd_una, now->snd_una) < 0)
    oracle_fail(o, "%s port %u: SND.UNA went back by %d", c->host->name, c->local.port,
                distance(now->snd_una, before->snd_una));
  if (distance(before->rcv_nxt, now->rcv_nxt) < 0)
    oracle_fail(o, "%s port %u: RCV.NXT went back by %d", c->host->name, c->local.port,
                distance(now->rcv_nxt, before->rcv_nxt));
  if (distance(now->snd_una, c->snd_max) < 0)
    oracle_fail(o, "%s port %u: SND.UNA is beyond what was ever sent", c->host->name,
                c->local.port);
  if (now->out_of_order + now->receive_queue > now->receive_buffer + now->mss)
    oracle_fail(o, "%s port %u: %u + %u octets received into a buffer of %u", c->host->name,
                c->local.port, now->receive_queue, now->out_of_order, now->receive_buffer);
}

/* The other end of the same incarnation, while both are there to be asked. */
static struct track_conn *other_end(struct oracle *o, const struct track_conn *c)
{
  for (size_t i = o->track.conns; i-- > 0;) {
    struct track_conn *d = o->track.conn[i];

    if (d->host != c->host && !d->gone && world_same_end(d->local, c->peer)
        && world_same_end(d->peer, c->local) && d->info.iss == c->info.irs
        && d->info.irs == c->info.iss)
      return d;
  }
  return NULL;
}

static bool has_sent_fin(const struct track_conn *c)
{
  unsigned attrs = la_state_attrs(c->state);

  return c->info.flags & (LA_SOCK_FIN_SENT | LA_SOCK_FIN_ACKED) || attrs & LA_STATE_FIN_OUT
         || !synchronized(c->state) || c->state == track_state("TIME-WAIT")
         || c->state == track_state("FIN-WAIT-2");
}

/* What c believes of d's side must be something that d has really done. */
static void check_belief(struct oracle *o, const struct track_conn *c, const struct track_conn *d)
{
  bool fin_in = la_state_attrs(d->state) & LA_STATE_FIN_IN || !synchronized(d->state);

  if (distance(c->info.rcv_nxt, d->snd_max) < 0)
    oracle_fail(o, "%s port %u: received %d octets more than were sent", c->host->name,
                c->local.port, distance(d->snd_max, c->info.rcv_nxt));
  if (distance(c->info.snd_una, d->info.rcv_nxt) < 0)
    oracle_fail(o, "%s port %u: believes %d octets acknowledged that never arrived",
                c->host->name, c->local.port, distance(d->info.rcv_nxt, c->info.snd_una));
  if (la_state_attrs(c->state) & LA_STATE_FIN_IN && !has_sent_fin(d))
    oracle_fail(o, "%s port %u: %s, but the peer is in %s and sent no FIN", c->host->name,
                c->local.port, la_state_name(c->state), la_state_name(d->state));
  if (c->state == track_state("FIN-WAIT-2") && !fin_in)
    oracle_fail(o, "%s port %u: FIN-WAIT-2, but the peer, in %s, has no FIN", c->host->name,
                c->local.port, la_state_name(d->state));
}

static void on_seen(void *user, struct track_conn *c, const la_sock_info *before)
{
  struct oracle *o = user;
  struct track_conn *d;

  check_forwards(o, c, before);
  if (!synchronized(c->state) || c->info.flags & LA_SOCK_TIME_WAIT_RECORD)
    return;
  d = other_end(o, c);
  if (d && (c->replay || d->replay))
    return;
  if (d && synchronized(d->state) && !(d->info.flags & LA_SOCK_TIME_WAIT_RECORD)) {
    check_belief(o, c, d);
    check_belief(o, d, c);
  }
}

static void on_turned(void *user, struct world_host *h, enum world_cause cause,
                      const struct link_packet *p)
{
  struct oracle *o = user;

  track_scan(&o->track, h, cause, p);
  if (o->failures)
    o->world->stopped = true;
}

static void on_crashed(void *user, struct world_host *h)
{
  track_crashed(&((struct oracle *)user)->track, h);
}

/* What a stack puts on the wire is well formed, whatever the link makes of it afterwards. */
static void on_enters(void *user, const struct link_packet *p, const struct link_plan *plan)
{
  struct oracle *o = user;
  struct seg g;

  (void)plan;
  seg_read(&g, p->link->medium, p->octets, p->length);
  if (g.fault)
    oracle_fail(o, "%s sent a packet with %s", o->world->host[p->way].name, g.fault);
  else if (g.kind == SEG_OTHER)
    oracle_fail(o, "%s sent a packet of no known kind", o->world->host[p->way].name);
  else if (g.kind == SEG_FRAGMENT)
    oracle_fail(o, "%s sent a fragment, though nobody sends long datagrams",
                o->world->host[p->way].name);
  else if (g.ip_length > o->world->host[p->way].iface.mtu)
    oracle_fail(o, "%s sent %u octets over its MTU", o->world->host[p->way].name, g.ip_length);
}

void oracle_init(struct oracle *o, struct world *w)
{
  memset(o, 0, sizeof *o);
  o->world = w;
  track_init(&o->track, w, false);
  o->track.user = o;
  o->track.changed = on_changed;
  o->track.seen = on_seen;
  world_watch_add(w, (struct world_watch){ .user = o, .enters = on_enters, .turned = on_turned,
                                           .crashed = on_crashed });
}

void oracle_fini(struct oracle *o)
{
  track_fini(&o->track);
}

/* The peer's TIME-WAIT may be shorter than our patience with our own FIN: all that we said was
 * heard, and only the ACK is missing. */
static bool excused(const struct actor *a)
{
  return a->error == LA_ERESET && a->closed_sent && a->peer && a->peer->eof;
}

void oracle_streams(struct oracle *o, bool gentle)
{
  for (struct actor *a = o->world->actors; a; a = a->next) {
    const struct actor *p = a->peer;

    if (a->ambiguous)
      continue;
    if (a->wrong_octets)
      oracle_fail(o, "%s, actor %u: %llu octets are not what was sent there", a->host->name,
                  a->number, (unsigned long long)a->wrong_octets);
    if (a->eof && !p)
      oracle_fail(o, "%s, actor %u: end of stream from nobody", a->host->name, a->number);
    if (a->eof && p && (a->received != p->sent || !p->closed_sent))
      oracle_fail(o, "%s, actor %u: end of stream after %llu of %llu octets%s", a->host->name,
                  a->number, (unsigned long long)a->received, (unsigned long long)p->sent,
                  p->closed_sent ? "" : ", and the peer never closed");
    if (gentle && a->failed && !excused(a))
      oracle_fail(o, "%s, actor %u: %s, in a world where nothing excuses it", a->host->name,
                  a->number, la_error_name(a->error));
    if (gentle && !a->done && !a->has_listener)
      oracle_fail(o, "%s, actor %u: stuck at step %u of its script", a->host->name, a->number,
                  a->at);
  }
}

/* Tables of the host's configuration live as long as the stack. */
static bool is_settings(const char *name)
{
  static const char *const names[] = { "interface", "address", "route", "neighbor" };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strstr(name, names[i]))
      return true;
  return false;
}

void oracle_leaks(struct oracle *o)
{
  for (unsigned i = 0; i < o->world->hosts; i++) {
    const struct world_host *h = &o->world->host[i];
    uint32_t used, peak, size;
    la_sock cursor = { 0 };
    la_sock_info info;
    const char *name;

    if (!h->stack)
      continue;
    if (la_sock_next(h->stack, &cursor) && la_sock_get(h->stack, cursor, &info) == 0)
      oracle_fail(o, "%s port %u > %u: left at the end in %s, %u octets to send, next timer %u",
                  h->name, info.local.port, info.peer.port, la_state_name(info.state),
                  info.send_queue, info.timer);
    for (unsigned n = 0; la_pool_get(h->stack, n, &name, &used, &peak, &size); n++)
      if (used && !is_settings(name))
        oracle_fail(o, "%s: %u of the pool of %s are left at the end", h->name, used, name);
  }
}
