/* nc_udp.c - `nc` over UDP: a line or block of stdin is a datagram, a datagram goes to stdout.
 *
 * There is no end of a conversation in UDP. It is over a while after the last datagram once
 * stdin has ended, or when the patience of -w is. */
#include "nc.h"

#include "app.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { AFTERWARDS_MS = 1000, DATAGRAM_MAX = 1400 };

struct owner {
  struct node_user user;
  struct nc *nc;
};

static void arm(struct nc *nc)
{
  if (nc->in_ended && nc->patience_ms == 0)
    nc->patience_ms = AFTERWARDS_MS;
  nc_progress(nc);
}

static void on_stdin(struct nc_stream *stream)
{
  struct nc *nc = stream->data;

  while (!nc->done && nc_read(nc) > 0) {
    uint32_t left = nc->pending - nc->sent;
    uint32_t length = left < DATAGRAM_MAX ? left : DATAGRAM_MAX;
    int result = la_udp_send(node_stack(nc->node), nc->sock, nc->there, nc->block + nc->sent,
                             length);

    if (result == -LA_ENOBUF) {
      nc_stream_want(&nc->in, false);         /* LA_EV_RETRY will say when */
      return;
    }
    if (result < 0) {
      nc_fail(nc, result);
      return;
    }
    nc->sent += length;
    arm(nc);
  }
  if (nc->in_ended) {
    nc_stream_want(&nc->in, false);
    arm(nc);
  }
}

static void on_event(struct node_user *user, const la_event *event)
{
  static uint8_t datagram[65536];
  struct nc *nc = ((struct owner *)user)->nc;
  la_endpoint from;
  int n;

  if (event->kind == LA_EV_RETRY) {
    nc_stream_want(&nc->in, !nc->in_ended);
    on_stdin(&nc->in);
  }
  while (!nc->done
         && (n = la_udp_recv(node_stack(nc->node), nc->sock, &from, datagram,
                             sizeof datagram)) >= 0) {
    struct iovec iov = { datagram, (size_t)n };

    if (!nc->connected) {       /* the first to speak to a listener is its peer */
      nc->there = from;
      nc->connected = true;
      if (nc->verbose)
        nc_say(nc, "the peer is", from);
      nc_stream_want(&nc->in, true);
    }
    nc_write(nc, &iov, 1);      /* what stdout does not take is lost, as on the wire */
    arm(nc);
  }
}

bool nc_udp_open(struct nc *nc)
{
  struct owner *owner = node_make(nc->node, sizeof *owner, on_event);
  la_endpoint local = { .port = nc->local_port };
  int result;

  if (!owner) {
    app_fail("no memory");
    return false;
  }
  owner->nc = nc;
  nc->user = &owner->user;
  nc_stream_open(&nc->in, &nc->loop, 0, on_stdin);
  nc_stream_open(&nc->out, &nc->loop, 1, on_stdin);
  nc->in.data = nc->out.data = nc;
  result = la_udp_open(node_stack(nc->node), nc->listen ? nc->there : local, nc->user, &nc->sock);
  if (result < 0) {
    nc_fail(nc, result);
    return false;
  }
  nc->connected = !nc->listen;
  nc_stream_want(&nc->in, nc->connected);
  return true;
}
