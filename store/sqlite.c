/* The driver for SQLite 3.37 or later, in WAL mode with synchronous=FULL.
 *
 * SQLite before 3.51.3 can corrupt a file when two connections write or checkpoint together (the WAL-reset bug):
 * so there is one writing connection a file (store.c holds a lock for it), it alone checkpoints, and every other
 * connection is opened read-only. Checkpoints run between transactions, after the callers have their answers. */
#include "store/db.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STATEMENTS_MAX 256       /* slots; more than there are statements in the store */
#define WRITER_CACHE_KIB 8192
#define READER_CACHE_KIB 1024
#define BUSY_MS 5000             /* a foreign process holds the lock: then RETRY */
#define CHECKPOINT_IDLE_PAGES 1000   /* of 4 KiB in the log: when there is nothing else to do */
#define CHECKPOINT_PAGES 6000        /* whatever waits */
#define LOG_LONG_PAGES 32000
#define LOG_KEEP_BYTES (32 * 1024 * 1024)
#define FREE_MIN_BYTES (64LL * 1024 * 1024)

struct sqlite_stmt {
	struct db_stmt base;
	sqlite3_stmt *st;
};

struct sqlite_db {
	struct db base;
	sqlite3 *db;
	bool read_only;
	int log_pages; /* in the write-ahead log at the last commit */
	int log_done;  /* of them, brought into the main file */
	char *path;
	struct sqlite_stmt statements[STATEMENTS_MAX];
};

static struct sqlite_db *sqlite_of(struct db *db)
{
	return (struct sqlite_db *)db;
}

static int fail(struct sqlite_db *d, int rc, struct err *err)
{
	int system = d->db ? sqlite3_system_errno(d->db) : 0;
	const char *message = d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc);

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err_set(err, ERR_RETRY, "busy", "the database is locked by another process");
		break;
	case SQLITE_FULL:
		err_set(err, ERR_LOCAL, "disk_full", "no room on the disk of %s", d->path);
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		err_set(err, ERR_LOCAL, "corrupt", "%s is damaged: %s", d->path, message);
		break;
	case SQLITE_TOOBIG:
		return err_set(err, ERR_TOO_BIG, "too_big", "a value is too long to store");
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (system == ENOSPC || system == EDQUOT) {
			err_set(err, ERR_LOCAL, "disk_full", "no room on the disk of %s", d->path);
			break;
		}
		err_set(err, ERR_LOCAL, "store", "%s: %s (%d): %s", d->path, message, rc, system ? strerror(system) : "-");
		break;
	default:
		err_set(err, ERR_LOCAL, "store", "%s: %s (%d)", d->path, message, rc);
	}
	return err_scope(err, SCOPE_NODE);
}

static void sqlite_close(struct db *db)
{
	struct sqlite_db *d = sqlite_of(db);

	for (size_t i = 0; i < STATEMENTS_MAX; i++)
		sqlite3_finalize(d->statements[i].st);
	sqlite3_close(d->db);
	free(d->path);
	free(d);
}

static int sqlite_exec(struct db *db, const char *sql, struct err *err)
{
	struct sqlite_db *d = sqlite_of(db);
	int rc = sqlite3_exec(d->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(d, rc, err);
}

static bool sqlite_in_transaction(struct db *db)
{
	return !sqlite3_get_autocommit(sqlite_of(db)->db);
}

static int sqlite_begin(struct db *db, bool write, struct err *err)
{
	return db_run(db, write ? "BEGIN IMMEDIATE" : "BEGIN", DB_NONE, err) < 0 ? -1 : 0;
}

static void sqlite_rollback(struct db *db)
{
	if (sqlite_in_transaction(db))
		db_run(db, "ROLLBACK", DB_NONE, NULL);
}

static int sqlite_commit(struct db *db, struct err *err)
{
	if (db_run(db, "COMMIT", DB_NONE, err) >= 0)
		return 0;
	sqlite_rollback(db);
	return -1;
}

/* The slot of a statement text, by its address. */
static struct sqlite_stmt *slot_of(struct sqlite_db *d, const char *sql)
{
	size_t at = ((uintptr_t)sql >> 3) * 0x9E3779B1u % STATEMENTS_MAX;

	for (size_t i = 0; i < STATEMENTS_MAX; i++, at = (at + 1) % STATEMENTS_MAX) {
		struct sqlite_stmt *s = &d->statements[at];
		if (!s->base.sql || s->base.sql == sql)
			return s;
	}
	return NULL;
}

static int prepare(struct sqlite_db *d, struct sqlite_stmt *s, const char *sql, struct err *err)
{
	const char *locking = strstr(sql, " FOR UPDATE");
	int len = locking ? (int)(locking - sql) : (int)strlen(sql);

	int rc = sqlite3_prepare_v3(d->db, sql, len, SQLITE_PREPARE_PERSISTENT, &s->st, NULL);
	if (rc != SQLITE_OK)
		return fail(d, rc, err);
	s->base.sql = sql;
	s->base.db = &d->base;
	return 0;
}

static int sqlite_start(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct db_stmt **ret,
	struct err *err)
{
	struct sqlite_db *d = sqlite_of(db);
	struct sqlite_stmt *s = slot_of(d, sql);

	if (!s)
		return err_set(err, ERR_LOCAL, "store", "too many statements");
	if (!s->st && prepare(d, s, sql, err) < 0)
		return -1;
	if (s->base.running)
		return err_set(err, ERR_LOCAL, "store", "a statement runs twice");
	int rc = SQLITE_OK;
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
		int at = (int)i + 1;
		if (args[i].type == DB_ARG_INT)
			rc = sqlite3_bind_int64(s->st, at, args[i].number);
		else if (!args[i].data)
			rc = sqlite3_bind_null(s->st, at);
		else if (args[i].type == DB_ARG_TEXT)
			rc = sqlite3_bind_text64(s->st, at, args[i].data, args[i].len, SQLITE_TRANSIENT, SQLITE_UTF8);
		else
			rc = sqlite3_bind_blob64(s->st, at, args[i].data, args[i].len, SQLITE_TRANSIENT);
	}
	if (rc != SQLITE_OK) {
		sqlite3_clear_bindings(s->st);
		return fail(d, rc, err);
	}
	s->base.running = true;
	*ret = &s->base;
	return 0;
}

static int sqlite_step(struct db_stmt *st, struct err *err)
{
	int rc = sqlite3_step(((struct sqlite_stmt *)st)->st);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail(sqlite_of(st->db), rc, err);
}

static void sqlite_end(struct db_stmt *st)
{
	struct sqlite_stmt *s = (struct sqlite_stmt *)st;

	sqlite3_reset(s->st);
	sqlite3_clear_bindings(s->st);
	st->running = false;
}

static int64_t sqlite_column_int(struct db_stmt *st, int column)
{
	return sqlite3_column_int64(((struct sqlite_stmt *)st)->st, column);
}

static const char *sqlite_column_text(struct db_stmt *st, int column)
{
	return (const char *)sqlite3_column_text(((struct sqlite_stmt *)st)->st, column);
}

static size_t sqlite_column_blob(struct db_stmt *st, int column, void *buf, size_t size)
{
	sqlite3_stmt *s = ((struct sqlite_stmt *)st)->st;
	const void *data = sqlite3_column_blob(s, column);
	size_t len = data ? (size_t)sqlite3_column_bytes(s, column) : 0;

	if (len > 0)
		memcpy(buf, data, len < size ? len : size);
	return len;
}

static int64_t sqlite_changes(struct db *db)
{
	return sqlite3_changes64(sqlite_of(db)->db);
}

static int sqlite_translate(const char *schema, struct buf *ret)
{
	return buf_adds(ret, schema);
}

static int sqlite_check(struct db *db, struct err *err)
{
	struct sqlite_db *d = sqlite_of(db);
	_cleanup_(db_endp) struct db_stmt *st = NULL;

	if (db_start(db, "PRAGMA quick_check(1)", DB_NONE, &st, err) < 0)
		return -1;
	int r = db_step(st, err);
	if (r < 0)
		return -1;
	const char *said = r > 0 ? db_text(st, 0) : NULL;
	if (!said || strcmp(said, "ok") != 0) {
		err_set(err, ERR_LOCAL, "corrupt", "%s is damaged: %s", d->path, said ? said : "no answer");
		return err_scope(err, SCOPE_NODE);
	}
	struct statvfs fs;
	if (statvfs(d->path, &fs) < 0)
		return err_errno(err, "%s", d->path);
	int64_t left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (left < FREE_MIN_BYTES) {
		err_set(err, ERR_LOCAL, "disk_full", "only %lld MiB left on the disk of %s", (long long)(left >> 20), d->path);
		return err_scope(err, SCOPE_NODE);
	}
	return 0;
}

static int on_log(void *ctx, sqlite3 *db, const char *name, int pages)
{
	((struct sqlite_db *)ctx)->log_pages = pages;
	return SQLITE_OK;
}

static void sqlite_tidy(struct db *db, bool idle)
{
	struct sqlite_db *d = sqlite_of(db);

	if (d->log_pages < d->log_done)
		d->log_done = 0; /* the log began anew */
	if (d->read_only || d->log_pages - d->log_done < (idle ? CHECKPOINT_IDLE_PAGES : CHECKPOINT_PAGES))
		return;
	/* Readers that come one after the other keep the log from beginning anew: once it is long, wait for them. */
	int mode = d->log_pages < LOG_LONG_PAGES ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
	int rc = sqlite3_wal_checkpoint_v2(d->db, NULL, mode, NULL, NULL);
	/* Without room the log keeps everything, and the next try comes with the next commit. */
	if (rc == SQLITE_OK || rc == SQLITE_BUSY)
		d->log_done = d->log_pages;
	else if (rc != SQLITE_FULL)
		log_warn("store.checkpoint_failed", "code=%d", rc);
}

static const struct db_driver sqlite_driver = {
	.name = "sqlite",
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.in_transaction = sqlite_in_transaction,
	.exec = sqlite_exec,
	.start = sqlite_start,
	.step = sqlite_step,
	.end = sqlite_end,
	.column_int = sqlite_column_int,
	.column_text = sqlite_column_text,
	.column_blob = sqlite_column_blob,
	.changes = sqlite_changes,
	.translate = sqlite_translate,
	.check = sqlite_check,
	.tidy = sqlite_tidy,
};

/* A new file is made here, so that nobody but its owner reads it. An old one is left alone: closing a descriptor
 * of a file that is open elsewhere in the process would drop SQLite's locks on it. */
static int create_private(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? 0 : err_errno(err, "%s", path);
	close(fd);
	return 0;
}

static int set_up(struct sqlite_db *d, struct err *err)
{
	char pragmas[400];
	int on = 1;

	sqlite3_extended_result_codes(d->db, 1);
	sqlite3_busy_timeout(d->db, BUSY_MS);
	sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, 4 * DB_TEXT_MAX);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	snprintf(pragmas, sizeof(pragmas), "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
		" PRAGMA cell_size_check=ON", d->read_only ? READER_CACHE_KIB : WRITER_CACHE_KIB);
	if (sqlite_exec(&d->base, pragmas, err) < 0)
		return -1;
	if (d->read_only) {
		sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		return 0;
	}
	snprintf(pragmas, sizeof(pragmas), "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
		" PRAGMA journal_size_limit=%d", LOG_KEEP_BYTES);
	if (sqlite_exec(&d->base, pragmas, err) < 0)
		return -1;
	_cleanup_(db_endp) struct db_stmt *st = NULL;
	if (db_start(&d->base, "PRAGMA journal_mode", DB_NONE, &st, err) < 0 || db_step(st, err) < 0)
		return -1;
	const char *mode = db_text(st, 0);
	if (!mode || strcmp(mode, "wal") != 0)
		return err_set(err, ERR_LOCAL, "store", "%s: its file system cannot share memory (journal mode %s)", d->path,
			mode ? mode : "unknown");
	/* The log stays when the writer goes: a reader without the right to make files still gets in. */
	sqlite3_file_control(d->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &on);
	sqlite3_wal_hook(d->db, on_log, d);
	return 0;
}

int db_open_sqlite(const char *path, bool read_only, struct db **ret, struct err *err)
{
	if (read_only && access(path, F_OK) < 0)
		return errno == ENOENT ? err_set(err, ERR_GONE, "not_found", "%s does not exist", path)
				       : err_errno(err, "%s", path);
	if (!read_only && create_private(path, err) < 0)
		return -1;
	struct sqlite_db *d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	_cleanup_(db_closep) struct db *db = &d->base;
	d->base.driver = &sqlite_driver;
	d->base.sole = true;
	d->read_only = read_only;
	d->path = strdup(path);
	if (!d->path)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(path, &d->db, flags, NULL);
	if (rc != SQLITE_OK)
		return fail(d, rc, err);
	if (set_up(d, err) < 0)
		return -1;
	*ret = TAKE_PTR(db);
	return 0;
}
