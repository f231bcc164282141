/* format_long.c - lastack's own listing: a row of facts, and below it whose move it is and why.
 *
 * Columns are as wide as their widest cell; when the terminal is too narrow, the least telling
 * ones are left out, in the order of `drop`. When many sockets have the same explanation, the
 * first few of them say it for all. */
#include "format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 64, WRAP = 100, NARROWEST = 40, RULES = 128, MANY = 8, ENOUGH = 3 };
enum column {
  PROTO, LOCAL, PEER, STATE, SINCE, TIMER, RESENT, RECV_Q, SEND_Q, RTT, CWND, ID, COLUMNS
};

/* `drop`: 1 goes first, 0 never. */
static const struct shape { const char *header; bool right; unsigned drop; } shapes[COLUMNS] = {
  [PROTO] = { "PROTO", false, 4 }, [LOCAL] = { "LOCAL", false, 0 }, [PEER] = { "PEER", false, 0 },
  [STATE] = { "STATE", false, 0 }, [SINCE] = { "SINCE", true, 0 }, [TIMER] = { "TIMER", false, 5 },
  [RESENT] = { "RESENT", true, 3 }, [RECV_Q] = { "RECV-Q", true, 0 },
  [SEND_Q] = { "SEND-Q", true, 0 }, [RTT] = { "RTT", true, 2 }, [CWND] = { "CWND", true, 1 },
  [ID] = { "ID", false, 6 },
};
struct line {
  char cell[COLUMNS][CELL];
  enum lens_state state;
};

static void timer_cell(const struct lens_list *list, const la_sock_info *c, char *cell)
{
  la_timer_row row;
  char due[CELL];

  if (c->protocol == LA_UDP || c->timer == LA_TIMER_NONE || c->timer_due == LA_NEVER
      || !la_timer_row_get(c->timer, &row))
    return;
  lens_duration_text(c->timer_due - list->now, due, sizeof due);
  snprintf(cell, CELL, "%s in %.30s", row.name, due);
  for (char *p = cell; *p; p++)
    *p = (char)(*p == '_' ? '-' : tolower((unsigned char)*p));
}

static void queue_cells(const la_sock_info *c, struct line *line)
{
  if (line->state == LENS_LISTEN && c->protocol == LA_TCP) {
    snprintf(line->cell[RECV_Q], CELL, "%" PRIu32 "/%" PRIu32, c->accept_queue, c->backlog);
    return;
  }
  snprintf(line->cell[RECV_Q], CELL, "%" PRIu32, c->receive_queue);
  snprintf(line->cell[SEND_Q], CELL, "%" PRIu32, c->send_queue);
}

static void path_cells(const la_sock_info *c, struct line *line)
{
  if (c->protocol == LA_UDP || line->state == LENS_LISTEN || line->state == LENS_CLOSED)
    return;
  snprintf(line->cell[RESENT], CELL, "%" PRIu32, c->retransmissions);
  if (c->srtt)
    lens_duration_text(c->srtt, line->cell[RTT], CELL);
  if (c->cwnd && line->state != LENS_TIME_WAIT)
    snprintf(line->cell[CWND], CELL, "%" PRIu32, c->cwnd);
}

static void line_of(const struct lens_list *list, const struct lens_conn *conn, struct line *line)
{
  const la_sock_info *c = &conn->info;
  bool udp = c->protocol == LA_UDP;

  memset(line, 0, sizeof *line);
  line->state = udp ? LENS_UNKNOWN : lens_state_of(c->state);
  snprintf(line->cell[PROTO], CELL, "%s", udp ? "udp" : "tcp");
  lens_endpoint_text((la_endpoint){ lens_addr_of(c, c->local.addr), c->local.port },
                     line->cell[LOCAL], CELL);
  lens_endpoint_text((la_endpoint){ lens_addr_of(c, c->peer.addr), c->peer.port },
                     line->cell[PEER], CELL);
  snprintf(line->cell[STATE], CELL, "%s", udp ? "" : lens_state_name(c->state, LENS_RFC));
  lens_duration_text(list->now - c->state_since, line->cell[SINCE], CELL);
  timer_cell(list, c, line->cell[TIMER]);
  queue_cells(c, line);
  path_cells(c, line);
  snprintf(line->cell[ID], CELL, "%" PRIx64, conn->id);
  for (int cell = 0; cell < COLUMNS; cell++)
    if (!line->cell[cell][0])
      snprintf(line->cell[cell], CELL, "-");
}

struct widths { size_t of[COLUMNS]; };

static size_t sum(const struct widths *widths)
{
  size_t all = 0;

  for (int c = 0; c < COLUMNS; c++)
    if (widths->of[c])
      all += widths->of[c] + (all ? 2 : 0);
  return all;
}

static struct widths measure(const struct line *lines, size_t n, unsigned screen)
{
  struct widths widths = { { 0 } };

  for (int c = 0; c < COLUMNS; c++)
    for (size_t i = 0; i < n; i++)
      if (widths.of[c] < strlen(lines[i].cell[c]))
        widths.of[c] = strlen(lines[i].cell[c]);
  for (unsigned drop = 1; screen && sum(&widths) > screen && drop <= COLUMNS; drop++)
    for (int c = 0; c < COLUMNS; c++)
      if (shapes[c].drop == drop)
        widths.of[c] = 0;
  return widths;
}

static void print_line(FILE *out, const struct line *line, const struct widths *widths,
                       const struct lens_look *look, bool header)
{
  int last = COLUMNS - 1;
  bool first = true;

  while (last > 0 && !widths->of[last])
    last--;
  for (int c = 0; c <= last; c++) {
    size_t blanks = widths->of[c] - (widths->of[c] ? strlen(line->cell[c]) : 0);

    if (!widths->of[c])
      continue;
    fprintf(out, "%s%*s", first ? "" : "  ", shapes[c].right ? (int)blanks : 0, "");
    if (header || c == STATE)
      format_colour(out, look, header ? "1" : format_state_colour(line->state));
    fputs(line->cell[c], out);
    if (header || c == STATE)
      format_plain(out, look);
    if (!shapes[c].right && c < last)
      fprintf(out, "%*s", (int)blanks, "");
    first = false;
  }
  fputc('\n', out);
}

/* The sentences begin with the name of whoever must move, which is what the eye looks for. */
static void print_verdict(FILE *out, const struct lens_verdict *verdict,
                          const struct lens_look *look)
{
  unsigned columns = look->columns && look->columns < WRAP ? look->columns : WRAP;
  int who = (int)strlen(lens_who_name(verdict->who));

  fputs("    ", out);
  format_colour(out, look, verdict->who == LENS_OUR_APPLICATION ? "1;31" : "1");
  fprintf(out, "%.*s", who, verdict->why);
  format_plain(out, look);
  format_wrapped(out, verdict->why + who + strspn(verdict->why + who, " "), 4 + (unsigned)who, 4,
                 columns > NARROWEST ? columns : NARROWEST);
}

/* The last line: how many in which state, and on how many our own application is to move. */
static void print_summary(FILE *out, const struct format_rows *rows, size_t ours)
{
  size_t in[LENS_UNKNOWN + 1] = { 0 }, udp = 0;

  for (size_t i = 0; i < rows->n; i++) {
    if (rows->row[i]->info.protocol == LA_UDP)
      udp++;
    else
      in[lens_state_of(rows->row[i]->info.state)]++;
  }
  fprintf(out, "\n%zu socket%s", rows->n, rows->n == 1 ? "" : "s");
  for (int state = 0, said = 0; state <= LENS_UNKNOWN; state++)
    if (in[state])
      fprintf(out, "%s %zu %s", said++ ? "," : ":", in[state],
              lens_state_name(lens_state_number((enum lens_state)state), LENS_RFC));
  if (udp)
    fprintf(out, "%s %zu UDP", udp == rows->n ? ":" : ",", udp);
  if (ours)
    fprintf(out, ". Our application has to move on %zu of them.\n", ours);
  else
    fputs(". Our application has to move on none of them.\n", out);
}

/* How many sockets each rule explains, and how many have said so. */
struct tally { size_t sockets[RULES], said[RULES], ours; };

static void take_tally(const struct lens_list *list, const struct format_rows *rows,
                       struct tally *tally)
{
  struct lens_verdict verdict;

  memset(tally, 0, sizeof *tally);
  for (size_t i = 0; i < rows->n; i++) {
    lens_explain(list, rows->row[i], &verdict);
    tally->sockets[verdict.rule % RULES]++;
    tally->ours += verdict.who == LENS_OUR_APPLICATION;
  }
}

static void print_rows(FILE *out, const struct lens_list *list, const struct format_rows *rows,
                       const struct line *lines, const struct lens_look *look)
{
  struct widths widths = measure(lines, rows->n + 1, look->columns);
  struct lens_verdict verdict;
  struct tally tally;

  take_tally(list, rows, &tally);
  print_line(out, &lines[0], &widths, look, true);
  for (size_t i = 0; i < rows->n; i++) {
    unsigned rule;

    print_line(out, &lines[i + 1], &widths, look, false);
    lens_explain(list, rows->row[i], &verdict);
    rule = verdict.rule % RULES;
    if (tally.sockets[rule] <= MANY || tally.said[rule]++ < ENOUGH)
      print_verdict(out, &verdict, look);
    if (look->info)
      format_long_info(out, rows->row[i], look);
  }
  print_summary(out, rows, tally.ours);
}

void format_long(FILE *out, const struct lens_list *list, const struct format_rows *rows,
                 const struct lens_look *look)
{
  struct line *lines = calloc(rows->n + 1, sizeof *lines);

  if (!lines)
    return;
  for (int c = 0; c < COLUMNS; c++)
    snprintf(lines[0].cell[c], CELL, "%s", shapes[c].header);
  for (size_t i = 0; i < rows->n; i++)
    line_of(list, rows->row[i], &lines[i + 1]);
  print_rows(out, list, rows, lines, look);
  free(lines);
}

void lens_print_story(FILE *out, const struct lens_story *story, const struct lens_look *look)
{
  char local[CELL], peer[CELL], ago[CELL];
  const la_sock_info *c = &story->conn.info;
  unsigned columns = look->columns ? look->columns : WRAP;

  format_colour(out, look, "1");
  fprintf(out, "%s - %s %s, opened %s ago", lens_endpoint_text(c->local, local, CELL),
          lens_endpoint_text(c->peer, peer, CELL), lens_state_name(c->state, LENS_RFC),
          lens_duration_text(story->now - c->opened, ago, CELL));
  format_plain(out, look);
  fputc('\n', out);
  for (size_t i = 0; i < story->n; i++) {
    const struct lens_event *event = &story->events[i];

    lens_duration_text(event->entry.at - c->opened, ago, CELL);
    fprintf(out, "%12s  ", ago);
    format_wrapped(out, event->text, 14, 14, columns > NARROWEST ? columns : NARROWEST);
  }
  if (!story->n)
    fputs("The flight recorder is empty, or switched off (trace_entries).\n", out);
}
