/* cc.h - congestion control sees numbers only, never the control block: octets acknowledged,
 * octets in flight, the segment size, time. It answers with cwnd and ssthresh. */
#ifndef LA_TCP_CC_H
#define LA_TCP_CC_H
#include <stdint.h>

enum { CC_CWND_MAX = 1 << 30 }; /* the largest window that RFC 7323 can announce */

struct cc {
  uint32_t cwnd, ssthresh;      /* octets; ssthresh UINT32_MAX: slow start has never ended */
  union {
    struct { uint32_t credit; } reno;         /* octets that have not yet raised cwnd (RFC 3465) */
    struct {                                  /* RFC 9438; windows in octets */
      uint32_t w_max, w_prior, w_est;         /* w_est 0: no epoch has begun */
      uint32_t k_ms, epoch_ms;
    } cubic;
    struct {                                  /* RFC 9406, until slow start ends */
      uint32_t round_left;                    /* octets to be acknowledged in this round */
      uint32_t last_us, round_us, css_us;     /* least round trips: last round's, this one's, ... */
      uint8_t  samples, css_rounds;           /* css_rounds 0: still doubling */
    } hystart;
  };
  uint32_t saved[7];            /* all of the above, as it was when save() was called */
};

/* What one ACK that acknowledged text has to say. */
struct cc_ack {
  int64_t  now;                 /* ns */
  uint32_t mss, octets, flight; /* flight: before it */
  uint32_t rtt_us, srtt_us;     /* 0: not known */
};

struct cc_algorithm {
  const char *name;
  void (*start)(struct cc *cc, uint32_t mss, uint32_t segments);          /* RFC 6928 */
  void (*acked)(struct cc *cc, const struct cc_ack *ack);                 /* cwnd was in use */
  void (*unused)(struct cc *cc);                                          /* it was not */
  void (*lost)(struct cc *cc, uint32_t mss, uint32_t flight);             /* by duplicate ACKs */
  void (*marked)(struct cc *cc, uint32_t mss, uint32_t flight);           /* RFC 8511; NULL: lost */
  void (*timed_out)(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs);
  void (*idle)(struct cc *cc, uint32_t mss, uint32_t segments);           /* RFC 5681 4.1 */
  /* Before the `lost` or `timed_out` that begins an episode; and when all of the episode's losses
   * have turned out to be none (RFC 9438 4.9, RFC 4015 3.2, RFC 5682). */
  void (*save)(struct cc *cc);
  void (*undo)(struct cc *cc);
};

const struct cc_algorithm *cc_algorithm(unsigned number);                 /* enum la_cc */

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)), with another number of segments if so set. */
uint32_t cc_initial_window(uint32_t mss, uint32_t segments);

/* save and undo for those whose numbers lie in struct cc: all is as it was, and a window that has
 * grown beyond that since stays. */
void cc_save(struct cc *cc);
void cc_undo(struct cc *cc);

/* RFC 5681 4.1: what an idle time leaves of cwnd. */
void cc_restart(struct cc *cc, uint32_t mss, uint32_t segments);

#endif
