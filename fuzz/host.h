/* host.h - a small stack for a harness: pools so small that each of them is soon used up, packets
 * in and out, and what must be true of them at any time and at the end. */
#ifndef LA_FUZZ_HOST_H
#define LA_FUZZ_HOST_H
#include <stdbool.h>

#include "feed.h"
#include "lastack.h"

enum {
  HOST_PACKET_MAX = 65536 + 64, HOST_LINK_MAX = 14, HOST_BLOCKS = 2,
  HOST_LENT = 16, HOST_LENT_SIZE = 2048       /* buffers of the harness */
};

struct host {
  la_stack *stack;
  size_t    size;               /* of its block of memory */
  la_addr   addr;
  la_iface  iface;              /* its only one, number 0 */
  int       block;
  uint8_t  *lent[HOST_LENT];    /* the harness's buffers that the stack does not have */
  unsigned  lents;
};

/* A configuration that the input varies a little. */
la_config host_config(struct feed *f);
la_iface  host_iface(struct feed *f, int number);

/* Makes the stack in block number `block`, which is filled with rubbish first, and gives it its
 * interface, address and a route to anywhere. */
void host_open(struct host *h, int block, const la_config *config, const la_iface *iface,
               la_addr addr, la_time now);

/* One packet for the stack: in its own slabs, or (lent) in buffers of the harness; its first piece
 * ends behind `cut` octets, unless that is 0 or beyond. What there is no memory for is cut off. */
void host_give(struct host *h, la_time now, const uint8_t *octets, size_t n, bool lent, size_t cut);
void host_give_with(struct host *h, const la_pkt *how, const uint8_t *octets, size_t n, bool lent,
                    size_t cut);

/* One packet from the stack, whole; its length, 0: there is none. A super-segment loses all but
 * its first piece. */
size_t host_take(struct host *h, la_time now, uint8_t *octets);

/* What time it is next: a while after `now`, or the deadline, if there is one ahead. */
la_time host_later(struct feed *in, la_time now, la_time deadline, bool to_deadline);

/* What came out, in a number. */
uint64_t host_hash(uint64_t so_far, const void *octets, size_t n);

/* A harness's run, whose answer is such a number: equal inputs, equal octets out. */
void host_run_alike(uint64_t (*run)(const uint8_t *data, size_t size), const uint8_t *data,
                    size_t size);

/* With FUZZ_TELL=1 in the environment a harness tells on stderr what happens: for looking at an
 * input that failed. */
bool host_telling(void);
void host_tell(const struct host *h, la_time now, const char *what);
void host_tell_packet(const struct host *h, la_time now, const char *what, const uint8_t *octets,
                      size_t n);
void host_tell_story(const struct host *h, la_sock sock);
void host_tell_sockets(const struct host *h);

/* What the stack says must be well-formed: lengths, and checksums if it made them. */
void host_check_packet(const struct host *h, const uint8_t *octets, size_t n, bool checksums);

/* Takes all handles away, lets all timers run out, and claims that nothing is left behind. */
void host_close(struct host *h, la_time now);

#endif
