/* The signatures that are always there: EICAR in its usual disguises and a few rules of our own (builtin/).
 * Alone they are no protection; scan_info.builtin_only says so. Pure functions. */
#ifndef SCAN_BUILTIN_H
#define SCAN_BUILTIN_H

#include "base/buf.h"

#define BUILTIN_VERSION "builtin-1"

/* Names of the files, NULL behind the last. */
const char *builtin_file(int index);
/* The file's text; the parts that hold EICAR are made here, so that neither the sources nor the binary set
 * off a scanner. -1 when memory ran out. */
int builtin_text(int index, struct buf *out);

/* The harmless test file of eicar.org, 68 bytes: for samples, doctor and the demo. -1 when memory ran out. */
int builtin_eicar(struct buf *out);

#endif
