/* Cases of the suite: the acts beside containing that a connector's table lists, who has access, and people. See
 * connector_suite.h.
 *
 * Each act is planned, brought about, observed, repeated, undone; through lost answers, and against an item that changed. What it
 * must have done is read in GET /state. */
#include "connector_cases.h"

#define TAG "\xe7\xa4\xbe\xe5\xa4\x96\xe7\xa7\x98 sekisho" /* 社外秘 */
#define NOTICE "\xe9\x9a\x94\xe9\x9b\xa2\xe3\x81\x97\xe3\x81\xbe\xe3\x81\x97\xe3\x81\x9f\xe3\x80\x82\r\nThis item was taken away.\r\n"

static const enum act_kind all_acts[] = {ACT_TAG, ACT_UNSHARE, ACT_REPLACE, ACT_BLOCK};

static const char *service_of(struct follow *f, const struct seen_item *it)
{
	return it->item.service ? it->item.service : f->streams[it->stream].info.service;
}

/* The inner connector's table counts: the wrapper has none. */
static bool can(struct follow *f, const struct seen_item *it, enum act_kind kind)
{
	const struct connector *k = connector_find(suite_target(f->suite)->connector);

	for (const struct act_support *s = k->acts; s && s->service; s++)
		if (strcmp(s->service, service_of(f, it)) == 0)
			return s->acts & (1u << kind);
	return false;
}

static struct act_request request(enum act_kind kind)
{
	return (struct act_request){.kind = kind, .tag = kind == ACT_TAG ? TAG : NULL,
		.notice = kind == ACT_REPLACE || kind == ACT_BLOCK ? NOTICE : NULL};
}

/* ---- reading the state ---- */

static cJSON *item_in_state(struct follow *f, const struct seen_item *it)
{
	_cleanup_json_ cJSON *all = suite_state(f->suite);
	cJSON *item;

	cJSON_ArrayForEach(item, all)
	{
		if (strcmp(json_str_or(item, "service", ""), service_of(f, it)) == 0 &&
			same_id(it->item.id, json_str_or(item, "id", "")))
			return cJSON_DetachItemViaPointer(all, item);
	}
	fail_msg("%s is not in the provider's state", it->item.id);
	return NULL;
}

/* Everything but what the act changes. */
static void expect_else_same(const cJSON *before, const cJSON *now, const char *but)
{
	static const char *const keys[] = {"owner", "place", "name", "size", "sha256", "labels", "sharing", "quarantined"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i], but) != 0 && !cJSON_Compare(json_get(before, keys[i]), json_get(now, keys[i]), true))
			fail_msg("the act changed %s", keys[i]);
}

static bool has_text(const cJSON *list, const char *text, bool part)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		const char *s = cJSON_GetStringValue(one);
		if (s && (part ? strstr(s, text) != NULL : strcmp(s, text) == 0))
			return true;
	}
	return false;
}

/* "link:anonymous:view", "user:guest@partner.example:read" */
static bool reaches_out(const char *grant)
{
	return strstr(grant, "anonymous") || (strchr(grant, '@') && !strstr(grant, "@" SUITE_TENANT ".example"));
}

static int outward(const cJSON *item)
{
	const cJSON *one;
	int n = 0;

	cJSON_ArrayForEach(one, json_array(item, "sharing"))
	{
		n += reaches_out(cJSON_GetStringValue(one));
	}
	return n;
}

/* Notices in the place where the item was. */
static int notices(struct follow *f, const struct seen_item *it, const cJSON *before)
{
	_cleanup_json_ cJSON *all = suite_state(f->suite);
	_cleanup_buf_ struct buf name = BUF_INIT(4096);
	cJSON *item;
	int n = 0;

	buf_addf(&name, it->item.kind == ITEM_FILE ? "%s.txt" : "%s", json_str_or(before, "name", ""));
	cJSON_ArrayForEach(item, all)
	{
		n += strcmp(json_str_or(item, "service", ""), service_of(f, it)) == 0 &&
			strcmp(json_str_or(item, "owner", ""), json_str_or(before, "owner", "")) == 0 &&
			strcmp(json_str_or(item, "place", ""), json_str_or(before, "place", "")) == 0 &&
			strcmp(json_str_or(item, "name", ""), buf_str(&name)) == 0 &&
			!same_id(it->item.id, json_str_or(item, "id", ""));
	}
	return n;
}

/* ---- one act ---- */

static void expect_done(struct follow *f, const struct seen_item *it, enum act_kind kind, const cJSON *before)
{
	_cleanup_json_ cJSON *now = item_in_state(f, it);
	const cJSON *one;

	switch (kind) {
	case ACT_TAG:
		expect_else_same(before, now, "labels");
		/* A provider may write its words in its own way. */
		if (cJSON_GetArraySize(json_array(now, "labels")) <= cJSON_GetArraySize(json_array(before, "labels")))
			fail_msg("no tag");
		cJSON_ArrayForEach(one, json_array(before, "labels"))
		{
			assert_true(has_text(json_array(now, "labels"), cJSON_GetStringValue(one), false));
		}
		break;
	case ACT_UNSHARE:
		expect_else_same(before, now, "sharing");
		assert_true(outward(before) > 0);
		assert_int_equal(outward(now), 0);
		cJSON_ArrayForEach(one, json_array(before, "sharing"))
		{
			const char *grant = cJSON_GetStringValue(one);
			if (!reaches_out(grant) && !has_text(json_array(now, "sharing"), grant, false))
				fail_msg("colleagues lost %s", grant);
		}
		break;
	case ACT_REPLACE:
		assert_true(json_bool(now, "quarantined"));
		assert_int_equal(notices(f, it, before), 1);
		break;
	default:
		expect_else_same(before, now, "quarantined");
		assert_true(json_bool(now, "quarantined"));
	}
}

static void plan_as(struct follow *f, const struct seen_item *it, enum act_kind kind, struct buf *receipt)
{
	const struct act_request act = request(kind);
	_cleanup_json_ cJSON *doc = NULL;
	struct err err = {0};

	if (act_plan_as(f, it, &act, receipt, &err) < 0)
		fail_msg("plan: %s: %s", err.code, err.message);
	if (json_parse(buf_str(receipt), receipt->len, &doc, &err) < 0 || !cJSON_IsObject(doc))
		fail_msg("the receipt is no JSON object: %s", buf_str(receipt));
}

static void do_act(struct follow *f, const struct seen_item *it, enum act_kind kind, struct buf *receipt, const cJSON *before)
{
	struct observation seen = {0};
	struct err err = {0};

	if (act_quarantine(f, receipt, &err) < 0)
		fail_msg("act %d: %s: %s", kind, err.code, err.message);
	act_observe(f, buf_str(receipt), &seen);
	assert_true(seen.exists && seen.quarantined && !seen.restored);
	expect_done(f, it, kind, before);
}

static void undo(struct follow *f, const struct seen_item *it, enum act_kind kind, struct buf *receipt, const cJSON *before,
	const char *text)
{
	struct observation seen = {0};
	struct err err = {0};

	if (act_restore(f, receipt, &err) < 0)
		fail_msg("undoing %d: %s: %s", kind, err.code, err.message);
	act_observe(f, buf_str(receipt), &seen);
	assert_true(seen.exists && !seen.quarantined && seen.restored);
	_cleanup_free_ char *after = state_of(f, it);
	assert_string_equal(after, text);
	assert_int_equal(notices(f, it, before), 0);
}

static void one_act(struct follow *f, const struct seen_item *it, enum act_kind kind)
{
	_cleanup_json_ cJSON *before = item_in_state(f, it);
	_cleanup_free_ char *text = state_of(f, it), *id = strdup(it->item.id);
	size_t versions = follow_versions(f, id);
	RECEIPT(receipt);

	plan_as(f, it, kind, &receipt);
	_cleanup_free_ char *planned = state_of(f, it);
	assert_string_equal(planned, text);
	do_act(f, it, kind, &receipt, before);
	/* What the feed says of the act is no new version, and a notice is no item. */
	size_t n = f->n_items;
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), versions);
	for (size_t i = n; i < f->n_items; i++)
		if (kind == ACT_REPLACE && !f->items[i].item.skip)
			fail_msg("a notice came as the item %s", f->items[i].item.name);
	it = follow_find(f, id);
	undo(f, it, kind, &receipt, before, text);
	follow_poll(f);
	assert_int_equal(follow_versions(f, id), versions);
	assert_false(follow_find(f, id)->removed);
}

/* Core plans for what the feed gave it last. */
static struct seen_item *subject(struct follow *f, enum item_kind kind, enum act_kind act)
{
	struct seen_item *it = threat_of(f, kind);

	return it && can(f, it, act) ? it : NULL;
}

static void each(struct follow *f, enum act_kind act)
{
	int done = 0;

	for (size_t i = 0; i < N_KINDS; i++) {
		struct seen_item *it = subject(f, kinds[i], act);
		if (it)
			one_act(f, it, act);
		done += it != NULL;
	}
	if (!done)
		skip();
}

void test_act_tag(void **state)
{
	each(*state, ACT_TAG);
}

void test_act_unshare(void **state)
{
	each(*state, ACT_UNSHARE);
}

void test_act_replace(void **state)
{
	each(*state, ACT_REPLACE);
}

void test_act_block(void **state)
{
	each(*state, ACT_BLOCK);
}

/* What the table does not list is refused, and nothing happens. */
void test_act_unsupported(void **state)
{
	struct follow *f = *state;

	for (size_t i = 0; i < N_KINDS; i++) {
		struct seen_item *it = threat_of(f, kinds[i]);
		for (size_t k = 0; it && k < ARRAY_SIZE(all_acts); k++) {
			const struct act_request act = request(all_acts[k]);
			struct err err = {0};
			RECEIPT(receipt);
			if (can(f, it, all_acts[k]))
				continue;
			assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), -1);
			assert_int_equal(err.class, ERR_REMOTE);
			assert_string_equal(err.code, "unsupported");
		}
	}
}

/* Every step twice, from the receipt of before it, as after a crash. */
void test_act_repeats(void **state)
{
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);

	for (size_t i = 0; i < N_KINDS * ARRAY_SIZE(all_acts); i++) {
		enum act_kind kind = all_acts[i % ARRAY_SIZE(all_acts)];
		struct seen_item *it = subject(f, kinds[i / ARRAY_SIZE(all_acts)], kind);
		struct observation seen = {0};
		struct err err = {0};
		RECEIPT(planned);
		RECEIPT(receipt);
		RECEIPT(again);
		if (!it)
			continue;
		_cleanup_json_ cJSON *before = item_in_state(f, it);
		_cleanup_free_ char *text = state_of(f, it);
		plan_as(f, it, kind, &planned);
		act_observe(f, buf_str(&planned), &seen);
		assert_true(seen.exists && !seen.quarantined);
		buf_adds(&receipt, buf_str(&planned));
		do_act(f, it, kind, &receipt, before);
		_cleanup_free_ char *done = state_of(f, it);
		if (k->quarantine(suite_connection(f->suite), buf_str(&planned), true, &again, &err) < 0)
			fail_msg("act %d again: %s: %s", kind, err.code, err.message);
		_cleanup_free_ char *done_again = state_of(f, it);
		assert_string_equal(done_again, done);
		expect_done(f, it, kind, before);
		/* Both receipts, the one of the plan and the one of the repeat, lead back. */
		undo(f, it, kind, &again, before, text);
		buf_clear(&receipt);
		if (k->restore(suite_connection(f->suite), buf_str(&planned), true, &receipt, &err) < 0)
			fail_msg("undoing %d again: %s: %s", kind, err.code, err.message);
		_cleanup_free_ char *after = state_of(f, it);
		assert_string_equal(after, text);
		assert_int_equal(notices(f, it, before), 0);
		/* And once more from the beginning, undone from what the plan knew. */
		buf_clear(&planned);
		buf_clear(&receipt);
		plan_as(f, it, kind, &planned);
		buf_adds(&receipt, buf_str(&planned));
		do_act(f, it, kind, &receipt, before);
		undo(f, it, kind, &planned, before, text);
	}
}

/* Each single request of an act fails once, in each of several ways. */
static void lost_answers(struct follow *f, const struct seen_item *it, enum act_kind kind, bool at_undoing, const char *what)
{
	_cleanup_json_ cJSON *before = item_in_state(f, it);
	_cleanup_free_ char *text = state_of(f, it);

	for (int k = 0; k < 80; k++) {
		struct err err = {0};
		RECEIPT(receipt);
		plan_as(f, it, kind, &receipt);
		if (at_undoing)
			do_act(f, it, kind, &receipt, before);
		suite_fault(f->suite, "\"what\":\"%s\",\"skip\":%d,\"times\":1", what, k);
		int r = at_undoing ? act_restore(f, &receipt, &err) : act_quarantine(f, &receipt, &err);
		int hits = suite_faults_end(f->suite);
		if (r < 0)
			fail_msg("act %d, %s at request %d: %s: %s", kind, what, k, err.code, err.message);
		if (!at_undoing)
			do_act(f, it, kind, &receipt, before); /* and once more */
		undo(f, it, kind, &receipt, before, text);
		if (!hits)
			return;
	}
	fail_msg("an act needs more than 80 requests");
}

void test_act_lost_answers(void **state)
{
	static const char *const ways[] = {"drop_reply", "reset", "status"};
	struct follow *f = *state;

	for (size_t i = 0; i < N_KINDS * ARRAY_SIZE(all_acts); i++) {
		enum act_kind kind = all_acts[i % ARRAY_SIZE(all_acts)];
		struct seen_item *it = subject(f, kinds[i / ARRAY_SIZE(all_acts)], kind);
		for (size_t w = 0; it && w < ARRAY_SIZE(ways); w++)
			for (int at_undoing = 0; at_undoing < 2; at_undoing++)
				lost_answers(f, it, kind, at_undoing, ways[w]);
	}
}

/* Nobody judged what it is now: nothing is done to it. */
void test_act_changed(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);

	if (!t->change_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "acted-upon.txt", "what was judged");
	for (size_t i = 0; i < ARRAY_SIZE(all_acts); i++) {
		const struct act_request act = request(all_acts[i]);
		_cleanup_buf_ struct buf text = BUF_INIT(256);
		struct err err = {0};
		RECEIPT(receipt);
		RECEIPT(other);
		follow_poll(f);
		struct seen_item old = *follow_find(f, id);
		if (!can(f, &old, all_acts[i]))
			continue;
		plan_as(f, &old, all_acts[i], &receipt);
		buf_addf(&text, "what it is now, and longer by %zu", i);
		t->change_file(f->suite, id, buf_str(&text));
		_cleanup_free_ char *before = state_of(f, &old);
		assert_int_equal(act_quarantine(f, &receipt, &err), -1);
		assert_int_equal(err.class, ERR_CHANGED);
		_cleanup_free_ char *after = state_of(f, &old);
		assert_string_equal(after, before);
		assert_int_equal(act_plan_as(f, &old, &act, &other, &err), -1);
		assert_int_equal(err.class, ERR_CHANGED);
	}
}

/* A notice that somebody wrote to is his file: it is looked at, and stays when the item comes back. */
void test_act_notice_taken_over(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
	_cleanup_json_ cJSON *all = NULL;
	struct observation seen = {0};
	struct err err = {0};
	RECEIPT(receipt);
	cJSON *item;

	if (!t->change_file)
		skip();
	_cleanup_free_ char *id = t->add_file(f->suite, "replaced.bin", "a thing to replace");
	follow_poll(f);
	struct seen_item *it = follow_find(f, id);
	if (!can(f, it, ACT_REPLACE))
		skip();
	plan_as(f, it, ACT_REPLACE, &receipt);
	if (act_quarantine(f, &receipt, &err) < 0)
		fail_msg("replace: %s: %s", err.code, err.message);
	follow_poll(f);
	assert_null(follow_find_name(f, ITEM_FILE, "replaced.bin.txt"));
	all = suite_state(f->suite);
	cJSON_ArrayForEach(item, all)
	{
		if (strcmp(json_str_or(item, "name", ""), "replaced.bin.txt") == 0)
			break;
	}
	assert_non_null(item);
	t->change_file(f->suite, json_str(item, "id"), "my own words in its place");
	follow_poll(f);
	struct seen_item *taken = follow_find_name(f, ITEM_FILE, "replaced.bin.txt");
	assert_true(taken && !taken->item.skip);
	if (act_restore(f, &receipt, &err) < 0)
		fail_msg("restore: %s: %s", err.code, err.message);
	act_observe(f, buf_str(&receipt), &seen);
	assert_true(seen.restored && !seen.quarantined);
	_cleanup_free_ char *there = state_of(f, taken);
	assert_true(strstr(there, "quarantined=false") != NULL);
}

/* ACT_DELETE goes by way of the quarantine. */
void test_act_delete(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
	const struct connector *k = suite_connector(f->suite);
	static const char mime[] = "From: a@out.example\r\nTo: mio@aoba.example\r\nSubject: condemned-mail\r\n"
				   "Message-ID: <condemned@out.example>\r\nDate: Mon, 16 Nov 2026 10:00:00 +0900\r\n\r\nto be deleted\r\n";
	int done = 0;

	for (int i = 0; i < 2; i++) {
		const struct act_request act = {.kind = ACT_DELETE};
		struct observation seen = {0};
		struct err err = {0};
		int r = -1;
		RECEIPT(receipt);
		if (i == 0 ? !t->add_file : !t->add_mail)
			continue;
		_cleanup_free_ char *id = i == 0 ? t->add_file(f->suite, "condemned-file.txt", "to be deleted") :
						   t->add_mail(f->suite, mime);
		follow_poll(f);
		struct seen_item *it = follow_find(f, id);
		assert_non_null(it);
		if (!can(f, it, ACT_DELETE))
			continue;
		if (act_plan_as(f, it, &act, &receipt, &err) < 0 || act_quarantine(f, &receipt, &err) < 0)
			fail_msg("delete: %s: %s", err.code, err.message);
		act_observe(f, buf_str(&receipt), &seen);
		assert_true(seen.quarantined);
		for (int n = 0; n < 20 && r < 0; n++)
			r = k->remove(suite_connection(f->suite), buf_str(&receipt), n > 0, &err);
		if (r < 0)
			fail_msg("remove: %s: %s", err.code, err.message);
		done++;
	}
	if (!done)
		skip();
}

/* ---- who has access ---- */

static void ask_sharing(struct follow *f, const struct seen_item *it, struct sharing *ret)
{
	const struct connector *k = suite_connector(f->suite);
	struct err err = {0};
	int r = -1;

	for (int i = 0; i < 20 && r < 0; i++) {
		r = k->sharing(suite_connection(f->suite), &f->streams[it->stream].info, &it->item, ret, &err);
		if (r < 0 && err.class != ERR_RETRY)
			break;
	}
	if (r < 0)
		fail_msg("sharing: %s: %s", err.code, err.message);
}

void test_sharing(void **state)
{
	struct follow *f = *state;
	const struct connector *k = connector_find(suite_target(f->suite)->connector);
	struct seen_item *it = threat_of(f, ITEM_FILE);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sharing before = {.arena = a}, none = {.arena = a};
	struct err err = {0};
	RECEIPT(receipt);

	if (!k->sharing || !it)
		skip();
	_cleanup_json_ cJSON *item = item_in_state(f, it);
	ask_sharing(f, it, &before);
	assert_true(before.public_link == has_text(json_array(item, "sharing"), "anonymous", true));
	assert_true(before.organisation_link == has_text(json_array(item, "sharing"), "organization", true));
	assert_int_equal(before.n_outside, before.outside_seen);
	size_t people = 0;
	const cJSON *one;
	cJSON_ArrayForEach(one, json_array(item, "sharing"))
	{
		const char *grant = cJSON_GetStringValue(one);
		bool person = reaches_out(grant) && strchr(grant, '@'), told = false;
		for (size_t i = 0; i < before.n_outside; i++)
			told = told || strstr(grant, before.outside[i]);
		if (person && !told)
			fail_msg("not told: %s", grant);
		people += person;
	}
	assert_int_equal(before.n_outside, people);
	if (!can(f, it, ACT_UNSHARE))
		return;
	_cleanup_free_ char *text = state_of(f, it);
	plan_as(f, it, ACT_UNSHARE, &receipt);
	if (act_quarantine(f, &receipt, &err) < 0)
		fail_msg("unshare: %s: %s", err.code, err.message);
	ask_sharing(f, it, &none);
	assert_false(none.public_link);
	assert_int_equal(none.outside_seen, 0);
	undo(f, it, ACT_UNSHARE, &receipt, item, text);
}

/* The mark comes with the feed, and another one when the sharing is another. */
void test_sharing_mark(void **state)
{
	struct follow *f = *state;
	struct seen_item *it = threat_of(f, ITEM_FILE);
	struct err err = {0};
	RECEIPT(receipt);

	if (!suite_target(f->suite)->marks_sharing || !it || !can(f, it, ACT_UNSHARE))
		skip();
	_cleanup_json_ cJSON *item = item_in_state(f, it);
	_cleanup_free_ char *text = state_of(f, it), *id = strdup(it->item.id);
	assert_true(it->item.sharing_mark && *it->item.sharing_mark);
	_cleanup_free_ char *shared = strdup(it->item.sharing_mark);
	plan_as(f, it, ACT_UNSHARE, &receipt);
	if (act_quarantine(f, &receipt, &err) < 0)
		fail_msg("unshare: %s: %s", err.code, err.message);
	follow_poll(f);
	it = follow_find(f, id);
	_cleanup_free_ char *less = strdup(it->item.sharing_mark ? it->item.sharing_mark : "");
	assert_string_not_equal(less, shared);
	undo(f, it, ACT_UNSHARE, &receipt, item, text);
	follow_poll(f);
	it = follow_find(f, id);
	assert_true(it->item.sharing_mark && strcmp(it->item.sharing_mark, less) != 0);
}

/* ---- people ---- */

static bool among(const char *const *list, const char *text)
{
	for (; list && *list; list++)
		if (strcmp(*list, text) == 0)
			return true;
	return false;
}

void test_people(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
	const struct connector *k = suite_connector(f->suite), *inner = connector_find(t->connector);
	_cleanup_free_ char *cursor = NULL;
	bool mio = false, own = false, missing = false, grouped = false;
	int tries = 0, pages = 0;

	if (!inner->list_people)
		skip();
	while (pages < 1000) {
		_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
		struct people_page page = {.arena = a};
		struct err err = {0};
		if (k->list_people(suite_connection(f->suite), cursor, &page, &err) < 0) {
			if (err.class != ERR_RETRY || ++tries > 50)
				fail_msg("people: %s: %s", err.code, err.message);
			continue;
		}
		for (size_t i = 0; i < page.n_domains; i++)
			own = own || strcmp(page.domains[i], SUITE_TENANT ".example") == 0;
		for (size_t i = 0; i < page.n_people; i++) {
			const struct person *p = &page.people[i];
			assert_true(p->address && strchr(p->address, '@') && p->name && p->org_unit && p->job_title && p->aliases &&
				p->groups);
			for (const char *s = p->address; *s; s++)
				assert_false(*s >= 'A' && *s <= 'Z');
			if (strcmp(p->address, "mio@" SUITE_TENANT ".example") != 0)
				continue;
			assert_false(mio); /* once */
			mio = true;
			grouped = !t->group || among(p->groups, t->group);
		}
		missing = missing || page.missing;
		pages++;
		if (!page.next)
			break;
		free(cursor);
		cursor = strdup(page.next);
	}
	assert_true(mio && own);
	if (!grouped && !missing)
		fail_msg("mio is in no group, and nothing says why");
}
