/* Text in any charset as UTF-8: what mails and pages in Japanese, Chinese, Russian … are written in, as they are really
 * labelled. Used in workers on untrusted bytes; iconv's tables are loaded before the cage closes (engine_warm). */
#ifndef SCAN_CHARSET_H
#define SCAN_CHARSET_H

#include "base/buf.h"

/* Appends. charset: as the content names it, NULL or "" when it does not. What cannot be read becomes U+FFFD and reading
 * goes on behind it. -1 when the buffer's maximum is reached; what fits stands in it. */
int charset_to_utf8(struct buf *out, const char *charset, const void *data, size_t len);

/* Appends only what is all of it in that charset; -1 else, and out may hold a part. */
int charset_exact(struct buf *out, const char *charset, const void *data, size_t len);

#endif
