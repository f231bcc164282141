/* two.h - two stacks of an application's own, joined in memory, in virtual time. A test says what
 * the ends do; two_settle carries packets until neither has more to say at this instant, and
 * two_until lets time pass from deadline to deadline. */
#ifndef LA_TEST_TWO_H
#define LA_TEST_TWO_H
#include "lastack.h"
#include "mem.h"
#include "support/rows.h"
#include "support/unit.h"

enum { TWO_MTU = 1500 };

struct two {
  la_stack *end[2];
  void     *memory[2];
  struct mem *link;
  la_time   now;
};

static inline la_addr two_addr(int end)
{
  return la_ip4(10, 0, 0, (uint8_t)(end + 1));
}

static inline la_endpoint two_at(int end, uint16_t port)
{
  return (la_endpoint){ two_addr(end), port };
}

/* A small host; a test changes what it is about. */
static inline void two_config(la_config *c)
{
  la_config_default(c);
  c->tcp_connections = 16;
  c->tcp_time_waits = 8;
  c->tcp_half_open = 4;
  c->udp_sockets = 4;
  c->slabs = 256;
  c->slab_size = 2048;
  c->neighbors = 8;
  c->replies = 16;
  c->send_buffer = c->receive_buffer = 64 * 1024;
  memcpy(c->secret, "two stacks, one.", 16);
}

static inline la_stack *two_stack(struct two *t, int end, const la_config *c)
{
  const size_t size = la_size(c);

  assert_true(size > 0);
  t->memory[end] = test_memory(size);
  t->end[end] = la_init(t->memory[end], size, c, t->now);
  assert_non_null(t->end[end]);
  return t->end[end];
}

static inline void two_join(struct two *t, const la_iface *iface)
{
  struct mem_end ends[2];

  for (int i = 0; i < 2; i++) {
    la_iface mine = *iface;

    mine.mac[5] = (uint8_t)(mine.mac[5] + i);
    ends[i].stack = t->end[i];
    ends[i].iface = la_iface_add(t->end[i], &mine);
    assert_int_equal(ends[i].iface, 0);
    assert_int_equal(la_addr_add(t->end[i], 0, two_addr(i), 24), 0);
  }
  t->link = mem_open(ends[0], ends[1], MEM_COPY, false);
  assert_non_null(t->link);
}

static inline struct two two_of(const la_config *c, enum la_medium medium)
{
  const la_iface iface = {
    .medium = medium, .mtu = TWO_MTU, .flags = LA_IFACE_UP, .mac = { 2, 0, 0, 0, 0, 1 },
    .name = "mem",
  };
  struct two t = { .now = LA_SEC };

  two_stack(&t, 0, c);
  two_stack(&t, 1, c);
  two_join(&t, &iface);
  return t;
}

static inline struct two two_new(void)
{
  la_config c;

  two_config(&c);
  return two_of(&c, LA_MEDIUM_IP);
}

static inline void two_end(struct two *t)
{
  rows_of_stack(t->end[0]);
  rows_of_stack(t->end[1]);
  la_fini(t->end[0]);
  la_fini(t->end[1]);
  mem_close(t->link);
  free(t->memory[0]);
  free(t->memory[1]);
}

static inline void two_settle(struct two *t)
{
  (void)mem_settle(t->link, t->now, 1000);
}

/* Time passes until `then`; whatever is due meanwhile happens when it is due. */
static inline void two_until(struct two *t, la_time then)
{
  two_settle(t);
  for (int turns = 0; turns < 100000 && mem_deadline(t->link) <= then; turns++) {
    if (mem_deadline(t->link) > t->now)
      t->now = mem_deadline(t->link);
    two_settle(t);
  }
  t->now = then;
  two_settle(t);
}

/* The next event of this kind; all others before it are passed over. false: there is none. */
static inline bool two_event(struct two *t, int end, enum la_event_kind kind, la_event *event)
{
  la_event e;

  while (la_events(t->end[end], &e, 1) == 1)
    if (e.kind == kind) {
      *event = e;
      return true;
    }
  return false;
}

static inline la_sock two_listen(struct two *t, int end, uint16_t port, uint32_t backlog)
{
  la_sock sock;

  assert_int_equal(la_tcp_open(t->end[end], NULL, &sock), 0);
  assert_int_equal(la_tcp_bind(t->end[end], sock, two_at(end, port)), 0);
  assert_int_equal(la_tcp_listen(t->end[end], sock, backlog), 0);
  return sock;
}

static inline la_sock two_connect(struct two *t, int from, uint16_t port)
{
  la_sock sock;

  assert_int_equal(la_tcp_open(t->end[from], NULL, &sock), 0);
  assert_int_equal(la_tcp_connect(t->end[from], sock, two_at(1 - from, port)), 0);
  return sock;
}

/* A connection between both, from end 0 to a listener of end 1; sock[i] is end i's. */
static inline void two_pair(struct two *t, la_sock listener, uint16_t port, la_sock sock[2])
{
  sock[0] = two_connect(t, 0, port);
  two_settle(t);
  assert_int_equal(la_tcp_accept(t->end[1], listener, NULL, &sock[1]), 0);
}

static inline const char *two_state(const struct two *t, int end, la_sock sock)
{
  la_sock_info info;

  if (la_sock_get(t->end[end], sock, &info) < 0)
    return "STALE";
  return la_state_name(info.state);
}

static inline uint32_t two_used(const struct two *t, int end, const char *pool)
{
  const char *name;
  uint32_t used, peak, size;

  for (unsigned n = 0; la_pool_get(t->end[end], n, &name, &used, &peak, &size); n++)
    if (strcmp(name, pool) == 0)
      return used;
  fail_msg("there is no pool %s", pool);
  return 0;
}

static inline uint64_t two_count(const struct two *t, int end, const char *counter)
{
  const char *name, *meaning;
  uint64_t count;

  for (unsigned n = 0; count = la_counter(t->end[end], n, &name, &meaning), name; n++)
    if (strcmp(name, counter) == 0)
      return count;
  fail_msg("there is no counter %s", counter);
  return 0;
}

#endif
