/* steer.c - which congestion control a connection has, and what one that steers by a model is
 * told.  A model lies in a pool of its own: few connections need one. Whoever asks for it by name
 * hears when the pool is used up; a child of a listener, which nobody can be told of, has CUBIC
 * then, and that is counted.
 *
 * So it is where the peer has no SACK: a model must know what arrives while something is missing.
 * Linux makes do with duplicate ACKs; measured here, CUBIC then does better. */
#include "tcp/cc_bbr.h"
#include "tcp/room.h"

static bool has_model(const struct tcb *tcb) { return tcb->pace.by_model; }
static bool needs_model(unsigned number) { return cc_algorithm(number)->sampled != NULL; }

static bool is_connection(const struct tcb *tcb)
{
  return tcb->state != TCP_CLOSED && tcb->state != TCP_LISTEN;
}

/* Once both SYNs are known. */
static bool has_no_sack(const struct tcb *tcb)
{
  return is_connection(tcb) && (tcb->flags & (TCB_SYN_IN | TCB_SACK)) == TCB_SYN_IN;
}

static bool take_model(struct tcp *t, struct tcb *tcb)
{
  struct bbr *const model = pool_get(&t->models);

  if (!model)
    return false;
  model->dice = (uint32_t)rng_next(&t->rng);
  tcb->cc.bbr = model;
  tcb->pace.by_model = true;
  return true;
}

void tcp_model_drop(struct tcp *t, struct tcb *tcb)
{
  if (!has_model(tcb))
    return;
  pool_put(&t->models, tcb->cc.bbr);
  tcb->cc.bbr = NULL;
  tcb->pace.by_model = false;
}

/* Active OPEN: a model now, or an error. */
int tcp_steer_open(struct tcp *t, struct tcb *tcb)
{
  if (needs_model(tcb->congestion) && !has_model(tcb) && !take_model(t, tcb))
    return tcp_refuse(t, tcb, TCP_WANT_MODELS);
  tcp_pace_update(tcb);
  return LA_OK;
}

/* A child has no model before its handshake is complete, so that a flood of SYNs takes none. */
void tcp_steer_child(struct tcb *child, const struct tcb *listener)
{
  const uint8_t congestion = listener->congestion;

  child->congestion = needs_model(congestion) ? LA_CC_CUBIC : congestion;
  tcp_pace_update(child);
}

void tcp_steer_child_ready(struct tcp *t, struct tcb *child)
{
  const struct tcb *const listener = tcp_parent(child);

  if (listener && needs_model(listener->congestion) &&
      tcp_steer_by(t, child, listener->congestion) < 0)
    t->count[TCP_N_models_short]++;
}

/* The numbers begin; what is in use of the window, if there is one, stays. */
static void begin(struct tcp *t, struct tcb *tcb, const struct cc *was)
{
  cc_algorithm(tcb->congestion)->start(&tcb->cc, tcb->mss, t->set.initial_window);
  if (was->cwnd == 0)
    return;
  tcb->cc.cwnd = was->cwnd;
  if (!has_model(tcb) && was->ssthresh != UINT32_MAX)
    cc_settle(&tcb->cc, was->ssthresh);
}

/* Another congestion control, at any time. -LA_ENOBUF: no model is free; -LA_ESTATE: without SACK
 * there is no use for one. */
int tcp_steer_by(struct tcp *t, struct tcb *tcb, unsigned number)
{
  const struct cc was = tcb->cc;

  if (number == tcb->congestion)
    return LA_OK;
  if (needs_model(number) && has_no_sack(tcb))
    return -LA_ESTATE;
  if (needs_model(number) && is_connection(tcb) && !take_model(t, tcb))
    return tcp_refuse(t, tcb, TCP_WANT_MODELS);
  if (!needs_model(number))
    tcp_model_drop(t, tcb);
  tcp_undo_drop(tcb);                         /* what it remembers is another's */
  tcb->congestion = (uint8_t)number;
  tcp_pace_update(tcb);
  if (is_connection(tcb))
    begin(t, tcb, &was);
  return LA_OK;
}

/* The peer's SYN is known: the numbers begin. */
void tcp_steer_begin(struct tcp *t, struct tcb *tcb)
{
  if (has_model(tcb) && has_no_sack(tcb)) {
    t->count[TCP_N_models_short]++;
    tcp_model_drop(t, tcb);
    tcb->congestion = LA_CC_CUBIC;
    tcp_pace_update(tcb);
  }
  cc_algorithm(tcb->congestion)->start(&tcb->cc, tcb->mss, t->set.initial_window);
}

/* An ACK told of something that has arrived: the rate at which it did, and for those who steer by
 * it, the new window and pace. */
void tcp_steer(struct tcp *t, struct tcb *tcb, const struct tcp_news *news)
{
  const struct tcp_rate_sample rate = tcp_rate_sample(tcb, news);
  const uint32_t rtt_us = news->sample.resent ? 0 : tcp_rate_us_since(t, news->sample.sent);
  struct cc_sample sample;

  if (!has_model(tcb))
    return;
  sample = (struct cc_sample){
    .now = t->now, .rate = tcp_rate_of(rate.octets, rate.ticks), .mss = tcb->mss,
    .pipe = tcp_pipe(tcb), .srtt_us = tcb->rtt.srtt_us, .rtt_us = rtt_us,
    .delivered = news->delivered, .total = tcb->rate.delivered, .total_lost = tcb->rate.lost,
    .prior_delivered = rate.prior_delivered, .app_limited = rate.app_limited,
    .recovering = tcb->mode == TCP_RECOVERY, .timed_out = tcb->mode == TCP_LOSS,
  };
  if (cc_algorithm(tcb->congestion)->sampled(&tcb->cc, &sample))
    tcp_rate_limited(tcb);
}
