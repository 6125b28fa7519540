/* The Dropbox connector against scripted answers: what its errors mean, which headers go where, feeds and lists that are
 * hostile, and who is acted as. http_call() of net/http.h is replaced by a player of scripts. One thread. */
#include "connectors/dropbox/dropbox.h"

#include "base/timeutil.h"
#include "net/transfer.h"

#include "cmocka_all.h"

#define API "https://api.test"
#define CONTENT "https://content.test"

/* ---- the player ---- */

struct step {
	const char *route;  /* found in the request's URL */
	int status;         /* 0: 200 */
	const char *body;
	const char *header; /* of the answer: "name: value", lower-case name */
	const char *wants;  /* found in the request's body or headers */
	const char *not;    /* and this is not */
};

static const struct step *script;
static int renewed; /* tokens asked for anew */

static bool carries(const struct http_request *req, const char *text)
{
	for (const char *const *h = req->headers; h && *h; h++)
		if (strstr(*h, text))
			return true;
	return req->body_len && strstr(req->body, text);
}

int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err)
{
	const struct step *s = script;

	if (!s || !s->route)
		fail_msg("not in the script: %s %s", req->url, req->body_len ? (const char *)req->body : "");
	script++;
	assert_string_equal(req->method, "POST");
	if (!strstr(req->url, s->route))
		fail_msg("wanted %s, came %s", s->route, req->url);
	assert_true(req->bearer && (strncmp(req->url, API "/2/", strlen(API) + 3) == 0 ||
					  strncmp(req->url, CONTENT "/2/", strlen(CONTENT) + 3) == 0));
	if (s->wants && !carries(req, s->wants))
		fail_msg("%s without %s: %s", s->route, s->wants, req->body_len ? (const char *)req->body : "");
	assert_false(s->not && carries(req, s->not));
	/* Only ASCII may stand in a header. */
	for (const char *const *h = req->headers; h && *h; h++)
		for (const char *p = *h; *p; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	int status = s->status ? s->status : 200;
	*ret = (struct http_response){.status = status, .body = BUF_INIT(1 << 20), .headers_arena = arena_new(65536)};
	ret->headers = arena_alloc(ret->headers_arena, sizeof(char *));
	if (s->header)
		ret->headers[ret->n_headers++] = arena_dup(ret->headers_arena, s->header);
	response_facts(ret);
	if (req->content && status == 200)
		return content_write(req->content, s->body, strlen(s->body), err);
	return s->body ? buf_adds(&ret->body, s->body) : 0;
}

static int token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	renewed += renew;
	return buf_adds(ret, renew ? "new" : "old");
}

static char place[256];

static int place_get(void *ctx, const char *key, struct buf *ret, struct err *err)
{
	return place[0] ? buf_adds(ret, place) : 1;
}

static int place_put(void *ctx, const char *key, const char *value, struct err *err)
{
	snprintf(place, sizeof(place), "%s", value);
	return 0;
}

static const struct connector_env env = {.token = token, .place_get = place_get, .place_put = place_put};
static const struct connection_config config = {.provider = "dropbox", .protect = true, .services = SERVICE_FILES,
	.n_endpoints = 2, .endpoints = {{"api", API}, {"content", CONTENT}}};

static const struct connector *connector(void)
{
	return connector_find("dropbox");
}

static struct connection *start(const struct step *steps)
{
	struct connection *c = NULL;

	script = steps;
	renewed = 0;
	place[0] = '\0';
	assert_int_equal(connector()->open(&config, &env, &c, NULL), 0);
	return c;
}

static void end(struct connection *c)
{
	if (script && script->route)
		fail_msg("was never asked for: %s", script->route);
	connector()->close(c);
}

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
		struct connection *c = start(steps);
		assert_int_equal(dbx_call(c, NULL, "files/get_metadata", NULL, NULL, &err), -1);
		if (err.class != cases[i].class || strcmp(err.code, cases[i].code) != 0 || err.scope != cases[i].scope)
			fail_msg("%d %s: %s %s %s", cases[i].status, cases[i].body, err_class_name(err.class), err.code,
				err_scope_name(err.scope));
		assert_int_equal(renewed, cases[i].renewed);
		if (cases[i].status == 429)
			assert_true(err.retry_at > time_now_ms() + 5000 && err.retry_at < time_now_ms() + 12000);
		if (strcmp(err.code, "missing_scope") == 0)
			assert_non_null(strstr(err.message, "files.content.write"));
		end(c);
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

#define STREAM {.remote_id = "ns/7", .service = "dropbox", .context = "{\"ns\":\"7\",\"user\":\"dbmid:u\"}"}
#define HASH "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"
#define FILE_OF(id, rev, path)                                                                                         \
	"{\".tag\":\"file\",\"name\":\"n.txt\",\"path_lower\":\"" path "\",\"path_display\":\"" path "\",\"id\":\"id:" id "\",\"rev\":\"" rev  \
	"\",\"size\":3,\"client_modified\":\"2026-11-01T00:00:00Z\",\"server_modified\":\"2026-11-02T00:00:00Z\","                   \
	"\"content_hash\":\"" HASH "\"}"

static int poll_once(struct connection *c, const char *cursor, enum backlog_kind backlog, struct item_page *page, struct err *err)
{
	static const struct stream_info stream = STREAM;
	const struct poll_request req = {.stream = &stream, .cursor = cursor, .backlog = backlog};

	return connector()->poll(c, &req, page, err);
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
	struct connection *c = start(steps);
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
	end(c);
}

static void test_feed_from_now_on(void **state)
{
	const struct step steps[] = {
		{.route = "files/list_folder/get_latest_cursor", .wants = "\"recursive\":true", .body = "{\"cursor\":\"NOW\"}"},
		{.route = "files/list_folder/continue", .wants = "NOW", .status = 409, .body = "{\"error\":{\".tag\":\"reset\"}}"},
		{0},
	};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct connection *c = start(steps);
	struct item_page page = {.arena = a};
	struct err err = {0};

	assert_int_equal(poll_once(c, NULL, BACKLOG_NONE, &page, &err), 0);
	assert_false(page.more || page.n_items);
	assert_int_equal(poll_once(c, page.cursor, BACKLOG_NONE, &page, &err), -1);
	assert_int_equal(err.class, ERR_CURSOR);
	assert_int_equal(err.scope, SCOPE_STREAM);
	end(c);
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
		struct connection *c = start(steps);
		struct item_page page = {.arena = a};
		struct err err = {0};
		if (poll_once(c, NULL, BACKLOG_ALL, &page, &err) == 0)
			fail_msg("taken for an answer: %s", bodies[i]);
		assert_true(err.code[0] && !page.cursor && !page.n_items);
		assert_true(err.scope >= SCOPE_STREAM);
		end(c);
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
	struct connection *c = start(steps);
	while (n < 14 && poll_once(c, page.cursor, BACKLOG_ALL, &page, &err) == 0)
		n++;
	assert_true(n > 0 && n < 10);
	assert_int_equal(err.class, ERR_CURSOR);
	assert_string_equal(err.code, "page_loop");
	script = NULL;
	end(c);
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
	static const enum err_class ends[] = {ERR_NONE, ERR_GONE, ERR_RETRY, ERR_GONE};
	const struct item item = {.kind = ITEM_FILE, .id = "id:\xe6\x97\xa5\xf0\x9f\x98\x80\x7f",
		.version = HASH "@2026-11-01T00:00:00Z", .size = 3};
	struct content_budget *budget = NULL;
	struct connection *c = start(steps);

	assert_int_equal(content_budget_new(1 << 20, NULL, 1 << 20, &budget, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct content_info info = {0};
		struct content *content = NULL;
		struct err err = {0};
		assert_int_equal(content_new(budget, 3, 1000, DIGEST_SHA256, &content, NULL), 0);
		int r = connector()->open_content(c, &stream, &item, content, &info, &err);
		if (err.class != ends[i])
			fail_msg("%zu: %s: %s", i, err.code, err.message);
		assert_int_equal(r, ends[i] == ERR_NONE ? 0 : -1);
		if (r == 0) {
			assert_string_equal(info.hash, HASH);
			assert_string_equal(info.version, item.version);
		}
		content_free(content);
	}
	end(c);
	content_budget_free(budget);
}

/* ---- streams ---- */

#define ADMIN_STEP {.route = "team/token/get_authenticated_admin", .body = "{\"admin_profile\":{\"team_member_id\":\"dbmid:admin\"}}"}
#define NAMESPACE(id, type, name) "{\"name\":\"" name "\",\"namespace_id\":\"" id "\",\"namespace_type\":{\".tag\":\"" type "\"}}"

static void test_streams(void **state)
{
	const struct step steps[] = {
		{.route = "team/members/list_v2", .body = "{\"members\":["
			"{\"profile\":{\"team_member_id\":\"dbmid:a\",\"email\":\"a@x.example\",\"status\":{\".tag\":\"active\"},\"member_folder_id\":\"1\"}},"
			"{\"profile\":{\"team_member_id\":\"dbmid:s\",\"email\":\"s@x.example\",\"status\":{\".tag\":\"suspended\"},\"member_folder_id\":\"2\"}},"
			"{\"profile\":{\"team_member_id\":\"dbmid:i\",\"email\":\"i@x.example\",\"status\":\"invited\"}},"
			"{\"profile\":{\"team_member_id\":\"dbmid:r\",\"email\":\"r@x.example\",\"status\":{\".tag\":\"removed\"}}}"
			"],\"cursor\":\"M\",\"has_more\":false}"},
		{.route = "team/namespaces/list", .body = "{\"namespaces\":[" NAMESPACE("1", "team_member_folder", "A") ","
			NAMESPACE("5", "team_folder", "Sales") "," NAMESPACE("5", "team_folder", "Sales") ","
			NAMESPACE("6", "team_folder", "Sekisho-Quarantine") "," NAMESPACE("8", "app_folder", "app") ","
			/* Anybody can give a shared folder that name: it is followed all the same. */
			NAMESPACE("9", "shared_folder", "sekisho-quarantine") "," NAMESPACE("10", "brand_new", "?")
			"],\"cursor\":\"N\",\"has_more\":false}"},
		ADMIN_STEP,
		{.route = "sharing/list_folder_members", .wants = "Dropbox-API-Select-Admin: dbmid:admin", .body = "{\"users\":["
			"{\"access_type\":{\".tag\":\"viewer\"},\"user\":{\"same_team\":true,\"team_member_id\":\"dbmid:v\"}},"
			"{\"access_type\":{\".tag\":\"owner\"},\"user\":{\"same_team\":false,\"account_id\":\"dbid:o\"}},"
			"{\"access_type\":{\".tag\":\"editor\"},\"user\":{\"same_team\":true,\"team_member_id\":\"dbmid:gone\"}},"
			"{\"access_type\":{\".tag\":\"editor\"},\"user\":{\"same_team\":true,\"team_member_id\":\"dbmid:e\"}}"
			"],\"groups\":[],\"invitees\":[]}"},
		{.route = "team/members/get_info_v2", .body = "{\"members_info\":["
			"{\".tag\":\"member_info\",\"profile\":{\"team_member_id\":\"dbmid:gone\",\"email\":\"g@x.example\",\"status\":{\".tag\":\"suspended\"}}},"
			"{\".tag\":\"member_info\",\"profile\":{\"team_member_id\":\"dbmid:v\",\"email\":\"v@x.example\",\"status\":{\".tag\":\"active\"}}},"
			"{\".tag\":\"member_info\",\"profile\":{\"team_member_id\":\"dbmid:e\",\"email\":\"e@x.example\",\"status\":{\".tag\":\"active\"}}},"
			"{\".tag\":\"id_not_found\",\"id_not_found\":\"dbmid:x\"}]}"},
		{0},
	};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct connection *c = start(steps);
	struct stream_page page = {.arena = a};
	struct err err = {0};

	if (connector()->list_streams(c, NULL, &page, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(page.n_streams, 3);
	assert_string_equal(page.streams[0].remote_id, "ns/1");
	assert_string_equal(page.streams[0].owner, "a@x.example");
	assert_int_equal(page.streams[0].state, STREAM_ACTIVE);
	assert_int_equal(page.streams[1].state, STREAM_UNLICENSED);
	assert_int_equal(page.streams[2].state, STREAM_UNLICENSED);
	assert_non_null(page.next);
	const char *next = page.next;
	page = (struct stream_page){.arena = a};
	if (connector()->list_streams(c, next, &page, &err) < 0)
		fail_msg("%s", err.message);
	assert_null(page.next);
	assert_int_equal(page.n_streams, 2);
	assert_string_equal(page.streams[0].remote_id, "ns/5");
	assert_string_equal(page.streams[0].owner, "Sales");
	assert_non_null(strstr(page.streams[0].context, "\"admin\":\"dbmid:admin\""));
	assert_string_equal(page.streams[1].remote_id, "ns/9");
	assert_string_equal(page.streams[1].owner, "e@x.example");
	assert_non_null(strstr(page.streams[1].context, "\"user\":\"dbmid:e\""));
	end(c);
}

static void test_admin_who_left(void **state)
{
	const struct step steps[] = {
		{.route = "get_authenticated_admin", .status = 409, .body = "{\"error\":{\".tag\":\"admin_not_active\"}}"},
		{.route = "team/members/list_v2", .body = "{\"members\":["
			"{\"profile\":{\"team_member_id\":\"dbmid:1\",\"status\":{\".tag\":\"suspended\"}},\"roles\":[{\"name\":\"Team admin\"}]},"
			"{\"profile\":{\"team_member_id\":\"dbmid:2\",\"status\":{\".tag\":\"active\"}},\"roles\":[{\"name\":\"Billing admin\"}]}"
			"],\"cursor\":\"M\",\"has_more\":true}"},
		{.route = "team/members/list/continue_v2", .wants = "\"M\"", .body = "{\"members\":["
			"{\"profile\":{\"team_member_id\":\"dbmid:3\",\"status\":{\".tag\":\"active\"}},\"roles\":[{\"name\":\"Team admin\"}]}"
			"],\"cursor\":\"M2\",\"has_more\":true}"},
		{0},
	};
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX);
	struct connection *c = start(steps);

	assert_int_equal(dbx_admin(c, &id, NULL), 0);
	assert_string_equal(buf_str(&id), "dbmid:3");
	end(c);
}

/* ---- the place ---- */

#define FOLDER(id, name, status) "{\"team_folder_id\":\"" id "\",\"name\":\"" name "\",\"status\":{\".tag\":\"" status "\"}}"

static void test_place(void **state)
{
	const struct step steps[] = {
		/* Nothing is remembered; the name is taken by a folder that was archived. */
		{.route = "team/team_folder/list", .body = "{\"team_folders\":[" FOLDER("1", "sekisho-quarantine", "archived")
			"],\"cursor\":\"c\",\"has_more\":false}"},
		{.route = "team/team_folder/create", .wants = "\"sekisho-quarantine-2\",\"sync_setting\"", .status = 409,
			.body = "{\"error\":{\".tag\":\"sync_settings_error\",\"sync_settings_error\":{\".tag\":\"unsupported_configuration\"}}}"},
		{.route = "team/team_folder/create", .wants = "\"sekisho-quarantine-2\"", .not = "sync_setting", .status = 409,
			.body = "{\"error\":{\".tag\":\"folder_name_already_used\"}}"},
		/* Somebody else made it in the meantime. */
		{.route = "team/team_folder/list", .body = "{\"team_folders\":[" FOLDER("1", "sekisho-quarantine", "archived") ","
			FOLDER("2", "sekisho-quarantine-2", "active") "],\"cursor\":\"c\",\"has_more\":false}"},
		{.route = "sharing/list_folder_members", .wants = "Select-Admin: dbmid:admin",
			.body = "{\"users\":[{\"access_type\":{\".tag\":\"editor\"},\"user\":{\"account_id\":\"dbid:u\"}}],\"groups\":[],"
				"\"invitees\":[{\"invitee\":{\".tag\":\"email\",\"email\":\"x@out.example\"}}]}"},
		{.route = "sharing/remove_folder_member", .wants = "dbid:u", .body = "{\".tag\":\"async_job_id\",\"async_job_id\":\"j\"}"},
		{.route = "sharing/remove_folder_member", .wants = "x@out.example", .status = 409,
			.body = "{\"error\":{\".tag\":\"member_error\",\"member_error\":{\".tag\":\"not_a_member\"}}}"},
		/* Remembered now, and still in use. */
		{.route = "team/team_folder/get_info", .wants = "\"2\"", .body = "[{\".tag\":\"team_folder_metadata\",\"team_folder_id\":\"2\","
			"\"name\":\"sekisho-quarantine-2\",\"status\":{\".tag\":\"active\"}}]"},
		{0},
	};
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX);
	struct connection *c = start(steps);
	struct err err = {0};

	for (int i = 0; i < 2; i++) {
		if (dbx_place_find(c, "dbmid:admin", DBX_QUARANTINE, &id, &err) < 0)
			fail_msg("%s", err.message);
		assert_string_equal(buf_str(&id), "2");
	}
	end(c);
}

static void test_place_open_to_others(void **state)
{
	const struct step steps[] = {
		{.route = "team/team_folder/list", .body = "{\"team_folders\":[" FOLDER("1", "sekisho-quarantine", "active")
			"],\"cursor\":\"c\",\"has_more\":false}"},
		{.route = "sharing/list_folder_members", .body = "{\"users\":[],\"groups\":[{\"group\":{\"group_id\":\"g:1\"}}],\"invitees\":[]}"},
		{.route = "sharing/remove_folder_member", .wants = "g:1", .status = 409,
			.body = "{\"error\":{\".tag\":\"no_permission\"}}"},
		{0},
	};
	_cleanup_buf_ struct buf id = BUF_INIT(DBX_ID_MAX);
	struct connection *c = start(steps);
	struct err err = {0};

	assert_int_equal(dbx_place_find(c, "dbmid:admin", DBX_QUARANTINE, &id, &err), -1);
	assert_string_equal(err.code, "place_shared");
	assert_string_equal(place, "");
	end(c);
}

static void test_names(void **state)
{
	assert_true(dbx_place_is_ours("sekisho-quarantine") && dbx_place_is_ours("Sekisho-Quarantine-Transit-3"));
	assert_false(dbx_place_is_ours("sekisho-quarantine-x") || dbx_place_is_ours("sekisho-quarantine-10") || dbx_place_is_ours(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors), cmocka_unit_test(test_chain_is_bounded), cmocka_unit_test(test_feed),
		cmocka_unit_test(test_feed_from_now_on), cmocka_unit_test(test_feed_hostile),
		cmocka_unit_test(test_feed_in_a_circle), cmocka_unit_test(test_download), cmocka_unit_test(test_streams),
		cmocka_unit_test(test_admin_who_left), cmocka_unit_test(test_place), cmocka_unit_test(test_place_open_to_others),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
