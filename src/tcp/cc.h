/* cc.h - congestion control sees numbers only, never the control block: octets acknowledged,
 * octets in flight, the segment size, time. It answers with cwnd and ssthresh. */
#ifndef LA_TCP_CC_H
#define LA_TCP_CC_H
#include <stdbool.h>
#include <stdint.h>

enum { CC_CWND_MAX = 1 << 30 }; /* the largest window that RFC 7323 can announce */

struct cc {
  uint32_t cwnd, ssthresh;      /* octets; ssthresh UINT32_MAX: slow start has never ended */
  union {
    struct { uint32_t credit; } reno;         /* octets that have not yet raised cwnd (RFC 3465) */
    struct {                                  /* RFC 9438; windows in octets */
      uint32_t w_max, w_prior, w_est;         /* w_est 0: no epoch has begun */
      uint32_t k_ms : 21, est_part : 11;      /* est_part: of w_est, in 1/2048 of an octet */
      uint32_t epoch_ms, seen_ms;             /* seen_ms: up to when the epoch's time has run */
    } cubic;
    struct {                                  /* RFC 9406, until slow start ends */
      uint32_t round_left;                    /* octets to be acknowledged in this round */
      uint32_t last_us, round_us, css_us;     /* least round trips: last round's, this one's, ... */
      uint8_t  samples, css_rounds;           /* css_rounds 0: still doubling */
    } hystart;
    struct bbr *bbr;                          /* of a pool of its own */
  };
};

/* What one ACK that acknowledged text has to say. */
struct cc_ack {
  int64_t  now;                 /* ns */
  uint32_t mss, octets, flight; /* flight: before it */
  uint32_t limit;               /* how many of the octets count in slow start at most (RFC 3465's
                                   L); 0: as the congestion control has it */
  uint32_t rtt_us, srtt_us;     /* 0: not known */
  bool     used;                /* cwnd set the pace; else it must not grow by this ACK */
  bool     paced;               /* no ACK leads to a burst */
};

/* What one ACK that told of an arrival has to say to those that steer by a model of the path. */
struct cc_sample {
  int64_t  now;                 /* ns */
  uint64_t rate;                /* octets per second delivered; 0: no sample */
  uint32_t mss, pipe;           /* pipe: octets on their way, after it */
  uint32_t srtt_us, rtt_us;     /* rtt_us: this ACK's; 0: not known */
  uint32_t delivered;           /* octets by this ACK; */
  uint32_t total, total_lost;   /* and ever delivered, ever taken for lost (mod 2^32) */
  uint32_t prior_delivered;     /* the total when the sample's transmission left */
  bool     app_limited;         /* the rate is the application's, not the path's */
  bool     recovering, timed_out;             /* from a loss; from a time-out */
};

struct cc_algorithm {
  const char *name;
  void (*start)(struct cc *cc, uint32_t mss, uint32_t segments);          /* RFC 6928 */
  void (*acked)(struct cc *cc, const struct cc_ack *ack);
  void (*lost)(struct cc *cc, uint32_t mss, uint32_t flight);             /* by duplicate ACKs */
  void (*marked)(struct cc *cc, uint32_t mss, uint32_t flight);           /* RFC 8511; NULL: lost */
  void (*timed_out)(struct cc *cc, uint32_t mss, uint32_t flight, uint32_t backoffs);
  void (*idle)(struct cc *cc, uint32_t mss, uint32_t segments);           /* RFC 5681 4.1 */
  /* Text goes out while none was in flight; NULL: that is nothing to it. */
  void (*resumed)(struct cc *cc, int64_t now);
  /* All the losses of an episode have turned out to be none (RFC 9438 4.9, RFC 4015 3.2, RFC 5682).
   * `before`: as it was before the `lost` or `timed_out` that began it. */
  void (*undo)(struct cc *cc, const struct cc *before);
  /* NULL but for those that steer by a model: cwnd is then theirs alone, in recovery as well.
   * Returns whether what is sent from now on cannot measure the path. */
  bool (*sampled)(struct cc *cc, const struct cc_sample *sample);
  /* Octets per second at which it wants to be paced; NULL: it need not be. */
  uint64_t (*pace)(const struct cc *cc, uint32_t mss, uint32_t srtt_us);
};

const struct cc_algorithm *cc_algorithm(unsigned number);                 /* enum la_cc */

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)), with another number of segments if so set. */
uint32_t cc_initial_window(uint32_t mss, uint32_t segments);

/* A window that was found by another congestion control is gone on from, its slow start over. */
void cc_settle(struct cc *cc, uint32_t ssthresh);

/* `undo` for those whose numbers lie in struct cc: all is as it was, and a window that has grown
 * beyond that since stays. */
void cc_undo(struct cc *cc, const struct cc *before);

/* Slow start, up to ssthresh: as many octets as the ACK has acknowledged, at most so many segments
 * (RFC 3465 2.2). Returns those that are left to congestion avoidance. */
uint32_t cc_slow_start(struct cc *cc, const struct cc_ack *ack, uint32_t segments);

/* RFC 5681 4.1: what an idle time leaves of cwnd; that it has been larger is kept in mind by
 * ssthresh (RFC 7661 4.4.3). */
void cc_restart(struct cc *cc, uint32_t mss, uint32_t segments);

#endif
