/* text.h - builds a line of text in memory of a given size, without ever overrunning it. */
#ifndef LA_BASE_TEXT_H
#define LA_BASE_TEXT_H
#include <stddef.h>
#include <stdint.h>

/* `length` counts on past `size`, as snprintf does: what is there, or would be with room for it.
 * `out` ends with a NUL at all times, unless size is 0. */
struct text { char *out; size_t size, length; };

struct text text_of(char *out, size_t size);

void text_add_char(struct text *t, char c);
void text_add_str(struct text *t, const char *string);
void text_add_u64(struct text *t, uint64_t value);
void text_add_i64(struct text *t, int64_t value);
/* Lower case, with zeros in front up to `digits` (at least 1). */
void text_add_hex(struct text *t, uint64_t value, unsigned digits);
/* value / 10^places with a decimal point: (1234567, 3) is "1234.567"; places 0 has no point. */
void text_add_fixed(struct text *t, int64_t value, unsigned places);

#endif
