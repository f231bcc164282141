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
  "  --pacing            newreno and cubic send evenly, not in bursts; bbr always does\n"
  "  --pacing-rate R     no connection sends faster than this, such as 10mbit\n"
  "  --ecn NAME          marks instead of losses: off, accept (the default) or ask (RFC 3168)\n"
  "  --fastopen          text with the SYN, where the peer gave a cookie for it (RFC 7413)\n"
  "  --mtu-probing NAME  off, black-hole (the default: when large packets vanish) or always\n"
  "                      (RFC 4821)\n"
  "  --nodelay           small segments need not wait for an acknowledgment (no Nagle)\n"
  "  --buffer KIB        send and receive buffer of a connection; default 2048\n"
  "  --slabs N           packet memory, in slabs of 16 KiB; default 4096\n";

enum { KIB = 1024, IPV6_MTU_MIN = 1280, AUTO6_ADDRS = 4, FASTOPEN_PENDING = 256,
       DEVICE_LETTERS = 15 };

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

static int add_addr(struct node_options *options, const char *text)
{
  if (options->addr_count == NODE_ADDRS)
    return app_misuse(options->command, "--addr: %d addresses are the most", NODE_ADDRS);
  if (!app_net(text, &options->addrs[options->addr_count]))
    return app_misuse(options->command, "--addr %s: that is not ADDRESS/LENGTH", text);
  options->addr_count++;
  return APP_OK;
}

static int add_peer(struct node_options *options, const char *text)
{
  if (options->peer_count == NODE_PEERS)
    return app_misuse(options->command, "--peer: %d addresses are the most", NODE_PEERS);
  if (!app_addr(text, &options->peers[options->peer_count]))
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
    route->net.addr.len = 16;
  else if (strcmp(net, "default") == 0)
    route->net.addr.len = 4;
  if ((route->net.addr.len == 0 && !app_net(net, &route->net))
      || (comma && (!app_addr(comma + 1, &route->via) || route->via.len != route->net.addr.len)))
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

/* An option that the stack's configuration does not know: every socket is given it. */
static int set_socket(struct node_options *options, enum la_option option, int64_t value)
{
  for (unsigned i = 0; i < options->set_count; i++) {
    if (options->sets[i].option == option) {
      options->sets[i].value = value;
      return APP_OK;
    }
  }
  options->sets[options->set_count++] = (struct node_set){ option, value };
  return APP_OK;
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
  return at ? app_misuse(options->command, "--keepalive %s: S,S,N is wanted", text)
            : set_socket(options, LA_OPT_KEEPALIVE, 1);
}

static int set_congestion(struct node_options *options, const char *name)
{
  int status = app_congestion(options->command, name, &options->config.congestion);

  if (status == APP_OK)
    options->config.models = 0;               /* under BBR: one for each connection */
  return status;
}

static int set_ecn(struct node_options *options, const char *name)
{
  static const char *const names[] = {
    [LA_ECN_OFF] = "off", [LA_ECN_ACCEPT] = "accept", [LA_ECN_ASK] = "ask",
  };

  return app_choice(options->command, "ecn", name, names, LA_ECN_ASK + 1, &options->config.ecn);
}

static int set_mtu_probing(struct node_options *options, const char *name)
{
  static const char *const names[] = {
    [LA_MTU_PROBE_OFF] = "off", [LA_MTU_PROBE_BLACK_HOLE] = "black-hole",
    [LA_MTU_PROBE_ALWAYS] = "always",
  };

  return app_choice(options->command, "mtu-probing", name, names, LA_MTU_PROBE_COUNT,
                    &options->config.mtu_probing);
}

/* Both sides: a listener believes cookies, and who connects asks for one, and uses it. */
static int set_fastopen(struct node_options *options)
{
  set_socket(options, LA_OPT_FASTOPEN, FASTOPEN_PENDING);
  return set_socket(options, LA_OPT_FASTOPEN_CONNECT, 1);
}

static int set_pacing_rate(struct node_options *options, const char *text)
{
  uint64_t bits_per_s;

  if (!app_rate(text, &bits_per_s) || bits_per_s < 8)
    return app_misuse(options->command, "--pacing-rate %s: a rate such as 10mbit is wanted", text);
  return set_socket(options, LA_OPT_PACING_RATE, (int64_t)(bits_per_s / 8));
}

/* Where it is, whom it talks to, and what is written down of it. */
static int take_place(struct node_options *options, int option, const char *argument)
{
  switch (option) {
    case NODE_TUN:   return set_device(options, LA_MEDIUM_IP, argument);
    case NODE_TAP:   return set_device(options, LA_MEDIUM_ETHERNET, argument);
    case NODE_ADDR:  return add_addr(options, argument);
    case NODE_PEER:  return add_peer(options, argument);
    case NODE_ROUTE: return add_route(options, argument);
    case NODE_AUTO6: options->auto6 = true; return APP_OK;
    case NODE_PLAIN: options->plain = true; return APP_OK;
    case NODE_PCAP:  options->pcap = argument; return APP_OK;
    default:         return set_number(options, "mtu", argument, 576, 65535, 1, &options->mtu);
  }
}

static int take_size(struct node_options *options, int option, const char *argument)
{
  static const struct { int option; const char *name; long long most; size_t field; } sizes[] = {
    { NODE_CONNECTIONS, "connections", 4000000, offsetof(la_config, tcp_connections) },
    { NODE_TIME_WAITS, "time-waits", 16000000, offsetof(la_config, tcp_time_waits) },
    { NODE_HALF_OPEN, "half-open", 1000000, offsetof(la_config, tcp_half_open) },
    { NODE_SLABS, "slabs", 4000000, offsetof(la_config, slabs) },
  };
  unsigned i = 0;

  while (sizes[i].option != option)
    i++;
  return set_number(options, sizes[i].name, argument, option == NODE_SLABS ? 16 : 1, sizes[i].most,
                    1, (uint32_t *)((char *)&options->config + sizes[i].field));
}

int node_option(struct node_options *options, int option, const char *argument)
{
  switch (option) {
    case NODE_MSL:         return set_msl(options, argument);
    case NODE_KEEPALIVE:   return set_keepalive(options, argument);
    case NODE_CONGESTION:  return set_congestion(options, argument);
    case NODE_PACING:      return set_socket(options, LA_OPT_PACING, 1);
    case NODE_PACING_RATE: return set_pacing_rate(options, argument);
    case NODE_ECN:         return set_ecn(options, argument);
    case NODE_FASTOPEN:    return set_fastopen(options);
    case NODE_MTU_PROBING: return set_mtu_probing(options, argument);
    case NODE_NODELAY:     return set_socket(options, LA_OPT_NODELAY, 1);
    case NODE_BUFFER:      return set_buffer(options, argument);
    case NODE_CONNECTIONS:
    case NODE_TIME_WAITS:
    case NODE_HALF_OPEN:
    case NODE_SLABS:       return take_size(options, option, argument);
    default:               return take_place(options, option, argument);
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
const struct app_net *node_partner(const struct node_options *options, la_addr peer)
{
  for (unsigned i = 0; i < options->addr_count; i++) {
    const struct app_net *ours = &options->addrs[i];

    if (ours->addr.len == peer.len &&
        (ours->prefix == ours->addr.len * 8 || same_network(peer, ours->addr, ours->prefix)))
      return ours;
  }
  return NULL;
}

bool node_speaks(const struct node_options *options, la_addr addr)
{
  for (unsigned i = 0; i < options->addr_count; i++)
    if (options->addrs[i].addr.len == addr.len)
      return true;
  return addr.len == 0 || (addr.len == 16 && options->auto6);
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
  if (strlen(options->device) > DEVICE_LETTERS)
    return app_misuse(options->command, "%s: a device's name has at most %d letters",
                      options->device, DEVICE_LETTERS);
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
