/* socket.c - how sockets begin and end: socket, bind, listen, accept, connect, shutdown, close,
 * fcntl, ioctl. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int shim_from_name(const struct sockaddr *name, socklen_t length, la_endpoint *end)
{
  const struct sockaddr_in *const in = (const void *)name;
  const struct sockaddr_in6 *const in6 = (const void *)name;
  static const uint8_t any[16];

  memset(end, 0, sizeof *end);
  if (name->sa_family == AF_INET && length >= sizeof *in) {
    end->port = ntohs(in->sin_port);
    end->addr.len = in->sin_addr.s_addr == 0 ? 0 : 4;
    memcpy(end->addr.octets, &in->sin_addr, 4);
    return 0;
  }
  if (name->sa_family == AF_INET6 && length >= sizeof *in6) {
    end->port = ntohs(in6->sin6_port);
    end->addr.len = memcmp(&in6->sin6_addr, any, sizeof any) == 0 ? 0 : 16;
    memcpy(end->addr.octets, &in6->sin6_addr, 16);
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))              /* RFC 4291 2.5.5.2: IPv4's */
      end->addr = la_ip4(in6->sin6_addr.s6_addr[12], in6->sin6_addr.s6_addr[13],
                         in6->sin6_addr.s6_addr[14], in6->sin6_addr.s6_addr[15]);
    return 0;
  }
  return shim_fail(length < sizeof *in ? EINVAL : EAFNOSUPPORT);
}

static void to_name(const la_endpoint *end, struct sockaddr *name, socklen_t *length)
{
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(end->port) };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(end->port) };
  const bool six = end->addr.len == 16;
  const socklen_t whole = six ? sizeof in6 : sizeof in;

  if (!name || !length)
    return;
  memcpy(&in.sin_addr, end->addr.octets, 4);
  memcpy(&in6.sin6_addr, end->addr.octets, 16);
  memcpy(name, six ? (const void *)&in6 : &in, *length < whole ? *length : whole);
  *length = whole;
}

/* ---- a new one ---- */

static int new_file(struct shim *m, int domain, la_sock sock, bool nonblocking)
{
  const int fd = socket(domain, SOCK_STREAM, 0);
  struct file *const f = fd < 0 ? NULL : shim_file_new(m, FILE_TCP, fd);

  if (!f) {
    if (fd >= 0)
      (void)close(fd);
    return -1;
  }
  f->domain = domain;
  f->sock = sock;
  f->nonblocking = nonblocking;
  return fd;
}

static int open_socket(struct shim *m, int domain, int type, int protocol)
{
  la_sock sock;
  int result;

  if ((domain != AF_INET && domain != AF_INET6) || (protocol != 0 && protocol != IPPROTO_TCP))
    return shim_fail(EPROTONOSUPPORT);
  if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM)
    return shim_fail(ESOCKTNOSUPPORT);
  if (shim_begin(m) < 0) {
    (void)fprintf(stderr, "lastack: %s\n", m->error[0] ? m->error : "these settings make no sense");
    return shim_fail(EINVAL);
  }
  (void)la_input(m->stack, m->now, NULL, 0);
  if ((result = la_tcp_open(m->stack, NULL, &sock)) < 0 ||
      (m->set.pacing && (result = la_tcp_set(m->stack, sock, LA_OPT_PACING, 1)) < 0))
    return shim_fail(shim_errno(result));
  return new_file(m, domain, sock, (type & SOCK_NONBLOCK) != 0);
}

int shim_socket(void *u, int domain, int type, int protocol)
{
  struct shim *const m = u;
  int result;

  pthread_mutex_lock(&m->lock);
  result = open_socket(m, domain, type, protocol);
  pthread_mutex_unlock(&m->lock);
  return result;
}

static int bind_socket(struct shim *m, int fd, const struct sockaddr *name, socklen_t length)
{
  struct file *const f = shim_file(m, fd, FILE_TCP);
  la_endpoint local;
  int result;

  if (!f || shim_from_name(name, length, &local) < 0)
    return -1;
  if (local.addr.len != 0 && shim_learn(m, local.addr) < 0)
    return shim_fail(EADDRNOTAVAIL);
  result = la_tcp_bind(m->stack, f->sock, local);
  f->bound = result >= 0;
  return result < 0 ? shim_fail(result == -LA_ESTATE ? EINVAL : shim_errno(result)) : 0;
}

int shim_bind(void *u, int fd, const struct sockaddr *name, socklen_t length)
{
  struct shim *const m = u;
  int result;

  pthread_mutex_lock(&m->lock);
  result = bind_socket(m, fd, name, length);
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* ---- passive ---- */

int shim_listen(void *u, int fd, int backlog)
{
  struct shim *const m = u;
  struct file *f;
  int result = -1;

  pthread_mutex_lock(&m->lock);
  if ((f = shim_file(m, fd, FILE_TCP)) != NULL) {
    result = la_tcp_listen(m->stack, f->sock, backlog > 0 ? (uint32_t)backlog : 1);
    f->listening = result >= 0;
    if (result >= 0 && shim_fastopen_listen(m, f, backlog > 0 ? backlog : 1) < 0)
      result = -LA_EINVAL;
    result = result < 0 ? shim_fail(result == -LA_ESTATE ? EINVAL : shim_errno(result)) : 0;
  }
  pthread_mutex_unlock(&m->lock);
  return result;
}

static int take_connection(struct shim *m, int fd, struct sockaddr *name, socklen_t *length)
{
  la_sock sock;
  la_sock_info info;
  struct file *f;
  la_time end = 0;
  int result;

  for (;;) { /* until one comes or nothing can */
    f = shim_file(m, fd, FILE_TCP);
    if (!f)
      return -1;
    result = f->listening ? la_tcp_accept(m->stack, f->sock, NULL, &sock) : -LA_EINVAL;
    if (result >= 0)
      break;
    if (result != -LA_EAGAIN || f->nonblocking)
      return shim_fail(shim_errno(result));
    end = end == 0 ? shim_until(m, f->receive_timeout) : end;
    if (!shim_wait(m, end))
      return shim_fail(m->now >= end ? EAGAIN : EDEADLK);
  }
  if (la_sock_get(m->stack, sock, &info) >= 0)
    to_name(&info.peer, name, length);
  result = new_file(m, f->domain, sock, false);
  if (result >= 0) {
    shim_file(m, result, FILE_TCP)->connected = true;
    shim_turn(m); /* what has become of it meanwhile is told */
  }
  return result;
}

int shim_accept(void *u, int fd, struct sockaddr *name, socklen_t *length)
{
  struct shim *const m = u;
  int result;

  pthread_mutex_lock(&m->lock);
  result = take_connection(m, fd, name, length);
  shim_waited(m);
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* ---- active ---- */

/* What is queued before the next shim_turn may go with the SYN. */
int shim_start(struct shim *m, struct file *f, la_endpoint peer)
{
  /* packetdrill's own, unless it is told otherwise */
  const la_addr four = la_ip4(192, 168, 0, 1),
                six = { 16, { 0xfd, 0x3d, 0xfa, 0x7b, 0xd1, 0x7d, [15] = 1 } };
  int result;

  if (!m->named && peer.addr.len != 0 && shim_learn(m, peer.addr.len == 4 ? four : six) < 0)
    return shim_fail(EADDRNOTAVAIL);
  if (peer.addr.len == 0)
    return shim_fail(ECONNREFUSED);
  result = la_tcp_connect(m->stack, f->sock, peer);
  if (result < 0)
    return shim_fail(result == -LA_ESTATE ? EISCONN : shim_errno(result));
  f->connecting = true;
  return 0;
}

int shim_finish(struct shim *m, int fd)
{
  struct file *f = shim_file(m, fd, FILE_TCP);
  const la_time end = f ? shim_until(m, f->send_timeout) : 0;
  int error;

  while ((f = shim_file(m, fd, FILE_TCP)) != NULL) { /* until the handshake ends */
    if (f->error != 0) {
      error = f->error;
      f->error = 0;
      f->connecting = false;
      return shim_fail(error);
    }
    if (f->connected) {
      f->connecting = false;
      return 0;
    }
    if (f->nonblocking)
      return shim_fail(EINPROGRESS);
    if (!shim_wait(m, end))
      return shim_fail(m->now >= end ? EINPROGRESS : EDEADLK);
  }
  return -1;
}

static int connect_socket(struct shim *m, int fd, const struct sockaddr *name, socklen_t length)
{
  struct file *const f = shim_file(m, fd, FILE_TCP);
  la_endpoint peer;

  if (!f || shim_from_name(name, length, &peer) < 0)
    return -1;
  if (f->connecting && !f->connected && f->error == 0)
    return f->nonblocking ? shim_fail(EALREADY) : shim_finish(m, fd);
  if (f->connecting)
    return shim_finish(m, fd);
  if (f->connected)
    return shim_fail(EISCONN);
  if (f->deferred)
    return shim_fail(EISCONN);
  if (shim_fastopen_defers(m, f, peer))
    return 0;
  if (shim_start(m, f, peer) < 0)
    return -1;
  shim_turn(m);
  return shim_finish(m, fd);
}

int shim_connect(void *u, int fd, const struct sockaddr *name, socklen_t length)
{
  struct shim *const m = u;
  int result;

  pthread_mutex_lock(&m->lock);
  result = connect_socket(m, fd, name, length);
  shim_waited(m);
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* ---- the end ---- */

/* CLOSED, or TIME-WAIT, which the kernel's socket leaves to a record: there is no connection. */
static int not_connected(const la_sock_info *info)
{
  const char *const name = la_state_name(info->state);

  return strcmp(name, "CLOSED") == 0 || strcmp(name, "TIME-WAIT") == 0 ? shim_fail(ENOTCONN) : 0;
}

/* shutdown(2): what is not connected is told so, and marked all the same. A listener or a SYN that
 * has no answer ends. */
static int shut(struct shim *m, struct file *f, int how)
{
  const bool asks = f->connecting && !f->connected, read = how != SHUT_WR, write = how != SHUT_RD;
  la_sock_info info;

  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
    return shim_fail(EINVAL);
  if (la_sock_get(m->stack, f->sock, &info) < 0)
    return shim_fail(ENOTCONN);
  if (f->listening ? read : asks || write)
    (void)!la_tcp_close(m->stack, f->sock);
  f->listening = f->listening && !read;
  f->read_shut = f->read_shut || read;
  f->write_shut = f->write_shut || write;
  shim_turn(m);
  if (asks)
    f->error = ECONNRESET;
  return not_connected(&info);
}

int shim_shutdown(void *u, int fd, int how)
{
  struct shim *const m = u;
  struct file *f;
  int result = -1;

  pthread_mutex_lock(&m->lock);
  if ((f = shim_file(m, fd, FILE_TCP)) != NULL)
    result = shut(m, f, how);
  pthread_mutex_unlock(&m->lock);
  return result;
}

static void close_file(struct shim *m, struct file *f)
{
  if (f->kind == FILE_TCP) {
    (void)!la_tcp_forget(m->stack, f->sock);
    shim_turn(m);
  }
  for (int i = 0; i < SHIM_WATCHES; i++)
    if (m->watches[i].fd == f->fd || m->watches[i].epfd == f->fd)
      m->watches[i] = (struct watch){ .epfd = -1, .fd = -1 };
  f->kind = FILE_FREE;
}

int shim_close(void *u, int fd)
{
  struct shim *const m = u;
  int result = -1;

  pthread_mutex_lock(&m->lock);
  for (int i = 0; i < SHIM_FILES; i++)
    if (m->files[i].kind != FILE_FREE && m->files[i].fd == fd) {
      close_file(m, &m->files[i]);
      result = 0;
      break;
    }
  pthread_mutex_unlock(&m->lock);
  return result < 0 ? shim_fail(EBADF) : close(fd);
}

int shim_fcntl(void *u, int fd, int command, ...)
{
  struct shim *const m = u;
  struct file *f;
  va_list words;
  int result = 0, flags = 0;

  va_start(words, command);
  if (command == F_SETFL || command == F_SETFD)
    flags = va_arg(words, int);
  va_end(words);
  pthread_mutex_lock(&m->lock);
  f = shim_file(m, fd, FILE_TCP);
  if (!f)
    result = fcntl(fd, command, flags);
  else if (command == F_GETFL)
    result = O_RDWR | (f->nonblocking ? O_NONBLOCK : 0);
  else if (command == F_SETFL)
    f->nonblocking = (flags & O_NONBLOCK) != 0;
  else if (command != F_GETFD && command != F_SETFD)
    result = shim_fail(EINVAL);
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* SIOCINQ (FIONREAD), SIOCOUTQ (TIOCOUTQ), SIOCOUTQNSD, FIONBIO. */
int shim_ioctl(void *u, int fd, unsigned long request, ...)
{
  enum {
    OUTQ_NOT_SENT = 0x894b,
    FIN_FLAGS = LA_SOCK_FIN_QUEUED | LA_SOCK_FIN_SENT | LA_SOCK_FIN_ACKED,
    FIN_ON_ITS_WAY = LA_SOCK_FIN_QUEUED | LA_SOCK_FIN_SENT
  };
  struct shim *const m = u;
  struct file *f;
  la_sock_info info;
  va_list words;
  int *value, result = 0;

  va_start(words, request);
  value = va_arg(words, int *);
  va_end(words);
  pthread_mutex_lock(&m->lock);
  f = shim_file(m, fd, FILE_TCP);
  if (!f || la_sock_get(m->stack, f->sock, &info) < 0)
    result = shim_fail(EBADF);
  else if (!shim_writable_memory(value, sizeof *value))
    result = shim_fail(EFAULT);
  else if (f->listening && request != FIONBIO)
    result = shim_fail(EINVAL);
  else if (request == FIONREAD)
    *value = (int)info.receive_queue;
  else if (request == TIOCOUTQ) /* sequence space: a FIN counts */
    *value = (int)(info.send_queue + ((info.flags & FIN_FLAGS) == LA_SOCK_FIN_QUEUED ||
                                      (info.flags & FIN_FLAGS) == FIN_ON_ITS_WAY));
  else if (request == OUTQ_NOT_SENT)
    *value = (int)(info.send_unsent + ((info.flags & FIN_FLAGS) == LA_SOCK_FIN_QUEUED));
  else if (request == FIONBIO)
    f->nonblocking = *value != 0;
  else
    result = shim_fail(ENOTTY);
  pthread_mutex_unlock(&m->lock);
  return result;
}
