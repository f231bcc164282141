/* tables.h - how the printers of the state machine look at its rows. */
#ifndef LASTACK_LENS_TABLES_H
#define LASTACK_LENS_TABLES_H

#include "lens.h"

/* The two ways through the machine that most connections take, and all the rest. */
enum tables_path { TABLES_CLIENT, TABLES_SERVER, TABLES_OTHER };
enum tables_path tables_path_of(const la_fsm_row *row);

/* Whether a row only ends the connection at once, from where no usual way leads to CLOSED. */
bool tables_is_exit(const la_fsm_row *row);

/* "RCV_FIN / ACK"; the event alone when nothing is sent. */
const char *tables_label(const la_fsm_row *row, char *out, size_t size);

#endif
