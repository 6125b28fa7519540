/* Connecting: flows, step by step, and what is done to connections. What a step does is core's; see core/console.h. Here are the
 * rights, the public address for the provider's callback, and the answer's form. Connection threads. */
#include "web/impl.h"

#include "base/timeutil.h"

#include <string.h>

/* Commands answer with the flow itself, or with it beside other things. Takes result. */
static void answer_flow(struct web_call *c, cJSON *result)
{
	cJSON *inner = cJSON_DetachItemFromObjectCaseSensitive(result, "flow");

	if (!cJSON_IsObject(inner)) {
		if (inner)
			cJSON_AddItemToObject(result, "flow", inner);
		inner = result;
		result = NULL;
	} else if (json_str(result, "connection")) {
		cJSON_DeleteItemFromObjectCaseSensitive(inner, "connection");
		cJSON_AddStringToObject(inner, "connection", json_str(result, "connection"));
	}
	cJSON_Delete(result);
	web_answer_json(c->a, 200, web_flow_json(c, inner));
}

static void ask_flow(struct web_call *c, const char *command, cJSON *args)
{
	cJSON *result;

	if (web_ask(c, command, args, &result, NULL, NULL) == 0)
		answer_flow(c, result);
}

static void post_flow(struct web_call *c)
{
	static const char *const names[] = {"provider", "method", "tenant", "connection", "services", NULL};
	const char *provider = json_str_or(c->body, "provider", "");
	char redirect[700];
	cJSON *args = web_args(c, names);

	snprintf(redirect, sizeof(redirect), "%s/callback/%.32s", c->w->public_url, provider);
	cJSON_AddStringToObject(args, "redirect_uri", redirect);
	ask_flow(c, "flow_begin", args);
}

/* The flow of the path, if the reader may go on with it. false after an answer. */
static bool find_flow(struct web_call *c, struct console_flow *ret)
{
	struct store *s = web_store(c);
	struct err err;

	if (!s)
		return false;
	if (store_flow_get(s, c->param[0], time_now_ms(), c->q->arena, ret, &err) < 0) {
		web_fail_err(c, &err);
		return false;
	}
	if (console_may(&c->session, CONSOLE_CONNECT, ret->tenant))
		return true;
	web_fail_code(c, "not_found");
	return false;
}

/* The test detection goes along: who connects by an invitation sees no other finding. */
static cJSON *with_detection(struct web_call *c, const struct console_flow *f)
{
	cJSON *o = web_flow(c, f), *detection = NULL;
	struct store *s = web_store(c);
	struct store_finding found;

	if (f->finding && *f->finding && s && store_finding_get(s, f->finding, c->q->arena, &found, NULL) == 0)
		detection = web_finding(&found);
	cJSON_AddItemToObject(o, "detection", detection ? detection : cJSON_CreateNull());
	return o;
}

static void get_flow(struct web_call *c)
{
	struct console_flow f;

	if (find_flow(c, &f))
		web_answer_json(c->a, 200, with_detection(c, &f));
}

static void get_flows(struct web_call *c)
{
	struct store *s = web_store(c);
	struct console_flow *list;
	struct err err;
	size_t n;

	if (!s)
		return;
	if (store_flow_list(s, c->hash, time_now_ms(), 20, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_flow(c, &list[i]));
	web_answer_list(c, items, NULL);
}

static void step(struct web_call *c, const char *command, const char *const *names)
{
	struct console_flow f;

	if (!find_flow(c, &f))
		return;
	cJSON *args = web_args(c, names);
	cJSON_AddStringToObject(args, "flow", f.id);
	ask_flow(c, command, args);
}

static const char *const no_names[] = {NULL};

static void post_submit(struct web_call *c)
{
	static const char *const names[] = {"fields", NULL};

	step(c, "flow_submit", names);
}

static void post_check(struct web_call *c)
{
	step(c, "flow_check", no_names);
}

static void post_finish(struct web_call *c)
{
	static const char *const names[] = {"protect", "backlog_days", NULL};

	step(c, "flow_finish", names);
}

static void post_test(struct web_call *c)
{
	step(c, "flow_test", no_names);
}

static void delete_flow(struct web_call *c)
{
	step(c, "flow_cancel", no_names);
}

/* What the page offers to download, a certificate: as text, under the name that core gives it. */
static void get_file(struct web_call *c)
{
	struct console_flow f;
	_cleanup_json_ cJSON *result = NULL;
	cJSON *args = cJSON_CreateObject();

	cJSON_AddStringToObject(args, "flow", c->param[0]);
	cJSON_AddStringToObject(args, "name", c->param[1]);
	if (!find_flow(c, &f)) {
		cJSON_Delete(args);
		return;
	}
	if (web_ask(c, "flow_file", args, &result, NULL, NULL) < 0)
		return;
	char name[100], *to = name;
	for (const char *p = json_str_or(result, "name", ""); *p && to < name + sizeof(name) - 1; p++)
		if (strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.", *p) && (*p != '.' || to > name))
			*to++ = *p;
	*to = '\0';
	c->a->status = 200;
	c->a->type = "application/octet-stream";
	c->a->download = arena_dup(c->q->arena, *name ? name : "certificate.pem");
	buf_adds(&c->a->body, json_str_or(result, "text", ""));
}

/* ---- connections ---- */

/* false after an answer. */
static bool may_change(struct web_call *c)
{
	struct store *s = web_store(c);
	struct store_connection k;
	struct err err;

	if (!s)
		return false;
	if (store_connection_get(s, c->param[0], c->q->arena, &k, &err) < 0)
		web_fail_err(c, &err);
	else if (console_may(&c->session, CONSOLE_CONNECT, k.tenant))
		return true;
	else
		web_fail_code(c, console_may(&c->session, CONSOLE_READ, k.tenant) ? "forbidden_here" : "not_found");
	return false;
}

static void change(struct web_call *c, const char *command, const char *const *names)
{
	if (!may_change(c))
		return;
	cJSON *args = web_args(c, names);
	cJSON_AddStringToObject(args, "id", c->param[0]);
	web_ask_answer(c, command, args, 200);
}

static void patch_connection(struct web_call *c)
{
	static const char *const names[] = {"protect", "services", "backlog_days", NULL};

	change(c, "connection_update", names);
}

static void post_connection_check(struct web_call *c)
{
	change(c, "connection_check", no_names);
}

/* What core says in English of what is left to do by hand (core/grants.c), in the reader's language. */
static const char *by_hand_text(enum web_language language, const char *text)
{
	static const char *const known[] = {
		W_("Delete sekisho's enterprise application in the Entra admin center (Enterprise applications); that withdraws the consent."),
		W_("Remove sekisho's client ID under Security, API controls, Domain-wide delegation in the Google Admin console."),
		W_("Remove sekisho's application in the Box Admin Console (Integrations, Platform Apps Manager)."),
		W_("Remove sekisho under Settings, Team apps in the Dropbox admin console."),
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i], text) == 0)
			return web_text(language, known[i]);
	return text;
}

static void delete_connection(struct web_call *c)
{
	_cleanup_json_ cJSON *result = NULL;
	cJSON *args = cJSON_CreateObject(), *one;

	cJSON_AddStringToObject(args, "id", c->param[0]);
	if (!may_change(c)) {
		cJSON_Delete(args);
		return;
	}
	if (web_ask(c, "disconnect", args, &result, NULL, NULL) < 0)
		return;
	cJSON_ArrayForEach(one, json_array(result, "by_hand"))
	{
		cJSON *said = cJSON_CreateString(by_hand_text(c->language, json_str_or(one, "text", "")));
		if (said)
			cJSON_ReplaceItemInObjectCaseSensitive(one, "text", said);
	}
	web_answer_json(c->a, 200, TAKE_PTR(result));
}

static void get_providers(struct web_call *c)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToObject(o, "items", web_providers(c));
	web_answer_json(c->a, 200, o);
}

const struct web_route web_routes_connect[] = {
	{"GET", "/api/v1/providers", CONSOLE_CONNECT, get_providers},
	{"GET", "/api/v1/flows", CONSOLE_CONNECT, get_flows},
	{"POST", "/api/v1/flows", CONSOLE_CONNECT, post_flow},
	{"GET", "/api/v1/flows/{id}", CONSOLE_CONNECT, get_flow},
	{"DELETE", "/api/v1/flows/{id}", CONSOLE_CONNECT, delete_flow},
	{"POST", "/api/v1/flows/{id}/submit", CONSOLE_CONNECT, post_submit},
	{"POST", "/api/v1/flows/{id}/check", CONSOLE_CONNECT, post_check},
	{"POST", "/api/v1/flows/{id}/finish", CONSOLE_CONNECT, post_finish},
	{"POST", "/api/v1/flows/{id}/test", CONSOLE_CONNECT, post_test},
	{"GET", "/api/v1/flows/{id}/files/{name}", CONSOLE_CONNECT, get_file},
	{"PATCH", "/api/v1/connections/{id}", CONSOLE_CONNECT, patch_connection},
	{"DELETE", "/api/v1/connections/{id}", CONSOLE_CONNECT, delete_connection},
	{"POST", "/api/v1/connections/{id}/check", CONSOLE_CONNECT, post_connection_check},
	{0},
};
