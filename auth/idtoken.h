/* Verifying ID tokens (OpenID Connect Core 1.0, 3.1.3.7) as RFC 8725 wants it: one algorithm, pinned before anything is
 * decoded; keys from the issuer's own set alone; every claim checked. The signature is verified by libjwt, which by itself
 * takes the algorithm from the token and checks no claim. Pure functions; any thread. */
#ifndef AUTH_IDTOKEN_H
#define AUTH_IDTOKEN_H

#include "base/json.h"

#define IDTOKEN_MAX 16384

struct idtoken_want {
	const char *issuer, *client_id, *nonce;
	int64_t now; /* seconds UTC */
};

/* keys: a JWK set (RFC 7517). 0 and *ret_claims (an object, the caller's); 1 when the set does not hold the token's key, so that
 * a newer set may; -1. Errors: REMOTE "bad_id_token". */
int idtoken_verify(const char *token, const cJSON *keys, const struct idtoken_want *want, cJSON **ret_claims, struct err *err);

#endif
