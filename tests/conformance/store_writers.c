/* The threads and checks of store_writers.h. */
#include "tests/conformance/store_writers.h"

#include "tests/conformance/store_suite.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

struct writer_thread {
	pthread_t id;
	int number;
	int64_t stream;
	struct store *s;
	struct acknowledged *ack;
	atomic_bool *stop;
};

struct writers {
	struct writer_thread threads[WRITERS];
	atomic_bool stop;
};

int writers_prepare(struct store *s, struct err *err)
{
	for (int i = 0; i < WRITERS; i++) {
		char id[8];
		snprintf(id, sizeof(id), "c%d", i);
		const struct store_connection c = {.id = id, .tenant = id, .provider = "box", .state = CONN_CONNECTED};
		const struct store_stream t = {.remote_id = "s", .state = ENUM_STREAM_ACTIVE};
		if (store_connection_put(s, &c, err) < 0 || store_stream_sync(s, id, 1, &t, 1, T0, err) < 0)
			return -1;
	}
	return 0;
}

/* The next page of the stream: its number is the cursor that is committed with it. */
static bool commit_page(struct writer_thread *w, struct arena *a)
{
	struct store_stream t;
	struct store_item items[WRITERS_PAGE];
	char cursor[16];

	if (store_stream_get(w->s, w->stream, a, &t, NULL) < 0)
		return false;
	int page = t.cursor ? (int)strtol(t.cursor, NULL, 10) + 1 : 1;
	snprintf(cursor, sizeof(cursor), "%d", page);
	for (int i = 0; i < WRITERS_PAGE; i++)
		items[i] = an_item(arena_printf(a, "file-%d-%d", page, i), "1", LANE_LIVE);
	const struct store_page p = {.stream = w->stream, .items = items, .n_items = WRITERS_PAGE, .cursor = cursor,
		.release = true, .now = T0};
	if (store_page_commit(w->s, &p, NULL, NULL) < 0)
		return false;
	atomic_fetch_add(&w->ack->pages, 1);
	return true;
}

static bool finish_items(struct writer_thread *w, struct arena *a)
{
	struct store_item *l;
	size_t n;

	if (store_item_claim(w->s, T0, T0 + LEASE, WRITERS_PAGE, a, &l, &n, NULL, NULL) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct store_event e = {arena_printf(a, "done-%lld", (long long)l[i].id), "{}"};
		const struct store_finding d = {.uid = arena_printf(a, "F%lld", (long long)l[i].id), .tenant = l[i].tenant,
			.connection = l[i].connection, .remote_id = l[i].remote_id, .action_kind = "quarantine",
			.action_state = "planned"};
		const struct store_result r = {.item = l[i].id, .state = ITEM_SCANNED, .now = T0, .events = &e, .n_events = 1,
			.finding = i == 0 ? &d : NULL};
		if (store_item_finish(w->s, &r, NULL, NULL) < 0)
			return false;
		atomic_fetch_add(&w->ack->done, 1);
	}
	return true;
}

static bool contain(struct writer_thread *w, struct arena *a)
{
	struct store_finding d;
	struct err err = {0};

	if (store_action_claim(w->s, 0, T0, T0 + LEASE, a, &d, NULL, &err) < 0)
		return err.class == ERR_GONE;
	const struct store_event e = {arena_printf(a, "contained-%s", d.uid), "{}"};
	if (store_action_intend(w->s, d.id, "intended", "{\"receipt\":1}", NULL) < 0 ||
		store_action_finish(w->s, d.id, "done", NULL, "", T0, &e, 1, NULL, NULL) < 0)
		return false;
	atomic_fetch_add(&w->ack->contained, 1);
	return true;
}

static void *write_on(void *arg)
{
	struct writer_thread *w = arg;
	bool good = true;

	while (good && !atomic_load(w->stop)) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		good = commit_page(w, a) && finish_items(w, a) && contain(w, a);
	}
	return NULL;
}

struct writers *writers_start(struct store *s, struct acknowledged ack[WRITERS])
{
	struct writers *w = calloc(1, sizeof(*w));
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);

	if (!w)
		abort();
	for (int i = 0; i < WRITERS; i++) {
		struct writer_thread *t = &w->threads[i];
		char id[8];
		struct store_stream *l;
		size_t n;
		*t = (struct writer_thread){.number = i, .s = s, .ack = &ack[i], .stop = &w->stop};
		snprintf(id, sizeof(id), "c%d", i);
		if (store_stream_list(s, id, a, &l, &n, NULL) == 0 && n == 1)
			t->stream = l[0].id;
		if (pthread_create(&t->id, NULL, write_on, t) != 0)
			abort();
	}
	return w;
}

void writers_stop(struct writers *w)
{
	atomic_store(&w->stop, true);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(w->threads[i].id, NULL);
	free(w);
}

static void check_integrity(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	sqlite3_close(db);
}

void writers_verify(struct store *s, const struct acknowledged ack[WRITERS], const char *path)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(256 << 20);
	struct store_stream sums, *l;
	struct store_finding *findings;
	struct store_outbox *events;
	size_t n, n_events, done_events = 0, contained_events = 0, contained = 0;
	int done = 0, contained_ack = 0;

	if (path)
		check_integrity(path);
	for (int i = 0; i < WRITERS; i++) {
		char id[8];
		snprintf(id, sizeof(id), "c%d", i);
		assert_int_equal(store_stream_list(s, id, a, &l, &n, NULL), 0);
		assert_int_equal(n, 1);
		/* Pages are there whole and with their cursor. */
		int64_t pages = l[0].cursor ? strtoll(l[0].cursor, NULL, 10) : 0;
		assert_int_equal(l[0].seen, pages * WRITERS_PAGE);
		assert_int_equal(l[0].repeats, 0);
		assert_int_equal(l[0].seen, l[0].scanned + l[0].unknown + l[0].skipped + l[0].pending);
		assert_true(pages >= ack[i].pages);
		done += ack[i].done;
		contained_ack += ack[i].contained;
	}
	assert_int_equal(store_coverage(s, NULL, &sums, NULL), 0);
	assert_true(sums.scanned >= done);
	assert_int_equal(store_event_list(s, 0, 10000000, a, &events, &n_events, NULL), 0);
	for (size_t i = 0; i < n_events; i++) {
		assert_int_equal(events[i].seq, i + 1);
		done_events += strncmp(events[i].uid, "done-", 5) == 0;
		contained_events += strncmp(events[i].uid, "contained-", 10) == 0;
	}
	/* An end and its event are one; uids are unique by themselves. */
	assert_int_equal(done_events, sums.scanned);
	assert_int_equal(store_finding_list(s, &(struct finding_filter){.max = 10000000}, a, &findings, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		if (strcmp(findings[i].action_state, "done") == 0) {
			assert_string_equal(findings[i].receipt, "{\"receipt\":1}");
			contained++;
		}
	assert_int_equal(contained_events, contained);
	assert_true((int)contained >= contained_ack);
}
