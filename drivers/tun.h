/* tun.h - TUN (IP packets) and TAP (Ethernet frames) devices of Linux.
 *
 * With IFF_VNET_HDR the kernel and the stack hand each other super-packets of up to 64 KiB and
 * leave checksums undone in both directions; `plain` devices carry one finished packet at a time.
 * Super-packets come in slabs of at least 13,112 octets: five of them hold the largest.
 */
#ifndef LASTACK_DRIVERS_TUN_H
#define LASTACK_DRIVERS_TUN_H

#include "lastack.h"

enum { TUN_ERROR = 240 };

struct tun;

struct tun_options {
  const char *name;             /* of the device; may end in %d, for a number that is free */
  enum la_medium medium;        /* LA_MEDIUM_IP: TUN; LA_MEDIUM_ETHERNET: TAP */
  bool plain;                   /* without IFF_VNET_HDR */
  uint32_t mtu;                 /* what the stack is told; the device's own is rtnl_link_up's */
};

/* What went which way, and what was lost here. */
struct tun_counters {
  uint64_t packets_in, packets_out, octets_in, octets_out;
  uint64_t starved;             /* arrived while the stack had no slabs for so much */
  uint64_t truncated;           /* arrived longer than the slabs at hand */
  uint64_t malformed;           /* arrived with a virtio header that makes no sense */
  uint64_t refused;             /* not taken by the kernel: it is down, or memory is short */
};

/* Makes the device, or attaches to one that exists. NULL, and a sentence in `error`, which has
 * TUN_ERROR octets. */
struct tun *tun_open(const struct tun_options *options, char *error);

/* A device that was made by tun_open goes with it; one that existed stays. */
void tun_close(struct tun *tun, la_stack *stack);

int         tun_fd(const struct tun *tun);        /* non-blocking: for poll */
const char *tun_name(const struct tun *tun);
unsigned    tun_index(const struct tun *tun);     /* the kernel's number of the interface */
bool        tun_made(const struct tun *tun);      /* false: it existed before */
const struct tun_counters *tun_counters(const struct tun *tun);

/* The stack's side of it, for la_iface_add. A TAP's address is random and locally administered
 * (IEEE 802, the second bit), and kept from then on. */
void tun_iface(const struct tun *tun, la_iface *iface);

/* Up to `max` packets that have arrived, for la_input of `stack` as its interface `iface`. 0
 * when none waits, minus errno when the device is gone. */
int tun_receive(struct tun *tun, la_stack *stack, int iface, la_time now, la_pkt *pkts,
                size_t max);

/* Sends the packets and gives back what they refer to, whatever became of them. */
void tun_send(struct tun *tun, la_stack *stack, la_pkt *pkts, size_t n);

#endif
