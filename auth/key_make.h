/* Key pairs that are made here so that the private key never leaves: RSA of 3072 bits with a certificate signed by itself, as
 * Entra takes it for an application. Pure but for randomness; takes about 0.2 s. Any thread. */
#ifndef AUTH_KEY_MAKE_H
#define AUTH_KEY_MAKE_H

#include "auth/vault.h"

/* Fills r's items (certificate_file, key_file, grant) and ends_at; its names are the caller's. thumbprint: SHA-1 in upper-case
 * hex as Entra shows it (41 bytes). Errors: REMOTE "bad_request" (name or days); LOCAL. */
int key_make(const char *common_name, int days, struct vault_record *r, char thumbprint[41], struct err *err);

#endif
