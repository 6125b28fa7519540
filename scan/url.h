/* Where an address leads, as a browser reads it: slashes of both kinds, tabs within, numbers as hosts, what stands before an
 * @, and the address that a known redirector holds. Nothing is asked of the network. In workers, on untrusted text; pure. */
#ifndef SCAN_URL_H
#define SCAN_URL_H

#include "scan/host.h"

#define URL_MAX 8192

struct url {
	struct host host;  /* name "" where the scheme has none, or it leads nowhere else */
	bool credentials;
	bool script;       /* javascript:, vbscript:, data: with a page */
	bool relative;     /* no scheme and no host: to be read from where it stands */
	char inner[URL_MAX]; /* "" or what a redirector leads to */
};

void url_read(const char *text, size_t len, struct url *ret);

/* An address within text that is shown: its length and where it begins, 0 when there is none. bare: also without scheme and
 * www., when nothing else stands there. */
size_t url_find(const char *text, size_t len, bool bare, size_t *ret_at);

/* The end of an address at s whose host begins at `host`. */
size_t url_end(const char *s, size_t len, size_t host);

#endif
