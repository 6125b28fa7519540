/* What the directory of an OLE2 file (MS-CFB) gives away: password protection and macros.
 * libclamav says neither for all of them. Bounded reading of untrusted bytes, in workers only; pure. */
#ifndef SCAN_OLE2_H
#define SCAN_OLE2_H

#include <stdbool.h>
#include <stddef.h>

struct ole2_facts {
	bool encrypted; /* an EncryptedPackage, or a Word, Excel or PowerPoint file that says so of itself */
	bool macros;    /* a VBA project */
};

/* Leaves false what it cannot read. */
void ole2_look(const void *data, size_t len, struct ole2_facts *ret);

#endif
