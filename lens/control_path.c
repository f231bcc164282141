/* control_path.c - the folders of control sockets, and whether one may be trusted.
 *
 * /tmp is open to all, so that a folder found there counts only if it is ours and closed:
 * otherwise someone else could offer a reader a socket of his own. */
#include "control_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool lens_control_folder(unsigned number, char *path, size_t size)
{
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  int length = -1;

  if (number == 0 && runtime && *runtime == '/')
    length = snprintf(path, size, "%s/lastack", runtime);
  else if (number == 1 && geteuid() == 0)
    length = snprintf(path, size, "/run/lastack");
  else if (number == 2)
    length = snprintf(path, size, "/tmp/lastack-%u", (unsigned)geteuid());
  return length > 0 && (size_t)length < size;
}

bool lens_control_folder_is_safe(const char *path)
{
  struct stat folder;

  return lstat(path, &folder) == 0 && S_ISDIR(folder.st_mode) && folder.st_uid == geteuid()
         && (folder.st_mode & 077) == 0;
}
