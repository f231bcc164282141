/* kernel_clients: thousands of short connections that lastack opens to a server of the Linux
 * kernel, over TUN, in a namespace of this process's own: TIME-WAIT at the kernel's end, or at
 * ours. Without the rights for it the test is skipped (77), and says why.
 *
 * It is also a whole driver loop without an event library: poll, la_input, la_events, la_output. */
#include "support/unit.h"

#include "lastack.h"
#include "rtnl.h"
#include "tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 7000, CONNECTIONS = 5000, AT_ONCE = 200, TEXT = 64, BATCH = 64, PATIENCE_S = 60 };

struct client {
  la_sock sock;
  unsigned number;
  uint32_t got;
  bool busy;
};

struct run {
  la_stack *stack;
  void *memory;
  struct tun *tun;
  bool we_close_first;
  unsigned started, ended;
  struct client clients[AT_ONCE];
};

static la_time now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (la_time)t.tv_sec * LA_SEC + t.tv_nsec;
}

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
  assert_int_equal(la_tcp_open(r->stack, c, &c->sock), 0);
  assert_int_equal(la_tcp_connect(r->stack, c->sock, there), 0);
  snprintf(text + 1, TEXT - 1, "%u", c->number);
  assert_int_equal(la_tcp_send(r->stack, c->sock, text, TEXT), TEXT);
  r->started++;
}

static void end(struct run *r, struct client *c)
{
  assert_int_equal(c->got, TEXT);
  assert_int_equal(la_tcp_forget(r->stack, c->sock), 0);
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
  while ((n = la_tcp_recv(r->stack, c->sock, text, TEXT)) > 0) {
    assert_int_equal(text[0], r->we_close_first ? 'C' : 'S');
    if (c->got == 0)
      assert_int_equal(atoi(text + 1), (int)c->number);
    c->got += (uint32_t)n;
    if (c->got == TEXT && r->we_close_first)
      assert_int_equal(la_tcp_close(r->stack, c->sock), 0);
  }
  if (n == -LA_EEOF)
    end(r, c);
}

static void turn(struct run *r)
{
  la_pkt pkts[BATCH];
  la_event events[BATCH];
  size_t n;
  int got;

  while ((got = tun_receive(r->tun, r->stack, 0, now(), pkts, BATCH)) > 0)
    la_input(r->stack, now(), pkts, (size_t)got);
  assert_int_equal(got, 0);
  while ((n = la_events(r->stack, events, BATCH)) > 0)
    for (size_t i = 0; i < n; i++)
      hear(r, events[i].user, &events[i]);
  for (unsigned i = 0; i < AT_ONCE && r->started < CONNECTIONS; i++)
    if (!r->clients[i].busy)
      begin(r, &r->clients[i]);
  while ((n = la_output(r->stack, now(), pkts, BATCH)) > 0)
    tun_send(r->tun, r->stack, pkts, n);
}

static void wait_for_more(struct run *r)
{
  struct pollfd fd = { .fd = tun_fd(r->tun), .events = POLLIN };
  la_time due = la_deadline(r->stack), left = due - now();

  if (left > 0)
    poll(&fd, 1, left > LA_SEC ? 1000 : (int)(left / LA_MS) + 1);
}

static void open_device(struct run *r)
{
  const struct tun_options options = {
    .name = "lastackc0", .medium = LA_MEDIUM_IP, .mtu = 1500
  };
  char error[TUN_ERROR] = "";

  r->tun = tun_open(&options, error);
  assert_string_equal(error, "");
  assert_true(tun_made(r->tun));
  assert_int_equal(rtnl_link_up(tun_index(r->tun), 1500), 0);
  assert_int_equal(rtnl_addr_add(tun_index(r->tun), la_ip4(10, 79, 0, 1), 24, (la_addr){ 0 }), 0);
  assert_true(rtnl_is_ready("lastackc0", la_ip4(10, 79, 0, 1)));
}

static void open_run(struct run *r, bool we_close_first, uint32_t time_waits)
{
  la_config c;
  la_iface iface;
  size_t size;

  open_device(r);
  la_config_default(&c);
  c.tcp_connections = 2 * AT_ONCE;
  c.tcp_time_waits = time_waits;
  c.slabs = 1024;
  c.slab_size = 16384;
  size = la_size(&c);
  r->memory = test_memory(size);
  r->stack = la_init(r->memory, size, &c, now());
  assert_non_null(r->stack);
  tun_iface(r->tun, &iface);
  assert_int_equal(la_iface_add(r->stack, &iface), 0);
  assert_int_equal(la_addr_add(r->stack, 0, la_ip4(10, 79, 0, 2), 24), 0);
  r->we_close_first = we_close_first;
}

static uint32_t used(const struct run *r, const char *pool)
{
  const char *name;
  uint32_t octets, peak, size;

  for (unsigned i = 0; la_pool_get(r->stack, i, &name, &octets, &peak, &size); i++)
    if (strcmp(name, pool) == 0)
      return octets;
  return UINT32_MAX;
}

/* All of them, and then until every connection has left its control block. */
static void play(bool we_close_first, uint32_t time_waits, uint32_t lingering)
{
  static struct run run;
  const pid_t server = start_server();
  const la_time end_of_patience = now() + PATIENCE_S * LA_SEC;

  memset(&run, 0, sizeof run);
  open_run(&run, we_close_first, time_waits);
  while (run.ended < CONNECTIONS || used(&run, "tcp_connections") > 0) {
    turn(&run);
    wait_for_more(&run);
    if (now() > end_of_patience)
      fail_msg("%u of %u have ended", run.ended, CONNECTIONS);
  }
  assert_int_equal(used(&run, "tcp_time_waits"), lingering);
  assert_int_equal(tun_counters(run.tun)->refused, 0);
  assert_int_equal(tun_counters(run.tun)->malformed, 0);
  tun_close(run.tun, run.stack);
  assert_int_equal(used(&run, "slabs"), 0);
  la_fini(run.stack);
  free(run.memory);
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
