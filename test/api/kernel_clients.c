/* kernel_clients: thousands of short connections that lastack opens to a server of the Linux
 * kernel, over TUN, in a namespace of this process's own: TIME-WAIT at the kernel's end, or at
 * ours. Without the rights for it the test is skipped (77), and says why.
 *
 * It is also a whole driver loop without an event library: poll, la_input, la_events, la_output. */
#include "support/kernel_device.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PORT = 7000, CONNECTIONS = 5000, AT_ONCE = 200, TEXT = 64, BATCH = 64, PATIENCE_S = 60 };

struct client {
  la_sock sock;
  unsigned number;
  uint32_t got;
  bool busy;
};

struct run {
  struct device device;
  bool we_close_first;
  unsigned started, ended;
  struct client clients[AT_ONCE];
};

/* ---- the kernel's end, in a process of its own ------------------------------ */
static void answer(int s)
{
  char text[TEXT];
  ssize_t n = recv(s, text, TEXT, MSG_WAITALL);

  if (n == TEXT)
    (void)!send(s, text, TEXT, MSG_NOSIGNAL);
}

/* Echoes one text. Then it closes, or waits for its client to do so, as the client asked for by
 * its first octet; up to AT_ONCE of those wait at a time. */
static void serve(int listener)
{
  struct pollfd all[AT_ONCE + 1] = { { .fd = listener, .events = POLLIN } };
  unsigned n = 1;

  for (;;) {
    if (poll(all, n, -1) < 0)
      _exit(1);
    for (unsigned i = n - 1; i > 0; i--)
      if (all[i].revents) {     /* its FIN */
        close(all[i].fd);
        all[i] = all[--n];
      }
    if (all[0].revents && n <= AT_ONCE) {
      int s = accept(listener, NULL, NULL);
      char first;

      if (s < 0 || recv(s, &first, 1, MSG_PEEK) != 1)
        _exit(1);
      answer(s);
      if (first == 'S')
        close(s);
      else
        all[n++] = (struct pollfd){ .fd = s, .events = POLLIN };
    }
  }
}

static pid_t start_server(void)
{
  struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(PORT) };
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  pid_t pid;

  assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
  assert_int_equal(bind(listener, (const struct sockaddr *)&name, sizeof name), 0);
  assert_int_equal(listen(listener, AT_ONCE), 0);
  pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(listener);
  }
  close(listener);
  return pid;
}

/* ---- our end ------------------------------------------------------------------ */
static void begin(struct run *r, struct client *c)
{
  const la_endpoint there = { la_ip4(10, 79, 0, 1), PORT };
  char text[TEXT];

  memset(text, r->we_close_first ? 'C' : 'S', TEXT);
  *c = (struct client){ .number = r->started, .busy = true };
  assert_int_equal(la_tcp_open(r->device.stack, c, &c->sock), 0);
  assert_int_equal(la_tcp_connect(r->device.stack, c->sock, there), 0);
  snprintf(text + 1, TEXT - 1, "%u", c->number);
  assert_int_equal(la_tcp_send(r->device.stack, c->sock, text, TEXT), TEXT);
  r->started++;
}

static void end(struct run *r, struct client *c)
{
  assert_int_equal(c->got, TEXT);
  assert_int_equal(la_tcp_forget(r->device.stack, c->sock), 0);
  r->ended++;
  c->busy = false;
}

static void hear(struct run *r, struct client *c, const la_event *e)
{
  char text[TEXT];
  int n;

  if (!c->busy || e->sock.bits != c->sock.bits)
    return;
  assert_false(e->kind == LA_EV_CLOSED && e->error != LA_OK);
  while ((n = la_tcp_recv(r->device.stack, c->sock, text, TEXT)) > 0) {
    assert_int_equal(text[0], r->we_close_first ? 'C' : 'S');
    if (c->got == 0)
      assert_int_equal(atoi(text + 1), (int)c->number);
    c->got += (uint32_t)n;
    if (c->got == TEXT && r->we_close_first)
      assert_int_equal(la_tcp_close(r->device.stack, c->sock), 0);
  }
  if (n == -LA_EEOF)
    end(r, c);
}

static void turn(struct run *r)
{
  la_event events[BATCH];
  size_t n;

  device_receive(&r->device);
  while ((n = la_events(r->device.stack, events, BATCH)) > 0)
    for (size_t i = 0; i < n; i++)
      hear(r, events[i].user, &events[i]);
  for (unsigned i = 0; i < AT_ONCE && r->started < CONNECTIONS; i++)
    if (!r->clients[i].busy)
      begin(r, &r->clients[i]);
  device_send(&r->device);
}

static void wait_for_more(struct run *r)
{
  const la_time left = la_deadline(r->device.stack) - device_now();

  if (left > 0)
    device_wait(&r->device, left > LA_SEC ? 1000 : (int)(left / LA_MS) + 1);
}

static void open_run(struct run *r, bool we_close_first, uint32_t time_waits)
{
  la_config c;

  la_config_default(&c);
  c.tcp_connections = 2 * AT_ONCE;
  c.tcp_time_waits = time_waits;
  c.slabs = 1024;
  c.slab_size = 16384;
  r->device = device_open("lastackc0", &c, la_ip4(10, 79, 0, 1), la_ip4(10, 79, 0, 2));
  r->we_close_first = we_close_first;
}

/* All of them, and then until every connection has left its control block. */
static void play(bool we_close_first, uint32_t time_waits, uint32_t lingering)
{
  static struct run run;
  const pid_t server = start_server();
  const la_time end_of_patience = device_now() + PATIENCE_S * LA_SEC;

  memset(&run, 0, sizeof run);
  open_run(&run, we_close_first, time_waits);
  while (run.ended < CONNECTIONS || device_used(&run.device, "tcp_connections") > 0) {
    turn(&run);
    wait_for_more(&run);
    if (device_now() > end_of_patience)
      fail_msg("%u of %u have ended", run.ended, CONNECTIONS);
  }
  assert_int_equal(device_used(&run.device, "tcp_time_waits"), lingering);
  assert_int_equal(tun_counters(run.device.tun)->refused, 0);
  assert_int_equal(tun_counters(run.device.tun)->malformed, 0);
  device_close(&run.device);
  kill(server, SIGKILL);
  assert_int_equal(waitpid(server, NULL, 0), server);
  assert_int_equal(if_nametoindex("lastackc0"), 0);
}

TEST(the_kernel_closes_first_and_lingers)
{
  play(false, 8192, 0);
}

TEST(we_close_first_and_linger)
{
  play(true, 8192, CONNECTIONS);
}

TEST(we_close_first_and_the_oldest_give_way)
{
  play(true, 500, 500);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_kernel_closes_first_and_lingers),
    cmocka_unit_test(we_close_first_and_linger),
    cmocka_unit_test(we_close_first_and_the_oldest_give_way),
  };
  const int skipped = device_enter();

  return skipped ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
