/* What the store keeps for policies: files, modes, lists, recorded facts, people. */
#include "tests/conformance/store_suite.h"

#include "store/policy.h"

#include <string.h>

static int64_t put_file(struct fixture *f, const char *tenant, const char *name, const char *text, int64_t version)
{
	const struct store_policy_file file = {.tenant = tenant, .name = name, .text = text, .version = version, .changed_at = T0,
		.changed_by = "local:0"};
	int64_t v = 0;

	ok(store_policy_put(f->s, &file, &v, &f->err));
	return v;
}

static int64_t revision(struct fixture *f)
{
	int64_t r = -1;

	ok(store_policy_revision(f->s, &r, &f->err));
	return r;
}

static void a_file_has_versions(void **state)
{
	struct fixture *f = *state;
	struct store_policy_file *l;
	int64_t before = revision(f);
	size_t n;

	assert_int_equal(put_file(f, "aoba", "a.yaml", "one", 0), 1);
	assert_int_equal(put_file(f, "aoba", "a.yaml", "two", 1), 2);
	put_file(f, "", "all.yaml", "everybody's", 0);
	put_file(f, "sora", "a.yaml", "another", 0);
	assert_true(revision(f) > before);
	/* Somebody was faster; or it is not there, or there already. */
	const struct store_policy_file late = {.tenant = "aoba", .name = "a.yaml", .text = "late", .version = 1},
				       none = {.tenant = "aoba", .name = "b.yaml", .text = "x", .version = 3},
				       there = {.tenant = "aoba", .name = "a.yaml", .text = "x", .version = 0};
	fails(store_policy_put(f->s, &late, NULL, &f->err), ERR_CHANGED, "changed");
	fails(store_policy_put(f->s, &none, NULL, &f->err), ERR_CHANGED, "changed");
	fails(store_policy_put(f->s, &there, NULL, &f->err), ERR_CHANGED, "changed");
	ok(store_policy_list(f->s, NULL, f->a, &l, &n, &f->err));
	assert_int_equal(n, 3);
	ok(store_policy_list(f->s, "|aoba|", f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].text, "two");
	assert_int_equal(l[0].version, 2);
	assert_string_equal(l[0].changed_by, "local:0");
	ok(store_policy_list(f->s, "||", f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].name, "all.yaml");
	ok(store_policy_versions(f->s, "aoba", "a.yaml", f->a, &l, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(l[0].text, "two");
	assert_string_equal(l[1].text, "one");
}

static void a_deleted_file_may_come_back(void **state)
{
	struct fixture *f = *state;
	struct store_policy_file *l;
	size_t n;

	put_file(f, "aoba", "a.yaml", "one", 0);
	assert_int_equal(put_file(f, "aoba", "a.yaml", NULL, 1), 2);
	ok(store_policy_list(f->s, NULL, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	assert_int_equal(put_file(f, "aoba", "a.yaml", "again", 0), 3);
	for (int i = 0; i < 30; i++)
		put_file(f, "aoba", "a.yaml", "more", 3 + i);
	ok(store_policy_versions(f->s, "aoba", "a.yaml", f->a, &l, &n, &f->err));
	assert_int_equal(n, 20);
	assert_int_equal(l[0].version, 33);
}

static void put_mode(struct fixture *f, const char *tenant, const char *rule, int mode)
{
	const struct store_policy_mode m = {.tenant = tenant, .rule = rule, .mode = mode, .changed_at = T0, .changed_by = "who"};

	ok(store_mode_put(f->s, &m, &f->err));
}

static void modes_and_options_are_a_tenants_own(void **state)
{
	struct fixture *f = *state;
	struct store_policy_mode *l;
	_cleanup_buf_ struct buf b = BUF_INIT(100);
	size_t n;

	put_mode(f, "aoba", "z", 2);
	put_mode(f, "aoba", "a.b", 1);
	put_mode(f, "sora", "z", 0);
	int64_t before = revision(f);
	put_mode(f, "aoba", "z", 0);
	assert_true(revision(f) > before);
	ok(store_mode_list(f->s, "aoba", f->a, &l, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(l[0].rule, "a.b");
	assert_int_equal(l[1].mode, 0);
	put_mode(f, "aoba", "z", -1);
	ok(store_mode_list(f->s, "aoba", f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	fails(store_option_get(f->s, "aoba", "may_delete", &b, &f->err), ERR_GONE, "not_found");
	ok(store_option_put(f->s, "aoba", "may_delete", "true", &f->err));
	ok(store_option_get(f->s, "aoba", "may_delete", &b, &f->err));
	assert_string_equal(buf_str(&b), "true");
	fails(store_option_get(f->s, "sora", "may_delete", &b, &f->err), ERR_GONE, "not_found");
	ok(store_option_put(f->s, "aoba", "may_delete", NULL, &f->err));
	fails(store_option_get(f->s, "aoba", "may_delete", &b, &f->err), ERR_GONE, "not_found");
}

static void list_entries_end(void **state)
{
	struct fixture *f = *state;
	struct store_list_entry e = {.tenant = "aoba", .kind = LIST_DOMAIN, .approved = true, .value = "example.co.jp", .reason = "取引先",
		.author = "local:0", .created_at = T0, .ends_at = T0 + 1000}, got, *l;
	int64_t id, other;
	size_t n;

	ok(store_list_add(f->s, &e, &id, &f->err));
	e.approved = false;
	fails(store_list_add(f->s, &e, NULL, &f->err), ERR_CHANGED, "exists");
	ok(store_list_get(f->s, id, f->a, &got, &f->err));
	assert_true(got.approved);
	assert_string_equal(got.reason, "取引先");
	ok(store_list_all(f->s, "aoba", 0, T0 + 999, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	ok(store_list_all(f->s, "aoba", LIST_DOMAIN, T0 + 1000, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	ok(store_list_all(f->s, "aoba", LIST_DOMAIN, 0, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	ok(store_list_all(f->s, "aoba", LIST_HASH, 0, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	/* The ended one gives way. */
	e.created_at = T0 + 1000;
	e.ends_at = 0;
	ok(store_list_add(f->s, &e, &other, &f->err));
	ok(store_list_get(f->s, other, f->a, &got, &f->err));
	assert_false(got.approved);
	int64_t before = revision(f);
	ok(store_list_remove(f->s, other, &f->err));
	assert_true(revision(f) > before);
	fails(store_list_remove(f->s, other, &f->err), ERR_GONE, "not_found");
}

/* ---- recorded facts ---- */

static void end_with(struct fixture *f, int64_t item, const char *facts, const char *sha256, const char *content_facts,
	const char *detectors)
{
	const struct store_result r = {.item = item, .state = ITEM_SCANNED, .reason = "", .now = T0 + 10, .sha256 = sha256, .size = 7,
		.verdict = "clean", .verdict_reason = "", .threats = "[]", .engine = "E", .signatures = "S", .facts = facts,
		.content = sha256, .content_facts = content_facts, .detectors = detectors};

	ok(store_item_finish(f->s, &r, NULL, &f->err));
}

static void facts_are_kept_once_for_a_content(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "sora");
	int64_t t = put_stream(f, "c1", "s1"), u = put_stream(f, "c2", "s2");
	struct store_seen *l, one;
	const char *facts;
	size_t n;

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	int64_t i1 = claim_one(f, T0, "file-1");
	end_with(f, i1, "{\"own\":1}", SHA_A, "{\"parts\":[1]}", "");
	put_item(f, t, "file-2", "v1", LANE_LIVE);
	end_with(f, claim_one(f, T0, "file-2"), "{\"own\":2}", SHA_A, NULL, "");
	put_item(f, u, "file-3", "v1", LANE_LIVE);
	end_with(f, claim_one(f, T0, "file-3"), "{\"own\":3}", SHA_A, "{\"parts\":[2]}", "other");
	ok(store_seen_list(f->s, "aoba", 0, 0, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(l[0].facts, "{\"own\":1}");
	assert_string_equal(l[1].facts, "{\"own\":2}");
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(l[i].content, "{\"parts\":[1]}");
		assert_string_equal(l[i].sha256, SHA_A);
		assert_string_equal(l[i].verdict, "clean");
		assert_string_equal(l[i].engine, "E");
		assert_string_equal(l[i].connection, "c1");
		assert_int_equal(l[i].size, 7);
	}
	ok(store_seen_list(f->s, NULL, T0 + 10, l[1].item, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].tenant, "sora");
	assert_string_equal(l[0].detectors, "other");
	ok(store_seen_list(f->s, NULL, T0 + 11, 0, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	ok(store_seen_newest(f->s, "aoba", 0, INT64_MAX, 1, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].facts, "{\"own\":2}");
	ok(store_seen_newest(f->s, "aoba", 0, l[0].item, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(l[0].facts, "{\"own\":1}");
	ok(store_seen_newest(f->s, "aoba", 0, l[0].item, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	ok(store_seen_newest(f->s, NULL, T0 + 11, INT64_MAX, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	ok(store_seen_newest(f->s, NULL, T0 + 10, INT64_MAX, 10, f->a, &l, &n, &f->err));
	assert_int_equal(n, 3);
	assert_string_equal(l[0].tenant, "sora");
	ok(store_seen_get(f->s, i1, f->a, &one, &f->err));
	assert_string_equal(one.remote_id, "file-1");
	ok(store_content_get(f->s, SHA_A, "other", f->a, &facts, &f->err));
	assert_string_equal(facts, "{\"parts\":[2]}");
	fails(store_content_get(f->s, SHA_A, "third", f->a, &facts, &f->err), ERR_GONE, "not_found");
	fails(store_content_get(f->s, SHA_B, "", f->a, &facts, &f->err), ERR_GONE, "not_found");
	fails(store_content_get(f->s, "no hash", "", f->a, &facts, &f->err), ERR_GONE, "not_found");
}

static void copies_lie_in_all_clouds_of_the_tenant(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "aoba");
	put_connection(f, "c3", "sora");
	int64_t t1 = put_stream(f, "c1", "s1"), t2 = put_stream(f, "c2", "s1"), t3 = put_stream(f, "c3", "s1");
	struct store_seen *l;
	size_t n;

	put_item(f, t1, "file-1", "v1", LANE_LIVE);
	end_with(f, claim_one(f, T0, "file-1"), NULL, SHA_A, "{}", "");
	put_item(f, t2, "file-2", "v1", LANE_LIVE);
	end_with(f, claim_one(f, T0, "file-2"), NULL, SHA_A, "{}", "x");
	put_item(f, t2, "file-3", "v1", LANE_LIVE);
	end_with(f, claim_one(f, T0, "file-3"), NULL, SHA_B, "{}", "");
	put_item(f, t3, "file-4", "v1", LANE_LIVE);
	end_with(f, claim_one(f, T0, "file-4"), NULL, SHA_A, "{}", "");
	ok(store_copies(f->s, "aoba", SHA_A, f->a, &l, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(l[0].remote_id, "file-1");
	assert_string_equal(l[1].remote_id, "file-2");
	ok(store_copies(f->s, "aoba", "", f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	/* What acts on them later asks for the item as the feed brought it. */
	assert_non_null(item_get(f, l ? l[0].item : 1).path);
}

static void judged_once_more(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_item *l, i = an_item("file-1", "v1", LANE_LIVE);
	int64_t done;

	i.sharing_mark = "outside:1";
	put_items(f, t, &i, 1);
	int64_t id = claim_one(f, T0, "file-1");
	end_with(f, id, "{}", SHA_A, "{}", "");
	/* The same mark is a repeat; none is noted; another one is news. */
	assert_int_equal(put_items(f, t, &i, 1), 0);
	i.sharing_mark = NULL;
	assert_int_equal(put_items(f, t, &i, 1), 0);
	assert_null(item_get(f, id).sharing_mark);
	i.sharing_mark = "public";
	assert_int_equal(put_items(f, t, &i, 1), 1);
	assert_int_equal(claim_items(f, T0 + 20, 10, &l), 1);
	assert_int_equal(l[0].id, id);
	assert_int_equal(l[0].again, AGAIN_SHARING);
	check_counts(f);
	end_with(f, id, NULL, SHA_A, NULL, "");
	assert_int_equal(item_get(f, id).again, 0);
	ok(store_item_again(f->s, &id, 1, LANE_BACKLOG, &done, &f->err));
	assert_int_equal(done, 1);
	assert_int_equal(item_get(f, id).again, AGAIN_RULES);
	check_counts(f);
	end_with(f, id, NULL, SHA_A, NULL, "");
	check_counts(f);
}

static void pruned_with_the_last_item(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_retention keep = {.now = T0 + 100000, .events_ms = 1000, .items_ms = 1, .engine = "E", .signatures = "S"};
	const char *facts;

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	put_item(f, t, "file-2", "v1", LANE_LIVE);
	end_with(f, claim_one(f, T0, "file-1"), "{}", SHA_A, "{}", "");
	end_with(f, claim_one(f, T0, "file-2"), "{}", SHA_B, "{}", "");
	for (int round = 0; round < 2; round++) {
		struct store_prune at = {0};
		if (round)
			keep.now = T0 + 3 * INT64_C(86400000);
		while (at.phase != PRUNE_DONE)
			ok(store_prune(f->s, &keep, &at, &f->err));
		/* For a day it may be needed by what ends just now. */
		assert_int_equal(at.items, round ? 0 : 2);
		assert_int_equal(at.contents, round ? 2 : 0);
	}
	fails(store_content_get(f->s, SHA_A, "", f->a, &facts, &f->err), ERR_GONE, "not_found");
}

/* ---- findings ---- */

static void a_finding_with_its_rules_and_act(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct finding_filter filter = {.rule = "data.my_number"};
	struct store_finding *l;
	size_t n;

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	const struct store_finding made = {.uid = "u1", .tenant = "aoba", .connection = "c1", .provider = "box", .remote_id = "file-1",
		.version = "v1", .sha256 = SHA_A, .verdict = "clean", .threats = "[]",
		.rules = "[{\"id\":\"data.my_number\",\"severity\":\"high\",\"category\":\"data\"}]", .facts = "{\"hits\":[]}",
		.action_kind = "unshare", .action_state = "planned", .op_id = "op-u1", .act = "{\"tag\":\"x\"}", .verdict_at = T0};
	const struct store_result r = {.item = claim_one(f, T0, "file-1"), .state = ITEM_SCANNED, .reason = "", .now = T0,
		.finding = &made};
	int64_t id;
	ok(store_item_finish(f->s, &r, &id, &f->err));
	struct store_finding got = finding_get(f, "u1");
	assert_string_equal(got.facts, "{\"hits\":[]}");
	assert_string_equal(got.act, "{\"tag\":\"x\"}");
	ok(store_finding_list(f->s, &filter, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	assert_null(l[0].facts);
	filter.category = "data";
	ok(store_finding_list(f->s, &filter, f->a, &l, &n, &f->err));
	assert_int_equal(n, 1);
	filter.category = "malware";
	ok(store_finding_list(f->s, &filter, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	filter = (struct finding_filter){.rule = "data.my"};
	ok(store_finding_list(f->s, &filter, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	/* It is not held: nothing to delete, though it can be undone. */
	struct store_finding c;
	ok(store_action_claim(f->s, id, T0 + 1, T0 + LEASE, f->a, &c, NULL, &f->err));
	assert_string_equal(c.act, "{\"tag\":\"x\"}");
	ok(store_action_intend(f->s, id, "intended", "{}", &f->err));
	ok(store_action_finish(f->s, id, "done", "{}", "", T0 + 2, NULL, 0, NULL, &f->err));
	filter = (struct finding_filter){.quarantined = true};
	ok(store_finding_list(f->s, &filter, f->a, &l, &n, &f->err));
	assert_int_equal(n, 0);
	fails(store_action_ask(f->s, id, "deleting", "op-2", &f->err), ERR_CHANGED, "wrong_state");
	ok(store_action_ask(f->s, id, "restoring", "op-2", &f->err));
}

static void deleted_by_way_of_quarantine(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	int64_t t = put_stream(f, "c1", "s1");
	struct store_finding c;

	put_item(f, t, "file-1", "v1", LANE_LIVE);
	int64_t id = put_finding(f, claim_one(f, T0, "file-1"), "u1", "planned");
	ok(store_action_claim(f->s, id, T0 + 1, T0 + LEASE, f->a, &c, NULL, &f->err));
	ok(store_action_intend(f->s, id, "intended", "{}", &f->err));
	ok(store_action_finish(f->s, id, "deleting", "{}", "", T0 + 2, NULL, 0, NULL, &f->err));
	assert_int_equal(finding_get(f, "u1").contained_at, T0 + 2);
	/* Whoever is next goes on, after a crash too. */
	suite_reopen(f, "node:1");
	ok(store_action_claim(f->s, 0, T0 + 3, T0 + LEASE, f->a, &c, NULL, &f->err));
	assert_string_equal(c.action_state, "deleting");
	ok(store_action_finish(f->s, id, "deleted", NULL, "", T0 + 4, NULL, 0, NULL, &f->err));
	fails(store_action_claim(f->s, 0, T0 + 5, T0 + LEASE, f->a, &c, NULL, &f->err), ERR_GONE, "nothing");
}

/* ---- people ---- */

static void people_of_the_last_round(void **state)
{
	struct fixture *f = *state;
	put_connection(f, "c1", "aoba");
	put_connection(f, "c2", "sora");
	const struct store_person two[] = {
		{.address = "taro@aoba.example", .name = "青葉 太郎", .key = "青葉太郎", .job_title = "社長", .groups = "|役員|全員|",
			.aliases = "|t.aoba@aoba.example|"},
		{.address = "hanako@aoba.example", .name = "花子", .key = "花子", .org_unit = "/営業"}};
	struct store_person p;
	_cleanup_buf_ struct buf b = BUF_INIT(1000);

	ok(store_people_sync(f->s, "c1", 1, two, 2, &f->err));
	ok(store_people_end(f->s, "c1", 1, "|aoba.example|aoba.jp|", &f->err));
	ok(store_people_sync(f->s, "c2", 1, two, 1, &f->err));
	ok(store_people_end(f->s, "c2", 1, "|sora.example|", &f->err));
	ok(store_person_get(f->s, "aoba", "taro@aoba.example", f->a, &p, &f->err));
	assert_string_equal(p.groups, "|役員|全員|");
	assert_string_equal(p.connection, "c1");
	ok(store_person_get(f->s, "aoba", "t.aoba@aoba.example", f->a, &p, &f->err));
	assert_string_equal(p.name, "青葉 太郎");
	ok(store_person_named(f->s, "aoba", "花子", f->a, &p, &f->err));
	assert_string_equal(p.org_unit, "/営業");
	fails(store_person_named(f->s, "sora", "花子", f->a, &p, &f->err), ERR_GONE, "not_found");
	fails(store_person_named(f->s, "aoba", "", f->a, &p, &f->err), ERR_GONE, "not_found");
	ok(store_domains(f->s, "aoba", &b, &f->err));
	assert_string_equal(buf_str(&b), "|aoba.example|aoba.jp|");
	/* Who is not in the next round has left. */
	ok(store_people_sync(f->s, "c1", 2, two + 1, 1, &f->err));
	ok(store_person_get(f->s, "aoba", "taro@aoba.example", f->a, &p, &f->err));
	ok(store_people_end(f->s, "c1", 2, "|aoba.example|", &f->err));
	fails(store_person_get(f->s, "aoba", "taro@aoba.example", f->a, &p, &f->err), ERR_GONE, "not_found");
	fails(store_person_get(f->s, "aoba", "t.aoba@aoba.example", f->a, &p, &f->err), ERR_GONE, "not_found");
	ok(store_person_get(f->s, "sora", "taro@aoba.example", f->a, &p, &f->err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_has_versions, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(a_deleted_file_may_come_back, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(modes_and_options_are_a_tenants_own, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(list_entries_end, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(facts_are_kept_once_for_a_content, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(copies_lie_in_all_clouds_of_the_tenant, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(judged_once_more, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(pruned_with_the_last_item, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(a_finding_with_its_rules_and_act, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(deleted_by_way_of_quarantine, suite_setup, suite_teardown),
		cmocka_unit_test_setup_teardown(people_of_the_last_round, suite_setup, suite_teardown),
	};

	return SUITE_RUN("policy", tests);
}
