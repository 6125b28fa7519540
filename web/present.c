/* Records of the store as the API shows them: times as RFC 3339 in UTC or null, what is wrong with its explanation in the
 * reader's language. Shapes are described in openapi.json, which the tests hold answers against. Any thread. */
#include "web/impl.h"

#include "base/timeutil.h"
#include "connectors/connector.h"

#include <string.h>

void web_add_time(cJSON *o, const char *key, int64_t ms)
{
	char t[TIME_RFC3339_LEN];

	if (ms)
		cJSON_AddStringToObject(o, key, time_format(ms, t));
	else
		cJSON_AddNullToObject(o, key);
}

void web_add_text(cJSON *o, const char *key, const char *s)
{
	if (s)
		cJSON_AddStringToObject(o, key, s);
	else
		cJSON_AddNullToObject(o, key);
}

cJSON *web_json_or_null(const char *text)
{
	cJSON *doc;

	return text && *text && json_parse(text, strlen(text), &doc, NULL) == 0 ? doc : cJSON_CreateNull();
}

static void add_json(cJSON *o, const char *key, const char *text)
{
	cJSON_AddItemToObject(o, key, web_json_or_null(text));
}

static void add_number(cJSON *o, const char *key, int64_t n)
{
	cJSON_AddNumberToObject(o, key, (double)n);
}

cJSON *web_set_json(const char *tenants)
{
	cJSON *a = cJSON_CreateArray();

	if (!tenants) {
		cJSON_AddItemToArray(a, cJSON_CreateString("*"));
		return a;
	}
	for (const char *p = tenants; *p;) {
		size_t n = strcspn(p, "|");
		char name[128];
		if (n && n < sizeof(name)) {
			snprintf(name, sizeof(name), "%.*s", (int)n, p);
			cJSON_AddItemToArray(a, cJSON_CreateString(name));
		}
		p += n + (p[n] == '|');
	}
	return a;
}

/* ---- findings: the shape of `sekisho findings --json` ---- */

static void add_list(cJSON *o, const char *key, const char *text)
{
	cJSON *doc = web_json_or_null(text);

	if (!cJSON_IsArray(doc)) {
		cJSON_Delete(doc);
		doc = cJSON_CreateArray();
	}
	cJSON_AddItemToObject(o, key, doc);
}

/* States of an action as people see them: "intended" covers what has begun. */
static const char *outer_state(const char *state)
{
	return strcmp(state, "planned") == 0 ? "intended" : state;
}

static void add_mail(cJSON *o, const struct store_finding *f)
{
	cJSON *mail = cJSON_AddObjectToObject(o, "mail");

	web_add_text(mail, "message_id", f->message_id);
	web_add_text(mail, "from", f->from);
	web_add_text(mail, "to", f->to);
	web_add_text(mail, "subject", f->subject);
	web_add_time(mail, "received", f->received_at);
}

cJSON *web_finding(const struct store_finding *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", f->uid);
	cJSON_AddStringToObject(o, "tenant", f->tenant);
	cJSON_AddStringToObject(o, "connection", f->connection);
	web_add_text(o, "provider", f->provider);
	web_add_text(o, "service", f->service);
	web_add_text(o, "stream", f->stream_name);
	cJSON *item = cJSON_AddObjectToObject(o, "item");
	web_add_text(item, "id", f->remote_id);
	web_add_text(item, "version", f->version);
	web_add_text(item, "name", f->name);
	web_add_text(item, "path", f->path);
	web_add_text(item, "owner", f->owner);
	if (f->size >= 0)
		add_number(item, "size", f->size);
	else
		cJSON_AddNullToObject(item, "size");
	web_add_text(item, "sha256", f->sha256);
	if (f->service && (strcmp(f->service, "exchange") == 0 || strcmp(f->service, "gmail") == 0))
		add_mail(o, f);
	cJSON *verdict = cJSON_AddObjectToObject(o, "verdict");
	web_add_text(verdict, "status", f->verdict);
	web_add_text(verdict, "reason", f->reason);
	add_list(verdict, "threats", f->threats);
	web_add_text(verdict, "engine", f->engine);
	web_add_text(verdict, "signatures", f->signatures);
	add_list(o, "rules", f->rules);
	cJSON *action = cJSON_AddObjectToObject(o, "action");
	web_add_text(action, "kind", f->action_kind);
	web_add_text(action, "state", outer_state(f->action_state));
	web_add_text(action, "error", f->action_error);
	web_add_text(o, "case", f->case_id);
	cJSON *times = cJSON_AddObjectToObject(o, "times");
	web_add_time(times, "changed", f->changed_at);
	web_add_time(times, "seen", f->seen_at);
	web_add_time(times, "verdict", f->verdict_at);
	web_add_time(times, "contained", f->contained_at);
	web_add_time(times, "restored", f->restored_at);
	return o;
}

/* ---- connections and streams ---- */

static cJSON *services_json(unsigned services)
{
	cJSON *a = cJSON_CreateArray();

	if (services & SERVICE_MAIL)
		cJSON_AddItemToArray(a, cJSON_CreateString("mail"));
	if (services & SERVICE_FILES)
		cJSON_AddItemToArray(a, cJSON_CreateString("files"));
	if (services & SERVICE_TEAMS)
		cJSON_AddItemToArray(a, cJSON_CreateString("teams"));
	return a;
}

/* What is wrong with a connection, explained; null when nothing is. */
static cJSON *trouble(struct web_call *c, const struct store_connection *k, const char *check_code)
{
	const char *class = k->state == CONN_REVOKED ? "consent" : k->state == CONN_EXPIRED || k->state == CONN_DEGRADED ? "auth" : "";
	const char *code = k->reason && *k->reason ? k->reason : k->state == CONN_CONNECTED ? "" : conn_state_name(k->state);

	if (k->state == CONN_DISCONNECTED)
		return cJSON_CreateNull();
	if (!*code && check_code && *check_code) {
		code = check_code;
		class = "retry";
	}
	if (!*code)
		return cJSON_CreateNull();
	return web_explanation(c->language, &(struct web_trouble){code, class, k->message, ""});
}

cJSON *web_connection(struct web_call *c, const struct console_connection *k)
{
	cJSON *o = cJSON_CreateObject(), *report = web_json_or_null(k->c.report);

	cJSON_AddStringToObject(o, "id", k->c.id);
	cJSON_AddStringToObject(o, "tenant", k->c.tenant);
	cJSON_AddStringToObject(o, "provider", k->c.provider);
	cJSON_AddStringToObject(o, "mode", k->c.protect ? "protect" : "monitor");
	cJSON_AddItemToObject(o, "services", services_json(k->c.services));
	cJSON_AddStringToObject(o, "state", conn_state_name(k->c.state));
	cJSON_AddItemToObject(o, "trouble", trouble(c, &k->c, k->check_code));
	cJSON_AddStringToObject(o, "organisation", json_str_or(report, "organisation", ""));
	web_add_time(o, "created", k->c.created_at);
	web_add_time(o, "last_success", k->c.last_success_at);
	web_add_time(o, "last_failure", k->c.last_failure_at);
	web_add_time(o, "ends", k->c.ends_at);
	web_add_time(o, "checked", k->checked_at);
	web_add_time(o, "paused_until", k->c.paused_until > time_now_ms() ? k->c.paused_until : 0);
	add_number(o, "streams", k->streams);
	add_number(o, "streams_wrong", k->streams_wrong);
	add_number(o, "seen", k->seen);
	add_number(o, "pending", k->pending);
	add_number(o, "findings", k->findings);
	add_number(o, "alerts", k->alerts);
	cJSON_Delete(report);
	return o;
}

static const char *stream_state_name(int state)
{
	static const char *const names[] = {"unknown", "active", "unlicensed", "forbidden", "retired"};

	return names[state > 0 && state < (int)ARRAY_SIZE(names) ? state : 0];
}

cJSON *web_stream(struct web_call *c, const struct store_stream *s)
{
	cJSON *o = cJSON_CreateObject();

	add_number(o, "id", s->id);
	cJSON_AddStringToObject(o, "service", s->service ? s->service : "");
	cJSON_AddStringToObject(o, "owner", s->owner ? s->owner : "");
	cJSON_AddStringToObject(o, "name", s->name ? s->name : "");
	cJSON_AddStringToObject(o, "state", stream_state_name(s->state));
	cJSON_AddStringToObject(o, "reason", s->reason ? s->reason : "");
	cJSON_AddStringToObject(o, "error", s->error ? s->error : "");
	cJSON_AddBoolToObject(o, "listing", s->listing);
	web_add_time(o, "last_success", s->last_success_at);
	add_number(o, "seen", s->seen);
	add_number(o, "scanned", s->scanned);
	add_number(o, "unknown", s->unknown);
	add_number(o, "skipped", s->skipped);
	add_number(o, "pending", s->pending);
	return o;
}

cJSON *web_alert(struct web_call *c, const struct console_alert *a)
{
	cJSON *o = cJSON_CreateObject(), *detail = web_json_or_null(a->detail);
	const char *code = json_str_or(detail, "code", "");
	struct web_trouble t = {a->kind, "", json_str_or(detail, "message", ""), ""};

	/* The kind says more than most codes; of a failing connection the code says more. */
	if (*code && (strcmp(a->kind, "degraded") == 0 || strcmp(a->kind, "canary") == 0))
		t = (struct web_trouble){code, "auth", json_str_or(detail, "message", ""), ""};
	cJSON_AddStringToObject(o, "id", a->uid);
	cJSON_AddStringToObject(o, "tenant", a->tenant);
	web_add_text(o, "connection", a->connection);
	web_add_text(o, "provider", a->provider);
	cJSON_AddStringToObject(o, "kind", a->kind);
	add_number(o, "severity", a->severity);
	cJSON_AddItemToObject(o, "explanation", web_explanation(c->language, &t));
	cJSON_AddItemToObject(o, "detail", detail);
	web_add_time(o, "created", a->created_at);
	web_add_time(o, "ended", a->ended_at);
	web_add_time(o, "acknowledged", a->acked_at);
	web_add_text(o, "acknowledged_by", a->acked_by);
	return o;
}

/* ---- flows ---- */

static void replace_time(cJSON *o, const char *key)
{
	int64_t ms = json_int64_or(o, key, 0);

	if (cJSON_IsString(json_get(o, key)) && !ms)
		return; /* a time in text already */
	cJSON_DeleteItemFromObjectCaseSensitive(o, key);
	web_add_time(o, key, ms);
}

/* Absent and "" become null; text becomes the document that it holds. */
static void replace_document(cJSON *o, const char *key)
{
	const char *text = json_str(o, key);
	cJSON *doc = json_get(o, key);

	if (cJSON_IsObject(doc))
		return;
	doc = web_json_or_null(text);
	cJSON_DeleteItemFromObjectCaseSensitive(o, key);
	cJSON_AddItemToObject(o, key, doc);
}

cJSON *web_flow_json(struct web_call *c, cJSON *flow)
{
	static const char *const documents[] = {"facts", "report", "preview", "error"};

	for (size_t i = 0; i < ARRAY_SIZE(documents); i++)
		replace_document(flow, documents[i]);
	replace_time(flow, "ends_at");
	const cJSON *e = json_object(flow, "error");
	if (json_str(e, "code") && *json_str(e, "code")) {
		cJSON *x = web_explanation(c->language, &(struct web_trouble){json_str(e, "code"), json_str_or(e, "class", ""),
			json_str_or(e, "message", ""), json_str_or(e, "request_id", "")});
		cJSON_ReplaceItemInObjectCaseSensitive(flow, "error", x);
	} else {
		cJSON_DeleteItemFromObjectCaseSensitive(flow, "error");
		cJSON_AddNullToObject(flow, "error");
	}
	/* What only core needs; the certificate is a file to download. */
	static const char *const inner[] = {"state_hash", "redirect_uri", "certificate"};
	for (size_t i = 0; i < ARRAY_SIZE(inner); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(json_object(flow, "facts"), inner[i]);
	return flow;
}

cJSON *web_flow(struct web_call *c, const struct console_flow *f)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", f->id);
	cJSON_AddStringToObject(o, "tenant", f->tenant);
	cJSON_AddStringToObject(o, "provider", f->provider);
	cJSON_AddStringToObject(o, "method", f->method);
	web_add_text(o, "connection", f->connection ? f->connection : "");
	cJSON_AddBoolToObject(o, "renew", f->renew);
	cJSON_AddStringToObject(o, "step", f->step);
	add_json(o, "facts", f->facts);
	add_json(o, "report", f->report);
	add_json(o, "preview", f->preview);
	add_json(o, "error", f->error);
	cJSON_AddStringToObject(o, "finding", f->finding ? f->finding : "");
	web_add_time(o, "ends_at", f->ends_at);
	return web_flow_json(c, o);
}

/* ---- people ---- */

cJSON *web_session(struct web_call *c, const struct console_session *s)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", s->id);
	web_add_time(o, "created", s->created_at);
	web_add_time(o, "seen", s->seen_at);
	web_add_time(o, "idle_end", s->idle_at);
	web_add_time(o, "end", s->ends_at);
	cJSON_AddStringToObject(o, "address", s->address ? s->address : "");
	cJSON_AddStringToObject(o, "agent", s->agent ? s->agent : "");
	cJSON_AddBoolToObject(o, "current", c->signed_in && strcmp(s->id, c->session.id) == 0);
	return o;
}

cJSON *web_account(const struct console_account *a)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", a->id);
	cJSON_AddStringToObject(o, "login", a->login);
	cJSON_AddStringToObject(o, "name", a->name);
	cJSON_AddStringToObject(o, "language", a->language);
	cJSON_AddStringToObject(o, "role", console_role_name(a->role));
	cJSON_AddItemToObject(o, "tenants", web_set_json(a->tenants));
	cJSON_AddBoolToObject(o, "disabled", a->disabled);
	cJSON_AddBoolToObject(o, "totp", a->totp);
	cJSON_AddBoolToObject(o, "has_password", a->has_password);
	add_number(o, "recovery_left", a->recovery_left);
	web_add_time(o, "created", a->created_at);
	web_add_time(o, "last_sign_in", a->last_sign_in_at);
	return o;
}

cJSON *web_tenant(const struct console_tenant *t)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", t->id);
	cJSON_AddStringToObject(o, "name", t->name);
	cJSON_AddStringToObject(o, "language", t->language);
	web_add_time(o, "created", t->created_at);
	web_add_time(o, "trial_ends", t->trial_ends_at);
	web_add_time(o, "trial_ended", t->trial_ended_at);
	add_number(o, "connections", t->connections);
	add_number(o, "alerts", t->alerts);
	return o;
}

cJSON *web_invitation(const struct console_invitation *i)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "id", i->id);
	cJSON_AddStringToObject(o, "tenant", i->tenant);
	cJSON_AddStringToObject(o, "name", i->name ? i->name : "");
	cJSON_AddStringToObject(o, "state", console_invitation_state(i, time_now_ms()));
	cJSON_AddStringToObject(o, "provider", i->provider ? i->provider : "");
	cJSON_AddStringToObject(o, "step", i->step ? i->step : "");
	add_number(o, "connected", i->connected);
	web_add_time(o, "created", i->created_at);
	web_add_time(o, "ends", i->ends_at);
	web_add_time(o, "opened", i->opened_at);
	web_add_time(o, "revoked", i->revoked_at);
	return o;
}

cJSON *web_audit(const struct console_audit *a)
{
	cJSON *o = cJSON_CreateObject();

	add_number(o, "seq", a->seq);
	web_add_time(o, "at", a->at);
	cJSON_AddStringToObject(o, "actor", a->actor);
	cJSON_AddStringToObject(o, "name", a->name ? a->name : "");
	cJSON_AddStringToObject(o, "role", a->role ? a->role : "");
	cJSON_AddStringToObject(o, "address", a->address ? a->address : "");
	cJSON_AddStringToObject(o, "act", a->act);
	cJSON_AddStringToObject(o, "tenant", a->tenant ? a->tenant : "");
	cJSON_AddStringToObject(o, "object", a->object ? a->object : "");
	cJSON_AddStringToObject(o, "phase", a->phase);
	add_number(o, "intent", a->intent);
	add_json(o, "detail", a->detail);
	cJSON_AddStringToObject(o, "hash", a->hash ? a->hash : "");
	return o;
}

cJSON *web_totals(const struct console_totals *t)
{
	cJSON *o = cJSON_CreateObject();

	add_number(o, "tenants", t->tenants);
	cJSON *c = cJSON_AddObjectToObject(o, "connections");
	for (enum conn_state s = CONN_CONNECTED; s <= CONN_DISCONNECTED; s++)
		add_number(c, conn_state_name(s), t->connections[s]);
	add_number(o, "alerts", t->alerts);
	add_number(o, "findings_24h", t->findings_24h);
	add_number(o, "held", t->held);
	add_number(o, "pending", t->pending);
	web_add_time(o, "oldest_success", t->last_success_at);
	return o;
}

/* ---- lists ---- */

int64_t web_number(struct web_call *c, const char *name, int64_t fallback)
{
	const char *text = web_query(c->q, name);
	size_t n = text ? strspn(text, "0123456789") : 0;

	return n && n < 19 && !text[n] ? strtoll(text, NULL, 10) : fallback;
}

int64_t web_time(struct web_call *c, const char *name)
{
	const char *text = web_query(c->q, name);
	int64_t at;

	return text && time_parse(text, &at) == 0 ? at : 0;
}

const char *web_text_of(struct web_call *c, const char *name)
{
	const char *text = web_query(c->q, name);

	return text && *text && strlen(text) <= 200 ? text : NULL;
}

size_t web_limit(struct web_call *c)
{
	const char *text = web_query(c->q, "limit");

	if (!text)
		return 50;
	size_t n = strspn(text, "0123456789");
	long v = n && n < 5 && !text[n] ? strtol(text, NULL, 10) : 0;
	if (v >= 1 && v <= WEB_LIST_MAX)
		return (size_t)v;
	web_fail_code(c, "bad_request");
	return 0;
}

const char *web_next(struct web_call *c)
{
	const char *text = web_query(c->q, "next");

	if (!text)
		return "";
	if (strlen(text) <= 256)
		return text;
	web_fail_code(c, "bad_request");
	return NULL;
}

void web_answer_list(struct web_call *c, cJSON *items, const char *next)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToObject(o, "items", items);
	web_add_text(o, "next", next);
	web_answer_json(c->a, 200, o);
}
