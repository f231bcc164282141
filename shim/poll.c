/* poll.c - poll, and epoll by the same readiness; edge-triggered watches remember what was told. */
#include "shim.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static la_time until(const struct shim *m, int timeout_ms)
{
  return timeout_ms < 0 ? LA_NEVER : m->now + timeout_ms * LA_MS;
}

static int look(struct shim *m, struct pollfd *fds, nfds_t n)
{
  const int always = POLLERR | POLLHUP | POLLNVAL;
  int ready = 0;

  for (nfds_t i = 0; i < n; i++) {
    struct file *const f = shim_file(m, fds[i].fd, FILE_TCP);

    fds[i].revents = 0;
    if (fds[i].fd >= 0)
      fds[i].revents = (short)((f ? shim_ready(m, f) : POLLNVAL) & (fds[i].events | always));
    ready += fds[i].revents != 0;
  }
  return ready;
}

int shim_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms)
{
  struct shim *const m = u;
  la_time end;
  int ready;

  pthread_mutex_lock(&m->lock);
  end = until(m, timeout_ms);
  while ((ready = look(m, fds, n)) == 0 && timeout_ms != 0 && shim_wait(m, end))
    continue; /* each turn a deadline of the stack */
  shim_waited(m);
  pthread_mutex_unlock(&m->lock);
  return ready;
}

/* ---- epoll ---- */

int shim_epoll_create(void *u, int size)
{
  struct shim *const m = u;
  const int fd = size > 0 ? epoll_create1(0) : shim_fail(EINVAL);
  struct file *f = NULL;

  if (fd < 0)
    return -1;
  pthread_mutex_lock(&m->lock);
  f = shim_file_new(m, FILE_EPOLL, fd);
  pthread_mutex_unlock(&m->lock);
  if (!f)
    (void)close(fd);
  return f ? fd : -1;
}

static struct watch *find(struct shim *m, int epfd, int fd)
{
  for (int i = 0; i < SHIM_WATCHES; i++)
    if (m->watches[i].epfd == epfd && m->watches[i].fd == fd)
      return &m->watches[i];
  return NULL;
}

static int change(struct shim *m, int epfd, int op, int fd, const struct epoll_event *event)
{
  struct watch *w = find(m, epfd, fd);

  if (!shim_file(m, epfd, FILE_EPOLL) || !shim_file(m, fd, FILE_TCP))
    return epfd == fd && shim_file(m, epfd, FILE_EPOLL) ? shim_fail(EINVAL) : -1;
  if (op == EPOLL_CTL_ADD ? w != NULL : w == NULL)
    return shim_fail(w ? EEXIST : ENOENT);
  if (op == EPOLL_CTL_ADD)
    w = find(m, -1, -1);
  if (!w)
    return shim_fail(ENOSPC);
  *w = (struct watch){ .epfd = -1, .fd = -1 };
  if (op != EPOLL_CTL_DEL)
    *w = (struct watch){ .epfd = epfd, .fd = fd, .fresh = true, .event = *event };
  return 0;
}

int shim_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *event)
{
  struct shim *const m = u;
  int result;

  if ((op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL) ||
      (op != EPOLL_CTL_DEL && !event))
    return shim_fail(EINVAL);
  pthread_mutex_lock(&m->lock);
  result = change(m, epfd, op, fd, event);
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* POLLIN and EPOLLIN, and so on, are the same bits in Linux. An edge is whatever happened since the
 * socket was told of last; then all that is ready is told. */
static uint32_t fresh(struct shim *m, struct watch *w)
{
  struct file *const f = shim_file(m, w->fd, FILE_TCP);
  const uint32_t wanted = w->event.events | EPOLLERR | EPOLLHUP;
  const uint32_t now = f ? (uint32_t)(unsigned short)shim_ready(m, f) & wanted : 0;

  if (w->off)
    return 0;
  if (now == 0 || !(w->event.events & EPOLLET))
    return now;
  if (!w->fresh && w->told == f->wakes)
    return 0;
  w->fresh = false;
  w->told = f->wakes;
  return now;
}

static int collect(struct shim *m, int epfd, struct epoll_event *events, int n)
{
  int found = 0;

  for (int i = 0; i < SHIM_WATCHES && found < n; i++) {
    struct watch *const w = &m->watches[i];
    const uint32_t bits = w->epfd == epfd ? fresh(m, w) : 0;

    if (bits == 0)
      continue;
    events[found++] = (struct epoll_event){ bits, w->event.data };
    w->off = (w->event.events & EPOLLONESHOT) != 0;
  }
  return found;
}

int shim_epoll_wait(void *u, int epfd, struct epoll_event *events, int n, int timeout_ms)
{
  struct shim *const m = u;
  la_time end;
  int found = -1;

  if (n <= 0)
    return shim_fail(EINVAL);
  pthread_mutex_lock(&m->lock);
  end = until(m, timeout_ms);
  if (shim_file(m, epfd, FILE_EPOLL))
    while ((found = collect(m, epfd, events, n)) == 0 && timeout_ms != 0 && shim_wait(m, end))
      continue; /* each turn a deadline of the stack */
  shim_waited(m);
  pthread_mutex_unlock(&m->lock);
  return found;
}
