/* chaos.h - one random world from one seed: two hosts, a link with random faults, random
 * applications on both, and the oracle's verdict. */
#ifndef LA_SIM_CHAOS_H
#define LA_SIM_CHAOS_H
#include "lastack.h"

#include <stdio.h>

enum { CHAOS_LOSSES = 8 };

struct chaos_options {
  uint32_t loss_ppm[CHAOS_LOSSES];  /* to choose from; losses 0: drawn */
  unsigned losses;
  bool     one_congestion;          /* every connection has this one; false: drawn */
  uint8_t  congestion;              /* enum la_cc */
  FILE    *trace;                   /* draw the ladder here; NULL: no */
  unsigned width;
  struct tally *tally;              /* adds up the rows that the hosts have met; NULL: no */
};

struct chaos_result {
  bool     failed, gentle;
  char     why[400];
  uint64_t packets, lost, octets, steps;
  unsigned connections, established, errors, crashes;
  la_time  time;                    /* virtual */
};

void chaos_run(uint64_t seed, const struct chaos_options *options, struct chaos_result *result);

#endif
