/* reasons_loss.h - what tcp_reasons.c counts of losses that were none, and of marks. */
#ifndef LA_TEST_REASONS_LOSS_H
#define LA_TEST_REASONS_LOSS_H
#include "support/reasons.h"

static void tells_by_sack(uint32_t ack, uint32_t start, uint32_t end)
{
  const uint32_t iss = r->tcb->snd.iss.n;

  r->options = (struct tcp_options){ .present = TCP_OPT_SACK, .sacks = 1,
                                     .sack = { { iss + start, iss + end } } };
  arrives(r, F_ACK, 1, ack);
  rig_forget_said(r);
}

static void begin_with_sack(void)
{
  begin();
  r->t.set.no_sack = false;
  r->options.present |= TCP_OPT_SACK_OK;
  rig_established(r, false);
  r->options.present = 0;
}

TEST(losses_that_were_none_are_counted_and_so_are_lost_resends)
{
  uint32_t all;

  begin_with_sack();
  user_sends(r, 11 * 1460);
  rig_forget_said(r);
  tells_by_sack(1, 1461, 1 + 4 * 1460);
  tells_by_sack(1, 1461, 1 + 5 * 1460);
  waits(r, LA_MS);
  all = 1 + tcp_flight(r->tcb);
  tells_by_sack(1, all - 1460, all);
  assert_int_equal(r->t.count[TCP_N_lost_resends], 1);
  for (uint32_t at = 1; at < all; at += 1460)
    tells_by_sack(all, at, at + 1460);
  assert_int_equal(r->t.count[TCP_N_spurious_losses], 1);
  told();
}

TEST(time_outs_that_were_none_are_counted)
{
  begin_with_sack();
  r->t.set.no_tail_probes = true;
  user_sends(r, 3 * 1460);
  waits(r, LA_SEC);
  tells_by_sack(1, 1461, 1 + 2 * 1460);
  told();
}

TEST(marks_of_congestion_are_counted)
{
  begin();
  r->t.set.habits.ecn = LA_ECN_ASK;
  rig_connect(r);
  rig_pump(r);
  arrives(r, F_SYN | F_ACK | F_ECE, 0, 1);
  user_sends(r, 2 * 1460);
  rig_pump(r);
  arrives(r, F_ACK | F_ECE, 1, 1461);
  assert_int_equal(r->t.count[TCP_N_ecn_reductions], 1);
  arrives_marked(r, F_ACK, 1, 1461, 5, TCP_CE);
  assert_int_equal(r->t.count[TCP_N_ce_in], 1);
  told();
}

#endif
