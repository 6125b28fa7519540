/* A flow's record: made when connecting begins, read and kept between the steps, shown to people. The steps are in
 * console_flow.c and console_prove.c, which call this on the console's threads.
 *
 * The store has the record with three JSON texts in it: the connection that it will make (config), its grant, and the facts
 * of the way there. struct flow has them opened while a command works on it. */
#include "core/console_flow.h"

#define FLOW_MS 3600000
#define BACKLOG_DAYS 30
#define DAY_MS 86400000ll

void flow_free(struct flow *f)
{
	cJSON_Delete(f->config);
	cJSON_Delete(f->grant);
	cJSON_Delete(f->facts);
}

static int open_json(const char *text, cJSON **ret, struct err *err)
{
	return json_parse(*text ? text : "{}", *text ? strlen(text) : 2, ret, err);
}

static void stage_name(struct flow *f)
{
	snprintf(f->stage, sizeof(f->stage), "flow~%s", f->rec.id);
}

/* A new id from tenant and provider. */
static int new_connection_id(struct console_request *r, const char *tenant, const char *provider, const char **ret, struct err *err)
{
	struct store_connection c;
	char id[64];

	for (int i = 1; i < 1000; i++) {
		snprintf(id, sizeof(id), i == 1 ? "%.40s-%s" : "%.40s-%s-%d", tenant, provider, i);
		if (store_connection_get(r->core->store, id, r->arena, &c, err) == 0)
			continue;
		if (err->class != ERR_GONE)
			return -1;
		*ret = arena_dup(r->arena, id);
		return 0;
	}
	return err_set(err, ERR_REMOTE, "bad_request", "this tenant has too many connections");
}

static int make_config(struct console_request *r, struct flow *f, const struct connector *k, struct err *err)
{
	cJSON *c = f->config = cJSON_CreateObject(), *ends = cJSON_AddObjectToObject(c, "endpoints");
	const cJSON *list = json_get(r->args, "services"), *one;
	_cleanup_json_ cJSON *apps = NULL;
	unsigned bits = 0;

	/* Where the provider is: as the operator's application has it, for customers' own applications, too. */
	if (json_parse(r->core->set->apps, strlen(r->core->set->apps), &apps, err) < 0)
		return -1;
	const cJSON *given = json_object(json_object(apps, k->name), "endpoints");

	cJSON_ArrayForEach(one, list)
	{
		const char *name = cJSON_IsString(one) ? one->valuestring : "";
		bits |= strcmp(name, "mail") == 0 ? SERVICE_MAIL : strcmp(name, "files") == 0 ? SERVICE_FILES :
			strcmp(name, "teams") == 0 ? SERVICE_TEAMS : 0;
	}
	bits = list ? bits & k->services : k->services;
	cJSON_AddStringToObject(c, "id", f->rec.connection);
	cJSON_AddStringToObject(c, "tenant", f->rec.tenant);
	cJSON_AddStringToObject(c, "provider", f->rec.provider);
	cJSON_AddBoolToObject(c, "protect", false);
	cJSON_AddNumberToObject(c, "backlog", BACKLOG_SINCE);
	cJSON_AddNumberToObject(c, "backlog_since", (double)(time_now_ms() - BACKLOG_DAYS * DAY_MS));
	cJSON_AddNumberToObject(c, "page_size", 0);
	cJSON_AddNumberToObject(c, "services", bits);
	for (const char *const *e = k->endpoints; *e; e += 2)
		cJSON_AddStringToObject(ends, e[0], json_str_or(given, e[0], e[1]));
	return bits ? 0 : console_bad(err, "'services' wants at least one that the provider has: mail, files, teams");
}

/* The connection that is renewed keeps what was set for it. */
static int old_config(struct console_request *r, struct flow *f, const char *id, struct err *err)
{
	struct store_connection c;

	if (store_connection_get(r->core->store, id, r->arena, &c, err) < 0)
		return -1;
	if (strcmp(c.tenant, f->rec.tenant) != 0 || strcmp(c.provider, f->rec.provider) != 0)
		return err_set(err, ERR_GONE, "not_found", "there is no such connection");
	f->rec.connection = c.id;
	f->rec.renew = true;
	return json_parse(c.config, strlen(c.config), &f->config, err);
}

/* ---- made, read, kept ---- */

int flow_new(struct console_request *r, const struct connector *k, const char *method, const char *connection, struct flow *ret,
	struct err *err)
{
	const struct console_session *s = r->actor->session;
	int64_t now = time_now_ms();
	char id[37];

	uuid_new(id);
	ret->rec = (struct console_flow){.id = arena_dup(r->arena, id), .tenant = r->tenant, .provider = k->name, .method = method,
		.session = r->actor->session_hash, .account = s->account, .invitation = s->invitation, .report = "", .preview = "",
		.error = "", .finding = "", .created_at = now, .ends_at = now + FLOW_MS};
	ret->grant = cJSON_CreateObject();
	ret->facts = cJSON_CreateObject();
	if (!ret->rec.id || !ret->grant || !ret->facts)
		return console_no_memory(err);
	stage_name(ret);
	if (*connection)
		return old_config(r, ret, connection, err);
	return new_connection_id(r, r->tenant, k->name, &ret->rec.connection, err) < 0 ? -1 : make_config(r, ret, k, err);
}

int flow_load(struct console_request *r, const char *id, struct flow *ret, struct err *err)
{
	if (store_flow_get(r->core->store, id, time_now_ms(), r->arena, &ret->rec, err) < 0)
		return -1;
	stage_name(ret);
	return open_json(ret->rec.config, &ret->config, err) < 0 || open_json(ret->rec.grant, &ret->grant, err) < 0 ||
			open_json(ret->rec.facts, &ret->facts, err) < 0 ?
		-1 :
		0;
}

int flow_of_state(struct console_request *r, const char *provider, struct flow *ret, struct err *err)
{
	const char *state = json_str_or(json_object(r->args, "params"), "state", "");
	char hash[CONSOLE_HASH_LEN];
	struct console_flow *list;
	size_t n;

	console_hash(state, hash);
	if (store_flow_list(r->core->store, r->actor->session_hash, time_now_ms(), 50, r->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		_cleanup_json_ cJSON *facts = NULL;
		if (strcmp(list[i].provider, provider) != 0 || open_json(list[i].facts, &facts, err) < 0)
			continue;
		if (strcmp(json_str_or(facts, "state_hash", ""), hash) == 0)
			return flow_load(r, list[i].id, ret, err);
	}
	return err_set(err, ERR_AUTH, "bad_state",
		"this answer does not belong to a connecting of this session, was used, or is over: begin again");
}

static const char *text_of(struct console_request *r, const cJSON *doc)
{
	_cleanup_buf_ struct buf b = BUF_INIT(262144);

	return json_print(doc, &b) < 0 ? NULL : arena_dup(r->arena, buf_str(&b));
}

int flow_save(struct console_request *r, struct flow *f, const char *step, struct err *err)
{
	f->rec.step = step;
	f->rec.updated_at = time_now_ms();
	f->rec.config = text_of(r, f->config);
	f->rec.grant = text_of(r, f->grant);
	f->rec.facts = text_of(r, f->facts);
	if (!f->rec.config || !f->rec.grant || !f->rec.facts)
		return console_no_memory(err);
	return store_flow_put(r->core->store, &f->rec, err);
}

int flow_save_error(struct console_request *r, struct flow *f, const char *step, const struct err *why, struct err *err)
{
	_cleanup_json_ cJSON *e = cJSON_CreateObject();

	cJSON_AddStringToObject(e, "class", err_class_name(why->class));
	cJSON_AddStringToObject(e, "code", why->code);
	cJSON_AddStringToObject(e, "message", why->message);
	cJSON_AddNumberToObject(e, "status", why->http_status);
	cJSON_AddStringToObject(e, "request_id", why->request_id);
	f->rec.error = text_of(r, e);
	return flow_save(r, f, step, err);
}

/* ---- shown ---- */

static void add_json(cJSON *o, const char *key, const char *text)
{
	cJSON *doc = NULL;

	if (*text && json_parse(text, strlen(text), &doc, NULL) == 0)
		cJSON_AddItemToObject(o, key, doc);
	else
		cJSON_AddNullToObject(o, key);
}

/* What console.h calls flow: the facts for people, without what only core needs. */
static cJSON *flow_json(const struct console_flow *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", f->id);
	cJSON_AddStringToObject(o, "tenant", f->tenant);
	cJSON_AddStringToObject(o, "provider", f->provider);
	cJSON_AddStringToObject(o, "method", f->method);
	cJSON_AddStringToObject(o, "connection", f->connection);
	cJSON_AddBoolToObject(o, "renew", f->renew);
	cJSON_AddStringToObject(o, "step", f->step);
	add_json(o, "facts", f->facts);
	cJSON *facts = json_object(o, "facts");
	cJSON_DeleteItemFromObjectCaseSensitive(facts, "state_hash");
	cJSON_DeleteItemFromObjectCaseSensitive(facts, "redirect_uri");
	cJSON_DeleteItemFromObjectCaseSensitive(facts, "certificate");
	add_json(o, "report", f->report);
	add_json(o, "preview", f->preview);
	add_json(o, "error", f->error);
	cJSON_AddStringToObject(o, "finding", f->finding);
	cJSON_AddNumberToObject(o, "ends_at", (double)f->ends_at);
	return o;
}

void flow_result(struct console_request *r, const struct flow *f)
{
	cJSON_AddItemToObject(r->result, "flow", flow_json(&f->rec));
}
