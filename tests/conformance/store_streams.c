/* Connections and streams: what discovery stores, what is due, what fails. */
#include "tests/conformance/store_suite.h"

#include <string.h>

static bool claim(struct fixture *f, int64_t now, struct store_stream *ret, int64_t *ret_next)
{
	if (again(store_stream_claim(f->s, now, now + LEASE, f->a, ret, ret_next, &f->err)) == 0)
		return true;
	assert_int_equal(f->err.class, ERR_GONE);
	assert_string_equal(f->err.code, "nothing");
	err_clear(&f->err);
	return false;
}

static void give_back(struct fixture *f, int64_t id, const char *cursor, int64_t next_due)
{
	const struct store_page p = {.stream = id, .cursor = cursor, .release = true, .next_due = next_due, .now = T0};

	ok(store_page_commit(f->s, &p, NULL, &f->err));
}

static void connections_keep_what_is_put(void **state)
{
	struct fixture *f = *state;
	const struct store_connection in = {.id = "aoba-m365", .tenant = "aoba", .provider = "microsoft", .protect = true,
		.services = 7, .config = "{\"page_size\":50}", .grant = "{\"client_id\":\"x\"}", .backlog = 1,
		.backlog_since = T0 - 1, .state = CONN_CONNECTED, .reason = "", .message = "", .created_at = T0,
		.last_success_at = T0 + 1, .ends_at = T0 + 2, .report = "{\"missing\":[]}"};
	struct store_connection c, *l;
	size_t n;

	ok(store_connection_put(f->s, &in, &f->err));
	ok(store_connection_get(f->s, "aoba-m365", f->a, &c, &f->err));
	assert_string_equal(c.tenant, "aoba");
	assert_string_equal(c.provider, "microsoft");
	assert_true(c.protect);
	assert_int_equal(c.services, 7);
	assert_string_equal(c.config, in.config);
	assert_string_equal(c.grant, in.grant);
	assert_int_equal(c.backlog, 1);
	assert_true(c.backlog_since == T0 - 1 && c.created_at == T0 && c.last_success_at == T0 + 1 && c.ends_at == T0 + 2);
	assert_string_equal(c.report, in.report);
	assert_string_equal(c.reason, "");
	/* Again, changed: the day it was made stays. */
	struct store_connection again = in;
	again.protect = false;
	again.created_at = T0 + 99;
	again.last_success_at = 0;
	ok(store_connection_put(f->s, &again, &f->err));
	ok(store_connection_get(f->s, "aoba-m365", f->a, &c, &f->err));
	assert_false(c.protect);
	assert_true(c.created_at == T0 && c.last_success_at == T0 + 1);
	put_connection(f, "zeta", "zeta");
	put_connection(f, "Beta", "aoba");
	ok(store_connection_list(f->s, NULL, f->a, &l, &n, &f->err));
	assert_int_equal(n, 3);
	assert_string_equal(l[0].id, "Beta");
	assert_string_equal(l[2].id, "zeta");
	ok(store_connection_list(f->s, "aoba", f->a, &l, &n, &f->err));
	assert_int_equal(n, 2);
	fails(store_connection_get(f->s, "nobody", f->a, &c, &f->err), ERR_GONE, "not_found");
}

static void a_change_of_state_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct store_connection c;
	bool changed = false;

	put_connection(f, "c1", "aoba");
	ok(store_connection_state(f->s, "c1", CONN_REVOKED, "revoked", "consent withdrawn", "e1", "{}", &changed, &f->err));
	assert_true(changed);
	ok(store_connection_state(f->s, "c1", CONN_REVOKED, "revoked", "still", "e2", "{}", &changed, &f->err));
	assert_false(changed);
	assert_int_equal(count_events(f), 1);
	ok(store_connection_get(f->s, "c1", f->a, &c, &f->err));
	assert_int_equal(c.state, CONN_REVOKED);
	assert_string_equal(c.reason, "revoked");
	assert_string_equal(c.message, "still");
	ok(store_connection_success(f->s, "c1", T0 + 7, &f->err));
	ok(store_connection_report(f->s, "c1", "{\"ok\":true}", T0 + 8, &f->err));
	ok(store_connection_pause(f->s, "c1", T0 + 9, &f->err));
	ok(store_connection_get(f->s, "c1", f->a, &c, &f->err));
	assert_true(c.last_success_at == T0 + 7 && c.ends_at == T0 + 8 && c.paused_until == T0 + 9);
	assert_string_equal(c.report, "{\"ok\":true}");
	fails(store_connection_state(f->s, "c9", CONN_REVOKED, "", "", NULL, NULL, NULL, &f->err), ERR_GONE, "not_found");
	fails(store_connection_pause(f->s, "c9", 1, &f->err), ERR_GONE, "not_found");
	assert_string_equal(conn_state_name(CONN_DEGRADED), "degraded");
}

static void the_stream_due_longest_comes_first(void **state)
{
	struct fixture *f = *state;
	struct store_stream t;
	int64_t next = -1;

	put_connection(f, "c1", "aoba");
	int64_t a = put_stream(f, "c1", "a"), b = put_stream(f, "c1", "b");
	assert_true(claim(f, T0, &t, &next));
	assert_int_equal(t.id, a);
	assert_string_equal(t.connection, "c1");
	assert_string_equal(t.tenant, "aoba");
	assert_string_equal(t.provider, "box");
	assert_string_equal(t.remote_id, "a");
	assert_string_equal(t.context, "{\"root\":\"0\"}");
	assert_null(t.cursor);
	assert_true(t.listing);
	assert_false(t.resync);
	assert_true(claim(f, T0, &t, &next));
	assert_int_equal(t.id, b);
	assert_false(claim(f, T0, &t, &next));
	assert_int_equal(next, T0 + LEASE);
	give_back(f, b, "cb", T0 + 5000);
	give_back(f, a, "ca", T0 + 9000);
	assert_false(claim(f, T0, &t, &next));
	assert_int_equal(next, T0 + 5000);
	assert_true(claim(f, T0 + 10000, &t, &next));
	assert_int_equal(t.id, b);
	assert_string_equal(t.cursor, "cb");
	assert_false(t.listing);
	assert_int_equal(t.last_success_at, T0);
}

/* One slow provider does not take all threads. */
static void two_streams_of_a_connection_at_once(void **state)
{
	struct fixture *f = *state;
	struct store_stream t;
	int64_t next = -1, first;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "midori");
	for (int i = 0; i < 100; i++) {
		char id[16];
		snprintf(id, sizeof(id), "s%d", i);
		const struct store_stream one = {.remote_id = id, .state = ENUM_STREAM_ACTIVE};
		ok(store_stream_sync(f->s, "c1", 1, &one, 1, T0 - 1000, &f->err));
	}
	put_stream(f, "c2", "late");
	assert_true(claim(f, T0, &t, &next));
	first = t.id;
	assert_true(claim(f, T0 + 1, &t, &next));
	assert_string_equal(t.connection, "c1");
	assert_true(claim(f, T0 + 1, &t, &next));
	assert_string_equal(t.connection, "c2");
	assert_false(claim(f, T0 + 1, &t, &next));
	assert_int_equal(next, T0 + LEASE);
	/* One comes back, or its lease ends: the next one. */
	give_back(f, first, "c", T0 + 1000000);
	assert_true(claim(f, T0 + 1, &t, &next));
	assert_string_equal(t.connection, "c1");
	assert_false(claim(f, T0 + 1, &t, &next));
	assert_true(claim(f, T0 + 1 + LEASE, &t, &next));
}

static void a_claim_lasts_over_several_pages(void **state)
{
	struct fixture *f = *state;
	struct store_stream t;

	put_connection(f, "c1", "aoba");
	int64_t a = put_stream(f, "c1", "a");
	assert_true(claim(f, T0, &t, NULL));
	const struct store_page more = {.stream = a, .cursor = "c1", .listing = true, .now = T0};
	ok(store_page_commit(f->s, &more, NULL, &f->err));
	assert_false(claim(f, T0, &t, NULL));
	t = stream_get(f, a);
	assert_string_equal(t.cursor, "c1");
	assert_true(t.listing);
	give_back(f, a, "c2", T0);
	assert_true(claim(f, T0, &t, NULL));
	assert_string_equal(t.cursor, "c2");
	/* The lease ends: somebody else's. */
	assert_true(claim(f, T0 + LEASE, &t, NULL));
	const struct store_page none = {.stream = 99999, .cursor = "x", .now = T0};
	fails(store_page_commit(f->s, &none, NULL, &f->err), ERR_GONE, "not_found");
}

static void failures_and_lost_cursors(void **state)
{
	struct fixture *f = *state;
	struct store_stream t;

	put_connection(f, "c1", "aoba");
	int64_t a = put_stream(f, "c1", "a");
	assert_true(claim(f, T0, &t, NULL));
	give_back(f, a, "place", T0);
	assert_true(claim(f, T0, &t, NULL));
	ok(store_stream_fail(f->s, a, "bad_answer", "HTML", T0 + 1000, false, 0, &f->err));
	t = stream_get(f, a);
	assert_int_equal(t.failures, 1);
	assert_string_equal(t.error, "bad_answer");
	assert_string_equal(t.cursor, "place");
	assert_false(t.resync);
	assert_false(claim(f, T0 + 999, &t, NULL));
	assert_true(claim(f, T0 + 1000, &t, NULL));
	ok(store_stream_fail(f->s, a, "cursor_lost", "", T0 + 1000, true, 0, &f->err));
	assert_true(claim(f, T0 + 1000, &t, NULL));
	assert_null(t.cursor);
	assert_true(t.resync);
	assert_int_equal(t.failures, 2);
	give_back(f, a, "new", T0);
	t = stream_get(f, a);
	assert_int_equal(t.failures, 0);
	assert_string_equal(t.error, "");
	assert_false(t.resync);
	ok(store_stream_fail(f->s, a, "forbidden", "no access", T0, false, ENUM_STREAM_FORBIDDEN, &f->err));
	assert_int_equal(stream_get(f, a).state, ENUM_STREAM_FORBIDDEN);
	assert_false(claim(f, T0 + 5000, &t, NULL));
}

static void discovery_retires_and_brings_back(void **state)
{
	struct fixture *f = *state;
	struct store_stream t, round[2] = {{.remote_id = "a", .name = "A", .state = ENUM_STREAM_ACTIVE},
		{.remote_id = "b", .name = "B", .state = ENUM_STREAM_ACTIVE}};
	int64_t n = -1;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "aoba");
	int64_t other = put_stream(f, "c2", "a");
	ok(store_stream_sync(f->s, "c1", 7, round, 2, T0, &f->err));
	ok(store_stream_retire(f->s, "c1", 7, &n, &f->err));
	assert_int_equal(n, 0);
	int64_t a = stream_id(f, "c1", "a"), b = stream_id(f, "c1", "b");
	give_back(f, a, "ca", T0 + 1000000);
	give_back(f, b, "cb", T0 + 1000000);
	/* The next round sees one of them, under a new name. */
	round[0].name = "A2";
	ok(store_stream_sync(f->s, "c1", 8, round, 1, T0 + 10, &f->err));
	ok(store_stream_retire(f->s, "c1", 8, &n, &f->err));
	assert_int_equal(n, 1);
	t = stream_get(f, a);
	assert_string_equal(t.name, "A2");
	assert_string_equal(t.cursor, "ca");
	assert_int_equal(t.next_due, T0 + 1000000);
	assert_int_equal(stream_get(f, b).state, ENUM_STREAM_RETIRED);
	assert_int_equal(stream_get(f, other).state, ENUM_STREAM_ACTIVE);
	/* Back again: due at once, where it was. */
	ok(store_stream_sync(f->s, "c1", 9, round, 2, T0 + 20, &f->err));
	t = stream_get(f, b);
	assert_int_equal(t.state, ENUM_STREAM_ACTIVE);
	assert_string_equal(t.cursor, "cb");
	assert_int_equal(t.next_due, T0 + 20);
	fails(store_stream_sync(f->s, "c9", 1, round, 1, T0, &f->err), ERR_GONE, "not_found");
}

static void only_connections_that_work_are_polled(void **state)
{
	struct fixture *f = *state;
	struct store_stream t;
	int64_t next = -1;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "midori");
	/* More due streams than are looked at in order. */
	for (int i = 0; i < 100; i++) {
		char id[16];
		snprintf(id, sizeof(id), "s%d", i);
		const struct store_stream one = {.remote_id = id, .state = ENUM_STREAM_ACTIVE};
		ok(store_stream_sync(f->s, "c1", 1, &one, 1, T0 - 1000, &f->err));
	}
	int64_t last = put_stream(f, "c2", "late");
	ok(store_connection_pause(f->s, "c1", T0 + 3000, &f->err));
	assert_true(claim(f, T0, &t, &next));
	assert_int_equal(t.id, last);
	give_back(f, last, "c", T0 + 8000);
	assert_false(claim(f, T0, &t, &next));
	assert_int_equal(next, T0 + 3000);
	ok(store_connection_state(f->s, "c1", CONN_EXPIRED, "", "", NULL, NULL, NULL, &f->err));
	assert_false(claim(f, T0 + 4000, &t, &next));
	assert_int_equal(next, T0 + 8000);
	ok(store_connection_state(f->s, "c1", CONN_CONNECTED, "", "", NULL, NULL, NULL, &f->err));
	assert_true(claim(f, T0 + 4000, &t, &next));
	assert_string_equal(t.connection, "c1");
}

static void waking_makes_streams_due(void **state)
{
	struct fixture *f = *state;
	struct store_stream t;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "aoba");
	int64_t a = put_stream(f, "c1", "a"), b = put_stream(f, "c2", "b");
	give_back(f, a, "c", T0 + 1000000);
	give_back(f, b, "c", T0 + 1000000);
	assert_false(claim(f, T0, &t, NULL));
	ok(store_stream_wake(f->s, "c2", T0, &f->err));
	assert_true(claim(f, T0, &t, NULL));
	assert_int_equal(t.id, b);
	assert_false(claim(f, T0, &t, NULL));
	ok(store_stream_wake(f->s, NULL, T0, &f->err));
	assert_true(claim(f, T0, &t, NULL));
	assert_int_equal(t.id, a);
	/* What is claimed stays claimed. */
	assert_false(claim(f, T0, &t, NULL));
}

static void a_restart_frees_streams(void **state)
{
	struct fixture *f = *state;
	struct store_stream t;

	put_connection(f, "c1", "aoba");
	put_stream(f, "c1", "a");
	assert_true(claim(f, T0, &t, NULL));
	suite_reopen(f, "node:1");
	assert_true(claim(f, T0, &t, NULL));
}

static void totals_and_coverage_add_up(void **state)
{
	struct fixture *f = *state;
	struct store_totals n;
	struct store_stream sums, t;

	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "midori");
	int64_t a = put_stream(f, "c1", "a"), b = put_stream(f, "c2", "b");
	put_item(f, a, "1", "1", LANE_LIVE);
	put_item(f, a, "2", "1", LANE_BACKLOG);
	put_item(f, b, "3", "1", LANE_BACKLOG);
	put_stream(f, "c1", "fresh");
	const struct store_event e = {.uid = "e", .json = "{}"};
	ok(store_event_add(f->s, "aoba", &e, &f->err));
	finish_item(f, claim_one(f, T0, "1"), ITEM_SCANNED, "");
	put_finding(f, claim_one(f, T0, NULL), "f1", "planned");
	ok(store_totals(f->s, T0, &n, &f->err));
	assert_int_equal(n.streams_due, 1);
	assert_int_equal(n.streams_claimed, 0);
	assert_int_equal(n.streams_listing, 1);
	assert_int_equal(n.items_live, 0);
	assert_int_equal(n.items_backlog, 1);
	assert_int_equal(n.actions, 1);
	assert_int_equal(n.events, 2);
	assert_int_equal(n.items_done_1h, 2);
	assert_true(claim(f, T0, &t, NULL));
	ok(store_event_confirm(f->s, "file", 1, &f->err));
	ok(store_totals(f->s, T0 + 2 * 3600000, &n, &f->err));
	assert_int_equal(n.streams_due, 3);
	assert_int_equal(n.events, 1);
	assert_int_equal(n.items_done_1h, 0);
	ok(store_totals(f->s, T0, &n, &f->err));
	assert_int_equal(n.streams_claimed, 1);
	ok(store_coverage(f->s, "c1", &sums, &f->err));
	assert_int_equal(sums.seen, 2);
	ok(store_coverage(f->s, NULL, &sums, &f->err));
	assert_int_equal(sums.seen, 3);
	assert_int_equal(sums.scanned, 2);
	assert_int_equal(sums.pending, 1);
	check_counts(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)
	const struct CMUnitTest tests[] = {
		T(connections_keep_what_is_put),
		T(a_change_of_state_is_told_once),
		T(the_stream_due_longest_comes_first),
		T(two_streams_of_a_connection_at_once),
		T(a_claim_lasts_over_several_pages),
		T(failures_and_lost_cursors),
		T(discovery_retires_and_brings_back),
		T(only_connections_that_work_are_polled),
		T(waking_makes_streams_due),
		T(a_restart_frees_streams),
		T(totals_and_coverage_add_up),
	};

	return SUITE_RUN("streams", tests);
}
