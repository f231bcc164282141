/* host_http.h - an HTTP/1.1 server (RFC 9110, 9112) of the files in one folder. */
#ifndef LASTACK_APP_HOST_HTTP_H
#define LASTACK_APP_HOST_HTTP_H

#include "node.h"

/* Serves `folder` on `port`. False after a complaint on stderr. */
bool host_http(struct node *node, uv_loop_t *loop, uint16_t port, const char *folder);

/* Before the loop's end: no more time-outs. */
void host_http_close(void);

#endif
