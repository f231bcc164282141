/* host_file.h - what a path of a request names in the folder that is served. */
#ifndef LASTACK_APP_HOST_FILE_H
#define LASTACK_APP_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { ETAG_OCTETS = 56 };

struct file {
  int fd;                       /* -1: the octets are in `listing` */
  uint64_t size;
  time_t modified;
  const char *type;             /* Content-Type */
  char etag[ETAG_OCTETS];       /* with its quotes; "" for a listing */
  char *listing;                /* malloc'ed */
};

/* Opens what `path` (decoded, absolute) names beneath `folder`: a regular file, a folder's
 * index.html, or a listing. 200, or an HTTP status: 301 for a folder without its final slash,
 * 403, 404, 503. Nothing outside the folder is ever opened, links and ".." included. */
int file_open(int folder, const char *path, struct file *file);
void file_close(struct file *file);

#endif
