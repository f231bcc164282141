/* nc.c - `lastack nc`: netcat on lastack. This file is its command line, its streams and its
 * end; nc_tcp.c and nc_udp.c are the conversations. */
#include "nc.h"

#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPTION_CONTROL = 1, OPTION_COOKIES, INTERRUPTED = 128 };

static const struct option long_options[] = {
  NODE_LONG_OPTIONS,
  { "listen", no_argument, NULL, 'l' },
  { "udp", no_argument, NULL, 'u' },
  { "verbose", no_argument, NULL, 'v' },
  { "wait", required_argument, NULL, 'w' },
  { "port", required_argument, NULL, 'p' },
  { "control", required_argument, NULL, OPTION_CONTROL },
  { "cookies", required_argument, NULL, OPTION_COOKIES },
  APP_HELP_OPTION,
  { NULL, 0, NULL, 0 }
};

static int usage(void)
{
  printf("usage: lastack nc [OPTION ...] --tun NAME --addr A/LEN ADDRESS PORT\n"
         "       lastack nc -l [OPTION ...] --tun NAME --addr A/LEN [ADDRESS] PORT\n\n"
         "Connects standard input and output to a peer, through a TCP of its own. The end of\n"
         "input closes our half of the connection (FIN); the other half goes on until the peer\n"
         "closes it. Exit status: 0 when both halves ended in order, 1 otherwise.\n\n"
         "  -l, --listen        wait for one connection\n"
         "  -u, --udp           datagrams; ends a while (-w, or 1 s) after the last one once\n"
         "                      input has ended\n"
         "  -v, --verbose       say on stderr what happens\n"
         "  -w, --wait S        give up when nothing happens for S seconds\n"
         "  -p, --port N        the local port\n"
         "  --control PATH      a control socket, for `lastack netstat`\n"
         "  --cookies FILE      --fastopen, with cookies that are kept in FILE from run to run\n"
         "%s\n"
         "Example. A device that root has made for this user needs no rights:\n"
         "  ip tuntap add dev t0 mode tun user ME vnet_hdr\n"
         "  ip address add 10.9.0.1/24 dev t0; ip link set t0 up\n"
         "  lastack nc --tun t0 --addr 10.9.0.2/24 --peer 10.9.0.1 10.9.0.1 80\n",
         node_help);
  return APP_OK;
}

/* ---- streams ------------------------------------------------------------- */
uint32_t nc_read(struct nc *nc)
{
  ssize_t n;

  if (nc->sent < nc->pending)
    return nc->pending - nc->sent;
  nc->sent = nc->pending = 0;
  if (nc->in_ended)
    return 0;
  do
    n = read(nc->in.fd, nc->block, sizeof nc->block);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    nc->pending = (uint32_t)n;
  else if (n == 0 || (errno != EAGAIN && errno != EIO))
    nc->in_ended = true;        /* EIO: a terminal, and we are in the background */
  return nc->pending;
}

int64_t nc_write(struct nc *nc, const struct iovec *iov, int n)
{
  ssize_t put;

  do
    put = writev(nc->out.fd, iov, n);
  while (put < 0 && errno == EINTR);
  if (put < 0 && errno == EAGAIN)
    return 0;
  if (put < 0) {
    app_fail("standard output: %s", strerror(errno));
    nc_finish(nc, APP_FAILED);
  }
  return put;
}

/* ---- the end ------------------------------------------------------------- */
void nc_finish(struct nc *nc, int status)
{
  if (nc->done)
    return;
  nc->done = true;
  nc->status = status;
  if (nc->cookies_path)
    nc_cookies_write(nc);
  if (nc->control)
    control_close(nc->control);
  nc_stream_close(&nc->in);
  nc_stream_close(&nc->out);
  uv_close((uv_handle_t *)&nc->timer, NULL);
  uv_close((uv_handle_t *)&nc->interrupted, NULL);
  uv_close((uv_handle_t *)&nc->terminated, NULL);
  if (status != APP_OK)
    node_abort_all(nc->node);
  node_close(nc->node);
}

void nc_say(const struct nc *nc, const char *what, la_endpoint where)
{
  char addr[LA_ADDR_TEXT];

  la_addr_text(where.addr, addr, sizeof addr);
  fprintf(stderr, "lastack: %s: %s, port %u, %s\n", what, addr, where.port,
          nc->udp ? "UDP" : "TCP");
}

void nc_fail(struct nc *nc, int result)
{
  char addr[LA_ADDR_TEXT];

  if (nc->done)
    return;
  la_addr_text(nc->there.addr, addr, sizeof addr);
  app_fail("%s, port %u: %s", addr, nc->there.port, la_strerror(result));
  nc_finish(nc, APP_FAILED);
}

static void on_patience(uv_timer_t *timer)
{
  struct nc *nc = timer->data;

  if (nc->udp && nc->in_ended)
    nc_finish(nc, APP_OK);
  else
    nc_fail(nc, -LA_ETIMEDOUT);
}

void nc_progress(struct nc *nc)
{
  if (nc->patience_ms > 0 && !nc->done)
    uv_timer_start(&nc->timer, on_patience, (uint64_t)nc->patience_ms, 0);
}

static void on_signal(uv_signal_t *signal, int number)
{
  nc_finish(signal->data, INTERRUPTED + number);
}

/* ---- the beginning ------------------------------------------------------- */
static void open_loop(struct nc *nc)
{
  signal(SIGPIPE, SIG_IGN);
  uv_timer_init(&nc->loop, &nc->timer);
  uv_signal_init(&nc->loop, &nc->interrupted);
  uv_signal_init(&nc->loop, &nc->terminated);
  nc->timer.data = nc->interrupted.data = nc->terminated.data = nc;
  uv_signal_start(&nc->interrupted, on_signal, SIGINT);
  uv_signal_start(&nc->terminated, on_signal, SIGTERM);
}

static int converse(struct nc *nc)
{
  bool opened;

  uv_loop_init(&nc->loop);
  nc->in_terminal = isatty(0);
  nc->node = node_open(&nc->options, &nc->loop);
  if (!nc->node)
    return APP_FAILED;
  open_loop(nc);
  opened = true;
  if (nc->control_path) {
    nc->control = control_open(&nc->loop, node_stack(nc->node), node_name(nc->node),
                               nc->control_path);
    opened = nc->control != NULL;
  }
  opened = opened && (!nc->cookies_path || nc_cookies_read(nc));
  opened = opened && (nc->udp ? nc_udp_open(nc) : nc_tcp_open(nc));
  if (!opened)
    nc_finish(nc, APP_FAILED);
  if (!nc->listen)
    nc_progress(nc);
  uv_run(&nc->loop, UV_RUN_DEFAULT);
  uv_loop_close(&nc->loop);
  node_free(nc->node);
  return nc->status;
}

/* ---- the command line ---------------------------------------------------- */
static int take_option(struct nc *nc, int option, const char *argument)
{
  long long number;

  switch (option) {
    case 'l': nc->listen = true; return APP_OK;
    case 'u': nc->udp = true; return APP_OK;
    case 'v': nc->verbose = true; return APP_OK;
    case 'w':
      if (!app_number(argument, 1, 1000000, &number))
        return app_misuse("nc", "--wait %s: seconds are wanted, 1 to 1000000", argument);
      nc->patience_ms = number * 1000;
      return APP_OK;
    case 'p':
      if (!app_number(argument, 1, 65535, &number))
        return app_misuse("nc", "--port %s: 1 to 65535 is wanted", argument);
      nc->local_port = (uint16_t)number;
      return APP_OK;
    case OPTION_CONTROL: nc->control_path = argument; return APP_OK;
    case OPTION_COOKIES:
      nc->cookies_path = argument;
      return node_option(&nc->options, NODE_FASTOPEN, NULL);
    case APP_WRONG: return APP_USAGE;
    default: return node_option(&nc->options, option, argument);
  }
}

/* ADDRESS PORT; a listener may do without the address. */
static int take_words(struct nc *nc, int argc, char **argv)
{
  long long port;

  if (argc < (nc->listen ? 1 : 2) || argc > 2)
    return app_misuse("nc", nc->listen ? "-l wants [ADDRESS] PORT" : "ADDRESS PORT is wanted");
  if (!app_number(argv[argc - 1], 1, 65535, &port))
    return app_misuse("nc", "%s: a port is wanted, 1 to 65535", argv[argc - 1]);
  nc->there.port = (uint16_t)port;
  if (argc == 2 && !app_addr(argv[0], &nc->there.addr)
      && (!nc->listen || la_addr_parse(argv[0], &nc->there.addr) < 0))
    return strpbrk(argv[0], ":[/")
             ? app_misuse("nc", "%s: ADDRESS PORT is wanted, with a space between", argv[0])
             : app_misuse("nc", "%s: an address in numbers is wanted; `getent ahosts %s` looks up "
                          "names", argv[0], argv[0]);
  return APP_OK;
}

int app_nc(int argc, char **argv)
{
  static struct nc nc;
  int option, status;

  node_defaults(&nc.options, "nc");
  nc.options.config.tcp_connections = 16;
  nc.options.config.tcp_time_waits = 16;
  nc.options.config.slabs = 1024;
  while ((option = app_option(argc, argv, "luvw:p:", long_options)) != -1) {
    if (option == APP_HELP)
      return usage();
    status = take_option(&nc, option, optarg);
    if (status != APP_OK)
      return status;
  }
  status = take_words(&nc, argc - optind, argv + optind);
  if (status == APP_OK)
    status = node_check(&nc.options);
  if (status == APP_OK && !node_speaks(&nc.options, nc.there.addr))
    return app_misuse("nc", "%s is IPv%s, and no --addr is", argv[optind],
                      nc.there.addr.len == 16 ? "6" : "4");
  return status == APP_OK ? converse(&nc) : status;
}
