/* tundev.c - a TUN device for a driver; see tundev.h. */
#include "tundev.h"

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

static void configure(int fd, unsigned long request, void *argument, const char *what)
{
  if (ioctl(fd, request, argument) < 0)
    bench_fail("%s: %s", what, strerror(errno));
}

static void set_addr(struct ifreq *r, uint32_t addr)
{
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr)};

  memcpy(&r->ifr_addr, &in, sizeof in);
}

static void bring_up(const struct ifreq *named)
{
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq r = *named;

  if (fd < 0)
    bench_fail("socket: %s", strerror(errno));
  set_addr(&r, TUNDEV_KERNEL_ADDR);
  configure(fd, SIOCSIFADDR, &r, "address");
  r = *named;
  set_addr(&r, TUNDEV_STACK_ADDR);
  configure(fd, SIOCSIFDSTADDR, &r, "address of the peer");
  r = *named;
  r.ifr_mtu = TUNDEV_MTU;
  configure(fd, SIOCSIFMTU, &r, "mtu");
  r = *named;
  r.ifr_qlen = 1000;
  configure(fd, SIOCSIFTXQLEN, &r, "queue");
  r = *named;
  r.ifr_flags = IFF_UP | IFF_RUNNING;
  configure(fd, SIOCSIFFLAGS, &r, "up");
  close(fd);
}

int tundev_open(const char *name, bool vnet)
{
  struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), size = TUNDEV_HDR;

  if (fd < 0)
    bench_fail("/dev/net/tun: %s", strerror(errno));
  if (vnet)
    r.ifr_flags |= IFF_VNET_HDR;
  strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
  configure(fd, TUNSETIFF, &r, name);
  if (vnet) {
    configure(fd, TUNSETVNETHDRSZ, &size, "header size");
    if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(TUN_F_CSUM | TUN_F_TSO4)) < 0)
      bench_fail("offloads: %s", strerror(errno));
  }
  bring_up(&r);
  return fd;
}

void tundev_wait(int fd, int milliseconds)
{
  struct pollfd p = {.fd = fd, .events = POLLIN};

  if (poll(&p, 1, milliseconds) < 0 && errno != EINTR)
    bench_fail("poll: %s", strerror(errno));
}
