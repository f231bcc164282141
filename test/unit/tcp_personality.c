/* What hosts differ in, as configuration, for who must look like FreeBSD or Linux. Each is off by
 * default, and then it is the RFC to the letter. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static void begin(struct tcp_settings set)
{
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
}

static void established(struct tcp_settings set)
{
  begin(set);
  rig_established(r, false);
}

TEST(short_segments_wait_for_the_delayed_ack)
{
  established(rig_settings());
  arrives_with_text(r, F_ACK, 1, 1, 10);
  arrives_with_text(r, F_ACK, 11, 1, 10);
  says(r, "");
}

TEST(with_bsd_acks_every_second_short_segment_is_acknowledged)
{
  struct tcp_settings set = rig_settings();

  set.habits.bsd_acks = true;
  established(set);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  says(r, "");
  arrives_with_text(r, F_ACK, 11, 1, 10);
  says(r, "A 1 21");
}

TEST(the_first_segments_are_acknowledged_at_once_if_so_configured)
{
  struct tcp_settings set = rig_settings();

  set.quick_acks = 2;
  established(set);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  says(r, "A 1 11");
  arrives_with_text(r, F_ACK, 11, 1, 10);
  says(r, "A 1 21");
  arrives_with_text(r, F_ACK, 21, 1, 10);
  says(r, "");
}

TEST(an_answer_ends_the_quick_acks)
{
  struct tcp_settings set = rig_settings();

  set.quick_acks = 9;
  established(set);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  says(r, "A 1 11");
  user_sends(r, 5);
  says(r, "PA 1+5 11");
  arrives_with_text(r, F_ACK, 11, 6, 10);
  says(r, "");
}

TEST(text_that_is_partly_old_is_acknowledged_at_once)
{
  established(rig_settings());
  arrives_with_text(r, F_ACK, 1, 1, 10);
  arrives_with_text(r, F_ACK, 1, 1, 20);           /* the ACK was lost: RFC 5681 4.2 */
  says(r, "A 1 21");
}

TEST(a_first_syn_has_no_slop_and_the_second_has)
{
  struct tcp_settings set = rig_settings();

  set.rto_slop = 200 * LA_MS;
  begin(set);
  rig_connect(r);
  says(r, "S 0");
  waits(r, LA_SEC);
  says(r, "S 0");
  waits(r, 2 * LA_SEC + 199 * LA_MS);
  says(r, "");
  waits(r, LA_MS);
  says(r, "S 0");
}

static void in_time_wait(bool no_reuse)
{
  struct tcp_settings set = rig_settings();

  set.no_time_wait_reuse = no_reuse;
  begin(set);
  rig_established(r, true);
  user_closes(r);
  rig_pump(r);
  arrives(r, F_FIN | F_ACK, 1, 2);
  rig_forget_said(r);
  assert_int_equal(r->tcb->state, TCP_TIME_WAIT);
}

TEST(a_newer_syn_ends_time_wait)
{
  in_time_wait(false);
  arrives(r, F_SYN, 100, 0);
  assert_int_equal(r->last.why, WHY_TIME_WAIT_REUSED);
}

TEST(with_no_time_wait_reuse_it_is_challenged)
{
  in_time_wait(true);
  arrives(r, F_SYN, 100, 0);
  assert_int_equal(r->last.why, WHY_TIME_WAIT_SYN);
  says(r, "A 2 2");
}

static void crossed_syns(bool no_syn_text)
{
  struct tcp_settings set = rig_settings();

  set.habits.no_syn_text = no_syn_text;
  begin(set);
  rig_connect(r);
  rig_forget_said(r);
  arrives_with_text(r, F_SYN, 0, 0, 5);
}

TEST(text_behind_a_syn_that_crossed_ours_is_kept)
{
  crossed_syns(false);
  says(r, "SA 0 6");
}

TEST(with_no_syn_text_it_must_come_again)
{
  crossed_syns(true);
  says(r, "SA 0 1");
}

TEST(other_settings_count_from_now_on_and_the_pools_stay)
{
  struct tcp_settings set = rig_settings();

  established(set);
  set.delayed_ack = 100 * LA_MS;
  set.challenge_acks = 0;
  tcp_settings_change(&r->t, &set);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  waits(r, 99 * LA_MS);
  says(r, "");
  waits(r, LA_MS);
  says(r, "A 1 11");
  arrives(r, F_SYN, 20, 0);
  says(r, "");
}

RUN(
    cmocka_unit_test(short_segments_wait_for_the_delayed_ack),
    cmocka_unit_test(with_bsd_acks_every_second_short_segment_is_acknowledged),
    cmocka_unit_test(the_first_segments_are_acknowledged_at_once_if_so_configured),
    cmocka_unit_test(an_answer_ends_the_quick_acks),
    cmocka_unit_test(text_that_is_partly_old_is_acknowledged_at_once),
    cmocka_unit_test(a_first_syn_has_no_slop_and_the_second_has),
    cmocka_unit_test(a_newer_syn_ends_time_wait),
    cmocka_unit_test(with_no_time_wait_reuse_it_is_challenged),
    cmocka_unit_test(text_behind_a_syn_that_crossed_ours_is_kept),
    cmocka_unit_test(with_no_syn_text_it_must_come_again),
    cmocka_unit_test(other_settings_count_from_now_on_and_the_pools_stay))
