/* One line of a hash signature file, as ClamAV's manual describes them ("File hash signatures"): pure functions on bytes of a given
 * length, which need no NUL. Called by hashes.c; any thread. */
#ifndef SCAN_HASH_LINE_H
#define SCAN_HASH_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NAME_MAX 256

enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256 };

struct hash_signature {
	enum hash_kind kind;
	bool good;       /* known to be harmless */
	uint8_t digest[32];
	int64_t size;    /* -1: any */
	bool unofficial; /* of a loose file: the engine says so behind the name */
	const char *name; /* within the line; of name_len bytes, 1 to HASH_NAME_MAX, no NUL */
	size_t name_len;
};

/* "hash:size:name[:least level[:greatest level]]" for an engine of this level: kind, digest, size and name. False when it is none, or
 * for another engine; what is in *ret then does not count. */
bool hash_line_read(const char *line, size_t len, unsigned engine_level, struct hash_signature *ret);

/* The name of a signature that is left out: "name" or "name:md5 of the signature" (.ign2), "file:line:name" (.ign). NULL when there is
 * none of a possible length. */
const char *hash_line_ignored(const char *line, size_t len, size_t *ret_len);

#endif
