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
  [LA_OPT_MTU_PROBING] = { 0, LA_MTU_PROBE_COUNT - 1 },
  [LA_OPT_FASTOPEN] = { 0, UINT16_MAX },
  [LA_OPT_FASTOPEN_CONNECT] = { 0, 1 },
  [LA_OPT_FASTOPEN_NO_COOKIE] = { 0, 1 },
  [LA_OPT_V6ONLY] = { 0, 1 },
  [LA_OPT_ECN] = { LA_ECN_OFF, LA_ECN_ASK },
  [LA_OPT_PACING] = { 0, 1 },
  [LA_OPT_PACING_RATE] = { 0, INT64_C(1) << 40 },
  [LA_OPT_CORK] = { 0, 1 },
  [LA_OPT_NOTSENT_LOWAT] = { 0, UINT32_MAX },
  [LA_OPT_RCVLOWAT] = { 1, 1 << 30 },
  [LA_OPT_SYN_RETRIES] = { 0, 127 },
  [LA_OPT_DEFER_ACCEPT_S] = { 0, INT32_MAX },
  [LA_OPT_NO_OPTIONS] = { 0, 1 },
  [LA_OPT_ADVERTISED_TIMEOUT_S] = { 0, TCP_USER_TIMEOUT_MAX },
};

/* LA_OPT_DEFER_ACCEPT_S is kept as the number of resends that fill the time: the first waits for
 * the initial RTO, each further one twice as long, up to the largest RTO. */
static uint8_t retries_of_seconds(const struct tcp_settings *set, int64_t seconds)
{
  la_time wait = set->rto_initial, sum = wait;
  uint8_t retries = 1;

  if (seconds == 0)
    return 0;
  while (sum < seconds * LA_SEC && retries < UINT8_MAX) {
    wait = 2 * wait < set->rto_max ? 2 * wait : set->rto_max;
    sum += wait;
    retries++;
  }
  return retries;
}

static int64_t seconds_of_retries(const struct tcp_settings *set, uint8_t retries)
{
  la_time wait = set->rto_initial, sum = 0;

  for (unsigned i = 0; i < retries; i++) {
    sum += wait;
    wait = 2 * wait < set->rto_max ? 2 * wait : set->rto_max;
  }
  return (sum + LA_SEC - 1) / LA_SEC;
}

static void put(const struct tcp_settings *set, struct tcp_habits *h, enum la_option option,
                int64_t value)
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
  case LA_OPT_MSS:                   h->mss_limit = (uint16_t)value; break;
  case LA_OPT_QUICKACK:              h->quickack = value != 0; break;
  case LA_OPT_TTL:                   h->ttl = (uint8_t)value; break;
  case LA_OPT_DSCP:                  h->dscp = (uint8_t)value; break;
  case LA_OPT_MTU_PROBING:           h->mtu_probing = (uint8_t)value; break;
  case LA_OPT_FASTOPEN:              h->fastopen = (uint16_t)value; break;
  case LA_OPT_FASTOPEN_CONNECT:      h->fastopen_connect = value != 0; break;
  case LA_OPT_FASTOPEN_NO_COOKIE:    h->fastopen_no_cookie = value != 0; break;
  case LA_OPT_V6ONLY:                h->six_only = value != 0; break;
  case LA_OPT_ECN:                   h->ecn = (uint8_t)value; break;
  case LA_OPT_PACING:                h->pacing = value != 0; break;
  case LA_OPT_PACING_RATE:           h->pacing_rate = (uint64_t)value; break;
  case LA_OPT_CORK:                  h->cork = value != 0; break;
  case LA_OPT_NOTSENT_LOWAT:         h->notsent_lowat = (uint32_t)value; break;
  case LA_OPT_RCVLOWAT:              h->receive_lowat = (uint32_t)value; break;
  case LA_OPT_SYN_RETRIES:           h->syn_retries = (uint8_t)value; break;
  case LA_OPT_DEFER_ACCEPT_S:        h->defer_retries = retries_of_seconds(set, value); break;
  case LA_OPT_ADVERTISED_TIMEOUT_S:  h->user_timeout_s = (uint32_t)value; break;
  case LA_OPT_SEND_BUFFER:
  case LA_OPT_RECEIVE_BUFFER:
  case LA_OPT_NO_OPTIONS:            h->no_options = value != 0; break;
  case LA_OPT_CONGESTION:
  case LA_OPT_URGENT_INLINE:
  case LA_OPTION_COUNT:              break;
  }
}

static int64_t value_of(const struct tcp_settings *set, const struct tcb *tcb,
                        enum la_option option)
{
  const struct tcp_habits *const h = tcb->habits;

  switch (option) {
  case LA_OPT_NODELAY:               return h->nodelay;
  case LA_OPT_KEEPALIVE:             return h->keepalive;
  case LA_OPT_KEEPALIVE_IDLE_MS:     return h->keepalive_idle_ms;
  case LA_OPT_KEEPALIVE_INTERVAL_MS: return h->keepalive_interval_ms;
  case LA_OPT_KEEPALIVE_PROBES:      return h->keepalive_probes;
  case LA_OPT_USER_TIMEOUT_MS:       return h->user_timeout_ms;
  case LA_OPT_LINGER_MS:             return h->linger_ms;
  case LA_OPT_REUSEADDR:             return h->reuse;
  case LA_OPT_SEND_BUFFER:           return tcb->send_buffer;
  case LA_OPT_RECEIVE_BUFFER:        return tcb->receive_buffer;
  case LA_OPT_MSS:                   return h->mss_limit;
  case LA_OPT_QUICKACK:              return h->quickack;
  case LA_OPT_URGENT_INLINE:         return 1;
  case LA_OPT_CONGESTION:            return tcb->congestion;
  case LA_OPT_TTL:                   return h->ttl;
  case LA_OPT_DSCP:                  return h->dscp;
  case LA_OPT_MTU_PROBING:           return h->mtu_probing;
  case LA_OPT_FASTOPEN:              return h->fastopen;
  case LA_OPT_FASTOPEN_CONNECT:      return h->fastopen_connect;
  case LA_OPT_FASTOPEN_NO_COOKIE:    return h->fastopen_no_cookie;
  case LA_OPT_V6ONLY:                return h->six_only;
  case LA_OPT_ECN:                   return h->ecn;
  case LA_OPT_PACING:                return h->pacing;
  case LA_OPT_PACING_RATE:           return (int64_t)h->pacing_rate;
  case LA_OPT_CORK:                  return h->cork;
  case LA_OPT_NOTSENT_LOWAT:         return h->notsent_lowat;
  case LA_OPT_RCVLOWAT:              return h->receive_lowat;
  case LA_OPT_SYN_RETRIES:           return h->syn_retries;
  case LA_OPT_DEFER_ACCEPT_S:        return seconds_of_retries(set, h->defer_retries);
  case LA_OPT_NO_OPTIONS:            return h->no_options;
  case LA_OPT_ADVERTISED_TIMEOUT_S:  return h->user_timeout_s;
  case LA_OPTION_COUNT:              break;
  }
  return 0;
}

int tcp_get(const struct tcp *t, const struct tcb *tcb, enum la_option option, int64_t *value)
{
  if ((unsigned)option >= LA_OPTION_COUNT)
    return -LA_EINVAL;
  *value = value_of(&t->set, tcb, option);
  return LA_OK;
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
  if (option == LA_OPT_USER_TIMEOUT_MS || option == LA_OPT_ADVERTISED_TIMEOUT_S)
    tcp_user_timeout_change(t, tcb);
  if (option == LA_OPT_RECEIVE_BUFFER)
    tcp_window_consumed(t, tcb);
  if (option == LA_OPT_QUICKACK && tcb->habits->quickack && tcp_timer_runs(tcb, TCP_T_DELACK))
    tcb->say |= SAY_ACK;
  if ((option == LA_OPT_NODELAY && tcb->habits->nodelay) ||
      (option == LA_OPT_CORK && !tcb->habits->cork && tcb->habits->nodelay))
    tcb->marks |= MARK_PUSH;                  /* what waits goes, whatever it said of more */
  if (option == LA_OPT_CORK && !tcb->habits->cork)
    tcb->marks &= (uint16_t)~(MARK_MORE | MARK_NO_PUSH);
  if (option == LA_OPT_RCVLOWAT)
    tcp_tell_text(t, tcb);
  if (option == LA_OPT_NOTSENT_LOWAT)
    tcp_offer_room(t, tcb);
  if (option == LA_OPT_NODELAY || option == LA_OPT_QUICKACK || option == LA_OPT_CORK ||
      option == LA_OPT_PACING || option == LA_OPT_PACING_RATE)
    tcp_wake(t, tcb);
}

int tcp_set(struct tcp *t, struct tcb *tcb, enum la_option option, int64_t value)
{
  const unsigned number = (unsigned)option;
  struct tcp_habits habits = *tcb->habits;

  if (number >= LA_OPTION_COUNT || value < limits[number].least || value > limits[number].most)
    return -LA_EINVAL;
  if (option == LA_OPT_MSS && value != 0 && value < 64)
    return -LA_EINVAL;
  if (option == LA_OPT_CONGESTION)
    return tcp_steer_by(t, tcb, (unsigned)value);
  if (option == LA_OPT_SEND_BUFFER) {
    tcb->send_buffer = (uint32_t)value;
    tcb->marks |= MARK_SEND_FIXED;
  } else if (option == LA_OPT_RECEIVE_BUFFER) {
    tcb->receive_buffer = (uint32_t)value;
    tcb->marks |= MARK_RECEIVE_FIXED;
  } else {
    put(&t->set, &habits, option, value);
    if (!tcp_habits_change(t, tcb, &habits))
      return -LA_ENOROOM;
  }
  take_effect(t, tcb, option);
  return LA_OK;
}
