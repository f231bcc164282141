/* host_request.h - the head of an HTTP/1.1 request (RFC 9112), parsed out of octets. */
#ifndef LASTACK_APP_HOST_REQUEST_H
#define LASTACK_APP_HOST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  REQUEST_LINE_MAX = 4096,      /* longer: 414 */
  REQUEST_HEAD_MAX = 16384,     /* longer: 431 */
  REQUEST_FIELDS_MAX = 100      /* more: 431 */
};

/* Texts point into the octets that were parsed, which are changed: each ends with a NUL. */
struct request {
  const char *method, *target;
  char *path;                   /* decoded, begins with "/", without query */
  const char *query;            /* behind the first "?", or NULL */
  bool get, head;
  bool version_1_0, keep_alive;
  bool expects;                 /* Expect: 100-continue */
  uint64_t body;                /* octets of it that follow (Content-Length) */
  const char *range, *if_range, *if_match, *if_none_match, *if_modified_since,
             *if_unmodified_since;
};

/* How many octets the head takes; 0: it has not arrived whole; minus an HTTP status: it is
 * none, and the connection cannot go on (RFC 9112 9.6). */
int request_parse(char *octets, size_t n, struct request *request);

/* Where the octets of the first whole head end, empty lines before it included; 0: not yet. */
size_t request_head_length(const char *octets, size_t n);

#endif
