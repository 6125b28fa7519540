/* Authorizations through a browser; see code.h. */
#include "auth/code.h"

#include "auth/grant.h"
#include "auth/secret.h"
#include "base/encode.h"
#include "base/timeutil.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#define TIMEOUT_MS 20000
#define ANSWER_MAX (256u << 10)

#define DROPBOX_SCOPES                                                                                       \
	"account_info.read team_info.read members.read team_data.member team_data.content.read "              \
	"team_data.content.write files.metadata.read files.content.read files.content.write "                 \
	"files.permanent_delete sharing.read sharing.write files.metadata.write groups.read"

static int no_app(const char *kind, struct err *err)
{
	return err_set(err, ERR_REMOTE, "no_app", "no application is configured for %.40s: see `apps` and `sign_in` in sekisho.yaml", kind);
}

static const char *endpoint(const struct app *app, const char *name, const char *fallback)
{
	return json_str_or(json_object(app->public, "endpoints"), name, fallback);
}

/* The application behind a kind: "microsoft_consent" is Microsoft's, the others have their own names. */
static const struct app *app_of(const struct code_context *c, const char *kind)
{
	return apps_find(c->apps, strcmp(kind, "microsoft_consent") == 0 ? "microsoft" : kind);
}

static const char *client_id(const struct app *app)
{
	return json_str_or(app->public, "client_id", json_str_or(app->public, "app_key", ""));
}

static const char *secret_name(const struct app *app)
{
	return app_secret(app, "app_secret_file") ? "app_secret_file" : "client_secret_file";
}

static bool is_oidc(const char *kind)
{
	return strncmp(kind, "oidc:", 5) == 0;
}

/* ---- going away ---- */

static int add_challenge(struct buf *query, const struct pending *e)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	_cleanup_buf_ struct buf text = BUF_INIT(64);

	SHA256((const unsigned char *)e->verifier, strlen(e->verifier), digest);
	return base64url_encode(&text, digest, sizeof(digest)) < 0 ||
			form_add(query, "code_challenge", buf_str(&text)) < 0 ||
			form_add(query, "code_challenge_method", "S256") < 0 ?
		-1 :
		0;
}

static int common_query(struct buf *query, const struct app *app, const struct pending *e)
{
	return form_add(query, "client_id", client_id(app)) < 0 || form_add(query, "redirect_uri", e->redirect) < 0 ||
			form_add(query, "state", e->state) < 0 ?
		-1 :
		0;
}

static int consent_query(struct buf *url, struct buf *query, const struct app *app)
{
	_cleanup_buf_ struct buf scope = BUF_INIT(600);
	const char *graph = endpoint(app, "graph", "https://graph.microsoft.com");
	/* A stand-in for Graph is asked for by Graph's own name. */
	bool own = strstr(graph, "://graph.microsoft.us") || strstr(graph, "://dod-graph.microsoft.us") ||
		strstr(graph, "://microsoftgraph.chinacloudapi.cn");

	return buf_addf(url, "%s/organizations/v2.0/adminconsent",
		       endpoint(app, "login", "https://login.microsoftonline.com")) < 0 ||
			buf_addf(&scope, "%s/.default", own ? graph : "https://graph.microsoft.com") < 0 ||
			form_add(query, "scope", buf_str(&scope)) < 0 ?
		-1 :
		0;
}

static int dropbox_query(struct buf *url, struct buf *query, const struct app *app, const struct pending *e)
{
	return buf_adds(url, endpoint(app, "authorize", "https://www.dropbox.com/oauth2/authorize")) < 0 ||
			form_add(query, "response_type", "code") < 0 || form_add(query, "token_access_type", "offline") < 0 ||
			form_add(query, "scope", DROPBOX_SCOPES) < 0 || add_challenge(query, e) < 0 ?
		-1 :
		0;
}

/* Box has no PKCE: the code lives 30 s and is bound to the client's secret. */
static int box_query(struct buf *url, struct buf *query, const struct app *app)
{
	return buf_adds(url, endpoint(app, "authorize", "https://account.box.com/api/oauth2/authorize")) < 0 ||
			form_add(query, "response_type", "code") < 0 ?
		-1 :
		0;
}

static int oidc_query(const struct code_context *c, struct buf *url, struct buf *query, const struct app *app,
	const struct pending *e, struct err *err)
{
	struct oidc_metadata m;

	if (oidc_metadata(c->oidc, json_str_or(app->public, "issuer", ""), &m, err) < 0)
		return -1;
	if (buf_adds(url, m.authorize) < 0 || form_add(query, "response_type", "code") < 0 ||
		form_add(query, "scope", "openid email profile") < 0 || form_add(query, "nonce", e->nonce) < 0 ||
		add_challenge(query, e) < 0)
		return grant_no_memory(err);
	return 0;
}

int code_begin(const struct code_context *c, struct pending *entry, struct buf *url, struct err *err)
{
	_cleanup_buf_ struct buf query = BUF_INIT(8192), start = BUF_INIT(1024);
	const struct app *app = app_of(c, entry->kind);
	int r = 0;

	if (!app || !*client_id(app))
		return no_app(entry->kind, err);
	pending_add(c->pendings, entry, time_now_ms());
	if (strcmp(entry->kind, "microsoft_consent") == 0)
		r = consent_query(&start, &query, app);
	else if (strcmp(entry->kind, "dropbox") == 0)
		r = dropbox_query(&start, &query, app, entry);
	else if (strcmp(entry->kind, "box") == 0)
		r = box_query(&start, &query, app);
	else if (is_oidc(entry->kind))
		r = oidc_query(c, &start, &query, app, entry, err);
	else
		return err_set(err, ERR_REMOTE, "bad_request", "no such authorization: %.40s", entry->kind);
	if (r < 0 && is_oidc(entry->kind))
		return -1;
	if (r < 0 || common_query(&query, app, entry) < 0 || buf_adds(url, buf_str(&start)) < 0 ||
		buf_addc(url, strchr(buf_str(&start), '?') ? '&' : '?') < 0 || buf_add(url, query.data, query.len) < 0)
		return grant_no_memory(err);
	return 0;
}

/* ---- coming back ---- */

/* A provider's word as a code: letters, digits and the like. */
static void clean_code(const char *in, char out[48])
{
	size_t n = strspn(in, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	snprintf(out, 48, "%.*s", (int)(n > 40 ? 40 : n), in);
}

static int refused(const char *code, const char *description, enum err_class class, struct err *err)
{
	_cleanup_buf_ struct buf clean = BUF_INIT(1000);
	char word[48];

	clean_code(code, word);
	utf8_clean(&clean, description ? description : "", description ? strnlen(description, 200) : 0, true);
	return err_set(err, class, word[0] ? word : "refused", "the provider did not authorize this%s%s", clean.len ? ": " : "",
		buf_str(&clean));
}

/* RFC 9207: an answer of another server (mix-up) names another issuer. */
static int check_issuer(const struct code_context *c, const struct app *app, const char *kind, const cJSON *params, struct err *err)
{
	const char *iss = json_str(params, "iss"), *want = json_str(app->public, "issuer");
	struct oidc_metadata m = {0};

	if (is_oidc(kind) && oidc_metadata(c->oidc, want ? want : "", &m, err) < 0)
		return -1;
	if (iss ? want && strcmp(iss, want) != 0 : m.sends_iss)
		return err_set(err, ERR_REMOTE, "mix_up", "the answer came from another sign-in provider than the one asked: begin again");
	return 0;
}

static int token_form(const struct app *app, const struct pending *e, const char *code, struct buf *form, struct err *err)
{
	const char *name = secret_name(app), *s;
	const struct buf *secret = app_secret(app, name);
	_cleanup_wipe_ struct buf line = BUF_INIT(VAULT_VALUE_MAX);
	size_t len;

	if (buf_reserve(form, 16384) < 0 || form_add(form, "grant_type", "authorization_code") < 0 ||
		form_add(form, "code", code) < 0 || form_add(form, "redirect_uri", e->redirect) < 0 ||
		form_add(form, "client_id", client_id(app)) < 0 ||
		(strcmp(e->kind, "box") != 0 && form_add(form, "code_verifier", e->verifier) < 0))
		return grant_no_memory(err);
	if (!secret)
		return 0; /* a public client: PKCE alone */
	if (secret_line(secret, name, &s, &len, err) < 0)
		return -1;
	return buf_add(&line, s, len) < 0 || form_add(form, "client_secret", buf_str(&line)) < 0 ? grant_no_memory(err) : 0;
}

/* Redeems the code. */
static int redeem(const struct code_context *c, const struct app *app, const struct pending *e, const char *url, const char *code,
	cJSON **ret, struct err *err)
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	_cleanup_wipe_ struct buf form = BUF_INIT(GRANT_FORM_MAX);
	_cleanup_response_ struct http_response res = {0};
	_cleanup_json_ cJSON *body = NULL;

	if (token_form(app, e, code, &form, err) < 0)
		return -1;
	struct http_request req = {.method = "POST", .url = url, .headers = headers, .body = form.data, .body_len = form.len,
		.content_type = "application/x-www-form-urlencoded", .max_body = ANSWER_MAX, .timeout_ms = TIMEOUT_MS, .fresh = true};
	if (http_call(c->http, &req, &res, err) < 0)
		return -1;
	if (res.status == 429 || res.status >= 500 || (res.status >= 300 && res.status < 400))
		return http_check(&res, err) < 0 ? -1 : err_set(err, ERR_REMOTE, "redirected", "the token address leads elsewhere");
	if (http_json(&res, &body, err) < 0)
		return -1;
	if (res.status >= 300) {
		refused(json_str_or(body, "error", "refused"), json_str(body, "error_description"), ERR_AUTH, err);
		if (err) {
			err->http_status = res.status;
			snprintf(err->request_id, sizeof(err->request_id), "%s", res.request_id);
		}
		return -1;
	}
	*ret = TAKE_PTR(body);
	return 0;
}

static void wipe_tokens(cJSON *body)
{
	static const char *const names[] = {"access_token", "refresh_token", "id_token"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cJSON *v = json_get(body, names[i]);
		if (cJSON_IsString(v))
			explicit_bzero(v->valuestring, strlen(v->valuestring));
	}
}

/* The refresh token under the stage's name, until core gives the grant that it belongs to. */
static int keep_refresh(const struct pending *e, const cJSON *body, struct vault_record *r, struct err *err)
{
	const char *token = json_str(body, "refresh_token");

	if (!token || !*token)
		return err_set(err, ERR_REMOTE, "bad_answer", "the provider gave no lasting grant (no refresh token)");
	snprintf(r->connection, sizeof(r->connection), "%s", e->stage);
	snprintf(r->tenant, sizeof(r->tenant), "%s", e->tenant);
	snprintf(r->provider, sizeof(r->provider), "%.15s", e->kind);
	const char *const purposes[] = {"refresh_token_file", "grant"}, *const values[] = {token, "{\"type\":\"code\"}"};
	for (int i = 0; i < 2; i++) {
		struct vault_item *item = &r->items[r->n++];
		item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX);
		snprintf(item->purpose, sizeof(item->purpose), "%s", purposes[i]);
		if (buf_reserve(&item->value, strlen(values[i])) < 0 || buf_adds(&item->value, values[i]) < 0)
			return err_set(err, ERR_REMOTE, "bad_answer", "the provider's grant is too long");
	}
	return 0;
}

static int end_connection(const struct code_context *c, const struct app *app, const struct pending *e, const char *code,
	struct vault_record *record, cJSON *facts, struct err *err)
{
	bool dropbox = strcmp(e->kind, "dropbox") == 0;
	_cleanup_json_ cJSON *body = NULL;
	char url[1200];

	snprintf(url, sizeof(url), "%s/oauth2/token",
		endpoint(app, "api", dropbox ? "https://api.dropboxapi.com" : "https://api.box.com"));
	if (redeem(c, app, e, url, code, &body, err) < 0)
		return -1;
	int r = keep_refresh(e, body, record, err);
	if (r == 0 && dropbox && !json_str(body, "team_id"))
		r = err_set(err, ERR_REMOTE, "no_team", "this links one person's account and no team: sign in as an administrator of the team");
	for (size_t i = 0; i < 2; i++) {
		static const char *const names[] = {"team_id", "scope"};
		const char *text = json_str(body, names[i]);
		if (text)
			cJSON_AddStringToObject(facts, names[i], text);
	}
	wipe_tokens(body);
	return r;
}

static int end_sign_in(const struct code_context *c, const struct app *app, const struct pending *e, const char *code,
	cJSON *facts, struct err *err)
{
	const struct idtoken_want want = {.issuer = json_str_or(app->public, "issuer", ""), .client_id = client_id(app),
		.nonce = e->nonce, .now = time_now_ms() / 1000};
	_cleanup_json_ cJSON *body = NULL, *claims = NULL;
	struct oidc_metadata m;

	if (oidc_metadata(c->oidc, want.issuer, &m, err) < 0 || redeem(c, app, e, m.token, code, &body, err) < 0)
		return -1;
	const char *token = json_str(body, "id_token");
	int r = token ? oidc_verify(c->oidc, token, &want, &claims, err) :
			err_set(err, ERR_REMOTE, "bad_id_token", "the sign-in provider gave no ID token");
	wipe_tokens(body);
	if (r < 0)
		return -1;
	cJSON_AddStringToObject(facts, "issuer", want.issuer);
	cJSON_AddStringToObject(facts, "subject", json_str_or(claims, "sub", ""));
	cJSON_AddStringToObject(facts, "email", json_str_or(claims, "email", ""));
	cJSON_AddBoolToObject(facts, "email_verified", json_bool(claims, "email_verified"));
	cJSON_AddStringToObject(facts, "name", json_str_or(claims, "name", ""));
	return 0;
}

/* Parameters alone prove nothing: core asks for a token and the organisation with what comes back here. */
static int end_consent(const cJSON *params, cJSON *facts, struct err *err)
{
	const char *tenant = json_str_or(params, "tenant", "");

	if (strcasecmp(json_str_or(params, "admin_consent", ""), "True") != 0)
		return err_set(err, ERR_REMOTE, "access_denied", "the administrator did not consent");
	if (strlen(tenant) != 36 || strspn(tenant, "0123456789abcdefABCDEF-") != 36)
		return err_set(err, ERR_REMOTE, "bad_answer", "the answer names no directory");
	cJSON_AddStringToObject(facts, "directory", tenant);
	return 0;
}

static int finish(const struct code_context *c, const struct pending *e, const cJSON *params, struct vault_record *record,
	cJSON *facts, struct err *err)
{
	const struct app *app = app_of(c, e->kind);
	const char *code = json_str(params, "code"), *error = json_str(params, "error");

	if (!app)
		return no_app(e->kind, err);
	if (check_issuer(c, app, e->kind, params, err) < 0)
		return -1;
	if (error)
		return refused(error, json_str(params, "error_description"), ERR_REMOTE, err);
	if (strcmp(e->kind, "microsoft_consent") == 0)
		return end_consent(params, facts, err);
	if (!code || !*code || strlen(code) > 4096)
		return err_set(err, ERR_REMOTE, "bad_answer", "the answer brought no code");
	return is_oidc(e->kind) ? end_sign_in(c, app, e, code, facts, err) :
				  end_connection(c, app, e, code, record, facts, err);
}

int code_end(const struct code_context *c, const char *kind, const char *session, const cJSON *params,
	struct vault_record *record, cJSON *facts, struct err *err)
{
	struct pending e;

	if (pending_take(c->pendings, json_str_or(params, "state", ""), kind, session, time_now_ms(), &e, err) < 0)
		return -1;
	cJSON_AddStringToObject(facts, "stage", e.stage);
	int r = finish(c, &e, params, record, facts, err);
	OPENSSL_cleanse(&e, sizeof(e));
	return r;
}
