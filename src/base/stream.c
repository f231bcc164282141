/* stream.c - a queue of octets made of pieces of slabs.
 * Every chunk has at least one octet and one reference to its slab. Appending touches the
 * last chunk, dropping the first ones; only reading in the middle walks. */
#include "base/stream.h"
#include "base/need.h"
#include <string.h>

static uint32_t lesser(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

static int32_t distance_of(const struct stream *s, const struct chunk *chunk)
{
  return chunk ? near_distance(s, chunk) : 0;
}

static struct chunk *head_of(const struct stream *s) { return stream_chunk(s, s->head); }
static struct chunk *tail_of(const struct stream *s) { return stream_chunk(s, s->tail); }

static void link_chunk(struct stream *s, struct chunk *chunk)
{
  struct chunk *const tail = tail_of(s);

  chunk->next = NULL;
  s->tail = distance_of(s, chunk);
  if (tail)
    tail->next = chunk;
  else
    s->head = s->tail;
  s->octets += chunk->length;
}

static void drop_head(const struct store *m, struct stream *s)
{
  struct chunk *const chunk = head_of(s);

  s->head = distance_of(s, chunk->next);
  if (!s->head)
    s->tail = 0;
  slab_release(m->slabs, chunk->slab);
  pool_put(m->chunks, chunk);
}

/* The free octets behind the last chunk that nobody else can see, and nobody else will write:
 * those of one of our own slabs to which this chunk has the only reference. */
uint32_t stream_room(const struct stream *s)
{
  const struct chunk *const tail = tail_of(s);

  if (!tail || tail->slab->foreign || tail->slab->refs != 1)
    return 0;
  return tail->slab->size - tail->offset - tail->length;
}

static uint32_t fill_tail(struct stream *s, const uint8_t *octets, uint32_t n)
{
  struct chunk *const tail = tail_of(s);
  const uint32_t length = lesser(n, stream_room(s));

  if (length == 0)
    return 0;
  memcpy(tail->slab->octets + tail->offset + tail->length, octets, length);
  tail->length += length;
  s->octets += length;
  return length;
}

/* A new chunk with a slab of its own. Returns how many octets went there; 0: no memory, and
 * neither pool was touched. */
static uint32_t fill_new(const struct store *m, struct stream *s, const uint8_t *octets, uint32_t n)
{
  struct chunk *const chunk = m->slabs->used < m->slabs->count ? pool_get(m->chunks) : NULL;
  struct la_slab *slab;

  if (!chunk)
    return 0;
  slab = slab_get(m->slabs);
  need(slab != NULL);
  *chunk = (struct chunk){ .slab = slab, .length = lesser(n, slab->size) };
  memcpy(slab->octets, octets, chunk->length);
  link_chunk(s, chunk);
  return chunk->length;
}

uint32_t stream_write(const struct store *m, struct stream *s, const void *octets, uint32_t n)
{
  const uint8_t *const from = octets;
  uint32_t done = fill_tail(s, from, n);

  while (done < n) {
    const uint32_t length = fill_new(m, s, from + done, n - done);

    if (length == 0)
      break;
    done += length;
  }
  return done;
}

bool stream_lend(const struct store *m, struct stream *s, const struct frag *piece)
{
  struct chunk *const tail = tail_of(s);
  struct chunk *chunk;

  if (piece->length == 0)
    return true;
  if (tail && tail->slab == piece->slab && tail->offset + tail->length == piece->offset) {
    tail->length += piece->length;            /* the reference that it has serves for both */
    s->octets += piece->length;
    return true;
  }
  chunk = pool_get(m->chunks);
  if (!chunk)
    return false;
  *chunk = (struct chunk){ .slab = piece->slab, .offset = piece->offset, .length = piece->length };
  slab_hold(piece->slab);
  link_chunk(s, chunk);
  return true;
}

/* Whether stream_write could take all of n octets. */
static bool fits(const struct store *m, const struct stream *s, uint32_t n)
{
  const uint32_t room = stream_room(s);
  const uint32_t size = m->slabs->size;
  uint32_t slabs;

  if (n <= room)
    return true;
  slabs = (n - room - 1) / size + 1;
  return slabs <= m->slabs->count - m->slabs->used && slabs <= m->chunks->size - m->chunks->used;
}

bool stream_append(const struct store *m, struct stream *s, const struct frag *piece)
{
  if (piece->length >= piece->slab->size - piece->length)
    return stream_lend(m, s, piece);
  if (!fits(m, s, piece->length))
    return false;
  stream_write(m, s, piece->slab->octets + piece->offset, piece->length);
  return true;
}

void stream_join(struct stream *s, struct stream *tail)
{
  struct chunk *const first = head_of(tail), *const before = tail_of(s);

  if (!first)
    return;
  if (before)
    before->next = first;
  else
    s->head = distance_of(s, first);
  s->tail = distance_of(s, tail_of(tail));
  s->octets += tail->octets;
  *tail = (struct stream){ .base = tail->base + tail->octets };
}

void stream_drop(const struct store *m, struct stream *s, uint32_t n)
{
  need(n <= s->octets);
  s->octets -= n;
  s->base += n;
  while (n > 0) {
    struct chunk *const chunk = head_of(s);

    if (n < chunk->length) {
      chunk->offset += n;
      chunk->length -= n;
      return;
    }
    n -= chunk->length;
    drop_head(m, s);
  }
}

void stream_clear(const struct store *m, struct stream *s)
{
  stream_drop(m, s, s->octets);
}

/* A chunk and the position at which it begins. */
struct place {
  const struct chunk *chunk;
  uint32_t position;
};

/* The chunk that holds `offset` (there is one: offset < octets). A cursor that lies in front of
 * the offset and in the queue saves the way up to it. */
static struct place seek(const struct stream *s, const struct stream_cursor *cursor,
                         uint32_t offset)
{
  struct place at = { head_of(s), s->base };
  uint32_t start = 0;

  if (cursor && cursor->chunk && cursor->position != s->base &&
      cursor->position - s->base <= offset) {
    at = (struct place){ stream_chunk(s, cursor->chunk), cursor->position };
    start = cursor->position - s->base;
  }
  while (offset - start >= at.chunk->length) {
    start += at.chunk->length;
    at.chunk = at.chunk->next;
  }
  at.position = s->base + start;
  return at;
}

uint32_t stream_pieces(const struct stream *s, struct stream_cursor *cursor, uint32_t offset,
                       uint32_t n, struct frag *pieces, uint32_t max, uint32_t *covered)
{
  uint32_t count = 0, done = 0;
  struct place at;

  *covered = 0;
  if (offset >= s->octets || n == 0)
    return 0;
  n = lesser(n, s->octets - offset);
  at = seek(s, cursor, offset);
  while (done < n && count < max) {
    const struct chunk *const chunk = at.chunk;
    const uint32_t inside = offset + done - (at.position - s->base);
    const uint32_t length = lesser(n - done, chunk->length - inside);

    pieces[count++] = (struct frag){ chunk->slab, chunk->offset + inside, length };
    done += length;
    if (done < n && count < max)
      at = (struct place){ chunk->next, at.position + chunk->length };
  }
  if (cursor)
    *cursor = (struct stream_cursor){ distance_of(s, at.chunk), at.position };
  *covered = done;
  return count;
}

uint32_t stream_read(const struct stream *s, uint32_t offset, void *octets, uint32_t n)
{
  uint32_t done = 0, inside;
  struct place at;

  if (offset >= s->octets)
    return 0;
  n = lesser(n, s->octets - offset);
  at = seek(s, NULL, offset);
  inside = offset - (at.position - s->base);
  for (const struct chunk *chunk = at.chunk; done < n; chunk = chunk->next, inside = 0) {
    const uint32_t length = lesser(n - done, chunk->length - inside);

    memcpy((uint8_t *)octets + done, chunk->slab->octets + chunk->offset + inside, length);
    done += length;
  }
  return done;
}

bool stream_ok(const struct stream *s)
{
  uint32_t octets = 0;

  for (const struct chunk *chunk = head_of(s); chunk; chunk = chunk->next) {
    if (chunk->length == 0 || chunk->length > s->octets - octets || chunk->slab->refs == 0)
      return false;
    if (chunk->offset > chunk->slab->size || chunk->length > chunk->slab->size - chunk->offset)
      return false;
    if (!chunk->next && chunk != tail_of(s))
      return false;
    octets += chunk->length;
  }
  return octets == s->octets && !s->head == !s->tail;
}
