/* ladder_print.c - from rows in order of time to a ladder. A segment that crosses no other is one
 * line with a whole arrow; where two cross, each is two lines: it leaves, and later it arrives.
 * The lines of each host stay in that host's own order, which is all the order there is. */
#include "ladder.h"

#include <stdlib.h>
#include <string.h>

enum { TIME_COLUMNS = 9, STATE_COLUMNS = 12, ARROW_LEAST = 3 };

void ladder_wrap(FILE *out, const char *first, const char *text, unsigned indent, unsigned width)
{
  size_t column = (size_t)fprintf(out, "%s", first), n;
  bool fresh = true;

  for (; *text; text += n + (text[n] == ' ')) {
    n = strcspn(text, " ");
    if (!fresh && column + 1 + n > width) {
      column = (size_t)fprintf(out, "\n%*s", (int)indent, "") - 1;
      fresh = true;
    }
    column += (size_t)fprintf(out, "%s%.*s", fresh ? "" : " ", (int)n, text);
    fresh = false;
  }
  fputc('\n', out);
}

/* ---- one line --------------------------------------------------------------------- */

struct pen {
  const struct ladder *ladder;
  FILE    *out;
  unsigned width, arrow;            /* columns of a line, and of the part between the states */
  la_time  last[2];                 /* when the last line left and arrived: notes go with it */
};

static void dashes(char *to, unsigned n, char c)
{
  memset(to, c, n);
  to[n] = '\0';
}

/* The part between the states: text and arrow, `width` columns. */
static void arrow_text(const struct pen *pen, const struct ladder_row *r, bool rightwards,
                       const char *tail, const char *head, bool gap, char *line)
{
  unsigned text = (unsigned)strlen(r->text), room, ends;
  char shaft[256];

  ends = (unsigned)(strlen(tail) + strlen(head));
  room = pen->arrow > text + 1 + ends ? pen->arrow - text - 1 - ends : 0;
  if (room < ARROW_LEAST)
    room = ARROW_LEAST;
  if (room >= sizeof shaft)
    room = sizeof shaft - 1;
  dashes(shaft, room, '-');
  if (gap)
    for (unsigned i = 1; i < room; i += 2)
      shaft[i] = ' ';
  if (rightwards)
    snprintf(line, 512, "%s %s%s%s", r->text, tail, shaft, head);
  else
    snprintf(line, 512, "%s%s%s %s", head, shaft, tail, r->text);
}

static void line_out(struct pen *pen, la_time at, const char *left, const char *middle,
                     const char *right)
{
  pen->last[0] = pen->last[1] = at;
  fprintf(pen->out, "%*.3f  %-*s %-*s  %s\n", TIME_COLUMNS, (double)at / (double)LA_SEC,
          STATE_COLUMNS, left, (int)pen->arrow, middle, right);
}

static void trail(const struct pen *pen, const char *text)
{
  char first[40];

  snprintf(first, sizeof first, "%*s", TIME_COLUMNS + STATE_COLUMNS + 3, "");
  ladder_wrap(pen->out, first, text, TIME_COLUMNS + STATE_COLUMNS + 3, pen->width);
}

static void print_lost(struct pen *pen, const struct ladder_row *r)
{
  char line[512], text[200];

  arrow_text(pen, r, r->host == 0, "", "X", false, line);
  line_out(pen, r->at, r->state[0], line, r->state[1]);
  snprintf(text, sizeof text, "X %s%s%s", link_fate_text(r->fate), r->why ? ": " : "",
           r->why ? r->why : "");
  trail(pen, text);
}

static void print_whole(struct pen *pen, const struct ladder_row *sent,
                        const struct ladder_row *arrived)
{
  bool right = sent->host == 0;
  char line[512];

  arrow_text(pen, sent, right, "", right ? ">" : "<", false, line);
  line_out(pen, sent->at, right ? sent->state[0] : arrived->state[0], line,
           right ? arrived->state[1] : sent->state[1]);
  pen->last[1] = arrived->at;
  if (arrived->corrupted)
    trail(pen, "(damaged on the way)");
  if (sent->why)
    trail(pen, sent->why);
}

static void print_half_sent(struct pen *pen, const struct ladder_row *r)
{
  char line[512];

  arrow_text(pen, r, r->host == 0, "", " ", true, line);
  line_out(pen, r->at, r->state[0], line, r->state[1]);
  if (r->why)
    trail(pen, r->why);
}

static void print_half_arrived(struct pen *pen, const struct ladder_row *r)
{
  bool right = r->host == 1;
  char line[512];

  arrow_text(pen, r, right, r->forged ? "~" : " ", right ? ">" : "<", !r->forged, line);
  line_out(pen, r->at, r->state[0], line, r->state[1]);
  if (r->again)
    trail(pen, "(a second copy of it)");
  if (r->corrupted)
    trail(pen, "(damaged on the way)");
}

static void print_note(struct pen *pen, const struct ladder_row *r)
{
  const char *name = pen->ladder->track->world->host[r->host].name;
  char first[80], time[32] = "|";

  if (r->at != pen->last[0] && r->at != pen->last[1])
    snprintf(time, sizeof time, "%.3f", (double)r->at / (double)LA_SEC);
  pen->last[0] = r->at;

  if (r->kind == LADDER_PAUSE) {
    snprintf(first, sizeof first, "%9s  ", "...");
    ladder_wrap(pen->out, first, r->text, TIME_COLUMNS + 2, pen->width);
    return;
  }
  if (r->kind == LADDER_SAID && r->text[0] == '(')
    snprintf(first, sizeof first, "%9s  ", time);
  else
    snprintf(first, sizeof first, "%9s  %s%s", time, name, r->kind == LADDER_SAID ? " " : ": ");
  ladder_wrap(pen->out, first, r->text, TIME_COLUMNS + 4, pen->width);
}

/* ---- the order of lines -------------------------------------------------------------- */

/* Each host's rows in their order; what the ladder still has to draw begins at `at`. */
struct queues { size_t *row[2]; size_t count[2], at[2]; };

static struct ladder_row *head(const struct ladder *l, const struct queues *q, unsigned side)
{
  return q->at[side] < q->count[side] ? &l->row[q->row[side][q->at[side]]] : NULL;
}

static struct ladder_row *sent_row(const struct ladder *l, uint64_t number)
{
  for (size_t i = 0; i < l->rows; i++)
    if (l->row[i].kind == LADDER_SENT && l->row[i].number == number)
      return &l->row[i];
  return NULL;
}

static bool pairs(const struct ladder_row *sent, const struct ladder_row *other)
{
  return sent->kind == LADDER_SENT && !sent->half && other && other->kind == LADDER_ARRIVED
         && !other->again && other->number == sent->number;
}

/* Can this head be drawn now? */
static bool ready(const struct ladder *l, const struct ladder_row *r,
                  const struct ladder_row *other)
{
  const struct ladder_row *sent;

  if (r->kind == LADDER_SENT)
    return r->half || r->fate != LINK_PASSES || pairs(r, other);
  if (r->kind == LADDER_ARRIVED) {
    sent = sent_row(l, r->number);
    return !sent || sent->done;
  }
  return true;
}

/* A half arrival later than a segment that has not left on paper: that one goes first. */
static bool overtaken(const struct ladder_row *drawable, const struct ladder_row *other)
{
  return drawable->kind == LADDER_ARRIVED && other && other->kind == LADDER_SENT
         && other->at < drawable->at;
}

/* Draw the head of one side, and of the other too where they are one segment's two ends. */
static void draw(struct pen *pen, struct queues *q, unsigned side)
{
  const struct ladder *l = pen->ladder;
  struct ladder_row *r = head(l, q, side), *other = head(l, q, !side);

  q->at[side]++;
  r->done = true;
  if (r->kind == LADDER_ARRIVED) {
    print_half_arrived(pen, r);
  } else if (r->kind != LADDER_SENT) {
    print_note(pen, r);
  } else if (r->fate != LINK_PASSES) {
    print_lost(pen, r);
  } else if (pairs(r, other)) {
    other->done = true;
    q->at[!side]++;
    print_whole(pen, r, other);
  } else {
    print_half_sent(pen, r);
  }
}

/* Two segments that cross are both drawn in halves. */
static bool cross(struct ladder_row *a, struct ladder_row *b)
{
  if (!a || !b || a->kind != LADDER_SENT || b->kind != LADDER_SENT)
    return false;
  a->half = b->half = true;
  return true;
}

static void draw_all(struct pen *pen, struct queues *q)
{
  const struct ladder *l = pen->ladder;
  struct ladder_row *h[2];
  unsigned side;

  for (;;) {
    h[0] = head(l, q, 0);
    h[1] = head(l, q, 1);
    if (!h[0] && !h[1])
      return;
    bool can[2] = { h[0] && ready(l, h[0], h[1]), h[1] && ready(l, h[1], h[0]) };

    if (can[0] != can[1])
      side = overtaken(h[can[1]], h[can[0]]) ? can[0] : can[1];
    else if (can[0])
      side = h[1] < h[0];           /* both could: the earlier row, which is the lower address */
    else if (cross(h[0], h[1]))
      side = h[1] < h[0];
    else
      side = !(h[0] && h[0]->kind == LADDER_SENT);
    draw(pen, q, side);
  }
}

void ladder_print(const struct ladder *l, FILE *out, unsigned width)
{
  struct pen pen = { l, out, width, width - TIME_COLUMNS - 2 * STATE_COLUMNS - 5, { -1, -1 } };
  const struct world *w = l->track->world;
  struct queues q = { 0 };

  for (unsigned side = 0; side < 2; side++) {
    q.row[side] = malloc((l->rows + 1) * sizeof(size_t));
    if (!q.row[side])
      abort();
  }
  for (size_t i = 0; i < l->rows; i++) {
    unsigned side = l->row[i].host & 1;

    /* A forged packet was sent by neither host: it is drawn where it arrives. */
    if (l->row[i].kind == LADDER_SENT && l->row[i].forged && l->row[i].fate == LINK_PASSES)
      l->row[i].done = true;
    else
      q.row[side][q.count[side]++] = i;
  }
  fprintf(out, "%*s  %-*s %-*s  %s\n", TIME_COLUMNS, "seconds", STATE_COLUMNS, w->host[0].name,
          (int)pen.arrow, "", w->host[1].name);
  draw_all(&pen, &q);
  free(q.row[0]);
  free(q.row[1]);
}
