/* fastopen.c - TCP Fast Open as Linux's calls have it (MSG_FASTOPEN, TCP_FASTOPEN_CONNECT, the bits
 * of net.ipv4.tcp_fastopen), and as FreeBSD's do: sendto on a socket with TCP_FASTOPEN connects. */
#include "shim.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* net.ipv4.tcp_fastopen, documented in Linux's ip-sysctl. */
enum {
  MAY_CONNECT = 1, MAY_LISTEN = 2, CONNECT_WITHOUT_COOKIE = 4, LISTEN_WITHOUT_COOKIE = 0x200,
  EVERY_LISTENER = 0x400
};
enum { NO_COOKIE = 34, KEY = 33 };            /* TCP_FASTOPEN_NO_COOKIE, TCP_FASTOPEN_KEY */

static int put(struct shim *m, const struct file *f, enum la_option option, int64_t value)
{
  return la_tcp_set(m->stack, f->sock, option, value) < 0 ? shim_fail(EINVAL) : 0;
}

/* ---- listeners ---- */

/* What the settings and the socket say together. */
int shim_fastopen_listen(struct shim *m, const struct file *f, int backlog)
{
  const uint32_t bits = m->set.fastopen;
  int pending = f->fastopen;

  if (pending == 0 && (bits & EVERY_LISTENER))
    pending = backlog;
  if (!(bits & MAY_LISTEN))
    pending = 0;
  if (bits & LISTEN_WITHOUT_COOKIE && put(m, f, LA_OPT_FASTOPEN_NO_COOKIE, 1) < 0)
    return -1;
  return put(m, f, LA_OPT_FASTOPEN, pending < UINT16_MAX ? pending : UINT16_MAX);
}

/* ---- options ---- */

bool shim_fastopen_is_option(int level, int name)
{
  return level == IPPROTO_TCP && (name == TCP_FASTOPEN || name == TCP_FASTOPEN_CONNECT ||
                                  name == NO_COOKIE || name == KEY);
}

int shim_fastopen_set(struct shim *m, struct file *f, int name, const void *value, socklen_t length)
{
  int number = 0;

  if (name == KEY)
    return la_tcp_fastopen_key(m->stack, f->sock, value, length) < 0 ? shim_fail(EINVAL) : 0;
  if (length < sizeof number)
    return shim_fail(EINVAL);
  memcpy(&number, value, sizeof number);
  if (number < 0 || (name != TCP_FASTOPEN && number > 1))
    return shim_fail(EINVAL);
  if (name == NO_COOKIE)
    return put(m, f, LA_OPT_FASTOPEN_NO_COOKIE, number);
  if (name == TCP_FASTOPEN_CONNECT) {
    if (!(m->set.fastopen & MAY_CONNECT))
      return shim_fail(EOPNOTSUPP);
    f->fastopen_connect = number != 0;
    return 0;
  }
  f->fastopen = number;
  return f->listening ? shim_fastopen_listen(m, f, 0) : 0;
}

int shim_fastopen_get(const struct shim *m, const struct file *f, int name, int64_t *number)
{
  if (name == NO_COOKIE)
    return la_tcp_get(m->stack, f->sock, LA_OPT_FASTOPEN_NO_COOKIE, number);
  *number = name == TCP_FASTOPEN ? f->fastopen : f->fastopen_connect;
  return name == KEY ? -1 : 0;
}

/* ---- the client ---- */

/* The socket asks for Fast Open; how much its SYN may carry. */
static int prepare(struct shim *m, const struct file *f, la_endpoint peer)
{
  if (!(m->set.fastopen & MAY_CONNECT))
    return 0;
  if (put(m, f, LA_OPT_FASTOPEN_CONNECT, 1) < 0)
    return -1;
  if (m->set.fastopen & CONNECT_WITHOUT_COOKIE && put(m, f, LA_OPT_FASTOPEN_NO_COOKIE, 1) < 0)
    return -1;
  return la_tcp_fastopen_room(m->stack, f->sock, peer);
}

/* connect with TCP_FASTOPEN_CONNECT: with a cookie the SYN waits for text. true: it does. */
bool shim_fastopen_defers(struct shim *m, struct file *f, la_endpoint peer)
{
  if (!f->fastopen_connect || prepare(m, f, peer) <= 0)
    return false;
  f->deferred = true;
  f->peer = peer;
  return true;
}

/* Connects; what fits goes with the SYN. >= 0: octets that were queued. */
static int open_with(struct shim *m, struct file *f, la_endpoint peer, const void *octets, size_t n)
{
  int sent = 0;

  f->deferred = false;
  if (shim_start(m, f, peer) < 0)
    return -1;
  if (n > 0)
    sent = la_tcp_send(m->stack, f->sock, octets, (uint32_t)n);
  shim_turn(m);
  return sent < 0 ? 0 : sent;
}

/* The rest of a call that blocks: all of it, once the connection is there. */
static ssize_t finish(struct shim *m, int fd, const uint8_t *octets, size_t n, size_t done,
                      int flags)
{
  ssize_t rest;

  if (shim_finish(m, fd) < 0)
    return -1;
  if (done == n)
    return (ssize_t)n;
  rest = shim_put(m, fd, octets + done, n - done, flags);
  return rest < 0 ? rest : (ssize_t)done + rest;
}

/* Linux: what does not block queues as much as the SYN takes, and nothing without a cookie. What
 * does has the rest ready, for the ACK of the SYN,ACK to carry. */
static ssize_t linux_send(struct shim *m, int fd, struct file *f, la_endpoint peer,
                          const uint8_t *octets, size_t n, int flags)
{
  const bool waits = !f->nonblocking && !(flags & MSG_DONTWAIT);
  const int room = prepare(m, f, peer);
  const size_t fits = room > 0 && (size_t)room < n ? (size_t)room : n;
  const size_t first = room <= 0 ? 0 : waits ? n : fits;
  const int done = open_with(m, f, peer, octets, first);

  if (done < 0)
    return -1;
  if (waits)
    return finish(m, fd, octets, n, (size_t)done, flags & ~MSG_FASTOPEN);
  return done > 0 ? done : shim_fail(EINPROGRESS);
}

/* FreeBSD: all that the buffer takes is queued, whatever the SYN can carry. */
static ssize_t freebsd_send(struct shim *m, struct file *f, la_endpoint peer, const uint8_t *octets,
                            size_t n)
{
  return prepare(m, f, peer) < 0 ? -1 : open_with(m, f, peer, octets, n);
}

bool shim_fastopen_takes(const struct file *f, int flags, bool named)
{
  if (f->connected || f->listening)
    return false;
  return f->deferred || (flags & MSG_FASTOPEN) || (named && f->fastopen > 0 && !f->connecting);
}

ssize_t shim_fastopen_send(struct shim *m, int fd, const void *octets, size_t n, int flags,
                           const struct sockaddr *name, socklen_t length)
{
  struct file *const f = shim_file(m, fd, FILE_TCP);
  la_endpoint peer;

  if (!f)
    return -1;
  if (f->deferred)
    return linux_send(m, fd, f, f->peer, octets, n, flags);
  if ((flags & MSG_FASTOPEN) && (!(m->set.fastopen & MAY_CONNECT) || !name ||
                                 name->sa_family == AF_UNSPEC))
    return shim_fail(EOPNOTSUPP);
  if (f->connecting)
    return f->error != 0 ? shim_put(m, fd, octets, n, flags) : shim_fail(EALREADY);
  if (shim_from_name(name, length, &peer) < 0)
    return -1;
  return flags & MSG_FASTOPEN ? linux_send(m, fd, f, peer, octets, n, flags)
                              : freebsd_send(m, f, peer, octets, n);
}
