/* Signing the assertions that prove us to a token address (RFC 7515, RFC 7523): the one place where JWTs are made.
 * RS256, RS384 and RS512 through libjwt; PS256, which libjwt 1.x does not know, by OpenSSL (RSA-PSS, SHA-256, salt 32,
 * RFC 7518, 3.5). Nothing here verifies a token. Pure functions; any thread. */
#ifndef AUTH_ASSERTION_H
#define AUTH_ASSERTION_H

#include "base/json.h"

#include <openssl/evp.h>

enum assertion_algorithm { ASSERT_RS256, ASSERT_RS384, ASSERT_RS512, ASSERT_PS256 };

/* By its name in RFC 7518; -1 when it is none of those above. */
int assertion_algorithm(const char *name, enum assertion_algorithm *ret);

/* Signs the claims. header: further members beside alg and typ, may be NULL. Appends the compact form to ret, which the
 * caller wipes: whoever holds an assertion can use it until it ends. Errors: LOCAL "memory", "signing". */
int assertion_sign(enum assertion_algorithm alg, EVP_PKEY *key, const cJSON *header, const cJSON *claims, struct buf *ret,
	struct err *err);

#endif
