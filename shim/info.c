/* info.c - la_sock_info as Linux's struct tcp_info. */
#include "shim.h"
#include "tcp_info.h"

#include <linux/tcp.h>
#include <string.h>

enum { REORDERING = 3 };        /* RFC 5681's three duplicate ACKs */
enum { TS_OCTETS = 12 };        /* RFC 7323's option in each segment, which Linux deducts */

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

/* Linux calls it disorder when SACK tells of something beyond what is acknowledged. */
static uint8_t linux_ca_state(const la_sock_info *i)
{
  if (i->flags & LA_SOCK_LOSS)
    return TCP_CA_Loss;
  if (i->flags & LA_SOCK_RECOVERY)
    return TCP_CA_Recovery;
  if (i->flags & LA_SOCK_ECN_CUT)
    return TCP_CA_CWR;
  return i->segments_sacked > 0 ? TCP_CA_Disorder : TCP_CA_Open;
}

static uint32_t ms_since(const struct shim *m, la_time then)
{
  return then == 0 ? 0 : (uint32_t)((m->now - then) / LA_MS);
}

static void put_counts(const la_sock_info *i, struct shim_tcp_info *t)
{
  t->tcpi_unacked = i->segments_flight;
  t->tcpi_sacked = i->segments_sacked;
  t->tcpi_lost = i->segments_lost;
  t->tcpi_retrans = i->segments_resent;
  t->tcpi_total_retrans = i->retransmissions;
  t->tcpi_bytes_acked = i->octets_acked;
  t->tcpi_bytes_received = i->octets_in;
  t->tcpi_bytes_sent = i->octets_sent + i->octets_resent;
  t->tcpi_bytes_retrans = i->octets_resent;
  t->tcpi_segs_in = (uint32_t)i->segments_in;
  t->tcpi_segs_out = (uint32_t)i->segments_out;
  t->tcpi_data_segs_in = i->text_segments_in;
  t->tcpi_data_segs_out = i->text_segments_out;
  t->tcpi_notsent_bytes = i->send_unsent;
  t->tcpi_delivered = i->delivered;
  t->tcpi_delivered_ce = i->delivered_ce;
  t->tcpi_dsack_dups = i->dsacks;
  t->tcpi_reord_seen = i->reorderings;
  t->tcpi_rcv_ooopack = i->early_segments;
  t->tcpi_total_rto = (uint16_t)i->timeouts;
}

static void put_times(const struct shim *m, const la_sock_info *i, struct shim_tcp_info *t)
{
  t->tcpi_rto = (uint32_t)(i->rto / 1000);
  t->tcpi_ato = (uint32_t)(i->ack_delay / 1000);
  t->tcpi_last_data_sent = ms_since(m, i->last_text_sent);
  t->tcpi_last_data_recv = ms_since(m, i->last_text_received);
  t->tcpi_last_ack_recv = ms_since(m, i->last_received);
  t->tcpi_rtt = (uint32_t)(i->srtt / 1000);
  t->tcpi_rttvar = (uint32_t)(i->rttvar / 1000);
  t->tcpi_min_rtt = (uint32_t)(i->rtt_min / 1000);
  t->tcpi_busy_time = (uint64_t)(i->busy / 1000);
  t->tcpi_rwnd_limited = (uint64_t)(i->rwnd_limited / 1000);
  t->tcpi_sndbuf_limited = (uint64_t)(i->sndbuf_limited / 1000);
}

static void put_rates(const la_sock_info *i, struct shim_tcp_info *t)
{
  t->tcpi_pacing_rate = i->pacing_rate != 0 ? i->pacing_rate : UINT64_MAX;
  t->tcpi_max_pacing_rate = i->pacing_limit != 0 ? i->pacing_limit : UINT64_MAX;
  t->tcpi_delivery_rate = i->delivery_rate;
  t->tcpi_delivery_rate_app_limited = (i->flags & LA_SOCK_APP_LIMITED) != 0;
}

/* What la_sock_info knows. `reordering` is Linux's at rest, for RACK counts no segments; what has
 * no likeness in the stack (fackets, rehash, AccECN's counts) stays zero. */
void shim_info(const struct shim *m, const la_sock_info *i, struct shim_tcp_info *t)
{
  const uint32_t mss = i->mss != 0 ? i->mss : 1;

  memset(t, 0, sizeof *t);
  put_counts(i, t);
  put_times(m, i, t);
  put_rates(i, t);
  t->tcpi_state = linux_state(la_state_name(i->state));
  t->tcpi_ca_state = linux_ca_state(i);
  t->tcpi_retransmits = (uint8_t)i->backoffs;
  t->tcpi_probes = (uint8_t)i->probes;
  t->tcpi_backoff = (uint8_t)i->backoffs;
  t->tcpi_options = linux_options(i);
  t->tcpi_snd_wscale = i->snd_wscale & 15u;
  t->tcpi_rcv_wscale = i->rcv_wscale & 15u;
  t->tcpi_snd_mss = i->mss;
  t->tcpi_rcv_mss = i->segment_in != 0 ? i->segment_in : i->advertised_mss;
  t->tcpi_pmtu = i->path_mtu;
  t->tcpi_snd_ssthresh = i->ssthresh == UINT32_MAX ? INT32_MAX : i->ssthresh / mss;
  t->tcpi_snd_cwnd = i->cwnd / mss;
  t->tcpi_advmss = i->advertised_mss - (i->flags & LA_SOCK_TIMESTAMPS ? TS_OCTETS : 0);
  t->tcpi_reordering = REORDERING;
  t->tcpi_rcv_space = i->receive_buffer;
  t->tcpi_snd_wnd = i->snd_wnd;
  t->tcpi_rcv_wnd = i->rcv_wnd;
}
