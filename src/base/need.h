/* need.h - invariants.  need(x) stays in every build: a stack whose invariant is broken
 * must not go on. check(x) is for the dear ones, in debug, fuzz and simulator builds.
 * Packets and callers can never reach either: what they do is a verdict or an error. */
#ifndef LA_BASE_NEED_H
#define LA_BASE_NEED_H

#define need(x) ((x) ? (void)0 : __builtin_trap())

#ifndef LASTACK_CHECK
#define LASTACK_CHECK 0
#endif
#define check(x) ((LASTACK_CHECK) ? need(x) : (void)0)

#endif
