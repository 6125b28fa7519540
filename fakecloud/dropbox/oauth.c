/* Dropbox's token address (/oauth2/token), a consent page that consents at once (/oauth2/authorize), and the
 * end of a grant. Parameters come as a form or in the query. */
#include "fakecloud/dropbox/dropbox.h"

#include "base/encode.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_LIFE_S 14400

static const char all_scopes[] =
	"account_info.read events.read files.content.read files.content.write files.metadata.read "
	"files.metadata.write files.permanent_delete files.team_metadata.write members.read sharing.read "
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

static struct dbx_team *team_of_app(const char *key)
{
	size_t n;
	struct dbx_team *const *teams = dbx_teams(&n);

	for (size_t i = 0; key && i < n; i++) {
		if (!strcmp(teams[i]->app_key, key))
			return teams[i];
	}
	return NULL;
}

static bool word_in(const char *words, const char *word, size_t len)
{
	for (const char *p = words; *p;) {
		size_t n = strcspn(p, " ");
		if (n == len && !strncmp(p, word, len))
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

/* The first of the asked scopes that is not granted; NULL when all are. */
static const char *not_granted(struct arena *arena, const char *asked)
{
	for (const char *p = asked; *p;) {
		size_t n = strcspn(p, " ");
		if (n && !word_in(all_scopes, p, n))
			return arena_dupn(arena, p, n);
		p += n;
		p += strspn(p, " ");
	}
	return NULL;
}

/* refresh: the refresh token to hand out, or NULL. */
static void issue(struct fc_response *res, struct dbx_team *team, const char *scope, bool first, const char *refresh)
{
	struct fc_token *t = fc_token_issue("dropbox", team->tenant, "sl.u.", TOKEN_LIFE_S);
	cJSON *doc = cJSON_CreateObject();

	snprintf(t->scope, sizeof(t->scope), "%s", scope && *scope ? scope : all_scopes);
	snprintf(t->client, sizeof(t->client), "%s", team->app_key);
	cJSON_AddStringToObject(doc, "access_token", t->text);
	cJSON_AddStringToObject(doc, "token_type", "bearer");
	cJSON_AddNumberToObject(doc, "expires_in", TOKEN_LIFE_S);
	if (first || (scope && *scope))
		cJSON_AddStringToObject(doc, "scope", t->scope);
	if (first)
		cJSON_AddStringToObject(doc, "team_id", team->id);
	if (refresh)
		cJSON_AddStringToObject(doc, "refresh_token", refresh);
	fc_set_header(res, "Cache-Control", "no-cache");
	fc_json(res, 200, doc);
}

/* True when the verifier fits the challenge (RFC 7636). */
static bool verifier_fits(const struct dbx_code *code, const char *verifier)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	_cleanup_buf_ struct buf text = BUF_INIT(128);

	if (!verifier)
		return false;
	if (code->plain)
		return !strcmp(code->challenge, verifier);
	return EVP_Digest(verifier, strlen(verifier), digest, &len, EVP_sha256(), NULL) == 1 &&
	       base64url_encode(&text, digest, len) == 0 && !strcmp(text.data, code->challenge);
}

static void from_code(struct fc_request *req, struct fc_response *res, struct dbx_team *team, bool has_secret)
{
	const char *text = fc_form(req, "code"), *redirect = fc_form(req, "redirect_uri");
	struct dbx_code *code = NULL;

	for (size_t i = 0; text && i < team->code_count; i++) {
		if (!strcmp(team->codes[i].text, text))
			code = &team->codes[i];
	}
	if (!code || code->used || code->expires_at < fc_now()) {
		fail(res, 400, "invalid_grant", "code doesn't exist or has expired");
		return;
	}
	if (strcmp(code->redirect_uri, redirect ? redirect : "") != 0) {
		fail(res, 400, "invalid_grant", "redirect_uri mismatch");
		return;
	}
	if (*code->challenge ? !verifier_fits(code, fc_form(req, "code_verifier")) : !has_secret) {
		fail(res, 400, "invalid_grant", "invalid code verifier");
		return;
	}
	code->used = true;
	team->consent = true;
	issue(res, team, code->scope, true,
		!code->offline ? NULL : has_secret ? team->refresh_token : team->pkce_token);
}

void dbx_oauth_token(struct fc_request *req, struct fc_response *res)
{
	const char *grant = fc_form(req, "grant_type"), *id, *secret;

	if (strcmp(req->method, "POST") != 0) {
		fail(res, 405, "invalid_request", "POST is required");
		return;
	}
	credentials(req, &id, &secret);
	struct dbx_team *team = team_of_app(id);
	if (!id || !grant) {
		fail(res, 400, "invalid_request",
			id ? "missing required field \"grant_type\""
			   : "No auth function available for given request");
		return;
	}
	bool has_secret = team && secret && !strcmp(secret, team->app_secret);
	if (!team || (secret && *secret && !has_secret)) {
		fail(res, 400, "invalid_client", "Invalid client_id or client_secret");
		return;
	}
	req->tenant = team->tenant;
	if (!strcmp(grant, "authorization_code")) {
		from_code(req, res, team, has_secret);
		return;
	}
	if (strcmp(grant, "refresh_token") != 0) {
		fail(res, 400, "unsupported_grant_type", "grant type is not supported");
		return;
	}
	const char *refresh = fc_form(req, "refresh_token"), *scope = fc_form(req, "scope");
	if (!refresh) {
		fail(res, 400, "invalid_request", "missing required field \"refresh_token\"");
		return;
	}
	/* A grant that was made with the secret is renewed with it, as the seeded one was. */
	bool pkce = !strcmp(refresh, team->pkce_token);
	if (!has_secret && !pkce) {
		fail(res, 400, "invalid_client", "Invalid client_id or client_secret");
		return;
	}
	if (!pkce && strcmp(refresh, team->refresh_token) != 0) {
		fail(res, 400, "invalid_grant", "refresh token is malformed");
		return;
	}
	if (!team->consent) {
		fail(res, 400, "invalid_grant", "refresh token is invalid or revoked");
		return;
	}
	const char *missing = scope ? not_granted(req->arena, scope) : NULL;
	if (missing) {
		fail(res, 400, "invalid_scope",
			arena_printf(req->arena, "'%s' is not granted to this refresh token", missing));
		return;
	}
	issue(res, team, scope, false, NULL);
}

static const char *lasting(const char *s)
{
	char *p = strdup(s ? s : "");

	if (!p)
		abort();
	return p;
}

void dbx_oauth_authorize(struct fc_request *req, struct fc_response *res)
{
	struct dbx_team *team = team_of_app(fc_query(req, "client_id"));
	const char *redirect = fc_query(req, "redirect_uri"), *state = fc_query(req, "state");
	const char *type = fc_query(req, "response_type"), *method = fc_query(req, "code_challenge_method");
	const char *access = fc_query(req, "token_access_type");
	struct dbx_code *code;

	if (!team || !redirect || !type || strcmp(type, "code") != 0) {
		fc_text(res, 400, "text/plain; charset=utf-8",
			"Invalid client_id, redirect_uri or response_type.");
		return;
	}
	team->codes = reallocarray(team->codes, team->code_count + 1, sizeof(*team->codes));
	if (!team->codes)
		abort();
	code = &team->codes[team->code_count++];
	*code = (struct dbx_code){.redirect_uri = lasting(redirect),
		.scope = lasting(fc_query(req, "scope")),
		.challenge = lasting(fc_query(req, "code_challenge")),
		.plain = method && !strcmp(method, "plain"),
		.offline = access && !strcmp(access, "offline"),
		.expires_at = fc_now() + 600000};
	random_hex(code->text, 24);
	_cleanup_buf_ struct buf to = BUF_INIT(1 << 16), query = BUF_INIT(1 << 16);
	form_add(&query, "code", code->text);
	if (state)
		form_add(&query, "state", state);
	buf_addf(&to, "%s%c%s", redirect, strchr(redirect, '?') ? '&' : '?', buf_str(&query));
	res->status = 302;
	fc_set_header(res, "Location", buf_str(&to));
}

void dbx_consent_end(struct dbx_team *team)
{
	team->consent = false;
	fc_token_revoke_all("dropbox", team->tenant);
}

void dbx_token_revoke(struct dbx_call *c)
{
	dbx_consent_end(c->team);
	dbx_ok(c, NULL);
}
