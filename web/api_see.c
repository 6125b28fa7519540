/* What is protected, how fresh, what was found, what needs a person, who did what; and what a desk does with held items.
 * Everything read here is limited to the session's tenants. Connection threads. */
#include "web/csv.h"
#include "web/impl.h"

#include "base/encode.h"
#include "base/timeutil.h"
#include "base/ioutil.h"
#include "base/zip.h"
#include "connectors/connector.h"

#include <inttypes.h>
#include <string.h>

/* A number that came in ?name=; fallback when it is not there. */
static int64_t number_of(struct web_call *c, const char *name, int64_t fallback)
{
	const char *text = web_query(c->q, name);
	size_t n = text ? strspn(text, "0123456789") : 0;

	return n && n < 19 && !text[n] ? strtoll(text, NULL, 10) : fallback;
}

static int64_t time_of(struct web_call *c, const char *name)
{
	const char *text = web_query(c->q, name);
	int64_t at;

	return text && time_parse(text, &at) == 0 ? at : 0;
}

static const char *text_of(struct web_call *c, const char *name)
{
	const char *text = web_query(c->q, name);

	return text && *text && strlen(text) <= 200 ? text : NULL;
}

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
	struct connection_filter f = {.tenants = c->session.tenants, .tenant = text_of(c, "tenant"), .provider = text_of(c, "provider"),
		.search = text_of(c, "search"), .max = s ? web_limit(c) : 0};
	const char *state = text_of(c, "state");
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
	bool wrong = text_of(c, "wrong") != NULL;
	char next[32];

	if (!max || !find_connection(c, s, &k))
		return;
	if (store_stream_list(s, k.id, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t i = (size_t)number_of(c, "next", 0);
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

/* ---- findings ---- */

static bool fill_filter(struct web_call *c, struct finding_filter *f)
{
	*f = (struct finding_filter){.tenants = c->session.tenants, .tenant = text_of(c, "tenant"), .connection = text_of(c, "connection"),
		.provider = text_of(c, "provider"), .service = text_of(c, "service"), .verdict = text_of(c, "verdict"),
		.action_state = text_of(c, "state"), .search = text_of(c, "search"), .since = time_of(c, "since"), .until = time_of(c, "until"),
		.newest = true, .after = number_of(c, "next", 0), .quarantined = text_of(c, "held") != NULL};
	f->max = web_limit(c);
	return f->max > 0;
}

static void get_findings(struct web_call *c)
{
	struct store *s = web_store(c);
	struct finding_filter f;
	struct store_finding *list;
	struct err err;
	char next[32];
	size_t n;

	if (!s || !fill_filter(c, &f))
		return;
	if (store_finding_list(s, &f, c->q->arena, &list, &n, &err) < 0) {
		web_fail_err(c, &err);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(items, web_finding(&list[i]));
	snprintf(next, sizeof(next), "%" PRId64, n ? list[n - 1].id : 0);
	web_answer_list(c, items, n == f.max ? next : NULL);
}

#define CSV_ROWS 10000 /* as many as a person looks through */

static const char *csv_time(struct web_call *c, int64_t ms)
{
	char text[TIME_RFC3339_LEN];

	return ms ? arena_dup(c->q->arena, time_format(ms, text)) : NULL;
}

/* "Name, Name" of a finding's threats. */
static const char *csv_threats(struct web_call *c, const struct store_finding *f)
{
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_buf_ struct buf names = BUF_INIT(2000);
	const cJSON *t;

	if (!f->threats || json_parse(f->threats, strlen(f->threats), &doc, NULL) < 0)
		return NULL;
	cJSON_ArrayForEach(t, doc)
	{
		if (buf_addf(&names, "%s%s", names.len ? ", " : "", json_str_or(t, "name", "")) < 0)
			break;
	}
	return arena_dup(c->q->arena, buf_str(&names));
}

static int csv_finding(struct web_call *c, const struct store_finding *f)
{
	const char *const row[] = {f->uid, f->tenant, f->connection, f->service, f->owner, f->path, f->name, f->subject, f->from, f->to,
		f->verdict, f->reason, csv_threats(c, f), f->action_kind, f->action_state, f->action_error, f->sha256,
		csv_time(c, f->changed_at), csv_time(c, f->verdict_at), csv_time(c, f->contained_at)};

	return csv_line(&c->a->body, row, ARRAY_SIZE(row));
}

/* The same list as a table, with the same filters. */
static void get_findings_csv(struct web_call *c)
{
	static const char *const head[] = {"id", "tenant", "connection", "service", "owner", "path", "name", "subject", "from", "to",
		"verdict", "reason", "threats", "action", "state", "error", "sha256", "changed", "judged", "contained"};
	struct store *s = web_store(c);
	struct finding_filter f;
	struct store_finding *list;
	struct err err;
	size_t n;

	if (!s || !fill_filter(c, &f))
		return;
	f.max = WEB_LIST_MAX;
	buf_adds(&c->a->body, CSV_MARK);
	csv_line(&c->a->body, head, ARRAY_SIZE(head));
	for (int rows = 0; rows < CSV_ROWS; rows += (int)n) {
		if (store_finding_list(s, &f, c->q->arena, &list, &n, &err) < 0) {
			buf_clear(&c->a->body);
			web_fail_err(c, &err);
			return;
		}
		for (size_t i = 0; i < n; i++)
			if (csv_finding(c, &list[i]) < 0)
				n = 0; /* no more room: what fits is given */
		if (n < f.max)
			break;
		f.after = list[n - 1].id;
	}
	c->a->status = 200;
	c->a->type = "text/csv; charset=utf-8";
	c->a->download = "findings.csv";
}

/* The finding of the path, if the reader may do that with it. false after an answer. */
static bool find_finding(struct web_call *c, enum console_act act, struct store_finding *ret)
{
	struct store *s = web_store(c);
	struct err err;

	if (!s)
		return false;
	if (store_finding_get(s, c->param[0], c->q->arena, ret, &err) < 0) {
		web_fail_err(c, &err);
		return false;
	}
	if (console_may(&c->session, act, ret->tenant))
		return true;
	web_fail_code(c, console_may(&c->session, CONSOLE_READ, ret->tenant) ? "forbidden_here" : "not_found");
	return false;
}

static void get_finding(struct web_call *c)
{
	struct store_finding f;

	if (find_finding(c, CONSOLE_READ, &f))
		web_answer_json(c->a, 200, web_finding(&f));
}

static cJSON *id_args(const char *id)
{
	cJSON *args = cJSON_CreateObject();

	cJSON_AddStringToObject(args, "id", id);
	return args;
}

static void act_on_finding(struct web_call *c, const char *command)
{
	struct store_finding f;

	if (find_finding(c, CONSOLE_HOLD, &f))
		web_ask_answer(c, command, id_args(f.uid), 200);
}

static void post_restore(struct web_call *c)
{
	act_on_finding(c, "restore");
}

static void post_delete(struct web_call *c)
{
	act_on_finding(c, "delete");
}

/* What was written down about the item before it was contained: a look that is audited. */
static void post_show(struct web_call *c)
{
	act_on_finding(c, "finding_show");
}

/* The content in a ZIP that nothing opens by accident. The page shows the password, which comes in a header; the file's name is
 * made from the finding's id alone, the member's by zip.c. */
static void post_download(struct web_call *c)
{
	struct store_finding f;
	_cleanup_json_ cJSON *result = NULL;
	_cleanup_close_ int fd = -1, out = -1;
	char password[33], name[128], *to = name;
	struct err err;

	if (!find_finding(c, CONSOLE_HOLD, &f) || web_ask(c, "download", id_args(f.uid), &result, &fd, NULL) < 0)
		return;
	random_hex(password, 10);
	out = fd < 0 ? -1 : io_memfd("download", &err);
	if (fd < 0 || out < 0 || zip_encrypted_fd(out, json_str_or(result, "name", "item"), fd, password, &err) < 0) {
		web_fail_code(c, "internal");
		return;
	}
	for (const char *p = f.uid; *p && to < name + 100; p++)
		if (strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_", *p))
			*to++ = *p;
	snprintf(to, 8, ".zip");
	c->a->status = 200;
	c->a->type = "application/zip";
	c->a->fd = TAKE_FD(out);
	c->a->download = arena_dup(c->q->arena, name);
	c->a->password = arena_dup(c->q->arena, password);
}

/* ---- alerts ---- */

static void get_alerts(struct web_call *c)
{
	struct store *s = web_store(c);
	struct alert_filter f = {.tenants = c->session.tenants, .connection = text_of(c, "connection"), .open = text_of(c, "open") != NULL,
		.before = number_of(c, "next", 0)};
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
		web_ask_answer(c, "alert_ack", id_args(a.uid), 200);
}

/* ---- audit and events ---- */

static void get_audit(struct web_call *c)
{
	struct store *s = web_store(c);
	struct audit_filter f = {.tenants = c->session.tenants, .tenant = text_of(c, "tenant"), .actor = text_of(c, "actor"),
		.act = text_of(c, "act"), .object = text_of(c, "object"), .since = time_of(c, "since"), .until = time_of(c, "until"),
		.before = number_of(c, "next", 0)};
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
	int64_t after = number_of(c, "next", 0);
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
	{"GET", "/api/v1/findings", CONSOLE_READ, get_findings},
	{"GET", "/api/v1/findings.csv", CONSOLE_READ, get_findings_csv},
	{"GET", "/api/v1/findings/{id}", CONSOLE_READ, get_finding},
	{"POST", "/api/v1/findings/{id}/show", CONSOLE_HOLD, post_show},
	{"POST", "/api/v1/findings/{id}/restore", CONSOLE_HOLD, post_restore},
	{"POST", "/api/v1/findings/{id}/delete", CONSOLE_HOLD, post_delete},
	{"POST", "/api/v1/findings/{id}/download", CONSOLE_HOLD, post_download},
	{"GET", "/api/v1/alerts", CONSOLE_READ, get_alerts},
	{"POST", "/api/v1/alerts/{id}/ack", CONSOLE_HOLD, post_alert_ack},
	{"GET", "/api/v1/audit", CONSOLE_AUDIT, get_audit},
	{"GET", "/api/v1/events", CONSOLE_READ, get_events},
	{0},
};
