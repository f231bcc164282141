/* flow.c - the kernel's end of a comparison over a line: plain sockets, several at a time.
 *
 *     flow recv CC SECONDS SKIP ADDR PORT [ADDR PORT ...]     reads what each peer sends
 *     flow send CC SECONDS SKIP ADDR PORT [ADDR PORT ...]     sends to each as much as goes
 *     flow serve CC [ADDR]                                    port 9 swallows, 19 sends for ever
 *
 * The first two count for SECONDS from SKIP after all connections stand: what was read, or what the
 * peer has acknowledged. CC is the congestion control of every socket. The kernel chooses the sizes
 * of its buffers.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLOWS = 64, RUNNING_MOST = FLOWS + 2 };

static uint8_t buffer[1 << 17];

static int open_socket(const char *cc)
{
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

  if (fd < 0)
    bench_fail("socket: %s", strerror(errno));
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc)) < 0)
    bench_fail("%s: %s", cc, strerror(errno));
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
    bench_fail("reuseaddr: %s", strerror(errno));
  return fd;
}

static struct sockaddr_in address_of(const char *addr, const char *port)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

  if (inet_pton(AF_INET, addr, &to.sin_addr) != 1)
    bench_fail("%s is no address", addr);
  return to;
}

static void stop_blocking(int fd)
{
  if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
    bench_fail("nonblock: %s", strerror(errno));
}

/* One step of whatever this socket is for: false when its peer is gone. */
static bool step(int fd, bool sends, uint64_t *octets)
{
  ssize_t n = sends ? send(fd, buffer, sizeof buffer, MSG_NOSIGNAL)
                    : recv(fd, buffer, sizeof buffer, 0);

  if (n > 0)
    *octets += (uint64_t)n;
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static uint64_t acked(int fd)
{
  struct tcp_info info;
  socklen_t size = sizeof info;

  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
    bench_fail("TCP_INFO: %s", strerror(errno));
  return info.tcpi_bytes_acked;
}

/* Everything moves until `end`. */
static void move(struct pollfd *p, nfds_t n, bool sends, uint64_t *octets, double end)
{
  double left;

  while ((left = end - bench_wall_seconds()) > 0) {
    if (poll(p, n, (int)(left * 1000) + 1) < 0 && errno != EINTR)
      bench_fail("poll: %s", strerror(errno));
    for (nfds_t i = 0; i < n; i++)
      if (p[i].revents && !step(p[i].fd, sends, &octets[i]))
        bench_fail("flow %u: the peer is gone", (unsigned)i);
  }
}

static void exchange(bool sends, const char *cc, double seconds, double skip, char **ends, int n)
{
  struct pollfd p[FLOWS];
  uint64_t octets[FLOWS] = {0}, before[FLOWS];
  double begin;

  for (int i = 0; i < n; i++) {
    struct sockaddr_in to = address_of(ends[2 * i], ends[2 * i + 1]);

    p[i] = (struct pollfd){.fd = open_socket(cc), .events = sends ? POLLOUT : POLLIN};
    if (connect(p[i].fd, (struct sockaddr *)&to, sizeof to) < 0)
      bench_fail("connect to %s port %s: %s", ends[2 * i], ends[2 * i + 1], strerror(errno));
    stop_blocking(p[i].fd);
  }
  begin = bench_wall_seconds();
  move(p, (nfds_t)n, sends, octets, begin + skip);
  for (int i = 0; i < n; i++)
    before[i] = sends ? acked(p[i].fd) : octets[i];
  begin = bench_wall_seconds();
  move(p, (nfds_t)n, sends, octets, begin + seconds);
  seconds = bench_wall_seconds() - begin;
  printf("{\"seconds\":%.6f,\"octets\":[", seconds);
  for (int i = 0; i < n; i++)
    printf("%s%llu", i ? "," : "",
           (unsigned long long)((sends ? acked(p[i].fd) : octets[i]) - before[i]));
  puts("]}");
}

static int listen_on(const char *cc, const char *addr, const char *port)
{
  struct sockaddr_in at = address_of(addr, port);
  int fd = open_socket(cc);

  if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, FLOWS) < 0)
    bench_fail("listen on port %s: %s", port, strerror(errno));
  stop_blocking(fd);
  return fd;
}

/* The first two of `p` listen; a connection that ends leaves its place to the last one. */
_Noreturn static void serve(const char *cc, const char *addr)
{
  struct pollfd p[RUNNING_MOST] = {{.fd = listen_on(cc, addr, "9"), .events = POLLIN},
                                   {.fd = listen_on(cc, addr, "19"), .events = POLLIN}};
  uint64_t octets = 0;
  nfds_t n = 2;

  puts("ready");
  fflush(stdout);
  for (;;) {
    if (poll(p, n, -1) < 0 && errno != EINTR)
      bench_fail("poll: %s", strerror(errno));
    for (nfds_t i = n; i-- > 2;)
      if (p[i].revents && !step(p[i].fd, p[i].events == POLLOUT, &octets)) {
        close(p[i].fd);
        p[i] = p[--n];
      }
    for (nfds_t i = 0; i < 2 && n < RUNNING_MOST; i++) {
      int fd = p[i].revents ? accept(p[i].fd, NULL, NULL) : -1;

      if (fd < 0)
        continue;
      stop_blocking(fd);
      p[n++] = (struct pollfd){.fd = fd, .events = i ? POLLOUT : POLLIN};
    }
  }
}

int main(int argc, char **argv)
{
  bool sends = argc > 1 && strcmp(argv[1], "send") == 0;
  int flows = (argc - 5) / 2;

  if ((argc == 3 || argc == 4) && strcmp(argv[1], "serve") == 0)
    serve(argv[2], argc == 4 ? argv[3] : "0.0.0.0");
  if (argc < 7 || argc % 2 == 0 || flows > FLOWS || !(sends || strcmp(argv[1], "recv") == 0))
    bench_fail("usage: flow send|recv CC SECONDS SKIP ADDR PORT ... | flow serve CC [ADDR]");
  exchange(sends, argv[2], atof(argv[3]), atof(argv[4]), argv + 5, flows);
  return 0;
}
