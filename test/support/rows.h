/* rows.h - which rows of the stack's tables a test program has met: with LASTACK_ROWS=FILE in the
 * environment it appends their names to FILE, and test/system/reasons.py reads them. */
#ifndef LA_TEST_ROWS_H
#define LA_TEST_ROWS_H
#include "lastack.h"
#include "support/unit.h"

static inline void rows_note(FILE *file, const char *name, uint64_t met)
{
  if (met > 0)
    fprintf(file, "%s\n", name);
}

static inline FILE *rows_file(void)
{
  const char *const path = getenv("LASTACK_ROWS");

  return path ? fopen(path, "a") : NULL;
}

/* Of a stack that is about to end. */
static inline void rows_of_stack(const la_stack *s)
{
  FILE *const file = rows_file();
  const char *name, *meaning;
  uint64_t met;

  if (!file)
    return;
  for (unsigned n = 0; met = la_counter(s, n, &name, &meaning), name; n++)
    rows_note(file, name, met);
  fclose(file);
}

#endif
