/* Google Workspace: a service account with domain-wide delegation acts as one user after another. Runs in the auth
 * role; see grant.h. Sources: "Using OAuth 2.0 for server to server applications", RFC 7523. The delegation is
 * ended by an administrator alone; there is no call for it. */
#include "auth/grant.h"
#include "auth/assertion.h"
#include "auth/pem.h"
#include "base/encode.h"
#include "net/http.h"

#include <string.h>

#define ASSERTION_S 3600
#define GRANT_TYPE "urn:ietf:params:oauth:grant-type:jwt-bearer"

/* Texts of the provider; several meanings share the code invalid_grant. A user that is gone stops only what is
 * his. */
static const struct grant_error errors[] = {
	{"invalid_grant", "short-lived token", ERR_RETRY, SCOPE_CONNECTION, GRANT_CLOCK,
		"the clock of this machine is wrong: set it by NTP (sekisho doctor shows by how much)"},
	{"invalid_grant", "iat", ERR_RETRY, SCOPE_CONNECTION, GRANT_CLOCK,
		"the clock of this machine is wrong: set it by NTP (sekisho doctor shows by how much)"},
	{"invalid_grant", "Signature", ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the key is not known, it was deleted or replaced: make a new key of the service account and connect again"},
	{"invalid_grant", "audience", ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the audience does not fit: check token_uri in the key file"},
	{"invalid_grant", "Invalid email or User ID", ERR_GONE, SCOPE_STREAM, GRANT_FAILED,
		"there is no such user any more, or the user is suspended: nothing is to be done if that is meant"},
	{"invalid_grant", "account not found", ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"the service account was deleted: make one, delegate to it and connect again"},
	{"invalid_grant", "expired or revoked", ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"the grant was revoked: an administrator must connect again"},
	{"invalid_grant", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the key is not accepted: make a new key of the service account and connect again"},
	{"unauthorized_client", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent: the delegation is missing, or lacks one of the scopes: list the client id with exactly the scopes of the "
		"manual in the Admin console (Security, API controls, Domain-wide delegation)"},
	{"access_denied", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"permission: the organisation's policy denies this: an administrator must allow the service account"},
	{"invalid_scope", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"permission: a scope is not delegated or does not exist: list exactly the scopes of the manual in the Admin console"},
	{"invalid_client", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"the service account or its project is gone or disabled: enable it in the Cloud console"},
	{"deleted_client", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"the service account was deleted: make one, delegate to it and connect again"},
	{"disabled_client", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"the service account is disabled: enable it in the Cloud console"},
};

static enum grant_verdict judge(int status, const cJSON *body, struct err *err)
{
	return grant_judge(errors, ARRAY_SIZE(errors), status, json_str(body, "error"), json_str(body, "error_description"),
		err);
}

/* The key file as Google gives it out. */
struct key_file {
	cJSON *doc;
	const char *email, *key_id, *private_key, *token_uri, *client_id;
};

static const char *want(const struct key_file *k, const char *name, struct err *err)
{
	const char *text = json_str(k->doc, name);

	if (!text || !*text)
		err_set(err, ERR_REMOTE, "bad_secret",
			"key_file: '%s' is missing: give the JSON key file of the service account as Google made it", name);
	return text && *text ? text : NULL;
}

static int key_file_read(const struct grant *g, struct key_file *ret, struct err *err)
{
	const struct buf *text = grant_secret(g, "key_file");
	struct key_file k = {0};
	struct err why;

	if (json_parse(buf_str(text), text->len, &k.doc, &why) < 0)
		return err_set(err, ERR_REMOTE, "bad_secret", "key_file: no JSON (%.80s): give the service account's JSON key file",
			why.message);
	if (strcmp(json_str_or(k.doc, "type", ""), "service_account") != 0) {
		err_set(err, ERR_REMOTE, "bad_secret", "key_file: its type is not service_account: give a service account's key");
	} else if ((k.email = want(&k, "client_email", err)) && (k.private_key = want(&k, "private_key", err)) &&
		(k.token_uri = want(&k, "token_uri", err))) {
		if (http_url_ok(k.token_uri)) {
			k.key_id = json_str(k.doc, "private_key_id");
			k.client_id = json_str(k.doc, "client_id");
			*ret = k;
			return 0;
		}
		err_set(err, ERR_REMOTE, "bad_secret", "key_file: token_uri is no https:// address");
	}
	json_free(k.doc);
	return -1;
}

static void key_file_free(struct key_file *k)
{
	/* cJSON keeps the private key in memory of its own. */
	if (k->private_key)
		explicit_bzero((void *)(uintptr_t)k->private_key, strlen(k->private_key));
	json_free(k->doc);
}

#define _cleanup_key_file_ _cleanup_(key_file_free)

/* The scopes as one text, from a text or a list. */
static int scopes(const struct grant *g, struct buf *ret, struct err *err)
{
	const cJSON *list = json_array(g->json, "scopes"), *s;
	int r = buf_adds(ret, json_str_or(g->json, "scopes", ""));

	cJSON_ArrayForEach(s, list)
	{
		if (r == 0 && cJSON_IsString(s))
			r = buf_addf(ret, "%s%s", ret->len ? " " : "", s->valuestring);
	}
	if (r < 0 || ret->len == 0)
		return err_set(err, ERR_REMOTE, "bad_grant", "the grant needs 'scopes'");
	return 0;
}

static int check(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err)
{
	_cleanup_key_file_ struct key_file k = {0};
	_cleanup_key_ EVP_PKEY *key = NULL;
	_cleanup_buf_ struct buf scope = BUF_INIT(4096);
	const char *subject = grant_want(g, "subject", err);

	if (!subject || scopes(g, &scope, err) < 0 || key_file_read(g, &k, err) < 0 ||
		pem_private_key(k.private_key, strlen(k.private_key), NULL, "key_file: private_key", &key, err) < 0)
		return -1;
	if (!g->token_url[0])
		snprintf(g->token_url, sizeof(g->token_url), "%s", k.token_uri);
	*ret_ends_at = 0; /* keys of service accounts do not end by themselves */
	cJSON_AddStringToObject(facts, "subject", subject);
	cJSON_AddStringToObject(facts, "client_email", k.email);
	if (k.client_id)
		cJSON_AddStringToObject(facts, "client_id", k.client_id);
	if (k.key_id)
		cJSON_AddStringToObject(facts, "key_id", k.key_id);
	return 0;
}

static int make_assertion(const struct grant *g, const char *subject, int64_t now, struct buf *ret, struct err *err)
{
	_cleanup_key_file_ struct key_file k = {0};
	_cleanup_key_ EVP_PKEY *key = NULL;
	_cleanup_buf_ struct buf scope = BUF_INIT(4096);
	_cleanup_json_ cJSON *header = cJSON_CreateObject(), *claims = cJSON_CreateObject();

	if (scopes(g, &scope, err) < 0 || key_file_read(g, &k, err) < 0 ||
		pem_private_key(k.private_key, strlen(k.private_key), NULL, "key_file: private_key", &key, err) < 0)
		return -1;
	if (k.key_id)
		cJSON_AddStringToObject(header, "kid", k.key_id);
	cJSON_AddStringToObject(claims, "iss", k.email);
	cJSON_AddStringToObject(claims, "sub", *subject ? subject : json_str_or(g->json, "subject", ""));
	cJSON_AddStringToObject(claims, "scope", buf_str(&scope));
	cJSON_AddStringToObject(claims, "aud", k.token_uri);
	cJSON_AddNumberToObject(claims, "iat", (double)(now / 1000));
	cJSON_AddNumberToObject(claims, "exp", (double)(now / 1000 + ASSERTION_S));
	return assertion_sign(ASSERT_RS256, key, header, claims, ret, err);
}

static int ask(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err)
{
	_cleanup_wipe_ struct buf assertion = BUF_INIT(16384);

	if (make_assertion(g, subject, now, &assertion, err) < 0)
		return -1;
	if (form_add(form, "grant_type", GRANT_TYPE) < 0 || form_add(form, "assertion", buf_str(&assertion)) < 0)
		return grant_no_memory(err);
	return 0;
}

const struct grant_kind grant_google_service_account = {
	.provider = "google",
	.type = "service_account",
	.secrets = (const char *const[]){"key_file", NULL},
	.per_subject = true,
	.check = check,
	.ask = ask,
	.judge = judge,
	.by_hand = "remove the client id in the Admin console (Security, API controls, Domain-wide delegation), and delete "
		   "the service account's key",
};
