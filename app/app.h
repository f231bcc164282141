/* app.h - what the subcommands of `lastack` share.
 *
 * A subcommand is a file NAME.c with `int app_NAME(int argc, char **argv)`, declared here and
 * listed in main.c. argv[0] is the subcommand's name; `--help` is its own to answer, on stdout.
 * Data goes to stdout, everything else to stderr, and the result is the exit status.
 */
#ifndef LASTACK_APP_H
#define LASTACK_APP_H

#include "lastack.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum app_status {
  APP_OK = 0,
  APP_FAILED = 1,               /* it was understood, and did not work out */
  APP_USAGE = 2                 /* the command line is wrong */
};

int app_help(int argc, char **argv);
int app_netstat(int argc, char **argv);
int app_explain(int argc, char **argv);
int app_lab(int argc, char **argv);
int app_sim(int argc, char **argv);
int app_sim_goodput(void);             /* sim's option --goodput */
int app_host(int argc, char **argv);
int app_nc(int argc, char **argv);
int app_wire(int argc, char **argv);

/* "lastack: " and the sentence and a newline on stderr; for returning: gives APP_FAILED. */
int app_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a wrong command line, with a hint at `lastack help COMMAND`: gives APP_USAGE. */
int app_misuse(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether to write colours to this stdio descriptor: a terminal, and NO_COLOR is not set. */
bool app_colours(int fd);

/* A whole number of min..max in decimal, with nothing around it. */
bool app_number(const char *text, long long min, long long max, long long *number);

/* The next option, as getopt_long has it: every subcommand knows --help and -h, which are APP_HELP.
 * -1: that was the last. APP_WRONG: after a complaint that names the option, and the one that was
 * probably meant. `letters`: the short ones. */
enum { APP_HELP = 'h', APP_WRONG = '?' };
#define APP_HELP_OPTION { "help", no_argument, NULL, APP_HELP }
int app_option(int argc, char **argv, const char *letters, const struct option *options);

/* Which of n names is meant by a word that is none of them: begun and not ended, or at most two
 * letters away. NULL: none. */
const char *app_nearest(const char *word, const char *const *names, size_t n);

/* A complaint about a word that is no TCP state. */
int app_no_state(const char *command, const char *word);

/* --OPTION TEXT: one of n names, by number. APP_OK, or APP_USAGE after a complaint. */
int app_choice(const char *command, const char *option, const char *text,
               const char *const *names, unsigned n, uint8_t *value);

/* --congestion TEXT: an enum la_cc. */
int app_congestion(const char *command, const char *text, uint8_t *congestion);

/* ---- values: false when the text is none, and then nothing is changed ---- */

/* "20ms", "100mbit", "250kB", "0.1%" or "500ppm". */
bool app_time(const char *text, la_time *time);
bool app_rate(const char *text, uint64_t *bits_per_s);
bool app_size(const char *text, uint32_t *octets);
bool app_share(const char *text, uint32_t *ppm);

/* An address in numbers; one of IPv6 may stand in brackets. Any address is none. */
bool app_addr(const char *text, la_addr *addr);

/* "ADDRESS/LENGTH"; an address without "/LENGTH" stands alone. */
struct app_net { la_addr addr; uint8_t prefix; };
bool app_net(const char *text, struct app_net *net);

#endif
