/* The vault's statements; see vault_db.h. */
#include "auth/vault_db.h"

#include <string.h>

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS data_key (tenant TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS connection (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, provider TEXT NOT NULL,"
	" version INTEGER NOT NULL, ends_at INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS value (connection TEXT NOT NULL, purpose TEXT NOT NULL, sealed BLOB NOT NULL,"
	" PRIMARY KEY (connection, purpose)) WITHOUT ROWID;"
	"INSERT OR IGNORE INTO meta VALUES ('schema', 1), ('version', 0);";

static int db_error(struct vault_db *db, struct err *err)
{
	int code = sqlite3_errcode(db->sql) & 0xff;
	const char *why = sqlite3_errmsg(db->sql);

	switch (code) {
	case SQLITE_FULL:
		return err_set(err, ERR_LOCAL, "disk_full", "vault.db: %s", why);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(err, ERR_LOCAL, "vault_corrupt",
			"vault.db: %s: bring it back from a backup, or remove it and connect anew", why);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_RETRY, "busy", "vault.db is in use by another process");
	default:
		return err_set(err, ERR_LOCAL, "vault", "vault.db: %s", why);
	}
}

static int run(struct vault_db *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(db, err);
}

int vault_db_open(struct vault_db *db, const char *path, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;

	if (sqlite3_open_v2(path, &db->sql, flags, NULL) != SQLITE_OK) {
		if (!db->sql)
			return err_set(err, ERR_LOCAL, "memory", "out of memory");
		return db_error(db, err);
	}
	sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_busy_timeout(db->sql, 10000);
	return run(db,
		"PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
		"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
		"BEGIN IMMEDIATE;",
		err) < 0 ||
			run(db, schema, err) < 0 || run(db, "COMMIT;", err) < 0 ?
		-1 :
		0;
}

void vault_db_close(struct vault_db *db)
{
	sqlite3_close_v2(db->sql);
	db->sql = NULL;
}

int vault_db_begin(struct vault_db *db, struct err *err)
{
	return run(db, "BEGIN IMMEDIATE", err);
}

int vault_db_commit(struct vault_db *db, struct err *err)
{
	return run(db, "COMMIT", err);
}

void vault_db_rollback(struct vault_db *db)
{
	if (!sqlite3_get_autocommit(db->sql))
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- statements ---- */

static void finalize(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}

#define _cleanup_stmt_ _cleanup_(finalize)

static sqlite3_stmt *prepare(struct vault_db *db, const char *sql, struct err *err)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK)
		db_error(db, err);
	return s;
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
	sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *s, int i, const struct buf *b)
{
	sqlite3_bind_blob(s, i, b->len ? b->data : "", (int)b->len, SQLITE_STATIC);
}

/* 1 a row, 0 none, -1 an error. */
static int step(struct vault_db *db, sqlite3_stmt *s, struct err *err)
{
	int r = sqlite3_step(s);

	if (r == SQLITE_ROW || r == SQLITE_DONE)
		return r == SQLITE_ROW;
	return db_error(db, err);
}

static int done(struct vault_db *db, sqlite3_stmt *s, struct err *err)
{
	return step(db, s, err) < 0 ? -1 : 0;
}

/* What lies in the file is as untrusted as any other input: lengths are checked. */
static int column_text(sqlite3_stmt *s, int i, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(s, i);

	return text && snprintf(out, size, "%s", text) < (int)size ? 0 : -1;
}

static int corrupt(struct err *err)
{
	return err_set(err, ERR_LOCAL, "vault_corrupt", "vault.db: a row that cannot be: bring it back from a backup, or "
							"remove it and connect anew");
}

static int column_blob(sqlite3_stmt *s, int i, struct buf *ret, struct err *err)
{
	const void *data = sqlite3_column_blob(s, i);
	int len = sqlite3_column_bytes(s, i);

	return buf_add(ret, data ? data : "", (size_t)len) < 0 ? corrupt(err) : 0;
}

int vault_db_get_key(struct vault_db *db, const char *tenant, struct buf *ret, bool *ret_found, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s = prepare(db, "SELECT sealed FROM data_key WHERE tenant=?", err);

	if (!s)
		return -1;
	bind_text(s, 1, tenant);
	int r = step(db, s, err);
	if (r < 0 || (r == 1 && column_blob(s, 0, ret, err) < 0))
		return -1;
	*ret_found = r == 1;
	return 0;
}

int vault_db_put_key(struct vault_db *db, const char *tenant, const struct buf *sealed, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s = prepare(db, "INSERT OR REPLACE INTO data_key VALUES (?, ?)", err);

	if (!s)
		return -1;
	bind_text(s, 1, tenant);
	bind_blob(s, 2, sealed);
	return done(db, s, err);
}

int vault_db_next_tenant(struct vault_db *db, const char *after, char *ret, size_t size, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s = prepare(db, "SELECT tenant FROM data_key WHERE tenant > ? ORDER BY tenant LIMIT 1", err);

	if (!s)
		return -1;
	bind_text(s, 1, after);
	int r = step(db, s, err);
	return r == 1 && column_text(s, 0, ret, size) < 0 ? corrupt(err) : r;
}

int vault_db_drop_unused_keys(struct vault_db *db, struct err *err)
{
	return run(db, "DELETE FROM data_key WHERE tenant<>'' AND tenant NOT IN (SELECT tenant FROM connection)", err);
}

int vault_db_version(struct vault_db *db, int64_t *ret, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s = prepare(db, "SELECT value FROM meta WHERE name='version'", err);
	int r = s ? step(db, s, err) : -1;

	if (r == 0)
		return corrupt(err);
	if (r == 1)
		*ret = sqlite3_column_int64(s, 0);
	return r < 0 ? -1 : 0;
}

int vault_db_next_version(struct vault_db *db, int64_t *ret, struct err *err)
{
	if (run(db, "UPDATE meta SET value=value+1 WHERE name='version'", err) < 0)
		return -1;
	return vault_db_version(db, ret, err);
}

int vault_db_put_connection(struct vault_db *db, const struct vault_record *r, int64_t version, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s = prepare(db, "INSERT INTO connection VALUES (?, ?, ?, ?, ?)", err);

	if (!s)
		return -1;
	bind_text(s, 1, r->connection);
	bind_text(s, 2, r->tenant);
	bind_text(s, 3, r->provider);
	sqlite3_bind_int64(s, 4, version);
	sqlite3_bind_int64(s, 5, r->ends_at);
	return done(db, s, err);
}

int vault_db_get_connection(struct vault_db *db, const char *connection, struct vault_record *ret, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s =
		prepare(db, "SELECT id, tenant, provider, version, ends_at FROM connection WHERE id=?", err);
	struct vault_record r = {0};

	if (!s)
		return -1;
	bind_text(s, 1, connection);
	int found = step(db, s, err);
	if (found < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_GONE, "no_grant", "there are no secrets of a connection '%.64s': connect it", connection);
	if (column_text(s, 0, r.connection, sizeof(r.connection)) < 0 || column_text(s, 1, r.tenant, sizeof(r.tenant)) < 0 ||
		column_text(s, 2, r.provider, sizeof(r.provider)) < 0)
		return corrupt(err);
	r.version = sqlite3_column_int64(s, 3);
	r.ends_at = sqlite3_column_int64(s, 4);
	*ret = r;
	return 0;
}

int vault_db_put_value(struct vault_db *db, const char *connection, const char *purpose, const struct buf *sealed,
	struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s = prepare(db, "INSERT INTO value VALUES (?, ?, ?)", err);

	if (!s)
		return -1;
	bind_text(s, 1, connection);
	bind_text(s, 2, purpose);
	bind_blob(s, 3, sealed);
	return done(db, s, err);
}

int vault_db_get_values(struct vault_db *db, struct vault_record *r, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s =
		prepare(db, "SELECT purpose, sealed FROM value WHERE connection=? ORDER BY purpose", err);
	int more;

	if (!s)
		return -1;
	bind_text(s, 1, r->connection);
	while ((more = step(db, s, err)) == 1) {
		if (r->n == VAULT_ITEMS)
			return corrupt(err);
		struct vault_item *item = &r->items[r->n];
		item->value = (struct buf)BUF_INIT(VAULT_VALUE_MAX + SEAL_OVERHEAD);
		if (column_text(s, 0, item->purpose, sizeof(item->purpose)) < 0)
			return corrupt(err);
		r->n++;
		if (column_blob(s, 1, &item->value, err) < 0)
			return -1;
	}
	return more;
}

int vault_db_forget(struct vault_db *db, const char *connection, struct err *err)
{
	static const char *const statements[] = {"DELETE FROM value WHERE connection=?", "DELETE FROM connection WHERE id=?"};

	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		_cleanup_stmt_ sqlite3_stmt *s = prepare(db, statements[i], err);
		if (!s)
			return -1;
		bind_text(s, 1, connection);
		if (done(db, s, err) < 0)
			return -1;
	}
	return 0;
}

int vault_db_list(struct vault_db *db, struct vault_listed **ret, size_t *ret_n, struct err *err)
{
	_cleanup_stmt_ sqlite3_stmt *s = prepare(db, "SELECT id, ends_at FROM connection ORDER BY id", err);
	_cleanup_free_ struct vault_listed *list = NULL;
	size_t n = 0, room = 0;
	int more;

	if (!s)
		return -1;
	while ((more = step(db, s, err)) == 1) {
		if (n == room) {
			room = room ? room * 2 : 16;
			struct vault_listed *bigger = reallocarray(list, room, sizeof(*list));
			if (!bigger)
				return err_set(err, ERR_LOCAL, "memory", "out of memory");
			list = bigger;
		}
		if (column_text(s, 0, list[n].connection, sizeof(list[n].connection)) < 0)
			return corrupt(err);
		list[n++].ends_at = sqlite3_column_int64(s, 1);
	}
	if (more < 0)
		return -1;
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}
