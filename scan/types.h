/* What a part really is, in short words for rules and people: "pe" "script.js" "ooxml.word" "pdf" "zip" …; and whether its name
 * says something else. libclamav's types are coarse where it has nothing to unpack, so the first bytes, the directory of
 * a ZIP or OLE2 file and, where content cannot tell (scripts are plain text), the extension count too. README.md has the
 * list. Pure functions on untrusted bytes; called by inspect.c in workers, type_known() by anyone. */
#ifndef SCAN_TYPES_H
#define SCAN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct type_facts {
	const char *name; /* static; "data" when nothing is known of it */
	bool executable;  /* runs when it is opened: programs, scripts, shortcuts, installers */
	bool mismatch;    /* the extension promises another type, where that matters */
};

/* type: libclamav's name; data: all of the part; name: the file's, "" none (then nothing mismatches). */
void scan_type_look(const char *type, const uint8_t *data, size_t len, const char *name, struct type_facts *ret);

/* The extension in lower case, without the dot; "" when there is none. Spaces and dots behind it do not count, as for Windows. */
void scan_type_extension(const char *name, char *out, size_t size);

#endif
