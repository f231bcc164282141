/* nc.h - what the TCP and the UDP half of `lastack nc` share. */
#ifndef LASTACK_APP_NC_H
#define LASTACK_APP_NC_H

#include "control.h"
#include "nc_stream.h"
#include "node.h"

enum { NC_BLOCK = 65536 };

struct nc {
  struct node_options options;
  bool listen, udp, verbose;
  int64_t patience_ms;          /* -w; 0: none */
  la_endpoint there;            /* the peer, or what to listen on */
  uint16_t local_port;          /* -p; 0: any */
  const char *control_path, *cookies_path;

  uv_loop_t loop;
  uv_timer_t timer;
  uv_signal_t interrupted, terminated;
  struct node *node;
  struct control *control;
  struct nc_stream in, out;
  struct node_user *user;       /* of `sock`; the node frees it */
  la_sock sock, listener;       /* {0}: none */
  bool connected, in_ended, peer_ended, closed, done;
  bool in_terminal;
  int status;                   /* of the program */
  uint32_t pending, sent;       /* octets of stdin in `block`, and how many of them are sent */
  char block[NC_BLOCK];
};

/* What earlier runs were given by servers, from a file and back: false after a complaint. */
bool nc_cookies_read(struct nc *nc);
void nc_cookies_write(struct nc *nc);

/* Opens the socket, and connects or listens: false after a complaint. */
bool nc_tcp_open(struct nc *nc);
bool nc_udp_open(struct nc *nc);

/* The end, with this exit status; later calls change nothing. */
void nc_finish(struct nc *nc, int status);

/* Something went over the wire: the patience begins anew. */
void nc_progress(struct nc *nc);

/* Fills `block` when it is empty: how many octets are in it. 0: none now, or none ever
 * (`in_ended`). */
uint32_t nc_read(struct nc *nc);

/* Writes to stdout: how many octets it took; 0 when it takes none now; -1: it is gone. */
int64_t nc_write(struct nc *nc, const struct iovec *iov, int n);

/* "lastack: 192.0.2.1 port 80: the peer ...", and the end with failure. */
void nc_fail(struct nc *nc, int result);
void nc_say(const struct nc *nc, const char *what, la_endpoint where);

#endif
