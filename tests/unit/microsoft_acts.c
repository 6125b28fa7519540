/* Contents, acts, streams and the grant of the Microsoft connector against scripted answers. */
#include "microsoft_mock.h"

static const struct stream_info drive_stream = {.remote_id = "drive/D1", .service = "onedrive", .owner = "mio@aoba.example",
	.context = "{\"drive\":\"D1\",\"type\":\"business\"}"};
static const struct stream_info mail_stream = {.remote_id = "mail/U1/F1", .service = "exchange", .owner = "mio@aoba.example",
	.context = "{\"user\":\"U1\",\"folder\":\"F1\",\"path\":\"/Inbox\"}"};
static const struct item file = {.kind = ITEM_FILE, .id = "I1", .version = "c1", .name = "a.txt"};
static const struct item mail = {.kind = ITEM_MESSAGE, .id = "M1", .version = "1"};

#define RECEIPT(name) _cleanup_buf_ struct buf name = BUF_INIT(CONNECTOR_TEXT_MAX)

static void expect_ok(int r, const struct err *err)
{
	if (r < 0)
		fail_msg("%s %s: %s", err_class_name(err->class), err->code, err->message);
}

static void expect_error(int r, const struct err *err, enum err_class class, const char *code)
{
	assert_int_equal(r, -1);
	if (err->class != class || strcmp(err->code, code) != 0)
		fail_msg("%s %s: %s", err_class_name(err->class), err->code, err->message);
}

/* ---- contents ---- */

static void test_download(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	const struct step steps[] = {
		{.url = "/v1.0/drives/D1/items/I1/content", .status = 302, .header = "location: https://files.test/x?tempauth=a%2Bb"},
		{.url = "https://files.test/x?tempauth=a%2Bb", .body = "hello", .anonymous = true},
		{.url = "/content", .status = 302, .header = "location: https://files.test/late"},
		{.url = "https://files.test/late", .status = 403, .anonymous = true},
		{.url = "/content", .status = 302, .header = "location: http://127.0.0.1:1/x"},
		{.url = "/content", .status = 302, .header = "location: file:///etc/passwd"},
		{.url = "/content", .status = 302},
		{.url = "/content", .status = 302, .header = "location: https://a.test/1"},
		{.url = "https://a.test/1", .status = 302, .header = "location: https://a.test/2", .anonymous = true},
		{.url = "https://a.test/2", .status = 302, .header = "location: https://a.test/3", .anonymous = true},
		{.url = "https://a.test/3", .status = 302, .header = "location: https://a.test/4", .anonymous = true},
		{.url = "/content", .status = 403, .body = "{\"error\":{\"code\":\"accessDenied\",\"innerError\":{\"code\":\"malwareDetected\"}}}"},
		{.url = "/drives/D1/items/I1?", .body = "{\"id\":\"I1\",\"malware\":{\"description\":\"Eicar\"}}"},
		{.url = "/content", .status = 404, .body = "{\"error\":{\"code\":\"itemNotFound\"}}"},
		{0},
	};
	static const struct {
		enum err_class class;
		const char *code;
	} wanted[] = {{ERR_RETRY, "url_expired"}, {ERR_REMOTE, "bad_redirect"}, {ERR_REMOTE, "bad_redirect"}, {ERR_RETRY, "bad_answer"},
		{ERR_RETRY, "too_many_redirects"}};
	struct content_info info = {0};
	struct err err = {0};

	mock_script(steps);
	_cleanup_(content_freep) struct content *content = mock_content();
	struct digests d;
	expect_ok(mock_connector()->open_content(c, &drive_stream, &file, content, &info, &err), &err);
	assert_int_equal(content_finish(content, &d, NULL), 0);
	assert_string_equal(d.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		_cleanup_(content_freep) struct content *other = mock_content();
		expect_error(mock_connector()->open_content(c, &drive_stream, &file, other, &info, &err), &err, wanted[i].class,
			wanted[i].code);
	}
	_cleanup_(content_freep) struct content *third = mock_content();
	expect_ok(mock_connector()->open_content(c, &drive_stream, &file, third, &info, &err), &err);
	assert_string_equal(info.provider_threat, "Eicar");
	expect_error(mock_connector()->open_content(c, &drive_stream, &file, third, &info, &err), &err, ERR_GONE, "not_found");
	mock_close(c);
}

/* Sizes of lists are no proof for what the service rewrites, unless a page comes in its place; a Location may be a path. */
static void test_rewritten_files(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	const struct step steps[] = {
		{.url = "/content", .status = 302, .header = "location: /files/x?sig=%2B"},
		{.url = GRAPH_TEST "/files/x?sig=%2B", .body = "PK", .header = "content-type: application/octet-stream", .anonymous = true},
		{.url = "/content", .body = "PK"},
		{.url = "/content", .body = "<html>", .header = "content-type: text/html; charset=utf-8"},
		{.url = "/content", .status = 302, .header = "location: //elsewhere.test/x"},
		{0},
	};
	struct item document = {.kind = ITEM_FILE, .id = "I1", .version = "c1", .name = "Plan.DOCX"};
	static const bool any[] = {true, false, false};
	const struct item *const items[] = {&document, &file, &document};
	struct content_info info = {0};
	struct err err = {0};

	mock_script(steps);
	for (size_t i = 0; i < 3; i++) {
		_cleanup_(content_freep) struct content *content = mock_content();
		expect_ok(mock_connector()->open_content(c, &drive_stream, items[i], content, &info, &err), &err);
		assert_int_equal(info.any_size, any[i]);
	}
	_cleanup_(content_freep) struct content *last = mock_content();
	expect_error(mock_connector()->open_content(c, &drive_stream, &file, last, &info, &err), &err, ERR_REMOTE, "bad_redirect");
	mock_close(c);
}

static void test_page_in_place_of_a_message(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL, true, NULL);
	const struct step steps[] = {
		{.url = "/users/U1/messages/M1/$value", .body = "<title>Sign in", .header = "content-type: text/html"},
		{.url = "/users/U1/messages/M1/$value", .body = "{}", .header = "content-type: application/json"},
		{.url = "/users/U1/messages/M1/$value", .body = "Subject: x", .header = "content-type: text/plain"},
		{.url = "/users/U1/messages/M1/$value", .body = "Subject: x"},
		{0},
	};
	struct content_info info = {0};
	struct err err = {0};

	mock_script(steps);
	for (size_t i = 0; i < 4; i++) {
		_cleanup_(content_freep) struct content *content = mock_content();
		int r = mock_connector()->open_content(c, &mail_stream, &mail, content, &info, &err);
		if (i < 2)
			expect_error(r, &err, ERR_RETRY, "not_as_listed");
		else
			expect_ok(r, &err);
	}
	mock_close(c);
}

/* ---- files ---- */

#define ITEM(parent, ctag)                                                                                             \
	"{\"id\":\"I1\",\"name\":\"a.txt\",\"cTag\":\"" ctag "\",\"eTag\":\"e\",\"size\":3,\"parentReference\":{\"id\":\"" parent "\"}}"
#define HELD_RECEIPT                                                                                                   \
	"{\"v\":1,\"kind\":\"file\",\"version\":\"c1\",\"drive\":\"D1\",\"id\":\"I1\",\"name\":\"a.txt\",\"place\":{\"id\":\"Q\"}," \
	"\"parent\":{\"id\":\"P\",\"path\":\"/Docs\"},\"permissions\":[%s]}"
#define PERSON "{\"id\":\"p1\",\"roles\":[\"write\"],\"grantedToV2\":{\"user\":{\"id\":\"u2\",\"email\":\"ken@aoba.example\"}}}"
#define A_LINK "{\"id\":\"l1\",\"roles\":[\"read\"],\"link\":{\"type\":\"view\",\"scope\":\"anonymous\",\"webUrl\":\"https://old\"}}"
#define OWNER "{\"id\":\"o\",\"roles\":[\"owner\"],\"grantedToV2\":{\"user\":{\"id\":\"u1\"}}}"
#define INHERITED "{\"id\":\"i\",\"roles\":[\"read\"],\"inheritedFrom\":{\"id\":\"root\"},\"grantedToV2\":{\"group\":{\"id\":\"g\"}}}"
#define A_SITE_GROUP "{\"id\":\"s\",\"roles\":[\"read\"],\"grantedToV2\":{\"siteGroup\":{\"id\":\"5\",\"displayName\":\"Visitors\"}}}"

static void test_plan_writes_everything_down(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, "{\"quarantine_owner\":\"admin@aoba.example\"}");
	const struct step steps[] = {
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		{.url = "/drives/D1/items/I1/permissions", .body = "{\"value\":[" OWNER "," PERSON "],\"@odata.nextLink\":\"" GRAPH_TEST "/v1.0/more\"}"},
		{.url = "/v1.0/more", .body = "{\"value\":[" A_LINK "," INHERITED "]}"},
		{.url = "/drives/D1/items/I1/versions", .body = "{\"value\":[{\"id\":\"1.0\",\"size\":3}]}"},
		{.url = "/drives/D1/root", .body = "{\"id\":\"R\"}"},
		{.method = "POST", .url = "/drives/D1/items/R/children", .wants = "\"@microsoft.graph.conflictBehavior\":\"fail\"", .status = 409,
			.body = "{\"error\":{\"code\":\"nameAlreadyExists\"}}"},
		{.url = "/drives/D1/items/R/children", .body = "{\"value\":[{\"id\":\"X\",\"name\":\"sekisho-quarantine\",\"file\":{}},"
			"{\"id\":\"Q\",\"name\":\"Sekisho-Quarantine\",\"folder\":{}}]}"},
		/* Whatever somebody shared of it is taken away, then it is closed. */
		{.url = "/items/Q/permissions", .body = "{\"value\":[" A_LINK "," INHERITED "]}"},
		{.method = "DELETE", .url = "/items/Q/permissions/l1", .status = 204},
		{.method = "POST", .url = "/items/Q/invite", .wants = "\"retainInheritedPermissions\":false", .body = "{\"value\":[]}"},
		{.url = "/items/Q/permissions", .body = "{\"value\":[" OWNER "]}"},
		{0},
	};
	struct err err = {0};
	RECEIPT(receipt);

	mock_script(steps);
	expect_ok(mock_connector()->plan(c, &drive_stream, &file, NULL, "op-1", &receipt, &err), &err);
	_cleanup_json_ cJSON *doc = cJSON_Parse(buf_str(&receipt));
	assert_int_equal(cJSON_GetArraySize(json_array(doc, "permissions")), 2);
	assert_string_equal(json_str(json_object(doc, "place"), "id"), "Q");
	assert_string_equal(json_str(json_object(doc, "place"), "inheritance"), "broken");
	assert_string_equal(json_str(json_object(doc, "parent"), "id"), "P");
	mock_close(c);
}

/* Nobody tells who may read it: it is moved away all the same. */
static void test_containing_without_permissions(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	const struct step steps[] = {
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		{.url = "/drives/D1/items/I1/permissions", .status = 403, .body = "{\"error\":{\"code\":\"accessDenied\"}}"},
		{.url = "/drives/D1/items/I1/versions", .status = 501},
		{.url = "/drives/D1/root", .body = "{\"id\":\"R\"}"},
		{.method = "POST", .url = "/drives/D1/items/R/children", .status = 201, .body = "{\"id\":\"Q\"}"},
		{.url = "/drives/D1/items/Q/permissions", .status = 404, .body = "{\"error\":{\"code\":\"itemNotFound\"}}"},
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		{.url = "/drives/D1/items/I1/permissions", .status = 403, .body = "{\"error\":{\"code\":\"accessDenied\"}}"},
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		/* An answer that says no more than it must. */
		{.method = "PATCH", .url = "/drives/D1/items/I1", .wants = "\"id\":\"Q\"", .body = "{\"id\":\"I1\"}"},
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("Q", "c1")},
		/* What says that the service failed says nothing of permissions. */
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		{.url = "/drives/D1/items/I1/permissions", .status = 500},
		{0},
	};
	struct err err = {0};
	RECEIPT(receipt);
	RECEIPT(after);

	mock_script(steps);
	expect_ok(mock_connector()->plan(c, &drive_stream, &file, NULL, "op-1", &receipt, &err), &err);
	assert_non_null(strstr(buf_str(&receipt), "\"inheritance\":\"unknown\""));
	assert_non_null(strstr(buf_str(&receipt), "they cannot be listed: HTTP 403"));
	expect_ok(mock_connector()->quarantine(c, buf_str(&receipt), false, &after, &err), &err);
	buf_clear(&after);
	expect_error(mock_connector()->plan(c, &drive_stream, &file, NULL, "op-1", &after, &err), &err, ERR_RETRY, "server_error");
	mock_close(c);
}

/* Shared with thousands, each with a long name: contained, with as much of it written down as fits. */
static void test_shared_with_thousands(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	_cleanup_buf_ struct buf list = BUF_INIT(8 << 20);
	RECEIPT(receipt);
	RECEIPT(after);
	struct err err = {0};

	buf_adds(&list, "{\"value\":[");
	for (int i = 0; i < 3000; i++)
		buf_addf(&list, "%s{\"id\":\"p%d\",\"roles\":[\"read\"],\"grantedToV2\":{\"user\":{\"id\":\"u%d\",\"email\":\"person.%d@aoba.example\","
			"\"displayName\":\"A rather long name to be shown %d\",\"x\":\"more\"},\"siteUser\":{\"id\":\"9\",\"loginName\":\"i:0#.f|membership|person.%d@aoba.example\"}}}",
			i ? "," : "", i, i, i, i, i);
	buf_adds(&list, "]}");
	const struct step steps[] = {
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		{.url = "/drives/D1/items/I1/permissions", .body = buf_str(&list)},
		{.url = "/drives/D1/items/I1/versions", .body = "{\"value\":[]}"},
		{.url = "/drives/D1/root", .body = "{\"id\":\"R\"}"},
		{.method = "POST", .url = "/drives/D1/items/R/children", .status = 201, .body = "{\"id\":\"Q\"}"},
		{.url = "/items/Q/permissions", .body = "{\"value\":[]}"},
		{.method = "POST", .url = "/items/Q/createLink", .status = 400, .body = "{}"},
		{.url = "/items/Q/permissions", .body = "{\"value\":[]}"},
		{.url = "/items/Q/permissions", .body = "{\"value\":[]}"},
		/* Those that it does not hold are not written into it by the act either. */
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		{.url = "/drives/D1/items/I1/permissions", .body = "{\"value\":[{\"id\":\"p2999\",\"roles\":[\"read\"]}]}"},
		{.method = "DELETE", .url = "/drives/D1/items/I1/permissions/p2999", .status = 204},
		{.url = "/drives/D1/items/I1?$select=", .body = ITEM("P", "c1")},
		{.method = "PATCH", .url = "/drives/D1/items/I1", .body = ITEM("Q", "c1")},
		{0},
	};

	mock_script(steps);
	expect_ok(mock_connector()->plan(c, &drive_stream, &file, NULL, "op-1", &receipt, &err), &err);
	expect_ok(mock_connector()->quarantine(c, buf_str(&receipt), false, &after, &err), &err);
	_cleanup_json_ cJSON *doc = cJSON_Parse(buf_str(&after));
	int kept = cJSON_GetArraySize(json_array(doc, "permissions"));
	assert_in_range(kept, 200, 2999);
	assert_int_equal(json_int64_or(doc, "permissions_cut", 0), 3000 - kept);
	assert_non_null(strstr(buf_str(&after), "were not written down"));
	assert_non_null(strstr(buf_str(&after), "\"grantedToV2\":{\"user\":{\"id\":\"u0\",\"email\":\"person.0@aoba.example\"}}"));
	mock_close(c);
}

static void test_place_without_anybody_to_invite(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	const struct step steps[] = {
		{.url = "/drives/D1/root", .body = "{\"id\":\"R\"}"},
		{.method = "POST", .url = "/drives/D1/items/R/children", .status = 201, .body = "{\"id\":\"Q\"}"},
		{.url = "/items/Q/permissions", .body = "{\"value\":[" INHERITED "]}"},
		{.method = "POST", .url = "/items/Q/createLink", .wants = "\"retainInheritedPermissions\":false", .status = 400, .body = "{}"},
		{.url = "/items/Q/permissions", .body = "{\"value\":[" INHERITED "]}"},
		{.url = "/items/Q/permissions", .body = "{\"value\":[" INHERITED "]}"},
		{0},
	};
	_cleanup_buf_ struct buf id = BUF_INIT(64), note = BUF_INIT(64), again = BUF_INIT(64), same = BUF_INIT(64);
	struct err err = {0};

	mock_script(steps);
	expect_ok(ms_drive_place(c, "D1", false, &id, &note, &err), &err);
	assert_string_equal(buf_str(&id), "Q");
	assert_string_equal(buf_str(&note), "inherited");
	expect_ok(ms_drive_place(c, "D1", false, &again, &same, &err), &err);
	assert_string_equal(buf_str(&again), "Q");
	mock_close(c);
}

static void test_quarantine_of_a_file(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	const struct step steps[] = {
		{.url = "/items/I1?", .body = ITEM("P", "c1")},
		{.url = "/items/I1/permissions", .body = "{\"value\":[" OWNER "," PERSON "," A_LINK "]}"},
		{.method = "DELETE", .url = "/permissions/p1", .status = 204},
		{.method = "DELETE", .url = "/permissions/l1", .status = 403, .body = "{\"error\":{\"code\":\"accessDenied\",\"message\":\"policy\"}}"},
		{.url = "/items/I1?", .body = ITEM("P", "c1")},
		{.method = "PATCH", .url = "/items/I1?@microsoft.graph.conflictBehavior=rename", .wants = "If-Match: e", .status = 412},
		{.url = "/items/I1?", .body = ITEM("P", "c1")},
		{.method = "PATCH", .url = "/items/I1?", .wants = "{\"parentReference\":{\"id\":\"Q\"}",
			.body = "{\"id\":\"I1\",\"name\":\"a 1.txt\",\"parentReference\":{\"id\":\"Q\"}}"},
		{0},
	};
	struct err err = {0};
	char receipt[1024];
	RECEIPT(out);

	mock_script(steps);
	snprintf(receipt, sizeof(receipt), HELD_RECEIPT, "");
	expect_ok(mock_connector()->quarantine(c, receipt, false, &out, &err), &err);
	_cleanup_json_ cJSON *doc = cJSON_Parse(buf_str(&out));
	/* Shared after the plan: written down before it is removed. */
	assert_int_equal(cJSON_GetArraySize(json_array(doc, "permissions")), 2);
	assert_int_equal(cJSON_GetArraySize(json_array(doc, "kept_permissions")), 1);
	assert_string_equal(json_str(doc, "held_name"), "a 1.txt");
	mock_close(c);
}

static void test_changed_after_unsharing(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	const struct step steps[] = {
		{.url = "/items/I1?", .body = ITEM("P", "c1")},
		{.url = "/items/I1/permissions", .body = "{\"value\":[" PERSON "]}"},
		{.method = "DELETE", .url = "/permissions/p1", .status = 204},
		{.url = "/items/I1?", .body = ITEM("P", "c2")},
		/* Its sharing comes back. */
		{.url = "/items/I1/permissions", .body = "{\"value\":[]}"},
		{.method = "POST", .url = "/items/I1/invite", .wants = "\"email\":\"ken@aoba.example\"", .body = "{\"value\":[]}"},
		{0},
	};
	struct err err = {0};
	char receipt[1024];
	RECEIPT(out);

	mock_script(steps);
	snprintf(receipt, sizeof(receipt), HELD_RECEIPT, PERSON);
	expect_error(mock_connector()->quarantine(c, receipt, false, &out, &err), &err, ERR_CHANGED, "changed");
	mock_close(c);
}

static void test_held_by_retention(void **state)
{
	static const struct {
		int status;
		const char *body, *label;
		enum err_class class;
		const char *code;
	} cases[] = {
		{423, "{\"error\":{\"code\":\"resourceLocked\"}}", "{\"name\":\"Keep 10 years\"}", ERR_REMOTE, "held"},
		{403, "{\"error\":{\"code\":\"accessDenied\",\"message\":\"a retention policy\"}}", NULL, ERR_REMOTE, "held"},
		{423, "{\"error\":{\"code\":\"resourceLocked\"}}", "{}", ERR_RETRY, "locked"},
		{403, "{\"error\":{\"code\":\"accessDenied\"}}", "{}", ERR_REMOTE, "forbidden"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct connection *c = mock_open(SERVICE_FILES, true, NULL);
		const struct step steps[] = {
			{.url = "/items/I1?", .body = ITEM("P", "c1")},
			{.url = "/items/I1/permissions", .body = "{\"value\":[]}"},
			{.url = "/items/I1?", .body = ITEM("P", "c1")},
			{.method = "PATCH", .url = "/items/I1?", .wants = "bypass-shared-lock", .status = cases[i].status, .body = cases[i].body},
			{.url = cases[i].label ? "/items/I1/retentionLabel" : NULL, .body = cases[i].label},
			{0},
		};
		struct err err = {0};
		char receipt[1024];
		RECEIPT(out);
		mock_script(steps);
		snprintf(receipt, sizeof(receipt), HELD_RECEIPT, "");
		expect_error(mock_connector()->quarantine(c, receipt, false, &out, &err), &err, cases[i].class, cases[i].code);
		mock_close(c);
	}
}

static void test_restore_of_a_file(void **state)
{
	struct connection *c = mock_open(SERVICE_FILES, true, NULL);
	const struct step steps[] = {
		{.url = "/items/I1?", .body = ITEM("Q", "c1")},
		{.method = "PATCH", .url = "/items/I1?", .wants = "\"id\":\"P\"", .status = 404, .body = "{\"error\":{\"code\":\"itemNotFound\"}}"},
		{.url = "/drives/D1/root", .body = "{\"id\":\"R\"}"},
		{.method = "PATCH", .url = "/items/I1?", .wants = "\"id\":\"R\"",
			.body = "{\"id\":\"I1\",\"name\":\"a 1.txt\",\"parentReference\":{\"id\":\"R\"}}"},
		{.url = "/items/I1/permissions", .body = "{\"value\":[" PERSON "]}"}, /* that one is there already */
		{.method = "POST", .url = "/items/I1/createLink", .wants = "\"scope\":\"anonymous\"", .body = "{\"link\":{\"webUrl\":\"https://new\"}}"},
		{.url = "/items/I1?", .body = ITEM("R", "c1")},
		{0},
	};
	struct observation seen = {0};
	struct err err = {0};
	char receipt[2048];
	RECEIPT(out);

	mock_script(steps);
	snprintf(receipt, sizeof(receipt), HELD_RECEIPT, PERSON "," A_LINK "," A_SITE_GROUP);
	expect_ok(mock_connector()->restore(c, receipt, true, &out, &err), &err);
	assert_non_null(strstr(buf_str(&out), "its folder /Docs is gone"));
	assert_non_null(strstr(buf_str(&out), "its name a.txt was taken: it is called a 1.txt now"));
	assert_non_null(strstr(buf_str(&out), "has a new address: https://new"));
	assert_non_null(strstr(buf_str(&out), "it is for nobody that can be invited"));
	expect_ok(mock_connector()->observe(c, buf_str(&out), &seen, &err), &err);
	assert_true(seen.exists && seen.restored && !seen.quarantined);
	mock_close(c);
}

/* ---- mail ---- */

#define MESSAGE(folder) "{\"id\":\"M1\",\"parentFolderId\":\"" folder "\",\"isDraft\":false,\"categories\":[\"Blue\"]}"
#define MAIL_RECEIPT                                                                                                   \
	"{\"v\":1,\"kind\":\"mail\",\"version\":\"1\",\"user\":\"U1\",\"id\":\"M1\",\"place\":{\"id\":\"Q\"}," \
	"\"categories\":[\"Blue\"],\"parent\":{\"id\":\"F1\",\"path\":\"/Inbox\"}}"

static void test_mail_place_taken_by_a_person(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL, true, NULL);
	const struct step steps[] = {
		{.url = "/users/U1/messages/M1", .wants = "ImmutableId", .body = MESSAGE("F1")},
		{.url = "/users/U1/mailFolders?includeHiddenFolders=true",
			.body = "{\"value\":[{\"id\":\"V\",\"displayName\":\"sekisho-quarantine\",\"isHidden\":false}]}"},
		{.method = "POST", .url = "/users/U1/mailFolders", .wants = "\"isHidden\":true", .status = 409,
			.body = "{\"error\":{\"code\":\"ErrorFolderExists\"}}"},
		{.url = "/users/U1/mailFolders?includeHiddenFolders=true",
			.body = "{\"value\":[{\"id\":\"V\",\"displayName\":\"sekisho-quarantine\",\"isHidden\":false}]}"},
		{.method = "POST", .url = "/users/U1/mailFolders", .wants = "\"displayName\":\"sekisho-quarantine-", .status = 201,
			.body = "{\"id\":\"Q\"}"},
		{0},
	};
	struct err err = {0};
	RECEIPT(receipt);

	mock_script(steps);
	expect_ok(mock_connector()->plan(c, &mail_stream, &mail, NULL, "op", &receipt, &err), &err);
	assert_non_null(strstr(buf_str(&receipt), "\"place\":{\"id\":\"Q\"}"));
	assert_non_null(strstr(buf_str(&receipt), "\"path\":\"/Inbox\""));
	mock_close(c);
}

static void test_quarantine_of_mail_whose_place_is_gone(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL, true, NULL);
	const struct step steps[] = {
		{.url = "/users/U1/messages/M1", .body = MESSAGE("F1")},
		{.method = "POST", .url = "/users/U1/messages/M1/move", .wants = "\"destinationId\":\"Q\"", .status = 404,
			.body = "{\"error\":{\"code\":\"ErrorItemNotFound\"}}"},
		{.url = "/users/U1/messages/M1", .body = MESSAGE("F1")},
		{.url = "/users/U1/mailFolders?", .body = "{\"value\":[{\"id\":\"Q2\",\"displayName\":\"sekisho-quarantine\",\"isHidden\":true}]}"},
		{.method = "POST", .url = "/users/U1/messages/M1/move", .wants = "\"destinationId\":\"Q2\"", .status = 201, .body = MESSAGE("Q2")},
		{0},
	};
	struct err err = {0};
	RECEIPT(out);

	mock_script(steps);
	expect_ok(mock_connector()->quarantine(c, MAIL_RECEIPT, false, &out, &err), &err);
	assert_non_null(strstr(buf_str(&out), "\"place\":{\"id\":\"Q2\"}"));
	mock_close(c);
}

static void test_restore_of_mail_whose_folder_is_gone(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL, true, NULL);
	const struct step steps[] = {
		{.url = "/users/U1/messages/M1", .body = MESSAGE("Q")},
		{.method = "POST", .url = "/users/U1/messages/M1/move", .wants = "\"destinationId\":\"F1\"", .status = 404,
			.body = "{\"error\":{\"code\":\"ErrorItemNotFound\"}}"},
		{.method = "POST", .url = "/users/U1/messages/M1/move", .wants = "\"destinationId\":\"inbox\"", .status = 201, .body = MESSAGE("IN")},
		/* A service that dropped the categories gets them back. */
		{.url = "/users/U1/messages/M1", .body = "{\"id\":\"M1\",\"parentFolderId\":\"IN\",\"categories\":[]}"},
		{.method = "PATCH", .url = "/users/U1/messages/M1", .wants = "{\"categories\":[\"Blue\"]}", .body = "{}"},
		{.url = "/users/U1/messages/M1", .body = MESSAGE("IN")},
		{.url = "/users/U1/mailFolders/IN", .body = "{\"displayName\":\"Inbox\"}"},
		/* Once more, from the receipt of before: it is seen to be out. */
		{.url = "/users/U1/messages/M1", .body = MESSAGE("IN")},
		{.url = "/users/U1/messages/M1", .body = MESSAGE("IN")},
		{0},
	};
	struct observation seen = {0};
	struct err err = {0};
	RECEIPT(out);
	RECEIPT(again);

	mock_script(steps);
	expect_ok(mock_connector()->restore(c, MAIL_RECEIPT, true, &out, &err), &err);
	assert_non_null(strstr(buf_str(&out), "its folder /Inbox is gone"));
	expect_ok(mock_connector()->observe(c, buf_str(&out), &seen, &err), &err);
	assert_true(seen.exists && seen.restored && !seen.quarantined);
	assert_string_equal(seen.place, "/Inbox");
	expect_ok(mock_connector()->restore(c, MAIL_RECEIPT, true, &again, &err), &err);
	mock_close(c);
}

static void test_deleting_without_permanent_delete(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL, true, NULL);
	const struct step steps[] = {
		{.url = "/users/U1/messages/M1", .body = MESSAGE("Q")},
		{.method = "POST", .url = "/users/U1/messages/M1/permanentDelete", .status = 405},
		{.method = "DELETE", .url = "/users/U1/messages/M1", .status = 204},
		/* The call is not there; the message is. */
		{.url = "/users/U1/messages/M1", .body = MESSAGE("Q")},
		{.method = "POST", .url = "/users/U1/messages/M1/permanentDelete", .status = 404},
		{.method = "DELETE", .url = "/users/U1/messages/M1", .status = 204},
		{.url = "/users/U1/messages/M1", .status = 404},
		{.url = "/users/U1/messages/M1", .body = MESSAGE("F1")},
		{.url = "/users/U1/mailFolders/recoverableitemspurges?$select=id", .body = "{\"id\":\"P\"}"},
		{.url = "/users/U1/mailFolders/recoverableitemsdeletions?$select=id", .status = 404},
		{.url = "/users/U1/mailFolders/deleteditems?$select=id", .body = "{\"id\":\"D\"}"},
		/* What was deleted can still be read by its id. */
		{.url = "/users/U1/messages/M1", .body = MESSAGE("P")},
		{.url = "/users/U1/mailFolders/recoverableitemspurges?$select=id", .body = "{\"id\":\"P\"}"},
		{0},
	};
	struct err err = {0};

	mock_script(steps);
	expect_ok(mock_connector()->remove(c, MAIL_RECEIPT, false, &err), &err);
	expect_ok(mock_connector()->remove(c, MAIL_RECEIPT, false, &err), &err);
	expect_ok(mock_connector()->remove(c, MAIL_RECEIPT, true, &err), &err);
	expect_error(mock_connector()->remove(c, MAIL_RECEIPT, true, &err), &err, ERR_CHANGED, "not_quarantined");
	expect_ok(mock_connector()->remove(c, MAIL_RECEIPT, true, &err), &err);
	mock_close(c);
}

/* ---- Teams ---- */

static void test_teams_keeps_others_blocks(void **state)
{
	struct connection *c = mock_open(SERVICE_TEAMS, true, NULL);
	const struct stream_info stream = {.remote_id = "channel/T/C", .service = "teams", .owner = "Sales",
		.context = "{\"team\":\"T\",\"channel\":\"C\"}"};
	const struct item item = {.kind = ITEM_CHAT, .id = "channel:T/C/2", .version = "1", .context = "{\"id\":\"2\",\"reply_to\":\"1\"}"};
	const struct step steps[] = {
		{.url = "/v1.0/teams/T/channels/C/messages/1/replies/2", .body = "{\"id\":\"2\"}"},
		{.url = "/messages/1/replies/2", .body = "{\"id\":\"2\"}"},
		{.method = "PATCH", .url = "/messages/1/replies/2", .wants = "{\"policyViolation\":{\"dlpAction\":\"blockAccess\"", .status = 204},
		{.url = "/messages/1/replies/2", .body = "{\"id\":\"2\",\"policyViolation\":{\"dlpAction\":\"notifySender, blockAccess\"}}"},
		{.url = "/messages/1/replies/2", .body = "{\"id\":\"2\",\"policyViolation\":{\"dlpAction\":\"blockAccess\"}}"},
		{.method = "PATCH", .url = "/messages/1/replies/2", .wants = "{\"policyViolation\":{\"dlpAction\":\"none\"", .status = 200},
		{.url = "/messages/1/replies/2", .body = "{\"id\":\"2\",\"policyViolation\":{\"dlpAction\":\"blockAccess\"}}"},
		{.url = "/messages/1/replies/2", .body = "{\"id\":\"2\",\"policyViolation\":{\"dlpAction\":\"blockAccess\"}}"},
		{0},
	};
	struct observation seen = {0};
	struct err err = {0};
	RECEIPT(receipt);
	RECEIPT(out);
	RECEIPT(theirs);

	mock_script(steps);
	expect_ok(mock_connector()->plan(c, &stream, &item, NULL, "op", &receipt, &err), &err);
	expect_ok(mock_connector()->quarantine(c, buf_str(&receipt), false, &out, &err), &err);
	expect_ok(mock_connector()->observe(c, buf_str(&out), &seen, &err), &err);
	assert_true(seen.quarantined);
	buf_clear(&receipt);
	expect_ok(mock_connector()->restore(c, buf_str(&out), true, &receipt, &err), &err);
	/* Blocked before we came: undoing ours leaves that. */
	buf_clear(&receipt);
	expect_ok(mock_connector()->plan(c, &stream, &item, NULL, "op", &receipt, &err), &err);
	expect_ok(mock_connector()->restore(c, buf_str(&receipt), true, &theirs, &err), &err);
	expect_error(mock_connector()->remove(c, buf_str(&receipt), false, &err), &err, ERR_REMOTE, "unsupported");
	mock_close(c);
}

/* ---- streams and the grant ---- */

static size_t list_all(struct connection *c, struct arena *a, struct stream_info *out, size_t max)
{
	const char *cursor = NULL;
	size_t n = 0;

	do {
		struct stream_page page = {.arena = a};
		struct err err = {0};
		expect_ok(mock_connector()->list_streams(c, cursor, &page, &err), &err);
		for (size_t i = 0; i < page.n_streams; i++) {
			assert_true(n < max);
			out[n++] = page.streams[i];
		}
		cursor = page.next;
	} while (cursor);
	return n;
}

static void test_streams(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL | SERVICE_FILES, true, NULL);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	const struct step steps[] = {
		{.url = "/v1.0/users?$select=", .body = "{\"value\":[{\"id\":\"U1\",\"userPrincipalName\":\"mio@a\"},"
			"{\"id\":\"G\",\"userPrincipalName\":\"guest@b\",\"userType\":\"Guest\"},{\"id\":\"U2\",\"userPrincipalName\":\"ken@a\"}]}"},
		{.url = "/users/U2/mailFolders", .status = 404, .body = "{\"error\":{\"code\":\"MailboxNotHostedInExchangeOnline\"}}"},
		{.url = "/users/U2/drives", .status = 404, .body = "{\"error\":{\"code\":\"ResourceNotFound\"}}"},
		{.url = "/users/U2/drive", .status = 404, .body = "{\"error\":{\"code\":\"ResourceNotFound\"}}"},
		{.url = "/users/U1/mailFolders?includeHiddenFolders=true", .body = "{\"value\":[{\"id\":\"IN\",\"displayName\":\"Inbox\",\"childFolderCount\":1},"
			"{\"id\":\"Q\",\"displayName\":\"sekisho-quarantine\",\"isHidden\":true},"
			"{\"id\":\"S\",\"displayName\":\"Search\",\"@odata.type\":\"#microsoft.graph.mailSearchFolder\"}]}"},
		{.url = "/users/U1/mailFolders/IN/childFolders?includeHiddenFolders=true", .body = "{\"value\":[{\"id\":\"SUB\",\"displayName\":\"Sub\"}]}"},
		{.url = "/users/U1/drives", .body = "{\"value\":[{\"id\":\"D1\",\"name\":\"OneDrive\",\"driveType\":\"business\"}]}"},
		{.url = "/v1.0/sites/getAllSites", .status = 400, .body = "{\"error\":{\"code\":\"notSupported\"}}"},
		{.url = "/v1.0/sites?search=*", .body = "{\"value\":[{\"id\":\"S1\",\"displayName\":\"Sales\"},{\"id\":\"S2\",\"name\":\"Locked\"},"
			"{\"id\":\"S3\",\"webUrl\":\"https://x-my.sharepoint.com/personal/mio\"}]}"},
		{.url = "/sites/S2/drives", .status = 423, .body = "{\"error\":{\"code\":\"resourceLocked\"}}"},
		{.url = "/sites/S1/drives", .body = "{\"value\":[{\"id\":\"D2\",\"name\":\"Documents\"}]}"},
		{0},
	};
	struct stream_info s[32];

	mock_script(steps);
	size_t n = list_all(c, a, s, 32);
	assert_int_equal(n, 7);
	assert_string_equal(s[0].remote_id, "mail/U2");
	assert_int_equal(s[0].state, STREAM_UNLICENSED);
	assert_non_null(s[0].reason);
	assert_int_equal(s[1].state, STREAM_UNLICENSED);
	assert_string_equal(s[2].remote_id, "mail/U1/IN");
	assert_string_equal(s[3].name, "Inbox/Sub");
	assert_string_equal(s[4].remote_id, "drive/D1");
	assert_string_equal(s[5].reason, "site: locked (HTTP 423 resourceLocked: )");
	assert_string_equal(s[6].owner, "Sales");
	assert_string_equal(s[6].service, "sharepoint");
	mock_close(c);
}

/* A service that lacks what we can do without: one drive instead of a list, folders in sight only. */
static void test_streams_of_a_plain_service(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL | SERVICE_FILES, true, NULL);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	const struct step steps[] = {
		{.url = "/v1.0/users?$select=", .body = "{\"value\":[{\"id\":\"U1\"}]}"},
		{.url = "/users/U1/mailFolders?includeHiddenFolders=true", .status = 400, .body = "{\"error\":{\"code\":\"BadRequest\"}}"},
		{.url = "/users/U1/mailFolders?$top=", .body = "{\"value\":[{\"id\":\"IN\"}]}"},
		{.url = "/users/U1/drives", .status = 501},
		{.url = "/users/U1/drive", .body = "{\"id\":\"D1\"}"},
		{.url = "/v1.0/sites/getAllSites", .status = 403, .body = "{\"error\":{\"code\":\"accessDenied\"}}"},
		{.url = "/v1.0/sites?search=*", .status = 400, .body = "{}"},
		{0},
	};
	struct stream_info s[32];

	mock_script(steps);
	assert_int_equal(list_all(c, a, s, 32), 3);
	assert_string_equal(s[0].remote_id, "mail/U1/IN");
	assert_string_equal(s[1].remote_id, "drive/D1");
	assert_string_equal(s[2].remote_id, "drive/sites");
	assert_int_equal(s[2].state, STREAM_FORBIDDEN);
	mock_close(c);
}

/* A server that ignores $top: the page is worked off in steps, and the cursor stays small. */
static void test_streams_of_a_huge_page(void **state)
{
	enum { USERS = 1000 };
	struct connection *c = mock_open(SERVICE_TEAMS, false, NULL);
	_cleanup_buf_ struct buf users = BUF_INIT(1 << 20);
	_cleanup_(arena_freep) struct arena *a = arena_new(16 << 20);
	struct step steps[USERS / 40 + 2] = {{0}};
	static struct stream_info s[USERS + 8];

	buf_adds(&users, "{\"value\":[");
	for (int i = 0; i < USERS; i++)
		buf_addf(&users, "%s{\"id\":\"user-%d\",\"userPrincipalName\":\"user-%d@a\"}", i ? "," : "", i, i);
	buf_adds(&users, "]}");
	for (int i = 0; i < USERS / 40; i++)
		steps[i] = (struct step){.url = "/v1.0/users", .body = buf_str(&users)};
	steps[USERS / 40] = (struct step){.url = "/v1.0/teams", .status = 403, .body = "{\"error\":{\"code\":\"Forbidden\"}}"};
	mock_script(steps);
	assert_int_equal(list_all(c, a, s, USERS + 8), USERS + 1);
	assert_string_equal(s[999].remote_id, "chat/user-999");
	assert_int_equal(s[1000].state, STREAM_FORBIDDEN);
	mock_close(c);
}

static void test_streams_without_users(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL, true, NULL);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct stream_page page = {.arena = a};
	const struct step steps[] = {
		{.url = "/v1.0/users", .status = 403, .body = "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}"},
		{.url = "/v1.0/users", .body = "{\"value\":[{\"id\":\"U1\",\"userPrincipalName\":\"mio@a\"}]}"},
		{.url = "/users/U1/mailFolders", .status = 503, .header = "retry-after: 9"},
		{0},
	};
	struct err err = {0};

	mock_script(steps);
	expect_error(mock_connector()->list_streams(c, NULL, &page, &err), &err, ERR_CONSENT, "forbidden");
	assert_int_equal(err.scope, SCOPE_CONNECTION);
	/* A passing failure must not make a mailbox look as if it were gone. */
	expect_error(mock_connector()->list_streams(c, NULL, &page, &err), &err, ERR_RETRY, "throttled");
	mock_close(c);
}

static void test_grant(void **state)
{
	struct connection *c = mock_open(SERVICE_MAIL | SERVICE_FILES, true, NULL);
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};
	const struct step steps[] = {
		{.url = "/v1.0/organization", .body = "{\"value\":[{\"id\":\"O\",\"displayName\":\"Aoba\"}]}"},
		{.url = "/v1.0/users?", .body = "{\"value\":[{\"id\":\"U1\"},{\"id\":\"U2\"}]}"},
		/* Closed to the application, or without a mailbox: the next one tells. */
		{.url = "/users/U1/mailFolders/inbox/messages", .status = 403, .body = "{\"error\":{\"code\":\"ErrorAccessDenied\"}}"},
		{.url = "/users/U2/mailFolders/inbox/messages", .body = "{\"value\":[]}"},
		{.method = "POST", .url = "/users/U2/messages/sekisho-probe/move", .status = 403, .body = "{\"error\":{\"code\":\"ErrorAccessDenied\"}}"},
		{.url = "/users/U1/drive", .status = 404, .body = "{}"},
		{.url = "/users/U2/drive", .body = "{\"id\":\"D2\"}"},
		{.url = "/v1.0/sites?search=*", .status = 403, .body = "{\"error\":{\"code\":\"accessDenied\"}}"},
		{.method = "PATCH", .url = "/drives/D2/items/sekisho-probe", .status = 404, .body = "{\"error\":{\"code\":\"itemNotFound\"}}"},
		{0},
	};
	struct err err = {0};

	mock_script(steps);
	expect_ok(mock_connector()->check_grant(c, &report, &err), &err);
	assert_string_equal(report.organisation, "Aoba");
	assert_string_equal(report.missing[0], "Mail.ReadWrite (move, restore and delete mail)");
	assert_string_equal(report.missing[1], "Sites.Read.All (list sites and read their libraries)");
	assert_null(report.missing[2]);
	assert_string_equal(report.granted[4], "Files.ReadWrite.All");
	mock_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_download),
		cmocka_unit_test(test_rewritten_files),
		cmocka_unit_test(test_page_in_place_of_a_message),
		cmocka_unit_test(test_plan_writes_everything_down),
		cmocka_unit_test(test_containing_without_permissions),
		cmocka_unit_test(test_shared_with_thousands),
		cmocka_unit_test(test_place_without_anybody_to_invite),
		cmocka_unit_test(test_quarantine_of_a_file),
		cmocka_unit_test(test_changed_after_unsharing),
		cmocka_unit_test(test_held_by_retention),
		cmocka_unit_test(test_restore_of_a_file),
		cmocka_unit_test(test_mail_place_taken_by_a_person),
		cmocka_unit_test(test_quarantine_of_mail_whose_place_is_gone),
		cmocka_unit_test(test_restore_of_mail_whose_folder_is_gone),
		cmocka_unit_test(test_deleting_without_permanent_delete),
		cmocka_unit_test(test_teams_keeps_others_blocks),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_streams_of_a_plain_service),
		cmocka_unit_test(test_streams_of_a_huge_page),
		cmocka_unit_test(test_streams_without_users),
		cmocka_unit_test(test_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
