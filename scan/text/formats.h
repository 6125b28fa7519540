/* The words of one format each, out of its bytes. Not parsers that refuse: what is malformed gives other words, and nothing else
 * depends on them. Appended to out, up to its maximum; UTF-8, cells parted by tabs, rows and paragraphs by lines. In workers, on
 * untrusted bytes; no state but what is said. */
#ifndef SCAN_TEXT_FORMATS_H
#define SCAN_TEXT_FORMATS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Office files in binary: Word, Excel, PowerPoint, Outlook's messages, Ichitaro. False: none of those (any other text in it is
 * not read). */
bool text_ole2(struct buf *out, const uint8_t *data, size_t len);
/* The records of a workbook, in the form of 1997 (BIFF8) or before. */
void text_biff(struct buf *out, const uint8_t *data, size_t len);

void text_rtf(struct buf *out, const char *data, size_t len);

/* ---- PDF: pages name fonts, and what their codes mean stands in other streams; so a file's streams are kept until its end ---- */
struct pdf_text;

struct pdf_text *pdf_text_new(void); /* NULL when memory ran out */
void pdf_text_free(struct pdf_text *p);
/* One stream, unpacked: kept when it shows text or says what codes mean; false when it is neither. */
bool pdf_text_add(struct pdf_text *p, const char *data, size_t len);
/* All of it in the order that it came in; forgets it. */
void pdf_text_end(struct pdf_text *p, struct buf *out);

#endif
