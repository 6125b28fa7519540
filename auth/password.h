/* What people prove themselves with: passwords (Argon2id, RFC 9106, by libsodium) and one-time codes (RFC 6238). Pure but
 * for randomness; any thread. A password's hash takes 64 MiB and some 0.1 s: the role does one at a time. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define PASSWORD_MAX 1024 /* bytes */
#define TOTP_SECRET 20    /* bytes: as long as the hash, RFC 4226, 4 */

/* The hash as a PHC string, appended to ret. Errors: REMOTE "bad_password" (empty or too long); LOCAL "memory". */
int password_make(const char *password, struct buf *ret, struct err *err);

enum password_answer { PASSWORD_WRONG, PASSWORD_RIGHT, PASSWORD_AGAIN /* right, with parameters of another time */ };
enum password_answer password_check(const char *hash, const char *password);

/* A random secret (TOTP_SECRET bytes, appended to ret), and how authenticators take it: base32, and an otpauth:// address. */
int totp_make(struct buf *ret, struct err *err);
int totp_show(const struct buf *secret, const char *label, struct buf *ret_base32, struct buf *ret_url, struct err *err);

/* The 30-second step whose code this is: the present one, the one before or the one after, if later than `last`; 0 when it is
 * none. Six digits, HMAC-SHA-1. now: seconds UTC. */
int64_t totp_check(const struct buf *secret, const char *code, int64_t now, int64_t last);
/* The code of a step, for tests. */
void totp_code(const struct buf *secret, int64_t step, char ret[7]);

#endif
