/* values.c - what people write after an option: a number and a unit, an address, a network. */
#include "app.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit { const char *name; double factor; };

/* Units whose list ends with a NULL; a name "" stands for a bare number. */
static bool measure(const char *text, const struct unit *units, double most, double *value)
{
  char *end;
  double number;

  if (!(*text >= '0' && *text <= '9') && *text != '.')
    return false;
  number = strtod(text, &end);
  if (end == text || strpbrk(text, "xXpP"))
    return false;
  for (; units->name; units++)
    if (strcasecmp(end, units->name) == 0) {
      *value = number * units->factor;
      return *value <= most;
    }
  return false;
}

bool app_time(const char *text, la_time *time)
{
  static const struct unit units[] = {
    { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { NULL, 0 }
  };
  double ns;

  if (strcmp(text, "0") == 0)
    return *time = 0, true;
  if (!measure(text, units, 3600e9, &ns))
    return false;
  *time = (la_time)(ns + 0.5);
  return true;
}

bool app_rate(const char *text, uint64_t *bits_per_s)
{
  static const struct unit units[] = {
    { "bit", 1 }, { "kbit", 1e3 }, { "mbit", 1e6 }, { "gbit", 1e9 }, { NULL, 0 }
  };
  double bits;

  if (strcmp(text, "0") == 0)
    return *bits_per_s = 0, true;
  if (!measure(text, units, 1e12, &bits) || bits < 1)
    return false;
  *bits_per_s = (uint64_t)(bits + 0.5);
  return true;
}

bool app_size(const char *text, uint32_t *octets)
{
  static const struct unit units[] = {
    { "", 1 }, { "b", 1 }, { "kb", 1e3 }, { "mb", 1e6 }, { "kib", 1 << 10 }, { "mib", 1 << 20 },
    { NULL, 0 }
  };
  double size;

  if (!measure(text, units, 4e9, &size))
    return false;
  *octets = (uint32_t)(size + 0.5);
  return true;
}

bool app_share(const char *text, uint32_t *ppm)
{
  static const struct unit units[] = { { "%", 1e4 }, { "ppm", 1 }, { NULL, 0 } };
  double share;

  if (strcmp(text, "0") == 0)
    return *ppm = 0, true;
  if (!measure(text, units, 1e6, &share))
    return false;
  *ppm = (uint32_t)(share + 0.5);
  return true;
}

bool app_addr(const char *text, la_addr *addr)
{
  char copy[LA_ADDR_TEXT + 1];
  size_t length = strlen(text);
  la_addr parsed;

  if (text[0] == '[' && text[length - 1] == ']' && length - 2 < sizeof copy) {
    memcpy(copy, text + 1, length - 2);
    copy[length - 2] = '\0';
    if (la_addr_parse(copy, &parsed) < 0 || parsed.len != 16)
      return false;
  } else if (la_addr_parse(text, &parsed) < 0 || parsed.len == 0) {
    return false;
  }
  *addr = parsed;
  return true;
}

bool app_net(const char *text, struct app_net *net)
{
  char copy[LA_ADDR_TEXT + 3];
  const char *slash = strchr(text, '/');
  size_t length = slash ? (size_t)(slash - text) : strlen(text);
  long long prefix;
  la_addr addr;

  if (length >= sizeof copy)
    return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (!app_addr(copy, &addr))
    return false;
  prefix = addr.len * 8;
  if (slash && !app_number(slash + 1, 0, prefix, &prefix))
    return false;
  *net = (struct app_net){ addr, (uint8_t)prefix };
  return true;
}
