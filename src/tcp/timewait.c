/* timewait.c - TIME-WAIT, RFC 9293 3.6.1 and 3.10.7.4: a connection that is over and answers for
 * 2 MSL.  When nobody holds it, a record of a few octets does; an application that has still
 * text to read keeps its control block. Both ask one function what a segment means. */
#include "tcp/room.h"

/* What TIME-WAIT knows of a connection, whoever keeps it. */
struct memory {
  tcp_seq  rcv_nxt, snd_nxt;
  uint32_t ts_recent;
  bool     ts;
};

/* RFC 6191 2 and RFC 9293 3.6.1 (MAY-2): a SYN is newer if its timestamp says so or, where no
 * timestamps are, its sequence number. */
static bool syn_is_newer(const struct memory *m, const struct tcp_seg *seg)
{
  const struct tcp_options *const o = seg->options;

  if (m->ts && (o->present & TCP_OPT_TS) && o->ts_val != m->ts_recent)
    return (int32_t)(o->ts_val - m->ts_recent) > 0;
  return seq_lt(m->rcv_nxt, seg->seq);
}

static bool from_the_past(const struct memory *m, const struct tcp_seg *seg)
{
  const struct tcp_options *const o = seg->options;

  return m->ts && (o->present & TCP_OPT_TS) && (int32_t)(o->ts_val - m->ts_recent) < 0;
}

/* A new SYN may reopen the connection (RFC 9293 3.6.1); where nobody would, it must not end it. One
 * with a FIN opens none: only T/TCP sent such, which is historic (RFC 6247). */
static struct verdict judge(const struct tcp *t, const struct memory *m, const struct tcp_seg *seg)
{
  const bool may_reopen = !seg->nobody_listens && !t->set.no_time_wait_reuse;

  if (seg->flags & F_RST)
    return DROP(TIME_WAIT_RST);
  if ((seg->flags & (F_SYN | F_ACK | F_FIN)) == F_SYN)
    return may_reopen && syn_is_newer(m, seg) ? DROP(TIME_WAIT_REUSED) : DROP_ACK(TIME_WAIT_SYN);
  if (!(seg->flags & (F_SYN | F_ACK)) && seq_le(m->rcv_nxt, seg->seq))
    return DROP(NO_ACK);                      /* RFC 9293 3.10.7.4 fifth */
  if ((seg->flags & F_FIN) && seq_eq(seq_add(seg->seq, seg->len), m->rcv_nxt) &&
      !from_the_past(m, seg))
    return DROP_ACK(TIME_WAIT_FIN);
  if (seg->flags & F_SYN)
    return DROP_ACK(TIME_WAIT_SYN);
  return seg->len > 0 || !seq_eq(seg->seq, m->rcv_nxt) ? DROP_ACK(TIME_WAIT_OLD)
                                                       : DROP(TIME_WAIT_OLD);
}

static void note_reuse(const struct memory *m, struct tcp_seg *seg)
{
  seg->reuse = true;
  seg->iss_after = m->snd_nxt;
}

struct verdict tcp_arrive_time_wait_tcb(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  const struct memory m = { .rcv_nxt = tcb->rcv.nxt, .snd_nxt = tcb->snd.nxt,
                            .ts_recent = tcb->ts_recent, .ts = (tcb->flags & TCB_TS) != 0 };
  const struct verdict v = judge(t, &m, seg);

  if (v.why == WHY_TIME_WAIT_REUSED) {
    note_reuse(&m, seg);
    tcp_fsm_fire(t, tcb, TCP_EV_TW_REUSE);
  } else if (v.why == WHY_TIME_WAIT_FIN) {
    tcp_fsm_fire(t, tcb, TCP_EV_RCV_FIN);
  } else if (v.why == WHY_TIME_WAIT_RST) {
    tcp_fsm_fire(t, tcb, TCP_EV_RCV_RST);
  }
  return v;
}

/* ---- the small record ---- */

static struct time_wait *record(const struct tcp *t, uint32_t index)
{
  return index == POOL_NONE ? NULL : pool_at(&t->time_waits, index);
}

static void unlink_record(struct tcp *t, struct time_wait *tw)
{
  struct time_wait *const next = record(t, tw->next), *const prev = record(t, tw->prev);

  if (next)
    next->prev = tw->prev;
  else
    t->tw_last = tw->prev;
  if (prev)
    prev->next = tw->next;
  else
    t->tw_first = tw->next;
}

/* Every record lasts 2 MSL from now, so the queue is in order of time. */
static void append_record(struct tcp *t, struct time_wait *tw, la_time due)
{
  const uint32_t index = pool_index(&t->time_waits, tw);
  struct time_wait *const last = record(t, t->tw_last);

  tw->due = last && last->due > due ? last->due : due;
  tw->next = POOL_NONE;
  tw->prev = t->tw_last;
  if (last)
    last->next = index;
  else
    t->tw_first = index;
  t->tw_last = index;
}

struct time_wait *tcp_time_wait_victim(struct tcp *t)
{
  if (t->time_waits.used < t->time_waits.size)
    return NULL;
  return record(t, t->tw_first);
}

struct time_wait *tcp_time_wait_new(struct tcp *t, const struct tcb *tcb)
{
  struct time_wait *const tw = pool_get(&t->time_waits);
  uint32_t generation;
  la_time due = tcp_timer_due(tcb, TCP_T_TWO_MSL);

  if (!tw)
    return NULL;
  generation = tw->generation;
  if (due == LA_NEVER)
    due = t->now + 2 * t->set.msl;
  *tw = (struct time_wait){
    .ends = tcb->ends,
    .hash = tcb->hash,
    .generation = generation + 1,
    .snd_nxt = tcb->snd.nxt,
    .rcv_nxt = tcb->rcv.nxt,
    .ts_recent = tcb->ts_recent,
    .ts_offset = tcb->ts_offset,
    .wnd = (uint16_t)(tcb->rcv.wnd >> tcb->rcv_wscale < 65535 ? tcb->rcv.wnd >> tcb->rcv_wscale
                                                              : 65535),
    .iface = tcb->path.iface,
    .flags = (uint8_t)(((tcb->flags & TCB_TS) ? TIME_WAIT_TS : 0) |
                       ((tcb->flags & TCB_PASSIVE) ? TIME_WAIT_PASSIVE : 0) | TIME_WAIT_IN_USE),
  };
  append_record(t, tw, due);
  t->count[TCP_N_time_waits]++;
  return tw;
}

void tcp_time_wait_free(struct tcp *t, struct time_wait *tw)
{
  unlink_record(t, tw);
  tw->flags = 0;
  tw->generation++;
  pool_put(&t->time_waits, tw);
}

void tcp_time_wait_kill(struct tcp *t, struct time_wait *tw)
{
  t->count[TCP_N_time_waits_killed]++;
  tcp_time_wait_free(t, tw);
}

struct time_wait *tcp_time_wait_expired(struct tcp *t)
{
  struct time_wait *const first = record(t, t->tw_first);

  return first && first->due <= t->now ? first : NULL;
}

static void acknowledge(struct tcp *t, const struct time_wait *tw)
{
  struct tcp_reply reply = {
    .ends = tw->ends, .seq = tw->snd_nxt, .ack = tw->rcv_nxt, .wnd = tw->wnd, .flags = F_ACK
  };
  struct tcp_options o = { .present = TCP_OPT_TS };

  if (tw->flags & TIME_WAIT_TS) {
    o.ts_val = (uint32_t)(t->now / LA_MS) + tw->ts_offset;
    o.ts_ecr = tw->ts_recent;
    reply.options_length = (uint8_t)tcp_options_write(reply.options, &o);
  }
  tcp_reply(t, &reply);
}

/* Empty old segments and SYNs are answered at a limited rate: two ends in disagreement must not
 * keep each other busy (RFC 5961 7). */
static bool may_answer(struct tcp *t, struct verdict v)
{
  if (v.code != V_DROP_ACK)
    return false;
  return v.why == WHY_TIME_WAIT_FIN || tcp_may_challenge(t);
}

struct verdict tcp_arrive_time_wait(struct tcp *t, struct time_wait *tw, struct tcp_seg *seg)
{
  const struct memory m = { .rcv_nxt = tw->rcv_nxt, .snd_nxt = tw->snd_nxt,
                            .ts_recent = tw->ts_recent, .ts = (tw->flags & TIME_WAIT_TS) != 0 };
  const struct verdict v = judge(t, &m, seg);

  t->count[TCP_N_segments_in]++;
  t->why[v.why]++;
  if (v.why == WHY_TIME_WAIT_REUSED)
    note_reuse(&m, seg);
  if (v.why == WHY_TIME_WAIT_FIN) {
    unlink_record(t, tw);
    append_record(t, tw, t->now + 2 * t->set.msl);
  }
  if (may_answer(t, v))
    acknowledge(t, tw);
  return v;
}
