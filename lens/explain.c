/* explain.c - who must move next and why: executes rules.def over one socket's facts.
 *
 * The first rule that holds is the verdict, the notes that hold follow it. A text's words in
 * braces are looked up in the table that `words_of` makes out of the same facts. */
#include "lens.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum {
  IN_UDP = 1 << LA_STATE_COUNT,
  IN_STRANGE = 2 << LA_STATE_COUNT,       /* a number that la_state_name does not know */
  IN_ANY = (4 << LA_STATE_COUNT) - 1
};
#define IN(state) (1 << LENS_##state)
enum {
  IN_SENDING = IN(ESTABLISHED) | IN(CLOSE_WAIT),
  IN_OPENING = IN(SYN_SENT) | IN(SYN_RECEIVED),
  IN_FINISHING = IN(FIN_WAIT_1) | IN(FIN_WAIT_2) | IN(CLOSING) | IN(LAST_ACK),
  IN_UNREAD = IN(FIN_WAIT_1) | IN(FIN_WAIT_2)
};

struct facts {
  const la_sock_info *c;
  const struct lens_list *list;
  int      in;                  /* one bit: its state, or what takes a state's place */
  uint32_t tries;               /* how often a SYN is resent before it is given up; 0: not known */
  bool     listener_full;       /* in SYN-RECEIVED: nobody could accept it */
};

#define flag(f, name) (((f)->c->flags & LA_SOCK_##name) != 0)

static uint32_t in_flight(const struct facts *f)
{
  const la_sock_info *c = f->c;

  return c->send_queue > c->send_unsent ? c->send_queue - c->send_unsent : 0;
}

static bool unsent(const struct facts *f)
{
  return f->c->send_unsent > 0;
}

/* Room for one more segment, or for all that there is (RFC 9293 3.8.6.2.1 asks no more). */
static bool room_for_more(const struct facts *f, uint32_t limit)
{
  uint32_t segment = f->c->send_unsent < f->c->mss ? f->c->send_unsent : f->c->mss;

  return in_flight(f) + (uint64_t)segment <= limit;
}

static bool room_in_window(const struct facts *f)
{
  return room_for_more(f, f->c->snd_wnd);
}

static bool room_in_cwnd(const struct facts *f)
{
  return room_for_more(f, f->c->cwnd);
}

/* That a peer has stopped answering is what a sentence about resends says by itself. */
static bool trouble_is_news(const struct facts *f)
{
  const la_sock_info *c = f->c;

  return c->soft_error != LA_OK && c->error == LA_OK
         && !(c->soft_error == LA_ETIMEDOUT && c->backoffs > 0);
}

/* ---- the rules --------------------------------------------------------------------------- */

#define CONDITION(name, condition)                                                       \
  static bool name(const struct facts *f)                                                \
  {                                                                                      \
    const la_sock_info *c = f->c;                                                        \
                                                                                         \
    (void)c;                                                                             \
    return (condition);                                                                  \
  }
#define RULE(name, states, condition, who, text) CONDITION(rule_##name, condition)
#define NOTE(name, states, condition, text) CONDITION(note_##name, condition)
#include "rules.def"

struct rule {
  const char *name;
  int in;
  bool (*holds)(const struct facts *f);
  enum lens_who who;
  const char *text;
};
static const struct rule rules[] = {
#define RULE(name, states, condition, who, text) { #name, states, rule_##name, LENS_##who, text },
#include "rules.def"
};
static const struct rule notes[] = {
#define NOTE(name, states, condition, text) { #name, states, note_##name, LENS_NOBODY, text },
#include "rules.def"
};
enum { RULES = sizeof rules / sizeof *rules, NOTES = sizeof notes / sizeof *notes };

const char *lens_who_name(enum lens_who who)
{
  static const char *const names[LENS_WHO_COUNT] = {
    [LENS_OUR_APPLICATION] = "our application",
    [LENS_PEERS_APPLICATION] = "the peer's application",
    [LENS_PEERS_TCP] = "the peer's TCP",
    [LENS_OUR_TCP] = "our TCP",
    [LENS_CLOCK] = "the clock",
    [LENS_NETWORK] = "the network",
    [LENS_NOBODY] = "nobody",
  };

  return who < LENS_WHO_COUNT ? names[who] : "nobody";
}

const char *lens_rule_name(unsigned rule)
{
  return rule < RULES ? rules[rule].name : NULL;
}

/* ---- the words of the texts -------------------------------------------------------------- */

enum { WORDS = 32, WORD_TEXT = 160 };
struct word {
  const char *name;
  bool        counts;           /* `number` is what it says, and may be followed by a thing */
  uint64_t    number;
  char        text[WORD_TEXT];
};
struct words {
  size_t n;
  struct word word[WORDS];
};

static void word_number(struct words *words, const char *name, uint64_t number)
{
  struct word *word = &words->word[words->n++];

  word->name = name;
  word->counts = true;
  word->number = number;
}

static void word_text(struct words *words, const char *name, const char *text)
{
  struct word *word = &words->word[words->n++];

  word->name = name;
  word->counts = false;
  snprintf(word->text, sizeof word->text, "%s", text);
}

static void word_time(struct words *words, const char *name, la_time duration)
{
  char text[WORD_TEXT];

  word_text(words, name, lens_duration_text(duration, text, sizeof text));
}

/* When a timer fires, "in 3 s": only if it is the one that the sentence is about, for another may
 * fire before it. The sentences also hold without. */
static void word_due(struct words *words, const struct facts *f, const char *name, bool about_it)
{
  char due[WORD_TEXT / 2], text[WORD_TEXT];

  if (!about_it || f->c->timer_due == LA_NEVER)
    snprintf(text, sizeof text, "when it is due");
  else
    snprintf(text, sizeof text, "in %s",
             lens_duration_text(f->c->timer_due - f->list->now, due, sizeof due));
  word_text(words, name, text);
}

/* The two waits that people confuse: an orphan's patience in FIN-WAIT-2, and 2 MSL. */
static void word_waits(struct words *words, const struct facts *f)
{
  const la_sock_info *c = f->c;
  la_time left = c->timer_due == LA_NEVER ? 0 : c->timer_due - f->list->now;
  char rest[WORD_TEXT], whole[WORD_TEXT], text[WORD_TEXT];

  lens_duration_text(left, rest, sizeof rest);
  if (c->timer == LA_TIMER_GIVE_UP)
    snprintf(text, sizeof text, "we drop the connection in %.60s", rest);
  else
    snprintf(text, sizeof text, "fin_wait_2_ms of the stack's settings says how long");
  word_text(words, "patience", text);
  lens_duration_text(2 * LA_MS * (la_time)f->list->config.msl_ms, whole, sizeof whole);
  if (c->timer == LA_TIMER_TWO_MSL)
    snprintf(text, sizeof text, "%.60s of 2 MSL (%.60s in all) remain", rest, whole);
  else
    snprintf(text, sizeof text, "for 2 MSL (%.60s) in all", whole);
  word_text(words, "left", text);
}

static void words_of(const struct facts *f, struct words *words)
{
  const la_sock_info *c = f->c;
  la_time now = f->list->now;

  words->n = 0;
  word_time(words, "since", now - c->state_since);
  word_time(words, "opened", now - c->opened);
  word_time(words, "heard", now - (c->last_received > 0 ? c->last_received : c->opened));
  word_time(words, "user_timeout", LA_MS * (la_time)c->user_timeout_ms);
  word_due(words, f, "again", c->timer == LA_TIMER_RETRANSMIT);
  word_due(words, f, "ask", c->timer == LA_TIMER_PERSIST);
  word_due(words, f, "next", c->timer != LA_TIMER_NONE);
  word_waits(words, f);
  word_text(words, "error", la_strerror(c->error));
  word_text(words, "soft", la_strerror(c->soft_error));
  word_number(words, "sent", c->backoffs + UINT64_C(1));
  word_number(words, "backoffs", c->backoffs);
  word_number(words, "tries", f->tries);
  word_number(words, "probes", c->probes);
  word_number(words, "send", c->send_queue);
  word_number(words, "unsent", c->send_unsent);
  word_number(words, "flight", in_flight(f));
  word_number(words, "recv", c->receive_queue);
  word_number(words, "ooo", c->out_of_order);
  word_number(words, "cwnd", c->cwnd);
  word_number(words, "wnd", c->snd_wnd);
  word_number(words, "queue", c->accept_queue);
  word_number(words, "backlog", c->backlog);
  word_number(words, "half", c->half_open);
  word_number(words, "drops", c->drops);
}

/* ---- texts ------------------------------------------------------------------------------- */

struct pen {
  char  *out;
  size_t n, size;
};

static void pen_octets(struct pen *pen, const char *octets, size_t n)
{
  if (n > pen->size - 1 - pen->n)
    n = pen->size - 1 - pen->n;
  memcpy(pen->out + pen->n, octets, n);
  pen->n += n;
  pen->out[pen->n] = '\0';
}

/* A number, and what there are so many of: "1 octet", "2 octets", "once", "twice", "3 times". */
static int count_text(char *text, size_t size, uint64_t number, const char *thing, int length)
{
  if (length > 0 && strncmp(thing, " time", (size_t)length) == 0 && (number == 1 || number == 2))
    return snprintf(text, size, "%s", number == 1 ? "once" : "twice");
  return snprintf(text, size, "%" PRIu64 "%.*s%s", number, length, thing,
                  length > 0 && number != 1 ? "s" : "");
}

/* "{word}" or "{word thing}", which begins at `brace`; returns what follows it. */
static const char *pen_word(struct pen *pen, const struct words *words, const char *brace)
{
  const char *end = strchr(brace, '}');
  size_t length = strcspn(brace + 1, " }");
  const char *thing = brace + 1 + length;
  char text[WORD_TEXT];

  for (size_t i = 0; end && i < words->n; i++) {
    const struct word *word = &words->word[i];
    int n;

    if (strlen(word->name) != length || strncmp(word->name, brace + 1, length) != 0)
      continue;
    if (word->counts)
      n = count_text(text, sizeof text, word->number, thing, (int)(end - thing));
    else
      n = snprintf(text, sizeof text, "%s", word->text);
    pen_octets(pen, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
    return end + 1;
  }
  pen_octets(pen, brace, 1);              /* left as it is: the test of all texts looks for it */
  return brace + 1;
}

static void pen_text(struct pen *pen, const struct words *words, const char *text)
{
  pen_octets(pen, " ", 1);
  while (*text) {
    size_t plain = strcspn(text, "{");

    pen_octets(pen, text, plain);
    text += plain;
    if (*text == '{')
      text = pen_word(pen, words, text);
  }
}

/* ---- the verdict ------------------------------------------------------------------------- */

/* Whether the listener of this half-open connection can take no more. */
static bool listener_is_full(const struct lens_list *list, const la_sock_info *c)
{
  for (size_t i = 0; i < list->n; i++) {
    const la_sock_info *l = &list->conns[i].info;

    if (l->backlog > 0 && l->local.port == c->local.port && l->accept_queue >= l->backlog)
      return true;
  }
  return false;
}

static struct facts facts_of(const struct lens_list *list, const struct lens_conn *conn)
{
  const la_sock_info *c = &conn->info;
  struct facts f = { .c = c, .list = list, .in = IN_UDP };

  if (c->protocol == LA_UDP)
    return f;
  f.in = 1 << lens_state_of(c->state);
  if (f.in == 1 << LENS_UNKNOWN)
    f.in = IN_STRANGE;
  if (f.in == IN(SYN_SENT))
    f.tries = list->config.syn_retries;
  if (f.in == IN(SYN_RECEIVED)) {
    f.tries = list->config.synack_retries;
    f.listener_full = flag(&f, PASSIVE) && listener_is_full(list, c);
  }
  return f;
}

void lens_explain(const struct lens_list *list, const struct lens_conn *conn,
                  struct lens_verdict *verdict)
{
  struct facts f = facts_of(list, conn);
  struct pen pen = { .out = verdict->why, .size = sizeof verdict->why };
  struct words words;
  unsigned rule = 0;

  while (rule < RULES - 1 && !((rules[rule].in & f.in) && rules[rule].holds(&f)))
    rule++;
  verdict->rule = rule;
  verdict->who = rules[rule].who;
  words_of(&f, &words);
  pen_octets(&pen, lens_who_name(verdict->who), strlen(lens_who_name(verdict->who)));
  pen_text(&pen, &words, rules[rule].text);
  verdict->why[0] = (char)toupper((unsigned char)verdict->why[0]);
  for (unsigned i = 0; i < NOTES; i++)
    if ((notes[i].in & f.in) && notes[i].holds(&f))
      pen_text(&pen, &words, notes[i].text);
}
