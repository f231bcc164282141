/* goodput.h - what each congestion control makes of a line, alone and beside another flow: the
 * bench's goodput and fairness in virtual time, so that a figure is exact and stays. */
#ifndef LA_SIM_GOODPUT_H
#define LA_SIM_GOODPUT_H
#include "lastack.h"

enum { GOODPUT_POINTS = 6, GOODPUT_FLOWS = 2 };

const char *goodput_cc_name(enum la_cc cc);
const char *goodput_point_name(unsigned point);

/* Megabits a second, in thousandths, of each of `flows` flows with these controls over that line,
 * for `seconds` after the first `skip`. False when a flow did not come to stand. */
bool goodput_run(unsigned point, uint64_t seed, const enum la_cc *cc, unsigned flows,
                 unsigned skip, unsigned seconds, uint32_t *kbit_per_s);

#endif
