/* explain.c - `lastack explain`: the state machine in words and pictures, out of the tables that
 * run the stack. It needs no running host. */
#include "app.h"
#include "lens.h"

#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char help[] =
  "usage: lastack explain [STATE | --diagram | --dot | --all | --why | --timers | ...]\n\n"
  "  STATE           one state, in any spelling: FIN-WAIT-1, fin_wait1, SYN_RCVD, CLOSE ...\n"
  "                  what it means, who must move, how one gets in and out, what to do\n"
  "  --diagram       the state machine drawn on the terminal\n"
  "  --dot           the same for Graphviz: lastack explain --dot | dot -Tsvg\n"
  "  --all           every state\n"
  "  --why           every reason for which a packet is refused\n"
  "  --timers        every timer of a connection\n"
  "  --requirements [RFC]  what that RFC asks (without a number: all), where it is met, which\n"
  "                  test shows it: lastack explain --requirements 9293\n"
  "  --rfcs          a line for each RFC: how many requirements, how many of its MUSTs are shown\n"
  "  --json          the state machine as JSON\n"
  "  --markdown WHAT the generated documents: state-machine, why, requirements, rfc9293 ...\n\n"
  "Without a word, the eleven states in a line each.\n\n"
  "example: lastack explain CLOSE-WAIT\n";

enum what {
  STATES, ONE, ALL, DIAGRAM, DOT, WHY, TIMERS, REQUIREMENTS, RFCS, JSON, MARKDOWN,
  HELP = APP_HELP
};

static struct lens_look look_of_terminal(void)
{
  struct lens_look look = { .state = LENS_UNKNOWN, .colours = app_colours(STDOUT_FILENO) };
  struct winsize size;

  setlocale(LC_CTYPE, "");
  if (isatty(STDOUT_FILENO)) {
    look.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
      look.columns = size.ws_col;
  }
  return look;
}

static void print_all(const struct lens_look *look)
{
  for (int state = 0; state < LA_STATE_COUNT; state++) {
    if (state)
      putchar('\n');
    lens_print_state(stdout, lens_state_number((enum lens_state)state), look);
  }
}

/* "9293", "RFC9293", "rfc 9293"; 0: no number. */
static unsigned rfc_of_text(const char *text)
{
  const char *const digits = strpbrk(text, "0123456789");
  unsigned number = 0;
  int used = 0;

  if (!digits || (digits != text && strncasecmp(text, "rfc", 3) != 0))
    return 0;
  return sscanf(digits, "%5u%n", &number, &used) == 1 && digits[used] == '\0' ? number : 0;
}

static int requirements(const char *which, bool as_markdown)
{
  const unsigned rfc = which ? rfc_of_text(which) : 0;

  if (which && rfc == 0)
    return app_misuse("explain", "'%s' is not the number of an RFC", which);
  if (!lens_print_requirements(stdout, rfc, as_markdown))
    return app_misuse("explain", "there are no rows for RFC %u; --rfcs lists those there are", rfc);
  return APP_OK;
}

static int markdown(const char *document)
{
  if (strcmp(document, "state-machine") == 0)
    lens_print_fsm_markdown(stdout);
  else if (strcmp(document, "why") == 0)
    lens_print_why_markdown(stdout);
  else if (strcmp(document, "requirements") == 0)
    lens_print_rfcs_markdown(stdout);
  else if (rfc_of_text(document) != 0)
    return requirements(document, true);
  else
    return app_misuse("explain", "--markdown knows state-machine, why, requirements and rfc9293 "
                      "(or another), not '%s'", document);
  return APP_OK;
}

static int print(enum what what, enum lens_state state, const char *document)
{
  struct lens_look look = look_of_terminal();

  switch (what) {
  case STATES:       lens_print_states(stdout, &look); break;
  case ONE:          lens_print_state(stdout, lens_state_number(state), &look); break;
  case ALL:          print_all(&look); break;
  case DIAGRAM:      lens_print_diagram(stdout, &look); break;
  case DOT:          lens_print_dot(stdout); break;
  case WHY:          lens_print_reasons(stdout, &look); break;
  case TIMERS:       lens_print_timers(stdout, &look); break;
  case REQUIREMENTS: return requirements(document, false);
  case RFCS:         lens_print_rfcs(stdout); break;
  case JSON:         lens_print_fsm_json(stdout); break;
  case MARKDOWN:     return markdown(document);
  case HELP:         fputs(help, stdout); break;
  }
  return APP_OK;
}

int app_explain(int argc, char **argv)
{
  static const struct option options[] = {
    { "diagram", no_argument, NULL, DIAGRAM }, { "dot", no_argument, NULL, DOT },
    { "all", no_argument, NULL, ALL }, { "why", no_argument, NULL, WHY },
    { "timers", no_argument, NULL, TIMERS }, { "json", no_argument, NULL, JSON },
    { "requirements", no_argument, NULL, REQUIREMENTS }, { "rfcs", no_argument, NULL, RFCS },
    { "markdown", required_argument, NULL, MARKDOWN }, APP_HELP_OPTION,
    { NULL, 0, NULL, 0 },
  };
  enum what what = STATES;
  enum lens_state state = LENS_UNKNOWN;
  const char *document = NULL;
  int option;

  optind = 1;
  while ((option = app_option(argc, argv, "", options)) != -1) {
    if (option == APP_WRONG)
      return APP_USAGE;
    if (what != STATES)
      return app_misuse("explain", "one question at a time");
    what = (enum what)option;
    document = what == MARKDOWN ? optarg : NULL;
  }
  if (argc - optind > (what == STATES || what == REQUIREMENTS ? 1 : 0))
    return app_misuse("explain", "one question at a time: '%s' is too much", argv[argc - 1]);
  if (what == REQUIREMENTS) {
    document = argv[optind];                  /* NULL: all */
  } else if (optind < argc) {
    what = ONE;
    state = lens_state_of_text(argv[optind]);
    if (state == LENS_UNKNOWN)
      return app_no_state("explain", argv[optind]);
  }
  return print(what, state, document);
}
