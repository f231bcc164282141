/* udp.c - UDP's sockets: names, and queues that hold so many datagrams and so many octets.
 * All datagrams of a queue lie in one stream, so that small ones share slabs. */
#include "udp/udp.h"

struct words { const char *name, *rfc, *text; };

static const struct words why_words[UDP_WHY_COUNT] = {
#define UDP_WHY(name, rfc, text) { #name, rfc, text },
#include "udp/why.def"
};

static const struct words count_words[UDP_COUNT_COUNT] = {
#define UDP_COUNT(name, text) { #name, "", text },
#include "udp/count.def"
};

const char *udp_why_name(unsigned why)
{
  return why < UDP_WHY_COUNT ? why_words[why].name : NULL;
}

const char *udp_why_rfc(unsigned why)
{
  return why < UDP_WHY_COUNT ? why_words[why].rfc : NULL;
}

const char *udp_why_text(unsigned why)
{
  return why < UDP_WHY_COUNT ? why_words[why].text : NULL;
}

const char *udp_count_name(unsigned count)
{
  return count < UDP_COUNT_COUNT ? count_words[count].name : NULL;
}

const char *udp_count_text(unsigned count)
{
  return count < UDP_COUNT_COUNT ? count_words[count].text : NULL;
}

static uint32_t buckets_for(uint32_t sockets)
{
  uint32_t n = 1;

  while (n < sockets && n < 65536)
    n *= 2;
  return n;
}

size_t udp_octets(const struct udp_settings *set)
{
  return pool_octets(sizeof(struct udp_sock), set->sockets) +
         pool_octets(sizeof(uint32_t), buckets_for(set->sockets)) +
         pool_octets((uint32_t)sizeof(uint64_t), (set->sockets + 63) / 64);
}

void udp_init(struct udp *u, void *memory, const struct udp_settings *set, struct store store)
{
  memset(u, 0, sizeof *u);
  u->store = store;
  u->receive_buffer = set->receive_buffer;
  pool_init(&u->socks, memory, sizeof(struct udp_sock), set->sockets);
  u->buckets = (void *)((uint8_t *)memory + pool_octets(sizeof(struct udp_sock), set->sockets));
  u->bucket_mask = buckets_for(set->sockets) - 1;
  for (uint32_t i = 0; i <= u->bucket_mask; i++)
    u->buckets[i] = POOL_NONE;
  waiters_init(&u->refused,
               (uint8_t *)u->buckets + pool_octets(sizeof(uint32_t), u->bucket_mask + 1),
               set->sockets);
  list_init(&u->notified);
}

struct udp_sock *udp_open(struct udp *u, const struct ip_addr *addr, uint16_t port, void *user,
                          la_time now)
{
  struct udp_sock *const sock = pool_get(&u->socks);
  uint32_t *const bucket = &u->buckets[port & u->bucket_mask];
  uint32_t generation;

  if (!sock)
    return NULL;
  generation = sock->generation;
  memset(sock, 0, sizeof *sock);
  sock->generation = generation + 1;
  sock->user = user;
  sock->addr = *addr;
  sock->port = port;
  sock->rx_limit = u->receive_buffer;
  sock->opened = now;
  list_init(&sock->notified);
  sock->next = *bucket;
  *bucket = pool_index(&u->socks, sock);
  return sock;
}

void udp_close(struct udp *u, struct udp_sock *sock)
{
  const uint32_t index = pool_index(&u->socks, sock);
  uint32_t *link = &u->buckets[sock->port & u->bucket_mask];

  while (*link != index)                      /* it is there: at most all sockets */
    link = &((struct udp_sock *)pool_at(&u->socks, *link))->next;
  *link = sock->next;
  stream_clear(&u->store, &sock->rx);
  list_remove(&sock->notified);
  waiters_remove(&u->refused, index);
  sock->generation++;
  pool_put(&u->socks, sock);
}

bool udp_taken(const struct udp *u, const struct ip_addr *addr, uint16_t port)
{
  uint32_t i = u->buckets[port & u->bucket_mask];

  while (i != POOL_NONE) {
    const struct udp_sock *const sock = pool_at(&u->socks, i);

    if (sock->port == port &&
        ((ip_addr_is_any(&sock->addr) && ip_addr_takes(&sock->addr, addr)) ||
         (ip_addr_is_any(addr) && ip_addr_takes(addr, &sock->addr)) ||
         ip_addr_eq(&sock->addr, addr)))
      return true;
    i = sock->next;
  }
  return false;
}

struct udp_sock *udp_find(const struct udp *u, const struct ip_addr *addr, uint16_t port)
{
  struct udp_sock *of_any = NULL;
  uint32_t i = u->buckets[port & u->bucket_mask];

  while (i != POOL_NONE) {
    struct udp_sock *const sock = pool_at(&u->socks, i);

    if (sock->port == port && ip_addr_eq(&sock->addr, addr))
      return sock;
    if (sock->port == port && ip_addr_is_any(&sock->addr) && ip_addr_takes(&sock->addr, addr))
      of_any = sock;
    i = sock->next;
  }
  return of_any;
}

static enum udp_why drop(struct udp *u, struct udp_sock *sock, enum udp_why why)
{
  sock->drops++;
  return udp_refuse(u, why);
}

enum udp_why udp_deliver(struct udp *u, struct udp_sock *sock, const struct ip_addr *from,
                         uint16_t port, const struct frag *pieces, unsigned n, uint32_t length,
                         la_time now)
{
  const uint32_t before = sock->rx.octets;

  if (sock->count == UDP_QUEUE || sock->queued_octets + length > sock->rx_limit)
    return drop(u, sock, UDP_WHY_UDP_FULL);
  for (unsigned i = 0; i < n; i++)
    if (pieces[i].length > 0 && !stream_append(&u->store, &sock->rx, &pieces[i])) {
      sock->broken += sock->rx.octets - before;
      return drop(u, sock, UDP_WHY_UDP_NO_MEMORY);
    }
  sock->record[(sock->first + sock->count++) % UDP_QUEUE] =
    (struct udp_record){ *from, port, sock->broken, length };
  sock->broken = 0;
  sock->queued_octets += length;
  sock->datagrams_in++;
  sock->octets_in += length;
  sock->last_received = now;
  u->count[UDP_N_udp_in]++;
  if (!list_linked(&sock->notified))
    list_append(&u->notified, &sock->notified);
  return UDP_WHY_NONE;
}

int udp_take(struct udp *u, struct udp_sock *sock, struct ip_addr *from, uint16_t *port,
             void *octets, uint32_t max)
{
  const struct udp_record *const record = &sock->record[sock->first];

  if (sock->count == 0)
    return -LA_EAGAIN;
  const uint32_t length = record->length, copied = length < max ? length : max;

  *from = record->from;
  *port = record->port;
  (void)stream_read(&sock->rx, record->skip, octets, copied);
  stream_drop(&u->store, &sock->rx, record->skip + length);
  sock->first = (sock->first + 1) % UDP_QUEUE;
  sock->count--;
  sock->queued_octets -= length;
  if (sock->count == 0)
    stream_clear(&u->store, &sock->rx);       /* and what was broken, with it */
  if (sock->count == 0)
    sock->broken = 0;
  return (int)length;
}
