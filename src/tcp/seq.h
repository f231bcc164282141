/* seq.h - sequence numbers: RFC 9293 3.4.  A sequence number is not an integer: `<` on it is
 * a bug, so it does not compile.
 *
 * Of two that are 2^31 apart each is less than the other. So whatever a peer sends is let in
 * by seq_in, and kept out by seq_lt. */
#ifndef LA_TCP_SEQ_H
#define LA_TCP_SEQ_H
#include <stdbool.h>
#include <stdint.h>

typedef struct { uint32_t n; } tcp_seq;

static inline tcp_seq  seq_of(uint32_t n)               { return (tcp_seq){ n }; }
static inline tcp_seq  seq_add(tcp_seq a, uint32_t k)   { return (tcp_seq){ a.n + k }; }
static inline tcp_seq  seq_sub(tcp_seq a, uint32_t k)   { return (tcp_seq){ a.n - k }; }
static inline int32_t  seq_diff(tcp_seq a, tcp_seq b)   { return (int32_t)(a.n - b.n); }
static inline uint32_t seq_span(tcp_seq lo, tcp_seq hi) { return hi.n - lo.n; }     /* lo =< hi */
static inline bool     seq_eq(tcp_seq a, tcp_seq b)     { return a.n == b.n; }
static inline bool     seq_lt(tcp_seq a, tcp_seq b)     { return seq_diff(a, b) < 0; }
static inline bool     seq_le(tcp_seq a, tcp_seq b)     { return seq_diff(a, b) <= 0; }
static inline bool     seq_in(tcp_seq s, tcp_seq lo, uint32_t len) { return s.n - lo.n < len; }
static inline tcp_seq  seq_max(tcp_seq a, tcp_seq b)    { return seq_lt(a, b) ? b : a; }
static inline tcp_seq  seq_min(tcp_seq a, tcp_seq b)    { return seq_lt(a, b) ? a : b; }

#endif
