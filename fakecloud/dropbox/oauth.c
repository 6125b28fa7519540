/* Dropbox's token address (/oauth2/token), and the end of a grant. Parameters come as a form or in the query. */
#include "fakecloud/dropbox/consent.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_LIFE_S 14400

const char dbx_all_scopes[] =
	"account_info.read events.read files.content.read files.content.write files.metadata.read "
	"files.metadata.write files.permanent_delete files.team_metadata.write groups.read members.read sharing.read "
	"sharing.write "
	"team_data.content.read team_data.content.write team_data.member team_info.read";

static void fail(struct fc_response *res, int status, const char *error, const char *description)
{
	cJSON *doc = cJSON_CreateObject();

	cJSON_AddStringToObject(doc, "error", error);
	cJSON_AddStringToObject(doc, "error_description", description);
	fc_json(res, status, doc);
}

/* client_id and client_secret, from the body, the query, or a Basic header. */
static void credentials(struct fc_request *req, const char **ret_id, const char **ret_secret)
{
	const char *basic = fc_header(req, "Authorization");
	_cleanup_buf_ struct buf plain = BUF_INIT(4096);

	*ret_id = fc_form(req, "client_id");
	*ret_secret = fc_form(req, "client_secret");
	if (!basic || strncasecmp(basic, "Basic ", 6) != 0 ||
		base64_decode(&plain, basic + 6, strlen(basic + 6)) < 0)
		return;
	const char *colon = strchr(buf_str(&plain), ':');
	if (colon) {
		*ret_id = arena_dupn(req->arena, plain.data, (size_t)(colon - plain.data));
		*ret_secret = arena_dup(req->arena, colon + 1);
	}
}

const char *dbx_not_granted(struct arena *arena, const char *granted, const char *asked)
{
	for (const char *p = asked; *p;) {
		size_t n = strcspn(p, " ");
		if (n && !fc_has_word(granted, p, n))
			return arena_dupn(arena, p, n);
		p += n;
		p += strspn(p, " ");
	}
	return NULL;
}

/* An access token; subject: a member's id when it is one person's, else "". scope: what it has; say_scope: and the answer
 * says so; first: with whose it is; refresh: the refresh token to hand out, or NULL. */
static struct fc_token *issue(struct fc_response *res, struct dbx_team *team, const struct dbx_client *client,
	const char *scope, const char *subject, bool say_scope, bool first, const char *refresh)
{
	struct fc_token *t = fc_token_issue("dropbox", team->tenant, "sl.u.", TOKEN_LIFE_S);
	cJSON *doc = cJSON_CreateObject();

	snprintf(t->scope, sizeof(t->scope), "%s", scope);
	snprintf(t->client, sizeof(t->client), "%s", client->key);
	snprintf(t->subject, sizeof(t->subject), "%s", subject);
	cJSON_AddStringToObject(doc, "access_token", t->text);
	cJSON_AddStringToObject(doc, "token_type", "bearer");
	cJSON_AddNumberToObject(doc, "expires_in", TOKEN_LIFE_S);
	if (first || say_scope)
		cJSON_AddStringToObject(doc, "scope", t->scope);
	const struct dbx_member *m = *subject ? map_get(&team->by_member, subject) : NULL;
	if (first && m) {
		cJSON_AddStringToObject(doc, "account_id", m->account_id);
		cJSON_AddStringToObject(doc, "uid", m->home ? m->home->id : "0");
	} else if (first) {
		cJSON_AddStringToObject(doc, "team_id", team->id);
	}
	if (refresh)
		cJSON_AddStringToObject(doc, "refresh_token", refresh);
	fc_set_header(res, "Cache-Control", "no-cache");
	fc_json(res, 200, doc);
	return t;
}

static void from_code(struct fc_request *req, struct fc_response *res, const struct dbx_client *client, bool has_secret)
{
	const char *text = fc_form(req, "code"), *redirect = fc_form(req, "redirect_uri"), *refresh = NULL;
	struct fc_code *code = code_find("dropbox", text);

	/* Without a challenge the secret has to speak for the application. */
	if (code && !*code->challenge && !has_secret)
		return fail(res, 400, "invalid_grant", "invalid code verifier");
	switch (code_take("dropbox", text, client->key, redirect, fc_form(req, "code_verifier"), &code)) {
	case CODE_GOOD:
		break;
	case CODE_REDIRECT:
		return fail(res, 400, "invalid_grant", "redirect_uri mismatch");
	case CODE_VERIFIER:
		return fail(res, 400, "invalid_grant", "invalid code verifier");
	default:
		return fail(res, 400, "invalid_grant", "code doesn't exist or has expired");
	}
	struct dbx_team *team = dbx_team_find(code->tenant);
	const char *scope = *code->scope ? code->scope : dbx_all_scopes;
	req->tenant = team->tenant;
	if (client->team) {
		team->consent = true;
		refresh = has_secret ? team->refresh_token : team->pkce_token;
	} else if (code->offline) {
		refresh = dbx_link_new(team, scope, code->subject, !has_secret)->refresh;
	}
	code_issued(code, issue(res, team, client, scope, code->subject, true, true, code->offline ? refresh : NULL));
}

/* What a refresh token stands for; false: answered. */
static bool grant_of(struct fc_response *res, const struct dbx_client *client, const char *refresh, bool has_secret,
	struct dbx_grant_link *ret)
{
	const struct dbx_grant_link *link = dbx_link_of(refresh);
	struct dbx_team *team = client->team;

	*ret = (struct dbx_grant_link){.team = team, .scope = dbx_all_scopes, .subject = ""};
	if (team) {
		ret->pkce = !strcmp(refresh, team->pkce_token);
		ret->ended = !team->consent;
		link = !ret->pkce && strcmp(refresh, team->refresh_token) != 0 ? NULL : ret;
	} else if (link) {
		*ret = *link;
	}
	/* A grant that was made with the secret is renewed with it, as the seeded one was. */
	if (!has_secret && !(link && link->pkce))
		fail(res, 400, "invalid_client", "Invalid client_id or client_secret");
	else if (!link)
		fail(res, 400, "invalid_grant", "refresh token is malformed");
	else if (link->ended || link->withdrawn)
		fail(res, 400, "invalid_grant", "refresh token is invalid or revoked");
	else
		return true;
	return false;
}

void dbx_oauth_token(struct fc_request *req, struct fc_response *res)
{
	const char *grant = fc_form(req, "grant_type"), *id, *secret;
	struct dbx_grant_link link;
	struct dbx_client client;

	if (strcmp(req->method, "POST") != 0)
		return fail(res, 405, "invalid_request", "POST is required");
	credentials(req, &id, &secret);
	if (!id || !grant)
		return fail(res, 400, "invalid_request",
			id ? "missing required field \"grant_type\""
			   : "No auth function available for given request");
	bool known = dbx_client_find(id, &client), has_secret = known && secret && !strcmp(secret, client.secret);
	if (!known || (secret && *secret && !has_secret))
		return fail(res, 400, "invalid_client", "Invalid client_id or client_secret");
	if (client.team)
		req->tenant = client.team->tenant;
	if (!strcmp(grant, "authorization_code"))
		return from_code(req, res, &client, has_secret);
	if (strcmp(grant, "refresh_token") != 0)
		return fail(res, 400, "unsupported_grant_type", "grant type is not supported");
	const char *refresh = fc_form(req, "refresh_token"), *scope = fc_form(req, "scope");
	if (!refresh)
		return fail(res, 400, "invalid_request", "missing required field \"refresh_token\"");
	if (!grant_of(res, &client, refresh, has_secret, &link))
		return;
	req->tenant = link.team->tenant;
	const char *missing = scope ? dbx_not_granted(req->arena, link.scope, scope) : NULL;
	if (missing)
		return fail(res, 400, "invalid_scope",
			arena_printf(req->arena, "'%s' is not granted to this refresh token", missing));
	bool narrow = scope && *scope;
	issue(res, link.team, &client, narrow ? scope : link.scope, link.subject, narrow, false, NULL);
}

void dbx_consent_end(struct dbx_team *team)
{
	team->consent = false;
	dbx_links_withdraw(team, true);
	fc_token_revoke_all("dropbox", team->tenant);
}

/* Ends the grant that the token came of, with its refresh token. */
void dbx_token_revoke(struct dbx_call *c)
{
	if (!strcmp(c->token->client, c->team->app_key)) {
		c->team->consent = false;
		fc_token_revoke_client("dropbox", c->team->tenant, c->team->app_key);
	} else {
		dbx_links_end(c->team);
	}
	dbx_ok(c, NULL);
}
