/* What operators manage: accounts, tenants, invitations. One-time links are put together here, from the token that core made:
 * PUBLIC/password#TOKEN. Behind "#" it stays in the browser, out of logs and of Referer. Connection threads. */
#include "web/impl.h"

#include "base/timeutil.h"

#include <inttypes.h>
#include <string.h>

/* Takes result. */
static void answer_link(struct web_call *c, cJSON *result, const char *page)
{
	const char *token = json_str(result, "token");
	char link[900];

	if (token) {
		snprintf(link, sizeof(link), "%s/%s#%.160s", c->w->public_url, page, token);
		cJSON_AddStringToObject(result, "link", link);
		cJSON_DeleteItemFromObjectCaseSensitive(result, "token");
	}
	if (json_get(result, "ends_at")) {
		int64_t at = json_int64_or(result, "ends_at", 0);
		cJSON_DeleteItemFromObjectCaseSensitive(result, "ends_at");
		web_add_time(result, "ends", at);
	}
	web_answer_json(c->a, 200, result);
}

static cJSON *args_with_id(struct web_call *c, const char *const *names)
{
	cJSON *args = web_args(c, names);

	cJSON_DeleteItemFromObjectCaseSensitive(args, "id");
	cJSON_AddStringToObject(args, "id", c->param[0]);
	return args;
}

static void ask_about(struct web_call *c, const char *command)
{
	static const char *const none[] = {NULL};

	web_ask_answer(c, command, args_with_id(c, none), 200);
}

/* ---- accounts ---- */

static void get_accounts(struct web_call *c)
{
	struct store *s = web_store(c);
	size_t max = s ? web_limit(c) : 0, n;
	const char *after = max ? web_next(c) : NULL;
	struct console_account *list;
	struct err err;

	if (!after)
		return;
	if (store_account_list(s, after, max, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_account(&list[i]));
	web_answer_list(c, items, n == max ? list[n - 1].login : NULL);
}

static void get_account(struct web_call *c)
{
	struct store *s = web_store(c);
	struct console_account a;
	struct err err;

	if (!s)
		return;
	if (store_account_get(s, c->param[0], c->q->arena, &a, &err) < 0)
		web_fail_err(c, &err);
	else
		web_answer_json(c->a, 200, web_account(&a));
}

/* "*" for all tenants: ["*"] in the API, "*" in the command. */
static void mend_tenants(cJSON *args)
{
	const cJSON *t = json_array(args, "tenants");
	const char *first = cJSON_GetArraySize(t) == 1 ? cJSON_GetStringValue(cJSON_GetArrayItem(t, 0)) : NULL;

	if (first && strcmp(first, "*") == 0)
		cJSON_ReplaceItemInObjectCaseSensitive(args, "tenants", cJSON_CreateString("*"));
}

static void post_account(struct web_call *c)
{
	static const char *const names[] = {"login", "name", "role", "tenants", "language", NULL};
	cJSON *args = web_args(c, names), *result;

	mend_tenants(args);
	if (web_ask(c, "account_create", args, &result, NULL, NULL) == 0)
		answer_link(c, result, "password");
}

static void patch_account(struct web_call *c)
{
	static const char *const names[] = {"name", "language", "role", "tenants", "disabled", NULL};
	cJSON *args = args_with_id(c, names);

	mend_tenants(args);
	web_ask_answer(c, "account_update", args, 200);
}

static void post_account_reset(struct web_call *c)
{
	static const char *const none[] = {NULL};
	cJSON *result;

	if (web_ask(c, "account_reset", args_with_id(c, none), &result, NULL, NULL) == 0)
		answer_link(c, result, "password");
}

/* ---- tenants ---- */

static void get_tenants(struct web_call *c)
{
	struct store *s = web_store(c);
	size_t max = s ? web_limit(c) : 0, n;
	const char *after = max ? web_next(c) : NULL;
	struct console_tenant *list;
	struct err err;

	if (!after)
		return;
	if (store_tenant_list(s, c->session.tenants, after, max, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_tenant(&list[i]));
	web_answer_list(c, items, n == max ? list[n - 1].id : NULL);
}

static void get_tenant(struct web_call *c)
{
	struct store *s = web_store(c);
	struct console_tenant t;
	struct err err;

	if (!s)
		return;
	if (!console_may(&c->session, CONSOLE_READ, c->param[0]))
		web_fail_code(c, "not_found");
	else if (store_tenant_get(s, c->param[0], c->q->arena, &t, &err) < 0)
		web_fail_err(c, &err);
	else
		web_answer_json(c->a, 200, web_tenant(&t));
}

/* The API takes times as text, commands as ms. false after an answer. */
static bool mend_trial(struct web_call *c, cJSON *args)
{
	const cJSON *v = json_get(c->body, "trial_ends");
	int64_t at = 0;

	if (!v)
		return true;
	if (!cJSON_IsNull(v) && (!cJSON_IsString(v) || time_parse(v->valuestring, &at) < 0)) {
		cJSON_Delete(args);
		web_fail_code(c, "bad_request");
		return false;
	}
	cJSON_AddNumberToObject(args, "trial_ends_at", (double)at);
	return true;
}

static void post_tenant(struct web_call *c)
{
	static const char *const names[] = {"id", "name", "language", NULL};
	cJSON *args = web_args(c, names);

	if (mend_trial(c, args))
		web_ask_answer(c, "tenant_create", args, 200);
}

static void patch_tenant(struct web_call *c)
{
	static const char *const names[] = {"name", "language", NULL};
	cJSON *args = args_with_id(c, names);

	if (mend_trial(c, args))
		web_ask_answer(c, "tenant_update", args, 200);
}

/* ---- invitations ---- */

static void list_invitations(struct web_call *c, const char *tenant)
{
	struct store *s = web_store(c);
	size_t max = s ? web_limit(c) : 0, n;
	const char *before = max ? web_next(c) : NULL;
	struct console_invitation *list;
	struct err err;
	char next[32];

	if (!before)
		return;
	if (store_invitation_list(s, tenant, strtoll(before, NULL, 10), max, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_invitation(&list[i]));
	snprintf(next, sizeof(next), "%" PRId64, n ? list[n - 1].created_at : 0);
	web_answer_list(c, items, n == max ? next : NULL);
}

static void get_invitations(struct web_call *c)
{
	list_invitations(c, NULL);
}

static void get_tenant_invitations(struct web_call *c)
{
	list_invitations(c, c->param[0]);
}

static void post_tenant_invitation(struct web_call *c)
{
	static const char *const names[] = {"name", NULL};
	cJSON *args = web_args(c, names), *result;

	cJSON_AddStringToObject(args, "tenant", c->param[0]);
	if (web_ask(c, "invitation_create", args, &result, NULL, NULL) == 0)
		answer_link(c, result, "invitation");
}

static void delete_invitation(struct web_call *c)
{
	ask_about(c, "invitation_revoke");
}

const struct web_route web_routes_manage[] = {
	{"GET", "/api/v1/accounts", CONSOLE_MANAGE, get_accounts},
	{"POST", "/api/v1/accounts", CONSOLE_MANAGE, post_account},
	{"GET", "/api/v1/accounts/{id}", CONSOLE_MANAGE, get_account},
	{"PATCH", "/api/v1/accounts/{id}", CONSOLE_MANAGE, patch_account},
	{"POST", "/api/v1/accounts/{id}/reset", CONSOLE_MANAGE, post_account_reset},
	{"GET", "/api/v1/tenants", CONSOLE_READ, get_tenants},
	{"POST", "/api/v1/tenants", CONSOLE_MANAGE, post_tenant},
	{"GET", "/api/v1/tenants/{id}", CONSOLE_READ, get_tenant},
	{"PATCH", "/api/v1/tenants/{id}", CONSOLE_MANAGE, patch_tenant},
	{"GET", "/api/v1/tenants/{id}/invitations", CONSOLE_MANAGE, get_tenant_invitations},
	{"POST", "/api/v1/tenants/{id}/invitations", CONSOLE_MANAGE, post_tenant_invitation},
	{"GET", "/api/v1/invitations", CONSOLE_MANAGE, get_invitations},
	{"DELETE", "/api/v1/invitations/{id}", CONSOLE_MANAGE, delete_invitation},
	{0},
};
