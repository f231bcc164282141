/* common.c - messages, colours and numbers, the same in every subcommand. */
#include "app.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void complain(const char *format, va_list words)
{
  fputs("lastack: ", stderr);
  vfprintf(stderr, format, words);
  fputc('\n', stderr);
}

int app_fail(const char *format, ...)
{
  va_list words;

  va_start(words, format);
  complain(format, words);
  va_end(words);
  return APP_FAILED;
}

int app_misuse(const char *command, const char *format, ...)
{
  va_list words;

  va_start(words, format);
  complain(format, words);
  va_end(words);
  fprintf(stderr, "`lastack help %s` says what it takes\n", command);
  return APP_USAGE;
}

bool app_colours(int fd)
{
  const char *refused = getenv("NO_COLOR");

  return isatty(fd) && !(refused && *refused);
}

bool app_number(const char *text, long long min, long long max, long long *number)
{
  char *end;
  long long value;

  if (!(*text == '-' || (*text >= '0' && *text <= '9')))
    return false;
  errno = 0;
  value = strtoll(text, &end, 10);
  if (errno || *end || value < min || value > max)
    return false;
  *number = value;
  return true;
}
