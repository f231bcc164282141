/* tun.c - packets between a stack and a TUN or TAP device.
 *
 * A read takes one packet, of 40 octets or of 64 KiB: nobody can know. So a row of empty slabs
 * is always at hand, every read may fill all of them, and what it leaves is for the next one.
 * Small packets share a slab, each with a reference of its own, so that a burst of ACKs costs
 * one slab and not hundreds.
 *
 * When the stack has no slab left, small packets still find a place in one that is kept for
 * them: among them are the ACKs, and the one segment that is missing, which set memory free
 * again. Without it two hosts full of each other's text would wait for ever. */
#include "tun.h"

#include "vnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  ROW = 5,                      /* 64 KiB and an Ethernet header, out of slabs of 16 KiB */
  ROOM_LEAST = 2048,            /* a slab with less room than this is not begun again */
  SHARE_ALIGN = 64,             /* packets that share a slab do not share cache lines */
  PACKET_MAX = 65536 + 18,      /* an IP packet, an Ethernet header with a tag */
  TEXT_MAX = 65535 - 20 - 60    /* of one packet: IPv4 counts its own and TCP's header */
};

struct tun {
  int fd;
  unsigned index;
  bool made, plain;
  enum la_medium medium;
  uint32_t mtu;
  uint8_t mac[6];
  char name[IFNAMSIZ];
  la_slab *row[ROW];            /* at hand for the next packet, without gaps */
  unsigned slabs;
  uint32_t begun;               /* octets of row[0] that earlier packets occupy */
  la_slab *reserve;             /* for small packets, while the row is empty */
  uint32_t reserve_begun;
  struct tun_counters counters;
};

static bool refuse(char *error, const char *name, const char *why)
{
  snprintf(error, TUN_ERROR, "%s: %s", name, why);
  return false;
}

static const char *why_not_opened(int number)
{
  switch (number) {
    case ENOENT: return "the kernel offers no TUN devices here (modprobe tun, or ask for the "
                        "device in this container)";
    case EACCES:
    case EPERM:  return "this user may not open it (be root, or in a user namespace)";
    default:     return strerror(number);
  }
}

static const char *why_not_attached(int number, enum la_medium medium)
{
  switch (number) {
    case EPERM:  return "this user may not make the device, nor is it a device of this user's "
                        "(be root, or let root run: ip tuntap add mode tun user NAME)";
    case EBUSY:  return "another program has this device";
    case EINVAL: return medium == LA_MEDIUM_IP ? "an interface of this name exists, and is no TUN"
                                               : "an interface of this name exists, and is no TAP";
    default:     return strerror(number);
  }
}

/* TSO with and without ECN, both families, as far as this kernel goes; checksums at least. A device
 * keeps what its last program agreed to, so that a plain one has to say that it can do nothing. */
static bool offload(struct tun *tun, char *error)
{
  static const unsigned wishes[] = {
    TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
    TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
    TUN_F_CSUM
  };
  int header = sizeof(struct virtio_net_hdr);

  if (tun->plain) {
    if (ioctl(tun->fd, TUNSETOFFLOAD, 0) == 0)
      return true;
    return refuse(error, tun->name, "the kernel does not let go of this device's offloads");
  }
  if (ioctl(tun->fd, TUNSETVNETHDRSZ, &header) < 0)
    return refuse(error, tun->name, "the kernel does not take the virtio header (use --plain)");
  for (unsigned i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
    if (ioctl(tun->fd, TUNSETOFFLOAD, wishes[i]) == 0)
      return true;
  return refuse(error, tun->name, "the kernel does not offload to this device (use --plain)");
}

static bool attach(struct tun *tun, const struct tun_options *options, char *error)
{
  struct ifreq request = { 0 };
  int kind = options->medium == LA_MEDIUM_IP ? IFF_TUN : IFF_TAP;

  if (strlen(options->name) >= sizeof request.ifr_name)
    return refuse(error, options->name, "a device's name has at most 15 letters");
  tun->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tun->fd < 0)
    return refuse(error, "/dev/net/tun", why_not_opened(errno));
  tun->made = if_nametoindex(options->name) == 0;
  strcpy(request.ifr_name, options->name);
  request.ifr_flags = (short)(kind | IFF_NO_PI | (options->plain ? 0 : IFF_VNET_HDR));
  if (ioctl(tun->fd, TUNSETIFF, &request) < 0)
    return refuse(error, options->name, why_not_attached(errno, options->medium));
  memcpy(tun->name, request.ifr_name, sizeof tun->name);
  tun->index = if_nametoindex(tun->name);
  return offload(tun, error);
}

static bool make_mac(struct tun *tun, char *error)
{
  if (getrandom(tun->mac, sizeof tun->mac, 0) != sizeof tun->mac)
    return refuse(error, tun->name, "the kernel gives no random numbers");
  tun->mac[0] = (uint8_t)((tun->mac[0] & 0xfc) | 2);
  return true;
}

struct tun *tun_open(const struct tun_options *options, char *error)
{
  struct tun *tun = calloc(1, sizeof *tun);

  if (!tun) {
    refuse(error, options->name, strerror(ENOMEM));
    return NULL;
  }
  tun->fd = -1;
  tun->plain = options->plain;
  tun->medium = options->medium;
  tun->mtu = options->mtu;
  if (!attach(tun, options, error) || !make_mac(tun, error)) {
    tun_close(tun, NULL);
    return NULL;
  }
  return tun;
}

void tun_close(struct tun *tun, la_stack *stack)
{
  if (!tun)
    return;
  for (unsigned i = 0; i < tun->slabs; i++)
    la_slab_release(stack, tun->row[i]);
  if (tun->reserve)
    la_slab_release(stack, tun->reserve);
  if (tun->fd >= 0)
    close(tun->fd);
  free(tun);
}

int tun_fd(const struct tun *tun)
{
  return tun->fd;
}

const char *tun_name(const struct tun *tun)
{
  return tun->name;
}

unsigned tun_index(const struct tun *tun)
{
  return tun->index;
}

bool tun_made(const struct tun *tun)
{
  return tun->made;
}

const struct tun_counters *tun_counters(const struct tun *tun)
{
  return &tun->counters;
}

void tun_iface(const struct tun *tun, la_iface *iface)
{
  memset(iface, 0, sizeof *iface);
  iface->medium = tun->medium;
  iface->mtu = tun->mtu;
  iface->flags = LA_IFACE_UP;
  if (!tun->plain) {
    iface->gso_max = TEXT_MAX;
    iface->flags |= LA_IFACE_CSUM_TX;
  }
  memcpy(iface->mac, tun->mac, sizeof iface->mac);
  memcpy(iface->name, tun->name, sizeof iface->name);
}

static bool reserve_has_room(const struct tun *tun)
{
  return tun->reserve && la_slab_size(tun->reserve) - tun->reserve_begun >= ROOM_LEAST;
}

/* To be called when the stack is done with all packets so far: nobody else refers to a reserve
 * that is used up, so that letting go of it makes room for its successor. */
static void renew_reserve(struct tun *tun, la_stack *stack)
{
  if (reserve_has_room(tun))
    return;
  if (tun->reserve)
    la_slab_release(stack, tun->reserve);
  tun->reserve_begun = 0;
  if (la_slab_get(stack, &tun->reserve) < 0)
    tun->reserve = NULL;
}

/* As many slabs as a packet can need, or as many as there are. */
static void refill(struct tun *tun, la_stack *stack)
{
  while (tun->slabs < ROW && la_slab_get(stack, &tun->row[tun->slabs]) == 0) {
    if (tun->slabs++ == 0)
      tun->begun = 0;
  }
}

static uint32_t aligned(uint32_t at)
{
  return (at + SHARE_ALIGN - 1) / SHARE_ALIGN * SHARE_ALIGN;
}

/* The first `length` octets of the row become the packet's. Whole slabs go with it; one that
 * has room left stays as well, and is held once more. */
static void cut(struct tun *tun, size_t length, la_pkt *pkt)
{
  unsigned taken = 0;
  uint32_t at = tun->begun;

  for (; length > 0; taken++) {
    la_slab *slab = tun->row[taken];
    uint32_t room = la_slab_size(slab) - at;
    uint32_t here = length < room ? (uint32_t)length : room;

    pkt->frag[pkt->frags++] = (la_frag){ slab, at, here };
    length -= here;
    at += here;
    if (length == 0 && la_slab_size(slab) - at >= ROOM_LEAST + SHARE_ALIGN) {
      la_slab_hold(slab);
      break;
    }
    if (length > 0)
      at = 0;
  }
  tun->slabs -= taken;
  memmove(tun->row, tun->row + taken, tun->slabs * sizeof tun->row[0]);
  tun->begun = pkt->frags > taken ? aligned(at) : 0;
}

/* The same for a small packet in the reserve, which stays. */
static void cut_reserve(struct tun *tun, size_t length, la_pkt *pkt)
{
  la_slab_hold(tun->reserve);
  pkt->frag[pkt->frags++] = (la_frag){ tun->reserve, tun->reserve_begun, (uint32_t)length };
  tun->reserve_begun = aligned(tun->reserve_begun + (uint32_t)length);
  if (tun->reserve_begun > la_slab_size(tun->reserve))
    tun->reserve_begun = la_slab_size(tun->reserve);
}

/* Where the next packet may go: behind the virtio header, if there is one. Without any slab
 * the packet is read all the same and thrown away: it would keep the descriptor readable. */
static int aim(struct tun *tun, struct virtio_net_hdr *header, struct iovec *iov, size_t *room)
{
  static uint8_t nowhere[PACKET_MAX];
  int n = 0;

  *room = 0;
  if (!tun->plain)
    iov[n++] = (struct iovec){ header, sizeof *header };
  if (tun->slabs == 0 && reserve_has_room(tun)) {
    iov[n++] = (struct iovec){ la_slab_octets(tun->reserve) + tun->reserve_begun, ROOM_LEAST };
    *room = ROOM_LEAST;
  }
  if (tun->slabs == 0)
    iov[n++] = (struct iovec){ nowhere, sizeof nowhere };
  for (unsigned i = 0; i < tun->slabs; i++) {
    uint32_t begun = i == 0 ? tun->begun : 0;
    uint32_t size = la_slab_size(tun->row[i]) - begun;

    iov[n++] = (struct iovec){ la_slab_octets(tun->row[i]) + begun, size };
    *room += size;
  }
  return n;
}

/* One packet: true when `pkt` holds it. A lost one is counted, and tried again by the caller. */
static bool receive_one(struct tun *tun, la_pkt *pkt, ssize_t *got)
{
  struct virtio_net_hdr header;
  struct iovec iov[ROW + 3];
  size_t room, before = tun->plain ? 0 : sizeof header, length;
  int n = aim(tun, &header, iov, &room);

  do
    *got = readv(tun->fd, iov, n);
  while (*got < 0 && errno == EINTR);
  if (*got <= (ssize_t)before)
    return false;
  length = (size_t)*got - before;
  tun->counters.packets_in++;
  tun->counters.octets_in += length;
  if (length > room && tun->slabs == 0)
    tun->counters.starved++;
  else if (length > room)
    tun->counters.truncated++;
  else if (!tun->plain && !vnet_to_pkt(&header, length, pkt))
    tun->counters.malformed++;
  else {
    if (tun->slabs > 0)
      cut(tun, length, pkt);
    else
      cut_reserve(tun, length, pkt);
    return true;
  }
  return false;
}

int tun_receive(struct tun *tun, la_stack *stack, int iface, la_time now, la_pkt *pkts,
                size_t max)
{
  size_t n = 0;

  renew_reserve(tun, stack);
  for (size_t tries = 0; tries < max; tries++) {
    ssize_t got;
    la_pkt *pkt = &pkts[n];

    refill(tun, stack);
    if (n > 0 && tun->slabs == 0 && !reserve_has_room(tun))
      break;                    /* the stack will let go of what these take */
    memset(pkt, 0, offsetof(la_pkt, frag));
    pkt->at = now;
    pkt->iface = (uint16_t)iface;
    if (receive_one(tun, pkt, &got))
      n++;
    else if (got < 0)
      return n > 0 || errno == EAGAIN ? (int)n : -errno;
  }
  return (int)n;
}

static void send_one(struct tun *tun, const la_pkt *pkt)
{
  struct virtio_net_hdr header;
  struct iovec iov[LA_PKT_FRAGS + 2];
  ssize_t put;
  int n = 0;

  if (!tun->plain) {
    vnet_from_pkt(pkt, tun->medium, &header);
    iov[n++] = (struct iovec){ &header, sizeof header };
  }
  if (pkt->head_length > 0)
    iov[n++] = (struct iovec){ (void *)(uintptr_t)pkt->head, pkt->head_length };
  for (unsigned i = 0; i < pkt->frags; i++) {
    const la_frag *frag = &pkt->frag[i];

    iov[n++] = (struct iovec){ la_slab_octets(frag->slab) + frag->offset, frag->length };
  }
  do
    put = writev(tun->fd, iov, n);
  while (put < 0 && errno == EINTR);
  if (put < 0)
    tun->counters.refused++;
  else {
    tun->counters.packets_out++;
    tun->counters.octets_out += la_pkt_length(pkt);
  }
}

void tun_send(struct tun *tun, la_stack *stack, la_pkt *pkts, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    send_one(tun, &pkts[i]);
    la_pkt_release(stack, &pkts[i]);
  }
}
