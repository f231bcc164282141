/* world.c - virtual time, and the packets of both directions. */
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 };

/* The calling thread looks whether it may go on; it has gone on and not asked for the time yet. */
static _Thread_local bool looks, owes;

int shim_begin(struct shim *m)
{
  const la_iface iface = {
    .medium = LA_MEDIUM_IP, .mtu = m->set.mtu, .gso_max = m->set.gso_max, .flags = LA_IFACE_UP,
    .name = "drill",
  };
  const size_t size = la_size(&m->set.config);

  if (m->stack)
    return 0;
  if (m->error[0] != '\0' || size == 0)
    return -1;
  m->memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
  if (!m->memory)
    return -1;
  m->stack = la_init(m->memory, size, &m->set.config, m->now);
  if (!m->stack)
    return -1;
  m->iface = la_iface_add(m->stack, &iface);
  if (m->iface < 0 ||
      la_route_add(m->stack, la_ip4(0, 0, 0, 0), 0, (la_addr){ 0 }, m->iface) < 0 ||
      la_route_add(m->stack, (la_addr){ .len = 16 }, 0, (la_addr){ 0 }, m->iface) < 0)
    return -1;
  if (m->set.has_fastopen_key &&
      la_tcp_fastopen_key(m->stack, (la_sock){ 0 }, m->set.fastopen_key, 16) < 0)
    return -1;
  return m->set.local.len == 0 ? 0 : shim_learn(m, m->set.local);
}

void shim_end(struct shim *m)
{
  struct packet *p;

  while ((p = m->first) != NULL) {
    m->first = p->next;
    free(p);
  }
  if (m->stack)
    la_fini(m->stack);
  free(m->memory);
}

/* The scripts' host has the address that they use: a name it is given, or where packets go. */
int shim_learn(struct shim *m, la_addr addr)
{
  int iface;
  la_addr have;
  uint8_t prefix;

  for (unsigned n = 0; la_addr_get(m->stack, n, &iface, &have, &prefix) >= 0; n++)
    if (memcmp(&have, &addr, sizeof addr) == 0)
      return 0;
  if (la_addr_add(m->stack, m->iface, addr, addr.len == 4 ? 32 : 128) < 0)
    return -1;
  m->named = true;
  return 0;
}

/* ---- what goes out ---- */

static uint32_t sum_octets(const uint8_t *octets, size_t n, uint32_t sum)
{
  for (size_t i = 0; i < n; i++)
    sum += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
  return sum;
}

static bool sum_is_whole(uint32_t sum)
{
  while (sum >> 16)                           /* at most twice */
    sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

/* IPv4 (RFC 791 3.1, RFC 9293 3.1) or IPv6 (RFC 8200 8.1): are the sums right? What is no TCP
 * without extension headers is not looked at. */
bool shim_packet_sound(const uint8_t *octets, size_t n)
{
  const bool six = n > 0 && octets[0] >> 4 == 6;
  const size_t header = six ? 40 : n > 0 ? (size_t)(octets[0] & 15) * 4 : 0;
  const size_t names = six ? 8 : 12, names_length = six ? 32 : 8;

  if (n < 20 || n < header || header < 20)
    return false;
  if (!six && !sum_is_whole(sum_octets(octets, header, 0)))
    return false;
  if (octets[six ? 6 : 9] != LA_TCP)
    return true;
  return sum_is_whole(sum_octets(octets + header, n - header,
                                 sum_octets(octets + names, names_length,
                                            LA_TCP + (uint32_t)(n - header))));
}

static bool sound(struct shim *m, const la_pkt *pkt)
{
  static uint8_t octets[SHIM_PACKET_MAX];     /* under the lock */
  la_pkt piece;
  size_t n;

  if (pkt->gso_size == 0)
    return shim_packet_sound(octets, la_pkt_copy(pkt, octets, sizeof octets));
  for (size_t i = 0; la_gso_split(m->stack, pkt, i, &piece, 1) == 1; i++) {
    n = la_pkt_copy(&piece, octets, sizeof octets);
    la_pkt_release(m->stack, &piece);
    if (!shim_packet_sound(octets, n))
      return false;
  }
  return true;
}

static void keep_one(struct shim *m, la_pkt *pkt)
{
  const size_t length = la_pkt_length(pkt);
  struct packet *const p = malloc(sizeof *p + length);

  if (!p)
    abort();
  p->next = NULL;
  p->at = pkt->at > m->now ? pkt->at : m->now;
  p->length = la_pkt_copy(pkt, p->octets, length);
  la_pkt_release(m->stack, pkt);
  *m->end = p;
  m->end = &p->next;
}

static void keep(struct shim *m, la_pkt *pkt)
{
  la_pkt piece;

  if (!sound(m, pkt))
    m->bad_checksums++;
  if (!m->set.link_cuts || pkt->gso_size == 0) {
    keep_one(m, pkt);
    return;
  }
  for (size_t i = 0; la_gso_split(m->stack, pkt, i, &piece, 1) == 1; i++)
    keep_one(m, &piece);
  la_pkt_release(m->stack, pkt);
}

static void note_events(struct shim *m)
{
  la_event e;

  while (la_events(m->stack, &e, 1) == 1) {
    struct file *const f = shim_file_of_sock(m, e.sock);

    if (!f)
      continue;
    f->wakes++;
    if (e.kind == LA_EV_CONNECTED)
      f->connected = true;
    if (e.kind == LA_EV_WRITABLE || e.kind == LA_EV_RETRY || e.kind == LA_EV_CLOSED)
      f->full = false;
    if (e.kind == LA_EV_CLOSED && e.error != 0)
      f->error = (int16_t)(m->set.linux_errors && f->ended && e.error == LA_ERESET
                               ? EPIPE : shim_errno(-e.error));
    if (e.kind == LA_EV_PEER_CLOSED)
      f->ended = true;
  }
}

/* Every call that waits looks again; this thread goes on when all of them are done with it. */
static void wake(struct shim *m)
{
  if (m->asleep > 0) {
    m->looking = m->asleep;
    m->alarm = LA_NEVER;
    m->turns++;
    pthread_cond_broadcast(&m->moved);
  }
  while (m->looking > 0 || m->owing > 0)
    pthread_cond_wait(&m->settled, &m->lock);
}

static void speak(struct shim *m)
{
  la_pkt pkts[BATCH];
  size_t n;

  do {
    n = la_output(m->stack, m->now, pkts, BATCH);
    for (size_t i = 0; i < n; i++)
      keep(m, &pkts[i]);
  } while (n > 0);
  note_events(m);
}

void shim_turn(struct shim *m)
{
  if (!m->stack)
    return;
  speak(m);
  if (pthread_equal(pthread_self(), m->main))
    wake(m);
}

/* When something happens without anybody's doing: a timer of the stack, a time-out of a call. */
static la_time next_due(const struct shim *m)
{
  const la_time due = m->stack ? la_deadline(m->stack) : LA_NEVER;

  return due < m->alarm ? due : m->alarm;
}

static void move_to(struct shim *m, la_time then)
{
  if (then > m->now)
    m->now = then;
  if (m->stack)
    (void)la_input(m->stack, m->now, NULL, 0);
  shim_turn(m);
}

void shim_advance(struct shim *m, la_time until)
{
  while (next_due(m) <= until)
    move_to(m, next_due(m));
  move_to(m, until);
}

bool shim_step(struct shim *m)
{
  if (next_due(m) == LA_NEVER)
    return false;
  move_to(m, next_due(m));
  return true;
}

/* The main thread has nobody to wait for: it goes from deadline to deadline itself. */
static bool wait_alone(struct shim *m, la_time until)
{
  const la_time due = next_due(m), then = due < until ? due : until;

  if (then == LA_NEVER || m->now >= until)
    return false;
  move_to(m, then);
  return true;
}

static void stop_looking(struct shim *m)
{
  if (!looks)
    return;
  looks = false;
  m->looking--;
  pthread_cond_signal(&m->settled);
}

bool shim_wait(struct shim *m, la_time until)
{
  const unsigned turn = m->turns;

  if (pthread_equal(pthread_self(), m->main))
    return wait_alone(m, until);
  if (m->now >= until)
    return false;
  speak(m);                                   /* what the call has done so far is to be seen */
  stop_looking(m);
  m->asleep++;
  if (until < m->alarm)
    m->alarm = until;
  while (m->turns == turn)
    pthread_cond_wait(&m->moved, &m->lock);
  m->asleep--;
  looks = true;
  return true;
}

void shim_waited(struct shim *m)
{
  if (looks) {
    owes = true;
    m->owing++;
  }
  stop_looking(m);
}

void shim_asked(struct shim *m)
{
  if (owes)
    m->owing--;
  owes = false;
  pthread_cond_signal(&m->settled);
}
