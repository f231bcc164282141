/* user_timeout.c - how long text may stay unacknowledged, and the option by which the two ends tell
 * each other: RFC 5482.
 *
 * The option is sent and taken only where the application has asked for it (the RFC's ENABLED), by
 * saying what it advises (ADV_UTO, habits->user_timeout_s). What the peer advises is followed
 * within the limits of the configuration, unless the application has set a limit of its own: that
 * is the RFC's CHANGEABLE. */
#include "tcp/room.h"

/* 3.1: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), and more than the time-out, so that there
 * is something to wait for. */
static uint32_t adopted_ms(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t ours = tcb->habits->user_timeout_s, theirs = tcb->peer_timeout_s;
  const uint64_t rto_ms = (uint64_t)(tcp_rto(t, tcb, 0) / LA_MS);
  uint64_t ms = (uint64_t)(ours > theirs ? ours : theirs) * 1000;

  if (ms < t->set.user_timeout_least_ms)
    ms = t->set.user_timeout_least_ms;
  if (ms <= rto_ms)
    ms = rto_ms + 1;
  return ms < t->set.user_timeout_most_ms ? (uint32_t)ms : t->set.user_timeout_most_ms;
}

static bool follows_peer(const struct tcb *tcb)
{
  return tcb->habits->user_timeout_ms == 0 && tcb->peer_timeout_s != 0;
}

uint32_t tcp_user_timeout_ms(const struct tcp *t, const struct tcb *tcb)
{
  return follows_peer(tcb) ? adopted_ms(t, tcb) : tcb->habits->user_timeout_ms;
}

/* 4.2: keep-alive must not end what the longer patience was agreed to save. */
la_time tcp_keepalive_idle(const struct tcp *t, const struct tcb *tcb)
{
  const la_time idle = (la_time)tcb->habits->keepalive_idle_ms * LA_MS;
  const la_time least = follows_peer(tcb) ? adopted_ms(t, tcb) * LA_MS + LA_SEC : 0;

  return idle > least ? idle : least;
}

/* 3: in the SYNs, in the first segment behind them, and when it has changed; beside text only where
 * there is room. A run of segments would say it in each. */
bool tcp_user_timeout_goes(const struct tcb *tcb, const struct tcp_out *out)
{
  if (tcb->habits->user_timeout_s == 0)
    return false;
  if (out->flags & F_SYN)
    return out->text == 0 && !tcb->habits->no_options;
  return out->gso_size == 0 && tcp_sacks_wanted(tcb) == 0 &&
         (out->text == 0 || out->text + 4 <= tcb->mss);
}

/* 3.1, of a segment that was taken. */
void tcp_user_timeout_arrive(struct tcp *t, struct tcb *tcb, uint32_t advice_s)
{
  if (tcb->habits->user_timeout_s == 0 || advice_s == tcb->peer_timeout_s)
    return;
  tcb->peer_timeout_s = advice_s;
  if (tcp_state_is(tcb->state, TCP_SYNCED) && tcb->state != TCP_TIME_WAIT) {
    tcp_patience_timer(t, tcb, true);
    tcp_keepalive_timer(t, tcb);
  }
}

/* The application has changed what it advises, or what it wants itself. */
void tcp_user_timeout_change(struct tcp *t, struct tcb *tcb)
{
  if (tcb->habits->user_timeout_s == 0)
    tcb->peer_timeout_s = 0;
  tcb->marks |= MARK_USER_TIMEOUT;
  if (tcp_user_timeout_ms(t, tcb) == 0 && tcb->state != TCP_FIN_WAIT_2)
    tcp_timer_stop(tcb, TCP_T_GIVE_UP);
  tcp_patience_timer(t, tcb, true);
}
