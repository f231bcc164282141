/* Sequence numbers come round: after 2^32 octets a connection stands at its ISS once more. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

/* As if so many octets had gone each way that SND.UNA is ISS again. */
static void once_round(void)
{
  rig_init(r);
  rig_established(r, false);
  r->tcb->snd.iss = r->tcb->snd.una;
}

TEST(text_at_the_iss_is_text_and_no_syn)
{
  once_round();
  user_sends(r, 10);
  says(r, "PA 0+10 1");
  arrives(r, F_ACK, 1, 10);
  assert_int_equal(r->tcb->tx.octets, 0);
  assert_true(r->tcb->octets_acked == 10);
}

TEST(text_at_the_iss_is_resent_as_text)
{
  once_round();
  user_sends(r, 10);
  says(r, "PA 0+10 1");
  waits(r, 400 * LA_MS);
  says(r, "PA 0+10 1");
}

TEST(a_fin_at_the_iss_is_a_fin)
{
  once_round();
  user_closes(r);
  says(r, "FA 0 1");
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->tcb->state, TCP_FIN_WAIT_2);
}

/* 2^31 away from a number is before it and behind it at once, so an ACK of what was not sent yet
 * must be found out by its distance. */
TEST(an_ack_from_the_other_side_of_the_circle_is_of_nothing)
{
  rig_init(r);
  rig_connect(r);                             /* the SYN waits for the link */
  arrives(r, F_SYN | F_ACK, 0, UINT32_C(1) << 31);
  refused_because(r, SYN_SENT_BAD_ACK);
  assert_int_equal(r->tcb->state, TCP_SYN_SENT);
}

/* RFC 5927 4: an ICMP error must quote what is in flight. */
TEST(what_lies_on_the_other_side_of_the_circle_is_not_in_flight)
{
  rig_init(r);
  rig_established(r, false);
  assert_false(tcp_icmp_plausible(r->tcb, r->tcb->snd.una));
  assert_false(tcp_icmp_plausible(r->tcb, seq_add(r->tcb->snd.una, UINT32_C(1) << 31)));
  user_sends(r, 10);
  rig_pump(r);
  assert_true(tcp_icmp_plausible(r->tcb, r->tcb->snd.una));
  assert_true(tcp_icmp_plausible(r->tcb, seq_add(r->tcb->snd.una, 9)));
  assert_false(tcp_icmp_plausible(r->tcb, r->tcb->snd.nxt));
  assert_false(tcp_icmp_plausible(r->tcb, seq_add(r->tcb->snd.una, UINT32_C(1) << 31)));
}

RUN(cmocka_unit_test(text_at_the_iss_is_text_and_no_syn),
    cmocka_unit_test(text_at_the_iss_is_resent_as_text),
    cmocka_unit_test(a_fin_at_the_iss_is_a_fin),
    cmocka_unit_test(an_ack_from_the_other_side_of_the_circle_is_of_nothing),
    cmocka_unit_test(what_lies_on_the_other_side_of_the_circle_is_not_in_flight))
