/* netstat.c - `lastack netstat`: the sockets of a running lastack, and who must move next. */
#include "app.h"
#include "control_path.h"
#include "lens.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
  "usage: lastack netstat [--format long|netstat|ss|bsd|json] [--info] [--listening | --all]\n"
  "                       [--state STATE] [--watch [SECONDS]] [--control PATH]\n"
  "       lastack netstat --story ID | --counters  [--format json] [--control PATH]\n\n"
  "  --format F     long (default): with what each socket waits for, and why; netstat: as\n"
  "                 `netstat -antu`; ss: as `ss -tuan -o`; bsd: as FreeBSD's `netstat -an`;\n"
  "                 json: every field, times and sizes with their unit in the key\n"
  "  -i, --info     what lies behind each connection: path, windows, counts, rates, and what it\n"
  "                 was busy with; long: in sentences, ss: as `ss -tan -oi`\n"
  "  --listening    listeners only\n"
  "  --all          also sockets that have no connection (CLOSED)\n"
  "  --state STATE  in any spelling: CLOSE-WAIT, close_wait, SYN_RCVD, FIN_WAIT1 ...\n"
  "  --watch [S]    again every S seconds (1), until interrupted\n"
  "  --story ID     the flight recorder of one connection; the ID is in the long list\n"
  "  --counters     every counter that is not zero (with --all: every one), and the pools\n"
  "  --control PATH the control socket of the lastack meant; needed when several run\n\n"
  "example: lastack netstat --state CLOSE-WAIT --watch 2\n";

struct request {
  struct lens_look look;
  const char *control;
  uint64_t    story;            /* 0: none */
  bool        counters;
  long long   watch_ms;         /* 0: once */
  char        path[LENS_PATH_OCTETS];
};

/* ---- which lastack --------------------------------------------------------------------- */

static int nobody_runs(void)
{
  char folder[LENS_PATH_OCTETS];

  app_fail("no lastack of yours is running; looked for control sockets in:");
  for (unsigned i = 0; i < LENS_CONTROL_FOLDERS; i++)
    if (lens_control_folder(i, folder, sizeof folder))
      fprintf(stderr, "  %s%s\n", folder,
              access(folder, F_OK) == 0 && !lens_control_folder_is_safe(folder)
                ? " (not yours alone: not looked into)" : "");
  fprintf(stderr, "`lastack host --help` says how to start one; --control PATH names another.\n");
  return APP_FAILED;
}

static int several_run(char (*paths)[LENS_PATH_OCTETS], size_t n, size_t max)
{
  app_fail("%zu lastacks are running; say which one:", n);
  for (size_t i = 0; i < n && i < max; i++) {
    char why[LENS_TEXT_OCTETS];
    json_t *answer = lens_ask(paths[i], "objects", why, sizeof why);
    const char *host = json_string_value(json_object_get(answer, "host"));

    fprintf(stderr, "  --control %s   # %s\n", paths[i], answer ? host ? host : "" : why);
    json_decref(answer);
  }
  return APP_FAILED;
}

static int find_control(struct request *request)
{
  enum { MAX = 32 };
  char paths[MAX][LENS_PATH_OCTETS];
  size_t n;

  if (request->control) {
    if (strlen(request->control) >= sizeof request->path)
      return app_fail("%s: a socket's path has at most %d octets", request->control,
                      LENS_PATH_OCTETS - 1);
    strcpy(request->path, request->control);
    return APP_OK;
  }
  n = lens_controls(paths, MAX);
  if (n == 0)
    return nobody_runs();
  if (n > 1)
    return several_run(paths, n, MAX);
  memcpy(request->path, paths[0], sizeof request->path);
  return APP_OK;
}

/* ---- what is asked ------------------------------------------------------------------------ */

static int print_sockets(FILE *out, const struct request *request)
{
  char why[LENS_TEXT_OCTETS];
  struct lens_list list;

  if (!lens_list_of_control(request->path, &list, why, sizeof why))
    return app_fail("%s", why);
  lens_print_list(out, &list, &request->look);
  lens_list_free(&list);
  return APP_OK;
}

static int print_answer(FILE *out, const struct request *request, const char *question)
{
  char why[LENS_TEXT_OCTETS];
  json_t *answer = lens_ask(request->path, question, why, sizeof why);

  if (!answer)
    return app_fail("%s", why);
  json_dumpf(answer, out, JSON_INDENT(2));
  fputc('\n', out);
  json_decref(answer);
  return APP_OK;
}

static int print_story(FILE *out, const struct request *request)
{
  char why[LENS_TEXT_OCTETS], question[40];
  struct lens_story story;

  snprintf(question, sizeof question, "story %016" PRIx64, request->story);
  if (request->look.format == LENS_AS_JSON)
    return print_answer(out, request, question);
  if (!lens_story_of_control(request->path, request->story, &story, why, sizeof why))
    return app_fail("%s", why);
  lens_print_story(out, &story, &request->look);
  lens_story_free(&story);
  return APP_OK;
}

static void print_counter(FILE *out, const json_t *counter)
{
  const char *name = json_string_value(json_object_get(counter, "name"));
  const char *meaning = json_string_value(json_object_get(counter, "meaning"));

  fprintf(out, "%12lld  %-22s %s\n",
          (long long)json_integer_value(json_object_get(counter, "value")), name ? name : "",
          meaning ? meaning : "");
}

static void print_pool(FILE *out, const json_t *pool)
{
  const char *name = json_string_value(json_object_get(pool, "name"));

  fprintf(out, "%12lld  of %-10lld  at most %-10lld  %s\n",
          (long long)json_integer_value(json_object_get(pool, "used")),
          (long long)json_integer_value(json_object_get(pool, "size")),
          (long long)json_integer_value(json_object_get(pool, "peak")), name ? name : "");
}

static int print_counters(FILE *out, const struct request *request)
{
  char why[LENS_TEXT_OCTETS];
  const json_t *item;
  json_t *answer;
  size_t i;

  if (request->look.format == LENS_AS_JSON)
    return print_answer(out, request, "counters");
  answer = lens_ask(request->path, "counters", why, sizeof why);
  if (!answer)
    return app_fail("%s", why);
  json_array_foreach(json_object_get(answer, "counters"), i, item)
    if (request->look.all || json_integer_value(json_object_get(item, "value")) != 0)
      print_counter(out, item);
  json_decref(answer);
  answer = lens_ask(request->path, "pools", why, sizeof why);
  if (!answer)
    return app_fail("%s", why);
  fputs("\npools: used now, of how many, the most there ever were\n", out);
  json_array_foreach(json_object_get(answer, "pools"), i, item)
    print_pool(out, item);
  json_decref(answer);
  return APP_OK;
}

static int print_once(FILE *out, const struct request *request)
{
  if (request->story)
    return print_story(out, request);
  return request->counters ? print_counters(out, request) : print_sockets(out, request);
}

/* ---- again and again ------------------------------------------------------------------------- */

static unsigned terminal_lines(void)
{
  struct winsize size;

  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row : 0;
}

/* Over the old picture without clearing it first, so that nothing flickers; what is below the
 * terminal's last line is counted. */
static void show(const char *text)
{
  unsigned most = terminal_lines(), line = 1;

  fputs("\033[H", stdout);
  while (*text) {
    size_t length = strcspn(text, "\n");

    if (most && line + 1 >= most) {
      unsigned more = 0;

      for (; *text; text++)
        more += *text == '\n';
      printf("(%u more lines)\033[K\n", more);
      break;
    }
    printf("%.*s\033[K\n", (int)length, text);
    line++;
    text += length + (text[length] == '\n');
  }
  fputs("\033[J", stdout);
  fflush(stdout);
}

static int watch_once(const struct request *request)
{
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  int status;

  if (!out)
    return app_fail("%s", strerror(errno));
  status = print_once(out, request);
  if (fclose(out) == 0 && status == APP_OK && isatty(STDOUT_FILENO))
    show(text);
  else if (status == APP_OK)
    puts(text);
  fflush(stdout);
  free(text);
  return status;
}

static int watch(const struct request *request)
{
  struct timespec pause = { .tv_sec = request->watch_ms / 1000,
                            .tv_nsec = request->watch_ms % 1000 * 1000000 };
  int status;

  if (isatty(STDOUT_FILENO))
    fputs("\033[2J", stdout);
  while ((status = watch_once(request)) == APP_OK && !ferror(stdout))
    nanosleep(&pause, NULL);
  return status;
}

/* ---- the command line --------------------------------------------------------------------- */

static bool parse_id(const char *text, uint64_t *id)
{
  char *end;

  errno = 0;
  *id = strtoull(text, &end, 16);
  return !errno && *text && *text != '-' && !*end && *id != 0;
}

static bool parse_seconds(const char *text, long long *ms)
{
  char *end;
  double seconds = strtod(text, &end);

  if (!*text || *end || !(seconds >= 0.05 && seconds <= 86400))
    return false;
  *ms = (long long)(seconds * 1000);
  return true;
}

/* `--watch 2` as well as `--watch=2`: getopt_long knows only the second. */
static bool take_seconds(int argc, char **argv, struct request *request)
{
  const char *seconds = optarg;

  request->watch_ms = 1000;
  if (!seconds && optind < argc && parse_seconds(argv[optind], &request->watch_ms))
    optind++;
  return !seconds || parse_seconds(seconds, &request->watch_ms);
}

enum { FORMAT = 256, INFO, LISTENING, ALL, STATE, WATCH, STORY, COUNTERS, CONTROL };

static int take_option(int option, int argc, char **argv, struct request *request)
{
  int format;

  switch (option) {
  case FORMAT:
    format = lens_format_of_text(optarg);
    if (format < 0)
      return app_misuse("netstat", "no format '%s': long, netstat, ss, bsd or json", optarg);
    request->look.format = (enum lens_format)format;
    return APP_OK;
  case STATE:
    request->look.state = lens_state_of_text(optarg);
    if (request->look.state == LENS_UNKNOWN)
      return app_no_state("netstat", optarg);
    return APP_OK;
  case WATCH:
    if (!take_seconds(argc, argv, request))
      return app_misuse("netstat", "--watch takes 0.05 to 86400 seconds, not '%s'", optarg);
    return APP_OK;
  case STORY:
    if (!parse_id(optarg, &request->story))
      return app_misuse("netstat", "'%s' is no ID; the last column of the list has them", optarg);
    return APP_OK;
  case INFO: case 'i': request->look.info = true; return APP_OK;
  case LISTENING: request->look.listening = true; return APP_OK;
  case ALL:       request->look.all = true; return APP_OK;
  case COUNTERS:  request->counters = true; return APP_OK;
  case CONTROL:   request->control = optarg; return APP_OK;
  default:        return APP_USAGE;
  }
}

static int check(const struct request *request)
{
  if (request->look.listening && request->look.all)
    return app_misuse("netstat", "--listening and --all exclude each other");
  if (request->story && request->counters)
    return app_misuse("netstat", "--story and --counters are two questions");
  if ((request->story || request->counters) && request->look.format != LENS_AS_LONG
      && request->look.format != LENS_AS_JSON)
    return app_misuse("netstat", "--story and --counters have the formats long and json");
  if (request->look.info && (request->look.format == LENS_AS_NETSTAT
                             || request->look.format == LENS_AS_BSD))
    return app_misuse("netstat", "--info has the formats long and ss (and json says all of it)");
  return APP_OK;
}

int app_netstat(int argc, char **argv)
{
  static const struct option options[] = {
    { "format", required_argument, NULL, FORMAT }, { "info", no_argument, NULL, INFO },
    { "listening", no_argument, NULL, LISTENING },
    { "all", no_argument, NULL, ALL }, { "state", required_argument, NULL, STATE },
    { "watch", optional_argument, NULL, WATCH }, { "story", required_argument, NULL, STORY },
    { "counters", no_argument, NULL, COUNTERS }, { "control", required_argument, NULL, CONTROL },
    APP_HELP_OPTION, { NULL, 0, NULL, 0 },
  };
  struct request request = { .look = { .state = LENS_UNKNOWN } };
  struct winsize size;
  int option, status = APP_OK;

  optind = 1;
  while (status == APP_OK && (option = app_option(argc, argv, "i", options)) != -1) {
    if (option == APP_HELP) {
      fputs(help, stdout);
      return APP_OK;
    }
    status = take_option(option, argc, argv, &request);
  }
  if (status == APP_OK && optind < argc)
    status = app_misuse("netstat", "'%s' is too much", argv[optind]);
  if (status == APP_OK)
    status = check(&request);
  if (status == APP_OK)
    status = find_control(&request);
  if (status != APP_OK)
    return status;
  request.look.colours = app_colours(STDOUT_FILENO);
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    request.look.columns = size.ws_col;
  return request.watch_ms ? watch(&request) : print_once(stdout, &request);
}
