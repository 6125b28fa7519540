/* Authenticated encryption of the vault's values: AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D), and the
 * key page that is kept out of swap and core dumps. Pure functions but for the page; any thread. */
#ifndef AUTH_SEAL_H
#define AUTH_SEAL_H

#include "base/buf.h"

#define SEAL_KEY 32
#define SEAL_OVERHEAD 28 /* nonce and tag */

/* Appends nonce, ciphertext and tag to ret. aad: what the value is bound to. -1 when memory ran out. */
int seal(const unsigned char key[SEAL_KEY], const struct buf *aad, const void *plain, size_t len, struct buf *ret);
/* Appends the plain text to ret; -1 when key, aad or bytes are not those of sealing (ret is then as before). */
int unseal(const unsigned char key[SEAL_KEY], const struct buf *aad, const void *sealed, size_t len, struct buf *ret);

/* A page for one key: locked into memory where the system lets us, left out of dumps. NULL when memory ran out. */
unsigned char *seal_key_page(void);
void seal_key_page_free(unsigned char *page);

#endif
