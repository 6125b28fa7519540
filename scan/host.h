/* Names of hosts: as their readers see them, what of them is registered, and what they look like. In workers on untrusted
 * text; in core on the domains of tenants and lists. Pure functions; any thread. */
#ifndef SCAN_HOST_H
#define SCAN_HOST_H

#include <stdbool.h>
#include <stddef.h>

struct host {
	char name[256];     /* Unicode, lower case, NFKC, without a dot at the end; "" when it is no host */
	char ascii[256];    /* as the network has it */
	char domain[128];   /* the registrable one, Unicode; "" of addresses in numbers, single labels and public suffixes */
	char skeleton[256]; /* of name: label by label equal when they look alike */
	bool punycode, mixed, ip;
};

/* Loads tables. Once a process, before the cage closes. */
void host_init(void);

/* false: no host at all; *ret is empty then. */
bool host_read(const char *text, size_t len, struct host *ret);

/* Is the last label a domain that exists at the top (public suffix list, with the reserved ones of RFC 2606 and 6762)? */
bool host_has_known_top(const char *name);

#endif
