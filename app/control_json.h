/* control_json.h - a stack's inside as JSON, one function per request of the control socket. */
#ifndef LASTACK_APP_CONTROL_JSON_H
#define LASTACK_APP_CONTROL_JSON_H

#include "lastack.h"

#include <jansson.h>

/* NULL: there is no memory. The caller owns the result. */
json_t *control_sockets(const la_stack *stack);
json_t *control_socket(const la_stack *stack, la_sock sock);    /* null when the handle is stale */
json_t *control_story(const la_stack *stack, la_sock sock);
json_t *control_counters(const la_stack *stack);
json_t *control_pools(const la_stack *stack);
json_t *control_objects(void);
json_t *control_config(const la_stack *stack);
json_t *control_interfaces(const la_stack *stack);
json_t *control_addresses(const la_stack *stack);
json_t *control_routes(const la_stack *stack);
json_t *control_neighbors(const la_stack *stack);

#endif
