/* Exhaustive arrivals: every state x 64 flag sets x every edge of the window and of what may be
 * acknowledged x text lengths, from snapshots of connections that got there by real events.
 * The claims are RFC 9293's about any segment whatsoever; tcp_check holds after each. */
#include "support/tcp_rig.h"

static struct rig rig, start, *const r = &rig;
static unsigned long arrivals;

struct before {
  tcp_seq una, rcv_nxt;
  unsigned state;
  uint32_t edge, unread;
};

static struct before look(const struct tcb *tcb)
{
  return (struct before){ tcb->snd.una, tcb->rcv.nxt, tcb->state,
                          tcb->rcv.nxt.n + tcb->rcv.wnd, tcb->rx.octets };
}

static bool is_early(unsigned s) { return s <= TCP_SYN_SENT; }

static bool said_reset(void) { return strchr(r->said, 'R') != NULL; }

/* RFC 9293 3.4, 3.5.2, 3.10.7: what holds of any arrival. */
static void claims(const struct before *was, unsigned flags)
{
  const struct tcb *const tcb = r->tcb;

  if (!is_early(was->state) && tcb->state != TCP_CLOSED) {
    assert_false(seq_lt(tcb->rcv.nxt, was->rcv_nxt));
    assert_false(seq_lt(tcb->snd.una, was->una));
    assert_false((int32_t)(tcb->rcv.nxt.n + tcb->rcv.wnd - was->edge) < 0);   /* 3.8.6 */
  }
  if (flags & F_RST)
    assert_false(said_reset());                             /* a RST is never answered by a RST */
  if (!(flags & (F_ACK | F_RST | F_SYN)))
    assert_int_equal(tcb->state, was->state);
  if (tcb->state == TCP_ESTABLISHED && was->state == TCP_SYN_RECEIVED)
    assert_true(flags & F_ACK);
  if (r->last.code != V_NEXT)
    assert_int_not_equal(r->last.why, WHY_NONE);            /* no drop without a reason */
}

static void one(unsigned flags, int32_t dseq, int32_t dack, uint32_t text)
{
  struct before was;
  struct tcb *tcb;
  uint32_t seq, ack;

  memcpy(r, &start, sizeof start - sizeof start.block + RIG_USED);
  tcb = r->tcb;
  was = look(tcb);
  seq = is_early(tcb->state) ? (uint32_t)dseq : tcb->rcv.nxt.n - r->peer_isn + (uint32_t)dseq;
  ack = tcb->snd.una.n - tcb->snd.iss.n + (uint32_t)dack;
  if (!slab_is_left(r) && text > 0)
    return;
  arrives_with_text(r, flags, seq, ack, text);
  rig_pump(r);
  claims(&was, flags);
  arrivals++;
}

static void all_segments(int32_t window)
{
  const int32_t seqs[] = { -40000, -2, -1, 0, 1, 2, window - 3, window - 1, window, window + 1 };
  const int32_t acks[] = { -70000, -60001, -60000, -1, 0, 1, 2, 5, 10, 11, 12, 40000 };
  const uint32_t texts[] = { 0, 1, 3, 6 };

  for (unsigned flags = 0; flags < 64; flags++)
    for (unsigned i = 0; i < sizeof seqs / sizeof *seqs; i++)
      for (unsigned k = 0; k < sizeof acks / sizeof *acks; k++)
        for (unsigned n = 0; n < sizeof texts / sizeof *texts; n++)
          one(flags, seqs[i], acks[k], texts[n]);
}

/* Some text in flight, some out of order, so that there is something to acknowledge and to keep. */
static void put_something_on_the_way(void)
{
  if (tcp_state_is(r->tcb->state, TCP_TX_QUEUE) && tcp_state_is(r->tcb->state, TCP_SYNCED))
    user_sends(r, 10);
  if (tcp_state_is(r->tcb->state, TCP_RX_TEXT))
    arrives_with_text(r, F_ACK, r->tcb->rcv.nxt.n - r->peer_isn + 2,
                      r->tcb->snd.una.n - r->tcb->snd.iss.n, 3);
  rig_forget_said(r);
}

static void from_state(unsigned s, bool passive, bool busy, uint32_t buffer)
{
  struct tcp_settings set = rig_settings();

  set.receive_buffer = buffer;
  rig_init_with(r, &set, 6, 256);
  r->options.mss = 100;
  r->path.mtu = 140;
  rig_in(r, (enum tcp_state)s, passive);
  if (busy)
    put_something_on_the_way();
  memcpy(&start, r, sizeof start);
  all_segments((int32_t)r->tcb->rcv.wnd);
}

TEST(no_segment_in_any_state_breaks_a_claim)
{
  for (unsigned s = TCP_LISTEN; s < TCP_STATE_COUNT; s++)
    for (unsigned passive = 0; passive < 2; passive++)
      for (unsigned busy = 0; busy < 2; busy++)
        from_state(s, passive, busy, 16);
  from_state(TCP_ESTABLISHED, true, true, 4000);
  print_message("%lu segments\n", arrivals);
  assert_true(arrivals > 1000000);
}

/* The window quite shut: only an empty segment at RCV.NXT is acceptable (RFC 9293 3.4). */
TEST(no_segment_breaks_a_claim_while_the_window_is_shut)
{
  struct tcp_settings set = rig_settings();

  set.receive_buffer = 16;
  rig_init_with(r, &set, 6, 256);
  rig_in(r, TCP_ESTABLISHED, true);
  arrives_with_text(r, F_ACK, 1, 1, 16);
  rig_forget_said(r);
  assert_int_equal(r->tcb->rcv.wnd, 0);
  memcpy(&start, r, sizeof start);
  all_segments(0);
}

RUN(cmocka_unit_test(no_segment_in_any_state_breaks_a_claim),
    cmocka_unit_test(no_segment_breaks_a_claim_while_the_window_is_shut))
