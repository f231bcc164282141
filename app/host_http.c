/* host_http.c - one HTTP connection after the other request: read a head, answer, repeat.
 *
 * Requests may be pipelined (RFC 9112 9.3.2); they are answered one at a time, and while an
 * answer waits for room nothing more is read, so that TCP's window holds the peer back. A file
 * is read into slabs, which the stack then sends by reference: the octets are copied once, by
 * the kernel. (Mapping the file would save that too, and let whoever cuts it short kill us.)
 */
#include "host_http.h"

#include "app.h"
#include "host_response.h"
#include "host_service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  BODY_MAX = 1 << 20,           /* of a request: read and thrown away up to here, else 413 */
  SWEEP_MS = 1000,
  IDLE_S = 60,                  /* without any request */
  HEAD_S = 20,                  /* for a request to come in whole */
  STALL_S = 600,                /* without progress of an answer */
  LINGER_S = 10                 /* for the peer's FIN, once we have closed */
};

/* What a connection waits for, with a patience each. */
enum phase { PHASE_IDLE, PHASE_HEAD, PHASE_BODY, PHASE_ANSWER, PHASE_LINGER };

/* What only a connection with a request in hand needs: an idle one stays small. */
struct exchange {
  struct response response;
  size_t got;                   /* octets in `input` */
  char input[REQUEST_HEAD_MAX + 4];
};

struct http {
  struct host_connection base;
  struct http *next, **link;    /* in the list of all */
  enum phase phase;
  la_time since;                /* last progress in this phase; 0: nobody has connected yet */
  uint64_t body;                /* of the request: octets still to throw away */
  uint32_t head_sent;
  uint64_t sent;                /* octets of the file */
  la_slab *slab;                /* read, and waiting for room */
  uint32_t slab_octets;
  struct exchange *x;
};

static struct {
  int folder;
  uv_timer_t sweep;
  struct http *all;
} server = { .folder = -1 };

static void enter(struct http *h, enum phase phase)
{
  h->phase = phase;
  h->since = node_now();
}

static la_stack *stack_of(const struct http *h)
{
  return node_stack(h->base.node);
}

static void release(struct node_user *user)
{
  struct http *h = (struct http *)user;

  if (h->x)
    file_close(&h->x->response.file);
  free(h->x);
  if (h->slab)
    la_slab_release(stack_of(h), h->slab);
  *h->link = h->next;
  if (h->next)
    h->next->link = h->link;
}

/* ---- the answer ---------------------------------------------------------- */
static void answer(struct http *h)
{
  h->head_sent = 0;
  h->sent = 0;
  enter(h, PHASE_ANSWER);
}

static void answer_error(struct http *h, int status)
{
  response_error(status, &h->x->response);
  answer(h);
}

enum progress { DONE, BLOCKED, FAILED };

/* Text that lies in memory, from *at on. */
static enum progress send_text(struct http *h, const char *text, uint64_t length, uint64_t *at)
{
  while (*at < length) {
    uint64_t left = length - *at;
    int n = la_tcp_send(stack_of(h), h->base.sock, text + *at,
                        left < INT32_MAX ? (uint32_t)left : INT32_MAX);

    if (n == -LA_EAGAIN || n == -LA_ENOBUF)
      return BLOCKED;
    if (n < 0)
      return FAILED;
    *at += (uint64_t)n;
    h->since = node_now();
  }
  return DONE;
}

/* The next piece of the file into a slab of its own. A file that has become shorter cannot be
 * sent as long as was promised: the peer must see that, so the connection fails. */
static enum progress read_slab(struct http *h)
{
  const struct response *r = &h->x->response;
  uint64_t left = r->length - h->sent;
  uint32_t size;
  ssize_t n;

  if (la_slab_get(stack_of(h), &h->slab) < 0) {
    h->slab = NULL;
    return BLOCKED;
  }
  size = la_slab_size(h->slab);
  do
    n = pread(r->file.fd, la_slab_octets(h->slab), left < size ? (size_t)left : size,
              (off_t)(r->first + h->sent));
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return FAILED;
  h->slab_octets = (uint32_t)n;
  return DONE;
}

static enum progress send_file(struct http *h)
{
  while (h->sent < h->x->response.length) {
    enum progress progress = h->slab ? DONE : read_slab(h);
    la_frag frag;
    int result;

    if (progress != DONE)
      return progress;
    frag = (la_frag){ h->slab, 0, h->slab_octets };
    result = la_tcp_send_frags(stack_of(h), h->base.sock, &frag, 1);
    if (result == -LA_EAGAIN || result == -LA_ENOBUF)
      return BLOCKED;
    if (result < 0)
      return FAILED;
    la_slab_release(stack_of(h), h->slab);
    h->slab = NULL;
    h->sent += h->slab_octets;
    h->since = node_now();
  }
  return DONE;
}

static enum progress send_answer(struct http *h)
{
  struct response *r = &h->x->response;
  uint64_t at = h->head_sent;
  enum progress progress = send_text(h, r->head, r->head_length, &at);

  h->head_sent = (uint32_t)at;
  if (progress != DONE)
    return progress;
  if (r->file.listing)
    return send_text(h, r->file.listing, r->length, &h->sent);
  return send_file(h);
}

/* ---- the request --------------------------------------------------------- */
static void consume_input(struct http *h, size_t octets)
{
  memmove(h->x->input, h->x->input + octets, h->x->got - octets);
  h->x->got -= octets;
}

/* A request, if one has come whole: then its answer is begun. */
static bool begin_request(struct http *h)
{
  struct request request;
  int length;

  if (h->x->got == 0)
    return false;
  if (h->phase == PHASE_IDLE)
    enter(h, PHASE_HEAD);
  length = request_parse(h->x->input, h->x->got, &request);
  if (length == 0)
    return false;
  if (length < 0) {
    answer_error(h, -length);
    return true;
  }
  if (request.body > BODY_MAX) {
    answer_error(h, 413);
    return true;
  }
  response_make(server.folder, &request, &h->x->response);
  if (request.expects && request.body > 0)
    h->x->response.keep_alive = false;   /* RFC 9110 10.1.1: the body may come now or never */
  h->body = h->x->response.keep_alive ? request.body : 0;
  consume_input(h, (size_t)length);
  answer(h);
  return true;
}

static void skip_body(struct http *h)
{
  size_t octets = h->x->got < h->body ? h->x->got : (size_t)h->body;

  consume_input(h, octets);
  h->body -= octets;
  if (h->body == 0)
    enter(h, PHASE_IDLE);
}

/* After the last answer: FIN, and what the peer still says is thrown away until its own FIN.
 * Closing at once would reset the connection, and the answer with it (RFC 9112 9.6). */
static void finish(struct http *h)
{
  (void)!la_tcp_close(stack_of(h), h->base.sock);
  enter(h, PHASE_LINGER);
}

/* Whatever has come, as far as there is room. False: the connection is over. */
static bool read_input(struct http *h, bool *ended)
{
  *ended = false;
  for (;;) {
    char *to = h->x->input + h->x->got;
    size_t room = sizeof h->x->input - h->x->got;
    int n;

    if (h->phase == PHASE_LINGER) {
      to = h->x->input;
      room = sizeof h->x->input;
    }
    if (room == 0)
      return true;
    n = la_tcp_recv(stack_of(h), h->base.sock, to, (uint32_t)room);
    if (n == -LA_EEOF)
      *ended = true;
    if (n == -LA_EAGAIN || n == -LA_EEOF || n == 0)
      return true;
    if (n < 0)
      return false;
    if (h->phase != PHASE_LINGER)
      h->x->got += (size_t)n;
  }
}

static bool begin_exchange(struct http *h)
{
  if (h->x)
    return true;
  h->x = malloc(sizeof *h->x);
  if (!h->x)
    return false;
  h->x->got = 0;
  h->x->response.file = (struct file){ .fd = -1 };
  return true;
}

/* One step of reading: a request to be answered, or not yet, or never more. */
enum turn { TURN_AGAIN, TURN_WAIT, TURN_OVER };

static enum turn take_request(struct http *h)
{
  bool ended;

  if (!begin_exchange(h) || !read_input(h, &ended))
    return TURN_OVER;
  if (h->phase == PHASE_BODY && h->x->got > 0) {
    skip_body(h);
    return TURN_AGAIN;          /* there may be more than the buffer held */
  }
  if (h->phase != PHASE_LINGER && h->phase != PHASE_BODY && begin_request(h))
    return TURN_AGAIN;
  if (h->phase == PHASE_IDLE && h->x->got == 0) {
    free(h->x);
    h->x = NULL;
  }
  return ended ? TURN_OVER : TURN_WAIT;
}

static enum turn give_answer(struct http *h)
{
  enum progress progress = send_answer(h);

  if (progress == BLOCKED)
    return TURN_WAIT;
  if (progress == FAILED)
    return TURN_OVER;
  file_close(&h->x->response.file);
  if (h->x->response.keep_alive)
    enter(h, h->body > 0 ? PHASE_BODY : PHASE_IDLE);
  else
    finish(h);
  return TURN_AGAIN;
}

/* Requests and answers in turn, until something is missing: input, room, or the connection.
 * Ended by what the receive queue holds. */
static void proceed(struct http *h)
{
  enum turn turn;

  do
    turn = h->phase == PHASE_ANSWER ? give_answer(h) : take_request(h);
  while (turn == TURN_AGAIN);
  if (turn == TURN_WAIT)
    return;
  if (h->phase == PHASE_ANSWER)
    host_abort(&h->base);
  else
    host_forget(&h->base);
}

static void on_event(struct node_user *user, const la_event *event)
{
  struct http *h = (struct http *)user;

  if (h->since == 0)
    enter(h, PHASE_IDLE);
  if (event->kind == LA_EV_CLOSED)
    host_forget(&h->base);
  else
    proceed(h);
}

/* ---- time-outs ----------------------------------------------------------- */
static void expire(struct http *h)
{
  switch (h->phase) {
    case PHASE_HEAD:
      answer_error(h, 408);
      proceed(h);
      return;
    case PHASE_IDLE:
      finish(h);
      return;
    case PHASE_BODY:
    case PHASE_ANSWER:
      host_abort(&h->base);
      return;
    case PHASE_LINGER:
      host_forget(&h->base);
      return;
  }
}

static void on_sweep(uv_timer_t *timer)
{
  static const int patience_s[] = {
    [PHASE_IDLE] = IDLE_S, [PHASE_HEAD] = HEAD_S, [PHASE_BODY] = HEAD_S,
    [PHASE_ANSWER] = STALL_S, [PHASE_LINGER] = LINGER_S
  };
  la_time now = node_now();
  struct http *next;

  (void)timer;
  for (struct http *h = server.all; h; h = next) {
    next = h->next;
    if (h->since > 0 && now - h->since > patience_s[h->phase] * LA_SEC)
      expire(h);
  }
}

/* ---- the server ---------------------------------------------------------- */
static struct host_connection *make(struct node *node)
{
  struct http *h = host_connection_make(node, sizeof *h, on_event);

  if (!h)
    return NULL;
  h->base.user.release = release;
  h->next = server.all;
  h->link = &server.all;
  if (h->next)
    h->next->link = &h->next;
  server.all = h;
  return &h->base;
}

bool host_http(struct node *node, uv_loop_t *loop, uint16_t port, const char *folder)
{
  server.folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (server.folder < 0) {
    app_fail("--http %s: %s", folder, strerror(errno));
    return false;
  }
  uv_timer_init(loop, &server.sweep);
  uv_timer_start(&server.sweep, on_sweep, SWEEP_MS, SWEEP_MS);
  return host_listen(node, port, "http", make);
}

void host_http_close(void)
{
  if (server.folder < 0)
    return;
  uv_close((uv_handle_t *)&server.sweep, NULL);
  close(server.folder);
  server.folder = -1;
}
