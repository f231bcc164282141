/* lab.c - the stage of the laboratory: a part is a world with its onlookers, and ends with both
 * hosts' netstat. The scenarios themselves are in scenario_*.c. */
#include "lab.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const la_time part_gap = 60 * LA_SEC;

/* ---- onlookers ----------------------------------------------------------------------- */

static void note_comment(struct lab *l, struct track_conn *c, const struct track_change *k)
{
  char *comment = l->comment[c->host->number];
  size_t n = strlen(comment);

  snprintf(comment + n, LAB_COMMENT - n, "%s%s: %s > %s (%s)", n ? "; " : "", c->host->name,
           la_state_name(k->from), la_state_name(k->to),
           k->event == TRACK_NO_EVENT ? "?" : la_fsm_event_name(k->event));
}

static void on_changed(void *user, struct track_conn *c, const struct track_change *k)
{
  struct lab *l = user;

  ladder_changed(&l->ladder, c, k);
  if (k->from != k->to)
    note_comment(l, c, k);
}

static void on_entry(void *user, struct track_conn *c, const la_trace *entry)
{
  ladder_entry(&((struct lab *)user)->ladder, c, entry);
}

static void on_refused(void *user, struct world_host *h, unsigned reason)
{
  ladder_refused(&((struct lab *)user)->ladder, h, reason);
}

static void capture(struct lab *l, unsigned host, bool outwards, const struct link_packet *p)
{
  char *comment = l->comment[host];

  if (l->io->packet)
    l->io->packet(l->io->user, host, outwards, l->offset + world_time(&l->world), p->octets,
                  p->length, comment[0] ? comment : NULL);
  comment[0] = '\0';
}

static void on_enters(void *user, const struct link_packet *p, const struct link_plan *plan)
{
  struct lab *l = user;

  if (l->seens == l->room) {
    l->room = l->room ? 2 * l->room : 64;
    l->seen = realloc(l->seen, l->room * sizeof *l->seen);
    if (!l->seen)
      abort();
  }
  seg_read(&l->seen[l->seens].seg, p->link->medium, p->octets, p->length);
  l->seen[l->seens].way = p->way;
  l->seen[l->seens].at = world_time(&l->world);
  l->seen[l->seens++].fate = plan->fate;
  ladder_enters(&l->ladder, p, plan);
  if (!p->forged)
    capture(l, p->way, true, p);
}

/* A raw host has no stack that would turn: it is drawn and captured here. */
static void on_arrives(void *user, const struct link_packet *p)
{
  struct lab *l = user;
  struct world_host *h = p->way ? l->client : l->server;

  if (!h->stack) {
    ladder_arrived(&l->ladder, h, p);
    capture(l, h->number, false, p);
  }
}

static void on_lost(void *user, const struct link_packet *p, enum link_fate fate)
{
  ladder_lost(&((struct lab *)user)->ladder, p, fate);
}

/* The states of the segment's line are those after it was taken in, so the scan comes first; its
 * notes follow the line, so the line is moved before them. */
static void on_turned(void *user, struct world_host *h, enum world_cause cause,
                      const struct link_packet *p)
{
  struct lab *l = user;
  size_t first;

  ladder_turned(&l->ladder);
  if (!p) {
    track_scan(&l->track, h, cause, NULL);
    return;
  }
  first = l->ladder.rows;
  track_scan(&l->track, h, cause, p);
  ladder_arrived(&l->ladder, h, p);
  ladder_move_last(&l->ladder, first);
  capture(l, h->number, false, p);
}

static void on_crashed(void *user, struct world_host *h)
{
  track_crashed(&((struct lab *)user)->track, h);
}

static void on_said(void *user, struct world_host *h, const char *text)
{
  ladder_said(&((struct lab *)user)->ladder, h, text);
}

/* ---- parts ------------------------------------------------------------------------------ */

static void end_part(struct lab *l)
{
  if (!l->playing)
    return;
  lab_flush(l);
  for (unsigned i = 0; i < l->world.hosts; i++)
    if (l->world.host[i].stack && !l->told)
      lab_netstat(l, &l->world.host[i], LAB_LONG);
  oracle_streams(&l->oracle, false);
  if (l->oracle.failures)
    lab_check(l, false, "the oracle says: %s", l->oracle.first);
  oracle_fini(&l->oracle);
  l->offset += world_time(&l->world) + part_gap;
  ladder_fini(&l->ladder);
  track_fini(&l->track);
  world_fini(&l->world);
  l->playing = false;
}

void lab_part(struct lab *l, const char *title)
{
  end_part(l);
  l->parts++;
  l->playing = true;
  l->printed = l->told = false;
  l->seens = 0;
  memset(l->comment, 0, sizeof l->comment);
  if (title)
    fprintf(l->io->out, "\n-- %s\n", title);
  fputc('\n', l->io->out);
  world_init(&l->world, l->io->seed * 1000 + l->parts);
  l->world.tally = l->io->tally;
  track_init(&l->track, &l->world, true);
  l->track.user = l;
  l->track.changed = on_changed;
  l->track.entry = on_entry;
  l->track.refused = on_refused;
  ladder_init(&l->ladder, &l->track);
  world_watch_add(&l->world, (struct world_watch){
    .user = l, .enters = on_enters, .arrives = on_arrives, .lost = on_lost, .turned = on_turned,
    .crashed = on_crashed, .said = on_said });
  oracle_init(&l->oracle, &l->world);
  l->link = world_link_add(&l->world, LA_MEDIUM_IP);
  l->link->way[0].delay = l->link->way[1].delay = 10 * LA_MS;
  l->client = world_host_add(&l->world, "client", l->link, world_addr(l->io->six, 1));
  l->server = world_host_add(&l->world, "server", l->link, world_addr(l->io->six, 2));
  l->client->config.congestion = l->server->config.congestion = l->io->congestion;
}

void lab_boot(struct lab *l)
{
  world_host_boot(l->client);
  world_host_boot(l->server);
}

struct actor *lab_app(struct lab *l, struct world_host *h, const struct actor_step *script,
                      la_time start)
{
  (void)l;
  return actor_add(h, "app", script, start);
}

void lab_run(struct lab *l, la_time until)
{
  world_run(&l->world, until);
}

void lab_flush(struct lab *l)
{
  struct seg_flows flows = l->ladder.flows;
  bool muted = l->ladder.muted;

  if (l->ladder.rows) {
    if (l->printed)
      fputc('\n', l->io->out);
    l->printed = true;
    ladder_print(&l->ladder, l->io->out, l->io->width);
  }
  ladder_fini(&l->ladder);
  ladder_init(&l->ladder, &l->track);
  l->ladder.flows = flows;
  l->ladder.muted = muted;
}

void lab_netstat(struct lab *l, struct world_host *h, enum lab_style style)
{
  world_tell_time(h);
  l->printed = true;
  fprintf(l->io->out, "\nnetstat of the %s at %.3f s:\n", h->name,
          (double)world_time(&l->world) / (double)LA_SEC);
  fflush(l->io->out);
  if (l->io->netstat && h->stack)
    l->io->netstat(l->io->user, h->stack, h->name, style);
}

void lab_drop(struct lab *l, struct link_rule rule)
{
  link_rule_add(l->link, rule);
}

/* ---- claims ------------------------------------------------------------------------------- */

void lab_check(struct lab *l, bool held, const char *format, ...)
{
  char text[512];
  va_list list;

  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  if (l->checks < LAB_CHECKS) {
    l->check_text[l->checks] = strdup(text);
    l->check_passed[l->checks] = held;
  }
  l->checks++;
  l->failures += !held;
}

void lab_check_result(struct lab *l, int result)
{
  if (result < 0)
    lab_check(l, false, "a call of the scenario failed: %s", la_strerror(result));
}

void lab_check_path(struct lab *l, struct world_host *h, unsigned n, const char *path)
{
  struct track_conn *c = track_nth(&l->track, h, n);
  char text[300] = "no such connection";

  if (c)
    track_path(c, text, sizeof text);
  if (strcmp(text, path) == 0)
    lab_check(l, true, "%s: %s", h->name, path);
  else
    lab_check(l, false, "%s: %s (but it was: %s)", h->name, path, text);
}

const struct lab_seen *lab_segment(const struct lab *l, unsigned way, uint8_t flags, uint8_t mask,
                                   unsigned n)
{
  for (size_t i = 0; i < l->seens; i++) {
    const struct lab_seen *s = &l->seen[i];

    if (s->way == way && s->seg.kind == SEG_TCP && (s->seg.flags & mask) == flags && n-- == 0)
      return s;
  }
  return NULL;
}

unsigned lab_count(const struct lab *l, unsigned way, uint8_t flags, uint8_t mask)
{
  unsigned n = 0;

  while (lab_segment(l, way, flags, mask, n))
    n++;
  return n;
}

const char *lab_state(struct lab *l, struct world_host *h, unsigned n)
{
  struct track_conn *c = track_nth(&l->track, h, n);

  return !c ? "none" : c->gone ? "CLOSED" : la_state_name(c->state);
}

la_time lab_entered(struct lab *l, struct world_host *h, unsigned n, const char *state)
{
  struct track_conn *c = track_nth(&l->track, h, n);

  for (unsigned i = 0; c && i < c->changes && i < TRACK_CHANGES; i++)
    if (c->change[i].from != c->change[i].to && c->change[i].to == track_state(state))
      return c->change[i].at - WORLD_BEGIN;
  return LA_NEVER;
}

la_time lab_left(struct lab *l, struct world_host *h, unsigned n, const char *state)
{
  struct track_conn *c = track_nth(&l->track, h, n);

  for (unsigned i = 0; c && i < c->changes && i < TRACK_CHANGES; i++)
    if (c->change[i].from != c->change[i].to && c->change[i].from == track_state(state))
      return c->change[i].at - WORLD_BEGIN;
  return LA_NEVER;
}

bool lab_had_event(struct lab *l, struct world_host *h, unsigned n, const char *event)
{
  struct track_conn *c = track_nth(&l->track, h, n);

  for (unsigned i = 0; c && i < c->changes && i < TRACK_CHANGES; i++)
    if (c->change[i].event != TRACK_NO_EVENT
        && strcmp(la_fsm_event_name(c->change[i].event), event) == 0)
      return true;
  return false;
}

struct actor *lab_last_actor(struct lab *l, struct world_host *h)
{
  struct actor *last = NULL;

  for (struct actor *a = l->world.actors; a; a = a->next)
    if (a->host == h)
      last = a;
  return last;
}

unsigned lab_sockets(const la_stack *s, const char *state)
{
  la_sock cursor = { 0 };
  la_sock_info info;
  unsigned n = 0;

  while (la_sock_next(s, &cursor))
    n += la_sock_get(s, cursor, &info) == 0 && info.protocol == LA_TCP
         && info.state == track_state(state);
  return n;
}

/* ---- a scenario --------------------------------------------------------------------------- */

static void print_checks(struct lab *l)
{
  fprintf(l->io->out, "\nSeen:\n");
  for (unsigned i = 0; i < l->checks && i < LAB_CHECKS; i++) {
    ladder_wrap(l->io->out, l->check_passed[i] ? "  [x] " : "  [ ] FAILED: ", l->check_text[i], 6,
                l->io->width);
    free(l->check_text[i]);
  }
}

unsigned lab_play(const struct lab_scenario *s, const struct lab_io *io, la_time *ended_at)
{
  struct lab *l = calloc(1, sizeof *l);
  unsigned failures;

  if (!l)
    abort();
  l->io = io;
  l->name = s->name;
  l->offset = *ended_at;
  fprintf(io->out, "=== %s: %s\n", s->name, s->summary);
  ladder_wrap(io->out, "", s->text, 0, io->width);
  s->play(l);
  end_part(l);
  if (l->checks == 0)
    lab_check(l, false, "the scenario checks what it shows");
  print_checks(l);
  failures = l->failures;
  if (failures)
    fprintf(io->out, "FAILED: repeat with: lastack lab %s%s --seed %llu\n",
            io->options, s->name, (unsigned long long)io->seed);
  *ended_at = l->offset;
  free(l->seen);
  free(l);
  return failures;
}
