/* What each grant asks, signs and makes of answers; keys and configuration files that do not fit. Signatures
 * are verified with OpenSSL. */
#include "auth/assertion.h"
#include "auth/grant.h"
#include "auth/pem.h"
#include "tests/unit/auth_keys.h"
#include "tests/unit/cmocka_all.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdlib.h>

struct keys {
	EVP_PKEY *key, *other, *weak;
	X509 *certificate, *ended;
	char *key_pem, *other_pem, *weak_pem, *encrypted_pem, *certificate_pem, *ended_pem;
};

static struct keys k;

static int make_keys(void **state)
{
	k.key = test_key(2048);
	k.other = test_key(2048);
	k.weak = test_key(1024);
	k.certificate = test_certificate(k.key, 86400);
	k.ended = test_certificate(k.key, -60);
	k.key_pem = test_key_pem(k.key, NULL);
	k.other_pem = test_key_pem(k.other, NULL);
	k.weak_pem = test_key_pem(k.weak, NULL);
	k.encrypted_pem = test_key_pem(k.key, "pass phrase");
	k.certificate_pem = test_certificate_pem(k.certificate);
	k.ended_pem = test_certificate_pem(k.ended);
	return 0;
}

static int free_keys(void **state)
{
	char *const texts[] = {
		k.key_pem, k.other_pem, k.weak_pem, k.encrypted_pem, k.certificate_pem, k.ended_pem};

	EVP_PKEY_free(k.key);
	EVP_PKEY_free(k.other);
	EVP_PKEY_free(k.weak);
	X509_free(k.certificate);
	X509_free(k.ended);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	return 0;
}

/* secrets: name, text, name, text, NULL */
static int open_grant(const char *provider, const char *json, const char *const *secrets, struct grant *ret,
	struct err *err)
{
	struct vault_record r = {.connection = "c", .tenant = "t"};

	snprintf(r.provider, sizeof(r.provider), "%s", provider);
	for (int i = 0; i == 0 || secrets[(i - 1) * 2]; i++) {
		struct vault_item *item = &r.items[r.n++];
		snprintf(item->purpose, sizeof(item->purpose), "%s", i ? secrets[(i - 1) * 2] : "grant");
		item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
		assert_int_equal(buf_adds(&item->value, i ? secrets[(i - 1) * 2 + 1] : json), 0);
	}
	return grant_open(&r, ret, err);
}

#define S(...) ((const char *const[]){__VA_ARGS__, NULL})

static void refused(const char *provider, const char *json, const char *const *secrets, const char *code,
	const char *says)
{
	struct grant g = {0};
	struct err err = {0};
	_cleanup_json_ cJSON *facts = cJSON_CreateObject();
	int64_t ends_at;

	int r = open_grant(provider, json, secrets, &g, &err);
	if (r == 0)
		r = g.kind->check(&g, facts, &ends_at, &err);
	assert_int_equal(r, -1);
	assert_string_equal(err.code, code);
	assert_int_equal(err.class, ERR_REMOTE);
	if (!strstr(err.message, says))
		fail_msg("'%s' does not say '%s'", err.message, says);
	grant_close(&g);
}

/* A grant that passes; gives its facts. */
static struct grant taken(
	const char *provider, const char *json, const char *const *secrets, cJSON *facts, int64_t *ends_at)
{
	struct grant g = {0};
	struct err err;

	if (open_grant(provider, json, secrets, &g, &err) < 0 || g.kind->check(&g, facts, ends_at, &err) < 0)
		fail_msg("%s", err.message);
	return g;
}

static void form_is(const struct buf *form, const char *key, const char *want)
{
	_cleanup_buf_ struct buf value = BUF_INIT(65536);

	assert_int_equal(form_get(buf_str(form), key, &value), 0);
	assert_string_equal(buf_str(&value), want);
}

static void form_jwt(const struct buf *form, const char *key, const char *alg, cJSON **header, cJSON **claims)
{
	_cleanup_buf_ struct buf value = BUF_INIT(65536);

	assert_int_equal(form_get(buf_str(form), key, &value), 0);
	if (!test_jwt_verify(buf_str(&value), alg, k.key, header, claims))
		fail_msg("%s does not verify: %s", alg, buf_str(&value));
}

static void str_is(const cJSON *doc, const char *key, const char *want)
{
	assert_non_null(json_str(doc, key));
	assert_string_equal(json_str(doc, key), want);
}

static void int_is(const cJSON *doc, const char *key, int64_t want)
{
	assert_int_equal(json_int64_or(doc, key, -1), want);
}

/* ---- signatures ---- */

static void test_algorithms(void **state)
{
	static const char *const names[] = {"RS256", "RS384", "RS512", "PS256"};
	enum assertion_algorithm alg;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_json_ cJSON *header = cJSON_CreateObject(), *claims = cJSON_CreateObject(),
				     *h = NULL, *c = NULL, *h2 = NULL, *c2 = NULL;
		_cleanup_buf_ struct buf jwt = BUF_INIT(16384);
		cJSON_AddStringToObject(header, "kid", "a\"b");
		cJSON_AddStringToObject(claims, "iss", "関所");
		cJSON_AddNumberToObject(claims, "exp", 4102444800.0); /* beyond 32 bits */
		assert_int_equal(assertion_algorithm(names[i], &alg), 0);
		assert_int_equal(assertion_sign(alg, k.key, header, claims, &jwt, NULL), 0);
		assert_true(test_jwt_verify(buf_str(&jwt), names[i], k.key, &h, &c));
		assert_false(test_jwt_verify(buf_str(&jwt), names[i], k.other, &h2, &c2));
		str_is(h, "kid", "a\"b");
		str_is(c, "iss", "関所");
		int_is(c, "exp", 4102444800);
		assert_int_equal(cJSON_GetArraySize(h), 3);
		assert_int_equal(cJSON_GetArraySize(c), 2);
	}
	assert_int_equal(assertion_algorithm("none", &alg), -1);
	assert_int_equal(assertion_algorithm("HS256", &alg), -1);
	assert_int_equal(assertion_algorithm("rs256", &alg), -1);
}

/* ---- Microsoft ---- */

#define MS(type)                                                                                             \
	"{\"type\":\"" type                                                                                  \
	"\",\"directory\":\"d-1\",\"client_id\":\"app-1\",\"scope\":\"https://graph.microsoft.com/"          \
	".default\",\"token_url\":\"https://login.microsoftonline.com/d-1/oauth2/v2.0/token\"}"

static void test_microsoft(void **state)
{
	_cleanup_json_ cJSON *facts = cJSON_CreateObject(), *facts2 = cJSON_CreateObject(), *h = NULL,
			     *c = NULL;
	_cleanup_buf_ struct buf form = BUF_INIT(GRANT_FORM_MAX), form2 = BUF_INIT(GRANT_FORM_MAX);
	int64_t ends_at;
	char thumbprint[64];

	struct grant g = taken("microsoft", MS("client_certificate"),
		S("certificate_file", k.certificate_pem, "key_file", k.key_pem), facts, &ends_at);
	assert_true(llabs(ends_at - time_now_ms() - 86400 * 1000) < 60000);
	str_is(facts, "client_id", "app-1");
	assert_int_equal(g.kind->ask(&g, "", 1700000000123, &form, NULL), 0);
	form_is(&form, "grant_type", "client_credentials");
	form_is(&form, "client_id", "app-1");
	form_is(&form, "scope", "https://graph.microsoft.com/.default");
	form_is(&form, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	form_jwt(&form, "client_assertion", "PS256", &h, &c);
	test_thumbprint(k.certificate, thumbprint);
	str_is(h, "x5t#S256", thumbprint);
	str_is(c, "aud", "https://login.microsoftonline.com/d-1/oauth2/v2.0/token");
	str_is(c, "iss", "app-1");
	str_is(c, "sub", "app-1");
	assert_int_equal(strlen(json_str(c, "jti")), 36);
	int_is(c, "nbf", 1700000000);
	int_is(c, "iat", 1700000000);
	int_is(c, "exp", 1700000300);
	grant_close(&g);

	g = taken("microsoft", MS("client_secret"), S("client_secret_file", " s3cr~t+/=& \n"), facts2,
		&ends_at);
	grant_close(&g);
	refused("microsoft", MS("client_secret"), S("client_secret_file", "two words"), "bad_secret",
		"client_secret_file");
	g = taken("microsoft", MS("client_secret"), S("client_secret_file", "s3cr~t+/=&\r\n"), facts2,
		&ends_at);
	assert_int_equal(g.kind->ask(&g, "", 1700000000000, &form2, NULL), 0);
	form_is(&form2, "client_secret", "s3cr~t+/=&");
	grant_close(&g);
}

static void test_microsoft_refused(void **state)
{
	const char *good = MS("client_certificate");
	char *der = strdup("\x30\x82garbage");

	refused("microsoft", good, S("certificate_file", k.certificate_pem, "key_file", k.other_pem),
		"bad_secret", "does not belong");
	refused("microsoft", good, S("certificate_file", k.ended_pem, "key_file", k.key_pem), "bad_secret",
		"ended at");
	refused("microsoft", good, S("certificate_file", k.certificate_pem, "key_file", k.weak_pem),
		"bad_secret", "2048");
	refused("microsoft", good, S("certificate_file", k.certificate_pem, "key_file", k.encrypted_pem),
		"bad_secret", "without a passphrase");
	refused("microsoft", good, S("certificate_file", k.key_pem, "key_file", k.key_pem), "bad_secret",
		"no certificate");
	refused("microsoft", good, S("certificate_file", der, "key_file", k.key_pem), "bad_secret",
		"no certificate");
	refused("microsoft", good, S("certificate_file", k.certificate_pem, "key_file", "rubbish"),
		"bad_secret", "no private key");
	refused("microsoft", good, S("certificate_file", k.certificate_pem), "bad_grant", "key_file");
	refused("microsoft", "{\"type\":\"client_secret\"}", S("client_secret_file", "x"), "bad_grant",
		"client_id");
	refused("microsoft", "{\"type\":\"jwt\"}", S("client_secret_file", "x"), "bad_grant",
		"no grant of type");
	refused("microsoft", "{\"type\":\"client_secret\",\"token_url\":\"http://login.example/\"}",
		S("client_secret_file", "x"), "bad_grant", "token_url");
	refused("microsoft", "{}", S("client_secret_file", "x"), "bad_grant", "no grant");
	refused("microsoft", "{\"type\":\"client_secret\",", S("client_secret_file", "x"), "bad_json", "");
	free(der);
}

/* ---- Google ---- */

#define GOOGLE                                                                                               \
	"{\"type\":\"service_account\",\"subject\":\"admin@aoba.example\",\"scopes\":\"scope-a scope-b\"}"

static void test_google(void **state)
{
	_cleanup_json_ cJSON *facts = cJSON_CreateObject(), *h = NULL, *c = NULL, *h2 = NULL, *c2 = NULL;
	_cleanup_buf_ struct buf form = BUF_INIT(GRANT_FORM_MAX), form2 = BUF_INIT(GRANT_FORM_MAX);
	_cleanup_free_ char *file = test_google_key(k.key_pem, "https://oauth2.googleapis.com/token");
	int64_t ends_at;

	struct grant g = taken("google", GOOGLE, S("key_file", file), facts, &ends_at);
	assert_string_equal(g.token_url, "https://oauth2.googleapis.com/token");
	str_is(facts, "subject", "admin@aoba.example");
	str_is(facts, "client_email", "sekisho@project.iam.gserviceaccount.com");
	assert_int_equal(g.kind->ask(&g, "sato@aoba.example", 1700000000999, &form, NULL), 0);
	form_is(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	form_jwt(&form, "assertion", "RS256", &h, &c);
	str_is(h, "kid", "kid-7");
	str_is(c, "iss", "sekisho@project.iam.gserviceaccount.com");
	str_is(c, "sub", "sato@aoba.example");
	str_is(c, "scope", "scope-a scope-b");
	str_is(c, "aud", "https://oauth2.googleapis.com/token");
	int_is(c, "iat", 1700000000);
	int_is(c, "exp", 1700003600);
	assert_int_equal(g.kind->ask(&g, "", 1700000000999, &form2, NULL), 0);
	form_jwt(&form2, "assertion", "RS256", &h2, &c2);
	str_is(c2, "sub", "admin@aoba.example");
	grant_close(&g);
}

static void test_google_refused(void **state)
{
	_cleanup_free_ char *plain_http = test_google_key(k.key_pem, "http://oauth2.example/token"),
			    *weak = test_google_key(k.weak_pem, "https://oauth2.googleapis.com/token"),
			    *good = test_google_key(k.key_pem, "https://oauth2.googleapis.com/token");

	refused("google", GOOGLE, S("key_file", "{"), "bad_secret", "no JSON");
	refused("google", GOOGLE, S("key_file", "[]"), "bad_secret", "service_account");
	refused("google", GOOGLE, S("key_file", "{\"type\":\"authorized_user\"}"), "bad_secret",
		"service_account");
	refused("google", GOOGLE, S("key_file", "{\"type\":\"service_account\"}"), "bad_secret",
		"client_email");
	refused("google", GOOGLE, S("key_file", plain_http), "bad_secret", "token_uri");
	refused("google", GOOGLE, S("key_file", weak), "bad_secret", "2048");
	refused("google", "{\"type\":\"service_account\",\"subject\":\"a@b\"}", S("key_file", good),
		"bad_grant", "scopes");
	refused("google", "{\"type\":\"service_account\",\"scopes\":\"x\"}", S("key_file", good), "bad_grant",
		"subject");
}

/* ---- Box ---- */

#define BOX_URL "\"token_url\":\"https://api.box.com/oauth2/token\""
#define BOX(more) "{\"type\":\"jwt\"," BOX_URL more "}"

static void test_box(void **state)
{
	_cleanup_json_ cJSON *facts = cJSON_CreateObject(), *h = NULL, *c = NULL, *h2 = NULL, *c2 = NULL,
			     *facts2 = cJSON_CreateObject();
	_cleanup_buf_ struct buf form = BUF_INIT(GRANT_FORM_MAX), form2 = BUF_INIT(GRANT_FORM_MAX),
				 form3 = BUF_INIT(GRANT_FORM_MAX), form4 = BUF_INIT(GRANT_FORM_MAX);
	_cleanup_free_ char *file = test_box_config(k.encrypted_pem, "pass phrase");
	char url[GRANT_URL_MAX];
	int64_t ends_at;
	bool bearer;

	struct grant g =
		taken("box", BOX(",\"algorithm\":\"RS512\""), S("config_file", file), facts, &ends_at);
	str_is(facts, "enterprise_id", "4711");
	str_is(facts, "client_id", "box-client");
	assert_int_equal(g.kind->ask(&g, "ignored", 1700000000000, &form, NULL), 0);
	assert_int_equal(g.kind->ask(&g, "", 1700000000000, &form2, NULL), 0);
	form_is(&form, "client_id", "box-client");
	form_is(&form, "client_secret", "box-secret+/=&");
	form_jwt(&form, "assertion", "RS512", &h, &c);
	str_is(h, "kid", "key1");
	str_is(c, "iss", "box-client");
	str_is(c, "sub", "4711");
	str_is(c, "box_sub_type", "enterprise");
	str_is(c, "aud", "https://api.box.com/oauth2/token");
	int_is(c, "exp", 1700000045);
	assert_in_range(strlen(json_str(c, "jti")), 16, 128);
	form_jwt(&form2, "assertion", "RS512", &h2, &c2);
	assert_string_not_equal(json_str(c, "jti"), json_str(c2, "jti"));
	assert_int_equal(g.kind->revoke(&g, "tok", url, sizeof(url), &form3, &bearer, NULL), 0);
	assert_string_equal(url, "https://api.box.com/oauth2/revoke");
	assert_false(bearer);
	form_is(&form3, "token", "tok");
	form_is(&form3, "client_secret", "box-secret+/=&");
	grant_close(&g);

	g = taken("box",
		"{\"type\":\"client_credentials\",\"client_id\":\"id\",\"enterprise_id\":\"4711\"," BOX_URL
		"}",
		S("client_secret_file", "sec\n"), facts2, &ends_at);
	assert_int_equal(g.kind->ask(&g, "", 0, &form4, NULL), 0);
	form_is(&form4, "grant_type", "client_credentials");
	form_is(&form4, "box_subject_type", "enterprise");
	form_is(&form4, "box_subject_id", "4711");
	form_is(&form4, "client_secret", "sec");
	grant_close(&g);
}

static void test_box_refused(void **state)
{
	_cleanup_free_ char *wrong = test_box_config(k.encrypted_pem, "another"),
			    *none = test_box_config(k.encrypted_pem, ""),
			    *good = test_box_config(k.encrypted_pem, "pass phrase");

	refused("box", BOX(""), S("config_file", wrong), "bad_secret", "passphrase does not open");
	refused("box", BOX(""), S("config_file", none), "bad_secret", "encrypted");
	refused("box", BOX(""), S("config_file", "{}"), "bad_secret", "clientID");
	refused("box", BOX(""), S("config_file", "<xml>"), "bad_secret", "no JSON");
	refused("box", BOX(",\"algorithm\":\"PS256\""), S("config_file", good), "bad_grant", "RS256");
	refused("box", BOX(",\"algorithm\":\"none\""), S("config_file", good), "bad_grant", "RS256");
}

/* ---- Dropbox ---- */

static void test_dropbox(void **state)
{
	_cleanup_json_ cJSON *facts = cJSON_CreateObject();
	_cleanup_buf_ struct buf form = BUF_INIT(GRANT_FORM_MAX), form2 = BUF_INIT(GRANT_FORM_MAX);
	char url[GRANT_URL_MAX];
	int64_t ends_at;
	bool bearer;

	struct grant g = taken("dropbox",
		"{\"type\":\"refresh_token\",\"app_key\":\"key\",\"token_url\":\"http://127.0.0.1:99/prefix/"
		"oauth2/token\"}",
		S("app_secret_file", "sec", "refresh_token_file", "ref"), facts, &ends_at);
	assert_int_equal(g.kind->ask(&g, "", 0, &form, NULL), 0);
	form_is(&form, "grant_type", "refresh_token");
	form_is(&form, "refresh_token", "ref");
	form_is(&form, "client_id", "key");
	form_is(&form, "client_secret", "sec");
	assert_int_equal(g.kind->revoke(&g, "tok", url, sizeof(url), &form2, &bearer, NULL), 0);
	assert_string_equal(url, "http://127.0.0.1:99/prefix/2/auth/token/revoke");
	assert_true(bearer);
	assert_int_equal(form2.len, 0);
	grant_close(&g);
}

/* ---- errors ---- */

static void test_errors(void **state)
{
	static const struct {
		const struct grant_kind *kind;
		int status;
		const char *body;
		enum err_class class;
		enum err_scope scope;
		const char *code;
		enum grant_verdict verdict;
		const char *says;
	} cases[] = {
#define MSE(n, e, text)                                                                                      \
	"{\"error\":\"" e "\",\"error_description\":\"AADSTS" #n ": " text "\",\"error_codes\":[" #n         \
	"],\"trace_id\":\"0000aaaa-11bb\"}"
		{&grant_microsoft_secret, 401, MSE(7000215, "invalid_client", "x"), ERR_AUTH,
			SCOPE_CONNECTION, "AADSTS7000215", GRANT_FAILED, "client secret is wrong"},
		{&grant_microsoft_secret, 401, MSE(7000222, "invalid_client", "x"), ERR_AUTH,
			SCOPE_CONNECTION, "AADSTS7000222", GRANT_FAILED, "expired"},
		{&grant_microsoft_certificate, 401, MSE(700027, "invalid_client", "x"), ERR_AUTH,
			SCOPE_CONNECTION, "AADSTS700027", GRANT_FAILED, "key is not known"},
		{&grant_microsoft_certificate, 401, MSE(700024, "invalid_client", "x"), ERR_RETRY,
			SCOPE_CONNECTION, "AADSTS700024", GRANT_CLOCK, "clock"},
		{&grant_microsoft_certificate, 401, MSE(700023, "invalid_client", "x"), ERR_AUTH,
			SCOPE_CONNECTION, "AADSTS700023", GRANT_FAILED, "audience"},
		{&grant_microsoft_secret, 400, MSE(700016, "unauthorized_client", "x"), ERR_CONSENT,
			SCOPE_CONNECTION, "AADSTS700016", GRANT_FAILED, "consent"},
		{&grant_microsoft_secret, 400, MSE(7000112, "unauthorized_client", "x"), ERR_CONSENT,
			SCOPE_CONNECTION, "AADSTS7000112", GRANT_FAILED, "disabled"},
		{&grant_microsoft_secret, 400, MSE(90002, "invalid_request", "x"), ERR_AUTH, SCOPE_CONNECTION,
			"AADSTS90002", GRANT_FAILED, "directory"},
		{&grant_microsoft_secret, 400, MSE(99999999, "unauthorized_client", "x"), ERR_CONSENT,
			SCOPE_CONNECTION, "AADSTS99999999", GRANT_FAILED, "consent"},
		{&grant_microsoft_secret, 400, MSE(99999999, "something", "odd \\u0007 text"), ERR_AUTH,
			SCOPE_CONNECTION, "AADSTS99999999", GRANT_FAILED, "odd \\x07 text"},
		{&grant_microsoft_secret, 400, "{\"error_description\":\"AADSTS7000215: x\"}", ERR_AUTH,
			SCOPE_CONNECTION, "AADSTS7000215", GRANT_FAILED, "client secret"},
		{&grant_microsoft_secret, 400, "{\"error_codes\":[\"x\"],\"error\":5}", ERR_AUTH,
			SCOPE_CONNECTION, "http_status", GRANT_FAILED, "HTTP 400"},
		{&grant_microsoft_secret, 404, NULL, ERR_AUTH, SCOPE_CONNECTION, "http_status", GRANT_FAILED,
			"HTTP 404"},
#define GE(e, text) "{\"error\":\"" e "\",\"error_description\":\"" text "\"}"
		{&grant_google_service_account, 400,
			GE("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and "
					    "in a reasonable timeframe."),
			ERR_RETRY, SCOPE_CONNECTION, "invalid_grant", GRANT_CLOCK, "clock"},
		{&grant_google_service_account, 400, GE("invalid_grant", "Invalid JWT Signature."), ERR_AUTH,
			SCOPE_CONNECTION, "invalid_grant", GRANT_FAILED, "key"},
		{&grant_google_service_account, 400, GE("invalid_grant", "Invalid email or User ID"),
			ERR_GONE, SCOPE_STREAM, "invalid_grant", GRANT_FAILED, "user"},
		{&grant_google_service_account, 400,
			GE("invalid_grant", "Token has been expired or revoked."), ERR_CONSENT,
			SCOPE_CONNECTION, "invalid_grant", GRANT_FAILED, "revoked"},
		{&grant_google_service_account, 401, GE("unauthorized_client", "Client is unauthorized"),
			ERR_CONSENT, SCOPE_CONNECTION, "unauthorized_client", GRANT_FAILED, "consent"},
		{&grant_box_jwt, 400,
			GE("invalid_grant", "Current date time must be before the expiration date time "
					    "specified in the 'exp' claim."),
			ERR_RETRY, SCOPE_CONNECTION, "invalid_grant", GRANT_CLOCK, "clock"},
		{&grant_box_jwt, 400, GE("invalid_grant", "Please check the 'exp' claim."), ERR_RETRY,
			SCOPE_CONNECTION, "invalid_grant", GRANT_CLOCK, "clock"},
		{&grant_box_jwt, 400, GE("invalid_grant", "Please check the 'jti' claim."), ERR_RETRY,
			SCOPE_CONNECTION, "invalid_grant", GRANT_AGAIN, "new one"},
		{&grant_box_jwt, 400, GE("invalid_grant", "Please check the 'aud' claim."), ERR_AUTH,
			SCOPE_CONNECTION, "invalid_grant", GRANT_FAILED, "audience"},
		{&grant_box_jwt, 400, GE("invalid_grant", "OAuth JWT signature verification failed"),
			ERR_AUTH, SCOPE_CONNECTION, "invalid_grant", GRANT_FAILED, "key"},
		{&grant_box_jwt, 400, GE("invalid_grant", "Grant credentials are invalid"), ERR_CONSENT,
			SCOPE_CONNECTION, "invalid_grant", GRANT_FAILED, "secret"},
		{&grant_box_jwt, 400, GE("unauthorized_client", "x"), ERR_CONSENT, SCOPE_CONNECTION,
			"unauthorized_client", GRANT_FAILED, "consent"},
		{&grant_box_client_credentials, 400, GE("invalid_client", "x"), ERR_AUTH, SCOPE_CONNECTION,
			"invalid_client", GRANT_FAILED, "secret"},
		{&grant_dropbox_refresh, 400, GE("invalid_grant", "refresh token is invalid or revoked"),
			ERR_CONSENT, SCOPE_CONNECTION, "invalid_grant", GRANT_FAILED, "revoked"},
		{&grant_dropbox_refresh, 400, GE("invalid_client", "x"), ERR_AUTH, SCOPE_CONNECTION,
			"invalid_client", GRANT_FAILED, "app key"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ cJSON *body = NULL;
		struct err err = {0};
		if (cases[i].body)
			assert_int_equal(json_parse(cases[i].body, strlen(cases[i].body), &body, NULL), 0);
		enum grant_verdict v = cases[i].kind->judge(cases[i].status, body, &err);
		if (v != cases[i].verdict || err.class != cases[i].class || err.scope != cases[i].scope ||
			strcmp(err.code, cases[i].code) != 0 || !strstr(err.message, cases[i].says))
			fail_msg("%s: %d %s %s: %s", cases[i].body, (int)v, err_class_name(err.class),
				err.code, err.message);
		/* The fix stands behind the last colon, and nothing was cut off. */
		assert_true(strlen(err.message) < sizeof(err.message) - 1);
		if (cases[i].kind == &grant_microsoft_secret && cases[i].body &&
			strstr(cases[i].body, "trace_id"))
			assert_string_equal(err.request_id, "0000aaaa-11bb");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_microsoft),
		cmocka_unit_test(test_microsoft_refused),
		cmocka_unit_test(test_google),
		cmocka_unit_test(test_google_refused),
		cmocka_unit_test(test_box),
		cmocka_unit_test(test_box_refused),
		cmocka_unit_test(test_dropbox),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("auth_grants", tests, make_keys, free_keys);
}
