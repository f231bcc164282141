/* source_stack.c - the sockets of a stack in this process. */
#include "lens.h"

#include <stdlib.h>
#include <string.h>

static struct lens_conn conn_of(const la_stack *s, la_sock sock, const la_sock_info *info)
{
  struct lens_conn conn = { .id = sock.bits, .info = *info };
  la_iface iface;

  conn.info.user = NULL;
  if (la_iface_get(s, (int)info->iface, &iface) == LA_OK)
    snprintf(conn.iface, sizeof conn.iface, "%s", iface.name);
  return conn;
}

static size_t count(const la_stack *s)
{
  la_sock cursor = { 0 };
  size_t n = 0;

  while (la_sock_next(s, &cursor))
    n++;
  return n;
}

bool lens_list_of_stack(const la_stack *s, struct lens_list *list)
{
  size_t most = count(s);
  la_sock cursor = { 0 };
  la_sock_info info;

  memset(list, 0, sizeof *list);
  list->now = la_now(s);
  la_config_get(s, &list->config);
  memset(list->config.secret, 0, sizeof list->config.secret);
  list->conns = calloc(most ? most : 1, sizeof *list->conns);
  if (!list->conns)
    return false;
  while (list->n < most && la_sock_next(s, &cursor))
    if (la_sock_get(s, cursor, &info) == LA_OK)
      list->conns[list->n++] = conn_of(s, cursor, &info);
  return true;
}

bool lens_story_of_stack(const la_stack *s, la_sock sock, struct lens_story *story)
{
  la_config config;
  la_sock_info info;
  la_trace *entries;

  memset(story, 0, sizeof *story);
  story->now = la_now(s);
  if (la_sock_get(s, sock, &info) < 0)
    return true;                          /* a stale handle has an empty story, with id 0 */
  story->conn = conn_of(s, sock, &info);
  la_config_get(s, &config);
  entries = calloc(config.trace_entries + 1, sizeof *entries);
  story->events = calloc(config.trace_entries + 1, sizeof *story->events);
  if (entries && story->events) {
    story->n = la_sock_trace(s, sock, entries, config.trace_entries);
    for (size_t i = 0; i < story->n; i++) {
      story->events[i].entry = entries[i];
      la_trace_text(&entries[i], story->events[i].text, sizeof story->events[i].text);
    }
  }
  free(entries);
  return entries && story->events;
}

void lens_list_free(struct lens_list *list)
{
  free(list->conns);
  list->conns = NULL;
  list->n = 0;
}

void lens_story_free(struct lens_story *story)
{
  free(story->events);
  story->events = NULL;
  story->n = 0;
}
