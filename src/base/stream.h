/* stream.h - a queue of octets made of pieces of slabs: what one end has still to send, or
 * to read, or an island of text that came out of order.  Positions are absolute: `base`
 * counts every octet ever dropped from the front (and wraps, as sequence numbers do). */
#ifndef LA_BASE_STREAM_H
#define LA_BASE_STREAM_H
#include "base/list.h"
#include "base/pool.h"
#include "base/slab.h"

struct chunk {
  struct chunk *next;
  struct la_slab *slab;
  uint32_t offset, length;
};

/* The chunks are named by their distance from the stream (base/list.h), 0: none. So a stream that
 * has octets is never copied nor moved. */
struct stream {
  _Alignas(8) int32_t head;
  int32_t tail;
  uint32_t octets, base;
};

/* Remembers the chunk of a position in one stream, so that going on from there need not walk the
 * queue. It may be kept across drops and appends: a stale one is seen by its position. */
struct stream_cursor {
  int32_t chunk;
  uint32_t position;
};

struct store { struct slabs *slabs; struct pool *chunks; };   /* where the memory comes from */

static inline struct chunk *stream_chunk(const struct stream *s, int32_t distance)
{
  return distance ? near_at(s, distance) : NULL;
}

static inline const struct chunk *stream_first(const struct stream *s)
{
  return stream_chunk(s, s->head);
}

/* Copies up to n octets to the end, filling the last slab if nobody else can see its free
 * part, then new ones. Returns how many: fewer when memory is short. */
uint32_t stream_write(const struct store *m, struct stream *s, const void *octets, uint32_t n);

/* The octets that stream_write would take without new memory. */
uint32_t stream_room(const struct stream *s);

/* Takes a reference to the piece, without copying. false: no chunk left. */
bool stream_lend(const struct store *m, struct stream *s, const struct frag *piece);

/* As lend if the piece fills at least a half of its slab (so that small segments cannot pin
 * large memory), else as write. false: no memory, and nothing was changed. */
bool stream_append(const struct store *m, struct stream *s, const struct frag *piece);

/* Moves all of `tail` behind `s`; `tail` is empty then. */
void stream_join(struct stream *s, struct stream *tail);

/* Drops n octets from the front (n <= octets), or all. */
void stream_drop(const struct store *m, struct stream *s, uint32_t n);
void stream_clear(const struct store *m, struct stream *s);

/* Copies out n octets from `offset` on, without dropping; returns how many there were. */
uint32_t stream_read(const struct stream *s, uint32_t offset, void *octets, uint32_t n);

/* The pieces of [offset, offset + n): at most `max`, no references taken. Returns how many
 * pieces; *covered says how many octets they are. `cursor` may be NULL. */
uint32_t stream_pieces(const struct stream *s, struct stream_cursor *cursor, uint32_t offset,
                       uint32_t n, struct frag *pieces, uint32_t max, uint32_t *covered);

bool stream_ok(const struct stream *s);       /* its invariants, for check() */

#endif
