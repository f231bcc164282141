/* The 18 problems of RFC 2525 2, each under its name: that we do not have it. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1000 };

static void begin(void)
{
  rig_init(r);
  r->options.mss = MSS;
}

static void established(void)
{
  begin();
  rig_established(r, false);
}

static void acks(uint32_t ack) { arrives(r, F_ACK, 1, ack); }

static void in_flight(uint32_t n)
{
  user_sends(r, n * MSS);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), n * MSS);
}

TEST(no_initial_slow_start)                           /* 2.1 */
{
  established();
  user_sends(r, 14 * MSS);
  rig_pump(r);
  assert_int_equal(tcp_flight(r->tcb), 10 * MSS);    /* RFC 6928's ten, and no more */
}

TEST(no_slow_start_after_retransmission_timeout)      /* 2.2 */
{
  established();
  in_flight(8);
  waits(r, 200 * LA_MS);
  says(r, "A 1+1000 1");
  assert_int_equal(r->tcb->cc.cwnd, MSS);
  acks(1 + MSS);
  says(r, "A 1001+1000 1; A 2001+1000 1");
}

TEST(uninitialized_cwnd)                              /* 2.3: whatever the handshake went through */
{
  begin();
  rig_listen(r, 1);
  arrives(r, F_SYN, 0, 0);
  arrives(r, F_SYN, 0, 0);
  rig_pump(r);
  arrives_with_text(r, F_ACK, 1, 1, 10);
  assert_int_equal(r->tcb->cc.cwnd, 10 * MSS);
  begin();
  rig_connect(r);
  rig_pump(r);
  arrives(r, F_SYN, 0, 0);                    /* both at once */
  arrives(r, F_ACK, 1, 1);
  assert_int_equal(r->tcb->cc.cwnd, 10 * MSS);
}

TEST(inconsistent_retransmission)                     /* 2.4: the same octets, cut the same way */
{
  struct tcp_out first;

  established();
  user_sends(r, 2 * MSS);
  rig_pump(r);
  first = r->out;
  acks(1 + MSS);
  user_sends(r, 500);                         /* no reason to make it longer */
  waits(r, 400 * LA_MS);
  assert_int_equal(r->tcb->timeouts, 1);
  assert_true(seq_eq(first.seq, r->out.seq));
  assert_int_equal(r->out.text, first.text);
  assert_ptr_equal(r->out.frag[0].slab, first.frag[0].slab);
  assert_int_equal(r->out.frag[0].offset, first.frag[0].offset);
}

TEST(failure_to_retain_above_sequence_data)           /* 2.5 */
{
  established();
  arrives_with_text(r, F_ACK, 101, 1, 100);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  user_reads(r, 1, 200);
}

TEST(extra_additive_constant_in_congestion_avoidance) /* 2.6: a segment a window, no eighth more */
{
  uint32_t una = 1;

  established();
  r->tcb->cc.ssthresh = r->tcb->cc.cwnd = 8 * MSS;
  in_flight(8);
  for (int i = 0; i < 8; i++) {
    una += MSS;
    acks(una);
  }
  assert_int_equal(r->tcb->cc.cwnd, 9 * MSS);
}

TEST(initial_rto_too_low)                             /* 2.7 */
{
  begin();
  rig_connect(r);
  rig_forget_said(r);
  waits(r, LA_SEC - 1);
  says(r, "");
}

TEST(failure_of_window_deflation_after_loss_recovery) /* 2.8 */
{
  established();
  in_flight(10);
  for (int i = 0; i < 9; i++)
    acks(1);
  assert_true(r->tcb->cc.cwnd > r->tcb->cc.ssthresh);
  acks(1 + 10 * MSS);
  assert_true(r->tcb->cc.cwnd <= r->tcb->cc.ssthresh);
}

static void watched(void)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE, 1), LA_OK);
  waits(r, 7200 * LA_SEC);
  says(r, "A 0 1");
}

TEST(excessively_short_keepalive_connection_timeout)  /* 2.9: nine probes, not one */
{
  watched();
  waits(r, 8 * 75 * LA_SEC + 74 * LA_SEC);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  waits(r, LA_SEC);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
}

TEST(failure_to_back_off_retransmission_timeout)      /* 2.10 */
{
  la_time due;

  established();
  in_flight(1);
  due = tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) - r->t.now;
  for (int i = 0; i < 5; i++) {
    waits(r, due);
    assert_true(tcp_timer_due(r->tcb, TCP_T_RETRANSMIT) - r->t.now == 2 * due);
    due *= 2;
  }
}

TEST(insufficient_interval_between_keepalives)        /* 2.11 */
{
  watched();
  waits(r, 74 * LA_SEC);
  says(r, "");
  waits(r, LA_SEC);
  says(r, "A 0 1");
}

TEST(window_probe_deadlock)                           /* 2.12: a probe's ACK opens nothing */
{
  established();
  r->wnd = 0;
  acks(1);
  user_sends(r, 100);
  waits(r, LA_SEC);
  acks(2);                                    /* the probe's octet is taken, and no more */
  rig_forget_said(r);
  waits(r, 10 * LA_SEC);
  assert_true(strlen(r->said) > 0);           /* it goes on asking */
  r->wnd = RIG_WND;
  acks(3);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), 98);
}

TEST(stretch_ack_violation)                           /* 2.13 */
{
  begin();
  r->options.mss = 1460;
  rig_established(r, false);
  for (uint32_t i = 0; i < 6; i++) {
    arrives_with_text(r, F_ACK, 1 + i * 1460, 1, 1460);
    rig_pump(r);
  }
  says(r, "A 1 2921; A 1 5841; A 1 8761");
}

TEST(retransmission_sends_multiple_packets)           /* 2.14 */
{
  established();
  in_flight(6);
  for (int i = 0; i < 3; i++)
    acks(1);
  says(r, "A 1+1000 1");
}

TEST(failure_to_send_fin_notification_promptly)       /* 2.15 */
{
  established();
  in_flight(1);
  user_sends(r, 10);                          /* Nagle would hold it back */
  says(r, "");
  user_closes(r);
  says(r, "FPA 1001+10 1");
}

TEST(failure_to_send_a_rst_after_half_duplex_close)   /* 2.16 */
{
  established();
  tcp_forget(&r->t, r->tcb);
  says(r, "FA 1 1");
  acks(2);
  arrives_with_text(r, F_ACK, 1, 2, 10);
  rig_pump(r);
  assert_int_equal(r->reply.flags & F_RST, F_RST);
}

TEST(failure_to_rst_on_close_with_data_pending)       /* 2.17 */
{
  established();
  arrives_with_text(r, F_ACK, 1, 1, 10);
  rig_forget_said(r);
  tcp_forget(&r->t, r->tcb);
  rig_pump(r);
  assert_int_equal(r->reply.flags & F_RST, F_RST);
}

TEST(options_missing_from_tcp_mss_calculation)        /* 2.18 */
{
  begin();
  r->t.set.no_timestamps = false;
  r->options.present |= TCP_OPT_TS;
  rig_established(r, false);
  user_sends(r, 2 * MSS);
  rig_pump(r);
  assert_int_equal(r->tcb->mss, MSS - 12);
  assert_int_equal(r->out.text + r->out.options_length, MSS);
}

RUN(cmocka_unit_test(no_initial_slow_start),
    cmocka_unit_test(no_slow_start_after_retransmission_timeout),
    cmocka_unit_test(uninitialized_cwnd),
    cmocka_unit_test(inconsistent_retransmission),
    cmocka_unit_test(failure_to_retain_above_sequence_data),
    cmocka_unit_test(extra_additive_constant_in_congestion_avoidance),
    cmocka_unit_test(initial_rto_too_low),
    cmocka_unit_test(failure_of_window_deflation_after_loss_recovery),
    cmocka_unit_test(excessively_short_keepalive_connection_timeout),
    cmocka_unit_test(failure_to_back_off_retransmission_timeout),
    cmocka_unit_test(insufficient_interval_between_keepalives),
    cmocka_unit_test(window_probe_deadlock),
    cmocka_unit_test(stretch_ack_violation),
    cmocka_unit_test(retransmission_sends_multiple_packets),
    cmocka_unit_test(failure_to_send_fin_notification_promptly),
    cmocka_unit_test(failure_to_send_a_rst_after_half_duplex_close),
    cmocka_unit_test(failure_to_rst_on_close_with_data_pending),
    cmocka_unit_test(options_missing_from_tcp_mss_calculation))
