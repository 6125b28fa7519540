/* One renewal: the grant out of the vault, the provider's token address, the token. Blocking; runs on the auth role's pool,
 * several at once for different connections and users. */
#ifndef AUTH_RENEW_H
#define AUTH_RENEW_H

#include "auth/apps.h"
#include "net/http.h"

struct renewer;

/* All are lent and outlive it; apps may be NULL. */
int renewer_new(struct vault *vault, const struct apps *apps, struct http *http, struct renewer **ret, struct err *err);
void renewer_free(struct renewer *r);

/* A new access token for subject ("" for the connection itself), appended to ret (wipe it), and how long it lives.
 * A refresh token that comes with it is in the vault before this returns. A time error of the provider corrects the
 * connection's clock by the answer's Date and asks once more.
 * Errors: AUTH, CONSENT with the provider's own code; GONE "invalid_grant" (scope stream) for a user that is gone; RETRY
 * with retry_at; REMOTE "bad_answer", "redirected"; GONE "no_grant"; LOCAL. */
int renew_token(struct renewer *r, const char *connection, const char *subject, struct buf *ret, int64_t *ret_life_ms,
	struct err *err);

/* Revokes at the provider and proves it by a call that fails. token: one given out and still good, or NULL.
 * Errors: REMOTE "no_revocation" (with where to do it by hand), "not_revoked"; as renew_token(). */
int renew_revoke(struct renewer *r, const char *connection, const char *token, struct err *err);

/* A connection's secrets were replaced or are gone: forgets its clock and what waited to be stored. */
void renew_forget(struct renewer *r, const char *connection);

/* Origin of its token address ("https://host:port"), for fairness between addresses, and whether each user has a token of
 * his own. false when the grant cannot be read. */
bool renew_describe(struct renewer *r, const char *connection, char *origin, size_t size, bool *ret_per_subject);

#endif
