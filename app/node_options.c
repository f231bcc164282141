/* node_options.c - the command line of a stack on a device: addresses, routes, sizes. */
#include "node.h"

#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char node_help[] =
  "  --tun NAME          the TUN device: made if it is not there, else attached to\n"
  "  --tap NAME          a TAP device instead: Ethernet, ARP and neighbour discovery\n"
  "  --addr A/LEN        an address of lastack, IPv4 or IPv6, with its network's length; may be\n"
  "                      repeated\n"
  "  --peer A            the kernel's address on this link: it gets it, and the link goes up; may\n"
  "                      be repeated, one for each network of --addr\n"
  "  --auto6             on a TAP device: IPv6 as the link's routers say (RFC 4862)\n"
  "  --route NET/LEN[,A] lastack reaches NET over this link (through A); `default` is a NET,\n"
  "                      and `default6` the same of IPv6\n"
  "                      (with --peer, the default route leads there anyhow)\n"
  "  --plain             no virtio header: no super-packets, checksums by lastack\n"
  "  --mtu N             of the device, 576..65535; default 1500\n"
  "  --msl S             maximum segment lifetime in seconds; TIME-WAIT is twice that; default 30\n"
  "  --pcap FILE         write every packet to FILE (pcapng)\n"
  "  --keepalive S,S,N   probe a connection idle for S seconds, then every S, N times at most\n"
  "  --connections N     how many connections at most; default 1024\n"
  "  --time-waits N      how many small records of connections in TIME-WAIT; default 8192\n"
  "  --half-open N       how many half-open connections before SYN cookies; default 256\n"
  "  --congestion NAME   newreno, cubic (the default) or bbr\n"
  "  --buffer KIB        send and receive buffer of a connection; default 2048\n"
  "  --slabs N           packet memory, in slabs of 16 KiB; default 4096\n";

enum { KIB = 1024, IPV6_MTU_MIN = 1280, AUTO6_ADDRS = 4 };

void node_defaults(struct node_options *options, const char *command)
{
  la_config *config = &options->config;

  memset(options, 0, sizeof *options);
  options->command = command;
  options->medium = LA_MEDIUM_IP;
  options->mtu = 1500;
  la_config_default(config);
  config->tcp_connections = 1024;
  config->tcp_time_waits = 8192;
  config->tcp_half_open = 256;
  config->udp_sockets = 64;
  config->interfaces = 1;
  config->addresses = NODE_ADDRS + AUTO6_ADDRS;
  config->routes = NODE_ADDRS + NODE_ROUTES + 2 * NODE_PEERS;
  config->slabs = 4096;
  config->slab_size = 16 * KIB;
  config->send_buffer = config->receive_buffer = 2048 * KIB;
}

/* "A/LEN": false when it is none. Without "/LEN" the address stands alone. */
static bool parse_prefix(const char *text, la_addr *addr, uint8_t *prefix)
{
  char copy[LA_ADDR_TEXT + 1];
  const char *slash = strchr(text, '/');
  size_t length = slash ? (size_t)(slash - text) : strlen(text);
  long long number;

  if (length >= sizeof copy)
    return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (la_addr_parse(copy, addr) < 0 || addr->len == 0)
    return false;
  if (!app_number(slash ? slash + 1 : addr->len == 4 ? "32" : "128", 0, addr->len * 8, &number))
    return false;
  *prefix = (uint8_t)number;
  return true;
}

static int add_addr(struct node_options *options, const char *text)
{
  struct node_prefix *prefix = &options->addrs[options->addr_count];

  if (options->addr_count == NODE_ADDRS)
    return app_misuse(options->command, "--addr: %d addresses are the most", NODE_ADDRS);
  if (!parse_prefix(text, &prefix->addr, &prefix->prefix))
    return app_misuse(options->command, "--addr %s: that is not ADDRESS/LENGTH", text);
  options->addr_count++;
  return APP_OK;
}

static int add_peer(struct node_options *options, const char *text)
{
  if (options->peer_count == NODE_PEERS)
    return app_misuse(options->command, "--peer: %d addresses are the most", NODE_PEERS);
  if (la_addr_parse(text, &options->peers[options->peer_count]) < 0 ||
      options->peers[options->peer_count].len == 0)
    return app_misuse(options->command, "--peer %s: that is not an address", text);
  options->peer_count++;
  return APP_OK;
}

static int add_route(struct node_options *options, const char *text)
{
  struct node_route *route = &options->routes[options->route_count];
  const char *comma = strchr(text, ',');
  char net[64];
  size_t length = comma ? (size_t)(comma - text) : strlen(text);

  if (options->route_count == NODE_ROUTES)
    return app_misuse(options->command, "--route: %d routes are the most", NODE_ROUTES);
  if (length >= sizeof net)
    return app_misuse(options->command, "--route %s: that is not NET/LENGTH[,ADDRESS]", text);
  memcpy(net, text, length);
  net[length] = '\0';
  memset(route, 0, sizeof *route);
  if (strcmp(net, "default6") == 0)
    route->net.len = 16;
  else if (strcmp(net, "default") == 0)
    route->net.len = 4;
  if ((route->net.len == 0 && !parse_prefix(net, &route->net, &route->prefix))
      || (comma && (la_addr_parse(comma + 1, &route->via) < 0
                    || route->via.len != route->net.len)))
    return app_misuse(options->command, "--route %s: that is not NET/LENGTH[,ADDRESS]", text);
  options->route_count++;
  return APP_OK;
}

static int set_device(struct node_options *options, enum la_medium medium, const char *name)
{
  if (options->device)
    return app_misuse(options->command, "one --tun or --tap is all it takes");
  options->device = name;
  options->medium = medium;
  return APP_OK;
}

static int set_number(struct node_options *options, const char *name, const char *text,
                      long long min, long long max, uint32_t scale, uint32_t *number)
{
  long long value;

  if (!app_number(text, min, max, &value))
    return app_misuse(options->command, "--%s %s: a number from %lld to %lld is wanted", name,
                      text, min, max);
  *number = (uint32_t)value * scale;
  return APP_OK;
}

/* Seconds with up to three decimals. */
static int set_msl(struct node_options *options, const char *text)
{
  char *end;
  double seconds = strtod(text, &end);

  if (end == text || *end || !(seconds >= 0.001 && seconds <= 3600))
    return app_misuse(options->command, "--msl %s: seconds from 0.001 to 3600 are wanted", text);
  options->config.msl_ms = (uint32_t)(seconds * 1000 + 0.5);
  return APP_OK;
}

static int set_buffer(struct node_options *options, const char *text)
{
  int status = set_number(options, "buffer", text, 4, 64 * KIB, KIB, &options->config.send_buffer);

  options->config.receive_buffer = options->config.send_buffer;
  return status;
}

/* "7200,75,9": what is left out stays as it is. */
static int set_keepalive(struct node_options *options, const char *text)
{
  la_config *config = &options->config;
  uint32_t *const values[] = {
    &config->keepalive_idle_ms, &config->keepalive_interval_ms, &config->keepalive_probes
  };
  char copy[64], *at = copy;
  long long number;

  if (strlen(text) >= sizeof copy)
    return app_misuse(options->command, "--keepalive %s: S,S,N is wanted", text);
  strcpy(copy, text);
  for (unsigned i = 0; i < 3 && at; i++) {
    const char *word = strsep(&at, ",");

    if (!app_number(word, 1, 1000000, &number))
      return app_misuse(options->command, "--keepalive %s: S,S,N is wanted", text);
    *values[i] = (uint32_t)number * (i < 2 ? 1000 : 1);
  }
  options->keepalive = true;
  return at ? app_misuse(options->command, "--keepalive %s: S,S,N is wanted", text) : APP_OK;
}

static int set_congestion(struct node_options *options, const char *name)
{
  static const char *const names[LA_CC_COUNT] = {
    [LA_CC_NEWRENO] = "newreno", [LA_CC_CUBIC] = "cubic", [LA_CC_BBR] = "bbr",
  };

  for (unsigned i = 0; i < LA_CC_COUNT; i++) {
    if (strcmp(name, names[i]) == 0) {
      options->config.congestion = (uint8_t)i;
      options->config.models = 0;             /* under BBR: one for each connection */
      return APP_OK;
    }
  }
  return app_misuse(options->command, "--congestion %s: newreno, cubic or bbr is wanted", name);
}

int node_option(struct node_options *options, int option, const char *argument)
{
  la_config *config = &options->config;

  switch (option - NODE_OPTION_FIRST) {
    case 0:  return set_device(options, LA_MEDIUM_IP, argument);
    case 1:  return set_device(options, LA_MEDIUM_ETHERNET, argument);
    case 2:  return add_addr(options, argument);
    case 4:  return add_route(options, argument);
    case 5:  options->plain = true; return APP_OK;
    case 6:  return set_number(options, "mtu", argument, 576, 65535, 1, &options->mtu);
    case 7:  return set_msl(options, argument);
    case 8:  options->pcap = argument; return APP_OK;
    case 9:  return set_number(options, "connections", argument, 1, 4000000, 1,
                               &config->tcp_connections);
    case 10: return set_buffer(options, argument);
    case 11: return set_number(options, "slabs", argument, 16, 4000000, 1, &config->slabs);
    case 12: return set_number(options, "time-waits", argument, 1, 16000000, 1,
                               &config->tcp_time_waits);
    case 13: return set_number(options, "half-open", argument, 1, 1000000, 1,
                               &config->tcp_half_open);
    case 14: return set_keepalive(options, argument);
    case 3:
      return add_peer(options, argument);
    case 15: options->auto6 = true; return APP_OK;
    case 16: return set_congestion(options, argument);
    default: return app_misuse(options->command, "option %d is unknown", option);
  }
}

static bool same_network(la_addr a, la_addr b, unsigned prefix)
{
  for (unsigned bit = 0; bit < prefix; bit++)
    if ((a.octets[bit / 8] ^ b.octets[bit / 8]) >> (7 - bit % 8) & 1)
      return false;
  return true;
}

/* Where the other end of a link of two is, there is no network: the first of its family. */
const struct node_prefix *node_partner(const struct node_options *options, la_addr peer)
{
  for (unsigned i = 0; i < options->addr_count; i++) {
    const struct node_prefix *ours = &options->addrs[i];

    if (ours->addr.len == peer.len &&
        (ours->prefix == ours->addr.len * 8 || same_network(peer, ours->addr, ours->prefix)))
      return ours;
  }
  return NULL;
}

/* The kernel's address: on the link as one of ours is, or the other end of a link of two. */
static int check_peer(const struct node_options *options, la_addr peer)
{
  bool family = false;

  for (unsigned i = 0; i < options->addr_count; i++) {
    const la_addr ours = options->addrs[i].addr;

    family = family || ours.len == peer.len;
    if (ours.len == peer.len && same_network(peer, ours, ours.len * 8u))
      return app_misuse(options->command, "--peer is the kernel's address, --addr is lastack's: "
                        "they must differ");
  }
  if (!family)
    return app_misuse(options->command, "--peer and --addr are of different families");
  if (!node_partner(options, peer))
    return app_misuse(options->command, "--peer is not in the network of --addr");
  return APP_OK;
}

int node_check(struct node_options *options)
{
  if (!options->device)
    return app_misuse(options->command, "which device? say --tun NAME or --tap NAME");
  if (options->addr_count == 0 && !options->auto6)
    return app_misuse(options->command, "which address? say --addr A/LEN");
  for (unsigned i = 0; i < options->addr_count; i++)
    if (options->addrs[i].addr.len == 16 && options->mtu < IPV6_MTU_MIN)
      return app_misuse(options->command, "--mtu: IPv6 needs %d octets at least (RFC 8200 5)",
                        IPV6_MTU_MIN);
  if (options->auto6 && options->medium != LA_MEDIUM_ETHERNET)
    return app_misuse(options->command, "--auto6 needs --tap: a TUN device has no routers");
  if (la_size(&options->config) == 0)
    return app_misuse(options->command, "the stack cannot be made with these sizes");
  for (unsigned i = 0; i < options->peer_count; i++)
    if (check_peer(options, options->peers[i]) != APP_OK)
      return APP_USAGE;
  return APP_OK;
}
