/* Tables that people open in a spreadsheet (RFC 4180, UTF-8 with a mark at its beginning, as Excel wants it for Japanese). What a
 * stranger wrote into a name or subject is never a formula there: OWASP, "CSV injection". Pure functions; any thread. */
#ifndef WEB_CSV_H
#define WEB_CSV_H

#include "base/buf.h"

/* One line of n texts (NULL: empty). -1 when it does not fit; the buffer is then as it was. */
int csv_line(struct buf *out, const char *const *texts, size_t n);
#define CSV_MARK "\xef\xbb\xbf"

#endif
