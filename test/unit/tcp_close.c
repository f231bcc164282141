/* The life of a connection, told by the flight recorder: RFC 9293 3.5 and 3.6. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

TEST(an_active_open_says_syn_and_ack)
{
  rig_init(r);
  rig_connect(r);
  says(r, "S 0");
  arrives(r, F_SYN | F_ACK, 0, 1);
  says(r, "A 1 1");
  story_is(r, "CLOSED OPEN_ACTIVE SYN-SENT RCV_SYN_ACK ESTABLISHED");
}

TEST(a_listener_forks_a_child_for_a_syn)
{
  rig_init(r);
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  arrives(r, F_ACK, 1, 1);
  says(r, "");
  story_is(r, "CLOSED OPEN_PASSIVE LISTEN RCV_SYN SYN-RECEIVED RCV_ACK_OF_SYN ESTABLISHED");
  assert_int_equal(r->listener->state, TCP_LISTEN);
}

/* RFC 9293 figure 7, with an ACK for a peer that refuses our SYN,ACK as old. */
TEST(both_open_at_once)
{
  rig_init(r);
  rig_connect(r);
  says(r, "S 0");
  arrives(r, F_SYN, 0, 0);
  says(r, "SA 0 1");
  arrives(r, F_SYN | F_ACK, 0, 1);
  story_is(r, "CLOSED OPEN_ACTIVE SYN-SENT RCV_SYN SYN-RECEIVED RCV_ACK_OF_SYN ESTABLISHED");
  says(r, "A 1 1");
  arrives(r, F_ACK, 1, 1);
  says(r, "");
}

TEST(we_close_first)
{
  rig_init(r);
  rig_established(r, false);
  user_closes(r);
  says(r, "FA 1 1");
  arrives(r, F_ACK, 1, 2);
  arrives(r, F_FIN | F_ACK, 1, 2);
  says(r, "A 2 2");
  story_is(r, "CLOSED OPEN_ACTIVE SYN-SENT RCV_SYN_ACK ESTABLISHED CLOSE FIN-WAIT-1 "
              "RCV_ACK_OF_FIN FIN-WAIT-2 RCV_FIN TIME-WAIT");
}

TEST(one_segment_can_move_twice)
{
  rig_init(r);
  rig_established(r, false);
  user_closes(r);
  says(r, "FA 1 1");
  arrives(r, F_FIN | F_ACK, 1, 2);
  says(r, "A 2 2");
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
  waits(r, 60 * LA_SEC);
  story_is(r, "CLOSED OPEN_ACTIVE SYN-SENT RCV_SYN_ACK ESTABLISHED CLOSE FIN-WAIT-1 "
              "RCV_ACK_OF_FIN FIN-WAIT-2 RCV_FIN TIME-WAIT TIMEOUT_2MSL CLOSED");
}

TEST(the_fins_cross)
{
  rig_init(r);
  rig_established(r, true);
  user_closes(r);
  says(r, "FA 1 1");
  arrives(r, F_FIN | F_ACK, 1, 1);
  says(r, "A 2 2");
  assert_int_equal(r->tcb->state, TCP_CLOSING);
  arrives(r, F_ACK, 2, 2);
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
}

TEST(the_peer_closes_first)
{
  rig_init(r);
  rig_established(r, true);
  arrives(r, F_FIN | F_ACK, 1, 1);
  says(r, "A 1 2");
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);
  waits(r, 3600 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSE_WAIT);          /* for ever: no timer ends it */
  user_closes(r);
  says(r, "FA 1 2");
  assert_int_equal(r->tcb->state, TCP_LAST_ACK);
  arrives(r, F_ACK, 2, 2);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  refused_because(r, LAST_ACK);
}

TEST(a_forgotten_connection_shrinks_in_time_wait)
{
  rig_init(r);
  rig_established(r, false);
  tcp_forget(&r->t, r->tcb);
  says(r, "FA 1 1");
  arrives(r, F_FIN | F_ACK, 1, 2);
  says(r, "A 2 2");
  rig_reap(r);
  assert_null(r->tcb);
  assert_int_equal(r->t.tcbs.used, 0);
  assert_int_equal(r->t.time_waits.used, 1);
}

RUN(cmocka_unit_test(an_active_open_says_syn_and_ack),
    cmocka_unit_test(a_listener_forks_a_child_for_a_syn), cmocka_unit_test(both_open_at_once),
    cmocka_unit_test(we_close_first), cmocka_unit_test(one_segment_can_move_twice),
    cmocka_unit_test(the_fins_cross), cmocka_unit_test(the_peer_closes_first),
    cmocka_unit_test(a_forgotten_connection_shrinks_in_time_wait))
