/* Tables on a terminal: columns of text, their width counted as a terminal shows it (Japanese takes two cells). */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "base/cleanup.h"

struct table;

/* Column titles, ended by NULL. NULL when memory ran out. */
struct table *table_new(const char *title, ...) __attribute__((sentinel));
/* As many texts as there are columns; NULL shows as nothing. Texts are cleaned for the terminal. */
void table_row(struct table *t, ...);
void table_print(struct table *t);
void table_free(struct table *t);
DEFINE_CLEANUP(struct table *, table_free)

#endif
