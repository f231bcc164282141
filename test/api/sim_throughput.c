/* sim_throughput: how much of a link a transfer uses, by loss, and how two transfers share one. In
 * virtual time, so the figures are exact; the bounds leave room for better algorithms. */
#include "support/unit.h"

#include "actor.h"
#include "oracle.h"
#include "world.h"

enum { OCTETS = 8000000, MBIT = 1000000 };

static const struct actor_step serves[] = {
  { .what = ACTOR_LISTEN, .number = 80, .value = 4 },
  { .what = ACTOR_SERVE, .child = (const struct actor_step[]){ { .what = ACTOR_AWAIT_EOF },
    { .what = ACTOR_FORGET }, { .what = ACTOR_END } } },
  { .what = ACTOR_END },
};
#define SENDS(algorithm)                                                                  \
  { { .what = ACTOR_OPEN },                                                               \
    { .what = ACTOR_SET, .number = LA_OPT_CONGESTION, .value = algorithm },               \
    { .what = ACTOR_CONNECT, .number = 80 }, { .what = ACTOR_SEND, .number = OCTETS },    \
    { .what = ACTOR_CLOSE }, { .what = ACTOR_AWAIT_EOF }, { .what = ACTOR_END } }
static const struct actor_step sends[LA_CC_COUNT][7] = {
  [LA_CC_NEWRENO] = SENDS(LA_CC_NEWRENO), [LA_CC_CUBIC] = SENDS(LA_CC_CUBIC),
  [LA_CC_BBR] = SENDS(LA_CC_BBR),
};
static const char *const names[LA_CC_COUNT] = {
  [LA_CC_NEWRENO] = "NewReno", [LA_CC_CUBIC] = "CUBIC",
  [LA_CC_BBR] = "BBR",
};

struct line {
  uint64_t bits_per_s;
  la_time  delay;
  uint32_t queue, loss_ppm, reorder_ppm;
  bool     sack;
};

/* What few lines have: a queue that marks (both ends then ask for ECN); stalls. */
static struct { uint32_t mark; la_time stall_every, stall_for; } also;

/* What the sender of the last line has counted. */
static la_sock_info last;

static struct world *line_new(const struct line *l, struct oracle *o)
{
  struct world *w = calloc(1, sizeof *w);
  struct link *k;

  assert_non_null(w);
  world_init(w, 11);
  oracle_init(o, w);
  w->output_batch = 8;
  k = world_link_add(w, LA_MEDIUM_IP);
  for (unsigned way = 0; way < 2; way++)
    k->way[way] = (struct link_way){
      .bits_per_s = l->bits_per_s, .delay = l->delay, .queue_octets = l->queue,
      .loss_ppm = way ? 0 : l->loss_ppm, .reorder_ppm = l->reorder_ppm, .reorder_by = 3 * LA_MS,
      .mark_octets = also.mark, .stall_every = way ? 0 : also.stall_every,
      .stall_for = also.stall_for };
  for (unsigned i = 0; i < 2; i++) {
    struct world_host *h = world_host_add(w, i ? "b" : "a", k, la_ip4(10, 0, 0, (uint8_t)(i + 1)));

    h->config.slabs = 8192;
    h->config.send_buffer = h->config.receive_buffer = 1 << 20;
    h->config.no_sack = !l->sack;
    h->config.ecn = also.mark ? LA_ECN_ASK : LA_ECN_OFF;
    world_host_boot(h);
  }
  actor_add(&w->host[1], "server", serves, 0);
  return w;
}

static void line_free(struct world *w, struct oracle *o)
{
  assert_int_equal(o->failures, 0);
  oracle_fini(o);
  world_fini(w);
  free(w);
}

/* Percent of the link's rate that text took, from the first SYN to the last octet read. */
static unsigned goodput(struct line l, enum la_cc cc)
{
  struct oracle o;
  struct world *w = line_new(&l, &o);
  struct actor *a = actor_add(&w->host[0], "client", sends[cc], LA_MS), *child = NULL;
  la_time t = 0;

  for (; t < 2000 * LA_SEC && !(child && child->eof); t += 10 * LA_MS) {
    world_run(w, t);
    child = a->next;
  }
  assert_true(child && child->eof && child->received == OCTETS && child->wrong_octets == 0);
  for (la_sock s = { 0 }; la_sock_next(w->host[0].stack, &s);)
    assert_int_equal(la_sock_get(w->host[0].stack, s, &last), 0);
  line_free(w, &o);
  return (unsigned)((uint64_t)OCTETS * 8 * 100 / l.bits_per_s * (uint64_t)LA_SEC / (uint64_t)t);
}

/* BBR gives way to CUBIC where there is no SACK. */
static void uses(struct line l, unsigned least)
{
  for (unsigned cc = 0; cc < (l.sack ? LA_CC_COUNT : LA_CC_BBR); cc++) {
    const unsigned percent = goodput(l, (enum la_cc)cc);

    print_message("%5.1f Mbit/s, %3d ms, queue %6u, loss %.2f %%, reordered %.1f %%, %s, %s: "
                  "%u %%\n",
                  (double)l.bits_per_s / MBIT, (int)(2 * l.delay / LA_MS), l.queue,
                  l.loss_ppm / 10000.0, l.reorder_ppm / 10000.0, names[cc],
                  l.sack ? "SACK" : "no SACK", percent);
    assert_in_range(percent, least, 100);
  }
}

TEST(a_clean_link_is_filled)
{
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 0, 0, true }, 90);
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 0, 0, false }, 75);
  uses((struct line){ 100 * MBIT, 5 * LA_MS, 500000, 0, 0, true }, 75);
  uses((struct line){ MBIT, 100 * LA_MS, 50000, 0, 0, true }, 90);
}

TEST(a_short_queue_still_gives_most_of_the_link)
{
  uses((struct line){ 10 * MBIT, 20 * LA_MS, 20000, 0, 0, true }, 75);
  uses((struct line){ 10 * MBIT, 20 * LA_MS, 20000, 0, 0, false }, 70);
}

/* Mathis and others, 1997: rate = MSS / RTT * 1.22 / sqrt(p). At 20 ms and 0.1 % that is more than
 * the link has, at 1 % about 7 Mbit/s, at 3 % about 4. */
TEST(random_loss_costs_what_it_must_and_no_more)
{
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 1000, 0, true }, 85);
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 10000, 0, true }, 55);
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 10000, 0, false }, 50);
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 30000, 0, true }, 25);
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 30000, 0, false }, 22);
}

TEST(mild_reordering_is_not_taken_for_loss)
{
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 100000, 0, 1000, true }, 85);
}

/* RFC 3168: the queue marks before it is full, and nothing is lost, nor sent twice. */
TEST(a_queue_that_marks_is_obeyed_without_a_loss)
{
  also.mark = 40000;
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 400000, 0, 0, true }, 85);
  also.mark = 0;
  assert_true(last.flags & LA_SOCK_ECN);
  assert_int_equal(last.retransmissions, 0);
}

/* A radio that holds everything up for 1.2 s: each time-out comes too early, and is undone, by
 * timestamps and SACK. */
TEST(time_outs_that_come_too_early_cost_little)
{
  also.stall_every = 5 * LA_SEC;
  also.stall_for = 1200 * LA_MS;
  uses((struct line){ 10 * MBIT, 10 * LA_MS, 200000, 0, 0, true }, 50);
  also.stall_every = 0;
  assert_true(last.timeouts > 0);
  assert_true(last.spurious > 0);
}

/* Two transfers that begin together share the link; Jain's index of what each has when the first
 * is done: 1 is even, 1/2 is one alone. */
static double evenness(enum la_cc first, enum la_cc second)
{
  struct line l = { 10 * MBIT, 10 * LA_MS, 50000, 0, 0, true };
  struct oracle o;
  struct world *w = line_new(&l, &o);
  struct actor *a = actor_add(&w->host[0], "one", sends[first], LA_MS), *one = NULL, *two = NULL;
  double x, y;
  la_time t = 0;

  actor_add(&w->host[0], "two", sends[second], 2 * LA_MS);
  for (; t < 1000 * LA_SEC && !(two && (one->eof || two->eof)); t += 10 * LA_MS) {
    world_run(w, t);
    one = a->next->next;
    two = one ? one->next : NULL;
  }
  assert_true(one && two);
  x = (double)one->received;
  y = (double)two->received;
  line_free(w, &o);
  print_message("%s %.0f and %s %.0f octets, index %.3f\n", names[first], x, names[second], y,
                (x + y) * (x + y) / (2 * (x * x + y * y)));
  return (x + y) * (x + y) / (2 * (x * x + y * y));
}

TEST(two_transfers_share_evenly_enough)
{
  assert_true(evenness(LA_CC_NEWRENO, LA_CC_NEWRENO) > 0.9);
  assert_true(evenness(LA_CC_CUBIC, LA_CC_CUBIC) > 0.9);
  assert_true(evenness(LA_CC_NEWRENO, LA_CC_CUBIC) > 0.8);
}

RUN(cmocka_unit_test(a_clean_link_is_filled),
    cmocka_unit_test(a_short_queue_still_gives_most_of_the_link),
    cmocka_unit_test(random_loss_costs_what_it_must_and_no_more),
    cmocka_unit_test(mild_reordering_is_not_taken_for_loss),
    cmocka_unit_test(a_queue_that_marks_is_obeyed_without_a_loss),
    cmocka_unit_test(time_outs_that_come_too_early_cost_little),
    cmocka_unit_test(two_transfers_share_evenly_enough))
