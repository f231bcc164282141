/* info: what la_sock_get tells of a connection between two stacks, by numbers. */
#include "support/two.h"

enum { PORT = 80 };

static la_sock_info info_of(const struct two *t, int end, la_sock sock)
{
  la_sock_info info;

  assert_int_equal(la_sock_get(t->end[end], sock, &info), 0);
  return info;
}

static struct two pair(la_sock sock[2])
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, PORT, 4);

  two_pair(&t, listener, PORT, sock);
  return t;
}

TEST(both_ends_tell_the_same_of_what_went_from_one_to_the_other)
{
  static const uint8_t octets[5000];
  la_sock sock[2];
  struct two t = pair(sock);
  la_sock_info ours, theirs;

  assert_int_equal(la_tcp_send(t.end[0], sock[0], octets, sizeof octets), sizeof octets);
  t.now += 10 * LA_MS;
  two_until(&t, t.now + LA_SEC);
  ours = info_of(&t, 0, sock[0]);
  theirs = info_of(&t, 1, sock[1]);
  assert_int_equal(ours.octets_sent, sizeof octets);
  assert_int_equal(ours.octets_resent, 0);
  assert_int_equal(ours.octets_acked, sizeof octets);
  assert_int_equal(theirs.octets_in, sizeof octets);
  assert_int_equal(ours.text_segments_out, 4);
  assert_int_equal(theirs.text_segments_in, 4);
  assert_int_equal(ours.segments_out, theirs.segments_in + 1);    /* a listener heard the SYN */
  assert_int_equal(ours.delivered, 1 + 4);
  assert_int_equal(ours.text_segments_in, 0);
  assert_int_equal(theirs.segment_in, ours.mss);
  assert_int_equal(ours.segments_flight, 0);
  assert_true(ours.last_text_sent >= LA_SEC && ours.last_text_sent <= t.now);
  assert_true(theirs.last_text_received >= ours.last_text_sent);
  two_end(&t);
}

TEST(a_reader_that_sleeps_makes_the_writer_wait_for_its_window)
{
  static const uint8_t octets[300 * 1024];
  la_sock sock[2];
  struct two t = pair(sock);
  la_sock_info info;
  int sent = la_tcp_send(t.end[0], sock[0], octets, sizeof octets);

  assert_true(sent > 0);
  two_settle(&t);
  while (sent > 0) {                          /* until both buffers are full */
    sent = la_tcp_send(t.end[0], sock[0], octets, sizeof octets);
    two_settle(&t);
  }
  assert_int_equal(sent, -LA_EAGAIN);
  info = info_of(&t, 0, sock[0]);
  two_until(&t, t.now + 7 * LA_SEC);
  assert_int_equal(info_of(&t, 0, sock[0]).rwnd_limited - info.rwnd_limited, 7 * LA_SEC);
  assert_int_equal(info_of(&t, 0, sock[0]).busy - info.busy, 7 * LA_SEC);
  assert_int_equal(info_of(&t, 0, sock[0]).sndbuf_limited, info.sndbuf_limited);
  two_end(&t);
}

TEST(a_pace_and_its_limit_are_told)
{
  static const uint8_t octets[20000];
  la_sock sock[2];
  struct two t = pair(sock);
  la_sock_info info = info_of(&t, 0, sock[0]);

  assert_int_equal(info.pacing_rate, 0);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_PACING_RATE, 100000), 0);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], octets, sizeof octets), sizeof octets);
  two_until(&t, t.now + LA_SEC);
  info = info_of(&t, 0, sock[0]);
  assert_int_equal(info.pacing_limit, 100000);
  assert_int_equal(info.pacing_rate, 100000);
  two_end(&t);
}

TEST(ack_delay_is_what_an_ack_may_wait_now)
{
  la_sock sock[2];
  struct two t = pair(sock);

  assert_int_equal(info_of(&t, 0, sock[0]).ack_delay, 40 * LA_MS);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_QUICKACK, 1), 0);
  assert_int_equal(info_of(&t, 0, sock[0]).ack_delay, 0);
  two_end(&t);
}

TEST(sockets_without_a_connection_can_be_asked_whatever_their_options)
{
  struct two t = two_new();
  la_sock sock;
  la_sock_info info;

  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_CONGESTION, LA_CC_BBR), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_PACING_RATE, 1000), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_V6ONLY, 1), 0);
  info = info_of(&t, 0, sock);
  assert_int_equal(info.pacing_rate, 0);      /* there is no path yet whose pace it could know */
  assert_int_equal(info.congestion, LA_CC_BBR);
  assert_true(info.flags & LA_SOCK_V6ONLY);
  assert_int_equal(info.busy, 0);
  two_end(&t);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
    cmocka_unit_test(both_ends_tell_the_same_of_what_went_from_one_to_the_other),
    cmocka_unit_test(a_reader_that_sleeps_makes_the_writer_wait_for_its_window),
    cmocka_unit_test(a_pace_and_its_limit_are_told),
    cmocka_unit_test(ack_delay_is_what_an_ack_may_wait_now),
    cmocka_unit_test(sockets_without_a_connection_can_be_asked_whatever_their_options),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
