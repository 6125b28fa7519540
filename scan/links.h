/* The links of one scan: where each leads, what its shown text names, without repeats, bounded. When there is no more room, a
 * link to a place that is not there yet takes that of one whose domain is there twice. In workers; one thread. */
#ifndef SCAN_LINKS_H
#define SCAN_LINKS_H

#include "scan/scan.h"

struct links {
	int seen; /* all that differ from those that are kept */
	int looked; /* taken apart; bounded */
	int n;
	struct scan_link *list; /* SCAN_MAX_LINKS, the caller's */
};

/* shown: the text that a reader sees for it, may be empty. base: of a page, where relative addresses start; "" none. */
void links_add(struct links *l, const char *base, const char *url, size_t url_len, const char *shown, size_t shown_len, int part);

/* The text shown for a link that is kept already, of a document that tells it later. */
void links_shown(struct links *l, const char *url, size_t url_len, int part, const char *shown, size_t shown_len);

/* Lines of calendars and address books go on behind a line end and a space: made whole, in place. The new length. */
size_t links_unfold(char *s, size_t len);
/* Addresses within plain text (UTF-8) of which mail programs make links. */
void links_in_text(struct links *l, const char *text, size_t len, int part);

#endif
