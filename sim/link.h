/* link.h - what lies between two hosts, each direction for itself: delay, jitter, rate, queue,
 * loss, duplication, reordering, corruption, a router's smaller MTU, and scripted accidents. */
#ifndef LA_SIM_LINK_H
#define LA_SIM_LINK_H
#include "dice.h"
#include "lastack.h"
#include "seg.h"

/* What becomes of a packet; the texts are link_fate_text. */
enum link_fate {
  LINK_PASSES, LINK_LOST, LINK_SCRIPTED, LINK_QUEUE_FULL, LINK_TOO_BIG, LINK_BLACK_HOLE, LINK_DOWN,
  LINK_NOBODY, LINK_FATE_COUNT
};

/* One direction. Everything zero is a perfect wire without delay. */
struct link_way {
  la_time  delay, jitter;           /* jitter: up to this much more, without reordering */
  uint64_t bits_per_s;              /* 0: no limit */
  uint32_t queue_octets;            /* waiting for the rate; 0: no limit */
  uint32_t mark_octets;             /* beyond so many, what can be marked is (RFC 3168); 0: never */
  uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
  la_time  reorder_by;              /* how much later a reordered packet comes */
  uint32_t mtu;                     /* of the IP packet; 0: no limit */
  la_time  mtu_from;                /* the route changes: the limit begins then */
  bool     black_hole;              /* the router with the small MTU keeps silent */
  la_time  down_from, down_until;   /* an outage */
  la_time  stall_every, stall_for;  /* so often, so long, nothing arrives, and then all of it */
};

enum link_act { LINK_ACT_DROP, LINK_ACT_DELAY, LINK_ACT_DUPLICATE, LINK_ACT_CORRUPT };

/* "The third segment with FIN": the matches numbered first..last (from 1; last 0: for ever) among
 * the packets of that way whose flags, port and time fit. */
struct link_rule {
  unsigned      way;                /* 0: from host 0 */
  enum link_act act;
  uint8_t       flags, flags_mask;  /* (segment & mask) == flags; mask 0: whatever */
  bool          with_text;          /* only segments that carry text */
  bool          datagrams;          /* UDP instead of TCP */
  uint16_t      port;               /* either end's; 0: any */
  uint32_t      first, last;
  la_time       from, until;        /* since the world began; until 0: for ever */
  la_time       by;                 /* of LINK_ACT_DELAY and LINK_ACT_DUPLICATE */
  const char   *why;                /* the ladder's words */
};

struct link_packet {
  struct link_packet *next;         /* of the world's pool */
  uint64_t number;                  /* unique; a duplicate shares its original's */
  uint64_t order;                   /* breaks ties: first sent, first delivered */
  la_time  sent, at;
  struct link *link;
  uint8_t  way;
  bool     copy, corrupted, forged; /* forged: put on the wire by nobody's stack */
  uint32_t length;
  uint8_t  octets[SEG_PACKET_MAX];
};

enum { LINK_RULES = 16 };
struct link {
  enum la_medium medium;
  struct link_way way[2];
  la_addr  router;                  /* who says "too big" */
  struct link_rule rule[LINK_RULES];
  uint32_t rules, matched[LINK_RULES];
  struct dice rng;
  la_time  free_at[2], last_at[2];  /* the transmitter; the latest delivery in order */
  uint64_t count[2][LINK_FATE_COUNT];
  uint64_t duplicated[2], reordered[2], corrupted[2], marked[2];
};

/* What to do with a packet that enters: its fate, when it arrives, and when its copy does. */
struct link_plan {
  enum link_fate fate;
  la_time at, copy_at;              /* copy_at: LA_NEVER without a copy */
  bool    corrupt, mark;
  const char *why;                  /* a rule's words, or NULL */
};

void link_init(struct link *l, enum la_medium medium, uint64_t seed);
void link_rule_add(struct link *l, struct link_rule rule);
struct link_plan link_enter(struct link *l, unsigned way, la_time now, la_time began,
                            const uint8_t *octets, uint32_t n);

/* Flip bits so that a 16-bit checksum always notices: a burst of less than 16 of them. */
/* Puts CE (RFC 3168 5) into the packet, if it may be marked, and mends the checksum. */
bool link_mark(struct link *l, uint8_t *octets, uint32_t n);
void link_corrupt(struct link *l, uint8_t *octets, uint32_t n);
const char *link_fate_text(enum link_fate fate);

#endif
