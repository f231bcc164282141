/* control.h - the control socket of a running host: others look in, nobody changes anything.
 *
 * An AF_UNIX stream socket, mode 0600, in a folder of its owner (lens/control_path.h). A request
 * is one line, the answer is one line of JSON; a client may ask as often as it likes. Requests:
 *
 *   sockets      "sockets": all of them, TIME-WAIT included; keys in lens/sock_fields.def
 *   story ID     "socket": that one, or null for a stale ID; "story": its flight recorder, oldest
 *                first, [{"at_ns", "kind", "a", "b", "c", "x", "y", "text"}]
 *   counters     "counters": [{"name", "value", "meaning"}]
 *   pools        "pools": [{"name", "used", "peak", "size"}]
 *   objects      "objects": [{"name", "octets"}], of what lives as long as a connection
 *   config       "config": la_config, keys as in C; "interfaces": [{"number", "name", "medium",
 *                "mtu_octets", "gso_max_octets", "up", "mac"}], "addresses": [{"interface", "addr",
 *                "prefix"}], "routes": [{"net", "prefix", "via" (null: on the link), "interface"}]
 *   neighbors    "neighbors": [{"interface", "addr", "mac", "state", "since_ns"}]
 *
 * Every answer is an object and begins with
 *   "lastack": 1        the version of this protocol; it grows by keys, and 2 would break
 *   "program": "0.1.0", "host": the interface's name, "pid": number, "now_ns": the stack's clock
 * and in place of the rest it may hold "error": a sentence.
 */
#ifndef LASTACK_APP_CONTROL_H
#define LASTACK_APP_CONTROL_H

#include "lastack.h"

#include <uv.h>

enum { CONTROL_VERSION = 1 };

struct control;

/* Listens at `path`, or where lens/control_path.h says when it is NULL. `host` is shown to
 * readers. NULL after a complaint on stderr. */
struct control *control_open(uv_loop_t *loop, const la_stack *stack, const char *host,
                             const char *path);

/* Where it listens. */
const char *control_path(const struct control *control);

/* Stops listening and removes the socket; the memory goes once the loop has run again. */
void control_close(struct control *control);

#endif
