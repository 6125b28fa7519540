/* Hashes of parts; see hashes.h. */
#include "store/hashes.h"

#include "store/impl.h"

#include "base/encode.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)
#define SHA256_BYTES 32
#define ITEMS_MAX 10000 /* of one content: more copies follow with the next signatures */

/* ---- keeping ---- */

int hashes_keep(struct db *db, const struct store_result *r, struct err *err)
{
	unsigned char sha256[SHA256_BYTES];
	int64_t day = r->now / DAY_MS * DAY_MS;

	if (!r->part_hashes || r->n_part_hashes == 0 || r->n_part_hashes > STORE_PART_HASHES_MAX || !r->content ||
		strlen(r->content) != 2 * SHA256_BYTES || hex_decode(sha256, r->content, SHA256_BYTES) < 0)
		return 0;
	return db_run(db,
		       "INSERT INTO part_hashes (sha256, hashes, risky, seen_at) VALUES (?1, ?2, ?3, ?4)"
		       " ON CONFLICT (sha256) DO UPDATE SET seen_at = excluded.seen_at WHERE part_hashes.seen_at < excluded.seen_at",
		       DB_ARGS(DB_B(sha256, sizeof(sha256)), DB_B(r->part_hashes, r->n_part_hashes * sizeof(*r->part_hashes)),
			       DB_I(r->risky), DB_I(day)),
		       err) < 0 ? -1 : 0;
}

int store_hashes_tidy(struct store *s, int64_t before, struct err *err)
{
	return store_run(s, "DELETE FROM part_hashes WHERE seen_at < ?1", DB_ARGS(DB_I(before - DAY_MS)), NULL, err);
}

/* ---- listing ---- */

struct list {
	int64_t since, after;
	size_t max, n;
	struct arena *arena;
	struct store_hashes *found;
};

static int read_row(struct db_stmt *st, struct arena *a, struct store_hashes *h, struct err *err)
{
	struct store_part_hash parts[STORE_PART_HASHES_MAX];
	size_t len = db_blob(st, 2, parts, sizeof(parts));

	h->id = db_int(st, 0);
	h->n = len / sizeof(parts[0]);
	if (db_blob(st, 1, h->sha256, sizeof(h->sha256)) != sizeof(h->sha256) || len % sizeof(parts[0]) || h->n > STORE_PART_HASHES_MAX)
		return err_set(err, ERR_LOCAL, "corrupt", "the hashes of content %lld are damaged", (long long)h->id);
	void *copy = arena_alloc(a, len);
	if (!copy)
		return err_set(err, ERR_LOCAL, "store", "no room in memory for the hashes");
	memcpy(copy, parts, len);
	h->parts = copy;
	h->risky = db_int(st, 3);
	return 0;
}

static int list(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct list *l = ctx;
	_cleanup_(db_list_free) struct db_list rows = DB_LIST(struct store_hashes);
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	void *found;
	int r;

	if (db_start(db, "SELECT id, sha256, hashes, risky FROM part_hashes WHERE id > ?1 AND seen_at >= ?2 ORDER BY id LIMIT ?3",
		    DB_ARGS(DB_I(l->after), DB_I(l->since / DAY_MS * DAY_MS), DB_I((int64_t)l->max)), &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		struct store_hashes *h = db_list_add(&rows, err);
		if (!h || read_row(st, l->arena, h, err) < 0)
			return -1;
	}
	if (r < 0 || db_list_end(&rows, l->arena, &found, &l->n, err) < 0)
		return -1;
	l->found = found;
	return 0;
}

int store_hashes_list(struct store *s, int64_t since, int64_t after, size_t max, struct arena *a, struct store_hashes **ret,
	size_t *ret_n, struct err *err)
{
	struct list l = {.since = since, .after = after, .max = max, .arena = a};

	if (store_read(s, list, &l, err) < 0)
		return -1;
	*ret = l.found;
	*ret_n = l.n;
	return 0;
}

/* ---- judging again ---- */

static int gather(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct db_list *ids, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int r;

	if (db_start(db, sql, args, n, &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		int64_t *id = db_list_add(ids, err);
		if (!id)
			return -1;
		*id = db_int(st, 0);
	}
	return r;
}

static int again(struct store *s, struct db *db, const struct db_list *ids, enum lane lane, int why, int64_t *ret_n, struct err *err)
{
	for (size_t i = 0; i < ids->n; i++)
		if (item_again(s, db, ((const int64_t *)ids->data)[i], lane, why, ret_n, err) < 0)
			return -1;
	return 0;
}

struct found {
	const unsigned char *sha256;
	const char *tenant, *threats, *engine, *signatures;
	int64_t size, now, items;
};

static int found(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct found *f = ctx;
	_cleanup_(db_list_free) struct db_list ids = DB_LIST(int64_t);
	int64_t was = 0;

	f->items = 0;
	int r = db_get_int(db, "SELECT 1 FROM verdicts WHERE sha256 = ?1 AND verdict = 'threat'", DB_ARGS(DB_B(f->sha256, SHA256_BYTES)), &was, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (db_run(db,
		    "INSERT INTO verdicts (sha256, size, engine, signatures, verdict, reason, threats, judged_at)"
		    " VALUES (?1, ?2, ?3, ?4, 'threat', '', ?5, ?6) ON CONFLICT (sha256) DO UPDATE SET engine = excluded.engine,"
		    " signatures = excluded.signatures, verdict = 'threat', reason = '', threats = excluded.threats,"
		    " judged_at = excluded.judged_at",
		    DB_ARGS(DB_B(f->sha256, SHA256_BYTES), DB_I(f->size), DB_T(f->engine), DB_T(f->signatures), DB_T(f->threats),
			    DB_I(f->now)),
		    err) < 0 ||
		gather(db,
			"SELECT i.id FROM items i JOIN contents t ON t.id = i.content WHERE t.sha256 = ?1 AND i.state IN (2, 3)"
			" ORDER BY i.id LIMIT ?2",
			DB_ARGS(DB_B(f->sha256, SHA256_BYTES), DB_I(ITEMS_MAX)), &ids, err) < 0)
		return -1;
	return again(s, db, &ids, LANE_LIVE, AGAIN_RULES, &f->items, err);
}

int store_hashes_found(struct store *s, const unsigned char sha256[32], int64_t size, const char *threats, const char *engine,
	const char *signatures, int64_t now, int64_t *ret_items, struct err *err)
{
	struct found f = {.sha256 = sha256, .size = size, .threats = threats, .engine = engine, .signatures = signatures, .now = now};

	if (store_write(s, found, &f, err) < 0)
		return -1;
	*ret_items = f.items;
	return 0;
}

static int copies(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct found *f = ctx;
	_cleanup_(db_list_free) struct db_list ids = DB_LIST(int64_t);

	f->items = 0;
	if (gather(db,
		    "SELECT i.id FROM items i JOIN contents t ON t.id = i.content JOIN connections c ON c.no = i.connection"
		    " LEFT JOIN findings f ON f.id = i.finding AND i.finding > 0 WHERE t.sha256 = ?1 AND i.state IN (2, 3)"
		    " AND (CAST(?2 AS TEXT) IS NULL OR c.tenant = ?2) AND coalesce(f.verdict, '') <> 'threat' ORDER BY i.id LIMIT ?3",
		    DB_ARGS(DB_B(f->sha256, SHA256_BYTES), DB_T(f->tenant), DB_I(ITEMS_MAX)), &ids, err) < 0)
		return -1;
	return again(s, db, &ids, LANE_LIVE, AGAIN_RULES, &f->items, err);
}

int store_hashes_again(struct store *s, const char *tenant, const char *sha256, int64_t *ret_items, struct err *err)
{
	unsigned char key[SHA256_BYTES];
	struct found f = {.sha256 = key, .tenant = tenant};

	*ret_items = 0;
	if (strlen(sha256) != 2 * SHA256_BYTES || hex_decode(key, sha256, SHA256_BYTES) < 0)
		return 0;
	if (store_write(s, copies, &f, err) < 0)
		return -1;
	*ret_items = f.items;
	return 0;
}

struct fetch {
	int64_t since, items;
	size_t max;
};

static int fetch(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct fetch *f = ctx;
	_cleanup_(db_list_free) struct db_list ids = DB_LIST(int64_t);

	f->items = 0;
	if (gather(db,
		    "SELECT i.id FROM part_hashes p JOIN contents t ON t.sha256 = p.sha256 JOIN items i ON i.content = t.id"
		    " WHERE p.risky = 1 AND p.seen_at >= ?1 AND i.state IN (2, 3) AND i.done_at >= ?2 ORDER BY i.id LIMIT ?3",
		    DB_ARGS(DB_I(f->since / DAY_MS * DAY_MS), DB_I(f->since), DB_I((int64_t)f->max)), &ids, err) < 0)
		return -1;
	return again(s, db, &ids, LANE_BACKLOG, 0, &f->items, err);
}

int store_hashes_fetch(struct store *s, int64_t since, size_t max, int64_t *ret_items, struct err *err)
{
	struct fetch f = {.since = since, .max = max};

	if (store_write(s, fetch, &f, err) < 0)
		return -1;
	*ret_items = f.items;
	return 0;
}
