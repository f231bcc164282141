/* peer_lwip_tun.c - lwIP over a plain TUN device: port 7 echoes, 9 swallows, 19 sends for ever.
 *
 *     peer_lwip_tun NAME
 *
 * A batch of packets is read before lwIP's timers are looked at; every packet goes out by one
 * write, which is all that a plain device offers.
 */
#include "bench.h"
#include "tundev.h"

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ECHO = 7, DISCARD = 9, CHARGEN = 19, BATCH = 64 };

static int device;

u32_t sys_now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (u32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

uint32_t bench_lwip_random(void)
{
  static uint32_t x = 12345;

  x = x * 1664525u + 1013904223u;
  return x >> 8;
}

static err_t device_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
  struct iovec iov[8];
  int n = 0;

  (void)netif;
  (void)to;
  for (const struct pbuf *q = p; q != NULL && n < 8; q = q->next)
    iov[n++] = (struct iovec){q->payload, q->len};
  if (writev(device, iov, n) < 0 && errno != EAGAIN && errno != ENOBUFS)
    bench_fail("write: %s", strerror(errno));
  return ERR_OK;
}

static err_t device_init(struct netif *netif)
{
  netif->output = device_output;
  netif->mtu = TUNDEV_MTU;
  return ERR_OK;
}

static int device_input(struct netif *netif)
{
  int n = 0;

  for (; n < BATCH; n++) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, PBUF_POOL_BUFSIZE, PBUF_POOL);
    ssize_t got;

    if (p == NULL)
      break;
    got = read(device, p->payload, PBUF_POOL_BUFSIZE);
    if (got <= 0) {
      pbuf_free(p);
      break;
    }
    pbuf_realloc(p, (u16_t)got);
    if (netif->input(p, netif) != ERR_OK)
      pbuf_free(p);
  }
  return n;
}

static err_t discard(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  static uint8_t application[BENCH_PATTERN];

  (void)arg;
  (void)err;
  if (p == NULL)
    return tcp_close(pcb);
  pbuf_copy_partial(p, application, p->tot_len, 0);
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t echo(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
  uint8_t octets[TCP_MSS];
  u16_t n;

  (void)arg;
  (void)err;
  if (p == NULL)
    return tcp_close(pcb);
  n = pbuf_copy_partial(p, octets, sizeof octets, 0);
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return tcp_write(pcb, octets, n, TCP_WRITE_FLAG_COPY);
}

static err_t source_more(void *arg, struct tcp_pcb *pcb, u16_t acked)
{
  (void)arg;
  (void)acked;
  while (tcp_sndbuf(pcb) >= TCP_MSS) {
    u16_t some = (u16_t)LWIP_MIN(tcp_sndbuf(pcb) / TCP_MSS * TCP_MSS, 16 * TCP_MSS);

    if (tcp_write(pcb, bench_pattern(), some, TCP_WRITE_FLAG_COPY) != ERR_OK)
      break;
  }
  tcp_output(pcb);
  return ERR_OK;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
  (void)arg;
  (void)err;
  tcp_nagle_disable(pcb);
  if (pcb->local_port == DISCARD) {
    tcp_recv(pcb, discard);
  } else if (pcb->local_port == ECHO) {
    tcp_recv(pcb, echo);
  } else {
    tcp_recv(pcb, discard);
    tcp_sent(pcb, source_more);
    source_more(NULL, pcb, 0);
  }
  return ERR_OK;
}

static void listen_on(u16_t port)
{
  struct tcp_pcb *pcb = tcp_new();

  if (tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK || (pcb = tcp_listen(pcb)) == NULL)
    bench_fail("cannot listen");
  tcp_accept(pcb, accepted);
}

int main(int argc, char **argv)
{
  static struct netif netif;
  ip4_addr_t address = {lwip_htonl(TUNDEV_STACK_ADDR)}, peer = {lwip_htonl(TUNDEV_KERNEL_ADDR)};
  ip4_addr_t mask;

  if (argc != 2)
    bench_fail("usage: peer_lwip_tun NAME");
  device = tundev_open(argv[1], false);
  lwip_init();
  IP4_ADDR(&mask, 255, 255, 255, 0);
  netif_add(&netif, &address, &mask, &peer, NULL, device_init, ip_input);
  netif_set_default(&netif);
  netif_set_up(&netif);
  netif_set_link_up(&netif);
  listen_on(ECHO);
  listen_on(DISCARD);
  listen_on(CHARGEN);
  puts("ready");
  fflush(stdout);
  for (;;) {
    if (device_input(&netif) == 0)
      tundev_wait(device, (int)LWIP_MIN(sys_timeouts_sleeptime(), 1000));
    sys_check_timeouts();
  }
}
