/* options.c - getsockopt and setsockopt by Linux's numbers, and struct tcp_info. */
#include "shim.h"
#include "tcp_info.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Options that are one of the stack's, `scale` of its units each. */
struct same { int level, name, scale; enum la_option option; };

static const struct same sames[] = {
  { SOL_SOCKET, SO_KEEPALIVE, 1, LA_OPT_KEEPALIVE },
  { SOL_SOCKET, SO_REUSEADDR, 1, LA_OPT_REUSEADDR },
  { IPPROTO_TCP, TCP_NODELAY, 1, LA_OPT_NODELAY },
  { IPPROTO_TCP, TCP_KEEPIDLE, 1000, LA_OPT_KEEPALIVE_IDLE_MS },
  { IPPROTO_TCP, TCP_KEEPINTVL, 1000, LA_OPT_KEEPALIVE_INTERVAL_MS },
  { IPPROTO_TCP, TCP_KEEPCNT, 1, LA_OPT_KEEPALIVE_PROBES },
  { IPPROTO_TCP, TCP_USER_TIMEOUT, 1, LA_OPT_USER_TIMEOUT_MS },
  { IPPROTO_TCP, TCP_QUICKACK, 1, LA_OPT_QUICKACK },
  { IPPROTO_IP, IP_TTL, 1, LA_OPT_TTL },
  { IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1, LA_OPT_TTL },
};

static const struct same *find(int level, int name)
{
  for (size_t i = 0; i < sizeof sames / sizeof *sames; i++)
    if (sames[i].level == level && sames[i].name == name)
      return &sames[i];
  return NULL;
}

/* ---- getsockopt ---- */

/* Linux numbers the states from 1, in its own order. */
static uint8_t linux_state(const char *name)
{
  static const char *const names[] = {
    "", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT",
    "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING",
  };

  for (uint8_t i = 1; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0)
      return i;
  return 0;
}

static uint8_t linux_options(const la_sock_info *i)
{
  return (uint8_t)(((i->flags & LA_SOCK_TIMESTAMPS) ? TCPI_OPT_TIMESTAMPS : 0) |
                   ((i->flags & LA_SOCK_SACK) ? TCPI_OPT_SACK : 0) |
                   ((i->flags & LA_SOCK_WSCALE) ? TCPI_OPT_WSCALE : 0) |
                   ((i->flags & LA_SOCK_ECN) ? TCPI_OPT_ECN : 0) |
                   ((i->flags & LA_SOCK_ECN_SEEN) ? TCPI_OPT_ECN_SEEN : 0) |
                   ((i->flags & LA_SOCK_SYN_TEXT) ? TCPI_OPT_SYN_DATA : 0));
}

static uint8_t linux_ca_state(const la_sock_info *i)
{
  if (i->flags & LA_SOCK_LOSS)
    return TCP_CA_Loss;
  return i->flags & LA_SOCK_RECOVERY ? TCP_CA_Recovery : TCP_CA_Open;
}

static uint32_t ms_since(const struct shim *m, la_time then)
{
  return then == 0 ? 0 : (uint32_t)((m->now - then) / LA_MS);
}

/* What la_sock_info knows. The times that a connection was busy or held back are not measured by
 * the stack and stay zero, as do the counts that it does not keep. */
static void tell_info(const struct shim *m, const la_sock_info *i, struct shim_tcp_info *t)
{
  const uint32_t mss = i->mss != 0 ? i->mss : 1, flight = i->send_queue - i->send_unsent;

  memset(t, 0, sizeof *t);
  t->tcpi_state = linux_state(la_state_name(i->state));
  t->tcpi_ca_state = linux_ca_state(i);
  t->tcpi_retransmits = (uint8_t)i->backoffs;
  t->tcpi_probes = (uint8_t)i->probes;
  t->tcpi_backoff = (uint8_t)i->backoffs;
  t->tcpi_options = linux_options(i);
  t->tcpi_snd_wscale = i->snd_wscale & 15u;
  t->tcpi_rcv_wscale = i->rcv_wscale & 15u;
  t->tcpi_rto = (uint32_t)(i->rto / 1000);
  t->tcpi_snd_mss = i->mss;
  t->tcpi_rcv_mss = i->advertised_mss;
  t->tcpi_unacked = (flight + mss - 1) / mss;
  t->tcpi_last_data_sent = ms_since(m, i->last_sent);
  t->tcpi_last_data_recv = t->tcpi_last_ack_recv = ms_since(m, i->last_received);
  t->tcpi_pmtu = i->path_mtu;
  t->tcpi_rtt = (uint32_t)(i->srtt / 1000);
  t->tcpi_rttvar = (uint32_t)(i->rttvar / 1000);
  t->tcpi_snd_ssthresh = i->ssthresh == UINT32_MAX ? INT32_MAX : i->ssthresh / mss;
  t->tcpi_snd_cwnd = i->cwnd / mss;
  t->tcpi_advmss = i->advertised_mss;
  t->tcpi_rcv_space = i->receive_buffer;
  t->tcpi_total_retrans = i->retransmissions;
  t->tcpi_bytes_acked = i->octets_acked;
  t->tcpi_bytes_received = i->octets_in;
  t->tcpi_bytes_sent = i->octets_sent;
  t->tcpi_segs_in = (uint32_t)i->segments_in;
  t->tcpi_segs_out = (uint32_t)i->segments_out;
  t->tcpi_notsent_bytes = i->send_unsent;
  t->tcpi_min_rtt = (uint32_t)(i->rtt_min / 1000);
  t->tcpi_snd_wnd = i->snd_wnd;
  t->tcpi_rcv_wnd = i->rcv_wnd;
  t->tcpi_total_rto = (uint16_t)i->timeouts;
}

static int give(void *value, socklen_t *length, const void *answer, size_t size)
{
  const socklen_t whole = (socklen_t)size;

  if (*length > whole)
    *length = whole;
  memcpy(value, answer, *length);
  return 0;
}

static int give_int(void *value, socklen_t *length, int64_t answer)
{
  const int number = (int)answer;

  return *length < sizeof number ? shim_fail(EINVAL) : give(value, length, &number, sizeof number);
}

static int give_linger(const struct shim *m, const struct file *f, void *value, socklen_t *length)
{
  struct linger answer = { 0, 0 };
  int64_t ms;

  if (la_tcp_get(m->stack, f->sock, LA_OPT_LINGER_MS, &ms) >= 0 && ms >= 0)
    answer = (struct linger){ 1, (int)(ms / 1000) };
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

  switch (name) {
  case SO_ERROR:                              /* each once; what the network said comes second */
    f->error = 0;
    f->soft_told = f->soft_told || soft;
    return give_int(value, length, error);
  case SO_SNDBUF:     return give_int(value, length, (int64_t)factor * info->send_buffer);
  case SO_RCVBUF:     return give_int(value, length, (int64_t)factor * info->receive_buffer);
  case SO_TYPE:       return give_int(value, length, SOCK_STREAM);
  case SO_DOMAIN:     return give_int(value, length, f->domain);
  case SO_PROTOCOL:   return give_int(value, length, IPPROTO_TCP);
  case SO_ACCEPTCONN: return give_int(value, length, f->listening);
  case SO_LINGER:     return give_linger(m, f, value, length);
  case SO_MEMINFO:    return give_meminfo(info, value, length);
  default:            return shim_fail(ENOPROTOOPT);
  }
}

static int get_other(struct shim *m, const struct file *f, const la_sock_info *info, int level,
                     int name, void *value, socklen_t *length)
{
  struct shim_tcp_info answer;
  int64_t number;

  if (level == IPPROTO_TCP && name == TCP_INFO) {
    tell_info(m, info, &answer);
    return give(value, length, &answer, sizeof answer);
  }
  if (level == IPPROTO_TCP && name == TCP_CC_INFO)
    return give(value, length, "", 0);        /* what CUBIC and NewReno tell of themselves */
  if (level == IPPROTO_TCP && name == TCP_CONGESTION)
    return give(value, length, "newreno", sizeof "newreno");
  if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    if (f->connected)
      return give_int(value, length, info->mss);
    if (la_tcp_get(m->stack, f->sock, LA_OPT_MSS, &number) >= 0 && number != 0)
      return give_int(value, length, number);
    return give_int(value, length, 536);
  }
  if ((level == IPPROTO_IP && name == IP_TOS) || (level == IPPROTO_IPV6 && name == IPV6_TCLASS))
    if (la_tcp_get(m->stack, f->sock, LA_OPT_DSCP, &number) >= 0)
      return give_int(value, length, number * 4);
  return shim_fail(ENOPROTOOPT);
}

static int get(struct shim *m, int fd, int level, int name, void *value, socklen_t *length)
{
  struct file *const f = shim_file(m, fd, FILE_TCP);
  const struct same *const same = find(level, name);
  la_sock_info info;
  int64_t number;

  if (!f || la_sock_get(m->stack, f->sock, &info) < 0)
    return -1;
  if (same && la_tcp_get(m->stack, f->sock, same->option, &number) >= 0)
    return give_int(value, length, number / same->scale);
  if (shim_fastopen_is_option(level, name) && shim_fastopen_get(m, f, name, &number) >= 0)
    return give_int(value, length, number);
  if (level == SOL_SOCKET)
    return get_of_socket(m, f, &info, name, value, length);
  return get_other(m, f, &info, level, name, value, length);
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

static int set_number(struct shim *m, const struct file *f, int level, int name, int number)
{
  const struct same *const same = find(level, name);
  enum la_option option = LA_OPTION_COUNT;
  int64_t value = number;

  if (same) {
    option = same->option;
    value *= same->scale;
  } else if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF)) {
    option = name == SO_SNDBUF ? LA_OPT_SEND_BUFFER : LA_OPT_RECEIVE_BUFFER;
  } else if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    option = LA_OPT_MSS;
  } else if ((level == IPPROTO_IP && name == IP_TOS) ||
             (level == IPPROTO_IPV6 && name == IPV6_TCLASS)) {
    option = LA_OPT_DSCP;
    value = (number >> 2) & 63;
  } else if (level == SOL_SOCKET && name == SO_REUSEPORT) {
    return 0;                                 /* one process: there is nobody to share with */
  } else {
    return shim_fail(ENOPROTOOPT);
  }
  return la_tcp_set(m->stack, f->sock, option, value) < 0 ? shim_fail(EINVAL) : 0;
}

static int set(struct shim *m, int fd, int level, int name, const void *value, socklen_t length)
{
  struct file *const f = shim_file(m, fd, FILE_TCP);
  struct linger linger;
  int number;

  if (!f)
    return -1;
  if (shim_fastopen_is_option(level, name))
    return shim_fastopen_set(m, f, name, value, length);
  if (level == SOL_SOCKET && name == SO_LINGER) {
    if (length < sizeof linger)
      return shim_fail(EINVAL);
    memcpy(&linger, value, sizeof linger);
    return la_tcp_set(m->stack, f->sock, LA_OPT_LINGER_MS,
                      linger.l_onoff ? (int64_t)linger.l_linger * 1000 : -1) < 0
               ? shim_fail(EINVAL)
               : 0;
  }
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
