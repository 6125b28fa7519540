/* Authorizations on their way through a browser: what was sent away and has not come back. In memory only: an
 * authorization that a restart loses is begun again. Any thread.
 *
 * State (RFC 6749, 10.12), PKCE verifier (RFC 7636) and nonce are 256 random bits each. An entry lives five minutes and is
 * taken once; whoever brings its state with another kind or session spoils it (RFC 9700, 4.7). */
#ifndef AUTH_PENDING_H
#define AUTH_PENDING_H

#include "base/buf.h"
#include "base/err.h"

#define PENDING_MAX 4096

struct pending {
	char kind[48];    /* "dropbox", "oidc:entra" */
	char stage[96];   /* where a connection's secrets are kept; "" for signing in */
	char tenant[64];
	char session[72]; /* whose browser it is */
	char redirect[600];
	char state[44], verifier[44], nonce[44]; /* base64url; made by pending_add() */
	int64_t until;    /* ms UTC */
};

struct pendings;

int pendings_new(struct pendings **ret, struct err *err);
void pendings_free(struct pendings *p);

/* Fills state, verifier, nonce and until, and keeps a copy. The oldest goes when there are too many. */
void pending_add(struct pendings *p, struct pending *entry, int64_t now);
/* Takes the entry of that state out; *ret is the caller's to wipe. Errors: REMOTE "state_unknown", "state_expired". */
int pending_take(struct pendings *p, const char *state, const char *kind, const char *session, int64_t now, struct pending *ret,
	struct err *err);

#endif
