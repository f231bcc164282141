/* Initial sequence numbers: RFC 6528 and RFC 9293 3.4.1 (MUST-8, SHLD-1). */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static uint32_t isn(void) { return tcp_isn(&r->t, &r->ends).n; }

TEST(the_clock_ticks_once_in_four_microseconds)
{
  uint32_t before;

  rig_init(r);
  before = isn();
  tcp_time(&r->t, r->t.now + 4000);
  assert_int_equal(isn() - before, 1);
  tcp_time(&r->t, r->t.now + LA_SEC);
  assert_int_equal(isn() - before, 250001);
}

TEST(the_clock_goes_around_in_less_than_five_hours)
{
  uint32_t before;

  rig_init(r);
  before = isn();
  tcp_time(&r->t, r->t.now + (INT64_C(1) << 32) * 4000);
  assert_int_equal(isn(), before);
}

TEST(every_part_of_the_pair_counts)
{
  uint32_t before;
  struct ends kept;

  rig_init(r);
  before = isn();
  kept = r->ends;
  r->ends.local_port ^= 1;
  assert_int_not_equal(isn(), before);
  r->ends = kept;
  r->ends.peer_port ^= 1;
  assert_int_not_equal(isn(), before);
  r->ends = kept;
  r->ends.local.octets[sizeof r->ends.local.octets - 1] ^= 1;
  assert_int_not_equal(isn(), before);
  r->ends = kept;
  r->ends.peer.octets[sizeof r->ends.peer.octets - 1] ^= 1;
  assert_int_not_equal(isn(), before);
}

TEST(the_secret_counts)
{
  uint32_t before;

  rig_init(r);
  before = isn();
  r->t.key.k1 ^= 1;
  assert_int_not_equal(isn(), before);
}

/* An attacker who has seen the ISNs of many ports knows nothing of the next one's. */
TEST(neighbouring_ports_have_numbers_far_apart)
{
  uint32_t last = 0;
  unsigned close = 0;

  rig_init(r);
  for (uint16_t port = 1; port < 2000; port++) {
    r->ends.peer_port = port;
    close += isn() - last + 1000000 < 2000000;
    last = isn();
  }
  assert_true(close < 10);                          /* one is expected */
}

TEST(an_incarnation_begins_beyond_the_one_before)
{
  uint32_t first;

  rig_init(r);
  rig_connect(r);
  first = r->tcb->snd.iss.n;
  rig_forget_said(r);
  tcp_abort(&r->t, r->tcb);
  rig_reap(r);
  waits(r, 10 * LA_MS);
  rig_connect(r);
  assert_int_equal(r->tcb->snd.iss.n - first, 2500);
}

TEST(both_openers_use_it)
{
  rig_init(r);
  rig_connect(r);
  assert_int_equal(r->tcb->snd.iss.n, isn());
  rig_init(r);
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  assert_int_equal(r->tcb->snd.iss.n, isn());
}

RUN(cmocka_unit_test(the_clock_ticks_once_in_four_microseconds),
    cmocka_unit_test(the_clock_goes_around_in_less_than_five_hours),
    cmocka_unit_test(every_part_of_the_pair_counts),
    cmocka_unit_test(the_secret_counts),
    cmocka_unit_test(neighbouring_ports_have_numbers_far_apart),
    cmocka_unit_test(an_incarnation_begins_beyond_the_one_before),
    cmocka_unit_test(both_openers_use_it))
