/* The operator's own applications at the providers (and at OpenID providers), as `apps` and `sign_in` of sekisho.yaml name
 * them: their secrets are read from the files by this role, live in its memory, and are lent to the grants that say
 * "app": NAME. Made once when the role is configured, read-only afterwards; any thread.
 *
 * The JSON that core hands over: {NAME: {public key: text, …, "NAME_file": absolute path, …, "endpoints": {…}}, …}; NAME is a
 * provider ("microsoft") or "oidc:ID". */
#ifndef AUTH_APPS_H
#define AUTH_APPS_H

#include "auth/vault.h"
#include "base/json.h"

#define APPS_MAX 16

struct app {
	char name[40];
	cJSON *public; /* without the names of files */
	int n;
	struct vault_item items[VAULT_ITEMS];
};

struct apps;

/* json: NULL for none. Errors: REMOTE "bad_app", "bad_secret", naming application, file and fix. */
int apps_load(const char *json, struct apps **ret, struct err *err);
void apps_free(struct apps *a);
DEFINE_CLEANUP(struct apps *, apps_free)

/* NULL when it is not configured; a may be NULL. */
const struct app *apps_find(const struct apps *a, const char *name);
/* NULL when it has none of that name. */
const struct buf *app_secret(const struct app *a, const char *name);

/* What may be shown: {NAME: {public keys, "has": ["key_file", …], facts read from keys (client_email, client_number,
 * enterprise_id, ends_at)}}. */
int apps_facts(const struct apps *a, struct buf *ret, struct err *err);

/* Gives a record whose grant names an application that one's public keys and those secrets that the grant's kind wants,
 * marked as lent: vault_put() does not store them. Errors: REMOTE "bad_app". */
int apps_complete(const struct apps *a, struct vault_record *r, struct err *err);

#endif
