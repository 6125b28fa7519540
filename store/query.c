/* Calls that are one statement; see impl.h. Any thread. */
#include "store/impl.h"

struct run {
	const char *sql;
	const struct db_arg *args;
	size_t n;
	int64_t changes;
};

static int run(struct store *s, struct db *db, void *ctx, struct err *err)
{
	struct run *r = ctx;

	r->changes = db_run(db, r->sql, r->args, r->n, err);
	return r->changes < 0 ? -1 : 0;
}

int store_run(struct store *s, const char *sql, const struct db_arg *args, size_t n, int64_t *ret_n, struct err *err)
{
	struct run r = {.sql = sql, .args = args, .n = n};

	if (store_write(s, run, &r, err) < 0)
		return -1;
	if (ret_n)
		*ret_n = r.changes;
	return 0;
}

int query_rows(struct db *db, struct store_query *q, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	_cleanup_(db_list_free) struct db_list rows = {.size = q->size};
	void *found;
	int r;

	if (db_start(db, q->sql, q->args, q->n_args, &st, err) < 0)
		return -1;
	while ((r = db_step(st, err)) > 0) {
		struct db_row row = {.st = st, .arena = q->arena};
		void *one = db_list_add(&rows, err);
		if (!one)
			return -1;
		q->read(&row, one);
		if (db_row_end(&row, err) < 0)
			return -1;
	}
	if (r < 0 || db_list_end(&rows, q->arena, &found, &q->n, err) < 0)
		return -1;
	q->found = found;
	return 0;
}

static int query(struct store *s, struct db *db, void *ctx, struct err *err)
{
	return query_rows(db, ctx, err);
}

int store_query(struct store *s, struct store_query *q, struct err *err)
{
	return store_read(s, query, q, err);
}

void read_number(struct db_row *row, void *item)
{
	*(int64_t *)item = db_row_int(row);
}
