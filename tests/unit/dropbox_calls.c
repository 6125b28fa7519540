/* The Dropbox connector against scripted answers: what its errors mean, which headers go where, hostile feeds, bytes. */
#include "dropbox_script.h"

#include "base/timeutil.h"

/* ---- errors ---- */

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err_class class;
		const char *code;
		enum err_scope scope;
		int renewed;
	} cases[] = {
		{401, "{\"error\":{\".tag\":\"expired_access_token\"}}", ERR_AUTH, "unauthorized", SCOPE_CONNECTION, 1},
		{401, "{\"error\":{\".tag\":\"invalid_access_token\"}}", ERR_AUTH, "unauthorized", SCOPE_CONNECTION, 1},
		{401, "<html>", ERR_AUTH, "unauthorized", SCOPE_CONNECTION, 1},
		{401, "{\"error\":{\".tag\":\"missing_scope\",\"required_scope\":\"files.content.write\"}}", ERR_CONSENT,
			"missing_scope", SCOPE_CONNECTION, 0},
		{401, "{\"error\":{\".tag\":\"invalid_select_user\"}}", ERR_REMOTE, "forbidden", SCOPE_STREAM, 0},
		{401, "{\"error\":{\".tag\":\"invalid_select_admin\"}}", ERR_REMOTE, "forbidden", SCOPE_STREAM, 0},
		{401, "{\"error\":{\".tag\":\"user_suspended\"}}", ERR_REMOTE, "forbidden", SCOPE_STREAM, 0},
		{409, "{\"error\":{\".tag\":\"reset\"},\"error_summary\":\"path/not_found/\"}", ERR_CURSOR, "cursor_lost",
			SCOPE_STREAM, 0},
		{409, "{\"error\":{\".tag\":\"path\",\"path\":{\".tag\":\"not_found\"}},\"error_summary\":\"reset/..\"}", ERR_GONE,
			"not_found", SCOPE_ITEM, 0},
		{409, "{\"error\":{\".tag\":\"path\",\"path\":{\".tag\":\"restricted_content\"}}}", ERR_REMOTE,
			"not_downloadable", SCOPE_ITEM, 0},
		{409, "{\"error\":{\".tag\":\"to\",\"to\":{\".tag\":\"conflict\",\"conflict\":{\".tag\":\"file\"}}}}", ERR_CHANGED,
			"conflict", SCOPE_ITEM, 0},
		{409, "{\"error\":{\".tag\":\"to\",\"to\":{\".tag\":\"too_many_write_operations\"}}}", ERR_RETRY, "throttled",
			SCOPE_ITEM, 0},
		{409, "{\"error\":{\".tag\":\"from_write\",\"from_write\":{\".tag\":\"no_write_permission\"}}}", ERR_REMOTE,
			"forbidden", SCOPE_ITEM, 0},
		{409, "{\"error\":{\".tag\":\"retry_error\"}}", ERR_RETRY, "not_ready", SCOPE_ITEM, 0},
		{409, "{\"error\":{\".tag\":\"brand_new\",\"brand_new\":{\".tag\":\"thing\"}}}", ERR_REMOTE, "refused", SCOPE_ITEM, 0},
		{409, "{\"error\":{\".tag\":\"not_found_but_longer\"}}", ERR_REMOTE, "refused", SCOPE_ITEM, 0},
		{409, "{\"error\":[]}", ERR_REMOTE, "bad_answer", SCOPE_ITEM, 0},
		{409, "no JSON", ERR_REMOTE, "bad_answer", SCOPE_ITEM, 0},
		{422, "{\"error\":{\".tag\":\"invalid_root\",\"invalid_root\":{\".tag\":\"team\",\"root_namespace_id\":\"9\"}}}",
			ERR_CURSOR, "invalid_root", SCOPE_STREAM, 0},
		{422, "{\"error\":{\".tag\":\"no_permission\"}}", ERR_REMOTE, "forbidden", SCOPE_STREAM, 0},
		{429, "{\"error\":{\"reason\":{\".tag\":\"too_many_requests\"},\"retry_after\":9}}", ERR_RETRY, "throttled",
			SCOPE_CONNECTION, 0},
		{429, "{\"error\":{\"reason\":{\".tag\":\"too_many_write_operations\"},\"retry_after\":9}}", ERR_RETRY, "throttled",
			SCOPE_ITEM, 0},
		{400, "Error in call to API function \"files/list_folder/continue\": Invalid \"cursor\" parameter", ERR_CURSOR,
			"cursor_lost", SCOPE_STREAM, 0},
		{400, "Error in call to API function \"x\": Your app is not permitted to access this endpoint because it does not have the "
			"required scope 'files.content.write'.", ERR_CONSENT, "missing_scope", SCOPE_CONNECTION, 0},
		{501, "not here", ERR_REMOTE, "http_status", SCOPE_ITEM, 0},
		{400, "Error in call to API function \"x\": request body: path: did not match", ERR_REMOTE, "bad_request",
			SCOPE_ITEM, 0},
		/* Not an item that is gone: a route, or a gateway. */
		{404, "Not found", ERR_REMOTE, "http_status", SCOPE_ITEM, 0},
		{403, "{\"error\":{\".tag\":\"team_access_denied\"}}", ERR_REMOTE, "forbidden", SCOPE_ITEM, 0},
		{500, "oops", ERR_RETRY, "server_error", SCOPE_ITEM, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct step steps[3] = {{.route = "files/get_metadata", .status = cases[i].status, .body = cases[i].body}};
		struct err err = {0};
		if (cases[i].renewed)
			steps[1] = steps[0];
		struct connection *c = script_start(steps);
		assert_int_equal(dbx_call(c, NULL, "files/get_metadata", NULL, NULL, &err), -1);
		if (err.class != cases[i].class || strcmp(err.code, cases[i].code) != 0 || err.scope != cases[i].scope)
			fail_msg("%d %s: %s %s %s", cases[i].status, cases[i].body, err_class_name(err.class), err.code,
				err_scope_name(err.scope));
		assert_int_equal(script_renewed(), cases[i].renewed);
		if (cases[i].status == 429)
			assert_true(err.retry_at > time_now_ms() + 5000 && err.retry_at < time_now_ms() + 12000);
		if (strcmp(err.code, "missing_scope") == 0)
			assert_non_null(strstr(err.message, "files.content.write"));
		script_end(c);
	}
}

static void test_chain_is_bounded(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);
	_cleanup_json_ cJSON *doc = NULL;
	char chain[64];

	for (int i = 0; i < 40; i++)
		buf_adds(&text, "{\".tag\":\"looong\",\"looong\":");
	buf_adds(&text, "null");
	for (int i = 0; i < 40; i++)
		buf_addc(&text, '}');
	assert_int_equal(json_parse(buf_str(&text), text.len, &doc, NULL), 0);
	dbx_chain(doc, chain, sizeof(chain));
	assert_true(strlen(chain) < sizeof(chain));
	dbx_chain(NULL, chain, sizeof(chain));
	assert_string_equal(chain, "");
	/* Unions come as mere strings too. */
	json_free(doc);
	doc = cJSON_CreateString("reset");
	dbx_chain(doc, chain, sizeof(chain));
	assert_string_equal(chain, "reset");
}

/* ---- the feed ---- */

static int poll_once(struct connection *c, const char *cursor, enum backlog_kind backlog, struct item_page *page, struct err *err)
{
	static const struct stream_info stream = STREAM;
	const struct poll_request req = {.stream = &stream, .cursor = cursor, .backlog = backlog};

	return script_connector()->poll(c, &req, page, err);
}

static void test_feed(void **state)
{
	const struct step steps[] = {
		{.route = "files/list_folder", .wants = "\"include_mounted_folders\":false",
			.body = "{\"entries\":[" FILE_OF("a", "111111111", "/x/n.txt") ",{\".tag\":\"folder\",\"name\":\"x\",\"id\":\"id:f\"},"
				"{\".tag\":\"deleted\",\"name\":\"y\",\"path_lower\":\"/y\"},{\".tag\":\"vault\",\"name\":\"new kind\"}],"
				"\"cursor\":\"C1\",\"has_more\":true}"},
		/* More to come, and nothing in it. */
		{.route = "files/list_folder/continue", .wants = "\"C1\"", .body = "{\"entries\":[],\"cursor\":\"C2\",\"has_more\":true}"},
		{.route = "files/list_folder/continue", .wants = "Dropbox-API-Select-User: dbmid:u",
			.body = "{\"entries\":[],\"cursor\":\"C3\",\"has_more\":false}"},
		/* A move: the same id, another revision, the same version. */
		{.route = "files/list_folder/continue", .wants = "\"namespace_id\":\"7\"",
			.body = "{\"entries\":[{\".tag\":\"deleted\",\"name\":\"n.txt\",\"path_lower\":\"/x/n.txt\"},"
				FILE_OF("a", "222222222", "/n.txt") "],\"cursor\":\"C4\",\"has_more\":false}"},
		{0},
	};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct connection *c = script_start(steps);
	struct item_page page = {.arena = a};
	struct err err = {0};

	assert_int_equal(poll_once(c, NULL, BACKLOG_ALL, &page, &err), 0);
	assert_int_equal(page.n_items, 1);
	assert_true(page.more && page.listing && page.n_removed == 0);
	assert_string_equal(page.items[0].id, "id:a");
	assert_string_equal(page.items[0].path, "/x");
	assert_string_equal(page.items[0].hash, HASH);
	const char *version = page.items[0].version;
	for (int i = 0; i < 2; i++) {
		const char *cursor = page.cursor;
		page = (struct item_page){.arena = a};
		assert_int_equal(poll_once(c, cursor, BACKLOG_ALL, &page, &err), 0);
		assert_true(page.listing && page.n_items == 0 && page.more == (i == 0));
	}
	const char *cursor = page.cursor;
	page = (struct item_page){.arena = a};
	assert_int_equal(poll_once(c, cursor, BACKLOG_ALL, &page, &err), 0);
	assert_false(page.listing || page.more);
	assert_int_equal(page.n_items, 1);
	assert_string_equal(page.items[0].version, version);
	assert_string_equal(page.items[0].path, "/");
	script_end(c);
}

static void test_feed_from_now_on(void **state)
{
	const struct step steps[] = {
		{.route = "files/list_folder/get_latest_cursor", .wants = "\"recursive\":true", .body = "{\"cursor\":\"NOW\"}"},
		{.route = "files/list_folder/continue", .wants = "NOW", .status = 409, .body = "{\"error\":{\".tag\":\"reset\"}}"},
		{0},
	};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct connection *c = script_start(steps);
	struct item_page page = {.arena = a};
	struct err err = {0};

	assert_int_equal(poll_once(c, NULL, BACKLOG_NONE, &page, &err), 0);
	assert_false(page.more || page.n_items);
	assert_int_equal(poll_once(c, page.cursor, BACKLOG_NONE, &page, &err), -1);
	assert_int_equal(err.class, ERR_CURSOR);
	assert_int_equal(err.scope, SCOPE_STREAM);
	script_end(c);
}

static void test_feed_hostile(void **state)
{
	static const char *const bodies[] = {
		"null", "[]", "{}", "{\"entries\":{},\"cursor\":\"c\",\"has_more\":false}", "{\"entries\":[],\"has_more\":false}",
		"{\"entries\":[],\"cursor\":7,\"has_more\":false}", "{\"entries\":[],\"cursor\":\"\",\"has_more\":false}",
		"{\"entries\":[],\"cursor\":\"c\"}", "{\"entries\":[null],\"cursor\":\"c\",\"has_more\":false}",
		"{\"entries\":[{\".tag\":\"file\",\"id\":\"id:a\"}],\"cursor\":\"c\",\"has_more\":false}",
		"{\"entries\":[{\".tag\":\"file\",\"rev\":\"1\"}],\"cursor\":\"c\",\"has_more\":false}",
		"{\"entries\":[],\"entries\":[],\"cursor\":\"c\",\"has_more\":false}", "<html>",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const struct step steps[] = {{.route = "files/list_folder", .body = bodies[i]}, {0}};
		_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
		struct connection *c = script_start(steps);
		struct item_page page = {.arena = a};
		struct err err = {0};
		if (poll_once(c, NULL, BACKLOG_ALL, &page, &err) == 0)
			fail_msg("taken for an answer: %s", bodies[i]);
		assert_true(err.code[0] && !page.cursor && !page.n_items);
		assert_true(err.scope >= SCOPE_STREAM);
		script_end(c);
	}
}

static void test_feed_in_a_circle(void **state)
{
	static const struct step again = {.route = "list_folder", .body = "{\"entries\":[],\"cursor\":\"SAME\",\"has_more\":true}"};
	struct step steps[16] = {0};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct item_page page = {.arena = a};
	struct err err = {0};
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) - 1; i++)
		steps[i] = again;
	struct connection *c = script_start(steps);
	while (n < 14 && poll_once(c, page.cursor, BACKLOG_ALL, &page, &err) == 0)
		n++;
	assert_true(n > 0 && n < 10);
	assert_int_equal(err.class, ERR_CURSOR);
	assert_string_equal(err.code, "page_loop");
	script_drop();
	script_end(c);
}

/* ---- content ---- */

static void test_download(void **state)
{
	static const struct stream_info stream = STREAM;
	const struct step steps[] = {
		{.route = CONTENT "/2/files/download", .wants = "Dropbox-API-Arg: {\"path\":\"id:\\u65e5\\ud83d\\ude00\\u007f\"}",
			.body = "abc", .header = "dropbox-api-result: " FILE_OF("a", "333333333", "/n.txt")},
		/* Something else by now. */
		{.route = "files/download", .body = "abc", .header = "dropbox-api-result: {\"rev\":\"4\",\"content_hash\":\"00\"}"},
		{.route = "files/download", .body = "<html>please sign in</html>"},
		{.route = "files/download", .status = 409, .body = "{\"error\":{\".tag\":\"unsupported_file\"}}"},
		{.route = "files/export", .status = 409, .body = "{\"error\":{\".tag\":\"path\",\"path\":{\".tag\":\"not_found\"}}}"},
		{0},
	};
	static const enum err_class ends[] = {ERR_NONE, ERR_GONE, ERR_REMOTE, ERR_GONE};
	const struct item item = {.kind = ITEM_FILE, .id = "id:\xe6\x97\xa5\xf0\x9f\x98\x80\x7f",
		.version = HASH "@2026-11-02T00:00:00Z", .size = 3};
	struct content_budget *budget = NULL;
	struct connection *c = script_start(steps);

	assert_int_equal(content_budget_new(1 << 20, NULL, 1 << 20, &budget, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct content_info info = {0};
		struct content *content = NULL;
		struct err err = {0};
		assert_int_equal(content_new(budget, 3, 1000, DIGEST_SHA256, &content, NULL), 0);
		int r = script_connector()->open_content(c, &stream, &item, content, &info, &err);
		if (err.class != ends[i])
			fail_msg("%zu: %s: %s", i, err.code, err.message);
		assert_int_equal(r, ends[i] == ERR_NONE ? 0 : -1);
		if (r == 0) {
			assert_string_equal(info.hash, HASH);
			assert_string_equal(info.version, item.version);
		}
		content_free(content);
	}
	script_end(c);
	content_budget_free(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors), cmocka_unit_test(test_chain_is_bounded), cmocka_unit_test(test_feed),
		cmocka_unit_test(test_feed_from_now_on), cmocka_unit_test(test_feed_hostile),
		cmocka_unit_test(test_feed_in_a_circle), cmocka_unit_test(test_download),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
