/* The feeds of the Box connector against scripted answers: what a living service shows once a year. http_call() of
 * net/http.h is replaced by one that compares each request with the next step of a script, or asks a made-up tree. One
 * thread. */
#include "base/cleanup.h"
#include "connectors/box/box.h"
#include "net/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define API "https://box.test"
#define EVENTS {.remote_id = "events", .service = "box", .context = "{\"start\":\"100\"}"}
#define TREE {.remote_id = "user/7", .service = "box", .context = "{\"user\":\"7\"}"}
#define FILE_OF(id, version, owner, parent)                                                                            \
	"{\"type\":\"file\",\"id\":\"" id "\",\"name\":\"n" id "\",\"size\":3,\"file_version\":{\"id\":\"" version     \
	"\"},\"sha1\":\"da39a3ee5e6b4b0d3255bfef95601890afd80709\",\"owned_by\":{\"id\":\"" owner                       \
	"\",\"login\":\"u@aoba.test\"},\"parent\":{\"id\":\"" parent "\"}}"
#define FOLDER_OF(id, owner) "{\"type\":\"folder\",\"id\":\"" id "\",\"owned_by\":{\"id\":\"" owner "\"}}"
#define EVENT(type, kind, id)                                                                                          \
	"{\"event_type\":\"" type "\",\"created_at\":\"2026-01-10T12:00:00Z\",\"source\":{\"item_type\":\"" kind       \
	"\",\"item_id\":\"" id "\",\"owned_by\":{\"id\":\"7\"}}}"
#define PAGE(position, entries) "{\"next_stream_position\":\"" position "\",\"entries\":[" entries "]}"
#define LIST(total, entries) "{\"total_count\":" total ",\"entries\":[" entries "]}"
#define LIVE "stream_type=admin_logs_streaming&"
#define YEAR "stream_type=admin_logs&"
#define MALFORMED "{\"status\":400,\"code\":\"bad_request\",\"message\":\"nextStreamPosition value is malformed\"}"
#define FORBIDDEN "{\"status\":403,\"code\":\"access_denied_insufficient_permissions\"}"

struct step {
	const char *url;   /* found in the request's URL */
	int status;        /* 0: 200 */
	const char *body;  /* of the answer */
	const char *wants; /* found in the URL, too */
	const char *as;    /* the user acted as; NULL: the service account */
};

extern const struct connector connector_box;

static const struct step *next_step;
static void (*made_up)(const char *url, struct buf *body);
static const char *quarantine_folder;

int http_call(struct http *http, const struct http_request *req, struct http_response *ret, struct err *err)
{
	const struct step *s = next_step;
	const char *as = NULL;

	*ret = (struct http_response){.status = 200, .body = BUF_INIT(8 << 20), .headers_arena = arena_new(4096)};
	if (made_up) {
		made_up(req->url, &ret->body);
		return 0;
	}
	for (size_t i = 0; req->headers && req->headers[i]; i++)
		if (strncmp(req->headers[i], "as-user: ", 9) == 0)
			as = req->headers[i] + 9;
	if (!s || !s->url)
		fail_msg("not in the script: %s %s", req->method, req->url);
	next_step++;
	assert_int_equal(strncmp(req->url, API "/2.0/", strlen(API) + 5), 0);
	assert_string_equal(req->method, "GET");
	if (!strstr(req->url, s->url) || (s->wants && !strstr(req->url, s->wants)))
		fail_msg("wanted %s (%s), came %s", s->url, s->wants ? s->wants : "", req->url);
	if (strcmp(s->as ? s->as : "-", as ? as : "-") != 0)
		fail_msg("%s as %s instead of %s", req->url, as ? as : "itself", s->as ? s->as : "itself");
	ret->status = s->status ? s->status : 200;
	return buf_adds(&ret->body, s->body ? s->body : "{}");
}

static int env_token(void *ctx, const char *subject, bool renew, struct buf *ret, struct err *err)
{
	return buf_adds(ret, "token");
}

static int env_place_get(void *ctx, const char *key, struct buf *ret, struct err *err)
{
	return quarantine_folder && strcmp(key, "quarantine") == 0 ? buf_adds(ret, quarantine_folder) : 1;
}

static int env_place_put(void *ctx, const char *key, const char *value, struct err *err)
{
	return 0;
}

/* ---- a feed as core follows it ---- */

struct feeder {
	struct connection_config config;
	struct connector_env env;
	struct connection *c;
	struct stream_info stream;
	struct arena *arena;
	struct item_page page;
	const char *cursor;
	bool resync;
	struct err err;
};

static void start(struct feeder *f, struct stream_info stream, const struct step *steps)
{
	*f = (struct feeder){.stream = stream, .arena = arena_new(256 << 20)};
	f->config = (struct connection_config){.id = "c", .tenant = "aoba", .provider = "box", .protect = true,
		.services = SERVICE_FILES, .n_endpoints = 1, .endpoints = {{"api", API}}};
	f->env = (struct connector_env){.token = env_token, .place_get = env_place_get, .place_put = env_place_put};
	next_step = steps;
	made_up = NULL;
	assert_int_equal(connector_box.open(&f->config, &f->env, &f->c, &f->err), 0);
}

static void end(struct feeder *f)
{
	if (next_step && next_step->url)
		fail_msg("was never asked for: %s", next_step->url);
	connector_box.close(f->c);
	arena_free(f->arena);
	made_up = NULL;
	quarantine_folder = NULL;
}

static int poll(struct feeder *f)
{
	const struct poll_request req = {.stream = &f->stream, .cursor = f->cursor, .backlog = BACKLOG_ALL, .resync = f->resync};

	f->page = (struct item_page){.arena = f->arena};
	f->err = (struct err){0};
	if (connector_box.poll(f->c, &req, &f->page, &f->err) < 0) {
		assert_true(f->page.n_items == 0 && f->page.n_removed == 0 && !f->page.cursor && f->page.arena == f->arena);
		return -1;
	}
	assert_true(strlen(f->page.cursor) < CONNECTOR_TEXT_MAX);
	f->cursor = f->page.cursor;
	return 0;
}

static void expect(struct feeder *f, size_t items, size_t removed, bool more)
{
	if (poll(f) < 0)
		fail_msg("%s: %s", f->err.code, f->err.message);
	assert_int_equal(f->page.n_items, items);
	assert_int_equal(f->page.n_removed, removed);
	assert_int_equal(f->page.more, more);
}

static void expect_error(struct feeder *f, enum err_class class, const char *code)
{
	assert_int_equal(poll(f), -1);
	if (f->err.class != class || strcmp(f->err.code, code) != 0)
		fail_msg("%s %s: %s", err_class_name(f->err.class), f->err.code, f->err.message);
	assert_true(class != ERR_CURSOR || f->err.scope == SCOPE_STREAM);
}

/* ---- the events ---- */

static void test_place_lost(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .wants = "stream_position=100", .body = PAGE("200", EVENT("UPLOAD", "file", "11"))},
		{.url = "/files/11?", .as = "7", .body = FILE_OF("11", "1", "7", "0")},
		{.url = LIVE, .wants = "stream_position=200", .status = 400, .body = MALFORMED},
		{.url = LIVE, .wants = "stream_position=now", .body = PAGE("900", "")},
		/* Two hours before what was seen last; an empty page there is no end while the position moves. */
		{.url = YEAR, .wants = "created_after=2026-01-10T10:00:00Z", .body = PAGE("50", "")},
		{.url = YEAR, .wants = "stream_position=50", .body = PAGE("51", EVENT("UPLOAD", "file", "11") ","
								    EVENT("EDIT", "file", "12"))},
		{.url = "/files/11?", .as = "7", .body = FILE_OF("11", "1", "7", "0")},
		{.url = "/files/12?", .as = "7", .status = 404, .body = "{\"code\":\"trashed\"}"},
		{.url = YEAR, .wants = "stream_position=51", .body = PAGE("51", "")},
		{.url = LIVE, .wants = "stream_position=900", .body = PAGE("900", "")},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	expect(&f, 1, 0, true);
	assert_string_equal(f.page.items[0].id, "11");
	assert_string_equal(f.page.items[0].version, "1");
	assert_false(f.page.listing);
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, true);
	expect(&f, 1, 1, true);
	assert_string_equal(f.page.removed[0], "12");
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, false);
	end(&f);
}

/* The log's own place can be lost, too; what is lost over and over ends in a new beginning, not in a loop. */
static void test_lost_over_and_over(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .wants = "stream_position=100", .status = 400, .body = MALFORMED},
		{.url = LIVE, .wants = "stream_position=now", .body = PAGE("900", "")},
		{.url = YEAR, .body = PAGE("50", "")},
		{.url = YEAR, .wants = "stream_position=50", .status = 400, .body = MALFORMED},
		{.url = LIVE, .wants = "stream_position=now", .body = PAGE("901", "")},
		{.url = YEAR, .wants = "created_after=", .body = PAGE("60", "")},
		{.url = YEAR, .wants = "stream_position=60", .body = PAGE("60", "")},
		{.url = LIVE, .wants = "stream_position=901", .status = 400, .body = MALFORMED},
		{.url = LIVE, .wants = "stream_position=now", .body = PAGE("902", "")},
		{.url = YEAR, .body = PAGE("60", "")},
		{.url = YEAR, .body = PAGE("60", "")},
		{.url = LIVE, .wants = "stream_position=902", .status = 400, .body = MALFORMED},
		/* From the beginning: two weeks of the log, then what comes. */
		{.url = LIVE, .wants = "stream_position=now", .body = PAGE("903", "")},
		{.url = YEAR, .body = PAGE("60", "")},
		{.url = YEAR, .body = PAGE("60", "")},
		{.url = LIVE, .wants = "stream_position=903", .body = PAGE("903", "")},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	for (int i = 0; i < 8; i++)
		expect(&f, 0, 0, true);
	expect_error(&f, ERR_CURSOR, "cursor_lost");
	f.cursor = NULL;
	f.resync = true;
	for (int i = 0; i < 3; i++)
		expect(&f, 0, 0, true);
	expect(&f, 0, 0, false);
	end(&f);
}

/* A 400 that says nothing of a place is not taken for a lost one for ever. */
static void test_bad_request(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .status = 400, .body = "{\"code\":\"bad_request\",\"message\":\"event_type\"}"},
		{.url = LIVE, .wants = "stream_position=now", .status = 400, .body = "{\"code\":\"bad_request\"}"},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	expect_error(&f, ERR_REMOTE, "http_status");
	end(&f);
}

static void test_empty_pages(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .wants = "stream_position=100", .body = PAGE("101", "")},
		{.url = LIVE, .wants = "stream_position=101", .body = "{\"next_stream_position\":1152922976252290886,\"entries\":[]}"},
		{.url = LIVE, .wants = "stream_position=1152922976252290886", .body = PAGE("1152922976252290887", "")},
		{.url = LIVE, .wants = "stream_position=1152922976252290887", .body = PAGE("1152922976252290887", "")},
		{.url = LIVE, .wants = "FILE_VERSION_RESTORE", .body = PAGE("1152922976252290887", "")},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, false);
	expect(&f, 0, 0, false);
	end(&f);
}

/* Positions that turn in circles, and positions that move on for ever: the feed rests. */
static void circle(const char *url, struct buf *body)
{
	buf_addf(body, "{\"next_stream_position\":\"%s\",\"entries\":[]}", strstr(url, "stream_position=101") ? "102" : "101");
}

static void march(const char *url, struct buf *body)
{
	const char *at = strstr(url, "stream_position=");

	buf_addf(body, "{\"next_stream_position\":%ld,\"entries\":[]}", (at ? strtol(at + 16, NULL, 10) : 0) + 1);
}

static void test_restless(void **state)
{
	static void (*const feeds[])(const char *, struct buf *) = {circle, march};

	for (size_t i = 0; i < ARRAY_SIZE(feeds); i++) {
		struct feeder f;
		int polls = 0;

		start(&f, (struct stream_info)EVENTS, NULL);
		made_up = feeds[i];
		do {
			assert_int_equal(poll(&f), 0);
			assert_true(++polls < 100);
		} while (f.page.more);
		assert_true(polls > 2);
		end(&f);
	}
}

static void test_disorder(void **state)
{
	static const struct step steps[] = {
		/* A deletion that comes late does not take away what is there; one look serves the page. */
		{.url = LIVE, .body = PAGE("101", EVENT("DELETE", "file", "11") "," EVENT("UPLOAD", "file", "11") ","
				      EVENT("UPLOAD", "file", "12") "," EVENT("FILE_MARKED_MALICIOUS", "file", "11") ","
				      EVENT("DELETE", "file", "12") "," EVENT("UPLOAD", "file", "11") ","
				      EVENT("MOVE", "file", "13") "," EVENT("UNKNOWN_SINCE_2027", "web_link", "14"))},
		{.url = "/files/11?", .as = "7", .body = FILE_OF("11", "2", "7", "0")},
		{.url = "/files/12?", .as = "7", .status = 404, .body = "{\"code\":\"trashed\"}"},
		/* Our own quarantine. */
		{.url = "/files/13?", .as = "7", .body = FILE_OF("13", "1", "9", "555")},
		/* The same page once more. */
		{.url = LIVE, .wants = "stream_position=101", .body = PAGE("101", EVENT("UPLOAD", "file", "11"))},
		{.url = "/files/11?", .as = "7", .body = FILE_OF("11", "2", "7", "0")},
		{0}};
	struct feeder f;

	quarantine_folder = "555";
	start(&f, (struct stream_info)EVENTS, steps);
	expect(&f, 1, 1, true);
	assert_string_equal(f.page.items[0].provider_threat, "Box Shield");
	assert_string_equal(f.page.removed[0], "12");
	expect(&f, 1, 0, false);
	assert_null(f.page.items[0].provider_threat);
	end(&f);
}

#define ALERT(category, item)                                                                                          \
	"{\"event_type\":\"SHIELD_ALERT\",\"source\":null,\"additional_details\":{\"shield_alert\":{\"rule_category\":\"" category \
	"\",\"user\":{\"id\":\"8\"},\"alert_summary\":{\"upload_activity\":{\"item_type\":\"file\",\"item_id\":\"" item "\"}}}}}"

static void test_malicious(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .body = PAGE("101", EVENT("FILE_MARKED_MALICIOUS", "file", "11") "," ALERT("Malicious Content", "12") ","
				      ALERT("Anomalous Download", "13") ",{\"event_type\":\"SHIELD_ALERT\",\"source\":{\"type\":\"user\",\"id\":\"7\"}}")},
		{.url = "/files/11?", .as = "7", .body = FILE_OF("11", "1", "7", "0")},
		{.url = "/files/12?", .as = "8", .body = FILE_OF("12", "1", "8", "0")},
		{.url = "/files/13?", .as = "8", .body = FILE_OF("13", "1", "8", "0")},
		/* And what it says at the download is no error but a finding. */
		{.url = "/files/11/content", .as = "7", .wants = "version=1", .status = 403, .body = "{\"code\":\"forbidden_by_policy\"}"},
		{.url = "/files/11/content", .as = "7", .status = 403, .body = FORBIDDEN},
		{.url = "/files/11/content", .as = "7", .status = 202},
		{0}};
	struct content_info info = {0};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	expect(&f, 3, 0, true);
	assert_string_equal(f.page.items[0].provider_threat, "Box Shield");
	assert_string_equal(f.page.items[1].provider_threat, "Box Shield");
	assert_null(f.page.items[2].provider_threat);
	assert_int_equal(connector_box.open_content(f.c, &f.stream, &f.page.items[0], NULL, &info, &f.err), 0);
	assert_string_equal(info.provider_threat, "Box Shield");
	assert_int_equal(connector_box.open_content(f.c, &f.stream, &f.page.items[0], NULL, &info, &f.err), -1);
	assert_string_equal(f.err.code, "forbidden");
	assert_int_equal(connector_box.open_content(f.c, &f.stream, &f.page.items[0], NULL, &info, &f.err), -1);
	assert_int_equal(f.err.class, ERR_RETRY);
	end(&f);
}

static void test_folders_of_events(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .body = PAGE("101", EVENT("COPY", "folder", "30") "," EVENT("UNDELETE", "folder", "40") ","
				      EVENT("MOVE", "folder", "50") "," EVENT("UPLOAD", "file", "11"))},
		{.url = "/files/11?", .as = "7", .body = FILE_OF("11", "1", "7", "0")},
		{.url = "/folders/40/items", .as = "7", .status = 404, .body = "{\"code\":\"trashed\"}"},
		{.url = "/folders/30/items", .as = "7", .wants = "usemarker=true",
			.body = LIST("4", FILE_OF("31", "1", "7", "30") "," FOLDER_OF("32", "7") "," FOLDER_OF("33", "8") ","
				FILE_OF("34", "1", "8", "30"))},
		{.url = "/folders/32/items", .as = "7", .body = LIST("1", FILE_OF("35", "1", "7", "32"))},
		{.url = LIVE, .wants = "stream_position=101", .body = PAGE("101", "")},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	expect(&f, 1, 0, true);
	expect(&f, 0, 0, true);
	expect(&f, 1, 0, true);
	expect(&f, 1, 0, true);
	expect(&f, 0, 0, false);
	end(&f);
}

/* One refusal is one file's; all refusals are a grant that shrank, and nothing is passed over then. */
static void test_refusals(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .wants = "stream_position=100", .body = PAGE("101", EVENT("UPLOAD", "file", "11"))},
		{.url = "/files/11?", .as = "7", .status = 403, .body = FORBIDDEN},
		{.url = "/users/7?", .body = "{\"id\":\"7\",\"status\":\"active\"}"},
		{.url = "/folders/0/items", .as = "7", .body = LIST("0", "")},
		{.url = LIVE, .wants = "stream_position=101", .body = PAGE("102", EVENT("UPLOAD", "file", "12"))},
		{.url = "/files/12?", .as = "7", .status = 403, .body = FORBIDDEN},
		{.url = "/users/7?", .status = 404, .body = "{\"code\":\"not_found\"}"},
		{.url = LIVE, .wants = "stream_position=102", .body = PAGE("103", EVENT("UPLOAD", "file", "13"))},
		{.url = "/files/13?", .as = "7", .status = 403, .body = FORBIDDEN},
		{.url = "/users/7?", .body = "{\"id\":\"7\",\"status\":\"active\"}"},
		{.url = "/folders/0/items", .as = "7", .status = 403, .body = FORBIDDEN},
		{.url = LIVE, .wants = "stream_position=102", .body = PAGE("103", EVENT("UPLOAD", "file", "13"))},
		{.url = "/files/13?", .as = "7", .status = 403, .body = FORBIDDEN},
		{.url = "/users/7?", .status = 503},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, true);
	expect_error(&f, ERR_CONSENT, "as_user");
	assert_int_equal(f.err.scope, SCOPE_CONNECTION);
	assert_int_equal(poll(&f), -1);
	assert_int_equal(f.err.class, ERR_RETRY);
	end(&f);
}

/* ---- the tree ---- */

#define WIDE 4000
static int wide_folders_asked;

/* A root of 4,000 folders with one file and one folder each. */
static void wide_tree(const char *url, struct buf *body)
{
	const char *id = strstr(url, "/folders/") + 9, *at = strstr(url, "offset=");
	long long folder = strtoll(id, NULL, 10);
	int offset = at ? (int)strtol(at + 7, NULL, 10) : 0;

	if (folder == 0) {
		buf_addf(body, "{\"total_count\":%d,\"entries\":[", WIDE);
		for (int i = offset; i < WIDE && i < offset + 1000; i++)
			buf_addf(body, "%s{\"type\":\"folder\",\"id\":\"%lld\",\"owned_by\":{\"id\":\"7\"}}", i > offset ? "," : "",
				200000000000ll + i);
		buf_adds(body, "]}");
		return;
	}
	wide_folders_asked++;
	if (folder >= 300000000000ll) {
		buf_adds(body, LIST("0", ""));
		return;
	}
	buf_adds(body, "{\"total_count\":2,\"entries\":[");
	if (offset == 0)
		buf_addf(body, "{\"type\":\"folder\",\"id\":\"%lld\"},", folder + 100000000000ll);
	buf_addf(body, "{\"type\":\"file\",\"id\":\"%lld\",\"file_version\":{\"id\":\"1\"},\"owned_by\":{\"id\":\"7\"}}]}",
		folder + 200000000000ll);
}

static void test_wide_folder(void **state)
{
	static bool seen[WIDE];
	struct feeder f;
	bool more = true;
	int polls = 0;

	start(&f, (struct stream_info)TREE, NULL);
	made_up = wide_tree;
	while (more) {
		struct arena *before = f.arena; /* holds the last cursor */
		f.arena = arena_new(16 << 20);
		assert_int_equal(poll(&f), 0);
		arena_free(before);
		assert_true(f.page.listing);
		for (size_t i = 0; i < f.page.n_items; i++) {
			long long n = strtoll(f.page.items[i].id, NULL, 10) - 400000000000ll;
			assert_true(n >= 0 && n < WIDE && !seen[n]);
			seen[n] = true;
		}
		more = f.page.more;
		assert_true(++polls < 4 * WIDE);
	}
	for (int i = 0; i < WIDE; i++)
		assert_true(seen[i]);
	assert_true(wide_folders_asked >= 2 * WIDE && wide_folders_asked <= 3 * WIDE);
	expect(&f, 0, 0, false);
	end(&f);
}

/* What went away before the page moves the rest up: nothing of it is passed over. */
static void test_shrinking_folder(void **state)
{
	static const struct step steps[] = {
		{.url = "/folders/0/items", .as = "7", .wants = "usemarker=true",
			.body = LIST("5", FILE_OF("1", "1", "7", "0") "," FILE_OF("2", "1", "7", "0"))},
		{.url = "/folders/0/items", .as = "7", .wants = "offset=2", .body = LIST("4", FILE_OF("4", "1", "7", "0"))},
		{.url = "/folders/0/items", .as = "7", .wants = "offset=1",
			.body = LIST("4", FILE_OF("3", "1", "7", "0") "," FILE_OF("4", "1", "7", "0"))},
		/* A total that is none: to the first empty page. */
		{.url = "/folders/0/items", .as = "7", .wants = "offset=3", .body = LIST("-1", FILE_OF("5", "1", "7", "0"))},
		{.url = "/folders/0/items", .as = "7", .wants = "offset=4", .body = LIST("\"x\"", "")},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)TREE, steps);
	f.config.page_size = 2;
	expect(&f, 2, 0, true);
	expect(&f, 0, 0, true);
	expect(&f, 2, 0, true);
	expect(&f, 1, 0, true);
	expect(&f, 0, 0, false);
	end(&f);
}

/* ---- answers that are none ---- */

static void test_hostile_events(void **state)
{
	static const struct step steps[] = {
		{.url = LIVE, .body = "{\"next_stream_position\":\"101\",\"entries\":{}}"},
		{.url = LIVE, .body = "{\"entries\":[]}"},
		{.url = LIVE, .body = "{\"next_stream_position\":[],\"entries\":[]}"},
		{.url = LIVE, .body = "[]"},
		{.url = LIVE, .body = PAGE("101", EVENT("UPLOAD", "file", "11"))},
		{.url = "/files/11?", .as = "7", .body = FILE_OF("12", "1", "7", "0")},
		{.url = LIVE, .body = PAGE("101", EVENT("UPLOAD", "file", "11"))},
		{.url = "/files/11?", .as = "7", .body = "{\"id\":\"11\",\"owned_by\":[]}"},
		/* Events about nothing, and about what must not reach an address or a header. */
		{.url = LIVE, .body = PAGE("101",
			"null,1,\"x\",[],{},{\"source\":1},{\"event_type\":{},\"source\":{\"item_id\":{},\"item_type\":\"file\"}},"
			"{\"created_at\":\"never\",\"source\":{\"item_id\":\"11\",\"item_type\":\"file\",\"owned_by\":\"7\"}},"
			"{\"event_type\":\"SHIELD_ALERT\",\"additional_details\":{\"shield_alert\":[]}},"
			EVENT("UPLOAD", "file", "../users") "," EVENT("COPY", "folder", "1\\r\\nX: y") "," EVENT("UPLOAD", "file", "") ","
			EVENT("COPY", "folder", "11111111111111111111111111111111111111111")
			",{\"event_type\":\"UPLOAD\",\"source\":{\"item_id\":\"1\",\"item_type\":\"file\",\"owned_by\":{\"id\":\"7\\nX: y\"}}}")},
		{.url = LIVE, .wants = "stream_position=101", .body = PAGE("101", "")},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)EVENTS, steps);
	for (int i = 0; i < 6; i++)
		expect_error(&f, ERR_REMOTE, "bad_answer");
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, false);
	end(&f);
}

static void test_hostile_tree(void **state)
{
	static const struct step steps[] = {
		{.url = "/folders/0/items", .as = "7", .body = "{\"total_count\":1}"},
		{.url = "/folders/0/items", .as = "7", .body = LIST("1", "{\"type\":\"file\",\"id\":\"1\",\"owned_by\":{\"id\":\"7\"}}")},
		{.url = "/files/1?", .as = "7", .body = "{\"id\":\"1\"}"},
		{.url = "/folders/0/items", .as = "7", .body = LIST("1", FOLDER_OF("11111111111111111111111111111111111111111", "7"))},
		{.url = "/folders/0/items", .as = "7", .status = 404, .body = "{\"code\":\"not_found\"}"},
		{.url = "/folders/0/items", .as = "7",
			.body = LIST("6", "null,1,\"x\",[],{\"type\":\"web_link\",\"id\":\"5\"},{\"type\":\"folder\",\"id\":6}")},
		{0}};
	static const char *const cursors[] = {"[]", "{", "{\"stack\":[1]}", "{\"stack\":[[\"7\"]]}",
		"{\"stack\":[[\"7\",\"0\",-1,0]]}", "{\"stack\":[[\"7\",\"0\",\"x\",0]]}", "{\"stack\":[[7,\"0\",0,0]]}"};
	struct feeder f;

	start(&f, (struct stream_info)TREE, steps);
	for (size_t i = 0; i < ARRAY_SIZE(cursors); i++) {
		f.cursor = cursors[i];
		expect_error(&f, ERR_CURSOR, "bad_cursor");
	}
	f.cursor = NULL;
	for (int i = 0; i < 3; i++)
		expect_error(&f, ERR_REMOTE, "bad_answer");
	assert_int_equal(poll(&f), -1);
	assert_int_equal(f.err.class, ERR_GONE);
	expect(&f, 0, 0, false);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place_lost),
		cmocka_unit_test(test_lost_over_and_over),
		cmocka_unit_test(test_bad_request),
		cmocka_unit_test(test_empty_pages),
		cmocka_unit_test(test_restless),
		cmocka_unit_test(test_disorder),
		cmocka_unit_test(test_malicious),
		cmocka_unit_test(test_folders_of_events),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_wide_folder),
		cmocka_unit_test(test_shrinking_folder),
		cmocka_unit_test(test_hostile_events),
		cmocka_unit_test(test_hostile_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
