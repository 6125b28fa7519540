/* Where documents lead: OOXML's relationships, ODF's references, PDF's actions, fields of RTF and Word, Excel's hyperlinks,
 * shortcuts, calendars and plain texts. In workers, on untrusted bytes; pure. */
#ifndef SCAN_DOCLINKS_H
#define SCAN_DOCLINKS_H

#include "scan/links.h"

/* type: libclamav's name of it. Pages and mails are read elsewhere. */
void doclinks_read(struct links *l, int part, const char *type, const uint8_t *data, size_t len);

#endif
