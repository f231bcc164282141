/* tuning: what buffers that grow by themselves make of a long fat path, in virtual time, so
 * that the figures are exact. 100 Mbit/s and 200 ms hold 2.5 MB; a buffer of 256 KiB lets a
 * tenth of it go. */
#include "support/unit.h"

#include "actor.h"
#include "world.h"

enum { MBIT = 1000000, SMALL = 256 * 1024, LARGE = 6 << 20, SKIP = 10, SECONDS = 20 };

static const struct actor_step serves[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 4 },
  { .what = ACTOR_SERVE, .child = (const struct actor_step[]){ { .what = ACTOR_AWAIT_EOF },
    { .what = ACTOR_END } } },
  { .what = ACTOR_END },
};
static const struct actor_step sends[] = {
  { .what = ACTOR_OPEN }, { .what = ACTOR_CONNECT, .number = 80 },
  { .what = ACTOR_SEND, .number = INT64_MAX }, { .what = ACTOR_END },
};
static const struct actor_step sends_fixed[] = {
  { .what = ACTOR_OPEN }, { .what = ACTOR_SET, .number = LA_OPT_SEND_BUFFER, .value = SMALL },
  { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = INT64_MAX },
  { .what = ACTOR_END },
};

struct path {
  const struct actor_step *sender;
  uint64_t bits_per_s;
  la_time  delay;
  uint32_t send_max, receive_max;
  bool     no_timestamps;
};

struct result {
  unsigned mbit;                /* of text a second, once it has had time to grow */
  uint32_t send_buffer, receive_buffer;
};

static void build(struct world *w, const struct path *p)
{
  struct link *k;

  world_init(w, 5);
  w->output_batch = 8;
  k = world_link_add(w, LA_MEDIUM_IP);
  for (unsigned way = 0; way < 2; way++)
    k->way[way] = (struct link_way){ .bits_per_s = p->bits_per_s, .delay = p->delay,
                                     .queue_octets = 4 << 20 };
  for (unsigned i = 0; i < 2; i++) {
    struct world_host *h = world_host_add(w, i ? "b" : "a", k, la_ip4(10, 0, 0, (uint8_t)(i + 1)));

    h->config.slabs = 8192;
    h->config.send_buffer = h->config.receive_buffer = SMALL;
    h->config.send_buffer_max = p->send_max;
    h->config.receive_buffer_max = p->receive_max;
    h->config.no_timestamps = p->no_timestamps;
    world_host_boot(h);
  }
  actor_add(&w->host[1], "server", serves, 0)->quiet = true;
}

/* Of the connection, which is the only socket with a peer. */
static la_sock_info look(const la_stack *s)
{
  la_sock_info info, found = { 0 };

  for (la_sock sock = { 0 }; la_sock_next(s, &sock);) {
    assert_int_equal(la_sock_get(s, sock, &info), 0);
    if (info.peer.port != 0)
      found = info;
  }
  return found;
}

static struct result run(struct path p)
{
  struct world *w = calloc(1, sizeof *w);
  struct actor *a;
  struct result r;
  uint64_t before;

  assert_non_null(w);
  build(w, &p);
  a = actor_add(&w->host[0], "client", p.sender ? p.sender : sends, LA_MS);
  a->quiet = true;
  world_run(w, SKIP * LA_SEC);
  assert_non_null(a->peer);
  before = a->peer->received;
  world_run(w, (SKIP + SECONDS) * LA_SEC);
  r.mbit = (unsigned)((a->peer->received - before) * 8 / SECONDS / MBIT);
  r.send_buffer = look(w->host[0].stack).send_buffer;
  r.receive_buffer = look(w->host[1].stack).receive_buffer;
  world_fini(w);
  free(w);
  print_message("%d ms, %s%s%s: %u Mbit/s, buffers %u and %u\n", (int)(2 * p.delay / LA_MS),
                p.send_max ? "sender tunes " : "", p.receive_max ? "receiver tunes " : "",
                p.no_timestamps ? "(no timestamps)" : "", r.mbit, r.send_buffer,
                r.receive_buffer);
  return r;
}

static struct path long_fat(uint32_t send_max, uint32_t receive_max)
{
  return (struct path){ NULL, 100 * MBIT, 100 * LA_MS, send_max, receive_max, false };
}

TEST(a_long_fat_path_is_filled_if_both_buffers_may_grow)
{
  const struct result r = run(long_fat(LARGE, LARGE));

  assert_in_range(r.mbit, 85, 100);
  assert_in_range(r.send_buffer, 2500000, LARGE);
  assert_in_range(r.receive_buffer, 2500000, LARGE);
}

TEST(without_it_or_with_one_of_them_a_tenth_is_used)
{
  assert_in_range(run(long_fat(0, 0)).mbit, 6, 12);
  assert_in_range(run(long_fat(LARGE, 0)).mbit, 6, 12);
  assert_in_range(run(long_fat(0, LARGE)).mbit, 6, 12);
}

TEST(a_size_that_the_application_has_set_stays)
{
  struct path p = long_fat(LARGE, LARGE);
  struct result r;

  p.sender = sends_fixed;
  r = run(p);
  assert_in_range(r.mbit, 6, 12);
  assert_int_equal(r.send_buffer, SMALL);
}

/* A round trip is then known by text beyond the edge that was offered at its beginning. */
TEST(without_timestamps_it_grows_as_well)
{
  struct path p = long_fat(LARGE, LARGE);

  p.no_timestamps = true;
  assert_in_range(run(p).mbit, 85, 100);
}

/* 10 Mbit/s and 10 ms hold 12.5 kB, but the queue at the bottleneck may hold more. */
TEST(a_short_path_does_not_make_a_receiver_hold_what_it_does_not_need)
{
  const struct path p = { NULL, 10 * MBIT, 5 * LA_MS, 0, LARGE, false };

  assert_in_range(run(p).receive_buffer, SMALL, 2 * SMALL);
}

RUN(cmocka_unit_test(a_long_fat_path_is_filled_if_both_buffers_may_grow),
    cmocka_unit_test(without_it_or_with_one_of_them_a_tenth_is_used),
    cmocka_unit_test(a_size_that_the_application_has_set_stays),
    cmocka_unit_test(without_timestamps_it_grows_as_well),
    cmocka_unit_test(a_short_path_does_not_make_a_receiver_hold_what_it_does_not_need))
