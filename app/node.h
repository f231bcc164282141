/* node.h - a stack on a TUN or TAP device, turned by a libuv loop: what `host` and `nc` stand on.
 *
 * Each turn of the loop ends in one turn of the stack, after whatever callbacks ran: packets in,
 * events out to their owners, packets out, and a timer for la_deadline. So callbacks just call
 * la_tcp_send and the like, and what they caused leaves by itself.
 */
#ifndef LASTACK_APP_NODE_H
#define LASTACK_APP_NODE_H

#include "app.h"
#include "lastack.h"

#include <getopt.h>
#include <uv.h>

enum { NODE_ADDRS = 16, NODE_ROUTES = 32, NODE_PEERS = 8, NODE_SETS = 8 };

struct node;

/* The owner of a socket: the `user` of la_tcp_open and la_tcp_accept. First in a larger struct,
 * which comes from node_make. */
struct node_user {
  void (*event)(struct node_user *user, const la_event *event);
  void (*release)(struct node_user *user);  /* of what it holds, before it is freed; or NULL */
  struct node_user *next, **link;           /* among all of the node's, or those that are gone */
  bool gone;
};

struct node_route { struct app_net net; la_addr via; };

struct node_set { enum la_option option; int64_t value; };

struct node_options {
  const char *command;          /* for messages: whose command line this is */
  const char *device;
  enum la_medium medium;
  bool plain;
  uint32_t mtu;
  struct app_net addrs[NODE_ADDRS];
  unsigned addr_count;
  struct node_route routes[NODE_ROUTES];
  unsigned route_count;
  la_addr peers[NODE_PEERS];    /* the kernel's; none: its side is left as it is */
  unsigned peer_count;
  bool auto6;                   /* IPv6 is configured by the link's routers */
  const char *pcap;
  struct node_set sets[NODE_SETS];          /* what every TCP socket is given */
  unsigned set_count;
  la_config config;
};

/* The options that `host` and `nc` share. */
enum {
  NODE_TUN = 1000, NODE_TAP, NODE_ADDR, NODE_PEER, NODE_AUTO6, NODE_ROUTE, NODE_PLAIN, NODE_MTU,
  NODE_MSL, NODE_PCAP, NODE_KEEPALIVE, NODE_CONNECTIONS, NODE_TIME_WAITS, NODE_HALF_OPEN,
  NODE_CONGESTION, NODE_PACING, NODE_PACING_RATE, NODE_ECN, NODE_FASTOPEN, NODE_MTU_PROBING,
  NODE_NODELAY, NODE_BUFFER, NODE_SLABS
};
#define NODE_LONG_OPTIONS                                                                          \
  { "tun", required_argument, NULL, NODE_TUN }, { "tap", required_argument, NULL, NODE_TAP },      \
  { "addr", required_argument, NULL, NODE_ADDR }, { "peer", required_argument, NULL, NODE_PEER },  \
  { "auto6", no_argument, NULL, NODE_AUTO6 }, { "route", required_argument, NULL, NODE_ROUTE },    \
  { "plain", no_argument, NULL, NODE_PLAIN }, { "mtu", required_argument, NULL, NODE_MTU },        \
  { "msl", required_argument, NULL, NODE_MSL }, { "pcap", required_argument, NULL, NODE_PCAP },    \
  { "keepalive", required_argument, NULL, NODE_KEEPALIVE },                                        \
  { "connections", required_argument, NULL, NODE_CONNECTIONS },                                    \
  { "time-waits", required_argument, NULL, NODE_TIME_WAITS },                                      \
  { "half-open", required_argument, NULL, NODE_HALF_OPEN },                                        \
  { "congestion", required_argument, NULL, NODE_CONGESTION },                                      \
  { "pacing", no_argument, NULL, NODE_PACING },                                                    \
  { "pacing-rate", required_argument, NULL, NODE_PACING_RATE },                                    \
  { "ecn", required_argument, NULL, NODE_ECN }, { "fastopen", no_argument, NULL, NODE_FASTOPEN },  \
  { "mtu-probing", required_argument, NULL, NODE_MTU_PROBING },                                    \
  { "nodelay", no_argument, NULL, NODE_NODELAY },                                                  \
  { "buffer", required_argument, NULL, NODE_BUFFER },                                              \
  { "slabs", required_argument, NULL, NODE_SLABS }

/* Their text for --help. */
extern const char node_help[];

void node_defaults(struct node_options *options, const char *command);

/* One of the options above: APP_OK, or APP_USAGE after a complaint. */
int node_option(struct node_options *options, int option, const char *argument);

/* After the last option: whether they make sense together. APP_OK, or APP_USAGE. */
int node_check(struct node_options *options);

/* Whether one of its addresses is of this one's family; any is of any. */
bool node_speaks(const struct node_options *options, la_addr addr);

/* The first --addr in whose network this address of the kernel's is; NULL: none. */
const struct app_net *node_partner(const struct node_options *options, la_addr peer);

/* The device, the kernel's side of it, and the stack. NULL after a complaint on stderr. */
struct node *node_open(const struct node_options *options, uv_loop_t *loop);

/* Stops turning; the device and the stack are gone once the loop has run out of handles. What
 * the stack still has to say is sent first. Then node_free. */
void node_close(struct node *node);
void node_free(struct node *node);

la_stack   *node_stack(struct node *node);
const char *node_name(const struct node *node);   /* the device's */
la_time     node_now(void);

/* la_tcp_open, with what the options say about every connection. */
int node_tcp_open(struct node *node, struct node_user *user, la_sock *sock);

/* Reset and forget every TCP connection there is, and close every listener. */
void node_abort_all(struct node *node);

/* Memory of `size` octets, zeroed, that begins with a node_user; NULL when there is none. What is
 * not retired is freed by node_free. */
void *node_make(struct node *node, size_t size,
                void (*event)(struct node_user *user, const la_event *event));

/* The socket of this owner is gone: it hears of no more events, and is freed after this turn. */
void node_retire(struct node *node, struct node_user *user);

#endif
