/* wire_line.c - packets between two devices in real time.
 *
 * sim/link.h decides each packet's fate and its arrival when it enters; here it only waits for its
 * time in a heap. Planned times build on each other and not on when this process got to run, so
 * that being late once does not slow the line down; how late it was is measured and told. */
#include "wire.h"

#include "app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { IN_FLIGHT_MOST = 1 << 17, ANSWER_MAX = 1280 };

struct wire_packet {
  struct wire_packet *next;     /* among the spare ones */
  la_time  at;
  uint64_t order;               /* breaks ties: first in, first out */
  uint32_t length;
  bool     corrupted, copy;
  uint8_t  octets[];            /* the MTU's number of them */
};

la_time wire_now(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (la_time)now.tv_sec * LA_SEC + now.tv_nsec;
}

/* ---- what waits ---------------------------------------------------------- */
static bool before(const struct wire_packet *a, const struct wire_packet *b)
{
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static struct wire_packet *packet_new(struct wire_way *way, uint32_t mtu)
{
  struct wire_packet *p = way->spare;

  if (p) {
    way->spare = p->next;
    return p;
  }
  if (way->in_flight >= IN_FLIGHT_MOST)
    return NULL;
  return malloc(sizeof *p + mtu);
}

static void packet_free(struct wire_way *way, struct wire_packet *p)
{
  p->next = way->spare;
  way->spare = p;
}

static bool heap_grow(struct wire_way *way)
{
  size_t size = way->heap_size ? way->heap_size * 2 : 256;
  struct wire_packet **heap;

  if (way->in_flight < way->heap_size)
    return true;
  heap = realloc(way->heap, size * sizeof *heap);
  if (!heap)
    return false;
  way->heap = heap;
  way->heap_size = size;
  return true;
}

static void heap_put(struct wire_way *way, struct wire_packet *p)
{
  size_t i = way->in_flight++;

  for (; i > 0 && before(p, way->heap[(i - 1) / 2]); i = (i - 1) / 2)
    way->heap[i] = way->heap[(i - 1) / 2];
  way->heap[i] = p;
}

static struct wire_packet *heap_take(struct wire_way *way)
{
  struct wire_packet *first = way->heap[0], *last = way->heap[--way->in_flight];
  size_t i = 0, child;

  while ((child = 2 * i + 1) < way->in_flight) {
    if (child + 1 < way->in_flight && before(way->heap[child + 1], way->heap[child]))
      child++;
    if (before(last, way->heap[child]))
      break;
    way->heap[i] = way->heap[child];
    i = child;
  }
  way->heap[i] = last;
  return first;
}

/* ---- in ------------------------------------------------------------------ */
static void capture(struct wire *w, const struct wire_end *end, int direction,
                    const struct wire_packet *p, const char *comment)
{
  if (w->pcap)
    pcapng_packet(w->pcap, end == &w->end[1], wire_now() + w->to_wall, direction, p->octets,
                  p->length, comment);
}

/* A second packet like this one, later. */
static void put_copy(struct wire *w, struct wire_way *way, const struct wire_packet *p, la_time at)
{
  struct wire_packet *copy = packet_new(way, w->mtu);

  if (!copy || !heap_grow(way)) {
    way->no_memory++;
    free(copy);
    return;
  }
  memcpy(copy, p, sizeof *p + p->length);
  copy->at = at;
  copy->order = ++way->order;
  copy->copy = true;
  heap_put(way, copy);
}

/* RFC 1191 3: the router in the middle tells the sender how large packets may be. */
static void say_too_big(struct wire_way *way, const struct wire_packet *p)
{
  uint8_t answer[ANSWER_MAX];
  size_t n = seg_make_too_big(way->link.router, (uint16_t)way->link.way[0].mtu, p->octets,
                              p->length, answer, sizeof answer);

  if (n > 0 && write(tun_fd(way->from->tun), answer, n) < 0)
    way->refused++;
}

static void note_queue(struct wire_way *way, la_time now)
{
  const struct link *l = &way->link;
  uint64_t waiting;

  if (l->way[0].bits_per_s == 0 || l->free_at[0] <= now)
    return;
  waiting = (uint64_t)(l->free_at[0] - now) * l->way[0].bits_per_s / 8 / (uint64_t)LA_SEC;
  if (waiting > way->queue_most)
    way->queue_most = waiting;
}

static void enter(struct wire *w, struct wire_way *way, struct wire_packet *p)
{
  la_time now = wire_now();
  struct link_plan plan = link_enter(&way->link, 0, now, w->began, p->octets, p->length);

  way->packets_in++;
  way->octets_in += p->length;
  note_queue(way, now);
  capture(w, way->from, PCAPNG_IN, p,
          plan.fate == LINK_PASSES ? NULL : link_fate_text(plan.fate));
  if (plan.fate == LINK_TOO_BIG)
    say_too_big(way, p);
  if (plan.fate != LINK_PASSES) {
    packet_free(way, p);
    return;
  }
  p->at = plan.at;
  p->order = ++way->order;
  p->corrupted = p->copy = false;
  if (plan.mark)
    way->link.marked[0] += link_mark(&way->link, p->octets, p->length);
  if (plan.copy_at != LA_NEVER)
    put_copy(w, way, p, plan.copy_at);
  if (plan.corrupt) {
    link_corrupt(&way->link, p->octets, p->length);
    p->corrupted = true;
  }
  if (heap_grow(way)) {
    heap_put(way, p);
    return;
  }
  way->no_memory++;
  packet_free(way, p);
}

/* False when nothing has come. Without memory the packet is read all the same, and lost. */
static bool take_in(struct wire *w, struct wire_way *way)
{
  struct wire_packet *p = packet_new(way, w->mtu);
  uint8_t nowhere[1];
  ssize_t n = read(tun_fd(way->from->tun), p ? p->octets : nowhere, p ? w->mtu : sizeof nowhere);

  if (n > 0 && p) {
    p->length = (uint32_t)n;
    enter(w, way, p);
  } else if (p)
    packet_free(way, p);
  else if (n > 0)
    way->no_memory++;
  return n > 0;
}

/* ---- out ----------------------------------------------------------------- */
static unsigned bucket_of(la_time late)
{
  uint64_t ns = late > 4 ? (uint64_t)late : 4;
  unsigned power = 63u - (unsigned)__builtin_clzll(ns);
  unsigned bucket = power * 4 + (unsigned)(ns >> (power - 2) & 3);

  return bucket < WIRE_LATE_BUCKETS ? bucket : WIRE_LATE_BUCKETS - 1;
}

static void note_lateness(struct wire_lateness *l, la_time late)
{
  l->count[bucket_of(late)]++;
  l->packets++;
  if (late > l->most)
    l->most = late;
}

la_time wire_late_by(const struct wire_lateness *l, double share)
{
  uint64_t seen = 0;

  for (unsigned i = 0; i < WIRE_LATE_BUCKETS; i++) {
    la_time end = ((la_time)(4 + i % 4 + 1) << (i / 4)) / 4;

    seen += l->count[i];
    if (seen > 0 && (double)seen >= share * (double)l->packets)
      return end < l->most ? end : l->most;
  }
  return l->most;
}

static void deliver(struct wire *w, struct wire_way *way)
{
  struct wire_packet *p = heap_take(way);
  const char *comment = p->corrupted ? "corrupted on the link"
                        : p->copy ? "duplicated on the link" : NULL;

  if (write(tun_fd(way->to->tun), p->octets, p->length) < 0)
    way->refused++;
  else {
    way->packets_out++;
    way->octets_out += p->length;
    note_lateness(&way->late, wire_now() - p->at);
    capture(w, way->to, PCAPNG_OUT, p, comment);
  }
  packet_free(way, p);
}

static void deliver_due(struct wire *w, unsigned most)
{
  la_time now = wire_now();

  for (unsigned i = 0; i < 2; i++)
    for (unsigned n = 0; n < most && w->way[i].in_flight && w->way[i].heap[0]->at <= now; n++)
      deliver(w, &w->way[i]);
}

void wire_turn(struct wire *w, const bool readable[2], unsigned most)
{
  deliver_due(w, most);
  for (unsigned i = 0; i < 2; i++)
    for (unsigned n = 0; readable[i] && n < most && take_in(w, &w->way[i]); n++)
      deliver_due(w, 1);
}

la_time wire_next(const struct wire *w)
{
  la_time next = LA_NEVER;

  for (unsigned i = 0; i < 2; i++)
    if (w->way[i].in_flight && w->way[i].heap[0]->at < next)
      next = w->way[i].heap[0]->at;
  return next;
}

/* ---- the beginning and the end ------------------------------------------- */
static bool open_capture(struct wire *w)
{
  struct timespec wall;
  int first, second;

  if (!w->pcap_path)
    return true;
  w->pcap = pcapng_open(w->pcap_path);
  clock_gettime(CLOCK_REALTIME, &wall);
  w->to_wall = (la_time)wall.tv_sec * LA_SEC + wall.tv_nsec - wire_now();
  first = w->pcap ? pcapng_interface(w->pcap, w->end[0].side, LINKTYPE_RAW) : -1;
  second = first == 0 ? pcapng_interface(w->pcap, w->end[1].side, LINKTYPE_RAW) : -1;
  if (second == 1)
    return true;
  app_fail("%s: %s", w->pcap_path, strerror(errno));
  return false;
}

bool wire_line_open(struct wire *w)
{
  for (unsigned i = 0; i < 2; i++) {
    struct wire_way *way = &w->way[i];
    struct link_way asked = way->link.way[0];

    link_init(&way->link, LA_MEDIUM_IP, w->seed * 2 + i);
    way->link.way[0] = asked;
    way->from = &w->end[i];
    way->to = &w->end[1 - i];
  }
  w->began = wire_now();
  return open_capture(w);
}

void wire_line_close(struct wire *w)
{
  for (unsigned i = 0; i < 2; i++) {
    struct wire_way *way = &w->way[i];

    while (way->in_flight)
      packet_free(way, heap_take(way));
    while (way->spare) {
      struct wire_packet *p = way->spare;

      way->spare = p->next;
      free(p);
    }
    free(way->heap);
  }
  if (w->pcap && pcapng_close(w->pcap) < 0)
    app_fail("the capture is not whole: %s", strerror(errno));
}
