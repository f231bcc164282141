/* waiters.h - who was refused something that was used up: a bit each, asked in turn when there is
 * some again.  What there is, `spare`, is the caller's number; nobody need say when it changes.
 *
 * It is an edge. One that was refused is asked again only once there was more to spare than when
 * it was refused, so that a wish that cannot be fulfilled does not ask for ever; and one that is
 * refused again stands behind all who wait, so that a greedy one does not keep it from the others.
 */
#ifndef LA_BASE_WAITERS_H
#define LA_BASE_WAITERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiters {
  uint64_t *bits;
  uint32_t size, count;         /* how many there can be, and are */
  uint32_t next;                /* the first in turn, or who follows */
  uint32_t turn;                /* so many may be asked before there is more to spare */
  uint32_t seen;                /* what there was to spare, when last looked at */
};

#define WAITERS_NONE UINT32_MAX

size_t waiters_octets(uint32_t size);
void   waiters_init(struct waiters *w, void *memory, uint32_t size);
/* `who` was refused while there was so much to spare. */
void   waiters_add(struct waiters *w, uint32_t who, uint32_t spare);
void   waiters_remove(struct waiters *w, uint32_t who);     /* whether it waits or not */

/* `who` has got it without being asked. */
static inline void waiters_served(struct waiters *w, uint32_t who)
{
  if (w->count > 0)
    waiters_remove(w, who);
}

/* Is there anybody to be asked? */
static inline bool waiters_due(const struct waiters *w, uint32_t spare)
{
  return w->count > 0 && spare > 0 && (w->turn > 0 || spare > w->seen);
}

/* The next to be asked, who waits no more; WAITERS_NONE: nobody. */
uint32_t waiters_take(struct waiters *w, uint32_t spare);

#endif
