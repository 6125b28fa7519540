/* Google's token endpoint: service accounts with domain-wide delegation (RFC 7523), refresh tokens, /revoke
 * and /tokeninfo. Error texts are the provider's. */
#include "fakecloud/google/consent.h"

#include <string.h>
#include <strings.h>

#define LIFE_S 3599
#define SKEW_S 300
#define REAL_TOKEN "https://oauth2.googleapis.com/token"
#define SCOPE_ROOT "https://www.googleapis.com/auth/"

#define SHORT_LIVED                                                                                          \
	"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check "  \
	"your iat "                                                                                          \
	"and exp values in the JWT claim."
#define UNAUTHORIZED                                                                                         \
	"Client is unauthorized to retrieve access tokens using this method, or client not authorized for "  \
	"any of "                                                                                            \
	"the scopes requested."

const char *const gg_granted[] = {
	"https://mail.google.com/",
	SCOPE_ROOT "gmail.modify",
	SCOPE_ROOT "gmail.readonly",
	SCOPE_ROOT "gmail.metadata",
	SCOPE_ROOT "gmail.labels",
	SCOPE_ROOT "gmail.insert",
	SCOPE_ROOT "gmail.compose",
	SCOPE_ROOT "gmail.settings.basic",
	SCOPE_ROOT "drive",
	SCOPE_ROOT "drive.readonly",
	SCOPE_ROOT "drive.file",
	SCOPE_ROOT "drive.metadata",
	SCOPE_ROOT "drive.metadata.readonly",
	SCOPE_ROOT "drive.appdata",
	SCOPE_ROOT "admin.directory.user",
	SCOPE_ROOT "admin.directory.user.readonly",
	SCOPE_ROOT "admin.directory.user.alias.readonly",
	SCOPE_ROOT "admin.directory.user.security",
	SCOPE_ROOT "admin.directory.group",
	SCOPE_ROOT "admin.directory.group.readonly",
	SCOPE_ROOT "admin.directory.group.member.readonly",
	SCOPE_ROOT "admin.directory.domain.readonly",
	SCOPE_ROOT "admin.directory.customer.readonly",
	SCOPE_ROOT "admin.directory.orgunit.readonly",
	SCOPE_ROOT "admin.directory.rolemanagement.readonly",
	SCOPE_ROOT "admin.reports.audit.readonly",
	NULL,
};

void gg_oauth_fail(struct fc_response *res, int status, const char *error, const char *description)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "error", error);
	cJSON_AddStringToObject(doc, "error_description", description);
	fc_set_header(res, "Content-Type", "application/json; charset=utf-8");
	fc_set_header(res, "Cache-Control", "no-cache, no-store, max-age=0, must-revalidate");
	fc_json(res, status, doc);
}

/* A parameter from a form, the query or a JSON body. */
const char *gg_oauth_param(struct fc_request *req, const char *name)
{
	const char *type = fc_header(req, "Content-Type");

	if (type && !strncasecmp(type, "application/json", 16))
		return json_str(fc_body_json(req), name);
	return fc_form(req, name);
}

static bool granted(const char *scope)
{
	for (const char *const *g = gg_granted; *g; g++) {
		if (!strcmp(*g, scope))
			return true;
	}
	return false;
}

/* All or nothing: *ret_bad is a scope that is none at all, *ret_missing one that was not delegated. */
static int scopes_check(struct arena *a, const char *scope, const char **ret_bad, const char **ret_missing)
{
	int n = 0;

	for (const char *p = scope ? scope : ""; *p;) {
		size_t len = strcspn(p, " ");
		char *word = arena_dupn(a, p, len);
		p += len;
		p += strspn(p, " ");
		if (!*word)
			continue;
		n++;
		if (!gg_has_prefix(word, SCOPE_ROOT) && strcmp(word, gg_granted[0]) != 0 &&
			strcmp(word, "openid") != 0 && strcmp(word, "email") != 0 &&
			strcmp(word, "profile") != 0)
			*ret_bad = word;
		else if (!granted(word))
			*ret_missing = word;
	}
	return n;
}

static void issue(struct fc_response *res, struct gg_tenant *t, const struct gg_user *user,
	const char *client, const char *scope, bool with_scope)
{
	struct fc_token *token = fc_token_issue(GG, t->name, with_scope ? "ya29.a0" : "ya29.c.", LIFE_S);

	snprintf(token->subject, sizeof(token->subject), "%s", user->email);
	snprintf(token->scope, sizeof(token->scope), "%s", scope);
	snprintf(token->client, sizeof(token->client), "%s", client);
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "access_token", token->text);
	cJSON_AddNumberToObject(doc, "expires_in", LIFE_S);
	if (with_scope)
		cJSON_AddStringToObject(doc, "scope", scope);
	cJSON_AddStringToObject(doc, "token_type", "Bearer");
	fc_set_header(res, "Content-Type", "application/json; charset=utf-8");
	fc_set_header(res, "Cache-Control", "no-cache, no-store, max-age=0, must-revalidate");
	fc_json(res, 200, doc);
}

static bool times_ok(const cJSON *claims)
{
	int64_t now = fc_now() / 1000;
	const cJSON *iat = json_get(claims, "iat"), *exp = json_get(claims, "exp");

	if (!cJSON_IsNumber(iat) || !cJSON_IsNumber(exp))
		return false;
	double i = iat->valuedouble, e = exp->valuedouble;
	return i <= (double)(now + SKEW_S) && e > (double)now && e - i <= 3600 && e > i;
}

static bool aud_ok(const struct fc_request *req, const cJSON *claims)
{
	static const char *const older[] = {"https://accounts.google.com/o/oauth2/token",
		"https://www.googleapis.com/oauth2/v4/token", "https://www.googleapis.com/oauth2/v3/token"};
	const char *aud = json_str(claims, "aud");

	if (fc_aud_ok(req, aud, REAL_TOKEN, "/token"))
		return true;
	for (size_t i = 0; aud && i < ARRAY_SIZE(older); i++) {
		if (!strcmp(aud, older[i]))
			return true;
	}
	return false;
}

static void jwt_bearer(struct fc_request *req, struct fc_response *res)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL;
	const char *jwt = gg_oauth_param(req, "assertion"), *why = NULL;

	if (!jwt)
		return gg_oauth_fail(res, 400, "invalid_request", "Missing required parameter: assertion");
	if (fc_jwt_peek(jwt, &header, &claims) < 0)
		return gg_oauth_fail(res, 400, "invalid_grant", "Invalid JWT: malformed assertion.");
	const char *iss = json_str(claims, "iss"), *kid = json_str(header, "kid");
	struct gg_tenant *t = iss ? gg_tenant_of_service(iss) : NULL;
	/* An account that no seed has: whom it acts for says where. */
	const struct gg_service *op = !t && iss ? gg_service_find(iss) : NULL;
	if (!t && !op)
		return gg_oauth_fail(res, 400, "invalid_grant", "Invalid grant: account not found");
	if (t)
		req->tenant = t->name;
	json_free(TAKE_PTR(header));
	json_free(TAKE_PTR(claims));
	if (fc_jwt_verify(jwt, "RS256", (op ? op->keys : t->keys)->public_pem, &header, &claims, &why) < 0)
		return gg_oauth_fail(res, 400, "invalid_grant", "Invalid JWT Signature.");
	if (kid = json_str(header, "kid"), kid && strcmp(kid, op ? op->key_id : t->key_id) != 0)
		return gg_oauth_fail(res, 400, "invalid_grant", "Invalid JWT Signature.");
	if (!aud_ok(req, claims))
		return gg_oauth_fail(res, 400, "invalid_grant",
			"Invalid JWT: Failed audience check. The right audience is " REAL_TOKEN);
	if (!times_ok(claims))
		return gg_oauth_fail(res, 400, "invalid_grant", SHORT_LIVED);
	const char *scope = json_str(claims, "scope"), *bad = NULL, *missing = NULL;
	const char *sub = json_str(claims, "sub");
	if (!sub || !*sub)
		sub = json_str(claims, "prn");
	if (!scopes_check(req->arena, scope, &bad, &missing))
		return gg_oauth_fail(res, 400, "invalid_scope", "Empty or missing scope not allowed.");
	if (bad)
		return gg_oauth_fail(res, 400, "invalid_scope",
			arena_printf(req->arena, "Some requested scopes were invalid. {invalid=[%s]}", bad));
	if (strlen(scope) >= sizeof(((struct fc_token *)0)->scope))
		return gg_oauth_fail(res, 400, "invalid_scope", "Too many scopes.");
	if (op) {
		t = gg_tenant_of_address(sub);
		if (!t)
			return gg_oauth_fail(res, 401, "unauthorized_client", UNAUTHORIZED);
		req->tenant = t->name;
	} else if (!sub || !*sub || !strcasecmp(sub, t->client_email))
		return issue(res, t, t->service, t->client_id, scope, false);
	const char *client = op ? op->client_id : t->client_id;
	if (!gg_delegated(t, client, scope))
		return gg_oauth_fail(res, 401, "unauthorized_client", UNAUTHORIZED);
	struct gg_user *user = gg_user_find(t, sub);
	if (!user || user->service) {
		const char *at = strchr(sub, '@');
		bool ours = at && !strcasecmp(at + 1, t->domain);
		if (at && !ours)
			return gg_oauth_fail(res, 401, "unauthorized_client", UNAUTHORIZED);
		return gg_oauth_fail(res, 400, "invalid_grant", "Invalid email or User ID");
	}
	issue(res, t, user, client, scope, false);
}

static void refresh(struct fc_request *req, struct fc_response *res)
{
	const char *id = gg_oauth_param(req, "client_id"), *secret = gg_oauth_param(req, "client_secret");
	const char *text = gg_oauth_param(req, "refresh_token"), *scope = gg_oauth_param(req, "scope");
	const char *bad = NULL, *missing = NULL;
	struct gg_tenant *t = NULL;

	if (!id)
		return gg_oauth_fail(res, 400, "invalid_request", "Could not determine client ID from request.");
	for (size_t i = 0; i < gg_ntenants && !t; i++) {
		if (!strcmp(gg_tenants[i]->oauth_id, id))
			t = gg_tenants[i];
	}
	if (!t)
		return gg_oauth_fail(res, 401, "invalid_client", "The OAuth client was not found.");
	req->tenant = t->name;
	if (!secret || strcmp(secret, t->oauth_secret) != 0)
		return gg_oauth_fail(res, 401, "invalid_client", "The provided client secret is invalid.");
	if (!text)
		return gg_oauth_fail(res, 400, "invalid_request", "Missing required parameter: refresh_token");
	if (strcmp(text, t->refresh_token) != 0)
		return gg_oauth_fail(res, 400, "invalid_grant", "Bad Request");
	if (t->refresh_revoked || t->revoked)
		return gg_oauth_fail(res, 400, "invalid_grant", "Token has been expired or revoked.");
	if (scope && *scope && (scopes_check(req->arena, scope, &bad, &missing), bad || missing))
		return gg_oauth_fail(res, 400, "invalid_scope",
			arena_printf(req->arena, "Some requested scopes were invalid. {invalid=[%s]}",
				bad ? bad : missing));
	_cleanup_buf_ struct buf all = BUF_INIT(2000);
	for (const char *const *g = gg_granted; *g; g++)
		buf_addf(&all, "%s%s", all.len ? " " : "", *g);
	issue(res, t, t->admin, t->oauth_id, scope && *scope ? scope : buf_str(&all), true);
}

void gg_token_handle(struct fc_request *req, struct fc_response *res)
{
	if (strcmp(req->method, "POST") != 0)
		return gg_oauth_fail(res, 405, "invalid_request", "Only POST is allowed.");
	const char *grant = gg_oauth_param(req, "grant_type");
	if (!grant || !*grant)
		return gg_oauth_fail(res, 400, "invalid_request", "Required parameter is missing: grant_type");
	if (!strcmp(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer"))
		return jwt_bearer(req, res);
	if (!strcmp(grant, "refresh_token"))
		return gg_refresh_grant(req, res) ? (void)0 : refresh(req, res);
	if (!strcmp(grant, "authorization_code"))
		return gg_code_grant(req, res);
	gg_oauth_fail(res, 400, "unsupported_grant_type", arena_printf(req->arena, "Invalid grant_type: %s", grant));
}

void gg_revoke_handle(struct fc_request *req, struct fc_response *res)
{
	const char *text = gg_oauth_param(req, "token");

	if (!text)
		return gg_oauth_fail(res, 400, "invalid_request", "Missing required parameter: token");
	struct fc_token *token = fc_token_find(GG, text);
	if (token && !token->revoked && token->expires_at > fc_now()) {
		req->tenant = token->tenant;
		token->revoked = true;
		return fc_json(res, 200, cJSON_CreateObject());
	}
	if (gg_refresh_revoke(text))
		return fc_json(res, 200, cJSON_CreateObject());
	for (size_t i = 0; i < gg_ntenants; i++) {
		struct gg_tenant *t = gg_tenants[i];
		if (!strcmp(t->refresh_token, text) && !t->refresh_revoked) {
			req->tenant = t->name;
			t->refresh_revoked = true;
			return fc_json(res, 200, cJSON_CreateObject());
		}
	}
	gg_oauth_fail(res, 400, "invalid_token", "Token expired or revoked");
}

void gg_tokeninfo_handle(struct fc_request *req, struct fc_response *res)
{
	const char *text = gg_oauth_param(req, "access_token");
	struct fc_token *token = text ? fc_token_find(GG, text) : fc_token_of(req);

	if (!token || token->revoked || token->expires_at <= fc_now())
		return gg_oauth_fail(res, 400, "invalid_token", "Invalid Value");
	req->tenant = token->tenant;
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "azp", token->client);
	cJSON_AddStringToObject(doc, "aud", token->client);
	cJSON_AddStringToObject(doc, "scope", token->scope);
	gg_add_i64(doc, "exp", token->expires_at / 1000);
	gg_add_i64(doc, "expires_in", (token->expires_at - fc_now()) / 1000);
	cJSON_AddStringToObject(doc, "access_type", "offline");
	fc_json(res, 200, doc);
}
