/* requirements.c - what the RFCs ask and where lastack meets it, printed from rfc/all.def. */
#include "lens.h"

#include <string.h>

enum kind { RFC_TITLE, AREA_NAME, MET, DECLINES, DOES_NOT_APPLY };
struct requirement {
  enum kind kind;
  unsigned rfc;                 /* of an RFC_TITLE */
  const char *id, *strength, *section, *sentence, *where, *tests;
};

static const struct requirement requirements[] = {
#define RFC(number, title) { RFC_TITLE, number, "", "", "", title, "", "" },
#define AREA(name) { AREA_NAME, 0, "", "", "", name, "", "" },
#define REQUIREMENT(id, strength, section, sentence, where, tests) \
  { MET, 0, id, strength, section, sentence, where, tests },
#define DECLINED(id, section, sentence, reason) \
  { DECLINES, 0, id, "", section, sentence, reason, "" },
#define NA(id, section, sentence, reason) \
  { DOES_NOT_APPLY, 0, id, "", section, sentence, reason, "" },
#include "rfc/all.def"
};
enum { REQUIREMENTS = sizeof requirements / sizeof *requirements };

/* What belongs to one RFC: its rows and the number of them of each kind. */
struct chapter {
  const struct requirement *title, *first, *end;
  unsigned rows, musts, shown, declined;
};

/* A row that must be met: RFC 9293 says so in its id also where the row does not apply. */
static bool is_must(const struct requirement *r)
{
  return strncmp(r->id, "MUST", 4) == 0 || strncmp(r->strength, "MUST", 4) == 0;
}

/* The chapter that begins at or behind `r`; title NULL: there is none. */
static struct chapter chapter_from(const struct requirement *r)
{
  const struct requirement *const end = requirements + REQUIREMENTS;
  struct chapter c = { 0 };

  while (r < end && r->kind != RFC_TITLE)
    r++;
  if (r == end)
    return c;
  c.title = r++;
  c.first = r;
  for (; r < end && r->kind != RFC_TITLE; r++) {
    c.rows += r->kind != AREA_NAME;
    c.declined += r->kind == DECLINES;
    c.musts += is_must(r);
    c.shown += is_must(r) && (*r->tests != '\0' || r->kind == DOES_NOT_APPLY);
  }
  c.end = r;
  return c;
}

static const char *kind_text(const struct requirement *r)
{
  if (r->kind == MET)
    return *r->strength ? r->strength : "-";
  return r->kind == DECLINES ? "not done" : "does not apply";
}

static void print_text(FILE *out, const struct requirement *r)
{
  if (r->kind == AREA_NAME) {
    fprintf(out, "\n%s\n", r->sentence);
    return;
  }
  fprintf(out, "%-8s %-14s %-10s %s\n", *r->id ? r->id : "-", kind_text(r), r->section,
          r->sentence);
  fprintf(out, "%34s %s: %s\n", "", r->kind == MET ? "where" : "because", r->where);
  if (r->kind == MET)
    fprintf(out, "%34s test: %s\n", "", *r->tests ? r->tests : "none");
}

static void print_markdown(FILE *out, const struct requirement *r, bool first)
{
  if (r->kind == AREA_NAME)
    fprintf(out, "\n## %s\n", r->sentence);
  if (first || r->kind == AREA_NAME)
    fputs("\n| requirement | | section | what is asked | where, or why not | tests |\n"
          "|---|---|---|---|---|---|\n", out);
  if (r->kind != AREA_NAME)
    fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", r->id, kind_text(r), r->section, r->sentence,
            r->where, r->tests);
}

static void print_chapter(FILE *out, const struct chapter *c, bool markdown)
{
  const char *const nine = c->title->rfc == 9293 ? " of Appendix B" : "";

  fprintf(out, markdown ? "# RFC %u: %s\n\n" : "RFC %u, %s\n", c->title->rfc, c->title->sentence);
  if (markdown)
    fputs("<!-- Printed by the program (`make docs`); not to be edited. -->\n", out);
  for (const struct requirement *r = c->first; r < c->end; r++) {
    if (markdown)
      print_markdown(out, r, r == c->first && r->kind != AREA_NAME);
    else
      print_text(out, r);
  }
  fprintf(out, "\n%u rows%s; %u of %u MUSTs have a test or do not apply.\n", c->rows, nine,
          c->shown, c->musts);
}

bool lens_print_requirements(FILE *out, unsigned rfc, bool markdown)
{
  bool any = false;

  for (struct chapter c = chapter_from(requirements); c.title; c = chapter_from(c.end)) {
    if (c.rows == 0 || (rfc != 0 && c.title->rfc != rfc))
      continue;
    if (any)
      fputs("\n\n", out);
    print_chapter(out, &c, markdown);
    any = true;
  }
  return any;
}

void lens_print_rfcs(FILE *out)
{
  fprintf(out, "%6s %6s %6s %6s %9s  %s\n", "RFC", "rows", "MUSTs", "shown", "not done", "title");
  for (struct chapter c = chapter_from(requirements); c.title; c = chapter_from(c.end))
    if (c.rows > 0)
      fprintf(out, "%6u %6u %6u %6u %9u  %s\n", c.title->rfc, c.rows, c.musts, c.shown, c.declined,
              c.title->sentence);
}

void lens_print_rfcs_markdown(FILE *out)
{
  fputs("# What the RFCs ask, requirement by requirement\n\n"
        "<!-- Printed by the program (`make docs`); not to be edited. -->\n\n"
        "A page for each RFC: what is asked, where it is met or why it is not, and which test\n"
        "shows it. `test/system/requirements.py` checks that no row of RFC 9293's Appendix B\n"
        "is missing, that each test that is named exists, and that no MUST is without one.\n"
        "`lastack explain --rfcs` counts the rows, `lastack explain --requirements 8985` prints "
        "those of one.\n\n| RFC | |\n|---|---|\n", out);
  for (struct chapter c = chapter_from(requirements); c.title; c = chapter_from(c.end))
    if (c.rows > 0)
      fprintf(out, "| [%u](rfc/rfc%u.md) | %s |\n", c.title->rfc, c.title->rfc, c.title->sentence);
}
