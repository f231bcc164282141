/* slab.c - reference-counted octets.
 * The headers lie in one array, our own first; the octets of our own follow it. A header is
 * written when its slab is first handed out: until then a large block stays untouched. */
#include "base/slab.h"
#include "base/need.h"

enum { SLAB_ALIGNMENT = 64 };

static size_t aligned(size_t octets)
{
  return (octets + SLAB_ALIGNMENT - 1) & ~(size_t)(SLAB_ALIGNMENT - 1);
}

static size_t headers_octets(uint32_t count, uint32_t foreign)
{
  return aligned(((size_t)count + foreign) * sizeof(struct la_slab));
}

size_t slabs_octets(uint32_t count, uint32_t size, uint32_t foreign)
{
  return headers_octets(count, foreign) + count * aligned(size);
}

void slabs_init(struct slabs *s, void *memory, uint32_t count, uint32_t size, uint32_t foreign)
{
  *s = (struct slabs){
    .all = memory, .count = count, .size = size, .foreign_count = foreign,
    .octets = (uint8_t *)memory + headers_octets(count, foreign),
  };
}

static void note_peak(uint32_t *peak, uint32_t used)
{
  if (*peak < used)
    *peak = used;
}

struct la_slab *slab_get(struct slabs *s)
{
  struct la_slab *slab = s->free;

  if (slab) {
    s->free = slab->next;
  } else if (s->fresh < s->count) {
    slab = &s->all[s->fresh];
    *slab = (struct la_slab){ .octets = s->octets + s->fresh * aligned(s->size), .size = s->size };
    s->fresh++;
  } else {
    return NULL;
  }
  slab->next = NULL;
  slab->refs = 1;
  note_peak(&s->peak, ++s->used);
  return slab;
}

struct la_slab *slab_wrap(struct slabs *s, void *octets, uint32_t size, void *owner)
{
  struct la_slab *slab = s->foreign_free;

  if (slab)
    s->foreign_free = slab->next;
  else if (s->foreign_fresh < s->foreign_count)
    slab = &s->all[s->count + s->foreign_fresh++];
  else
    return NULL;
  *slab = (struct la_slab){
    .octets = octets, .owner = owner, .size = size, .refs = 1, .foreign = true,
  };
  note_peak(&s->foreign_peak, ++s->foreign_used);
  return slab;
}

/* Behind those that wait already: the caller gets its octets back in the order in which
 * they became free. */
static void give_back(struct slabs *s, struct la_slab *slab)
{
  slab->refs = 0;
  slab->next = NULL;
  if (s->returned)
    s->returned_last->next = slab;
  else
    s->returned = slab;
  s->returned_last = slab;
}

void slab_free(struct slabs *s, struct la_slab *slab)
{
  if (slab->foreign) {
    give_back(s, slab);
    return;
  }
  slab->next = s->free;
  s->free = slab;
  s->used--;
}

size_t slabs_returned(struct slabs *s, void **owners, size_t max)
{
  size_t n = 0;

  while (n < max && s->returned) {
    struct la_slab *const slab = s->returned;

    s->returned = slab->next;
    owners[n++] = slab->owner;
    slab->owner = NULL;
    slab->next = s->foreign_free;
    s->foreign_free = slab;
    s->foreign_used--;
  }
  return n;
}

void slabs_reclaim(struct slabs *s)
{
  for (uint32_t i = 0; i < s->foreign_fresh; i++) {
    struct la_slab *const slab = &s->all[s->count + i];

    if (slab->refs > 0)
      give_back(s, slab);
  }
}
