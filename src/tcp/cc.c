/* cc.c - the congestion controls by number. */
#include "tcp/cc.h"
#include "base/need.h"
#include "lastack.h"
#include "tcp/cc_newreno.h"

const struct cc_algorithm *cc_algorithm(unsigned number)
{
  static const struct cc_algorithm *const algorithms[LA_CC_COUNT] = {
    [LA_CC_NEWRENO] = &cc_newreno,
  };

  need(number < LA_CC_COUNT);
  return algorithms[number];
}
