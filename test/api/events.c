/* events: whose events are told, and whose no more, on two stacks that only lastack.h shows. */
#include "support/two.h"

/* Text and FIN have come together: three kinds at once, of which only one is fetched before the
 * application lets go. Its connection lives on in LAST-ACK, but says nothing any more. */
TEST(a_socket_that_is_let_go_between_its_events_is_silent)
{
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 4);
  char text[16];
  la_sock sock[2];
  la_event e;

  two_pair(&t, listener, 80, sock);
  while (la_events(t.end[1], &e, 1) > 0)
    ;
  assert_int_equal(la_tcp_send(t.end[0], sock[0], "bye", 3), 3);
  assert_int_equal(la_tcp_close(t.end[0], sock[0]), 0);
  two_settle(&t);
  assert_int_equal(la_events(t.end[1], &e, 1), 1);
  assert_int_equal(e.sock.bits, sock[1].bits);
  assert_int_equal(la_tcp_recv(t.end[1], sock[1], text, sizeof text), 3);
  assert_int_equal(la_tcp_forget(t.end[1], sock[1]), 0);
  assert_string_equal(two_state(&t, 1, sock[1]), "LAST-ACK");
  assert_int_equal(la_events(t.end[1], &e, 1), 0);
  two_settle(&t);
  assert_int_equal(la_events(t.end[1], &e, 1), 0);
  two_end(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_socket_that_is_let_go_between_its_events_is_silent),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
