/* retry: each thing that a call can be refused for want of, then LA_EV_RETRY when there is some
 * again: once, in turn, and not before. */
#include "support/two.h"

enum { MANY = 300 };

static const la_endpoint any = { { 0, { 0 } }, 0 };

static la_config small(void)
{
  la_config c;

  two_config(&c);
  return c;
}

static unsigned hoard(la_stack *s, la_slab **slabs)
{
  unsigned n = 0;

  while (n < MANY && la_slab_get(s, &slabs[n]) == 0)
    n++;
  return n;
}

static void give_back(la_stack *s, la_slab **slabs, unsigned n)
{
  while (n > 0)
    la_slab_release(s, slabs[--n]);
}

/* The next event is that one, for this socket, and the stack asks to be looked at until then. */
static void is_told(la_stack *s, la_sock sock, int16_t error)
{
  la_event e;

  assert_true(la_deadline(s) <= la_now(s));
  assert_int_equal(la_events(s, &e, 1), 1);
  assert_int_equal(e.kind, LA_EV_RETRY);
  assert_int_equal(e.error, error);
  assert_int_equal(e.sock.bits, sock.bits);
}

static void nobody_is_told(la_stack *s)
{
  la_event e;

  while (la_events(s, &e, 1) == 1)
    assert_int_not_equal(e.kind, LA_EV_RETRY);
}

/* Everything that the opening had to tell is told. */
static void look_away(const struct two *t)
{
  la_event e;

  for (int i = 0; i < 2; i++)
    while (la_events(t->end[i], &e, 1) == 1)
      ;
}

static void pair_at(struct two *t, uint16_t port, la_sock sock[2])
{
  const la_sock listener = two_listen(t, 1, port, 4);

  two_pair(t, listener, port, sock);
  look_away(t);
}

TEST(slabs_of_a_sender)
{
  struct two t = two_new();
  la_slab *slabs[MANY];
  la_sock sock[2];

  pair_at(&t, 80, sock);
  const unsigned n = hoard(t.end[0], slabs);

  assert_int_equal(la_tcp_send(t.end[0], sock[0], "text", 4), -LA_ENOBUF);
  nobody_is_told(t.end[0]);
  la_slab_release(t.end[0], slabs[n - 1]);
  is_told(t.end[0], sock[0], LA_ENOBUF);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], "text", 4), 4);
  two_settle(&t);
  assert_int_equal(two_used(&t, 1, "slabs") > 0, 1);
  give_back(t.end[0], slabs, n - 1);
  look_away(&t);
  two_end(&t);
}

TEST(chunks_of_a_sender)
{
  la_config c = small();
  la_sock sock[2];
  la_frag frags[8];
  la_slab *slab;

  c.chunks = 8;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  pair_at(&t, 80, sock);
  assert_int_equal(la_slab_get(t.end[0], &slab), 0);
  for (uint32_t i = 0; i < 8; i++)
    frags[i] = (la_frag){ slab, 2 * i, 1 };   /* none touches the next */
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, 6), 0);
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags + 6, 1), -LA_ENOBUF);
  nobody_is_told(t.end[1]);
  two_until(&t, t.now + LA_SEC);              /* the peer acknowledges the six */
  is_told(t.end[0], sock[0], LA_ENOBUF);
  assert_int_equal(la_tcp_send_frags(t.end[0], sock[0], frags, 8), -LA_ENOBUF);
  nobody_is_told(t.end[0]);                   /* eight will never do, and so it does not ask */
  la_slab_release(t.end[0], slab);
  two_end(&t);
}

/* The first wants it all each time. The second has its turn all the same. */
TEST(senders_are_told_in_turn)
{
  static uint8_t text[1 << 16];
  unsigned turns[2] = { 0, 0 };
  struct two t = two_new();
  la_slab *slabs[MANY];
  la_sock a[2], b[2];
  la_event e;

  pair_at(&t, 80, a);
  pair_at(&t, 81, b);
  unsigned n = hoard(t.end[0], slabs);

  assert_int_equal(la_tcp_send(t.end[0], a[0], text, sizeof text), -LA_ENOBUF);
  assert_int_equal(la_tcp_send(t.end[0], b[0], text, sizeof text), -LA_ENOBUF);
  for (int i = 0; i < 8; i++) {
    la_slab_release(t.end[0], slabs[--n]);
    assert_int_equal(la_events(t.end[0], &e, 1), 1);
    assert_int_equal(e.kind, LA_EV_RETRY);
    turns[e.sock.bits == b[0].bits]++;
    assert_true(la_tcp_send(t.end[0], e.sock, text, sizeof text) > 0);
    assert_int_equal(la_tcp_send(t.end[0], e.sock, text, sizeof text), -LA_ENOBUF);
    nobody_is_told(t.end[0]);
  }
  assert_int_equal(turns[0], 4);
  assert_int_equal(turns[1], 4);
  give_back(t.end[0], slabs, n);
  two_end(&t);
}

TEST(who_has_tried_again_or_let_go_is_not_told)
{
  struct two t = two_new();
  la_slab *slabs[MANY];
  la_sock a[2], b[2];

  pair_at(&t, 80, a);
  pair_at(&t, 81, b);
  const unsigned n = hoard(t.end[0], slabs);

  assert_int_equal(la_tcp_send(t.end[0], a[0], "a", 1), -LA_ENOBUF);
  assert_int_equal(la_tcp_send(t.end[0], b[0], "b", 1), -LA_ENOBUF);
  give_back(t.end[0], slabs, n);
  assert_int_equal(la_tcp_send(t.end[0], a[0], "a", 1), 1);
  assert_int_equal(la_tcp_abort(t.end[0], b[0]), 0);
  look_away(&t);
  two_settle(&t);
  nobody_is_told(t.end[0]);
  two_end(&t);
}

TEST(models_of_bbr)
{
  la_config c = small();
  la_sock sock[2];

  c.models = 1;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  (void)two_listen(&t, 1, 80, 4);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(la_tcp_open(t.end[0], NULL, &sock[i]), 0);
    assert_int_equal(la_tcp_set(t.end[0], sock[i], LA_OPT_CONGESTION, LA_CC_BBR), 0);
  }
  assert_int_equal(la_tcp_connect(t.end[0], sock[0], two_at(1, 80)), 0);
  assert_int_equal(la_tcp_connect(t.end[0], sock[1], two_at(1, 80)), -LA_ENOBUF);
  two_settle(&t);
  look_away(&t);
  nobody_is_told(t.end[0]);
  assert_int_equal(la_tcp_abort(t.end[0], sock[0]), 0);
  is_told(t.end[0], sock[1], LA_ENOBUF);
  assert_int_equal(la_tcp_connect(t.end[0], sock[1], two_at(1, 80)), 0);
  two_end(&t);
}

TEST(the_ring_of_datagrams)
{
  la_config c = small();
  la_sock sock;

  c.replies = 4;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  assert_int_equal(la_udp_open(t.end[0], any, NULL, &sock), 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 9), "x", 1), 0);
  assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 9), "x", 1), -LA_ENOBUF);
  two_settle(&t);
  is_told(t.end[0], sock, LA_ENOBUF);
  two_end(&t);
}

TEST(slabs_of_a_datagram)
{
  struct two t = two_new();
  la_slab *slabs[MANY];
  la_sock sock;

  assert_int_equal(la_udp_open(t.end[0], any, NULL, &sock), 0);
  const unsigned n = hoard(t.end[0], slabs);

  assert_int_equal(la_udp_send(t.end[0], sock, two_at(1, 9), "x", 1), -LA_ENOBUF);
  nobody_is_told(t.end[0]);
  give_back(t.end[0], slabs, n);
  is_told(t.end[0], sock, LA_ENOBUF);
  assert_int_equal(la_udp_close(t.end[0], sock), 0);
  look_away(&t);
  two_end(&t);
}

TEST(slabs_and_foreign_slabs_of_the_application)
{
  const la_sock nobody = { 0 };
  la_config c = small();
  uint8_t octets[64];
  la_slab *slabs[MANY], *slab;

  c.foreign_slabs = 1;
  struct two t = two_of(&c, LA_MEDIUM_IP);
  const unsigned n = hoard(t.end[0], slabs);

  nobody_is_told(t.end[0]);                   /* hoard has asked for one too many */
  give_back(t.end[0], slabs, n);
  is_told(t.end[0], nobody, LA_ENOBUF);
  nobody_is_told(t.end[0]);
  assert_int_equal(la_slab_wrap(t.end[0], octets, 64, octets, &slab), 0);
  assert_int_equal(la_slab_wrap(t.end[0], octets, 64, octets, &slabs[0]), -LA_ENOBUF);
  la_slab_release(t.end[0], slab);
  nobody_is_told(t.end[0]);                   /* it is the caller's who must take it back first */
  void *owner;

  assert_int_equal(la_slab_returned(t.end[0], &owner, 1), 1);
  is_told(t.end[0], nobody, LA_ENOBUF);
  two_end(&t);
}

TEST(sockets)
{
  const la_sock nobody = { 0 };
  la_config c = small();
  la_sock sock[MANY], extra;
  unsigned n = 0;

  c.udp_sockets = 1;
  struct two t = two_of(&c, LA_MEDIUM_IP);

  while (la_tcp_open(t.end[0], NULL, &sock[n]) == 0)
    n++;
  nobody_is_told(t.end[0]);
  assert_int_equal(la_tcp_abort(t.end[0], sock[0]), 0);
  is_told(t.end[0], nobody, LA_ENOSOCK);
  assert_int_equal(la_udp_open(t.end[0], any, NULL, &sock[0]), 0);
  assert_int_equal(la_udp_open(t.end[0], any, NULL, &extra), -LA_ENOSOCK);
  assert_int_equal(la_udp_close(t.end[0], sock[0]), 0);
  is_told(t.end[0], nobody, LA_ENOSOCK);
  nobody_is_told(t.end[0]);
  two_end(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(slabs_of_a_sender), cmocka_unit_test(chunks_of_a_sender),
    cmocka_unit_test(senders_are_told_in_turn),
    cmocka_unit_test(who_has_tried_again_or_let_go_is_not_told),
    cmocka_unit_test(models_of_bbr), cmocka_unit_test(the_ring_of_datagrams),
    cmocka_unit_test(slabs_of_a_datagram),
    cmocka_unit_test(slabs_and_foreign_slabs_of_the_application), cmocka_unit_test(sockets),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
