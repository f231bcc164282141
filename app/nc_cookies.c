/* nc_cookies.c - Fast Open's cookies outlive `lastack nc` in a file (RFC 7413 4.1.3): a line for
 * each server, its address, its MSS and the cookie in hexadecimal digits. A cookie lets whoever has
 * it make a server send to this address, so the file is its owner's alone. */
#include "nc.h"

#include "app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool digits_read(const char *digits, la_fastopen *known)
{
  size_t n = strlen(digits);

  if (n % 2 != 0 || n / 2 > sizeof known->cookie)
    return false;
  for (size_t i = 0; i < n / 2; i++) {
    unsigned octet;
    int used = 0;

    if (sscanf(digits + 2 * i, "%2x%n", &octet, &used) != 1 || used != 2)
      return false;
    known->cookie[i] = (uint8_t)octet;
  }
  known->cookie_length = (uint8_t)(n / 2);
  return true;
}

/* "192.0.2.1 1460 0123456789abcdef", and " old" for the experimental kind of option. */
static bool line_read(const char *line, la_fastopen *known)
{
  char addr[LA_ADDR_TEXT + 1], digits[2 * sizeof known->cookie + 1], kind[4] = "";
  unsigned mss;

  memset(known, 0, sizeof *known);
  if (sscanf(line, "%46s %u %32s %3s", addr, &mss, digits, kind) < 3 || mss > UINT16_MAX
      || !app_addr(addr, &known->peer) || !digits_read(digits, known))
    return false;
  known->mss = (uint16_t)mss;
  known->experimental = strcmp(kind, "old") == 0;
  return true;
}

bool nc_cookies_read(struct nc *nc)
{
  FILE *file = fopen(nc->cookies_path, "r");
  la_fastopen known;
  char line[256];
  bool good = true;

  if (!file && errno == ENOENT)
    return true;                /* the first time */
  if (!file)
    return app_fail("%s: %s", nc->cookies_path, strerror(errno)) == APP_OK;
  while (good && fgets(line, sizeof line, file)) {
    good = line_read(line, &known) && la_fastopen_set(node_stack(nc->node), &known) == 0;
    if (!good)
      app_fail("%s: '%.*s' is no line of cookies", nc->cookies_path, (int)strcspn(line, "\n"),
               line);
  }
  fclose(file);
  return good;
}

void nc_cookies_write(struct nc *nc)
{
  int fd = open(nc->cookies_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
  la_fastopen known;
  char addr[LA_ADDR_TEXT];
  int failed = !file;

  for (unsigned i = 0; file && la_fastopen_get(node_stack(nc->node), i, &known) == 0; i++) {
    if (known.cookie_length == 0)
      continue;
    la_addr_text(known.peer, addr, sizeof addr);
    fprintf(file, "%s %u ", addr, known.mss);
    for (unsigned k = 0; k < known.cookie_length; k++)
      fprintf(file, "%02x", known.cookie[k]);
    fputs(known.experimental ? " old\n" : "\n", file);
  }
  if (file)
    failed = fclose(file);
  else if (fd >= 0)
    close(fd);
  if (failed)
    app_fail("%s: %s", nc->cookies_path, strerror(errno));
}
