/* What is protected, how fresh, what needs a person, who did what. Everything read here is limited to the session's
 * tenants. Connection threads. */
#include "web/impl.h"

#include "base/encode.h"
#include "base/timeutil.h"
#include "connectors/connector.h"

#include <inttypes.h>
#include <string.h>

/* ---- status: the numbers of the first page, and what is wrong, the worst first ---- */

#define STATUS_WRONG 10

static int add_wrong(struct web_call *c, struct store *s, cJSON *o, struct err *err)
{
	const struct connection_filter f = {.tenants = c->session.tenants, .wrong = true, .max = STATUS_WRONG};
	struct console_connection *list;
	size_t n;

	if (store_connection_page(s, &f, c->q->arena, &list, &n, err) < 0)
		return -1;
	cJSON *a = cJSON_AddArrayToObject(o, "wrong");
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(a, web_connection(c, &list[i]));
	return 0;
}

static int add_alerts(struct web_call *c, struct store *s, cJSON *o, struct err *err)
{
	const struct alert_filter f = {.tenants = c->session.tenants, .open = true, .max = STATUS_WRONG};
	struct console_alert *list;
	size_t n;

	if (store_alert_list(s, &f, c->q->arena, &list, &n, err) < 0)
		return -1;
	cJSON *a = cJSON_AddArrayToObject(o, "open_alerts");
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(a, web_alert(c, &list[i]));
	return 0;
}

static void get_status(struct web_call *c)
{
	struct store *s = web_store(c);
	struct console_totals t;
	struct err err;

	if (!s)
		return;
	if (store_console_totals(s, c->session.tenants, time_now_ms(), &t, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *o = web_totals(&t);
	if (add_wrong(c, s, o, &err) < 0 || add_alerts(c, s, o, &err) < 0) {
		cJSON_Delete(o);
		web_fail_err(c, &err);
		return;
	}
	web_add_time(o, "now", time_now_ms());
	web_answer_json(c->a, 200, o);
}

/* ---- connections ---- */

static const char *const state_names[] = {NULL, "connected", "degraded", "revoked", "expired", "disconnected"};

static void get_connections(struct web_call *c)
{
	struct store *s = web_store(c);
	struct connection_filter f = {.tenants = c->session.tenants, .tenant = web_text_of(c, "tenant"), .provider = web_text_of(c, "provider"),
		.search = web_text_of(c, "search"), .max = s ? web_limit(c) : 0};
	const char *state = web_text_of(c, "state");
	struct console_connection *list;
	struct err err;
	size_t n;

	f.after = f.max ? web_next(c) : NULL;
	if (!f.after)
		return;
	for (size_t i = 1; state && i < ARRAY_SIZE(state_names); i++)
		if (strcmp(state, state_names[i]) == 0)
			f.state = (int)i;
	f.wrong = state && strcmp(state, "wrong") == 0;
	if (state && !f.state && !f.wrong) {
		web_fail_code(c, "bad_request");
		return;
	}
	if (store_connection_page(s, &f, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_connection(c, &list[i]));
	web_answer_list(c, items, n == f.max ? list[n - 1].c.id : NULL);
}

/* The connection of the path, if it is the reader's to see. false after an answer. */
static bool find_connection(struct web_call *c, struct store *s, struct store_connection *ret)
{
	struct err err;

	if (store_connection_get(s, c->param[0], c->q->arena, ret, &err) < 0) {
		web_fail_err(c, &err);
		return false;
	}
	if (console_may(&c->session, CONSOLE_READ, ret->tenant))
		return true;
	web_fail_code(c, "not_found");
	return false;
}

/* The row of the list has the sums; the list finds it by asking for what is behind its predecessor. */
static int one_connection(struct web_call *c, struct store *s, const struct store_connection *k, cJSON **ret, struct err *err)
{
	const struct connection_filter f = {.tenants = c->session.tenants, .tenant = k->tenant, .provider = k->provider, .search = k->id,
		.max = CONSOLE_LIST_MAX};
	struct console_connection *list;
	size_t n;

	if (store_connection_page(s, &f, c->q->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].c.id, k->id) == 0) {
			*ret = web_connection(c, &list[i]);
			return 0;
		}
	}
	return err_set(err, ERR_GONE, "not_found", "no connection %s", k->id);
}

static void add_report(cJSON *o, const char *text)
{
	cJSON *report = web_json_or_null(text);

	cJSON_AddItemToObject(o, "report", report);
}

static void get_connection(struct web_call *c)
{
	struct store *s = web_store(c);
	struct store_connection k;
	struct err err;
	cJSON *o = NULL;

	if (!s || !find_connection(c, s, &k))
		return;
	if (one_connection(c, s, &k, &o, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	add_report(o, k.report);
	/* Public facts of the grant: client ids, directory, certificate's end; never a secret. */
	cJSON *grant = web_json_or_null(k.grant);
	cJSON_AddItemToObject(o, "grant", grant);
	cJSON_AddStringToObject(o, "backlog", k.backlog == BACKLOG_NONE ? "none" : k.backlog == BACKLOG_ALL ? "all" : "since");
	web_add_time(o, "backlog_since", k.backlog == BACKLOG_SINCE ? k.backlog_since : 0);
	const struct alert_filter f = {.tenants = c->session.tenants, .connection = k.id, .open = true, .max = 20};
	struct console_alert *list;
	size_t n;
	if (store_alert_list(s, &f, c->q->arena, &list, &n, &err) < 0) {
		cJSON_Delete(o);
		web_fail_err(c, &err);
		return;
	}
	cJSON *alerts = cJSON_AddArrayToObject(o, "open_alerts");
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(alerts, web_alert(c, &list[i]));
	web_answer_json(c->a, 200, o);
}

/* By the order of the store; ?next= is the place in it, ?wrong=1 gives only those that need a look. */
static void get_streams(struct web_call *c)
{
	struct store *s = web_store(c);
	size_t max = s ? web_limit(c) : 0, n, given = 0;
	struct store_connection k;
	struct store_stream *list;
	struct err err;
	bool wrong = web_text_of(c, "wrong") != NULL;
	char next[32];

	if (!max || !find_connection(c, s, &k))
		return;
	if (store_stream_list(s, k.id, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t i = (size_t)web_number(c, "next", 0);
	for (; i < n && given < max; i++) {
		const struct store_stream *t = &list[i];
		if (t->state == STREAM_RETIRED || (wrong && t->state == STREAM_ACTIVE && (!t->error || !*t->error)))
			continue;
		cJSON_AddItemToArray(items, web_stream(c, t));
		given++;
	}
	snprintf(next, sizeof(next), "%zu", i);
	web_answer_list(c, items, i < n ? next : NULL);
}

/* ---- alerts ---- */

static void get_alerts(struct web_call *c)
{
	struct store *s = web_store(c);
	struct alert_filter f = {.tenants = c->session.tenants, .connection = web_text_of(c, "connection"), .open = web_text_of(c, "open") != NULL,
		.before = web_number(c, "next", 0)};
	struct console_alert *list;
	struct err err;
	char next[32];
	size_t n;

	f.max = s ? web_limit(c) : 0;
	if (!f.max)
		return;
	if (store_alert_list(s, &f, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_alert(c, &list[i]));
	snprintf(next, sizeof(next), "%" PRId64, n ? list[n - 1].id : 0);
	web_answer_list(c, items, n == f.max ? next : NULL);
}

static void post_alert_ack(struct web_call *c)
{
	struct store *s = web_store(c);
	struct console_alert a;
	struct err err;

	if (!s)
		return;
	if (store_alert_get(s, c->param[0], c->q->arena, &a, &err) < 0)
		web_fail_err(c, &err);
	else if (!console_may(&c->session, CONSOLE_READ, a.tenant))
		web_fail_code(c, "not_found");
	else
		web_ask_answer(c, "alert_ack", web_id_args(a.uid), 200);
}

/* ---- audit and events ---- */

static void get_audit(struct web_call *c)
{
	struct store *s = web_store(c);
	struct audit_filter f = {.tenants = c->session.tenants, .tenant = web_text_of(c, "tenant"), .actor = web_text_of(c, "actor"),
		.act = web_text_of(c, "act"), .object = web_text_of(c, "object"), .since = web_time(c, "since"), .until = web_time(c, "until"),
		.before = web_number(c, "next", 0)};
	struct console_audit *list;
	struct err err;
	char next[32];
	size_t n;

	f.max = s ? web_limit(c) : 0;
	if (!f.max)
		return;
	if (store_audit_list(s, &f, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_audit(&list[i]));
	snprintf(next, sizeof(next), "%" PRId64, n ? list[n - 1].seq : 0);
	web_answer_list(c, items, n == f.max ? next : NULL);
}

/* The event stream, for those who see every tenant: an event names its tenant inside only. */
static void get_events(struct web_call *c)
{
	struct store *s = web_store(c);
	size_t max = s ? web_limit(c) : 0, n;
	struct store_outbox *list;
	struct err err;
	char next[32];

	if (!max)
		return;
	if (c->session.tenants) {
		web_fail_code(c, "forbidden_here");
		return;
	}
	int64_t after = web_number(c, "next", 0);
	if (store_event_list(s, after, max, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_json_or_null(list[i].json));
	snprintf(next, sizeof(next), "%" PRId64, n ? list[n - 1].seq : after);
	web_answer_list(c, items, n == max ? next : NULL);
}

const struct web_route web_routes_see[] = {
	{"GET", "/api/v1/status", CONSOLE_READ, get_status},
	{"GET", "/api/v1/connections", CONSOLE_READ, get_connections},
	{"GET", "/api/v1/connections/{id}", CONSOLE_READ, get_connection},
	{"GET", "/api/v1/connections/{id}/streams", CONSOLE_READ, get_streams},
	{"GET", "/api/v1/alerts", CONSOLE_READ, get_alerts},
	{"POST", "/api/v1/alerts/{id}/ack", CONSOLE_HOLD, post_alert_ack},
	{"GET", "/api/v1/audit", CONSOLE_AUDIT, get_audit},
	{"GET", "/api/v1/events", CONSOLE_READ, get_events},
	{0},
};
