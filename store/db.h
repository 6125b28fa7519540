/* One connection to a database, the same for SQLite and PostgreSQL: the only layer that knows which one it is.
 *
 * SQL is written in the dialect that both understand, with ?1 ?2 … as placeholders; a statement that claims rows
 * ends in " FOR UPDATE" or " FOR UPDATE SKIP LOCKED", which SQLite's single writer does not need and drops. Statement texts must be
 * string literals: prepared statements are kept by their address. One statement runs once at a time.
 *
 * A connection belongs to one thread at a time. Errors: RETRY "busy"; LOCAL "disk_full", "corrupt", "store";
 * TOO_BIG "too_big"; all of scope node but the last. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DB_ARGS_MAX 48
#define DB_TEXT_MAX (16 * 1024 * 1024) /* bytes of one value */

struct db_arg {
	enum { DB_ARG_INT, DB_ARG_TEXT, DB_ARG_BLOB } type;
	int64_t number;
	const void *data; /* NULL is SQL's NULL */
	size_t len;       /* of a blob */
};
#define DB_I(v) {.type = DB_ARG_INT, .number = (v)}
#define DB_T(v) {.type = DB_ARG_TEXT, .data = (v)}
#define DB_B(v, n) {.type = DB_ARG_BLOB, .data = (v), .len = (n)}
#define DB_ARGS(...)                                                                                         \
	(const struct db_arg[]){__VA_ARGS__}, sizeof((const struct db_arg[]){__VA_ARGS__}) / sizeof(struct db_arg)
#define DB_NONE NULL, 0

struct db;

/* A running statement; the drivers put their own behind it. */
struct db_stmt {
	struct db *db;
	const char *sql;
	bool running;
};

struct db_driver {
	const char *name;
	const char *migration_lock; /* keeps other nodes out while the schema changes; NULL: nobody else is there */
	void (*close)(struct db *db);
	int (*begin)(struct db *db, bool write, struct err *err);
	int (*commit)(struct db *db, struct err *err);
	void (*rollback)(struct db *db);
	/* false: the database has ended the transaction by itself. */
	bool (*in_transaction)(struct db *db);
	int (*exec)(struct db *db, const char *sql, struct err *err);
	int (*start)(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct db_stmt **ret,
		struct err *err);
	int (*step)(struct db_stmt *st, struct err *err);
	void (*end)(struct db_stmt *st);
	int64_t (*column_int)(struct db_stmt *st, int column);
	const char *(*column_text)(struct db_stmt *st, int column);
	size_t (*column_blob)(struct db_stmt *st, int column, void *buf, size_t size);
	int64_t (*changes)(struct db *db);
	/* The schema in this database's words. */
	int (*translate)(const char *schema, struct buf *ret);
	int (*check)(struct db *db, struct err *err);
	/* Between transactions, after the callers have their answers: what the database wants done from time to time. */
	void (*tidy)(struct db *db, bool idle);
};

struct db {
	const struct db_driver *driver;
	bool sole; /* no other process writes here */
	/* What other nodes soon want is locked until the commit: so commit before anything else is done. */
	bool commit_soon;
};

/* path: of the file. A writer creates it (mode 0600) and checkpoints; a reader (read_only) does neither. */
int db_open_sqlite(const char *path, bool read_only, struct db **ret, struct err *err);
int db_open_postgres(const char *url, bool read_only, struct db **ret, struct err *err);
void db_close(struct db *db);
DEFINE_CLEANUP(struct db *, db_close)

/* Starts a statement; end it with db_end() (or _cleanup_(db_endp)). */
int db_start(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct db_stmt **ret, struct err *err);
/* 1: a row, 0: no more, -1 */
int db_step(struct db_stmt *st, struct err *err);
void db_end(struct db_stmt *st);
DEFINE_CLEANUP(struct db_stmt *, db_end)
int64_t db_int(struct db_stmt *st, int column);      /* 0 for NULL */
const char *db_text(struct db_stmt *st, int column); /* until the next step; NULL for NULL */
/* Copies at most size bytes of a blob; its real length. */
size_t db_blob(struct db_stmt *st, int column, void *buf, size_t size);

/* Runs a statement that gives no rows: how many it changed, or -1. */
int64_t db_run(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct err *err);
/* The first column of the first row: 1 found, 0 no row (*ret untouched), -1. */
int db_get_int(struct db *db, const char *sql, const struct db_arg *args, size_t n, int64_t *ret, struct err *err);

int db_begin(struct db *db, bool write, struct err *err);
int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
int db_savepoint(struct db *db, struct err *err);
int db_release(struct db *db, struct err *err);
/* -1: the whole transaction is gone. */
int db_rollback_to(struct db *db, struct err *err);

/* Reads the columns of a row one after the other into an arena. */
struct db_row {
	struct db_stmt *st;
	struct arena *arena;
	int column;
	bool failed; /* no memory */
};
int64_t db_row_int(struct db_row *r);
const char *db_row_text(struct db_row *r);  /* NULL for NULL */
const char *db_row_text0(struct db_row *r); /* "" for NULL */
int db_row_end(const struct db_row *r, struct err *err);

/* A list of unknown length: grows on the heap, ends in the arena. */
struct db_list {
	void *data;
	size_t n, cap, size;
};
#define DB_LIST(type) {.size = sizeof(type)}
void *db_list_add(struct db_list *l, struct err *err); /* zeroed */
int db_list_end(struct db_list *l, struct arena *a, void **ret, size_t *ret_n, struct err *err);
void db_list_free(struct db_list *l);

#endif
