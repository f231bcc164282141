/* lab.h - the laboratory: scenarios played with the shipping stack on both ends of a simulated
 * link, drawn as ladders, and checked: what a scenario must show is asserted, so each is a test. */
#ifndef LA_SIM_LAB_H
#define LA_SIM_LAB_H
#include "actor.h"
#include "ladder.h"
#include "oracle.h"
#include "track.h"
#include "world.h"

#include <stdio.h>

/* LAB_WHOLE is LAB_LONG with every column, even if that is wider than the drawing. */
enum lab_style { LAB_LONG, LAB_WHOLE, LAB_NETSTAT, LAB_SS, LAB_BSD, LAB_JSON };

/* What the laboratory needs of its surroundings. */
struct lab_io {
  void    *user;
  FILE    *out;
  unsigned width;
  uint64_t seed;
  bool     six;                     /* over IPv6 */
  struct tally *tally;              /* of the rows that the hosts have met; NULL: nobody asks */
  uint8_t  congestion;              /* enum la_cc, of both hosts */
  const char *options;              /* that the command took, to repeat it: "--ipv6 " */
  void (*netstat)(void *user, const la_stack *s, const char *host, enum lab_style style);
  void (*diagram)(void *user);
  /* A packet at a host's interface; the comment is NULL or tells of a change of state. */
  void (*packet)(void *user, unsigned host, bool outwards, la_time at, const uint8_t *octets,
                 uint32_t n, const char *comment);
};

struct lab_seen { struct seg seg; uint8_t way; la_time at; enum link_fate fate; };

enum { LAB_CHECKS = 48, LAB_COMMENT = 400 };

struct lab {
  const struct lab_io *io;
  const char *name;
  unsigned parts, checks, failures;
  bool     playing, printed;
  bool     told;                    /* the hosts' netstat has been shown: not again at the end */
  la_time  offset;                  /* of this part's time within the capture */
  struct world  world;
  struct track  track;
  struct oracle oracle;
  struct ladder ladder;
  struct link  *link;
  struct world_host *client, *server;
  struct lab_seen *seen;            /* every packet that entered the link */
  size_t   seens, room;
  char     comment[WORLD_HOSTS][LAB_COMMENT];
  char    *check_text[LAB_CHECKS];
  bool     check_passed[LAB_CHECKS];
};

struct lab_scenario {
  const char *name, *summary;
  const char *text;                 /* what to look at */
  void (*play)(struct lab *l);
};

/* By number from 0, in the order of the requirements; NULL past the last. */
const struct lab_scenario *lab_scenario(unsigned n);
const struct lab_scenario *lab_find(const char *name);

/* Plays one; the number of checks that failed. `ended_at` moves on with the capture's time. */
unsigned lab_play(const struct lab_scenario *s, const struct lab_io *io, la_time *ended_at);

/* ---- for the scenarios -------------------------------------------------------------- */

/* A part of a scenario: a world of its own with client and server on a link of 10 ms each way.
 * They are switched off until lab_boot, so that their config can still be changed. */
void lab_part(struct lab *l, const char *title);
void lab_boot(struct lab *l);
struct actor *lab_app(struct lab *l, struct world_host *h, const struct actor_step *script,
                      la_time start);
void lab_run(struct lab *l, la_time until);             /* since the part began */
void lab_flush(struct lab *l);                          /* print the ladder so far */
void lab_netstat(struct lab *l, struct world_host *h, enum lab_style style);
void lab_drop(struct lab *l, struct link_rule rule);

/* A claim that the output makes, and whether it held. */
void lab_check(struct lab *l, bool held, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* A call of the play itself that has to succeed; a failure is a failed claim. */
void lab_check_result(struct lab *l, int result);

/* The n-th connection of a host went through exactly these states ("A > B > C"). */
void lab_check_path(struct lab *l, struct world_host *h, unsigned n, const char *path);

/* Segments that entered the link: from client (way 0) or server (1), (flags & mask) == flags. */
unsigned lab_count(const struct lab *l, unsigned way, uint8_t flags, uint8_t mask);
const struct lab_seen *lab_segment(const struct lab *l, unsigned way, uint8_t flags, uint8_t mask,
                                   unsigned n);

/* Of the n-th connection: its state now, when it came into a state (or LA_NEVER), the rows. */
const char *lab_state(struct lab *l, struct world_host *h, unsigned n);
la_time lab_entered(struct lab *l, struct world_host *h, unsigned n, const char *state);
la_time lab_left(struct lab *l, struct world_host *h, unsigned n, const char *state);
bool lab_had_event(struct lab *l, struct world_host *h, unsigned n, const char *event);
struct actor *lab_last_actor(struct lab *l, struct world_host *h);
unsigned lab_sockets(const la_stack *s, const char *state);

/* All eleven states at once in the client, for those who want to look at them. */
void lab_all_states(struct lab *l);

#define LAB_MASK_ALL (SEG_FIN | SEG_SYN | SEG_RST | SEG_ACK)

#endif
