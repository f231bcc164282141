/* rtnl.h - the kernel's side of a device, by rtnetlink: link, addresses, routes.
 *
 * Every call waits for the kernel's acknowledgment: 0, or minus errno. What is there already is
 * not an error.
 */
#ifndef LASTACK_DRIVERS_RTNL_H
#define LASTACK_DRIVERS_RTNL_H

#include "lastack.h"

/* Up, and with this MTU; 0 leaves the MTU as it is. */
int rtnl_link_up(unsigned index, uint32_t mtu);

/* So many packets may wait in front of this device. */
int rtnl_link_queue(unsigned index, uint32_t packets);

/* How many packets the kernel has dropped there since the device was made; 0 without it. */
uint64_t rtnl_link_dropped(const char *name);

/* `addr` becomes the kernel's on this link. On a link of two ends without a common network
 * (prefix 32 or 128), `other` is the other end's address; len 0: none. */
int rtnl_addr_add(unsigned index, la_addr addr, uint8_t prefix, la_addr other);

/* The kernel reaches net/prefix by this link, through `via` unless its len is 0. */
int rtnl_route_add(unsigned index, la_addr net, uint8_t prefix, la_addr via);

/* Whether the kernel has this address on this link, and the link is up. */
bool rtnl_is_ready(const char *name, la_addr addr);

#endif
