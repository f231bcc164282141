/* host_file.c - files beneath a folder, and never outside it.
 *
 * The kernel keeps the fence: openat2 with RESOLVE_BENEATH. Where it is not offered (before
 * Linux 5.6, or refused by a sandbox), the path is walked name by name, and links are refused. */
#include "host_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, LISTED_MAX = 10000 };

static int walk(int folder, const char *path)
{
  int fd = openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

  while (fd >= 0 && *path) {
    char name[NAME_MAX + 1];
    size_t length = strcspn(path, "/");
    const char *rest = path + length + strspn(path + length, "/");
    int next;

    if (length >= sizeof name || strncmp(path, "..", length < 2 ? 2 : length) == 0) {
      close(fd);
      errno = length >= sizeof name ? ENAMETOOLONG : EXDEV;
      return -1;
    }
    memcpy(name, path, length);
    name[length] = '\0';
    next = openat(fd, name, *rest || path[length] ? O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC
                                                  : OPEN_FLAGS | O_NOFOLLOW);
    close(fd);
    fd = next;
    path = rest;
  }
  return fd;
}

static int open_beneath(int folder, const char *path)
{
  struct open_how how = {
    .flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS
  };
  long fd;

  path += strspn(path, "/");
  if (!*path)
    path = ".";
  fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    return walk(folder, path);
  return (int)fd;
}

static int status_of(int number)
{
  switch (number) {
    case EACCES:
    case EPERM:
    case EXDEV:
    case ELOOP:
    case ENXIO:  return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return 503;
    default:     return 404;
  }
}

static const char *type_of(const char *path)
{
  static const struct { const char *ending, *type; } types[] = {
    { ".html", "text/html; charset=utf-8" }, { ".htm", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
    { ".txt", "text/plain; charset=utf-8" }, { ".md", "text/markdown; charset=utf-8" },
    { ".json", "application/json" }, { ".xml", "application/xml" }, { ".pdf", "application/pdf" },
    { ".svg", "image/svg+xml" }, { ".png", "image/png" }, { ".jpg", "image/jpeg" },
    { ".jpeg", "image/jpeg" }, { ".gif", "image/gif" }, { ".webp", "image/webp" },
    { ".ico", "image/x-icon" }, { ".wasm", "application/wasm" }, { ".zip", "application/zip" },
    { ".gz", "application/gzip" }, { ".mp4", "video/mp4" }, { ".webm", "video/webm" },
    { ".mp3", "audio/mpeg" }, { ".woff2", "font/woff2" }
  };
  size_t length = strlen(path);

  for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t ending = strlen(types[i].ending);

    if (length > ending && strcasecmp(path + length - ending, types[i].ending) == 0)
      return types[i].type;
  }
  return "application/octet-stream";
}

/* A regular file becomes `file`; anything else is not for reading here. */
static int take_file(int fd, const struct stat *status, const char *name, struct file *file)
{
  if (!S_ISREG(status->st_mode)) {
    close(fd);
    return 403;
  }
  file->fd = fd;
  file->size = (uint64_t)status->st_size;
  file->modified = status->st_mtim.tv_sec;
  file->type = type_of(name);
  snprintf(file->etag, sizeof file->etag, "\"%jx-%jx-%jx.%lx\"", (uintmax_t)status->st_ino,
           (uintmax_t)status->st_size, (uintmax_t)status->st_mtim.tv_sec,
           (unsigned long)status->st_mtim.tv_nsec);
  return 200;
}

/* ---- listings ------------------------------------------------------------ */
static void print_html(FILE *out, const char *text)
{
  for (; *text; text++)
    switch (*text) {
      case '&': fputs("&amp;", out); break;
      case '<': fputs("&lt;", out); break;
      case '>': fputs("&gt;", out); break;
      case '"': fputs("&quot;", out); break;
      default:  fputc(*text, out);
    }
}

/* Everything but RFC 3986 2.3's unreserved characters is written as %XX. */
static void print_link(FILE *out, const char *text)
{
  for (; *text; text++) {
    bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')
                 || (*text >= '0' && *text <= '9') || strchr("-._~", *text);

    fprintf(out, plain ? "%c" : "%%%02X", (unsigned char)*text);
  }
}

static void print_entry(FILE *out, int folder, const char *name)
{
  struct stat status;
  const char *slash;

  if (fstatat(folder, name, &status, 0) < 0
      || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
    return;
  slash = S_ISDIR(status.st_mode) ? "/" : "";
  fputs("<tr><td><a href=\"./", out);
  print_link(out, name);
  fprintf(out, "%s\">", slash);
  print_html(out, name);
  fprintf(out, "%s</a></td><td align=\"right\">", slash);
  if (!*slash)
    fprintf(out, "%jd", (intmax_t)status.st_size);
  fputs("</td></tr>\n", out);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int shown(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

static int list(int folder, const char *path, struct file *file)
{
  struct dirent **entries;
  size_t size = 0;
  int n = scandirat(folder, ".", &entries, shown, by_name);
  FILE *out = n < 0 ? NULL : open_memstream(&file->listing, &size);

  if (out) {
    fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>", out);
    print_html(out, path);
    fputs("</title>\n<h1>", out);
    print_html(out, path);
    fputs("</h1>\n<table>\n", out);
    if (strcmp(path, "/") != 0)
      fputs("<tr><td><a href=\"../\">..</a></td><td></td></tr>\n", out);
    for (int i = 0; i < n && i < LISTED_MAX; i++)
      print_entry(out, folder, entries[i]->d_name);
    fprintf(out, "</table>\n%s", n > LISTED_MAX ? "<p>... and more\n" : "");
    fclose(out);
  }
  for (int i = 0; i < n; i++)
    free(entries[i]);
  if (n >= 0)
    free(entries);
  file->size = size;
  file->type = "text/html; charset=utf-8";
  return file->listing ? 200 : 503;
}

static int take_folder(int fd, const char *path, struct file *file)
{
  struct stat status;
  int index, result;

  if (path[strlen(path) - 1] != '/') {
    close(fd);
    return 301;
  }
  index = open_beneath(fd, "index.html");
  if (index >= 0 && fstat(index, &status) == 0) {
    close(fd);
    return take_file(index, &status, "index.html", file);
  }
  result = list(fd, path, file);
  close(fd);
  return result;
}

int file_open(int folder, const char *path, struct file *file)
{
  struct stat status;
  int fd;

  memset(file, 0, sizeof *file);
  file->fd = -1;
  fd = open_beneath(folder, path);
  if (fd < 0)
    return status_of(errno);
  if (fstat(fd, &status) < 0) {
    close(fd);
    return 404;
  }
  if (S_ISDIR(status.st_mode))
    return take_folder(fd, path, file);
  if (path[strlen(path) - 1] == '/') {
    close(fd);
    return 404;
  }
  return take_file(fd, &status, path, file);
}

void file_close(struct file *file)
{
  if (file->fd >= 0)
    close(file->fd);
  free(file->listing);
  file->fd = -1;
  file->listing = NULL;
}
