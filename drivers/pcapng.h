/* pcapng.h - writes captures that tcpdump, tshark and Wireshark read: nanoseconds, named
 * interfaces, the direction of each packet, and comments on packets (draft-ietf-opsawg-pcapng). */
#ifndef LASTACK_DRIVERS_PCAPNG_H
#define LASTACK_DRIVERS_PCAPNG_H

#include "lastack.h"

/* Values of the registry of link types, of those that a lastack interface can have. */
enum pcapng_link { LINKTYPE_ETHERNET = 1, LINKTYPE_RAW = 101 };
enum pcapng_direction { PCAPNG_UNKNOWN = 0, PCAPNG_IN = 1, PCAPNG_OUT = 2 };
enum { PCAPNG_COMMENT_MAX = 1024 };

struct pcapng;

/* NULL: it cannot be made, errno says why. "-" is stdout. */
struct pcapng *pcapng_open(const char *path);

/* Before the interface's first packet; its number, or -1 with errno. */
int pcapng_interface(struct pcapng *p, const char *name, enum pcapng_link link);

/* `at`: nanoseconds since 1970. The comment is NULL or UTF-8, cut at PCAPNG_COMMENT_MAX octets.
 * A write that fails is remembered, and pcapng_close tells. */
void pcapng_packet(struct pcapng *p, int iface, la_time at, int direction, const void *octets,
                   size_t n, const char *comment);

/* So that a reader sees all packets so far. */
void pcapng_flush(struct pcapng *p);

/* 0, or -1 with errno when something could not be written. */
int pcapng_close(struct pcapng *p);

#endif
