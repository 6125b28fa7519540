/* Alerts: what a person must look at. One open alert a key; it is opened and ended together with its event. */
#include "store/impl.h"

struct raise {
	const struct console_alert *alert;
	const struct store_event *event;
	bool fresh;
};

static int raise_it(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct raise *r = ctx;
	const struct console_alert *a = r->alert;
	int64_t severity = 0;

	r->fresh = false;
	int found = db_get_int(db, "SELECT severity FROM alerts WHERE name = ?1 AND ended_at = 0", DB_ARGS(DB_T(a->key)),
		&severity, err);
	if (found < 0)
		return -1;
	if (found) {
		r->fresh = a->severity > severity;
		if (db_run(db,
			    "UPDATE alerts SET detail = ?2, severity = ?3, kind = ?5, acked_at = CASE WHEN ?4 = 1 THEN 0 ELSE acked_at END,"
			    " acked_by = CASE WHEN ?4 = 1 THEN '' ELSE acked_by END WHERE name = ?1 AND ended_at = 0",
			    DB_ARGS(DB_T(a->key), DB_T(str0(a->detail)), DB_I(a->severity), DB_I(r->fresh), DB_T(a->kind)), err) < 0)
			return -1;
	} else {
		int64_t n = db_run(db,
			"INSERT INTO alerts (uid, name, tenant, connection, provider, kind, severity, detail, created_at, ended_at,"
			" acked_at, acked_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, '') ON CONFLICT DO NOTHING",
			DB_ARGS(DB_T(a->uid), DB_T(a->key), DB_T(str0(a->tenant)), DB_T(str0(a->connection)),
				DB_T(str0(a->provider)), DB_T(a->kind), DB_I(a->severity), DB_T(str0(a->detail)),
				DB_I(a->created_at)),
			err);
		if (n < 0)
			return -1;
		r->fresh = n > 0; /* another node was quicker */
	}
	return r->fresh && r->event ? event_insert(db, str0(a->tenant), r->event, err) : 0;
}

int store_alert_raise(struct store *s, const struct console_alert *a, const struct store_event *e, bool *ret_new, struct err *err)
{
	struct raise r = {.alert = a, .event = e};

	if (store_write(s, raise_it, &r, err) < 0)
		return -1;
	if (ret_new)
		*ret_new = r.fresh;
	return 0;
}

struct end {
	const char *key;
	int64_t now;
	const struct store_event *event;
	bool ended;
};

static void read_text(struct db_row *r, void *item)
{
	*(const char **)item = db_row_text0(r);
}

static int end_it(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct end *e = ctx;
	_cleanup_(arena_freep) struct arena *a = arena_new(4096);
	const struct db_arg args[] = {DB_T(e->key), DB_I(e->now)};
	struct store_query q = {
		.sql = "UPDATE alerts SET ended_at = ?2 WHERE name = ?1 AND ended_at = 0 RETURNING tenant",
		.args = args, .n_args = 2, .size = sizeof(const char *), .read = read_text, .arena = a};

	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (query_rows(db, &q, err) < 0)
		return -1;
	e->ended = q.n > 0;
	return e->ended && e->event ? event_insert(db, *(const char **)q.found, e->event, err) : 0;
}

int store_alert_end(struct store *s, const char *key, int64_t now, const struct store_event *event, bool *ret_ended,
	struct err *err)
{
	struct end e = {.key = key, .now = now, .event = event};

	if (store_write(s, end_it, &e, err) < 0)
		return -1;
	if (ret_ended)
		*ret_ended = e.ended;
	return 0;
}

int store_alert_ack(struct store *s, const char *uid, const char *by, int64_t now, struct err *err)
{
	int64_t n;

	if (store_run(s, "UPDATE alerts SET acked_at = ?3, acked_by = ?2 WHERE uid = ?1", DB_ARGS(DB_T(uid), DB_T(by), DB_I(now)),
		    &n, err) < 0)
		return -1;
	return n ? 0 : err_set(err, ERR_GONE, "not_found", "there is no alert %s", uid);
}

#define COLUMNS                                                                                              \
	"SELECT id, uid, name, tenant, connection, provider, kind, severity, detail, created_at, ended_at, acked_at," \
	" acked_by FROM alerts"

static void read_alert(struct db_row *r, void *item)
{
	struct console_alert *a = item;

	a->id = db_row_int(r);
	a->uid = db_row_text0(r);
	a->key = db_row_text0(r);
	a->tenant = db_row_text0(r);
	a->connection = db_row_text0(r);
	a->provider = db_row_text0(r);
	a->kind = db_row_text0(r);
	a->severity = (int)db_row_int(r);
	a->detail = db_row_text0(r);
	a->created_at = db_row_int(r);
	a->ended_at = db_row_int(r);
	a->acked_at = db_row_int(r);
	a->acked_by = db_row_text0(r);
}

int store_alert_get(struct store *s, const char *uid, struct arena *a, struct console_alert *ret, struct err *err)
{
	const struct db_arg args[] = {DB_T(uid)};
	struct store_query q = {.sql = COLUMNS " WHERE uid = ?1", .args = args, .n_args = 1, .size = sizeof(*ret),
		.read = read_alert, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return err_set(err, ERR_GONE, "not_found", "there is no alert %s", uid);
	*ret = *(struct console_alert *)q.found;
	return 0;
}

int store_alert_list(struct store *s, const struct alert_filter *f, struct arena *a, struct console_alert **ret, size_t *ret_n,
	struct err *err)
{
	const struct db_arg args[] = {DB_T(f->tenants), DB_T(f->connection), DB_I(f->open), DB_I(f->before),
		DB_I(f->max ? (int64_t)f->max : CONSOLE_LIST_MAX)};
	struct store_query q = {.sql = COLUMNS " WHERE " IN_TENANTS("tenant", "?1")
					       " AND (CAST(?2 AS TEXT) IS NULL OR connection = ?2) AND (?3 = 0 OR ended_at = 0)"
					       " AND (?4 = 0 OR id < ?4) ORDER BY id DESC LIMIT ?5",
		.args = args, .n_args = ARRAY_SIZE(args), .size = sizeof(struct console_alert), .read = read_alert, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}
