/* settings.c - what the flags of the shared object say: names and values of la_config's numbers,
 * and of the machine around the stack. Nothing is guessed: an unknown name is an error. */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting { const char *name; size_t at; enum { WORD, HALF, FLAG } type; };

#define AT(field) offsetof(struct settings, field)
static const struct setting settings[] = {
  { "mtu", AT(mtu), WORD },
  { "gso_max", AT(gso_max), WORD },
  { "double_buffers", AT(double_buffers), FLAG },
#define CONFIG(field, type) { #field, AT(config.field), type }
  CONFIG(tcp_connections, WORD), CONFIG(tcp_time_waits, WORD), CONFIG(tcp_half_open, WORD),
  CONFIG(slabs, WORD), CONFIG(send_buffer, WORD), CONFIG(receive_buffer, WORD),
  CONFIG(port_first, HALF), CONFIG(port_last, HALF), CONFIG(msl_ms, WORD),
  CONFIG(rto_initial_ms, WORD), CONFIG(rto_min_ms, WORD), CONFIG(rto_max_ms, WORD),
  CONFIG(syn_retries, WORD), CONFIG(synack_retries, WORD), CONFIG(retries_soft, WORD),
  CONFIG(retries, WORD), CONFIG(orphan_retries, WORD), CONFIG(fin_wait_2_ms, WORD),
  CONFIG(delayed_ack_ms, WORD), CONFIG(keepalive_idle_ms, WORD),
  CONFIG(keepalive_interval_ms, WORD), CONFIG(keepalive_probes, WORD),
  CONFIG(initial_window, WORD), CONFIG(challenge_acks, WORD), CONFIG(resets, WORD),
  CONFIG(icmp_errors, WORD), CONFIG(no_timestamps, FLAG), CONFIG(no_window_scale, FLAG),
  CONFIG(no_sack, FLAG), CONFIG(no_syn_cookies, FLAG),
#undef CONFIG
};
#undef AT

static int refuse(struct shim *m, const char *what, const char *word)
{
  (void)snprintf(m->error, sizeof m->error, "%s: %s", what, word);
  return -1;
}

static int put(struct shim *m, const struct setting *s, const char *word, const char *value)
{
  uint8_t *const place = (uint8_t *)&m->set + s->at;
  char *end;
  const unsigned long number = strtoul(value, &end, 0);
  const unsigned long most = s->type == WORD ? UINT32_MAX : s->type == HALF ? UINT16_MAX : 1;
  const uint32_t whole = (uint32_t)number;
  const uint16_t half = (uint16_t)number;
  const bool flag = number != 0;

  if (end == value || *end != '\0' || number > most)
    return refuse(m, "a value that will not do", word);
  if (s->type == WORD)
    memcpy(place, &whole, sizeof whole);
  else if (s->type == HALF)
    memcpy(place, &half, sizeof half);
  else
    memcpy(place, &flag, sizeof flag);
  return 0;
}

static int read_one(struct shim *m, char *word)
{
  char *const equals = strchr(word, '=');

  if (!equals)
    return refuse(m, "a setting is name=value, not", word);
  *equals = '\0';
  if (strcmp(word, "local") == 0) {
    if (la_addr_parse(equals + 1, &m->set.local) < 0)
      return refuse(m, "not an address", equals + 1);
    return 0;
  }
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (strcmp(word, settings[i].name) == 0)
      return put(m, &settings[i], word, equals + 1);
  return refuse(m, "unknown setting", word);
}

int shim_settings_read(struct shim *m, const char *words)
{
  char *const copy = strdup(words), *rest = copy, *word;
  int result = 0;

  if (!copy)
    return refuse(m, "no memory for", "the settings");
  while (result == 0 && (word = strsep(&rest, " ,\t\n")) != NULL)
    if (*word != '\0')
      result = read_one(m, word);
  free(copy);
  return result;
}

void shim_settings_default(struct shim *m)
{
  la_config *const c = &m->set.config;

  la_config_default(c);
  c->tcp_connections = 64;
  c->tcp_time_waits = 64;
  c->tcp_half_open = 32;
  c->udp_sockets = 1;
  c->slabs = 512;
  memcpy(c->secret, "packetdrill shim", sizeof c->secret);
  m->set.mtu = 1500;
  m->set.double_buffers = false;
}
