/* text.c - builds a line of text in memory of a given size. */
#include "base/text.h"

enum { DIGITS_MAX = 20 };                     /* of 2^64 - 1 in decimal */

struct text text_of(char *out, size_t size)
{
  if (size > 0)
    out[0] = '\0';
  return (struct text){ out, size, 0 };
}

void text_add_char(struct text *t, char c)
{
  if (t->size > 0 && t->length < t->size - 1) {
    t->out[t->length] = c;
    t->out[t->length + 1] = '\0';
  }
  t->length++;
}

void text_add_str(struct text *t, const char *string)
{
  while (*string)
    text_add_char(t, *string++);
}

/* The digits come out last first. */
static void add_digits(struct text *t, uint64_t value, unsigned base, unsigned least)
{
  char digits[DIGITS_MAX];
  unsigned n = 0;

  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  for (unsigned zeros = n; zeros < least; zeros++)
    text_add_char(t, '0');
  while (n > 0)
    text_add_char(t, digits[--n]);
}

void text_add_u64(struct text *t, uint64_t value)
{
  add_digits(t, value, 10, 1);
}

/* The distance from zero, which the smallest number has too. */
static uint64_t magnitude(int64_t value)
{
  return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void text_add_i64(struct text *t, int64_t value)
{
  text_add_fixed(t, value, 0);
}

void text_add_hex(struct text *t, uint64_t value, unsigned digits)
{
  add_digits(t, value, 16, digits);
}

void text_add_fixed(struct text *t, int64_t value, unsigned places)
{
  uint64_t unit = 1;

  for (unsigned i = 0; i < places && i < DIGITS_MAX - 1; i++)
    unit *= 10;
  if (value < 0)
    text_add_char(t, '-');
  text_add_u64(t, magnitude(value) / unit);
  if (places == 0)
    return;
  text_add_char(t, '.');
  add_digits(t, magnitude(value) % unit, 10, places);
}
