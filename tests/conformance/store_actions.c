/* Findings, actions, the verdict cache, places, and the outbox. */
#include "tests/conformance/store_suite.h"

#include <string.h>

static int64_t an_item_id(struct fixture *f, const char *remote_id)
{
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");

	put_item(f, t, remote_id, "v1", LANE_LIVE);
	return claim_one(f, T0, remote_id);
}

static struct store_finding claim(struct fixture *f, int64_t finding, int64_t now)
{
	struct store_finding d;

	ok(store_action_claim(f->s, finding, now, now + LEASE, f->a, &d, NULL, &f->err));
	return d;
}

static void nothing_to_claim(struct fixture *f, int64_t finding, int64_t now, int64_t expected_next)
{
	struct store_finding d;
	int64_t next = -1;

	fails(store_action_claim(f->s, finding, now, now + LEASE, f->a, &d, &next, &f->err), ERR_GONE, "nothing");
	assert_int_equal(next, expected_next);
}

static void a_quarantine_lives(void **state)
{
	struct fixture *f = *state;
	const struct store_event e1 = {"u1", "{\"contained\":1}"}, e2 = {"u2", "{\"restored\":1}"};
	int64_t item = an_item_id(f, "file-1"), id = put_finding(f, item, "F1", "planned");
	bool released = true;

	assert_int_equal(item_get(f, item).finding, id);
	assert_string_equal(item_get(f, item).context, "{\"parent\":\"17\"}");
	struct store_finding d = claim(f, 0, T0);
	assert_int_equal(d.id, id);
	assert_string_equal(d.action_state, "planned");
	assert_null(d.receipt);
	nothing_to_claim(f, 0, T0, T0 + LEASE);
	ok(store_action_intend(f->s, id, "intended", "{\"place\":1}", &f->err));
	ok(store_action_intend(f->s, id, NULL, "{\"place\":2}", &f->err));
	d = finding_get(f, "F1");
	assert_string_equal(d.action_state, "intended");
	assert_string_equal(d.receipt, "{\"place\":2}");
	const struct store_finding details = {.path = "/new", .subject = "件名", .received_at = T0 - 5};
	ok(store_action_finish(f->s, id, "done", "{\"place\":3}", NULL, T0 + 10, &e1, 1, &details, &f->err));
	/* A second finish: nothing, and no event. */
	const struct store_event again = {"u1b", "{}"};
	ok(store_action_finish(f->s, id, "done", "{\"place\":4}", NULL, T0 + 20, &again, 1, NULL, &f->err));
	assert_int_equal(count_events(f), 2);
	d = finding_get(f, "F1");
	assert_string_equal(d.action_state, "done");
	assert_string_equal(d.receipt, "{\"place\":3}");
	assert_string_equal(d.path, "/new");
	assert_string_equal(d.subject, "件名");
	assert_string_equal(d.name, "報告書.docx");
	assert_true(d.contained_at == T0 + 10 && d.received_at == T0 - 5 && d.restored_at == 0);
	nothing_to_claim(f, 0, T0 + 2 * LEASE, 0);
	ok(store_released(f->s, "c1", "file-1", SHA_A, &released, &f->err));
	assert_false(released);

	ok(store_action_ask(f->s, id, "restoring", "op-2", &f->err));
	fails(store_action_ask(f->s, id, "restoring", "op-3", &f->err), ERR_CHANGED, "wrong_state");
	d = claim(f, id, T0 + 30);
	assert_string_equal(d.action_state, "restoring");
	assert_string_equal(d.op_id, "op-2");
	assert_string_equal(d.receipt, "{\"place\":3}");
	assert_int_equal(finding_get(f, "op-2").id, id);
	ok(store_action_finish(f->s, id, "restored", NULL, NULL, T0 + 40, &e2, 1, NULL, &f->err));
	ok(store_action_finish(f->s, id, "restored", NULL, NULL, T0 + 50, &again, 1, NULL, &f->err));
	d = finding_get(f, "F1");
	assert_string_equal(d.action_state, "restored");
	assert_true(d.restored_at == T0 + 40 && d.contained_at == T0 + 10);
	assert_int_equal(count_events(f), 3);
	ok(store_released(f->s, "c1", "file-1", SHA_A, &released, &f->err));
	assert_true(released);
	ok(store_released(f->s, "c1", "file-1", SHA_B, &released, &f->err));
	assert_false(released);
	ok(store_released(f->s, "c2", "file-1", SHA_A, &released, &f->err));
	assert_false(released);
	fails(store_action_ask(f->s, id, "deleting", "op-4", &f->err), ERR_CHANGED, "wrong_state");
	/* A late answer of the quarantine changes nothing any more. */
	fails(store_action_finish(f->s, id, "done", NULL, NULL, T0, NULL, 0, NULL, &f->err), ERR_CHANGED, "wrong_state");
}

static void failed_and_deferred_actions(void **state)
{
	struct fixture *f = *state;
	int64_t id = put_finding(f, an_item_id(f, "file-1"), "F1", "planned");

	claim(f, id, T0);
	ok(store_action_defer(f->s, id, "throttled", T0 + 4000, &f->err));
	nothing_to_claim(f, 0, T0 + 3999, T0 + 4000);
	nothing_to_claim(f, id, T0 + 3999, T0 + 4000);
	struct store_finding d = claim(f, 0, T0 + 4000);
	assert_int_equal(d.action_attempts, 1);
	assert_string_equal(d.action_error, "throttled");
	ok(store_action_finish(f->s, id, "failed", NULL, "held", T0 + 4100, NULL, 0, NULL, &f->err));
	d = finding_get(f, "F1");
	assert_string_equal(d.action_state, "failed");
	assert_string_equal(d.action_error, "held");
	assert_int_equal(d.contained_at, 0);
	fails(store_action_intend(f->s, id, "intended", "{}", &f->err), ERR_CHANGED, "wrong_state");
	ok(store_action_ask(f->s, id, "deleting", "op", &f->err));
	d = claim(f, 0, T0 + 5000);
	assert_int_equal(d.action_attempts, 0);
	assert_string_equal(d.action_error, "");
	ok(store_action_finish(f->s, id, "deleted", NULL, "", T0 + 5100, NULL, 0, NULL, &f->err));
	fails(store_action_ask(f->s, 4711, "deleting", "op", &f->err), ERR_GONE, "not_found");
	fails(store_action_ask(f->s, id, "dancing", "op", &f->err), ERR_LOCAL, "store");
	fails(store_finding_get(f->s, "nope", f->a, &d, &f->err), ERR_GONE, "not_found");
}

static void actions_wait_for_their_connection(void **state)
{
	struct fixture *f = *state;
	int64_t id = put_finding(f, an_item_id(f, "file-1"), "F1", "planned");

	ok(store_connection_pause(f->s, "c1", T0 + 5000, &f->err));
	nothing_to_claim(f, 0, T0, T0 + 5000);
	/* Somebody waits for this one. */
	assert_int_equal(claim(f, id, T0).id, id);
	suite_reopen(f, "node:1");
	ok(store_connection_pause(f->s, "c1", 0, &f->err));
	assert_int_equal(claim(f, 0, T0).id, id);
}

static void monitor_mode_plans_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t id = put_finding(f, an_item_id(f, "file-1"), "F1", "would");

	nothing_to_claim(f, 0, T0, 0);
	nothing_to_claim(f, id, T0, 0);
	fails(store_action_ask(f->s, id, "restoring", "op", &f->err), ERR_CHANGED, "wrong_state");
	assert_string_equal(finding_get(f, "F1").action_state, "would");
}

static void an_item_done_before_gets_no_finding(void **state)
{
	struct fixture *f = *state;
	int64_t item = an_item_id(f, "file-1"), id = -1;
	const struct store_finding d = {.uid = "F9", .tenant = "aoba", .connection = "c1", .action_state = "planned"};
	const struct store_event e = {"late", "{}"};
	const struct store_result r = {.item = item, .state = ITEM_SCANNED, .now = T0, .finding = &d, .events = &e, .n_events = 1};

	finish_item(f, item, ITEM_SKIPPED, "scope");
	ok(store_item_finish(f->s, &r, &id, &f->err));
	assert_int_equal(id, 0);
	assert_int_equal(count_events(f), 0);
	const struct store_result none = {.item = 31337, .state = ITEM_SCANNED, .now = T0};
	fails(store_item_finish(f->s, &none, &id, &f->err), ERR_GONE, "not_found");
	const struct store_result bad = {.item = item, .state = ITEM_PENDING, .now = T0};
	fails(store_item_finish(f->s, &bad, &id, &f->err), ERR_LOCAL, "store");
}

static size_t list(struct fixture *f, const struct finding_filter *filter, struct store_finding **ret)
{
	size_t n;

	ok(store_finding_list(f->s, filter, f->a, ret, &n, &f->err));
	return n;
}

static void findings_are_listed_by_filter(void **state)
{
	struct fixture *f = *state;
	struct store_finding *l;
	char name[16];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "c%d", i % 2);
		put_connection(f, name, i % 2 ? "midori" : "aoba");
		int64_t t = put_stream(f, name, "s");
		snprintf(name, sizeof(name), "F%d", i);
		put_item(f, t, name, "1", LANE_LIVE);
		put_finding(f, claim_one(f, T0, name), name, i == 5 ? "would" : "planned");
	}
	assert_int_equal(list(f, &(struct finding_filter){0}, &l), 6);
	assert_string_equal(l[0].uid, "F0");
	assert_string_equal(l[0].threats, "[{\"name\":\"Eicar\",\"part\":\"\"}]");
	assert_int_equal(list(f, &(struct finding_filter){.tenant = "midori"}, &l), 3);
	assert_int_equal(list(f, &(struct finding_filter){.connection = "c0"}, &l), 3);
	assert_int_equal(list(f, &(struct finding_filter){.provider = "google"}, &l), 0);
	assert_int_equal(list(f, &(struct finding_filter){.service = "box"}, &l), 6);
	assert_int_equal(list(f, &(struct finding_filter){.verdict = "unknown"}, &l), 0);
	assert_int_equal(list(f, &(struct finding_filter){.action_state = "would"}, &l), 1);
	assert_int_equal(list(f, &(struct finding_filter){.quarantined = true}, &l), 5);
	assert_int_equal(list(f, &(struct finding_filter){.since = T0 + 1}, &l), 0);
	assert_int_equal(list(f, &(struct finding_filter){.since = T0, .until = T0 + 1}, &l), 6);
	assert_int_equal(list(f, &(struct finding_filter){.until = T0}, &l), 0);
	assert_int_equal(list(f, &(struct finding_filter){.max = 2}, &l), 2);
	assert_int_equal(list(f, &(struct finding_filter){.max = 9, .after = l[1].id}, &l), 4);
	assert_string_equal(l[0].uid, "F2");
}

static void findings_of_a_rule(void **state)
{
	static const char *const rules[] = {"[{\"id\":\"data.my_number\",\"why\":\"\\\"id\\\":\\\"link.mismatch\\\"\"},{\"id\":\"data.card\"}]",
		"[{\"id\":\"data.my_number\"}]", "[]"};
	struct fixture *f = *state;
	struct store_rule_count *counts;
	struct store_finding *l;
	size_t n;

	for (size_t i = 0; i < 3; i++) {
		char name[16];
		snprintf(name, sizeof(name), "F%zu", i);
		const struct store_finding d = {.uid = name, .tenant = "aoba", .connection = "c1", .verdict = "clean", .rules = rules[i], .action_kind = "report",
			.verdict_at = T0 + (int64_t)i};
		const struct store_event e = {"t", "{}"};
		ok(store_finding_test(f->s, &d, &e, &f->err));
	}
	assert_int_equal(list(f, &(struct finding_filter){.rule = "data.my_number"}, &l), 2);
	assert_int_equal(list(f, &(struct finding_filter){.rule = "data.card", .newest = true, .tenant = "aoba"}, &l), 1);
	assert_string_equal(l[0].uid, "F0");
	assert_int_equal(list(f, &(struct finding_filter){.rule = "link.mismatch"}, &l), 0);
	assert_int_equal(list(f, &(struct finding_filter){.rule = "data"}, &l), 0);
	ok(store_finding_rules(f->s, "aoba", T0, f->a, &counts, &n, &f->err));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(counts[i].n, strcmp(counts[i].rule, "data.card") == 0 ? 1 : 2);
	ok(store_finding_rules(f->s, "aoba", T0 + 1, f->a, &counts, &n, &f->err));
	assert_true(n == 1 && counts[0].n == 1);
	ok(store_finding_rules(f->s, "sora", 0, f->a, &counts, &n, &f->err));
	assert_int_equal(n, 0);
}

static void verdicts_are_known_by_content_and_judge(void **state)
{
	static const char sha1[] = "0123456789012345678901234567890123456789";
	struct fixture *f = *state;
	struct store_verdict v;
	int64_t item = an_item_id(f, "file-1");
	struct store_result r = {.item = item, .state = ITEM_SCANNED, .now = T0, .sha256 = SHA_A, .size = 68, .verdict = "threat",
		.verdict_reason = "", .threats = "[{\"name\":\"Eicar\"}]", .engine = "clamav 1.4", .signatures = "27000",
		.hash_kind = "sha1", .hash = sha1, .sha1 = sha1, .dropbox = SHA_B};

	ok(store_item_finish(f->s, &r, NULL, &f->err));
	ok(store_verdict_get(f->s, SHA_A, "clamav 1.4", "27000", f->a, &v, &f->err));
	assert_string_equal(v.sha256, SHA_A);
	assert_string_equal(v.verdict, "threat");
	assert_string_equal(v.reason, "");
	assert_string_equal(v.threats, "[{\"name\":\"Eicar\"}]");
	assert_int_equal(v.size, 68);
	ok(store_verdict_by_hash(f->s, "sha256", SHA_A, 68, "clamav 1.4", "27000", f->a, &v, &f->err));
	ok(store_verdict_by_hash(f->s, "sha1", sha1, 68, "clamav 1.4", "27000", f->a, &v, &f->err));
	assert_string_equal(v.sha256, SHA_A);
	ok(store_verdict_by_hash(f->s, "dropbox", SHA_B, 68, "clamav 1.4", "27000", f->a, &v, &f->err));
	/* Everything that is a little different is a miss. */
	fails(store_verdict_get(f->s, SHA_A, "clamav 1.4", "27001", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_get(f->s, SHA_A, "clamav 1.5", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_get(f->s, SHA_B, "clamav 1.4", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_get(f->s, "no hash", "clamav 1.4", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_by_hash(f->s, "sha1", sha1, 69, "clamav 1.4", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_by_hash(f->s, "sha1", sha1, -1, "clamav 1.4", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_by_hash(f->s, "sha1", sha1, 68, "clamav 1.4", "1", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_by_hash(f->s, "md5", sha1, 68, "clamav 1.4", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
	fails(store_verdict_by_hash(f->s, "dropbox", SHA_A, 68, "clamav 1.4", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
	/* Newer signatures say otherwise: the old verdict is history. Hashes that are none are passed over. */
	r.item = an_item_id(f, "file-2");
	r.signatures = "27001";
	r.verdict = "clean";
	r.threats = NULL;
	r.hash = "not hex at all";
	ok(store_item_finish(f->s, &r, NULL, &f->err));
	ok(store_verdict_by_hash(f->s, "sha1", sha1, 68, "clamav 1.4", "27001", f->a, &v, &f->err));
	assert_string_equal(v.verdict, "clean");
	assert_null(v.threats);
	fails(store_verdict_get(f->s, SHA_A, "clamav 1.4", "27000", f->a, &v, &f->err), ERR_GONE, "not_found");
}

static void the_outbox_keeps_order_and_offsets(void **state)
{
	struct fixture *f = *state;
	struct store_outbox *l;
	size_t n;

	for (int i = 0; i < 10; i++) {
		char uid[16], json[32];
		snprintf(uid, sizeof(uid), "e%d", i);
		snprintf(json, sizeof(json), "{\"n\":%d}", i);
		const struct store_event e = {uid, json};
		ok(store_event_add(f->s, "aoba", &e, &f->err));
	}
	/* The same event again is there already, and takes no number. */
	const struct store_event again = {"e3", "{}"}, more = {"e10", "{}"};
	ok(store_event_add(f->s, "aoba", &again, &f->err));
	ok(store_event_add(f->s, "aoba", &more, &f->err));
	assert_int_equal(count_events(f), 11);
	ok(store_event_next(f->s, "file", 4, f->a, &l, &n, &f->err));
	assert_int_equal(n, 4);
	assert_string_equal(l[3].uid, "e3");
	assert_string_equal(l[3].json, "{\"n\":3}");
	ok(store_event_confirm(f->s, "file", l[3].seq, &f->err));
	ok(store_event_next(f->s, "file", 100, f->a, &l, &n, &f->err));
	assert_int_equal(n, 7);
	assert_int_equal(l[0].seq, 5);
	/* Another sink is where it is; nobody goes back, or beyond what there is. */
	ok(store_event_next(f->s, "syslog", 100, f->a, &l, &n, &f->err));
	assert_int_equal(n, 11);
	ok(store_event_confirm(f->s, "file", 2, &f->err));
	ok(store_event_next(f->s, "file", 100, f->a, &l, &n, &f->err));
	assert_int_equal(n, 7);
	ok(store_event_confirm(f->s, "file", 5000, &f->err));
	const struct store_event last = {"e11", "{}"};
	ok(store_event_add(f->s, "aoba", &last, &f->err));
	ok(store_event_next(f->s, "file", 100, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].uid, "e11");
	suite_reopen(f, "node:1");
	ok(store_event_next(f->s, "file", 100, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	ok(store_event_list(f->s, 9, 2, f->a, &l, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(l[0].seq, 10);
}

static void places_and_values(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf b = BUF_INIT(100);

	assert_int_equal(store_place_get(f->s, "c1", "mailbox/taro", &b, &f->err), 1);
	ok(store_place_put(f->s, "c1", "mailbox/taro", "folder-1", &f->err));
	ok(store_place_put(f->s, "c1", "mailbox/taro", "folder-2", &f->err));
	assert_int_equal(store_place_get(f->s, "c2", "mailbox/taro", &b, &f->err), 1);
	assert_int_equal(store_place_get(f->s, "c1", "mailbox/taro", &b, &f->err), 0);
	assert_string_equal(buf_str(&b), "folder-2");
	buf_clear(&b);
	fails(store_meta_get(f->s, "discovery/c1", &b, &f->err), ERR_GONE, "not_found");
	ok(store_meta_put(f->s, "discovery/c1", "41", &f->err));
	ok(store_meta_put(f->s, "discovery/c1", "42", &f->err));
	ok(store_meta_get(f->s, "discovery/c1", &b, &f->err));
	assert_string_equal(buf_str(&b), "42");
	_cleanup_buf_ struct buf tiny = BUF_INIT(1);
	fails(store_meta_get(f->s, "discovery/c1", &tiny, &f->err), ERR_TOO_BIG, "too_big");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)
	const struct CMUnitTest tests[] = {
		T(a_quarantine_lives),
		T(failed_and_deferred_actions),
		T(actions_wait_for_their_connection),
		T(monitor_mode_plans_nothing),
		T(an_item_done_before_gets_no_finding),
		T(findings_are_listed_by_filter),
		T(findings_of_a_rule),
		T(verdicts_are_known_by_content_and_judge),
		T(the_outbox_keeps_order_and_offsets),
		T(places_and_values),
	};

	return SUITE_RUN("actions", tests);
}
