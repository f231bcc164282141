/* tables.c - the tables that run the stack, as text for a terminal: `lastack explain`. */
#include "tables.h"
#include "format.h"

#include <string.h>

enum { WRAP = 100, LABEL = 48 };

struct step { const char *from, *event; };
static const struct step client_path[] = {
  { "CLOSED", "OPEN_ACTIVE" }, { "SYN-SENT", "RCV_SYN_ACK" }, { "ESTABLISHED", "CLOSE" },
  { "FIN-WAIT-1", "RCV_ACK_OF_FIN" }, { "FIN-WAIT-2", "RCV_FIN" }, { "TIME-WAIT", "TIMEOUT_2MSL" },
};
static const struct step server_path[] = {
  { "CLOSED", "OPEN_PASSIVE" }, { "LISTEN", "RCV_SYN" }, { "SYN-RECEIVED", "RCV_ACK_OF_SYN" },
  { "ESTABLISHED", "RCV_FIN" }, { "CLOSE-WAIT", "CLOSE" }, { "LAST-ACK", "RCV_ACK_OF_FIN" },
};

static bool on_path(const la_fsm_row *row, const struct step *path, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(la_state_name(row->from), path[i].from) == 0
        && strcmp(la_fsm_event_name(row->event), path[i].event) == 0)
      return true;
  return false;
}

enum tables_path tables_path_of(const la_fsm_row *row)
{
  if (on_path(row, client_path, sizeof client_path / sizeof *client_path))
    return TABLES_CLIENT;
  if (on_path(row, server_path, sizeof server_path / sizeof *server_path))
    return TABLES_SERVER;
  return TABLES_OTHER;
}

bool tables_is_exit(const la_fsm_row *row)
{
  return lens_state_of(row->to) == LENS_CLOSED && tables_path_of(row) == TABLES_OTHER;
}

const char *tables_label(const la_fsm_row *row, char *out, size_t size)
{
  const char *event = la_fsm_event_name(row->event);

  if (strcmp(row->sends, "NOTHING") == 0)
    snprintf(out, size, "%s", event);
  else
    snprintf(out, size, "%s / %s", event, row->sends);
  return out;
}

/* ---- one state --------------------------------------------------------------------------- */

struct advice { enum lens_state state; const char *timers, *lasts, *todo; };
static const struct advice advices[] = {
#define ADVICE(state, timers, lasts, todo) { LENS_##state, timers, lasts, todo },
#include "advice.def"
};
_Static_assert(sizeof advices / sizeof *advices == LA_STATE_COUNT, "advice for each state");

static unsigned columns_of(const struct lens_look *look)
{
  return look->columns && look->columns < WRAP ? look->columns : WRAP;
}

static void heading(FILE *out, const char *text, const struct lens_look *look)
{
  format_colour(out, look, "1");
  fprintf(out, "%s", text);
  format_plain(out, look);
  fputc('\n', out);
}

static void paragraph(FILE *out, const char *label, const char *text, const struct lens_look *look)
{
  fprintf(out, "  %-11s", label);
  format_wrapped(out, text, 13, 13, columns_of(look));
}

static void print_row(FILE *out, const la_fsm_row *row, const char *other,
                      const struct lens_look *look)
{
  char label[LABEL], text[512];

  tables_label(row, label, sizeof label);
  snprintf(text, sizeof text, "%s (%s%s)", row->why, *row->rfc == 'R' ? "" : "RFC 9293 ", row->rfc);
  fprintf(out, "  %-24s %-13s", label, other);
  format_wrapped(out, text, 40, 40, columns_of(look) > 60 ? columns_of(look) : 60);
}

/* The rows that lead into a state, out of it, or that stay in it. */
enum direction { IN, OUT, STAY };

static void print_rows(FILE *out, uint8_t state, enum direction direction,
                       const struct lens_look *look)
{
  static const char *const titles[] = {
    [IN] = "How a connection gets here (event / what is sent, from)",
    [OUT] = "How it leaves (event / what is sent, to)", [STAY] = "What does not change it",
  };
  la_fsm_row row;
  bool any = false;

  for (unsigned n = 0; la_fsm_row_get(n, &row); n++) {
    bool stays = row.from == row.to;
    bool here = direction == IN ? !stays && row.to == state
              : direction == OUT ? !stays && row.from == state : stays && row.from == state;

    if (!here)
      continue;
    if (!any)
      heading(out, titles[direction], look);
    any = true;
    print_row(out, &row, stays ? "" : la_state_name(direction == IN ? row.from : row.to), look);
  }
}

static bool is_among(const char *name, const char *names)
{
  size_t length = strlen(name);

  while (*names) {
    size_t here = strcspn(names, " ");

    if (here == length && strncmp(names, name, length) == 0)
      return true;
    names += here + strspn(names + here, " ");
  }
  return false;
}

static void print_state_timers(FILE *out, const char *names, const struct lens_look *look)
{
  la_timer_row row;
  char text[512];
  bool any = false;

  for (unsigned n = 0; la_timer_row_get(n, &row); n++) {
    if (!is_among(row.name, names))
      continue;
    if (!any)
      heading(out, "Which timers may run", look);
    any = true;
    snprintf(text, sizeof text, "%s (%s)", row.text, row.rfc);
    paragraph(out, row.name, text, look);
  }
}

static void print_spellings(FILE *out, uint8_t state, const struct lens_look *look)
{
  char text[160];

  snprintf(text, sizeof text, "%s in net-tools' netstat, %s in ss, %s in BSD",
           lens_state_name(state, LENS_NETSTAT), lens_state_name(state, LENS_SS),
           lens_state_name(state, LENS_BSD));
  paragraph(out, "spelled", text, look);
}

void lens_print_state(FILE *out, uint8_t state, const struct lens_look *look)
{
  enum lens_state known = lens_state_of(state);
  const struct advice *advice = advices;

  while (advice->state != known)
    advice++;
  format_colour(out, look, format_state_colour(known));
  heading(out, la_state_name(state), look);
  paragraph(out, "means", la_state_meaning(state), look);
  print_spellings(out, state, look);
  paragraph(out, "waits for", la_state_waits_for(state), look);
  paragraph(out, "lasts", advice->lasts, look);
  paragraph(out, "to do", advice->todo, look);
  print_rows(out, state, IN, look);
  print_rows(out, state, OUT, look);
  print_rows(out, state, STAY, look);
  print_state_timers(out, advice->timers, look);
}

/* ---- all of them ------------------------------------------------------------------------- */

void lens_print_states(FILE *out, const struct lens_look *look)
{
  fprintf(out, "%-13s  %-22s  meaning\n", "state", "waits for");
  for (int known = 0; known < LA_STATE_COUNT; known++) {
    uint8_t state = lens_state_number((enum lens_state)known);

    format_colour(out, look, format_state_colour((enum lens_state)known));
    fprintf(out, "%-13s", la_state_name(state));
    format_plain(out, look);
    fprintf(out, "  %-22s  ", la_state_waits_for(state));
    format_wrapped(out, la_state_meaning(state), 39, 39, columns_of(look));
  }
  fputs("\nlastack explain STATE | --diagram | --dot | --all | --why | --timers\n", out);
}

void lens_print_timers(FILE *out, const struct lens_look *look)
{
  la_timer_row row;

  for (unsigned n = 0; la_timer_row_get(n, &row); n++) {
    fprintf(out, "%-11s  %-17s  ", row.name, row.rfc);
    format_wrapped(out, row.text, 32, 32, columns_of(look));
  }
}

void lens_print_reasons(FILE *out, const struct lens_look *look)
{
  la_why_row row;

  for (unsigned n = 0; la_why_row_get(n, &row); n++) {
    char text[512];

    snprintf(text, sizeof text, *row.rfc ? "%s (RFC %s)" : "%s", row.text, row.rfc);
    fprintf(out, "%-18s  ", row.name);
    format_wrapped(out, text, 20, 20, columns_of(look));
  }
}
