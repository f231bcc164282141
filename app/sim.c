/* sim.c - `lastack sim`: many random worlds, one seed each, judged by the oracle. */
#include "app.h"
#include "chaos.h"
#include "tally.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEED_MOST INT64_C(4000000000000000000)
enum { JOBS_MOST = 64, TRACE_WIDTH = 120, BAR = 40, STEPS = 200 };

struct sim_command {
  struct chaos_options chaos;
  uint64_t first, count, jobs;
  bool     trace, quiet, rows;
  const char *congestion;           /* its name, if there is one for all */
};

/* What a job tells its parent, and what the summary adds up. */
struct sim_sum {
  uint64_t worlds, gentle, failed, packets, lost, octets, connections, established, errors,
           crashes;
  int64_t  time;
  struct tally tally;
};

static const char help[] =
  "usage: lastack sim [OPTION ...]\n"
  "\n"
  "Live through random worlds in virtual time: two hosts of IPv4 or IPv6, a link with loss,\n"
  "duplication, reordering, corruption, outages and black holes, every congestion control and\n"
  "option, applications that open, transfer, half-close, abort and crash. An oracle checks every\n"
  "stream's octets, the two ends against each other, every change of state against the table,\n"
  "and that nothing is left at the end.\n"
  "\n"
  "  --seeds N       so many worlds (default 100), with the seeds from --first on (default 1)\n"
  "  --first N\n"
  "  --seed N        this one world; the same as --seeds 1 --first N\n"
  "  --loss PCT      percent of packets lost, such as 0.5; may be given several times, each\n"
  "                  world then draws one of them (default: each world draws its own)\n"
  "  --congestion NAME   newreno, cubic or bbr for all (default: each socket draws its own)\n"
  "  --jobs N        so many at a time (default 1)\n"
  "  --trace         with one seed: draw its ladder\n"
  "  --rows          at the end, how often each row of the tables was met: states, timers,\n"
  "                  reasons to refuse, counters\n"
  "  --goodput       instead: what each congestion control makes of a line, alone and in pairs\n"
  "\n"
  "A world that fails is named with the command that repeats it; exit status 1.\n"
  "example: lastack sim --seeds 1000 --loss 0 --loss 3 --jobs 2\n";

static void add_result(struct sim_sum *sum, const struct chaos_result *r)
{
  sum->worlds++;
  sum->gentle += r->gentle;
  sum->failed += r->failed;
  sum->packets += r->packets;
  sum->lost += r->lost;
  sum->octets += r->octets;
  sum->connections += r->connections;
  sum->established += r->established;
  sum->errors += r->errors;
  sum->crashes += r->crashes;
  sum->time += r->time;
}

static void print_losses(const struct sim_command *c)
{
  for (unsigned i = 0; i < c->chaos.losses; i++)
    printf(" --loss %g", c->chaos.loss_ppm[i] / 10000.0);
}

static void report(const struct sim_command *c, uint64_t seed, const struct chaos_result *r)
{
  printf("seed %" PRIu64 ": %s\n  repeat with: lastack sim --seed %" PRIu64, seed, r->why, seed);
  print_losses(c);
  if (c->congestion)
    printf(" --congestion %s", c->congestion);
  printf(" --trace\n");
  fflush(stdout);
}

static void progress(const struct sim_command *c, uint64_t before, uint64_t done)
{
  unsigned full = (unsigned)(done * BAR / c->count);
  char bar[BAR + 1];

  if (before * STEPS / c->count == done * STEPS / c->count)
    return;
  memset(bar, '.', BAR);
  memset(bar, '#', full);
  bar[BAR] = '\0';
  fprintf(stderr, "\r[%s] %" PRIu64 " of %" PRIu64 " worlds%s", bar, done, c->count,
          done == c->count ? "\n" : "");
}

/* Job `job` of `jobs` takes every jobs-th seed, so that the set is the same however many. */
static void run_job(const struct sim_command *c, unsigned job, struct sim_sum *sum)
{
  bool bar = !c->quiet && job == 0 && isatty(STDERR_FILENO);
  struct chaos_options chaos = c->chaos;
  struct chaos_result r;

  chaos.tally = c->rows ? &sum->tally : NULL;
  for (uint64_t i = job; i < c->count; i += c->jobs) {
    chaos_run(c->first + i, &chaos, &r);
    add_result(sum, &r);
    if (r.failed)
      report(c, c->first + i, &r);
    if (bar)
      progress(c, i, i + c->jobs < c->count ? i + c->jobs : c->count);
  }
}

static void merge(struct sim_sum *sum, const struct sim_sum *part)
{
  sum->worlds += part->worlds;
  sum->gentle += part->gentle;
  sum->failed += part->failed;
  sum->packets += part->packets;
  sum->lost += part->lost;
  sum->octets += part->octets;
  sum->connections += part->connections;
  sum->established += part->established;
  sum->errors += part->errors;
  sum->crashes += part->crashes;
  sum->time += part->time;
  tally_merge(&sum->tally, &part->tally);
}

/* What a job has written whole; a pipe may give it in pieces. */
static bool read_sum(int from, struct sim_sum *part)
{
  size_t n = 0;
  ssize_t more = 1;

  while (n < sizeof *part && more > 0) {
    more = read(from, (char *)part + n, sizeof *part - n);
    n += more > 0 ? (size_t)more : 0;
  }
  return n == sizeof *part;
}

static int fork_jobs(const struct sim_command *c, struct sim_sum *sum)
{
  int channel[JOBS_MOST][2], status = APP_OK;
  pid_t child[JOBS_MOST];
  struct sim_sum part;

  for (unsigned job = 1; job < c->jobs; job++) {
    if (pipe(channel[job]) != 0 || (child[job] = fork()) < 0)
      return app_fail("a job cannot be started");
    if (child[job] == 0) {
      memset(&part, 0, sizeof part);
      run_job(c, job, &part);
      _exit(write(channel[job][1], &part, sizeof part) != (ssize_t)sizeof part);
    }
    close(channel[job][1]);
  }
  run_job(c, 0, sum);
  for (unsigned job = 1; job < c->jobs; job++) {
    int ended = 1;

    if (read_sum(channel[job][0], &part))
      merge(sum, &part);
    close(channel[job][0]);
    waitpid(child[job], &ended, 0);
    if (ended != 0)
      status = app_fail("job %u died; its worlds are those of --first %" PRIu64 ", every %" PRIu64
                        "-th", job, c->first + job, c->jobs);
  }
  return status;
}

static int run(struct sim_command *c)
{
  struct sim_sum sum = { .worlds = 0 };
  int status;

  if (c->trace) {
    c->chaos.trace = stdout;
    c->chaos.width = TRACE_WIDTH;
  }
  fflush(stdout);
  status = fork_jobs(c, &sum);
  printf("%" PRIu64 " worlds (%" PRIu64 " gentle), %" PRIu64 " of %" PRIu64 " connections "
         "established, %" PRIu64 " ended by an error, %" PRIu64 " crashes\n",
         sum.worlds, sum.gentle, sum.established, sum.connections, sum.errors, sum.crashes);
  printf("%" PRIu64 " octets checked, %" PRIu64 " packets, %" PRIu64 " of them lost, in %.1f "
         "virtual hours: %" PRIu64 " failed\n", sum.octets, sum.packets, sum.lost,
         (double)sum.time / (3600.0 * (double)LA_SEC), sum.failed);
  if (c->rows && !tally_print(stdout, &sum.tally))
    return app_fail("out of memory");
  return sum.failed ? APP_FAILED : status;
}

static int read_loss(struct sim_command *c)
{
  char *end;
  double percent = strtod(optarg, &end);

  if (*end || end == optarg || !(percent >= 0 && percent <= 100))
    return app_misuse("sim", "--loss takes a percentage, not '%s'", optarg);
  if (c->chaos.losses == CHAOS_LOSSES)
    return app_misuse("sim", "--loss may be given %d times at most", CHAOS_LOSSES);
  c->chaos.loss_ppm[c->chaos.losses++] = (uint32_t)(percent * 10000 + 0.5);
  return APP_OK;
}

static int read_number(const char *option, long long least, long long most, uint64_t *number)
{
  long long value;

  if (!app_number(optarg, least, most, &value))
    return app_misuse("sim", "--%s %s: a number from %lld to %lld is wanted", option, optarg,
                      least, most);
  *number = (uint64_t)value;
  return APP_OK;
}

static int read_option(struct sim_command *c, int option)
{
  switch (option) {
  case 'n':
    return read_number("seeds", 1, SEED_MOST, &c->count);
  case 'f':
    return read_number("first", 0, SEED_MOST, &c->first);
  case 's':
    c->count = 1;
    return read_number("seed", 0, SEED_MOST, &c->first);
  case 'j':
    return read_number("jobs", 1, JOBS_MOST, &c->jobs);
  case 'l':
    return read_loss(c);
  case 'c':
    c->chaos.one_congestion = true;
    c->congestion = optarg;
    return app_congestion("sim", optarg, &c->chaos.congestion);
  case 'r':
    c->rows = true;
    return APP_OK;
  case 't':
    c->trace = true;
    return APP_OK;
  default:
    return APP_USAGE;
  }
}

int app_sim(int argc, char **argv)
{
  static const struct option options[] = {
    APP_HELP_OPTION, { "seeds", required_argument, NULL, 'n' },
    { "first", required_argument, NULL, 'f' }, { "seed", required_argument, NULL, 's' },
    { "loss", required_argument, NULL, 'l' }, { "jobs", required_argument, NULL, 'j' },
    { "congestion", required_argument, NULL, 'c' },
    { "trace", no_argument, NULL, 't' }, { "goodput", no_argument, NULL, 'g' },
    { "rows", no_argument, NULL, 'r' },
    { NULL, 0, NULL, 0 },
  };
  struct sim_command c = { .first = 1, .count = 100, .jobs = 1 };
  int option, status;

  while ((option = app_option(argc, argv, "", options)) != -1) {
    if (option == APP_HELP) {
      fputs(help, stdout);
      return APP_OK;
    }
    if (option == 'g')
      return app_sim_goodput();
    status = read_option(&c, option);
    if (status != APP_OK)
      return status;
  }
  if (optind < argc)
    return app_misuse("sim", "'%s' is not an option", argv[optind]);
  if (c.trace && c.count != 1)
    return app_misuse("sim", "--trace goes with --seed");
  return run(&c);
}
