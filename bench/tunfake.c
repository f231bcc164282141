/* tunfake.c - the ceiling of any stack over TUN: answers the kernel's TCP with as little as the
 * kernel accepts.  No timers, no retransmission, no reassembly, one connection at a time.
 *
 *     tunfake NAME plain|vnet
 *
 * Port 9 swallows what comes and answers a batch of reads with one ACK; port 19 sends zeros, whose
 * checksum is that of the header.  With `vnet` a write carries up to 44 segments.
 */
#include "bench.h"
#include "tundev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_net.h>

enum { IP = 20, TCP = 20, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, SUPER = 44,
  SOURCE = 19, SCALE = 7, PLAIN_WINDOW = 3800 };

static struct {
  int fd;
  bool vnet, sending, ack_due;
  uint16_t kernel_port, port;
  uint8_t scale;
  uint32_t snd_nxt, snd_una, rcv_nxt, window;
  uint8_t in[TUNDEV_PACKET_MAX], out[TUNDEV_PACKET_MAX];
} fake;

static void put16(uint8_t *at, uint32_t value)
{
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
  put16(at, value >> 16);
  put16(at + 2, value);
}

static uint32_t get16(const uint8_t *at)
{
  return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
  return get16(at) << 16 | get16(at + 2);
}

static void put_sum(uint8_t *at, uint16_t sum)
{
  memcpy(at, &sum, sizeof sum);
}

/* A checksum for the kernel to verify, or the pseudo-header's sum for it to complete. */
static struct virtio_net_hdr seal(uint8_t *ip, size_t header, size_t text)
{
  struct virtio_net_hdr h = {0};
  uint8_t *tcp = ip + IP, pseudo[12];
  uint16_t sum;

  put_sum(ip + 10, (uint16_t)~bench_checksum(ip, IP, 0));
  memcpy(pseudo, ip + 12, 8);
  put16(pseudo + 8, 6);
  put16(pseudo + 10, (uint32_t)(header + text));
  sum = bench_checksum(pseudo, sizeof pseudo, 0);
  if (text > BENCH_MSS) {
    h = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .hdr_len = IP + TCP,
      .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = BENCH_MSS,
      .csum_start = IP, .csum_offset = 16};
    put_sum(tcp + 16, sum);
  } else {
    put_sum(tcp + 16, (uint16_t)~bench_checksum(tcp, header, sum));
  }
  return h;
}

/* The octets behind the header in fake.out are zero and stay so: they add nothing to the sum. */
static void say(uint8_t flags, size_t text)
{
  static const uint8_t options[8] = {2, 4, BENCH_MSS >> 8, BENCH_MSS & 255, 1, 3, 3, SCALE};
  struct virtio_net_hdr h;
  uint8_t *ip = fake.out + TUNDEV_HDR, *tcp = ip + IP;
  size_t header = flags & SYN ? TCP + sizeof options : TCP, skip = fake.vnet ? 0 : TUNDEV_HDR;

  memset(ip, 0, IP + TCP + sizeof options);
  if (flags & SYN)
    memcpy(tcp + TCP, options, sizeof options);
  ip[0] = 0x45;
  put16(ip + 2, (uint32_t)(IP + header + text));
  ip[8] = 64;
  ip[9] = 6;
  put32(ip + 12, TUNDEV_STACK_ADDR);
  put32(ip + 16, TUNDEV_KERNEL_ADDR);
  put16(tcp, fake.port);
  put16(tcp + 2, fake.kernel_port);
  put32(tcp + 4, fake.snd_nxt);
  put32(tcp + 8, fake.rcv_nxt);
  tcp[12] = (uint8_t)(header << 2);
  tcp[13] = flags;
  put16(tcp + 14, fake.vnet ? 0xffff : PLAIN_WINDOW);
  h = seal(ip, header, text);
  memcpy(fake.out, &h, sizeof h);
  if (write(fake.fd, fake.out + skip, TUNDEV_HDR - skip + IP + header + text) < 0)
    bench_fail("write: %s", strerror(errno));
  memset(tcp + TCP, 0, sizeof options);
  fake.ack_due = false;
}

/* Of the kernel's SYN only the window scale matters. */
static void open_with(const uint8_t *tcp, size_t header)
{
  fake.kernel_port = (uint16_t)get16(tcp);
  fake.port = (uint16_t)get16(tcp + 2);
  fake.rcv_nxt = get32(tcp + 4) + 1;
  fake.snd_una = fake.snd_nxt = 1000;
  fake.sending = false;
  fake.scale = 0;
  for (size_t at = TCP, step; at + 2 < header && tcp[at] != 0; at += step) {
    step = tcp[at] == 1 || tcp[at + 1] < 2 ? 1 : tcp[at + 1];
    if (tcp[at] == 3)
      fake.scale = tcp[at + 2] & 15;
  }
  say(SYN | ACK, 0);
  fake.snd_nxt++;
}

static void arrive(const uint8_t *ip, size_t n)
{
  const uint8_t *tcp = ip + (ip[0] & 15) * 4;
  size_t header = (size_t)(tcp[12] >> 4) * 4, text;
  uint8_t flags;

  if (n < IP + TCP || ip[0] >> 4 != 4 || ip[9] != 6)
    return;
  text = get16(ip + 2) - IP - header;
  flags = tcp[13];
  if (flags & SYN) {
    open_with(tcp, header);
    return;
  }
  if (get16(tcp) != fake.kernel_port)
    return;
  fake.sending = fake.port == SOURCE && !(flags & (RST | FIN));
  fake.snd_una = get32(tcp + 8);
  fake.window = get16(tcp + 14) << fake.scale;
  if (text > 0 || flags & FIN) {
    if (get32(tcp + 4) == fake.rcv_nxt)
      fake.rcv_nxt += (uint32_t)text + (flags & FIN);
    fake.ack_due = true;
  }
  if (flags & FIN) {
    say(FIN | ACK, 0);
    fake.snd_nxt++;
  }
}

static void feed(void)
{
  size_t most = fake.vnet ? SUPER * BENCH_MSS : BENCH_MSS;

  for (int i = 0; i < 64 && fake.snd_nxt - fake.snd_una + most <= fake.window; i++) {
    say(PSH | ACK, most);
    fake.snd_nxt += (uint32_t)most;
  }
}

int main(int argc, char **argv)
{
  if (argc != 3)
    bench_fail("usage: tunfake NAME plain|vnet");
  fake.vnet = strcmp(argv[2], "vnet") == 0;
  fake.fd = tundev_open(argv[1], fake.vnet);
  puts("ready");
  fflush(stdout);
  for (;;) {
    ssize_t n = 0;
    int reads = 0;

    while (reads < 64 && (n = read(fake.fd, fake.in, sizeof fake.in)) > 0) {
      size_t skip = fake.vnet ? TUNDEV_HDR : 0;

      arrive(fake.in + skip, (size_t)n - skip);
      reads++;
    }
    if (fake.ack_due)
      say(ACK, 0);
    if (fake.sending)
      feed();
    if (reads == 0)
      tundev_wait(fake.fd, 1000);
  }
}
