/* sim_goodput.c - `lastack sim --goodput`: the table of sim/goodput.h. */
#include "app.h"
#include "goodput.h"

#include <stdio.h>

enum { SKIP = 1, SECONDS = 10, FAIR_SKIP = 20, FAIR_SECONDS = 60, RUNS = 3 };

/* The middle one of three. */
static uint32_t middle(const uint32_t *of)
{
  uint32_t least = of[0] < of[1] ? of[0] : of[1], most = of[0] < of[1] ? of[1] : of[0];

  return of[2] < least ? least : of[2] > most ? most : of[2];
}

static bool print_point(unsigned point)
{
  printf("%-20s", goodput_point_name(point));
  for (unsigned cc = 0; cc < LA_CC_COUNT; cc++) {
    uint32_t kbit[RUNS];

    for (unsigned seed = 1; seed <= RUNS; seed++)
      if (!goodput_run(point, seed, &(enum la_cc){ cc }, 1, SKIP, SECONDS, &kbit[seed - 1]))
        return false;
    printf("%12.2f", middle(kbit) / 1000.0);
  }
  printf("\n");
  return true;
}

/* In thousandths, of the first of two flows. */
static uint32_t share(const uint32_t *kbit)
{
  return (uint32_t)((uint64_t)kbit[0] * 1000 / (kbit[0] + kbit[1]));
}

static bool print_pair(enum la_cc one, enum la_cc two)
{
  uint32_t shares[RUNS], kbit[RUNS];
  char names[40];

  for (unsigned i = 0; i < RUNS; i++) {
    uint32_t each[GOODPUT_FLOWS];

    if (!goodput_run(0, i + 1, (enum la_cc[]){ one, two }, 2, FAIR_SKIP, FAIR_SECONDS, each))
      return false;
    shares[i] = share(each);
    kbit[i] = each[0] + each[1];
  }
  snprintf(names, sizeof names, "%s and %s", goodput_cc_name(one), goodput_cc_name(two));
  printf("%-20s%12.2f%12.1f %%\n", names, middle(kbit) / 1000.0, middle(shares) / 10.0);
  return true;
}

int app_sim_goodput(void)
{
  bool stood = true;

  printf("Goodput, Mbit/s: 100 Mbit/s, a round trip of 20 ms, a queue of 250 kB; 10 s from the\n"
         "second one on, the median of seeds 1 to 3\n\n%-20s",
         "");
  for (unsigned cc = 0; cc < LA_CC_COUNT; cc++)
    printf("%12s", goodput_cc_name((enum la_cc)cc));
  printf("\n");
  for (unsigned point = 0; stood && point < GOODPUT_POINTS; point++)
    stood = print_point(point);
  printf("\nTwo flows at a time, Mbit/s together, and the share of the first: 60 s after 20, the\n"
         "median of seeds 1 to 3\n\n");
  for (unsigned one = 0; stood && one < LA_CC_COUNT; one++)
    for (unsigned two = one; stood && two < LA_CC_COUNT; two++)
      stood = print_pair((enum la_cc)one, (enum la_cc)two);
  return stood ? APP_OK : app_fail("a flow did not come to stand");
}
