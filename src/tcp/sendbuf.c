/* sendbuf.c - the send queue: how much of what the application offers it takes, out of what
 * memory, and when the application is told that there is room again. */
#include "base/need.h"
#include "tcp/room.h"

/* ---- its memory ---- */

/* What arrives needs memory as well, and two hosts that had given all of theirs to what they want
 * to send would wait for each other for ever: a quarter of each pool is kept for receiving. */
static uint32_t spare(uint32_t used, uint32_t size)
{
  const uint32_t limit = size - size / 4;

  return used < limit ? limit - used : 0;
}

static uint32_t spare_chunks(const struct tcp *t)
{
  return spare(t->tx_chunks, t->store.chunks->size);
}

/* A chunk holds at most one of our slabs, and all of them hold no more than are out. */
static uint32_t spare_slabs(const struct tcp *t)
{
  const uint32_t used = t->store.slabs->used;

  return spare(t->tx_chunks < used ? t->tx_chunks : used, t->store.slabs->count);
}

/* Octets that may be copied to the end of the send queue. */
static uint32_t spare_octets(const struct tcp *t, const struct tcb *tcb)
{
  const uint32_t slabs = spare_slabs(t), chunks = spare_chunks(t);
  const uint64_t octets =
      (uint64_t)(slabs < chunks ? slabs : chunks) * t->store.slabs->size + stream_room(&tcb->tx);

  return octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX;
}

uint32_t tcp_spare_chunks(const struct tcp *t)
{
  const uint32_t left = t->store.chunks->size - t->store.chunks->used, spare = spare_chunks(t);

  return left < spare ? left : spare;
}

uint32_t tcp_spare_slabs(const struct tcp *t)
{
  const uint32_t left = t->store.slabs->count - t->store.slabs->used, spare = spare_slabs(t);
  const uint32_t slabs = left < spare ? left : spare, chunks = tcp_spare_chunks(t);

  return slabs < chunks ? slabs : chunks;
}

uint32_t tcp_tx_write(struct tcp *t, struct tcb *tcb, const void *octets, uint32_t n)
{
  const uint32_t before = t->store.chunks->used, most = spare_octets(t, tcb);
  const uint32_t written = stream_write(&t->store, &tcb->tx, octets, n < most ? n : most);

  t->tx_chunks += t->store.chunks->used - before;
  return written;
}

/* false: there are not as many chunks, and nothing has changed. */
bool tcp_tx_lend(struct tcp *t, struct tcb *tcb, const struct frag *frags, uint32_t n)
{
  const uint32_t before = t->store.chunks->used;

  if (t->store.chunks->size - before < n || spare_chunks(t) < n)
    return false;
  for (uint32_t i = 0; i < n; i++)
    need(stream_lend(&t->store, &tcb->tx, &frags[i]));
  t->tx_chunks += t->store.chunks->used - before;
  return true;
}

void tcp_tx_drop(struct tcp *t, struct tcb *tcb, uint32_t n)
{
  const uint32_t before = t->store.chunks->used;

  stream_drop(&t->store, &tcb->tx, n);
  t->tx_chunks -= before - t->store.chunks->used;
}

/* ---- its limits ---- */

uint32_t tcp_notsent_lowat(const struct tcp *t, const struct tcb *tcb)
{
  return tcb->habits->notsent_lowat != 0 ? tcb->habits->notsent_lowat : t->set.notsent_lowat;
}

/* A queue, what of it has to wait for a window, and what the windows would let go beyond it. */
struct queue {
  uint32_t octets, waiting, free;
};

static struct queue queue_of(const struct tcb *tcb)
{
  const uint32_t unsent = tcp_unsent(tcb), sendable = tcp_sendable(tcb);

  return (struct queue){
    .octets = tcb->tx.octets,
    .waiting = unsent > sendable ? unsent - sendable : 0,
    .free = sendable > unsent ? sendable - unsent : 0,
  };
}

static void put(struct queue *q, uint32_t n)
{
  const uint32_t goes = n < q->free ? n : q->free;

  q->octets += n;
  q->free -= goes;
  q->waiting += n - goes;
}

/* config.linux_buffers: what a piece holds, and a run of segments is cut to. */
uint32_t tcp_piece_size(const struct tcb *tcb)
{
  const uint32_t most = tcb->path.gso_max > tcb->mss ? tcb->path.gso_max : tcb->mss;
  const uint32_t half = tcb->snd.wnd_max / 2;
  const uint32_t size = half < most ? half : most;

  return size > tcb->mss ? size - size % tcb->mss : tcb->mss;
}

/* The last piece is filled whatever waits; another begins only below both limits. */
static uint32_t room_in_pieces(const struct tcb *tcb, uint32_t lowat, uint32_t n)
{
  const uint32_t size = tcp_piece_size(tcb), buffer = tcb->send_buffer;
  struct queue q = queue_of(tcb);
  uint32_t room = 0;

  while (room < n) { /* each turn adds a piece, up to the buffer's size */
    const uint32_t filled = q.waiting % size, left = n - room;
    const uint32_t more = size - filled < left ? size - filled : left;

    if (filled == 0 && (q.octets >= buffer || q.waiting >= lowat))
      break;
    put(&q, more);
    room += more;
  }
  return room;
}

uint32_t tcp_send_room(const struct tcp *t, const struct tcb *tcb, uint32_t n)
{
  const uint32_t buffer = tcb->send_buffer, lowat = tcp_notsent_lowat(t, tcb);
  const struct queue q = queue_of(tcb);
  uint32_t room = buffer > q.octets ? buffer - q.octets : 0, more;

  if (tcb->habits->linux_buffers && tcp_state_is(tcb->state, TCP_SYNCED))
    return room_in_pieces(tcb, lowat, n);
  if (lowat != UINT32_MAX) {
    more = q.free + (q.waiting < lowat ? lowat - q.waiting : 0);
    if (more < room)
      room = more;
  }
  return room < n ? room : n;
}

/* A third of the buffer free again, and less than half of what may wait unsent, is worth waking
 * the application for. */
void tcp_offer_room(struct tcp *t, struct tcb *tcb)
{
  uint32_t buffer;

  tcp_tune_send(t, tcb);
  buffer = tcb->send_buffer;
  if (!(tcb->flags & TCB_WANTS_ROOM) || !tcp_state_is(tcb->state, TCP_TX_QUEUE))
    return;
  if (tcb->tx.octets > buffer - buffer / 3 || tcp_unsent(tcb) > tcp_notsent_lowat(t, tcb) / 2)
    return;
  tcb->flags &= ~(uint32_t)TCB_WANTS_ROOM;
  tcp_limit_room(t, tcb);
  tcp_notify(t, tcb, LA_EV_WRITABLE);
}
