/* Box's OAuth addresses: tokens for the grants that Box knows, revocation, and the page where a user agrees.
 * Called by the router with the state lock held. Errors have OAuth's shape, not the API's. */
#include "fakecloud/box/consent.h"

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

void bx_oauth_issue(
	struct fc_response *res, struct bx_user *user, const char *client, bool refresh)
{
	struct fc_token *token = fc_token_issue("box", user->tenant->name, "", TOKEN_LIFE_S);
	cJSON *o = cJSON_CreateObject();

	if (user != user->tenant->service)
		snprintf(token->subject, sizeof(token->subject), "%" PRIu64, user->id);
	snprintf(token->client, sizeof(token->client), "%s", client);
	snprintf(token->scope, sizeof(token->scope),
		"root_readwrite manage_managed_users manage_groups manage_webhook "
		"manage_enterprise_properties");
	cJSON_AddStringToObject(o, "access_token", token->text);
	cJSON_AddNumberToObject(o, "expires_in", TOKEN_LIFE_S);
	cJSON_AddItemToObject(o, "restricted_to", cJSON_CreateArray());
	if (refresh)
		cJSON_AddStringToObject(o, "refresh_token", bx_refresh_new(user, client, token));
	cJSON_AddStringToObject(o, "token_type", "bearer");
	fc_set_header(res, "Cache-Control", "no-store");
	fc_json(res, 200, o);
}

static bool secret_ok(struct fc_request *req, const struct bx_client *client)
{
	const char *secret = fc_form(req, "client_secret");
	return secret && !strcmp(secret, client->secret);
}

static void client_credentials(struct fc_request *req, struct fc_response *res, const struct bx_client *client)
{
	const char *type = fc_form(req, "box_subject_type"), *id = fc_form(req, "box_subject_id");
	struct bx_tenant *t = bx_client_tenant(client, type ? type : "enterprise", id);
	struct bx_user *service = t && client->server ? bx_client_service(t, client) : NULL, *user = NULL;

	if (!type)
		user = service;
	else if (!strcmp(type, "enterprise"))
		user = t && id && !strcmp(id, t->enterprise) ? service : NULL;
	else if (!strcmp(type, "user"))
		user = service ? bx_find(t, id, BX_USER) : NULL;
	if (!user || user->deleted || strcmp(user->status, "active") != 0) {
		bx_oauth_error(res, 400, "invalid_grant", "Grant credentials are invalid");
		return;
	}
	req->tenant = t->name;
	bx_oauth_issue(res, user, client->id, false);
}

void bx_oauth_token(struct fc_request *req, struct fc_response *res)
{
	const char *grant = fc_form(req, "grant_type");
	struct bx_client client;

	if (!grant || !*grant) {
		bx_oauth_error(
			res, 400, "invalid_request", "Invalid grant_type parameter or parameter missing");
		return;
	}
	if (!bx_client_find(fc_form(req, "client_id"), &client)) {
		bx_oauth_error(res, 400, "invalid_client", "The client credentials are invalid");
		return;
	}
	if (client.t)
		req->tenant = client.t->name;
	bool jwt = !strcmp(grant, GRANT_JWT), ccg = !strcmp(grant, "client_credentials");
	bool code = !strcmp(grant, "authorization_code"), refresh = !strcmp(grant, "refresh_token");
	if (!secret_ok(req, &client)) {
		if (jwt || ccg)
			bx_oauth_error(res, 400, "invalid_grant", "Grant credentials are invalid");
		else
			bx_oauth_error(res, 400, "invalid_client", "The client credentials are invalid");
	} else if (jwt && client.server) {
		bx_jwt_grant(req, res, &client);
	} else if (ccg && client.server) {
		client_credentials(req, res, &client);
	} else if (code && client.oauth) {
		bx_code_grant(req, res, &client);
	} else if (refresh && client.oauth) {
		bx_refresh_grant(req, res, &client);
	} else {
		bx_oauth_error(res, 400, jwt || ccg || code || refresh ? "unauthorized_client" : "unsupported_grant_type",
			"The grant type is unauthorized for this client_id");
	}
}

void bx_oauth_revoke(struct fc_request *req, struct fc_response *res)
{
	const char *text = fc_form(req, "token");
	struct bx_client client;
	struct fc_token *token;

	if (!bx_client_find(fc_form(req, "client_id"), &client) || !secret_ok(req, &client)) {
		bx_oauth_error(res, 400, "invalid_client", "The client credentials are invalid");
		return;
	}
	if (client.t)
		req->tenant = client.t->name;
	if (!text || !*text) {
		bx_oauth_error(res, 400, "invalid_request", "Invalid token parameter or parameter missing");
		return;
	}
	token = fc_token_find("box", text);
	if (token && !strcmp(token->client, client.id))
		token->revoked = true;
	bx_refresh_revoke(&client, text);
	res->status = 200;
}
