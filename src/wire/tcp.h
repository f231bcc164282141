/* wire/tcp.h - the TCP header (RFC 9293 3.1) and its options, octets to structs and back.
 * No state and no time: what a value means is tcp/'s business. */
#ifndef LA_WIRE_TCP_H
#define LA_WIRE_TCP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcp_flag {
  F_FIN = 1, F_SYN = 2, F_RST = 4, F_PSH = 8, F_ACK = 16, F_URG = 32, F_ECE = 64, F_CWR = 128
};

enum { TCP_HEADER_MIN = 20, TCP_HEADER_MAX = 60, TCP_OPTIONS_MAX = 40, TCP_SACKS_MAX = 4 };
enum { TCP_COOKIE_MIN = 4, TCP_COOKIE_MAX = 16 };       /* RFC 7413 4.1.1, octets, even */

enum tcp_option_bit {
  TCP_OPT_MSS = 1, TCP_OPT_WSCALE = 2, TCP_OPT_SACK_OK = 4, TCP_OPT_TS = 8, TCP_OPT_SACK = 16,
  TCP_OPT_FASTOPEN = 32, TCP_OPT_USER_TIMEOUT = 64
};
enum { TCP_USER_TIMEOUT_MAX = 32767 * 60 };             /* RFC 5482 3.2, seconds */

struct tcp_sack { uint32_t start, end; };

/* RFC 7413 4.1.1. Without octets it asks for a cookie. */
struct tcp_cookie {
  uint8_t length;                             /* 0, or 4 to 16 and even */
  uint8_t experimental;                       /* kind 254 with a magic number (RFC 6994) */
  uint8_t octets[TCP_COOKIE_MAX];
};

struct tcp_options {
  uint8_t  present;                           /* enum tcp_option_bit */
  uint8_t  wscale;                            /* as sent; RFC 7323 2.3's limit of 14 is tcp's */
  uint8_t  sacks;
  uint8_t  bsd;                               /* to be written in BSD's order (a SYN's) */
  uint16_t mss;
  uint32_t user_timeout_s;                    /* valid with TCP_OPT_USER_TIMEOUT alone */
  uint32_t ts_val, ts_ecr;
  struct tcp_sack sack[TCP_SACKS_MAX];
  struct tcp_cookie cookie;                   /* valid with TCP_OPT_FASTOPEN alone */
};

struct tcp_header {
  uint16_t source, destination, window, checksum, urgent;
  uint8_t  flags, length;                     /* length: of header and options, octets */
  uint32_t seq, ack;
  struct tcp_options options;
};

/* Parses header and options. Total over any octets: the header's length, or 0 when there is
 * none (fewer than 20 octets, a data offset below 5 or beyond n). RFC 9293 3.1: a malformed
 * option (MUST-7: length 0 or 1, or past the end) ends the options; those before it count;
 * unknown ones are skipped (MUST-6); one with a known kind and a wrong length is ignored, a Fast
 * Open cookie of less than 4, more than 16 or an odd number of octets too (RFC 7413 4.1.1), and so
 * is a user timeout of zero (RFC 5482 3.3). */
size_t tcp_header_parse(const uint8_t *octets, size_t n, struct tcp_header *h);

/* Writes the options that `present` names, padded with NOP and end to a multiple of 4, in the
 * order MSS, SACK-permitted, timestamps, NOP, window scale (in a SYN; with `bsd`: MSS, NOP, window
 * scale, SACK-permitted, timestamps), or NOP NOP timestamps, NOP NOP SACK. A Fast Open cookie is
 * the last of a SYN's, but for a user timeout, which is behind all. Returns their length, at most
 * 40: SACK blocks, cookies and a user timeout that do not fit are left out. */
size_t tcp_options_write(uint8_t *octets, const struct tcp_options *o);

/* Writes the 20 octets of h (checksum 0) and, behind them, options already written.
 * Returns the header's length, which it puts into the data offset. */
size_t tcp_header_write(uint8_t *octets, const struct tcp_header *h, const uint8_t *options,
                        size_t n);

#endif
