/* source_lastack.c - the sockets of a lastack in another process, over its control socket.
 *
 * One request line goes out, one line of JSON comes back (app/control.h lists the requests). A
 * host that hangs must not hang its reader: every read and write is given a few seconds. */
#include "control_path.h"
#include "lens.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 5, PIECE_OCTETS = 65536 };
static const size_t answer_most = (size_t)1 << 30;

_Static_assert(LENS_PATH_OCTETS == (int)LENS_CONTROL_PATH, "a path is a path");

static int connect_to(const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct timeval patience = { .tv_sec = PATIENCE_S };
  int fd;

  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path));
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
    int error = errno;

    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

/* ---- who is there ------------------------------------------------------------------------ */

/* A socket that a killed host left behind is there, and nobody answers. */
static bool someone_answers(const char *path)
{
  int fd = connect_to(path);

  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static bool path_of(char *path, const char *folder, const char *name)
{
  size_t length = strlen(name);
  int n;

  if (length < 6 || strcmp(name + length - 5, ".sock") != 0)
    return false;
  n = snprintf(path, LENS_PATH_OCTETS, "%s/%s", folder, name);
  return n > 0 && n < LENS_PATH_OCTETS && someone_answers(path);
}

static size_t controls_in(const char *folder, char (*paths)[LENS_PATH_OCTETS], size_t n,
                          size_t max)
{
  DIR *entries = lens_control_folder_is_safe(folder) ? opendir(folder) : NULL;
  char path[LENS_PATH_OCTETS];
  const struct dirent *entry;

  while (entries && (entry = readdir(entries)) != NULL) {
    if (!path_of(path, folder, entry->d_name))
      continue;
    if (n < max)
      memcpy(paths[n], path, sizeof path);
    n++;
  }
  if (entries)
    closedir(entries);
  return n;
}

static int by_name(const void *a, const void *b)
{
  return strcmp(a, b);
}

size_t lens_controls(char (*paths)[LENS_PATH_OCTETS], size_t max)
{
  char folder[LENS_PATH_OCTETS];
  size_t n = 0;

  for (unsigned i = 0; i < LENS_CONTROL_FOLDERS; i++)
    if (lens_control_folder(i, folder, sizeof folder))
      n = controls_in(folder, paths, n, max);
  if (n)
    qsort(paths, n < max ? n : max, sizeof *paths, by_name);
  return n;
}

/* ---- asking ------------------------------------------------------------------------------ */

static bool write_all(int fd, const char *octets, size_t n)
{
  while (n > 0) {
    ssize_t done = send(fd, octets, n, MSG_NOSIGNAL);

    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return false;
    octets += done;
    n -= (size_t)done;
  }
  return true;
}

/* One line, without its newline; NULL with errno, 0 meaning that it ended before its end. */
static char *read_line(int fd)
{
  char *line = NULL;
  size_t n = 0, size = 0;

  while (n < answer_most) {
    char *end;
    ssize_t got;

    if (size - n < PIECE_OCTETS) {
      char *more = realloc(line, size = 2 * size + PIECE_OCTETS);

      if (!more)
        break;
      line = more;
    }
    got = recv(fd, line + n, size - n - 1, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      errno = got == 0 ? 0 : errno;
      break;
    }
    end = memchr(line + n, '\n', (size_t)got);
    n += (size_t)got;
    if (end) {
      *end = '\0';
      return line;
    }
  }
  free(line);
  return NULL;
}

static json_t *answer_of(const char *path, const char *line, char *why, size_t size)
{
  json_error_t error;
  json_t *answer = json_loads(line, 0, &error);
  json_int_t version = json_integer_value(json_object_get(answer, "lastack"));
  const char *refusal = json_string_value(json_object_get(answer, "error"));

  if (!answer)
    snprintf(why, size, "%s does not speak JSON: %s", path, error.text);
  else if (version != LENS_JSON_VERSION)
    snprintf(why, size, "%s speaks version %lld of the control protocol, this lastack version %d",
             path, (long long)version, LENS_JSON_VERSION);
  else if (refusal)
    snprintf(why, size, "%s", refusal);
  else
    return answer;
  json_decref(answer);
  return NULL;
}

json_t *lens_ask(const char *path, const char *request, char *why, size_t size)
{
  json_t *answer = NULL;
  char *line = NULL;
  int fd = connect_to(path);

  if (fd < 0) {
    snprintf(why, size, "nobody answers at %s: %s", path, strerror(errno));
    return NULL;
  }
  errno = 0;
  if (write_all(fd, request, strlen(request)) && write_all(fd, "\n", 1))
    line = read_line(fd);
  if (line)
    answer = answer_of(path, line, why, size);
  else if (errno == EAGAIN || errno == EWOULDBLOCK)
    snprintf(why, size, "the lastack at %s has not answered for %d s", path, PATIENCE_S);
  else
    snprintf(why, size, "the lastack at %s broke off: %s", path,
             errno ? strerror(errno) : "it closed the connection");
  free(line);
  close(fd);
  return answer;
}

/* ---- lists and stories ------------------------------------------------------------------- */

static uint32_t setting(const json_t *config, const char *key)
{
  json_int_t value = json_integer_value(json_object_get(config, key));

  return value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

/* The settings that rules.def speaks of; without them the sentences say less. */
static void ask_config(const char *path, la_config *config)
{
  char why[LENS_TEXT_OCTETS];
  json_t *answer = lens_ask(path, "config", why, sizeof why);
  const json_t *settings = json_object_get(answer, "config");

  config->msl_ms = setting(settings, "msl_ms");
  config->fin_wait_2_ms = setting(settings, "fin_wait_2_ms");
  config->syn_retries = setting(settings, "syn_retries");
  config->synack_retries = setting(settings, "synack_retries");
  config->retries = setting(settings, "retries");
  config->orphan_retries = setting(settings, "orphan_retries");
  json_decref(answer);
}

static bool list_of_json(const json_t *answer, struct lens_list *list)
{
  const json_t *sockets = json_object_get(answer, "sockets");
  const char *host = json_string_value(json_object_get(answer, "host"));
  json_int_t pid = json_integer_value(json_object_get(answer, "pid"));
  size_t n = json_array_size(sockets);

  if (!json_is_array(sockets))
    return false;
  list->now = json_integer_value(json_object_get(answer, "now_ns"));
  snprintf(list->host, sizeof list->host, "%.40s%s(pid %lld)", host ? host : "", host ? " " : "",
           (long long)pid);
  list->conns = calloc(n ? n : 1, sizeof *list->conns);
  while (list->conns && list->n < n
         && lens_conn_of_json(json_array_get(sockets, list->n), &list->conns[list->n]))
    list->n++;
  return list->conns && list->n == n;
}

bool lens_list_of_control(const char *path, struct lens_list *list, char *why, size_t size)
{
  json_t *answer = lens_ask(path, "sockets", why, size);
  bool ok;

  memset(list, 0, sizeof *list);
  if (!answer)
    return false;
  ok = list_of_json(answer, list);
  json_decref(answer);
  if (ok) {
    ask_config(path, &list->config);
    return true;
  }
  lens_list_free(list);
  snprintf(why, size, "the answer of %s is not a list of sockets", path);
  return false;
}

static bool event_of_json(const json_t *object, struct lens_event *event)
{
  const char *text = json_string_value(json_object_get(object, "text"));

  memset(event, 0, sizeof *event);
  event->entry.at = json_integer_value(json_object_get(object, "at_ns"));
  snprintf(event->text, sizeof event->text, "%s", text ? text : "");
  return text != NULL;
}

static bool story_of_json(const json_t *answer, struct lens_story *story)
{
  const json_t *events = json_object_get(answer, "story");
  const json_t *socket_object = json_object_get(answer, "socket");
  size_t n = json_array_size(events);

  story->now = json_integer_value(json_object_get(answer, "now_ns"));
  if (!json_is_object(socket_object))
    return true;
  story->events = calloc(n ? n : 1, sizeof *story->events);
  if (!story->events || !lens_conn_of_json(socket_object, &story->conn))
    return false;
  while (story->n < n
         && event_of_json(json_array_get(events, story->n), &story->events[story->n]))
    story->n++;
  return story->n == n;
}

bool lens_story_of_control(const char *path, uint64_t id, struct lens_story *story, char *why,
                           size_t size)
{
  char request[40];
  json_t *answer;
  bool ok;

  memset(story, 0, sizeof *story);
  snprintf(request, sizeof request, "story %016" PRIx64, id);
  answer = lens_ask(path, request, why, size);
  if (!answer)
    return false;
  ok = story_of_json(answer, story);
  json_decref(answer);
  if (ok && story->conn.id != 0)
    return true;
  snprintf(why, size, ok ? "there is no socket %" PRIx64 " any more; `lastack netstat` lists IDs"
                         : "the answer for %" PRIx64 " is not a story", id);
  lens_story_free(story);
  return false;
}
