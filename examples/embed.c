/* embed.c - lastack inside a program: two stacks, a link of ten lines, a conversation.
 *
 *     cc embed.c $(pkg-config --cflags --libs lastack) -o embed && ./embed
 *
 * Time is a number here, and so the run is the same every time. A program with a real link puts
 * its clock in the place of `now`, and poll() in the place of the jump to la_deadline.
 */
#include <lastack.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, SERVER_PORT = 7 };

struct host {
  la_stack *stack;
  struct host *other;           /* at the far end of the link */
  la_sock listener, conversation;
  int iface;
  const char *name;
};

/* The link: what leaves one stack is copied into slabs of the other, which la_input takes over. */
static void link_send(struct host *to, la_stack *from, la_pkt *pkts, size_t n, la_time now)
{
  for (size_t i = 0; i < n; i++) {
    la_pkt arrived = { .at = now, .iface = (uint16_t)to->iface };
    la_frag *frag = &arrived.frag[0];

    if (la_slab_get(to->stack, &frag->slab) == 0) {
      frag->length = (uint32_t)la_pkt_copy(&pkts[i], la_slab_octets(frag->slab), 16384);
      arrived.frags = 1;
      la_input(to->stack, now, &arrived, 1);
    }
    la_pkt_release(from, &pkts[i]);
  }
}

/* The server echoes; the client reads its echo, and both close. Every result is looked at in
 * the way of lastack.h: >= 0, or minus an error. */
static void serve(struct host *h, const la_event *event)
{
  char text[256];
  int n;

  switch (event->kind) {
    case LA_EV_ACCEPT:
      if (la_tcp_accept(h->stack, event->sock, h, &h->conversation) < 0)
        return;
      break;
    case LA_EV_CONNECTED:
      if (la_tcp_send(h->stack, event->sock, "Hello, TCP!", 11) != 11)
        puts("client: that did not fit");
      return;
    case LA_EV_CLOSED:
      printf("%s: closed: %s\n", h->name, la_strerror(event->error));
      return;
    default:
      break;
  }
  while ((n = la_tcp_recv(h->stack, h->conversation, text, sizeof text)) > 0) {
    printf("%s: got \"%.*s\"\n", h->name, n, text);
    if (h->listener.bits && la_tcp_send(h->stack, h->conversation, text, (uint32_t)n) != n)
      puts("server: that did not fit");
  }
  if ((n == -LA_EEOF || !h->listener.bits) && la_tcp_close(h->stack, h->conversation) == 0)
    printf("%s: closes\n", h->name);
}

/* One turn of a stack: what became possible, then what is to be sent. Whatever arrived has been
 * given to la_input before. */
static void turn(struct host *h, la_time now)
{
  la_event events[BATCH];
  la_pkt out[BATCH];
  size_t n;

  while ((n = la_events(h->stack, events, BATCH)) > 0)
    for (size_t i = 0; i < n; i++)
      serve(h, &events[i]);
  while ((n = la_output(h->stack, now, out, BATCH)) > 0)
    link_send(h->other, h->stack, out, n, now);
}

static void make(struct host *h, const char *name, la_addr addr)
{
  la_config config;
  la_iface link = { .medium = LA_MEDIUM_IP, .mtu = 1500, .flags = LA_IFACE_UP, .name = "link" };
  size_t size;

  la_config_default(&config);
  config.slab_size = 16384;
  memcpy(config.secret, name, strlen(name));      /* a real program asks getrandom() */
  size = la_size(&config);
  h->name = name;
  h->stack = la_init(aligned_alloc(64, (size + 63) / 64 * 64), size, &config, 0);
  h->iface = h->stack ? la_iface_add(h->stack, &link) : -1;
  if (h->iface < 0 || la_addr_add(h->stack, h->iface, addr, 24) < 0)
    exit(EXIT_FAILURE);
}

int main(void)
{
  struct host server = { 0 }, client = { 0 };
  la_endpoint there = { la_ip4(192, 0, 2, 1), SERVER_PORT };
  la_time now = 0;

  make(&server, "server", there.addr);
  make(&client, "client", la_ip4(192, 0, 2, 2));
  server.other = &client;
  client.other = &server;
  if (la_tcp_open(server.stack, &server, &server.listener) < 0
      || la_tcp_bind(server.stack, server.listener, there) < 0
      || la_tcp_listen(server.stack, server.listener, 8) < 0
      || la_tcp_open(client.stack, &client, &client.conversation) < 0
      || la_tcp_connect(client.stack, client.conversation, there) < 0)
    return EXIT_FAILURE;
  while (now != LA_NEVER) {     /* until nobody has anything to do any more */
    la_time a, b;

    turn(&client, now);
    turn(&server, now);
    a = la_deadline(client.stack);
    b = la_deadline(server.stack);
    if (a > now && b > now)
      now = a < b ? a : b;
  }
  return EXIT_SUCCESS;
}
