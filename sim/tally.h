/* tally.h - how often each row of the stack's tables (the state machine, the timers, the reasons to
 * refuse, what is counted besides) was met, over many stacks. */
#ifndef LA_SIM_TALLY_H
#define LA_SIM_TALLY_H
#include "lastack.h"

#include <stdio.h>

enum { TALLY_ROWS = 512 };
struct tally { uint64_t met[TALLY_ROWS]; };     /* by la_counter's numbers; zeroes to begin with */

void tally_stack(struct tally *t, const la_stack *s);           /* before it ends */
void tally_merge(struct tally *t, const struct tally *part);
bool tally_print(FILE *out, const struct tally *t);     /* false: out of memory */

#endif
