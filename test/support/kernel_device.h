/* kernel_device.h - a stack on a TUN device whose other side is the Linux kernel, in a namespace of
 * this process's own; in real time. For test/api. */
#ifndef LA_TEST_KERNEL_DEVICE_H
#define LA_TEST_KERNEL_DEVICE_H
#include "lastack.h"
#include "rtnl.h"
#include "support/unit.h"
#include "tun.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

enum { DEVICE_BATCH = 64, DEVICE_SKIPPED = 77 };

struct device {
  la_stack *stack;
  void *memory;
  struct tun *tun;
};

/* Enters a namespace: 0, or what main returns, having said why. */
static inline int device_enter(void)
{
  if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
    printf("skipped: no network namespace for this user: %s\n", strerror(errno));
    return DEVICE_SKIPPED;
  }
  if (access("/dev/net/tun", R_OK | W_OK) < 0) {
    printf("skipped: /dev/net/tun: %s\n", strerror(errno));
    return DEVICE_SKIPPED;
  }
  return 0;
}

static inline la_time device_now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (la_time)t.tv_sec * LA_SEC + t.tv_nsec;
}

static inline struct device device_open(const char *name, const la_config *c, la_addr kernel,
                                        la_addr ours)
{
  const struct tun_options options = { .name = name, .medium = LA_MEDIUM_IP, .mtu = 1500 };
  char error[TUN_ERROR] = "";
  struct device d = { .memory = test_memory(la_size(c)) };
  la_iface iface;

  d.tun = tun_open(&options, error);
  assert_string_equal(error, "");
  assert_true(tun_made(d.tun));
  assert_int_equal(rtnl_link_up(tun_index(d.tun), 1500), 0);
  assert_int_equal(rtnl_addr_add(tun_index(d.tun), kernel, 24, (la_addr){ 0 }), 0);
  assert_true(rtnl_is_ready(name, kernel));
  d.stack = la_init(d.memory, la_size(c), c, device_now());
  assert_non_null(d.stack);
  tun_iface(d.tun, &iface);
  assert_int_equal(la_iface_add(d.stack, &iface), 0);
  assert_int_equal(la_addr_add(d.stack, 0, ours, 24), 0);
  return d;
}

/* All that the kernel has for us. */
static inline void device_receive(struct device *d)
{
  la_pkt pkts[DEVICE_BATCH];
  int got;

  while ((got = tun_receive(d->tun, d->stack, 0, device_now(), pkts, DEVICE_BATCH)) > 0)
    la_input(d->stack, device_now(), pkts, (size_t)got);
  assert_int_equal(got, 0);
}

/* All that we have for the kernel. */
static inline void device_send(struct device *d)
{
  la_pkt pkts[DEVICE_BATCH];
  size_t n;

  while ((n = la_output(d->stack, device_now(), pkts, DEVICE_BATCH)) > 0)
    tun_send(d->tun, d->stack, pkts, n);
}

/* Until the kernel has something for us, but for so long at most. */
static inline void device_wait(const struct device *d, int timeout_ms)
{
  struct pollfd fd = { .fd = tun_fd(d->tun), .events = POLLIN };

  (void)poll(&fd, 1, timeout_ms);
}

static inline uint32_t device_used(const struct device *d, const char *pool)
{
  const char *name;
  uint32_t used, peak, size;

  for (unsigned i = 0; la_pool_get(d->stack, i, &name, &used, &peak, &size); i++)
    if (strcmp(name, pool) == 0)
      return used;
  fail_msg("there is no pool %s", pool);
  return 0;
}

static inline void device_close(struct device *d)
{
  tun_close(d->tun, d->stack);
  assert_int_equal(device_used(d, "slabs"), 0);
  la_fini(d->stack);
  free(d->memory);
}

#endif
