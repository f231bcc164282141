/* What lies behind a connection, in the words of `ss -i` and in sentences; where a listener for
 * IPv6 alone stands. */
#include "lens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lens_conn connection(void)
{
  struct lens_conn conn = { .id = 1, .info = {
    .protocol = LA_TCP, .timer = LA_TIMER_NONE, .timer_due = LA_NEVER,
    .local = { la_ip4(10, 0, 0, 1), 80 }, .peer = { la_ip4(10, 0, 0, 2), 4000 },
    .congestion = LA_CC_CUBIC, .mss = 1448, .path_mtu = 1500, .advertised_mss = 1460,
    .cwnd = 14480, .ssthresh = UINT32_MAX, .rto = 204 * LA_MS, .snd_wnd = 65536,
    .rcv_wnd = 64240 } };

  conn.info.state = lens_state_number(LENS_ESTABLISHED);
  return conn;
}

/* One of which everything is known. */
static struct lens_conn busy_connection(void)
{
  struct lens_conn conn = connection();
  la_sock_info *const c = &conn.info;

  c->flags = LA_SOCK_TIMESTAMPS | LA_SOCK_SACK | LA_SOCK_WSCALE | LA_SOCK_ECN | LA_SOCK_ECN_SEEN
             | LA_SOCK_SYN_TEXT | LA_SOCK_APP_LIMITED;
  c->snd_wscale = 7;
  c->rcv_wscale = 10;
  c->backoffs = 1;
  c->srtt = 20500000;
  c->rttvar = 250000;
  c->rtt_min = 19 * LA_MS;
  c->ack_delay = 40 * LA_MS;
  c->segment_in = 1400;
  c->ssthresh = 7240;
  c->octets_sent = 10000;
  c->octets_resent = 1448;
  c->octets_acked = 4000;
  c->octets_in = 700;
  c->segments_out = 12;
  c->segments_in = 11;
  c->text_segments_out = 8;
  c->text_segments_in = 3;
  c->last_text_sent = 99 * LA_SEC;
  c->last_text_received = 98 * LA_SEC;
  c->last_received = 99500 * LA_MS;
  c->pacing_rate = 125000;
  c->pacing_limit = 250000;
  c->delivery_rate = 1000;
  c->delivered = 5;
  c->delivered_ce = 2;
  c->busy = 200 * LA_MS;
  c->rwnd_limited = 50 * LA_MS;
  c->sndbuf_limited = 25 * LA_MS;
  c->segments_flight = 4;
  c->segments_resent = 1;
  c->retransmissions = 3;
  c->segments_lost = 1;
  c->segments_sacked = 2;
  c->dsacks = 6;
  c->reorderings = 7;
  c->send_unsent = 800;
  c->early_segments = 9;
  return conn;
}

static char *printed(struct lens_conn conn, struct lens_look look)
{
  struct lens_list list = { .now = 100 * LA_SEC, .n = 1, .conns = &conn };
  char *text = NULL;
  size_t size;
  FILE *const out = open_memstream(&text, &size);

  look.state = LENS_UNKNOWN;
  lens_print_list(out, &list, &look);
  fclose(out);
  return text;
}

static void assert_prints(struct lens_conn conn, struct lens_look look, const char *want)
{
  char *const text = printed(conn, look);

  if (!strstr(text, want))
    fail_msg("no \"%s\" in:\n%s", want, text);
  free(text);
}

static const struct lens_look as_ss = { .format = LENS_AS_SS, .info = true };

static void ss_info_has_the_words_and_the_order_of_iproute2(void **state)
{
  (void)state;
  assert_prints(busy_connection(), as_ss,
    "\n\t ts sack ecn ecnseen fastopen cubic wscale:7,10 rto:204 backoff:1 rtt:20.5/0.25 ato:40"
    " mss:1448 pmtu:1500 rcvmss:1400 advmss:1448 cwnd:10 ssthresh:5 bytes_sent:11448"
    " bytes_retrans:1448 bytes_acked:4000 bytes_received:700 segs_out:12 segs_in:11"
    " data_segs_out:8 data_segs_in:3 send 5650732bps lastsnd:1000 lastrcv:2000 lastack:500"
    " pacing_rate 1000000bps/2000000bps delivery_rate 8000bps delivered:5 delivered_ce:2"
    " app_limited busy:200ms rwnd_limited:50ms(25.0%) sndbuf_limited:25ms(12.5%) unacked:4"
    " retrans:1/3 lost:1 sacked:2 dsack_dups:6 reord_seen:7 notsent:800 minrtt:19"
    " rcv_ooopack:9 snd_wnd:65536 rcv_wnd:64240\n");
}

static void ss_info_leaves_out_what_is_nought(void **state)
{
  (void)state;
  assert_prints(connection(), as_ss,
    "\n\t cubic rto:204 mss:1448 pmtu:1500 advmss:1460 cwnd:10 snd_wnd:65536 rcv_wnd:64240\n");
}

static void a_listener_has_its_congestion_control_and_a_record_nothing(void **state)
{
  struct lens_conn conn = connection();
  char *text;

  (void)state;
  conn.info.state = lens_state_number(LENS_LISTEN);
  assert_prints(conn, as_ss, "\n\t cubic\n");
  conn.info.state = lens_state_number(LENS_TIME_WAIT);
  conn.info.flags = LA_SOCK_TIME_WAIT_RECORD;
  text = printed(conn, as_ss);
  assert_null(strchr(text, '\t'));
  free(text);
}

static void nothing_is_added_unless_asked_for(void **state)
{
  char *text = printed(busy_connection(), (struct lens_look){ .format = LENS_AS_SS });

  (void)state;
  assert_null(strstr(text, "cubic"));
  free(text);
  text = printed(busy_connection(), (struct lens_look){ .format = LENS_AS_LONG });
  assert_null(strstr(text, "windows:"));
  free(text);
}

static void sentences_say_the_same(void **state)
{
  const struct lens_look look = { .format = LENS_AS_LONG, .info = true, .columns = 100 };
  char *const text = printed(busy_connection(), look);
  static const char *const words[] = {
    "path: segments of 1448 octets in packets of 1500; a round trip takes 20.5 ms",
    "windows: cubic has cwnd 14480, ssthresh 7240; the peer offers 65536 octets, we 64240.",
    "sent: 10000 octets, and 1448 again, in 8 segments of 12; 5 have arrived, 2 of them under",
    "busy: 200 ms in all, for 50 ms held back by the peer's window, for 25 ms by our send",
    "received: 700 octets in 3 segments of 11, the longest of 1400, 9 before their turn.",
  };

  (void)state;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strstr(text, words[i]))
      fail_msg("no \"%s\" in:\n%s", words[i], text);
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
    assert_true(strlen(line) <= 100);
  free(text);
}

static void a_listener_for_ipv6_alone_stands_at_its_any_address(void **state)
{
  struct lens_conn conn = connection();

  (void)state;
  conn.info.state = lens_state_number(LENS_LISTEN);
  conn.info.local.addr = conn.info.peer.addr = (la_addr){ 0 };
  conn.info.peer.port = 0;
  conn.info.flags = LA_SOCK_V6ONLY;
  assert_prints(conn, (struct lens_look){ .format = LENS_AS_SS }, " [::]:80 ");
  assert_prints(conn, (struct lens_look){ .format = LENS_AS_NETSTAT },
                "tcp6       0      0 :::80                   :::*                    LISTEN");
  assert_prints(conn, (struct lens_look){ .format = LENS_AS_BSD }, "tcp6 ");
  assert_prints(conn, (struct lens_look){ .format = LENS_AS_LONG }, " [::]:80 ");
  assert_prints(conn, (struct lens_look){ .format = LENS_AS_JSON }, "\"V6ONLY\"");
  conn.info.flags = 0;
  assert_prints(conn, (struct lens_look){ .format = LENS_AS_LONG }, " *:80 ");
  assert_prints(conn, (struct lens_look){ .format = LENS_AS_NETSTAT }, "tcp        0");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ss_info_has_the_words_and_the_order_of_iproute2),
    cmocka_unit_test(ss_info_leaves_out_what_is_nought),
    cmocka_unit_test(a_listener_has_its_congestion_control_and_a_record_nothing),
    cmocka_unit_test(nothing_is_added_unless_asked_for),
    cmocka_unit_test(sentences_say_the_same),
    cmocka_unit_test(a_listener_for_ipv6_alone_stands_at_its_any_address),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
