/* track.h - watches the connections of a world through the public interface alone, and tells of
 * each change of state which row of the stack's table it was. */
#ifndef LA_SIM_TRACK_H
#define LA_SIM_TRACK_H
#include "world.h"

enum { TRACK_RING = 64, TRACK_CHANGES = 24, TRACK_NO_EVENT = 255, TRACK_REASONS = 256 };

struct track_change {
  la_time at;
  uint8_t from, event, to;          /* event TRACK_NO_EVENT: no row of the table does this */
  bool    deduced;                  /* the control block was gone before it could be asked */
};

struct track_conn {
  struct world_host *host;
  la_sock  sock;
  la_endpoint local, peer;
  uint8_t  state;
  bool     gone, live;
  bool     replay;                  /* the same initial numbers again: a SYN cookie spent twice */
  unsigned boot;                    /* of the host: a crash ends a connection without a row */
  la_sock_info info;                /* as last seen */
  uint32_t snd_max;                 /* the furthest SND.NXT of all times */
  la_trace ring[TRACK_RING];
  size_t   ring_count;
  struct track_change change[TRACK_CHANGES];
  unsigned changes;                 /* all; the array keeps the first TRACK_CHANGES */
};

struct track {
  struct world *world;
  struct track_conn **conn;
  size_t   conns, room;
  uint64_t reason_count[WORLD_HOSTS][TRACK_REASONS];
  unsigned reasons;                 /* rows of the table of reasons; 0: they are not followed */
  void    *user;
  void (*changed)(void *user, struct track_conn *c, const struct track_change *change);
  void (*entry)(void *user, struct track_conn *c, const la_trace *entry);
  void (*seen)(void *user, struct track_conn *c, const la_sock_info *before);
  void (*refused)(void *user, struct world_host *h, unsigned reason);
};

void track_init(struct track *t, struct world *w, bool with_reasons);
void track_fini(struct track *t);
void track_scan(struct track *t, struct world_host *h, enum world_cause cause,
                const struct link_packet *p);
void track_crashed(struct track *t, struct world_host *h);

/* The connection that a segment between these ends meets on this host, or NULL; `listener`: the
 * one that would take its SYN. */
struct track_conn *track_find(struct track *t, struct world_host *h, la_endpoint local,
                              la_endpoint peer);
struct track_conn *track_listener(struct track *t, struct world_host *h, uint16_t port);

/* The n-th connection (from 0, listeners not counted) that this host had. */
struct track_conn *track_nth(struct track *t, struct world_host *h, unsigned n);

/* "CLOSED > SYN-SENT > ESTABLISHED": every state it has been in. */
size_t track_path(const struct track_conn *c, char *text, size_t size);

bool track_row(uint8_t from, uint8_t event, uint8_t to, la_fsm_row *row);
uint8_t track_state(const char *name);       /* by its RFC name; the tables know the number */

#endif
