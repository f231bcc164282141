/* tables.c - the tables that run the stack, for whoever explains it: states, events, rows, reasons,
 * timers, counters, pools, objects. */
#include "stack/stack.h"

const char *la_state_name(uint8_t state)
{
  return state < TCP_STATE_COUNT ? tcp_state_name(state) : NULL;
}

const char *la_state_meaning(uint8_t state)
{
  return state < TCP_STATE_COUNT ? tcp_state_meaning(state) : NULL;
}

const char *la_state_waits_for(uint8_t state)
{
  return state < TCP_STATE_COUNT ? tcp_state_waits_for(state) : NULL;
}

unsigned la_state_attrs(uint8_t state)
{
  return state < TCP_STATE_COUNT ? tcp_state_attrs(state) : 0;
}

const char *la_fsm_event_name(uint8_t event)
{
  return event < TCP_EVENT_COUNT ? tcp_event_name(event) : NULL;
}

const char *la_fsm_event_meaning(uint8_t event)
{
  return event < TCP_EVENT_COUNT ? tcp_event_meaning(event) : NULL;
}

bool la_fsm_row_get(unsigned n, la_fsm_row *row)
{
  struct fsm_row from;

  if (!tcp_fsm_row(n, &from))
    return false;
  *row = (la_fsm_row){ from.from, from.event, from.to, tcp_event_origin(from.event),
                       from.sends, from.rfc, from.why };
  return true;
}

/* TCP's reasons, then IP's and UDP's, each room's NONE left out but the first. */
enum {
  WHYS_IP = WHY_COUNT, WHYS_UDP = WHYS_IP + IP_WHY_COUNT - 1,
  WHYS = WHYS_UDP + UDP_WHY_COUNT - 1
};

bool la_why_row_get(unsigned n, la_why_row *row)
{
  if (n < WHYS_IP) {
    const struct why_row tcp = tcp_why_row(n);

    *row = (la_why_row){ tcp.name, tcp.step, tcp.rfc, tcp.text };
  } else if (n < WHYS_UDP) {
    const unsigned i = n - WHYS_IP + 1;

    *row = (la_why_row){ ip_why_name(i), "ip", ip_why_rfc(i), ip_why_text(i) };
  } else if (n < WHYS) {
    const unsigned i = n - WHYS_UDP + 1;

    *row = (la_why_row){ udp_why_name(i), "udp", udp_why_rfc(i), udp_why_text(i) };
  } else {
    return false;
  }
  return true;
}

bool la_timer_row_get(unsigned n, la_timer_row *row)
{
  if (n >= TCP_TIMER_COUNT)
    return false;
  const struct why_row timer = tcp_timer_row(n);

  *row = (la_timer_row){ timer.name, timer.rfc, timer.text };
  return true;
}

/* ---- counters ---- */

static uint64_t why_count(const la_stack *s, unsigned n)
{
  if (n < WHYS_IP)
    return s->tcp.why[n];
  return n < WHYS_UDP ? s->ip.why[n - WHYS_IP + 1] : s->udp.why[n - WHYS_UDP + 1];
}

/* The tables of tcp/: a number, counted from the table's first row, or false. */
static bool tcp_counter(const la_stack *s, unsigned n, const char **name, const char **meaning,
                        uint64_t *count)
{
  struct fsm_row row;
  struct why_row other;

  if (tcp_fsm_row(n, &row)) {
    *name = row.name;
    *meaning = row.why;
    *count = s->tcp.row[n];
    return true;
  }
  n -= TCP_ROW_COUNT;
  if (n >= TCP_TIMER_COUNT + TCP_COUNT_COUNT)
    return false;
  other = n < TCP_TIMER_COUNT ? tcp_timer_row(n) : tcp_count_row(n - TCP_TIMER_COUNT);
  *name = n < TCP_TIMER_COUNT ? tcp_timer_counter(n) : other.name;
  *meaning = other.text;
  *count = n < TCP_TIMER_COUNT ? s->tcp.timer[n] : s->tcp.count[n - TCP_TIMER_COUNT];
  return true;
}

uint64_t la_counter(const la_stack *s, unsigned number, const char **name, const char **meaning)
{
  unsigned n = number;
  uint64_t count;
  la_why_row why;

  if (la_why_row_get(n, &why)) {
    *name = why.name;
    *meaning = why.text;
    return why_count(s, n);
  }
  n -= WHYS;
  if (tcp_counter(s, n, name, meaning, &count))
    return count;
  n -= TCP_ROW_COUNT + TCP_TIMER_COUNT + TCP_COUNT_COUNT;
  if (n < IP_COUNT_COUNT) {
    *name = ip_count_name(n);
    *meaning = ip_count_text(n);
    return s->ip.count[n];
  }
  n -= IP_COUNT_COUNT;
  *name = udp_count_name(n);                  /* NULL past the last */
  *meaning = udp_count_text(n);
  return n < UDP_COUNT_COUNT ? s->udp.count[n] : 0;
}

/* ---- pools and objects ---- */

struct pool_row { const char *name; uint32_t used, peak, size; };

static struct pool_row row_of(const char *name, const struct pool *p)
{
  return (struct pool_row){ name, p->used, p->peak, p->size };
}

/* Half-open connections are a limit, not a pool; it is listed because it, too, can be used up. */
enum { POOL_ROWS = 20 };

static struct pool_row pool_row(const la_stack *s, unsigned n)
{
  const struct ip *const ip = &s->ip;
  const struct slabs *const m = &s->slabs;
  const struct pool *const sets = &s->tcp.habit_sets;     /* one of them is the stack's own */
  const struct pool_row rows[POOL_ROWS] = {
    row_of("tcp_connections", &s->tcp.tcbs), row_of("tcp_time_waits", &s->tcp.time_waits),
    { "tcp_half_open", s->tcp.half_opens, s->tcp.half_opens, s->config.tcp_half_open },
    row_of("udp_sockets", &s->udp.socks), { "slabs", m->used, m->peak, m->count },
    { "foreign_slabs", m->foreign_used, m->foreign_peak, m->foreign_count },
    row_of("chunks", &s->chunks), row_of("ranges", &s->tcp.islands),
    row_of("flights", &s->tcp.flights), row_of("models", &s->tcp.models),
    { "option_sets", sets->used - 1, sets->peak - 1, sets->size - 1 },
    { "unread", s->tcp.holders, s->tcp.holders_peak, s->config.tcp_connections },
    { "tcp_replies", s->tcp.reply_count, s->tcp.reply_count, s->config.replies },
    { "datagrams", ip->datagram_count, ip->datagram_peak, ip->set.replies },
    { "interfaces", ip->iface_count, ip->iface_count, ip->set.interfaces },
    { "addresses", ip->own_count, ip->own_peak, ip->set.addresses },
    { "routes", ip->route_count, ip->route_peak, ip->set.routes },
    { "neighbors", ip->neighbor_count, ip->neighbor_peak, ip->set.neighbors },
    { "reassemblies", ip->reasm_count, ip->reasm_peak, ip->set.reassemblies },
    { "loopback", s->loop_count, s->loop_peak, s->loop_size },
  };

  return rows[n];
}

bool la_pool_get(const la_stack *s, unsigned n, const char **name, uint32_t *used,
                 uint32_t *peak, uint32_t *size)
{
  if (n >= POOL_ROWS)
    return false;
  const struct pool_row row = pool_row(s, n);

  *name = row.name;
  *used = row.used;
  *peak = row.peak;
  *size = row.size;
  return true;
}

size_t la_object_size(unsigned n, const char **name)
{
  static const struct { const char *name; size_t octets; } objects[] = {
    { "tcb", sizeof(struct tcb) }, { "timer_node", sizeof(struct wheel_node) },
    { "time_wait", sizeof(struct time_wait) },
    { "trace_entry", sizeof(struct tcp_trace) }, { "chunk", sizeof(struct chunk) },
    { "island", sizeof(struct island) }, { "slab_header", sizeof(struct la_slab) },
    { "option_set", sizeof(struct habit_set) }, { "demux_slot", sizeof(struct demux_slot) },
    { "udp_sock", sizeof(struct udp_sock) },
  };

  if (n >= sizeof objects / sizeof *objects) {
    *name = NULL;
    return 0;
  }
  *name = objects[n].name;
  return objects[n].octets;
}
