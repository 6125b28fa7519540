/* The hash signatures in the folders, one after the other: .hdb (MD5), .hsb (SHA-1, SHA-256), and what they must not be
 * found in, .fp and .sfp; loose or within .cvd, .cld and .cud. Read as text, without libclamav, which matches hashes only
 * against content in hand. Names that .ign and .ign2 list are left out, as are signatures for other versions of the engine,
 * and the files of unwanted applications (.hdu, .hsu), which the engine does not load either.
 *
 * Called in the process of a recheck (recheck.c); one thread. Format: ClamAV's manual, "File hash signatures". */
#ifndef SCAN_HASHES_H
#define SCAN_HASHES_H

#include "scan/database.h"
#include "scan/hash_line.h"

struct hashes;

/* LOCAL when memory ran out. Files that cannot be read are logged and left out. */
int hashes_open(const struct scan_config *config, struct hashes **ret, struct err *err);
/* 1 one more, whose name stands until the next call; 0 that was all. */
int hashes_next(struct hashes *h, struct hash_signature *ret);
void hashes_free(struct hashes *h);
DEFINE_CLEANUP(struct hashes *, hashes_free)

#endif
