/* What the auth role knows of a provider's way to give tokens: one const table a grant type, each provider in its file.
 * Straight-line code without network and without state; it may run on several of the role's threads at once. */
#ifndef AUTH_GRANT_H
#define AUTH_GRANT_H

#include "auth/vault.h"
#include "base/json.h"

#define GRANT_URL_MAX 1200
#define GRANT_FORM_MAX 65536

struct grant_kind;

/* A grant as it was read from the vault (or came in AUTH_PUT), for one use; its secrets are wiped with it. */
struct grant {
	struct vault_record record;
	cJSON *json; /* the public part */
	const struct grant_kind *kind;
	char token_url[GRANT_URL_MAX];
};

/* Takes the record over (wiped also on failure) and finds the kind. Errors: REMOTE "bad_grant". */
int grant_open(struct vault_record *record, struct grant *ret, struct err *err);
void grant_close(struct grant *g);

/* The secret of that file name; NULL when it is missing, which grant_open() rules out for those that the kind wants. */
const struct buf *grant_secret(const struct grant *g, const char *name);

/* What an error answer of the token address means. */
enum grant_verdict {
	GRANT_FAILED, /* err says why */
	GRANT_CLOCK,  /* the assertion's times: correct them by the answer's Date, once */
	GRANT_AGAIN,  /* with a new assertion, once */
};

struct grant_kind {
	const char *provider, *type;
	const char *const *secrets; /* names of the files wanted, ended by NULL */
	const char *rotates;        /* the one that an answer's refresh_token replaces; NULL: none */
	bool per_subject;           /* a token a user, not one for the connection */
	bool once;                  /* a request must not be repeated below us: fresh connection */

	/* Is everything there and right? Fills token_url unless the grant names one, the public facts, and when a
	 * key ends (0: not known). Errors: REMOTE "bad_grant", "bad_secret", naming file and fix. */
	int (*check)(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err);
	/* The form to post. now: ms by the provider's clock. */
	int (*ask)(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err);
	/* status is none of 2xx and none of those that mean "later"; body may be NULL. */
	enum grant_verdict (*judge)(int status, const cJSON *body, struct err *err);
	/* How it is revoked: fills url and form, to be posted with the access token as bearer when bearer is set.
	 * NULL: this provider has no such call. */
	int (*revoke)(const struct grant *g, const char *access_token, char *url, size_t url_size, struct buf *form,
		bool *ret_bearer, struct err *err);
	/* Does revoking end the grant, or only the token given out? */
	bool revoke_ends_grant;
	const char *by_hand; /* where an administrator ends it */
};

extern const struct grant_kind grant_microsoft_secret, grant_microsoft_certificate, grant_google_service_account,
	grant_box_jwt, grant_box_client_credentials, grant_box_oauth, grant_dropbox_refresh;

/* NULL when there is none. */
const struct grant_kind *grant_find(const char *provider, const char *type);

/* ---- for the providers' files ---- */

/* A key of the public part that must be there: text without white space and control characters. NULL fills err. */
const char *grant_want(const struct grant *g, const char *key, struct err *err);
/* Adds the one-line secret of that file to a form. */
int grant_form_secret(const struct grant *g, const char *file, struct buf *form, const char *field, struct err *err);
int grant_no_memory(struct err *err);

/* One row of a provider's table of errors. what: "consent", "client secret", …, for people; the message becomes
 * "WHAT: TEXT: FIX", the code is the provider's own. */
struct grant_error {
	const char *code;
	const char *about; /* part of the description that must occur; NULL: any */
	enum err_class class;
	enum err_scope scope;
	enum grant_verdict verdict;
	const char *text; /* for people, with the fix at its end */
};

/* The first row that fits fills err. code: to be put into err; "" or NULL gives "http_status". */
enum grant_verdict grant_judge(const struct grant_error *table, size_t n, int status, const char *code,
	const char *description, struct err *err);

#endif
