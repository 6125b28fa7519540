/* Eight threads at once, on PostgreSQL as two nodes: nobody gets what another has, everything ends once, and counters and events stay whole. Runs
 * under the thread sanitizer too. */
#include "tests/conformance/store_suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS 8
#define PAGES 6 /* by each thread */
#define PAGE 20
#define ITEMS (THREADS * PAGES * PAGE)

struct shared {
	struct fixture *f;
	struct store *store[2]; /* the same one twice where one node has it alone */
	int64_t stream[THREADS];
	atomic_int owner[ITEMS * 2]; /* by item id: 0 free, else thread + 1 */
	atomic_int done, failures;
};

struct worker {
	struct shared *sh;
	struct store *s;
	int number;
	unsigned seed;
	struct err err;
};

/* Threads must not leave a cmocka test by longjmp: they count. */
static void expect(struct worker *w, bool good, const char *what)
{
	if (good)
		return;
	print_error("thread %d: %s: %s %s\n", w->number, what, w->err.code, w->err.message);
	atomic_fetch_add(&w->sh->failures, 1);
}

/* Under injected faults a call may fail, and is made again. */
#define call_until(w, call)                                                                                  \
	do {                                                                                                 \
		int call_r;                                                                                  \
		do {                                                                                         \
			call_r = (call);                                                                     \
		} while (call_r < 0 && suite_injected(&(w)->err));                                           \
		expect(w, call_r == 0, #call);                                                               \
	} while (0)

static void commit(struct worker *w, int page)
{
	struct store_item items[PAGE];
	char ids[PAGE][32];

	for (int i = 0; i < PAGE; i++) {
		snprintf(ids[i], sizeof(ids[i]), "t%d-%d-%d", w->number, page, i);
		items[i] = an_item(ids[i], "1", i % 3 ? LANE_BACKLOG : LANE_LIVE);
	}
	const struct store_page p = {.stream = w->sh->stream[w->number], .items = items, .n_items = PAGE, .cursor = ids[0],
		.release = true, .now = T0};
	call_until(w, store_page_commit(w->s, &p, NULL, &w->err));
}

static void end_item(struct worker *w, const struct store_item *i)
{
	struct store *s = w->s;
	char uid[64], sha[65] = SHA_A;

	int how = rand_r(&w->seed) % 10;
	atomic_store(&w->sh->owner[i->id], 0);
	if (how == 0) {
		call_until(w, store_item_release(s, &i->id, 1, &w->err));
		return;
	}
	if (how == 1) {
		call_until(w, store_item_defer(s, i->id, T0, "again", false, 5, &w->err));
		return;
	}
	snprintf(uid, sizeof(uid), "done-%lld", (long long)i->id);
	snprintf(sha, sizeof(sha), "%064llx", (unsigned long long)i->id / 4);
	const struct store_event e = {uid, "{}"};
	const struct store_finding d = {.uid = uid, .tenant = i->tenant, .connection = i->connection, .remote_id = i->remote_id,
		.action_kind = "quarantine", .action_state = "planned"};
	const struct store_result r = {.item = i->id, .state = how == 2 ? ITEM_UNKNOWN : ITEM_SCANNED, .now = T0, .events = &e,
		.n_events = 1, .finding = how == 3 ? &d : NULL, .sha256 = sha, .size = 5, .verdict = "clean", .engine = "e",
		.signatures = "s"};
	call_until(w, store_item_finish(s, &r, NULL, &w->err));
	atomic_fetch_add(&w->sh->done, 1);
}

static void act(struct worker *w, struct arena *a)
{
	struct store *s = w->s;
	struct store_finding d;
	char uid[80];

	int r = store_action_claim(s, 0, T0, T0 + LEASE, a, &d, NULL, &w->err);
	if (r < 0) {
		expect(w, w->err.class == ERR_GONE || suite_injected(&w->err), "store_action_claim");
		return;
	}
	snprintf(uid, sizeof(uid), "contained-%s", d.uid);
	const struct store_event e = {uid, "{}"};
	call_until(w, store_action_intend(s, d.id, "intended", "{}", &w->err));
	call_until(w, store_action_finish(s, d.id, "done", NULL, "", T0, &e, 1, NULL, &w->err));
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->sh;

	for (int page = 0; atomic_load(&sh->done) < ITEMS && atomic_load(&sh->failures) == 0; page++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct store_item *l;
		struct store_stream sums;
		size_t n;

		if (page < PAGES)
			commit(w, page);
		call_until(w, store_item_claim(w->s, T0, T0 + LEASE, 1 + (size_t)(rand_r(&w->seed) % 12), a, &l, &n, NULL, &w->err));
		for (size_t i = 0; i < n; i++) {
			int nobody = 0;
			expect(w, l[i].id < ITEMS * 2 && atomic_compare_exchange_strong(&sh->owner[l[i].id], &nobody, w->number + 1),
				"two have one item");
		}
		for (size_t i = 0; i < n; i++)
			end_item(w, &l[i]);
		act(w, a);
		call_until(w, store_coverage(w->s, NULL, &sums, &w->err));
		expect(w, sums.seen == sums.scanned + sums.unknown + sums.skipped + sums.pending, "coverage while running");
	}
	return NULL;
}

static void eight_threads_share_one_store(void **state)
{
	struct fixture *f = *state;
	struct shared *sh = calloc(1, sizeof(*sh));
	struct worker w[THREADS] = {0};
	pthread_t threads[THREADS];
	struct store_stream sums;
	struct store_finding *findings;
	size_t n_findings;

	assert_non_null(sh);
	sh->f = f;
	sh->store[0] = sh->store[1] = f->s;
	if (suite_on_postgres())
		ok(store_open(f->where, false, "node:2", &sh->store[1], &f->err));
	for (int i = 0; i < THREADS; i++) {
		char id[8];
		snprintf(id, sizeof(id), "c%d", i);
		put_connection(f, id, id);
		sh->stream[i] = put_stream(f, id, "s");
	}
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.sh = sh, .s = sh->store[i % 2], .number = i, .seed = (unsigned)i};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(sh->failures, 0);
	assert_int_equal(sh->done, ITEMS);
	ok(store_coverage(f->s, NULL, &sums, &f->err));
	assert_int_equal(sums.seen, ITEMS);
	assert_int_equal(sums.pending, 0);
	ok(store_finding_list(f->s, &(struct finding_filter){.max = ITEMS}, f->a, &findings, &n_findings, &f->err));
	size_t contained = 0;
	for (size_t i = 0; i < n_findings; i++)
		contained += strcmp(findings[i].action_state, "done") == 0;
	assert_int_equal(count_events(f), ITEMS + contained);
	check_counts(f);
	if (sh->store[1] != f->s)
		store_close(sh->store[1]);
	free(sh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(eight_threads_share_one_store, suite_setup, suite_teardown),
	};

	return SUITE_RUN("threads", tests);
}
