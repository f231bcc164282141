/* found: what fuzzing found, told as stories. */
#include "support/two.h"

/* 3.10.2: text given before the handshake is over is queued, and nothing of it is lost. */
TEST(text_queued_behind_the_syn_arrives_whole)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  const la_sock client = two_connect(&t, 0, 80);
  uint8_t text[16];
  la_sock server;

  assert_int_equal(la_tcp_send(t.end[0], client, "hello", 5), 5);
  two_settle(&t);
  assert_int_equal(la_tcp_accept(t.end[1], listener, NULL, &server), 0);
  assert_int_equal(la_tcp_recv(t.end[1], server, text, sizeof text), 5);
  assert_memory_equal(text, "hello", 5);
  two_end(&t);
}

RUN(cmocka_unit_test(text_queued_behind_the_syn_arrives_whole))
