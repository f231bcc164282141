/* nc_stream.h - standard input and output in a loop that must never wait for them. */
#ifndef LASTACK_APP_NC_STREAM_H
#define LASTACK_APP_NC_STREAM_H

#include <stdbool.h>
#include <uv.h>

struct nc_stream {
  uv_poll_t poll;               /* of what can be polled: terminals, pipes, sockets */
  uv_idle_t idle;               /* of what is always ready: files, /dev/null */
  void (*ready)(struct nc_stream *stream);
  void *data;
  int fd, flags;                /* flags: the descriptor's own, to be restored; -1: unchanged */
  bool writes, reopened, polled, open, wanted;
};

/* `fd` is 0 or 1. `ready` is called while the stream is wanted, whenever it can be read or
 * written. 0, or a libuv error. */
int nc_stream_open(struct nc_stream *stream, uv_loop_t *loop, int fd,
                   void (*ready)(struct nc_stream *stream));
void nc_stream_want(struct nc_stream *stream, bool wanted);
void nc_stream_close(struct nc_stream *stream);

/* Closes the stream, and the standard descriptor as well: its reader sees the end. */
void nc_stream_end(struct nc_stream *stream);

#endif
