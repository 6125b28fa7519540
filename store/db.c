/* What both drivers share: running statements, savepoints, rows into arenas. Called on the thread that has the
 * connection. */
#include "store/db.h"

#include "base/encode.h"

#include <string.h>

void db_close(struct db *db)
{
	if (db)
		db->driver->close(db);
}

static bool is_utf8(const char *s)
{
	size_t len = strlen(s), step;

	for (size_t i = 0; i < len; i += step) {
		step = (unsigned char)s[i] < 0x80 ? 1 : utf8_length(s + i, len - i);
		if (step == 0)
			return false;
	}
	return true;
}

int db_start(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct db_stmt **ret, struct err *err)
{
	struct db_arg clean[DB_ARGS_MAX];
	struct buf texts[DB_ARGS_MAX];
	size_t n_texts = 0;
	int r = -1;

	if (n > DB_ARGS_MAX)
		return err_set(err, ERR_LOCAL, "store", "too many arguments");
	/* PostgreSQL refuses text that is not UTF-8, SQLite keeps it; both shall keep the same. */
	for (size_t i = 0; i < n; i++) {
		clean[i] = args[i];
		if (args[i].type != DB_ARG_TEXT || !args[i].data)
			continue;
		clean[i].len = strlen(args[i].data);
		if (clean[i].len > DB_TEXT_MAX) {
			err_set(err, ERR_TOO_BIG, "too_big", "a value of %zu bytes is too long to store", clean[i].len);
			goto out;
		}
		if (is_utf8(args[i].data))
			continue;
		struct buf *b = &texts[n_texts++];
		*b = (struct buf)BUF_INIT((size_t)DB_TEXT_MAX * 3);
		if (utf8_clean(b, args[i].data, clean[i].len, false) < 0) {
			err_set(err, ERR_LOCAL, "store", "out of memory");
			goto out;
		}
		clean[i].data = buf_str(b);
		clean[i].len = b->len;
	}
	r = db->driver->start(db, sql, clean, n, ret, err);
out:
	while (n_texts > 0)
		buf_free(&texts[--n_texts]);
	return r;
}

int db_step(struct db_stmt *st, struct err *err)
{
	return st->db->driver->step(st, err);
}

void db_end(struct db_stmt *st)
{
	if (st)
		st->db->driver->end(st);
}

int64_t db_int(struct db_stmt *st, int column)
{
	return st->db->driver->column_int(st, column);
}

const char *db_text(struct db_stmt *st, int column)
{
	return st->db->driver->column_text(st, column);
}

size_t db_blob(struct db_stmt *st, int column, void *buf, size_t size)
{
	return st->db->driver->column_blob(st, column, buf, size);
}

int64_t db_run(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	int r;

	if (db_start(db, sql, args, n, &st, err) < 0)
		return -1;
	do {
		r = db_step(st, err);
	} while (r > 0);
	return r < 0 ? -1 : db->driver->changes(db);
}

int db_get_int(struct db *db, const char *sql, const struct db_arg *args, size_t n, int64_t *ret, struct err *err)
{
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (db_start(db, sql, args, n, &st, err) < 0)
		return -1;
	int r = db_step(st, err);
	if (r <= 0)
		return r;
	int64_t value = db_int(st, 0);
	/* A statement with RETURNING is done when it has been stepped to its end. */
	do {
		r = db_step(st, err);
	} while (r > 0);
	if (r < 0)
		return -1;
	*ret = value;
	return 1;
}

int db_begin(struct db *db, bool write, struct err *err)
{
	return db->driver->begin(db, write, err);
}

int db_commit(struct db *db, struct err *err)
{
	return db->driver->commit(db, err);
}

void db_rollback(struct db *db)
{
	db->driver->rollback(db);
}

int db_savepoint(struct db *db, struct err *err)
{
	return db_run(db, "SAVEPOINT call", DB_NONE, err) < 0 ? -1 : 0;
}

int db_release(struct db *db, struct err *err)
{
	return db_run(db, "RELEASE SAVEPOINT call", DB_NONE, err) < 0 ? -1 : 0;
}

int db_rollback_to(struct db *db, struct err *err)
{
	if (!db->driver->in_transaction(db))
		return err_scope(err, SCOPE_NODE);
	if (db_run(db, "ROLLBACK TO SAVEPOINT call", DB_NONE, NULL) < 0 || db_release(db, NULL) < 0)
		return -1;
	return db->driver->in_transaction(db) ? 0 : -1;
}

int64_t db_row_int(struct db_row *r)
{
	return db_int(r->st, r->column++);
}

const char *db_row_text(struct db_row *r)
{
	const char *s = db_text(r->st, r->column++);

	if (!s)
		return NULL;
	char *copy = arena_dup(r->arena, s);
	if (!copy)
		r->failed = true;
	return copy;
}

const char *db_row_text0(struct db_row *r)
{
	const char *s = db_row_text(r);

	return s ? s : "";
}

int db_row_end(const struct db_row *r, struct err *err)
{
	return r->failed ? err_set(err, ERR_LOCAL, "store", "no room in memory for what was read") : 0;
}

void *db_list_add(struct db_list *l, struct err *err)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		void *data = reallocarray(l->data, cap, l->size);
		if (!data) {
			err_set(err, ERR_LOCAL, "store", "out of memory");
			return NULL;
		}
		l->data = data;
		l->cap = cap;
	}
	char *p = (char *)l->data + l->n++ * l->size;
	memset(p, 0, l->size);
	return p;
}

int db_list_end(struct db_list *l, struct arena *a, void **ret, size_t *ret_n, struct err *err)
{
	void *data = arena_alloc(a, l->n * l->size + 1);

	if (!data)
		return err_set(err, ERR_LOCAL, "store", "no room in memory for what was read");
	if (l->n > 0)
		memcpy(data, l->data, l->n * l->size);
	*ret = data;
	*ret_n = l->n;
	return 0;
}

void db_list_free(struct db_list *l)
{
	free(l->data);
	l->data = NULL;
}
