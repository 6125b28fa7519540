/* Rules and the files they come from: what there is, checking, testing, replaying, saving. Rules are compiled by core alone, which
 * is asked for everything but the files' own texts. The operator's files, which count for all, belong to the company "*".
 * Connection threads. */
#include "web/impl.h"

#include "base/timeutil.h"
#include "store/policy.h"

#include <string.h>

#define DAY_MS 86400000ll
#define MATCH_DAYS 30

/* The store's name of the path's company: "" for "*". NULL after an answer. */
static const char *tenant_of(struct web_call *c)
{
	const char *id = strcmp(c->param[0], "*") == 0 ? "" : c->param[0];
	struct store *s = web_store(c);
	struct console_tenant t;
	struct err err;

	if (!s)
		return NULL;
	/* What counts for all may name other companies: for who sees every one. */
	if (!console_may(&c->session, CONSOLE_READ, id)) {
		web_fail_code(c, "not_found");
		return NULL;
	}
	if (*id && store_tenant_get(s, id, c->q->arena, &t, &err) < 0) {
		web_fail_err(c, &err);
		return NULL;
	}
	return id;
}

static cJSON *args_of(struct web_call *c, const char *const *names)
{
	cJSON *args = web_args(c, names);

	cJSON_DeleteItemFromObjectCaseSensitive(args, "tenant");
	cJSON_AddStringToObject(args, "tenant", c->param[0]);
	return args;
}

/* ms under `from` becomes a time under `to`. */
static void mend_time(cJSON *o, const char *from, const char *to)
{
	int64_t at = json_int64_or(o, from, 0);

	cJSON_DeleteItemFromObjectCaseSensitive(o, from);
	web_add_time(o, to, at);
}

/* "title_ja" and "title_en" become "title" in the reader's language, or the other one where it has none. */
static void mend_language(struct web_call *c, cJSON *o, const char *ja, const char *en, const char *to)
{
	const char *own = json_str_or(o, c->language == WEB_JA ? ja : en, ""), *other = json_str_or(o, c->language == WEB_JA ? en : ja, "");

	cJSON_AddStringToObject(o, to, *own ? own : other);
	cJSON_DeleteItemFromObjectCaseSensitive(o, ja);
	cJSON_DeleteItemFromObjectCaseSensitive(o, en);
}

static void mend_title(struct web_call *c, cJSON *o)
{
	mend_language(c, o, "title_ja", "title_en", "title");
}

/* ---- rules ---- */

static int64_t matches_of(const struct store_rule_count *counts, size_t n, const char *rule)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(counts[i].rule, rule) == 0)
			return counts[i].n;
	return 0;
}

static void get_rules(struct web_call *c)
{
	static const char *const none[] = {NULL};
	const char *tenant = tenant_of(c);
	struct store_rule_count *counts = NULL;
	struct err err;
	size_t n = 0;
	cJSON *result, *rule;

	if (!tenant)
		return;
	if (*tenant && store_finding_rules(web_store(c), tenant, time_now_ms() - MATCH_DAYS * DAY_MS, c->q->arena, &counts, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	if (web_ask(c, "policy_rules", args_of(c, none), &result, NULL, NULL) < 0)
		return;
	cJSON_ArrayForEach(rule, json_array(result, "items"))
	{
		mend_title(c, rule);
		mend_language(c, rule, "description_ja", "description_en", "description");
		mend_time(rule, "changed_at", "changed");
		cJSON_AddNumberToObject(rule, "matches", (double)matches_of(counts, n, json_str_or(rule, "id", "")));
	}
	web_answer_json(c->a, 200, result);
}

static void patch_rule(struct web_call *c)
{
	static const char *const names[] = {"mode", "was", NULL};
	cJSON *args, *result, *e;

	if (!tenant_of(c))
		return;
	args = args_of(c, names);
	cJSON_AddStringToObject(args, "rule", c->param[1]);
	if (web_ask(c, "mode_put", args, &result, NULL, NULL) < 0)
		return;
	cJSON_ArrayForEach(e, json_array(result, "examples"))
		mend_time(e, "at", "time");
	web_answer_json(c->a, 200, result);
}

static void patch_policy(struct web_call *c)
{
	static const char *const names[] = {"may_delete", NULL};

	if (tenant_of(c))
		web_ask_answer(c, "policy_settings", args_of(c, names), 200);
}

/* ---- files ---- */

static cJSON *file_json(const struct store_policy_file *f, bool with_text)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "tenant", f->tenant && *f->tenant ? f->tenant : "*");
	cJSON_AddStringToObject(o, "name", f->name);
	cJSON_AddNumberToObject(o, "version", (double)f->version);
	web_add_time(o, "changed", f->changed_at);
	cJSON_AddStringToObject(o, "changed_by", f->changed_by ? f->changed_by : "");
	if (with_text)
		web_add_text(o, "text", f->text);
	return o;
}

/* -1 after an answer. */
static int list_files(struct web_call *c, const char *tenant, struct store_policy_file **ret, size_t *ret_n)
{
	const char *set = arena_printf(c->q->arena, "|%s|", tenant);
	struct err err;

	if (!set || store_policy_list(web_store(c), set, c->q->arena, ret, ret_n, &err) < 0) {
		if (set)
			web_fail_err(c, &err);
		else
			web_fail_code(c, "internal");
		return -1;
	}
	return 0;
}

static void get_policies(struct web_call *c)
{
	const char *tenant = tenant_of(c);
	struct store_policy_file *list;
	size_t n;

	if (!tenant || list_files(c, tenant, &list, &n) < 0)
		return;
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, file_json(&list[i], false));
	web_answer_list(c, items, NULL);
}

static void get_policy(struct web_call *c)
{
	const char *tenant = tenant_of(c);
	struct store_policy_file *list;
	size_t n;

	if (!tenant || list_files(c, tenant, &list, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].name, c->param[1]) == 0) {
			web_answer_json(c->a, 200, file_json(&list[i], true));
			return;
		}
	}
	web_fail_code(c, "not_found");
}

static void get_versions(struct web_call *c)
{
	const char *tenant = tenant_of(c);
	struct store_policy_file *list;
	struct err err;
	size_t n;

	if (!tenant)
		return;
	if (store_policy_versions(web_store(c), tenant, c->param[1], c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, file_json(&list[i], true));
	web_answer_list(c, items, NULL);
}

/* Commands about one file; the answer names the new version. */
static void ask_about_file(struct web_call *c, const char *command, const char *const *names)
{
	cJSON *args, *result;

	if (!tenant_of(c))
		return;
	args = args_of(c, names);
	cJSON_DeleteItemFromObjectCaseSensitive(args, "name");
	cJSON_AddStringToObject(args, "name", c->param[1]);
	if (web_ask(c, command, args, &result, NULL, NULL) < 0)
		return;
	if (json_get(result, "changed_at"))
		mend_time(result, "changed_at", "changed");
	web_answer_json(c->a, 200, result);
}

static void post_policy(struct web_call *c)
{
	static const char *const names[] = {"text", "version", NULL};

	ask_about_file(c, "policy_put", names);
}

static void delete_policy(struct web_call *c)
{
	static const char *const names[] = {"version", NULL};

	ask_about_file(c, "policy_delete", names);
}

static void post_policy_restore(struct web_call *c)
{
	static const char *const names[] = {"from", "version", NULL};

	ask_about_file(c, "policy_restore", names);
}

/* ---- trying ---- */

static const char *const text_names[] = {"name", "text", NULL};

static void post_check(struct web_call *c)
{
	if (tenant_of(c))
		web_ask_answer(c, "policy_check", args_of(c, text_names), 200);
}

static void post_test(struct web_call *c)
{
	if (tenant_of(c))
		web_ask_answer(c, "policy_test", args_of(c, text_names), 200);
}

static void post_replay(struct web_call *c)
{
	static const char *const names[] = {"name", "text", "rule", "mode", "days", NULL};
	cJSON *result, *item, *e;

	if (!tenant_of(c) || web_ask(c, "policy_replay", args_of(c, names), &result, NULL, NULL) < 0)
		return;
	cJSON_ArrayForEach(item, json_array(result, "items"))
	{
		mend_title(c, item);
		cJSON_ArrayForEach(e, json_array(item, "examples"))
			mend_time(e, "at", "time");
	}
	cJSON_ArrayForEach(e, json_array(result, "examples"))
		mend_time(e, "at", "time");
	web_answer_json(c->a, 200, result);
}

const struct web_route web_routes_policy[] = {
	{"GET", "/api/v1/tenants/{id}/rules", CONSOLE_READ, get_rules},
	{"PATCH", "/api/v1/tenants/{id}/rules/{rule}", CONSOLE_POLICY, patch_rule},
	{"PATCH", "/api/v1/tenants/{id}/policy", CONSOLE_POLICY, patch_policy},
	{"POST", "/api/v1/tenants/{id}/policy/check", CONSOLE_POLICY, post_check},
	{"POST", "/api/v1/tenants/{id}/policy/test", CONSOLE_POLICY, post_test},
	{"POST", "/api/v1/tenants/{id}/policy/replay", CONSOLE_POLICY, post_replay},
	{"GET", "/api/v1/tenants/{id}/policies", CONSOLE_READ, get_policies},
	{"GET", "/api/v1/tenants/{id}/policies/{name}", CONSOLE_READ, get_policy},
	{"POST", "/api/v1/tenants/{id}/policies/{name}", CONSOLE_POLICY, post_policy},
	{"DELETE", "/api/v1/tenants/{id}/policies/{name}", CONSOLE_POLICY, delete_policy},
	{"GET", "/api/v1/tenants/{id}/policies/{name}/versions", CONSOLE_READ, get_versions},
	{"POST", "/api/v1/tenants/{id}/policies/{name}/restore", CONSOLE_POLICY, post_policy_restore},
	{0},
};
