/* oracle.h - what must be true of every world, whatever happens in it: streams arrive whole, in
 * order and once; numbers move forwards; the two ends never contradict each other; every change of
 * state is a row of the public table; and when all is over nothing is left. */
#ifndef LA_SIM_ORACLE_H
#define LA_SIM_ORACLE_H
#include "track.h"
#include "world.h"

struct oracle {
  struct world *world;
  struct track  track;
  unsigned failures;
  char     first[400];              /* what was wrong first, and when */
};

void oracle_init(struct oracle *o, struct world *w);     /* adds itself to the world's watches */
void oracle_fini(struct oracle *o);

/* When the applications have done what they will: streams and ends. `gentle`: nothing happened
 * that excuses a connection from completing. */
void oracle_streams(struct oracle *o, bool gentle);

/* When everything has been let go and time has passed: no socket, no buffer is left. */
void oracle_leaks(struct oracle *o);

void oracle_fail(struct oracle *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
