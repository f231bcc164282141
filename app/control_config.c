/* control_config.c - what a stack was made with and is told, as JSON: configuration, interfaces,
 * addresses, routes, neighbours. The secret stays where it is. */
#include "control_json.h"

#include <stdio.h>

enum number_kind { U8, U16, U32, BOOL };

static const struct { const char *key; size_t offset; enum number_kind kind; } numbers[] = {
#define NUMBER(name, kind) { #name, offsetof(la_config, name), kind },
  NUMBER(tcp_connections, U32) NUMBER(tcp_time_waits, U32) NUMBER(tcp_half_open, U32)
  NUMBER(udp_sockets, U32) NUMBER(interfaces, U32) NUMBER(addresses, U32) NUMBER(routes, U32)
  NUMBER(neighbors, U32) NUMBER(reassemblies, U32) NUMBER(slabs, U32) NUMBER(slab_size, U32)
  NUMBER(foreign_slabs, U32) NUMBER(chunks, U32) NUMBER(ranges, U32)
  NUMBER(flights, U32) NUMBER(undos, U32) NUMBER(option_sets, U32) NUMBER(replies, U32)
  NUMBER(send_buffer, U32) NUMBER(receive_buffer, U32) NUMBER(send_buffer_max, U32)
  NUMBER(receive_buffer_max, U32) NUMBER(trace_entries, U32)
  NUMBER(instance, U16) NUMBER(instances, U16) NUMBER(port_first, U16) NUMBER(port_last, U16)
  NUMBER(msl_ms, U32) NUMBER(rto_initial_ms, U32) NUMBER(rto_min_ms, U32) NUMBER(rto_max_ms, U32)
  NUMBER(syn_retries, U32) NUMBER(synack_retries, U32) NUMBER(retries_soft, U32)
  NUMBER(retries, U32) NUMBER(orphan_retries, U32) NUMBER(fin_wait_2_ms, U32)
  NUMBER(user_timeout_least_ms, U32) NUMBER(user_timeout_most_ms, U32)
  NUMBER(quick_acks, U32) NUMBER(slow_start_limit, U8) NUMBER(no_idle_restart, BOOL)
  NUMBER(delayed_ack_ms, U32) NUMBER(keepalive_idle_ms, U32) NUMBER(keepalive_interval_ms, U32)
  NUMBER(keepalive_probes, U32) NUMBER(initial_window, U32) NUMBER(challenge_acks, U32)
  NUMBER(resets, U32) NUMBER(icmp_errors, U32) NUMBER(no_timestamps, BOOL)
  NUMBER(no_window_scale, BOOL) NUMBER(no_sack, BOOL) NUMBER(no_syn_cookies, BOOL)
  NUMBER(no_tail_probes, BOOL) NUMBER(ecn, U8) NUMBER(abe, BOOL)
  NUMBER(lax_timestamps, BOOL)
  NUMBER(syn_window, U16) NUMBER(window_scale, U8) NUMBER(bsd_options, BOOL)
  NUMBER(bsd_window, BOOL) NUMBER(bsd_acks, BOOL) NUMBER(no_syn_text, BOOL)
  NUMBER(no_time_wait_reuse, BOOL) NUMBER(rto_slop_ms, U32)
  NUMBER(handshake_errors, BOOL) NUMBER(ecn_syn_retries, U8) NUMBER(gso_segments, U8)
#undef NUMBER
};

static json_t *number(const la_config *config, size_t offset, enum number_kind kind)
{
  const void *at = (const char *)config + offset;

  switch (kind) {
    case U8:   return json_integer(*(const uint8_t *)at);
    case U16:  return json_integer(*(const uint16_t *)at);
    case U32:  return json_integer(*(const uint32_t *)at);
    case BOOL: return json_boolean(*(const bool *)at);
  }
  return NULL;
}

json_t *control_config(const la_stack *stack)
{
  la_config config;
  json_t *object = json_object();

  la_config_get(stack, &config);
  for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    json_object_set_new(object, numbers[i].key,
                        number(&config, numbers[i].offset, numbers[i].kind));
  return object;
}

static json_t *mac(const uint8_t octets[6])
{
  char text[18];

  snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2],
           octets[3], octets[4], octets[5]);
  return json_string(text);
}

static json_t *addr(la_addr address)
{
  char text[LA_ADDR_TEXT];

  if (address.len == 0)
    return json_null();
  la_addr_text(address, text, sizeof text);
  return json_string(text);
}

static json_t *interface_name(const la_stack *stack, int number_of_it)
{
  la_iface iface;

  return la_iface_get(stack, number_of_it, &iface) < 0 ? json_null() : json_string(iface.name);
}

json_t *control_interfaces(const la_stack *stack)
{
  json_t *all = json_array();
  la_iface iface;

  for (int i = 0; la_iface_get(stack, i, &iface) >= 0; i++) {
    bool ethernet = iface.medium == LA_MEDIUM_ETHERNET;

    json_array_append_new(all, json_pack("{s:i, s:s, s:s, s:I, s:I, s:b, s:o}", "number", i,
      "name", iface.name, "medium", ethernet ? "ethernet" : "ip",
      "mtu_octets", (json_int_t)iface.mtu, "gso_max_octets", (json_int_t)iface.gso_max,
      "up", (iface.flags & LA_IFACE_UP) != 0, "mac", ethernet ? mac(iface.mac) : json_null()));
  }
  return all;
}

/* RFC 4862's words; an address of IPv4 is always preferred. */
static const char *address_state(const la_stack *stack, unsigned n)
{
  static const char *const names[] = {
    [LA_ADDR_PREFERRED] = "preferred", [LA_ADDR_TENTATIVE] = "tentative",
    [LA_ADDR_DEPRECATED] = "deprecated", [LA_ADDR_DUPLICATE] = "duplicate"
  };
  const int state = la_addr_state(stack, n);

  return state < 0 ? "gone" : names[state];
}

json_t *control_addresses(const la_stack *stack)
{
  json_t *all = json_array();
  la_addr address;
  uint8_t prefix;
  int iface;

  for (unsigned i = 0; la_addr_get(stack, i, &iface, &address, &prefix) >= 0; i++)
    json_array_append_new(all, json_pack("{s:o, s:o, s:i, s:s}", "interface",
      interface_name(stack, iface), "addr", addr(address), "prefix", (int)prefix, "state",
      address_state(stack, i)));
  return all;
}

json_t *control_routes(const la_stack *stack)
{
  json_t *all = json_array();
  la_addr net, via;
  uint8_t prefix;
  int iface;

  for (unsigned i = 0; la_route_get(stack, i, &net, &prefix, &via, &iface) >= 0; i++)
    json_array_append_new(all, json_pack("{s:o, s:i, s:o, s:o}", "net", addr(net),
      "prefix", (int)prefix, "via", addr(via), "interface", interface_name(stack, iface)));
  return all;
}

json_t *control_neighbors(const la_stack *stack)
{
  json_t *all = json_array();
  la_neighbor neighbor;

  for (unsigned i = 0; la_neighbor_get(stack, i, &neighbor) >= 0; i++)
    json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:i, s:I}", "interface",
      interface_name(stack, neighbor.iface), "addr", addr(neighbor.addr),
      "mac", mac(neighbor.mac), "state", (int)neighbor.state,
      "since_ns", (json_int_t)neighbor.since));
  return all;
}
