/* track.c - what the flight recorders say is taken as it is; where a control block is gone before
 * it can be asked (an orphan's last step), the row is deduced from the table and the packet. */
#include "track.h"

#include "seg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void track_init(struct track *t, struct world *w, bool with_reasons)
{
  la_why_row row;

  memset(t, 0, sizeof *t);
  t->world = w;
  while (with_reasons && t->reasons < TRACK_REASONS && la_why_row_get(t->reasons, &row))
    t->reasons++;
}

void track_fini(struct track *t)
{
  for (size_t i = 0; i < t->conns; i++)
    free(t->conn[i]);
  free(t->conn);
  t->conn = NULL;
  t->conns = t->room = 0;
}

uint8_t track_state(const char *name)
{
  for (uint8_t s = 0; s < LA_STATE_COUNT; s++)
    if (strcmp(la_state_name(s), name) == 0)
      return s;
  fprintf(stderr, "sim: no state is called %s\n", name);
  abort();
}

bool track_row(uint8_t from, uint8_t event, uint8_t to, la_fsm_row *row)
{
  for (unsigned n = 0; la_fsm_row_get(n, row); n++)
    if (row->from == from && row->event == event && row->to == to)
      return true;
  return false;
}

struct track_conn *track_find(struct track *t, struct world_host *h, la_endpoint local,
                              la_endpoint peer)
{
  for (size_t i = t->conns; i-- > 0;) {
    struct track_conn *c = t->conn[i];

    if (c->host == h && world_same_end(c->local, local) && world_same_end(c->peer, peer))
      return c;
  }
  return NULL;
}

struct track_conn *track_listener(struct track *t, struct world_host *h, uint16_t port)
{
  for (size_t i = 0; i < t->conns; i++) {
    struct track_conn *c = t->conn[i];

    if (c->host == h && c->local.port == port && c->peer.port == 0 && !c->gone)
      return c;
  }
  return NULL;
}

struct track_conn *track_nth(struct track *t, struct world_host *h, unsigned n)
{
  for (size_t i = 0; i < t->conns; i++)
    if (t->conn[i]->host == h && t->conn[i]->peer.port != 0 && n-- == 0)
      return t->conn[i];
  return NULL;
}

size_t track_path(const struct track_conn *c, char *text, size_t size)
{
  size_t n = 0;

  text[0] = '\0';
  for (unsigned i = 0; i < c->changes && i < TRACK_CHANGES; i++) {
    const struct track_change *k = &c->change[i];

    if (i == 0)
      n += (size_t)snprintf(text + n, size - n, "%s", la_state_name(k->from));
    if (k->from != k->to && n < size)
      n += (size_t)snprintf(text + n, size - n, " > %s", la_state_name(k->to));
    if (n >= size)
      return size - 1;
  }
  if (c->changes == 0)
    n = (size_t)snprintf(text, size, "%s", la_state_name(c->state));
  return n;
}

/* ---- changes ------------------------------------------------------------------- */

static void change(struct track *t, struct track_conn *c, uint8_t event, uint8_t to, bool deduced)
{
  struct track_change k = { t->world->now, c->state, event, to, deduced };

  if (c->changes < TRACK_CHANGES)
    c->change[c->changes] = k;
  c->changes++;
  c->state = to;
  if (t->changed)
    t->changed(t->user, c, &k);
}

/* How well a row fits what happened; 0: not at all. */
static unsigned fit(const la_fsm_row *row, enum world_cause cause, const struct seg *g)
{
  const char *event = la_fsm_event_name(row->event);
  bool rst = g && g->flags & SEG_RST, syn = g && g->flags & SEG_SYN;

  if (cause == WORLD_ARRIVAL && strcmp(row->origin, "SEGMENT") != 0)
    return 1;
  if (cause == WORLD_CALL && strcmp(row->origin, "USER") != 0)
    return 1;
  if (cause == WORLD_OUTPUT && strcmp(row->origin, "TIMER") != 0)
    return 1;
  if (cause == WORLD_ARRIVAL && (strcmp(event, "RCV_RST") == 0) != rst)
    return 1;
  if (cause == WORLD_ARRIVAL && strcmp(event, "TW_REUSE") == 0 && !syn)
    return 1;
  return strcmp(event, "CLOSE") == 0 ? 3 : 2;
}

static uint8_t best_event(uint8_t from, uint8_t to, enum world_cause cause, const struct seg *g)
{
  uint8_t event = TRACK_NO_EVENT;
  unsigned best = 0;
  la_fsm_row row;

  for (unsigned n = 0; la_fsm_row_get(n, &row); n++)
    if (row.from == from && row.to == to && row.from != row.to && fit(&row, cause, g) > best) {
      best = fit(&row, cause, g);
      event = row.event;
    }
  return event;
}

/* One segment may establish two facts (RFC 9293 3.10.7.4 fifth and eighth), so two rows. */
static void deduce(struct track *t, struct track_conn *c, uint8_t to, enum world_cause cause,
                   const struct seg *g)
{
  uint8_t event = best_event(c->state, to, cause, g), first, second;

  for (uint8_t mid = 0; mid < LA_STATE_COUNT && event == TRACK_NO_EVENT; mid++) {
    first = best_event(c->state, mid, cause, g);
    second = best_event(mid, to, cause, g);
    if (first == TRACK_NO_EVENT || second == TRACK_NO_EVENT)
      continue;
    change(t, c, first, mid, true);
    event = second;
  }
  change(t, c, event, to, true);
}

static bool same_entry(const la_trace *a, const la_trace *b)
{
  return a->at == b->at && a->kind == b->kind && a->a == b->a && a->b == b->b && a->c == b->c
         && a->x == b->x && a->y == b->y;
}

/* The entries of the flight recorder that were not there last time. The ring's old end may have
 * been overwritten: the new copy begins somewhere in the old one. */
static size_t entries_known(const struct track_conn *c, const la_trace *now, size_t n)
{
  for (size_t from = 0; from < c->ring_count; from++) {
    size_t k = 0;

    while (from + k < c->ring_count && k < n && same_entry(&c->ring[from + k], &now[k]))
      k++;
    if (from + k == c->ring_count)
      return k;
  }
  return 0;
}

static void scan_trace(struct track *t, struct track_conn *c)
{
  la_trace now[TRACK_RING];
  size_t n, known;

  n = la_sock_trace(c->host->stack, c->sock, now, TRACK_RING);
  known = entries_known(c, now, n);
  memcpy(c->ring, now, n * sizeof *now);
  c->ring_count = n;
  for (size_t i = known; i < n; i++) {
    if (now[i].kind == LA_TRACE_STATE && now[i].c == track_state("LISTEN") && c->peer.port) {
      c->state = now[i].c;        /* a child remembers being part of the listener */
    } else if (now[i].kind == LA_TRACE_STATE) {
      if (c->changes == 0)
        c->state = now[i].a;
      if (c->state == now[i].a)
        change(t, c, now[i].b, now[i].c, false);
    } else if (t->entry) {
      t->entry(t->user, c, &now[i]);
    }
  }
}

/* ---- finding them ----------------------------------------------------------------- */

/* A segment that still carries a valid cookie makes the same connection once more when the first
 * is over already; the peer cannot tell one from the other (RFC 4987 3.6). */
static bool spent_before(const struct track *t, const struct track_conn *c)
{
  for (size_t i = 0; i < t->conns; i++) {
    const struct track_conn *d = t->conn[i];

    if (d != c && d->host == c->host && d->boot == c->boot && d->info.iss == c->info.iss
        && d->info.irs == c->info.irs && world_same_end(d->local, c->local)
        && world_same_end(d->peer, c->peer))
      return true;
  }
  return false;
}

static struct track_conn *conn_new(struct track *t, struct world_host *h, la_sock sock,
                                   const la_sock_info *info)
{
  struct track_conn *c = calloc(1, sizeof *c);

  if (t->conns == t->room) {
    t->room = t->room ? 2 * t->room : 16;
    t->conn = realloc(t->conn, t->room * sizeof(void *));
  }
  if (!c || !t->conn)
    abort();
  t->conn[t->conns++] = c;
  c->host = h;
  c->sock = sock;
  c->boot = h->boots;
  c->local = info->local;
  c->peer = info->peer;
  c->state = info->state;
  c->info = *info;
  c->snd_max = info->snd_nxt;
  c->replay = info->flags & LA_SOCK_COOKIE && spent_before(t, c);
  return c;
}

/* By handle; a TIME-WAIT record has a handle of its own and is known by its two ends. */
static struct track_conn *conn_of(struct track *t, struct world_host *h, la_sock sock,
                                  const la_sock_info *info)
{
  for (size_t i = t->conns; i-- > 0;) {
    struct track_conn *c = t->conn[i];

    if (c->host != h || c->gone)
      continue;
    if (c->sock.bits == sock.bits)
      return c;
    if (info->flags & LA_SOCK_TIME_WAIT_RECORD && world_same_end(c->local, info->local)
        && world_same_end(c->peer, info->peer)) {
      c->sock = sock;
      c->ring_count = 0;
      return c;
    }
  }
  return NULL;
}

static void look(struct track *t, struct world_host *h, la_sock sock, enum world_cause cause,
                 const struct seg *g)
{
  la_sock_info info, before;
  struct track_conn *c;

  if (la_sock_get(h->stack, sock, &info) != 0 || info.protocol != LA_TCP || info.local.port == 0)
    return;
  c = conn_of(t, h, sock, &info);
  if (!c)
    c = conn_new(t, h, sock, &info);
  before = c->info;
  c->info = info;
  if (before.iss != info.iss || (int32_t)(info.snd_nxt - c->snd_max) > 0)
    c->snd_max = info.snd_nxt;
  c->peer = info.peer.port ? info.peer : c->peer;
  if (info.local.addr.len)
    c->local = info.local;
  scan_trace(t, c);
  if (c->state != info.state)
    deduce(t, c, info.state, cause, g);
  if (t->seen)
    t->seen(t->user, c, &before);
}

static void scan_gone(struct track *t, struct world_host *h, enum world_cause cause,
                      const struct seg *g)
{
  la_sock cursor = { 0 };
  la_sock_info info;
  struct track_conn *c;

  for (size_t i = 0; i < t->conns; i++)
    t->conn[i]->live = false;
  while (la_sock_next(h->stack, &cursor))
    if (la_sock_get(h->stack, cursor, &info) == 0 && (c = conn_of(t, h, cursor, &info)))
      c->live = true;
  for (size_t i = 0; i < t->conns; i++) {
    c = t->conn[i];
    if (c->host != h || c->live || c->gone)
      continue;
    if (c->state != 0)
      deduce(t, c, 0, cause, g);
    c->gone = true;
  }
}

static void scan_reasons(struct track *t, struct world_host *h)
{
  const char *name, *meaning;

  for (unsigned n = 1; n < t->reasons; n++) {     /* 0 is no reason: taken */
    uint64_t now = la_counter(h->stack, n, &name, &meaning);

    if (now > t->reason_count[h->number][n] && t->refused)
      t->refused(t->user, h, n);
    t->reason_count[h->number][n] = now;
  }
}

void track_scan(struct track *t, struct world_host *h, enum world_cause cause,
                const struct link_packet *p)
{
  la_sock cursor = { 0 };
  struct seg g;

  if (!h->stack)
    return;
  if (p)
    seg_read(&g, h->iface.medium, p->octets, p->length);
  scan_gone(t, h, cause, p ? &g : NULL);
  while (la_sock_next(h->stack, &cursor))
    look(t, h, cursor, cause, p ? &g : NULL);
  scan_reasons(t, h);
}

/* A crash is no event of the machine: what was there is simply not there any more. */
void track_crashed(struct track *t, struct world_host *h)
{
  for (size_t i = 0; i < t->conns; i++)
    if (t->conn[i]->host == h)
      t->conn[i]->gone = true;
  memset(t->reason_count[h->number], 0, sizeof t->reason_count[h->number]);
}
