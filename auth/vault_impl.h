/* What vault.c and vault_life.c share; nobody else includes it. */
#ifndef AUTH_VAULT_IMPL_H
#define AUTH_VAULT_IMPL_H

#include "auth/vault_db.h"

#include <pthread.h>

struct vault {
	struct vault_db db;
	unsigned char *kek; /* a page of its own */
	pthread_mutex_t lock;
};

/* A call is a transaction under the lock: 0, or -1 without either. */
int vault_begin(struct vault *v, struct err *err);
/* Commits when result is 0, rolls back otherwise; gives the call's result. */
int vault_end(struct vault *v, int result, struct err *err);

/* Inside a transaction: */
int vault_load_values(struct vault *v, const char *connection, struct vault_record *ret, struct err *err);
/* version 0: a new one. */
int vault_put_values(struct vault *v, const struct vault_record *r, int64_t version, struct err *err);
int vault_seal_data_key(const unsigned char *kek, const char *tenant, const unsigned char key[SEAL_KEY], struct buf *ret);
/* The tenant's data key; made when it is missing and make says so. */
int vault_data_key(struct vault *v, const char *tenant, bool make, unsigned char key[SEAL_KEY], struct err *err);
/* The value that tells a wrong key-encryption key, sealed with kek. */
int vault_seal_check(const unsigned char *kek, struct buf *ret);

#endif
