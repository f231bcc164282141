/* control_json.c - sockets and their stories as JSON, by the table of lens/sock_fields.def; and
 * the counters, pools and sizes. */
#include "control_json.h"

#include <inttypes.h>
#include <stdio.h>

enum field_kind {
  U8, U16, U32, U64, U32_NONE, TIME, DUE, PROTOCOL, STATE, TIMER, ERROR, ENDPOINT
};

struct field {
  const char *key;
  size_t offset;
  enum field_kind kind;
};

static const struct field fields[] = {
#define FIELD(key, member, kind) { key, offsetof(la_sock_info, member), kind },
#include "sock_fields.def"
#undef FIELD
};

/* By the bit's number: enum la_sock_flag. */
static const char *const flag_names[] = {
  "passive", "orphan", "timestamps", "sack", "wscale", "cookie", "nodelay", "keepalive",
  "fin_queued", "fin_sent", "fin_acked", "eof_read", "recovery", "loss", "unaccepted",
  "time_wait_record", "urgent", "ecn", "ecn_seen", [26] = "fastopen", [27] = "syn_text",
};

static json_t *name_or_null(const char *name)
{
  return name ? json_string(name) : json_null();
}

static json_t *endpoint(const la_endpoint *e)
{
  char text[LA_ADDR_TEXT];

  la_addr_text(e->addr, text, sizeof text);
  return json_pack("{s:s, s:i}", "addr", text, "port", (int)e->port);
}

static json_t *timer(uint8_t number)
{
  la_timer_row row;

  return name_or_null(la_timer_row_get(number, &row) ? row.name : NULL);
}

static json_t *error(uint16_t number)
{
  return name_or_null(number == LA_OK ? NULL : la_error_name(-(int)number));
}

static json_t *value(const la_sock_info *info, const struct field *field)
{
  const void *at = (const char *)info + field->offset;
  la_time due;

  switch (field->kind) {
    case U8:       return json_integer(*(const uint8_t *)at);
    case U16:      return json_integer(*(const uint16_t *)at);
    case U32:      return json_integer(*(const uint32_t *)at);
    case U64:      return json_integer((json_int_t)*(const uint64_t *)at);
    case TIME:     return json_integer(*(const la_time *)at);
    case ENDPOINT: return endpoint(at);
    case TIMER:    return timer(*(const uint8_t *)at);
    case ERROR:    return error(*(const uint16_t *)at);
    case U32_NONE: return *(const uint32_t *)at == UINT32_MAX
                          ? json_null() : json_integer(*(const uint32_t *)at);
    case PROTOCOL: return json_string(*(const uint8_t *)at == LA_UDP ? "udp" : "tcp");
    case STATE:    return name_or_null(info->protocol == LA_TCP ? la_state_name(info->state)
                                                                : NULL);
    case DUE:
      due = *(const la_time *)at;
      return due == LA_NEVER ? json_null() : json_integer(due);
  }
  return NULL;
}

static json_t *flags(uint32_t set)
{
  json_t *names = json_array();

  for (unsigned i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++)
    if (set >> i & 1 && flag_names[i])
      json_array_append_new(names, json_string(flag_names[i]));
  return names;
}

static json_t *interface_name(const la_stack *stack, int number)
{
  la_iface iface;

  return name_or_null(la_iface_get(stack, number, &iface) < 0 ? NULL : iface.name);
}

json_t *control_socket(const la_stack *stack, la_sock sock)
{
  la_sock_info info;
  char id[17];
  json_t *object;

  if (la_sock_get(stack, sock, &info) < 0)
    return json_null();
  snprintf(id, sizeof id, "%016" PRIx64, sock.bits);
  object = json_pack("{s:s}", "id", id);
  for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++)
    json_object_set_new(object, fields[i].key, value(&info, &fields[i]));
  json_object_set_new(object, "flag_names", flags(info.flags));
  json_object_set_new(object, "interface", interface_name(stack, (int)info.iface));
  return object;
}

json_t *control_sockets(const la_stack *stack)
{
  json_t *all = json_array();
  la_sock cursor = { 0 };

  while (la_sock_next(stack, &cursor))
    json_array_append_new(all, control_socket(stack, cursor));
  return all;
}

json_t *control_story(const la_stack *stack, la_sock sock)
{
  enum { ENTRIES_MAX = 1024 };
  static la_trace entries[ENTRIES_MAX];
  json_t *all = json_array();
  size_t n = la_sock_trace(stack, sock, entries, ENTRIES_MAX);

  for (size_t i = 0; i < n; i++) {
    const la_trace *e = &entries[i];
    char text[320];

    la_trace_text(e, text, sizeof text);
    json_array_append_new(all, json_pack("{s:I, s:i, s:i, s:i, s:i, s:I, s:I, s:s}",
      "at_ns", (json_int_t)e->at, "kind", (int)e->kind, "a", (int)e->a, "b", (int)e->b,
      "c", (int)e->c, "x", (json_int_t)e->x, "y", (json_int_t)e->y, "text", text));
  }
  return all;
}

json_t *control_counters(const la_stack *stack)
{
  json_t *all = json_array();

  for (unsigned i = 0;; i++) {
    const char *name, *meaning;
    uint64_t count = la_counter(stack, i, &name, &meaning);

    if (!name)
      return all;
    json_array_append_new(all, json_pack("{s:s, s:I, s:s}", "name", name,
      "value", (json_int_t)count, "meaning", meaning ? meaning : ""));
  }
}

json_t *control_pools(const la_stack *stack)
{
  json_t *all = json_array();
  const char *name;
  uint32_t used, peak, size;

  for (unsigned i = 0; la_pool_get(stack, i, &name, &used, &peak, &size); i++)
    json_array_append_new(all, json_pack("{s:s, s:I, s:I, s:I}", "name", name,
      "used", (json_int_t)used, "peak", (json_int_t)peak, "size", (json_int_t)size));
  return all;
}

json_t *control_objects(void)
{
  json_t *all = json_array();

  for (unsigned i = 0;; i++) {
    const char *name = NULL;
    size_t octets = la_object_size(i, &name);

    if (!name)
      return all;
    json_array_append_new(all, json_pack("{s:s, s:I}", "name", name,
      "octets", (json_int_t)octets));
  }
}
