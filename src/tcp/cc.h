/* cc.h - congestion control sees numbers only, never the control block: octets acknowledged,
 * octets in flight, the segment size. It answers with cwnd and ssthresh. */
#ifndef LA_TCP_CC_H
#define LA_TCP_CC_H
#include <stdint.h>

struct cc {
  uint32_t cwnd, ssthresh;      /* octets; ssthresh UINT32_MAX: slow start has never ended */
  uint32_t credit;              /* octets acknowledged that have not yet raised cwnd (RFC 3465) */
};

struct cc_algorithm {
  const char *name;
  void (*start)(struct cc *cc, uint32_t mss, uint32_t segments);          /* RFC 6928 */
  void (*acked)(struct cc *cc, uint32_t mss, uint32_t octets); /* new octets, nothing lost */
  void (*lost)(struct cc *cc, uint32_t mss, uint32_t flight);             /* by duplicate ACKs */
  void (*timed_out)(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs);
  void (*idle)(struct cc *cc, uint32_t mss, uint32_t segments);           /* RFC 5681 4.1 */
};

const struct cc_algorithm *cc_algorithm(unsigned number);                 /* enum la_cc */

#endif
