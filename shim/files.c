/* files.c - descriptors: the kernel's numbers, and what they stand for here. */
#include "shim.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int shim_fail(int error)
{
  errno = error;
  return -1;
}

int shim_errno(int result)
{
  switch (-result) {
  case LA_EAGAIN:
    return EAGAIN;
  case LA_ESTALE:
    return EBADF;
  case LA_ESTATE:
    return ENOTCONN;
  case LA_ECLOSING:
    return EPIPE;
  case LA_ERESET:
    return ECONNRESET;
  case LA_EREFUSED:
    return ECONNREFUSED;
  case LA_ETIMEDOUT:
    return ETIMEDOUT;
  case LA_EABORTED:
    return ECONNABORTED;
  case LA_EUNREACH:
    return EHOSTUNREACH;
  case LA_EINUSE:
    return EADDRINUSE;
  case LA_ENOADDR:
  case LA_ENOPORT:
    return EADDRNOTAVAIL;
  case LA_ENOSOCK:
    return ENFILE;
  case LA_ENOBUF:
  case LA_ENOROOM:
    return ENOBUFS;
  case LA_EMSGSIZE:
    return EMSGSIZE;
  default:
    return EINVAL;
  }
}

struct file *shim_file(struct shim *m, int fd, enum file_kind kind)
{
  for (int i = 0; i < SHIM_FILES; i++)
    if (m->files[i].kind == kind && m->files[i].fd == fd)
      return &m->files[i];
  errno = EBADF;
  return NULL;
}

struct file *shim_file_new(struct shim *m, enum file_kind kind, int fd)
{
  for (int i = 0; i < SHIM_FILES; i++)
    if (m->files[i].kind == FILE_FREE) {
      m->files[i] = (struct file){ .kind = kind, .fd = fd };
      return &m->files[i];
    }
  errno = EMFILE;
  return NULL;
}

struct file *shim_file_of_sock(struct shim *m, la_sock sock)
{
  for (int i = 0; i < SHIM_FILES; i++)
    if (m->files[i].kind == FILE_TCP && m->files[i].sock.bits == sock.bits)
      return &m->files[i];
  return NULL;
}

/* A third of the buffer free, and less than half of what may wait unsent. */
static bool has_room(const la_sock_info *info)
{
  return info->send_queue <= info->send_buffer - info->send_buffer / 3 &&
         info->send_unsent <= info->notsent_lowat / 2;
}

static bool has_text(const struct shim *m, const struct file *f, const la_sock_info *info)
{
  int64_t lowat = 1;

  (void)!la_tcp_get(m->stack, f->sock, LA_OPT_RCVLOWAT, &lowat);
  return info->receive_queue > 0 &&
         (info->receive_queue >= lowat || info->rcv_wnd < info->advertised_mss);
}

/* poll(2)'s bits for a socket as it is now, by tcp(7)'s rules: what either end has shut counts as
 * ready, and so does a connection that is over. */
short shim_ready(struct shim *m, struct file *f)
{
  la_sock_info info;
  short ready = f->error != 0 ? POLLERR : 0;
  bool gone, over, read_over, write_over;

  if (la_sock_get(m->stack, f->sock, &info) < 0)
    return POLLHUP;
  if (f->deferred)
    return POLLOUT | POLLWRNORM;
  if (f->listening)
    return info.accept_queue > 0 ? POLLIN | POLLRDNORM : 0;
  if (f->connecting && !f->connected && f->error == 0)
    return ready; /* SYN-SENT: nothing yet */
  gone = strcmp(la_state_name(info.state), "CLOSED") == 0 ||
         strcmp(la_state_name(info.state), "TIME-WAIT") == 0;
  over = gone && (f->connected || f->error != 0);
  read_over = f->read_shut || f->ended || over;
  write_over = f->write_shut || over;
  if ((read_over && write_over) || gone)
    ready |= POLLHUP;
  if (read_over)
    ready |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (has_text(m, f, &info))
    ready |= POLLIN | POLLRDNORM;
  if (write_over || has_room(&info))
    ready |= POLLOUT | POLLWRNORM;
  return ready;
}

la_time shim_until(const struct shim *m, la_time timeout)
{
  return timeout == 0 ? LA_NEVER : m->now + timeout;
}

/* ---- memory that may not be the caller's ---- */

enum { PAGE = 4096 };

/* The kernel answers a pointer that leads nowhere with EFAULT, so an octet of each page is asked
 * of the kernel before it is touched. */
static bool memory_is_there(const uint8_t *octets, size_t n, bool to_write)
{
  const uintptr_t from = (uintptr_t)octets, to = from + n;
  uint8_t octet;
  struct iovec mine = { &octet, 1 };

  if (to < from)
    return false;
  for (uintptr_t at = from; at < to; at = (at / PAGE + 1) * PAGE) {
    struct iovec theirs = { (void *)at, 1 };

    if (process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0) != 1)
      return false;
    if (to_write && process_vm_writev(getpid(), &mine, 1, &theirs, 1, 0) != 1)
      return false;
  }
  return true;
}

bool shim_readable_memory(const void *octets, size_t n)
{
  return memory_is_there(octets, n, false);
}

bool shim_writable_memory(void *octets, size_t n) { return memory_is_there(octets, n, true); }
