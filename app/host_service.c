/* host_service.c - listeners; echo (RFC 862), discard (RFC 863) and chargen (RFC 864).
 *
 * Echo moves no octets: the fragments that arrived are lent to the send queue as they are. */
#include "host_service.h"

#include "app.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_ECHO = 7, PORT_DISCARD = 9, PORT_CHARGEN = 19, BACKLOG = 1024 };
enum { LINE_OCTETS = 74, RING = 95, RING_FIRST = ' ', LINES = 32 * RING };
enum { DATAGRAM_MAX = 65507 };

/* ---- listeners ----------------------------------------------------------- */
struct listener {
  struct host_connection base;
  host_make make;
  struct host_connection *next; /* made already, for whoever comes next */
};

static void on_listener(struct node_user *user, const la_event *event)
{
  struct listener *listener = (struct listener *)user;
  struct node *node = listener->base.node;
  la_event hello = { .kind = LA_EV_READABLE };
  la_sock sock;

  if (event->kind != LA_EV_ACCEPT)
    return;
  for (;;) {                    /* as many as wait: the backlog at most */
    struct host_connection *made = listener->next ? listener->next : listener->make(node);

    listener->next = made;
    if (la_tcp_accept(node_stack(node), listener->base.sock, made ? &made->user : NULL,
                      &sock) < 0)
      return;
    if (!made) {
      (void)!la_tcp_abort(node_stack(node), sock);
      continue;
    }
    listener->next = NULL;
    made->sock = sock;
    made->user.event(&made->user, &hello);
  }
}

bool host_listen(struct node *node, uint16_t port, const char *name, host_make make)
{
  struct listener *listener = host_connection_make(node, sizeof *listener, on_listener);
  la_endpoint local = { .port = port };
  la_stack *stack = node_stack(node);
  int result;

  if (!listener) {
    app_fail("%s: no memory", name);
    return false;
  }
  listener->make = make;
  result = node_tcp_open(node, &listener->base.user, &listener->base.sock);
  if (result >= 0)
    result = la_tcp_set(stack, listener->base.sock, LA_OPT_REUSEADDR, 1);
  if (result >= 0)
    result = la_tcp_bind(stack, listener->base.sock, local);
  if (result >= 0)
    result = la_tcp_listen(stack, listener->base.sock, BACKLOG);
  if (result < 0)
    app_fail("%s, port %u: %s", name, port, la_strerror(result));
  return result >= 0;
}

void host_forget(struct host_connection *connection)
{
  (void)!la_tcp_forget(node_stack(connection->node), connection->sock);
  node_retire(connection->node, &connection->user);
}

void host_abort(struct host_connection *connection)
{
  (void)!la_tcp_abort(node_stack(connection->node), connection->sock);
  node_retire(connection->node, &connection->user);
}

void *host_connection_make(struct node *node, size_t size,
                           void (*event)(struct node_user *user, const la_event *event))
{
  struct host_connection *connection = node_make(node, size, event);

  if (connection)
    connection->node = node;
  return connection;
}

/* ---- TCP ----------------------------------------------------------------- */
/* One fragment after the other, all or nothing each; what finds no room stays unread, and so
 * the window closes on a peer that sends and never reads. */
static void on_echo(struct node_user *user, const la_event *event)
{
  struct host_connection *c = (struct host_connection *)user;
  la_stack *stack = node_stack(c->node);
  la_frag frag;
  int result;

  if (event->kind == LA_EV_CLOSED) {
    host_forget(c);
    return;
  }
  while ((result = la_tcp_peek(stack, c->sock, &frag, 1)) > 0) {
    if (la_tcp_send_frags(stack, c->sock, &frag, 1) < 0)
      return;
    (void)!la_tcp_consume(stack, c->sock, frag.length);
  }
  if (result == -LA_EEOF)
    host_forget(c);
}

static struct host_connection *make_echo(struct node *node)
{
  return host_connection_make(node, sizeof(struct host_connection), on_echo);
}

/* Takes away whatever has come; true at the end of the stream, or of the connection. */
static bool drain(struct host_connection *c)
{
  la_stack *stack = node_stack(c->node);
  la_frag frags[16];
  int n;

  while ((n = la_tcp_peek(stack, c->sock, frags, 16)) > 0)
    for (int i = 0; i < n; i++)
      (void)!la_tcp_consume(stack, c->sock, frags[i].length);
  return n != 0 && n != -LA_EAGAIN;
}

static void on_discard(struct node_user *user, const la_event *event)
{
  struct host_connection *c = (struct host_connection *)user;

  if (drain(c) || event->kind == LA_EV_CLOSED)
    host_forget(c);
}

static struct host_connection *make_discard(struct node *node)
{
  return host_connection_make(node, sizeof(struct host_connection), on_discard);
}

struct chargen {
  struct host_connection base;
  uint32_t at;                  /* in `lines`, where the next octet is */
};

/* RFC 864's popular pattern: 72 of the 95 printing characters in a ring, each line a step on. */
static char lines[LINES * LINE_OCTETS];

static void draw_lines(void)
{
  for (unsigned i = 0; i < LINES; i++) {
    char *line = lines + i * LINE_OCTETS;

    for (unsigned j = 0; j < LINE_OCTETS - 2; j++)
      line[j] = (char)(RING_FIRST + (i + j) % RING);
    line[LINE_OCTETS - 2] = '\r';
    line[LINE_OCTETS - 1] = '\n';
  }
}

static void on_chargen(struct node_user *user, const la_event *event)
{
  struct chargen *c = (struct chargen *)user;
  int n;

  if (drain(&c->base) || event->kind == LA_EV_CLOSED) {
    host_forget(&c->base);
    return;
  }
  while ((n = la_tcp_send(node_stack(c->base.node), c->base.sock, lines + c->at,
                          (uint32_t)sizeof lines - c->at)) > 0)
    c->at = (c->at + (uint32_t)n) % sizeof lines;
}

static struct host_connection *make_chargen(struct node *node)
{
  return host_connection_make(node, sizeof(struct chargen), on_chargen);
}

/* ---- UDP ----------------------------------------------------------------- */
/* Two of these services that answer each other would never stop, so that no answer goes to a
 * port where one may live. */
static bool is_answered(la_endpoint from)
{
  return from.port != PORT_ECHO && from.port != PORT_DISCARD && from.port != PORT_CHARGEN;
}

static void on_datagram(struct node_user *user, const la_event *event, uint16_t service)
{
  static uint8_t datagram[DATAGRAM_MAX];
  struct host_connection *c = (struct host_connection *)user;
  la_stack *stack = node_stack(c->node);
  la_endpoint from;
  int n;

  (void)event;
  while ((n = la_udp_recv(stack, c->sock, &from, datagram, sizeof datagram)) >= 0) {
    const void *answer = service == PORT_ECHO ? (const void *)datagram : lines;
    uint32_t length = service == PORT_ECHO ? (uint32_t)n : 7 * LINE_OCTETS - 6;

    if (service != PORT_DISCARD && is_answered(from))
      (void)!la_udp_send(stack, c->sock, from, answer, length);
  }
}

static void on_udp_echo(struct node_user *user, const la_event *event)
{
  on_datagram(user, event, PORT_ECHO);
}

static void on_udp_discard(struct node_user *user, const la_event *event)
{
  on_datagram(user, event, PORT_DISCARD);
}

/* RFC 864 has 0 to 512 octets in a datagram: here it is always 512. */
static void on_udp_chargen(struct node_user *user, const la_event *event)
{
  on_datagram(user, event, PORT_CHARGEN);
}

static bool open_udp(struct node *node, uint16_t port, const char *name,
                     void (*event)(struct node_user *, const la_event *))
{
  struct host_connection *c = host_connection_make(node, sizeof *c, event);
  la_endpoint local = { .port = port };
  int result;

  if (!c) {
    app_fail("%s: no memory", name);
    return false;
  }
  result = la_udp_open(node_stack(node), local, c, &c->sock);
  if (result < 0)
    app_fail("%s, UDP port %u: %s", name, port, la_strerror(result));
  return result >= 0;
}

bool host_echo(struct node *node)
{
  return host_listen(node, PORT_ECHO, "echo", make_echo)
         && open_udp(node, PORT_ECHO, "echo", on_udp_echo);
}

bool host_discard(struct node *node)
{
  return host_listen(node, PORT_DISCARD, "discard", make_discard)
         && open_udp(node, PORT_DISCARD, "discard", on_udp_discard);
}

bool host_chargen(struct node *node)
{
  draw_lines();
  return host_listen(node, PORT_CHARGEN, "chargen", make_chargen)
         && open_udp(node, PORT_CHARGEN, "chargen", on_udp_chargen);
}
