/* The vault's life: new keys while it runs, and copies that an offline passphrase opens. Owned by the auth role; any of its
 * threads; each call is one transaction. Errors: as vault.h; REMOTE "bad_passphrase", "bad_backup". */
#ifndef AUTH_VAULT_LIFE_H
#define AUTH_VAULT_LIFE_H

#include "auth/vault.h"

/* Seals the tenant's values (NULL: every tenant's) anew under a new data key. Versions stay: a renewal under way is not lost. */
int vault_rotate(struct vault *v, const char *tenant, int64_t *ret_values, struct err *err);

/* Seals every data key with another key-encryption key. From the commit on the vault opens with that one alone. */
int vault_rekey(struct vault *v, const unsigned char kek[SEAL_KEY], struct err *err);

/* Everything, sealed (AES-256-GCM) with a key that Argon2id makes of the passphrase and a random salt, written to fd. */
int vault_backup(struct vault *v, const char *passphrase, int fd, int64_t *ret_records, struct err *err);
/* Puts every record of a backup in the place of what is there under its name; others stay. */
int vault_restore(struct vault *v, const char *passphrase, int fd, int64_t *ret_records, struct err *err);

#endif
