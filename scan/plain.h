/* The words of a part, as a reader of the document sees them, for the detectors. In workers, on untrusted bytes. */
#ifndef SCAN_PLAIN_H
#define SCAN_PLAIN_H

#include "base/buf.h"

/* Appends; what is beyond out's maximum is left out. */
void plain_xml(struct buf *out, const char *xml, size_t len);       /* elements away, paragraphs as lines, cells parted by tabs */
void plain_normal(struct buf *out, const char *utf8, size_t len);   /* NFKC: digits of full width become ASCII */

#endif
