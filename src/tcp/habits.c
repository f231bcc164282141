/* habits.c - what the application may set, with the limits of each. */
#include "tcp/room.h"

struct limits { int64_t least, most; };

static const struct limits limits[LA_OPTION_COUNT] = {
  [LA_OPT_NODELAY] = { 0, 1 },
  [LA_OPT_KEEPALIVE] = { 0, 1 },
  [LA_OPT_KEEPALIVE_IDLE_MS] = { 1, UINT32_MAX },
  [LA_OPT_KEEPALIVE_INTERVAL_MS] = { 1, UINT32_MAX },
  [LA_OPT_KEEPALIVE_PROBES] = { 1, 255 },
  [LA_OPT_USER_TIMEOUT_MS] = { 0, UINT32_MAX },
  [LA_OPT_LINGER_MS] = { -1, INT32_MAX },
  [LA_OPT_REUSEADDR] = { 0, 1 },
  [LA_OPT_SEND_BUFFER] = { 1, 1 << 30 },
  [LA_OPT_RECEIVE_BUFFER] = { 1, 1 << 30 },        /* RFC 7323 2.3: windows below 2^30 */
  [LA_OPT_MSS] = { 0, 65495 },
  [LA_OPT_QUICKACK] = { 0, 1 },
  [LA_OPT_URGENT_INLINE] = { 1, 1 },
  [LA_OPT_CONGESTION] = { 0, LA_CC_COUNT - 1 },
  [LA_OPT_TTL] = { 1, 255 },
  [LA_OPT_DSCP] = { 0, 63 },
  [LA_OPT_FASTOPEN] = { 0, UINT16_MAX },
  [LA_OPT_FASTOPEN_CONNECT] = { 0, 1 },
  [LA_OPT_FASTOPEN_NO_COOKIE] = { 0, 1 },
  [LA_OPT_V6ONLY] = { 0, 1 },
  [LA_OPT_ECN] = { LA_ECN_OFF, LA_ECN_ASK },
  [LA_OPT_PACING] = { 0, 1 },
  [LA_OPT_PACING_RATE] = { 0, INT64_C(1) << 40 },
};

static void put(struct tcp_habits *h, enum la_option option, int64_t value)
{
  switch (option) {
  case LA_OPT_NODELAY:               h->nodelay = value != 0; break;
  case LA_OPT_KEEPALIVE:             h->keepalive = value != 0; break;
  case LA_OPT_KEEPALIVE_IDLE_MS:     h->keepalive_idle_ms = (uint32_t)value; break;
  case LA_OPT_KEEPALIVE_INTERVAL_MS: h->keepalive_interval_ms = (uint32_t)value; break;
  case LA_OPT_KEEPALIVE_PROBES:      h->keepalive_probes = (uint8_t)value; break;
  case LA_OPT_USER_TIMEOUT_MS:       h->user_timeout_ms = (uint32_t)value; break;
  case LA_OPT_LINGER_MS:             h->linger_ms = (int32_t)value; break;
  case LA_OPT_REUSEADDR:             h->reuse = value != 0; break;
  case LA_OPT_SEND_BUFFER:           h->send_buffer = (uint32_t)value; break;
  case LA_OPT_RECEIVE_BUFFER:        h->receive_buffer = (uint32_t)value; break;
  case LA_OPT_MSS:                   h->mss_limit = (uint16_t)value; break;
  case LA_OPT_QUICKACK:              h->quickack = value != 0; break;
  case LA_OPT_TTL:                   h->ttl = (uint8_t)value; break;
  case LA_OPT_DSCP:                  h->dscp = (uint8_t)value; break;
  case LA_OPT_FASTOPEN:              h->fastopen = (uint16_t)value; break;
  case LA_OPT_FASTOPEN_CONNECT:      h->fastopen_connect = value != 0; break;
  case LA_OPT_FASTOPEN_NO_COOKIE:    h->fastopen_no_cookie = value != 0; break;
  case LA_OPT_V6ONLY:                h->six_only = value != 0; break;
  case LA_OPT_ECN:                   h->ecn = (uint8_t)value; break;
  case LA_OPT_PACING:                h->pacing = value != 0; break;
  case LA_OPT_PACING_RATE:           h->pacing_rate = (uint64_t)value; break;
  case LA_OPT_CONGESTION:
  case LA_OPT_URGENT_INLINE:
  case LA_OPTION_COUNT:              break;
  }
}

int tcp_get(const struct tcb *tcb, enum la_option option, int64_t *value)
{
  const struct tcp_habits *const h = &tcb->habits;

  switch (option) {
  case LA_OPT_NODELAY:               *value = h->nodelay; return LA_OK;
  case LA_OPT_KEEPALIVE:             *value = h->keepalive; return LA_OK;
  case LA_OPT_KEEPALIVE_IDLE_MS:     *value = h->keepalive_idle_ms; return LA_OK;
  case LA_OPT_KEEPALIVE_INTERVAL_MS: *value = h->keepalive_interval_ms; return LA_OK;
  case LA_OPT_KEEPALIVE_PROBES:      *value = h->keepalive_probes; return LA_OK;
  case LA_OPT_USER_TIMEOUT_MS:       *value = h->user_timeout_ms; return LA_OK;
  case LA_OPT_LINGER_MS:             *value = h->linger_ms; return LA_OK;
  case LA_OPT_REUSEADDR:             *value = h->reuse; return LA_OK;
  case LA_OPT_SEND_BUFFER:           *value = h->send_buffer; return LA_OK;
  case LA_OPT_RECEIVE_BUFFER:        *value = h->receive_buffer; return LA_OK;
  case LA_OPT_MSS:                   *value = h->mss_limit; return LA_OK;
  case LA_OPT_QUICKACK:              *value = h->quickack; return LA_OK;
  case LA_OPT_URGENT_INLINE:         *value = 1; return LA_OK;
  case LA_OPT_CONGESTION:            *value = h->congestion; return LA_OK;
  case LA_OPT_TTL:                   *value = h->ttl; return LA_OK;
  case LA_OPT_DSCP:                  *value = h->dscp; return LA_OK;
  case LA_OPT_FASTOPEN:              *value = h->fastopen; return LA_OK;
  case LA_OPT_FASTOPEN_CONNECT:      *value = h->fastopen_connect; return LA_OK;
  case LA_OPT_FASTOPEN_NO_COOKIE:    *value = h->fastopen_no_cookie; return LA_OK;
  case LA_OPT_V6ONLY:                *value = h->six_only; return LA_OK;
  case LA_OPT_ECN:                   *value = h->ecn; return LA_OK;
  case LA_OPT_PACING:                *value = h->pacing; return LA_OK;
  case LA_OPT_PACING_RATE:           *value = (int64_t)h->pacing_rate; return LA_OK;
  case LA_OPTION_COUNT:              break;
  }
  return -LA_EINVAL;
}

/* What must happen at once when a habit changes in the middle of a connection. */
static void take_effect(struct tcp *t, struct tcb *tcb, enum la_option option)
{
  const bool open = tcp_state_is(tcb->state, TCP_SYNCED) && tcb->state != TCP_TIME_WAIT;

  if (option == LA_OPT_PACING || option == LA_OPT_PACING_RATE)
    tcp_pace_update(tcb);
  if (!open)
    return;
  if (option == LA_OPT_KEEPALIVE || option == LA_OPT_KEEPALIVE_IDLE_MS)
    tcp_keepalive_timer(t, tcb);
  if (option == LA_OPT_USER_TIMEOUT_MS) {
    if (tcb->habits.user_timeout_ms == 0 && tcb->state != TCP_FIN_WAIT_2)
      tcp_timer_stop(tcb, TCP_T_GIVE_UP);
    tcp_patience_timer(t, tcb, true);
  }
  if (option == LA_OPT_RECEIVE_BUFFER)
    tcp_window_consumed(t, tcb);
  if (option == LA_OPT_QUICKACK && tcb->habits.quickack && tcp_timer_runs(tcb, TCP_T_DELACK))
    tcb->say |= SAY_ACK;
  if (option == LA_OPT_NODELAY || option == LA_OPT_QUICKACK || option == LA_OPT_PACING ||
      option == LA_OPT_PACING_RATE)
    tcp_wake(t, tcb);
}

int tcp_set(struct tcp *t, struct tcb *tcb, enum la_option option, int64_t value)
{
  const unsigned number = (unsigned)option;

  if (number >= LA_OPTION_COUNT || value < limits[number].least || value > limits[number].most)
    return -LA_EINVAL;
  if (option == LA_OPT_MSS && value != 0 && value < 64)
    return -LA_EINVAL;
  if (option == LA_OPT_CONGESTION)
    return tcp_steer_by(t, tcb, (unsigned)value);
  put(&tcb->habits, option, value);
  take_effect(t, tcb, option);
  return LA_OK;
}
