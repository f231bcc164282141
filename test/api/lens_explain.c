/* The explanations of lens/rules.def, walked over every state, set of flags and edge of a queue. */
#include "lens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What rules ask for, each with the values on both sides of every edge. */
static const uint32_t flag_sets[] = {
  0, LA_SOCK_FIN_QUEUED, LA_SOCK_FIN_QUEUED | LA_SOCK_FIN_SENT,
  LA_SOCK_FIN_QUEUED | LA_SOCK_FIN_SENT | LA_SOCK_FIN_ACKED, LA_SOCK_EOF_READ,
};
static const uint32_t other_flags[] = {
  0, LA_SOCK_ORPHAN, LA_SOCK_PASSIVE, LA_SOCK_UNACCEPTED, LA_SOCK_RECOVERY, LA_SOCK_LOSS,
  LA_SOCK_NODELAY, LA_SOCK_URGENT, LA_SOCK_PASSIVE | LA_SOCK_UNACCEPTED,
};
static const uint8_t timers[] = {
  LA_TIMER_NONE, LA_TIMER_RETRANSMIT, LA_TIMER_PERSIST, LA_TIMER_KEEPALIVE, LA_TIMER_GIVE_UP,
  LA_TIMER_TWO_MSL,
};
static const struct queues { uint32_t send, unsent, wnd, cwnd; } queues[] = {
  { 0, 0, 65535, 14600 }, { 1000, 0, 65535, 14600 }, { 1000, 1000, 65535, 14600 },
  { 1000, 10, 65535, 14600 }, { 1000, 1000, 0, 14600 }, { 20000, 5000, 65535, 15000 },
  { 20000, 5000, 15000, 65535 }, { 20000, 20000, 0, 65535 }, { 0, 0, 0, 14600 },
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct lens_list list_of(struct lens_conn *conns, size_t n)
{
  struct lens_list list = { .now = 1000 * LA_SEC, .n = n, .conns = conns };

  la_config_default(&list.config);
  return list;
}

static struct lens_conn conn_in(enum lens_state state)
{
  struct lens_conn conn = { .id = 1, .info = {
    .protocol = LA_TCP, .timer = LA_TIMER_NONE, .timer_due = LA_NEVER, .mss = 1460,
    .local = { la_ip4(10, 0, 0, 1), 80 }, .peer = { la_ip4(10, 0, 0, 2), 40000 },
    .snd_wnd = 65535, .rcv_wnd = 65535, .cwnd = 14600, .opened = 900 * LA_SEC,
    .state_since = 965 * LA_SEC, .last_received = 990 * LA_SEC } };

  conn.info.state = lens_state_number(state);
  return conn;
}

static struct lens_verdict verdict_on(const struct lens_conn *conn)
{
  struct lens_conn copy = *conn;
  struct lens_list list = list_of(&copy, 1);
  struct lens_verdict verdict;

  lens_explain(&list, &copy, &verdict);
  return verdict;
}

static void assert_says(const struct lens_conn *conn, enum lens_who who, const char *rule,
                        const char *words)
{
  struct lens_verdict verdict = verdict_on(conn);

  assert_string_equal(lens_rule_name(verdict.rule), rule);
  assert_string_equal(lens_who_name(verdict.who), lens_who_name(who));
  if (!strstr(verdict.why, words))
    fail_msg("\"%s\" is not in \"%s\"", words, verdict.why);
}

/* ---- every combination ------------------------------------------------------------------- */

/* A whole text: a capital, a full stop, no word left in braces, no two blanks, and not cut. */
static void assert_well_formed(const struct lens_verdict *verdict)
{
  const char *why = verdict->why, *who = lens_who_name(verdict->who);
  size_t length = strlen(why);

  assert_true(length > 20 && length < LENS_TEXT_OCTETS - 1);
  assert_true(why[0] >= 'A' && why[0] <= 'Z');
  assert_int_equal(strncmp(why + 1, who + 1, strlen(who) - 1), 0);
  assert_int_equal(why[length - 1], '.');
  if (strchr(why, '{') || strchr(why, '}') || strstr(why, "  ") || strstr(why, ".."))
    fail_msg("%s: %s", lens_rule_name(verdict->rule), why);
}

struct walk {
  unsigned rules_seen[128];
  unsigned long sockets;
};

static void look_at(struct walk *walk, const struct lens_conn *conn)
{
  struct lens_verdict verdict = verdict_on(conn);

  assert_well_formed(&verdict);
  assert_non_null(lens_rule_name(verdict.rule));
  walk->rules_seen[verdict.rule]++;
  walk->sockets++;
}

static void walk_counts(struct walk *walk, struct lens_conn conn)
{
  for (unsigned bits = 0; bits < 64; bits++) {
    conn.info.receive_queue = bits & 1 ? 700 : 0;
    conn.info.rcv_wnd = bits & 2 ? 0 : 65535;
    conn.info.backoffs = bits & 4 ? 3 : 0;
    conn.info.probes = bits & 8 ? 2 : 0;
    conn.info.soft_error = bits & 16 ? LA_EUNREACH : LA_OK;
    conn.info.out_of_order = bits & 32 ? 1460 : 0;
    look_at(walk, &conn);
  }
}

static void walk_flags(struct walk *walk, struct lens_conn conn)
{
  for (size_t f = 0; f < COUNT(flag_sets); f++)
    for (size_t o = 0; o < COUNT(other_flags); o++)
      for (size_t t = 0; t < COUNT(timers); t++) {
        conn.info.flags = flag_sets[f] | other_flags[o];
        conn.info.timer = timers[t];
        conn.info.timer_due = timers[t] == LA_TIMER_NONE ? LA_NEVER : 1003 * LA_SEC;
        walk_counts(walk, conn);
      }
}

static void walk_state(struct walk *walk, enum lens_state state)
{
  struct lens_conn conn = conn_in(state);

  for (size_t q = 0; q < COUNT(queues); q++) {
    conn.info.send_queue = queues[q].send;
    conn.info.send_unsent = queues[q].unsent;
    conn.info.snd_wnd = queues[q].wnd;
    conn.info.cwnd = queues[q].cwnd;
    walk_flags(walk, conn);
  }
}

/* What the walk over queues and flags does not reach: names, errors, listeners, UDP. */
static void walk_the_rest(struct walk *walk)
{
  struct lens_conn closed = conn_in(LENS_CLOSED), listener = conn_in(LENS_LISTEN);
  struct lens_conn udp = conn_in(LENS_CLOSED), strange = conn_in(LENS_ESTABLISHED);

  for (uint16_t error = LA_OK; error < LA_ERROR_COUNT; error++) {
    closed.info.error = error;
    look_at(walk, &closed);
  }
  closed.info.error = LA_OK;
  closed.info.peer.port = 0;
  look_at(walk, &closed);
  closed.info.local.port = 0;
  look_at(walk, &closed);
  for (unsigned waiting = 0; waiting <= 8; waiting += 4)
    for (unsigned half = 0; half < 2; half++) {
      listener.info.backlog = 8;
      listener.info.accept_queue = waiting;
      listener.info.half_open = half;
      look_at(walk, &listener);
    }
  udp.info.protocol = LA_UDP;
  look_at(walk, &udp);
  udp.info.receive_queue = 10;
  udp.info.drops = 1;
  look_at(walk, &udp);
  strange.info.state = 99;
  look_at(walk, &strange);
}

/* A half-open child of a listener whose queue is full. */
static void walk_full_listener(struct walk *walk)
{
  struct lens_conn conns[2] = { conn_in(LENS_LISTEN), conn_in(LENS_SYN_RECEIVED) };
  struct lens_list list = list_of(conns, 2);
  struct lens_verdict verdict;

  conns[0].info.backlog = conns[0].info.accept_queue = 4;
  conns[1].info.flags = LA_SOCK_PASSIVE;
  lens_explain(&list, &conns[1], &verdict);
  assert_well_formed(&verdict);
  assert_string_equal(lens_rule_name(verdict.rule), "syn_received_no_room");
  walk->rules_seen[verdict.rule]++;
}

static void every_socket_has_an_explanation_and_every_rule_a_socket(void **state)
{
  static struct walk walk;

  (void)state;
  for (int s = 0; s < LA_STATE_COUNT; s++)
    walk_state(&walk, (enum lens_state)s);
  walk_the_rest(&walk);
  walk_full_listener(&walk);
  for (unsigned rule = 0; lens_rule_name(rule); rule++)
    if (!walk.rules_seen[rule])
      fail_msg("no socket reaches the rule %s", lens_rule_name(rule));
  assert_true(walk.sockets > 1000000);
}

/* ---- the cases that an operator meets ------------------------------------------------------- */

static void close_wait_is_our_applications_and_says_whether_eof_was_read(void **state)
{
  struct lens_conn conn = conn_in(LENS_CLOSE_WAIT);

  (void)state;
  assert_says(&conn, LENS_OUR_APPLICATION, "close_wait_eof_unread", "has not even read the");
  assert_says(&conn, LENS_OUR_APPLICATION, "close_wait_eof_unread", "came 35 s ago");
  conn.info.flags = LA_SOCK_EOF_READ;
  assert_says(&conn, LENS_OUR_APPLICATION, "close_wait_eof_read", "must close: it has read");
  assert_says(&conn, LENS_OUR_APPLICATION, "close_wait_eof_read", "No timer ends CLOSE-WAIT");
  conn.info.flags = 0;
  conn.info.receive_queue = 1;
  assert_says(&conn, LENS_OUR_APPLICATION, "close_wait_unread", "must read 1 octet and,");
  conn.info.receive_queue = 0;
  conn.info.send_queue = 500;
  assert_says(&conn, LENS_OUR_APPLICATION, "close_wait_sending", "500 octets");
}

static void fin_wait_2_has_a_limit_only_when_our_application_has_let_go(void **state)
{
  struct lens_conn conn = conn_in(LENS_FIN_WAIT_2);

  (void)state;
  assert_says(&conn, LENS_PEERS_APPLICATION, "fin_wait_2_held", "no timer ends a half-closed");
  conn.info.flags = LA_SOCK_ORPHAN;
  conn.info.timer = LA_TIMER_GIVE_UP;
  conn.info.timer_due = 1042 * LA_SEC;
  assert_says(&conn, LENS_PEERS_APPLICATION, "fin_wait_2_orphan", "drop the connection in 42 s");
  assert_says(&conn, LENS_PEERS_APPLICATION, "fin_wait_2_orphan", "nothing to do with TIME-WAIT");
}

static void time_wait_is_the_clocks_and_shows_what_remains(void **state)
{
  struct lens_conn conn = conn_in(LENS_TIME_WAIT);

  (void)state;
  conn.info.timer = LA_TIMER_TWO_MSL;
  conn.info.timer_due = 1041 * LA_SEC;
  assert_says(&conn, LENS_CLOCK, "time_wait", "41 s of 2 MSL (60 s in all) remain");
}

static void syn_sent_says_that_it_was_never_answered(void **state)
{
  struct lens_conn conn = conn_in(LENS_SYN_SENT);

  (void)state;
  conn.info.timer = LA_TIMER_RETRANSMIT;
  conn.info.timer_due = 1008 * LA_SEC;
  assert_says(&conn, LENS_PEERS_TCP, "syn_sent_first", "goes out again in 8 s");
  conn.info.backoffs = 3;
  assert_says(&conn, LENS_PEERS_TCP, "syn_sent_unanswered", "has never answered");
  assert_says(&conn, LENS_PEERS_TCP, "syn_sent_unanswered", "sent 4 times");
  assert_says(&conn, LENS_PEERS_TCP, "syn_sent_unanswered", "given up after 7 resends");
  conn.info.soft_error = LA_EUNREACH;
  assert_says(&conn, LENS_NETWORK, "syn_sent_trouble", la_strerror(LA_EUNREACH));
}

static void a_stuck_sender_knows_who_holds_it(void **state)
{
  struct lens_conn conn = conn_in(LENS_ESTABLISHED);

  (void)state;
  assert_says(&conn, LENS_NOBODY, "open_idle", "open and idle");
  conn.info.send_queue = 3000;
  assert_says(&conn, LENS_PEERS_TCP, "open_in_flight", "acknowledge 3000 octets");
  conn.info.send_unsent = 100;
  assert_says(&conn, LENS_PEERS_TCP, "open_nagle", "Nagle's rule holds back the 100 octets");
  conn.info.flags = LA_SOCK_NODELAY;
  assert_says(&conn, LENS_OUR_TCP, "open_unsent", "100 octets to send");
  conn.info.cwnd = 2920;
  assert_says(&conn, LENS_NETWORK, "open_cwnd_limited", "congestion window of 2920");
  conn.info.snd_wnd = 2900;
  assert_says(&conn, LENS_PEERS_APPLICATION, "open_window_limited", "the peer's window of 2900");
  conn.info.snd_wnd = 0;
  conn.info.probes = 4;
  conn.info.timer = LA_TIMER_PERSIST;
  conn.info.timer_due = 1004 * LA_SEC;
  assert_says(&conn, LENS_PEERS_APPLICATION, "open_shut_window", "must read");
  assert_says(&conn, LENS_PEERS_APPLICATION, "open_shut_window", "4 probes went unanswered");
  conn.info.receive_queue = 77;
  assert_says(&conn, LENS_PEERS_APPLICATION, "open_shut_window", "has 77 octets to read");
}

static void a_fin_that_waits_says_what_it_waits_for(void **state)
{
  struct lens_conn conn = conn_in(LENS_FIN_WAIT_1);

  (void)state;
  conn.info.flags = LA_SOCK_FIN_QUEUED;
  assert_says(&conn, LENS_OUR_TCP, "fin_wait_1_unsent", "has to send our FIN");
  conn.info.send_queue = 900;
  assert_says(&conn, LENS_PEERS_TCP, "fin_wait_1_queued", "acknowledge 900 octets before our FIN");
  conn.info.snd_wnd = 0;
  conn.info.timer = LA_TIMER_PERSIST;
  conn.info.timer_due = 1006 * LA_SEC;
  assert_says(&conn, LENS_PEERS_APPLICATION, "fin_wait_1_shut", "We ask again in 6 s");
  conn.info.send_queue = 0;
  assert_says(&conn, LENS_PEERS_APPLICATION, "fin_wait_1_shut_fin", "our FIN waits at a shut");
  conn.info.snd_wnd = 65535;
  conn.info.flags |= LA_SOCK_FIN_SENT;
  conn.info.timer = LA_TIMER_RETRANSMIT;
  assert_says(&conn, LENS_PEERS_TCP, "fin_wait_1_sent", "it goes out again in 6 s");
}

static void last_ack_means_that_our_fin_is_not_yet_acknowledged(void **state)
{
  struct lens_conn conn = conn_in(LENS_LAST_ACK);

  (void)state;
  conn.info.flags = LA_SOCK_FIN_QUEUED | LA_SOCK_FIN_SENT;
  conn.info.backoffs = 2;
  assert_says(&conn, LENS_PEERS_TCP, "last_ack_resent", "has not acknowledged our FIN yet");
  assert_says(&conn, LENS_PEERS_TCP, "last_ack_resent", "twice after time-outs");
}

/* The library's own idea of who is waited for, where it names an application or the clock. */
static void the_verdicts_agree_with_what_the_states_wait_for(void **state)
{
  (void)state;
  for (int s = 0; s < LA_STATE_COUNT; s++) {
    struct lens_conn conn = conn_in((enum lens_state)s);
    const char *waits_for = la_state_waits_for(conn.info.state);
    struct lens_verdict verdict = verdict_on(&conn);

    if (strstr(waits_for, "application") || strstr(waits_for, "clock"))
      assert_string_equal(lens_who_name(verdict.who), waits_for);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_socket_has_an_explanation_and_every_rule_a_socket),
    cmocka_unit_test(close_wait_is_our_applications_and_says_whether_eof_was_read),
    cmocka_unit_test(fin_wait_2_has_a_limit_only_when_our_application_has_let_go),
    cmocka_unit_test(time_wait_is_the_clocks_and_shows_what_remains),
    cmocka_unit_test(syn_sent_says_that_it_was_never_answered),
    cmocka_unit_test(a_stuck_sender_knows_who_holds_it),
    cmocka_unit_test(a_fin_that_waits_says_what_it_waits_for),
    cmocka_unit_test(last_ack_means_that_our_fin_is_not_yet_acknowledged),
    cmocka_unit_test(the_verdicts_agree_with_what_the_states_wait_for),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
