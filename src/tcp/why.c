/* why.c - the tables of reasons, counters and timers, for whoever explains them. */
#include "tcp/tcb.h"

static const struct why_row whys[WHY_COUNT] = {
#define WHY(name, step, rfc, text) [WHY_##name] = { #name, step, rfc, text },
#include "tcp/why.def"
};
static const struct why_row counts[TCP_COUNT_COUNT] = {
#define COUNT(name, text) [TCP_N_##name] = { #name, "", "", text },
#include "tcp/count.def"
};
static const struct why_row timers[TCP_TIMER_COUNT] = {
#define TIMER(name, rfc, text) [TCP_T_##name] = { #name, "", rfc, text },
#include "tcp/timer.def"
};

struct why_row tcp_why_row(unsigned why)     { return whys[why]; }
struct why_row tcp_count_row(unsigned count) { return counts[count]; }
struct why_row tcp_timer_row(unsigned timer) { return timers[timer]; }

const char *tcp_timer_counter(unsigned timer)
{
  static const char *const names[TCP_TIMER_COUNT] = {
#define TIMER(name, rfc, text) [TCP_T_##name] = "TIMER_" #name,
#include "tcp/timer.def"
  };

  return names[timer];
}
