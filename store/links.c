/* One-time links and challenges of the console, and the failed tries at signing in. */
#include "store/impl.h"

static int missing(struct err *err)
{
	return err_set(err, ERR_GONE, "not_found", "this link is unknown, was used, or is over");
}

int store_link_add(struct store *s, const char *hash, const char *kind, const char *account, const char *detail, int64_t now,
	int64_t ends_at, struct err *err)
{
	return store_run(s,
		"INSERT INTO links (hash, kind, account, detail, created_at, ends_at, failures) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
		DB_ARGS(DB_T(hash), DB_T(kind), DB_T(str0(account)), DB_T(str0(detail)), DB_I(now), DB_I(ends_at)), NULL, err);
}

struct link {
	const char *account, *detail;
};

static void read_link(struct db_row *r, void *item)
{
	struct link *l = item;

	l->account = db_row_text0(r);
	l->detail = db_row_text0(r);
}

int store_link_get(struct store *s, const char *hash, const char *kind, int64_t now, struct arena *a,
	const char **ret_account, const char **ret_detail, struct err *err)
{
	const struct db_arg args[] = {DB_T(hash), DB_T(kind), DB_I(now)};
	struct store_query q = {
		.sql = "SELECT account, detail FROM links WHERE hash = ?1 AND kind = ?2 AND ends_at > ?3",
		.args = args, .n_args = 3, .size = sizeof(struct link), .read = read_link, .arena = a};

	if (store_query(s, &q, err) < 0)
		return -1;
	if (q.n == 0)
		return missing(err);
	const struct link *l = q.found;
	if (ret_account)
		*ret_account = l->account;
	if (ret_detail)
		*ret_detail = l->detail;
	return 0;
}

int store_link_use(struct store *s, const char *hash, const char *kind, int64_t now, struct err *err)
{
	int64_t n;

	if (store_run(s, "DELETE FROM links WHERE hash = ?1 AND kind = ?2 AND ends_at > ?3",
		    DB_ARGS(DB_T(hash), DB_T(kind), DB_I(now)), &n, err) < 0)
		return -1;
	return n ? 0 : missing(err);
}

struct fail {
	const char *hash;
	int max;
};

static int fail_link(struct store *s, struct db *db, void *ctx, struct err *err)
{
	const struct fail *f = ctx;

	if (db_run(db, "UPDATE links SET failures = failures + 1 WHERE hash = ?1", DB_ARGS(DB_T(f->hash)), err) < 0)
		return -1;
	return db_run(db, "DELETE FROM links WHERE hash = ?1 AND failures >= ?2", DB_ARGS(DB_T(f->hash), DB_I(f->max)), err) < 0 ?
		-1 : 0;
}

int store_link_fail(struct store *s, const char *hash, int max, struct err *err)
{
	struct fail f = {.hash = hash, .max = max};

	return store_write(s, fail_link, &f, err);
}

int store_link_drop(struct store *s, const char *kind, const char *account, struct err *err)
{
	return store_run(s, "DELETE FROM links WHERE kind = ?1 AND (CAST(?2 AS TEXT) IS NULL OR account = ?2)",
		DB_ARGS(DB_T(kind), DB_T(account)), NULL, err);
}

struct failure {
	const char *key;
	int64_t now, window, n;
};

static int add_failure(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct failure *f = ctx;
	int r = db_get_int(db,
		"INSERT INTO failures (name, tries, last_at) VALUES (?1, 1, ?2) ON CONFLICT (name) DO UPDATE SET"
		" tries = CASE WHEN failures.last_at < ?3 THEN 1 ELSE failures.tries + 1 END, last_at = excluded.last_at"
		" RETURNING tries",
		DB_ARGS(DB_T(f->key), DB_I(f->now), DB_I(f->now - f->window)), &f->n, err);

	return r > 0 ? 0 : r < 0 ? -1 : err_set(err, ERR_LOCAL, "store", "a failed try was not counted");
}

int store_failure_add(struct store *s, const char *key, int64_t now, int64_t window, int64_t *ret, struct err *err)
{
	struct failure f = {.key = key, .now = now, .window = window};

	if (store_write(s, add_failure, &f, err) < 0)
		return -1;
	if (ret)
		*ret = f.n;
	return 0;
}

struct tries {
	int64_t n, last;
};

static void read_tries(struct db_row *r, void *item)
{
	struct tries *t = item;

	t->n = db_row_int(r);
	t->last = db_row_int(r);
}

int store_failure_get(struct store *s, const char *key, int64_t now, int64_t window, int64_t *ret_n, int64_t *ret_last,
	struct err *err)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(65536);
	const struct db_arg args[] = {DB_T(key), DB_I(now - window)};
	struct store_query q = {.sql = "SELECT tries, last_at FROM failures WHERE name = ?1 AND last_at >= ?2", .args = args,
		.n_args = 2, .size = sizeof(struct tries), .read = read_tries, .arena = a};

	if (!a)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (store_query(s, &q, err) < 0)
		return -1;
	const struct tries *t = q.found;
	*ret_n = q.n ? t->n : 0;
	*ret_last = q.n ? t->last : 0;
	return 0;
}

int store_failure_clear(struct store *s, const char *key, struct err *err)
{
	return store_run(s, "DELETE FROM failures WHERE name = ?1", DB_ARGS(DB_T(key)), NULL, err);
}
