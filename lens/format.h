/* format.h - what the dialects of a socket list share. */
#ifndef LASTACK_LENS_FORMAT_H
#define LASTACK_LENS_FORMAT_H

#include "lens.h"

/* The sockets that a look asks for, UDP or TCP first, listeners before the rest. */
struct format_rows {
  size_t n;
  const struct lens_conn **row;
};

void format_long(FILE *out, const struct lens_list *list, const struct format_rows *rows,
                 const struct lens_look *look);
void format_netstat(FILE *out, const struct format_rows *rows, const struct lens_look *look);
void format_bsd(FILE *out, const struct format_rows *rows);
void format_ss(FILE *out, const struct lens_list *list, const struct format_rows *rows,
               const struct lens_look *look);

/* What lies behind a connection, below its row (look->info); nothing where there is none. */
void format_long_info(FILE *out, const struct lens_conn *conn, const struct lens_look *look);
void format_ss_info(FILE *out, const struct lens_list *list, const struct lens_conn *conn);

/* Recv-Q and Send-Q as Linux counts them, which net-tools and iproute2 only print: SYN and FIN
 * take a place in the stream, the peer's FIN until our application has read it. A listener's
 * Recv-Q is the number of connections that wait to be accepted. */
uint64_t format_linux_recv_q(const struct lens_conn *conn);
uint64_t format_linux_send_q(const struct lens_conn *conn);

/* Begin and end a colour; both write nothing when the look has none. */
void format_colour(FILE *out, const struct lens_look *look, const char *code);
void format_plain(FILE *out, const struct lens_look *look);
const char *format_state_colour(enum lens_state state);

/* `text` in lines of at most `columns`, each after `indent` blanks but the first. `at` columns
 * are taken already; ends the last line. */
void format_wrapped(FILE *out, const char *text, unsigned at, unsigned indent, unsigned columns);

#endif
