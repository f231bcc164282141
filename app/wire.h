/* wire.h - what the files of `lastack wire` share: an end is a TUN device in a namespace, a way is
 * one direction of the line between them.
 *
 *   wire.c          the loop, the command line, changes while it runs
 *   wire_report.c   the statistics
 *   wire_values.c   times, rates, sizes and shares in words
 *   wire_end.c      namespaces and devices
 *   wire_line.c     packets in real time
 */
#ifndef LASTACK_APP_WIRE_H
#define LASTACK_APP_WIRE_H

#include "app.h"
#include "link.h"
#include "pcapng.h"
#include "tun.h"

enum { WIRE_ADDRS = 8, WIRE_ROUTES = 16, WIRE_LATE_BUCKETS = 160 };


struct wire_end {
  const char *side;             /* "left" or "right" */
  const char *space;            /* a name of `ip netns`, a path, a process, or "." */
  const char *device;
  struct app_net addrs[WIRE_ADDRS], routes[WIRE_ROUTES];
  unsigned addr_count, route_count;
  int space_fd;                 /* -1 when not open */
  struct tun *tun;
};

/* Makes the device in its namespace, gives it addresses and routes, and sets it up. False after a
 * complaint; then, too, wire_end_close. */
bool wire_end_open(struct wire_end *end, uint32_t mtu);
void wire_end_close(struct wire_end *end);

/* What the kernel has dropped in front of the device because nobody read it in time. */
uint64_t wire_end_missed(const struct wire_end *end);

struct wire_packet;

/* How much later than planned packets were delivered: four buckets for each doubling. */
struct wire_lateness {
  uint64_t count[WIRE_LATE_BUCKETS], packets;
  la_time most;
};

/* From one end to the other. The link's way 0 is the only one that is used: each direction has a
 * generator of its own, so that the fate of its n-th packet depends on the seed and on n alone. */
struct wire_way {
  struct wire_end *from, *to;
  struct link link;
  struct wire_packet **heap, *spare;
  size_t in_flight, heap_size;
  uint64_t order;
  uint64_t packets_in, octets_in, packets_out, octets_out;
  uint64_t no_memory, refused;  /* refused by the kernel: a device that is down, no IP version */
  uint64_t queue_most;          /* octets that waited for the rate, at the worst moment */
  struct wire_lateness late;
};

struct wire {
  struct wire_end end[2];
  struct wire_way way[2];       /* 0: from left to right */
  uint32_t mtu;
  uint64_t seed;
  la_time began, spin, until;   /* until: LA_NEVER, or when it ends by itself */
  bool real_time, json, commands;
  const char *pcap_path;
  struct pcapng *pcap;
  la_time to_wall;
};

la_time wire_now(void);
bool wire_line_open(struct wire *w);
void wire_line_close(struct wire *w);

/* Delivers what is due and takes in what has come at the ends that are readable, at most `most`
 * packets a way. */
void wire_turn(struct wire *w, const bool readable[2], unsigned most);
la_time wire_next(const struct wire *w);          /* when the next packet is due, or LA_NEVER */

/* No more than this share of the packets was later than the answer. */
la_time wire_late_by(const struct wire_lateness *late, double share);

/* The statistics so far, on stdout. */
void wire_report(const struct wire *w);

#endif
