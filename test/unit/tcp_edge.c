/* The right edge of our window, RCV.NXT + RCV.WND, never goes to the left (RFC 9293 3.8.6 SHLD-14),
 * whatever arrives, is read, is set or is lacking: a walk at random, by seed. Where a scale keeps
 * an edge from being said, it may be said short by less than a unit, and stands all the same (RFC
 * 7323 2.4). Then the other side: a peer that does take back what it offered. */
#include "base/rng.h"
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

enum { WALKS = 400, STEPS = 250, SLABS = 20, MSS = 1460 };

static struct {
  struct rng rng;
  struct la_slab *hoard[SLABS];
  unsigned hoarded;
  tcp_seq said, kept;               /* the furthest edge: told to the peer, and stood for */
  uint32_t seen, refused, short_by; /* segments looked at; text refused; edges said short */
} w;

static uint32_t dice(uint32_t n) { return (uint32_t)(rng_next(&w.rng) % n); }

static tcp_seq edge_kept(void) { return seq_add(r->tcb->rcv.nxt, r->tcb->rcv.wnd); }

/* An edge that was kept is not given up, and each that was said is kept. */
static void look_at_edge(void)
{
  assert_true(seq_le(w.kept, edge_kept()));
  w.kept = edge_kept();
  assert_true(seq_le(w.said, w.kept));
}

static void look_at_segment(const struct tcp_out *out)
{
  const unsigned scale = (out->flags & F_SYN) ? 0 : r->tcb->rcv_wscale;
  const tcp_seq edge = seq_add(out->ack, (uint32_t)out->wnd << scale);

  w.seen++;
  assert_true(seq_lt(w.said, seq_add(edge, 1u << scale)));
  w.short_by += seq_lt(edge, w.said);
  if (seq_lt(w.said, edge))
    w.said = edge;
}

static void pump(void)
{
  struct tcp_out out;
  struct tcb *from;

  tcp_timers_run(&r->t);
  while (tcp_output(&r->t, &from, &out))
    look_at_segment(&out);
  look_at_edge();
  assert_null(tcp_check(&r->t, r->tcb));
}

/* ---- what happens ---- */

/* Text anywhere that an edge once said allows: in order, before its turn, or again. Refused it may
 * be for want of memory, but never for its place. */
static void text_comes(void)
{
  const uint32_t open = seq_span(r->tcb->rcv.nxt, w.said);
  const uint32_t skip = dice(4) == 0 ? dice(4 * MSS) : 0, left = open > skip ? open - skip : 0;
  const uint32_t most = dice(3) == 0 ? 50 : MSS, want = 1 + dice(most);
  const uint32_t at = r->tcb->rcv.nxt.n - r->peer_isn + skip, n = want < left ? want : left;

  if (n == 0 || !slab_is_left(r))
    return;
  arrives_with_text(r, F_ACK, at, r->tcb->snd.una.n - r->tcb->snd.iss.n, n);
  assert_int_not_equal(r->last.why, WHY_OUT_OF_WINDOW);
  w.refused += r->last.why == WHY_NO_MEMORY;
}

static void probe_comes(void)
{
  if (slab_is_left(r))
    arrives_with_text(r, F_ACK, r->tcb->rcv.nxt.n - r->peer_isn,
                      r->tcb->snd.una.n - r->tcb->snd.iss.n, 1);
}

static void user_takes(void)
{
  static uint8_t octets[1 << 20];

  (void)tcp_recv(&r->t, r->tcb, octets, 1 + dice(dice(2) ? 1 << 20 : 3000));
}

static void user_writes_and_peer_acknowledges(void)
{
  (void)tcp_send(&r->t, r->tcb, "abcdefgh", 1 + dice(8), TCP_SEND_PLAIN);
  pump();
  arrives(r, F_ACK, r->tcb->rcv.nxt.n - r->peer_isn, r->tcb->snd.nxt.n - r->tcb->snd.iss.n);
}

static void buffer_changes(void)
{
  const int64_t octets = 1 + (int64_t)dice(dice(2) ? 3000 : 200000);

  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_RECEIVE_BUFFER, octets), LA_OK);
}

static void slabs_go(void)
{
  for (unsigned n = dice(SLABS); n > 0 && slab_is_left(r); n--)
    w.hoard[w.hoarded++] = slab_get(&r->slabs);
}

static void slabs_come_back(void)
{
  while (w.hoarded > 0)
    slab_release(&r->slabs, w.hoard[--w.hoarded]);
}

static void step(void)
{
  switch (dice(16)) {
  case 0:
  case 1:
    user_takes();
    break;
  case 2:
    buffer_changes();
    break;
  case 3:
    slabs_go();
    break;
  case 4:
  case 5:
    slabs_come_back();
    break;
  case 6:
    user_writes_and_peer_acknowledges();
    break;
  case 7:
    tcp_time(&r->t, r->t.now + dice(60) * LA_MS);
    break;
  case 8:
    probe_comes();
    break;
  default:
    text_comes();
    break;
  }
}

/* ---- the walk ---- */

static void begin(unsigned seed)
{
  static const uint32_t buffers[] = { 1000, 16384, 65535, 70000, 200000, 1 << 20, 1 << 24 };
  struct tcp_settings set = rig_settings();

  rng_seed(&w.rng, seed);
  set.receive_buffer = buffers[dice(sizeof buffers / sizeof *buffers)];
  set.habits.window_scale = (uint8_t)(dice(3) == 0 ? dice(15) : 0);
  set.habits.bsd_window = dice(4) == 0;
  set.habits.syn_window = (uint16_t)(dice(3) == 0 ? 1 + dice(65535) : 0);
  set.no_window_scale = dice(4) == 0;
  set.no_sack = false;
  rig_init_with(r, &set, SLABS, RIG_SLAB_SIZE);
  r->options.present |= TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
  rig_established(r, dice(2) == 0);
  r->options.present = 0;
  w.hoarded = 0;
  w.said = w.kept = r->tcb->rcv.nxt; /* what the handshake has said comes again, at least */
  r->tcb->say |= SAY_ACK;
  tcp_wake(&r->t, r->tcb);
  pump();
}

TEST(the_right_edge_never_goes_left_whatever_happens)
{
  for (unsigned seed = 1; seed <= WALKS; seed++) {
    begin(seed);
    for (unsigned i = 0; i < STEPS; i++) {
      step();
      look_at_edge();
      pump();
    }
    slabs_come_back();
  }
  assert_true(w.seen > WALKS * STEPS / 4); /* the walk has met what it is about */
  assert_true(w.refused > 100);
  assert_true(w.short_by > 100);
}

/* ---- SHLD-14 where no scale excuses anything ---- */

TEST(an_unscaled_edge_is_said_to_the_octet_whatever_the_buffer_becomes)
{
  rig_init(r);
  rig_established(r, true);
  w.said = w.kept = edge_kept();
  rng_seed(&w.rng, 7);
  for (int i = 0; i < 500; i++) {
    const tcp_seq before = w.said;

    text_comes();
    if (i % 7 == 0)
      buffer_changes();
    if (i % 5 == 0)
      user_takes();
    r->tcb->say |= SAY_ACK;
    tcp_wake(&r->t, r->tcb);
    pump();
    assert_true(seq_le(before, w.said));
    assert_true(seq_eq(w.said, edge_kept()));
  }
}

/* ---- the peer's edge ---- */

static void acknowledges(uint32_t ack, uint32_t wnd)
{
  r->wnd = wnd;
  arrives(r, F_ACK, 1, ack);
}

static void four_segments_in_flight(void)
{
  rig_init(r);
  rig_established(r, true);
  user_sends(r, 4 * MSS);
  says(r, "A 1+1460 1; A 1461+1460 1; A 2921+1460 1; PA 4381+1460 1");
}

/* RFC 7323 2.4 (2): what lay in the window when it was sent goes again once without asking it. */
TEST(what_a_peer_no_longer_has_room_for_is_sent_again_once)
{
  four_segments_in_flight();
  acknowledges(1, 100);
  waits(r, 200 * LA_MS); /* rto_min */
  says(r, "A 1+1460 1");
}

/* RFC 7323 2.4 (3), RFC 9293 SHLD-16: after that, what the peer's latest window has room for. */
TEST(after_that_only_as_much_as_the_peers_latest_window_takes)
{
  four_segments_in_flight();
  acknowledges(1, 100);
  waits(r, 200 * LA_MS);
  rig_forget_said(r);
  waits(r, 400 * LA_MS);
  says(r, "A 1+100 1");
  acknowledges(101, 3000);
  assert_null(strstr(r->said, "4381"));
}

TEST(a_window_that_comes_back_lets_everything_go)
{
  four_segments_in_flight();
  acknowledges(1, 100);
  waits(r, 3 * LA_SEC + LA_MS);
  rig_forget_said(r);
  for (uint32_t ack = 1; ack < 4 * MSS;) {
    ack += ack == 1 ? 100 : MSS;
    acknowledges(ack < 4 * MSS ? ack : 4 * MSS + 1, 60000);
    rig_forget_said(r);
  }
  assert_int_equal(r->tcb->tx.octets, 0);
  assert_int_equal(tcp_flight(r->tcb), 0);
}

/* SHLD-17: it is the peer's word that keeps text beyond its window back, so as long as it answers
 * within the window that is no reason to give up. */
TEST(text_beyond_a_shrunken_window_does_not_end_the_connection)
{
  uint32_t ack = 1;

  four_segments_in_flight();
  for (int i = 0; i < 60; i++) {
    acknowledges(ack, 10);
    waits(r, 10 * LA_SEC);
    rig_forget_said(r);
    ack += 10;
  }
  acknowledges(ack, 10);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
  assert_int_equal(r->tcb->snd.una.n - r->tcb->snd.iss.n, ack);
}

RUN(cmocka_unit_test(the_right_edge_never_goes_left_whatever_happens),
    cmocka_unit_test(an_unscaled_edge_is_said_to_the_octet_whatever_the_buffer_becomes),
    cmocka_unit_test(what_a_peer_no_longer_has_room_for_is_sent_again_once),
    cmocka_unit_test(after_that_only_as_much_as_the_peers_latest_window_takes),
    cmocka_unit_test(a_window_that_comes_back_lets_everything_go),
    cmocka_unit_test(text_beyond_a_shrunken_window_does_not_end_the_connection))
