/* app.h - what the subcommands of `lastack` share.
 *
 * A subcommand is a file NAME.c with `int app_NAME(int argc, char **argv)`, declared here and
 * listed in main.c. argv[0] is the subcommand's name; `--help` is its own to answer, on stdout.
 * Data goes to stdout, everything else to stderr, and the result is the exit status.
 */
#ifndef LASTACK_APP_H
#define LASTACK_APP_H

#include <stdbool.h>

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

#endif
