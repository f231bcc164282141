/* why.h - verdicts on segments and their reasons; the room's counters. */
#ifndef LA_TCP_WHY_H
#define LA_TCP_WHY_H
#include <stdint.h>

enum why {
#define WHY(name, step, rfc, text) WHY_##name,
#include "tcp/why.def"
  WHY_COUNT
};
enum tcp_count {
#define COUNT(name, text) TCP_N_##name,
#include "tcp/count.def"
  TCP_COUNT_COUNT
};

/* NEXT: go on, or, after the last step: taken. DROP: say nothing. DROP_ACK: tell the peer
 * where we stand. CHALLENGE: the same, rate-limited (RFC 5961 7). RESET: a RST. */
enum verdict_code { V_NEXT, V_DROP, V_DROP_ACK, V_CHALLENGE, V_RESET };
struct verdict { uint8_t code, why; };

#define NEXT              ((struct verdict){ V_NEXT, WHY_NONE })
#define DROP(reason)      ((struct verdict){ V_DROP, WHY_##reason })
#define DROP_ACK(reason)  ((struct verdict){ V_DROP_ACK, WHY_##reason })
#define CHALLENGE(reason) ((struct verdict){ V_CHALLENGE, WHY_##reason })
#define RESET(reason)     ((struct verdict){ V_RESET, WHY_##reason })

struct why_row { const char *name, *step, *rfc, *text; };
struct why_row  tcp_why_row(unsigned why);
struct why_row  tcp_count_row(unsigned count);
struct why_row  tcp_timer_row(unsigned timer);
const char     *tcp_timer_counter(unsigned timer);            /* "TIMER_PERSIST" */

#endif
