/* stack.c - the stack's memory: what a configuration needs, how the one block is divided, how it
 * begins and ends, and what every call does before and after. */
#include "stack/stack.h"
#include "base/need.h"

enum {
  CONNECTIONS_MAX = 1 << 24, FLIGHTS_MIN = 64, SLAB_SIZE_MIN = 576, SLAB_SIZE_MAX = 1 << 20,
  LOOP_MAX = 64, PARKED_MAX = 256, PORT_BUCKETS_MIN = 64, PORT_BUCKETS_MAX = 65536,
  INTERFACES_MAX = 255, OPTION_SETS_MOST = 256, RTO_MAX_MOST_MS = 30 * 60 * 1000
};

void la_config_default(la_config *c)
{
  *c = (la_config){
    .tcp_connections = 1024, .tcp_time_waits = 1024, .tcp_half_open = 256, .udp_sockets = 16,
    .interfaces = 4, .addresses = 8, .routes = 16, .neighbors = 64, .reassemblies = 8,
    .slabs = 2048, .slab_size = 16384, .foreign_slabs = 256, .replies = 64,
    .send_buffer = 256 * 1024, .tcp_notsent_lowat = UINT32_MAX,
    .receive_buffer = 256 * 1024, .trace_entries = 16,
    .instances = 1, .port_first = 49152, .port_last = 65535, .msl_ms = 30000,
    .rto_initial_ms = 1000, .rto_min_ms = 200, .rto_max_ms = 60000, .syn_retries = 7,
    .synack_retries = 5, .retries_soft = 3, .retries = 15, .orphan_retries = 8,
    .user_timeout_least_ms = 100000, .user_timeout_most_ms = 3600000,
    .fin_wait_2_ms = 60000, .delayed_ack_ms = 40, .keepalive_idle_ms = 7200000,
    .keepalive_interval_ms = 75000, .keepalive_probes = 9, .initial_window = 10,
    .challenge_acks = 100, .resets = 1000, .icmp_errors = 100, .fastopen_cookies = 64,
    .fastopen_refused_ms = 600000, .ecn = LA_ECN_ACCEPT, .models = 64,
    .congestion = LA_CC_CUBIC, .mtu_probing = LA_MTU_PROBE_BLACK_HOLE,
  };
}

/* What `0` means in some fields. */
static la_config resolved(const la_config *config)
{
  la_config c = *config;

  if (c.chunks == 0)
    c.chunks = 2 * c.slabs;
  if (c.ranges == 0)
    c.ranges = c.slabs;
  if (c.flights == 0)
    c.flights = c.chunks > FLIGHTS_MIN ? c.chunks : FLIGHTS_MIN;
  if (c.models == 0 && c.congestion == LA_CC_BBR)
    c.models = c.tcp_connections;
  if (c.undos == 0 && c.tcp_connections < TCP_UNDOS_MIN * TCP_UNDO_SHARE)
    c.undos = TCP_UNDOS_MIN;
  else if (c.undos == 0)
    c.undos = c.tcp_connections / TCP_UNDO_SHARE;
  if (c.option_sets == 0)
    c.option_sets = c.tcp_connections < OPTION_SETS_MOST ? c.tcp_connections : OPTION_SETS_MOST;
  if (c.instances == 0)
    c.instances = 1;
  return c;
}

static bool pools_sensible(const la_config *c)
{
  return c->tcp_connections > 0 && c->tcp_connections <= CONNECTIONS_MAX &&
         c->tcp_time_waits <= CONNECTIONS_MAX && c->udp_sockets <= 65536 &&
         c->interfaces > 0 && c->interfaces <= INTERFACES_MAX && c->addresses > 0 &&
         c->addresses <= 65536 && c->routes <= 65536 && c->neighbors <= 65536 &&
         c->reassemblies <= 4096 && c->slabs > 0 && c->slabs <= CONNECTIONS_MAX &&
         c->slab_size >= SLAB_SIZE_MIN && c->slab_size <= SLAB_SIZE_MAX &&
         c->foreign_slabs <= CONNECTIONS_MAX && c->chunks <= 4 * CONNECTIONS_MAX &&
         c->undos <= CONNECTIONS_MAX && c->option_sets < CONNECTIONS_MAX &&
         c->ranges <= CONNECTIONS_MAX &&
         c->flights <= 4 * CONNECTIONS_MAX && c->models <= CONNECTIONS_MAX && c->replies > 0 &&
         c->replies <= 65536 && c->fastopen_cookies <= 1 << 20;
}

static bool habits_sensible(const la_config *c)
{
  return c->send_buffer > 0 && c->send_buffer <= 1u << 30 && c->receive_buffer > 0 &&
         c->receive_buffer <= 1u << 30 && c->send_buffer_max <= 1u << 30 &&
         c->receive_buffer_max <= 1u << 30 && c->trace_entries <= 4096 &&
         (c->trace_entries & (c->trace_entries - 1)) == 0 && c->instance < c->instances &&
         c->port_first > 0 && c->port_first <= c->port_last && c->rto_initial_ms > 0 &&
         c->rto_min_ms > 0 && c->rto_min_ms <= c->rto_max_ms &&
         c->rto_initial_ms <= c->rto_max_ms &&
         c->rto_max_ms <= RTO_MAX_MOST_MS &&
         c->rto_slop_ms <= c->rto_max_ms && c->delayed_ack_ms < 500 &&
         c->quick_acks <= UINT8_MAX && c->user_timeout_least_ms <= c->user_timeout_most_ms &&
         c->user_timeout_most_ms > 0 &&
         c->keepalive_interval_ms > 0 && c->keepalive_probes > 0 && c->keepalive_probes < 256 &&
         c->initial_window > 0 && c->initial_window <= 64 && c->window_scale <= 14 &&
         c->ecn <= LA_ECN_ASK && c->congestion < LA_CC_COUNT &&
         c->mtu_probing < LA_MTU_PROBE_COUNT;
}

static struct tcp_settings tcp_settings_of(const la_config *c)
{
  struct tcp_settings set = {
    .connections = c->tcp_connections, .time_waits = c->tcp_time_waits,
    .half_open = c->tcp_half_open, .ranges = c->ranges, .flights = c->flights,
    .models = c->models, .undos = c->undos,
    .replies = c->replies, .trace_entries = c->trace_entries,
    .habit_sets = c->option_sets + 1, .send_buffer = c->send_buffer,
    .receive_buffer = c->receive_buffer, .congestion = c->congestion,
    .send_buffer_max = c->send_buffer_max, .receive_buffer_max = c->receive_buffer_max,
    .habits = {
      .keepalive_idle_ms = c->keepalive_idle_ms,
      .keepalive_interval_ms = c->keepalive_interval_ms, .linger_ms = -1,
      .keepalive_probes = (uint8_t)c->keepalive_probes,
      .ttl = IP_TTL, .ecn = c->ecn, .syn_window = c->syn_window,
      .window_scale = c->window_scale, .bsd_options = c->bsd_options,
      .bsd_window = c->bsd_window, .minshall = c->minshall,
      .linux_buffers = c->linux_buffers, .receive_lowat = 1, .no_syn_text = c->no_syn_text,
      .bsd_acks = c->bsd_acks, .mtu_probing = c->mtu_probing,
    },
    .msl = c->msl_ms * LA_MS, .rto_initial = c->rto_initial_ms * LA_MS,
    .rto_min = c->rto_min_ms * LA_MS, .rto_max = c->rto_max_ms * LA_MS,
    .fin_wait_2 = c->fin_wait_2_ms * LA_MS, .delayed_ack = c->delayed_ack_ms * LA_MS,
    .quick_acks = (uint8_t)c->quick_acks,
    .syn_retries = c->syn_retries, .synack_retries = c->synack_retries,
    .retries_soft = c->retries_soft, .retries = c->retries, .orphan_retries = c->orphan_retries,
    .user_timeout_least_ms = c->user_timeout_least_ms,
    .user_timeout_most_ms = c->user_timeout_most_ms,
    .initial_window = c->initial_window, .challenge_acks = c->challenge_acks,
    .resets = c->resets, .notsent_lowat = c->tcp_notsent_lowat,
    .no_timestamps = c->no_timestamps,
    .no_window_scale = c->no_window_scale, .no_sack = c->no_sack,
    .no_syn_cookies = c->no_syn_cookies, .no_tail_probes = c->no_tail_probes,
    .fastopen_cookies = c->fastopen_cookies,
    .fastopen_refused = c->fastopen_refused_ms * LA_MS,
    .no_time_wait_reuse = c->no_time_wait_reuse, .rto_slop = c->rto_slop_ms * LA_MS,
    .slow_start_limit = c->slow_start_limit, .no_idle_restart = c->no_idle_restart,
    .abe = c->abe, .lax_timestamps = c->lax_timestamps,
    .handshake_errors = c->handshake_errors, .ecn_syn_retries = c->ecn_syn_retries,
    .gso_segments = c->gso_segments,
  };

  memcpy(set.secret, c->secret, sizeof set.secret);
  return set;
}

static struct ip_settings ip_settings_of(const la_config *c)
{
  struct ip_settings set = {
    .interfaces = c->interfaces, .addresses = c->addresses, .routes = c->routes,
    .neighbors = c->neighbors, .reassemblies = c->reassemblies, .replies = c->replies,
    .dests = 8, .icmp_errors = c->icmp_errors, .slab_size = c->slab_size,
  };

  while (set.dests < c->tcp_connections && set.dests < IP_DESTS_MAX)
    set.dests *= 2;
  memcpy(set.secret, c->secret, sizeof set.secret);
  return set;
}

static struct udp_settings udp_settings_of(const la_config *c)
{
  return (struct udp_settings){ c->udp_sockets, c->receive_buffer };
}

static uint32_t port_buckets_for(const la_config *c)
{
  const uint32_t objects = c->tcp_connections + c->tcp_time_waits;
  uint32_t n = PORT_BUCKETS_MIN;

  while (n < PORT_BUCKETS_MAX && n / 4 < objects)
    n *= 2;
  return n;
}

static uint32_t parked_for(const la_config *c)
{
  const uint32_t all = IP_WAITING_MAX * c->neighbors;

  return all < PARKED_MAX ? all : PARKED_MAX;
}

static uint32_t loop_for(const la_config *c)
{
  return c->replies < LOOP_MAX ? c->replies : LOOP_MAX;
}

/* The parts of the block, in its order. The slabs, which may be much, are the last: everything that
 * is linked by distances (base/list.h) lies before them, and so near enough. */
enum part {
  PART_STACK, PART_CHUNKS, PART_PARKED, PART_TCP, PART_IP, PART_UDP, PART_PAIRS, PART_NAMES,
  PART_PORTS, PART_LOOP, PART_SLABS, PART_COUNT
};

/* Where each part begins, and at PART_COUNT the size of all. */
static void lay_out(const la_config *c, size_t at[PART_COUNT + 1])
{
  const struct tcp_settings tcp = tcp_settings_of(c);
  const struct ip_settings ip = ip_settings_of(c);
  const struct udp_settings udp = udp_settings_of(c);
  const size_t octets[PART_COUNT] = {
    [PART_STACK] = sizeof(la_stack),
    [PART_SLABS] = slabs_octets(c->slabs, c->slab_size, c->foreign_slabs),
    [PART_CHUNKS] = pool_octets(sizeof(struct chunk), c->chunks),
    [PART_PARKED] = pool_octets(sizeof(struct parked), parked_for(c)),
    [PART_TCP] = tcp_octets(&tcp), [PART_IP] = ip_octets(&ip), [PART_UDP] = udp_octets(&udp),
    [PART_PAIRS] = demux_octets(c->tcp_connections + c->tcp_time_waits),
    [PART_NAMES] = demux_octets(c->tcp_connections),
    [PART_PORTS] = port_buckets_for(c) * sizeof(uint32_t),
    [PART_LOOP] = loop_for(c) * sizeof(la_pkt),
  };

  at[0] = 0;
  for (int i = 0; i < PART_COUNT; i++)
    at[i + 1] = at[i] + ((octets[i] + 63) & ~(size_t)63);
}

static bool sensible(const la_config *c)
{
  return pools_sensible(c) && habits_sensible(c);
}

size_t la_size(const la_config *config)
{
  const la_config c = resolved(config);
  size_t at[PART_COUNT + 1];

  if (!sensible(&c))
    return 0;
  lay_out(&c, at);
  return at[PART_SLABS] <= NEAR_REACH ? at[PART_COUNT] : 0;
}

static struct hash_key key_for(const la_config *c, uint64_t use)
{
  struct hash_key key = hash_key_of(c->secret);

  return (struct hash_key){ hash_words(key, &use, 1), hash_words(key, &(uint64_t){ ~use }, 1) };
}

static void init_rooms(la_stack *s, uint8_t *block, const size_t at[PART_COUNT + 1])
{
  const la_config *const c = &s->config;
  const struct tcp_settings tcp = tcp_settings_of(c);
  const struct ip_settings ip = ip_settings_of(c);
  const struct udp_settings udp = udp_settings_of(c);
  const struct store store = { &s->slabs, &s->chunks };

  slabs_init(&s->slabs, block + at[PART_SLABS], c->slabs, c->slab_size, c->foreign_slabs);
  pool_init(&s->chunks, block + at[PART_CHUNKS], sizeof(struct chunk), c->chunks);
  pool_init(&s->parked, block + at[PART_PARKED], sizeof(struct parked), parked_for(c));
  tcp_init(&s->tcp, block + at[PART_TCP], &tcp, store, s->now);
  ip_init(&s->ip, block + at[PART_IP], &ip, store, s->now);
  udp_init(&s->udp, block + at[PART_UDP], &udp, store);
  demux_init(&s->pairs, block + at[PART_PAIRS], c->tcp_connections + c->tcp_time_waits);
  demux_init(&s->names, block + at[PART_NAMES], c->tcp_connections);
}

la_stack *la_init(void *memory, size_t size, const la_config *config, la_time now)
{
  const la_config c = resolved(config);
  size_t at[PART_COUNT + 1];
  uint8_t *const block = memory;
  la_stack *const s = memory;

  if (!memory || (uintptr_t)memory % 64 != 0 || !sensible(&c))
    return NULL;
  lay_out(&c, at);
  if (size < at[PART_COUNT] || at[PART_SLABS] > NEAR_REACH)
    return NULL;
  memset(s, 0, sizeof *s);
  s->magic = STACK_MAGIC;
  s->size = at[PART_COUNT];
  s->now = now;
  s->config = c;
  s->pair_key = key_for(&c, 1);
  s->port_key = key_for(&c, 2);
  init_rooms(s, block, at);
  s->port_users = (uint32_t *)(void *)(block + at[PART_PORTS]);
  s->port_mask = port_buckets_for(&c) - 1;
  memset(s->port_users, 0, port_buckets_for(&c) * sizeof *s->port_users);
  s->loop = (la_pkt *)(void *)(block + at[PART_LOOP]);
  s->loop_size = loop_for(&c);
  retry_init(s);
  return s;
}

void la_fini(la_stack *s)
{
  slabs_reclaim(&s->slabs);
}

la_time la_now(const la_stack *s)
{
  return s->now;
}

void la_config_get(const la_stack *s, la_config *config)
{
  *config = s->config;
}

/* Equal memory, equal keys: then only habits differ. */
static bool is_same_block(const la_config *a, const la_config *b)
{
  size_t at_a[PART_COUNT + 1], at_b[PART_COUNT + 1];

  lay_out(a, at_a);
  lay_out(b, at_b);
  return memcmp(at_a, at_b, sizeof at_a) == 0 && memcmp(a->secret, b->secret, 16) == 0 &&
         a->instance == b->instance && a->instances == b->instances &&
         a->slab_size == b->slab_size && a->slabs == b->slabs;
}

int la_config_set(la_stack *s, const la_config *config)
{
  const la_config c = resolved(config);
  struct tcp_settings tcp;

  if (!sensible(&c) || !is_same_block(&c, &s->config))
    return -LA_EINVAL;
  tcp = tcp_settings_of(&c);
  if (!tcp_settings_change(&s->tcp, &tcp))
    return -LA_ENOROOM;
  s->config = c;
  return LA_OK;
}

size_t la_snapshot(const la_stack *s, void *copy, size_t size)
{
  if (size >= s->size)
    memcpy(copy, s, s->size);
  return s->size;
}

int la_restore(la_stack *s, const void *copy, size_t size)
{
  la_stack head;

  if (size < sizeof head)
    return -LA_EINVAL;
  memcpy(&head, copy, sizeof head);
  if (head.magic != STACK_MAGIC || head.size != s->size || size < s->size ||
      head.slabs.all != s->slabs.all)         /* made in another block: its pointers lead there */
    return -LA_EINVAL;
  memcpy(s, copy, s->size);
  return LA_OK;
}

/* ---- before and after each call ---- */

void stack_time(la_stack *s, la_time now)
{
  if (now > s->now)
    s->now = now;
  s->ip.now = s->now;
  tcp_time(&s->tcp, s->now);
}

void stack_settle(la_stack *s, struct tcb *tcb)
{
  check(tcp_check(&s->tcp, tcb) == NULL);
  if (tcb->state == TCP_CLOSED && tcb->flags & TCB_IN_DEMUX)
    name_give(s, tcb);
}

/* The oldest TIME-WAIT goes if there is no room for a new one. */
static void shrink(la_stack *s, struct tcb *tcb)
{
  struct time_wait *const victim = tcp_time_wait_victim(&s->tcp);
  struct time_wait *tw;

  if (victim) {
    pair_erase_time_wait(s, victim);
    tcp_time_wait_kill(&s->tcp, victim);
  }
  tw = tcp_time_wait_new(&s->tcp, tcb);
  name_give(s, tcb);
  if (tw)
    pair_insert_time_wait(s, tw);
}

void stack_reap_finished(la_stack *s)
{
  struct tcb *tcb;

  while ((tcb = tcp_finished(&s->tcp)) != NULL) {
    if (tcb->state == TCP_TIME_WAIT)
      shrink(s, tcb);
    else
      name_give(s, tcb);
    tcp_tcb_free(&s->tcp, tcb);
  }
}
