/* Delivery rates, and who steers by them: a model for a connection, from a pool that may be used
 * up; another congestion control in mid-life. */
#include "support/tcp_rig.h"

#include "tcp/cc_bbr.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1460 };

static void begin(uint32_t models)
{
  struct tcp_settings set = rig_settings();

  set.models = models;
  set.no_sack = false;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.present |= TCP_OPT_SACK_OK;
}

static int steer_by(struct tcb *tcb, enum la_cc number)
{
  return tcp_set(&r->t, tcb, LA_OPT_CONGESTION, number);
}

static int64_t steered_by(const struct tcb *tcb)
{
  int64_t value = -1;

  assert_int_equal(tcp_get(&r->t, tcb, LA_OPT_CONGESTION, &value), LA_OK);
  return value;
}

/* The peer acknowledges n octets more of ours. */
static void acknowledges(uint32_t n)
{
  arrives(r, F_ACK, 1, seq_span(r->tcb->snd.iss, r->tcb->snd.una) + n);
}

/* ---- rates ---- */

TEST(a_rate_is_what_arrived_over_the_time_it_took)
{
  begin(1);
  rig_established(r, true);
  user_sends(r, 4 * MSS);
  rig_forget_said(r);
  waits(r, 20 * LA_MS);
  acknowledges(2 * MSS);
  assert_in_range(tcp_delivery_rate(r->tcb), 145000, 147000);           /* in 20 ms */
  waits(r, 20 * LA_MS);
  acknowledges(2 * MSS);
  assert_in_range(tcp_delivery_rate(r->tcb), 145000, 147000);           /* 4 in 40 ms */
}

TEST(text_that_the_path_waited_for_measures_the_application)
{
  begin(1);
  rig_established(r, true);
  user_sends(r, MSS);
  assert_true(r->tcb->rate.app_limited != 0);
  rig_forget_said(r);
  waits(r, 20 * LA_MS);
  acknowledges(MSS);
  assert_true(r->tcb->flags & TCB_RATE_APP_LIMITED);
  user_sends(r, 11 * MSS);                    /* more than cwnd: soon the path limits */
  for (int i = 0; i < 3; i++) {
    r->tcb->cc.cwnd = 4 * MSS;
    rig_forget_said(r);
    waits(r, 20 * LA_MS);
    acknowledges(i < 2 ? 4 * MSS : 3 * MSS);
  }
  assert_int_equal(r->tcb->rate.app_limited, 0);
  assert_false(r->tcb->flags & TCB_RATE_APP_LIMITED);
}

TEST(an_arrival_sooner_than_any_round_trip_is_no_sample)
{
  uint64_t before;

  begin(1);
  rig_established(r, true);
  user_sends(r, 4 * MSS);
  rig_forget_said(r);
  waits(r, 20 * LA_MS);
  acknowledges(MSS);
  before = tcp_delivery_rate(r->tcb);
  r->tcb->rtt.min_us = 20000;
  waits(r, 20 * LA_MS);
  tcp_repair(&r->t, r->tcb, r->tcb->snd.una, r->tcb->snd.nxt);
  r->tcb->cc.cwnd = 10 * MSS;
  rig_forget_said(r);
  waits(r, LA_MS / 2);
  acknowledges(3 * MSS);                      /* of what was sent first */
  assert_in_range(tcp_delivery_rate(r->tcb), before, 2 * before + MSS);
}

/* ---- models ---- */

TEST(a_connection_takes_a_model_and_gives_it_back)
{
  begin(1);
  r->tcb = tcp_tcb_new(&r->t);
  r->tcb->ends = r->ends;
  r->tcb->path = r->path;
  assert_int_equal(steer_by(r->tcb, LA_CC_BBR), LA_OK);
  assert_int_equal(r->t.models.used, 0);      /* a socket without a peer needs none */
  assert_int_equal(tcp_open_active(&r->t, r->tcb), LA_OK);
  assert_int_equal(r->t.models.used, 1);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ACK, 0, 1);
  rig_forget_said(r);
  assert_true(tcp_pacing_rate(r->tcb) > 0);
  tcp_abort(&r->t, r->tcb);
  rig_reap(r);
  assert_int_equal(r->t.models.used, 0);
}

TEST(a_connect_without_a_model_is_refused_and_changes_nothing)
{
  begin(0);
  r->tcb = tcp_tcb_new(&r->t);
  r->tcb->ends = r->ends;
  r->tcb->path = r->path;
  assert_int_equal(steer_by(r->tcb, LA_CC_BBR), LA_OK);
  assert_int_equal(tcp_open_active(&r->t, r->tcb), -LA_ENOBUF);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(steer_by(r->tcb, LA_CC_CUBIC), LA_OK);
  assert_int_equal(tcp_open_active(&r->t, r->tcb), LA_OK);
}

TEST(a_live_connection_without_a_model_keeps_what_it_has)
{
  struct cc before;

  begin(0);
  rig_established(r, true);
  assert_int_equal(steer_by(r->tcb, LA_CC_CUBIC), LA_OK);
  before = r->tcb->cc;
  assert_int_equal(steer_by(r->tcb, LA_CC_BBR), -LA_ENOBUF);
  assert_int_equal(steered_by(r->tcb), LA_CC_CUBIC);
  assert_memory_equal(&r->tcb->cc, &before, sizeof before);
}

static void child_of_a_bbr_listener(void)
{
  rig_listen(r, 2);
  assert_int_equal(steer_by(r->listener, LA_CC_BBR), LA_OK);
  arrives(r, F_SYN, 0, 0);
  rig_forget_said(r);
  assert_int_equal(r->t.models.used, 0);      /* a flood of SYNs takes none */
  arrives(r, F_ACK, 1, 1);
  rig_forget_said(r);
}

TEST(a_child_has_its_listeners_model_once_it_is_established)
{
  begin(1);
  child_of_a_bbr_listener();
  assert_int_equal(steered_by(r->tcb), LA_CC_BBR);
  assert_int_equal(r->t.models.used, 1);
  assert_int_equal(r->t.count[TCP_N_models_short], 0);
}

/* A SYN,ACK that was sent twice measures no round trip, and its octet may be all that arrived. */
TEST(the_octet_of_a_syn_is_no_bandwidth)
{
  const struct cc_sample syn = { .now = LA_SEC, .rate = 1, .delivered = 1, .total = 1,
                                 .app_limited = true, .mss = MSS };

  begin(1);
  child_of_a_bbr_listener();
  r->tcb->rtt.srtt_us = 0;
  r->tcb->cc.bbr->pacing_rate = 0;
  (void)cc_bbr.sampled(&r->tcb->cc, &syn);
  assert_true(tcp_pacing_rate(r->tcb) > 1000 * MSS);    /* a window in a millisecond, until then */
}

TEST(a_child_for_which_no_model_is_left_has_cubic)
{
  begin(0);
  child_of_a_bbr_listener();
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  assert_int_equal(steered_by(r->tcb), LA_CC_CUBIC);
  assert_int_equal(r->t.count[TCP_N_models_short], 1);
}

TEST(a_peer_without_sack_has_no_use_for_a_model)
{
  begin(1);
  r->options.present = TCP_OPT_MSS;
  r->t.set.congestion = LA_CC_BBR;
  rig_connect(r);
  rig_forget_said(r);
  assert_int_equal(r->t.models.used, 1);
  arrives(r, F_SYN | F_ACK, 0, 1);
  assert_int_equal(steered_by(r->tcb), LA_CC_CUBIC);
  assert_int_equal(r->t.models.used, 0);
  assert_int_equal(r->t.count[TCP_N_models_short], 1);
  assert_int_equal(steer_by(r->tcb, LA_CC_BBR), -LA_ESTATE);
}

TEST(a_change_in_mid_life_keeps_the_window)
{
  static const enum la_cc order[] = { LA_CC_CUBIC, LA_CC_BBR, LA_CC_NEWRENO, LA_CC_BBR };

  begin(1);
  rig_established(r, true);
  r->tcb->cc.cwnd = 20 * MSS;
  r->tcb->cc.ssthresh = 15 * MSS;
  for (unsigned i = 0; i < sizeof order / sizeof *order; i++) {
    assert_int_equal(steer_by(r->tcb, order[i]), LA_OK);
    assert_int_equal(r->tcb->cc.cwnd, 20 * MSS);
    user_sends(r, 2 * MSS);
    rig_forget_said(r);
    waits(r, 10 * LA_MS);
    acknowledges(2 * MSS);
    r->tcb->cc.cwnd = 20 * MSS;
  }
  assert_int_equal(r->t.models.used, 1);
}

RUN(cmocka_unit_test(a_rate_is_what_arrived_over_the_time_it_took),
    cmocka_unit_test(text_that_the_path_waited_for_measures_the_application),
    cmocka_unit_test(an_arrival_sooner_than_any_round_trip_is_no_sample),
    cmocka_unit_test(a_connection_takes_a_model_and_gives_it_back),
    cmocka_unit_test(a_connect_without_a_model_is_refused_and_changes_nothing),
    cmocka_unit_test(a_live_connection_without_a_model_keeps_what_it_has),
    cmocka_unit_test(a_child_has_its_listeners_model_once_it_is_established),
    cmocka_unit_test(the_octet_of_a_syn_is_no_bandwidth),
    cmocka_unit_test(a_child_for_which_no_model_is_left_has_cubic),
    cmocka_unit_test(a_peer_without_sack_has_no_use_for_a_model),
    cmocka_unit_test(a_change_in_mid_life_keeps_the_window))
