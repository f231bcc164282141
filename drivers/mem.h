/* mem.h - an in-memory link that joins two stacks of one thread: no delay, no loss, no order
 * changed. A packet is either copied into slabs of the receiver, as a network would have it, or
 * its text is lent to the receiver where it lies. */
#ifndef LASTACK_DRIVERS_MEM_H
#define LASTACK_DRIVERS_MEM_H

#include "lastack.h"

enum mem_mode {
  MEM_COPY,
  MEM_LEND                      /* needs la_config.foreign_slabs at the receiver */
};

struct mem_end {
  la_stack *stack;
  int iface;                    /* of that stack, on this link */
};

struct mem;

struct mem_counters {
  uint64_t packets, octets;     /* taken from a stack: super-packets count once */
  uint64_t delivered;           /* given to the other: after cutting, if the link cuts */
  uint64_t lent;                /* of them by reference */
  uint64_t lost;                /* the receiver had no slab */
};

/* `split`: the link carries no super-packets and cuts them into segments. NULL: no memory. */
struct mem *mem_open(struct mem_end a, struct mem_end b, enum mem_mode mode, bool split);

/* After la_fini of both, while their memory is still there: what is lent comes back then. */
void mem_close(struct mem *mem);

/* Takes at most `max` packets that end `from` (0 or 1) has to send, and gives them to the other.
 * How many it took. */
size_t mem_move(struct mem *mem, int from, la_time now, size_t max);

/* Both ways until neither has more to say, or `rounds` are over. How many packets moved. */
size_t mem_settle(struct mem *mem, la_time now, unsigned rounds);

/* Earliest of both stacks' la_deadline. */
la_time mem_deadline(const struct mem *mem);

const struct mem_counters *mem_counters(const struct mem *mem, int from);

#endif
