/* The key-encryption key: where it lies, how it is written, who may read it. Called by the auth role at start. */
#ifndef AUTH_KEK_H
#define AUTH_KEK_H

#include "auth/seal.h"
#include "base/err.h"

/* key_file: a file named by the administrator, or NULL: then the systemd credential "sekisho-key"
 * ($CREDENTIALS_DIRECTORY), then STATE/key. The last is made when it is missing and make says so (no vault
 * needs the old one). Text of 64 hex digits, base64 of 32 bytes, or 32 bytes as they are.
 * Errors: LOCAL "key_mode" (others can read it, or it is not ours), "bad_key_file", "key_missing", "system". */
int kek_load(const char *state, const char *key_file, bool make, unsigned char ret[SEAL_KEY], struct err *err);

/* The content of a key file. -1 when it is none of the three forms. */
int kek_parse(const char *text, size_t len, unsigned char ret[SEAL_KEY]);

#endif
