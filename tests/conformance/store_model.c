/* Random operations against a small model of what the store promises: after each few, every item, every counter and
 * what can be claimed must be the same in both. SEKISHO_TEST_SEED repeats a run. */
#include "tests/conformance/store_suite.h"

#include <string.h>

#define CONNECTIONS 3
#define STREAMS 2 /* of each */
#define IDS 6
#define VERSIONS 4
#define STEPS 1500
#define CHECK_EVERY 25

struct thing {
	bool known;
	int64_t id; /* in the store; 0 until it was claimed once */
	int stream;
	enum lane lane;
	enum item_state state;
	char reason[16];
	int64_t ready_at, next_try;
	int attempts;
	bool claimed;
};

struct coverage {
	int64_t seen, scanned, unknown, skipped, pending, repeats;
};

struct model {
	struct fixture *f;
	unsigned seed;
	int64_t now;
	int64_t paused[CONNECTIONS];
	int64_t stream[CONNECTIONS][STREAMS];
	struct coverage coverage[CONNECTIONS][STREAMS];
	struct thing things[CONNECTIONS][IDS][VERSIONS];
};

static int pick(struct model *m, int n)
{
	return rand_r(&m->seed) % n;
}

static void move(struct model *m, int c, struct thing *t, enum item_state to, const char *reason)
{
	struct coverage *v = &m->coverage[c][t->stream];
	int64_t *of[] = {NULL, &v->pending, &v->scanned, &v->unknown, &v->skipped};

	--*of[t->state];
	++*of[to];
	t->state = to;
	t->claimed = false;
	snprintf(t->reason, sizeof(t->reason), "%s", reason);
}

static void model_item(struct model *m, int c, int s, int id, int version, enum item_state state, enum lane lane)
{
	struct thing *t = &m->things[c][id][version];
	struct coverage *v = &m->coverage[c][s];

	if (t->known) {
		v->repeats++;
		bool gone = t->state == ITEM_UNKNOWN && (strcmp(t->reason, "gone") == 0 || strcmp(t->reason, "superseded") == 0);
		if (state != ITEM_PENDING || !(gone || (t->state == ITEM_PENDING && t->stream != s)))
			return;
		if (gone) {
			move(m, c, t, ITEM_PENDING, "");
			t->ready_at = t->next_try = t->attempts = 0;
		}
		m->coverage[c][t->stream].seen--;
		m->coverage[c][t->stream].pending--;
		t->stream = s;
		v->seen++;
		v->pending++;
		return;
	}
	for (int i = 0; i < VERSIONS; i++) {
		struct thing *old = &m->things[c][id][i];
		if (old->known && old->state == ITEM_PENDING)
			move(m, c, old, ITEM_UNKNOWN, "superseded");
	}
	*t = (struct thing){.known = true, .stream = s, .lane = lane, .state = ITEM_PENDING};
	v->seen++;
	v->pending++;
	if (state != ITEM_PENDING)
		move(m, c, t, state, "no_content");
}

static void commit_page(struct model *m)
{
	struct fixture *f = m->f;
	struct store_item items[8];
	char ids[8][8], versions[8][8], removed_id[8];
	const char *removed[] = {removed_id};
	int c = pick(m, CONNECTIONS), s = pick(m, STREAMS), n = pick(m, 8), gone = pick(m, 3) == 0 ? pick(m, IDS) : -1;
	int id[8], version[8];

	if (gone >= 0) {
		snprintf(removed_id, sizeof(removed_id), "id%d", gone);
		for (int i = 0; i < VERSIONS; i++) {
			struct thing *t = &m->things[c][gone][i];
			if (t->known && t->state == ITEM_PENDING && t->stream == s)
				move(m, c, t, ITEM_UNKNOWN, "gone");
		}
	}
	for (int i = 0; i < n; i++) {
		id[i] = pick(m, IDS);
		version[i] = pick(m, VERSIONS);
		snprintf(ids[i], sizeof(ids[i]), "id%d", id[i]);
		snprintf(versions[i], sizeof(versions[i]), "v%d", version[i]);
		items[i] = an_item(ids[i], versions[i], pick(m, 2) ? LANE_LIVE : LANE_BACKLOG);
		if (pick(m, 8) == 0) {
			items[i].state = ITEM_SKIPPED;
			items[i].reason = "no_content";
		}
		model_item(m, c, s, id[i], version[i], items[i].state, items[i].lane);
	}
	const struct store_page p = {.stream = m->stream[c][s], .items = items, .n_items = (size_t)n, .removed = removed,
		.n_removed = gone >= 0, .cursor = "x", .release = true, .now = m->now};
	ok(store_page_commit(f->s, &p, NULL, &f->err));
}

static struct thing *thing_of(struct model *m, const struct store_item *i, int *ret_connection)
{
	int c = i->connection[1] - '0', id = i->remote_id[2] - '0', version = i->version[1] - '0';

	*ret_connection = c;
	return &m->things[c][id][version];
}

static bool ready(const struct model *m, int c, const struct thing *t)
{
	return t->known && t->state == ITEM_PENDING && t->ready_at <= m->now && m->paused[c] <= m->now;
}

static void claim(struct model *m)
{
	struct fixture *f = m->f;
	struct store_item *l;
	size_t n, max = 1 + (size_t)pick(m, 4), ready_of[CONNECTIONS][3] = {0}, live = 0, all = 0;

	for (int c = 0; c < CONNECTIONS; c++)
		for (int i = 0; i < IDS * VERSIONS; i++) {
			const struct thing *t = &m->things[c][i / VERSIONS][i % VERSIONS];
			if (!ready(m, c, t))
				continue;
			ready_of[c][t->lane]++;
			all++;
			live += t->lane == LANE_LIVE;
		}
	ok(store_item_claim(f->s, m->now, m->now + LEASE, max, f->a, &l, &n, NULL, &f->err));
	assert_int_equal(n > 0, all > 0);
	int c = n > 0 ? l[0].connection[1] - '0' : 0;
	enum lane lane = live > 0 ? LANE_LIVE : LANE_BACKLOG;
	if (n > 0)
		assert_int_equal(n, max < ready_of[c][lane] ? max : ready_of[c][lane]);
	for (size_t i = 0; i < n; i++) {
		int of;
		struct thing *t = thing_of(m, &l[i], &of);
		assert_int_equal(of, c);
		assert_true(ready(m, of, t));
		assert_int_equal(t->lane, lane);
		assert_int_equal(l[i].attempts, t->attempts);
		t->id = l[i].id;
		t->ready_at = m->now + LEASE;
		t->claimed = true;
	}
}

/* One that was claimed, whatever became of it since. */
static void end_one(struct model *m)
{
	struct fixture *f = m->f;
	int c = pick(m, CONNECTIONS);
	struct thing *t = &m->things[c][pick(m, IDS)][pick(m, VERSIONS)];

	if (!t->id)
		return;
	bool pending = t->state == ITEM_PENDING;
	switch (pick(m, 6)) {
	case 0:
		ok(store_item_defer(f->s, t->id, m->now + 30000, "later", false, -1, &f->err));
		if (pending) {
			t->next_try = t->ready_at = m->now + 30000;
			t->attempts++;
			t->claimed = false;
			snprintf(t->reason, sizeof(t->reason), "later");
		}
		break;
	case 1:
		ok(store_item_release(f->s, &t->id, 1, &f->err));
		if (pending && t->claimed) {
			t->ready_at = t->next_try;
			t->claimed = false;
		}
		break;
	case 2:
		finish_item(f, t->id, ITEM_UNKNOWN, "gone");
		if (pending)
			move(m, c, t, ITEM_UNKNOWN, "gone");
		break;
	case 3:
		finish_item(f, t->id, ITEM_UNKNOWN, "timeout");
		if (pending)
			move(m, c, t, ITEM_UNKNOWN, "timeout");
		break;
	default:
		finish_item(f, t->id, ITEM_SCANNED, "");
		if (pending)
			move(m, c, t, ITEM_SCANNED, "");
	}
}

static void pause_one(struct model *m)
{
	struct fixture *f = m->f;
	char id[4];
	int c = pick(m, CONNECTIONS);

	snprintf(id, sizeof(id), "c%d", c);
	m->paused[c] = m->now + pick(m, 20000);
	ok(store_connection_pause(f->s, id, m->paused[c], &f->err));
}

static void restart(struct model *m)
{
	suite_reopen(m->f, "node:1");
	for (int c = 0; c < CONNECTIONS; c++)
		for (int i = 0; i < IDS * VERSIONS; i++) {
			struct thing *t = &m->things[c][i / VERSIONS][i % VERSIONS];
			if (t->claimed)
				t->ready_at = t->next_try;
			t->claimed = false;
		}
}

static void compare(struct model *m)
{
	struct fixture *f = m->f;

	for (int c = 0; c < CONNECTIONS; c++) {
		for (int s = 0; s < STREAMS; s++) {
			const struct store_stream t = stream_get(f, m->stream[c][s]);
			const struct coverage *v = &m->coverage[c][s];
			assert_int_equal(t.seen, v->seen);
			assert_int_equal(t.scanned, v->scanned);
			assert_int_equal(t.unknown, v->unknown);
			assert_int_equal(t.skipped, v->skipped);
			assert_int_equal(t.pending, v->pending);
			assert_int_equal(t.repeats, v->repeats);
			assert_int_equal(t.seen, t.scanned + t.unknown + t.skipped + t.pending);
		}
		for (int i = 0; i < IDS * VERSIONS; i++) {
			const struct thing *t = &m->things[c][i / VERSIONS][i % VERSIONS];
			if (!t->id)
				continue;
			const struct store_item got = item_get(f, t->id);
			assert_int_equal(got.state, t->state);
			assert_int_equal(got.attempts, t->attempts);
			assert_string_equal(got.reason, t->reason);
			assert_int_equal(got.stream, m->stream[c][t->stream]);
		}
	}
	check_counts(f);
}

static void the_store_does_what_the_model_does(void **state)
{
	struct fixture *f = *state;
	const char *seed = getenv("SEKISHO_TEST_SEED");
	struct model m = {.f = f, .now = T0, .seed = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)getpid()};

	print_message("SEKISHO_TEST_SEED=%u\n", m.seed);
	for (int c = 0; c < CONNECTIONS; c++) {
		char id[4];
		snprintf(id, sizeof(id), "c%d", c);
		put_connection(f, id, id);
		for (int s = 0; s < STREAMS; s++)
			m.stream[c][s] = put_stream(f, id, s ? "b" : "a");
	}
	for (int i = 0; i < STEPS; i++) {
		int what = pick(&m, 100);
		if (what < 25)
			commit_page(&m);
		else if (what < 50)
			claim(&m);
		else if (what < 94)
			end_one(&m);
		else if (what < 97)
			pause_one(&m);
		else if (what < 98 && i % 7 == 0)
			restart(&m);
		else
			m.now += pick(&m, 20000);
		if (i % CHECK_EVERY == 0)
			compare(&m);
	}
	compare(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_store_does_what_the_model_does, suite_setup, suite_teardown),
	};

	return SUITE_RUN("model", tests);
}
