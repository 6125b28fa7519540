/* The grant, the streams, the quarantine places and the acts of the Google connector against scripted answers. */
#include "google_script.h"

#include "base/timeutil.h"

#define REASON(code, reason) \
	"{\"error\":{\"code\":" #code ",\"message\":\"words\",\"errors\":[{\"reason\":\"" reason "\"}]}}"
#define OWN {.remote_id = "drive/1", .service = "drive", .owner = HANA, .context = "{\"user\":\"" HANA "\",\"id\":\"1\"}"}
#define MAIL {.remote_id = "gmail/1", .service = "gmail", .owner = HANA, .context = "{\"user\":\"" HANA "\",\"id\":\"1\"}"}
#define MEMBERS(drive) "/files/" drive "/permissions?supportsAllDrives=true&useDomainAdminAccess=true"
#define BOSS "{\"id\":\"1\",\"type\":\"user\",\"role\":\"organizer\",\"emailAddress\":\"" ADMIN "\"}"
#define KEN "{\"id\":\"2\",\"type\":\"user\",\"role\":\"writer\",\"emailAddress\":\"ken@aoba.test\"}"
#define MIA "{\"id\":\"3\",\"type\":\"user\",\"role\":\"organizer\",\"emailAddress\":\"mia@aoba.test\"}"
#define ALL (SERVICE_MAIL | SERVICE_FILES)

/* ---- the grant ---- */

static void test_grant(void **state)
{
	static const struct step good[] = {
		{.url = "/admin/directory/v1/users?customer=my_customer&maxResults=1", .as = ADMIN,
			.body = "{\"users\":[{\"primaryEmail\":\"a@aoba.test\",\"customerId\":\"C01\"}]}"},
		{.url = "/drive/v3/about?", .as = ADMIN, .body = "{\"user\":{},\"canCreateDrives\":false}"},
		{.url = "/profile", .status = 400, .body = REASON(400, "failedPrecondition")}, {0}};
	static const struct step narrow[] = {{.url = "/users?", .status = 403, .body = REASON(403, "insufficientPermissions")}, {0}};
	static const struct step no_admin[] = {{.url = "/users?", .status = 403, .body = REASON(403, "forbidden")}, {0}};
	static const struct step off[] = {{.url = "/users?", .status = 403, .body = REASON(403, "accessNotConfigured")}, {0}};
	struct connection *c = script_open(ALL);
	struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};
	struct err err = {0};

	script(good);
	assert_int_equal(connector_google.check_grant(c, &report, &err), 0);
	assert_string_equal(report.organisation, "aoba.test");
	assert_string_equal(report.organisation_id, "C01");
	assert_non_null(strstr(report.missing[0], "shared drives"));
	assert_null(report.missing[1]);
	assert_string_equal(report.granted[2], "https://www.googleapis.com/auth/drive");
	script(narrow);
	assert_int_equal(connector_google.check_grant(c, &report, &err), -1);
	assert_int_equal(err.class, ERR_CONSENT);
	/* The line to paste, whole. */
	assert_non_null(strstr(err.message, "1234567890"));
	assert_non_null(strstr(err.message, "https://www.googleapis.com/auth/admin.directory.user.readonly,"
					    "https://www.googleapis.com/auth/gmail.modify,https://www.googleapis.com/auth/drive"));
	script(no_admin);
	assert_int_equal(connector_google.check_grant(c, &report, &err), -1);
	assert_string_equal(err.code, "no_admin");
	script(off);
	assert_int_equal(connector_google.check_grant(c, &report, &err), -1);
	assert_string_equal(err.code, "api_disabled");
	script_end();
	script_close(c);
	arena_free(a);
}

/* ---- streams ---- */

static void test_streams(void **state)
{
	static const struct step steps[] = {
		{.url = "/admin/directory/v1/users?customer=my_customer", .body = "{\"kind\":\"k\",\"users\":["
			"{\"id\":\"1\",\"primaryEmail\":\"" HANA "\"},"
			"{\"id\":\"2\",\"primaryEmail\":\"s@aoba.test\",\"suspended\":true,\"suspensionReason\":\"ADMIN\"},"
			"{\"id\":\"3\",\"primaryEmail\":\"r@aoba.test\",\"archived\":true},"
			"{\"id\":\"4\",\"primaryEmail\":\"nobody@aoba.test\"},"
			"{\"id\":\"5\",\"primaryEmail\":\"g@aoba.test\",\"isGuestUser\":true}]}"},
		{.url = "/profile", .as = HANA, .status = 400, .body = REASON(400, "failedPrecondition")},
		{.url = "/about", .as = HANA, .body = "{\"user\":{}}"},
		{.url = "/drive/v3/drives?useDomainAdminAccess=true", .as = ADMIN, .body = "{\"drives\":[{\"id\":\"Q\",\"name\":"
			"\"sekisho-quarantine\"},{\"id\":\"F\",\"name\":\"sekisho-quarantine\"},{\"id\":\"G\",\"name\":\"Groups\"},"
			"{\"id\":\"S\",\"name\":\"Sales\"}]}"},
		/* Nothing is remembered: the one that the administrator is alone in is ours, the other one is not. */
		{.url = MEMBERS("Q"), .as = ADMIN, .body = "{\"permissions\":[" BOSS "]}"},
		{.url = MEMBERS("F"), .body = "{\"permissions\":[" BOSS "," KEN "]}"},
		{.url = MEMBERS("F"), .body = "{\"permissions\":[" KEN "," BOSS "]}"},
		{.url = MEMBERS("G"), .body = "{\"permissions\":[{\"id\":\"9\",\"type\":\"group\",\"role\":\"organizer\",\"emailAddress\":"
			"\"g@aoba.test\"}]}"},
		{.url = MEMBERS("S"), .body = "{\"permissions\":[" KEN "," MIA "]}"},
		{.url = "/users/mia@aoba.test", .body = "{\"primaryEmail\":\"mia@aoba.test\",\"suspended\":true}"},
		{.url = "/users/ken@aoba.test", .body = "{\"primaryEmail\":\"ken@aoba.test\"}"}, {0}};
	static const struct {
		const char *id;
		enum stream_state state;
		const char *context;
	} want[] = {
		{"gmail/1", STREAM_UNLICENSED, HANA}, {"drive/1", STREAM_ACTIVE, HANA}, {"gmail/2", STREAM_FORBIDDEN, "s@"},
		{"drive/2", STREAM_FORBIDDEN, "s@"}, {"gmail/3", STREAM_FORBIDDEN, "r@"}, {"drive/3", STREAM_FORBIDDEN, "r@"},
		{"gmail/4", STREAM_FORBIDDEN, "nobody@"}, {"drive/4", STREAM_FORBIDDEN, "nobody@"},
		{"shared/F", STREAM_ACTIVE, ADMIN}, {"shared/G", STREAM_FORBIDDEN, NULL}, {"shared/S", STREAM_ACTIVE, "ken@"}};
	struct connection *c = script_open(ALL);
	struct arena *a = arena_new(1 << 20);
	const char *cursor = NULL;
	struct err err = {0};
	size_t n = 0;

	script(steps);
	do {
		struct stream_page page = {.arena = a};
		if (connector_google.list_streams(c, cursor, &page, &err) < 0)
			fail_msg("%s: %s", err.code, err.message);
		for (size_t i = 0; i < page.n_streams; i++, n++) {
			assert_true(n < ARRAY_SIZE(want));
			assert_string_equal(page.streams[i].remote_id, want[n].id);
			assert_int_equal(page.streams[i].state, want[n].state);
			assert_true(page.streams[i].state == STREAM_ACTIVE || page.streams[i].reason);
			assert_true(!want[n].context || strstr(page.streams[i].context, want[n].context));
		}
		cursor = page.next;
	} while (cursor);
	assert_int_equal(n, ARRAY_SIZE(want));
	script_end();
	script_close(c);
	arena_free(a);
}

/* ---- the quarantine drive ---- */

#define FIND "/drive/v3/drives?pageSize=100&q=name%20%3D%20'sekisho-quarantine'"

static void expect_place(struct connection *c, bool fresh, const char *want)
{
	_cleanup_buf_ struct buf id = BUF_INIT(100);
	struct err err = {0};

	if (file_place(c, PLACE_QUARANTINE, fresh, &id, &err) < 0)
		fail_msg("%s: %s", err.code, err.message);
	assert_string_equal(buf_str(&id), want);
	assert_string_equal(script_place("drive/quarantine"), want);
	script_end();
}

static void test_place(void **state)
{
	static const struct step made[] = {{.url = "/drives?", .body = "{\"drives\":[]}"},
		{.method = "POST", .url = "/drives?requestId=", .as = ADMIN, .wants = "sekisho-quarantine", .body = "{\"id\":\"Q\"}"},
		{0}};
	/* It was made, and the memory of it was lost with the answer. */
	static const struct step repeated[] = {{.url = "/drives?", .body = "{\"drives\":[]}"},
		{.method = "POST", .url = "/drives?requestId=", .status = 409, .body = REASON(409, "conflict")},
		{.url = "/drives?", .body = "{\"drives\":[{\"id\":\"Q\",\"name\":\"sekisho-quarantine\"}]}"},
		{.url = "/drives/Q?", .body = "{\"id\":\"Q\",\"capabilities\":{\"canManageMembers\":true}}"},
		{.url = MEMBERS("Q"), .body = "{\"permissions\":[" BOSS "," KEN "]}"},
		/* Whoever is in it, is put out. */
		{.method = "DELETE", .url = "/files/Q/permissions/2?", .as = ADMIN, .status = 204}, {0}};
	/* One that belongs to others is theirs. */
	static const struct step others[] = {
		{.url = "/drives?", .body = "{\"drives\":[{\"id\":\"X\",\"name\":\"sekisho-quarantine\"},{\"id\":\"Y\",\"name\":"
					    "\"sekisho-quarantine-2\"}]}"},
		{.url = "/drives/X?", .body = "{\"id\":\"X\",\"capabilities\":{\"canManageMembers\":false}}"},
		{.method = "POST", .url = "/drives?requestId=", .body = "{\"id\":\"Q2\"}"}, {0}};
	static const struct step trouble[] = {
		{.url = "/drives?", .body = "{\"drives\":[{\"id\":\"X\",\"name\":\"sekisho-quarantine\"}]}"},
		{.url = "/drives/X?", .status = 503, .body = "later"}, {0}};
	static const struct step nothing[] = {{0}};
	struct connection *c = script_open(ALL);
	_cleanup_buf_ struct buf id = BUF_INIT(100);
	struct err err = {0};

	script(made);
	expect_place(c, false, "Q");
	script(nothing);
	expect_place(c, false, "Q");
	script(others);
	expect_place(c, true, "Q2");
	script_close(c);
	c = script_open(ALL);
	script(repeated);
	expect_place(c, false, "Q");
	script(trouble); /* no answer is no reason to make another one */
	assert_int_equal(file_place(c, PLACE_QUARANTINE, true, &id, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	script_end();
	script_close(c);
}

/* ---- a file ---- */

#define FILE_IN(drive, parent) "{\"id\":\"f\",\"name\":\"bad\",\"mimeType\":\"text/plain\",\"headRevisionId\":\"r\",\"parents\":[\"" parent \
	"\"]" drive "}"
#define HOME FILE_IN("", "P")
#define HELD FILE_IN(",\"driveId\":\"Q\"", "Q")
#define NEWER "{\"id\":\"f\",\"headRevisionId\":\"r2\",\"driveId\":\"Q\",\"parents\":[\"Q\"]}"
#define GDOC(place, second) "{\"id\":\"f\",\"mimeType\":\"application/vnd.google-apps.document\",\"parents\":[\"" place \
	"\"],\"driveId\":\"" place "\",\"modifiedTime\":\"2026-01-01T00:00:" second "Z\"}"
#define OWNER "{\"id\":\"7\",\"type\":\"user\",\"role\":\"owner\",\"emailAddress\":\"" HANA "\"}"
#define LINK "{\"id\":\"anyoneWithLink\",\"type\":\"anyone\",\"role\":\"reader\",\"allowFileDiscovery\":false}"
#define GUEST "{\"id\":\"8\",\"type\":\"user\",\"role\":\"writer\",\"emailAddress\":\"x@other.test\",\"permissionDetails\":[" \
	"{\"inherited\":false,\"role\":\"writer\"}]}"
#define FOLDERS "{\"id\":\"6\",\"type\":\"user\",\"role\":\"reader\",\"permissionDetails\":[{\"inherited\":true,\"role\":\"reader\"}]}"
#define LEAVE(by) {.url = MEMBERS("T"), .as = ADMIN, .body = "{\"permissions\":[" by BOSS "]}"}
#define PASSING FILE_IN(",\"driveId\":\"T\"", "T")
#define CLOSED {.url = MEMBERS("Q"), .as = ADMIN, .body = "{\"permissions\":[" BOSS "]}"}
#define IN_TRANSIT "/files?corpora=drive&driveId=T&"
#define SWEPT {.url = IN_TRANSIT, .as = ADMIN, .body = "{\"files\":[]}"}
#define HANAS "{\"id\":\"77\",\"type\":\"user\",\"role\":\"writer\",\"emailAddress\":\"Hana@aoba.test\"}"

static void make_receipt(struct connection *c, struct buf *receipt)
{
	static const struct step steps[] = {{.url = "/files/f?", .as = HANA, .body = HOME},
		{.url = "/files/P?", .body = "{\"id\":\"P\",\"name\":\"My Drive\"}"},
		{.url = "/files/f/permissions?", .as = HANA, .body = "{\"permissions\":[" OWNER "," LINK "," GUEST "," FOLDERS "]}"}, {0}};
	const struct stream_info stream = OWN;
	const struct item item = {.kind = ITEM_FILE, .id = "f", .version = "r"};
	struct err err = {0};

	script_remember("drive/quarantine", "Q");
	script_remember("drive/transit", "T");
	script(steps);
	if (connector_google.plan(c, &stream, &item, NULL, "op", receipt, &err) < 0)
		fail_msg("%s: %s", err.code, err.message);
	script_end();
}

static void run_act(struct connection *c, bool back, bool again, struct buf *receipt, enum err_class class)
{
	_cleanup_buf_ struct buf out = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct err err = {0};
	int r = (back ? connector_google.restore : connector_google.quarantine)(c, buf_str(receipt), again, &out, &err);

	if (err.class != class)
		fail_msg("%s: %s", err.code, err.message);
	assert_int_equal(r, class == ERR_NONE ? 0 : -1);
	script_end();
	if (r == 0) {
		buf_clear(receipt);
		buf_adds(receipt, buf_str(&out));
	}
}

static void test_file(void **state)
{
	static const struct step away[] = {{.url = "/files/f?", .as = HANA, .body = HOME},
		{.url = "/files/f/permissions?", .body = "{\"permissions\":[" OWNER "," LINK "," GUEST "," FOLDERS "]}"},
		{.method = "DELETE", .url = "/files/f/permissions/anyoneWithLink?", .as = HANA, .status = 204},
		{.method = "DELETE", .url = "/files/f/permissions/8?", .status = 204},
		/* Nobody is in the transit drive and nothing lies there, when the first one is let in since the start. */
		LEAVE(KEN ","), {.method = "DELETE", .url = "/files/T/permissions/2?", .as = ADMIN, .status = 204}, CLOSED, SWEPT,
		/* In for the moment of the move, and out in any case. */
		{.method = "POST", .url = MEMBERS("T") "&sendNotificationEmail=false", .as = ADMIN, .wants = "\"role\":\"writer\""},
		{.method = "PATCH", .url = "/files/f?addParents=T&removeParents=P", .as = HANA, .status = 500, .body = "oops"},
		LEAVE(HANAS ","), {.method = "DELETE", .url = "/files/T/permissions/77?", .as = ADMIN, .status = 204}, {0}};
	static const struct step again[] = {
		/* The move had happened: what lies in the transit drive is taken on. */
		LEAVE(""), CLOSED, {.url = IN_TRANSIT, .as = ADMIN, .body = "{\"files\":[" PASSING "]}"},
		{.method = "PATCH", .url = "/files/f?addParents=Q&removeParents=T", .as = ADMIN, .body = HELD}, SWEPT,
		{.url = "/files/f?", .as = ADMIN, .body = HELD},
		{.url = "/files/f/permissions?", .as = ADMIN, .body = "{\"permissions\":[" HANAS "]}"},
		{.method = "DELETE", .url = "/files/f/permissions/77?", .as = ADMIN, .status = 204},
		{.url = "/files/f?", .as = ADMIN, .body = HELD}, {0}};
	static const struct step back[] = {{.url = "/files/f?", .as = ADMIN, .body = HELD},
		{.url = "/users/" HANA "?", .as = ADMIN, .body = "{\"id\":\"1\",\"primaryEmail\":\"" HANA "\"}"},
		{.url = "/files/P?", .as = HANA, .status = 404, .body = REASON(404, "notFound")},
		{.method = "PATCH", .url = "/files/f?addParents=T&removeParents=Q", .as = ADMIN, .body = PASSING},
		{.method = "POST", .url = MEMBERS("T"), .wants = "\"role\":\"organizer\""},
		{.method = "PATCH", .url = "/files/f?addParents=root&removeParents=T", .as = HANA, .body = FILE_IN("", "R")},
		/* A manager for a moment, he let another one in: everybody is put out. */
		LEAVE(HANAS "," KEN ","), {.method = "DELETE", .url = "/files/T/permissions/77?", .status = 204},
		{.method = "DELETE", .url = "/files/T/permissions/2?", .status = 204}, {.url = "/files/f/permissions?", .as = HANA, .body = "{\"permissions\":[" OWNER "," LINK "]}"},
		{.method = "POST", .url = "/files/f/permissions?supportsAllDrives=true&sendNotificationEmail=false", .as = HANA,
			.wants = "x@other.test", .status = 400, .body = REASON(400, "invalidSharingRequest")}, {0}};
	static const struct step look[] = {{.url = "/files/f?", .as = ADMIN, .status = 404, .body = REASON(404, "notFound")},
		{.url = "/files/f?", .as = HANA, .body = FILE_IN("", "R")}, {0}};
	struct connection *c = script_open(ALL);
	_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct observation seen = {0};
	struct err err = {0};

	make_receipt(c, &receipt);
	assert_null(strstr(buf_str(&receipt), "\"id\":\"6\"")); /* the folder's permission is not the file's */
	script(away);
	run_act(c, false, false, &receipt, ERR_RETRY);
	script(again);
	run_act(c, false, true, &receipt, ERR_NONE);
	script(back);
	run_act(c, true, true, &receipt, ERR_NONE);
	assert_non_null(strstr(buf_str(&receipt), "its folder / is gone"));
	assert_non_null(strstr(buf_str(&receipt), "sharing with x@other.test (writer)"));
	script(look);
	assert_int_equal(connector_google.observe(c, buf_str(&receipt), &seen, &err), 0);
	assert_true(seen.exists && seen.restored && !seen.quarantined);
	script_end();
	script_close(c);
}

/* The drive was deleted by hand, the version changed, the owner was renamed. */
static void test_file_troubles(void **state)
{
	static const struct step no_drive[] = {{.url = "/files/f?", .body = HOME}, {.url = "/files/f/permissions?", .body = "{\"permissions\":[]}"},
		/* The transit drive is made anew, and then the quarantine drive. */
		{.url = MEMBERS("T"), .status = 404, .body = REASON(404, "notFound")},
		{.url = "/drives?", .wants = "'sekisho-quarantine-transit'", .body = "{\"drives\":[]}"},
		{.method = "POST", .url = "/drives?", .wants = "sekisho-quarantine-transit", .body = "{\"id\":\"T9\"}"},
		{.url = MEMBERS("T9"), .body = "{\"permissions\":[" BOSS "]}"},
		{.url = MEMBERS("Q"), .status = 404, .body = REASON(404, "notFound")},
		{.url = "/files/f?", .body = HOME}, {.url = "/files/Q?", .as = ADMIN, .status = 404, .body = REASON(404, "notFound")},
		{.url = "/drives?", .body = "{\"drives\":[]}"}, {.method = "POST", .url = "/drives?", .body = "{\"id\":\"Q9\"}"},
		{.url = MEMBERS("T9"), .body = "{\"permissions\":[" BOSS "]}"}, {.url = MEMBERS("Q9"), .body = "{\"permissions\":[" BOSS "]}"},
		{.url = "/files?corpora=drive&driveId=T9&", .body = "{\"files\":[]}"},
		{.method = "POST", .url = MEMBERS("T9")},
		{.method = "PATCH", .url = "addParents=T9", .as = HANA, .body = FILE_IN(",\"driveId\":\"T9\"", "T9")},
		{.url = MEMBERS("T9"), .body = "{\"permissions\":[" BOSS "]}"},
		{.method = "PATCH", .url = "addParents=Q9&removeParents=T9", .as = ADMIN, .body = FILE_IN(",\"driveId\":\"Q9\"", "Q9")},
		{.url = "/files/f/permissions?", .as = ADMIN, .body = "{\"permissions\":[]}"},
		{.url = "/files/f?", .as = ADMIN, .body = FILE_IN(",\"driveId\":\"Q9\"", "Q9")}, {0}};
	static const struct step changed[] = {
		{.url = "/files/f?", .body = "{\"id\":\"f\",\"headRevisionId\":\"r2\",\"parents\":[\"P\"]}"}, {0}};
	struct connection *c = script_open(ALL);
	_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX);

	make_receipt(c, &receipt);
	script(changed);
	run_act(c, false, false, &receipt, ERR_CHANGED);
	script(no_drive);
	run_act(c, false, false, &receipt, ERR_NONE);
	assert_string_equal(script_place("drive/quarantine"), "Q9");
	assert_string_equal(script_place("drive/transit"), "T9");
	assert_non_null(strstr(buf_str(&receipt), "{\"id\":\"Q9\"}"));
	script_close(c);
}

/* Its owner wrote to it between the look and the move: it is his again, shared as it was. */
static void test_written(void **state)
{
	static const struct step late[] = {{.url = "/files/f?", .as = HANA, .body = HOME},
		{.url = "/files/f/permissions?", .body = "{\"permissions\":[" OWNER "," LINK "]}"},
		{.method = "DELETE", .url = "/files/f/permissions/anyoneWithLink?", .as = HANA, .status = 204},
		LEAVE(""), CLOSED, SWEPT, {.method = "POST", .url = MEMBERS("T")},
		{.method = "PATCH", .url = "/files/f?addParents=T&removeParents=P", .as = HANA, .body = PASSING},
		LEAVE(HANAS ","), {.method = "DELETE", .url = "/files/T/permissions/77?", .status = 204},
		{.method = "PATCH", .url = "/files/f?addParents=Q&removeParents=T", .as = ADMIN, .body = HELD},
		{.url = "/files/f/permissions?", .as = ADMIN, .body = "{\"permissions\":[]}"},
		{.url = "/files/f?", .as = ADMIN, .body = NEWER},
		/* Back. */
		{.url = "/files/f?", .as = ADMIN, .body = NEWER},
		{.url = "/users/" HANA "?", .as = ADMIN, .body = "{\"id\":\"1\",\"primaryEmail\":\"" HANA "\"}"},
		{.url = "/files/P?", .as = HANA, .body = "{\"id\":\"P\"}"},
		{.method = "PATCH", .url = "/files/f?addParents=T&removeParents=Q", .as = ADMIN, .body = PASSING},
		{.method = "POST", .url = MEMBERS("T"), .wants = "\"role\":\"organizer\""},
		{.method = "PATCH", .url = "/files/f?addParents=P&removeParents=T", .as = HANA, .body = HOME},
		LEAVE(HANAS ","), {.method = "DELETE", .url = "/files/T/permissions/77?", .status = 204},
		{.url = "/files/f/permissions?", .as = HANA, .body = "{\"permissions\":[" OWNER "]}"},
		{.method = "POST", .url = "/files/f/permissions?", .as = HANA, .wants = "anyone"},
		{.method = "POST", .url = "/files/f/permissions?", .as = HANA, .wants = "x@other.test"}, {0}};
	/* Nobody can act for its owner any more: it stays, and the receipt says what happened. */
	static const struct step stays[] = {{.url = "/files/f?", .as = HANA, .body = HOME},
		{.url = "/files/f/permissions?", .body = "{\"permissions\":[]}"}, {.method = "POST", .url = MEMBERS("T")},
		{.method = "PATCH", .url = "addParents=T", .as = HANA, .body = PASSING}, LEAVE(""),
		{.method = "PATCH", .url = "addParents=Q", .as = ADMIN, .body = HELD},
		{.url = "/files/f/permissions?", .as = ADMIN, .body = "{\"permissions\":[]}"},
		{.url = "/files/f?", .as = ADMIN, .body = NEWER}, {.url = "/files/f?", .as = ADMIN, .body = NEWER},
		{.url = "/users/" HANA "?", .as = ADMIN, .body = "{\"id\":\"2\",\"primaryEmail\":\"" HANA "\"}"},
		{.url = "/users/1?", .as = ADMIN, .status = 404, .body = REASON(404, "notFound")}, {0}};
	/* A Google document has a time alone, and an act may move that on: its revisions tell. */
	static const struct step moved_on[] = {{.url = "/files/f?", .as = HANA, .body = GDOC("Q", "05")},
		{.url = "/files/f/permissions?", .as = ADMIN, .body = "{\"permissions\":[]}"},
		{.url = "/files/f?", .as = ADMIN, .body = GDOC("Q", "05")},
		{.url = "/files/f/revisions?pageSize=1000", .as = ADMIN,
			.body = "{\"revisions\":[{\"modifiedTime\":\"2026-01-01T00:00:03Z\"}],\"nextPageToken\":\"n\"}"},
		{.url = "pageToken=n", .body = "{\"revisions\":[{\"modifiedTime\":\"2026-01-01T00:00:04.000Z\"}]}"}, {0}};
	static const struct step written[] = {{.url = "/files/f?", .as = HANA, .body = GDOC("P", "05")},
		{.url = "/files/f/revisions?", .as = HANA, .body = "{\"revisions\":[{\"modifiedTime\":\"2026-01-01T00:00:05Z\"}]}"}, {0}};
	static const struct step untold[] = {{.url = "/files/f?", .as = HANA, .body = GDOC("P", "05")},
		{.url = "/files/f/revisions?", .status = 403, .body = REASON(403, "insufficientFilePermissions")}, {0}};
	_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX), doc = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct connection *c = script_open(ALL);

	make_receipt(c, &receipt);
	script(late);
	run_act(c, false, false, &receipt, ERR_CHANGED);
	script(stays);
	run_act(c, false, false, &receipt, ERR_NONE);
	assert_non_null(strstr(buf_str(&receipt), "it was changed after it was judged"));
	buf_adds(&doc, "{\"v\":1,\"kind\":\"file\",\"id\":\"f\",\"user\":\"" HANA "\",\"user_id\":\"1\",\"version\":"
		       "\"modified:2026-01-01T00:00:04Z\",\"parent\":{\"id\":\"P\"},\"place\":{\"id\":\"Q\"}}");
	script(written);
	run_act(c, false, false, &doc, ERR_CHANGED);
	script(untold);
	run_act(c, false, false, &doc, ERR_CHANGED);
	script(moved_on);
	run_act(c, false, false, &doc, ERR_NONE);
	script_close(c);
}

/* His address went to somebody else: the file is nobody else's. */
static void test_address_of_another(void **state)
{
	static const struct step gone[] = {
		{.url = "/files/f?", .as = ADMIN, .body = HELD},
		{.url = "/users/" HANA "?", .as = ADMIN, .body = "{\"id\":\"2\",\"primaryEmail\":\"" HANA "\"}"},
		{.url = "/users/1?", .as = ADMIN, .status = 404, .body = REASON(404, "notFound")}, {0}};
	static const struct step renamed[] = {{.url = "/files/f?", .as = ADMIN, .body = HELD},
		{.url = "/users/" HANA "?", .as = ADMIN, .body = "{\"id\":\"2\",\"primaryEmail\":\"" HANA "\"}"},
		{.url = "/users/1?", .as = ADMIN, .body = "{\"id\":\"1\",\"primaryEmail\":\"new@aoba.test\"}"},
		{.url = "/files/P?", .as = "new@aoba.test", .status = 503, .body = "later"}, {0}};
	struct connection *c = script_open(ALL);
	_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX);

	make_receipt(c, &receipt);
	script(gone);
	run_act(c, true, false, &receipt, ERR_REMOTE);
	script(renamed);
	run_act(c, true, false, &receipt, ERR_RETRY);
	script_close(c);
}

static void test_renamed_owner(void **state)
{
	static const struct step steps[] = {
		{.url = "/files/f?", .as = ADMIN, .status = 404, .body = REASON(404, "notFound")},
		{.url = "/users/1?", .as = ADMIN, .body = "{\"primaryEmail\":\"" HANA "\"}"},
		{.url = "/files/f?", .as = ADMIN, .status = 404, .body = REASON(404, "notFound")},
		{.url = "/files/f?", .as = HANA, .body = HOME}, {0}};
	const char *receipt = "{\"v\":1,\"kind\":\"file\",\"id\":\"f\",\"user\":\"nobody@aoba.test\",\"user_id\":\"1\",\"version\":\"r\","
			      "\"parent\":{\"id\":\"P\"},\"place\":{\"id\":\"Q\"}}";
	struct connection *c = script_open(ALL);
	struct observation seen = {0};
	struct err err = {0};

	script(steps);
	if (connector_google.observe(c, receipt, &seen, &err) < 0)
		fail_msg("%s: %s", err.code, err.message);
	assert_true(seen.exists && seen.restored);
	script_end();
	script_close(c);
}

/* ---- mail ---- */

static void test_mail_label(void **state)
{
	static const struct step plan[] = {
		{.url = "/messages/m?format=minimal", .as = HANA, .body = "{\"id\":\"m\",\"threadId\":\"t\",\"labelIds\":[\"INBOX\",\"L1\",\"SENT\"]}"},
		{.url = "/labels", .body = "{\"labels\":[{\"id\":\"INBOX\",\"name\":\"INBOX\"}]}"},
		/* Somebody else was quicker; it is visible, so it is hidden. */
		{.method = "POST", .url = "/labels", .wants = "labelHide", .status = 409, .body = REASON(409, "aborted")},
		{.url = "/labels", .body = "{\"labels\":[{\"id\":\"L9\",\"name\":\"Sekisho-Quarantine\",\"labelListVisibility\":\"labelShow\"}]}"},
		{.method = "PATCH", .url = "/labels/L9", .body = "{\"id\":\"L9\"}"}, {0}};
	static const struct step hold[] = {
		{.url = "/messages/m?", .body = "{\"id\":\"m\",\"labelIds\":[\"INBOX\",\"L1\",\"SENT\"]}"},
		{.method = "POST", .url = "/messages/m/modify", .wants = "{\"addLabelIds\":[\"L9\"],\"removeLabelIds\":[\"INBOX\",\"L1\"]}",
			.body = "{\"id\":\"m\",\"labelIds\":[\"L9\",\"SENT\"]}"}, {0}};
	/* A label was deleted in the meantime; TRASH has its own way. */
	static const struct step back[] = {{.url = "/messages/m?", .body = "{\"id\":\"m\",\"labelIds\":[\"L9\",\"SENT\"]}"},
		{.method = "POST", .url = "/modify", .wants = "{\"addLabelIds\":[\"INBOX\",\"L1\"],\"removeLabelIds\":[\"L9\"]}", .status = 400,
			.body = REASON(400, "invalidArgument")},
		{.url = "/labels", .body = "{\"labels\":[{\"id\":\"INBOX\",\"name\":\"INBOX\"}]}"},
		{.method = "POST", .url = "/modify", .wants = "{\"addLabelIds\":[\"INBOX\"],", .body = "{\"id\":\"m\",\"labelIds\":[\"INBOX\",\"SENT\"]}"},
		{0}};
	static const struct step look[] = {{.url = "/messages/m?", .body = "{\"id\":\"m\",\"labelIds\":[\"INBOX\",\"SENT\"]}"}, {0}};
	/* Its reader threw it away while it was held; where TRASH cannot be taken off, it has a call of its own. */
	static const struct step from_trash[] = {{.url = "/messages/m?", .body = "{\"id\":\"m\",\"labelIds\":[\"L9\",\"TRASH\"]}"},
		{.method = "POST", .url = "/modify", .wants = "\"removeLabelIds\":[\"L9\",\"TRASH\"]", .status = 400,
			.body = REASON(400, "invalidArgument")},
		{.url = "/labels", .body = "{\"labels\":[{\"id\":\"INBOX\"},{\"id\":\"L1\"}]}"},
		{.method = "POST", .url = "/untrash", .body = "{\"id\":\"m\",\"labelIds\":[\"L9\"]}"},
		{.method = "POST", .url = "/modify", .wants = "\"removeLabelIds\":[\"L9\"]", .body = "{\"id\":\"m\",\"labelIds\":[\"INBOX\",\"L1\"]}"},
		{0}};
	static const struct step purged[] = {{.url = "/messages/m?", .status = 404, .body = REASON(404, "notFound")}, {0}};
	struct connection *c = script_open(ALL);
	const struct stream_info stream = MAIL;
	const struct item item = {.kind = ITEM_MESSAGE, .id = "m", .version = "1"};
	_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX), held = BUF_INIT(CONNECTOR_TEXT_MAX);
	struct observation seen = {0};
	struct err err = {0};

	script(plan);
	if (connector_google.plan(c, &stream, &item, NULL, "op", &receipt, &err) < 0)
		fail_msg("%s: %s", err.code, err.message);
	assert_string_equal(script_place("mailbox/1"), "L9");
	assert_non_null(strstr(buf_str(&receipt), "\"kept_labels\":[\"SENT\"]"));
	script(hold);
	run_act(c, false, false, &receipt, ERR_NONE);
	script(from_trash);
	buf_adds(&held, buf_str(&receipt));
	run_act(c, true, false, &held, ERR_NONE);
	script(purged);
	assert_int_equal(connector_google.restore(c, buf_str(&receipt), true, &held, &err), -1);
	assert_int_equal(err.class, ERR_GONE);
	assert_string_equal(err.code, "gone");
	assert_non_null(strstr(err.message, "deleted for good while it was held"));
	script(back);
	run_act(c, true, true, &receipt, ERR_NONE);
	assert_non_null(strstr(buf_str(&receipt), "its label L1 was deleted"));
	script(look);
	assert_int_equal(connector_google.observe(c, buf_str(&receipt), &seen, &err), 0);
	assert_true(seen.exists && seen.restored && !seen.quarantined);
	script_end();
	script_close(c);
}

static void test_hostile_receipts(void **state)
{
	static const char *const texts[] = {"", "[]", "{}", "{\"kind\":\"mail\"}", "{\"kind\":\"file\",\"id\":7,\"user\":\"a\"}", "{\"kind\":"};
	struct connection *c = script_open(ALL);

	script(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT(1000);
		struct err err = {0};
		assert_int_equal(connector_google.quarantine(c, texts[i], true, &out, &err), -1);
		assert_int_equal(err.class, ERR_LOCAL);
		assert_int_equal(connector_google.remove(c, texts[i], true, &err), -1);
	}
	script_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grant), cmocka_unit_test(test_streams), cmocka_unit_test(test_place),
		cmocka_unit_test(test_file), cmocka_unit_test(test_file_troubles), cmocka_unit_test(test_renamed_owner),
		cmocka_unit_test(test_address_of_another), cmocka_unit_test(test_written),
		cmocka_unit_test(test_mail_label), cmocka_unit_test(test_hostile_receipts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
