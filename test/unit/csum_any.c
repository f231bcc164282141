/* csum_any: the tests of csum over the sums that machines other than x86-64 have. This program
 * has its own csum.c, made for such a machine, in place of the library's. */
#include "support/unit.h"

#undef __x86_64__
#include "base/csum.c"

#include "unit/csum.c"
