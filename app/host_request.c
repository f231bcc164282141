/* host_request.c - RFC 9112 2 to 6, strictly where leniency has let requests be smuggled: a
 * field's name has no blank behind it, lines are not folded, lengths are said once. */
#include "host_request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct fields {
  const char *host, *connection, *length, *encoding, *expect;
  unsigned hosts, lengths;
};

/* RFC 9110 5.6.2. */
static bool char_is_token(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
         || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Empty lines before a request are passed over (RFC 9112 2.2). */
static size_t leading(const char *octets, size_t n)
{
  size_t at = 0;

  while (at < n && (octets[at] == '\r' || octets[at] == '\n'))
    at++;
  return at;
}

size_t request_head_length(const char *octets, size_t n)
{
  size_t line = leading(octets, n);

  for (size_t i = line; i < n; i++) {
    if (octets[i] != '\n')
      continue;
    if (i == line || (i == line + 1 && octets[line] == '\r'))
      return i + 1;
    line = i + 1;
  }
  return 0;
}

/* A head that is not whole yet, but already too large. */
static int too_large(const char *octets, size_t n)
{
  size_t at = leading(octets, n);
  const char *end = memchr(octets + at, '\n', n - at);

  if (!end && n - at > REQUEST_LINE_MAX)
    return -414;
  return n > REQUEST_HEAD_MAX ? -431 : 0;
}

/* Cuts the next line off, with or without its CR; no NUL and no other CR may be in it. */
static char *line_next(char **at, char *end)
{
  char *line = *at, *newline = memchr(line, '\n', (size_t)(end - line));
  size_t length;

  if (!newline)
    return NULL;
  *at = newline + 1;
  if (newline > line && newline[-1] == '\r')
    newline--;
  *newline = '\0';
  length = (size_t)(newline - line);
  return memchr(line, '\0', length) || memchr(line, '\r', length) ? NULL : line;
}

static int hexadecimal(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place. Octet 0 would cut a name short, and a slash that was written as %2F is not a
 * separator: neither can name a file here. */
static bool percent_decode(char *text)
{
  char *to = text;

  for (const char *from = text; *from; from++) {
    if (*from == '%') {
      int high = hexadecimal(from[1]), low = high < 0 ? -1 : hexadecimal(from[2]);
      char octet;

      if (low < 0)
        return false;
      octet = (char)(high * 16 + low);
      if (octet == '\0' || octet == '/')
        return false;
      *to++ = octet;
      from += 2;
    } else {
      *to++ = *from;
    }
  }
  *to = '\0';
  return true;
}

/* Origin form, or absolute form, whose authority is for proxies (RFC 9112 3.2). */
static bool parse_target(char *target, struct request *r)
{
  static char root[] = "/";
  char *query;

  r->target = target;
  if (strncasecmp(target, "http://", 7) == 0) {
    target = strchr(target + 7, '/');
    if (!target)
      target = root;
  }
  if (*target != '/')
    return false;
  query = strchr(target, '?');
  if (query) {
    *query++ = '\0';
    r->query = query;
  }
  r->path = target;
  return !strchr(target, '#') && percent_decode(target);
}

static int parse_version(const char *version, struct request *r)
{
  if (strncmp(version, "HTTP/", 5) != 0 || !(version[5] >= '0' && version[5] <= '9')
      || version[6] != '.' || !(version[7] >= '0' && version[7] <= '9') || version[8])
    return -400;
  if (version[5] != '1')
    return -505;
  r->version_1_0 = version[7] == '0';
  return 0;
}

/* RFC 9110 9.1 and RFC 5789: what is known but not served is 405, the rest 501. */
static int check_method(const struct request *r)
{
  static const char *const known[] = {
    "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"
  };

  if (r->get || r->head)
    return 0;
  for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(r->method, known[i]) == 0)
      return -405;
  return -501;
}

static int parse_line(char *line, struct request *r)
{
  char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;
  int result;

  if (strlen(line) > REQUEST_LINE_MAX)
    return -414;
  if (!version || target == line)
    return -400;
  *target++ = '\0';
  *version++ = '\0';
  r->method = line;
  for (const char *c = line; *c; c++)
    if (!char_is_token(*c))
      return -400;
  result = parse_version(version, r);
  if (result < 0)
    return result;
  r->get = strcmp(r->method, "GET") == 0;
  r->head = strcmp(r->method, "HEAD") == 0;
  result = check_method(r);
  if (result < 0)
    return result;
  return parse_target(target, r) ? 0 : -400;
}

static void keep(const char **field, const char *value)
{
  if (!*field)
    *field = value;
}

static void keep_field(const char *name, const char *value, struct request *r, struct fields *f)
{
  const struct { const char *name, **field; } wanted[] = {
    { "Range", &r->range }, { "If-Range", &r->if_range }, { "If-Match", &r->if_match },
    { "If-None-Match", &r->if_none_match }, { "If-Modified-Since", &r->if_modified_since },
    { "If-Unmodified-Since", &r->if_unmodified_since }, { "Host", &f->host },
    { "Connection", &f->connection }, { "Content-Length", &f->length },
    { "Transfer-Encoding", &f->encoding }, { "Expect", &f->expect }
  };

  f->hosts += strcasecmp(name, "Host") == 0;
  f->lengths += strcasecmp(name, "Content-Length") == 0;
  for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    if (strcasecmp(name, wanted[i].name) == 0)
      keep(wanted[i].field, value);
}

static bool parse_field(char *line, struct request *r, struct fields *f)
{
  char *colon = strchr(line, ':'), *value, *end;

  if (!colon || colon == line)
    return false;
  *colon = '\0';
  for (const char *c = line; *c; c++)
    if (!char_is_token(*c))
      return false;
  value = colon + 1 + strspn(colon + 1, " \t");
  end = value + strlen(value);
  while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
    *--end = '\0';
  keep_field(line, value, r, f);
  return true;
}

/* Whether a comma-separated list names this option (RFC 9110 7.6.1). */
static bool list_has(const char *list, const char *word)
{
  size_t length = strlen(word);

  while (list && *list) {
    list += strspn(list, " \t,");
    if (strncasecmp(list, word, length) == 0 && strchr(" \t,", list[length]))
      return true;
    list += strcspn(list, ",");
  }
  return false;
}

/* The body's length must be beyond doubt, or the next request begins in the wrong place. */
static int judge(struct request *r, const struct fields *f)
{
  char *end = NULL;

  if (f->hosts > 1 || (!r->version_1_0 && f->hosts == 0))
    return -400;                /* RFC 9112 3.2 */
  if (f->lengths > 1 || (f->length && f->encoding))
    return -400;                /* RFC 9112 6.3 */
  if (f->encoding)
    return -411;                /* nobody sends a file server a body; a length ends the doubt */
  if (f->length) {
    if (strspn(f->length, "0123456789") != strlen(f->length) || !*f->length
        || strlen(f->length) > 18)
      return -400;
    r->body = strtoull(f->length, &end, 10);
  }
  r->expects = f->expect && strcasecmp(f->expect, "100-continue") == 0;
  r->keep_alive = r->version_1_0 ? list_has(f->connection, "keep-alive")
                                 : !list_has(f->connection, "close");
  return 0;
}

int request_parse(char *octets, size_t n, struct request *request)
{
  struct fields fields = { 0 };
  size_t length = request_head_length(octets, n);
  char *at = octets + leading(octets, n), *end = octets + length, *line;
  int result;

  memset(request, 0, sizeof *request);
  if (length == 0)
    return too_large(octets, n);
  if (length > REQUEST_HEAD_MAX)
    return -431;
  line = line_next(&at, end);
  result = line ? parse_line(line, request) : -400;
  if (result < 0)
    return result;
  for (unsigned count = 0; at < end; count++) {
    if (count > REQUEST_FIELDS_MAX)
      return -431;
    line = line_next(&at, end);
    if (!line)
      return -400;
    if (*line && !parse_field(line, request, &fields))
      return -400;
  }
  result = judge(request, &fields);
  return result < 0 ? result : (int)length;
}
