/* What is left to do, coverage, and the small values that core and the connectors keep here. */
#include "store/impl.h"

#define HOUR_MINUTES 60
#define MINUTE_MS 60000

struct totals {
	int64_t now;
	struct store_totals t;
};

/* Items, actions and streams of connections that are revoked, expired or disconnected wait for an administrator: they
 * show in the coverage, and are no work that is left. */
static int totals(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct totals *q = ctx;
	struct store_totals *t = &q->t;
	struct {
		int64_t *to;
		const char *sql;
		int64_t arg;
	} counts[] = {
		{&t->streams_due,
			"SELECT count(*) FROM streams s JOIN connections c ON c.no = s.connection WHERE s.state = 1"
			" AND s.ready_at <= ?1 AND c.state IN (1, 2) AND c.paused_until <= ?1", q->now},
		{&t->streams_claimed, "SELECT count(*) FROM streams WHERE node IS NOT NULL AND ready_at > ?1", q->now},
		{&t->streams_listing,
			"SELECT count(*) FROM streams s JOIN connections c ON c.no = s.connection WHERE s.state = ?1"
			" AND s.listing = 1 AND c.state IN (1, 2)", STREAM_IS_ACTIVE},
		{&t->items_live, NULL, LANE_LIVE},
		{&t->items_backlog, NULL, LANE_BACKLOG},
		{&t->actions,
			"SELECT count(*) FROM findings f JOIN connections c ON c.id = f.connection WHERE f.waiting = 1"
			" AND c.state IN (1, 2) AND f.waiting = ?1", 1},
		{&t->events,
			"SELECT value - coalesce((SELECT seq FROM sinks WHERE name = 'file'), 0) FROM counters"
			" WHERE name = 'events' AND value >= ?1", 0},
		{&t->items_done_1h, "SELECT CAST(coalesce(sum(items), 0) AS BIGINT) FROM done WHERE minute > ?1",
			q->now / MINUTE_MS - HOUR_MINUTES},
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		const char *sql = counts[i].sql ? counts[i].sql :
			"SELECT CAST(coalesce(sum(p.n), 0) AS BIGINT) FROM (SELECT connection, count(*) AS n FROM items"
			" WHERE state = 1 AND lane = ?1 GROUP BY connection) p JOIN connections c ON c.no = p.connection"
			" WHERE c.state IN (1, 2)";
		if (db_get_int(db, sql, DB_ARGS(DB_I(counts[i].arg)), counts[i].to, err) < 0)
			return -1;
	}
	return 0;
}

int store_totals(struct store *s, int64_t now, struct store_totals *ret, struct err *err)
{
	struct totals q = {.now = now};

	if (store_read(s, totals, &q, err) < 0)
		return -1;
	*ret = q.t;
	return 0;
}

struct later {
	int64_t until, items, actions;
};

static int later(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct later *q = ctx;

	if (db_get_int(db,
		    "SELECT count(*) FROM items i JOIN connections c ON c.no = i.connection WHERE i.state = 1 AND i.node IS NULL"
		    " AND c.state IN (1, 2) AND (i.ready_at > ?1 OR c.paused_until > ?1)",
		    DB_ARGS(DB_I(q->until)), &q->items, err) < 0)
		return -1;
	return db_get_int(db,
		       "SELECT count(*) FROM findings f JOIN connections c ON c.id = f.connection WHERE f.waiting = 1"
		       " AND f.node IS NULL AND c.state IN (1, 2) AND (f.ready_at > ?1 OR c.paused_until > ?1)",
		       DB_ARGS(DB_I(q->until)), &q->actions, err) < 0 ? -1 : 0;
}

int store_later(struct store *s, int64_t until, int64_t *ret, struct err *err)
{
	struct later q = {.until = until};

	if (store_read(s, later, &q, err) < 0)
		return -1;
	*ret = q.items + q.actions;
	return 0;
}

struct coverage {
	const char *connection;
	struct store_stream sums;
};

static int coverage(struct store *s, struct db *db, void *ctx, struct err *err)
{
#define SUMS                                                                                                 \
	"SELECT CAST(coalesce(sum(n.seen), 0) AS BIGINT), CAST(coalesce(sum(n.scanned), 0) AS BIGINT),"              \
	" CAST(coalesce(sum(n.unknown), 0) AS BIGINT), CAST(coalesce(sum(n.skipped), 0) AS BIGINT),"                 \
	" CAST(coalesce(sum(n.pending), 0) AS BIGINT), CAST(coalesce(sum(n.repeats), 0) AS BIGINT) FROM counts n"
	struct coverage *q = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int r = q->connection ?
		db_start(db,
			SUMS " JOIN streams s ON s.id = n.stream JOIN connections c ON c.no = s.connection WHERE c.id = ?1",
			DB_ARGS(DB_T(q->connection)), &st, err) :
		db_start(db, SUMS, DB_NONE, &st, err);

	if (r < 0 || db_step(st, err) < 0)
		return -1;
	q->sums = (struct store_stream){.connection = q->connection, .seen = db_int(st, 0), .scanned = db_int(st, 1),
		.unknown = db_int(st, 2), .skipped = db_int(st, 3), .pending = db_int(st, 4), .repeats = db_int(st, 5)};
	return 0;
}

int store_coverage(struct store *s, const char *connection, struct store_stream *ret_sums, struct err *err)
{
	struct coverage q = {.connection = connection};

	if (store_read(s, coverage, &q, err) < 0)
		return -1;
	*ret_sums = q.sums;
	return 0;
}

/* ---- small values ---- */

struct value {
	const char *connection, *key, *value;
	struct buf *ret;
	bool found;
};

static int get_value(struct value *v, struct db_stmt *st, struct err *err)
{
	int r = db_step(st, err);

	v->found = r > 0;
	if (r <= 0)
		return r;
	return buf_adds(v->ret, str0(db_text(st, 0))) < 0 ?
		err_set(err, ERR_TOO_BIG, "too_big", "the value of %s is longer than asked for", v->key) : 0;
}

static int place_get(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct value *v = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	return db_start(db, "SELECT value FROM places WHERE connection = ?1 AND place = ?2",
		       DB_ARGS(DB_T(v->connection), DB_T(v->key)), &st, err) < 0 ? -1 : get_value(v, st, err);
}

int store_place_get(struct store *s, const char *connection, const char *key, struct buf *ret, struct err *err)
{
	struct value v = {.connection = connection, .key = key, .ret = ret};

	if (store_read(s, place_get, &v, err) < 0)
		return -1;
	return v.found ? 0 : 1;
}

static int place_put(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct value *v = ctx;

	return db_run(db,
		       "INSERT INTO places (connection, place, value) VALUES (?1, ?2, ?3)"
		       " ON CONFLICT (connection, place) DO UPDATE SET value = excluded.value",
		       DB_ARGS(DB_T(v->connection), DB_T(v->key), DB_T(v->value)), err) < 0 ? -1 : 0;
}

int store_place_put(struct store *s, const char *connection, const char *key, const char *value, struct err *err)
{
	struct value v = {.connection = connection, .key = key, .value = value};

	return store_write(s, place_put, &v, err);
}

static int meta_get(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct value *v = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	return db_start(db, "SELECT value FROM meta WHERE name = ?1", DB_ARGS(DB_T(v->key)), &st, err) < 0 ?
		-1 : get_value(v, st, err);
}

int store_meta_get(struct store *s, const char *key, struct buf *ret, struct err *err)
{
	struct value v = {.key = key, .ret = ret};

	if (store_read(s, meta_get, &v, err) < 0)
		return -1;
	return v.found ? 0 : err_set(err, ERR_GONE, "not_found", "%s has no value", key);
}

static int meta_put(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct value *v = ctx;

	return db_run(db, "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		       DB_ARGS(DB_T(v->key), DB_T(v->value)), err) < 0 ? -1 : 0;
}

int store_meta_put(struct store *s, const char *key, const char *value, struct err *err)
{
	struct value v = {.key = key, .value = value};

	return store_write(s, meta_put, &v, err);
}
