/* stream: against a plain array of octets, under random operations and want of memory. */
#include "support/unit.h"

#include "base/rng.h"
#include "base/stream.h"

enum { SLABS = 24, SLAB_SIZE = 64, FOREIGN = 8, CHUNKS = 40, CHUNKS_MOST = 256, MODEL = 1 << 16 };

/* The chunks lie near the streams, both on the test's stack. */
struct memory {
  struct slabs slabs;
  struct pool chunks;
  struct store store;
  _Alignas(64) uint8_t chunk[CHUNKS_MOST * sizeof(struct chunk)];
};

/* A store's address must not change, so it is filled in place. */
static void memory_make(struct memory *m, uint32_t slabs, uint32_t chunks)
{
  slabs_init(&m->slabs, test_memory(slabs_octets(slabs, SLAB_SIZE, FOREIGN)), slabs, SLAB_SIZE,
             FOREIGN);
  assert_true(pool_octets(sizeof(struct chunk), chunks) <= sizeof m->chunk);
  pool_init(&m->chunks, m->chunk, sizeof(struct chunk), chunks);
  m->store = (struct store){ &m->slabs, &m->chunks };
}

static void memory_end(struct memory *m)
{
  assert_int_equal(m->slabs.used, 0);
  assert_int_equal(m->chunks.used, 0);
  free(m->slabs.all);
}

static uint8_t pattern(uint32_t i)
{
  return (uint8_t)(i * 167 + (i >> 8));
}

static void holds(const struct stream *s, const uint8_t *octets, uint32_t n)
{
  uint8_t copy[MODEL];

  assert_true(stream_ok(s));
  assert_int_equal(s->octets, n);
  assert_int_equal(stream_read(s, 0, copy, sizeof copy), n);
  assert_memory_equal(copy, octets, n);
}

TEST(small_writes_fill_one_slab)
{
  struct memory m;
  struct stream s = { 0 };
  uint8_t octets[SLAB_SIZE];

  memory_make(&m, SLABS, CHUNKS);
  for (uint32_t i = 0; i < SLAB_SIZE; i++) {
    octets[i] = pattern(i);
    assert_int_equal(stream_write(&m.store, &s, &octets[i], 1), 1);
  }
  assert_int_equal(m.slabs.used, 1);
  assert_int_equal(m.chunks.used, 1);
  holds(&s, octets, SLAB_SIZE);
  stream_clear(&m.store, &s);
  assert_int_equal(s.base, SLAB_SIZE);
  memory_end(&m);
}

/* Whoever else holds the slab may be reading it, or filling it himself. */
TEST(the_free_part_of_a_shared_slab_is_left_alone)
{
  struct memory m;
  struct stream s = { 0 };
  struct la_slab *slab;

  memory_make(&m, SLABS, CHUNKS);
  stream_write(&m.store, &s, "abc", 3);
  slab = stream_chunk(&s, s.tail)->slab;
  memset(slab->octets + 3, '.', SLAB_SIZE - 3);
  slab_hold(slab);
  stream_write(&m.store, &s, "def", 3);
  assert_memory_equal(slab->octets, "abc......", 9);
  assert_int_equal(m.slabs.used, 2);
  holds(&s, (const uint8_t *)"abcdef", 6);
  slab_release(&m.slabs, slab);
  stream_clear(&m.store, &s);
  memory_end(&m);
}

TEST(the_free_part_of_a_lent_buffer_is_left_alone)
{
  struct memory m;
  struct stream s = { 0 };
  uint8_t theirs[10] = "0123456789";
  struct la_slab *slab;

  memory_make(&m, SLABS, CHUNKS);
  slab = slab_wrap(&m.slabs, theirs, sizeof theirs, theirs);
  assert_true(stream_lend(&m.store, &s, &(struct frag){ slab, 2, 3 }));
  slab_release(&m.slabs, slab);
  stream_write(&m.store, &s, "xyz", 3);
  assert_memory_equal(theirs, "0123456789", 10);
  holds(&s, (const uint8_t *)"234xyz", 6);
  stream_clear(&m.store, &s);
  assert_ptr_equal(m.slabs.returned, slab);
  memory_end(&m);
}

/* RFC 9293 3.8.6.2.1 speaks of silly windows; this is silly memory: 16 KiB for one octet. */
TEST(append_keeps_a_slab_that_is_half_full_and_copies_out_of_others)
{
  struct memory m;
  struct stream s = { 0 };

  memory_make(&m, SLABS, CHUNKS);
  for (uint32_t length = 0; length <= SLAB_SIZE; length++) {
    struct la_slab *const slab = slab_get(&m.slabs);

    assert_true(stream_append(&m.store, &s, &(struct frag){ slab, 0, length }));
    assert_int_equal(slab->refs, length >= SLAB_SIZE / 2 ? 2 : 1);
    slab_release(&m.slabs, slab);
    stream_clear(&m.store, &s);
  }
  memory_end(&m);
}

TEST(neighbours_in_one_slab_share_a_chunk)
{
  struct memory m;
  struct stream s = { 0 };
  struct la_slab *slab;

  memory_make(&m, SLABS, CHUNKS);
  slab = slab_get(&m.slabs);
  memcpy(slab->octets, "abcdefgh", 8);
  stream_lend(&m.store, &s, &(struct frag){ slab, 1, 3 });
  stream_lend(&m.store, &s, &(struct frag){ slab, 4, 2 });
  assert_int_equal(m.chunks.used, 1);
  stream_lend(&m.store, &s, &(struct frag){ slab, 0, 1 });
  assert_int_equal(m.chunks.used, 2);
  assert_int_equal(slab->refs, 3);
  holds(&s, (const uint8_t *)"bcdefa", 6);
  stream_clear(&m.store, &s);
  slab_release(&m.slabs, slab);
  memory_end(&m);
}

TEST(writing_says_how_much_memory_there_was)
{
  struct memory m;
  struct stream s = { 0 };
  uint8_t octets[SLAB_SIZE * 4];

  for (uint32_t i = 0; i < sizeof octets; i++)
    octets[i] = pattern(i);
  memory_make(&m, 2, CHUNKS);
  assert_int_equal(stream_write(&m.store, &s, octets, 10), 10);
  assert_int_equal(stream_write(&m.store, &s, octets + 10, sizeof octets - 10), SLAB_SIZE * 2 - 10);
  assert_int_equal(m.chunks.fresh, 2);
  assert_int_equal(stream_write(&m.store, &s, octets, 1), 0);
  assert_int_equal(m.chunks.fresh, 2);        /* neither pool is touched for nothing */
  holds(&s, octets, SLAB_SIZE * 2);
  stream_clear(&m.store, &s);
  memory_end(&m);
  memory_make(&m, SLABS, 3);
  assert_int_equal(stream_write(&m.store, &s, octets, sizeof octets), SLAB_SIZE * 3);
  assert_int_equal(m.slabs.used, 3);
  holds(&s, octets, SLAB_SIZE * 3);
  stream_clear(&m.store, &s);
  memory_end(&m);
}

/* Each pool gives out in turn: nothing has changed, and nothing leaks. */
TEST(append_without_memory_changes_nothing)
{
  struct memory m;
  struct stream s = { 0 };
  struct la_slab *large, *small;

  memory_make(&m, 3, 1);
  large = slab_get(&m.slabs);
  small = slab_get(&m.slabs);
  memset(large->octets, 'x', SLAB_SIZE);
  assert_true(stream_append(&m.store, &s, &(struct frag){ large, 0, SLAB_SIZE }));
  assert_false(stream_append(&m.store, &s, &(struct frag){ small, 0, SLAB_SIZE }));
  assert_false(stream_append(&m.store, &s, &(struct frag){ small, 0, 1 }));
  assert_false(stream_lend(&m.store, &s, &(struct frag){ small, 0, 1 }));
  assert_int_equal(small->refs, 1);
  holds(&s, large->octets, SLAB_SIZE);
  stream_clear(&m.store, &s);
  slab_get(&m.slabs);
  assert_false(stream_append(&m.store, &s, &(struct frag){ small, 0, 1 }));
  assert_int_equal(m.chunks.used, 0);
  assert_true(s.head == 0 && stream_ok(&s));
  free(m.slabs.all);
}

TEST(a_stale_cursor_is_seen_by_its_position)
{
  struct memory m;
  struct stream s = { .base = UINT32_MAX - 100 };     /* positions wrap on the way */
  struct stream_cursor cursor = { 0 };
  uint8_t octets[SLAB_SIZE * 4];
  struct frag piece;
  uint32_t covered;

  memory_make(&m, SLABS, CHUNKS);
  for (uint32_t i = 0; i < sizeof octets; i++)
    octets[i] = pattern(i);
  stream_write(&m.store, &s, octets, sizeof octets);
  for (uint32_t dropped = 0; dropped < sizeof octets; dropped++) {
    for (uint32_t offset = 0; offset < s.octets; offset += 13) {
      assert_int_equal(stream_pieces(&s, &cursor, offset, 1, &piece, 1, &covered), 1);
      assert_int_equal(piece.slab->octets[piece.offset], octets[dropped + offset]);
    }
    stream_drop(&m.store, &s, 1);
  }
  assert_int_equal(stream_pieces(&s, &cursor, 0, 1, &piece, 1, &covered), 0);
  assert_int_equal(covered, 0);
  stream_write(&m.store, &s, "again", 5);
  assert_int_equal(stream_pieces(&s, &cursor, 1, 4, &piece, 1, &covered), 1);
  assert_memory_equal(piece.slab->octets + piece.offset, "gain", 4);
  stream_clear(&m.store, &s);
  memory_end(&m);
}

TEST(pieces_stop_at_the_most_that_were_asked_for)
{
  struct memory m;
  struct stream s = { 0 };
  uint8_t octets[SLAB_SIZE * 4] = { 0 };
  struct frag piece[4];
  uint32_t covered;

  memory_make(&m, SLABS, CHUNKS);
  stream_write(&m.store, &s, octets, sizeof octets);
  assert_int_equal(stream_pieces(&s, NULL, 10, 1000, piece, 2, &covered), 2);
  assert_int_equal(covered, 2 * SLAB_SIZE - 10);
  assert_int_equal(stream_pieces(&s, NULL, SLAB_SIZE, SLAB_SIZE, piece, 4, &covered), 1);
  assert_int_equal(covered, SLAB_SIZE);
  assert_int_equal(stream_pieces(&s, NULL, 0, 0, piece, 4, &covered), 0);
  assert_int_equal(stream_pieces(&s, NULL, s.octets, 1, piece, 4, &covered), 0);
  assert_int_equal(stream_pieces(&s, NULL, UINT32_MAX, UINT32_MAX, piece, 4, &covered), 0);
  stream_clear(&m.store, &s);
  memory_end(&m);
}

/* A stream and the array that it should equal. */
struct pair {
  struct stream s;
  struct stream_cursor cursor;
  uint8_t octets[MODEL];
  uint32_t n;
};

struct world {
  struct memory m;
  struct pair pair[2];
  struct rng rng;
  uint32_t written;
  uint8_t lent[FOREIGN][200];
};

static void model_append(struct pair *p, const uint8_t *octets, uint32_t n)
{
  memcpy(p->octets + p->n, octets, n);
  p->n += n;
}

static void random_write(struct world *w, struct pair *p)
{
  uint8_t octets[300];
  const uint32_t n = rng_below(&w->rng, sizeof octets);
  uint32_t done;

  for (uint32_t i = 0; i < n; i++)
    octets[i] = pattern(w->written++);
  done = stream_write(&w->m.store, &p->s, octets, n);
  assert_true(done <= n);
  model_append(p, octets, done);
}

/* A piece of a slab of either kind, given to lend or to append; then our reference goes. */
static void random_piece(struct world *w, struct pair *p)
{
  const uint32_t which = rng_below(&w->rng, FOREIGN);
  const bool foreign = rng_below(&w->rng, 3) == 0;
  struct la_slab *slab;
  struct frag piece;
  bool done;

  slab = foreign ? slab_wrap(&w->m.slabs, w->lent[which], sizeof w->lent[which], w->lent[which])
                 : slab_get(&w->m.slabs);
  if (!slab)
    return;
  piece = (struct frag){ slab, rng_below(&w->rng, slab->size), 0 };
  piece.length = rng_below(&w->rng, slab->size - piece.offset + 1);
  for (uint32_t i = 0; i < slab->size && !foreign; i++)
    slab->octets[i] = pattern(w->written++);
  done = rng_below(&w->rng, 2) ? stream_lend(&w->m.store, &p->s, &piece)
                               : stream_append(&w->m.store, &p->s, &piece);
  if (done)
    model_append(p, slab->octets + piece.offset, piece.length);
  slab_release(&w->m.slabs, slab);
}

static void random_drop(struct world *w, struct pair *p)
{
  const uint32_t n = rng_below(&w->rng, 4) ? rng_below(&w->rng, p->n + 1) / 2 : p->n;
  const uint32_t base = p->s.base;

  stream_drop(&w->m.store, &p->s, n);
  memmove(p->octets, p->octets + n, p->n - n);
  p->n -= n;
  assert_int_equal(p->s.base, base + n);
}

static void random_look(struct world *w, struct pair *p)
{
  const uint32_t offset = rng_below(&w->rng, p->n + 10), n = rng_below(&w->rng, 500);
  const uint32_t there = offset >= p->n ? 0 : n < p->n - offset ? n : p->n - offset;
  struct frag pieces[4];
  uint8_t copy[500];
  uint32_t covered, at = offset;
  const uint32_t count = stream_pieces(&p->s, rng_below(&w->rng, 4) ? &p->cursor : NULL, offset, n,
                                       pieces, 4, &covered);

  assert_true(covered <= there && (covered == there || count == 4));
  for (uint32_t i = 0; i < count; i++) {
    assert_memory_equal(pieces[i].slab->octets + pieces[i].offset, p->octets + at,
                        pieces[i].length);
    at += pieces[i].length;
  }
  assert_int_equal(at - offset, covered);
  assert_int_equal(stream_read(&p->s, offset, copy, n), there);
  assert_memory_equal(copy, p->octets + offset, there);
}

static void random_join(struct world *w)
{
  const uint32_t to = rng_below(&w->rng, 2);
  struct pair *const a = &w->pair[to], *const b = &w->pair[!to];

  stream_join(&a->s, &b->s);
  model_append(a, b->octets, b->n);
  b->n = 0;
}

static void random_step(struct world *w)
{
  struct pair *const p = &w->pair[rng_below(&w->rng, 2)];
  void *owners[FOREIGN];

  switch (rng_below(&w->rng, 10)) {
  case 0: case 1:
    random_write(w, p);
    break;
  case 2: case 3: case 4:
    random_piece(w, p);
    break;
  case 5: case 6:
    random_drop(w, p);
    break;
  case 7:
    random_join(w);
    break;
  default:
    random_look(w, p);
    break;
  }
  slabs_returned(&w->m.slabs, owners, FOREIGN);
}

TEST(random_operations_agree_with_an_array)
{
  static struct world w;

  for (uint64_t seed = 1; seed <= 10; seed++) {
    rng_seed(&w.rng, seed);
    memory_make(&w.m, seed % 3 ? SLABS : 200, seed % 2 ? CHUNKS : 250);
    for (int i = 0; i < 2; i++)
      w.pair[i] = (struct pair){ .s = { .base = UINT32_MAX - 1000 } };
    for (uint32_t i = 0; i < FOREIGN; i++)
      for (uint32_t k = 0; k < sizeof w.lent[i]; k++)
        w.lent[i][k] = pattern(i * 1000 + k);
    for (int step = 0; step < 10000; step++) {
      random_step(&w);
      if (step % 10)
        continue;
      for (int i = 0; i < 2; i++)
        holds(&w.pair[i].s, w.pair[i].octets, w.pair[i].n);
    }
    for (int i = 0; i < 2; i++)
      stream_clear(&w.m.store, &w.pair[i].s);
    memory_end(&w.m);
  }
}

TEST(ok_sees_what_is_broken)
{
  struct memory m;
  struct stream s = { 0 };
  uint8_t octets[SLAB_SIZE * 2] = { 0 };
  struct chunk *head;
  int32_t tail;

  memory_make(&m, SLABS, CHUNKS);
  stream_write(&m.store, &s, octets, sizeof octets);
  tail = s.tail;
  assert_true(stream_ok(&s));
  s.octets++;
  assert_false(stream_ok(&s));
  s.octets -= 2;
  assert_false(stream_ok(&s));
  s.octets++;
  s.tail = s.head;
  assert_false(stream_ok(&s));
  s.tail = tail;
  head = stream_chunk(&s, s.head);
  head->slab->refs = 0;
  assert_false(stream_ok(&s));
  head->slab->refs = 1;
  head->offset = 1;
  assert_false(stream_ok(&s));
  head->offset = 0;
  assert_true(stream_ok(&s));
  assert_false(stream_ok(&(struct stream){ .tail = s.tail }));
  stream_clear(&m.store, &s);
  memory_end(&m);
}

RUN(cmocka_unit_test(small_writes_fill_one_slab),
    cmocka_unit_test(the_free_part_of_a_shared_slab_is_left_alone),
    cmocka_unit_test(the_free_part_of_a_lent_buffer_is_left_alone),
    cmocka_unit_test(append_keeps_a_slab_that_is_half_full_and_copies_out_of_others),
    cmocka_unit_test(neighbours_in_one_slab_share_a_chunk),
    cmocka_unit_test(writing_says_how_much_memory_there_was),
    cmocka_unit_test(append_without_memory_changes_nothing),
    cmocka_unit_test(a_stale_cursor_is_seen_by_its_position),
    cmocka_unit_test(pieces_stop_at_the_most_that_were_asked_for),
    cmocka_unit_test(random_operations_agree_with_an_array),
    cmocka_unit_test(ok_sees_what_is_broken))
