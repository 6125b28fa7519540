/* Microsoft Entra ID: application tokens by client secret or by certificate. Runs in the auth role; see grant.h.
 * Sources: "OAuth 2.0 client credentials flow", "Certificate credentials" (PS256, x5t#S256), "Microsoft Entra
 * authentication error codes". There is no call that revokes: application tokens run out. */
#include "auth/grant.h"
#include "auth/assertion.h"
#include "auth/pem.h"
#include "auth/secret.h"
#include "base/encode.h"
#include "base/timeutil.h"

#include <inttypes.h>
#include <string.h>

#define ASSERTION_S 300
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#define BY_HAND                                                                                              \
	"remove the application in the Entra admin centre (Enterprise applications), or delete its secret or "   \
	"certificate"

/* Numbers of error_codes. A code that is none of these is judged by `error`. */
static const struct grant_error errors[] = {
	{"AADSTS7000215", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the client secret is wrong: put the secret's value, not its id, into client_secret_file"},
	{"AADSTS7000222", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the client secret has expired: make a new one in the app registration and connect again"},
	{"AADSTS7000218", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the application wants a secret or certificate: make one in the app registration and connect again"},
	{"AADSTS700027", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the key is not known for this application: upload its certificate to the app registration"},
	{"AADSTS5002730", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the key's kind is not taken: use an RSA certificate of 2048 bits or more"},
	{"AADSTS700024", NULL, ERR_RETRY, SCOPE_CONNECTION, GRANT_CLOCK,
		"the clock of this machine is wrong: set it by NTP (sekisho doctor shows by how much)"},
	{"AADSTS700023", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the audience does not fit: check directory and the login endpoint"},
	{"AADSTS700021", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the assertion names another application: check client_id"},
	{"AADSTS700016", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent is missing or was withdrawn, the directory does not know the application: an administrator must consent again"},
	{"AADSTS7000112", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"the application was disabled: enable it in the Entra admin centre (Enterprise applications)"},
	{"AADSTS7000229", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent is missing, the application has no service principal: an administrator must consent again"},
	{"AADSTS700051", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"the application lacks a permission for this: grant it in the app registration and consent again"},
	{"AADSTS65001", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent is missing: an administrator must consent to the application"},
	{"AADSTS53003", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"a Conditional Access policy blocks the application: exclude it, or allow this machine's address"},
	{"AADSTS90002", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"there is no such directory: check directory and the login endpoint"},
	{"AADSTS900023", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"there is no such directory: check directory and the login endpoint"},
	{"AADSTS1002012", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the scope is not taken: check the graph endpoint"},
	{"AADSTS70011", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the scope is not taken: check the graph endpoint"},
	{"AADSTS500011", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the directory does not know the resource: check the graph endpoint"},
	{"AADSTS50196", NULL, ERR_RETRY, SCOPE_CONNECTION, GRANT_FAILED,
		"the provider sees too many equal requests: it is asked again later"},
	{"AADSTS90033", NULL, ERR_RETRY, SCOPE_CONNECTION, GRANT_FAILED,
		"the provider has a passing fault: it is asked again later"},
	{"unauthorized_client", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent is missing or was withdrawn: an administrator must consent again"},
	{"invalid_client", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the secret or key is not accepted: make a new one in the app registration and connect again"},
	{"temporarily_unavailable", NULL, ERR_RETRY, SCOPE_CONNECTION, GRANT_FAILED,
		"the provider has a passing fault: it is asked again later"},
};

static enum grant_verdict judge(int status, const cJSON *body, struct err *err)
{
	const char *error = json_str(body, "error"), *description = json_str(body, "error_description");
	const cJSON *first = cJSON_GetArrayItem(json_array(body, "error_codes"), 0);
	char code[32] = "";

	if (cJSON_IsNumber(first) && first->valuedouble > 0 && first->valuedouble < 1e10)
		snprintf(code, sizeof(code), "AADSTS%.0f", first->valuedouble);
	else if (description && strncmp(description, "AADSTS", 6) == 0)
		snprintf(code, sizeof(code), "AADSTS%.*s", (int)strspn(description + 6, "0123456789"), description + 6);
	bool known = false;
	for (size_t i = 0; i < ARRAY_SIZE(errors) && code[0] && !known; i++)
		known = strcmp(errors[i].code, code) == 0;
	enum grant_verdict v;
	if (known || !error) {
		v = grant_judge(errors, ARRAY_SIZE(errors), status, code, description, err);
	} else {
		v = grant_judge(errors, ARRAY_SIZE(errors), status, error, description, err);
		if (code[0])
			snprintf(err->code, sizeof(err->code), "%s", code);
	}
	const char *trace = json_str(body, "trace_id");
	if (trace && !err->request_id[0] && strspn(trace, "0123456789abcdefABCDEF-") == strlen(trace))
		snprintf(err->request_id, sizeof(err->request_id), "%s", trace);
	return v;
}

static int common_check(struct grant *g, cJSON *facts, struct err *err)
{
	const char *client = grant_want(g, "client_id", err);
	const char *directory = client ? grant_want(g, "directory", err) : NULL;

	if (!directory || !grant_want(g, "scope", err))
		return -1;
	if (!g->token_url[0])
		return err_set(err, ERR_REMOTE, "bad_grant", "the grant needs 'token_url'");
	cJSON_AddStringToObject(facts, "client_id", client);
	cJSON_AddStringToObject(facts, "directory", directory);
	return 0;
}

static int common_form(const struct grant *g, struct buf *form, struct err *err)
{
	if (form_add(form, "client_id", json_str_or(g->json, "client_id", "")) < 0 ||
		form_add(form, "scope", json_str_or(g->json, "scope", "")) < 0 ||
		form_add(form, "grant_type", "client_credentials") < 0)
		return grant_no_memory(err);
	return 0;
}

/* ---- by client secret ---- */

static int secret_check(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err)
{
	const char *s;
	size_t len;

	*ret_ends_at = 0; /* the secret does not say */
	if (common_check(g, facts, err) < 0)
		return -1;
	return secret_line(grant_secret(g, "client_secret_file"), "client_secret_file", &s, &len, err);
}

static int secret_ask(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err)
{
	if (common_form(g, form, err) < 0)
		return -1;
	return grant_form_secret(g, "client_secret_file", form, "client_secret", err);
}

const struct grant_kind grant_microsoft_secret = {
	.provider = "microsoft",
	.type = "client_secret",
	.secrets = (const char *const[]){"client_secret_file", NULL},
	.check = secret_check,
	.ask = secret_ask,
	.judge = judge,
	.by_hand = BY_HAND,
};

/* ---- by certificate ---- */

static int read_pair(const struct grant *g, EVP_PKEY **ret_key, X509 **ret_certificate, struct err *err)
{
	const struct buf *key_text = grant_secret(g, "key_file"), *certificate_text = grant_secret(g, "certificate_file");
	_cleanup_key_ EVP_PKEY *key = NULL;
	_cleanup_certificate_ X509 *certificate = NULL;

	if (pem_private_key(buf_str(key_text), key_text->len, NULL, "key_file", &key, err) < 0 ||
		pem_certificate(buf_str(certificate_text), certificate_text->len, "certificate_file", &certificate, err) < 0)
		return -1;
	if (!pem_key_fits(certificate, key))
		return err_set(err, ERR_REMOTE, "bad_secret",
			"the key does not belong to the certificate: give key_file and certificate_file of the same pair");
	*ret_key = TAKE_PTR(key);
	*ret_certificate = TAKE_PTR(certificate);
	return 0;
}

static int certificate_check(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err)
{
	_cleanup_key_ EVP_PKEY *key = NULL;
	_cleanup_certificate_ X509 *certificate = NULL;
	_cleanup_buf_ struct buf thumbprint = BUF_INIT(64);
	char when[TIME_RFC3339_LEN];

	if (common_check(g, facts, err) < 0 || read_pair(g, &key, &certificate, err) < 0)
		return -1;
	int64_t ends_at = pem_certificate_ends_at(certificate);
	if (ends_at && ends_at < time_now_ms())
		return err_set(err, ERR_REMOTE, "bad_secret",
			"certificate_file: the certificate ended at %s: make a new one and upload it to the app registration",
			time_format_s(ends_at, when));
	if (pem_thumbprint(certificate, &thumbprint) < 0)
		return grant_no_memory(err);
	cJSON_AddStringToObject(facts, "certificate", buf_str(&thumbprint));
	*ret_ends_at = ends_at;
	return 0;
}

static int make_assertion(const struct grant *g, int64_t now, struct buf *ret, struct err *err)
{
	_cleanup_key_ EVP_PKEY *key = NULL;
	_cleanup_certificate_ X509 *certificate = NULL;
	_cleanup_buf_ struct buf thumbprint = BUF_INIT(64);
	_cleanup_json_ cJSON *header = cJSON_CreateObject(), *claims = cJSON_CreateObject();
	const char *client = json_str_or(g->json, "client_id", "");
	char jti[37];

	uuid_new(jti);
	if (read_pair(g, &key, &certificate, err) < 0)
		return -1;
	if (pem_thumbprint(certificate, &thumbprint) < 0)
		return grant_no_memory(err);
	cJSON_AddStringToObject(header, "x5t#S256", buf_str(&thumbprint));
	cJSON_AddStringToObject(claims, "aud", g->token_url);
	cJSON_AddStringToObject(claims, "iss", client);
	cJSON_AddStringToObject(claims, "sub", client);
	cJSON_AddStringToObject(claims, "jti", jti);
	cJSON_AddNumberToObject(claims, "nbf", (double)(now / 1000));
	cJSON_AddNumberToObject(claims, "iat", (double)(now / 1000));
	cJSON_AddNumberToObject(claims, "exp", (double)(now / 1000 + ASSERTION_S));
	return assertion_sign(ASSERT_PS256, key, header, claims, ret, err);
}

static int certificate_ask(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err)
{
	_cleanup_wipe_ struct buf assertion = BUF_INIT(16384);

	if (common_form(g, form, err) < 0 || make_assertion(g, now, &assertion, err) < 0)
		return -1;
	if (form_add(form, "client_assertion_type", ASSERTION_TYPE) < 0 ||
		form_add(form, "client_assertion", buf_str(&assertion)) < 0)
		return grant_no_memory(err);
	return 0;
}

const struct grant_kind grant_microsoft_certificate = {
	.provider = "microsoft",
	.type = "client_certificate",
	.secrets = (const char *const[]){"certificate_file", "key_file", NULL},
	.check = certificate_check,
	.ask = certificate_ask,
	.judge = judge,
	.by_hand = BY_HAND,
};
