/* tcp_one.h - tcp_rig.h for the tests of one connection: the rig `r`, with a connection that we
 * opened and that stands, its user's options, and the ACKs of its peer. */
#ifndef LA_TEST_TCP_ONE_H
#define LA_TEST_TCP_ONE_H
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static inline void established(void)
{
  rig_init(r);
  rig_established(r, false);
}

static inline void acks(uint32_t ack) { arrives(r, F_ACK, 1, ack); }

static inline void set(enum la_option option, int64_t value)
{
  assert_int_equal(tcp_set(&r->t, r->tcb, option, value), LA_OK);
}

#endif
