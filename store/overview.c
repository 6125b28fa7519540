/* Connections in pages and sums, as people look at them; and whose canary call is due. */
#include "store/impl.h"

#include <string.h>

#define DAY_MS 86400000ll

static void read_connection(struct db_row *r, void *item)
{
	struct console_connection *o = item;
	struct store_connection *c = &o->c;

	c->id = db_row_text0(r);
	c->tenant = db_row_text0(r);
	c->provider = db_row_text0(r);
	c->protect = db_row_int(r) != 0;
	c->services = (unsigned)db_row_int(r);
	c->backlog = (int)db_row_int(r);
	c->backlog_since = db_row_int(r);
	c->state = (enum conn_state)db_row_int(r);
	c->reason = db_row_text0(r);
	c->message = db_row_text0(r);
	c->created_at = db_row_int(r);
	c->last_success_at = db_row_int(r);
	c->last_failure_at = db_row_int(r);
	c->ends_at = db_row_int(r);
	c->report = db_row_text(r);
	c->paused_until = db_row_int(r);
	o->streams = db_row_int(r);
	o->streams_wrong = db_row_int(r);
	o->seen = db_row_int(r);
	o->pending = db_row_int(r);
	o->findings = db_row_int(r);
	o->alerts = db_row_int(r);
	o->checked_at = db_row_int(r);
	o->check_code = db_row_text0(r);
}

int store_connection_page(struct store *s, const struct connection_filter *f, struct arena *a,
	struct console_connection **ret, size_t *ret_n, struct err *err)
{
	static const char sql[] =
		"SELECT c.id, c.tenant, c.provider, c.protect, c.services, c.backlog, c.backlog_since, c.state, c.reason, c.message,"
		" c.created_at, c.last_success_at, c.last_failure_at, c.ends_at, c.report, c.paused_until,"
		" (SELECT count(*) FROM streams t WHERE t.connection = c.no AND t.state = 1),"
		" (SELECT count(*) FROM streams t WHERE t.connection = c.no AND (t.state IN (2, 3) OR (t.state = 1 AND t.error <> ''))),"
		" (SELECT CAST(coalesce(sum(n.seen), 0) AS BIGINT) FROM streams t JOIN counts n ON n.stream = t.id"
		" WHERE t.connection = c.no),"
		" (SELECT CAST(coalesce(sum(n.pending), 0) AS BIGINT) FROM streams t JOIN counts n ON n.stream = t.id"
		" WHERE t.connection = c.no),"
		" (SELECT count(*) FROM findings g WHERE g.connection = c.id),"
		" (SELECT count(*) FROM alerts x WHERE x.connection = c.id AND x.ended_at = 0),"
		" coalesce(k.last_at, 0), coalesce(k.code, '')"
		" FROM connections c LEFT JOIN canaries k ON k.connection = c.id WHERE " IN_TENANTS("c.tenant", "?1")
		" AND (CAST(?2 AS TEXT) IS NULL OR c.tenant = ?2) AND (CAST(?3 AS TEXT) IS NULL OR c.provider = ?3)"
		" AND (?4 = 0 OR c.state = ?4) AND (?5 = 0 OR c.state IN (2, 3, 4))"
		" AND (CAST(?6 AS TEXT) IS NULL OR replace(lower(c.id || ' ' || c.tenant || ' ' || coalesce(c.report, '')),"
		" lower(?6), '') <> lower(c.id || ' ' || c.tenant || ' ' || coalesce(c.report, '')))"
		" AND c.id > ?7 ORDER BY c.id LIMIT ?8";
	const struct db_arg args[] = {DB_T(f->tenants), DB_T(f->tenant), DB_T(f->provider), DB_I(f->state), DB_I(f->wrong),
		DB_T(f->search && *f->search ? f->search : NULL), DB_T(str0(f->after)),
		DB_I(f->max && f->max < CONSOLE_LIST_MAX ? (int64_t)f->max : CONSOLE_LIST_MAX)};
	struct store_query q = {.sql = sql, .args = args, .n_args = ARRAY_SIZE(args), .size = sizeof(struct console_connection),
		.read = read_connection, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	*ret = q.found;
	*ret_n = q.n;
	return 0;
}

struct totals {
	const char *tenants;
	int64_t now;
	struct console_totals t;
};

static int totals(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct totals *q = ctx;
	struct console_totals *t = &q->t;

	memset(t, 0, sizeof(*t));
	{
		_cleanup_(db_endp) struct db_stmt *st = NULL;
		int r;
		if (db_start(db,
			    "SELECT c.state, count(*), min(c.last_success_at) FROM connections c WHERE " IN_TENANTS("c.tenant", "?1")
			    " GROUP BY c.state", DB_ARGS(DB_T(q->tenants)), &st, err) < 0)
			return -1;
		while ((r = db_step(st, err)) > 0) {
			int64_t state = db_int(st, 0);
			if (state < 0 || state >= (int64_t)ARRAY_SIZE(t->connections))
				continue;
			t->connections[state] = db_int(st, 1);
			if (state == CONN_CONNECTED)
				t->last_success_at = db_int(st, 2);
		}
		if (r < 0)
			return -1;
	}
	const struct db_arg day[] = {DB_T(q->tenants), DB_I(q->now - DAY_MS)};
	if (db_get_int(db, "SELECT count(*) FROM tenants t WHERE " IN_TENANTS("t.id", "?1"), DB_ARGS(DB_T(q->tenants)), &t->tenants,
		    err) < 0 ||
		db_get_int(db, "SELECT count(*) FROM alerts x WHERE x.ended_at = 0 AND " IN_TENANTS("x.tenant", "?1"),
			DB_ARGS(DB_T(q->tenants)), &t->alerts, err) < 0 ||
		db_get_int(db, "SELECT count(*) FROM findings f WHERE f.verdict_at >= ?2 AND " IN_TENANTS("f.tenant", "?1"), day, 2,
			&t->findings_24h, err) < 0 ||
		db_get_int(db, "SELECT count(*) FROM findings f WHERE f.action_kind IN " HOLDING " AND f.action_state = 'done'"
			" AND " IN_TENANTS("f.tenant", "?1"), DB_ARGS(DB_T(q->tenants)), &t->held, err) < 0)
		return -1;
	/* All of them: without looking for whose they are. */
	if (!q->tenants)
		return db_get_int(db, "SELECT CAST(coalesce(sum(pending), 0) AS BIGINT) FROM counts", DB_NONE, &t->pending, err) < 0 ?
			-1 : 0;
	return db_get_int(db,
		       "SELECT CAST(coalesce(sum(n.pending), 0) AS BIGINT) FROM counts n JOIN streams t ON t.id = n.stream"
		       " JOIN connections c ON c.no = t.connection WHERE " IN_TENANTS("c.tenant", "?1"),
		       DB_ARGS(DB_T(q->tenants)), &t->pending, err) < 0 ? -1 : 0;
}

int store_console_totals(struct store *s, const char *tenants, int64_t now, struct console_totals *ret, struct err *err)
{
	struct totals q = {.tenants = tenants, .now = now};

	if (store_read(s, totals, &q, err) < 0)
		return -1;
	*ret = q.t;
	return 0;
}

/* ---- canaries ---- */

struct canary {
	int64_t now, lease, spread, next;
	char id[64];
};

/* Where in the hour a connection has its moment: the same each time, and all over it. */
static int64_t moment(const char *id, int64_t spread)
{
	uint64_t h = 1469598103934665603u;

	for (const char *p = id; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	h ^= h >> 29;
	return spread > 0 ? (int64_t)(h % (uint64_t)spread) : 0;
}

static int first_due(struct db *db, struct canary *c, int64_t *ret_due, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (db_start(db, "SELECT connection, due_at FROM canaries WHERE due_at <= ?1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
		    DB_ARGS(DB_I(c->now)), &st, err) < 0)
		return -1;
	int r = db_step(st, err);
	if (r <= 0)
		return r;
	snprintf(c->id, sizeof(c->id), "%s", str0(db_text(st, 0)));
	*ret_due = db_int(st, 1);
	return 1;
}

static int claim(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct canary *c = ctx;
	int64_t due;
	int r;

	c->id[0] = '\0';
	db->commit_soon = !db->sole;
	while ((r = first_due(db, c, &due, err)) > 0) {
		int64_t to = due ? c->lease : c->now + 1 + moment(c->id, c->spread);
		if (db_run(db, "UPDATE canaries SET due_at = ?2 WHERE connection = ?1", DB_ARGS(DB_T(c->id), DB_I(to)), err) < 0)
			return -1;
		if (due)
			return 0;
		c->id[0] = '\0';
	}
	if (r < 0)
		return -1;
	c->next = 0;
	return db_get_int(db, "SELECT coalesce(min(due_at), 0) FROM canaries", DB_NONE, &c->next, err) < 0 ? -1 : 0;
}

int store_canary_claim(struct store *s, int64_t now, int64_t lease, int64_t spread, char id[64], int64_t *ret_next,
	struct err *err)
{
	struct canary c = {.now = now, .lease = lease, .spread = spread};

	if (store_write(s, claim, &c, err) < 0)
		return -1;
	if (!c.id[0]) {
		if (ret_next)
			*ret_next = c.next;
		return err_set(err, ERR_GONE, "nothing", "no canary call is due");
	}
	snprintf(id, 64, "%s", c.id);
	return 0;
}

int store_canary_done(struct store *s, const char *id, int64_t now, int64_t next, const char *code, struct err *err)
{
	return store_run(s, "UPDATE canaries SET due_at = ?3, last_at = ?2, code = ?4 WHERE connection = ?1",
		DB_ARGS(DB_T(id), DB_I(now), DB_I(next), DB_T(str0(code))), NULL, err);
}
