/* main.c - the `lastack` command: a table of subcommands, and the way to each of them. */
#include "app.h"

#include <stdio.h>
#include <string.h>

struct command {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *help;             /* one line, imperative, without a full stop */
};

/* In the order of `lastack --help`: what a newcomer wants first stands first. */
static const struct command commands[] = {
  { "host", app_host, "a TCP/IP host on a TUN or TAP device, with small services" },
  { "nc", app_nc, "netcat: connect standard input and output to a TCP or UDP peer" },
  { "netstat", app_netstat, "the sockets of a running lastack, and who must move next" },
  { "explain", app_explain, "the TCP state machine in words and pictures" },
  { "lab", app_lab, "play a scenario and draw it: segments, states, reasons, netstat" },
  { "sim", app_sim, "live through random worlds and check everything that happens" },
  { "wire", app_wire, "join two namespaces by a line with delay, loss, a rate and a queue" },
  { "help", app_help, "say what a subcommand does and takes: lastack help NAME" },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const struct command *command_named(const char *name)
{
  for (unsigned i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

static int unknown(const char *name)
{
  const char *names[COMMANDS], *nearest;

  for (unsigned i = 0; i < COMMANDS; i++)
    names[i] = commands[i].name;
  nearest = app_nearest(name, names, COMMANDS);
  fprintf(stderr, "lastack: there is no subcommand '%s'", name);
  if (nearest)
    fprintf(stderr, "; did you mean '%s'?\n", nearest);
  else
    fprintf(stderr, "; `lastack --help` lists them\n");
  return APP_USAGE;
}

static int overview(void)
{
  printf("lastack %s - TCP in user space whose states can be seen and explained\n\n"
         "usage: lastack COMMAND [OPTION ...] [WORD ...]\n\n", LASTACK_VERSION);
  for (unsigned i = 0; i < COMMANDS; i++)
    printf("  %-9s %s\n", commands[i].name, commands[i].help);
  printf("\n`lastack help COMMAND` says more about one of them; `lastack --version` says which\n"
         "lastack this is. Exit status: 0 success, 1 failure, 2 a wrong command line.\n");
  return APP_OK;
}

/* `help NAME` is `NAME --help`, so that each subcommand explains itself in one place. */
int app_help(int argc, char **argv)
{
  static char option[] = "--help";
  const struct command *command;

  if (argc < 2 || strcmp(argv[1], option) == 0)
    return overview();
  command = command_named(argv[1]);
  if (!command)
    return unknown(argv[1]);
  if (command->run == app_help)
    return overview();
  return command->run(2, (char *[]){ argv[1], option, NULL });
}

int main(int argc, char **argv)
{
  const struct command *command;

  if (argc < 2) {
    overview();
    return APP_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
    return overview();
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
    printf("lastack %s\n", LASTACK_VERSION);
    return APP_OK;
  }
  command = command_named(argv[1]);
  return command ? command->run(argc - 1, argv + 1) : unknown(argv[1]);
}
