/* Words for what libclamav reports; see reason.h. Pure functions, used in workers.
 * The names are those of libclamav 1.4's sources; what is not listed here is a threat. */
#include "scan/reason.h"

#include "base/cleanup.h"

#include <clamav.h>
#include <string.h>

const char *reason_name(enum reason r)
{
	static const char *const names[] = {
		[REASON_TIME] = "time_limit",
		[REASON_MEMORY] = "memory",
		[REASON_SIZE] = "size_limit",
		[REASON_TOTAL_SIZE] = "total_size_limit",
		[REASON_PART_SIZE] = "part_size_limit",
		[REASON_PARTS] = "parts_limit",
		[REASON_DEPTH] = "depth_limit",
		[REASON_ENCRYPTED_ARCHIVE] = "encrypted_archive",
		[REASON_ENCRYPTED_DOCUMENT] = "encrypted_document",
		[REASON_NOT_UNPACKED] = "not_unpacked",
		[REASON_CORRUPT] = "corrupt",
		[REASON_ERROR] = "error",
		[REASON_NONE] = "",
	};

	return names[r];
}

bool reason_is_limit(enum reason r)
{
	return r <= REASON_DEPTH;
}

enum found reason_of_name(const char *name, enum reason *ret)
{
	static const struct {
		const char *prefix;
		enum found found;
		enum reason reason;
	} names[] = {
		{"Limits.Exceeded.MaxFileSize", FOUND_REASON, REASON_PART_SIZE},
		{"Limits.Exceeded.MaxScanSize", FOUND_REASON, REASON_TOTAL_SIZE},
		{"Limits.Exceeded.MaxRecursion", FOUND_REASON, REASON_DEPTH},
		{"Limits.Exceeded.MaxFiles", FOUND_REASON, REASON_PARTS},
		{"Limits.Exceeded.MaxScanTime", FOUND_REASON, REASON_TIME},
		{"Limits.Exceeded", FOUND_REASON, REASON_PARTS}, /* of mails: parts, headers, arguments */
		{"Encrypted.PDF", FOUND_REASON, REASON_ENCRYPTED_DOCUMENT},
		{"Encrypted.Doc", FOUND_REASON, REASON_ENCRYPTED_DOCUMENT},
		{"Encrypted.OLE2", FOUND_REASON, REASON_ENCRYPTED_DOCUMENT},
		{"Encrypted", FOUND_REASON, REASON_ENCRYPTED_ARCHIVE},
		{"XZ.DicSizeLimit", FOUND_REASON, REASON_MEMORY},
		{"Zip.OverlappingFiles", FOUND_REASON, REASON_NOT_UNPACKED},
		{"OLE2.ContainsMacros", FOUND_MACROS, REASON_NONE},
		{"Phishing.", FOUND_PHISHING, REASON_NONE},
		{"Broken.", FOUND_NOTHING, REASON_NONE},
		{"Structured.", FOUND_NOTHING, REASON_NONE},
		{"PDF.ObfuscatedNameObject", FOUND_NOTHING, REASON_NONE},
		{"BoundsCheck", FOUND_NOTHING, REASON_NONE},
		{"APMPartitionIntersection", FOUND_NOTHING, REASON_NONE},
		{"GPTPartitionIntersection", FOUND_NOTHING, REASON_NONE},
		{"MBRPartition", FOUND_NOTHING, REASON_NONE},
	};

	if (strncmp(name, "BC.", 3) == 0)
		name += 3;
	if (strncmp(name, "Heuristics.", 11) != 0)
		return FOUND_THREAT;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strncmp(name + 11, names[i].prefix, strlen(names[i].prefix)) == 0) {
			*ret = names[i].reason;
			return names[i].found;
		}
	}
	return FOUND_THREAT;
}

enum reason reason_of_message(const char *text)
{
	static const struct {
		const char *part;
		enum reason reason;
	} messages[] = {
		{"write error", REASON_TOTAL_SIZE},
		{"failed to write", REASON_TOTAL_SIZE},
		{"Can't write", REASON_TOTAL_SIZE},
		{"only wrote", REASON_TOTAL_SIZE},
		{"Can't create", REASON_TOTAL_SIZE},
		{"failed to create temporary", REASON_TOTAL_SIZE},
		{"allocate", REASON_MEMORY},
		{"emory allocation", REASON_MEMORY},
		{"out of memory", REASON_MEMORY},
		{"cannot map", REASON_MEMORY},
		{"cannot create a map", REASON_MEMORY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		if (strstr(text, messages[i].part))
			return messages[i].reason;
	return REASON_NONE;
}

enum reason reason_of_result(int rc)
{
	switch (rc) {
	case CL_CLEAN:
	case CL_VIRUS:
		return REASON_NONE;
	case CL_ETIMEOUT:
		return REASON_TIME;
	case CL_EMEM:
	case CL_EMAP:
		return REASON_MEMORY;
	case CL_EMAXREC:
		return REASON_DEPTH;
	case CL_EMAXSIZE:
	case CL_EWRITE:
		return REASON_TOTAL_SIZE;
	case CL_EMAXFILES:
		return REASON_PARTS;
	case CL_EFORMAT:
	case CL_EPARSE:
	case CL_EUNPACK:
		return REASON_CORRUPT;
	default:
		return REASON_ERROR;
	}
}
