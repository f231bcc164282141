/* diagram.c - the state machine drawn on a terminal, edge by edge out of its table.
 *
 * The usual way of a client is a heavy line, that of a server dashed, the rest thin. Rows that
 * end a connection at once (RST, ABORT, time-outs) would hide the drawing if each were a line to
 * CLOSED: they stand in the box of the state that they leave. A row for which layout.def has no
 * line is written below the drawing, so that none can be missing. */
#include "format.h"
#include "tables.h"

#include <string.h>

enum { WIDTH = 110, HEIGHT = 52, BOX_WIDTH = 24, CORNERS = 5, LABEL = 48, EXIT_LINES = 3 };
enum style { NONE, THIN, DASHED, HEAVY, STYLES };
enum side { LEFT = 1, RIGHT = 2, UP = 4, DOWN = 8 };

struct point { int x, y; };
struct box { enum lens_state state; int x, y; };
struct route {
  enum lens_state from, to;
  struct point label, corner[CORNERS];    /* ends at the first {0, 0} */
};
static const struct box boxes[] = {
#define BOX(state, x, y) { LENS_##state, x, y },
#include "layout.def"
};
static const struct route routes[] = {
#define ROUTE(from, to, x, y, ...) { LENS_##from, LENS_##to, { x, y }, __VA_ARGS__ },
#include "layout.def"
};
enum { BOXES = sizeof boxes / sizeof *boxes, ROUTES = sizeof routes / sizeof *routes };

struct canvas {
  char    text[HEIGHT][WIDTH];            /* a letter, or 0 for a line */
  uint8_t sides[HEIGHT][WIDTH];           /* enum side: where lines leave a cell */
  uint8_t style[HEIGHT][WIDTH];
  uint8_t state[HEIGHT][WIDTH];           /* 1 + the state whose name this is, for its colour */
  uint8_t head[HEIGHT][WIDTH];            /* enum side: an arrow's head pointing there */
};

/* ---- drawing ----------------------------------------------------------------------------- */

static void put_text(struct canvas *canvas, int x, int y, const char *text, unsigned state)
{
  for (; *text && x < WIDTH && y < HEIGHT; text++, x++) {
    canvas->text[y][x] = *text;
    canvas->state[y][x] = (uint8_t)state;
  }
}

/* One straight piece, both ends included. */
static void put_line(struct canvas *canvas, struct point from, struct point to, enum style style)
{
  int dx = (to.x > from.x) - (to.x < from.x), dy = (to.y > from.y) - (to.y < from.y);
  unsigned ahead = dx > 0 ? RIGHT : dx < 0 ? LEFT : dy > 0 ? DOWN : UP;
  unsigned behind = dx > 0 ? LEFT : dx < 0 ? RIGHT : dy > 0 ? UP : DOWN;

  while (from.x != to.x || from.y != to.y) {
    canvas->sides[from.y][from.x] |= (uint8_t)ahead;
    canvas->style[from.y][from.x] = (uint8_t)style;
    from.x += dx;
    from.y += dy;
    canvas->sides[from.y][from.x] |= (uint8_t)behind;
    canvas->style[from.y][from.x] = (uint8_t)style;
  }
}

static void put_route(struct canvas *canvas, const struct route *route, enum style style)
{
  int i = 0;

  while (i + 1 < CORNERS && (route->corner[i + 1].x || route->corner[i + 1].y)) {
    put_line(canvas, route->corner[i], route->corner[i + 1], style);
    i++;
  }
  if (i > 0) {
    struct point end = route->corner[i], before = route->corner[i - 1];

    canvas->head[end.y][end.x] = end.x > before.x ? RIGHT : end.x < before.x ? LEFT
                               : end.y > before.y ? DOWN : UP;
  }
}

static enum style style_of(const la_fsm_row *row)
{
  static const enum style styles[] = {
    [TABLES_CLIENT] = HEAVY, [TABLES_SERVER] = DASHED, [TABLES_OTHER] = THIN,
  };

  return styles[tables_path_of(row)];
}

/* The rows from one state to another: their line, and below each other what they are called. */
static bool put_edge(struct canvas *canvas, const la_fsm_row *row, unsigned *labels)
{
  char label[LABEL];

  for (int i = 0; i < ROUTES; i++) {
    if (routes[i].from != lens_state_of(row->from) || routes[i].to != lens_state_of(row->to))
      continue;
    put_route(canvas, &routes[i], style_of(row));
    put_text(canvas, routes[i].label.x, routes[i].label.y + (int)labels[i]++,
             tables_label(row, label, sizeof label), 0);
    return true;
  }
  return false;
}

/* "x RCV_RST ABORT/RST", in as many lines of the box as it takes. */
static int put_exits(struct canvas *canvas, const struct box *box)
{
  la_fsm_row row;
  int x = 0, y = box->y + 2;

  for (unsigned n = 0; la_fsm_row_get(n, &row); n++) {
    char label[LABEL];
    int length;

    if (lens_state_of(row.from) != box->state || row.from == row.to || !tables_is_exit(&row))
      continue;
    length = snprintf(label, sizeof label, strcmp(row.sends, "NOTHING") ? "%s/%s" : "%s",
                      la_fsm_event_name(row.event), row.sends);
    if (x && x + 1 + length > BOX_WIDTH - 4) {
      x = 0;
      y++;
    }
    if (!x)
      put_text(canvas, box->x + 1, y, y == box->y + 2 ? "x" : " ", 0);
    put_text(canvas, box->x + 3 + x, y, label, 0);
    x += length + 1;
  }
  return x ? y : y - 1;
}

static void put_box(struct canvas *canvas, const struct box *box)
{
  int bottom = put_exits(canvas, box) + 1;
  int right = box->x + BOX_WIDTH - 1;
  const char *name = lens_state_name(lens_state_number(box->state), LENS_RFC);

  put_text(canvas, box->x + (BOX_WIDTH - (int)strlen(name)) / 2, box->y + 1, name,
           1 + (unsigned)box->state);
  put_line(canvas, (struct point){ box->x, box->y }, (struct point){ right, box->y }, THIN);
  put_line(canvas, (struct point){ right, box->y }, (struct point){ right, bottom }, THIN);
  put_line(canvas, (struct point){ right, bottom }, (struct point){ box->x, bottom }, THIN);
  put_line(canvas, (struct point){ box->x, bottom }, (struct point){ box->x, box->y }, THIN);
}

/* ---- printing ---------------------------------------------------------------------------- */

static const char *glyph_of(unsigned sides, enum style style, bool ascii)
{
  static const char *const plain[STYLES][2] = {    /* across, down */
    [NONE] = { " ", " " }, [THIN] = { "-", "|" }, [DASHED] = { ".", ":" }, [HEAVY] = { "=", "#" },
  };
  static const char *const thin[16] = {
    " ", "─", "─", "─", "│", "┘", "└", "┴", "│", "┐", "┌", "┬", "│", "┤", "├", "┼",
  };
  static const char *const heavy[16] = {
    " ", "━", "━", "━", "┃", "┛", "┗", "┻", "┃", "┓", "┏", "┳", "┃", "┫", "┣", "╋",
  };
  bool across = !(sides & (UP | DOWN)), down = !(sides & (LEFT | RIGHT));

  if (ascii)
    return across ? plain[style][0] : down ? plain[style][1] : style == HEAVY ? "#" : "+";
  if (style == DASHED && (across || down))
    return across ? "╌" : "╎";
  return style == HEAVY ? heavy[sides] : thin[sides];
}

static const char *head_of(unsigned side, bool ascii)
{
  static const char *const heads[] = {
    [LEFT] = "◀", [RIGHT] = "▶", [UP] = "▲", [DOWN] = "▼",
  };
  static const char plain[][2] = { [LEFT] = "<", [RIGHT] = ">", [UP] = "^", [DOWN] = "v" };

  return ascii ? plain[side] : heads[side];
}

static void print_cell(FILE *out, const struct canvas *canvas, int x, int y,
                       const struct lens_look *look)
{
  unsigned state = canvas->state[y][x];

  if (canvas->head[y][x]) {
    fputs(head_of(canvas->head[y][x], look->ascii), out);
  } else if (canvas->text[y][x] && state) {
    format_colour(out, look, "1");
    format_colour(out, look, format_state_colour((enum lens_state)(state - 1)));
    fputc(canvas->text[y][x], out);
    format_plain(out, look);
  } else if (canvas->text[y][x]) {
    fputc(canvas->text[y][x], out);
  } else {
    fputs(glyph_of(canvas->sides[y][x], (enum style)canvas->style[y][x], look->ascii), out);
  }
}

static void print_canvas(FILE *out, const struct canvas *canvas, const struct lens_look *look)
{
  int bottom = HEIGHT;

  for (int y = 0; y < bottom; y++) {
    int right = WIDTH;

    while (right > 0 && !canvas->text[y][right - 1] && !canvas->sides[y][right - 1])
      right--;
    if (!right && y > boxes[BOXES - 1].y)
      return;
    for (int x = 0; x < right; x++)
      print_cell(out, canvas, x, y, look);
    fputc('\n', out);
  }
}

static void print_legend(FILE *out, const struct lens_look *look)
{
  bool ascii = look->ascii;

  fprintf(out, "\n%s the usual way of a client   %s the usual way of a server   %s the rest\n",
          ascii ? "====" : "━━━━", ascii ? "...." : "╌╌╌╌", ascii ? "----" : "────");
  fputs("EVENT / what is sent;  x EVENT: ends the connection at once, the next state is CLOSED.\n"
        "`lastack explain STATE` says why, `lastack explain --all` prints the whole table.\n", out);
}

void lens_print_diagram(FILE *out, const struct lens_look *look)
{
  struct canvas canvas;
  unsigned labels[ROUTES] = { 0 };
  la_fsm_row row, left;
  char label[LABEL];

  memset(&canvas, 0, sizeof canvas);
  for (int i = 0; i < BOXES; i++)
    put_box(&canvas, &boxes[i]);
  for (unsigned n = 0; la_fsm_row_get(n, &row); n++)
    if (row.from != row.to && !tables_is_exit(&row))
      (void)put_edge(&canvas, &row, labels);
  print_canvas(out, &canvas, look);
  print_legend(out, look);
  for (unsigned n = 0; la_fsm_row_get(n, &left); n++)
    if (left.from != left.to && !tables_is_exit(&left) && !put_edge(&canvas, &left, labels))
      fprintf(out, "not in the drawing: %s, %s, %s\n", la_state_name(left.from),
              tables_label(&left, label, sizeof label), la_state_name(left.to));
}
