/* lastack_tun.c - lastack over a TUN device: port 7 echoes, 9 swallows, 19 sends for ever.
 *
 *     lastack_tun NAME plain|vnet [CC]
 *     lastack_tun cc                       the names of the congestion controls
 *
 * CC is the congestion control of all connections: newreno, cubic (the default), bbr. What is not
 * on the device's network is reached through the kernel.
 *
 * The pump of lastack.h around drivers/tun, with the smallest applications that serve; text is
 * copied in and out, as it is in peer_lwip_tun.
 */
#include "bench.h"
#include "tundev.h"

#include "lastack.h"
#include "rtnl.h"
#include "tun.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ECHO = 7, DISCARD = 9, CHARGEN = 19, BATCH = 64 };

static uint8_t application[1 << 18];

static void must(int result, const char *what)
{
  if (result < 0)
    bench_fail("%s: %s", what, la_strerror(result));
}

static la_time clock_now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (la_time)now.tv_sec * LA_SEC + now.tv_nsec;
}

static la_addr addr_of(uint32_t n)
{
  return la_ip4((uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
}

static la_stack *make_stack(struct tun *tun, int *number)
{
  la_config config;
  la_iface iface;
  la_stack *s;
  void *memory;

  la_config_default(&config);
  config.slabs = 1024;
  config.slab_size = 16384;
  config.send_buffer = config.receive_buffer = 2 << 20;
  memory = aligned_alloc(64, (la_size(&config) + 63) / 64 * 64);
  s = memory != NULL ? la_init(memory, la_size(&config), &config, clock_now()) : NULL;
  if (s == NULL)
    bench_fail("no memory for a stack");
  tun_iface(tun, &iface);
  *number = la_iface_add(s, &iface);
  must(*number, "interface");
  must(la_addr_add(s, *number, addr_of(TUNDEV_STACK_ADDR), 24), "address");
  must(la_route_add(s, (la_addr){.len = 4}, 0, addr_of(TUNDEV_KERNEL_ADDR), *number), "route");
  return s;
}

static void bring_up(const struct tun *tun)
{
  int result = rtnl_link_up(tun_index(tun), TUNDEV_MTU);

  if (result == 0)
    result = rtnl_addr_add(tun_index(tun), addr_of(TUNDEV_KERNEL_ADDR), 24, (la_addr){0});
  if (result < 0)
    bench_fail("the kernel's side: %s", strerror(-result));
}

/* The port is what the events of a listener and of its connections carry as `user`. */
static void listen_on(la_stack *s, uint16_t port, enum la_cc cc)
{
  la_endpoint local = {.port = port};
  la_sock sock;

  must(la_tcp_open(s, (void *)(uintptr_t)port, &sock), "open");
  must(la_tcp_set(s, sock, LA_OPT_NODELAY, 1), "nodelay");
  must(la_tcp_set(s, sock, LA_OPT_CONGESTION, cc), "congestion control");
  must(la_tcp_bind(s, sock, local), "bind");
  must(la_tcp_listen(s, sock, 16), "listen");
}

static void feed(la_stack *s, la_sock sock)
{
  while (la_tcp_send(s, sock, bench_pattern(), BENCH_PATTERN) > 0)
    continue;
}

static void drain(la_stack *s, la_sock sock, bool echo)
{
  int n;

  while ((n = la_tcp_recv(s, sock, application, sizeof application)) > 0)
    if (echo && la_tcp_send(s, sock, application, (uint32_t)n) != n)
      bench_fail("no room for an echo");
}

/* A handle that was let go of before is stale, and that is well. */
static void let_go(la_stack *s, la_sock sock)
{
  int result = la_tcp_forget(s, sock);

  if (result != -LA_ESTALE)
    must(result, "forget");
}

static void serve(la_stack *s, const la_event *event)
{
  uintptr_t port = (uintptr_t)event->user;
  la_sock sock;

  switch (event->kind) {
  case LA_EV_ACCEPT:
    while (la_tcp_accept(s, event->sock, event->user, &sock) == 0)
      if (port == CHARGEN)
        feed(s, sock);
    break;
  case LA_EV_READABLE:
    drain(s, event->sock, port == ECHO);
    break;
  case LA_EV_WRITABLE:
  case LA_EV_RETRY:
    feed(s, event->sock);
    break;
  case LA_EV_PEER_CLOSED:
    drain(s, event->sock, port == ECHO);
    let_go(s, event->sock);
    break;
  case LA_EV_CLOSED:
    let_go(s, event->sock);
    break;
  default:
    break;
  }
}

static void wait_for(const struct tun *tun, la_time deadline)
{
  struct pollfd p = {.fd = tun_fd(tun), .events = POLLIN};
  la_time now = clock_now(), wait = deadline > now ? deadline - now : 0;
  struct timespec t = {.tv_sec = 1};

  if (wait < LA_SEC)
    t = (struct timespec){.tv_nsec = (long)wait};
  if (ppoll(&p, 1, &t, NULL) < 0 && errno != EINTR)
    bench_fail("poll: %s", strerror(errno));
}

static void turn(la_stack *s, struct tun *tun, int iface)
{
  static la_pkt pkts[BATCH];
  la_event events[BATCH];
  int in = tun_receive(tun, s, iface, clock_now(), pkts, BATCH);
  la_time now = clock_now();
  size_t n;

  if (in < 0)
    bench_fail("the device: %s", strerror(-in));
  if (in > 0)
    la_input(s, now, pkts, (size_t)in);
  while ((n = la_events(s, events, BATCH)) > 0)
    for (size_t i = 0; i < n; i++)
      serve(s, &events[i]);
  while ((n = la_output(s, now, pkts, BATCH)) > 0)
    tun_send(tun, s, pkts, n);
  if (in == 0)
    wait_for(tun, la_deadline(s));
}

static const char *const cc_names[LA_CC_COUNT] = {
  [LA_CC_NEWRENO] = "newreno", [LA_CC_CUBIC] = "cubic", [LA_CC_BBR] = "bbr"
};

static enum la_cc cc_named(const char *name)
{
  for (int cc = 0; cc < LA_CC_COUNT; cc++)
    if (strcmp(name, cc_names[cc]) == 0)
      return (enum la_cc)cc;
  bench_fail("%s: no such congestion control", name);
}

static int list_names(void)
{
  for (int cc = 0; cc < LA_CC_COUNT; cc++)
    puts(cc_names[cc]);
  return 0;
}

int main(int argc, char **argv)
{
  enum la_cc cc = LA_CC_CUBIC;
  struct tun_options options = {.medium = LA_MEDIUM_IP, .mtu = TUNDEV_MTU};
  char error[TUN_ERROR];
  struct tun *tun;
  la_stack *s;
  int iface;

  if (argc == 2 && strcmp(argv[1], "cc") == 0)
    return list_names();
  if (argc != 3 && argc != 4)
    bench_fail("usage: lastack_tun NAME plain|vnet [CC]");
  if (argc == 4)
    cc = cc_named(argv[3]);
  options.name = argv[1];
  options.plain = strcmp(argv[2], "plain") == 0;
  tun = tun_open(&options, error);
  if (tun == NULL)
    bench_fail("%s", error);
  s = make_stack(tun, &iface);
  bring_up(tun);
  listen_on(s, ECHO, cc);
  listen_on(s, DISCARD, cc);
  listen_on(s, CHARGEN, cc);
  puts("ready");
  fflush(stdout);
  for (;;)
    turn(s, tun, iface);
}
