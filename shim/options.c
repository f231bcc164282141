/* options.c - getsockopt and setsockopt by Linux's numbers and its rules for what may be set. */
#include "shim.h"
#include "tcp_info.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>

/* Options that are one of the stack's, `scale` of its units each; what Linux takes. */
struct same { int level, name, scale, least, most; enum la_option option; };

/* ANY as most: a switch, whatever the number. TCP_NOOPT is FreeBSD's; its number there, 8, is
 * another option here, so the scripts' names have it below 0. */
enum { NAME_MAX = 16, ANY = -1, NO_OPTIONS = -8 };

static const struct same sames[] = {
  { SOL_SOCKET, SO_KEEPALIVE, 1, 0, ANY, LA_OPT_KEEPALIVE },
  { SOL_SOCKET, SO_REUSEADDR, 1, 0, ANY, LA_OPT_REUSEADDR },
  { IPPROTO_TCP, TCP_NODELAY, 1, 0, ANY, LA_OPT_NODELAY },
  { IPPROTO_TCP, TCP_CORK, 1, 0, ANY, LA_OPT_CORK },
  { IPPROTO_TCP, TCP_QUICKACK, 1, 0, ANY, LA_OPT_QUICKACK },
  { IPPROTO_TCP, TCP_KEEPIDLE, 1000, 1, 32767, LA_OPT_KEEPALIVE_IDLE_MS },
  { IPPROTO_TCP, TCP_KEEPINTVL, 1000, 1, 32767, LA_OPT_KEEPALIVE_INTERVAL_MS },
  { IPPROTO_TCP, TCP_KEEPCNT, 1, 1, 127, LA_OPT_KEEPALIVE_PROBES },
  { IPPROTO_TCP, TCP_USER_TIMEOUT, 1, 0, INT32_MAX, LA_OPT_USER_TIMEOUT_MS },
  { IPPROTO_TCP, TCP_SYNCNT, 1, 1, 127, LA_OPT_SYN_RETRIES },
  { IPPROTO_TCP, NO_OPTIONS, 1, 0, ANY, LA_OPT_NO_OPTIONS },
  { IPPROTO_IP, IP_TTL, 1, 1, 255, LA_OPT_TTL },
  { IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1, 1, 255, LA_OPT_TTL },
};

static const char *const controls[] = { [LA_CC_NEWRENO] = "reno", [LA_CC_CUBIC] = "cubic",
                                        [LA_CC_BBR] = "bbr" };
enum { CONTROLS = sizeof controls / sizeof *controls };

static const struct same *find(int level, int name)
{
  for (size_t i = 0; i < sizeof sames / sizeof *sames; i++)
    if (sames[i].level == level && sames[i].name == name)
      return &sames[i];
  return NULL;
}

/* ---- getsockopt ---- */

/* As much as there is room for, as Linux does. */
static int give(void *value, socklen_t *length, const void *answer, size_t size)
{
  const socklen_t whole = (socklen_t)size;

  if ((int)*length < 0)
    return shim_fail(EINVAL);
  if (*length > whole)
    *length = whole;
  if (!shim_writable_memory(value, *length))
    return shim_fail(EFAULT);
  memcpy(value, answer, *length);
  return 0;
}

static int give_int(void *value, socklen_t *length, int64_t answer)
{
  const int number = (int)answer;

  return give(value, length, &number, sizeof number);
}

static int64_t option_of(const struct shim *m, const struct file *f, enum la_option option)
{
  int64_t number = 0;

  return la_tcp_get(m->stack, f->sock, option, &number) < 0 ? 0 : number;
}

static int give_linger(const struct shim *m, const struct file *f, void *value, socklen_t *length)
{
  const int64_t ms = option_of(m, f, LA_OPT_LINGER_MS);
  const struct linger answer = { ms >= 0, ms >= 0 ? (int)(ms / 1000) : 0 };

  return give(value, length, &answer, sizeof answer);
}

static int give_time(void *value, socklen_t *length, la_time timeout)
{
  const struct timeval answer = { timeout / LA_SEC, timeout % LA_SEC / 1000 };

  return give(value, length, &answer, sizeof answer);
}

/* Octets of text where a kernel counts the memory around it. */
static int give_meminfo(const la_sock_info *info, void *value, socklen_t *length)
{
  const uint32_t answer[] = { info->receive_queue, info->receive_buffer, info->send_queue,
                              info->send_buffer, 0, info->send_queue, 0, 0,
                              (uint32_t)info->drops };

  return give(value, length, answer, sizeof answer);
}

static int get_of_socket(struct shim *m, struct file *f, const la_sock_info *info, int name,
                         void *value, socklen_t *length)
{
  const int factor = m->set.double_buffers ? 2 : 1;
  const bool soft = f->error == 0 && info->soft_error != 0 && !f->soft_told;
  const int error = soft ? shim_errno(-(int)info->soft_error) : f->error;
  int64_t number;

  switch (name) {
  case SO_ERROR:                              /* each once; what the network said comes second */
    f->error = 0;
    f->soft_told = f->soft_told || soft;
    return give_int(value, length, error);
  case SO_SNDBUF:     return give_int(value, length, info->send_buffer);
  case SO_RCVBUF:     return give_int(value, length, (int64_t)factor * info->receive_buffer);
  case SO_TYPE:       return give_int(value, length, SOCK_STREAM);
  case SO_DOMAIN:     return give_int(value, length, f->domain);
  case SO_PROTOCOL:   return give_int(value, length, IPPROTO_TCP);
  case SO_ACCEPTCONN: return give_int(value, length, f->listening);
  case SO_RCVLOWAT:   return give_int(value, length, option_of(m, f, LA_OPT_RCVLOWAT));
  case SO_SNDLOWAT:   return give_int(value, length, 1);
  case SO_MAX_PACING_RATE:
    number = option_of(m, f, LA_OPT_PACING_RATE);
    return give_int(value, length, number == 0 ? -1 : number);
  case SO_REUSEPORT:
  case SO_OOBINLINE:  return give_int(value, length, name == SO_OOBINLINE);
  case SO_RCVTIMEO:   return give_time(value, length, f->receive_timeout);
  case SO_SNDTIMEO:   return give_time(value, length, f->send_timeout);
  case SO_LINGER:     return give_linger(m, f, value, length);
  case SO_MEMINFO:    return give_meminfo(info, value, length);
  default:            return shim_fail(ENOPROTOOPT);
  }
}

static int give_control(const struct shim *m, const struct file *f, void *value, socklen_t *length)
{
  const size_t n = (size_t)option_of(m, f, LA_OPT_CONGESTION);
  char name[NAME_MAX] = "";

  if (n < CONTROLS)
    (void)strncpy(name, controls[n], sizeof name - 1);
  return give(value, length, name, sizeof name);
}

/* The text of a full segment, or before there is one what was asked for, or RFC 9293's MUST-15. */
static int64_t segment_size(const struct shim *m, const struct file *f, const la_sock_info *info)
{
  const int64_t asked = option_of(m, f, LA_OPT_MSS);

  if (f->connected && info->mss != 0)
    return info->mss;
  return asked != 0 ? asked : 536;
}

static int get_of_tcp(struct shim *m, const struct file *f, const la_sock_info *info, int name,
                      void *value, socklen_t *length)
{
  struct shim_tcp_info answer;

  switch (name) {
  case TCP_INFO:
    shim_info(m, info, &answer);
    return give(value, length, &answer, sizeof answer);
  case TCP_CONGESTION:    return give_control(m, f, value, length);
  case TCP_MAXSEG:        return give_int(value, length, segment_size(m, f, info));
  case TCP_WINDOW_CLAMP:  return give_int(value, length, info->receive_buffer);
  case TCP_INQ:           return give_int(value, length, f->inq);
  case TCP_NOTSENT_LOWAT: return give_int(value, length, option_of(m, f, LA_OPT_NOTSENT_LOWAT));
  case TCP_DEFER_ACCEPT:  return give_int(value, length, option_of(m, f, LA_OPT_DEFER_ACCEPT_S));
  case TCP_CC_INFO:                           /* what CUBIC and NewReno tell of themselves, */
  case TCP_ULP:                               /* and what is not loaded */
    *length = 0;
    return 0;
  default: return shim_fail(ENOPROTOOPT);
  }
}

static int get(struct shim *m, int fd, int level, int name, void *value, socklen_t *length)
{
  struct file *const f = shim_file(m, fd, FILE_TCP);
  const struct same *const same = find(level, name);
  la_sock_info info;
  int64_t number;

  if (!f || la_sock_get(m->stack, f->sock, &info) < 0)
    return -1;
  if (!shim_writable_memory(length, sizeof *length))
    return shim_fail(EFAULT);
  if (same) {
    number = option_of(m, f, same->option);
    if (same->option == LA_OPT_SYN_RETRIES && number == 0)
      number = m->set.config.syn_retries;
    return give_int(value, length, number / same->scale);
  }
  if (shim_fastopen_is_option(level, name) && shim_fastopen_get(m, f, name, &number) >= 0)
    return give_int(value, length, number);
  if (level == SOL_SOCKET)
    return get_of_socket(m, f, &info, name, value, length);
  if (level == IPPROTO_TCP)
    return get_of_tcp(m, f, &info, name, value, length);
  if ((level == IPPROTO_IP && name == IP_TOS) || (level == IPPROTO_IPV6 && name == IPV6_TCLASS))
    return give_int(value, length, option_of(m, f, LA_OPT_DSCP) * 4);
  return shim_fail(ENOPROTOOPT);
}

int shim_getsockopt(void *u, int fd, int level, int option, void *value, socklen_t *length)
{
  struct shim *const m = u;
  int result;

  pthread_mutex_lock(&m->lock);
  result = get(m, fd, level, option, value, length);
  pthread_mutex_unlock(&m->lock);
  return result;
}

/* ---- setsockopt ---- */

static int put(struct shim *m, const struct file *f, enum la_option option, int64_t value)
{
  return la_tcp_set(m->stack, f->sock, option, value) < 0 ? shim_fail(EINVAL) : 0;
}

static int set_same(struct shim *m, const struct file *f, const struct same *same, int number)
{
  if (same->most == ANY)
    return put(m, f, same->option, number != 0);
  if (number < same->least || number > same->most)
    return shim_fail(EINVAL);
  return put(m, f, same->option, (int64_t)number * same->scale);
}

/* Linux takes what is too small or too large for its limits. */
static int set_buffer(struct shim *m, const struct file *f, int name, int number)
{
  const int64_t most = 1 << 29, asked = number < 0 ? most : number;
  const int64_t size = asked < most ? (asked > 1152 ? asked : 1152) : most;

  if (name == SO_SNDBUF)
    return put(m, f, LA_OPT_SEND_BUFFER, m->set.double_buffers ? 2 * size : size);
  return put(m, f, LA_OPT_RECEIVE_BUFFER, size);
}

static int set_of_socket(struct shim *m, const struct file *f, int name, int number)
{
  switch (name) {
  case SO_SNDBUF:
  case SO_RCVBUF:    return set_buffer(m, f, name, number);
  case SO_MAX_PACING_RATE:                    /* Linux: all ones are no limit */
    return put(m, f, LA_OPT_PACING_RATE, number == -1 ? 0 : (uint32_t)number);
  case SO_RCVLOWAT:  return put(m, f, LA_OPT_RCVLOWAT, number < 0 ? 1 << 30 : number + !number);
  case SO_REUSEPORT:                          /* one process: there is nobody to share with */
  case SO_OOBINLINE: return 0;                /* RFC 6093 4: always */
  default:           return shim_fail(ENOPROTOOPT);
  }
}

static int set_of_tcp(struct shim *m, struct file *f, int name, int number)
{
  switch (name) {
  case TCP_MAXSEG:
    return number != 0 && (number < 88 || number > 32767) ? shim_fail(EINVAL)
                                                          : put(m, f, LA_OPT_MSS, number);
  case TCP_WINDOW_CLAMP:
    return number <= 0 ? shim_fail(EINVAL) : put(m, f, LA_OPT_RECEIVE_BUFFER, number);
  case TCP_INQ:
    if (number < 0 || number > 1)
      return shim_fail(EINVAL);
    f->inq = number != 0;
    return 0;
  case TCP_NOTSENT_LOWAT: return put(m, f, LA_OPT_NOTSENT_LOWAT, (uint32_t)number);
  case TCP_DEFER_ACCEPT:  return put(m, f, LA_OPT_DEFER_ACCEPT_S, number > 0 ? number : 0);
  default:                return shim_fail(ENOPROTOOPT);
  }
}

static int set_number(struct shim *m, struct file *f, int level, int name, int number)
{
  const struct same *const same = find(level, name);

  if (same)
    return set_same(m, f, same, number);
  if (level == SOL_SOCKET)
    return set_of_socket(m, f, name, number);
  if (level == IPPROTO_TCP)
    return set_of_tcp(m, f, name, number);
  if ((level == IPPROTO_IP && name == IP_TOS) || (level == IPPROTO_IPV6 && name == IPV6_TCLASS))
    return put(m, f, LA_OPT_DSCP, (number >> 2) & 63);
  return shim_fail(ENOPROTOOPT);
}

static int set_linger(struct shim *m, const struct file *f, const void *value, socklen_t length)
{
  struct linger linger;

  if (length < sizeof linger)
    return shim_fail(EINVAL);
  memcpy(&linger, value, sizeof linger);
  return put(m, f, LA_OPT_LINGER_MS, linger.l_onoff ? (int64_t)linger.l_linger * 1000 : -1);
}

static int set_time(la_time *timeout, const void *value, socklen_t length)
{
  struct timeval tv;

  if (length < sizeof tv)
    return shim_fail(EINVAL);
  memcpy(&tv, value, sizeof tv);
  if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
    return shim_fail(EDOM);
  *timeout = tv.tv_sec < 0 ? 1 : tv.tv_sec * LA_SEC + tv.tv_usec * 1000;   /* below 0: no wait */
  return 0;
}

static int set_control(struct shim *m, const struct file *f, const char *name, socklen_t length)
{
  for (size_t i = 0; i < CONTROLS; i++)
    if (strlen(controls[i]) == strnlen(name, length) &&
        strncmp(controls[i], name, strlen(controls[i])) == 0)
      return put(m, f, LA_OPT_CONGESTION, (int64_t)i);
  return shim_fail(ENOENT);
}

static int set(struct shim *m, int fd, int level, int name, const void *value, socklen_t length)
{
  struct file *const f = shim_file(m, fd, FILE_TCP);
  int number;

  if (!f)
    return -1;
  if ((int)length < 0)
    return shim_fail(EINVAL);
  if (!shim_readable_memory(value, length))
    return shim_fail(EFAULT);
  if (shim_fastopen_is_option(level, name))
    return shim_fastopen_set(m, f, name, value, length);
  if (level == SOL_SOCKET && name == SO_LINGER)
    return set_linger(m, f, value, length);
  if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
    return set_time(name == SO_RCVTIMEO ? &f->receive_timeout : &f->send_timeout, value, length);
  if (level == IPPROTO_TCP && name == TCP_CONGESTION)
    return length < 1 ? shim_fail(EINVAL) : set_control(m, f, value, length);
  if (level == IPPROTO_TCP && name == TCP_ULP)
    return shim_fail(length < 1 ? EINVAL : ENOENT);
  if (length < sizeof number)
    return shim_fail(EINVAL);
  memcpy(&number, value, sizeof number);
  return set_number(m, f, level, name, number);
}

int shim_setsockopt(void *u, int fd, int level, int option, const void *value, socklen_t length)
{
  struct shim *const m = u;
  int result;

  pthread_mutex_lock(&m->lock);
  result = set(m, fd, level, option, value, length);
  shim_turn(m);
  pthread_mutex_unlock(&m->lock);
  return result;
}
