/* base/json: what is refused, what is mended, and the accessors. */
#include "base/json.h"

#include "cmocka_all.h"

static char *parsed(const char *text, size_t len, struct err *err)
{
	_cleanup_json_ cJSON *doc = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);

	if (json_parse(text, len, &doc, err) < 0)
		return NULL;
	assert_int_equal(json_print(doc, &out), 0);
	return buf_take(&out);
}

static void refuses(void **state)
{
	static const char *const bad[] = {"", " ", "nul", "[1,]", "[]x", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
		"\"a\nb\"", "\"\\x\"", "01", "1.", "-", "1e", "[1 2]", "{1:2}", "{\"a\"}", "\"abc",
		"{\"a\":1}{", "[1,2", "1e5x", "<html></html>"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = {0};
		char *out = parsed(bad[i], strlen(bad[i]), &err);
		if (out)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(err.code, "bad_json");
		assert_int_equal(err.class, ERR_REMOTE);
	}
}

static void case_variants_are_other_keys(void **state)
{
	_cleanup_json_ cJSON *doc = NULL;
	const char *text = "{\"Id\":\"big\",\"id\":\"small\"}";

	assert_int_equal(json_parse(text, strlen(text), &doc, NULL), 0);
	assert_string_equal(json_str(doc, "id"), "small");
	assert_null(json_str(doc, "ID"));
}

static void mends(void **state)
{
	_cleanup_free_ char *nul = parsed("\"evil.exe\\u0000.txt\"", 20, NULL), *utf8 = parsed("\"a\xff\"", 4, NULL),
			    *big = parsed("30401068076164269", 17, NULL), *bom = parsed("\xef\xbb\xbf[]", 5, NULL);

	assert_string_equal(nul, "\"evil.exe\xef\xbf\xbd.txt\"");
	assert_string_equal(utf8, "\"a\xef\xbf\xbd\"");
	assert_string_equal(big, "\"30401068076164269\"");
	assert_string_equal(bom, "[]");
}

static void mends_half_pairs(void **state)
{
	static const char *const texts[][2] = {{"\"\\ud800\"", "\"\xef\xbf\xbd\""}, {"\"\\ud800x\"", "\"\xef\xbf\xbdx\""},
		{"\"\\udc00\"", "\"\xef\xbf\xbd\""}, {"\"\\ud800\\u0041\"", "\"\xef\xbf\xbd" "A\""},
		{"\"\\ud800\\ud83d\\ude00\"", "\"\xef\xbf\xbd\xf0\x9f\x98\x80\""},
		{"\"\\udc00\\ud800\\n\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\n\""}};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *out = parsed(texts[i][0], strlen(texts[i][0]), NULL);
		assert_non_null(out);
		assert_string_equal(out, texts[i][1]);
	}
	/* Keys that differ in halves of pairs alone would be one key afterwards. */
	const char *twice = "{\"\\ud800\":1,\"\\udc00\":2}";
	assert_null(parsed(twice, strlen(twice), NULL));
	assert_null(parsed("\"\\ud800\\u12\"", 12, NULL));
}

static void depth_is_bounded(void **state)
{
	_cleanup_free_ char *deep = malloc(200000);
	struct err err = {0};

	memset(deep, '[', 100000);
	memset(deep + 100000, ']', 100000);
	assert_null(parsed(deep, 200000, &err));
	assert_int_equal(err.class, ERR_TOO_BIG);
	_cleanup_free_ char *ok = parsed(deep + 100000 - JSON_MAX_DEPTH, 2 * JSON_MAX_DEPTH, &err);
	assert_non_null(ok);
}

static void reads(void **state)
{
	_cleanup_json_ cJSON *doc = NULL;
	const char *text = "{\"a\":{\"b\":[1]},\"n\":\"9007199254740993\",\"m\":12,\"f\":1.5,\"t\":true,\"big\":9223372036854775807,"
			   "\"over\":9223372036854775808,\"id\":77}";
	int64_t v;
	char id[32];

	assert_int_equal(json_parse(text, strlen(text), &doc, NULL), 0);
	assert_true(cJSON_IsArray(json_path(doc, "a", "b", NULL)));
	assert_null(json_path(doc, "a", "x", "y", NULL));
	assert_true(json_int64(doc, "n", &v) && v == 9007199254740993);
	assert_true(json_int64(doc, "big", &v) && v == INT64_MAX);
	assert_false(json_int64(doc, "over", &v));
	assert_false(json_int64(doc, "f", &v));
	assert_true(json_bool(doc, "t"));
	assert_string_equal(json_id(doc, "id", id, sizeof(id)), "77");
	assert_null(json_str(doc, "m"));
	assert_null(json_str(NULL, "m"));
}

static void quotes(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(1000);

	json_quote(&b, "日本/\"𠮷\"\n\x7f", true);
	assert_string_equal(buf_str(&b), "\"\\u65e5\\u672c/\\\"\\ud842\\udfb7\\\"\\u000a\\u007f\"");
}

static void finds_the_top_level_string(void **state)
{
	const char *text = "{\"x\":{\"raw\":\"no\"},\"s\":\"raw\",\"raw\" : \"ab\\/cd\",\"z\":1}";
	size_t at, len;
	struct err err;

	assert_int_equal(json_find_string(text, strlen(text), "raw", &at, &len, NULL), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(text + at, "ab\\/cd", 6);
	assert_int_equal(json_find_string("{\"raw\":1}", 9, "raw", &at, &len, &err), -1);
	assert_string_equal(err.code, "no_key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses), cmocka_unit_test(case_variants_are_other_keys), cmocka_unit_test(mends), cmocka_unit_test(mends_half_pairs),
		cmocka_unit_test(depth_is_bounded), cmocka_unit_test(reads), cmocka_unit_test(quotes),
		cmocka_unit_test(finds_the_top_level_string),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
