/* tune.c - buffers that follow the connection.  A window is the most that a path can have in
 * flight, so one that suits a link next door starves a long fat one, and one that suits that
 * holds memory for nothing elsewhere. Within config's maxima, and while the application has not
 * set a size by hand, each buffer grows with what it is used for; none is made smaller, for a
 * window that was offered stays (RFC 9293 3.8.6).
 *
 * Receiving (the dynamic right-sizing of Fisk and Feng, 2001, as Linux and FreeBSD do it): in
 * each round trip, what the application has read. If that is more than half of the buffer, the
 * sender may have been held back by the window. What is read counts, not what arrives: who does
 * not read gets no more room. Sending: twice the congestion window, for what is in flight and
 * as much behind it. */
#include "tcp/room.h"

enum { IDLE_MS = 1 << 30 };     /* after so long a silence, a timestamp says nothing any more */

static tcp_seq read_up_to(const struct tcb *tcb)
{
  return seq_sub(tcb->rcv.nxt, tcb->rx.octets);
}

/* The peer cannot have heard of this moment before a round trip has passed. It shows that it has by
 * echoing a later timestamp of ours, or by text beyond the edge that it knows of now. */
void tcp_tune_begin(const struct tcp *t, struct tcb *tcb)
{
  if (tcb->flags & TCB_TS) {
    tcb->tune.mark = tcp_ts_now(t, tcb);
    tcb->tune.read = read_up_to(tcb);
  } else {
    tcb->tune.mark = seq_add(tcb->rcv.nxt, tcb->rcv.wnd).n;
    tcb->tune.began_ms = tcp_ms(t);
  }
}

static bool round_is_over(const struct tcb *tcb, const struct tcp_seg *seg)
{
  if (!(tcb->flags & TCB_TS))
    return seq_lt(seq_of(tcb->tune.mark), tcb->rcv.nxt);
  return (seg->options->present & TCP_OPT_TS) &&
         (int32_t)(seg->options->ts_ecr - tcb->tune.mark) > 0;
}

/* A mark of a month ago lies in the future, as timestamps count. */
static bool is_forgotten(const struct tcp *t, const struct tcb *tcb)
{
  return (tcb->flags & TCB_TS) && tcp_ts_now(t, tcb) - tcb->tune.mark >= IDLE_MS;
}

/* What the application has read in the round. Without timestamps that is a window, less what lies
 * unread, however long a slow sender takes for it; so one that has lasted for two round trips, as
 * our own segments have measured them, counts for nothing: the window was not what held it back. */
static uint32_t read_in_round(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t buffer = tcb->receive_buffer, unread = tcb->rx.octets;

  if (tcb->flags & TCB_TS)
    return seq_span(tcb->tune.read, read_up_to(tcb));
  if (tcp_ms(t) - tcb->tune.began_ms > 2 + 2 * (tcb->rtt.srtt_us / 1000))
    return 0;
  return buffer > unread ? buffer - unread : 0;
}

/* What a buffer may become: no more than a window can say, and memory is good for. */
static uint32_t receive_most(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t said = 65535u << tcb->rcv_wscale, share = tcp_memory_share(t);
  const uint32_t most = said < t->set.receive_buffer_max ? said : t->set.receive_buffer_max;

  return share / 2 < most ? share / 2 : most;
}

/* A sender in slow start doubles in each round, and hears of a wider window a round later, so a
 * window that was used up is made four times as large. It holds whole segments. */
static void grow_receive(struct tcp *t, struct tcb *tcb, uint32_t copied)
{
  const uint32_t buffer = tcb->receive_buffer, most = receive_most(t, tcb);
  const uint32_t full = tcb->mss + ((tcb->flags & TCB_TS) ? 12u : 0u);
  const uint64_t wanted = (uint64_t)copied * (copied > buffer - buffer / 4 ? 4 : 2);
  const uint32_t size = wanted < most ? (uint32_t)wanted : most;

  if (size - size % full <= buffer)
    return;
  tcb->receive_buffer = size - size % full;
  t->count[TCP_N_receive_buffers_grown]++;
}

static bool follows(const struct tcb *tcb, uint32_t buffer, uint32_t most, enum tcp_tcb_mark fixed)
{
  return most > buffer && !(tcb->marks & fixed);
}

void tcp_tune_receive(struct tcp *t, struct tcb *tcb, const struct tcp_seg *seg)
{
  const bool over = round_is_over(tcb, seg);
  uint32_t copied;

  if (!follows(tcb, tcb->receive_buffer, t->set.receive_buffer_max, MARK_RECEIVE_FIXED))
    return;
  if (!over && !is_forgotten(t, tcb))
    return;
  copied = over ? read_in_round(t, tcb) : 0;
  if (copied > tcb->receive_buffer / 2)
    grow_receive(t, tcb, copied);
  tcp_tune_begin(t, tcb);
}

/* The window scale is said once and for all: it must do for the largest window there may be. */
uint32_t tcp_tune_receive_most(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t most = t->set.receive_buffer_max;

  return follows(tcb, tcb->receive_buffer, most, MARK_RECEIVE_FIXED) ? most : tcb->receive_buffer;
}

/* Only if the application has wanted to send more than there was room for. */
void tcp_tune_send(struct tcp *t, struct tcb *tcb)
{
  const uint32_t most = t->set.send_buffer_max;
  uint64_t size = 2 * (uint64_t)tcb->cc.cwnd, good_for;

  if (!follows(tcb, tcb->send_buffer, most, MARK_SEND_FIXED) || !(tcb->flags & TCB_WANTS_ROOM))
    return;
  good_for = (uint64_t)tcb->tx.octets + tcp_memory_share(t) / 2;
  if (size > most)
    size = most;
  if (size > good_for)
    size = good_for;
  if (size <= tcb->send_buffer)
    return;
  tcb->send_buffer = (uint32_t)size;
  t->count[TCP_N_send_buffers_grown]++;
}
