/* Box's OAuth addresses: tokens for the grants that Box knows, revocation, and the page where a user agrees.
 * Called by the router with the state lock held. Errors have OAuth's shape, not the API's. */
#include "fakecloud/box/box.h"

#include <inttypes.h>
#include <string.h>

#define TOKEN_LIFE_S 3600
#define GRANT_JWT "urn:ietf:params:oauth:grant-type:jwt-bearer"

void bx_oauth_error(struct fc_response *res, int status, const char *error, const char *description)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "error", error);
	cJSON_AddStringToObject(o, "error_description", description);
	fc_json(res, status, o);
}

void bx_oauth_issue(struct fc_response *res, struct bx_tenant *t, struct bx_user *user, bool refresh)
{
	struct fc_token *token = fc_token_issue("box", t->name, "", TOKEN_LIFE_S);
	cJSON *o = cJSON_CreateObject();

	if (!user->service)
		snprintf(token->subject, sizeof(token->subject), "%" PRIu64, user->id);
	snprintf(token->client, sizeof(token->client), "%s", t->client_id);
	snprintf(token->scope, sizeof(token->scope),
		"root_readwrite manage_managed_users manage_groups manage_webhook "
		"manage_enterprise_properties");
	cJSON_AddStringToObject(o, "access_token", token->text);
	cJSON_AddNumberToObject(o, "expires_in", TOKEN_LIFE_S);
	cJSON_AddItemToObject(o, "restricted_to", cJSON_CreateArray());
	if (refresh)
		cJSON_AddStringToObject(o, "refresh_token", bx_refresh_new(t, user, token));
	cJSON_AddStringToObject(o, "token_type", "bearer");
	fc_set_header(res, "Cache-Control", "no-store");
	fc_json(res, 200, o);
}

static bool secret_ok(struct fc_request *req, const struct bx_tenant *t)
{
	const char *secret = fc_form(req, "client_secret");
	return secret && !strcmp(secret, t->client_secret);
}

static void client_credentials(struct fc_request *req, struct fc_response *res, struct bx_tenant *t)
{
	const char *type = fc_form(req, "box_subject_type"), *id = fc_form(req, "box_subject_id");
	struct bx_user *user = NULL;

	if (!type)
		user = t->service;
	else if (!strcmp(type, "enterprise"))
		user = id && !strcmp(id, t->enterprise) ? t->service : NULL;
	else if (!strcmp(type, "user"))
		user = bx_find(t, id, BX_USER);
	if (t->revoked || !user || user->deleted || strcmp(user->status, "active") != 0) {
		bx_oauth_error(res, 400, "invalid_grant", "Grant credentials are invalid");
		return;
	}
	bx_oauth_issue(res, t, user, false);
}

void bx_oauth_token(struct fc_request *req, struct fc_response *res)
{
	const char *grant = fc_form(req, "grant_type"), *client = fc_form(req, "client_id");
	struct bx_tenant *t;

	if (!grant || !*grant) {
		bx_oauth_error(
			res, 400, "invalid_request", "Invalid grant_type parameter or parameter missing");
		return;
	}
	t = bx_tenant_of_client(client);
	if (!t) {
		bx_oauth_error(res, 400, "invalid_client", "The client credentials are invalid");
		return;
	}
	req->tenant = t->name;
	bool jwt = !strcmp(grant, GRANT_JWT), ccg = !strcmp(grant, "client_credentials");
	if (!secret_ok(req, t)) {
		if (jwt || ccg)
			bx_oauth_error(res, 400, "invalid_grant", "Grant credentials are invalid");
		else
			bx_oauth_error(res, 400, "invalid_client", "The client credentials are invalid");
	} else if (jwt) {
		bx_jwt_grant(req, res, t);
	} else if (ccg) {
		client_credentials(req, res, t);
	} else if (!strcmp(grant, "authorization_code")) {
		bx_code_grant(req, res, t);
	} else if (!strcmp(grant, "refresh_token")) {
		bx_refresh_grant(req, res, t);
	} else {
		bx_oauth_error(res, 400, "unsupported_grant_type",
			"The grant type is unauthorized for this client_id");
	}
}

void bx_oauth_revoke(struct fc_request *req, struct fc_response *res)
{
	struct bx_tenant *t = bx_tenant_of_client(fc_form(req, "client_id"));
	const char *text = fc_form(req, "token");
	struct fc_token *token;

	if (!t || !secret_ok(req, t)) {
		bx_oauth_error(res, 400, "invalid_client", "The client credentials are invalid");
		return;
	}
	req->tenant = t->name;
	if (!text || !*text) {
		bx_oauth_error(res, 400, "invalid_request", "Invalid token parameter or parameter missing");
		return;
	}
	token = fc_token_find("box", text);
	if (token && !strcmp(token->client, t->client_id))
		token->revoked = true;
	bx_refresh_revoke(t, text, false);
	res->status = 200;
}
