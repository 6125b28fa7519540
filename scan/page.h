/* What a reader sees of text: of a page its words and where its links lead, of plain text the links in it. In workers, on
 * untrusted bytes. */
#ifndef SCAN_PAGE_H
#define SCAN_PAGE_H

#include "scan/scan.h"

/* Links of one scan, without repeats; bounded. */
struct links {
	int seen; /* all, with those that are not kept */
	int n;
	struct scan_link *list; /* SCAN_MAX_LINKS, the caller's */
};

/* Once a process, before the cage closes. */
void page_init(void);

/* html: UTF-8. Appends what is shown to text (up to its maximum) and links to l, which are noted as found in part. */
void page_read(const char *html, size_t len, int part, struct buf *text, struct links *l);

/* Addresses within plain text (UTF-8). */
void page_links(const char *text, size_t len, int part, struct links *l);

#endif
