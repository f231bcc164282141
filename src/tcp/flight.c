/* flight.c - what is in flight, and the fate of each part of it: out, told by SACK to have
 * arrived, or taken for lost.  It is the scoreboard of RFC 6675 and the transmission times of RFC
 * 8985 in one list, in order of sequence, that covers [SND.UNA, SND.NXT) without a gap.
 *
 * Neighbours that were sent at the same moment are one entry. When entries are short, the last
 * one grows and takes the later time: RACK is then slower to call something lost, never faster.
 * The first entry lies in the control block, so that there always is one: for a connection at
 * rest, or nearly, no others are needed. */
#include "base/need.h"
#include "tcp/room.h"

static struct flight *flight_new(struct tcp *t, struct tcb *tcb)
{
  struct flight *f = NULL;

  for (unsigned i = 0; i < TCP_OWN_FLIGHTS && !f; i++)
    if (!tcb->own_flight[i].used)
      f = &tcb->own_flight[i];
  if (!f && tcb->flight_count < TCP_FLIGHTS_MAX)
    f = pool_get(&t->flights);
  if (f)
    tcb->flight_count++;
  return f;
}

static void flight_free(struct tcp *t, struct tcb *tcb, struct flight *f)
{
  tcb->flight_count--;
  f->used = false;
  if (f < tcb->own_flight || f >= tcb->own_flight + TCP_OWN_FLIGHTS)
    pool_put(&t->flights, f);
}

static uint32_t length_of(const struct flight *f) { return seq_span(f->start, f->end); }

static uint32_t *counter_of(struct tcb *tcb, enum flight_fate fate)
{
  return fate == FLIGHT_SACKED ? &tcb->sacked : fate == FLIGHT_LOST ? &tcb->lost : NULL;
}

static void set_fate(struct tcb *tcb, struct flight *f, enum flight_fate fate)
{
  uint32_t *const from = counter_of(tcb, f->fate), *const to = counter_of(tcb, fate);

  if (from)
    *from -= length_of(f);
  if (to)
    *to += length_of(f);
  if (fate == FLIGHT_LOST)
    tcb->rate.lost += length_of(f);
  f->fate = (unsigned)fate & 3;
}

/* How many of its segments end at `at` or before. */
static uint32_t segments_to(const struct flight *f, tcp_seq at)
{
  return (uint32_t)((uint64_t)f->segments * seq_span(f->start, at) / length_of(f));
}

static uint16_t at_least_one(uint32_t segments)
{
  return segments < 1 ? 1 : segments < UINT16_MAX ? (uint16_t)segments : UINT16_MAX;
}

/* Cuts an entry in two at `at`; false: no entry is left, and it stays whole. */
static bool split(struct tcp *t, struct tcb *tcb, struct flight *f, tcp_seq at)
{
  struct flight *const rest = flight_new(t, tcb);

  if (!rest)
    return false;
  *rest = *f;
  f->segments = at_least_one(segments_to(rest, at));
  rest->segments = at_least_one(rest->segments - segments_to(rest, at));
  rest->start = at;
  f->end = at;
  f->next = rest;
  if (tcb->flights_last == f)
    tcb->flights_last = rest;
  return true;
}

/* A run of something, sent now. */
static void stamp(const struct tcp *t, struct tcb *tcb, struct flight *f, bool idle)
{
  f->sent = t->now;
  tcp_rate_sent(t, tcb, f, idle);
}

/* [from, to) was sent for the first time, now, in so many segments. */
void tcp_flight_sent(struct tcp *t, struct tcb *tcb, tcp_seq from, tcp_seq to, uint32_t segments)
{
  struct flight *const last = tcb->flights_last;
  struct flight *f = NULL;

  if (!last || last->fate != FLIGHT_OUT || last->resent || last->sent != t->now ||
      tcp_mtu_probe_apart(tcb, from, to))
    f = flight_new(t, tcb);
  if (f) {
    *f = (struct flight){ .start = from, .end = to, .segments = at_least_one(segments),
                          .used = true };
    stamp(t, tcb, f, !last);
    if (last)
      last->next = f;
    else
      tcb->flights = f;
    tcb->flights_last = f;
    return;
  }
  set_fate(tcb, last, FLIGHT_OUT);            /* grows; what SACK said of it is forgotten */
  last->end = to;
  last->segments = at_least_one(last->segments + segments);
  if (last->sent != t->now)
    stamp(t, tcb, last, false);
}

/* A part of what is in flight is told of for the first time. */
static void delivered(const struct tcp *t, struct tcb *tcb, const struct flight *f,
                      struct tcp_news *news)
{
  news->delivered += length_of(f);
  news->segments += f->segments;
  tcb->delivered += f->segments;
  if (f->resent)
    news->resent += length_of(f);
  else if (seq_le(f->end, tcb->recover))
    news->original += length_of(f);
  tcp_rate_delivered(t, tcb, f, news);
  tcp_rack_delivered(t, tcb, f, news);
}

/* RFC 3522 3.2: TSecr is of the segment that has moved SND.UNA (RFC 7323 4.3), so of the first. */
static bool came_before_resent(const struct tcb *tcb, const struct tcp_news *news)
{
  const struct flight *const f = tcb->flights;

  return f && f->resent && news->echoed && (int32_t)(news->echo - tcp_ts_at(tcb, f->sent)) < 0;
}

/* Parts an entry's segments at part->end. A SYN is one of its own, whatever came with it. */
static void share_segments(const struct tcb *tcb, struct flight *f, struct flight *part)
{
  if (seq_eq(part->end, f->end))
    return;
  part->segments = (uint16_t)segments_to(f, part->end);
  if (part->segments == 0 && seq_eq(f->start, tcb->snd.iss))
    part->segments = 1;
  f->segments = at_least_one(f->segments - part->segments);
}

/* What lies before `ack` has arrived. */
void tcp_flight_acked(struct tcp *t, struct tcb *tcb, tcp_seq ack, struct tcp_news *news)
{
  news->first_came = came_before_resent(tcb, news);
  while (tcb->flights && seq_lt(tcb->flights->start, ack)) {    /* at most TCP_FLIGHTS_MAX */
    struct flight *const f = tcb->flights;
    struct flight part = *f;

    part.end = seq_min(f->end, ack);
    share_segments(tcb, f, &part);
    if (f->fate != FLIGHT_SACKED)
      delivered(t, tcb, &part, news);
    if (counter_of(tcb, f->fate))
      *counter_of(tcb, f->fate) -= length_of(&part);
    f->start = part.end;
    if (seq_lt(f->start, f->end))
      break;
    tcb->flights = f->next;
    if (!tcb->flights)
      tcb->flights_last = NULL;
    flight_free(t, tcb, f);
  }
}

/* Only what is told whole changes its fate, when entries to cut with are short. */
static bool fit(struct tcp *t, struct tcb *tcb, struct flight *f, tcp_seq start, tcp_seq end)
{
  if (seq_lt(f->start, start)) {
    (void)split(t, tcb, f, start);            /* the right part is the list's next */
    return false;
  }
  return !seq_lt(end, f->end) || split(t, tcb, f, end);
}

/* A SACK block. */
void tcp_flight_sacked(struct tcp *t, struct tcb *tcb, tcp_seq start, tcp_seq end,
                       struct tcp_news *news)
{
  for (struct flight *f = tcb->flights; f && seq_lt(f->start, end); f = f->next) {
    if (f->fate == FLIGHT_SACKED || !seq_lt(start, f->end) || !fit(t, tcb, f, start, end))
      continue;
    set_fate(tcb, f, FLIGHT_SACKED);
    delivered(t, tcb, f, news);
  }
}

/* Taken for lost. A retransmission that is, is told apart: nothing but RACK finds those. */
void tcp_flight_lose(struct tcp *t, struct tcb *tcb, struct flight *f)
{
  if (f->fate != FLIGHT_OUT)
    return;
  set_fate(tcb, f, FLIGHT_LOST);
  if (!f->resent)
    return;
  t->count[TCP_N_lost_resends]++;
  tcp_count_up(&tcb->lost_resends);
}

/* The first segment, or all that left with it when there is no entry to cut it off with. */
void tcp_flight_lose_first(struct tcp *t, struct tcb *tcb)
{
  struct flight *const f = tcb->flights;

  if (!f || f->fate != FLIGHT_OUT)
    return;
  if (length_of(f) > tcb->mss)
    (void)split(t, tcb, f, seq_add(f->start, tcb->mss));
  tcp_flight_lose(t, tcb, f);
}

/* What was taken for lost was not (RFC 3522, RFC 5682): it is on its way again. */
void tcp_flight_find_again(struct tcb *tcb)
{
  for (struct flight *f = tcb->flights; f && tcb->lost > 0; f = f->next)
    if (f->fate == FLIGHT_LOST)
      set_fate(tcb, f, FLIGHT_OUT);
}

/* All that is out in [from, to) is to be sent again. */
void tcp_flight_lose_range(struct tcp *t, struct tcb *tcb, tcp_seq from, tcp_seq to)
{
  for (struct flight *f = tcb->flights; f && seq_lt(f->start, to); f = f->next)
    if (f->fate == FLIGHT_OUT && seq_lt(from, f->end) && fit(t, tcb, f, from, to))
      set_fate(tcb, f, FLIGHT_LOST);
}

/* RFC 2018 8: a time-out may mean that the peer has thrown away what it had told of. */
void tcp_flight_forget_sacks(struct tcb *tcb)
{
  for (struct flight *f = tcb->flights; f; f = f->next)
    if (f->fate == FLIGHT_SACKED)
      set_fate(tcb, f, FLIGHT_OUT);
}

struct flight *tcp_flight_first_lost(const struct tcb *tcb)
{
  struct flight *f = tcb->lost > 0 ? tcb->flights : NULL;

  while (f && f->fate != FLIGHT_LOST)         /* at most TCP_FLIGHTS_MAX */
    f = f->next;
  return f;
}

static struct flight *before(const struct tcb *tcb, const struct flight *f)
{
  struct flight *b = tcb->flights == f ? NULL : tcb->flights;

  while (b && b->next != f)                   /* at most TCP_FLIGHTS_MAX */
    b = b->next;
  return b;
}

/* [f->start, to) was sent again, now: a part of the entry before it, if that was too, or an
 * entry of its own. When entries are short, the one before takes it all the same, or else all of f
 * counts as sent, and a time-out will look again. */
void tcp_flight_resent(struct tcp *t, struct tcb *tcb, struct flight *f, tcp_seq to)
{
  struct flight *const b = before(tcb, f);
  const bool goes_on = b && b->fate == FLIGHT_OUT && b->resent && b->sent == t->now;

  if (seq_lt(to, f->end) && (goes_on || (!split(t, tcb, f, to) && b && b->fate == FLIGHT_OUT))) {
    tcb->lost -= seq_span(f->start, to);
    b->end = f->start = to;
    b->segments = at_least_one(b->segments + 1u);
    f->segments = at_least_one(f->segments - 1u);
    stamp(t, tcb, b, false);
    b->resent = true;
    return;
  }
  set_fate(tcb, f, FLIGHT_OUT);
  stamp(t, tcb, f, false);
  f->resent = true;
}

/* From `from` on, within the last entry, all was sent again, now. */
void tcp_flight_resent_tail(struct tcp *t, struct tcb *tcb, tcp_seq from)
{
  struct flight *f = tcb->flights_last;

  if (seq_lt(f->start, from) && split(t, tcb, f, from))
    f = f->next;
  stamp(t, tcb, f, false);
  f->resent = true;
}

void tcp_flights_drop(struct tcp *t, struct tcb *tcb)
{
  while (tcb->flights) {                      /* at most TCP_FLIGHTS_MAX */
    struct flight *const f = tcb->flights;

    tcb->flights = f->next;
    flight_free(t, tcb, f);
  }
  tcb->flights_last = NULL;
  tcb->sacked = tcb->lost = 0;
}

/* For those who look in: how many segments have which fate. */
struct tcp_fates tcp_flight_fates(const struct tcb *tcb)
{
  struct tcp_fates n = { .flight = 0 };

  for (const struct flight *f = tcb->flights; f; f = f->next) {  /* at most TCP_FLIGHTS_MAX */
    n.flight += f->segments;
    n.sacked += f->fate == FLIGHT_SACKED ? f->segments : 0u;
    n.lost += f->fate == FLIGHT_LOST ? f->segments : 0u;
    n.resent += f->fate == FLIGHT_OUT && f->resent ? f->segments : 0u;
  }
  return n;
}

/* The text of it: SYN and FIN take a place in the sequence, and are none. */
uint32_t tcp_flight_text(const struct tcb *tcb)
{
  const uint32_t flight = tcp_flight(tcb);
  const bool fin = (tcb->flags & TCB_FIN_QUEUED) && seq_in(tcb->snd.fin, tcb->snd.una, flight);

  return flight - (tcp_syn_waits(tcb) && flight > 0) - fin;
}

uint32_t tcp_flight(const struct tcb *tcb) { return seq_span(tcb->snd.una, tcb->snd.nxt); }

/* RFC 6675 4's pipe: what is thought to be on its way. */
uint32_t tcp_pipe(const struct tcb *tcb) { return tcp_flight(tcb) - tcb->sacked - tcb->lost; }
