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

RUN(cmocka_unit_test(text_at_the_iss_is_text_and_no_syn),
    cmocka_unit_test(text_at_the_iss_is_resent_as_text),
    cmocka_unit_test(a_fin_at_the_iss_is_a_fin))
