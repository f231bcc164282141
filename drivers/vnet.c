/* vnet.c - the virtio-net header (virtio 1.1, 5.1.6), read and written in the host's order, as
 * the legacy interface and TUN have it. */
#include "vnet.h"

#include <string.h>

enum {
  ETHERNET_HEADER = 14,
  TCP_FLAGS_AT = 13,            /* from the first octet of the TCP header */
  TCP_CWR = 0x80                /* RFC 3168 6.1.2: only the first segment of a run may carry it */
};

void vnet_from_pkt(const la_pkt *pkt, enum la_medium medium, struct virtio_net_hdr *header)
{
  size_t ip_at = medium == LA_MEDIUM_ETHERNET ? ETHERNET_HEADER : 0;

  memset(header, 0, sizeof *header);
  if (pkt->flags & LA_PKT_CSUM_PARTIAL) {
    header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header->csum_start = pkt->csum_start;
    header->csum_offset = pkt->csum_offset;
  }
  if (pkt->gso_size == 0 || la_pkt_length(pkt) <= (size_t)pkt->header_length + pkt->gso_size)
    return;
  header->gso_type = pkt->head[ip_at] >> 4 == 6 ? VIRTIO_NET_HDR_GSO_TCPV6
                                                : VIRTIO_NET_HDR_GSO_TCPV4;
  if (pkt->head[pkt->csum_start + TCP_FLAGS_AT] & TCP_CWR)
    header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
  header->gso_size = pkt->gso_size;
  header->hdr_len = pkt->header_length;
}

bool vnet_to_pkt(const struct virtio_net_hdr *header, size_t length, la_pkt *pkt)
{
  unsigned type = header->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;

  if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
    if ((size_t)header->csum_start + header->csum_offset + 2 > length)
      return false;
    pkt->flags = LA_PKT_CSUM_PARTIAL;
    pkt->csum_start = header->csum_start;
    pkt->csum_offset = header->csum_offset;
  } else if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
    pkt->flags = LA_PKT_CSUM_OK;
  }
  if (type == VIRTIO_NET_HDR_GSO_NONE)
    return true;
  if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6)
    return false;
  pkt->gso_size = header->gso_size;
  return header->gso_size > 0;
}
