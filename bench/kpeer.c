/* kpeer.c - the kernel's end of a run over a device: plain sockets.
 *
 *     kpeer send ADDR PORT SECONDS     as much as goes, then half-close, until the peer's FIN
 *     kpeer recv ADDR PORT SECONDS     as much as comes
 *     kpeer rr ADDR PORT SECONDS       64 octets there and back
 *
 * Congestion control is cubic whatever the machine's default is, Nagle is off, and the clock
 * starts after the first 2 MiB.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint8_t buffer[1 << 18];

static int connect_to(const char *addr, const char *port)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

  if (fd < 0 || inet_pton(AF_INET, addr, &to.sin_addr) != 1)
    bench_fail("%s is no address", addr);
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
    bench_fail("cubic: %s", strerror(errno));
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
    bench_fail("nodelay: %s", strerror(errno));
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
    bench_fail("connect to %s port %s: %s", addr, port, strerror(errno));
  return fd;
}

static size_t push(int fd, size_t n)
{
  ssize_t done = send(fd, buffer, n, MSG_NOSIGNAL);

  if (done < 0)
    bench_fail("send: %s", strerror(errno));
  return (size_t)done;
}

static size_t pull(int fd, size_t n)
{
  ssize_t done = recv(fd, buffer, n, 0);

  if (done < 0)
    bench_fail("recv: %s", strerror(errno));
  return (size_t)done;
}

static void run_send(int fd, double seconds, struct bench_result *r)
{
  uint64_t warm = 0;
  double begin;

  while (warm < BENCH_WARMUP)
    warm += push(fd, sizeof buffer);
  begin = bench_wall_seconds();
  while (bench_wall_seconds() - begin < seconds)
    r->octets += push(fd, sizeof buffer);
  if (shutdown(fd, SHUT_WR) < 0)
    bench_fail("shutdown: %s", strerror(errno));
  if (pull(fd, sizeof buffer) != 0)
    bench_fail("the peer answered a stream that it should swallow");
  r->seconds = bench_wall_seconds() - begin;
}

static void run_recv(int fd, double seconds, struct bench_result *r)
{
  uint64_t warm = 0;
  double begin;

  while (warm < BENCH_WARMUP) {
    size_t some = pull(fd, sizeof buffer);

    if (some == 0)
      bench_fail("the peer's stream ended");
    warm += some;
  }
  begin = bench_wall_seconds();
  while (bench_wall_seconds() - begin < seconds)
    r->octets += pull(fd, sizeof buffer);
  r->seconds = bench_wall_seconds() - begin;
}

static void run_rr(int fd, double seconds, struct bench_result *r)
{
  double begin = bench_wall_seconds();

  r->unit = "trip";
  while (bench_wall_seconds() - begin < seconds) {
    push(fd, BENCH_RR_OCTETS);
    for (size_t got = 0; got < BENCH_RR_OCTETS;)
      got += pull(fd, BENCH_RR_OCTETS - got);
    r->count++;
  }
  r->octets = 2 * BENCH_RR_OCTETS * r->count;
  r->seconds = bench_wall_seconds() - begin;
}

int main(int argc, char **argv)
{
  struct bench_result r = {.unit = "octet"};
  double seconds;
  int fd;

  if (argc != 5)
    bench_fail("usage: kpeer send|recv|rr ADDR PORT SECONDS");
  r.mode = argv[1];
  seconds = atof(argv[4]);
  fd = connect_to(argv[2], argv[3]);
  if (strcmp(argv[1], "send") == 0)
    run_send(fd, seconds, &r);
  else if (strcmp(argv[1], "recv") == 0)
    run_recv(fd, seconds, &r);
  else
    run_rr(fd, seconds, &r);
  if (r.count == 0)
    r.count = r.octets;
  bench_report(&r);
  close(fd);
  return 0;
}
