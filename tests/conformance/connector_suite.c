/* The cases that every connector passes; see connector_suite.h. One thread, one fakecloud per group.
 *
 * The cases of a group share what was followed before, as core does: they run in order. */
#include "connector_suite.h"

#include "base/timeutil.h"


/* How the next group is set up: cmocka's group setup takes no argument. */
static struct {
	const struct suite_target *target;
	int page_size;
	const struct faulty_options *faults;
} group;

static int group_start(void **state)
{
	struct suite *s = NULL;

	suite_start(group.target, group.page_size, group.faults, &s);
	*state = follow_new(s);
	return 0;
}

static int group_stop(void **state)
{
	struct follow *f = *state;

	if (!f)
		return 0;
	struct suite *s = f->suite;
	follow_free(f);
	suite_stop(s);
	return 0;
}

/* ---- the grant and the streams ---- */

static void test_grant(void **state)
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

static void test_streams(void **state)
{
	struct follow *f = *state;
	const char *nobody = group.target->unlicensed;
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

static void expect_complete(struct follow *f)
{
	_cleanup_json_ cJSON *all = suite_state(f->suite);
	cJSON *item;

	cJSON_ArrayForEach(item, all)
	{
		const char *id = json_str(item, "id"), *service = json_str(item, "service");
		const char *sha256 = json_str_or(item, "sha256", "");
		struct seen_item *it = NULL;
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
		assert_true(it->item.changed_at > 0 || (group.target->undated_mail && it->item.kind == ITEM_MESSAGE));
	}
	for (size_t i = 0; i < f->n_items; i++) {
		bool there = f->items[i].removed || f->items[i].item.skip || group.target->silent_removals;
		cJSON_ArrayForEach(item, all)
		{
			there = there || same_id(f->items[i].item.id, json_str_or(item, "id", ""));
		}
		if (!there)
			fail_msg("%s was seen and is not there", f->items[i].item.id);
	}
}

static void test_listing(void **state)
{
	struct follow *f = *state;

	follow_poll(f);
	expect_complete(f);
	/* Nothing new: nothing comes. */
	size_t n = f->n_items;
	follow_poll(f);
	assert_int_equal(f->n_items, n);
}

static void test_content(void **state)
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

static void test_describe(void **state)
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

static void test_new(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;

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

static void test_changed(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;
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

static void test_renamed(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;

	if (!t->rename_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "old name.txt", "the same all along");
	follow_poll(f);
	t->rename_file(f->suite, id, "new name.txt");
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), 1);
	assert_false(follow_find(f, id)->removed);
}

static void test_removed(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;

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

static void test_lost_cursors(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;
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
static void test_bad_cursor(void **state)
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
static void test_backlog_none(void **state)
{
	struct follow *old = *state;
	struct follow *f = follow_new(old->suite);
	size_t listed = 0;

	f->backlog = BACKLOG_NONE;
	follow_streams(f);
	follow_poll(f);
	/* A feed that has no way to start from now gives what is there, marked as listing; core leaves it out. */
	listed = f->n_items;
	_cleanup_free_ char *id = group.target->add_file ? group.target->add_file(f->suite, "from now on.txt", "later") : NULL;
	follow_poll(f);
	if (id) {
		assert_non_null(follow_find(f, id));
		assert_int_equal(f->n_items, listed + 1);
	}
	follow_poll(old);
	follow_free(f);
}

/* ---- containing ---- */

static struct seen_item *threat_of(struct follow *f, enum item_kind kind)
{
	const struct suite_target *t = group.target;
	_cleanup_json_ cJSON *all = suite_state(f->suite);
	cJSON *item;

	if (kind == ITEM_FILE && t->threat_file)
		return follow_find_name(f, kind, t->threat_file);
	if (kind == ITEM_MESSAGE && t->threat_mail) {
		/* Feeds may give messages without a subject. */
		cJSON_ArrayForEach(item, all)
		{
			if (strcmp(json_str_or(item, "name", ""), t->threat_mail) == 0)
				return follow_find(f, json_str_or(item, "id", ""));
		}
	}
	if (kind == ITEM_CHAT && t->threat_chat_body)
		for (size_t i = 0; i < f->n_items; i++)
			if (f->items[i].item.kind == ITEM_CHAT && !f->items[i].item.skip)
				return &f->items[i];
	return NULL;
}

static const char *service_of(struct follow *f, const struct seen_item *it)
{
	return it->item.service ? it->item.service : f->streams[it->stream].info.service;
}

static char *state_of(struct follow *f, const struct seen_item *it)
{
	return suite_state_text(f->suite, service_of(f, it), it->item.id);
}

#define RECEIPT(name) _cleanup_buf_ struct buf name = BUF_INIT(CONNECTOR_TEXT_MAX)

static void plan(struct follow *f, const struct seen_item *it, struct buf *receipt)
{
	_cleanup_json_ cJSON *doc = NULL;
	struct err err = {0};

	if (act_plan(f, it, receipt, &err) < 0)
		fail_msg("plan: %s: %s", err.code, err.message);
	if (json_parse(buf_str(receipt), receipt->len, &doc, &err) < 0 || !cJSON_IsObject(doc))
		fail_msg("the receipt is no JSON object: %s", buf_str(receipt));
}

static void quarantine(struct follow *f, struct buf *receipt)
{
	struct observation seen = {0};
	struct err err = {0};

	if (act_quarantine(f, receipt, &err) < 0)
		fail_msg("quarantine: %s: %s", err.code, err.message);
	act_observe(f, buf_str(receipt), &seen);
	assert_true(seen.exists && seen.quarantined && !seen.restored);
}

static void expect_held(struct follow *f, const struct seen_item *it)
{
	_cleanup_free_ char *now = state_of(f, it);

	if (!strstr(now, "quarantined=true"))
		fail_msg("not in quarantine:\n%s", now);
	if (it->item.kind == ITEM_FILE && !strstr(now, "sharing=[]"))
		fail_msg("still shared:\n%s", now);
}

static void restore(struct follow *f, const struct seen_item *it, struct buf *receipt, const char *before)
{
	struct observation seen = {0};
	struct err err = {0};

	if (act_restore(f, receipt, &err) < 0)
		fail_msg("restore: %s: %s", err.code, err.message);
	act_observe(f, buf_str(receipt), &seen);
	assert_true(seen.exists && !seen.quarantined && seen.restored);
	_cleanup_free_ char *after = state_of(f, it);
	assert_string_equal(after, before);
}

static void contain(struct follow *f, enum item_kind kind)
{
	struct seen_item *it = threat_of(f, kind);
	char judged[65] = "", held[65] = "", back[65] = "";
	struct err err = {0};
	RECEIPT(receipt);

	if (!it)
		skip();
	_cleanup_free_ char *before = state_of(f, it);
	assert_int_equal(act_hash(f, it, judged, &err), 0);
	plan(f, it, &receipt);
	_cleanup_free_ char *planned = state_of(f, it);
	assert_string_equal(planned, before);
	quarantine(f, &receipt);
	expect_held(f, it);
	assert_int_equal(act_hash_held(f, buf_str(&receipt), held, &err), 0);
	assert_string_equal(held, judged);
	/* What the feed says of the move is no new version. */
	size_t versions = follow_versions(f, it->item.id);
	_cleanup_free_ char *id = strdup(it->item.id);
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), versions);
	it = follow_find(f, id);
	restore(f, it, &receipt, before);
	assert_int_equal(act_hash_held(f, buf_str(&receipt), back, &err), 0);
	assert_string_equal(back, judged);
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), versions);
	assert_false(follow_find(f, id)->removed);
}

static void test_contain_file(void **state)
{
	contain(*state, ITEM_FILE);
}

static void test_contain_mail(void **state)
{
	contain(*state, ITEM_MESSAGE);
}

static void test_contain_chat(void **state)
{
	contain(*state, ITEM_CHAT);
}

static const enum item_kind kinds[] = {ITEM_FILE, ITEM_MESSAGE, ITEM_CHAT};

/* Every step twice, from the receipt of before it, as after a crash. */
static void test_repeats(void **state)
{
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct seen_item *it = threat_of(f, kinds[i]);
		struct err err = {0};
		RECEIPT(planned);
		RECEIPT(receipt);
		RECEIPT(again);
		if (!it)
			continue;
		_cleanup_free_ char *before = state_of(f, it);
		plan(f, it, &planned);
		buf_adds(&receipt, buf_str(&planned));
		quarantine(f, &receipt);
		_cleanup_free_ char *held = state_of(f, it);
		assert_int_equal(k->quarantine(suite_connection(f->suite), buf_str(&planned), true, &again, &err), 0);
		_cleanup_free_ char *held_again = state_of(f, it);
		assert_string_equal(held_again, held);
		/* Both receipts, the one of the plan and the one of the repeat, lead back. */
		buf_clear(&receipt);
		buf_adds(&receipt, buf_str(&again));
		restore(f, it, &receipt, before);
		buf_clear(&again);
		assert_int_equal(k->restore(suite_connection(f->suite), buf_str(&planned), true, &again, &err), 0);
		_cleanup_free_ char *after = state_of(f, it);
		assert_string_equal(after, before);
		/* The place is found again when it was made and not remembered. */
		suite_forget_places(f->suite);
		buf_clear(&planned);
		plan(f, it, &planned);
		quarantine(f, &planned);
		expect_held(f, it);
		restore(f, it, &planned, before);
	}
}

/* Each single request of an act fails once, in each of several ways. */
static void lost_answers(struct follow *f, enum item_kind kind, bool at_restore, const char *what)
{
	struct seen_item *it = threat_of(f, kind);

	for (int k = 0; it && k < 60; k++) {
		RECEIPT(receipt);
		struct err err = {0};
		_cleanup_free_ char *before = state_of(f, it);
		plan(f, it, &receipt);
		if (at_restore)
			quarantine(f, &receipt);
		suite_fault(f->suite, "\"what\":\"%s\",\"skip\":%d,\"times\":1", what, k);
		int r = at_restore ? act_restore(f, &receipt, &err) : act_quarantine(f, &receipt, &err);
		int hits = suite_faults_end(f->suite);
		if (r < 0)
			fail_msg("%s at request %d: %s: %s", what, k, err.code, err.message);
		if (!at_restore) {
			quarantine(f, &receipt); /* and once more */
			expect_held(f, it);
		}
		restore(f, it, &receipt, before);
		if (!hits)
			return;
	}
	if (it)
		fail_msg("an act needs more than 60 requests");
}

static void test_lost_answers(void **state)
{
	static const char *const ways[] = {"drop_reply", "reset", "status"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
			for (int at_restore = 0; at_restore < 2; at_restore++)
				lost_answers(*state, kinds[i], at_restore, ways[w]);
}

static void test_changed_between(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;
	struct err err = {0};
	RECEIPT(receipt);
	RECEIPT(other);

	if (!t->change_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "race.txt", "what was judged");
	follow_poll(f);
	struct seen_item old = *follow_find(f, id);
	plan(f, &old, &receipt);
	t->change_file(f->suite, id, "what it is now, and longer");
	_cleanup_free_ char *before = state_of(f, &old);
	assert_int_equal(act_quarantine(f, &receipt, &err), -1);
	assert_int_equal(err.class, ERR_CHANGED);
	_cleanup_free_ char *after = state_of(f, &old);
	assert_string_equal(after, before);
	/* The plan itself looks, too. */
	assert_int_equal(act_plan(f, &old, &other, &err), -1);
	assert_int_equal(err.class, ERR_CHANGED);
	/* The new version can be contained. */
	follow_poll(f);
	buf_clear(&receipt);
	plan(f, follow_find(f, id), &receipt);
	quarantine(f, &receipt);
	expect_held(f, &old);
	restore(f, &old, &receipt, before);
}

static void test_gone(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;
	struct observation seen = {0};
	struct err err = {0};
	RECEIPT(receipt);

	if (!t->delete_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "vanishing.txt", "here today");
	follow_poll(f);
	plan(f, follow_find(f, id), &receipt);
	t->delete_file(f->suite, id);
	assert_int_equal(act_quarantine(f, &receipt, &err), -1);
	assert_int_equal(err.class, ERR_GONE);
	act_observe(f, buf_str(&receipt), &seen);
	assert_false(seen.exists || seen.quarantined || seen.restored);
}

static void test_remove(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = group.target;
	const struct connector *k = suite_connector(f->suite);
	struct observation seen = {0};
	struct err err = {0};
	int r = -1;
	RECEIPT(receipt);

	if (!k->remove || !t->add_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "condemned.txt", "to be deleted for good");
	follow_poll(f);
	plan(f, follow_find(f, id), &receipt);
	/* Not before it is in quarantine. */
	assert_int_equal(k->remove(suite_connection(f->suite), buf_str(&receipt), true, &err), -1);
	quarantine(f, &receipt);
	for (int i = 0; i < 20 && r < 0; i++)
		r = k->remove(suite_connection(f->suite), buf_str(&receipt), i > 0, &err);
	assert_int_equal(r, 0);
	act_observe(f, buf_str(&receipt), &seen);
	assert_false(seen.exists);
	for (int i = 0, again = -1; i < 20 && again < 0; i++)
		again = r = k->remove(suite_connection(f->suite), buf_str(&receipt), true, &err);
	assert_int_equal(r, 0);
}

/* ---- answers that are none ---- */

struct bad {
	const char *name, *fault;
	enum err_class class; /* ERR_NONE: any error */
	bool json; /* bytes of a content cannot be told from it */
};

#define DEEP 100000

static const struct bad bads[] = {
	{"429", "\"what\":\"status\",\"status\":429,\"headers\":{\"Retry-After\":\"7\"}", ERR_RETRY, false},
	{"500", "\"what\":\"status\",\"status\":500,\"body\":\"oops\"", ERR_RETRY, false},
	{"503", "\"what\":\"status\",\"status\":503,\"headers\":{\"Retry-After\":\"9\"}", ERR_RETRY, false},
	{"reset", "\"what\":\"reset\"", ERR_RETRY, false},
	{"cut", "\"what\":\"cut\",\"after_bytes\":9", ERR_RETRY, false},
	{"wrong length", "\"what\":\"wrong_length\",\"length_delta\":50", ERR_RETRY, false},
	{"HTML", "\"what\":\"status\",\"status\":200,\"headers\":{\"Content-Type\":\"text/html\"},"
		 "\"body\":\"<html><body>Please sign in</body></html>\"", ERR_RETRY, true},
	{"nothing", "\"what\":\"status\",\"status\":200,\"body\":\"\"", ERR_NONE, true},
	{"empty object", "\"what\":\"status\",\"status\":200,\"body\":\"{}\"", ERR_NONE, true},
	{"a list", "\"what\":\"status\",\"status\":200,\"body\":\"[1,2]\"", ERR_NONE, true},
	{"duplicate keys", "\"what\":\"status\",\"status\":200,\"body\":\"{\\\"value\\\":[],\\\"value\\\":[{}]}\"", ERR_NONE, true},
	{"deep", NULL, ERR_NONE, true},
	{"another host", "\"what\":\"redirect\",\"location\":\"http://127.0.0.2:9/v1.0/users\"", ERR_NONE, true},
	{"404", "\"what\":\"status\",\"status\":404,\"body\":\"not JSON\"", ERR_NONE, false},
	{"403", "\"what\":\"status\",\"status\":403,\"body\":\"{\\\"error\\\":{}}\"", ERR_NONE, false},
	{"400", "\"what\":\"status\",\"status\":400,\"body\":\"{\\\"error\\\":\\\"x\\\"}\"", ERR_NONE, false},
};

static void arm(struct suite *s, const struct bad *b, int times)
{
	if (b->fault) {
		suite_fault(s, "%s,\"times\":%d", b->fault, times);
		return;
	}
	_cleanup_buf_ struct buf deep = BUF_INIT(DEEP + 1);
	for (int i = 0; i < DEEP; i++)
		buf_addc(&deep, '[');
	suite_fault(s, "\"what\":\"status\",\"status\":200,\"body\":\"%s\",\"times\":%d", buf_str(&deep), times);
}

static void expect_error(const struct bad *b, int r, const struct err *err)
{
	if (r == 0)
		fail_msg("%s: taken for an answer", b->name);
	if (b->class != ERR_NONE && err->class != b->class)
		fail_msg("%s: class %s (%s: %s)", b->name, err_class_name(err->class), err->code, err->message);
	assert_true(err->code[0] && err->message[0]);
	if (strstr(b->name, "429")) {
		assert_int_equal(err->scope, SCOPE_CONNECTION);
		assert_true(err->retry_at > time_now_ms() + 2000 && err->retry_at < time_now_ms() + 12000);
	}
}

static void test_bad_answers(void **state)
{
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);
	struct connection *c = suite_connection(f->suite);

	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		const struct bad *b = &bads[i];
		for (size_t n = 0; n < f->n_streams; n++) {
			_cleanup_(arena_freep) struct arena *a = arena_new(32u << 20);
			struct item_page page = {.arena = a};
			struct seen_stream *s = &f->streams[n];
			const struct poll_request req = {.stream = &s->info, .cursor = s->cursor, .backlog = BACKLOG_ALL};
			struct err err = {0};
			if (s->info.state != STREAM_ACTIVE || (n > 6 && n % 5))
				continue;
			arm(f->suite, b, 0);
			int r = k->poll(c, &req, &page, &err);
			assert_true(suite_faults_end(f->suite) > 0);
			expect_error(b, r, &err);
			assert_true(page.n_items == 0 && page.cursor == NULL);
		}
		_cleanup_(arena_freep) struct arena *a = arena_new(32u << 20);
		struct stream_page page = {.arena = a};
		struct err err = {0};
		arm(f->suite, b, 0);
		int r = k->list_streams(c, NULL, &page, &err);
		suite_faults_end(f->suite);
		expect_error(b, r, &err);
		struct grant_report report = {.arena = a};
		arm(f->suite, b, 0);
		r = k->check_grant(c, &report, &err);
		suite_faults_end(f->suite);
		/* A 404 or 400 can be an honest answer to a question about permissions. */
		if (r == 0 && strcmp(b->name, "404") != 0 && strcmp(b->name, "400") != 0)
			fail_msg("check_grant took %s for an answer", b->name);
	}
	/* Nothing of it was kept. */
	follow_poll(f);
	expect_complete(f);
}

static void test_bad_answers_to_acts(void **state)
{
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);
	struct connection *c = suite_connection(f->suite);

	for (size_t n = 0; n < ARRAY_SIZE(kinds); n++) {
		struct seen_item *it = threat_of(f, kinds[n]);
		RECEIPT(receipt);
		if (!it)
			continue;
		_cleanup_free_ char *before = state_of(f, it);
		plan(f, it, &receipt);
		for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
			const struct bad *b = &bads[i];
			RECEIPT(out);
			struct err err = {0};
			char sha256[65];
			_cleanup_(content_freep) struct content *content = NULL;
			struct content_info info = {0};
			struct observation seen = {0};
			arm(f->suite, b, 0);
			expect_error(b, k->quarantine(c, buf_str(&receipt), false, &out, &err), &err);
			expect_error(b, k->plan(c, &f->streams[it->stream].info, &it->item, "op", &out, &err), &err);
			/* That it is gone is an answer, too. */
			int r = k->observe(c, buf_str(&receipt), &seen, &err);
			if (r == 0 && (seen.exists || strcmp(b->name, "404") != 0))
				fail_msg("observe took %s for an answer", b->name);
			assert_int_equal(out.len, 0);
			assert_int_equal(content_new(suite_budget(f->suite), -1, 1 << 20, DIGEST_SHA256, &content, &err), 0);
			r = k->open_content(c, &f->streams[it->stream].info, &it->item, content, &info, &err);
			suite_faults_end(f->suite);
			if (!b->json || kinds[n] == ITEM_CHAT)
				expect_error(b, r, &err);
			assert_int_equal(act_hash(f, it, sha256, &err), 0);
		}
		_cleanup_free_ char *after = state_of(f, it);
		assert_string_equal(after, before);
	}
}

/* ---- tokens ---- */

static void test_tokens(void **state)
{
	struct follow *f = *state;
	struct err err = {0};
	bool more;
	size_t n = 0;

	while (f->streams[n].info.state != STREAM_ACTIVE)
		n++;
	/* Refused once: the renewed one serves. */
	suite_token_mode(f->suite, TOKEN_BAD_ONCE);
	assert_int_equal(follow_page(f, n, &more, &err), 0);
	suite_token_mode(f->suite, TOKEN_BAD);
	assert_int_equal(follow_page(f, n, &more, &err), -1);
	assert_int_equal(err.class, ERR_AUTH);
	assert_int_equal(err.scope, SCOPE_CONNECTION);
	suite_token_mode(f->suite, TOKEN_GOOD);
	assert_int_equal(follow_page(f, n, &more, &err), 0);
}

static void test_revoked(void **state)
{
	struct follow *f = *state;
	struct err err = {0};
	bool more;
	size_t n = 0, had = f->n_items;

	while (f->streams[n].info.state != STREAM_ACTIVE)
		n++;
	json_free(suite_control(f->suite, "POST", "/revoke", "{}"));
	assert_int_equal(follow_page(f, n, &more, &err), -1);
	assert_true(err.class == ERR_AUTH || err.class == ERR_CONSENT || err.class == ERR_REMOTE);
	assert_int_equal(f->n_items, had);
	json_free(suite_control(f->suite, "POST", "/restore-consent", "{}"));
	follow_poll(f);
	expect_complete(f);
}

/* ---- groups ---- */

#define COMMON_CASES                                                                                                   \
	cmocka_unit_test(test_grant), cmocka_unit_test(test_streams), cmocka_unit_test(test_listing),                  \
		cmocka_unit_test(test_content), cmocka_unit_test(test_describe), cmocka_unit_test(test_new),           \
		cmocka_unit_test(test_changed), cmocka_unit_test(test_renamed), cmocka_unit_test(test_removed),        \
		cmocka_unit_test(test_lost_cursors), cmocka_unit_test(test_contain_file),                              \
		cmocka_unit_test(test_contain_mail), cmocka_unit_test(test_contain_chat),                              \
		cmocka_unit_test(test_changed_between), cmocka_unit_test(test_gone), cmocka_unit_test(test_remove)

static const struct CMUnitTest straight[] = {
	COMMON_CASES,
	cmocka_unit_test(test_bad_cursor),
	cmocka_unit_test(test_backlog_none),
	cmocka_unit_test(test_repeats),
	cmocka_unit_test(test_lost_answers),
	cmocka_unit_test(test_bad_answers),
	cmocka_unit_test(test_bad_answers_to_acts),
	cmocka_unit_test(test_tokens),
	cmocka_unit_test(test_revoked),
};

static const struct CMUnitTest through_faults[] = {COMMON_CASES};

/* What was deleted while the place was lost is not reported, so nothing of that here. */
static const struct CMUnitTest lost_places[] = {
	cmocka_unit_test(test_streams),
	cmocka_unit_test(test_listing),
	cmocka_unit_test(test_new),
	cmocka_unit_test(test_changed),
	cmocka_unit_test(test_renamed),
	cmocka_unit_test(test_lost_cursors),
	cmocka_unit_test(test_contain_file),
	cmocka_unit_test(test_contain_mail),
	cmocka_unit_test(test_contain_chat),
	cmocka_unit_test(test_changed_between),
};

int suite_main(const struct suite_target *target)
{
	static const struct faulty_options often = {.seed = 1, .fail_every = 3, .lose_every = 2, .repeat_every = 3,
		.cut = 1, .reorder = true};
	static const struct faulty_options cuts = {.seed = 7, .fail_every = 7, .lose_every = 3, .repeat_every = 2, .cut = 2,
		.reorder = true};
	static const struct faulty_options loses = {.seed = 3, .fail_every = 5, .lose_every = 3, .cursor_every = 7};
	int failed = 0;

	if (!getenv("FAKECLOUD")) {
		fprintf(stderr, "FAKECLOUD names no executable: skipped\n");
		return 77;
	}
	group.target = target;
	failed += cmocka_run_group_tests_name("straight", straight, group_start, group_stop);
	group.page_size = 2;
	failed += cmocka_run_group_tests_name("small pages", through_faults, group_start, group_stop);
	group.faults = &often;
	failed += cmocka_run_group_tests_name("faults often", through_faults, group_start, group_stop);
	group.page_size = 0;
	group.faults = &cuts;
	failed += cmocka_run_group_tests_name("faults and cuts", through_faults, group_start, group_stop);
	group.faults = &loses;
	failed += cmocka_run_group_tests_name("lost places", lost_places, group_start, group_stop);
	return failed ? 1 : 0;
}
