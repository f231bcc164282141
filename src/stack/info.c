/* info.c - looking in: all sockets, what is known of each, its flight recorder. */
#include "stack/stack.h"

_Static_assert((int)TCP_STATE_COUNT == (int)LA_STATE_COUNT, "eleven states");
_Static_assert((int)TCP_TIMER_COUNT == (int)LA_TIMER_COUNT, "lastack.h has timer.def's order");
_Static_assert((int)TCP_T_TWO_MSL == (int)LA_TIMER_TWO_MSL, "lastack.h has timer.def's order");
_Static_assert((int)TCP_ESTAB == (int)LA_STATE_ESTAB && (int)TCP_RX_TEXT == (int)LA_STATE_RX_TEXT,
               "lastack.h has fsm.h's attributes");

/* ---- the walk ---- */

static la_sock next_tcb(const la_stack *s, uint32_t from)
{
  for (uint32_t i = from; i < s->tcp.tcbs.fresh; i++) {
    const struct tcb *const tcb = pool_at(&s->tcp.tcbs, i);

    if (tcb->generation & 1)
      return sock_of(SOCK_TCP, tcb->generation, i);
  }
  return (la_sock){ 0 };
}

static la_sock next_time_wait(const la_stack *s, uint32_t from)
{
  for (uint32_t i = from; i < s->tcp.time_waits.fresh; i++) {
    const struct time_wait *const tw = pool_at(&s->tcp.time_waits, i);

    if (tw->flags & TIME_WAIT_IN_USE)
      return sock_of(SOCK_TIME_WAIT, tw->generation, i);
  }
  return (la_sock){ 0 };
}

static la_sock next_udp(const la_stack *s, uint32_t from)
{
  for (uint32_t i = from; i < s->udp.socks.fresh; i++) {
    const struct udp_sock *const udp = pool_at(&s->udp.socks, i);

    if (udp->generation & 1)
      return sock_of(SOCK_UDP, udp->generation, i);
  }
  return (la_sock){ 0 };
}

/* Kind by kind, and each by its index. */
bool la_sock_next(const la_stack *s, la_sock *cursor)
{
  unsigned kind = sock_kind(*cursor);
  uint32_t from = kind == SOCK_NONE ? 0 : sock_index(*cursor) + 1;
  la_sock next = { 0 };

  if (kind == SOCK_NONE)
    kind = SOCK_TCP;
  if (kind == SOCK_TCP) {
    next = next_tcb(s, from);
    if (next.bits == 0) {
      kind = SOCK_TIME_WAIT;
      from = 0;
    }
  }
  if (kind == SOCK_TIME_WAIT) {
    next = next_time_wait(s, from);
    if (next.bits == 0) {
      kind = SOCK_UDP;
      from = 0;
    }
  }
  if (kind == SOCK_UDP)
    next = next_udp(s, from);
  if (next.bits == 0)
    return false;
  *cursor = next;
  return true;
}

/* ---- one socket ---- */

static la_endpoint endpoint_of(const struct ip_addr *addr, uint16_t port)
{
  return (la_endpoint){ addr_out(addr), port };
}

static uint32_t flags_of(const struct tcb *tcb)
{
  static const struct { uint32_t ours, theirs; } map[] = {
    { TCB_PASSIVE, LA_SOCK_PASSIVE }, { TCB_TS, LA_SOCK_TIMESTAMPS }, { TCB_SACK, LA_SOCK_SACK },
    { TCB_WSCALE, LA_SOCK_WSCALE }, { TCB_COOKIE, LA_SOCK_COOKIE },
    { TCB_FIN_QUEUED, LA_SOCK_FIN_QUEUED }, { TCB_EOF_READ, LA_SOCK_EOF_READ },
    { TCB_URGENT, LA_SOCK_URGENT }, { TCB_ECN, LA_SOCK_ECN }, { TCB_ECN_SEEN, LA_SOCK_ECN_SEEN },
    { TCB_FASTOPEN, LA_SOCK_FASTOPEN }, { TCB_RATE_APP_LIMITED, LA_SOCK_APP_LIMITED },
  };
  uint32_t flags = 0;

  for (unsigned i = 0; i < sizeof map / sizeof *map; i++)
    if (tcb->flags & map[i].ours)
      flags |= map[i].theirs;
  flags |= tcb->habits->nodelay ? (uint32_t)LA_SOCK_NODELAY : 0;
  flags |= tcb->habits->six_only ? (uint32_t)LA_SOCK_V6ONLY : 0;
  flags |= tcb->habits->keepalive ? (uint32_t)LA_SOCK_KEEPALIVE : 0;
  if ((tcb->flags & TCB_SYN_TEXT) && ((tcb->flags & TCB_PASSIVE) || !tcp_syn_waits(tcb)))
    flags |= LA_SOCK_SYN_TEXT;
  flags |= tcb->mode == TCP_RECOVERY ? (uint32_t)LA_SOCK_RECOVERY : 0;
  flags |= tcb->mode == TCP_LOSS ? (uint32_t)LA_SOCK_LOSS : 0;
  return flags;
}

static bool is_connection(const struct tcb *tcb)
{
  return tcb->state != TCP_CLOSED && tcb->state != TCP_LISTEN;
}

/* A child that nobody has accepted is its listener's; what neither holds is an orphan. */
static uint32_t ownership_of(const struct tcb *tcb)
{
  if (tcb->flags & TCB_HELD || !is_connection(tcb))
    return 0;
  return tcp_unaccepted(tcb) ? (uint32_t)LA_SOCK_UNACCEPTED : (uint32_t)LA_SOCK_ORPHAN;
}

static uint32_t fin_flags_of(const struct tcb *tcb)
{
  if (!(tcb->flags & TCB_FIN_QUEUED) || !is_connection(tcb))
    return 0;
  if (seq_lt(tcb->snd.fin, tcb->snd.una))
    return LA_SOCK_FIN_SENT | LA_SOCK_FIN_ACKED;
  return seq_lt(tcb->snd.fin, tcb->snd.nxt) ? (uint32_t)LA_SOCK_FIN_SENT : 0;
}

static void fill_queues(const struct tcb *tcb, la_sock_info *info)
{
  info->send_queue = tcb->tx.octets;
  info->send_unsent = tcp_unsent(tcb);
  info->receive_queue = tcb->rx.octets;
  info->out_of_order = tcb->island_octets;
  info->send_buffer = tcb->send_buffer;
  info->receive_buffer = tcb->receive_buffer;
}

static void fill_sequence(const struct tcb *tcb, la_sock_info *info)
{
  info->iss = tcb->snd.iss.n;
  info->irs = tcb->rcv.irs.n;
  info->snd_una = tcb->snd.una.n;
  info->snd_nxt = tcb->snd.nxt.n;
  info->snd_max_wnd = tcb->snd.wnd_max;
  info->rcv_nxt = tcb->rcv.nxt.n;
  info->snd_wnd = tcb->snd.wnd;
  info->rcv_wnd = tcp_rcv_window(tcb);
  info->cwnd = tcb->cc.cwnd;
  info->ssthresh = tcb->cc.ssthresh;
  info->mss = tcb->mss;
  info->peer_mss = tcb->peer_mss;
  info->advertised_mss = tcb->our_mss;
  info->path_mtu = tcb->mtu.now != 0 && tcb->mtu.now < tcb->path.mtu ? tcb->mtu.now
                                                                     : tcb->path.mtu;
}

static void fill_times(const la_stack *s, const struct tcb *tcb, la_sock_info *info)
{
  const enum tcp_timer timer = tcp_timer_next(tcb);

  info->timer = timer == TCP_TIMER_COUNT ? (uint8_t)LA_TIMER_NONE : (uint8_t)timer;
  info->timer_due = timer == TCP_TIMER_COUNT ? LA_NEVER : tcp_timer_due(tcb, timer);
  info->opened = tcb->opened;
  info->state_since = tcb->state_since;
  info->last_sent = tcp_time_of(&s->tcp, tcb->last_sent_ms);
  info->last_received = tcb->last_received;
  info->rto = (la_time)tcb->rtt.rto_us * 1000;
  info->srtt = (la_time)tcb->rtt.srtt_us * 1000;
  info->rttvar = (la_time)tcb->rtt.rttvar_us * 1000;
  info->rtt_min = tcb->rtt.srtt_us == 0 ? 0 : (la_time)tcb->rtt.min_us * 1000;
  if (info->rto == 0)
    info->rto = s->tcp.set.rto_initial;
}

/* What text waited for (RFC 4898 4), and at which rate it went. */
static void fill_pace(const la_stack *s, const struct tcb *tcb, la_sock_info *info)
{
  info->rwnd_limited = tcp_limited(&s->tcp, tcb, LIMIT_RWND);
  info->sndbuf_limited = tcp_limited(&s->tcp, tcb, LIMIT_SNDBUF);
  info->busy = tcp_limited(&s->tcp, tcb, LIMIT_BUSY) + info->rwnd_limited + info->sndbuf_limited;
  info->last_text_sent = tcp_time_of(&s->tcp, tcb->stream_sent_ms);
  info->last_text_received = tcp_time_of(&s->tcp, tcb->text_received_ms);
  info->ack_delay = tcb->habits->quickack || tcb->quick_acks > 0 ? 0 : s->tcp.set.delayed_ack;
  if (is_connection(tcb))                     /* a model of the path comes and goes with it */
    info->pacing_rate = tcp_pacing_rate(tcb);
  info->pacing_limit = tcb->habits->pacing_rate;
  info->delivery_rate = tcp_delivery_rate(tcb);
}

static void fill_segments(const struct tcb *tcb, la_sock_info *info)
{
  const struct tcp_fates fates = tcp_flight_fates(tcb);

  info->segments_flight = fates.flight;
  info->segments_sacked = fates.sacked;
  info->segments_lost = fates.lost;
  info->segments_resent = fates.resent;
  info->delivered = tcb->delivered;
  info->delivered_ce = tcb->delivered_ce;
  info->reorderings = tcb->reorderings;
  info->text_segments_in = tcb->text_segments_in;
  info->text_segments_out = tcb->text_segments_out;
  info->early_segments = tcb->early_segments;
  info->segment_in = tcb->segment_in;
}

static void fill_counts(const struct tcb *tcb, la_sock_info *info)
{
  info->retransmissions = tcb->retransmissions;
  info->backoffs = tcb->backoffs;
  info->probes = tcb->probes;
  info->duplicate_acks = tcb->duplicate_acks_total;
  info->recoveries = tcb->recoveries;
  info->spurious = tcb->spurious;
  info->lost_retransmissions = tcb->lost_resends;
  info->dsacks = tcb->dsacks;
  info->timeouts = tcb->timeouts;
  info->peer_user_timeout_s = tcb->peer_timeout_s;
  info->segments_in = tcb->segments_in;
  info->segments_out = tcb->segments_out;
  info->octets_in = tcb->octets_in;
  info->octets_acked = tcb->octets_acked;
  info->octets_sent = tcb->octets_acked + tcp_flight_text(tcb);
  info->octets_resent = tcb->octets_sent - (uint32_t)info->octets_sent;
}

static void fill_tcb(const la_stack *s, const struct tcb *tcb, la_sock_info *info)
{
  info->local = endpoint_of(&tcb->ends.local, tcb->ends.local_port);
  info->peer = endpoint_of(&tcb->ends.peer, tcb->ends.peer_port);
  info->user = tcb->user;
  info->protocol = LA_TCP;
  info->state = tcb->state;
  info->snd_wscale = tcb->snd_wscale;
  info->rcv_wscale = tcb->rcv_wscale;
  info->congestion = tcb->congestion;
  info->error = tcb->error;
  info->soft_error = tcb->soft_error;
  info->flags = flags_of(tcb) | ownership_of(tcb) | fin_flags_of(tcb);
  info->iface = tcb->path.iface;
  fill_times(s, tcb, info);
  fill_counts(tcb, info);
  info->user_timeout_ms = tcp_user_timeout_ms(&s->tcp, tcb);
  fill_queues(tcb, info);
  info->notsent_lowat = tcp_notsent_lowat(&s->tcp, tcb);
  if (tcb->state == TCP_LISTEN) {
    info->backlog = tcb->listener.backlog;
    info->accept_queue = tcb->listener.queued;
    info->half_open = tcb->listener.half_opens;
  } else {
    fill_sequence(tcb, info);
    fill_segments(tcb, info);
    fill_pace(s, tcb, info);
    if (tcb->mode == TCP_OPEN && tcp_ecn_has_reduced(tcb))
      info->flags |= LA_SOCK_ECN_CUT;
  }
}

/* What a record has kept. */
static void fill_time_wait(const la_stack *s, const struct time_wait *tw, la_sock_info *info)
{
  info->local = endpoint_of(&tw->ends.local, tw->ends.local_port);
  info->peer = endpoint_of(&tw->ends.peer, tw->ends.peer_port);
  info->protocol = LA_TCP;
  info->state = TCP_TIME_WAIT;
  info->timer = LA_TIMER_TWO_MSL;
  info->timer_due = tw->due;
  info->state_since = tw->due - 2 * s->tcp.set.msl;
  info->flags = LA_SOCK_TIME_WAIT_RECORD | LA_SOCK_ORPHAN | LA_SOCK_FIN_QUEUED |
                LA_SOCK_FIN_SENT | LA_SOCK_FIN_ACKED;
  info->flags |= tw->flags & TIME_WAIT_TS ? (uint32_t)LA_SOCK_TIMESTAMPS : 0;
  info->flags |= tw->flags & TIME_WAIT_PASSIVE ? (uint32_t)LA_SOCK_PASSIVE : 0;
  info->iface = tw->iface;
  info->snd_una = info->snd_nxt = tw->snd_nxt.n;
  info->rcv_nxt = tw->rcv_nxt.n;
}

static void fill_udp(const struct udp_sock *udp, la_sock_info *info)
{
  info->local = endpoint_of(&udp->addr, udp->port);
  info->user = udp->user;
  info->protocol = LA_UDP;
  info->timer = LA_TIMER_NONE;
  info->timer_due = LA_NEVER;
  info->soft_error = udp->soft_error;
  info->opened = info->state_since = udp->opened;
  info->last_sent = udp->last_sent;
  info->last_received = udp->last_received;
  info->receive_queue = udp->queued_octets;
  info->receive_buffer = udp->rx_limit;
  info->segments_in = udp->datagrams_in;
  info->segments_out = udp->datagrams_out;
  info->octets_in = udp->octets_in;
  info->octets_sent = udp->octets_out;
  info->drops = udp->drops;
}

int la_sock_get(const la_stack *s, la_sock sock, la_sock_info *info)
{
  const struct tcb *const tcb = sock_tcb(s, sock);
  const struct time_wait *const tw = sock_time_wait(s, sock);
  const struct udp_sock *const udp = sock_udp(s, sock);

  if (!tcb && !tw && !udp)
    return -LA_ESTALE;
  memset(info, 0, sizeof *info);
  if (tcb)
    fill_tcb(s, tcb, info);
  else if (tw)
    fill_time_wait(s, tw, info);
  else
    fill_udp(udp, info);
  return LA_OK;
}

size_t la_sock_trace(const la_stack *s, la_sock sock, la_trace *entries, size_t max)
{
  const struct tcb *const tcb = sock_tcb(s, sock);

  return tcb ? tcp_trace_read(&s->tcp, tcb, entries, max) : 0;
}
