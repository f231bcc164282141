/* reasons.h - for the test of all reasons and counters: stories that add to what has been met. */
#ifndef LA_TEST_REASONS_H
#define LA_TEST_REASONS_H
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

static uint64_t whys[WHY_COUNT], counts[TCP_COUNT_COUNT];

static void begin_with(const struct tcp_settings *set)
{
  rig_init_with(r, set, RIG_SLABS, RIG_SLAB_SIZE);
}

static void begin(void)
{
  const struct tcp_settings set = rig_settings();

  begin_with(&set);
}

static void in(enum tcp_state s)
{
  begin();
  rig_in(r, s, s != TCP_SYN_SENT);
}

/* What this story has added to the room's counters. */
static void told(void)
{
  rig_pump(r);
  for (unsigned i = 0; i < WHY_COUNT; i++)
    whys[i] += r->t.why[i];
  for (unsigned i = 0; i < TCP_COUNT_COUNT; i++)
    counts[i] += r->t.count[i];
}

/* The latest segment met this reason, which was counted once and has a sentence. */
#define because(reason)                                     \
  do {                                                      \
    refused_because(r, reason);                             \
    assert_int_equal(r->t.why[WHY_##reason], 1);            \
    assert_true(strlen(tcp_why_row(WHY_##reason).text) > 9); \
    told();                                                 \
  } while (0)

static uint32_t their_next(void) { return r->tcb->rcv.nxt.n - r->peer_isn; }

static void listening(uint32_t backlog)
{
  begin();
  rig_listen(r, backlog);
}

/* A SYN with text and a cookie, to a listener that allows one. */
static void syn_brings(bool good)
{
  begin();
  r->t.set.habits.fastopen = 1;
  rig_listen(r, 2);
  r->options.present |= TCP_OPT_FASTOPEN;
  r->options.cookie = tcp_fastopen_cookie(&r->t, r->listener, &r->ends);
  r->options.cookie.octets[0] ^= !good;
  arrives_with_text(r, F_SYN, 0, 0, 5);
}

/* The next connection, whose SYN,ACK takes so much of the text in its SYN. */
static void opens_fast(uint32_t taken)
{
  rig_connect(r);
  user_sends(r, 5);
  rig_pump(r);
  arrives(r, F_SYN | F_ACK, 0, 1 + taken);
  tcp_abort(&r->t, r->tcb);
  rig_reap(r);
  r->ends.local_port++;
}

#endif
