/* ladder.c - writing the rows down. The text of a segment is made when it leaves, since relative
 * numbers belong to the incarnation that sent it, and is used again where it arrives. */
#include "ladder.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void ladder_init(struct ladder *l, struct track *t)
{
  memset(l, 0, sizeof *l);
  l->track = t;
}

void ladder_fini(struct ladder *l)
{
  for (size_t i = 0; i < l->rows; i++)
    free(l->row[i].text);
  free(l->row);
  l->row = NULL;
  l->rows = l->room = 0;
}

static struct ladder_row *row_new(struct ladder *l, enum ladder_kind kind, unsigned host,
                                  const char *text)
{
  struct ladder_row *r;

  if (l->rows == l->room) {
    l->room = l->room ? 2 * l->room : 64;
    l->row = realloc(l->row, l->room * sizeof *l->row);
    if (!l->row)
      abort();
  }
  r = &l->row[l->rows++];
  *r = (struct ladder_row){ .kind = kind, .host = host, .at = world_time(l->track->world),
                            .text = strdup(text), .state = { "", "" } };
  return r;
}

/* What each end is in, as far as this segment's connection goes. */
static const char *state_of(struct ladder *l, unsigned host, la_endpoint local, la_endpoint peer,
                            bool opening)
{
  struct world_host *h = &l->track->world->host[host];
  struct track_conn *c = track_find(l->track, h, local, peer);

  if (memcmp(local.addr.octets, h->addr.octets, 16) != 0)
    return "";
  if (!h->stack)
    return h->raw ? "(scripted)" : "(off)";
  if (c && !c->gone)
    return la_state_name(c->state);
  if ((!c || opening) && track_listener(l->track, h, local.port))
    return "LISTEN";
  return "CLOSED";
}

static void set_states(struct ladder *l, struct ladder_row *r, unsigned sender,
                       const struct seg *g)
{
  bool opening = (g->flags & (SEG_SYN | SEG_ACK)) == SEG_SYN;

  if (g->kind != SEG_TCP || sender > 1)
    return;
  r->state[sender] = state_of(l, sender, g->from, g->to, opening);
  r->state[!sender] = state_of(l, !sender, g->to, g->from, opening);
}

void ladder_enters(struct ladder *l, const struct link_packet *p, const struct link_plan *plan)
{
  char text[SEG_TEXT];
  struct ladder_row *r;
  struct seg g;

  seg_read(&g, p->link->medium, p->octets, p->length);
  l->flows.distrust = p->forged;
  seg_text(&g, &l->flows, text, sizeof text);
  if (l->muted || (l->brief && plan->fate == LINK_PASSES && !(g.flags & (SEG_SYN | SEG_FIN)))) {
    l->hidden++;
    return;
  }
  r = row_new(l, LADDER_SENT, p->way, text);
  r->number = p->number;
  r->fate = plan->fate;
  r->why = plan->why;
  r->forged = p->forged;
  set_states(l, r, p->way, &g);
}

static struct ladder_row *row_sent(struct ladder *l, uint64_t number)
{
  for (size_t i = l->rows; i-- > 0;)
    if (l->row[i].kind == LADDER_SENT && l->row[i].number == number)
      return &l->row[i];
  return NULL;
}

void ladder_arrived(struct ladder *l, struct world_host *h, const struct link_packet *p)
{
  struct ladder_row *r, *sent = row_sent(l, p->number);
  char text[SEG_TEXT];
  struct seg g;

  if (l->muted)
    return;
  seg_read(&g, p->link->medium, p->octets, p->length);
  if (!sent && !p->forged && !(l->brief && (p->copy || p->corrupted)))
    return;
  if (sent)
    snprintf(text, sizeof text, "%s", sent->text);
  else if (g.fault)
    snprintf(text, sizeof text, "a segment with %s", g.fault);
  else
    seg_text(&g, &l->flows, text, sizeof text);
  r = row_new(l, LADDER_ARRIVED, h->number, text);
  r->number = p->number;
  r->forged = p->forged;
  r->again = p->copy;
  r->corrupted = p->corrupted;
  if (!p->corrupted)
    set_states(l, r, p->way, &g);
  else if ((sent = row_sent(l, p->number)))
    memcpy(r->state, sent->state, sizeof r->state);
}

void ladder_turned(struct ladder *l)
{
  l->changed = false;
}

void ladder_move_last(struct ladder *l, size_t before)
{
  struct ladder_row last;

  if (l->rows <= before + 1 || l->row[l->rows - 1].kind != LADDER_ARRIVED)
    return;
  last = l->row[l->rows - 1];
  memmove(&l->row[before + 1], &l->row[before], (l->rows - 1 - before) * sizeof last);
  l->row[before] = last;
}

void ladder_lost(struct ladder *l, const struct link_packet *p, enum link_fate fate)
{
  struct ladder_row *sent = row_sent(l, p->number);

  if (sent)
    sent->fate = fate;
}

__attribute__((format(printf, 4, 5)))
static void note(struct ladder *l, struct world_host *h, enum ladder_kind kind,
                 const char *format, ...)
{
  char text[512];
  va_list list;

  if (l->muted)
    return;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  row_new(l, kind, h->number, text);
}

/* A bare section is RFC 9293's. */
static const char *rfc_of(const la_fsm_row *row)
{
  return row->rfc[0] >= '0' && row->rfc[0] <= '9' ? "RFC 9293 " : "";
}

void ladder_changed(struct ladder *l, struct track_conn *c, const struct track_change *k)
{
  la_fsm_row row;

  l->changed = true;
  if (!track_row(k->from, k->event, k->to, &row))
    note(l, c->host, LADDER_NOTE, "%s > %s, by no row of the table", la_state_name(k->from),
         la_state_name(k->to));
  else if (k->from == k->to)
    note(l, c->host, LADDER_NOTE, "%s stays (%s): %s [%s%s]", la_state_name(k->from),
         la_fsm_event_name(k->event), row.why, rfc_of(&row), row.rfc);
  else
    note(l, c->host, LADDER_NOTE, "%s > %s (%s): %s [%s%s]", la_state_name(k->from),
         la_state_name(k->to), la_fsm_event_name(k->event), row.why, rfc_of(&row), row.rfc);
}

/* Verdicts are told by their counters, which also know of segments that no connection saw. */
void ladder_entry(struct ladder *l, struct track_conn *c, const la_trace *entry)
{
  char text[200];

  if (entry->kind == LA_TRACE_VERDICT || entry->kind == LA_TRACE_OPENED)
    return;
  la_trace_text(entry, text, sizeof text);
  note(l, c->host, LADDER_NOTE, "%s", text);
}

/* Where a segment changed a state, the table's row has said why: the reason would repeat it. */
void ladder_refused(struct ladder *l, struct world_host *h, unsigned reason)
{
  la_why_row row;

  if (l->changed || !la_why_row_get(reason, &row))
    return;
  if (row.rfc[0])
    note(l, h, LADDER_NOTE, "%s: %s [RFC %s]", row.name, row.text, row.rfc);
  else
    note(l, h, LADDER_NOTE, "%s: %s", row.name, row.text);
}

void ladder_said(struct ladder *l, struct world_host *h, const char *text)
{
  note(l, h, LADDER_SAID, "%s", text);
}

void ladder_brief(struct ladder *l, bool brief, const char *words)
{
  l->brief = brief;
  if (brief)
    l->hidden = 0;
  if (brief)
    note(l, &l->track->world->host[0], LADDER_PAUSE, "%s", words);
  else
    note(l, &l->track->world->host[0], LADDER_PAUSE, "%s (%u packets not shown)", words,
         l->hidden);
}

void ladder_mute(struct ladder *l, bool muted, const char *words)
{
  if (muted == l->muted)
    return;
  if (muted) {
    l->hidden = 0;
    l->muted = true;
  } else {
    l->muted = false;
    note(l, &l->track->world->host[0], LADDER_PAUSE, "%s (%u packets not shown)", words,
         l->hidden);
  }
}
