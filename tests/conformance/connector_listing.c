/* Cases of the suite: the grant, the streams, what is there and what changes. See connector_suite.h. */
#include "connector_cases.h"

/* ---- the grant and the streams ---- */

void test_grant(void **state)
{
	struct follow *f = *state;
	struct err err = {0};
	int r = -1;

	for (int i = 0; i < 20 && r < 0; i++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct grant_report report = {.arena = a};
		r = suite_connector(f->suite)->check_grant(suite_connection(f->suite), &report, &err);
		if (r < 0 && err.class != ERR_RETRY)
			fail_msg("check_grant: %s: %s", err.code, err.message);
		if (r < 0)
			continue;
		assert_non_null(report.organisation);
		assert_non_null(report.organisation_id);
		for (const char *const *m = report.missing; m && *m; m++)
			fail_msg("missing: %s", *m);
	}
	assert_int_equal(r, 0);
}

void test_streams(void **state)
{
	struct follow *f = *state;
	const char *nobody = suite_target(f->suite)->unlicensed;
	bool unlicensed = false;

	follow_streams(f);
	assert_true(f->n_streams > 0);
	size_t n = f->n_streams;
	for (size_t i = 0; i < n; i++) {
		const struct stream_info *s = &f->streams[i].info;
		if (s->state != STREAM_ACTIVE)
			assert_true(s->reason && *s->reason);
		if (nobody && strcmp(s->owner, nobody) == 0)
			unlicensed = unlicensed || s->state == STREAM_UNLICENSED;
	}
	assert_true(!nobody || unlicensed);
	/* Listing again finds the same. */
	follow_streams(f);
	assert_int_equal(f->n_streams, n);
}

/* ---- what is there ---- */

void expect_complete(struct follow *f)
{
	_cleanup_json_ cJSON *all = suite_state(f->suite);
	cJSON *item;

	cJSON_ArrayForEach(item, all)
	{
		const char *id = json_str(item, "id"), *service = json_str(item, "service");
		const char *sha256 = json_str_or(item, "sha256", "");
		struct seen_item *it = NULL;
		if (suite_is_notice(f->suite, id))
			continue;
		for (size_t i = f->n_items; i > 0 && !it; i--) {
			struct seen_item *at = &f->items[i - 1];
			const char *its = at->item.service ? at->item.service : f->streams[at->stream].info.service;
			if (strcmp(its, service) == 0 && same_id(at->item.id, id))
				it = at;
		}
		if (!it)
			fail_msg("%s %s (%s%s) was not seen", service, id, json_str_or(item, "place", ""),
				json_str_or(item, "name", ""));
		assert_false(it->removed);
		if (it->item.size >= 0)
			assert_int_equal(it->item.size, json_int64_or(item, "size", -2));
		if (it->item.hash_kind && strcmp(it->item.hash_kind, "sha256") == 0)
			assert_string_equal(it->item.hash, sha256);
		assert_true(it->item.changed_at > 0 || (suite_target(f->suite)->undated_mail && it->item.kind == ITEM_MESSAGE));
	}
	for (size_t i = 0; i < f->n_items; i++) {
		bool there = f->items[i].removed || f->items[i].item.skip || suite_target(f->suite)->silent_removals;
		cJSON_ArrayForEach(item, all)
		{
			there = there || same_id(f->items[i].item.id, json_str_or(item, "id", ""));
		}
		if (!there)
			fail_msg("%s was seen and is not there", f->items[i].item.id);
	}
}

void test_listing(void **state)
{
	struct follow *f = *state;

	follow_poll(f);
	expect_complete(f);
	/* Nothing new: nothing comes. */
	size_t n = f->n_items;
	follow_poll(f);
	assert_int_equal(f->n_items, n);
}

void test_content(void **state)
{
	struct follow *f = *state;
	_cleanup_json_ cJSON *all = suite_state(f->suite);
	cJSON *item;

	for (size_t i = 0; i < f->n_items; i++) {
		const struct seen_item *it = &f->items[i];
		char sha256[65] = "";
		struct err err = {0};
		if (it->item.skip || it->removed)
			continue;
		if (act_hash(f, it, sha256, &err) < 0)
			fail_msg("%s: %s: %s", it->item.id, err.code, err.message);
		if (!sha256[0] || it->item.kind == ITEM_CHAT) {
			assert_true(sha256[0] || it->item.provider_threat);
			continue;
		}
		cJSON_ArrayForEach(item, all)
		{
			if (strcmp(it->item.id, json_str_or(item, "id", "")) == 0)
				assert_string_equal(sha256, json_str_or(item, "sha256", ""));
		}
	}
}

void test_describe(void **state)
{
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);

	for (size_t i = 0; i < f->n_items && k->describe; i++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct item item = f->items[i].item;
		struct err err = {0};
		int r = -1;
		for (int n = 0; n < 20 && r < 0; n++) {
			r = k->describe(suite_connection(f->suite), &f->streams[f->items[i].stream].info, &item, a, &err);
			if (r < 0 && err.class != ERR_RETRY)
				fail_msg("describe %s: %s: %s", item.id, err.code, err.message);
		}
		assert_int_equal(r, 0);
		if (item.kind == ITEM_MESSAGE)
			assert_true(item.from && item.subject && item.received_at > 0);
		if (item.kind == ITEM_FILE)
			assert_true(item.path && item.path[0] == '/' && item.name);
	}
}

/* ---- what changes ---- */

void test_new(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);

	if (t->add_file) {
		_cleanup_free_ char *id = t->add_file(f->suite, "new one.txt", "something new");
		follow_poll(f);
		struct seen_item *it = follow_find(f, id);
		assert_non_null(it);
		assert_int_equal(it->item.kind, ITEM_FILE);
		assert_string_equal(it->item.name, "new one.txt");
	}
	if (t->add_mail) {
		_cleanup_free_ char *id = t->add_mail(f->suite,
			"From: new@out.example\r\nTo: mio@aoba.example\r\nSubject: brand new\r\nMessage-ID: <new@out.example>\r\n"
			"Date: Sun, 22 Nov 2026 01:02:03 +0000\r\n\r\nnew\r\n");
		follow_poll(f);
		struct seen_item *it = follow_find(f, id);
		assert_non_null(it);
		assert_int_equal(it->item.kind, ITEM_MESSAGE);
	}
	expect_complete(f);
}

void test_changed(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
	char before[65], after[65];
	struct err err = {0};

	if (!t->change_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "changing.txt", "version one");
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), 1);
	assert_int_equal(act_hash(f, follow_find(f, id), before, &err), 0);
	t->change_file(f->suite, id, "version two, and longer");
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), 2);
	assert_int_equal(act_hash(f, follow_find(f, id), after, &err), 0);
	assert_string_not_equal(before, after);
}

void test_renamed(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);

	if (!t->rename_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "old name.txt", "the same all along");
	follow_poll(f);
	t->rename_file(f->suite, id, "new name.txt");
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), 1);
	assert_false(follow_find(f, id)->removed);
}

void test_removed(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);

	if (t->delete_file) {
		_cleanup_free_ char *id = t->add_file(f->suite, "short-lived.txt", "soon gone");
		follow_poll(f);
		assert_false(follow_find(f, id)->removed);
		t->delete_file(f->suite, id);
		follow_poll(f);
		assert_true(follow_find(f, id)->removed || t->silent_removals);
		char sha256[65];
		struct err err = {0};
		assert_int_equal(act_hash(f, follow_find(f, id), sha256, &err), -1);
		assert_int_equal(err.class, ERR_GONE);
	}
	if (t->delete_mail) {
		_cleanup_free_ char *id = t->add_mail(f->suite,
			"From: a@out.example\r\nTo: mio@aoba.example\r\nSubject: short-lived\r\nMessage-ID: <gone@out.example>\r\n"
			"Date: Sun, 22 Nov 2026 01:02:03 +0000\r\n\r\ngone\r\n");
		follow_poll(f);
		assert_false(follow_find(f, id)->removed);
		t->delete_mail(f->suite, id);
		follow_poll(f);
		assert_true(follow_find(f, id)->removed);
	}
}

void test_lost_cursors(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
	_cleanup_free_ char *id = NULL;
	size_t n = f->n_items;

	if (t->add_file)
		id = t->add_file(f->suite, "in the gap.txt", "changed while nobody looked");
	json_free(suite_control(f->suite, "POST", "/expire-cursors", "{}"));
	follow_poll(f);
	if (id)
		assert_non_null(follow_find(f, id));
	/* What was known comes again as what it was. */
	assert_int_equal(f->n_items, n + (id ? 1 : 0));
	expect_complete(f);
}

/* A place to start from that is no cursor of ours, or one cut short, is a lost one and nothing worse. */
void test_bad_cursor(void **state)
{
	struct follow *f = *state;

	for (size_t i = 0; i < f->n_streams; i++) {
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct item_page page = {.arena = a};
		const struct poll_request req = {.stream = &f->streams[i].info, .cursor = "{\"link\":", .backlog = BACKLOG_ALL};
		struct err err = {0};
		if (f->streams[i].info.state != STREAM_ACTIVE)
			continue;
		assert_int_equal(suite_connector(f->suite)->poll(suite_connection(f->suite), &req, &page, &err), -1);
		assert_true(err.class == ERR_CURSOR || (suite_is_faulty(f->suite) && err.class == ERR_RETRY));
	}
}

/* From now on: nothing of before, all of after. */
void test_backlog_none(void **state)
{
	struct follow *old = *state;
	struct follow *f = follow_new(old->suite);
	size_t listed = 0;

	f->backlog = BACKLOG_NONE;
	follow_streams(f);
	follow_poll(f);
	/* A feed that has no way to start from now gives what is there, marked as listing; core leaves it out. */
	listed = f->n_items;
	_cleanup_free_ char *id = suite_target(f->suite)->add_file ? suite_target(f->suite)->add_file(f->suite, "from now on.txt", "later") : NULL;
	follow_poll(f);
	if (id) {
		assert_non_null(follow_find(f, id));
		assert_int_equal(f->n_items, listed + 1);
	}
	follow_poll(old);
	follow_free(f);
}
