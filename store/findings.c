/* Findings: adding, reading and listing them. What is done about them is in actions.c. */
#include "store/impl.h"

#include <string.h>

#define LIST_DEFAULT 1000

int finding_insert(struct db *db, const struct store_finding *f, int64_t *ret, struct err *err)
{
	static const char sql[] =
		"INSERT INTO findings (uid, item, stream, tenant, connection, provider, service, stream_name, remote_id,"
		" version, name, path, owner, sha256, size, message_id, mail_from, mail_to, subject, received_at, verdict,"
		" reason, threats, engine, signatures, rules, action_kind, action_state, action_error, op_id, case_id,"
		" changed_at, seen_at, verdict_at, contained_at, restored_at, receipt, action_attempts, action_next_try,"
		" waiting, ready_at, act, facts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
		" ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39,"
		" ?40, ?39, ?41, ?42) RETURNING id";
	const char *state = f->action_state && *f->action_state ? f->action_state : "none";
	bool waits = strcmp(state, "planned") == 0 || strcmp(state, "intended") == 0;

	int r = db_get_int(db, sql,
		DB_ARGS(DB_T(f->uid), DB_I(f->item), DB_I(f->stream), DB_T(str0(f->tenant)), DB_T(str0(f->connection)),
			DB_T(f->provider), DB_T(f->service), DB_T(f->stream_name), DB_T(f->remote_id), DB_T(f->version),
			DB_T(f->name), DB_T(f->path), DB_T(f->owner), DB_T(f->sha256), DB_I(f->size), DB_T(f->message_id),
			DB_T(f->from), DB_T(f->to), DB_T(f->subject), DB_I(f->received_at), DB_T(f->verdict),
			DB_T(f->reason), DB_T(f->threats), DB_T(f->engine), DB_T(f->signatures), DB_T(f->rules),
			DB_T(str0(f->action_kind)), DB_T(state), DB_T(str0(f->action_error)), DB_T(f->op_id),
			DB_T(f->case_id), DB_I(f->changed_at), DB_I(f->seen_at), DB_I(f->verdict_at), DB_I(f->contained_at),
			DB_I(f->restored_at), DB_T(f->receipt), DB_I(f->action_attempts), DB_I(f->action_next_try),
			DB_I(waits), DB_T(f->act), DB_T(f->facts)),
		ret, err);
	return r > 0 ? 0 : r < 0 ? -1 : err_set(err, ERR_LOCAL, "store", "a finding got no number");
}

int finding_read(struct db_stmt *st, struct arena *a, struct store_finding *f, struct err *err)
{
	struct db_row r = {.st = st, .arena = a};

	f->id = db_row_int(&r);
	f->uid = db_row_text(&r);
	f->item = db_row_int(&r);
	f->stream = db_row_int(&r);
	f->tenant = db_row_text0(&r);
	f->connection = db_row_text0(&r);
	f->provider = db_row_text(&r);
	f->service = db_row_text(&r);
	f->stream_name = db_row_text(&r);
	f->remote_id = db_row_text(&r);
	f->version = db_row_text(&r);
	f->name = db_row_text(&r);
	f->path = db_row_text(&r);
	f->owner = db_row_text(&r);
	f->sha256 = db_row_text(&r);
	f->size = db_row_int(&r);
	f->message_id = db_row_text(&r);
	f->from = db_row_text(&r);
	f->to = db_row_text(&r);
	f->subject = db_row_text(&r);
	f->received_at = db_row_int(&r);
	f->verdict = db_row_text(&r);
	f->reason = db_row_text(&r);
	f->threats = db_row_text(&r);
	f->engine = db_row_text(&r);
	f->signatures = db_row_text(&r);
	f->rules = db_row_text(&r);
	f->action_kind = db_row_text0(&r);
	f->action_state = db_row_text0(&r);
	f->action_error = db_row_text0(&r);
	f->op_id = db_row_text(&r);
	f->case_id = db_row_text(&r);
	f->changed_at = db_row_int(&r);
	f->seen_at = db_row_int(&r);
	f->verdict_at = db_row_int(&r);
	f->contained_at = db_row_int(&r);
	f->restored_at = db_row_int(&r);
	f->receipt = db_row_text(&r);
	f->action_attempts = (int)db_row_int(&r);
	f->action_next_try = db_row_int(&r);
	f->act = db_row_text(&r);
	f->facts = db_row_text(&r);
	return db_row_end(&r, err);
}

struct test {
	const struct store_finding *finding;
	const struct store_event *event;
};

static int add_test(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct test *t = ctx;
	struct store_finding f = *t->finding;
	int64_t id;

	f.item = f.stream = 0;
	f.reason = STORE_TEST_REASON;
	f.action_state = "would";
	return finding_insert(db, &f, &id, err) < 0 ? -1 : event_insert(db, str0(f.tenant), t->event, err);
}

int store_finding_test(struct store *s, const struct store_finding *f, const struct store_event *e, struct err *err)
{
	struct test t = {.finding = f, .event = e};

	return store_write(s, add_test, &t, err);
}

struct list {
	const struct finding_filter *filter;
	struct arena *arena;
	struct store_finding *found;
	size_t n;
};

/* The only tenant that the filter lets through, if there is one. */
static bool single_tenant(const struct finding_filter *f, char *out, size_t size)
{
	const char *set = f->tenants;
	size_t len = set && *set == '|' ? strcspn(set + 1, "|") : 0;

	snprintf(out, size, "%s", f->tenant ? f->tenant : "");
	if (f->tenant)
		return strlen(f->tenant) < size;
	if (!len || len >= size || set[1 + len] != '|' || set[2 + len])
		return false;
	snprintf(out, size, "%.*s", (int)len, set + 1);
	return true;
}

/* What stands in the list of rules, written by core without spaces, when one has this value. */
static int in_rules(char *out, size_t size, const char *key, const char *value)
{
	for (const char *p = value ? value : ""; *p; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			return -1;
	return snprintf(out, size, "\"%s\":\"%s\"", key, value ? value : "") < (int)size ? 0 : -1;
}

#define WANTED \
	" AND (CAST(?2 AS TEXT) IS NULL OR f.tenant = ?2) AND (CAST(?3 AS TEXT) IS NULL OR f.connection = ?3)" \
	" AND (CAST(?4 AS TEXT) IS NULL OR f.provider = ?4) AND (CAST(?5 AS TEXT) IS NULL OR f.service = ?5)" \
	" AND (CAST(?6 AS TEXT) IS NULL OR f.verdict = ?6) AND (CAST(?7 AS TEXT) IS NULL OR" \
	" f.action_state = ?7 OR CASE f.action_state WHEN 'would' THEN 'none' WHEN 'planned' THEN 'intended'" \
	" WHEN 'restoring' THEN 'done' WHEN 'deleting' THEN 'done' ELSE '' END = ?7)" \
	" AND (?8 = 0 OR f.verdict_at >= ?8) AND (?9 = 0 OR f.verdict_at < ?9)" \
	" AND (?10 = 0 OR (f.action_kind IN " HOLDING " AND f.action_state IN" \
	" ('planned', 'intended', 'done', 'failed', 'restoring', 'deleting')))" \
	" AND (CAST(?14 AS TEXT) IS NULL OR replace(f.rules, ?14, '') <> f.rules)" \
	" AND (CAST(?15 AS TEXT) IS NULL OR replace(f.rules, ?15, '') <> f.rules)" \
	" AND " IN_TENANTS("f.tenant", "?12") \
	" AND (CAST(?13 AS TEXT) IS NULL OR replace(lower(coalesce(f.name, '') || ' ' || coalesce(f.path, '') || ' ' ||" \
	" coalesce(f.owner, '') || ' ' || coalesce(f.subject, '')), lower(?13), '') <> lower(coalesce(f.name, '') || ' ' ||" \
	" coalesce(f.path, '') || ' ' || coalesce(f.owner, '') || ' ' || coalesce(f.subject, '')))"

static int list(struct store *s, struct db *db, void *ctx, struct err *err)
{
	static const char oldest[] = "SELECT " FINDING_COLUMNS ", NULL FROM findings f WHERE f.id > ?1" WANTED " ORDER BY f.id LIMIT ?11";
	static const char newest[] =
		"SELECT " FINDING_COLUMNS ", NULL FROM findings f WHERE (?1 = 0 OR f.id < ?1)" WANTED " ORDER BY f.id DESC LIMIT ?11";
	/* Of one tenant: along its index, and not through everybody's until enough are found. */
	static const char newest_of[] = "SELECT " FINDING_COLUMNS ", NULL FROM findings f WHERE f.tenant = ?16 AND (?1 = 0 OR f.id < ?1)" WANTED
		" ORDER BY f.id DESC LIMIT ?11";
	struct list *l = ctx;
	const struct finding_filter *f = l->filter;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	char tenant[128], rule[128], category[64];
	bool of_one = f->newest && single_tenant(f, tenant, sizeof(tenant));
	_cleanup_(db_list_free) struct db_list rows = DB_LIST(struct store_finding);
	void *found;
	int r;

	if (in_rules(rule, sizeof(rule), "id", f->rule) < 0 || in_rules(category, sizeof(category), "category", f->category) < 0) {
		l->n = 0; /* no rule is called that */
		return 0;
	}
	const struct db_arg args[] = {DB_I(f->after), DB_T(f->tenant), DB_T(f->connection), DB_T(f->provider), DB_T(f->service),
		DB_T(f->verdict), DB_T(f->action_state), DB_I(f->since), DB_I(f->until), DB_I(f->quarantined),
		DB_I(f->max ? (int64_t)f->max : LIST_DEFAULT), DB_T(f->tenants), DB_T(f->search && *f->search ? f->search : NULL),
		DB_T(f->rule ? rule : NULL), DB_T(f->category ? category : NULL), DB_T(tenant)};
	size_t n_args = ARRAY_SIZE(args) - !of_one;
	if (db_start(db, of_one ? newest_of : f->newest ? newest : oldest, args, n_args, &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		struct store_finding *one = db_list_add(&rows, err);
		if (!one || finding_read(st, l->arena, one, err) < 0)
			return -1;
	}
	if (r < 0 || db_list_end(&rows, l->arena, &found, &l->n, err) < 0)
		return -1;
	l->found = found;
	return 0;
}

int store_finding_list(struct store *s, const struct finding_filter *f, struct arena *a, struct store_finding **ret,
	size_t *ret_n, struct err *err)
{
	struct list l = {.filter = f, .arena = a};

	if (store_read(s, list, &l, err) < 0)
		return -1;
	*ret = l.found;
	*ret_n = l.n;
	return 0;
}

struct get {
	const char *uid;
	struct arena *arena;
	struct store_finding found;
};

static int get(struct store *s, struct db *db, void *ctx, struct err *err)
{
	static const char *const ways[] = {
		"SELECT " FINDING_COLUMNS ", f.facts FROM findings f WHERE f.uid = ?1",
		"SELECT " FINDING_COLUMNS ", f.facts FROM findings f WHERE f.op_id IS NOT NULL AND f.op_id = ?1 ORDER BY f.id LIMIT 1",
	};
	struct get *g = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_(db_endp) struct db_stmt *st = NULL;
		if (db_start(db, ways[i], DB_ARGS(DB_T(g->uid)), &st, err) < 0)
			return -1;
		int r = db_step(st, err);
		if (r != 0)
			return r < 0 ? -1 : finding_read(st, g->arena, &g->found, err);
	}
	return err_set(err, ERR_GONE, "not_found", "there is no finding %s", g->uid);
}

int store_finding_get(struct store *s, const char *uid, struct arena *a, struct store_finding *ret, struct err *err)
{
	struct get g = {.uid = uid, .arena = a};

	if (store_read(s, get, &g, err) < 0)
		return -1;
	*ret = g.found;
	return 0;
}
