/* Cases of the suite: quarantine, restore, deletion, and their repeats. See connector_suite.h. */
#include "connector_cases.h"

/* ---- containing ---- */

struct seen_item *threat_of(struct follow *f, enum item_kind kind)
{
	const struct suite_target *t = suite_target(f->suite);
	_cleanup_json_ cJSON *all = suite_state(f->suite);
	cJSON *item;

	if (kind == ITEM_FILE && t->threat_file)
		return follow_find_name(f, kind, t->threat_file);
	if (kind == ITEM_MESSAGE && t->threat_mail) {
		/* Feeds may give messages without a subject. */
		cJSON_ArrayForEach(item, all)
		{
			const char *id = json_str_or(item, "id", "");
			/* A notice has its message's subject. */
			if (strcmp(json_str_or(item, "name", ""), t->threat_mail) == 0 && !suite_is_notice(f->suite, id))
				return follow_find(f, id);
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

char *state_of(struct follow *f, const struct seen_item *it)
{
	return suite_state_text(f->suite, service_of(f, it), it->item.id);
}

void plan(struct follow *f, const struct seen_item *it, struct buf *receipt)
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

void test_contain_file(void **state)
{
	contain(*state, ITEM_FILE);
}

void test_contain_mail(void **state)
{
	contain(*state, ITEM_MESSAGE);
}

void test_contain_chat(void **state)
{
	contain(*state, ITEM_CHAT);
}

/* Every step twice, from the receipt of before it, as after a crash. */
void test_repeats(void **state)
{
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);

	for (size_t i = 0; i < N_KINDS; i++) {
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

void test_lost_answers(void **state)
{
	static const char *const ways[] = {"drop_reply", "reset", "status"};

	for (size_t i = 0; i < N_KINDS; i++)
		for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
			for (int at_restore = 0; at_restore < 2; at_restore++)
				lost_answers(*state, kinds[i], at_restore, ways[w]);
}

void test_changed_between(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
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

void test_gone(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
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

void test_remove(void **state)
{
	struct follow *f = *state;
	const struct suite_target *t = suite_target(f->suite);
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
