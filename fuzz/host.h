/* host.h - a small stack for a harness: pools so small that each of them is soon used up, packets
 * in and out, and what must be true of them at any time and at the end. */
#ifndef LA_FUZZ_HOST_H
#define LA_FUZZ_HOST_H
#include <stdbool.h>

#include "feed.h"
#include "lastack.h"

enum { HOST_PACKET_MAX = 65536 + 64, HOST_LINK_MAX = 14, HOST_BLOCKS = 2 };

struct host {
  la_stack *stack;
  size_t    size;               /* of its block of memory */
  la_addr   addr;
  la_iface  iface;              /* its only one, number 0 */
};

/* A configuration that the input varies a little. */
la_config host_config(struct feed *f);
la_iface  host_iface(struct feed *f, int number);

/* Makes the stack in block number `block`, which is filled with rubbish first, and gives it its
 * interface, address and a route to anywhere. */
void host_open(struct host *h, int block, const la_config *config, const la_iface *iface,
               la_addr addr, la_time now);

/* One packet for the stack: in its own slab, or (lent) in one of a few buffers of the harness;
 * cut into two pieces behind `cut` octets, unless that is 0 or beyond. */
void host_give(struct host *h, la_time now, const uint8_t *octets, size_t n, bool lent, size_t cut);

/* One packet from the stack, whole; its length, 0: there is none. Super-segments are cut, all but
 * the first piece lost, unless gso_size tells the caller. */
size_t host_take(struct host *h, la_time now, uint8_t *octets, uint16_t *gso_size);

/* What the stack says must be well-formed: lengths, and checksums if it made them. */
void host_check_packet(const struct host *h, const uint8_t *octets, size_t n, bool checksums);

/* Takes all handles away, lets all timers run out, and claims that nothing is left behind. */
void host_close(struct host *h, la_time now);

/* The octets that a connection's direction carries: known by position. */
static inline uint8_t host_pattern(uint64_t position)
{
  return (uint8_t)(position * 197 + (position >> 8) * 31);
}

#endif
