/* host.c - `lastack host`: a TCP/IP host on a TUN or TAP device, with small services, that can
 * be looked into. */
#include "app.h"
#include "control.h"
#include "host_http.h"
#include "host_service.h"
#include "node.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_HTTP = 1, OPTION_PORT, OPTION_ECHO, OPTION_DISCARD, OPTION_CHARGEN, OPTION_CONTROL,
       OPTION_NO_CONTROL, PORT_HTTP = 80 };

struct host {
  struct node_options options;
  bool echo, discard, chargen, no_control;
  const char *http, *control_path;
  uint16_t http_port;
  uv_loop_t loop;
  uv_signal_t interrupted, terminated;
  struct node *node;
  struct control *control;
};

static const struct option long_options[] = {
  NODE_LONG_OPTIONS,
  { "http", required_argument, NULL, OPTION_HTTP },
  { "http-port", required_argument, NULL, OPTION_PORT },
  { "echo", no_argument, NULL, OPTION_ECHO },
  { "discard", no_argument, NULL, OPTION_DISCARD },
  { "chargen", no_argument, NULL, OPTION_CHARGEN },
  { "control", required_argument, NULL, OPTION_CONTROL },
  { "no-control", no_argument, NULL, OPTION_NO_CONTROL },
  APP_HELP_OPTION,
  { NULL, 0, NULL, 0 }
};

static int usage(void)
{
  printf("usage: lastack host --tun NAME --addr A/LEN [--peer A] [OPTION ...]\n\n"
         "A TCP/IP host on a TUN or TAP device. It serves until SIGINT or SIGTERM; `lastack\n"
         "netstat` shows what goes on in it.\n\n"
         "  --http DIR          serve the files beneath DIR, by HTTP/1.1\n"
         "  --http-port N       on this port; default 80\n"
         "  --echo              RFC 862, port 7, TCP and UDP\n"
         "  --discard           RFC 863, port 9, TCP and UDP\n"
         "  --chargen           RFC 864, port 19, TCP and UDP\n"
         "  --control PATH      the control socket; default: a name of its own, see below\n"
         "  --no-control        none\n"
         "%s\n"
         "The control socket is PID.sock in $XDG_RUNTIME_DIR/lastack, /run/lastack (root) or\n"
         "/tmp/lastack-UID, whichever can be had first; only its owner may read it.\n\n"
         "Example, as root; then: curl http://10.9.0.2/\n"
         "  lastack host --tun lastack0 --addr 10.9.0.2/24 --peer 10.9.0.1 --http /usr/share/doc\n",
         node_help);
  return APP_OK;
}

static int take_option(struct host *host, int option, const char *argument)
{
  long long number;

  switch (option) {
    case OPTION_HTTP:       host->http = argument; return APP_OK;
    case OPTION_ECHO:       host->echo = true; return APP_OK;
    case OPTION_DISCARD:    host->discard = true; return APP_OK;
    case OPTION_CHARGEN:    host->chargen = true; return APP_OK;
    case OPTION_CONTROL:    host->control_path = argument; return APP_OK;
    case OPTION_NO_CONTROL: host->no_control = true; return APP_OK;
    case OPTION_PORT:
      if (!app_number(argument, 1, 65535, &number))
        return app_misuse("host", "--http-port %s: 1 to 65535 is wanted", argument);
      host->http_port = (uint16_t)number;
      return APP_OK;
    case APP_WRONG:
      return APP_USAGE;
    default:
      return node_option(&host->options, option, argument);
  }
}

static bool open_services(struct host *host)
{
  return (!host->echo || host_echo(host->node)) && (!host->discard || host_discard(host->node))
         && (!host->chargen || host_chargen(host->node))
         && (!host->http || host_http(host->node, &host->loop, host->http_port, host->http));
}

/* Peers are told by RST that nobody is here any more, and that goes out before the device goes. */
static void stop(struct host *host)
{
  if (host->control)
    control_close(host->control);
  host->control = NULL;
  host_http_close();
  node_abort_all(host->node);
  node_close(host->node);
  uv_close((uv_handle_t *)&host->interrupted, NULL);
  uv_close((uv_handle_t *)&host->terminated, NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
  (void)number;
  stop(signal->data);
}

static void watch_signals(struct host *host)
{
  signal(SIGPIPE, SIG_IGN);
  uv_signal_init(&host->loop, &host->interrupted);
  uv_signal_init(&host->loop, &host->terminated);
  host->interrupted.data = host->terminated.data = host;
  uv_signal_start(&host->interrupted, on_signal, SIGINT);
  uv_signal_start(&host->terminated, on_signal, SIGTERM);
}

static void say_ready(const struct host *host)
{
  char addr[LA_ADDR_TEXT];
  const struct node_options *o = &host->options;
  const bool six = o->addrs[0].addr.len == 16;

  printf("lastack: %s is ", node_name(host->node));
  for (unsigned i = 0; i < o->addr_count; i++) {
    la_addr_text(o->addrs[i].addr, addr, sizeof addr);
    printf("%s%s/%u", i ? " and " : "", addr, o->addrs[i].prefix);
  }
  if (o->addr_count == 0)
    printf("configured by its routers");
  la_addr_text(o->addrs[0].addr, addr, sizeof addr);
  if (host->http)
    printf(six ? ", http://[%s]" : ", http://%s", addr);
  if (host->http && host->http_port != PORT_HTTP)
    printf(":%u", host->http_port);
  printf("%s%s%s%s%s\n", host->http ? "/" : "", host->echo ? ", echo" : "",
         host->discard ? ", discard" : "", host->chargen ? ", chargen" : "", ", ready");
  fflush(stdout);
}

static int serve(struct host *host)
{
  int status = APP_FAILED;

  uv_loop_init(&host->loop);
  host->node = node_open(&host->options, &host->loop);
  if (!host->node) {
    uv_loop_close(&host->loop);
    return APP_FAILED;
  }
  watch_signals(host);
  if (!host->no_control)
    host->control = control_open(&host->loop, node_stack(host->node), node_name(host->node),
                                 host->control_path);
  if ((host->no_control || host->control) && open_services(host)) {
    say_ready(host);
    status = APP_OK;
  } else {
    stop(host);
  }
  uv_run(&host->loop, UV_RUN_DEFAULT);
  uv_loop_close(&host->loop);
  node_free(host->node);
  return status;
}

int app_host(int argc, char **argv)
{
  static struct host host;
  int option, status;

  node_defaults(&host.options, "host");
  host.http_port = PORT_HTTP;
  while ((option = app_option(argc, argv, "", long_options)) != -1) {
    if (option == APP_HELP)
      return usage();
    status = take_option(&host, option, optarg);
    if (status != APP_OK)
      return status;
  }
  if (optind < argc)
    return app_misuse("host", "'%s' is one word too many", argv[optind]);
  status = node_check(&host.options);
  return status == APP_OK ? serve(&host) : status;
}
