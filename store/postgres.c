/* The driver for PostgreSQL 12 or later: several nodes share one store. One libpq connection a struct db, used
 * synchronously; when it is lost, the next transaction connects anew, and until that succeeds every call answers
 * RETRY "busy". A commit whose answer got lost answers RETRY too: it may have happened, and the domain calls can be
 * repeated.
 *
 * Claims are conditional updates after SELECT … FOR UPDATE SKIP LOCKED, in READ COMMITTED. */
#include "store/db.h"

#include "base/encode.h"
#include "base/log.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <string.h>

#define STATEMENTS_MAX 256
#define NUMBER_LEN 24
#define TYPE_INT8 20
#define TYPE_TEXT 25
#define TYPE_BYTEA 17

struct pg_stmt {
	struct db_stmt base;
	char name[16];
	bool prepared;
	PGresult *result;
	int row; /* of the current row; -1 before the first */
};

struct pg_db {
	struct db base;
	PGconn *conn;
	bool read_only;
	int64_t changes;
	struct pg_stmt statements[STATEMENTS_MAX];
};

static struct pg_db *pg_of(struct db *db)
{
	return (struct pg_db *)db;
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* By SQLSTATE (PostgreSQL's appendix A); without one the connection is the trouble. */
static int fail(struct pg_db *d, const PGresult *result, struct err *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *message = result ? PQresultErrorMessage(result) : PQerrorMessage(d->conn);
	int len = (int)strcspn(message, "\n");

	if (!state || PQstatus(d->conn) != CONNECTION_OK || begins(state, "08") || begins(state, "57P"))
		err_set(err, ERR_RETRY, "busy", "the database cannot be reached: %.*s", len, message);
	else if (begins(state, "40") || begins(state, "55P03") || begins(state, "57014") || begins(state, "53300"))
		err_set(err, ERR_RETRY, "busy", "the database is busy: %.*s", len, message);
	else if (begins(state, "53100"))
		err_set(err, ERR_LOCAL, "disk_full", "no room on the database's disk: %.*s", len, message);
	else if (begins(state, "XX001") || begins(state, "XX002") || begins(state, "58"))
		err_set(err, ERR_LOCAL, "corrupt", "the database is damaged: %.*s", len, message);
	else
		err_set(err, ERR_LOCAL, "store", "%s: %.*s", state, len, message);
	return err_scope(err, SCOPE_NODE);
}

static void forget_statements(struct pg_db *d)
{
	for (size_t i = 0; i < STATEMENTS_MAX; i++)
		d->statements[i].prepared = false;
}

static void pg_close(struct db *db)
{
	struct pg_db *d = pg_of(db);

	for (size_t i = 0; i < STATEMENTS_MAX; i++)
		PQclear(d->statements[i].result);
	PQfinish(d->conn);
	free(d);
}

static int pg_exec(struct db *db, const char *sql, struct err *err)
{
	struct pg_db *d = pg_of(db);
	PGresult *result = PQexec(d->conn, sql);
	ExecStatusType status = PQresultStatus(result);
	int r = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : fail(d, result, err);

	PQclear(result);
	return r;
}

static bool pg_in_transaction(struct db *db)
{
	PGTransactionStatusType status = PQtransactionStatus(pg_of(db)->conn);

	return PQstatus(pg_of(db)->conn) == CONNECTION_OK && (status == PQTRANS_INTRANS || status == PQTRANS_INERROR);
}

static int set_up(struct pg_db *d, struct err *err)
{
	/* A writer that hangs in a lock holds back all calls of its process: rather fail and be repeated. */
	return pg_exec(&d->base,
		"SET synchronous_commit = on; SET client_min_messages = warning; SET lock_timeout = '10s';"
		" SET statement_timeout = '120s'; SET idle_in_transaction_session_timeout = '300s';"
		" SET standard_conforming_strings = on; SET client_encoding = 'UTF8'", err);
}

static int connect_again(struct pg_db *d, struct err *err)
{
	forget_statements(d);
	PQreset(d->conn);
	if (PQstatus(d->conn) != CONNECTION_OK)
		return fail(d, NULL, err);
	return set_up(d, err);
}

static int pg_begin(struct db *db, bool write, struct err *err)
{
	struct pg_db *d = pg_of(db);
	const char *sql = write ? "BEGIN ISOLATION LEVEL READ COMMITTED"
				: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
	struct err first = {0};

	if (PQstatus(d->conn) == CONNECTION_OK && pg_exec(db, sql, &first) == 0)
		return 0;
	/* A connection that died while it was idle shows only now. */
	if (PQstatus(d->conn) == CONNECTION_OK) {
		if (err)
			*err = first;
		return -1;
	}
	if (connect_again(d, err) < 0)
		return -1;
	log_info("store.connected", "database=postgresql");
	return pg_exec(db, sql, err);
}

static void pg_rollback(struct db *db)
{
	if (pg_in_transaction(db))
		pg_exec(db, "ROLLBACK", NULL);
}

static int pg_commit(struct db *db, struct err *err)
{
	if (pg_exec(db, "COMMIT", err) == 0)
		return 0;
	pg_rollback(db);
	return -1;
}

static struct pg_stmt *slot_of(struct pg_db *d, const char *sql)
{
	size_t at = ((uintptr_t)sql >> 3) * 0x9E3779B1u % STATEMENTS_MAX;

	for (size_t i = 0; i < STATEMENTS_MAX; i++, at = (at + 1) % STATEMENTS_MAX) {
		struct pg_stmt *s = &d->statements[at];
		if (!s->base.sql || s->base.sql == sql) {
			snprintf(s->name, sizeof(s->name), "s%zu", at);
			return s;
		}
	}
	return NULL;
}

/* ?1 becomes $1; no statement of the store holds another question mark. */
static int prepare(struct pg_db *d, struct pg_stmt *s, const char *sql, const Oid *types, int n, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	if (buf_adds(&text, sql) < 0)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	for (char *p = text.data; (p = strchr(p, '?')); p++)
		*p = '$';
	PGresult *result = PQprepare(d->conn, s->name, buf_str(&text), n, types);
	int r = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : fail(d, result, err);
	PQclear(result);
	if (r < 0)
		return -1;
	s->prepared = true;
	return 0;
}

static int pg_start(struct db *db, const char *sql, const struct db_arg *args, size_t n, struct db_stmt **ret,
	struct err *err)
{
	struct pg_db *d = pg_of(db);
	struct pg_stmt *s = slot_of(d, sql);
	const char *values[DB_ARGS_MAX];
	int lengths[DB_ARGS_MAX], formats[DB_ARGS_MAX];
	Oid types[DB_ARGS_MAX];
	char numbers[DB_ARGS_MAX][NUMBER_LEN];

	if (!s)
		return err_set(err, ERR_LOCAL, "store", "too many statements");
	if (s->base.running)
		return err_set(err, ERR_LOCAL, "store", "a statement runs twice");
	for (size_t i = 0; i < n; i++) {
		formats[i] = args[i].type == DB_ARG_BLOB;
		types[i] = args[i].type == DB_ARG_INT ? TYPE_INT8 : args[i].type == DB_ARG_TEXT ? TYPE_TEXT : TYPE_BYTEA;
		lengths[i] = (int)args[i].len;
		values[i] = args[i].data;
		if (args[i].type == DB_ARG_INT) {
			snprintf(numbers[i], sizeof(numbers[i]), "%" PRId64, args[i].number);
			values[i] = numbers[i];
		}
	}
	s->base.sql = sql;
	s->base.db = db;
	if (!s->prepared && prepare(d, s, sql, types, (int)n, err) < 0)
		return -1;
	s->result = PQexecPrepared(d->conn, s->name, (int)n, values, lengths, formats, 0);
	ExecStatusType status = PQresultStatus(s->result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		fail(d, s->result, err);
		PQclear(s->result);
		s->result = NULL;
		return -1;
	}
	const char *changed = PQcmdTuples(s->result);
	d->changes = *changed ? strtoll(changed, NULL, 10) : 0;
	s->row = -1;
	s->base.running = true;
	*ret = &s->base;
	return 0;
}

static int pg_step(struct db_stmt *st, struct err *err)
{
	struct pg_stmt *s = (struct pg_stmt *)st;

	if (s->row + 1 >= PQntuples(s->result))
		return 0;
	s->row++;
	return 1;
}

static void pg_end(struct db_stmt *st)
{
	struct pg_stmt *s = (struct pg_stmt *)st;

	PQclear(s->result);
	s->result = NULL;
	st->running = false;
}

static const char *pg_column_text(struct db_stmt *st, int column)
{
	struct pg_stmt *s = (struct pg_stmt *)st;

	return s->row < 0 || PQgetisnull(s->result, s->row, column) ? NULL : PQgetvalue(s->result, s->row, column);
}

static int64_t pg_column_int(struct db_stmt *st, int column)
{
	const char *text = pg_column_text(st, column);

	return text ? strtoll(text, NULL, 10) : 0;
}

/* bytea comes as text: "\x" and hex digits. */
static size_t pg_column_blob(struct db_stmt *st, int column, void *buf, size_t size)
{
	const char *text = pg_column_text(st, column);

	if (!text || !begins(text, "\\x"))
		return 0;
	size_t len = strlen(text + 2) / 2;
	return hex_decode(buf, text + 2, len < size ? len : size) == 0 ? len : 0;
}

static int64_t pg_changes(struct db *db)
{
	return pg_of(db)->changes;
}

/* SQLite's words and ours, the longer ones first. */
static int pg_translate(const char *schema, struct buf *ret)
{
	static const char *const words[][2] = {
		{"INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
		{"INTEGER", "BIGINT"},
		{"TEXT", "TEXT COLLATE \"C\""},
		{"BLOB", "BYTEA"},
		{" STRICT, WITHOUT ROWID", ""},
		{" STRICT", ""},
	};

	while (*schema) {
		size_t i;
		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (begins(schema, words[i][0]))
				break;
		if (i == ARRAY_SIZE(words)) {
			if (buf_addc(ret, *schema++) < 0)
				return -1;
			continue;
		}
		if (buf_adds(ret, words[i][1]) < 0)
			return -1;
		schema += strlen(words[i][0]);
	}
	return 0;
}

static int pg_check(struct db *db, struct err *err)
{
	int64_t one = 0;

	return db_get_int(db, "SELECT count(*) FROM counters", DB_NONE, &one, err) < 0 ? -1 : 0;
}

static void pg_tidy(struct db *db, bool idle)
{
	/* Its own background processes do that. */
}

static const struct db_driver postgres_driver = {
	.name = "postgresql",
	/* Two nodes that start at once: the second waits, and finds it done. */
	.migration_lock = "SELECT pg_advisory_xact_lock(7310011)",
	.close = pg_close,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.in_transaction = pg_in_transaction,
	.exec = pg_exec,
	.start = pg_start,
	.step = pg_step,
	.end = pg_end,
	.column_int = pg_column_int,
	.column_text = pg_column_text,
	.column_blob = pg_column_blob,
	.changes = pg_changes,
	.translate = pg_translate,
	.check = pg_check,
	.tidy = pg_tidy,
};

static void quiet(void *arg, const char *message)
{
}

int db_open_postgres(const char *url, bool read_only, struct db **ret, struct err *err)
{
	/* Of a word that comes twice the last one counts: what the URL says goes before what is said here. */
	static const char *const names[] = {"connect_timeout", "keepalives_idle", "keepalives_interval", "tcp_user_timeout",
		"application_name", "dbname", NULL};
	const char *values[] = {"5", "30", "10", "30000", "sekisho", url, NULL};
	struct pg_db *d = calloc(1, sizeof(*d));

	if (!d)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	_cleanup_(db_closep) struct db *db = &d->base;
	d->base.driver = &postgres_driver;
	d->read_only = read_only;
	d->conn = PQconnectdbParams(names, values, 1);
	if (!d->conn)
		return err_set(err, ERR_LOCAL, "store", "out of memory");
	if (PQstatus(d->conn) != CONNECTION_OK)
		return fail(d, NULL, err);
	PQsetNoticeProcessor(d->conn, quiet, NULL);
	if (set_up(d, err) < 0)
		return -1;
	*ret = TAKE_PTR(db);
	return 0;
}
