/* nc_stream.c - standard streams that do not block.
 *
 * O_NONBLOCK belongs to the open file, which a terminal's stdin shares with the shell that
 * started us. So terminals and pipes are opened anew through /proc; only what cannot be (a
 * socket) gets the flag set on itself, and taken off at the end. */
#include "nc_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_poll(uv_poll_t *poll, int status, int events)
{
  struct nc_stream *stream = poll->data;

  (void)status;                 /* an error shows in the next read or write */
  (void)events;
  stream->ready(stream);
}

static void on_idle(uv_idle_t *idle)
{
  struct nc_stream *stream = idle->data;

  stream->ready(stream);
}

static void make_nonblocking(struct nc_stream *stream, int fd)
{
  const char *path = fd == 0 ? "/proc/self/fd/0" : "/proc/self/fd/1";
  struct stat status;
  int again;

  stream->fd = fd;
  stream->flags = -1;
  if (fstat(fd, &status) < 0 || S_ISREG(status.st_mode))
    return;
  again = open(path, (fd == 0 ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (again >= 0) {
    stream->fd = again;
    stream->reopened = true;
    return;
  }
  stream->flags = fcntl(fd, F_GETFL);
  if (stream->flags >= 0)
    fcntl(fd, F_SETFL, stream->flags | O_NONBLOCK);
}

int nc_stream_open(struct nc_stream *stream, uv_loop_t *loop, int fd,
                   void (*ready)(struct nc_stream *stream))
{
  int result;

  *stream = (struct nc_stream){ .ready = ready, .writes = fd == 1 };
  make_nonblocking(stream, fd);
  result = uv_poll_init(loop, &stream->poll, stream->fd);
  stream->polled = result == 0;
  if (result != 0 && result != UV_EPERM)
    return result;
  uv_idle_init(loop, &stream->idle);
  stream->poll.data = stream->idle.data = stream;
  stream->open = true;
  return 0;
}

void nc_stream_want(struct nc_stream *stream, bool wanted)
{
  if (!stream->open || wanted == stream->wanted)
    return;
  stream->wanted = wanted;
  if (stream->polled && wanted)
    uv_poll_start(&stream->poll, stream->writes ? UV_WRITABLE : UV_READABLE, on_poll);
  else if (stream->polled)
    uv_poll_stop(&stream->poll);
  else if (wanted)
    uv_idle_start(&stream->idle, on_idle);
  else
    uv_idle_stop(&stream->idle);
}

void nc_stream_close(struct nc_stream *stream)
{
  if (!stream->open)
    return;
  stream->open = false;
  if (stream->polled)
    uv_close((uv_handle_t *)&stream->poll, NULL);
  uv_close((uv_handle_t *)&stream->idle, NULL);
  if (stream->reopened)
    close(stream->fd);
  else if (stream->flags >= 0)
    fcntl(stream->fd, F_SETFL, stream->flags);
}

/* The number stays taken, so that no later open() becomes standard output by accident. */
void nc_stream_end(struct nc_stream *stream)
{
  int fd = stream->writes ? 1 : 0, nothing;

  if (!stream->open)
    return;
  nc_stream_close(stream);
  nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing >= 0)
    dup2(nothing, fd);
  if (nothing > fd)
    close(nothing);
}
