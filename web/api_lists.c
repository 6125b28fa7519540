/* What a company approves, blocks and protects; and what is recorded of a finding's item. A password is in no answer. Connection
 * threads. */
#include "web/impl.h"

#include "base/timeutil.h"
#include "store/policy.h"

#include <inttypes.h>
#include <string.h>

static const char *const kinds[] = {NULL, "sender", "domain", "hash", "link", "password", "protected", "person"};

static enum store_list_kind kind_of(const char *name)
{
	for (size_t i = 1; name && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], name) == 0)
			return (enum store_list_kind)i;
	return 0;
}

static bool may_see(struct web_call *c)
{
	struct console_tenant t;
	struct err err;
	struct store *s = web_store(c);

	if (!s)
		return false;
	if (!console_may(&c->session, CONSOLE_READ, c->param[0])) {
		web_fail_code(c, "not_found");
		return false;
	}
	if (store_tenant_get(s, c->param[0], c->q->arena, &t, &err) < 0) {
		web_fail_err(c, &err);
		return false;
	}
	return true;
}

static cJSON *entry_json(const struct store_list_entry *e, int64_t now)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "id", (double)e->id);
	cJSON_AddStringToObject(o, "kind", (size_t)e->kind < ARRAY_SIZE(kinds) && kinds[e->kind] ? kinds[e->kind] : "");
	cJSON_AddBoolToObject(o, "approved", e->approved);
	web_add_text(o, "value", e->kind == LIST_PASSWORD ? NULL : e->value);
	cJSON_AddStringToObject(o, "reason", e->reason ? e->reason : "");
	cJSON_AddStringToObject(o, "author", e->author ? e->author : "");
	web_add_time(o, "created", e->created_at);
	web_add_time(o, "ends", e->ends_at);
	cJSON_AddBoolToObject(o, "ended", e->ends_at && e->ends_at <= now);
	return o;
}

static void get_lists(struct web_call *c)
{
	const char *wanted = web_text_of(c, "kind");
	enum store_list_kind kind = kind_of(wanted);
	struct store_list_entry *list;
	int64_t now = time_now_ms();
	struct err err;
	size_t n;

	if (wanted && *wanted && !kind) {
		web_fail_code(c, "bad_request");
		return;
	}
	if (!may_see(c))
		return;
	if (store_list_all(web_store(c), c->param[0], kind, web_text_of(c, "ended") ? 0 : now, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, entry_json(&list[i], now));
	web_answer_list(c, items, NULL);
}

static void post_list(struct web_call *c)
{
	static const char *const names[] = {"kind", "approved", "value", "reason", NULL};
	const cJSON *ends = json_get(c->body, "ends");
	int64_t at = 0;

	if (!may_see(c))
		return;
	if (ends && !cJSON_IsNull(ends) && (!cJSON_IsString(ends) || time_parse(ends->valuestring, &at) < 0)) {
		web_fail_code(c, "bad_request");
		return;
	}
	cJSON *args = web_args(c, names);
	cJSON_AddStringToObject(args, "tenant", c->param[0]);
	cJSON_AddNumberToObject(args, "ends_at", (double)at);
	web_ask_answer(c, "list_add", args, 200);
}

static void delete_list(struct web_call *c)
{
	if (!may_see(c))
		return;
	cJSON *args = web_id_args(c->param[1]);
	cJSON_AddStringToObject(args, "tenant", c->param[0]);
	web_ask_answer(c, "list_remove", args, 200);
}

/* ---- what is recorded of a finding's item: parts, masked hits, links; and where else its content lies ---- */

#define COPIES_MAX 50

/* The finding's own id for people, by its number; NULL when it is gone. */
static const char *uid_of(struct web_call *c, const char *tenant, int64_t finding)
{
	const struct finding_filter filter = {.tenant = tenant, .after = finding - 1, .max = 1};
	struct store_finding *list;
	struct err err;
	size_t n;

	if (!finding || store_finding_list(web_store(c), &filter, c->q->arena, &list, &n, &err) < 0 || !n || list[0].id != finding)
		return NULL;
	return list[0].uid;
}

static int add_copies(struct web_call *c, cJSON *o, const struct store_finding *f, struct err *err)
{
	cJSON *list = cJSON_AddArrayToObject(o, "copies");
	struct store_seen *copies;
	size_t n;
	int given = 0;

	if (!f->sha256 || !*f->sha256)
		return 0;
	if (store_copies(web_store(c), f->tenant, f->sha256, c->q->arena, &copies, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n && given < COPIES_MAX; i++) {
		const struct store_seen *k = &copies[i];
		if ((k->item == f->item && k->item) || (k->finding && k->finding == f->id))
			continue;
		cJSON *one = cJSON_CreateObject();
		web_add_text(one, "finding", uid_of(c, f->tenant, k->finding));
		cJSON_AddStringToObject(one, "connection", k->connection ? k->connection : "");
		web_add_text(one, "service", k->service);
		web_add_text(one, "name", k->name);
		web_add_text(one, "path", k->path);
		web_add_text(one, "owner", k->owner);
		web_add_time(one, "seen", k->seen_at);
		cJSON_AddItemToArray(list, one);
		given++;
	}
	return 0;
}

static void get_finding_facts(struct web_call *c)
{
	struct store *s = web_store(c);
	struct store_finding f;
	struct err err;

	if (!s)
		return;
	if (store_finding_get(s, c->param[0], c->q->arena, &f, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	if (!console_may(&c->session, CONSOLE_READ, f.tenant)) {
		web_fail_code(c, "not_found");
		return;
	}
	cJSON *o = cJSON_CreateObject(), *facts = web_json_or_null(f.facts);
	cJSON_AddItemToObject(o, "facts", facts);
	if (add_copies(c, o, &f, &err) < 0) {
		cJSON_Delete(o);
		web_fail_err(c, &err);
		return;
	}
	web_answer_json(c->a, 200, o);
}

const struct web_route web_routes_lists[] = {
	{"GET", "/api/v1/tenants/{id}/lists", CONSOLE_READ, get_lists},
	{"POST", "/api/v1/tenants/{id}/lists", CONSOLE_HOLD, post_list},
	{"DELETE", "/api/v1/tenants/{id}/lists/{entry}", CONSOLE_HOLD, delete_list},
	{"GET", "/api/v1/findings/{id}/facts", CONSOLE_READ, get_finding_facts},
	{0},
};
