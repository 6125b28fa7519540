/* Cases of the suite: answers that are none, and tokens that are not accepted. See connector_suite.h. */
#include "connector_cases.h"

#include "base/timeutil.h"

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

void test_bad_answers(void **state)
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
			struct poll_request req = {.stream = &s->info, .cursor = s->cursor, .backlog = BACKLOG_ALL};
			struct err err = {0};
			if (s->info.state != STREAM_ACTIVE || (n > 6 && n % 5))
				continue;
			arm(f->suite, b, 0);
			int r = k->poll(c, &req, &page, &err);
			int hits = suite_faults_end(f->suite);
			if (!hits && r == 0 && suite_target(f->suite)->ending_streams) {
				/* It is through: as on its first day. */
				page = (struct item_page){.arena = a};
				req.cursor = NULL;
				arm(f->suite, b, 0);
				r = k->poll(c, &req, &page, &err);
				hits = suite_faults_end(f->suite);
			}
			assert_true(hits > 0);
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

void test_bad_answers_to_acts(void **state)
{
	struct follow *f = *state;
	const struct connector *k = suite_connector(f->suite);
	struct connection *c = suite_connection(f->suite);

	for (size_t n = 0; n < N_KINDS; n++) {
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
			expect_error(b, k->plan(c, &f->streams[it->stream].info, &it->item, NULL, "op", &out, &err), &err);
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

void test_tokens(void **state)
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

void test_revoked(void **state)
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
