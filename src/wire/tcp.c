/* wire/tcp.c - the TCP header and its options, octets to structs and back. */
#include "wire/tcp.h"

#include "base/be.h"
#include "base/need.h"

/* Kinds (RFC 9293 3.2, RFC 7323 2.2, 3.2, RFC 2018 2, 3, RFC 5482 3.2, RFC 7413 4.1.1, 6994 3) and
 * their whole lengths. */
enum {
  KIND_END = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_WSCALE = 3, KIND_SACK_OK = 4, KIND_SACK = 5,
  KIND_TS = 8, KIND_USER_TIMEOUT = 28, KIND_FASTOPEN = 34, KIND_EXPERIMENT = 254
};
enum { FASTOPEN_MAGIC = 0xf989 };             /* what says which experiment it is */
enum {
  LENGTH_MSS = 4, LENGTH_WSCALE = 3, LENGTH_SACK_OK = 2, LENGTH_TS = 10, LENGTH_SACK_BLOCK = 8,
  LENGTH_USER_TIMEOUT = 4
};
enum { IN_MINUTES = 0x8000 };                 /* RFC 5482 3.2: what the lower 15 bits count */

/* NOP NOP timestamps: what nearly every segment of a connection with timestamps carries, as
 * RFC 7323 appendix A recommends it. */
#define TS_ALONE UINT32_C(0x0101080a)
enum { TS_ALONE_LENGTH = 12 };

static void parse_ts(const uint8_t *p, struct tcp_options *o)
{
  o->present |= TCP_OPT_TS;
  o->ts_val = be32_get(p);
  o->ts_ecr = be32_get(p + 4);
}

/* p: behind kind and length. RFC 2018 3: four blocks at most, by the size of a header. */
static void parse_sack(const uint8_t *p, size_t length, struct tcp_options *o)
{
  const size_t blocks = (length - 2) / LENGTH_SACK_BLOCK;

  if (blocks == 0 || blocks > TCP_SACKS_MAX || length != 2 + blocks * LENGTH_SACK_BLOCK)
    return;
  o->present |= TCP_OPT_SACK;
  o->sacks = (uint8_t)blocks;
  for (size_t i = 0; i < blocks; i++, p += LENGTH_SACK_BLOCK)
    o->sack[i] = (struct tcp_sack){ be32_get(p), be32_get(p + 4) };
}

/* RFC 5482 3.3: zero is reserved. */
static void parse_user_timeout(uint16_t value, struct tcp_options *o)
{
  const uint32_t n = value & (IN_MINUTES - 1u);

  if (n == 0)
    return;
  o->present |= TCP_OPT_USER_TIMEOUT;
  o->user_timeout_s = value & IN_MINUTES ? n * 60 : n;
}

/* p: n octets behind kind, length and, if there is one, magic number. */
static void parse_cookie(const uint8_t *p, size_t n, bool experimental, struct tcp_options *o)
{
  if (n > TCP_COOKIE_MAX || n % 2 != 0 || (n > 0 && n < TCP_COOKIE_MIN))
    return;
  o->present |= TCP_OPT_FASTOPEN;
  o->cookie.length = (uint8_t)n;
  o->cookie.experimental = experimental;
  memcpy(o->cookie.octets, p, n);
}

/* One option of a kind that has a length, all of it there. Of two of a kind the last counts. */
static void parse_option(const uint8_t *p, size_t length, struct tcp_options *o)
{
  const uint8_t kind = p[0];

  if (kind == KIND_MSS && length == LENGTH_MSS) {
    o->present |= TCP_OPT_MSS;
    o->mss = be16_get(p + 2);
  } else if (kind == KIND_WSCALE && length == LENGTH_WSCALE) {
    o->present |= TCP_OPT_WSCALE;
    o->wscale = p[2];
  } else if (kind == KIND_SACK_OK && length == LENGTH_SACK_OK) {
    o->present |= TCP_OPT_SACK_OK;
  } else if (kind == KIND_TS && length == LENGTH_TS) {
    parse_ts(p + 2, o);
  } else if (kind == KIND_SACK) {
    parse_sack(p + 2, length, o);
  } else if (kind == KIND_USER_TIMEOUT && length == LENGTH_USER_TIMEOUT) {
    parse_user_timeout(be16_get(p + 2), o);
  } else if (kind == KIND_FASTOPEN) {
    parse_cookie(p + 2, length - 2, false, o);
  } else if (kind == KIND_EXPERIMENT && length >= 4 && be16_get(p + 2) == FASTOPEN_MAGIC) {
    parse_cookie(p + 4, length - 4, true, o);
  }
}

static void parse_options(const uint8_t *p, size_t n, struct tcp_options *o)
{
  if (n == TS_ALONE_LENGTH && be32_get(p) == TS_ALONE) {
    parse_ts(p + 4, o);
    return;
  }
  for (size_t at = 0, length; at < n && p[at] != KIND_END; at += length) {
    length = 1;
    if (p[at] == KIND_NOP)
      continue;
    if (n - at < 2 || p[at + 1] < 2 || p[at + 1] > n - at)
      return;
    length = p[at + 1];
    parse_option(p + at, length, o);
  }
}

size_t tcp_header_parse(const uint8_t *octets, size_t n, struct tcp_header *h)
{
  size_t length;

  if (n < TCP_HEADER_MIN)
    return 0;
  length = (size_t)(octets[12] >> 4) * 4;
  if (length < TCP_HEADER_MIN || length > n)
    return 0;
  h->source = be16_get(octets);
  h->destination = be16_get(octets + 2);
  h->seq = be32_get(octets + 4);
  h->ack = be32_get(octets + 8);
  h->length = (uint8_t)length;
  h->flags = octets[13];
  h->window = be16_get(octets + 14);
  h->checksum = be16_get(octets + 16);
  h->urgent = be16_get(octets + 18);
  h->options.present = h->options.wscale = h->options.sacks = h->options.bsd = 0;
  h->options.mss = 0;
  h->options.ts_val = h->options.ts_ecr = 0;
  if (length > TCP_HEADER_MIN)
    parse_options(octets + TCP_HEADER_MIN, length - TCP_HEADER_MIN, &h->options);
  return length;
}

/* Kind and length, with NOPs in front that put what follows at a multiple of 4. */
static uint8_t *write_kind(uint8_t *p, unsigned nops, uint8_t kind, size_t length)
{
  while (nops-- > 0)
    *p++ = KIND_NOP;
  *p++ = kind;
  *p++ = (uint8_t)length;
  return p;
}

static uint8_t *write_ts(uint8_t *p, const struct tcp_options *o)
{
  be32_put(p, o->ts_val);
  be32_put(p + 4, o->ts_ecr);
  return p + 8;
}

static uint8_t *write_sack(uint8_t *p, size_t room, const struct tcp_options *o)
{
  size_t blocks = room < 4 ? 0 : (room - 4) / LENGTH_SACK_BLOCK;

  if (blocks > o->sacks)
    blocks = o->sacks;
  if (blocks > TCP_SACKS_MAX)
    blocks = TCP_SACKS_MAX;
  if (blocks == 0)
    return p;
  p = write_kind(p, 2, KIND_SACK, 2 + blocks * LENGTH_SACK_BLOCK);
  for (size_t i = 0; i < blocks; i++, p += LENGTH_SACK_BLOCK) {
    be32_put(p, o->sack[i].start);
    be32_put(p + 4, o->sack[i].end);
  }
  return p;
}

/* Not padded: what pads a cookie is what pads the options. */
static uint8_t *write_cookie(uint8_t *p, size_t room, const struct tcp_options *o)
{
  const struct tcp_cookie *const c = &o->cookie;
  const size_t length = c->length + (c->experimental ? 4u : 2u);

  if (!(o->present & TCP_OPT_FASTOPEN) || (length + 3) / 4 * 4 > room)
    return p;
  p = write_kind(p, 0, c->experimental ? KIND_EXPERIMENT : KIND_FASTOPEN, length);
  if (c->experimental) {
    be16_put(p, FASTOPEN_MAGIC);
    p += 2;
  }
  memcpy(p, c->octets, c->length);
  return p + c->length;
}

/* In whole minutes, rounded up, where seconds do not suffice. NOPs align it. */
static uint8_t *write_user_timeout(uint8_t *octets, uint8_t *p, const struct tcp_options *o)
{
  const uint32_t s = o->user_timeout_s < TCP_USER_TIMEOUT_MAX ? o->user_timeout_s
                                                              : TCP_USER_TIMEOUT_MAX;
  const size_t at = (size_t)(p - octets), nops = (4 - at % 4) % 4;

  if (!(o->present & TCP_OPT_USER_TIMEOUT) || s == 0 ||
      at + nops + LENGTH_USER_TIMEOUT > TCP_OPTIONS_MAX)
    return p;
  p = write_kind(p, (unsigned)nops, KIND_USER_TIMEOUT, LENGTH_USER_TIMEOUT);
  be16_put(p, (uint16_t)(s < IN_MINUTES ? s : IN_MINUTES | (s + 59) / 60));
  return p + 2;
}

static size_t pad(uint8_t *octets, uint8_t *p, uint8_t kind)
{
  while ((p - octets) % 4 != 0)
    *p++ = kind;
  return (size_t)(p - octets);
}

/* A SYN's options as BSD orders them: each where its value is aligned, and zeros at the end. */
static size_t write_bsd(uint8_t *octets, const struct tcp_options *o)
{
  uint8_t *p = octets;

  if (o->present & TCP_OPT_MSS) {
    p = write_kind(p, 0, KIND_MSS, LENGTH_MSS);
    be16_put(p, o->mss);
    p += 2;
  }
  if (o->present & TCP_OPT_WSCALE) {
    p = write_kind(p, 1, KIND_WSCALE, LENGTH_WSCALE);
    *p++ = o->wscale;
  }
  if (o->present & TCP_OPT_SACK_OK)
    p = write_kind(p, 0, KIND_SACK_OK, LENGTH_SACK_OK);
  if (o->present & TCP_OPT_TS)
    p = write_ts(write_kind(p, (p - octets) % 4 == 2 ? 0 : 2, KIND_TS, LENGTH_TS), o);
  p = write_cookie(p, TCP_OPTIONS_MAX - (size_t)(p - octets), o);
  p = write_user_timeout(octets, p, o);
  return pad(octets, p, KIND_END);
}

size_t tcp_options_write(uint8_t *octets, const struct tcp_options *o)
{
  const uint8_t present = o->present;
  uint8_t *p = octets;

  if (o->bsd)
    return write_bsd(octets, o);
  if (present == TCP_OPT_TS) {
    be32_put(p, TS_ALONE);
    write_ts(p + 4, o);
    return TS_ALONE_LENGTH;
  }
  if (present & TCP_OPT_MSS) {
    p = write_kind(p, 0, KIND_MSS, LENGTH_MSS);
    be16_put(p, o->mss);
    p += 2;
  }
  if (present & TCP_OPT_SACK_OK)
    p = write_kind(p, present & TCP_OPT_TS ? 0 : 2, KIND_SACK_OK, LENGTH_SACK_OK);
  if (present & TCP_OPT_TS)
    p = write_ts(write_kind(p, present & TCP_OPT_SACK_OK ? 0 : 2, KIND_TS, LENGTH_TS), o);
  if (present & TCP_OPT_WSCALE) {
    p = write_kind(p, 1, KIND_WSCALE, LENGTH_WSCALE);
    *p++ = o->wscale;
  }
  if (present & TCP_OPT_SACK)
    p = write_sack(p, TCP_OPTIONS_MAX - (size_t)(p - octets), o);
  p = write_cookie(p, TCP_OPTIONS_MAX - (size_t)(p - octets), o);
  p = write_user_timeout(octets, p, o);
  return pad(octets, p, KIND_NOP);
}

size_t tcp_header_write(uint8_t *octets, const struct tcp_header *h, const uint8_t *options,
                        size_t n)
{
  const size_t length = TCP_HEADER_MIN + n;

  need(n % 4 == 0);
  need(n <= TCP_OPTIONS_MAX);
  be16_put(octets, h->source);
  be16_put(octets + 2, h->destination);
  be32_put(octets + 4, h->seq);
  be32_put(octets + 8, h->ack);
  octets[12] = (uint8_t)(length / 4 << 4);
  octets[13] = h->flags;
  be16_put(octets + 14, h->window);
  be16_put(octets + 16, 0);
  be16_put(octets + 18, h->urgent);
  if (n > 0)
    memcpy(octets + TCP_HEADER_MIN, options, n);
  return length;
}
