/* The fixtures and helpers of store_suite.h. */
#include "tests/conformance/store_suite.h"

#include "base/encode.h"
#include "store/fault.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#define FAULTS_PER_MILLE 33

static bool on_postgres, with_faults;

bool suite_on_postgres(void)
{
	return on_postgres;
}

bool suite_injected(const struct err *err)
{
	return with_faults && err->class == ERR_LOCAL && strcmp(err->code, "disk_full") == 0;
}

void suite_ok(int r, const struct err *err, const char *call, const char *file, int line)
{
	if (r < 0) {
		print_error("%s: %s/%s: %s\n", call, err_class_name(err->class), err->code, err->message);
		_fail(file, line);
	}
}

void suite_fails(int r, struct err *err, enum err_class class, const char *code, const char *call, const char *file, int line)
{
	if (r == 0 || err->class != class || strcmp(err->code, code) != 0) {
		print_error("%s: gave %d %s/%s: %s\n", call, r, err_class_name(err->class), err->code, err->message);
		_fail(file, line);
	}
	err_clear(err);
}

static void postgres_run(const char *sql)
{
	PGconn *conn = PQconnectdb(getenv("SEKISHO_TEST_POSTGRES"));
	PGresult *r = PQexec(conn, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	PQclear(r);
	PQfinish(conn);
}

void suite_make(struct fixture *f)
{
	if (on_postgres) {
		const char *url = getenv("SEKISHO_TEST_POSTGRES");
		char id[17], sql[128];

		random_hex(id, 8);
		snprintf(f->schema, sizeof(f->schema), "test_%s", id);
		snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", f->schema);
		postgres_run(sql);
		snprintf(f->where, sizeof(f->where), "%s%coptions=-csearch_path%%3D%s&application_name=%s", url,
			strchr(url, '?') ? '&' : '?', f->schema, f->schema);
		return;
	}
	snprintf(f->dir, sizeof(f->dir), "/tmp/sekisho-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->where, sizeof(f->where), "sqlite:%s/store.db", f->dir);
}

void suite_drop(struct fixture *f)
{
	static const char *const files[] = {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"};

	if (f->schema[0]) {
		char sql[128];
		snprintf(sql, sizeof(sql), "SET client_min_messages = warning; DROP SCHEMA %s CASCADE", f->schema);
		postgres_run(sql);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		unlink(path);
	}
	rmdir(f->dir);
}

int suite_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	suite_make(f);
	f->a = arena_new(256 << 20);
	store_fault_clear();
	ok(store_open(f->where, false, "node:1", &f->s, &f->err));
	if (with_faults) {
		/* The schema is one transaction of hundreds of writes: with a fault in thirty it would never be made. */
		store_close(f->s);
		store_fault_writes(FAULTS_PER_MILLE, 7);
		ok(store_open(f->where, false, "node:1", &f->s, &f->err));
	}
	*state = f;
	return 0;
}

int suite_teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	if (with_faults)
		store_fault_clear();
	suite_drop(f);
	arena_free(f->a);
	free(f);
	return 0;
}

void suite_reopen(struct fixture *f, const char *node)
{
	store_close(f->s);
	f->s = NULL;
	ok(store_open(f->where, false, node, &f->s, &f->err));
	ok(store_recover(f->s, &f->err));
}

static int run_group(const char *name, const char *on, const struct CMUnitTest *tests, size_t n)
{
	char title[80];

	snprintf(title, sizeof(title), "%s on %s", name, on);
	return _cmocka_run_group_tests(title, tests, n, NULL, NULL);
}

int suite_run_plain(const char *name, const struct CMUnitTest *tests, size_t n)
{
	int failed = run_group(name, "SQLite", tests, n);

	if (!getenv("SEKISHO_TEST_POSTGRES")) {
		print_message("%s on PostgreSQL: skipped, SEKISHO_TEST_POSTGRES is not set\n", name);
		return failed;
	}
	on_postgres = true;
	failed += run_group(name, "PostgreSQL", tests, n);
	on_postgres = false;
	return failed;
}

int suite_run(const char *name, const struct CMUnitTest *tests, size_t n)
{
	int failed = suite_run_plain(name, tests, n);

	store_fault_install();
	with_faults = true;
	failed += run_group(name, "SQLite on a full disk", tests, n);
	with_faults = false;
	return failed;
}

void put_connection(struct fixture *f, const char *id, const char *tenant)
{
	const struct store_connection c = {.id = id, .tenant = tenant, .provider = "box", .protect = true, .services = 2,
		.config = "{}", .grant = "{}", .backlog = 2, .state = CONN_CONNECTED, .created_at = T0};

	ok(store_connection_put(f->s, &c, &f->err));
}

int64_t stream_id(struct fixture *f, const char *connection, const char *remote_id)
{
	struct store_stream *l;
	size_t n;

	ok(store_stream_list(f->s, connection, f->a, &l, &n, &f->err));
	for (size_t i = 0; i < n; i++)
		if (strcmp(l[i].remote_id, remote_id) == 0)
			return l[i].id;
	fail_msg("no stream %s", remote_id);
	return 0;
}

int64_t put_stream(struct fixture *f, const char *connection, const char *remote_id)
{
	const struct store_stream t = {.remote_id = remote_id, .service = "box", .owner = "taro@aoba.example",
		.name = "All files", .context = "{\"root\":\"0\"}", .state = ENUM_STREAM_ACTIVE};

	ok(store_stream_sync(f->s, connection, 1, &t, 1, T0, &f->err));
	return stream_id(f, connection, remote_id);
}

struct store_stream stream_get(struct fixture *f, int64_t id)
{
	struct store_stream t;

	ok(store_stream_get(f->s, id, f->a, &t, &f->err));
	return t;
}

struct store_item an_item(const char *remote_id, const char *version, enum lane lane)
{
	return (struct store_item){.kind = 1, .remote_id = remote_id, .version = version, .name = "報告書.docx",
		.path = "/共有/2026", .size = 1234, .seen_at = T0, .lane = lane, .state = ITEM_PENDING,
		.context = "{\"parent\":\"17\"}"};
}

int64_t put_items(struct fixture *f, int64_t stream, const struct store_item *items, size_t n)
{
	const struct store_page p = {.stream = stream, .items = items, .n_items = n, .cursor = "next", .release = true,
		.next_due = T0 + 300000, .now = T0};
	int64_t fresh = -1;

	ok(store_page_commit(f->s, &p, &fresh, &f->err));
	return fresh;
}

int64_t put_item(struct fixture *f, int64_t stream, const char *remote_id, const char *version, enum lane lane)
{
	const struct store_item i = an_item(remote_id, version, lane);

	return put_items(f, stream, &i, 1);
}

size_t claim_items(struct fixture *f, int64_t now, size_t max, struct store_item **ret)
{
	size_t n;

	ok(store_item_claim(f->s, now, now + LEASE, max, f->a, ret, &n, NULL, &f->err));
	return n;
}

int64_t claim_one(struct fixture *f, int64_t now, const char *remote_id)
{
	struct store_item *l;

	assert_int_equal(claim_items(f, now, 1, &l), 1);
	if (remote_id)
		assert_string_equal(l[0].remote_id, remote_id);
	return l[0].id;
}

struct store_item item_get(struct fixture *f, int64_t id)
{
	struct store_item i;

	ok(store_item_get(f->s, id, f->a, &i, &f->err));
	return i;
}

void finish_item(struct fixture *f, int64_t item, enum item_state state, const char *reason)
{
	const struct store_result r = {.item = item, .state = state, .reason = reason, .now = T0};

	ok(store_item_finish(f->s, &r, NULL, &f->err));
}

int64_t put_finding(struct fixture *f, int64_t item, const char *uid, const char *action_state)
{
	const struct store_item i = item_get(f, item);
	const struct store_finding d = {.uid = uid, .tenant = i.tenant, .connection = i.connection, .provider = i.provider,
		.service = i.service, .stream_name = "All files", .remote_id = i.remote_id, .version = i.version, .name = i.name,
		.path = i.path, .owner = i.owner, .sha256 = SHA_A, .size = 68, .verdict = "threat", .reason = "",
		.threats = "[{\"name\":\"Eicar\",\"part\":\"\"}]", .engine = "clamav 1.4", .signatures = "27000", .rules = "[]",
		.action_kind = "quarantine", .action_state = action_state, .op_id = uid, .seen_at = T0, .verdict_at = T0};
	char event_uid[80];
	snprintf(event_uid, sizeof(event_uid), "found-%s", uid);
	const struct store_event e = {.uid = event_uid, .json = "{\"found\":1}"};
	const struct store_result r = {.item = item, .state = ITEM_SCANNED, .now = T0, .finding = &d, .events = &e, .n_events = 1,
		.sha256 = SHA_A, .size = 68, .verdict = "threat", .verdict_reason = "", .threats = d.threats,
		.engine = "clamav 1.4", .signatures = "27000"};
	int64_t id = 0;

	ok(store_item_finish(f->s, &r, &id, &f->err));
	assert_true(id > 0);
	return id;
}

struct store_finding finding_get(struct fixture *f, const char *uid)
{
	struct store_finding d;

	ok(store_finding_get(f->s, uid, f->a, &d, &f->err));
	return d;
}

size_t count_events(struct fixture *f)
{
	struct store_outbox *l;
	size_t n;

	ok(store_event_list(f->s, 0, 1000000, f->a, &l, &n, &f->err));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(l[i].seq, i + 1);
	return n;
}

/* Rows where the counters and the items disagree. */
#define WRONG_COUNTS                                                                                         \
	"SELECT count(*) FROM streams s LEFT JOIN (SELECT stream, sum(seen) AS seen, sum(scanned) AS scanned,"        \
	" sum(unknown) AS unknown, sum(skipped) AS skipped, sum(pending) AS pending FROM counts GROUP BY stream) c"    \
	" ON c.stream = s.id LEFT JOIN (SELECT stream, count(*) AS seen,"                                             \
	" sum(CASE WHEN state = 2 THEN 1 ELSE 0 END) AS scanned, sum(CASE WHEN state = 3 THEN 1 ELSE 0 END) AS unknown," \
	" sum(CASE WHEN state = 4 THEN 1 ELSE 0 END) AS skipped, sum(CASE WHEN state = 1 THEN 1 ELSE 0 END) AS pending"  \
	" FROM items GROUP BY stream) i ON i.stream = s.id WHERE coalesce(c.seen, 0) <> coalesce(i.seen, 0)"           \
	" OR coalesce(c.scanned, 0) <> coalesce(i.scanned, 0) OR coalesce(c.unknown, 0) <> coalesce(i.unknown, 0)"     \
	" OR coalesce(c.skipped, 0) <> coalesce(i.skipped, 0) OR coalesce(c.pending, 0) <> coalesce(i.pending, 0)"     \
	" OR c.seen <> c.scanned + c.unknown + c.skipped + c.pending"

void check_counts(struct fixture *f)
{
	if (on_postgres) {
		PGconn *conn = PQconnectdb(f->where);
		PGresult *r = PQexec(conn, WRONG_COUNTS);
		assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
		assert_string_equal(PQgetvalue(r, 0, 0), "0");
		PQclear(r);
		PQfinish(conn);
		return;
	}
	sqlite3 *db;
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_open_v2(f->where + 7, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, WRONG_COUNTS, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(st, 0), 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
}
