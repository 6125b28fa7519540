/* Items: identity, pages, claims, and their end. */
#include "tests/conformance/store_suite.h"

#include <string.h>

static void known_items_are_repeats(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");

	assert_int_equal(put_item(f, t, "file-1", "v1", LANE_LIVE), 1);
	assert_int_equal(put_item(f, t, "file-1", "v1", LANE_LIVE), 0);
	const struct store_item twice[] = {an_item("file-2", "v1", LANE_LIVE), an_item("file-2", "v1", LANE_LIVE)};
	assert_int_equal(put_items(f, t, twice, 2), 1);
	/* The separation of id and version counts: "a"+"bc" is not "ab"+"c". */
	assert_int_equal(put_item(f, t, "a", "bc", LANE_LIVE), 1);
	assert_int_equal(put_item(f, t, "ab", "c", LANE_LIVE), 1);
	struct store_stream s = stream_get(f, t);
	assert_int_equal(s.seen, 4);
	assert_int_equal(s.pending, 4);
	assert_int_equal(s.repeats, 2);
	assert_string_equal(s.cursor, "next");
	check_counts(f);
}

static void known_after_its_end_too(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	finish_item(f, claim_one(f, T0, "file-1"), ITEM_SCANNED, "");
	assert_int_equal(put_item(f, t, "file-1", "v1", LANE_LIVE), 0);
	struct store_item *l;
	assert_int_equal(claim_items(f, T0, 10, &l), 0);
	struct store_stream s = stream_get(f, t);
	assert_int_equal(s.scanned, 1);
	assert_int_equal(s.pending, 0);
	assert_int_equal(s.repeats, 1);
	check_counts(f);
}

static void the_same_id_in_another_connection_is_another_item(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "midori");
	int64_t t1 = put_stream(f, "c1", "s1"), t2 = put_stream(f, "c2", "s1");

	assert_int_equal(put_item(f, t1, "file-1", "v1", LANE_LIVE), 1);
	assert_int_equal(put_item(f, t2, "file-1", "v1", LANE_LIVE), 1);
}

static void a_newer_version_supersedes_pending_ones(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	int64_t old = claim_one(f, T0, "file-1");
	assert_int_equal(put_item(f, t, "file-1", "v2", LANE_LIVE), 1);
	struct store_item i = item_get(f, old);
	assert_int_equal(i.state, ITEM_UNKNOWN);
	assert_string_equal(i.reason, "superseded");
	/* Its scan ends too late. */
	finish_item(f, old, ITEM_SCANNED, "");
	assert_int_equal(item_get(f, old).state, ITEM_UNKNOWN);
	claim_one(f, T0, "file-1");
	struct store_stream s = stream_get(f, t);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(s.pending, 1);
	check_counts(f);
}

static void an_older_version_that_comes_late_ends_nothing(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item two[] = {an_item("file-1", "v2", LANE_LIVE), an_item("file-1", "v1", LANE_LIVE)};

	two[0].changed_at = T0;
	two[1].changed_at = T0 - 1000;
	assert_int_equal(put_items(f, t, two, 2), 2);
	assert_int_equal(stream_get(f, t).pending, 2);
	check_counts(f);
}

static void removed_items_become_unknown(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1"), other = put_stream(f, "c1", "s2");
	const char *removed[] = {"file-1", "file-3", "never-seen"};

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	put_item(f, t, "file-2", "v1", LANE_LIVE);
	put_item(f, other, "file-3", "v1", LANE_LIVE);
	const struct store_page p = {.stream = t, .removed = removed, .n_removed = 3, .cursor = "c", .release = true, .now = T0};
	ok(store_page_commit(f->s, &p, NULL, &f->err));
	struct store_stream s = stream_get(f, t);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(s.pending, 1);
	assert_int_equal(stream_get(f, other).pending, 1);
	check_counts(f);
}

/* A move from one folder to another: gone here, there with the same version, in either order. */
static void a_moved_item_stays_pending(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1"), other = put_stream(f, "c1", "s2");
	const char *removed[] = {"file-1", "file-2"};
	const struct store_page gone = {.stream = t, .removed = removed, .n_removed = 2, .cursor = "c", .release = true, .now = T0};

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	put_item(f, t, "file-2", "v1", LANE_LIVE);
	assert_int_equal(put_item(f, other, "file-1", "v1", LANE_LIVE), 0);
	ok(store_page_commit(f->s, &gone, NULL, &f->err));
	assert_int_equal(put_item(f, other, "file-2", "v1", LANE_LIVE), 1);
	struct store_stream s1 = stream_get(f, t), s2 = stream_get(f, other);
	assert_int_equal(s1.seen, 0);
	assert_int_equal(s2.seen, 2);
	assert_int_equal(s2.pending, 2);
	assert_int_equal(s2.repeats, 2);
	struct store_item *l;
	assert_int_equal(claim_items(f, T0, 10, &l), 2);
	assert_int_equal(l[0].stream, other);
	check_counts(f);
}

static void items_without_content_end_at_once(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item i[] = {an_item("a", "1", LANE_LIVE), an_item("b", "1", LANE_LIVE), an_item("c", "1", LANE_LIVE)};

	i[0].state = ITEM_SKIPPED;
	i[0].reason = "no_content";
	i[1].state = ITEM_UNKNOWN;
	i[1].reason = "too_big";
	assert_int_equal(put_items(f, t, i, 3), 1);
	struct store_stream s = stream_get(f, t);
	assert_int_equal(s.seen, 3);
	assert_int_equal(s.skipped, 1);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(s.pending, 1);
	check_counts(f);
}

static void all_fields_come_back(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	const struct store_item in = {.kind = 2, .remote_id = "AAMk=", .version = "CQAAABYAAAB", .service = "exchange",
		.name = "見積り", .path = "/Inbox", .owner = "hanako@aoba.example", .hash_kind = "sha256", .hash = SHA_B,
		.provider_threat = "Win.Bad", .context = "{\"x\":1}", .message_id = "<1@x>", .from = "a@x", .to = "b@y",
		.subject = "見積り", .size = 5000000000, .changed_at = T0 - 5, .seen_at = T0, .received_at = T0 - 6,
		.lane = LANE_BACKLOG, .state = ITEM_PENDING};
	struct store_item *l;

	put_items(f, t, &in, 1);
	assert_int_equal(claim_items(f, T0, 5, &l), 1);
	assert_int_equal(l->kind, 2);
	assert_string_equal(l->connection, "c1");
	assert_string_equal(l->tenant, "aoba");
	assert_string_equal(l->provider, "box");
	assert_string_equal(l->remote_id, in.remote_id);
	assert_string_equal(l->version, in.version);
	assert_string_equal(l->service, in.service);
	assert_string_equal(l->name, in.name);
	assert_string_equal(l->path, in.path);
	assert_string_equal(l->owner, in.owner);
	assert_string_equal(l->hash_kind, "sha256");
	assert_string_equal(l->hash, in.hash);
	assert_string_equal(l->provider_threat, in.provider_threat);
	assert_string_equal(l->context, in.context);
	assert_string_equal(l->message_id, in.message_id);
	assert_string_equal(l->from, in.from);
	assert_string_equal(l->to, in.to);
	assert_string_equal(l->subject, in.subject);
	assert_true(l->size == in.size && l->changed_at == in.changed_at && l->received_at == in.received_at);
	assert_int_equal(l->lane, LANE_BACKLOG);
	assert_int_equal(l->state, ITEM_PENDING);
	assert_string_equal(l->reason, "");
	/* NULL stays NULL; service and owner are the stream's then. */
	const struct store_item bare = {.kind = 1, .remote_id = "b", .version = "", .size = -1, .lane = LANE_LIVE,
		.state = ITEM_PENDING};
	put_items(f, t, &bare, 1);
	assert_int_equal(claim_items(f, T0, 5, &l), 1);
	assert_null(l->name);
	assert_null(l->context);
	assert_null(l->hash);
	assert_string_equal(l->service, "box");
	assert_string_equal(l->owner, "taro@aoba.example");
	assert_int_equal(l->size, -1);
}

/* A list may not say when a mail came; its bytes do. What the list said stays. */
static void the_time_of_a_mail_comes_with_its_bytes(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item i = an_item("x", "1", LANE_LIVE), *l;

	for (int n = 0; n < 3; n++) {
		i.remote_id = n == 0 ? "x" : n == 1 ? "y" : "z";
		i.received_at = n == 2 ? T0 - 60000 : 0;
		put_items(f, t, &i, 1);
		assert_int_equal(claim_items(f, T0, 1, &l), 1);
		const struct store_result r = {.item = l->id, .state = ITEM_SCANNED, .reason = "", .now = T0, .received_at = n == 1 ? 0 : T0 - 5000};
		ok(store_item_finish(f->s, &r, NULL, &f->err));
		assert_int_equal(item_get(f, l->id).received_at, n == 0 ? T0 - 5000 : n == 1 ? 0 : T0 - 60000);
	}
}

static void bytes_that_are_no_utf8_are_mended(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item i = an_item("x", "1", LANE_LIVE), *l;

	i.name = "bad\xff\xfe.exe";
	put_items(f, t, &i, 1);
	assert_int_equal(claim_items(f, T0, 5, &l), 1);
	assert_string_equal(l->name, "bad\xef\xbf\xbd\xef\xbf\xbd.exe");
}

static void live_before_backlog_and_connections_in_turn(void **state)
{
	struct fixture *f = *state;
	const char *ids[] = {"c1", "c2", "c3"};
	int served[3] = {0};
	struct store_item *l;

	for (int c = 0; c < 3; c++) {
		put_connection(f, ids[c], ids[c]);
		int64_t t = put_stream(f, ids[c], "s");
		for (int i = 0; i < 20; i++) {
			char id[16];
			snprintf(id, sizeof(id), "b%d", i);
			put_item(f, t, id, "1", LANE_BACKLOG);
			snprintf(id, sizeof(id), "l%d", i);
			/* The first connection has a flood of them. */
			if (c == 0 || i < 2)
				put_item(f, t, id, "1", LANE_LIVE);
		}
	}
	for (int i = 0; i < 6; i++) {
		assert_int_equal(claim_items(f, T0, 1, &l), 1);
		assert_int_equal(l->lane, LANE_LIVE);
		served[l->connection[1] - '1']++;
	}
	for (int c = 0; c < 3; c++)
		assert_int_equal(served[c], 2);
	/* One claim is of one connection; the rest of the live ones goes first. */
	assert_int_equal(claim_items(f, T0, 100, &l), 18);
	for (int i = 0; i < 18; i++) {
		assert_int_equal(l[i].lane, LANE_LIVE);
		assert_string_equal(l[i].connection, "c1");
	}
	for (int i = 0; i < 6; i++) {
		assert_int_equal(claim_items(f, T0, 5, &l), 5);
		assert_int_equal(l->lane, LANE_BACKLOG);
		served[l->connection[1] - '1']++;
	}
	for (int c = 0; c < 3; c++)
		assert_int_equal(served[c], 4);
}

static void claims_are_exclusive_until_the_lease_ends(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1"), next = -1;
	struct store_item *l;
	size_t n;

	put_item(f, t, "a", "1", LANE_LIVE);
	int64_t id = claim_one(f, T0, "a");
	ok(store_item_claim(f->s, T0 + 1000, T0 + 1000 + LEASE, 5, f->a, &l, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_int_equal(next, T0 + LEASE);
	assert_int_equal(claim_one(f, T0 + LEASE, "a"), id);
	finish_item(f, id, ITEM_SCANNED, "");
	ok(store_item_claim(f->s, T0 + 2 * LEASE, T0 + 3 * LEASE, 5, f->a, &l, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_int_equal(next, 0);
	/* Both that had it end it: the second changes nothing. */
	finish_item(f, id, ITEM_UNKNOWN, "timeout");
	assert_int_equal(item_get(f, id).state, ITEM_SCANNED);
	check_counts(f);
}

static void deferred_items_wait(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1"), next = -1;
	struct store_item *l;
	size_t n;

	put_item(f, t, "a", "1", LANE_LIVE);
	int64_t id = claim_one(f, T0, "a");
	ok(store_item_defer(f->s, id, T0 + 5000, "throttled", false, 777, &f->err));
	ok(store_item_claim(f->s, T0 + 10, T0 + LEASE, 5, f->a, &l, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_int_equal(next, T0 + 5000);
	assert_int_equal(claim_items(f, T0 + 5000, 5, &l), 1);
	assert_int_equal(l->attempts, 1);
	assert_int_equal(l->crashes, 0);
	assert_int_equal(l->size, 777);
	assert_string_equal(l->reason, "throttled");
	ok(store_item_defer(f->s, id, T0 + 6000, "crashed", true, -1, &f->err));
	assert_int_equal(claim_items(f, T0 + 6000, 5, &l), 1);
	assert_int_equal(l->attempts, 2);
	assert_int_equal(l->crashes, 1);
	assert_int_equal(l->size, 777);
	fails(store_item_defer(f->s, 999999, T0, "x", false, -1, &f->err), ERR_GONE, "not_found");
	finish_item(f, id, ITEM_UNKNOWN, "crashed");
	ok(store_item_defer(f->s, id, T0, "late", false, -1, &f->err));
	assert_int_equal(item_get(f, id).state, ITEM_UNKNOWN);
	assert_string_equal(item_get(f, id).reason, "crashed");
}

static void released_items_are_untouched(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item *l;

	put_item(f, t, "a", "1", LANE_LIVE);
	put_item(f, t, "b", "1", LANE_LIVE);
	assert_int_equal(claim_items(f, T0, 5, &l), 2);
	const int64_t ids[] = {l[0].id, l[1].id};
	ok(store_item_release(f->s, ids, 2, &f->err));
	assert_int_equal(claim_items(f, T0, 5, &l), 2);
	assert_int_equal(l[0].id, ids[0]);
	assert_int_equal(l[0].attempts, 0);
}

static void paused_and_ended_connections_give_nothing(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1"), next = -1;
	struct store_item *l;
	size_t n;

	put_item(f, t, "a", "1", LANE_LIVE);
	ok(store_connection_pause(f->s, "c1", T0 + 9000, &f->err));
	ok(store_item_claim(f->s, T0, T0 + LEASE, 5, f->a, &l, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_int_equal(next, T0 + 9000);
	ok(store_connection_state(f->s, "c1", CONN_REVOKED, "revoked", "withdrawn", NULL, NULL, NULL, &f->err));
	ok(store_item_claim(f->s, T0 + 9000, T0 + LEASE, 5, f->a, &l, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_int_equal(next, 0);
	ok(store_connection_state(f->s, "c1", CONN_DEGRADED, "", "", NULL, NULL, NULL, &f->err));
	assert_int_equal(claim_items(f, T0 + 9000, 5, &l), 1);
}

static void a_restart_frees_what_was_claimed(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item *l;

	put_item(f, t, "a", "1", LANE_LIVE);
	claim_one(f, T0, "a");
	suite_reopen(f, "node:1");
	assert_int_equal(claim_items(f, T0, 5, &l), 1);
	assert_int_equal(l->attempts, 0);
}

static void two_nodes_share_the_work(void **state)
{
	struct fixture *f = *state;
	struct store_item *l;
	struct store *other = NULL;
	size_t n;

	if (!suite_on_postgres()) {
		/* One writer a file. */
		fails(store_open(f->where, false, "node:2", &other, &f->err), ERR_RETRY, "busy");
		return;
	}
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	put_item(f, t, "a", "1", LANE_LIVE);
	put_item(f, t, "b", "1", LANE_LIVE);
	ok(store_open(f->where, false, "node:2", &other, &f->err));
	int64_t mine = claim_one(f, T0, "a");
	ok(store_item_claim(other, T0, T0 + LEASE, 5, f->a, &l, &n, NULL, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l->remote_id, "b");
	/* What the other has is not mine to put off or to give back. */
	ok(store_item_release(f->s, &l->id, 1, &f->err));
	ok(store_item_defer(f->s, l->id, T0, "x", false, -1, &f->err));
	assert_int_equal(claim_items(f, T0, 5, &l), 0);
	/* A restart frees the own claims alone. */
	ok(store_recover(other, &f->err));
	assert_int_equal(claim_items(f, T0, 5, &l), 1);
	assert_int_not_equal(l->id, mine);
	store_close(other);
}

static void a_clock_set_back_delays_nothing(void **state)
{
	struct fixture *f = *state;
	const int64_t day = 86400000;
	struct store_item *l;

	if (suite_on_postgres())
		return; /* several clocks there */
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	put_item(f, t, "a", "1", LANE_LIVE);
	int64_t id = claim_one(f, T0, "a");
	ok(store_item_defer(f->s, id, T0 + 5000, "later", false, -1, &f->err));
	assert_int_equal(claim_items(f, T0 - day, 5, &l), 0);
	assert_int_equal(claim_items(f, T0 - day + 5000, 5, &l), 1);
}

static void a_reader_looks_beside_the_writer(void **state)
{
	struct fixture *f = *state;
	struct store *reader = NULL;
	struct store_item i;
	int64_t id;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	ok(store_open(f->where, true, "cli", &reader, &f->err));
	put_item(f, t, "a", "1", LANE_LIVE);
	id = claim_one(f, T0, "a");
	ok(store_item_get(reader, id, f->a, &i, &f->err));
	assert_string_equal(i.remote_id, "a");
	fails(store_item_release(reader, &id, 1, &f->err), ERR_LOCAL, "store");
	ok(store_check(reader, &f->err));
	store_close(reader);
	ok(store_check(f->s, &f->err));
}

static void done_items_are_judged_again(void **state)
{
	struct fixture *f = *state;
	int64_t n = 0, ids[3];

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item in = an_item("a", "1", LANE_LIVE);
	in.context = "{\"drive\":1}";
	in.path = "/x";
	put_items(f, t, &in, 1);
	ids[0] = claim_one(f, T0, "a");
	finish_item(f, ids[0], ITEM_SCANNED, "");
	put_item(f, t, "b", "1", LANE_LIVE);
	ids[1] = claim_one(f, T0, "b");
	finish_item(f, ids[1], ITEM_UNKNOWN, "encrypted_archive");
	put_item(f, t, "c", "1", LANE_LIVE); /* pending: nothing to do again */
	struct store_item *l;
	assert_int_equal(claim_items(f, T0, 10, &l), 1);
	ids[2] = l->id;
	ok(store_item_again(f->s, ids, 3, LANE_BACKLOG, &n, &f->err));
	assert_int_equal(n, 2);
	check_counts(f);
	assert_int_equal(stream_get(f, t).pending, 3);
	ok(store_item_again(f->s, ids, 3, LANE_BACKLOG, &n, &f->err));
	assert_int_equal(n, 0);
	assert_int_equal(claim_items(f, T0, 10, &l), 2);
	assert_int_equal(l[0].lane, LANE_BACKLOG);
	/* How to get at it is still known. */
	assert_string_equal(l[0].context, in.context);
	assert_string_equal(l[0].path, "/x");
	finish_item(f, ids[0], ITEM_SCANNED, "");
	check_counts(f);
	assert_int_equal(stream_get(f, t).scanned, 1);
}

static void what_was_decided_is_not_judged_again(void **state)
{
	static const char *const decided[] = {"planned", "done", "restored", "deleted"}, *const open[] = {"none", "would", "failed"};
	struct fixture *f = *state;
	int64_t n = 0;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	for (size_t i = 0; i < ARRAY_SIZE(decided) + ARRAY_SIZE(open); i++) {
		const char *action = i < ARRAY_SIZE(decided) ? decided[i] : open[i - ARRAY_SIZE(decided)];
		put_item(f, t, action, "1", LANE_LIVE);
		int64_t id = claim_one(f, T0, action);
		put_finding(f, id, action, action);
		ok(store_item_again(f->s, &id, 1, LANE_BACKLOG, &n, &f->err));
		assert_int_equal(n, i >= ARRAY_SIZE(decided));
		if (n)
			claim_one(f, T0, action);
	}
	check_counts(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)
	const struct CMUnitTest tests[] = {
		T(known_items_are_repeats),
		T(known_after_its_end_too),
		T(the_same_id_in_another_connection_is_another_item),
		T(a_newer_version_supersedes_pending_ones),
		T(an_older_version_that_comes_late_ends_nothing),
		T(removed_items_become_unknown),
		T(a_moved_item_stays_pending),
		T(items_without_content_end_at_once),
		T(all_fields_come_back),
		T(the_time_of_a_mail_comes_with_its_bytes),
		T(bytes_that_are_no_utf8_are_mended),
		T(live_before_backlog_and_connections_in_turn),
		T(claims_are_exclusive_until_the_lease_ends),
		T(deferred_items_wait),
		T(released_items_are_untouched),
		T(paused_and_ended_connections_give_nothing),
		T(a_restart_frees_what_was_claimed),
		T(two_nodes_share_the_work),
		T(a_clock_set_back_delays_nothing),
		T(a_reader_looks_beside_the_writer),
		T(done_items_are_judged_again),
		T(what_was_decided_is_not_judged_again),
	};

	return SUITE_RUN("items", tests);
}
