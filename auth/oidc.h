/* OpenID providers that people may sign in with: their metadata (OpenID Connect Discovery 1.0) and key sets, fetched when needed
 * and kept for an hour; an unknown key id has the set fetched once more, at most once a minute. Blocking; any thread. */
#ifndef AUTH_OIDC_H
#define AUTH_OIDC_H

#include "auth/idtoken.h"
#include "net/http.h"

struct oidc;

/* http is lent and outlives it. */
int oidc_new(struct http *http, struct oidc **ret, struct err *err);
void oidc_free(struct oidc *o);

struct oidc_metadata {
	char authorize[512], token[512];
	bool sends_iss; /* authorization_response_iss_parameter_supported, RFC 9207 */
};

/* Errors: RETRY, REMOTE of the fetch; REMOTE "bad_issuer" when the document is not that issuer's. */
int oidc_metadata(struct oidc *o, const char *issuer, struct oidc_metadata *ret, struct err *err);
/* As idtoken_verify(), with the issuer's own keys; 0 or -1. */
int oidc_verify(struct oidc *o, const char *token, const struct idtoken_want *want, cJSON **ret_claims, struct err *err);

#endif
