/* The SQL of the vault: tables, statements, transactions. Knows nothing of keys: what it stores is sealed. Used by vault.c
 * alone, under its lock. Errors: see vault.h. */
#ifndef AUTH_VAULT_DB_H
#define AUTH_VAULT_DB_H

#include "auth/vault.h"

#include <sqlite3.h>

struct vault_db {
	sqlite3 *sql;
};

int vault_db_open(struct vault_db *db, const char *path, struct err *err);
void vault_db_close(struct vault_db *db);

int vault_db_begin(struct vault_db *db, struct err *err);
int vault_db_commit(struct vault_db *db, struct err *err);
void vault_db_rollback(struct vault_db *db);

/* Sealed data keys by tenant; "" is the check of the key-encryption key. */
int vault_db_get_key(struct vault_db *db, const char *tenant, struct buf *ret, bool *ret_found, struct err *err);
/* In the place of one that is there. */
int vault_db_put_key(struct vault_db *db, const char *tenant, const struct buf *sealed, struct err *err);
/* The tenant with a key that comes after that one: 1, 0 none, -1. */
int vault_db_next_tenant(struct vault_db *db, const char *after, char *ret, size_t size, struct err *err);
int vault_db_drop_unused_keys(struct vault_db *db, struct err *err);

/* A number that this vault never gave before; and the last one given. */
int vault_db_next_version(struct vault_db *db, int64_t *ret, struct err *err);
int vault_db_version(struct vault_db *db, int64_t *ret, struct err *err);

int vault_db_put_connection(struct vault_db *db, const struct vault_record *r, int64_t version, struct err *err);
/* Fills everything but the items. GONE "no_grant". */
int vault_db_get_connection(struct vault_db *db, const char *connection, struct vault_record *ret, struct err *err);
int vault_db_put_value(struct vault_db *db, const char *connection, const char *purpose, const struct buf *sealed,
	struct err *err);
/* Fills the items with the sealed values; on failure too, as far as it came. */
int vault_db_get_values(struct vault_db *db, struct vault_record *r, struct err *err);
int vault_db_forget(struct vault_db *db, const char *connection, struct err *err);
int vault_db_list(struct vault_db *db, struct vault_listed **ret, size_t *ret_n, struct err *err);

#endif
