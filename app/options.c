/* options.c - the command line's words: options by getopt_long, with our own sentences for what
 * is wrong with them, and the word that was probably meant. */
#include "app.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MOST = 31, LETTERS_MOST = 32, NAMES_MOST = 96 };

/* ---- did you mean ---- */

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
  unsigned least = a < b ? a : b;

  return least < c ? least : c;
}

/* CLOSE_WAIT is what others call CLOSE-WAIT, or close-wait. */
static int folded(char letter)
{
  return letter == '_' ? '-' : tolower((unsigned char)letter);
}

/* Levenshtein's distance between two short words: insertions, deletions, replacements. */
static unsigned distance(const char *a, const char *b)
{
  unsigned row[WORD_MOST + 1];
  size_t width = strlen(b);

  for (unsigned j = 0; j <= width; j++)
    row[j] = j;
  for (unsigned i = 1; a[i - 1]; i++) {
    unsigned diagonal = row[0];

    row[0] = i;
    for (unsigned j = 1; j <= width; j++) {
      unsigned above = row[j], differs = folded(a[i - 1]) != folded(b[j - 1]);

      row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + differs);
      diagonal = above;
    }
  }
  return row[width];
}

const char *app_nearest(const char *word, const char *const *names, size_t n)
{
  const char *nearest = NULL;
  unsigned least = 3;

  if (!*word || strlen(word) > WORD_MOST)
    return NULL;
  for (size_t i = 0; i < n; i++) {
    unsigned far = 3;

    if (strlen(names[i]) <= WORD_MOST)
      far = strncmp(names[i], word, strlen(word)) == 0 ? 1 : distance(word, names[i]);
    if (far < least && far < strlen(names[i])) {
      least = far;
      nearest = names[i];
    }
  }
  return nearest;
}

/* ---- options ---- */

static int unknown_option(const char *command, const char *word, const struct option *options)
{
  const char *names[NAMES_MOST], *nearest;
  char name[WORD_MOST + 1];
  size_t n = 0, length = strcspn(word + 2, "=");

  while (n < NAMES_MOST && options[n].name) {
    names[n] = options[n].name;
    n++;
  }
  if (length > WORD_MOST)
    return app_misuse(command, "%.*s... is no option of %s", WORD_MOST, word, command);
  memcpy(name, word + 2, length);
  name[length] = '\0';
  nearest = app_nearest(name, names, n);
  return app_misuse(command, "--%s is no option of %s%s%s%s", name, command,
                    nearest ? "; did you mean --" : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* The word that getopt_long could make nothing of is the one before optind. */
static void complain(const char *command, const char *word, int result,
                     const struct option *options)
{
  bool is_long = strncmp(word, "--", 2) == 0;

  if (result == ':' && is_long)
    app_misuse(command, "%s wants a value", word);
  else if (result == ':')
    app_misuse(command, "-%c wants a value", optopt);
  else if (is_long && optopt != 0)
    app_misuse(command, "%.*s takes no value", (int)strcspn(word, "="), word);
  else if (is_long)
    unknown_option(command, word, options);
  else
    app_misuse(command, "-%c is no option of %s", optopt, command);
}

int app_option(int argc, char **argv, const char *letters, const struct option *options)
{
  char wanted[LETTERS_MOST];
  int result;

  opterr = 0;
  snprintf(wanted, sizeof wanted, ":h%s", letters);
  result = getopt_long(argc, argv, wanted, options, NULL);
  if (result != '?' && result != ':')
    return result;
  complain(argv[0], argv[optind - 1], result, options);
  return APP_WRONG;
}

/* ---- values ---- */

int app_no_state(const char *command, const char *word)
{
  const char *names[LA_STATE_COUNT], *nearest;

  for (uint8_t i = 0; i < LA_STATE_COUNT; i++)
    names[i] = la_state_name(i);
  nearest = app_nearest(word, names, LA_STATE_COUNT);
  return app_misuse(command, "no system calls a TCP state '%s'%s%s%s", word,
                    nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

int app_choice(const char *command, const char *option, const char *text,
               const char *const *names, unsigned n, uint8_t *value)
{
  char list[128];
  size_t length = 0;

  for (unsigned i = 0; i < n; i++) {
    if (strcmp(text, names[i]) == 0) {
      *value = (uint8_t)i;
      return APP_OK;
    }
    length += (size_t)snprintf(list + length, sizeof list - length, "%s%s",
                               i == 0 ? "" : i + 1 < n ? ", " : " or ", names[i]);
  }
  return app_misuse(command, "--%s %s: %s is wanted", option, text, list);
}

int app_congestion(const char *command, const char *text, uint8_t *congestion)
{
  static const char *const names[LA_CC_COUNT] = {
    [LA_CC_NEWRENO] = "newreno", [LA_CC_CUBIC] = "cubic", [LA_CC_BBR] = "bbr",
  };

  return app_choice(command, "congestion", text, names, LA_CC_COUNT, congestion);
}
