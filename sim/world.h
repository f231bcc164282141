/* world.h - hosts, links and virtual time. Everything random comes from one seed, everything at
 * the same instant happens in a fixed order, so a seed is a run, to the octet. */
#ifndef LA_SIM_WORLD_H
#define LA_SIM_WORLD_H
#include "dice.h"
#include "lastack.h"
#include "link.h"
#include "tally.h"

enum { WORLD_HOSTS = 4, WORLD_LINKS = 3, WORLD_WATCHES = 4 };
#define WORLD_BEGIN (INT64_C(1000) * LA_SEC)      /* of the hosts' clocks; no host boots at 0 */

struct world;
struct actor;

struct world_host {
  struct world *world;
  const char   *name;
  unsigned      number, side;           /* which end of its link */
  struct link  *link;
  la_config     config;
  la_iface      iface;
  la_addr       addr;
  uint8_t       prefix;
  la_stack     *stack;                  /* NULL: a raw host, or one that is switched off */
  void         *memory;
  size_t        size;
  unsigned      boots;
  la_time       boot_at;                /* of a host that is off; LA_NEVER: stays off */
  bool          stack_wanted, broken;   /* broken: la_init would not have it */
  uint64_t      no_slab;                /* arrivals dropped because the stack had no slab */
  void        (*raw)(struct world_host *h, const struct seg *g, const uint8_t *octets);
  void         *raw_user;
};

/* Why a host was looked at. */
enum world_cause { WORLD_BOOT, WORLD_CALL, WORLD_ARRIVAL, WORLD_OUTPUT };

/* Who looks on. Any function may be NULL. */
struct world_watch {
  void *user;
  /* A packet enters the link; p has its fate. Before its arrival `arrives` is called, after it
   * has been taken in `turned` with WORLD_ARRIVAL. */
  void (*enters)(void *user, const struct link_packet *p, const struct link_plan *plan);
  void (*arrives)(void *user, const struct link_packet *p);
  void (*lost)(void *user, const struct link_packet *p, enum link_fate fate);
  /* Something happened in this host's stack: look. `p`: the packet that did it, or NULL. */
  void (*turned)(void *user, struct world_host *h, enum world_cause cause,
                 const struct link_packet *p);
  void (*crashed)(void *user, struct world_host *h);
  /* An application did or noticed something worth a line. */
  void (*said)(void *user, struct world_host *h, const char *text);
};

struct world {
  uint64_t seed;
  struct dice rng;
  la_time  now;
  uint64_t steps, packets, order, max_steps;
  uint32_t output_batch;                /* la_output's max; 1 shows each cause beside its effect */
  bool     stopped;                     /* a watch has seen enough */
  struct world_host host[WORLD_HOSTS];
  unsigned hosts;
  struct link link[WORLD_LINKS];
  unsigned links;
  struct world_watch watch[WORLD_WATCHES];
  unsigned watches;
  struct tally *tally;                  /* adds up what its stacks have met; NULL: nobody asks */
  void    *user;                        /* of whoever made this world */
  struct actor *actors, **actors_end;
  struct link_packet **heap, *spare;
  size_t in_flight, heap_size;
};

void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w);
void world_watch_add(struct world *w, struct world_watch watch);
struct link *world_link_add(struct world *w, enum la_medium medium);

/* The address of a host on the link: 10.0.0.number, or 2001:db8::number. */
la_addr world_addr(bool six, uint8_t number);

/* Whether two ends of connections are the same; both as the stack gives them. */
bool world_same_end(la_endpoint a, la_endpoint b);

/* A host at the next free end of a link, with the stack's defaults (small pools), switched off:
 * change its config, iface and addr, then boot it. */
struct world_host *world_host_add(struct world *w, const char *name, struct link *l, la_addr addr);
void world_host_boot(struct world_host *h);
void world_host_crash(struct world_host *h, la_time off_for);   /* LA_NEVER: for good */
struct world_host *world_host_other(struct world_host *h);      /* at the link's other end */

/* Put octets on the link as if they came from host h's side. */
void world_send(struct world_host *h, const uint8_t *octets, uint32_t n, bool forged);

/* Let time pass until `until` (since the world began), or nothing is left to do. */
void world_run(struct world *w, la_time until);
void world_tell_time(struct world_host *h);      /* so that the stack knows how late it is */
la_time world_time(const struct world *w);                      /* since the world began */

/* Call turned() on every watch after a call made from outside (actors do it themselves). */
void world_turned(struct world_host *h, enum world_cause cause, const struct link_packet *p);
void world_said(struct world_host *h, const char *format, ...)
  __attribute__((format(printf, 2, 3)));

#endif
