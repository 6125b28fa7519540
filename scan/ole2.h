/* What the directory of an OLE2 file (MS-CFB) gives away: what it is of, password protection and macros.
 * libclamav says neither for all of them. Bounded reading of untrusted bytes, in workers only; pure. */
#ifndef SCAN_OLE2_H
#define SCAN_OLE2_H

#include <stdbool.h>
#include <stddef.h>

enum ole2_kind { OLE2_OTHER, OLE2_WORD, OLE2_EXCEL, OLE2_POWERPOINT, OLE2_OUTLOOK, OLE2_ENCRYPTED, OLE2_MSI, OLE2_ICHITARO, OLE2_HWP };

struct ole2_facts {
	enum ole2_kind kind; /* OLE2_ENCRYPTED: the package of an OOXML document */
	bool encrypted; /* an EncryptedPackage, or a Word, Excel or PowerPoint file that says so of itself */
	bool macros;    /* a VBA project */
};

/* Leaves false what it cannot read. */
void ole2_look(const void *data, size_t len, struct ole2_facts *ret);

#endif
