/* Signing in and out, one's own account, one-time links. Connection threads. */
#include "web/impl.h"

#include "base/encode.h"

#include <string.h>

/* A new token goes into the cookie and nowhere else: scripts never see it. Takes result. */
static void answer_token(struct web_call *c, cJSON *result)
{
	const char *token = json_str(result, "token");

	if (token) {
		snprintf(c->a->cookies[0], sizeof(c->a->cookies[0]), WEB_COOKIE "=%.128s; Path=/; Secure; HttpOnly; SameSite=Lax", token);
		cJSON_DeleteItemFromObjectCaseSensitive(result, "token");
	}
	web_answer_json(c->a, 200, result);
}

static void forget_cookie(struct web_call *c)
{
	snprintf(c->a->cookies[0], sizeof(c->a->cookies[0]), WEB_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
}

static void ask_token(struct web_call *c, const char *command, cJSON *args)
{
	cJSON *result;

	if (web_ask(c, command, args, &result, NULL, NULL) == 0)
		answer_token(c, result);
}

/* Public: what the sign-in page must know. */
static void get_sign_in(struct web_call *c)
{
	struct store *s = web_store(c);
	struct err err;
	bool any;

	if (!s)
		return;
	if (store_account_any(s, &any, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *o = cJSON_CreateObject();
	cJSON_AddBoolToObject(o, "setup", !any);
	cJSON_AddStringToObject(o, "language", web_language_name(c->w->language));
	cJSON_AddStringToObject(o, "time_zone", c->w->time_zone);
	cJSON *oidc = cJSON_IsArray(c->w->sign_in) ? cJSON_Duplicate(c->w->sign_in, true) : cJSON_CreateArray();
	cJSON_AddItemToObject(o, "oidc", oidc);
	web_answer_json(c->a, 200, o);
}

static void post_setup(struct web_call *c)
{
	static const char *const names[] = {"token", "login", "name", "password", "language", NULL};

	ask_token(c, "setup", web_args(c, names));
}

static void post_session(struct web_call *c)
{
	static const char *const names[] = {"login", "password", NULL};

	ask_token(c, "sign_in", web_args(c, names));
}

static void post_session_totp(struct web_call *c)
{
	static const char *const names[] = {"challenge", "code", NULL};

	ask_token(c, "sign_in_totp", web_args(c, names));
}

/* The browser goes to the sign-in service, and brings back the cookie that this sets; see callback.c. */
static void post_session_oidc(struct web_call *c)
{
	const char *provider = json_str_or(c->body, "provider", "");
	char redirect[700];
	cJSON *args = cJSON_CreateObject(), *result;

	snprintf(redirect, sizeof(redirect), "%s/callback/oidc", c->w->public_url);
	cJSON_AddStringToObject(args, "provider", provider);
	cJSON_AddStringToObject(args, "redirect_uri", redirect);
	if (web_ask(c, "oidc_begin", args, &result, NULL, NULL) < 0)
		return;
	snprintf(c->a->cookies[0], sizeof(c->a->cookies[0]), WEB_BROWSER_COOKIE "=%.64s.%.128s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600",
		provider, json_str_or(result, "browser", ""));
	cJSON_DeleteItemFromObjectCaseSensitive(result, "browser");
	web_answer_json(c->a, 200, result);
}

static void add_rights(struct web_call *c, cJSON *o)
{
	static const struct {
		const char *name;
		enum console_act act;
	} acts[] = {{"read", CONSOLE_READ}, {"audit", CONSOLE_AUDIT}, {"hold", CONSOLE_HOLD}, {"connect", CONSOLE_CONNECT},
		{"manage", CONSOLE_MANAGE}, {"policy", CONSOLE_POLICY}};
	cJSON *may = cJSON_AddObjectToObject(o, "may");

	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		cJSON_AddBoolToObject(may, acts[i].name, console_may(&c->session, acts[i].act, NULL));
}

static void get_session(struct web_call *c)
{
	const struct console_session *s = &c->session;
	char csrf[CONSOLE_HASH_LEN];
	cJSON *o = cJSON_CreateObject();

	console_csrf(c->token, csrf);
	cJSON_AddStringToObject(o, "id", s->id);
	cJSON_AddStringToObject(o, "account", s->account ? s->account : "");
	cJSON_AddStringToObject(o, "login", s->login ? s->login : "");
	cJSON_AddStringToObject(o, "name", s->name ? s->name : "");
	cJSON_AddStringToObject(o, "language", s->language && *s->language ? s->language : web_language_name(c->w->language));
	cJSON_AddStringToObject(o, "role", console_role_name(s->role));
	cJSON_AddItemToObject(o, "tenants", web_set_json(s->tenants));
	cJSON_AddBoolToObject(o, "totp", s->totp);
	cJSON_AddStringToObject(o, "csrf", csrf);
	cJSON_AddStringToObject(o, "time_zone", c->w->time_zone);
	web_add_time(o, "idle_end", s->idle_at);
	web_add_time(o, "end", s->ends_at);
	add_rights(c, o);
	web_answer_json(c->a, 200, o);
}

static void delete_session(struct web_call *c)
{
	cJSON *result;

	if (web_ask(c, "sign_out", NULL, &result, NULL, NULL) < 0)
		return;
	forget_cookie(c);
	web_answer_json(c->a, 200, result);
}

/* By a one-time link: the new password, for signing in with it. */
static void post_password(struct web_call *c)
{
	static const char *const names[] = {"token", "password", NULL};

	web_ask_answer(c, "password_set", web_args(c, names), 200);
}

static void post_invitation_open(struct web_call *c)
{
	static const char *const names[] = {"token", NULL};

	ask_token(c, "invitation_open", web_args(c, names));
}

/* ---- me ---- */

static void get_me(struct web_call *c)
{
	struct store *s = web_store(c);
	struct console_account a;
	struct err err;

	if (!s)
		return;
	if (store_account_get(s, c->session.account ? c->session.account : "", c->q->arena, &a, &err) < 0)
		web_fail_err(c, &err);
	else
		web_answer_json(c->a, 200, web_account(&a));
}

static void patch_me(struct web_call *c)
{
	static const char *const names[] = {"name", "language", NULL};

	web_ask_answer(c, "me_update", web_args(c, names), 200);
}

static void post_me_password(struct web_call *c)
{
	static const char *const names[] = {"old", "new", NULL};

	web_ask_answer(c, "me_password", web_args(c, names), 200);
}

static void post_me_totp(struct web_call *c)
{
	static const char *const names[] = {"password", NULL};
	cJSON *result;

	if (web_ask(c, "totp_begin", web_args(c, names), &result, NULL, NULL) < 0)
		return;
	cJSON *qr = web_qr(json_str_or(result, "url", ""));
	cJSON_AddItemToObject(result, "qr", qr ? qr : cJSON_CreateNull());
	web_answer_json(c->a, 200, result);
}

static void post_me_totp_confirm(struct web_call *c)
{
	static const char *const names[] = {"code", NULL};

	web_ask_answer(c, "totp_confirm", web_args(c, names), 200);
}

static void delete_me_totp(struct web_call *c)
{
	static const char *const names[] = {"password", NULL};

	web_ask_answer(c, "totp_remove", web_args(c, names), 200);
}

static void get_me_sessions(struct web_call *c)
{
	struct store *s = web_store(c);
	struct console_session *list;
	struct err err;
	size_t n;

	if (!s)
		return;
	if (store_session_list(s, c->session.account ? c->session.account : "", c->session.seen_at, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_session(c, &list[i]));
	web_answer_list(c, items, NULL);
}

static void delete_me_session(struct web_call *c)
{
	cJSON *args = cJSON_CreateObject();

	cJSON_AddStringToObject(args, "id", c->param[0]);
	web_ask_answer(c, "session_revoke", args, 200);
}

static void delete_me_sessions(struct web_call *c)
{
	web_ask_answer(c, "sessions_revoke", NULL, 200);
}

const struct web_route web_routes_session[] = {
	{"GET", "/api/v1/sign-in", WEB_PUBLIC, get_sign_in},
	{"GET", "/api/v1/explanations/{code}", WEB_PUBLIC, web_get_explanation},
	{"POST", "/api/v1/setup", WEB_PUBLIC, post_setup},
	{"POST", "/api/v1/session", WEB_PUBLIC, post_session},
	{"POST", "/api/v1/session/totp", WEB_PUBLIC, post_session_totp},
	{"POST", "/api/v1/session/oidc", WEB_PUBLIC, post_session_oidc},
	{"POST", "/api/v1/password", WEB_PUBLIC, post_password},
	{"POST", "/api/v1/invitations/open", WEB_PUBLIC, post_invitation_open},
	{"GET", "/api/v1/session", WEB_SESSION, get_session},
	{"DELETE", "/api/v1/session", WEB_SESSION, delete_session},
	{"GET", "/api/v1/me", CONSOLE_SELF, get_me},
	{"PATCH", "/api/v1/me", CONSOLE_SELF, patch_me},
	{"POST", "/api/v1/me/password", CONSOLE_SELF, post_me_password},
	{"POST", "/api/v1/me/totp", CONSOLE_SELF, post_me_totp},
	{"DELETE", "/api/v1/me/totp", CONSOLE_SELF, delete_me_totp},
	{"POST", "/api/v1/me/totp/confirm", CONSOLE_SELF, post_me_totp_confirm},
	{"GET", "/api/v1/me/sessions", CONSOLE_SELF, get_me_sessions},
	{"DELETE", "/api/v1/me/sessions", CONSOLE_SELF, delete_me_sessions},
	{"DELETE", "/api/v1/me/sessions/{id}", CONSOLE_SELF, delete_me_session},
	{0},
};
