/* files.c - descriptors: the kernel's numbers, and what they stand for here. */
#include "shim.h"

#include <errno.h>
#include <string.h>

int shim_fail(int error)
{
  errno = error;
  return -1;
}

int shim_errno(int result)
{
  switch (-result) {
  case LA_EAGAIN:    return EAGAIN;
  case LA_ESTALE:    return EBADF;
  case LA_ESTATE:    return ENOTCONN;
  case LA_ECLOSING:  return EPIPE;
  case LA_ERESET:    return ECONNRESET;
  case LA_EREFUSED:  return ECONNREFUSED;
  case LA_ETIMEDOUT: return ETIMEDOUT;
  case LA_EABORTED:  return ECONNABORTED;
  case LA_EUNREACH:  return EHOSTUNREACH;
  case LA_EINUSE:    return EADDRINUSE;
  case LA_ENOADDR:
  case LA_ENOPORT:   return EADDRNOTAVAIL;
  case LA_ENOSOCK:   return ENFILE;
  case LA_ENOBUF:
  case LA_ENOROOM:   return ENOBUFS;
  case LA_EMSGSIZE:  return EMSGSIZE;
  default:           return EINVAL;
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

static bool has_room(const la_sock_info *info)
{
  return la_state_attrs(info->state) & LA_STATE_TX_QUEUE &&
         info->send_queue < info->send_buffer;
}

/* poll(2)'s bits for a socket as it is now. */
short shim_ready(struct shim *m, struct file *f)
{
  uint8_t none;
  la_sock_info info;
  short ready = 0;
  int text;

  if (la_sock_get(m->stack, f->sock, &info) < 0)
    return POLLHUP;
  if (f->deferred)
    return POLLOUT | POLLWRNORM;
  if (f->listening)
    return info.accept_queue > 0 ? POLLIN | POLLRDNORM : 0;
  text = la_tcp_recv(m->stack, f->sock, &none, 0);
  if (text != -LA_EAGAIN && f->connected)
    ready |= POLLIN | POLLRDNORM;
  if (text == -LA_EEOF)
    ready |= POLLRDHUP;
  if (has_room(&info) && (f->connected || !f->connecting))
    ready |= POLLOUT | POLLWRNORM;
  if (strcmp(la_state_name(info.state), "CLOSED") == 0)
    ready |= POLLHUP | POLLOUT | POLLIN;
  if (f->error != 0)
    ready |= POLLERR | POLLOUT | POLLIN;
  return ready;
}
