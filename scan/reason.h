/* Reasons why a scan says nothing, in the order of their weight: of several the lowest is told. */
#ifndef SCAN_REASON_H
#define SCAN_REASON_H

#include <stdbool.h>

enum reason {
	REASON_TIME,
	REASON_MEMORY,
	REASON_SIZE,
	REASON_TOTAL_SIZE,
	REASON_PART_SIZE,
	REASON_PARTS,
	REASON_DEPTH,
	REASON_ENCRYPTED_ARCHIVE,
	REASON_ENCRYPTED_DOCUMENT,
	REASON_NOT_UNPACKED,
	REASON_CORRUPT,
	REASON_ERROR,
	REASON_NONE,
};

/* scan.h's word; "" for REASON_NONE. */
const char *reason_name(enum reason r);
bool reason_is_limit(enum reason r);

/* What a name that libclamav reports as found means. */
enum found { FOUND_THREAT, FOUND_REASON, FOUND_MACROS, FOUND_PHISHING, FOUND_NOTHING };
enum found reason_of_name(const char *name, enum reason *ret);

/* What one of libclamav's own messages betrays; REASON_NONE for most. */
enum reason reason_of_message(const char *text);

/* What cl_scan…() returned. */
enum reason reason_of_result(int rc);

#endif
