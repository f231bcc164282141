/* nc_tcp.c - `nc` over TCP: stdin becomes our half of the connection, stdout the peer's.
 *
 * Each half ends by itself: the end of stdin is our FIN, the peer's FIN is the end of stdout.
 * The program is over when both have ended. A terminal whose peer has closed counts as ended,
 * for nobody knows that a key is still awaited. */
#include "nc.h"

#include "app.h"

#include <sys/uio.h>

enum { FRAGS = 16 };

struct owner {
  struct node_user user;
  struct nc *nc;
};

static la_stack *stack_of(const struct nc *nc)
{
  return node_stack(nc->node);
}

/* ---- stdin to the peer --------------------------------------------------- */
static void end_of_ours(struct nc *nc)
{
  int result = la_tcp_close(stack_of(nc), nc->sock);

  if (result < 0 && result != -LA_ECLOSING)
    nc_fail(nc, result);
}

static void send_all(struct nc *nc)
{
  while (!nc->done && nc_read(nc) > 0) {
    int n = la_tcp_send(stack_of(nc), nc->sock, nc->block + nc->sent, nc->pending - nc->sent);

    if (n == -LA_EAGAIN || n == -LA_ENOBUF) {
      nc_stream_want(&nc->in, false);
      return;
    }
    if (n < 0) {
      nc_fail(nc, n);
      return;
    }
    nc->sent += (uint32_t)n;
    nc_progress(nc);
  }
  nc_stream_want(&nc->in, !nc->in_ended);
  if (nc->in_ended && !nc->done && nc->connected)
    end_of_ours(nc);
}

static void on_stdin(struct nc_stream *stream)
{
  send_all(stream->data);
}

/* ---- the peer to stdout -------------------------------------------------- */
static void peer_ended(struct nc *nc)
{
  if (nc->peer_ended)
    return;
  nc->peer_ended = true;
  nc_stream_end(&nc->out);
  if (nc->in_terminal && !nc->in_ended) {
    nc->in_ended = true;
    send_all(nc);
  }
}

/* What stdout does not take stays in the receive queue, and closes the window in time. */
static void receive_all(struct nc *nc)
{
  while (!nc->done) {
    la_frag frags[FRAGS];
    struct iovec iov[FRAGS];
    int n = la_tcp_peek(stack_of(nc), nc->sock, frags, FRAGS);
    int64_t taken;

    if (n == -LA_EEOF)
      peer_ended(nc);
    if (n <= 0)
      break;
    for (int i = 0; i < n; i++)
      iov[i] = (struct iovec){ la_slab_octets(frags[i].slab) + frags[i].offset,
                               frags[i].length };
    taken = nc_write(nc, iov, n);
    if (taken <= 0) {
      nc_stream_want(&nc->out, taken == 0);
      return;
    }
    (void)!la_tcp_consume(stack_of(nc), nc->sock, (uint32_t)taken);
    nc_progress(nc);
  }
  nc_stream_want(&nc->out, false);
  if (nc->closed && nc->peer_ended)
    nc_finish(nc, APP_OK);
}

static void on_stdout(struct nc_stream *stream)
{
  receive_all(stream->data);
}

/* ---- events -------------------------------------------------------------- */
static void connected(struct nc *nc)
{
  nc->connected = true;
  if (nc->verbose)
    nc_say(nc, "connected", nc->there);
  nc_progress(nc);
  send_all(nc);
}

/* Nothing more will come or go by wire; what has come may still wait for stdout. */
static void closed(struct nc *nc, int error)
{
  nc->closed = true;
  receive_all(nc);
  if (error != LA_OK)
    nc_fail(nc, -error);
}

static void on_event(struct node_user *user, const la_event *event)
{
  struct nc *nc = ((struct owner *)user)->nc;

  switch (event->kind) {
    case LA_EV_CONNECTED:
      connected(nc);
      break;
    case LA_EV_WRITABLE:
    case LA_EV_RETRY:
      send_all(nc);
      break;
    case LA_EV_READABLE:
    case LA_EV_PEER_CLOSED:
      receive_all(nc);
      break;
    case LA_EV_CLOSED:
      closed(nc, event->error);
      break;
    default:
      break;
  }
}

/* The first connection is the only one. */
static void on_listener(struct node_user *user, const la_event *event)
{
  struct nc *nc = ((struct owner *)user)->nc;
  la_stack *stack = stack_of(nc);
  la_sock_info info;

  if (event->kind != LA_EV_ACCEPT
      || la_tcp_accept(stack, nc->listener, nc->user, &nc->sock) < 0)
    return;
  (void)!la_tcp_forget(stack, nc->listener);
  node_retire(nc->node, user);
  if (la_sock_get(stack, nc->sock, &info) == 0)
    nc->there = info.peer;
  connected(nc);
  receive_all(nc);
}

static struct node_user *make_owner(struct nc *nc,
                                    void (*event)(struct node_user *, const la_event *))
{
  struct owner *owner = node_make(nc->node, sizeof *owner, event);

  if (!owner)
    return NULL;
  owner->nc = nc;
  return &owner->user;
}

static int open_listener(struct nc *nc, struct node_user *user)
{
  la_stack *stack = stack_of(nc);
  int result = node_tcp_open(nc->node, user, &nc->listener);

  if (result >= 0)
    result = la_tcp_bind(stack, nc->listener, nc->there);
  if (result >= 0)
    result = la_tcp_listen(stack, nc->listener, 1);
  if (result >= 0 && nc->verbose)
    nc_say(nc, "listening", nc->there);
  return result;
}

static int open_connection(struct nc *nc)
{
  la_stack *stack = stack_of(nc);
  la_endpoint local = { .port = nc->local_port };
  int result = node_tcp_open(nc->node, nc->user, &nc->sock);

  if (result >= 0 && nc->local_port > 0)
    result = la_tcp_bind(stack, nc->sock, local);
  if (result >= 0)
    result = la_tcp_connect(stack, nc->sock, nc->there);
  if (result >= 0)
    send_all(nc);               /* what is there already: by Fast Open it goes with the SYN */
  return result;
}

bool nc_tcp_open(struct nc *nc)
{
  struct node_user *listener = nc->listen ? make_owner(nc, on_listener) : NULL;
  int result;

  nc->user = make_owner(nc, on_event);
  if (!nc->user || (nc->listen && !listener)) {
    app_fail("no memory");
    return false;
  }
  result = nc_stream_open(&nc->in, &nc->loop, 0, on_stdin);
  if (result == 0)
    result = nc_stream_open(&nc->out, &nc->loop, 1, on_stdout);
  if (result < 0) {
    app_fail("standard streams: %s", uv_strerror(result));
    return false;
  }
  nc->in.data = nc->out.data = nc;
  result = nc->listen ? open_listener(nc, listener) : open_connection(nc);
  if (result < 0)
    nc_fail(nc, result);
  return result >= 0;
}
