/* Signing people in: /oauth2/v2.0/authorize with its page, and authorization codes and refresh tokens at the token
 * address. Source: "OAuth 2.0 authorization code flow", "OpenID Connect", "ID token claims reference". Tokens of people
 * are good for userinfo alone: no delegated permission of Graph is stood in for. */
#include "fakecloud/microsoft/app.h"

#include "base/encode.h"

#include <string.h>
#include <strings.h>

#define CODE_LIFE_MS (10 * 60 * 1000)
#define TOKEN_LIFE_S 3599
#define REFRESH_LIFE_S (90 * 86400)
#define REFRESH "microsoft refresh" /* refresh tokens are no access tokens, so they have a table of their own */

static bool word_in(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words + strspn(words, " "); *p;) {
		size_t len = strcspn(p, " ");
		if (len == n && !strncasecmp(p, word, n))
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

/* ---- the page ---- */

/* Parameters back to the application, by the response mode that it asked for. */
static void answer(struct ms_ctx *c, struct buf *query)
{
	const char *mode = fc_query(c->req, "response_mode"), *state = fc_query(c->req, "state");
	const char *redirect = fc_query(c->req, "redirect_uri");

	if (state)
		form_add(query, "state", state);
	if (mode && !strcmp(mode, "form_post"))
		page_form_post(c->res, "Microsoft", redirect, query);
	else
		page_redirect(c->res, redirect, query, mode && !strcmp(mode, "fragment"));
}

static void refuse(struct ms_ctx *c, const char *error, const char *description, const char *subcode)
{
	_cleanup_buf_ struct buf query = BUF_INIT(64 << 10);

	form_add(&query, "error", error);
	if (subcode)
		form_add(&query, "error_subcode", subcode);
	form_add(&query, "error_description", description);
	answer(c, &query);
}

/* What may go wrong before anybody is asked; false: answered. */
static bool request_ok(struct ms_ctx *c)
{
	const char *type = fc_query(c->req, "response_type"), *scope = fc_query(c->req, "scope");
	const char *wrong = code_challenge_wrong(c->req), *prompt = fc_query(c->req, "prompt");

	if (!type || strcmp(type, "code") != 0)
		refuse(c, "unsupported_response_type",
			"AADSTS700054: response_type must be 'code'; others are not enabled for the application.", NULL);
	else if (!scope || !*scope)
		refuse(c, "invalid_request",
			"AADSTS900144: The request body must contain the following parameter: 'scope'.", NULL);
	else if (wrong)
		refuse(c, "invalid_request", ms_fmt(c, "AADSTS501491: Invalid size or form of Code_Challenge parameter: %s.", wrong),
			NULL);
	else if (prompt && !strcmp(prompt, "none"))
		refuse(c, "login_required",
			"AADSTS50058: A silent sign-in request was sent but no user is signed in.", NULL);
	else
		return true;
	return false;
}

static void page(struct ms_ctx *c, const struct ms_app *app)
{
	struct buf b = BUF_INIT(PAGE_MAX);

	page_open(&b, "Microsoft", "Sign in", NULL);
	page_addf(&b, "<p>to continue to <strong id=\"application\">%s</strong>, which asks for:</p>\n", app->name);
	page_words(&b, "permissions", fc_query(c->req, "scope"));
	ms_accounts(c, &b, false);
	page_decide(&b, "Sign in", "Cancel");
	page_send(c->res, 200, &b);
}

void ms_authorize(struct ms_ctx *c)
{
	_cleanup_buf_ struct buf query = BUF_INIT(64 << 10);
	struct ms_app *app = ms_request_app(c);
	const char *account, *decision;
	struct ms_user *u;

	if (!app || !request_ok(c))
		return;
	decision = page_decision(c->req, &account);
	if (!decision) {
		page(c, app);
		return;
	}
	if (!strcmp(decision, "deny")) {
		refuse(c, "access_denied", "AADSTS65004: User declined to consent to access the app.", "cancel");
		return;
	}
	u = ms_account(c, account);
	if (!u || (app->home && app->home != u->tenant)) {
		ms_failure(c, 50020, "The user account does not exist in the tenant and cannot access the application in that tenant.");
		return;
	}
	c->req->tenant = u->tenant->name;
	const struct fc_code *code =
		code_new(c->req, "microsoft", u->tenant->name, app->client_id, u->id, "1.A", CODE_LIFE_MS);
	form_add(&query, "code", code->text);
	char session[37];
	uuid_new(session);
	form_add(&query, "session_state", session);
	answer(c, &query);
}

/* ---- the token address ---- */

static void add_time(cJSON *claims, const char *name, int64_t ms)
{
	cJSON_AddNumberToObject(claims, name, (double)(ms / 1000));
}

static char *id_token(struct ms_ctx *c, const struct ms_app *app, const struct ms_user *u, const char *scope, const char *nonce,
	const char *access)
{
	cJSON *claims = cJSON_CreateObject();
	int64_t now = fc_now();

	j_str(claims, "aud", app->client_id);
	j_str(claims, "iss", ms_fmt(c, "%s/%s/v2.0", ms_authority(c), u->tenant->directory));
	add_time(claims, "iat", now);
	add_time(claims, "nbf", now);
	add_time(claims, "exp", now + 3600 * 1000);
	if (nonce && *nonce)
		j_str(claims, "nonce", nonce);
	j_str(claims, "sub", idtoken_pairwise(c->req->arena, app->client_id, u->id));
	j_str(claims, "tid", u->tenant->directory);
	j_str(claims, "at_hash", idtoken_at_hash(c->req->arena, access));
	j_str(claims, "ver", "2.0");
	if (word_in(scope, "profile")) {
		j_str(claims, "oid", u->id);
		j_str(claims, "name", u->display);
		j_str(claims, "preferred_username", u->upn);
	}
	/* Entra does not say email_verified: the optional claim xms_edov says that the address's domain is the tenant's. */
	if (word_in(scope, "email")) {
		j_str(claims, "email", u->upn);
		j_bool(claims, "xms_edov", true);
	}
	return idtoken_sign(c->req->arena, "microsoft", claims);
}

/* For MSAL: who signed in, as it names accounts. */
static char *client_info(struct ms_ctx *c, const struct ms_user *u)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1024);
	const char *text = ms_fmt(c, "{\"uid\":\"%s\",\"utid\":\"%s\"}", u->id, u->tenant->directory);

	base64url_encode(&b, text, strlen(text));
	return ms_fmt(c, "%s", buf_str(&b));
}

static void issue(struct ms_ctx *c, const struct ms_app *app, const struct ms_user *u, const char *scope, const char *nonce,
	struct fc_code *code)
{
	struct fc_token *t = fc_token_issue("microsoft", u->tenant->name, "EwB", TOKEN_LIFE_S);
	cJSON *doc = cJSON_CreateObject();

	snprintf(t->scope, sizeof(t->scope), "%s", scope);
	snprintf(t->client, sizeof(t->client), "%s", app->client_id);
	snprintf(t->subject, sizeof(t->subject), "%s", u->id);
	if (code)
		code_issued(code, t);
	j_str(doc, "token_type", "Bearer");
	j_str(doc, "scope", scope);
	j_num(doc, "expires_in", TOKEN_LIFE_S);
	j_num(doc, "ext_expires_in", TOKEN_LIFE_S);
	j_str(doc, "access_token", t->text);
	if (word_in(scope, "offline_access")) {
		struct fc_token *r = fc_token_issue(REFRESH, u->tenant->name, "1.A", REFRESH_LIFE_S);
		memcpy(r->scope, t->scope, sizeof(r->scope));
		memcpy(r->client, t->client, sizeof(r->client));
		memcpy(r->subject, t->subject, sizeof(r->subject));
		j_str(doc, "refresh_token", r->text);
		if (code)
			code_issued(code, r);
	}
	if (word_in(scope, "openid"))
		j_str(doc, "id_token", id_token(c, app, u, scope, nonce, t->text));
	j_str(doc, "client_info", client_info(c, u));
	fc_set_header(c->res, "Cache-Control", "no-store, no-cache");
	fc_set_header(c->res, "Pragma", "no-cache");
	fc_set_header(c->res, "Content-Type", "application/json; charset=utf-8");
	fc_json(c->res, 200, doc);
}

static void code_refused(struct ms_ctx *c, enum code_state state)
{
	switch (state) {
	case CODE_USED:
		ms_login_error(c, 400, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.");
		break;
	case CODE_EXPIRED:
		ms_login_error(c, 400, "invalid_grant", 70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.");
		break;
	case CODE_REDIRECT:
		ms_login_error(c, 400, "invalid_grant", 500112, "The reply address does not match the reply address provided when requesting the Authorization code.");
		break;
	case CODE_VERIFIER:
		ms_login_error(c, 400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.");
		break;
	case CODE_CLIENT:
		ms_login_error(c, 400, "invalid_grant", 700005, "The provided Authorization Code is intended to use against another application.");
		break;
	default:
		ms_login_error(c, 400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.");
	}
}

/* The directory of the path fits the person's; false: answered. */
static bool directory_ok(struct ms_ctx *c, const struct ms_tenant *t)
{
	if (!strcasecmp(c->seg[0], "common") || !strcasecmp(c->seg[0], "organizations") || ms_tenant_find(c->seg[0]) == t)
		return true;
	ms_login_error(c, 400, "invalid_grant", 70000, "Provided grant is invalid or malformed.");
	return false;
}

void ms_signin_token(struct ms_ctx *c, const char *client_id)
{
	const char *grant = fc_form(c->req, "grant_type"), *text;
	bool by_code = !strcmp(grant, "authorization_code");
	struct ms_app *app = ms_app_find(client_id);
	struct fc_token *refresh = NULL;
	struct fc_code *code = NULL;
	struct ms_tenant *t = NULL;

	text = fc_form(c->req, by_code ? "code" : "refresh_token");
	if (!app || !text || !*text) {
		ms_login_error(c, 400, app ? "invalid_request" : "unauthorized_client", app ? 900144 : 700016,
			!app	? "Application with this identifier was not found in the directory." :
			by_code ? "The request body must contain the following parameter: 'code'." :
				  "The request body must contain the following parameter: 'refresh_token'.");
		return;
	}
	if (by_code)
		code = code_find("microsoft", text);
	else
		refresh = fc_token_find(REFRESH, text);
	if (code || refresh)
		t = ms_tenant_named(code ? code->tenant : refresh->tenant);
	if (t && !directory_ok(c, t))
		return;
	if (t)
		c->req->tenant = t->name;
	/* The client first: nobody else may use a code up. */
	if (!ms_client_ok(c, t ? t : ms_tenant_nth(0), app, client_id))
		return;
	if (!by_code && (!refresh || refresh->revoked || strcasecmp(refresh->client, app->client_id) != 0)) {
		code_refused(c, CODE_UNKNOWN);
		return;
	}
	if (!by_code && refresh->expires_at <= fc_now()) {
		code_refused(c, CODE_EXPIRED);
		return;
	}
	enum code_state state = by_code ? code_take("microsoft", text, app->client_id, fc_form(c->req, "redirect_uri"),
						  fc_form(c->req, "code_verifier"), &code) :
					  CODE_GOOD;
	if (state != CODE_GOOD) {
		code_refused(c, state);
		return;
	}
	const struct ms_user *u = ms_user_find(t, by_code ? code->subject : refresh->subject);
	if (u)
		issue(c, app, u, by_code ? code->scope : refresh->scope, by_code ? code->nonce : NULL, code);
	else
		ms_login_error(c, 400, "invalid_grant", 50034, "The user account does not exist in the directory.");
}
