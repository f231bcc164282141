/* The dialects of a socket list to the character, JSON there and back, and the drawing's edges. */
#include "lens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lens_conn tcp(enum lens_state state, uint16_t peer_port)
{
  struct lens_conn conn = { .id = 0x100000000 + peer_port, .info = {
    .protocol = LA_TCP, .timer = LA_TIMER_NONE, .timer_due = LA_NEVER,
    .local = { la_ip4(10, 0, 0, 1), 80 }, .peer = { la_ip4(192, 168, 100, 200), peer_port },
    .mss = 1460, .snd_wnd = 65535, .rcv_wnd = 65535, .cwnd = 14600, .srtt = 20 * LA_MS,
    .ssthresh = UINT32_MAX, .state_since = 65 * LA_SEC, .opened = 20 * LA_SEC } };

  conn.info.state = lens_state_number(state);
  return conn;
}

/* A listener with two to accept, every other state, and two datagram sockets. */
enum { CONNS = 12 };
static void fill(struct lens_conn conns[CONNS])
{
  conns[0] = tcp(LENS_SYN_SENT, 1);
  conns[0].info.timer = LA_TIMER_RETRANSMIT;
  conns[0].info.timer_due = 100 * LA_SEC + 2480 * LA_MS;
  conns[0].info.backoffs = 1;
  conns[1] = tcp(LENS_SYN_RECEIVED, 2);
  conns[2] = tcp(LENS_ESTABLISHED, 50000);
  conns[2].info.send_queue = 1234567;
  conns[2].info.receive_queue = 30;
  conns[3] = tcp(LENS_FIN_WAIT_1, 4);
  conns[4] = tcp(LENS_FIN_WAIT_2, 5);
  conns[5] = tcp(LENS_CLOSE_WAIT, 6);
  conns[6] = tcp(LENS_CLOSING, 7);
  conns[7] = tcp(LENS_LAST_ACK, 8);
  conns[8] = tcp(LENS_TIME_WAIT, 9);
  conns[8].info.timer = LA_TIMER_TWO_MSL;
  conns[8].info.timer_due = 157 * LA_SEC;
  conns[9] = tcp(LENS_LISTEN, 0);
  conns[9].info.local.addr = conns[9].info.peer.addr = (la_addr){ 0 };
  conns[9].info.backlog = 128;
  conns[9].info.accept_queue = 2;
  conns[10] = tcp(LENS_CLOSED, 0);
  conns[10].info.protocol = LA_UDP;
  conns[10].info.local.port = 53;
  conns[10].info.peer = (la_endpoint){ 0 };
  conns[11] = tcp(LENS_CLOSED, 0);
  conns[11].info.peer = (la_endpoint){ 0 };
}

/* What is printed; the caller frees it. */
static char *printed_with(const struct lens_look *look)
{
  static struct lens_conn conns[CONNS];
  struct lens_list list = { .now = 100 * LA_SEC, .n = CONNS, .conns = conns };
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);

  fill(conns);
  lens_print_list(out, &list, look);
  fclose(out);
  return text;
}

static void assert_prints(enum lens_format format, const char *want)
{
  struct lens_look look = { .format = format, .state = LENS_UNKNOWN };
  char *text = printed_with(&look);

  assert_string_equal(text, want);
  free(text);
}

static void netstat_is_net_tools(void **state)
{
  (void)state;
  assert_prints(LENS_AS_NETSTAT,
    "Active Internet connections (servers and established)\n"
    "Proto Recv-Q Send-Q Local Address           Foreign Address         State      \n"
    "tcp        2      0 0.0.0.0:80              0.0.0.0:*               LISTEN     \n"
    "tcp        0      1 10.0.0.1:80             192.168.100.200:1       SYN_SENT   \n"
    "tcp        0      0 10.0.0.1:80             192.168.100.200:2       SYN_RECV   \n"
    "tcp       30 1234567 10.0.0.1:80             192.168.100.200:50000   ESTABLISHED\n"
    "tcp        0      1 10.0.0.1:80             192.168.100.200:4       FIN_WAIT1  \n"
    "tcp        0      0 10.0.0.1:80             192.168.100.200:5       FIN_WAIT2  \n"
    "tcp        1      0 10.0.0.1:80             192.168.100.200:6       CLOSE_WAIT \n"
    "tcp        1      1 10.0.0.1:80             192.168.100.200:7       CLOSING    \n"
    "tcp        1      1 10.0.0.1:80             192.168.100.200:8       LAST_ACK   \n"
    "tcp        0      0 10.0.0.1:80             192.168.100.200:9       TIME_WAIT  \n"
    "udp        0      0 10.0.0.1:53             0.0.0.0:*                          \n");
}

static void ss_is_iproute2(void **state)
{
  (void)state;
  assert_prints(LENS_AS_SS,
    "Netid State      Recv-Q Send-Q  Local Address:Port    Peer Address:Port Process\n"
    "udp   UNCONN     0      0            10.0.0.1:53           0.0.0.0:*\n"
    "tcp   LISTEN     2      128           0.0.0.0:80           0.0.0.0:*\n"
    "tcp   SYN-SENT   0      1            10.0.0.1:80   192.168.100.200:1     "
    "timer:(on,2.480sec,1)\n"
    "tcp   SYN-RECV   0      0            10.0.0.1:80   192.168.100.200:2\n"
    "tcp   ESTAB      30     1234567      10.0.0.1:80   192.168.100.200:50000\n"
    "tcp   FIN-WAIT-1 0      1            10.0.0.1:80   192.168.100.200:4\n"
    "tcp   FIN-WAIT-2 0      0            10.0.0.1:80   192.168.100.200:5\n"
    "tcp   CLOSE-WAIT 1      0            10.0.0.1:80   192.168.100.200:6\n"
    "tcp   CLOSING    1      1            10.0.0.1:80   192.168.100.200:7\n"
    "tcp   LAST-ACK   1      1            10.0.0.1:80   192.168.100.200:8\n"
    "tcp   TIME-WAIT  0      0            10.0.0.1:80   192.168.100.200:9     "
    "timer:(timewait,57sec,0)\n");
}

static void bsd_is_freebsd(void **state)
{
  (void)state;
  assert_prints(LENS_AS_BSD,
    "Active Internet connections (including servers)\n"
    "Proto Recv-Q Send-Q Local Address          Foreign Address        (state)\n"
    "tcp4       0      0 *.80                   *.*                    LISTEN\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.1      SYN_SENT\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.2      SYN_RCVD\n"
    "tcp4      30 1234567 10.0.0.1.80            192.168.100.200.50000  ESTABLISHED\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.4      FIN_WAIT_1\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.5      FIN_WAIT_2\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.6      CLOSE_WAIT\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.7      CLOSING\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.8      LAST_ACK\n"
    "tcp4       0      0 10.0.0.1.80            192.168.100.200.9      TIME_WAIT\n"
    "udp4       0      0 10.0.0.1.53            *.*                    \n");
}

static unsigned lines_of(const char *text)
{
  unsigned lines = 0;

  for (; *text; text++)
    lines += *text == '\n';
  return lines;
}

static void a_look_chooses_rows(void **state)
{
  struct lens_look look = { .format = LENS_AS_BSD, .state = LENS_UNKNOWN };
  char *text;

  (void)state;
  look.all = true;
  text = printed_with(&look);
  assert_int_equal(lines_of(text), 2 + CONNS);
  assert_non_null(strstr(text, "CLOSED"));
  free(text);
  look = (struct lens_look){ .format = LENS_AS_BSD, .state = LENS_UNKNOWN, .listening = true };
  text = printed_with(&look);
  assert_int_equal(lines_of(text), 2 + 2);
  free(text);
  look = (struct lens_look){ .format = LENS_AS_BSD, .state = LENS_CLOSING };
  text = printed_with(&look);
  assert_int_equal(lines_of(text), 2 + 1);
  free(text);
}

/* Whatever the width, no line of the long list is wider, but where a row cannot be less. */
static void the_long_list_fits_the_terminal(void **state)
{
  (void)state;
  for (unsigned columns = 80; columns < 200; columns++) {
    struct lens_look look = { .state = LENS_UNKNOWN, .columns = columns };
    char *text = printed_with(&look), *line = strtok(text, "\n");

    for (; line && strstr(line, "sockets") != line + 3; line = strtok(NULL, "\n"))
      if (strlen(line) > columns)
        fail_msg("%u columns: %s", columns, line);
    free(text);
  }
}

static unsigned times(const char *text, const char *words)
{
  unsigned count = 0;

  for (const char *p = text; (p = strstr(p, words)) != NULL; p++)
    count++;
  return count;
}

static void print_listeners(size_t n, char **text)
{
  struct lens_conn conns[9];
  struct lens_list list = { .n = n, .conns = conns };
  const struct lens_look look = { .state = LENS_UNKNOWN };
  size_t size;
  FILE *out = open_memstream(text, &size);

  for (size_t i = 0; i < n; i++)
    conns[i] = tcp(LENS_LISTEN, 0);
  lens_print_list(out, &list, &look);
  fclose(out);
}

static void of_many_alike_a_few_speak(void **state)
{
  char *text;

  (void)state;
  print_listeners(8, &text);
  assert_int_equal(times(text, "anyone's SYN"), 8);
  free(text);
  print_listeners(9, &text);
  assert_int_equal(times(text, "anyone's SYN"), 3);
  assert_int_equal(times(text, "LISTEN  "), 9);
  free(text);
}

static void the_long_list_has_no_colours_unless_asked(void **state)
{
  struct lens_look look = { .state = LENS_UNKNOWN };
  char *text = printed_with(&look);

  (void)state;
  assert_null(strchr(text, '\033'));
  free(text);
  look.colours = true;
  text = printed_with(&look);
  assert_non_null(strchr(text, '\033'));
  free(text);
}

/* ---- JSON -------------------------------------------------------------------------------- */

static void assert_same_endpoint(const char *key, la_endpoint a, la_endpoint b)
{
  if (a.port != b.port || memcmp(&a.addr, &b.addr, sizeof a.addr) != 0)
    fail_msg("%s differs", key);
}

/* Field by field: what lies between the fields is nobody's. */
static void assert_same_info(const la_sock_info *a, const la_sock_info *b)
{
#define number_differs(key, x, y) do { if ((x) != (y)) fail_msg("%s differs", key); } while (0)
#define differ_U8 number_differs
#define differ_U16 number_differs
#define differ_U32 number_differs
#define differ_U64 number_differs
#define differ_U32_NONE number_differs
#define differ_TIME number_differs
#define differ_DUE number_differs
#define differ_PROTOCOL number_differs
#define differ_STATE number_differs
#define differ_TIMER number_differs
#define differ_ERROR number_differs
#define differ_ENDPOINT assert_same_endpoint
#define FIELD(key, member, kind) differ_##kind(key, a->member, b->member);
#include "sock_fields.def"
#undef FIELD
}

static void json_goes_there_and_back(void **state)
{
  struct lens_conn conns[CONNS];

  (void)state;
  fill(conns);
  conns[2].info.flags = LA_SOCK_SACK | LA_SOCK_NODELAY;
  conns[2].info.octets_in = UINT64_C(1) << 40;
  conns[2].info.soft_error = LA_EUNREACH;
  snprintf(conns[2].iface, sizeof conns[2].iface, "tun0");
  for (int i = 0; i < CONNS; i++) {
    json_t *object = lens_json_of_conn(&conns[i]);
    struct lens_conn back;

    assert_true(lens_conn_of_json(object, &back));
    if (conns[i].info.protocol == LA_UDP)
      back.info.state = conns[i].info.state;
    assert_same_info(&back.info, &conns[i].info);
    assert_string_equal(back.iface, conns[i].iface);
    assert_int_equal(back.id, conns[i].id);
    json_decref(object);
  }
}

static void json_that_makes_no_sense_is_refused(void **state)
{
  static const char *const bad[] = {
    "{}", "[]", "{\"id\": 1}", "{\"id\": \"1\", \"protocol\": \"tcp\", \"local\": 3}",
    "{\"id\": \"1\", \"protocol\": \"tcp\", \"local\": {\"addr\": \"nowhere\", \"port\": 1}}",
    "{\"id\": \"1\", \"protocol\": \"tcp\", \"local\": {\"addr\": \"*\", \"port\": 70000}}",
  };
  struct lens_conn conn;

  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    json_t *object = json_loads(bad[i], 0, NULL);

    assert_non_null(object);
    assert_false(lens_conn_of_json(object, &conn));
    json_decref(object);
  }
}

/* ---- names and numbers for people -------------------------------------------------------- */

static void a_state_is_known_in_every_dialect(void **state)
{
  static const struct { const char *text; enum lens_state state; } spellings[] = {
    { "SYN_SEND", LENS_SYN_SENT }, { "syn-sent", LENS_SYN_SENT },
    { "SYN_RCVD", LENS_SYN_RECEIVED },
    { "SYN_RECV", LENS_SYN_RECEIVED }, { "Syn-Received", LENS_SYN_RECEIVED },
    { "FIN_WAIT1", LENS_FIN_WAIT_1 }, { "fin wait 2", LENS_FIN_WAIT_2 }, { "CLOSE", LENS_CLOSED },
    { "TIMED_WAIT", LENS_TIME_WAIT }, { "timewait", LENS_TIME_WAIT }, { "ESTAB", LENS_ESTABLISHED },
    { "UNCONN", LENS_CLOSED }, { "", LENS_UNKNOWN }, { "FIN_WAIT_3", LENS_UNKNOWN },
    { "_", LENS_UNKNOWN }, { "ESTABLISHEDESTABLISHEDESTABLISHED", LENS_UNKNOWN },
  };

  (void)state;
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
    assert_int_equal(lens_state_of_text(spellings[i].text), spellings[i].state);
  for (int s = 0; s < LA_STATE_COUNT; s++) {
    uint8_t number = lens_state_number((enum lens_state)s);

    assert_int_equal(lens_state_of(number), s);
    for (int d = 0; d < LENS_DIALECTS; d++)
      assert_int_equal(lens_state_of_text(lens_state_name(number, (enum lens_dialect)d)), s);
  }
}

static void durations_are_rounded_for_people(void **state)
{
  static const struct { la_time duration; const char *text; } durations[] = {
    { 0, "0 ns" }, { -5, "0 ns" }, { 20 * LA_MS, "20 ms" }, { 1234 * LA_MS, "1.23 s" },
    { 35 * LA_SEC, "35 s" }, { 9999 * LA_MS, "10 s" }, { 59999 * LA_MS, "60 s" },
    { 125 * LA_SEC, "2 min 05 s" }, { 3600 * LA_SEC, "1 h 00 min" },
    { 7200 * LA_SEC - 1, "2 h 00 min" }, { 90000 * LA_SEC, "1 d 01 h" }, { 150000, "0.15 ms" },
    { LA_NEVER, "for ever" },
  };
  char text[32];

  (void)state;
  for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
    assert_string_equal(lens_duration_text(durations[i].duration, text, sizeof text),
                        durations[i].text);
}

/* ---- the drawing ------------------------------------------------------------------------- */

static bool is_part_of_name(char c)
{
  return c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

/* How often a whole name occurs in a text. */
static unsigned count_of(const char *text, const char *name)
{
  unsigned count = 0;
  size_t length = strlen(name);

  for (const char *p = strstr(text, name); p; p = strstr(p + 1, name))
    count += !(p > text && is_part_of_name(p[-1])) && !is_part_of_name(p[length]);
  return count;
}

/* Each row that changes the state puts its event into the drawing once. */
static unsigned rows_with(uint8_t event)
{
  la_fsm_row row;
  unsigned count = 0;

  for (unsigned n = 0; la_fsm_row_get(n, &row); n++)
    count += row.event == event && row.from != row.to;
  return count;
}

static void assert_every_row_is_drawn(char *text)
{
  for (uint8_t event = 0; la_fsm_event_name(event); event++)
    if (count_of(text, la_fsm_event_name(event)) != rows_with(event))
      fail_msg("%s: %u in the drawing, %u rows\n%s", la_fsm_event_name(event),
               count_of(text, la_fsm_event_name(event)), rows_with(event), text);
  free(text);
}

static void no_edge_is_missing_from_the_drawings(void **state)
{
  char *text = NULL, *legend;
  struct lens_look look = { .state = LENS_UNKNOWN };
  size_t size;
  FILE *out;

  (void)state;
  for (int ascii = 0; ascii < 2; ascii++) {
    look.ascii = ascii;
    out = open_memstream(&text, &size);
    lens_print_diagram(out, &look);
    fclose(out);
    assert_null(strstr(text, "not in the drawing"));
    legend = strstr(text, "EVENT / what is sent");
    assert_non_null(legend);
    *legend = '\0';
    assert_every_row_is_drawn(text);
  }
  out = open_memstream(&text, &size);
  lens_print_dot(out);
  fclose(out);
  assert_every_row_is_drawn(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(netstat_is_net_tools),
    cmocka_unit_test(ss_is_iproute2),
    cmocka_unit_test(bsd_is_freebsd),
    cmocka_unit_test(a_look_chooses_rows),
    cmocka_unit_test(the_long_list_fits_the_terminal),
    cmocka_unit_test(of_many_alike_a_few_speak),
    cmocka_unit_test(the_long_list_has_no_colours_unless_asked),
    cmocka_unit_test(json_goes_there_and_back),
    cmocka_unit_test(json_that_makes_no_sense_is_refused),
    cmocka_unit_test(a_state_is_known_in_every_dialect),
    cmocka_unit_test(durations_are_rounded_for_people),
    cmocka_unit_test(no_edge_is_missing_from_the_drawings),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
