#ifndef LA_TCP_CC_NEWRENO_H
#define LA_TCP_CC_NEWRENO_H
#include "tcp/cc.h"

extern const struct cc_algorithm cc_newreno;

#endif
