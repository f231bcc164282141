/* marks: the time to live and the Differentiated Services field that an application chooses. */
#include "support/two.h"

/* The first packet that `end` has to say now; its header is a good IPv4 header. */
static la_pkt next_packet(struct two *t, int end)
{
  la_pkt pkt;
  uint32_t sum = 0;

  assert_int_equal(la_output(t->end[end], t->now, &pkt, 1), 1);
  assert_int_equal(pkt.head[0], 0x45);
  for (int i = 0; i < 20; i += 2)
    sum += (uint32_t)(pkt.head[i] << 8 | pkt.head[i + 1]);
  assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
  la_pkt_release(t->end[end], &pkt);
  return pkt;
}

TEST(ttl_and_dscp_are_in_every_packet_and_may_change)
{
  struct two t = two_new();
  la_sock sock[2];
  la_pkt pkt;
  int64_t value;

  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock[0]), 0);
  assert_int_equal(la_tcp_get(t.end[0], sock[0], LA_OPT_TTL, &value), 0);
  assert_int_equal(value, 64);
  assert_int_equal(la_tcp_get(t.end[0], sock[0], LA_OPT_DSCP, &value), 0);
  assert_int_equal(value, 0);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_TTL, 7), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_DSCP, 46), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_TTL, 0), -LA_EINVAL);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_TTL, 256), -LA_EINVAL);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_DSCP, 64), -LA_EINVAL);
  assert_int_equal(la_tcp_connect(t.end[0], sock[0], two_at(1, 80)), 0);
  pkt = next_packet(&t, 0);
  assert_int_equal(pkt.head[8], 7);
  assert_int_equal(pkt.head[1], 46 << 2);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_DSCP, 10), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock[0], LA_OPT_TTL, 255), 0);
  t.now += 2 * LA_SEC;
  pkt = next_packet(&t, 0);                   /* the SYN again */
  assert_int_equal(pkt.head[8], 255);
  assert_int_equal(pkt.head[1], 10 << 2);
  two_end(&t);
}

TEST(a_listener_hands_them_to_its_children)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  la_sock sock[2];
  la_pkt pkt;

  assert_int_equal(la_tcp_set(t.end[1], listener, LA_OPT_TTL, 3), 0);
  assert_int_equal(la_tcp_set(t.end[1], listener, LA_OPT_DSCP, 8), 0);
  two_pair(&t, listener, 80, sock);
  assert_int_equal(la_tcp_send(t.end[1], sock[1], "x", 1), 1);
  pkt = next_packet(&t, 1);
  assert_int_equal(pkt.head[8], 3);
  assert_int_equal(pkt.head[1], 8 << 2);
  two_end(&t);
}

/* RFC 3168 5: the other two bits of that field are ECN's. Of a connection that has agreed, new text
 * says that it can be marked, and nothing else does. */
TEST(ecn_is_agreed_by_those_who_ask_and_new_text_can_be_marked)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  la_sock_info info;
  la_sock sock;
  int64_t value;
  la_pkt pkt;

  assert_int_equal(la_tcp_open(t.end[0], NULL, &sock), 0);
  assert_int_equal(la_tcp_get(t.end[0], sock, LA_OPT_ECN, &value), 0);
  assert_int_equal(value, LA_ECN_ACCEPT);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_ECN, LA_ECN_ASK + 1), -LA_EINVAL);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_ECN, LA_ECN_ASK), 0);
  assert_int_equal(la_tcp_set(t.end[0], sock, LA_OPT_DSCP, 8), 0);
  assert_int_equal(la_tcp_connect(t.end[0], sock, two_at(1, 80)), 0);
  two_settle(&t);
  assert_int_equal(la_sock_get(t.end[0], sock, &info), 0);
  assert_true(info.flags & LA_SOCK_ECN);
  assert_int_equal(la_tcp_send(t.end[0], sock, "x", 1), 1);
  pkt = next_packet(&t, 0);
  assert_int_equal(pkt.head[1], 8 << 2 | 2);
  t.now += 2 * LA_SEC;
  pkt = next_packet(&t, 0);                   /* sent again */
  assert_int_equal(pkt.head[1], 8 << 2);
  (void)listener;
  two_end(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ttl_and_dscp_are_in_every_packet_and_may_change),
    cmocka_unit_test(a_listener_hands_them_to_its_children),
    cmocka_unit_test(ecn_is_agreed_by_those_who_ask_and_new_text_can_be_marked),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
