/* wire_end.c - a TUN device in somebody else's network namespace.
 *
 * A device is made in the namespace that its maker is in at that moment, and its descriptor works
 * from everywhere. So this process steps into the namespace, makes and configures the device, and
 * steps back. The device is `plain`: what comes out are finished packets no larger than the MTU,
 * with their checksums, as on a real link; what goes in is verified by the kernel. */
#include "wire.h"

#include "app.h"
#include "rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { QUEUE_PACKETS = 10000 };

static void space_path(const char *space, char *path, size_t size)
{
  bool process = *space && strspn(space, "0123456789") == strlen(space);

  if (strcmp(space, ".") == 0)
    snprintf(path, size, "/proc/self/ns/net");
  else if (process)
    snprintf(path, size, "/proc/%s/ns/net", space);
  else
    snprintf(path, size, "%s%s", strchr(space, '/') ? "" : "/run/netns/", space);
}

static bool open_space(struct wire_end *end)
{
  char path[256];

  space_path(end->space, path, sizeof path);
  end->space_fd = open(path, O_RDONLY | O_CLOEXEC);
  if (end->space_fd >= 0)
    return true;
  app_fail("--%s %s: there is no such namespace: %s: %s", end->side, end->space, path,
           strerror(errno));
  return false;
}

/* Into the namespace; what leads back, or -1 after a complaint. */
static int step_in(const struct wire_end *end)
{
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

  if (home >= 0 && setns(end->space_fd, CLONE_NEWNET) == 0)
    return home;
  app_fail("--%s %s: this user may not enter that namespace: %s", end->side, end->space,
           strerror(errno));
  if (home >= 0)
    close(home);
  return -1;
}

static bool step_out(int home)
{
  bool back = setns(home, CLONE_NEWNET) == 0;

  if (!back)
    app_fail("the way back into this namespace: %s", strerror(errno));
  close(home);
  return back;
}

/* Without an address of its family the kernel would still send its own IPv6 packets (router
 * solicitations, group reports), and every one of them would draw from the link's luck. A kernel
 * without IPv6 has no such file, which is as well. */
static void silence_ipv6(const struct wire_end *end)
{
  char path[128];
  int fd;

  for (unsigned i = 0; i < end->addr_count; i++)
    if (end->addrs[i].addr.len == 16)
      return;
  snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", tun_name(end->tun));
  fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  (void)!write(fd, "1", 1);
  close(fd);
}

static bool configure(struct wire_end *end, uint32_t mtu)
{
  unsigned index = tun_index(end->tun);
  la_addr none = { 0 };
  int result;

  silence_ipv6(end);
  result = rtnl_link_queue(index, QUEUE_PACKETS);
  if (result == 0)
    result = rtnl_link_up(index, mtu);
  for (unsigned i = 0; result == 0 && i < end->addr_count; i++)
    result = rtnl_addr_add(index, end->addrs[i].addr, end->addrs[i].prefix, none);
  for (unsigned i = 0; result == 0 && i < end->route_count; i++)
    result = rtnl_route_add(index, end->routes[i].addr, end->routes[i].prefix, none);
  if (result == 0)
    return true;
  app_fail("--%s %s: configuring %s: %s", end->side, end->space, tun_name(end->tun),
           strerror(-result));
  return false;
}

static bool make_device(struct wire_end *end, uint32_t mtu)
{
  struct tun_options wanted = {
    .name = end->device, .medium = LA_MEDIUM_IP, .plain = true, .mtu = mtu
  };
  char error[TUN_ERROR];

  end->tun = tun_open(&wanted, error);
  if (!end->tun) {
    app_fail("--%s %s: %s", end->side, end->space, error);
    return false;
  }
  return configure(end, mtu);
}

bool wire_end_open(struct wire_end *end, uint32_t mtu)
{
  int home;
  bool made;

  end->space_fd = -1;
  if (!open_space(end))
    return false;
  home = step_in(end);
  if (home < 0)
    return false;
  made = make_device(end, mtu);
  return step_out(home) && made;
}

uint64_t wire_end_missed(const struct wire_end *end)
{
  int home = step_in(end);
  uint64_t missed;

  if (home < 0)
    return 0;
  missed = rtnl_link_dropped(tun_name(end->tun));
  step_out(home);
  return missed;
}

void wire_end_close(struct wire_end *end)
{
  tun_close(end->tun, NULL);
  if (end->space_fd >= 0)
    close(end->space_fd);
}
