/* text.c - errors, addresses and the flight recorder's entries in words; the flow hash. */
#include "base/text.h"
#include "stack/stack.h"
#include "wire/addr_text.h"

/* ---- errors ---- */

static const struct { const char *name, *text; } errors[LA_ERROR_COUNT] = {
  { "OK", "success" },
#define E_(name, text) { #name, text },
  LA_ERRORS(E_)
#undef E_
};

/* Either sign; what is above the last error is a count of something. */
static unsigned error_number(int result)
{
  return result < 0 ? 0u - (unsigned)result : (unsigned)result;
}

const char *la_strerror(int result)
{
  const unsigned n = error_number(result);

  return n < LA_ERROR_COUNT ? errors[n].text : "an error number that does not exist";
}

const char *la_error_name(int result)
{
  const unsigned n = error_number(result);

  return n < LA_ERROR_COUNT ? errors[n].name : "UNKNOWN";
}

/* ---- addresses ---- */

la_addr la_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
  return (la_addr){ 4, { a, b, c, d } };
}

int la_addr_parse(const char *text, la_addr *addr)
{
  struct ip_addr a;

  if (text[0] == '*' && text[1] == 0) {
    *addr = (la_addr){ 0, { 0 } };
    return LA_OK;
  }
  if (!addr_text_parse(text, &a))
    return -LA_EINVAL;
  addr->len = ip_addr_is4(&a) ? 4 : 16;
  memset(addr->octets, 0, sizeof addr->octets);
  memcpy(addr->octets, a.octets + 16 - addr->len, addr->len);
  return LA_OK;
}

size_t la_addr_text(la_addr addr, char *text, size_t size)
{
  const struct ip_addr a = addr_in(&addr);
  struct text t = text_of(text, size);

  if (addr.len == 0)
    text_add_char(&t, '*');
  else
    addr_text_add(&t, &a);
  if (size == 0)
    return 0;
  return t.length < size ? t.length : size - 1;
}

/* ---- flows ---- */

/* The lower end first, so that both directions are one flow. */
uint32_t la_flow_hash(const uint8_t secret[16], la_endpoint a, la_endpoint b)
{
  uint8_t ends[2][18];
  uint64_t words[5] = { 0 };
  const la_endpoint *const in[2] = { &a, &b };

  for (int i = 0; i < 2; i++) {
    const struct ip_addr addr = addr_in(&in[i]->addr);

    memcpy(ends[i], addr.octets, 16);
    ends[i][16] = (uint8_t)(in[i]->port >> 8);
    ends[i][17] = (uint8_t)in[i]->port;
  }
  const int low = memcmp(ends[0], ends[1], sizeof ends[0]) <= 0 ? 0 : 1;

  memcpy(words, ends[low], 16);
  memcpy(words + 2, ends[1 - low], 16);
  words[4] = (uint64_t)ends[low][16] << 24 | (uint64_t)ends[low][17] << 16 |
             (uint64_t)ends[1 - low][16] << 8 | ends[1 - low][17];
  const uint64_t hash = hash_words(hash_key_of(secret), words, 5);

  return (uint32_t)(hash ^ hash >> 32);
}

/* ---- the flight recorder ---- */

static void add_flags(struct text *t, unsigned flags)
{
  static const char *const names[8] = {
    "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR",
  };
  bool some = false;

  text_add_char(t, '<');
  for (unsigned i = 0; i < 8; i++) {
    if (!(flags >> i & 1))
      continue;
    if (some)
      text_add_char(t, ',');
    text_add_str(t, names[i]);
    some = true;
  }
  text_add_char(t, '>');
}

static void add_count(struct text *t, const char *before, uint64_t n, const char *after)
{
  text_add_str(t, before);
  text_add_u64(t, n);
  text_add_str(t, after);
}

static const char *or_unknown(const char *name)
{
  return name ? name : "?";
}

static void say_state(struct text *t, const la_trace *e)
{
  text_add_str(t, or_unknown(la_state_name(e->a)));
  text_add_str(t, e->a == e->c ? " stays on " : " > ");
  if (e->a != e->c) {
    text_add_str(t, or_unknown(la_state_name(e->c)));
    text_add_str(t, " on ");
  }
  text_add_str(t, or_unknown(la_fsm_event_name(e->b)));
  if (la_fsm_event_meaning(e->b)) {
    text_add_str(t, ": ");
    text_add_str(t, la_fsm_event_meaning(e->b));
  }
}

static void say_verdict(struct text *t, const la_trace *e)
{
  la_why_row why = { "?", "", "", "" };

  if (e->a < WHY_COUNT)
    (void)la_why_row_get(e->a, &why);
  text_add_str(t, why.name);
  text_add_char(t, ' ');
  add_flags(t, e->b);
  text_add_str(t, " seq ");
  text_add_i64(t, (int32_t)e->x);
  if (e->b & F_ACK) {
    text_add_str(t, " ack ");
    text_add_i64(t, (int32_t)e->y);
  }
  text_add_str(t, ": ");
  text_add_str(t, why.text);
}

static void say_retransmit(struct text *t, const la_trace *e)
{
  text_add_str(t, "resent ");
  add_flags(t, e->a);
  text_add_str(t, " seq ");
  text_add_i64(t, (int32_t)e->x);
  add_count(t, ", ", e->y, " octets");
  if (e->c == 1)
    text_add_str(t, "; the last resend was lost too");
  if (e->c == 2)
    text_add_str(t, ", to probe the tail");
  if (e->b > 0)
    add_count(t, "; resends in a row: ", e->b, "");
}

static void say_window(struct text *t, const la_trace *e)
{
  static const char *const words[4] = {
    "the peer's window has shut", "the peer's window has opened",
    "our window is shut: the application does not read", "our window is open again",
  };

  text_add_str(t, e->a < 4 ? words[e->a] : "a window has changed");
}

static void say_spurious(struct text *t, const la_trace *e)
{
  static const char *const how[3] = {
    "a timestamp", "a report of duplicates", "text from before it",
  };

  text_add_str(t, e->a ? "the time-out came too early" : "what was resent had not been lost");
  text_add_str(t, ", as ");
  text_add_str(t, e->b < 3 ? how[e->b] : "something");
  add_count(t, " tells: cwnd ", e->x, "");
  add_count(t, " > ", e->y, "");
}

static void say_probe(struct text *t, const la_trace *e)
{
  la_timer_row row;

  text_add_str(t, "probe by the timer ");
  text_add_str(t, la_timer_row_get(e->a, &row) ? row.name : "?");
  add_count(t, ", unanswered: ", e->b, "");
}

static void say_opened(struct text *t, const la_trace *e)
{
  static const char *const words[] = {
    "opened by our side", "opened by the peer", "opened by the peer, out of a SYN cookie",
    "open at once: its SYN was believed (Fast Open)",
    "opened by our side, fast: the SYN may carry text",
    "opened by our side, asking for a Fast Open cookie",
  };

  text_add_str(t, e->a < sizeof words / sizeof *words ? words[e->a] : "opened");
}

/* RFC 4821. */
static void say_mtu(struct text *t, const la_trace *e)
{
  static const char *const words[][2] = {
    { "a black hole: packets of ", " octets do not pass and nobody says so" },
    { "tries whether packets of ", " octets pass" },
    { "packets of ", " octets pass" },
    { "a probe of ", " octets did not arrive" },
  };
  const char *const *const w = words[e->a & 3];

  add_count(t, w[0], e->x, w[1]);
  if (e->y > 0)
    add_count(t, "; ", e->y, " do");
}

static void say_icmp(struct text *t, const la_trace *e)
{
  text_add_str(t, "the network says: ");
  if (e->x > 0)
    add_count(t, "packets of at most ", e->x, " octets pass (path MTU)");
  else
    text_add_str(t, la_strerror(e->a));
}

size_t la_trace_text(const la_trace *entry, char *text, size_t size)
{
  struct text t = text_of(text, size);

  switch ((enum la_trace_kind)entry->kind) {
  case LA_TRACE_STATE: say_state(&t, entry); break;
  case LA_TRACE_VERDICT: say_verdict(&t, entry); break;
  case LA_TRACE_RETRANSMIT: say_retransmit(&t, entry); break;
  case LA_TRACE_RTO:
    add_count(&t, "retransmission time-out, ", entry->b, " in a row; the RTO is now ");
    text_add_fixed(&t, entry->x / 1000, 3);
    text_add_str(&t, " s");
    break;
  case LA_TRACE_RECOVERY_IN:
    text_add_str(&t, entry->a == 2 ? "the network marks our text" : "a loss is seen");
    add_count(&t, ": cwnd ", entry->x, "");
    add_count(&t, " > ", entry->y, "");
    break;
  case LA_TRACE_RECOVERY_OUT: add_count(&t, "the loss is repaired: cwnd ", entry->x, ""); break;
  case LA_TRACE_ZERO_WINDOW: say_window(&t, entry); break;
  case LA_TRACE_PROBE: say_probe(&t, entry); break;
  case LA_TRACE_ICMP: say_icmp(&t, entry); break;
  case LA_TRACE_OPENED: say_opened(&t, entry); break;
  case LA_TRACE_MTU: say_mtu(&t, entry); break;
  case LA_TRACE_SPURIOUS: say_spurious(&t, entry); break;
  case LA_TRACE_KIND_COUNT:
  default: text_add_str(&t, "an entry of an unknown kind"); break;
  }
  return t.length;
}
