/* The token address of the Microsoft identity platform for applications, and the discovery documents that MSAL
 * asks for. Sources: "OAuth 2.0 client credentials flow", "Certificate credentials", "Microsoft Entra
 * authentication error codes". An assertion may be used again while it is valid: the platform lets it, and MSAL
 * keeps one for its ten minutes. */
#include "fakecloud/microsoft/app.h"

#include "base/encode.h"
#include "base/timeutil.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_LIFE_S 3599
#define SKEW_MS (5 * 60 * 1000)
#define REAL_HOST "login.microsoftonline.com"

static const char *const real_hosts[] = {
	REAL_HOST, "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn"};

static void fail(struct ms_ctx *c, int status, const char *error, int code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void fail(struct ms_ctx *c, int status, const char *error, int code, const char *fmt, ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT(16 << 10);
	cJSON *doc = cJSON_CreateObject(), *codes;
	char when[TIME_RFC3339_LEN], trace[37];
	va_list ap;

	uuid_new(trace);
	time_format_s(fc_now(), when);
	buf_addf(&b, "AADSTS%d: ", code);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	when[10] = ' '; /* "2026-11-22 03:04:05Z" */
	buf_addf(&b, " Trace ID: %s Correlation ID: %s Timestamp: %s", trace, c->client_request_id, when);
	j_str(doc, "error", error);
	j_str(doc, "error_description", buf_str(&b));
	codes = j_array(doc, "error_codes");
	cJSON_AddItemToArray(codes, cJSON_CreateNumber(code));
	j_str(doc, "timestamp", when);
	j_str(doc, "trace_id", trace);
	j_str(doc, "correlation_id", c->client_request_id);
	j_str(doc, "error_uri", ms_fmt(c, "https://" REAL_HOST "/error?code=%d", code));
	fc_set_header(c->res, "Content-Type", "application/json; charset=utf-8");
	fc_json(c->res, status, doc);
}

void ms_login_error(struct ms_ctx *c, int status, const char *error, int code, const char *text)
{
	fail(c, status, error, code, "%s", text);
}

/* Base64 of either alphabet, padding or none: thumbprints come in all forms. */
static bool same_thumbprint(const char *a, const char *b)
{
	_cleanup_buf_ struct buf x = BUF_INIT(256), y = BUF_INIT(256);

	return base64_decode(&x, a, strlen(a)) == 0 && base64_decode(&y, b, strlen(b)) == 0 && x.len == y.len &&
	       !memcmp(buf_str(&x), buf_str(&y), x.len);
}

static bool audience_ok(struct ms_ctx *c, struct ms_tenant *t, const char *aud)
{
	const char *const dirs[] = {c->seg[0], t->directory, t->domain};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		static const char *const tails[] = {"oauth2/v2.0/token", "v2.0", "oauth2/token", ""};
		for (size_t k = 0; k < ARRAY_SIZE(tails); k++) {
			const char *path = ms_fmt(c, "/%s/%s", dirs[i], tails[k]);
			for (size_t h = 0; h < ARRAY_SIZE(real_hosts); h++) {
				if (fc_aud_ok(c->req, aud, ms_fmt(c, "https://%s%s", real_hosts[h], path), path))
					return true;
			}
		}
	}
	return false;
}

/* Times, in seconds; exp is required, nbf is honoured. */
static bool times_ok(struct ms_ctx *c, const cJSON *claims)
{
	const cJSON *exp = json_get(claims, "exp"), *nbf = json_get(claims, "nbf");
	double now = (double)fc_now(), end = cJSON_IsNumber(exp) ? exp->valuedouble * 1000 : 0;
	double start = cJSON_IsNumber(nbf) ? nbf->valuedouble * 1000 : now;
	char a[TIME_RFC3339_LEN], b[TIME_RFC3339_LEN], n[TIME_RFC3339_LEN];

	if (end > now - SKEW_MS && start < now + SKEW_MS && end < 4e15 && start > 0)
		return true;
	fail(c, 401, "invalid_client", 700024,
		"Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry "
		"time of assertion %s. Review the documentation at "
		"https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
		time_format(fc_now(), n), time_format(start > 0 && start < 4e15 ? (int64_t)start : 0, a),
		time_format(end > 0 && end < 4e15 ? (int64_t)end : 0, b));
	return false;
}

/* The certificate that the assertion names, of those that were uploaded for the application. */
static const struct ms_cert *certificate_of(const struct ms_app *app, const char *s256, const char *s1)
{
	for (size_t i = 0; i < app->certs.n; i++) {
		const struct ms_cert *cert = app->certs.v[i];
		if ((s256 && same_thumbprint(s256, cert->sha256)) || (s1 && same_thumbprint(s1, cert->sha1)))
			return cert;
	}
	return NULL;
}

static bool assertion_ok(struct ms_ctx *c, struct ms_tenant *t, const struct ms_app *app, const char *client_id)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL, *h2 = NULL, *c2 = NULL;
	const char *type = fc_form(c->req, "client_assertion_type"), *why;
	const char *jwt = fc_form(c->req, "client_assertion"), *s256, *s1, *jti;
	const struct ms_cert *cert;

	if (!type || strcmp(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")) {
		fail(c, 401, "invalid_client", 7000219, "The 'client_assertion_type' parameter is missing or not supported.");
		return false;
	}
	if (fc_jwt_peek(jwt, &header, &claims) < 0) {
		fail(c, 401, "invalid_client", 50027, "JWT token is invalid or malformed.");
		return false;
	}
	s256 = json_str(header, "x5t#S256");
	s1 = json_str(header, "x5t");
	if (!s1 && !s256)
		s1 = json_str(header, "kid");
	cert = certificate_of(app, s256, s1);
	if (!cert) {
		fail(c, 401, "invalid_client", 700027,
			"The certificate with identifier used to sign the client assertion is not registered on application. "
			"[Reason - The key was not found., Thumbprint of key used by client: '%.64s']",
			s256 ? s256 : s1 ? s1 : "");
		return false;
	}
	if (fc_jwt_verify(jwt, "PS256 RS256", cert->public_pem, &h2, &c2, &why) < 0) {
		fail(c, 401, "invalid_client", 700027,
			"Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to "
			"verify the signature failed (%s).]",
			why);
		return false;
	}
	if (strcmp(json_str_or(claims, "iss", ""), client_id) || strcmp(json_str_or(claims, "sub", ""), client_id)) {
		fail(c, 401, "invalid_client", 700021,
			"Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation.");
		return false;
	}
	if (!audience_ok(c, t, json_str_or(claims, "aud", ""))) {
		fail(c, 401, "invalid_client", 700023,
			"Client assertion audience claim does not match Realm issuer. Review the documentation at "
			"https://learn.microsoft.com/entra/identity-platform/certificate-credentials .");
		return false;
	}
	if (!times_ok(c, claims))
		return false;
	jti = json_str(claims, "jti");
	if (!jti || !*jti) {
		fail(c, 401, "invalid_client", 50027, "JWT token is invalid or malformed: the 'jti' claim is missing.");
		return false;
	}
	return true;
}

/* The scope asks for Graph's application permissions. */
static bool scope_ok(struct ms_ctx *c, const char *scope)
{
	static const char *const foreign[] = {"outlook.office", "graph.windows.net", "management.azure.com",
		"vault.azure.net", ".sharepoint.com", "manage.office.com"};
	size_t n = strlen(scope);

	if (strchr(scope, ' ') || n < 9 || strcmp(scope + n - 9, "/.default")) {
		fail(c, 400, "invalid_scope", 1002012,
			"The provided value for scope %.200s is not valid. Client credential flows must have a scope value "
			"with /.default suffixed to the resource identifier (application ID URI).",
			scope);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (strstr(scope, foreign[i])) {
			fail(c, 400, "invalid_resource", 500011,
				"The resource principal named %.200s was not found in the tenant.", scope);
			return false;
		}
	}
	return true;
}

/* Client id and secret by HTTP Basic (RFC 6749, 2.3.1). */
static void basic(struct ms_ctx *c, const char **client_id, const char **secret)
{
	_cleanup_buf_ struct buf b = BUF_INIT(4096);
	const char *h = fc_header(c->req, "Authorization");
	char *text, *colon;

	if (!h || strncasecmp(h, "Basic ", 6) || base64_decode(&b, h + 6, strlen(h + 6)) < 0)
		return;
	text = ms_fmt(c, "%s", buf_str(&b));
	colon = strchr(text, ':');
	if (!colon)
		return;
	*colon = 0;
	if (!*client_id)
		*client_id = text;
	if (!*secret)
		*secret = colon + 1;
}

bool ms_client_ok(struct ms_ctx *c, struct ms_tenant *t, const struct ms_app *app, const char *client_id)
{
	const char *assertion = fc_form(c->req, "client_assertion"), *secret = fc_form(c->req, "client_secret");

	basic(c, &client_id, &secret);
	if (!assertion && !secret) {
		fail(c, 401, "invalid_client", 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
		return false;
	}
	if (assertion)
		return assertion_ok(c, t, app, client_id);
	if (ms_app_secret_ok(app, secret))
		return true;
	fail(c, 401, "invalid_client", 7000215,
		"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
		"not the client secret ID, for a secret added to app '%s'.",
		app->client_id);
	return false;
}

static void token(struct ms_ctx *c)
{
	static const char *const needed[] = {"grant_type", "client_id", "scope"};
	const char *client_id = fc_form(c->req, "client_id"), *secret = fc_form(c->req, "client_secret");
	const char *grant = fc_form(c->req, "grant_type"), *scope = fc_form(c->req, "scope");
	struct ms_tenant *t = ms_tenant_find(c->seg[0]);
	struct ms_install *in;
	struct fc_token *issued;
	cJSON *doc;

	if (strcmp(c->method, "POST")) {
		fail(c, 405, "invalid_request", 900561, "The endpoint only accepts POST requests. Received a %s request.",
			c->method);
		return;
	}
	basic(c, &client_id, &secret);
	if (grant && client_id && (!strcmp(grant, "authorization_code") || !strcmp(grant, "refresh_token"))) {
		ms_signin_token(c, client_id);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		const char *v = i == 0 ? grant : i == 1 ? client_id : scope;
		if (v && *v)
			continue;
		fail(c, 400, "invalid_request", 900144, "The request body must contain the following parameter: '%s'.",
			needed[i]);
		return;
	}
	if (!t) {
		fail(c, 400, "invalid_request", 90002,
			"Tenant '%.100s' not found. Check to make sure you have the correct tenant ID and are signing into the "
			"correct cloud.",
			c->seg[0]);
		return;
	}
	c->t = t;
	c->req->tenant = t->name;
	if (strcmp(grant, "client_credentials")) {
		fail(c, 400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '%.100s'.", grant);
		return;
	}
	in = ms_install_in(t, client_id);
	if (!in || ms_install_gone(in)) {
		fail(c, 400, "unauthorized_client", 700016,
			"Application with identifier '%.100s' was not found in the directory '%s'. This can happen if the "
			"application has not been installed by the administrator of the tenant or consented to by any user in "
			"the tenant.",
			client_id, t->display);
		return;
	}
	if (!ms_client_ok(c, t, in->app, client_id))
		return;
	if (!scope_ok(c, scope))
		return;
	issued = fc_token_issue("microsoft", t->name, "EwB", TOKEN_LIFE_S);
	/* Issued all the same when nobody consented to the application's permissions yet: without roles. */
	snprintf(issued->scope, sizeof(issued->scope), "%s", in->consented ? t->roles : "");
	snprintf(issued->client, sizeof(issued->client), "%s", in->app->client_id);
	doc = cJSON_CreateObject();
	j_str(doc, "token_type", "Bearer");
	j_num(doc, "expires_in", TOKEN_LIFE_S);
	j_num(doc, "ext_expires_in", TOKEN_LIFE_S);
	j_str(doc, "access_token", issued->text);
	fc_set_header(c->res, "Cache-Control", "no-store, no-cache");
	fc_set_header(c->res, "Pragma", "no-cache");
	fc_set_header(c->res, "Content-Type", "application/json; charset=utf-8");
	fc_json(c->res, 200, doc);
}

/* Where discovery points: this server by its own address, else https at the host that came. */
const char *ms_authority(struct ms_ctx *c)
{
	const char *own = fc_url("microsoft"), *host = c->req->host;

	own += strncmp(own, "http://", 7) ? 0 : 7;
	if (!host || !*host || !strcmp(host, own))
		return fc_url("microsoft");
	return fc_header(c->req, "X-Forwarded-Proto") ? ms_base(c->req, NULL) : ms_fmt(c, "https://%s", host);
}

static void add_words(cJSON *doc, const char *key, const char *const *words)
{
	cJSON *a = j_array(doc, key);

	for (; *words; words++)
		cJSON_AddItemToArray(a, cJSON_CreateString(*words));
}

static void openid(struct ms_ctx *c)
{
	struct ms_tenant *t = ms_tenant_find(c->seg[0]);
	const char *base = ms_authority(c), *dir = t ? t->directory : c->seg[0];
	cJSON *doc;

	if (!t && strcasecmp(c->seg[0], "common") && strcasecmp(c->seg[0], "organizations")) {
		fail(c, 400, "invalid_tenant", 90002, "Tenant '%.100s' not found.", c->seg[0]);
		return;
	}
	if (!t)
		dir = "{tenantid}";
	doc = cJSON_CreateObject();
	j_str(doc, "token_endpoint", ms_fmt(c, "%s/%s/oauth2/v2.0/token", base, t ? dir : c->seg[0]));
	add_words(doc, "token_endpoint_auth_methods_supported",
		MS_WORDS("client_secret_post", "private_key_jwt", "client_secret_basic"));
	j_str(doc, "jwks_uri", ms_fmt(c, "%s/%s/discovery/v2.0/keys", base, t ? dir : c->seg[0]));
	add_words(doc, "response_modes_supported", MS_WORDS("query", "fragment", "form_post"));
	add_words(doc, "subject_types_supported", MS_WORDS("pairwise"));
	add_words(doc, "id_token_signing_alg_values_supported", MS_WORDS("RS256"));
	add_words(doc, "response_types_supported", MS_WORDS("code", "id_token", "code id_token", "id_token token"));
	add_words(doc, "scopes_supported", MS_WORDS("openid", "profile", "email", "offline_access"));
	j_str(doc, "issuer", ms_fmt(c, "%s/%s/v2.0", base, dir));
	j_bool(doc, "request_uri_parameter_supported", false);
	j_str(doc, "authorization_endpoint", ms_fmt(c, "%s/%s/oauth2/v2.0/authorize", base, t ? dir : c->seg[0]));
	j_str(doc, "userinfo_endpoint", ms_fmt(c, "%s/oidc/userinfo", base));
	add_words(doc, "claims_supported",
		MS_WORDS("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "preferred_username", "name", "tid", "ver",
			"at_hash", "email"));
	j_str(doc, "tenant_region_scope", "AS");
	j_str(doc, "cloud_instance_name", "microsoftonline.com");
	j_str(doc, "msgraph_host", "graph.microsoft.com");
	fc_json(c->res, 200, doc);
}

static void instance(struct ms_ctx *c)
{
	const char *base = ms_authority(c), *slashes = strstr(base, "://"), *host = slashes ? slashes + 3 : base;
	cJSON *doc = cJSON_CreateObject(), *list, *one, *aliases;
	const char *dir = fc_query(c->req, "authorization_endpoint");
	const char *p = dir ? strstr(dir, "://") : NULL;

	p = p ? strchr(p + 3, '/') : NULL;
	p = p ? ms_fmt(c, "%.*s", (int)strcspn(p + 1, "/"), p + 1) : "common";
	j_str(doc, "tenant_discovery_endpoint", ms_fmt(c, "%s/%s/v2.0/.well-known/openid-configuration", base, p));
	j_str(doc, "api-version", "1.1");
	list = j_array(doc, "metadata");
	one = cJSON_CreateObject();
	j_str(one, "preferred_network", host);
	j_str(one, "preferred_cache", host);
	aliases = j_array(one, "aliases");
	cJSON_AddItemToArray(aliases, cJSON_CreateString(host));
	cJSON_AddItemToArray(list, one);
	fc_json(c->res, 200, doc);
}

void ms_login(struct ms_ctx *c)
{
	const char *path = c->req->path;

	ms_path_parse(c, path);
	if (c->n_seg >= 2 && c->n_seg <= 3 && !strcmp(c->seg[c->n_seg - 1], "adminconsent"))
		ms_admin_consent(c);
	else if (c->n_seg == 4 && !strcmp(c->seg[1], "oauth2") && !strcmp(c->seg[3], "authorize"))
		ms_authorize(c);
	else if (c->n_seg == 4 && !strcmp(c->seg[1], "oauth2") && !strcmp(c->seg[2], "v2.0") && !strcmp(c->seg[3], "token"))
		token(c);
	else if (c->n_seg >= 3 && !strcmp(c->seg[c->n_seg - 1], "openid-configuration"))
		openid(c);
	else if (c->n_seg == 3 && !strcmp(c->seg[1], "discovery") && !strcmp(c->seg[2], "instance"))
		instance(c);
	else if (c->n_seg == 4 && !strcmp(c->seg[1], "discovery") && !strcmp(c->seg[3], "keys"))
		fc_json(c->res, 200, idtoken_keys("microsoft"));
	else
		fail(c, 404, "invalid_request", 900910, "The endpoint is not known here.");
}
