/* host_response.h - what a request earns (RFC 9110): a status, fields, and which octets of
 * which file. */
#ifndef LASTACK_APP_HOST_RESPONSE_H
#define LASTACK_APP_HOST_RESPONSE_H

#include "host_file.h"
#include "host_request.h"

enum { RESPONSE_HEAD_MAX = 8192 };

struct response {
  int status;
  bool keep_alive;
  char head[RESPONSE_HEAD_MAX]; /* and the text of an error, behind it */
  uint32_t head_length;
  struct file file;
  uint64_t first, length;       /* of the file; length 0: nothing of it is sent */
};

/* The answer to a request for something beneath `folder`, with the file open if it is sent. */
void response_make(int folder, const struct request *request, struct response *response);

/* The answer to what is no request: minus the status that request_parse gave. Ends keep-alive. */
void response_error(int status, struct response *response);

const char *response_reason(int status);

#endif
