/* sim_oracle: the oracle is silent where all is well, and speaks where it is not: each check is
 * shown a world that breaks it. */
#include "support/unit.h"

#include "actor.h"
#include "oracle.h"
#include "world.h"

static const struct actor_step serves[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 4 }, { .what = ACTOR_ACCEPT },
  { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_CLOSE }, { .what = ACTOR_END },
};
static const struct actor_step sends_and_closes[] = {
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = 5000 },
  { .what = ACTOR_SLEEP, .time = LA_SEC }, { .what = ACTOR_CLOSE }, { .what = ACTOR_AWAIT_EOF },
  { .what = ACTOR_END },
};

struct stage {
  struct world  world;
  struct oracle oracle;
  struct world_host *a, *b;
  struct actor *client, *server;
};

static struct stage *stage_new(void)
{
  struct stage *s = calloc(1, sizeof *s);

  assert_non_null(s);
  world_init(&s->world, 5);
  oracle_init(&s->oracle, &s->world);
  world_link_add(&s->world, LA_MEDIUM_IP)->way[0].delay = LA_MS;
  s->a = world_host_add(&s->world, "a", &s->world.link[0], la_ip4(10, 0, 0, 1));
  s->b = world_host_add(&s->world, "b", &s->world.link[0], la_ip4(10, 0, 0, 2));
  s->a->config.msl_ms = s->b->config.msl_ms = 1000;
  s->a->config.no_timestamps = true;              /* a forger need not guess them */
  world_host_boot(s->a);
  world_host_boot(s->b);
  s->server = actor_add(s->b, "server", serves, 0);
  s->client = actor_add(s->a, "client", sends_and_closes, LA_MS);
  return s;
}

static void stage_free(struct stage *s)
{
  oracle_fini(&s->oracle);
  world_fini(&s->world);
  free(s);
}

static void says(const struct stage *s, const char *words)
{
  if (s->oracle.failures == 0 || !strstr(s->oracle.first, words))
    print_message("said: '%s'\n", s->oracle.first);
  assert_true(s->oracle.failures > 0);
  assert_non_null(strstr(s->oracle.first, words));
}

TEST(a_good_world_has_nothing_to_say)
{
  struct stage *s = stage_new();

  world_run(&s->world, 10 * LA_SEC);
  oracle_streams(&s->oracle, true);
  actor_let_go(s->client);
  actor_let_go(s->server);
  world_run(&s->world, 60 * LA_SEC);
  oracle_leaks(&s->oracle);
  assert_int_equal(s->oracle.failures, 0);
  assert_int_equal(s->server->received, 5000);
  assert_true(s->server->eof && s->client->eof);
  stage_free(s);
}

/* Whoever knows the numbers can put octets into a stream; TCP takes them, the oracle does not. */
TEST(octets_that_nobody_sent_are_noticed)
{
  static const uint8_t text[] = "injected";
  struct stage *s = stage_new();
  struct seg_make m = { .flags = SEG_ACK, .window = 1000, .text = text, .length = 8 };
  uint8_t octets[100];
  la_sock_info info;
  size_t n;

  world_run(&s->world, 500 * LA_MS);
  assert_int_equal(la_sock_get(s->a->stack, s->client->sock, &info), 0);
  m.from = info.local;
  m.to = info.peer;
  m.seq = info.snd_nxt;
  m.ack = info.rcv_nxt;
  n = seg_make_tcp(&m, octets, sizeof octets);
  world_send(s->a, octets, (uint32_t)n, true);
  world_run(&s->world, 900 * LA_MS);
  says(s, "received 8 octets more than were sent");
  stage_free(s);
}

TEST(octets_that_are_others_than_were_sent_are_noticed)
{
  struct stage *s = stage_new();

  world_run(&s->world, 2500 * LA_MS / 1000);      /* the text is on its way */
  assert_true(s->client->sent == 5000 && s->server->received == 0);
  s->client->key ^= 1;
  world_run(&s->world, 900 * LA_MS);
  oracle_streams(&s->oracle, false);
  says(s, "octets are not what was sent");
  stage_free(s);
}

TEST(an_end_of_stream_too_early_is_noticed)
{
  struct stage *s = stage_new();

  world_run(&s->world, 10 * LA_SEC);
  s->client->sent++;              /* as if the last octet had been lost, and FIN not */
  oracle_streams(&s->oracle, false);
  says(s, "end of stream after 5000 of 5001");
  stage_free(s);
}

TEST(a_connection_that_hangs_is_noticed)
{
  struct stage *s = stage_new();

  s->world.link[0].way[1].loss_ppm = 1000000;
  world_run(&s->world, 60 * LA_SEC);
  oracle_streams(&s->oracle, true);
  says(s, "stuck at step");
  stage_free(s);
}

TEST(an_error_without_excuse_is_noticed)
{
  struct stage *s = stage_new();

  s->world.link[0].way[1].loss_ppm = 1000000;
  world_run(&s->world, 600 * LA_SEC);
  oracle_streams(&s->oracle, true);
  says(s, "nothing excuses");
  stage_free(s);
}

TEST(what_is_left_is_noticed)
{
  struct stage *s = stage_new();

  world_run(&s->world, 10 * LA_SEC);
  oracle_leaks(&s->oracle);
  says(s, "left at the end in ");
  stage_free(s);
}

TEST(a_slab_that_nobody_returns_is_noticed)
{
  struct stage *s = stage_new();
  la_slab *slab;

  world_run(&s->world, 10 * LA_SEC);
  actor_let_go(s->client);
  actor_let_go(s->server);
  assert_int_equal(la_slab_get(s->b->stack, &slab), 0);
  world_run(&s->world, 60 * LA_SEC);
  oracle_leaks(&s->oracle);
  says(s, "1 of the pool of");
  la_slab_release(s->b->stack, slab);
  stage_free(s);
}

TEST(a_malformed_packet_is_noticed)
{
  struct stage *s = stage_new();
  struct seg_make m = { { la_ip4(10, 0, 0, 1), 1 }, { la_ip4(10, 0, 0, 2), 2 }, SEG_ACK, 1, 1, 1,
                        0, NULL, 0 };
  uint8_t octets[100];
  size_t n = seg_make_tcp(&m, octets, sizeof octets);

  octets[n - 1] ^= 1;
  world_send(s->a, octets, (uint32_t)n, true);
  says(s, "bad TCP checksum");
  stage_free(s);
}

/* A stack whose memory is put back to an earlier day: its numbers go backwards. */
TEST(numbers_that_go_back_are_noticed)
{
  struct stage *s = stage_new();
  size_t n;
  void *copy;

  s->world.link[0].way[0].bits_per_s = 1000000;
  world_run(&s->world, 20 * LA_MS);
  n = la_snapshot(s->b->stack, NULL, 0);
  copy = malloc(n);
  assert_non_null(copy);
  assert_int_equal(la_snapshot(s->b->stack, copy, n), n);
  world_run(&s->world, 500 * LA_MS);
  assert_int_equal(s->oracle.failures, 0);
  assert_int_equal(la_restore(s->b->stack, copy, n), 0);
  world_turned(s->b, WORLD_CALL, NULL);
  says(s, "went back");
  free(copy);
  stage_free(s);
}

RUN(cmocka_unit_test(a_good_world_has_nothing_to_say),
    cmocka_unit_test(octets_that_nobody_sent_are_noticed),
    cmocka_unit_test(octets_that_are_others_than_were_sent_are_noticed),
    cmocka_unit_test(an_end_of_stream_too_early_is_noticed),
    cmocka_unit_test(a_connection_that_hangs_is_noticed),
    cmocka_unit_test(an_error_without_excuse_is_noticed),
    cmocka_unit_test(what_is_left_is_noticed),
    cmocka_unit_test(a_slab_that_nobody_returns_is_noticed),
    cmocka_unit_test(a_malformed_packet_is_noticed),
    cmocka_unit_test(numbers_that_go_back_are_noticed))
