/* kernel_resets: the two ways in which letting go of a socket resets its peer, heard by a socket of
 * the Linux kernel over TUN: linger 0, and text that was not read (RFC 2525 2.17). Without the
 * rights for a namespace the test is skipped (77), and says why. */
#include "support/kernel_device.h"

#include <arpa/inet.h>
#include <sys/socket.h>

enum { PORT = 7001, PATIENCE_S = 30 };

static struct {
  struct device device;
  int listener, kernel;         /* the kernel's sockets */
  la_sock sock;                 /* ours */
} run;

/* Packets both ways, for as long as the kernel needs to have something for us, or none is left. */
static void turn(void)
{
  device_send(&run.device);
  device_wait(&run.device, 1);
  device_receive(&run.device);
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
  la_config c;

  la_config_default(&c);
  c.slab_size = 16384;
  run.device = device_open("lastackr0", &c, la_ip4(10, 80, 0, 1), la_ip4(10, 80, 0, 2));
}

/* A connection from us to the kernel, on which the kernel has sent us "hello". */
static void begin(void)
{
  const la_time patience = device_now() + PATIENCE_S * LA_SEC;
  const la_endpoint there = { la_ip4(10, 80, 0, 1), PORT };

  open_kernel();
  open_ours();
  assert_int_equal(la_tcp_open(run.device.stack, NULL, &run.sock), 0);
  assert_int_equal(la_tcp_connect(run.device.stack, run.sock, there), 0);
  do {
    turn();
    run.kernel = accept4(run.listener, NULL, NULL, SOCK_NONBLOCK);
  } while (run.kernel < 0 && device_now() < patience);
  assert_true(run.kernel >= 0);
  assert_int_equal(send(run.kernel, "hello", 5, 0), 5);
  while (la_tcp_recv(run.device.stack, run.sock, NULL, 0) != 0 && device_now() < patience)
    turn();
  assert_int_equal(la_tcp_recv(run.device.stack, run.sock, NULL, 0), 0);
}

/* What the kernel's socket reads once we have let go: minus the error, or the octets. */
static int kernel_hears(void)
{
  const la_time patience = device_now() + PATIENCE_S * LA_SEC;
  char text[8];
  ssize_t n;

  do {
    turn();
    n = recv(run.kernel, text, sizeof text, 0);
  } while (n < 0 && errno == EAGAIN && device_now() < patience);
  return n < 0 ? -errno : (int)n;
}

static void finish(void)
{
  la_sock cursor = { 0 };

  assert_false(la_sock_next(run.device.stack, &cursor));  /* a reset leaves nothing behind */
  device_close(&run.device);
  close(run.kernel);
  close(run.listener);
}

TEST(linger_0_resets)
{
  char text[8];

  begin();
  assert_int_equal(la_tcp_recv(run.device.stack, run.sock, text, sizeof text), 5);
  assert_int_equal(la_tcp_set(run.device.stack, run.sock, LA_OPT_LINGER_MS, 0), 0);
  assert_int_equal(la_tcp_forget(run.device.stack, run.sock), 0);
  assert_int_equal(kernel_hears(), -ECONNRESET);
  finish();
}

TEST(unread_text_resets)
{
  begin();
  assert_int_equal(la_tcp_forget(run.device.stack, run.sock), 0);
  assert_int_equal(kernel_hears(), -ECONNRESET);
  finish();
}

/* The control: the same, read to the end, is an orderly close. */
TEST(text_that_was_read_ends_in_order)
{
  char text[8];

  begin();
  assert_int_equal(la_tcp_recv(run.device.stack, run.sock, text, sizeof text), 5);
  assert_int_equal(la_tcp_close(run.device.stack, run.sock), 0);
  assert_int_equal(kernel_hears(), 0);
  assert_int_equal(la_tcp_abort(run.device.stack, run.sock), 0);
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
  const int skipped = device_enter();

  return skipped ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
