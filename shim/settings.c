/* settings.c - what the flags of the shared object say: names and values of la_config's numbers,
 * and of the machine around the stack. Nothing is guessed: an unknown name is an error. */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting { const char *name; size_t at; enum { WORD, HALF, BYTE, FLAG } type; };

#define AT(field) offsetof(struct settings, field)
static const struct setting settings[] = {
  { "mtu", AT(mtu), WORD },
  { "gso_max", AT(gso_max), WORD },
  { "double_buffers", AT(double_buffers), FLAG },
  { "linux_errors", AT(linux_errors), FLAG },
  { "fastopen", AT(fastopen), WORD },
  { "pacing", AT(pacing), FLAG },
  { "link_cuts", AT(link_cuts), FLAG },
#define CONFIG(field, type) { #field, AT(config.field), type }
  CONFIG(tcp_connections, WORD), CONFIG(tcp_time_waits, WORD), CONFIG(tcp_half_open, WORD),
  CONFIG(slabs, WORD), CONFIG(tcp_notsent_lowat, WORD), CONFIG(minshall, FLAG),
  CONFIG(linux_buffers, FLAG), CONFIG(send_buffer, WORD), CONFIG(receive_buffer, WORD),
  CONFIG(send_buffer_max, WORD), CONFIG(receive_buffer_max, WORD),
  CONFIG(port_first, HALF), CONFIG(port_last, HALF), CONFIG(msl_ms, WORD),
  CONFIG(rto_initial_ms, WORD), CONFIG(rto_min_ms, WORD), CONFIG(rto_max_ms, WORD),
  CONFIG(syn_retries, WORD), CONFIG(synack_retries, WORD), CONFIG(retries_soft, WORD),
  CONFIG(retries, WORD), CONFIG(orphan_retries, WORD), CONFIG(fin_wait_2_ms, WORD),
  CONFIG(delayed_ack_ms, WORD), CONFIG(quick_acks, WORD), CONFIG(keepalive_idle_ms, WORD),
  CONFIG(keepalive_interval_ms, WORD), CONFIG(keepalive_probes, WORD),
  CONFIG(initial_window, WORD), CONFIG(challenge_acks, WORD), CONFIG(resets, WORD),
  CONFIG(icmp_errors, WORD), CONFIG(no_timestamps, FLAG), CONFIG(no_window_scale, FLAG),
  CONFIG(no_sack, FLAG), CONFIG(no_syn_cookies, FLAG), CONFIG(no_tail_probes, FLAG),
  CONFIG(ecn, BYTE), CONFIG(abe, FLAG), CONFIG(lax_timestamps, FLAG),
  CONFIG(syn_window, HALF), CONFIG(window_scale, BYTE), CONFIG(bsd_options, FLAG),
  CONFIG(bsd_window, FLAG), CONFIG(no_syn_text, FLAG), CONFIG(mtu_probing, BYTE),
  CONFIG(fastopen_cookies, WORD), CONFIG(slow_start_limit, BYTE), CONFIG(no_idle_restart, FLAG),
  CONFIG(fastopen_refused_ms, WORD),
  CONFIG(bsd_acks, FLAG), CONFIG(no_time_wait_reuse, FLAG), CONFIG(rto_slop_ms, WORD),
  CONFIG(handshake_errors, FLAG), CONFIG(ecn_syn_retries, BYTE), CONFIG(congestion, BYTE),
  CONFIG(gso_segments, BYTE),
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
  static const unsigned long limits[] = { UINT32_MAX, UINT16_MAX, UINT8_MAX, 1 };
  const uint32_t whole = (uint32_t)number;
  const uint16_t half = (uint16_t)number;
  const uint8_t byte = (uint8_t)number;
  const bool flag = number != 0;

  if (end == value || *end != '\0' || number > limits[s->type])
    return refuse(m, "a value that will not do", word);
  if (s->type == WORD)
    memcpy(place, &whole, sizeof whole);
  else if (s->type == HALF)
    memcpy(place, &half, sizeof half);
  else if (s->type == BYTE)
    memcpy(place, &byte, sizeof byte);
  else
    memcpy(place, &flag, sizeof flag);
  return 0;
}

/* What hosts differ in, as configuration. Linux: the largest buffer is 6 MiB, which takes a shift
 * of 7, and a SYN offers 44 segments; FreeBSD: buffers of 64 KiB, up to 2 MiB, and a shift of 6. */
static int become(struct shim *m, const char *whom)
{
  if (strcmp(whom, "linux") == 0)
    return shim_settings_read(m, "receive_buffer=131072 send_buffer=87040 syn_window=64240 "
                                 "window_scale=7 bsd_options=0 bsd_window=0 delayed_ack_ms=40 "
                                 "no_tail_probes=0 lax_timestamps=1 rto_min_ms=200 syn_retries=6 "
                                 "gso_max=65215 double_buffers=1 no_syn_text=1 "
                                 "fastopen_refused_ms=0 fastopen=1 minshall=1 linux_buffers=1 "
                                 "linux_errors=1 quick_acks=16 slow_start_limit=255 "
                                 "handshake_errors=1 ecn_syn_retries=0 gso_segments=2");
  if (strcmp(whom, "freebsd") == 0)
    return shim_settings_read(m, "receive_buffer=65536 send_buffer=32768 syn_window=65535 "
                                 "window_scale=6 bsd_options=1 bsd_window=1 bsd_acks=1 "
                                 "no_time_wait_reuse=1 delayed_ack_ms=40 no_tail_probes=1 "
                                 "rto_min_ms=30 rto_slop_ms=200 syn_retries=12 gso_max=0 "
                                 "double_buffers=0 linux_errors=0 quick_acks=0 no_syn_text=1 "
                                 "fastopen_refused_ms=900000 fastopen=0 slow_start_limit=2 "
                                 "handshake_errors=0 ecn_syn_retries=1 gso_segments=0");
  return refuse(m, "a personality is linux or freebsd, not", whom);
}

/* As Linux writes it: four words of 32 bits, each in little-endian order. */
static int read_key(struct shim *m, const char *text)
{
  uint32_t words[4];

  if (sscanf(text, "%8x-%8x-%8x-%8x", &words[0], &words[1], &words[2], &words[3]) != 4)
    return refuse(m, "not a key", text);
  for (unsigned i = 0; i < 16; i++)
    m->set.fastopen_key[i] = (uint8_t)(words[i / 4] >> i % 4 * 8);
  m->set.has_fastopen_key = true;
  if (m->stack && la_tcp_fastopen_key(m->stack, (la_sock){ 0 }, m->set.fastopen_key, 16) < 0)
    return refuse(m, "not a key", text);
  return 0;
}

static int read_one(struct shim *m, char *word)
{
  char *const equals = strchr(word, '=');

  if (!equals)
    return refuse(m, "a setting is name=value, not", word);
  *equals = '\0';
  if (strcmp(word, "personality") == 0)
    return become(m, equals + 1);
  if (strcmp(word, "control") == 0) {
    if (strlen(equals + 1) >= sizeof m->set.control)
      return refuse(m, "too long a path", equals + 1);
    memcpy(m->set.control, equals + 1, strlen(equals + 1) + 1);
    return 0;
  }
  if (strcmp(word, "local") == 0) {
    if (la_addr_parse(equals + 1, &m->set.local) < 0)
      return refuse(m, "not an address", equals + 1);
    return 0;
  }
  if (strcmp(word, "fastopen_key") == 0)
    return read_key(m, equals + 1);
  if (strcmp(word, "fastopen_forget") == 0) { /* done, not kept */
    if (m->stack)
      la_fastopen_forget(m->stack);
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
