/* mem.c - two stacks, joined in memory.
 *
 * Headers are always copied, into slabs of the receiver that many packets share: they are short,
 * and must lie in one piece. Lent text stays in the sender's slabs; each loan is a record that
 * comes back through la_slab_returned, and then the sender's reference is given back. */
#include "mem.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, SHARE_ALIGN = 16, PIECE_LEAST = 2048 };

struct loan {
  la_slab *slab;                /* of the sender */
  la_stack *sender;
};

struct direction {
  la_stack *to;
  int iface;
  la_slab *heads;               /* the receiver's slab that is being filled */
  uint32_t filled;
  struct mem_counters counters;
};

struct mem {
  struct mem_end end[2];
  enum mem_mode mode;
  bool split;
  struct direction way[2];      /* way[i] leaves end i */
};

struct mem *mem_open(struct mem_end a, struct mem_end b, enum mem_mode mode, bool split)
{
  struct mem *mem = calloc(1, sizeof *mem);

  if (!mem)
    return NULL;
  mem->end[0] = a;
  mem->end[1] = b;
  mem->mode = mode;
  mem->split = split;
  for (int i = 0; i < 2; i++) {
    mem->way[i].to = mem->end[1 - i].stack;
    mem->way[i].iface = mem->end[1 - i].iface;
  }
  return mem;
}

/* What the receiver no longer needs goes back to the sender. */
static void take_back(struct direction *way)
{
  void *owners[BATCH];
  size_t n;

  while ((n = la_slab_returned(way->to, owners, BATCH)) > 0)
    for (size_t i = 0; i < n; i++) {
      struct loan *loan = owners[i];

      la_slab_release(loan->sender, loan->slab);
      free(loan);
    }
}

void mem_close(struct mem *mem)
{
  for (int i = 0; i < 2; i++) {
    struct direction *way = &mem->way[i];

    take_back(way);
    if (way->heads)
      la_slab_release(way->to, way->heads);
  }
  free(mem);
}

/* At least `least` octets in one piece of the receiver's memory, and at most `most`. NULL when
 * it has no slab left, or none so large. */
static uint8_t *piece(struct direction *way, uint32_t least, uint32_t most, la_frag *frag)
{
  uint32_t room = way->heads ? la_slab_size(way->heads) - way->filled : 0;

  if (room < least) {
    if (way->heads)
      la_slab_release(way->to, way->heads);
    way->heads = NULL;
    if (la_slab_get(way->to, &way->heads) < 0)
      return NULL;
    way->filled = 0;
    room = la_slab_size(way->heads);
  }
  if (room < least)
    return NULL;
  *frag = (la_frag){ way->heads, way->filled, most < room ? most : room };
  la_slab_hold(way->heads);
  way->filled += (frag->length + SHARE_ALIGN - 1) / SHARE_ALIGN * SHARE_ALIGN;
  if (way->filled > la_slab_size(way->heads))
    way->filled = la_slab_size(way->heads);
  return la_slab_octets(frag->slab) + frag->offset;
}

static void drop(la_stack *stack, la_pkt *pkt)
{
  for (unsigned i = 0; i < pkt->frags; i++)
    la_slab_release(stack, pkt->frag[i].slab);
  pkt->frags = 0;
}

/* All fields that mean something to a receiver, and no octets yet. */
static void begin(const la_pkt *from, la_pkt *to, int iface, la_time now)
{
  memset(to, 0, offsetof(la_pkt, frag));
  to->at = now;
  to->iface = (uint16_t)iface;
  to->flags = from->flags;
  to->gso_size = from->gso_size;
  to->csum_start = from->csum_start;
  to->csum_offset = from->csum_offset;
}

/* A cursor over the octets of a packet that is going out: its head, then its fragments. */
struct cursor {
  const la_pkt *pkt;
  unsigned frag;
  uint32_t at;
  bool in_head;
};

static void read_octets(struct cursor *c, uint8_t *octets, uint32_t n)
{
  while (n > 0) {
    const la_frag *frag = &c->pkt->frag[c->frag];
    const uint8_t *from = c->in_head ? c->pkt->head : la_slab_octets(frag->slab) + frag->offset;
    uint32_t left = (c->in_head ? c->pkt->head_length : frag->length) - c->at;
    uint32_t here = n < left ? n : left;

    memcpy(octets, from + c->at, here);
    octets += here;
    n -= here;
    c->at += here;
    if (here == left) {
      c->frag += c->in_head ? 0 : 1;
      c->in_head = false;
      c->at = 0;
    }
  }
}

/* A packet is split over slabs only where it is larger than PIECE_LEAST, so that its headers lie
 * in one piece and few slabs hold much. */
static bool copy(struct direction *way, const la_pkt *from, la_pkt *to)
{
  struct cursor cursor = { .pkt = from, .in_head = from->head_length > 0 };
  uint32_t left = (uint32_t)la_pkt_length(from);

  while (left > 0) {
    la_frag *frag = &to->frag[to->frags];
    uint8_t *octets = to->frags < LA_PKT_FRAGS
                        ? piece(way, left < PIECE_LEAST ? left : PIECE_LEAST, left, frag) : NULL;

    if (!octets)
      return false;
    to->frags++;
    read_octets(&cursor, octets, frag->length);
    left -= frag->length;
  }
  return true;
}

static bool lend(struct direction *way, la_stack *sender, const la_pkt *from, la_pkt *to)
{
  uint8_t *head = piece(way, from->head_length, from->head_length, &to->frag[0]);

  if (!head)
    return false;
  memcpy(head, from->head, from->head_length);
  to->frags = 1;
  for (unsigned i = 0; i < from->frags; i++) {
    const la_frag *text = &from->frag[i];
    struct loan *loan = malloc(sizeof *loan);
    la_frag *frag = &to->frag[to->frags];

    if (!loan)
      return false;
    if (la_slab_wrap(way->to, la_slab_octets(text->slab) + text->offset, text->length, loan,
                     &frag->slab) < 0) {
      free(loan);
      return false;
    }
    la_slab_hold(text->slab);
    *loan = (struct loan){ text->slab, sender };
    frag->offset = 0;
    frag->length = text->length;
    to->frags++;
  }
  return true;
}

/* One packet across. Text in six pieces cannot be lent, for the headers are the seventh. */
static bool cross(struct mem *mem, int from, const la_pkt *pkt, la_pkt *arrived, la_time now)
{
  struct direction *way = &mem->way[from];

  begin(pkt, arrived, way->iface, now);
  if (mem->mode == MEM_LEND && pkt->head_length > 0 && pkt->frags > 0
      && pkt->frags < LA_PKT_FRAGS) {
    if (lend(way, mem->end[from].stack, pkt, arrived)) {
      way->counters.lent++;
      return true;
    }
    drop(way->to, arrived);
    begin(pkt, arrived, way->iface, now);
  }
  if (copy(way, pkt, arrived))
    return true;
  drop(way->to, arrived);
  way->counters.lost++;
  return false;
}

static void cross_batch(struct mem *mem, int from, const la_pkt *pkts, size_t n, la_time now)
{
  la_pkt arrived[BATCH];
  struct direction *way = &mem->way[from];
  size_t k = 0;

  for (size_t i = 0; i < n; i++)
    k += cross(mem, from, &pkts[i], &arrived[k], now);
  way->counters.delivered += k;
  la_input(way->to, now, arrived, k);
}

static void cross_split(struct mem *mem, int from, const la_pkt *super, la_time now)
{
  la_stack *sender = mem->end[from].stack;
  la_pkt pieces[BATCH];
  size_t first = 0, n;

  while ((n = la_gso_split(sender, super, first, pieces, BATCH)) > 0) {
    cross_batch(mem, from, pieces, n, now);
    for (size_t i = 0; i < n; i++)
      la_pkt_release(sender, &pieces[i]);
    first += n;
    if (super->gso_size == 0)
      return;
  }
}

size_t mem_move(struct mem *mem, int from, la_time now, size_t max)
{
  la_pkt pkts[BATCH];
  struct direction *way = &mem->way[from];
  size_t n, moved = 0;

  while (moved < max
         && (n = la_output(mem->end[from].stack, now, pkts, max - moved < BATCH ? max - moved
                                                                               : BATCH)) > 0) {
    if (!mem->split)
      cross_batch(mem, from, pkts, n, now);
    for (size_t i = 0; i < n; i++) {
      if (mem->split)
        cross_split(mem, from, &pkts[i], now);
      way->counters.octets += la_pkt_length(&pkts[i]);
      la_pkt_release(mem->end[from].stack, &pkts[i]);
    }
    moved += n;
    take_back(way);
  }
  way->counters.packets += moved;
  return moved;
}

size_t mem_settle(struct mem *mem, la_time now, unsigned rounds)
{
  size_t all = 0;

  for (unsigned i = 0; i < rounds; i++) {
    size_t moved = mem_move(mem, 0, now, BATCH) + mem_move(mem, 1, now, BATCH);

    if (moved == 0)
      break;
    all += moved;
  }
  take_back(&mem->way[0]);
  take_back(&mem->way[1]);
  return all;
}

la_time mem_deadline(const struct mem *mem)
{
  la_time a = la_deadline(mem->end[0].stack), b = la_deadline(mem->end[1].stack);

  return a < b ? a : b;
}

const struct mem_counters *mem_counters(const struct mem *mem, int from)
{
  return &mem->way[from].counters;
}
