/* info.c - la_sock_info as Linux's struct tcp_info. */
#include "shim.h"
#include "tcp_info.h"

#include <linux/tcp.h>
#include <string.h>

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
void shim_info(const struct shim *m, const la_sock_info *i, struct shim_tcp_info *t)
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
