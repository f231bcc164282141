/* stream.c - text: read and write in all their forms, and splice between a pipe and a socket. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECES_MAX = 64, SPLICE_MAX = 65536 };

static bool waits(const struct file *f, int flags)
{
  return !f->nonblocking && !(flags & MSG_DONTWAIT);
}

/* What ended the connection is told once; after it the stream is at its end. */
static int told_once(struct file *f, int result)
{
  if (result == -LA_ESTATE && !f->connected)
    return shim_fail(ENOTCONN);
  if (result == -LA_ESTATE || f->told)
    return 0;
  f->told = true;
  f->error = 0;
  return shim_fail(shim_errno(result));
}

static int peek(struct shim *m, struct file *f, void *octets, uint32_t max)
{
  la_frag frags[PIECES_MAX];
  const int n = la_tcp_peek(m->stack, f->sock, frags, PIECES_MAX);
  uint32_t done = 0;

  for (int i = 0; i < n && done < max; i++) {
    const uint32_t piece = frags[i].length < max - done ? frags[i].length : max - done;

    memcpy((uint8_t *)octets + done, la_slab_octets(frags[i].slab) + frags[i].offset, piece);
    done += piece;
  }
  return n < 0 ? n : (int)done;
}

static ssize_t take(struct shim *m, int fd, void *octets, size_t n, int flags)
{
  const uint32_t max = n < INT32_MAX ? (uint32_t)n : INT32_MAX;
  struct file *f;
  int result;

  while ((f = shim_file(m, fd, FILE_TCP)) != NULL) {        /* until there is text or an end */
    if (f->read_shut)
      return 0;
    if (f->listening)
      return shim_fail(ENOTCONN);
    if (f->deferred)
      return shim_fail(EAGAIN);
    result = flags & MSG_PEEK ? peek(m, f, octets, max)
                              : la_tcp_recv(m->stack, f->sock, octets, max);
    if (result >= 0 || result == -LA_EEOF) {
      shim_turn(m);
      return result == -LA_EEOF ? 0 : result;
    }
    if (result != -LA_EAGAIN)
      return told_once(f, result);
    if (!waits(f, flags))
      return shim_fail(EAGAIN);
    if (!shim_wait(m, LA_NEVER))
      return shim_fail(EDEADLK);
  }
  return -1;
}

ssize_t shim_recv(void *u, int fd, void *octets, size_t n, int flags)
{
  struct shim *const m = u;
  ssize_t result;

  pthread_mutex_lock(&m->lock);
  result = take(m, fd, octets, n, flags);
  shim_waited(m);
  pthread_mutex_unlock(&m->lock);
  return result;
}

ssize_t shim_read(void *u, int fd, void *octets, size_t n)
{
  return shim_recv(u, fd, octets, n, 0);
}

ssize_t shim_recvfrom(void *u, int fd, void *octets, size_t n, int flags, struct sockaddr *name,
                      socklen_t *length)
{
  (void)name;                                 /* a stream names nobody */
  if (length)
    *length = 0;
  return shim_recv(u, fd, octets, n, flags);
}

/* Piece after piece; after the first, only what is there already. */
static ssize_t take_pieces(void *u, int fd, const struct iovec *pieces, size_t n, int flags)
{
  ssize_t sum = 0, got;

  for (size_t i = 0; i < n; i++) {
    if (pieces[i].iov_len == 0)
      continue;
    got = shim_recv(u, fd, pieces[i].iov_base, pieces[i].iov_len,
                    sum > 0 ? flags | MSG_DONTWAIT : flags);
    if (got < 0)
      return sum > 0 ? sum : -1;
    sum += got;
    if ((size_t)got < pieces[i].iov_len)
      break;
  }
  return sum;
}

ssize_t shim_readv(void *u, int fd, const struct iovec *pieces, int n)
{
  return n < 0 ? shim_fail(EINVAL) : take_pieces(u, fd, pieces, (size_t)n, 0);
}

ssize_t shim_recvmsg(void *u, int fd, struct msghdr *message, int flags)
{
  message->msg_namelen = 0;
  message->msg_controllen = 0;
  message->msg_flags = 0;
  return take_pieces(u, fd, message->msg_iov, message->msg_iovlen, flags);
}

/* ---- the other way ---- */

static int put_some(struct shim *m, struct file *f, const uint8_t *octets, size_t n, int flags)
{
  const uint32_t most = n < INT32_MAX ? (uint32_t)n : INT32_MAX;

  if (f->listening || (!f->connected && !f->connecting))
    return -LA_ESTATE;
  if (f->connecting && !f->connected && f->error == 0)
    return -LA_EAGAIN;
  if (flags & MSG_OOB)
    return la_tcp_send_urgent(m->stack, f->sock, octets, most);
  return la_tcp_send(m->stack, f->sock, octets, most);
}

ssize_t shim_put(struct shim *m, int fd, const uint8_t *octets, size_t n, int flags)
{
  struct file *f;
  size_t done = 0;
  int result;

  while ((f = shim_file(m, fd, FILE_TCP)) != NULL) {        /* until all is queued */
    result = put_some(m, f, octets + done, n - done, flags);
    if (result >= 0) {
      done += (size_t)result;
      shim_turn(m);
      if (done == n)
        return (ssize_t)done;
      continue;
    }
    if (result != -LA_EAGAIN || !waits(f, flags) || !shim_wait(m, LA_NEVER)) {
      if (done > 0)
        return (ssize_t)done;
      if (result == -LA_ESTATE || f->told)
        return shim_fail(f->connected ? EPIPE : ENOTCONN);
      f->told = result != -LA_EAGAIN && result != -LA_ECLOSING && result != -LA_ENOBUF;
      f->error = 0;
      return shim_fail(shim_errno(result));
    }
  }
  return -1;
}

ssize_t shim_sendto(void *u, int fd, const void *octets, size_t n, int flags,
                    const struct sockaddr *name, socklen_t length)
{
  struct shim *const m = u;
  const struct file *f;
  ssize_t result;

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

static ssize_t put_pieces(void *u, int fd, const struct iovec *pieces, size_t n, int flags)
{
  ssize_t sum = 0, put_now;

  for (size_t i = 0; i < n; i++) {
    put_now = shim_send(u, fd, pieces[i].iov_base, pieces[i].iov_len, flags);
    if (put_now < 0)
      return sum > 0 ? sum : -1;
    sum += put_now;
    if ((size_t)put_now < pieces[i].iov_len)
      break;
  }
  return sum;
}

ssize_t shim_writev(void *u, int fd, const struct iovec *pieces, int n)
{
  return n < 0 ? shim_fail(EINVAL) : put_pieces(u, fd, pieces, (size_t)n, 0);
}

/* The SYN takes text of all pieces, so they are joined. */
static ssize_t put_joined(void *u, int fd, const struct msghdr *message, int flags)
{
  size_t n = 0, at = 0;
  ssize_t result;
  uint8_t *all;

  for (size_t i = 0; i < message->msg_iovlen; i++)
    n += message->msg_iov[i].iov_len;
  all = malloc(n + 1);
  if (!all)
    return shim_fail(ENOMEM);
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    memcpy(all + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    at += message->msg_iov[i].iov_len;
  }
  result = shim_sendto(u, fd, all, n, flags, message->msg_name, message->msg_namelen);
  free(all);
  return result;
}

ssize_t shim_sendmsg(void *u, int fd, const struct msghdr *message, int flags)
{
  if (flags & MSG_FASTOPEN)
    return put_joined(u, fd, message, flags);
  return put_pieces(u, fd, message->msg_iov, message->msg_iovlen, flags);
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
