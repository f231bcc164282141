/* host_service.h - listeners and the small services of `lastack host`. */
#ifndef LASTACK_APP_HOST_SERVICE_H
#define LASTACK_APP_HOST_SERVICE_H

#include "node.h"

/* A connection, at the beginning of what a service keeps about it. */
struct host_connection {
  struct node_user user;
  struct node *node;
  la_sock sock;
};

/* A new connection, made by host_connection_make; NULL: there is no memory for it. */
typedef struct host_connection *(*host_make)(struct node *node);

/* Listens on `port` of every address. A connection that is accepted hears at once of what it
 * might have missed, as LA_EV_READABLE. False after a complaint on stderr. */
bool host_listen(struct node *node, uint16_t port, const char *name, host_make make);

/* Memory of `size` octets, zeroed, that begins with a host_connection. */
void *host_connection_make(struct node *node, size_t size,
                           void (*event)(struct node_user *user, const la_event *event));

/* Lets go of the connection, as close(2) does, and of its memory; or resets it. */
void host_forget(struct host_connection *connection);
void host_abort(struct host_connection *connection);

/* Echo, discard, chargen: TCP and UDP, on their usual ports. */
bool host_echo(struct node *node);
bool host_discard(struct node *node);
bool host_chargen(struct node *node);

#endif
