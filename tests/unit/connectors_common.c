/* What connectors share (connectors/common.h): URLs, tokens, base64 in JSON, JSON of our own, circles. Pure functions but
 * for a scripted http_call(). One thread. */
#include "connectors/common.h"

#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- calls ---- */

static struct {
	int statuses[8], n, tokens, renewals;
	const char *body;
} net;

int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err)
{
	*ret = (struct http_response){.status = net.statuses[net.n++], .body = BUF_INIT(1 << 22)};
	if (net.body)
		buf_adds(&ret->body, net.body);
	return 0;
}

static int token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	net.tokens++;
	net.renewals += renew;
	return buf_adds(ret, "t");
}

static void refine(const struct http_response *r, const cJSON *doc, struct err *err)
{
	if (r->status == 404)
		err->class = ERR_NONE;
	if (json_bool(doc, "quota"))
		err_set(err, ERR_REMOTE, "quota", "full");
}

static const struct connector_env env = {.token = token};
static const struct api api = {.env = &env, .refine = refine};

static int call(const char *body, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;

	net.n = net.tokens = net.renewals = 0;
	net.body = body;
	return api_json(&api, &(struct api_call){.url = "https://x.test/"}, &doc, err);
}

static void test_tokens(void **state)
{
	struct err err = {0};

	memcpy(net.statuses, (int[]){401, 200}, 2 * sizeof(int));
	assert_int_equal(call("{}", &err), 0);
	assert_int_equal(net.tokens, 2);
	assert_int_equal(net.renewals, 1);
	memcpy(net.statuses, (int[]){401, 401, 200}, 3 * sizeof(int));
	assert_int_equal(call("{}", &err), -1);
	assert_int_equal(err.class, ERR_AUTH);
	assert_int_equal(net.n, 2); /* once, not for ever */
}

static void test_refining(void **state)
{
	struct err err = {0};

	net.statuses[0] = 403;
	assert_int_equal(call("{\"quota\":true}", &err), -1);
	assert_string_equal(err.code, "quota");
	assert_int_equal(call("<html>", &err), -1);
	assert_string_equal(err.code, "forbidden");
	net.statuses[0] = 404; /* taken for a success, and still no object */
	assert_int_equal(call("[]", &err), -1);
	assert_string_equal(err.code, "bad_answer");
	net.statuses[0] = 200;
	assert_int_equal(call("<html>", &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_string_equal(err.code, "not_json");
}

/* ---- URLs ---- */

static void test_urls(void **state)
{
	_cleanup_buf_ struct buf url = BUF_INIT(200);
	struct err err = {0};

	assert_int_equal(url_make(&url, &err, "https://h/p", "/a/{}/b/{}", "x/../y?z#", "\xe6\x97\xa5", NULL), 0);
	assert_string_equal(buf_str(&url), "https://h/p/a/x%2F..%2Fy%3Fz%23/b/%E6%97%A5");
	assert_int_equal(url_query(&url, "$select", "a,b&c"), 0);
	assert_int_equal(url_query_int(&url, "$top", 5), 0);
	assert_non_null(strstr(buf_str(&url), "?$select=a,b%26c&$top=5"));
	/* Ids that would name another resource, or none. */
	assert_int_equal(url_make(&url, &err, "https://h", "/a/{}", "..", NULL), -1);
	assert_int_equal(url_make(&url, &err, "https://h", "/a/{}", ".", NULL), -1);
	assert_int_equal(url_make(&url, &err, "https://h", "/a/{}/b", "", NULL), -1);
	assert_int_equal(url_make(&url, &err, "https://h", "/a/{}", NULL), -1);
	assert_int_equal(url_make(&url, &err, "https://h", "/a/{}", "x", "too many", NULL), -1);
	assert_string_equal(err.code, "bad_url");
	char huge[300];
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_int_equal(url_make(&url, &err, "https://h", "/{}", huge, NULL), -1);
	assert_int_equal(err.class, ERR_TOO_BIG);
}

/* ---- base64 ---- */

static void decode(const char *json, const char *wanted, int r_wanted)
{
	static struct content_budget *budget;
	_cleanup_(content_freep) struct content *content = NULL;
	struct digests d, want;
	struct err err = {0};

	if (!budget)
		assert_int_equal(content_budget_new(16 << 20, NULL, 16 << 20, &budget, NULL), 0);
	assert_int_equal(content_new(budget, -1, 4 << 20, DIGEST_SHA256, &content, NULL), 0);
	int r = base64_string_into(json, strlen(json), "raw", content, &err);
	if (r != r_wanted)
		fail_msg("%.60s: %d %s", json, r, err.message);
	if (r < 0)
		return;
	assert_int_equal(content_finish(content, &d, NULL), 0);
	digest_bytes(DIGEST_SHA256, wanted, strlen(wanted), &want);
	assert_string_equal(d.sha256, want.sha256);
}

static void test_base64(void **state)
{
	_cleanup_buf_ struct buf json = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);

	decode("{\"id\":1,\"raw\":\"aGVsbG8\"}", "hello", 0);
	decode("{\"raw\":\"aGVsbG8=\"}", "hello", 0);
	decode("{\"raw\":\"aGVs\\nbG8\\u003d\"}", "hello", 0);
	decode("{\"raw\":\"\"}", "", 0);
	decode("{\"raw\":\"-_\\/+\"}", "\xfb\xff\xfe", 0);
	decode("{\"raw\":\"aGV!\"}", "", -1);
	decode("{\"raw\":\"aGV\\u00e9\"}", "", -1);
	decode("{\"other\":\"aGVs\"}", "", -1);
	decode("{\"raw\":5}", "", -1);
	decode("{\"raw\":\"aGVs", "", -1);
	/* Longer than the pieces it is worked off in, of every length modulo three. */
	for (size_t n = 200000; n < 200003; n++) {
		buf_clear(&json);
		buf_clear(&text);
		for (size_t i = 0; i < n; i++)
			buf_addc(&text, (char)('a' + i % 26));
		buf_adds(&json, "{\"raw\":\"");
		base64url_encode(&json, text.data, text.len);
		buf_adds(&json, "\"}");
		decode(buf_str(&json), buf_str(&text), 0);
	}
}

/* ---- JSON of our own ---- */

static void test_own_json(void **state)
{
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_free_ char *huge = malloc(CONNECTOR_TEXT_MAX + 10);
	struct err err = {0};

	assert_int_equal(own_json(NULL, ERR_CURSOR, &doc, &err), 0);
	assert_int_equal(json_note(doc, "notes", "%s", "a"), 0);
	assert_int_equal(json_note(doc, "notes", "%s", "a"), 0);
	assert_int_equal(json_note(doc, "notes", "%s", "b"), 0);
	assert_int_equal(cJSON_GetArraySize(json_array(doc, "notes")), 2);
	json_set_str(doc, "k", "v");
	json_set_str(doc, "k", NULL);
	assert_null(json_get(doc, "k"));
	json_free(TAKE_PTR(doc));
	memset(huge, ' ', CONNECTOR_TEXT_MAX + 9);
	huge[CONNECTOR_TEXT_MAX + 9] = '\0';
	static const char *const bad[] = {"", "[]", "{", "{\"a\":1,\"a\":2}", "null"};
	for (size_t i = 0; i <= ARRAY_SIZE(bad); i++) {
		assert_int_equal(own_json(i < ARRAY_SIZE(bad) ? bad[i] : huge, ERR_CURSOR, &doc, &err), -1);
		assert_int_equal(err.class, ERR_CURSOR);
		assert_int_equal(err.scope, SCOPE_STREAM);
	}
}

static int steps_until_loop(int before, int cycle, int hits)
{
	_cleanup_json_ cJSON *cursor = cJSON_CreateObject();

	for (int i = 0; i < 20 * (before + cycle + 1) * (hits + 1); i++) {
		char mark[24];
		bool loops = false;
		snprintf(mark, sizeof(mark), "%d", i < before ? i : before + (i - before) % cycle);
		assert_int_equal(cursor_loops(cursor, "marks", mark, hits, &loops, NULL), 0);
		if (loops)
			return i;
	}
	return -1;
}

static void test_circles(void **state)
{
	_cleanup_json_ cJSON *cursor = cJSON_CreateObject();
	bool loops = false;

	for (int before = 0; before < 20; before += 3)
		for (int cycle = 1; cycle < 40; cycle += 2)
			for (int hits = 1; hits < 6; hits += 2)
				assert_true(steps_until_loop(before, cycle, hits) >= 0);
	/* Never without one. */
	for (int i = 0; i < 10000; i++) {
		char mark[24];
		snprintf(mark, sizeof(mark), "%d", i);
		cursor_loops(cursor, "marks", mark, 1, &loops, NULL);
		assert_false(loops);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_refining),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_own_json),
		cmocka_unit_test(test_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
