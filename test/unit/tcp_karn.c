/* Karn's algorithm, RFC 6298 3 and 5 (MUST-18): what was sent twice is no sample, and the RTO
 * stays backed off until something that was sent once is acknowledged. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static void begin(void)
{
  rig_init(r);
  rig_established(r, false);
}

/* One round trip of text sent once: the RTO is the least again. */
static void one_clean_round_trip(uint32_t ack)
{
  user_sends(r, 10);
  rig_forget_said(r);
  waits(r, 10 * LA_MS);
  arrives(r, F_ACK, 1, ack);
}

TEST(an_ambiguous_ack_leaves_the_time_out_backed_off)
{
  uint32_t srtt_us;

  begin();
  one_clean_round_trip(11);
  srtt_us = r->tcb->rtt.srtt_us;
  user_sends(r, 10);
  waits(r, (200 + 400 + 800 + 10) * LA_MS);
  assert_int_equal(r->tcb->backoffs, 3);
  arrives(r, F_ACK, 1, 21);
  assert_int_equal(r->tcb->backoffs, 0);
  assert_int_equal(r->tcb->rtt.srtt_us, srtt_us);
  assert_int_equal(r->tcb->rtt.rto_us, 1600000);
  one_clean_round_trip(31);
  assert_int_equal(r->tcb->rtt.rto_us, 200000);
}

TEST(probes_of_a_shut_window_do_not_slow_what_follows)
{
  begin();
  one_clean_round_trip(11);
  r->wnd = 0;
  arrives(r, F_ACK, 1, 11);
  user_sends(r, 10);
  waits(r, 10 * LA_SEC);
  assert_true(r->tcb->backoffs > 3);
  r->wnd = RIG_WND;
  arrives(r, F_ACK, 1, 12);                   /* the probe's octet was taken after all */
  assert_int_equal(r->tcb->rtt.rto_us, 200000);
}

RUN(cmocka_unit_test(an_ambiguous_ack_leaves_the_time_out_backed_off),
    cmocka_unit_test(probes_of_a_shut_window_do_not_slow_what_follows))
