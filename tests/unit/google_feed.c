/* The feeds of the Google connector against scripted answers: what a living service shows once a year. */
#include "google_script.h"

#include "base/timeutil.h"

#define MAIL {.remote_id = "gmail/1", .service = "gmail", .context = "{\"user\":\"" HANA "\",\"id\":\"1\"}"}
#define OWN {.remote_id = "drive/1", .service = "drive", .context = "{\"user\":\"" HANA "\",\"id\":\"1\"}"}
#define SHARED {.remote_id = "shared/D", .service = "drive", .context = "{\"user\":\"" HANA "\",\"drive\":\"D\"}"}
#define REASON(code, reason) \
	"{\"error\":{\"code\":" #code ",\"message\":\"words\",\"errors\":[{\"reason\":\"" reason "\"}]}}"

/* A feed as core follows it. */
struct feeder {
	struct connection *c;
	struct stream_info stream;
	struct arena *arena;
	struct item_page page;
	const char *cursor;
	enum backlog_kind backlog;
	int64_t since;
	bool resync;
	struct err err;
};

static void start(struct feeder *f, struct stream_info stream)
{
	*f = (struct feeder){.c = script_open(SERVICE_MAIL | SERVICE_FILES), .stream = stream, .arena = arena_new(16 << 20),
		.backlog = BACKLOG_ALL};
}

static void end(struct feeder *f)
{
	script_end();
	script_close(f->c);
	arena_free(f->arena);
}

static int poll(struct feeder *f)
{
	const struct poll_request req = {.stream = &f->stream, .cursor = f->cursor, .backlog = f->backlog, .since = f->since,
		.resync = f->resync};

	f->page = (struct item_page){.arena = f->arena};
	f->err = (struct err){0};
	if (connector_google.poll(f->c, &req, &f->page, &f->err) < 0)
		return -1;
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
	assert_true(f->err.scope >= SCOPE_STREAM);
}

/* ---- Gmail ---- */

static void test_mail_listing(void **state)
{
	static const struct step steps[] = {
		{.url = "/gmail/v1/users/me/profile", .as = HANA, .body = "{\"historyId\":\"18446744073709551615\"}"},
		{.url = "/messages?maxResults=500&includeSpamTrash=true&q=after:1700000000",
			.body = "{\"messages\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"a\"}],\"nextPageToken\":\"p2\"}"},
		/* The token is rejected: from the beginning. */
		{.url = "pageToken=p2", .status = 400, .body = REASON(400, "invalidArgument")},
		{.url = "/messages?", .body = "{\"messages\":[{\"id\":\"a\"}],\"nextPageToken\":\"p3\"}"},
		{.url = "pageToken=p3", .body = "{\"resultSizeEstimate\":0}"},
		/* The history begins where it stood before the listing; no key means nothing new. */
		{.url = "startHistoryId=18446744073709551615", .body = "{\"historyId\":\"18446744073709551616\"}"},
		{.url = "startHistoryId=18446744073709551616", .body = "{\"historyId\":42}"},
		{.url = "startHistoryId=42", .body = "{\"historyId\":\"42\"}"},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)MAIL);
	f.backlog = BACKLOG_SINCE;
	f.since = 1700000000000;
	script(steps);
	expect(&f, 2, 0, true);
	assert_true(f.page.listing);
	assert_string_equal(f.page.items[0].version, "1");
	expect(&f, 0, 0, true);
	expect(&f, 1, 0, true);
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, false);
	assert_false(f.page.listing);
	expect(&f, 0, 0, false);
	expect(&f, 0, 0, false);
	end(&f);
}

static void test_mail_history(void **state)
{
	static const struct step steps[] = {
		{.url = "/profile", .body = "{\"historyId\":\"5\"}"},
		{.url = "startHistoryId=5", .wants = "historyTypes=labelAdded",
			.body = "{\"historyId\":\"9\",\"nextPageToken\":\"p\",\"history\":[{\"id\":\"6\",\"messagesAdded\":["
				"{\"message\":{\"id\":\"a\"}},{\"message\":{\"id\":\"b\"}}]},{\"id\":\"7\",\"labelsAdded\":[{\"message\":"
				"{\"id\":\"c\"}},{\"message\":{\"id\":\"a\"}}]},{\"id\":\"8\",\"messagesDeleted\":[{\"message\":{\"id\":"
				"\"b\"}}]}]}"},
		/* More came in the meantime: asked for again in the next run, because this one may not have shown it. */
		{.url = "pageToken=p", .body = "{\"historyId\":\"12\",\"history\":[]}"},
		{.url = "startHistoryId=9", .body = "{\"historyId\":\"12\"}"},
		/* An old place that is lost is lost at once. */
		{.url = "startHistoryId=12", .status = 404, .body = REASON(404, "notFound")},
		{.url = "startHistoryId=12", .status = 400, .body = REASON(400, "failedPrecondition")},
		{.url = "startHistoryId=12", .status = 403, .body = REASON(403, "userRateLimitExceeded")},
		{.url = "startHistoryId=12", .body = "{\"historyId\":\"13\",\"history\":[{\"messagesAdded\":[{\"message\":{}}]}]}"},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)MAIL);
	f.backlog = BACKLOG_NONE;
	script(steps);
	expect(&f, 0, 0, false);
	expect(&f, 2, 1, true);
	assert_string_equal(f.page.removed[0], "b");
	expect(&f, 0, 0, false);
	expect(&f, 0, 0, false);
	expect_error(&f, ERR_CURSOR, "cursor_lost");
	expect_error(&f, ERR_REMOTE, "unlicensed");
	expect_error(&f, ERR_RETRY, "throttled");
	assert_int_equal(f.err.scope, SCOPE_STREAM);
	expect_error(&f, ERR_REMOTE, "bad_answer");
	end(&f);
}

/* A run of 404s for an id that is seconds old was seen: it is waited for before everything is listed once more. */
static void test_fresh_history_unknown(void **state)
{
	static const struct step lost = {.url = "startHistoryId=5", .status = 404, .body = REASON(404, "notFound")};
	const struct step steps[] = {{.url = "/profile", .body = "{\"historyId\":\"5\"}"}, lost, lost, lost, lost, lost, lost, {0}};
	struct feeder f;

	start(&f, (struct stream_info)MAIL);
	f.backlog = BACKLOG_NONE;
	script(steps);
	for (int i = 0; i < 6; i++)
		expect(&f, 0, 0, false);
	expect_error(&f, ERR_CURSOR, "cursor_lost");
	end(&f);
}

static void test_mail_circle(void **state)
{
	static const struct step page = {.url = "/messages?", .body = "{\"messages\":[{\"id\":\"a\"}],\"nextPageToken\":\"p\"}"};
	struct step steps[11] = {{.url = "/profile", .body = "{\"historyId\":\"5\"}"}};
	struct feeder f;
	int n = 0;

	for (int i = 1; i < 10; i++)
		steps[i] = page;
	start(&f, (struct stream_info)MAIL);
	script(steps);
	while (poll(&f) == 0 && n++ < 8)
		;
	assert_int_equal(f.err.class, ERR_CURSOR);
	assert_string_equal(f.err.code, "page_loop");
	script_close(f.c);
	arena_free(f.arena);
}

/* ---- Drive ---- */

#define FILE_A "{\"id\":\"a\",\"name\":\"a\",\"mimeType\":\"text/plain\",\"size\":\"3\",\"headRevisionId\":\"r1\",\"ownedByMe\":true," \
	"\"owners\":[{\"emailAddress\":\"" HANA "\"}],\"parents\":[\"P\"],\"createdTime\":\"2026-01-02T00:00:00Z\"," \
	"\"modifiedTime\":\"2020-01-01T00:00:00Z\",\"sha256Checksum\":" \
	"\"ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789\"}"
#define NATIVE(id, kind) "{\"id\":\"" id "\",\"name\":\"" id "\",\"mimeType\":\"application/vnd.google-apps." kind "\",\"size\":\"1\"," \
	"\"modifiedTime\":\"2026-01-01T00:00:00Z\",\"ownedByMe\":true}"
#define CHANGE(id, file) "{\"changeType\":\"file\",\"fileId\":\"" id "\",\"removed\":false,\"file\":" file "}"

static void test_drive_listing(void **state)
{
	static const struct step steps[] = {
		{.url = "/drive/v3/changes/startPageToken", .as = HANA, .body = "{\"startPageToken\":\"100\"}"},
		{.url = "/drive/v3/files?", .wants = "'me'%20in%20owners", .body = "{\"files\":[" FILE_A "," NATIVE("d", "document") ","
			NATIVE("f", "form") "," NATIVE("s", "shortcut") "," NATIVE("o", "folder") "],\"nextPageToken\":\"p2\"}"},
		{.url = "pageToken=p2", .status = 400, .body = "{\"error\":{\"code\":400,\"errors\":[{\"reason\":\"invalid\",\"location\":"
			"\"pageToken\"}]}}"},
		{.url = "/drive/v3/files?", .body = "{\"files\":[],\"incompleteSearch\":true}"},
		{.url = "/drive/v3/files?", .body = "{\"files\":[]}"},
		{.url = "/drive/v3/changes?pageToken=100", .body = "{\"changes\":[],\"newStartPageToken\":\"100\"}"},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)OWN);
	script(steps);
	expect(&f, 4, 0, true);
	const struct item *a = &f.page.items[0], *d = &f.page.items[1];
	assert_string_equal(a->version, "r1");
	assert_int_equal(a->size, 3);
	assert_string_equal(a->hash, "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789");
	int64_t created;
	assert_int_equal(time_parse("2026-01-02T00:00:00Z", &created), 0);
	assert_int_equal(a->changed_at, created); /* it was brought here later than it was changed */
	assert_string_equal(d->version, "modified:2026-01-01T00:00:00Z");
	assert_int_equal(d->size, -1);
	assert_string_equal(d->context, "{\"mime\":\"application/vnd.google-apps.document\"}");
	assert_string_equal(f.page.items[2].skip, "no_content");
	assert_string_equal(f.page.items[3].skip, "shortcut");
	expect(&f, 0, 0, true);
	expect_error(&f, ERR_RETRY, "incomplete");
	expect(&f, 0, 0, true);
	expect(&f, 0, 0, false);
	end(&f);
}

static void test_drive_since(void **state)
{
	static const struct step steps[] = {
		{.url = "/changes/startPageToken", .wants = "driveId=D", .body = "{\"startPageToken\":\"1\"}"},
		{.url = "/files?", .wants = "(modifiedTime%20%3E%3D%20'2023-11-14T22:13:20Z'%20or%20createdTime", .body = "{\"files\":[]}"},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)SHARED);
	f.backlog = BACKLOG_SINCE;
	f.since = 1700000000000;
	script(steps);
	expect(&f, 0, 0, true);
	end(&f);
}

static void test_drive_changes(void **state)
{
	static const struct step steps[] = {
		{.url = "/changes/startPageToken", .body = "{\"startPageToken\":\"1\"}"},
		{.url = "/changes?pageToken=1", .wants = "includeItemsFromAllDrives=true", .body = "{\"changes\":["
			"{\"changeType\":\"drive\",\"driveId\":\"X\"},"
			"{\"changeType\":\"file\",\"fileId\":\"gone\",\"removed\":true},"
			"{\"changeType\":\"file\",\"fileId\":\"a\",\"removed\":true}," CHANGE("a", FILE_A) ","
			CHANGE("b", "{\"id\":\"b\",\"driveId\":\"Q\"}") ","
			CHANGE("c", "{\"id\":\"c\",\"owners\":[{\"emailAddress\":\"ken@aoba.test\"}]}") ","
			CHANGE("e", "{\"id\":\"e\",\"mimeType\":\"text/plain\",\"owners\":[{\"emailAddress\":\"x@other.test\"}]}") ","
			CHANGE("g", "{\"id\":\"g\",\"mimeType\":\"text/plain\",\"owners\":[{\"emailAddress\":\"y@sub.test\"}]}")
			"],\"newStartPageToken\":\"9\"}"},
		{.url = "directory.test/admin/directory/v1/users/x@other.test", .as = ADMIN, .status = 404,
			.body = REASON(404, "notFound")},
		{.url = "directory.test/admin/directory/v1/users/y@sub.test", .body = "{\"primaryEmail\":\"y@sub.test\"}"},
		{.url = "pageToken=9", .status = 400, .body = "{\"error\":{\"code\":400,\"errors\":[{\"reason\":\"invalid\",\"location\":"
			"\"pageToken\"}]}}"},
		{.url = "pageToken=9", .status = 403, .body = REASON(403, "rateLimitExceeded")},
		{.url = "pageToken=9", .status = 403, .body = REASON(403, "dailyLimitExceeded")},
		{.url = "pageToken=9", .status = 403, .body = REASON(403, "domainPolicy")},
		{.url = "pageToken=9", .status = 403, .body = REASON(403, "insufficientPermissions")},
		{.url = "pageToken=9", .body = "{\"changes\":[]}"},
		{.url = "pageToken=9", .body = "{\"changes\":[{\"fileId\":\"z\",\"removed\":false}],\"newStartPageToken\":\"10\"}"},
		{0}};
	struct feeder f;

	start(&f, (struct stream_info)OWN);
	f.backlog = BACKLOG_NONE;
	script(steps);
	expect(&f, 0, 0, false);
	expect(&f, 2, 4, false);
	assert_string_equal(f.page.items[0].id, "a");
	assert_string_equal(f.page.items[1].id, "e");
	assert_string_equal(f.page.items[1].skip, "owned_outside");
	expect_error(&f, ERR_CURSOR, "cursor_lost");
	expect_error(&f, ERR_RETRY, "throttled");
	assert_int_equal(f.err.scope, SCOPE_CONNECTION);
	expect_error(&f, ERR_RETRY, "throttled");
	assert_true(f.err.retry_at > time_now_ms() + 600000);
	expect_error(&f, ERR_REMOTE, "unlicensed");
	expect_error(&f, ERR_CONSENT, "scope_missing");
	expect_error(&f, ERR_REMOTE, "bad_answer");
	expect_error(&f, ERR_REMOTE, "bad_answer");
	end(&f);
}

static void test_nobody_to_act_as(void **state)
{
	struct feeder f;

	start(&f, (struct stream_info){.remote_id = "drive/2", .service = "drive", .context = "{\"user\":\"nobody@aoba.test\"}"});
	script(NULL);
	expect_error(&f, ERR_REMOTE, "forbidden");
	end(&f);
}

static void test_hostile_cursors(void **state)
{
	static const char *const cursors[] = {"", "[]", "{}", "{\"m\":\"list\"", "{\"m\":\"x\"}", "{\"m\":7}", "{\"m\":\"feed\"}",
		"{\"m\":\"feed\",\"h\":{},\"t\":[]}"};
	struct feeder f;

	for (int mail = 0; mail < 2; mail++) {
		start(&f, mail ? (struct stream_info)MAIL : (struct stream_info)OWN);
		script(NULL);
		for (size_t i = 0; i < ARRAY_SIZE(cursors); i++) {
			f.cursor = cursors[i];
			assert_int_equal(poll(&f), -1);
			assert_int_equal(f.err.class, ERR_CURSOR);
			assert_int_equal(f.err.scope, SCOPE_STREAM);
		}
		end(&f);
	}
}

/* ---- bytes ---- */

#define BIG "{\"mime\":\"application/vnd.google-apps.spreadsheet\"}"

static int fetch(struct feeder *f, const char *id, const char *context, struct content_info *info, int64_t *size)
{
	const struct item item = {.kind = ITEM_FILE, .id = id, .version = "v", .context = context};
	_cleanup_(content_freep) struct content *content = script_content();

	f->err = (struct err){0};
	int r = connector_google.open_content(f->c, &f->stream, &item, content, info, &f->err);
	*size = content_size(content);
	return r;
}

/* A mail's time comes with its bytes: the lists have none. */
static void test_mail_bytes(void **state)
{
	static const struct step steps[] = {
		{.url = "/messages/a?format=raw", .as = HANA, .body = "{\"internalDate\":\"1795873551451\",\"raw\":\"aGVsbG8\"}"},
		{.url = "/messages/b?format=raw", .body = "{\"raw\":\"aGVsbG8\",\"internalDate\":\"soon\"}"},
		{.url = "/messages/c?format=raw", .body = "{\"raw\":\"aGVsbG8\",\"internalDate\":\"99999999999999999999\"}"},
		{.url = "/messages/d?format=raw", .body = "{\"raw\":\"aGVsbG8\",\"internalDate\":\"-5\"}"},
		{.url = "/messages/e?format=raw", .body = "{\"internalDate\":\"1795873551451\"}"},
		{0}};
	struct content_info info = {0};
	struct feeder f;
	int64_t size;

	start(&f, (struct stream_info)MAIL);
	script(steps);
	static const char *const ids[] = {"a", "b", "c", "d"};
	for (int i = 0; i < 4; i++) {
		assert_int_equal(fetch(&f, ids[i], NULL, &info, &size), 0);
		assert_int_equal(size, 5);
		assert_true(info.received_at == (i == 0 ? 1795873551451 : 0));
	}
	assert_int_equal(fetch(&f, "e", NULL, &info, &size), -1);
	assert_string_equal(f.err.code, "bad_answer");
	end(&f);
}

static void test_bytes(void **state)
{
	static const struct step steps[] = {
		{.url = "/drive/v3/files/a?alt=media", .as = HANA, .body = "bytes"},
		{.url = "/files/b?alt=media", .status = 403, .body = REASON(403, "cannotDownloadAbusiveFile")},
		{.url = "/files/c?alt=media", .status = 403, .body = REASON(403, "downloadQuotaExceeded")},
		{.url = "/files/d?alt=media", .status = 404, .body = REASON(404, "notFound")},
		{.url = "/files/e/export?mimeType=application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", .body = "sheet"},
		/* Too big to export: prepared in the background, and not ready at once. */
		{.url = "/files/e/export", .status = 403, .body = REASON(403, "exportSizeLimitExceeded")},
		{.method = "POST", .url = "/files/e/download?mimeType=", .body = "{\"name\":\"operations/o1\",\"done\":false}"},
		{.url = "/drive/v3/operations/o1", .body = "{\"name\":\"operations/o1\"}"},
		{.url = "/operations/o1", .body = "{\"name\":\"operations/o1\"}"},
		{.url = "/operations/o1", .body = "{\"name\":\"operations/o1\"}"},
		/* Later it is asked for again, not begun again. */
		{.url = "/files/e/export", .status = 403, .body = REASON(403, "exportSizeLimitExceeded")},
		{.url = "/operations/o1", .body = "{\"done\":true,\"response\":{\"downloadUri\":\"" DRIVE_TEST "/x/1\"}}"},
		{.url = DRIVE_TEST "/x/1", .as = HANA, .body = "bigger"},
		/* Elsewhere without a token. */
		{.url = "/files/e/export", .status = 403, .body = REASON(403, "exportSizeLimitExceeded")},
		{.method = "POST", .url = "/files/e/download", .body = "{\"name\":\"o2\",\"done\":true,\"response\":{\"downloadUri\":"
			"\"https://elsewhere.test/y\"}}"},
		{.url = "https://elsewhere.test/y", .as = "-", .body = "biggest"},
		{.url = "/files/e/export", .status = 403, .body = REASON(403, "exportSizeLimitExceeded")},
		{.method = "POST", .url = "/files/e/download", .body = "{\"name\":\"o3\",\"done\":true,\"response\":{\"downloadUri\":"
			"\"http://127.0.0.1:1/y\"}}"},
		{.url = "/files/e/export", .status = 403, .body = REASON(403, "exportSizeLimitExceeded")},
		{.method = "POST", .url = "/files/e/download", .body = "{\"done\":true,\"error\":{\"code\":3,\"message\":\"no\"}}"},
		{0}};
	struct content_info info = {0};
	struct feeder f;
	int64_t size;

	start(&f, (struct stream_info)OWN);
	script(steps);
	assert_int_equal(fetch(&f, "a", NULL, &info, &size), 0);
	assert_int_equal(size, 5);
	assert_int_equal(fetch(&f, "b", NULL, &info, &size), 0);
	assert_string_equal(info.provider_threat, "cannotDownloadAbusiveFile");
	assert_int_equal(fetch(&f, "c", NULL, &info, &size), -1);
	assert_string_equal(f.err.code, "not_downloadable");
	assert_int_equal(fetch(&f, "d", NULL, &info, &size), -1);
	assert_int_equal(f.err.class, ERR_GONE);
	assert_false(info.rendered);
	assert_int_equal(fetch(&f, "e", BIG, &info, &size), 0);
	assert_true(info.rendered); /* the next export may be other bytes */
	assert_int_equal(fetch(&f, "e", BIG, &info, &size), -1);
	assert_int_equal(f.err.class, ERR_RETRY);
	assert_true(f.err.retry_at > time_now_ms());
	assert_int_equal(fetch(&f, "e", BIG, &info, &size), 0);
	assert_int_equal(size, 6);
	assert_int_equal(fetch(&f, "e", BIG, &info, &size), 0);
	assert_int_equal(size, 7);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fetch(&f, "e", BIG, &info, &size), -1);
		assert_int_equal(f.err.class, ERR_REMOTE);
	}
	assert_int_equal(fetch(&f, "..", NULL, &info, &size), -1);
	assert_string_equal(f.err.code, "bad_url");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_listing), cmocka_unit_test(test_mail_history),
		cmocka_unit_test(test_fresh_history_unknown), cmocka_unit_test(test_mail_circle),
		cmocka_unit_test(test_drive_listing), cmocka_unit_test(test_drive_since), cmocka_unit_test(test_drive_changes),
		cmocka_unit_test(test_nobody_to_act_as), cmocka_unit_test(test_hostile_cursors), cmocka_unit_test(test_mail_bytes),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
