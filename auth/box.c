/* Box: a server application, authorized by the enterprise's administrator, acts as its service account; by a signed
 * assertion, by client id and secret, or, for plans without applications of their own, by an administrator's consent. Runs in the auth role; see grant.h. Sources: Box guides "JWT without SDK",
 * "Client credentials grant", "Revoke access token". Revoking ends tokens; the authorization is ended in the Admin
 * Console alone. */
#include "auth/grant.h"
#include "auth/assertion.h"
#include "auth/pem.h"
#include "auth/secret.h"
#include "base/encode.h"

#include <string.h>

#define ASSERTION_S 45 /* Box takes at most 60 */
#define AUDIENCE "https://api.box.com/oauth2/token"
#define GRANT_TYPE "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define TOKEN_PATH "/oauth2/token"
#define REVOKE_PATH "/oauth2/revoke"

#define CLOCK "the clock of this machine is wrong: set it by NTP (sekisho doctor shows by how much)"
#define AUTHORIZE                                                                                            \
	"authorize the app again in the Box Admin Console (Apps, Custom Apps Manager), and compare the client id, secret " \
	"and enterprise id with the developer console"

static const struct grant_error errors[] = {
	{"invalid_grant", "date time must be before", ERR_RETRY, SCOPE_CONNECTION, GRANT_CLOCK, CLOCK},
	{"invalid_grant", "'exp'", ERR_RETRY, SCOPE_CONNECTION, GRANT_CLOCK, CLOCK},
	{"invalid_grant", "'nbf'", ERR_RETRY, SCOPE_CONNECTION, GRANT_CLOCK, CLOCK},
	{"invalid_grant", "'iat'", ERR_RETRY, SCOPE_CONNECTION, GRANT_CLOCK, CLOCK},
	{"invalid_grant", "'jti'", ERR_RETRY, SCOPE_CONNECTION, GRANT_AGAIN,
		"the assertion was seen before: it is asked again with a new one"},
	{"invalid_grant", "'aud'", ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the audience does not fit: check the api endpoint"},
	{"invalid_grant", "'kid'", ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the key is not known for this app: make a new key pair in the developer console, download its config.json and "
		"connect again"},
	{"invalid_grant", "ignature", ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the key is not known for this app: make a new key pair in the developer console, download its config.json and "
		"connect again"},
	{"invalid_grant", "'iss'", ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the client id is not the app's: download config.json from the developer console again"},
	{"invalid_grant", "'sub'", ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent: the enterprise does not know the app, or the enterprise id is wrong: " AUTHORIZE},
	{"invalid_grant", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent or secret: the app is not authorized, or its secret or subject is wrong: " AUTHORIZE},
	{"unauthorized_client", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent: the authorization of the app was withdrawn: " AUTHORIZE},
	{"invalid_client", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the client id or secret is wrong: compare them with the developer console and connect again"},
	{"access_denied", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED, "permission: the enterprise denies this: " AUTHORIZE},
	{"unsupported_grant_type", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the app does not have this kind of grant: choose server authentication in the developer console"},
};

static enum grant_verdict judge(int status, const cJSON *body, struct err *err)
{
	return grant_judge(errors, ARRAY_SIZE(errors), status, json_str(body, "error"), json_str(body, "error_description"),
		err);
}

/* "{api}/oauth2/token" → "{api}/oauth2/revoke" */
static int revoke_url(const struct grant *g, char *url, size_t size, struct err *err)
{
	size_t len = strlen(g->token_url), tail = strlen(TOKEN_PATH);

	if (len < tail || strcmp(g->token_url + len - tail, TOKEN_PATH) != 0 ||
		snprintf(url, size, "%.*s" REVOKE_PATH, (int)(len - tail), g->token_url) >= (int)size)
		return err_set(err, ERR_REMOTE, "no_revocation", "the token address has no address for revoking beside it");
	return 0;
}

static int add_revoke_form(struct buf *form, const char *client_id, const char *access_token)
{
	return form_add(form, "client_id", client_id) < 0 || form_add(form, "token", access_token) < 0 ? -1 : 0;
}

#define BY_HAND "remove the app in the Box Admin Console (Apps, Custom Apps Manager)"

/* ---- by assertion ---- */

/* config.json as the developer console gives it out. */
struct config {
	cJSON *doc;
	const char *client_id, *client_secret, *key_id, *private_key, *passphrase, *enterprise, *audience;
	char enterprise_number[32];
};

static const char *want(const cJSON *object, const char *name, struct err *err)
{
	const char *text = json_str(object, name);

	if (!text || !*text)
		err_set(err, ERR_REMOTE, "bad_secret",
			"config_file: '%s' is missing: give config.json as the developer console made it", name);
	return text && *text ? text : NULL;
}

static void config_free(struct config *c)
{
	const char *const secrets[] = {c->client_secret, c->private_key, c->passphrase};

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (secrets[i])
			explicit_bzero((void *)(uintptr_t)secrets[i], strlen(secrets[i]));
	json_free(c->doc);
	memset(c, 0, sizeof(*c));
}

#define _cleanup_config_ _cleanup_(config_free)

static int config_read(const struct grant *g, struct config *c, struct err *err)
{
	const struct buf *text = grant_secret(g, "config_file");
	struct err why;

	if (json_parse(buf_str(text), text->len, &c->doc, &why) < 0)
		return err_set(err, ERR_REMOTE, "bad_secret", "config_file: no JSON (%.80s): give config.json of the developer console",
			why.message);
	const cJSON *app = json_object(c->doc, "boxAppSettings"), *auth = json_object(app, "appAuth");
	if (!(c->client_id = want(app, "clientID", err)) || !(c->client_secret = want(app, "clientSecret", err)) ||
		!(c->private_key = want(auth, "privateKey", err)))
		return -1;
	c->key_id = json_str(auth, "publicKeyID");
	c->passphrase = json_str(auth, "passphrase");
	if (c->passphrase && !*c->passphrase)
		c->passphrase = NULL;
	/* An operator's config.json names the operator's own enterprise: the grant says which customer's is meant. */
	c->enterprise = json_str(g->json, "enterprise_id");
	if (!c->enterprise || !*c->enterprise)
		c->enterprise = json_id(c->doc, "enterpriseID", c->enterprise_number, sizeof(c->enterprise_number));
	if (!c->enterprise || !*c->enterprise)
		return err_set(err, ERR_REMOTE, "bad_secret",
			"config_file: 'enterpriseID' is missing: give config.json as the developer console made it");
	/* Credentials for another place than api.box.com may say what to sign for. */
	c->audience = json_str_or(auth, "audience", AUDIENCE);
	return 0;
}

static int config_key(const struct config *c, EVP_PKEY **ret, struct err *err)
{
	return pem_private_key(c->private_key, strlen(c->private_key), c->passphrase, "config_file: privateKey", ret, err);
}

static int algorithm(const struct grant *g, enum assertion_algorithm *ret, struct err *err)
{
	const char *name = json_str_or(g->json, "algorithm", "RS256");

	if (assertion_algorithm(name, ret) < 0 || *ret == ASSERT_PS256)
		return err_set(err, ERR_REMOTE, "bad_grant", "algorithm is RS256, RS384 or RS512");
	return 0;
}

static int jwt_check(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err)
{
	_cleanup_config_ struct config c = {0};
	_cleanup_key_ EVP_PKEY *key = NULL;
	enum assertion_algorithm alg;

	if (algorithm(g, &alg, err) < 0 || config_read(g, &c, err) < 0 || config_key(&c, &key, err) < 0)
		return -1;
	*ret_ends_at = 0;
	cJSON_AddStringToObject(facts, "client_id", c.client_id);
	cJSON_AddStringToObject(facts, "enterprise_id", c.enterprise);
	if (c.key_id)
		cJSON_AddStringToObject(facts, "key_id", c.key_id);
	return 0;
}

static int make_assertion(const struct grant *g, const struct config *c, int64_t now, struct buf *ret, struct err *err)
{
	_cleanup_key_ EVP_PKEY *key = NULL;
	_cleanup_json_ cJSON *header = cJSON_CreateObject(), *claims = cJSON_CreateObject();
	enum assertion_algorithm alg;
	char jti[37];

	if (algorithm(g, &alg, err) < 0 || config_key(c, &key, err) < 0)
		return -1;
	uuid_new(jti);
	if (c->key_id)
		cJSON_AddStringToObject(header, "kid", c->key_id);
	cJSON_AddStringToObject(claims, "iss", c->client_id);
	cJSON_AddStringToObject(claims, "sub", c->enterprise);
	cJSON_AddStringToObject(claims, "box_sub_type", "enterprise");
	cJSON_AddStringToObject(claims, "aud", c->audience);
	cJSON_AddStringToObject(claims, "jti", jti);
	cJSON_AddNumberToObject(claims, "exp", (double)(now / 1000 + ASSERTION_S));
	return assertion_sign(alg, key, header, claims, ret, err);
}

static int jwt_ask(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err)
{
	_cleanup_config_ struct config c = {0};
	_cleanup_wipe_ struct buf assertion = BUF_INIT(16384);

	if (config_read(g, &c, err) < 0 || make_assertion(g, &c, now, &assertion, err) < 0)
		return -1;
	if (form_add(form, "grant_type", GRANT_TYPE) < 0 || form_add(form, "client_id", c.client_id) < 0 ||
		form_add(form, "client_secret", c.client_secret) < 0 || form_add(form, "assertion", buf_str(&assertion)) < 0)
		return grant_no_memory(err);
	return 0;
}

static int jwt_revoke(const struct grant *g, const char *access_token, char *url, size_t url_size, struct buf *form,
	bool *ret_bearer, struct err *err)
{
	_cleanup_config_ struct config c = {0};

	*ret_bearer = false;
	if (revoke_url(g, url, url_size, err) < 0 || config_read(g, &c, err) < 0)
		return -1;
	if (add_revoke_form(form, c.client_id, access_token) < 0 || form_add(form, "client_secret", c.client_secret) < 0)
		return grant_no_memory(err);
	return 0;
}

const struct grant_kind grant_box_jwt = {
	.provider = "box",
	.type = "jwt",
	.secrets = (const char *const[]){"config_file", NULL},
	.once = true, /* an assertion is good for one use */
	.check = jwt_check,
	.ask = jwt_ask,
	.judge = judge,
	.revoke = jwt_revoke,
	.by_hand = BY_HAND,
};

/* ---- by client id and secret ---- */

static int client_check(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err)
{
	const char *client = grant_want(g, "client_id", err), *s;
	const char *enterprise = client ? grant_want(g, "enterprise_id", err) : NULL;
	size_t len;

	if (!enterprise || secret_line(grant_secret(g, "client_secret_file"), "client_secret_file", &s, &len, err) < 0)
		return -1;
	*ret_ends_at = 0;
	cJSON_AddStringToObject(facts, "client_id", client);
	cJSON_AddStringToObject(facts, "enterprise_id", enterprise);
	return 0;
}

static int client_ask(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err)
{
	if (form_add(form, "grant_type", "client_credentials") < 0 ||
		form_add(form, "client_id", json_str_or(g->json, "client_id", "")) < 0 ||
		form_add(form, "box_subject_type", "enterprise") < 0 ||
		form_add(form, "box_subject_id", json_str_or(g->json, "enterprise_id", "")) < 0)
		return grant_no_memory(err);
	return grant_form_secret(g, "client_secret_file", form, "client_secret", err);
}

static int client_revoke(const struct grant *g, const char *access_token, char *url, size_t url_size, struct buf *form,
	bool *ret_bearer, struct err *err)
{
	*ret_bearer = false;
	if (revoke_url(g, url, url_size, err) < 0)
		return -1;
	if (add_revoke_form(form, json_str_or(g->json, "client_id", ""), access_token) < 0)
		return grant_no_memory(err);
	return grant_form_secret(g, "client_secret_file", form, "client_secret", err);
}

const struct grant_kind grant_box_client_credentials = {
	.provider = "box",
	.type = "client_credentials",
	.secrets = (const char *const[]){"client_secret_file", NULL},
	.check = client_check,
	.ask = client_ask,
	.judge = judge,
	.revoke = client_revoke,
	.by_hand = BY_HAND,
};

/* ---- by an administrator's consent: a refresh token, each good for one use ---- */

static int oauth_check(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err)
{
	const char *client = grant_want(g, "client_id", err), *s;
	size_t len;

	if (!client || secret_line(grant_secret(g, "client_secret_file"), "client_secret_file", &s, &len, err) < 0 ||
		secret_line(grant_secret(g, "refresh_token_file"), "refresh_token_file", &s, &len, err) < 0)
		return -1;
	*ret_ends_at = 0; /* sixty days after its last use */
	cJSON_AddStringToObject(facts, "client_id", client);
	return 0;
}

static int oauth_ask(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err)
{
	if (form_add(form, "grant_type", "refresh_token") < 0 ||
		form_add(form, "client_id", json_str_or(g->json, "client_id", "")) < 0)
		return grant_no_memory(err);
	if (grant_form_secret(g, "refresh_token_file", form, "refresh_token", err) < 0)
		return -1;
	return grant_form_secret(g, "client_secret_file", form, "client_secret", err);
}

const struct grant_kind grant_box_oauth = {
	.provider = "box",
	.type = "oauth",
	.secrets = (const char *const[]){"client_secret_file", "refresh_token_file", NULL},
	.rotates = "refresh_token_file",
	.once = true,
	.check = oauth_check,
	.ask = oauth_ask,
	.judge = judge,
	.revoke = client_revoke,
	.revoke_ends_grant = true,
	.by_hand = BY_HAND,
};
