#ifndef LA_TCP_CC_CUBIC_H
#define LA_TCP_CC_CUBIC_H
#include "tcp/cc.h"

extern const struct cc_algorithm cc_cubic;

#endif
