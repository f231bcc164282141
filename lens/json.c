/* json.c - sockets as JSON and back, by the table of sock_fields.def.
 *
 * Reading is tolerant where versions may differ: a key that is missing or null leaves zero (for
 * times and timers: none), a key that is unknown is passed over. What makes no sense at all, such
 * as a text where a number belongs, is refused. */
#include "lens.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct flag_name { const char *name; uint32_t bit; };
static const struct flag_name flag_names[] = {
#define FLAG(name) { #name, LA_SOCK_##name }
  FLAG(PASSIVE), FLAG(ORPHAN), FLAG(TIMESTAMPS), FLAG(SACK), FLAG(WSCALE), FLAG(COOKIE),
  FLAG(NODELAY), FLAG(KEEPALIVE), FLAG(FIN_QUEUED), FLAG(FIN_SENT), FLAG(FIN_ACKED),
  FLAG(EOF_READ), FLAG(RECOVERY), FLAG(LOSS), FLAG(UNACCEPTED), FLAG(TIME_WAIT_RECORD),
  FLAG(URGENT), FLAG(ECN), FLAG(ECN_SEEN), FLAG(FASTOPEN), FLAG(SYN_TEXT),
  FLAG(APP_LIMITED), FLAG(V6ONLY), FLAG(ECN_CUT),
#undef FLAG
};

/* ---- writing ----------------------------------------------------------------------------- */

static json_t *put_U64(uint64_t value)
{
  return json_integer((json_int_t)value);
}
#define put_U8 put_U64
#define put_U32 put_U64

static json_t *put_U32_NONE(uint32_t value)
{
  return value == UINT32_MAX ? json_null() : put_U64(value);
}

static json_t *put_TIME(la_time time)
{
  return json_integer(time);
}

static json_t *put_DUE(la_time time)
{
  return time == LA_NEVER ? json_null() : json_integer(time);
}

static json_t *put_PROTOCOL(uint8_t protocol)
{
  return json_string(protocol == LA_UDP ? "udp" : "tcp");
}

static json_t *put_STATE(uint8_t state)
{
  const char *name = la_state_name(state);

  return name ? json_string(name) : json_null();
}

static json_t *put_TIMER(uint8_t timer)
{
  la_timer_row row;

  return timer != LA_TIMER_NONE && la_timer_row_get(timer, &row) ? json_string(row.name)
                                                                 : json_null();
}

static json_t *put_ERROR(uint16_t error)
{
  return error == LA_OK ? json_null() : json_string(la_error_name(error));
}

static json_t *put_ENDPOINT(la_endpoint endpoint)
{
  char text[LA_ADDR_TEXT];

  la_addr_text(endpoint.addr, text, sizeof text);
  return json_pack("{s:s, s:i}", "addr", text, "port", (int)endpoint.port);
}

static json_t *put_flags(uint32_t flags)
{
  json_t *names = json_array();

  for (size_t i = 0; i < sizeof flag_names / sizeof *flag_names; i++)
    if (flags & flag_names[i].bit)
      json_array_append_new(names, json_string(flag_names[i].name));
  return names;
}

json_t *lens_json_of_conn(const struct lens_conn *conn)
{
  const la_sock_info *c = &conn->info;
  json_t *object = json_object();
  char id[24];

  snprintf(id, sizeof id, "%016" PRIx64, conn->id);
  json_object_set_new(object, "id", json_string(id));
#define FIELD(key, member, kind) json_object_set_new(object, key, put_##kind(c->member));
#include "sock_fields.def"
#undef FIELD
  if (c->protocol == LA_UDP)              /* UDP has no states */
    json_object_set_new(object, "state", json_null());
  json_object_set_new(object, "flag_names", put_flags(c->flags));
  json_object_set_new(object, "interface", *conn->iface ? json_string(conn->iface) : json_null());
  return object;
}

/* ---- reading: each gives false if `value` cannot be what it should ----------------------- */

static bool nothing(const json_t *value)
{
  return !value || json_is_null(value);
}

static bool get_number(const json_t *value, uint64_t most, uint64_t *number)
{
  *number = 0;
  if (nothing(value))
    return true;
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return false;
  *number = (uint64_t)json_integer_value(value);
  return *number <= most;
}

static bool get_U8(const json_t *value, uint8_t *out)
{
  uint64_t number;
  bool ok = get_number(value, UINT8_MAX, &number);

  *out = (uint8_t)number;
  return ok;
}

static bool get_U32(const json_t *value, uint32_t *out)
{
  uint64_t number;
  bool ok = get_number(value, UINT32_MAX, &number);

  *out = (uint32_t)number;
  return ok;
}

static bool get_U32_NONE(const json_t *value, uint32_t *out)
{
  bool ok = get_U32(value, out);

  if (nothing(value))
    *out = UINT32_MAX;
  return ok;
}

static bool get_U64(const json_t *value, uint64_t *out)
{
  return get_number(value, INT64_MAX, out);
}

static bool get_TIME(const json_t *value, la_time *out)
{
  *out = nothing(value) ? 0 : json_integer_value(value);
  return nothing(value) || json_is_integer(value);
}

static bool get_DUE(const json_t *value, la_time *out)
{
  *out = nothing(value) ? LA_NEVER : json_integer_value(value);
  return nothing(value) || json_is_integer(value);
}

static bool get_PROTOCOL(const json_t *value, uint8_t *out)
{
  const char *text = json_string_value(value);

  *out = text && strcmp(text, "udp") == 0 ? LA_UDP : LA_TCP;
  return text != NULL;
}

static bool get_STATE(const json_t *value, uint8_t *out)
{
  const char *text = json_string_value(value);

  *out = lens_state_number(text ? lens_state_of_text(text) : LENS_CLOSED);
  return nothing(value) || text;          /* a state that is not known is explained as such */
}

static bool get_TIMER(const json_t *value, uint8_t *out)
{
  const char *text = json_string_value(value);
  la_timer_row row;

  *out = LA_TIMER_NONE;
  for (unsigned i = 0; text && la_timer_row_get(i, &row); i++)
    if (strcmp(row.name, text) == 0)
      *out = (uint8_t)i;
  return nothing(value) || text;
}

static bool get_ERROR(const json_t *value, uint16_t *out)
{
  const char *text = json_string_value(value);

  *out = LA_OK;
  for (int i = 0; text && i < LA_ERROR_COUNT; i++)
    if (strcmp(la_error_name(i), text) == 0)
      *out = (uint16_t)i;
  return nothing(value) || text;
}

static bool get_ENDPOINT(const json_t *value, la_endpoint *out)
{
  const char *text = json_string_value(json_object_get(value, "addr"));
  uint64_t port;

  if (!text || la_addr_parse(text, &out->addr) < 0
      || !get_number(json_object_get(value, "port"), UINT16_MAX, &port))
    return false;
  out->port = (uint16_t)port;
  return true;
}

bool lens_conn_of_json(const json_t *object, struct lens_conn *conn)
{
  const char *id = json_string_value(json_object_get(object, "id"));
  const char *iface = json_string_value(json_object_get(object, "interface"));
  bool ok = id != NULL;

  memset(conn, 0, sizeof *conn);
  if (!ok)
    return false;
  conn->id = strtoull(id, NULL, 16);
  snprintf(conn->iface, sizeof conn->iface, "%s", iface ? iface : "");
#define FIELD(key, member, kind) \
  ok = ok && get_##kind(json_object_get(object, key), &conn->info.member);
#include "sock_fields.def"
#undef FIELD
  return ok;
}
