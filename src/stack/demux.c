/* demux.c - open addressing with linear probing, and deletion by shifting back (Knuth 6.4,
 * algorithm R), so that no tombstones pile up as connections come and go.
 * The tag is the hash; its low bits are the home of the slot. */
#include "base/need.h"
#include "stack/stack.h"

static uint32_t slots_for(uint32_t entries)
{
  uint32_t n = 16;

  while (n / 2 < entries)
    n *= 2;
  return n;
}

size_t demux_octets(uint32_t entries)
{
  return (slots_for(entries) * sizeof(struct demux_slot) + 63) & ~(size_t)63;
}

void demux_init(struct demux *d, void *memory, uint32_t entries)
{
  d->slots = memory;
  d->mask = slots_for(entries) - 1;
  d->used = 0;
  memset(memory, 0, demux_octets(entries));
}

void demux_insert(struct demux *d, uint32_t tag, uint32_t what)
{
  uint32_t i = tag & d->mask;

  need(d->used <= d->mask / 2);               /* so the search ends */
  while (d->slots[i].what != 0)
    i = (i + 1) & d->mask;
  d->slots[i] = (struct demux_slot){ tag, what };
  d->used++;
}

/* Closes the hole: whoever comes later in the run and may stand here does. */
void demux_erase(struct demux *d, uint32_t tag, uint32_t what)
{
  uint32_t hole = tag & d->mask;

  while (d->slots[hole].what != what) {
    need(d->slots[hole].what != 0);
    hole = (hole + 1) & d->mask;
  }
  for (uint32_t i = (hole + 1) & d->mask; d->slots[i].what != 0; i = (i + 1) & d->mask) {
    const uint32_t home = d->slots[i].tag & d->mask;

    if (((i - home) & d->mask) < ((i - hole) & d->mask))
      continue;                               /* it would stand before its home */
    d->slots[hole] = d->slots[i];
    hole = i;
  }
  d->slots[hole].what = 0;
  d->used--;
}
