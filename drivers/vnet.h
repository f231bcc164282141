/* vnet.h - la_pkt and the header that virtio, and TUN with IFF_VNET_HDR, put before a packet:
 * which checksum is still to be filled in, and how large the segments of a super-packet are. */
#ifndef LASTACK_DRIVERS_VNET_H
#define LASTACK_DRIVERS_VNET_H

#include "lastack.h"

#include <linux/virtio_net.h>

/* Towards the device: what is left for it to do with this packet. */
void vnet_from_pkt(const la_pkt *pkt, enum la_medium medium, struct virtio_net_hdr *header);

/* From the device: what it has done, or left undone. False: this kind of packet was not agreed
 * on, or the header contradicts the packet of `length` octets. */
bool vnet_to_pkt(const struct virtio_net_hdr *header, size_t length, la_pkt *pkt);

#endif
