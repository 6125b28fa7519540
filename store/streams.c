/* Streams: what discovery found, which one is due, its failures. Their pages are in pages.c. */
#include "store/impl.h"

#include <string.h>

#define CLAIM_TRIES 5

static int connection_no(struct db *db, const char *id, int64_t *ret, struct err *err)
{
	int r = db_get_int(db, "SELECT no FROM connections WHERE id = ?1", DB_ARGS(DB_T(id)), ret, err);

	return r == 0 ? err_set(err, ERR_GONE, "not_found", "there is no connection %s", id) : r < 0 ? -1 : 0;
}

struct sync {
	const char *connection;
	int64_t round, now;
	const struct store_stream *streams;
	size_t n;
	int64_t retired;
};

static int sync_one(struct db *db, int64_t connection, const struct sync *y, const struct store_stream *t, struct err *err)
{
	static const char sql[] =
		"INSERT INTO streams (connection, remote_id, service, owner, name, context, state, reason, round_mark,"
		" next_due, ready_at, listing, resync, failures, last_success_at, created_at, error)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1, 0, 0, 0, ?10, '')"
		" ON CONFLICT (connection, remote_id) DO UPDATE SET service = excluded.service, owner = excluded.owner,"
		" name = excluded.name, context = excluded.context, state = excluded.state, reason = excluded.reason,"
		" round_mark = excluded.round_mark,"
		" next_due = CASE WHEN streams.state <> 1 AND excluded.state = 1 THEN excluded.next_due"
		" ELSE streams.next_due END,"
		" ready_at = CASE WHEN streams.state <> 1 AND excluded.state = 1 THEN excluded.next_due"
		" ELSE streams.ready_at END RETURNING id";
	int64_t id = 0;

	return db_get_int(db, sql,
		       DB_ARGS(DB_I(connection), DB_T(t->remote_id), DB_T(t->service), DB_T(t->owner), DB_T(t->name),
			       DB_T(t->context), DB_I(t->state ? t->state : STREAM_IS_ACTIVE), DB_T(str0(t->reason)),
			       DB_I(y->round), DB_I(y->now)),
		       &id, err) < 0 ? -1 : 0;
}

static int sync_all(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct sync *y = ctx;
	int64_t connection;

	if (connection_no(db, y->connection, &connection, err) < 0)
		return -1;
	for (size_t i = 0; i < y->n; i++)
		if (sync_one(db, connection, y, &y->streams[i], err) < 0)
			return -1;
	return 0;
}

int store_stream_sync(struct store *s, const char *connection, int64_t round, const struct store_stream *streams, size_t n,
	int64_t now, struct err *err)
{
	struct sync y = {.connection = connection, .round = round, .now = now, .streams = streams, .n = n};

	return store_write(s, sync_all, &y, err);
}

static int retire(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct sync *y = ctx;
	int64_t connection;

	if (connection_no(db, y->connection, &connection, err) < 0)
		return -1;
	y->retired = db_run(db, "UPDATE streams SET state = 4 WHERE connection = ?1 AND round_mark <> ?2 AND state <> 4",
		DB_ARGS(DB_I(connection), DB_I(y->round)), err);
	return y->retired < 0 ? -1 : 0;
}

int store_stream_retire(struct store *s, const char *connection, int64_t round, int64_t *ret_n, struct err *err)
{
	struct sync y = {.connection = connection, .round = round};

	if (store_write(s, retire, &y, err) < 0)
		return -1;
	if (ret_n)
		*ret_n = y.retired;
	return 0;
}

/* ---- reading ---- */

#define COUNT(what) "(SELECT CAST(coalesce(sum(" what "), 0) AS BIGINT) FROM counts n WHERE n.stream = s.id)"
#define STREAM_SELECT                                                                                        \
	"SELECT s.id, c.id, c.tenant, c.provider, s.remote_id, s.service, s.owner, s.name, s.context, s.state, "     \
	"s.reason, s.cursor, s.listing, s.resync, s.next_due, s.last_success_at, s.created_at, s.failures, s.error, " \
	COUNT("n.seen") ", " COUNT("n.scanned") ", " COUNT("n.unknown") ", " COUNT("n.skipped") ", "                 \
	COUNT("n.pending") ", " COUNT("n.repeats") " FROM streams s JOIN connections c ON c.no = s.connection "

static int read_one(struct db_stmt *st, struct arena *a, struct store_stream *t, struct err *err)
{
	struct db_row r = {.st = st, .arena = a};

	t->id = db_row_int(&r);
	t->connection = db_row_text(&r);
	t->tenant = db_row_text(&r);
	t->provider = db_row_text(&r);
	t->remote_id = db_row_text(&r);
	t->service = db_row_text(&r);
	t->owner = db_row_text(&r);
	t->name = db_row_text(&r);
	t->context = db_row_text(&r);
	t->state = (int)db_row_int(&r);
	t->reason = db_row_text0(&r);
	t->cursor = db_row_text(&r);
	t->listing = db_row_int(&r) != 0;
	t->resync = db_row_int(&r) != 0;
	t->next_due = db_row_int(&r);
	t->last_success_at = db_row_int(&r);
	t->created_at = db_row_int(&r);
	t->failures = (int)db_row_int(&r);
	t->error = db_row_text0(&r);
	t->seen = db_row_int(&r);
	t->scanned = db_row_int(&r);
	t->unknown = db_row_int(&r);
	t->skipped = db_row_int(&r);
	t->pending = db_row_int(&r);
	t->repeats = db_row_int(&r);
	return db_row_end(&r, err);
}

struct list {
	const char *connection;
	int64_t id;
	struct arena *arena;
	struct store_stream *found, one;
	size_t n;
};

static int get(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct list *l = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (db_start(db, STREAM_SELECT "WHERE s.id = ?1", DB_ARGS(DB_I(l->id)), &st, err) < 0)
		return -1;
	int r = db_step(st, err);
	if (r == 0)
		return err_set(err, ERR_GONE, "not_found", "there is no stream %lld", (long long)l->id);
	return r < 0 ? -1 : read_one(st, l->arena, &l->one, err);
}

int store_stream_get(struct store *s, int64_t id, struct arena *a, struct store_stream *ret, struct err *err)
{
	struct list l = {.id = id, .arena = a};

	if (store_read(s, get, &l, err) < 0)
		return -1;
	*ret = l.one;
	return 0;
}

static int list(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct list *l = ctx;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	_cleanup_(db_list_free) struct db_list rows = DB_LIST(struct store_stream);
	void *found;
	int r;

	if (db_start(db, STREAM_SELECT "WHERE c.id = ?1 ORDER BY s.remote_id", DB_ARGS(DB_T(l->connection)), &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		struct store_stream *t = db_list_add(&rows, err);
		if (!t || read_one(st, l->arena, t, err) < 0)
			return -1;
	}
	if (r < 0 || db_list_end(&rows, l->arena, &found, &l->n, err) < 0)
		return -1;
	l->found = found;
	return 0;
}

int store_stream_list(struct store *s, const char *connection, struct arena *a, struct store_stream **ret, size_t *ret_n,
	struct err *err)
{
	struct list l = {.connection = connection, .arena = a};

	if (store_read(s, list, &l, err) < 0)
		return -1;
	*ret = l.found;
	*ret_n = l.n;
	return 0;
}

/* ---- claiming ---- */

struct claim {
	int64_t now, lease_until;
	struct arena *arena;
	bool found;
	struct store_stream stream;
	int64_t next;
};

/* How many streams of the connection c are claimed at the time ?1, and when the first of these leases ends. */
#define CLAIMED(what)                                                                                        \
	"(SELECT " what " FROM streams k WHERE k.connection = c.no AND k.node IS NOT NULL AND k.ready_at > ?1)"

/* The first due stream of a connection that may be polled, among the first ones in order of time. 1, 0 or -1. */
static int find_among_first(struct db *db, int64_t now, int64_t *ret, struct err *err)
{
	return db_get_int(db,
		"SELECT d.id FROM (SELECT id, connection, ready_at FROM streams WHERE state = 1 AND ready_at <= ?1"
		" ORDER BY ready_at, id LIMIT 64) d JOIN connections c ON c.no = d.connection"
		" WHERE c.state IN (1, 2) AND c.paused_until <= ?1 AND " CLAIMED("count(*)") " < ?2"
		" ORDER BY d.ready_at, d.id LIMIT 1",
		DB_ARGS(DB_I(now), DB_I(STORE_CLAIMS_PER_CONNECTION)), ret, err);
}

/* The same when many due streams belong to connections that are paused, gone or busy: the first one of each connection.
 * *ret_next: the earliest instant at which any may be polled. */
static int find_by_connection(struct db *db, int64_t now, int64_t *ret, int64_t *ret_next, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int64_t best = 0, connection = 0, next = 0;
	int r;

	if (db_start(db,
		    "SELECT c.no, c.paused_until, (SELECT min(s.ready_at) FROM streams s WHERE s.connection = c.no"
		    " AND s.state = 1), " CLAIMED("count(*)") ", " CLAIMED("min(k.ready_at)")
		    " FROM connections c WHERE c.state IN (1, 2)",
		    DB_ARGS(DB_I(now)), &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		if (!db_text(st, 2))
			continue;
		int64_t ready = db_int(st, 2), paused = db_int(st, 1);
		/* When one of those that are claimed comes back, its thread claims again by itself. */
		if (db_int(st, 3) >= STORE_CLAIMS_PER_CONNECTION && ready <= now)
			ready = db_int(st, 4);
		if (ready <= now && paused <= now && (connection == 0 || ready < best)) {
			best = ready;
			connection = db_int(st, 0);
		}
		next = earlier(next, ready > paused ? ready : paused);
	}
	if (r < 0)
		return -1;
	*ret_next = next;
	if (connection == 0)
		return 0;
	return db_get_int(db,
		"SELECT id FROM streams WHERE state = 1 AND connection = ?1 AND ready_at <= ?2 ORDER BY ready_at, id LIMIT 1"
		" FOR UPDATE SKIP LOCKED",
		DB_ARGS(DB_I(connection), DB_I(now)), ret, err);
}

/* 1: it is ours; 0: another node was faster; -1. */
static int take(struct store *s, struct db *db, const struct claim *c, int64_t id, struct err *err)
{
	int64_t connection = 0;

	/* Nodes that claim of one connection take their turns: the number of its claims holds. */
	db->commit_soon = !db->sole;
	int r = db_get_int(db,
		"SELECT no FROM connections WHERE no = (SELECT connection FROM streams WHERE id = ?1) FOR UPDATE",
		DB_ARGS(DB_I(id)), &connection, err);
	if (r <= 0)
		return r;
	return (int)db_run(db,
		"UPDATE streams SET node = ?2, ready_at = ?3 WHERE id = ?1 AND state = 1 AND ready_at <= ?4 AND ?6 >"
		" (SELECT count(*) FROM streams k WHERE k.connection = ?5 AND k.node IS NOT NULL AND k.ready_at > ?4)",
		DB_ARGS(DB_I(id), DB_T(s->node), DB_I(c->lease_until), DB_I(c->now), DB_I(connection),
			DB_I(STORE_CLAIMS_PER_CONNECTION)),
		err);
}

static int claim(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct claim *c = ctx;
	int64_t id = 0;
	int r, n = 0;

	c->found = false;
	c->next = c->now;
	if (store_follow_clock(s, db, c->now, err) < 0)
		return -1;
	/* Another node may be faster: then the next one. */
	for (int i = 0; i < CLAIM_TRIES && n == 0; i++) {
		r = find_among_first(db, c->now, &id, err);
		if (r == 0)
			r = find_by_connection(db, c->now, &id, &c->next, err);
		if (r <= 0)
			return r;
		n = take(s, db, c, id, err);
	}
	if (n <= 0)
		return n < 0 ? -1 : 0;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	if (db_start(db, STREAM_SELECT "WHERE s.id = ?1", DB_ARGS(DB_I(id)), &st, err) < 0)
		return -1;
	r = db_step(st, err);
	if (r <= 0)
		return r < 0 ? -1 : err_set(err, ERR_LOCAL, "store", "stream %lld lost its connection", (long long)id);
	c->found = true;
	return read_one(st, c->arena, &c->stream, err);
}

int store_stream_claim(struct store *s, int64_t now, int64_t lease_until, struct arena *a, struct store_stream *ret,
	int64_t *ret_next, struct err *err)
{
	struct claim c = {.now = now, .lease_until = lease_until, .arena = a};

	if (store_write(s, claim, &c, err) < 0)
		return -1;
	if (ret_next)
		*ret_next = c.next;
	if (!c.found)
		return err_set(err, ERR_GONE, "nothing", "no stream is due");
	*ret = c.stream;
	return 0;
}

/* ---- the end of a poll that failed ---- */

struct failure {
	int64_t id, next_due;
	const char *code, *message;
	bool lost_cursor;
	int state;
};

static int fail(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct failure *f = ctx;
	/* What another node has claimed since is its own. */
	int64_t n = db_run(db,
		"UPDATE streams SET node = NULL, next_due = ?2, ready_at = ?2, failures = failures + ?8,"
		" error = CASE WHEN ?8 = 1 THEN ?3 ELSE error END, reason = CASE WHEN ?8 = 1 THEN ?4 ELSE reason END, cursor = CASE WHEN ?5 = 1 THEN NULL ELSE cursor END,"
		" resync = CASE WHEN ?5 = 1 THEN 1 ELSE resync END, state = CASE WHEN ?6 = 0 THEN state ELSE ?6 END"
		" WHERE id = ?1 AND (node IS NULL OR node = ?7)",
		DB_ARGS(DB_I(f->id), DB_I(f->next_due), DB_T(str0(f->code)), DB_T(str0(f->message)), DB_I(f->lost_cursor),
			DB_I(f->state), DB_T(s->node), DB_I(f->code != NULL)),
		err);

	return n < 0 ? -1 : 0;
}

int store_stream_fail(struct store *s, int64_t id, const char *code, const char *message, int64_t next_due, bool lost_cursor,
	int state, struct err *err)
{
	struct failure f = {.id = id, .code = code, .message = message, .next_due = next_due, .lost_cursor = lost_cursor,
		.state = state};

	return store_write(s, fail, &f, err);
}

static int wake(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct sync *y = ctx;
	int64_t connection = 0;

	if (y->connection && connection_no(db, y->connection, &connection, err) < 0)
		return -1;
	/* One that is being polled becomes due when it is given back. */
	return db_run(db,
		       "UPDATE streams SET next_due = ?2, ready_at = ?2"
		       " WHERE state = 1 AND node IS NULL AND ready_at > ?2 AND (?1 = 0 OR connection = ?1)",
		       DB_ARGS(DB_I(connection), DB_I(y->now)), err) < 0 ? -1 : 0;
}

int store_stream_wake(struct store *s, const char *connection, int64_t now, struct err *err)
{
	struct sync y = {.connection = connection, .now = now};

	return store_write(s, wake, &y, err);
}
