/* The key-encryption key: where it lies, how it is written, who may read it. Called by the auth role at start. */
#ifndef AUTH_KEK_H
#define AUTH_KEK_H

#include "auth/seal.h"
#include "base/err.h"

#include <stdbool.h>

/* key_file: a file named by the administrator, or NULL: then the systemd credential "sekisho-key"
 * ($CREDENTIALS_DIRECTORY), then STATE/key. The last is made when it is missing and make says so (no vault
 * needs the old one). Text of 64 hex digits, base64 of 32 bytes, or 32 bytes as they are.
 * Errors: LOCAL "key_mode" (others can read it, or it is not ours), "bad_key_file", "key_missing", "system". */
int kek_load(const char *state, const char *key_file, bool make, unsigned char ret[SEAL_KEY], struct err *err);

/* Where kek_load() would find it: the path, and whether this process may put another in its place (not for a credential). */
int kek_path(const char *state, const char *key_file, char *path, size_t size, bool *ret_ours, struct err *err);
/* A new key to take the place of that file's: written beside it ("PATH.next") and synced, so that a crash between the vault's
 * change and the renaming loses neither. key NULL: made here, into ret. */
int kek_stage(const char *path, const unsigned char *key, unsigned char ret[SEAL_KEY], struct err *err);
int kek_settle(const char *path, struct err *err);
/* The staged key of an interrupted change. -1 when there is none. */
int kek_staged(const char *path, unsigned char ret[SEAL_KEY]);

/* The content of a key file. -1 when it is none of the three forms. */
int kek_parse(const char *text, size_t len, unsigned char ret[SEAL_KEY]);

#endif
