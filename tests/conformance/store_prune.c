/* Retention: what goes, what stays, and that nothing which went is taken for new. */
#include "store/policy.h"
#include "tests/conformance/store_suite.h"

#include <string.h>

#define DAY INT64_C(86400000)

static struct store_prune prune(struct fixture *f, int64_t now)
{
	const struct store_retention keep = {.now = now, .events_ms = 400 * DAY, .items_ms = 90 * DAY, .engine = "clamav 1.4",
		.signatures = "27000"};
	struct store_prune at = {0};

	for (int calls = 0; at.phase != PRUNE_DONE; calls++) {
		assert_true(calls < 10000);
		ok(store_prune(f->s, &keep, &at, &f->err));
	}
	return at;
}

static int64_t find(struct fixture *f, int64_t now, const char *remote_id)
{
	struct store_item *l;

	if (claim_items(f, now, 1, &l) == 0)
		return 0;
	assert_string_equal(l[0].remote_id, remote_id);
	return l[0].id;
}

static void old_items_go_and_stay_known(void **state)
{
	struct fixture *f = *state;
	struct store_item rows[600];
	char names[600][16];
	struct store_item *l;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	for (int i = 0; i < 600; i++) {
		snprintf(names[i], sizeof(names[i]), "file-%d", i);
		rows[i] = an_item(names[i], "v1", LANE_LIVE);
		if (i % 2) {
			rows[i].state = ITEM_SKIPPED;
			rows[i].reason = "backlog";
		}
	}
	assert_int_equal(put_items(f, t, rows, 600), 300);
	assert_int_equal(claim_items(f, T0, 300, &l), 300);
	for (int i = 0; i < 300; i++)
		finish_item(f, l[i].id, ITEM_SCANNED, "");
	assert_int_equal(prune(f, T0 + 89 * DAY).items, 0);
	assert_int_equal(prune(f, T0 + 91 * DAY).items, 600);
	fails(store_item_get(f->s, l[0].id, f->a, &rows[0], &f->err), ERR_GONE, "not_found");
	struct store_stream before = stream_get(f, t);
	assert_int_equal(before.seen, 600);
	/* A lost cursor lists them all anew. */
	for (int i = 0; i < 600; i++) {
		rows[i] = an_item(names[i], "v1", LANE_LIVE);
	}
	assert_int_equal(put_items(f, t, rows, 600), 0);
	assert_int_equal(claim_items(f, T0 + 92 * DAY, 10, &l), 0);
	struct store_stream after = stream_get(f, t);
	assert_int_equal(after.seen, 600);
	assert_int_equal(after.scanned, 300);
	assert_int_equal(after.skipped, 300);
	assert_int_equal(after.pending, 0);
	assert_int_equal(after.repeats, before.repeats + 600);
	/* Another version is another item. */
	assert_int_equal(put_item(f, t, "file-0", "v2", LANE_LIVE), 1);
	/* And once more, with nothing to do. */
	assert_int_equal(prune(f, T0 + 91 * DAY).items, 0);
}

static void what_somebody_needs_stays(void **state)
{
	struct fixture *f = *state;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	put_item(f, t, "bad", "v1", LANE_LIVE);
	int64_t bad = claim_one(f, T0, "bad");
	put_finding(f, bad, "F1", "planned");
	put_item(f, t, "waits", "v1", LANE_LIVE);
	assert_int_equal(prune(f, T0 + 1000 * DAY).items, 0);
	assert_string_equal(finding_get(f, "F1").remote_id, "bad");
	assert_int_equal(item_get(f, bad).state, ITEM_SCANNED);
	assert_int_not_equal(find(f, T0 + 1000 * DAY, "waits"), 0);
	check_counts(f);
}

static void what_was_not_looked_at_may_come_back(void **state)
{
	static const char *const reasons[] = {"gone", "superseded", "changed"};
	struct fixture *f = *state;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		put_item(f, t, reasons[i], "v1", LANE_LIVE);
		finish_item(f, claim_one(f, T0, reasons[i]), ITEM_UNKNOWN, reasons[i]);
	}
	assert_int_equal(prune(f, T0 + 91 * DAY).items, 3);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		assert_int_equal(put_item(f, t, reasons[i], "v1", LANE_LIVE), 1);
		finish_item(f, claim_one(f, T0 + 91 * DAY, reasons[i]), ITEM_SCANNED, "");
	}
	struct store_stream s = stream_get(f, t);
	assert_int_equal(s.seen, s.scanned + s.unknown + s.skipped + s.pending);
}

static void malware_by_the_providers_word_is_news(void **state)
{
	struct fixture *f = *state;

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	put_item(f, t, "file-1", "v1", LANE_LIVE);
	finish_item(f, claim_one(f, T0, "file-1"), ITEM_SCANNED, "");
	assert_int_equal(prune(f, T0 + 91 * DAY).items, 1);
	struct store_item i = an_item("file-1", "v1", LANE_LIVE);
	i.provider_threat = "malware";
	assert_int_equal(put_items(f, t, &i, 1), 1);
	assert_int_equal(put_items(f, t, &i, 1), 0);
	claim_one(f, T0 + 91 * DAY, "file-1");
}

static void events_go_when_they_are_old_and_every_sink_has_them(void **state)
{
	struct fixture *f = *state;
	char uid[24];

	for (int i = 0; i < 600; i++) {
		snprintf(uid, sizeof(uid), "old-%d", i);
		const struct store_event e = {.uid = uid, .json = "{}"};
		ok(store_event_add(f->s, "aoba", &e, &f->err));
	}
	prune(f, T0);
	const struct store_event later = {.uid = "later", .json = "{}"};
	ok(store_event_add(f->s, "aoba", &later, &f->err));
	/* No sink has any of them. */
	assert_int_equal(prune(f, T0 + 402 * DAY).events, 0);
	ok(store_event_confirm(f->s, "file", 500, &f->err));
	assert_int_equal(prune(f, T0 + 390 * DAY).events, 0);
	assert_int_equal(prune(f, T0 + 402 * DAY).events, 500);
	ok(store_event_confirm(f->s, "file", 601, &f->err));
	assert_int_equal(prune(f, T0 + 402 * DAY).events, 100);
	struct store_outbox *l;
	size_t n;
	ok(store_event_list(f->s, 0, 1000, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].uid, "later");
	/* Numbers go on where they were. */
	const struct store_event next = {.uid = "next", .json = "{}"};
	ok(store_event_add(f->s, "aoba", &next, &f->err));
	ok(store_event_next(f->s, "file", 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(l[0].seq, 602);
	assert_int_equal(prune(f, T0 + 803 * DAY).events, 1);
}

static void verdicts_of_earlier_signatures_go(void **state)
{
	struct fixture *f = *state;
	struct store_verdict v;
	char sha1[41], sha256[65], name[16];

	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	for (int i = 0; i < 520; i++) {
		snprintf(name, sizeof(name), "f-%d", i);
		snprintf(sha256, sizeof(sha256), "%064x", i);
		snprintf(sha1, sizeof(sha1), "%040x", i);
		put_item(f, t, name, "v1", LANE_LIVE);
		const struct store_result r = {.item = claim_one(f, T0, name), .state = ITEM_SCANNED, .reason = "", .now = T0,
			.sha256 = sha256, .size = 5, .verdict = "clean", .verdict_reason = "", .threats = "[]",
			.engine = "clamav 1.4", .signatures = i % 2 ? "27000" : "26999", .hash_kind = "sha1", .hash = sha1};
		ok(store_item_finish(f->s, &r, NULL, &f->err));
	}
	assert_int_equal(prune(f, T0 + 6 * DAY).verdicts, 0);
	assert_int_equal(prune(f, T0 + 8 * DAY).verdicts, 260);
	snprintf(sha256, sizeof(sha256), "%064x", 1);
	snprintf(sha1, sizeof(sha1), "%040x", 1);
	ok(store_verdict_get(f->s, sha256, "clamav 1.4", "27000", f->a, &v, &f->err));
	ok(store_verdict_by_hash(f->s, "sha1", sha1, 5, "clamav 1.4", "27000", f->a, &v, &f->err));
	snprintf(sha256, sizeof(sha256), "%064x", 2);
	fails(store_verdict_get(f->s, sha256, "clamav 1.4", "26999", f->a, &v, &f->err), ERR_GONE, "not_found");
}

static void note_many(struct fixture *f, const char *tenant, int64_t at, const char *mail, const char *const *who, size_t n_who,
	const char *const *where, size_t n_where)
{
	static int no;
	char name[32];
	struct store_item *l;

	snprintf(name, sizeof(name), "mail-%d", no++);
	struct store_item row = an_item(name, "v1", LANE_LIVE);
	put_items(f, put_stream(f, "c1", "s1"), &row, 1);
	assert_int_equal(claim_items(f, T0, 1, &l), 1);
	const struct store_result r = {.item = l[0].id, .state = ITEM_SCANNED, .reason = "", .now = T0,
		.note = {.tenant = tenant, .at = at, .mail = mail, .contacts = who, .n_contacts = n_who, .hosts = where, .n_hosts = n_where}};
	ok(store_item_finish(f->s, &r, NULL, &f->err));
	ok(store_item_finish(f->s, &r, NULL, &f->err)); /* done before: nothing is counted twice */
}

static void note(struct fixture *f, const char *tenant, int64_t at, const char *mail, const char *who, const char *where)
{
	note_many(f, tenant, at, mail, &who, 1, &where, 1);
}

static struct store_contact contact(struct fixture *f, const char *tenant, const char *who)
{
	struct store_contact c;

	ok(store_contact_get(f->s, tenant, who, &c, &f->err));
	return c;
}

static void correspondence_is_remembered_and_forgotten(void **state)
{
	struct fixture *f = *state;
	const char *const hosts[] = {"never.example", "", "old.example", "new.example"};
	int64_t seen[4];

	put_connection(f, "c1", "aoba");
	assert_int_equal(contact(f, "aoba", "taro@kita.example").count, 0);
	note(f, "aoba", T0, "<1@x>", "taro@kita.example", "new.example");
	note(f, "aoba", T0 + 5000, "<1@x>", "taro@kita.example", "new.example"); /* the same mail in another mailbox */
	assert_int_equal(contact(f, "aoba", "taro@kita.example").count, 1);
	note(f, "aoba", T0 - 10 * DAY, "<0@x>", "taro@kita.example", "old.example"); /* the backlog comes later */
	struct store_contact c = contact(f, "aoba", "taro@kita.example");
	assert_int_equal(c.count, 2);
	assert_int_equal(c.first_at, T0 - 10 * DAY);
	assert_int_equal(c.last_at, T0);
	assert_int_equal(contact(f, "minami", "taro@kita.example").count, 0);
	ok(store_hosts_get(f->s, "aoba", hosts, 4, seen, &f->err));
	assert_int_equal(seen[0], 0);
	assert_int_equal(seen[1], 0);
	assert_int_equal(seen[2], T0 - 10 * DAY);
	assert_int_equal(seen[3], T0);
	char names[300][32];
	const char *many[300];
	for (int i = 0; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "p%d@kita.example", i);
		many[i] = names[i];
	}
	for (int i = 0; i < 300; i += 60)
		note_many(f, "aoba", T0 - 500 * DAY, "<2@x>", many + i, 60, NULL, 0);
	assert_int_equal(contact(f, "aoba", "p299@kita.example").count, 1);
	prune(f, T0 + 395 * DAY);
	assert_int_equal(contact(f, "aoba", "p7@kita.example").count, 0);
	assert_int_equal(contact(f, "aoba", "p299@kita.example").count, 0);
	assert_int_equal(contact(f, "aoba", "taro@kita.example").count, 2);
	ok(store_hosts_get(f->s, "aoba", hosts, 4, seen, &f->err));
	assert_int_equal(seen[2], 0);
	assert_int_equal(seen[3], T0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)
		T(old_items_go_and_stay_known), T(what_somebody_needs_stays), T(what_was_not_looked_at_may_come_back),
		T(malware_by_the_providers_word_is_news), T(events_go_when_they_are_old_and_every_sink_has_them),
		T(verdicts_of_earlier_signatures_go), T(correspondence_is_remembered_and_forgotten),
	};

	return SUITE_RUN("pruning", tests);
}
