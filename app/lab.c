/* lab.c - `lastack lab`: plays the scenarios of sim/ and lends them what only a command has: a
 * terminal, netstat's formats, and a capture file. */
#include "lab.h"

#include "app.h"
#include "lens.h"
#include "pcapng.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 100, WIDTH_LEAST = 80, WIDTH_MOST = 200, WIDTH_WHOLE = 112 };
enum { PLAYED_MOST = 64 };
static const la_time capture_begin = INT64_C(1767225600) * LA_SEC;   /* 2026-01-01, UTC */

struct lab_command {
  struct lab_io io;
  const char *pcap_path, *packets_path;
  struct pcapng *pcap;
  FILE    *packets;
  struct seg_flows flows;           /* of the packets that are listed */
  int      iface[2];
  bool     list, all;
  struct tally tally;               /* what --rows prints */
  char     options[40];             /* to repeat a play with */
  const struct lab_scenario *chosen[PLAYED_MOST];
  unsigned n;
};

static const char help[] =
  "usage: lastack lab [OPTION ...] [SCENARIO ...]\n"
  "\n"
  "Play scenarios of TCP's life with the shipping stack on both ends of a simulated link, in\n"
  "virtual time: the ladder of segments with both ends' states, what happened and why, and what\n"
  "netstat shows. Each scenario checks what it shows; a failed check is exit status 1.\n"
  "\n"
  "In a ladder, a line is a segment, with the time when it leaves and both ends' states. Where\n"
  "segments cross, each has two lines (- - -): it leaves, and later it arrives. X is lost, ~ was\n"
  "sent by neither host, numbers count from each side's SYN, and | goes with the line above.\n"
  "\n"
  "  --list          the scenarios, one line each\n"
  "  --all           play all of them\n"
  "  --ipv6          over IPv6\n"
  "  --congestion NAME   newreno, cubic (the default) or bbr, at both ends\n"
  "  --seed N        of everything random: loss, sequence numbers, ports (default 1)\n"
  "  --pcap FILE     write what both hosts' interfaces saw (pcapng, for Wireshark and tshark)\n"
  "  --packets FILE  list the same packets as this program's own dissector reads them: one line\n"
  "                  each, fields separated by tabs, named in the first line\n"
  "  --rows          at the end, how often each row of the tables was met: states, timers,\n"
  "                  reasons to refuse, counters\n"
  "  --width N       columns to draw in, 80 to 200 (default: the terminal's, or 100)\n"
  "\n"
  "example: lastack lab close simultaneous-close --pcap close.pcapng\n";

/* ---- what the scenarios borrow ------------------------------------------------------- */

static void show_netstat(void *user, const la_stack *s, const char *host, enum lab_style style)
{
  static const enum lens_format formats[] = {
    [LAB_LONG] = LENS_AS_LONG, [LAB_WHOLE] = LENS_AS_LONG,
    [LAB_NETSTAT] = LENS_AS_NETSTAT, [LAB_SS] = LENS_AS_SS,
    [LAB_BSD] = LENS_AS_BSD, [LAB_JSON] = LENS_AS_JSON,
  };
  struct lab_command *c = user;
  struct lens_look look = { .format = formats[style], .all = true, .state = LENS_UNKNOWN,
                            .columns = c->io.width };
  struct lens_list list;

  if (style == LAB_WHOLE && look.columns < WIDTH_WHOLE)
    look.columns = WIDTH_WHOLE;

  if (!lens_list_of_stack(s, &list)) {
    app_fail("out of memory");
    return;
  }
  snprintf(list.host, sizeof list.host, "%s", host);
  lens_print_list(c->io.out, &list, &look);
  lens_list_free(&list);
}

static void show_diagram(void *user)
{
  struct lab_command *c = user;
  struct lens_look look = { .state = LENS_UNKNOWN, .columns = c->io.width };

  lens_print_diagram(c->io.out, &look);
}

static const char packet_fields[] =
  "interface\tdirection\ttime_ns\tflags\tseq\tack\trelative_seq\trelative_ack\tlength\twindow\t"
  "mss\twscale\tsack_permitted\tts_value\tts_echo\tsack\tfault\n";

/* TCP, and what is too damaged to tell; -1 and "-" stand for what is absent. */
static void list_packet(struct lab_command *c, unsigned host, bool outwards, la_time at,
                        const uint8_t *octets, uint32_t n)
{
  struct seg_flow *flow;
  struct seg g;
  unsigned from;

  seg_read(&g, LA_MEDIUM_IP, octets, n);
  if (g.kind != SEG_TCP && !g.fault)
    return;
  flow = seg_flow_of(&c->flows, &g, &from);
  fprintf(c->packets, "%s\t%s\t%" PRId64 "\t%u\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32
          "\t%" PRIu32 "\t%u\t", host ? "server" : "client", outwards ? "out" : "in",
          capture_begin + at, g.flags, g.seq, g.ack, g.seq - flow->base[from],
          g.flags & SEG_ACK ? g.ack - flow->base[!from] : 0, g.text, g.window);
  fprintf(c->packets, "%d\t%d\t%d\t%" PRId64 "\t%" PRId64 "\t", g.mss ? g.mss : -1, g.wscale,
          g.sack_ok, g.timestamps ? (int64_t)g.ts_value : -1,
          g.timestamps ? (int64_t)g.ts_echo : -1);
  for (unsigned i = 0; i < g.sacks; i++)
    fprintf(c->packets, "%s%" PRIu32 "-%" PRIu32, i ? "," : "", g.sack[i].left, g.sack[i].right);
  fprintf(c->packets, "%s\t%s\n", g.sacks ? "" : "-", g.fault ? g.fault : "-");
}

static void write_packet(void *user, unsigned host, bool outwards, la_time at,
                         const uint8_t *octets, uint32_t n, const char *comment)
{
  struct lab_command *c = user;

  if (c->pcap && host < 2)
    pcapng_packet(c->pcap, c->iface[host], capture_begin + at,
                  outwards ? PCAPNG_OUT : PCAPNG_IN, octets, n, comment);
  if (c->packets && host < 2)
    list_packet(c, host, outwards, at, octets, n);
}

static int open_capture(struct lab_command *c)
{
  if (c->packets_path) {
    c->packets = fopen(c->packets_path, "w");
    if (!c->packets)
      return app_fail("%s: %s", c->packets_path, strerror(errno));
    fputs(packet_fields, c->packets);
  }
  if (!c->pcap_path)
    return APP_OK;
  c->pcap = pcapng_open(c->pcap_path);
  if (!c->pcap)
    return app_fail("%s: %s", c->pcap_path, strerror(errno));
  c->iface[0] = pcapng_interface(c->pcap, "client", LINKTYPE_RAW);
  c->iface[1] = pcapng_interface(c->pcap, "server", LINKTYPE_RAW);
  return APP_OK;
}

static int close_capture(struct lab_command *c)
{
  int status = APP_OK;

  if (c->pcap && pcapng_close(c->pcap) != 0)
    status = app_fail("%s: %s", c->pcap_path, strerror(errno));
  if (c->packets && fclose(c->packets) != 0)
    status = app_fail("%s: %s", c->packets_path, strerror(errno));
  return status;
}

/* ---- the command line ------------------------------------------------------------------ */

static unsigned terminal_width(void)
{
  struct winsize size;

  if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0
      || size.ws_col < WIDTH_LEAST)
    return WIDTH_DEFAULT;
  return size.ws_col < WIDTH_MOST ? size.ws_col : WIDTH_MOST;
}

static void repeat_with(struct lab_command *c, const char *option, const char *value)
{
  size_t n = strlen(c->options);

  snprintf(c->options + n, sizeof c->options - n, "%s%s%s ", option, value ? " " : "",
           value ? value : "");
}

static int read_option(struct lab_command *c, int option)
{
  long long number;

  switch (option) {
  case 'l':
    c->list = true;
    return APP_OK;
  case 'a':
    c->all = true;
    return APP_OK;
  case '6':
    c->io.six = true;
    repeat_with(c, "--ipv6", NULL);
    return APP_OK;
  case 'r':
    c->io.tally = &c->tally;
    return APP_OK;
  case 'c':
    repeat_with(c, "--congestion", optarg);
    return app_congestion("lab", optarg, &c->io.congestion);
  case 's':
    if (!app_number(optarg, 0, INT64_MAX / 2000, &number))
      return app_misuse("lab", "--seed takes a number from 0, not '%s'", optarg);
    c->io.seed = (uint64_t)number;
    return APP_OK;
  case 'p':
    c->pcap_path = optarg;
    return APP_OK;
  case 'k':
    c->packets_path = optarg;
    return APP_OK;
  case 'w':
    if (!app_number(optarg, WIDTH_LEAST, WIDTH_MOST, &number))
      return app_misuse("lab", "--width takes %d to %d, not '%s'", WIDTH_LEAST, WIDTH_MOST,
                        optarg);
    c->io.width = (unsigned)number;
    return APP_OK;
  default:
    return APP_USAGE;
  }
}

static int no_scenario(const char *word)
{
  const char *names[PLAYED_MOST], *nearest;
  unsigned n = 0;

  while (n < PLAYED_MOST && lab_scenario(n)) {
    names[n] = lab_scenario(n)->name;
    n++;
  }
  nearest = app_nearest(word, names, n);
  return app_misuse("lab", "there is no scenario '%s'; %s%s%s", word,
                    nearest ? "did you mean '" : "`lastack lab --list` names them",
                    nearest ? nearest : "", nearest ? "'?" : "");
}

static int read_names(struct lab_command *c, char *const *names)
{
  for (; *names && c->n < PLAYED_MOST; names++) {
    c->chosen[c->n] = lab_find(*names);
    if (!c->chosen[c->n++])
      return no_scenario(*names);
  }
  for (unsigned i = 0; c->all && lab_scenario(i) && c->n < PLAYED_MOST; i++)
    c->chosen[c->n++] = lab_scenario(i);
  if (c->n == 0 && !c->list)
    return app_misuse("lab", "name a scenario, or say --all or --list");
  return APP_OK;
}

static int list_scenarios(void)
{
  for (unsigned i = 0; lab_scenario(i); i++)
    printf("%2u  %-20s %s\n", i + 1, lab_scenario(i)->name, lab_scenario(i)->summary);
  return APP_OK;
}

static int play(struct lab_command *c)
{
  unsigned failed = 0;
  la_time ended = 0;
  int status = open_capture(c);

  if (status != APP_OK)
    return status;
  for (unsigned i = 0; i < c->n; i++) {
    failed += lab_play(c->chosen[i], &c->io, &ended) > 0;
    fputc('\n', c->io.out);
  }
  if (c->n > 1)
    printf("%u scenarios played, %u failed\n", c->n, failed);
  if (c->io.tally && !tally_print(c->io.out, c->io.tally))
    return app_fail("out of memory");
  status = close_capture(c);
  return failed ? APP_FAILED : status;
}

int app_lab(int argc, char **argv)
{
  static const struct option options[] = {
    APP_HELP_OPTION, { "list", no_argument, NULL, 'l' },
    { "all", no_argument, NULL, 'a' }, { "seed", required_argument, NULL, 's' },
    { "pcap", required_argument, NULL, 'p' }, { "width", required_argument, NULL, 'w' },
    { "packets", required_argument, NULL, 'k' }, { "ipv6", no_argument, NULL, '6' },
    { "rows", no_argument, NULL, 'r' },
    { "congestion", required_argument, NULL, 'c' },
    { NULL, 0, NULL, 0 },
  };
  struct lab_command c = { .io = { .user = &c, .out = stdout, .seed = 1,
                                   .netstat = show_netstat, .diagram = show_diagram,
                                   .congestion = LA_CC_CUBIC } };
  int option, status;

  c.io.width = terminal_width();
  c.io.options = c.options;
  while ((option = app_option(argc, argv, "", options)) != -1) {
    if (option == APP_HELP) {
      fputs(help, stdout);
      return APP_OK;
    }
    status = read_option(&c, option);
    if (status != APP_OK)
      return status;
  }
  status = read_names(&c, argv + optind);
  if (status != APP_OK)
    return status;
  if (c.list)
    return list_scenarios();
  if (c.pcap_path || c.packets_path)
    c.io.packet = write_packet;
  return play(&c);
}
