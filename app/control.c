/* control.c - the server side of the control socket, on libuv.
 *
 * Requests only read, so that a reader can never disturb what it looks at; and one that asks on
 * and on without fetching the answers is shown the door before memory is short. */
#include "control.h"

#include "control_json.h"
#include "control_path.h"

#include "app.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_OCTETS = 256, READERS_MAX = 64, UNFETCHED_MAX = 64 << 20 };

struct control {
  uv_pipe_t pipe;
  const la_stack *stack;
  const char *host;
  char path[LENS_CONTROL_PATH];
  struct reader *readers;
  unsigned count;
  bool closing;
};

struct reader {
  uv_pipe_t pipe;
  struct control *control;
  struct reader *next;
  size_t length;                /* of the line so far */
  char line[LINE_OCTETS];
};

static void reader_closed(uv_handle_t *handle)
{
  struct reader *reader = handle->data;
  struct control *control = reader->control;
  struct reader **at = &control->readers;

  while (*at != reader)
    at = &(*at)->next;
  *at = reader->next;
  control->count--;
  free(reader);
  if (control->closing && control->count == 0)
    free(control);
}

static void reader_close(struct reader *reader)
{
  if (!uv_is_closing((uv_handle_t *)&reader->pipe))
    uv_close((uv_handle_t *)&reader->pipe, reader_closed);
}

/* ---- requests ------------------------------------------------------------ */
static void answer_sockets(const la_stack *stack, json_t *answer)
{
  json_object_set_new(answer, "sockets", control_sockets(stack));
}

static void answer_counters(const la_stack *stack, json_t *answer)
{
  json_object_set_new(answer, "counters", control_counters(stack));
}

static void answer_pools(const la_stack *stack, json_t *answer)
{
  json_object_set_new(answer, "pools", control_pools(stack));
}

static void answer_objects(const la_stack *stack, json_t *answer)
{
  (void)stack;
  json_object_set_new(answer, "objects", control_objects());
}

static void answer_config(const la_stack *stack, json_t *answer)
{
  json_object_set_new(answer, "config", control_config(stack));
  json_object_set_new(answer, "interfaces", control_interfaces(stack));
  json_object_set_new(answer, "addresses", control_addresses(stack));
  json_object_set_new(answer, "routes", control_routes(stack));
}

static void answer_neighbors(const la_stack *stack, json_t *answer)
{
  json_object_set_new(answer, "neighbors", control_neighbors(stack));
}

static const struct { const char *name; void (*answer)(const la_stack *, json_t *); } requests[] = {
  { "sockets", answer_sockets }, { "counters", answer_counters }, { "pools", answer_pools },
  { "objects", answer_objects }, { "config", answer_config }, { "neighbors", answer_neighbors }
};

static void answer_story(const la_stack *stack, const char *id, json_t *answer)
{
  la_sock sock;
  char *end;

  sock.bits = strtoull(id, &end, 16);
  if (*end || end == id) {
    json_object_set_new(answer, "error", json_string("story wants the id of a socket"));
    return;
  }
  json_object_set_new(answer, "socket", control_socket(stack, sock));
  json_object_set_new(answer, "story", control_story(stack, sock));
}

static void answer_line(const la_stack *stack, const char *line, json_t *answer)
{
  if (strncmp(line, "story ", 6) == 0) {
    answer_story(stack, line + 6, answer);
    return;
  }
  for (unsigned i = 0; i < sizeof requests / sizeof requests[0]; i++)
    if (strcmp(line, requests[i].name) == 0) {
      requests[i].answer(stack, answer);
      return;
    }
  json_object_set_new(answer, "error", json_string("there is no such request; there are: sockets, "
                                                   "story ID, counters, pools, objects, config, "
                                                   "neighbors"));
}

/* The answer's text with a newline behind it, for free(); NULL when memory is short. */
static char *answer_text(const struct control *control, const char *line, size_t *length)
{
  json_t *answer = json_pack("{s:i, s:s, s:s, s:I, s:I}", "lastack", CONTROL_VERSION,
    "program", LASTACK_VERSION, "host", control->host, "pid", (json_int_t)getpid(),
    "now_ns", (json_int_t)uv_hrtime());
  char *text;

  if (!answer)
    return NULL;
  answer_line(control->stack, line, answer);
  text = json_dumps(answer, JSON_COMPACT);
  json_decref(answer);
  if (!text)
    return NULL;
  *length = strlen(text);
  text[(*length)++] = '\n';     /* in place of the final NUL */
  return text;
}

/* ---- readers ------------------------------------------------------------- */
static void written(uv_write_t *write, int status)
{
  if (status < 0)
    reader_close(write->handle->data);
  free(write->data);
  free(write);
}

static bool answer(struct reader *reader)
{
  size_t length;
  char *text;
  uv_write_t *write;
  uv_buf_t buf;

  if (uv_stream_get_write_queue_size((uv_stream_t *)&reader->pipe) > UNFETCHED_MAX)
    return false;
  text = answer_text(reader->control, reader->line, &length);
  write = malloc(sizeof *write);
  if (!text || !write) {
    free(text);
    free(write);
    return false;
  }
  write->data = text;
  buf = uv_buf_init(text, (unsigned)length);
  if (uv_write(write, (uv_stream_t *)&reader->pipe, &buf, 1, written) == 0)
    return true;
  free(text);
  free(write);
  return false;
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
  struct reader *reader = handle->data;

  (void)suggested;
  *buf = uv_buf_init(reader->line + reader->length, (unsigned)(LINE_OCTETS - reader->length));
}

/* Every whole line is a request. A line that fills the buffer is none (UV_ENOBUFS then). */
static void readable(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
  struct reader *reader = stream->data;
  char *newline;

  (void)buf;
  if (got < 0) {
    reader_close(reader);
    return;
  }
  reader->length += (size_t)got;
  while ((newline = memchr(reader->line, '\n', reader->length)) != NULL) {
    size_t octets = (size_t)(newline + 1 - reader->line);

    *newline = '\0';
    if (newline > reader->line && newline[-1] == '\r')
      newline[-1] = '\0';
    if (!answer(reader)) {
      reader_close(reader);
      return;
    }
    memmove(reader->line, reader->line + octets, reader->length - octets);
    reader->length -= octets;
  }
}

static void connected(uv_stream_t *server, int status)
{
  struct control *control = server->data;
  struct reader *reader;

  if (status < 0 || control->closing || !(reader = calloc(1, sizeof *reader)))
    return;
  uv_pipe_init(server->loop, &reader->pipe, 0);
  reader->pipe.data = reader;
  reader->control = control;
  reader->next = control->readers;
  control->readers = reader;
  control->count++;
  if (uv_accept(server, (uv_stream_t *)&reader->pipe) < 0 || control->count > READERS_MAX
      || uv_read_start((uv_stream_t *)&reader->pipe, allocate, readable) < 0)
    reader_close(reader);
}

/* ---- the socket ---------------------------------------------------------- */
/* The first folder that is there, or can be made, and is ours alone. */
static bool choose_path(char *path, size_t size)
{
  char folder[LENS_CONTROL_PATH];

  for (unsigned i = 0; i < LENS_CONTROL_FOLDERS; i++) {
    if (!lens_control_folder(i, folder, sizeof folder))
      continue;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
      continue;
    if (lens_control_folder_is_safe(folder) && access(folder, W_OK) == 0)
      return snprintf(path, size, "%s/%d.sock", folder, (int)getpid()) < (int)size;
  }
  return false;
}

/* A socket that nobody listens at is what a host left that was killed. */
static int clear_path(const char *path)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };
  struct stat there;
  int fd, answer;

  if (lstat(path, &there) < 0 || !S_ISSOCK(there.st_mode))
    return 0;                   /* what is no socket makes bind fail, and stays */
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  memcpy(name.sun_path, path, strlen(path));    /* control.path is no longer than this */
  answer = connect(fd, (const struct sockaddr *)&name, sizeof name);
  close(fd);
  if (answer == 0)
    return UV_EADDRINUSE;
  return unlink(path) < 0 ? -errno : 0;
}

/* Bound with a mask that lets nobody else in, from the first moment. */
static int listen_at(struct control *control)
{
  mode_t mask;
  int result = clear_path(control->path);

  if (result < 0)
    return result;
  mask = umask(0177);
  result = uv_pipe_bind(&control->pipe, control->path);
  umask(mask);
  if (result == 0)
    result = uv_listen((uv_stream_t *)&control->pipe, 16, connected);
  return result;
}

static void listener_closed(uv_handle_t *handle)
{
  struct control *control = handle->data;

  control->closing = true;
  for (struct reader *reader = control->readers; reader; reader = reader->next)
    reader_close(reader);
  if (control->count == 0)
    free(control);
}

struct control *control_open(uv_loop_t *loop, const la_stack *stack, const char *host,
                             const char *path)
{
  struct control *control = calloc(1, sizeof *control);
  int result;

  if (!control) {
    app_fail("control socket: no memory");
    return NULL;
  }
  control->stack = stack;
  control->host = host;
  control->pipe.data = control;
  if (path ? snprintf(control->path, sizeof control->path, "%s", path) >= (int)sizeof control->path
           : !choose_path(control->path, sizeof control->path)) {
    app_fail(path ? "control socket: the path %s is too long" : "control socket: no folder for "
             "it in $XDG_RUNTIME_DIR, /run or /tmp (say --control PATH)", path);
    free(control);
    return NULL;
  }
  uv_pipe_init(loop, &control->pipe, 0);
  result = listen_at(control);
  if (result == 0)
    return control;
  app_fail("control socket %s: %s", control->path, uv_strerror(result));
  uv_close((uv_handle_t *)&control->pipe, listener_closed);
  return NULL;
}

const char *control_path(const struct control *control)
{
  return control->path;
}

void control_close(struct control *control)
{
  uv_close((uv_handle_t *)&control->pipe, listener_closed);
}
