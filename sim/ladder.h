/* ladder.h - the drawing of a conversation: two hosts left and right, one line for each segment,
 * both ends' states, and what happened and why in the words of the stack's own tables. */
#ifndef LA_SIM_LADDER_H
#define LA_SIM_LADDER_H
#include "seg.h"
#include "track.h"

#include <stdio.h>

enum ladder_kind { LADDER_SENT, LADDER_ARRIVED, LADDER_NOTE, LADDER_SAID, LADDER_PAUSE };

struct ladder_row {
  enum ladder_kind kind;
  la_time  at;
  unsigned host;                    /* whose row it is: the sender, the receiver, who noted */
  uint64_t number;                  /* of the packet */
  enum link_fate fate;
  bool     half, done, forged, again, corrupted;
  char    *text;
  const char *why;                  /* a rule's words */
  const char *state[2];
};

struct ladder {
  struct track *track;
  struct seg_flows flows;
  struct ladder_row *row;
  size_t   rows, room;
  bool     changed;                 /* a state, since the host was last turned to */
  bool     brief;                   /* ordinary segments are only counted */
  bool     muted;                   /* nothing is written down; it is counted instead */
  unsigned hidden;
};

void ladder_init(struct ladder *l, struct track *t);
void ladder_fini(struct ladder *l);

void ladder_enters(struct ladder *l, const struct link_packet *p, const struct link_plan *plan);
void ladder_arrived(struct ladder *l, struct world_host *h, const struct link_packet *p);
void ladder_move_last(struct ladder *l, size_t before);      /* the newest row, to there */
void ladder_lost(struct ladder *l, const struct link_packet *p, enum link_fate fate);
void ladder_turned(struct ladder *l);                       /* a host is about to be looked at */
void ladder_changed(struct ladder *l, struct track_conn *c, const struct track_change *k);
void ladder_entry(struct ladder *l, struct track_conn *c, const la_trace *entry);
void ladder_refused(struct ladder *l, struct world_host *h, unsigned reason);
void ladder_said(struct ladder *l, struct world_host *h, const char *text);

/* From here on only count, or write down again; the gap is shown with these words. */
void ladder_mute(struct ladder *l, bool muted, const char *words);

/* Draw accidents, SYNs and FINs and what the hosts note, or again everything. */
void ladder_brief(struct ladder *l, bool brief, const char *words);

void ladder_print(const struct ladder *l, FILE *out, unsigned width);
void ladder_wrap(FILE *out, const char *first, const char *text, unsigned indent, unsigned width);

#endif
