/* format_info.c - what lies behind a connection: for `ss --info` in the words and the order of
 * `ss -i` of iproute2, for the long list in sentences. */
#include "format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { TEXT = 1536, CELL = 64, INDENT = 6, NARROWEST = 40, WRAP = 100, TS_OCTETS = 12 };
static const char *const algorithms[LA_CC_COUNT] = {
  [LA_CC_NEWRENO] = "reno", [LA_CC_CUBIC] = "cubic", [LA_CC_BBR] = "bbr",
};

struct text {
  size_t n;
  char octets[TEXT];
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *text, const char *format, ...)
{
  va_list words;
  int n;

  va_start(words, format);
  n = vsnprintf(text->octets + text->n, sizeof text->octets - text->n, format, words);
  va_end(words);
  if (n > 0)
    text->n += (size_t)n;
  if (text->n >= sizeof text->octets)
    text->n = sizeof text->octets - 1;
}

static const char *algorithm_of(const la_sock_info *c)
{
  return c->congestion < LA_CC_COUNT ? algorithms[c->congestion] : "?";
}

static bool has_more(const la_sock_info *c)
{
  return c->protocol == LA_TCP && !(c->flags & LA_SOCK_TIME_WAIT_RECORD);
}

/* ---- as ss -i ---- */

/* A word that ss leaves out where it would be nought. */
static void word(struct text *text, const char *name, uint64_t value)
{
  if (value != 0)
    add(text, " %s:%" PRIu64, name, value);
}

static double ms_of(la_time time)
{
  return (double)(time / 1000) / 1000;
}

static void ms_word(struct text *text, const char *name, la_time time)
{
  if (time >= 1000)
    add(text, " %s:%g", name, ms_of(time));
}

static void ss_options(struct text *text, const la_sock_info *c)
{
  static const struct { uint32_t bit; const char *word; } options[] = {
    { LA_SOCK_TIMESTAMPS, "ts" }, { LA_SOCK_SACK, "sack" }, { LA_SOCK_ECN, "ecn" },
    { LA_SOCK_ECN_SEEN, "ecnseen" }, { LA_SOCK_SYN_TEXT, "fastopen" },
  };

  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (c->flags & options[i].bit)
      add(text, " %s", options[i].word);
  add(text, " %s", algorithm_of(c));
  if (c->flags & LA_SOCK_WSCALE)
    add(text, " wscale:%u,%u", c->snd_wscale, c->rcv_wscale);
}

static void ss_path(struct text *text, const la_sock_info *c)
{
  const uint32_t mss = c->mss != 0 ? c->mss : 1;

  if (c->rto != 3 * LA_SEC)                   /* ss takes this for "not known" */
    ms_word(text, "rto", c->rto);
  word(text, "backoff", c->backoffs);
  if (c->srtt >= 1000)
    add(text, " rtt:%g/%g", ms_of(c->srtt), ms_of(c->rttvar));
  ms_word(text, "ato", c->ack_delay);
  word(text, "mss", c->mss);
  word(text, "pmtu", c->path_mtu);
  word(text, "rcvmss", c->segment_in);
  word(text, "advmss", c->advertised_mss - (c->flags & LA_SOCK_TIMESTAMPS ? TS_OCTETS : 0));
  word(text, "cwnd", c->cwnd / mss);
  if (c->ssthresh / mss < 0xffff)
    word(text, "ssthresh", c->ssthresh / mss);
}

static void ss_counts(struct text *text, const la_sock_info *c)
{
  word(text, "bytes_sent", c->octets_sent + c->octets_resent);
  word(text, "bytes_retrans", c->octets_resent);
  word(text, "bytes_acked", c->octets_acked);
  word(text, "bytes_received", c->octets_in);
  word(text, "segs_out", c->segments_out);
  word(text, "segs_in", c->segments_in);
  word(text, "data_segs_out", c->text_segments_out);
  word(text, "data_segs_in", c->text_segments_in);
}

static void rate_word(struct text *text, const char *name, double octets_per_second)
{
  if (octets_per_second > 0)
    add(text, " %s %.0fbps", name, 8 * octets_per_second);
}

static void ss_since(struct text *text, const char *name, la_time now, la_time then)
{
  if (then != 0 && now - then >= LA_MS)
    word(text, name, (uint64_t)((now - then) / LA_MS));
}

static void ss_rates(struct text *text, const la_sock_info *c, la_time now)
{
  if (c->srtt >= 1000)
    rate_word(text, "send", (double)c->cwnd * 1e9 / (double)c->srtt);
  ss_since(text, "lastsnd", now, c->last_text_sent);
  ss_since(text, "lastrcv", now, c->last_text_received);
  ss_since(text, "lastack", now, c->last_received);
  rate_word(text, "pacing_rate", (double)c->pacing_rate);
  if (c->pacing_rate != 0 && c->pacing_limit != 0)
    add(text, "/%.0fbps", 8 * (double)c->pacing_limit);
  rate_word(text, "delivery_rate", (double)c->delivery_rate);
  word(text, "delivered", c->delivered);
  word(text, "delivered_ce", c->delivered_ce);
  if (c->flags & LA_SOCK_APP_LIMITED)
    add(text, " app_limited");
}

static void limit_word(struct text *text, const char *name, la_time limited, la_time busy)
{
  if (limited >= LA_MS)
    add(text, " %s:%" PRId64 "ms(%.1f%%)", name, limited / LA_MS,
        100.0 * (double)limited / (double)busy);
}

static void ss_limits(struct text *text, const la_sock_info *c)
{
  if (c->busy < LA_MS)
    return;
  add(text, " busy:%" PRId64 "ms", c->busy / LA_MS);
  limit_word(text, "rwnd_limited", c->rwnd_limited, c->busy);
  limit_word(text, "sndbuf_limited", c->sndbuf_limited, c->busy);
}

static void ss_fates(struct text *text, const la_sock_info *c)
{
  word(text, "unacked", c->segments_flight);
  if (c->retransmissions != 0)
    add(text, " retrans:%" PRIu32 "/%" PRIu32, c->segments_resent, c->retransmissions);
  word(text, "lost", c->segments_lost);
  word(text, "sacked", c->segments_sacked);
  word(text, "dsack_dups", c->dsacks);
  word(text, "reord_seen", c->reorderings);
  word(text, "notsent", c->send_unsent);
  ms_word(text, "minrtt", c->rtt_min);
  word(text, "rcv_ooopack", c->early_segments);
  word(text, "snd_wnd", c->snd_wnd);
  word(text, "rcv_wnd", c->rcv_wnd);
}

void format_ss_info(FILE *out, const struct lens_list *list, const struct lens_conn *conn)
{
  const la_sock_info *c = &conn->info;
  struct text text = { .n = 0 };

  if (!has_more(c))
    return;
  ss_options(&text, c);
  if (lens_state_of(c->state) != LENS_LISTEN && lens_state_of(c->state) != LENS_CLOSED) {
    ss_path(&text, c);
    ss_counts(&text, c);
    ss_rates(&text, c, list->now);
    ss_limits(&text, c);
    ss_fates(&text, c);
  }
  fprintf(out, "\t%s\n", text.octets);
}

/* ---- in sentences ---- */

static const char *time_text(la_time time, char *cell)
{
  return lens_duration_text(time, cell, CELL);
}

static void paragraph(FILE *out, const struct lens_look *look, const char *title,
                      const struct text *text)
{
  const unsigned columns = look->columns && look->columns < WRAP ? look->columns : WRAP;

  fprintf(out, "    ");
  format_colour(out, look, "1");
  fprintf(out, "%s", title);
  format_plain(out, look);
  format_wrapped(out, text->octets, 4 + (unsigned)strlen(title), INDENT,
                 columns > NARROWEST ? columns : NARROWEST);
}

static struct text path_sentence(const la_sock_info *c)
{
  char srtt[CELL], rttvar[CELL], least[CELL], rto[CELL];
  struct text text = { .n = 0 };

  add(&text, "segments of %" PRIu32 " octets in packets of %" PRIu32, c->mss, c->path_mtu);
  if (c->srtt != 0)
    add(&text, "; a round trip takes %s, give or take %s, at least %s", time_text(c->srtt, srtt),
        time_text(c->rttvar, rttvar), time_text(c->rtt_min, least));
  add(&text, "; time-out after %s", time_text(c->rto, rto));
  if (c->delivery_rate != 0)
    add(&text, "; %.3g Mbit/s arrived lately%s", (double)c->delivery_rate * 8e-6,
        c->flags & LA_SOCK_APP_LIMITED ? ", and the application gave no more" : "");
  if (c->pacing_rate != 0)
    add(&text, "; paced at %.3g Mbit/s", (double)c->pacing_rate * 8e-6);
  add(&text, ".");
  return text;
}

static struct text sent_sentence(const la_sock_info *c)
{
  struct text text = { .n = 0 };

  add(&text, "%" PRIu64 " octets, and %" PRIu64 " again, in %" PRIu32 " segments of %" PRIu64
      "; %" PRIu32 " have arrived", c->octets_sent, c->octets_resent, c->text_segments_out,
      c->segments_out, c->delivered);
  if (c->delivered_ce != 0)
    add(&text, ", %" PRIu32 " of them under marks of congestion", c->delivered_ce);
  add(&text, ". In flight %" PRIu32 ", of them SACKed %" PRIu32 ", taken for lost %" PRIu32
      ", out again %" PRIu32 ". Resent %" PRIu32 ", overtaken %" PRIu32 ", duplicates %" PRIu32
      ".", c->segments_flight, c->segments_sacked, c->segments_lost, c->segments_resent,
      c->retransmissions, c->reorderings, c->dsacks);
  return text;
}

static struct text window_sentence(const la_sock_info *c)
{
  struct text text = { .n = 0 };

  add(&text, "%s has cwnd %" PRIu32, algorithm_of(c), c->cwnd);
  if (c->ssthresh != UINT32_MAX)
    add(&text, ", ssthresh %" PRIu32, c->ssthresh);
  add(&text, "; the peer offers %" PRIu32 " octets, we %" PRIu32 ".", c->snd_wnd, c->rcv_wnd);
  return text;
}

static struct text busy_sentence(const la_sock_info *c)
{
  char busy[CELL], rwnd[CELL], sndbuf[CELL];
  struct text text = { .n = 0 };

  add(&text, "%s in all, for %s held back by the peer's window, for %s by our send buffer.",
      time_text(c->busy, busy), time_text(c->rwnd_limited, rwnd),
      time_text(c->sndbuf_limited, sndbuf));
  return text;
}

static struct text received_sentence(const la_sock_info *c)
{
  struct text text = { .n = 0 };

  add(&text, "%" PRIu64 " octets in %" PRIu32 " segments of %" PRIu64 ", the longest of %" PRIu32
      ", %" PRIu32 " before their turn.", c->octets_in, c->text_segments_in, c->segments_in,
      c->segment_in, c->early_segments);
  return text;
}

void format_long_info(FILE *out, const struct lens_conn *conn, const struct lens_look *look)
{
  const la_sock_info *c = &conn->info;
  const enum lens_state state = lens_state_of(c->state);
  struct text text;

  if (!has_more(c) || state == LENS_LISTEN || state == LENS_CLOSED)
    return;
  text = path_sentence(c);
  paragraph(out, look, "path:", &text);
  text = window_sentence(c);
  paragraph(out, look, "windows:", &text);
  text = sent_sentence(c);
  paragraph(out, look, "sent:", &text);
  text = busy_sentence(c);
  paragraph(out, look, "busy:", &text);
  text = received_sentence(c);
  paragraph(out, look, "received:", &text);
}
