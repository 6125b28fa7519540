/* Authorizations through a browser: the address to send it to, and what its coming back is worth. For connections
 * (Microsoft's admin consent, Dropbox, Box) and for signing in (OpenID Connect). Blocking; runs on the role's pool.
 * Sources: RFC 6749, 7636, 9207, 9700; Microsoft "admin consent"; Dropbox "OAuth guide"; Box "OAuth 2.0". */
#ifndef AUTH_CODE_H
#define AUTH_CODE_H

#include "auth/apps.h"
#include "auth/oidc.h"
#include "auth/pending.h"

/* Lent; outlives every call. */
struct code_context {
	const struct apps *apps;
	struct pendings *pendings;
	struct oidc *oidc;
	struct http *http;
};

/* entry: kind, stage, tenant, session and redirect are the caller's. Appends the address to url.
 * Errors: REMOTE "no_app" (not configured), "bad_request"; those of oidc.h. */
int code_begin(const struct code_context *c, struct pending *entry, struct buf *url, struct err *err);

/* params: the callback's parameters, strings. Of a code for a connection *record gets what is to be kept (connection: the stage;
 * the caller frees it), else it stays empty; facts is filled. Errors: see AUTH_CODE_* in auth.h. */
int code_end(const struct code_context *c, const char *kind, const char *session, const cJSON *params,
	struct vault_record *record, cJSON *facts, struct err *err);

#endif
