/* format_ss.c - the columns of `ss -tan -o` (`-tuan -o` when there is UDP), iproute2; with
 * look->info `ss -tan -oi` (format_info.c).
 *
 * ss measures what it will print, makes each column as wide as its widest cell, and on a terminal
 * spreads the rest of the line over the columns; so does this. */
#include "format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 64 };
enum column { NETID, STATE, RECV_Q, SEND_Q, LOCAL, LOCAL_PORT, PEER, PEER_PORT, PROCESS, COLUMNS };

static const struct shape { const char *header, *before; bool right; } shapes[COLUMNS] = {
  [NETID] = { "Netid", "", false },          [STATE] = { "State", " ", false },
  [RECV_Q] = { "Recv-Q", " ", false },       [SEND_Q] = { "Send-Q", " ", false },
  [LOCAL] = { "Local Address:", " ", true }, [LOCAL_PORT] = { "Port", "", false },
  [PEER] = { "Peer Address:", " ", true },   [PEER_PORT] = { "Port", "", false },
  [PROCESS] = { "Process", "", false },
};
struct line { char cell[COLUMNS][CELL]; };

static void address_cell(const la_sock_info *c, la_addr addr, char *cell)
{
  static const la_addr none;
  char text[LA_ADDR_TEXT];
  bool any = memcmp(addr.octets, none.octets, sizeof none.octets) == 0;
  bool v6 = c->local.addr.len == 16 || c->peer.addr.len == 16 || (c->flags & LA_SOCK_V6ONLY);

  la_addr_text(addr, text, sizeof text);
  if (any)
    snprintf(cell, CELL, "%s:", v6 ? "[::]" : "0.0.0.0");
  else
    snprintf(cell, CELL, strchr(text, ':') ? "[%s]:" : "%s:", text);
}

static void port_cell(uint16_t port, char *cell)
{
  if (port)
    snprintf(cell, CELL, "%u", port);
  else
    snprintf(cell, CELL, "*");
}

/* ss writes a time as 119min, 1min30sec, 57sec, 2.480sec (leading noughts kept) or 200ms. */
static void time_cell(la_time due, char *cell)
{
  la_time ms = due > 0 ? due / LA_MS : 0, minutes = ms / 60000, seconds = ms / 1000 % 60;
  size_t n = 0;

  ms %= 1000;
  cell[0] = '\0';
  if (minutes) {
    n += (size_t)snprintf(cell, CELL, "%" PRId64 "min", minutes);
    ms = 0;
    if (minutes > 9)
      seconds = 0;
  }
  if (seconds) {
    if (seconds > 9)
      ms = 0;
    n += (size_t)snprintf(cell + n, CELL - n, "%" PRId64 "%s", seconds, ms ? "." : "sec");
  }
  if (ms)
    snprintf(cell + n, CELL - n, "%03" PRId64 "%s", ms, seconds ? "sec" : "ms");
}

/* The words that ss has for a timer; what lastack tells apart in more detail shares one. */
static const char *timer_word(uint8_t timer)
{
  switch (timer) {
  case LA_TIMER_RETRANSMIT: case LA_TIMER_REORDER: case LA_TIMER_PROBE: case LA_TIMER_PACE:
    return "on";
  case LA_TIMER_PERSIST:
    return "persist";
  case LA_TIMER_DELACK:
    return "delack";
  case LA_TIMER_KEEPALIVE: case LA_TIMER_GIVE_UP:
    return "keepalive";
  case LA_TIMER_TWO_MSL:
    return "timewait";
  default:
    return NULL;
  }
}

static void timer_cell(const struct lens_list *list, const la_sock_info *c, char *cell)
{
  const char *word = c->protocol == LA_UDP ? NULL : timer_word(c->timer);
  bool asks = c->timer == LA_TIMER_PERSIST || c->timer == LA_TIMER_KEEPALIVE;
  char due[CELL];

  if (!word || c->timer_due == LA_NEVER)
    return;
  time_cell(c->timer_due - list->now, due);
  snprintf(cell, CELL, " timer:(%s,%.30s,%" PRIu32 ")", word, due,
           asks ? c->probes : c->backoffs);
}

static void line_of(const struct lens_list *list, const struct lens_conn *conn, struct line *line)
{
  const la_sock_info *c = &conn->info;
  bool udp = c->protocol == LA_UDP;
  bool listening = !udp && lens_state_of(c->state) == LENS_LISTEN;
  const char *state = lens_state_name(c->state, LENS_SS);

  memset(line, 0, sizeof *line);
  if (udp)
    state = c->peer.port ? "ESTAB" : "UNCONN";
  snprintf(line->cell[NETID], CELL, "%s", udp ? "udp" : "tcp");
  snprintf(line->cell[STATE], CELL, "%s", state);
  snprintf(line->cell[RECV_Q], CELL, "%-6" PRIu64, format_linux_recv_q(conn));
  snprintf(line->cell[SEND_Q], CELL, "%-6" PRIu64,
           listening ? c->backlog : format_linux_send_q(conn));
  address_cell(c, c->local.addr, line->cell[LOCAL]);
  port_cell(c->local.port, line->cell[LOCAL_PORT]);
  address_cell(c, c->peer.addr, line->cell[PEER]);
  port_cell(c->peer.port, line->cell[PEER_PORT]);
  timer_cell(list, c, line->cell[PROCESS]);
}

/* The width of each column with what stands before it; 0: the column is left out. */
struct widths { size_t of[COLUMNS]; };

static struct widths measure(const struct line *lines, size_t n, bool netid, unsigned screen)
{
  struct widths widths = { { 0 } };
  size_t all = 0, columns = 0;

  for (int c = netid ? NETID : STATE; c < COLUMNS; c++) {
    for (size_t i = 0; i < n; i++)
      if (widths.of[c] < strlen(lines[i].cell[c]))
        widths.of[c] = strlen(lines[i].cell[c]);
    if (columns++ > 0)
      widths.of[c] += strlen(shapes[c].before);
    all += widths.of[c];
  }
  for (int c = COLUMNS - 1; all < screen && c >= 0; c--) {
    size_t more = columns ? (screen - all + columns - 1) / columns : 0;

    if (!widths.of[c])
      continue;
    widths.of[c] += more;                 /* what does not divide evenly goes to the last ones */
    all += more;
    columns--;
  }
  return widths;
}

static void print_line(FILE *out, const struct line *line, const struct widths *widths)
{
  char text[COLUMNS * (CELL + 512)];
  size_t n = 0;
  bool first = true;

  for (int c = 0; c < COLUMNS; c++) {
    size_t length = strlen(line->cell[c]), before = first ? 0 : strlen(shapes[c].before);
    size_t width = widths->of[c] < CELL + 500 ? widths->of[c] : CELL + 500;
    size_t blanks = width > before + length ? width - before - length : 0;

    if (!widths->of[c])
      continue;
    n += (size_t)sprintf(text + n, "%.*s%*s%s%*s", (int)before, shapes[c].before,
                         shapes[c].right ? (int)blanks : 0, "", line->cell[c],
                         shapes[c].right ? 0 : (int)blanks, "");
    first = false;
  }
  while (n && text[n - 1] == ' ')
    n--;
  fprintf(out, "%.*s\n", (int)n, text);
}

void format_ss(FILE *out, const struct lens_list *list, const struct format_rows *rows,
               const struct lens_look *look)
{
  struct line *lines = calloc(rows->n + 1, sizeof *lines);
  struct widths widths;
  bool netid = false;

  if (!lines)
    return;
  for (int c = 0; c < COLUMNS; c++)
    snprintf(lines[0].cell[c], CELL, "%s", shapes[c].header);
  for (size_t i = 0; i < rows->n; i++) {
    line_of(list, rows->row[i], &lines[i + 1]);
    netid = netid || rows->row[i]->info.protocol == LA_UDP;
  }
  widths = measure(lines, rows->n + 1, netid, look->columns);
  for (size_t i = 0; i <= rows->n; i++) {
    print_line(out, &lines[i], &widths);
    if (look->info && i > 0)
      format_ss_info(out, list, rows->row[i - 1]);
  }
  free(lines);
}
