/* What a reader sees of a page: its words and where its links lead. In workers, on untrusted bytes. */
#ifndef SCAN_PAGE_H
#define SCAN_PAGE_H

#include "scan/links.h"

/* Once a process, before the cage closes. */
void page_init(void);

/* html: UTF-8. Appends what is shown to text (up to its maximum) and links to l, which are noted as found in part. */
void page_read(const char *html, size_t len, int part, struct buf *text, struct links *l);

#endif
