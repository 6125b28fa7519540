/* Signing people in at Google: /o/oauth2/v2/auth with its page, authorization codes and the refresh tokens that they
 * bring, discovery, keys and userinfo. Source: "OpenID Connect", "Using OAuth 2.0 for web server applications". The issuer
 * is this server's own address, as a client checks it by discovery. */
#include "fakecloud/google/consent.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TITLE "Google"
#define CODE_LIFE_MS (10 * 60 * 1000)
#define TOKEN_LIFE_S 3599
#define REFRESH_LIFE_S (180 * 86400)
#define REFRESH "google refresh"
#define ROOT "https://www.googleapis.com/auth/"

/* An OAuth client: the operator's, or the one of a seeded tenant. */
struct client {
	const char *id, *secret;
	struct gg_tenant *t; /* NULL: the operator's */
};

static char operator_id[96], operator_secret[48];

void gg_signin_client(char id[96], char secret[48])
{
	const char *words[] = {"operator", GG, "oauth client", NULL};
	char hex[48];

	fc_stable_id(hex, 32, words);
	snprintf(operator_id, sizeof(operator_id), "100000000001-%s.apps.googleusercontent.com", hex);
	gg_new_id(operator_secret, 28, "GOCSPX-");
	memcpy(id, operator_id, sizeof(operator_id));
	memcpy(secret, operator_secret, sizeof(operator_secret));
}

static bool client_find(const char *id, struct client *ret)
{
	if (!id || !*id)
		return false;
	if (!strcmp(id, operator_id)) {
		*ret = (struct client){operator_id, operator_secret, NULL};
		return true;
	}
	for (size_t i = 0; i < gg_ntenants; i++) {
		if (!strcmp(gg_tenants[i]->oauth_id, id)) {
			*ret = (struct client){gg_tenants[i]->oauth_id, gg_tenants[i]->oauth_secret, gg_tenants[i]};
			return true;
		}
	}
	return false;
}

/* email and profile by their long names, as answers say them; NULL when a word is no scope (*ret_bad). */
static char *long_names(struct arena *arena, const char *scope, const char **ret_bad)
{
	_cleanup_buf_ struct buf b = BUF_INIT(2000);

	for (const char *p = scope + strspn(scope, " "); *p;) {
		size_t n = strcspn(p, " ");
		const char *word = arena_dupn(arena, p, n);
		bool people = !strcmp(word, "email") || !strcmp(word, "profile");
		*ret_bad = word;
		if (!people && strcmp(word, "openid") && strncmp(word, ROOT, sizeof(ROOT) - 1) && strcmp(word, "https://mail.google.com/"))
			return NULL;
		if (buf_addf(&b, "%s%s%s", b.len ? " " : "", people ? ROOT "userinfo." : "", word) < 0)
			return NULL;
		p += n;
		p += strspn(p, " ");
	}
	return arena_dup(arena, buf_str(&b));
}

/* ---- the page ---- */

static void failure(struct fc_response *res, int status, const char *code, const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT(200);

	buf_addf(&b, "Error %d: %s", status, code);
	page_failure(res, status, TITLE, "Access blocked: Authorization Error", buf_str(&b), text);
}

static void refuse(struct fc_request *req, struct fc_response *res, const char *error)
{
	_cleanup_buf_ struct buf query = BUF_INIT(64 << 10);
	const char *state = fc_query(req, "state");

	form_add(&query, "error", error);
	if (state)
		form_add(&query, "state", state);
	form_add(&query, "iss", fc_url(GG));
	page_redirect(res, fc_query(req, "redirect_uri"), &query, false);
}

/* false: answered. */
static bool request_ok(struct fc_request *req, struct fc_response *res, struct client *ret)
{
	const char *redirect = fc_query(req, "redirect_uri"), *type = fc_query(req, "response_type");
	const char *scope = fc_query(req, "scope"), *prompt = fc_query(req, "prompt"), *bad = "";
	const char *wrong = code_challenge_wrong(req);

	if (!client_find(fc_query(req, "client_id"), ret))
		failure(res, 401, "invalid_client", "The OAuth client was not found.");
	else if (!redirect || !(ret->t ? redirect_ok(redirect) : redirect_registered(redirect, "google oidc")))
		failure(res, 400, "redirect_uri_mismatch", "The redirect URI in the request does not match the ones authorized for the OAuth client.");
	else if (!type || strcmp(type, "code") != 0)
		failure(res, 400, "unsupported_response_type", "Required parameter is missing or not supported: response_type");
	else if (!scope || !*scope)
		failure(res, 400, "invalid_request", "Missing required parameter: scope");
	else if (!long_names(req->arena, scope, &bad))
		failure(res, 400, "invalid_scope", arena_printf(req->arena, "Some requested scopes were invalid. {invalid=[%s]}", bad));
	else if (wrong)
		failure(res, 400, "invalid_request", wrong);
	else if (prompt && !strcmp(prompt, "none"))
		refuse(req, res, "interaction_required");
	else
		return true;
	return false;
}

static void page(struct fc_request *req, struct fc_response *res, const struct client *client)
{
	const char *hint = fc_query(req, "login_hint"), *hd = fc_query(req, "hd");
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, TITLE, "Choose an account", NULL);
	page_addf(&b, "<p>to continue to <strong id=\"application\">%s</strong>, which asks for:</p>\n",
		client->t ? client->t->name : "sekisho (operator)");
	page_words(&b, "permissions", fc_query(req, "scope"));
	buf_adds(&b, "<form id=\"consent\" method=\"post\">\n<label for=\"account\">Account</label>\n<select id=\"account\" name=\"account\">\n");
	for (size_t i = 0; i < gg_ntenants; i++) {
		const struct gg_tenant *t = gg_tenants[i];
		if ((client->t && client->t != t) || (hd && strcmp(hd, "*") && strcasecmp(hd, t->domain)))
			continue;
		page_account(&b, t->admin->email, "administrator", hint);
		for (size_t u = 0; u < t->nusers; u++) {
			if (!t->users[u]->service && t->users[u] != t->admin)
				page_account(&b, t->users[u]->email, "user", hint);
		}
	}
	buf_adds(&b, "</select>\n");
	page_decide(&b, "Continue", "Cancel");
	page_send(res, 200, &b);
}

static struct gg_user *account(const struct client *client, const char *address)
{
	if (!address)
		return client->t ? client->t->admin : gg_ntenants ? gg_tenants[0]->admin : NULL;
	for (size_t i = 0; i < gg_ntenants; i++) {
		struct gg_user *u = gg_user_find(gg_tenants[i], address);
		if (u && !u->service && (!client->t || client->t == gg_tenants[i]))
			return u;
	}
	return NULL;
}

static void authorize(struct fc_request *req, struct fc_response *res)
{
	_cleanup_buf_ struct buf query = BUF_INIT(64 << 10);
	const char *who, *decision, *access = fc_query(req, "access_type"), *state = fc_query(req, "state"), *bad;
	struct client client;
	struct gg_user *u;

	if (!request_ok(req, res, &client))
		return;
	decision = page_decision(req, &who);
	if (!decision) {
		page(req, res, &client);
		return;
	}
	if (!strcmp(decision, "deny")) {
		refuse(req, res, "access_denied");
		return;
	}
	u = account(&client, who);
	if (!u) {
		failure(res, 403, "org_internal", "This client is restricted to users within its organization.");
		return;
	}
	req->tenant = u->tenant->name;
	struct fc_code *code = code_new(req, GG, u->tenant->name, client.id, u->id, "4/0A", CODE_LIFE_MS);
	code->offline = access && !strcmp(access, "offline");
	if (state)
		form_add(&query, "state", state);
	form_add(&query, "iss", fc_url(GG));
	form_add(&query, "code", code->text);
	form_add(&query, "scope", long_names(req->arena, code->scope, &bad));
	form_add(&query, "authuser", "0");
	form_add(&query, "hd", u->tenant->domain);
	form_add(&query, "prompt", "consent");
	page_redirect(res, fc_query(req, "redirect_uri"), &query, false);
}

/* ---- the token address ---- */

static char *id_token(struct arena *arena, const struct gg_user *u, const char *client, const char *scope, const char *nonce,
	const char *access)
{
	cJSON *claims = cJSON_CreateObject();
	int64_t now = fc_now() / 1000;

	cJSON_AddStringToObject(claims, "iss", fc_url(GG));
	cJSON_AddStringToObject(claims, "azp", client);
	cJSON_AddStringToObject(claims, "aud", client);
	cJSON_AddStringToObject(claims, "sub", u->id);
	cJSON_AddStringToObject(claims, "hd", u->tenant->domain);
	if (fc_has_word(scope, ROOT "userinfo.email", strlen(ROOT "userinfo.email"))) {
		cJSON_AddStringToObject(claims, "email", u->email);
		cJSON_AddBoolToObject(claims, "email_verified", true);
	}
	cJSON_AddStringToObject(claims, "at_hash", idtoken_at_hash(arena, access));
	if (nonce && *nonce)
		cJSON_AddStringToObject(claims, "nonce", nonce);
	if (fc_has_word(scope, ROOT "userinfo.profile", strlen(ROOT "userinfo.profile"))) {
		cJSON_AddStringToObject(claims, "name", u->full);
		cJSON_AddStringToObject(claims, "given_name", u->given);
		cJSON_AddStringToObject(claims, "family_name", u->family);
	}
	cJSON_AddNumberToObject(claims, "iat", (double)now);
	cJSON_AddNumberToObject(claims, "exp", (double)now + 3600);
	return idtoken_sign(arena, GG, claims);
}

static void issue(struct fc_request *req, struct fc_response *res, const struct gg_user *u, const char *client,
	const char *scope, struct fc_code *code)
{
	struct fc_token *t = fc_token_issue(GG, u->tenant->name, "ya29.a0", TOKEN_LIFE_S);
	cJSON *doc = cJSON_CreateObject();

	snprintf(t->subject, sizeof(t->subject), "%s", u->email);
	snprintf(t->scope, sizeof(t->scope), "%s", scope);
	snprintf(t->client, sizeof(t->client), "%s", client);
	cJSON_AddStringToObject(doc, "access_token", t->text);
	cJSON_AddNumberToObject(doc, "expires_in", TOKEN_LIFE_S);
	if (code)
		code_issued(code, t);
	if (code && code->offline) {
		struct fc_token *r = fc_token_issue(REFRESH, u->tenant->name, "1//0g", REFRESH_LIFE_S);
		memcpy(r->subject, t->subject, sizeof(r->subject));
		memcpy(r->scope, t->scope, sizeof(r->scope));
		memcpy(r->client, t->client, sizeof(r->client));
		code_issued(code, r);
		cJSON_AddStringToObject(doc, "refresh_token", r->text);
	}
	cJSON_AddStringToObject(doc, "scope", scope);
	cJSON_AddStringToObject(doc, "token_type", "Bearer");
	if (fc_has_word(scope, "openid", strlen("openid")))
		cJSON_AddStringToObject(doc, "id_token",
			id_token(req->arena, u, client, scope, code ? code->nonce : NULL, t->text));
	fc_set_header(res, "Content-Type", "application/json; charset=utf-8");
	fc_set_header(res, "Cache-Control", "no-cache, no-store, max-age=0, must-revalidate");
	fc_json(res, 200, doc);
}

/* Client id and secret, in the body or by Basic; false: answered. */
static bool client_ok(struct fc_request *req, struct fc_response *res, struct client *ret)
{
	const char *id = gg_oauth_param(req, "client_id"), *secret = gg_oauth_param(req, "client_secret");
	const char *basic = fc_header(req, "Authorization");
	_cleanup_buf_ struct buf plain = BUF_INIT(4096);
	const char *colon;

	if (basic && !strncasecmp(basic, "Basic ", 6) && base64_decode(&plain, basic + 6, strlen(basic + 6)) == 0 &&
		(colon = strchr(buf_str(&plain), ':'))) {
		id = arena_dupn(req->arena, plain.data, (size_t)(colon - plain.data));
		secret = arena_dup(req->arena, colon + 1);
	}
	if (!id || !*id)
		gg_oauth_fail(res, 400, "invalid_request", "Could not determine client ID from request.");
	else if (!client_find(id, ret))
		gg_oauth_fail(res, 401, "invalid_client", "The OAuth client was not found.");
	else if (!secret || !*secret)
		gg_oauth_fail(res, 400, "invalid_request", "client_secret is missing.");
	else if (strcmp(secret, ret->secret) != 0)
		gg_oauth_fail(res, 401, "invalid_client", "The provided client secret is invalid.");
	else
		return true;
	return false;
}

void gg_code_grant(struct fc_request *req, struct fc_response *res)
{
	const char *text = gg_oauth_param(req, "code"), *bad;
	struct fc_code *code = NULL;
	struct client client;

	if (!client_ok(req, res, &client))
		return;
	if (!text || !*text)
		return gg_oauth_fail(res, 400, "invalid_request", "Missing required parameter: code");
	const char *verifier = gg_oauth_param(req, "code_verifier");
	switch (code_take(GG, text, client.id, gg_oauth_param(req, "redirect_uri"), verifier, &code)) {
	case CODE_GOOD:
		break;
	case CODE_REDIRECT:
		return gg_oauth_fail(res, 400, "redirect_uri_mismatch", "Bad Request");
	case CODE_VERIFIER:
		return gg_oauth_fail(res, 400, "invalid_grant", verifier ? "Invalid code verifier." : "Missing code verifier.");
	case CODE_UNKNOWN:
		return gg_oauth_fail(res, 400, "invalid_grant", "Malformed auth code.");
	default:
		return gg_oauth_fail(res, 400, "invalid_grant", "Bad Request");
	}
	req->tenant = code->tenant;
	for (size_t i = 0; i < gg_ntenants; i++) {
		struct gg_user *u = gg_tenants[i]->name == code->tenant ? gg_user_find(gg_tenants[i], code->subject) : NULL;
		if (u)
			return issue(req, res, u, client.id, long_names(req->arena, code->scope, &bad), code);
	}
	gg_oauth_fail(res, 400, "invalid_grant", "Account has been deleted");
}

bool gg_refresh_grant(struct fc_request *req, struct fc_response *res)
{
	const char *text = gg_oauth_param(req, "refresh_token");
	struct fc_token *refresh = text ? fc_token_find(REFRESH, text) : NULL;
	struct client client;

	if (!refresh)
		return false;
	req->tenant = refresh->tenant;
	if (!client_ok(req, res, &client))
		return true;
	struct gg_tenant *t = gg_tenant_of_address(refresh->subject);
	struct gg_user *u = t ? gg_user_find(t, refresh->subject) : NULL;
	if (!u || strcmp(refresh->client, client.id) != 0)
		gg_oauth_fail(res, 400, "invalid_grant", "Bad Request");
	else if (refresh->revoked || t->revoked || refresh->expires_at <= fc_now())
		gg_oauth_fail(res, 400, "invalid_grant", "Token has been expired or revoked.");
	else
		issue(req, res, u, client.id, refresh->scope, NULL);
	return true;
}

bool gg_refresh_revoke(const char *text)
{
	struct fc_token *refresh = fc_token_find(REFRESH, text);

	if (!refresh || refresh->revoked)
		return false;
	refresh->revoked = true;
	fc_token_revoke_client(GG, refresh->tenant, refresh->client);
	return true;
}

/* ---- documents ---- */

static void add_words(cJSON *doc, const char *key, const char *words)
{
	cJSON *list = cJSON_AddArrayToObject(doc, key);

	for (const char *p = words; *p;) {
		size_t n = strcspn(p, " ");
		_cleanup_free_ char *word = strndup(p, n);
		cJSON_AddItemToArray(list, cJSON_CreateString(word ? word : ""));
		p += n;
		p += strspn(p, " ");
	}
}

static void discovery(struct fc_request *req, struct fc_response *res)
{
	static const char *const places[][2] = {{"authorization_endpoint", "/o/oauth2/v2/auth"}, {"token_endpoint", "/token"},
		{"userinfo_endpoint", "/v1/userinfo"}, {"revocation_endpoint", "/revoke"}, {"jwks_uri", "/oauth2/v3/certs"}};
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "issuer", fc_url(GG));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		cJSON_AddStringToObject(doc, places[i][0], arena_printf(req->arena, "%s%s", fc_url(GG), places[i][1]));
	add_words(doc, "response_types_supported", "code");
	add_words(doc, "response_modes_supported", "query");
	add_words(doc, "subject_types_supported", "public");
	add_words(doc, "id_token_signing_alg_values_supported", "RS256");
	add_words(doc, "scopes_supported", "openid email profile");
	add_words(doc, "token_endpoint_auth_methods_supported", "client_secret_post client_secret_basic");
	add_words(doc, "claims_supported", "aud email email_verified exp family_name given_name iat iss name sub");
	add_words(doc, "code_challenge_methods_supported", "plain S256");
	add_words(doc, "grant_types_supported", "authorization_code refresh_token urn:ietf:params:oauth:grant-type:jwt-bearer");
	cJSON_AddBoolToObject(doc, "authorization_response_iss_parameter_supported", true);
	fc_json(res, 200, doc);
}

static void certificates(struct fc_response *res)
{
	const char *kid, *pem = idtoken_certificate(GG, &kid);
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, kid, pem);
	fc_json(res, 200, doc);
}

static void userinfo(struct fc_request *req, struct fc_response *res)
{
	const struct fc_token *token = fc_token_of(req);
	bool live = token && !token->revoked && token->expires_at > fc_now();
	const struct gg_tenant *t = live ? gg_tenant_of_address(token->subject) : NULL;
	const struct gg_user *u = t ? gg_user_find(t, token->subject) : NULL;

	if (!u)
		return gg_oauth_fail(res, 401, "invalid_request", "Invalid Credentials");
	req->tenant = t->name;
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "sub", u->id);
	if (fc_has_word(token->scope, ROOT "userinfo.profile", strlen(ROOT "userinfo.profile"))) {
		cJSON_AddStringToObject(doc, "name", u->full);
		cJSON_AddStringToObject(doc, "given_name", u->given);
		cJSON_AddStringToObject(doc, "family_name", u->family);
	}
	if (fc_has_word(token->scope, ROOT "userinfo.email", strlen(ROOT "userinfo.email"))) {
		cJSON_AddStringToObject(doc, "email", u->email);
		cJSON_AddBoolToObject(doc, "email_verified", true);
	}
	cJSON_AddStringToObject(doc, "hd", t->domain);
	fc_json(res, 200, doc);
}

void gg_start_page(struct fc_response *res)
{
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, TITLE, "Google Workspace domains", NULL);
	buf_adds(&b, "<table id=\"tenants\"><thead><tr><th>Domain</th><th>Customer ID</th><th>Administrator</th><th></th></tr></thead>\n");
	for (size_t i = 0; i < gg_ntenants; i++) {
		const struct gg_tenant *t = gg_tenants[i];
		page_addf(&b,
			"<tr><td>%s</td><td><code>%s</code></td><td>%s</td><td><a "
			"href=\"/ac/owl/domainwidedelegation?domain=%s\">Domain-wide delegation of %s</a><br><a "
			"href=\"/iam-admin/serviceaccounts?domain=%s\">Service accounts of %s</a></td></tr>\n",
			t->domain, t->customer_id, t->admin->email, t->domain, t->domain, t->domain, t->domain);
	}
	buf_adds(&b, "</table>\n");
	page_send(res, 200, &b);
}

bool gg_page(struct fc_request *req, struct fc_response *res)
{
	const char *p = req->path;

	if (page_start_wanted(req))
		gg_start_page(res);
	else if (!strcmp(p, "/ac/owl/domainwidedelegation"))
		gg_delegation_page(req, res);
	else if (!strcmp(p, "/iam-admin/serviceaccounts"))
		gg_key_page(req, res);
	else if (!strcmp(p, "/o/oauth2/v2/auth") || !strcmp(p, "/o/oauth2/auth"))
		authorize(req, res);
	else if (!strcmp(p, "/.well-known/openid-configuration"))
		discovery(req, res);
	else if (!strcmp(p, "/oauth2/v3/certs"))
		fc_json(res, 200, idtoken_keys(GG));
	else if (!strcmp(p, "/oauth2/v1/certs"))
		certificates(res);
	else if (!strcmp(p, "/v1/userinfo") || !strcmp(p, "/oauth2/v3/userinfo"))
		userinfo(req, res);
	else
		return false;
	return true;
}
