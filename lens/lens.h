/* lens.h - connections seen from outside: where they come from, what they mean, how they are
 * printed. The room knows lastack.h and no more, so that it can look at a stack in this process,
 * at one in another process (over its control socket), and one day at other TCPs.
 */
#ifndef LASTACK_LENS_H
#define LASTACK_LENS_H

#include "lastack.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { LENS_NAME_OCTETS = 16, LENS_TEXT_OCTETS = 640, LENS_PATH_OCTETS = 108 };

/* One socket, whatever its source. `id` is what `lastack netstat --story` takes. */
struct lens_conn {
  uint64_t     id;
  char         iface[LENS_NAME_OCTETS];   /* "" when it has none */
  la_sock_info info;                      /* `user` is NULL: it means nothing out here */
};

/* All sockets of one stack at one moment, and the settings without which they cannot be told. */
struct lens_list {
  la_time           now;
  la_config         config;               /* of it, only numbers; `secret` is zero */
  char              host[64];             /* whose they are, for a heading; "" unknown */
  size_t            n;
  struct lens_conn *conns;
};

/* A flight recorder, each entry with the sentence of the stack that wrote it. */
struct lens_event {
  la_trace entry;
  char     text[LENS_TEXT_OCTETS];
};
struct lens_story {
  la_time            now;
  struct lens_conn   conn;
  size_t             n;
  struct lens_event *events;
};

void lens_list_free(struct lens_list *list);
void lens_story_free(struct lens_story *story);

/* ---- a stack in this process (source_stack.c); false: out of memory --------------- */
bool lens_list_of_stack(const la_stack *s, struct lens_list *list);
bool lens_story_of_stack(const la_stack *s, la_sock sock, struct lens_story *story);

/* ---- a lastack in another process (source_lastack.c) ------------------------------- */
/* The control sockets that answer to a connect, in this user's folders (control_path.h): how
 * many there are; the first `max` are written. */
size_t lens_controls(char (*paths)[LENS_PATH_OCTETS], size_t max);

/* Send one request line, parse the answer. NULL: `why` says in a sentence what was wrong. */
json_t *lens_ask(const char *path, const char *request, char *why, size_t size);
bool lens_list_of_control(const char *path, struct lens_list *list, char *why, size_t size);
bool lens_story_of_control(const char *path, uint64_t id, struct lens_story *story, char *why,
                           size_t size);

/* ---- JSON (json.c); the keys are those of sock_fields.def --------------------------- */
enum { LENS_JSON_VERSION = 1 };
json_t *lens_json_of_conn(const struct lens_conn *conn);
bool    lens_conn_of_json(const json_t *object, struct lens_conn *conn);

/* ---- states in every dialect (states.c) --------------------------------------------- */
/* The states in the order of a connection's life. Their numbers in la_sock_info are the
 * library's affair: lens_state_of translates, and LENS_UNKNOWN is none of them. */
enum lens_state {
  LENS_CLOSED, LENS_LISTEN, LENS_SYN_SENT, LENS_SYN_RECEIVED, LENS_ESTABLISHED, LENS_FIN_WAIT_1,
  LENS_FIN_WAIT_2, LENS_CLOSE_WAIT, LENS_CLOSING, LENS_LAST_ACK, LENS_TIME_WAIT, LENS_UNKNOWN
};
enum lens_dialect {
  LENS_RFC,                               /* FIN-WAIT-1 */
  LENS_NETSTAT,                           /* FIN_WAIT1, net-tools */
  LENS_SS,                                /* FIN-WAIT-1, ESTAB, UNCONN: iproute2 */
  LENS_BSD,                               /* FIN_WAIT_1, SYN_RCVD */
  LENS_DIALECTS
};
enum lens_state lens_state_of(uint8_t state);
uint8_t         lens_state_number(enum lens_state state);   /* the other way round */
const char     *lens_state_name(uint8_t state, enum lens_dialect dialect);

/* The state that any dialect calls so, whatever its case and punctuation; LENS_UNKNOWN. */
enum lens_state lens_state_of_text(const char *text);

/* ---- who must move next (explain.c, rules.def) --------------------------------------- */
enum lens_who {
  LENS_OUR_APPLICATION, LENS_PEERS_APPLICATION, LENS_PEERS_TCP, LENS_OUR_TCP, LENS_CLOCK,
  LENS_NETWORK, LENS_NOBODY, LENS_WHO_COUNT
};
struct lens_verdict {
  unsigned      rule;                     /* its number, see lens_rule_name */
  enum lens_who who;
  char          why[LENS_TEXT_OCTETS];    /* sentences; the first begins with `who` */
};
const char *lens_who_name(enum lens_who who);         /* "the peer's application" */
const char *lens_rule_name(unsigned rule);            /* "close-wait-unread"; NULL past the last */
void lens_explain(const struct lens_list *list, const struct lens_conn *conn,
                  struct lens_verdict *verdict);

/* ---- printing (format.c and its dialects) --------------------------------------------- */
enum lens_format { LENS_AS_LONG, LENS_AS_NETSTAT, LENS_AS_SS, LENS_AS_BSD, LENS_AS_JSON };
struct lens_look {
  enum lens_format format;
  bool     listening, all;                /* listeners only; listeners too */
  enum lens_state state;                  /* only this one; LENS_UNKNOWN: every one */
  unsigned columns;                       /* of the terminal; 0: not a terminal, never cut */
  bool     info;                          /* what lies behind a connection: long and ss only */
  bool     colours, ascii;               /* ascii: lines without UTF-8 */
};
int  lens_format_of_text(const char *text);           /* -1: no such format */
void lens_print_list(FILE *out, const struct lens_list *list, const struct lens_look *look);
void lens_print_story(FILE *out, const struct lens_story *story, const struct lens_look *look);

/* "35 s", "1 h 02 min", "1.25 s", "340 ms": for people. The text is in `out`, cut to fit. */
const char *lens_duration_text(la_time duration, char *out, size_t size);

/* "192.0.2.1:80", "[2001:db8::1]:80", "*:80". */
const char *lens_endpoint_text(la_endpoint endpoint, char *out, size_t size);

/* An address of this socket; with LA_SOCK_V6ONLY any is IPv6's any, "::". */
la_addr lens_addr_of(const la_sock_info *c, la_addr addr);

/* ---- the tables as documents (tables.c, diagram.c, documents.c) ---------------------- */
void lens_print_state(FILE *out, uint8_t state, const struct lens_look *look);
void lens_print_states(FILE *out, const struct lens_look *look);
void lens_print_timers(FILE *out, const struct lens_look *look);
void lens_print_reasons(FILE *out, const struct lens_look *look);
void lens_print_diagram(FILE *out, const struct lens_look *look);
void lens_print_dot(FILE *out);
void lens_print_fsm_json(FILE *out);
void lens_print_fsm_markdown(FILE *out);
void lens_print_why_markdown(FILE *out);

/* requirements.c: the rows of one RFC, or of all (0); false: there are none. A line for each. */
bool lens_print_requirements(FILE *out, unsigned rfc, bool markdown);
void lens_print_rfcs(FILE *out);
void lens_print_rfcs_markdown(FILE *out);

#endif
