/* Names of items and parts: made fit to be shown, and what they betray. Pure functions on untrusted text; in workers. */
#ifndef SCAN_NAMES_H
#define SCAN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct name_facts {
	bool rtl;              /* characters that turn the direction of text around: "exe" reads as "pdf" */
	bool double_extension; /* a document's extension before a program's */
	bool later_volume;     /* a piece of an archive in several, but not the first: nobody can look into it alone */
};

/* Foreign text: UTF-8, controls made visible, cut at a whole character. s may be NULL. */
void name_copy(char *out, size_t size, const char *s, size_t len);

/* The name of an archive's member: bytes in a charset that nobody tells. UTF-8 if it is that, else CP932, as Windows in Japan
 * writes it, else what explains it. s may be NULL. */
void name_of_member(char *out, size_t size, const char *s);

/* Names that libclamav made up for temporary files. They change from run to run and mean nothing. */
bool name_is_made_up(const char *name);

/* What stands behind the last separator. */
const char *name_base(const char *path);

void name_look(const char *name, struct name_facts *ret);

#endif
