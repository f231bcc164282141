/* packetdrill.c - the door: the table of calls, the network device, the clock; and a few questions
 * for runners of our own, which are not part of packetdrill's table (lastack_packetdrill_...). */
#include "packetdrill.h"
#include "runner.h"
#include "shim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static void release(void *u)
{
  struct shim *const m = u;

  for (int i = 0; i < SHIM_FILES; i++)
    if (m->files[i].kind != FILE_FREE)
      (void)close(m->files[i].fd);
  shim_control_end(m);
  if (m->bad_checksums > 0)
    (void)fprintf(stderr, "lastack: %lu packets left with a wrong checksum\n", m->bad_checksums);
  if (m->asleep > 0)                          /* a thread still sleeps in it: leave it that */
    return;
  shim_end(m);
  free(m);
}

/* ---- the network device ---- */

static la_addr destination(const uint8_t *octets)
{
  la_addr addr = { .len = octets[0] >> 4 == 6 ? 16 : 4 };

  memcpy(addr.octets, octets + (addr.len == 16 ? 24 : 16), addr.len);
  return addr;
}

static int deliver(struct shim *m, const uint8_t *octets, size_t n)
{
  la_pkt pkt = { .at = m->now, .iface = (uint16_t)m->iface };
  size_t done = 0;

  if (!m->named && shim_learn(m, destination(octets)) < 0)
    return -1;
  while (done < n && pkt.frags < LA_PKT_FRAGS) {
    la_frag *const frag = &pkt.frag[pkt.frags];

    if (la_slab_get(m->stack, &frag->slab) < 0)
      break;
    frag->offset = 0;
    frag->length = la_slab_size(frag->slab);
    if (frag->length > n - done)
      frag->length = (uint32_t)(n - done);
    memcpy(la_slab_octets(frag->slab), octets + done, frag->length);
    done += frag->length;
    pkt.frags++;
  }
  if (done < n) {
    la_pkt_release(m->stack, &pkt);
    return -1;
  }
  (void)la_input(m->stack, m->now, &pkt, 1);
  shim_turn(m);
  return 0;
}

static int netdev_send(void *u, const void *octets, size_t n)
{
  struct shim *const m = u;
  int result = -1;

  pthread_mutex_lock(&m->lock);
  if (n >= 40 || (n >= 20 && *(const uint8_t *)octets >> 4 == 4))
    result = shim_begin(m) < 0 ? -1 : deliver(m, octets, n);
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* Time passes until a packet comes; with none and nothing due, none ever will. */
static int take_packet(struct shim *m, void *octets, size_t *count, la_time *at)
{
  struct packet *p;

  while (!m->first && shim_step(m))
    continue;                                 /* each step a deadline of the stack */
  p = m->first;
  if (p && p->length > *count)
    return shim_fail(EMSGSIZE);
  *count = 0;
  if (!p)
    return 0;
  *count = p->length;
  *at = p->at;
  memcpy(octets, p->octets, p->length);
  m->first = p->next;
  if (!m->first)
    m->end = &m->first;
  free(p);
  return 0;
}

static int netdev_receive(void *u, void *octets, size_t *count, long long *time_us)
{
  struct shim *const m = u;
  la_time at = 0;
  int result;

  pthread_mutex_lock(&m->lock);
  result = take_packet(m, octets, count, &at);
  *time_us = at / 1000;
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* ---- the clock ---- */

static int sleep_us(void *u, useconds_t us)
{
  struct shim *const m = u;

  pthread_mutex_lock(&m->lock);
  shim_advance(m, m->now + (la_time)us * 1000);
  pthread_mutex_unlock(&m->lock);
  return 0;
}

static int time_of_day(void *u, struct timeval *tv, struct timezone *tz)
{
  struct shim *const m = u;

  pthread_mutex_lock(&m->lock);
  tv->tv_sec = m->now / LA_SEC;
  tv->tv_usec = m->now % LA_SEC / 1000;
  if (tz)
    memset(tz, 0, sizeof *tz);
  shim_asked(m);
  pthread_mutex_unlock(&m->lock);
  return 0;
}

/* ---- for runners of our own ---- */

EXPORT int lastack_packetdrill_set(void *u, const char *words)
{
  struct shim *const m = u;
  int result;

  pthread_mutex_lock(&m->lock);
  result = shim_change(m, words);
  pthread_mutex_unlock(&m->lock);
  return result;
}

EXPORT const char *lastack_packetdrill_error(void *u)
{
  return ((const struct shim *)u)->error;
}

EXPORT unsigned lastack_packetdrill_asleep(void *u)
{
  struct shim *const m = u;
  unsigned asleep;

  pthread_mutex_lock(&m->lock);
  asleep = m->asleep;
  pthread_mutex_unlock(&m->lock);
  return asleep;
}

EXPORT unsigned lastack_packetdrill_left(void *u, unsigned long *bad_checksums)
{
  struct shim *const m = u;
  unsigned left = 0;

  pthread_mutex_lock(&m->lock);
  for (const struct packet *p = m->first; p; p = p->next)
    left++;
  *bad_checksums = m->bad_checksums;
  pthread_mutex_unlock(&m->lock);
  return left;
}

EXPORT unsigned lastack_packetdrill_count(void *u, const char *state)
{
  struct shim *const m = u;
  unsigned n;

  pthread_mutex_lock(&m->lock);
  n = shim_in_state(m, state, false);
  pthread_mutex_unlock(&m->lock);
  return n;
}

EXPORT unsigned lastack_packetdrill_drop(void *u, const char *state)
{
  struct shim *const m = u;
  unsigned n;

  pthread_mutex_lock(&m->lock);
  n = shim_in_state(m, state, true);
  pthread_mutex_unlock(&m->lock);
  return n;
}

static const struct packetdrill_interface calls = {
  .free = release, .socket = shim_socket, .bind = shim_bind, .listen = shim_listen,
  .accept = shim_accept, .connect = shim_connect, .read = shim_read, .readv = shim_readv,
  .recv = shim_recv, .recvfrom = shim_recvfrom, .recvmsg = shim_recvmsg, .write = shim_write,
  .writev = shim_writev, .send = shim_send, .sendto = shim_sendto, .sendmsg = shim_sendmsg,
  .fcntl = shim_fcntl, .ioctl = shim_ioctl, .close = shim_close, .shutdown = shim_shutdown,
  .getsockopt = shim_getsockopt, .setsockopt = shim_setsockopt, .poll = shim_poll,
  .netdev_send = netdev_send, .netdev_receive = netdev_receive, .usleep = sleep_us,
  .gettimeofday = time_of_day, .epoll_create = shim_epoll_create,
  .epoll_ctl = shim_epoll_ctl, .epoll_wait = shim_epoll_wait, .pipe = shim_pipe,
  .splice = shim_splice,
};

/* The interface has no way to say no: what is wrong with the flags is said by the first socket. */
EXPORT void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
  struct shim *const m = calloc(1, sizeof *m);

  if (!m)
    abort();
  (void)pthread_mutex_init(&m->lock, NULL);
  (void)pthread_cond_init(&m->moved, NULL);
  (void)pthread_cond_init(&m->settled, NULL);
  m->main = pthread_self();
  m->now = 1000000 * LA_SEC;
  m->alarm = LA_NEVER;
  m->end = &m->first;
  for (int i = 0; i < SHIM_WATCHES; i++)
    m->watches[i].epfd = m->watches[i].fd = -1;
  shim_settings_default(m);
  if (flags)
    (void)shim_settings_read(m, flags);
  shim_control_begin(m);
  *ifc = calls;
  ifc->userdata = m;
}
