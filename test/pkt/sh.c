/* sh.c - packetdrill finds it in the place of /bin/sh: each command goes to a translator in another
 * process (drill/shell.py), which says nothing if all is well; programs that packetdrill runs
 * itself (python, for a script's assertions) are run. Compiled: scripts give many commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WORDS_MAX = 16, ANSWER_MAX = 4096, FOLDER_MAX = 4096 };

/* "python3 FILE": words between blanks, without quotes. */
static int run_python(char *text)
{
  char *words[WORDS_MAX + 1] = { NULL };
  int n = 0;

  for (char *word = strtok(text, " \t\n"); word && n < WORDS_MAX; word = strtok(NULL, " \t\n"))
    words[n++] = word;
  (void)execvp(words[0], words);
  perror(words[0]);
  return 127;
}

static int ask(const char *path, const char *text)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };
  char folder[FOLDER_MAX], answer[ANSWER_MAX];
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  int failed = 0;
  ssize_t n;

  if (!path || fd < 0 || !getcwd(folder, sizeof folder))
    return 126;
  (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  if (connect(fd, (const void *)&name, sizeof name) < 0 ||
      write(fd, folder, strlen(folder) + 1) < 0 || write(fd, text, strlen(text) + 1) < 0)
    return 126;
  while ((n = read(fd, answer, sizeof answer)) > 0) {
    failed = 1;
    (void)!write(STDERR_FILENO, answer, (size_t)n);
  }
  return failed;
}

/* sh -c [--] COMMAND */
int main(int argc, char **argv)
{
  char *const text = argc > 2 ? argv[argc - 1] : NULL;

  if (!text || strcmp(argv[1], "-c") != 0)
    return 2;
  if (strncmp(text, "python", 6) == 0 || strncmp(text, "/usr/bin/python", 15) == 0 ||
      strncmp(text, "/usr/bin/env python", 19) == 0)
    return run_python(text);
  return ask(getenv("LASTACK_COMMANDS"), text);
}
