/* explain.c - `lastack explain`: the state machine in words and pictures, out of the tables that
 * run the stack. It needs no running host. */
#include "app.h"
#include "lens.h"

#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
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
  "  --requirements  RFC 9293 Appendix B: each requirement, where it is met, which test shows it\n"
  "  --json          the state machine as JSON\n"
  "  --markdown WHAT the generated documents: state-machine, why, requirements\n\n"
  "Without a word, the eleven states in a line each.\n";

enum what { STATES, ONE, ALL, DIAGRAM, DOT, WHY, TIMERS, REQUIREMENTS, JSON, MARKDOWN, HELP };

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

static int markdown(const char *document)
{
  if (strcmp(document, "state-machine") == 0)
    lens_print_fsm_markdown(stdout);
  else if (strcmp(document, "why") == 0)
    lens_print_why_markdown(stdout);
  else if (strcmp(document, "requirements") == 0)
    lens_print_requirements(stdout, true);
  else
    return app_misuse("explain", "--markdown knows state-machine, why and requirements, not '%s'",
                      document);
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
  case REQUIREMENTS: lens_print_requirements(stdout, false); break;
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
    { "requirements", no_argument, NULL, REQUIREMENTS },
    { "markdown", required_argument, NULL, MARKDOWN }, { "help", no_argument, NULL, HELP },
    { NULL, 0, NULL, 0 },
  };
  enum what what = STATES;
  enum lens_state state = LENS_UNKNOWN;
  const char *document = NULL;
  int option;

  optind = 1;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == '?')
      return app_misuse("explain", "that is not understood");
    if (what != STATES)
      return app_misuse("explain", "one question at a time");
    what = (enum what)option;
    document = what == MARKDOWN ? optarg : NULL;
  }
  if (argc - optind > (what == STATES ? 1 : 0))
    return app_misuse("explain", "one question at a time: '%s' is too much", argv[argc - 1]);
  if (optind < argc) {
    what = ONE;
    state = lens_state_of_text(argv[optind]);
    if (state == LENS_UNKNOWN)
      return app_misuse("explain", "no system calls a TCP state '%s'", argv[optind]);
  }
  return print(what, state, document);
}
