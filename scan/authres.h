/* Authentication-Results (RFC 8601), and what Exchange Online makes of it: no authserv-id, compauth. In workers, on untrusted
 * text; pure. */
#ifndef SCAN_AUTHRES_H
#define SCAN_AUTHRES_H

#include "scan/scan.h"

/* value: unfolded, UTF-8. Whatever is malformed is as if it were not there: nothing passes by accident. */
void authres_read(const char *value, struct scan_auth *ret);

#endif
