/* tcp_rig.h - the room of TCP alone: one connection, segments in as structs, what it says and
 * its story out as text, virtual time.  No stack, no packet, no network.
 *
 * Sequence numbers in tests are relative: arriving ones to the peer's ISN, which is chosen so
 * that they cross the wrap, acknowledgments to ours, which the rig's time places likewise. */
#ifndef LA_TEST_TCP_RIG_H
#define LA_TEST_TCP_RIG_H
#include "support/rows.h"
#include "support/unit.h"
#include "tcp/room.h"

enum {
  RIG_IRS = -6,                 /* six octets before the wrap */
  RIG_BLOCK = 96 * 1024,
  RIG_SLABS = 24,
  RIG_SLAB_SIZE = 2048,
  RIG_CHUNKS = 128,
  RIG_USED = 32 * 1024,         /* of the block, with few and small slabs: what a snapshot copies */
  RIG_WND = 60000
};

struct rig {
  struct tcp t;
  struct slabs slabs;
  struct pool chunks;
  struct tcb *listener, *tcb;
  struct time_wait *tw;
  struct ends ends;
  struct tcp_path path;
  struct tcp_options options;   /* of the segments that arrive */
  uint32_t wnd, peer_isn;       /* likewise */
  uint16_t up;                  /* likewise, where URG is set */
  struct verdict last;          /* on the latest arrival */
  struct tcp_out out;           /* the latest segment said by a connection, */
  struct tcp_reply reply;       /* and by none */
  uint32_t slab_count, slab_size;
  size_t said_length;
  char said[4096];              /* since the last look */
  _Alignas(64) uint8_t block[RIG_BLOCK];
};

static inline struct tcp_settings rig_settings(void)
{
  return (struct tcp_settings){
    .connections = 8, .time_waits = 2, .half_open = 2, .ranges = 70, .flights = 40, .models = 1,
    .replies = 8, .trace_entries = 32,
    .habit_sets = 8, .undos = 2, .send_buffer = 16384, .receive_buffer = 16384,
    .habits = { .keepalive_idle_ms = 7200000, .keepalive_interval_ms = 75000, .linger_ms = -1,
                .keepalive_probes = 9, .receive_lowat = 1 },
    .notsent_lowat = UINT32_MAX,
    .msl = 30 * LA_SEC, .rto_initial = LA_SEC, .rto_min = 200 * LA_MS, .rto_max = 60 * LA_SEC,
    .fin_wait_2 = 60 * LA_SEC, .delayed_ack = 40 * LA_MS,
    .syn_retries = 7, .synack_retries = 5, .retries_soft = 3, .retries = 15, .orphan_retries = 8,
    .user_timeout_least_ms = 100000, .user_timeout_most_ms = 3600000,
    .initial_window = 10, .challenge_acks = 100, .resets = 1000,
    .no_timestamps = true, .no_window_scale = true, .no_sack = true,
    .secret = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
  };
}

/* The moment at which RFC 6528's clock gives this pair an ISS just before the wrap. */
static inline la_time rig_start_time(struct rig *r)
{
  const uint32_t hash = (uint32_t)hash_octets(hash_key_of(r->t.set.secret), &r->ends,
                                              sizeof r->ends);

  return (la_time)(0xfffffff8u - hash) * 4000;
}

static inline void rig_memory(struct rig *r, uint32_t slab_count, uint32_t slab_size)
{
  uint8_t *p = r->block;

  r->slab_count = slab_count;
  r->slab_size = slab_size;
  assert_true(slabs_octets(slab_count, slab_size, 4) + pool_octets(sizeof(struct chunk), RIG_CHUNKS)
              + 8192 < RIG_BLOCK);
  slabs_init(&r->slabs, p, slab_count, slab_size, 4);
  p += (slabs_octets(slab_count, slab_size, 4) + 63) & ~(size_t)63;
  pool_init(&r->chunks, p, sizeof(struct chunk), RIG_CHUNKS);
}

/* What the rig has met: noted when it begins anew, and at the program's end. */
static inline void rig_note_rows(const struct rig *r)
{
  FILE *const file = r->slab_count > 0 ? rows_file() : NULL;
  struct fsm_row row;

  if (!file)
    return;
  for (unsigned i = 0; i < WHY_COUNT; i++)
    rows_note(file, tcp_why_row(i).name, r->t.why[i]);
  for (unsigned i = 0; tcp_fsm_row(i, &row); i++)
    rows_note(file, row.name, r->t.row[i]);
  for (unsigned i = 0; i < TCP_TIMER_COUNT; i++)
    rows_note(file, tcp_timer_counter(i), r->t.timer[i]);
  for (unsigned i = 0; i < TCP_COUNT_COUNT; i++)
    rows_note(file, tcp_count_row(i).name, r->t.count[i]);
  fclose(file);
}

static inline struct rig **rig_latest(void)
{
  static struct rig *latest;

  return &latest;
}

static inline void rig_note_latest(void) { rig_note_rows(*rig_latest()); }

static inline void rig_note_before(struct rig *r)
{
  if (!*rig_latest())
    (void)atexit(rig_note_latest);
  rig_note_rows(r);
  *rig_latest() = r;
}

static inline void rig_init_with(struct rig *r, const struct tcp_settings *set, uint32_t slab_count,
                                 uint32_t slab_size)
{
  static const uint8_t us[4] = { 192, 0, 2, 1 }, them[4] = { 192, 0, 2, 2 };
  struct store store = { &r->slabs, &r->chunks };
  uint8_t *p;

  rig_note_before(r);
  memset(r, 0, sizeof *r);
  r->ends = (struct ends){ ip_addr_of4(us), ip_addr_of4(them), 80, 1025 };
  r->path = (struct tcp_path){ .mtu = 1500, .ip_header = 20 };
  r->wnd = RIG_WND;
  r->peer_isn = (uint32_t)RIG_IRS;
  r->options = (struct tcp_options){ .present = TCP_OPT_MSS, .mss = 1460 };
  rig_memory(r, slab_count, slab_size);
  p = r->block + ((slabs_octets(slab_count, slab_size, 4) + 63) & ~(size_t)63) +
      pool_octets(sizeof(struct chunk), RIG_CHUNKS);
  assert_true(p + tcp_octets(set) <= r->block + RIG_BLOCK);
  r->t.set = *set;
  tcp_init(&r->t, p, set, store, rig_start_time(r));
}

static inline void rig_init(struct rig *r)
{
  const struct tcp_settings set = rig_settings();

  rig_init_with(r, &set, RIG_SLABS, RIG_SLAB_SIZE);
}

/* ---- what it says ---- */

static inline void rig_note(struct rig *r, unsigned flags, uint32_t seq, uint32_t text,
                            uint32_t ack, unsigned gso)
{
  static const char letters[] = "FSRPAUEC";
  char *const p = r->said + r->said_length;
  const size_t left = sizeof r->said - r->said_length;
  char name[9], size[32] = "", piece[16] = "", acked[16] = "";
  unsigned n = 0;

  for (unsigned i = 0; i < 8; i++)
    if (flags & 1u << i)
      name[n++] = letters[i];
  name[n] = 0;
  if (text > 0)
    snprintf(size, sizeof size, "+%u", text);
  if (gso > 0)
    snprintf(piece, sizeof piece, "/%u", gso);
  if (flags & F_ACK)
    snprintf(acked, sizeof acked, " %u", ack);
  r->said_length += (size_t)snprintf(p, left, "%s%s %u%s%s%s", r->said_length ? "; " : "", name,
                                     seq, size, piece, acked);
  assert_true(r->said_length < sizeof r->said);
}

static inline void rig_reap(struct rig *r)
{
  struct tcb *tcb;

  while ((tcb = tcp_finished(&r->t)) != NULL) {
    if (tcb->state == TCP_TIME_WAIT) {
      struct time_wait *const victim = tcp_time_wait_victim(&r->t);

      if (victim)
        tcp_time_wait_kill(&r->t, victim);
      r->tw = tcp_time_wait_new(&r->t, tcb);
    }
    if (tcb == r->tcb)
      r->tcb = NULL;
    tcp_tcb_free(&r->t, tcb);
  }
}

/* Lets it say everything that it has to say now. Numbers are relative to the connection's. */
static inline void rig_pump(struct rig *r)
{
  const uint32_t iss = r->tcb ? r->tcb->snd.iss.n : 0;
  const uint32_t base = r->tcb && (r->tcb->flags & TCB_OPENED) ? iss : 0;
  struct tcp_reply reply;
  struct tcp_out out;
  struct tcb *from;

  tcp_timers_run(&r->t);
  while (tcp_output(&r->t, &from, &out)) {
    rig_note(r, out.flags, out.seq.n - from->snd.iss.n, out.text, out.ack.n - r->peer_isn,
             out.gso_size);
    assert_null(tcp_check(&r->t, from));
    r->out = out;
  }
  while (tcp_reply_take(&r->t, &reply)) {
    rig_note(r, reply.flags, reply.seq.n - base, 0, reply.ack.n - r->peer_isn, 0);
    r->reply = reply;
  }
  if (r->tcb)
    assert_null(tcp_check(&r->t, r->tcb));
}

#define says(r, want)                                 \
  do {                                                \
    rig_pump(r);                                      \
    assert_string_equal((r)->said, want);             \
    (r)->said_length = 0;                             \
    (r)->said[0] = 0;                                 \
  } while (0)

static inline void rig_forget_said(struct rig *r)
{
  rig_pump(r);
  r->said_length = 0;
  r->said[0] = 0;
}

/* The options of a segment that was said, as its receiver reads them. */
static inline struct tcp_options rig_options(const uint8_t *options, uint8_t length)
{
  struct tcp_header h = { 0 }, parsed;
  uint8_t octets[TCP_HEADER_MAX];
  const size_t n = tcp_header_write(octets, &h, options, length);

  assert_int_equal(tcp_header_parse(octets, n, &parsed), n);
  return parsed.options;
}

static inline struct tcp_options said_options(const struct rig *r)
{
  return rig_options(r->out.options, r->out.options_length);
}

static inline struct tcp_options replied_options(const struct rig *r)
{
  return rig_options(r->reply.options, r->reply.options_length);
}

/* Time passes, timer by timer. */
static inline void waits(struct rig *r, la_time duration)
{
  const la_time until = r->t.now + duration;

  rig_pump(r);
  for (;;) {
    const la_time next = wheel_next(&r->t.wheel);

    if (next > until)
      break;
    tcp_time(&r->t, next);
    rig_pump(r);
  }
  tcp_time(&r->t, until);
  rig_pump(r);
}

/* ---- segments ---- */

static inline struct tcp_seg rig_seg(struct rig *r, unsigned flags, uint32_t seq, uint32_t ack,
                                     uint32_t text)
{
  const uint32_t iss = r->tcb ? r->tcb->snd.iss.n : 0;

  return (struct tcp_seg){
    .seq = seq_of(r->peer_isn + seq),
    .ack = seq_of((flags & F_ACK) ? iss + ack : 0),
    .len = text + ((flags & F_SYN) != 0) + ((flags & F_FIN) != 0),
    .wnd = r->wnd,
    .up = (flags & F_URG) ? r->up : 0,
    .flags = (uint8_t)flags,
    .options = &r->options,
  };
}

/* Text whose octet k of the stream is k's low octet, so that order can be checked. */
static inline uint8_t rig_octet(uint32_t seq) { return (uint8_t)(seq * 7 + (seq >> 8)); }

static inline bool slab_is_left(const struct rig *r) { return r->slabs.used < r->slabs.count; }

static inline bool rig_text(struct rig *r, struct tcp_seg *seg, struct frag *frag, uint32_t seq,
                            uint32_t text)
{
  if (text == 0)
    return true;
  frag->slab = slab_get(&r->slabs);
  if (!frag->slab)
    return false;
  frag->offset = 0;
  frag->length = text;
  for (uint32_t i = 0; i < text; i++)
    frag->slab->octets[i] = rig_octet(seq + i);
  seg->frag = frag;
  seg->frags = 1;
  return true;
}

static inline struct verdict rig_dispatch(struct rig *r, struct tcp_seg *seg)
{
  struct tcb *child = NULL;
  struct verdict v;

  if (r->tw && (r->tw->flags & TIME_WAIT_IN_USE))
    return tcp_arrive_time_wait(&r->t, r->tw, seg);
  if (r->tcb && r->tcb->state == TCP_LISTEN)
    return tcp_arrive_listen(&r->t, r->tcb, &r->ends, 0, &r->path, seg, &child);
  if (r->tcb && r->tcb->state != TCP_CLOSED)
    return tcp_arrive(&r->t, r->tcb, seg);
  if (!r->listener || r->tcb)
    return tcp_arrive_closed(&r->t, &r->ends, seg);
  v = tcp_arrive_listen(&r->t, r->listener, &r->ends, 0, &r->path, seg, &child);
  if (child)
    r->tcb = child;
  return v;
}

/* `ecn`: how the network has marked it, RFC 3168 5. */
static inline void arrives_marked(struct rig *r, unsigned flags, uint32_t seq, uint32_t ack,
                                  uint32_t text, enum tcp_ecn ecn)
{
  struct tcp_seg seg = rig_seg(r, flags, seq, ack, text);
  struct frag frag = { 0 };
  struct la_slab *slab;

  seg.ecn = (uint8_t)ecn;
  assert_true(rig_text(r, &seg, &frag, seq + ((flags & F_SYN) != 0), text));
  slab = frag.slab;
  r->last = rig_dispatch(r, &seg);
  if (slab)
    slab_release(&r->slabs, slab);
  if (r->tcb)
    assert_null(tcp_check(&r->t, r->tcb));
}

static inline void arrives_with_text(struct rig *r, unsigned flags, uint32_t seq, uint32_t ack,
                                     uint32_t text)
{
  arrives_marked(r, flags, seq, ack, text, TCP_NOT_ECT);
}

static inline void arrives(struct rig *r, unsigned flags, uint32_t seq, uint32_t ack)
{
  arrives_with_text(r, flags, seq, ack, 0);
}

#define refused_because(r, reason) assert_int_equal((r)->last.why, WHY_##reason)

/* ---- the user ---- */

/* The set of habits of r->tcb and of all that share it, to change what no option can. It is the
 * room's own set, which is never given back. */
static inline struct tcp_habits *rig_habits(const struct rig *r)
{
  assert_ptr_equal(r->tcb->habits, r->t.habits);
  return (struct tcp_habits *)(uintptr_t)r->tcb->habits;
}

/* A control block with the habits that the settings have by now. */
static inline struct tcb *rig_tcb(struct rig *r)
{
  struct tcb own = { .habits = r->t.habits };

  assert_true(tcp_habits_change(&r->t, &own, &r->t.set.habits));
  r->t.habits = own.habits;
  return tcp_tcb_new(&r->t);
}

static inline void rig_listen(struct rig *r, uint32_t backlog)
{
  r->listener = rig_tcb(r);
  assert_non_null(r->listener);
  r->listener->ends = r->ends;
  r->listener->path = r->path;
  assert_int_equal(tcp_open_passive(&r->t, r->listener, backlog), LA_OK);
}

static inline void rig_connect(struct rig *r)
{
  r->tcb = rig_tcb(r);
  assert_non_null(r->tcb);
  r->tcb->ends = r->ends;
  r->tcb->path = r->path;
  assert_int_equal(tcp_open_active(&r->t, r->tcb), LA_OK);
}

static inline void user_sends(struct rig *r, uint32_t n)
{
  static uint8_t octets[65536];

  assert_true(n <= sizeof octets);
  assert_int_equal(tcp_send(&r->t, r->tcb, octets, n, TCP_SEND_PLAIN), n);
}

/* Reads n octets that begin at sequence number `seq` and checks each. */
static inline void user_reads(struct rig *r, uint32_t seq, uint32_t n)
{
  uint8_t octets[65536];

  assert_int_equal(tcp_recv(&r->t, r->tcb, octets, n), n);
  for (uint32_t i = 0; i < n; i++)
    assert_int_equal(octets[i], rig_octet(seq + i));
}

static inline void user_closes(struct rig *r) { assert_int_equal(tcp_close(&r->t, r->tcb), LA_OK); }

/* ---- every state, by real events ---- */

static inline void rig_established(struct rig *r, bool passive)
{
  if (passive) {
    rig_listen(r, 2);
    arrives(r, F_SYN, 0, 0);
    rig_forget_said(r);
    arrives(r, F_ACK, 1, 1);
    assert_ptr_equal(tcp_accept(&r->t, r->listener), r->tcb);
  } else {
    rig_connect(r);
    rig_forget_said(r);
    arrives(r, F_SYN | F_ACK, 0, 1);
  }
  rig_forget_said(r);
  assert_int_equal(r->tcb->state, TCP_ESTABLISHED);
}

static inline void rig_early_state(struct rig *r, enum tcp_state s, bool passive)
{
  if (s == TCP_CLOSED) {
    r->tcb = rig_tcb(r);
  } else if (s == TCP_LISTEN) {
    rig_listen(r, 2);
    r->tcb = r->listener;
    r->listener = NULL;
  } else if (s == TCP_SYN_SENT) {
    rig_connect(r);
  } else if (passive) {
    rig_listen(r, 2);
    arrives(r, F_SYN, 0, 0);
  } else {
    rig_connect(r);
    rig_pump(r);
    arrives(r, F_SYN, 0, 0);
  }
}

/* A connection in state `s`, opened by the peer or by us, with everything said. */
static inline void rig_in(struct rig *r, enum tcp_state s, bool passive)
{
  if (s <= TCP_SYN_RECEIVED) {
    rig_early_state(r, s, passive);
  } else {
    rig_established(r, passive);
    if (s == TCP_CLOSE_WAIT || s == TCP_LAST_ACK)
      arrives(r, F_FIN | F_ACK, 1, 1);
    if (s != TCP_ESTABLISHED && s != TCP_CLOSE_WAIT)
      user_closes(r);
    rig_pump(r);
    if (s == TCP_FIN_WAIT_2 || s == TCP_TIME_WAIT)
      arrives(r, F_ACK, 1, 2);
    if (s == TCP_CLOSING)
      arrives(r, F_FIN | F_ACK, 1, 1);
    if (s == TCP_TIME_WAIT)
      arrives(r, F_FIN | F_ACK, 1, 2);
  }
  rig_forget_said(r);
  assert_int_equal(r->tcb->state, s);
}

/* ---- the story ---- */

/* "ESTABLISHED CLOSE FIN-WAIT-1 RCV_ACK_OF_FIN FIN-WAIT-2": the transitions in the recorder. */
static inline void rig_story(const struct rig *r, const struct tcb *tcb, char *text, size_t size)
{
  struct la_trace e[64];
  const size_t n = tcp_trace_read(&r->t, tcb, e, 64);
  size_t length = 0;

  text[0] = 0;
  for (size_t i = 0; i < n; i++) {
    if (e[i].kind != LA_TRACE_STATE)
      continue;
    if (length == 0)
      length += (size_t)snprintf(text, size, "%s", tcp_state_name(e[i].a));
    length += (size_t)snprintf(text + length, size - length, " %s %s", tcp_event_name(e[i].b),
                               tcp_state_name(e[i].c));
  }
}

#define story_is(r, want)                                    \
  do {                                                       \
    char story_text[1024];                                   \
                                                             \
    rig_story(r, (r)->tcb, story_text, sizeof story_text);   \
    assert_string_equal(story_text, want);                   \
  } while (0)

#endif
