/* What a worker told of a content, as JSON for the store, and back: so that the same bytes are not fetched and scanned again
 * for the next item, nor for rules that are made later. Pure; any thread. */
#ifndef CORE_CONTENT_H
#define CORE_CONTENT_H

#include "base/buf.h"
#include "scan/scan.h"

#define CONTENT_JSON_MAX (1 << 20)

/* words: were the detectors asked? Appends. */
int content_print(const struct scan_reply *r, bool words, struct buf *out);
/* REMOTE "bad_content" for what this version did not write; then it is as if nothing were known. */
int content_read(const char *json, size_t len, struct scan_reply *ret, bool *ret_words, struct err *err);

#endif
