/* stream.c - text: read and write in all their forms, and splice between a pipe and a socket. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECES_MAX = 64, SPLICE_MAX = 65536, VECTOR_MAX = 1024 };

static bool waits(const struct file *f, int flags)
{
  return !f->nonblocking && !(flags & MSG_DONTWAIT);
}

/* What ended the connection is told once; after it, and in Linux after a FIN, the stream is at its
 * end. */
static int told_once(const struct shim *m, struct file *f, int result)
{
  const int error = f->error;

  if (result == -LA_ESTATE && !f->connected)
    return shim_fail(ENOTCONN);
  if ((m->set.linux_errors && f->ended) || error == 0)
    return 0;
  f->error = 0;
  return shim_fail(error);
}

/* ---- from the peer ---- */

/* MSG_TRUNC throws away what it counts, MSG_PEEK leaves it; `octets` may be NULL for the first. */
static int look(struct shim *m, struct file *f, uint8_t *octets, uint32_t max, int flags)
{
  la_frag frags[PIECES_MAX];
  const int n = la_tcp_peek(m->stack, f->sock, frags, PIECES_MAX);
  uint32_t done = 0;

  for (int i = 0; i < n && done < max; i++) {
    const uint32_t piece = frags[i].length < max - done ? frags[i].length : max - done;

    if (!(flags & MSG_TRUNC))
      memcpy(octets + done, la_slab_octets(frags[i].slab) + frags[i].offset, piece);
    done += piece;
  }
  if (n > 0 && !(flags & MSG_PEEK) && la_tcp_consume(m->stack, f->sock, done) < 0)
    return -LA_EINVAL;
  return n < 0 ? n : (int)done;
}

static int take_some(struct shim *m, struct file *f, uint8_t *octets, uint32_t max, int flags)
{
  int result = flags & (MSG_PEEK | MSG_TRUNC) ? look(m, f, octets, max, flags)
                                              : la_tcp_recv(m->stack, f->sock, octets, max);

  return result == -LA_EAGAIN && f->read_shut ? -LA_EEOF : result;
}

/* recv(2) waits for this many octets, if it waits. */
static uint32_t least_of(const struct shim *m, const struct file *f, uint32_t max, int flags)
{
  int64_t lowat = 1;

  (void)!la_tcp_get(m->stack, f->sock, LA_OPT_RCVLOWAT, &lowat);
  return flags & MSG_WAITALL || lowat > max ? max : (uint32_t)lowat;
}

/* Of a call that would have to wait on: what it has, or why it has nothing. */
static ssize_t give_up(const struct shim *m, size_t done, la_time end)
{
  return done > 0 ? (ssize_t)done : shim_fail(m->now >= end ? EAGAIN : EDEADLK);
}

static ssize_t take(struct shim *m, int fd, uint8_t *octets, size_t n, int flags)
{
  const uint32_t max = n < INT32_MAX ? (uint32_t)n : INT32_MAX;
  struct file *f = shim_file(m, fd, FILE_TCP);
  const la_time end = f ? shim_until(m, f->receive_timeout) : 0;
  uint32_t done = 0;
  int result;

  if (f && f->deferred)
    return shim_fail(EAGAIN);
  if (f && (f->listening || (flags & (MSG_OOB | MSG_ERRQUEUE))))
    return shim_fail(f->listening ? ENOTCONN : flags & MSG_OOB ? EINVAL : EAGAIN);
  while ((f = shim_file(m, fd, FILE_TCP)) != NULL) {        /* until there is enough or an end */
    result = take_some(m, f, octets + (flags & MSG_PEEK ? 0 : done),
                       flags & MSG_PEEK ? max : max - done, flags);
    if (result >= 0) {
      done = flags & MSG_PEEK ? (uint32_t)result : done + (uint32_t)result;
      shim_turn(m);
      if (done >= least_of(m, f, max, flags))
        return done;
    } else if (result != -LA_EAGAIN) {
      return done > 0 || result == -LA_EEOF ? (ssize_t)done : told_once(m, f, result);
    }
    if (!waits(f, flags))
      return done > 0 ? (ssize_t)done : shim_fail(EAGAIN);
    if (!shim_wait(m, end))
      return give_up(m, done, end);
  }
  return -1;
}

ssize_t shim_recv(void *u, int fd, void *octets, size_t n, int flags)
{
  struct shim *const m = u;
  ssize_t result;

  if (!(flags & MSG_TRUNC) && !shim_writable_memory(octets, n))
    return shim_fail(EFAULT);
  pthread_mutex_lock(&m->lock);
  result = take(m, fd, octets, n, flags);
  shim_waited(m);
  pthread_mutex_unlock(&m->lock);
  return result;
}

ssize_t shim_read(void *u, int fd, void *octets, size_t n)
{
  struct shim *const m = u;
  bool ours = true;

  if (n > 0)
    return shim_recv(u, fd, octets, n, 0);
  pthread_mutex_lock(&m->lock);
  ours = shim_file(m, fd, FILE_TCP) != NULL;
  pthread_mutex_unlock(&m->lock);
  return ours ? 0 : -1;                       /* nothing is asked for, whatever the state */
}

ssize_t shim_recvfrom(void *u, int fd, void *octets, size_t n, int flags, struct sockaddr *name,
                      socklen_t *length)
{
  (void)name;                                 /* a stream names nobody */
  if (length)
    *length = 0;
  return shim_recv(u, fd, octets, n, flags);
}

/* ---- vectors: one call is one piece of text ---- */

/* The octets that the pieces hold; -1: they are not the caller's. */
static ssize_t vector_size(const struct iovec *pieces, size_t n, bool to_write)
{
  size_t sum = 0;

  if (n > 0 && !shim_readable_memory(pieces, n * sizeof *pieces))
    return shim_fail(EFAULT);
  for (size_t i = 0; i < n; i++) {
    if (to_write ? !shim_writable_memory(pieces[i].iov_base, pieces[i].iov_len)
                 : !shim_readable_memory(pieces[i].iov_base, pieces[i].iov_len))
      return shim_fail(EFAULT);
    sum += pieces[i].iov_len;
  }
  return sum < INT32_MAX ? (ssize_t)sum : shim_fail(EINVAL);
}

static ssize_t take_pieces(void *u, int fd, const struct iovec *pieces, size_t n, int flags)
{
  const ssize_t size = vector_size(pieces, n, true);
  uint8_t *const octets = size < 0 ? NULL : malloc((size_t)size + 1);
  ssize_t got = -1, done = 0;

  if (size >= 0 && !octets)
    return shim_fail(ENOMEM);
  if (octets)
    got = shim_recv(u, fd, octets, (size_t)size, flags);
  for (size_t i = 0; i < n && done < got; i++) {
    const ssize_t left = got - done;
    const size_t piece = (ssize_t)pieces[i].iov_len < left ? pieces[i].iov_len : (size_t)left;

    if (!(flags & MSG_TRUNC))
      memcpy(pieces[i].iov_base, octets + done, piece);
    done += (ssize_t)piece;
  }
  free(octets);
  return got;
}

ssize_t shim_readv(void *u, int fd, const struct iovec *pieces, int n)
{
  return n < 0 || n > VECTOR_MAX ? shim_fail(EINVAL) : take_pieces(u, fd, pieces, (size_t)n, 0);
}

/* TCP_INQ: what is left to be read goes along; after a FIN at least 1, so that it is read too. */
static void tell_left(struct shim *m, int fd, struct msghdr *message)
{
  const size_t room = message->msg_controllen;
  struct cmsghdr *const c = CMSG_FIRSTHDR(message);
  struct file *f;
  la_sock_info info;
  int left;

  message->msg_controllen = 0;
  pthread_mutex_lock(&m->lock);
  f = shim_file(m, fd, FILE_TCP);
  if (f && f->inq && la_sock_get(m->stack, f->sock, &info) >= 0) {
    left = (int)info.receive_queue;
    if (left == 0 && f->ended)
      left = 1;
    if (!c || room < CMSG_SPACE(sizeof left)) {
      message->msg_flags |= MSG_CTRUNC;
    } else {
      c->cmsg_level = IPPROTO_TCP;
      c->cmsg_type = TCP_CM_INQ;
      c->cmsg_len = CMSG_LEN(sizeof left);
      memcpy(CMSG_DATA(c), &left, sizeof left);
      message->msg_controllen = CMSG_SPACE(sizeof left);
    }
  }
  pthread_mutex_unlock(&m->lock);
}

ssize_t shim_recvmsg(void *u, int fd, struct msghdr *message, int flags)
{
  ssize_t got;

  if (!shim_writable_memory(message, sizeof *message))
    return shim_fail(EFAULT);
  if (message->msg_iovlen > VECTOR_MAX)
    return shim_fail(EMSGSIZE);
  got = take_pieces(u, fd, message->msg_iov, message->msg_iovlen, flags);
  if (got < 0)
    return got;
  message->msg_namelen = 0;
  message->msg_flags = 0;
  tell_left(u, fd, message);
  return got;
}

/* ---- to the peer ---- */

static int put_some(struct shim *m, struct file *f, const uint8_t *octets, size_t n, int flags)
{
  const uint32_t most = n < INT32_MAX ? (uint32_t)n : INT32_MAX;

  if (f->connecting && !f->connected && f->error == 0)
    return -LA_EAGAIN;
  if (f->listening || !f->connected)
    return -LA_ESTATE;
  if (f->full && waits(f, flags))
    return -LA_EAGAIN;                        /* LA_EV_WRITABLE will say when */
  if (flags & MSG_OOB)
    return la_tcp_send_urgent(m->stack, f->sock, octets, most);
  return flags & MSG_MORE ? la_tcp_send_more(m->stack, f->sock, octets, most)
                          : la_tcp_send(m->stack, f->sock, octets, most);
}

/* What ended the connection is told once, and EPIPE from then on. */
static ssize_t broken(struct file *f)
{
  const int error = f->error;

  f->error = 0;
  return shim_fail(error != 0 ? error : EPIPE);
}

ssize_t shim_put(struct shim *m, int fd, const uint8_t *octets, size_t n, int flags)
{
  struct file *f = shim_file(m, fd, FILE_TCP);
  const la_time end = f ? shim_until(m, f->send_timeout) : 0;
  size_t done = 0;
  int result;

  if (f)
    f->full = false;
  while ((f = shim_file(m, fd, FILE_TCP)) != NULL) {        /* until all is queued */
    result = f->error != 0 ? -LA_ECLOSING : put_some(m, f, octets + done, n - done, flags);
    if (result >= 0) {
      done += (size_t)result;
      f->full = done < n;
      shim_turn(m);
      if (done == n)
        return (ssize_t)done;
      continue;
    }
    if (result != -LA_EAGAIN && result != -LA_ENOBUF)       /* LA_EV_RETRY will say when */
      return done > 0 ? (ssize_t)done : broken(f);
    f->full = f->full || f->connected;
    if (!waits(f, flags))
      return done > 0 ? (ssize_t)done : shim_fail(EAGAIN);
    if (!shim_wait(m, end))
      return give_up(m, done, end);
  }
  return -1;
}

ssize_t shim_sendto(void *u, int fd, const void *octets, size_t n, int flags,
                    const struct sockaddr *name, socklen_t length)
{
  struct shim *const m = u;
  const struct file *f;
  ssize_t result;

  if (!shim_readable_memory(octets, n))
    return shim_fail(EFAULT);
  pthread_mutex_lock(&m->lock);
  f = shim_file(m, fd, FILE_TCP);
  result = f && shim_fastopen_takes(f, flags, name != NULL)
               ? shim_fastopen_send(m, fd, octets, n, flags, name, length)
               : shim_put(m, fd, octets, n, flags);
  shim_waited(m);
  pthread_mutex_unlock(&m->lock);
  return result;
}

ssize_t shim_send(void *u, int fd, const void *octets, size_t n, int flags)
{
  return shim_sendto(u, fd, octets, n, flags, NULL, 0);
}

ssize_t shim_write(void *u, int fd, const void *octets, size_t n)
{
  return shim_send(u, fd, octets, n, 0);
}

static ssize_t put_pieces(void *u, int fd, const struct iovec *pieces, size_t n, int flags,
                          const struct sockaddr *name, socklen_t length)
{
  const ssize_t size = vector_size(pieces, n, false);
  uint8_t *const octets = size < 0 ? NULL : malloc((size_t)size + 1);
  size_t done = 0;
  ssize_t result = -1;

  if (size >= 0 && !octets)
    return shim_fail(ENOMEM);
  for (size_t i = 0; i < n && octets; i++) {
    memcpy(octets + done, pieces[i].iov_base, pieces[i].iov_len);
    done += pieces[i].iov_len;
  }
  if (octets)
    result = shim_sendto(u, fd, octets, done, flags, name, length);
  free(octets);
  return result;
}

ssize_t shim_writev(void *u, int fd, const struct iovec *pieces, int n)
{
  return n < 0 || n > VECTOR_MAX ? shim_fail(EINVAL)
                                 : put_pieces(u, fd, pieces, (size_t)n, 0, NULL, 0);
}

ssize_t shim_sendmsg(void *u, int fd, const struct msghdr *message, int flags)
{
  if (!shim_readable_memory(message, sizeof *message))
    return shim_fail(EFAULT);
  if (message->msg_iovlen > VECTOR_MAX)
    return shim_fail(EMSGSIZE);
  return put_pieces(u, fd, message->msg_iov, message->msg_iovlen, flags, message->msg_name,
                    message->msg_namelen);
}

/* ---- pipes ---- */

int shim_pipe(void *u, int fds[2])
{
  struct shim *const m = u;
  int result = pipe2(fds, O_NONBLOCK);

  pthread_mutex_lock(&m->lock);
  if (result == 0 && (!shim_file_new(m, FILE_PIPE, fds[0]) ||
                      !shim_file_new(m, FILE_PIPE, fds[1])))
    result = -1;
  pthread_mutex_unlock(&m->lock);
  return result;
}

static ssize_t splice_octets(void *u, int in, int out, size_t n, int flags)
{
  uint8_t octets[SPLICE_MAX];
  const size_t most = n < sizeof octets ? n : sizeof octets;
  struct shim *const m = u;
  bool from_socket;
  ssize_t got;

  pthread_mutex_lock(&m->lock);
  from_socket = shim_file(m, in, FILE_TCP) != NULL;
  pthread_mutex_unlock(&m->lock);
  got = from_socket ? shim_recv(u, in, octets, most, flags) : read(in, octets, most);
  if (got <= 0)
    return got;
  return from_socket ? write(out, octets, (size_t)got)
                     : shim_send(u, out, octets, (size_t)got, flags);
}

int shim_splice(void *u, int in, loff_t *in_at, int out, loff_t *out_at, size_t n,
                unsigned int flags)
{
  if (in_at || out_at)
    return shim_fail(ESPIPE);
  return (int)splice_octets(u, in, out, n, flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0);
}
