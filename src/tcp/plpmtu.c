/* plpmtu.c - the path's MTU found out by what arrives, RFC 4821 (and RFC 8899's words for it), for
 * paths whose routers drop what is too large and do not say so.
 *
 * After two time-outs in a row of segments larger than the base, the path is taken for such a black
 * hole: the segments become as small as the base, and smaller once more after two others; at once,
 * if what does not arrive is smaller than the base anyhow. From there on probes look for what
 * passes: single segments of real text, first as large as it was, then halving what is not known.
 * A probe's loss is no congestion (RFC 4821 7.6.4), and its text goes again in pieces that are
 * known to pass. */
#include "tcp/room.h"

enum {
  BASE_MTU4 = 1200, BASE_MTU6 = 1280,         /* RFC 8899 5.1.2 */
  LEAST_MTU4 = 576, LEAST_MTU6 = 1280,        /* RFC 9293 3.7.1: an MSS of 536, or of 1,220 */
  NEAR_ENOUGH = 8,                            /* RFC 4821 7.3: finer than this is worth no probe */
  PROBES_MOST = 2,                            /* of one size; RFC 8899 5.1.2's MAX_PROBES */
  SEGMENTS_BEHIND = 3                         /* tell of a probe's loss (RFC 4821 7.4) */
};
#define RAISE_AFTER_S UINT32_C(600)           /* RFC 8899 5.1.1's PMTU_RAISE_TIMER */

static uint32_t seconds(const struct tcp *t) { return (uint32_t)(t->now / LA_SEC); }

static uint16_t headers(const struct tcb *tcb)
{
  return (uint16_t)(tcb->path.ip_header + TCP_HEADER_MIN);
}

uint16_t tcp_mtu(const struct tcb *tcb)
{
  return tcb->mtu.now != 0 && tcb->mtu.now < tcb->path.mtu ? tcb->mtu.now : tcb->path.mtu;
}

/* Text of a packet that is so large. */
static uint32_t text_in(const struct tcb *tcb, uint16_t mtu)
{
  return mtu - headers(tcb) - ((tcb->flags & TCB_TS) ? 12u : 0u);
}

static uint16_t smaller(uint16_t a, uint16_t b) { return a < b ? a : b; }

static uint16_t base_of(const struct tcb *tcb)
{
  return tcb->path.ip_header == 40 ? BASE_MTU6 : BASE_MTU4;
}

static uint16_t least_of(const struct tcb *tcb)
{
  return tcb->path.ip_header == 40 ? LEAST_MTU6 : LEAST_MTU4;
}

/* The largest that may still be found to pass: the peer takes no more than its MSS either. */
static uint16_t ceiling_of(const struct tcb *tcb)
{
  const uint32_t peer = (uint32_t)tcb->peer_mss + headers(tcb);
  const uint16_t most = smaller(tcb->mtu.most, tcb->path.mtu);

  return tcb->peer_mss != 0 && peer < most ? (uint16_t)peer : most;
}

static void begin_search(struct tcb *tcb, uint16_t from, uint16_t most)
{
  tcb->mtu.now = from;
  tcb->mtu.most = most;
  tcb->mtu.size = 0;
  tcb->mtu.losses = 0;
  tcb->mtu.halving = false;
  tcp_mss_update(tcb);
}

/* With LA_MTU_PROBE_ALWAYS nothing is believed of the path that was not seen. */
void tcp_mtu_established(struct tcb *tcb)
{
  if (tcb->habits->mtu_probing == LA_MTU_PROBE_ALWAYS && tcb->path.mtu > base_of(tcb))
    begin_search(tcb, base_of(tcb), tcb->path.mtu);
}

/* ---- the black hole ---- */

/* Is it a segment larger than `mtu` that is not acknowledged? */
static bool is_larger(const struct tcb *tcb, uint16_t mtu)
{
  return (tcb->tx.octets < tcb->mss ? tcb->tx.octets : tcb->mss) > text_in(tcb, mtu);
}

/* As small as the base, if that is smaller than what does not arrive; else the least. */
static uint16_t next_smaller(const struct tcb *tcb, uint16_t mtu)
{
  const uint16_t base = base_of(tcb);

  return mtu > base && is_larger(tcb, base) ? base : least_of(tcb);
}

/* A time-out, the tcb->backoffs-th in a row. */
void tcp_mtu_timeout(struct tcp *t, struct tcb *tcb)
{
  const uint16_t mtu = tcp_mtu(tcb);
  const uint16_t next = next_smaller(tcb, mtu);

  tcb->mtu.size = 0;                          /* a probe among others: it tells nothing */
  if (tcb->habits->mtu_probing == LA_MTU_PROBE_OFF || !tcp_state_is(tcb->state, TCP_SYNCED) ||
      tcp_syn_waits(tcb) || tcb->backoffs % 2 != 0 || next >= mtu || !is_larger(tcb, next))
    return;
  t->count[TCP_N_mtu_black_holes]++;
  tcp_trace_add(t, tcb, LA_TRACE_MTU, 0, 0, 0, mtu, next);
  begin_search(tcb, next, tcb->mtu.most > mtu ? tcb->mtu.most : mtu);
}

/* ICMP has spoken after all (RFC 1191), or the route is another. */
void tcp_mtu_path(struct tcb *tcb)
{
  if (tcb->mtu.now == 0)
    return;
  tcb->mtu.most = smaller(tcb->mtu.most, tcb->path.mtu);
  tcb->mtu.now = smaller(tcb->mtu.now, tcb->path.mtu);
  tcb->mtu.size = 0;
}

/* ---- probes ---- */

/* What the path carries is known well enough; larger ones are tried again later. */
static bool search_is_over(struct tcp *t, struct tcb *tcb)
{
  const uint16_t ceiling = ceiling_of(tcb);

  if (tcb->mtu.now + (tcb->mtu.halving ? NEAR_ENOUGH : 0) < ceiling)
    return false;
  if (tcb->mtu.now >= tcb->path.mtu) {        /* no black hole, or there is none any more */
    tcb->mtu.now = 0;
    tcp_mss_update(tcb);
    return true;
  }
  tcb->mtu.most = tcb->path.mtu;
  tcb->mtu.halving = false;
  tcb->mtu.again_s = seconds(t) + RAISE_AFTER_S;
  return true;
}

/* RFC 4821 7.5: the whole first, for most black holes were none; then the middle. */
static uint16_t size_to_try(const struct tcb *tcb)
{
  const uint16_t ceiling = ceiling_of(tcb);

  return tcb->mtu.halving ? (uint16_t)((tcb->mtu.now + ceiling + 1) / 2) : ceiling;
}

static bool may_probe(const struct tcp *t, const struct tcb *tcb)
{
  return tcb->mtu.now != 0 && tcb->mtu.size == 0 && tcb->mode == TCP_OPEN && tcb->lost == 0 &&
         tcb->sacked == 0 && tcb->duplicate_acks == 0 && !tcp_syn_waits(tcb) &&
         seq_le(tcb->snd.up, tcb->snd.una) && (int32_t)(seconds(t) - tcb->mtu.again_s) >= 0;
}

/* How much text the next segment has if it is to be a probe; 0: it is none. Enough must follow it
 * that its loss is told by the peer and not by a time-out. */
uint32_t tcp_mtu_probe(struct tcp *t, struct tcb *tcb, uint32_t unsent)
{
  const uint32_t behind = SEGMENTS_BEHIND * (uint32_t)tcb->mss;
  uint32_t text;

  if (!may_probe(t, tcb) || search_is_over(t, tcb))
    return 0;
  text = text_in(tcb, size_to_try(tcb));
  return unsent >= text + behind && tcb->snd.wnd >= text + behind && tcb->cc.cwnd >= text + behind
             ? text : 0;
}

/* The text up to `end` is one now. */
void tcp_mtu_probe_sent(struct tcp *t, struct tcb *tcb, tcp_seq end)
{
  tcb->mtu.size = size_to_try(tcb);
  tcb->mtu.end = end;
  t->count[TCP_N_mtu_probes]++;
  tcp_trace_add(t, tcb, LA_TRACE_MTU, 1, 0, 0, tcb->mtu.size, tcb->mtu.now);
}

/* RFC 4821 7.6.1: all of it is acknowledged. */
void tcp_mtu_acked(struct tcp *t, struct tcb *tcb)
{
  if (tcb->mtu.size == 0 || seq_lt(tcb->snd.una, tcb->mtu.end))
    return;
  tcb->mtu.now = tcb->mtu.size;
  tcb->mtu.size = 0;
  tcb->mtu.losses = 0;
  tcp_trace_add(t, tcb, LA_TRACE_MTU, 2, 0, 0, tcb->mtu.now, 0);
  (void)search_is_over(t, tcb);
  tcp_mss_update(tcb);
}

/* Is the probe, and nothing else, what was lost? */
static bool probe_alone_is_lost(const struct tcb *tcb)
{
  const struct flight *const f = tcp_flight_first_lost(tcb);

  return tcb->mtu.size != 0 && f && seq_eq(f->end, tcb->mtu.end) &&
         seq_span(f->start, f->end) == text_in(tcb, tcb->mtu.size) &&
         tcb->lost == seq_span(f->start, f->end);
}

/* RFC 4821 7.6.2 and 7.6.4. true: that was it, and it is no congestion. */
bool tcp_mtu_probe_lost(struct tcp *t, struct tcb *tcb)
{
  if (!probe_alone_is_lost(tcb))
    return false;
  tcp_trace_add(t, tcb, LA_TRACE_MTU, 3, 0, 0, tcb->mtu.size, tcb->mtu.now);
  if (++tcb->mtu.losses >= PROBES_MOST) {
    tcb->mtu.losses = 0;
    tcb->mtu.halving = true;
    tcb->mtu.most = (uint16_t)(tcb->mtu.size - 1);
  }
  tcb->mtu.size = 0;
  t->count[TCP_N_mtu_probes_lost]++;
  tcb->say |= SAY_REPAIR;
  tcp_wake(t, tcb);
  return true;
}

/* Without SACK, the third duplicate ACK tells of what lies at SND.UNA. */
bool tcp_mtu_probe_next_lost(struct tcp *t, struct tcb *tcb)
{
  if (tcb->mtu.size == 0 ||
      !seq_eq(seq_add(tcb->snd.una, text_in(tcb, tcb->mtu.size)), tcb->mtu.end))
    return false;
  tcp_flight_lose_range(t, tcb, tcb->snd.una, tcb->mtu.end);
  return tcp_mtu_probe_lost(t, tcb);
}

/* What is sent from `from` to `to` is the probe, or follows it: it has a fate of its own. */
bool tcp_mtu_probe_apart(const struct tcb *tcb, tcp_seq from, tcp_seq to)
{
  return tcb->mtu.size != 0 && (seq_eq(from, tcb->mtu.end) || seq_eq(to, tcb->mtu.end));
}
