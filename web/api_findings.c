/* Findings: the list, as a table, one, and what a desk does with what is held. Everything read here is limited to the session's
 * tenants. Connection threads. */
#include "web/csv.h"
#include "web/impl.h"

#include "base/encode.h"
#include "base/ioutil.h"
#include "base/timeutil.h"
#include "base/zip.h"

#include <inttypes.h>
#include <string.h>

static bool fill_filter(struct web_call *c, struct finding_filter *f)
{
	*f = (struct finding_filter){.tenants = c->session.tenants, .tenant = web_text_of(c, "tenant"), .connection = web_text_of(c, "connection"),
		.provider = web_text_of(c, "provider"), .service = web_text_of(c, "service"), .verdict = web_text_of(c, "verdict"),
		.action_state = web_text_of(c, "state"), .search = web_text_of(c, "search"), .since = web_time(c, "since"), .until = web_time(c, "until"),
		.rule = web_text_of(c, "rule"),
		.newest = true, .after = web_number(c, "next", 0), .quarantined = web_text_of(c, "held") != NULL};
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

static void act_on_finding(struct web_call *c, const char *command)
{
	struct store_finding f;

	if (find_finding(c, CONSOLE_HOLD, &f))
		web_ask_answer(c, command, web_id_args(f.uid), 200);
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

	if (!find_finding(c, CONSOLE_HOLD, &f) || web_ask(c, "download", web_id_args(f.uid), &result, &fd, NULL) < 0)
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

const struct web_route web_routes_findings[] = {
	{"GET", "/api/v1/findings", CONSOLE_READ, get_findings},
	{"GET", "/api/v1/findings.csv", CONSOLE_READ, get_findings_csv},
	{"GET", "/api/v1/findings/{id}", CONSOLE_READ, get_finding},
	{"POST", "/api/v1/findings/{id}/show", CONSOLE_HOLD, post_show},
	{"POST", "/api/v1/findings/{id}/restore", CONSOLE_HOLD, post_restore},
	{"POST", "/api/v1/findings/{id}/delete", CONSOLE_HOLD, post_delete},
	{"POST", "/api/v1/findings/{id}/download", CONSOLE_HOLD, post_download},
	{0},
};
