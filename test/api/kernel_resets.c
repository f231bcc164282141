/* kernel_resets: the two ways in which letting go of a socket resets its peer, heard by a socket of
 * the Linux kernel over TUN: linger 0, and text that was not read (RFC 2525 2.17). Without the
 * rights for a namespace the test is skipped (77), and says why. */
#include "support/unit.h"

#include "lastack.h"
#include "rtnl.h"
#include "tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 7001, BATCH = 64, PATIENCE_S = 30 };

static struct {
  la_stack *stack;
  void *memory;
  struct tun *tun;
  int listener, kernel;         /* the kernel's sockets */
  la_sock sock;                 /* ours */
} run;

static la_time now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (la_time)t.tv_sec * LA_SEC + t.tv_nsec;
}

/* Packets both ways, for as long as the kernel needs to have something for us, or none is left. */
static void turn(void)
{
  struct pollfd fd = { .fd = tun_fd(run.tun), .events = POLLIN };
  la_pkt pkts[BATCH];
  size_t n;
  int got;

  while ((n = la_output(run.stack, now(), pkts, BATCH)) > 0)
    tun_send(run.tun, run.stack, pkts, n);
  (void)poll(&fd, 1, 1);
  while ((got = tun_receive(run.tun, run.stack, 0, now(), pkts, BATCH)) > 0)
    la_input(run.stack, now(), pkts, (size_t)got);
  assert_int_equal(got, 0);
}

static void open_kernel(void)
{
  struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(PORT) };

  run.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  assert_true(run.listener >= 0);
  assert_int_equal(bind(run.listener, (const struct sockaddr *)&name, sizeof name), 0);
  assert_int_equal(listen(run.listener, 1), 0);
}

static void open_ours(void)
{
  const struct tun_options options = {
    .name = "lastackr0", .medium = LA_MEDIUM_IP, .mtu = 1500
  };
  char error[TUN_ERROR] = "";
  la_config c;
  la_iface iface;

  run.tun = tun_open(&options, error);
  assert_string_equal(error, "");
  assert_int_equal(rtnl_link_up(tun_index(run.tun), 1500), 0);
  assert_int_equal(rtnl_addr_add(tun_index(run.tun), la_ip4(10, 80, 0, 1), 24, (la_addr){ 0 }),
                   0);
  la_config_default(&c);
  c.slab_size = 16384;
  run.memory = test_memory(la_size(&c));
  run.stack = la_init(run.memory, la_size(&c), &c, now());
  assert_non_null(run.stack);
  tun_iface(run.tun, &iface);
  assert_int_equal(la_iface_add(run.stack, &iface), 0);
  assert_int_equal(la_addr_add(run.stack, 0, la_ip4(10, 80, 0, 2), 24), 0);
}

/* A connection from us to the kernel, on which the kernel has sent us "hello". */
static void begin(void)
{
  const la_time patience = now() + PATIENCE_S * LA_SEC;
  const la_endpoint there = { la_ip4(10, 80, 0, 1), PORT };

  open_kernel();
  open_ours();
  assert_int_equal(la_tcp_open(run.stack, NULL, &run.sock), 0);
  assert_int_equal(la_tcp_connect(run.stack, run.sock, there), 0);
  do {
    turn();
    run.kernel = accept4(run.listener, NULL, NULL, SOCK_NONBLOCK);
  } while (run.kernel < 0 && now() < patience);
  assert_true(run.kernel >= 0);
  assert_int_equal(send(run.kernel, "hello", 5, 0), 5);
  while (la_tcp_recv(run.stack, run.sock, NULL, 0) != 0 && now() < patience)
    turn();
  assert_int_equal(la_tcp_recv(run.stack, run.sock, NULL, 0), 0);
}

/* What the kernel's socket reads once we have let go: minus the error, or the octets. */
static int kernel_hears(void)
{
  const la_time patience = now() + PATIENCE_S * LA_SEC;
  char text[8];
  ssize_t n;

  do {
    turn();
    n = recv(run.kernel, text, sizeof text, 0);
  } while (n < 0 && errno == EAGAIN && now() < patience);
  return n < 0 ? -errno : (int)n;
}

static void finish(void)
{
  la_sock cursor = { 0 };

  assert_false(la_sock_next(run.stack, &cursor));           /* a reset leaves nothing behind */
  tun_close(run.tun, run.stack);
  la_fini(run.stack);
  free(run.memory);
  close(run.kernel);
  close(run.listener);
}

TEST(linger_0_resets)
{
  char text[8];

  begin();
  assert_int_equal(la_tcp_recv(run.stack, run.sock, text, sizeof text), 5);
  assert_int_equal(la_tcp_set(run.stack, run.sock, LA_OPT_LINGER_MS, 0), 0);
  assert_int_equal(la_tcp_forget(run.stack, run.sock), 0);
  assert_int_equal(kernel_hears(), -ECONNRESET);
  finish();
}

TEST(unread_text_resets)
{
  begin();
  assert_int_equal(la_tcp_forget(run.stack, run.sock), 0);
  assert_int_equal(kernel_hears(), -ECONNRESET);
  finish();
}

/* The control: the same, read to the end, is an orderly close. */
TEST(text_that_was_read_ends_in_order)
{
  char text[8];

  begin();
  assert_int_equal(la_tcp_recv(run.stack, run.sock, text, sizeof text), 5);
  assert_int_equal(la_tcp_close(run.stack, run.sock), 0);
  assert_int_equal(kernel_hears(), 0);
  assert_int_equal(la_tcp_abort(run.stack, run.sock), 0);
  turn();
  finish();
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(linger_0_resets),
    cmocka_unit_test(unread_text_resets),
    cmocka_unit_test(text_that_was_read_ends_in_order),
  };

  if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
    printf("skipped: no network namespace for this user: %s\n", strerror(errno));
    return 77;
  }
  if (access("/dev/net/tun", R_OK | W_OK) < 0) {
    printf("skipped: /dev/net/tun: %s\n", strerror(errno));
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
