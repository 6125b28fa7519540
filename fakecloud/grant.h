/* What the providers' authorization endpoints share: which redirect addresses an application may use, authorization
 * codes with PKCE (RFC 6749 4.1, RFC 7636), and ID tokens with their key set (OpenID Connect Core). State lock held;
 * what is made lives as long as the process. */
#ifndef FAKECLOUD_GRANT_H
#define FAKECLOUD_GRANT_H

#include "fakecloud/fc.h"

/* Is it an address to send a browser back to at all: http or https, no fragment, no control characters. */
bool redirect_ok(const char *uri);
/* Is it registered for an application of the operator's: one of --redirect to the letter, or /callback/NAME of a
 * loopback address with any port (RFC 8252, 7.3); names: "microsoft oidc". */
bool redirect_registered(const char *uri, const char *names);

struct fc_code {
	char text[96];
	const char *provider, *tenant; /* interned */
	const char *client, *subject, *scope, *redirect, *nonce, *challenge; /* "" when there is none */
	bool plain, offline, used;
	int64_t expires_at;
	struct fc_token *issued[3]; /* for it: revoked when the code comes again */
};
/* The parameters of the request that belong to a code: redirect_uri, scope, nonce, code_challenge and its method. */
struct fc_code *code_new(struct fc_request *req, const char *provider, const char *tenant, const char *client,
	const char *subject, const char *prefix, int64_t life_ms);
void code_issued(struct fc_code *code, struct fc_token *token);
/* NULL, or what is wrong with the challenge of the request. required: PKCE must be used. */
const char *code_challenge_wrong(struct fc_request *req);

enum code_state { CODE_GOOD, CODE_UNKNOWN, CODE_USED, CODE_EXPIRED, CODE_CLIENT, CODE_REDIRECT, CODE_VERIFIER };
/* The code, for this client, with the verifier. GOOD uses it up; USED revokes what was issued for it. redirect: what the
 * request says, NULL when nothing. verifier: NULL when there is none. */
enum code_state code_take(const char *provider, const char *text, const char *client, const char *redirect,
	const char *verifier, struct fc_code **ret);
/* Looks only; NULL when unknown. */
struct fc_code *code_find(const char *provider, const char *text);

/* ---- ID tokens: one key for each provider, made when it is first needed ---- */

/* A signed token (RS256) in the arena. Takes claims over. */
char *idtoken_sign(struct arena *arena, const char *provider, cJSON *claims);
/* The key set (RFC 7517). */
cJSON *idtoken_keys(const char *provider);
/* The key's certificate and id, for the providers that publish it so. */
const char *idtoken_certificate(const char *provider, const char **ret_kid);
/* at_hash of an access token (Core 3.1.3.6), in the arena. */
char *idtoken_at_hash(struct arena *arena, const char *access_token);
/* A pairwise subject: 43 characters, stable, of (client, user). */
char *idtoken_pairwise(struct arena *arena, const char *client, const char *user);

#endif
