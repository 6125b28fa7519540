/* The words of a part, as a reader of the document sees them, for the detectors. In workers, on untrusted bytes. */
#ifndef SCAN_PLAIN_H
#define SCAN_PLAIN_H

#include "base/buf.h"

/* Appends; what is beyond out's maximum is left out. */
void plain_xml(struct buf *out, const char *xml, size_t len);       /* elements away, paragraphs and cells as lines */
void plain_pdf(struct buf *out, const char *stream, size_t len);    /* a page's strings, those of one line joined */
void plain_normal(struct buf *out, const char *utf8, size_t len);   /* NFKC: digits of full width become ASCII */

#endif
