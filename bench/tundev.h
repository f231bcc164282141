/* tundev.h - a TUN device for a driver: made, addressed and up, in the current namespace. */
#ifndef BENCH_TUNDEV_H
#define BENCH_TUNDEV_H

#include <stdbool.h>

/* The kernel's end is 10.77.0.1, the stack's 10.77.0.2. */
enum { TUNDEV_MTU = 1500, TUNDEV_HDR = 10, TUNDEV_PACKET_MAX = 65536 + 128 };
#define TUNDEV_KERNEL_ADDR 0x0a4d0001u
#define TUNDEV_STACK_ADDR 0x0a4d0002u

/* With `vnet` every packet carries a virtio_net_hdr of TUNDEV_HDR octets, and both sides may leave
 * checksums and segmentation of TCP over IPv4 to each other.  The descriptor does not block. */
int tundev_open(const char *name, bool vnet);
void tundev_wait(int fd, int milliseconds);       /* until it can be read */

#endif
