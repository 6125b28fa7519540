/* Dropbox: a team link's refresh token with the app's key and secret. Runs in the auth role; see grant.h.
 * Sources: Dropbox "OAuth guide", /2/auth/token/revoke. Refresh tokens do not rotate today; one that came with an
 * answer would be kept before anything is done with that answer. */
#include "auth/grant.h"
#include "auth/secret.h"
#include "base/encode.h"

#include <string.h>

#define TOKEN_PATH "/oauth2/token"
#define REVOKE_PATH "/2/auth/token/revoke"

static const struct grant_error errors[] = {
	{"invalid_grant", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent: the team's link was revoked or the refresh token is not the app's: link the app to the team again"},
	{"unauthorized_client", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"consent: the app may not use this grant any more: link the app to the team again"},
	{"access_denied", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"permission: the team denies the app: a team administrator must approve it"},
	{"invalid_scope", NULL, ERR_CONSENT, SCOPE_CONNECTION, GRANT_FAILED,
		"permission: a scope was taken from the app: tick it in the App Console and link the app again"},
	{"invalid_client", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the app key or app secret is wrong: compare app_key and app_secret_file with the App Console"},
	{"unsupported_grant_type", NULL, ERR_AUTH, SCOPE_CONNECTION, GRANT_FAILED,
		"the token address does not take refresh tokens: check the api endpoint"},
};

static enum grant_verdict judge(int status, const cJSON *body, struct err *err)
{
	return grant_judge(errors, ARRAY_SIZE(errors), status, json_str(body, "error"), json_str(body, "error_description"),
		err);
}

static int check(struct grant *g, cJSON *facts, int64_t *ret_ends_at, struct err *err)
{
	const char *key = grant_want(g, "app_key", err), *s;
	size_t len;

	if (!key || secret_line(grant_secret(g, "app_secret_file"), "app_secret_file", &s, &len, err) < 0 ||
		secret_line(grant_secret(g, "refresh_token_file"), "refresh_token_file", &s, &len, err) < 0)
		return -1;
	*ret_ends_at = 0;
	cJSON_AddStringToObject(facts, "app_key", key);
	return 0;
}

static int ask(const struct grant *g, const char *subject, int64_t now, struct buf *form, struct err *err)
{
	if (form_add(form, "grant_type", "refresh_token") < 0 ||
		form_add(form, "client_id", json_str_or(g->json, "app_key", "")) < 0)
		return grant_no_memory(err);
	if (grant_form_secret(g, "refresh_token_file", form, "refresh_token", err) < 0)
		return -1;
	return grant_form_secret(g, "app_secret_file", form, "client_secret", err);
}

/* "{api}/oauth2/token" → "{api}/2/auth/token/revoke" */
static int revoke_link(const struct grant *g, const char *access_token, char *url, size_t url_size, struct buf *form,
	bool *ret_bearer, struct err *err)
{
	size_t len = strlen(g->token_url), tail = strlen(TOKEN_PATH);

	if (len < tail || strcmp(g->token_url + len - tail, TOKEN_PATH) != 0 ||
		snprintf(url, url_size, "%.*s" REVOKE_PATH, (int)(len - tail), g->token_url) >= (int)url_size)
		return err_set(err, ERR_REMOTE, "no_revocation", "the token address has no address for revoking beside it");
	*ret_bearer = true;
	return 0;
}

const struct grant_kind grant_dropbox_refresh = {
	.provider = "dropbox",
	.type = "refresh_token",
	.secrets = (const char *const[]){"app_secret_file", "refresh_token_file", NULL},
	.rotates = "refresh_token_file",
	.once = true,
	.check = check,
	.ask = ask,
	.judge = judge,
	.revoke = revoke_link,
	.revoke_ends_grant = true,
	.by_hand = "remove the app in the Dropbox Admin console (Settings, Integrations)",
};
