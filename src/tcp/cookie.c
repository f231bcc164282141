/* cookie.c - SYN cookies, RFC 4987 3.6: when the half-open queue is full, a SYN,ACK whose ISS
 * holds all that we would have kept.
 *
 *   ISS        31..27 the count of 64 s that it was made in, 26..24 which MSS, 23..0 a keyed hash
 *   timestamp  5..0   the window scale (15: none), whether SACK is permitted, whether ECN is asked
 *
 * A cookie is good for the 64 s it was made in and the 64 after. */
#include "tcp/room.h"

enum { COUNT_SHIFT = 27, COUNT_MASK = 31, MSS_SHIFT = 24, MSS_MASK = 7, HASH_MASK = 0xffffff };
enum { TS_BITS = 63, TS_SACK = 16, TS_ECN = 32, TS_NO_SCALE = 15 };
#define PERIOD (64 * LA_SEC)

static const uint16_t mss_table[8] = { 64, 536, 996, 1220, 1360, 1440, 1460, 8960 };

static uint32_t cookie_hash(const struct tcp *t, const struct ends *ends, tcp_seq irs,
                            uint32_t count, unsigned mss)
{
  struct { struct ends ends; uint32_t irs, count, mss; } all = { *ends, irs.n, count, mss };

  return (uint32_t)hash_octets(t->key, &all, sizeof all) & HASH_MASK;
}

static uint32_t period_now(const struct tcp *t) { return (uint32_t)(t->now / PERIOD); }

static unsigned mss_number(uint16_t mss)
{
  unsigned n = 0;

  while (n < 7 && mss_table[n + 1] <= mss)
    n++;
  return n;
}

static tcp_seq cookie_make(const struct tcp *t, const struct ends *ends, tcp_seq irs, uint16_t mss)
{
  const uint32_t count = period_now(t);
  const unsigned number = mss_number(mss != 0 ? mss : 536);

  return seq_of((count & COUNT_MASK) << COUNT_SHIFT | number << MSS_SHIFT |
                cookie_hash(t, ends, irs, count, number));
}

/* The latest timestamp not after now that ends in these six bits. */
static uint32_t stamp_with(const struct tcp *t, const struct ends *ends,
                           const struct tcp_options *o, bool ecn)
{
  const uint32_t now = (uint32_t)(t->now / LA_MS) + tcp_ts_offset(t, ends);
  const bool scaled = (o->present & TCP_OPT_WSCALE) && !t->set.no_window_scale;
  const bool sack = (o->present & TCP_OPT_SACK_OK) && !t->set.no_sack;
  const uint32_t scale = o->wscale < 14 ? o->wscale : 14;
  const uint32_t bits =
      (scaled ? scale : TS_NO_SCALE) | (sack ? TS_SACK : 0) | (ecn ? TS_ECN : 0);
  const uint32_t stamp = (now & ~(uint32_t)TS_BITS) | bits;

  return stamp > now ? stamp - (TS_BITS + 1) : stamp;
}

void tcp_cookie_send(struct tcp *t, const struct tcb *listener, const struct ends *ends,
                     const struct tcp_path *path, const struct tcp_seg *seg)
{
  const struct tcp_options *const in = seg->options;
  struct tcb numbers = { .habits = listener->habits, .receive_buffer = listener->receive_buffer,
                         .marks = listener->marks };
  struct tcp_options out = { .present = TCP_OPT_MSS,
                             .mss = tcp_mss_offer(listener->habits, path),
                             .bsd = listener->habits->bsd_options };
  struct tcp_reply reply = { .ends = *ends, .flags = F_SYN | F_ACK };
  const bool ecn = (seg->flags & (F_ECE | F_CWR)) == (F_ECE | F_CWR) &&
                   listener->habits->ecn != LA_ECN_OFF;

  tcp_window_start(t, &numbers, numbers.receive_buffer);
  if (listener->habits->no_options)
    out.present = 0;
  else if ((in->present & TCP_OPT_TS) && !t->set.no_timestamps) {
    out.ts_val = stamp_with(t, ends, in, ecn);
    reply.flags |= ecn ? F_ECE : 0;
    out.ts_ecr = in->ts_val;
    out.wscale = numbers.rcv_wscale;
    out.present |= TCP_OPT_TS;
    if ((in->present & TCP_OPT_WSCALE) && !t->set.no_window_scale)
      out.present |= TCP_OPT_WSCALE;
    if ((in->present & TCP_OPT_SACK_OK) && !t->set.no_sack)
      out.present |= TCP_OPT_SACK_OK;
  }
  reply.seq = cookie_make(t, ends, seg->seq, (in->present & TCP_OPT_MSS) ? in->mss : 0);
  reply.ack = seq_add(seg->seq, 1);           /* text in the SYN is not kept, nor acknowledged */
  reply.wnd = (uint16_t)numbers.rcv.wnd;
  reply.options_length = (uint8_t)tcp_options_write(reply.options, &out);
  t->cookie_until = t->now + 2 * PERIOD;
  t->count[TCP_N_cookies_out]++;
  tcp_reply(t, &reply);
}

/* The options of the SYN that this ACK answers for. */
static struct tcp_options remembered(const struct tcp *t, const struct tcp_options *o, unsigned mss)
{
  struct tcp_options syn = { .present = TCP_OPT_MSS, .mss = mss_table[mss] };
  const uint32_t bits = o->ts_ecr & TS_BITS;

  if (!(o->present & TCP_OPT_TS) || t->set.no_timestamps)
    return syn;
  syn.present |= TCP_OPT_TS;
  syn.ts_val = o->ts_val;
  if ((bits & 15) != TS_NO_SCALE)
    syn.present |= TCP_OPT_WSCALE;
  syn.wscale = bits & 15;
  if (bits & TS_SACK)
    syn.present |= TCP_OPT_SACK_OK;
  return syn;
}

struct cookie tcp_cookie_check(const struct tcp *t, const struct ends *ends,
                               const struct tcp_seg *seg)
{
  const uint32_t iss = seg->ack.n - 1, now = period_now(t);
  const unsigned mss = iss >> MSS_SHIFT & MSS_MASK;
  const tcp_seq irs = seq_sub(seg->seq, 1);
  const uint32_t age = (now - (iss >> COUNT_SHIFT)) & COUNT_MASK;
  struct cookie c = { 0 };

  if (t->now >= t->cookie_until || age > 1)
    return c;
  c.good = (iss & HASH_MASK) == cookie_hash(t, ends, irs, now - age, mss);
  if (c.good)
    c.options = remembered(t, seg->options, mss);
  c.ecn = c.good && (c.options.present & TCP_OPT_TS) && (seg->options->ts_ecr & TS_ECN);
  return c;
}
