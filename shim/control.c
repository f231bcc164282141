/* control.c - questions from outside, while a script runs: packetdrill gives commands to a shell,
 * which is another process. It asks here, over a Unix socket, one line each, and packetdrill waits
 * for it meanwhile; so the answers are as repeatable as all else.
 *
 *     set NAME=VALUE ...   ok, or error and why
 *     count STATE          a number
 *     drop STATE           a number */
#include "shim.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

int shim_change(struct shim *m, const char *words)
{
  la_iface iface = { .medium = LA_MEDIUM_IP, .flags = LA_IFACE_UP, .name = "drill" };

  if (m->error[0] != '\0' || shim_settings_read(m, words) < 0)
    return -1;
  if (!m->stack)
    return 0;
  iface.mtu = m->set.mtu;
  iface.gso_max = m->set.gso_max;
  if (la_config_set(m->stack, &m->set.config) >= 0 && la_iface_set(m->stack, m->iface, &iface) >= 0)
    return 0;
  (void)snprintf(m->error, sizeof m->error, "too late, there are sockets: %s", words);
  return -1;
}

unsigned shim_in_state(struct shim *m, const char *state, bool drop)
{
  la_sock cursor = { 0 };
  la_sock_info info;
  unsigned n = 0;

  while (m->stack && la_sock_next(m->stack, &cursor)) {
    if (la_sock_get(m->stack, cursor, &info) < 0 || info.protocol != LA_TCP ||
        strcmp(la_state_name(info.state), state) != 0)
      continue;
    n++;
    if (drop)
      (void)!la_tcp_abort(m->stack, cursor);
  }
  return n;
}

static void answer(struct shim *m, char *line, char *text, size_t size)
{
  char *const words = strchr(line, ' ');

  if (words)
    *words = '\0';
  pthread_mutex_lock(&m->lock);
  if (!words)
    (void)snprintf(text, size, "error what is %.60s?\n", line);
  else if (strcmp(line, "set") == 0)
    (void)(shim_change(m, words + 1) < 0 ? snprintf(text, size, "error %s\n", m->error)
                                         : snprintf(text, size, "ok\n"));
  else
    (void)snprintf(text, size, "%u\n",
                   shim_in_state(m, words + 1, strcmp(line, "drop") == 0));
  pthread_mutex_unlock(&m->lock);
}

/* One question, one answer, and the end. */
static void serve(struct shim *m, int fd)
{
  char line[1024], text[SHIM_ERROR_TEXT + 16];
  size_t length = 0;
  ssize_t n;

  while (length < sizeof line - 1 && (n = read(fd, line + length, sizeof line - 1 - length)) > 0) {
    length += (size_t)n;
    line[length] = '\0';
    if (!strchr(line, '\n'))
      continue;
    *strchr(line, '\n') = '\0';
    answer(m, line, text, sizeof text);
    (void)!write(fd, text, strlen(text));
    return;
  }
}

static void *run(void *u)
{
  struct shim *const m = u;
  int fd;

  while ((fd = accept(m->control, NULL, NULL)) >= 0) {
    serve(m, fd);
    (void)close(fd);
  }
  return NULL;
}

void shim_control_begin(struct shim *m)
{
  struct sockaddr_un name = { .sun_family = AF_UNIX };

  m->control = -1;
  if (m->set.control[0] == '\0')
    return;
  (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", m->set.control);
  m->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (m->control < 0 || bind(m->control, (const void *)&name, sizeof name) < 0 ||
      listen(m->control, 4) < 0 || pthread_create(&m->controller, NULL, run, m) != 0) {
    (void)snprintf(m->error, sizeof m->error, "no control socket: %s", m->set.control);
    if (m->control >= 0)
      (void)close(m->control);
    m->control = -1;
  }
}

void shim_control_end(struct shim *m)
{
  if (m->control < 0)
    return;
  (void)shutdown(m->control, SHUT_RDWR);
  (void)pthread_join(m->controller, NULL);
  (void)close(m->control);
  (void)unlink(m->set.control);
}
