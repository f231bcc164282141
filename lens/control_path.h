/* control_path.h - where running hosts keep their control sockets: the owner's folder, PID.sock.
 *
 * The candidates, in order: $XDG_RUNTIME_DIR/lastack, /run/lastack for root, /tmp/lastack-UID. A
 * host takes the first it can make; a reader looks through all of them.
 */
#ifndef LASTACK_LENS_CONTROL_PATH_H
#define LASTACK_LENS_CONTROL_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { LENS_CONTROL_FOLDERS = 3, LENS_CONTROL_PATH = 108 };  /* sun_path holds 108 octets */

/* The candidate `number`, without its final slash; false when this one does not apply here. */
bool lens_control_folder(unsigned number, char *path, size_t size);

/* Whether it is there, a real folder, this user's own, and closed to everybody else. */
bool lens_control_folder_is_safe(const char *path);

#endif
