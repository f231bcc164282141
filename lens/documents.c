/* documents.c - the tables that run the stack as files: Graphviz, JSON, and the generated pages
 * docs/STATE-MACHINE.md and docs/WHY.md. */
#include "tables.h"

#include <string.h>

enum { LABEL = 48 };

static const char generated[] =
  "<!-- Printed from the tables that the program executes (`make docs`); not to be edited. -->";

/* ---- Graphviz ---------------------------------------------------------------------------- */

/* "FIN-WAIT-1" as an identifier, for Graphviz and mermaid. */
static const char *identifier(uint8_t state, char *out, size_t size)
{
  snprintf(out, size, "%s", la_state_name(state));
  for (char *p = out; *p; p++)
    if (*p == '-')
      *p = '_';
  return out;
}

/* What ends a connection at once would hide the drawing if each row were an edge to CLOSED: it
 * stands in the box of the state that it leaves, as in the terminal's diagram. */
static void print_exits(FILE *out, uint8_t state, const char *before, const char *after)
{
  const char *between = before;
  char label[LABEL];
  la_fsm_row row;

  for (unsigned n = 0; la_fsm_row_get(n, &row); n++) {
    if (row.from != state || row.to == state || !tables_is_exit(&row))
      continue;
    fprintf(out, "%s%s", between, tables_label(&row, label, sizeof label));
    between = ", ";
  }
  if (between != before)
    fputs(after, out);
}

static void dot_node(FILE *out, uint8_t state)
{
  char name[LABEL];

  fprintf(out, "  %s [label=<<b>%s</b>", identifier(state, name, sizeof name),
          la_state_name(state));
  print_exits(out, state, "<br/><font point-size=\"8\" color=\"gray35\">x ", "</font>");
  fprintf(out, ">, tooltip=\"%s\"];\n", la_state_meaning(state));
}

static void dot_edge(FILE *out, const la_fsm_row *row)
{
  static const char *const styles[] = {
    [TABLES_CLIENT] = "penwidth=3, weight=8",
    [TABLES_SERVER] = "style=dashed, penwidth=2, weight=8",
    [TABLES_OTHER] = "penwidth=0.7",
  };
  char from[LABEL], to[LABEL], label[LABEL];

  identifier(row->from, from, sizeof from);
  fprintf(out, "  %s -> %s [label=\" %s\", %s];\n",
          lens_state_of(row->from) == LENS_CLOSED ? "CLOSED_before" : from,
          identifier(row->to, to, sizeof to), tables_label(row, label, sizeof label),
          styles[tables_path_of(row)]);
}

void lens_print_dot(FILE *out)
{
  la_fsm_row row;

  fputs("// The TCP state machine as lastack executes it. Bold: the usual way of a client;\n"
        "// dashed: that of a server; x EVENT: ends the connection at once, towards CLOSED.\n"
        "digraph tcp {\n"
        "  node [shape=box, style=rounded, fontname=\"Helvetica\"];\n"
        "  edge [fontname=\"Helvetica\", fontsize=10];\n"
        "  ranksep=0.6; nodesep=1.2;\n"
        "  CLOSED_before [label=<<b>CLOSED</b>>];\n", out);
  for (uint8_t state = 0; state < LA_STATE_COUNT; state++)
    dot_node(out, state);
  fputs("  { rank=same; LISTEN; SYN_SENT; }\n"
        "  { rank=same; FIN_WAIT_1; CLOSING; CLOSE_WAIT; }\n"
        "  { rank=same; FIN_WAIT_2; TIME_WAIT; LAST_ACK; }\n", out);
  for (unsigned n = 0; la_fsm_row_get(n, &row); n++)
    if (row.from != row.to && !tables_is_exit(&row))
      dot_edge(out, &row);
  fputs("}\n", out);
}

/* ---- JSON -------------------------------------------------------------------------------- */

static json_t *json_states(void)
{
  json_t *states = json_array();

  for (uint8_t state = 0; state < LA_STATE_COUNT; state++)
    json_array_append_new(states, json_pack("{s:s, s:s, s:s, s:i}", "name", la_state_name(state),
                                            "meaning", la_state_meaning(state), "waits_for",
                                            la_state_waits_for(state), "attributes",
                                            (int)la_state_attrs(state)));
  return states;
}

static json_t *json_rows(void)
{
  static const char *const paths[] = {
    [TABLES_CLIENT] = "client", [TABLES_SERVER] = "server", [TABLES_OTHER] = "other",
  };
  json_t *rows = json_array();
  la_fsm_row row;

  for (unsigned n = 0; la_fsm_row_get(n, &row); n++)
    json_array_append_new(rows, json_pack(
      "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "from", la_state_name(row.from), "event",
      la_fsm_event_name(row.event), "to", la_state_name(row.to), "origin", row.origin, "sends",
      row.sends, "rfc", row.rfc, "why", row.why, "path", paths[tables_path_of(&row)]));
  return rows;
}

void lens_print_fsm_json(FILE *out)
{
  json_t *object = json_pack("{s:i, s:o, s:o}", "lastack", (int)LENS_JSON_VERSION, "states",
                             json_states(), "rows", json_rows());

  json_dumpf(object, out, JSON_INDENT(1));
  fputc('\n', out);
  json_decref(object);
}

/* ---- docs/STATE-MACHINE.md --------------------------------------------------------------- */

static void print_attributes(FILE *out, unsigned attrs)
{
  static const struct { unsigned bit; const char *name; } names[] = {
    { LA_STATE_SYNCED, "SYNCED" }, { LA_STATE_TX_QUEUE, "TX_QUEUE" },
    { LA_STATE_RX_TEXT, "RX_TEXT" }, { LA_STATE_FIN_OUT, "FIN_OUT" },
    { LA_STATE_FIN_IN, "FIN_IN" }, { LA_STATE_ESTAB, "ESTAB" },
  };
  const char *before = "";

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (attrs & names[i].bit) {
      fprintf(out, "%s%s", before, names[i].name);
      before = " ";
    }
}

static void markdown_states(FILE *out)
{
  fputs("## States\n\n"
        "The attributes are what the steps of segment arrival ask for, instead of naming states:\n"
        "SYNCED, synchronized in the sense of RFC 9293 3.10.7.4; TX_QUEUE, the application may\n"
        "queue data; RX_TEXT, text of segments is taken; FIN_OUT, our FIN is queued or sent and\n"
        "not acknowledged; FIN_IN, the peer's FIN is taken; ESTAB, counted by tcpCurrEstab\n"
        "(RFC 4022).\n\n"
        "| state | waits for | meaning | attributes |\n|---|---|---|---|\n", out);
  for (uint8_t state = 0; state < LA_STATE_COUNT; state++) {
    fprintf(out, "| %s | %s | %s | ", la_state_name(state), la_state_waits_for(state),
            la_state_meaning(state));
    print_attributes(out, la_state_attrs(state));
    fputs(" |\n", out);
  }
}

static void markdown_events(FILE *out)
{
  fputs("\n## Events\n\n"
        "An event is a fact that the checks before it have established, not a flag that was seen.\n"
        "\n| event | the fact |\n|---|---|\n", out);
  for (uint8_t event = 0; la_fsm_event_name(event); event++)
    fprintf(out, "| %s | %s |\n", la_fsm_event_name(event), la_fsm_event_meaning(event));
}

static void markdown_mermaid(FILE *out)
{
  static const char *const arrows[] = {
    [TABLES_CLIENT] = "==>", [TABLES_SERVER] = "-.->", [TABLES_OTHER] = "-->",
  };
  la_fsm_row row;
  char from[LABEL], to[LABEL], label[LABEL];

  fputs("```mermaid\nflowchart TD\n  START([CLOSED])\n", out);
  for (uint8_t state = 0; state < LA_STATE_COUNT; state++) {
    fprintf(out, "  %s[\"%s", identifier(state, from, sizeof from), la_state_name(state));
    print_exits(out, state, "<br/><small>x ", "</small>");
    fputs("\"]\n", out);
  }
  for (unsigned n = 0; la_fsm_row_get(n, &row); n++) {
    if (row.from == row.to || tables_is_exit(&row))
      continue;
    identifier(row.from, from, sizeof from);
    fprintf(out, "  %s %s|%s| %s\n", lens_state_of(row.from) == LENS_CLOSED ? "START" : from,
            arrows[tables_path_of(&row)], tables_label(&row, label, sizeof label),
            identifier(row.to, to, sizeof to));
  }
  fputs("```\n", out);
}

static void markdown_diagram(FILE *out)
{
  const struct lens_look look = { .state = LENS_UNKNOWN };

  fputs("\n## The diagram\n\n"
        "Heavy: the usual way of a client; dashed: that of a server; x: ends the connection at\n"
        "once, the next state is CLOSED.\n\n", out);
  markdown_mermaid(out);
  fputs("\nThe same on a terminal (`lastack explain --diagram`):\n\n```text\n", out);
  lens_print_diagram(out, &look);
  fputs("```\n", out);
}

static void markdown_rows(FILE *out)
{
  la_fsm_row row;

  fputs("\n## Transitions\n\n"
        "Sections without a name are RFC 9293's.\n\n"
        "| from | event | origin | to | sends | section | why |\n|---|---|---|---|---|---|---|\n",
        out);
  for (unsigned n = 0; la_fsm_row_get(n, &row); n++)
    fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", la_state_name(row.from),
            la_fsm_event_name(row.event), row.origin,
            row.from == row.to ? "(stays)" : la_state_name(row.to),
            strcmp(row.sends, "NOTHING") ? row.sends : "", row.rfc, row.why);
}

static const char *cell_of(uint8_t state, uint8_t event)
{
  la_fsm_row row;

  for (unsigned n = 0; la_fsm_row_get(n, &row); n++)
    if (row.from == state && row.event == event)
      return row.to == state ? "(stays)" : la_state_name(row.to);
  return "";
}

static void markdown_grid(FILE *out)
{
  fputs("\n## The grid\n\n"
        "An empty cell cannot happen: the checks that come before establish no such fact in that\n"
        "state. It is asserted, walked exhaustively and fuzzed to be so.\n\n| |", out);
  for (uint8_t state = 0; state < LA_STATE_COUNT; state++)
    fprintf(out, " %s |", la_state_name(state));
  fputs("\n|---|", out);
  for (uint8_t state = 0; state < LA_STATE_COUNT; state++)
    fputs("---|", out);
  for (uint8_t event = 0; la_fsm_event_name(event); event++) {
    fprintf(out, "\n| %s |", la_fsm_event_name(event));
    for (uint8_t state = 0; state < LA_STATE_COUNT; state++)
      fprintf(out, " %s |", cell_of(state, event));
  }
  fputc('\n', out);
}

static void markdown_timers(FILE *out)
{
  la_timer_row row;

  fputs("\n## Timers\n\n"
        "At most one of each runs per connection. When several are due, this is their order.\n\n"
        "| timer | RFC | fires when |\n|---|---|---|\n", out);
  for (unsigned n = 0; la_timer_row_get(n, &row); n++)
    fprintf(out, "| %s | %s | %s |\n", row.name, row.rfc, row.text);
}

void lens_print_fsm_markdown(FILE *out)
{
  fprintf(out, "# The state machine\n\n%s\n\n", generated);
  fputs("This is the table that the stack executes (src/tcp/fsm.def), printed by the program\n"
        "itself. A connection's state changes by a row of it and in no other way.\n\n", out);
  markdown_states(out);
  markdown_events(out);
  markdown_diagram(out);
  markdown_rows(out);
  markdown_grid(out);
  markdown_timers(out);
}

/* ---- docs/WHY.md ------------------------------------------------------------------------- */

void lens_print_why_markdown(FILE *out)
{
  la_why_row row;

  fprintf(out, "# Why a packet was refused\n\n%s\n\n", generated);
  fputs("Nothing disappears from lastack without a reason. Each reason has a counter of its name\n"
        "(`lastack netstat --counters`) and an entry in the connection's flight recorder\n"
        "(`lastack netstat --story ID`). The step is that of RFC 9293 3.10.7 which refuses.\n\n"
        "| reason | step | RFC | what it means |\n|---|---|---|---|\n", out);
  for (unsigned n = 0; la_why_row_get(n, &row); n++)
    fprintf(out, "| %s | %s | %s | %s |\n", row.name, row.step, row.rfc, row.text);
}
