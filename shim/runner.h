/* runner.h - what a runner of our own asks besides packetdrill's table (test/pkt/run.py). `u` is
 * the table's userdata. */
#ifndef LA_SHIM_RUNNER_H
#define LA_SHIM_RUNNER_H

/* Settings as the flags have them, at any time. 0, or -1 and an error. */
int lastack_packetdrill_set(void *u, const char *words);
const char *lastack_packetdrill_error(void *u);

/* Ends all connections in this state, with a RST if there is a peer that should know; how many. */
unsigned lastack_packetdrill_drop(void *u, const char *state);

/* How many calls sleep now: a runner goes on once the call that it began in a thread does. */
unsigned lastack_packetdrill_asleep(void *u);

/* Packets that nobody took, and how many had wrong checksums. */
unsigned lastack_packetdrill_left(void *u, unsigned long *bad_checksums);

/* How many sockets and records are in this state of RFC 9293 3.3.2 (its name). */
unsigned lastack_packetdrill_count(void *u, const char *state);

#endif
