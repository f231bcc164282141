/* states.c - the eleven states in the spellings of RFC 9293, net-tools, iproute2 and BSD.
 *
 * A name is recognised by its letters and digits alone, so that FIN_WAIT1, fin-wait-1 and
 * "FIN WAIT 1" are one; the words of other systems (SYN_RCVD, TIMED_WAIT, CLOSE, UNCONN) are
 * listed. */
#include "lens.h"

#include <ctype.h>
#include <string.h>

enum { LETTERS = 24 };

static const char *const spellings[][LENS_DIALECTS] = {
  [LENS_CLOSED]       = { "CLOSED",       "CLOSE",       "UNCONN",     "CLOSED" },
  [LENS_LISTEN]       = { "LISTEN",       "LISTEN",      "LISTEN",     "LISTEN" },
  [LENS_SYN_SENT]     = { "SYN-SENT",     "SYN_SENT",    "SYN-SENT",   "SYN_SENT" },
  [LENS_SYN_RECEIVED] = { "SYN-RECEIVED", "SYN_RECV",    "SYN-RECV",   "SYN_RCVD" },
  [LENS_ESTABLISHED]  = { "ESTABLISHED",  "ESTABLISHED", "ESTAB",      "ESTABLISHED" },
  [LENS_FIN_WAIT_1]   = { "FIN-WAIT-1",   "FIN_WAIT1",   "FIN-WAIT-1", "FIN_WAIT_1" },
  [LENS_FIN_WAIT_2]   = { "FIN-WAIT-2",   "FIN_WAIT2",   "FIN-WAIT-2", "FIN_WAIT_2" },
  [LENS_CLOSE_WAIT]   = { "CLOSE-WAIT",   "CLOSE_WAIT",  "CLOSE-WAIT", "CLOSE_WAIT" },
  [LENS_CLOSING]      = { "CLOSING",      "CLOSING",     "CLOSING",    "CLOSING" },
  [LENS_LAST_ACK]     = { "LAST-ACK",     "LAST_ACK",    "LAST-ACK",   "LAST_ACK" },
  [LENS_TIME_WAIT]    = { "TIME-WAIT",    "TIME_WAIT",   "TIME-WAIT",  "TIME_WAIT" },
};
_Static_assert(sizeof spellings / sizeof *spellings == LA_STATE_COUNT, "a spelling per state");
_Static_assert((int)LENS_UNKNOWN == (int)LA_STATE_COUNT, "eleven states, and what is none");

static const struct alias { const char *letters; enum lens_state state; } aliases[] = {
  { "SYNSEND", LENS_SYN_SENT },         { "SYNRECVD", LENS_SYN_RECEIVED },
  { "SYNRCV", LENS_SYN_RECEIVED },      { "NEWSYNRECV", LENS_SYN_RECEIVED },
  { "CONNECTED", LENS_ESTABLISHED },    { "LISTENING", LENS_LISTEN },
  { "UNCONNECTED", LENS_CLOSED },       { "BOUND", LENS_CLOSED },
  { "BOUNDINACTIVE", LENS_CLOSED },     { "DELETETCB", LENS_CLOSED },
  { "TIMEDWAIT", LENS_TIME_WAIT },
};

/* Upper-case letters and digits of a name; nothing if there are too many for a state. */
static void letters_of(const char *text, char letters[LETTERS])
{
  size_t n = 0;

  for (; *text && n < LETTERS - 1; text++)
    if (isalnum((unsigned char)*text))
      letters[n++] = (char)toupper((unsigned char)*text);
  letters[*text ? 0 : n] = '\0';
}

static bool same_letters(const char *name, const char *letters)
{
  char of_name[LETTERS];

  letters_of(name, of_name);
  return strcmp(of_name, letters) == 0;
}

enum lens_state lens_state_of_text(const char *text)
{
  char letters[LETTERS];

  letters_of(text, letters);
  if (!*letters)
    return LENS_UNKNOWN;
  for (int state = 0; state < LA_STATE_COUNT; state++)
    for (int dialect = 0; dialect < LENS_DIALECTS; dialect++)
      if (same_letters(spellings[state][dialect], letters))
        return (enum lens_state)state;
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strcmp(aliases[i].letters, letters) == 0)
      return aliases[i].state;
  return LENS_UNKNOWN;
}

enum lens_state lens_state_of(uint8_t state)
{
  const char *name = state < LA_STATE_COUNT ? la_state_name(state) : NULL;
  int known = 0;

  if (!name)
    return LENS_UNKNOWN;
  while (known < LA_STATE_COUNT && strcmp(spellings[known][LENS_RFC], name) != 0)
    known++;
  return (enum lens_state)known;
}

uint8_t lens_state_number(enum lens_state state)
{
  uint8_t number = 0;

  while (number < LA_STATE_COUNT && lens_state_of(number) != state)
    number++;
  return number;
}

const char *lens_state_name(uint8_t state, enum lens_dialect dialect)
{
  enum lens_state known = lens_state_of(state);

  return known == LENS_UNKNOWN ? "UNKNOWN" : spellings[known][dialect];
}
