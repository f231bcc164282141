/* reassemble.c - text that came before its turn.  An island is a run of it without a gap; at
 * most TCP_ISLANDS_MAX of them bound every search, whatever order a peer invents (the weakness
 * known as SegmentSmack). Text that is there already stays: the newcomer is cut. */
#include "tcp/room.h"

static tcp_seq island_end(const struct island *i) { return seq_add(i->start, i->text.octets); }

static void island_free(struct tcp *t, struct tcb *tcb, struct island *i)
{
  stream_clear(&t->store, &i->text);
  i->owner = POOL_NONE;
  pool_put(&t->islands, i);
  tcb->island_count--;
}

void tcp_islands_drop(struct tcp *t, struct tcb *tcb)
{
  while (tcb->islands) {                      /* at most TCP_ISLANDS_MAX */
    struct island *const i = tcb->islands;

    tcb->islands = i->next;
    island_free(t, tcb, i);
  }
  tcb->island_octets = 0;
}

/* The last island that begins at or before `seq`; NULL: none does. */
static struct island *island_before(const struct tcb *tcb, tcp_seq seq)
{
  struct island *before = NULL;

  for (struct island *i = tcb->islands; i && seq_le(i->start, seq); i = i->next)
    before = i;
  return before;
}

static struct island *island_new(struct tcp *t, struct tcb *tcb, struct island *before,
                                 tcp_seq start)
{
  struct island *i;

  if (tcb->island_count >= TCP_ISLANDS_MAX)
    return NULL;
  i = pool_get(&t->islands);
  if (!i)
    return NULL;
  *i = (struct island){ .start = start, .owner = pool_index(&t->tcbs, tcb),
                        .next = before ? before->next : tcb->islands };
  if (before)
    before->next = i;
  else
    tcb->islands = i;
  tcb->island_count++;
  return i;
}

static void island_unlink(struct tcb *tcb, struct island *before, struct island *i)
{
  if (before)
    before->next = i->next;
  else
    tcb->islands = i->next;
}

/* Appends the first n octets of the segment's text, and trims them off it. */
static bool island_fill(struct tcp *t, struct island *i, struct tcp_seg *seg, uint32_t n)
{
  for (unsigned k = 0; k < seg->frags && n > 0; k++) {
    struct frag piece = seg->frag[k];

    if (piece.length > n)
      piece.length = n;
    if (!stream_append(&t->store, &i->text, &piece))
      return false;
    n -= piece.length;
  }
  return true;
}

static void join_next(struct tcp *t, struct tcb *tcb, struct island *i)
{
  struct island *const next = i->next;

  if (!next || !seq_eq(island_end(i), next->start))
    return;
  stream_join(&i->text, &next->text);
  i->next = next->next;
  island_free(t, tcb, next);
}

/* RFC 2883 4: the first octets of the segment that were here before. */
static void note_duplicate(struct tcb *tcb, tcp_seq from, tcp_seq to)
{
  if (!(tcb->flags & TCB_SACK) || (tcb->flags & TCB_DSACK))
    return;
  tcb->dsack = (struct tcp_sack){ from.n, to.n };
  tcb->flags |= TCB_DSACK;
}

/* Text before its turn is a favour to the peer, which sends it again otherwise. A single octet may
 * hold a whole slab, so islands take no memory from the last quarter: text in order comes first. */
static bool memory_is_short(const struct tcp *t)
{
  const struct slabs *const slabs = t->store.slabs;
  const struct pool *const chunks = t->store.chunks;

  return slabs->count - slabs->used < slabs->count / 4 ||
         chunks->size - chunks->used <= chunks->size / 4;
}

/* Puts in what reaches up to the next island, and cuts it off the segment. */
static struct verdict add_piece(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  struct island *const before = island_before(tcb, seg->seq);
  struct island *into = before;
  const struct island *next;
  uint32_t n = tcp_seg_text(seg), old = 0;

  if (before && seq_lt(seg->seq, island_end(before))) {
    const uint32_t overlap = seq_span(seg->seq, island_end(before));

    old = overlap < n ? overlap : n;
    note_duplicate(tcb, seg->seq, seq_add(seg->seq, old));
    tcp_seg_trim_front(seg, old);
    before->stamp = ++tcb->island_stamp;
    return NEXT;
  }
  next = before ? before->next : tcb->islands;
  if (next && seq_lt(next->start, seq_add(seg->seq, n)))
    n = seq_span(seg->seq, next->start);
  if (memory_is_short(t))
    return DROP_ACK(NO_MEMORY);
  if (!before || !seq_eq(island_end(before), seg->seq))
    into = island_new(t, tcb, before, seg->seq);
  if (!into)
    return DROP_ACK(TOO_MANY_ISLANDS);
  if (!island_fill(t, into, seg, n)) {
    if (into->text.octets == 0) {
      island_unlink(tcb, before, into);
      island_free(t, tcb, into);
    }
    return DROP_ACK(NO_MEMORY);
  }
  into->stamp = ++tcb->island_stamp;
  tcp_seg_trim_front(seg, n);
  join_next(t, tcb, into);
  return NEXT;
}

static void count_octets(struct tcb *tcb)
{
  tcb->island_octets = 0;
  for (const struct island *i = tcb->islands; i; i = i->next)
    tcb->island_octets += i->text.octets;
}

/* The text of a segment beyond RCV.NXT. Each turn of the loop passes one island or one gap. */
struct verdict tcp_island_add(struct tcp *t, struct tcb *tcb, struct tcp_seg *seg)
{
  struct verdict v = NEXT;

  t->count[TCP_N_out_of_order]++;
  tcp_count_up(&tcb->early_segments);
  while (v.code == V_NEXT && tcp_seg_text(seg) > 0)         /* at most 2 * TCP_ISLANDS_MAX + 1 */
    v = add_piece(t, tcb, seg);
  count_octets(tcb);
  tcb->say |= SAY_ACK; /* RFC 5681 4.2: at once, it is the peer's news of a loss */
  tcp_wake(t, tcb);
  return v;
}

/* RCV.NXT has moved: what it has reached joins the stream. */
void tcp_island_pull(struct tcp *t, struct tcb *tcb)
{
  while (tcb->islands && seq_le(tcb->islands->start, tcb->rcv.nxt)) { /* at most TCP_ISLANDS_MAX */
    struct island *const i = tcb->islands;
    const tcp_seq end = island_end(i);
    const uint32_t known =
        seq_lt(tcb->rcv.nxt, end) ? seq_span(i->start, tcb->rcv.nxt) : i->text.octets;

    if (known > 0)
      note_duplicate(tcb, i->start, seq_add(i->start, known));
    stream_drop(&t->store, &i->text, known);
    if (i->text.octets > 0) {
      tcb->rcv.wnd -= i->text.octets;
      tcb->octets_in += i->text.octets;
      tcb->rcv.nxt = end;
      stream_join(&tcb->rx, &i->text);
    }
    tcb->islands = i->next;
    island_free(t, tcb, i);
    tcb->say |= SAY_ACK;                      /* RFC 5681 4.2: a gap was filled */
  }
  count_octets(tcb);
}

/* Memory is short, and text in order needs some: the last island, which will be needed last, gives
 * up its own. The peer keeps what it has not seen acknowledged (RFC 2018 8 allows it to us). A
 * report of a duplicate within it would now say that it is still here, and is not made. */
bool tcp_island_sacrifice(struct tcp *t, struct tcb *tcb)
{
  struct island *before = NULL, *last = tcb->islands;

  if (!last)
    return false;
  for (; last->next; last = last->next)       /* at most TCP_ISLANDS_MAX */
    before = last;
  island_unlink(tcb, before, last);
  tcb->island_octets -= last->text.octets;
  if (seq_lt(last->start, seq_of(tcb->dsack.end)))
    tcb->flags &= ~(uint32_t)TCB_DSACK;
  island_free(t, tcb, last);
  t->count[TCP_N_islands_sacrificed]++;
  return true;
}

static struct island *newest_below(const struct tcb *tcb, uint32_t stamp)
{
  struct island *newest = NULL;

  for (struct island *i = tcb->islands; i; i = i->next)
    if (i->stamp < stamp && (!newest || i->stamp > newest->stamp))
      newest = i;
  return newest;
}

/* RFC 2018 4: the block with the latest arrival first, then the others, latest first. RFC 2883
 * 4: a duplicate goes before all of them, once. */
unsigned tcp_sack_blocks(struct tcb *tcb, struct tcp_sack *blocks, unsigned max)
{
  unsigned n = 0;
  uint32_t below = UINT32_MAX;

  if ((tcb->flags & TCB_DSACK) && max > 0) {
    blocks[n++] = tcb->dsack;
    tcb->flags &= ~(uint32_t)TCB_DSACK;
  }
  while (n < max) {
    const struct island *const i = newest_below(tcb, below);

    if (!i)
      break;
    blocks[n++] = (struct tcp_sack){ i->start.n, island_end(i).n };
    below = i->stamp;
  }
  return n;
}
