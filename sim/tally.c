/* tally.c - how often each row of the stack's tables was met. */
#include "tally.h"

#include <inttypes.h>
#include <stdlib.h>

void tally_stack(struct tally *t, const la_stack *s)
{
  const char *name = "", *meaning;

  for (unsigned n = 0; name && n < TALLY_ROWS; n++)
    t->met[n] += la_counter(s, n, &name, &meaning);
}

void tally_merge(struct tally *t, const struct tally *part)
{
  for (unsigned n = 0; n < TALLY_ROWS; n++)
    t->met[n] += part->met[n];
}

static void print_rows(FILE *out, const struct tally *t, const la_stack *s)
{
  const char *name, *meaning;
  unsigned n = 0, met = 0;

  fprintf(out, "%-32s %12s  %s\n", "row", "met", "what it says");
  for (; (void)la_counter(s, n, &name, &meaning), name && n < TALLY_ROWS; n++) {
    fprintf(out, "%-32s %12" PRIu64 "  %s\n", name, t->met[n], meaning);
    met += t->met[n] > 0;
  }
  fprintf(out, "%u of %u rows were met\n", met, n);
}

/* The names of the rows are a stack's to tell: a small one does. */
bool tally_print(FILE *out, const struct tally *t)
{
  la_config config;
  la_stack *stack;
  void *memory;
  size_t size;

  la_config_default(&config);
  config.tcp_connections = 1;
  config.slabs = 8;
  size = la_size(&config);
  memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
  stack = memory ? la_init(memory, size, &config, 0) : NULL;
  if (stack)
    print_rows(out, t, stack);
  free(memory);
  return stack != NULL;
}
