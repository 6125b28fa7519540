/* The suite's Microsoft 365: a small company, tokens by client secret, and what its people do. See connector_suite.h. */
#include "connector_suite.h"

#include "base/timeutil.h"

#define MIO "microsoft/users/mio@aoba.example/"
#define KEN "microsoft/users/ken@aoba.example/"

static void mail(struct suite *s, const char *path, const char *subject, const char *body)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	buf_addf(&text,
		"From: Stranger <stranger@out.example>\r\nTo: mio@aoba.example\r\nSubject: %s\r\n"
		"Message-ID: <%s@out.example>\r\nDate: Mon, 16 Nov 2026 10:00:00 +0900\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		subject, subject, body);
	suite_seed(s, path, buf_str(&text));
}

static void seed(struct suite *s)
{
	mail(s, MIO "mail/Inbox/1.eml", "greetings", "hello");
	mail(s, MIO "mail/Inbox/2.eml", "invoice", SUITE_MARKER);
	mail(s, MIO "mail/Inbox/3.eml", "lunch", "at noon?");
	mail(s, MIO "mail/Archive/2025/Old/4.eml", "old", "far below");
	mail(s, KEN "mail/Inbox/5.eml", "hi-ken", "hello ken");
	suite_seed(s, MIO "drive/Docs/threat.txt", "a threat " SUITE_MARKER "\n");
	suite_seed(s, MIO "drive/Docs/threat.txt.sharing.json",
		"[\"user:ken@aoba.example:write\",\"user:guest@partner.example:read\",\"link:anonymous:view\",\"link:organization:edit\"]");
	suite_seed(s, MIO "drive/Docs/\xe6\x97\xa5\xe6\x9c\xac.txt", "a Japanese name\n");
	suite_seed(s, MIO "drive/empty.txt", "");
	suite_seed(s, MIO "drive/bad.exe", "Microsoft knows it");
	suite_seed(s, MIO "drive/a/b/c/deep.txt", "deep");
	suite_seed(s, KEN "drive/notes.txt", "notes of ken");
	suite_seed(s, "microsoft/sites/Sales/Documents/plan.txt", "the plan");
	suite_seed(s, "microsoft/sites/Sales/Contracts/one.txt", "the contract");
	suite_seed(s, "microsoft/teams/Sales/General/1.json",
		"{\"from\":\"mio@aoba.example\",\"body\":\"<p>" SUITE_MARKER "</p>\",\"created\":\"2026-11-16T01:00:00Z\"}");
	suite_seed(s, "microsoft/teams/Sales/General/2.json",
		"{\"from\":\"ken@aoba.example\",\"body\":\"<p>fine</p>\",\"created\":\"2026-11-16T01:00:05Z\"}");
	suite_seed(s, "microsoft/chats/mio@aoba.example,ken@aoba.example/1.json",
		"{\"from\":\"ken@aoba.example\",\"body\":\"<p>psst</p>\",\"created\":\"2026-11-16T02:00:00Z\"}");
	suite_seed(s, "microsoft/users/gone@aoba.example/mail/Inbox/.keep", "");
	suite_seed(s, "microsoft/.sekisho-seed.json",
		"{\"unlicensed\":[\"gone@aoba.example\"],\"malware\":[\"users/mio@aoba.example/drive/bad.exe\"],"
		"\"groups\":{\"\xe7\xb5\x8c\xe7\x90\x86\":[\"mio@aoba.example\"]}}");
}

static int token(struct suite *s, const char *subject, struct buf *ret, struct err *err)
{
	_cleanup_wipe_ struct buf form = BUF_INIT(65536), secret = BUF_INIT(4096);
	_cleanup_buf_ struct buf url = BUF_INIT(4096);
	_cleanup_response_ struct http_response r = {0};
	_cleanup_json_ cJSON *doc = NULL;

	suite_read(s, "aoba-m365.secret", &secret);
	while (secret.len && secret.data[secret.len - 1] == '\n')
		secret.data[--secret.len] = '\0';
	buf_addf(&url, "%s/%s/oauth2/v2.0/token", suite_url(s, "login"), suite_option(s, "grant", "directory"));
	form_add(&form, "client_id", suite_option(s, "grant", "client_id"));
	form_add(&form, "client_secret", buf_str(&secret));
	form_add(&form, "grant_type", "client_credentials");
	form_add(&form, "scope", "https://graph.microsoft.com/.default");
	const struct http_request req = {.method = "POST", .url = buf_str(&url), .body = form.data, .body_len = form.len,
		.content_type = "application/x-www-form-urlencoded"};
	if (http_call(suite_http(s), &req, &r, err) < 0)
		return -1;
	if (r.status != 200 || http_json(&r, &doc, err) < 0) {
		err_set(err, ERR_CONSENT, "token_refused", "HTTP %d: %.200s", r.status, buf_str(&r.body));
		return err_scope(err, SCOPE_CONNECTION);
	}
	return buf_adds(ret, json_str_or(doc, "access_token", ""));
}

/* ---- what people do ---- */

static cJSON *graph(struct suite *s, const char *method, const char *path, const char *type, const char *body)
{
	_cleanup_buf_ struct buf url = BUF_INIT(8192);

	buf_addf(&url, "%s/v1.0%s", suite_url(s, "graph"), path);
	return suite_call(s, "", method, buf_str(&url), body ? type : NULL, body, body ? strlen(body) : 0);
}

/* "/drives/ID" of mio. */
static void mios_drive(struct suite *s, struct buf *ret)
{
	_cleanup_json_ cJSON *doc = graph(s, "GET", "/users/mio@aoba.example/drive", NULL, NULL);

	buf_addf(ret, "/drives/%s", json_str(doc, "id"));
}

static char *add_file(struct suite *s, const char *name, const char *text)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4096);

	mios_drive(s, &path);
	buf_adds(&path, "/root:/");
	url_encode(&path, name, NULL);
	buf_adds(&path, ":/content");
	_cleanup_json_ cJSON *doc = graph(s, "PUT", buf_str(&path), "text/plain", text);
	assert_non_null(json_str(doc, "id"));
	return strdup(json_str(doc, "id"));
}

static void on_file(struct suite *s, const char *method, const char *id, const char *tail, const char *type, const char *body)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4096);

	mios_drive(s, &path);
	buf_addf(&path, "/items/%s%s", id, tail);
	json_free(graph(s, method, buf_str(&path), type, body));
}

static void change_file(struct suite *s, const char *id, const char *text)
{
	on_file(s, "PUT", id, "/content", "text/plain", text);
}

static void rename_file(struct suite *s, const char *id, const char *name)
{
	_cleanup_buf_ struct buf body = BUF_INIT(4096);

	buf_addf(&body, "{\"name\":\"%s\"}", name);
	on_file(s, "PATCH", id, "", "application/json", buf_str(&body));
}

static void delete_file(struct suite *s, const char *id)
{
	on_file(s, "DELETE", id, "", NULL, NULL);
}

static char *add_mail(struct suite *s, const char *mime)
{
	_cleanup_buf_ struct buf text = BUF_INIT(65536);

	base64_encode(&text, mime, strlen(mime));
	_cleanup_json_ cJSON *made =
		graph(s, "POST", "/users/mio@aoba.example/mailFolders/inbox/messages", "text/plain", buf_str(&text));
	assert_non_null(json_str(made, "id"));
	/* The import answers with a default id; findings carry the immutable one. */
	_cleanup_buf_ struct buf body = BUF_INIT(8192);
	buf_addf(&body, "{\"inputIds\":[\"%s\"],\"sourceIdType\":\"restId\",\"targetIdType\":\"restImmutableEntryId\"}",
		json_str(made, "id"));
	_cleanup_json_ cJSON *ids =
		graph(s, "POST", "/users/mio@aoba.example/translateExchangeIds", "application/json", buf_str(&body));
	const char *id = json_str(cJSON_GetArrayItem(json_array(ids, "value"), 0), "targetId");
	assert_non_null(id);
	return strdup(id);
}

static void delete_mail(struct suite *s, const char *id)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4096);

	buf_addf(&path, "/users/mio@aoba.example/messages/%s/permanentDelete", id);
	json_free(graph(s, "POST", buf_str(&path), NULL, NULL));
}

static const struct suite_target target = {
	.connector = "microsoft",
	.connection = "aoba-m365",
	.services = SERVICE_MAIL | SERVICE_FILES | SERVICE_TEAMS,
	.unlicensed = "gone@aoba.example",
	.seed = seed,
	.token = token,
	.threat_file = "threat.txt",
	.threat_mail = "invoice",
	.threat_chat_body = SUITE_MARKER,
	.group = "\xe7\xb5\x8c\xe7\x90\x86", /* 経理 */
	.marks_sharing = true,
	.add_file = add_file,
	.change_file = change_file,
	.rename_file = rename_file,
	.delete_file = delete_file,
	.add_mail = add_mail,
	.delete_mail = delete_mail,
};

/* ---- a grant that lacks permissions ---- */

static void seed_narrow(struct suite *s)
{
	mail(s, MIO "mail/Inbox/1.eml", "greetings", "hello");
	suite_seed(s, MIO "drive/a.txt", "a");
	suite_seed(s, "microsoft/sites/Sales/Documents/plan.txt", "the plan");
	suite_seed(s, "microsoft/teams/Sales/General/1.json",
		"{\"from\":\"mio@aoba.example\",\"body\":\"<p>hi</p>\",\"created\":\"2026-11-16T01:00:00Z\"}");
	suite_seed(s, "microsoft/.sekisho-seed.json",
		"{\"roles\":[\"User.Read.All\",\"Organization.Read.All\",\"Mail.ReadBasic.All\",\"Files.Read.All\"]}");
}

static const struct suite_target narrow = {
	.connector = "microsoft",
	.connection = "aoba-m365",
	.services = SERVICE_MAIL | SERVICE_FILES | SERVICE_TEAMS,
	.seed = seed_narrow,
	.token = token,
};

static bool lists(const char *const *list, const char *permission)
{
	for (; list && *list; list++)
		if (strncmp(*list, permission, strlen(permission)) == 0)
			return true;
	return false;
}

static void test_missing_permissions(void **state)
{
	static const char *const missing[] = {"Mail.ReadWrite", "Files.ReadWrite.All", "Team.ReadBasic.All", "Chat.Read.All",
		"Chat.UpdatePolicyViolation.All"};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct grant_report report = {.arena = a};
	struct suite *s = NULL;
	struct err err = {0};

	suite_start(&narrow, 0, NULL, &s);
	if (suite_connector(s)->check_grant(suite_connection(s), &report, &err) < 0)
		fail_msg("check_grant: %s: %s", err.code, err.message);
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		if (!lists(report.missing, missing[i]))
			fail_msg("not missing: %s", missing[i]);
	assert_true(lists(report.granted, "User.Read.All"));
	assert_true(lists(report.granted, "Files.Read.All"));
	/* What may be read is listed, what may not says so. */
	struct follow *f = follow_new(s);
	bool drive = false, teams = false;
	follow_streams(f);
	for (size_t i = 0; i < f->n_streams; i++) {
		const struct stream_info *info = &f->streams[i].info;
		drive = drive || (strncmp(info->remote_id, "drive/b!", 8) == 0 && info->state == STREAM_ACTIVE);
		teams = teams || (strcmp(info->remote_id, "channel/teams") == 0 && info->state == STREAM_FORBIDDEN);
	}
	assert_true(drive && teams);
	follow_free(f);
	suite_stop(s);
}

/* ---- who has access, and people, in what only Microsoft has ---- */

static void seed_people(struct suite *s)
{
	suite_seed(s, MIO "drive/Docs/inherits.txt", "shared by its folder");
	suite_seed(s, MIO "drive/mixed.txt", "a link for two");
	suite_seed(s, KEN "drive/a.txt", "a");
	suite_seed(s, "microsoft/.sekisho-seed.json",
		"{\"names\":{\"mio@aoba.example\":\"\xe6\xbe\xaa\"},\"titles\":{\"mio@aoba.example\":\"CEO\"},"
		"\"departments\":{\"mio@aoba.example\":\"\xe7\xb5\x8c\xe7\x90\x86\"},"
		"\"aliases\":{\"mio@aoba.example\":[\"Mio.Sato@aoba.co.example\"]},\"domains\":[\"Aoba.co.example\"],"
		"\"groups\":{\"Board\":[\"mio@aoba.example\"],\"Empty\":[]}}");
}

static const struct suite_target peopled = {
	.connector = "microsoft",
	.connection = "aoba-m365",
	.services = SERVICE_FILES,
	.seed = seed_people,
	.token = token,
};

static struct follow *follow_people(struct suite **ret)
{
	suite_start(&peopled, 0, NULL, ret);
	struct follow *f = follow_new(*ret);
	f->backlog = BACKLOG_ALL;
	follow_streams(f);
	follow_poll(f);
	return f;
}

static void share(struct suite *s, const char *path, const char *call, const char *body)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096);

	mios_drive(s, &url);
	buf_addf(&url, "/root:/%s:/%s", path, call);
	json_free(graph(s, "POST", buf_str(&url), "application/json", body));
}

static void test_shared_by_a_folder(void **state)
{
	const struct act_request act = {.kind = ACT_UNSHARE};
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct sharing seen = {.arena = a};
	struct err err = {0};
	struct suite *s = NULL;
	_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX);

	struct follow *f = follow_people(&s);
	struct seen_item *it = follow_find_name(f, ITEM_FILE, "inherits.txt");
	share(s, "Docs", "invite", "{\"recipients\":[{\"email\":\"Guest@Partner.example\"}],\"roles\":[\"read\"],"
		"\"requireSignIn\":true,\"sendInvitation\":false}");
	assert_int_equal(suite_connector(s)->sharing(suite_connection(s), &f->streams[it->stream].info, &it->item, &seen, &err), 0);
	assert_int_equal(seen.n_outside, 1);
	assert_string_equal(seen.outside[0], "guest@partner.example");
	assert_false(seen.public_link);
	assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), -1);
	assert_string_equal(err.code, "not_effective");
	assert_non_null(strstr(err.message, "/Docs"));
	/* Its own link ends all the same, and comes back from the plan's receipt. */
	share(s, "Docs/inherits.txt", "createLink", "{\"type\":\"view\",\"scope\":\"anonymous\"}");
	assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), 0);
	assert_int_equal(act_quarantine(f, &receipt, &err), -1);
	assert_string_equal(err.code, "not_effective");
	seen = (struct sharing){.arena = a};
	assert_int_equal(suite_connector(s)->sharing(suite_connection(s), &f->streams[it->stream].info, &it->item, &seen, &err), 0);
	assert_false(seen.public_link);
	assert_int_equal(act_restore(f, &receipt, &err), 0);
	assert_int_equal(suite_connector(s)->sharing(suite_connection(s), &f->streams[it->stream].info, &it->item, &seen, &err), 0);
	assert_true(seen.public_link);
	follow_free(f);
	suite_stop(s);
}

/* Whom the links of mio's mixed.txt are for, as one text. */
static void people_of_links(struct suite *s, struct buf *ret)
{
	_cleanup_buf_ struct buf url = BUF_INIT(4096);
	const cJSON *permission, *who;

	mios_drive(s, &url);
	buf_adds(&url, "/root:/mixed.txt:/permissions");
	_cleanup_json_ cJSON *doc = graph(s, "GET", buf_str(&url), NULL, NULL);
	cJSON_ArrayForEach(permission, json_array(doc, "value"))
	{
		if (json_object(permission, "link"))
			buf_adds(ret, "link:");
		cJSON_ArrayForEach(who, json_array(permission, "grantedToIdentitiesV2"))
			buf_addf(ret, "%s,", json_str_or(json_object(who, "user"), "email", "?"));
	}
}

static void test_a_link_for_both(void **state)
{
	const struct act_request act = {.kind = ACT_UNSHARE};
	_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX), again = BUF_INIT(CONNECTOR_TEXT_MAX);
	_cleanup_buf_ struct buf before = BUF_INIT(4096), less = BUF_INIT(4096), after = BUF_INIT(4096);
	struct err err = {0};
	struct suite *s = NULL;

	struct follow *f = follow_people(&s);
	struct seen_item *it = follow_find_name(f, ITEM_FILE, "mixed.txt");
	share(s, "mixed.txt", "createLink", "{\"type\":\"view\",\"scope\":\"users\",\"recipients\":"
		"[{\"email\":\"ken@aoba.example\"},{\"email\":\"guest@partner.example\"}]}");
	people_of_links(s, &before);
	assert_string_equal(buf_str(&before), "link:ken@aoba.example,guest@partner.example,");
	assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), 0);
	buf_adds(&again, buf_str(&receipt));
	assert_int_equal(act_quarantine(f, &receipt, &err), 0);
	assert_int_equal(act_quarantine(f, &again, &err), 0);
	people_of_links(s, &less);
	assert_string_equal(buf_str(&less), "link:ken@aoba.example,");
	assert_int_equal(act_restore(f, &receipt, &err), 0);
	people_of_links(s, &after);
	assert_string_equal(buf_str(&after), buf_str(&before));
	follow_free(f);
	suite_stop(s);
}

static void test_a_person(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct people_page page = {.arena = a};
	struct err err = {0};
	struct suite *s = NULL;
	bool seen = false;

	suite_start(&peopled, 0, NULL, &s);
	if (suite_connector(s)->list_people(suite_connection(s), NULL, &page, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(page.n_domains, 2);
	assert_string_equal(page.domains[1], "aoba.co.example");
	for (size_t i = 0; i < page.n_people; i++) {
		const struct person *p = &page.people[i];
		if (strcmp(p->address, "mio@aoba.example") != 0)
			continue;
		seen = true;
		assert_string_equal(p->name, "\xe6\xbe\xaa");
		assert_string_equal(p->job_title, "CEO");
		assert_string_equal(p->org_unit, "\xe7\xb5\x8c\xe7\x90\x86");
		assert_string_equal(p->aliases[0], "mio.sato@aoba.co.example");
		assert_null(p->aliases[1]);
		assert_string_equal(p->groups[0], "Board");
		assert_null(p->groups[1]);
	}
	assert_true(seen);
	suite_stop(s);
}

/* Without the permission for groups people come all the same. */
static void test_people_without_groups(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new(1 << 20);
	struct people_page page = {.arena = a};
	struct err err = {0};
	struct suite *s = NULL;

	suite_start(&narrow, 0, NULL, &s);
	if (suite_connector(s)->list_people(suite_connection(s), NULL, &page, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(page.n_people > 0 && page.n_domains == 1);
	assert_non_null(page.missing);
	assert_non_null(strstr(page.missing, "GroupMember.Read.All"));
	suite_stop(s);
}

/* ---- Teams ---- */

static void seed_teams(struct suite *s)
{
	suite_seed(s, MIO "drive/.keep", "");
	suite_seed(s, KEN "drive/.keep", "");
	suite_seed(s, "microsoft/teams/Sales/General/1.json",
		"{\"from\":\"mio@aoba.example\",\"body\":\"<p>top</p>\",\"created\":\"2026-11-16T01:00:00Z\","
		"\"replies\":[{\"from\":\"ken@aoba.example\",\"body\":\"reply\",\"created\":\"2026-11-16T01:00:09Z\"}]}");
	suite_seed(s, "microsoft/chats/mio@aoba.example,ken@aoba.example/1.json",
		"{\"from\":\"ken@aoba.example\",\"body\":\"<p>chat</p>\",\"created\":\"2026-11-16T02:00:00Z\"}");
}

static const struct suite_target talking = {
	.connector = "microsoft",
	.connection = "aoba-m365",
	.services = SERVICE_TEAMS,
	.seed = seed_teams,
	.token = token,
};

/* Messages, replies and chats are blocked with the words of the rule, and come back. */
static void test_blocking_everywhere(void **state)
{
	const struct act_request act = {.kind = ACT_BLOCK, .notice = "\xe7\xa4\xbe\xe5\xa4\x96\xe7\xa7\x98"};
	bool reply = false, chat = false, top = false;
	struct err err = {0};
	struct suite *s = NULL;

	suite_start(&talking, 0, NULL, &s);
	struct follow *f = follow_new(s);
	f->backlog = BACKLOG_ALL;
	follow_streams(f);
	follow_poll(f);
	for (size_t i = 0; i < f->n_items; i++) {
		_cleanup_buf_ struct buf receipt = BUF_INIT(CONNECTOR_TEXT_MAX), path = BUF_INIT(4096);
		_cleanup_json_ cJSON *doc = NULL;
		struct observation seen = {0};
		const struct seen_item *it = &f->items[i];
		if (it->item.kind != ITEM_CHAT || it->item.skip)
			continue;
		_cleanup_free_ char *before = suite_state_text(s, "teams", it->item.id);
		assert_int_equal(act_plan_as(f, it, &act, &receipt, &err), 0);
		assert_int_equal(act_quarantine(f, &receipt, &err), 0);
		act_observe(f, buf_str(&receipt), &seen);
		assert_true(seen.quarantined && !seen.restored);
		assert_int_equal(json_parse(buf_str(&receipt), receipt.len, &doc, &err), 0);
		const char *id = json_str(doc, "id"), *parent = json_str(doc, "reply_to");
		reply = reply || parent;
		chat = chat || json_str(doc, "chat");
		top = top || (!parent && !json_str(doc, "chat"));
		if (json_str(doc, "chat"))
			buf_addf(&path, "/chats/%s/messages/%s", json_str(doc, "chat"), id);
		else
			buf_addf(&path, "/teams/%s/channels/%s/messages/%s%s%s", json_str(doc, "team"), json_str(doc, "channel"),
				parent ? parent : id, parent ? "/replies/" : "", parent ? id : "");
		_cleanup_json_ cJSON *message = graph(s, "GET", buf_str(&path), NULL, NULL);
		assert_string_equal(json_str_or(json_object(json_object(message, "policyViolation"), "policyTip"), "generalText", ""),
			act.notice);
		assert_int_equal(act_restore(f, &receipt, &err), 0);
		_cleanup_free_ char *after = suite_state_text(s, "teams", it->item.id);
		assert_string_equal(after, before);
	}
	assert_true(reply && chat && top);
	follow_free(f);
	suite_stop(s);
}

int main(void)
{
	const struct CMUnitTest own[] = {cmocka_unit_test(test_blocking_everywhere), cmocka_unit_test(test_missing_permissions), cmocka_unit_test(test_shared_by_a_folder),
		cmocka_unit_test(test_a_link_for_both), cmocka_unit_test(test_a_person),
		cmocka_unit_test(test_people_without_groups)};

	if (getenv("FAKECLOUD") && cmocka_run_group_tests_name("own", own, NULL, NULL) != 0)
		return 1;
	return suite_main(&target);
}
