/* world.c - the loop. What is due first happens first: deliveries by time and then by the order of
 * sending, then hosts by number, then actors by age. A step is one delivery, one boot, one pump of
 * a host or one turn of an actor. */
#include "world.h"

#include "actor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_BATCH_MAX = 32, EVENT_BATCH = 16, PUMP_LIMIT = 100000 };

static void *must(void *memory)
{
  if (!memory) {
    fputs("sim: out of memory\n", stderr);
    abort();
  }
  return memory;
}

void world_init(struct world *w, uint64_t seed)
{
  memset(w, 0, sizeof *w);
  w->seed = seed;
  dice_seed(&w->rng, seed);
  w->now = WORLD_BEGIN;
  w->output_batch = 1;
  w->max_steps = UINT64_MAX;
  w->actors_end = &w->actors;
}

static void end_stack(struct world_host *h)
{
  if (!h->stack)
    return;
  if (h->world->tally)
    tally_stack(h->world->tally, h->stack);
  la_fini(h->stack);
  h->stack = NULL;
}

void world_fini(struct world *w)
{
  actor_free_all(w);
  for (unsigned i = 0; i < w->hosts; i++) {
    end_stack(&w->host[i]);
    free(w->host[i].memory);
  }
  for (size_t i = 0; i < w->in_flight; i++)
    free(w->heap[i]);
  free(w->heap);
  while (w->spare) {
    struct link_packet *p = w->spare;

    w->spare = p->next;
    free(p);
  }
}

void world_watch_add(struct world *w, struct world_watch watch)
{
  if (w->watches < WORLD_WATCHES)
    w->watch[w->watches++] = watch;
}

la_time world_time(const struct world *w)
{
  return w->now - WORLD_BEGIN;
}

void world_turned(struct world_host *h, enum world_cause cause, const struct link_packet *p)
{
  struct world *w = h->world;

  for (unsigned i = 0; i < w->watches; i++)
    if (w->watch[i].turned)
      w->watch[i].turned(w->watch[i].user, h, cause, p);
}

void world_said(struct world_host *h, const char *format, ...)
{
  struct world *w = h->world;
  char text[256];
  va_list list;

  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  for (unsigned i = 0; i < w->watches; i++)
    if (w->watch[i].said)
      w->watch[i].said(w->watch[i].user, h, text);
}

/* ---- hosts ----------------------------------------------------------------- */

struct link *world_link_add(struct world *w, enum la_medium medium)
{
  struct link *l = &w->link[w->links++];

  link_init(l, medium, dice_next(&w->rng));
  return l;
}

la_addr world_addr(bool six, uint8_t number)
{
  la_addr a = { .len = 16, .octets = { 0x20, 0x01, 0x0d, 0xb8, [15] = number } };

  return six ? a : la_ip4(10, 0, 0, number);
}

bool world_same_end(la_endpoint a, la_endpoint b)
{
  return a.port == b.port && memcmp(a.addr.octets, b.addr.octets, 16) == 0;
}

struct world_host *world_host_add(struct world *w, const char *name, struct link *l, la_addr addr)
{
  struct world_host *h = &w->host[w->hosts];

  *h = (struct world_host){ .world = w, .name = name, .number = w->hosts++, .link = l,
                            .addr = addr, .prefix = addr.len == 16 ? 64 : 24, .boot_at = LA_NEVER };
  for (unsigned i = 0; i < h->number; i++)
    if (w->host[i].link == l)
      h->side = 1;
  la_config_default(&h->config);
  h->config.tcp_connections = 64;
  h->config.tcp_time_waits = 64;
  h->config.tcp_half_open = 16;
  h->config.slabs = 1024;
  h->config.slab_size = 2048;
  h->config.trace_entries = 64;
  h->iface = (la_iface){ .medium = l->medium, .mtu = 1500, .flags = LA_IFACE_UP | LA_IFACE_NO_DAD };
  snprintf(h->iface.name, sizeof h->iface.name, "%s0", l->medium == LA_MEDIUM_IP ? "tun" : "tap");
  memcpy(h->iface.mac, (uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)(h->number + 1) }, 6);
  return h;
}

struct world_host *world_host_other(struct world_host *h)
{
  struct world *w = h->world;

  for (unsigned i = 0; i < w->hosts; i++)
    if (w->host[i].link == h->link && &w->host[i] != h)
      return &w->host[i];
  return NULL;
}

/* A new secret each time, as a host draws one at each boot. */
static bool boot(struct world_host *h)
{
  int number;

  for (size_t i = 0; i < sizeof h->config.secret; i++)
    h->config.secret[i] = (uint8_t)dice_below(&h->world->rng, 256);
  if (!h->memory) {
    h->size = (la_size(&h->config) + 63) & ~(size_t)63;
    if (h->size == 0)
      return false;
    h->memory = must(aligned_alloc(64, h->size));
  }
  h->stack = la_init(h->memory, h->size, &h->config, h->world->now);
  h->boots++;
  h->boot_at = LA_NEVER;
  if (!h->stack)
    return false;
  number = la_iface_add(h->stack, &h->iface);
  return number >= 0 && la_addr_add(h->stack, number, h->addr, h->prefix) == 0
         && la_route_add(h->stack, (la_addr){ .len = h->addr.len }, 0, (la_addr){ 0 }, number) == 0;
}

void world_host_boot(struct world_host *h)
{
  h->stack_wanted = true;
  h->broken = !boot(h);
  if (h->broken) {
    fprintf(stderr, "sim: host %s cannot boot (seed %llu)\n", h->name,
            (unsigned long long)h->world->seed);
    h->world->stopped = true;
    return;
  }
  world_turned(h, WORLD_BOOT, NULL);
  if (h->boots > 1)
    world_said(h, "(the %s is back, and remembers nothing)", h->name);
}

void world_host_crash(struct world_host *h, la_time off_for)
{
  struct world *w = h->world;

  if (!h->stack)
    return;
  world_said(h, "(the %s crashes)", h->name);
  end_stack(h);
  h->boot_at = off_for == LA_NEVER ? LA_NEVER : w->now + off_for;
  actor_host_crashed(h);
  for (unsigned i = 0; i < w->watches; i++)
    if (w->watch[i].crashed)
      w->watch[i].crashed(w->watch[i].user, h);
}

/* ---- packets in flight: a heap by arrival ---------------------------------------- */

static bool earlier(const struct link_packet *a, const struct link_packet *b)
{
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_put(struct world *w, struct link_packet *p)
{
  size_t i = w->in_flight++;

  if (w->in_flight > w->heap_size) {
    w->heap_size = w->heap_size ? w->heap_size * 2 : 64;
    w->heap = must(realloc(w->heap, w->heap_size * sizeof *w->heap));
  }
  for (; i > 0 && earlier(p, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
    w->heap[i] = w->heap[(i - 1) / 2];
  w->heap[i] = p;
}

static struct link_packet *heap_take(struct world *w)
{
  struct link_packet *first = w->heap[0], *moved = w->heap[--w->in_flight];
  size_t i = 0, child;

  while ((child = 2 * i + 1) < w->in_flight) {
    if (child + 1 < w->in_flight && earlier(w->heap[child + 1], w->heap[child]))
      child++;
    if (earlier(moved, w->heap[child]))
      break;
    w->heap[i] = w->heap[child];
    i = child;
  }
  w->heap[i] = moved;
  return first;
}

static struct link_packet *packet_new(struct world *w)
{
  struct link_packet *p = w->spare;

  if (p)
    w->spare = p->next;
  else
    p = must(malloc(sizeof *p));
  return p;
}

static void packet_free(struct world *w, struct link_packet *p)
{
  p->next = w->spare;
  w->spare = p;
}

enum { ROUTER = 254 };          /* its number among the link's addresses */

/* The router in the middle answers to the sender after the way that leads back. */
static void router_answers(struct world_host *h, const struct link_packet *p)
{
  struct world *w = h->world;
  struct link_packet *answer = packet_new(w);
  size_t n;

  n = seg_make_too_big(h->addr.len == 16 ? world_addr(true, ROUTER) : h->link->router,
                       (uint16_t)h->link->way[h->side].mtu, p->octets, p->length,
                       answer->octets, sizeof answer->octets);
  answer->number = ++w->packets;
  answer->order = ++w->order;
  answer->sent = w->now;
  answer->at = w->now + h->link->way[!h->side].delay;
  answer->link = h->link;
  answer->way = (uint8_t)!h->side;
  answer->copy = answer->corrupted = false;
  answer->forged = true;
  answer->length = (uint32_t)n;
  if (n)
    heap_put(w, answer);
  else
    packet_free(w, answer);
}

static void send_copy(struct world *w, const struct link_packet *p, la_time at)
{
  struct link_packet *copy = packet_new(w);

  *copy = *p;
  copy->copy = true;
  copy->at = at;
  copy->order = ++w->order;
  heap_put(w, copy);
}

void world_send(struct world_host *h, const uint8_t *octets, uint32_t n, bool forged)
{
  struct world *w = h->world;
  struct link_packet *p = packet_new(w);
  struct link_plan plan;

  p->number = ++w->packets;
  p->order = ++w->order;
  p->sent = w->now;
  p->link = h->link;
  p->way = (uint8_t)h->side;
  p->copy = p->corrupted = false;
  p->forged = forged;
  p->length = n < sizeof p->octets ? n : (uint32_t)sizeof p->octets;
  memcpy(p->octets, octets, p->length);
  plan = link_enter(h->link, h->side, w->now, WORLD_BEGIN, p->octets, p->length);
  p->at = plan.at;
  for (unsigned i = 0; i < w->watches; i++)
    if (w->watch[i].enters)
      w->watch[i].enters(w->watch[i].user, p, &plan);
  if (plan.fate == LINK_TOO_BIG && h->link->medium == LA_MEDIUM_IP)
    router_answers(h, p);
  if (plan.fate != LINK_PASSES) {
    packet_free(w, p);
    return;
  }
  if (plan.mark)
    h->link->marked[h->side] += link_mark(h->link, p->octets, p->length);
  if (plan.copy_at != LA_NEVER)
    send_copy(w, p, plan.copy_at);
  if (plan.corrupt) {
    link_corrupt(h->link, p->octets, p->length);
    p->corrupted = true;
  }
  heap_put(w, p);
}

/* ---- one step -------------------------------------------------------------------- */

/* As a device would send it: super-segments cut up, every checksum complete. */
static void send_packet(struct world_host *h, la_pkt *super)
{
  la_pkt pieces[OUTPUT_BATCH_MAX];
  uint8_t octets[SEG_PACKET_MAX];
  size_t first = 0, k;

  while ((k = la_gso_split(h->stack, super, first, pieces, OUTPUT_BATCH_MAX)) > 0) {
    for (size_t i = 0; i < k; i++) {
      size_t n = la_pkt_copy(&pieces[i], octets, sizeof octets);

      la_pkt_release(h->stack, &pieces[i]);
      world_send(h, octets, (uint32_t)n, false);
    }
    first += k;
  }
  la_pkt_release(h->stack, super);
}

static void serve_events(struct world_host *h)
{
  la_event events[EVENT_BATCH];
  size_t k;

  while (h->stack && (k = la_events(h->stack, events, EVENT_BATCH)) > 0)
    for (size_t i = 0; i < k && h->stack; i++)
      actor_event(h, &events[i]);
}

/* Everything this host has to say and to tell; ends because each round takes a packet, an event
 * or nothing, and PUMP_LIMIT catches a stack that never falls silent. */
static void pump(struct world_host *h)
{
  struct world *w = h->world;
  la_pkt out[OUTPUT_BATCH_MAX];
  size_t k, batch = w->output_batch < OUTPUT_BATCH_MAX ? w->output_batch : OUTPUT_BATCH_MAX;
  unsigned rounds = 0;

  serve_events(h);
  while (h->stack && (k = la_output(h->stack, w->now, out, batch)) > 0) {
    world_turned(h, WORLD_OUTPUT, NULL);
    for (size_t i = 0; i < k; i++)
      send_packet(h, &out[i]);
    serve_events(h);
    if (++rounds == PUMP_LIMIT) {
      fprintf(stderr, "sim: %s never falls silent (seed %llu)\n", h->name,
              (unsigned long long)w->seed);
      w->stopped = true;
      return;
    }
  }
  if (h->stack)
    world_turned(h, WORLD_OUTPUT, NULL);
  serve_events(h);
}

static void input(struct world_host *h, const struct link_packet *p)
{
  la_pkt pkt = { .at = h->world->now, .frags = 1 };
  la_slab *slab;

  if (la_slab_get(h->stack, &slab) != 0 || la_slab_size(slab) < p->length) {
    h->no_slab++;
    return;
  }
  memcpy(la_slab_octets(slab), p->octets, p->length);
  pkt.frag[0] = (la_frag){ slab, 0, p->length };
  la_input(h->stack, h->world->now, &pkt, 1);
  world_turned(h, WORLD_ARRIVAL, p);
}

static void lost(struct world *w, const struct link_packet *p, enum link_fate fate)
{
  for (unsigned i = 0; i < w->watches; i++)
    if (w->watch[i].lost)
      w->watch[i].lost(w->watch[i].user, p, fate);
}

/* On a link without addresses of its own, the host takes what is meant for it; the rest is for
 * hosts further away, and here there are none. */
static bool meant_for(const struct world_host *h, const struct link_packet *p)
{
  const uint32_t at = h->addr.len == 16 ? 24 : 16;        /* of the destination, in its header */

  return p->link->medium != LA_MEDIUM_IP || p->corrupted || p->length < at + h->addr.len
         || memcmp(p->octets + at, h->addr.octets, h->addr.len) == 0;
}

static void deliver(struct world *w, struct link_packet *p)
{
  struct world_host *h = NULL;
  struct seg g;

  for (unsigned i = 0; i < w->hosts; i++)
    if (w->host[i].link == p->link && w->host[i].side != p->way)
      h = &w->host[i];
  if (!h || (!h->stack && !h->raw) || !meant_for(h, p)) {
    lost(w, p, LINK_NOBODY);
  } else {
    for (unsigned i = 0; i < w->watches; i++)
      if (w->watch[i].arrives)
        w->watch[i].arrives(w->watch[i].user, p);
    if (h->stack) {
      input(h, p);
      pump(h);
    } else {
      seg_read(&g, p->link->medium, p->octets, p->length);
      h->raw(h, &g, p->octets);
    }
  }
  packet_free(w, p);
}

static la_time next_due(const struct world *w)
{
  la_time due = w->in_flight ? w->heap[0]->at : LA_NEVER, t = actor_next_due(w);

  if (t < due)
    due = t;
  for (unsigned i = 0; i < w->hosts; i++) {
    t = w->host[i].stack ? la_deadline(w->host[i].stack) : w->host[i].boot_at;
    if (t < due)
      due = t;
  }
  return due;
}

/* An application that wakes by itself does as lastack.h says: first the stack is told how late it
 * is, then come the calls, then what they have to say goes out. */
static void take_turn(struct actor *a)
{
  struct world_host *h = a->host;

  la_input(h->stack, h->world->now, NULL, 0);
  actor_run(a);
  if (h->stack)
    pump(h);
}

static void step(struct world *w)
{
  struct actor *a;

  if (w->in_flight && w->heap[0]->at <= w->now) {
    deliver(w, heap_take(w));
    return;
  }
  for (unsigned i = 0; i < w->hosts; i++) {
    struct world_host *h = &w->host[i];

    if (!h->stack && h->boot_at <= w->now && !h->broken) {
      world_host_boot(h);
      actor_host_booted(h);
      return;
    }
    if (h->stack && la_deadline(h->stack) <= w->now) {
      pump(h);
      return;
    }
  }
  a = actor_due(w);
  if (a)
    take_turn(a);
}

void world_tell_time(struct world_host *h)
{
  if (h->stack)
    pump(h);
}

void world_run(struct world *w, la_time until)
{
  const la_time end = until < LA_NEVER - WORLD_BEGIN ? WORLD_BEGIN + until : LA_NEVER;
  la_time due;

  while (!w->stopped && (due = next_due(w)) != LA_NEVER && due <= end) {
    if (due > w->now)
      w->now = due;
    step(w);
    if (++w->steps > w->max_steps) {
      fprintf(stderr, "sim: too many steps (seed %llu)\n", (unsigned long long)w->seed);
      w->stopped = true;
    }
  }
  if (!w->stopped && until != LA_NEVER && w->now < end)
    w->now = end;
}
