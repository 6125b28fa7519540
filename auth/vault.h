/* The vault: every key, client secret and refresh token of every connection, encrypted, in STATE/vault.db.
 *
 * A value is sealed (AES-256-GCM) with a data key of its tenant, which is sealed with the key-encryption key. What it
 * is sealed with as associated data (tenant, provider, connection, purpose, version) ties it to its row: a row
 * copied to another connection or tenant does not open. Versions never come back. Each call is one
 * transaction, synced when it returns; deleted rows are overwritten, and a tenant's data key goes with its last
 * connection.
 * Owned by the auth role; the calls may come from any of its threads. Errors: LOCAL "wrong_key", "vault_corrupt",
 * "disk_full", "vault"; RETRY "busy"; GONE "no_grant". */
#ifndef AUTH_VAULT_H
#define AUTH_VAULT_H

#include "auth/seal.h"
#include "base/err.h"

#include <stdbool.h>

#define VAULT_ITEMS 6       /* of one connection */
#define VAULT_VALUE_MAX 65536

struct vault;

/* Opens or makes STATE/vault.db (mode 0600). */
int vault_open(const char *state, const unsigned char kek[SEAL_KEY], struct vault **ret, struct err *err);
void vault_close(struct vault *v);
DEFINE_CLEANUP(struct vault *, vault_close)
/* Is there a vault whose values need the old key? */
bool vault_exists(const char *state);

struct vault_item {
	char purpose[32]; /* "grant", "key_file", "refresh_token_file", … */
	struct buf value; /* wiped by vault_record_free() */
	bool lent;        /* belongs to the operator's application: vault_put() does not store it */
};

struct vault_record {
	char connection[96], tenant[64], provider[16];
	int64_t version; /* changes with each vault_put() and vault_replace() */
	int64_t ends_at;
	int n;
	struct vault_item items[VAULT_ITEMS];
};

void vault_record_free(struct vault_record *r);
/* NULL when the record has none. */
struct vault_item *vault_record_item(struct vault_record *r, const char *purpose);

/* Puts a connection's values in the place of all that it had. r->version is ignored. */
int vault_put(struct vault *v, const struct vault_record *r, struct err *err);
int vault_load(struct vault *v, const char *connection, struct vault_record *ret, struct err *err);
/* A new value for one purpose, if the record is still the version that was read; gives the new version.
 * Errors: CHANGED "replaced". */
int vault_replace(struct vault *v, const struct vault_record *r, const char *purpose, const struct buf *value,
	int64_t *ret_version, struct err *err);
/* 0 also when there was nothing. */
int vault_forget(struct vault *v, const char *connection, struct err *err);
/* Takes the place of what `to` had. Errors: GONE "no_grant"; REMOTE "other_connection" when `to` belongs to another
 * tenant or provider. */
int vault_rename(struct vault *v, const char *from, const char *to, struct err *err);

struct vault_listed {
	char connection[96];
	int64_t ends_at;
};

/* *ret is the caller's (free()). */
int vault_list(struct vault *v, struct vault_listed **ret, size_t *ret_n, struct err *err);

#endif
