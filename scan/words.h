/* The encoded words of mail headers (RFC 2047). In workers, on untrusted text. */
#ifndef SCAN_WORDS_H
#define SCAN_WORDS_H

#include "base/buf.h"

#include <stdbool.h>

/* Appends a header's raw value, unfolded, as UTF-8. With again, what stood in encoded words stands in UTF-8 ones, so that
 * quotes and commas in them are no syntax to who reads addresses and parameters. -1 when the buffer is full. */
int words_read(struct buf *out, const char *raw, bool again);

#endif
