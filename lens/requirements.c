/* requirements.c - RFC 9293 Appendix B as lastack meets it, printed from requirements.def. */
#include "lens.h"

#include <string.h>

enum kind { AREA_NAME, MET, DECLINES, DOES_NOT_APPLY };
struct requirement {
  enum kind kind;
  const char *id, *strength, *section, *sentence, *where, *tests;
};

static const struct requirement requirements[] = {
#define AREA(name) { AREA_NAME, "", "", "", name, "", "" },
#define REQUIREMENT(id, strength, section, sentence, where, tests) \
  { MET, id, strength, section, sentence, where, tests },
#define DECLINED(id, section, sentence, reason) \
  { DECLINES, id, "", section, sentence, reason, "" },
#define NA(id, section, sentence, reason) \
  { DOES_NOT_APPLY, id, "", section, sentence, reason, "" },
#include "requirements.def"
};
enum { REQUIREMENTS = sizeof requirements / sizeof *requirements };

static const char *kind_text(const struct requirement *r)
{
  if (r->kind == MET)
    return r->strength;
  return r->kind == DECLINES ? "not done" : "does not apply";
}

static void print_text(FILE *out, const struct requirement *r)
{
  if (r->kind == AREA_NAME) {
    fprintf(out, "\n%s\n", r->sentence);
    return;
  }
  fprintf(out, "%-8s %-14s %-10s %s\n", r->id, kind_text(r), r->section, r->sentence);
  fprintf(out, "%34s %s: %s\n", "", r->kind == MET ? "where" : "because", r->where);
  if (r->kind == MET)
    fprintf(out, "%34s test: %s\n", "", *r->tests ? r->tests : "none");
}

static void print_markdown(FILE *out, const struct requirement *r)
{
  if (r->kind == AREA_NAME)
    fprintf(out, "\n## %s\n\n"
            "| requirement | | section | what is asked | where, or why not | tests |\n"
            "|---|---|---|---|---|---|\n", r->sentence);
  else
    fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", r->id, kind_text(r), r->section, r->sentence,
            r->where, r->tests);
}

static void print_sum(FILE *out)
{
  unsigned rows = 0, must = 0, shown = 0;

  for (int i = 0; i < REQUIREMENTS; i++) {
    const struct requirement *r = &requirements[i];

    if (r->kind == AREA_NAME)
      continue;
    rows++;
    if (strncmp(r->id, "MUST", 4) == 0) {
      must++;
      shown += (*r->tests != '\0') | (r->kind == DOES_NOT_APPLY);
    }
  }
  fprintf(out, "\n%u rows of RFC 9293 Appendix B; %u of its %u MUSTs have a test or do not "
          "apply.\n", rows, shown, must);
}

void lens_print_requirements(FILE *out, bool markdown)
{
  if (markdown)
    fputs("# RFC 9293, requirement by requirement\n\n"
          "<!-- Printed by the program (`make docs`); not to be edited. -->\n\n"
          "Appendix B of RFC 9293 row by row. `test/system/requirements.py` checks that none is\n"
          "missing, that each test that is named exists, and that no MUST is without one.\n", out);
  for (int i = 0; i < REQUIREMENTS; i++) {
    if (markdown)
      print_markdown(out, &requirements[i]);
    else
      print_text(out, &requirements[i]);
  }
  print_sum(out);
}
