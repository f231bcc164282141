/* node.c - one stack, one device, one loop.
 *
 * The stack is turned in the loop's prepare phase, once per iteration; the device's descriptor
 * and a timerfd (libuv's own timers know only milliseconds) merely wake the loop. */
#include "node.h"

#include "app.h"
#include "pcapng.h"
#include "rtnl.h"
#include "tun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, ROUNDS = 16, PACKET_MAX = 65536 + 18 };

struct node {
  la_stack *stack;
  void *memory;
  size_t size;
  struct tun *tun;
  int iface, timer_fd;
  bool readable, open;
  struct node_set sets[NODE_SETS];
  unsigned set_count;
  la_time armed;                /* what the timer stands at; LA_NEVER: it does not run */
  uv_prepare_t turn;
  uv_idle_t busy;               /* runs while there is more to do than one turn does */
  uv_poll_t device, timer;
  struct node_user *users, *gone;
  struct pcapng *pcap;
  int pcap_iface;
  la_time to_wall;              /* what to add to node_now for the time since 1970 */
};

la_time node_now(void)
{
  return (la_time)uv_hrtime();
}

la_stack *node_stack(struct node *node)
{
  return node->stack;
}

const char *node_name(const struct node *node)
{
  return tun_name(node->tun);
}

static void link_user(struct node_user **list, struct node_user *user)
{
  user->next = *list;
  user->link = list;
  if (user->next)
    user->next->link = &user->next;
  *list = user;
}

static void unlink_user(struct node_user *user)
{
  *user->link = user->next;
  if (user->next)
    user->next->link = user->link;
}

void *node_make(struct node *node, size_t size,
                void (*event)(struct node_user *user, const la_event *event))
{
  struct node_user *user = calloc(1, size);

  if (!user)
    return NULL;
  user->event = event;
  link_user(&node->users, user);
  return user;
}

void node_retire(struct node *node, struct node_user *user)
{
  user->gone = true;
  unlink_user(user);
  link_user(&node->gone, user);
}

int node_tcp_open(struct node *node, struct node_user *user, la_sock *sock)
{
  int result = la_tcp_open(node->stack, user, sock);

  for (unsigned i = 0; i < node->set_count && result >= 0; i++)
    result = la_tcp_set(node->stack, *sock, node->sets[i].option, node->sets[i].value);
  return result;
}

/* ---- the turn ------------------------------------------------------------ */
static void capture(struct node *node, int direction, const la_pkt *pkts, size_t n)
{
  static uint8_t octets[PACKET_MAX];

  for (size_t i = 0; node->pcap && i < n; i++) {
    size_t length = la_pkt_copy(&pkts[i], octets, sizeof octets);

    pcapng_packet(node->pcap, node->pcap_iface, node_now() + node->to_wall, direction, octets,
                  length, NULL);
  }
}

static size_t receive(struct node *node)
{
  la_pkt pkts[BATCH];
  int n = tun_receive(node->tun, node->stack, node->iface, node_now(), pkts, BATCH);

  if (n < BATCH)
    node->readable = false;
  if (n < 0) {
    app_fail("%s: %s", node_name(node), strerror(-n));
    uv_poll_stop(&node->device);
  }
  if (n <= 0)
    return 0;
  capture(node, PCAPNG_IN, pkts, (size_t)n);
  la_input(node->stack, node_now(), pkts, (size_t)n);
  return (size_t)n;
}

static void free_users(struct node_user **list)
{
  while (*list) {
    struct node_user *user = *list;

    unlink_user(user);
    if (user->release)
      user->release(user);
    free(user);
  }
}

/* What belongs to no socket may be anybody's: a slab to read a file into. */
static void tell(struct node *node, const la_event *event)
{
  struct node_user *user = event->user, *next;

  if (user && !user->gone)
    user->event(user, event);
  for (user = event->sock.bits ? NULL : node->users; user; user = next) {
    next = user->next;
    if (!user->gone)
      user->event(user, event);
  }
}

static size_t serve(struct node *node)
{
  la_event events[BATCH];
  size_t n, all = 0;

  do {
    n = la_events(node->stack, events, BATCH);
    for (size_t i = 0; i < n; i++)
      tell(node, &events[i]);
    free_users(&node->gone);    /* only now: events fetched together may name them */
    all += n;
  } while (n > 0);
  return all;
}

static size_t transmit(struct node *node)
{
  la_pkt pkts[BATCH];
  size_t n = la_output(node->stack, node_now(), pkts, BATCH);

  capture(node, PCAPNG_OUT, pkts, n);
  tun_send(node->tun, node->stack, pkts, n);
  return n;
}

static void on_busy(uv_idle_t *idle)
{
  (void)idle;                   /* that it is active keeps the loop from sleeping */
}

static void arm(struct node *node)
{
  la_time due = la_deadline(node->stack);
  struct itimerspec spec = { 0 };

  if (node->readable || due <= node_now()) {
    uv_idle_start(&node->busy, on_busy);
    return;
  }
  uv_idle_stop(&node->busy);
  if (node->pcap)
    pcapng_flush(node->pcap);
  if (due == node->armed)
    return;
  node->armed = due;
  if (due != LA_NEVER) {
    spec.it_value.tv_sec = (time_t)(due / LA_SEC);
    spec.it_value.tv_nsec = (long)(due % LA_SEC);
  }
  timerfd_settime(node->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Bounded, so that a busy link does not keep the control socket and signals waiting. */
static void on_turn(uv_prepare_t *turn)
{
  struct node *node = turn->data;

  for (unsigned i = 0; i < ROUNDS; i++) {
    size_t moved = node->readable ? receive(node) : 0;

    moved += serve(node);
    moved += transmit(node);
    if (moved == 0)
      break;
  }
  arm(node);
}

static void on_device(uv_poll_t *poll, int status, int events)
{
  struct node *node = poll->data;

  (void)status;
  (void)events;
  node->readable = true;
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
  struct node *node = poll->data;
  uint64_t expirations;

  (void)status;
  (void)events;
  if (read(node->timer_fd, &expirations, sizeof expirations) > 0)
    node->armed = LA_NEVER;
}

/* ---- opening ------------------------------------------------------------- */
/* One address of the kernel's, and its routes to our further ones of that family. */
static int prepare_peer(unsigned index, const struct node_options *options, la_addr peer)
{
  const struct app_net *partner = node_partner(options, peer);
  la_addr none = { 0 };
  int result = rtnl_addr_add(index, peer, partner->prefix, partner->addr);

  for (unsigned i = 0; result == 0 && i < options->addr_count; i++)
    if (&options->addrs[i] != partner && options->addrs[i].addr.len == peer.len)
      result = rtnl_route_add(index, options->addrs[i].addr,
                              (uint8_t)(options->addrs[i].addr.len * 8), none);
  return result;
}

static bool all_ready(struct node *node, const struct node_options *options)
{
  for (unsigned i = 0; i < options->peer_count; i++)
    if (!rtnl_is_ready(node_name(node), options->peers[i]))
      return false;
  return options->peer_count > 0 || rtnl_is_ready(node_name(node), (la_addr){ 0 });
}

/* The kernel's side: its addresses, its routes, and the link up. A device that somebody else has
 * prepared for this user needs no rights. */
static bool prepare_kernel(struct node *node, const struct node_options *options)
{
  unsigned index = tun_index(node->tun);
  int result = rtnl_link_up(index, options->mtu);

  for (unsigned i = 0; result == 0 && i < options->peer_count; i++)
    result = prepare_peer(index, options, options->peers[i]);
  if (result == 0 || all_ready(node, options))
    return true;
  if (result == -EPERM)
    app_fail("%s: this user may not configure the kernel's side of it (root may: ip address add, "
             "ip link set up)", node_name(node));
  else
    app_fail("%s: configuring the kernel's side of it: %s", node_name(node), strerror(-result));
  return false;
}

static bool open_device(struct node *node, const struct node_options *options)
{
  struct tun_options wanted = {
    .name = options->device, .medium = options->medium, .plain = options->plain,
    .mtu = options->mtu
  };
  char error[TUN_ERROR];

  node->tun = tun_open(&wanted, error);
  if (!node->tun) {
    app_fail("%s", error);
    return false;
  }
  return prepare_kernel(node, options);
}

/* What was to be added, and how it went: true, or false after a complaint. */
static bool added(int result, const char *what, la_addr addr, unsigned prefix)
{
  char text[LA_ADDR_TEXT];

  if (result >= 0)
    return true;
  la_addr_text(addr, text, sizeof text);
  app_fail("%s %s/%u: %s", what, text, prefix, la_strerror(result));
  return false;
}

static bool add_peer(struct node *node, la_addr peer)
{
  la_addr any = { .len = peer.len }, none = { 0 };
  unsigned alone = peer.len * 8u;
  int result = la_route_add(node->stack, any, 0, peer, node->iface);

  if (!added(result == -LA_EINUSE ? 0 : result, "default route by", peer, alone))
    return false;               /* in use: --route default has said it already, or another peer */
  return added(la_route_add(node->stack, peer, (uint8_t)alone, none, node->iface), "route to",
               peer, alone);
}

static bool add_networks(struct node *node, const struct node_options *options)
{
  for (unsigned i = 0; i < options->addr_count; i++) {
    const struct app_net *p = &options->addrs[i];

    if (!added(la_addr_add(node->stack, node->iface, p->addr, p->prefix), "--addr", p->addr,
               p->prefix))
      return false;
  }
  for (unsigned i = 0; i < options->route_count; i++) {
    const struct node_route *r = &options->routes[i];

    if (!added(la_route_add(node->stack, r->net.addr, r->net.prefix, r->via, node->iface),
               "--route", r->net.addr, r->net.prefix))
      return false;
  }
  for (unsigned i = 0; i < options->peer_count; i++)
    if (!add_peer(node, options->peers[i]))
      return false;
  return true;
}

static bool open_stack(struct node *node, const struct node_options *options)
{
  la_config config = options->config;
  la_iface iface;

  if (getrandom(config.secret, sizeof config.secret, 0) != sizeof config.secret) {
    app_fail("the kernel gives no random numbers");
    return false;
  }
  node->size = la_size(&config);
  node->memory = mmap(NULL, node->size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (node->memory == MAP_FAILED) {
    node->memory = NULL;
    app_fail("%zu MiB for the stack: %s", node->size >> 20, strerror(errno));
    return false;
  }
  node->stack = la_init(node->memory, node->size, &config, node_now());
  if (!node->stack) {
    app_fail("the stack refuses this configuration");
    return false;
  }
  tun_iface(node->tun, &iface);
  if (options->auto6)
    iface.flags |= LA_IFACE_AUTO6;
  else if (options->peer_count > 0)
    iface.flags |= LA_IFACE_NO_DAD;           /* the kernel is the only other on this link */
  node->iface = la_iface_add(node->stack, &iface);
  if (node->iface < 0) {
    app_fail("interface %s: %s", iface.name, la_strerror(node->iface));
    return false;
  }
  return add_networks(node, options);
}

static bool open_capture(struct node *node, const struct node_options *options)
{
  struct timespec wall;

  if (!options->pcap)
    return true;
  node->pcap = pcapng_open(options->pcap);
  if (!node->pcap) {
    app_fail("%s: %s", options->pcap, strerror(errno));
    return false;
  }
  clock_gettime(CLOCK_REALTIME, &wall);
  node->to_wall = (la_time)wall.tv_sec * LA_SEC + wall.tv_nsec - node_now();
  node->pcap_iface = pcapng_interface(node->pcap, node_name(node),
    options->medium == LA_MEDIUM_ETHERNET ? LINKTYPE_ETHERNET : LINKTYPE_RAW);
  if (node->pcap_iface >= 0)
    return true;
  app_fail("%s: %s", options->pcap, strerror(errno));
  return false;
}

static bool open_loop(struct node *node, uv_loop_t *loop)
{
  node->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (node->timer_fd < 0) {
    app_fail("timerfd: %s", strerror(errno));
    return false;
  }
  uv_prepare_init(loop, &node->turn);
  uv_idle_init(loop, &node->busy);
  uv_poll_init(loop, &node->device, tun_fd(node->tun));
  uv_poll_init(loop, &node->timer, node->timer_fd);
  node->turn.data = node->device.data = node->timer.data = node;
  uv_prepare_start(&node->turn, on_turn);
  uv_poll_start(&node->device, UV_READABLE, on_device);
  uv_poll_start(&node->timer, UV_READABLE, on_timer);
  node->armed = LA_NEVER;
  node->open = true;
  return true;
}

struct node *node_open(const struct node_options *options, uv_loop_t *loop)
{
  struct node *node = calloc(1, sizeof *node);

  if (!node) {
    app_fail("no memory");
    return NULL;
  }
  node->timer_fd = -1;
  memcpy(node->sets, options->sets, sizeof node->sets);
  node->set_count = options->set_count;
  if (open_device(node, options) && open_stack(node, options) && open_capture(node, options)
      && open_loop(node, loop))
    return node;
  node_free(node);
  return NULL;
}

/* ---- closing ------------------------------------------------------------- */
void node_abort_all(struct node *node)
{
  la_sock cursor = { 0 };

  while (la_sock_next(node->stack, &cursor)) {
    la_sock_info info;

    if (la_sock_get(node->stack, cursor, &info) == 0 && info.protocol == LA_TCP)
      (void)!la_tcp_abort(node->stack, cursor);
  }
}

void node_close(struct node *node)
{
  if (!node->open)
    return;
  node->open = false;
  for (unsigned i = 0; i < ROUNDS && transmit(node) == BATCH; i++)
    ;
  uv_close((uv_handle_t *)&node->turn, NULL);
  uv_close((uv_handle_t *)&node->busy, NULL);
  uv_close((uv_handle_t *)&node->device, NULL);
  uv_close((uv_handle_t *)&node->timer, NULL);
}

void node_free(struct node *node)
{
  free_users(&node->gone);
  free_users(&node->users);
  if (node->pcap && pcapng_close(node->pcap) < 0)
    app_fail("the capture is not whole: %s", strerror(errno));
  if (node->timer_fd >= 0)
    close(node->timer_fd);
  tun_close(node->tun, node->stack);
  if (node->stack)
    la_fini(node->stack);
  if (node->memory)
    munmap(node->memory, node->size);
  free(node);
}
