/* What is counted for those who look in, by numbers: segments that have arrived, by whom text was
 * kept back and for how long (RFC 4898 4), and what came how. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { MSS = 1000, RTT_MS = 100 };

/* A round trip of 100 ms is known. */
static void established_with(bool sack, uint32_t send_buffer)
{
  struct tcp_settings set = rig_settings();

  set.no_sack = !sack;
  set.send_buffer = send_buffer;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.mss = MSS;
  r->options.present |= sack ? TCP_OPT_SACK_OK : 0;
  rig_connect(r);
  rig_forget_said(r);
  waits(r, RTT_MS * LA_MS);
  arrives(r, F_SYN | F_ACK, 0, 1);
  r->options.present = 0;
  rig_forget_said(r);
}

static void established(void) { established_with(false, 16384); }

static void sends(uint32_t n)
{
  user_sends(r, n);
  rig_forget_said(r);
}

static void acks(uint32_t ack)
{
  arrives(r, F_ACK, 1, ack);
  rig_forget_said(r);
}

static void acks_block(uint32_t ack, uint32_t start, uint32_t end)
{
  const uint32_t iss = r->tcb->snd.iss.n;

  r->options.present = TCP_OPT_SACK;
  r->options.sacks = 1;
  r->options.sack[0] = (struct tcp_sack){ iss + start, iss + end };
  acks(ack);
  r->options.present = 0;
}

static void offers_window(uint32_t wnd, uint32_t ack)
{
  r->wnd = wnd;
  acks(ack);
}

static int64_t ms(enum tcp_limit by) { return tcp_limited(&r->t, r->tcb, by) / LA_MS; }

static int64_t busy(void) { return ms(LIMIT_BUSY) + ms(LIMIT_RWND) + ms(LIMIT_SNDBUF); }

/* ---- what has arrived ---- */

TEST(a_syn_each_segment_and_a_fin_count_as_delivered)
{
  established();
  assert_int_equal(r->tcb->delivered, 1);
  sends(3 * MSS);
  assert_int_equal(r->tcb->delivered, 1);
  acks(1 + 2 * MSS);
  assert_int_equal(r->tcb->delivered, 3);
  acks(1 + 3 * MSS);
  assert_int_equal(r->tcb->delivered, 4);
  user_closes(r);
  rig_forget_said(r);
  acks(2 + 3 * MSS);
  assert_int_equal(r->tcb->delivered, 5);
}

TEST(an_accepted_connection_has_delivered_its_syn_ack)
{
  rig_init(r);
  rig_established(r, true);
  assert_int_equal(r->tcb->delivered, 1);
}

TEST(small_segments_that_left_at_once_count_each)
{
  established();
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_NODELAY, 1), LA_OK);
  for (int i = 0; i < 5; i++)
    sends(10);
  assert_int_equal(r->tcb->flight_count, 1);
  assert_int_equal(tcp_flight_fates(r->tcb).flight, 5);
  acks(1 + 20);
  assert_int_equal(r->tcb->delivered, 1 + 2);
  assert_int_equal(tcp_flight_fates(r->tcb).flight, 3);
  acks(1 + 50);
  assert_int_equal(r->tcb->delivered, 1 + 5);
}

TEST(a_run_of_segments_counts_its_pieces)
{
  established();
  r->tcb->path.gso_max = 60000;
  user_sends(r, 2 * MSS + 1);
  says(r, "PA 1+2001/1000 1");
  assert_int_equal(r->tcb->text_segments_out, 3);
  acks(1 + MSS);
  assert_int_equal(r->tcb->delivered, 1 + 1);
  acks(1 + 2 * MSS);
  assert_int_equal(r->tcb->delivered, 1 + 2);
}

TEST(what_sack_tells_of_is_delivered_once)
{
  established_with(true, 16384);
  sends(4 * MSS);
  acks_block(1, 1 + MSS, 1 + 3 * MSS);
  assert_int_equal(r->tcb->delivered, 1 + 2);
  assert_int_equal(tcp_flight_fates(r->tcb).sacked, 2);
  acks_block(1, 1 + MSS, 1 + 4 * MSS);
  assert_int_equal(r->tcb->delivered, 1 + 3);
  acks(1 + 4 * MSS);
  assert_int_equal(r->tcb->delivered, 1 + 4);
  assert_int_equal(tcp_flight_fates(r->tcb).flight, 0);
}

TEST(each_fate_of_what_is_in_flight_is_counted)
{
  struct tcp_fates n;

  established_with(true, 16384);
  r->tcb->cc.cwnd = 5 * MSS;
  sends(5 * MSS);
  acks_block(1, 1 + 2 * MSS, 1 + 5 * MSS);    /* two are lost, and PRR lets the first go again */
  n = tcp_flight_fates(r->tcb);
  assert_int_equal(n.flight, 5);
  assert_int_equal(n.sacked, 3);
  assert_int_equal(n.lost + n.resent, 2);
  assert_true(n.resent >= 1);
  assert_int_equal(r->tcb->retransmissions, n.resent);
}

TEST(acks_that_echo_a_mark_are_counted_by_segments)
{
  struct tcp_settings set = rig_settings();

  set.habits.ecn = LA_ECN_ASK;
  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
  r->options.mss = MSS;
  rig_connect(r);
  rig_forget_said(r);
  arrives(r, F_SYN | F_ACK | F_ECE, 0, 1);
  sends(4 * MSS);
  acks(1 + MSS);
  assert_int_equal(r->tcb->delivered_ce, 0);
  arrives(r, F_ACK | F_ECE, 1, 1 + 3 * MSS);
  assert_int_equal(r->tcb->delivered_ce, 2);
  assert_int_equal(r->tcb->delivered, 1 + 3);
  assert_true(tcp_ecn_has_reduced(r->tcb));
  acks(1 + 4 * MSS);
  assert_int_equal(r->tcb->delivered_ce, 2);
}

TEST(a_segment_that_was_overtaken_counts_as_reordering)
{
  established_with(true, 16384);
  sends(2 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks_block(1, 1 + MSS, 1 + 2 * MSS);
  assert_int_equal(r->tcb->reorderings, 0);
  acks(1 + 2 * MSS);
  assert_int_equal(r->tcb->reorderings, 1);
}

TEST(a_rate_is_what_arrived_in_a_round_trip)
{
  established();
  assert_true(tcp_delivery_rate(r->tcb) < 100);         /* that of the SYN */
  sends(4 * MSS);
  waits(r, RTT_MS * LA_MS);
  acks(1 + 4 * MSS);
  assert_in_range(tcp_delivery_rate(r->tcb), 39900, 40100);     /* its clock ticks in 1,024 ns */
}

/* ---- what left, and what came ---- */

TEST(segments_with_text_are_told_apart_from_those_without)
{
  established();
  sends(2 * MSS);
  acks(1 + 2 * MSS);
  arrives_with_text(r, F_ACK, 1, 1 + 2 * MSS, 300);
  arrives_with_text(r, F_ACK, 301, 1 + 2 * MSS, 700);
  rig_forget_said(r);
  assert_int_equal(r->tcb->text_segments_out, 2);
  assert_true(r->tcb->segments_out > 3);      /* SYN and ACKs, too */
  assert_int_equal(r->tcb->text_segments_in, 2);
  assert_int_equal(r->tcb->segments_in, 4);
  assert_int_equal(r->tcb->segment_in, 700);
}

TEST(text_that_goes_again_is_counted_apart)
{
  established();
  sends(MSS);
  waits(r, 4 * RTT_MS * LA_MS);               /* a time-out after three */
  assert_int_equal(r->tcb->text_segments_out, 2);
  assert_int_equal(r->tcb->octets_sent, 2 * MSS);
  assert_int_equal(tcp_flight_text(r->tcb), MSS);
  acks(1 + MSS);
  assert_int_equal(tcp_flight_text(r->tcb), 0);
  assert_int_equal(r->tcb->octets_acked, MSS);
}

TEST(syn_and_fin_are_no_text)
{
  rig_init(r);
  rig_connect(r);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), 1);
  assert_int_equal(tcp_flight_text(r->tcb), 0);
  established();
  sends(10);
  user_closes(r);
  rig_forget_said(r);
  assert_int_equal(tcp_flight(r->tcb), 11);
  assert_int_equal(tcp_flight_text(r->tcb), 10);
}

TEST(text_before_its_turn_is_counted)
{
  established();
  arrives_with_text(r, F_ACK, 101, 1, 100);
  arrives_with_text(r, F_ACK, 301, 1, 100);
  arrives_with_text(r, F_ACK, 1, 1, 100);
  assert_int_equal(r->tcb->early_segments, 2);
}

TEST(a_stamp_is_the_time_that_it_was_made_at_even_after_weeks)
{
  la_time then;

  established();
  then = r->t.now / LA_MS * LA_MS;
  assert_int_equal(tcp_time_of(&r->t, tcp_ms(&r->t)), then);
  waits(r, 1500 * LA_MS);
  assert_int_equal(tcp_time_of(&r->t, r->tcb->text_received_ms), then);
  arrives_with_text(r, F_ACK, 1, 1, 1);
  assert_int_equal(tcp_time_of(&r->t, r->tcb->text_received_ms), then + 1500 * LA_MS);
  waits(r, 49 * 24 * 3600 * LA_SEC);
  assert_int_equal(tcp_time_of(&r->t, r->tcb->text_received_ms), then + 1500 * LA_MS);
}

/* ---- for how long, and why ---- */

TEST(it_is_busy_from_the_first_octet_queued_to_the_last_acknowledged)
{
  established();
  waits(r, 70 * LA_MS);
  assert_int_equal(busy(), 0);
  sends(2 * MSS);
  waits(r, 20 * LA_MS);
  acks(1 + MSS);
  waits(r, 10 * LA_MS);
  assert_int_equal(busy(), 30);
  acks(1 + 2 * MSS);
  waits(r, 500 * LA_MS);
  assert_int_equal(busy(), 30);
  assert_int_equal(ms(LIMIT_RWND) + ms(LIMIT_SNDBUF), 0);
  sends(1);
  waits(r, 5 * LA_MS);
  assert_int_equal(busy(), 35);
}

TEST(a_fin_keeps_it_busy_too)
{
  established();
  user_closes(r);
  waits(r, 40 * LA_MS);
  acks(2);
  waits(r, 40 * LA_MS);
  assert_int_equal(busy(), 40);
}

TEST(a_shut_window_is_the_peers_limit_whatever_is_probed)
{
  established();
  offers_window(0, 1);
  sends(10);
  waits(r, 5 * LA_SEC);                       /* probes go, and all ten octets could be in one */
  assert_int_equal(ms(LIMIT_RWND), 5000);
  offers_window(RIG_WND, 1);
  waits(r, 30 * LA_MS);
  assert_int_equal(ms(LIMIT_RWND), 5000);
  assert_int_equal(busy(), 5030);
}

TEST(a_window_that_is_full_is_the_peers_limit_and_one_too_small_for_a_segment)
{
  established();
  offers_window(2 * MSS, 1);
  sends(3 * MSS);
  waits(r, 10 * LA_MS);
  assert_int_equal(ms(LIMIT_RWND), 10);       /* two in flight, the third does not fit */
  offers_window(MSS / 2, 1 + 2 * MSS);
  waits(r, 10 * LA_MS);
  assert_int_equal(ms(LIMIT_RWND), 20);
  offers_window(MSS, 1 + 2 * MSS);
  waits(r, 10 * LA_MS);
  assert_int_equal(ms(LIMIT_RWND), 20);
  assert_int_equal(busy(), 30);
}

TEST(cwnd_and_nagle_are_neither_limit)
{
  established();
  r->tcb->cc.cwnd = 2 * MSS;
  sends(10 * MSS);
  waits(r, 10 * LA_MS);
  assert_int_equal(busy(), 10);
  assert_int_equal(ms(LIMIT_BUSY), 10);
  established();
  sends(10);
  sends(10);                                  /* waits for the first ten */
  waits(r, 10 * LA_MS);
  assert_int_equal(tcp_unsent(r->tcb), 10);
  assert_int_equal(ms(LIMIT_BUSY), 10);
}

TEST(a_send_buffer_smaller_than_cwnd_is_our_own_limit)
{
  static uint8_t octets[20 * MSS];

  established_with(false, 6 * MSS);
  r->tcb->cc.cwnd = 10 * MSS;
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, sizeof octets, TCP_SEND_PLAIN), 6 * MSS);
  waits(r, 25 * LA_MS);
  assert_int_equal(ms(LIMIT_SNDBUF), 25);
  acks(1 + MSS);                              /* not yet enough to tell the application */
  waits(r, 5 * LA_MS);
  assert_int_equal(ms(LIMIT_SNDBUF), 30);
  acks(1 + 4 * MSS);                          /* it is told, and says no more */
  waits(r, 100 * LA_MS);
  assert_int_equal(ms(LIMIT_SNDBUF), 30);
  assert_int_equal(busy(), 130);
}

TEST(an_application_that_offers_all_it_has_is_not_limited_by_the_buffer)
{
  established_with(false, 6 * MSS);
  sends(6 * MSS);
  waits(r, 25 * LA_MS);
  assert_int_equal(ms(LIMIT_SNDBUF), 0);
  assert_int_equal(busy(), 25);
}

TEST(the_end_of_a_connection_ends_its_time)
{
  established();
  sends(MSS);
  waits(r, 10 * LA_MS);
  r->tcb->flags |= TCB_HELD;
  arrives(r, F_RST, 1, 0);
  waits(r, 10 * LA_MS);
  assert_int_equal(r->tcb->state, TCP_CLOSED);
  assert_int_equal(busy(), 10);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_syn_each_segment_and_a_fin_count_as_delivered),
    cmocka_unit_test(an_accepted_connection_has_delivered_its_syn_ack),
    cmocka_unit_test(small_segments_that_left_at_once_count_each),
    cmocka_unit_test(a_run_of_segments_counts_its_pieces),
    cmocka_unit_test(what_sack_tells_of_is_delivered_once),
    cmocka_unit_test(each_fate_of_what_is_in_flight_is_counted),
    cmocka_unit_test(acks_that_echo_a_mark_are_counted_by_segments),
    cmocka_unit_test(a_segment_that_was_overtaken_counts_as_reordering),
    cmocka_unit_test(a_rate_is_what_arrived_in_a_round_trip),
    cmocka_unit_test(segments_with_text_are_told_apart_from_those_without),
    cmocka_unit_test(text_that_goes_again_is_counted_apart),
    cmocka_unit_test(syn_and_fin_are_no_text),
    cmocka_unit_test(text_before_its_turn_is_counted),
    cmocka_unit_test(a_stamp_is_the_time_that_it_was_made_at_even_after_weeks),
    cmocka_unit_test(it_is_busy_from_the_first_octet_queued_to_the_last_acknowledged),
    cmocka_unit_test(a_fin_keeps_it_busy_too),
    cmocka_unit_test(a_shut_window_is_the_peers_limit_whatever_is_probed),
    cmocka_unit_test(a_window_that_is_full_is_the_peers_limit_and_one_too_small_for_a_segment),
    cmocka_unit_test(cwnd_and_nagle_are_neither_limit),
    cmocka_unit_test(a_send_buffer_smaller_than_cwnd_is_our_own_limit),
    cmocka_unit_test(an_application_that_offers_all_it_has_is_not_limited_by_the_buffer),
    cmocka_unit_test(the_end_of_a_connection_ends_its_time),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
