/* The grid of (state, event): every pair that fsm.def defines happens, with its next state and
 * what it is said to send; no stimulus makes any other pair happen. */
#include "support/tcp_rig.h"

static struct rig rig, *const r = &rig;

/* What a state was seen to send is compared with the row's word for it. */
static bool said_matches(const char *sends, const char *said)
{
  if (strcmp(sends, "NOTHING") == 0)
    return said[0] == 0;
  if (strcmp(sends, "SYN") == 0)
    return strncmp(said, "S ", 2) == 0;
  if (strcmp(sends, "SYN_ACK") == 0)
    return strncmp(said, "SA ", 3) == 0;
  if (strcmp(sends, "FIN_ACK") == 0)
    return strncmp(said, "FA ", 3) == 0;
  if (strcmp(sends, "ACK") == 0)
    return strncmp(said, "A ", 2) == 0;
  return strcmp(sends, "RST") == 0 && strncmp(said, "RA ", 3) == 0;
}

/* Where much was sent before: a RST is the last thing said, or is not said. */
static bool ended_as(const char *sends, const char *said)
{
  const char *last = said;

  for (const char *at = said; (at = strstr(at, "; ")) != NULL;)
    last = at += 2;
  return (strncmp(last, "RA ", 3) == 0) == (strcmp(sends, "RST") == 0);
}

/* ---- stimuli: each tries to bring its event about in whatever state there is ---- */

static uint32_t our_next(void) { return r->tcb ? r->tcb->snd.nxt.n - r->tcb->snd.iss.n : 0; }
static uint32_t their_next(void) { return r->tcb ? r->tcb->rcv.nxt.n - r->peer_isn : 0; }

static bool is_dead(void) { return r->tcb->state == TCP_CLOSED; }

static void do_open_passive(void)
{
  (void)!tcp_open_passive(&r->t, r->tcb, 1);
}

static void do_open_active(void)
{
  r->tcb->ends = r->ends;
  r->tcb->path = r->path;
  (void)!tcp_open_active(&r->t, r->tcb);
}

static void do_close(void) { (void)!tcp_close(&r->t, r->tcb); }
static void do_abort(void) { tcp_abort(&r->t, r->tcb); }

static void do_rcv_syn(void)
{
  const bool early = r->tcb->state <= TCP_SYN_SENT;

  arrives(r, F_SYN, early ? 0 : their_next(), 0);
}

static void do_rcv_syn_ack(void)
{
  arrives(r, F_SYN | F_ACK, r->tcb->state <= TCP_SYN_SENT ? 0 : their_next(), our_next());
}

static void do_rcv_ack(void) { arrives(r, F_ACK, their_next(), our_next()); }

/* The FIN without the ACK of our FIN, so that only one fact is established. In TIME-WAIT it is
 * the FIN of before. */
static void do_rcv_fin(void)
{
  const bool waits_for_fin_ack = tcp_state_is(r->tcb->state, TCP_FIN_OUT);
  const uint32_t seq = their_next() - (r->tcb->state == TCP_TIME_WAIT);

  arrives(r, F_FIN | F_ACK, seq, our_next() - waits_for_fin_ack);
}

static void do_rcv_rst(void)
{
  if (r->tcb->state == TCP_SYN_SENT)
    arrives(r, F_RST | F_ACK, 0, our_next());
  else
    arrives(r, F_RST, their_next(), 0);
}

static void do_newer_syn(void) { arrives(r, F_SYN, their_next() + 1000, 0); }

static void do_icmp_hard(void)
{
  const tcp_seq seq = r->tcb->snd.una;

  if (!is_dead() && r->tcb->state != TCP_LISTEN)
    tcp_icmp(&r->t, r->tcb, seq, true, LA_EREFUSED);
}

/* Text in flight gives ICMP something to speak of, where the state lets text be sent. */
static void do_icmp_hard_with_text(void)
{
  if (tcp_state_is(r->tcb->state, TCP_TX_QUEUE) && tcp_state_is(r->tcb->state, TCP_SYNCED))
    user_sends(r, 10);
  rig_forget_said(r);
  do_icmp_hard();
}

static void do_icmp_fatal(void)
{
  r->t.set.handshake_errors = true;
  if (!is_dead() && r->tcb->state != TCP_LISTEN)
    tcp_icmp(&r->t, r->tcb, r->tcb->snd.una, false, LA_EUNREACH);
}

static void do_2msl(void) { waits(r, 61 * LA_SEC); }

static void do_give_up(void)
{
  if (tcp_state_is(r->tcb->state, TCP_TX_QUEUE) && tcp_state_is(r->tcb->state, TCP_SYNCED))
    user_sends(r, 10);
  waits(r, 3600 * LA_SEC);
}

static void do_user_timeout(void)
{
  if (tcp_state_is(r->tcb->state, TCP_TX_QUEUE) && tcp_state_is(r->tcb->state, TCP_SYNCED))
    user_sends(r, 10);
  waits(r, 60 * LA_SEC);
}

static void do_keepalive(void)
{
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_USER_TIMEOUT_MS, 0), LA_OK);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE_IDLE_MS, 1000), LA_OK);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE_INTERVAL_MS, 1000), LA_OK);
  assert_int_equal(tcp_set(&r->t, r->tcb, LA_OPT_KEEPALIVE, 1), LA_OK);
  waits(r, 60 * LA_SEC);
}

static void do_give_up_orphan(void)
{
  tcp_forget(&r->t, r->tcb);
  waits(r, 3600 * LA_SEC);
}

struct stimulus { enum tcp_event event; void (*act)(void); bool exact; uint32_t user_timeout_ms; };

/* exact: what is said is this event's alone, and is compared with `sends`. Elsewhere much is sent
 * again before; whether a RST comes last is compared. user_timeout_ms: of every socket. */
static const struct stimulus stimuli[] = {
  { TCP_EV_OPEN_PASSIVE, do_open_passive, true, 0 },
  { TCP_EV_OPEN_ACTIVE, do_open_active, true, 0 },
  { TCP_EV_CLOSE, do_close, true, 0 },
  { TCP_EV_ABORT, do_abort, true, 0 },
  { TCP_EV_RCV_SYN, do_rcv_syn, true, 0 },
  { TCP_EV_RCV_SYN_ACK, do_rcv_syn_ack, true, 0 },
  { TCP_EV_RCV_ACK_OF_SYN, do_rcv_ack, true, 0 },
  { TCP_EV_RCV_ACK_OF_FIN, do_rcv_ack, true, 0 },
  { TCP_EV_RCV_FIN, do_rcv_fin, true, 0 },
  { TCP_EV_RCV_RST, do_rcv_rst, true, 0 },
  { TCP_EV_TW_REUSE, do_newer_syn, true, 0 },
  { TCP_EV_ICMP_HARD, do_icmp_hard_with_text, true, 0 },
  { TCP_EV_ICMP_FATAL, do_icmp_fatal, true, 0 },
  { TCP_EV_TIMEOUT_2MSL, do_2msl, true, 0 },
  { TCP_EV_GIVE_UP, do_give_up, false, 0 },
  { TCP_EV_GIVE_UP, do_give_up_orphan, false, 0 },
  { TCP_EV_USER_TIMEOUT, do_user_timeout, false, 5000 },
  { TCP_EV_USER_TIMEOUT, do_keepalive, false, 5000 },
};
enum { STIMULI = sizeof stimuli / sizeof *stimuli };

static unsigned fired[TCP_STATE_COUNT][TCP_EVENT_COUNT];

/* The recorder of this slot outlives the control block's freeing only until the next life, so the
 * rig does not reap here. Counts what was fired after the first `skip` entries. */
static bool collect(const struct tcb *tcb, uint32_t skip, enum tcp_state s, enum tcp_event wanted,
                    unsigned *to)
{
  struct la_trace e[64];
  const size_t n = tcp_trace_read(&r->t, tcb, e, 64);
  bool found = false;

  for (size_t i = skip; i < n; i++) {
    if (e[i].kind != LA_TRACE_STATE)
      continue;
    fired[e[i].a][e[i].b]++;
    assert_true(tcp_fsm_defined(e[i].a, e[i].b));
    assert_int_equal(e[i].c, tcp_fsm_next(e[i].a, e[i].b));
    if (!found && e[i].a == s && e[i].b == wanted) {
      found = true;
      *to = e[i].c;
    }
  }
  return found;
}

static const char *sends_of(unsigned s, unsigned e)
{
  struct fsm_row row;

  for (unsigned i = 0; tcp_fsm_row(i, &row); i++)
    if (row.from == s && row.event == e)
      return row.sends;
  return NULL;
}

/* A listener's child is another control block: the row LISTEN, RCV_SYN is its. */
static const struct tcb *speaker(enum tcp_state s, const struct tcb *tcb)
{
  if (s != TCP_LISTEN || list_empty(&tcb->listener.half_open))
    return tcb;
  return list_entry(list_next(&tcb->listener.half_open), struct tcb, siblings);
}

static void try_one(enum tcp_state s, const struct stimulus *stimulus, bool passive)
{
  struct tcb *tcb;
  uint32_t skip;
  unsigned to = 0;

  rig_init(r);
  r->t.set.habits.user_timeout_ms = stimulus->user_timeout_ms;
  rig_in(r, s, passive);
  tcb = r->tcb;
  skip = tcb->traces;
  stimulus->act();
  rig_pump(r);
  if (speaker(s, tcb) != tcb)
    skip = 1;                   /* the child's own OPEN_PASSIVE */
  if (!collect(speaker(s, tcb), skip, s, stimulus->event, &to))
    return;
  if (!(stimulus->exact ? said_matches(sends_of(s, stimulus->event), r->said)
                        : ended_as(sends_of(s, stimulus->event), r->said)))
    fail_msg("%s %s: the table says that it sends %s, it said \"%s\"", tcp_state_name(s),
             tcp_event_name(stimulus->event), sends_of(s, stimulus->event), r->said);
}

TEST(every_stimulus_in_every_state_fires_only_what_the_table_has)
{
  for (unsigned s = 0; s < TCP_STATE_COUNT; s++)
    for (unsigned i = 0; i < STIMULI; i++)
      for (unsigned passive = 0; passive < 2; passive++)
        try_one(s, &stimuli[i], passive);
}

TEST(every_row_of_the_table_happens)
{
  unsigned missing = 0;

  for (unsigned s = 0; s < TCP_STATE_COUNT; s++) {
    for (unsigned e = 0; e < TCP_EVENT_COUNT; e++) {
      if (tcp_fsm_defined(s, e) == (fired[s][e] > 0))
        continue;
      missing++;
      print_error("%s %s: %s, but was fired %u times\n", tcp_state_name(s), tcp_event_name(e),
                  tcp_fsm_defined(s, e) ? "defined" : "not defined", fired[s][e]);
    }
  }
  assert_int_equal(missing, 0);
}

TEST(every_state_can_be_reached_and_left)
{
  bool from_closed[TCP_STATE_COUNT] = { true }, to_closed[TCP_STATE_COUNT] = { true };
  struct fsm_row row;

  for (unsigned round = 0; round < TCP_STATE_COUNT; round++) {
    for (unsigned i = 0; tcp_fsm_row(i, &row); i++) {
      from_closed[row.to] = from_closed[row.to] || from_closed[row.from];
      to_closed[row.from] = to_closed[row.from] || to_closed[row.to];
    }
  }
  for (unsigned s = 0; s < TCP_STATE_COUNT; s++)
    assert_true(from_closed[s] && to_closed[s]);
}

RUN(cmocka_unit_test(every_stimulus_in_every_state_fires_only_what_the_table_has),
    cmocka_unit_test(every_row_of_the_table_happens),
    cmocka_unit_test(every_state_can_be_reached_and_left))
