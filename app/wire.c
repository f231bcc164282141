/* wire.c - `lastack wire`: sim's link in real time, between two devices in two namespaces.
 *
 * This file is the loop, and the command line, which is also the language of changes while it
 * runs. */
#include "wire.h"

#include "app.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { TURN_PACKETS = 32, LINE_MAX_OCTETS = 256, RT_PRIORITY = 20, MTU_LEAST = 576 };

static const char help[] =
  "usage: lastack wire [OPTION ...] --left NS --right NS --left-addr A/LEN --right-addr A/LEN\n"
  "\n"
  "Joins two network namespaces by a line with delay, loss, a rate and a queue, in real time, so\n"
  "that any two TCPs can be compared over the same line. It makes a TUN device in each of them,\n"
  "says when it is ready, and runs until SIGINT or SIGTERM; then it prints what happened. The\n"
  "devices go with it.\n"
  "\n"
  "  --left NS --right NS          a name of `ip netns`, a path, a process, or . for this one\n"
  "  --left-addr A/LEN --right-addr A/LEN    the kernel's address there; may be repeated\n"
  "  --left-route NET/LEN --right-route NET/LEN    what that end reaches over the line as well\n"
  "  --left-dev NAME --right-dev NAME    the devices; default wire0 and wire1\n"
  "  --mtu N         of the devices; default 1500\n"
  "\n"
  "The line. One value is for both directions; two, as in --loss 1%,0, are for left > right and\n"
  "for right > left:\n"
  "  --rate R        such as 100mbit; 0, the default: no limit\n"
  "  --queue SIZE    octets that may wait for the rate, such as 250kB; 0: no limit\n"
  "  --mark SIZE     beyond so many of them, packets that can be are marked (ECN); 0: none is\n"
  "  --delay T       such as 20ms\n"
  "  --jitter T      up to this much more, without changing the order\n"
  "  --loss P        such as 0.1%, or 500ppm\n"
  "  --reorder P     this share comes later, by --reorder-by T (5ms)\n"
  "  --duplicate P   this share comes twice\n"
  "  --corrupt P     this share comes with wrong bits, which a checksum notices\n"
  "  --path-mtu N    what the router in the middle lets pass (ICMP tells the sender)\n"
  "  --black-hole 1  that router keeps silent\n"
  "  --seed N        of its luck: the fate of each direction's n-th packet depends on it alone\n"
  "\n"
  "  --pcap FILE     both ends, with what became of each packet (pcapng)\n"
  "  --for T         end by itself after this time\n"
  "  --commands      read changes from standard input, a line each: `loss 5%`, `rate 1mbit,0`,\n"
  "                  `statistics`, `quit`\n"
  "  --json          the statistics as one line of JSON\n"
  "  --realtime      ask for a real-time priority and locked memory\n"
  "  --spin T        do not sleep for the last T before a delivery; default 0\n"
  "\n"
  "example: ip netns add l; ip netns add r\n"
  "         lastack wire --left l --right r --left-addr 10.9.0.1/24 --right-addr 10.9.0.2/24 \\\n"
  "                      --rate 100mbit --queue 250kB --delay 10ms --loss 1%,0\n"
  "         ip netns exec l ping 10.9.0.2\n";

/* ---- the line's settings ------------------------------------------------- */
struct setting {
  const char *name, *wants;
  bool (*set)(struct link_way *way, const char *text);
};

static bool set_rate(struct link_way *w, const char *t) { return app_rate(t, &w->bits_per_s); }
static bool set_queue(struct link_way *w, const char *t) { return app_size(t, &w->queue_octets); }
static bool set_mark(struct link_way *w, const char *t)  { return app_size(t, &w->mark_octets); }
static bool set_delay(struct link_way *w, const char *t) { return app_time(t, &w->delay); }
static bool set_jitter(struct link_way *w, const char *t) { return app_time(t, &w->jitter); }
static bool set_loss(struct link_way *w, const char *t) { return app_share(t, &w->loss_ppm); }

static bool set_corrupt(struct link_way *w, const char *t)
{
  return app_share(t, &w->corrupt_ppm);
}

static bool set_reorder(struct link_way *w, const char *t)
{
  return app_share(t, &w->reorder_ppm);
}

static bool set_reorder_by(struct link_way *w, const char *t)
{
  return app_time(t, &w->reorder_by);
}

static bool set_duplicate(struct link_way *w, const char *t)
{
  return app_share(t, &w->duplicate_ppm);
}

static bool set_path_mtu(struct link_way *w, const char *t)
{
  long long mtu;

  if (!app_number(t, 0, 65535, &mtu) || (mtu > 0 && mtu < 68))
    return false;
  w->mtu = (uint32_t)mtu;
  return true;
}

static bool set_black_hole(struct link_way *w, const char *t)
{
  w->black_hole = *t == '1';
  return strcmp(t, "0") == 0 || strcmp(t, "1") == 0;
}

static const struct setting settings[] = {
  { "rate", "a rate such as 100mbit", set_rate },
  { "queue", "a size such as 250kB", set_queue },
  { "mark", "a size such as 50kB", set_mark },
  { "delay", "a time such as 20ms", set_delay },
  { "jitter", "a time such as 2ms", set_jitter },
  { "loss", "a share such as 1% or 500ppm", set_loss },
  { "reorder", "a share such as 1%", set_reorder },
  { "reorder-by", "a time such as 5ms", set_reorder_by },
  { "duplicate", "a share such as 1%", set_duplicate },
  { "corrupt", "a share such as 1%", set_corrupt },
  { "path-mtu", "a number of octets, 68 or more, or 0", set_path_mtu },
  { "black-hole", "0 or 1", set_black_hole },
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

/* "V" for both directions or "V,V": both are read before either is changed. */
static bool apply(struct wire *w, const struct setting *s, const char *text)
{
  struct link_way ways[2] = { w->way[0].link.way[0], w->way[1].link.way[0] };
  char copy[64], *comma;

  if (strlen(text) >= sizeof copy)
    return false;
  strcpy(copy, text);
  comma = strchr(copy, ',');
  if (comma)
    *comma = '\0';
  if (!s->set(&ways[0], copy) || !s->set(&ways[1], comma ? comma + 1 : copy))
    return false;
  w->way[0].link.way[0] = ways[0];
  w->way[1].link.way[0] = ways[1];
  return true;
}

/* ---- running ------------------------------------------------------------- */
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
  ended = number;
}

/* One line: "loss 5%,0". */
static void obey(struct wire *w, char *line)
{
  char *value = line + strcspn(line, " \t");

  if (*value)
    *value++ = '\0';
  value += strspn(value, " \t");
  value[strcspn(value, " \t\r")] = '\0';
  if (strcmp(line, "quit") == 0)
    ended = SIGTERM;
  else if (strcmp(line, "statistics") == 0)
    wire_report(w);
  else {
    for (unsigned i = 0; i < SETTINGS; i++)
      if (strcmp(line, settings[i].name) == 0) {
        if (!apply(w, &settings[i], value))
          app_fail("%s %s: %s is wanted", line, value, settings[i].wants);
        return;
      }
    if (*line)
      app_fail("%s: the line knows nothing of that", line);
  }
}

/* False at the end of input, which does not end the line. */
static bool read_commands(struct wire *w)
{
  static char text[LINE_MAX_OCTETS];
  static size_t have;
  ssize_t n = read(STDIN_FILENO, text + have, sizeof text - 1 - have);
  char *line = text, *end;

  if (n <= 0)
    return n < 0 && (errno == EINTR || errno == EAGAIN);
  have += (size_t)n;
  text[have] = '\0';
  while ((end = strchr(line, '\n'))) {
    *end = '\0';
    obey(w, line);
    line = end + 1;
  }
  have = strlen(line);
  memmove(text, line, have);
  if (have == sizeof text - 1)
    have = 0;
  return true;
}

/* Until a packet comes or the next one is due; `spin` before that the waiting is busy. */
static void wait_for(struct wire *w, struct pollfd *fds, nfds_t count, const sigset_t *during)
{
  la_time next = wire_next(w), wait;
  struct timespec span = { .tv_sec = 3600 };

  if (w->until < next)
    next = w->until;
  wait = next - wire_now() - w->spin;
  if (wait < 0)
    wait = 0;
  if (wait < 3600 * LA_SEC)
    span = (struct timespec){ (time_t)(wait / LA_SEC), (long)(wait % LA_SEC) };
  if (wait > 0 && w->pcap)
    pcapng_flush(w->pcap);
  if (ppoll(fds, count, &span, during) <= 0)
    for (nfds_t i = 0; i < count; i++)
      fds[i].revents = 0;
}

static void run(struct wire *w, const sigset_t *during)
{
  struct pollfd fds[3] = {
    { .fd = tun_fd(w->end[0].tun), .events = POLLIN },
    { .fd = tun_fd(w->end[1].tun), .events = POLLIN },
    { .fd = w->commands ? STDIN_FILENO : -1, .events = POLLIN },
  };

  while (!ended && wire_now() < w->until) {
    wait_for(w, fds, 3, during);
    if ((fds[0].revents | fds[1].revents) & (POLLERR | POLLHUP | POLLNVAL)) {
      app_fail("a device is gone");
      break;
    }
    wire_turn(w, (bool[]){ fds[0].revents, fds[1].revents }, TURN_PACKETS);
    if (fds[2].revents && !read_commands(w))
      fds[2].fd = -1;
  }
}

/* Signals arrive only while waiting, so that none is overlooked. */
static void catch_signals(sigset_t *during)
{
  struct sigaction action = { .sa_handler = on_signal };
  sigset_t blocked;

  sigemptyset(&blocked);
  sigaddset(&blocked, SIGINT);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, during);
  sigdelset(during, SIGINT);
  sigdelset(during, SIGTERM);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static void hurry(const struct wire *w)
{
  struct sched_param priority = { .sched_priority = RT_PRIORITY };

  prctl(PR_SET_TIMERSLACK, 1);
  if (!w->real_time)
    return;
  if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
    app_fail("no real-time priority: %s; going on without", strerror(errno));
  if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
    app_fail("memory cannot be locked: %s; going on without", strerror(errno));
}

static void say_ready(const struct wire *w)
{
  printf("ready: %s (%s) <> %s (%s), seed %" PRIu64 "\n", w->end[0].space,
         tun_name(w->end[0].tun), w->end[1].space, tun_name(w->end[1].tun), w->seed);
  fflush(stdout);
}

static int operate(struct wire *w)
{
  la_time span = w->until;
  bool opened;
  sigset_t during;

  w->end[0].space_fd = w->end[1].space_fd = -1;
  catch_signals(&during);
  opened = wire_end_open(&w->end[0], w->mtu) && wire_end_open(&w->end[1], w->mtu)
           && wire_line_open(w);
  if (opened) {
    if (span != LA_NEVER)
      w->until = w->began + span;
    hurry(w);
    say_ready(w);
    run(w, &during);
    wire_report(w);
  }
  wire_line_close(w);
  for (unsigned i = 0; i < 2; i++)
    wire_end_close(&w->end[i]);
  return opened ? APP_OK : APP_FAILED;
}

/* ---- the command line ---------------------------------------------------- */
enum {
  OPTION_SPACE = 1000, OPTION_ADDR = OPTION_SPACE + 2, OPTION_ROUTE = OPTION_ADDR + 2,
  OPTION_DEVICE = OPTION_ROUTE + 2, OPTION_MTU = OPTION_DEVICE + 2, OPTION_SEED, OPTION_PCAP,
  OPTION_FOR, OPTION_COMMANDS, OPTION_JSON, OPTION_REALTIME, OPTION_SPIN
};
#define WITH_VALUE(name, value) { name, required_argument, NULL, value }
static const struct option own_options[] = {
  WITH_VALUE("left", OPTION_SPACE), WITH_VALUE("right", OPTION_SPACE + 1),
  WITH_VALUE("left-addr", OPTION_ADDR), WITH_VALUE("right-addr", OPTION_ADDR + 1),
  WITH_VALUE("left-route", OPTION_ROUTE), WITH_VALUE("right-route", OPTION_ROUTE + 1),
  WITH_VALUE("left-dev", OPTION_DEVICE), WITH_VALUE("right-dev", OPTION_DEVICE + 1),
  WITH_VALUE("mtu", OPTION_MTU), WITH_VALUE("seed", OPTION_SEED), WITH_VALUE("pcap", OPTION_PCAP),
  WITH_VALUE("for", OPTION_FOR), WITH_VALUE("spin", OPTION_SPIN),
  { "commands", no_argument, NULL, OPTION_COMMANDS }, { "json", no_argument, NULL, OPTION_JSON },
  { "realtime", no_argument, NULL, OPTION_REALTIME }, APP_HELP_OPTION,
};
enum { OWN_OPTIONS = sizeof own_options / sizeof own_options[0] };

static int take_net(const char *text, struct app_net *list, unsigned *count, unsigned most)
{
  if (*count == most)
    return app_misuse("wire", "%s: %u of these are the most", text, most);
  if (!strchr(text, '/') || !app_net(text, &list[*count]))
    return app_misuse("wire", "%s: ADDRESS/LENGTH is wanted", text);
  ++*count;
  return APP_OK;
}

static int take_number(const char *name, long long least, long long most, long long *number)
{
  if (app_number(optarg, least, most, number))
    return APP_OK;
  return app_misuse("wire", "--%s %s: a number from %lld to %lld is wanted", name, optarg, least,
                    most);
}

static int take_time(const char *name, la_time *time)
{
  return app_time(optarg, time) ? APP_OK
         : app_misuse("wire", "--%s %s: a time such as 10s is wanted", name, optarg);
}

static int take_end_option(struct wire_end *end, int kind)
{
  if (kind == OPTION_SPACE)
    end->space = optarg;
  else if (kind == OPTION_DEVICE)
    end->device = optarg;
  else if (kind == OPTION_ADDR)
    return take_net(optarg, end->addrs, &end->addr_count, WIRE_ADDRS);
  else
    return take_net(optarg, end->routes, &end->route_count, WIRE_ROUTES);
  return APP_OK;
}

static int take_option(struct wire *w, int option)
{
  long long number = 0;
  int status = APP_OK;

  if (option >= 0 && option < SETTINGS)
    return apply(w, &settings[option], optarg) ? APP_OK
           : app_misuse("wire", "--%s %s: %s is wanted", settings[option].name, optarg,
                        settings[option].wants);
  if (option >= OPTION_SPACE && option < OPTION_MTU)
    return take_end_option(&w->end[(option - OPTION_SPACE) % 2],
                           option - (option - OPTION_SPACE) % 2);
  switch (option) {
    case OPTION_MTU:
      status = take_number("mtu", MTU_LEAST, 65535, &number);
      w->mtu = (uint32_t)number;
      return status;
    case OPTION_SEED:
      status = take_number("seed", 0, INT64_MAX / 2, &number);
      w->seed = (uint64_t)number;
      return status;
    case OPTION_PCAP: w->pcap_path = optarg; return APP_OK;
    case OPTION_FOR: return take_time("for", &w->until);
    case OPTION_SPIN: return take_time("spin", &w->spin);
    case OPTION_COMMANDS: w->commands = true; return APP_OK;
    case OPTION_JSON: w->json = true; return APP_OK;
    case OPTION_REALTIME: w->real_time = true; return APP_OK;
    default: return APP_USAGE;
  }
}

static int check(const struct wire *w)
{
  for (unsigned i = 0; i < 2; i++) {
    const struct wire_end *end = &w->end[i];

    if (!end->space)
      return app_misuse("wire", "which namespace? say --%s NAME", end->side);
    if (end->addr_count == 0)
      return app_misuse("wire", "which address? say --%s-addr A/LEN", end->side);
  }
  return APP_OK;
}

static void defaults(struct wire *w)
{
  w->end[0] = (struct wire_end){ .side = "left", .device = "wire0" };
  w->end[1] = (struct wire_end){ .side = "right", .device = "wire1" };
  for (unsigned i = 0; i < 2; i++)
    w->way[i].link.way[0].reorder_by = 5 * LA_MS;
  w->mtu = 1500;
  w->seed = 1;
  w->until = LA_NEVER;
}

int app_wire(int argc, char **argv)
{
  static struct wire w;
  struct option all[SETTINGS + OWN_OPTIONS + 1] = { { NULL, 0, NULL, 0 } };
  int option, status;

  for (int i = 0; i < SETTINGS; i++)
    all[i] = (struct option)WITH_VALUE(settings[i].name, i);
  memcpy(all + SETTINGS, own_options, sizeof own_options);
  defaults(&w);
  while ((option = app_option(argc, argv, "", all)) != -1) {
    if (option == APP_HELP)
      return fputs(help, stdout) < 0 ? APP_FAILED : APP_OK;
    status = take_option(&w, option);
    if (status != APP_OK)
      return status;
  }
  if (optind < argc)
    return app_misuse("wire", "'%s' is not an option", argv[optind]);
  status = check(&w);
  return status == APP_OK ? operate(&w) : status;
}
