/* No statement of the store reads a large table from end to end, or sorts one, to find its rows: each statement that
 * a busy day runs is asked how it will be carried out. SQLite alone. */
#include "tests/conformance/store_suite.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#define SEEN_MAX 300

static struct {
	pthread_mutex_t lock;
	char *sql[SEEN_MAX];
	size_t n;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int on_statement(unsigned what, void *ctx, void *statement, void *text)
{
	const char *sql = sqlite3_sql(statement);

	pthread_mutex_lock(&seen.lock);
	size_t i = 0;
	while (sql && i < seen.n && strcmp(seen.sql[i], sql) != 0)
		i++;
	if (sql && i == seen.n && seen.n < SEEN_MAX)
		seen.sql[seen.n++] = strdup(sql);
	pthread_mutex_unlock(&seen.lock);
	return 0;
}

static int on_open(sqlite3 *db, const char **ret_message, const struct sqlite3_api_routines *api)
{
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
}

/* One of everything. */
static void a_busy_day(struct fixture *f)
{
	struct store_item *items;
	struct store_stream t, sums;
	struct store_totals n;
	struct store_finding d, *findings;
	struct store_outbox *events;
	struct store_verdict v;
	const char *removed[] = {"gone"};
	size_t count;
	int64_t next;
	bool released;

	for (int c = 0; c < 3; c++) {
		char id[8];
		snprintf(id, sizeof(id), "c%d", c);
		put_connection(f, id, id);
		int64_t s = put_stream(f, id, "s");
		for (int i = 0; i < 30; i++) {
			char file[16];
			snprintf(file, sizeof(file), "f%d", i / 2);
			put_item(f, s, file, i % 2 ? "1" : "2", i % 3 ? LANE_BACKLOG : LANE_LIVE);
		}
		const struct store_page p = {.stream = s, .removed = removed, .n_removed = 1, .cursor = "c", .now = T0};
		ok(store_page_commit(f->s, &p, NULL, &f->err));
	}
	while (store_stream_claim(f->s, T0, T0 + LEASE, f->a, &t, &next, &f->err) == 0)
		ok(store_stream_fail(f->s, t.id, "x", "", T0 + 5, false, 0, &f->err));
	ok(store_stream_wake(f->s, NULL, T0, &f->err));
	ok(store_stream_retire(f->s, "c2", 9, NULL, &f->err));
	assert_true(claim_items(f, T0, 5, &items) == 5);
	ok(store_item_release(f->s, &items[0].id, 1, &f->err));
	ok(store_item_defer(f->s, items[1].id, T0 + 5, "x", false, -1, &f->err));
	int64_t id = put_finding(f, items[2].id, "F1", "planned");
	ok(store_action_claim(f->s, 0, T0, T0 + 1, f->a, &d, &next, &f->err));
	fails(store_action_claim(f->s, 0, T0, T0 + 1, f->a, &d, &next, &f->err), ERR_GONE, "nothing");
	ok(store_action_claim(f->s, id, T0 + 1, T0 + LEASE, f->a, &d, &next, &f->err));
	ok(store_action_intend(f->s, id, "intended", "{}", &f->err));
	ok(store_action_finish(f->s, id, "done", NULL, "", T0, NULL, 0, NULL, &f->err));
	ok(store_action_ask(f->s, id, "restoring", "op", &f->err));
	ok(store_action_defer(f->s, id, "x", T0, &f->err));
	ok(store_action_finish(f->s, id, "restored", NULL, "", T0, NULL, 0, NULL, &f->err));
	ok(store_released(f->s, "c0", "f1", SHA_A, &released, &f->err));
	finding_get(f, "op");
	ok(store_finding_list(f->s, &(struct finding_filter){.tenant = "c0"}, f->a, &findings, &count, &f->err));
	ok(store_verdict_get(f->s, SHA_A, "clamav 1.4", "27000", f->a, &v, &f->err));
	fails(store_verdict_by_hash(f->s, "dropbox", SHA_A, 1, "e", "s", f->a, &v, &f->err), ERR_GONE, "not_found");
	ok(store_event_next(f->s, "file", 10, f->a, &events, &count, &f->err));
	ok(store_event_confirm(f->s, "file", 1, &f->err));
	ok(store_totals(f->s, T0, &n, &f->err));
	ok(store_coverage(f->s, "c0", &sums, &f->err));
	ok(store_coverage(f->s, NULL, &sums, &f->err));
	suite_reopen(f, "node:1");
}

/* Rare or small by their nature: sums over all streams, what a restart frees. */
static bool may_scan(const char *sql)
{
	return strstr(sql, "FROM counts n") || strstr(sql, "listing = 1") || strstr(sql, "SET node = NULL, ready_at = next_due") ||
		strncmp(sql, "PRAGMA", 6) == 0 || strncmp(sql, "CREATE", 6) == 0 || strncmp(sql, "-- ", 3) == 0;
}

static void look_at(sqlite3 *db, const char *sql)
{
	static const char *const large[] = {"items", "i", "streams", "s", "findings", "f", "events", "hashes", "verdicts", "counts", "n"};
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(st, 3);
		bool bad = strstr(detail, "TEMP B-TREE FOR ORDER BY") && !strstr(sql, "LIMIT 64");
		for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
			char scan[32];
			snprintf(scan, sizeof(scan), "SCAN %s", large[i]);
			size_t len = strlen(scan);
			bad |= strncmp(detail, scan, len) == 0 && (detail[len] == ' ' || !detail[len]) && !strstr(detail, "INDEX");
		}
		if (bad && !may_scan(sql))
			fail_msg("%s\n  is done by: %s", sql, detail);
	}
	sqlite3_finalize(st);
	sqlite3_free(explain);
}

static void every_statement_uses_an_index(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;
	size_t looked = 0;

	if (suite_on_postgres())
		return;
	a_busy_day(f);
	assert_int_equal(sqlite3_open_v2(f->where + 7, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	pthread_mutex_lock(&seen.lock);
	for (size_t i = 0; i < seen.n; i++)
		if (strncmp(seen.sql[i], "SELECT", 6) == 0 || strncmp(seen.sql[i], "UPDATE", 6) == 0 ||
			strncmp(seen.sql[i], "DELETE", 6) == 0 || strncmp(seen.sql[i], "INSERT", 6) == 0) {
			look_at(db, seen.sql[i]);
			looked++;
		}
	pthread_mutex_unlock(&seen.lock);
	sqlite3_close(db);
	print_message("%zu statements\n", looked);
	assert_true(looked > 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_statement_uses_an_index, suite_setup, suite_teardown),
	};

	sqlite3_auto_extension((void (*)(void))on_open);
	return suite_run_plain("plans", tests, ARRAY_SIZE(tests));
}
