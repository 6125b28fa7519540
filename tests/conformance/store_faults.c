/* What happens when the disk is full, does not sync, loses power, when the database is locked, damaged or gone: one
 * clear error, nothing half done, and recovery alone once the fault ends. */
#include "tests/conformance/store_suite.h"
#include "tests/conformance/store_writers.h"

#include "base/ioutil.h"
#include "store/fault.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <string.h>

#define CUTS 30

static int commit_three(struct fixture *f, int64_t stream, const char *cursor, struct err *err)
{
	const struct store_item i[] = {an_item("a", cursor, LANE_LIVE), an_item("b", cursor, LANE_LIVE),
		an_item("c", cursor, LANE_LIVE)};
	const struct store_page p = {.stream = stream, .items = i, .n_items = 3, .cursor = cursor, .release = true, .now = T0};

	return store_page_commit(f->s, &p, NULL, err);
}

static void a_full_disk_says_so_and_recovers(void **state)
{
	struct fixture *f = *state;
	char cursor[16];
	int failed = 0;

	if (suite_on_postgres())
		return;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	/* From each of the writes that a commit makes. */
	for (int n = 1; n <= 40; n++) {
		snprintf(cursor, sizeof(cursor), "%d", n);
		struct store_stream before = stream_get(f, t);
		store_fault_disk_full(n);
		int r = commit_three(f, t, cursor, &f->err);
		if (r < 0) {
			failed++;
			suite_fails(r, &f->err, ERR_LOCAL, "disk_full", "commit", __FILE__, __LINE__);
			/* It stays so, reading goes on, and nothing of it is there. */
			fails(store_meta_put(f->s, "x", "y", &f->err), ERR_LOCAL, "disk_full");
			struct store_stream after = stream_get(f, t);
			assert_int_equal(after.seen, before.seen);
		}
		store_fault_clear();
		if (r < 0)
			ok(commit_three(f, t, cursor, &f->err));
		assert_int_equal(stream_get(f, t).seen, before.seen + 3);
	}
	assert_true(failed >= 3);
	check_counts(f);
	ok(store_check(f->s, &f->err));
}

static void a_disk_that_does_not_sync_is_no_success(void **state)
{
	struct fixture *f = *state;

	if (suite_on_postgres())
		return;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	store_fault_sync();
	fails(commit_three(f, t, "1", &f->err), ERR_LOCAL, "store");
	assert_true(store_fault_count() > 0);
	store_fault_clear();
	assert_int_equal(stream_get(f, t).seen, 0);
	ok(commit_three(f, t, "1", &f->err));
	assert_int_equal(stream_get(f, t).seen, 3);
	check_counts(f);
}

static void a_locked_database_is_busy(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	if (suite_on_postgres())
		return;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	assert_int_equal(sqlite3_open(f->where + 7, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	fails(commit_three(f, t, "1", &f->err), ERR_RETRY, "busy");
	assert_int_equal(stream_get(f, t).seen, 0);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	ok(commit_three(f, t, "1", &f->err));
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(db);
}

static void overwrite(const char *path, off_t at, size_t len)
{
	char junk[4096];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(junk, 0xA5, sizeof(junk));
	assert_true(fd >= 0 && len <= sizeof(junk));
	assert_int_equal(pwrite(fd, junk, len, at), len);
	close(fd);
}

/* Brings everything from the log into the main file. */
static void checkpoint(struct fixture *f)
{
	sqlite3 *db;

	store_close(f->s);
	f->s = NULL;
	assert_int_equal(sqlite3_open(f->where + 7, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void damage_is_seen(void **state)
{
	struct fixture *f = *state;

	if (suite_on_postgres())
		return;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	for (int i = 0; i < 200; i++) {
		char id[16];
		snprintf(id, sizeof(id), "f%d", i);
		put_item(f, t, id, "1", LANE_LIVE);
	}
	checkpoint(f);
	/* Well inside the items. */
	overwrite(f->where + 7, 40 * 4096, 4096);
	ok(store_open(f->where, false, "node:1", &f->s, &f->err));
	fails(store_check(f->s, &f->err), ERR_LOCAL, "corrupt");
	checkpoint(f);
	overwrite(f->where + 7, 0, 100);
	fails(store_open(f->where, false, "node:1", &f->s, &f->err), ERR_LOCAL, "corrupt");
	fails(store_open(f->where, true, "node:1", &f->s, &f->err), ERR_LOCAL, "corrupt");
}

static void what_is_no_store_is_not_opened(void **state)
{
	struct fixture *f = *state;
	char where[1300];
	struct store *s = NULL;

	fails(store_open("mysql://x", false, "n", &s, &f->err), ERR_LOCAL, "store");
	fails(store_open("sqlite:", false, "n", &s, &f->err), ERR_LOCAL, "store");
	fails(store_open("sqlite:/nonexistent/dir/store.db", true, "n", &s, &f->err), ERR_GONE, "not_found");
	fails(store_open("sqlite:/nonexistent/dir/store.db", false, "n", &s, &f->err), ERR_LOCAL, "system");
	fails(store_open("postgresql:///x?host=/nonexistent", false, "n", &s, &f->err), ERR_RETRY, "busy");
	assert_null(s);
	if (suite_on_postgres())
		return;
	/* An empty file is no store yet for a reader. */
	snprintf(where, sizeof(where), "sqlite:%s/other.db", f->dir);
	int fd = open(where + 7, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	fails(store_open(where, true, "n", &s, &f->err), ERR_LOCAL, "store");
	unlink(where + 7);
	/* A store of a later version is left alone. */
	sqlite3 *db;
	store_close(f->s);
	f->s = NULL;
	assert_int_equal(sqlite3_open(f->where + 7, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO schema_version VALUES (999)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	fails(store_open(f->where, false, "n", &s, &f->err), ERR_LOCAL, "store");
	fails(store_open(f->where, true, "n", &s, &f->err), ERR_LOCAL, "store");
}

static void a_power_cut_loses_nothing_acknowledged(void **state)
{
	struct fixture *f = *state;
	static struct acknowledged ack[WRITERS], at_cut[CUTS][WRITERS];
	char folders[CUTS][128];
	unsigned seed = (unsigned)getpid();

	if (suite_on_postgres())
		return;
	store_close(f->s);
	f->s = NULL;
	print_message("seed %u\n", seed);
	store_fault_record(true);
	ok(store_open(f->where, false, "node:1", &f->s, &f->err));
	ok(writers_prepare(f->s, &f->err));
	struct writers *w = writers_start(f->s, ack);
	for (int i = 0; i < CUTS; i++) {
		snprintf(folders[i], sizeof(folders[i]), "%s/cut%d", f->dir, i);
		assert_int_equal(io_mkdirs(folders[i], 0700, NULL), 0);
		usleep((useconds_t)(rand_r(&seed) % 60000));
		/* First what was acknowledged, then the cut: it can only hold more. */
		for (int k = 0; k < WRITERS; k++) {
			at_cut[i][k].pages = ack[k].pages;
			at_cut[i][k].done = ack[k].done;
			at_cut[i][k].contained = ack[k].contained;
		}
		assert_int_equal(store_fault_power_cut(folders[i], seed + (unsigned)i), 0);
	}
	writers_stop(w);
	store_fault_record(false);
	for (int i = 0; i < CUTS; i++) {
		static const char *const files[] = {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"};
		char where[200];
		struct store *s = NULL;
		snprintf(where, sizeof(where), "sqlite:%.127s/store.db", folders[i]);
		ok(store_open(where, false, "node:1", &s, &f->err));
		ok(store_recover(s, &f->err));
		writers_verify(s, at_cut[i], where + 7);
		store_close(s);
		for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
			char path[300];
			snprintf(path, sizeof(path), "%.127s/%s", folders[i], files[k]);
			unlink(path);
		}
		rmdir(folders[i]);
	}
	assert_true(ack[0].done > 0);
}

static void end_sessions(struct fixture *f)
{
	PGconn *conn = PQconnectdb(getenv("SEKISHO_TEST_POSTGRES"));
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '%s'",
		f->schema);
	PGresult *r = PQexec(conn, sql);
	assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
	PQclear(r);
	PQfinish(conn);
	usleep(100000);
}

/* The server's socket is reached through a link that can be taken away. */
static void a_server_that_was_gone_comes_back(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/sekisho-link-XXXXXX", link[128], target[300];
	const char *host = "", *port = "5432";

	if (!suite_on_postgres())
		return;
	PQconninfoOption *options = PQconninfoParse(f->where, NULL);
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (strcmp(o->keyword, "host") == 0 && o->val)
			host = o->val;
		if (strcmp(o->keyword, "port") == 0 && o->val)
			port = o->val;
	}
	if (host[0] != '/') {
		print_message("the server is not reached by a socket in a folder: skipped\n");
		PQconninfoFree(options);
		return;
	}
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/.s.PGSQL.%s", dir, port);
	snprintf(target, sizeof(target), "%s/.s.PGSQL.%s", host, port);
	assert_int_equal(symlink(target, link), 0);
	char where[1400];
	snprintf(where, sizeof(where), "%s&host=%s", f->where, dir);
	store_close(f->s);
	f->s = NULL;
	ok(store_open(where, false, "node:1", &f->s, &f->err));
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	ok(commit_three(f, t, "1", &f->err));
	unlink(link);
	end_sessions(f);
	for (int i = 0; i < 3; i++) {
		struct store_totals n;
		fails(commit_three(f, t, "2", &f->err), ERR_RETRY, "busy");
		fails(store_totals(f->s, T0, &n, &f->err), ERR_RETRY, "busy");
	}
	assert_int_equal(symlink(target, link), 0);
	ok(commit_three(f, t, "2", &f->err));
	assert_int_equal(stream_get(f, t).seen, 6);
	/* A short loss shows as one try anew at most. */
	end_sessions(f);
	int r = commit_three(f, t, "3", &f->err);
	if (r < 0)
		suite_fails(r, &f->err, ERR_RETRY, "busy", "commit", __FILE__, __LINE__);
	ok(commit_three(f, t, "3", &f->err));
	assert_int_equal(stream_get(f, t).seen, 9);
	check_counts(f);
	unlink(link);
	rmdir(dir);
	PQconninfoFree(options);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)
	const struct CMUnitTest tests[] = {
		T(a_full_disk_says_so_and_recovers),
		T(a_disk_that_does_not_sync_is_no_success),
		T(a_locked_database_is_busy),
		T(damage_is_seen),
		T(what_is_no_store_is_not_opened),
		T(a_power_cut_loses_nothing_acknowledged),
		T(a_server_that_was_gone_comes_back),
	};

	store_fault_install();
	return suite_run_plain("faults", tests, ARRAY_SIZE(tests));
}
