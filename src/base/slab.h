/* slab.h - reference-counted octets: what packets arrive in and streams are kept in. */
#ifndef LA_BASE_SLAB_H
#define LA_BASE_SLAB_H
#include "base/need.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct la_slab {
  uint8_t *octets;
  struct la_slab *next;        /* among the free ones, or the foreign ones nobody holds any more */
  void    *owner;              /* of a foreign slab: the caller's word for it */
  uint32_t size, refs;
  bool     foreign;
};

struct frag { struct la_slab *slab; uint32_t offset, length; };

struct slabs {
  struct la_slab *all;                        /* `count` of our own, then the foreign ones */
  struct la_slab *free, *foreign_free, *returned, *returned_last;
  uint8_t *octets;                            /* of our own slabs, one behind the other */
  uint32_t count, foreign_count, size;
  uint32_t fresh, foreign_fresh;              /* those from here on were never handed out */
  uint32_t used, peak, foreign_used, foreign_peak;
};

size_t slabs_octets(uint32_t count, uint32_t size, uint32_t foreign);
void   slabs_init(struct slabs *s, void *memory, uint32_t count, uint32_t size, uint32_t foreign);
/* Both give one reference, or NULL when there are no more. */
struct la_slab *slab_get(struct slabs *s);
struct la_slab *slab_wrap(struct slabs *s, void *octets, uint32_t size, void *owner);
void   slab_free(struct slabs *s, struct la_slab *slab);    /* the last reference is gone */
/* The owners of foreign slabs that nobody holds any more, in the order in which that happened. */
size_t slabs_returned(struct slabs *s, void **owners, size_t max);
/* The end: every foreign slab is returned, whoever held it. */
void   slabs_reclaim(struct slabs *s);

static inline void slab_hold(struct la_slab *slab) { slab->refs++; }

static inline void slab_release(struct slabs *s, struct la_slab *slab)
{
  need(slab->refs > 0);
  if (--slab->refs == 0)
    slab_free(s, slab);
}

#endif
