/* Makes encrypted archives and documents for tests. */
#ifndef TESTS_UNIT_SCAN_LOCKED_H
#define TESTS_UNIT_SCAN_LOCKED_H

#include "base/buf.h"

#include <stdbool.h>

struct locked_file {
	const char *name;
	const void *data;
	size_t len;
};

/* way: "traditional" "aes128" "aes256" of libarchive, or "plain". */
void locked_zip(struct buf *out, const char *way, const char *password, const struct locked_file *files, size_t n);
/* One page whose content stream is this. */
void locked_pdf(struct buf *out, const char *password, const void *stream, size_t len);
void locked_office(struct buf *out, bool agile, const char *password, const struct buf *package);
void locked_base64(struct buf *out, const struct buf *content);

#endif
