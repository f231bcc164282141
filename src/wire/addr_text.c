/* addr_text.c - addresses as text. */
#include "wire/addr_text.h"

#include "base/be.h"

enum { GROUPS = 8, NO_GROUP = -1 };

static void add_quad(struct text *t, const uint8_t v4[4])
{
  for (int i = 0; i < 4; i++) {
    if (i > 0)
      text_add_char(t, '.');
    text_add_u64(t, v4[i]);
  }
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first among equals. */
static int longest_zeros(const struct ip_addr *a, int *length)
{
  int best = NO_GROUP;

  *length = 1;
  for (int start = 0; start < GROUPS; start++) {
    int n = 0;

    while (start + n < GROUPS && be16_get(a->octets + 2 * (start + n)) == 0)
      n++;
    if (n > *length) {
      best = start;
      *length = n;
    }
  }
  return best;
}

void addr_text_add(struct text *t, const struct ip_addr *a)
{
  int length;
  const int zeros = longest_zeros(a, &length);

  if (ip_addr_is4(a)) {
    add_quad(t, a->octets + 12);
    return;
  }
  for (int i = 0; i < GROUPS; i++) {
    if (i == zeros) {
      text_add_str(t, "::");
      i += length - 1;
      continue;
    }
    if (i > 0 && i != zeros + length)
      text_add_char(t, ':');
    text_add_hex(t, be16_get(a->octets + 2 * i), 1);
  }
}

void addr_text_add_end(struct text *t, const struct ip_addr *a, uint16_t port)
{
  const bool four = ip_addr_is4(a);

  if (!four)
    text_add_char(t, '[');
  addr_text_add(t, a);
  text_add_str(t, four ? ":" : "]:");
  text_add_u64(t, port);
}

/* The value of a hexadecimal digit; 16 for what is none. */
static unsigned digit_of(char c)
{
  if (c >= '0' && c <= '9')
    return (unsigned)(c - '0');
  if (c >= 'a' && c <= 'f')
    return (unsigned)(c - 'a') + 10;
  if (c >= 'A' && c <= 'F')
    return (unsigned)(c - 'A') + 10;
  return 16;
}

/* A number of 1 to `most` digits at *text, which moves behind it. false: there is none. */
static bool take_number(const char **text, unsigned base, int most, unsigned *value)
{
  int n = 0;

  for (*value = 0; n < most && digit_of((*text)[n]) < base; n++)
    *value = *value * base + digit_of((*text)[n]);
  *text += n;
  return n > 0;
}

/* Four numbers up to 255 that nothing follows. */
static bool parse_quad(const char *text, uint8_t v4[4])
{
  for (int i = 0; i < 4; i++) {
    const char *const start = text;
    unsigned value;

    if (!take_number(&text, 10, 3, &value) || value > 255)
      return false;
    if (*start == '0' && text - start > 1)
      return false;
    if (*text != (i < 3 ? '.' : '\0'))
      return false;
    text++;
    v4[i] = (uint8_t)value;
  }
  return true;
}

struct groups {
  uint8_t octets[16];
  int count, gap;              /* groups so far; the one before which "::" stands, or NO_GROUP */
};

/* Whether a dotted quad begins here: digits and then a point. */
static bool quad_ahead(const char *text)
{
  unsigned value;

  return take_number(&text, 10, 3, &value) && *text == '.';
}

/* One group, or a dotted quad, which is two and the last. *text moves behind it. */
static bool take_group(const char **text, struct groups *g)
{
  unsigned value;

  if (quad_ahead(*text)) {
    if (g->count > GROUPS - 2 || !parse_quad(*text, g->octets + 2 * g->count))
      return false;
    g->count += 2;
    *text = "";
    return true;
  }
  if (g->count == GROUPS || !take_number(text, 16, 4, &value))
    return false;
  be16_put(g->octets + 2 * g->count++, (uint16_t)value);
  return true;
}

/* RFC 4291 2.2: groups with single colons between them, and once two of them. */
static bool take_groups(const char *text, struct groups *g)
{
  if (text[0] == ':' && text[1] != ':')
    return false;
  while (*text) {
    if (text[0] == ':' && text[1] == ':') {
      if (g->gap != NO_GROUP)
        return false;
      g->gap = g->count;
      text += 2;
      if (!*text)
        break;
    } else if (*text == ':') {
      text++;
    }
    if (!take_group(&text, g) || (*text && *text != ':'))
      return false;
  }
  return g->gap == NO_GROUP ? g->count == GROUPS : g->count < GROUPS;
}

bool addr_text_parse(const char *text, struct ip_addr *a)
{
  struct groups g = { .gap = NO_GROUP };
  struct ip_addr result = { { 0 } };
  uint8_t v4[4];
  size_t octets, front;

  if (parse_quad(text, v4)) {
    *a = ip_addr_of4(v4);
    return true;
  }
  if (!take_groups(text, &g))
    return false;
  octets = 2 * (size_t)g.count;
  front = g.gap == NO_GROUP ? octets : 2 * (size_t)g.gap;
  memcpy(result.octets, g.octets, front);
  memcpy(result.octets + 16 - (octets - front), g.octets + front, octets - front);
  *a = result;
  return true;
}
