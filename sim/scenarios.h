/* scenarios.h - the plays, one function for each scenario; scenarios.c lists them. */
#ifndef LA_SIM_SCENARIOS_H
#define LA_SIM_SCENARIOS_H
#include "lab.h"

#define SCENARIOS(S)                                                                     \
  S(handshake) S(names) S(simultaneous_open) S(withheld_ack) S(refused) S(unreplied)     \
  S(transfer) S(close) S(close_in_three) S(simultaneous_close) S(half_close)             \
  S(close_wait_leak) S(fin_wait_2_orphan) S(time_wait) S(lost_last_ack) S(old_duplicate) \
  S(same_pair_again) S(address_in_use) S(last_ack_stuck) S(reset) S(half_open)           \
  S(zero_window) S(syn_flood) S(netstat) S(diagram) S(datagram)

#define SCENARIO_DECLARED(name) void scenario_##name(struct lab *l);
SCENARIOS(SCENARIO_DECLARED)
#undef SCENARIO_DECLARED

#endif
