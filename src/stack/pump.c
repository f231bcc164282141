/* pump.c - in, out, when, and what became possible: la_input, la_output, la_deadline, la_events.
 * One turn of output is bounded by `max` packets, and by so many packets to ourselves. */
#include "base/need.h"
#include "stack/stack.h"

enum { LOOPS_PER_OUTPUT = 256, CHECKED_PER_TURN = 64 };

size_t la_input(la_stack *s, la_time now, la_pkt *pkts, size_t n)
{
  size_t taken;

  stack_time(s, now);
  taken = input_run(s, pkts, n);
  stack_reap(s);
  return taken;
}

/* ---- out ---- */

static void run_timers(la_stack *s)
{
  struct time_wait *tw;

  tcp_timers_run(&s->tcp);
  while ((tw = tcp_time_wait_expired(&s->tcp)) != NULL) {
    pair_erase_time_wait(s, tw);
    tcp_time_wait_free(&s->tcp, tw);
  }
  ip_timers_run(&s->ip, s->now);
  stack_reap(s);
}

/* In builds that check, some control blocks in each turn, one after another: what timers and
 * segments have made of them. */
static void check_some(la_stack *s)
{
  const uint32_t all = s->tcp.tcbs.fresh, n = all < CHECKED_PER_TURN ? all : CHECKED_PER_TURN;

  for (uint32_t i = 0; i < n; i++) {
    const struct tcb *const tcb = pool_at(&s->tcp.tcbs, s->check_at++ % all);

    if (tcb->generation & 1)
      need(tcp_check(&s->tcp, tcb) == NULL);
  }
}

enum said { SAID_NOTHING, SAID_PACKET, SAID_ELSEWHERE };

static enum said said(bool packet)
{
  return packet ? SAID_PACKET : SAID_ELSEWHERE;
}

/* The oldest obligation first: what has waited for a neighbour, what was asked of us, answers to
 * no one's segments; then the connections in turn. */
static enum said say(la_stack *s, la_pkt *pkt)
{
  struct ip_packet datagram;
  struct tcp_reply reply;
  struct tcp_out out;
  struct tcb *tcb;

  if (!list_empty(&s->ip.settled) && packet_unparked(s, pkt))
    return SAID_PACKET;
  if ((s->ip.frame_count > 0 || !list_empty(&s->ip.solicit)) && packet_frame(s, pkt))
    return SAID_PACKET;
  if (s->ip.datagram_count > 0 && ip_datagram_next(&s->ip, &datagram))
    return said(packet_ip(s, &datagram, pkt));
  if (s->tcp.reply_count > 0 && tcp_reply_take(&s->tcp, &reply))
    return said(packet_reply(s, &reply, pkt));
  if (tcp_output(&s->tcp, &tcb, &out))
    return said(packet_tcp(s, tcb, &out, pkt));
  return SAID_NOTHING;
}

/* Packets to ourselves come in again, those that are there now; how many. */
static uint32_t run_loop(la_stack *s)
{
  const uint32_t n = s->loop_count;

  for (uint32_t i = 0; i < n; i++) {
    la_pkt pkt = s->loop[s->loop_first];

    s->loop_first = (s->loop_first + 1) % s->loop_size;
    s->loop_count--;
    pkt.flags = LA_PKT_CSUM_OK;               /* it has not left memory */
    (void)input_run(s, &pkt, 1);
  }
  if (n > 0)
    stack_reap(s);
  return n;
}

size_t la_output(la_stack *s, la_time now, la_pkt *pkts, size_t max)
{
  uint32_t looped = 0;
  size_t n = 0;

  stack_time(s, now);
  run_timers(s);
  while (n < max) {
    const enum said what = say(s, &pkts[n]);

    if (what == SAID_PACKET)
      n++;
    if (s->loop_count == s->loop_size || (what == SAID_NOTHING && s->loop_count > 0)) {
      looped += run_loop(s);
      if (looped >= LOOPS_PER_OUTPUT)
        break;
    } else if (what == SAID_NOTHING) {
      break;
    }
  }
  stack_reap(s);
  if (LASTACK_CHECK)
    check_some(s);
  return n;
}

la_time la_deadline(const la_stack *s)
{
  const la_time ip = ip_deadline(&s->ip), tcp = tcp_deadline(&s->tcp);

  if (s->loop_count > 0 || tcp == 0 || retry_due(s))
    return INT64_MIN;                         /* tcp's 0 means now, and times may be negative */
  return ip < tcp ? ip : tcp;
}

/* ---- events ---- */

/* The next socket that has some: its bits, its name. */
static bool next_notified(la_stack *s)
{
  struct tcb *const tcb = tcp_notified(&s->tcp, &s->event_bits);
  struct list *node;

  if (tcb) {
    s->event_sock = sock_of_tcb(s, tcb);
    s->event_user = tcb->user;
    s->event_error = tcb->error;
    return true;
  }
  node = list_take(&s->udp.notified);
  if (!node)
    return false;
  const struct udp_sock *const sock = list_entry(node, struct udp_sock, notified);

  s->event_sock = sock_of_udp(s, sock);
  s->event_user = sock->user;
  s->event_error = LA_OK;
  s->event_bits = 1u << LA_EV_READABLE;
  return true;
}

/* A socket may be let go while its events were half told: the rest is of no interest any more,
 * though its connection may live on for a while, and its user may be freed. */
static void forget_stale(la_stack *s)
{
  const struct tcb *const tcb = sock_tcb(s, s->event_sock);

  if (s->event_bits && !(tcb && tcb->flags & TCB_HELD) && !sock_udp(s, s->event_sock))
    s->event_bits = 0;
}

/* Memory is short, or no more: what is so now is told once. */
static bool take_pressure(la_stack *s, la_event *event)
{
  const bool pressed = tcp_memory_presses(&s->tcp, s->pressed);

  if (pressed == s->pressed)
    return false;
  s->pressed = pressed;
  *event = (la_event){ .kind = LA_EV_PRESSURE, .error = pressed ? LA_ENOBUF : LA_OK };
  return true;
}

size_t la_events(la_stack *s, la_event *events, size_t max)
{
  size_t n = 0;

  forget_stale(s);
  while (n < max && (s->event_bits || next_notified(s))) {
    const unsigned kind = (unsigned)__builtin_ctz(s->event_bits);

    s->event_bits &= (uint8_t)(s->event_bits - 1);
    events[n++] = (la_event){
      s->event_sock, s->event_user, (uint16_t)kind, kind == LA_EV_CLOSED ? s->event_error : 0,
    };
  }
  if (n < max && retry_take(s, &events[n]))
    n++;
  if (n < max && take_pressure(s, &events[n]))
    n++;
  return n;
}
