/* The grants of Box that need more than a secret: JWT assertions, authorization codes and refresh tokens
 * (which are good for one use), and the page that gives out codes. State lock held. */
#include "fakecloud/box/consent.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>

#define CODE_LIFE_MS 30000
#define REFRESH_LIFE_MS (60ll * 86400 * 1000)

/* A code or a refresh token; kept for ever, so that a second use is known as one. */
struct ticket {
	char text[65], client[33];
	struct bx_user *user;
	struct fc_token *access; /* issued together with a refresh token */
	int64_t expires_at;
	bool code, used, withdrawn;
	char *redirect;
};

static struct map tickets;

static struct ticket *ticket_new(struct bx_user *user, const char *client, bool code)
{
	struct ticket *k = bx_alloc(sizeof(*k));

	random_hex(k->text, 32);
	snprintf(k->client, sizeof(k->client), "%s", client);
	k->user = user;
	k->code = code;
	k->expires_at = fc_now() + (code ? CODE_LIFE_MS : REFRESH_LIFE_MS);
	map_put(&tickets, k->text, k);
	return k;
}

char *bx_code_new(struct bx_user *user, const struct bx_client *client, const char *redirect)
{
	struct ticket *k = ticket_new(user, client->id, true);

	k->redirect = bx_strdup(redirect);
	return k->text;
}

char *bx_refresh_new(struct bx_user *user, const char *client, struct fc_token *access)
{
	struct ticket *k = ticket_new(user, client, false);

	k->access = access;
	return k->text;
}

static void end(struct ticket *k)
{
	k->used = true;
	if (k->access)
		k->access->revoked = true;
}

void bx_refresh_revoke(const struct bx_client *client, const char *text)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&tickets, &cursor, NULL, &value)) {
		struct ticket *k = value;
		if (!strcmp(k->client, client->id) && !k->code &&
			(!strcmp(k->text, text) || (k->access && !strcmp(k->access->text, text))))
			end(k);
	}
}

void bx_refresh_withdraw(struct bx_tenant *t, bool withdrawn)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&tickets, &cursor, NULL, &value)) {
		struct ticket *k = value;
		if (k->user->tenant != t)
			continue;
		if (strcmp(k->client, t->client_id) != 0)
			k->withdrawn = withdrawn;
		else if (withdrawn)
			end(k);
	}
}

static void claim_error(struct fc_response *res, const char *claim)
{
	char text[80];

	snprintf(text, sizeof(text), "Please check the '%s' claim.", claim);
	bx_oauth_error(res, 400, "invalid_grant", text);
}

/* exp and nbf against the providers' clock; the limit for exp is 60 s ahead. NULL, or the name of the wrong
 * claim; *ret_past when exp lies behind us. */
static const char *times_wrong(const cJSON *claims, bool *ret_past)
{
	int64_t now = fc_now() / 1000, exp, nbf;

	*ret_past = false;
	if (!json_int64(claims, "exp", &exp))
		return "exp";
	*ret_past = exp <= now;
	if (*ret_past || exp > now + 60)
		return "exp";
	if (json_int64(claims, "nbf", &nbf) && nbf > now)
		return "nbf";
	return NULL;
}

static const char *claim_wrong(
	struct fc_request *req, const struct bx_client *client, const cJSON *claims, struct bx_user **ret_user)
{
	struct bx_tenant *t;
	struct bx_user *service;
	const char *iss = json_str_or(claims, "iss", ""), *jti = json_str_or(claims, "jti", "");
	const char *type = json_str_or(claims, "box_sub_type", "");
	char number[32];
	const char *sub = json_id(claims, "sub", number, sizeof(number));
	size_t jti_len = strlen(jti);

	if (strcmp(iss, client->id) != 0)
		return "iss";
	if (strcmp(type, "enterprise") != 0 && strcmp(type, "user") != 0)
		return "box_sub_type";
	const cJSON *aud = json_get(claims, "aud");
	if (cJSON_IsArray(aud) && cJSON_GetArraySize(aud) == 1)
		aud = cJSON_GetArrayItem(aud, 0);
	if (!fc_aud_ok(req, cJSON_IsString(aud) ? aud->valuestring : NULL, "https://api.box.com/oauth2/token",
		    "/oauth2/token"))
		return "aud";
	if (jti_len < 16 || jti_len > 128)
		return "jti";
	if (!sub)
		return "sub";
	t = bx_client_tenant(client, type, sub);
	service = t ? bx_client_service(t, client) : NULL;
	*ret_user = !service		  ? NULL
		    : !strcmp(type, "user")	  ? bx_find(t, sub, BX_USER)
		    : !strcmp(sub, t->enterprise) ? service
						  : NULL;
	if (!*ret_user || (*ret_user)->deleted || strcmp((*ret_user)->status, "active") != 0)
		return "sub";
	return fc_jti_new("box", jti) ? NULL : "jti";
}

/* Does any enterprise that the assertion may mean let the application in? Its claims are not proved yet. */
static bool let_in(const struct bx_client *client, const char *assertion)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL;
	char number[32];

	if (client->t)
		return !client->t->revoked;
	if (fc_jwt_peek(assertion, &header, &claims) < 0)
		return true; /* said as malformed */
	const char *sub = json_id(claims, "sub", number, sizeof(number));
	return !sub || bx_client_tenant(client, json_str_or(claims, "box_sub_type", ""), sub);
}

void bx_jwt_grant(struct fc_request *req, struct fc_response *res, const struct bx_client *client)
{
	_cleanup_json_ cJSON *header = NULL, *claims = NULL;
	const char *assertion = fc_form(req, "assertion"), *why, *kid;
	struct bx_user *user = NULL;
	bool past;

	if (!assertion || !*assertion) {
		bx_oauth_error(res, 400, "invalid_request", "Missing parameter 'assertion'");
		return;
	}
	if (!let_in(client, assertion)) {
		bx_oauth_error(
			res, 400, "unauthorized_client", "This app is not authorized by the enterprise");
		return;
	}
	if (fc_jwt_verify(assertion, "RS256 RS384 RS512", client->key->public_pem, &header, &claims, &why) < 0) {
		bx_oauth_error(res, 400, "invalid_grant",
			!strcmp(why, "malformed")   ? "Invalid JWT format"
			: !strcmp(why, "algorithm") ? "Please check the 'alg' header."
						    : "OAuth JWT signature verification failed");
		return;
	}
	/* Clients without a kid exist; a wrong one names a key that was never registered. */
	kid = json_str(header, "kid");
	if (kid && *kid && strcmp(kid, client->key_id) != 0) {
		bx_oauth_error(res, 400, "invalid_grant", "Please check the 'kid' header.");
		return;
	}
	why = times_wrong(claims, &past);
	if (past) {
		bx_oauth_error(res, 400, "invalid_grant",
			"Current date time must be before the expiration date time specified in the 'exp' "
			"claim.");
		return;
	}
	if (!why)
		why = claim_wrong(req, client, claims, &user);
	if (why) {
		claim_error(res, why);
		return;
	}
	req->tenant = user->tenant->name;
	bx_oauth_issue(res, user, client->id, false);
}

void bx_code_grant(struct fc_request *req, struct fc_response *res, const struct bx_client *client)
{
	const char *code = fc_form(req, "code"), *redirect = fc_form(req, "redirect_uri");
	struct ticket *k = code ? map_get(&tickets, code) : NULL;

	if (!k || !k->code || strcmp(k->client, client->id) != 0 || k->used || k->withdrawn || bx_client_gone(k->user->tenant, client->id) ||
		(redirect && k->redirect && strcmp(redirect, k->redirect) != 0)) {
		bx_oauth_error(
			res, 400, "invalid_grant", "Auth code doesn't exist or is invalid for the client");
		return;
	}
	if (k->expires_at <= fc_now()) {
		bx_oauth_error(res, 400, "invalid_grant", "The authorization code has expired");
		return;
	}
	k->used = true;
	req->tenant = k->user->tenant->name;
	bx_oauth_issue(res, k->user, client->id, true);
}

void bx_refresh_grant(struct fc_request *req, struct fc_response *res, const struct bx_client *client)
{
	const char *text = fc_form(req, "refresh_token");
	struct ticket *k = text ? map_get(&tickets, text) : NULL;

	if (!k || k->code || strcmp(k->client, client->id) != 0 || bx_client_gone(k->user->tenant, client->id)) {
		bx_oauth_error(res, 400, "invalid_grant", "Invalid refresh token");
		return;
	}
	req->tenant = k->user->tenant->name;
	if (k->used || k->withdrawn || k->expires_at <= fc_now()) {
		bx_oauth_error(res, 400, "invalid_grant", "Refresh token has expired");
		return;
	}
	k->used = true; /* one use: the answer holds the next one */
	bx_oauth_issue(res, k->user, client->id, true);
}
