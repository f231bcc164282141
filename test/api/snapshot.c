/* snapshot: a stack is a value. What happens after a copy happens again, octet by octet, once the
 * copy is restored. */
#include "support/two.h"

static size_t octets_of(const la_stack *s)
{
  return la_snapshot(s, NULL, 0);
}

/* All that end 0 says in the next ten seconds, if nobody answers. */
static size_t monologue(la_stack *s, la_time from, uint8_t *octets, size_t max)
{
  size_t n = 0;

  for (la_time now = from; now < from + 10 * LA_SEC; now += 100 * LA_MS) {
    la_pkt pkt;

    while (la_output(s, now, &pkt, 1) == 1) {
      n += la_pkt_copy(&pkt, octets + n, max - n);
      la_pkt_release(s, &pkt);
    }
  }
  return n;
}

TEST(what_follows_a_copy_follows_it_again)
{
  enum { MAX = 1 << 20 };
  struct two t = two_new();
  const la_sock listener = two_listen(&t, 1, 80, 1);
  uint8_t *const first = test_memory(MAX), *const second = test_memory(MAX);
  static const uint8_t text[30000] = { 1, 2, 3 };
  la_sock sock[2];

  two_pair(&t, listener, 80, sock);
  assert_int_equal(la_tcp_send(t.end[0], sock[0], text, sizeof text), sizeof text);
  const size_t size = octets_of(t.end[0]);
  void *const copy = test_memory(size);

  assert_int_equal(la_snapshot(t.end[0], copy, size), size);
  const size_t n = monologue(t.end[0], t.now, first, MAX);

  assert_true(n > 0);
  assert_int_equal(la_restore(t.end[0], copy, size), 0);
  assert_true(la_now(t.end[0]) == t.now);
  assert_int_equal(monologue(t.end[0], t.now, second, MAX), n);
  assert_memory_equal(first, second, n);
  assert_int_equal(la_restore(t.end[0], copy, size), 0);
  two_settle(&t);                             /* and it goes on as if nothing had been */
  la_sock_info info;

  assert_int_equal(la_sock_get(t.end[1], sock[1], &info), 0);
  assert_true(info.receive_queue > 0);
  two_end(&t);
  free(copy);
  free(first);
  free(second);
}

TEST(two_stacks_made_alike_say_the_same)
{
  enum { MAX = 1 << 16 };
  uint8_t said[2][MAX];
  size_t n[2];

  for (int i = 0; i < 2; i++) {
    struct two t = two_new();

    (void)two_connect(&t, 0, 80);
    n[i] = monologue(t.end[0], t.now, said[i], MAX);
    two_end(&t);
  }
  assert_int_equal(n[0], n[1]);
  assert_true(n[0] > 0);
  assert_memory_equal(said[0], said[1], n[0]);
}

TEST(what_is_no_copy_of_this_block_is_refused)
{
  struct two t = two_new();
  const size_t size = octets_of(t.end[0]);
  uint8_t *const copy = test_memory(size);

  memset(copy, 0x55, size);
  assert_int_equal(la_snapshot(t.end[0], copy, size - 1), size);
  assert_int_equal(copy[0], 0x55);            /* nothing was copied */
  assert_int_equal(la_restore(t.end[0], copy, size), -LA_EINVAL);
  assert_int_equal(la_snapshot(t.end[1], copy, size), size);
  assert_int_equal(la_restore(t.end[0], copy, size), -LA_EINVAL);
  assert_int_equal(la_snapshot(t.end[0], copy, size), size);
  assert_int_equal(la_restore(t.end[0], copy, size - 1), -LA_EINVAL);
  assert_int_equal(la_restore(t.end[0], copy, 8), -LA_EINVAL);
  assert_int_equal(la_restore(t.end[0], copy, size), 0);
  two_end(&t);
  free(copy);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_follows_a_copy_follows_it_again),
    cmocka_unit_test(two_stacks_made_alike_say_the_same),
    cmocka_unit_test(what_is_no_copy_of_this_block_is_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
