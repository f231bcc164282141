/* host_response.c - conditions (RFC 9110 13), ranges (14), and the head of the answer. */
#include "host_response.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATE_OCTETS = 32 };

const char *response_reason(int status)
{
  switch (status) {
    case 200: return "OK";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 416: return "Range Not Satisfiable";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default:  return "Error";
  }
}

__attribute__((format(printf, 2, 3)))
static void add(struct response *r, const char *format, ...)
{
  size_t room = sizeof r->head - r->head_length;
  va_list words;
  int n;

  va_start(words, format);
  n = vsnprintf(r->head + r->head_length, room, format, words);
  va_end(words);
  if (n > 0)
    r->head_length += (size_t)n < room ? (uint32_t)n : (uint32_t)room - 1;
}

/* RFC 9110 5.6.7, IMF-fixdate; the C locale has the names it wants. */
static void date_text(time_t time, char text[DATE_OCTETS])
{
  struct tm tm;

  gmtime_r(&time, &tm);
  strftime(text, DATE_OCTETS, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* All three forms that RFC 9110 5.6.7 has a recipient understand. */
static bool date_parse(const char *text, time_t *time)
{
  static const char *const forms[] = {
    "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"
  };

  for (unsigned i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    struct tm tm = { 0 };
    const char *end = strptime(text, forms[i], &tm);

    if (end && !*end) {
      *time = timegm(&tm);
      return true;
    }
  }
  return false;
}

static void begin(struct response *r, int status)
{
  char date[DATE_OCTETS];

  r->status = status;
  r->head_length = 0;
  date_text(time(NULL), date);
  add(r, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: lastack/%s\r\n", status, response_reason(status),
      date, LASTACK_VERSION);
}

static void end(struct response *r)
{
  add(r, "Connection: %s\r\n\r\n", r->keep_alive ? "keep-alive" : "close");
}

/* Said in a few words of text, which HEAD does without. */
static void refuse(struct response *r, int status, bool head, const char *fields)
{
  char text[64];
  int n = snprintf(text, sizeof text, "%d %s\n", status, response_reason(status));

  file_close(&r->file);
  r->length = 0;
  begin(r, status);
  add(r, "%sContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n", fields, n);
  end(r);
  if (!head)
    add(r, "%s", text);
}

void response_error(int status, struct response *response)
{
  memset(response, 0, sizeof *response);
  response->file.fd = -1;
  refuse(response, status, false, status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

/* RFC 9110 8.8.3.2 and 13.1: whether a list of entity tags names this one. The comparison for
 * If-None-Match is the weak one, which looks past "W/". */
static bool etag_listed(const char *list, const char *etag, bool weak)
{
  size_t length = strlen(etag);

  if (*list == '*')
    return true;
  while (*list && length > 0) {
    const char *tag;
    bool is_weak;

    list += strspn(list, " \t,");
    is_weak = strncmp(list, "W/", 2) == 0;
    tag = list + (is_weak ? 2 : 0);
    if ((weak || !is_weak) && strncmp(tag, etag, length) == 0)
      return true;
    list += strcspn(list, ",");
  }
  return false;
}

/* RFC 9110 13.2.2, in its order; 200: go on. */
static int conditions(const struct request *q, const struct file *file)
{
  time_t date;

  if (q->if_match) {
    if (!etag_listed(q->if_match, file->etag, false))
      return 412;
  } else if (q->if_unmodified_since && date_parse(q->if_unmodified_since, &date)
             && file->modified > date) {
    return 412;
  }
  if (q->if_none_match)
    return etag_listed(q->if_none_match, file->etag, true) ? 304 : 200;
  if (q->if_modified_since && date_parse(q->if_modified_since, &date) && file->modified <= date)
    return 304;
  return 200;
}

/* RFC 9110 13.1.5: a range of something that has changed would be put to the wrong whole. */
static bool range_still_fits(const struct request *q, const struct file *file)
{
  time_t date;

  if (!q->if_range)
    return true;
  if (*q->if_range == '"' || strncmp(q->if_range, "W/", 2) == 0)
    return strcmp(q->if_range, file->etag) == 0;
  return date_parse(q->if_range, &date) && date == file->modified;
}

/* Digits, and where they end. Beyond any file's size they stay there. */
static bool number(const char **text, uint64_t *value)
{
  const char *from = *text;

  for (*value = 0; **text >= '0' && **text <= '9'; (*text)++)
    *value = *value > UINT64_MAX / 10 - 10 ? UINT64_MAX / 10 : *value * 10
                                                               + (uint64_t)(**text - '0');
  return *text > from;
}

/* RFC 9110 14.1.2 and 14.2. 206 with the part in `r`; 416; 200 where the field is to be ignored:
 * another unit, bad grammar, several ranges, which a server need not serve apart. */
static int choose_range(const char *range, uint64_t size, struct response *r)
{
  uint64_t first = 0, last = 0;
  bool has_first, has_last;

  if (strncmp(range, "bytes=", 6) != 0)
    return 200;
  range += 6 + strspn(range + 6, " \t");
  has_first = number(&range, &first);
  if (*range++ != '-')
    return 200;
  has_last = number(&range, &last);
  range += strspn(range, " \t");
  if (*range || (!has_first && !has_last) || (has_first && has_last && last < first))
    return 200;
  if (!has_first) {             /* the last so many octets */
    if (last == 0 || size == 0)
      return 416;
    r->length = last < size ? last : size;
    r->first = size - r->length;
    return 206;
  }
  if (first >= size)
    return 416;
  if (!has_last || last >= size)
    last = size - 1;
  r->first = first;
  r->length = last - first + 1;
  return 206;
}

static void describe(struct response *r)
{
  char date[DATE_OCTETS];

  if (r->file.etag[0]) {
    date_text(r->file.modified, date);
    add(r, "Last-Modified: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\n", date, r->file.etag);
  }
}

/* RFC 3986 2: everything but unreserved characters and the slash is written as %XX, so that no
 * octet of a request gets into a field of the answer as it is. */
static bool encode(const char *path, char *text, size_t size)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789-._~/";
  size_t at = 0;

  for (; *path; path++) {
    if (size - at < sizeof "%XX")
      return false;
    at += (size_t)snprintf(text + at, size - at, strchr(plain, *path) ? "%c" : "%%%02X",
                           (unsigned char)*path);
  }
  text[at] = '\0';
  return true;
}

/* Where a folder's name lacks its slash. Two slashes at the beginning would name another host
 * to a browser: one is enough. */
static void redirect(struct response *r, const struct request *q)
{
  char path[REQUEST_LINE_MAX], fields[REQUEST_LINE_MAX + 64];

  if (!encode(q->path + strspn(q->path, "/"), path, sizeof path)) {
    refuse(r, 404, q->head, "");
    return;
  }
  snprintf(fields, sizeof fields, "Location: /%s/\r\n", path);
  refuse(r, 301, q->head, fields);
}

void response_make(int folder, const struct request *request, struct response *response)
{
  struct response *r = response;
  char fields[96];
  int status;

  memset(r, 0, sizeof *r);
  r->keep_alive = request->keep_alive;
  status = file_open(folder, request->path, &r->file);
  if (status == 301) {
    redirect(r, request);
    return;
  }
  if (status == 200 && r->file.etag[0])
    status = conditions(request, &r->file);
  r->length = r->file.size;
  if (status == 200 && request->get && request->range && r->file.etag[0]
      && range_still_fits(request, &r->file))
    status = choose_range(request->range, r->file.size, r);
  if (status >= 400) {
    snprintf(fields, sizeof fields, "Content-Range: bytes */%" PRIu64 "\r\n", r->file.size);
    refuse(r, status, request->head, status == 416 ? fields : "");
    return;
  }
  begin(r, status);
  describe(r);
  if (status == 206)
    add(r, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", r->first,
        r->first + r->length - 1, r->file.size);
  if (status != 304)
    add(r, "Content-Type: %s\r\nContent-Length: %" PRIu64 "\r\n", r->file.type, r->length);
  end(r);
  if (request->head || status == 304)
    r->length = 0;
}
