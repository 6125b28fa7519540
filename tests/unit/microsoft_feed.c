/* The feeds of the Microsoft connector against scripted answers: what a living service shows once a year. */
#include "microsoft_mock.h"

#include "base/timeutil.h"

#define DRIVE_STREAM                                                                                                   \
	{.remote_id = "drive/D1", .service = "onedrive", .context = "{\"drive\":\"D1\",\"type\":\"business\"}"}
#define MAIL_STREAM                                                                                                    \
	{.remote_id = "mail/U1/F1", .service = "exchange", .context = "{\"user\":\"U1\",\"folder\":\"F1\",\"path\":\"/Inbox\"}"}

/* A feed as core follows it. */
struct feeder {
	struct connection *c;
	struct stream_info stream;
	struct arena *arena;
	struct item_page page;
	const char *cursor;
	enum backlog_kind backlog;
	int64_t since;
	struct err err;
};

static void feeder_start(struct feeder *f, struct stream_info stream)
{
	*f = (struct feeder){.c = mock_open(SERVICE_MAIL | SERVICE_FILES, true, NULL), .stream = stream,
		.arena = arena_new(16 << 20), .backlog = BACKLOG_ALL};
}

static void feeder_end(struct feeder *f)
{
	mock_close(f->c);
	arena_free(f->arena);
}

static int poll(struct feeder *f)
{
	const struct poll_request req = {.stream = &f->stream, .cursor = f->cursor, .backlog = f->backlog, .since = f->since};

	f->page = (struct item_page){.arena = f->arena};
	f->err = (struct err){0};
	if (mock_connector()->poll(f->c, &req, &f->page, &f->err) < 0)
		return -1;
	f->cursor = f->page.cursor;
	return 0;
}

static void expect_poll(struct feeder *f, size_t n_items, bool more)
{
	if (poll(f) < 0)
		fail_msg("%s: %s", f->err.code, f->err.message);
	assert_int_equal(f->page.n_items, n_items);
	assert_int_equal(f->page.more, more);
}

static void expect_error(struct feeder *f, enum err_class class, const char *code)
{
	assert_int_equal(poll(f), -1);
	if (f->err.class != class || strcmp(f->err.code, code) != 0)
		fail_msg("%s %s: %s", err_class_name(f->err.class), f->err.code, f->err.message);
	assert_true(f->err.scope >= SCOPE_STREAM);
}

#define LINK(kind, token) "\"@odata." kind "\":\"" GRAPH_TEST "/v1.0/drives/D1/root/delta?token=" token "\""
#define FILE_ENTRY(id, ctag)                                                                                           \
	"{\"id\":\"" id "\",\"name\":\"" id ".txt\",\"size\":3,\"cTag\":\"" ctag "\",\"file\":{\"hashes\":{\"quickXorHash\":\"x\"}},"     \
	"\"lastModifiedDateTime\":\"2026-11-01T00:00:00Z\"}"

/* ---- lost places ---- */

static void test_location_is_followed(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/v1.0/drives/D1/root/delta?$top=200", .body = "{\"value\":[" FILE_ENTRY("a", "1") "]," LINK("deltaLink", "one") "}"},
		{.url = "token=one", .status = 410, .body = "{\"error\":{\"code\":\"resyncRequired\"}}",
			.header = "location: " GRAPH_TEST "/v1.0/drives/D1/root/delta?token=fresh"},
		{.url = "token=fresh", .body = "{\"value\":[" FILE_ENTRY("a", "1") "," FILE_ENTRY("b", "1") "]," LINK("nextLink", "two") "}"},
		{.url = "token=two", .body = "{\"value\":[]," LINK("deltaLink", "three") "}"},
		{.url = "token=three", .body = "{\"value\":[" FILE_ENTRY("c", "1") "]," LINK("deltaLink", "four") "}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	f.backlog = BACKLOG_SINCE;
	mock_script(steps);
	expect_poll(&f, 1, false);
	assert_true(f.page.listing);
	expect_poll(&f, 0, true);
	/* Everything unseen is news: with a bounded backlog core must not leave it out. */
	expect_poll(&f, 2, true);
	assert_false(f.page.listing);
	expect_poll(&f, 0, false);
	expect_poll(&f, 1, false);
	assert_false(f.page.listing);
	feeder_end(&f);
}

static void test_location_that_fails(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/root/delta", .body = "{\"value\":[]," LINK("deltaLink", "one") "}"},
		{.url = "token=one", .status = 410, .header = "location: " GRAPH_TEST "/v1.0/drives/D1/root/delta?token=fresh"},
		{.url = "token=fresh", .status = 503, .header = "retry-after: 5"},
		{.url = "token=fresh", .status = 500},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	expect_poll(&f, 0, false);
	expect_poll(&f, 0, true);
	assert_int_equal(poll(&f), -1); /* passing: the place to start from stays */
	assert_int_equal(f.err.class, ERR_RETRY);
	expect_error(&f, ERR_CURSOR, "cursor_lost");
	feeder_end(&f);
}

static void test_lost_again_while_listing(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/root/delta", .body = "{\"value\":[]," LINK("deltaLink", "one") "}"},
		{.url = "token=one", .status = 410, .header = "location: " GRAPH_TEST "/v1.0/drives/D1/root/delta?token=fresh"},
		{.url = "token=fresh", .body = "{\"value\":[]," LINK("nextLink", "two") "}"},
		{.url = "token=two", .status = 410, .header = "location: " GRAPH_TEST "/v1.0/drives/D1/root/delta?token=fresh"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	expect_poll(&f, 0, false);
	expect_poll(&f, 0, true);
	expect_poll(&f, 0, true);
	expect_error(&f, ERR_CURSOR, "cursor_lost");
	feeder_end(&f);
}

static void test_sync_state_codes(void **state)
{
	static const char *const bodies[] = {"{\"error\":{\"code\":\"SyncStateNotFound\"}}", "{\"error\":{\"code\":\"syncStateNotFound\"}}",
		"{\"error\":{\"code\":\"badRequest\",\"innerError\":{\"code\":\"ResyncRequired\"}}}"};
	static const int statuses[] = {404, 410, 400};

	for (size_t i = 0; i < 3; i++) {
		struct feeder f;
		const struct step steps[] = {
			{.url = "/messages/delta", .status = statuses[i], .body = bodies[i]},
			{0},
		};
		feeder_start(&f, (struct stream_info)MAIL_STREAM);
		f.cursor = "{\"link\":\"" GRAPH_TEST "/v1.0/users/U1/mailFolders/F1/messages/delta?$deltatoken=x\"}";
		mock_script(steps);
		expect_error(&f, ERR_CURSOR, "cursor_lost");
		feeder_end(&f);
	}
}

/* A link that the service cannot read any more is a lost place; without a link a refusal is one. */
static void test_refused(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "$deltatoken=x", .status = 400, .body = "{\"error\":{\"code\":\"BadRequest\",\"message\":\"Badly formed token.\"}}"},
		{0},
	};
	const struct step first[] = {
		{.url = "/messages/delta", .status = 400, .body = "{}"},
		{.url = "/messages/delta", .status = 501, .body = "{}"},
		{.url = "/messages/delta", .status = 405, .body = "{}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)MAIL_STREAM);
	f.cursor = "{\"link\":\"" GRAPH_TEST "/v1.0/users/U1/mailFolders/F1/messages/delta?$deltatoken=x\"}";
	mock_script(steps);
	expect_error(&f, ERR_CURSOR, "cursor_lost");
	mock_end();
	f.cursor = NULL;
	mock_script(first);
	expect_error(&f, ERR_REMOTE, "http_status");
	expect_error(&f, ERR_REMOTE, "unlicensed");
	expect_error(&f, ERR_REMOTE, "unlicensed");
	feeder_end(&f);
}

static void test_404_in_the_middle(void **state)
{
	for (int gone = 0; gone < 2; gone++) {
		struct feeder f;
		const struct step steps[] = {
			{.url = "token=mid", .status = 404, .body = "{\"error\":{\"code\":\"itemNotFound\"}}"},
			{.url = "/v1.0/drives/D1", .status = gone ? 404 : 200, .body = "{\"id\":\"D1\"}"},
			{0},
		};
		feeder_start(&f, (struct stream_info)DRIVE_STREAM);
		f.cursor = "{\"link\":\"" GRAPH_TEST "/v1.0/drives/D1/root/delta?token=mid\"}";
		mock_script(steps);
		if (gone)
			expect_error(&f, ERR_GONE, "not_found");
		else
			expect_error(&f, ERR_CURSOR, "cursor_lost");
		feeder_end(&f);
	}
}

/* ---- pages that are too large, and circles ---- */

static void test_504_lowers_the_page(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "delta?$top=200", .status = 504},
		{.url = "delta?$top=100", .body = "{\"value\":[]," LINK("nextLink", "two&%24top=100") "}"},
		{.url = "delta?token=two&$top=100", .status = 504},
		{.url = "delta?token=two&$top=50", .status = 504},
		{.url = "delta?token=two&$top=25", .status = 504},
		{.url = "delta?token=two&$top=12", .status = 504},
		{.url = "delta?token=two&$top=10", .status = 504},
		{.url = "delta?token=two&$top=10", .body = "{\"value\":[]," LINK("deltaLink", "three") "}"},
		{.url = "delta?token=three", .body = "{\"value\":[]," LINK("deltaLink", "four") "}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	for (int i = 0; i < 6; i++)
		expect_poll(&f, 0, true);
	assert_int_equal(poll(&f), -1);
	assert_int_equal(f.err.class, ERR_RETRY);
	expect_poll(&f, 0, false);
	expect_poll(&f, 0, false);
	feeder_end(&f);
}

static void test_circle_of_links(void **state)
{
	struct feeder f;
	struct step steps[12] = {{0}};
	int pages = 0;

	/* a → b → c → a → … */
	for (int i = 0; i < 10; i++)
		steps[i] = (struct step){.url = "/root/delta",
			.body = i % 3 == 0 ? "{\"value\":[]," LINK("nextLink", "b") "}" :
				i % 3 == 1 ? "{\"value\":[]," LINK("nextLink", "c") "}" :
					     "{\"value\":[]," LINK("nextLink", "a") "}"};
	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	while (poll(&f) == 0)
		assert_true(++pages < 10);
	assert_int_equal(f.err.class, ERR_CURSOR);
	assert_string_equal(f.err.code, "page_loop");
	mock_script(NULL);
	feeder_end(&f);
}

static void test_same_page_for_ever(void **state)
{
	struct feeder f;
	struct step steps[40] = {{0}};
	char bodies[39][512];
	int pages = 0;

	for (int i = 0; i < 39; i++) {
		snprintf(bodies[i], sizeof(bodies[i]), "{\"value\":[" FILE_ENTRY("a", "1") "]," LINK("nextLink", "n%d") "}", i);
		steps[i] = (struct step){.url = "/root/delta", .body = bodies[i]};
	}
	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	while (poll(&f) == 0)
		assert_true(++pages < 39);
	assert_string_equal(f.err.code, "page_loop");
	mock_script(NULL);
	feeder_end(&f);
}

static void test_links_go_to_the_endpoint(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = GRAPH_TEST "/v1.0/drives/D1/root/delta",
			.body = "{\"value\":[],\"@odata.nextLink\":\"https://evil.test/v1.0/drives/D1/root/delta?token=x\"}"},
		{.url = GRAPH_TEST "/v1.0/drives/D1/root/delta?token=x",
			.body = "{\"value\":[],\"@odata.nextLink\":\"https://evil.test/elsewhere?x=/v1.0/\"}"},
		{.url = "token=x", .body = "{\"value\":[]}"},
		{.url = "token=x", .body = "{\"nothing\":[]}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	expect_poll(&f, 0, true);
	expect_error(&f, ERR_REMOTE, "bad_answer");
	expect_error(&f, ERR_REMOTE, "bad_answer");
	expect_error(&f, ERR_REMOTE, "bad_answer");
	feeder_end(&f);
}

/* ---- entries ---- */

static void test_drive_entries(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/root/delta", .body = "{\"value\":["
			"{\"id\":\"root\",\"root\":{},\"folder\":{}},"
			"{\"id\":\"f\",\"folder\":{\"childCount\":1},\"cTag\":\"x\"},"
			FILE_ENTRY("twice", "old") ","
			"{\"id\":\"gone\",\"deleted\":{\"state\":\"deleted\"}},"
			"{\"id\":\"note\",\"name\":\"Notebook\",\"package\":{\"type\":\"oneNote\"},\"folder\":{}},"
			"{\"id\":\"link\",\"name\":\"Shared\",\"remoteItem\":{\"folder\":{}}},"
			"{\"id\":\"bad\",\"name\":\"bad.exe\",\"cTag\":\"b\",\"file\":{},\"malware\":{\"description\":\"Eicar\"}},"
			"{\"id\":\"strong\",\"cTag\":\"s\",\"file\":{\"hashes\":{\"quickXorHash\":\"q\",\"sha256Hash\":"
			"\"5891B5B522D5DF086D0FF0B110FBD9D21BB4FC7163AF34D08286A2E846F6BE03\"}},"
			"\"parentReference\":{\"path\":\"/drives/D1/root:/A%20b/c\"}},"
			FILE_ENTRY("back", "1") ",{\"id\":\"back\",\"deleted\":{}},"
			FILE_ENTRY("twice", "new") "]," LINK("deltaLink", "one") "}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	expect_poll(&f, 5, false);
	assert_int_equal(f.page.n_removed, 2);
	assert_string_equal(f.page.removed[0], "gone");
	assert_string_equal(f.page.removed[1], "back");
	const struct item *i = f.page.items;
	assert_string_equal(i[0].id, "note");
	assert_string_equal(i[0].skip, "no_content");
	assert_string_equal(i[1].skip, "folder_shortcut");
	assert_string_equal(i[2].provider_threat, "Eicar");
	assert_string_equal(i[3].hash_kind, "sha256");
	assert_string_equal(i[3].hash, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
	assert_string_equal(i[3].path, "/A b/c");
	assert_string_equal(i[4].version, "new");
	/* quickXorHash is easily forged: never a hash. */
	assert_null(i[4].hash);
	feeder_end(&f);
}

#define BARE(id, etag, at)                                                                                             \
	"{\"id\":\"" id "\",\"name\":\"n\",\"eTag\":\"" etag "\",\"file\":{},\"lastModifiedDateTime\":\"" at "\"}"

static void test_ctags_by_batch(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/root/delta", .body = "{\"value\":[" BARE("a", "ea", "2026-11-01T00:00:00Z") "," BARE("b", "eb", "2026-11-01T00:00:00Z") ","
			BARE("old", "eo", "2020-01-01T00:00:00Z") "," BARE("c", "ec", "2026-11-01T00:00:00Z") "]," LINK("deltaLink", "one") "}"},
		{.method = "POST", .url = "/v1.0/$batch", .wants = "/drives/D1/items/b?$select=id,cTag,eTag",
			.body = "{\"responses\":[{\"id\":\"2\",\"status\":404},{\"id\":\"1\",\"status\":200,\"body\":{\"id\":\"b\",\"cTag\":\"cb\"}},"
				"{\"id\":\"0\",\"status\":200,\"body\":{\"id\":\"a\",\"cTag\":\"ca\"}}]}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	f.backlog = BACKLOG_SINCE;
	f.since = 1750000000000;
	mock_script(steps);
	expect_poll(&f, 4, false);
	assert_string_equal(f.page.items[0].version, "ca");
	assert_string_equal(f.page.items[1].version, "cb");
	assert_string_equal(f.page.items[2].version, "etag:eo"); /* left out by the backlog: not worth a call */
	assert_string_equal(f.page.items[3].version, "etag:ec"); /* gone: its content will say so */
	feeder_end(&f);
}

static void test_ctags_without_batches(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/root/delta", .body = "{\"value\":[" BARE("a", "ea", "2026-11-01T00:00:00Z") "," BARE("b", "eb", "2026-11-01T00:00:00Z") "],"
			LINK("deltaLink", "one") "}"},
		{.method = "POST", .url = "/$batch", .status = 404, .body = "{\"error\":{\"code\":\"ResourceNotFound\"}}"},
		{.url = "/drives/D1/items/a", .body = "{\"id\":\"a\",\"cTag\":\"ca\"}"},
		{.url = "/drives/D1/items/b", .body = "{\"id\":\"b\",\"cTag\":\"cb\"}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	expect_poll(&f, 2, false);
	assert_string_equal(f.page.items[1].version, "cb");
	feeder_end(&f);
}

static void test_throttled_in_a_batch(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/root/delta", .body = "{\"value\":[" BARE("a", "ea", "2026-11-01T00:00:00Z") "," BARE("b", "eb", "2026-11-01T00:00:00Z") "],"
			LINK("deltaLink", "one") "}"},
		{.method = "POST", .url = "/$batch",
			.body = "{\"responses\":[{\"id\":\"0\",\"status\":200,\"body\":{\"id\":\"a\",\"cTag\":\"ca\"}},"
				"{\"id\":\"1\",\"status\":429,\"headers\":{\"retry-after\":\"30\"}}]}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)DRIVE_STREAM);
	mock_script(steps);
	expect_error(&f, ERR_RETRY, "throttled");
	assert_int_equal(f.err.scope, SCOPE_CONNECTION);
	assert_true(f.err.retry_at > time_now_ms() + 20000);
	feeder_end(&f);
}

static void test_mail_entries(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/v1.0/users/U1/mailFolders/F1/messages/delta?$select=subject,", .wants = "Prefer: IdType=\"ImmutableId\", odata.maxpagesize=200",
			.body = "{\"value\":["
			"{\"id\":\"m1\",\"isDraft\":false,\"subject\":\"s\",\"changeKey\":\"k\",\"internetMessageId\":\"<1@x>\","
			"\"from\":{\"emailAddress\":{\"address\":\"a@x\"}},\"receivedDateTime\":\"2026-11-01T00:00:00Z\","
			"\"toRecipients\":[{\"emailAddress\":{\"address\":\"b@x\"}},{\"emailAddress\":{\"address\":\"c@x\"}}]},"
			"{\"id\":\"d1\",\"isDraft\":true,\"changeKey\":\"k2\"},{\"id\":\"r1\",\"@removed\":{\"reason\":\"deleted\"}},"
			"{\"id\":\"m2\",\"isDraft\":false},{\"id\":\"m2\",\"isDraft\":false,\"subject\":\"second\"}],"
			"\"@odata.deltaLink\":\"" GRAPH_TEST "/v1.0/users/U1/mailFolders/F1/messages/delta?$deltatoken=x\"}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)MAIL_STREAM);
	mock_script(steps);
	expect_poll(&f, 3, false);
	const struct item *i = f.page.items;
	assert_string_equal(i[0].version, "1");
	assert_string_equal(i[0].from, "a@x");
	assert_string_equal(i[0].to, "b@x, c@x");
	assert_string_equal(i[0].path, "/Inbox");
	assert_string_equal(i[1].version, "draft:k2");
	assert_string_equal(i[2].subject, "second");
	assert_int_equal(f.page.n_removed, 1);
	feeder_end(&f);
}

static void test_unlicensed_and_forbidden(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/messages/delta", .status = 404, .body = "{\"error\":{\"code\":\"MailboxNotEnabledForRESTAPI\"}}"},
		{.url = "/messages/delta", .status = 403, .body = "{\"error\":{\"code\":\"ErrorAccessDenied\",\"message\":\"no\"}}"},
		{.url = "/messages/delta", .status = 404, .body = "{\"error\":{\"code\":\"ErrorItemNotFound\"}}"},
		{0},
	};

	feeder_start(&f, (struct stream_info)MAIL_STREAM);
	mock_script(steps);
	expect_error(&f, ERR_REMOTE, "unlicensed");
	expect_error(&f, ERR_REMOTE, "forbidden");
	expect_error(&f, ERR_GONE, "not_found");
	feeder_end(&f);
}

/* ---- Teams ---- */

static void test_chats_by_time(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/v1.0/users/U1/chats/getAllMessages?$top=50",
			.body = "{\"value\":[{\"id\":\"1\",\"chatId\":\"C\",\"createdDateTime\":\"2026-11-01T00:00:00Z\",\"messageType\":\"message\","
				"\"lastModifiedDateTime\":\"2026-11-01T10:00:00Z\"},{\"id\":\"2\",\"chatId\":\"C\",\"messageType\":\"systemEventMessage\"}],"
				"\"@odata.nextLink\":\"" GRAPH_TEST "/v1.0/users/U1/chats/getAllMessages?$skiptoken=x\"}"},
		{.url = "$skiptoken=x",
			.body = "{\"value\":[{\"id\":\"3\",\"chatId\":\"C\",\"deletedDateTime\":\"2026-11-01T00:00:00Z\"}]}"},
		{.url = "$filter=lastModifiedDateTime%20gt%202026-11-01T09:55:00.000Z", .body = "{\"value\":[]}"},
		{.url = "$filter=lastModifiedDateTime%20gt%202026-11-01T09:55:00.000Z", .status = 404, .body = "{\"error\":{\"code\":\"NotFound\"}}"},
		{0},
	};

	feeder_start(&f, (struct stream_info){.remote_id = "chat/U1", .service = "teams", .context = "{\"user\":\"U1\"}"});
	mock_script(steps);
	expect_poll(&f, 2, true);
	assert_string_equal(f.page.items[0].id, "chat:C/1");
	assert_string_equal(f.page.items[1].skip, "no_content");
	expect_poll(&f, 0, false);
	assert_string_equal(f.page.removed[0], "chat:C/3");
	expect_poll(&f, 0, false);
	assert_false(f.page.listing);
	expect_error(&f, ERR_REMOTE, "unlicensed");
	feeder_end(&f);
}

/* A service that does not expand: each message's replies have a list of their own, or none. */
static void test_channel_replies_apart(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/messages/delta?$top=50&$expand=replies",
			.body = "{\"value\":[{\"id\":\"1\"},{\"id\":\"5\"},{\"id\":\"6\",\"replyToId\":\"1\"}],"
				"\"@odata.deltaLink\":\"" GRAPH_TEST "/v1.0/teams/T/channels/C/messages/delta?$deltatoken=x\"}"},
		{.url = "/v1.0/teams/T/channels/C/messages/1/replies?$top=50", .body = "{\"value\":[{\"id\":\"2\"}]}"},
		{.url = "/v1.0/teams/T/channels/C/messages/5/replies?$top=50", .status = 404, .body = "{}"},
		{0},
	};

	feeder_start(&f, (struct stream_info){.remote_id = "channel/T/C", .service = "teams",
					.context = "{\"team\":\"T\",\"channel\":\"C\"}"});
	mock_script(steps);
	expect_poll(&f, 4, false);
	assert_string_equal(f.page.items[1].id, "channel:T/C/2");
	assert_string_equal(f.page.items[3].id, "channel:T/C/6");
	feeder_end(&f);
}

static void test_channel_replies(void **state)
{
	struct feeder f;
	const struct step steps[] = {
		{.url = "/v1.0/teams/T/channels/C/messages/delta?$top=50&$expand=replies",
			.body = "{\"value\":[{\"id\":\"1\",\"replies\":[{\"id\":\"2\",\"lastEditedDateTime\":\"2026-11-02T00:00:00Z\"}],"
				"\"replies@odata.nextLink\":\"" GRAPH_TEST "/v1.0/teams/T/channels/C/messages/1/replies?$skiptoken=r\"}],"
				"\"@odata.deltaLink\":\"" GRAPH_TEST "/v1.0/teams/T/channels/C/messages/delta?$deltatoken=x\"}"},
		{.url = "/messages/1/replies?$skiptoken=r", .body = "{\"value\":[{\"id\":\"3\"}]}"},
		{.url = "/v1.0/teams/T/channels/C/messages/1/replies/2",
			.body = "{\"id\":\"2\",\"subject\":\"<b>\",\"body\":{\"contentType\":\"text\",\"content\":\"a < b\"},\"attachments\":"
				"[{\"contentUrl\":\"https://x/?a=1&b=2\",\"name\":\"plan.pdf\"},{\"content\":\"{\\\"card\\\":1}\"}]}"},
		{0},
	};
	char text[1024] = "";

	feeder_start(&f, (struct stream_info){.remote_id = "channel/T/C", .service = "teams",
					.context = "{\"team\":\"T\",\"channel\":\"C\"}"});
	mock_script(steps);
	expect_poll(&f, 3, false);
	assert_string_equal(f.page.items[1].id, "channel:T/C/2");
	assert_string_equal(f.page.items[1].version, "2026-11-02T00:00:00Z");
	assert_string_equal(f.page.items[2].version, "1");
	_cleanup_(content_freep) struct content *content = mock_content();
	struct content_info info;
	assert_int_equal(mock_connector()->open_content(f.c, &f.stream, &f.page.items[1], content, &info, &f.err), 0);
	struct digests d;
	assert_int_equal(content_finish(content, &d, NULL), 0);
	assert_true(pread(content_fd(content), text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "<title>&lt;b&gt;</title>"));
	assert_non_null(strstr(text, "a &lt; b"));
	assert_non_null(strstr(text, "<a href=\"https://x/?a=1&amp;b=2\">plan.pdf</a>"));
	assert_non_null(strstr(text, "{&quot;card&quot;:1}"));
	feeder_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_location_is_followed),
		cmocka_unit_test(test_location_that_fails),
		cmocka_unit_test(test_lost_again_while_listing),
		cmocka_unit_test(test_sync_state_codes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_404_in_the_middle),
		cmocka_unit_test(test_504_lowers_the_page),
		cmocka_unit_test(test_circle_of_links),
		cmocka_unit_test(test_same_page_for_ever),
		cmocka_unit_test(test_links_go_to_the_endpoint),
		cmocka_unit_test(test_drive_entries),
		cmocka_unit_test(test_ctags_by_batch),
		cmocka_unit_test(test_ctags_without_batches),
		cmocka_unit_test(test_throttled_in_a_batch),
		cmocka_unit_test(test_mail_entries),
		cmocka_unit_test(test_unlicensed_and_forbidden),
		cmocka_unit_test(test_chats_by_time),
		cmocka_unit_test(test_channel_replies),
		cmocka_unit_test(test_channel_replies_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
