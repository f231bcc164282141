/* format.c - which sockets are printed, in which order, by which dialect. */
#include "format.h"

#include <stdlib.h>
#include <string.h>

int lens_format_of_text(const char *text)
{
  static const char *const names[] = {
    [LENS_AS_LONG] = "long", [LENS_AS_NETSTAT] = "netstat", [LENS_AS_SS] = "ss",
    [LENS_AS_BSD] = "bsd", [LENS_AS_JSON] = "json",
  };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], text) == 0)
      return (int)i;
  return -1;
}

uint64_t format_linux_recv_q(const struct lens_conn *conn)
{
  const la_sock_info *c = &conn->info;
  enum lens_state state = lens_state_of(c->state);
  bool fin_in = (la_state_attrs(c->state) & LA_STATE_FIN_IN) && state != LENS_TIME_WAIT;

  if (c->protocol == LA_UDP)
    return c->receive_queue;
  if (state == LENS_LISTEN)
    return c->accept_queue;
  return c->receive_queue + (uint64_t)(fin_in && !(c->flags & LA_SOCK_EOF_READ));
}

uint64_t format_linux_send_q(const struct lens_conn *conn)
{
  const la_sock_info *c = &conn->info;

  if (c->protocol == LA_UDP)
    return c->send_queue;
  switch (lens_state_of(c->state)) {      /* the states in which SYN or FIN is unacknowledged */
  case LENS_LISTEN:
    return 0;
  case LENS_SYN_SENT: case LENS_FIN_WAIT_1: case LENS_CLOSING: case LENS_LAST_ACK:
    return c->send_queue + UINT64_C(1);
  default:
    return c->send_queue;
  }
}

void format_colour(FILE *out, const struct lens_look *look, const char *code)
{
  if (look->colours && *code)
    fprintf(out, "\033[%sm", code);
}

void format_plain(FILE *out, const struct lens_look *look)
{
  if (look->colours)
    fputs("\033[0m", out);
}

/* Green runs, yellow is on its way, red waits for our own application, dim is over. */
const char *format_state_colour(enum lens_state state)
{
  static const char *const colours[] = {
    [LENS_CLOSED] = "2", [LENS_LISTEN] = "36", [LENS_SYN_SENT] = "33", [LENS_SYN_RECEIVED] = "33",
    [LENS_ESTABLISHED] = "32", [LENS_FIN_WAIT_1] = "33", [LENS_FIN_WAIT_2] = "33",
    [LENS_CLOSE_WAIT] = "31", [LENS_CLOSING] = "33", [LENS_LAST_ACK] = "33",
    [LENS_TIME_WAIT] = "2", [LENS_UNKNOWN] = "",
  };

  return colours[state];
}

/* A word, and with a number its unit: "1.5 s" is not parted at the end of a line. */
static size_t word_length(const char *text)
{
  size_t length = strcspn(text, " "), unit;

  if (length == 0 || text[length] == '\0' || text[length - 1] < '0' || text[length - 1] > '9')
    return length;
  unit = strcspn(text + length + 1, " .,;:)");
  if (unit > 3)
    return length;
  return length + 1 + strcspn(text + length + 1, " ");
}

void format_wrapped(FILE *out, const char *text, unsigned at, unsigned indent, unsigned columns)
{
  while (*text) {
    size_t length = word_length(text);

    if (at > indent && at + 1 + length > columns) {
      fprintf(out, "\n%*s", (int)indent, "");
      at = indent;
    } else if (at > indent) {
      fputc(' ', out);
      at++;
    }
    fwrite(text, 1, length, out);
    at += (unsigned)length;
    text += length;
    text += strspn(text, " ");
  }
  fputc('\n', out);
}

/* A socket without a connection is no connection: only --all shows it, as in `ss --all`. */
static bool wanted(const struct lens_conn *conn, const struct lens_look *look)
{
  enum lens_state state = lens_state_of(conn->info.state);
  bool udp = conn->info.protocol == LA_UDP;

  if (look->state != LENS_UNKNOWN)
    return !udp && state == look->state;
  if (look->listening)
    return udp ? conn->info.peer.port == 0 : state == LENS_LISTEN;
  return udp || state != LENS_CLOSED || look->all;
}

/* Groups in the order of printing; within a group the source's order stays. */
static unsigned group_of(const struct lens_conn *conn, const struct lens_look *look)
{
  bool udp_first = look->format == LENS_AS_SS;

  if (conn->info.protocol == LA_UDP)
    return udp_first ? 0 : 3;
  return lens_state_of(conn->info.state) == LENS_LISTEN ? 1 : 2;
}

static bool select_rows(const struct lens_list *list, const struct lens_look *look,
                        struct format_rows *rows)
{
  rows->n = 0;
  rows->row = calloc(list->n ? list->n : 1, sizeof(const struct lens_conn *));
  if (!rows->row)
    return false;
  for (unsigned group = 0; group <= 3; group++)
    for (size_t i = 0; i < list->n; i++)
      if (group_of(&list->conns[i], look) == group && wanted(&list->conns[i], look))
        rows->row[rows->n++] = &list->conns[i];
  return true;
}

static void format_json(FILE *out, const struct lens_list *list, const struct format_rows *rows)
{
  json_t *sockets = json_array();
  json_t *object = json_pack("{s:i, s:s, s:I, s:o}", "lastack", (int)LENS_JSON_VERSION,
                             "program", LA_VERSION, "now_ns", (json_int_t)list->now, "sockets",
                             sockets);

  for (size_t i = 0; i < rows->n; i++) {
    json_t *socket_object = lens_json_of_conn(rows->row[i]);
    struct lens_verdict verdict;

    lens_explain(list, rows->row[i], &verdict);
    json_object_set_new(socket_object, "who_must_move",
                        json_string(lens_who_name(verdict.who)));
    json_object_set_new(socket_object, "rule", json_string(lens_rule_name(verdict.rule)));
    json_object_set_new(socket_object, "why", json_string(verdict.why));
    json_array_append_new(sockets, socket_object);
  }
  json_dumpf(object, out, JSON_INDENT(2));
  fputc('\n', out);
  json_decref(object);
}

void lens_print_list(FILE *out, const struct lens_list *list, const struct lens_look *look)
{
  struct format_rows rows;

  if (!select_rows(list, look, &rows))
    return;
  if (look->format == LENS_AS_JSON)
    format_json(out, list, &rows);
  else if (look->format == LENS_AS_NETSTAT)
    format_netstat(out, &rows, look);
  else if (look->format == LENS_AS_SS)
    format_ss(out, list, &rows, look);
  else if (look->format == LENS_AS_BSD)
    format_bsd(out, &rows);
  else
    format_long(out, list, &rows, look);
  free(rows.row);
}
